"""Rules on reasons of invalidity and votes for a party alone, at their boundary."""

from __future__ import annotations

import pandas as pd
import pytest

from ballot_eval.schema.marking import INVALID_REASONS
from ballot_eval.simulation import simulate_panel
from ballot_eval.sources import read_raw
from ballot_eval.validation import engine
from ballot_eval.validation.rules_marking import MARKING_RULES
from raw_frames import raw_tables

NEW, OLD = "0755", "0088"
COUNTS = {"eligible_voters_count": 900, "votes_cast_count": 700, "valid_votes_count": 680}
COUNTS |= {"blank_votes_count": 10, "invalid_votes_count": 10}


def key(code=NEW, station="", election="GR2026"):
    return {"election_id": election, "municipality_code": code, "polling_station_id": station}


def reason(name, votes, **place):
    return key(**place) | {"reason": name, "votes_count": str(votes)}


def party_only(votes, number="", **place):
    return key(**place) | {"list_number": number, "votes_count": str(votes)}


def station(number, invalid, code=NEW):
    valid = {} if invalid == "" else {"invalid_votes_count": invalid}
    names = {"municipality_name": "M", "polling_station_name": "S", "postcode": ""}
    cells = key(code, number) | names | COUNTS | {"invalid_votes_count": ""} | valid
    total = cells["valid_votes_count"] + cells["blank_votes_count"] + int(invalid or 0)
    return {k: str(v) for k, v in (cells | {"votes_cast_count": total}).items()}


@pytest.fixture(scope="module")
def municipal(gr2026):
    """Return sound results; two municipalities have 10 invalid and 680 valid votes at GR2026.

    These two and one that left the experiment are enough, and quick to validate.
    """
    rows = simulate_panel(gr2026, seed=1, effect=0.003)
    rows = rows[rows["municipality_code"].isin([NEW, OLD, "0147"])].reset_index(drop=True)
    here = (rows["election_id"] == "GR2026") & rows["municipality_code"].isin([NEW, OLD])
    rows.loc[here, list(COUNTS)] = list(COUNTS.values())
    return rows.astype(str)


@pytest.fixture
def check(gr2026, municipal, monkeypatch):
    """Return a function from rows of the tables to the report of their validation."""

    def run(results=municipal, **tables):
        frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
        raw = raw_tables({"municipality_results": results} | frames)
        # The other rules have their own tests, and take most of the time.
        monkeypatch.setattr(engine, "TABLE_RULES", MARKING_RULES)
        report = engine.validate(raw, gr2026)
        assert report.rows_accepted + report.excluded["rows"].sum() == report.rows_read
        return report

    return run


def broken(report):
    return {f.code for f in report.findings if f.code.startswith("M.")}


def test_an_unknown_reason_is_a_finding_that_names_those_there_are(check):
    report = check(invalid_reasons=[reason("twee partijen", 10)])
    (finding,) = [f for f in report.findings if f.table == "invalid_reasons"]
    assert (finding.code, finding.severity, finding.value) == ("T.103", "error", "twee partijen")
    assert ", ".join(r.code for r in INVALID_REASONS) in finding.statement
    assert report.accepted["invalid_reasons"].empty


@pytest.mark.parametrize(
    ("votes", "code", "kept"), [(3, "M.107", 2), (4, None, 2), (5, "M.104", 0), (0, "M.107", 2)]
)
@pytest.mark.parametrize("place", ["municipality", "station", "stations"])
def test_reasons_add_up_to_the_invalid_votes_of_their_place(check, votes, code, kept, place):
    tables = {"invalid_reasons": [reason("several_parties", votes), reason("other", 6)]}
    if place == "station":
        tables["invalid_reasons"] = [
            row | {"polling_station_id": "3"} for row in tables["invalid_reasons"]
        ]
        # All the others have theirs, so that the municipality adds up whatever this one has.
        tables["invalid_reasons"].append(reason("several_parties", 0, station="4"))
        tables["station_results"] = [station("3", 10), station("4", 0)]
        kept += 1
    if place == "stations":
        first, second = tables["invalid_reasons"]
        tables["invalid_reasons"] = [
            first | {"polling_station_id": "3"},
            second | {"polling_station_id": "4"},
        ]
    report = check(**tables)
    assert broken(report) == ({code} if code else set())
    # A municipality that has too many loses all its stations.
    expected = 0 if (code, place) == ("M.104", "station") else kept
    assert len(report.accepted["invalid_reasons"]) in {expected, kept}


def test_a_place_without_known_invalid_votes_is_not_judged(check):
    report = check(
        invalid_reasons=[reason("other", 4, station="3"), reason("other", 10)],
        station_results=[station("3", "")],
    )
    assert broken(report) == {"M.108"}


def test_the_finding_says_where_and_how_many(check):
    report = check(
        invalid_reasons=[
            reason("other", 9, station="3"),
            reason("several_parties", 2, station="3"),
        ],
        station_results=[station("3", 10)],
    )
    first = next(f for f in report.findings if f.code == "M.104")
    assert (first.file, first.municipality_code, first.election) == ("m.csv", NEW, "GR2026")
    assert first.value == "invalid_votes_count=10; reasons=11"
    assert first.statement.endswith(": 3")


@pytest.mark.parametrize(("votes", "code"), [(5, "M.108"), (6, None), (7, "M.103")])
def test_stations_are_not_more_than_the_whole_that_is_given_too(check, votes, code):
    rows = [reason("other", 6), reason("several_parties", 4)]
    rows += [reason("other", 2, station="1"), reason("other", votes - 2, station="2")]
    report = check(invalid_reasons=rows)
    assert broken(report) == ({code} if code else set())
    assert len(report.accepted["invalid_reasons"]) == (2 if code == "M.103" else 4)
    rows = [party_only(6, "1"), party_only(2, "1", station="1")]
    report = check(party_only_votes=[*rows, party_only(votes - 2, "1", station="2")])
    assert broken(report) == ({code} if code else set())


