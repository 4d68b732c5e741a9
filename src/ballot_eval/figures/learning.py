"""Figures about learning: the excess by exposure, and later against first exposures.

Effects come in as fractions (0.0025) and are shown in percentage points (0,25). An interval for
lack of digits (a share that was published rounded) is drawn as an open box, an interval for
uncertainty as a bar.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from ballot_eval.figures.base import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALE,
    SMALL,
    FloatArray,
    check_bounds,
    estimate_texts,
    horizontal_intervals,
    in_language,
    limits,
    new_axes,
    new_figure,
    open_frame,
    points_ticks,
    span,
    top_legend,
    vectors,
    wrapped,
)
from ballot_eval.figures.times import INK, apart
from ballot_eval.formatting import number, p_value, points

#: More municipalities than these are not named one by one.
MAX_NAMES = 30

_EXCESS = {
    "nl": {
        "effect": "meer ongeldige stemmen dan\nzonder nieuw stembiljet, procentpunt",
        "time": "{n}e keer",
        "pooled": "gemeenten samen, met interval",
        "rounded": "alleen afgerond bekend",
        "single": "één gemeente",
        "alt": "Verschil met gemeenten zonder het nieuwe stembiljet, in procentpunt met interval, "
        "per keer dat het werd gebruikt: {each}.{rounded}{single}",
        "alt_time": "{label} ({time}) {text}",
        "alt_rounded": " Door afronding van de gepubliceerde aandelen is bekend: {each}.",
        "alt_single": " Per gemeente: {each}.",
    },
    "en": {
        "effect": "more invalid votes than\nwithout the new ballot, percentage points",
        "time": "use {n}",
        "pooled": "municipalities together, with interval",
        "rounded": "known only rounded",
        "single": "one municipality",
        "alt": "Difference from municipalities without the new ballot, in percentage points with "
        "interval, by the time it was used: {each}.{rounded}{single}",
        "alt_time": "{label} ({time}) {text}",
        "alt_rounded": " From the rounding of the published shares it follows: {each}.",
        "alt_single": " By municipality: {each}.",
    },
}


class _Excess:
    """Checked input of :func:`excess_by_exposure`; vectors are (K,), singles (m, K)."""

    def __init__(
        self,
        labels: Sequence[str],
        exposures: npt.ArrayLike,
        bounds: Sequence[npt.ArrayLike],
        municipalities: Mapping[str, npt.ArrayLike] | None,
        rounded: tuple[npt.ArrayLike, npt.ArrayLike] | None,
    ) -> None:
        (self.exposures,) = vectors(exposures=exposures)
        if (self.exposures < 1).any() or (self.exposures % 1 != 0).any():
            raise ValueError("exposures must be whole numbers from 1")
        if (np.diff(self.exposures) < 0).any():
            raise ValueError("the exposures must ascend")
        if len(labels) != len(self.exposures):
            raise ValueError(f"there are {len(labels)} labels for {len(self.exposures)} exposures")
        self.labels = list(labels)
        estimates, lower, upper = bounds
        _, self.estimates, self.lower, self.upper = vectors(
            missing=True, exposures=exposures, estimates=estimates, lower=lower, upper=upper
        )
        if not np.isfinite(self.estimates).any():
            raise ValueError("no exposure has an estimate")
        if np.isinf([self.estimates, self.lower, self.upper]).any():
            raise ValueError("a bound is infinite")
        check_bounds(self.lower, self.upper)
        none = np.full(len(labels), np.nan)
        low, high = (none, none) if rounded is None else rounded
        _, self.rounded_lower, self.rounded_upper = vectors(
            missing=True, exposures=exposures, rounded_lower=low, rounded_upper=high
        )
        check_bounds(self.rounded_lower, self.rounded_upper)
        self.singles = {}
        for name, values in (municipalities or {}).items():
            made = vectors(missing=True, exposures=exposures, municipality=values)[1]
            if not np.isfinite(made).any():
                raise ValueError(f"{name} has no value at any exposure")
            self.singles[name] = made
        if len(self.singles) > MAX_NAMES:
            raise ValueError(f"at most {MAX_NAMES} municipalities can be told apart")


def excess_by_exposure(
    labels: Sequence[str],
    exposures: npt.ArrayLike,
    estimates: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    municipalities: Mapping[str, npt.ArrayLike] | None = None,
    rounded: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    language: str = "nl",
) -> Figure:
    """Return the pooled excess at every exposure over thin lines of single municipalities.

    ``labels`` (K,) name the elections, ``exposures`` (K,) how many times the ballot had been used
    then, this one included; estimates and limits (K,) are fractions, limits may be NaN.
    ``municipalities`` maps a name to (K,) values, NaN where it took no part. ``rounded`` holds
    lower and upper ends (K,) of what rounded shares leave open, NaN where counts are known.
    Raises ValueError for vectors that do not fit, crossed limits and exposures that descend.
    """
    words = in_language(_EXCESS, language)
    made = _Excess(labels, exposures, (estimates, lower, upper), municipalities, rounded)
    names = len(made.singles)
    figure, axes = new_axes(4.2 if names < 9 else 4.2 + 0.14 * (names - 8))
    for i, values in enumerate(made.singles.values()):
        style: dict[str, Any] = {"color": GREY, "linewidth": 0.9, "marker": ".", "markersize": 4}
        axes.plot(values, label=words["single"] if i == 0 else None, zorder=1, **style)
    at = np.arange(len(made.labels))
    axes.vlines(at, made.lower, made.upper, ORANGE, linewidth=4, alpha=0.6, zorder=2)
    axes.plot(at, made.estimates, "D", color=ORANGE, label=words["pooled"], zorder=4)
    _boxes(axes, made, words["rounded"])
    every = [made.estimates, made.lower, made.upper, made.rounded_lower, made.rounded_upper]
    axes.set_ylim(*span(*every, *made.singles.values()))
    axes.axhline(0, color=GREY, linewidth=1, zorder=0)
    axes.set_xlim(-0.4, len(at) - 0.6)
    _name_lines(figure, axes, made.singles)
    axes.set_xticks(at, _exposure_labels(made, words, language))
    points_ticks(axes.yaxis, language)
    axes.set_ylabel(words["effect"])
    top_legend(figure, axes, columns=3)
    return figure


def _boxes(axes: Axes, made: _Excess, label: str) -> None:
    """Draw what rounding leaves open as open boxes, wider than the bars of uncertainty."""
    for i, (low, high) in enumerate(zip(made.rounded_lower, made.rounded_upper, strict=True)):
        if not (math.isnan(low) or math.isnan(high)):
            box = Rectangle((i - 0.09, low), 0.18, high - low, fill=False, edgecolor=BLACK)
            box.set(linewidth=1.2, zorder=3, label=label)
            axes.add_patch(box)
            label = ""


def _name_lines(figure: Figure, axes: Axes, singles: Mapping[str, FloatArray]) -> None:
    """Name the lines to the right of the axes, pushed apart, each with a leader to its end."""
    low, high = axes.get_ylim()
    # Room for a line of text, from the height of the axes in points (legend and ticks left out).
    gap = (high - low) * 1.25 * SMALL / (72 * figure.get_figheight() - 95)
    ends = {name: np.flatnonzero(np.isfinite(v))[-1] for name, v in singles.items()}
    heights = [float(singles[name][i]) for name, i in ends.items()]
    right = axes.get_xlim()[1]
    for (name, end), height, label in zip(
        ends.items(), heights, apart(heights, gap, low, high), strict=True
    ):
        leader: dict[str, Any] = {
            "color": GREY,
            "linewidth": 0.6,
            "linestyle": (0, (1, 2)),
            "clip_on": False,
        }
        axes.plot([end, right], [height, label], zorder=0.5, **leader)
        axes.text(right, label, f" {name}", va="center", fontsize=SMALL, color=INK)


def _exposure_labels(made: _Excess, words: Mapping[str, str], language: str) -> list[str]:
    """Return election, time and estimate for below the axis."""
    texts, width = [], 24 if len(made.labels) < 4 else 14
    for label, n, estimate in zip(made.labels, made.exposures, made.estimates, strict=True):
        value = points(float(estimate), language=language, unit=False)
        texts.append(f"{wrapped(label, width)}\n{words['time'].format(n=number(n))}\n{value}")
    return texts


def alt_text_excess_by_exposure(
    labels: Sequence[str],
    exposures: npt.ArrayLike,
    estimates: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    municipalities: Mapping[str, npt.ArrayLike] | None = None,
    rounded: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`excess_by_exposure`."""
    words = in_language(_EXCESS, language)
    made = _Excess(labels, exposures, (estimates, lower, upper), municipalities, rounded)
    texts = estimate_texts(made.estimates, made.lower, made.upper, language)
    times = [words["time"].format(n=number(n)) for n in made.exposures]
    each = [
        words["alt_time"].format(label=label, time=time, text=text)
        for label, time, text in zip(made.labels, times, texts, strict=True)
    ]
    ends = zip(made.labels, made.rounded_lower.tolist(), made.rounded_upper.tolist(), strict=True)
    open_ends = [f"{k} {limits(a, b, language)}" for k, a, b in ends if not math.isnan(a + b)]
    singles = []
    for name, values in made.singles.items():
        written = [points(v, language=language, unit=False) for v in values.tolist()]
        singles.append(f"{name} {', '.join(written)}")
    return words["alt"].format(
        each="; ".join(each),
        rounded=words["alt_rounded"].format(each="; ".join(open_ends)) if open_ends else "",
        single=words["alt_single"].format(each="; ".join(singles)) if singles else "",
    )


