"""What the report says of learning, from results: every sentence in both languages."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ballot_eval.estimation.learning_decay import decay
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.wording.decay import decay_sentence
from ballot_eval.reporting.wording.learning import NOT_ASKED, learning_sentences
from ballot_eval.results import Measure

FALLS, GROWS, NO_CURVE = [0.0040, 0.0020, 0.0010], [0.0020, 0.0030, 0.0035], [0.0020, 0.003, 0.0025]


@pytest.mark.parametrize(
    ("say", "excess", "words", "never"),
    [
        (DUTCH, FALLS, "Het effect daalt", "groeit"),
        (DUTCH, GROWS, "Het effect groeit", "Het effect daalt"),
        (DUTCH, NO_CURVE, "niet op een kromme", "halveert"),
        (ENGLISH, FALLS, "The effect falls", "grows"),
        (ENGLISH, GROWS, "The effect grows", "The effect falls"),
        (ENGLISH, NO_CURVE, "do not lie on a curve", "halves"),
    ],
)
def test_a_curve_is_told_by_its_sign_with_its_limits(say, excess, words, never):
    curve = decay(np.array(excess), np.diag([1e-8] * 3), draws=2000, seed=1)
    text = decay_sentence(say, SimpleNamespace(learning=SimpleNamespace(decay=curve)))
    assert words in text
    assert never not in text
    if not math.isnan(curve.half_life):
        assert {"nl": "1,0 keer (", "en": "1.0 uses ("}[say.code] in text
        ends = curve.asymptote_lower, curve.asymptote_upper
        assert say.interval(*ends, percent_sign=False, sign=True) in text


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (DUTCH, "alleen te schatten als de aantallen van drie keren"),
        (ENGLISH, "can be estimated only if the counts of three uses"),
    ],
    ids=["nl", "en"],
)
def test_without_three_uses_no_curve_is_told(say, words):
    text = decay_sentence(say, SimpleNamespace(learning=SimpleNamespace(decay=None)))
    assert words in text


def told(study, *measures, forecasts=()):
    """Return an outcome with the uses of the plan and these measures."""
    codes = study.fixed_set()
    history = SimpleNamespace(learning=study.learning, members=codes, fixed_set=codes)
    learning = SimpleNamespace(history=history, forecasts=forecasts, decay=None)
    results = SimpleNamespace(learning=measures)
    return SimpleNamespace(study=study, learning=learning, results=results)


def change(low, high, method="randomisation_studentised", subset="municipality"):
    fields = {"ci_lower": low, "ci_upper": high, "p_value": 0.04}
    middle = (low + high) / 2
    return Measure("change_in_excess", "GR2026-TK2025", subset, method, middle, **fields)


@pytest.mark.parametrize(
    ("say", "limits", "words"),
    [
        (DUTCH, (0.001, 0.003), "nam het effect toe van TK2025 naar GR2026 (+0,20 procentpunt;"),
        (DUTCH, (-0.003, -0.001), "nam het effect af van TK2025 naar GR2026 (\u22120,20"),
        (DUTCH, (-0.001, 0.001), "veranderde het effect niet aantoonbaar van TK2025 naar GR2026"),
        (ENGLISH, (0.001, 0.003), "the effect increased from TK2025 to GR2026 (+0.20 percentage"),
        (ENGLISH, (-0.003, -0.001), "the effect decreased from TK2025 to GR2026 (\u22120.20"),
        (ENGLISH, (-0.001, 0.001), "the effect did not demonstrably change from TK2025 to GR2026"),
    ],
)
def test_a_change_is_called_one_only_where_its_interval_leaves_zero_out(gr2026, say, limits, words):
    said = learning_sentences(say, told(gr2026, change(*limits)))
    assert words in said["learning_answer_text"]


@pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)
def test_the_answer_is_about_the_change_from_the_first_use_where_it_is_known(gr2026, say):
    whole = replace(change(-0.001, 0.001), group="GR2026-EP2024")
    said = learning_sentences(say, told(gr2026, change(0.001, 0.003), whole))
    assert "TK2025" not in said["learning_answer_text"]
    assert "EP2024" in said["learning_answer_text"]


@pytest.mark.parametrize(
    ("say", "limits", "words"),
    [
        (DUTCH, (-0.003, 0.001), "verschilt bij deze verkiezing niet aantoonbaar van"),
        (DUTCH, (-0.003, -0.001), "verschilt bij deze verkiezing van dat in gemeenten"),
        (ENGLISH, (-0.003, 0.001), "used the ballot before does not demonstrably differ from"),
        (ENGLISH, (-0.003, -0.001), "used the ballot before differs from that in municipalities"),
    ],
)
def test_later_against_first_use_in_the_answer(gr2026, say, limits, words):
    fields = {"estimate": -0.002, "ci_lower": limits[0], "ci_upper": limits[1], "p_value": 0.1}
    m = Measure("later_against_first", "later-first", "municipality", "exact_permutation", **fields)
    groups = [
        Measure("excess_of_group", "GR2026", subset, "mean", value, n=n)
        for subset, value, n in (("later", 0.002, 4), ("first", 0.004, 7))
    ]
    said = learning_sentences(say, told(gr2026, m, *groups))
    assert words in said["learning_answer_text"]
    sizes = {"nl": ("in de vier gemeenten die", "in de zeven"), "en": ("in the four", "the seven")}
    for piece in say.pick(sizes):
        assert piece in said["later_first_text"]


@pytest.mark.parametrize(
    ("say", "limits", "words"),
    [
        (DUTCH, (0.7, 0.9), "(0,70 tot 0,90; p-waarde 0,020). Zij zijn niet geloot"),
        (DUTCH, (0.7, 1.1), "p-waarde 0,020); een verschil is niet aangetoond. Zij"),
        (ENGLISH, (0.7, 0.9), "(0.70 to 0.90; p-value 0.020). They were not drawn by lot"),
        (ENGLISH, (0.7, 1.1), "p-value 0.020); no difference was shown. They"),
    ],
)
def test_voters_at_one_station_are_said_to_differ_only_if_they_do(gr2026, say, limits, words):
    fields = {"estimate": 0.8, "ci_lower": limits[0], "ci_upper": limits[1], "p_value": 0.02}
    m = Measure("within_station_time_ratio", "used/not", "all", "cr2_municipality", **fields)
    assert words in learning_sentences(say, told(gr2026, m))["within_station_text"]


@pytest.mark.parametrize(
    ("say", "part", "method", "words"),
    [
        (DUTCH, "learning", "identity", "verandering van het effect +0,20. De delen"),
        (DUTCH, "learning", "identity", "Dat het laatste deel leren is, is een aanname"),
        (DUTCH, "excess_over_control", "identity", "en is over leren niets te zeggen."),
        (DUTCH, "learning", "identity_rounded", "Waar twee grenzen staan, laat de afronding"),
        (ENGLISH, "learning", "identity", "change in the effect +0.20. The parts"),
        (ENGLISH, "learning", "identity", "That the last part is learning is an assumption"),
        (ENGLISH, "excess_over_control", "identity", "and nothing can be said about learning."),
        (ENGLISH, "learning", "identity_rounded", "Where two limits are given, rounding leaves"),
    ],
)
def test_what_the_last_part_of_a_change_tells(gr2026, say, part, method, words):
    fields = {"estimate": 0.002, "ci_lower": 0.001, "ci_upper": 0.003}
    found = [
        Measure(f"decomposition_{name}", "GR2026-TK2025", "all", method, **fields)
        for name in ("naive", part)
    ]
    assert words in learning_sentences(say, told(gr2026, *found))["decomposition_text"]


@pytest.mark.parametrize(
    ("say", "scenarios", "words"),
    [
        (
            DUTCH,
            ("no_further_learning", "most_exposures"),
            [
                "te verwachten, als het gaat zoals nu 0,50% (ongeveer 30.000 extra) en zoals na",
                "Dat zijn twee rekenvoorbeelden",
                "van zo kleine groepen is geen verhouding geschat.",
            ],
        ),
        (
            DUTCH,
            ("no_further_learning", "best_municipality"),
            ["is de kleinste uitkomst van een aantal", "Leren zoals gezien is niet doorgerekend"],
        ),
        (DUTCH, (), ["Dit is met deze gegevens niet te meten."]),
        (
            ENGLISH,
            ("no_further_learning", "most_exposures"),
            [
                "is 0.50% if things go as now (about 30,000 extra) and 0.50% as after more uses",
                "These are two worked examples",
                "no ratio was estimated for such small groups.",
            ],
        ),
        (
            ENGLISH,
            ("no_further_learning", "best_municipality"),
            ["is the smallest of a number of outcomes", "Learning as observed was not worked out"],
        ),
        (ENGLISH, (), ["This cannot be measured with these data."]),
    ],
)
def test_forecasts_are_told_by_scenario(gr2026, say, scenarios, words):
    made = [
        SimpleNamespace(
            label=name, scale="additive", share=0.005, control_rate=0.002, extra_votes=_extra
        )
        for name in scenarios
    ]
    text = learning_sentences(say, told(gr2026, forecasts=made))["forecast_text"]
    for piece in words:
        assert piece in text


def _extra(share):
    return (share - 0.002) * 10_000_000


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (
            DUTCH,
            {
                "fixed_set_text": "telkens mee: Alphen aan den Rijn, Boekel, Midden-Delfland en "
                "Tynaarlo. Niet meer mee deed Borne. Voor het eerst mee deden Gouda, ",
                "later_first_text": "er is geen groep om mee te vergelijken.",
                "within_station_text": "Van geen stembureau zijn tijden bekend",
                "learning_changes_text": "een toets is daarom niet mogelijk.",
                "learning_answer_text": "Dit is met deze gegevens niet te meten.",
                "decomposition_text": "Dit is met deze gegevens niet te meten.",
            },
        ),
        (
            ENGLISH,
            {
                "fixed_set_text": "every time: Alphen aan den Rijn, Boekel, Midden-Delfland and "
                "Tynaarlo. Borne no longer took part. Gouda, ",
                "later_first_text": "there is no group to compare with.",
                "within_station_text": "At no polling station are times known",
                "learning_changes_text": "a test is therefore not possible.",
                "learning_answer_text": "This cannot be measured with these data.",
                "decomposition_text": "This cannot be measured with these data.",
            },
        ),
    ],
    ids=["nl", "en"],
)
def test_without_measures_every_sentence_says_so(gr2026, say, words):
    said = learning_sentences(say, told(gr2026))
    for name, piece in words.items():
        assert piece in said[name]


@pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)
def test_learning_that_was_not_asked_for_is_not_measured(gr2026, say):
    said = learning_sentences(say, SimpleNamespace(study=gr2026, learning=None))
    assert set(said.values()) == {say.pick(NOT_ASKED)}
