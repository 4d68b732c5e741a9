"""The change of the rate ratio between two exposures to the new ballot. Arrays only.

When the ballot multiplies the share of invalid votes, the excess differs between types of election
because their levels do, without anybody learning anything. The ratio of rate ratios does not.

Sources: Rosenbaum (2002), Observational Studies, ch. 5 (multiplicative effects, nuisance
parameters); Imbens & Rubin (2015), Causal Inference, ch. 5 (inversion).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.adjusted import several, stratified_randomisation_test
from ballot_eval.estimation.assignments import Assignments, draw_assignments, gather_sums
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.estimation.pvalue_curve import monte_carlo_error
from ballot_eval.estimation.ratio import RatioCurve, RatioResult, Weighting, Zeros

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RatioChange:
    """The ratio of two rate ratios, RR_k / RR_j (1 is no change).

    ``test`` holds it with its interval and the test of 1; ``rate_ratios`` (2,) are RR_j and RR_k.
    ``ratios`` (m,) are the factors by which the rate of each of the municipalities ``units`` (m,)
    changed from exposure j to k more than that of the never exposed.
    """

    test: RatioResult
    rate_ratios: FloatArray
    units: IntArray
    ratios: FloatArray


@dataclass(frozen=True, slots=True)
class _Counts:
    """Checked counts at the two exposures and their baselines, all (n, 2)."""

    events: FloatArray
    ballots: FloatArray
    baseline_events: FloatArray
    baseline_ballots: FloatArray

    def require_events(self, role: BoolArray | None = None) -> None:
        """Raise ValueError when a unit, or with ``role`` a side, has no events: no log rate."""
        for x in (self.events, self.baseline_events):
            sums = x if role is None else np.array([x[role].sum(axis=0), x[~role].sum(axis=0)])
            if (sums <= 0).any():
                who = "municipalities" if role is None else "sides of the comparison"
                msg = (
                    f"zero events in {int((sums <= 0).any(axis=1).sum())} {who} at an exposure or "
                    "its baseline: a log rate is undefined; see zeros='add_half'"
                )
                raise ValueError(msg)

    def log_ratios(self) -> FloatArray:
        """Return each municipality's log rate minus that of its baseline, (n, 2)."""
        later, earlier = self.events / self.ballots, self.baseline_events / self.baseline_ballots
        change: FloatArray = np.log(later) - np.log(earlier)
        return change

    def pooled(self, chosen: BoolArray) -> FloatArray:
        """Return the pooled log rate ratio of some municipalities at both exposures, (2,)."""
        x, n, bx, bn = (
            table[chosen].sum(axis=0)
            for table in (self.events, self.ballots, self.baseline_events, self.baseline_ballots)
        )
        change: FloatArray = np.log(x / n) - np.log(bx / bn)
        return change


