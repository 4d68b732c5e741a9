"""Which of the results a table, a sentence or a figure is about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

from ballot_eval.reporting.tables.terms import HISTORY_METHODS
from ballot_eval.results import Check, Effect
from ballot_eval.topics.station_effects import METHOD as STATION_METHOD

Row = TypeVar("Row")


def with_fields(items: Iterable[Row], **wanted: str) -> list[Row]:
    """Return the results whose fields have these values, in their order."""
    return [m for m in items if all(getattr(m, k) == v for k, v in wanted.items())]


def one_outcome(items: Sequence[Effect], outcome: str, baseline: str) -> list[Effect]:
    """Return the effects on an outcome against a baseline, and those from the whole history.

    Those with polling stations as rows have a table of their own.
    """
    return [
        e
        for e in items
        if e.outcome == outcome
        and (e.baseline == baseline or e.method in HISTORY_METHODS)
        and e.method != STATION_METHOD
    ]


def estimated(items: Sequence[Check]) -> list[Check]:
    """Return the checks that have a number, or none by definition rather than for a reason."""
    return [c for c in items if not (c.note and math.isnan(c.estimate))]


def named_checks(items: Sequence[Check], check: str) -> list[Check]:
    """Return the checks of one name that have a number, or none by definition."""
    return [c for c in estimated(items) if c.check == check]
