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
from ballot_eval.estimation.decomposition import Decomposition
from ballot_eval.estimation.forecast import Forecast
from ballot_eval.estimation.learning_decay import Decay
from ballot_eval.estimation.learning_groups import (
    later_against_first,
    later_against_first_power,
    within_station_difference,
)
from ballot_eval.panel import Panel, contrast
from ballot_eval.results import Effect, Measure
from ballot_eval.topics.exposures import ExposureHistory, exposure_history
from ballot_eval.topics.introduction import introduction_results
from ballot_eval.topics.learning_over_time import alone, excess_over_time, numbers_of
from ballot_eval.topics.measures import Basis, Comparison, Numbers, exponentiated
from ballot_eval.topics.naive_change import decompositions
from ballot_eval.topics.own_change import own_effects
from ballot_eval.topics.pools import COVARIATES, covariates
from ballot_eval.topics.voters import select_voters

FloatArray = npt.NDArray[np.float64]

MUNICIPALITY = "municipality"

#: Public facts that the comparison of third- and first-timers is adjusted for: few, because
#: there are few municipalities.
ADJUSTED_FOR = ("log_inhabitants", "higher_education_share")

#: Placebo studies behind the smallest difference that can be found.
PLACEBO_STUDIES = 2_000


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
    curve = excess_over_time(history, made)
    own_effects(history, made)
    parts = decompositions(history, made)
    _at_one_election(panel, made)
    _within_stations(accepted, study, made)
    forecasts, expected = introduction_results(panel, ratio)
    return LearningResults((*made, *expected), history, parts, curve, forecasts)


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
    # Strata of the plan, or else a smaller and a larger half.
    size = data.strata[data.treated]
    if study.analysis.strata is None:
        size = (np.argsort(np.argsort(votes)) >= len(votes) / 2).astype(np.intp)
    chosen = [COVARIATES.index(name) for name in ADJUSTED_FOR]
    choices: dict[str, Callable[[], dict[str, object]]] = {
        "exact_permutation": dict,
        "exact_permutation_studentised": lambda: {"studentised": True},
        "exact_permutation_adjusted": lambda: {"covariates": covariates(tuple(codes))[:, chosen]},
        "exact_permutation_stratified": lambda: {"strata": size},
    }
    to = Comparison(study.election, MUNICIPALITY, len(codes), made, len(codes))
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
            return numbers_of(found.test)

        to.add("later_against_first", method, work, basis)
    for name, group in (("later", later), ("first", ~later)):
        value = float(changes[group].mean() - never.mean())
        n = int(group.sum())
        Comparison(study.election, name, n, made, n).add(
            "excess_of_group", "difference_in_differences", partial(alone, value), basis
        )
    for code, change in zip(codes, changes, strict=True):
        Comparison(study.election, str(code), 1, made, 1).add(
            "excess_now", "own_change", partial(alone, float(change - never.mean())), basis
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
