"""The raw tables: what a reader delivers and what validation and the panel rely on.

A reader delivers text, untouched, so that a faulty cell can be reported as it stands in the
file. Types are given in validation, never here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

#: Counts of the official record of a count, in the order of the form.
COUNT_FIELDS = (
    "eligible_voters_count",
    "votes_cast_count",
    "valid_votes_count",
    "blank_votes_count",
    "invalid_votes_count",
)

#: Columns of ``municipality_results``: one row per municipality and election.
MUNICIPALITY_COLUMNS = ("election_id", "municipality_code", "municipality_name", *COUNT_FIELDS)

#: Columns of ``region_results``: what is not a municipality (see ``REGION_TYPES``).
REGION_COLUMNS = ("election_id", "region_code", "region_name", "region_type", *COUNT_FIELDS)

#: ``postal`` is the station for voters abroad (G9010), ``caribbean`` a public body.
REGION_TYPES = ("national", "province", "district", "caribbean", "postal")

#: Files that mark a folder as simulated, whatever else it holds.
SIMULATION_MARKS = ("truth.json", "SIMULATED.txt")

#: Where a row came from; every raw row has both. ``source_line`` counts from 1, header included.
SOURCE_COLUMNS = ("source_file", "source_line")

TABLES = {"municipality_results": MUNICIPALITY_COLUMNS, "region_results": REGION_COLUMNS}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file, or one member of an archive, that was looked at.

    ``status`` is ``read`` or ``not_read``; ``reason`` says in words why a file was not read.
    ``lines`` counts data lines, ``lines_used`` those that ended up in a raw table, and
    ``lines_out_of_scope`` those of another kind (party and candidate votes, seats), so that
    ``lines == lines_used + lines_out_of_scope`` for every file that was read.
    """

    path: str
    format: str
    status: str
    sha256: str
    lines: int = 0
    lines_used: int = 0
    lines_out_of_scope: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RawData:
    """All raw tables of one folder, as text.

    ``tables`` maps a name of ``TABLES`` to a frame of strings (empty cell: ``""``) with its
    columns followed by ``source_file`` and integer ``source_line``. ``cell_lines`` maps the same
    names to a frame of integers, one per cell of the count fields: the line of that very cell
    (in the long format each count stands on a line of its own). ``simulated`` says whether any of
    the files, at any depth, marks the data as simulated.
    """

    tables: dict[str, pd.DataFrame]
    cell_lines: dict[str, pd.DataFrame]
    files: tuple[SourceFile, ...] = field(default=())
    simulated: bool = False

    def __post_init__(self) -> None:
        """Check that every table has its columns, so later stages need not."""
        for name, columns in TABLES.items():
            expected = [*columns, *SOURCE_COLUMNS]
            if list(self.tables[name].columns) != expected:
                msg = f"raw table {name}: expected columns {expected}"
                raise ValueError(msg)
