"""The columns of the raw tables, stated once: for pandera, Frictionless and the dictionary."""

from __future__ import annotations

from dataclasses import dataclass

from ballot_eval.raw import REGION_TYPES

ELECTION_PATTERN = r"(TK|EP|GR|PS|WS)20\d\d"

#: A whole number with or without sign; a negative one gets a finding of its own.
WHOLE_PATTERN = r"[+-]?\d{1,12}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its pattern for text, or a whole number of at least 0 when ``count``."""

    name: str
    nl: str
    en: str
    pattern: str = ""
    count: bool = False
    allowed: tuple[str, ...] = ()


_ELECTION = Column("election_id", "Verkiezing", "Election", ELECTION_PATTERN)
_COUNTS = (
    Column("eligible_voters_count", "Kiesgerechtigden", "Eligible voters", count=True),
    Column("votes_cast_count", "Uitgebrachte stemmen (H)", "Votes cast (H = E+F+G)", count=True),
    Column("valid_votes_count", "Geldige stemmen (E)", "Valid votes (E)", count=True),
    Column("blank_votes_count", "Blanco stemmen (F)", "Blank votes (F)", count=True),
    Column("invalid_votes_count", "Ongeldige stemmen (G)", "Invalid votes (G)", count=True),
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "municipality_results": (
        _ELECTION,
        Column("municipality_code", "Gemeentecode, vier cijfers", "Municipality code", r"\d{4}"),
        Column("municipality_name", "Naam van de gemeente", "Name of the municipality", r".+"),
        *_COUNTS,
    ),
    "region_results": (
        _ELECTION,
        Column("region_code", "Regiocode", "Region code", r"[A-Z]\d{1,4}"),
        Column("region_name", "Naam van de regio", "Name of the region", r".+"),
        Column(
            "region_type",
            "Soort regio",
            "Type of region",
            "|".join(REGION_TYPES),
            allowed=REGION_TYPES,
        ),
        *_COUNTS,
    ),
}

#: The columns that identify a row.
KEYS = {
    "municipality_results": ("election_id", "municipality_code"),
    "region_results": ("election_id", "region_code"),
}

#: The column that names the unit of a row.
UNIT = {"municipality_results": "municipality_code", "region_results": "region_code"}
