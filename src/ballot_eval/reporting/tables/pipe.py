"""A Markdown pipe table whose columns are as wide as their words need."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: What stands where a number is not defined.
NO_NUMBER = "–"

#: A pipe table with a longer line gets relative column widths.
PANDOC_LINE = 72

#: So many characters of the text of tables fit on a line of a page in docx; in pdf more do.
PAGE_LINE = 96

#: The white beside the text of a cell, in characters.
WHITE = 4

#: Cells that are no longer than this, such as intervals, come before longer ones, which wrap.
ONE_LINE = 24


def pipe_table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Return a Pandoc pipe table; ``align`` has one letter per column, l or r.

    Relative column widths add up to more than Pandoc's line, so that a table takes the width of
    the page and wraps between words.
    """
    cells = [[c.replace("|", "\\|").replace("\n", " ") for c in row] for row in (header, *rows)]
    widths = _widths(list(zip(*cells, strict=True)))
    stretch = max(1, math.ceil((PANDOC_LINE + 8) / sum(widths)))
    rule = [
        "-" * (w * stretch - 1) + ":" if side == "r" else ":" + "-" * (w * stretch - 1)
        for w, side in zip(widths, align, strict=True)
    ]
    lines = [cells[0], rule, *cells[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


def _widths(columns: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of each column in characters: that of its longest word at least.

    The rest of the line goes to short cells first, then to the cells that take most lines.
    """
    words = [
        max(len(word) for cell in column for word in (*cell.split(), "")) for column in columns
    ]
    longest = [max(map(len, column)) for column in columns]
    widths = [word + WHITE for word in words]
    left = max(0, PAGE_LINE - sum(widths))
    for i in sorted(range(len(columns)), key=longest.__getitem__):
        if longest[i] <= ONE_LINE:
            extra = min(longest[i] - words[i], left)
            widths[i] += extra
            left -= extra
    for _ in range(left):
        most = max(range(len(columns)), key=lambda i: longest[i] / widths[i])
        widths[most] += 1
    return widths
