"""Which answers to a subgroup question are told apart, the same in every table of a survey.

An answer that too few gave is put together with others until they are enough, and nothing is said
of any of them alone: not how many gave it, and not what they answered elsewhere. Who of these
people gave which of these answers then changes no published number, so that none of it can be
worked out, whatever tables are combined. Answers hidden in one table and shown in another would
not be safe: their numbers differ only by who did not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ballot_eval.questionnaire import Question, Questionnaire
from ballot_eval.topics.survey.cells import ANSWERS, ASKED, JOINED, SAMPLE, TOTAL, Cell
from ballot_eval.topics.survey.sample import GROUPS

#: Level that stands for the answers to a subgroup question that are not told apart.
TOGETHER = "(together)"


@dataclass(frozen=True, slots=True)
class Levels:
    """How the subgroup questions of a survey are broken down.

    ``together`` has, by subgroup question and group, the answers that are not told apart;
    ``left_out`` the breakdowns (outcome, subgroup question, group) that are not shown at all.
    """

    together: Mapping[tuple[str, str], frozenset[str]]
    left_out: frozenset[tuple[str, str, str]]

    def shown(self, cell: Cell) -> Cell | None:
        """Return the cell as it is shown: with the answers put together, or not at all."""
        joined = self.together.get((cell.breakdown, cell.group), frozenset())
        if cell.kind == JOINED and cell.breakdown != TOTAL:
            if (cell.question, cell.breakdown, cell.group) in self.left_out:
                return None
            level = TOGETHER if cell.level in joined else cell.level
            return Cell(JOINED, cell.question, cell.group, cell.answer, cell.breakdown, level)
        own = self.together.get((cell.question, cell.group), frozenset())
        if cell.kind == ANSWERS and cell.answer in own:
            return Cell(ANSWERS, cell.question, cell.group, TOGETHER)
        return cell


def levels_of(questionnaire: Questionnaire, counts: Mapping[Cell, int], threshold: int) -> Levels:
    """Return which answers are told apart, and which breakdowns are shown."""
    together: dict[tuple[str, str], frozenset[str]] = {}
    left_out: set[tuple[str, str, str]] = set()
    for subgroup in questionnaire.subgroups:
        order = _by_rarity(counts, subgroup)
        for group in GROUPS:
            if Cell(ANSWERS, subgroup.id, group) not in counts:
                continue
            tables = {
                outcome.id: _sizes(counts, outcome, subgroup, group)
                for outcome in questionnaire.outcomes
            }
            whole = [
                tables[outcome.id]
                for outcome in questionnaire.outcomes
                if tables[outcome.id] and _everyone_asked(counts, outcome, group)
            ]
            own = {c: counts[Cell(ANSWERS, subgroup.id, group, c)] for c in subgroup.codes}
            joined = put_together([own, *whole], order, threshold)
            together[subgroup.id, group] = joined
            never = joined == frozenset(subgroup.codes) or _far(questionnaire, subgroup)
            left_out |= {
                (outcome, subgroup.id, group)
                for outcome, sizes in tables.items()
                if never or _few(sizes, joined, threshold)
            }
    return Levels(together, frozenset(left_out))


def put_together(
    tables: Sequence[Mapping[str, int]], order: Sequence[str], threshold: int
) -> frozenset[str]:
    """Return the answers that are not told apart, given how many gave each in several tables.

    Those that 1 to ``threshold`` − 1 respondents gave in any table, and the first others of
    ``order`` until there are two answers of ``threshold`` respondents in every table. All when the
    first table has one answer only, since its total would tell what each of them said.
    """
    own = tables[0]
    if sum(n > 0 for n in own.values()) == 1:
        return frozenset(own)
    few = {code for code in own if any(0 < sizes[code] < threshold for sizes in tables)}
    # An answer that nobody gave hides nobody, and comes last.
    others = sorted((code for code in order if code not in few), key=lambda code: own[code] == 0)
    while few and others:
        if len(few) > 1 and all(sum(sizes[c] for c in few) >= threshold for sizes in tables):
            break
        few.add(others.pop(0))
    return frozenset(few)


def parent(questionnaire: Questionnaire, subgroup: Question) -> Question | None:
    """Return the subgroup question whose answers decide who is asked this one, if there is one."""
    when = subgroup.asked_when
    if when is None or when.question == "ballot":
        return None
    gate = questionnaire.question(when.question)
    return gate if gate.subgroup else None


def _far(questionnaire: Questionnaire, subgroup: Question) -> bool:
    """Return whether a subgroup question hangs on another one, but by way of a third question."""
    when = subgroup.asked_when
    if parent(questionnaire, subgroup) is not None:
        return False
    while when is not None and when.question != "ballot":
        gate = questionnaire.question(when.question)
        if gate.subgroup:
            return True
        when = gate.asked_when
    return False


def _by_rarity(counts: Mapping[Cell, int], subgroup: Question) -> list[str]:
    """Return the answers by how many gave them in all groups, so that groups hide the same ones."""

    def size(code: str) -> int:
        return sum(counts.get(Cell(ANSWERS, subgroup.id, group, code), 0) for group in GROUPS)

    return sorted(subgroup.codes, key=size)


def _everyone_asked(counts: Mapping[Cell, int], outcome: Question, group: str) -> bool:
    everyone = counts[Cell(SAMPLE, "", group)]
    return counts.get(Cell(ASKED, outcome.id, group), everyone) == everyone


def _sizes(
    counts: Mapping[Cell, int], outcome: Question, subgroup: Question, group: str
) -> dict[str, int]:
    """Return how many of each subgroup answered an outcome; nothing without that breakdown."""
    cells = {c: Cell(JOINED, outcome.id, group, TOTAL, subgroup.id, c) for c in subgroup.codes}
    return {code: counts[cell] for code, cell in cells.items() if cell in counts}


def _few(sizes: Mapping[str, int], joined: frozenset[str], threshold: int) -> bool:
    """Return whether a breakdown has a level of 1 to ``threshold`` − 1 respondents."""
    shown = [n for code, n in sizes.items() if code not in joined]
    shown.append(sum(n for code, n in sizes.items() if code in joined))
    return any(0 < n < threshold for n in shown)
