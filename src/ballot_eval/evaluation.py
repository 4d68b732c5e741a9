"""From a raw folder to everything a run knows, in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError, InvalidDataError
from ballot_eval.estimation.count_data import CountFit
from ballot_eval.panel import OUTCOMES, Panel, build_panel
from ballot_eval.raw import RawData
from ballot_eval.results import (
    Check,
    Effect,
    MarkingMeasure,
    Measure,
    Power,
    Rate,
    ResultSet,
)
from ballot_eval.sources import read_raw
from ballot_eval.topics.booths import booth_results
from ballot_eval.topics.count_models import count_model
from ballot_eval.topics.counting_time import CountingTimes, counting_time_results
from ballot_eval.topics.invalid_votes import EffectEstimate, effect_results, rate_results
from ballot_eval.topics.learning import LearningResults, learning_results
from ballot_eval.topics.marking import marking_results
from ballot_eval.topics.power import power_results
from ballot_eval.topics.robustness import robustness_results
from ballot_eval.topics.second_opinions import second_opinions
from ballot_eval.topics.specifications import (
    Specifications,
    specification_checks,
    specification_results,
)
from ballot_eval.topics.station_effects import StationResults, station_results
from ballot_eval.topics.survey import SurveyResults, survey_results
from ballot_eval.topics.voting_time import VotingTimes, voting_time_results
from ballot_eval.validation import ValidationReport, validate

#: Accepted rows by table.
Tables = Mapping[str, pd.DataFrame]

#: Called with a short sentence at the start of each step.
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything one run knows, in memory."""

    study: StudyDesign
    raw: RawData
    validation: ValidationReport
    panel: Panel
    results: ResultSet
    primary: EffectEstimate
    count_fit: CountFit | None
    voting: VotingTimes
    counting: CountingTimes
    learning: LearningResults | None
    surveys: tuple[SurveyResults, ...]

    @property
    def simulated(self) -> bool:
        """Return whether the data are marked as simulated."""
        return self.raw.simulated


@dataclass(frozen=True, slots=True)
class _Votes:
    """What is estimated from the counts of votes."""

    rates: tuple[Rate, ...]
    effects: tuple[EffectEstimate, ...]
    checks: tuple[Check, ...]
    others: tuple[Effect, ...]
    stations: StationResults
    specifications: Specifications
    power: tuple[Power, ...]
    fit: CountFit | None

    @property
    def every_effect(self) -> tuple[Effect, ...]:
        """Every effect, by every method."""
        return (*(e.effect for e in self.effects), *self.others, *self.stations.effects)


@dataclass(frozen=True, slots=True)
class _Measured:
    """What is estimated from times, marked ballots and surveys."""

    voting: VotingTimes
    booths: tuple[Measure, ...]
    counting: CountingTimes
    marking: tuple[MarkingMeasure, ...]
    surveys: tuple[SurveyResults, ...]


def evaluate(
    study: StudyDesign,
    raw: Path,
    *,
    allow_errors: bool = False,
    processes: int = 1,
    progress: Progress | None = None,
) -> Outcome:
    """Read, validate and estimate; write nothing.

    With two ``processes`` or more, votes are estimated beside the rest; the results are the same.
    Raises InvalidDataError when there are errors in the data, unless ``allow_errors``: then the
    faulty rows stay excluded and the rest is analysed.
    """
    say = progress or _silent
    say("reading the raw files")
    data = read_raw(study, raw)
    say("validating")
    report = validate(data, study)
    if not allow_errors:
        report.raise_if_errors()
    try:
        panel = build_panel(report.accepted, study)
    except DesignError as error:
        # The design is right; the data that it needs are not there.
        raise InvalidDataError(str(error), report) from error
    votes, measured = _estimated(panel, report.accepted, processes, say)
    say("learning")
    every = votes.every_effect
    learning = learning_results(panel, report.accepted, ratio=_ratio(every, study))
    results = ResultSet(
        study.id,
        votes.rates,
        every,
        (*votes.checks, *specification_checks(panel), *votes.specifications.omitted),
        votes.specifications.found,
        votes.power,
        voting_time=(*measured.voting.measures, *measured.booths),
        counting_time=measured.counting.measures,
        learning=learning.measures if learning else (),
        survey=tuple(m for s in measured.surveys for m in s.measures),
        stations=votes.stations.rates,
        station_dispersion=votes.stations.dispersion,
        station_coverage=votes.stations.coverage,
        marking=measured.marking,
    )
    return Outcome(
        study=study,
        raw=data,
        validation=report,
        panel=panel,
        results=results,
        primary=_primary(votes.effects, study),
        count_fit=votes.fit,
        voting=measured.voting,
        counting=measured.counting,
        learning=learning,
        surveys=measured.surveys,
    )


def _silent(_: str) -> None:
    """Say nothing."""


def _estimated(
    panel: Panel, accepted: Tables, processes: int, say: Progress
) -> tuple[_Votes, _Measured]:
    if processes == 1:
        return _votes(panel, accepted["station_results"], say), _measured(panel, accepted, say)
    say("votes, and beside them times, marking and surveys")
    votes, measured = Parallel(n_jobs=2)(
        (
            delayed(_votes)(panel, accepted["station_results"], _silent),
            delayed(_measured)(panel, accepted, _silent),
        )
    )
    return votes, measured


def _votes(panel: Panel, station_rows: pd.DataFrame, say: Progress) -> _Votes:
    say("rates")
    rates = rate_results(panel)
    say("effects")
    effects = effect_results(panel)
    say("robustness")
    checks = robustness_results(panel)
    say("second opinions")
    others = [e for outcome in OUTCOMES for e in second_opinions(panel, outcome)]
    say("polling stations")
    stations = station_results(station_rows, panel)
    say("specifications")
    specifications = specification_results(panel, others, checks)
    say("power")
    power = power_results(panel)
    return _Votes(
        rates, effects, checks, tuple(others), stations, specifications, power, _fit(panel)
    )


def _measured(panel: Panel, accepted: Tables, say: Progress) -> _Measured:
    study = panel.study
    say("times in the booth and at the count")
    voting = voting_time_results(accepted["voting_times"], study)
    booths = booth_results(voting.voters["all"], study) if "all" in voting.voters else ()
    counting = counting_time_results(accepted["counting_times"], study)
    say("marking of the ballot")
    marking = marking_results(accepted, panel)
    say("surveys")
    return _Measured(voting, booths, counting, marking, survey_results(accepted, study))


def _fit(panel: Panel) -> CountFit | None:
    """Return the count model behind the residual plot; None where it cannot be fitted."""
    study = panel.study
    try:
        found = count_model(panel, study.analysis.outcome, study.baselines[0], "quasi_binomial")
    except ValueError:
        return None
    return found.model


def _ratio(effects: Sequence[Effect], study: StudyDesign) -> Effect | None:
    """Return the ballot-weighted effect as a ratio, None where it could not be estimated."""
    wanted = (study.analysis.outcome, study.baselines[0], "ballot", "randomisation_ratio")
    for e in effects:
        if (e.outcome, e.baseline, e.weighting, e.method) == wanted and math.isfinite(e.estimate):
            return e
    return None


def _primary(effects: tuple[EffectEstimate, ...], study: StudyDesign) -> EffectEstimate:
    wanted = (study.analysis.outcome, study.baselines[0], study.analysis.weighting, "randomisation")
    for estimate in effects:
        e = estimate.effect
        if (e.outcome, e.baseline, e.weighting, e.method) == wanted:
            return estimate
    raise KeyError(wanted)
