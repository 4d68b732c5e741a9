"""What every figure is drawn from, and pieces of its words."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.special import ndtr

import figure_candidate_cases as candidates
import figure_funnel_cases as funnels
import figure_learning_cases as learning
import figure_map_cases as maps
import figure_marking_cases as marking
import figure_municipality_cases as municipalities
import figure_station_cases as stations
import figure_survey_cases as surveys
import figure_time_cases as times
from ballot_eval import figures

NAN, INF = float("nan"), float("inf")
NAMES = {
    "0001": "Midden-Groningen",
    "0002": "\u2019s-Hertogenbosch",
    "0003": "Borne",
    "0004": "Alphen aan den Rijn",
    "0005": "Boekel",
}


def _rates() -> tuple:
    rates = pd.DataFrame({"unit": list(NAMES), "rate": [0.0048, 0.0061, 0.0039, 0.0102, 0.0055]})
    rates = rates.assign(ci_lower=rates["rate"] * 0.85, ci_upper=rates["rate"] * 1.2)
    controls = np.random.default_rng(1).gamma(20, 0.00025, 330)
    return rates, list(controls), NAMES, "GR2026"


def _slopes() -> tuple:
    rng = np.random.default_rng(2)
    rows = []
    for i in range(330):
        name = list(NAMES.values())[i] if i < 5 else f"Gemeente {i}"
        role = "experiment" if i < 5 else "control"
        for election, mean in (("GR2022", 0.004), ("GR2026", 0.0045 + 0.002 * (i < 5))):
            rate = rng.gamma(20, mean / 20)
            rows.append((f"{i:04}", name, role, election, rate))
    columns = ["municipality_code", "municipality_name", "role", "election", "rate"]
    return pd.DataFrame(rows, columns=columns), "GR2022", "GR2026"


def method_rows() -> pd.DataFrame:
    rows = [
        ("Verschil-in-verschillen, randomisatie", 0.0012, -0.0005, 0.0030, True),
        ("Jackknife CRV3", 0.0012, -0.0008, 0.0032, False),
        ("Wild cluster bootstrap", 0.0012, -INF, 0.0034, False),
        ("Synthetische controle met verschil-in-verschillen", 0.0009, -0.0007, 0.0024, False),
        ("Callaway–Sant\u2019Anna, gemeenten zonder experiment", 0.0015, 0.0001, 0.0029, False),
        ("Synthetische controle", NAN, NAN, NAN, False),
    ]
    return pd.DataFrame(rows, columns=["label", "estimate", "ci_lower", "ci_upper", "primary"])


def _event_study() -> tuple:
    effect = np.array([0.0002, -0.0003, 0.0, 0.0021, 0.0016, 0.0011])
    half = np.array([0.0008, 0.0007, NAN, 0.0009, 0.0010, 0.0013])
    bands = (effect - half, effect + half, effect - 1.6 * half, effect + 1.6 * half)
    return (np.array([-3, -2, -1, 0, 1, 2]), effect, *bands)


def _specifications() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    levels = itertools.product(
        ("GR2022", "GR2018"),
        ("alle", "zelfde grootte", "gekoppeld"),
        ("municipality", "ballot"),
        ("randomisatie", "jackknife", "synthetisch"),
    )
    rows = pd.DataFrame(levels, columns=["baseline", "control_pool", "weighting", "method"])
    rows["estimate"] = rng.normal(0.0012, 0.0005, len(rows))
    half = rng.uniform(0.0008, 0.0016, len(rows))
    rows["ci_lower"], rows["ci_upper"] = rows["estimate"] - half, rows["estimate"] + half
    return rows.assign(primary=np.arange(len(rows)) == 0)


COVARIATES = [
    "aandeel kiezers van 65 jaar en ouder",
    "inwoners (logaritme)",
    "opkomst bij de vorige verkiezing",
    "aandeel ongeldige stemmen, GR2022",
    "aandeel volmachten",
    "stembureaus per 10.000 kiezers",
]


def _power(*ns: int) -> tuple:
    effects = np.linspace(0, 0.006, 25)
    curve = {n: ndtr(effects / (0.004 / n**0.5) - 1.96) for n in ns}
    return effects, {n: np.maximum(power, 0.05) for n, power in curve.items()}


def _placebo() -> tuple:
    rng = np.random.default_rng(4)
    return rng.normal(0, 0.0011, 330), np.array([0.0028, 0.0003, 0.0019, -0.0006, 0.0024])


def _residuals() -> tuple:
    rng = np.random.default_rng(5)
    fitted = np.exp(rng.normal(4.5, 1.2, 684))
    return fitted, 1.15 * rng.standard_t(9, 684)


#: What each figure is drawn from; after a colon, a variant of the same figure.
CASES = (
    times.CASES
    | learning.CASES
    | surveys.CASES
    | funnels.CASES
    | marking.CASES
    | stations.CASES
    | candidates.CASES
    | maps.CASES
    | municipalities.CASES
    | {
        "invalid_rates": (_rates(), {}),
        "before_after": (_slopes(), {}),
        "randomisation": ((np.random.default_rng(6).normal(0, 0.0008, 5000), 0.0021, 0.004), {}),
        "leave_one_out": (
            (method_rows()[:5].assign(ci_lower=-0.0008, variant=list(NAMES.values())), 0.0012),
            {},
        ),
        "methods": ((method_rows(),), {}),
        "event_study": (_event_study(), {}),
        "event_study:labels": (
            _event_study(),
            {"labels": ["GR2010", "GR2014", "GR2018", "GR2022", "TK2025", "GR2026"]},
        ),
        "specification_curve": ((_specifications(),), {}),
        "love_plot": (
            (
                COVARIATES,
                [-0.62, 0.48, 0.05, 0.31, -0.22, 0.11],
                [0.04, 0.09, -0.06, 0.02, 0.12, 0.0],
            ),
            {},
        ),
        "power_curve": (_power(5, 11), {}),
        "power_curve:missed": (_power(2, 3, 5, 11), {}),
        "placebo_distribution": (_placebo(), {"names": list(NAMES.values())}),
        "placebo_distribution:nameless": (_placebo(), {}),
        "residuals": (_residuals(), {"experiment": np.arange(684) % 60 == 0}),
    }
)

#: Pieces of the alternative text in Dutch and in English.
TEXTS = (
    times.TEXTS
    | learning.TEXTS
    | surveys.TEXTS
    | funnels.TEXTS
    | marking.TEXTS
    | stations.TEXTS
    | candidates.TEXTS
    | maps.TEXTS
    | municipalities.TEXTS
    | {
        "invalid_rates": (
            ["Alphen aan den Rijn 1,02%", "Borne 0,39%"],
            ["Alphen aan den Rijn 1.02%", "Borne 0.39%"],
        ),
        "before_after": (
            ["van GR2022 naar GR2026", "experimentgemeenten van 0,", "in GR2026 0,"],
            ["from GR2022 to GR2026", "experiment municipalities from 0.", "at GR2026 0."],
        ),
        "randomisation": (
            ["5.000 andere toewijzingen", "+0,21 procentpunt, p-waarde 0,004"],
            ["5,000 other assignments", "+0.21 percentage points, p-value 0.004"],
        ),
        "leave_one_out": (
            ["+0,09 tot +0,15 procentpunt", "het +0,12 procentpunt"],
            ["+0.09 to +0.15 percentage points", "it is +0.12 percentage points"],
        ),
        "methods": (
            ["randomisatie +0,12 (−0,05 tot +0,30)", "(−∞ tot +0,34)", "niet gemeten"],
            ["randomisatie +0.12 (−0.05 to +0.30)", "(−∞ to +0.34)", "not measured"],
        ),
        "event_study": (
            ["Vóór het eerste gebruik: −3: +0,02 (−0,06 tot +0,10)", "0: +0,21", "−0,14 tot +0,35"],
            ["Before first use: −3: +0.02 (−0.06 to +0.10)", "0: +0.21", "−0.14 to +0.35"],
        ),
        "event_study:labels": (
            ["GR2018: 0,00.", "GR2022: +0,21"],
            ["GR2018: 0.00.", "GR2022: +0.21"],
        ),
        "specification_curve": (
            ["36 combinaties", "vergeleken met, controlegemeenten, weging, methode", "+0,"],
            ["36 combinations", "compared with, control municipalities, weighting, method", "+0."],
        ),
        "love_plot": (
            ["ouder van 0,62 naar 0,04", "lijn van 0,1 liggen vóór 5 en na 1 van de 6"],
            ["ouder from 0.62 to 0.04", "line of 0.1 lie 5 before and 1 after, of 6"],
        ),
        "power_curve": (
            ["80% kans", "bij 5 experimentgemeenten 0,50 procentpunt", "bij 11"],
            [
                "80% probability",
                "with 5 experiment municipalities 0.50 percentage points",
                "with 11",
            ],
        ),
        "power_curve:missed": (
            ["bij 2 experimentgemeenten wordt 80% niet gehaald (hoogste kans 56%)"],
            ["with 2 experiment municipalities 80% is not reached (highest probability 56%)"],
        ),
        "placebo_distribution": (
            ["330 controlegemeenten", "5 effecten", "Midden-Groningen +0,28", "−0,06 tot +0,28"],
            ["330 control municipalities", "5 effects", "Midden-Groningen +0.28", "−0.06 to +0.28"],
        ),
        "placebo_distribution:nameless": (["op −0,06 tot +0,28 procentpunt;"], ["−0.06 to +0.28"]),
        "residuals": (["684 Pearson-residuen", "buiten −2 tot +2"], ["684 Pearson residuals"]),
    }
)


def draw(case: str, language: str = "nl") -> Figure:
    arguments, options = CASES[case]
    return getattr(figures, case.partition(":")[0])(*arguments, **options, language=language)


def shown_texts(figure: Figure) -> list[Text]:
    """Return the texts that are drawn; ticks beyond the limits of an axis are not."""
    figure.canvas.draw()
    found = [t for legend in figure.legends for t in legend.get_texts()] + list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            low, high = sorted(limits)
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            found += [t.label1 for t in ticks if low <= t.get_loc() <= high]
    return [t for t in found if t.get_visible() and t.get_text().strip()]


def words_in(figure: Figure) -> str:
    return " | ".join(t.get_text().replace("\n", " ") for t in shown_texts(figure))
