"""What a reader returns of one file, and rows as they pass through a reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ballot_eval.sources.frames import Block
from ballot_eval.sources.text import Faults

NumberedRows = Iterator[tuple[int, list[str]]]


@dataclass(slots=True)
class Parsed:
    """Rows of one file, by table, and what was in it besides.

    ``unknown_rows`` are rows of which the reader does not know what they count: (line, label).
    ``notes`` say what was taken from elsewhere than the usual place: (line, text). ``date`` is
    that of the election, as ``2022-03-16``; empty where the file does not say it.
    """

    format: str
    blocks: list[Block] = field(default_factory=list)
    lines: int = 0
    lines_used: int = 0
    other_columns: tuple[str, ...] = ()
    personal_columns: tuple[tuple[str, str], ...] = ()
    unknown_rows: tuple[tuple[int, str], ...] = ()
    notes: tuple[tuple[int, str], ...] = ()
    date: str = ""


def whole(width: int, numbered: NumberedRows, faults: Faults) -> NumberedRows:
    """Yield the rows of ``width`` cells; add a fault for each of the others."""
    for line, cells in numbered:
        if len(cells) == width:
            yield line, cells
        else:
            faults.add(f"line {line}: {len(cells)} cells where the header has {width}; mend it")
