"""Permuted exposure paths, against R, brute force and known truth."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.assignments import count_paths, draw_assignments, draw_paths
from ballot_eval.estimation.inference import randomisation_test
from ballot_eval.estimation.paths import path_randomisation_test

REFERENCE = Path(__file__).parents[1] / "reference"


def all_paths(paths, strata=None):
    return draw_paths(paths, strata, draws=1, max_exact=10**6, seed=0)


def brute_contrast(y, paths, lam):
    columns = y if y.ndim == 2 else np.repeat(y[:, None], len(lam), axis=1)
    return sum(
        weight * (columns[paths == p + 1, p].mean() - columns[paths == 0, p].mean())
        for p, weight in enumerate(lam)
        if weight
    )


def brute_p(y, paths, lam, effects, tau):
    """The p-value by listing all distinct permutations of the labels."""
    z = y - tau * effects
    own = abs(brute_contrast(z, paths, lam))
    drawn = [abs(brute_contrast(z, np.array(p), lam)) for p in set(itertools.permutations(paths))]
    return np.mean(np.array(drawn) >= own * (1 - 1e-9)), len(drawn)


def test_labels_among_the_experiment_units_equal_r():
    expected = json.loads((REFERENCE / "randomisation_reference.json").read_text())["paths_330"]
    table = np.genfromtxt(REFERENCE / "randomisation_paths.csv", delimiter=",", names=True)
    paths = table["path"].astype(int)
    assignments = all_paths(paths, (paths > 0).astype(int))
    assert len(assignments.members) == expected["assignments"] == 330
    result = path_randomisation_test(
        table["change"], paths, assignments, contrast=np.array([-1.0, 1.0])
    )
    assert result.estimate == pytest.approx(expected["estimate"], rel=1e-12)
    assert result.p_value == pytest.approx(expected["p"], rel=1e-12)
    # Without the never exposed it is an ordinary test of path 2 against path 1.
    inside = paths > 0
    role = paths[inside] == 2
    plain = randomisation_test(
        table["change"][inside], role, draw_assignments(role, draws=1, max_exact=330, seed=0)
    )
    assert (result.p_value, result.estimate) == pytest.approx((plain.p_value, plain.estimate))
    assert result.ci_lower == pytest.approx(plain.ci_lower, abs=1e-8)
    assert result.ci_upper == pytest.approx(plain.ci_upper, abs=1e-8)
    alone = path_randomisation_test(
        table["change"][inside],
        paths[inside],
        all_paths(paths[inside]),
        contrast=np.array([-1.0, 1.0]),
    )
    assert alone.p_value == pytest.approx(plain.p_value)


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("lam", [[0.5, 0.5], [-1.0, 1.0], [0.0, 1.0]])
def test_contrast_equals_brute_force(columns, lam):
    rng = np.random.default_rng(columns)
    paths = np.array([1, 1, 0, 2, 0, 2, 0, 0])
    y = rng.normal(size=(8, columns)) + paths[:, None]
    y = y[:, 0] if columns == 1 else y
    lam = np.array(lam)
    assignments = all_paths(paths)
    assert len(assignments.members) == count_paths(paths) == 420
    result = path_randomisation_test(y, paths, assignments, contrast=lam, confidence_level=0.8)
    size = np.concatenate([[0.0], lam / (lam**2).sum()])[paths]
    effects = size if columns == 1 else np.repeat(size[:, None], 2, axis=1)
    p, n = brute_p(y, paths, lam, effects, 0.0)
    assert n == 420
    assert result.p_value == pytest.approx(p)
    assert result.estimate == pytest.approx(brute_contrast(y, paths, lam))
    step = 1e-5 * (result.ci_upper - result.ci_lower)
    for limit, outward in ((result.ci_lower, -1), (result.ci_upper, 1)):
        if math.isfinite(limit):
            assert brute_p(y, paths, lam, effects, limit - outward * step)[0] > 0.2
            for far in (1, 1e3, 1e4, 1e5, 1e6):
                assert brute_p(y, paths, lam, effects, limit + outward * far * step)[0] <= 0.2


def test_a_pattern_per_column_is_scaled_to_the_contrast():
    rng = np.random.default_rng(9)
    paths = np.array([1, 1, 2, 2, 0, 0, 0])
    y = rng.normal(size=(7, 2))
    lam, pattern = np.array([0.3, 0.7]), np.array([[1.0, 2.0], [0.0, 3.0]])
    result = path_randomisation_test(
        y, paths, all_paths(paths), contrast=lam, pattern=pattern, confidence_level=0.7
    )
    effects = np.vstack([np.zeros(2), pattern])[paths] / (0.3 * 1 + 0.7 * 3)
    assert brute_contrast(effects, paths, lam) == pytest.approx(1.0)
    assert math.isfinite(result.ci_lower)
    for limit, inward in ((result.ci_lower, 1), (result.ci_upper, -1)):
        assert brute_p(y, paths, lam, effects, limit + inward * 1e-6)[0] > 0.3
        assert brute_p(y, paths, lam, effects, limit - inward * 1e-6)[0] <= 0.3


def test_one_path_is_the_plain_test():
    rng = np.random.default_rng(3)
    role = np.arange(10) < 3
    y = rng.normal(size=10)
    plain = randomisation_test(y, role, draw_assignments(role, draws=1, max_exact=999, seed=0))
    result = path_randomisation_test(
        y, role.astype(int), all_paths(role.astype(int)), contrast=np.ones(1)
    )
    assert result.p_value == plain.p_value
    assert (result.ci_lower, result.ci_upper) == pytest.approx((plain.ci_lower, plain.ci_upper))


@pytest.mark.parametrize("n", [8, 60])
def test_drawn_paths_are_uniform_and_stay_in_their_stratum(n):
    # The small case ranks keys, the large one rejects repeats.
    paths = np.zeros(n, dtype=int)
    paths[[0, 1, 2]] = [1, 1, 2]
    paths[n - 2] = 3
    strata = (np.arange(n) >= n // 2).astype(int)
    drawn = draw_paths(paths, strata, draws=8000, max_exact=1, seed=1)
    assert not drawn.exact
    assert drawn.labels.tolist() == [1, 1, 2, 3]
    assert (drawn.members[:, :3] < n // 2).all()
    assert (drawn.members[:, 3] >= n // 2).all()
    assert all(len(set(row)) == 4 for row in drawn.members.tolist())
    for column in range(3):
        share = np.bincount(drawn.members[:, column], minlength=n // 2) / 8000
        error = math.sqrt(2 / n / 8000)
        assert np.abs(share - 2 / n).max() < 5 * error


def test_drawn_p_value_agrees_with_the_exact_one():
    rng = np.random.default_rng(12)
    paths = np.concatenate([[1] * 3, [2] * 2, [0] * 9])
    y = rng.normal(size=14) + 0.8 * paths
    lam = np.array([0.5, 0.5])
    exact = path_randomisation_test(y, paths, all_paths(paths), contrast=lam)
    drawn = path_randomisation_test(
        y, paths, draw_paths(paths, draws=4000, max_exact=10, seed=3), contrast=lam
    )
    assert drawn.p_error > 0
    assert abs(drawn.p_value - exact.p_value) < 4 * drawn.p_error
    assert drawn.p_value * 4001 == pytest.approx(round(drawn.p_value * 4001))


def test_a_known_contrast_is_covered():
    rng = np.random.default_rng(15)
    paths = np.concatenate([[1] * 5, [2] * 6, [0] * 60])
    truth = np.array([0.5, 1.5])
    covered = 0
    for seed in range(50):
        y = rng.normal(size=71) + np.concatenate([[0.0], truth])[paths]
        result = path_randomisation_test(
            y,
            paths,
            draw_paths(paths, draws=999, max_exact=1, seed=seed),
            contrast=np.array([0.5, 0.5]),
            pattern=truth,
        )
        covered += result.ci_lower <= 1.0 <= result.ci_upper
    assert covered >= 44


@pytest.mark.parametrize(
    ("paths", "strata", "message"),
    [
        ([0, 0, 0], None, "no unit was ever exposed"),
        ([1, 1, 1], None, "no stratum has two different paths"),
        ([1, 1, 0], [0, 0, 1], "no stratum has two different paths"),
        ([-1, 1, 0], None, "whole numbers"),
        ([0.5, 1, 0], None, "whole numbers"),
        ([1, 0, 0], [0, 1], "strata must have one entry"),
    ],
)
def test_paths_that_cannot_move_are_refused(paths, strata, message):
    with pytest.raises(ValueError, match=message):
        draw_paths(
            np.array(paths),
            None if strata is None else np.array(strata),
            draws=9,
            max_exact=9,
            seed=0,
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.array([1, 2, 3, 4, np.nan])}, "finite"),
        ({"values": np.ones((5, 3))}, "do not fit"),
        ({"contrast": np.zeros(2)}, "not all zeros"),
        ({"contrast": np.ones(1)}, "no place in a contrast"),
        ({"contrast": np.array([1.0, 0, 1])}, "no unit has path 3"),
        ({"paths": np.array([1, 1, 2, 0, 0])}, "not those of the assignments"),
        ({"contrast": np.array([-1.0, 1.0]), "pattern": np.ones(2)}, "cancels out"),
        ({"pattern": np.ones(3)}, "pattern must be finite"),
    ],
)
def test_bad_input_is_refused(change, message):
    paths = np.array([1, 2, 0, 0, 0])
    inputs = {"values": np.arange(5.0), "paths": paths, "contrast": np.ones(2)} | change
    with pytest.raises(ValueError, match=message):
        path_randomisation_test(
            inputs["values"],
            inputs["paths"],
            all_paths(paths),
            contrast=inputs["contrast"],
            pattern=inputs.get("pattern"),
        )


def test_no_never_exposed_units_needs_a_contrast_that_sums_to_zero():
    paths = np.array([1, 1, 2, 2])
    with pytest.raises(ValueError, match="without never-exposed units"):
        path_randomisation_test(
            np.arange(4.0), paths, all_paths(paths), contrast=np.array([0.5, 0.5])
        )


def test_identical_values_give_p_one():
    paths = np.array([1, 2, 0, 0, 0])
    result = path_randomisation_test(
        np.full(5, 0.1), paths, all_paths(paths), contrast=np.array([0.5, 0.5])
    )
    assert (result.estimate, result.p_value) == (0.0, 1.0)
