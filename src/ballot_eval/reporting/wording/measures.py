"""Pieces of sentences on measures: which there is, its limits, its direction."""

from __future__ import annotations

import math

from ballot_eval.results import Measure

NO_COMPARISON = {
    "nl": "Een vergelijking is met deze gegevens niet te berekenen.",
    "en": "A comparison cannot be computed from these data.",
}


def find_measure(items: tuple[Measure, ...], **wanted: str) -> Measure | None:
    """Return the measure with these fields, or None when there is none with a number."""
    for m in items:
        if all(getattr(m, k) == v for k, v in wanted.items()):
            return None if math.isnan(m.estimate) else m
    return None


def is_clear(m: Measure) -> bool:
    """Return whether the interval of a ratio leaves 1 out."""
    return not m.ci_lower <= 1 <= m.ci_upper
