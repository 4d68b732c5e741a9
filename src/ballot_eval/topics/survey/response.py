"""Who took part in a survey, who answered each question, and what the weights cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ballot_eval.estimation.survey.design import kish_effective_size
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.cells import RESPONSE, SAMPLE, TOTAL, Cell, Counts
from ballot_eval.topics.survey.sample import GROUPS, Sample


def response(sample: Sample, counts: Counts, threshold: int) -> Iterator[SurveyMeasure]:
    """Yield the size of the sample by group, and what became of every question that was asked."""
    for group in GROUPS:
        if Cell(SAMPLE, "", group) in counts.counts:
            yield from _sizes(sample, counts, group)
            yield from _participation(sample, group, threshold)
    for cell, size in counts.counts.items():
        if cell.kind != RESPONSE or cell.answer == TOTAL:
            continue
        total = replace(cell, answer=TOTAL)
        made = SurveyMeasure(
            table=sample.questionnaire.table,
            question=cell.question,
            answer=cell.answer,
            quantity="response",
            group=cell.group,
            method="count",
            n=counts.published(total),
            count=counts.published(cell),
        )
        if counts.exact([cell, total]):
            yield replace(made, estimate=size / counts.counts[total])
        else:
            yield replace(made, hidden=True)


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
        ("design_effect_of_weights", members.sum() / effective, True),
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
