"""Rounded shares as intervals: what was printed, arithmetic, and consistency of parts and whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linprog

from ballot_eval.estimation.rounded import (
    Bounds,
    Rounded,
    consistent_shares,
    linear_bounds,
    weighted_mean,
)

NAN = math.nan
#: Published for EP2024: the five together 0.74%, and each of them with one decimal.
FIVE = [Rounded(text) for text in ("1,0%", "0,7%", "0,7%", "0,6%", "0,5%")]
TOGETHER = Rounded("0,74%")


@pytest.mark.parametrize(
    ("printed", "decimals", "lower", "upper"),
    [
        ("0,74%", None, 0.00735, 0.00745),
        ("0.74", None, 0.00735, 0.00745),
        (" 0,7 % ", None, 0.0065, 0.0075),
        ("1,0%", None, 0.0095, 0.0105),
        ("1", None, 0.005, 0.015),
        ("0.7", 2, 0.00695, 0.00705),
        (0.7, 2, 0.00695, 0.00705),
        (0.74, 2, 0.00735, 0.00745),
        (1, 1, 0.0095, 0.0105),
        (np.float64(0.18), 2, 0.00175, 0.00185),
        ("0,0", None, 0.0, 0.0005),
        ("100", None, 0.995, 1.0),
        (1e-06, 6, 0.5e-8, 1.5e-8),
    ],
)
def test_a_printed_share_lies_half_a_unit_of_its_last_digit_around(printed, decimals, lower, upper):
    share = Rounded(printed, decimals)
    assert (share.lower, share.upper) == (lower, upper)
    assert share.bounds == Bounds(lower, upper)
    assert share.lower <= share.share <= share.upper


def test_rounding_again_gives_the_printed_share():
    rng = np.random.default_rng(1)
    for value in rng.uniform(0, 3, 500):
        for decimals in (1, 2):
            made = Rounded(f"{value:.{decimals}f}".replace(".", ","))
            assert made.lower <= value / 100 <= made.upper
            assert made.decimals == decimals


@pytest.mark.parametrize(
    ("printed", "decimals", "message"),
    [
        ("-0,7", None, "not one percentage"),
        ("", None, "not one percentage"),
        ("%", None, "not one percentage"),
        ("ongeveer 1", None, "not one percentage"),
        ("1.234,5", None, "not one percentage"),
        ("1e-3", None, "not one percentage"),
        (",7", None, "not one percentage"),
        ("100,1", None, "between 0 and 100"),
        (101, 0, "between 0 and 100"),
        (-0.7, 1, "between 0 and 100"),
        (math.inf, 1, "between 0 and 100"),
        (0.74, None, "how many decimals"),
        (0.74, 1, "has 2 decimals, not 1"),
        ("0,74", 1, "has 2 decimals, not 1"),
        ("0,7", -1, "0 to 6 decimals"),
        ("0,12345678", None, "0 to 6 decimals"),
        (True, 1, "text or a number"),
        (None, 1, "text or a number"),
    ],
)
def test_nonsense_is_not_a_share(printed, decimals, message):
    with pytest.raises(ValueError, match=message):
        Rounded(printed, decimals)


def test_an_unknown_share_stays_unknown():
    unknown = Rounded(NAN, 1).bounds
    assert math.isnan(unknown.lower)
    assert math.isnan(unknown.upper)
    known = Bounds(0.1, 0.2)
    for made in (
        unknown + known,
        known - unknown,
        unknown / known,
        known / unknown,
        -unknown,
        unknown.scaled(2),
        unknown.within(known),
        weighted_mean([unknown, known], [1, 1]),
    ):
        assert math.isnan(made.lower)
        assert math.isnan(made.upper)
    assert weighted_mean([unknown, known], [0, 3]) == known
    assert not unknown.exact
    assert not unknown.contains(0.1)


def test_a_count_is_known_exactly():
    share = Bounds.from_count(633, 131_478)
    assert share.exact
    assert share.midpoint == 633 / 131_478
    assert math.isnan(Bounds.from_count(0, 0).lower)
    for count, total in ((3, 2), (-1, 2), (0.5, 2), (1, math.inf), (NAN, 2)):
        with pytest.raises(ValueError, match="not a share of counts"):
            Bounds.from_count(count, total)


def test_arithmetic_holds_every_value_and_reaches_its_ends():
    rng = np.random.default_rng(2)
    for _ in range(50):
        a, b = (Bounds(*np.sort(rng.uniform(-1, 1, 2))) for _ in range(2))
        d = Bounds(*np.sort(rng.uniform(0.1, 1, 2)))
        x, y, z = (np.r_[v.lower, v.upper, rng.uniform(v.lower, v.upper, 40)] for v in (a, b, d))
        pairs = (
            (a + b, np.add.outer(x, y)),
            (a - b, np.subtract.outer(x, y)),
            (a / d, np.divide.outer(x, z)),
            (a.scaled(-3.0), -3 * x),
            (-a, -x),
        )
        for bounds, values in pairs:
            assert (bounds.lower, bounds.upper) == (values.min(), values.max())


def test_bounds_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="lies above"):
        Bounds(2, 1)
    with pytest.raises(ValueError, match="one limit alone"):
        Bounds(NAN, 1)
    with pytest.raises(ValueError, match="not positive throughout"):
        Bounds(1, 2) / Bounds(0, 1)
    with pytest.raises(ValueError, match="contradict"):
        Bounds(1, 2).within(Bounds(3, 4))


def test_a_mean_holds_every_value():
    weights = np.array([16_371, 71_159, 23_461, 7_415, 13_072])
    mean = weighted_mean(FIVE, weights)
    low, high = (np.array([getattr(p, end) for p in FIVE]) for end in ("lower", "upper"))
    assert mean.lower == pytest.approx(np.average(low, weights=weights), rel=1e-15)
    assert mean.upper == pytest.approx(np.average(high, weights=weights), rel=1e-15)
    # Printed 0,74% lies within what the five printed shares allow with these weights.
    assert mean.lower < TOGETHER.lower
    assert TOGETHER.lower < mean.upper


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], "2 weights for 5"),
        ([1, 2, 3, 4, -1], "zero or more"),
        ([0] * 5, "not all zero"),
        ([1, 2, 3, 4, NAN], "finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        weighted_mean(FIVE, weights)
    with pytest.raises(ValueError, match=message):
        consistent_shares(FIVE, weights, TOGETHER)


def _by_linear_programming(c, boxes, weights, whole):
    """The same extremes by a general solver, on values scaled to a handy size."""
    share = weights / weights.sum()
    options = {
        "A_ub": np.vstack([share, -share]) * 100,
        "b_ub": np.array([whole[1], -whole[0]]) * 100,
        "bounds": boxes,
    }
    low, high = linprog(c, **options), linprog(-np.asarray(c), **options)
    return (low.fun, -high.fun) if low.success else None


def test_linear_bounds_equal_linear_programming():
    rng = np.random.default_rng(3)
    feasible = 0
    for _ in range(150):
        n = int(rng.integers(1, 7))
        boxes = np.sort(rng.uniform(0, 1, (n, 2)), axis=1)
        weights = rng.uniform(0.1, 3, n) * (rng.random(n) < 0.9)
        weights[0] = 1.0
        c = rng.normal(0, 1, n).round(1)
        whole = np.sort(rng.uniform(0.2, 0.9, 2))
        expected = _by_linear_programming(c, boxes, weights, whole)
        parts = [Bounds(*box) for box in boxes.tolist()]
        if expected is None:
            with pytest.raises(ValueError, match="contradict"):
                linear_bounds(c, parts, weights, Bounds(*whole))
            continue
        feasible += 1
        made = linear_bounds(c, parts, weights, Bounds(*whole))
        assert (made.lower, made.upper) == pytest.approx(expected, abs=1e-7)
        tight, mean = consistent_shares(parts, weights, Bounds(*whole))
        for i, bounds in enumerate(tight):
            unit = _by_linear_programming(np.eye(n)[i], boxes, weights, whole)
            assert (bounds.lower, bounds.upper) == pytest.approx(unit, abs=1e-6)
        of_mean = _by_linear_programming(weights / weights.sum(), boxes, weights, whole)
        assert (mean.lower, mean.upper) == pytest.approx(of_mean, abs=1e-7)
    assert feasible > 60


def test_a_whole_with_more_decimals_narrows_its_parts():
    parts = [Rounded("1,0"), Rounded("0,5")]
    tight, mean = consistent_shares(parts, [1, 1], Rounded("0,79"))
    assert tight[0].lower == pytest.approx(0.0102)
    assert tight[0].upper == 0.0105
    assert tight[1].lower == pytest.approx(0.0052)
    assert (mean.lower, mean.upper) == (0.00785, 0.00795)
    # One part is its own whole.
    (alone,), _ = consistent_shares([Rounded("0,7")], [10], TOGETHER)
    assert (alone.lower, alone.upper) == (TOGETHER.lower, TOGETHER.upper)


def test_shares_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="contradict each other"):
        consistent_shares(FIVE, np.ones(5), Rounded("0,79"))
    with pytest.raises(ValueError, match="contradict each other"):
        consistent_shares(FIVE, np.ones(5), Rounded("0,62"))
    with pytest.raises(ValueError, match="undefined"):
        linear_bounds([1], [Rounded(NAN, 1)], [1], TOGETHER)
    with pytest.raises(ValueError, match="finite coefficients"):
        linear_bounds([1, NAN], FIVE[:2], [1, 1])


def test_known_parts_stay_known():
    parts = [Bounds.from_count(3, 400), Bounds.from_count(1, 300)]
    assert linear_bounds([1, -1], parts, [400, 300]).exact
    assert weighted_mean(parts, [400, 300]).midpoint == pytest.approx(4 / 700, rel=1e-15)
