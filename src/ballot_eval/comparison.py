"""Where two sources of one election differ, cell by cell.

Rows are matched by what they are about, not by their place in a file. Every key becomes a whole
number that both sources share, so that millions of rows are compared at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.raw import RawData
from ballot_eval.schema import OFFICIAL_TABLES, Table
from ballot_eval.schema.columns import WHOLE_PATTERN

#: What a line can be about: a cell with another count or another text, rows that only one source
#: has, or rows that a source gives more than once, which cannot be compared.
KINDS = ("count", "name", "only_first", "only_second", "twice_first", "twice_second")

COLUMNS = (
    *("table", "kind", "level"),
    *("election_id", "unit_code", "polling_station_id"),
    *("list_number", "list_name", "candidate_number"),
    *("field", "first", "second"),
    *("first_file", "first_line", "second_file", "second_line", "rows"),
)
_NUMBERS = ("first_line", "second_line", "rows")

Integers: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Pair: TypeAlias = tuple[Integers, Integers]

_WHOLE = re.compile(WHOLE_PATTERN)

#: EML puts the word before every name, also before one that has it already.
_STATION_WORD = re.compile("^(stembureau )+")


def compare_sources(first: RawData, second: RawData) -> pd.DataFrame:
    """Return one row per cell of the official tables that differs between two sources.

    Columns: ``table``, ``kind`` (one of ``KINDS``), ``level``; ``election_id``, ``unit_code``
    (municipality or region), ``polling_station_id``, ``list_number``, ``list_name``,
    ``candidate_number``, as far as they apply; ``field`` and its text in the ``first`` and the
    ``second`` source; file and line in each (empty and 0 in a source that does not have the row);
    ``rows``, the number of rows of the table that it stands for, 1 for a cell.

    Counts are compared as numbers, so ``01`` is ``1``; names without regard to case, spaces and
    the word Stembureau before them. A
    column that a source leaves empty for a whole municipality is not given and not compared. Lists
    are matched by number, and by name in a municipality where a source has no numbers.

    Rows that only one source has are told once, as high up as possible: ``level`` is ``unit``
    where the other source has nothing of that municipality in that table, ``whole`` or
    ``stations`` where it has no totals or no stations, then ``station``, ``list``, ``candidate``.
    ``field`` is then empty. So are rows that one source gives more than once; these are not
    compared. No rows means that the sources agree in all.
    """
    parts = [
        part.assign(table=name)
        for name in OFFICIAL_TABLES
        for part in _table(first.described[name], _Source.of(first, name), _Source.of(second, name))
    ]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    whole = whole.astype({c: "int64" if c in _NUMBERS else "str" for c in COLUMNS})
    order = whole["table"].map({name: i for i, name in enumerate(OFFICIAL_TABLES)})
    keys = whole.assign(order=order).sort_values(
        ["election_id", "unit_code", "order"], kind="stable"
    )
    return whole.loc[keys.index].reset_index(drop=True)


def summary(differences: pd.DataFrame) -> pd.DataFrame:
    """Return one row per election and municipality or region where sources differ.

    Takes what :func:`compare_sources` returns. Columns: ``election_id``, ``unit_code``; for every
    official table the number of its counts that differ; ``names``, the number of texts that
    differ; ``only_first``, ``only_second`` and ``twice``, numbers of rows.
    """
    kind, rows = differences["kind"], differences["rows"]
    tallies = {
        name: ((kind == "count") & (differences["table"] == name)) * 1 for name in OFFICIAL_TABLES
    }
    tallies["names"] = (kind == "name") * 1
    tallies |= {side: rows.where(kind == side, 0) for side in ("only_first", "only_second")}
    tallies["twice"] = rows.where(kind.isin(["twice_first", "twice_second"]), 0)
    keys = differences[["election_id", "unit_code"]]
    return keys.assign(**tallies).groupby(list(keys), as_index=False).sum()


@dataclass(frozen=True, slots=True)
class _Source:
    """One table of one source, and the lines of single cells where it has them."""

    frame: pd.DataFrame
    cell_lines: pd.DataFrame | None

    @classmethod
    def of(cls, raw: RawData, name: str) -> _Source:
        return cls(raw.tables[name], raw.cell_lines.get(name))

    def text(self, column: str, rows: Integers) -> npt.NDArray[np.object_]:
        """Return cells as they stand in the file; empty for a column that the table lacks."""
        if column not in self.frame:
            return np.full(len(rows), "", dtype=object)
        return self.frame[column].iloc[rows].astype("str").to_numpy(dtype=object)

    def lines(self, field: str, rows: Integers) -> Integers:
        """Return the line of a cell, of the row where cells have no line of their own."""
        own = self.cell_lines
        lines = self.frame["source_line"] if own is None or field not in own else own[field]
        return lines.iloc[rows].to_numpy(dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Level:
    """Rows of both sources told apart by the first so many parts of their keys.

    Equal numbers in ``codes`` mean equal keys; ``shown`` are the columns that tell which.
    """

    name: str
    shown: tuple[str, ...]
    codes: Pair


def _table(table: Table, first: _Source, second: _Source) -> Iterator[pd.DataFrame]:
    """Yield the differences in one table, in parts; none of them is empty."""
    levels = _levels(table, first.frame, second.frame)
    keys = levels[-1].codes
    size = 1 + max((int(codes.max()) for codes in keys if len(codes)), default=-1)
    times = (np.bincount(keys[0], minlength=size), np.bincount(keys[1], minlength=size))
    rows = _pairs(keys, (times[0] == 1) & (times[1] == 1))
    yield from _cells(table, (first, second), rows, levels[0].codes)
    for side, source in enumerate((first, second)):
        here, where = ("first", "second")[side], keys[side]
        absent = times[1 - side][where] == 0
        other = [level.codes[1 - side] for level in levels]
        yield from _gathered(table, levels, source, side, absent, other, f"only_{here}")
        repeated = times[side][where] > 1
        single = [level.codes[side][~repeated] for level in levels]
        yield from _gathered(table, levels, source, side, repeated, single, f"twice_{here}")


def _pairs(keys: Pair, once: Flags) -> Pair:
    """Return the rows of both sources that belong together, in the order of the first."""
    rows = np.flatnonzero(once[keys[0]])
    place = np.zeros(len(once), dtype=np.int64)
    place[keys[1]] = np.arange(len(keys[1]))
    return rows, place[keys[0][rows]]


def _levels(table: Table, first: pd.DataFrame, second: pd.DataFrame) -> list[_Level]:
    """Return the levels of a table, the whole unit first and the single row last."""

    def codes(column: str, form: Callable[[str], str] = str) -> Pair:
        return _codes(first[column], second[column], form)

    unit = _joined(codes("election_id"), codes(table.unit))
    shown: tuple[str, ...] = ("election_id", table.unit)
    levels = [_Level("unit", shown, unit)]
    if "polling_station_id" in table.names:
        if "list_number" in table.names:
            part = codes("polling_station_id", lambda cell: "stations" if cell else "whole")
            levels.append(_Level("part", shown, _joined(levels[-1].codes, part)))
        shown = (*shown, "polling_station_id")
        station = codes("polling_station_id")
        levels.append(_Level("station", shown, _joined(levels[-1].codes, station)))
    if "list_number" in table.names:
        shown = (*shown, "list_number")
        lists = codes("list_number")
        if "list_name" in table.names:
            shown = (*shown, "list_name")
            numbers = (first["list_number"], second["list_number"])
            lists = _lists(unit, lists, codes("list_name", _name), (_empty(n) for n in numbers))
        levels.append(_Level("list", shown, _joined(levels[-1].codes, lists)))
    if "candidate_number" in table.names:
        shown = (*shown, "candidate_number")
        levels.append(_Level("candidate", shown, _joined(levels[-1].codes, codes(shown[-1]))))
    return levels


def _lists(unit: Pair, numbers: Pair, names: Pair, without: Iterator[Flags]) -> Pair:
    """Return the lists as numbers, those in units where a source has no numbers by name."""
    lacking = [units[empty] for units, empty in zip(unit, without, strict=True)]
    by_name = np.unique(np.concatenate(lacking))
    most = max((int(codes.max()) for codes in numbers if len(codes)), default=0)
    pairs = zip(unit, numbers, names, strict=True)
    first, second = (
        np.where(np.isin(units, by_name), most + 1 + name, number) for units, number, name in pairs
    )
    return first, second


def _empty(cells: pd.Series[str]) -> Flags:
    return (cells == "").to_numpy(dtype=bool)


def _codes(first: pd.Series[str], second: pd.Series[str], form: Callable[[str], str]) -> Pair:
    """Return cells as numbers: equal where the cells are, brought into ``form``."""
    known: dict[str, int] = {}

    def of(cells: pd.Series[str]) -> Integers:
        codes, different = pd.factorize(cells)
        labels = [form(str(cell)) for cell in different]
        numbers = [known.setdefault(label, len(known)) for label in labels]
        return np.asarray(numbers, dtype=np.int64)[codes]

    return of(first), of(second)


def _joined(outer: Pair, inner: Pair) -> Pair:
    """Return one number for every different pair of numbers, small enough to go on with."""
    size = 1 + max((int(codes.max()) for codes in inner if len(codes)), default=0)
    both = [o * size + i for o, i in zip(outer, inner, strict=True)]
    codes, _ = pd.factorize(np.concatenate(both))
    whole = codes.astype(np.int64)
    return whole[: len(both[0])], whole[len(both[0]) :]


def _number(cell: str) -> str:
    return str(int(cell)) if _WHOLE.fullmatch(cell) else cell


def _name(cell: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", cell).casefold().split())
    return _STATION_WORD.sub("", name)


def _cells(
    table: Table, sources: tuple[_Source, _Source], rows: Pair, unit: Pair
) -> Iterator[pd.DataFrame]:
    """Yield the differences in each column of rows that both sources have."""
    key = {"election_id", table.unit, "polling_station_id", "list_number", "candidate_number"}
    for column in table:
        if column.name in key:
            continue
        kind, form = ("count", _number) if column.kind == "count" else ("name", _name)
        cells = (sources[0].frame[column.name], sources[1].frame[column.name])
        codes = _codes(*cells, form)
        different = codes[0][rows[0]] != codes[1][rows[1]]
        for side in (0, 1):
            given = np.unique(unit[side][~_empty(cells[side])])
            different &= np.isin(unit[side][rows[side]], given)
        if different.any():
            found = (rows[0][different], rows[1][different])
            yield _told(table, sources, found, column.name, kind)


def _told(
    table: Table, sources: tuple[_Source, _Source], rows: Pair, field: str, kind: str
) -> pd.DataFrame:
    """Return one line for each pair of rows that differs in ``field``."""
    (first, second), (here, there) = sources, rows
    told = _keys(table, first, here)
    # Where lists are matched by name, only one of the sources knows the number.
    number = told["list_number"]
    told["list_number"] = np.where(number == "", second.text("list_number", there), number)
    return _frame(
        {
            **told,
            "kind": kind,
            "level": "cell",
            "field": field,
            "rows": 1,
            "first": first.text(field, here),
            "second": second.text(field, there),
            "first_file": first.text("source_file", here),
            "first_line": first.lines(field, here),
            "second_file": second.text("source_file", there),
            "second_line": second.lines(field, there),
        },
        len(here),
    )


def _gathered(
    table: Table,
    levels: list[_Level],
    source: _Source,
    side: int,
    chosen: Flags,
    against: list[Integers],
    kind: str,
) -> Iterator[pd.DataFrame]:
    """Yield, by level, one line for the chosen rows of a source that belong together.

    Rows belong together at the first level at which no row of ``against`` is with them.
    """
    left = np.flatnonzero(chosen)
    here = ("first", "second")[side]
    for level, other in zip(levels, against, strict=True):
        if not len(left):
            return
        codes = level.codes[side][left]
        alone = ~np.isin(codes, other)
        _, at, counts = np.unique(codes[alone], return_index=True, return_counts=True)
        rows, left = left[alone][at], left[~alone]
        if not len(rows):
            continue
        keys = _keys(table, source, rows)
        hidden = dict.fromkeys(keys.keys() - {"unit_code", *level.shown}, "")
        station = source.text("polling_station_id", rows)
        name = np.where(station == "", "whole", "stations") if level.name == "part" else level.name
        told = {"kind": kind, "level": name, "rows": counts}
        place = {
            f"{here}_file": source.text("source_file", rows),
            f"{here}_line": source.lines("", rows),
        }
        yield _frame({**keys, **hidden, **told, **place}, len(rows))


def _keys(table: Table, source: _Source, rows: Integers) -> dict[str, npt.NDArray[np.object_]]:
    names = ("election_id", "polling_station_id", "list_number", "list_name", "candidate_number")
    keys = {name: source.text(name, rows) for name in names}
    return keys | {"unit_code": source.text(table.unit, rows)}


def _frame(cells: Mapping[str, object], rows: int) -> pd.DataFrame:
    """Return lines with all columns: what is not given is empty, or 0."""
    blank = {c: 0 if c in _NUMBERS else "" for c in COLUMNS}
    return pd.DataFrame({**blank, **cells}, index=pd.RangeIndex(rows))[list(COLUMNS)]
