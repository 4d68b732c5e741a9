"""Figures: what is drawn fits the page, the words hold the numbers, the bytes stay the same."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy.special import ndtr

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


def _methods() -> pd.DataFrame:
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
CASES = {
    "invalid_rates": (_rates(), {}),
    "before_after": (_slopes(), {}),
    "randomisation": ((np.random.default_rng(6).normal(0, 0.0008, 5000), 0.0021, 0.004), {}),
    "leave_one_out": (
        (_methods()[:5].assign(ci_lower=-0.0008, variant=list(NAMES.values())), 0.0012),
        {},
    ),
    "methods": ((_methods(),), {}),
    "event_study": (_event_study(), {}),
    "event_study:labels": (
        _event_study(),
        {"labels": ["GR2010", "GR2014", "GR2018", "GR2022", "TK2025", "GR2026"]},
    ),
    "specification_curve": ((_specifications(),), {}),
    "love_plot": (
        (COVARIATES, [-0.62, 0.48, 0.05, 0.31, -0.22, 0.11], [0.04, 0.09, -0.06, 0.02, 0.12, 0.0]),
        {},
    ),
    "power_curve": (_power(5, 11), {}),
    "power_curve:missed": (_power(2, 3, 5, 11), {}),
    "placebo_distribution": (_placebo(), {"names": list(NAMES.values())}),
    "placebo_distribution:nameless": (_placebo(), {}),
    "residuals": (_residuals(), {"experiment": np.arange(684) % 60 == 0}),
}

#: Pieces of the alternative text in Dutch and in English.
TEXTS = {
    "invalid_rates": (
        ["Alphen aan den Rijn 1,02%", "Borne 0,39%"],
        ["Alphen aan den Rijn 1.02%", "Borne 0.39%"],
    ),
    "before_after": (
        ["van GR2022 naar GR2026", "mediaan van de experimentgemeenten van 0,"],
        ["from GR2022 to GR2026", "median of the experiment municipalities from 0."],
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
    "event_study:labels": (["GR2018: 0,00.", "GR2022: +0,21"], ["GR2018: 0.00.", "GR2022: +0.21"]),
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
        ["80% probability", "with 5 experiment municipalities 0.50 percentage points", "with 11"],
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


def _draw(case: str, language: str = "nl") -> Figure:
    arguments, options = CASES[case]
    return getattr(figures, case.partition(":")[0])(*arguments, **options, language=language)


def _shown_texts(figure: Figure) -> list[Text]:
    """Return the texts that are drawn; ticks beyond the limits of an axis are not."""
    figure.canvas.draw()
    found = [t for legend in figure.legends for t in legend.get_texts()] + list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            low, high = sorted(limits)
            found += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    return [t for t in found if t.get_visible() and t.get_text().strip()]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("case", CASES)
def test_every_text_is_whole_legible_and_apart(case, language):
    figure = _draw(case, language)
    assert isinstance(figure, Figure)
    assert figure.get_figwidth() == figures.WIDTH
    texts = _shown_texts(figure)
    boxes = [text.get_window_extent() for text in texts]
    page = figure.bbox
    for text, box in zip(texts, boxes, strict=True):
        assert text.get_fontsize() >= 8, text.get_text()
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= page.x1, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.y1 <= page.y1, text.get_text()
    for (a, one), (b, other) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        apart = one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
        assert apart, (a.get_text(), b.get_text())


@pytest.mark.parametrize("case", CASES)
def test_the_alternative_text_holds_the_numbers_in_both_languages(case):
    arguments, options = CASES[case]
    describe = getattr(figures, f"alt_text_{case.partition(':')[0]}")
    assert describe(*arguments, **options) == describe(*arguments, **options, language="nl")
    for language, pieces in zip(("nl", "en"), TEXTS[case], strict=True):
        text = describe(*arguments, **options, language=language)
        for piece in pieces:
            assert piece in text
        assert text.endswith(".")
        assert "nan" not in text
        assert "{" not in text


def test_every_figure_has_an_alternative_text_and_a_case():
    alternatives = {n.removeprefix("alt_text_") for n in figures.__all__ if n.startswith("alt_")}
    assert alternatives == {case.partition(":")[0] for case in CASES}
    assert alternatives <= set(figures.__all__)


@pytest.mark.parametrize("case", CASES)
def test_the_same_figure_gives_the_same_bytes(case, tmp_path):
    saved = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        figures.save(_draw(case), folder, "figure")
        saved.append([(folder / f"figure.{kind}").read_bytes() for kind in ("svg", "png")])
    assert saved[0] == saved[1]


@pytest.mark.parametrize(("language", "mark"), [("nl", ","), ("en", ".")])
def test_ticks_have_the_decimal_mark_of_the_language(language, mark):
    for case in ("invalid_rates", "methods", "event_study", "love_plot", "power_curve"):
        figure = _draw(case, language)
        written = [t.get_text() for t in _shown_texts(figure)]
        numbers = [t for t in written if t.strip("+−%").replace(mark, "").isdigit()]
        assert any(mark in t for t in numbers), case


def test_the_marked_smallest_effect_is_where_the_curve_crosses_the_target():
    text = figures.alt_text_power_curve([0, 0.01], {5: [0.0, 1.0], 11: [0.85, 1.0]}, target=0.8)
    assert "bij 5 experimentgemeenten 0,80 procentpunt" in text
    assert "bij 11 experimentgemeenten 0,00 procentpunt" in text


def test_a_p_value_too_small_to_write_has_one_sign():
    figure = figures.randomisation(np.array([0.0, 0.001]), 0.02, 1e-9)
    assert "p < 0,000001" in figure.axes[0].texts[0].get_text()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: figures.residuals([1, 2], [0, 1], language="de"),
            "must be one of nl, en",
        ),
        (lambda: figures.residuals([1, 2], [0, NAN]), "residuals has a value that is not a finite"),
        (lambda: figures.residuals([1, 0], [0, 1]), "a fitted count is not positive"),
        (lambda: figures.residuals([1, 2], [0, 1, 2]), "differ in length"),
        (lambda: figures.residuals([1, 2], [0, 1], experiment=[True]), "2 booleans"),
        (lambda: figures.residuals([], []), "at least one value"),
        (lambda: figures.methods(_methods().drop(columns="primary")), "lack the column primary"),
        (lambda: figures.methods(_methods().assign(primary=False)), "one row must be primary"),
        (lambda: figures.methods(_methods().assign(estimate=NAN)), "no row has an estimate"),
        (lambda: figures.methods(_methods().assign(ci_lower=1.0)), "lower bound lies above"),
        (lambda: figures.specification_curve(_methods().drop(columns="label")), "no choices"),
        (lambda: figures.specification_curve(_methods()), "not finite"),
        (lambda: figures.event_study([1, 0], *[[0, 0]] * 5), "must ascend"),
        (lambda: figures.event_study([0, 1], *[[0, 0]] * 4, [0, INF]), "infinite"),
        (lambda: figures.event_study([0, 1], *[[0, 0]] * 5, labels=["a"]), "1 labels for 2"),
        (lambda: figures.love_plot(["a"], [1, 2], [1, 2]), "1 names for 2"),
        (lambda: figures.power_curve([0, 1], {}), "curves can be drawn"),
        (lambda: figures.power_curve([1, 0], {5: [0, 1]}), "ascend"),
        (lambda: figures.power_curve([0, 1], {5: [0, 1.2]}), "between 0 and 1"),
        (lambda: figures.power_curve([0, 1], {5: [0, 1]}, target=80), "target must lie"),
        (lambda: figures.placebo_distribution([0, 1], [0, 1], names=["a"]), "1 names for 2"),
    ],
)
def test_input_that_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
