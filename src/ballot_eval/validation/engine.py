"""The two passes of validation: types by pandera first, then the rules on what is sound."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from ballot_eval.design import StudyDesign
from ballot_eval.raw import RawData
from ballot_eval.schema import TABLES, Column
from ballot_eval.validation.context import Context, Hit
from ballot_eval.validation.findings import EXCLUDED_COLUMNS, Finding, ValidationReport
from ballot_eval.validation.moments import resolve
from ballot_eval.validation.rule import Rule
from ballot_eval.validation.rules import DATE, EMPTY, FORM, NUMBER, RULES, TABLE_RULES, WHOLE


def validate(raw: RawData, study: StudyDesign) -> ValidationReport:
    """Return findings, accepted rows and excluded rows; rows kept + excluded = rows read.

    First pass: types and forms, cell by cell. Second pass, on rows of sound types: signs, keys,
    accounting and plausibility rules, each on the rows that no earlier rule excluded.
    """
    context = Context(raw, study)
    findings: list[Finding] = []
    for table in TABLES:
        _first_pass(context, table, findings)
    for rule in TABLE_RULES:
        assert rule.check is not None
        for hit in list(rule.check(context)):
            _record(context, rule, hit, findings)
    accepted = {table: context.kept(table).reset_index(drop=True) for table in TABLES}
    excluded = _excluded_frame(context)
    read = sum(len(frame) for frame in raw.tables.values())
    kept = sum(len(frame) for frame in accepted.values())
    assert kept + len(excluded) == read
    return ValidationReport(tuple(findings), accepted, excluded, read, kept)


def _first_pass(context: Context, table: str, findings: list[Finding]) -> None:
    """Check every cell against its pattern; leave the sound rows, typed, in the context."""
    frame = context.raw.tables[table]
    columns = {c.name: c for c in TABLES[table]}
    context.excluded[table] = {}
    schema = pa.DataFrameSchema(
        {
            name: pa.Column(str, pa.Check.str_matches(f"^(?:{_pattern(column)})\\Z"))
            for name, column in columns.items()
        }
    )
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases.dropna(subset=["index"])
        # pandera reports a cell once per failed check; one finding per cell is enough.
        cells = cases[["index", "column"]].drop_duplicates().sort_values(["index", "column"])
        for index, name in cells.itertuples(index=False):
            value = str(frame[name].loc[int(index)])
            rule, detail = _cell_rule(columns[name], value)
            shown = "" if columns[name].private else value
            _record(context, rule, Hit(table, (int(index),), name, shown, detail), findings)
    context.typed[table] = frame
    context.typed[table] = _typed(context, table, findings)


def _pattern(column: Column) -> str:
    return f"(?:{column.form})?" if column.nullable else column.form


def _cell_rule(column: Column, value: str) -> tuple[Rule, str]:
    if not value.strip():
        return EMPTY, f": {column.name}"
    if column.private:
        # The cell may hold the very thing that must not be passed on.
        return FORM, f": {column.name} (not shown), {column.form}"
    found = f": {column.name} = {value[:40]!r}"
    if column.kind == "text":
        return FORM, f"{found}, {column.form}"
    return {"count": WHOLE, "decimal": NUMBER, "moment": DATE}[column.kind], found


def _typed(context: Context, table: str, findings: list[Finding]) -> pd.DataFrame:
    """Return the sound rows with counts, numbers and moments in their types."""
    for name in TABLES[table].of_kind("moment"):
        frame = context.kept(table)
        moments = resolve(frame[name], frame["election_id"], context.study)
        for index in moments.index[moments.isna()]:
            value = str(frame[name].loc[index])
            detail = f": {name} = {value!r}"
            _record(context, DATE, Hit(table, (int(str(index)),), name, value, detail), findings)
    frame = context.kept(table)
    types = {"count": "int64", "decimal": "float64"}
    frame = frame.astype({c.name: types[c.kind] for c in TABLES[table] if c.kind in types})
    for name in TABLES[table].of_kind("moment"):
        frame[name] = resolve(frame[name], frame["election_id"], context.study)
    return frame


def _record(context: Context, rule: Rule, hit: Hit, findings: list[Finding]) -> None:
    """Add one finding, and exclude the rows it is about where the rule says so."""
    if rule.excludes:
        for index in hit.rows:
            context.excluded[hit.table].setdefault(index, rule.code)
    file, line, election, code = hit.file, 0, hit.election, hit.code
    if len(hit.rows) == 1 and not file:
        index = hit.rows[0]
        row = context.raw.tables[hit.table].loc[index]
        file, election = str(row["source_file"]), str(row["election_id"])
        line, code = int(str(row["source_line"])), str(row[TABLES[hit.table].unit])
        if hit.table in context.raw.cell_lines and hit.fields in context.raw.cell_lines[hit.table]:
            line = int(str(context.raw.cell_lines[hit.table][hit.fields].loc[index]))
    statement = rule.statement(context.study.language) + hit.detail
    findings.append(
        Finding(
            code=rule.code,
            severity=rule.severity,
            table=hit.table,
            file=file,
            line=line,
            municipality_code=code,
            election=election,
            fields=hit.fields,
            statement=statement,
            value=hit.value,
        )
    )


def _excluded_frame(context: Context) -> pd.DataFrame:
    reasons = {rule.code: rule.statement(context.study.language) for rule in RULES}
    rows = []
    for table, excluded in context.excluded.items():
        frame = context.raw.tables[table]
        for index in sorted(excluded):
            row, code = frame.loc[index], excluded[index]
            unit = row[TABLES[table].unit]
            place = (row["source_file"], row["source_line"], unit, row["election_id"])
            rows.append((table, *place, code, reasons[code]))
    return pd.DataFrame(rows, columns=list(EXCLUDED_COLUMNS))
