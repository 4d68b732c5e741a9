"""Figures of surveys: answers from unfavourable to favourable, and differences between ballots.

Shares come in as fractions; a share that may not be published is NaN and is drawn as such.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import blended_transform_factory

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    SMALL,
    check_bounds,
    horizontal_intervals,
    in_language,
    ink_on,
    new_axes,
    points_ticks,
    span,
    top_legend,
    vectors,
    wrapped,
)
from ballot_eval.formatting import number, percent, points

FloatArray = npt.NDArray[np.float64]

#: Light end of both sides, and the middle answer.
_LIGHT_ORANGE, _LIGHT_BLUE, _MIDDLE = "#F6C9A8", "#B5D5E8", "#E3E3E3"

#: Narrowest segment in which its percentage still fits.
_FITS = 0.055

#: Heights in the units of one bar: a line of the question, of the end labels, and the space below.
_LINE, _ENDS, _SPACE = 0.62, 0.47, 0.58

_ANSWERS = {
    "nl": {
        "least": "ongunstigste antwoord",
        "most": "gunstigste antwoord",
        "middle": "middelste antwoord",
        "n": "{group} (n = {n})",
        "hidden": "niet getoond: te weinig antwoorden",
        "favourable": "gunstig",
        "alt": "Staafdiagram van antwoorden, van ongunstig naar gunstig. {each}",
        "alt_question": "{question}: {groups}.",
        "alt_group": "{group} {shares}",
        "alt_ends": "van ‘{least}’ tot ‘{most}’ {shares}",
        "and": " en ",
    },
    "en": {
        "least": "least favourable answer",
        "most": "most favourable answer",
        "middle": "middle answer",
        "n": "{group} (n = {n})",
        "hidden": "not shown: too few answers",
        "favourable": "favourable",
        "alt": "Bar chart of answers, from unfavourable to favourable. {each}",
        "alt_question": "{question}: {groups}.",
        "alt_group": "{group} {shares}",
        "alt_ends": "from ‘{least}’ to ‘{most}’ {shares}",
        "and": " and ",
    },
}


class _Answers:
    """Checked input: questions (q,), ends (q,) of two texts, groups (g,), shares (q, g, k)."""

    def __init__(
        self,
        questions: Sequence[str],
        ends: Sequence[tuple[str, str]],
        groups: Sequence[str],
        shares: npt.ArrayLike,
        n: npt.ArrayLike,
    ) -> None:
        self.questions, self.ends, self.groups = list(questions), list(ends), list(groups)
        self.shares = np.asarray(shares, dtype=float)
        self.n = np.asarray(n, dtype=float)
        shape = (len(self.questions), len(self.groups))
        if not all(shape) or self.shares.ndim != 3 or self.shares.shape[:2] != shape:
            raise ValueError(f"shares must have the shape {shape} and the answers")
        if self.n.shape != shape or len(self.ends) != shape[0]:
            raise ValueError("n and ends must fit the questions and groups")
        if not 2 <= self.shares.shape[2] <= 7:
            raise ValueError("a question must have 2 to 7 answers")
        known = ~np.isnan(self.shares).any(axis=2)
        if not known.any():
            raise ValueError("every bar is hidden")
        bars = self.shares[known]
        if (bars < 0).any() or not np.allclose(bars.sum(axis=1), 1, atol=1e-3):
            raise ValueError("the shares of a bar must not be negative and add up to 1")

    def left(self) -> FloatArray:
        """Return how far each bar (q, g) reaches to the left: unfavourable, and half the middle."""
        k = self.shares.shape[2]
        below = self.shares[:, :, : k // 2].sum(axis=2)
        result: FloatArray = below + (self.shares[:, :, k // 2] / 2 if k % 2 else 0.0)
        return result


def survey_answers(
    questions: Sequence[str],
    ends: Sequence[tuple[str, str]],
    groups: Sequence[str],
    shares: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    language: str = "nl",
) -> Figure:
    """Return diverging stacked bars: unfavourable answers to the left, favourable to the right.

    ``questions`` (q,) with the labels ``ends`` of the first and the last answer, ``groups`` (g,),
    ``shares`` (q, g, k) of the k answers from least to most favourable, and respondents ``n``
    (q, g). A bar with a NaN is hidden. The middle of an odd number of answers lies across zero.
    Raises ValueError for shapes that do not fit, shares that do not add up to 1, and when every
    bar is hidden.
    """
    words = in_language(_ANSWERS, language)
    made = _Answers(questions, ends, groups, shares, n)
    headers = [wrapped(question, 74) for question in made.questions]
    tops, height = _tops(headers, len(made.groups))
    figure, axes = new_axes(0.5 + 0.29 * height)
    axes.spines[["left", "bottom"]].set_visible(False)
    left = float(np.nanmax(made.left()))
    right = float(np.nanmax(1 - made.left()))
    axes.set_xlim(-left - 0.02, right + 0.02)
    axes.set_ylim(height, 0)
    for q, header in enumerate(headers):
        # Over the whole width; where the bars are follows from their labels alone.
        whole = blended_transform_factory(figure.transFigure, axes.transData)
        title = axes.text(0.01, tops[q], header, va="top", fontsize=9, fontweight="bold")
        title.set(transform=whole, in_layout=False)
        first = tops[q] + _LINE * (header.count("\n") + 1) + 0.5
        axes.vlines(0, first - 0.45, first + len(made.groups) - 0.55, GREY, linewidth=0.8, zorder=0)
        for g in range(len(made.groups)):
            _bar(axes, made, q, g, first + g, language)
        foot = first + len(made.groups) - 0.42
        style: dict[str, Any] = {"va": "top", "fontsize": SMALL, "color": "#555555"}
        axes.text(-left, foot, f"← {made.ends[q][0]}", ha="left", **style)
        axes.text(right, foot, f"{made.ends[q][1]} →", ha="right", **style)
    axes.set_yticks(*_ticks(made, headers, tops, words, language))
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    _answer_legend(axes, made.shares.shape[2], words)
    top_legend(figure, axes, columns=3)
    return figure


def _tops(headers: Sequence[str], groups: int) -> tuple[list[float], float]:
    """Return where every block starts, and the height of all."""
    tops, at = [], 0.0
    for header in headers:
        tops.append(at)
        at += _LINE * (header.count("\n") + 1) + groups + _ENDS + _SPACE
    return tops, at - _SPACE


def _ticks(
    made: _Answers,
    headers: Sequence[str],
    tops: Sequence[float],
    words: dict[str, str],
    language: str,
) -> tuple[list[float], list[str]]:
    at, labels = [], []
    for q, header in enumerate(headers):
        for g, group in enumerate(made.groups):
            at.append(tops[q] + _LINE * (header.count("\n") + 1) + 0.5 + g)
            n = made.n[q, g]
            text = words["n"].format(group=group, n=number(n, 0, language=language))
            labels.append(group if math.isnan(n) else text)
    return at, labels


def _bar(axes: Axes, made: _Answers, q: int, g: int, at: float, language: str) -> None:
    """Draw one bar with the percentages that fit, and the favourable side as a sum."""
    shares = made.shares[q, g]
    low, high = axes.get_xlim()
    if np.isnan(shares).any():
        words = in_language(_ANSWERS, language)
        axes.add_patch(
            Rectangle(
                (low / 2, at - 0.36), (high - low) / 2, 0.72, fill=False, hatch="////", ec="#BBBBBB"
            )
        )
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        where = low / 2 + (high - low) / 4
        axes.text(where, at, words["hidden"], ha="center", va="center", fontsize=SMALL, bbox=box)
        return
    start = -float(made.left()[q, g])
    for share, color in zip(shares, _colors(len(shares)), strict=True):
        axes.barh(at, share, 0.72, start, color=color, edgecolor="white", linewidth=0.6)
        if share >= _FITS:
            text = percent(share, 0, language=language)
            middle = start + share / 2
            axes.text(
                middle, at, text, ha="center", va="center", fontsize=SMALL, color=ink_on(color)
            )
        start += share


def _colors(k: int) -> list[tuple[float, float, float]]:
    """Return k colours from the unfavourable to the favourable side."""
    half = k // 2

    def side(strong: str, light: str) -> list[tuple[float, float, float]]:
        ends = np.array([to_rgb(strong), to_rgb(light)])
        steps = np.linspace(0, 1, half) if half > 1 else np.zeros(1)
        mixed = ends[0] + steps[:, None] * (ends[1] - ends[0])
        return [(float(r), float(g), float(b)) for r, g, b in mixed]

    middle = [to_rgb(_MIDDLE)] if k % 2 else []
    return [*side(ORANGE, _LIGHT_ORANGE), *middle, *side(BLUE, _LIGHT_BLUE)[::-1]]


def _answer_legend(axes: Axes, k: int, words: dict[str, str]) -> None:
    colors = _colors(k)
    named = [(colors[0], "least"), (colors[-1], "most")]
    if k % 2:
        named.insert(1, (colors[k // 2], "middle"))
    for color, name in named:
        axes.add_patch(Rectangle((0, -5), 0, 0, facecolor=color, label=words[name]))


def alt_text_survey_answers(
    questions: Sequence[str],
    ends: Sequence[tuple[str, str]],
    groups: Sequence[str],
    shares: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`survey_answers`."""
    words = in_language(_ANSWERS, language)
    made = _Answers(questions, ends, groups, shares, n)
    each = []
    for q, question in enumerate(made.questions):
        parts = []
        for g, group in enumerate(made.groups):
            bar = made.shares[q, g]
            if np.isnan(bar).any():
                shown = words["hidden"]
            else:
                texts = ", ".join(percent(v, 0, language=language) for v in bar)
                least, most = made.ends[q]
                shown = words["alt_ends"].format(least=least, most=most, shares=texts)
            parts.append(words["alt_group"].format(group=group, shares=shown))
        text = words["alt_question"].format(
            question=question.rstrip("?. "), groups=words["and"].join(parts)
        )
        each.append(text)
    return words["alt"].format(each=" ".join(each))