@pytest.mark.parametrize(("votes", "code"), [(5, "M.108"), (6, None), (7, "M.103")])
def test_lists_are_not_more_than_all_lists_together(check, votes, code):
    report = check(party_only_votes=[party_only(6), party_only(2, "1"), party_only(votes - 2, "2")])
    assert broken(report) == ({code} if code else set())
    assert len(report.accepted["party_only_votes"]) == (1 if code == "M.103" else 3)


def candidate(votes, number="1", position="1", place=""):
    cells = {"list_number": number, "candidate_number": position, "votes_count": str(votes)}
    return key(station=place) | cells


@pytest.mark.parametrize("place", ["", "7"])
@pytest.mark.parametrize(("votes", "code"), [(29, None), (30, None), (31, "M.105")])
def test_party_only_votes_are_among_those_for_the_first_candidate(check, votes, code, place):
    candidates = [candidate(30, place=place), candidate(650, position="2", place=place)]
    report = check(
        party_only_votes=[party_only(votes, "1", station=place)], candidate_results=candidates
    )
    assert broken(report) == ({code} if code else set())
    # The first candidates of all lists together bound the votes of all lists.
    candidates = [candidate(10, place=place), candidate(20, "2", place=place)]
    report = check(
        party_only_votes=[party_only(votes, station=place)], candidate_results=candidates
    )
    assert broken(report) == ({code} if code else set())


@pytest.mark.parametrize(("votes", "code"), [(679, None), (680, None), (681, "M.106")])
def test_party_only_votes_are_valid_votes(check, votes, code):
    expected = {code} if code else set()
    assert broken(check(party_only_votes=[party_only(votes)])) == expected
    lists = [party_only(80, "1"), party_only(votes - 80, "2")]
    assert broken(check(party_only_votes=lists)) == expected
    results = [
        key() | {"list_number": str(i), "list_name": "L", "votes_count": str(n)}
        for i, n in ((1, 80), (2, 600))
    ]
    one = check(party_only_votes=[party_only(votes - 80, "2")], list_results=results)
    assert broken(one) == expected


@pytest.mark.parametrize("name", [r.code for r in INVALID_REASONS])
def test_reasons_of_the_new_ballot_are_not_those_of_the_old_one(check, name):
    new_only = name in {"number_without_party", "number_above_list", "several_numbers"}
    for votes, code in ((10, OLD), (10, NEW), (0, OLD)):
        report = check(invalid_reasons=[reason(name, votes, code=code)])
        wrong = bool(new_only and code == OLD and votes)
        assert ("M.101" in broken(report)) == wrong
        assert len(report.accepted["invalid_reasons"]) == (0 if wrong else 1)


def test_a_party_alone_cannot_be_marked_on_the_old_ballot(check):
    assert broken(check(party_only_votes=[party_only(1, code=OLD)])) == {"M.102"}
    assert broken(check(party_only_votes=[party_only(0, code=OLD)])) == set()
    earlier = check(party_only_votes=[party_only(1, election="GR2022")])
    assert broken(earlier) == {"M.102"}
    # One that left the experiment had the new ballot before.
    left = party_only(1, code="0147", election="EP2024")
    assert broken(check(party_only_votes=[left])) == set()
    assert broken(check(party_only_votes=[left | {"election_id": "GR2026"}])) == {"M.102"}


def test_a_municipality_without_result_is_named(check, municipal):
    rest = municipal[municipal["municipality_code"] != NEW]
    report = check(rest, invalid_reasons=[reason("other", 4)], party_only_votes=[party_only(3)])
    found = [f for f in report.findings if f.code == "M.109"]
    assert [(f.table, f.municipality_code, f.value) for f in found] == [
        ("invalid_reasons", NEW, "rows=1"),
        ("party_only_votes", NEW, "rows=1"),
    ]


def test_every_rule_has_its_code_in_the_order_it_is_applied():
    assert [rule.code for rule in MARKING_RULES] == [f"M.{101 + i}" for i in range(10)]


def test_files_of_the_tables_are_read(gr2026, tmp_path):
    columns = "election_id,municipality_code,polling_station_id"
    (tmp_path / "redenen.csv").write_text(
        f"{columns},reason,votes_count\nGR2026,0755,,number_without_party,4\n", encoding="utf-8"
    )
    (tmp_path / "partij.csv").write_text(
        f"{columns},list_number,votes_count\nGR2026,0755,3,,17\n", encoding="utf-8"
    )
    tables = read_raw(gr2026, tmp_path).tables
    assert tables["invalid_reasons"]["reason"].tolist() == ["number_without_party"]
    assert tables["party_only_votes"]["votes_count"].tolist() == ["17"]


@pytest.mark.parametrize(("given", "code"), [(("3", "4"), None), (("3",), "M.110")])
def test_stations_without_a_row_are_told_where_stations_stand_for_the_whole(check, given, code):
    rows = [party_only(2, number, station=s) for s in given for number in ("1", "2")]
    stations = [station("3", 5), station("4", 5)]
    report = check(party_only_votes=rows, station_results=stations)
    found = [f for f in report.findings if f.code == "M.110"]
    assert [f.value for f in found] == (["stations=2; with_party_only_votes=1"] if code else [])
    # A total of its own does not rest on its stations.
    report = check(party_only_votes=[party_only(8), *rows], station_results=stations)
    assert "M.110" not in broken(report)
