"""The figure of one effect under every combination of defensible choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    PALE,
    SMALL,
    FloatArray,
    checked_rows,
    in_language,
    new_figure,
    open_frame,
    points_ticks,
    span,
    top_legend,
)
from ballot_eval.formatting import number, points

_SPECIFICATIONS = {
    "nl": {
        "effect": "effect, procentpunt",
        "primary": "hoofdanalyse",
        "other": "andere keuzes, met interval",
        "alt": "Effect bij {n} combinaties van keuzes ({choices}), van laag naar hoog: van {low} "
        "tot {high} procentpunt. De hoofdanalyse geeft {primary} en staat op plaats {rank}. Bij "
        "{positive} combinaties ligt het effect boven nul, bij {apart} valt nul buiten het "
        "interval.",
        "baseline": "vergeleken met",
        "control_pool": "controlegemeenten",
        "weighting": "weging",
        "method": "methode",
        "municipality": "per gemeente",
        "ballot": "per stem",
    },
    "en": {
        "effect": "effect, percentage points",
        "primary": "primary analysis",
        "other": "other choices, with interval",
        "alt": "Effect under {n} combinations of choices ({choices}), from low to high: from {low} "
        "to {high} percentage points. The primary analysis gives {primary} and has place {rank}. "
        "Under {positive} combinations the effect lies above zero, under {apart} zero is outside "
        "the interval.",
        "baseline": "compared with",
        "control_pool": "control municipalities",
        "weighting": "weighting",
        "method": "method",
        "municipality": "per municipality",
        "ballot": "per vote",
    },
}
_COLUMNS = ("estimate", "ci_lower", "ci_upper", "primary")


def specification_curve(specifications: pd.DataFrame, *, language: str = "nl") -> Figure:
    """Return all estimates from low to high above a matrix of the choices behind each.

    ``specifications`` has ``estimate``, ``ci_lower``, ``ci_upper`` (fractions; a limit that is
    infinite is drawn as an arrow beyond the others), ``primary`` (true for one row) and, in every
    further column, a choice by name. The columns ``baseline``, ``control_pool``, ``weighting`` and
    ``method`` are written in words; other names as they are.
    """
    words = in_language(_SPECIFICATIONS, language)
    rows = _sorted_specifications(specifications)
    choices = [c for c in rows.columns if c not in _COLUMNS]
    lines = _lines(specifications[choices])
    figure = new_figure(3.0 + 0.19 * len(lines))
    heights = [2.4, 0.19 * len(lines)]
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": heights})
    at = np.arange(len(rows), dtype=float)
    size = float(np.clip(200 / len(rows), 2, 6))
    primary = rows["primary"].to_numpy(bool)
    columns = ("estimate", "ci_lower", "ci_upper")
    edges = span(*(rows[c].to_numpy(dtype=float) for c in columns), margin=0.08)
    styles = ((~primary, "o", BLUE, "other"), (primary, "D", ORANGE, "primary"))
    for chosen, marker, color, role in styles:
        some, here = rows[chosen], at[chosen]
        _intervals(above, here, some, edges, {"color": color, "linewidth": size / 3, "alpha": 0.6})
        wider = size + 2 if role == "primary" else size
        style = {"color": color, "marker": marker, "markersize": wider, "zorder": 3}
        above.plot(here, some["estimate"], linestyle="none", label=words[role], **style)
        _choice_matrix(below, lines, some, here, style)
    above.axhline(0, color=GREY, linewidth=1, zorder=0)
    for axes in (above, below):
        axes.axvline(at[primary][0], color=ORANGE, linewidth=0.8, alpha=0.6, zorder=0)
        open_frame(axes)
    above.tick_params(bottom=False)
    points_ticks(above.yaxis, language)
    above.set_ylabel(words["effect"])
    _label_choices(below, lines, words)
    top_legend(figure, above)
    return figure


def _intervals(
    axes: Axes,
    at: FloatArray,
    rows: pd.DataFrame,
    edges: tuple[float, float],
    style: dict[str, Any],
) -> None:
    """Draw the intervals, with an arrowhead where one goes on beyond the edge."""
    lower, upper = (rows[c].to_numpy(dtype=float) for c in ("ci_lower", "ci_upper"))
    axes.vlines(at, np.maximum(lower, edges[0]), np.minimum(upper, edges[1]), **style)
    for limit, edge, marker in ((lower, edges[0], "v"), (upper, edges[1], "^")):
        here = at[np.isinf(limit)]
        points_at = np.full(len(here), edge)
        axes.plot(here, points_at, linestyle="none", marker=marker, markersize=4, **style)


def _sorted_specifications(specifications: pd.DataFrame) -> pd.DataFrame:
    rows = checked_rows(specifications, _COLUMNS)
    if len(rows.columns) == len(_COLUMNS):
        raise ValueError("the specifications name no choices")
    if not np.isfinite(rows["estimate"]).all() or rows[["ci_lower", "ci_upper"]].isna().any(
        axis=None
    ):
        raise ValueError("a specification has an estimate that is not finite or no bound")
    return rows.sort_values("estimate", kind="stable", ignore_index=True)


def _lines(choices: pd.DataFrame) -> list[tuple[str, object]]:
    """Return the lines of the matrix: each choice as a heading (None), then what was chosen."""
    made: list[tuple[str, object]] = []
    for name in choices:
        made += [(str(name), None), *((str(name), level) for level in choices[name].unique())]
    return made


def _choice_matrix(
    axes: Axes,
    lines: list[tuple[str, object]],
    choices: pd.DataFrame,
    at: FloatArray,
    style: dict[str, Any],
) -> None:
    for line, (name, level) in enumerate(lines):
        if level is not None:
            here = at[(choices[name] == level).to_numpy()]
            axes.plot(here, np.full(len(here), line), linestyle="none", **style)


def _label_choices(axes: Axes, lines: list[tuple[str, object]], words: Mapping[str, str]) -> None:
    texts = [name if level is None else str(level) for name, level in lines]
    axes.set_yticks(range(len(lines)), [words.get(text, text) for text in texts], fontsize=SMALL)
    for line, (tick, (_, level)) in enumerate(zip(axes.get_yticklabels(), lines, strict=True)):
        if level is None:
            tick.set_fontweight("bold")
        else:
            axes.axhline(line, color=PALE, linewidth=0.8, zorder=-1)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_xticks([])
    axes.tick_params(left=False)
    axes.spines[["left", "bottom"]].set_visible(False)


def alt_text_specification_curve(specifications: pd.DataFrame, *, language: str = "nl") -> str:
    """Return the alternative text of :func:`specification_curve`."""
    words = in_language(_SPECIFICATIONS, language)
    rows = _sorted_specifications(specifications)
    choices = [str(c) for c in rows.columns if c not in _COLUMNS]
    estimates = rows["estimate"]
    rank = int(rows["primary"].to_numpy(bool).argmax())
    apart = ((rows["ci_lower"] > 0) | (rows["ci_upper"] < 0)).sum()
    low, high = (
        points(float(v), language=language, unit=False) for v in (estimates.min(), estimates.max())
    )
    return words["alt"].format(
        n=number(len(rows), language=language),
        choices=", ".join(words.get(c, c) for c in choices),
        low=low,
        high=high,
        primary=points(float(estimates[rank]), language=language),
        rank=number(rank + 1, language=language),
        positive=number((estimates > 0).sum(), language=language),
        apart=number(apart, language=language),
    )
