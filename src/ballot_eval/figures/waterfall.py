"""The figure of what a change of a share is made of.

Limits that come from rounded shares are drawn as whiskers; they say what the digits leave open,
not how uncertain an effect is.
"""

from __future__ import annotations

import math
from collections.abc import (
    Sequence,
)
from typing import (
    Any,
)

import numpy as np
import numpy.typing as npt
from matplotlib.axes import (
    Axes,
)
from matplotlib.figure import (
    Figure,
)

from ballot_eval.figures.base import (
    BLUE,
    ORANGE,
    SMALL,
    FloatArray,
    in_language,
    new_axes,
    percent_ticks,
    span,
    top_legend,
    vectors,
    words_for,
    wrapped,
)
from ballot_eval.figures.times import (
    INK,
)
from ballot_eval.formatting import (
    interval,
    percent,
    points,
)

_WATERFALL = {
    "nl": {
        "axis": "aandeel {kind}",
        "up": "verhoogt het aandeel",
        "down": "verlaagt het aandeel",
        "whisker": "open door afronding",
        "sum": "{start} {steps} = {end}",
        "rounded": "De delen tellen precies op; de afgedrukte getallen zijn afgerond.",
        "alt": "Watervalgrafiek van het aandeel {kind} van {first} ({start}) naar "
        "{last} ({end}), in procentpunt: {each}. De delen tellen precies op tot {change}.",
        "open": " (door afronding {ends})",
    },
    "en": {
        "axis": "share of {kind}",
        "up": "raises the share",
        "down": "lowers the share",
        "whisker": "left open by rounding",
        "sum": "{start} {steps} = {end}",
        "rounded": "The parts add up exactly; the printed numbers are rounded.",
        "alt": "Waterfall chart of the share of {kind} from {first} ({start}) to {last} "
        "({end}), in percentage points: {each}. The parts add up exactly to {change}.",
        "open": " (by rounding {ends})",
    },
}


def waterfall(
    labels: Sequence[str],
    parts: npt.ArrayLike,
    start: float,
    end: float,
    *,
    lower: npt.ArrayLike | None = None,
    upper: npt.ArrayLike | None = None,
    kind: str = "invalid",
    language: str = "nl",
) -> Figure:
    """Return the steps from one share to another, from top to bottom, with the sum written out.

    ``parts`` (k,) are changes of a share and lead exactly from ``start`` to ``end`` (fractions).
    ``labels`` (k + 2,) name the start, the parts and the end. ``lower`` and ``upper`` (k,) are
    limits of parts that are known only within rounding, NaN where a part is exact. ``kind`` is the
    outcome: invalid, blank or residual.
    Raises ValueError when the parts do not add up, when a part lies outside its limits, for one
    of the limits alone, and for vectors that do not fit.
    """
    words = words_for(_WATERFALL, language, kind)
    steps, low, high = _steps(labels, parts, start, end, lower, upper)
    figure, axes = new_axes(1.7 + 0.36 * len(labels))
    at = np.arange(1.0, len(steps) + 1)
    before = start + np.r_[0.0, np.cumsum(steps)[:-1]]
    axes.barh([0, len(steps) + 1], [start, end], 0.62, color="#BDBDBD", zorder=2)
    for chosen, color, hatch, name in (
        (steps > 0, ORANGE, "", "up"),
        (steps < 0, BLUE, "////", "down"),
    ):
        if chosen.any():
            style: dict[str, Any] = {
                "facecolor": color,
                "hatch": hatch,
                "edgecolor": "white",
                "linewidth": 0,
            }
            bars = axes.barh(at[chosen], steps[chosen], 0.62, before[chosen], zorder=2, **style)
            bars.set_label(words[name])
    levels = np.r_[start, before + steps]
    axes.vlines(levels, np.arange(len(levels)), np.arange(len(levels)) + 1, INK, linewidth=0.8)
    known = np.isnan(low)
    if not known.all():
        ends = (before + low)[~known], (before + high)[~known]
        axes.hlines(at[~known], *ends, INK, linewidth=1.2, zorder=4, label=words["whisker"])
        for edge in ends:
            axes.plot(edge, at[~known], "|", color=INK, markersize=7, zorder=4)
    axes.set_xlim(*span(levels, before + low, before + high))
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]) if levels.min() < 0 else 0.0)
    _write_steps(axes, labels, (steps, low, high), (start, end), language)
    percent_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    if steps.any():
        top_legend(figure, axes, columns=3)
    return figure


