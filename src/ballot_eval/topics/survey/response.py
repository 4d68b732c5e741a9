"""Who took part in a survey, who answered each question, and what the weights cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ballot_eval.estimation.survey.design import kish_effective_size
from ballot_eval.questionnaire import Question
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.cells import (
    ANSWERED,
    ANSWERS,
    ASKED,
    SAMPLE,
    UNANSWERED,
    Cell,
    Counts,
    other_answers,
)
from ballot_eval.topics.survey.sample import GROUPS, Sample


def response(sample: Sample, counts: Counts, threshold: int) -> Iterator[SurveyMeasure]:
    """Yield the size of the sample by group, and what became of every question that was asked."""
    for group in GROUPS:
        if Cell(SAMPLE, "", group) in counts.counts:
            yield from _sizes(sample, counts, group)
            yield from _participation(sample, group, threshold)
            for question in sample.questionnaire.questions:
                if Cell(ANSWERS, question.id, group) in counts.counts:
                    yield from _of_question(sample, counts, question, group, threshold)


def _of_question(
    sample: Sample, counts: Counts, question: Question, group: str, threshold: int
) -> Iterator[SurveyMeasure]:
    """Yield how many of those asked answered, and what the others did instead.

    Small numbers of these are left out, one and all so that none can be told from the others;
    their sum remains. How many did not answer is not protected: it is the number asked less the
    number that answered, and says nothing of what they think.
    """
    total = Cell(ANSWERS, question.id, group)
    base = Cell(SAMPLE, "", group) if question.asked_when is None else replace(total, kind=ASKED)
    made = SurveyMeasure(
        table=sample.questionnaire.table,
        question=question.id,
        answer=ANSWERED,
        quantity="response",
        group=group,
        method="count",
        n=counts.published(base),
    )
    known = counts.exact([base, total])
    size, n = counts.counts[base], counts.counts[total]
    yield _counted(made, n, size, hidden=not known)
    others = other_answers(sample, question, group)
    small = any(0 < count < threshold for count in others.values())
    left = sum(others.values())
    for answer, count in (*others.items(), (UNANSWERED, left)):
        few = small if answer != UNANSWERED else 0 < left < threshold
        yield _counted(replace(made, answer=answer), count, size, hidden=few or not known)


def _counted(made: SurveyMeasure, count: int, size: int, *, hidden: bool) -> SurveyMeasure:
    if hidden:
        return replace(made, hidden=True)
    return replace(made, count=count, estimate=count / size)


def _sizes(sample: Sample, counts: Counts, group: str) -> Iterator[SurveyMeasure]:
    members = sample.members(group)
    table, cell = sample.questionnaire.table, Cell(SAMPLE, "", group)
    hidden = not counts.exact([cell])
    n = counts.published(cell)
    weights = sample.places.weights[members]
    effective = kish_effective_size(weights)
    for quantity, value, personal in (
        ("respondents", float(members.sum()), True),
        ("polling_stations", float(len(set(sample.station[members]))), False),
        ("municipalities", float(len(set(sample.municipality[members]))), False),
        ("effective_respondents", effective, True),
        ("design_effect_of_weights", float(members.sum() / effective), True),
    ):
        gone = hidden and personal
        yield SurveyMeasure(
            table=table,
            question="",
            answer="",
            quantity=quantity,
            group=group,
            method="kish" if "effect" in quantity else "count",
            estimate=math.nan if gone else value,
            n=n,
            hidden=gone,
        )


def _participation(sample: Sample, group: str, threshold: int) -> Iterator[SurveyMeasure]:
    """Yield the share that took part of those who were asked, where that was noted down."""
    columns = ["approached_count", "refused_count"]
    if not set(columns) <= set(sample.frame.columns):
        return
    rows = sample.frame.loc[sample.members(group), columns].apply(pd.to_numeric)
    stations = rows.groupby(sample.station[sample.members(group)]).first().dropna()
    approached, refused = (int(stations[name].sum()) for name in columns)
    if not approached:
        return
    made = SurveyMeasure(
        table=sample.questionnaire.table,
        question="",
        answer="",
        quantity="participation",
        group=group,
        method="count",
    )
    if min(approached, approached - refused) < threshold or 0 < refused < threshold:
        yield replace(made, hidden=True)
    else:
        yield replace(made, estimate=1 - refused / approached, n=approached)
