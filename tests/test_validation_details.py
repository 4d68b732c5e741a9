"""Rules on records, stations, lists and candidates, at their boundary."""

from __future__ import annotations

import pandas as pd
import pytest

from ballot_eval.simulation import simulate_panel
from ballot_eval.validation import validate
from ballot_eval.validation.rules import RULES
from raw_frames import raw_tables

STATION = {
    "election_id": "GR2026",
    "municipality_code": "0755",
    "municipality_name": "Boekel",
    "polling_station_id": "1",
    "polling_station_name": "De Burgt",
    "eligible_voters_count": "0",
    "votes_cast_count": "1000",
    "valid_votes_count": "990",
    "blank_votes_count": "6",
    "invalid_votes_count": "4",
    "poll_card_count": "880",
    "proxy_certificate_count": "115",
    "voter_card_count": "5",
    "admitted_voters_count": "1000",
    "more_ballots_count": "0",
    "fewer_ballots_count": "0",
}


@pytest.fixture(scope="module")
def municipal(gr2026):
    return simulate_panel(gr2026, seed=1, effect=0.003).astype(str)


@pytest.fixture
def check(gr2026, municipal):
    """Return a function that validates details besides sound municipal results."""

    def run(stations=(), lists=(), candidates=(), results=None):
        frames = {
            "municipality_results": municipal if results is None else results,
            "station_results": pd.DataFrame(list(stations)),
            "list_results": pd.DataFrame(list(lists)),
            "candidate_results": pd.DataFrame(list(candidates)),
        }
        raw = raw_tables({name: frame for name, frame in frames.items() if len(frame)})
        report = validate(raw, gr2026)
        read = sum(len(frame) for frame in raw.tables.values())
        assert report.rows_accepted + report.excluded["rows"].sum() == report.rows_read == read
        return report

    return run


def station(**counts):
    return STATION | {f"{name}_count": str(value) for name, value in counts.items()}


def votes(station="1", number="1", votes_count="990", **more):
    keys = {k: STATION[k] for k in ("election_id", "municipality_code")}
    row = {"polling_station_id": station, "list_number": number, "votes_count": votes_count}
    return keys | row | more


def a_list(*args, **kwargs):
    return votes(*args, **kwargs) | {"list_name": "Lijst"}


EXPLANATIONS = ("unreturned_ballots", "too_few_ballots_issued", "too_many_ballots_issued")
EXPLANATIONS += ("other_explanation", "no_explanation")


def explained(number, *boxes, **counts):
    """Return a station with two ballots fewer than voters and its boxes of explanations."""
    counts = {"poll_card": 882, "admitted_voters": 1002, "fewer_ballots": 2} | counts
    row = station(**counts, **dict(zip(EXPLANATIONS, boxes, strict=True)))
    return row | {"polling_station_id": str(number)}


def test_explanations_that_do_not_add_up_are_one_finding_per_municipality(check):
    rows = [
        explained(1, 0, 0, 0, 0, 2),
        explained(2, 1, 0, 0, 0, 0),
        explained(3, 1, 1, 0, 0, 1),
        explained(4, 1, 0, 0, 1, 0),
        explained(5, "", 0, 0, 0, 0),
        explained(6, 0, 0, 0, 0, 0) | {"municipality_code": "0513"},
    ]
    report = check(rows)
    found = [f for f in report.findings if f.code == "P.116"]
    assert [(f.severity, f.municipality_code, f.value) for f in found] == [
        ("info", "0513", "stations=1 of 1"),
        ("info", "0755", "stations=2 of 5"),
    ]
    assert len(report.accepted["station_results"]) == len(rows)


def codes(report, table):
    """Return the codes of the rules broken, but P.114: one station is not a municipality."""
    return {f.code for f in report.findings if f.table == table} - {"P.114"}


