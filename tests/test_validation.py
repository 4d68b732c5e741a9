"""Rules at their boundary; nothing raised, nothing lost."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ballot_eval.raw import SourceFile
from ballot_eval.schema import COUNT_FIELDS
from ballot_eval.simulation import simulate, simulate_panel
from ballot_eval.validation import validate
from ballot_eval.validation.rules import RULES
from raw_frames import raw_tables


@pytest.fixture(scope="module")
def study(gr2026):
    return gr2026


@pytest.fixture(scope="module")
def sound(study):
    return simulate_panel(study, seed=1, effect=0.003).astype(str)


def raw_of(frame):
    return raw_tables({"municipality_results": frame})


def codes_at(report, line):
    return {f.code for f in report.findings if f.line == line}


def check_partition(report, raw):
    accepted = sum(len(f) for f in report.accepted.values())
    assert accepted + len(report.excluded) == report.rows_read
    assert report.rows_read == sum(len(f) for f in raw.tables.values())


def test_sound_data_have_no_errors(study, sound):
    report = validate(raw_of(sound), study)
    assert not report.has_errors
    assert report.rows_accepted == len(sound)
    report.raise_if_errors()


def row_with(frame, **counts):
    changed = frame.copy()
    for name, value in counts.items():
        changed.loc[0, f"{name}_count"] = str(value)
    return changed


BASE = {"eligible_voters": 2000, "votes_cast": 1000, "valid_votes": 1000, "blank_votes": 0}


@pytest.mark.parametrize(
    ("counts", "code", "found"),
    [
        ({"valid_votes": 999, "invalid_votes": 0}, "F.203", True),
        ({"valid_votes": 1000, "invalid_votes": 0}, "F.203", False),
        ({"valid_votes": 1001, "invalid_votes": 0}, "F.203", True),
        ({"valid_votes": 971, "blank_votes": 29, "invalid_votes": 0}, "W.201", False),
        ({"valid_votes": 970, "blank_votes": 30, "invalid_votes": 0}, "W.201", True),
        ({"valid_votes": 971, "invalid_votes": 29}, "W.202", False),
        ({"valid_votes": 970, "invalid_votes": 30}, "W.202", True),
        ({"valid_votes": 969, "invalid_votes": 31}, "W.202", True),
        ({"votes_cast": 0, "valid_votes": 0, "invalid_votes": 0}, "W.204", True),
        ({"votes_cast": 1, "valid_votes": 1, "invalid_votes": 0}, "W.204", False),
        ({"eligible_voters": 0, "invalid_votes": 0}, "W.205", True),
        ({"eligible_voters": 1, "invalid_votes": 0}, "W.205", False),
        ({"eligible_voters": 0, "invalid_votes": 0}, "W.206", False),
        ({"eligible_voters": 999, "invalid_votes": 0}, "W.206", True),
        ({"eligible_voters": 1000, "invalid_votes": 0}, "W.206", False),
        ({"valid_votes": 1001, "invalid_votes": -1}, "N.101", True),
        ({"valid_votes": 1000, "invalid_votes": 0}, "N.101", False),
        ({"invalid_votes": "tien"}, "T.101", True),
        ({"invalid_votes": "1.000"}, "T.101", True),
        ({"invalid_votes": ""}, "T.102", True),
        ({"invalid_votes": "0\n"}, "T.101", True),
        ({"invalid_votes": " 0"}, "T.101", True),
        ({"invalid_votes": "+0"}, "T.101", True),
        ({"invalid_votes": "\u0660"}, "T.101", True),
        ({"invalid_votes": "0"}, "T.101", False),
    ],
)
def test_rules_at_their_boundary(study, sound, counts, code, found):
    raw = raw_of(row_with(sound, **(BASE | counts)))
    report = validate(raw, study)
    assert (code in codes_at(report, 2)) is found
    check_partition(report, raw)


def test_a_duplicate_excludes_every_copy_and_names_the_other(study, sound):
    raw = raw_of(pd.concat([sound, sound.iloc[[3]]]))
    report = validate(raw, study)
    found = [f for f in report.findings if f.code == "K.101"]
    assert {f.line for f in found} == {5, len(sound) + 2}
    assert f"m.csv:{len(sound) + 2}" in found[0].statement
    assert len(report.excluded) == 2


def region(election, code, kind, counts):
    row = {"election_id": election, "region_code": code, "region_name": code, "region_type": kind}
    row |= {c: str(v) for c, v in counts.items()}
    return row | {"source_file": "r.csv", "source_line": 2}


def raw_with_regions(frame, rows):
    return raw_tables({"municipality_results": frame, "region_results": pd.DataFrame(rows)})


@pytest.mark.parametrize("missing", [0, 1])
def test_the_national_row_is_the_sum_of_all_below_it(study, sound, missing):
    here = sound[sound["election_id"] == "GR2026"][list(COUNT_FIELDS)].astype(int).sum()
    postal = dict.fromkeys(COUNT_FIELDS, 0) | {"invalid_votes_count": 5, "votes_cast_count": 5}
    total = {c: here[c] + postal[c] for c in COUNT_FIELDS}
    total["blank_votes_count"] += missing
    total["votes_cast_count"] += missing
    rows = [
        region("GR2026", "L528", "national", total),
        region("GR2026", "G9010", "postal", postal),
    ]
    found = [
        f for f in validate(raw_with_regions(sound, rows), study).findings if f.code == "P.103"
    ]
    assert {f.fields for f in found} == (
        {"blank_votes_count", "votes_cast_count"} if missing else set()
    )


def test_a_file_given_twice_is_one_finding_and_the_first_copy_stays(study, sound):
    both = pd.concat([sound.assign(source_file=name) for name in ("m.csv", "copy.csv")])
    files = [SourceFile(p, "canonical_csv", "read", "same") for p in ("m.csv", "copy.csv")]
    raw = raw_tables({"municipality_results": both}, files)
    report = validate(raw, study)
    (finding,) = [f for f in report.findings if f.severity == "error"]
    assert (finding.code, finding.file) == ("K.102", "copy.csv")
    assert finding.statement.endswith(": m.csv")
    assert set(report.excluded["file"]) == {"copy.csv"}
    assert report.rows_accepted == len(sound)


@pytest.mark.parametrize(("copies", "code"), [(9, "K.101"), (10, "K.103")])
def test_many_rows_given_by_two_files_are_one_finding(study, sound, copies, code):
    raw = raw_of(pd.concat([sound, sound.head(copies)]))
    table = raw.tables["municipality_results"]
    table.loc[len(sound) :, "source_file"] = "other.csv"
    found = [f for f in validate(raw, study).findings if f.severity == "error"]
    assert {f.code for f in found} == {code}
    assert len(found) == (1 if code == "K.103" else 2 * copies)


@pytest.mark.parametrize(("gone", "code"), [("0147", "P.105"), ("0344", "P.106")])
def test_a_missing_former_or_control_municipality_is_a_warning(study, sound, gone, code):
    missing = (sound["election_id"] == "GR2022") & (sound["municipality_code"] == gone)
    report = validate(raw_of(sound[~missing]), study)
    found = [f for f in report.findings if f.code in {"P.105", "P.106"}]
    assert [(f.code, f.municipality_code, f.election) for f in found] == [(code, gone, "GR2022")]
    assert not report.has_errors


def test_merged_municipalities_are_counted(study, sound):
    extra = sound[(sound["election_id"] == "GR2018") & (sound["municipality_code"] == "0439")]
    raw = raw_of(pd.concat([sound, extra.assign(municipality_code="0370")]))
    (finding,) = [f for f in validate(raw, study).findings if f.code == "I.103"]
    assert (finding.election, finding.value) == ("GR2018", "from=1; into=1")


def test_a_missing_experiment_municipality_and_a_missing_election(study, sound):
    gone = (sound["election_id"] == "GR2022") & (sound["municipality_code"] == "0513")
    report = validate(raw_of(sound[~gone]), study)
    (finding,) = [f for f in report.findings if f.severity == "error"]
    assert (finding.code, finding.municipality_code, finding.election) == (
        "P.101",
        "0513",
        "GR2022",
    )
    report = validate(raw_of(sound[sound["election_id"] != "GR2018"]), study)
    assert [f.code for f in report.findings if f.severity == "error"] == ["P.102"]


def test_a_jump_of_a_control_is_a_warning(study, sound):
    changed = sound.copy()
    hit = (changed["election_id"] == "GR2026") & (changed["municipality_code"] == "0344")
    row = changed.loc[hit].iloc[0]
    invalid = int(row["votes_cast_count"]) // 50
    changed.loc[hit, "invalid_votes_count"] = str(invalid)
    rest = int(row["votes_cast_count"]) - invalid - int(row["blank_votes_count"])
    changed.loc[hit, "valid_votes_count"] = str(rest)
    found = [f for f in validate(raw_of(changed), study).findings if f.code == "P.104"]
    before = [f for f in validate(raw_of(sound), study).findings if f.code == "P.104"]
    assert {f.municipality_code for f in found} - {f.municipality_code for f in before} == {"0344"}


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7), st.text(max_size=8))))
def test_garbage_is_reported_and_never_raised(study, sound, cells):
    frame = sound.iloc[:6].copy().reset_index(drop=True)
    for row, column, text in cells:
        frame.iloc[row, column] = text
    raw = raw_of(frame)
    check_partition(validate(raw, study), raw)


def test_rule_codes_are_unique_and_statements_bilingual():
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert all(rule.statement("nl") != rule.statement("en") for rule in RULES)


def test_frictionless_accepts_the_simulated_folder_and_rejects_a_broken_copy(
    root, gr2026, tmp_path
):
    from frictionless import Detector, Resource, Schema

    simulate(gr2026, tmp_path, seed=1, stations=False, candidates=False, marking=False)

    def valid(table):
        text = (root / f"data/schemas/{table}.json").read_text(encoding="utf-8")
        schema = Schema.from_descriptor(json.loads(text))
        # Optional columns may be left out of a file.
        detector = Detector(schema_sync=True)
        resource = Resource(
            path=f"{table}.csv", basepath=str(tmp_path), schema=schema, detector=detector
        )
        return resource.validate().valid

    assert valid("municipality_results")
    assert valid("region_results")
    file = tmp_path / "municipality_results.csv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.rindex(",")] + ",-1\n", encoding="utf-8")
    assert not valid("municipality_results")
    file.write_text(text + text.splitlines()[5] + "\n", encoding="utf-8")
    assert not valid("municipality_results")