_DIFFERENCES = {
    "nl": {
        "axis": "nieuw min oud stembiljet, procentpunt",
        "clear": "verschil aangetoond, alle vragen samen genomen",
        "unclear": "geen verschil aangetoond",
        "stations": "als alleen stembureaus verschilden",
        "hidden": "niet getoond",
        "alt": "Stippengrafiek van verschillen tussen het nieuwe en het oude stembiljet, in "
        "procentpunt met interval. {each}.",
    },
    "en": {
        "axis": "new less old ballot, percentage points",
        "clear": "difference found, all questions taken together",
        "unclear": "no difference found",
        "stations": "if only polling stations differed",
        "hidden": "not shown",
        "alt": "Dot plot of differences between the new and the old ballot, in percentage points "
        "with interval. {each}.",
    },
}


def _differences(
    labels: Sequence[str],
    estimates: npt.ArrayLike,
    bounds: Sequence[npt.ArrayLike],
    clear: npt.ArrayLike,
) -> tuple[list[FloatArray], npt.NDArray[np.bool_]]:
    """Return estimates and bounds (r,), and which rows are clear; checked."""
    named = {f"bound {i}": bound for i, bound in enumerate(bounds)}
    made = vectors(missing=True, estimates=estimates, **named)
    found = np.asarray(clear)
    if found.shape != made[0].shape or found.dtype != bool or len(labels) != len(made[0]):
        raise ValueError("labels and clear (true or false) must be as long as the estimates")
    if not np.isfinite(made[0]).any():
        raise ValueError("every row is hidden")
    for low, high in zip(made[1::2], made[2::2], strict=True):
        check_bounds(low, high)
    return made, found


