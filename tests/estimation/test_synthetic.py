"""Synthetic control and synthetic DiD against the authors' software, brute force, known truth."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from ballot_eval.estimation.placebos import (
    _placebo_estimates,
    jackknife_standard_error,
    placebo_standard_error,
    placebo_test,
)
from ballot_eval.estimation.simplex import frank_wolfe, simplex_least_squares, simplex_ridge
from ballot_eval.estimation.synthetic import (
    make_frame,
    synthetic_effect,
    synthetic_effects_per_unit,
)

REFERENCE = Path(__file__).parents[1] / "reference"
SPARSE = "frank_wolfe_sparse"


@pytest.fixture(scope="module")
def reference():
    values = defaultdict(list)
    with (REFERENCE / "synthetic_reference.csv").open() as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            values[row["data"], row["quantity"]].append(float(row["value"]))
    return {name: np.array(numbers) for name, numbers in values.items()}


@pytest.fixture(scope="module")
def prop99():
    with (REFERENCE / "synthetic_prop99.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    outcomes = np.array([[float(v) for k, v in r.items() if k != "state"] for r in rows])
    return outcomes, np.array([r["state"] == "California" for r in rows])


@pytest.fixture(scope="module")
def panel():
    return np.loadtxt(REFERENCE / "synthetic_panel.csv", delimiter=","), np.arange(35) >= 30


def factor_model(seed, *, n=120, n1=8, periods=10, n_post=3, effect=2.0):
    """Two factors; experiment units load more on the one that rises after the start."""
    rng = np.random.default_rng(seed)
    treated = np.arange(n) < n1
    loadings = rng.normal(size=(n, 2)) + 0.8 * treated[:, None]
    factors = np.vstack([np.linspace(-1, 3, periods), rng.normal(size=periods)])
    y = 5 + rng.normal(size=(n, 1)) + rng.normal(size=periods) + loadings @ factors
    y += 0.2 * rng.normal(size=y.shape)
    y[treated, periods - n_post :] += effect
    return y, treated


@pytest.mark.parametrize(
    ("method", "solver", "published"),
    [
        ("synthetic_did", SPARSE, -15.60382787),
        ("did", None, -27.34911108),
        # The solver stops after 10,000 rounds on the way to the optimum, -19.51363, so this
        # one depends on rounding in its last digits.
        ("synthetic_control", "frank_wolfe", -19.58679770),
        ("synthetic_control", SPARSE, -19.61966347),
    ],
)
def test_proposition_99(prop99, method, solver, published):
    found = synthetic_effect(*prop99, n_post=12, method=method, solver=solver)
    tolerance = 5e-8 if solver == "frank_wolfe" else 1e-8
    assert found.estimate == pytest.approx(published, abs=tolerance)


@pytest.mark.parametrize(
    ("data", "n_post", "method", "solver", "quantity"),
    [
        (data, n_post, method, solver, quantity)
        for data, n_post in (("prop99", 12), ("panel", 2))
        for method, solver, quantity in (
            ("synthetic_did", SPARSE, "sdid"),
            ("synthetic_did", "frank_wolfe", "sdid_not_sparse"),
            ("synthetic_control", SPARSE, "sc"),
            ("synthetic_control", "frank_wolfe", "sc_not_sparse"),
            ("did", None, "did"),
        )
    ],
)
def test_estimates_as_the_authors(request, reference, data, n_post, method, solver, quantity):
    sample = request.getfixturevalue(data)
    found = synthetic_effect(*sample, n_post=n_post, method=method, solver=solver)
    assert found.estimate == pytest.approx(reference[data, quantity][0], rel=1e-9)
    if solver == SPARSE:
        expected = reference[data, f"{quantity}_unit_weights"]
        assert found.unit_weights[~sample[1]] == pytest.approx(expected, abs=1e-9)
    if quantity == "sdid":
        expected = reference[data, "sdid_time_weights"]
        assert found.time_weights == pytest.approx(expected, abs=1e-9)
        assert found.effects == pytest.approx(reference[data, "sdid_effects"], rel=1e-9)


def test_time_weights_of_proposition_99(prop99):
    for solver in (SPARSE, "exact"):
        found = synthetic_effect(*prop99, n_post=12, method="synthetic_did", solver=solver)
        assert found.time_weights[-3:] == pytest.approx([0.366, 0.206, 0.427], abs=5e-4)
        assert not found.time_weights[:-3].any()


def test_per_unit_as_the_authors(panel, reference):
    for method, name in (("synthetic_did", "sdid"), ("synthetic_control", "sc")):
        found = synthetic_effects_per_unit(*panel, n_post=2, method=method, solver=SPARSE)
        estimates = [unit.estimate for unit in found]
        assert estimates == pytest.approx(reference["panel", f"{name}_per_unit"], rel=1e-9)


def test_placebos_and_errors_as_the_authors(panel, reference, prop99):
    frame = make_frame(*panel, 2, "synthetic_did", SPARSE)
    members = reference["panel", "placebo_sets"].astype(np.intp).reshape(-1, 5)
    expected = reference["panel", "placebo_estimates"]
    assert _placebo_estimates(frame, members) == pytest.approx(expected, abs=1e-9)
    error = jackknife_standard_error(*panel, n_post=2, method="synthetic_did", solver=SPARSE)
    assert error == pytest.approx(reference["panel", "sdid_jackknife_se"][0], rel=1e-9)
    found = placebo_test(
        *prop99,
        n_post=12,
        method="synthetic_did",
        statistic="effect",
        draws=99,
        seed=1,
        solver=SPARSE,
    )
    expected = reference["prop99", "sdid_in_space_placebos"]
    assert found.placebo_estimates == pytest.approx(expected, abs=1e-8)


def test_exact_solvers_by_a_general_optimiser():
    rng = np.random.default_rng(8)
    for ridge in (0.0, 0.3, 20.0):
        a, b = rng.normal(size=(6, 5)), rng.normal(size=6)

        def cost(w, a=a, b=b, ridge=ridge):
            return float(((a @ w - b) ** 2).sum() + ridge * w @ w)

        general = minimize(
            cost,
            np.full(5, 0.2),
            method="SLSQP",
            bounds=[(0, 1)] * 5,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
            options={"ftol": 1e-15, "maxiter": 1000},
        )
        weights = simplex_least_squares(a, b, ridge=ridge)
        assert weights == pytest.approx(general.x, abs=1e-5)
        assert weights.sum() == pytest.approx(1)
        if ridge:
            assert simplex_ridge(a, b, ridge=ridge) == pytest.approx(weights, abs=1e-9)


def test_both_ridge_solvers_agree_whatever_the_scale():
    rng = np.random.default_rng(9)
    for _ in range(100):
        a = rng.normal(size=(rng.integers(1, 8), rng.integers(1, 40))) * 10 ** rng.uniform(-4, 4)
        size = np.abs(a).max()
        b = rng.normal(size=len(a)) * size * 10 ** rng.uniform(-2, 1)
        ridge = 10 ** rng.uniform(-10, 2) * size**2
        expected = simplex_least_squares(a, b, ridge=ridge)
        assert simplex_ridge(a, b, ridge=ridge) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    ("method", "solver"),
    [("synthetic_control", "exact"), ("synthetic_did", "exact"), ("synthetic_did", SPARSE)],
)
def test_unit_of_measurement_and_common_trend_do_not_matter(method, solver):
    y, treated = factor_model(5, n=25)
    arguments = {"n_post": 3, "method": method, "solver": solver}
    expected = synthetic_effect(y, treated, **arguments).estimate
    moved = 1e-4 * (y + 3 * np.arange(10)) + 0.004
    found = synthetic_effect(moved, treated, **arguments).estimate
    assert found == pytest.approx(1e-4 * expected, rel=1e-6)


def test_a_target_inside_the_hull_is_reproduced():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(4, 30))
    weights = simplex_least_squares(a, a @ np.full(30, 1 / 30))
    assert a @ weights == pytest.approx(a.mean(axis=1), abs=1e-9)
    assert (weights > 0).sum() <= 5


def test_frank_wolfe_solves_a_batch_as_one_by_one():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(5, 12)), rng.normal(size=(7, 5))
    blocked = rng.random((7, 12)) < 0.3
    start = np.where(blocked, 0.0, 1.0)
    start /= start.sum(axis=1, keepdims=True)
    options = {"rows": 5, "zeta": 0.5, "min_decrease": 1e-3, "rounds": 3000}
    together, converged = frank_wolfe(a, b, start, blocked=blocked, **options)
    stacked, _ = frank_wolfe(np.stack([a] * 7), b, start, blocked=blocked, **options)
    assert stacked == pytest.approx(together, abs=1e-10)
    assert converged.all()
    assert not together[blocked].any()
    for p in range(7):
        own = ~blocked[p]
        alone, _ = frank_wolfe(
            a[:, own], b[p : p + 1], start[p : p + 1, own], blocked=None, **options
        )
        assert together[p, own] == pytest.approx(alone[0], abs=1e-10)
        best = simplex_least_squares(a[:, own], b[p], ridge=5 * 0.25)
        assert together[p, own] == pytest.approx(best, abs=0.03)


def test_did_is_the_difference_of_four_means(panel):
    y, treated = panel
    found = synthetic_effect(y, treated, n_post=2, method="did")
    change = y[:, 6:].mean(axis=1) - y[:, :6].mean(axis=1)
    assert found.estimate == pytest.approx(change[treated].mean() - change[~treated].mean())
    assert found.unit_weights[~treated] == pytest.approx(1 / 30)


@pytest.mark.parametrize("method", ["did", "synthetic_control", "synthetic_did"])
def test_the_parts_of_an_estimate_belong_together(panel, method):
    y, treated = panel
    found = synthetic_effect(y, treated, n_post=2, method=method, solver="exact")
    assert found.unit_weights.sum() == pytest.approx(1)
    assert not found.unit_weights[treated].any()
    assert found.effects.mean() == pytest.approx(found.estimate)
    assert (found.observed - found.counterfactual)[6:] == pytest.approx(found.effects)
    assert found.observed == pytest.approx(y[treated].mean(axis=0))
    if method != "synthetic_control":
        assert found.time_weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("method", ["did", "synthetic_control", "synthetic_did"])
def test_placebos_by_brute_force(panel, method):
    y, treated = panel
    found = placebo_test(
        y, treated, n_post=2, method=method, statistic="effect", draws=500, seed=3, solver="exact"
    )
    for position in (0, 13, 29):
        rows = ~treated
        role = np.arange(35) == position
        frame = make_frame(y[rows], role[rows], 2, method, "exact")
        alone = synthetic_effect(y[rows], role[rows], n_post=2, method=method, solver="exact")
        # Synthetic DiD keeps the ridge that belongs to all controls.
        if method == "synthetic_did":
            assert frame.noise == pytest.approx(
                make_frame(*panel, 2, method, "exact").noise, rel=0.1
            )
            assert found.placebo_estimates[position] == pytest.approx(alone.estimate, abs=0.05)
        else:
            assert found.placebo_estimates[position] == pytest.approx(alone.estimate)
    for unit, p_value in enumerate(found.p_values):
        reached = np.abs(found.placebo_estimates) >= abs(found.estimates[unit])
        assert p_value == pytest.approx((1 + reached.sum()) / 31)
    assert found.mean_estimate == pytest.approx(found.estimates.mean())
    assert 1 / 501 <= found.mean_p_value <= 1


def test_tied_placebos_count():
    # Changes 3, 3 and −3 among six controls that sum to 0: estimates ±3.6 and tied with the own.
    change = np.array([3.6, 3.0, -3.0, 3.0, -3.0, 0.0, 0.0])
    y = np.column_stack([np.arange(7.0), np.arange(7.0) + change])
    found = placebo_test(
        y, np.arange(7) == 0, n_post=1, method="did", statistic="effect", draws=9, seed=1
    )
    assert found.placebo_estimates == pytest.approx([3.6, -3.6, 3.6, -3.6, 0, 0])
    assert found.p_values.tolist() == [5 / 7]


def test_no_effect_anywhere_has_p_value_one():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(20, 1)) + rng.normal(size=5)
    found = placebo_test(
        y, np.arange(20) < 3, n_post=2, method="did", statistic="effect", draws=99, seed=1
    )
    assert found.p_values.tolist() == [1.0] * 3
    assert found.mean_p_value == 1.0


def test_ratio_of_fits(prop99):
    found = placebo_test(
        *prop99,
        n_post=12,
        method="synthetic_control",
        statistic="ratio",
        draws=99,
        seed=1,
        solver="exact",
    )
    estimate = synthetic_effect(*prop99, n_post=12, method="synthetic_control", solver="exact")
    expected = np.sqrt((estimate.effects**2).mean()) / estimate.pre_rmse
    assert found.statistics == pytest.approx([expected])
    # On outcomes alone California ranks third of 39 on the ratio.
    assert found.p_values == pytest.approx([3 / 39])


def test_an_exact_fit_has_no_ratio(panel):
    with pytest.raises(ValueError, match="fit exactly before the start"):
        placebo_test(
            *panel,
            n_post=2,
            method="synthetic_control",
            statistic="ratio",
            draws=9,
            seed=1,
            solver="exact",
        )


def test_a_known_effect_is_recovered():
    found = {"did": [], "synthetic_control": [], "synthetic_did": []}
    for seed in range(12):
        sample = factor_model(seed)
        for method, estimates in found.items():
            result = synthetic_effect(*sample, n_post=3, method=method, solver="exact")
            estimates.append(result.estimate)
    error = {method: np.array(estimates) - 2.0 for method, estimates in found.items()}
    # The roles follow the rising factor, so parallel trends fail and only DiD is biased.
    assert error["did"].mean() > 1.0
    assert abs(error["synthetic_control"].mean()) < 0.2
    assert abs(error["synthetic_did"].mean()) < 0.3


def test_the_solvers_of_synthetic_did_agree():
    sample = factor_model(1, n=40)
    exact, sparse, plain = (
        synthetic_effect(*sample, n_post=3, method="synthetic_did", solver=solver).estimate
        for solver in ("exact", SPARSE, "frank_wolfe")
    )
    assert (sparse, plain) == pytest.approx((exact, exact), abs=0.02)


def test_placebo_error_is_that_of_the_estimates(panel):
    arguments = {"n_post": 2, "method": "synthetic_did", "draws": 60, "solver": "exact"}
    found = placebo_standard_error(*panel, seed=5, **arguments)
    assert found.standard_error == pytest.approx(found.estimates.std())
    again = placebo_standard_error(*panel, seed=5, **arguments)
    assert again.estimates.tolist() == found.estimates.tolist()
    other = placebo_standard_error(*panel, seed=6, **arguments)
    assert other.standard_error != found.standard_error


def test_placebo_error_near_the_spread_of_the_estimate():
    estimates, errors = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y, treated = rng.normal(size=(60, 6)), np.arange(60) < 5
        arguments = {"n_post": 2, "method": "synthetic_did", "solver": "exact"}
        estimates.append(synthetic_effect(y, treated, **arguments).estimate)
        if seed < 8:
            error = placebo_standard_error(y, treated, draws=60, seed=seed, **arguments)
            errors.append(error.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.3)


def test_jackknife_by_brute_force(panel):
    y, treated = panel
    change = y[:, 6:].mean(axis=1) - y[:, :6].mean(axis=1)
    values = []
    for left_out in range(35):
        kept = np.arange(35) != left_out
        values.append(change[kept & treated].mean() - change[kept & ~treated].mean())
    expected = np.sqrt(34 * np.var(values))
    found = jackknife_standard_error(y, treated, n_post=2, method="did")
    assert found == pytest.approx(expected)


def test_an_experiment_unit_outside_the_hull_shows():
    y, treated = factor_model(3, n=30, n1=1, effect=0.0)
    y[0] += 100
    arguments = {"n_post": 3, "solver": "exact"}
    control = synthetic_effect(y, treated, method="synthetic_control", **arguments)
    assert control.pre_rmse > 50
    did = synthetic_effect(y, treated, method="synthetic_did", **arguments)
    assert did.pre_rmse < 5
    assert abs(did.estimate) < 5


@pytest.mark.parametrize("method", ["synthetic_control", "synthetic_did"])
def test_one_period_before_is_refused_except_for_did(panel, method):
    y, treated = panel
    with pytest.raises(ValueError, match="2 before; there are 7 and 1"):
        synthetic_effect(y, treated, n_post=7, method=method, solver="exact")
    found = synthetic_effect(y, treated, n_post=7, method="did")
    assert np.isfinite(found.estimate)


@pytest.mark.parametrize("method", ["synthetic_control", "synthetic_did"])
def test_bad_data(panel, method):
    y, treated = panel
    arguments = {"n_post": 2, "method": method, "solver": "exact"}
    broken = y.copy()
    broken[4, 2] = np.nan
    with pytest.raises(ValueError, match=r"rows \[4\]"):
        synthetic_effect(broken, treated, **arguments)
    with pytest.raises(ValueError, match="2 or more controls"):
        synthetic_effect(y, np.ones(35, dtype=bool), **arguments)
    with pytest.raises(ValueError, match="needs an experiment unit"):
        synthetic_effect(y, np.zeros(35, dtype=bool), **arguments)
    with pytest.raises(ValueError, match="one boolean per unit"):
        synthetic_effect(y, treated.astype(int), **arguments)
    with pytest.raises(ValueError, match="all outcomes are identical"):
        synthetic_effect(np.full((35, 8), 0.3), treated, **arguments)
    same = y.copy()
    same[~treated] = same[0]
    with pytest.raises(ValueError, match="identical outcomes before"):
        synthetic_effect(same, treated, **arguments)
    with pytest.raises(ValueError, match="needs a period after"):
        synthetic_effect(y, treated, **{**arguments, "n_post": 0})


def test_a_zero_noise_level_is_refused(panel):
    _, treated = panel
    y = np.arange(35.0)[:, None] + 2.0 * np.arange(8)
    with pytest.raises(ValueError, match="noise level is zero"):
        synthetic_effect(y, treated, n_post=2, method="synthetic_did", solver="exact")


def test_bad_calls(panel):
    y, treated = panel
    with pytest.raises(ValueError, match="method must be"):
        synthetic_effect(y, treated, n_post=2, method="sdid")
    with pytest.raises(ValueError, match="solver must be"):
        synthetic_effect(y, treated, n_post=2, method="synthetic_did")
    few = np.arange(35) < 20
    arguments = {"n_post": 2, "method": "did"}
    with pytest.raises(ValueError, match="15 controls are too few"):
        placebo_standard_error(y, few, draws=10, seed=1, **arguments)
    with pytest.raises(ValueError, match="15 controls are too few"):
        placebo_test(y, few, statistic="effect", draws=10, seed=1, **arguments)
    with pytest.raises(ValueError, match="statistic must be"):
        placebo_test(y, treated, statistic="t", draws=10, seed=1, **arguments)
    with pytest.raises(ValueError, match="draws must be"):
        placebo_test(y, treated, statistic="effect", draws=0, seed=1, **arguments)
    with pytest.raises(ValueError, match="at least two draws"):
        placebo_standard_error(y, treated, draws=1, seed=1, **arguments)
    with pytest.raises(ValueError, match="two experiment units"):
        jackknife_standard_error(y, np.arange(35) == 0, **arguments)
