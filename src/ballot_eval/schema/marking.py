"""Tables of how ballots were marked, and the reasons for which a vote is invalid.

An annex to the record of the count has them; the official result files do not. The categories
follow the rules of validity. Those of the annex are not established: a municipality that counts
reasons together gives them as ``other``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ballot_eval.schema.columns import ELECTION, MUNICIPALITY, Column, Table
from ballot_eval.schema.details import LIST_NUMBER, STATION_OR_WHOLE

#: ``design``: a mistake with the parts of the ballot. ``general``: invalid with any ballot.
#: ``unsettled``: whether such a vote is invalid at all is not established.
ReasonKind = Literal["design", "general", "unsettled"]


@dataclass(frozen=True, slots=True)
class InvalidReason:
    """A reason for which a vote is invalid, as ``code`` in the data.

    A number is too high when the list has no such candidate. ``new_only``: only a ballot on which
    party and number are marked apart has it. Boxes of several parties can be marked on the old
    ballot too.
    """

    code: str
    kind: ReasonKind
    nl: str
    en: str
    new_only: bool = False


#: Every reason there is, those of the design first.
INVALID_REASONS = (
    InvalidReason("several_parties", "design", "meer dan één partij", "more than one party"),
    InvalidReason(
        "number_without_party",
        "design",
        "een nummer zonder partij",
        "a number without a party",
        new_only=True,
    ),
    InvalidReason(
        "number_above_list",
        "design",
        "een te hoog nummer",
        "a number too high",
        new_only=True,
    ),
    InvalidReason(
        "several_numbers",
        "unsettled",
        "één partij, meer nummers",
        "one party, several numbers",
        new_only=True,
    ),
    InvalidReason("writing", "general", "erop geschreven of getekend", "writing or drawing"),
    InvalidReason(
        "other_colour", "general", "een andere kleur dan rood", "a colour other than red"
    ),
    InvalidReason(
        "identifying_mark",
        "general",
        "een herkenningsteken",
        "an identifying mark",
    ),
    InvalidReason("other", "general", "een andere reden", "another reason"),
)

#: Reasons that a municipality with the old ballot cannot have.
NEW_ONLY = tuple(r.code for r in INVALID_REASONS if r.new_only)

MARKING_TABLES: dict[str, Table] = {
    "invalid_reasons": Table(
        (
            ELECTION,
            MUNICIPALITY,
            STATION_OR_WHOLE,
            Column(
                "reason",
                "Reden van ongeldigheid",
                "Reason for which the votes are invalid",
                allowed=tuple(r.code for r in INVALID_REASONS),
            ),
            Column(
                "votes_count",
                "Ongeldige stemmen om deze reden",
                "Votes that are invalid for this reason",
                kind="count",
            ),
        ),
        key=("election_id", "municipality_code", "polling_station_id", "reason"),
        unit="municipality_code",
        nl="Eén rij is één reden van ongeldigheid op een stembureau, of in de hele gemeente.",
        en="One row is one reason of invalidity at a polling station, or in the whole "
        "municipality.",
    ),
    "party_only_votes": Table(
        (
            ELECTION,
            MUNICIPALITY,
            STATION_OR_WHOLE,
            replace(
                LIST_NUMBER,
                nl="Nummer van de lijst; leeg voor alle lijsten samen",
                en="Number of the list; empty for all lists together",
                nullable=True,
            ),
            Column(
                "votes_count",
                "Stemmen waarop alleen een partij is gemarkeerd; geldig voor de lijsttrekker",
                "Votes on which only a party is marked; valid for the first candidate",
                kind="count",
            ),
        ),
        key=("election_id", "municipality_code", "polling_station_id", "list_number"),
        unit="municipality_code",
        nl="Eén rij is het aantal stemmen op alleen een partij op een stembureau, of in de hele "
        "gemeente.",
        en="One row is the number of votes for a party alone at a polling station, or in the whole "
        "municipality.",
    ),
}
