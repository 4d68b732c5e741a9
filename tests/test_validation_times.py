"""Rules on times at their boundary; personal data; moments without a date."""

from __future__ import annotations

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.simulation import simulate_panel
from ballot_eval.sources import read_raw
from ballot_eval.sources.personal import personal_sign

VOTER = {
    "election_id": "GR2026",
    "municipality_code": "0755",
    "polling_station_id": "SB1",
    "ballot": "new",
    "voting_seconds": "60",
    "assisted": "no",
    "observer_id": "W01",
    "observation_number": "1",
    "observation_status": "complete",
    "first_use": "no",
}
COUNT = {
    "election_id": "GR2026",
    "municipality_code": "0755",
    "counting_unit_id": "SB1",
    "counting_unit_type": "polling_station",
    "counting_method": "DSO",
    "ballot": "new",
    "started_at": "2026-03-18T21:05",
    "ended_at": "2026-03-18T23:05",
    "counters_count": "4",
    "ballots_count": "500",
    "lists_count": "10",
    "recount": "no",
    "counting_status": "finished",
}
SESSION = COUNT | {"counting_unit_type": "central_session", "counting_method": "CSO"}


@pytest.fixture(scope="module")
def results(gr2026):
    return simulate_panel(gr2026, seed=1, effect=0.003).to_csv(index=False)


@pytest.fixture
def check(gr2026, results, tmp_path):
    """Return a function that validates rows of one table beside sound results."""

    def run(table, *rows):
        (tmp_path / "municipality_results.csv").write_text(results, encoding="utf-8")
        pd.DataFrame(list(rows)).to_csv(tmp_path / f"{table}.csv", index=False)
        return be.validate(read_raw(gr2026, tmp_path), gr2026)

    return run


def codes(report, line=2):
    return {f.code for f in report.findings if f.line == line}


@pytest.mark.parametrize(
    ("change", "code", "found"),
    [
        ({"voting_seconds": "0"}, "V.101", True),
        ({"voting_seconds": "-3.5"}, "V.101", True),
        ({"voting_seconds": "0.1"}, "V.101", False),
        ({"voting_seconds": "3600"}, "V.102", False),
        ({"voting_seconds": "3600.1"}, "V.102", True),
        ({"voting_seconds": "4.9"}, "V.103", True),
        ({"voting_seconds": "5"}, "V.103", False),
        ({"voting_seconds": "4.9", "observation_status": "cut_off"}, "V.103", False),
        ({"voting_seconds": "1200"}, "V.103", False),
        ({"voting_seconds": "1200.5"}, "V.103", True),
        ({"voting_seconds": "1e3"}, "T.104", True),
        ({"voting_seconds": "12,5"}, "T.104", True),
        ({"voting_seconds": ""}, "T.102", True),
        ({"ballot": "old"}, "P.109", True),
        ({"municipality_code": "0363"}, "P.109", True),
        ({"municipality_code": "0363", "ballot": "old"}, "P.109", False),
        ({"ballot": "nieuw"}, "T.103", True),
        ({"assisted": "maybe"}, "T.103", True),
        ({"age_band": "18-34"}, "T.103", False),
        ({"age_band": "75+"}, "T.103", False),
        ({"age_band": ""}, "T.103", False),
        ({"age_band": "oud"}, "T.103", True),
        ({"observation_number": "-1"}, "N.101", True),
        ({"observer_id": "Jan de Vries"}, "T.103", True),
    ],
)
def test_rules_on_voting_times(check, change, code, found):
    report = check("voting_times", VOTER | change)
    assert (code in codes(report)) is found


def test_a_name_for_a_code_is_not_passed_on(check):
    report = check("voting_times", VOTER | {"observer_id": "Jan de Vries"})
    text = report.to_frame().to_csv() + report.excluded.to_csv()
    assert "T.103" in text
    assert "Vries" not in text


