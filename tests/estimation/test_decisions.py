"""Non-inferiority and equivalence against R's coin, brute force and their own limits."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.decisions import equivalence_test, non_inferiority_test
from ballot_eval.estimation.inference import Assignments, draw_assignments, randomisation_test

REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "power_decisions.json").read_text(encoding="utf-8")
)
CASES = ["plain", "ties", "strata"]


def brute_statistic(y, role, w, studentised):
    def mean_and_variance(v, u):
        m = np.average(v, weights=u)
        return m, len(v) / (len(v) - 1) * (u**2 * (v - m) ** 2).sum() / u.sum() ** 2

    (m1, v1), (m0, v0) = (mean_and_variance(y[r], w[r]) for r in (role, ~role))
    return (m1 - m0) / math.sqrt(v1 + v0) if studentised else m1 - m0


def brute_p(y, role, w, tau, side, studentised):
    z = y - tau * role
    observed = brute_statistic(z, role, w, studentised)
    count, total = 0, 0
    for members in itertools.combinations(range(len(y)), int(role.sum())):
        mask = np.zeros(len(y), dtype=bool)
        mask[list(members)] = True
        difference = brute_statistic(z, mask, w, studentised) - observed
        count += side * difference <= 1e-9
        total += 1
    return count / total


def make(seed, n=10, m=3, effect=0.5):
    rng = np.random.default_rng(seed)
    role = np.zeros(n, dtype=bool)
    role[rng.choice(n, m, replace=False)] = True
    return rng.normal(size=n) + effect * role, role, rng.uniform(0.5, 2.0, size=n)


def every(role):
    return draw_assignments(role, draws=99, max_exact=10**6, seed=0)


@pytest.mark.parametrize("name", CASES)
def test_p_values_and_limit_equal_coin(name):
    case = REFERENCE[name]
    y, role = np.array(case["values"], dtype=float), np.array(case["role"], dtype=bool)
    strata = np.array(case["strata"])
    assignments = draw_assignments(role, strata, draws=99, max_exact=10**6, seed=0)
    for margin, p_upper, p_lower in zip(
        case["margins"], case["p_upper"], case["p_lower"], strict=True
    ):
        result = equivalence_test(y, role, assignments, margin=margin, alpha=0.05)
        assert result.p_upper == pytest.approx(p_upper, abs=1e-12)
        assert result.p_lower == pytest.approx(p_lower, abs=1e-12)
        assert result.p_value == max(result.p_upper, result.p_lower)
        assert case["last_kept"][0] - 1e-9 <= result.ci_upper < case["first_rejected"][0]
        one = non_inferiority_test(y, role, assignments, margin=margin, alpha=0.05)
        assert one.p_value == result.p_upper
        assert (one.verdict == "non_inferior") == (p_upper <= 0.05)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("studentised", [False, True])
def test_p_values_and_limits_equal_brute_force(weighted, studentised):
    y, role, w = make(11)
    w = w if weighted else np.ones_like(w)
    result = equivalence_test(
        y,
        role,
        every(role),
        margin=1.1,
        alpha=0.1,
        weights=w if weighted else None,
        studentised=studentised,
    )
    assert result.exact
    assert result.p_error == 0.0
    assert result.estimate == pytest.approx(brute_statistic(y, role, w, False))
    assert result.p_upper == pytest.approx(brute_p(y, role, w, 1.1, +1, studentised), abs=1e-12)
    assert result.p_lower == pytest.approx(brute_p(y, role, w, -1.1, -1, studentised), abs=1e-12)
    for limit, side in ((result.ci_upper, +1), (result.ci_lower, -1)):
        assert brute_p(y, role, w, limit - side * 1e-6, side, studentised) > 0.1
        assert brute_p(y, role, w, limit + side * 1e-6, side, studentised) <= 0.1


@pytest.mark.parametrize("studentised", [False, True])
@pytest.mark.parametrize("drawn", [False, True])
def test_verdict_and_limits_agree(studentised, drawn):
    verdicts = []
    for seed in range(24):
        y, role, w = make(seed, n=12, m=3)
        if seed % 2:
            y = np.round(y * 2)
        assignments = (
            draw_assignments(role, draws=199, max_exact=1, seed=seed) if drawn else every(role)
        )
        for margin in (0.5, 1.0, 2.0, 3.0):
            for test in (non_inferiority_test, equivalence_test):
                result = test(
                    y,
                    role,
                    assignments,
                    margin=margin,
                    alpha=0.1,
                    weights=w if seed % 3 else None,
                    studentised=studentised,
                )
                inside = result.ci_upper < margin and result.ci_lower > -margin
                if test is non_inferiority_test:
                    assert result.ci_lower == -math.inf
                    inside = result.ci_upper < margin
                assert (result.verdict != "not_shown") == inside == (result.p_value <= 0.1)
                verdicts.append(result.verdict)
    assert len(set(verdicts)) == 3


def test_a_margin_at_the_limit_itself_is_not_shown():
    y, role, _ = make(3)
    limit = non_inferiority_test(y, role, every(role), margin=9.0, alpha=0.1).ci_upper
    assert limit > 0
    at = non_inferiority_test(y, role, every(role), margin=limit, alpha=0.1)
    assert at.verdict == "not_shown"
    assert at.ci_upper >= limit
    above = non_inferiority_test(y, role, every(role), margin=limit + 1e-6, alpha=0.1)
    assert above.verdict == "non_inferior"


def test_drawn_p_value_counts_the_observed_assignment():
    role = np.zeros(60, dtype=bool)
    role[:3] = True
    y = np.where(role, -100.0, np.arange(60) / 60)
    assignments = draw_assignments(role, draws=199, max_exact=10, seed=5)
    hits = (np.sort(assignments.members, axis=1) == [0, 1, 2]).all(axis=1).sum()
    result = non_inferiority_test(y, role, assignments, margin=1.0, alpha=0.05)
    assert result.p_value == (hits + 1) / 200
    assert result.p_error > 0


@pytest.mark.parametrize("studentised", [False, True])
def test_limit_is_infinite_when_the_level_is_below_the_smallest_p_value(studentised):
    y, role, _ = make(4, n=6, m=2)
    result = equivalence_test(y, role, every(role), margin=1e3, alpha=0.05, studentised=studentised)
    assert (result.ci_lower, result.ci_upper) == (-math.inf, math.inf)
    assert result.verdict == "not_shown"


def test_drawn_limits_lie_within_those_of_the_two_sided_test_at_twice_the_level():
    # With values symmetric about their centre the two-sided interval is about the same one.
    rng = np.random.default_rng(8)
    role = np.zeros(330, dtype=bool)
    role[:11] = True
    y = rng.normal(size=330)
    assignments = draw_assignments(role, draws=20_000, max_exact=10, seed=1)
    result = equivalence_test(y, role, assignments, margin=1.0, alpha=0.025)
    both = randomisation_test(y, role, assignments)
    assert result.ci_lower == pytest.approx(both.ci_lower, abs=0.04)
    assert result.ci_upper == pytest.approx(both.ci_upper, abs=0.04)


@pytest.mark.parametrize("test", [non_inferiority_test, equivalence_test])
@pytest.mark.parametrize(("studentised", "studies"), [(False, 1500), (True, 200)])
def test_size_at_the_margin(test, studentised, studies):
    # The true effect is the margin itself: the share of wrong verdicts is the level.
    rng = np.random.default_rng(2026)
    population = rng.exponential(size=60)
    role = np.zeros(60, dtype=bool)
    role[:5] = True
    assignments = draw_assignments(role, draws=199, max_exact=10, seed=2)
    wrong = 0
    for _ in range(studies):
        y = rng.permutation(population) + 6.0 * role
        result = test(y, role, assignments, margin=6.0, alpha=0.05, studentised=studentised)
        wrong += result.verdict != "not_shown"
    assert abs(wrong / studies - 0.05) < 3 * math.sqrt(0.05 * 0.95 / studies)


def test_a_small_effect_in_a_quiet_outcome_is_equivalent_and_a_large_one_is_not():
    rng = np.random.default_rng(5)
    role = np.zeros(100, dtype=bool)
    role[:11] = True
    noise = rng.normal(scale=0.1, size=100)
    assignments = draw_assignments(role, draws=999, max_exact=10, seed=3)
    quiet = equivalence_test(noise + 0.05 * role, role, assignments, margin=0.3, alpha=0.05)
    large = equivalence_test(noise + 0.5 * role, role, assignments, margin=0.3, alpha=0.05)
    better = non_inferiority_test(noise - 0.5 * role, role, assignments, margin=0.3, alpha=0.05)
    assert (quiet.verdict, large.verdict) == ("equivalent", "not_shown")
    assert better.verdict == "non_inferior"


@pytest.mark.parametrize("margin", [0.0, -1.0, math.nan, math.inf, None])
def test_no_verdict_without_a_margin(margin):
    y, role, _ = make(1)
    with pytest.raises(ValueError, match="margin"):
        non_inferiority_test(y, role, every(role), margin=margin, alpha=0.05)
    with pytest.raises(TypeError):
        equivalence_test(y, role, every(role), alpha=0.05)


def test_bad_input_is_refused():
    y, role, w = make(1)
    good = every(role)

    def run(values=y, treated=role, assignments=good, **options):
        settings = {"margin": 1.0, "alpha": 0.05} | options
        return equivalence_test(values, treated, assignments, **settings)

    assert run().verdict == "not_shown"
    with pytest.raises(ValueError, match="finite"):
        run(values=np.where(role, np.nan, y))
    with pytest.raises(ValueError, match="positive"):
        run(weights=w - w.max())
    with pytest.raises(ValueError, match="alpha"):
        run(alpha=0.5)
    with pytest.raises(ValueError, match="same length"):
        run(values=y[:-1])
    with pytest.raises(ValueError, match="all values are the same"):
        run(values=np.ones_like(y))
    with pytest.raises(ValueError, match="at least one experiment unit"):
        run(treated=np.zeros_like(role))
    with pytest.raises(ValueError, match="assignments give the role"):
        run(assignments=Assignments(good.members[:, :2], exact=True, n_units=10))
    with pytest.raises(ValueError, match="vary within the roles"):
        run(values=role.astype(float), studentised=True)
    one = np.arange(10) == 0
    with pytest.raises(ValueError, match="at least two"):
        run(treated=one, assignments=every(one), studentised=True)
