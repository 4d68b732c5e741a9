"""The figure of the excess of the new ballot by exposure.

Effects come in as fractions (0.0025) and are shown in percentage points (0,25). An interval for
lack of digits (a share that was published rounded) is drawn as an open box, an interval for
uncertainty as a bar.
"""

from __future__ import annotations

import math
from collections.abc import (
    Mapping,
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
from matplotlib.patches import (
    Rectangle,
)

from ballot_eval.figures.base import (
    BLACK,
    GREY,
    ORANGE,
    SMALL,
    FloatArray,
    check_bounds,
    estimate_texts,
    limits,
    new_axes,
    points_ticks,
    span,
    top_legend,
    vectors,
    words_for,
    wrapped,
)
from ballot_eval.figures.times import (
    INK,
    apart,
)
from ballot_eval.formatting import (
    number,
    points,
)

#: More municipalities than these are not named one by one.
MAX_NAMES = 30

_EXCESS = {
    "nl": {
        "effect": "meer {kind} dan\nzonder nieuw stembiljet, procentpunt",
        "time": "{n}e keer",
        "pooled": "gemeenten samen, met interval",
        "rounded": "alleen afgerond bekend",
        "single": "één gemeente",
        "single_rounded": "één gemeente, open door afronding",
        "alt": "Verschil met gemeenten zonder het nieuwe stembiljet, in procentpunt met interval, "
        "per keer dat het werd gebruikt: {each}.{rounded}{single}",
        "alt_time": "{label} ({time}) {text}",
        "alt_rounded": " Door afronding van de gepubliceerde aandelen is bekend: {each}.",
        "alt_single": " Per gemeente: {each}.",
        "open": "{value} (door afronding {ends})",
    },
    "en": {
        "effect": "more {kind} than\nwithout the new ballot, percentage points",
        "time": "use {n}",
        "pooled": "municipalities together, with interval",
        "rounded": "known only rounded",
        "single": "one municipality",
        "single_rounded": "one municipality, left open by rounding",
        "alt": "Difference from municipalities without the new ballot, in percentage points with "
        "interval, by the time it was used: {each}.{rounded}{single}",
        "alt_time": "{label} ({time}) {text}",
        "alt_rounded": " From the rounding of the published shares it follows: {each}.",
        "alt_single": " By municipality: {each}.",
        "open": "{value} (by rounding {ends})",
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
        own_rounded: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]] | None,
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
        self.own_rounded = dict.fromkeys(self.singles, (none, none))
        for name, ends in (own_rounded or {}).items():
            if name not in self.singles:
                raise ValueError(f"{name} has limits and no values")
            _, below, above = vectors(
                missing=True, exposures=exposures, lower=ends[0], upper=ends[1]
            )
            check_bounds(below, above)
            self.own_rounded[name] = (below, above)


def excess_by_exposure(
    labels: Sequence[str],
    exposures: npt.ArrayLike,
    estimates: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    municipalities: Mapping[str, npt.ArrayLike] | None = None,
    rounded: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    own_rounded: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]] | None = None,
    kind: str = "invalid",
    language: str = "nl",
) -> Figure:
    """Return the pooled excess at every exposure over thin lines of single municipalities.

    ``labels`` (K,) name the elections, ``exposures`` (K,) how many times the ballot had been used
    then, this one included; estimates and limits (K,) are fractions, limits may be NaN.
    ``municipalities`` maps a name to (K,) values, NaN where it took no part. ``rounded`` holds
    lower and upper ends (K,) of what rounded shares leave open, NaN where counts are known, and
    ``own_rounded`` the same by municipality. ``kind`` is the outcome: invalid, blank or residual.
    Raises ValueError for vectors that do not fit, crossed limits and exposures that descend.
    """
    words = words_for(_EXCESS, language, kind)
    bounds = (estimates, lower, upper)
    made = _Excess(labels, exposures, bounds, municipalities, rounded, own_rounded)
    names = len(made.singles)
    figure, axes = new_axes(4.2 if names < 9 else 4.2 + 0.14 * (names - 8))
    for i, values in enumerate(made.singles.values()):
        style: dict[str, Any] = {
            "color": "#ADADAD",
            "linewidth": 0.9,
            "marker": ".",
            "markersize": 4,
        }
        axes.plot(values, label=words["single"] if i == 0 else None, zorder=1, **style)
    _own_limits(axes, made, words["single_rounded"])
    at = np.arange(len(made.labels))
    axes.vlines(at, made.lower, made.upper, ORANGE, linewidth=5, alpha=0.7, zorder=2)
    axes.plot(at, made.estimates, "D", color=ORANGE, markersize=7, label=words["pooled"], zorder=4)
    _boxes(axes, made, words["rounded"])
    every = [made.estimates, made.lower, made.upper, made.rounded_lower, made.rounded_upper]
    own = [v for ends in made.own_rounded.values() for v in ends]
    axes.set_ylim(*span(*every, *made.singles.values(), *own))
    axes.axhline(0, color=GREY, linewidth=1, zorder=0)
    axes.set_xlim(-0.4, len(at) - 0.6)
    _name_lines(figure, axes, made.singles)
    axes.set_xticks(at, _exposure_labels(made, words, language))
    points_ticks(axes.yaxis, language)
    axes.set_ylabel(words["effect"])
    top_legend(figure, axes, columns=2)
    return figure


