"""The vote groups of an EML_NL count, one at a time: ``TotalVotes`` and ``ReportingUnitVotes``.

A file is parsed in pieces and a group is thrown away once it is read, so that memory grows with
the largest group and not with the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt
from lxml import etree

from ballot_eval.sources.text import Faults, FileError, shown

EML = "urn:oasis:names:tc:evs:schema:eml"
KR = "http://www.kiesraad.nl/extensions"

#: Bytes that go to the parser at once: few, so that what was parsed is still in the cache.
PIECE = 16_384

#: Most bytes without the end of a group. The largest groups, those of the whole country with
#: the names of the candidates, have one or two MB; a tree of it stays below some hundreds of MB.
MAX_GROUP_BYTES = 8 * 1024**2

TOTAL, UNIT = f"{{{EML}}}TotalVotes", f"{{{EML}}}ReportingUnitVotes"
UNIT_ID = f"{{{EML}}}ReportingUnitIdentifier"
_SELECTION = f"{{{EML}}}Selection"
_AFFILIATION = f"{{{EML}}}AffiliationIdentifier"
_NAME = f"{{{EML}}}RegisteredName"
_CANDIDATE = f"{{{EML}}}Candidate"
_CANDIDATE_ID = f"{{{EML}}}CandidateIdentifier"
_VALID = f"{{{EML}}}ValidVotes"

_IDENTIFIED = (_AFFILIATION, _CANDIDATE_ID)
_ELEMENTS = etree.XPath("count(.//*)")


class Texts(dict["str | None", int]):
    """Codes of different texts, in the order in which they came; ``values`` are the texts.

    The space around a text does not count, and no text is an empty one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.values_in_order: list[str] = []

    def __missing__(self, text: str | None) -> int:
        bare = (text or "").strip()
        if bare in self:
            code = self[bare]
        else:
            code = self[bare] = len(self.values_in_order)
            self.values_in_order.append(bare)
        self[text] = code
        return code

    def codes(self, texts: list[str | None]) -> npt.NDArray[np.int32]:
        """Return the code of each text."""
        return np.fromiter(map(self.__getitem__, texts), np.int32, count=len(texts))


@dataclass(slots=True)
class Names:
    """The different texts of a file by what they stand for."""

    votes: Texts = field(default_factory=Texts)
    lists: Texts = field(default_factory=Texts)
    list_names: Texts = field(default_factory=Texts)
    candidates: Texts = field(default_factory=Texts)


