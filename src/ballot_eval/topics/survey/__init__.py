"""What voters, members of polling stations and municipalities say about the ballot papers.

Everything that leaves this package may be published: counts below the threshold of the plan, and
what would give them away, are left out here (:mod:`ballot_eval.disclosure`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.questionnaire import Questionnaire
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.cells import survey_counts
from ballot_eval.topics.survey.comparisons import Comparer
from ballot_eval.topics.survey.numbers import Maker
from ballot_eval.topics.survey.response import response
from ballot_eval.topics.survey.sample import survey_sample

__all__ = ["SurveyResults", "survey_results"]


@dataclass(frozen=True, slots=True)
class SurveyResults:
    """The measures of one survey, and what has to be said about its weights.

    ``unweighted`` names the municipalities without the numbers that base weights need.
    ``problem`` says why a survey with answers has no results.
    """

    questionnaire: Questionnaire
    measures: tuple[SurveyMeasure, ...]
    unweighted: tuple[str, ...] = ()
    problem: str = ""


def survey_results(
    accepted: Mapping[str, pd.DataFrame], study: StudyDesign
) -> tuple[SurveyResults, ...]:
    """Return the results of every survey of the study that has answers.

    Raises DesignError when the weights cannot meet the margins of the plan.
    """
    found = (_one_survey(q, accepted, study) for q in study.questionnaires)
    return tuple(results for results in found if results is not None)


def _one_survey(
    questionnaire: Questionnaire, accepted: Mapping[str, pd.DataFrame], study: StudyDesign
) -> SurveyResults | None:
    own = study.survey.weighting
    other = "voter" if own == "municipality" else "municipality"
    try:
        sample = survey_sample(questionnaire, accepted, study)
        otherwise = survey_sample(questionnaire, accepted, study, weighting=other)
    except ValueError as reason:
        return SurveyResults(questionnaire, (), problem=str(reason))
    if sample is None or otherwise is None:
        return None
    counts = survey_counts(sample, study.survey.threshold)
    maker = Maker(sample, counts, study)
    measures = (
        *response(sample, counts, study.survey.threshold),
        *maker.descriptions(),
        *Comparer(maker, otherwise).comparisons(),
    )
    return SurveyResults(questionnaire, measures, sample.unweighted)
