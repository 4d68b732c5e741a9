"""The figure of the ratio of the time in the booth, new to old, by quantile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    SMALL,
    FloatArray,
    check_bounds,
    in_language,
    new_axes,
    text_color,
    top_legend,
    vectors,
)
from ballot_eval.figures.times import (
    INK,
    Estimate,
    check_estimate,
    plain_log_axis,
    with_interval,
)
from ballot_eval.formatting import NOT_MEASURED, number, percent

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
    at, ratio, *_ = values
    figure, axes = new_axes(3.9)
    axes.set_yscale("log")
    axes.set_ylim(*_ratio_limits([1.0, *(mean_ratio or ())], *values[1:]))
    axes.set_xlim(min(0.03, at[0] - 0.04), max(0.97, at[-1] + 0.04))
    axes.axhline(1, color=GREY, linewidth=1, zorder=0)
    _draw_intervals(axes, values, words)
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


def _draw_intervals(axes: Axes, values: _Ratios, words: Mapping[str, str]) -> None:
    """Draw the wide interval per quantile over the thin one for all quantiles together."""
    at, _, low, high, band_low, band_high = values
    if np.isfinite(band_low).any():
        _vertical_intervals(axes, at, band_low, band_high, {"linewidth": 1}, "_")
        axes.plot([], [], color=BLUE, linewidth=1, marker="_", label=words["uniform"])
    _vertical_intervals(axes, at, low, high, {"linewidth": 4, "alpha": 0.55}, None)
    axes.plot([], [], color=BLUE, linewidth=4, alpha=0.55, label=words["pointwise"])


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
    style: dict[str, Any] = {"va": "center", "color": text_color(ORANGE), "fontsize": SMALL}
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
