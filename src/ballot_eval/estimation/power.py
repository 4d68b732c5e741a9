"""Power and the smallest detectable effect, from past changes of controls by placebo assignment.

A placebo study gives the experiment role to m units that never had it, adds an effect τ to their
changes and runs the plain randomisation test. With statistic a_π of assignment π, A of the
placebo study itself and b_π the statistic of the role (b = 1 for the study itself), π is as
extreme as observed when |a_π + τ·b_π| ≥ |A + τ|. For |b| ≤ 1 these τ form the interval between
(a_π − A)/(1 − b_π) and −(a_π + A)/(1 + b_π), which always holds −A. The effects a study does not
reject are therefore an interval too, with order statistics of those ends as its limits: one
study gives its decision for every effect at once, without a grid and without taking the critical
value of no effect for that of τ. For one-sided tests one end per assignment suffices.

What is approximate is the number of studies and of draws; and the past is taken to be like the
future. Not approximated: weights, strata, ties and the part of τ that leaks into the permutation
distribution through the overlap of assignments.

Random placebo studies share one set of drawn assignments, and the units are shuffled beneath it
(within strata): every study then is a valid test with draws of its own law, at the price of three
matrix products.

Sources: Bertrand, Duflo & Mullainathan (2004), QJE 119 (placebo laws); Black, Hollingsworth,
Nunes & Simon (2022), J. Public Economics 213 (simulated power from pre-period data); Phipson &
Smyth (2010), SAGMB 9(1); Bloom (1995), Evaluation Review 19 (minimum detectable effect).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.inference import (
    TIE_TOLERANCE,
    count_assignments,
    draw_assignments,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: The effects a test looks for: any, only positive ones, only negative ones.
Alternative = Literal["two-sided", "greater", "less"]

#: Numbers held at once per intermediate matrix (studies × draws).
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class PlaceboStudies:
    """What each placebo study decides about every added effect.

    A study rejects "no effect" after an effect τ is added to its experiment units exactly when
    τ is below ``kept_lower`` or above ``kept_upper`` (both (studies,), in the unit of the
    changes; infinite where no effect on that side is ever rejected). ``estimates`` (studies,)
    are the placebo statistics. ``all_studies``: every placebo study there is was run;
    ``exact``: every assignment entered the tests.
    """

    kept_lower: FloatArray
    kept_upper: FloatArray
    estimates: FloatArray
    experiment_units: int
    units: int
    periods: int
    alpha: float
    alternative: Alternative
    draws: int
    all_studies: bool
    exact: bool


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """Share of placebo studies that reject, per effect: all arrays (effects,).

    ``errors`` are Monte-Carlo standard errors of ``power``, 0 when all studies were run.
    """

    effects: FloatArray
    power: FloatArray
    errors: FloatArray
    experiment_units: int
    units: int
    alpha: float
    alternative: Alternative
    studies: int
    draws: int


@dataclass(frozen=True, slots=True)
class DetectableEffect:
    """The smallest effect of one sign that is found with the asked power.

    ``effect`` is signed and in the unit of the changes, infinite when no effect is found that
    often. ``lower`` and ``upper`` (in the order of size) are what it would be with the power
    1.96 Monte-Carlo standard errors lower and higher; equal to ``effect`` when all studies
    were run.
    """

    effect: float
    lower: float
    upper: float
    power: float
    direction: Literal["positive", "negative"]


def placebo_studies(
    changes: FloatArray,
    *,
    experiment_units: int | Sequence[int],
    alpha: float,
    studies: int,
    draws: int,
    seed: int,
    alternative: Alternative = "two-sided",
    weights: FloatArray | None = None,
    strata: IntArray | None = None,
) -> PlaceboStudies:
    """Run the randomisation test on placebo studies among controls.

    ``changes`` (n,) or (n, periods) are past changes of n controls in the unit of the outcome;
    with several periods the studies are spread evenly over them. ``experiment_units`` is m, or
    with ``strata`` (n,) one number per stratum in the order of its sorted labels. ``weights``
    (n,) default to 1. All assignments are used when there are at most ``draws``, else ``draws``
    random ones and p = (b+1)/(B+1); all placebo studies are run when there are at most
    ``studies`` (periods included). A placebo study compares m with n − m units, so a little
    fewer controls than the study will have.

    For the power to show non-inferiority to a margin M at a true effect τ, take
    ``alternative="less"`` and read the power at τ − M.

    Raises ValueError for values that are not finite, weights that are not positive, m < 1 or
    m ≥ n (per stratum m > its size), changes that are the same for all units in a period,
    ``alpha`` not within (0, 1) or below 1/(``draws`` + 1) so that nothing could be rejected.
    """
    y = np.asarray(changes, dtype=float)
    y = y[:, None] if y.ndim == 1 else y
    groups = np.zeros(len(y), dtype=np.intp) if strata is None else np.asarray(strata)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    _check(y, w, groups, alpha, alternative, studies, draws)
    role = _first_units(groups, experiment_units)
    assignments = draw_assignments(role, groups, draws=draws, max_exact=draws, seed=seed)
    if not assignments.exact and math.floor(alpha * (draws + 1) + 1e-9) < 1:
        msg = f"with {draws} draws no p-value is as low as alpha {alpha}: draw more"
        raise ValueError(msg)
    orders, periods, complete = _orders(role, groups, y.shape[1], studies, seed)
    test = _Test(role, assignments.members, alpha, alternative, exact=assignments.exact)
    # Centring leaves every statistic as it is and keeps the sums accurate.
    y = y - np.average(y, axis=0, weights=w)
    size = max(1, _BLOCK // len(assignments.members))
    parts = []
    for start in range(0, len(orders), size):
        order, period = orders[start : start + size], periods[start : start + size]
        parts.append(test.kept(y[order, period[:, None]], w[order]))
    lower, upper, estimates = (np.concatenate(column) for column in zip(*parts, strict=True))
    return PlaceboStudies(
        kept_lower=lower,
        kept_upper=upper,
        estimates=estimates,
        experiment_units=int(role.sum()),
        units=len(role),
        periods=y.shape[1],
        alpha=float(alpha),
        alternative=alternative,
        draws=len(assignments.members),
        all_studies=complete,
        exact=assignments.exact,
    )


def power_curve(studies: PlaceboStudies, effects: FloatArray) -> PowerCurve:
    """Return the share of ``studies`` that reject at each of ``effects`` (k,), any sign.

    At effect 0 it is the size of the test. Raises ValueError for no effects or for values that
    are not finite.
    """
    tau = np.asarray(effects, dtype=float)
    if tau.ndim != 1 or len(tau) == 0 or not np.isfinite(tau).all():
        msg = "effects must be a vector of at least one finite number"
        raise ValueError(msg)
    n = len(studies.estimates)
    # Counting by rank: sorted limits make a curve of any number of effects cost nothing.
    below = np.searchsorted(np.sort(studies.kept_upper), tau, side="left")
    above = n - np.searchsorted(np.sort(studies.kept_lower), tau, side="right")
    power = (below + above) / n
    errors = np.zeros_like(power) if studies.all_studies else np.sqrt(power * (1 - power) / n)
    return PowerCurve(
        effects=tau,
        power=power,
        errors=errors,
        experiment_units=studies.experiment_units,
        units=studies.units,
        alpha=studies.alpha,
        alternative=studies.alternative,
        studies=n,
        draws=studies.draws,
    )


def minimum_detectable_effect(
    studies: PlaceboStudies,
    *,
    power: float = 0.8,
    direction: Literal["positive", "negative"] = "positive",
) -> DetectableEffect:
    """Return the smallest effect of a sign from which on ``power`` of the ``studies`` reject.

    The curve is a step function, so its root is one of the limits of the studies, found without
    search: the power is at least ``power`` for every larger effect. Changes are seldom
    symmetric, so ask for both directions. Raises ValueError unless 0 < ``power`` < 1, or when
    the alternative looks the other way.
    """
    if not 0 < power < 1:
        msg = f"power must lie between 0 and 1, not {power}"
        raise ValueError(msg)
    if direction not in ("positive", "negative"):
        msg = f"direction must be 'positive' or 'negative', not {direction!r}"
        raise ValueError(msg)
    if studies.alternative == ("less" if direction == "positive" else "greater"):
        msg = f"a test with alternative {studies.alternative!r} finds no {direction} effects"
        raise ValueError(msg)
    lower, upper, sign = studies.kept_lower, studies.kept_upper, 1.0
    if direction == "negative":
        lower, upper, sign = -studies.kept_upper, -studies.kept_lower, -1.0
    n = len(upper)
    error = 0.0 if studies.all_studies else 1.96 * math.sqrt(power * (1 - power) / n)
    found = [_first_effect(lower, upper, power + shift) for shift in (0.0, -error, error)]
    return DetectableEffect(
        effect=sign * found[0],
        lower=sign * found[1],
        upper=sign * found[2],
        power=float(power),
        direction=direction,
    )


def _first_effect(lower: FloatArray, upper: FloatArray, power: float) -> float:
    """Return the smallest effect ≥ 0 beyond which the share of rejections stays at power."""
    n = len(upper)
    # The share only changes at a limit: look just above each, and above no effect at all.
    candidates = np.unique(np.maximum(np.concatenate([[0.0], lower, upper]), 0.0))
    below = np.searchsorted(np.sort(upper), candidates, side="right")
    above = n - np.searchsorted(np.sort(lower), candidates, side="right")
    short = np.flatnonzero((below + above) / n < power - 1e-12)
    if len(short) == 0:
        return 0.0
    return float(candidates[short[-1] + 1]) if short[-1] + 1 < len(candidates) else math.inf


class _Test:
    """The test of a fixed role against fixed assignments, for many orders of the units."""

    def __init__(
        self,
        role: BoolArray,
        members: IntArray,
        alpha: float,
        alternative: Alternative,
        *,
        exact: bool,
    ) -> None:
        self.role = role
        self.alternative = alternative
        # Indicators (units, draws): sums over the members of all draws are one matrix product.
        self.inside = np.zeros((len(role), len(members)))
        self.inside[members.T, np.arange(len(members))] = 1.0
        self.same = self.inside[role].sum(axis=0) == role.sum()
        self.opposite = self.inside[role].sum(axis=0) == 0
        self.opposite &= role.sum() == (~role).sum()
        # How many ends must reach an effect for its p-value to exceed alpha (as in inference).
        n = len(members)
        self.needed = (
            math.floor(alpha * n + 1e-9) + 1 if exact else math.floor(alpha * (n + 1) + 1e-9)
        )

    def kept(self, y: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the limits of the effects kept and the estimates, for rows of y and w (s, n)."""
        observed = self._difference(y, w, self.role.astype(float)[:, None])
        a = self._difference(y, w, self.inside)
        b = self._difference(np.broadcast_to(self.role, w.shape), w, self.inside)
        never = self.same | self.opposite
        with np.errstate(divide="ignore", invalid="ignore"):
            first = (a - observed) / (1 - b)
            second = -(a + observed) / (1 + b)
        if self.alternative == "greater":
            low, high = np.full_like(a, -np.inf), np.where(self.same, np.inf, first)
        elif self.alternative == "less":
            low, high = np.where(self.same, -np.inf, first), np.full_like(a, np.inf)
        else:
            low = np.where(never, -np.inf, np.minimum(first, second))
            high = np.where(never, np.inf, np.maximum(first, second))
        # An effect that ties with a limit is kept: ties count as extreme.
        slack = TIE_TOLERANCE * np.abs(a).max(axis=1)
        k = self.needed - 1
        lower = np.partition(low, k, axis=1)[:, k] - slack
        upper = -np.partition(-high, k, axis=1)[:, k] + slack
        return lower, upper, observed[:, 0]

    @staticmethod
    def _difference(x: FloatArray | BoolArray, w: FloatArray, inside: FloatArray) -> FloatArray:
        """Return the weighted mean within minus that outside: (studies, assignments)."""
        wx = w * x
        weight, total = w @ inside, wx @ inside
        rest = wx.sum(axis=1, keepdims=True) - total
        return np.asarray(total / weight - rest / (w.sum(axis=1, keepdims=True) - weight))


