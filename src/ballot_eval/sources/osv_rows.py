"""The rows of the counting software's ``osv4-3`` CSV: which row of the table is what.

The table has a column for each polling station, or for each municipality of a district, and a row
for each count of the record, each list and each candidate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ballot_eval.sources.parsed import whole
from ballot_eval.sources.places import plain
from ballot_eval.sources.text import Faults, shown

#: The first cells of the row with the names of the columns.
HEADER = ("Lijstnummer", "Aanduiding", "Volgnummer", "Naam kandidaat", "Totaal")

#: Cells before the numbers of a row; the first number is the total.
LABELS = len(HEADER) - 1

NUMBERS, POSTCODES = "gebiednummer", "postcode"

#: Wordings of the counts: of the counting software since 2022, of its editions before, and those
#: of the EML files, by field of the results.
WORDINGS = {
    "eligible_voters_count": ("opgeroepenen", "opgeroepen kiezers", "kiesgerechtigden"),
    "poll_card_count": ("geldige stempas", "geldige stempassen"),
    "proxy_certificate_count": (
        "geldig volmachtbewijs",
        "geldige volmachtbewijzen",
        "geldige volmachten",
    ),
    "voter_card_count": ("geldige kiezerspas", "geldige kiezerspassen"),
    "admitted_voters_count": ("toegelaten kiezers",),
    "valid_votes_count": ("geldige stembiljetten", "geldige stemmen", "stemmen op kandidaten"),
    "blank_votes_count": ("blanco stembiljetten", "blanco stemmen"),
    "invalid_votes_count": ("ongeldige stembiljetten", "ongeldige stemmen"),
    "votes_cast_count": (
        "aangetroffen stembiljetten",
        "getelde stembiljetten",
        "uitgebrachte stemmen",
    ),
    "more_ballots_count": (
        "meer stembiljetten dan toegelaten kiezers",
        "meer getelde stembiljetten",
    ),
    "fewer_ballots_count": (
        "minder stembiljetten dan toegelaten kiezers",
        "minder getelde stembiljetten",
    ),
    "unreturned_ballots_count": (
        "kiezers met stembiljet hebben niet gestemd",
        "meegenomen stembiljetten",
        "niet ingeleverde stembiljetten",
    ),
    "too_few_ballots_issued_count": (
        "er zijn te weinig stembiljetten uitgereikt",
        "te weinig uitgereikte stembiljetten",
        "te weinig stembiljetten uitgereikt",
    ),
    "too_many_ballots_issued_count": (
        "er zijn te veel stembiljetten uitgereikt",
        "te veel uitgereikte stembiljetten",
        "te veel stembiljetten uitgereikt",
    ),
    "other_explanation_count": ("andere verklaring", "andere verklaringen"),
    "no_explanation_count": ("geen verklaring", "geen verklaringen"),
}
_FIELDS = {plain(words): name for name, wordings in WORDINGS.items() for words in wordings}

#: Counts without which the file cannot be used; of the sum of these three is made what was cast.
PARTS_OF_CAST = ("valid_votes_count", "blank_votes_count", "invalid_votes_count")


@dataclass(frozen=True, slots=True)
class Counted:
    """A row with numbers: its line, and its cells, of which the first is the total.

    ``number`` and ``name`` are those of the list; ``candidate`` is the number of the candidate.
    """

    line: int
    cells: Sequence[str]
    number: str = ""
    name: str = ""
    candidate: str = ""


@dataclass(slots=True)
class Sheet:
    """The table of a file, its rows told apart; cells are as they stand in the file.

    ``list_lines`` is the first line of each list number.
    """

    line: int
    names: list[str]
    numbers: Counted | None = None
    postcodes: Counted | None = None
    counts: dict[str, Counted] = field(default_factory=dict)
    lists: list[Counted] = field(default_factory=list)
    list_lines: dict[str, int] = field(default_factory=dict)
    candidates: list[Counted] = field(default_factory=list)
    unknown: list[tuple[int, str]] = field(default_factory=list)

    @property
    def column_numbers(self) -> list[str]:
        """Return the number of each column; empty where there is none."""
        return self._of_columns(self.numbers)

    @property
    def column_postcodes(self) -> list[str]:
        """Return the postcode of each column; empty where there is none."""
        return self._of_columns(self.postcodes)

    def _of_columns(self, row: Counted | None) -> list[str]:
        return [""] * len(self.names) if row is None else [c.strip() for c in row.cells[1:]]


def is_header(cells: Sequence[str]) -> bool:
    """Return whether a row is the one with the names of the columns."""
    return [plain(c) for c in cells[: len(HEADER)]] == [plain(c) for c in HEADER]


def field_of(label: str) -> str:
    """Return the field that a label of a count means, or an empty text.

    Case, spaces, signs, a letter of the form behind it and words as ``aantal`` do not count.
    """
    bare = re.sub(r"\(\s*[A-Za-z]\s*\)\s*$", "", label)
    bare = re.sub(r"^(\s*(het|totaal|totale|aantal)\s+)+", "", bare, flags=re.IGNORECASE)
    return _FIELDS.get(plain(bare), "")


def told_apart(
    header: tuple[int, list[str]], below: list[tuple[int, list[str]]], faults: Faults
) -> Sheet:
    """Return the rows below the header, by what they are; add a fault for each that is irregular.

    Faulty is a row with too few or too many cells, a list number that is no number or stands
    there twice, a candidate above all lists, a count given twice, and a table without lists or
    without valid, blank or invalid votes. A count that is not known is kept in ``unknown``.
    """
    line, names = header
    sheet = Sheet(line, names[len(HEADER) :])
    if not sheet.names:
        faults.add(f"line {line}: no column stands after {HEADER[-1]}; download the file again")
    for line, cells in whole(len(names), iter(below), faults):
        _add(sheet, line, cells, faults)
    if not sheet.lists:
        faults.add("holds no row of a list; it is cut off, so download it again")
    for name in PARTS_OF_CAST:
        if name not in sheet.counts:
            faults.add(f"the row {WORDINGS[name][0]!r} is missing; download the file again")
    return sheet


def _add(sheet: Sheet, line: int, cells: list[str], faults: Faults) -> None:
    first, second, third, fourth = (c.strip() for c in cells[:LABELS])
    values = cells[LABELS:]
    if first and not (second or third or fourth) and not _is_number(first):
        _add_above(sheet, Counted(line, values), first, faults)
    elif first and not (third or fourth):
        _add_list(sheet, Counted(line, values, first, cells[1]), faults)
    elif second and not (first or third or fourth):
        _add_count(sheet, Counted(line, values), second, faults)
    elif third and not (first or second):
        if not sheet.lists:
            faults.add(
                f"line {line}: a candidate stands above all lists; put the row of the list there"
            )
        elif not _is_number(third):
            faults.add(f"line {line}: candidate number {shown(third)} is no number; mend it")
        else:
            sheet.candidates.append(Counted(line, values, sheet.lists[-1].number, candidate=third))
    else:
        faults.add(
            f"line {line}: neither a count, a list nor a candidate "
            f"({';'.join(map(shown, cells[:LABELS]))}); mend the first {LABELS} cells"
        )


def _is_number(text: str) -> bool:
    return re.fullmatch("[0-9]{1,3}", text) is not None


def _add_above(sheet: Sheet, row: Counted, label: str, faults: Faults) -> None:
    """Add a row that describes the columns: their numbers or postcodes."""
    known = {NUMBERS: sheet.numbers, POSTCODES: sheet.postcodes}
    word = plain(label)
    if word not in known:
        sheet.unknown.append((row.line, label))
    elif (before := known[word]) is not None:
        faults.add(f"line {row.line}: the row {label} stands on line {before.line} too; keep one")
    elif word == NUMBERS:
        sheet.numbers = row
    else:
        sheet.postcodes = row


def _add_list(sheet: Sheet, row: Counted, faults: Faults) -> None:
    if not _is_number(row.number):
        faults.add(f"line {row.line}: list number {shown(row.number)} is no number; mend it")
    first = sheet.list_lines.setdefault(row.number, row.line)
    if first != row.line:
        faults.add(
            f"line {row.line}: list {row.number} stands on line {first} too; keep one of them"
        )
    sheet.lists.append(row)


def _add_count(sheet: Sheet, row: Counted, label: str, faults: Faults) -> None:
    name = field_of(label)
    if not name:
        sheet.unknown.append((row.line, label))
    elif name in sheet.counts:
        faults.add(
            f"line {row.line}: {shown(label)} counts the same as line {sheet.counts[name].line}; "
            "keep one of them"
        )
    else:
        sheet.counts[name] = row