def change_in_ratio(
    events: FloatArray,
    ballots: FloatArray,
    baseline_events: FloatArray,
    baseline_ballots: FloatArray,
    experiment: BoolArray,
    *,
    exposures: tuple[int, int],
    weighting: Weighting,
    zeros: Zeros = "error",
    studentised: bool = False,
    strata: IntArray | None = None,
    draws: int,
    max_exact: int,
    seed: int,
    confidence_level: float = 0.95,
) -> RatioChange:
    """Test and estimate the ratio of rate ratios RR_k / RR_j, with ``exposures`` = (j, k).

    ``exposures`` are columns, counted from 0. All counts are (n, K): ``events`` (invalid votes)
    among ``ballots`` (votes cast) at every exposure and, as ``baseline_``, at the same-type
    election before it. RR_k is the rate of the experiment municipalities over their baseline
    rate, divided by the same of the never exposed. Whole rows are reassigned.

    ``weighting="municipality"``: geometric means of the municipalities' own rate ratios. The test
    is exact for "no learning on the scale of ratios": effects that multiply the rate of a
    municipality by the same θ_i at both exposures, whatever the θ_i. They cancel on the log scale
    as additive effects do in :func:`~ballot_eval.estimation.learning.change_in_excess`.
    ``weighting="pooled"``: counts are added up first. There the null "one θ at both exposures in
    all municipalities" leaves θ unknown, and in a reassigned set with both kinds of municipality
    it does not cancel; it is removed at its estimate RR_j. Exact were θ known, otherwise
    approximate, and θ_i that differ also reweight the municipalities. The size of both is in
    docs/calibration_learning.md.

    Under an additive effect neither null holds when levels change between the exposures.
    ``zeros`` is as in :func:`~ballot_eval.estimation.ratio.ratio_randomisation_test`;
    ``studentised`` and ``strata`` (the difference of mean logs is then that within strata) are
    for the mean of logs.
    Raises ValueError for counts that do not fit, are negative, more events than ballots, no
    ballots, undefined logs of zero events, and the exposures and roles that are refused there.
    """
    role = np.asarray(experiment, dtype=bool)
    if weighting not in ("pooled", "municipality") or zeros not in ("error", "add_half"):
        msg = f"unknown weighting {weighting!r} or way with zeros {zeros!r}"
        raise ValueError(msg)
    if studentised and weighting == "pooled":
        msg = "the studentised statistic is for weighting='municipality': pooled counts have none"
        raise ValueError(msg)
    if weighting == "pooled" and several(strata):
        msg = "the pooled ratio has no version within strata; use weighting='municipality'"
        raise ValueError(msg)
    tables = (events, ballots, baseline_events, baseline_ballots)
    counts = _checked(tables, role, exposures, zeros)
    if weighting == "municipality":
        counts.require_events()
    assignments = draw_assignments(role, strata, draws=draws, max_exact=max_exact, seed=seed)
    if weighting == "pooled":
        return _pooled(counts, role, assignments, confidence_level)
    logs = counts.log_ratios()
    change = logs[:, 1] - logs[:, 0]
    test = stratified_randomisation_test(
        change,
        role,
        assignments,
        strata=strata,
        studentised=studentised,
        confidence_level=confidence_level,
    )
    return RatioChange(
        test=_exponentiated(test),
        rate_ratios=np.exp(logs[role].mean(axis=0) - logs[~role].mean(axis=0)),
        units=np.flatnonzero(role),
        ratios=np.exp(change[role] - change[~role].mean()),
    )


def check_exposures(exposures: tuple[int, int], n_exposures: int) -> list[int]:
    """Return the two columns; raise ValueError unless they exist and differ."""
    first, second = exposures
    if first == second or not all(0 <= k < n_exposures for k in (first, second)):
        msg = (
            f"exposures {exposures} must be two different columns of {n_exposures}, counted from 0"
        )
        raise ValueError(msg)
    return [first, second]


def _checked(
    tables: tuple[FloatArray, ...], role: BoolArray, exposures: tuple[int, int], zeros: Zeros
) -> _Counts:
    """Return the counts at the two exposures after checking shapes and ranges."""
    x, n, bx, bn = (np.asarray(table, dtype=float) for table in tables)
    if x.ndim != 2 or not x.shape == n.shape == bx.shape == bn.shape or role.shape != x.shape[:1]:
        msg = (
            f"counts {x.shape}, {n.shape}, {bx.shape}, {bn.shape} and roles {role.shape} must be "
            "four tables of municipalities by exposures and one role per municipality"
        )
        raise ValueError(msg)
    chosen = check_exposures(exposures, x.shape[1])
    return _checked_pairs(*(table[:, chosen] for table in (x, n, bx, bn)), zeros=zeros)


