"""Ratio of rates by randomisation, against R, brute force and known truth."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.ratio import ratio_randomisation_test

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture
def counts():
    table = np.genfromtxt(REFERENCE / "randomisation_counts.csv", delimiter=",", names=True)
    return {name: table[name] for name in table.dtype.names}


def everything(role):
    return draw_assignments(role, draws=1, max_exact=10**6, seed=0)


def run(counts, *, weighting="pooled", baseline=True, level=0.9, assignments=None, **options):
    role = counts["role"] == 1
    earlier = {n: counts[n] for n in ("baseline_events", "baseline_ballots")} if baseline else {}
    return ratio_randomisation_test(
        counts["events"],
        counts["ballots"],
        role,
        assignments or everything(role),
        weighting=weighting,
        confidence_level=level,
        **earlier,
        **options,
    )


@pytest.mark.parametrize("weighting", ["pooled", "municipality"])
@pytest.mark.parametrize("baseline", [False, True])
def test_ratio_equals_r(counts, weighting, baseline):
    name = f"ratio_{'change' if baseline else 'single'}_{weighting}"
    expected = json.loads((REFERENCE / "randomisation_reference.json").read_text())[name]
    result = run(counts, weighting=weighting, baseline=baseline)
    assert (result.draws, result.exact, result.p_error) == (1820, True, 0.0)
    assert result.ratio == pytest.approx(expected["ratio"], rel=1e-12)
    assert result.p_value == pytest.approx(expected["p"], rel=1e-12)
    assert result.ci_lower == pytest.approx(expected["lower"], rel=1e-8)
    assert result.ci_upper == pytest.approx(expected["upper"], rel=1e-8)


def brute_p(counts, theta):
    role = counts["role"] == 1
    x = counts["events"] / np.where(role, theta, 1.0)

    def statistic(m):
        def change(side):
            now = x[side].sum() / counts["ballots"][side].sum()
            then = counts["baseline_events"][side].sum() / counts["baseline_ballots"][side].sum()
            return math.log(now / then)

        return change(m) - change(~m)

    statistics = []
    for members in itertools.combinations(range(len(x)), int(role.sum())):
        mask = np.zeros(len(x), dtype=bool)
        mask[list(members)] = True
        statistics.append(abs(statistic(mask)))
    return np.mean(np.array(statistics) >= abs(statistic(role)) * (1 - 1e-9))


@pytest.mark.parametrize("seed", range(4))
def test_pooled_interval_equals_brute_force(seed):
    rng = np.random.default_rng(seed)
    counts = {
        "role": (np.arange(9) < 3).astype(int),
        "events": rng.integers(1, 60, size=9),
        "ballots": rng.integers(100, 9000, size=9),
        "baseline_events": rng.integers(1, 60, size=9),
        "baseline_ballots": rng.integers(100, 9000, size=9),
    }
    result = run(counts, level=0.8)
    assert result.p_value == pytest.approx(brute_p(counts, 1.0))
    for limit, outward in ((result.ci_lower, -1), (result.ci_upper, 1)):
        if 0 < limit < math.inf:
            assert brute_p(counts, limit * math.exp(-outward * 1e-6)) > 0.2
            for far in (1e-6, 0.01, 0.1, 0.5, 1, 3):
                assert brute_p(counts, limit * math.exp(outward * far)) <= 0.2


def test_drawn_assignments_have_an_error_and_never_p_zero(counts):
    role = counts["role"] == 1
    drawn = draw_assignments(role, draws=999, max_exact=1, seed=2)
    result = run(counts, assignments=drawn, level=0.95)
    assert not result.exact
    assert result.p_value * 1000 == pytest.approx(round(result.p_value * 1000))
    assert result.p_error == pytest.approx(math.sqrt(result.p_value * (1 - result.p_value) / 999))
    exact = run(counts, level=0.95)
    assert abs(result.p_value - exact.p_value) < 4 * result.p_error + 0.001
    assert result.ci_lower == pytest.approx(exact.ci_lower, rel=0.05)


def test_a_known_ratio_is_covered():
    rng = np.random.default_rng(6)
    role = np.arange(120) < 6
    ballots = rng.integers(3000, 30_000, size=120)
    covered = 0
    for seed in range(60):
        rate = 0.004 * np.exp(0.2 * rng.normal(size=120))
        result = ratio_randomisation_test(
            rng.poisson(ballots * rate * np.where(role, 1.5, 1.0)),
            ballots,
            role,
            draw_assignments(role, draws=999, max_exact=1, seed=seed),
            weighting="pooled",
            baseline_events=rng.poisson(ballots * rate),
            baseline_ballots=ballots,
        )
        covered += result.ci_lower <= 1.5 <= result.ci_upper
        assert 1.1 < result.ratio < 2.0
    assert covered >= 53


def test_zero_events_are_an_error_or_get_a_half(counts):
    counts["events"][:4] = 0
    with pytest.raises(ValueError, match="zero events on one side of the observed role"):
        run(counts)
    with pytest.raises(ValueError, match="zero events in 4 units"):
        run(counts, weighting="municipality")
    for weighting in ("pooled", "municipality"):
        result = run(counts, weighting=weighting, zeros="add_half")
        assert 0 < result.ratio < 0.1
    pooled = run(counts, zeros="add_half", baseline=False)
    halves = counts["events"] + 0.5
    rates = [
        halves[side].sum() / (counts["ballots"][side] + 1).sum()
        for side in (counts["role"] == 1, counts["role"] == 0)
    ]
    assert pooled.ratio == pytest.approx(rates[0] / rates[1])


def test_a_reassigned_set_without_events_is_an_error(counts):
    counts["events"][5:9] = 0
    with pytest.raises(ValueError, match="zero events on one side of 1 reassignments"):
        run(counts)


def test_one_experiment_unit_gives_a_wide_interval(counts):
    counts["role"] = (np.arange(16) == 2).astype(int)
    result = run(counts, level=0.99)
    assert (result.ci_lower, result.ci_upper) == (0.0, math.inf)
    assert result.p_value >= 1 / 16


def test_identical_rates_give_p_one(counts):
    counts["events"] = counts["baseline_events"]
    counts["ballots"] = counts["baseline_ballots"]
    for weighting in ("pooled", "municipality"):
        result = run(counts, weighting=weighting)
        assert result.ratio == pytest.approx(1.0)
        assert result.p_value == 1.0


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("events", np.nan, "finite"),
        ("baseline_ballots", 0, "unit 1 has no ballots"),
        ("events", -1, "between 0 and the number of ballots"),
        ("baseline_events", 10**6, "between 0 and the number of ballots"),
    ],
)
def test_bad_counts_are_refused(counts, name, value, message):
    counts[name][1] = value
    with pytest.raises(ValueError, match=message):
        run(counts)


def test_half_a_baseline_and_unknown_names_are_refused(counts):
    with pytest.raises(ValueError, match="come together"):
        run(counts, baseline=False, baseline_events=counts["baseline_events"])
    with pytest.raises(ValueError, match="unknown weighting"):
        run(counts, weighting="ballots")
