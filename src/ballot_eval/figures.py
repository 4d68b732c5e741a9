"""Results as matplotlib figures. Nothing is computed beyond placing marks; nothing is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ballot_eval.formatting import interval, number, p_value, percent, points

#: Okabe–Ito: told apart by colour-blind readers, and by lightness in grey print.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8C8C8C"

#: Inches; the width of the text on an A4 page.
WIDTH = 6.3


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _percent_axis(values: float, _: object = None) -> str:
    return percent(values)


def _points_axis(values: float, _: object = None) -> str:
    return points(values, unit=False)


def invalid_rates(
    rates: pd.DataFrame, control_rates: Sequence[float], names: Mapping[str, str], election: str
) -> Figure:
    """Return a dot plot of municipal rates with intervals above the spread of all controls."""
    rows = rates.sort_values("rate")
    figure, axes = _axes(WIDTH, 1.8 + 0.32 * len(rows))
    low, middle, high = np.quantile(control_rates, [0.05, 0.5, 0.95])
    axes.axvspan(low, high, color="#E6E6E6", zorder=0, label="middelste 90% van de controles")
    axes.axvline(middle, color=GREY, linewidth=1, label="mediaan van de controles")
    at = np.arange(len(rows))
    axes.hlines(at, rows["ci_lower"], rows["ci_upper"], color=ORANGE, linewidth=2)
    axes.plot(rows["rate"], at, "o", color=ORANGE, label="experimentgemeente, met interval")
    jitter = np.random.default_rng(0).uniform(-1.45, -0.75, len(control_rates))
    axes.plot(control_rates, jitter, ".", color=GREY, markersize=3, alpha=0.6)
    axes.set_yticks([-1.1, *at], ["alle controles", *(names[u] for u in rows["unit"])])
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(FuncFormatter(_percent_axis))
    axes.set_xlabel(f"aandeel ongeldige stemmen, {election}")
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    return figure


def alt_text_invalid_rates(
    rates: pd.DataFrame, control_rates: Sequence[float], names: Mapping[str, str], election: str
) -> str:
    """Return the alternative text of :func:`invalid_rates`."""
    rows = rates.sort_values("rate", ascending=False)
    each = "; ".join(
        f"{names[u]} {percent(v)}" for u, v in zip(rows["unit"], rows["rate"], strict=True)
    )
    low, high = np.quantile(control_rates, [0.05, 0.95])
    return (
        f"Stippengrafiek van het aandeel ongeldige stemmen bij {election}: {each}. "
        f"De middelste 90% van de controlegemeenten ligt op {interval(low, high)}."
    )


def before_after(frame: pd.DataFrame, baseline: str, election: str) -> Figure:
    """Return a slope chart of every municipality's rate from ``baseline`` to ``election``."""
    wide = _slopes(frame, baseline, election)
    figure, axes = _axes(WIDTH, 5.5)
    control = wide[wide["role"] == "control"]
    axes.plot([0, 1], control[[baseline, election]].T, color="#C8C8C8", linewidth=0.4)
    axes.plot([0, 1], control[[baseline, election]].median(), color="#333333", linewidth=2.5)
    axes.text(
        -0.02, control[baseline].median(), "mediaan controles", ha="right", va="center", fontsize=8
    )
    experiment = wide[wide["role"] == "experiment"].sort_values(election)
    axes.plot([0, 1], experiment[[baseline, election]].T, color=ORANGE, linewidth=1.6, marker="o")
    top = (
        float(max(wide[[baseline, election]].quantile(0.99).max(), experiment[election].max()))
        * 1.08
    )
    gap = top / 26
    height = -np.inf
    for _, row in experiment.iterrows():
        # Labels are pushed up so that no two overlap.
        height = max(float(row[election]), height + gap)
        axes.annotate(
            f"{row['municipality_name']} {percent(row[election])}",
            (1, row[election]),
            xytext=(1.1, height),
            va="center",
            fontsize=8,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "relpos": (0, 0.5)},
        )
    axes.set_xlim(-0.45, 1.8)
    axes.set_ylim(0, max(top, height + gap))
    axes.set_xticks([0, 1], [baseline, election])
    axes.yaxis.set_major_formatter(FuncFormatter(_percent_axis))
    axes.set_ylabel("ongeldige stemmen")
    return figure