@pytest.mark.parametrize(
    ("counts", "broken"),
    [
        ({}, set()),
        ({"voter_card": 4}, {"F.201"}),
        ({"voter_card": 6}, {"F.201"}),
        ({"poll_card": ""}, set()),
        ({"admitted_voters": ""}, set()),
        # D = H.
        ({"more_ballots": 1}, {"F.305"}),
        ({"fewer_ballots": 1}, {"F.305"}),
        ({"more_ballots": ""}, set()),
        # H > D by 2.
        ({"poll_card": 878, "admitted_voters": 998, "more_ballots": 1}, {"F.306"}),
        ({"poll_card": 878, "admitted_voters": 998, "more_ballots": 2}, set()),
        ({"poll_card": 878, "admitted_voters": 998, "more_ballots": 3}, {"F.306"}),
        (
            {"poll_card": 878, "admitted_voters": 998, "more_ballots": 2, "fewer_ballots": 1},
            {"F.307"},
        ),
        # H < D by 2.
        ({"poll_card": 882, "admitted_voters": 1002, "fewer_ballots": 1}, {"F.308"}),
        ({"poll_card": 882, "admitted_voters": 1002, "fewer_ballots": 2}, set()),
        ({"poll_card": 882, "admitted_voters": 1002, "fewer_ballots": 3}, {"F.308"}),
        (
            {"poll_card": 882, "admitted_voters": 1002, "fewer_ballots": 2, "more_ballots": 1},
            {"F.309"},
        ),
        # 15 or more, and 2% of H or more.
        ({"poll_card": 899, "admitted_voters": 1019, "fewer_ballots": 19}, set()),
        ({"poll_card": 900, "admitted_voters": 1020, "fewer_ballots": 20}, {"W.203"}),
        ({"poll_card": 901, "admitted_voters": 1021, "fewer_ballots": 21}, {"W.203"}),
        ({"poll_card": 861, "admitted_voters": 981, "more_ballots": 19}, set()),
        ({"poll_card": 860, "admitted_voters": 980, "more_ballots": 20}, {"W.203"}),
    ],
)
def test_records_of_stations_at_their_boundary(check, counts, broken):
    report = check([station(**counts)])
    assert codes(report, "station_results") == broken
    # These break no rate, and nobody can mend an official result.
    assert not report.has_errors
    assert len(report.accepted["station_results"]) == 1


@pytest.mark.parametrize(
    ("admitted", "found"), [(85, True), (86, False), (114, False), (115, True)]
)
def test_a_large_difference_is_15_and_2_percent(check, admitted, found):
    """Of a small station 2% is little: 15 decides."""
    small = station(
        votes_cast=100,
        valid_votes=100,
        blank_votes=0,
        invalid_votes=0,
        proxy_certificate=0,
        voter_card=0,
        poll_card=admitted,
        admitted_voters=admitted,
        more_ballots=max(0, 100 - admitted),
        fewer_ballots=max(0, admitted - 100),
    )
    assert codes(check([small]), "station_results") == ({"W.203"} if found else set())


@pytest.mark.parametrize(
    ("counts", "broken"),
    [
        ({"valid_votes": 989}, {"F.203"}),
        ({"valid_votes": 991}, {"F.203"}),
        ({"invalid_votes": ""}, set()),
        ({"valid_votes": 965, "blank_votes": 29, "invalid_votes": 6}, set()),
        ({"valid_votes": 964, "blank_votes": 30, "invalid_votes": 6}, {"W.201"}),
        ({"valid_votes": 965, "invalid_votes": 29}, set()),
        ({"valid_votes": 964, "invalid_votes": 30}, {"W.202"}),
        ({"eligible_voters": ""}, set()),
        ({"eligible_voters": 999}, set()),
        ({"eligible_voters": "x"}, {"T.101"}),
        ({"invalid_votes": -4, "valid_votes": 998}, {"N.101"}),
    ],
)
def test_counts_of_stations_at_their_boundary(check, counts, broken):
    report = check([station(**counts)])
    assert codes(report, "station_results") == broken


def test_a_station_without_votes_is_a_warning(check):
    counts = dict.fromkeys(
        ("votes_cast", "valid_votes", "blank_votes", "invalid_votes", "admitted_voters"), 0
    )
    cards = dict.fromkeys(("poll_card", "proxy_certificate", "voter_card"), 0)
    assert codes(check([station(**counts, **cards)]), "station_results") == {"W.204"}


