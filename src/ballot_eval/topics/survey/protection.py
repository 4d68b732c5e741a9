"""Which counts of a survey may be published.

The answers to a subgroup question are told apart alike in all tables
(:mod:`~ballot_eval.topics.survey.levels`). What is left is protected as one system of sums
(:mod:`ballot_eval.disclosure`), in which those who gave no answer to a subgroup question are cells
that no table shows. Where that hides how many of a subgroup answered, or which of the answers that
a later question depends on, the whole breakdown or the later question is left out: less is known
then, and what was protected stays so.

How many gave no answer says nothing of anybody and is not protected.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from ballot_eval.disclosure import Relation, margins, protect
from ballot_eval.questionnaire import Question, Questionnaire
from ballot_eval.topics.survey.cells import (
    ANSWERS,
    ASKED,
    COUNTED,
    JOINED,
    NONE,
    OUTSIDE,
    SAMPLE,
    TOTAL,
    Cell,
    Counts,
    all_counts,
    other_answers,
)
from ballot_eval.topics.survey.levels import TOGETHER, Levels, levels_of, parent
from ballot_eval.topics.survey.sample import GROUPS, Sample

#: Loss of leaving out what no table shows, and of what has to stay known.
_NO_LOSS, _FIXED = 0.01, 1e6


def survey_counts(sample: Sample, threshold: int) -> Counts:
    """Return all counts of a survey, with those that may not be published."""
    counts = all_counts(sample)
    levels = levels_of(sample.questionnaire, counts, threshold)
    shown = _shown(counts, levels)
    cells, relations = _system(sample.questionnaire, shown, levels)
    marks = protect(cells, relations, threshold=threshold)
    keys = list(shown)
    gone = marks["suppressed"].to_numpy()[: len(keys)] != ""
    no_share = marks["share_suppressed"].to_numpy(dtype=bool)[: len(keys)]
    hidden = {key for key, hide in zip(keys, gone, strict=True) if hide}
    shares = {key for key, hide in zip(keys, no_share, strict=True) if hide}
    away = {c for c in counts if levels.shown(c) != c or c.level in (NONE, OUTSIDE)}
    away |= _follow(sample, counts, levels, hidden, threshold)
    return Counts(
        counts,
        frozenset(c for c in counts if c in away or c in hidden),
        frozenset(c for c in counts if c in away or c in shares),
    )


def _shown(counts: Mapping[Cell, int], levels: Levels) -> dict[Cell, int]:
    """Return the counts with answers put together, without the breakdowns that are left out."""
    made: dict[Cell, int] = {}
    for cell, n in counts.items():
        shown = levels.shown(cell)
        if shown is not None:
            made[shown] = made.get(shown, 0) + n
    return made


def _system(
    questionnaire: Questionnaire, counts: dict[Cell, int], levels: Levels
) -> tuple[pd.DataFrame, list[Relation]]:
    """Return the counts as cells in their order, what else they imply, and all sums among them."""
    # The names of the columns are no codes, so that a question may have any id.
    column = {q.id: f"by:{q.id}" for q in questionnaire.subgroups}
    rows: list[dict[str, Any]] = []
    for cell, n in counts.items():
        row: dict[str, Any] = {"question": f"{cell.kind}:{cell.question}", "group": cell.group}
        row |= dict.fromkeys(column.values(), TOTAL) | {"answer": cell.answer, "n": n}
        if cell.breakdown != TOTAL:
            row[column[cell.breakdown]] = cell.level
        rows.append(row | _role(cell, n))
    several = {f"{ANSWERS}:{q.id}" for q in questionnaire.questions if q.scale == "multiple"}
    frame = pd.DataFrame(rows)
    cells, relations = margins(
        frame,
        groups=["group", *column.values()],
        multiple=sorted(several & set(frame["question"])),
        total=TOTAL,
    )
    place = {cell: position for position, cell in enumerate(counts)}
    # That as many of a subgroup answered two questions does not make them the same people, and
    # nobody can see it of numbers that are left out; of a whole group it is taken to be so.
    whole = {n for cell, n in place.items() if cell.breakdown == TOTAL}
    relations = [r for r in relations if r.kind != "same" or r.total in whole]
    relations += _links(questionnaire, counts, place)
    extra, nested = _nested(questionnaire, counts, levels, place, len(cells))
    cells = pd.concat([cells, pd.DataFrame(extra)], ignore_index=True) if extra else cells
    # The rests that the sums imply say as much as their totals.
    cells["sensitive"] = cells["sensitive"].astype("boolean").fillna(value=True).astype(bool)
    return cells, [*relations, *nested]


def _role(cell: Cell, n: int) -> dict[str, Any]:
    """Return whether a cell is published, says something of people, and its loss if left out.

    Sizes of subgroups that no table shows follow from those that are shown, and count as known.
    """
    role: dict[str, Any] = {"published": True, "sensitive": True, "cost": _cost(cell, n)}
    if cell.kind == ANSWERS and cell.answer == TOGETHER:
        # At least the threshold, or else all answers: then their total is protected.
        return role | {"published": False, "sensitive": False, "cost": _NO_LOSS}
    if cell.level in (NONE, OUTSIDE):
        known = cell.answer == TOTAL
        cost = _FIXED if known else _NO_LOSS
        return role | {"published": known, "sensitive": False, "cost": cost}
    if cell.level == TOGETHER:
        role["cost"] = _FIXED if cell.answer == TOTAL else _NO_LOSS
    return role


def _cost(cell: Cell, n: int) -> float:
    """Return the loss of leaving a count out: more for those that more of the report rests on."""
    size = 1 + math.log1p(n)
    if cell.kind in (SAMPLE, ASKED):
        return 1000 * size
    if cell.answer == TOTAL:
        return (100 if cell.breakdown == TOTAL else 10) * size
    # A zero protects little, and of a subgroup less is lost than of everyone.
    return (4 if n == 0 else 1) * (10 if cell.breakdown == TOTAL else 1) * size


def _links(
    questionnaire: Questionnaire, counts: Mapping[Cell, int], place: Mapping[Cell, int]
) -> Iterator[Relation]:
    """Yield the sums between tables: who was asked by an answer, and which answers are counted."""
    for cell in counts:
        question = questionnaire.question(cell.question) if cell.question else None
        if question is None:
            continue
        if cell.kind == ASKED:
            yield from _routed(question, cell, counts, place)
        if cell.kind == JOINED and cell.breakdown == TOTAL and cell.answer == COUNTED:
            parts = (Cell(ANSWERS, cell.question, cell.group, code) for code in question.counted)
            yield Relation(place[cell], tuple(place[part] for part in parts), "groups")


def _routed(
    question: Question, cell: Cell, counts: Mapping[Cell, int], place: Mapping[Cell, int]
) -> Iterator[Relation]:
    """Yield that those who were asked gave certain answers before, or are all of the group."""
    when = question.asked_when
    if when is None:
        return
    if when.question == "ballot":
        parts = [Cell(SAMPLE, "", cell.group)]
    else:
        parts = [Cell(ANSWERS, when.question, cell.group, code) for code in when.answers]
        parts = [part for part in parts if part in counts]
        together = Cell(ANSWERS, when.question, cell.group, TOGETHER)
        if len(parts) < len(when.answers) and together in counts:
            parts.append(together)
    # Not so when the routing is by a missing answer, or by one of several answers.
    if parts and sum(counts[part] for part in parts) == counts[cell]:
        kind: Literal["same", "groups"] = "same" if len(parts) == 1 else "groups"
        yield Relation(place[cell], tuple(place[part] for part in parts), kind)


def _nested(
    questionnaire: Questionnaire,
    counts: Mapping[Cell, int],
    levels: Levels,
    place: Mapping[Cell, int],
    first: int,
) -> tuple[list[dict[str, Any]], list[Relation]]:
    """Return that those asked a subgroup question are certain subgroups of the one before it.

    With cells, from position ``first``, for those who were asked it because they gave no answer.
    """
    extra: list[dict[str, Any]] = []
    relations: list[Relation] = []
    for cell in counts:
        subgroup = questionnaire.question(cell.breakdown) if cell.level == OUTSIDE else None
        gate = None if subgroup is None else parent(questionnaire, subgroup)
        if subgroup is None or subgroup.asked_when is None or gate is None:
            continue
        routed = set(subgroup.asked_when.answers)
        together = levels.together.get((gate.id, cell.group), frozenset())
        whole = replace(cell, breakdown=TOTAL, level=TOTAL)
        asked = {
            levels.shown(replace(cell, breakdown=gate.id, level=code))
            for code in routed & set(gate.codes)
        }
        known = [part for part in counts if part in asked]
        # Where only some of the answers put together are asked, the question is left out later.
        if len(known) < len(asked) or (together & routed and not together <= routed):
            continue
        parts = [place[cell], *(place[part] for part in known)]
        if routed & set(gate.missing_codes):
            rest = counts[whole] - counts[cell] - sum(counts[part] for part in known)
            parts.append(first + len(extra))
            extra.append({"n": rest, "published": False, "sensitive": False, "cost": _NO_LOSS})
        relations.append(Relation(place[whole], tuple(parts), "groups"))
    return extra, relations


def _follow(
    sample: Sample,
    counts: Mapping[Cell, int],
    levels: Levels,
    hidden: Collection[Cell],
    threshold: int,
) -> set[Cell]:
    """Return what else is left out, since it rests on what is hidden.

    Questions whose number of people asked would give away a hidden answer; subgroup questions with
    a hidden answer among those that are told apart; breakdowns with a hidden size of a subgroup.
    """
    gone: set[tuple[str, str]] = set()
    blind: set[tuple[str, str]] = set()
    for question in sample.questionnaire.questions:
        own = [c for c in hidden if c.kind == ANSWERS and c.question == question.id]
        for group in GROUPS:
            if _gives_away(sample, question, group, levels, hidden, gone | blind, threshold):
                gone.add((question.id, group))
            elif question.subgroup and any(c.group == group and c.answer != TOTAL for c in own):
                blind.add((question.id, group))
    broken = {
        (c.question, c.breakdown, c.group)
        for c in hidden
        if c.breakdown != TOTAL and c.answer == TOTAL
    }
    return {
        c
        for c in counts
        if (c.question, c.group) in gone
        or (c.breakdown, c.group) in gone | blind
        or ((c.question, c.group) in blind and c.answer != TOTAL)
        or (c.question, c.breakdown, c.group) in broken
    }


def _gives_away(
    sample: Sample,
    question: Question,
    group: str,
    levels: Levels,
    hidden: Collection[Cell],
    unseen: Collection[tuple[str, str]],
    threshold: int,
) -> bool:
    """Return whether the number asked a question tells a hidden answer to the one before it."""
    when = question.asked_when
    if when is None or when.question == "ballot":
        return False
    gate, routed = sample.questionnaire.question(when.question), set(when.answers)
    together = levels.together.get((gate.id, group), frozenset())
    if (gate.id, group) in unseen or (together & routed and not together <= routed):
        return True
    own = {c.answer for c in hidden if (c.kind, c.question, c.group) == (ANSWERS, gate.id, group)}
    if routed & set(gate.missing_codes):
        others = other_answers(sample, gate, group).values()
        return bool(own) or any(0 < n < threshold for n in others)
    return gate.scale == "multiple" and len(routed) > 1 and bool(own & {*routed, TOTAL})
