"""Validation: findings on raw tables, in two passes; nothing raised, nothing dropped silently."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from ballot_eval.design import StudyDesign
from ballot_eval.mergers import current_code
from ballot_eval.raw import COUNT_FIELDS, RawData
from ballot_eval.validation import rules as r
from ballot_eval.validation.columns import COLUMNS, KEYS
from ballot_eval.validation.findings import EXCLUDED_COLUMNS, Finding, ValidationReport

__all__ = ["Finding", "ValidationReport", "validate"]

#: A change this many robust standard deviations from the controls' median is a jump.
JUMP_Z = 5.0

WHOLE_PATTERN = r"[+-]?\d{1,12}"


def validate(raw: RawData, study: StudyDesign) -> ValidationReport:
    """Return findings, accepted rows and excluded rows; rows kept + excluded = rows read.

    First pass: types and forms, cell by cell. Second pass, on rows of sound types: signs, keys,
    accounting and plausibility rules.
    """
    return _Validation(raw, study).report()


class _Validation:
    """The state of one validation: rows still in, findings and exclusions so far."""

    def __init__(self, raw: RawData, study: StudyDesign) -> None:
        self.raw, self.study = raw, study
        self.findings: list[Finding] = []
        self.excluded: dict[tuple[str, int], str] = {}
        self.typed: dict[str, pd.DataFrame] = {}

    def report(self) -> ValidationReport:
        for table in COLUMNS:
            self._types(table)
            self._unused(table)
            self._signs_and_keys(table)
            self._row_rules(table)
        self._coverage()
        self._national()
        self._jumps()
        self._unread()
        accepted = {t: self._kept(t).reset_index(drop=True) for t in COLUMNS}
        read = sum(len(f) for f in self.raw.tables.values())
        kept = sum(len(f) for f in accepted.values())
        excluded = self._excluded_frame()
        assert kept + len(excluded) == read
        return ValidationReport(tuple(self.findings), accepted, excluded, read, kept)

    def _kept(self, table: str) -> pd.DataFrame:
        frame = self.typed[table]
        keep = pd.Series([(table, i) not in self.excluded for i in frame.index], frame.index)
        return frame[keep.astype(bool)]

    def _add(
        self,
        rule: r.Rule,
        table: str,
        index: int,
        *,
        field: str = "",
        value: str = "",
        detail: str = "",
    ) -> None:
        """Add a finding on one row, and exclude the row where the rule says so."""
        row = self.raw.tables[table].loc[index]
        line = int(row["source_line"])
        if field in COUNT_FIELDS:
            line = int(self.raw.cell_lines[table].loc[index, field])
        code = row["municipality_code" if table == "municipality_results" else "region_code"]
        if rule.excludes:
            self.excluded.setdefault((table, index), rule.code)
        statement = rule.statement(self.study.language) + detail
        self.findings.append(
            Finding(
                rule.code,
                rule.severity,
                table,
                row["source_file"],
                line,
                code,
                row["election_id"],
                field or "+".join(rule.fields),
                statement,
                value,
            )
        )

    def _types(self, table: str) -> None:
        """Pass 1: every cell against its pattern, with pandera; typed rows for what is sound."""
        frame = self.raw.tables[table]
        schema = pa.DataFrameSchema(
            {
                c.name: pa.Column(
                    str, pa.Check.str_matches(f"^(?:{WHOLE_PATTERN if c.count else c.pattern})$")
                )
                for c in COLUMNS[table]
            }
        )
        try:
            schema.validate(frame, lazy=True)
        except pa.errors.SchemaErrors as error:
            cases = error.failure_cases.dropna(subset=["index"])
            cells = cases[["index", "column"]].drop_duplicates().sort_values(["index", "column"])
            counts = {c.name for c in COLUMNS[table] if c.count}
            for index, column in cells.itertuples(index=False):
                value = str(frame.loc[int(index), column])
                rule = r.WHOLE if column in counts else r.FORM
                rule = r.EMPTY if not value.strip() else rule
                self._add(rule, table, int(index), field=column, value=value)
        sound = pd.Series([(table, i) not in self.excluded for i in frame.index], frame.index)
        self.typed[table] = frame[sound.astype(bool)].astype(dict.fromkeys(COUNT_FIELDS, "int64"))

    def _unused(self, table: str) -> None:
        frame = self._kept(table)
        rows = frame[~frame["election_id"].isin(self.study.needed_elections())]
        for (file, election), group in rows.groupby(["source_file", "election_id"]):
            for index in group.index:
                self.excluded[table, index] = r.UNUSED.code
            self._note(r.UNUSED, table, str(file), str(election), value=str(len(group)))

    def _note(
        self,
        rule: r.Rule,
        table: str,
        file: str,
        election: str,
        *,
        code: str = "",
        value: str = "",
        detail: str = "",
        fields: str = "",
    ) -> None:
        """Add a finding that is not about one row."""
        statement = rule.statement(self.study.language) + detail
        self.findings.append(
            Finding(
                rule.code, rule.severity, table, file, 0, code, election, fields, statement, value
            )
        )

    def _signs_and_keys(self, table: str) -> None:
        frame = self._kept(table)
        for field in COUNT_FIELDS:
            for index, value in frame.loc[frame[field] < 0, field].items():
                self._add(r.NEGATIVE, table, index, field=field, value=str(value))
        frame = self._kept(table)
        for _, group in frame[frame.duplicated(list(KEYS[table]), keep=False)].groupby(
            list(KEYS[table])
        ):
            places = [
                f"{file}:{line}"
                for file, line in zip(group["source_file"], group["source_line"], strict=True)
            ]
            for position, index in enumerate(group.index):
                others = ", ".join(places[:position] + places[position + 1 :])
                self._add(
                    r.DUPLICATE, table, index, field="+".join(KEYS[table]), detail=f" {others}"
                )

    def _row_rules(self, table: str) -> None:
        frame = self._kept(table)
        for rule in r.ROW_RULES:
            assert rule.check is not None
            for index, row in frame[rule.check(frame)].iterrows():
                value = "; ".join(f"{field}={row[field]}" for field in rule.fields)
                self._add(rule, table, index, value=value)

    def _today(self, election: str) -> pd.DataFrame:
        """Return the kept municipal counts of one election on today's municipalities."""
        frame = self._kept("municipality_results")
        frame = frame[frame["election_id"] == election]
        until = self.study.election_by_id(self.study.election).date
        since = self.study.election_by_id(election).date
        codes = current_code(frame["municipality_code"], since, until)
        return frame.groupby(codes)[list(COUNT_FIELDS)].sum()

    def _coverage(self) -> None:
        for election in self.study.needed_elections():
            codes = set(self._today(election).index)
            if not codes:
                self._note(r.NO_ELECTION, "municipality_results", "", election)
                continue
            for code in sorted(set(self.study.experiment()) - codes):
                detail = f": {self.study.municipalities[code]}"
                self._note(
                    r.MISSING, "municipality_results", "", election, code=code, detail=detail
                )

    def _national(self) -> None:
        regions = self._kept("region_results")
        for index, row in regions[regions["region_type"] == "national"].iterrows():
            election = row["election_id"]
            same = regions["election_id"] == election
            other = regions[same & regions["region_type"].isin(["postal", "caribbean"])]
            municipal = self._today(election)
            if municipal.empty:
                continue
            for field in COUNT_FIELDS:
                total = int(municipal[field].sum() + other[field].sum())
                if total != row[field]:
                    value = f"{row[field]} != {total}"
                    self._add(r.NATIONAL, "region_results", index, field=field, value=value)

    def _jumps(self) -> None:
        """Compare each control's change with all controls': median and scaled MAD."""
        now = self._today(self.study.election)
        for baseline in self.study.baselines:
            then = self._today(baseline)
            both = now.join(then.add_suffix("_then"), how="inner")
            both = both[(both["votes_cast_count"] > 0) & (both["votes_cast_count_then"] > 0)]
            change = (
                both["invalid_votes_count"] / both["votes_cast_count"]
                - both["invalid_votes_count_then"] / both["votes_cast_count_then"]
            )
            change = change[[self.study.role(c) == "control" for c in change.index]]
            centre = change.median()
            scale = 1.4826 * (change - centre).abs().median()
            if not scale > 0:
                continue
            z = (change - centre) / scale
            for code in z.index[z.abs() > JUMP_Z]:
                self._jump(code, baseline, float(z[code]), float(change[code]))

    def _jump(self, code: str, baseline: str, z: float, change: float) -> None:
        frame = self._kept("municipality_results")
        match = (frame["election_id"] == self.study.election) & (frame["municipality_code"] == code)
        for index in frame.index[match]:
            value = f"{baseline}: {100 * change:+.3f} points, z = {z:+.1f}"
            self._add(r.JUMP, "municipality_results", index, value=value)

    def _unread(self) -> None:
        for file in self.raw.files:
            if file.status == "not_read":
                self._note(r.UNREAD, "", file.path, "", detail=f": {file.reason}")

    def _excluded_frame(self) -> pd.DataFrame:
        by_code = {rule.code: rule.statement(self.study.language) for rule in r.RULES}
        rows = []
        for (table, index), code in sorted(self.excluded.items()):
            row = self.raw.tables[table].loc[index]
            unit = row["municipality_code" if table == "municipality_results" else "region_code"]
            rows.append(
                (
                    table,
                    row["source_file"],
                    row["source_line"],
                    unit,
                    row["election_id"],
                    code,
                    by_code[code],
                )
            )
        return pd.DataFrame(rows, columns=list(EXCLUDED_COLUMNS))
