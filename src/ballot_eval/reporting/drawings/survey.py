"""What the figures of surveys draw, from finished results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ballot_eval.questionnaire import Question, Questionnaire
from ballot_eval.reporting.drawings.times import Drawing
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.survey import Key, answer_label, index, outcome_rows
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.cells import TOTAL
from ballot_eval.topics.survey.comparisons import COMPARED
from ballot_eval.topics.survey.numbers import STATIONS
from ballot_eval.topics.survey.sample import GROUPS

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: Names of the figures by survey; municipalities are too few to draw.
NAMES = {"voter_survey": "voter", "station_survey": "station"}

WORDS = {"nl": ["nieuw", "oud"], "en": ["new", "old"]}


def survey_figures(say: Language, outcome: Outcome) -> dict[str, Drawing]:
    """Return the figures of surveys, those that there are results for."""
    made: dict[str, Drawing] = {}
    for results in outcome.surveys:
        name = NAMES.get(results.questionnaire.table)
        if name is None:
            continue
        found = index(results.measures, outcome.study)
        if answers := _answers(say, results.questionnaire, found):
            made[f"{name}_answers"] = answers
        if differences := _differences(say, outcome, results.questionnaire, results.measures):
            made[f"{name}_differences"] = differences
    return made


def _answers(
    say: Language, questionnaire: Questionnaire, found: dict[Key, SurveyMeasure]
) -> Drawing | None:
    """Return the bars of the questions with five ordered answers that both groups were asked."""
    questions, ends, shares, sizes = [], [], [], []
    for question in questionnaire.outcomes:
        if question.scale != "likert5" or question.direction == "ordered":
            continue
        codes = sorted(question.scores, key=question.scores.__getitem__)
        bars = [
            [found.get(("share", question.id, code, group, TOTAL, TOTAL)) for code in codes]
            for group in GROUPS
        ]
        if any(m is None for bar in bars for m in bar):
            continue
        rows = [[m for m in bar if m is not None] for bar in bars]
        questions.append(question.wording(say.code))
        ends.append(_ends(say, question, codes))
        shares.append([[m.estimate for m in bar] for bar in rows])
        sizes.append([bar[0].n for bar in rows])
    values = np.array(shares, dtype=float)
    if not len(values) or np.isnan(values).any(axis=2).all():
        return None
    return ((questions, ends, say.pick(WORDS), values, np.array(sizes)), {})


def _ends(say: Language, question: Question, codes: list[str]) -> tuple[str, str]:
    return question.label(codes[0], say.code), question.label(codes[-1], say.code)


def _differences(
    say: Language, outcome: Outcome, questionnaire: Questionnaire, items: tuple[SurveyMeasure, ...]
) -> Drawing | None:
    """Return the differences in shares, with those of stations alone."""
    study = outcome.study
    found = index(items, study)
    stations = {
        (m.question, m.answer): m
        for m in items
        if (m.quantity, m.group, m.method) == ("difference", COMPARED, STATIONS)
        and m.weighting == study.survey.weighting
        and m.breakdown == TOTAL
    }
    alpha = 1 - study.analysis.confidence_level
    labels, columns = [], []
    for question, answer, m in outcome_rows(questionnaire, found):
        if m is None or m.quantity != "difference":
            continue
        other = stations.get((question.id, answer), m)
        labels.append(f"{question.wording(say.code)} {answer_label(say, question, answer)}")
        clear = not math.isnan(m.p_adjusted) and m.p_adjusted < alpha
        limits = (m.ci_lower, m.ci_upper, other.ci_lower, other.ci_upper)
        columns.append((m.estimate, *limits, float(clear)))
    values = np.array(columns, dtype=float)
    if not len(values) or np.isnan(values[:, 0]).all():
        return None
    estimate, low, high, inner_low, inner_high, clear_rows = values.T
    arguments = (labels, estimate, low, high, clear_rows == 1, inner_low, inner_high)
    return (arguments, {})
