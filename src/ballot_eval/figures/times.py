"""What the figures of times share: styles of ballots, logarithmic axes, numbers with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from ballot_eval.figures.base import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    in_language,
    number_ticks,
)
from ballot_eval.formatting import number

Estimate = tuple[float, float, float]

#: Dark grey of words and marks that belong to no ballot.
INK = "#333333"

#: Colour and dashes by role; the dashes tell the ballots apart in grey print.
STYLES: dict[str, tuple[str, Any]] = {
    "new": (ORANGE, "solid"),
    "old": (BLUE, (0, (6, 2))),
    "third": (BLACK, (0, (2, 1.5))),
    "fourth": (GREEN, (0, (6, 2, 1, 2))),
}

_TO = {"nl": "tot", "en": "to"}


def checked_roles(labels: list[str], roles: Mapping[str, str] | None) -> dict[str, str]:
    """Return the role of every label, by default in the order of :data:`STYLES`.

    Raises ValueError for a label without a role, a role that is not "new" or "old", and for more
    labels than there are styles when ``roles`` is left out.
    """
    if roles is None:
        if len(labels) > len(STYLES):
            raise ValueError(f"without roles at most {len(STYLES)} can be told apart")
        return dict(zip(labels, STYLES, strict=False))
    absent = [label for label in labels if label not in roles]
    if absent:
        raise ValueError(f"there is no role for {', '.join(absent)}")
    wrong = sorted({roles[label] for label in labels} - {"new", "old"})
    if wrong:
        raise ValueError(f"a role must be new or old, not {', '.join(wrong)}")
    return {label: roles[label] for label in labels}


def plain_log_axis(axis: Axis, low: float, high: float, language: str) -> None:
    """Put round numbers, written out, on a logarithmic axis from ``low`` to ``high``."""
    axis.set_minor_locator(NullLocator())
    if high / low <= 3:
        ticks = np.asarray(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        axis.set_major_locator(FixedLocator([t for t in ticks.tolist() if low <= t <= high]))
        number_ticks(axis, language)
        return
    lowest, highest = math.floor(math.log10(low)), math.ceil(math.log10(high))
    digits = (1, 2, 5) if high / low < 300 else (1,)
    stride = 1 + (highest - lowest) // 8
    every = [(d, p) for p in range(lowest, highest + 1, stride) for d in digits]
    shown = {float(f"{d}e{p}"): max(0, -p) for d, p in every if low <= d * 10.0**p <= high}
    axis.set_ticks(list(shown), [number(t, p, language=language) for t, p in shown.items()])


def apart(heights: list[float], gap: float, low: float, high: float) -> list[float]:
    """Return heights near the given ones, at least ``gap`` apart and, if they fit, within limits.

    Equal heights keep their order from top to bottom.
    """
    order = sorted(range(len(heights)), key=lambda i: (heights[i], -i))
    made = list(heights)
    floor = low
    for i in order:
        made[i] = floor = max(heights[i], floor)
        floor += gap
    ceiling = high
    for i in reversed(order):
        made[i] = ceiling = min(made[i], ceiling)
        ceiling -= gap
    return made


def with_interval(estimate: float, lower: float, upper: float, digits: int, language: str) -> str:
    """Return a number with its interval, ``62 (58 tot 66)``; an unmeasured part is left out."""
    text = number(estimate, digits, language=language)
    if any(map(math.isnan, (estimate, lower, upper))):
        return text
    low, high = (number(v, digits, language=language) for v in (lower, upper))
    return f"{text} ({low} {in_language(_TO, language)} {high})"


def check_estimate(name: str, estimate: Estimate) -> None:
    """Raise ValueError for anything but a positive estimate within its interval; NaN passes."""
    value, low, high = (float(v) for v in estimate)
    if value <= 0 or math.isinf(value) or low < 0:
        raise ValueError(f"{name} must be positive and finite")
    if low > value or value > high:
        raise ValueError(f"{name} lies outside its interval")
