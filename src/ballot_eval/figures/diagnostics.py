"""Figures that show how far an estimate can be trusted: balance, placebos, residuals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    PALE,
    SMALL,
    FloatArray,
    in_language,
    limits,
    new_axes,
    new_figure,
    number_ticks,
    open_frame,
    points_ticks,
    top_legend,
    vectors,
    wrapped,
)
from ballot_eval.formatting import number, percent, points

#: The absolute standardised difference above which a covariate is often called unbalanced.
BALANCE_LIMIT = 0.1

_LOVE_PLOT = {
    "nl": {
        "axis": "gestandaardiseerd verschil (absoluut)",
        "before": "vóór",
        "after": "na",
        "alt": "Stippengrafiek van het absolute gestandaardiseerde verschil tussen experiment- en "
        "controlegemeenten, vóór en na het kiezen of wegen van de controles: {each}. Boven de "
        "lijn van {limit} liggen vóór {n_before} en na {n_after} van de {n} kenmerken.",
        "each": "{name} van {before} naar {after}",
    },
    "en": {
        "axis": "standardised difference (absolute)",
        "before": "before",
        "after": "after",
        "alt": "Dot plot of the absolute standardised mean difference between experiment and "
        "control municipalities, before and after choosing or weighting the controls: {each}. "
        "Above the line of {limit} lie {n_before} before and {n_after} after, of {n} covariates.",
        "each": "{name} from {before} to {after}",
    },
}


def love_plot(
    names: Sequence[str], before: npt.ArrayLike, after: npt.ArrayLike, *, language: str = "nl"
) -> Figure:
    """Return standardised mean differences before and after balancing, the largest first.

    ``before`` and ``after`` hold one difference in standard deviations per name; signs are
    dropped. A line marks 0.1.
    """
    words = in_language(_LOVE_PLOT, language)
    labels, first, then = _largest_first(names, before, after)
    figure, axes = new_axes(1.3 + 0.3 * len(labels))
    at = np.arange(len(labels))
    axes.hlines(at, np.minimum(first, then), np.maximum(first, then), GREY, linewidth=1, zorder=1)
    # A difference of zero lies on the edge and is drawn whole.
    whole: dict[str, Any] = {"clip_on": False, "zorder": 3}
    axes.plot(first, at, "o", color=ORANGE, mfc="white", label=words["before"], **whole)
    axes.plot(then, at, "o", color=BLUE, label=words["after"], **whole)
    axes.axvline(BALANCE_LIMIT, color="#333333", linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    axes.text(
        BALANCE_LIMIT,
        1.01,
        number(BALANCE_LIMIT, 1, language=language),
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="bottom",
        fontsize=SMALL,
    )
    axes.set_yticks(at, [wrapped(label, 34) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(0, 1.05 * max(first.max(), then.max(), 1.5 * BALANCE_LIMIT))
    number_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    top_legend(figure, axes)
    return figure


def _largest_first(
    names: Sequence[str], before: npt.ArrayLike, after: npt.ArrayLike
) -> tuple[list[str], FloatArray, FloatArray]:
    first, then = (np.abs(v) for v in vectors(before=before, after=after))
    if len(names) != len(first):
        raise ValueError(f"there are {len(names)} names for {len(first)} differences")
    order = np.argsort(-first, kind="stable")
    return [names[i] for i in order], first[order], then[order]


def alt_text_love_plot(
    names: Sequence[str], before: npt.ArrayLike, after: npt.ArrayLike, *, language: str = "nl"
) -> str:
    """Return the alternative text of :func:`love_plot`."""
    words = in_language(_LOVE_PLOT, language)
    labels, first, then = _largest_first(names, before, after)
    each = [
        words["each"].format(
            name=name,
            before=number(float(b), 2, language=language),
            after=number(float(a), 2, language=language),
        )
        for name, b, a in zip(labels, first, then, strict=True)
    ]
    return words["alt"].format(
        each="; ".join(each),
        limit=number(BALANCE_LIMIT, 1, language=language),
        n=number(len(labels), language=language),
        n_before=number((first > BALANCE_LIMIT).sum(), language=language),
        n_after=number((then > BALANCE_LIMIT).sum(), language=language),
    )


_PLACEBO = {
    "nl": {
        "axis": "effect, procentpunt",
        "count": "controlegemeenten",
        "spread": "middelste 95% van de controles",
        "placebo": "schijneffect van elke controle",
        "observed": "experimentgemeente",
        "alt": "Histogram van de schijneffecten van {n} controlegemeenten: de middelste 95% ligt "
        "op {spread} procentpunt. De {n_observed} effecten van experimentgemeenten liggen op "
        "{range} procentpunt{each}; buiten de middelste 95% vallen er {outside}.",
    },
    "en": {
        "axis": "effect, percentage points",
        "count": "control municipalities",
        "spread": "middle 95% of the controls",
        "placebo": "placebo effect of each control",
        "observed": "experiment municipality",
        "alt": "Histogram of the placebo effects of {n} control municipalities: the middle 95% "
        "lies at {spread} percentage points. The {n_observed} effects of experiment "
        "municipalities lie at {range} percentage points{each}; {outside} of them outside the "
        "middle 95%.",
    },
}


def placebo_distribution(
    placebo_effects: npt.ArrayLike,
    observed: npt.ArrayLike,
    *,
    names: Sequence[str] | None = None,
    language: str = "nl",
) -> Figure:
    """Return the placebo effects of all controls above the effects of the experiment.

    ``placebo_effects`` (m,) and ``observed`` (n,) are fractions; ``names`` (n,) gives every
    experiment municipality a line of its own, otherwise all share one.
    """
    words = in_language(_PLACEBO, language)
    placebo, effects, labels = _placebo_values(placebo_effects, observed, names)
    lines = len(labels) or 1
    figure = new_figure(3.1 + 0.22 * lines)
    heights = [2.2, 0.22 * lines + 0.1]
    above, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": heights})
    low, high = np.quantile(placebo, [0.025, 0.975])
    for axes in (above, below):
        open_frame(axes)
        label = words["spread"] if axes is above else None
        axes.axvspan(low, high, color=PALE, zorder=0, label=label, linewidth=0)
        axes.axvline(0, color=GREY, linewidth=1, zorder=1)
    above.hist(placebo, bins=40, color=BLUE, alpha=0.75, zorder=2, label=words["placebo"])
    at = np.arange(len(effects)) if labels else np.zeros(len(effects))
    (dots,) = below.plot(effects, at, "D", color=ORANGE, markersize=5, alpha=0.9)
    dots.set_label(words["observed"])
    below.set_yticks(np.arange(len(labels)), labels)
    below.set_ylim(lines - 0.4, -0.6)
    above.tick_params(bottom=False)
    points_ticks(below.xaxis, language)
    number_ticks(above.yaxis, language)
    below.set_xlabel(words["axis"])
    above.set_ylabel(words["count"])
    top_legend(figure, above, below, columns=3)
    return figure


def _placebo_values(
    placebo_effects: npt.ArrayLike, observed: npt.ArrayLike, names: Sequence[str] | None
) -> tuple[FloatArray, FloatArray, list[str]]:
    """Return the placebo effects, and the observed ones from high to low with their names."""
    (placebo,) = vectors(placebo_effects=placebo_effects)
    (effects,) = vectors(observed=observed)
    if names is not None and len(names) != len(effects):
        raise ValueError(f"there are {len(names)} names for {len(effects)} effects")
    order = np.argsort(-effects, kind="stable")
    return placebo, effects[order], [names[i] for i in order] if names is not None else []


def alt_text_placebo_distribution(
    placebo_effects: npt.ArrayLike,
    observed: npt.ArrayLike,
    *,
    names: Sequence[str] | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`placebo_distribution`."""
    words = in_language(_PLACEBO, language)
    placebo, effects, labels = _placebo_values(placebo_effects, observed, names)
    low, high = np.quantile(placebo, [0.025, 0.975])
    each = [
        f"{name} {points(float(v), language=language, unit=False)}"
        for name, v in zip(labels, effects, strict=False)
    ]
    return words["alt"].format(
        n=number(len(placebo), language=language),
        spread=limits(float(low), float(high), language),
        n_observed=number(len(effects), language=language),
        range=limits(float(effects[-1]), float(effects[0]), language),
        each=f" ({'; '.join(each)})" if each else "",
        outside=number(((effects < low) | (effects > high)).sum(), language=language),
    )


