"""Comparison within polling stations: against brute force, and its size with few stations."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from scipy.stats import t as student

from ballot_eval.estimation.survey.within import within_difference


def survey(rng, mixed, stations=44, interviews=30):
    """Return answers, who used it before, and stations; no effect, and both kinds at ``mixed``."""
    codes = np.repeat(np.arange(stations), interviews)
    before = np.isin(codes, rng.choice(stations, mixed, replace=False))
    before[before] = rng.random(before.sum()) < 0.5
    share = (0.7 + rng.normal(0, 0.08, stations))[codes]
    return (rng.random(len(codes)) < share).astype(float), before, codes


def brute_force(y, x, codes, w):
    """Return estimate, error and degrees of freedom from the full matrices with all indicators.

    Errors with variance one over the weights: in the roots of the weights, CR2 of plain least
    squares (Pustejovsky and Tipton 2018, equations 5 to 13).
    """
    root = np.sqrt(w)
    regressors = np.column_stack([x, np.equal.outer(codes, np.unique(codes))]) * root[:, None]
    outcome = y * root
    bread = np.linalg.inv(regressors.T @ regressors)
    residual_maker = np.eye(len(y)) - regressors @ bread @ regressors.T
    residual = residual_maker @ outcome
    vectors, variance = [], 0.0
    for code in np.unique(codes):
        rows = codes == code
        # The indicator of the station makes the block singular: the root of the pseudo-inverse.
        size, axes = np.linalg.eigh(residual_maker[np.ix_(rows, rows)])
        kept = size > 1e-8
        adjust = (axes[:, kept] / np.sqrt(size[kept])) @ axes[:, kept].T
        influence = adjust @ regressors[rows] @ bread[0]
        variance += float(influence @ residual[rows]) ** 2
        vectors.append(residual_maker[:, rows] @ influence)
    p = np.array(vectors) @ np.array(vectors).T
    estimate = float(bread[0] @ regressors.T @ outcome)
    return estimate, np.sqrt(variance), np.trace(p) ** 2 / (p**2).sum()


def test_it_is_cr2_of_the_weighted_regression_with_an_indicator_per_station():
    rng = np.random.default_rng(4)
    y, x, codes = survey(rng, mixed=7, stations=9, interviews=12)
    w = rng.uniform(0.5, 3.0, len(y))
    found = within_difference(y, x, codes, w)
    estimate, error, df = brute_force(y, x, codes, w)
    assert found.estimate == pytest.approx(estimate, abs=1e-12)
    assert found.se == pytest.approx(error, rel=1e-8)
    assert found.df == pytest.approx(df, rel=1e-8)
    assert found.p_value == pytest.approx(2 * student.sf(abs(estimate) / error, df), rel=1e-8)
    half = student.ppf(0.95, df) * error
    narrow = within_difference(y, x, codes, w, confidence_level=0.9)
    assert narrow.ci_upper - narrow.estimate == pytest.approx(half, rel=1e-8)


def test_stations_with_one_kind_change_nothing():
    y, x, codes = survey(np.random.default_rng(5), mixed=8)
    w = np.ones(len(y))
    mixed = np.array([len(np.unique(x[codes == code])) == 2 for code in range(44)])[codes]
    assert mixed.sum() == 8 * 30
    assert within_difference(y, x, codes, w) == within_difference(
        y[mixed], x[mixed], codes[mixed], w[mixed]
    )


@pytest.mark.parametrize(
    ("mixed", "message"), [(0, "0 of 44 stations"), (1, "needs at least two"), (3, "degrees of")]
)
def test_too_few_stations_with_both_kinds_give_no_test(mixed, message):
    y, x, codes = survey(np.random.default_rng(6), mixed)
    with pytest.raises(ValueError, match=message):
        within_difference(y, x, codes, np.ones(len(y)))


def test_with_six_stations_of_both_kinds_there_is_one():
    y, x, codes = survey(np.random.default_rng(6), mixed=6)
    assert 4 <= within_difference(y, x, codes, np.ones(len(y))).df <= 5


@pytest.mark.parametrize("mixed", [6, 12])
def test_without_an_effect_five_in_a_hundred_are_found(mixed):
    """1,200 surveys: the Monte-Carlo standard error of 5% is 0.7 points.

    Of those with six such stations some have too few degrees of freedom, which is so whatever
    the answers are.
    """
    rng = np.random.default_rng(7)
    found: list[bool] = []
    for _ in range(1_200):
        y, x, codes = survey(rng, mixed)
        w = rng.uniform(0.5, 2.0, 44)[codes]
        with contextlib.suppress(ValueError):
            found.append(within_difference(y, x, codes, w).p_value < 0.05)
    assert len(found) > 900
    assert 0.03 <= np.mean(found) <= 0.07
