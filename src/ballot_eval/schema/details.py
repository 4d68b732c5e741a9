"""Tables of detailed results: polling stations, lists of candidates and candidates."""

from __future__ import annotations

from dataclasses import replace

from ballot_eval.schema.columns import ELECTION, MUNICIPALITY, STATION, Column, Table
from ballot_eval.schema.results import COUNTS, RECORD

#: Empty where a row is about the whole municipality.
STATION_OR_WHOLE = replace(
    STATION,
    nl="Nummer van het stembureau; leeg voor de hele gemeente",
    en="Number of the polling station; empty for the whole municipality",
    nullable=True,
)
LIST_NUMBER = Column("list_number", "Nummer van de lijst", "Number of the list", r"[0-9]{1,3}")
_VOTES = Column("votes_count", "Geldige stemmen", "Valid votes", kind="count")

DETAIL_TABLES: dict[str, Table] = {
    "station_results": Table(
        (
            ELECTION,
            MUNICIPALITY,
            Column("municipality_name", "Naam van de gemeente", "Name of the municipality", r".+"),
            STATION,
            Column("polling_station_name", "Naam", "Name", r".+"),
            Column("postcode", "Postcode", "Postcode", r".{1,12}", nullable=True),
            Column(
                "station_type",
                "Soort stembureau",
                "Type of polling station",
                r".{1,60}",
                optional=True,
                nullable=True,
            ),
            Column(
                "counting_method",
                "Decentrale (DSO) of centrale stemopneming (CSO)",
                "Count at the polling station (DSO) or central count of candidates (CSO)",
                allowed=("DSO", "CSO"),
                optional=True,
                nullable=True,
            ),
            # Some files give votes per list and no more.
            *(replace(column, nullable=True) for column in COUNTS),
            *RECORD,
        ),
        key=("election_id", "municipality_code", "polling_station_id"),
        unit="municipality_code",
        nl="Eén rij is de uitslag van één stembureau. Een leeg aantal is onbekend, geen nul.",
        en="One row is the result of one polling station. An empty count is unknown, not zero.",
    ),
    "list_results": Table(
        (
            ELECTION,
            MUNICIPALITY,
            STATION_OR_WHOLE,
            # Some files give the name of a list only.
            replace(LIST_NUMBER, nullable=True),
            Column(
                "list_name", "Aanduiding van de lijst", "Name of the list", r".+", nullable=True
            ),
            _VOTES,
        ),
        key=(
            *("election_id", "municipality_code", "polling_station_id"),
            *("list_number", "list_name"),
        ),
        unit="municipality_code",
        large=True,
        nl="Eén rij is één kandidatenlijst op een stembureau, of in de hele gemeente.",
        en="One row is one list of candidates at a polling station, or in the whole municipality.",
    ),
    "candidate_results": Table(
        (
            ELECTION,
            MUNICIPALITY,
            STATION_OR_WHOLE,
            LIST_NUMBER,
            Column(
                "candidate_number",
                "Plaats van de kandidaat op de lijst",
                "Position of the candidate on the list",
                r"[0-9]{1,3}",
            ),
            _VOTES,
        ),
        key=(
            *("election_id", "municipality_code", "polling_station_id"),
            *("list_number", "candidate_number"),
        ),
        unit="municipality_code",
        large=True,
        nl="Eén rij is één kandidaat op een stembureau, of in de hele gemeente.",
        en="One row is one candidate at a polling station, or in the whole municipality.",
    ),
}
