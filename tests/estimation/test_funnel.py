"""Control limits and dispersion: R's numbers, the meaning of a limit, known dispersion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from ballot_eval.estimation.funnel import funnel_dispersion, funnel_limits
from ballot_eval.estimation.rates import pearson_dispersion

REFERENCE = Path(__file__).parents[1] / "reference"


def reference(name):
    return pd.read_csv(REFERENCE / f"funnel_{name}.csv", comment="#")


def test_limits_are_those_of_an_independent_computation():
    for (rate, phi, level), rows in reference("limits").groupby(["rate", "phi", "level"]):
        found = funnel_limits(rows["n"].to_numpy(), rate, phi, level=level)
        for limit, name in zip(found, ("lower", "upper"), strict=True):
            # R's log gamma and SciPy's differ in the last digits where a chance is tiny.
            assert limit == pytest.approx(rows[name].to_numpy(), rel=1e-6, abs=1e-9)


def test_the_dispersion_is_that_of_an_independent_computation():
    units = reference("units")
    x, n = units["x"].to_numpy(), units["n"].to_numpy()
    for row in reference("dispersion").itertuples():
        assert row.rate == pytest.approx(x.sum() / n.sum(), rel=1e-11)
        found = funnel_dispersion(x, n, x.sum() / n.sum(), share=row.share)
        assert found == pytest.approx(row.phi, abs=5e-6)


def test_without_winsorising_the_dispersion_is_pearson_s():
    units = reference("units")
    x, n = units["x"].to_numpy(), units["n"].to_numpy()
    found = funnel_dispersion(x, n, x.sum() / n.sum(), share=0)
    assert found == pytest.approx(pearson_dispersion(x, n) * (len(x) - 1) / len(x), rel=1e-5)


def test_a_limit_lies_between_the_counts_on_either_side_of_its_chance():
    n = np.array([5, 90, 528, 2000])
    lower, upper = (v * n for v in funnel_limits(n, 0.0236, 1.0, level=0.95))
    for limit, tail in ((lower, 0.025), (upper, 0.975)):
        count = binom.ppf(tail, n, 0.0236)
        assert (limit <= count).all()
        assert (limit > count - 1).all()
    # At a small station not even a count of 0 is unusual.
    assert (lower[:2] <= 0).all()
    assert (lower[2:] > 0).all()


def test_at_the_smallest_stations_one_vote_is_much_and_none_is_not():
    upper = funnel_limits([1, 4], 0.0024, 1.0, level=0.95)[1]
    assert (upper == 0).all()


def test_limits_come_in_the_order_of_the_units_and_widen_with_the_dispersion():
    n = np.array([2000, 90, 528, 90])
    narrow = funnel_limits(n, 0.003, 1.0, level=0.998)
    wide = funnel_limits(n, 0.003, 1.7, level=0.998)
    assert narrow[1][1] == narrow[1][3] > narrow[1][2] > narrow[1][0]
    assert (wide[1] > narrow[1]).all()
    for phi in (1 + 1e-7, 1 + 1e-5):
        near = funnel_limits(n, 0.003, phi, level=0.998)[1]
        assert near == pytest.approx(narrow[1], rel=1e-4)


def beta_binomial(rng, n, rate, phi):
    if phi == 1:
        return rng.binomial(n, rate)
    precision = (n - phi) / (phi - 1)
    return rng.binomial(n, rng.beta(rate * precision, (1 - rate) * precision))


@pytest.mark.parametrize("phi", [1.0, 1.57, 2.5])
def test_a_known_dispersion_is_found_and_few_units_lie_outside(phi):
    rng = np.random.default_rng(20)
    n = np.round(559 * rng.weibull(2, 9000) / 0.8862).astype(int) + 10
    x = beta_binomial(rng, n, 0.0024, phi)
    rate = x.sum() / n.sum()
    found = funnel_dispersion(x, n, rate)
    assert found == pytest.approx(phi, rel=0.07)
    # Counts are whole and small: a few per cent lie outside, not exactly the intended share.
    for level, least, most in ((0.95, 0.03, 0.06), (0.998, 0.0008, 0.0035)):
        lower, upper = funnel_limits(n, rate, found, level=level)
        outside = (x / n < lower) | (x / n > upper)
        assert least < outside.mean() < most


def test_unusual_units_do_not_widen_the_limits():
    rng = np.random.default_rng(21)
    n = rng.integers(100, 1500, 4000)
    x = beta_binomial(rng, n, 0.003, 1.6)
    spoiled = x.copy()
    spoiled[:60] += 15
    rate = x.sum() / n.sum()
    assert pearson_dispersion(spoiled, n) > 3
    assert funnel_dispersion(spoiled, n, rate) == pytest.approx(1.6, abs=0.35)
    assert funnel_dispersion(spoiled, n, rate, share=0) > 3


def test_counts_that_vary_less_than_by_chance_have_a_dispersion_of_one():
    n = np.full(200, 1000)
    assert funnel_dispersion(np.full(200, 3), n, 0.003) == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: funnel_limits([5], 0.0, 1.0, level=0.9), "rate must lie"),
        (lambda: funnel_limits([5], 0.1, 0.9, level=0.9), "chance alone gives 1"),
        (lambda: funnel_limits([0], 0.1, 1.0, level=0.9), "denominator of 1"),
        (lambda: funnel_limits([5], 0.1, 1.0, level=95), "level must lie"),
        (lambda: funnel_dispersion([1], [5], 0.1), "two counts"),
        (lambda: funnel_dispersion([1, 6], [5, 5], 0.1), "between 0 and its"),
        (lambda: funnel_dispersion([1, 2], [5, 5], 0.1, share=0.5), "winsorised share"),
        (lambda: funnel_dispersion([0, 400] * 9, [400] * 18, 0.5), "more than 50 times"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.official
def test_stations_of_gr2022(gr2022_stations):
    x = gr2022_stations["invalid_votes_count"].to_numpy(np.int64)
    n = gr2022_stations["votes_cast_count"].to_numpy(np.int64)
    x, n = x[n > 0], n[n > 0]
    rate = x.sum() / n.sum()
    phi = funnel_dispersion(x, n, rate)
    assert phi == pytest.approx(1.70, abs=0.005)
    outside = {}
    for level in (0.95, 0.998):
        lower, upper = funnel_limits(n, rate, phi, level=level)
        assert (lower[n < 1500] <= 0).all()
        outside[level] = float(((x / n < lower) | (x / n > upper)).mean())
    assert outside[0.95] == pytest.approx(0.0405, abs=0.0003)
    assert outside[0.998] == pytest.approx(0.0030, abs=0.0001)
    # Under dispersion that was put in, at the same stations.
    rng = np.random.default_rng(22)
    big = n > 10
    y = beta_binomial(rng, n[big], rate, phi)
    assert funnel_dispersion(y, n[big], rate) == pytest.approx(phi, abs=0.12)
    for level, most in ((0.95, 0.05), (0.998, 0.003)):
        upper = funnel_limits(n[big], rate, phi, level=level)[1]
        assert most / 3 < (y / n[big] > upper).mean() < most
