"""Randomisation inference for a difference of weighted means. Arrays only.

The statistic of an assignment is the weighted mean over the units that have the experiment role
minus the weighted mean over the others. It is a function of a handful of sums over the
experiment units, so a draw costs one gather of as many numbers as there are experiment units.

Related tests: :mod:`~ballot_eval.estimation.adjusted` (covariates, rows within units),
:mod:`~ballot_eval.estimation.ratio` (ratio of rates), :mod:`~ballot_eval.estimation.paths`
(staggered designs), :mod:`~ballot_eval.estimation.joint` (families of outcomes).

Sources: Fisher (1935), The Design of Experiments; Imbens & Rubin (2015), Causal Inference, ch. 5
(inversion); Phipson & Smyth (2010), SAGMB 9(1) (p = (b+1)/(B+1), never 0); Wu & Ding (2021),
JASA 116 (studentised statistic).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.assignments import (
    Assignments,
    count_assignments,
    draw_assignments,
    gather_sums,
)
from ballot_eval.estimation.pvalue_curve import TIE_TOLERANCE, PValueCurve, monte_carlo_error

__all__ = [
    "TIE_TOLERANCE",
    "Assignments",
    "RandomisationResult",
    "check_inputs",
    "count_assignments",
    "difference_curve",
    "draw_assignments",
    "randomisation_test",
    "result_of",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RandomisationResult:
    """Outcome of a randomisation test; ``estimate`` and limits in the unit of the values.

    ``distribution`` holds the statistic of every assignment under no effect. ``p_error`` is the
    Monte-Carlo standard error of the p-value, 0 when exact. A limit is infinite when no finite
    effect can be rejected on that side.
    """

    estimate: float
    ci_lower: float
    ci_upper: float
    p_value: float
    p_error: float
    draws: int
    exact: bool
    distribution: FloatArray


def randomisation_test(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    *,
    weights: FloatArray | None = None,
    studentised: bool = False,
    confidence_level: float = 0.95,
) -> RandomisationResult:
    """Test and estimate an additive effect on ``values`` (n,) by reassigning the role.

    ``weights`` (n,) default to 1. The two-sided p-value counts |D_π| ≥ |D_obs| with a relative
    tolerance for ties; drawn p-values are (b+1)/(B+1). The interval holds every effect τ whose
    removal leaves a statistic that is not rejected at 1 − ``confidence_level``. Identical values
    give an estimate of 0 with p = 1 and an interval of that 0 alone: any other additive effect
    would have shown, as no value differs for another reason.
    Raises ValueError for NaN or infinite values, for weights that are not positive, for arrays
    that do not fit the assignments, and for a studentised statistic with one experiment unit or
    one control, which has no variance.
    """
    y, t = np.asarray(values, dtype=float), np.asarray(treated, dtype=bool)
    w = check_inputs(y, t, assignments, weights)
    curve = difference_curve(y, t, assignments, w, studentised=studentised)
    return result_of(curve, confidence_level)


def check_inputs(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    weights: FloatArray | None,
) -> FloatArray:
    """Return the weights (n,), 1 by default, after checking that everything fits together.

    Raises ValueError for shapes that differ, values that are not finite, weights that are not
    positive, and another number of experiment units than in the assignments.
    """
    w = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    if not values.shape == treated.shape == w.shape == (assignments.n_units,):
        msg = (
            f"values {values.shape}, roles {treated.shape} and weights {w.shape} must be vectors "
            f"over the {assignments.n_units} units of the assignments"
        )
        raise ValueError(msg)
    if int(treated.sum()) != assignments.members.shape[1]:
        msg = (
            f"{int(treated.sum())} experiment units, but the assignments have "
            f"{assignments.members.shape[1]}"
        )
        raise ValueError(msg)
    if not np.isfinite(values).all():
        msg = "values must be finite; leave units without a baseline out first"
        raise ValueError(msg)
    if not (np.isfinite(w).all() and (w > 0).all()):
        msg = "weights must be finite and positive"
        raise ValueError(msg)
    return w


def difference_curve(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    weights: FloatArray,
    *,
    studentised: bool,
) -> PValueCurve:
    """Return the p-value curve of a difference of weighted means, for checked arrays (n,).

    Raises ValueError for a studentised statistic with fewer than two units on a side.
    """
    if studentised and (treated.sum() < 2 or (~treated).sum() < 2):
        msg = "the studentised statistic needs at least two units with and two without the role"
        raise ValueError(msg)
    # Centring leaves every statistic as it is and keeps the sums of squares accurate.
    centred = values - np.average(values, weights=weights)
    if np.abs(centred).max() <= 1e-14 * np.abs(values).max():
        # Identical values: what is left is rounding, and would be compared with rounding.
        centred = np.zeros_like(values)
    role = treated.astype(float)
    observed = np.flatnonzero(treated)[None, :]
    a, b, scale = _statistics(centred, role, weights, assignments.members, scale=studentised)
    obs_a, _, obs_v = _statistics(centred, role, weights, observed, scale=studentised)
    return PValueCurve(
        a=a,
        b=b,
        estimate=float(obs_a[0]),
        exact=assignments.exact,
        scale=scale,
        observed_scale=max(float(obs_v[0][0]), 0.0) if studentised else 1.0,
    )


def result_of(curve: PValueCurve, confidence_level: float) -> RandomisationResult:
    """Return estimate, limits, p-value and its Monte-Carlo error from a curve."""
    lower, upper = curve.interval(confidence_level)
    p_value = curve.p_value(0.0)
    n = len(curve.a)
    return RandomisationResult(
        estimate=curve.estimate,
        ci_lower=lower,
        ci_upper=upper,
        p_value=p_value,
        p_error=monte_carlo_error(p_value, n, exact=curve.exact),
        draws=n,
        exact=curve.exact,
        distribution=curve.a,
    )


def _statistics(
    y: FloatArray, role: FloatArray, w: FloatArray, members: IntArray, *, scale: bool
) -> tuple[FloatArray, FloatArray, tuple[FloatArray, ...]]:
    """Return a, b and the scale parabola for every row of ``members``."""
    ww = w * w
    columns = [w * y, w * role, w]
    if scale:
        columns += [ww * y, ww * role, ww, ww * y * y, ww * y * role]
    # With equal weights some sums are the same for every assignment, others coincide.
    equal = bool(np.ptp(w) == 0)
    needed = [0, 1, 6, 7] if equal and scale else [0, 1] if equal else list(range(len(columns)))
    table = np.column_stack(columns)
    totals = table.sum(axis=0)
    sums = dict(zip(needed, gather_sums(table[:, needed], members), strict=True))
    k, w0 = members.shape[1], float(w[0])
    if equal:
        sums[2] = np.full(len(members), k * w0)
    if equal and scale:
        sums |= {3: w0 * sums[0], 4: w0 * sums[1], 5: w0 * sums[2]}

    def both(column: int) -> tuple[FloatArray, FloatArray]:
        return sums[column], totals[column] - sums[column]

    sum_y, sum_r, weight = both(0), both(1), both(2)
    mean_y = [s / v for s, v in zip(sum_y, weight, strict=True)]
    mean_r = [s / v for s, v in zip(sum_r, weight, strict=True)]
    a, b = mean_y[0] - mean_y[1], mean_r[0] - mean_r[1]
    if not scale:
        return a, b, ()
    v = [np.zeros(len(members)) for _ in range(3)]
    squares = [both(column) for column in (3, 4, 5, 6, 7)]
    for side, size in enumerate((k, len(y) - k)):
        sy, sr, s1, syy, syr = (pair[side] for pair in squares)
        my, mr = mean_y[side], mean_r[side]
        factor = size / (size - 1) / weight[side] ** 2
        # Variance of a weighted mean of y − τ·role, as a parabola in τ (role² = role).
        v[0] += factor * (syy - my * (2 * sy - my * s1))
        v[1] -= 2 * factor * (syr - my * sr - mr * (sy - my * s1))
        v[2] += factor * (sr - mr * (2 * sr - mr * s1))
    return a, b, tuple(v)
