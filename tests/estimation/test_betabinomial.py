"""Beta-binomial regression against published values, R, forty digits and brute force."""

from __future__ import annotations

import csv
import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import betabinom

from ballot_eval.estimation import betabinomial as module
from ballot_eval.estimation.betabinomial import did_beta_binomial, fit_beta_binomial
from ballot_eval.estimation.counts import NoOverdispersionError, SeparationError, did_ratio
from ballot_eval.estimation.rates import intraclass_correlation

FOLDER = Path(__file__).resolve().parents[1] / "reference"
TERMS = ("constant", "seed", "extract", "both")


def read_csv(name):
    with (FOLDER / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.fixture(scope="module")
def r_says():
    return {
        (row["model"], row["name"]): float(row["value"]) for row in read_csv("counts_reference.csv")
    }


@pytest.fixture(scope="module")
def panel():
    rows = read_csv("counts_panel.csv")
    names = ("count", "total", "municipality", "election", "new_ballot")
    return tuple(np.array([int(row[name]) for row in rows]) for name in names)


@pytest.fixture(scope="module")
def exact():
    return json.loads((FOLDER / "counts_seeds.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def seeds(exact):
    seed, extract = np.array(exact["seed"]), np.array(exact["extract"])
    design = np.column_stack([np.ones(21), seed, extract, seed * extract])
    return np.array(exact["counts"]), np.array(exact["totals"]), design


def draws(seed, p, total, rho):
    scale = (1 - rho) / rho
    rng = np.random.default_rng(seed)
    return rng.binomial(total, rng.beta(p * scale, (1 - p) * scale))


def test_crowders_seeds(seeds, exact, r_says):
    fit = fit_beta_binomial(*seeds, names=TERMS, method="beta_binomial")
    # Published figures come from optimisers that stop at the eighth digit; the exact root does not.
    published = (-0.5419505322, 0.0973904989, 1.3200682741, -0.7979247536)
    assert fit.coefficients == pytest.approx(published, abs=1e-7)
    assert fit.coefficients == pytest.approx(exact["coefficients"], abs=1e-12)
    assert fit.overdispersion == pytest.approx(0.01236090, abs=2e-8)
    assert fit.overdispersion == pytest.approx(exact["rho"], rel=1e-11)
    assert fit.log_likelihood == pytest.approx(-53.7667633649, abs=5e-11)
    for i, name in enumerate(TERMS):
        vgam = r_says["seeds beta_binomial VGAM", f"b:{name}"]
        assert fit.coefficients[i] == pytest.approx(vgam, abs=3e-8)
        # glmmTMB stops at a gradient of about 1e-6.
        tmb = r_says["seeds beta_binomial", f"se:{name}"]
        assert fit.standard_errors[i] == pytest.approx(tmb, rel=1e-6)


def test_panel_with_municipality_effects_equals_r(panel, r_says):
    effect = did_beta_binomial(*panel, method="beta_binomial")
    key = "panel beta_binomial"
    # Same likelihood to 12 digits; the flat top leaves glmmTMB's estimates six.
    assert effect.model.log_likelihood == pytest.approx(r_says[key, "log_likelihood"], rel=1e-11)
    assert effect.coefficient == pytest.approx(r_says[key, "b:new_ballot"], rel=2e-5)
    assert effect.standard_error == pytest.approx(r_says[key, "se:new_ballot"], rel=2e-5)
    assert effect.model.overdispersion == pytest.approx(r_says[key, "rho"], rel=2e-5)
    assert effect.dropped_without_events == ("23",)


def test_effects_taken_out_equal_dummies(panel):
    count, total, place, election, new = panel
    kept = place != 23
    columns = [new, *(place == i for i in range(23)), *(election == i for i in (1, 2, 3))]
    x = np.column_stack(columns)[kept].astype(float)
    names = [f"x{i}" for i in range(x.shape[1])]
    for method in module.BETA_BINOMIAL_METHODS:
        slow = fit_beta_binomial(count[kept], total[kept], x, names=names, method=method)
        fast = did_beta_binomial(*panel, method=method)
        assert fast.coefficient == pytest.approx(slow.coefficients[0], rel=1e-9)
        assert fast.standard_error == pytest.approx(slow.standard_errors[0], rel=1e-9)
        assert fast.p_value == pytest.approx(slow.p_values[0], rel=1e-8)
        assert fast.model.overdispersion == pytest.approx(slow.overdispersion, rel=1e-9)
        assert fast.model.overdispersion_se == pytest.approx(slow.overdispersion_se, rel=1e-9)
        assert fast.model.goodness.df_residual == slow.goodness.df_residual == 92 - 27


def test_log_likelihood_equals_scipy(seeds):
    fit = fit_beta_binomial(*seeds, names=TERMS, method="beta_binomial")
    count, total, _ = seeds
    p, s = fit.fitted / total, (1 - fit.overdispersion) / fit.overdispersion
    brute = betabinom.logpmf(count, total, p * s, (1 - p) * s).sum()
    assert fit.log_likelihood == pytest.approx(brute, abs=1e-11)


@pytest.mark.parametrize("log_scale", [-1.0, 2.0, 5.0, 8.0, 12.0])
def test_derivatives_equal_finite_differences(seeds, log_scale):
    count, total, x = seeds
    data = module._Data(count.astype(float), total.astype(float), x)
    vector = np.array([-0.5, 0.2, 1.1, -0.4, log_scale])

    def point(v):
        return module._Point(v[:4], np.empty(0), float(v[4]))

    def gradient(v):
        found = module._derivatives(data, point(v))
        return np.append(x.T @ found.eta, found.tau.sum())

    h = 1e-4
    steps = [h * row for row in np.eye(5)]
    value = [
        (
            module._log_likelihood(data, point(vector + d))
            - module._log_likelihood(data, point(vector - d))
        )
        / (2 * h)
        for d in steps
    ]
    assert gradient(vector) == pytest.approx(np.array(value), rel=1e-6, abs=1e-6)
    second = np.array([(gradient(vector + d) - gradient(vector - d)) / (2 * h) for d in steps])
    inner, _, _ = module._blocks(data, module._derivatives(data, point(vector)))
    assert inner == pytest.approx(second, rel=1e-5, abs=1e-6)


def test_series_for_large_arguments_meet_the_functions_they_replace():
    k = np.array([0.0, 1.0, 17.0, 400.0])
    below, above = np.full(4, module.LARGE), np.full(4, np.nextafter(module.LARGE, 99))
    assert module._rise(above, k) == pytest.approx(module._rise(below, k), rel=1e-13, abs=1e-13)
    for one, two in zip(module._rise_slopes(above, k), module._rise_slopes(below, k), strict=True):
        assert one == pytest.approx(two, rel=1e-12, abs=1e-15)
    # Γ(x+3)/Γ(x) = x(x+1)(x+2), out of reach of a difference of two log-gammas of 1e12.
    found = float(module._rise(np.array([1e11]), np.array([3.0]))[0])
    assert found == pytest.approx(sum(math.log(1e11 + i) for i in range(3)), rel=1e-14)


def test_vanishing_rho_gives_the_binomial_likelihood(seeds):
    count, total, x = seeds
    data = module._Data(count.astype(float), total.astype(float), x)
    b = np.array([-0.5, 0.2, 1.1, -0.4])
    p = expit(x @ b)
    binomial = (count * np.log(p) + (total - count) * np.log1p(-p)).sum()
    near = module._log_likelihood(data, module._Point(b, np.empty(0), 25.0))
    assert near == pytest.approx(binomial, abs=1e-6)


def test_truth_is_recovered_without_effects():
    rng = np.random.default_rng(8)
    total = rng.integers(3_000, 60_000, 2_000)
    x = np.column_stack([np.ones(2_000), np.arange(2_000) < 600])
    truth = np.array([-5.6, 0.25])
    count = draws(9, expit(x @ truth), total, 5e-4)
    fit = fit_beta_binomial(count, total, x, names=("constant", "new"), method="beta_binomial")
    assert (np.abs(fit.coefficients - truth) < 3 * fit.standard_errors).all()
    assert abs(fit.overdispersion - 5e-4) < 3 * fit.overdispersion_se
    assert fit.goodness.dispersion == pytest.approx(1.0, abs=0.1)
    plain = x[:, :1]
    alone = fit_beta_binomial(count, total, plain, names=("constant",), method="beta_binomial")
    assert alone.overdispersion == pytest.approx(intraclass_correlation(count, total), rel=0.1)


def invented(seed, places, elections, n_new, ratio):
    rng = np.random.default_rng(seed)
    place, election = np.repeat(np.arange(places), elections), np.tile(np.arange(elections), places)
    new = (place < n_new) & (election == elections - 1)
    total = rng.integers(3_000, 60_000, len(place))
    eta = np.repeat(rng.normal(-5.7, 0.3, places), elections) + 0.1 * election
    count = draws(seed + 1_000, expit(eta + math.log(ratio) * new), total, 4e-4)
    return count, total, place, election, new


def test_two_elections_halve_rho_and_the_scaled_intervals_hold():
    # 60 panels: 95 % coverage gives at least 51 hits with probability .998.
    hits = {"beta_binomial": 0, "quasi_beta_binomial": 0}
    rho, dispersion = [], []
    for seed in range(60):
        data = invented(seed, 150, 2, 30, 1.3)
        for method in hits:
            effect = did_beta_binomial(*data, method=method)
            hits[method] += effect.ci_lower <= 1.3 <= effect.ci_upper
        rho.append(effect.model.overdispersion)
        dispersion.append(effect.model.goodness.dispersion)
    assert np.mean(rho) == pytest.approx(2e-4, rel=0.2)
    assert np.mean(dispersion) == pytest.approx(2.0, abs=0.3)
    assert hits["beta_binomial"] < hits["quasi_beta_binomial"]
    assert hits["quasi_beta_binomial"] >= 51


def test_agrees_with_quasi_binomial_when_sizes_are_equal():
    count, _, place, election, new = invented(3, 100, 4, 20, 1.3)
    total = np.full(len(count), 40_000)
    beta = did_beta_binomial(count, total, place, election, new, method="quasi_beta_binomial")
    quasi = did_ratio(count, total, place, election, new, method="quasi_binomial")
    assert beta.measure == quasi.measure == "odds_ratio"
    assert beta.coefficient == pytest.approx(quasi.coefficient, abs=quasi.standard_error)
    assert beta.standard_error == pytest.approx(quasi.standard_error, rel=0.15)


def test_two_thousand_rows_with_342_effects_are_fast():
    data = invented(1, 342, 6, 11, 1.2)
    start = time.perf_counter()
    did_beta_binomial(*data, method="beta_binomial")
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("rho", [0.05, 0.3, 0.7, 0.95])
def test_strong_correlation_converges_from_far(rho):
    total = np.random.default_rng(4).integers(5, 60, 300)
    x = np.column_stack([np.ones(300), np.arange(300) % 2])
    count = draws(6, expit(x @ np.array([-1.0, 0.8])), total, rho)
    fit = fit_beta_binomial(count, total, x, names=("a", "b"), method="beta_binomial")
    assert fit.overdispersion == pytest.approx(rho, abs=4 * fit.overdispersion_se)


def test_rare_events_settle_or_run_to_the_boundary():
    # Near rho = 0 the likelihood in log s is flat and convex; plain Newton steps creep there.
    rng = np.random.default_rng(12)
    settled = 0
    for _ in range(60):
        total = rng.integers(1, 800, 80)
        x = np.column_stack([np.ones(80), np.arange(80) < 20])
        count = rng.binomial(total, 0.004)
        try:
            fit = fit_beta_binomial(count, total, x, names=("a", "b"), method="beta_binomial")
        except NoOverdispersionError:
            continue
        settled += 1
        assert 0 < fit.overdispersion < 0.1
    assert settled > 10


def test_counts_without_overdispersion_run_to_the_boundary(panel):
    x = np.ones((6, 1))
    with pytest.raises(NoOverdispersionError, match="rho runs to its boundary 0"):
        fit_beta_binomial(
            [5, 5, 6, 5, 6, 5], [50] * 6, x, names=("constant",), method="beta_binomial"
        )
    _, total, place, election, new = panel
    smooth = np.round(total * 0.003 * (1 + 0.02 * place) * (1 + 0.3 * new)).astype(int)
    with pytest.raises(NoOverdispersionError, match="quasi_binomial"):
        did_beta_binomial(smooth, total, place, election, new, method="beta_binomial")


def test_rows_with_all_or_nothing_have_no_maximum():
    with pytest.raises(ValueError, match="beta-binomial"):
        fit_beta_binomial(
            [0, 9, 0, 9, 0, 9], [9] * 6, np.ones((6, 1)), names=("a",), method="beta_binomial"
        )


@pytest.mark.parametrize(
    ("counts", "totals", "match"),
    [
        ([0] * 6, [50] * 6, "no events"),
        ([1, 2, 3, 4, 5, 60], [50] * 6, "exceeds"),
        ([1, 2, 3, 4, 5, 6], [50] * 5 + [0], "positive"),
        ([1, 2, 3, 4, 5, np.nan], [50] * 6, "finite"),
        ([1, 2, 3, 4, 5, 6], [50.5] * 6, "whole numbers"),
        ([0, 1, 0, 1, 1, 0], [1] * 6, "every denominator is 1"),
    ],
)
def test_bad_counts_are_refused(counts, totals, match):
    with pytest.raises(ValueError, match=match):
        fit_beta_binomial(counts, totals, np.ones((6, 1)), names=("a",), method="beta_binomial")


def test_singular_designs_separation_and_unknown_methods_are_refused(panel):
    half = np.column_stack([np.ones(6), np.arange(6) < 3])
    with pytest.raises(ValueError, match="singular"):
        fit_beta_binomial(
            [1, 2, 3, 4, 5, 6], [50] * 6, np.ones((6, 2)), names="ab", method="beta_binomial"
        )
    with pytest.raises(SeparationError, match="separation"):
        fit_beta_binomial([0, 0, 0, 4, 9, 6], [50] * 6, half, names="ab", method="beta_binomial")
    count, total, place, election, new = panel
    with pytest.raises(SeparationError, match="no events with the new ballot"):
        did_beta_binomial(
            np.where(new, 0, count), total, place, election, new, method="beta_binomial"
        )
    with pytest.raises(ValueError, match="unknown method"):
        did_beta_binomial(*panel, method="binomial")
