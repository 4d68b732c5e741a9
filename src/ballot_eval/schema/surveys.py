"""Tables of surveys: their fixed columns. The answers follow from the study's questionnaires."""

from __future__ import annotations

from ballot_eval.schema.columns import BALLOT, CODE_PATTERN, ELECTION, MUNICIPALITY, Column, Table
from ballot_eval.schema.times import TIME_TABLES

_RESPONDENT = Column(
    "respondent_id",
    "Code van het gesprek of formulier, geen naam; uniek binnen de gemeente",
    "Code of the interview or form, not a name; unique within the municipality",
    CODE_PATTERN,
    private=True,
)
_STATION = TIME_TABLES["voting_times"].columns[2]
_SURVEY_KEY = ("election_id", "municipality_code", "respondent_id")

SURVEY_TABLES: dict[str, Table] = {
    "voter_survey": Table(
        (
            _RESPONDENT,
            ELECTION,
            MUNICIPALITY,
            _STATION,
            BALLOT,
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
            ELECTION,
            MUNICIPALITY,
            _STATION,
            BALLOT,
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
        (_RESPONDENT, ELECTION, MUNICIPALITY, BALLOT),
        key=("election_id", "municipality_code"),
        unit="municipality_code",
        open=True,
        nl="Eén rij is één gemeente.",
        en="One row is one municipality.",
    ),
}
