"""The tables that a run delivers: their names and columns."""

from __future__ import annotations

import dataclasses

import pandas as pd

from ballot_eval.results import KINDS, ResultSet, to_frame
from ballot_eval.validation.findings import EXCLUDED_COLUMNS, Finding, ValidationReport

#: Fields of a set of results whose table has another name.
TABLE_NAMES = {"checks": "robustness"}


def output_frames(validation: ValidationReport, results: ResultSet) -> dict[str, pd.DataFrame]:
    """Return every table of a run by its name, that of its file without ``.csv``."""
    frames = {"findings": validation.to_frame(), "excluded_rows": validation.excluded}
    for name, kind in KINDS.items():
        frames[TABLE_NAMES.get(name, name)] = to_frame(getattr(results, name), kind)
    return frames


def output_columns() -> dict[str, tuple[str, ...]]:
    """Return the columns of every table of a run, in order, by the name of the table."""
    columns = {"findings": _fields(Finding), "excluded_rows": EXCLUDED_COLUMNS}
    for name, kind in KINDS.items():
        columns[TABLE_NAMES.get(name, name)] = _fields(kind)
    return columns


def _fields(kind: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind))
