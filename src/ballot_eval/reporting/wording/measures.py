"""Pieces of sentences on measures: which there is, its limits, its direction."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeVar

from ballot_eval.reporting.selection import with_fields
from ballot_eval.results import MarkingMeasure, Measure

NO_COMPARISON = {
    "nl": "Een vergelijking is met deze gegevens niet te berekenen.",
    "en": "A comparison cannot be computed from these data.",
}


Found = TypeVar("Found", Measure, MarkingMeasure)


def find_measure(items: Iterable[Found], **wanted: str) -> Found | None:
    """Return the first measure with these fields, None where there is none or it has no number."""
    found = next(iter(with_fields(items, **wanted)), None)
    return None if found is None or math.isnan(found.estimate) else found


def is_clear(m: Measure) -> bool:
    """Return whether the interval of a ratio leaves 1 out."""
    return not m.ci_lower <= 1 <= m.ci_upper
