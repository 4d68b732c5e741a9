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
import tarfile
from collections.abc import Sequence
from pathlib import Path

from lxml import etree
from timing import Timing, Values, figure, measure

from ballot_eval.schema import TABLES
from ballot_eval.sources.eml import read_eml
from ballot_eval.sources.frames import Block, joined
from ballot_eval.sources.parsed import Parsed
from ballot_eval.sources.processes import read_files

#: Seconds after which no further run of one line starts.
PATIENCE = 60.0
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


def row(name: str, size: str, found: Timing | None, ratio: float | None) -> None:
    """Print one row of the table."""
    times = str(found) if found else "not installed"
    runs = str(len(found.milliseconds)) if found else ""
    print(f"| {name} | {size} | {times} | {runs} | {'' if ratio is None else f'{ratio:.2f}'} |")


def main() -> None:
    """Parse the call and print the table; each line is a ratio to parsing only, on one core."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("path", type=Path, metavar="FILE")
    options.add_argument("--runs", type=int, default=5, help="most runs of one line (5)")
    options.add_argument("--sample", type=int, default=6, help="files for pyeml-bindings (6)")
    call = options.parse_args()
    files = load(call.path)
    load_now = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    size = f"{len(files)} files, {sum(len(c) for _, c in files) / 1e6:.0f} MB"
    print(f"{size}; {os.cpu_count()} cores, load {load_now}")
    few = files[:10]

    def timed(work, chosen: Files, *rest: int) -> Timing:
        return measure(
            lambda: work(chosen, *rest),
            warm=lambda: work(few, *rest),
            runs=call.runs,
            patience=PATIENCE,
        )

    parsing = timed(parse_only, files)
    row("lxml, parsing only, one core", size, parsing, 1.0)
    one = timed(to_tables, files, 1)
    row("**tables, one core**", size, one, one.median / parsing.median)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for number in (n for n in SIZES if n < len(files)):
        part = timed(to_tables, files[:number], 1)
        mb = sum(len(c) for _, c in files[:number]) / 1e6
        row(f"tables, {number} files", f"{mb:.0f} MB", part, part.median / parsing.median)
    two = timed(to_tables, files, 2)
    row("**tables, two processes**", size, two, two.median / parsing.median)
    chosen = files[:: max(1, len(files) // call.sample)][: call.sample]
    ours = timed(to_tables, chosen, 1)
    try:
        theirs = measure(
            lambda: bindings(chosen), warm=lambda: bindings(few[:1]), runs=2, patience=PATIENCE
        )
        row("pyeml-bindings, objects", f"{len(chosen)} files", theirs, theirs.median / ours.median)
        print(f"pyeml-bindings takes {figure(theirs.median / ours.median)} times ours there")
    except ImportError:
        row("pyeml-bindings, objects", f"{len(chosen)} files", None, None)
    print(
        f"rows: {one.values}; largest memory with one process {memory:.0f} MB, the files included"
    )


if __name__ == "__main__":
    main()
