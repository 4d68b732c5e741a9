"""Intervals against published values and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from ballot_eval.estimation.rates import (
    intraclass_correlation,
    overdispersed_interval,
    pearson_dispersion,
    wilson_interval,
    within_dispersion,
)


@pytest.mark.parametrize(
    ("x", "n", "lower", "upper"),
    [
        # Newcombe (1998), Statistics in Medicine 17, table I.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(x, n, lower, upper):
    assert wilson_interval(x, n) == pytest.approx((lower, upper), abs=5e-5)


def test_wilson_at_the_boundaries():
    assert wilson_interval(0, 20)[0] == 0.0
    assert wilson_interval(20, 20)[1] == 1.0
    assert all(math.isnan(v) for v in wilson_interval(0, 0))
    with pytest.raises(ValueError, match="not between"):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match="confidence_level must lie between 0 and 1, not 95"):
        wilson_interval(1, 5, confidence_level=95)


def test_pearson_dispersion_equals_statsmodels():
    rng = np.random.default_rng(1)
    n = rng.integers(500, 50_000, 80)
    x = rng.binomial(n, rng.beta(20, 8000, 80))
    fit = sm.GLM(x / n, np.ones(80), family=sm.families.Binomial(), var_weights=n).fit()
    assert pearson_dispersion(x, n) == pytest.approx(fit.pearson_chi2 / fit.df_resid, rel=1e-8)


def test_dispersion_within_groups_equals_statsmodels_and_leaves_out_what_has_none():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(12), rng.integers(1, 9, 12))
    n = rng.integers(100, 1500, len(groups))
    x = rng.binomial(n, rng.beta(2, 400, 12)[groups])
    x[groups == 0] = 0
    kept = np.isin(groups, groups[x > 0])
    dummies = (groups[kept][:, None] == np.unique(groups[kept])).astype(float)
    model = sm.GLM(
        x[kept] / n[kept], dummies, family=sm.families.Binomial(), var_weights=n[kept]
    ).fit()
    wanted = model.pearson_chi2 / model.df_resid
    assert within_dispersion(x, n, groups) == pytest.approx(wanted, rel=1e-6)
    empty = np.r_[n, 0]
    assert within_dispersion(np.r_[x, 0], empty, np.r_[groups, 1]) == pytest.approx(wanted)


def test_single_units_and_groups_without_events_have_no_dispersion_within():
    n = np.array([100, 100, 50, 60])
    assert math.isnan(within_dispersion(np.array([1, 2, 3, 4]), n, ["a", "b", "c", "d"]))
    assert math.isnan(within_dispersion(np.array([0, 0, 50, 60]), n, ["a", "a", "b", "b"]))


def test_intraclass_correlation_recovers_beta_binomial_truth():
    rng = np.random.default_rng(2)
    rho, p = 0.0004, 0.0025
    estimates = []
    for _ in range(200):
        n = rng.integers(3_000, 60_000, 340)
        scale = (1 - rho) / rho
        x = rng.binomial(n, rng.beta(p * scale, (1 - p) * scale, 340))
        estimates.append(intraclass_correlation(x, n))
    assert np.mean(estimates) == pytest.approx(rho, rel=0.05)


def test_overdispersed_interval_is_wilson_without_overdispersion_and_wider_with():
    x, n = np.array([10, 12]), np.array([4000, 5000])
    plain = wilson_interval(22, 9000)
    assert overdispersed_interval(x, n, intraclass=0.0) == pytest.approx(plain)
    low, high = overdispersed_interval(x, n, intraclass=0.0005)
    assert low < plain[0]
    assert high > plain[1]
