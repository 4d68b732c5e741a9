"""Covariate-adjusted tests and rows within units, against R, brute force and known truth."""

from __future__ import annotations

import itertools
import json
import math
import time
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.adjusted import (
    adjusted_randomisation_test,
    clustered_randomisation_test,
)
from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.inference import randomisation_test

REFERENCE = Path(__file__).parents[1] / "reference"


def everything(role, strata=None):
    return draw_assignments(role, strata, draws=1, max_exact=10**6, seed=0)


def least_squares(y, role, x, w):
    root = np.sqrt(w)
    design = np.column_stack([role, np.ones(len(y)), x]) * root[:, None]
    return np.linalg.lstsq(design, y * root, rcond=None)[0][0]


def brute(y, units, role, x, w, tau=0.0):
    """Statistics of all reassignments after removing tau, and of the observed role."""
    z = y - tau * role[units]
    statistics = []
    for members in itertools.combinations(range(len(role)), int(role.sum())):
        mask = np.zeros(len(role), dtype=bool)
        mask[list(members)] = True
        statistics.append(least_squares(z, mask[units], x, w))
    return np.array(statistics), least_squares(z, role[units], x, w)


def brute_p(*args, tau=0.0):
    statistics, own = brute(*args, tau=tau)
    return np.mean(np.abs(statistics) >= abs(own) * (1 - 1e-9))


def assert_inverts(result, p_at, alpha):
    """The limits are crossings, and nothing on a grid beyond them is kept."""
    step = 1e-5 * (result.ci_upper - result.ci_lower)
    for limit, outward in ((result.ci_lower, -1), (result.ci_upper, 1)):
        if math.isfinite(limit):
            assert p_at(limit - outward * step) > alpha
            for far in (1, 1e3, 1e4, 3e4, 1e5, 3e5, 1e6):
                assert p_at(limit + outward * far * step) <= alpha


@pytest.fixture
def rows():
    rng = np.random.default_rng(21)
    units = np.concatenate([np.arange(9), rng.integers(0, 9, size=31)])
    role = np.isin(np.arange(9), [2, 5, 7])
    x = rng.normal(size=(40, 2)) + 0.3 * units[:, None]
    y = rng.normal(size=40) + x @ [0.5, -0.2] + 2.0 * role[units] + 0.3 * units
    return y, units, role, x, rng.uniform(0.5, 2, size=40)


def test_adjusted_test_of_the_cars_equals_r():
    expected = json.loads((REFERENCE / "randomisation_reference.json").read_text())
    cars = np.genfromtxt(REFERENCE / "randomisation_cars.csv", delimiter=",", names=True)
    role = cars["role"] == 1
    result = adjusted_randomisation_test(
        cars["mpg"],
        role,
        everything(role),
        covariates=np.column_stack([cars["wt"], cars["hp"]]),
        weights=cars["drat"],
    )
    assert result.draws == math.comb(32, 5)
    assert result.estimate == pytest.approx(expected["cars_adjusted_estimate"], rel=1e-10)
    assert result.p_value == pytest.approx(expected["cars_adjusted_p"], rel=1e-12)


@pytest.mark.parametrize("columns", [1, 2])
def test_rows_with_covariates_equal_brute_force(rows, columns):
    y, units, role, x, w = rows
    x = x[:, :columns]
    result = clustered_randomisation_test(
        y, units, role, everything(role), covariates=x, weights=w, confidence_level=0.9
    )
    statistics, own = brute(y, units, role, x, w)
    np.testing.assert_allclose(result.distribution, statistics, atol=1e-12)
    assert result.estimate == pytest.approx(own, abs=1e-12)
    assert result.p_value == pytest.approx(brute_p(y, units, role, x, w))
    assert_inverts(result, lambda tau: brute_p(y, units, role, x, w, tau=tau), 0.1)


def test_a_role_that_varies_more_when_reassigned_is_inverted_by_brute_force():
    # A covariate close to a role that overlaps the observed one gives that role |b| > 1.
    rng = np.random.default_rng(10)
    role = np.arange(9) < 3
    x = np.isin(np.arange(9), [1, 2, 3]) + 0.5 * rng.normal(size=9)
    y = rng.normal(size=9) + 5 * role
    units, w = np.arange(9), np.ones(9)
    statistics, _ = brute(role.astype(float), units, role, x, w)
    assert (np.abs(statistics) > 1.01).any()
    for level in (0.5, 0.8, 0.9):
        result = adjusted_randomisation_test(
            y, role, everything(role), covariates=x, confidence_level=level
        )
        assert math.isfinite(result.ci_upper)
        assert result.p_value == pytest.approx(brute_p(y, units, role, x, w))
        assert_inverts(
            result, lambda tau: brute_p(y, units, role, x, w, tau=tau), round(1 - level, 9)
        )
    # Two of 84 statistics (that role and the observed one) reach any large effect.
    unlimited = adjusted_randomisation_test(
        y, role, everything(role), covariates=x, confidence_level=1 - 1.5 / 84
    )
    assert (unlimited.ci_lower, unlimited.ci_upper) == (-math.inf, math.inf)
    assert brute_p(y, units, role, x, w, tau=1e6) == pytest.approx(2 / 84)


