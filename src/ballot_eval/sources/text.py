"""Bytes to rows of text, with the faults a user can mend named by line."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator

#: As many faults of one file are written out; a file of the wrong kind would give thousands.
MAX_FAULTS = 20

#: Longest cell in characters; longer ones come of a quote that is never closed.
MAX_CELL = 131_072

#: Share of NUL bytes above which a text is taken for UTF-16 without a mark (there it is a half).
UTF16_NUL_SHARE = 0.25

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class FileError(Exception):
    """One or more faults of one file; each names the line and what to do, not the file."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__("; ".join(faults))

    def __reduce__(self) -> tuple[type[FileError], tuple[str, ...]]:
        """Keep the faults apart on the way from another process."""
        return FileError, self.faults


class Faults:
    """The faults of one file, gathered so that they can be reported at once."""

    __slots__ = ("_count", "_texts")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._count = 0

    def add(self, fault: str) -> None:
        """Keep a fault; beyond ``MAX_FAULTS`` it is only counted."""
        self._count += 1
        if self._count <= MAX_FAULTS:
            self._texts.append(fault)

    @property
    def full(self) -> bool:
        """Return whether a further fault would not be written out any more."""
        return self._count >= MAX_FAULTS

    def raise_any(self) -> None:
        """Raise FileError with every fault so far, if there is one."""
        if more := self._count - len(self._texts):
            raise FileError(*self._texts, f"and {more} more")
        if self._texts:
            raise FileError(*self._texts)


def shown(cell: str) -> str:
    """Return a cell as it is quoted in a message: on one line, in quotes, not too long."""
    return repr(cell if len(cell) <= 60 else f"{cell[:60]}…")


def decode(content: bytes, *, latin1: bool) -> str:
    """Decode UTF-8 (with or without mark); ISO-8859-1 only where ``latin1`` allows it.

    Raises FileError that names the line of the first byte that is not valid.
    """
    nul = content.find(b"\0")
    start = content[:1024]
    if content.startswith(UTF16_MARKS) or start.count(0) > UTF16_NUL_SHARE * len(start):
        msg = "line 1: the file is UTF-16; save it as UTF-8"
        raise FileError(msg)
    if nul >= 0:
        msg = f"line {_line_at(content, nul)}: holds a NUL byte; download the file again"
        raise FileError(msg)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if latin1:
            return content.decode("iso-8859-1")
        # The decoder counts from behind the mark.
        at = error.start + len(content) - len(error.object)
        line, byte = _line_at(content, at), content[at]
        msg = f"line {line}: not valid UTF-8 (byte {byte:#04x}); save it as UTF-8"
        raise FileError(msg) from error


def _line_at(content: bytes, index: int) -> int:
    return len(re.findall(rb"\r\n|\r|\n", content[:index])) + 1


def rows(text: str, delimiter: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which the row starts, cells) for every row that is not blank.

    Lines end at CR, LF or CR LF and nowhere else. What cannot be split into cells is added to
    ``faults`` and ends the reading, since what follows cannot be told apart any more.
    """
    # One limit for the whole process, which other packages raise.
    csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        if "field limit" in str(error):
            faults.add(
                f"line {line}: a cell holds more than {MAX_CELL} characters; most likely a quote "
                "that opens on this line is never closed, so mend it"
            )
        else:
            faults.add(f"line {line}: broken quoting ({error}); mend the quotes on that line")
