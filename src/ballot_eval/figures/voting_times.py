"""Figures about the time in the booth: its spread, the ratio by quantile, and booths needed.

Times come in as seconds, shares as fractions. The figures take finished numbers and raise
ValueError for input that cannot be drawn as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from ballot_eval.figures.base import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SMALL,
    FloatArray,
    check_bounds,
    in_language,
    new_axes,
    number_ticks,
    top_legend,
    vectors,
    wrapped,
)
from ballot_eval.formatting import NOT_MEASURED, number, percent

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


def interval_bar(axes: Axes, row: float, lower: float, upper: float) -> None:
    """Draw one horizontal interval; what lies beyond the axis ends in an arrow at its edge."""
    if math.isnan(lower) or math.isnan(upper):
        return
    left, right = axes.get_xlim()
    low, high = (min(max(v, left), right) for v in (lower, upper))
    axes.hlines(row, low, high, BLACK, linewidth=2)
    for edge, marker, beyond in ((left, "<", lower < left), (right, ">", upper > right)):
        # An empty set of marks that is not clipped would upset the layout.
        if beyond:
            axes.plot(edge, row, marker, color=BLACK, clip_on=False)


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


_TO = {"nl": "tot", "en": "to"}

_RIDGES = {
    "nl": {
        "axis": "tijd in het stemhokje, seconden",
        "label": "{label}\n{n} {voters}",
        "voter": "kiezer",
        "voters": "kiezers",
        "median": "mediaan {median}",
        "beyond": "{share} langer\ndan {horizon} s",
        "alt": "Verdeling van de tijd in het stemhokje in {n_groups} groepen, getekend tot "
        "{horizon} seconden, met de mediaan en het interval: {each}.",
        "each": "{label} ({n} {voters}) {median}, {share} langer dan {horizon} s",
        "one": "Verdeling van de tijd in het stemhokje, getekend tot {horizon} seconden, met de "
        "mediaan en het interval: {each}.",
    },
    "en": {
        "axis": "time in the booth, seconds",
        "label": "{label}\n{n} {voters}",
        "voter": "voter",
        "voters": "voters",
        "median": "median {median}",
        "beyond": "{share} longer\nthan {horizon} s",
        "alt": "Distribution of the time in the booth in {n_groups} groups, drawn up to {horizon} "
        "seconds, with the median and its interval: {each}.",
        "each": "{label} ({n} {voters}) {median}, {share} longer than {horizon} s",
        "one": "Distribution of the time in the booth, drawn up to {horizon} seconds, with the "
        "median and its interval: {each}.",
    },
}

#: With fewer times than this a density suggests a shape that the data do not show.
FEWEST_FOR_DENSITY = 10


class _Ridge(NamedTuple):
    label: str
    seconds: FloatArray
    weights: FloatArray
    median: Estimate
    beyond: float


def voting_time_ridges(
    seconds_by_group: Mapping[str, npt.ArrayLike],
    medians: Mapping[str, Estimate],
    *,
    horizon_seconds: float,
    roles: Mapping[str, str] | None = None,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    language: str = "nl",
) -> Figure:
    """Return the spread of the time in the booth of each group, one below the other.

    ``seconds_by_group`` maps a label to positive seconds (n,), in the order of drawing;
    ``medians`` gives each label its median, lower and upper bound in seconds, NaN where it was
    not estimated and an infinite upper bound where it is open. The axis ends at
    ``horizon_seconds``; the share beyond is written beside it. ``roles`` maps each label to "new"
    or "old" for its colour.

    ``weights`` (n,) hold the share of the voters that each time stands for, at most 1 together:
    the steps of a Kaplan–Meier curve, with 0 for a censored time. What is lacking from 1 counts
    as longer than the horizon. By default all times weigh the same. The areas of all groups are
    equal: the density is that of a normal kernel on the logarithm of the time, so that nothing
    lies below zero. Fewer than ten times are drawn as dots.
    """
    words = in_language(_RIDGES, language)
    ridges = _ridges(seconds_by_group, medians, horizon_seconds, weights)
    role = {} if roles is None else checked_roles([r.label for r in ridges], roles)
    labels = _ridge_labels(ridges, words, language)
    lines = max(label.count("\n") + 1 for label in labels)
    row = max(min(0.85, 8.4 / len(ridges)), 0.08 + 0.14 * lines)
    figure, axes = new_axes(0.75 + row * len(ridges))
    axes.set_xlim(0, horizon_seconds)
    axes.set_ylim(-len(ridges) + 0.58, 0.72)
    grid = np.linspace(0, horizon_seconds, 400)[1:]
    shapes = [_log_kernel(r, grid) for r in ridges]
    digits = _digits(ridges)
    scale = 0.64 / (max(float(s.max()) for s in shapes) or 1.0)
    for line, (ridge, shape) in enumerate(zip(ridges, shapes, strict=True)):
        _draw_ridge(axes, -line, ridge, (grid, scale * shape), role.get(ridge.label))
        _write_ridge(axes, -line, ridge, (words, digits, language))
    small = SMALL if len(ridges) > 6 else 9
    axes.set_yticks(0.1 - np.arange(len(ridges)), labels, fontsize=small)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xticks(_second_ticks(horizon_seconds))
    number_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    return figure


def _ridges(
    seconds_by_group: Mapping[str, npt.ArrayLike],
    medians: Mapping[str, Estimate],
    horizon: float,
    weights: Mapping[str, npt.ArrayLike] | None,
) -> list[_Ridge]:
    if not seconds_by_group:
        raise ValueError("there is no group to draw")
    if not 0 < horizon < math.inf:
        raise ValueError(f"horizon_seconds must be positive and finite, not {horizon}")
    made = []
    for label, values in seconds_by_group.items():
        if label not in medians or (weights is not None and label not in weights):
            what = "median" if label not in medians else "weights"
            raise ValueError(f"there is no {what} for {label}")
        (seconds,) = vectors(seconds=values)
        if (seconds <= 0).any():
            raise ValueError(f"a time of {label} is not positive")
        mass = np.full(len(seconds), 1 / len(seconds))
        if weights is not None:
            _, mass = vectors(seconds=seconds, weights=weights[label])
            if (mass < 0).any() or not 0 < mass.sum() <= 1 + 1e-9:
                raise ValueError(f"the weights of {label} must add up to more than 0, at most 1")
        check_estimate(f"the median of {label}", medians[label])
        beyond = max(0.0, 1 - float(mass[seconds <= horizon].sum()))
        made.append(_Ridge(label, seconds, mass, medians[label], beyond))
    return made


def _log_kernel(ridge: _Ridge, grid: FloatArray) -> FloatArray:
    """Return the density on a grid of seconds, by a normal kernel on their logarithm."""
    if len(ridge.seconds) < FEWEST_FOR_DENSITY:
        return np.zeros_like(grid)
    times, mass = np.log(ridge.seconds), ridge.weights / ridge.weights.sum()
    center = float(mass @ times)
    spread = math.sqrt(float(mass @ (times - center) ** 2))
    quarter, three_quarters = np.quantile(times, [0.25, 0.75])
    robust = float(three_quarters - quarter) / 1.349 or spread
    # Silverman (1986), with a floor so that equal times leave a peak that can be seen.
    width = max(0.9 * min(spread, robust) * len(times) ** -0.2, 0.03)
    heights = [
        float(ridge.weights @ np.exp(-0.5 * ((x - times) / width) ** 2)) for x in np.log(grid)
    ]
    density: FloatArray = np.asarray(heights) / (grid * width * math.sqrt(2 * math.pi))
    return density


def _draw_ridge(
    axes: Axes, base: float, ridge: _Ridge, curve: tuple[FloatArray, FloatArray], role: str | None
) -> None:
    color = GREY if role is None else STYLES[role][0]
    grid, heights = curve
    end = grid[-1]
    axes.hlines(base, 0, end, GREY, linewidth=0.6)
    if heights.any():
        # The new ballot is filled darker, so that the two differ in grey print as well.
        fill = 0.55 if role == "new" else 0.2
        axes.fill_between(grid, base, base + heights, color=color, alpha=fill, linewidth=0)
        axes.plot(grid, base + heights, color=color, linewidth=1.4)
    else:
        seen = ridge.seconds[ridge.seconds <= end]
        axes.plot(seen, np.full(len(seen), base + 0.12), "o", color=color, alpha=0.6, markersize=4)
    median, low, high = ridge.median
    if math.isnan(median):
        return
    interval_bar(axes, base, low, high)
    if median > end:
        axes.plot(end, base, ">", color=BLACK, clip_on=False)
    else:
        top = base + float(np.interp(median, grid, heights))
        axes.vlines(median, base, top, BLACK, linewidth=1)
        style: dict[str, Any] = {"color": BLACK, "mfc": "white", "markersize": 5, "zorder": 4}
        axes.plot(median, base, "o", clip_on=False, **style)


def _write_ridge(
    axes: Axes, base: float, ridge: _Ridge, style: tuple[Mapping[str, str], int, str]
) -> None:
    """Write the median below the baseline and the share beyond the axis to its right."""
    words, _, language = style
    end = axes.get_xlim()[1]
    median = ridge.median[0]
    place = 0.0 if math.isnan(median) else min(median, end)
    side = "left" if place < 0.2 * end else "right" if place > 0.8 * end else "center"
    below: dict[str, Any] = {"xytext": (0, -5), "textcoords": "offset points", "va": "top"}
    text = _median_text(ridge, *style)
    axes.annotate(text, (max(place, 0.0), base), ha=side, fontsize=SMALL, **below)
    share = _share_text(ridge.beyond, language)
    beyond = words["beyond"].format(share=share, horizon=number(end, language=language))
    beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    axes.text(1.03, base + 0.12, beyond, color=INK, fontsize=SMALL, **beside)


def _digits(ridges: list[_Ridge]) -> int:
    """Return the decimals of the medians: none where all are of 20 seconds or more."""
    return int(any(r.median[0] < 20 for r in ridges))


def _median_text(ridge: _Ridge, words: Mapping[str, str], digits: int, language: str) -> str:
    median = ridge.median[0]
    if math.isnan(median):
        return words["median"].format(median=NOT_MEASURED[language])
    text = with_interval(*ridge.median, digits, language)
    value, space, rest = text.partition(" ")
    return words["median"].format(median=f"{value} s{space}{rest}")


def _share_text(share: float, language: str) -> str:
    if 0 < share < 0.0005:
        return "< " + percent(0.001, 1, language=language)
    return percent(share, 0 if share == 0 else 1, language=language)


def _ridge_labels(ridges: list[_Ridge], words: Mapping[str, str], language: str) -> list[str]:
    labels = []
    for ridge in ridges:
        n, voters = _voters(ridge, words, language)
        # A label of several parts breaks between them first.
        parts = ridge.label.replace(", ", ",\n").split("\n")
        label = "\n".join(wrapped(part, 26) for part in parts)
        labels.append(words["label"].format(label=label, n=n, voters=voters))
    return labels


def _voters(ridge: _Ridge, words: Mapping[str, str], language: str) -> tuple[str, str]:
    n = len(ridge.seconds)
    return number(n, language=language), words["voter" if n == 1 else "voters"]


def _second_ticks(horizon: float) -> list[float]:
    steps = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
    step = next((s for s in steps if horizon / s <= 7), horizon / 5)
    return [float(t) for t in np.arange(0, horizon * (1 + 1e-9), step)]


def alt_text_voting_time_ridges(
    seconds_by_group: Mapping[str, npt.ArrayLike],
    medians: Mapping[str, Estimate],
    *,
    horizon_seconds: float,
    roles: Mapping[str, str] | None = None,  # noqa: ARG001  (called as the figure is)
    weights: Mapping[str, npt.ArrayLike] | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`voting_time_ridges`."""
    words = in_language(_RIDGES, language)
    ridges = _ridges(seconds_by_group, medians, horizon_seconds, weights)
    horizon = number(horizon_seconds, language=language)
    each = []
    for ridge in ridges:
        n, voters = _voters(ridge, words, language)
        median = _median_text(ridge, words, _digits(ridges), language)
        share = _share_text(ridge.beyond, language)
        texts = {"label": ridge.label, "n": n, "voters": voters, "median": median, "share": share}
        each.append(words["each"].format(**texts, horizon=horizon))
    n_groups = number(len(ridges), language=language)
    frame = words["alt" if len(ridges) > 1 else "one"]
    return frame.format(n_groups=n_groups, horizon=horizon, each="; ".join(each))


