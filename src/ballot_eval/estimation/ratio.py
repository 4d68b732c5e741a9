"""Randomisation test and interval for a ratio of rates. Arrays only.

The statistic compares rates on the log scale: the log change of the rate of the experiment units
minus that of the controls. The hypothesis tested is a constant multiplicative effect θ: the
events of an experiment unit at the later election are θ times what they would have been with the
old ballot. Dividing them by θ restores the outcomes without effect, so the whole curve in θ comes
from a few gathered sums.

Sources: Rosenbaum (2002), Observational Studies, ch. 5 (multiplicative effects); Imbens & Rubin
(2015), Causal Inference, ch. 5; Anscombe (1956), Biometrika 43 (adding a half to counts).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.assignments import Assignments, gather_sums
from ballot_eval.estimation.inference import check_inputs, randomisation_test
from ballot_eval.estimation.pvalue_curve import (
    ROUNDING,
    TIE_TOLERANCE,
    monte_carlo_error,
    needed_count,
    p_value_of,
)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: ``pooled``: events of all municipalities together; ``municipality``: mean of log rates.
Weighting = Literal["pooled", "municipality"]
#: What to do with zero counts: refuse them, or add ½ event and 1 ballot to every unit.
Zeros = Literal["error", "add_half"]

#: Beyond this distance on the log scale a ratio is 0 or infinite.
_FAR = 300.0


@dataclass(frozen=True, slots=True)
class RatioResult:
    """A ratio of rates (1 is no effect), its limits and the test of no effect.

    ``distribution`` holds the log ratio of every assignment under no effect; ``p_error`` is the
    Monte-Carlo standard error of the p-value, 0 when exact. Limits are 0 or infinite when no
    ratio can be rejected on that side.
    """

    ratio: float
    ci_lower: float
    ci_upper: float
    p_value: float
    p_error: float
    draws: int
    exact: bool
    distribution: FloatArray


def ratio_randomisation_test(
    events: FloatArray,
    ballots: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    *,
    weighting: Weighting,
    baseline_events: FloatArray | None = None,
    baseline_ballots: FloatArray | None = None,
    zeros: Zeros = "error",
    confidence_level: float = 0.95,
) -> RatioResult:
    """Test and estimate the ratio θ of the rate ``events / ballots`` by reassigning the role.

    All arrays are (n,), one entry per unit: counts at the later election and, unless both are
    None, at the earlier one (``baseline_``). The ratio is that of the rates of experiment units
    and controls, divided by the same ratio at the earlier election. ``pooled`` adds counts up
    before dividing; ``municipality`` takes the mean of the units' log rates (a geometric mean).
    The p-value is that of θ = 1; the interval holds every θ that is not rejected. Both are exact
    statements about θ: on the log scale no statistic moves faster with θ than the observed one,
    so the p-value falls monotonically away from the estimate.

    ``zeros="error"`` refuses counts that leave a log rate undefined: with ``pooled`` a set of
    units, observed or reassigned, without events, with ``municipality`` any unit without events.
    ``add_half`` adds ½ event and 1 ballot to every unit at both elections, zero or not; θ then
    multiplies the events with the ½ included.
    Raises ValueError for those, for negative counts, for more events than ballots, for units
    without ballots, for NaN and for one baseline array without the other.
    """
    t = np.asarray(treated, dtype=bool)
    if (baseline_events is None) != (baseline_ballots is None):
        msg = "baseline_events and baseline_ballots come together, or not at all"
        raise ValueError(msg)
    if weighting not in ("pooled", "municipality") or zeros not in ("error", "add_half"):
        msg = f"unknown weighting {weighting!r} or way with zeros {zeros!r}"
        raise ValueError(msg)
    later = _checked_counts(events, ballots, t, assignments, zeros)
    earlier = None
    if baseline_events is not None and baseline_ballots is not None:
        earlier = _checked_counts(baseline_events, baseline_ballots, t, assignments, zeros)
    if weighting == "municipality":
        return _mean_log_ratio(later, earlier, t, assignments, confidence_level)
    curve = RatioCurve.of(later, earlier, t, assignments)
    lower, upper = curve.interval(confidence_level)
    p_value = curve.p_value(0.0)
    n = len(curve.fixed)
    return RatioResult(
        ratio=math.exp(curve.estimate),
        ci_lower=_exp(lower),
        ci_upper=_exp(upper),
        p_value=p_value,
        p_error=monte_carlo_error(p_value, n, exact=assignments.exact),
        draws=n,
        exact=assignments.exact,
        distribution=curve.statistic(0.0),
    )


def _exp(log_ratio: float) -> float:
    return math.exp(log_ratio) if log_ratio < math.inf else math.inf


def _checked_counts(
    events: FloatArray,
    ballots: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    zeros: Zeros,
) -> tuple[FloatArray, FloatArray]:
    x, n = np.asarray(events, dtype=float), np.asarray(ballots, dtype=float)
    check_inputs(x, treated, assignments, None)
    check_inputs(n, treated, assignments, None)
    if (n <= 0).any():
        msg = f"unit {int(np.argmax(n <= 0))} has no ballots: it has no rate"
        raise ValueError(msg)
    if (x < 0).any() or (x > n).any():
        msg = "events must lie between 0 and the number of ballots"
        raise ValueError(msg)
    if not x.any():
        # Halves alone would turn different numbers of ballots into a ratio.
        msg = "zero events at all: there is no ratio"
        raise ValueError(msg)
    return (x + 0.5, n + 1.0) if zeros == "add_half" else (x, n)


def _mean_log_ratio(
    later: tuple[FloatArray, FloatArray],
    earlier: tuple[FloatArray, FloatArray] | None,
    treated: BoolArray,
    assignments: Assignments,
    confidence_level: float,
) -> RatioResult:
    """Return the municipality-weighted ratio: an additive effect on the units' log rates."""
    pairs = [later] if earlier is None else [later, earlier]
    if any((x == 0).any() for x, _ in pairs):
        count = sum(int((x == 0).sum()) for x, _ in pairs)
        msg = f"zero events in {count} units: their log rate is undefined; see zeros='add_half'"
        raise ValueError(msg)
    logs = [np.log(x / n) for x, n in pairs]
    values = logs[0] if earlier is None else logs[0] - logs[1]
    result = randomisation_test(values, treated, assignments, confidence_level=confidence_level)
    return RatioResult(
        ratio=math.exp(result.estimate),
        ci_lower=_exp(result.ci_lower),
        ci_upper=_exp(result.ci_upper),
        p_value=result.p_value,
        p_error=result.p_error,
        draws=result.draws,
        exact=result.exact,
        distribution=result.distribution,
    )


