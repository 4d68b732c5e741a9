"""Rules on surveys at their boundary; nothing personal and no vote choice is passed on."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.errors import DesignError, ReadError
from ballot_eval.schema import SURVEY_TABLES
from ballot_eval.simulation import simulate_panel
from ballot_eval.sources import read_raw
from ballot_eval.validation.frictionless import table_schemas
from ballot_eval.validation.rules import RULES

VOTER = {
    "respondent_id": "R1",
    "election_id": "GR2026",
    "municipality_code": "0755",
    "polling_station_id": "SB1",
    "ballot": "new",
    "interviewer_id": "I01",
    "interviewed_at": "2026-03-18T10:15",
    "station_voters_count": "800",
    "approached_count": "60",
    "refused_count": "20",
    "ease": "4",
    "clarity": "5",
    "sure": "yes",
    "informed": "no",
    "used_before": "yes",
    "preference": "new",
    "help_needed": "no",
    "trouble_seeing": "no",
    "trouble_reading": "no",
    "age_band": "35_49",
    "gender": "woman",
    "education": "high",
}
OLD = VOTER | {"municipality_code": "0363", "ballot": "old", "used_before": "", "preference": ""}
INFORMED = VOTER | {"informed": "yes"}
STAFF = {
    "respondent_id": "1",
    "election_id": "GR2026",
    "municipality_code": "0755",
    "polling_station_id": "SB1",
    "ballot": "new",
    "interviewed_at": "2026-03-19T00:30",
    "staff_count": "6",
    "workload": "2",
    "explaining": "4",
    "voters_asked_help": "12",
    "counted": "no",
    "training_enough": "yes",
    "experience": "never",
    "used_before": "no",
    "preference": "new",
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


@pytest.fixture(scope="module")
def results(gr2026):
    return simulate_panel(gr2026, seed=1, effect=0.003).to_csv(index=False)


@pytest.fixture
def check(gr2026, results, tmp_path):
    """Return a function that validates rows of one survey beside sound results."""

    def run(*rows, table="voter_survey", counts=(), **columns):
        (tmp_path / "municipality_results.csv").write_text(results, encoding="utf-8")
        names = gr2026.questionnaire(table).layout().names
        frame = pd.DataFrame(list(rows)).reindex(columns=list(names))
        frame.assign(**columns).to_csv(tmp_path / f"{table}.csv", index=False)
        if counts:
            pd.DataFrame(list(counts)).to_csv(tmp_path / "counting_times.csv", index=False)
        return be.validate(read_raw(gr2026, tmp_path), gr2026)

    return run


def found(report, code):
    return [f for f in report.findings if f.code == code]


def codes(report):
    return {f.code for f in report.findings if f.code.startswith(("S", "T", "K", "N", "D"))}


def numbered(rows):
    """Return copies with codes of their own, minutes apart and by interviewers of their own."""
    return [
        row | {"respondent_id": f"R{i}", "interviewer_id": f"I{i:02d}"}
        for i, row in enumerate(rows, start=1)
    ]


@pytest.mark.parametrize("row", [VOTER, OLD])
def test_a_sound_interview_has_no_findings(check, row):
    report = check(row)
    assert codes(report) == set()
    assert not report.has_errors
    accepted = report.accepted["voter_survey"]
    assert accepted["interviewed_at"].tolist() == [pd.Timestamp("2026-03-18 10:15")]
    assert accepted["approached_count"].tolist() == [60]


def test_a_sound_form_of_a_station_and_of_a_municipality(check):
    report = check(STAFF, table="station_survey")
    assert codes(report) == set()
    accepted = report.accepted["station_survey"]
    assert accepted["voters_asked_help"].tolist() == [12.0]
    assert accepted["voters_asked_help_no_answer"].tolist() == [""]
    place = {"respondent_id": "1", "election_id": "GR2026", "municipality_code": "0755"}
    place |= {"ballot": "new", "preparation_hours_no_answer": "dont_know", "extra_costs": "none"}
    place |= {
        "preparation_ease": "3",
        "continue_new": "yes",
        "information_channels_dont_know": "yes",
    }
    report = check(place, table="municipality_survey")
    assert codes(report) == set()
    assert report.accepted["municipality_survey"]["preparation_hours"].isna().all()
    twice = check(place, place | {"respondent_id": "2"}, table="municipality_survey")
    assert len(found(twice, "K.101")) == 2


@pytest.mark.parametrize(
    ("row", "change", "code", "hit"),
    [
        (VOTER, {"ease": "5"}, "S.107", False),
        (VOTER, {"ease": "6"}, "S.107", True),
        (VOTER, {"ease": "dont_know"}, "S.107", False),
        (VOTER, {"ease": "weet niet"}, "S.107", True),
        (VOTER, {"ease": " "}, "S.107", True),
        (VOTER, {"age_band": "refused"}, "S.107", False),
        (VOTER, {"age_band": "dont_know"}, "S.107", True),
        (VOTER, {"information_source_media": "1"}, "S.107", True),
        (VOTER, {"respondent_id": "Jan"}, "T.103", True),
        (VOTER, {"interviewer_id": "Jan"}, "T.103", True),
        (VOTER, {"interviewed_at": ""}, "T.102", True),
        (VOTER, {"interviewed_at": "25:00"}, "T.105", True),
        (VOTER, {"interviewed_at": "2026-02-30T10:00"}, "T.105", True),
        (VOTER, {"approached_count": "veel"}, "T.101", True),
        (VOTER, {"approached_count": "-1"}, "N.101", True),
        (VOTER, {"approached_count": ""}, "T.102", False),
        (VOTER, {"election_id": "GR2022", "ballot": "old"}, "S.102", True),
        (VOTER, {"municipality_code": "0147", "ballot": "old"}, "S.103", True),
        (VOTER, {"ballot": "old"}, "S.104", True),
        (OLD, {"ballot": "new"}, "S.104", True),
        (OLD, {"municipality_code": "9999"}, "S.105", True),
        (OLD, {"preference": "new"}, "S.109", True),
        (VOTER, {"information_source_media": "no"}, "S.109", True),
        (INFORMED, {}, "S.110", True),
        (INFORMED, {"information_source_dont_know": "yes"}, "S.110", False),
        (VOTER, {"gender": ""}, "S.110", True),
        (VOTER, {"gender": "refused"}, "S.110", False),
        (VOTER, {"gender": "refused"}, "S.111", True),
        (VOTER, {"education": "dont_know"}, "S.111", False),
        (VOTER, {"remarks": ""}, "S.110", False),
        (
            INFORMED,
            {"information_source_media": "yes", "information_source_dont_know": "yes"},
            "S.112",
            True,
        ),
        (
            INFORMED,
            {"information_source_media": "no", "information_source_dont_know": "yes"},
            "S.112",
            False,
        ),
        (VOTER, {"interviewed_at": "2026-03-17T10:15"}, "S.114", True),
        (VOTER, {"interviewed_at": "2026-03-19T10:15"}, "S.114", True),
        (VOTER, {"interviewed_at": "10:15"}, "S.114", False),
        (VOTER, {"interviewed_at": "7:30"}, "S.116", False),
        (VOTER, {"interviewed_at": "7:29"}, "S.116", True),
        (VOTER, {"interviewed_at": "6:30"}, "S.115", False),
        (VOTER, {"interviewed_at": "6:29"}, "S.115", True),
        (VOTER, {"interviewed_at": "21:00"}, "S.116", False),
        (VOTER, {"interviewed_at": "21:01"}, "S.116", True),
        (VOTER, {"interviewed_at": "22:00"}, "S.115", False),
        (VOTER, {"interviewed_at": "22:01"}, "S.115", True),
        (VOTER, {"refused_count": "59"}, "S.118", False),
        (VOTER, {"refused_count": "60"}, "S.118", True),
        (VOTER, {"approached_count": "800"}, "S.118", False),
        (VOTER, {"approached_count": "801"}, "S.118", True),
        (VOTER, {"station_voters_count": "0", "approached_count": ""}, "S.118", True),
        (VOTER, {"remarks": "bel 06-12345678 maar"}, "S.120", True),
        (VOTER, {"remarks": "mijn nummer is 111222333."}, "S.120", True),
        (VOTER, {"remarks": "het duurde 20 minuten"}, "S.120", False),
        (VOTER, {"remarks": "VVD stond bovenaan"}, "S.121", True),
        (VOTER, {"remarks": "ik denk dat het goed ging"}, "S.121", False),
    ],
)
def test_rules_on_voters(check, row, change, code, hit):
    report = check(row | change)
    assert (code in codes(report)) is hit


@pytest.mark.parametrize(
    ("change", "code", "hit"),
    [
        ({"voters_asked_help": "2000"}, "S.108", False),
        ({"voters_asked_help": "2000.5"}, "S.108", True),
        ({"voters_asked_help": "-1"}, "S.108", True),
        ({"voters_asked_help": "twaalf"}, "S.107", True),
        ({"voters_asked_help_no_answer": "dont_know"}, "S.112", True),
        ({"voters_asked_help": "", "voters_asked_help_no_answer": "dont_know"}, "S.112", False),
        ({"counting_ease": "3"}, "S.109", True),
        ({"counted": "yes"}, "S.110", True),
        ({"counted": "yes", "counting_ease": "3", "doubtful_ballots": "no"}, "S.109", False),
        ({"interviewed_at": ""}, "T.102", False),
        ({"interviewed_at": "2026-04-01T23:59"}, "S.114", False),
        ({"interviewed_at": "2026-04-02T00:00"}, "S.114", True),
        ({"interviewed_at": "23:10"}, "S.115", False),
        ({"staff_count": "1"}, "S.118", False),
        ({"staff_count": "0"}, "S.118", True),
        ({"staff_count": ""}, "S.118", False),
    ],
)
def test_rules_on_members_of_polling_stations(check, change, code, hit):
    report = check(STAFF | change, table="station_survey")
    assert (code in codes(report)) is hit


def test_severity_and_exclusion(check):
    report = check(VOTER | {"ease": "6"})
    (hit,) = found(report, "S.107")
    assert (hit.severity, hit.line, hit.fields) == ("error", 2, "ease")
    assert hit.statement.endswith(": ease (not shown), 1, 2, 3, 4, 5, dont_know, refused")
    assert report.excluded["code"].tolist() == ["S.107"]
    report = check(OLD | {"preference": "new"})
    (hit,) = found(report, "S.109")
    assert (hit.severity, hit.value) == ("warning", "rows<10; asked_when=ballot:new")
    assert report.excluded.empty


@pytest.mark.parametrize(
    "change",
    [
        {"ease": "Jan de Vries"},
        {"respondent_id": "Jan de Vries"},
        {"polling_station_id": "j.devries@x.nl"},
        {"remarks": "bel Jan de Vries op 06-12345678"},
        {"remarks": "j.devries@x.nl"},
        {"remarks": "ik koos VVD, Jan de Vries"},
    ],
)
def test_what_stands_in_a_cell_is_not_passed_on(check, change):
    report = check(VOTER | change)
    text = report.to_frame().to_csv() + report.excluded.to_csv()
    assert report.errors_count + report.warnings_count > 0
    assert "ries" not in text
    assert "06-1234" not in text
    assert "VVD" not in text


@pytest.mark.parametrize(
    ("column", "cell"),
    [("partij", "x"), ("Gestemd op", "x"), ("votedFor", "x"), ("v17", "D66"), ("lijstnummer", "3")],
)
def test_a_column_with_vote_choice_is_an_error_and_not_read(check, column, cell):
    report = check(VOTER, **{column: cell})
    (hit,) = found(report, "S.101")
    assert (hit.severity, hit.file, hit.fields) == ("error", "voter_survey.csv", column)
    assert not found(report, "D.101")
    assert not found(report, "D.102")
    assert column not in report.accepted["voter_survey"]
    if cell == "D66":
        assert "D66" not in report.to_frame().to_csv()


def test_other_columns_are_named_and_personal_ones_refused(check):
    report = check(VOTER, weer="zon", telefoon="x")
    assert [f.fields for f in found(report, "D.102")] == ["weer"]
    assert [f.fields for f in found(report, "D.101")] == ["telefoon"]


def test_personal_cells_of_a_column_that_is_read(check):
    report = check(VOTER | {"polling_station_id": "06-12345678"})
    (hit,) = found(report, "D.103")
    assert hit.fields == "polling_station_id"


def test_a_respondent_given_twice_is_excluded(check):
    other = VOTER | {"municipality_code": "1842"}
    report = check(VOTER, VOTER | {"ease": "1"}, other)
    assert [f.line for f in found(report, "K.101")] == [2, 3]
    assert report.excluded["line"].tolist() == [2, 3]


def run_of(n, **changes):
    return [
        VOTER | {"respondent_id": str(i), "interviewed_at": f"10:{i:02d}"} | changes
        for i in range(n)
    ]


def test_identical_answers_in_a_row_by_one_interviewer(check):
    assert not found(check(*run_of(2)), "S.113")
    (hit,) = found(check(*run_of(3)), "S.113")
    # Not how many of fewer than the threshold, and not the code of the interviewer.
    assert (hit.severity, hit.value) == ("warning", "rows<10")
    (hit,) = found(check(*run_of(10)), "S.113")
    assert hit.value == "rows=10"
    assert hit.statement.endswith("(voter_survey.csv:2)")
    broken = run_of(3)
    broken[1] |= {"ease": "5"}
    assert not found(check(*broken), "S.113")
    # In the order of time, not of the file.
    shuffled = [*run_of(2), VOTER | {"interviewed_at": "11:00", "ease": "5"}]
    shuffled.append(VOTER | {"respondent_id": "R2", "interviewed_at": "10:30"})
    assert len(found(check(*shuffled), "S.113")) == 1
    others = [row | {"interviewer_id": f"I{i}"} for i, row in enumerate(run_of(3))]
    assert not found(check(*others), "S.113")
    # Hardly any answers: nothing can be said.
    empty = dict.fromkeys([k for k in VOTER if k not in SURVEY_TABLES["voter_survey"].names], "")
    assert not found(check(*run_of(3, **(empty | {"ease": "4"}))), "S.113")


def test_shares_of_missing_answers_at_the_threshold(check):
    rows = numbered([VOTER] * 10)
    rows[0] |= {"sure": ""}
    rows[1] |= {"sure": "refused"}
    report = check(*rows)
    assert not found(report, "S.111")
    (hit,) = found(report, "S.110")
    assert (hit.severity, hit.value, hit.fields) == ("info", "", "sure")
    rows[2] |= {"sure": ""}
    (hit,) = found(check(*rows), "S.111")
    assert hit.statement.endswith(": sure")


def test_an_unknown_station_where_the_stations_are_known(check):
    assert not found(check(VOTER | {"polling_station_id": "SB9"}), "S.106")
    rows = numbered([VOTER, VOTER | {"polling_station_id": "SB9"}, OLD])
    (hit,) = found(check(*rows, counts=[COUNT]), "S.106")
    assert (hit.severity, hit.line, hit.municipality_code) == ("warning", 3, "0755")


def test_weights_that_differ_or_lack_within_and_between_stations(check):
    rows = numbered([VOTER, VOTER | {"approached_count": "61"}])
    (hit,) = found(check(*rows), "S.117")
    assert hit.value == "rows<10; approached_count=60; approached_count=61"
    assert len(check(*rows).excluded) == 2
    rows = numbered([VOTER] * 3)
    assert not found(check(*[r | {"refused_count": "57"} for r in rows]), "S.118")
    (hit,) = found(check(*[r | {"refused_count": "58"} for r in rows]), "S.118")
    assert "approached_count=60; refused_count=58" in hit.value
    (hit,) = found(check(*[r | {"approached_count": "2"} for r in rows]), "S.118")
    assert "approached_count<10" in hit.value
    elsewhere = {"polling_station_id": "SB2", "approached_count": ""}
    rows = numbered([VOTER, VOTER | elsewhere])
    (hit,) = found(check(*rows), "S.119")
    assert hit.value == "approached_count: stations=1 of 2"


def test_optional_columns_may_be_absent(gr2026, results, tmp_path):
    (tmp_path / "municipality_results.csv").write_text(results, encoding="utf-8")
    table = gr2026.questionnaire("voter_survey").layout()
    names = [c.name for c in table if not c.optional]
    pd.DataFrame([VOTER]).reindex(columns=names).to_csv(tmp_path / "answers.csv", index=False)
    report = be.validate(read_raw(gr2026, tmp_path), gr2026)
    assert not report.has_errors
    assert report.accepted["voter_survey"]["approached_count"].isna().all()


def test_a_missing_question_is_a_fault_that_names_it(gr2026, tmp_path):
    table = gr2026.questionnaire("voter_survey").layout()
    names = [c for c in table.names if c != "clarity"]
    pd.DataFrame([VOTER]).reindex(columns=names).to_csv(tmp_path / "v.csv", index=False)
    with pytest.raises(ReadError, match="column clarity is missing"):
        read_raw(gr2026, tmp_path)
    # With hardly any of its questions it is still told to be that survey.
    pd.DataFrame([VOTER]).reindex(columns=names[:12]).to_csv(tmp_path / "v.csv", index=False)
    with pytest.raises(ReadError, match="column preference is missing"):
        read_raw(gr2026, tmp_path)


def test_a_survey_without_a_questionnaire_is_listed_and_not_read(root, gr2026, tmp_path, results):
    names = gr2026.questionnaire("voter_survey").layout().names
    pd.DataFrame([VOTER]).reindex(columns=list(names)).to_csv(tmp_path / "v.csv", index=False)
    (tmp_path / "municipality_results.csv").write_text(results, encoding="utf-8")
    raw = read_raw(be.load_study(root / "analysis/tk2025"), tmp_path)
    (file,) = [f for f in raw.files if f.path == "v.csv"]
    assert file.status == "not_read"
    assert "a survey; give a study that has its questionnaire" in file.reason


def test_a_survey_is_told_from_the_others_when_the_study_has_only_that_one(gr2026, tmp_path):
    # An interviewed member of a polling station has every fixed column of an interviewed voter.
    others = gr2026.questionnaires
    for questionnaire in others:
        study = gr2026.model_copy(update={"questionnaires": (questionnaire,)})
        for file in ("answers.csv", f"{questionnaire.table}.csv"):
            folder = tmp_path / questionnaire.table / file.removesuffix(".csv")
            folder.mkdir(parents=True)
            header = ",".join(questionnaire.layout().names)
            (folder / file).write_text(header + "\n", encoding="utf-8")
            (read,) = read_raw(study, folder).files
            assert read.status == "read", read.reason


def test_raw_data_of_another_questionnaire_are_refused(gr2026, tmp_path, results):
    (tmp_path / "municipality_results.csv").write_text(results, encoding="utf-8")
    raw = read_raw(gr2026, tmp_path)
    other = gr2026.model_copy(update={"questionnaires": gr2026.questionnaires[1:]})
    with pytest.raises(DesignError, match="voter_survey was read with another questionnaire"):
        be.validate(raw, other)
    # Data without surveys go with any.
    assert not be.validate(read_raw(None, tmp_path), gr2026).has_errors


def test_templates_of_a_study_have_its_questions_and_are_readable(gr2026, tmp_path, call):
    assert call("template", tmp_path / "t", "--study", "gr2026")[0] == 0
    for table in SURVEY_TABLES:
        header = (tmp_path / "t" / f"{table}.csv").read_text(encoding="utf-8").strip()
        assert header.split(",") == list(gr2026.questionnaire(table).layout().names)
    raw = read_raw(gr2026, tmp_path / "t")
    assert all(f.status == "read" for f in raw.files)


def test_schemas_hold_the_fixed_columns():
    texts = table_schemas()
    for name, table in SURVEY_TABLES.items():
        schema = json.loads(texts[f"{name}.json"])
        assert [f["name"] for f in schema["fields"]] == list(table.names)
        assert table.nl in texts["README.md"]


def test_every_rule_on_surveys_has_a_number_of_its_own():
    numbers = [rule.code for rule in RULES if rule.code.startswith("S.")]
    assert sorted(numbers) == [f"S.{n}" for n in range(101, 122)]
