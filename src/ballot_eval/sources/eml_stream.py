"""The vote groups of a whole EML_NL file as a stream, at the speed of text where that is safe.

The stations of a municipality have the same ballot, and the files are written by programs in one
canonical form. So one group mostly differs from another in nothing but its station and its
numbers. The first one is parsed. One that follows and is the same to the byte, but for those, would
be parsed to the same elements: its numbers are taken from the text. Any other is parsed again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lxml import etree

from ballot_eval.sources.eml_groups import COUNTS, TOTAL, UNIT, VALID, Group, GroupReader
from ballot_eval.sources.eml_xml import local, pull_parser, seen, syntax_fault
from ballot_eval.sources.text import FileError

#: Most bytes from the end of one group to that of the next. The largest groups, of a whole
#: country and with the names of the candidates, have one or two MB.
MAX_GROUP_BYTES = 8 * 1024**2

#: Most kinds of groups that are kept to compare with; few files have more than one.
MAX_KINDS = 4

#: The start of a unit: its Id and its name, and what stands before, between and after.
_START = re.compile(
    r'(\s*<[\w:.-]+>\s*<[\w:.-]+ Id=")([\w:.-]*)(">)([^<>&]*)(</[\w:.-]+>)', re.ASCII
)
_NUMBER = re.compile(">([0-9]+)<")


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """A group that was parsed, and its text without its station and its numbers.

    ``line`` is the line on which the text starts.
    """

    group: Group
    around_unit: tuple[str, ...]
    between: list[str]
    line: int


class GroupStream:
    """The groups of one file, in their order."""

    def __init__(self, reader: GroupReader, prefix: str | None) -> None:
        """Read with ``reader``; ``prefix`` is that of the elements of EML, if they have one."""
        self._reader = reader
        name = f"{prefix}:" if prefix else ""
        self._ends = [f"</{name}{etree.QName(tag).localname}>".encode() for tag in (TOTAL, UNIT)]
        self._kinds: list[_Kind] = []
        self._contest = ("", "")

    def read(self, content: bytes) -> Iterator[Group]:
        """Yield the groups; memory grows with the largest group and not with their number.

        Raises FileError with the line where the file is not well-formed XML, is cut off, or goes on
        for more than ``MAX_GROUP_BYTES`` without the end of a group.
        """
        parser = pull_parser((TOTAL, UNIT), "end")
        start, line, follows_group = 0, 1, False
        try:
            for end in self._stops(content):
                _check_size(end - start, line)
                piece = content[start:end]
                lines = piece.count(b"\n")
                group = self._alike(piece, line) if follows_group else None
                if group is not None:
                    # The parser counts lines for its messages.
                    parser.feed(b"\n" * lines)
                    yield group
                else:
                    parser.feed(piece)
                    found = [self._parsed(element, piece, line) for element in seen(parser)]
                    yield from found
                    follows_group = len(found) == 1
                start, line = end, line + lines
            _check_size(len(content) - start, line)
            parser.feed(content[start:])
            parser.close()
        except etree.XMLSyntaxError as error:
            raise FileError(syntax_fault(error)) from error

    def _stops(self, content: bytes) -> Iterator[int]:
        """Yield where in the text the end tag of a group may end, in order."""
        found = [content.find(end) for end in self._ends]
        while any(at >= 0 for at in found):
            which = min((i for i, at in enumerate(found) if at >= 0), key=found.__getitem__)
            stop = found[which] + len(self._ends[which])
            yield stop
            found[which] = content.find(self._ends[which], stop)

    def _parsed(self, element: etree._Element, piece: bytes, line: int) -> Group:
        group, counted = self._reader.read(element)
        self._contest = group.contest
        if kind := _kind_of(group, element, counted, piece, line):
            self._kinds = [kind, *self._kinds[: MAX_KINDS - 1]]
        _forget(element)
        return group

    def _alike(self, piece: bytes, line: int) -> Group | None:
        """Return a group that is like one that was parsed; None where it has to be parsed."""
        if not self._kinds or (split := _split(piece)) is None:
            return None
        unit, around_unit, between, numbers = split
        for kind in self._kinds:
            if kind.between == between and kind.around_unit == around_unit:
                break
        else:
            return None
        like = kind.group
        votes = len(like.votes)
        return replace(
            like,
            line=like.line + line - kind.line,
            unit=unit,
            contest=self._contest,
            votes=self._reader.names.votes.codes(numbers[:votes]),
            texts=tuple(numbers[votes:]),
        )


def _check_size(size: int, line: int) -> None:
    if size > MAX_GROUP_BYTES:
        msg = (
            f"line {line}: from here on {MAX_GROUP_BYTES // 1024**2} MB without the end of a "
            "count; no official file has that, so download it again"
        )
        raise FileError(msg)


def _split(piece: bytes) -> tuple[tuple[str, str], tuple[str, ...], list[str], list[str]] | None:
    """Return the unit of a group, what stands around it, the text between numbers, the numbers.

    None for what is not written as a unit is, or whose name holds signs that need a parser.
    """
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        return None
    start = _START.match(text)
    if start is None or not start[4].isprintable():
        return None
    parts = _NUMBER.split(text[start.end() :])
    return (start[2], start[4].strip()), start.group(1, 3, 5), parts[::2], parts[1::2]


def _kind_of(
    group: Group,
    element: etree._Element,
    counted: list[etree._Element],
    piece: bytes,
    line: int,
) -> _Kind | None:
    """Return what other groups may be compared with, or None where text and elements differ.

    They are the same where the numbers in the text are those of the elements with counts, each
    behind the start tag of its element, in the order of the file.
    """
    split = None if group.is_total else _split(piece)
    if split is None:
        return None
    unit, around_unit, between, numbers = split
    in_order = list(element.iter(VALID, *COUNTS))
    tags = [_tag_at_end(part) for part in between[:-1]]
    if (
        unit != group.unit
        or in_order != counted
        or numbers != [e.text for e in counted]
        or tags != [local(e) for e in counted]
    ):
        return None
    return _Kind(group, around_unit, between, line)


def _tag_at_end(text: str) -> str:
    """Return the name, without prefix, of the tag that a text ends with, but for its ``>``."""
    return re.split(r"\s", text.rpartition("<")[2], maxsplit=1)[0].rpartition(":")[2]


def _forget(group: etree._Element) -> None:
    """Empty a group and drop what stands before it, but for the first element at each depth.

    That is the identifier of the contest.
    """
    group.clear()
    for element in (group, *group.iterancestors()):
        parent = element.getparent()
        while (before := element.getprevious()) is not None and parent is not None:
            if before.getprevious() is None:
                break
            parent.remove(before)
