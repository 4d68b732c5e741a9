"""New against old ballot in a survey, and who used it before against who did not.

The ballots were assigned to municipalities, so these are the clusters of a comparison; what it
would be if only the choice of stations were uncertain stands beside it. At one station voters who
used the new ballot before and voters who did not had the same staff, place and ballot.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ballot_eval.answers import answers
from ballot_eval.estimation.joint import holm
from ballot_eval.estimation.survey.comparison import odds_ratios
from ballot_eval.estimation.survey.design import SurveyDesign, SurveyEstimate
from ballot_eval.estimation.survey.estimates import survey_contrast, survey_domain_means
from ballot_eval.estimation.survey.intervals import t_interval, t_p_value
from ballot_eval.estimation.survey.ordered import survey_ordered_logit
from ballot_eval.estimation.survey.within import within_difference
from ballot_eval.questionnaire import Question
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.cells import (
    ANSWERS,
    COUNTED,
    JOINED,
    TOTAL,
    Cell,
    counted_answers,
)
from ballot_eval.topics.survey.numbers import MUNICIPALITIES, STATIONS, Maker, marks, scored
from ballot_eval.topics.survey.sample import CONTROL, EXPERIMENT, GROUPS, Sample

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

COMPARED = f"{EXPERIMENT}-{CONTROL}"

#: What the uncertainty of a comparison within stations rests on.
WITHIN = "within_stations"


class Comparer:
    """Compares the ballots in one survey.

    ``other`` is the sample by the other weighting, or the reason why there is none.
    """

    def __init__(self, maker: Maker, other: Sample | str) -> None:
        self.maker, self.sample, self.counts = maker, maker.sample, maker.counts
        own = maker.weighting
        self.samples: dict[str, Sample | str] = {own: self.sample}
        self.samples["voter" if own == "municipality" else "municipality"] = other

    def comparisons(self) -> Iterator[SurveyMeasure]:
        """Yield all comparisons, those of outcomes with p-values for all questions together."""
        main: list[SurveyMeasure] = []
        rest: list[SurveyMeasure] = []
        for question in self.sample.questionnaire.outcomes:
            for answer, values in self._outcomes(question):
                found = list(self._differences(question, answer, values))
                main += found[:1]
                rest += found[1:]
            rest += self._ordered(question)
            rest += self._within_stations(question)
        yield from _adjusted(main)
        yield from rest

    def _outcomes(self, question: Question) -> Iterator[tuple[str, FloatArray]]:
        """Yield what is compared of an outcome: an answer, the counted answers, or a number."""
        if not all(self._asked(question, group) for group in GROUPS):
            return
        if question.scale == "number":
            yield "", scored(self.sample, question)
        elif question.scale == "multiple":
            yield from marks(self.sample, question).items()
        elif question.counted:
            yield COUNTED, counted_answers(self.sample, question)

    def _asked(self, question: Question, group: str) -> bool:
        return Cell(ANSWERS, question.id, group) in self.counts.counts

    def _differences(
        self, question: Question, answer: str, values: FloatArray
    ) -> Iterator[SurveyMeasure]:
        """Yield the difference: as planned, by other weights and clusters, and by subgroup."""
        quantity = "difference" if answer else "difference_mean"
        everyone = np.ones(len(values), dtype=bool)
        kind = JOINED if answer in ("", COUNTED) else ANSWERS
        cells = [Cell(kind, question.id, group, answer or TOTAL) for group in GROUPS]
        for weighting, sample in self.samples.items():
            made = self._blank(question, answer, quantity, cells)
            made = replace(made, weighting=weighting)
            if isinstance(sample, str):
                yield replace(made, method=MUNICIPALITIES, n=math.nan, note=sample)
                continue
            for method, design in self._designs(sample):
                made = replace(made, method=method)
                yield self._difference(made, design, values, everyone, cells)
        if kind != JOINED:
            return
        method, design = self._designs(self.sample)[0]
        for breakdown, level, rows in self.maker.domains():
            parts = [replace(cell, breakdown=breakdown, level=level) for cell in cells]
            known = all(replace(c, answer=TOTAL) in self.counts.counts for c in parts)
            if breakdown != TOTAL and known:
                made = self._blank(question, answer, quantity, parts)
                made = replace(made, method=method, weighting=self.maker.weighting)
                found = self._difference(made, design, values, rows, parts)
                # One of many subgroups: an interval to look at, not a test.
                yield replace(found, p_value=math.nan)

    def _designs(self, sample: Sample) -> list[tuple[str, SurveyDesign]]:
        found = [(MUNICIPALITIES, sample.assigned)]
        if sample.places is not sample.assigned:
            found.append((STATIONS, sample.places))
        return found

    def _difference(
        self,
        made: SurveyMeasure,
        design: SurveyDesign,
        values: FloatArray,
        rows: BoolArray,
        cells: Sequence[Cell],
    ) -> SurveyMeasure:
        totals = [replace(cell, answer=TOTAL) for cell in cells]
        if not (self.counts.exact([*cells, *totals]) and self.counts.shares(cells)):
            return replace(made, n=math.nan, hidden=True)
        known = rows & np.isfinite(values)
        groups = np.column_stack([self.sample.members(group) & known for group in GROUPS])
        if not groups.any(axis=0).all():
            return replace(made, note="one of the groups has no answers")
        found = survey_contrast(survey_domain_means(design, values, groups), [1, -1])
        return self._tested(made, found)

    def _tested(self, made: SurveyMeasure, found: SurveyEstimate) -> SurveyMeasure:
        """Return the measure with interval and p-value by t, or with why there are none."""
        made = replace(
            made,
            estimate=float(found.estimate[0]),
            standard_error=float(found.standard_error[0]),
            df=float(found.df),
        )
        try:
            lower, upper = t_interval(found, confidence_level=self.maker.level)
            p_value = t_p_value(found)
        except ValueError as reason:
            return replace(made, note=str(reason))
        return replace(
            made, ci_lower=float(lower[0]), ci_upper=float(upper[0]), p_value=float(p_value[0])
        )

    def _ordered(self, question: Question) -> Iterator[SurveyMeasure]:
        """Yield the difference in mean score and the odds ratio of a more favourable answer."""
        if not question.scores or not all(self._asked(question, group) for group in GROUPS):
            return
        cells = [cell for group in GROUPS for cell in self.counts.answers(question.id, group)]
        totals = [Cell(ANSWERS, question.id, group) for group in GROUPS]
        made = replace(
            self._blank(question, "", "difference_mean_score", totals),
            method=MUNICIPALITIES,
            weighting=self.maker.weighting,
        )
        ratio = replace(made, quantity="odds_ratio")
        if not self.counts.exact(cells):
            yield replace(made, n=math.nan, hidden=True)
            yield replace(ratio, n=math.nan, hidden=True)
            return
        values = scored(self.sample, question)
        everyone = np.ones(len(values), dtype=bool)
        yield self._difference(made, self.sample.assigned, values, everyone, totals)
        new = self.sample.members(EXPERIMENT)[:, None].astype(float)
        try:
            fit = survey_ordered_logit(
                self.sample.assigned, values, new, domain=np.isfinite(values)
            )
        except ValueError as reason:
            yield replace(ratio, note=str(reason))
            return
        odds = odds_ratios(fit, confidence_level=self.maker.level)
        slope = SurveyEstimate(
            fit.coefficients, fit.covariance[:1, :1], fit.df, fit.n, np.array([math.nan])
        )
        yield replace(
            ratio,
            estimate=float(odds.estimate[0]),
            standard_error=float(fit.standard_error[0]),
            ci_lower=float(odds.ci_lower[0]),
            ci_upper=float(odds.ci_upper[0]),
            df=float(odds.df),
            p_value=float(t_p_value(slope)[0]),
        )

    def _within_stations(self, question: Question) -> Iterator[SurveyMeasure]:
        """Yield what those who used the new ballot before answer more often, at one station."""
        exposure = next((q for q in self.sample.questionnaire.questions if q.exposure), None)
        number = question.scale == "number"
        if exposure is None or not (number or question.counted):
            return
        answer = TOTAL if number else COUNTED
        cell = Cell(JOINED, question.id, EXPERIMENT, answer, exposure.id)
        cells = [replace(cell, level=level) for level in ("yes", "no")]
        if any(replace(c, answer=TOTAL) not in self.counts.counts for c in cells):
            return
        # Those at stations with one kind are counted in n too: the number without them, beside
        # the published ones, could give away a small number.
        made = self._blank(question, "" if number else COUNTED, "within_station_difference", cells)
        made = replace(
            made,
            group=EXPERIMENT,
            breakdown=exposure.id,
            level="yes-no",
            method=WITHIN,
            weighting=self.maker.weighting,
        )
        totals = [replace(c, answer=TOTAL) for c in cells]
        if not (self.counts.exact([*cells, *totals]) and self.counts.shares(cells)):
            yield replace(made, n=math.nan, hidden=True)
            return
        values = scored(self.sample, question) if number else counted_answers(self.sample, question)
        given = answers(self.sample.frame, self.sample.questionnaire, exposure.id)
        rows = self.sample.members(EXPERIMENT) & given.notna().to_numpy() & np.isfinite(values)
        try:
            found = within_difference(
                values[rows],
                np.asarray(given == "yes", dtype=bool)[rows],
                self.sample.station[rows],
                self.sample.places.weights[rows],
                confidence_level=self.maker.level,
            )
        except ValueError as reason:
            yield replace(made, note=str(reason))
            return
        yield replace(
            made,
            estimate=found.estimate,
            standard_error=found.se,
            ci_lower=found.ci_lower,
            ci_upper=found.ci_upper,
            df=found.df,
            p_value=found.p_value,
        )

    def _blank(
        self, question: Question, answer: str, quantity: str, cells: Sequence[Cell]
    ) -> SurveyMeasure:
        totals = [replace(cell, answer=TOTAL) for cell in cells]
        n = sum(self.counts.published(total) for total in totals)
        return SurveyMeasure(
            table=self.maker.table,
            question=question.id,
            answer=answer,
            quantity=quantity,
            group=COMPARED,
            breakdown=cells[0].breakdown,
            level=cells[0].level,
            n=n,
        )


def _adjusted(main: Sequence[SurveyMeasure]) -> Iterator[SurveyMeasure]:
    """Yield the comparisons with p-values adjusted for all of them together (Holm 1979)."""
    tested = [m for m in main if not math.isnan(m.p_value)]
    together = iter(holm(np.array([m.p_value for m in tested])) if tested else ())
    for m in main:
        yield m if math.isnan(m.p_value) else replace(m, p_adjusted=float(next(together)))