_QUANTILES = {
    "nl": {
        "axis": "kiezers van snel naar langzaam (50% = mediaan)",
        "ratio": "tijd nieuw / tijd oud (logaritmische schaal)",
        "slower": "↑ langzamer met het\nnieuwe stembiljet",
        "faster": "↓ sneller met het\nnieuwe stembiljet",
        "pointwise": "interval per kwantiel",
        "uniform": "band voor alle kwantielen samen",
        "mean": "gemengd model:\n{mean}",
        "alt": "Verhouding van de tijd met het nieuwe tot de tijd met het oude stembiljet, van "
        "snelle naar langzame kiezers (boven 1 is langzamer, onder 1 sneller), met interval: "
        "{each}.",
        "alt_uniform": " De band voor alle kwantielen samen loopt van {low} tot {high}.",
        "alt_mean": " Volgens het gemengde model is de verhouding {mean}.",
    },
    "en": {
        "axis": "voters from fast to slow (50% = median)",
        "ratio": "time new / time old (logarithmic scale)",
        "slower": "↑ slower with\nthe new ballot",
        "faster": "↓ faster with\nthe new ballot",
        "pointwise": "interval per quantile",
        "uniform": "band for all quantiles together",
        "mean": "mixed model:\n{mean}",
        "alt": "Ratio of the time with the new ballot to the time with the old ballot, from fast "
        "to slow voters (above 1 is slower, below 1 faster), with interval: {each}.",
        "alt_uniform": " The band for all quantiles together runs from {low} to {high}.",
        "alt_mean": " By the mixed model the ratio is {mean}.",
    },
}

