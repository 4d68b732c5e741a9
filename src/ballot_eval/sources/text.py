"""Bytes to rows of text, with the faults a user can mend named by file and line."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator


class FileFault(Exception):
    """A fault of one file; the text names the line and what to do, not the file."""


def decode(content: bytes, *, latin1: bool) -> str:
    """Decode UTF-8 (with or without mark); ISO-8859-1 only where ``latin1`` allows it."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        msg = "line 1: the file is UTF-16; save it as UTF-8"
        raise FileFault(msg)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if latin1:
            return content.decode("iso-8859-1")
        line = content[: error.start].count(b"\n") + 1
        msg = f"line {line}: not valid UTF-8 (byte {content[error.start]:#04x}); save it as UTF-8"
        raise FileFault(msg) from error


def rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number of the row's end, cells) for every row that is not blank."""
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        msg = f"line {reader.line_num}: broken quoting ({error}); mend the quotes on that line"
        raise FileFault(msg) from error
