"""The rules of the summary: what an estimate shows, at the boundaries of the rules."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.decisions import equivalence_test, non_inferiority_test
from ballot_eval.reporting.wording.verdicts import joint_verdict, margin_verdict, verdict

NAN = math.nan
TINY = 1e-12


@pytest.mark.parametrize(
    ("numbers", "neutral", "shown"),
    [
        ((0.003, TINY, 0.006), 0.0, "more"),
        ((0.003, 0.0, 0.006), 0.0, "not_shown"),
        ((0.003, -TINY, 0.006), 0.0, "not_shown"),
        ((-0.003, -0.006, -TINY), 0.0, "less"),
        ((-0.003, -0.006, 0.0), 0.0, "not_shown"),
        ((0.0, 0.0, 0.0), 0.0, "not_shown"),
        ((0.9, 0.8, 1.0), 1.0, "not_shown"),
        ((0.9, 0.8, 1.0 - TINY), 1.0, "less"),
        ((1.1, 1.0, 1.2), 1.0, "not_shown"),
        ((1.1, 1.0 + TINY, 1.2), 1.0, "more"),
        ((0.003, -math.inf, math.inf), 0.0, "not_shown"),
        ((0.003, 0.001, math.inf), 0.0, "more"),
        ((0.003, NAN, NAN), 0.0, "not_tested"),
        ((0.003, 0.001, NAN), 0.0, "not_tested"),
        ((NAN, NAN, NAN), 0.0, "not_measured"),
        ((NAN, 0.001, 0.002), 0.0, "not_measured"),
    ],
)
def test_an_interval_shows_a_direction_only_when_it_leaves_no_difference_out(
    numbers, neutral, shown
):
    assert verdict(*numbers, neutral=neutral) == shown


@pytest.mark.parametrize(
    ("estimate", "p_adjusted", "shown"),
    [
        (0.05, 0.05 - TINY, "more"),
        (-0.05, 0.05 - TINY, "less"),
        (0.05, 0.05, "not_shown"),
        (0.0, 0.01, "not_shown"),
        (0.05, NAN, "not_tested"),
        (NAN, 0.01, "not_measured"),
    ],
)
def test_of_questions_asked_together_the_joint_p_value_decides(estimate, p_adjusted, shown):
    assert joint_verdict(estimate, p_adjusted, alpha=0.05) == shown


def check(name, variant, estimate=0.001):
    return SimpleNamespace(check=name, variant=variant, estimate=estimate)


@pytest.mark.parametrize(
    ("variants", "shown"),
    [
        (("non_inferior", "equivalent"), "equivalent"),
        (("non_inferior", "not_shown"), "non_inferior"),
        (("not_shown", "not_shown"), "not_shown"),
        (("undecided", "undecided"), "not_tested"),
    ],
)
def test_the_strongest_verdict_against_the_margin_is_given(variants, shown):
    estimate = NAN if shown == "not_tested" else 0.001
    checks = [
        check(name, variant, estimate)
        for name, variant in zip(("non_inferiority", "equivalence"), variants, strict=True)
    ]
    assert margin_verdict([check("placebo", "equivalent"), *checks]) == shown


def test_without_a_margin_there_is_no_verdict():
    assert margin_verdict([check("placebo", "equivalent")]) == "no_margin"


def test_a_margin_that_is_met_exactly_shows_nothing():
    rng = np.random.default_rng(1)
    treated = np.arange(40) < 10
    values = rng.normal(0, 0.001, 40)
    draws = draw_assignments(treated, draws=999, max_exact=100, seed=1)
    tests = {"non_inferiority": non_inferiority_test, "equivalence": equivalence_test}

    def verdicts(margin):
        found = {
            name: test(values, treated, draws, margin=margin, alpha=0.025)
            for name, test in tests.items()
        }
        return found, margin_verdict([check(k, d.verdict) for k, d in found.items()])

    found, _ = verdicts(0.01)
    limit = found["non_inferiority"].ci_upper
    assert verdicts(limit)[1] == "not_shown"
    assert verdicts(limit * (1 + 1e-6))[1] in ("non_inferior", "equivalent")
