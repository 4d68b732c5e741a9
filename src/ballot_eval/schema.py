"""The raw tables, stated once: for readers, pandera, Frictionless and the data dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

#: Counts of the official record of a count, in the order of the form.
COUNT_FIELDS = (
    "eligible_voters_count",
    "votes_cast_count",
    "valid_votes_count",
    "blank_votes_count",
    "invalid_votes_count",
)

#: ``postal`` is the station for voters abroad (G9010), ``caribbean`` a public body.
REGION_TYPES = ("national", "province", "district", "caribbean", "postal")

#: A whole number; a negative one gets a finding of its own. Not ``\\d``, here and below: that
#: takes the digits of every script.
WHOLE_PATTERN = r"-?[0-9]{1,12}"
DECIMAL_PATTERN = r"-?[0-9]{1,9}(\.[0-9]{1,6})?"
MOMENT_PATTERN = r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ])?([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"

#: A ``day_moment`` without a date is on the day of the election; a ``moment`` before noon is on
#: the day after it, in the night of the count.
Kind = Literal["text", "count", "decimal", "moment", "day_moment"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a raw table.

    ``pattern`` is that of a text; of the other kinds it follows. A file need not have an
    ``optional`` column; a cell of a ``nullable`` one may be empty. What stands in a ``private``
    column is never shown in a finding. An ``answer`` is one to a question of a questionnaire.
    """

    name: str
    nl: str
    en: str
    pattern: str = ""
    kind: Kind = "text"
    allowed: tuple[str, ...] = ()
    optional: bool = False
    nullable: bool = False
    private: bool = False
    answer: bool = False

    @property
    def form(self) -> str:
        """Return the regular expression that a filled cell has to match from end to end."""
        patterns = {
            "count": WHOLE_PATTERN,
            "decimal": DECIMAL_PATTERN,
            "moment": MOMENT_PATTERN,
            "day_moment": MOMENT_PATTERN,
        }
        return patterns.get(self.kind, "|".join(self.allowed) or self.pattern)


@dataclass(frozen=True, slots=True)
class Table:
    """A raw table: its columns, those that identify a row, and the one that names its unit.

    ``open`` says whether a file may have further columns; they are named in a finding, not read.
    ``nl`` and ``en`` say what one row is.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unit: str
    open: bool = False
    nl: str = ""
    en: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all columns."""
        return tuple(c.name for c in self.columns)

    def of_kind(self, *kinds: Kind) -> tuple[str, ...]:
        """Return the names of the columns of some kinds."""
        return tuple(c.name for c in self.columns if c.kind in kinds)

    def __iter__(self) -> Iterator[Column]:
        """Iterate over the columns."""
        return iter(self.columns)


_ELECTION = Column("election_id", "Verkiezing", "Election", r"(TK|EP|GR|PS|WS)20[0-9]{2}")
_MUNICIPALITY = Column(
    "municipality_code", "Gemeentecode, vier cijfers", "Municipality code, four digits", r"[0-9]{4}"
)
_COUNTS = (
    Column("eligible_voters_count", "Kiesgerechtigden", "Eligible voters", kind="count"),
    Column("votes_cast_count", "Uitgebrachte stemmen (H)", "Votes cast (H = E+F+G)", kind="count"),
    Column("valid_votes_count", "Geldige stemmen (E)", "Valid votes (E)", kind="count"),
    Column("blank_votes_count", "Blanco stemmen (F)", "Blank votes (F)", kind="count"),
    Column("invalid_votes_count", "Ongeldige stemmen (G)", "Invalid votes (G)", kind="count"),
)
_BALLOT = Column("ballot", "Stembiljet", "Ballot", allowed=("new", "old"))

#: Short codes of letters and digits: a name does not fit, and is not wanted.
CODE_PATTERN = r"[A-Za-z]{0,4}[ -]?[0-9]{1,5}[A-Za-z]?"

#: Names or numbers of polling stations and sessions; no sign that an e-mail address has.
UNIT_PATTERN = r"[0-9A-Za-zÀ-ÖØ-öø-ž'’(][0-9A-Za-zÀ-ÖØ-öø-ž .\-/'’()]{0,39}"

_YES_NO_UNKNOWN = ("yes", "no", "unknown")

