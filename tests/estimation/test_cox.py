import json
import math
import time as clock
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from ballot_eval.estimation.cox import cox, proportionality_test
from ballot_eval.estimation.logrank import logrank, logrank_scores

REFERENCE = Path(__file__).parents[1] / "reference"
CASES = json.loads((REFERENCE / "survival_reference.json").read_text(encoding="utf-8"))["cox"]

# The reference is stored with 11 significant digits and iterated to a change of 1e-13.
TIGHT = {"rtol": 1e-8, "atol": 1e-10}


def fitted(case):
    stored = CASES[case]
    data = np.genfromtxt(REFERENCE / f"survival_{stored['data']}.csv", delimiter=",", names=True)
    x = np.column_stack([data[t] for t in stored["terms"]])
    strata = data[stored["strata"]] if stored["strata"] else None
    columns = data["time"], data["status"], x
    shared = {"strata": strata, "ties": stored["ties"], "names": stored["terms"]}
    clusters = data[stored["cluster"]] if stored["cluster"] else None
    return stored, columns, shared, clusters


@pytest.mark.parametrize("case", CASES)
def test_model_is_that_of_r_coxph(case):
    stored, columns, shared, _ = fitted(case)
    fit = cox(*columns, **shared)
    np.testing.assert_allclose(fit.coefficients, stored["coef"], **TIGHT)
    np.testing.assert_allclose(fit.hazard_ratios, np.exp(stored["coef"]), **TIGHT)
    np.testing.assert_allclose(fit.standard_error, stored["se"], **TIGHT)
    np.testing.assert_allclose(fit.p_values, stored["p"], rtol=1e-7)
    np.testing.assert_allclose(fit.ci_lower, stored["lower"], **TIGHT)
    np.testing.assert_allclose(fit.ci_upper, stored["upper"], **TIGHT)
    np.testing.assert_allclose([fit.loglik_null, fit.loglik], stored["loglik"], **TIGHT)
    np.testing.assert_allclose(fit.score.statistic, stored["score"], **TIGHT)
    np.testing.assert_allclose(fit.wald.statistic, stored["wald"], **TIGHT)
    ratio = 2 * (stored["loglik"][1] - stored["loglik"][0])
    np.testing.assert_allclose(fit.likelihood_ratio.statistic, ratio, rtol=1e-7)
    if stored.get("martingale"):
        np.testing.assert_allclose(fit.martingale, stored["martingale"], **TIGHT)
    assert np.isnan(fit.robust_se).all()


@pytest.mark.parametrize("case", [c for c in CASES if CASES[c]["cluster"]])
def test_cluster_errors_are_those_of_r(case):
    stored, columns, shared, clusters = fitted(case)
    fit = cox(*columns, clusters=clusters, **shared)
    robust = cox(*columns, clusters=clusters, inference="robust", **shared)
    np.testing.assert_allclose(robust.covariance, np.atleast_2d(stored["robust_vcov"]), **TIGHT)
    np.testing.assert_allclose(robust.wald.statistic, stored["robust_wald"], **TIGHT)
    np.testing.assert_allclose(fit.jackknife_se, stored["jackknife"], **TIGHT)
    groups = len(np.unique(clusters))
    np.testing.assert_allclose(
        fit.corrected_se, robust.robust_se * math.sqrt(groups / (groups - 1))
    )
    assert (fit.inference, fit.df, fit.n_clusters) == ("jackknife", groups - 1, groups)
    assert robust.df == math.inf
    assert np.isnan(robust.jackknife_se).all()
    np.testing.assert_allclose(fit.model_se, stored["se"], **TIGHT)


@pytest.mark.parametrize("transform", ["identity", "km"])
@pytest.mark.parametrize("case", CASES)
def test_proportionality_is_that_of_r_cox_zph(case, transform):
    stored, columns, shared, _ = fitted(case)
    test = proportionality_test(*columns, transform=transform, **shared)
    expected = stored[f"zph_{transform}"]
    found = [*test.columns, test.overall]
    np.testing.assert_allclose([t.statistic for t in found], expected["chisq"], rtol=1e-7)
    np.testing.assert_allclose([t.p_value for t in found], expected["p"], rtol=1e-6)
    assert test.overall.df == len(stored["terms"])


# Brute force


def sample(seed=2, n=80, clusters=8, effect=0.7):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, clusters, n)
    x = np.column_stack([rng.normal(5, 2, n), rng.random(n) < 0.4])
    hazard = np.exp(effect * x[:, 1] - 0.2 * x[:, 0] + rng.normal(0, 0.3, clusters)[group])
    time = rng.exponential(1 / hazard)
    censor = rng.exponential(5, n)
    # Coarse times make ties.
    return np.ceil(2 * np.minimum(time, censor)), time <= censor, x, group


