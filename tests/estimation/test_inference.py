"""Randomisation inference against published values and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ballot_eval.estimation.inference import (
    count_assignments,
    draw_assignments,
    randomisation_test,
)


def brute_statistic(y, role, w):
    return np.average(y[role], weights=w[role]) - np.average(y[~role], weights=w[~role])


def brute_t(y, role, w):
    def variance(v, u):
        m = np.average(v, weights=u)
        return len(v) / (len(v) - 1) * (u**2 * (v - m) ** 2).sum() / u.sum() ** 2

    scale = variance(y[role], w[role]) + variance(y[~role], w[~role])
    return brute_statistic(y, role, w) / math.sqrt(scale)


def brute_p(y, role, w, tau, statistic):
    z = y - tau * role
    values = []
    for members in itertools.combinations(range(len(y)), int(role.sum())):
        mask = np.zeros(len(y), dtype=bool)
        mask[list(members)] = True
        values.append(abs(statistic(z, mask, w)))
    observed = abs(statistic(z, role, w))
    return np.mean(np.array(values) >= observed * (1 - 1e-10))


@pytest.fixture
def small():
    rng = np.random.default_rng(7)
    role = np.zeros(9, dtype=bool)
    role[[1, 4, 6]] = True
    return rng.normal(size=9) + 2.5 * role, role, rng.uniform(0.5, 2.0, size=9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("studentised", [False, True])
def test_exact_p_value_and_interval_equal_brute_force(small, weighted, studentised):
    y, role, w = small
    w = w if weighted else np.ones_like(w)
    statistic = brute_t if studentised else brute_statistic
    all_of_them = draw_assignments(role, draws=99, max_exact=1000, seed=1)
    result = randomisation_test(
        y, role, all_of_them, weights=w, studentised=studentised, confidence_level=0.9
    )
    assert all_of_them.exact
    assert result.draws == math.comb(9, 3)
    assert result.estimate == pytest.approx(brute_statistic(y, role, w), abs=1e-12)
    assert result.p_value == pytest.approx(brute_p(y, role, w, 0.0, statistic), abs=1e-12)
    for limit, inward in ((result.ci_lower, 1), (result.ci_upper, -1)):
        assert brute_p(y, role, w, limit + inward * 1e-5, statistic) > 0.1
        assert brute_p(y, role, w, limit - inward * 1e-5, statistic) <= 0.1


def test_lady_tasting_tea_one_in_seventy():
    # Fisher (1935): all four cups right has probability 1/70 on one side, 2/70 on two.
    role = np.array([True] * 4 + [False] * 4)
    result = randomisation_test(
        role.astype(float), role, draw_assignments(role, draws=99, max_exact=70, seed=0)
    )
    assert result.p_value == pytest.approx(2 / 70)


def test_darwins_maize_pairs_as_strata_of_two():
    # Fisher (1935), 15 pairs: 863 of 32,768 sign patterns on one side, two-sided .05267334.
    differences = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]) / 8
    y = np.ravel(np.column_stack([differences, np.zeros(15)]))
    role = np.tile([True, False], 15)
    strata = np.repeat(np.arange(15), 2)
    assert count_assignments(role, strata) == 32_768
    assignments = draw_assignments(role, strata, draws=99, max_exact=32_768, seed=0)
    assert randomisation_test(y, role, assignments).p_value == pytest.approx(0.05267334, abs=5e-9)
    one_sided = randomisation_test(y, role, assignments).distribution
    assert (one_sided >= differences.mean() - 1e-9).sum() == 863


def test_drawn_assignments_are_distinct_within_a_row_and_stay_in_their_stratum():
    role = np.zeros(40, dtype=bool)
    role[[0, 1, 20]] = True
    strata = np.repeat([0, 1], 20)
    drawn = draw_assignments(role, strata, draws=2000, max_exact=10, seed=3)
    assert not drawn.exact
    assert drawn.members.shape == (2000, 3)
    assert all(len(set(row)) == 3 for row in drawn.members.tolist())
    assert (drawn.members[:, :2] < 20).all()
    assert (drawn.members[:, 2] >= 20).all()
    counts = np.bincount(drawn.members.ravel(), minlength=40)
    assert counts[:20].min() > 140
    assert counts[:20].max() < 260


def test_drawn_p_value_is_never_zero_and_counts_the_observed_assignment():
    role = np.zeros(60, dtype=bool)
    role[:3] = True
    y = np.where(role, 100.0, 0.0)
    assignments = draw_assignments(role, draws=199, max_exact=10, seed=5)
    hits = (np.sort(assignments.members, axis=1) == [0, 1, 2]).all(axis=1).sum()
    assert randomisation_test(y, role, assignments).p_value == (hits + 1) / 200


def test_interval_is_infinite_when_no_effect_can_be_rejected():
    role = np.array([True, False, False])
    assignments = draw_assignments(role, draws=99, max_exact=10, seed=0)
    result = randomisation_test(np.array([3.0, 1.0, 2.0]), role, assignments)
    assert result.ci_lower == -math.inf
    assert result.ci_upper == math.inf


def test_identical_values_give_no_effect_and_p_one():
    role = np.arange(12) < 4
    assignments = draw_assignments(role, draws=99, max_exact=1000, seed=0)
    result = randomisation_test(np.full(12, 0.1), role, assignments)
    assert result.estimate == pytest.approx(0.0, abs=1e-15)
    assert result.p_value == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    role = np.arange(6) < 2
    assignments = draw_assignments(role, draws=99, max_exact=1000, seed=0)
    with pytest.raises(ValueError, match="finite"):
        randomisation_test(np.array([1, 2, 3, 4, 5, bad]), role, assignments)


@pytest.mark.parametrize("treated", [np.zeros(4, dtype=bool), np.ones(4, dtype=bool)])
def test_one_group_only_is_refused(treated):
    with pytest.raises(ValueError, match="at least one"):
        draw_assignments(treated, draws=99, max_exact=10, seed=0)


def test_one_experiment_unit_cannot_be_studentised():
    role = np.arange(6) < 1
    assignments = draw_assignments(role, draws=99, max_exact=1000, seed=0)
    with pytest.raises(ValueError, match="at least two"):
        randomisation_test(np.arange(6.0), role, assignments, studentised=True)
