"""The command ``convert``: official files to canonical CSVs, or two sources compared."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer
from rich import box
from rich.table import Table as Grid

from ballot_eval.comparison import compare_sources, summary
from ballot_eval.console import MAX_SHOWN, err_console, out_console, refuse_existing
from ballot_eval.design import load_study
from ballot_eval.errors import DesignError
from ballot_eval.raw import RawData
from ballot_eval.schema import OFFICIAL_TABLES, RESULT_TABLES, Table
from ballot_eval.simulation import write_mark
from ballot_eval.sources import read_raw

#: What the columns of a summary are called on the screen.
HEADINGS = {
    "municipality_results": "totals",
    "region_results": "regions",
    "station_results": "stations",
    "list_results": "lists",
    "candidate_results": "candidates",
    "names": "names",
    "only_first": "only 1st",
    "only_second": "only 2nd",
    "twice": "twice",
}

DIFFERENCES = "differences.csv"


def convert(
    files: Annotated[list[Path], typer.Argument(help="Official files, folders or archives.")],
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Folder for what is written.")
    ] = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Tell where two sources differ; exit code 1 when they do."),
    ] = False,
    study: Annotated[
        Path | None, typer.Option("--study", help="Study whose surveys are converted too.")
    ] = None,
) -> None:
    """Convert official files to canonical CSVs, cells as they stand in the file.

    With --compare: show where two sources of the same election differ, cell by cell, and write all
    differences to DIR/differences.csv when --to DIR is given.
    """
    if compare and len(files) != 2:
        msg = f"--compare takes two files, folders or archives, found {len(files)}"
        raise typer.BadParameter(msg)
    if to is None and not compare:
        msg = "give --to DIR, the folder for the canonical CSVs, or --compare with two sources"
        raise typer.BadParameter(msg)
    design = None if study is None else load_study(study)
    raws = [read_raw(design, file) for file in files]
    for source in (f for raw in raws for f in raw.files if f.status != "read"):
        err_console.print(f"not read: {source.path}: {source.reason}")
    if compare:
        _compare(files, raws, to)
    elif to is not None:
        _refuse_twice(files, raws)
        _write(raws, to)


def _write(raws: Sequence[RawData], to: Path) -> None:
    """Write the rows of all raws; of optional columns and detailed tables only those found."""
    rows = {name: sum(len(raw.tables[name]) for raw in raws) for name in raws[0].described}
    made = [name for name in rows if rows[name] or name in RESULT_TABLES]
    to.mkdir(parents=True, exist_ok=True)
    for name in made:
        refuse_existing(to / f"{name}.csv")
    for name in made:
        frames = [raw.tables[name] for raw in raws]
        columns = _found(raws[0].described[name], frames)
        write_table(to / f"{name}.csv", [frame[columns] for frame in frames])
        out_console.print(f"{to / name}.csv: {rows[name]} rows")
    if any(raw.simulated for raw in raws):
        # The mark goes with the data.
        write_mark(to)


def write_table(path: Path, frames: Sequence[pd.DataFrame]) -> None:
    """Write frames of text with the same columns as one CSV that reads back cell by cell."""
    with path.open("w", encoding="utf-8", newline="") as handle:
        for i, frame in enumerate(frames):
            # A lone CR ends a row for every reader, but only LF makes the writer quote a cell.
            cr = any("\r" in text for name in frame for text in frame[name].unique())
            quoting: Literal[0, 1] = csv.QUOTE_ALL if cr else csv.QUOTE_MINIMAL
            frame.to_csv(handle, index=False, header=i == 0, lineterminator="\n", quoting=quoting)


def _found(table: Table, frames: Sequence[pd.DataFrame]) -> list[str]:
    """Return the columns to write: those that every file has, and others that are not empty."""
    filled = {name for frame in frames for name in table.names if (frame[name] != "").any()}
    return [name for name in table.names if name in filled or name in table.required]


def _refuse_twice(given: Sequence[Path], raws: Sequence[RawData]) -> None:
    """Refuse a file that is given twice: its rows would be written twice."""
    first: dict[str, Path] = {}
    for place, raw in zip(given, raws, strict=True):
        for source in raw.files:
            # Templates that nobody filled in are all the same file.
            if source.status != "read" or not source.lines:
                continue
            file = place / source.path if place.is_dir() else place.parent / source.path
            if source.sha256 in first:
                msg = f"{file} holds the same as {first[source.sha256]}; give each file once"
                raise DesignError(msg)
            first[source.sha256] = file


def _compare(files: Sequence[Path], raws: Sequence[RawData], to: Path | None) -> None:
    """Print where two sources differ, write it when asked, and end with 1 when they do."""
    for file, raw in zip(files, raws, strict=True):
        if not any(len(raw.tables[name]) for name in OFFICIAL_TABLES):
            msg = f"{file}: holds no results of an election; --compare compares nothing else"
            raise DesignError(msg)
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        refuse_existing(to / DIFFERENCES)
    found = compare_sources(*raws)
    if to is not None:
        found.to_csv(to / DIFFERENCES, index=False, lineterminator="\n")
        out_console.print(f"{to / DIFFERENCES}: {len(found)} rows")
        if any(raw.simulated for raw in raws):
            write_mark(to)
    if found.empty:
        out_console.print(f"{files[0]} and {files[1]} agree")
        return
    out_console.print(f"first: {files[0]}\nsecond: {files[1]}")
    _show_summary(summary(found), _names(raws))
    _show_votes(found[found["kind"] == "count"])
    raise typer.Exit(1)


def _names(raws: Sequence[RawData]) -> dict[str, str]:
    """Return the names of municipalities and regions by code."""
    names: dict[str, str] = {}
    for raw in reversed(raws):
        for table, (code, name) in (
            ("region_results", ("region_code", "region_name")),
            ("municipality_results", ("municipality_code", "municipality_name")),
        ):
            frame = raw.tables[table]
            names |= dict(zip(frame[code], frame[name], strict=True))
    return names


def _show_summary(found: pd.DataFrame, names: dict[str, str]) -> None:
    """Print the number of differences by municipality, those with other votes first."""
    used = [column for column in HEADINGS if found[column].any()]
    votes = found[list(OFFICIAL_TABLES)].sum(axis=1)
    shown = found.assign(votes=votes).sort_values("votes", ascending=False, kind="stable")
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    elections = sorted(set(found["election_id"]))
    grid.add_column(elections[0] if len(elections) == 1 else "")
    for column in used:
        grid.add_column(HEADINGS[column], justify="right", no_wrap=True)
    for row in shown.head(MAX_SHOWN).to_dict("records"):
        unit = str(row["unit_code"])
        counts = (str(row[column] or "") for column in used)
        about = [unit] if len(elections) == 1 else [str(row["election_id"]), unit]
        grid.add_row(" ".join([*about, names.get(unit, "")]).rstrip(), *counts)
    out_console.print("cells that differ, by table, and rows that only one source has")
    out_console.print(grid)
    if len(found) > MAX_SHOWN:
        out_console.print(f"… and {len(found) - MAX_SHOWN} more municipalities or regions")


def _show_votes(found: pd.DataFrame) -> None:
    """Print the first counts that differ, with their place in both sources."""
    for row in found.head(MAX_SHOWN).to_dict("records"):
        about = [str(row["election_id"]), str(row["unit_code"])]
        about += [
            f"{word} {row[column]}"
            for word, column in (
                ("station", "polling_station_id"),
                ("list", "list_number"),
                ("candidate", "candidate_number"),
            )
            if row[column]
        ]
        out_console.print(
            f"{', '.join(about)}: {row['field']} {row['first'] or 'empty'} "
            f"({row['first_file']}:{row['first_line']}), {row['second'] or 'empty'} "
            f"({row['second_file']}:{row['second_line']})"
        )
    if len(found) > MAX_SHOWN:
        out_console.print(f"… and {len(found) - MAX_SHOWN} more counts that differ")
