"""The counting software's ``osv4-3`` CSV: a record of the count per station or municipality."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd

from ballot_eval.sources.frames import Block, Cells, block
from ballot_eval.sources.osv_area import ABOUT, CUT, Area, area_of, area_of_name, read_above
from ballot_eval.sources.osv_rows import (
    HEADER,
    PARTS_OF_CAST,
    Sheet,
    is_header,
    told_apart,
)
from ballot_eval.sources.parsed import Parsed
from ballot_eval.sources.places import (
    is_region,
    plain,
    region_code,
    station_name,
    station_number,
    table_of,
)
from ballot_eval.sources.text import Faults, FileError, decode, rows, shown

FORMAT = "osv4-3"

#: Rows among which the format is looked for.
HEAD_ROWS = 12

#: Place of the total among the numbers of a row.
TOTAL = 0

#: A cell of which only the beginning is in quotes.
_HALF_QUOTED = re.compile(r'(?:(?<=[;\r\n])|^)"[^";\r\n]+"[^";\r\n]+(?=[;\r\n]|$)')

_LINE_END = re.compile(r"\r\n|\r|\n")

#: As many cells of one file with mended quotes are noted one by one.
MAX_NOTES = 20

#: A column whose votes are read: its place among the numbers of a row, municipality and station.
_Unit: TypeAlias = tuple[int, str, str]


def is_osv(head: str) -> bool:
    """Return whether the first text of a file is that of an ``osv4-3`` CSV, or nearly so."""
    lines = [line for line in re.split(r"\r\n|\r|\n", head.replace("\0", "")) if line.strip(' ;,"')]
    split = [
        [plain(c) for c in re.split(r"[;,\t|]", line, maxsplit=len(HEADER))[: len(HEADER)]]
        for line in lines[:HEAD_ROWS]
    ]
    # One of the names, or one of the rows above them, may be missing or wrong.
    names = max((len({plain(c) for c in HEADER}.intersection(cells)) for cells in split), default=0)
    above = {plain(label) for label in ABOUT}.intersection(cells[0] for cells in split)
    return names >= len(HEADER) - 1 or len(above) >= len(ABOUT) - 1


def read_osv(path: str, content: bytes) -> Parsed:
    """Return the results in an ``osv4-3`` CSV of a municipality or of a district.

    A municipality's file has a column per polling station. It gives ``station_results``,
    ``list_results`` and ``candidate_results`` per station and, from the column of totals, for the
    whole municipality (no ``polling_station_id``), and ``municipality_results``. A district's
    file has a column per municipality. It gives ``municipality_results``, ``list_results`` and
    ``candidate_results`` per municipality, and ``region_results`` for the district. Of what is no
    municipality (a Caribbean public body, the postal station) there are ``region_results`` only.

    Votes cast (H) are the ballots found; where that row is missing, the sum E+F+G. The line of a
    row of counts is that of the names of the columns, and each count has a line of its own.
    ``notes`` says where the file lacks something: the rows above the table (election and
    municipality then come from the file name), numbers of stations (then ``c1``, ``c2``, … in the
    order of the columns), leading zeros of municipality codes.

    Raises FileError with every fault of the file.
    """
    faults = Faults()
    text, notes = _requoted(decode(content, latin1=False))
    numbered = list(rows(text, ";", faults))
    faults.raise_any()
    at = next((i for i, (_, cells) in enumerate(numbered) if is_header(cells)), None)
    if at is None:
        raise FileError(_without_header(numbered))
    sheet = told_apart(numbered[at], numbered[at + 1 :], faults)
    above = read_above(numbered[:at], faults)
    faults.raise_any()
    parsed = Parsed(FORMAT, unknown_rows=(*above.unknown, *sheet.unknown), notes=notes)
    parsed.lines = len(sheet.counts) + len(sheet.lists) + len(sheet.candidates)
    parsed.lines += len(sheet.unknown)
    name = path.rsplit("/", 1)[-1]
    if above.given:
        area = area_of(above, name, faults)
    else:
        area = area_of_name(name, sheet.column_numbers, sheet.names, faults)
        note = f"{CUT}; the file name says {area.election}, {area.name} ({area.code[1:]})"
        parsed.notes += ((sheet.line, note),)
    faults.raise_any()
    parsed.date = area.date
    (_read_district if area.is_district else _read_municipality)(area, sheet, parsed, faults)
    faults.raise_any()
    return parsed


def _requoted(text: str) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Return the text with every cell such as ``"Leefbaar" Juinen`` in quotes, and notes of them.

    A cell that only begins with a name in quotes is broken CSV, but one can tell what it says.
    Cells on one line cannot hold a lone quote otherwise, so nothing else is changed.
    """
    found = list(_HALF_QUOTED.finditer(text))
    notes: list[tuple[int, str]] = []
    line, start = 1, 0
    for match in found[: MAX_NOTES + 1]:
        # Only the lines since the cell before are counted.
        line += len(_LINE_END.findall(text, start, match.start()))
        start = match.start()
        notes.append((line, f"the quotes in {shown(match[0])} are read as part of the cell"))
    if more := len(found[MAX_NOTES:]):
        note = f"the quotes in {more} more cells, from this line on, are read as part of the cell"
        notes[MAX_NOTES:] = [(line, note)]
    requoted = _HALF_QUOTED.sub(lambda m: '"' + m[0].replace('"', '""') + '"', text)
    return requoted, tuple(notes)


