"""The README lists the tables that a run writes, each in one row."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from ballot_eval.outputs import TABLE_NAMES
from ballot_eval.results import KINDS

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def outputs():
    """Return the first cells of the table of what ``build/<study>/`` holds."""
    (table,) = re.findall(
        r"`build/<study>/` holds\n\n\| file \| what \|\n\|---\|---\|\n((?:\|.*\n)+)",
        README.read_text(encoding="utf-8"),
    )
    return [row.split("|")[1] for row in table.splitlines()]


def test_every_table_stands_in_one_row(outputs):
    times = Counter(name for cell in outputs for name in re.findall("`([^`]+)`", cell))
    tables = {f"{TABLE_NAMES.get(name, name)}.csv" for name in KINDS}
    assert {name: times[name] for name in tables} == dict.fromkeys(tables, 1)
