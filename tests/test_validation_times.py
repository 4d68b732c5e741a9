"""Rules on times at their boundary; personal data; moments without a date."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate, simulate_panel
from ballot_eval.sources import read_raw
from ballot_eval.sources.personal import personal_sign
from ballot_eval.topics.counts import select_counts
from ballot_eval.validation.frictionless import table_schemas

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
RECOUNT = COUNT | {"recount": "yes"}
SESSION = COUNT | {"counting_unit_type": "central_session", "counting_method": "CSO"}
EARLY = SESSION | {"started_at": "2026-03-29T01:30", "ended_at": "2026-03-29T04:30"}


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
        ({"voting_seconds": "1.99"}, "V.105", True),
        ({"voting_seconds": "2"}, "V.105", False),
        ({"voting_seconds": "0.000001"}, "V.105", True),
        ({"voting_seconds": "1.5", "observation_status": "cut_off"}, "V.105", False),
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
        ({"age_band": "18-34"}, "V.106", False),
        ({"age_band": "75+"}, "V.106", False),
        ({"age_band": ""}, "V.106", False),
        ({"age_band": "20-24"}, "V.106", False),
        ({"age_band": "20-23"}, "V.106", True),
        ({"age_band": "47-47"}, "V.106", True),
        ({"age_band": "34-18"}, "V.106", True),
        ({"observation_number": "-1"}, "N.101", True),
        ({"observer_id": "Jan de Vries"}, "T.103", True),
        (
            {"polling_station_id": "'t Skûlehûs (zaal 2) - Ing. Smit-straat 1/3"[:40]},
            "T.103",
            False,
        ),
        ({"polling_station_id": "x" * 40}, "T.103", False),
        ({"polling_station_id": "x" * 41}, "T.103", True),
        ({"polling_station_id": "j.devries@x.nl"}, "T.103", True),
        ({"polling_station_id": " SB1"}, "T.103", True),
    ],
)
def test_rules_on_voting_times(check, change, code, found):
    report = check("voting_times", VOTER | change)
    assert (code in codes(report)) is found


@pytest.mark.parametrize(
    ("table", "row", "change"),
    [
        ("voting_times", VOTER, {"observer_id": "Jan de Vries"}),
        ("voting_times", VOTER, {"polling_station_id": "J.deVries@x.nl"}),
        ("voting_times", VOTER, {"age_band": "Vries, 1961-04-05"}),
        ("counting_times", COUNT, {"counting_unit_id": "J.deVries@x.nl"}),
    ],
)
def test_what_stands_where_a_code_belongs_is_not_passed_on(check, table, row, change):
    report = check(table, row | change)
    text = report.to_frame().to_csv() + report.excluded.to_csv()
    assert "T.103" in text
    assert "Vries" not in text


def test_a_narrow_age_band_is_not_passed_on(check):
    report = check("voting_times", VOTER | {"age_band": "47-47"})
    assert "V.106" in codes(report)
    assert "47-47" not in report.to_frame().to_csv() + report.excluded.to_csv()


@pytest.mark.parametrize(
    ("cells", "kind", "found"),
    [
        (["a.b@x.nl", "SB2", "SB3"], "e-mail addresses", 1),
        (["06-12345678", "SB2", "SB3"], "telephone numbers", 1),
        (["111222333", "123456782", "SB3"], "citizen service numbers", 2),
        # One in three is as like a number that passes the test by chance.
        (["111222333", "SB2", "SB3"], "", 0),
        (["SB1", "De Brug 2", "0755"], "", 0),
    ],
)
@pytest.mark.parametrize("table", ["voting_times", "counting_times"])
def test_personal_cells_of_a_column_that_is_read(check, table, cells, kind, found):
    row, field = {
        "voting_times": (VOTER, "polling_station_id"),
        "counting_times": (COUNT, "counting_unit_id"),
    }[table]
    report = check(table, *(row | {field: cell} for cell in cells))
    hits = [f for f in report.findings if f.code == "D.103"]
    assert len(report.excluded) == found
    text = report.to_frame().to_csv() + report.excluded.to_csv()
    if not kind:
        assert not hits
        return
    (hit,) = hits
    assert (hit.severity, hit.fields, hit.file) == ("error", field, f"{table}.csv")
    assert hit.value == f"rows={found}; {kind}"
    assert not any(cell in text for cell in cells[:found])


@pytest.mark.parametrize(
    ("change", "code", "found"),
    [
        ({"counting_method": ""}, "C.101", True),
        ({"counting_method": "BSO"}, "T.103", True),
        ({"counting_unit_type": "central_session"}, "C.102", True),
        (SESSION, "C.102", False),
        (SESSION | {"started_at": "21:05"}, "C.103", True),
        (SESSION, "C.103", False),
        # A recount in the afternoon is not one of the day of the election.
        (RECOUNT | {"started_at": "14:00", "ended_at": "15:00"}, "C.103", True),
        (RECOUNT | {"started_at": "14:00", "ended_at": "15:00"}, "C.104", False),
        (RECOUNT | {"ended_at": "23:05"}, "C.103", True),
        (RECOUNT, "C.103", False),
        # Ten past nine in the evening on a clock of twelve hours.
        ({"started_at": "09:10", "ended_at": "10:40"}, "C.112", True),
        ({"started_at": "04:00", "ended_at": "04:30"}, "C.112", True),
        ({"started_at": "03:00", "ended_at": "03:59"}, "C.112", False),
        ({"ended_at": "04:00"}, "C.112", True),
        ({"ended_at": "11:59"}, "C.112", True),
        ({"ended_at": "12:00"}, "C.112", False),
        ({"ended_at": "2026-03-19T04:30"}, "C.112", False),
        ({"started_at": "2026-03-19T09:10", "ended_at": "2026-03-19T10:40"}, "C.112", False),
        ({"started_at": "2026-03-18T20:59"}, "C.104", True),
        ({"started_at": "2026-03-18T21:00"}, "C.104", False),
        ({"started_at": "20:59"}, "C.104", True),
        ({"started_at": "01:00", "ended_at": "02:00"}, "C.104", False),
        ({"ended_at": "2026-03-18T21:05"}, "C.105", True),
        ({"ended_at": "2026-03-18 21:06"}, "C.105", False),
        ({"ended_at": "00:30"}, "C.105", False),
        ({"ended_at": "2026-03-20T09:05"}, "C.106", False),
        ({"ended_at": "2026-03-20T09:06"}, "C.106", True),
        ({"started_at": "2026-03-19T11:59", "ended_at": "2026-03-19T13:00"}, "C.111", False),
        ({"started_at": "2026-03-19T12:00", "ended_at": "2026-03-19T13:00"}, "C.111", True),
        ({"started_at": "2026-03-25T21:30", "ended_at": "2026-03-25T23:00"}, "C.111", True),
        ({"started_at": "2026-04-18T21:30", "ended_at": "2026-04-18T23:00"}, "C.111", True),
        (
            SESSION | {"started_at": "2026-04-01T23:59", "ended_at": "2026-04-02T02:00"},
            "C.111",
            False,
        ),
        (
            SESSION | {"started_at": "2026-04-02T00:00", "ended_at": "2026-04-02T02:00"},
            "C.111",
            True,
        ),
        # Votes may be counted again days later.
        (
            RECOUNT | {"started_at": "2026-03-25T10:00", "ended_at": "2026-03-25T12:00"},
            "C.111",
            False,
        ),
        (
            RECOUNT | {"started_at": "2026-04-02T00:00", "ended_at": "2026-04-02T02:00"},
            "C.111",
            True,
        ),
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
        # The clock goes from two to three.
        (EARLY | {"started_at": "2026-03-29T02:30"}, "T.105", True),
        (EARLY | {"started_at": "2026-03-29T03:00"}, "T.105", False),
        (EARLY | {"started_at": "0001-03-29T03:00"}, "C.104", True),
        (EARLY | {"ended_at": "9999-03-29T04:30"}, "C.106", True),
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
        ("3:59", "2026-03-19 03:59"),
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


def excluded_as(report, code):
    chosen = report.excluded[report.excluded["code"] == code]
    return list(zip(chosen["municipality_code"], chosen["line"], strict=True))


def test_times_without_results_are_excluded(check):
    gone = VOTER | {"municipality_code": "9999", "ballot": "old"}
    rows = [VOTER, gone, gone | {"observation_number": "2"}, gone | {"municipality_code": "9998"}]
    report = check("voting_times", *rows)
    first, second = [f for f in report.findings if f.code == "P.110"]
    assert {f.severity for f in (first, second)} == {"error"}
    assert (first.municipality_code, first.election, first.value) == ("9998", "GR2026", "rows=1")
    assert (first.file, first.line) == ("voting_times.csv", 5)
    assert (second.municipality_code, second.election, second.value) == ("9999", "GR2026", "rows=2")
    assert second.file == "voting_times.csv"
    assert second.statement.endswith("(voting_times.csv:3)")
    assert excluded_as(report, "P.110") == [("9999", 3), ("9999", 4), ("9998", 5)]
    assert report.accepted["voting_times"]["municipality_code"].tolist() == ["0755"]


def test_times_without_results_at_an_earlier_election_are_excluded(check):
    then = COUNT | {"election_id": "GR2022", "ballot": "old", "municipality_code": "9999"}
    then |= {"started_at": "2022-03-16T21:05", "ended_at": "2022-03-16T23:05"}
    report = check("counting_times", COUNT, then, then | {"municipality_code": "0755"})
    (found,) = [f for f in report.findings if f.severity == "error"]
    assert (found.code, found.election, found.line) == ("P.110", "GR2022", 3)
    assert len(report.excluded) == 1


@pytest.mark.parametrize(("table", "row"), [("voting_times", VOTER), ("counting_times", COUNT)])
def test_times_of_a_former_experiment_municipality_are_named(check, table, row):
    field = {"voting_times": "observation_number", "counting_times": "counting_unit_id"}[table]
    borne = row | {"municipality_code": "0147", "ballot": "old"}
    report = check(table, row, borne, borne | {field: "2"})
    (found,) = [f for f in report.findings if f.code == "I.106"]
    assert (found.severity, found.municipality_code, found.election) == ("info", "0147", "GR2026")
    assert (found.file, found.value) == (f"{table}.csv", "rows=2")
    assert excluded_as(report, "I.106") == [("0147", 3), ("0147", 4)]
    assert not report.has_errors


def test_times_of_another_election_are_named(check):
    # Of EP2024 there are no results here: that the rows are not used is all there is to say.
    then = VOTER | {"election_id": "EP2024"}
    rows = [VOTER, then, then | {"observation_number": "2"}, VOTER | {"election_id": "GR2022"}]
    report = check("voting_times", *rows)
    found = [f for f in report.findings if f.code == "I.107"]
    assert [(f.election, f.value) for f in found] == [("EP2024", "rows=2"), ("GR2022", "rows=1")]
    assert len(excluded_as(report, "I.107")) == 3
    assert not report.has_errors


def test_counts_are_used_of_the_study_and_its_baselines_only(check):
    day = {"started_at": "2022-03-16T21:05", "ended_at": "2022-03-16T23:05"}
    then = COUNT | day | {"election_id": "GR2022", "ballot": "old"}
    other = COUNT | {"election_id": "TK2025"}
    other |= {"started_at": "2025-10-29T21:05", "ended_at": "2025-10-29T23:05"}
    report = check("counting_times", COUNT, then, other)
    assert excluded_as(report, "I.107") == [("0755", 4)]
    assert report.accepted["counting_times"]["election_id"].tolist() == ["GR2026", "GR2022"]
    assert not report.has_errors


def test_a_recount_is_a_row_of_its_own(check):
    again = RECOUNT | {"started_at": "2026-03-20T10:00", "ended_at": "2026-03-20T12:00"}
    report = check("counting_times", COUNT, again)
    assert report.rows_accepted == report.rows_read
    (found,) = [f for f in report.findings if f.code == "I.108"]
    assert (found.severity, found.election, found.value) == ("info", "GR2026", "rows=1")
    twice = check("counting_times", COUNT, again, again)
    assert [line for _, line in excluded_as(twice, "K.101")] == [3, 4]
    assert not [f for f in check("counting_times", COUNT).findings if f.code == "I.108"]


def test_an_observer_who_rounds_is_named_once(check):
    rows = [
        VOTER | {"observation_number": str(i), "voting_seconds": str(s), "observer_id": observer}
        for observer, step in (("W01", 10), ("W02", 1))
        for i, s in enumerate(range(30, 30 + 40 * step, step))
    ]
    found = [f for f in check("voting_times", *rows).findings if f.code == "V.104"]
    assert len(found) == 1
    assert found[0].value.startswith("observer=W01; multiples_of_10=40 of 40")


def observed(times, observer="W01"):
    return [
        VOTER | {"observation_number": str(i), "voting_seconds": f"{s:g}", "observer_id": observer}
        for i, s in enumerate(times)
    ]


@pytest.mark.parametrize(
    ("times", "found"),
    [
        # Sixty whole seconds are not heaped because one cell has tenths; sixty tens are.
        ([*range(30, 89), 45.5], ""),
        ([*range(100, 700, 10), 45.25], "multiples_of_10=60 of 60"),
        ([*range(100, 700, 10), 45.5], "multiples_of_10=60 of 60"),
        # On a stopwatch with tenths one in a hundred is a multiple of ten by chance.
        ([30.1 + i for i in range(60)], ""),
        ([30.1 + i for i in range(40)] + [*range(50, 130, 10)], "multiples_of_10=8 of 48"),
        # What is finer is not judged.
        ([30.13 + i for i in range(40)] + [*range(50, 130, 10)], ""),
    ],
)
def test_an_observer_is_judged_by_the_usual_unit(check, times, found):
    hits = [f for f in check("voting_times", *observed(times)).findings if f.code == "V.104"]
    assert [found in f.value for f in hits] == ([True] if found else [])


def test_an_hour_that_the_clock_skips_does_not_count(gr2026, check):
    rows = check("counting_times", EARLY | {"ended_at": "2026-03-29T03:30"}).accepted
    counts = select_counts(rows["counting_times"], gr2026, "GR2026")
    assert counts.minutes.tolist() == [60.0]
    assert counts.until_finished.tolist() == [60.0]


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
        ("naam_stembureaulid", []),
        ("Naam stembureaulid", []),
        ("lijst_namen", []),
        ("naam_kandidaat_lijst", []),
        ("telefoon stembureau", []),
        ("naam gemeentesecretaris", []),
        ("waarnemernaam", []),
        ("BSN", []),
        ("geboortedatum", []),
        ("Geboortegemeente", []),
        ("geb_datum", []),
        ("Leeftijd", ["43", "51"]),
        ("age", []),
        ("voterAge", []),
        ("voorzitter", []),
        ("Chair", ["Piet"]),
        ("Teller 1", ["Piet"]),
        ("waarnemer", ["Piet", "W02"]),
        ("waarnemer_naam", ["W01"]),
        ("observer", ["jdv"]),
        ("e-mail", []),
        ("telefoon_thuis", []),
        ("postcode", []),
        ("geslacht", []),
        *((name, []) for name in ("religie", "etniciteit", "nationaliteit", "sex", "handicap")),
        *((name, ["ja", "nee"]) for name in ("blind", "rolstoel", "voter_wheelchair")),
        *((name, ["1"]) for name in ("kiezersnummer", "voter_id", "kiezer_id", "mobiele_nummer")),
        *((name, ["x"]) for name in ("paraaf", "rijbewijs", "id_kaart", "contactgegevens", "IP")),
        ("signalement", ["man, bril"]),
        ("geteld_door", ["Jansen"]),
        ("geteld_door2", ["jan de vries"]),
        ("timed_by", ["Jansen", "W02"]),
        ("stemkeuze", []),
        ("opmerking", ["a.b@voorbeeld.nl", "c@voorbeeld.nl", ""]),
        ("opmerking", ["vraag het a.b@voorbeeld.nl", "geen", "geen", "geen"]),
        ("stembureau_naam", ["a.b@voorbeeld.nl"]),
        ("kolom", ["06-12345678", "+31 6 12345678"]),
        ("nummer", ["111222333", "123456782"]),
        ("dag", ["1961-04-05", "05-04-1961"]),
        ("dag", ["31.12.2014", "5/4/1961"]),
        ("plaats", ["1234 AB", "5678CD"]),
        ("wie", ["Jan de Vries", "Anna van der Berg"]),
        ("wie", ["Vries, J. de", "Berg, Anna van der"]),
        ("wie", ["J. de Vries", "J.P. Jansen-Smit"]),
        ("wie", ["mevr. Jansen", "Dhr De Boer"]),
        ("wie", ["Özlem Şahin", "Vries J. de"]),
        ("wie", ["Jan Van Den Berg", "JAN JANSEN"]),
        ("ingevuld_voor_waarnemer", ["piet jansen", "anna de boer"]),
        ("chair_on_duty", ["piet jansen", "W01"]),
    ],
)
def test_a_column_that_looks_personal(column, cells):
    assert personal_sign(column, cells)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("station_name", ["De Brug"]),
        ("pollingStationName", ["Jan Steen"]),
        ("municipality_name", ["Den Haag"]),
        ("gemeentenaam", ["Boekel"]),
        ("gemeente naam", ["Den Haag"]),
        ("Naam van de gemeente", ["Den Haag"]),
        ("naam_gemeente", ["Den Haag"]),
        ("stembureaunaam", ["De Brug"]),
        ("naam_stembureau", ["Willem Alexander"]),
        ("stembureau", ["De Brug"]),
        ("lijstnaam", ["Lijst Jansen"]),
        ("list_name", ["Samen Verder"]),
        ("kieskringnaam", ["Den Haag"]),
        ("locatie", ["De Brug", "Het Anker"]),
        ("weer", ["zon", "regen"]),
        ("weer", ["zwaar bewolkt", "droog, koud"]),
        ("weer", ["Zwaar bewolkt", "Lichte regen, wind"]),
        ("opmerking_waarnemer", ["drukke ochtend", "geen rij"]),
        ("opmerking", ["Jan de Vries was te laat, daarna ging het goed"]),
        ("waarnemer", ["W01", "W02", ""]),
        ("observer_code", ["W01"]),
        ("geteld_door", ["W01", "4"]),
        ("timed_by", ["W01", ""]),
        ("rolstoel_toegankelijk", ["ja"]),
        ("wheelchair_access", ["yes"]),
        ("tellers", ["4", "5"]),
        ("aantal_tellers", ["4"]),
        ("age_band", ["18-34"]),
        ("leeftijdsgroep", ["18-34"]),
        ("leeftijd_groep", ["18-34"]),
        ("percentage", ["12"]),
        ("nummer", ["1", "2", "3"]),
        ("wachtenden", ["123456789", "12"]),
        ("leeg", []),
        ("tijdstip", ["21:05"]),
        ("tijdstip", ["2026-03-18", "18-03-2026"]),
        ("tijdstip", ["2015-01-01"]),
    ],
)
def test_a_column_that_does_not(column, cells):
    assert not personal_sign(column, cells)


def test_a_long_cell_is_judged_quickly():
    for text in ("a" * 100_000, "a." * 50_000, "a@" * 50_000, "Aa " * 30_000, "1-" * 50_000):
        personal_sign("opmerking", [text])


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


def test_the_dictionary_says_what_one_row_of_times_is():
    texts = table_schemas()
    for table in ("voting_times", "counting_times"):
        assert TABLES[table].nl in texts["README.md"]
        assert TABLES[table].en == json.loads(texts[f"{table}.json"])["description"]
    assert "one count" in TABLES["counting_times"].en


def test_long_seconds_are_said_to_be_of_another_unit(check):
    (found,) = [
        f
        for f in check("voting_times", VOTER | {"voting_seconds": "6000"}).findings
        if f.code == "V.102"
    ]
    assert "andere eenheid dan seconden?" in found.statement


def test_simulated_times_are_used_to_the_last_row(gr2026, tmp_path):
    simulate(gr2026, tmp_path, seed=2026)
    report = be.validate(read_raw(gr2026, tmp_path), gr2026)
    assert not report.has_errors
    assert report.excluded.empty
    assert "I.108" in {f.code for f in report.findings}
