"""The command convert: two sources compared, and canonical tables that read back the same."""

from __future__ import annotations

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.simulation import write_mark

MUNICIPAL = """election_id,municipality_code,municipality_name,eligible_voters_count,\
votes_cast_count,valid_votes_count,blank_votes_count,invalid_votes_count
GR2022,0301,Zutphen,200,100,97,2,1
GR2022,0310,De Bilt,300,150,149,1,0
"""
STATIONS = """election_id,municipality_code,municipality_name,polling_station_id,\
polling_station_name,postcode,counting_method,eligible_voters_count,votes_cast_count,\
valid_votes_count,blank_votes_count,invalid_votes_count
GR2022,0301,Zutphen,1,"Zaal ""De Brug"", boven",7201AA,DSO,,60,58,1,1
GR2022,0301,Zutphen,2,Café Zürich,,,,40,39,1,0
"""
LISTS = """election_id,municipality_code,polling_station_id,list_number,list_name,votes_count
GR2022,0301,,1,"Partij A, B en C",90
GR2022,0301,1,1,"Partij A, B en C",50
"""
CANDIDATES = """election_id,municipality_code,polling_station_id,list_number,candidate_number,\
votes_count
GR2022,0301,1,1,1,30
GR2022,0301,1,1,2,020
"""


@pytest.fixture
def folder(tmp_path):
    """Return a function that makes a folder of canonical files, with some text changed."""

    def make(name, old="", new=""):
        place = tmp_path / name
        place.mkdir()
        for table, text in (
            ("municipality_results", MUNICIPAL),
            ("station_results", STATIONS),
            ("list_results", LISTS),
            ("candidate_results", CANDIDATES),
        ):
            changed = text.replace(old, new, 1) if old else text
            (place / f"{table}.csv").write_text(changed, encoding="utf-8")
        return place

    return make


def test_sources_that_agree_end_with_nought(folder, tmp_path, call):
    first, second = folder("first"), folder("second", "149,1,0", "149,01,0")
    code, said = call("convert", "--compare", first, second, "--to", tmp_path / "to")
    assert code == 0, said
    assert f"{first} and {second} agree" in said
    assert len((tmp_path / "to/differences.csv").read_text(encoding="utf-8").splitlines()) == 1
    assert call("convert", "--compare", first, first)[0] == 0


def test_sources_that_differ_end_with_one_and_all_differences_are_written(folder, tmp_path, call):
    first, second = folder("first"), folder("second", "0310,De Bilt,300", "0310,De Bilt,301")
    code, said = call("convert", "--compare", first, second, "--to", tmp_path / "to")
    assert code == 1
    assert "GR2022, 0310: eligible_voters_count 300 (municipality_results.csv:3), 301 (" in said
    (line,) = [line for line in said.splitlines() if line.strip().startswith("0310 De Bilt")]
    assert line.split()[-1] == "1"
    written = pd.read_csv(tmp_path / "to/differences.csv", dtype=str)
    (row,) = written[["unit_code", "field", "first", "second", "rows"]].to_numpy().tolist()
    assert row == ["0310", "eligible_voters_count", "300", "301", "1"]
    code, said = call("convert", "--compare", first, second, "--to", tmp_path / "to")
    assert (code, "exists" in said) == (2, True)


def test_so_many_differences_are_shown_and_the_rest_is_counted(tmp_path, call):
    rows = "".join(f"GR2022,{1000 + i},Plaats {i},{{}},100,97,2,1\n" for i in range(40))
    header = MUNICIPAL.splitlines()[0] + "\n"
    files = []
    for name, voters in (("a.csv", 200), ("b.csv", 201)):
        files.append(tmp_path / name)
        text = header + rows.replace("{}", str(voters))
        files[-1].write_text(text, encoding="utf-8")
    code, said = call("convert", "--compare", *files)
    assert code == 1
    assert "… and 25 more municipalities or regions" in said
    assert "… and 25 more counts that differ" in said
    assert said.count("eligible_voters_count 200 (") == 15


@pytest.mark.parametrize("count", [1, 3])
def test_compare_takes_exactly_two_sources(folder, call, count):
    code, said = call("convert", "--compare", *([folder("first")] * count))
    assert (code, "takes two files" in " ".join(said.split())) == (2, True)


def test_a_wrong_call_says_what_to_give(folder, tmp_path, call):
    first = folder("first")
    code, said = call("convert", first)
    assert (code, "give --to DIR" in " ".join(said.split())) == (2, True)
    assert call("convert", "--compare", first, tmp_path / "nowhere")[0] == 3
    times = tmp_path / "times"
    assert call("template", times)[0] == 0
    code, said = call("convert", "--compare", first, times)
    assert (code, "holds no results of an election" in said) == (2, True)


def test_the_mark_of_simulation_goes_with_the_differences(folder, tmp_path, call):
    first, second = folder("first"), folder("second", "97,2,1", "96,3,1")
    write_mark(second)
    assert call("convert", "--compare", first, second, "--to", tmp_path / "to")[0] == 1
    assert (tmp_path / "to/SIMULATED.txt").is_file()


def test_converted_detail_tables_read_back_the_same(folder, tmp_path, call):
    raw = folder("raw")
    assert call("convert", raw, "--to", tmp_path / "to")[0] == 0
    made = {path.name for path in (tmp_path / "to").iterdir()}
    details = {"station_results.csv", "list_results.csv", "candidate_results.csv"}
    assert made == {"municipality_results.csv", "region_results.csv"} | details
    direct, again = be.read_raw(None, raw), be.read_raw(None, tmp_path / "to")
    for name, table in direct.tables.items():
        columns = [c for c in table.columns if not c.startswith("source_")]
        assert table[columns].astype(str).equals(again.tables[name][columns].astype(str))
    assert be.compare_sources(direct, again).empty
    # Zeros in front stand in the file, and so they stay.
    assert "020" in (tmp_path / "to/candidate_results.csv").read_text(encoding="utf-8")


def test_optional_columns_without_cells_are_left_out(folder, tmp_path, call):
    assert call("convert", folder("raw"), "--to", tmp_path / "to")[0] == 0
    header = (tmp_path / "to/station_results.csv").read_text(encoding="utf-8").splitlines()[0]
    assert "counting_method" in header
    assert "station_type" not in header
    assert "poll_card_count" not in header
    # Every file has these, empty or not.
    assert "postcode,counting_method,eligible_voters_count" in header


def test_a_column_that_only_one_of_the_files_has_is_kept_for_all(folder, tmp_path, call):
    first = folder("first")
    header, row = MUNICIPAL.splitlines()[:2]
    row = row.replace("GR2022", "GR2018")
    (tmp_path / "more.csv").write_text(f"{header},poll_card_count\n{row},95\n", encoding="utf-8")
    code, said = call("convert", first, tmp_path / "more.csv", "--to", tmp_path / "to")
    assert code == 0, said
    found = pd.read_csv(tmp_path / "to/municipality_results.csv", dtype=str).fillna("")
    assert list(found["poll_card_count"]) == ["", "", "95"]