def test_rows_without_covariates_are_weighted_unit_means(rows):
    y, units, role, _, w = rows
    result = clustered_randomisation_test(y, units, role, everything(role), weights=w)
    statistics = []
    for members in itertools.combinations(range(9), 3):
        inside = np.isin(units, members)
        statistics.append(
            np.average(y[inside], weights=w[inside]) - np.average(y[~inside], weights=w[~inside])
        )
    np.testing.assert_allclose(result.distribution, statistics, atol=1e-12)
    through_rows = clustered_randomisation_test(
        y, units, role, everything(role), weights=w, covariates=np.empty((40, 0))
    )
    assert through_rows.p_value == result.p_value


def test_without_covariates_it_is_the_plain_test():
    rng = np.random.default_rng(3)
    role = np.arange(30) < 4
    y, w = rng.normal(size=30), rng.uniform(1, 2, size=30)
    drawn = draw_assignments(role, draws=500, max_exact=10, seed=1)
    plain = randomisation_test(y, role, drawn, weights=w)
    for covariates in (None, np.empty((30, 0))):
        same = adjusted_randomisation_test(y, role, drawn, covariates=covariates, weights=w)
        assert same.estimate == pytest.approx(plain.estimate, abs=1e-14)
        assert (same.p_value, same.p_error) == (plain.p_value, plain.p_error)
        assert same.ci_lower == pytest.approx(plain.ci_lower, abs=1e-12)
        assert same.ci_upper == pytest.approx(plain.ci_upper, abs=1e-12)


def test_a_known_effect_is_recovered_and_adjustment_narrows_the_interval():
    rng = np.random.default_rng(8)
    role = np.arange(200) < 10
    covered, widths = 0, []
    for seed in range(40):
        x = rng.normal(size=200)
        y = 2 * x + 0.3 * rng.normal(size=200) + 1.0 * role
        drawn = draw_assignments(role, draws=999, max_exact=1, seed=seed)
        result = adjusted_randomisation_test(y, role, drawn, covariates=x)
        covered += result.ci_lower <= 1.0 <= result.ci_upper
        plain = randomisation_test(y, role, drawn)
        widths.append((result.ci_upper - result.ci_lower) / (plain.ci_upper - plain.ci_lower))
    assert covered >= 35
    assert np.mean(widths) < 0.3


def test_many_rows_cost_little():
    rng = np.random.default_rng(5)
    units = np.concatenate([np.arange(342), rng.integers(0, 342, size=53_658)])
    role = np.arange(342) < 11
    y, w = rng.normal(size=54_000), rng.uniform(1, 2, size=54_000)
    drawn = draw_assignments(role, draws=20_000, max_exact=1, seed=1)
    start = time.perf_counter()
    clustered_randomisation_test(y, units, role, drawn, weights=w)
    assert time.perf_counter() - start < 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.nan}, "values must be finite"),
        ({"w": 0.0}, "weights must be finite and positive"),
        ({"x": np.inf}, "covariates must be finite"),
        ({"unit": 99}, "between 0 and 8"),
    ],
)
def test_bad_rows_are_refused(rows, change, message):
    y, units, role, x, w = (part.copy() for part in rows)
    y[3] = change.get("y", y[3])
    w[3] = change.get("w", w[3])
    x[3, 1] = change.get("x", x[3, 1])
    units[3] = change.get("unit", units[3])
    with pytest.raises(ValueError, match=message):
        clustered_randomisation_test(y, units, role, everything(role), covariates=x, weights=w)


def test_a_unit_without_rows_is_refused(rows):
    y, units, role, _, _ = rows
    with pytest.raises(ValueError, match="1 units have no rows, the first is unit 8"):
        clustered_randomisation_test(y, np.minimum(units, 7), role, everything(role))


@pytest.mark.parametrize(("units", "fits"), [(6, False), (7, True)])
def test_as_many_coefficients_as_units_are_refused(units, fits):
    rng = np.random.default_rng(4)
    role, y, x = np.arange(units) < 5, rng.normal(size=units), rng.normal(size=(units, 4))
    if fits:
        assert 0 < adjusted_randomisation_test(y, role, everything(role), covariates=x).p_value <= 1
        return
    with pytest.raises(ValueError, match="6 rows leave no freedom beside the role and 4"):
        adjusted_randomisation_test(y, role, everything(role), covariates=x)


@pytest.mark.parametrize("kind", ["constant", "double", "role", "reassigned"])
def test_covariates_that_leave_nothing_are_refused(kind):
    rng = np.random.default_rng(2)
    role = np.arange(8) < 2
    y, x = rng.normal(size=8), rng.normal(size=8)
    covariates, message = {
        "constant": (np.full(8, 0.1), "constant"),
        "double": (np.column_stack([x, 3 * x + 1]), "collinear"),
        "role": (role * 2.0, "explain the role completely: "),
        "reassigned": (np.isin(np.arange(8), [3, 4]) * 1.0, "in 1 of 28 reassignments"),
    }[kind]
    with pytest.raises(ValueError, match=message):
        adjusted_randomisation_test(y, role, everything(role), covariates=covariates)


def test_studentised_statistic_is_refused_with_covariates(rows):
    y, units, role, x, _ = rows
    with pytest.raises(ValueError, match="not available with covariates"):
        clustered_randomisation_test(
            y, units, role, everything(role), covariates=x, studentised=True
        )


def test_identical_values_give_p_one():
    role = np.arange(8) < 2
    x = np.arange(8.0) ** 2
    result = adjusted_randomisation_test(np.full(8, 0.1), role, everything(role), covariates=x)
    assert (result.estimate, result.p_value) == (0.0, 1.0)
    exact_fit = adjusted_randomisation_test(3 * x + 0.1, role, everything(role), covariates=x)
    assert (exact_fit.estimate, exact_fit.p_value) == (0.0, 1.0)
