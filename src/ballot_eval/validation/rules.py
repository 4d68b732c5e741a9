"""The rules: code, severity, statement, threshold, denominator and check in one object.

Codes F and W are those of the Kiesraad's counting software; T (types), N (negative), K (keys),
P (plausibility) and I (information) are this package's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from ballot_eval.validation.findings import Severity

RowCheck = Callable[[pd.DataFrame], "pd.Series[bool]"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule on a row (``check`` marks the rows that break it) or on whole tables (no check).

    ``excludes`` says whether a row that breaks it is left out of the analysis.
    """

    code: str
    severity: Severity
    nl: str
    en: str
    fields: tuple[str, ...] = ()
    threshold: str = ""
    denominator: str = ""
    excludes: bool = False
    check: RowCheck | None = None

    def statement(self, language: str) -> str:
        """Return the statement in Dutch (``nl``) or English."""
        return self.nl if language == "nl" else self.en


H = "votes_cast_count"


def _sum_differs(d: pd.DataFrame) -> pd.Series[bool]:
    parts = d["valid_votes_count"] + d["blank_votes_count"] + d["invalid_votes_count"]
    return parts != d[H]


#: Integer arithmetic, so that exactly 3% is on the warned side without rounding.
ROW_RULES = (
    Rule(
        "F.203",
        "error",
        "Geldig, blanco en ongeldig (E+F+G) tellen niet op tot de uitgebrachte stemmen (H)",
        "Valid, blank and invalid votes (E+F+G) do not add up to votes cast (H)",
        ("valid_votes_count", "blank_votes_count", "invalid_votes_count", H),
        excludes=True,
        check=_sum_differs,
    ),
    Rule(
        "W.201",
        "warning",
        "Blanco stemmen zijn 3% of meer van de uitgebrachte stemmen",
        "Blank votes are 3% or more of votes cast",
        ("blank_votes_count", H),
        "3%",
        H,
        check=lambda d: (d[H] > 0) & (100 * d["blank_votes_count"] >= 3 * d[H]),
    ),
    Rule(
        "W.202",
        "warning",
        "Ongeldige stemmen zijn 3% of meer van de uitgebrachte stemmen",
        "Invalid votes are 3% or more of votes cast",
        ("invalid_votes_count", H),
        "3%",
        H,
        check=lambda d: (d[H] > 0) & (100 * d["invalid_votes_count"] >= 3 * d[H]),
    ),
    Rule(
        "W.204",
        "warning",
        "Er zijn geen uitgebrachte stemmen",
        "There are no votes cast",
        (H,),
        check=lambda d: d[H] == 0,
    ),
    Rule(
        "W.206",
        "warning",
        "Minder kiesgerechtigden dan uitgebrachte stemmen",
        "Fewer eligible voters than votes cast",
        ("eligible_voters_count", H),
        check=lambda d: d["eligible_voters_count"] < d[H],
    ),
)

WHOLE = Rule("T.101", "error", "Geen geheel getal", "Not a whole number", excludes=True)
EMPTY = Rule("T.102", "error", "Verplichte cel is leeg", "Required cell is empty", excludes=True)
FORM = Rule("T.103", "error", "Waarde heeft niet de juiste vorm", "Malformed value", excludes=True)
NEGATIVE = Rule("N.101", "error", "Negatief aantal", "Negative count", excludes=True)
DUPLICATE = Rule(
    "K.101",
    "error",
    "Rij komt meer dan eens voor; ook in",
    "Row given more than once; also in",
    excludes=True,
)
MISSING = Rule(
    "P.101",
    "error",
    "Experimentgemeente ontbreekt bij deze verkiezing",
    "Experiment municipality is missing at this election",
)
NO_ELECTION = Rule(
    "P.102",
    "error",
    "Geen uitslagen van deze verkiezing gevonden; voeg het bestand toe",
    "No results of this election found; add its file",
)
NATIONAL = Rule(
    "P.103",
    "warning",
    "Landelijke rij verschilt van de som van de gemeenten en overige gebieden",
    "National row differs from the sum of municipalities and other areas",
)
JUMP = Rule(
    "P.104",
    "warning",
    "Aandeel ongeldig springt ten opzichte van de eigen vorige uitslag",
    "Invalid rate jumps against the municipality's own earlier result",
    ("invalid_votes_count", H),
    "|robust z| > 5",
    H,
)
UNUSED = Rule(
    "I.101",
    "info",
    "Verkiezing hoort niet bij deze studie; rijen niet gebruikt",
    "Election is not part of this study; rows not used",
    excludes=True,
)
UNREAD = Rule("I.102", "info", "Bestand niet gelezen", "File not read")

#: Every rule there is, in the order of the dictionary.
RULES = (
    WHOLE,
    EMPTY,
    FORM,
    NEGATIVE,
    DUPLICATE,
    *ROW_RULES,
    MISSING,
    NO_ELECTION,
    NATIONAL,
    JUMP,
    UNUSED,
    UNREAD,
)