_LATER = {
    "nl": {
        "axis": "meer ongeldige stemmen dan zonder nieuw stembiljet, procentpunt",
        "single": "één gemeente",
        "mean": "gemiddelde van de groep",
        "spread": "middelste 95% zonder nieuw stembiljet",
        "difference": "verschil tussen\nde groepen",
        "tested": "{text}\np = {p}",
        "mean_of": "gemiddeld {value}",
        "many": "{n} gemeenten",
        "one": "1 gemeente",
        "alt": "Stippengrafiek van het verschil met gemeenten zonder het nieuwe stembiljet, in "
        "procentpunt: {each}. Het verschil tussen de groepen is {difference}, p-waarde {p}."
        "{spread}",
        "alt_group": "{label} gemiddeld {mean} ({n}{values})",
        "alt_spread": " De middelste 95% van de gemeenten zonder nieuw stembiljet ligt op {low}.",
    },
    "en": {
        "axis": "more invalid votes than without the new ballot, percentage points",
        "single": "one municipality",
        "mean": "mean of the group",
        "spread": "middle 95% without the new ballot",
        "difference": "difference between\nthe groups",
        "tested": "{text}\np = {p}",
        "mean_of": "mean {value}",
        "many": "{n} municipalities",
        "one": "1 municipality",
        "alt": "Dot plot of the difference from municipalities without the new ballot, in "
        "percentage points: {each}. The difference between the groups is {difference}, p-value "
        "{p}.{spread}",
        "alt_group": "{label} mean {mean} ({n}{values})",
        "alt_spread": " The middle 95% of the municipalities without the new ballot lies at {low}.",
    },
}
Groups = Mapping[str, Mapping[str, float]]
Difference = tuple[float, float, float, float]


