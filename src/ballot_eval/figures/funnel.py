"""The funnel plot of rates at polling stations."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SMALL,
    check_bounds,
    need_columns,
    new_figure,
    number_ticks,
    open_frame,
    percent_ticks,
    top_legend,
    words_for,
    wrapped,
)
from ballot_eval.formatting import number, percent

_WORDS = {
    "nl": {
        "rate": "aandeel {kind}",
        "votes": "uitgebrachte stemmen op het stembureau",
        "control": "controlegemeenten",
        "experiment": "experimentgemeenten",
        "title": "{unit}: {count} stembureaus\n{inner} buiten 95%\n{outer} buiten 99,8%",
        "centre": "aandeel van de groep",
        "other": "aandeel controlegemeenten",
        "inner": "grenzen 95%",
        "outer": "grenzen 99,8%",
        "alt": "Trechterdiagram van het aandeel {kind} tegen de stemmen per stembureau: {each}.",
        "each": "{unit} {count} stembureaus rond {rate}, waarvan {inner} buiten de grenzen van 95% "
        "en {outer} buiten die van 99,8%",
        "cut": "; {count} stembureaus liggen boven de rand",
    },
    "en": {
        "rate": "share of {kind}",
        "votes": "votes cast at the polling station",
        "control": "control municipalities",
        "experiment": "experiment municipalities",
        "title": "{unit}: {count} stations\n{inner} outside 95%\n{outer} outside 99.8%",
        "centre": "share of the group",
        "other": "share of control municipalities",
        "inner": "95% limits",
        "outer": "99.8% limits",
        "alt": "Funnel plot of the share of {kind} by votes per polling station: {each}.",
        "each": "{unit} {count} stations around {rate}, of which {inner} outside the 95% limits "
        "and {outer} outside those of 99.8%",
        "cut": "; {count} stations lie above the edge",
    },
}

_COLORS = {"control": BLUE, "experiment": ORANGE}

_STATION_COLUMNS = ("unit", "votes_cast", "rate", "limits_crossed")
_LIMIT_COLUMNS = (
    *("unit", "votes_cast", "centre"),
    *("lower_95", "upper_95", "lower_99_8", "upper_99_8"),
)

#: Of the stations, the share above the edge of the picture, where they are drawn as triangles.
CUT = 0.001


def station_funnel(
    stations: pd.DataFrame, limits: pd.DataFrame, *, kind: str = "invalid", language: str = "nl"
) -> Figure:
    """Return the funnel plot of rates by votes cast, a panel per group around its own rate.

    ``stations`` has a row per station: ``unit`` (control or experiment), ``votes_cast``, ``rate``
    as a fraction, and ``limits_crossed``: 1 outside the limits of 95%, 2 also outside those of
    99.8%, else 0. ``limits`` has curves, rows in the order of ``votes_cast``: ``unit``,
    ``votes_cast``, ``centre``, ``lower_95``, ``upper_95``, ``lower_99_8`` and ``upper_99_8``. The
    points are pixels, so that thousands of them do not make the file large. Raises ValueError for
    absent columns, no rows, another group, a group without curves, rates that are no fractions, and
    crossed limits.
    """
    words, units = _checked(stations, limits, kind, language)
    figure = new_figure(4.1)
    panels = figure.subplots(1, len(units), sharex=True, sharey=True, squeeze=False)[0]
    edge = _edge(stations)
    for axes, unit in zip(panels, units, strict=True):
        open_frame(axes)
        rows, curves = (frame[frame["unit"] == unit] for frame in (stations, limits))
        _limits(axes, curves, words)
        _points(axes, rows, unit, edge)
        axes.set_title(_title(rows, unit, words, language), fontsize=SMALL + 1, loc="left")
    if len(units) > 1:
        centre = float(limits.loc[limits["unit"] == units[0], "centre"].iloc[0])
        panels[1].axhline(centre, color=BLUE, linewidth=1, linestyle=":", label=words["other"])
    panels[0].set_ylim(-0.02 * edge, edge)
    panels[0].set_xlim(0, 1.03 * float(stations["votes_cast"].max()))
    panels[0].set_ylabel(wrapped(words["rate"]))
    percent_ticks(panels[0].yaxis, language)
    number_ticks(panels[0].xaxis, language)
    figure.supxlabel(words["votes"], fontsize=10)
    top_legend(figure, panels[-1], columns=2)
    return figure


def _checked(
    stations: pd.DataFrame, limits: pd.DataFrame, kind: str, language: str
) -> tuple[dict[str, str], list[str]]:
    """Return the words and the groups of stations that can be drawn."""
    words = words_for(_WORDS, language, kind)
    for frame, columns in ((stations, _STATION_COLUMNS), (limits, _LIMIT_COLUMNS)):
        need_columns(frame, columns)
    units = [unit for unit in _COLORS if (stations["unit"] == unit).any()]
    if not units or set(stations["unit"]) - set(_COLORS):
        raise ValueError("stations must be of a unit control or experiment")
    bare = sorted(set(units) - set(limits["unit"]))
    if bare:
        raise ValueError(f"there are no limits of {', '.join(bare)}")
    if not stations["rate"].between(0, 1).all():
        raise ValueError("the rates must be fractions")
    bounds = ("lower_99_8", "lower_95", "upper_95", "upper_99_8")
    for below, above in itertools.pairwise(bounds):
        check_bounds(limits[below].to_numpy(float), limits[above].to_numpy(float))
    return words, units


def _edge(stations: pd.DataFrame) -> float:
    """Return the largest rate that is in the picture."""
    return 1.1 * max(float(stations["rate"].quantile(1 - CUT)), 1e-4)


def _limits(axes: Axes, curves: pd.DataFrame, words: dict[str, str]) -> None:
    at = curves["votes_cast"].to_numpy(float)
    axes.plot(at, curves["centre"], color=GREY, linewidth=1, label=words["centre"])
    for name, style, label in (("95", "--", "inner"), ("99_8", "-", "outer")):
        line: dict[str, Any] = {"color": BLACK, "linestyle": style, "linewidth": 0.9, "zorder": 4}
        upper = curves[f"upper_{name}"].to_numpy(float)
        # At the smallest stations one vote is outside: there is no height to draw.
        axes.plot(at, np.where(upper > 0, upper, np.nan), label=words[label], **line)
        axes.plot(at, curves[f"lower_{name}"], **line)


def _points(axes: Axes, rows: pd.DataFrame, unit: str, edge: float) -> None:
    """Draw the stations: most of them pale, those outside the outer limits whole and larger."""
    rate, votes = rows["rate"].to_numpy(float), rows["votes_cast"].to_numpy(float)
    far, cut = rows["limits_crossed"].to_numpy() > 1, rate > edge
    # More stations, paler points: their density is what is seen.
    pale = float(np.clip(120 / len(rows), 0.12, 0.6))
    style: dict[str, Any] = {"color": _COLORS[unit], "linewidths": 0, "rasterized": True}
    inside = ~far & ~cut
    axes.scatter(votes[inside], rate[inside], s=7, alpha=pale, zorder=2, **style)
    marked = far & ~cut
    axes.scatter(votes[marked], rate[marked], s=16, zorder=3, **style)
    if cut.any():
        top = np.full(int(cut.sum()), 0.985 * edge)
        axes.scatter(votes[cut], top, s=18, marker="^", zorder=3, **style)


def _counts(rows: pd.DataFrame, language: str) -> dict[str, str]:
    """Return the number of stations and those outside either pair of limits, in words."""
    total = len(rows)
    outside = [int((rows["limits_crossed"] >= k).sum()) for k in (1, 2)]
    inner, outer = (
        f"{number(n, language=language)} ({percent(n / total, digits, language=language)})"
        for n, digits in zip(outside, (1, 2), strict=True)
    )
    return {"count": number(total, language=language), "inner": inner, "outer": outer}


def _title(rows: pd.DataFrame, unit: str, words: dict[str, str], language: str) -> str:
    return words["title"].format(unit=words[unit], **_counts(rows, language))


def alt_text_station_funnel(
    stations: pd.DataFrame, limits: pd.DataFrame, *, kind: str = "invalid", language: str = "nl"
) -> str:
    """Return the alternative text of :func:`station_funnel`."""
    words, units = _checked(stations, limits, kind, language)
    each = []
    for unit in units:
        rows = stations[stations["unit"] == unit]
        centre = float(limits.loc[limits["unit"] == unit, "centre"].iloc[0])
        rate = percent(centre, language=language)
        each.append(words["each"].format(unit=words[unit], rate=rate, **_counts(rows, language)))
    cut = int((stations["rate"] > _edge(stations)).sum())
    more = words["cut"].format(count=number(cut, language=language)) if cut else ""
    return words["alt"].format(each="; ".join(each) + more)