def _steps(
    labels: Sequence[str],
    parts: npt.ArrayLike,
    start: float,
    end: float,
    lower: npt.ArrayLike | None,
    upper: npt.ArrayLike | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    (steps,) = vectors(parts=parts)
    if len(labels) != len(steps) + 2:
        raise ValueError(f"{len(steps)} parts need {len(steps) + 2} labels, not {len(labels)}")
    vectors(start_and_end=[start, end])
    if min(start, end) < 0 or max(start, end) > 1:
        raise ValueError("start and end must be fractions")
    if not math.isclose(math.fsum([start, *steps]), end, rel_tol=1e-9, abs_tol=1e-12):
        raise ValueError(f"the parts lead to {math.fsum([start, *steps]):.8f}, not to {end:.8f}")
    if (lower is None) != (upper is None):
        raise ValueError("lower and upper come as a pair")
    none = np.full(len(steps), np.nan)
    _, low, high = vectors(
        missing=True,
        parts=steps,
        lower=none if lower is None else lower,
        upper=none if upper is None else upper,
    )
    if (np.isnan(low) != np.isnan(high)).any():
        raise ValueError("lower and upper come as a pair")
    outside = np.flatnonzero((steps < low - 1e-12) | (steps > high + 1e-12))
    if len(outside):
        raise ValueError(f"part {outside[0]} lies outside its limits")
    return steps, low, high


def _digits(steps: FloatArray, start: float, end: float) -> tuple[int, bool]:
    """Return decimals with which the printed percentages add up, and whether they do."""
    for digits in (2, 3):
        printed = [round(v * 100, digits) for v in (start, *steps.tolist())]
        if abs(math.fsum(printed) - round(end * 100, digits)) < 0.1 * 10.0**-digits:
            return digits, True
    return 3, False


def _open(low: float, high: float, digits: int, language: str) -> str:
    return interval(low, high, digits, percent_sign=False, sign=True, language=language)


def _write_steps(
    axes: Axes,
    labels: Sequence[str],
    values: tuple[FloatArray, FloatArray, FloatArray],
    ends: tuple[float, float],
    language: str,
) -> None:
    """Write labels, signed steps beside the bars, and the sum below."""
    steps, low, high = values
    digits, adds_up = _digits(steps, *ends)
    first, last = (percent(v, digits, language=language) for v in ends)
    signed = [points(v, digits, language=language, unit=False) for v in steps.tolist()]
    beside = [first, *signed, last]
    for i, (a, b) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        if not math.isnan(a):
            beside[i + 1] += f"\n({_open(a, b, digits, language)})"
    place: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": SMALL,
    }
    for i, text in enumerate(beside):
        weight = "bold" if i in (0, len(steps) + 1) else "normal"
        axes.text(1.02, i, text, fontweight=weight, **place)
    axes.set_yticks(range(len(labels)), [wrapped(label, 34) for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    words = in_language(_WATERFALL, language)
    note = words["rounded"]
    if adds_up:
        terms = " ".join(f"{t[0]} {t[1:]}" if t[0] in "+−" else f"+ {t}" for t in signed)
        note = words["sum"].format(start=first, steps=terms, end=last)
    axes.figure.supxlabel(wrapped(note, 100), fontsize=SMALL, color=INK)


def alt_text_waterfall(
    labels: Sequence[str],
    parts: npt.ArrayLike,
    start: float,
    end: float,
    *,
    lower: npt.ArrayLike | None = None,
    upper: npt.ArrayLike | None = None,
    kind: str = "invalid",
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`waterfall`."""
    words = words_for(_WATERFALL, language, kind)
    steps, low, high = _steps(labels, parts, start, end, lower, upper)
    digits, _ = _digits(steps, start, end)
    each = []
    for label, *row in zip(labels[1:-1], steps.tolist(), low.tolist(), high.tolist(), strict=True):
        text = f"{label} {points(row[0], digits, language=language, unit=False)}"
        if not math.isnan(row[1]):
            text += words["open"].format(ends=_open(row[1], row[2], digits, language))
        each.append(text)
    return words["alt"].format(
        first=labels[0],
        last=labels[-1],
        start=percent(start, digits, language=language),
        end=percent(end, digits, language=language),
        each="; ".join(each),
        change=points(end - start, digits, language=language),
    )
