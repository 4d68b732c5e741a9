"""Small EML_NL counts made for tests; the places and numbers in them are made up."""

from __future__ import annotations

EML = "urn:oasis:names:tc:evs:schema:eml"
KR = "http://www.kiesraad.nl/extensions"

#: (list number, name, candidates) of every made-up count.
LISTS = (("1", "Lijst Een", 3), ("2", "Lijst Twee &amp; Co", 2))

REASONS = (
    "geldige stempassen",
    "geldige volmachtbewijzen",
    "geldige kiezerspassen",
    "toegelaten kiezers",
    "meer getelde stembiljetten",
    "minder getelde stembiljetten",
    "meegenomen stembiljetten",
    "te weinig uitgereikte stembiljetten",
    "te veel uitgereikte stembiljetten",
    "geen verklaring",
    "andere verklaring",
)

#: The element and ReasonCode of the counts of each column.
COLUMNS = {
    "eligible_voters_count": ("Cast", ""),
    "valid_votes_count": ("TotalCounted", ""),
    "blank_votes_count": ("RejectedVotes", "blanco"),
    "invalid_votes_count": ("RejectedVotes", "ongeldig"),
    "poll_card_count": ("UncountedVotes", "geldige stempassen"),
    "proxy_certificate_count": ("UncountedVotes", "geldige volmachtbewijzen"),
    "voter_card_count": ("UncountedVotes", "geldige kiezerspassen"),
    "admitted_voters_count": ("UncountedVotes", "toegelaten kiezers"),
    "more_ballots_count": ("UncountedVotes", "meer getelde stembiljetten"),
    "fewer_ballots_count": ("UncountedVotes", "minder getelde stembiljetten"),
    "unreturned_ballots_count": ("UncountedVotes", "meegenomen stembiljetten"),
    "too_few_ballots_issued_count": ("UncountedVotes", "te weinig uitgereikte stembiljetten"),
    "too_many_ballots_issued_count": ("UncountedVotes", "te veel uitgereikte stembiljetten"),
    "no_explanation_count": ("UncountedVotes", "geen verklaring"),
    "other_explanation_count": ("UncountedVotes", "andere verklaring"),
}


def selections(votes: tuple[int, ...] = (10, 20, 30, 5, 7), *, end: str = "") -> str:
    """Return the selections of LISTS: votes of the candidates in order, lists being their sums."""
    left, text = list(votes), ""
    for number, name, size in LISTS:
        own, left = left[:size], left[size:]
        text += (
            f'<Selection><AffiliationIdentifier Id="{number}"><RegisteredName>{name}'
            f"</RegisteredName></AffiliationIdentifier><ValidVotes>{sum(own)}</ValidVotes>"
            f"</Selection>{end}"
        )
        for place, count in enumerate(own, start=1):
            text += (
                f'<Selection><Candidate><CandidateIdentifier Id="{place}"></CandidateIdentifier>'
                f"</Candidate><ValidVotes>{count}</ValidVotes></Selection>{end}"
            )
    return text


def numbers(valid: int = 72, blank: int = 3, invalid: int = 2, *, end: str = "") -> str:
    """Return the counts behind the selections; the reasons count 100, 101 and so on."""
    return (
        f"<Cast>500</Cast>{end}<TotalCounted>{valid}</TotalCounted>{end}"
        f'<RejectedVotes ReasonCode="ongeldig">{invalid}</RejectedVotes>{end}'
        f'<RejectedVotes ReasonCode="blanco">{blank}</RejectedVotes>{end}'
    ) + "".join(
        f'<UncountedVotes ReasonCode="{reason}">{count}</UncountedVotes>{end}'
        for count, reason in enumerate(REASONS, start=100)
    )


def total(body: str | None = None) -> str:
    return f"<TotalVotes>{selections() + numbers() if body is None else body}</TotalVotes>"


def unit(
    id_: str = "0999::SB1",
    name: str = "Stembureau Een (postcode: 1234 AB)",
    body: str | None = None,
) -> str:
    body = selections() + numbers() if body is None else body
    return (
        f'<ReportingUnitVotes><ReportingUnitIdentifier Id="{id_}">{name}'
        f"</ReportingUnitIdentifier>{body}</ReportingUnitVotes>"
    )


def count(
    *groups: str,
    kind: str = "510b",
    election: str = "GR2022_Verzonnen",
    category: str = "GR",
    date: str = "2022-03-16",
    authority: str = '<AuthorityIdentifier Id="0999">Verzonnen</AuthorityIdentifier>',
    domain: str = '<kr:ElectionDomain Id="0999">Verzonnen</kr:ElectionDomain>',
    contest: str = '<ContestIdentifier Id="geen"></ContestIdentifier>',
    in_count: str = "",
) -> str:
    return (
        f'<EML xmlns="{EML}" xmlns:kr="{KR}" Id="{kind}" SchemaVersion="5">'
        f"<TransactionId>1</TransactionId><ManagingAuthority>{authority}<AuthorityAddress/>"
        f"</ManagingAuthority><Count>{in_count}<EventIdentifier/><Election>"
        f'<ElectionIdentifier Id="{election}"><ElectionName>Verzonnen</ElectionName>'
        f"<ElectionCategory>{category}</ElectionCategory>{domain}"
        f"<kr:ElectionDate>{date}</kr:ElectionDate></ElectionIdentifier><Contests><Contest>"
        f"{contest}{''.join(groups)}</Contest></Contests></Election></Count></EML>"
    )