@pytest.mark.parametrize(
    ("totals", "broken"),
    [((989,), {"F.202"}), ((990,), set()), ((991,), {"F.202"}), ((500, 490), set())],
)
def test_lists_add_up_to_the_valid_votes(check, totals, broken):
    lists = [a_list(number=str(n), votes_count=str(v)) for n, v in enumerate(totals, start=1)]
    report = check([station()], lists)
    assert codes(report, "station_results") == broken
    assert len(report.accepted["station_results"]) == (0 if broken else 1)


def test_lists_with_votes_and_no_valid_votes_are_told_before_the_sum(check):
    report = check([station(valid_votes=0)], [a_list()])
    assert codes(report, "station_results") == {"F.204"}


def test_lists_of_a_whole_municipality_add_up_to_its_valid_votes(check, municipal):
    here = municipal[
        (municipal["election_id"] == "GR2026") & (municipal["municipality_code"] == "0755")
    ]
    valid = int(here["valid_votes_count"].iloc[0])
    for total, broken in ((valid - 1, {"F.202"}), (valid, set()), (valid + 1, {"F.202"})):
        report = check(lists=[a_list(station="", votes_count=str(total))])
        found = {f.code for f in report.findings if f.code.startswith("F")}
        assert found == broken


@pytest.mark.parametrize(
    ("total", "numbers", "broken"),
    [
        (990, (989, 0), "F.402"),
        (990, (989, 1), ""),
        (990, (989, 2), "F.402"),
        (0, (1, 0), "F.401"),
        (0, (0, 0), ""),
    ],
)
def test_candidates_add_up_to_their_list(check, total, numbers, broken):
    candidates = [
        votes(votes_count=str(v), candidate_number=str(n)) for n, v in enumerate(numbers, start=1)
    ]
    others = [a_list(number="2", votes_count=str(990 - total))]
    report = check([station()], [a_list(votes_count=str(total)), *others], candidates)
    assert codes(report, "candidate_results") == ({broken} if broken else set())
    assert len(report.accepted["candidate_results"]) == (0 if broken else 2)
    # In a table of millions of rows, one line stands for all of a file and municipality.
    assert report.excluded["rows"].tolist() == ([2] if broken else [])


@pytest.mark.parametrize("field", ["votes_cast", "invalid_votes", "more_ballots", "poll_card"])
@pytest.mark.parametrize("change", [-1, 0, 1])
def test_stations_add_up_to_their_municipality(check, municipal, field, change):
    first = station(poll_card=878, admitted_voters=998, more_ballots=2)
    second = STATION | {"polling_station_id": "2"}
    results = municipal.copy()
    here = (results["election_id"] == "GR2026") & (results["municipality_code"] == "0755")
    for name in (c for c in STATION if c.endswith("_count") and c != "eligible_voters_count"):
        results.loc[here, name] = str(int(first[name]) + int(second[name]))
    changed = f"{field}_count"
    results.loc[here, changed] = str(int(results.loc[here, changed].iloc[0]) + change)
    report = check([first, second], results=results.fillna(""))
    found = [f for f in report.findings if f.code == "P.114"]
    if not change or field in ("votes_cast", "invalid_votes"):
        # A changed sum E + F + G is an error of its own and goes first.
        assert not found
        assert ("F.203" in {f.code for f in report.findings}) is bool(change)
    else:
        (finding,) = found
        assert finding.fields == changed
        assert finding.municipality_code == "0755"
        assert "stations=" in finding.value


def test_more_and_fewer_of_a_municipality_are_checked_by_their_balance(check, municipal):
    results = municipal.copy()
    here = (results["election_id"] == "GR2026") & (results["municipality_code"] == "0755")
    cast = int(results.loc[here, "votes_cast_count"].iloc[0])
    for more, fewer, broken in ((3, 2, False), (2, 1, False), (3, 3, True), (1, 1, True)):
        filled = results.assign(
            admitted_voters_count="", more_ballots_count="", fewer_ballots_count=""
        )
        filled.loc[here, "admitted_voters_count"] = str(cast - 1)
        filled.loc[here, "more_ballots_count"] = str(more)
        filled.loc[here, "fewer_ballots_count"] = str(fewer)
        found = {f.code for f in check(results=filled).findings}
        assert ("F.312" in found) is broken
        assert not found & {"F.305", "F.306", "F.307"}


