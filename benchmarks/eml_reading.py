"""Time reading counts in EML_NL into raw tables, beside parsing the same bytes and nothing else.

Run: python benchmarks/eml_reading.py FILE [--runs 5] [--sample 6]

FILE is a folder with ``.eml.xml`` files or a tar archive of them. "One core" and "two processes"
are the joined tables of stations, lists and candidates. ``--sample`` is the number of files for
pyeml-bindings, which makes objects of the elements; where it is not installed it is left out.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tarfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from lxml import etree
from timing import Values, Work, figure, quiet

from ballot_eval.schema import TABLES
from ballot_eval.sources.eml import read_eml
from ballot_eval.sources.frames import Block, joined
from ballot_eval.sources.parsed import Parsed
from ballot_eval.sources.processes import read_files

SIZES = (50, 100, 200)
Files = Sequence[tuple[str, bytes]]


def load(path: Path) -> list[tuple[str, bytes]]:
    """Return name and bytes of every EML file, sorted by name."""
    if path.is_dir():
        return sorted((f.name, f.read_bytes()) for f in path.rglob("*.eml.xml"))
    with tarfile.open(path) as archive:
        members = [m for m in archive if m.isfile() and m.name.endswith(".eml.xml")]
        opened = [(m.name, archive.extractfile(m)) for m in members]
        return sorted((name, stream.read()) for name, stream in opened if stream)


def parse_only(files: Files) -> Values:
    """Parse every file to a tree and forget it."""
    for _, content in files:
        etree.fromstring(content)
    return {}


def to_tables(files: Files, processes: int) -> Values:
    """Return the rows of each raw table."""
    parts: dict[str, list[tuple[str, Block]]] = {}
    outcomes = read_files(read_eml, files, processes=processes)
    for (name, _), outcome in zip(files, outcomes, strict=True):
        if not isinstance(outcome, Parsed):
            raise TypeError(name, outcome)
        for part in outcome.blocks:
            parts.setdefault(part.table, []).append((name, part))
    return {table: float(len(joined(TABLES[table], found))) for table, found in parts.items()}


def bindings(files: Files) -> Values:
    """Make objects of every element with pyeml-bindings; raises ImportError without it."""
    from pyeml_bindings import Eml510
    from xsdata.formats.dataclass.parsers import XmlParser

    parser = XmlParser()
    for _, content in files:
        parser.from_bytes(content, Eml510)
    return {}


def in_rounds(works: dict[str, Work], warm: dict[str, Work], runs: int) -> dict[str, list[float]]:
    """Return the seconds of each piece of work in each round.

    All are timed once in every round, so that what else the machine does is shared among them.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    with quiet():
        for work in warm.values():
            work()
        for _ in range(runs):
            for name, work in works.items():
                start = time.perf_counter()
                work()
                seconds[name].append(time.perf_counter() - start)
    return seconds


def print_rows(seconds: dict[str, list[float]], one: str) -> None:
    """Print a row for each piece of work; its ratio is the median of those of the rounds."""
    for name, times in seconds.items():
        ratios = [own / of for own, of in zip(times, seconds[one], strict=True)]
        low, high = f"{min(ratios):.2f}", f"{max(ratios):.2f}"
        milliseconds = figure(1000 * statistics.median(times))
        print(f"| {name} | {milliseconds} | {statistics.median(ratios):.2f} ({low}–{high}) |")


def main() -> None:
    """Parse the call and print the tables."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("path", type=Path, metavar="FILE")
    options.add_argument("--runs", type=int, default=5, help="rounds (5)")
    options.add_argument("--sample", type=int, default=6, help="files for pyeml-bindings (6)")
    call = options.parse_args()
    files = load(call.path)
    load_now = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    size = f"{len(files)} files, {sum(len(c) for _, c in files) / 1e6:.0f} MB"
    print(f"{size}; {os.cpu_count()} cores, load {load_now}")
    rows = to_tables(files, 1)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"rows: {rows}; largest memory {memory:.0f} MB, the files themselves included")

    parsing, few = "lxml, parsing only, one core", files[:10]
    works: dict[str, Work] = {
        parsing: lambda: parse_only(files),
        "**tables, one core**": lambda: to_tables(files, 1),
        "**tables, two processes**": lambda: to_tables(files, 2),
    }
    warm: dict[str, Work] = {"": lambda: parse_only(few), "two": lambda: to_tables(few, 2)}
    for number in (n for n in SIZES if n < len(files)):
        mb = sum(len(c) for _, c in files[:number]) / 1e6
        works[f"tables, {number} files, {mb:.0f} MB, one core"] = partial(
            to_tables, files[:number], 1
        )
    print_rows(in_rounds(works, warm, call.runs), parsing)

    chosen = files[:: max(1, len(files) // call.sample)][: call.sample]
    ours, theirs = f"tables, {len(chosen)} files", f"pyeml-bindings, {len(chosen)} files"
    try:
        both = in_rounds(
            {ours: lambda: to_tables(chosen, 1), theirs: lambda: bindings(chosen)},
            {theirs: lambda: bindings(chosen[:1])},
            2,
        )
        print_rows(both, ours)
    except ImportError:
        print(f"| {theirs} | not installed | |")


if __name__ == "__main__":
    main()
