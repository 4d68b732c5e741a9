"""Pieces of sentences on measures: which there is, its limits, its direction."""

from __future__ import annotations

import math

from ballot_eval.reporting.language import Language
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


def limits_text(say: Language, m: Measure, digits: int = 2) -> str:
    """Return the limits of a measure."""
    return say.between(m.ci_lower, m.ci_upper, digits)


def change_text(say: Language, m: Measure, less: str, more: str) -> str:
    """Return a ratio as a change in percent, with the word for its direction."""
    return f"{say.percent(abs(m.estimate - 1), 0)} {less if m.estimate < 1 else more}"


def is_clear(m: Measure) -> bool:
    """Return whether the interval of a ratio leaves 1 out."""
    return not m.ci_lower <= 1 <= m.ci_upper
