"""The figure of one municipality: its rate at every election, against the band of the controls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    PALE,
    SMALL,
    check_bounds,
    need_columns,
    new_axes,
    percent_ticks,
    top_legend,
    words_for,
    wrapped,
)
from ballot_eval.formatting import interval, percent

_HISTORY = {
    "nl": {
        "rate": "aandeel {kind}",
        "band": "controles: middelste 90%",
        "median": "controles: mediaan",
        "old": "oud stembiljet",
        "new": "nieuw stembiljet",
        "alt": "Lijngrafiek van het aandeel {kind} in {name} per verkiezing, naast de middelste "
        "90% van de controlegemeenten: {each}.",
        "each": "{election} {ballot} {rate}",
        "unknown": "{election} {ballot} niet gemeten",
        "controls": " (controlegemeenten {band})",
    },
    "en": {
        "rate": "share of {kind}",
        "band": "controls: middle 90%",
        "median": "controls: median",
        "old": "old ballot",
        "new": "new ballot",
        "alt": "Line chart of the share of {kind} in {name} by election, beside the middle 90% of "
        "the control municipalities: {each}.",
        "each": "{election} {ballot} {rate}",
        "unknown": "{election} {ballot} not measured",
        "controls": " (control municipalities {band})",
    },
}

_COLUMNS = (
    *("election", "new_ballot", "rate", "ci_lower", "ci_upper"),
    *("control_lower", "control_median", "control_upper"),
)

#: Colour and mark of a municipality's rate with each ballot.
_BALLOTS = {"old": (BLUE, "o"), "new": (ORANGE, "D")}


def municipality_history(
    rows: pd.DataFrame, name: str, *, kind: str = "invalid", language: str = "nl"
) -> Figure:
    """Return the rate of one municipality at every election, above the band of the controls.

    ``rows`` has a row per election in order of date: ``election``, ``new_ballot`` (whether this
    municipality had it), ``rate`` with ``ci_lower`` and ``ci_upper``, and ``control_lower``,
    ``control_median`` and ``control_upper``, quantiles of the rates of the controls; fractions,
    NaN where not known. ``name`` is that of the municipality, for the alternative text, and
    ``kind`` the outcome. Raises ValueError for absent columns, no rows, no known rate, and rates
    or limits that are no fractions or are crossed.
    """
    words = _checked(rows, name, kind, language)
    figure, axes = new_axes(1.8)
    at = np.arange(len(rows))
    band = rows[["control_lower", "control_median", "control_upper"]].to_numpy(float)
    # A step per election: between two elections there is no rate.
    low, middle, high = band[~np.isnan(band[:, 1])].T
    where = at[~np.isnan(band[:, 1])]
    if len(where):
        axes.hlines(middle, where - 0.35, where + 0.35, GREY, label=words["median"])
        style: dict[str, Any] = {"color": PALE, "zorder": 0, "label": words["band"]}
        axes.bar(where, high - low, 0.7, low, **style)
    rate = rows["rate"].to_numpy(float)
    known = ~np.isnan(rate)
    axes.plot(at[known], rate[known], color=GREY, linewidth=0.8, zorder=1)
    new = rows["new_ballot"].to_numpy(bool)
    limits = rows[["ci_lower", "ci_upper"]].to_numpy(float)
    for ballot, chosen in (("old", ~new & known), ("new", new & known)):
        if not chosen.any():
            continue
        color, mark = _BALLOTS[ballot]
        ends = chosen & ~np.isnan(limits).any(axis=1)
        axes.vlines(at[ends], limits[ends, 0], limits[ends, 1], color, linewidth=2)
        style = {"color": color, "markersize": 6, "zorder": 3}
        axes.plot(at[chosen], rate[chosen], mark, label=words[ballot], **style)
    axes.set_xticks(at, list(rows["election"]))
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.set_ylim(0, None)
    percent_ticks(axes.yaxis, language)
    axes.set_ylabel(wrapped(words["rate"], 20))
    top_legend(figure, axes, columns=4)
    return figure


def _checked(rows: pd.DataFrame, name: str, kind: str, language: str) -> dict[str, str]:
    words = words_for(_HISTORY, language, kind)
    need_columns(rows, _COLUMNS)
    if not name:
        raise ValueError("the municipality has no name")
    if rows["rate"].isna().all():
        raise ValueError("no rate of the municipality is known")
    numbers = rows[list(_COLUMNS[2:])].to_numpy(float)
    given = numbers[~np.isnan(numbers)]
    if (given < 0).any() or (given > 1).any():
        raise ValueError("the rates must be fractions")
    for low, high in (
        ("ci_lower", "rate"),
        ("rate", "ci_upper"),
        ("control_lower", "control_median"),
        ("control_median", "control_upper"),
    ):
        check_bounds(rows[low].to_numpy(float), rows[high].to_numpy(float))
    return words


def alt_text_municipality_history(
    rows: pd.DataFrame, name: str, *, kind: str = "invalid", language: str = "nl"
) -> str:
    """Return the alternative text of :func:`municipality_history`."""
    words = _checked(rows, name, kind, language)
    each = []
    for row in rows.to_dict("records"):
        known = not math.isnan(row["rate"])
        text = words["each" if known else "unknown"].format(
            election=row["election"],
            ballot=words["new" if row["new_ballot"] else "old"],
            rate=percent(row["rate"], language=language),
        )
        if not math.isnan(row["control_lower"]):
            band = interval(row["control_lower"], row["control_upper"], language=language)
            text += words["controls"].format(band=band)
        each.append(text)
    return words["alt"].format(name=name, each="; ".join(each))
