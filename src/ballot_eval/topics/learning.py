"""The learning effect: whether the excess of invalid votes fades when voters meet the ballot again.

Four looks at it. Over time, in the municipalities that used the ballot at every compared election,
each use against the same type of election before it. At one election, third-timers against
first-timers. Within polling stations, voters who used it before against those who did not. And
the naive change of the share, taken apart into its parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.decomposition import (
    Decomposition,
)
from ballot_eval.estimation.forecast import Forecast
from ballot_eval.estimation.inference import RandomisationResult
from ballot_eval.estimation.learning import (
    ExcessByExposure,
    change_in_excess,
    consecutive_changes,
    excess_by_exposure,
)
from ballot_eval.estimation.learning_decay import Decay, decay
from ballot_eval.estimation.learning_groups import (
    later_against_first,
    later_against_first_power,
    within_station_difference,
)
from ballot_eval.estimation.learning_ratio import change_in_ratio
from ballot_eval.panel import Panel, contrast
from ballot_eval.plan_topics import Exposure
from ballot_eval.results import Effect, Measure
from ballot_eval.topics.exposures import ExposureHistory, exposure_history, pair_name, pairs
from ballot_eval.topics.introduction import introduction_results
from ballot_eval.topics.measures import Basis, Comparison, Numbers, exponentiated
from ballot_eval.topics.naive_change import decompositions, published_excess
from ballot_eval.topics.pools import COVARIATES, covariates
from ballot_eval.topics.voters import select_voters

FloatArray = npt.NDArray[np.float64]

MUNICIPALITY = "municipality"

#: Public facts that the comparison of third- and first-timers is adjusted for: few, because
#: there are few municipalities.
ADJUSTED_FOR = ("log_inhabitants", "higher_education_share")

#: Placebo studies behind the smallest difference that can be found.
PLACEBO_STUDIES = 2_000

#: Draws of the excess behind the limits of a decay curve.
DECAY_DRAWS = 20_000


#: Why there is no decay curve through the excess at three exposures.
NO_DECAY = {
    "no_first_change": "the excess did not change from the first to the second use",
    "change_turns": "the excess changes direction from one use to the next",
    "change_grows": "the change of the excess does not become smaller",
}


@dataclass(frozen=True, slots=True)
class LearningResults:
    """Measures of the learning effect, and what figures and sentences are made of.

    ``decompositions`` maps a pair of elections, earlier first, to the parts of the naive change.
    """

    measures: tuple[Measure, ...]
    history: ExposureHistory
    decompositions: dict[tuple[str, str], Decomposition]
    decay: Decay | None
    forecasts: tuple[Forecast, ...]


def learning_results(
    panel: Panel, accepted: Mapping[str, pd.DataFrame], *, ratio: Effect | None = None
) -> LearningResults | None:
    """Return all measures of the learning effect; None when the plan does not ask for them.

    ``ratio`` is the effect of the study's election as a ratio of rates, for the forecast.
    """
    study = panel.study
    history = exposure_history(accepted, study, study.analysis.outcome)
    if history is None:
        return None
    made: list[Measure] = []
    found = _over_time(history, made)
    curve = _decay(found, history, made)
    published_excess(history, made)
    parts = decompositions(history, made)
    _at_one_election(panel, made)
    _within_stations(accepted, study, made)
    forecasts, expected = introduction_results(panel, ratio)
    return LearningResults((*made, *expected), history, parts, curve, forecasts)


# Over time


def _over_time(history: ExposureHistory, made: list[Measure]) -> ExcessByExposure | None:
    """Add the excess at every exposure with counts, and its changes; return the unweighted one."""
    exposures = history.complete
    if not exposures:
        return None
    codes, fixed = history.common(exposures)
    if not fixed.any() or fixed.all():
        return None
    analysis = history.study.analysis
    basis = Basis(MUNICIPALITY, len(codes), analysis.draws, analysis.seed)
    changes = history.changes(exposures, codes)
    ballots = history.table(exposures, codes, "ballots", baseline=False)
    unweighted: ExcessByExposure | None = None
    for weighting, weights in ((MUNICIPALITY, None), ("ballot", ballots)):
        found = excess_by_exposure(
            changes,
            fixed,
            weights=weights,
            draws=analysis.draws,
            max_exact=analysis.max_exact,
            seed=analysis.seed,
            confidence_level=analysis.confidence_level,
        )
        unweighted = unweighted or found
        limits = (found.estimates, found.ci_lower, found.ci_upper, found.p_values)
        for exposure, numbers in zip(exposures, np.column_stack(limits).tolist(), strict=True):
            to = Comparison(exposure.election, weighting, len(codes), made)
            to.add("excess", "randomisation", partial(_same, tuple(numbers)), basis)
        _changes(history, changes, fixed, weights, weighting, made, basis)
    assert unweighted is not None
    for unit, differences in zip(unweighted.units, unweighted.differences.tolist(), strict=True):
        for exposure, value in zip(exposures, differences, strict=True):
            to = Comparison(exposure.election, str(codes[unit]), 1, made)
            to.add("excess", "own_change", partial(_alone, value), Basis(MUNICIPALITY, 1))
    _ratios(history, exposures, codes, fixed, made, basis)
    return unweighted


def _same(numbers: Numbers) -> Numbers:
    return numbers


def _alone(value: float) -> Numbers:
    return value, math.nan, math.nan, math.nan


def _numbers(test: RandomisationResult) -> Numbers:
    return test.estimate, test.ci_lower, test.ci_upper, test.p_value


def _changes(
    history: ExposureHistory,
    changes: FloatArray,
    fixed: npt.NDArray[np.bool_],
    weights: FloatArray | None,
    weighting: str,
    made: list[Measure],
    basis: Basis,
) -> None:
    """Add the changes of the excess between exposures, plain and studentised, and jointly."""
    exposures, analysis = history.complete, history.study.analysis
    for pair in pairs(exposures):
        names = [exposures[k].election for k in pair]
        to = Comparison(pair_name(*names), weighting, len(fixed), made)
        for method in ("randomisation", "randomisation_studentised"):

            def work(pair: tuple[int, int] = pair, method: str = method) -> Numbers:
                found = change_in_excess(
                    changes,
                    fixed,
                    exposures=pair,
                    weights=weights,
                    studentised=method == "randomisation_studentised",
                    draws=analysis.draws,
                    max_exact=analysis.max_exact,
                    seed=analysis.seed,
                    confidence_level=analysis.confidence_level,
                )
                return _numbers(found.test)

            to.add("change_in_excess", method, work, basis)
    if len(exposures) < 3:
        return
    joint = consecutive_changes(
        changes,
        fixed,
        scaling="permutation_sd",
        weights=weights,
        draws=analysis.draws,
        max_exact=analysis.max_exact,
        seed=analysis.seed,
    )
    for (j, k), p_value in zip(pairs(exposures), joint.p_max_t, strict=False):
        to = Comparison(
            pair_name(exposures[j].election, exposures[k].election), weighting, len(fixed), made
        )
        numbers = (math.nan, math.nan, math.nan, float(p_value))
        to.add("change_in_excess_joint", "max_t", partial(_same, numbers), basis)


def _ratios(
    history: ExposureHistory,
    exposures: tuple[Exposure, ...],
    codes: pd.Index[str],
    fixed: npt.NDArray[np.bool_],
    made: list[Measure],
    basis: Basis,
) -> None:
    """Add the changes of the excess as a ratio of rate ratios."""
    analysis = history.study.analysis
    tables = [
        history.table(exposures, codes, column, baseline=baseline)
        for baseline in (False, True)
        for column in ("events", "ballots")
    ]
    for pair in pairs(exposures):
        names = [exposures[k].election for k in pair]
        for weighting, name in ((MUNICIPALITY, MUNICIPALITY), ("pooled", "ballot")):

            def work(pair: tuple[int, int] = pair, weighting: str = weighting) -> Numbers:
                found = change_in_ratio(
                    tables[0],
                    tables[1],
                    tables[2],
                    tables[3],
                    fixed,
                    exposures=pair,
                    weighting=weighting,  # type: ignore[arg-type]
                    zeros="add_half",
                    draws=analysis.draws,
                    max_exact=analysis.max_exact,
                    seed=analysis.seed,
                    confidence_level=analysis.confidence_level,
                )
                test = found.test
                return test.ratio, test.ci_lower, test.ci_upper, test.p_value

            to = Comparison(pair_name(*names), name, len(codes), made)
            to.add("change_in_ratio", "randomisation", work, basis)


def _decay(
    found: ExcessByExposure | None, history: ExposureHistory, made: list[Measure]
) -> Decay | None:
    """Add half-life and asymptote when exactly three exposures have counts."""
    if found is None or len(found.estimates) != 3:
        return None
    curve = decay(
        found.estimates,
        found.covariance,
        draws=DECAY_DRAWS,
        seed=history.study.analysis.seed,
        confidence_level=history.study.analysis.confidence_level,
    )
    basis = Basis(MUNICIPALITY, len(found.units), DECAY_DRAWS, history.study.analysis.seed)
    to = Comparison("decay", MUNICIPALITY, len(found.units), made)
    for name in ("ratio", "asymptote", "half_life"):

        def work(name: str = name) -> Numbers:
            estimate = float(getattr(curve, name))
            if math.isnan(estimate):
                raise ValueError(NO_DECAY[curve.reason])
            limits = (getattr(curve, f"{name}_{side}") for side in ("lower", "upper"))
            low, high = (float(v) for v in limits)
            return estimate, low, high, math.nan

        to.add(f"decay_{name}", "three_exposures", work, basis)
    missing = partial(_alone, curve.share_without)
    to.add("share_of_draws_without_decay", "three_exposures", missing, basis)
    return curve


# At one election


def _at_one_election(panel: Panel, made: list[Measure]) -> None:
    """Add third-timers against first-timers, against the first baseline."""
    study = panel.study
    data = contrast(panel, study.analysis.outcome, study.election, study.baselines[0])
    codes = np.array(data.codes)[data.treated]
    later = np.array([study.exposure(c, study.election) > 1 for c in codes], dtype=bool)
    if later.all() or not later.any():
        return
    changes, never = data.change[data.treated], data.change[~data.treated]
    votes = data.votes_cast[data.treated]
    size = (np.argsort(np.argsort(votes)) >= len(votes) / 2).astype(np.intp)
    chosen = [COVARIATES.index(name) for name in ADJUSTED_FOR]
    choices: dict[str, Callable[[], dict[str, object]]] = {
        "exact_permutation": dict,
        "exact_permutation_studentised": lambda: {"studentised": True},
        "exact_permutation_adjusted": lambda: {"covariates": covariates(tuple(codes))[:, chosen]},
        "exact_permutation_stratified": lambda: {"strata": size},
    }
    to = Comparison(study.election, MUNICIPALITY, len(codes), made)
    basis = Basis(MUNICIPALITY, len(codes))
    level = study.analysis.confidence_level

    for method, options in choices.items():

        def work(options: Callable[[], dict[str, object]] = options) -> Numbers:
            found = later_against_first(
                changes,
                later,
                never=never,
                confidence_level=level,
                **options(),  # type: ignore[arg-type]
            )
            return _numbers(found.test)

        to.add("later_against_first", method, work, basis)
    for name, group in (("later", later), ("first", ~later)):
        value = float(changes[group].mean() - never.mean())
        Comparison(study.election, name, int(group.sum()), made).add(
            "excess_of_group", "difference_in_differences", partial(_alone, value), basis
        )
    for code, change in zip(codes, changes, strict=True):
        Comparison(study.election, str(code), 1, made).add(
            "excess_now", "own_change", partial(_alone, float(change - never.mean())), basis
        )
    _detectable(never, int(later.sum()), int((~later).sum()), to, study)


def _detectable(
    never: FloatArray, n_later: int, n_first: int, to: Comparison, study: StudyDesign
) -> None:
    """Add the smallest difference that the exact test would find with a chance of 0.8."""

    def work() -> Numbers:
        found = later_against_first_power(
            never,
            n_later=n_later,
            n_first=n_first,
            effects=np.array([0.0]),
            studies=PLACEBO_STUDIES,
            seed=study.analysis.seed,
            alpha=1 - study.analysis.confidence_level,
        )
        return found.negative.effect, math.nan, math.nan, math.nan

    basis = Basis(MUNICIPALITY, n_later + n_first, PLACEBO_STUDIES, study.analysis.seed)
    to.add("detectable_difference", "placebo_studies", work, basis)


# Within stations


def _within_stations(
    accepted: Mapping[str, pd.DataFrame], study: StudyDesign, made: list[Measure]
) -> None:
    """Add the time of voters who used the ballot before over that of the others, in one station."""
    voters = select_voters(accepted["voting_times"], study, "unassisted")
    used = voters.only(voters.complete & voters.new & (voters.frame["first_use"] != "unknown"))
    if not used.n:
        return
    earlier = (used.frame["first_use"] == "no").to_numpy(dtype=bool)
    to = Comparison("earlier/first", "unassisted", used.n, made)
    for cluster, labels in (
        ("polling_station", used.station),
        (MUNICIPALITY, used.municipality.to_numpy(str)),
    ):

        def work(labels: npt.NDArray[np.str_] = labels) -> Numbers:
            found = within_station_difference(
                np.log(used.seconds),
                earlier,
                used.station,
                clusters=labels,
                confidence_level=study.analysis.confidence_level,
            )
            return exponentiated((found.estimate, found.ci_lower, found.ci_upper, found.p_value))

        to.add("within_station_time_ratio", f"cr2_{cluster}", work, Basis.of(cluster, labels))
