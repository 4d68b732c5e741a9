"""The two passes of validation: types by pandera first, then the rules on what is sound."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pandera.pandas as pa

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError
from ballot_eval.raw import RawData
from ballot_eval.schema import SURVEY_TABLES, Column
from ballot_eval.validation.context import Context, Hit
from ballot_eval.validation.findings import EXCLUDED_COLUMNS, Finding, ValidationReport
from ballot_eval.validation.moments import NIGHT_ENDS, resolve
from ballot_eval.validation.rule import Rule
from ballot_eval.validation.rules import DATE, EMPTY, FORM, NUMBER, RULES, TABLE_RULES, WHOLE
from ballot_eval.validation.rules_survey import OFF_SCALE


def validate(raw: RawData, study: StudyDesign) -> ValidationReport:
    """Return findings, accepted rows and excluded rows; rows kept + excluded = rows read.

    First pass: types and forms, cell by cell. Second pass, on rows of sound types: signs, keys,
    accounting and plausibility rules, each on the rows that no earlier rule excluded. Raises
    DesignError when surveys were read with other questionnaires than the study's.
    """
    _check_surveys(raw, study)
    context = Context(raw, study)
    findings: list[Finding] = []
    for table in context.tables:
        _first_pass(context, table, findings)
    for rule in TABLE_RULES:
        assert rule.check is not None
        for hit in list(rule.check(context)):
            _record(context, rule, hit, findings)
    accepted = {table: context.kept(table).reset_index(drop=True) for table in context.tables}
    excluded = _excluded_frame(context)
    read = sum(len(frame) for frame in raw.tables.values())
    kept = sum(len(frame) for frame in accepted.values())
    assert kept + int(excluded["rows"].sum()) == read
    return ValidationReport(tuple(findings), accepted, excluded, read, kept)


def _check_surveys(raw: RawData, study: StudyDesign) -> None:
    planned = study.tables()
    for table in SURVEY_TABLES:
        if table in raw.described and raw.described[table] != planned.get(table):
            msg = f"{table} was read with another questionnaire; read the raw files with this study"
            raise DesignError(msg)


def _first_pass(context: Context, table: str, findings: list[Finding]) -> None:
    """Check every cell against its pattern; leave the sound rows, typed, in the context."""
    frame = context.raw.tables[table]
    columns = {c.name: c for c in context.tables[table]}
    context.excluded[table] = {}
    cases: list[tuple[int, str, str]] = []
    for name, column in columns.items():
        for value in _unsound(frame[name], column):
            indices = frame.index[frame[name] == value]
            cases += [(int(index), name, value) for index in indices]
    for index, name, value in sorted(cases):
        rule, detail = _cell_rule(columns[name], value)
        shown = "" if columns[name].private else value
        _record(context, rule, Hit(table, (index,), name, shown, detail), findings)
    context.typed[table] = frame
    context.typed[table] = _typed(context, table, findings)


def _unsound(cells: pd.Series[str], column: Column) -> list[str]:
    """Return the different cells that do not have the form of their column.

    Millions of cells have few different values, and pandera need only see these.
    """
    different = pd.Series(cells.unique().astype(str), dtype="str")
    if column.nullable:
        different = different[different != ""]
    if different.empty:
        return []
    schema = pa.SeriesSchema(str, pa.Check.str_matches(f"^(?:{column.form})\\Z"))
    try:
        schema.validate(different, lazy=True)
    except pa.errors.SchemaErrors as error:
        at = error.failure_cases["index"].dropna().astype(int).unique()
        return [str(value) for value in different.loc[at]]
    return []


def _cell_rule(column: Column, value: str) -> tuple[Rule, str]:
    if column.answer:
        form = ", ".join(column.allowed) if column.allowed else column.form
        return OFF_SCALE, f": {column.name} (not shown), {form}"
    if not value.strip():
        return EMPTY, f": {column.name}"
    if column.private:
        # The cell may hold the very thing that must not be passed on.
        return FORM, f": {column.name} (not shown), {column.form}"
    found = f": {column.name} = {value[:40]!r}"
    if column.kind == "text":
        return FORM, f"{found}, {', '.join(column.allowed) or column.form}"
    rules = {"count": WHOLE, "decimal": NUMBER, "moment": DATE, "day_moment": DATE}
    return rules[column.kind], found


def _typed(context: Context, table: str, findings: list[Finding]) -> pd.DataFrame:
    """Return the sound rows with counts, numbers and moments in their types.

    An empty cell of a count is NA of type Int64, of a number NaN, of a moment NaT.
    """
    described = context.tables[table]
    moments = {c.name: c.kind for c in described if c.kind in ("moment", "day_moment")}
    for name in moments:
        frame = context.kept(table)
        frame = frame[frame[name] != ""]
        resolved = _resolved(context, frame, name, moments[name])
        for index in resolved.index[resolved.isna()]:
            value = str(frame[name].loc[index])
            detail = f": {name} = {value!r}"
            _record(context, DATE, Hit(table, (int(str(index)),), name, value, detail), findings)
    frame = context.kept(table).copy()
    for column in described:
        if column.kind in ("count", "decimal"):
            frame[column.name] = _numbers(frame[column.name], column)
    for name, kind in moments.items():
        filled = frame[frame[name] != ""]
        frame[name] = _resolved(context, filled, name, kind).reindex(frame.index)
    return frame


def _numbers(cells: pd.Series[str], column: Column) -> pd.Series[int] | pd.Series[float]:
    """Return counts as int64 (Int64 where a cell may be empty) and decimals as float64."""
    if not column.nullable:
        used: pd.Series[Any] = cells
        if isinstance(cells.dtype, pd.CategoricalDtype):
            # The categories hold the cells of rows that were left out, too.
            used = cells.cat.remove_unused_categories()
        return used.astype("int64" if column.kind == "count" else "float64")
    number = pd.to_numeric(cells.astype("str").where(cells != ""))
    return number.astype("Int64" if column.kind == "count" else "float64")


def _resolved(
    context: Context, frame: pd.DataFrame, name: str, kind: str
) -> pd.Series[pd.Timestamp]:
    night_ends = NIGHT_ENDS if kind == "moment" else 0
    study = context.study
    return resolve(frame[name], frame["election_id"], study, night_ends=night_ends)


def _record(context: Context, rule: Rule, hit: Hit, findings: list[Finding]) -> None:
    """Add one finding, and exclude the rows it is about where the rule says so."""
    if rule.excludes:
        for index in hit.rows:
            context.excluded[hit.table].setdefault(index, rule.code)
    file, line, election, code = hit.file, hit.line, hit.election, hit.code
    if len(hit.rows) == 1 and not file:
        index = hit.rows[0]
        row = context.raw.tables[hit.table].loc[index]
        file, election = str(row["source_file"]), str(row["election_id"])
        line, code = int(str(row["source_line"])), str(row[context.tables[hit.table].unit])
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
    """Return one line per excluded row; of a large table one per file, unit and reason."""
    reasons = {rule.code: rule.statement(context.study.language) for rule in RULES}
    parts = []
    for table, excluded in context.excluded.items():
        if not excluded:
            continue
        indices = sorted(excluded)
        described = context.tables[table]
        source = context.raw.tables[table].loc[indices]
        rows = pd.DataFrame(
            {
                "table": table,
                "file": source["source_file"].astype("str"),
                "line": source["source_line"],
                "municipality_code": source[described.unit].astype("str"),
                "election": source["election_id"].astype("str"),
                "code": [excluded[i] for i in indices],
                "rows": 1,
            }
        )
        if described.large:
            keys = ["table", "file", "municipality_code", "election", "code"]
            rows = rows.groupby(keys, as_index=False, sort=False).agg(
                {"line": "min", "rows": "sum"}
            )
        parts.append(rows.assign(reason=rows["code"].map(reasons)))
    empty = pd.DataFrame(columns=list(EXCLUDED_COLUMNS))
    whole = pd.concat(parts, ignore_index=True) if parts else empty
    return whole[list(EXCLUDED_COLUMNS)]