def _boxes(axes: Axes, made: _Excess, label: str) -> None:
    """Draw what rounding leaves open as open boxes, wider than the bars of uncertainty."""
    for i, (low, high) in enumerate(zip(made.rounded_lower, made.rounded_upper, strict=True)):
        if not (math.isnan(low) or math.isnan(high)):
            box = Rectangle((i - 0.09, low), 0.18, high - low, fill=False, edgecolor=BLACK)
            box.set(linewidth=1.2, zorder=3, label=label)
            axes.add_patch(box)
            label = ""


def _own_limits(axes: Axes, made: _Excess, label: str) -> None:
    """Draw what rounding leaves open of single municipalities, beside each other."""
    for i, (low, high) in enumerate(made.own_rounded.values()):
        at = np.arange(len(made.labels)) + 0.012 * (i - (len(made.own_rounded) - 1) / 2)
        known = ~np.isnan(low)
        if known.any():
            ends = low[known], high[known]
            axes.vlines(at[known], *ends, GREY, linewidth=0.9, zorder=1, label=label)
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
        ends.items(), heights, _centred(heights, gap, low, high), strict=True
    ):
        leader: dict[str, Any] = {
            "color": GREY,
            "linewidth": 0.6,
            "linestyle": (0, (1, 2)),
            "clip_on": False,
        }
        axes.plot([end, right], [height, label], zorder=0.5, **leader)
        axes.text(right, label, f" {name}", va="center", fontsize=SMALL, color=INK)


def _centred(heights: list[float], gap: float, low: float, high: float) -> list[float]:
    """Return heights pushed apart both ways: halfway between pushed up and pushed down."""
    # Equal heights must keep the same order both ways.
    unequal = [h - 1e-12 * i for i, h in enumerate(heights)]
    up = apart(unequal, gap, low, high)
    down = apart([-h for h in unequal], gap, -high, -low)
    return [(a - b) / 2 for a, b in zip(up, down, strict=True)]


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
    own_rounded: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]] | None = None,
    kind: str = "invalid",
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`excess_by_exposure`."""
    words = words_for(_EXCESS, language, kind)
    bounds = (estimates, lower, upper)
    made = _Excess(labels, exposures, bounds, municipalities, rounded, own_rounded)
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
        for k, (low, high) in enumerate(np.column_stack(made.own_rounded[name]).tolist()):
            if not math.isnan(low):
                ends_text = limits(low, high, language)
                written[k] = words["open"].format(value=written[k], ends=ends_text)
        singles.append(f"{name} {', '.join(written)}")
    return words["alt"].format(
        each="; ".join(each),
        rounded=words["alt_rounded"].format(each="; ".join(open_ends)) if open_ends else "",
        single=words["alt_single"].format(each="; ".join(singles)) if singles else "",
    )
