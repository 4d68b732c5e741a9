"""Matching and entropy balancing against MatchIt, optim, brute force and known truth."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from ballot_eval.estimation.matching import (
    balance,
    distances,
    entropy_balance,
    match_controls,
)

REFERENCE = Path(__file__).parents[1] / "reference"
COVARIATES = ("log_size", "turnout", "share_older", "invalid_rate")


@pytest.fixture(scope="module")
def units():
    table = np.loadtxt(REFERENCE / "matching_units.csv", delimiter=",", skiprows=1)
    return table[:, 1:], table[:, 0] == 1


@pytest.fixture(scope="module")
def reference():
    values = defaultdict(list)
    with (REFERENCE / "matching_reference.csv").open() as file:
        for row in csv.DictReader(file):
            values[row["quantity"]].append(float(row["value"]))
    return {name: np.array(numbers) for name, numbers in values.items()}


def matchit_pairs(name):
    with (REFERENCE / "matching_pairs.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["match"] == name]
    rows.sort(key=lambda r: (int(r["experiment"]), int(r["round"])))
    return [[int(r["experiment"]), int(r["control"])] for r in rows]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("with_k1", {"k": 1, "replace": True}),
        ("with_k3", {"k": 3, "replace": True}),
        ("without_k1", {"k": 1, "replace": False}),
        ("without_k3", {"k": 3, "replace": False}),
        ("standardised_k2", {"k": 2, "replace": False, "distance": "standardised"}),
    ],
)
def test_pairs_as_matchit(units, name, arguments):
    assert match_controls(*units, **arguments).pairs.tolist() == matchit_pairs(name)


def test_caliper_as_matchit(units):
    x, treated = units
    found = match_controls(
        x[:, :1], treated, k=1, replace=False, distance="standardised", caliper=0.02
    )
    assert found.pairs.tolist() == matchit_pairs("caliper")
    assert found.distances.max() <= 0.02
    assert len(found.unmatched) == treated.sum() - len(found.pairs)
    assert not found.weights[found.unmatched].any()


@pytest.mark.parametrize(
    ("ours", "theirs"), [("mahalanobis", "mahalanobis"), ("standardised", "scaled_euclidean")]
)
def test_distances_as_matchit(units, reference, ours, theirs):
    table = distances(*units, distance=ours)
    assert table[0] == pytest.approx(reference[f"distance_{theirs}"], abs=1e-12)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("experiment", "treated"), ("control", "control"), ("pooled", "pooled")]
)
def test_balance_as_matchit(units, reference, ours, theirs):
    weights = match_controls(*units, k=3, replace=True).weights
    table = balance(*units, weights, standardise_by=ours)
    found = [
        table.experiment_mean_before,
        table.control_mean_before,
        table.difference_before,
        table.variance_ratio_before,
        table.experiment_mean_after,
        table.control_mean_after,
        table.difference_after,
        table.variance_ratio_after,
    ]
    expected = [reference[f"balance_{theirs}_{name}"] for name in COVARIATES]
    table_found = np.array(found).T
    assert table_found == pytest.approx(np.array(expected), rel=1e-10)


@pytest.mark.parametrize(("moments", "name"), [(1, "means"), (2, "variances")])
def test_entropy_balance_as_optim(units, reference, moments, name):
    x, treated = units
    found = entropy_balance(x, treated, moments=moments)
    # The solver stops at 1e-8 standard deviations of the moments.
    assert found.weights[~treated] == pytest.approx(reference[f"entropy_{name}"], abs=1e-9)
    assert found.weights[treated].sum() == pytest.approx(1)
    assert found.largest_difference < 1e-8
    after = balance(x, treated, found.weights)
    assert after.difference_after == pytest.approx(0, abs=1e-7)
    assert after.effective_controls == pytest.approx(found.effective_controls)


def test_entropy_balance_against_the_primal():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(14, 2))
    treated = np.arange(14) < 2
    x[treated] *= 0.2
    base = rng.uniform(0.5, 2, size=12)
    q = base / base.sum()
    primal = minimize(
        lambda w: float((w * np.log(w / q)).sum()),
        q,
        method="SLSQP",
        bounds=[(1e-12, 1)] * 12,
        constraints={
            "type": "eq",
            "fun": lambda w: np.r_[w.sum() - 1, w @ x[~treated] - x[treated].mean(axis=0)],
        },
        options={"ftol": 1e-15, "maxiter": 500},
    )
    found = entropy_balance(x, treated, base_weights=base)
    assert found.weights[~treated] == pytest.approx(primal.x, abs=1e-5)


def test_redundant_columns_do_not_move_entropy_weights(units):
    x, treated = units
    more = np.column_stack([x, x[:, 0] - 3 * x[:, 1], np.ones(len(x))])
    expected = entropy_balance(x, treated).weights
    assert entropy_balance(more, treated).weights == pytest.approx(expected, abs=1e-9)
    kind = (np.arange(len(x)) % 3 == 0).astype(float)[:, None]
    assert entropy_balance(kind, treated, moments=3).weights == pytest.approx(
        entropy_balance(kind, treated).weights, abs=1e-9
    )


def test_third_moment_is_balanced(units):
    x, treated = units
    w = entropy_balance(x[:, :2], treated, moments=3).weights
    for power in (1, 2, 3):
        own = (x[treated, :2] ** power).mean(axis=0)
        assert w[~treated] @ x[~treated, :2] ** power == pytest.approx(own, rel=1e-8)


def test_distances_by_brute_force(units):
    x, treated = units
    within = np.concatenate([x[r] - x[r].mean(axis=0) for r in (treated, ~treated)])
    inverse = np.linalg.inv(within.T @ within / (len(x) - 2))
    table = distances(x, treated)
    for i, own in enumerate(x[treated]):
        for j, other in enumerate(x[~treated][:5]):
            assert table[i, j] ** 2 == pytest.approx((own - other) @ inverse @ (own - other))


def test_distances_do_not_depend_on_the_units_of_measurement(units):
    x, treated = units
    mixed = x @ np.array([[1, 0, 0, 0], [2, 5, 0, 0], [0, 1, 9, 0], [3, 0, 1, 1e4]]) + 7
    assert distances(mixed, treated) == pytest.approx(distances(x, treated), rel=1e-6)


def test_closest_pair_first_by_brute_force(units):
    x, treated = units
    table = distances(x, treated)
    own, other = np.flatnonzero(treated), np.flatnonzero(~treated)
    left = sorted((table[i, j], i, j) for i in range(len(own)) for j in range(len(other)))
    expected, rows, columns = {}, set(), set()
    for _, i, j in left:
        if i not in rows and j not in columns:
            expected[int(own[i])] = int(other[j])
            rows.add(i)
            columns.add(j)
    found = match_controls(x, treated, k=1, replace=False, order="closest")
    assert {int(a): int(b) for a, b in found.pairs} == expected


def test_every_control_within_the_caliper(units):
    x, treated = units
    found = match_controls(x, treated, k=None, replace=True, caliper=1.2)
    table = distances(x, treated)
    assert len(found.pairs) == (table <= 1.2).sum()
    assert found.weights[treated].sum() == pytest.approx(1)
    assert found.weights[~treated].sum() == pytest.approx(1)
    # The weighted mean of the controls is the mean over units of their controls' means.
    matched = [x[~treated][row <= 1.2].mean(axis=0) for row in table if (row <= 1.2).any()]
    assert found.weights[~treated] @ x[~treated] == pytest.approx(np.mean(matched, axis=0))


def test_ties_go_to_the_lower_row():
    x = np.array([[0.0], [1.0], [-1.0], [1.0], [3.0]])
    treated = np.array([True, False, False, False, False])
    found = match_controls(x, treated, k=2, replace=False)
    assert found.pairs.tolist() == [[0, 1], [0, 2]]


def test_a_known_effect_is_recovered_by_both_ways():
    rng = np.random.default_rng(11)
    n = 3000
    x = rng.normal(size=(n, 2))
    treated = rng.random(n) < 1 / (1 + np.exp(2 - x @ [0.8, -0.5]))
    y = x @ [1.0, -2.0] + 0.7 * treated + rng.normal(scale=0.1, size=n)
    naive = y[treated].mean() - y[~treated].mean()
    assert abs(naive - 0.7) > 0.1
    for weights, tolerance in (
        (match_controls(x, treated, k=1, replace=True).weights, 0.05),
        (entropy_balance(x, treated).weights, 0.02),
    ):
        effect = weights[treated] @ y[treated] - weights[~treated] @ y[~treated]
        assert effect == pytest.approx(0.7, abs=tolerance)
        table = balance(x, treated, weights)
        assert np.abs(table.difference_after).max() < np.abs(table.difference_before).max() / 5


def test_one_experiment_unit_has_no_variance_of_its_own():
    x = np.array([[0.2], [1.0], [-1.0], [2.0]])
    treated = np.array([True, False, False, False])
    weights = match_controls(x, treated, k=2, replace=True).weights
    table = balance(x, treated, weights, standardise_by="control")
    assert np.isnan(table.variance_ratio_before).all()
    assert np.isfinite(table.difference_after).all()
    assert np.isnan(balance(x, treated, weights).difference_after).all()


def test_outside_the_hull_is_said():
    rng = np.random.default_rng(3)
    x = rng.uniform(size=(30, 2))
    treated = np.arange(30) < 3
    x[treated, 1] = 1.5
    with pytest.raises(ValueError, match=r"outside the convex hull.*columns \[1\]"):
        entropy_balance(x, treated)
    # Inside every range, yet outside the hull: the controls lie on one side of the diagonal.
    x[~treated] = np.sort(x[~treated], axis=1)
    x[treated] = [0.6, 0.5]
    with pytest.raises(ValueError, match="outside the convex hull of the controls: no positive"):
        entropy_balance(x, treated)


def test_on_the_edge_of_the_hull_is_said():
    x = np.array([[0.0], [0.0], [0.0], [1.0], [2.0]])
    treated = np.array([True, False, False, False, False])
    with pytest.raises(ValueError, match="on the edge of"):
        entropy_balance(x, treated)


def test_a_constant_control_covariate_with_another_experiment_value_is_outside():
    x = np.array([[1.0], [0.0], [0.0], [0.0]])
    treated = np.array([True, False, False, False])
    with pytest.raises(ValueError, match="outside the convex hull"):
        entropy_balance(x, treated)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": 0}, "k must lie between"),
        ({"k": 100}, "k must lie between"),
        ({"k": 3, "replace": False}, "needs 6 controls, there are 5"),
        ({"k": None}, "needs a caliper and replacement"),
        ({"caliper": -1.0}, "must be positive"),
        ({"caliper": float("nan")}, "must be positive"),
        ({"caliper": 1e-9}, "no experiment unit has a control"),
        ({"order": "random"}, "order must be"),
        ({"distance": "euclidean"}, "distance must be"),
    ],
)
def test_bad_calls(change, words):
    x = np.random.default_rng(1).normal(size=(7, 2))
    with pytest.raises(ValueError, match=words):
        match_controls(x, np.arange(7) < 2, **{"k": 1, "replace": True, **change})


def test_bad_data():
    x = np.random.default_rng(1).normal(size=(7, 2))
    treated = np.arange(7) < 2
    broken = x.copy()
    broken[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"rows \[3\]"):
        match_controls(broken, treated, k=1, replace=True)
    with pytest.raises(ValueError, match="at least one experiment unit and one control"):
        entropy_balance(x, np.ones(7, dtype=bool))
    with pytest.raises(ValueError, match="at least one experiment unit and one control"):
        match_controls(x, np.zeros(7, dtype=bool), k=1, replace=True)
    with pytest.raises(ValueError, match="one boolean per unit"):
        entropy_balance(x, treated.astype(int))
    with pytest.raises(ValueError, match=r"columns \[2\] do not vary"):
        match_controls(np.column_stack([x, np.ones(7)]), treated, k=1, replace=True)
    with pytest.raises(ValueError, match="collinear"):
        match_controls(np.column_stack([x, x.sum(axis=1)]), treated, k=1, replace=True)
    with pytest.raises(ValueError, match="moments must be"):
        entropy_balance(x, treated, moments=4)
    with pytest.raises(ValueError, match="base_weights must be 5 positive"):
        entropy_balance(x, treated, base_weights=np.zeros(5))
    with pytest.raises(ValueError, match="weights of a role are all 0"):
        balance(x, treated, treated.astype(float))
    with pytest.raises(ValueError, match="not negative"):
        balance(x, treated, -np.ones(7))
