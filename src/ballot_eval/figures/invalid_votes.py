"""Figures about invalid votes, and the distribution and robustness of their effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    PALE,
    SMALL,
    in_language,
    limits,
    new_axes,
    number_ticks,
    percent_ticks,
    points_ticks,
    text_color,
    top_legend,
)
from ballot_eval.formatting import interval, number, p_value, percent, points

_INVALID_RATES = {
    "nl": {
        "spread": "middelste 90% van de controles",
        "median": "mediaan van de controles",
        "unit": "experimentgemeente, met interval",
        "controls": "alle controles",
        "axis": "aandeel ongeldige stemmen, {election}",
        "alt": "Stippengrafiek van het aandeel ongeldige stemmen bij {election}: {each}. "
        "De middelste 90% van de controlegemeenten ligt op {spread}.",
    },
    "en": {
        "spread": "middle 90% of the controls",
        "median": "median of the controls",
        "unit": "experiment municipality, with interval",
        "controls": "all controls",
        "axis": "share of invalid votes, {election}",
        "alt": "Dot plot of the share of invalid votes at {election}: {each}. "
        "The middle 90% of the control municipalities lies at {spread}.",
    },
}


def invalid_rates(
    rates: pd.DataFrame,
    control_rates: Sequence[float],
    names: Mapping[str, str],
    election: str,
    *,
    language: str = "nl",
) -> Figure:
    """Return a dot plot of municipal rates with intervals above the spread of all controls."""
    words = in_language(_INVALID_RATES, language)
    rows = rates.sort_values("rate")
    figure, axes = new_axes(1.8 + 0.32 * len(rows))
    low, middle, high = np.quantile(control_rates, [0.05, 0.5, 0.95])
    axes.axvspan(low, high, color=PALE, zorder=0, label=words["spread"])
    axes.axvline(middle, color=GREY, linewidth=1, label=words["median"])
    at = np.arange(len(rows))
    axes.hlines(at, rows["ci_lower"], rows["ci_upper"], color=ORANGE, linewidth=2)
    axes.plot(rows["rate"], at, "o", color=ORANGE, label=words["unit"])
    jitter = np.random.default_rng(0).uniform(-1.45, -0.75, len(control_rates))
    axes.plot(control_rates, jitter, ".", color=GREY, markersize=3, alpha=0.6)
    axes.set_yticks([-1.1, *at], [words["controls"], *(names[u] for u in rows["unit"])])
    axes.set_xlim(left=0)
    percent_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"].format(election=election))
    top_legend(figure, axes)
    return figure


def alt_text_invalid_rates(
    rates: pd.DataFrame,
    control_rates: Sequence[float],
    names: Mapping[str, str],
    election: str,
    *,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`invalid_rates`."""
    words = in_language(_INVALID_RATES, language)
    rows = rates.sort_values("rate", ascending=False)
    each = "; ".join(
        f"{names[u]} {percent(v, language=language)}"
        for u, v in zip(rows["unit"], rows["rate"], strict=True)
    )
    low, high = np.quantile(control_rates, [0.05, 0.95])
    spread = interval(low, high, language=language)
    return words["alt"].format(election=election, each=each, spread=spread)


_BEFORE_AFTER = {
    "nl": {
        "median": "mediaan controles",
        "axis": "ongeldige stemmen",
        "experiment": "experimentgemeenten",
        "control": "controlegemeenten",
        "part": "mediaan van de {group} van {then} naar {now}, in {election} {low} tot {high}",
        "alt": "Lijngrafiek van {baseline} naar {election}: {parts}.",
    },
    "en": {
        "median": "median of controls",
        "axis": "invalid votes",
        "experiment": "experiment municipalities",
        "control": "control municipalities",
        "part": "median of the {group} from {then} to {now}, at {election} {low} to {high}",
        "alt": "Line chart from {baseline} to {election}: {parts}.",
    },
}


def before_after(
    frame: pd.DataFrame, baseline: str, election: str, *, language: str = "nl"
) -> Figure:
    """Return a slope chart of every municipality's rate from ``baseline`` to ``election``."""
    words = in_language(_BEFORE_AFTER, language)
    wide = _slopes(frame, baseline, election)
    figure, axes = new_axes(5.5)
    control = wide[wide["role"] == "control"]
    axes.plot([0, 1], control[[baseline, election]].T, color="#C8C8C8", linewidth=0.4)
    axes.plot([0, 1], control[[baseline, election]].median(), color="#333333", linewidth=2.5)
    middle = control[baseline].median()
    axes.text(-0.02, middle, words["median"], ha="right", va="center", fontsize=SMALL)
    experiment = wide[wide["role"] == "experiment"].sort_values(election)
    axes.plot([0, 1], experiment[[baseline, election]].T, color=ORANGE, linewidth=1.6, marker="o")
    # Every line stays in the picture, that of the strongest controls too.
    top = float(wide[[baseline, election]].max().max()) * 1.04
    gap = top / 26
    height = -np.inf
    for _, row in experiment.iterrows():
        # Labels are pushed up so that no two overlap.
        height = max(float(row[election]), height + gap)
        axes.annotate(
            f"{row['municipality_name']} {percent(row[election], language=language)}",
            (1, row[election]),
            xytext=(1.1, height),
            va="center",
            fontsize=SMALL,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "relpos": (0, 0.5)},
        )
    axes.set_xlim(-0.45, 1.8)
    axes.set_ylim(0, max(top, height + gap))
    axes.set_xticks([0, 1], [baseline, election])
    percent_ticks(axes.yaxis, language)
    axes.set_ylabel(words["axis"])
    return figure


