"""What leaves a run with surveys: nothing of one respondent, no count below the threshold."""

from __future__ import annotations

import json
import re
import shutil
import zipfile

import pandas as pd
import pytest

import ballot_eval as be
from survey_reader import Reader, add, truth

VOTERS = "voter_survey.csv"

#: Of the planted respondent; no other row of any file has one of these.
PLANTED = {
    "respondent_id": "ZQXK-90417",
    "interviewer_id": "WVXQ-80311",
    "remarks": "De kwikstaart vloog door het stemlokaal",
    "gender": "other",
    "education": "basic",
    "age_band": "75_plus",
    "trouble_reading": "yes",
}

#: Code of an interviewer with interviews that are all alike.
SUSPECT = "VQZW-70205"


@pytest.fixture(scope="module")
def planted(root, light, tmp_path_factory):
    """Return a finished run with one unusual respondent, in the only municipality like it."""
    folder = tmp_path_factory.mktemp("planted")
    shutil.copyfile(light / "study.toml", folder / "study.toml")
    for file in (root / "analysis/gr2026").glob("survey_*.toml"):
        shutil.copyfile(file, folder / file.name)
    study = be.load_study(folder)
    (folder / "raw").mkdir()
    be.simulate(study, folder / "raw", seed=8)
    rows = pd.read_csv(folder / "raw" / VOTERS, dtype=str, keep_default_na=False)
    rows.loc[rows["gender"] == "other", "gender"] = "woman"
    somebody = rows.index[rows["municipality_code"] == "0755"][3]
    rows.loc[somebody, list(PLANTED)] = list(PLANTED.values())
    # Four interviews alike by one interviewer, and an answer to a question that was not asked.
    alike = rows.index[rows["municipality_code"] == "0171"][:4]
    columns = [c for c in rows.columns[10:] if c != "remarks"]
    rows.loc[alike, columns] = rows.loc[alike[0], columns].to_numpy()
    rows.loc[alike, "interviewer_id"] = SUSPECT
    other = rows.index[(rows["ballot"] == "old")][0]
    rows.loc[other, "preference"] = "new"
    rows.to_csv(folder / "raw" / VOTERS, index=False)
    be.run(study, raw=folder / "raw", out=folder / "out")
    return folder


def texts(folder):
    """Yield every file of a run as text; of archives (docx) each member."""
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    yield f"{file.name}/{name}", archive.read(name).decode("utf-8", "replace")
        else:
            yield file.name, file.read_bytes().decode("utf-8", "replace")


def test_no_file_of_a_run_names_the_respondent_or_quotes_the_answer(planted):
    raw = (planted / "raw" / VOTERS).read_text(encoding="utf-8")
    searched = 0
    for name, text in texts(planted / "out"):
        searched += 1
        for column in ("respondent_id", "interviewer_id", "remarks"):
            assert PLANTED[column] in raw
            assert PLANTED[column] not in text, name
        assert SUSPECT not in text, name
    assert searched > 50


def test_no_row_of_the_raw_survey_is_in_any_file(planted):
    """The answers of any respondent side by side would be a record, whatever its separator."""
    rows = (planted / "raw" / VOTERS).read_text(encoding="utf-8").splitlines()[1:]
    respondents = {row.split(",", 1)[0] for row in rows}
    records = sorted({row.split(",", 10)[10] for row in rows})[::20]
    for name, text in texts(planted / "out"):
        assert not set(re.findall(r"\bR\d{4}\b", text)) & respondents, name
        assert not any(record in text for record in records), name


def test_no_published_number_rests_on_fewer_than_the_threshold(planted):
    threshold = be.load_study(planted).survey.threshold
    table = pd.read_csv(planted / "out/survey.csv")
    stored = json.loads((planted / "out/results.json").read_text(encoding="utf-8"))["survey"]
    assert len(stored) == len(table) > 500
    for name in ("n", "count"):
        for found in (table[name], pd.Series([row[name] for row in stored], dtype=float)):
            small = found.notna() & (found > 0) & (found < threshold)
            assert not small.any(), found[small]
    numbers = ["estimate", "standard_error", "ci_lower", "ci_upper", "p_value", "count"]
    assert table["hidden"].any()
    assert table.loc[table["hidden"], numbers].isna().all(axis=None)


