"""The vote groups of one EML_NL file, gathered into raw tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.schema import TABLES
from ballot_eval.sources.eml_groups import Ballot, Group, Names, Texts
from ballot_eval.sources.eml_places import Count, Place, Places
from ballot_eval.sources.eml_xml import eml
from ballot_eval.sources.frames import Block, Cells, Records, block
from ballot_eval.sources.parsed import Parsed
from ballot_eval.sources.text import Faults, FileError

#: Columns by the element of a count and its ReasonCode.
COLUMNS = {
    ("Cast", ""): "eligible_voters_count",
    ("TotalCounted", ""): "valid_votes_count",
    ("RejectedVotes", "blanco"): "blank_votes_count",
    ("RejectedVotes", "ongeldig"): "invalid_votes_count",
    ("UncountedVotes", "geldige stempassen"): "poll_card_count",
    ("UncountedVotes", "geldige volmachtbewijzen"): "proxy_certificate_count",
    ("UncountedVotes", "geldige kiezerspassen"): "voter_card_count",
    ("UncountedVotes", "toegelaten kiezers"): "admitted_voters_count",
    ("UncountedVotes", "meer getelde stembiljetten"): "more_ballots_count",
    ("UncountedVotes", "minder getelde stembiljetten"): "fewer_ballots_count",
    ("UncountedVotes", "meegenomen stembiljetten"): "unreturned_ballots_count",
    ("UncountedVotes", "te weinig uitgereikte stembiljetten"): "too_few_ballots_issued_count",
    ("UncountedVotes", "te veel uitgereikte stembiljetten"): "too_many_ballots_issued_count",
    ("UncountedVotes", "andere verklaring"): "other_explanation_count",
    ("UncountedVotes", "geen verklaring"): "no_explanation_count",
}
_COLUMNS = {(eml(name), reason): column for (name, reason), column in COLUMNS.items()}

#: Explanations that no table has. A zero says nothing; anything else is reported as unknown.
WITHOUT_COLUMN = frozenset(
    {"geen briefstembiljetten", "te veel briefstembiljetten", "kwijtgeraakte stembiljetten"}
)

#: Valid, blank and invalid votes; together they are the votes cast.
_PARTS_OF_CAST = ("valid_votes_count", "blank_votes_count", "invalid_votes_count")
_WHOLE = re.compile("[0-9]{1,12}")


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """A vote group, the place it is of, and its counts by column, each with its line."""

    place: Place
    group: Group
    cells: dict[str, str]
    lines: dict[str, int]

    def agrees(self, other: _Counted) -> bool:
        """Return whether another group gives the same counts and votes."""
        return self.cells == other.cells and self.group.same_votes(other.group)


class Gathered:
    """The groups of one file by the table that takes them."""

    def __init__(self, count: Count, names: Names, faults: Faults) -> None:
        self._count = count
        self._names = names
        self._faults = faults
        self._places = Places(count, faults)
        self._total: _Counted | None = None
        self._records: dict[str, Records] = {}
        self._with_votes: list[_Counted] = []
        self._unknown: list[tuple[int, str]] = []
        self._lines = self._used = 0

    def add(self, group: Group) -> None:
        """Add a group, unless it gives the counts of a place a second time."""
        place = self._places.of_total(group) if group.is_total else self._places.of_unit(group)
        counted = _Counted(place or Place("", {}), group, *self._counts(group))
        self._lines += len(group.votes) + len(group.numbers)
        if group.is_total:
            self._total = counted
        elif self._repeats_total(counted):
            return
        self._take(counted)

    def _repeats_total(self, counted: _Counted) -> bool:
        """Return whether a reporting unit is a place whose counts were taken as TotalVotes.

        Those of a 510a name no station and were not taken, but have to agree as well.
        """
        total = self._total
        same_place = total is not None and counted.place.key == total.place.key != ()
        if total is None or not (same_place or self._count.kind == "510a"):
            return False
        if not counted.agrees(total):
            self._faults.add(
                f"line {counted.group.line}: counts differ from the TotalVotes of the same place; "
                "ask who made the file which of the two is right"
            )
        return same_place

    def _take(self, counted: _Counted) -> None:
        place, group = counted.place, counted.group
        if not place.table:
            return
        records = self._records.setdefault(place.table, Records(place.table, TABLES[place.table]))
        records.add(group.line, place.cells | counted.cells, counted.lines)
        # Votes cast stand nowhere in the file.
        self._used += len(counted.lines) - ("votes_cast_count" in counted.lines)
        if place.municipality:
            self._with_votes.append(counted)
            self._used += len(group.votes)

    def _counts(self, group: Group) -> tuple[dict[str, str], dict[str, int]]:
        cells: dict[str, str] = {}
        lines: dict[str, int] = {}
        for number, text in zip(group.numbers, group.texts, strict=True):
            line = group.line + number.below
            column = _COLUMNS.get((number.tag, number.reason))
            if column is None:
                if number.reason not in WITHOUT_COLUMN or text != "0":
                    self._unknown.append((line, number.label))
            elif column in cells:
                self._faults.add(
                    f"line {line}: {number.label} stands twice in one count; "
                    "ask who made the file for a right one"
                )
            else:
                cells[column], lines[column] = text, line
        parts = [cells.get(c, "") for c in _PARTS_OF_CAST]
        if all(map(_WHOLE.fullmatch, parts)):
            cells["votes_cast_count"] = str(sum(map(int, parts)))
            lines["votes_cast_count"] = lines["valid_votes_count"]
        return cells, lines

    def parsed(self) -> Parsed:
        """Return the tables; raises FileError where no group was added."""
        if not self._lines:
            msg = "holds no counts; download it again"
            raise FileError(msg)
        if self._count.kind == "510a" and "station_results" not in self._records:
            msg = "a 510a without ReportingUnitVotes; ask who made the file of which station it is"
            raise FileError(msg)
        blocks = [records.block() for records in self._records.values()]
        ballots = [counted.group.ballot for counted in self._with_votes]
        if ballots:
            blocks.append(self._lists(ballots))
        if any(len(ballot.candidates) for ballot in ballots):
            blocks.append(self._candidates(ballots))
        name = f"eml_{self._count.kind}" + ("_corrigendum" if self._count.corrected else "")
        return Parsed(
            name,
            blocks,
            self._lines,
            self._used,
            unknown_rows=tuple(self._unknown),
            date=self._count.date,
        )

    def _lists(self, ballots: Sequence[Ballot]) -> Block:
        columns = {
            "list_number": _categories([b.lists for b in ballots], self._names.lists),
            "list_name": _categories([b.list_names for b in ballots], self._names.list_names),
        }
        return self._votes("list_results", [b.list_at for b in ballots], columns)

    def _candidates(self, ballots: Sequence[Ballot]) -> Block:
        columns = {
            "list_number": _categories([b.lists_of_candidates for b in ballots], self._names.lists),
            "candidate_number": _categories(
                [b.candidates for b in ballots], self._names.candidates
            ),
        }
        return self._votes("candidate_results", [b.candidate_at for b in ballots], columns)

    def _votes(
        self,
        table: str,
        at: Sequence[npt.NDArray[np.int64]],
        columns: Mapping[str, pd.Categorical[Any]],
    ) -> Block:
        """Return the votes of the selections ``at`` those places in the groups with votes."""
        rows = list(zip(self._with_votes, at, strict=True))
        places = {
            "municipality_code": [row.place.municipality for row, _ in rows],
            "polling_station_id": [row.place.station for row, _ in rows],
        }
        of_place: dict[str, pd.Categorical[Any]] = {}
        for column, codes in places.items():
            texts = Texts()
            repeated = np.repeat(texts.codes(codes), [len(i) for i in at])
            of_place[column] = _categories([repeated], texts)
        votes = _categories([row.group.votes[i] for row, i in rows], self._names.votes)
        lines = np.concatenate([row.group.lines[i] for row, i in rows])
        election = self._count.election
        cells: dict[str, Cells] = {"election_id": election, **of_place, **columns}
        cells["votes_count"] = votes
        return block(table, cells, lines)


def _categories(codes: Sequence[npt.NDArray[np.int32]], texts: Texts) -> pd.Categorical[Any]:
    """Return the texts of some codes, with no other categories than there are."""
    joined = np.concatenate(codes)
    used = np.flatnonzero(np.bincount(joined, minlength=len(texts.in_order)))
    renumbered = np.zeros(len(texts.in_order), np.int32)
    renumbered[used] = np.arange(len(used))
    categories = pd.Index([texts.in_order[i] for i in used])
    return pd.Categorical.from_codes(renumbered[joined], categories, validate=False)