#: Quantiles, ratios, their bounds and the two edges of the uniform band.
_Ratios = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def quantile_effects(
    quantiles: npt.ArrayLike,
    ratios: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    mean_ratio: Estimate | None = None,
    *,
    band_lower: npt.ArrayLike | None = None,
    band_upper: npt.ArrayLike | None = None,
    language: str = "nl",
) -> Figure:
    """Return the ratio of the time with the new ballot to that with the old one by quantile.

    ``quantiles`` (n,) ascend between 0 and 1; ``ratios``, ``lower`` and ``upper`` (n,) are
    positive, NaN where the quantile was not reached; a lower bound of 0 or an infinite upper
    bound ends in an arrow. ``mean_ratio`` is the ratio by the mixed model with its interval,
    drawn as a line with a strip; ``band_lower`` and ``band_upper`` (n,) hold for all quantiles
    together and come as a pair.
    """
    words = in_language(_QUANTILES, language)
    values = _ratio_values(quantiles, ratios, lower, upper, band_lower, band_upper, mean_ratio)
    at, ratio, low, high, band_low, band_high = values
    figure, axes = new_axes(3.9)
    axes.set_yscale("log")
    axes.set_ylim(*_ratio_limits([1.0, *(mean_ratio or ())], *values[1:]))
    axes.set_xlim(min(0.03, at[0] - 0.04), max(0.97, at[-1] + 0.04))
    axes.axhline(1, color=GREY, linewidth=1, zorder=0)
    if np.isfinite(band_low).any():
        _vertical_intervals(axes, at, band_low, band_high, {"linewidth": 1}, "_")
        axes.plot([], [], color=BLUE, linewidth=1, marker="_", label=words["uniform"])
    _vertical_intervals(axes, at, low, high, {"linewidth": 4, "alpha": 0.55}, None)
    axes.plot([], [], color=BLUE, linewidth=4, alpha=0.55, label=words["pointwise"])
    axes.plot(at, ratio, "o-", color=BLUE, linewidth=0.8, zorder=3)
    if mean_ratio is not None and not math.isnan(mean_ratio[0]):
        _draw_mean(axes, mean_ratio, words["mean"], language)
    _label_ratios(axes, at, ratio, language)
    for height, name in ((0.97, "slower"), (0.03, "faster")):
        style: dict[str, Any] = {"fontsize": SMALL, "color": INK, "va": "center"}
        axes.text(1.02, height, words[name], transform=axes.transAxes, **style)
    plain_log_axis(axes.yaxis, *axes.get_ylim(), language)
    axes.set_xlabel(words["axis"])
    axes.set_ylabel(words["ratio"])
    top_legend(figure, axes)
    return figure