def test_the_only_one_of_a_group_is_hidden_everywhere(planted):
    table = pd.read_csv(planted / "out/survey.csv")
    voters = table[(table["table"] == "voter_survey") & (table["group"] != "control")]
    alone = voters[(voters["breakdown"] == "gender") & (voters["level"] == "other")]
    assert len(alone) > 5
    assert alone["hidden"].all()
    assert alone["n"].isna().all()
    shares = voters[(voters["question"] == "gender") & (voters["quantity"] == "share")]
    hidden = shares.set_index("answer")["hidden"]
    # Hidden alone, the answer would be what the others leave of the total.
    assert hidden["other"]
    assert hidden.sum() >= 2


def test_no_table_of_the_report_counts_fewer_than_the_threshold(planted):
    threshold = be.load_study(planted).survey.threshold
    folder = planted / "out/report-source/_generated"
    checked = 0
    for file in folder.glob("*/tables/*_item_response.md"):
        for line in file.read_text(encoding="utf-8").splitlines()[2:]:
            for cell in line.strip("|").split("|")[2:]:
                if re.fullmatch(r"[\d.,]+", cell.strip()):
                    n = int(re.sub(r"[.,]", "", cell.strip()))
                    assert n == 0 or n >= threshold, (file.name, line)
                    checked += 1
    assert checked > 100


def test_no_finding_counts_few_people_or_names_an_interviewer(planted):
    threshold = be.load_study(planted).survey.threshold
    findings = pd.read_csv(planted / "out/findings.csv", dtype=str, keep_default_na=False)
    survey = findings[findings["code"].str.startswith("S.")]
    assert {"S.109", "S.113"} <= set(survey["code"])
    counts = survey["value"].str.extractall(r"\b(?:rows|run|count)=(\d+)")[0].astype(int)
    assert not (counts < threshold).any()
    assert not survey["value"].str.contains("interviewer=").any()


def test_no_hidden_count_is_a_difference_of_shown_ones(planted):
    study = be.load_study(planted)
    questionnaire = study.questionnaire("voter_survey")
    table = pd.read_csv(planted / "out/survey.csv")
    table[["answer", "question"]] = table[["answer", "question"]].fillna("")
    table = table[table["table"] == "voter_survey"]
    raw = pd.read_csv(planted / "raw" / VOTERS, dtype=str, keep_default_na=False)
    checked = 0
    for group, ballot in (("experiment", "new"), ("control", "old")):
        reader = Reader(questionnaire, table, group)
        for names, n in truth(questionnaire, raw[raw["ballot"] == ballot]):
            if 0 < n < study.survey.threshold:
                cell = add(*(reader.unknown(*name) for name in names))
                for value in (0, n, study.survey.threshold):
                    assert reader.possible(cell, value), (group, names, value)
                checked += 1
    assert checked > 5


def test_no_median_is_the_answer_of_a_few(planted):
    study = be.load_study(planted)
    table = pd.read_csv(planted / "out/survey.csv")
    medians = table[(table["quantity"] == "median") & ~table["hidden"]]
    assert set(medians["table"]) == {"station_survey"}
    raw = pd.read_csv(planted / "raw/station_survey.csv")
    for m in medians.itertuples():
        ballot = {"experiment": "new", "control": "old"}[m.group]
        given = pd.to_numeric(raw.loc[raw["ballot"] == ballot, m.question], errors="coerce")
        shown = [value for value in (m.estimate, m.ci_lower, m.ci_upper) if not pd.isna(value)]
        enough = [
            min((given.dropna().map(lambda v, d=d: float(f"{v:.{d}g}")) == n).sum() for n in shown)
            for d in (1, 2)
        ]
        assert max(enough) >= study.survey.threshold


def test_weighted_numbers_have_five_digits(planted):
    table = pd.read_csv(planted / "out/survey.csv")
    stored = json.loads((planted / "out/results.json").read_text(encoding="utf-8"))["survey"]
    for name in ("estimate", "standard_error", "ci_lower", "ci_upper", "design_effect", "p_value"):
        for found in (table[name], pd.Series([row[name] for row in stored], dtype=float)):
            values = found.dropna()
            assert len(values) > 50
            assert all(float(f"{value:.5g}") == value for value in values)
