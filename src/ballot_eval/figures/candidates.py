"""The figure of the excess of the candidate whose number is that of the list."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
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
    limits,
    need_columns,
    need_groups,
    new_axes,
    points_ticks,
    span,
    top_legend,
)
from ballot_eval.formatting import number, points

_WORDS = {
    "nl": {
        "x": "nummer van de lijst en van de kandidaat",
        "y": "overschot in procentpunten\nvan de stemmen op de lijst",
        "all": "alle",
        "experiment": "experimentgemeenten",
        "control": "controlegemeenten",
        "alt": (
            "Stippengrafiek van het overschot van kandidaat k op lijst k naar nummer, met "
            "interval, in procentpunten van de stemmen op de lijst: {each}."
        ),
        "total": "alle nummers samen",
        "group": "{unit} {value} ({ends}; {lists})",
        "alone": "{unit} {value} (zonder interval; {lists})",
        "one": "1 lijst",
        "many": "{count} lijsten",
    },
    "en": {
        "x": "number of the list and of the candidate",
        "y": "excess in percentage points\nof the votes on the list",
        "all": "all",
        "experiment": "experiment municipalities",
        "control": "control municipalities",
        "alt": (
            "Dot plot of the excess of candidate k on list k by number, with interval, in "
            "percentage points of the votes on the list: {each}."
        ),
        "total": "all numbers together",
        "group": "{unit} {value} ({ends}; {lists})",
        "alone": "{unit} {value} (no interval; {lists})",
        "one": "1 list",
        "many": "{count} lists",
    },
}

#: Colour, mark and place beside the tick of each group.
_STYLES = {"experiment": (ORANGE, "D", -0.14), "control": (BLUE, "o", 0.14)}

_COLUMNS = ("number", "unit", "count", "estimate", "ci_lower", "ci_upper")

#: The number that stands for all numbers together.
ALL = 0

#: Lists from which an interval decides on the limits of the axis; of fewer it can be very wide.
ENOUGH = 5


def repeated_numbers(rows: pd.DataFrame, *, language: str = "nl") -> Figure:
    """Return the excess of candidate k on list k by number, experiment beside control.

    ``rows`` has a row per number and group: ``number`` (0 for all numbers together), ``unit``
    (experiment or control), ``count`` (lists), and ``estimate``, ``ci_lower`` and ``ci_upper`` in
    fractions of the votes on the list, limits NaN where there is no interval. An interval beyond
    the axis ends in an arrow. Raises ValueError for absent columns, no rows, another group, a group
    given twice at a number, and estimates that are not finite or lie outside their limits.
    """
    words, numbers = _checked(rows, language)
    figure, axes = new_axes(3.6)
    several = rows[rows["count"] >= ENOUGH]
    shown = several if len(several) else rows
    axes.set_ylim(*span(*(rows["estimate"].to_numpy(float), *_limits(shown).T)))
    axes.axhline(0, color=GREY, linewidth=1, zorder=0)
    for unit in _STYLES:
        _draw(axes, rows[rows["unit"] == unit], unit, numbers, words[unit])
    if numbers[-1] == ALL and len(numbers) > 1:
        axes.axvline(len(numbers) - 1.5, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xticks(range(len(numbers)), [words["all"] if n == ALL else str(n) for n in numbers])
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlim(-0.6, len(numbers) - 0.4)
    points_ticks(axes.yaxis, language)
    axes.set_xlabel(words["x"], fontsize=9)
    axes.set_ylabel(words["y"], fontsize=9)
    top_legend(figure, axes)
    return figure


def _checked(rows: pd.DataFrame, language: str) -> tuple[dict[str, str], list[int]]:
    """Return the words, and the numbers in order with that of all at the end."""
    words = in_language(_WORDS, language)
    need_columns(rows, _COLUMNS)
    if rows.empty:
        raise ValueError("there are no rows to draw")
    need_groups(rows, _STYLES, "number")
    estimate, (low, high) = rows["estimate"].to_numpy(float), _limits(rows).T
    if not np.isfinite(estimate).all():
        raise ValueError("an estimate is not a finite number")
    check_bounds(low, estimate)
    check_bounds(estimate, high)
    return words, sorted({int(n) for n in rows["number"]}, key=lambda n: (n == ALL, n))


def _limits(rows: pd.DataFrame) -> FloatArray:
    return rows[["ci_lower", "ci_upper"]].to_numpy(float)


def _draw(axes: Axes, rows: pd.DataFrame, unit: str, numbers: list[int], label: str) -> None:
    if rows.empty:
        return
    color, mark, aside = _STYLES[unit]
    at = np.array([numbers.index(int(n)) for n in rows["number"]]) + aside
    known = np.isfinite(_limits(rows)).all(axis=1)
    ends, places = _limits(rows)[known], at[known]
    bottom, top = axes.get_ylim()
    low, high = np.clip(ends, bottom, top).T
    axes.vlines(places, low, high, color, linewidth=2)
    for edge, arrow, beyond in (
        (bottom, "v", ends[:, 0] < bottom),
        (top, "^", ends[:, 1] > top),
    ):
        # An empty set of marks that is not clipped would upset the layout.
        if beyond.any():
            tips = np.full(int(beyond.sum()), edge)
            axes.plot(places[beyond], tips, arrow, color=color, clip_on=False, markersize=5)
    style: dict[str, Any] = {"color": color, "markersize": 5, "zorder": 3}
    axes.plot(at, rows["estimate"].to_numpy(float), mark, label=label, **style)


def alt_text_repeated_numbers(rows: pd.DataFrame, *, language: str = "nl") -> str:
    """Return the alternative text of :func:`repeated_numbers`."""
    words, numbers = _checked(rows, language)
    each = []
    for value in numbers:
        here = rows[rows["number"] == value].set_index("unit")
        groups = [_in_words(here.loc[u], words[str(u)], words, language) for u in here.index]
        each.append(f"{words['total'] if value == ALL else value}: {', '.join(groups)}")
    return words["alt"].format(each="; ".join(each))


def _in_words(row: pd.Series[Any], unit: str, words: dict[str, str], language: str) -> str:
    low, high, count = float(row["ci_lower"]), float(row["ci_upper"]), int(row["count"])
    alone = math.isnan(low) or math.isnan(high)
    return words["alone" if alone else "group"].format(
        unit=unit,
        value=points(float(row["estimate"]), language=language, unit=False),
        ends=limits(low, high, language),
        lists=words["one" if count == 1 else "many"].format(count=number(count, language=language)),
    )
