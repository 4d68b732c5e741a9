"""The raw tables: what a reader delivers and what validation and the panel rely on.

A reader delivers text, untouched, so that a faulty cell can be reported as it stands in the
file. Types are given in validation, never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ballot_eval.schema import TABLES, Table

#: Files that mark a folder as simulated, whatever else it holds.
SIMULATION_MARKS = ("truth.json", "SIMULATED.txt")

#: Where a row came from; every raw row has both. ``source_line`` counts from 1, header included.
SOURCE_COLUMNS = ("source_file", "source_line")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file, or one member of an archive, that was looked at.

    ``status`` is ``read`` or ``not_read``; ``reason`` says in words why a file was not read.
    ``lines`` counts data lines, ``lines_used`` those that ended up in a raw table, and
    ``lines_out_of_scope`` those of another kind (seats, votes of districts), so that
    ``lines == lines_used + lines_out_of_scope`` for every file that was read.
    ``other_columns`` are those that no table has and that were not read; ``personal_columns``
    those among them that look like personal data, each with the sign in words. ``date`` is that
    of the election, as ``2022-03-16``; empty where the file does not say it.
    """

    path: str
    format: str
    status: str
    sha256: str
    lines: int = 0
    lines_used: int = 0
    lines_out_of_scope: int = 0
    reason: str = ""
    other_columns: tuple[str, ...] = ()
    personal_columns: tuple[tuple[str, str], ...] = ()
    unknown_rows: tuple[tuple[int, str], ...] = ()
    notes: tuple[tuple[int, str], ...] = ()
    date: str = ""


@dataclass(frozen=True, slots=True)
class RawData:
    """All raw tables of one folder, as text.

    ``described`` says which tables there are: ``TABLES`` and, of a study with questionnaires, those
    of its surveys. ``tables`` maps every name of it to a frame of strings (empty cell: ``""``)
    with its columns followed by ``source_file`` and integer ``source_line``. ``cell_lines`` maps
    the tables with counts of a record to a frame of integers, one per cell of those counts: the
    line of that very cell (in some formats each count stands on a line of its own). The text of
    ``large`` tables is categorical. ``simulated`` says
    whether any of the files, at any depth, marks the data as simulated.
    """

    tables: dict[str, pd.DataFrame]
    cell_lines: dict[str, pd.DataFrame]
    files: tuple[SourceFile, ...] = field(default=())
    simulated: bool = False
    described: Mapping[str, Table] = field(default_factory=lambda: TABLES)

    def __post_init__(self) -> None:
        """Check that every table has its columns, so later stages need not."""
        for name, table in self.described.items():
            expected = [*table.names, *SOURCE_COLUMNS]
            if list(self.tables[name].columns) != expected:
                msg = f"raw table {name}: expected columns {expected}"
                raise ValueError(msg)

    def formats(self, frame: pd.DataFrame) -> pd.Series[str]:
        """Return the format of the file that each row of a frame came from, empty without one."""
        known = {file.path: file.format for file in self.files}
        return by_file(frame, known, "").astype("str").rename("format")


def by_file(frame: pd.DataFrame, values: Mapping[str, Any], other: object) -> pd.Series[Any]:
    """Return the value of the file that each row came from; ``other`` of files without one."""
    # Millions of rows come from a few hundred files.
    files = frame["source_file"].astype("category").cat
    of_category = pd.Series([values.get(str(path), other) for path in files.categories])
    return pd.Series(of_category.to_numpy()[files.codes], index=frame.index)