def _checked_pairs(
    x: FloatArray, n: FloatArray, bx: FloatArray, bn: FloatArray, *, zeros: Zeros
) -> _Counts:
    if not all(np.isfinite(table).all() for table in (x, n, bx, bn)):
        msg = "counts must be finite; leave out who was not there at both exposures"
        raise ValueError(msg)
    if (n <= 0).any() or (bn <= 0).any():
        msg = "a municipality without ballots has no rate; leave it out first"
        raise ValueError(msg)
    if (x < 0).any() or (bx < 0).any() or (x > n).any() or (bx > bn).any():
        msg = "events must lie between 0 and the number of ballots"
        raise ValueError(msg)
    if not (x.any(axis=0).all() and bx.any(axis=0).all()):
        msg = "zero events in a whole election: there is no ratio"
        raise ValueError(msg)
    half = 0.5 if zeros == "add_half" else 0.0
    return _Counts(x + half, n + 2 * half, bx + half, bn + 2 * half)


def _pooled(
    counts: _Counts, role: BoolArray, assignments: Assignments, confidence_level: float
) -> RatioChange:
    """Test the change of the pooled ratio, with RR_j removed at both exposures."""
    counts.require_events(role)
    observed = counts.pooled(role) - counts.pooled(~role)
    estimate = float(observed[1] - observed[0])
    curve = _pooled_curve(counts, role, assignments, math.exp(observed[0]), estimate)
    lower, upper = curve.interval(confidence_level)
    p_value, draws = curve.p_value(0.0), len(assignments.members)
    test = RandomisationResult(
        estimate=estimate,
        ci_lower=lower,
        ci_upper=upper,
        p_value=p_value,
        p_error=monte_carlo_error(p_value, draws, exact=assignments.exact),
        draws=draws,
        exact=assignments.exact,
        distribution=curve.statistic(0.0),
    )
    # A municipality without events has ratio 0, infinity or none of its own.
    with np.errstate(divide="ignore", invalid="ignore"):
        own = counts.log_ratios()[role] - counts.pooled(~role)
        ratios = np.exp(own[:, 1] - own[:, 0])
    return RatioChange(_exponentiated(test), np.exp(observed), np.flatnonzero(role), ratios)


def _pooled_curve(
    counts: _Counts, role: BoolArray, assignments: Assignments, base: float, estimate: float
) -> RatioCurve:
    """Return the curve in the events at exposure k, everything else being fixed."""
    first, later = (np.where(role, x / base, x) for x in counts.events.T)
    others = [first, *counts.baseline_events.T, *counts.ballots.T, *counts.baseline_ballots.T]
    # The sign with which the log of each sum enters RR_k / RR_j.
    signs = np.array([-1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0])
    table = np.column_stack([later * ~role, later * role, *others])
    totals, inside = table.sum(axis=0), gather_sums(table, assignments.members)
    outside = totals[:, None] - inside
    pairs = [(inside[:2].sum(axis=0), outside[:2].sum(axis=0))]
    pairs += [(inside[row], outside[row]) for row in (2, 3, 4)]
    empty = np.zeros(len(assignments.members), dtype=bool)
    for within, without in pairs:
        empty |= (within <= 0) | (without <= 1e-9 * (within + without))
    if empty.any():
        msg = (
            f"zero events on one side of {int(empty.sum())} reassignments: the ratio is "
            "undefined; see zeros='add_half'"
        )
        raise ValueError(msg)
    return RatioCurve(
        plain=inside[0],
        removed=inside[1],
        fixed=signs @ (np.log(inside[2:]) - np.log(outside[2:])),
        totals=(float(totals[0]), float(totals[1])),
        estimate=estimate,
        exact=assignments.exact,
    )


def _exponentiated(test: RandomisationResult) -> RatioResult:
    """Return a result on the log scale as one about ratios."""
    lower, upper = np.exp([test.ci_lower, test.ci_upper])
    return RatioResult(
        ratio=math.exp(test.estimate),
        ci_lower=float(lower),
        ci_upper=float(upper),
        p_value=test.p_value,
        p_error=test.p_error,
        draws=test.draws,
        exact=test.exact,
        distribution=test.distribution,
    )
