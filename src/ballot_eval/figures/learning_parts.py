"""Figures that follow from learning: what a change is made of, and what introduction would mean.

Shares and changes come in as fractions. Limits that come from rounded shares are drawn as
whiskers; they say what the digits leave open, not how uncertain an effect is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    SMALL,
    FloatArray,
    check_bounds,
    horizontal_intervals,
    in_language,
    new_axes,
    percent_ticks,
    span,
    top_legend,
    vectors,
    wrapped,
)
from ballot_eval.figures.times import INK
from ballot_eval.formatting import interval, number, percent, points

_WATERFALL = {
    "nl": {
        "axis": "aandeel ongeldige stemmen",
        "up": "verhoogt het aandeel",
        "down": "verlaagt het aandeel",
        "whisker": "open door afronding",
        "sum": "{start} {steps} = {end}",
        "rounded": "De delen tellen precies op; de afgedrukte getallen zijn afgerond.",
        "alt": "Watervalgrafiek van het aandeel ongeldige stemmen van {first} ({start}) naar "
        "{last} ({end}), in procentpunt: {each}. De delen tellen precies op tot {change}.",
        "open": " (door afronding {ends})",
    },
    "en": {
        "axis": "share of invalid votes",
        "up": "raises the share",
        "down": "lowers the share",
        "whisker": "left open by rounding",
        "sum": "{start} {steps} = {end}",
        "rounded": "The parts add up exactly; the printed numbers are rounded.",
        "alt": "Waterfall chart of the share of invalid votes from {first} ({start}) to {last} "
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
    language: str = "nl",
) -> Figure:
    """Return the steps from one share to another, from top to bottom, with the sum written out.

    ``parts`` (k,) are changes of a share and lead exactly from ``start`` to ``end`` (fractions).
    ``labels`` (k + 2,) name the start, the parts and the end. ``lower`` and ``upper`` (k,) are
    limits of parts that are known only within rounding, NaN where a part is exact.
    Raises ValueError when the parts do not add up, when a part lies outside its limits, for one
    of the limits alone, and for vectors that do not fit.
    """
    words = in_language(_WATERFALL, language)
    steps, low, high = _steps(labels, parts, start, end, lower, upper)
    figure, axes = new_axes(1.7 + 0.36 * len(labels))
    at = np.arange(1.0, len(steps) + 1)
    before = start + np.r_[0.0, np.cumsum(steps)[:-1]]
    axes.barh([0, len(steps) + 1], [start, end], 0.62, color=GREY, zorder=2)
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
    words = in_language(_WATERFALL, language)
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
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`waterfall`."""
    words = in_language(_WATERFALL, language)
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


_FORECAST = {
    "nl": {
        "axis": "verwacht aandeel ongeldige stemmen bij landelijke invoering",
        "additive": "zelfde verschil in procentpunt",
        "ratio": "zelfde verhouding",
        "range": "van de laagste tot de hoogste gemeente",
        "control": "zonder nieuw stembiljet: {rate}",
        "header": "aandeel, stemmen (extra)",
        "row": "{label}, {scale}: {share} ({ends}), {votes} ongeldige stemmen, {extra} extra",
        "row_range": ", afzonderlijke gemeenten {ends}",
        "none": "zonder interval",
        "alt": "Stippengrafiek van het verwachte aandeel ongeldige stemmen bij landelijke "
        "invoering: {each}. Zonder het nieuwe stembiljet is het {rate}.",
    },
    "en": {
        "axis": "expected share of invalid votes at a national introduction",
        "additive": "same difference in points",
        "ratio": "same ratio",
        "range": "from lowest to highest municipality",
        "control": "without the new ballot: {rate}",
        "header": "share, votes (extra)",
        "row": "{label}, {scale}: {share} ({ends}), {votes} invalid votes, {extra} extra",
        "row_range": ", single municipalities {ends}",
        "none": "no interval",
        "alt": "Dot plot of the expected share of invalid votes at a national introduction: "
        "{each}. Without the new ballot it is {rate}.",
    },
}
_MARKS = {"additive": ("D", ORANGE), "ratio": ("o", BLUE)}


class _Forecasts:
    """Checked input of :func:`forecast`; all vectors are (k,)."""

    def __init__(
        self,
        labels: Sequence[str],
        shares: Sequence[npt.ArrayLike],
        control_rate: float,
        votes_cast: float,
        scales: Sequence[str] | None,
        ranges: tuple[npt.ArrayLike | None, npt.ArrayLike | None],
    ) -> None:
        (self.share,) = vectors(shares=shares[0])
        n = len(self.share)
        if (ranges[0] is None) != (ranges[1] is None):
            raise ValueError("range_lower and range_upper come as a pair")
        far = [np.full(n, np.nan) if r is None else r for r in ranges]
        _, *bounds = vectors(
            missing=True,
            shares=self.share,
            lower=shares[1],
            upper=shares[2],
            range_lower=far[0],
            range_upper=far[1],
        )
        self.lower, self.upper, self.range_lower, self.range_upper = bounds
        for low, high in ((self.lower, self.upper), (self.range_lower, self.range_upper)):
            check_bounds(low, high)
        if ((self.lower > self.share) | (self.share > self.upper)).any():
            raise ValueError("a share lies outside its interval")
        every = np.r_[self.share, *bounds, control_rate]
        if math.isnan(control_rate) or (every < 0).any() or (every > 1).any():
            raise ValueError("shares must be fractions")
        if not 0 < votes_cast < math.inf:
            raise ValueError(f"{votes_cast} votes cast are not a positive number")
        self.scales = ["additive"] * n if scales is None else list(scales)
        if not len(labels) == len(self.scales) == n:
            raise ValueError(f"there must be {n} labels and scales")
        unknown = sorted(set(self.scales) - set(_MARKS))
        if unknown:
            raise ValueError(f"a scale must be additive or ratio, not {', '.join(unknown)}")
        self.labels, self.control, self.cast = list(labels), control_rate, votes_cast

    def votes(self, row: int, language: str) -> tuple[str, str]:
        """Return invalid and extra votes, to hundreds where that leaves two digits or more."""
        made = []
        for share, sign in ((self.share[row], False), (self.share[row] - self.control, True)):
            votes = float(share) * self.cast
            votes = round(votes, -2) if abs(votes) >= 1000 else votes
            made.append(number(votes, language=language, sign=sign))
        return made[0], made[1]


