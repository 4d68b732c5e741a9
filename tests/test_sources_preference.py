"""Two sources for one thing: which one counts, what is left out, and what the manifest says."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.plan_topics import Sources
from ballot_eval.provenance import manifest
from ballot_eval.raw import SourceFile
from ballot_eval.schema import COUNT_FIELDS
from ballot_eval.simulation import simulate_panel
from ballot_eval.validation import validate
from raw_frames import raw_tables

FILES = {
    "later.eml.xml": "eml_510b",
    "early.csv": "osv4-3",
    "long.csv": "kiesraad_long",
    "bundle.csv": "kiesraad_bundle",
}
CODE = "1681"


def raw_of(**tables):
    # The sum of each file is another one: equal files are a matter of their own.
    files = [SourceFile(path, name, "read", path) for path, name in FILES.items()]
    return raw_tables(tables, files)


def preferring(study, *formats):
    return study.model_copy(update={"sources": Sources(prefer=formats)})


def of_file(frame, path):
    return frame.assign(source_file=path, source_line=range(2, len(frame) + 2))


def found(report, code):
    return [f for f in report.findings if f.code == code]


@pytest.fixture(scope="module")
def results(gr2026):
    return simulate_panel(gr2026, seed=1, effect=0.003).astype(str).reset_index(drop=True)


@pytest.fixture(scope="module")
def single(results):
    """Return the result of one municipality at one election, once for each of two files."""
    row = results[(results["election_id"] == "GR2022")].head(1)
    return pd.concat([of_file(row, "later.eml.xml"), of_file(row, "early.csv")], ignore_index=True)


def check_nothing_lost(report, raw):
    accepted = sum(len(frame) for frame in report.accepted.values())
    assert accepted + int(report.excluded["rows"].sum()) == report.rows_read
    assert report.rows_read == sum(len(frame) for frame in raw.tables.values())


def test_equal_sources_leave_one_row_and_a_note(gr2026, single):
    raw = raw_of(municipality_results=single)
    report = validate(raw, preferring(gr2026, "eml_510", "osv4-3"))
    check_nothing_lost(report, raw)
    assert list(report.accepted["municipality_results"]["source_file"]) == ["later.eml.xml"]
    (note,) = found(report, "K.104")
    assert (note.severity, note.election, note.value) == (
        "info",
        "GR2022",
        "osv4-3: rows=1; units=1",
    )
    assert not found(report, "K.105")
    assert not found(report, "K.101")
    excluded = report.excluded[report.excluded["table"] == "municipality_results"]
    assert list(excluded["code"]) == ["K.104"]
    assert list(excluded["file"]) == ["early.csv"]


def test_one_vote_of_difference_is_told_once_with_both_values_and_files(gr2026, single):
    later, early = (int(single.loc[i, "blank_votes_count"]) for i in (0, 1))
    changed = single.copy()
    changed.loc[1, "blank_votes_count"] = str(early + 1)
    raw = raw_of(municipality_results=changed)
    report = validate(raw, preferring(gr2026, "eml_510", "osv4-3"))
    check_nothing_lost(report, raw)
    (warning,) = found(report, "K.105")
    assert warning.severity == "warning"
    assert warning.value == f"blank_votes_count={later} ({early + 1})"
    assert "later.eml.xml (early.csv)" in warning.statement
    assert warning.file == "early.csv"
    (row,) = report.accepted["municipality_results"].to_dict("records")
    assert row["blank_votes_count"] == later


def test_the_other_order_lets_the_other_source_win(gr2026, single):
    report = validate(raw_of(municipality_results=single), preferring(gr2026, "osv4-3"))
    assert list(report.accepted["municipality_results"]["source_file"]) == ["early.csv"]
    (note,) = found(report, "K.104")
    # A format that is not named comes after those that are.
    assert note.value == "eml_510b: rows=1; units=1"


@pytest.mark.parametrize("prefer", [(), ("kiesraad_long",)])
def test_without_a_choice_between_them_a_row_given_twice_is_an_error(gr2026, single, prefer):
    report = validate(raw_of(municipality_results=single), preferring(gr2026, *prefer))
    errors = found(report, "K.101")
    assert [(e.severity, e.file) for e in errors] == [
        ("error", "later.eml.xml"),
        ("error", "early.csv"),
    ]
    assert report.accepted["municipality_results"].empty
    assert not found(report, "K.104")


def test_two_files_of_one_format_stay_an_error(gr2026, single):
    raw = raw_of(municipality_results=single)
    same = [SourceFile(path, "eml_510", "read", path) for path in FILES]
    report = validate(replace(raw, files=tuple(same)), preferring(gr2026, "eml_510"))
    assert len(found(report, "K.101")) == 2
    assert not found(report, "K.104")


def test_only_what_both_give_is_chosen_from(gr2026, results):
    rows = results[results["election_id"] == "GR2022"].head(3)
    early = of_file(rows, "early.csv")
    later = of_file(rows.head(1), "later.eml.xml")
    raw = raw_of(municipality_results=pd.concat([later, early], ignore_index=True))
    report = validate(raw, preferring(gr2026, "eml_510", "osv4-3"))
    check_nothing_lost(report, raw)
    accepted = report.accepted["municipality_results"]
    assert dict(accepted["source_file"].value_counts()) == {"early.csv": 2, "later.eml.xml": 1}


def lists(path, station, votes):
    return pd.DataFrame(
        {
            "election_id": "GR2022",
            "municipality_code": CODE,
            "polling_station_id": station,
            "list_number": "" if path == "bundle.csv" else "1",
            "list_name": "Lijst A",
            "votes_count": votes,
            "source_file": path,
            "source_line": [2],
        }
    )


def test_lists_by_station_and_of_the_whole_are_two_things(gr2026):
    both = pd.concat(
        [lists("long.csv", "", "30"), lists("bundle.csv", "1", "30")], ignore_index=True
    )
    raw = raw_of(list_results=both)
    report = validate(raw, preferring(gr2026, "kiesraad_long", "kiesraad_bundle"))
    check_nothing_lost(report, raw)
    assert len(report.accepted["list_results"]) == 2
    assert not found(report, "K.104")
    twice = raw_of(list_results=pd.concat([both, lists("early.csv", "1", "31")]))
    report = validate(twice, preferring(gr2026, "osv4-3", "kiesraad_bundle"))
    check_nothing_lost(report, twice)
    assert list(report.accepted["list_results"]["source_file"]) == ["long.csv", "early.csv"]


def test_the_manifest_says_which_source_was_used(gr2026, results, tmp_path):
    rows = results[results["election_id"] == "GR2022"].head(3)
    early = of_file(rows, "early.csv").reset_index(drop=True)
    early.loc[0, "invalid_votes_count"] = str(int(early.loc[0, "invalid_votes_count"]) + 1)
    later = of_file(rows.head(2), "later.eml.xml")
    raw = raw_of(municipality_results=pd.concat([later, early], ignore_index=True))
    study = preferring(gr2026, "eml_510", "osv4-3")
    report = validate(raw, study)
    texts = {manifest(study, raw, report, tmp_path, options={}) for _ in range(2)}
    assert len(texts) == 1
    sources = json.loads(texts.pop())["sources"]
    assert sources["prefer"] == ["eml_510", "osv4-3"]
    table = {"table": "municipality_results", "election": "GR2022"}
    assert sources["tables"] == [
        table
        | {"format": "eml_510b", "units": 2, "rows": 2}
        | {"rows_not_preferred": 0, "units_different": 0},
        table
        | {"format": "osv4-3", "units": 1, "rows": 1}
        | {"rows_not_preferred": 2, "units_different": 1},
    ]


def test_stations_that_differ_count_once_as_a_municipality(gr2026, results, tmp_path):
    row = results[results["election_id"] == "GR2022"].iloc[0]
    counts = {c: row[c] for c in COUNT_FIELDS}
    stations = pd.DataFrame(
        {
            "election_id": "GR2022",
            "municipality_code": row["municipality_code"],
            "municipality_name": row["municipality_name"],
            "polling_station_id": ["1", "2"],
            "polling_station_name": ["School", "Kerk"],
            **counts,
        }
    )
    other = stations.assign(eligible_voters_count=str(int(counts["eligible_voters_count"]) + 1))
    both = [of_file(stations, "later.eml.xml"), of_file(other, "early.csv")]
    raw = raw_of(station_results=pd.concat(both, ignore_index=True))
    study = preferring(gr2026, "eml_510")
    report = validate(raw, study)
    assert len(found(report, "K.105")) == 2
    said = json.loads(manifest(study, raw, report, tmp_path, options={}))["sources"]["tables"]
    assert [(s["format"], s["rows"], s["units_different"]) for s in said] == [
        ("eml_510b", 2, 0),
        ("osv4-3", 0, 1),
    ]


def test_a_plan_with_an_unknown_format_names_the_allowed_ones(root, tmp_path):
    text = (root / "analysis/tk2025/study.toml").read_text(encoding="utf-8")
    for formats, said in (
        ('"eml_510", "xlsx"', r"eml_510.*osv4-3.*kiesraad_long"),
        ('"osv4-3", "osv4-3"', "names a format twice"),
    ):
        changed, count = re.subn(r"(?m)^prefer = .*$", f"prefer = [{formats}]", text)
        assert count == 1
        (tmp_path / "study.toml").write_text(changed, encoding="utf-8")
        with pytest.raises(be.DesignError, match=said):
            be.load_study(tmp_path)
