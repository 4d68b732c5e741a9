"""Randomisation inference against published values and brute force."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

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


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("level", [0.6, 0.9])
def test_no_effect_beyond_the_studentised_limits_is_kept(seed, level):
    # The curve of a studentised statistic need not be monotone: the limits are the outermost.
    rng = np.random.default_rng(seed)
    role = np.arange(9) < 2 + seed % 3
    y, w = rng.normal(size=9) ** 3 + role, rng.uniform(0.2, 3.0, size=9)
    result = randomisation_test(
        y,
        role,
        draw_assignments(role, draws=1, max_exact=1000, seed=0),
        weights=w,
        studentised=True,
        confidence_level=level,
    )
    alpha = round(1 - level, 9)
    assert brute_p(y, role, w, result.estimate, brute_statistic) == 1.0
    for limit, outward in ((result.ci_lower, -1), (result.ci_upper, 1)):
        if math.isinf(limit):
            assert brute_p(y, role, w, outward * 1e4, brute_t) > alpha
            continue
        size = abs(limit - result.estimate)
        assert brute_p(y, role, w, limit - outward * 1e-6 * size, brute_t) > alpha
        for far in np.geomspace(1e-6, 1e3, 40):
            assert brute_p(y, role, w, limit + outward * far * size, brute_t) <= alpha


def test_a_difference_of_rounding_only_has_p_one():
    role = np.tile([True, False], 4)
    y = np.repeat([0.1, 0.7, 1.3, 2.9], 2) / 3
    result = randomisation_test(
        y, role, draw_assignments(role, draws=1, max_exact=100, seed=0), weights=np.full(8, 0.3)
    )
    assert result.p_value == 1.0


@pytest.mark.parametrize("studentised", [False, True])
def test_identical_values_and_equal_groups_do_not_upset_the_studentised_test(studentised):
    role = np.arange(8) < 3
    exact = draw_assignments(role, draws=1, max_exact=100, seed=0)
    same = randomisation_test(np.full(8, 0.1), role, exact, studentised=studentised)
    assert (same.estimate, same.p_value) == (0.0, 1.0)
    apart = randomisation_test(role + 0.1, role, exact, studentised=studentised)
    assert apart.p_value == 1 / 56


def test_plants_equal_the_exact_tests_of_r():
    reference = Path(__file__).parents[1] / "reference"
    expected = json.loads((reference / "randomisation_reference.json").read_text())
    plants = np.genfromtxt(reference / "randomisation_plants.csv", delimiter=",", names=True)
    role, block = plants["role"] == 1, plants["block"].astype(int)
    for strata, name in ((None, "plants_p"), (block, "plants_block_p")):
        exact = draw_assignments(role, strata, draws=1, max_exact=200_000, seed=0)
        assert exact.exact
        result = randomisation_test(plants["weight"], role, exact)
        assert result.p_value == pytest.approx(expected[name], rel=1e-12)


@pytest.mark.parametrize("max_exact", [1, 100])
def test_a_stratum_of_experiment_units_only_never_moves(max_exact):
    role = np.array([True, True, True, False, False, False, False])
    strata = np.array([0, 0, 1, 1, 1, 2, 2])
    assignments = draw_assignments(role, strata, draws=50, max_exact=max_exact, seed=1)
    assert (np.sort(assignments.members[:, :2], axis=1) == [0, 1]).all()
    assert set(assignments.members[:, 2].tolist()) == {2, 3, 4}


def test_strata_in_which_nothing_moves_are_refused():
    role = np.array([True, True, False])
    with pytest.raises(ValueError, match="no stratum has both"):
        draw_assignments(role, np.array([0, 0, 1]), draws=9, max_exact=9, seed=0)


@pytest.mark.parametrize("roles", [[np.nan, 0, 0, 1.0], [2, 0, 0, 1], [[True, False]]])
def test_roles_that_are_not_true_or_false_are_refused(roles):
    with pytest.raises(ValueError, match="roles must be a vector of true and false"):
        draw_assignments(np.array(roles), draws=9, max_exact=9, seed=0)
    as_numbers = draw_assignments(np.array([1.0, 0, 0]), draws=9, max_exact=9, seed=0)
    assert as_numbers.members.tolist() == [[0], [1], [2]]


def test_missing_strata_are_refused():
    strata = np.array([0, 0, np.nan, np.nan])
    with pytest.raises(ValueError, match="strata must not be missing: 2 are"):
        draw_assignments(np.arange(4) < 1, strata, draws=9, max_exact=9, seed=0)


def test_assignments_that_do_not_fit_are_refused():
    role = np.arange(6) < 2
    assignments = draw_assignments(role, draws=9, max_exact=99, seed=0)
    with pytest.raises(ValueError, match="must be vectors over the 6 units"):
        randomisation_test(np.arange(7.0), np.arange(7) < 2, assignments)
    with pytest.raises(ValueError, match="3 experiment units, but the assignments have 2"):
        randomisation_test(np.arange(6.0), np.arange(6) < 3, assignments)
    with pytest.raises(ValueError, match="confidence_level"):
        randomisation_test(np.arange(6.0), role, assignments, confidence_level=95)
    with pytest.raises(ValueError, match="draws must be positive"):
        draw_assignments(role, draws=0, max_exact=1, seed=0)


def test_one_experiment_unit_is_ranked_among_all():
    role = np.arange(20) == 7
    y = np.arange(20.0)
    y[7] = 50
    exact = draw_assignments(role, draws=9, max_exact=99, seed=0)
    result = randomisation_test(y, role, exact, confidence_level=0.9)
    assert (result.p_value, result.draws, result.p_error) == (1 / 20, 20, 0.0)
    assert math.isfinite(result.ci_lower)
