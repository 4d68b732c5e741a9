"""The figure of rates at polling stations, by their size or type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLUE,
    ORANGE,
    SMALL,
    check_bounds,
    need_columns,
    need_groups,
    new_axes,
    percent_ticks,
    top_legend,
    words_for,
    wrapped,
)
from ballot_eval.formatting import interval, number, percent

_RATES = {
    "nl": {
        "rate": "aandeel {kind}",
        "size_class": "uitgebrachte stemmen op het stembureau",
        "station_type": "soort stembureau",
        "experiment": "experimentgemeenten",
        "control": "controlegemeenten",
        "below": "met het aantal stembureaus: experiment / controle",
        "alt": "Stippengrafiek van het aandeel {kind} naar {dimension}, met interval: {each}.",
        "each": "{level}: {groups}",
        "group": "{unit} {rate} ({ends}; {count} stembureaus)",
        "alone": "{unit} {rate} (zonder interval; {count} stembureaus)",
    },
    "en": {
        "rate": "share of {kind}",
        "size_class": "votes cast at the polling station",
        "station_type": "type of polling station",
        "experiment": "experiment municipalities",
        "control": "control municipalities",
        "below": "with the number of stations: experiment / control",
        "alt": "Dot plot of the share of {kind} by {dimension}, with interval: {each}.",
        "each": "{level}: {groups}",
        "group": "{unit} {rate} ({ends}; {count} stations)",
        "alone": "{unit} {rate} (no interval; {count} stations)",
    },
}

#: Colour, mark and place beside the tick of each group.
_STYLES = {"experiment": (ORANGE, "D", -0.12), "control": (BLUE, "o", 0.12)}

_COLUMNS = ("level", "unit", "stations_count", "rate", "ci_lower", "ci_upper")

#: More levels than these do not fit beside each other.
MAX_LEVELS = 6

#: Characters of the names of all levels that fit on a line together.
LINE = 72


def station_rates(
    rates: pd.DataFrame,
    *,
    dimension: str = "size_class",
    kind: str = "invalid",
    language: str = "nl",
) -> Figure:
    """Return the rates at polling stations by level, experiment beside control.

    ``rates`` has a row per level and group: ``level`` (as it is to be written; the order of first
    mention is kept), ``unit`` (experiment or control), ``stations_count``, and ``rate``,
    ``ci_lower`` and ``ci_upper`` as fractions, limits NaN where there is no interval. ``dimension``
    is ``size_class`` or ``station_type``, ``kind`` the outcome. Raises ValueError for absent
    columns, no rows or too many levels, another group, a group given twice at a level, rates that
    are no fractions or lie outside their limits.
    """
    words, levels = _checked(rates, dimension, kind, language)
    figure, axes = new_axes(3.6)
    for unit in _STYLES:
        _draw(axes, rates[rates["unit"] == unit], unit, levels, words[unit])
    names = [
        f"{wrapped(level, LINE // len(levels))}\n{_sizes(rates, level, language)}"
        for level in levels
    ]
    axes.set_xticks(range(len(levels)), names)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlim(-0.5, len(levels) - 0.5)
    axes.set_ylim(0, None)
    percent_ticks(axes.yaxis, language)
    axes.set_ylabel(wrapped(words["rate"]))
    axes.set_xlabel(f"{words[dimension]}\n{words['below']}", fontsize=9)
    top_legend(figure, axes)
    return figure


def _checked(
    rates: pd.DataFrame, dimension: str, kind: str, language: str
) -> tuple[dict[str, str], list[str]]:
    """Return the words and the levels of rates that can be drawn."""
    words = words_for(_RATES, language, kind)
    if dimension not in ("size_class", "station_type"):
        raise ValueError(f"dimension must be size_class or station_type, not {dimension!r}")
    need_columns(rates, _COLUMNS, "the rates")
    levels = [str(level) for level in dict.fromkeys(rates["level"])]
    if not 0 < len(levels) <= MAX_LEVELS:
        raise ValueError(f"{len(levels)} levels cannot be drawn, only 1 to {MAX_LEVELS}")
    need_groups(rates, _STYLES, "level")
    rate, low, high = (rates[c].to_numpy(float) for c in ("rate", "ci_lower", "ci_upper"))
    if not ((rate >= 0) & (rate <= 1)).all():
        raise ValueError("the rates must be fractions")
    check_bounds(low, rate)
    check_bounds(rate, high)
    return words, levels


def _draw(axes: Axes, rows: pd.DataFrame, unit: str, levels: list[str], label: str) -> None:
    if rows.empty:
        return
    color, mark, aside = _STYLES[unit]
    at = np.array([levels.index(level) for level in rows["level"]]) + aside
    limits = rows[["ci_lower", "ci_upper"]].to_numpy(float)
    known = np.isfinite(limits).all(axis=1)
    axes.vlines(at[known], limits[known, 0], limits[known, 1], color, linewidth=2)
    style: dict[str, Any] = {"color": color, "markersize": 6, "zorder": 3}
    axes.plot(at, rows["rate"].to_numpy(float), mark, label=label, **style)


def _sizes(rates: pd.DataFrame, level: str, language: str) -> str:
    """Return the numbers of stations at a level: ``90 / 1.738``."""
    counts = rates[rates["level"] == level].set_index("unit")["stations_count"]
    return " / ".join(number(int(counts.get(unit, 0)), language=language) for unit in _STYLES)


def alt_text_station_rates(
    rates: pd.DataFrame,
    *,
    dimension: str = "size_class",
    kind: str = "invalid",
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`station_rates`."""
    words, levels = _checked(rates, dimension, kind, language)
    each = []
    for level in levels:
        rows = rates[rates["level"] == level].set_index("unit")
        groups = [_in_words(rows.loc[u], words[u], words, language) for u in rows.index]
        each.append(words["each"].format(level=level, groups=", ".join(groups)))
    return words["alt"].format(dimension=words[dimension], each="; ".join(each))


def _in_words(row: pd.Series[Any], unit: str, words: Mapping[str, str], language: str) -> str:
    low, high = float(row["ci_lower"]), float(row["ci_upper"])
    alone = math.isnan(low) or math.isnan(high)
    return words["alone" if alone else "group"].format(
        unit=unit,
        rate=percent(float(row["rate"]), language=language),
        ends=interval(low, high, language=language),
        count=number(int(row["stations_count"]), language=language),
    )
