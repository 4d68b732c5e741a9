"""The figure of the reasons for which votes are invalid, by municipality."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    SMALL,
    FloatArray,
    in_language,
    ink_on,
    need_columns,
    new_axes,
    percent_ticks,
)
from ballot_eval.formatting import number, percent
from ballot_eval.schema.marking import INVALID_REASONS

#: Reasons of the design in oranges, general ones in blues, what is not settled in grey; within a
#: hue from dark to light, so that grey print keeps them apart.
COLORS = {
    "several_parties": "#8A3B00",
    "number_without_party": "#D55E00",
    "number_above_list": "#F5B37A",
    "several_numbers": "#8C8C8C",
    "writing": "#003A5D",
    "other_colour": "#0072B2",
    "identifying_mark": "#62ACD6",
    "other": "#BBDCF0",
    "without_reason": "#FFFFFF",
}

_WORDS = {
    "nl": {
        "axis": "aandeel van de ongeldige stemmen",
        "without_reason": "zonder opgegeven reden",
        "design": "stembiljet",
        "unsettled": "onzeker",
        "alt": "Gestapelde balken van de redenen van ongeldigheid, als aandeel van de ongeldige "
        "stemmen: {each}.",
        "each": "{unit} ({count} ongeldige stemmen, {rate} van de uitgebrachte): {parts}",
    },
    "en": {
        "axis": "share of invalid votes",
        "without_reason": "no reason given",
        "design": "ballot",
        "unsettled": "unsettled",
        "alt": "Stacked bars of the reasons of invalidity, as shares of the invalid votes: {each}.",
        "each": "{unit} ({count} invalid votes, {rate} of votes cast): {parts}",
    },
}

#: Share of the width of the page on the right of the bars.
MARGIN = 0.36

#: Narrower segments hold no number.
NARROWEST = 0.1

_COLUMNS = ("unit", "level", "votes", "rate")


def invalid_reasons(reasons: pd.DataFrame, *, language: str = "nl") -> Figure:
    """Return a stacked bar per unit of its invalid votes by reason.

    ``reasons`` has a row per unit and reason: ``unit`` (as it is to be written), ``level`` (the
    code of a reason, or ``without_reason``), ``votes`` and ``rate`` (the unit's invalid votes as a
    fraction of votes cast). The first unit, all together, stays on top; the others are sorted by
    their share of reasons of the design. Raises ValueError for absent columns, no votes, unknown
    or repeated reasons, and negative votes.
    """
    words = in_language(_WORDS, language)
    shares, totals = _checked(reasons)
    rows = [name for name in COLORS if name in shares.columns and shares[name].any()]
    header = 0.62 * len(rows) + 0.7
    figure, axes = new_axes(0.55 + 0.29 * (len(shares) + header))
    # The names above the bars run into the margin on the right.
    figure.set_layout_engine("constrained", rect=(0, 0, 1 - MARGIN, 1))
    axes.set_ylim(len(shares) - 0.5, -header)
    axes.set_xlim(0, 1)
    axes.spines["left"].set_visible(False)
    left = np.zeros(len(shares))
    for place, level in enumerate(rows):
        width = shares[level].to_numpy(float)
        _segments(axes, level, left, width, language)
        label = f"{_name(level, words, language)} {percent(width[0], 0, language=language)}"
        _label(axes, float(left[0] + width[0] / 2), 0.62 * (place - len(rows)) - 0.35, label)
        left = left + width
    axes.set_yticks(range(len(shares)), list(shares.index))
    axes.tick_params(axis="y", length=0)
    axes.get_yticklabels()[0].set_fontweight("bold")
    for y, unit in enumerate(shares.index):
        count, rate = totals["votes"].loc[unit], totals["rate"].loc[unit]
        text = f"{number(count, language=language)} ({percent(rate, language=language)})"
        axes.text(1.02, y, text, fontsize=SMALL, va="center", in_layout=False)
    percent_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"], fontsize=9)
    return figure


def _checked(reasons: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return shares (a row per unit, a column per reason) and totals of reasons to be drawn."""
    need_columns(reasons, _COLUMNS, "the reasons")
    unknown = sorted(set(reasons["level"]) - set(COLORS))
    if unknown:
        raise ValueError(f"there is no colour for {', '.join(unknown)}")
    if reasons.duplicated(["unit", "level"]).any():
        raise ValueError("a reason is given twice for a unit")
    if not (reasons["votes"] >= 0).all():
        raise ValueError("votes must be zero or more")
    totals = reasons.groupby("unit", sort=False).agg({"votes": "sum", "rate": "first"})
    totals = totals[totals["votes"] > 0]
    if totals.empty:
        raise ValueError("there are no invalid votes to draw")
    wide = reasons.pivot_table("votes", "unit", "level", "sum", fill_value=0)
    shares = wide.loc[totals.index].div(totals["votes"], axis=0)
    design = [r.code for r in INVALID_REASONS if r.kind == "design" and r.code in shares.columns]
    others = shares.iloc[1:][design].sum(axis=1).sort_values(ascending=False, kind="stable")
    return shares.loc[[shares.index[0], *others.index]], totals


def _segments(
    axes: Axes,
    level: str,
    left: FloatArray,
    width: FloatArray,
    language: str,
) -> None:
    edge = "#595959" if level == "without_reason" else "white"
    style: dict[str, Any] = {"color": COLORS[level], "edgecolor": edge, "linewidth": 0.7}
    axes.barh(np.arange(len(width)), width, left=left, height=0.74, **style)
    color = ink_on(COLORS[level])
    for y in np.flatnonzero(width >= NARROWEST).tolist():
        text = percent(float(width[y]), 0, language=language)
        middle = float(left[y] + width[y] / 2)
        axes.text(middle, y, text, color=color, fontsize=SMALL, ha="center", va="center")


def _label(axes: Axes, x: float, y: float, text: str) -> None:
    """Write the name of a segment of the first bar on a line of its own, tied to its middle."""
    axes.vlines(x, y, -0.37, color="#595959", linewidth=0.7)
    axes.text(x + 0.008, y, text, fontsize=SMALL, va="center", in_layout=False)


def _name(level: str, words: dict[str, str], language: str) -> str:
    """Return the words for a reason, and of what kind it is unless it is general."""
    for reason in INVALID_REASONS:
        if reason.code == level:
            name = reason.nl if language == "nl" else reason.en
            return name if reason.kind == "general" else f"{name} ({words[reason.kind]})"
    return words[level]


def alt_text_invalid_reasons(reasons: pd.DataFrame, *, language: str = "nl") -> str:
    """Return the alternative text of :func:`invalid_reasons`."""
    words = in_language(_WORDS, language)
    shares, totals = _checked(reasons)
    each = []
    for unit, row in shares.iterrows():
        parts = [
            f"{_name(level, words, language)} {percent(float(row[level]), 0, language=language)}"
            for level in COLORS
            if level in row.index and row[level] > 0
        ]
        count, rate = totals["votes"].loc[str(unit)], totals["rate"].loc[str(unit)]
        each.append(
            words["each"].format(
                unit=unit,
                count=number(count, language=language),
                rate=percent(rate, language=language),
                parts=", ".join(parts),
            )
        )
    return words["alt"].format(each="; ".join(each))