def later_against_first(
    groups: Groups,
    means: Sequence[float],
    difference: Difference,
    *,
    never_exposed: npt.ArrayLike | None = None,
    language: str = "nl",
) -> Figure:
    """Return the excess of single municipalities by group, above the difference of the groups.

    ``groups`` maps a label to the excess (a fraction) by name of municipality, ``means`` has one
    mean per group, ``difference`` is estimate, lower, upper and p-value. ``never_exposed`` (m,)
    are the same differences of municipalities without the new ballot. Up to 30 municipalities
    are named; beyond that every group is one row of dots.
    Raises ValueError for no or more than four groups, an empty group, values that are not finite
    and a p-value outside 0 to 1.
    """
    words = in_language(_LATER, language)
    rows = _group_rows(groups, means, difference)
    spread = _spread(never_exposed)
    named = sum(len(values) for values in rows.values()) <= MAX_NAMES
    lines = sum(len(values) if named else 3 for values in rows.values()) + 0.8 * len(rows)
    figure = new_figure(1.9 + 0.2 * lines)
    ratios = [0.2 * lines + 0.1, 0.55]
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": ratios})
    every = [np.array(list(values.values())) for values in rows.values()]
    finite = np.array([v for v in difference[:3] if math.isfinite(v)])
    above.set_xlim(*span(*every, finite, np.array([*means, *(spread or ())])))
    for axes in (above, below):
        open_frame(axes)
        axes.axvline(0, color=GREY, linewidth=1, zorder=1)
    if spread:
        above.axvspan(*spread, color=PALE, zorder=0, linewidth=0, label=words["spread"])
    _draw_groups(above, rows, means, words, named=named, language=language)
    horizontal_intervals(below, 0, difference[1], difference[2], BLACK)
    below.plot(difference[0], 0, "D", color=BLACK)
    below.set_yticks([0], [words["difference"]])
    below.set_ylim(-0.6, 0.6)
    text = _difference_text(difference, language)
    tested = words["tested"].format(text=text, p=p_value(difference[3], language=language))
    place: dict[str, Any] = {
        "transform": below.get_yaxis_transform(),
        "va": "center",
        "fontsize": SMALL,
    }
    below.text(1.02, 0, tested.replace("= <", "<"), **place)
    above.tick_params(bottom=False)
    below.xaxis.set_major_locator(MaxNLocator(6))
    points_ticks(below.xaxis, language)
    below.set_xlabel(words["axis"])
    top_legend(figure, above, columns=3)
    return figure


