"""Shares, means and medians of one ballot, and what of them may be published."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ballot_eval.answers import answers, marked
from ballot_eval.design import StudyDesign
from ballot_eval.estimation.survey.design import SurveyEstimate
from ballot_eval.estimation.survey.estimates import survey_mean
from ballot_eval.estimation.survey.intervals import share_interval, t_interval
from ballot_eval.estimation.survey.quantiles import survey_quantile
from ballot_eval.questionnaire import Question
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.cells import (
    ANSWERS,
    COUNTED,
    JOINED,
    TOTAL,
    Cell,
    Counts,
    counted_answers,
)
from ballot_eval.topics.survey.sample import GROUPS, Sample

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

STATIONS, MUNICIPALITIES = "stations", "municipalities"


def scored(sample: Sample, question: Question) -> FloatArray:
    """Return answers as numbers (n,): the number given, or its score from 1; NaN without one."""
    given = answers(sample.frame, sample.questionnaire, question.id)
    if question.scale == "number":
        return np.asarray(given, dtype=float)
    return np.asarray(given.map(question.scores), dtype=float)


def marks(sample: Sample, question: Question) -> dict[str, FloatArray]:
    """Return for every answer 1 where it was given, 0 where not, NaN without answer (n,)."""
    if question.scale == "multiple":
        chosen = marked(sample.frame, sample.questionnaire, question.id)
        return {code: chosen[code].to_numpy(dtype=float) for code in question.codes}
    given = answers(sample.frame, sample.questionnaire, question.id)
    known = given.notna().to_numpy(dtype=bool)
    return {
        code: np.where(known, (given == code).to_numpy(dtype=float), np.nan)
        for code in question.codes
    }


def significant(value: float, digits: int) -> float:
    """Return a number rounded to so many significant digits."""
    return float(f"{value:.{digits}g}")


class Maker:
    """Makes the measures of one survey, hidden where their cells are."""

    def __init__(self, sample: Sample, counts: Counts, study: StudyDesign) -> None:
        self.sample, self.counts, self.study = sample, counts, study
        self.table = sample.questionnaire.table
        self.weighting = study.survey.weighting
        self.level = study.analysis.confidence_level
        single = sample.places is sample.assigned
        self.method = MUNICIPALITIES if single else STATIONS

    def descriptions(self) -> Iterator[SurveyMeasure]:
        """Yield shares, means and medians per question and group, and of outcomes per subgroup."""
        for question in self.sample.questionnaire.questions:
            for group in GROUPS:
                if (ANSWERS, question.id, group) in self._asked():
                    yield from self._of_question(question, group)

    def _asked(self) -> set[tuple[str, str, str]]:
        return {(c.kind, c.question, c.group) for c in self.counts.counts}

    def _of_question(self, question: Question, group: str) -> Iterator[SurveyMeasure]:
        members = self.sample.members(group)
        whole = self.counts.answers(question.id, group)
        total = Cell(ANSWERS, question.id, group)
        if question.scale != "number":
            for code, values in marks(self.sample, question).items():
                cell = replace(total, answer=code)
                yield self.share(question, code, values, members, cell, total)
        if question.scale == "number":
            values = scored(self.sample, question)
            yield self.mean(question, "mean", values, members, [total], total)
            # The median of some municipalities, and both its limits, are what one of them said.
            if self.table != "municipality_survey":
                yield self._median(question, values, members, total)
        elif question.scores and question.outcome:
            values = scored(self.sample, question)
            yield self.mean(question, "mean_score", values, members, whole, total)
        if question.outcome:
            yield from self._joined(question, group, members)

    def _joined(
        self, question: Question, group: str, members: BoolArray
    ) -> Iterator[SurveyMeasure]:
        """Yield the share of the counted answers, or the mean of a number, by subgroup."""
        number = question.scale == "number"
        if not number and not question.counted:
            return
        values = scored(self.sample, question) if number else counted_answers(self.sample, question)
        for breakdown, level, rows in self.domains():
            cell = Cell(JOINED, question.id, group, COUNTED, breakdown, level)
            total = replace(cell, answer=TOTAL)
            if total not in self.counts.counts:
                continue
            if not number:
                yield self.share(question, COUNTED, values, members & rows, cell, total)
            elif breakdown != TOTAL:
                yield self.mean(question, "mean", values, members & rows, [total], total)

    def domains(self) -> Iterator[tuple[str, str, BoolArray]]:
        """Yield everyone, then each subgroup: its question, its answer, who belongs to it (n,)."""
        yield TOTAL, TOTAL, np.ones(len(self.sample.group), dtype=bool)
        for subgroup in self.sample.questionnaire.subgroups:
            for code, rows in self.sample.subgroups[subgroup.id].items():
                yield subgroup.id, code, rows

    def share(
        self,
        question: Question,
        answer: str,
        values: FloatArray,
        rows: BoolArray,
        cell: Cell,
        total: Cell,
    ) -> SurveyMeasure:
        """Return a weighted share with its interval within 0 and 1."""
        made = self._blank(question, answer, "share", total)
        if not self.counts.shares([cell, total]) or not self.counts.exact([cell, total]):
            return replace(made, hidden=True)
        made = replace(made, count=self.counts.published(cell))

        def limits(found: SurveyEstimate) -> tuple[FloatArray, FloatArray]:
            method = self.study.survey.interval
            return share_interval(found, method=method, confidence_level=self.level)

        return self._estimated(made, values, rows, limits)

    def mean(
        self,
        question: Question,
        quantity: str,
        values: FloatArray,
        rows: BoolArray,
        cells: Iterable[Cell],
        total: Cell,
    ) -> SurveyMeasure:
        """Return a weighted mean; hidden when any of the cells it could give away is."""
        made = self._blank(question, "", quantity, total)
        if not self.counts.exact([*cells, total]):
            return replace(made, hidden=True)
        return self._estimated(
            made, values, rows, lambda found: t_interval(found, confidence_level=self.level)
        )

    def _median(
        self, question: Question, values: FloatArray, rows: BoolArray, total: Cell
    ) -> SurveyMeasure:
        """Return the median and its limits in two digits or in one, so that enough said each.

        Unrounded it would be the answer of one respondent. Hidden when too few said it so rounded.
        """
        made = self._blank(question, "", "median", total)
        if not self.counts.exact([total]):
            return replace(made, hidden=True)
        inside = rows & np.isfinite(values)
        try:
            found = survey_quantile(
                self.sample.places, values, 0.5, domain=inside, confidence_level=self.level
            )
        except ValueError as reason:
            return replace(made, note=str(reason))
        for digits in (2, 1):
            said = np.array([significant(value, digits) for value in values[inside]])
            numbers = [
                significant(v, digits) for v in (found.estimate, found.ci_lower, found.ci_upper)
            ]
            times = [int(np.sum(said == number)) for number in numbers if math.isfinite(number)]
            if min(times) >= self.study.survey.threshold:
                estimate, lower, upper = numbers
                return replace(
                    made, estimate=estimate, ci_lower=lower, ci_upper=upper, df=float(found.df)
                )
        return replace(made, hidden=True)

    def _blank(self, question: Question, answer: str, quantity: str, total: Cell) -> SurveyMeasure:
        return SurveyMeasure(
            table=self.table,
            question=question.id,
            answer=answer,
            quantity=quantity,
            group=total.group,
            breakdown=total.breakdown,
            level=total.level,
            method=self.method,
            weighting=self.weighting,
            n=self.counts.published(total),
        )

    def _estimated(
        self,
        made: SurveyMeasure,
        values: FloatArray,
        rows: BoolArray,
        limits: Callable[[SurveyEstimate], tuple[FloatArray, FloatArray]],
    ) -> SurveyMeasure:
        """Return the measure with its numbers, or with the reason why there are none."""
        inside = rows & np.isfinite(values)
        if not inside.any():
            return replace(made, note="nobody answered")
        found = survey_mean(self.sample.places, values, domain=inside)
        made = replace(
            made,
            estimate=float(found.estimate[0]),
            standard_error=float(found.standard_error[0]),
            df=float(found.df),
            design_effect=float(found.design_effect[0]),
        )
        try:
            lower, upper = limits(found)
        except ValueError as reason:
            return replace(made, note=str(reason))
        return replace(made, ci_lower=float(lower[0]), ci_upper=float(upper[0]))
