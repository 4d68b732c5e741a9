"""Columns of text to blocks of raw tables, and blocks to whole tables.

Tables of millions of rows keep their text as categories: each different cell is held once, and
everything that looks at cells looks at the different ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from ballot_eval.raw import SOURCE_COLUMNS
from ballot_eval.schema import COUNT_FIELDS, RECORD_FIELDS, TABLES, Table

#: What a column of a block may be made of: one cell for all rows, or a cell for each.
Cells: TypeAlias = "str | Sequence[str] | pd.Categorical[Any]"

Lines = int | Sequence[int] | npt.NDArray[np.int64]

#: Fields of which a line of their own is kept.
LINE_FIELDS = (*COUNT_FIELDS, *RECORD_FIELDS)


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of one raw table from one file.

    ``frame`` has the columns of the table and ``source_line``; ``cell_lines`` maps fields that
    stand on a line of their own to those lines, one per row.
    """

    table: str
    frame: pd.DataFrame
    cell_lines: Mapping[str, Lines] = field(default_factory=dict)


def block(
    name: str,
    columns: Mapping[str, Cells],
    lines: Lines,
    *,
    rows: int | None = None,
    cell_lines: Mapping[str, Lines] | None = None,
    table: Table | None = None,
) -> Block:
    """Return the rows of table ``name``, of which ``columns`` gives the cells by column.

    A column that is not given is empty everywhere. ``lines`` is the line of each row, or of all;
    the number of ``rows`` follows from it or has to be given. ``table`` describes a table that is
    not one of ``TABLES``. Raises KeyError for a column that the table does not have.
    """
    table = TABLES[name] if table is None else table
    if unknown := columns.keys() - set(table.names):
        msg = f"table {name} has no column {', '.join(sorted(unknown))}"
        raise KeyError(msg)
    if rows is None:
        rows = 1 if isinstance(lines, int) else len(lines)
    index = pd.RangeIndex(rows)
    if table.large:
        data = {c: _categories(columns.get(c, ""), rows) for c in table.names}
        frame = pd.DataFrame(data, index=index)
    else:
        # One array of objects: text gets its type once, when all blocks are joined.
        cells = [_texts(columns.get(c, ""), rows) for c in table.names]
        frame = pd.DataFrame(np.array(cells, object).T, index, table.names, dtype=object)
    frame["source_line"] = np.full(rows, lines, dtype=np.int64)
    return Block(name, frame, cell_lines or {})


@dataclass(slots=True)
class Records:
    """Rows of one table that are gathered one by one."""

    name: str
    table: Table
    cells: list[dict[str, str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    cell_lines: list[dict[str, int]] = field(default_factory=list)

    def add(self, line: int, cells: dict[str, str], cell_lines: dict[str, int]) -> None:
        """Add a row; both dicts may be filled further until the block is made."""
        self.cells.append(cells)
        self.lines.append(line)
        self.cell_lines.append(cell_lines)

    def block(self) -> Block:
        """Return the rows so far; a cell that was never given is empty."""
        given = dict.fromkeys(c for cells in self.cells for c in cells)
        columns = {c: [cells.get(c, "") for cells in self.cells] for c in given}
        named = dict.fromkeys(c for lines in self.cell_lines for c in lines)
        placed = list(zip(self.cell_lines, self.lines, strict=True))
        own = {c: [cells.get(c, line) for cells, line in placed] for c in named}
        return block(self.name, columns, self.lines, cell_lines=own, table=self.table)


def _texts(cells: Cells, rows: int) -> list[str]:
    return [cells] * rows if isinstance(cells, str) else list(cells)


def _categories(cells: Cells, rows: int) -> pd.Categorical[Any]:
    if isinstance(cells, str):
        return pd.Categorical.from_codes(np.zeros(rows, dtype=np.int8), pd.Index([cells]))
    return cells if isinstance(cells, pd.Categorical) else pd.Categorical(list(cells))


def joined(table: Table, parts: Sequence[tuple[str, Block]]) -> pd.DataFrame:
    """Return the raw table of some (path, block): its columns, ``source_file``, the line.

    The rows stand in the order of the blocks; text is str, or categories in a large table.
    """
    columns = [*table.names, *SOURCE_COLUMNS]
    if not parts:
        frame = pd.DataFrame(columns=columns, dtype="str").astype({"source_line": "int64"})
        return frame.astype(
            dict.fromkeys([*table.names, "source_file"], "category") if table.large else {}
        )
    frames = [part.frame for _, part in parts]
    sizes = [len(frame) for frame in frames]
    lines = np.concatenate([frame["source_line"].to_numpy() for frame in frames])
    paths, of_file = np.unique([path for path, _ in parts], return_inverse=True)
    files = pd.Categorical.from_codes(
        np.repeat(of_file.astype(np.int32), sizes), pd.Index(paths, dtype=str)
    )
    if not table.large:
        whole = pd.concat(frames, ignore_index=True)
        whole.insert(len(table.names), "source_file", np.asarray(files))
        return whole.astype(_str(columns))
    data: dict[str, object] = {
        c: union_categoricals([frame[c] for frame in frames]) for c in table.names
    }
    return pd.DataFrame(data | {"source_file": files, "source_line": lines})


def _str(columns: Sequence[str]) -> dict[str, str]:
    return {c: "str" for c in columns if c != "source_line"}


def joined_lines(parts: Sequence[Block]) -> pd.DataFrame:
    """Return the lines of the single cells of joined blocks; else that of the row."""
    frames = [
        pd.DataFrame(
            {
                f: np.full(len(b.frame), b.cell_lines.get(f, b.frame["source_line"]), np.int64)
                for f in LINE_FIELDS
            }
        )
        for b in parts
    ]
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=LINE_FIELDS)
    return whole.astype("int64")
