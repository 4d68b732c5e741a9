"""Specification curves by hand, by brute force and by simulation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import norm

from ballot_eval.estimation.inference import draw_assignments, randomisation_test
from ballot_eval.estimation.specification import (
    Specification,
    joint_test,
    specification_curve,
)


def make(estimate, lower, upper, **labels):
    settings = {
        "baseline": "one election",
        "control_pool": "all",
        "weighting": "municipality",
        "outcome_scale": "difference",
        "method": f"method {estimate}",
        "unit": "fraction",
        "p_value": 0.5,
    } | labels
    return Specification(estimate=estimate, ci_lower=lower, ci_upper=upper, **settings)


def matrix(y, role, assignments, weights):
    """Estimates and permuted estimates of several weightings over the same assignments."""
    results = [randomisation_test(y, role, assignments, weights=w) for w in weights]
    estimates = np.array([r.estimate for r in results])
    return estimates, np.column_stack([r.distribution for r in results]), results


def study(seed, n=12, m=3, effect=0.0, specifications=4):
    rng = np.random.default_rng(seed)
    role = np.zeros(n, dtype=bool)
    role[rng.choice(n, m, replace=False)] = True
    weights = rng.uniform(0.3, 3.0, size=(specifications, n))
    return rng.normal(size=n) + effect * role, role, weights


def test_curve_by_hand():
    given = [
        make(0.3, 0.1, 0.5),
        make(-0.1, -0.3, 0.1),
        make(0.2, -0.1, math.inf),
        make(-0.4, -0.6, -0.2),
        make(0.1, 0.0, 0.2),
    ]
    curve = specification_curve(given, primary=2)
    assert curve.estimates.tolist() == [-0.4, -0.1, 0.1, 0.2, 0.3]
    assert curve.order.tolist() == [3, 1, 4, 2, 0]
    assert curve.specifications == tuple(given[i] for i in (3, 1, 4, 2, 0))
    assert curve.specifications[curve.primary] is given[2]
    assert curve.median_estimate == 0.1
    assert curve.share_same_sign == 3 / 5
    # A limit of 0 does not exclude 0.
    assert curve.share_excluding_zero == 2 / 5
    assert curve.share_excluding_zero_same_sign == 1 / 5
    assert specification_curve(given, primary=3).share_same_sign == 2 / 5
    assert curve.ci_lower[0] == -0.6
    assert curve.ci_upper[3] == math.inf


def test_a_primary_estimate_of_zero_has_no_sign_to_share():
    curve = specification_curve([make(0.0, -1.0, 1.0), make(1.0, 0.5, 2.0)], primary=0)
    assert math.isnan(curve.share_same_sign)
    assert math.isnan(curve.share_excluding_zero_same_sign)
    assert curve.share_excluding_zero == 0.5


def test_results_are_frozen():
    curve = specification_curve([make(0.1, 0.0, 0.2)], primary=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        curve.primary = 1


def brute_joint(rows, place, alpha):
    """The three p-values with loops over rows and columns."""
    n, k = rows.shape

    def statistics(r):
        p = [
            sum(abs(rows[q, c]) >= abs(rows[r, c]) - 1e-10 for q in range(n)) / n for c in range(k)
        ]
        plus = sum(p[c] <= alpha and rows[r, c] > 0 for c in range(k)) / k
        minus = sum(p[c] <= alpha and rows[r, c] < 0 for c in range(k)) / k
        z = sum(math.copysign(norm.isf(p[c] / 2), rows[r, c]) for c in range(k)) / k
        return abs(np.median(rows[r])), max(plus, minus), abs(z)

    every = [statistics(r) for r in range(n)]
    return [sum(row[s] >= every[place][s] - 1e-10 for row in every) / n for s in range(3)], every[
        place
    ]


@pytest.mark.parametrize(("seed", "effect"), [(1, 0.0), (2, 1.0), (3, -1.5)])
def test_exact_joint_test_equals_brute_force(seed, effect):
    y, role, weights = study(seed, n=9, m=3, effect=effect)
    assignments = draw_assignments(role, draws=99, max_exact=1000, seed=0)
    estimates, permuted, results = matrix(y, role, assignments, weights)
    joint = joint_test(estimates, permuted, alpha=0.2, exact=True)
    place = int(np.argmin(np.abs(permuted - estimates).sum(axis=1)))
    expected, (median, share, z) = brute_joint(permuted, place, 0.2)
    found = [joint.median_p_value, joint.share_p_value, joint.average_z_p_value]
    assert found == pytest.approx(expected, abs=1e-12)
    assert abs(joint.median_estimate) == pytest.approx(median)
    assert joint.median_estimate == pytest.approx(np.median(estimates))
    assert joint.share_significant == pytest.approx(share)
    assert abs(joint.average_z) == pytest.approx(z)
    assert joint.p_errors == (0.0, 0.0, 0.0)
    assert joint.p_values.tolist() == pytest.approx([r.p_value for r in results])


def test_drawn_joint_test_adds_the_observed_row():
    y, role, weights = study(5, n=30, m=4, effect=0.8)
    assignments = draw_assignments(role, draws=60, max_exact=10, seed=1)
    estimates, permuted, results = matrix(y, role, assignments, weights)
    joint = joint_test(estimates, permuted, alpha=0.1, exact=False)
    expected, _ = brute_joint(np.vstack([estimates, permuted]), 0, 0.1)
    found = [joint.median_p_value, joint.share_p_value, joint.average_z_p_value]
    assert found == pytest.approx(expected, abs=1e-12)
    assert joint.p_values.tolist() == pytest.approx([r.p_value for r in results])
    assert joint.p_errors[0] == pytest.approx(
        math.sqrt(joint.median_p_value * (1 - joint.median_p_value) / 60)
    )


def test_one_specification_gives_the_p_value_of_its_own_test():
    y, role, weights = study(6, n=40, m=5, effect=0.7, specifications=1)
    assignments = draw_assignments(role, draws=999, max_exact=10, seed=1)
    estimates, permuted, results = matrix(y, role, assignments, weights)
    joint = joint_test(estimates, permuted, alpha=0.05, exact=False)
    assert joint.median_p_value == pytest.approx(results[0].p_value)
    assert joint.average_z_p_value == pytest.approx(results[0].p_value)


def test_size_and_power_of_the_joint_test():
    # Correlated specifications and no effect: each p-value keeps its level.
    p_null, p_effect = [], []
    for seed in range(400):
        for effect, found in ((0.0, p_null), (2.0, p_effect)):
            y, role, weights = study(seed, n=30, m=5, effect=effect, specifications=6)
            assignments = draw_assignments(role, draws=99, max_exact=10, seed=seed)
            estimates, permuted, _ = matrix(y, role, assignments, weights)
            joint = joint_test(estimates, permuted, alpha=0.05, exact=False)
            found.append([joint.median_p_value, joint.share_p_value, joint.average_z_p_value])
    size = (np.array(p_null) <= 0.1).mean(axis=0)
    power = (np.array(p_effect) <= 0.1).mean(axis=0)
    error = 3 * math.sqrt(0.1 * 0.9 / 400)
    assert abs(size[0] - 0.1) < error
    assert abs(size[2] - 0.1) < error
    # A share takes few values, so its p-value is conservative.
    assert size[1] < 0.1 + error
    assert (power > 0.8).all()


def test_bad_specifications_are_refused():
    with pytest.raises(ValueError, match="finite"):
        make(math.nan, 0.0, 1.0)
    with pytest.raises(ValueError, match="no interval"):
        make(0.1, 1.0, 0.0)
    with pytest.raises(ValueError, match="no interval"):
        make(0.1, math.nan, 0.0)
    with pytest.raises(ValueError, match="p-value"):
        make(0.1, 0.0, 1.0, p_value=math.nan)
    good = make(0.1, 0.0, 1.0)
    with pytest.raises(ValueError, match="at least one"):
        specification_curve([], primary=0)
    with pytest.raises(ValueError, match="primary"):
        specification_curve([good], primary=1)
    with pytest.raises(ValueError, match="primary"):
        specification_curve([good], primary=-1)
    with pytest.raises(ValueError, match="twice"):
        specification_curve([good, good], primary=0)
    with pytest.raises(ValueError, match="different units"):
        specification_curve([good, make(0.2, 0.0, 1.0, unit="minutes")], primary=0)


@pytest.mark.parametrize(
    ("estimates", "permuted", "options", "message"),
    [
        ([], np.ones((3, 0)), {}, "at least one specification"),
        ([1.0], np.ones((0, 1)), {}, "at least one row"),
        ([1.0, 2.0], np.ones((3, 1)), {}, "draws, 2"),
        ([np.nan], np.ones((3, 1)), {}, "finite"),
        ([1.0], np.array([[np.inf], [1.0]]), {}, "finite"),
        ([1.0], np.ones((3, 1)), {}, "same estimate"),
        ([1.0], np.array([[0.0], [2.0]]), {"alpha": 1.0}, "alpha"),
        ([1.0], np.array([[0.0], [2.0]]), {"exact": True}, "one of the rows"),
    ],
)
def test_bad_joint_tests_are_refused(estimates, permuted, options, message):
    settings = {"alpha": 0.05, "exact": False} | options
    with pytest.raises(ValueError, match=message):
        joint_test(np.array(estimates), permuted, **settings)