def _without_header(numbered: Sequence[tuple[int, list[str]]]) -> str:
    """Return the fault of a file without the row with the names of the columns."""
    wanted = ";".join(HEADER)
    for line, cells in numbered:
        if len(cells) == 1 and is_header(re.split(r"[,\t|]", cells[0])):
            return f"line {line}: the separator is not ';'; save it with ';' between the cells"
        if {plain(c) for c in HEADER}.intersection(plain(c) for c in cells):
            found = ";".join(cells[: len(HEADER)])
            return f"line {line}: has to begin with {wanted}, found {shown(found)}; mend it"
    return f"the row that begins with {wanted} is missing; the file is cut off, download it again"


def _read_municipality(area: Area, sheet: Sheet, parsed: Parsed, faults: Faults) -> None:
    """Add the blocks of a file whose columns are polling stations."""
    stations = _station_numbers(sheet, parsed, faults)
    table, keys = table_of(area.code, area.name, area.election)
    parsed.blocks.append(_counts(table, keys, [TOTAL], sheet))
    parsed.lines_used = len(sheet.counts)
    if is_region(area.code):
        return
    every = list(range(TOTAL + 1, TOTAL + 1 + len(stations)))
    named = [
        station_name(name, postcode)
        for name, postcode in zip(sheet.names, sheet.column_postcodes, strict=True)
    ]
    columns: dict[str, Cells] = {
        **keys,
        "polling_station_id": stations,
        "polling_station_name": [name for name, _ in named],
        "postcode": [postcode for _, postcode in named],
    }
    parsed.blocks.append(_counts("station_results", columns, every, sheet))
    code = keys["municipality_code"]
    # The total is that of no station.
    units = [(TOTAL, code, ""), *((at, code, n) for at, n in zip(every, stations, strict=True))]
    _add_votes(area.election, units, sheet, parsed)


def _read_district(area: Area, sheet: Sheet, parsed: Parsed, faults: Faults) -> None:
    """Add the blocks of a file whose columns are municipalities."""
    codes = _municipality_codes(sheet, parsed, faults)
    table, keys = table_of(area.code, area.name, area.election)
    parsed.blocks.append(_counts(table, keys, [TOTAL], sheet))
    parsed.lines_used = len(sheet.counts)
    units: list[_Unit] = []
    names: list[str] = []
    for at, (code, name) in enumerate(zip(codes, sheet.names, strict=True), TOTAL + 1):
        if is_region(region_code(code)):
            table, keys = table_of(region_code(code), name, area.election)
            parsed.blocks.append(_counts(table, keys, [at], sheet))
        else:
            units.append((at, code, ""))
            names.append(name)
    if units:
        columns: dict[str, Cells] = {
            "election_id": area.election,
            "municipality_code": [code for _, code, _ in units],
            "municipality_name": names,
        }
        own = [at for at, _, _ in units]
        parsed.blocks.append(_counts("municipality_results", columns, own, sheet))
        _add_votes(area.election, units, sheet, parsed)


