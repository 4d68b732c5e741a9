"""The excess at every use of the ballot in the fixed set, its changes, and the curve through it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.estimation.decomposition import ElectionLevels
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.estimation.joint import JointResult
from ballot_eval.estimation.learning import (
    ExcessByExposure,
    change_in_excess,
    excess_by_exposure,
    joint_changes,
)
from ballot_eval.estimation.learning_decay import Decay, decay
from ballot_eval.estimation.learning_ratio import change_in_ratio
from ballot_eval.estimation.ratio import Weighting, Zeros
from ballot_eval.panel import size_strata
from ballot_eval.plan_topics import Exposure
from ballot_eval.results import Measure
from ballot_eval.topics.exposures import ExposureHistory, pair_name, pairs
from ballot_eval.topics.measures import Basis, Comparison, Numbers
from ballot_eval.topics.naive_change import NOTHING, add_bounds, fixed_levels, refuse, same

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
Result = TypeVar("Result")

#: Draws of the excess behind the limits of a decay curve.
DECAY_DRAWS = 20_000

#: Why there is no decay curve through the excess at three exposures.
NO_DECAY = {
    "no_first_change": "the excess did not change from the first to the second use",
    "change_turns": "the excess changes direction from one use to the next",
    "change_grows": "the change of the excess does not become smaller",
}

#: How the rate ratio is weighted, under which name, and what is done with municipalities
#: without events: a logarithm of their own rate needs half an event, a pooled rate does not.
RATIOS: tuple[tuple[Weighting, str, Zeros], ...] = (
    ("municipality", "municipality", "add_half"),
    ("pooled", "ballot", "error"),
)


@dataclass(frozen=True, slots=True)
class _Panel:
    """The exposures with counts of the municipalities that are compared.

    ``changes`` and ``ballots`` are (n, K); ``fixed`` (n,) marks the fixed set; ``strata`` (n,)
    are the size groups of the plan, by the votes cast at the first baseline.
    """

    history: ExposureHistory
    exposures: tuple[Exposure, ...]
    codes: pd.Index[str]
    fixed: BoolArray
    changes: FloatArray
    ballots: FloatArray
    strata: IntArray | None
    made: list[Measure]

    def to(self, group: str, subset: str) -> Comparison:
        """Return a comparison of all municipalities that are compared."""
        return Comparison(group, subset, len(self.fixed), self.made, int(self.fixed.sum()))

    @property
    def basis(self) -> Basis:
        """Return what the uncertainty rests on."""
        analysis = self.history.study.analysis
        return Basis("municipality", len(self.fixed), analysis.draws, analysis.seed)

    def pair(self, pair: tuple[int, int]) -> str:
        """Return the name of the comparison of two exposures."""
        return pair_name(*(self.exposures[k].election for k in pair))


def excess_over_time(history: ExposureHistory, made: list[Measure]) -> Decay | None:
    """Add the excess at every use and its changes; return the curve when there is one to draw.

    From counts by randomisation; where the counts of a use are not known, the limits that
    published shares leave.
    """
    panel = _panel(history, made)
    curve = None
    if panel is not None:
        found = _excess(panel)
        _changes(panel, "municipality", None)
        _changes(panel, "ballot", panel.ballots)
        _ratios(panel)
        curve = _decay(found, panel)
    _rounded(history, panel.exposures if panel else (), made)
    return curve


def _panel(history: ExposureHistory, made: list[Measure]) -> _Panel | None:
    """Return what is compared; None when no exposure has counts of both kinds."""
    exposures = history.complete
    codes, fixed = history.common()
    if not fixed.any() or fixed.all():
        return None
    study = history.study
    strata = None
    if study.analysis.strata is not None:
        strata = size_strata(history.counts[exposures[0].baseline].loc[codes, "ballots"], study)
    return _Panel(
        history=history,
        exposures=exposures,
        codes=codes,
        fixed=fixed,
        changes=history.changes(exposures, codes),
        ballots=history.table(exposures, codes, "ballots", baseline=False),
        strata=strata,
        made=made,
    )


def _attempt(make: Callable[[], Result]) -> tuple[Result | None, str]:
    """Return what is made, or None with the reason why it cannot be."""
    try:
        return make(), ""
    except ValueError as reason:
        return None, str(reason)


def _excess(panel: _Panel) -> ExcessByExposure | None:
    """Add the excess at every exposure; return the one in which municipalities count the same."""
    analysis = panel.history.study.analysis
    kept: ExcessByExposure | None = None
    for weighting, weights in (("municipality", None), ("ballot", panel.ballots)):
        make = partial(
            excess_by_exposure,
            panel.changes,
            panel.fixed,
            weights=weights,
            strata=panel.strata,
            draws=analysis.draws,
            max_exact=analysis.max_exact,
            seed=analysis.seed,
            confidence_level=analysis.confidence_level,
        )
        found, reason = _attempt(make)
        kept = kept or found
        for k, exposure in enumerate(panel.exposures):
            to = panel.to(exposure.election, weighting)
            work = partial(refuse, reason) if found is None else partial(_at, found, k)
            to.add("excess", "randomisation", work, panel.basis)
    return kept


def _at(found: ExcessByExposure, k: int) -> Numbers:
    columns = (found.estimates, found.ci_lower, found.ci_upper, found.p_values)
    estimate, low, high, p_value = (float(c[k]) for c in columns)
    return estimate, low, high, p_value


def alone(value: float) -> Numbers:
    """Return a number without limits and p-value."""
    return value, math.nan, math.nan, math.nan


def numbers_of(test: RandomisationResult) -> Numbers:
    """Return estimate, limits and p-value of a test."""
    return test.estimate, test.ci_lower, test.ci_upper, test.p_value


def _changes(panel: _Panel, weighting: str, weights: FloatArray | None) -> None:
    """Add the changes of the excess between exposures, plain and studentised, and jointly."""
    analysis = panel.history.study.analysis
    for pair in pairs(panel.exposures):
        to = panel.to(panel.pair(pair), weighting)
        for method in ("randomisation", "randomisation_studentised"):

            def work(pair: tuple[int, int] = pair, method: str = method) -> Numbers:
                found = change_in_excess(
                    panel.changes,
                    panel.fixed,
                    exposures=pair,
                    weights=weights,
                    strata=panel.strata,
                    studentised=method == "randomisation_studentised",
                    draws=analysis.draws,
                    max_exact=analysis.max_exact,
                    seed=analysis.seed,
                    confidence_level=analysis.confidence_level,
                )
                return numbers_of(found.test)

            to.add("change_in_excess", method, work, panel.basis)
    if len(panel.exposures) > 2:
        _joint(panel, weighting, weights)


def _joint(panel: _Panel, weighting: str, weights: FloatArray | None) -> None:
    """Add the p-values of the changes adjusted for each other, from one studentised test."""
    analysis, every = panel.history.study.analysis, pairs(panel.exposures)

    def make() -> JointResult:
        if panel.strata is not None:
            refuse("there is no studentised statistic with strata")
        return joint_changes(
            panel.changes,
            panel.fixed,
            pairs=every,
            scaling="studentised",
            weights=weights,
            draws=analysis.draws,
            max_exact=analysis.max_exact,
            seed=analysis.seed,
        )

    found, reason = _attempt(make)
    for i, pair in enumerate(every):
        work = partial(refuse, reason)
        if found is not None:
            work = partial(same, (math.nan, math.nan, math.nan, float(found.p_max_t[i])))
        to = panel.to(panel.pair(pair), weighting)
        to.add("change_in_excess_joint", "max_t_studentised", work, panel.basis)


def _ratios(panel: _Panel) -> None:
    """Add the changes of the excess as a ratio of rate ratios."""
    analysis = panel.history.study.analysis
    tables = [
        panel.history.table(panel.exposures, panel.codes, column, baseline=baseline)
        for baseline in (False, True)
        for column in ("events", "ballots")
    ]
    for pair in pairs(panel.exposures):
        for weighting, name, zeros in RATIOS:

            def work(
                pair: tuple[int, int] = pair, weighting: Weighting = weighting, zeros: Zeros = zeros
            ) -> Numbers:
                test = change_in_ratio(
                    tables[0],
                    tables[1],
                    tables[2],
                    tables[3],
                    panel.fixed,
                    exposures=pair,
                    weighting=weighting,
                    zeros=zeros,
                    strata=panel.strata,
                    draws=analysis.draws,
                    max_exact=analysis.max_exact,
                    seed=analysis.seed,
                    confidence_level=analysis.confidence_level,
                ).test
                return test.ratio, test.ci_lower, test.ci_upper, test.p_value

            to = panel.to(panel.pair(pair), name)
            to.add("change_in_ratio", "randomisation", work, panel.basis)


def _decay(found: ExcessByExposure | None, panel: _Panel) -> Decay | None:
    """Add half-life and asymptote when exactly three exposures have counts."""
    if found is None or len(found.estimates) != 3:
        return None
    analysis = panel.history.study.analysis
    curve = decay(
        found.estimates,
        found.covariance,
        draws=DECAY_DRAWS,
        seed=analysis.seed,
        confidence_level=analysis.confidence_level,
    )
    n = len(found.units)
    basis = Basis("municipality", n, DECAY_DRAWS, analysis.seed)
    to = Comparison("decay", "municipality", n, panel.made, n)
    for name in ("ratio", "asymptote", "half_life"):

        def work(name: str = name) -> Numbers:
            estimate = float(getattr(curve, name))
            if math.isnan(estimate):
                raise ValueError(NO_DECAY[curve.reason])
            limits = (getattr(curve, f"{name}_{side}") for side in ("lower", "upper"))
            low, high = (float(v) for v in limits)
            return estimate, low, high, math.nan

        to.add(f"decay_{name}", "three_exposures", work, basis)
    for quantity, share in (
        ("share_of_draws_without_decay", curve.share_without),
        ("share_of_draws_rising", curve.share_rising),
    ):
        to.add(quantity, "three_exposures", partial(alone, share), basis)
    return curve


def _rounded(history: ExposureHistory, counted: tuple[Exposure, ...], made: list[Measure]) -> None:
    """Add excess and changes where a use has no counts of its own, as what rounding leaves open.

    The excess is that of the compared municipalities together; a change needs both its uses.
    """
    exposures = history.learning.exposures
    n = len(history.members)
    levels: dict[str, ElectionLevels] = {}
    for exposure in exposures:
        found, reason = _attempt(partial(fixed_levels, history, exposure))
        if found is not None:
            levels[exposure.election] = found
        if exposure in counted:
            continue
        to = Comparison(exposure.election, "ballot", n, made, n)
        if found is None or found.excess is None:
            to.add("excess", "identity_rounded", partial(refuse, reason), NOTHING)
        else:
            add_bounds(to, "excess", found.excess)
    for j, k in pairs(exposures):
        then, now = exposures[j], exposures[k]
        if then in counted and now in counted:
            continue
        if then.election in levels and now.election in levels:
            to = Comparison(pair_name(then.election, now.election), "ballot", n, made, n)
            _add_change(to, levels[then.election], levels[now.election])


def _add_change(to: Comparison, then: ElectionLevels, now: ElectionLevels) -> None:
    if then.excess is not None and now.excess is not None:
        add_bounds(to, "change_in_excess", now.excess - then.excess)
    if then.rate_ratio is not None and now.rate_ratio is not None and then.rate_ratio.lower > 0:
        add_bounds(to, "change_in_ratio", now.rate_ratio / then.rate_ratio)
