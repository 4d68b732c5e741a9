"""The figure of the spread of the time in the booth, a ridge per group."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLACK,
    GREY,
    SMALL,
    FloatArray,
    horizontal_intervals,
    in_language,
    new_axes,
    number_ticks,
    vectors,
    wrapped,
)
from ballot_eval.figures.times import (
    INK,
    STYLES,
    Estimate,
    check_estimate,
    checked_roles,
    with_interval,
)
from ballot_eval.formatting import NOT_MEASURED, number, percent

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

#: With times of fewer voters than this a density suggests a shape that the data do not show.
FEWEST_FOR_DENSITY = 10

#: How many times as high as the middle one a peak is drawn at most.
TALLEST = 3.0


class _Ridge(NamedTuple):
    label: str
    seconds: FloatArray
    weights: FloatArray
    n: int
    median: Estimate
    beyond: float


def voting_time_ridges(
    seconds_by_group: Mapping[str, npt.ArrayLike],
    medians: Mapping[str, Estimate],
    *,
    horizon_seconds: float,
    roles: Mapping[str, str] | None = None,
    weights: Mapping[str, npt.ArrayLike] | None = None,
    counts: Mapping[str, int] | None = None,
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
    as longer than the horizon. By default all times weigh the same. ``counts`` gives each label
    its number of voters, censored ones among them; by default every time is that of one voter.
    It must be given with ``weights``, because voters with equal times share a step of the curve.

    The density is that of a normal kernel on the logarithm of the time, so that nothing lies below
    zero; its width follows from the number of voters and the weighted spread and quartiles
    (Silverman 1986, "Density estimation", eq. 3.31). The areas of the groups are equal, save
    those of very narrow groups: a peak that would stand more than :data:`TALLEST` times as high
    as the middle one is drawn lower, to that height, so that the other groups keep their shape.
    Where the weights stand for fewer than ten voters, the times are drawn as dots.

    Raises ValueError for no groups, a label without a median, weights or a count, weights without
    counts, a count that is not whole or below the number of times with a weight, times that are
    not positive and finite, weights that do not add up to more than 0 and at most 1, and medians
    outside their intervals.
    """
    words = in_language(_RIDGES, language)
    ridges = _ridges(seconds_by_group, medians, horizon_seconds, weights, counts)
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
    for line, (ridge, heights) in enumerate(zip(ridges, _heights(shapes), strict=True)):
        _draw_ridge(axes, -line, ridge, (grid, heights), role.get(ridge.label))
        _write_ridge(axes, -line, ridge, (words, digits, language))
    _label_rows(axes, labels)
    axes.set_xticks(_second_ticks(horizon_seconds))
    number_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    return figure


def _ridges(
    seconds_by_group: Mapping[str, npt.ArrayLike],
    medians: Mapping[str, Estimate],
    horizon: float,
    weights: Mapping[str, npt.ArrayLike] | None,
    counts: Mapping[str, int] | None,
) -> list[_Ridge]:
    if not seconds_by_group:
        raise ValueError("there is no group to draw")
    if not 0 < horizon < math.inf:
        raise ValueError(f"horizon_seconds must be positive and finite, not {horizon}")
    if weights is not None and counts is None:
        raise ValueError("weights need counts: voters with equal times share a step of the curve")
    needed = {"median": medians, "weights": weights, "count": counts}
    made = []
    for label, values in seconds_by_group.items():
        absent = [k for k, given in needed.items() if given is not None and label not in given]
        if absent:
            raise ValueError(f"there is no {absent[0]} for {label}")
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
        n = len(seconds) if counts is None else _checked_count(label, counts[label], mass)
        made.append(_Ridge(label, seconds, mass, n, medians[label], beyond))
    return made


def _checked_count(label: str, count: int, mass: FloatArray) -> int:
    fewest = int((mass > 0).sum())
    if not math.isfinite(count) or count % 1 != 0 or count < fewest:
        raise ValueError(
            f"the count of {label} must be a whole number of voters, at least one for each of the "
            f"{fewest} times with a weight, not {count}"
        )
    return int(count)


def _log_kernel(ridge: _Ridge, grid: FloatArray) -> FloatArray:
    """Return the density on a grid of seconds, by a normal kernel on their logarithm."""
    # A censored voter adds to the count but shows no time, hence the sum of the weights; the
    # margin is for the rounding of that sum.
    if ridge.n * float(ridge.weights.sum()) < FEWEST_FOR_DENSITY - 1e-6:
        return np.zeros_like(grid)
    times, width = np.log(ridge.seconds), _kernel_width(ridge)
    heights = [
        float(ridge.weights @ np.exp(-0.5 * ((x - times) / width) ** 2)) for x in np.log(grid)
    ]
    density: FloatArray = np.asarray(heights) / (grid * width * math.sqrt(2 * math.pi))
    return density


def _kernel_width(ridge: _Ridge) -> float:
    """Return the deviation of the kernel on the logarithm of the time, after Silverman (1986)."""
    times, mass = np.log(ridge.seconds), ridge.weights / ridge.weights.sum()
    center = float(mass @ times)
    spread = math.sqrt(float(mass @ (times - center) ** 2))
    robust = (_quantile(times, mass, 0.75) - _quantile(times, mass, 0.25)) / 1.349 or spread
    # The floor leaves equal times a peak that can be seen.
    return max(0.9 * min(spread, robust) / math.pow(ridge.n, 0.2), 0.03)


def _quantile(values: FloatArray, mass: FloatArray, share: float) -> float:
    """Return the smallest value at or below which lies a share of the mass, 1 in all.

    Unlike a quantile between values, it is the same for the steps of a curve as for the times of
    the voters behind them.
    """
    order = np.argsort(values)
    at = np.searchsorted(np.cumsum(mass[order]), share - 1e-9)
    return float(values[order[min(int(at), len(order) - 1)]])


def _heights(shapes: list[FloatArray]) -> list[FloatArray]:
    """Return densities on one scale as parts of a row, the peaks that stand out made lower."""
    peaks = np.sort([float(s.max()) for s in shapes if s.any()])
    if not len(peaks):
        return shapes
    # Of an even number the lower of the middle two, so that one of two groups can stand out.
    tallest = TALLEST * float(peaks[(len(peaks) - 1) // 2])
    scale = 0.64 / min(float(peaks[-1]), tallest)
    return [scale * s * min(1.0, tallest / (float(s.max()) or tallest)) for s in shapes]


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
        # A time without weight is one at which a voter was last seen, not one that ended.
        seen = ridge.seconds[(ridge.seconds <= end) & (ridge.weights > 0)]
        axes.plot(seen, np.full(len(seen), base + 0.12), "o", color=color, alpha=0.6, markersize=4)
    median, low, high = ridge.median
    if math.isnan(median):
        return
    horizontal_intervals(axes, base, low, high, BLACK)
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


def _label_rows(axes: Axes, labels: list[str]) -> None:
    small = SMALL if len(labels) > 6 else 9
    axes.set_yticks(0.1 - np.arange(len(labels)), labels, fontsize=small)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _voters(ridge: _Ridge, words: Mapping[str, str], language: str) -> tuple[str, str]:
    return number(ridge.n, language=language), words["voter" if ridge.n == 1 else "voters"]


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
    counts: Mapping[str, int] | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`voting_time_ridges`."""
    words = in_language(_RIDGES, language)
    ridges = _ridges(seconds_by_group, medians, horizon_seconds, weights, counts)
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
