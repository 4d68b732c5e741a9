"""Joint tests with adjusted p-values, against R, brute force and simulation."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.inference import randomisation_test
from ballot_eval.estimation.joint import holm, joint_randomisation_test

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="module")
def cars():
    table = np.genfromtxt(REFERENCE / "randomisation_cars.csv", delimiter=",", names=True)
    role = table["role"] == 1
    assignments = draw_assignments(role, draws=1, max_exact=10**6, seed=0)
    return np.column_stack([table[n] for n in ("mpg", "qsec", "drat")]), role, assignments


@pytest.mark.parametrize(
    ("scaling", "name"), [("permutation_sd", "cars_sd"), ("studentised", "cars_welch")]
)
def test_cars_equal_r(cars, scaling, name):
    y, role, assignments = cars
    reference = json.loads((REFERENCE / "randomisation_reference.json").read_text())
    result = joint_randomisation_test(y, role, assignments, scaling=scaling)
    np.testing.assert_allclose(result.statistics, reference[name]["statistics"], rtol=1e-9)
    np.testing.assert_allclose(result.p_values, reference[name]["p"], rtol=1e-12)
    np.testing.assert_allclose(result.p_max_t, reference[name]["max_t"], rtol=1e-12)
    np.testing.assert_allclose(result.p_holm, reference[name]["holm"], rtol=1e-12)
    assert not result.p_value_errors.any()
    assert not result.p_max_t_errors.any()
    if scaling == "permutation_sd":
        # The package coin draws 500,000 assignments.
        coin = np.array(reference["cars_coin_max_t"])
        error = np.sqrt(coin * (1 - coin) / 500_000)
        assert (np.abs(result.p_max_t - coin) < 4 * error).all()


@pytest.mark.parametrize("studentised", [False, True])
def test_single_p_values_are_those_of_the_single_test(cars, studentised):
    y, role, _ = cars
    drawn = draw_assignments(role, draws=499, max_exact=1, seed=4)
    weights = np.linspace(1, 2, len(y))
    result = joint_randomisation_test(
        y,
        role,
        drawn,
        scaling="studentised" if studentised else "permutation_sd",
        weights=weights,
    )
    for k in range(3):
        single = randomisation_test(y[:, k], role, drawn, weights=weights, studentised=studentised)
        assert result.p_values[k] == single.p_value
        assert result.p_value_errors[k] == single.p_error
        assert result.estimates[k] == single.estimate
    assert (result.p_max_t >= result.p_values).all()
    assert (result.p_max_t_errors > 0).all()


def test_drawn_p_values_are_never_zero():
    role = np.arange(40) < 3
    y = np.column_stack([np.where(role, 100.0, 0.0) + np.arange(40), np.arange(40.0)])
    drawn = draw_assignments(role, draws=99, max_exact=1, seed=0)
    result = joint_randomisation_test(y, role, drawn, scaling="permutation_sd")
    assert result.p_max_t[0] == 1 / 100


def test_equal_outcomes_cost_nothing_and_identical_values_give_p_one(cars):
    y, role, assignments = cars
    table = np.column_stack([y[:, 1], 3 * y[:, 1] + 7, np.full(len(y), 0.1)])
    for scaling in ("studentised", "permutation_sd"):
        result = joint_randomisation_test(table, role, assignments, scaling=scaling)
        assert result.p_max_t[0] == pytest.approx(result.p_values[0])
        assert result.p_max_t[1] == pytest.approx(result.p_values[0])
        assert (result.statistics[2], result.p_values[2], result.p_max_t[2]) == (0.0, 1.0, 1.0)
        assert result.p_holm[0] > result.p_max_t[0]


def test_the_family_is_rejected_as_often_as_it_should_be():
    rng = np.random.default_rng(1)
    role = np.arange(25) < 8
    drawn = draw_assignments(role, draws=399, max_exact=1, seed=7)
    rejected, runs = 0, 300
    for _ in range(runs):
        y = rng.normal(size=(25, 1)) + 0.5 * rng.normal(size=(25, 4))
        result = joint_randomisation_test(y, role, drawn, scaling="permutation_sd")
        rejected += result.p_max_t.min() <= 0.1
    assert abs(rejected / runs - 0.1) < 4 * math.sqrt(0.09 / runs)


def test_holm_by_hand():
    adjusted = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    np.testing.assert_allclose(adjusted, [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_array_equal(holm(np.array([0.6, 0.9])), [1.0, 1.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(np.array([0.5, np.nan]))


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.full((8, 2), np.nan), {}, "finite"),
        (np.ones(8), {}, "table of units by outcomes"),
        (np.ones((8, 0)), {}, "table of units by outcomes"),
        (np.ones((8, 2)), {"scaling": "rank"}, "unknown scaling"),
        (np.ones((8, 2)), {"weights": np.ones((8, 3))}, "weights must be"),
        (np.ones((7, 2)), {}, "must be vectors"),
    ],
)
def test_bad_input_is_refused(values, options, message):
    role = np.arange(8) < 2
    assignments = draw_assignments(role, draws=1, max_exact=99, seed=0)
    with pytest.raises(ValueError, match=message):
        joint_randomisation_test(
            values, role, assignments, **({"scaling": "studentised"} | options)
        )


def test_one_experiment_unit_cannot_be_studentised():
    role = np.arange(8) < 1
    assignments = draw_assignments(role, draws=1, max_exact=99, seed=0)
    y = np.arange(16.0).reshape(8, 2)
    with pytest.raises(ValueError, match="at least two"):
        joint_randomisation_test(y, role, assignments, scaling="studentised")
    result = joint_randomisation_test(y, role, assignments, scaling="permutation_sd")
    assert result.p_values == pytest.approx([2 / 8, 2 / 8])