def test_details_without_a_result_of_their_municipality_are_told(check):
    report = check([STATION | {"municipality_code": "9999"}])
    (finding,) = [f for f in report.findings if f.code == "P.115"]
    assert (finding.municipality_code, finding.election) == ("9999", "GR2026")


def test_a_station_given_twice_is_excluded(check):
    report = check([station(), station()])
    assert {f.code for f in report.findings if f.severity == "error"} == {"K.101"}
    assert report.accepted["station_results"].empty


@pytest.mark.parametrize(("cell", "code"), [("x", "T.101"), ("", "T.102"), ("-1", "N.101")])
def test_a_faulty_cell_of_a_large_table_costs_its_row_alone(check, cell, code):
    lists = [a_list(number="1", votes_count=cell), a_list(number="2")]
    report = check(lists=lists)
    assert codes(report, "list_results") - {"P.115"} == {code}
    assert report.accepted["list_results"]["votes_count"].tolist() == [990]
    assert report.accepted["list_results"]["votes_count"].dtype == "int64"


def test_a_faulty_list_does_not_cost_its_municipality(check, municipal):
    here = municipal[
        (municipal["election_id"] == "GR2026") & (municipal["municipality_code"] == "0755")
    ]
    valid = int(here["valid_votes_count"].iloc[0])
    lists = [a_list(station="", votes_count=str(valid - 10)), a_list(station="", number="2")]
    report = check(lists=[lists[0], lists[1] | {"votes_count": "1O"}])
    assert {f.code for f in report.findings if f.severity == "error"} == {"T.101"}
    assert "0755" in set(report.accepted["municipality_results"]["municipality_code"])


def test_a_faulty_candidate_does_not_cost_the_others_of_its_list(check):
    rows = [votes(votes_count=v, candidate_number=n) for n, v in (("1", "900"), ("2", "9O"))]
    report = check([station()], [a_list()], rows)
    assert codes(report, "candidate_results") == {"T.101"}
    assert len(report.accepted["candidate_results"]) == 1


def test_a_faulty_station_is_not_told_again_as_a_sum(check):
    report = check([station(invalid_votes="x"), STATION | {"polling_station_id": "2"}])
    assert "P.114" not in {f.code for f in report.findings}


def test_a_list_given_twice_is_one_whatever_its_name(check):
    lists = [a_list(votes_count="500"), a_list(votes_count="490") | {"list_name": "Lijst bis"}]
    report = check([station()], lists)
    assert codes(report, "list_results") == {"K.101"}
    names = [votes(number="") | {"list_name": name} for name in ("A", "B")]
    assert not codes(check(lists=names), "list_results")


@pytest.mark.parametrize(
    ("admitted", "eligible", "found"),
    [(5, 4, True), (5, 5, False), (5, 6, False), ("", -1, True), ("", 0, False)],
)
def test_eligible_voters_are_at_least_those_admitted(check, municipal, admitted, eligible, found):
    results = municipal.assign(admitted_voters_count="")
    here = (results["election_id"] == "GR2026") & (results["municipality_code"] == "0755")
    cast = int(results.loc[here, "votes_cast_count"].iloc[0])
    if admitted:
        results.loc[here, "admitted_voters_count"] = str(cast + admitted)
    results.loc[here, "eligible_voters_count"] = str(cast + eligible)
    report = check(results=results)
    told = {f.code for f in report.findings if f.municipality_code == "0755"}
    assert ("W.206" in told) is found


def test_every_rule_of_the_counting_software_has_its_code():
    codes = {rule.code for rule in RULES}
    assert codes >= {"F.201", "F.202", "F.203", "F.204", "F.312", "F.401", "F.402"}
    assert codes >= {f"F.30{n}" for n in range(5, 10)} | {f"W.20{n}" for n in range(1, 7)}
