"""EML_NL 510, the counts of the Dutch electoral software: stations, lists and candidates.

The standard is EML_NL of the Kiesraad, version 1.2 and what 1.3 adds to it. A 510a is of one
polling station, a 510b of a municipality and its stations, a 510c of an electoral district and its
municipalities, a 510d of the whole and its districts.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from lxml import etree

from ballot_eval.schema import TABLES
from ballot_eval.sources.eml_groups import (
    EML,
    TOTAL,
    Group,
    GroupReader,
    Texts,
    elements,
    line_of,
    pull_parser,
    syntax_fault,
    text_of,
)
from ballot_eval.sources.eml_places import Count, Place, Places, election_of_id, read_count
from ballot_eval.sources.frames import Block, Records, block
from ballot_eval.sources.parsed import Parsed
from ballot_eval.sources.text import UTF16_MARKS, Faults, FileError, shown

#: What the other kinds of EML_NL are about, by the first three digits of their id.
OTHER_KINDS = {
    "110": "the election and its polling stations",
    "210": "one nomination",
    "230": "candidates",
    "510": "another kind of count",
    "520": "seats and elected candidates",
    "630": "options of a referendum",
}
KINDS = ("510a", "510b", "510c", "510d")

#: Counts that stand in an element of their own.
SINGLE = {
    f"{{{EML}}}Cast": "eligible_voters_count",
    f"{{{EML}}}TotalCounted": "valid_votes_count",
}
REJECTED, UNCOUNTED = f"{{{EML}}}RejectedVotes", f"{{{EML}}}UncountedVotes"

#: Counts by ReasonCode.
REASONS = {
    REJECTED: {"blanco": "blank_votes_count", "ongeldig": "invalid_votes_count"},
    UNCOUNTED: {
        "geldige stempassen": "poll_card_count",
        "geldige volmachtbewijzen": "proxy_certificate_count",
        "geldige kiezerspassen": "voter_card_count",
        "toegelaten kiezers": "admitted_voters_count",
        "meer getelde stembiljetten": "more_ballots_count",
        "minder getelde stembiljetten": "fewer_ballots_count",
        "meegenomen stembiljetten": "unreturned_ballots_count",
        "te weinig uitgereikte stembiljetten": "too_few_ballots_issued_count",
        "te veel uitgereikte stembiljetten": "too_many_ballots_issued_count",
        "andere verklaring": "other_explanation_count",
        "geen verklaring": "no_explanation_count",
    },
}

#: Explanations that no table has. A zero says nothing; anything else is reported as unknown.
WITHOUT_COLUMN = frozenset(
    {"geen briefstembiljetten", "te veel briefstembiljetten", "kwijtgeraakte stembiljetten"}
)

#: Valid, blank and invalid votes; together they are the votes cast.
_PARTS_OF_CAST = ("valid_votes_count", "blank_votes_count", "invalid_votes_count")

#: The start of the root element, with or without a prefix.
_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?EML[\s/>]")

#: Within as many bytes the root element and the election are looked for.
_HEAD = 65_536
_SMALL_PIECE = 1024


def is_eml(head: bytes) -> bool:
    """Return whether the first bytes of a file, some thousands, are of EML of any kind.

    So is EML that will be refused, in UTF-16 or with a DOCTYPE, as long as its root is in sight.
    """
    start = head.replace(b"\0", b"").lstrip(codecs.BOM_UTF8 + b"\xff\xfe \t\r\n")
    return start.startswith(b"<") and _ROOT.search(start) is not None


def election_of(content: bytes) -> str:
    """Return the election of an EML file, for example ``GR2022``, without reading it all.

    Empty where the start of the file, which may be all that is given, does not tell.
    """
    try:
        found = _first(content, f"{{{EML}}}ElectionIdentifier")
    except FileError:
        return ""
    return "" if found is None else election_of_id(found.get("Id", ""))


def _first(content: bytes, tag: str | None) -> etree._Element | None:
    """Return the first element (of that tag) that starts in the head of a file, if there is one.

    Raises FileError where the head is no XML that may be read.
    """
    _refuse(content[:_HEAD])
    parser = pull_parser(tag, "start")
    try:
        for start in range(0, min(len(content), _HEAD), _SMALL_PIECE):
            parser.feed(content[start : start + _SMALL_PIECE])
            for _, element in parser.read_events():
                return element
    except etree.XMLSyntaxError as error:
        raise FileError(syntax_fault(error)) from error
    return None


def _refuse(content: bytes) -> None:
    """Raise FileError for another encoding than UTF-8 and for a DOCTYPE, before anything is parsed.

    The official files have none; entities, files and addresses to load can only stand there.
    """
    if content.startswith(UTF16_MARKS) or b"\0" in content[:64]:
        msg = "line 1: the file is UTF-16 or UTF-32; save it as UTF-8"
        raise FileError(msg)
    at = content.find(b"<!DOCTYPE")
    if at >= 0:
        line = content.count(b"\n", 0, at) + 1
        msg = (
            f"line {line}: holds a DOCTYPE, which no official file has and which may lead "
            "elsewhere; download the file again"
        )
        raise FileError(msg)


def _other_kind(content: bytes) -> str:
    """Return why a file is no count that is read, in words; empty for a 510a to 510d."""
    root = _first(content, None)
    if root is None:
        msg = f"line 1: no root element within {_HEAD} bytes; download the file again"
        raise FileError(msg)
    name, kind = etree.QName(root), root.get("Id", "").strip()
    if name.localname == "EML" and name.namespace != EML:
        msg = (
            f"line {line_of(root)}: EML without its namespace {EML}; "
            "ask who made the file for a whole one"
        )
        raise FileError(msg)
    if name.localname != "EML":
        return "XML, but not EML_NL"
    if kind in KINDS:
        return ""
    about = OTHER_KINDS.get(kind[:3])
    return f"EML {kind} ({about}), not a count" if about else f"EML {shown(kind)}, not a count"


def read_eml(path: str, content: bytes) -> Parsed | str:
    """Return the counts of an EML_NL 510a to 510d, or the reason why it is no such file.

    Votes cast (H) stand nowhere in these files. They are the sum of valid (E), blank (F) and
    invalid (G) votes where all three are whole numbers, else empty; a check that H is that sum
    cannot fail for EML. (The file gives admitted voters, D, and the ballots counted more and
    fewer, from which H follows too: that check is a real one.) ``Cast`` is, in spite of its name,
    the number of eligible voters.

    Votes of lists and candidates are kept of stations and municipalities. Those of districts and
    of the country count as out of scope, as do the values that a corrigendum replaces. Each
    element with a count is one of ``lines``. ``TotalVotes`` of a place that is also the only
    reporting unit are read once.

    Raises FileError with every fault of the file: XML that is not well-formed, an election that
    contradicts itself, and selections or reporting units that cannot be told apart.
    """
    del path
    _refuse(content)
    if other := _other_kind(content):
        return other
    faults = Faults()
    counts = _Counts(faults)
    try:
        for element in elements(content):
            counts.add(element)
    except FileError as error:
        faults.add(str(error))
    faults.raise_any()
    return counts.parsed()


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """A vote group and the place it is of: its counts by column, each with its line."""

    place: Place
    group: Group
    cells: dict[str, str]
    lines: dict[str, int]

    def agrees(self, other: _Counted) -> bool:
        """Return whether another group gives the same counts and votes."""
        return self.cells == other.cells and self.group.same_votes(other.group)


class _Counts:
    """Gathers the vote groups of one file."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._reader = GroupReader(faults)
        self._about: tuple[Count, Places] | None = None
        self._total: _Counted | None = None
        self._with_votes: list[_Counted] = []
        self._records: dict[str, Records] = {}
        self._unknown: list[tuple[int, str]] = []
        self._lines = self._used = 0

    def add(self, element: etree._Element) -> None:
        """Read a vote group; it may be thrown away afterwards."""
        contest = element.getparent()
        if contest is None or contest.tag != f"{{{EML}}}Contest":
            name = etree.QName(element).localname
            self._faults.add(
                f"line {line_of(element)}: {name} outside a Contest; download the file again"
            )
            return
        if self._about is None:
            count = read_count(element.getroottree().getroot(), self._faults)
            self._about = count, Places(count, self._faults)
        count, places = self._about
        is_total = element.tag == TOTAL
        place = places.of_total(element) if is_total else places.of_unit(element)
        group = self._reader.read(element)
        counted = _Counted(place or Place("", {}), group, *self._counts_of(element))
        self._lines += len(group.votes)
        if is_total:
            self._total = counted
        elif self._repeats_total(counted, one_station=count.kind == "510a"):
            return
        self._take(counted)

    def _repeats_total(self, counted: _Counted, *, one_station: bool) -> bool:
        """Return whether a reporting unit is a place whose counts were taken as TotalVotes.

        Those of a 510a name no station and were not taken, but have to agree as well.
        """
        total = self._total
        same_place = total is not None and counted.place.key == total.place.key != ()
        if total is None or not (one_station or same_place):
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
        # Votes cast are no line of the file.
        self._used += len(counted.lines) - ("votes_cast_count" in counted.lines)
        if place.municipality:
            self._with_votes.append(counted)
            self._used += len(group.votes)

    def _counts_of(self, element: etree._Element) -> tuple[dict[str, str], dict[str, int]]:
        cells: dict[str, str] = {}
        lines: dict[str, int] = {}
        for found in element.iterchildren(*SINGLE, *REASONS):
            tag, reason, line = str(found.tag), found.get("ReasonCode", ""), line_of(found)
            text = text_of(found, self._faults)
            column = SINGLE.get(tag) or REASONS[tag].get(reason.strip())
            if column is None:
                if reason.strip() not in WITHOUT_COLUMN or text != "0":
                    self._unknown.append((line, _label(tag, reason)))
            elif column in cells:
                self._faults.add(
                    f"line {line}: {_label(tag, reason)} stands twice in one count; "
                    "ask who made the file for a right one"
                )
            else:
                cells[column], lines[column] = text, line
            self._lines += 1
        parts = [cells.get(c, "") for c in _PARTS_OF_CAST]
        if all(part.isdecimal() and part.isascii() for part in parts):
            cells["votes_cast_count"] = str(sum(map(int, parts)))
            lines["votes_cast_count"] = lines["valid_votes_count"]
        return cells, lines

    def parsed(self) -> Parsed:
        """Return the tables; raises FileError where there is none."""
        if self._about is None or not self._lines:
            msg = "holds no counts; download it again"
            raise FileError(msg)
        count, _ = self._about
        if count.kind == "510a" and "station_results" not in self._records:
            msg = "a 510a without ReportingUnitVotes; ask who made the file of which station it is"
            raise FileError(msg)
        blocks = [records.block() for records in self._records.values()]
        if self._with_votes:
            blocks += [
                self._votes(count.election, name) for name in ("list_results", "candidate_results")
            ]
        name = f"eml_{count.kind}" + ("_corrigendum" if count.corrected else "")
        return Parsed(name, blocks, self._lines, self._used, unknown_rows=tuple(self._unknown))

    def _votes(self, election: str, table: str) -> Block:
        """Return the votes of all lists, or of all candidates, of stations and municipalities."""
        rows, names = self._with_votes, self._reader.names
        ballots = [row.group.ballot for row in rows]
        if table == "list_results":
            at = [b.list_at for b in ballots]
            parts = {
                "list_number": (names.lists, [b.lists for b in ballots]),
                "list_name": (names.list_names, [b.list_names for b in ballots]),
            }
        else:
            at = [b.candidate_at for b in ballots]
            parts = {
                "list_number": (names.lists, [b.lists_of_candidates for b in ballots]),
                "candidate_number": (names.candidates, [b.candidates for b in ballots]),
            }
        parts["votes_count"] = (
            names.votes,
            [row.group.votes[i] for row, i in zip(rows, at, strict=True)],
        )
        sizes = [len(i) for i in at]
        columns = {
            c: _categories(np.concatenate(codes), texts) for c, (texts, codes) in parts.items()
        }
        for column, values in (
            ("municipality_code", [row.place.municipality for row in rows]),
            ("polling_station_id", [row.place.station for row in rows]),
        ):
            texts = Texts()
            columns[column] = _categories(np.repeat(texts.codes(list(values)), sizes), texts)
        lines = [
            np.full(len(i), row.group.line) if row.group.lines is None else row.group.lines[i]
            for row, i in zip(rows, at, strict=True)
        ]
        return block(table, {"election_id": election, **columns}, np.concatenate(lines))


def _label(tag: str, reason: str) -> str:
    return " ".join((etree.QName(tag).localname, *reason.split()))


def _categories(codes: npt.NDArray[np.int32], texts: Texts) -> pd.Categorical[Any]:
    """Return the texts of some codes, with no other categories than there are."""
    used = np.flatnonzero(np.bincount(codes, minlength=len(texts.values_in_order)))
    renumbered = np.zeros(len(texts.values_in_order), np.int32)
    renumbered[used] = np.arange(len(used))
    return pd.Categorical.from_codes(
        renumbered[codes], pd.Index([texts.values_in_order[i] for i in used]), validate=False
    )
