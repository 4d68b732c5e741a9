import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from ballot_eval.estimation.quantile_regression import (
    quantile_regression,
    quantile_regression_bootstrap,
)
from ballot_eval.estimation.quantile_vertices import _Groups, _Vertices

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "quantile_reference.json").read_text(encoding="utf-8"))


def read_csv(name):
    return np.genfromtxt(REFERENCE / name, delimiter=",", names=True)


def columns(data, *names):
    return np.column_stack([np.ones(len(data))] + [data[n] for n in names])


def case(name):
    if name == "engel":
        data = read_csv("quantile_engel.csv")
        return data["foodexp"], columns(data, "income")
    if name == "stackloss":
        data = read_csv("quantile_stackloss.csv")
        return data["stackloss"], columns(data, "AirFlow", "WaterTemp", "AcidConc")
    data = read_csv("quantile_times.csv")
    return data["seconds"], columns(data, *(["new"] if name == "times_groups" else ["new", "age"]))


def objective(y, x, coefficients, tau):
    r = y - x @ coefficients
    return float((r * (tau - (r < 0))).sum())


def times(seed=5, clusters=24, size=30, effect=0.2):
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), size)
    new = (cluster < clusters // 2).astype(float)
    shock = 0.15 * rng.normal(size=clusters)[cluster]
    y = np.exp(4 + effect * new + shock + 0.4 * rng.normal(size=len(new)))
    return y, np.column_stack([np.ones(len(y)), new]), cluster


def boot(y, x, cluster, **options):
    given = {"quantiles": [0.5], "column": 1, "method": "pairs", "draws": 199, "seed": 1}
    return quantile_regression_bootstrap(y, x, clusters=cluster, **(given | options))


@pytest.mark.parametrize("name", ["engel", "stackloss", "times_groups", "times_age"])
def test_fits_are_those_of_r_quantreg(name):
    y, x = case(name)
    for reference in NUMBERS[name]:
        fit = quantile_regression(y, x, quantile=reference["quantile"])
        assert fit.objective == pytest.approx(reference["objective"], rel=1e-10)
        same = np.allclose(fit.coefficients, reference["coefficients"], rtol=1e-8, atol=1e-8)
        if reference["unique"]:
            assert same
        # R calls a solution unique when it is not sure that it is not.
        if not same:
            assert not fit.unique


def test_the_vertex_is_optimal_among_all_vertices_and_the_lowest_of_several():
    rng = np.random.default_rng(3)
    for trial in range(40):
        n, p = int(rng.integers(4, 12)), int(rng.integers(1, 4))
        x = np.column_stack([np.ones(n), rng.integers(0, 4, (n, p - 1))]).astype(float)
        y = rng.integers(0, 5, n) if trial % 2 else rng.normal(size=n)
        if np.linalg.matrix_rank(x) < p:
            continue
        tau = float(rng.choice([0.1, 0.25, 0.5, 0.8]))
        bases = [list(b) for b in itertools.combinations(range(n), p)]
        bases = [b for b in bases if abs(np.linalg.det(x[b])) > 1e-9]
        vertices = [np.linalg.solve(x[b], y[b]) for b in bases]
        values = np.array([objective(y, x, v, tau) for v in vertices])
        best = np.flatnonzero(values < values.min() + 1e-9)
        fit = quantile_regression(y, x, quantile=tau)
        assert fit.objective == pytest.approx(values.min(), abs=1e-9)
        lowest = min(float(x.mean(axis=0) @ vertices[i]) for i in best)
        assert x.mean(axis=0) @ fit.coefficients == pytest.approx(lowest, abs=1e-7)
        spread = np.ptp([vertices[i] for i in best], axis=0).max()
        if fit.unique:
            assert spread < 1e-9 or len(best) > 1
        else:
            assert spread > 1e-9


def test_the_objective_is_that_of_a_linear_program_with_thousands_of_ties():
    rng = np.random.default_rng(8)
    n = 1500
    x = np.column_stack([np.ones(n), rng.integers(0, 2, n), rng.integers(18, 90, n)])
    y = 5 * np.round(np.exp(3.5 + 0.3 * x[:, 1] + 0.4 * rng.normal(size=n)) / 5)
    for tau in (0.1, 0.5, 0.9):
        cost = np.r_[np.zeros(3), np.full(n, tau), np.full(n, 1 - tau)]
        bounds = [(None, None)] * 3 + [(0, None)] * (2 * n)
        program = linprog(cost, A_eq=np.hstack([x, np.eye(n), -np.eye(n)]), b_eq=y, bounds=bounds)
        fit = quantile_regression(y, x, quantile=tau)
        assert fit.objective == pytest.approx(program.fun, rel=1e-9)


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.73, 0.9])
@pytest.mark.parametrize("heaped", [False, True])
def test_groups_give_their_quantiles_of_type_1(tau, heaped):
    y, x, _ = times()
    y = 10 * np.round(y / 10) if heaped else y
    fit = quantile_regression(y, x, quantile=tau)
    old, new = (np.quantile(y[x[:, 1] == v], tau, method="inverted_cdf") for v in (0, 1))
    assert fit.coefficients == pytest.approx([old, new - old], abs=1e-12)


