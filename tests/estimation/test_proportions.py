"""Intervals for proportions against published values, R and brute force."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from ballot_eval.estimation.proportions import (
    DIFFERENCE_METHODS,
    clopper_pearson_interval,
    constrained_proportions,
    difference_interval,
    jeffreys_interval,
)

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "proportions_reference.csv"
SINGLE = {"clopper_pearson": clopper_pearson_interval, "jeffreys": jeffreys_interval}


def reference_rows():
    with REFERENCE.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize(
    ("method", "table", "lower", "upper"),
    [
        # Newcombe (1998), Statistics in Medicine 17, 873-890, table II.
        ("newcombe", (56, 70, 48, 80), 0.0524, 0.3339),
        ("mee", (56, 70, 48, 80), 0.0533, 0.3377),
        ("miettinen_nurminen", (56, 70, 48, 80), 0.0528, 0.3382),
        ("newcombe", (0, 10, 0, 20), -0.1611, 0.2775),
    ],
)
def test_difference_as_published(method, table, lower, upper):
    result = difference_interval(*table, method=method)
    assert (result.ci_lower, result.ci_upper) == pytest.approx((lower, upper), abs=5e-5)


def test_all_intervals_equal_r():
    # R finds the constrained likelihood by bisection; 1e-9 is the step it keeps from d̂.
    rows = reference_rows()
    assert len(rows) == 116
    for row in rows:
        level = float(row["level"])
        if row["method"] in SINGLE:
            x, n = int(row["x1"]), int(row["n1"])
            limits = SINGLE[row["method"]](x, n, confidence_level=level)
        else:
            table = [int(row[key]) for key in ("x1", "n1", "x2", "n2")]
            result = difference_interval(*table, method=row["method"], confidence_level=level)
            limits = (result.ci_lower, result.ci_upper)
        expected = (float(row["ci_lower"]), float(row["ci_upper"]))
        assert limits == pytest.approx(expected, abs=2e-9), row


@pytest.mark.parametrize("x", [0, 1, 7, 29, 30])
def test_clopper_pearson_limits_have_the_tail_probability(x):
    lower, upper = clopper_pearson_interval(x, 30, confidence_level=0.9)
    if x > 0:
        assert binom.sf(x - 1, 30, lower) == pytest.approx(0.05, abs=1e-10)
    if x < 30:
        assert binom.cdf(x, 30, upper) == pytest.approx(0.05, abs=1e-10)
    assert lower <= x / 30 <= upper


def brute_constrained(x1, n1, x2, n2, difference):
    """Refine a grid of the likelihood until it stands still."""

    def part(x, p):
        return x * np.log(np.where(p > 0, p, 1e-300)) if x else 0.0

    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    for _ in range(12):
        p = np.linspace(low, high, 201)
        q = np.clip(p + difference, 0, 1)
        value = part(x1, q) + part(n1 - x1, 1 - q) + part(x2, p) + part(n2 - x2, 1 - p)
        best = int(np.argmax(value))
        low, high = p[max(best - 2, 0)], p[min(best + 2, 200)]
    return float((low + high) / 2)


def test_constrained_proportions_equal_brute_force_for_all_small_tables():
    for x1, x2, difference in itertools.product(range(5), range(8), np.linspace(-0.95, 0.95, 7)):
        p1, p2 = constrained_proportions(x1, 4, x2, 7, difference=float(difference))
        assert p1 - p2 == pytest.approx(difference, abs=1e-12)
        # The likelihood is flat at its top: comparing it can only give half the digits.
        assert p2 == pytest.approx(brute_constrained(x1, 4, x2, 7, difference), abs=2e-7)


@pytest.mark.parametrize("method", DIFFERENCE_METHODS)
def test_every_small_table_has_ordered_limits_and_mirrors(method):
    for x1, x2 in itertools.product(range(7), range(4)):
        one = difference_interval(x1, 6, x2, 3, method=method)
        assert -1 <= one.ci_lower <= one.estimate <= one.ci_upper <= 1
        assert one.ci_upper - one.ci_lower > 0.05
        swapped = difference_interval(x2, 3, x1, 6, method=method)
        assert (swapped.ci_lower, swapped.ci_upper) == pytest.approx(
            (-one.ci_upper, -one.ci_lower), abs=1e-10
        )
        opposite = difference_interval(6 - x1, 6, 3 - x2, 3, method=method)
        assert (opposite.ci_lower, opposite.ci_upper) == pytest.approx(
            (-one.ci_upper, -one.ci_lower), abs=1e-10
        )


@pytest.mark.parametrize("method", ["mee", "miettinen_nurminen"])
def test_score_limits_are_where_the_score_test_turns(method):
    # The statistic crosses the critical value once on each side, so the set kept is an interval.
    for table in [(3, 9, 0, 14), (0, 8, 0, 5), (9, 9, 13, 14), (2, 400, 30, 5000)]:
        x1, n1, x2, n2 = table
        factor = (n1 + n2) / (n1 + n2 - 1) if method == "miettinen_nurminen" else 1.0
        result = difference_interval(*table, method=method)
        for delta in np.linspace(-0.999, 0.999, 401):
            p1, p2 = constrained_proportions(*table, difference=float(delta))
            variance = factor * (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
            kept = abs(x1 / n1 - x2 / n2 - delta) <= 1.959963984540054 * math.sqrt(variance)
            assert kept == (result.ci_lower <= delta <= result.ci_upper)


def coverage(method, n1, n2, p1, p2):
    total = 0.0
    for x1, x2 in itertools.product(range(n1 + 1), range(n2 + 1)):
        result = difference_interval(x1, n1, x2, n2, method=method)
        if result.ci_lower <= p1 - p2 <= result.ci_upper:
            total += binom.pmf(x1, n1, p1) * binom.pmf(x2, n2, p2)
    return total


@pytest.mark.parametrize("method", DIFFERENCE_METHODS)
def test_exact_coverage_of_a_small_experiment_is_near_the_level(method):
    assert 0.93 < coverage(method, 15, 10, 0.35, 0.2) < 0.99


def test_large_numbers_approach_the_plain_normal_interval():
    n1, n2 = 2_000_000, 9_000_000
    p1, p2 = 0.004, 0.003
    half = 1.959963984540054 * math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    for method in DIFFERENCE_METHODS:
        result = difference_interval(p1 * n1, n1, p2 * n2, n2, method=method)
        # The intervals differ from the normal one by terms of order 1/n.
        assert result.ci_lower == pytest.approx(0.001 - half, abs=2e-6)
        assert result.ci_upper == pytest.approx(0.001 + half, abs=2e-6)


@pytest.mark.parametrize("function", [clopper_pearson_interval, jeffreys_interval])
def test_bad_single_proportions_are_refused(function):
    with pytest.raises(ValueError, match="not between"):
        function(3, 2)
    with pytest.raises(ValueError, match="not between"):
        function(-1, 2)
    with pytest.raises(ValueError, match="not positive"):
        function(0, 0)
    with pytest.raises(ValueError, match="finite"):
        function(math.nan, 2)
    with pytest.raises(ValueError, match="confidence_level"):
        function(1, 2, confidence_level=95)


@pytest.mark.parametrize("method", DIFFERENCE_METHODS)
def test_bad_differences_are_refused_and_say_which_side(method):
    with pytest.raises(ValueError, match="the second numerator 3"):
        difference_interval(1, 2, 3, 2, method=method)
    with pytest.raises(ValueError, match="the first denominator 0"):
        difference_interval(0, 0, 1, 2, method=method)
    with pytest.raises(ValueError, match="confidence_level"):
        difference_interval(1, 2, 1, 2, method=method, confidence_level=math.nan)


def test_unknown_method_and_impossible_difference_are_refused():
    with pytest.raises(ValueError, match="unknown method"):
        difference_interval(1, 2, 1, 2, method="wald")
    with pytest.raises(ValueError, match=r"difference 1\.5"):
        constrained_proportions(1, 2, 1, 2, difference=1.5)
