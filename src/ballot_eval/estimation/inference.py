"""Randomisation inference for a difference of weighted means. Arrays only.

The statistic of an assignment is the weighted mean over the units that have the experiment role
minus the weighted mean over the others. It is a function of a handful of sums over the
experiment units, so a draw costs one gather of as many numbers as there are experiment units.

Sources: Fisher (1935), The Design of Experiments; Imbens & Rubin (2015), Causal Inference, ch. 5
(inversion); Phipson & Smyth (2010), SAGMB 9(1) (p = (b+1)/(B+1), never 0); Wu & Ding (2021),
JASA 116 (studentised statistic).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

#: Two statistics closer than this, relative to the observed one, count as tied.
TIE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Assignments:
    """Reassignments of the experiment role.

    ``members`` has one row per assignment with the positions of its experiment units. With
    ``exact`` they are all assignments there are, the observed one among them.
    """

    members: IntArray
    exact: bool
    n_units: int


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


def count_assignments(treated: npt.NDArray[np.bool_], strata: IntArray) -> int:
    """Return the number of ways to give the role to as many units per stratum as had it."""
    return math.prod(
        math.comb(int((strata == s).sum()), int(treated[strata == s].sum()))
        for s in np.unique(strata)
    )


def draw_assignments(
    treated: npt.NDArray[np.bool_],
    strata: IntArray | None = None,
    *,
    draws: int,
    max_exact: int,
    seed: int,
) -> Assignments:
    """Return all assignments when there are at most ``max_exact``, else ``draws`` random ones.

    ``treated`` and ``strata`` have one entry per unit; within each stratum the number of
    experiment units stays as it was. Raises ValueError when nobody or everybody is treated.
    """
    treated = np.asarray(treated, dtype=bool)
    groups = np.zeros(len(treated), dtype=np.intp) if strata is None else np.asarray(strata)
    if not 0 < treated.sum() < len(treated):
        msg = "randomisation needs at least one experiment unit and one control"
        raise ValueError(msg)
    if count_assignments(treated, groups) <= max_exact:
        return Assignments(_all_assignments(treated, groups), exact=True, n_units=len(treated))
    rng = np.random.default_rng(seed)
    parts = []
    for stratum in np.unique(groups):
        positions = np.flatnonzero(groups == stratum)
        size = int(treated[positions].sum())
        if size:
            parts.append(positions[_distinct_indices(rng, len(positions), size, draws)])
    return Assignments(np.concatenate(parts, axis=1), exact=False, n_units=len(treated))


def _all_assignments(treated: npt.NDArray[np.bool_], groups: IntArray) -> IntArray:
    per_stratum = []
    for stratum in np.unique(groups):
        positions = np.flatnonzero(groups == stratum)
        size = int(treated[positions].sum())
        per_stratum.append(list(itertools.combinations(positions.tolist(), size)))
    rows: Iterator[list[int]] = (
        [i for part in parts for i in part] for parts in itertools.product(*per_stratum)
    )
    return np.array(list(rows), dtype=np.intp)


def _distinct_indices(rng: np.random.Generator, n: int, size: int, draws: int) -> IntArray:
    """Return ``draws`` rows of ``size`` distinct indices below ``n``, uniform over the subsets."""
    if 2 * size * size > n:
        # Rejection would throw most rows away; ranking random keys always works.
        keys = rng.random((draws, n))
        return np.argpartition(keys, size - 1, axis=1)[:, :size].astype(np.intp)
    kept = np.empty((0, size), dtype=np.intp)
    while len(kept) < draws:
        rows = rng.integers(0, n, size=(int((draws - len(kept)) * 1.3) + 16, size))
        ordered = np.sort(rows, axis=1)
        distinct = (ordered[:, 1:] != ordered[:, :-1]).all(axis=1)
        kept = np.concatenate([kept, rows[distinct]])
    return kept[:draws]


def randomisation_test(
    values: FloatArray,
    treated: npt.NDArray[np.bool_],
    assignments: Assignments,
    *,
    weights: FloatArray | None = None,
    studentised: bool = False,
    confidence_level: float = 0.95,
) -> RandomisationResult:
    """Test and estimate an additive effect on ``values`` (n,) by reassigning the role.

    ``weights`` (n,) default to 1. The two-sided p-value counts |D_π| ≥ |D_obs| with a relative
    tolerance for ties; drawn p-values are (b+1)/(B+1). The interval holds every effect τ whose
    removal leaves a statistic that is not rejected at 1 − ``confidence_level``.
    Raises ValueError for NaN or infinite values and for weights that are not positive.
    """
    y = np.asarray(values, dtype=float)
    t = np.asarray(treated, dtype=bool)
    w = np.ones_like(y) if weights is None else np.asarray(weights, dtype=float)
    if not np.isfinite(y).all():
        msg = "values must be finite; leave units without a baseline out first"
        raise ValueError(msg)
    if not (np.isfinite(w).all() and (w > 0).all()):
        msg = "weights must be finite and positive"
        raise ValueError(msg)
    if studentised and (t.sum() < 2 or (~t).sum() < 2):
        msg = "the studentised statistic needs at least two units with and two without the role"
        raise ValueError(msg)
    # Centring leaves every statistic as it is and keeps the sums of squares accurate.
    centred = y - np.average(y, weights=w)
    curve = _Curve(centred, t, w, assignments.members, studentised=studentised)
    alpha = 1.0 - confidence_level
    lower, upper = curve.interval(alpha, exact=assignments.exact)
    p_value = curve.p_value(0.0, exact=assignments.exact)
    n = len(assignments.members)
    error = 0.0 if assignments.exact else math.sqrt(p_value * (1 - p_value) / n)
    return RandomisationResult(
        estimate=curve.estimate,
        ci_lower=lower,
        ci_upper=upper,
        p_value=p_value,
        p_error=error,
        draws=n,
        exact=assignments.exact,
        distribution=curve.a,
    )


class _Curve:
    """The p-value as a function of the removed effect τ.

    Removing τ from the experiment units turns the statistic of π into a_π − τ·b_π: ``a`` is the
    statistic of the values, ``b`` that of the role itself. The squared scale of the studentised
    statistic is a parabola in τ with coefficients ``v0``, ``v1``, ``v2``.
    """

    def __init__(
        self,
        y: FloatArray,
        treated: npt.NDArray[np.bool_],
        w: FloatArray,
        members: IntArray,
        *,
        studentised: bool,
    ) -> None:
        role = treated.astype(float)
        observed = np.flatnonzero(treated)[None, :]
        self.studentised = studentised
        self.a, self.b, self.v = _statistics(y, role, w, members, scale=studentised)
        obs_a, _, obs_v = _statistics(y, role, w, observed, scale=studentised)
        self.estimate = float(obs_a[0])
        self.observed_scale = float(obs_v[0][0]) if studentised else 1.0
        self.spread = float(np.abs(self.a - self.b * self.estimate).max()) or 1.0

    def p_value(self, tau: float, *, exact: bool) -> float:
        """Return the two-sided p-value of the hypothesis that the effect is ``tau``."""
        statistic = (self.a - tau * self.b) ** 2
        observed: float | FloatArray = (self.estimate - tau) ** 2
        if self.studentised:
            v0, v1, v2 = self.v
            statistic = statistic * self.observed_scale
            observed = observed * np.maximum(v0 + tau * (v1 + tau * v2), 0.0)
        extreme = int((statistic >= observed * (1 - TIE_TOLERANCE)).sum())
        n = len(self.a)
        return extreme / n if exact else (extreme + 1) / (n + 1)

    def interval(self, alpha: float, *, exact: bool) -> tuple[float, float]:
        if not self.studentised:
            return self._interval_closed(alpha, exact=exact)
        return (
            self._search(alpha, -1.0, exact=exact),
            self._search(alpha, +1.0, exact=exact),
        )

    def _interval_closed(self, alpha: float, *, exact: bool) -> tuple[float, float]:
        """Invert the plain test without search.

        |a − τb| ≥ |â − τ| holds exactly for τ between (â−a)/(1−b) and (â+a)/(1+b), an interval
        that contains â because |b| ≤ 1. The p-value at τ therefore counts the intervals that
        reach τ, and its limits are order statistics of their ends.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            first = (self.estimate - self.a) / (1 - self.b)
            second = (self.estimate + self.a) / (1 + self.b)
        same = self.b > 1 - 1e-12
        opposite = self.b < -1 + 1e-12
        low = np.where(same | opposite, -np.inf, np.minimum(first, second))
        high = np.where(same | opposite, np.inf, np.maximum(first, second))
        n = len(self.a)
        # The number of ends that must reach τ for p(τ) > alpha.
        needed = math.floor(alpha * n + 1e-9) + 1 if exact else math.floor(alpha * (n + 1) + 1e-9)
        needed = max(needed, 1)
        if not exact and alpha * (n + 1) < 1:
            return -math.inf, math.inf
        return float(np.sort(low)[needed - 1]), float(np.sort(high)[n - needed])

    def _search(self, alpha: float, sign: float, *, exact: bool) -> float:
        """Return the outermost effect on one side that is not rejected, by scan and bisection."""
        step = self.spread
        for _ in range(40):
            if self.p_value(self.estimate + sign * step, exact=exact) <= alpha:
                break
            step *= 2
        else:
            return sign * math.inf
        # The curve of a studentised statistic need not be monotone: scan for the outermost
        # crossing first, then narrow it down.
        grid = np.linspace(0.0, step, 33)
        kept = [g for g in grid if self.p_value(self.estimate + sign * g, exact=exact) > alpha]
        inner = float(kept[-1]) if kept else 0.0
        outer = inner + step / 32
        for _ in range(30):
            middle = (inner + outer) / 2
            if self.p_value(self.estimate + sign * middle, exact=exact) > alpha:
                inner = middle
            else:
                outer = middle
        return self.estimate + sign * outer