@dataclass(frozen=True, slots=True, eq=False)
class Ballot:
    """The lists and candidates of a group, as codes of ``Names``.

    ``list_at`` and ``candidate_at`` say which selections of the group they are.
    """

    list_at: npt.NDArray[np.int64]
    lists: npt.NDArray[np.int32]
    list_names: npt.NDArray[np.int32]
    candidate_at: npt.NDArray[np.int64]
    lists_of_candidates: npt.NDArray[np.int32]
    candidates: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The votes of one vote group, as codes, one for each selection of its ballot.

    ``lines`` are those of the votes, or None where all stand on the ``line`` of the group.
    """

    line: int
    ballot: Ballot
    votes: npt.NDArray[np.int32]
    lines: npt.NDArray[np.int64] | None

    def same_votes(self, other: Group) -> bool:
        """Return whether another group gives the same votes to the same lists and candidates."""
        pairs = [(self.votes, other.votes)] + [
            (getattr(self.ballot, name), getattr(other.ballot, name))
            for name in ("list_at", "lists", "lists_of_candidates", "candidates")
        ]
        return all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def line_of(element: etree._Element) -> int:
    """Return the line on which the start tag of an element ends."""
    return element.sourceline or 0


def pull_parser(tag: str | tuple[str, ...] | None, event: str) -> etree.XMLPullParser:
    """Return a parser that loads nothing, knows no entities but XML's own and reads UTF-8 only.

    Comments and processing instructions are left out, so that the text around them is one. The
    limits of libxml2 on depth and on the length of texts and attributes stay on.
    """
    return etree.XMLPullParser(
        (event,),
        tag=tag,
        encoding="utf-8",
        load_dtd=False,
        no_network=True,
        resolve_entities="internal",
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def syntax_fault(error: etree.XMLSyntaxError) -> str:
    """Return what is wrong with XML, with its line, and what to do."""
    words = " ".join((error.msg or "not well-formed").split())
    return f"line {error.lineno or 1}: broken XML ({words}); download the file again"


def elements(content: bytes) -> Iterator[etree._Element]:
    """Yield each vote group of a file once it is whole, within the tree above it.

    Raises FileError with the line where the file is not well-formed XML, is cut off, or goes on
    for more than ``MAX_GROUP_BYTES`` without the end of a group.
    """
    parser = pull_parser((TOTAL, UNIT), "end")
    since = 0
    try:
        for start in range(0, len(content), PIECE):
            parser.feed(content[start : start + PIECE])
            since += PIECE
            for _, element in parser.read_events():
                since = 0
                yield element
                _forget(element)
            if since > MAX_GROUP_BYTES:
                line = content.count(b"\n", 0, start) + 1
                msg = (
                    f"line {line}: {MAX_GROUP_BYTES // 1024**2} MB without the end of a count; "
                    "no official file has that, so download it again"
                )
                raise FileError(msg)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise FileError(syntax_fault(error)) from error


def _forget(element: etree._Element) -> None:
    element.clear()
    parent = element.getparent()
    if parent is not None:
        for before in list(element.itersiblings(TOTAL, UNIT, preceding=True)):
            parent.remove(before)


class _Pattern:
    """The selections of a group without their votes, as they can be compared at little cost.

    It knows how identifiers, names and votes follow one another, what the first two say and how
    many elements there are in all. Where another group has the same, and in the one each selection
    was found to be one list or candidate with one ValidVotes, so it is in the other.
    """

    __slots__ = ("_ids", "_ids_at", "_names", "_names_at", "_size", "_tags", "_votes_at")

    def __init__(self, group: etree._Element) -> None:
        found = _found(group)
        self._tags = [e.tag for e in found]
        self._votes_at = [i for i, tag in enumerate(self._tags) if tag == _VALID]
        self._names_at = [i for i, tag in enumerate(self._tags) if tag == _NAME]
        self._ids_at = [i for i, tag in enumerate(self._tags) if tag in _IDENTIFIED]
        self._ids = [found[i].get("Id") for i in self._ids_at]
        self._names = [found[i].text for i in self._names_at]
        self._size = _size(group)

    def votes(self, group: etree._Element) -> list[etree._Element] | None:
        """Return the elements with votes of a group, or None where it does not fit."""
        found = _found(group)
        if (
            self._tags != [e.tag for e in found]
            or self._ids != [found[i].get("Id") for i in self._ids_at]
            or self._names != [found[i].text for i in self._names_at]
            or self._size != _size(group)
        ):
            return None
        return [found[i] for i in self._votes_at]


def _found(group: etree._Element) -> list[etree._Element]:
    return list(group.iter(*_IDENTIFIED, _NAME, _VALID))


def _size(group: etree._Element) -> float:
    """Return the number of elements, without the one that says which unit it is."""
    return cast("float", _ELEMENTS(group)) - len(list(group.iterchildren(UNIT_ID)))


class GroupReader:
    """Reads the groups of one file; what a group has in common with the last is kept once."""

    def __init__(self, faults: Faults) -> None:
        self.names = Names()
        self._faults = faults
        self._pattern: _Pattern | None = None
        self._ballot: Ballot | None = None

    def read(self, element: etree._Element) -> Group:
        """Return the group; adds a fault for each selection that cannot be told apart."""
        votes = self._pattern.votes(element) if self._pattern else None
        if votes is None or self._ballot is None:
            self._ballot, votes = self._check(element)
            pattern = _Pattern(element)
            # Votes outside the selections, in elements that are not known, make no pattern.
            self._pattern = pattern if pattern.votes(element) == votes else None
        line = line_of(element)
        lines = None
        if votes and line_of(votes[-1]) != line:
            lines = np.fromiter(map(line_of, votes), np.int64, count=len(votes))
        codes = self.names.votes.codes([e.text for e in votes])
        return Group(line, self._ballot, codes, lines)

    def _check(self, element: etree._Element) -> tuple[Ballot, list[etree._Element]]:
        """Read a group selection by selection; return its ballot and the elements with votes."""
        votes: list[etree._Element] = []
        lists: list[tuple[int, str | None, str | None]] = []
        candidates: list[tuple[int, str | None, str | None]] = []
        for selection in element.iterchildren(_SELECTION):
            valid = list(selection.iterchildren(_VALID))
            of = list(selection.iterchildren(_AFFILIATION, _CANDIDATE))
            if len(valid) != 1 or len(valid[0]) or len(of) != 1:
                self._fault(selection, "is not one list or candidate with one ValidVotes")
                continue
            if of[0].tag == _AFFILIATION:
                lists.append((len(votes), self._id(of[0]), of[0].findtext(_NAME)))
            elif lists:
                number = self._candidate_number(of[0])
                candidates.append((len(votes), lists[-1][1], number))
            else:
                self._fault(selection, "is a candidate before any list")
                continue
            votes.append(valid[0])
        if not votes:
            self._faults.add(
                f"line {line_of(element)}: a count without votes of lists; download the file again"
            )
        return self._ballot_of(lists, candidates), votes

    def _ballot_of(
        self,
        lists: list[tuple[int, str | None, str | None]],
        candidates: list[tuple[int, str | None, str | None]],
    ) -> Ballot:
        names = self.names
        return Ballot(
            np.array([at for at, _, _ in lists], np.int64),
            names.lists.codes([number for _, number, _ in lists]),
            names.list_names.codes([name for _, _, name in lists]),
            np.array([at for at, _, _ in candidates], np.int64),
            names.lists.codes([number for _, number, _ in candidates]),
            names.candidates.codes([number for _, _, number in candidates]),
        )

    def _candidate_number(self, candidate: etree._Element) -> str | None:
        """Return the number on the list; None where lists differ, as in the whole country."""
        found = list(candidate.iterchildren(_CANDIDATE_ID))
        if len(found) != 1:
            self._fault(candidate, "has no CandidateIdentifier of its own")
            return None
        number = found[0].get("Id")
        if number is None and _is_short(found[0]):
            return None
        return self._id(found[0])

    def _id(self, element: etree._Element) -> str | None:
        number = element.get("Id", "").strip()
        if not number:
            self._fault(element, "has no Id")
        return number

    def _fault(self, element: etree._Element, what: str) -> None:
        name = etree.QName(element).localname
        self._faults.add(
            f"line {line_of(element)}: {name} {what}; ask who made the file for a whole one"
        )


def _is_short(candidate: etree._Element) -> bool:
    """Return whether a candidate has a short code, which stands in for a number."""
    return "ShortCode" in candidate.attrib or candidate.find(f"{{{EML}}}ShortCode") is not None


def text_of(element: etree._Element, faults: Faults) -> str:
    """Return the text of an element that holds nothing else, without the space around it."""
    if len(element):
        name = shown(etree.QName(element).localname)
        faults.add(f"line {line_of(element)}: {name} holds other elements; download the file again")
    return (element.text or "").strip()
