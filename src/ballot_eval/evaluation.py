"""From a raw folder to everything a run knows, in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError, InvalidDataError
from ballot_eval.estimation.count_data import CountFit
from ballot_eval.panel import OUTCOMES, Panel, build_panel
from ballot_eval.raw import RawData
from ballot_eval.results import Effect, ResultSet
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
from ballot_eval.topics.specifications import specification_checks, specification_results
from ballot_eval.topics.station_effects import station_results
from ballot_eval.topics.survey import SurveyResults, survey_results
from ballot_eval.topics.voting_time import VotingTimes, voting_time_results
from ballot_eval.validation import ValidationReport, validate

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


def evaluate(
    study: StudyDesign, raw: Path, *, allow_errors: bool = False, progress: Progress | None = None
) -> Outcome:
    """Read, validate and estimate; write nothing.

    Raises InvalidDataError when there are errors in the data, unless ``allow_errors``: then the
    faulty rows stay excluded and the rest is analysed.
    """
    say = progress or (lambda _: None)
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
    say("rates")
    rates = rate_results(panel)
    say("effects")
    effects = effect_results(panel)
    say("robustness")
    checks = robustness_results(panel)
    say("second opinions")
    others = [e for outcome in OUTCOMES for e in second_opinions(panel, outcome)]
    say("polling stations")
    stations = station_results(report.accepted["station_results"], panel)
    say("specifications")
    specifications = specification_results(panel, others, checks)
    say("power")
    power = power_results(panel)
    say("times in the booth and at the count")
    voting = voting_time_results(report.accepted["voting_times"], study)
    booths = booth_results(voting.voters["all"], study) if "all" in voting.voters else ()
    counting = counting_time_results(report.accepted["counting_times"], study)
    say("learning")
    every = (*(e.effect for e in effects), *others, *stations.effects)
    learning = learning_results(panel, report.accepted, ratio=_ratio(every, study))
    say("marking of the ballot")
    marking = marking_results(report.accepted, panel)
    say("surveys")
    surveys = survey_results(report.accepted, study)
    results = ResultSet(
        study.id,
        rates,
        every,
        (*checks, *specification_checks(panel), *specifications.omitted),
        specifications.found,
        power,
        voting_time=(*voting.measures, *booths),
        counting_time=counting.measures,
        learning=learning.measures if learning else (),
        survey=tuple(m for s in surveys for m in s.measures),
        stations=stations.rates,
        station_dispersion=stations.dispersion,
        station_coverage=stations.coverage,
        marking=marking,
    )
    return Outcome(
        study=study,
        raw=data,
        validation=report,
        panel=panel,
        results=results,
        primary=_primary(effects, study),
        count_fit=_fit(panel),
        voting=voting,
        counting=counting,
        learning=learning,
        surveys=surveys,
    )


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