def _statistics(
    y: FloatArray, role: FloatArray, w: FloatArray, members: IntArray, *, scale: bool
) -> tuple[FloatArray, FloatArray, tuple[FloatArray, ...]]:
    """Return a, b and the scale parabola for every row of ``members``."""

    def gather(x: FloatArray) -> FloatArray:
        # Column by column: adding k vectors beats summing a (draws, k) block.
        total = x[members[:, 0]].copy()
        for column in range(1, members.shape[1]):
            total += x[members[:, column]]
        return total

    def both(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        inside = gather(x)
        return inside, x.sum() - inside

    weight = both(w)
    sum_y = both(w * y)
    sum_r = both(w * role)
    a = sum_y[0] / weight[0] - sum_y[1] / weight[1]
    b = sum_r[0] / weight[0] - sum_r[1] / weight[1]
    if not scale:
        return a, b, ()
    sizes = (members.shape[1], len(y) - members.shape[1])
    v = [np.zeros(len(members)) for _ in range(3)]
    ww = w * w
    squares = [both(x) for x in (ww, ww * y, ww * role, ww * y * y, ww * y * role)]
    for side in (0, 1):
        s1, sy, sr, syy, syr = (pair[side] for pair in squares)
        my, mr = sum_y[side] / weight[side], sum_r[side] / weight[side]
        factor = sizes[side] / (sizes[side] - 1) / weight[side] ** 2
        # Variance of a weighted mean of y − τ·role, as a parabola in τ (role² = role).
        v[0] += factor * (syy - 2 * my * sy + my * my * s1)
        v[1] += factor * -2 * (syr - my * sr - mr * sy + my * mr * s1)
        v[2] += factor * (sr - 2 * mr * sr + mr * mr * s1)
    return a, b, tuple(v)
