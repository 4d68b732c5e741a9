"""What validation returns: findings, accepted rows, excluded rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ballot_eval.errors import InvalidDataError

Severity = Literal["error", "warning", "info"]

#: ``rows`` is 1, but in large tables, where a line stands for all rows of one file and unit that
#: are left out for one reason; ``line`` is then the first.
EXCLUDED_COLUMNS = (
    *("table", "file", "line", "rows"),
    *("municipality_code", "election", "code", "reason"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on the data. ``line`` is 0 and ``file`` empty where none applies."""

    code: str
    severity: Severity
    table: str
    file: str
    line: int
    municipality_code: str
    election: str
    fields: str
    statement: str
    value: str


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Findings and the partition of the raw rows: kept + excluded = read.

    ``accepted`` maps table names to typed frames (counts int64, Int64 where they may be unknown);
    ``excluded`` names every row that is not used, with the reason.
    """

    findings: tuple[Finding, ...]
    accepted: dict[str, pd.DataFrame]
    excluded: pd.DataFrame
    rows_read: int
    rows_accepted: int

    @property
    def errors_count(self) -> int:
        """Return the number of findings of severity error."""
        return sum(f.severity == "error" for f in self.findings)

    @property
    def warnings_count(self) -> int:
        """Return the number of findings of severity warning."""
        return sum(f.severity == "warning" for f in self.findings)

    @property
    def has_errors(self) -> bool:
        """Return whether any finding is an error."""
        return self.errors_count > 0

    def to_frame(self) -> pd.DataFrame:
        """Return one row per finding."""
        columns = [f.name for f in dataclasses.fields(Finding)]
        return pd.DataFrame([dataclasses.astuple(f) for f in self.findings], columns=columns)

    def raise_if_errors(self) -> None:
        """Raise InvalidDataError when there are errors, naming the first three."""
        if not self.has_errors:
            return
        errors = [f for f in self.findings if f.severity == "error"]
        first = "; ".join(f"{_place(f)} {f.code} {f.statement}" for f in errors[:3])
        msg = f"{len(errors)} errors in the data, nothing was written: {first}"
        raise InvalidDataError(msg, self)


def _place(finding: Finding) -> str:
    """Return where a finding is: file and line, or else the election it is about."""
    if finding.line:
        return f"{finding.file}:{finding.line}"
    return finding.file or finding.election or finding.table