def _group_rows(
    groups: Groups, means: Sequence[float], difference: Difference
) -> dict[str, dict[str, float]]:
    """Return the groups with their municipalities from high to low."""
    if not 1 <= len(groups) <= 4:
        raise ValueError(f"one to four groups can be drawn, not {len(groups)}")
    if len(means) != len(groups):
        raise ValueError(f"there are {len(means)} means for {len(groups)} groups")
    vectors(means=means)
    made = {}
    for label, values in groups.items():
        if not values or not all(map(math.isfinite, values.values())):
            raise ValueError(f"{label} has no municipality, or a value that is not a finite number")
        made[label] = dict(sorted(values.items(), key=lambda item: -item[1]))
    if len(difference) != 4 or not math.isfinite(difference[0]):
        raise ValueError("the difference must hold estimate, lower, upper and p-value")
    if not difference[1] <= difference[0] <= difference[2]:
        raise ValueError("the difference lies outside its interval")
    if not 0 <= difference[3] <= 1:
        raise ValueError(f"a p-value lies between 0 and 1, not {difference[3]}")
    return made


def _difference_text(difference: Difference, language: str) -> str:
    estimate, lower, upper = ([v] for v in difference[:3])
    return estimate_texts(estimate, lower, upper, language)[0]


def _spread(never_exposed: npt.ArrayLike | None) -> tuple[float, float] | None:
    if never_exposed is None:
        return None
    low, high = np.quantile(vectors(never_exposed=never_exposed)[0], [0.025, 0.975])
    return float(low), float(high)


def _draw_groups(
    axes: Axes,
    rows: Mapping[str, Mapping[str, float]],
    means: Sequence[float],
    words: Mapping[str, str],
    *,
    named: bool,
    language: str,
) -> None:
    """Draw every group below the other: its name, its dots and a line at its mean."""
    ticks, top = {}, 0.0
    colors = (ORANGE, BLUE, BLACK, GREY)
    for (label, values), mean, color, marker in zip(
        rows.items(), means, colors, "os^v", strict=False
    ):
        lines = len(values) if named else 3
        at = top + 0.8 + np.arange(len(values)) if named else np.full(len(values), top + 1.8)
        style: dict[str, Any] = {
            "color": color,
            "alpha": 0.85 if named else 0.4,
            "markersize": 5,
            "linestyle": "none",
        }
        axes.plot(list(values.values()), at, marker=marker, zorder=3, **style)
        ends = top + 0.4, top + lines + 0.2
        axes.plot([mean, mean], ends, color=color, linewidth=2, zorder=2)
        text = points(float(mean), language=language, unit=False)
        place: dict[str, Any] = {
            "transform": axes.get_yaxis_transform(),
            "va": "center",
            "fontsize": SMALL,
        }
        axes.text(
            1.02, top, words["mean_of"].format(value=text), color=color, fontweight="bold", **place
        )
        ticks[top] = label
        names = list(values) if named else [_how_many(len(values), words, language)]
        ticks |= dict(zip(at.tolist() if named else [top + 1.8], names, strict=True))
        top += lines + 0.8
    axes.plot([], [], "o", color=INK, markersize=5, label=words["single"])
    axes.plot([], [], color=INK, linewidth=2, label=words["mean"])
    axes.set_yticks(list(ticks), list(ticks.values()))
    for place_, tick in zip(ticks, axes.get_yticklabels(), strict=True):
        tick.set_fontweight("bold" if ticks[place_] in rows else "normal")
    axes.tick_params(left=False)
    axes.set_ylim(top - 0.2, -0.7)


def _how_many(n: int, words: Mapping[str, str], language: str) -> str:
    return words["one"] if n == 1 else words["many"].format(n=number(n, language=language))


def alt_text_later_against_first(
    groups: Groups,
    means: Sequence[float],
    difference: Difference,
    *,
    never_exposed: npt.ArrayLike | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`later_against_first`."""
    words = in_language(_LATER, language)
    rows = _group_rows(groups, means, difference)
    spread = _spread(never_exposed)
    named = sum(len(values) for values in rows.values()) <= MAX_NAMES
    each = []
    for (label, values), mean in zip(rows.items(), means, strict=True):
        written = [f"{k} {points(v, language=language, unit=False)}" for k, v in values.items()]
        each.append(
            words["alt_group"].format(
                label=label,
                mean=points(float(mean), language=language, unit=False),
                n=_how_many(len(values), words, language),
                values=f": {', '.join(written)}" if named else "",
            )
        )
    text = _difference_text(difference, language)
    return words["alt"].format(
        each="; ".join(each),
        difference=text,
        p=p_value(difference[3], language=language),
        spread=words["alt_spread"].format(low=limits(*spread, language)) if spread else "",
    )