def _station_numbers(sheet: Sheet, parsed: Parsed, faults: Faults) -> list[str]:
    """Return the number of each station; ``c`` and its place, with a note, where it has none."""
    line = sheet.line if sheet.numbers is None else sheet.numbers.line
    found = [station_number(text) for text in sheet.column_numbers]
    numbers = [text or f"c{place}" for place, text in enumerate(found, 1)]
    without = [number for number, text in zip(numbers, found, strict=True) if not text]
    for place, (text, name) in enumerate(zip(found, sheet.names, strict=True), len(HEADER) + 1):
        if not (text or name.strip()):
            faults.add(f"line {line}: column {place} has neither a name nor a number; remove it")
    _check_once(numbers, line, faults)
    if without:
        note = f"columns without a number of the polling station are called {', '.join(without)}"
        parsed.notes += ((line, note),)
    return numbers


def _municipality_codes(sheet: Sheet, parsed: Parsed, faults: Faults) -> list[str]:
    """Return the code of each municipality, in four digits; with a note where some were added."""
    line = sheet.line if sheet.numbers is None else sheet.numbers.line
    found = sheet.column_numbers
    for place, text in enumerate(found, len(HEADER) + 1):
        if not re.fullmatch("[0-9]{1,4}", text):
            faults.add(
                f"line {line}: column {place} has {shown(text)} for the code of a municipality; "
                "give it the four digits of the official file"
            )
    codes = [text.zfill(4) for text in found]
    _check_once(codes, line, faults)
    short = [text for text, code in zip(found, codes, strict=True) if text != code]
    if short:
        note = f"municipality codes without leading zeros got them: {', '.join(short)}"
        parsed.notes += ((line, note),)
    return codes


def _check_once(numbers: Sequence[str], line: int, faults: Faults) -> None:
    for number, times in Counter(numbers).items():
        if times > 1:
            faults.add(
                f"line {line}: number {shown(number)} stands there {times} times; give each column "
                "its own"
            )


def _counts(table: str, keys: Mapping[str, Cells], at: Sequence[int], sheet: Sheet) -> Block:
    """Return rows of counts: of every column of the table in ``at``."""
    columns = dict(keys)
    lines = {name: row.line for name, row in sheet.counts.items()}
    for name, row in sheet.counts.items():
        columns[name] = [row.cells[i] for i in at]
    if "votes_cast_count" not in columns:
        parts = [sheet.counts[name] for name in PARTS_OF_CAST]
        columns["votes_cast_count"] = [_sum([row.cells[i] for row in parts]) for i in at]
        lines["votes_cast_count"] = parts[0].line
    return block(table, columns, [sheet.line] * len(at), cell_lines=lines)


def _sum(cells: Sequence[str]) -> str:
    """Return the sum of whole numbers as text; empty where a cell is none."""
    whole = all(re.fullmatch("[0-9]{1,12}", c) for c in cells)
    return str(sum(map(int, cells))) if whole else ""


def _add_votes(election: str, units: Sequence[_Unit], sheet: Sheet, parsed: Parsed) -> None:
    """Add the votes of lists and of candidates: of each row of the table one row per unit."""
    width = len(units)
    for table, found in (("list_results", sheet.lists), ("candidate_results", sheet.candidates)):
        if not found:
            continue
        columns: dict[str, Cells] = {
            "election_id": election,
            "municipality_code": _categories([code for _, code, _ in units], tile=len(found)),
            "polling_station_id": _categories([number for *_, number in units], tile=len(found)),
            "list_number": _categories([row.number for row in found], repeat=width),
            "votes_count": _categories([row.cells[at] for row in found for at, _, _ in units]),
        }
        if table == "list_results":
            columns["list_name"] = _categories([row.name for row in found], repeat=width)
        else:
            columns["candidate_number"] = _categories([r.candidate for r in found], repeat=width)
        lines = np.repeat(np.array([row.line for row in found], np.int64), width)
        parsed.blocks.append(block(table, columns, lines))
        parsed.lines_used += len(found)


def _categories(texts: Sequence[str], *, repeat: int = 1, tile: int = 1) -> pd.Categorical[str]:
    """Return each text ``repeat`` times on end, and all of that ``tile`` times."""
    codes, different = pd.factorize(np.array(texts, dtype=object))
    codes = np.tile(np.repeat(codes, repeat), tile)
    return pd.Categorical.from_codes(codes, pd.Index(different, dtype=str))