def _orders(
    role: BoolArray, groups: IntArray, n_periods: int, studies: int, seed: int
) -> tuple[IntArray, IntArray, bool]:
    """Return the units in the place of each position (studies, n), the periods, and if all."""
    count = count_assignments(role, groups)
    complete = count * n_periods <= studies
    if complete:
        members = draw_assignments(role, groups, draws=1, max_exact=count, seed=seed).members
        orders = np.array([_order(role, groups, row) for row in members], dtype=np.intp)
        orders = np.repeat(orders, n_periods, axis=0)
    else:
        # The assignments come from the seed itself; the shuffles need a stream of their own.
        rng = np.random.default_rng([seed, 1])
        orders = np.empty((studies, len(role)), dtype=np.intp)
        for group in np.unique(groups):
            positions = np.flatnonzero(groups == group)
            block = np.broadcast_to(positions, (studies, len(positions)))
            orders[:, positions] = rng.permuted(block, axis=1)
    return orders, np.arange(len(orders), dtype=np.intp) % n_periods, complete


def _order(role: BoolArray, groups: IntArray, members: IntArray) -> IntArray:
    """Return an order of the units that puts ``members`` where the role is."""
    chosen = np.zeros(len(role), dtype=bool)
    chosen[members] = True
    order = np.empty(len(role), dtype=np.intp)
    for group in np.unique(groups):
        own = groups == group
        order[own & role] = np.flatnonzero(own & chosen)
        order[own & ~role] = np.flatnonzero(own & ~chosen)
    return order


