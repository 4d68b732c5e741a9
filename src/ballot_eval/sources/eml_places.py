"""Of which election and of which place the counts of an EML_NL file are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from ballot_eval.sources.elections import WITH_DISTRICTS
from ballot_eval.sources.eml_groups import Group, id_and_text
from ballot_eval.sources.eml_xml import EML, KR, line_of
from ballot_eval.sources.places import plain, region_code, station_name, table_of
from ballot_eval.sources.text import Faults, shown

#: Elections by their two letters, and how an id begins here; of others no table takes results.
ELECTIONS = {"TK": "TK", "EP": "EP", "GR": "GR", "PS": "PS", "AB": "WS"}

METHODS = {"centrale stemopneming": "CSO", "decentrale stemopneming": "DSO"}

COUNTRY = ("L528", "Nederland")

#: Provinces by name, numbered P20 and up as Statistics Netherlands numbers them.
PROVINCES = (
    *("groningen", "fryslan", "drenthe", "overijssel", "flevoland", "gelderland"),
    *("utrecht", "noordholland", "zuidholland", "zeeland", "noordbrabant", "limburg"),
)

_ELECTION_ID = re.compile(r"([A-Z]{2})([0-9]{4})([0-9]{4})?(?:_.*)?")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_UNIT_ID = re.compile(
    r"(?:HSB(?P<district>[0-9]{1,2})(?:::(?!$)|$))?"
    r"(?:(?P<municipality>[0-9]{4})(?:::(?!$)|$))?"
    r"(?:SB(?P<station>[0-9]+))?"
)
_NAMESPACES = {"e": EML, "kr": KR}


@dataclass(frozen=True, slots=True)
class Place:
    """The table that takes the counts of a place, and the cells that say which place it is.

    ``municipality`` is the code under which votes of lists and candidates are kept, and
    ``station`` the number of the polling station, empty for a whole municipality. Both are empty
    for what is no municipality: of it no table takes those votes. ``table`` is empty where none
    takes the counts either.
    """

    table: str
    cells: dict[str, str]
    municipality: str = ""
    station: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """Return what no other place has; empty for what no table takes."""
        region = self.cells.get("region_code", "")
        return (self.table, self.municipality, self.station, region) if self.table else ()


@dataclass(frozen=True, slots=True)
class Count:
    """What the head of a file says of all counts in it; each place is a code and a name.

    ``date`` is that of the election, as ``2022-03-16``.
    """

    kind: str
    election: str
    date: str
    authority: tuple[str, str]
    domain: tuple[str, str]
    counting_method: str
    corrected: bool


def election_of_id(text: str) -> str:
    """Return the election of an id, ``GR2022`` of ``GR2022_Doesburg``; empty if there is none."""
    found = _ELECTION_ID.fullmatch(text.strip())
    return ELECTIONS.get(found[1], found[1]) + found[2] if found else ""


def read_count(root: etree._Element, faults: Faults) -> Count:
    """Return what stands above the counts; adds a fault for an election that contradicts itself."""
    domain = root.find("e:Count/e:Election/e:ElectionIdentifier/kr:ElectionDomain", _NAMESPACES)
    authority = root.find("e:ManagingAuthority/e:AuthorityIdentifier", _NAMESPACES)
    method = root.find("e:Count/kr:CountingMethod", _NAMESPACES)
    phase = root.find("e:Count/kr:Phase", _NAMESPACES)
    code = "" if method is None else method.get("MethodCode", "").strip()
    return Count(
        root.get("Id", "").strip(),
        *_election(root, faults),
        id_and_text(authority),
        id_and_text(domain),
        METHODS.get(code, code),
        phase is not None and phase.get("PhaseCode", "").strip() == "corrigendum",
    )


def _election(root: etree._Element, faults: Faults) -> tuple[str, str]:
    """Return the election and its date; its id, category and date have to say the same."""
    identifier = root.find("e:Count/e:Election/e:ElectionIdentifier", _NAMESPACES)
    if identifier is None:
        faults.add(
            f"line {line_of(root)}: no ElectionIdentifier above the counts; download the file again"
        )
        return "", ""
    line, text = line_of(identifier), identifier.get("Id", "").strip()
    found = _ELECTION_ID.fullmatch(text)
    if found is None:
        faults.add(
            f"line {line}: ElectionIdentifier {shown(text)} is no election and year, for example "
            "GR2022_Doesburg; ask who made the file for a right one"
        )
        return "", ""
    category = (identifier.findtext("e:ElectionCategory", None, _NAMESPACES) or "").strip()
    if category != found[1]:
        faults.add(
            f"line {line}: ElectionIdentifier {shown(text)} is not of ElectionCategory "
            f"{shown(category)}; ask who made the file which of the two is right"
        )
    date = (identifier.findtext("kr:ElectionDate", None, _NAMESPACES) or "").strip()
    day = _DATE.fullmatch(date)
    if day is None or day[1] != found[2] or (found[3] and found[3] != day[2] + day[3]):
        faults.add(
            f"line {line}: ElectionIdentifier {shown(text)} does not fit ElectionDate "
            f"{shown(date)}; ask who made the file which of the two is right"
        )
    return election_of_id(text), date


class Places:
    """The places of one file; names of municipalities are kept for the stations below them."""

    def __init__(self, count: Count, faults: Faults) -> None:
        self._count = count
        self._faults = faults
        self._names = {code: name for code, name in (count.domain, count.authority) if code}

    def of_unit(self, group: Group) -> Place | None:
        """Return the place of a ReportingUnitVotes; adds a fault and returns None without one."""
        unit, name = group.unit
        parts = _UNIT_ID.fullmatch(unit)
        if not unit or parts is None:
            self._faults.add(
                f"line {group.line}: ReportingUnitIdentifier {shown(unit)} is of no station, "
                "municipality or district, like 0668::SB1, 0668 or HSB6; ask who made the file "
                "for a right one"
            )
            return None
        if parts["station"]:
            return self._station(group, parts["municipality"] or "", parts["station"], name)
        if parts["municipality"]:
            self._names[parts["municipality"]] = name
            return self._municipality(parts["municipality"])
        return self._district(parts["district"], name)

    def of_total(self, group: Group) -> Place | None:
        """Return the place of a TotalVotes; adds a fault and returns None without one.

        That of a 510a is the one station, which TotalVotes itself does not name: None as well.
        """
        kind = self._count.kind
        if kind == "510a":
            return None
        if kind == "510b":
            code = self._own_municipality()
            if not code:
                self._no_municipality(group.line)
            return self._municipality(code) if code else None
        return self._of_contest(group) if kind == "510c" else self._whole()

    def _station(self, group: Group, code: str, number: str, name: str) -> Place | None:
        code = code or self._own_municipality()
        if not code:
            self._no_municipality(group.line)
            return None
        bare, postcode = station_name(name)
        cells = {
            "election_id": self._count.election,
            "municipality_code": code,
            "municipality_name": self._names.get(code, ""),
            "polling_station_id": number,
            "polling_station_name": bare,
            "postcode": postcode,
            "station_type": group.unit_type,
            "counting_method": self._count.counting_method,
        }
        return Place("station_results", cells, code, number)

    def _municipality(self, code: str) -> Place:
        region = region_code(code)
        table, cells = table_of(region, self._names.get(code, ""), self._count.election)
        return Place(table, cells, code if table == "municipality_results" else "")

    def _district(self, number: str, name: str) -> Place:
        """Return a district; those of provinces and water authorities have no code of their own."""
        if self._count.election[:2] not in WITH_DISTRICTS:
            return Place("", {})
        return Place(*table_of(f"K{int(number)}", name, self._count.election))

    def _own_municipality(self) -> str:
        """Return the code of the municipality that the file is of, or an empty text."""
        codes = (self._count.authority[0], self._count.domain[0])
        return next((code for code in codes if re.fullmatch("[0-9]{4}", code)), "")

    def _no_municipality(self, line: int) -> None:
        self._faults.add(
            f"line {line}: the count is of no municipality: AuthorityIdentifier is "
            f"{shown(self._count.authority[0])}; ask who made the file for its code"
        )

    def _of_contest(self, group: Group) -> Place | None:
        number, name = group.contest
        committee = re.fullmatch("HSB([0-9]{1,2})", self._count.authority[0])
        digits = committee[1] if committee else number
        if self._count.election[:2] in WITH_DISTRICTS and not re.fullmatch("[0-9]{1,2}", digits):
            self._faults.add(
                f"line {group.line}: a count of a district whose ContestIdentifier is "
                f"{shown(number)}; ask who made the file for its number"
            )
            return None
        return self._district(digits, name or self._count.authority[1])

    def _whole(self) -> Place:
        """Return the place of a 510d: a municipality, a province or the country."""
        election, (code, name) = self._count.election, self._count.domain
        if re.fullmatch("[0-9]{4}", code):
            return self._municipality(code)
        if election[:2] in WITH_DISTRICTS:
            return Place(*table_of(*COUNTRY, election))
        if election[:2] == "PS" and plain(name) in PROVINCES:
            province = f"P{20 + PROVINCES.index(plain(name))}"
            return Place(*table_of(province, name, election))
        return Place("", {})
