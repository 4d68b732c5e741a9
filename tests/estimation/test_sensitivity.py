"""Bounds of relative magnitudes against linear programmes, HonestDiD and a known truth."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import norm

from ballot_eval.estimation.sensitivity import (
    relative_magnitude_sensitivity,
    relative_magnitude_set,
)
from ballot_eval.estimation.staggered import (
    NEVER,
    aggregate_effects,
    common_baselines,
    group_time_effects,
    influence_covariance,
)

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def stored(name):
    return json.loads((REFERENCE / name).read_text(encoding="utf-8"))


def programme(pre, post, mbar, target):
    """Return the identified set as the union over (change, sign) of polyhedra of violations."""
    p, q = len(pre), len(post)
    # Neighbouring differences of (δ_pre, 0, δ_post), without the column of the reference.
    differences = np.delete(np.eye(p + q + 1, k=1)[:-1] - np.eye(p + q + 1)[:-1], p, axis=1)
    factor = np.concatenate([np.ones(p), np.full(q, mbar)])
    ends = []
    for s, sign in itertools.product(range(p), (1.0, -1.0)):
        largest = factor[:, None] * sign * differences[s][None, :]
        constraint = np.vstack([differences - largest, -differences - largest])
        for direction in (1.0, -1.0):
            found = linprog(
                direction * np.concatenate([np.zeros(p), target]),
                A_ub=constraint,
                b_ub=np.full(len(constraint), 1e-12),
                A_eq=np.eye(p, p + q),
                b_eq=pre,
                bounds=[(None, None)] * (p + q),
            )
            if found.success:
                ends.append(target @ post - direction * found.fun)
    return min(ends), max(ends)


def brute_limits(pre, post, covariance, mbar, target, level):
    """Return the union of the normal intervals of all linear functions, one vector at a time."""
    reach = sum(abs(target[s:].sum()) for s in range(len(post)))
    z = norm.ppf(0.5 + level / 2)
    path = np.concatenate([np.eye(len(pre)), np.zeros((1, len(pre)))])
    lows, highs = [], []
    for s, sign in itertools.product(range(len(pre)), (1, -1)):
        vector = np.concatenate([sign * mbar * reach * (path[s + 1] - path[s]), target])
        value = vector @ np.concatenate([pre, post])
        half = z * math.sqrt(max(vector @ covariance @ vector, 0.0))
        lows.append(value - half)
        highs.append(value + half)
    return min(lows), max(highs)


def random_case(seed, p, q):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(p + q, p + q))
    return rng.normal(size=p), rng.normal(size=q), root @ root.T, rng.normal(size=q)


def test_identified_sets_equal_a_peer():
    reference = stored("staggered_reference.json")["relative_magnitudes"]
    for row in reference["rows"]:
        found = relative_magnitude_set(
            reference["pre"], reference["post"], mbar=row["mbar"], target=row["target"]
        )
        # The peer solves linear programmes, right to about 1e-9.
        assert found == pytest.approx(row["identified"], abs=1e-9)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (1, 3), (2, 1), (3, 2), (4, 4)])
@pytest.mark.parametrize("mbar", [0.0, 0.3, 1.0, 2.5])
def test_identified_set_equals_a_linear_programme(p, q, mbar):
    pre, post, _, target = random_case(10 * p + q, p, q)
    for weights in (target, np.eye(q)[0], np.full(q, 1 / q)):
        found = relative_magnitude_set(pre, post, mbar=mbar, target=weights)
        # The constraints get 1e-12 of slack, the solver stops at about 1e-7.
        assert found == pytest.approx(programme(pre, post, mbar, weights), abs=1e-6)


def test_a_single_period_before_and_after_by_hand():
    low, high = relative_magnitude_set([-0.1], [0.5], mbar=2.0)
    assert (low, high) == pytest.approx((0.3, 0.7))
    # The second effect is two steps away, so its violation can be twice as large.
    low, high = relative_magnitude_set([-0.1], [0.5, 0.5], mbar=2.0, target=[0.0, 1.0])
    assert (low, high) == pytest.approx((0.1, 0.9))


def test_confidence_sets_are_somewhat_wider_than_the_printed_conditional_ones():
    ehec = stored("staggered_ehec.json")
    printed = {name: np.array(values) for name, values in ehec["printed"].items()}
    result = relative_magnitude_sensitivity(
        ehec["pre"], ehec["post"], np.array(ehec["covariance"]), mbar=printed["mbar"]
    )
    assert result.estimate == pytest.approx(0.0464, abs=5e-5)
    assert (result.ci_lower < printed["lower"]).all()
    assert (result.ci_upper > printed["upper"]).all()
    # Conservative, but not uselessly so: at most a fifth wider, a breakdown of 1.7 against 2.0.
    width = (result.ci_upper - result.ci_lower) / (printed["upper"] - printed["lower"])
    assert (width < 1.2).all()
    assert 1.6 < result.breakdown_confidence < 2.0 < result.breakdown_identified


@pytest.mark.parametrize(("p", "q"), [(1, 1), (3, 2), (4, 4)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_confidence_set_equals_brute_force(p, q, level):
    pre, post, covariance, target = random_case(p + q, p, q)
    sizes = np.array([0.0, 0.2, 1.0, 3.0])
    result = relative_magnitude_sensitivity(
        pre, post, covariance, mbar=sizes, target=target, confidence_level=level
    )
    for k, mbar in enumerate(sizes):
        expected = brute_limits(pre, post, covariance, mbar, target, level)
        assert (result.ci_lower[k], result.ci_upper[k]) == pytest.approx(expected, rel=1e-10)
    assert (np.diff(result.ci_lower) <= 0).all()
    assert (np.diff(result.ci_upper) >= 0).all()
    assert (result.ci_lower < result.identified_lower).all()
    assert (result.ci_upper > result.identified_upper).all()


def test_without_violations_it_is_the_usual_interval():
    pre, post, covariance, _ = random_case(3, 2, 2)
    result = relative_magnitude_sensitivity(pre, post, covariance, mbar=[0.0])
    half = norm.ppf(0.975) * math.sqrt(covariance[2, 2])
    assert result.ci_lower[0] == pytest.approx(post[0] - half)
    assert result.ci_upper[0] == pytest.approx(post[0] + half)
    assert result.identified_lower[0] == result.identified_upper[0] == post[0]
    assert result.std_error == pytest.approx(math.sqrt(covariance[2, 2]))


@pytest.mark.parametrize("null", [0.0, 0.8])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_at_the_breakdown_values_an_end_touches_the_null(null, sign):
    pre, post = np.array([0.1, -0.05, 0.08]), np.array([null + sign * 2.0, 0.3])
    covariance = 0.02 * (np.eye(5) + 0.5)
    first = relative_magnitude_sensitivity(pre, post, covariance, mbar=[1.0], null=null)
    sizes = [first.breakdown_identified, first.breakdown_confidence]
    at = relative_magnitude_sensitivity(pre, post, covariance, mbar=sizes, null=null)
    near = "lower" if sign > 0 else "upper"
    assert getattr(at, f"identified_{near}")[0] == pytest.approx(null, abs=1e-12)
    assert getattr(at, f"ci_{near}")[1] == pytest.approx(null, abs=1e-12)
    assert first.breakdown_confidence < first.breakdown_identified


def test_breakdown_values_at_the_edges():
    flat = {"pre": [0.0, 0.0], "post": [1.0], "mbar": [1.0]}
    exact = relative_magnitude_sensitivity(**flat, covariance=np.diag([0.0, 0.0, 0.01]))
    assert exact.breakdown_identified == exact.breakdown_confidence == math.inf
    unsure = relative_magnitude_sensitivity(**flat, covariance=np.eye(3))
    assert unsure.breakdown_identified == math.inf
    assert math.isnan(unsure.breakdown_confidence)
    noisy = relative_magnitude_sensitivity(**flat, covariance=0.01 * np.eye(3))
    assert 0 < noisy.breakdown_confidence < math.inf
    nothing = relative_magnitude_sensitivity(**(flat | {"post": [0.0]}), covariance=np.eye(3))
    assert math.isnan(nothing.breakdown_identified)


@pytest.mark.parametrize("pre", [[0.0, 0.0, 0.0], [0.3, -0.2, 0.5], [-0.4, -0.8, -0.4]])
def test_confidence_set_covers_the_worst_case(pre):
    rng = np.random.default_rng(6)
    root = rng.normal(size=(4, 4)) / 4
    covariance = root @ root.T + 0.01 * np.eye(4)
    # The effect is 1 and the violation as large as mbar = 1 allows, in either direction.
    largest = max(abs(np.diff([*pre, 0.0])))
    for violation in (largest, -largest):
        truth = np.array([*pre, 1.0 + violation])
        draws = rng.multivariate_normal(truth, covariance, size=500)
        inside = 0
        for draw in draws:
            r = relative_magnitude_sensitivity(draw[:3], draw[3:], covariance, mbar=[1.0])
            inside += r.ci_lower[0] <= 1.0 <= r.ci_upper[0]
        # At least 95 %, less three standard errors of 500 draws.
        assert inside / 500 > 0.92


def test_bounds_of_a_roll_out():
    data = np.genfromtxt(REFERENCE / "staggered_mpdta.csv", delimiter=",", skip_header=1)
    years, first = np.arange(2003.0, 2008.0), np.where(data[:, 1] == 0, NEVER, data[:, 1])
    effects = group_time_effects(
        data[:, 3:], years, first, baselines=common_baselines(years, first)
    )
    study = aggregate_effects(effects, method="dynamic")
    before = study.labels < 0
    result = relative_magnitude_sensitivity(
        study.estimates[before],
        study.estimates[~before],
        influence_covariance(study.influence),
        mbar=[0.0, 1.0],
    )
    reference = stored("staggered_reference.json")["relative_magnitudes"]
    assert study.labels.tolist() == [-4, -3, -2, 0, 1, 2, 3]
    np.testing.assert_allclose(study.std_errors, reference["std_error"], rtol=1e-9)
    np.testing.assert_allclose(study.estimates[before], reference["pre"], atol=1e-11)
    assert result.estimate == pytest.approx(-0.0199318168, abs=1e-10)
    assert result.identified_lower[1] == pytest.approx(-0.0443905618, abs=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pre": []}, "pre must be"),
        ({"pre": [0.1, math.nan]}, "pre must be"),
        ({"post": []}, "post must be"),
        ({"post": [math.inf]}, "post must be"),
        ({"post": [[1.0]]}, "post must be"),
        ({"target": [1.0, 0.0]}, "target must be 1 finite weights"),
        ({"target": [0.0]}, "not all 0"),
        ({"target": [math.nan]}, "finite weights"),
        ({"mbar": [-0.1]}, "mbar must be"),
        ({"mbar": [math.nan]}, "mbar must be"),
        ({"mbar": []}, "mbar must be"),
        ({"mbar": 1.0}, "mbar must be"),
        ({"covariance": np.eye(2)}, r"shape \(3, 3\)"),
        ({"covariance": np.full((3, 3), math.nan)}, "must be finite"),
        ({"covariance": np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1]])}, "symmetric"),
        ({"covariance": np.diag([1.0, -1.0, 1.0])}, "semi-definite"),
        ({"covariance": np.diag([1.0, 1.0, 0.0])}, "no variance"),
        ({"confidence_level": 1.0}, "confidence_level"),
        ({"null": math.nan}, "null"),
    ],
)
def test_bad_input_says_what_is_wrong(changes, message):
    args = {"pre": [0.1, 0.2], "post": [1.0], "covariance": np.eye(3), "mbar": [1.0]} | changes
    with pytest.raises(ValueError, match=message):
        relative_magnitude_sensitivity(**args)