def _slopes(frame: pd.DataFrame, baseline: str, election: str) -> pd.DataFrame:
    keys = ["municipality_code", "municipality_name", "role"]
    rows = frame[frame["election"].isin([baseline, election])]
    wide = rows.pivot_table(index=keys, columns="election", values="rate").dropna()
    return wide.reset_index()


def alt_text_before_after(frame: pd.DataFrame, baseline: str, election: str) -> str:
    """Return the alternative text of :func:`before_after`."""
    wide = _slopes(frame, baseline, election)
    parts = []
    for role, label in (("experiment", "experimentgemeenten"), ("control", "controlegemeenten")):
        rows = wide[wide["role"] == role]
        then, now = percent(rows[baseline].median()), percent(rows[election].median())
        parts.append(f"mediaan van de {label} van {then} naar {now}")
    return f"Lijngrafiek van {baseline} naar {election}: {'; '.join(parts)}."


def randomisation(distribution: npt.NDArray[np.float64], observed: float, p: float) -> Figure:
    """Return the histogram of the effect under reassignment with the observed effect."""
    figure, axes = _axes(WIDTH, 3.2)
    axes.hist(distribution, bins=80, color=BLUE, alpha=0.75)
    axes.axvline(observed, color=ORANGE, linewidth=2)
    axes.text(
        observed,
        0.97,
        f" waargenomen {points(observed, unit=False)} \n p = {p_value(p)} ",
        transform=axes.get_xaxis_transform(),
        va="top",
        ha="right" if observed > 0 else "left",
        color=ORANGE,
    )
    axes.xaxis.set_major_formatter(FuncFormatter(_points_axis))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v)))
    axes.set_xlabel("verschil bij een andere toewijzing, procentpunt")
    axes.set_ylabel("toewijzingen")
    return figure


def alt_text_randomisation(distribution: npt.NDArray[np.float64], observed: float, p: float) -> str:
    """Return the alternative text of :func:`randomisation`."""
    low, high = np.quantile(distribution, [0.025, 0.975])
    spread = interval(float(low), float(high), percent_sign=False, sign=True)
    return (
        f"Histogram van {number(len(distribution))} andere toewijzingen: 95% geeft een verschil "
        f"van {spread} procentpunt; waargenomen is {points(observed)}, p-waarde {p_value(p)}."
    )


def leave_one_out(checks: pd.DataFrame, full_estimate: float) -> Figure:
    """Return the effect with each experiment municipality left out in turn."""
    rows = checks.sort_values("estimate")
    figure, axes = _axes(WIDTH, 1.2 + 0.32 * len(rows))
    at = np.arange(len(rows))
    axes.hlines(at, rows["ci_lower"], rows["ci_upper"], color=BLUE, linewidth=2)
    axes.plot(rows["estimate"], at, "o", color=BLUE)
    axes.axvline(full_estimate, color=ORANGE, label="alle experimentgemeenten")
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(at, ["zonder " + v for v in rows["variant"]])
    axes.xaxis.set_major_formatter(FuncFormatter(_points_axis))
    axes.set_xlabel("effect, procentpunt")
    figure.legend(loc="outside upper center", frameon=False, fontsize=8)
    return figure


def alt_text_leave_one_out(checks: pd.DataFrame, full_estimate: float) -> str:
    """Return the alternative text of :func:`leave_one_out`."""
    low, high = float(checks["estimate"].min()), float(checks["estimate"].max())
    spread = interval(low, high, percent_sign=False, sign=True)
    return (
        f"Stippengrafiek: zonder telkens één experimentgemeente ligt het effect op {spread} "
        f"procentpunt; met alle gemeenten is het {points(full_estimate)}."
    )


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write ``name.svg`` and ``name.png``, the same bytes for the same figure."""
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    figure.savefig(folder / f"{name}.png", dpi=200, metadata={"Software": None})