def loglik_by_hand(beta, time, seen, x, ties, strata):
    risk = np.exp(x @ beta)
    total = 0.0
    for s in np.unique(strata):
        for t in np.unique(time[seen & (strata == s)]):
            at_risk = (time >= t) & (strata == s)
            dead = (time == t) & seen & (strata == s)
            total += (x[dead] @ beta).sum()
            for k in range(dead.sum()):
                gone = k / dead.sum() * risk[dead].sum() if ties == "efron" else 0.0
                total -= math.log(risk[at_risk].sum() - gone)
    return total


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("stratified", [False, True])
def test_maximum_of_the_likelihood_by_hand(ties, stratified):
    time, seen, x, group = sample()
    strata = group % 3 if stratified else np.zeros(len(time))
    fit = cox(time, seen, x, ties=ties, strata=strata)
    best = minimize(
        lambda b: -loglik_by_hand(b, time, seen, x, ties, strata), np.zeros(2), method="BFGS"
    )
    assert fit.loglik == pytest.approx(-best.fun)
    np.testing.assert_allclose(fit.coefficients, best.x, atol=1e-4)
    assert fit.loglik_null == pytest.approx(
        loglik_by_hand(np.zeros(2), time, seen, x, ties, strata)
    )
    assert fit.martingale.sum() == pytest.approx(0, abs=1e-8)


def test_jackknife_leaves_clusters_out():
    time, seen, x, group = sample()
    fit = cox(time, seen, x, clusters=group)
    left = [cox(time[group != g], seen[group != g], x[group != g]).coefficients for g in range(8)]
    changes = np.array(left) - fit.coefficients
    np.testing.assert_allclose(fit.jackknife_se, np.sqrt(7 / 8 * (changes**2).sum(axis=0)))
    np.testing.assert_allclose(
        fit.ci_upper, np.exp(fit.coefficients + 2.3646242516 * fit.jackknife_se)
    )


def test_score_test_of_a_group_is_the_logrank_test():
    time, seen, x, _ = sample()
    time = time + np.arange(len(time)) * 1e-4  # without ties the two are the same
    fit, test = cox(time, seen, x[:, 1]), logrank(time, seen, x[:, 1])
    assert fit.score.statistic == pytest.approx(test.chi2)
    assert fit.score.p_value == pytest.approx(test.p_value)


def test_martingale_residuals_tend_to_the_logrank_scores():
    time, seen, _, _ = sample()
    nothing = np.random.default_rng(1).normal(size=len(time))
    fit = cox(time, seen, nothing, ties="breslow")
    assert np.corrcoef(fit.martingale, logrank_scores(time, seen))[0, 1] > 0.95


def test_units_rows_and_order_do_not_matter():
    time, seen, x, group = sample()
    fit = cox(time, seen, x, clusters=group)
    turned = np.random.default_rng(3).permutation(len(time))
    moved = cox(
        time[turned] * 60, seen[turned], x[turned] * [1000, 1] + [1e6, 0], clusters=group[turned]
    )
    np.testing.assert_allclose(moved.coefficients, fit.coefficients / [1000, 1], rtol=1e-8)
    np.testing.assert_allclose(moved.jackknife_se, fit.jackknife_se / [1000, 1], rtol=1e-7)
    np.testing.assert_allclose(moved.martingale, fit.martingale[turned], rtol=1e-7)


def test_row_clusters_give_the_robust_error_of_lin_and_wei():
    time, seen, x, _ = sample()
    fit = cox(time, seen, x, clusters=np.arange(len(time)), inference="robust")
    assert (np.abs(fit.robust_se / fit.model_se - 1) < 0.35).all()


def test_thousands_of_rows_take_milliseconds():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6000, 3))
    time = rng.exponential(np.exp(-x[:, 0]))
    seen = rng.random(6000) < 0.9
    start = clock.perf_counter()
    fit = cox(time, seen, x, clusters=np.arange(6000) % 80, inference="corrected")
    assert clock.perf_counter() - start < 1.0  # some 20 ms; the slack is for busy machines
    assert fit.coefficients[0] == pytest.approx(1, abs=0.1)


# Recovery of a known truth


