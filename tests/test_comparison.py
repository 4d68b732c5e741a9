"""Two sources of one election: exactly the cells that were changed are told, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ballot_eval.comparison import COLUMNS, compare_sources, summary
from ballot_eval.schema import COUNT_FIELDS, TABLES
from raw_frames import raw_tables

ELECTION, CODE = "GR2022", "0301"
STATIONS, LISTS, CANDIDATES = ("1", "2", "3"), ("1", "2"), ("1", "2", "3")


def municipalities(*codes):
    rows = [
        {"election_id": ELECTION, "municipality_code": code, "municipality_name": f"Plaats {code}"}
        | {field: str(100 * i) for i, field in enumerate(COUNT_FIELDS, 1)}
        for code in codes or (CODE,)
    ]
    return pd.DataFrame(rows)


def stations(*ids, code=CODE):
    rows = [
        {"election_id": ELECTION, "municipality_code": code, "municipality_name": "Zutphen"}
        | {"polling_station_id": station, "polling_station_name": f"School {station}"}
        | {"postcode": "7201AA"}
        | {field: str(10 * i) for i, field in enumerate(COUNT_FIELDS, 1)}
        for station in ids or STATIONS
    ]
    return pd.DataFrame(rows)


def lists(places=("", *STATIONS), numbers=LISTS, code=CODE):
    rows = [
        {"election_id": ELECTION, "municipality_code": code, "polling_station_id": place}
        | {"list_number": number, "list_name": f"Lijst {number}", "votes_count": "7"}
        for place in places
        for number in numbers
    ]
    return pd.DataFrame(rows)


def candidates(places=("", *STATIONS), numbers=LISTS, code=CODE):
    rows = [
        {"election_id": ELECTION, "municipality_code": code, "polling_station_id": place}
        | {"list_number": number, "candidate_number": candidate, "votes_count": "2"}
        for place in places
        for number in numbers
        for candidate in CANDIDATES
    ]
    return pd.DataFrame(rows)


def regions():
    row = {"election_id": ELECTION, "region_code": "P1", "region_name": "Ergens"}
    row |= {"region_type": "province"} | dict.fromkeys(COUNT_FIELDS, "5")
    return pd.DataFrame([row])


def whole(**changed):
    tables = {
        "municipality_results": municipalities(),
        "region_results": regions(),
        "station_results": stations(),
        "list_results": lists(),
        "candidate_results": candidates(),
    }
    return raw_tables(tables | changed)


def told(first, second, *columns):
    found = compare_sources(first, second)
    return list(found[list(columns)].itertuples(index=False, name=None))


def changed(frame, row, column, cell):
    other = frame.copy()
    other.loc[row, column] = cell
    return other


def test_a_source_agrees_with_itself_in_any_order():
    other = whole(
        municipality_results=municipalities(),
        list_results=lists()[::-1],
        candidate_results=candidates().sample(frac=1, random_state=1),
        station_results=stations(*STATIONS[::-1]),
    )
    found = compare_sources(whole(), other)
    assert found.empty
    assert tuple(found.columns) == COLUMNS
    assert summary(found).empty


def test_a_cell_is_told_with_its_place_in_both_files():
    later = stations().assign(source_file="later.csv", source_line=[31, 32, 33])
    other = whole(station_results=changed(later, 1, "blank_votes_count", "41"))
    (row,) = compare_sources(whole(), other).to_dict("records")
    assert row == {
        "table": "station_results",
        "kind": "count",
        "level": "cell",
        "election_id": ELECTION,
        "unit_code": CODE,
        "polling_station_id": "2",
        "list_number": "",
        "list_name": "",
        "candidate_number": "",
        "field": "blank_votes_count",
        "first": "40",
        "second": "41",
        "first_file": "m.csv",
        "first_line": 3,
        "second_file": "later.csv",
        "second_line": 32,
        "rows": 1,
    }


def test_a_count_on_a_line_of_its_own_is_told_with_that_line():
    other = whole(municipality_results=changed(municipalities(), 0, "votes_cast_count", "1"))
    lines = other.cell_lines["municipality_results"].assign(votes_cast_count=88)
    other = replace(other, cell_lines=other.cell_lines | {"municipality_results": lines})
    assert told(whole(), other, "first_line", "second_line") == [(2, 88)]
    assert told(other, whole(), "first_line", "second_line") == [(88, 2)]


@pytest.mark.parametrize(
    ("table", "frame", "column", "cell", "kind"),
    [
        ("municipality_results", municipalities(), "votes_cast_count", "0200", None),
        ("municipality_results", municipalities(), "votes_cast_count", "201", "count"),
        ("municipality_results", municipalities(), "votes_cast_count", "200x", "count"),
        ("municipality_results", municipalities(), "municipality_name", "PLAATS  0301 ", None),
        ("municipality_results", municipalities(), "municipality_name", "Plaats 0310", "name"),
        ("region_results", regions(), "invalid_votes_count", "6", "count"),
        ("region_results", regions(), "region_type", "district", "name"),
        ("station_results", stations(), "postcode", "7201AB", "name"),
        ("station_results", stations(), "polling_station_name", "Stembureau school 1", None),
        ("station_results", stations(), "polling_station_name", "Stembureauschool 1", "name"),
        ("list_results", lists(), "list_name", "Lijst Een", "name"),
        ("list_results", lists(), "votes_count", "8", "count"),
        ("candidate_results", candidates(), "votes_count", "3", "count"),
    ],
)
def test_counts_are_numbers_and_names_are_words(table, frame, column, cell, kind):
    other = whole(**{table: changed(frame, 0, column, cell)})
    expected = [] if kind is None else [(table, kind, column, frame.loc[0, column], cell)]
    assert told(whole(), other, "table", "kind", "field", "first", "second") == expected


def test_a_column_that_a_source_does_not_give_is_not_compared():
    without = stations().assign(eligible_voters_count="", postcode="")
    assert told(whole(), whole(station_results=without), "field") == []
    partly = changed(without, 2, "eligible_voters_count", "10")
    fields = ("polling_station_id", "field", "first", "second")
    assert told(whole(), whole(station_results=partly), *fields) == [
        ("1", "eligible_voters_count", "10", ""),
        ("2", "eligible_voters_count", "10", ""),
    ]


def test_what_is_given_is_told_by_municipality():
    here, there = stations(), stations(code="0310").assign(eligible_voters_count="")
    both = pd.concat([here, there], ignore_index=True)
    full = pd.concat([here, stations(code="0310")], ignore_index=True)
    first, second = whole(station_results=full), whole(station_results=both)
    assert told(first, second, "field") == []


def test_a_station_that_only_one_source_has_is_told_once_for_each_table():
    fewer = whole(
        station_results=stations("1", "3"),
        list_results=lists(("", "1", "3")),
        candidate_results=candidates(("", "1", "3")),
    )
    columns = ("table", "kind", "level", "polling_station_id", "field", "rows")
    assert told(whole(), fewer, *columns) == [
        ("station_results", "only_first", "station", "2", "", 1),
        ("list_results", "only_first", "station", "2", "", 2),
        ("candidate_results", "only_first", "station", "2", "", 6),
    ]
    assert [row[1] for row in told(fewer, whole(), *columns)] == ["only_second"] * 3
    (row, *_) = compare_sources(fewer, whole()).to_dict("records")
    assert (row["first_file"], row["first_line"]) == ("", 0)
    assert (row["second_file"], row["second_line"]) == ("m.csv", 3)


@pytest.mark.parametrize(
    ("left", "level", "rows"),
    [
        (candidates(("",)), "stations", 18),
        (candidates(STATIONS), "whole", 6),
        (candidates(code="0310"), "unit", 24),
        (candidates().iloc[3:], "list", 3),
        (candidates().iloc[1:], "candidate", 1),
    ],
)
def test_missing_rows_are_told_as_high_up_as_possible(left, level, rows):
    found = compare_sources(whole(), whole(candidate_results=left.reset_index(drop=True)))
    found = found[found["kind"] == "only_first"]
    assert list(found[["level", "rows"]].itertuples(index=False, name=None)) == [(level, rows)]
    assert set(found["unit_code"]) == {CODE}
    assert not found["field"].any()


def test_lists_without_numbers_are_matched_by_name():
    named = lists().assign(list_number="", list_name=lambda d: d["list_name"].str.upper())
    other = changed(named, 3, "votes_count", "9")
    columns = ("level", "polling_station_id", "list_number", "list_name", "first", "second")
    assert told(whole(), whole(list_results=other), *columns) == [
        ("cell", "1", "2", "Lijst 2", "7", "9")
    ]
    assert told(whole(list_results=other), whole(), *columns) == [
        ("cell", "1", "2", "LIJST 2", "9", "7")
    ]
    renamed = changed(named, 3, "list_name", "Anders")
    columns = ("kind", "level", "polling_station_id", "list_name")
    assert told(whole(), whole(list_results=renamed), *columns) == [
        ("only_first", "list", "1", "Lijst 2"),
        ("only_second", "list", "1", "Anders"),
    ]


def test_numbers_elsewhere_do_not_keep_names_from_matching():
    here, there = lists(), lists(code="0310")
    first = pd.concat([here, there], ignore_index=True)
    # In one municipality the order of the lists is another one; the other has names only.
    second = pd.concat([here[::-1], there.assign(list_number="")], ignore_index=True)
    assert told(whole(list_results=first), whole(list_results=second), "kind") == []


def test_rows_given_twice_are_told_and_not_compared():
    again = pd.concat([lists(), lists().iloc[[2]].assign(votes_count="8")], ignore_index=True)
    columns = ("kind", "level", "polling_station_id", "list_number", "second_line", "rows")
    assert told(whole(), whole(list_results=again), *columns) == [
        ("twice_second", "list", "1", "1", 4, 2)
    ]
    all_twice = pd.concat([lists(), lists()], ignore_index=True)
    assert told(whole(list_results=all_twice), whole(), *columns) == [
        ("twice_first", "unit", "", "", 0, 16)
    ]


def test_other_elections_and_municipalities_stand_apart():
    first = municipalities("0301", "0310")
    second = pd.concat(
        [municipalities("0310"), municipalities("0301").assign(election_id="GR2018")],
        ignore_index=True,
    )
    columns = ("kind", "level", "election_id", "unit_code")
    found = told(
        raw_tables({"municipality_results": first}),
        raw_tables({"municipality_results": second}),
        *columns,
    )
    assert found == [
        ("only_second", "unit", "GR2018", "0301"),
        ("only_first", "unit", "GR2022", "0301"),
    ]


def test_the_summary_counts_cells_by_table_and_rows_by_source():
    other = whole(
        municipality_results=pd.concat([municipalities(), municipalities("0310")]),
        station_results=changed(stations(), 0, "blank_votes_count", "1"),
        list_results=changed(lists(), [0, 1], "list_name", "Anders"),
        candidate_results=changed(candidates(), [0, 1, 2], "votes_count", "1").iloc[:-3],
    )
    found = summary(compare_sources(whole(), other)).set_index("unit_code")
    zutphen = {"station_results": 1, "candidate_results": 3, "names": 2, "only_first": 3}
    numbers = found.drop(columns="election_id")
    assert {k: v for k, v in numbers.loc[CODE].items() if v} == zutphen
    assert {k: v for k, v in numbers.loc["0310"].items() if v} == {"only_second": 1}


CELLS = [
    (table, row, column.name)
    for table, frame in (
        ("municipality_results", municipalities()),
        ("station_results", stations()),
        ("list_results", lists()),
        ("candidate_results", candidates()),
    )
    for row in range(len(frame))
    for column in TABLES[table]
    if column.kind == "count" and column.name in frame
]


@settings(max_examples=40, deadline=None)
@given(
    picked=st.lists(st.sampled_from(CELLS), unique=True, max_size=12),
    more=st.integers(1, 999),
    seed=st.integers(0, 99),
)
def test_exactly_the_changed_cells_are_told(picked, more, seed):
    frames = {
        "municipality_results": municipalities(),
        "station_results": stations(),
        "list_results": lists(),
        "candidate_results": candidates(),
    }
    expected = set()
    others = {name: frame.copy() for name, frame in frames.items()}
    for table, row, field in picked:
        before = frames[table].loc[row, field]
        after = str(int(before) + more)
        others[table].loc[row, field] = after
        key = frames[table].loc[row]
        station, number, candidate = (
            key.get(c, "") for c in ("polling_station_id", "list_number", "candidate_number")
        )
        expected.add((table, station, number, candidate, field, before, after))
    shuffled = {
        name: frame.sample(frac=1, random_state=seed).reset_index(drop=True)
        for name, frame in others.items()
    }
    columns = ("table", "polling_station_id", "list_number", "candidate_number")
    found = told(raw_tables(frames), raw_tables(shuffled), *columns, "field", "first", "second")
    assert len(found) == len(picked)
    assert set(found) == expected
