"""Counts of respondents behind the results of a survey, and which of them may be published.

Every number on a survey rests on cells: how many of a group were asked, answered, and gave each
answer, in the group as a whole and by subgroup. The cells of one survey are protected together,
since the sums among them are known (:mod:`ballot_eval.disclosure`), and a result is published only
when all cells are that could be worked out from it. How many gave no answer is no statement on
anybody and no cell; :mod:`~ballot_eval.topics.survey.response` leaves out small numbers of these.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.answers import answers, asked, marked, substantive
from ballot_eval.disclosure import Relation, margins, protect
from ballot_eval.questionnaire import Question
from ballot_eval.topics.survey.sample import GROUPS, Sample

BoolArray = npt.NDArray[np.bool_]

#: Label of a sum over answers or over subgroups.
TOTAL = "total"

#: The two answers of a question once they are joined by whether their share is reported.
COUNTED, OTHER = "counted", "other"

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


def survey_counts(sample: Sample, threshold: int) -> Counts:
    """Return all counts of a survey, with those that may not be published."""
    counts: dict[Cell, int] = {}
    for group in GROUPS:
        members = sample.members(group)
        if members.any():
            counts[Cell(SAMPLE, "", group)] = int(members.sum())
            for question in sample.questionnaire.questions:
                if question.scale != "open":
                    counts |= _question_counts(sample, question, group, members)
    cells, relations = _system(sample, counts)
    marked_cells = protect(cells, relations, threshold=threshold)
    keys = list(counts)
    hidden = marked_cells["suppressed"].to_numpy()[: len(keys)] != ""
    shares = marked_cells["share_suppressed"].to_numpy(dtype=bool)[: len(keys)]
    return Counts(
        counts,
        frozenset(k for k, gone in zip(keys, hidden, strict=True) if gone),
        frozenset(k for k, gone in zip(keys, shares, strict=True) if gone),
    )


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
            who = sample.subgroups[subgroup.id]
            domains += [(subgroup.id, code, real & rows) for code, rows in who.items()]
    for breakdown, level, rows in domains:
        cell = (JOINED, question.id, group)
        made[Cell(*cell, TOTAL, breakdown, level)] = int(rows.sum())
        if not number:
            made[Cell(*cell, COUNTED, breakdown, level)] = int((rows & (inside == 1)).sum())
            made[Cell(*cell, OTHER, breakdown, level)] = int((rows & (inside == 0)).sum())
    return made


def _system(sample: Sample, counts: dict[Cell, int]) -> tuple[pd.DataFrame, list[Relation]]:
    """Return the counts as cells in the order of ``counts``, and all sums among them."""
    subgroups = [q.id for q in sample.questionnaire.subgroups]
    rows: list[dict[str, Any]] = []
    for cell, n in counts.items():
        row: dict[str, Any] = {"question": f"{cell.kind}:{cell.question}", "group": cell.group}
        row |= dict.fromkeys(subgroups, TOTAL) | {"answer": cell.answer, "n": n}
        row["cost"] = _cost(cell, n)
        if cell.breakdown != TOTAL:
            row[cell.breakdown] = cell.level
        rows.append(row)
    several = [f"{ANSWERS}:{q.id}" for q in sample.questionnaire.questions if q.scale == "multiple"]
    frame = pd.DataFrame(rows)
    present = set(frame["question"])
    cells, relations = margins(
        frame,
        groups=["group", *subgroups],
        multiple=[name for name in several if name in present],
        total=TOTAL,
    )
    place = {cell: position for position, cell in enumerate(counts)}
    # That as many of a subgroup answered two questions does not make them the same people, and
    # nobody can see it of numbers that are left out; of a whole group it is taken to be so.
    whole = {n for cell, n in place.items() if cell.breakdown == TOTAL}
    known = [r for r in relations if r.kind != "same" or r.total in whole]
    return cells, [*known, *_links(sample, counts, place)]


def _cost(cell: Cell, n: int) -> float:
    """Return the loss of leaving a count out: more for those that more of the report rests on."""
    size = 1 + math.log1p(n)
    if cell.kind in (SAMPLE, ASKED):
        return 1000 * size
    if cell.answer == TOTAL:
        return (100 if cell.breakdown == TOTAL else 10) * size
    # A zero protects little, and of a subgroup less is lost than of everyone.
    return (4 if n == 0 else 1) * (10 if cell.breakdown == TOTAL else 1) * size


def _links(sample: Sample, counts: dict[Cell, int], place: dict[Cell, int]) -> Iterator[Relation]:
    """Yield the sums between tables: who was asked by an answer, and which answers are counted."""
    for cell in counts:
        question = sample.questionnaire.question(cell.question) if cell.question else None
        if question is None:
            continue
        if cell.kind == ASKED:
            yield from _routed(question, cell, counts, place)
        if cell.kind == JOINED and cell.breakdown == TOTAL and cell.answer == COUNTED:
            parts = (Cell(ANSWERS, cell.question, cell.group, code) for code in question.counted)
            yield Relation(place[cell], tuple(place[part] for part in parts), "groups")


def _routed(
    question: Question, cell: Cell, counts: dict[Cell, int], place: dict[Cell, int]
) -> Iterator[Relation]:
    """Yield that those who were asked gave certain answers before, or are all of the group."""
    when = question.asked_when
    if when is None:
        return
    if when.question == "ballot":
        parts = [Cell(SAMPLE, "", cell.group)]
    else:
        parts = [Cell(ANSWERS, when.question, cell.group, code) for code in when.answers]
    # Not so when the routing is by a missing answer, or by one of several answers.
    if sum(counts.get(part, 0) for part in parts) == counts[cell]:
        kind: Literal["same", "groups"] = "same" if len(parts) == 1 else "groups"
        known = tuple(place[part] for part in parts if part in place)
        yield Relation(place[cell], known, kind)
