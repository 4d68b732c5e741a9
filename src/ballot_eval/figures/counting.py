"""The figure of the work that a count takes: person-minutes per 100 ballots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLACK,
    SMALL,
    FloatArray,
    horizontal_intervals,
    in_language,
    need_columns,
    new_axes,
    vectors,
    wrapped,
)
from ballot_eval.figures.times import (
    INK,
    STYLES,
    Estimate,
    check_estimate,
    plain_log_axis,
    with_interval,
)
from ballot_eval.formatting import NOT_MEASURED, number

_RATES = {
    "nl": {
        "axis": "persoonsminuten per 100 stembiljetten (logaritmische schaal)",
        "new": "nieuw (n = {n})",
        "old": "oud (n = {n})",
        "median": "mediaan",
        "unfinished": "▷ telling niet afgerond: ten minste zoveel",
        "alt": "Stippengrafiek van de persoonsminuten per 100 stembiljetten, een stip per "
        "telling, met de mediaan en het interval: {each}.",
        "each": "{kind}, {ballot} {median}",
        "alt_unfinished": " Van {n} tellingen is het eind niet waargenomen.",
    },
    "en": {
        "axis": "person-minutes per 100 ballots (logarithmic scale)",
        "new": "new (n = {n})",
        "old": "old (n = {n})",
        "median": "median",
        "unfinished": "▷ count not finished: at least this much",
        "alt": "Dot plot of the person-minutes per 100 ballots, one dot per count, with the "
        "median and its interval: {each}.",
        "each": "{kind}, {ballot} {median}",
        "alt_unfinished": " The end of {n} counts was not observed.",
    },
}


#: Characters on one line of a heading above dots.
HEADING = 44


class _Group(NamedTuple):
    kind: str
    ballot: str
    rates: FloatArray
    finished: npt.NDArray[np.bool_]
    median: Estimate


def counting_rates(
    rates: pd.DataFrame, medians: pd.DataFrame | None = None, *, language: str = "nl"
) -> Figure:
    """Return the person-minutes per 100 ballots of every count, by kind of count and ballot.

    ``rates`` has a row per count: ``kind`` (as it is to be written; the order of first mention is
    kept), ``ballot`` ("new" or "old"), ``rate`` (positive) and, if there are unfinished counts,
    ``finished`` (booleans; a rate that is not finished is a lower bound, drawn as a triangle).
    ``medians`` has ``kind``, ``ballot``, ``median``, ``lower`` and ``upper``, NaN where not
    estimated; without it the plain medians are marked, which only finished counts allow.
    """
    words = in_language(_RATES, language)
    groups = _groups(rates, medians)
    at, headings = _rows(groups)
    figure, axes = new_axes(0.7 + 0.36 * (1 - min(at)))
    axes.set_xscale("log")
    shown = np.concatenate([np.r_[g.rates, g.median] for g in groups])
    shown = shown[np.isfinite(shown) & (shown > 0)]
    pad = max(float(np.ptp(np.log(shown))), 0.5) * 0.04
    axes.set_xlim(shown.min() / math.exp(pad), shown.max() * math.exp(pad))
    rng = np.random.default_rng(0)
    for row, group in zip(at, groups, strict=True):
        _draw_rates(axes, row, group, rng)
        text = _median_text(group, groups, language)
        beside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
        axes.text(1.04, row, text, fontsize=SMALL, **beside)
    _label_rows(axes, at, headings, groups, words, language)
    plain_log_axis(axes.xaxis, *axes.get_xlim(), language)
    below = words["axis"]
    if any(not g.finished.all() for g in groups):
        below += "\n" + words["unfinished"]
    axes.set_xlabel(below)
    return figure


def _groups(rates: pd.DataFrame, medians: pd.DataFrame | None) -> list[_Group]:
    need_columns(rates, ["kind", "ballot", "rate"], "the rates")
    if medians is not None:
        need_columns(medians, ["kind", "ballot", "median", "lower", "upper"], "the medians")
    if rates.empty:
        raise ValueError("there is no rate to draw")
    unknown = set(rates["ballot"]) - {"new", "old"}
    if unknown:
        raise ValueError(f"a ballot must be new or old, not {', '.join(map(str, unknown))}")
    (values,) = vectors(rate=rates["rate"].to_numpy(float))
    if (values <= 0).any():
        raise ValueError("a rate is not positive")
    ended = rates["finished"].to_numpy(bool) if "finished" in rates else np.ones(len(rates), bool)
    if medians is None and not ended.all():
        raise ValueError("some counts are not finished: give medians that allow for that")
    made = []
    for kind in dict.fromkeys(rates["kind"]):
        for ballot in ("new", "old"):
            here = ((rates["kind"] == kind) & (rates["ballot"] == ballot)).to_numpy()
            if here.any():
                median = _median(medians, kind, ballot, values[here])
                made.append(_Group(str(kind), ballot, values[here], ended[here], median))
    return made


def _median(medians: pd.DataFrame | None, kind: str, ballot: str, values: FloatArray) -> Estimate:
    if medians is None:
        return float(np.median(values)), math.nan, math.nan
    row = medians[(medians["kind"] == kind) & (medians["ballot"] == ballot)]
    if len(row) != 1:
        raise ValueError(f"{kind}, {ballot} must have one row of medians, not {len(row)}")
    median, lower, upper = row[["median", "lower", "upper"]].to_numpy(float)[0].tolist()
    check_estimate(f"the median of {kind}, {ballot}", (median, lower, upper))
    return median, lower, upper


def _rows(groups: list[_Group]) -> tuple[list[float], dict[str, float]]:
    """Return the height of every group and, above its first, that of the heading of its kind."""
    at: list[float] = []
    headings: dict[str, float] = {}
    here = 0.0
    for group in groups:
        if group.kind not in headings:
            more = 0.42 * wrapped(group.kind, HEADING).count("\n")
            headings[group.kind] = here - more / 2
            here -= 0.85 + more
        at.append(here)
        here -= 1
    return at, headings


def _draw_rates(axes: Axes, row: float, group: _Group, rng: np.random.Generator) -> None:
    color = STYLES[group.ballot][0]
    heights = row + rng.uniform(-0.3, 0.3, len(group.rates))
    done, size = group.finished, 4.0 if len(group.rates) < 100 else 2.5
    dots: dict[str, Any] = {"markersize": size, "alpha": 0.5, "markeredgewidth": 0}
    axes.plot(group.rates[done], heights[done], "o", color=color, **dots)
    open_dots: dict[str, Any] = {"markersize": size + 2, "mfc": "white", "markeredgewidth": 0.9}
    axes.plot(group.rates[~done], heights[~done], ">", color=color, zorder=3, **open_dots)
    median, low, high = group.median
    horizontal_intervals(axes, row, low, high, BLACK)
    if not math.isnan(median):
        axes.plot(median, row, "D", color=BLACK, mfc="white", markersize=6, zorder=4)


def _median_text(group: _Group, groups: list[_Group], language: str) -> str:
    """Return the median with its interval, with a decimal if any median is below 20."""
    if math.isnan(group.median[0]):
        return NOT_MEASURED[language]
    return with_interval(*group.median, int(any(g.median[0] < 20 for g in groups)), language)


def _label_rows(
    axes: Axes,
    at: list[float],
    headings: Mapping[str, float],
    groups: list[_Group],
    words: Mapping[str, str],
    language: str,
) -> None:
    names = [words[g.ballot].format(n=number(len(g.rates), language=language)) for g in groups]
    axes.set_yticks(at, names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "center"}
    for kind, height in headings.items():
        axes.text(0, height, wrapped(kind, HEADING), fontweight="bold", fontsize=9, **place)
    axes.text(1.04, at[0] + 0.5, words["median"], color=INK, fontsize=SMALL, **place)
    axes.set_ylim(min(at) - 0.55, 0.4)


def alt_text_counting_rates(
    rates: pd.DataFrame, medians: pd.DataFrame | None = None, *, language: str = "nl"
) -> str:
    """Return the alternative text of :func:`counting_rates`."""
    words = in_language(_RATES, language)
    groups = _groups(rates, medians)
    each = []
    for group in groups:
        ballot = words[group.ballot].format(n=number(len(group.rates), language=language))
        median = _median_text(group, groups, language)
        each.append(words["each"].format(kind=group.kind, ballot=ballot, median=median))
    text = words["alt"].format(each="; ".join(each))
    unfinished = sum(int((~g.finished).sum()) for g in groups)
    if unfinished:
        text += words["alt_unfinished"].format(n=number(unfinished, language=language))
    return text