@dataclass(frozen=True, slots=True)
class RatioCurve:
    """The pooled log ratio of every assignment as a function of λ = log θ.

    The events of the units with the role in assignment π are P + R·e^−λ: P from observed
    controls, R from observed experiment units; those of the others follow from the totals.
    ``fixed`` is what does not depend on λ: ballots and the earlier election.
    """

    plain: FloatArray
    removed: FloatArray
    fixed: FloatArray
    totals: tuple[float, float]
    estimate: float
    exact: bool

    @classmethod
    def of(
        cls,
        later: tuple[FloatArray, FloatArray],
        earlier: tuple[FloatArray, FloatArray] | None,
        treated: BoolArray,
        assignments: Assignments,
    ) -> RatioCurve:
        """Return the curve of checked counts, at one election or since an earlier one."""
        x, n = later
        table = np.column_stack([x * ~treated, x * treated, n, *(earlier or ())])
        observed = np.flatnonzero(treated)[None, :]
        both = [gather_sums(table, members) for members in (assignments.members, observed)]
        totals = table.sum(axis=0)
        for sums in reversed(both):
            _require_events(sums, totals)
        fixed = []
        for sums in both:
            rest = totals[2:, None] - sums[2:]
            change = np.log(rest[0]) - np.log(sums[2])
            if earlier is not None:
                change -= np.log(sums[3] / sums[4]) - np.log(rest[1] / rest[2])
            fixed.append(change)
        estimate = math.log(totals[1] / totals[0]) + float(fixed[1][0])
        plain, removed = both[0][0], both[0][1]
        pair = (float(totals[0]), float(totals[1]))
        return cls(plain, removed, fixed[0], pair, estimate, assignments.exact)

    def statistic(self, log_ratio: float) -> FloatArray:
        """Return the log ratio of every assignment after removing ``log_ratio``."""
        shrink = math.exp(-log_ratio)
        inside = self.plain + self.removed * shrink
        outside = (self.totals[0] - self.plain) + (self.totals[1] - self.removed) * shrink
        # Rounding may leave a difference of equal totals just below zero.
        log: FloatArray = np.log(inside / np.maximum(outside, 1e-300)) + self.fixed
        return log

    def extreme(self, log_ratio: float) -> BoolArray:
        """Return which assignments are at least as far from no effect as the observed one."""
        # Logarithms of rates are right to about 15 digits: less than that is no difference.
        reach = abs(self.estimate - log_ratio) * (1 - TIE_TOLERANCE) - ROUNDING
        extreme: BoolArray = np.abs(self.statistic(log_ratio)) >= reach
        return extreme

    def p_value(self, log_ratio: float) -> float:
        """Return the two-sided p-value of the ratio e^``log_ratio``."""
        extreme = int(self.extreme(log_ratio).sum())
        return p_value_of(extreme, len(self.fixed), exact=self.exact)

    def interval(self, confidence_level: float) -> tuple[float, float]:
        """Return the outermost log ratios that are not rejected."""
        if not 0 < confidence_level < 1:
            msg = f"confidence_level must lie between 0 and 1, not {confidence_level}"
            raise ValueError(msg)
        needed = needed_count(1.0 - confidence_level, len(self.fixed), exact=self.exact)
        if needed < 1:
            return -math.inf, math.inf
        return self._limit(needed, -1.0), self._limit(needed, +1.0)

    def _limit(self, needed: int, sign: float) -> float:
        """Return the limit on one side by bisection, on the draws that are still open.

        A draw is extreme up to its own distance from the estimate and not beyond it.
        """
        inner, outer, certain = 0.0, 0.125, 0
        while (kept := self.extreme(self.estimate + sign * outer)).sum() >= needed:
            inner, outer = outer, 2 * outer
            if outer > _FAR:
                return sign * math.inf
        rest = self
        while outer - inner > 1e-11 * outer:
            middle = (inner + outer) / 2
            kept = rest.extreme(self.estimate + sign * middle)
            if certain + kept.sum() >= needed:
                inner, rest = middle, rest.only(kept)
            else:
                outer, certain, rest = middle, certain + int(kept.sum()), rest.only(~kept)
        return self.estimate + sign * outer

    def only(self, chosen: BoolArray) -> RatioCurve:
        """Return the curve of some of the assignments."""
        return RatioCurve(
            self.plain[chosen],
            self.removed[chosen],
            self.fixed[chosen],
            self.totals,
            self.estimate,
            self.exact,
        )


def _require_events(sums: FloatArray, totals: FloatArray) -> None:
    """Raise when a set of units has no events, so that its log rate is undefined."""
    # Rows 0 and 1 together are the later events; row 3 the earlier ones, when there are any.
    counts = [(sums[0] + sums[1], totals[0] + totals[1])]
    if len(sums) > 3:
        counts.append((sums[3], totals[3]))
    empty = np.zeros(sums.shape[1], dtype=bool)
    for inside, total in counts:
        empty |= (inside <= 0) | (total - inside <= 1e-9 * total)
    if empty.any():
        where = "the observed role" if len(empty) == 1 else f"{int(empty.sum())} reassignments"
        msg = f"zero events on one side of {where}: the ratio is undefined; see zeros='add_half'"
        raise ValueError(msg)
