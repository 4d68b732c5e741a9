"""Tables of measured times: of voters in the booth and of counts."""

from __future__ import annotations

from ballot_eval.schema.columns import (
    BALLOT,
    CODE_PATTERN,
    ELECTION,
    MUNICIPALITY,
    UNIT_PATTERN,
    Column,
    Table,
)

_YES_NO_UNKNOWN = ("yes", "no", "unknown")

TIME_TABLES: dict[str, Table] = {
    "voting_times": Table(
        (
            ELECTION,
            MUNICIPALITY,
            Column(
                "polling_station_id",
                "Nummer of naam van het stembureau, geen naam van een persoon",
                "Number or name of the polling station, not the name of a person",
                UNIT_PATTERN,
                private=True,
            ),
            BALLOT,
            Column(
                "voting_seconds",
                "Seconden in het stemhokje, van binnengaan tot verlaten; bij een afgebroken "
                "waarneming de tijd tot dan",
                "Seconds in the booth, from entering to leaving; of a broken-off observation the "
                "time until then",
                kind="decimal",
            ),
            Column("assisted", "Met hulp gestemd", "Voted with help", allowed=_YES_NO_UNKNOWN),
            Column(
                "observer_id",
                "Code van de waarnemer, geen naam",
                "Code of the observer, not a name",
                CODE_PATTERN,
                private=True,
            ),
            Column(
                "observation_number",
                "Regel op het formulier van de waarnemer",
                "Line on the observer's form",
                kind="count",
            ),
            Column(
                "observation_status",
                "Hele tijd gezien, uit het oog verloren, of waarneming beëindigd",
                "Whole time seen, lost from sight, or observation ended",
                allowed=("complete", "interrupted", "cut_off"),
            ),
            Column(
                "first_use",
                "Stemt voor het eerst met dit stembiljet",
                "Votes with this kind of ballot for the first time",
                allowed=_YES_NO_UNKNOWN,
            ),
            Column(
                "age_band",
                "Leeftijdsgroep",
                "Age band",
                r"[0-9]{2}-[0-9]{2}|[0-9]{2}\+",
                optional=True,
                nullable=True,
                # What does not fit may well be an exact age or a date of birth.
                private=True,
            ),
        ),
        key=(
            *("election_id", "municipality_code", "polling_station_id"),
            *("observer_id", "observation_number"),
        ),
        unit="municipality_code",
        open=True,
        nl="Eén rij is één waargenomen kiezer.",
        en="One row is one observed voter.",
    ),
    "counting_times": Table(
        (
            ELECTION,
            MUNICIPALITY,
            Column(
                "counting_unit_id",
                "Nummer of naam van het stembureau of de centrale zitting, geen naam van een "
                "persoon",
                "Number or name of the polling station or central session, not the name of a "
                "person",
                UNIT_PATTERN,
                private=True,
            ),
            Column(
                "counting_unit_type",
                "Stembureau of centrale zitting (gemeentelijk stembureau)",
                "Polling station or central session",
                allowed=("polling_station", "central_session"),
            ),
            Column(
                "counting_method",
                "Decentrale (DSO) of centrale stemopneming (CSO)",
                "Count at the polling station (DSO) or central count of candidates (CSO)",
                allowed=("DSO", "CSO"),
                # An absent method gets a finding of its own.
                nullable=True,
            ),
            BALLOT,
            Column(
                "started_at",
                "Begin van de telling, plaatselijke tijd; zonder datum alleen de eerste telling op "
                "een stembureau: vanaf 12.00 uur de dag van de stemming, tot 4.00 uur de dag erna",
                "Start of the count, local time; without a date the first count at a polling "
                "station only: from 12:00 the day of the election, until 4:00 the day after",
                kind="moment",
            ),
            Column(
                "ended_at",
                "Einde van de telling, of het laatste moment waarop nog werd geteld",
                "End of the count, or the last moment at which it was seen to go on",
                kind="moment",
            ),
            Column("counters_count", "Aantal tellers", "People counting", kind="count"),
            Column("ballots_count", "Getelde stembiljetten", "Ballots counted", kind="count"),
            Column("lists_count", "Lijsten op het stembiljet", "Lists on the ballot", kind="count"),
            Column(
                "recount",
                "Hertelling; die staat op een eigen rij, naast de rij van de eerste telling",
                "Recount; it stands on a row of its own, beside the row of the first count",
                allowed=("yes", "no"),
            ),
            Column(
                "counting_status",
                "Klaar, of nog bezig aan het einde van de waarneming",
                "Finished, or still counting when the observation ended",
                allowed=("finished", "still_counting"),
            ),
        ),
        key=(
            *("election_id", "municipality_code"),
            *("counting_unit_id", "counting_unit_type", "recount"),
        ),
        unit="municipality_code",
        open=True,
        nl="Eén rij is één telling van één stembureau of centrale zitting; een hertelling is een "
        "eigen rij.",
        en="One row is one count of one polling station or central session; a recount is a row of "
        "its own.",
    ),
}