def survey_differences(
    labels: Sequence[str],
    estimates: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    clear: npt.ArrayLike,
    stations_lower: npt.ArrayLike,
    stations_upper: npt.ArrayLike,
    *,
    language: str = "nl",
) -> Figure:
    """Return differences in shares (r,) with intervals, one row per question.

    ``clear`` (r,) says where a difference was found with all questions taken together; these dots
    are filled. The thin line is the interval (r,) with polling stations as clusters. A NaN
    estimate is hidden. Raises ValueError for vectors that do not fit, crossed bounds, and when
    every row is hidden.
    """
    words = in_language(_DIFFERENCES, language)
    bounds = (lower, upper, stations_lower, stations_upper)
    made, found = _differences(labels, estimates, bounds, clear)
    estimate, low, high, inner_low, inner_high = made
    names = [wrapped(label, 38) for label in labels]
    lines = sum(name.count("\n") for name in names)
    figure, axes = new_axes(1.1 + 0.36 * len(names) + 0.13 * lines)
    axes.set_xlim(*span(estimate, low, high, inner_low, inner_high))
    axes.axvline(0, color=GREY, linewidth=1, zorder=0)
    at = np.arange(len(names), dtype=float)
    horizontal_intervals(axes, at, low, high, BLUE)
    axes.hlines(at + 0.2, inner_low, inner_high, GREY, linewidth=1, label=words["stations"])
    for rows, face, role in ((found, BLUE, "clear"), (~found, "white", "unclear")):
        if (rows & np.isfinite(estimate)).any():
            style: dict[str, Any] = {
                "markerfacecolor": face,
                "color": BLUE,
                "markersize": 7,
                "zorder": 3,
            }
            axes.plot(estimate[rows], at[rows], "o", label=words[role], **style)
    texts = _texts(estimate, low, high, language)
    for row, text in enumerate(texts):
        shown = words["hidden"] if math.isnan(estimate[row]) else text
        transform = axes.get_yaxis_transform()
        axes.text(1.02, at[row], shown, transform=transform, va="center", fontsize=SMALL)
    axes.set_yticks(at, names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    points_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    top_legend(figure, axes, columns=2)
    return figure


def _texts(estimates: FloatArray, lower: FloatArray, upper: FloatArray, language: str) -> list[str]:
    """Return differences with intervals in percentage points, to one decimal."""
    options: dict[str, Any] = {"language": language, "unit": False}
    to = {"nl": "tot", "en": "to"}[language]
    return [
        f"{points(e, 1, **options)} ({points(low, 1, **options)} {to} {points(high, 1, **options)})"
        for e, low, high in zip(estimates, lower, upper, strict=True)
    ]


def alt_text_survey_differences(
    labels: Sequence[str],
    estimates: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    clear: npt.ArrayLike,
    stations_lower: npt.ArrayLike,
    stations_upper: npt.ArrayLike,
    *,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`survey_differences`."""
    words = in_language(_DIFFERENCES, language)
    bounds = (lower, upper, stations_lower, stations_upper)
    made, found = _differences(labels, estimates, bounds, clear)
    texts = _texts(made[0], made[1], made[2], language)
    each = []
    for row, label in enumerate(labels):
        if math.isnan(made[0][row]):
            each.append(f"{label}: {words['hidden']}")
        else:
            each.append(f"{label}: {texts[row]}, {words['clear' if found[row] else 'unclear']}")
    return words["alt"].format(each="; ".join(each))