def forecast(
    labels: Sequence[str],
    shares: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    control_rate: float,
    votes_cast: float,
    scales: Sequence[str] | None = None,
    range_lower: npt.ArrayLike | None = None,
    range_upper: npt.ArrayLike | None = None,
    language: str = "nl",
) -> Figure:
    """Return the expected share by scenario, with the number of votes written beside.

    ``labels`` (k,) name the scenarios; rows of one label in a row share it. ``shares`` and limits
    (k,) are fractions, limits of the average effect, NaN where there are none; ``range_lower``
    and ``range_upper`` (k,) follow from single municipalities. ``scales`` (k,) holds "additive"
    or "ratio". ``control_rate`` is the share without the ballot; votes are shares of
    ``votes_cast``, to hundreds.
    Raises ValueError for vectors that do not fit, shares outside 0 to 1 and crossed limits.
    """
    words = in_language(_FORECAST, language)
    made = _Forecasts(
        *(labels, (shares, lower, upper), control_rate, votes_cast),
        *(scales, (range_lower, range_upper)),
    )
    figure, axes = new_axes(1.7 + 0.34 * len(made.share))
    every = (made.share, made.upper, made.range_upper, np.array([control_rate]))
    axes.set_xlim(0.0, span(*every)[1])
    axes.axvline(control_rate, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    scale = np.array(made.scales)
    # Rows of another scenario stand a little further apart.
    new = [i > 0 and made.labels[i] != made.labels[i - 1] for i in range(len(scale))]
    at = np.arange(len(scale)) + 0.35 * np.cumsum(new)
    far = ~np.isnan(made.range_lower)
    if far.any():
        ends = made.range_lower[far], made.range_upper[far]
        axes.hlines(at[far], *ends, GREY, linewidth=0.9, zorder=1, label=words["range"])
        for edge in ends:
            axes.plot(edge, at[far], "|", color=GREY, markersize=7, clip_on=False)
    for name, (marker, color) in _MARKS.items():
        rows = scale == name
        if rows.any():
            horizontal_intervals(axes, at[rows], made.lower[rows], made.upper[rows], color)
            axes.plot(made.share[rows], at[rows], marker, color=color, label=words[name], zorder=4)
    _write_votes(axes, made, at, words, language)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    percent_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    top_legend(figure, axes, columns=3)
    return figure


def _write_votes(
    axes: Axes, made: _Forecasts, at: FloatArray, words: dict[str, str], language: str
) -> None:
    """Name the scenarios on the left and write shares and votes on the right."""
    place: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": SMALL,
    }
    axes.text(1.02, -0.85, words["header"], color=INK, **place)
    for row, height in enumerate(at):
        votes, extra = made.votes(row, language)
        share = percent(float(made.share[row]), language=language)
        axes.text(1.02, height, f"{share}  {votes} ({extra})", **place)
    groups: list[tuple[str, list[float]]] = []
    for label, height in zip(made.labels, at.tolist(), strict=True):
        if not groups or groups[-1][0] != label:
            groups.append((label, []))
        groups[-1][1].append(height)
    axes.set_yticks(
        [sum(heights) / len(heights) for _, heights in groups],
        [wrapped(label, 28) for label, _ in groups],
    )
    axes.set_ylim(at[-1] + 0.6, -1.3)
    rate = words["control"].format(rate=percent(made.control, language=language))
    left = made.control < 0.5 * axes.get_xlim()[1]
    axes.annotate(
        rate,
        (made.control, -0.85),
        xytext=(4 if left else -4, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="center",
        fontsize=SMALL,
        color=INK,
    )


def alt_text_forecast(
    labels: Sequence[str],
    shares: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    control_rate: float,
    votes_cast: float,
    scales: Sequence[str] | None = None,
    range_lower: npt.ArrayLike | None = None,
    range_upper: npt.ArrayLike | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`forecast`."""
    words = in_language(_FORECAST, language)
    made = _Forecasts(
        *(labels, (shares, lower, upper), control_rate, votes_cast),
        *(scales, (range_lower, range_upper)),
    )
    each = []
    for row, label in enumerate(made.labels):
        low, high = float(made.lower[row]), float(made.upper[row])
        ends = words["none"] if math.isnan(low + high) else interval(low, high, language=language)
        votes, extra = made.votes(row, language)
        text = words["row"].format(
            label=label,
            scale=words[made.scales[row]],
            share=percent(float(made.share[row]), language=language),
            ends=ends,
            votes=votes,
            extra=extra,
        )
        far = float(made.range_lower[row]), float(made.range_upper[row])
        if not math.isnan(sum(far)):
            text += words["row_range"].format(ends=interval(*far, language=language))
        each.append(text)
    rate = percent(control_rate, language=language)
    return words["alt"].format(each="; ".join(each), rate=rate)
