"""Figures about one effect: by method, and by election.

Effects come in as fractions (0.0025) and are shown in percentage points (0,25). The figures take
finished numbers and raise ValueError for input that cannot be drawn as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    PALE,
    SMALL,
    check_bounds,
    checked_rows,
    estimate_texts,
    horizontal_intervals,
    in_language,
    limits,
    new_axes,
    points_ticks,
    span,
    top_legend,
    vectors,
    wrapped,
)
from ballot_eval.formatting import number

_METHODS = {
    "nl": {
        "axis": "effect, procentpunt",
        "primary": "hoofdmethode",
        "other": "andere methoden",
        "alt": "Stippengrafiek van het effect, in procentpunt met interval, volgens de "
        "hoofdmethode {primary}. {others}.",
        "others": "Volgens andere methoden: {each}",
        "none": "Er is geen andere methode",
    },
    "en": {
        "axis": "effect, percentage points",
        "primary": "primary method",
        "other": "other methods",
        "alt": "Dot plot of the effect, in percentage points with interval, by the primary "
        "method {primary}. {others}.",
        "others": "By other methods: {each}",
        "none": "There is no other method",
    },
}
_METHOD_COLUMNS = ("label", "estimate", "ci_lower", "ci_upper", "primary")


def methods(rows: pd.DataFrame, *, language: str = "nl") -> Figure:
    """Return a forest plot of one effect by several methods, in the order of ``rows``.

    ``rows`` has ``label``, ``estimate``, ``ci_lower``, ``ci_upper`` (fractions) and ``primary``
    (true for one row). An estimate that is NaN is written as not measured; an infinite bound ends
    in an arrow.
    """
    words = in_language(_METHODS, language)
    rows = checked_rows(rows, _METHOD_COLUMNS)
    labels = [wrapped(label) for label in rows["label"]]
    lines = sum(label.count("\n") for label in labels)
    figure, axes = new_axes(1.2 + 0.34 * len(rows) + 0.12 * lines)
    estimate, lower, upper = (rows[c].to_numpy(float) for c in ("estimate", "ci_lower", "ci_upper"))
    axes.set_xlim(*span(estimate, lower, upper))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.axvline(0, color=GREY, linewidth=1)
    at = np.arange(len(rows), dtype=float)
    primary = rows["primary"].to_numpy(bool)
    styles = ((primary, "D", ORANGE, "primary"), (~primary, "o", BLUE, "other"))
    for chosen, marker, color, role in styles:
        if chosen.any():
            horizontal_intervals(axes, at[chosen], lower[chosen], upper[chosen], color)
            axes.plot(estimate[chosen], at[chosen], marker, color=color, label=words[role])
    axes.set_yticks(at, labels)
    texts = estimate_texts(estimate, lower, upper, language)
    for row, tick in enumerate(axes.get_yticklabels()):
        weight = "bold" if primary[row] else "normal"
        tick.set_fontweight(weight)
        axes.text(
            *(1.03, at[row], texts[row]),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=SMALL,
            fontweight=weight,
        )
    axes.set_ylim(len(rows) - 0.4, -0.6)
    points_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    top_legend(figure, axes)
    return figure


def alt_text_methods(rows: pd.DataFrame, *, language: str = "nl") -> str:
    """Return the alternative text of :func:`methods`."""
    words = in_language(_METHODS, language)
    rows = checked_rows(rows, _METHOD_COLUMNS)
    made = estimate_texts(rows["estimate"], rows["ci_lower"], rows["ci_upper"], language)
    texts = [f"{label} {text}" for label, text in zip(rows["label"], made, strict=True)]
    primary = texts.pop(int(rows["primary"].to_numpy(bool).argmax()))
    others = words["others"].format(each="; ".join(texts)) if texts else words["none"]
    return words["alt"].format(primary=primary, others=others)


_EVENT_STUDY = {
    "nl": {
        "axis": "verkiezing ten opzichte van het eerste gebruik (0)",
        "named": "verkiezing",
        "effect": "effect, procentpunt",
        "before": "vóór het eerste gebruik",
        "after": "met het nieuwe stembiljet",
        "pointwise": "interval per verkiezing",
        "uniform": "band voor alle verkiezingen samen",
        "alt": "Effect per verkiezing ten opzichte van het eerste gebruik, in procentpunt met "
        "interval per verkiezing. Vóór het eerste gebruik: {before}. Met het nieuwe stembiljet: "
        "{after}. De band voor alle verkiezingen samen loopt van {uniform}.",
        "none": "geen verkiezingen",
    },
    "en": {
        "axis": "election relative to first use (0)",
        "named": "election",
        "effect": "effect, percentage points",
        "before": "before first use",
        "after": "with the new ballot",
        "pointwise": "interval per election",
        "uniform": "band for all elections together",
        "alt": "Effect by election relative to first use, in percentage points with the interval "
        "per election. Before first use: {before}. With the new ballot: {after}. The band for all "
        "elections together runs from {uniform}.",
        "none": "no elections",
    },
}


def event_study(
    periods: npt.ArrayLike,
    estimates: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    uniform_lower: npt.ArrayLike,
    uniform_upper: npt.ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    language: str = "nl",
) -> Figure:
    """Return effects by election relative to first use, with pointwise and uniform bands.

    All six are vectors of one length, the last five in fractions; ``periods`` counts from first
    use, negative before it, and ascends. Bounds may be NaN, as at a reference election.
    ``labels`` replaces the periods below the axis.
    """
    words = in_language(_EVENT_STUDY, language)
    rows = _by_election(periods, estimates, lower, upper, uniform_lower, uniform_upper)
    figure, axes = new_axes(3.6)
    before = rows["period"] < 0
    for part, color, face in ((rows[before], BLUE, "white"), (rows[~before], ORANGE, ORANGE)):
        axes.vlines(part.index, part["uniform_lower"], part["uniform_upper"], color, linewidth=1)
        for end in ("uniform_lower", "uniform_upper"):
            axes.plot(part.index, part[end], "_", color=color, markersize=9)
        axes.vlines(part.index, part["lower"], part["upper"], color, linewidth=4, alpha=0.55)
        axes.plot(part.index, part["estimate"], "o", color=color, mfc=face, zorder=3)
    axes.axhline(0, color=GREY, linewidth=1, zorder=0)
    axes.set_xlim(-0.6, len(rows) - 0.4)
    if before.any() and not before.all():
        _mark_first_use(axes, float(before.sum()) - 0.5, words["before"], words["after"])
    texts = _election_labels(rows, labels, language)
    axes.set_xticks(rows.index, [wrapped(text, 14) for text in texts])
    points_ticks(axes.yaxis, language)
    axes.set_xlabel(words["axis" if labels is None else "named"])
    axes.set_ylabel(words["effect"])
    axes.plot([], [], color=GREY, linewidth=4, label=words["pointwise"])
    axes.plot([], [], color=GREY, linewidth=1, marker="_", label=words["uniform"])
    top_legend(figure, axes)
    return figure


def _by_election(
    periods: npt.ArrayLike, estimates: npt.ArrayLike, *bounds: npt.ArrayLike
) -> pd.DataFrame:
    lower, upper, uniform_lower, uniform_upper = bounds
    period, estimate = vectors(periods=periods, estimates=estimates)
    _, *made = vectors(
        missing=True,
        periods=period,
        lower=lower,
        upper=upper,
        uniform_lower=uniform_lower,
        uniform_upper=uniform_upper,
    )
    if (np.diff(period) <= 0).any():
        raise ValueError("the periods must ascend, each only once")
    if np.isinf(made).any():
        raise ValueError("a bound is infinite")
    check_bounds(made[0], made[1])
    check_bounds(made[2], made[3])
    names = ("lower", "upper", "uniform_lower", "uniform_upper")
    columns = dict(zip(names, made, strict=True))
    return pd.DataFrame({"period": period, "estimate": estimate, **columns})


def _election_labels(
    rows: pd.DataFrame, labels: Sequence[str] | None, language: str
) -> Sequence[str]:
    if labels is None:
        digits = 0 if (rows["period"] % 1 == 0).all() else 1
        return [number(p, digits, language=language, sign=True) for p in rows["period"]]
    if len(labels) != len(rows):
        raise ValueError(f"there are {len(labels)} labels for {len(rows)} periods")
    return labels


def _mark_first_use(axes: Axes, at: float, before: str, after: str) -> None:
    axes.axvspan(axes.get_xlim()[0], at, color=PALE, zorder=-1, linewidth=0)
    axes.axvline(at, color="#333333", linewidth=1, linestyle=(0, (4, 3)))
    place: dict[str, Any] = {
        "transform": axes.get_xaxis_transform(),
        "va": "bottom",
        "fontsize": SMALL,
    }
    axes.text(at, 1.02, before + "  ", ha="right", **place)
    axes.text(at, 1.02, "  " + after, ha="left", **place)


def alt_text_event_study(
    periods: npt.ArrayLike,
    estimates: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    uniform_lower: npt.ArrayLike,
    uniform_upper: npt.ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`event_study`."""
    words = in_language(_EVENT_STUDY, language)
    rows = _by_election(periods, estimates, lower, upper, uniform_lower, uniform_upper)
    names = _election_labels(rows, labels, language)
    made = estimate_texts(rows["estimate"], rows["lower"], rows["upper"], language)
    texts = [f"{name}: {text}" for name, text in zip(names, made, strict=True)]
    first = int((rows["period"] < 0).sum())
    # An all-NaN column has no smallest value and is written as not measured.
    lowest, highest = float(rows["uniform_lower"].min()), float(rows["uniform_upper"].max())
    return words["alt"].format(
        before="; ".join(texts[:first]) or words["none"],
        after="; ".join(texts[first:]) or words["none"],
        uniform=limits(lowest, highest, language),
    )
