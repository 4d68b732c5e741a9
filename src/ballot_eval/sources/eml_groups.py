"""The vote groups of EML_NL, ``TotalVotes`` and ``ReportingUnitVotes``: one group as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from lxml import etree

from ballot_eval.sources.eml_xml import KR, eml, line_of, local
from ballot_eval.sources.text import Faults, shown

TOTAL, UNIT = eml("TotalVotes"), eml("ReportingUnitVotes")
VALID = eml("ValidVotes")

#: Counts of a group that are of no list or candidate.
COUNTS = tuple(map(eml, ("Cast", "TotalCounted", "RejectedVotes", "UncountedVotes")))

_SELECTION, _AFFILIATION, _CANDIDATE = map(eml, ("Selection", "AffiliationIdentifier", "Candidate"))
_NAME, _CANDIDATE_ID = eml("RegisteredName"), eml("CandidateIdentifier")
_UNIT_ID, _UNIT_TYPE = eml("ReportingUnitIdentifier"), f"{{{KR}}}ReportingUnitType"


class Texts(dict["str | None", int]):
    """Codes of different texts, in the order in which they came; ``in_order`` are the texts.

    The space around a text does not count, and no text is an empty one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_order: list[str] = []

    def __missing__(self, text: str | None) -> int:
        bare = (text or "").strip()
        if bare in self:
            code = self[bare]
        else:
            code = self[bare] = len(self.in_order)
            self.in_order.append(bare)
        self[text] = code
        return code

    def codes(self, texts: Iterable[str | None]) -> npt.NDArray[np.int32]:
        """Return the code of each text."""
        return np.fromiter(map(self.__getitem__, texts), np.int32)


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Number:
    """What a count that is of no list or candidate is: its element and its ReasonCode if any.

    It stands ``below`` lines below the line of its group.
    """

    tag: str
    reason: str
    below: int

    @property
    def label(self) -> str:
        """Return how the count is called in a message."""
        name = etree.QName(self.tag).localname
        return f"{name} {shown(self.reason)}" if self.reason else name


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One vote group.

    ``unit`` and ``contest`` are an Id and a name. ``votes`` are codes of ``Names``, one for each
    selection of the ballot. They stand ``below`` lines below the ``line`` of the group; None says
    that all stand on it. ``texts`` are those of the other ``numbers``.
    """

    is_total: bool
    line: int
    unit: tuple[str, str]
    unit_type: str
    contest: tuple[str, str]
    ballot: Ballot
    votes: npt.NDArray[np.int32]
    below: npt.NDArray[np.int64] | None
    numbers: tuple[Number, ...]
    texts: tuple[str, ...]

    @property
    def lines(self) -> npt.NDArray[np.int64]:
        """Return the line of the votes of each selection."""
        below = np.zeros(len(self.votes), np.int64) if self.below is None else self.below
        return self.line + below

    def same_votes(self, other: Group) -> bool:
        """Return whether another group gives the same votes to the same lists and candidates."""
        pairs = [(self.votes, other.votes)] + [
            (getattr(self.ballot, name), getattr(other.ballot, name))
            for name in ("list_at", "lists", "lists_of_candidates", "candidates")
        ]
        return all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def id_and_text(element: etree._Element | None) -> tuple[str, str]:
    """Return the Id and the text of an element, empty where there is none."""
    if element is None:
        return "", ""
    return element.get("Id", "").strip(), (element.text or "").strip()


class GroupReader:
    """Reads the groups of one file, element by element; gathers what cannot be told apart."""

    def __init__(self, faults: Faults) -> None:
        self.names = Names()
        self._faults = faults

    def read(self, element: etree._Element) -> tuple[Group, list[etree._Element]]:
        """Return a group, and the elements with its votes and then with its other counts."""
        contest = element.getparent()
        if contest is None or contest.tag != eml("Contest"):
            self._fault(element, "stands outside a Contest")
        ballot, votes = self._selections(element)
        counts = list(element.iterchildren(*COUNTS))
        for count in (*votes, *counts):
            if len(count):
                self._fault(count, "holds other elements")
        line, below = line_of(element), None
        if votes and line_of(votes[-1]) != line:
            below = np.fromiter(map(line_of, votes), np.int64) - line
        _, unit_type = id_and_text(next(element.iterchildren(_UNIT_TYPE), None))
        group = Group(
            element.tag == TOTAL,
            line,
            id_and_text(next(element.iterchildren(_UNIT_ID), None)),
            unit_type,
            _contest(contest),
            ballot,
            self.names.votes.codes(e.text for e in votes),
            below,
            tuple(
                Number(str(e.tag), e.get("ReasonCode", "").strip(), line_of(e) - line)
                for e in counts
            ),
            tuple((e.text or "").strip() for e in counts),
        )
        return group, votes + counts

    def _selections(self, element: etree._Element) -> tuple[Ballot, list[etree._Element]]:
        votes: list[etree._Element] = []
        lists: list[tuple[int, str | None, str | None]] = []
        candidates: list[tuple[int, str | None, str | None]] = []
        for selection in element.iterchildren(_SELECTION):
            found = list(selection.iterchildren(_AFFILIATION, _CANDIDATE, VALID))
            if len(found) != 2 or found[0].tag == VALID or found[1].tag != VALID:
                self._fault(selection, "is not one list or candidate with one ValidVotes")
                continue
            of, valid = found
            if of.tag == _AFFILIATION:
                lists.append((len(votes), self._id(of), of.findtext(_NAME)))
            elif lists:
                candidates.append((len(votes), lists[-1][1], self._candidate_number(of)))
            else:
                self._fault(selection, "is a candidate before any list")
                continue
            votes.append(valid)
        if not votes:
            self._fault(element, "has no votes of lists")
        return self._ballot(lists, candidates), votes

    def _ballot(
        self,
        lists: list[tuple[int, str | None, str | None]],
        candidates: list[tuple[int, str | None, str | None]],
    ) -> Ballot:
        names = self.names
        return Ballot(
            np.array([at for at, _, _ in lists], np.int64),
            names.lists.codes(number for _, number, _ in lists),
            names.list_names.codes(name for _, _, name in lists),
            np.array([at for at, _, _ in candidates], np.int64),
            names.lists.codes(number for _, number, _ in candidates),
            names.candidates.codes(number for _, _, number in candidates),
        )

    def _candidate_number(self, candidate: etree._Element) -> str | None:
        """Return the number on the list; None where a short code stands in for it.

        So it does in the whole country, since the lists of districts differ.
        """
        found = list(candidate.iterchildren(_CANDIDATE_ID))
        if len(found) != 1:
            self._fault(candidate, "has no CandidateIdentifier of its own")
            return None
        number = found[0].get("Id")
        if number is None and (found[0].get("ShortCode") or len(found[0])):
            return None
        return self._id(found[0])

    def _id(self, element: etree._Element) -> str:
        number = element.get("Id", "").strip()
        if not number:
            self._fault(element, "has no Id")
        return number

    def _fault(self, element: etree._Element, what: str) -> None:
        self._faults.add(
            f"line {line_of(element)}: {local(element)} {what}; "
            "ask who made the file for a right one"
        )


def _contest(contest: etree._Element | None) -> tuple[str, str]:
    found = None if contest is None else contest.find(eml("ContestIdentifier"))
    number, _ = id_and_text(found)
    name = "" if found is None else (found.findtext(eml("ContestName")) or "").strip()
    return number, name
