"""The two passes of validation: types by pandera first, then the rules on what is sound."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from ballot_eval.design import StudyDesign
from ballot_eval.raw import COUNT_FIELDS, RawData
from ballot_eval.validation.columns import COLUMNS, UNIT, WHOLE_PATTERN, Column
from ballot_eval.validation.context import Context, Hit
from ballot_eval.validation.findings import EXCLUDED_COLUMNS, Finding, ValidationReport
from ballot_eval.validation.rules import EMPTY, FORM, RULES, TABLE_RULES, WHOLE, Rule


def validate(raw: RawData, study: StudyDesign) -> ValidationReport:
    """Return findings, accepted rows and excluded rows; rows kept + excluded = rows read.

    First pass: types and forms, cell by cell. Second pass, on rows of sound types: signs, keys,
    accounting and plausibility rules, each on the rows that no earlier rule excluded.
    """
    context = Context(raw, study)
    findings: list[Finding] = []
    for table in COLUMNS:
        _first_pass(context, table, findings)
    for rule in TABLE_RULES:
        assert rule.check is not None
        for hit in list(rule.check(context)):
            _record(context, rule, hit, findings)
    accepted = {table: context.kept(table).reset_index(drop=True) for table in COLUMNS}
    excluded = _excluded_frame(context)
    read = sum(len(frame) for frame in raw.tables.values())
    kept = sum(len(frame) for frame in accepted.values())
    assert kept + len(excluded) == read
    return ValidationReport(tuple(findings), accepted, excluded, read, kept)


def _first_pass(context: Context, table: str, findings: list[Finding]) -> None:
    """Check every cell against its pattern; leave the sound rows, typed, in the context."""
    frame = context.raw.tables[table]
    columns = {c.name: c for c in COLUMNS[table]}
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
            hit = Hit(table, (int(index),), name, value, detail)
            _record(context, rule, hit, findings)
    sound = frame[~frame.index.isin(list(context.excluded[table]))]
    context.typed[table] = sound.astype(dict.fromkeys(COUNT_FIELDS, "int64"))


def _pattern(column: Column) -> str:
    return WHOLE_PATTERN if column.count else column.pattern


def _cell_rule(column: Column, value: str) -> tuple[Rule, str]:
    if not value.strip():
        return EMPTY, f": {column.name}"
    if column.count:
        return WHOLE, f": {column.name} = {value[:40]!r}"
    return FORM, f": {column.name} = {value[:40]!r}, {column.pattern}"


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
        line, code = int(str(row["source_line"])), str(row[UNIT[hit.table]])
        if hit.fields in COUNT_FIELDS:
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
            unit = row[UNIT[table]]
            place = (row["source_file"], row["source_line"], unit, row["election_id"])
            rows.append((table, *place, code, reasons[code]))
    return pd.DataFrame(rows, columns=list(EXCLUDED_COLUMNS))
