"""The data dictionary of the report: every file, column and raw table, in both languages."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from ballot_eval.outputs import output_columns
from ballot_eval.pipeline import write_outputs
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.tables.dictionary import (
    dictionary_tables,
    output_column,
    outputs,
    raw_columns,
)
from ballot_eval.results import ResultSet
from ballot_eval.schema import SURVEY_TABLES, TABLES, Column, Table
from ballot_eval.schema.output_columns import OUTPUT_COLUMNS
from ballot_eval.schema.outputs import OTHER_OUTPUTS, OUTPUT_TABLES
from ballot_eval.validation.findings import EXCLUDED_COLUMNS, ValidationReport

BOTH = pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)


def cells(line):
    return [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split(" | ")]


@pytest.fixture
def written(tmp_path):
    """Return the columns of every CSV file of a run without results, as written."""
    validation = ValidationReport((), {}, pd.DataFrame(columns=list(EXCLUDED_COLUMNS)), 0, 0)
    results = ResultSet("none", rates=(), effects=(), checks=())
    write_outputs(SimpleNamespace(validation=validation, results=results), tmp_path)
    return {file.stem: list(pd.read_csv(file).columns) for file in tmp_path.glob("*.csv")}


def test_every_file_of_a_run_is_in_the_dictionary(written):
    assert set(OUTPUT_TABLES) == set(written)
    assert {name: list(columns) for name, columns in output_columns().items()} == written


def test_every_column_of_a_run_is_described_and_every_description_used(written):
    used = {
        output_column(table, column) for table, columns in written.items() for column in columns
    }
    assert used == set(OUTPUT_COLUMNS)
    meanings = [(c.name, table) for c in OUTPUT_COLUMNS for table in c.tables or ("",)]
    assert len(set(meanings)) == len(meanings)
    with pytest.raises(KeyError, match=r"rates\.nothing"):
        output_column("rates", "nothing")


@BOTH
def test_the_columns_of_a_file_stand_below_it_in_order(written, say):
    rows = [cells(line) for line in outputs(say).splitlines()[2:]]
    found = {}
    for name, kind, meaning in rows:
        assert meaning
        if name.startswith("**"):
            found[name.strip("*")] = below = []
        else:
            assert kind
            below.append(name)
    tables = {f"{table}.csv": columns for table, columns in written.items()}
    assert found == tables | {name: [] for name in OTHER_OUTPUTS}


def test_everything_that_a_run_leaves_is_in_the_dictionary(finished):
    names = {file.name for file in (finished / "out").iterdir()}
    assert names == {f"{name}.csv" for name in OUTPUT_TABLES} | set(OTHER_OUTPUTS)


@BOTH
def test_every_raw_table_has_its_place_in_the_text(root, say):
    text = (root / f"report/{say.code}/_woordenboek.qmd").read_text(encoding="utf-8")
    general = ["outputs", "tables"]
    tables = [*TABLES, *SURVEY_TABLES]
    shown = re.findall(rf"\{{\{{< table {say.code}\.dictionary_(\w+) >\}}\}}", text)
    assert shown == [*general, *tables]
    made = re.findall(rf'\{{\.made table="{say.code}\.dictionary_(\w+)"\}}', text)
    assert made == tables
    for name in shown:
        label = f"tbl-dictionary-{name.replace('_', '-')}"
        assert f"{{#{label}}}" in text
        assert re.search(rf"@{label}\b(?!-)", text)


def outcome_with(described, rows):
    tables = {
        name: pd.DataFrame("", index=range(rows.get(name, 0)), columns=list(table.names))
        for name, table in described.items()
    }
    return SimpleNamespace(raw=SimpleNamespace(described=described, tables=tables))


@BOTH
def test_only_tables_that_were_read_are_described(gr2026, say):
    surveys = {q.table: q.layout() for q in gr2026.questionnaires}
    described = TABLES | surveys
    made = dictionary_tables(say, outcome_with(described, {"list_results": 3, "voter_survey": 1}))
    shown = {"list_results", "voter_survey"}
    general = {"outputs", "tables"}
    assert set(made) == {f"dictionary_{name}" for name in shown | general}
    rows = made["dictionary_tables"].splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == ["list_results", "voter_survey"]
    questions = made["dictionary_voter_survey"]
    for question in gr2026.questionnaire("voter_survey").questions:
        assert question.wording(say.code) in questions


@pytest.mark.parametrize("name", [*TABLES, *SURVEY_TABLES])
def test_a_table_has_a_row_per_column_in_both_languages(name):
    table = (TABLES | SURVEY_TABLES)[name]
    for say in LANGUAGES:
        rows = [cells(line) for line in raw_columns(say, table).splitlines()[2:]]
        assert [row[0] for row in rows] == list(table.names)
        assert all(len(row) == 4 and all(row) for row in rows)
    assert table.nl
    assert table.en


@pytest.mark.parametrize(
    ("say", "rows"),
    [
        (
            DUTCH,
            [
                "a_seconds | getal, seconden | ja | Duur",
                "b_count | geheel getal | mag leeg zijn | Aantal",
                "c | new, old | mag ontbreken | Soort",
                "d | tijdstip | ja | Begin",
            ],
        ),
        (
            ENGLISH,
            [
                "a_seconds | number, seconds | yes | Duration",
                "b_count | whole number | may be empty | Count",
                "c | new, old | may be absent | Type",
                "d | date and time | yes | Start",
            ],
        ),
    ],
)
def test_types_units_and_requirements_are_in_words(say, rows):
    table = Table(
        (
            Column("a_seconds", "Duur", "Duration", kind="decimal"),
            Column("b_count", "Aantal", "Count", kind="count", nullable=True),
            Column("c", "Soort", "Type", allowed=("new", "old"), optional=True, nullable=True),
            Column("d", "Begin", "Start", kind="moment"),
        ),
        key=("c",),
        unit="c",
    )
    assert raw_columns(say, table).splitlines()[2:] == [f"| {row} |" for row in rows]
