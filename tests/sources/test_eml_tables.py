"""Any tables of a municipality, written as EML, read back the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from xml.sax.saxutils import escape

import eml_files as made
from hypothesis import given
from hypothesis import strategies as st

from ballot_eval.sources.eml import read_eml

# What a name may hold: markup, quotes, ends of lines, digits and other scripts.
TEXTS = st.text("ab é日", max_size=8) | st.text("ab é日<>&\"';/-[]\n07", max_size=8)
COUNTS = st.integers(0, 99_999).map(str)
NUMBERS = st.integers(1, 999).map(str)

Ballot = list[tuple[str, str, list[str]]]
Rows = dict[str, list[dict[str, str]]]


@dataclass(frozen=True)
class Unit:
    """A unit of a count: ``lists`` are number, name and numbers of candidates of its ballot.

    ``votes`` are those of each list and of its candidates, in order; ``number`` is empty for the
    whole municipality.
    """

    number: str
    name: str
    postcode: str
    type: str
    lists: Ballot
    votes: list[str]
    counts: dict[str, str]


@st.composite
def counted(draw):
    """Draw the units of a count: most have the same ballot and are written alike."""
    candidates = st.lists(NUMBERS, max_size=4, unique=True)
    of_one = st.lists(
        st.tuples(NUMBERS, TEXTS, candidates), min_size=1, max_size=4, unique_by=lambda of: of[0]
    )
    ballots = draw(st.lists(of_one, min_size=1, max_size=2))
    units = []
    for number in ["", *draw(st.lists(NUMBERS, min_size=2, max_size=8, unique=True))]:
        ballot = draw(st.sampled_from(ballots))
        size = sum(1 + len(own) for _, _, own in ballot)
        unit = Unit(
            number,
            draw(TEXTS) if number else "",
            draw(st.sampled_from(["", "1234 AB"])) if number else "",
            draw(st.sampled_from(["", "Fixed", "Mobile"])) if number else "",
            ballot,
            draw(st.lists(COUNTS, min_size=size, max_size=size)),
            {column: draw(COUNTS) for column in made.COLUMNS},
        )
        units.append(unit)
    return units


def written(units: list[Unit], end: str) -> bytes:
    """Return the count as EML, with ``end`` behind each element."""
    groups = []
    for unit in units:
        body = f"<kr:ReportingUnitType>{unit.type}</kr:ReportingUnitType>{end}" * bool(unit.type)
        votes = iter(unit.votes)
        for number, name, candidates in unit.lists:
            body += selection(
                f'<AffiliationIdentifier Id="{number}"><RegisteredName>{escape(name)}'
                "</RegisteredName></AffiliationIdentifier>",
                next(votes),
                end,
            )
            for candidate in candidates:
                body += selection(
                    f'<Candidate><CandidateIdentifier Id="{candidate}"/></Candidate>',
                    next(votes),
                    end,
                )
        for column, count in unit.counts.items():
            element, reason = made.COLUMNS[column]
            of = f' ReasonCode="{reason}"' if reason else ""
            body += f"<{element}{of}>{count}</{element}>{end}"
        name = escape(unit.name) + f" (postcode: {unit.postcode})" * bool(unit.postcode)
        whole = made.unit(f"0999::SB{unit.number}", name, body)
        groups.append(whole if unit.number else made.total(body))
    return made.count(*groups).encode()


def selection(of: str, votes: str, end: str) -> str:
    return f"<Selection>{of}<ValidVotes>{votes}</ValidVotes>{end}</Selection>"


def expected(units: list[Unit]) -> Rows:
    """Return the rows of each table as they were drawn, cells that are not empty only."""
    rows: Rows = defaultdict(list)
    for unit in units:
        place = {"election_id": "GR2022", "municipality_code": "0999"}
        parts = ("valid_votes_count", "blank_votes_count", "invalid_votes_count")
        cast = {"votes_cast_count": str(sum(int(unit.counts[part]) for part in parts))}
        record = place | {"municipality_name": "Verzonnen"} | unit.counts | cast
        if unit.number:
            place["polling_station_id"] = unit.number
            record |= place | {
                "polling_station_name": unit.name.strip(),
                "postcode": unit.postcode.replace(" ", ""),
                "station_type": unit.type,
            }
        rows["station_results" if unit.number else "municipality_results"].append(record)
        votes = iter(unit.votes)
        for number, name, candidates in unit.lists:
            of_list = place | {"list_number": number}
            own = {"list_name": name.strip(), "votes_count": next(votes)}
            rows["list_results"].append(of_list | own)
            for candidate in candidates:
                own = {"candidate_number": candidate, "votes_count": next(votes)}
                rows["candidate_results"].append(of_list | own)
    return {table: [filled(row) for row in found] for table, found in rows.items()}


def filled(row: dict[str, str]) -> dict[str, str]:
    return {column: cell for column, cell in row.items() if cell != ""}


@given(counted(), st.sampled_from(["", "\n", "\n    "]))
def test_every_table_reads_back_as_it_was_written(units, end):
    parsed = read_eml("telling.eml.xml", written(units, end))
    assert not isinstance(parsed, str)
    found = {
        block.table: [
            filled(row)
            for row in block.frame.drop(columns="source_line").astype(str).to_dict("records")
        ]
        for block in parsed.blocks
    }
    assert found == expected(units)
    assert parsed.lines == sum(len(unit.votes) + len(unit.counts) for unit in units)
