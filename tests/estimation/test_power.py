"""Power by placebo assignment against brute force and the normal approximation."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time

import numpy as np
import pytest
from scipy.stats import norm

from ballot_eval.estimation.inference import draw_assignments, randomisation_test
from ballot_eval.estimation.power import (
    minimum_detectable_effect,
    placebo_studies,
    power_curve,
)

EFFECTS = np.array([-3.0, -1.7, -0.6, 0.0, 0.2, 0.9, 1.6, 2.4, 5.0])


def sets(strata, sizes):
    """All ways to take so many units per stratum."""
    groups = [np.flatnonzero(strata == s).tolist() for s in np.unique(strata)]
    choices = [itertools.combinations(g, k) for g, k in zip(groups, sizes, strict=True)]
    return [sum(rows, ()) for rows in itertools.product(*choices)]


def brute_power(y, w, strata, sizes, tau, alpha, alternative):
    """Every placebo study tested against every assignment, nothing taken apart."""
    every = sets(strata, sizes)

    def statistic(z, members):
        mask = np.isin(np.arange(len(z)), members)
        return np.average(z[mask], weights=w[mask]) - np.average(z[~mask], weights=w[~mask])

    rejected = 0
    for study in every:
        z = y + tau * np.isin(np.arange(len(y)), study)
        observed = statistic(z, study)
        values = np.array([statistic(z, members) for members in every])
        extreme = {
            "two-sided": np.abs(values) >= abs(observed) - 1e-9,
            "greater": values >= observed - 1e-9,
            "less": values <= observed + 1e-9,
        }[alternative]
        rejected += extreme.mean() <= alpha + 1e-12
    return rejected / len(every)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("stratified", [False, True])
def test_power_equals_brute_force(alternative, weighted, stratified):
    rng = np.random.default_rng(4)
    y = np.round(rng.normal(size=8) * 2) / 2 if weighted else rng.exponential(size=8)
    w = rng.uniform(0.5, 3.0, size=8) if weighted else np.ones(8)
    strata = np.array([1, 0, 1, 1, 0, 0, 1, 0]) if stratified else np.zeros(8, dtype=int)
    sizes = [1, 2] if stratified else [2]
    studies = placebo_studies(
        y,
        experiment_units=sizes if stratified else 2,
        alpha=0.15,
        studies=100,
        draws=100,
        seed=1,
        alternative=alternative,
        weights=w if weighted else None,
        strata=strata if stratified else None,
    )
    assert studies.exact
    assert studies.all_studies
    curve = power_curve(studies, EFFECTS)
    expected = [brute_power(y, w, strata, sizes, tau, 0.15, alternative) for tau in EFFECTS]
    assert curve.power.tolist() == pytest.approx(expected, abs=1e-12)
    assert max(expected) > 0
    assert (curve.errors == 0).all()


def test_half_of_the_units_as_experiment():
    # Here the complement of every study is an assignment too, and as extreme whatever the effect.
    y = np.random.default_rng(6).normal(size=6)
    studies = placebo_studies(y, experiment_units=3, alpha=0.1, studies=20, draws=20, seed=1)
    expected = [
        brute_power(y, np.ones(6), np.zeros(6), [3], tau, 0.1, "two-sided") for tau in EFFECTS
    ]
    assert power_curve(studies, EFFECTS).power.tolist() == pytest.approx(expected)


def test_drawn_studies_decide_as_the_randomisation_test_does():
    rng = np.random.default_rng(9)
    y, w = rng.normal(size=40), rng.uniform(0.5, 2.0, size=40)
    studies = placebo_studies(
        y, experiment_units=4, alpha=0.1, studies=30, draws=199, seed=3, weights=w
    )
    assert not studies.exact
    # The same draws and the same shuffles, each study run through the test itself.
    role = np.arange(40) < 4
    assignments = draw_assignments(role, draws=199, max_exact=199, seed=3)
    orders = np.random.default_rng([3, 1]).permuted(np.tile(np.arange(40), (30, 1)), axis=1)
    for tau in (-1.5, 0.0, 0.8, 2.0):
        p_values = [
            randomisation_test(y[o] + tau * role, role, assignments, weights=w[o]).p_value
            for o in orders
        ]
        expected = np.mean(np.array(p_values) <= 0.1 + 1e-12)
        assert power_curve(studies, np.array([tau])).power[0] == pytest.approx(expected)


@pytest.mark.parametrize(("m", "seed"), [(5, 1), (11, 2), (40, 3)])
def test_iid_normal_changes_give_the_textbook_power(m, seed):
    y = np.random.default_rng(seed).normal(size=330)
    scale = y.std(ddof=1) * math.sqrt(1 / m + 1 / (330 - m))
    effects = np.linspace(0, 4.5, 25) * scale
    z = norm.ppf(0.975)
    textbook = norm.cdf(effects / scale - z) + norm.cdf(-effects / scale - z)
    studies = placebo_studies(y, experiment_units=m, alpha=0.05, studies=3000, draws=999, seed=5)
    curve = power_curve(studies, effects)
    # 0.03: three Monte-Carlo errors at power one half; the permutation spread itself grows by
    # a percent or so with the effect.
    assert np.abs(curve.power - textbook).max() < 0.03
    assert curve.power[0] == pytest.approx(0.05, abs=0.015)
    found = minimum_detectable_effect(studies, power=0.8)
    assert found.effect == pytest.approx((z + norm.ppf(0.8)) * scale, rel=0.04)
    assert found.lower < found.effect < found.upper


def test_monte_carlo_error_is_that_of_independent_studies():
    # The studies share their draws; if that mattered, runs would scatter more than binomially.
    y = np.random.default_rng(1).normal(size=60)
    powers = [
        power_curve(
            placebo_studies(y, experiment_units=5, alpha=0.05, studies=300, draws=199, seed=s),
            np.array([0.0, 1.0]),
        )
        for s in range(80)
    ]
    scatter = np.std([p.power for p in powers], axis=0, ddof=1)
    expected = np.mean([p.errors for p in powers], axis=0)
    assert (scatter / expected).tolist() == pytest.approx([1.0, 1.0], abs=0.3)


def test_the_detectable_effect_is_where_the_curve_crosses():
    y = np.random.default_rng(2).exponential(size=150)
    studies = placebo_studies(y, experiment_units=5, alpha=0.05, studies=500, draws=499, seed=7)
    for direction, sign in (("positive", 1), ("negative", -1)):
        found = minimum_detectable_effect(studies, power=0.7, direction=direction)
        around = found.effect + sign * 1e-9 * np.array([-1, 1])
        before, after = power_curve(studies, around).power
        assert before < 0.7 <= after
        beyond = found.effect + sign * np.linspace(1e-9, 20, 400)
        assert (power_curve(studies, beyond).power >= 0.7).all()
    up = minimum_detectable_effect(studies)
    down = minimum_detectable_effect(studies, direction="negative")
    assert up.effect > 0 > down.effect
    assert abs(down.lower) < abs(down.effect) < abs(down.upper)


def test_periods_share_the_studies_and_a_loud_period_costs_power():
    rng = np.random.default_rng(3)
    quiet, loud = rng.normal(size=100), 3 * rng.normal(size=100)
    settings = {"experiment_units": 5, "alpha": 0.05, "studies": 1000, "draws": 199, "seed": 1}
    effects = np.array([2.0])
    one, two, both = (
        power_curve(placebo_studies(y, **settings), effects).power[0]
        for y in (quiet, loud, np.column_stack([quiet, loud]))
    )
    assert one > two
    assert both == pytest.approx((one + two) / 2, abs=0.05)


def test_all_studies_of_all_periods():
    y = np.random.default_rng(3).normal(size=(7, 2))
    settings = {"experiment_units": 2, "alpha": 0.1, "studies": 42, "draws": 42, "seed": 1}
    both = placebo_studies(y, **settings)
    assert both.all_studies
    assert len(both.estimates) == 42
    single = [power_curve(placebo_studies(y[:, k], **settings), EFFECTS).power for k in (0, 1)]
    assert power_curve(both, EFFECTS).power == pytest.approx(np.mean(single, axis=0))


def test_more_experiment_units_and_strata_that_explain_help():
    rng = np.random.default_rng(8)
    strata = np.repeat([0, 1], 60)
    y = 4.0 * strata + rng.normal(size=120)
    settings = {"alpha": 0.05, "studies": 500, "draws": 199, "seed": 1}

    def found(units, groups=None):
        studies = placebo_studies(y, experiment_units=units, strata=groups, **settings)
        return minimum_detectable_effect(studies).effect

    assert found(12) < found(4)
    assert found([2, 2], strata) < 0.7 * found(4)


def test_no_power_at_all_when_there_are_too_few_assignments():
    y = np.arange(10.0) ** 2
    studies = placebo_studies(y, experiment_units=1, alpha=0.05, studies=10, draws=10, seed=1)
    assert (power_curve(studies, EFFECTS).power == 0).all()
    found = minimum_detectable_effect(studies)
    assert found.effect == math.inf
    assert minimum_detectable_effect(studies, direction="negative").effect == -math.inf


def test_a_curve_takes_less_than_a_second():
    y = np.random.default_rng(0).normal(size=330)
    start = time.perf_counter()
    studies = placebo_studies(y, experiment_units=11, alpha=0.05, studies=1000, draws=999, seed=1)
    power_curve(studies, np.linspace(0, 2, 25))
    # Ordinarily 0.2 seconds; the slack is for a busy machine.
    assert time.perf_counter() - start < 3.0


def test_results_repeat_with_the_seed_and_are_frozen():
    y = np.random.default_rng(0).normal(size=50)
    settings = {"experiment_units": 4, "alpha": 0.05, "studies": 50, "draws": 99}
    first, again, other = (placebo_studies(y, seed=s, **settings) for s in (1, 1, 2))
    assert (first.kept_upper == again.kept_upper).all()
    assert (first.kept_upper != other.kept_upper).any()
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.alpha = 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"experiment_units": 0}, "at least 1"),
        ({"experiment_units": 10}, "no controls"),
        ({"experiment_units": 12}, "no controls"),
        ({"experiment_units": 2.5}, "whole numbers"),
        ({"experiment_units": [1, 1]}, "one number per stratum"),
        ({"experiment_units": [6, 0], "strata": np.repeat([0, 1], 5)}, "fewer than the 6"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": math.nan}, "alpha"),
        ({"alpha": 0.01}, "draw more"),
        ({"alternative": "both"}, "alternative"),
        ({"studies": 0}, "1 or more"),
        ({"weights": np.zeros(10)}, "positive"),
        ({"weights": np.ones(9)}, "changes must be"),
        ({"changes": np.full(10, np.nan)}, "finite"),
        ({"changes": np.ones(10)}, "same for all units"),
        ({"changes": np.column_stack([np.arange(10), np.ones(10)])}, "same for all units"),
        ({"changes": np.array([])}, "changes must be"),
    ],
)
def test_bad_input_is_refused(options, message):
    settings = {
        "changes": np.arange(10.0),
        "experiment_units": 3,
        "alpha": 0.1,
        "studies": 20,
        "draws": 50,
        "seed": 1,
    } | options
    with pytest.raises(ValueError, match=message):
        placebo_studies(settings.pop("changes"), **settings)


def test_bad_questions_are_refused():
    studies = placebo_studies(
        np.arange(10.0),
        experiment_units=3,
        alpha=0.1,
        studies=20,
        draws=50,
        seed=1,
        alternative="greater",
    )
    with pytest.raises(ValueError, match="effects"):
        power_curve(studies, np.array([]))
    with pytest.raises(ValueError, match="effects"):
        power_curve(studies, np.array([0.0, np.nan]))
    with pytest.raises(ValueError, match="power"):
        minimum_detectable_effect(studies, power=1.0)
    with pytest.raises(ValueError, match="direction"):
        minimum_detectable_effect(studies, direction="up")
    with pytest.raises(ValueError, match="no negative effects"):
        minimum_detectable_effect(studies, direction="negative")