@pytest.mark.parametrize(
    ("change", "code", "found"),
    [
        ({"counting_method": ""}, "C.101", True),
        ({"counting_method": "BSO"}, "T.103", True),
        ({"counting_unit_type": "central_session"}, "C.102", True),
        (SESSION, "C.102", False),
        (SESSION | {"started_at": "21:05"}, "C.103", True),
        (SESSION, "C.103", False),
        ({"started_at": "2026-03-18T20:59"}, "C.104", True),
        ({"started_at": "2026-03-18T21:00"}, "C.104", False),
        ({"started_at": "20:59"}, "C.104", True),
        ({"started_at": "01:00", "ended_at": "02:00"}, "C.104", False),
        ({"ended_at": "2026-03-18T21:05"}, "C.105", True),
        ({"ended_at": "2026-03-18 21:06"}, "C.105", False),
        ({"ended_at": "00:30"}, "C.105", False),
        ({"ended_at": "2026-03-20T09:05"}, "C.106", False),
        ({"ended_at": "2026-03-20T09:06"}, "C.106", True),
        ({"counters_count": "0"}, "C.107", True),
        ({"ballots_count": "0"}, "C.107", True),
        ({"lists_count": "1"}, "C.107", False),
        # 120 minutes × 4 counters = 480 person-minutes.
        ({"ballots_count": "24000"}, "C.108", False),
        ({"ballots_count": "24001"}, "C.108", True),
        ({"ballots_count": "80"}, "C.108", False),
        ({"ballots_count": "79"}, "C.108", True),
        ({"ballots_count": "79", "counting_status": "still_counting"}, "C.108", False),
        ({"ended_at": "2026-02-30T22:00"}, "T.105", True),
        ({"ended_at": "24:00"}, "T.105", True),
        ({"ended_at": "kwart over elf"}, "T.105", True),
        ({"recount": "ja"}, "T.103", True),
    ],
)
def test_rules_on_counting_times(check, change, code, found):
    report = check("counting_times", COUNT | change)
    assert (code in codes(report)) is found


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("21:05", "2026-03-18 21:05"),
        ("12:00", "2026-03-18 12:00"),
        ("11:59", "2026-03-19 11:59"),
        ("0:30", "2026-03-19 00:30"),
        ("2026-03-19T00:30", "2026-03-19 00:30"),
        ("2026-03-18 23:59:30", "2026-03-18 23:59:30"),
    ],
)
def test_a_time_without_a_date_is_of_the_night_of_the_count(check, text, moment):
    report = check("counting_times", COUNT | {"started_at": "2026-03-18T21:00", "ended_at": text})
    (ended,) = report.accepted["counting_times"]["ended_at"].tolist() or [pd.NaT]
    # What ends before it starts is excluded by another rule.
    assert ended == pd.Timestamp(moment) or moment < "2026-03-18 21:00"


def test_derived_dates_are_counted(check):
    rows = [COUNT, COUNT | {"counting_unit_id": "SB2", "started_at": "21:05", "ended_at": "0:15"}]
    (found,) = [f for f in check("counting_times", *rows).findings if f.code == "I.105"]
    assert found.value == "rows=1; ended_after_midnight=1"


def test_two_methods_or_numbers_of_lists_in_one_municipality(check):
    other = {"counting_unit_id": "SB2", "counting_method": "CSO", "lists_count": "11"}
    report = check("counting_times", COUNT, COUNT | other)
    found = {f.code: f.value for f in report.findings}
    assert found["C.109"] == "counting_method=CSO+DSO"
    assert found["C.110"] == "lists_count=10+11"


def test_times_without_results(check):
    report = check("voting_times", VOTER | {"municipality_code": "9999", "ballot": "old"})
    (found,) = [f for f in report.findings if f.code == "P.110"]
    assert (found.municipality_code, found.value) == ("9999", "rows=1")


def test_an_observer_who_rounds_is_named_once(check):
    rows = [
        VOTER | {"observation_number": str(i), "voting_seconds": str(s), "observer_id": observer}
        for observer, step in (("W01", 10), ("W02", 1))
        for i, s in enumerate(range(30, 30 + 40 * step, step))
    ]
    found = [f for f in check("voting_times", *rows).findings if f.code == "V.104"]
    assert len(found) == 1
    assert found[0].value.startswith("observer=W01; multiples_of_10=40 of 40")


def test_a_duplicate_observation_is_excluded(check):
    report = check("voting_times", VOTER, VOTER | {"voting_seconds": "61"})
    assert len(report.excluded) == 2
    assert {f.code for f in report.findings if f.table == "voting_times"} == {"K.101"}


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("naam", []),
        ("Naam kiezer", ["x"]),
        ("voterName", []),
        ("BSN", []),
        ("geboortedatum", []),
        ("e-mail", []),
        ("telefoon_thuis", []),
        ("postcode", []),
        ("geslacht", []),
        ("stemkeuze", []),
        ("opmerking", ["a.b@voorbeeld.nl", "c@voorbeeld.nl", ""]),
        ("kolom", ["06-12345678", "+31 6 12345678"]),
        ("nummer", ["111222333", "123456782"]),
        ("dag", ["1961-04-05", "05-04-1961"]),
        ("plaats", ["1234 AB", "5678CD"]),
        ("wie", ["Jan de Vries", "Anna van der Berg"]),
    ],
)
def test_a_column_that_looks_personal(column, cells):
    assert personal_sign(column, cells)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("station_name", ["De Brug"]),
        ("gemeentenaam", ["Boekel"]),
        ("weer", ["zon", "regen"]),
        ("nummer", ["1", "2", "3"]),
        ("wachtenden", ["123456789", "12"]),
        ("leeg", []),
        ("tijdstip", ["21:05"]),
    ],
)
def test_a_column_that_does_not(column, cells):
    assert not personal_sign(column, cells)


def test_other_columns_are_named_and_not_read(check):
    report = check("voting_times", VOTER | {"weer": "zon", "Naam kiezer": "Jan de Vries"})
    found = {f.code: f for f in report.findings if f.code.startswith("D")}
    assert found["D.101"].severity == "error"
    assert (found["D.101"].fields, found["D.102"].fields) == ("Naam kiezer", "weer")
    assert "Vries" not in report.to_frame().to_csv()
    assert "weer" not in report.accepted["voting_times"].columns


def test_a_file_without_its_optional_column_is_read(check):
    report = check("voting_times", VOTER)
    assert report.accepted["voting_times"]["age_band"].tolist() == [""]
    assert not report.has_errors
