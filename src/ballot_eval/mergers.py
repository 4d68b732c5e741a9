"""Municipal mergers 2021–2025: results of an old municipality on today's map."""

from __future__ import annotations

import datetime as dt
from functools import cache
from importlib.resources import files

import pandas as pd

#: Mergers before this day are not in the table.
MERGERS_SINCE = dt.date(2021, 1, 2)


@cache
def load_mergers() -> pd.DataFrame:
    """Return the mergers, all text: old_code, old_name, new_code, new_name, effective_date."""
    path = files("ballot_eval") / "data" / "mergers_2021_2025.csv"
    with path.open(encoding="utf-8") as handle:
        return pd.read_csv(handle, dtype=str)


def current_code(codes: pd.Series[str], since: dt.date, until: dt.date) -> pd.Series[str]:
    """Return the codes of ``since`` as they are at ``until``; codes that did not merge stay."""
    table = load_mergers()
    effective = table["effective_date"]
    applies = (effective > since.isoformat()) & (effective <= until.isoformat())
    mapping = dict(zip(table["old_code"][applies], table["new_code"][applies], strict=True))
    return codes.map(lambda code: mapping.get(code, code))