def _first_units(groups: IntArray, experiment_units: int | Sequence[int]) -> BoolArray:
    """Return a role with the asked number of units per stratum: the first ones of each."""
    labels = np.unique(groups)
    sizes = np.atleast_1d(np.asarray(experiment_units))
    if sizes.ndim != 1 or len(sizes) != len(labels):
        msg = f"experiment_units must be one number per stratum: {len(labels)}, not {sizes.size}"
        raise ValueError(msg)
    if not np.issubdtype(sizes.dtype, np.integer) or (sizes < 0).any() or sizes.sum() < 1:
        msg = f"experiment_units must be whole numbers, in all at least 1, not {experiment_units}"
        raise ValueError(msg)
    if sizes.sum() >= len(groups):
        msg = f"{sizes.sum()} experiment units leave no controls among {len(groups)} units"
        raise ValueError(msg)
    role = np.zeros(len(groups), dtype=bool)
    for label, size in zip(labels, sizes, strict=True):
        positions = np.flatnonzero(groups == label)
        if size > len(positions):
            msg = f"stratum {label} has {len(positions)} units, fewer than the {size} asked"
            raise ValueError(msg)
        role[positions[:size]] = True
    return role


def _check(
    y: FloatArray,
    w: FloatArray,
    groups: IntArray,
    alpha: float,
    alternative: str,
    studies: int,
    draws: int,
) -> None:
    if y.ndim != 2 or y.size == 0 or w.shape != (len(y),) or groups.shape != (len(y),):
        msg = "changes must be (n,) or (n, periods), weights and strata (n,)"
        raise ValueError(msg)
    if not np.isfinite(y).all():
        msg = "changes must be finite; leave units without a baseline out first"
        raise ValueError(msg)
    if not (np.isfinite(w).all() and (w > 0).all()):
        msg = "weights must be finite and positive"
        raise ValueError(msg)
    if (np.ptp(y, axis=0) == 0).any():
        msg = "the changes of a period are the same for all units: nothing to tell effects from"
        raise ValueError(msg)
    if not 0 < alpha < 1:
        msg = f"alpha must lie between 0 and 1, not {alpha}"
        raise ValueError(msg)
    if alternative not in ("two-sided", "greater", "less"):
        msg = f"alternative must be 'two-sided', 'greater' or 'less', not {alternative!r}"
        raise ValueError(msg)
    if studies < 1 or draws < 1:
        msg = f"studies and draws must be 1 or more, not {studies} and {draws}"
        raise ValueError(msg)
