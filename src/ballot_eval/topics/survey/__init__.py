"""What voters, members of polling stations and municipalities say about the ballot papers.

Everything that leaves this package may be published: counts below the threshold of the plan, and
what would give them away, are left out here (:mod:`ballot_eval.disclosure`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError
from ballot_eval.questionnaire import Questionnaire
from ballot_eval.reasons import plain_reason
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.comparisons import Comparer
from ballot_eval.topics.survey.numbers import Maker, significant
from ballot_eval.topics.survey.protection import survey_counts
from ballot_eval.topics.survey.response import response
from ballot_eval.topics.survey.sample import Sample, survey_sample

__all__ = ["SurveyResults", "survey_results"]

#: Significant digits of the weighted numbers that leave this package.
DIGITS = 5


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

    Raises DesignError when the weights by the weighting of the plan cannot meet its margins or
    limits. Where only those by the other weighting cannot, a note stands in their place.
    """
    found = (_one_survey(q, accepted, study) for q in study.questionnaires)
    return tuple(results for results in found if results is not None)


def _one_survey(
    questionnaire: Questionnaire, accepted: Mapping[str, pd.DataFrame], study: StudyDesign
) -> SurveyResults | None:
    try:
        sample = survey_sample(questionnaire, accepted, study)
    except ValueError as reason:
        return SurveyResults(questionnaire, (), problem=plain_reason(reason))
    if sample is None:
        return None
    otherwise = _otherwise(questionnaire, accepted, study)
    measures = tuple(map(rounded, survey_measures(sample, otherwise, study)))
    return SurveyResults(questionnaire, measures, sample.unweighted)


def survey_measures(
    sample: Sample, otherwise: Sample | str, study: StudyDesign
) -> Iterator[SurveyMeasure]:
    """Yield the measures of one survey in all their digits, which are not to be published.

    ``otherwise`` is the same sample by the other weighting, or why there is none.
    """
    counts = survey_counts(sample, study.survey.threshold)
    maker = Maker(sample, counts, study)
    yield from response(sample, counts, study.survey.threshold)
    yield from maker.descriptions()
    yield from Comparer(maker, otherwise).comparisons()


def rounded(m: SurveyMeasure) -> SurveyMeasure:
    """Return a measure of which weighted numbers have :data:`DIGITS` significant digits.

    In more digits the sum of a few weights may be taken apart into those who answered. Counts
    stay whole.
    """

    def short(number: float) -> float:
        return float(number) if float(number).is_integer() else significant(number, DIGITS)

    return replace(
        m,
        estimate=short(m.estimate),
        standard_error=short(m.standard_error),
        ci_lower=short(m.ci_lower),
        ci_upper=short(m.ci_upper),
        design_effect=short(m.design_effect),
        p_value=short(m.p_value),
        p_adjusted=short(m.p_adjusted),
    )


def _otherwise(
    questionnaire: Questionnaire, accepted: Mapping[str, pd.DataFrame], study: StudyDesign
) -> Sample | str:
    """Return the sample by the weighting that the plan does not lead with, or why there is none."""
    own = study.survey.weighting
    other = "voter" if own == "municipality" else "municipality"
    try:
        found = survey_sample(questionnaire, accepted, study, weighting=other)
    except DesignError as reason:
        return str(reason)
    assert found is not None, "there are respondents by either weighting"
    return found
