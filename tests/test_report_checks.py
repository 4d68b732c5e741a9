"""The sentences on checks, margin and choices: in both languages, with the same numbers."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pandas as pd
import pytest

from ballot_eval.estimation.specification import Specification
from ballot_eval.reporting.language import ENGLISH, LANGUAGES
from ballot_eval.reporting.wording.checks import check_sentences
from ballot_eval.reporting.wording.margin import margin_text
from ballot_eval.reporting.wording.notes import reason_sentences
from ballot_eval.results import Check, Effect, Power
from two_languages import DUTCH, foreign_words, numbers
from two_languages import ENGLISH as ENGLISH_WORDS

NAMES = {"0001": "Adorp", "0002": "Bedum", "0003": "'s-Gravenmoer"}
NAN, INF = math.nan, math.inf


def check(name, variant="", estimate=0.003, *, note="", n_control=330, **fields):
    limits = {"ci_lower": estimate - 0.001, "ci_upper": estimate + 0.001, "p_value": 0.012}
    labels = ("invalid", "municipality", "GR2022", "randomisation")
    numbers_of = {"estimate": estimate, "n_experiment": 11, "n_control": n_control, "note": note}
    return Check(name, variant, *labels, **(numbers_of | limits | fields))


def effect(method="randomisation", estimate=0.003, *, note="", **fields):
    made = {
        "outcome": "invalid",
        "estimand": "att",
        "contrast": "GR2022-GR2026",
        "weighting": "municipality",
        "baseline": "GR2022",
        "method": method,
        "estimate": estimate,
        "ci_lower": 0.002,
        "ci_upper": 0.004,
        "p_value": 0.001,
        "n_experiment": 11,
        "n_control": 330,
        "draws": 999,
        "exact": False,
        "seed": 1,
    }
    return Effect(**(made | {"note": note} | fields))


def outcome_of(*checks, effects=(), specifications=(), power=(), margin=None, strata=None):
    analysis = {"outcome": "invalid", "weighting": "municipality", "margin": margin}
    study = SimpleNamespace(
        analysis=SimpleNamespace(**analysis, strata=strata), baselines=("GR2022", "GR2018")
    )
    rows = {"municipality_code": list(NAMES), "municipality_name": list(NAMES.values())}
    results = SimpleNamespace(
        checks=checks, effects=effects, specifications=specifications, power=power
    )
    return SimpleNamespace(
        study=study,
        results=results,
        panel=SimpleNamespace(results=pd.DataFrame(rows)),
        primary=SimpleNamespace(effect=effect()),
    )


def told(outcome, name):
    """Return a text in both languages, after a look at what they must have in common."""
    both = [check_sentences(say, outcome) | reason_sentences(say, outcome) for say in LANGUAGES]
    return compared(*(texts[name] for texts in both))


def compared(dutch, english):
    assert numbers(dutch, "nl") == numbers(english, "en")
    assert foreign_words(dutch, ENGLISH_WORDS, NAMES.values()) == set()
    assert foreign_words(english, DUTCH, NAMES.values()) == set()
    return dutch, english


def trends(**fields):
    return (
        check("relative_magnitudes", "1", 0.003),
        check("relative_magnitudes", "breakdown", **fields),
    )


def choices(*estimates):
    labels = ("GR2022", "all", "municipality", "difference", "randomisation", "points")
    return tuple(Specification(*labels, e, e - 0.002, e + 0.002, 0.5) for e in estimates)


OMITTED = "too few municipalities for these covariates"
CASES = {
    "no outliers": ("jumps_text", outcome_of(), "No control municipality changed so strongly"),
    "one outlier": (
        "jumps_text",
        outcome_of(check("without_jumps", "0002")),
        "One control municipality changed quite differently from all others: Bedum. Without it "
        "the effect is +0.30 percentage points (+0.20 to +0.40 percentage points; p-value 0.012).",
    ),
    "two outliers": (
        "jumps_text",
        outcome_of(check("without_jumps", "0003+0001")),
        "Some control municipalities changed quite differently from all others: Adorp and "
        "’s-Gravenmoer. Without them",
    ),
    "no number and why": (
        "pools_text",
        outcome_of(check("control_pool", "all", NAN, note="too few municipalities")),
        "This cannot be estimated: there are too few municipalities.",
    ),
    "not measured": ("power_text", outcome_of(), "This was not measured."),
    "a size that nothing finds": (
        "power_text",
        outcome_of(
            power=[
                Power("invalid", 5, 330, 0.001, 0.2, 0.01, INF),
                Power("invalid", 11, 330, 0.001, 0.5, 0.01, 0.0016),
            ]
        ),
        "The smallest effect that is found with a probability of 80%, if every municipality has "
        "equal weight: with five municipalities it is none of the effects examined and with "
        "eleven municipalities it is 0.16 percentage points.",
    ),
    "a trend that undoes it": (
        "trends_text",
        outcome_of(*trends(estimate=5.2)),
        "The interval contains zero from 5.2 times that size.",
    ),
    "no trend undoes it": (
        "trends_text",
        outcome_of(*trends(estimate=INF)),
        "At no size of such differences does the interval contain zero.",
    ),
    "undone without a trend": (
        "trends_text",
        outcome_of(*trends(estimate=NAN)),
        "Even if the municipalities had moved in parallel",
    ),
    "all choices leave zero out": (
        "specifications_text",
        outcome_of(specifications=choices(0.003, 0.004)),
        "The 2 combinations of baseline election, control group, weighting and method give an "
        "effect of +0.30 to +0.40 percentage points; for all of them",
    ),
    "some choices leave zero out": (
        "specifications_text",
        outcome_of(
            *(check("specification_omitted", f"matched:{m}", NAN, note=OMITTED) for m in ("crv1",)),
            check("specification_joint", "median", 0.003),
            specifications=choices(0.001, 0.004),
        ),
        "for 1 of them the interval excludes zero. In addition, 1 cannot be estimated: "
        "matched municipalities with regression, CRV1 (there are too few municipalities to take "
        "these characteristics into account). Of the four with reassignment among all",
    ),
    "no choices leave zero out": (
        "specifications_text",
        outcome_of(specifications=choices(0.001)),
        "for none of them",
    ),
    "no choices within strata": (
        "specifications_text",
        outcome_of(strata=SimpleNamespace(size_groups=5)),
        "This was not made, because the analysis plan compares within groups by size.",
    ),
    "balance": (
        "balance_text",
        outcome_of(
            check(
                "balance_before",
                "a",
                0.5,
                n_control=329,
                note="left out without all facts and earlier rates: 0003",
            ),
            check("balance_after", "a", 0.05),
        ),
        "Of the one characteristics, one comes closer to the experiment municipalities, and the "
        "difference is below 0.1 standard deviations for one. Not compared: one municipality "
        "(left out, because not all characteristics and earlier shares are known: ’s-Gravenmoer).",
    ),
    "one placebo in space": (
        "synthetic_text",
        outcome_of(
            check("synthetic_unit", "0001", 0.003),
            *(check("synthetic_placebo", "", e) for e in (0.004, 0.001)),
        ),
        "one has a placebo effect at least as large as",
    ),
    "no placebo in space": (
        "synthetic_text",
        outcome_of(check("synthetic_unit", "0001", 0.003), check("synthetic_placebo", "", 0.001)),
        "none has a placebo effect",
    ),
    "one interval with zero": (
        "methods_text",
        outcome_of(effects=[effect(), effect("crv1", 0.001, ci_lower=-0.001)]),
        "The 2 estimates of this difference range from +0.10 to +0.30 percentage points; 1 of "
        "their intervals contains zero.",
    ),
    "no method": ("methods_text", outcome_of(), "None of the methods has a number"),
    "notes of effects": (
        "effects_notes",
        outcome_of(
            effects=[
                effect(estimate=NAN, note="no control municipality has results at both A1 and B1"),
                effect(
                    weighting="ballot",
                    note="left out without results of polling stations: 0002, 0001",
                ),
            ]
        ),
        "Cannot be estimated (invalid since GR2022, per municipality): no control municipality "
        "has results for both A1 and B1. For invalid since GR2022, per vote: left out, having no "
        "results by polling station: Bedum and Adorp.",
    ),
    "notes of checks": (
        "checks_notes",
        outcome_of(check("leave_one_out", "0003", NAN, note="the model could not be fitted")),
        "Cannot be estimated (the effect without ’s-Gravenmoer): the model cannot be fitted to "
        "these data.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_sentences_say_the_same_in_both_languages(case):
    name, outcome, part = CASES[case]
    _, english = told(outcome, name)
    assert part in english


@pytest.mark.parametrize(
    ("inferior", "equal", "smaller", "between"),
    [
        ("non_inferior", "equivalent", "It has been shown", "It has been shown"),
        ("non_inferior", "", "It has been shown", "It has not been shown"),
        ("", "", "It has not been shown", "It has not been shown"),
    ],
)
def test_the_verdict_against_a_margin_is_the_one_of_the_checks(inferior, equal, smaller, between):
    outcome = outcome_of(
        check("non_inferiority", inferior), check("equivalence", equal), margin=0.005
    )
    dutch, english = compared(*(margin_text(say, outcome) for say in LANGUAGES))
    assert f"{smaller} that the effect is smaller than that margin" in english
    assert f"{between} that the effect lies between −0.50 and +0.50 percentage points" in english
    assert dutch.count("niet aangetoond") == english.count("not been shown")
    assert "fixed in advance, is 0.50 percentage points" in english


def test_without_a_margin_or_a_test_there_is_no_verdict():
    _, english = compared(*(margin_text(say, outcome_of()) for say in LANGUAGES))
    assert "names no margin" in english
    note = "there is no joint test, and none against a margin, within strata"
    undefined = (check(n, "", NAN, note=note) for n in ("non_inferiority", "equivalence"))
    text = margin_text(ENGLISH, outcome_of(*undefined, margin=0.001))
    assert text.endswith(
        "cannot be tested against it: within groups by size there is no joint test, and no test "
        "against a margin."
    )