def _slopes(frame: pd.DataFrame, baseline: str, election: str) -> pd.DataFrame:
    keys = ["municipality_code", "municipality_name", "role"]
    rows = frame[frame["election"].isin([baseline, election])]
    wide = rows.pivot_table(index=keys, columns="election", values="rate").dropna()
    return wide.reset_index()


def alt_text_before_after(
    frame: pd.DataFrame, baseline: str, election: str, *, language: str = "nl"
) -> str:
    """Return the alternative text of :func:`before_after`."""
    words = in_language(_BEFORE_AFTER, language)
    wide = _slopes(frame, baseline, election)
    parts = []
    for role in ("experiment", "control"):
        rows = wide[wide["role"] == role]
        then, now, low, high = (
            percent(value, language=language)
            for value in (
                rows[baseline].median(),
                *rows[election].quantile([0.5, 0, 1]),
            )
        )
        parts.append(
            words["part"].format(
                group=words[role], then=then, now=now, election=election, low=low, high=high
            )
        )
    return words["alt"].format(baseline=baseline, election=election, parts="; ".join(parts))


_RANDOMISATION = {
    "nl": {
        "observed": "waargenomen",
        "axis": "verschil bij een andere toewijzing, procentpunt",
        "count": "toewijzingen",
        "alt": "Histogram van {n} andere toewijzingen: 95% geeft een verschil van {spread} "
        "procentpunt; waargenomen is {observed}, p-waarde {p}.",
    },
    "en": {
        "observed": "observed",
        "axis": "difference under another assignment, percentage points",
        "count": "assignments",
        "alt": "Histogram of {n} other assignments: 95% give a difference of {spread} "
        "percentage points; observed is {observed}, p-value {p}.",
    },
}


def randomisation(
    distribution: npt.NDArray[np.float64], observed: float, p: float, *, language: str = "nl"
) -> Figure:
    """Return the histogram of the effect under reassignment with the observed effect."""
    words = in_language(_RANDOMISATION, language)
    figure, axes = new_axes(3.2)
    axes.hist(distribution, bins=80, color=BLUE, alpha=0.75)
    axes.axvline(observed, color=ORANGE, linewidth=2)
    # A p-value too small to write comes with its own sign: "< 0,000001".
    written = p_value(p, language=language)
    written = f"p {written}" if written.startswith("<") else f"p = {written}"
    axes.annotate(
        f"{words['observed']} {points(observed, language=language, unit=False)}, {written}",
        (observed, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 3),
        textcoords="offset points",
        va="bottom",
        ha="right" if observed > 0 else "left",
        color=text_color(ORANGE),
    )
    points_ticks(axes.xaxis, language)
    number_ticks(axes.yaxis, language)
    axes.set_xlabel(words["axis"])
    axes.set_ylabel(words["count"])
    return figure


def alt_text_randomisation(
    distribution: npt.NDArray[np.float64], observed: float, p: float, *, language: str = "nl"
) -> str:
    """Return the alternative text of :func:`randomisation`."""
    low, high = np.quantile(distribution, [0.025, 0.975])
    return in_language(_RANDOMISATION, language)["alt"].format(
        n=number(len(distribution), language=language),
        spread=limits(float(low), float(high), language),
        observed=points(observed, language=language),
        p=p_value(p, language=language),
    )


_LEAVE_ONE_OUT = {
    "nl": {
        "all": "alle experimentgemeenten",
        "without": "zonder {name}",
        "axis": "effect, procentpunt",
        "alt": "Stippengrafiek: zonder telkens één experimentgemeente ligt het effect op {spread} "
        "procentpunt; met alle gemeenten is het {full}.",
    },
    "en": {
        "all": "all experiment municipalities",
        "without": "without {name}",
        "axis": "effect, percentage points",
        "alt": "Dot plot: without each experiment municipality in turn the effect lies at "
        "{spread} percentage points; with all municipalities it is {full}.",
    },
}


def leave_one_out(checks: pd.DataFrame, full_estimate: float, *, language: str = "nl") -> Figure:
    """Return the effect with each experiment municipality left out in turn."""
    words = in_language(_LEAVE_ONE_OUT, language)
    rows = checks.sort_values("estimate")
    figure, axes = new_axes(1.2 + 0.32 * len(rows))
    at = np.arange(len(rows))
    axes.hlines(at, rows["ci_lower"], rows["ci_upper"], color=BLUE, linewidth=2)
    axes.plot(rows["estimate"], at, "o", color=BLUE)
    axes.axvline(full_estimate, color=ORANGE, label=words["all"])
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(at, [words["without"].format(name=v) for v in rows["variant"]])
    points_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    top_legend(figure, axes)
    return figure


def alt_text_leave_one_out(
    checks: pd.DataFrame, full_estimate: float, *, language: str = "nl"
) -> str:
    """Return the alternative text of :func:`leave_one_out`."""
    low, high = float(checks["estimate"].min()), float(checks["estimate"].max())
    return in_language(_LEAVE_ONE_OUT, language)["alt"].format(
        spread=limits(low, high, language), full=points(full_estimate, language=language)
    )