def _ratio_values(
    quantiles: npt.ArrayLike,
    ratios: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    band_lower: npt.ArrayLike | None,
    band_upper: npt.ArrayLike | None,
    mean_ratio: Estimate | None,
) -> _Ratios:
    (at,) = vectors(quantiles=quantiles)
    if (at <= 0).any() or (at >= 1).any() or (np.diff(at) <= 0).any():
        raise ValueError("the quantiles must ascend between 0 and 1")
    if (band_lower is None) != (band_upper is None):
        raise ValueError("band_lower and band_upper come as a pair")
    none = np.full(len(at), np.nan)
    given = {"ratios": ratios, "lower": lower, "upper": upper}
    given["band_lower"] = none if band_lower is None else band_lower
    given["band_upper"] = none if band_upper is None else band_upper
    _, ratio, low, high, band_low, band_high = vectors(missing=True, quantiles=at, **given)
    if not np.isfinite(ratio).any():
        raise ValueError("no quantile has a ratio")
    if (ratio <= 0).any() or np.isinf(ratio).any():
        raise ValueError("a ratio is not positive and finite")
    if (low < 0).any() or (band_low < 0).any():
        raise ValueError("a lower bound of a ratio is negative")
    for below, above in ((low, high), (band_low, band_high), (low, ratio), (ratio, high)):
        check_bounds(below, above)
    if mean_ratio is not None:
        check_estimate("mean_ratio", mean_ratio)
    return at, ratio, low, high, band_low, band_high


