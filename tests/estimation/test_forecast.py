"""Forecasts of a national introduction: arithmetic by hand, limits, cut-offs, known truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from ballot_eval.estimation.forecast import (
    Effect,
    GroupEffects,
    forecast,
    forecast_scenarios,
)

#: TK2025: votes cast in the country, and the share of the municipalities without the ballot.
CAST = 10_640_324
RATE = 27_573 / 10_508_846
SINGLE = (0.0030, 0.0021, 0.0025, 0.0019, 0.0027)
EXCESS = Effect(0.0025, 0.0018, 0.0032, SINGLE)
RATIO = Effect(2.0, 1.6, 2.4, (2.2, 1.8, 2.0, 1.7, 2.1))


def test_additive_by_hand():
    made = forecast(RATE, CAST, EXCESS, label="a", scale="additive")
    assert made.share == RATE + 0.0025
    assert (made.share_lower, made.share_upper) == (RATE + 0.0018, RATE + 0.0032)
    assert (made.share_range_lower, made.share_range_upper) == (RATE + 0.0019, RATE + 0.0030)
    assert made.votes(made.share) == pytest.approx((RATE + 0.0025) * CAST)
    assert made.extra_votes(made.share) == pytest.approx(0.0025 * CAST)
    assert made.extra_votes(made.share_upper) == pytest.approx(34_049.04, abs=0.01)
    assert (made.label, made.scale, made.cut_off) == ("a", "additive", False)


def test_ratio_by_hand():
    made = forecast(RATE, CAST, RATIO, label="a", scale="ratio")
    assert made.share == 2 * RATE
    assert (made.share_lower, made.share_upper) == (1.6 * RATE, 2.4 * RATE)
    assert (made.share_range_lower, made.share_range_upper) == (1.7 * RATE, 2.2 * RATE)
    assert made.extra_votes(made.share) == pytest.approx(RATE * CAST)
    logs = ttest_1samp(np.log(RATIO.municipalities), 0).confidence_interval(0.95)
    factor = math.exp((logs.high - logs.low) / 2)
    assert made.share_sampled_upper == pytest.approx(2 * RATE * factor, rel=1e-12)
    assert made.share_sampled_lower == pytest.approx(2 * RATE / factor, rel=1e-12)


def test_a_ratio_of_one_and_an_excess_of_zero_change_nothing():
    for effect, scale in ((Effect(0.0), "additive"), (Effect(1.0), "ratio")):
        made = forecast(RATE, CAST, effect, label="", scale=scale)
        assert made.extra_votes(made.share) == 0
        assert math.isnan(made.share_lower)
        assert math.isnan(made.votes(made.share_lower))
        assert math.isnan(made.share_range_upper)
        assert math.isnan(made.share_sampled_upper)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_the_sampled_limits_are_a_t_interval(level):
    made = forecast(RATE, CAST, EXCESS, label="", scale="additive", confidence_level=level)
    expected = ttest_1samp(SINGLE, 0).confidence_interval(level)
    shift = 0.0025 - np.mean(SINGLE)
    assert made.share_sampled_lower - RATE == pytest.approx(expected.low + shift, rel=1e-9)
    assert made.share_sampled_upper - RATE == pytest.approx(expected.high + shift, rel=1e-9)


def test_the_sampled_limits_hold_the_national_mean_as_often_as_they_say():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(2000):
        country = rng.normal(0.0025, 0.0008, 340)
        single = rng.choice(country, 11, replace=False)
        effect = Effect(float(single.mean()), municipalities=tuple(single.tolist()))
        made = forecast(RATE, CAST, effect, label="", scale="additive")
        share = RATE + country.mean()
        held += made.share_sampled_lower <= share <= made.share_sampled_upper
    # Without a correction for drawing from 340 it is a little more than 95%.
    assert 0.94 <= held / 2000 <= 0.975


def test_shares_are_cut_off_at_nought_and_that_is_said():
    effect = Effect(-0.001, -0.004, 0.002, (-0.01, 0.001))
    made = forecast(RATE, CAST, effect, label="", scale="additive")
    assert made.cut_off
    assert made.share == RATE - 0.001
    assert made.share_lower == made.share_range_lower == 0.0
    assert made.votes(made.share_lower) == 0
    assert made.extra_votes(made.share_lower) == pytest.approx(-RATE * CAST)
    high = forecast(0.6, CAST, Effect(2.0, 1.0, math.inf), label="", scale="ratio")
    assert high.cut_off
    assert high.share == high.share_upper == 1.0


def test_a_ratio_of_nought_has_no_sampled_limits():
    made = forecast(RATE, CAST, Effect(1.5, municipalities=(0.0, 2.0)), label="", scale="ratio")
    assert math.isnan(made.share_sampled_lower)
    assert made.share_range_lower == 0.0
    assert not made.cut_off


def test_draws_give_their_quantiles():
    draws = np.random.default_rng(2).normal(0.0025, 0.0003, 4000)
    effect = Effect.from_draws(draws, confidence_level=0.9, municipalities=SINGLE)
    expected = np.quantile(draws, [0.05, 0.95])
    assert (effect.lower, effect.upper) == pytest.approx(tuple(expected), rel=1e-12)
    assert effect.estimate == draws.mean()
    assert effect.municipalities == SINGLE
    assert Effect.from_draws(draws, estimate=0.0024).estimate == 0.0024


def test_scenarios_are_the_groups_on_both_scales():
    first = GroupEffects(Effect(0.0031, 0.0022, 0.0040))
    third = GroupEffects(Effect(0.0015, 0.0007, 0.0023), Effect(1.6, 1.2, 2.0))
    made = forecast_scenarios(
        RATE, CAST, latest=GroupEffects(EXCESS, RATIO), first_use=first, most_exposures=third
    )
    assert list(made) == [
        ("no_further_learning", "additive"),
        ("no_further_learning", "ratio"),
        ("first_use", "additive"),
        ("most_exposures", "additive"),
        ("most_exposures", "ratio"),
        ("best_municipality", "additive"),
        ("best_municipality", "ratio"),
    ]
    assert made["first_use", "additive"].share == RATE + 0.0031
    assert made["most_exposures", "ratio"].share == RATE * 1.6
    best = made["best_municipality", "additive"]
    assert best.share == RATE + 0.0019
    assert math.isnan(best.share_lower)
    assert math.isnan(best.share_range_lower)
    assert made["best_municipality", "ratio"].share == RATE * 1.7
    alone = forecast_scenarios(RATE, CAST, latest=first)
    assert list(alone) == [("no_further_learning", "additive")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Effect(math.nan), "cannot be carried over"),
        (lambda: Effect(math.inf), "cannot be carried over"),
        (lambda: Effect(0.1, 0.0), "one limit alone"),
        (lambda: Effect(0.1, 0.2, 0.3), "does not lie within"),
        (lambda: Effect(0.1, municipalities=(0.1, math.nan)), "not finite"),
        (lambda: Effect.from_draws([0.1] * 5), "20 finite draws"),
        (lambda: Effect.from_draws([0.1] * 19 + [math.nan]), "20 finite draws"),
        (lambda: Effect.from_draws([0.1] * 20, confidence_level=95), "confidence level"),
        (lambda: Effect.from_draws([0.1] * 20, estimate=0.3), "does not lie within"),
        (lambda: forecast(0.24, 0, EXCESS, label="", scale="additive"), "votes cast"),
        (lambda: forecast(0.2, math.nan, EXCESS, label="", scale="additive"), "votes cast"),
        (lambda: forecast(24, CAST, EXCESS, label="", scale="additive"), "not a fraction"),
        (lambda: forecast(math.nan, CAST, EXCESS, label="", scale="additive"), "not a fraction"),
        (lambda: forecast(RATE, CAST, EXCESS, label="", scale="odds"), "unknown scale"),
        (lambda: forecast(RATE, CAST, Effect(-0.1), label="", scale="ratio"), "is negative"),
        (
            lambda: forecast(RATE, CAST, EXCESS, label="", scale="ratio", confidence_level=1),
            "confidence level",
        ),
    ],
)
def test_nonsense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