def test_few_clusters_are_covered_by_the_jackknife():
    hits = {"jackknife": 0, "model": 0}
    for seed in range(100):
        rng = np.random.default_rng(seed)
        clusters = np.repeat(np.arange(14), 30)
        role = clusters < 6
        # A positive stable frailty per cluster keeps the marginal hazards proportional.
        alpha = 0.85
        angle, scale = rng.uniform(0, math.pi, 14), rng.exponential(1, 14)
        frailty = (np.sin((1 - alpha) * angle) / scale) ** ((1 - alpha) / alpha)
        frailty *= np.sin(alpha * angle) / np.sin(angle) ** (1 / alpha)
        time = rng.exponential(1 / (frailty[clusters] * np.exp(0.5 * role)))
        censor = rng.exponential(3, len(time))
        columns = np.minimum(time, censor), time <= censor, role.astype(float)
        for name, given in (("jackknife", clusters), ("model", None)):
            fit = cox(*columns, clusters=given)
            hits[name] += fit.ci_lower[0] <= math.exp(0.5 * alpha) <= fit.ci_upper[0]
    assert 0.90 <= hits["jackknife"] / 100 < 1
    assert hits["model"] / 100 < 0.75


def test_a_fading_effect_is_not_proportional():
    rng = np.random.default_rng(4)
    role = np.arange(800) % 2
    time = rng.weibull(np.where(role, 0.7, 1.6))
    test = proportionality_test(time, np.ones(800), role, transform="km")
    assert test.columns[0].p_value < 1e-6
    steady = proportionality_test(
        rng.exponential(np.where(role, 1, 2)), np.ones(800), role, transform="km"
    )
    assert steady.columns[0].p_value > 0.05


# Bad input


def test_bad_columns():
    time, seen, x, _ = sample()
    for columns, words in (
        (x[:-1], "x must have 80 rows"),
        (np.empty((80, 0)), "at least one column"),
        (np.where(x > 8, np.nan, x), "missing or infinite"),
        (np.ones(80), "x0 is the same in every row"),
        (np.column_stack([x, x.sum(axis=1)]), "collinear"),
    ):
        with pytest.raises(ValueError, match=words):
            cox(time, seen, columns)
    with pytest.raises(ValueError, match="3 names for 2"):
        cox(time, seen, x, names=["a", "b", "c"])
    with pytest.raises(ValueError, match="does not vary"):
        cox(time, seen, x[:, 1], strata=x[:, 1])
    with pytest.raises(ValueError, match="ties must be"):
        cox(time, seen, x, ties="exact")
    with pytest.raises(ValueError, match="transform must be"):
        proportionality_test(time, seen, x, transform="log")


def test_bad_times_and_events():
    time, seen, x, group = sample()
    with pytest.raises(ValueError, match="negative"):
        cox(-time, seen, x)
    with pytest.raises(ValueError, match="missing"):
        cox(np.where(time > 3, np.nan, time), seen, x)
    with pytest.raises(ValueError, match="no event"):
        cox(time, np.zeros(80), x)
    with pytest.raises(ValueError, match="one time"):
        proportionality_test(np.full(80, 2.0), seen, x, transform="identity")
    with pytest.raises(ValueError, match="needs clusters"):
        cox(time, seen, x, inference="robust")
    with pytest.raises(ValueError, match="inference must be"):
        cox(time, seen, x, clusters=group, inference="bootstrap")
    with pytest.raises(ValueError, match="at least two clusters"):
        cox(time, seen, x, clusters=np.zeros(80))


def test_more_columns_than_clusters_have_no_joint_test():
    time, seen, x, group = sample(n=300)
    fit = cox(time, seen, np.column_stack([x, x[:, 0] ** 2]), clusters=group % 3)
    assert math.isnan(fit.wald.p_value)
    assert np.isfinite(fit.p_values).all()


def test_a_ratio_beyond_any_number_is_infinite():
    time, seen, x, _ = sample()
    fit = cox(time, seen, -1e-9 * x[:, 0])
    assert np.isinf(fit.hazard_ratios[0])
    assert np.isfinite(fit.coefficients[0])


def test_a_likelihood_without_maximum_is_refused():
    time, seen, x, group = sample()
    with pytest.raises(ValueError, match="coefficient of ballot"):
        cox(time, seen & (x[:, 1] == 0), x, names=["age", "ballot"])
    # Perfectly ordered: the row with the largest value always goes first.
    with pytest.raises(ValueError, match="keeps rising"):
        cox(np.arange(1.0, 21), np.ones(20), -np.arange(20.0))
    alone = (group == 3).astype(float)
    with pytest.raises(ValueError, match="without cluster 3"):
        cox(time, seen, alone, clusters=group)
    with pytest.raises(ValueError, match="keeps rising"):
        cox([1.0, 2, 3], [1, 0, 0], [1.0, 0, 0])