def _ratio_limits(fixed: list[float], *values: FloatArray) -> tuple[float, float]:
    """Return limits around 1 and all values, with some room at both ends."""
    every = np.concatenate([fixed, *values])
    every = np.log(every[np.isfinite(every) & (every > 0)])
    pad = 0.07 * max(float(np.ptp(every)), 0.05)
    return math.exp(float(every.min()) - pad), math.exp(float(every.max()) + pad)


def _vertical_intervals(
    axes: Axes,
    at: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    style: dict[str, Any],
    cap: str | None,
) -> None:
    """Draw intervals within the y-limits; an unbounded one ends in an arrow at the edge."""
    bottom, top = axes.get_ylim()
    axes.vlines(at, np.clip(lower, bottom, top), np.clip(upper, bottom, top), BLUE, **style)
    for ends, is_open, edge, arrow in (
        (lower, lower == 0, bottom, "v"),
        (upper, upper == np.inf, top, "^"),
    ):
        # An empty set of marks that is not clipped would upset the layout.
        if is_open.any():
            axes.plot(at[is_open], np.full(is_open.sum(), edge), arrow, color=BLUE, clip_on=False)
        if cap is not None:
            axes.plot(at[~is_open], ends[~is_open], cap, color=BLUE, markersize=9)


def _draw_mean(axes: Axes, mean: Estimate, text: str, language: str) -> None:
    estimate, low, high = mean
    bottom, top = axes.get_ylim()
    if not (math.isnan(low) or math.isnan(high)):
        edges = max(low, bottom), min(high, top)
        axes.axhspan(*edges, color=ORANGE, alpha=0.18, linewidth=0, zorder=0)
    axes.axhline(estimate, color=ORANGE, linewidth=1.4, zorder=1)
    # Beside its line, as far as the words at both ends of the axis leave room.
    height = math.log(estimate / bottom) / math.log(top / bottom)
    style: dict[str, Any] = {"va": "center", "color": ORANGE, "fontsize": SMALL}
    written = text.format(mean=with_interval(*mean, 2, language))
    axes.text(1.02, min(max(height, 0.15), 0.85), written, transform=axes.transAxes, **style)


