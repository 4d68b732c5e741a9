"""Counts of respondents behind the results of a survey.

Every number on a survey rests on cells: how many of a group were asked, answered, and gave each
answer, in the group as a whole and by subgroup. Which of them may be published is decided in
:mod:`~ballot_eval.topics.survey.protection`, and a result is published only when all cells are that
could be worked out from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.answers import answered, answers, asked, marked, missing_code, substantive
from ballot_eval.questionnaire import Question
from ballot_eval.topics.survey.sample import GROUPS, Sample

BoolArray = npt.NDArray[np.bool_]

#: Label of a sum over answers or over subgroups.
TOTAL = "total"

#: The two answers of a question once they are joined by whether their share is reported.
COUNTED, OTHER = "counted", "other"

#: Levels of a subgroup question besides its answers: who gave none, and who was not asked it.
NONE, OUTSIDE = "(none)", "(outside)"

#: What became of a question that was asked, besides the codes of don't know and refused.
ANSWERED, UNANSWERED, NO_ANSWER = "answered", "unanswered", "no_answer"

#: Kinds of tables of one question.
SAMPLE, ASKED, ANSWERS, JOINED = "sample", "asked", "answers", "joined"


@dataclass(frozen=True, slots=True)
class Cell:
    """One count: ``kind`` of table, question, group, answer, and the subgroup if any."""

    kind: str
    question: str
    group: str
    answer: str = TOTAL
    breakdown: str = TOTAL
    level: str = TOTAL


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of a survey and what of them is published.

    ``counts`` has every count; ``hidden`` the cells whose count is not published, and
    ``shares_hidden`` those whose share is not.
    """

    counts: dict[Cell, int]
    hidden: frozenset[Cell]
    shares_hidden: frozenset[Cell]

    def published(self, cell: Cell) -> float:
        """Return a count, NaN where it is not published or nobody was asked by design."""
        return float("nan") if cell in self.hidden else float(self.counts.get(cell, float("nan")))

    def exact(self, cells: Iterable[Cell]) -> bool:
        """Return whether all these counts are published."""
        return not any(cell in self.hidden for cell in cells)

    def shares(self, cells: Iterable[Cell]) -> bool:
        """Return whether the shares of all these cells may be published."""
        return not any(cell in self.shares_hidden for cell in cells)

    def answers(self, question: str, group: str) -> tuple[Cell, ...]:
        """Return the cells of all answers of a group to a question, with their total."""
        return tuple(
            c
            for c in self.counts
            if c.kind == ANSWERS and c.question == question and c.group == group
        )


def counted_answers(sample: Sample, question: Question) -> npt.NDArray[np.float64]:
    """Return 1 for an answer whose share is reported, 0 for another, NaN without answer (n,)."""
    given = answers(sample.frame, sample.questionnaire, question.id)
    inside = given.isin(question.counted).to_numpy(dtype=float)
    result: npt.NDArray[np.float64] = np.where(given.notna(), inside, np.nan)
    return result


def all_counts(sample: Sample) -> dict[Cell, int]:
    """Return all counts of a survey, of which few may be published as they are."""
    counts: dict[Cell, int] = {}
    for group in GROUPS:
        members = sample.members(group)
        if members.any():
            counts[Cell(SAMPLE, "", group)] = int(members.sum())
            for question in sample.questionnaire.questions:
                if question.scale != "open":
                    counts |= _question_counts(sample, question, group, members)
    return counts


def other_answers(sample: Sample, question: Question, group: str) -> dict[str, int]:
    """Return how many of those asked did not know, refused, and said nothing at all."""
    frame = sample.frame
    was_asked = asked(frame, sample.questionnaire, question.id).to_numpy(dtype=bool)
    rows = sample.members(group) & was_asked
    given = missing_code(frame, question).to_numpy(dtype=str)
    made = {code: int((rows & (given == code)).sum()) for code in question.missing_codes}
    silent = ~answered(frame, question).to_numpy(dtype=bool)
    return made | {NO_ANSWER: int((rows & silent).sum())}


def _question_counts(
    sample: Sample, question: Question, group: str, members: BoolArray
) -> dict[Cell, int]:
    """Return the counts of one question in one group; none when the group was not asked it."""
    frame, name = sample.frame, question.id
    was_asked = members & asked(frame, sample.questionnaire, name).to_numpy(dtype=bool)
    if not was_asked.any():
        return {}
    real = was_asked & substantive(frame, question).to_numpy(dtype=bool)
    made = {Cell(ANSWERS, name, group): int(real.sum())}
    if question.asked_when is not None:
        made[Cell(ASKED, name, group)] = int(was_asked.sum())
    if question.scale == "multiple":
        marks = marked(frame, sample.questionnaire, name)
        for code in question.codes:
            made[Cell(ANSWERS, name, group, code)] = int(marks.loc[real, code].sum())
        return made
    for code in question.codes:
        chosen = real & (frame[name] == code).to_numpy(dtype=bool)
        made[Cell(ANSWERS, name, group, code)] = int(chosen.sum())
    if question.outcome and (question.counted or question.scale == "number"):
        made |= _joined(sample, question, group, real)
    return made


def _joined(sample: Sample, question: Question, group: str, real: BoolArray) -> dict[Cell, int]:
    """Return counts by subgroup: of a number who answered, else who gave a counted answer."""
    number = question.scale == "number"
    inside = np.zeros(len(real)) if number else counted_answers(sample, question)
    made: dict[Cell, int] = {}
    domains = [(TOTAL, TOTAL, real)]
    for subgroup in sample.questionnaire.subgroups:
        put = asked(sample.frame, sample.questionnaire, subgroup.id).to_numpy(dtype=bool)
        if (put & real).any():
            who = dict(sample.subgroups[subgroup.id])
            given = np.any(list(who.values()), axis=0)
            who |= {NONE: put & ~given, OUTSIDE: ~put}
            domains += [(subgroup.id, code, real & rows) for code, rows in who.items()]
    for breakdown, level, rows in domains:
        cell = (JOINED, question.id, group)
        made[Cell(*cell, TOTAL, breakdown, level)] = int(rows.sum())
        if not number:
            made[Cell(*cell, COUNTED, breakdown, level)] = int((rows & (inside == 1)).sum())
            made[Cell(*cell, OTHER, breakdown, level)] = int((rows & (inside == 0)).sum())
    return made
