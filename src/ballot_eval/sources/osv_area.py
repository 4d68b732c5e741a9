"""What an ``osv4-3`` CSV is about: its election, and its municipality or district.

Four rows above the table say so. Where they were cut off, the name of the file has to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ballot_eval.sources.elections import (
    TITLES,
    WITH_DISTRICTS,
    elections_in,
    iso_date,
    kind_of_title,
    year_of_title,
)
from ballot_eval.sources.places import (
    are_municipalities,
    municipality_in,
    plain,
    region_code,
)
from ballot_eval.sources.text import Faults, shown

#: The rows above the table, by their labels.
ABOUT = TITLE, DATE, AREA, NUMBER = ("Verkiezing", "Datum", "Gebied", "Nummer")

#: The labels as they are looked for; one converter of count files writes ``Nummber``.
_LABELS = {plain(label): label for label in ABOUT} | {"nummber": NUMBER}

CUT = f"the rows {', '.join(ABOUT)} are missing above the table"


@dataclass(frozen=True, slots=True)
class Area:
    """What a file is about: ``code`` is a region code, for example ``G0119`` or ``K5``.

    ``date`` is that of the election, as ``2022-03-16``; empty where the file does not say it.
    """

    election: str = ""
    code: str = ""
    name: str = ""
    date: str = ""

    @property
    def is_district(self) -> bool:
        """Return whether the columns of the file are municipalities."""
        return self.code.startswith("K")


@dataclass(slots=True)
class Above:
    """The rows above the table: line and text by label, and the rows that have no known label."""

    given: dict[str, tuple[int, str]] = field(default_factory=dict)
    unknown: list[tuple[int, str]] = field(default_factory=list)


def read_above(numbered: Sequence[tuple[int, list[str]]], faults: Faults) -> Above:
    """Return the rows above the table; add a fault for one that stands there twice."""
    above = Above()
    for line, cells in numbered:
        label = _LABELS.get(plain(cells[0]), "")
        if not label:
            above.unknown.append((line, next(c.strip() for c in cells if c.strip())))
        elif label in above.given:
            before, _ = above.given[label]
            faults.add(f"line {line}: the row {label} stands on line {before} too; keep one")
        else:
            text = next((c.strip() for c in cells[1:] if c.strip()), "")
            above.given[label] = (line, text)
    return above


def area_of(above: Above, file_name: str, faults: Faults) -> Area:
    """Return what a file with rows above its table is about.

    Adds a fault for a row that is missing or not understood, for years of title and date that
    differ, and for a file name that holds another election.
    """
    missing = [label for label in ABOUT if not above.given.get(label, (0, ""))[1]]
    if missing:
        faults.add(
            f"above the table, {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} "
            "missing or empty; add what the official file has there"
        )
        return Area()
    election = _election(above, faults)
    if election and (named := elections_in(file_name)) and election not in named:
        faults.add(
            f"line {above.given[TITLE][0]}: the election is {election} there and "
            f"{' and '.join(named)} in the file name; rename the file"
        )
    return _place(above, election, faults)


def _election(above: Above, faults: Faults) -> str:
    line, title = above.given[TITLE]
    at, date = above.given[DATE]
    kind, year, dated = kind_of_title(title), year_of_title(title), iso_date(date)[:4]
    if not kind:
        faults.add(
            f"line {line}: {TITLE} {shown(title)} names none of {', '.join(TITLES)}; "
            "other elections are not read"
        )
    if not dated:
        faults.add(f"line {at}: {DATE} {shown(date)} is no date such as 2026-03-18; mend it")
    elif year and year != dated:
        faults.add(
            f"line {at}: {DATE} {shown(date)} is in another year than {TITLE} on line {line} "
            f"({year}); mend the wrong one"
        )
    return f"{kind}{dated}" if kind and dated else ""


def _place(above: Above, election: str, faults: Faults) -> Area:
    line, area = above.given[AREA]
    at, number = above.given[NUMBER]
    found = re.fullmatch(r"(gemeente|kieskring|openbaar\s+lichaam)\s+(.+)", area, re.IGNORECASE)
    if not found:
        faults.add(
            f"line {line}: {AREA} {shown(area)} does not begin with Gemeente, Kieskring or "
            "Openbaar lichaam, so it is unclear whether the columns are polling stations or "
            "municipalities; write it as in the official file"
        )
        return Area()
    district = found[1].casefold() == "kieskring"
    if district and election and election[:2] not in WITH_DISTRICTS:
        faults.add(
            f"line {line}: {AREA} {shown(area)} is a district of {election}; districts are read of "
            f"{' and '.join(WITH_DISTRICTS)} only, so leave the file out and give those of the "
            "municipalities"
        )
        return Area()
    form = "(?:HSB|K)?([0-9]{1,2})" if district else "([0-9]{1,4})"
    digits = re.fullmatch(form, number)
    if not digits:
        example = "HSB5" if district else "0119"
        faults.add(f"line {at}: {NUMBER} {shown(number)} is no number such as {example}; mend it")
        return Area()
    code = f"K{int(digits[1])}" if district else region_code(digits[1].zfill(4))
    return Area(election, code, found[2], iso_date(above.given[DATE][1]))


def area_of_name(
    file_name: str, numbers: Sequence[str], names: Sequence[str], faults: Faults
) -> Area:
    """Return the municipality and the election that a file name holds.

    ``numbers`` and ``names`` are those of the columns. Adds a fault where the name does not hold
    one election and one municipality, and where the columns are municipalities: then the file is
    that of a district, whose number no name tells.
    """
    stem = file_name.rsplit(".", 1)[0]
    if "kieskring" in plain(stem) or are_municipalities(numbers, names):
        faults.add(
            f"{CUT}, and its columns seem to be the municipalities of a district; add these rows "
            "from the official file"
        )
        return Area()
    elections, place = elections_in(stem), municipality_in(stem)
    if len(elections) != 1 or place is None:
        faults.add(
            f"{CUT}; add them from the official file, or put the election and the name of the "
            "municipality in the file name, for example osv4-3_telling_gr2026_tilburg.csv"
        )
        return Area()
    code, name = place
    return Area(elections[0], region_code(code), name)