_RESIDUALS = {
    "nl": {
        "axis": "verwacht aantal (logaritmische schaal)",
        "residual": "Pearson-residu",
        "control": "controle",
        "experiment": "experiment",
        "alt": "Puntenwolk van {n} Pearson-residuen tegen het verwachte aantal ({low} tot {high}): "
        "{outside} ({share}) liggen buiten −2 tot +2; het kleinste is {least} en het grootste "
        "{most}.",
    },
    "en": {
        "axis": "expected count (logarithmic scale)",
        "residual": "Pearson residual",
        "control": "control",
        "experiment": "experiment",
        "alt": "Scatter plot of {n} Pearson residuals against the expected count ({low} to "
        "{high}): {outside} ({share}) lie outside −2 to +2; the smallest is {least} and the "
        "largest {most}.",
    },
}


def residuals(
    fitted: npt.ArrayLike,
    residuals: npt.ArrayLike,
    *,
    experiment: npt.ArrayLike | None = None,
    language: str = "nl",
) -> Figure:
    """Return Pearson residuals (n,) against the positive fitted counts (n,) of a count model.

    ``experiment`` (n,) of booleans sets the rows of experiment municipalities apart. Lines mark
    −2, 0 and +2, between which most residuals lie when the model fits.
    """
    words = in_language(_RESIDUALS, language)
    expected, pearson = _residual_values(fitted, residuals)
    role = np.zeros(len(expected), bool) if experiment is None else np.asarray(experiment, bool)
    if role.shape != expected.shape:
        raise ValueError(f"experiment must hold {len(expected)} booleans")
    figure, axes = new_axes(3.8)
    axes.set_xscale("log")
    for height in (-2, 0, 2):
        dashes = "solid" if height == 0 else (0, (4, 3))
        axes.axhline(height, color=GREY, linewidth=1, linestyle=dashes, zorder=0)
    styles = ((~role, "o", 3, BLUE, 0.5, "control"), (role, "D", 5, ORANGE, 1.0, "experiment"))
    for chosen, marker, size, color, alpha, name in styles:
        here = expected[chosen], pearson[chosen], marker
        style: dict[str, Any] = {"color": color, "alpha": alpha, "markeredgewidth": 0}
        axes.plot(*here, markersize=size, label=words[name], **style)
    decades = math.log10(expected.max() / expected.min())
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if decades > 2.5 else (1.0, 2.0, 5.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    number_ticks(axes.xaxis, language)
    number_ticks(axes.yaxis, language)
    axes.set_xlabel(words["axis"])
    axes.set_ylabel(words["residual"])
    if role.any():
        top_legend(figure, axes)
    return figure


def _residual_values(
    fitted: npt.ArrayLike, residuals: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    expected, pearson = vectors(fitted=fitted, residuals=residuals)
    if (expected <= 0).any():
        raise ValueError("a fitted count is not positive")
    return expected, pearson


def alt_text_residuals(
    fitted: npt.ArrayLike,
    residuals: npt.ArrayLike,
    *,
    experiment: npt.ArrayLike | None = None,  # noqa: ARG001  (called as the figure is)
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`residuals`."""
    words = in_language(_RESIDUALS, language)
    expected, pearson = _residual_values(fitted, residuals)
    outside = int((np.abs(pearson) > 2).sum())
    least, most = (
        number(float(v), 1, language=language, sign=True) for v in (pearson.min(), pearson.max())
    )
    return words["alt"].format(
        n=number(len(pearson), language=language),
        low=number(float(expected.min()), language=language),
        high=number(float(expected.max()), language=language),
        outside=number(outside, language=language),
        share=percent(outside / len(pearson), 1, language=language),
        least=least,
        most=most,
    )