def test_a_fit_is_equivariant():
    y, x = case("times_age")
    fit = quantile_regression(y, x, quantile=0.3).coefficients
    turned = quantile_regression(-y, x, quantile=0.7).coefficients
    assert fit == pytest.approx(-turned, rel=1e-9)
    mixed = x @ np.array([[1.0, 2, 0], [0, 3, 1], [0, 0, 10]])
    moved = quantile_regression(7 * y, mixed, quantile=0.3).coefficients
    assert mixed @ moved == pytest.approx(7 * x @ fit, rel=1e-9)


def test_scale_does_not_matter():
    y, x = case("engel")
    fit = quantile_regression(y, x, quantile=0.25).coefficients
    for scale in (1e-9, 1e9):
        other = quantile_regression(scale * y, x, quantile=0.25).coefficients
        assert other == pytest.approx(scale * fit, rel=1e-9)


@pytest.mark.parametrize("tau", [0.25, 0.4, 0.9])
@pytest.mark.parametrize(("kind", "method"), [("pairs", "pairs"), ("wild", "wild_gradient")])
def test_draws_are_those_of_r_for_the_same_multipliers(kind, method, tau):
    y, x = case("times_age")
    codes = read_csv("quantile_times.csv")["cluster"].astype(int) - 1
    multipliers = np.array(NUMBERS[kind]["multipliers"], dtype=float)
    expected = np.array(NUMBERS[kind][f"q{tau:g}".replace("0.", "")])
    drawn = _Vertices(y, x, codes, tau).at()[1](multipliers, method)
    for row, reference, weights in zip(drawn, expected, multipliers, strict=True):
        if kind == "pairs":
            w = weights[codes]
            scaled = [objective(w * y, w[:, None] * x, b, tau) for b in (row, reference)]
            assert scaled[0] == pytest.approx(scaled[1], rel=1e-12)
        else:
            assert row == pytest.approx(reference, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("method", ["pairs", "wild_gradient"])
def test_groups_are_drawn_as_by_the_general_algorithm(method):
    y, x, cluster = times(size=20)
    rng = np.random.default_rng(4)
    group = x[:, 1].astype(int)
    multipliers = rng.multinomial(23, np.full(24, 1 / 24), size=40).astype(float)
    if method == "wild_gradient":
        multipliers = rng.choice([-0.618, 1.618], size=(40, 24))
    for tau in (0.1, 0.5, 0.8):
        fast = _Groups(y, np.array([[1.0, 0], [1, 1]]), group, cluster).at(tau)
        slow = _Vertices(y, x, cluster, tau).at()
        assert fast[0] == pytest.approx(slow[0], rel=1e-12)
        assert fast[1](multipliers, method) == pytest.approx(slow[1](multipliers, method), rel=1e-9)


def test_errors_of_pairs_are_those_of_r_survey_up_to_monte_carlo():
    y, x = case("times_groups")
    cluster = read_csv("quantile_times.csv")["cluster"]
    result = boot(y, x, cluster, quantiles=[0.25, 0.5, 0.75], draws=4000)
    # Two standard errors from 4000 draws each: about 1.6 % each for a normal distribution.
    assert result.std_errors == pytest.approx(NUMBERS["subbootstrap_se"], rel=0.07)
    assert result.arms == 2


def test_errors_of_the_wild_gradient_are_those_of_r_up_to_monte_carlo():
    y, x = case("times_age")
    cluster = read_csv("quantile_times.csv")["cluster"]
    result = boot(y, x, cluster, quantiles=[0.25, 0.5, 0.75], draws=999, method="wild_gradient")
    # Ours are multiplied by √(G/(G−1)) per arm of 12 and 15 clusters: about 1.04.
    expected = 1.04 * np.array(NUMBERS["wild_se"])[:, 1]
    assert result.std_errors == pytest.approx(expected, rel=0.10)


def test_results_fit_together():
    y, x, cluster = times()
    result = boot(y, x, cluster, quantiles=[0.1, 0.5, 0.9], draws=499)
    assert result.distribution.shape == (499, 3)
    assert (result.band_lower < result.ci_lower).all()
    assert (result.band_upper > result.ci_upper).all()
    assert (result.joint_p_values >= result.p_values).all()
    assert (result.p_values >= 1 / 500).all()
    assert ((result.df >= 11) & (result.df <= 22)).all()
    again = boot(y, x, cluster, quantiles=[0.1, 0.5, 0.9], draws=499)
    assert np.array_equal(result.distribution, again.distribution)
    single = boot(y, x, cluster, quantiles=[0.5], draws=499)
    assert single.band_lower == pytest.approx(single.ci_lower, rel=0.05)


def test_few_clusters_in_one_arm_count_as_few():
    y, x, cluster = times(clusters=60)
    keep = (cluster < 4) | (cluster >= 30)
    result = boot(y[keep], x[keep], cluster[keep])
    assert result.df[0] < 6
    assert result.n_clusters == 34


def test_a_column_that_varies_within_clusters_has_no_arms():
    y, x, cluster = times()
    x[:, 1] = np.arange(len(y)) % 2
    result = boot(y, x, cluster)
    assert (result.arms, result.df[0]) == (1, 23)


def test_covariates_change_little_when_unrelated():
    y, x, cluster = times()
    noise = np.random.default_rng(9).normal(size=len(y))
    plain, adjusted = boot(y, x, cluster), boot(y, np.column_stack([x, noise]), cluster)
    assert adjusted.estimates == pytest.approx(plain.estimates, abs=plain.std_errors[0])
    assert adjusted.std_errors == pytest.approx(plain.std_errors, rel=0.25)


@pytest.mark.parametrize("method", ["pairs", "wild_gradient"])
def test_intervals_cover_the_truth(method):
    covered, joint, reps = np.zeros(2), 0, 300
    truth = np.exp(0.2) - 1
    for rep in range(reps):
        y, x, cluster = times(seed=rep, clusters=40, size=15, effect=0.0)
        y = np.where(x[:, 1] == 1, y * (1 + truth), y)
        result = boot(np.log(y), x, cluster, quantiles=[0.5, 0.9], method=method)
        covered += (result.ci_lower <= 0.2) & (result.ci_upper >= 0.2)
        joint += bool(((result.band_lower <= 0.2) & (result.band_upper >= 0.2)).all())
    assert (covered / reps > 0.91).all()
    assert (covered / reps < 0.99).all()
    assert 0.91 < joint / reps < 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantile": 1.0}, "between 0 and 1"),
        ({"y": [1.0, np.nan, 2.0]}, "missing or infinite"),
        ({"y": [1.0, 2.0]}, "shapes"),
        ({"x": [[1.0, 2], [1, 2], [1, 2]]}, "column 1 of x is collinear"),
        ({"x": [[1.0, 2, 3, 4]] * 3}, "too few"),
    ],
)
def test_bad_input_of_a_fit_is_refused(change, message):
    given = {"y": [1.0, 2.0, 4.0], "x": [[1.0, 0], [1, 1], [1, 0]], "quantile": 0.5} | change
    with pytest.raises(ValueError, match=message):
        quantile_regression(given["y"], given["x"], quantile=given["quantile"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column": 2}, "no column 2"),
        ({"quantiles": []}, "at least one"),
        ({"quantiles": [0.5, 0.0]}, "between 0 and 1"),
        ({"method": "xy"}, "pairs"),
        ({"draws": 10}, "too few"),
        ({"confidence_level": 1.0}, "confidence_level"),
    ],
)
def test_a_bad_call_of_the_bootstrap_is_refused(options, message):
    y, x, cluster = times(clusters=6, size=5)
    with pytest.raises(ValueError, match=message):
        boot(y, x, cluster, **options)


def test_data_without_an_answer_are_refused():
    y, x, cluster = times(clusters=6, size=5)
    with pytest.raises(ValueError, match="two clusters"):
        boot(y, x, np.where(x[:, 1] == 1, 0, cluster))
    with pytest.raises(ValueError, match="same in every draw"):
        boot(np.full(len(y), 60.0), x, cluster)
    with pytest.raises(ValueError, match="without clusters"):
        boot(y, np.column_stack([x, cluster == 5]), cluster)
    with pytest.raises(ValueError, match="too few clusters"):
        boot(
            np.where(cluster < 1, 9.0, 1 + y / 1e6),
            x,
            cluster,
            quantiles=[0.05, 0.99],
            method="wild_gradient",
        )
    labels = cluster.astype(float)
    labels[0] = np.nan
    with pytest.raises(ValueError, match="missing"):
        boot(y, x, labels)
