"""Tables of results: counts that go into rates, of municipalities and of other regions."""

from __future__ import annotations

from ballot_eval.schema.columns import ELECTION, MUNICIPALITY, Column, Table

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

COUNTS = (
    Column("eligible_voters_count", "Kiesgerechtigden", "Eligible voters", kind="count"),
    Column("votes_cast_count", "Uitgebrachte stemmen (H)", "Votes cast (H = E+F+G)", kind="count"),
    Column("valid_votes_count", "Geldige stemmen (E)", "Valid votes (E)", kind="count"),
    Column("blank_votes_count", "Blanco stemmen (F)", "Blank votes (F)", kind="count"),
    Column("invalid_votes_count", "Ongeldige stemmen (G)", "Invalid votes (G)", kind="count"),
)

#: Further counts of the record; older and shorter files lack them, so they may be left out.
RECORD = tuple(
    Column(name, nl, en, kind="count", optional=True, nullable=True)
    for name, nl, en in (
        ("poll_card_count", "Geldige stempassen (A)", "Valid poll cards (A)"),
        (
            "proxy_certificate_count",
            "Geldige volmachtbewijzen (B)",
            "Valid proxy certificates (B)",
        ),
        ("voter_card_count", "Geldige kiezerspassen (C)", "Valid voter cards (C)"),
        (
            "admitted_voters_count",
            "Toegelaten kiezers (D = A+B+C)",
            "Admitted voters (D = A+B+C)",
        ),
        (
            "more_ballots_count",
            "Meer getelde stembiljetten dan toegelaten kiezers (I = H-D)",
            "More ballots counted than voters admitted (I = H-D)",
        ),
        (
            "fewer_ballots_count",
            "Minder getelde stembiljetten dan toegelaten kiezers (J = D-H)",
            "Fewer ballots counted than voters admitted (J = D-H)",
        ),
        (
            "unreturned_ballots_count",
            "Verklaring: niet ingeleverde stembiljetten",
            "Explanation: ballots not returned",
        ),
        (
            "too_few_ballots_issued_count",
            "Verklaring: te weinig uitgereikte stembiljetten",
            "Explanation: too few ballots issued",
        ),
        (
            "too_many_ballots_issued_count",
            "Verklaring: te veel uitgereikte stembiljetten",
            "Explanation: too many ballots issued",
        ),
        (
            "other_explanation_count",
            "Verschil met een andere verklaring",
            "Difference with another explanation",
        ),
        (
            "no_explanation_count",
            "Verschil zonder verklaring",
            "Difference without explanation",
        ),
    )
)
RECORD_FIELDS = tuple(c.name for c in RECORD)

#: Boxes I and J, of which a sound record fills at most one.
DIFFERENCE_FIELDS = ("more_ballots_count", "fewer_ballots_count")

#: Boxes that explain one direction of a difference only, and those that both share.
OWN_EXPLANATIONS = {
    "more": ("too_many_ballots_issued_count",),
    "fewer": ("unreturned_ballots_count", "too_few_ballots_issued_count"),
}
OTHER_EXPLANATION, NO_EXPLANATION = "other_explanation_count", "no_explanation_count"

EXPLANATION_FIELDS = (
    *(field for fields in OWN_EXPLANATIONS.values() for field in fields),
    *(OTHER_EXPLANATION, NO_EXPLANATION),
)

RESULT_TABLES: dict[str, Table] = {
    "municipality_results": Table(
        (
            ELECTION,
            MUNICIPALITY,
            Column("municipality_name", "Naam van de gemeente", "Name of the municipality", r".+"),
            *COUNTS,
            *RECORD,
        ),
        key=("election_id", "municipality_code"),
        unit="municipality_code",
        nl="Eén rij is de uitslag van één gemeente.",
        en="One row is the result of one municipality.",
    ),
    "region_results": Table(
        (
            ELECTION,
            Column("region_code", "Regiocode", "Region code", r"[A-Z][0-9]{1,4}"),
            Column("region_name", "Naam van de regio", "Name of the region", r".+"),
            Column("region_type", "Soort regio", "Type of region", allowed=REGION_TYPES),
            *COUNTS,
            *RECORD,
        ),
        key=("election_id", "region_code"),
        unit="region_code",
        nl="Eén rij is de uitslag van één gebied dat geen gemeente is.",
        en="One row is the result of one area that is not a municipality.",
    ),
}
