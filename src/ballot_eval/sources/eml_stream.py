"""The vote groups of a whole EML_NL file as a stream, at the speed of text where that is safe.

The stations of a municipality have the same ballot, and the files are written by programs in one
canonical form. So groups mostly differ from one another in nothing but their station and their
numbers. The first one is parsed. A unit that follows and whose body is the same to the byte, but
for the numbers, would be parsed to the same elements: its numbers are taken from the text. Any
other is parsed as well.
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

#: Most kinds of groups that are kept to compare with. Few files have more than one; where units
#: have a type and say whether they share their building, each combination is one.
MAX_KINDS = 12

_NUMBER = re.compile(">([0-9]+)<")


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """A group that was parsed, and the text ``between`` the numbers of its body.

    The body is what follows the start tag, or in a unit its identifier, which ends ``gap`` lines
    below the start tag.
    """

    group: Group
    between: list[str]
    gap: int


@dataclass(frozen=True, slots=True, eq=False)
class _Text:
    """The text of a unit, taken apart: see ``_Kind``; ``before`` is lines before its start tag."""

    unit: tuple[str, str]
    between: list[str]
    numbers: list[str]
    gap: int
    before: int


class GroupStream:
    """The groups of one file, in their order."""

    def __init__(self, reader: GroupReader, prefix: str | None) -> None:
        """Read with ``reader``; ``prefix`` is that of the elements of EML, if they have one."""
        self._reader = reader
        self._prefix = f"{prefix}:" if prefix else ""
        names = [etree.QName(tag).localname for tag in (TOTAL, UNIT)]
        self._ends = [f"</{self._prefix}{name}>" for name in names]
        tag = re.escape(f"{self._prefix}ReportingUnit")
        self._start_of_unit = re.compile(
            rf'([ \t\r\n]*)<{tag}Votes>([ \t\r\n]*)<{tag}Identifier Id="([A-Za-z0-9:._-]*)">'
            rf"([^<>&]*)</{tag}Identifier>"
        )
        # The type of a unit is such an element; its text is compared, so kinds differ by it.
        self._start_of_body = re.compile(
            r"\s*(?:<([A-Za-z_][A-Za-z0-9_.:-]*)>[^<>&]*</\1>\s*)*"
            f"<{self._prefix}Selection>"
        )
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
                    found = [self._parsed(element, piece) for element in seen(parser)]
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
        ends = [end.encode() for end in self._ends]
        found = [content.find(end) for end in ends]
        while any(at >= 0 for at in found):
            which = min((i for i, at in enumerate(found) if at >= 0), key=found.__getitem__)
            stop = found[which] + len(ends[which])
            yield stop
            found[which] = content.find(ends[which], stop)

    def _parsed(self, element: etree._Element, piece: bytes) -> Group:
        group, counted = self._reader.read(element)
        self._contest = group.contest
        if kind := self._kind_of(group, element, counted, piece):
            self._kinds = [kind, *self._kinds[: MAX_KINDS - 1]]
        _forget(element)
        return group

    def _kind_of(
        self, group: Group, element: etree._Element, counted: list[etree._Element], piece: bytes
    ) -> _Kind | None:
        """Return what units may be compared with, or None where text and elements differ.

        They are the same where the body begins with a selection, or with elements of one text and
        then a selection, and the numbers in the text are those of the elements with counts, each
        behind the start tag of its element, in the order of the file.
        """
        text = self._total_text(piece) if group.is_total else self._unit_text(piece)
        if text is None or text.unit != group.unit:
            return None
        elements = list(element.iter(VALID, *COUNTS))
        if (
            elements != counted
            or text.numbers != [e.text for e in elements]
            or [_tag_at_end(part) for part in text.between[:-1]] != [local(e) for e in elements]
            or not self._start_of_body.match(text.between[0])
        ):
            return None
        return _Kind(group, text.between, text.gap)

    def _total_text(self, piece: bytes) -> _Text | None:
        head, tag, body = piece.rpartition(f"<{self._prefix}TotalVotes>".encode())
        decoded = _decoded(body)
        if not tag or decoded is None:
            return None
        parts = _NUMBER.split(decoded[: -len(self._ends[0])])
        return _Text(("", ""), parts[::2], parts[1::2], 0, head.count(b"\n"))

    def _unit_text(self, piece: bytes) -> _Text | None:
        """Return None for what is not written as a unit is, or whose name needs a parser."""
        text = _decoded(piece)
        start = None if text is None else self._start_of_unit.match(text)
        if text is None or start is None or not start[4].isprintable():
            return None
        parts = _NUMBER.split(text[start.end() : -len(self._ends[1])])
        lines = (start[2].count("\n"), start[1].count("\n"))
        return _Text((start[3], start[4].strip()), parts[::2], parts[1::2], *lines)

    def _alike(self, piece: bytes, line: int) -> Group | None:
        """Return a unit that is like a group that was parsed; None where it has to be parsed."""
        text = self._unit_text(piece) if self._kinds else None
        if text is None:
            return None
        for kind in self._kinds:
            if kind.between == text.between and kind.gap == text.gap:
                break
        else:
            return None
        votes = len(kind.group.votes)
        return replace(
            kind.group,
            is_total=False,
            line=line + text.before,
            unit=text.unit,
            contest=self._contest,
            votes=self._reader.names.votes.codes(text.numbers[:votes]),
            texts=tuple(text.numbers[votes:]),
        )


def _check_size(size: int, line: int) -> None:
    if size > MAX_GROUP_BYTES:
        msg = (
            f"line {line}: from here on {MAX_GROUP_BYTES // 1024**2} MB without the end of a "
            "count; no official file has that, so download it again"
        )
        raise FileError(msg)


def _decoded(piece: bytes) -> str | None:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return None


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
