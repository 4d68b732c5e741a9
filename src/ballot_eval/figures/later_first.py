"""The figure of municipalities that used the ballot before against those that did not.

Effects come in as fractions (0.0025) and are shown in percentage points (0,25).
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
from matplotlib.ticker import (
    MaxNLocator,
)

from ballot_eval.figures.base import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALE,
    SMALL,
    estimate_texts,
    horizontal_intervals,
    limits,
    new_figure,
    open_frame,
    points_ticks,
    span,
    text_color,
    top_legend,
    vectors,
    words_for,
)
from ballot_eval.figures.times import (
    INK,
)
from ballot_eval.formatting import (
    number,
    p_value,
    points,
)

#: More municipalities than these are not named one by one.
MAX_NAMES = 30

_LATER = {
    "nl": {
        "axis": "meer {kind} dan zonder nieuw stembiljet, procentpunt",
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
        "axis": "more {kind} than without the new ballot, percentage points",
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
    kind: str = "invalid",
    language: str = "nl",
) -> Figure:
    """Return the excess of single municipalities by group, above the difference of the groups.

    ``groups`` maps a label to the excess (a fraction) by name of municipality, ``means`` has one
    mean per group, ``difference`` is estimate, lower, upper and p-value. ``never_exposed`` (m,)
    are the same differences of municipalities without the new ballot. Up to 30 municipalities
    are named; beyond that every group is one row of dots. ``kind`` is the
    outcome: invalid, blank or residual.
    Raises ValueError for no or more than four groups, an empty group, values that are not finite
    and a p-value outside 0 to 1.
    """
    words = words_for(_LATER, language, kind)
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
            "fontweight": "bold",
            "color": text_color(color),
        }
        axes.text(1.02, top, words["mean_of"].format(value=text), **place)
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
    kind: str = "invalid",
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`later_against_first`."""
    words = words_for(_LATER, language, kind)
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
