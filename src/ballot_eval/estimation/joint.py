"""Randomisation tests of several outcomes at once, with adjusted p-values. Arrays only.

All outcomes get the same reassignments, so that the largest statistic of a family is compared
with the largest of every draw: correlated outcomes cost less than with a bound such as Holm's.

Sources: Westfall & Young (1993), Resampling-Based Multiple Testing (single-step max-T); Holm
(1979), Scandinavian Journal of Statistics 6; Phipson & Smyth (2010), SAGMB 9(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.assignments import Assignments
from ballot_eval.estimation.inference import check_inputs, difference_curve
from ballot_eval.estimation.pvalue_curve import (
    TIE_TOLERANCE,
    PValueCurve,
    monte_carlo_error,
    p_value_of,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: ``studentised``: difference over its standard error in the same assignment;
#: ``permutation_sd``: difference over its standard deviation over the assignments.
Scaling = Literal["studentised", "permutation_sd"]


@dataclass(frozen=True, slots=True)
class JointResult:
    """A family of K outcomes; every array is (K,) in the order of the columns.

    ``statistics`` are the scaled estimates. ``p_values`` are those of each outcome alone,
    ``p_max_t`` those adjusted by the joint distribution of the largest statistic, ``p_holm``
    those adjusted by Holm's method. The ``_errors`` are Monte-Carlo standard errors, 0 when exact.
    """

    estimates: FloatArray
    statistics: FloatArray
    p_values: FloatArray
    p_max_t: FloatArray
    p_holm: FloatArray
    p_value_errors: FloatArray
    p_max_t_errors: FloatArray
    draws: int
    exact: bool


def joint_randomisation_test(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    *,
    scaling: Scaling,
    weights: FloatArray | None = None,
) -> JointResult:
    """Test no effect on each of K outcomes, ``values`` (n, K), with family-wise adjustment.

    ``weights`` are (n,), or (n, K) when they differ per outcome, and default to 1. The max-T
    p-value of an outcome counts the assignments in which the largest of all K statistics reaches
    its own; ties count, within a relative tolerance, and drawn p-values are (b+1)/(B+1). An
    outcome that is the same for all units has statistic 0 and p = 1.
    Raises ValueError for the reasons given at :func:`randomisation_test`, and for a family
    without outcomes.
    """
    if scaling not in ("studentised", "permutation_sd"):
        msg = f"unknown scaling {scaling!r}"
        raise ValueError(msg)
    t = np.asarray(treated, dtype=bool)
    n = len(assignments.members)
    largest = np.zeros(n)
    estimates, observed, single = [], [], []
    for y, w in _outcomes(values, weights):
        curve = difference_curve(
            y,
            t,
            assignments,
            check_inputs(y, t, assignments, w),
            studentised=scaling == "studentised",
        )
        drawn, own = _scaled(curve)
        largest = np.maximum(largest, np.abs(drawn))
        estimates.append(curve.estimate)
        observed.append(own)
        single.append(_p_value(np.abs(drawn), own, exact=assignments.exact))
    p_max_t = [_p_value(largest, own, exact=assignments.exact) for own in observed]
    return JointResult(
        estimates=np.array(estimates),
        statistics=np.array(observed),
        p_values=np.array(single),
        p_max_t=np.array(p_max_t),
        p_holm=holm(np.array(single)),
        p_value_errors=_errors(single, n, exact=assignments.exact),
        p_max_t_errors=_errors(p_max_t, n, exact=assignments.exact),
        draws=n,
        exact=assignments.exact,
    )


def holm(p_values: FloatArray) -> FloatArray:
    """Return Holm's adjusted p-values of a family, in the order given.

    Raises ValueError unless all lie between 0 and 1.
    """
    p = np.asarray(p_values, dtype=float)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        msg = "p-values must be a vector of numbers between 0 and 1"
        raise ValueError(msg)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _outcomes(
    values: FloatArray, weights: FloatArray | None
) -> list[tuple[FloatArray, FloatArray | None]]:
    """Return the columns of the values, each with its own or the common weights."""
    y = np.asarray(values, dtype=float)
    if y.ndim != 2 or not y.shape[1]:
        msg = f"values must be a table of units by outcomes, not of shape {y.shape}"
        raise ValueError(msg)
    if weights is None:
        return [(column, None) for column in y.T]
    w = np.asarray(weights, dtype=float)
    if w.shape not in (y.shape, y.shape[:1]):
        msg = f"weights must be ({len(y)},) or {y.shape}, not {w.shape}"
        raise ValueError(msg)
    return list(zip(y.T, np.broadcast_to(w.T, y.T.shape), strict=True))


def _scaled(curve: PValueCurve) -> tuple[FloatArray, float]:
    """Return the scaled statistic of every assignment and of the observed one."""
    if curve.scale:
        squared = curve.scale[0]
        # What rounding leaves of a variance of zero must not become a scale.
        floor = 1e-13 * float(squared.max())
        squares = np.append(np.where(squared > floor, squared, 0.0), curve.observed_scale)
        squares[-1] = squares[-1] if squares[-1] > floor else 0.0
        scale = np.sqrt(squares)
    else:
        scale = np.full(len(curve.a) + 1, float(np.std(curve.a)))
    differences = np.append(curve.a, curve.estimate)
    # Nothing over nothing is no difference; something over nothing is an infinite statistic.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = differences / scale
    ratio[np.isnan(ratio)] = 0.0
    return ratio[:-1], float(ratio[-1])


def _p_value(drawn: FloatArray, own: float, *, exact: bool) -> float:
    extreme = int((drawn >= abs(own) * (1 - TIE_TOLERANCE)).sum())
    return p_value_of(extreme, len(drawn), exact=exact)


def _errors(p_values: list[float], n: int, *, exact: bool) -> FloatArray:
    return np.array([monte_carlo_error(p, n, exact=exact) for p in p_values])