TABLES: dict[str, Table] = {
    "municipality_results": Table(
        (
            _ELECTION,
            _MUNICIPALITY,
            Column("municipality_name", "Naam van de gemeente", "Name of the municipality", r".+"),
            *_COUNTS,
        ),
        key=("election_id", "municipality_code"),
        unit="municipality_code",
    ),
    "region_results": Table(
        (
            _ELECTION,
            Column("region_code", "Regiocode", "Region code", r"[A-Z][0-9]{1,4}"),
            Column("region_name", "Naam van de regio", "Name of the region", r".+"),
            Column("region_type", "Soort regio", "Type of region", allowed=REGION_TYPES),
            *_COUNTS,
        ),
        key=("election_id", "region_code"),
        unit="region_code",
    ),
    "voting_times": Table(
        (
            _ELECTION,
            _MUNICIPALITY,
            Column(
                "polling_station_id",
                "Nummer of naam van het stembureau, geen naam van een persoon",
                "Number or name of the polling station, not the name of a person",
                UNIT_PATTERN,
                private=True,
            ),
            _BALLOT,
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
            _ELECTION,
            _MUNICIPALITY,
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
            _BALLOT,
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

#: Tables of results: what they hold counts towards rates.
RESULT_TABLES = ("municipality_results", "region_results")

_RESPONDENT = Column(
    "respondent_id",
    "Code van het gesprek of formulier, geen naam; uniek binnen de gemeente",
    "Code of the interview or form, not a name; unique within the municipality",
    CODE_PATTERN,
    private=True,
)
_STATION = TABLES["voting_times"].columns[2]
_SURVEY_KEY = ("election_id", "municipality_code", "respondent_id")

#: Tables of surveys: their fixed columns. The answers follow from the study's questionnaires.
SURVEY_TABLES: dict[str, Table] = {
    "voter_survey": Table(
        (
            _RESPONDENT,
            _ELECTION,
            _MUNICIPALITY,
            _STATION,
            _BALLOT,
            Column(
                "interviewer_id",
                "Code van de interviewer, geen naam",
                "Code of the interviewer, not a name",
                CODE_PATTERN,
                private=True,
            ),
            Column(
                "interviewed_at",
                "Begin van het gesprek, plaatselijke tijd; zonder datum op de dag van de stemming",
                "Start of the interview, local time; without a date on the day of the election",
                kind="day_moment",
            ),
            Column(
                "station_voters_count",
                "Kiezers die op dit stembureau hebben gestemd; op elke rij van het stembureau "
                "hetzelfde",
                "Voters who voted at this polling station; the same on each row of the station",
                kind="count",
                optional=True,
                nullable=True,
            ),
            Column(
                "approached_count",
                "Kiezers die op dit stembureau om een gesprek zijn gevraagd",
                "Voters at this polling station who were asked for an interview",
                kind="count",
                optional=True,
                nullable=True,
            ),
            Column(
                "refused_count",
                "Kiezers onder hen die niet wilden meedoen",
                "Those among them who did not want to take part",
                kind="count",
                optional=True,
                nullable=True,
            ),
        ),
        key=_SURVEY_KEY,
        unit="municipality_code",
        open=True,
        nl="Eén rij is één gesprek met een kiezer.",
        en="One row is one interview with a voter.",
    ),
    "station_survey": Table(
        (
            _RESPONDENT,
            _ELECTION,
            _MUNICIPALITY,
            _STATION,
            _BALLOT,
            Column(
                "interviewer_id",
                "Code van de interviewer, geen naam; leeg als het formulier zelf is ingevuld",
                "Code of the interviewer, not a name; empty where the form was filled in alone",
                CODE_PATTERN,
                optional=True,
                nullable=True,
                private=True,
            ),
            Column(
                "interviewed_at",
                "Tijdstip van het gesprek of van het invullen, plaatselijke tijd",
                "Time of the interview or of filling in the form, local time",
                kind="moment",
                optional=True,
                nullable=True,
            ),
            Column(
                "staff_count",
                "Stembureauleden die op dit stembureau zijn gevraagd",
                "Members of this polling station who were asked",
                kind="count",
                optional=True,
                nullable=True,
            ),
        ),
        key=_SURVEY_KEY,
        unit="municipality_code",
        open=True,
        nl="Eén rij is één stembureaulid.",
        en="One row is one member of a polling station.",
    ),
    "municipality_survey": Table(
        (_RESPONDENT, _ELECTION, _MUNICIPALITY, _BALLOT),
        key=("election_id", "municipality_code"),
        unit="municipality_code",
        open=True,
        nl="Eén rij is één gemeente.",
        en="One row is one municipality.",
    ),
}

#: Tables of which one row is about one person; vote choice is looked for in their columns.
PERSON_TABLES = ("voting_times", *SURVEY_TABLES)