def _label_ratios(axes: Axes, at: FloatArray, ratio: FloatArray, language: str) -> None:
    """Name the quantiles below the axis, on two lines where they crowd, and those not reached."""
    digits = 0 if np.allclose(at * 100, np.round(at * 100)) else 1
    gap = (0.075 if digits == 0 else 0.11) * float(np.ptp(axes.get_xlim()))
    lines: tuple[list[float], list[float]] = ([], [])
    for q in at.tolist():
        line = next((one for one in lines if not one or q - one[-1] >= gap), [])
        line.append(q)
    for line, minor in zip(lines, (False, True), strict=True):
        axes.set_xticks(line, [percent(q, digits, language=language) for q in line], minor=minor)
    axes.tick_params(axis="x", which="minor", length=3.5, pad=15, labelsize=9)
    for q in at[np.isnan(ratio)].tolist():
        style: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center", "color": INK}
        axes.text(q, 1, NOT_MEASURED[language], fontsize=SMALL, **style)


def alt_text_quantile_effects(
    quantiles: npt.ArrayLike,
    ratios: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    mean_ratio: Estimate | None = None,
    *,
    band_lower: npt.ArrayLike | None = None,
    band_upper: npt.ArrayLike | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`quantile_effects`."""
    words = in_language(_QUANTILES, language)
    values = _ratio_values(quantiles, ratios, lower, upper, band_lower, band_upper, mean_ratio)
    at, *bounds = values
    digits = 0 if np.allclose(at * 100, np.round(at * 100)) else 1
    each = [
        f"{percent(q, digits, language=language)}: {with_interval(r, low, high, 2, language)}"
        for q, r, low, high in np.column_stack([at, *bounds[:3]]).tolist()
    ]
    text = words["alt"].format(each="; ".join(each))
    band_low, band_high = bounds[3:]
    if np.isfinite(band_low).any():
        edges = float(np.nanmin(band_low)), float(np.nanmax(band_high))
        low, high = (number(v, 2, language=language) for v in edges)
        text += words["alt_uniform"].format(low=low, high=high)
    if mean_ratio is not None:
        text += words["alt_mean"].format(mean=with_interval(*mean_ratio, 2, language))
    return text


_BOOTHS = {
    "nl": {
        "axis": "kiezers per uur in het drukste uur",
        "booths": "stemhokjes nodig zodat hooguit {share} van de kiezers\nlanger dan {wait} wacht",
        "minute": "minuut",
        "minutes": "minuten",
        "new": "nieuw\nstembiljet",
        "old": "oud\nstembiljet",
        "alt": "Aantal stemhokjes dat nodig is zodat hooguit {share} van de kiezers langer dan "
        "{wait} wacht, bij {low} tot {high} kiezers in het drukste uur: {each}.",
        "each": "vanaf {arrivals} kiezers nieuw {new} en oud {old}",
    },
    "en": {
        "axis": "voters per hour in the busiest hour",
        "booths": "booths needed so that at most {share} of the voters\nwait longer than {wait}",
        "minute": "minute",
        "minutes": "minutes",
        "new": "new\nballot",
        "old": "old\nballot",
        "alt": "Number of booths needed so that at most {share} of the voters wait longer than "
        "{wait}, for {low} to {high} voters in the busiest hour: {each}.",
        "each": "from {arrivals} voters new {new} and old {old}",
    },
}


def booths_needed(
    arrivals_per_hour: npt.ArrayLike,
    booths_new: npt.ArrayLike,
    booths_old: npt.ArrayLike,
    *,
    max_wait_minutes: float,
    max_share: float,
    lower_new: npt.ArrayLike | None = None,
    upper_new: npt.ArrayLike | None = None,
    lower_old: npt.ArrayLike | None = None,
    upper_old: npt.ArrayLike | None = None,
    language: str = "nl",
) -> Figure:
    """Return the whole number of booths needed by arrivals in the busiest hour, new and old.

    All vectors are (n,); ``arrivals_per_hour`` ascends. Numbers of booths are whole, NaN where
    they are not known; bounds come as pairs. ``max_share`` (a fraction) of the voters may wait
    longer than ``max_wait_minutes``. Differences other than zero are written above the dots.
    """
    words = in_language(_BOOTHS, language)
    bounds = {"new": (lower_new, upper_new), "old": (lower_old, upper_old)}
    at, booths = _booth_values(arrivals_per_hour, booths_new, booths_old, bounds)
    figure, axes = new_axes(3.6)
    distance = float(np.diff(at).min()) if len(at) > 1 else 1.0
    left, right = at[0] - 0.6 * distance, at[-1] + 0.6 * distance
    axes.set_xlim(left, right)
    size = float(np.clip(5 * distance / (right - left) * 30, 2.5, 6))
    for side, role in ((-1, "old"), (1, "new")):
        color, dashes = STYLES[role]
        value, low, high = booths[role]
        here = at + side * 0.13 * distance
        axes.plot(at, value, color=color, linestyle=dashes, linewidth=1, drawstyle="steps-mid")
        axes.vlines(here, low, high, color, linewidth=1.6, alpha=0.6)
        face = color if role == "new" else "white"
        axes.plot(here, value, "o", color=color, mfc=face, markersize=size, zorder=3)
    highest = max(float(np.nanmax(np.r_[0, value, high])) for value, _, high in booths.values())
    axes.set_ylim(0, 1.12 * highest + 0.6)
    _label_differences(axes, at, booths)
    _label_ballots(axes, booths, words)
    axes.yaxis.set_major_locator(MaxNLocator(8, integer=True))
    if len(at) <= 8:
        axes.set_xticks(at)
    for axis in (axes.xaxis, axes.yaxis):
        number_ticks(axis, language)
    axes.set_xlabel(words["axis"])
    share, wait = _criterion(max_wait_minutes, max_share, words, language)
    criterion = words["booths"].format(share=share, wait=wait)
    axes.text(0, 1.03, criterion, transform=axes.transAxes, fontsize=9, va="bottom")
    return figure


_Booths = dict[str, tuple[FloatArray, FloatArray, FloatArray]]


def _booth_values(
    arrivals: npt.ArrayLike,
    new: npt.ArrayLike,
    old: npt.ArrayLike,
    bounds: Mapping[str, tuple[npt.ArrayLike | None, npt.ArrayLike | None]],
) -> tuple[FloatArray, _Booths]:
    """Return the arrivals, and per ballot the booths with their lower and upper bounds."""
    (at,) = vectors(arrivals_per_hour=arrivals)
    if (at < 0).any() or (np.diff(at) <= 0).any():
        raise ValueError("arrivals_per_hour must ascend from zero or more")
    made: _Booths = {}
    for role, values in (("new", new), ("old", old)):
        low, high = bounds[role]
        if (low is None) != (high is None):
            raise ValueError(f"lower_{role} and upper_{role} come as a pair")
        none = np.full(len(at), np.nan)
        _, value, below, above = vectors(
            missing=True,
            arrivals_per_hour=at,
            **{
                f"booths_{role}": values,
                f"lower_{role}": none if low is None else low,
                f"upper_{role}": none if high is None else high,
            },
        )
        for counts in (value, below, above):
            known = counts[~np.isnan(counts)]
            if np.isinf(known).any() or (known < 0).any() or (known % 1 != 0).any():
                raise ValueError(f"a number of booths ({role}) is not a whole number")
        check_bounds(below, value)
        check_bounds(value, above)
        made[role] = value, below, above
    if any(np.isnan(value).all() for value, _, _ in made.values()):
        raise ValueError("one of the ballots has no number of booths at all")
    return at, made


def _criterion(
    wait: float, share: float, words: Mapping[str, str], language: str
) -> tuple[str, str]:
    if not 0 < share < 1:
        raise ValueError(f"max_share must lie between 0 and 1, not {share}")
    if not 0 <= wait < math.inf:
        raise ValueError(f"max_wait_minutes must be zero or more, not {wait}")
    digits = 0 if wait % 1 == 0 else 1
    minutes = words["minute" if wait == 1 else "minutes"]
    whole = 0 if math.isclose(share * 100, round(share * 100)) else 1
    return (
        percent(share, whole, language=language),
        f"{number(wait, digits, language=language)} {minutes}",
    )


def _label_differences(axes: Axes, at: FloatArray, booths: _Booths) -> None:
    """Write the differences that are not zero above the dots, one for a run where they crowd."""
    (new, _, new_high), (old, _, old_high) = booths["new"], booths["old"]
    tops = np.fmax(np.fmax(new, old), np.fmax(new_high, old_high))
    difference = new - old
    gap = 0.055 * float(np.ptp(axes.get_xlim()))
    crowded = len(at) > 1 and float(np.diff(at).min()) < gap
    changes = (np.diff(difference) != 0) | (np.diff(tops) != 0) | (not crowded)
    last, raised = -math.inf, False
    for run in np.split(np.arange(len(at)), np.flatnonzero(changes) + 1):
        x, value = float(at[run].mean()), float(difference[run[0]])
        if math.isnan(value) or value == 0:
            continue
        # Two runs too near each other have their labels on two lines.
        raised = x - last < gap and not raised
        last = x
        above: dict[str, Any] = {"xytext": (0, 16 if raised else 5), "textcoords": "offset points"}
        text = number(value, sign=True)
        axes.annotate(text, (x, tops[run[0]]), ha="center", va="bottom", fontsize=SMALL, **above)


def _label_ballots(axes: Axes, booths: _Booths, words: Mapping[str, str]) -> None:
    """Name both ballots beside their last dots."""
    ends = [float(v[~np.isnan(v)][-1]) for v, _, _ in booths.values()]
    top = axes.get_ylim()[1]
    for role, height in zip(booths, apart(ends, 0.14 * top, 0.05 * top, 0.95 * top), strict=True):
        color, place = STYLES[role][0], axes.get_yaxis_transform()
        face = color if role == "new" else "white"
        key: dict[str, Any] = {"mfc": face, "clip_on": False, "transform": place}
        axes.plot(1.03, height, "o", color=color, markersize=6, **key)
        style: dict[str, Any] = {"va": "center", "fontsize": SMALL, "transform": place}
        axes.text(1.05, height, words[role], color=color, **style)


def alt_text_booths_needed(
    arrivals_per_hour: npt.ArrayLike,
    booths_new: npt.ArrayLike,
    booths_old: npt.ArrayLike,
    *,
    max_wait_minutes: float,
    max_share: float,
    lower_new: npt.ArrayLike | None = None,
    upper_new: npt.ArrayLike | None = None,
    lower_old: npt.ArrayLike | None = None,
    upper_old: npt.ArrayLike | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`booths_needed`."""
    words = in_language(_BOOTHS, language)
    bounds = {"new": (lower_new, upper_new), "old": (lower_old, upper_old)}
    at, booths = _booth_values(arrivals_per_hour, booths_new, booths_old, bounds)
    share, wait = _criterion(max_wait_minutes, max_share, words, language)
    each = []
    pairs = np.column_stack([at, booths["new"][0], booths["old"][0]])
    for i, (x, new, old) in enumerate(pairs.tolist()):
        if i and np.array_equal(pairs[i, 1:], pairs[i - 1, 1:], equal_nan=True):
            continue
        arrivals = number(x, language=language)
        new_text, old_text = (number(v, language=language) for v in (new, old))
        each.append(words["each"].format(arrivals=arrivals, new=new_text, old=old_text))
    low, high = (number(float(x), language=language) for x in (at[0], at[-1]))
    frame = words["alt"]
    return frame.format(share=share, wait=wait, low=low, high=high, each="; ".join(each))
