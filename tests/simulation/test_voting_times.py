"""The mixed model keeps its promises on voting times with a known ratio; a plain t-test does not.

Simulated times of voters in 20 stations per arm, as in benchmarks/calibration_times.py, which
judges more designs and methods. With 2,000 sets the Monte-Carlo standard error of a share near 5 %
is 0.49 points.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew, ttest_ind

SETS = 1_000
SEED = 2031
#: Sets per intraclass correlation: 1,000 in all with the effect, and as many without.
CORRELATIONS = (0.05, 0.10)


@pytest.fixture
def bench(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import calibration_times

    return calibration_times


@pytest.mark.slow
def test_the_mixed_model_holds_the_ratio_and_welch_does_not(bench):
    methods = (bench.mixed("kenward_roger"), bench.welch)
    alarms, held, ratios = [], [], []
    for icc in CORRELATIONS:
        scenario = bench.Scenario(20, icc)
        for number in range(SETS // len(CORRELATIONS)):
            null = bench.make_set(SEED, scenario, number, effect=False)
            alarms.append([method(null)[1] <= 0.05 for method in methods])
            times = bench.make_set(SEED, scenario, number, effect=True)
            answers = [method(times) for method in methods]
            held.append([low <= bench.RATIO <= high for _, _, low, high in answers])
            ratios.append(answers[0][0])
    (size, welch_size), (coverage, welch_coverage) = np.mean(alarms, axis=0), np.mean(held, axis=0)
    assert len(held) == SETS
    assert np.exp(np.mean(np.log(ratios))) == pytest.approx(0.85, abs=0.004)
    assert 0.93 <= coverage <= 0.97
    assert 0.035 <= size <= 0.065
    # Ignoring stations: nearly half of all tests cry wolf.
    assert welch_coverage < 0.65
    assert welch_size > 0.35


@pytest.mark.slow
def test_shocks_of_municipalities_need_their_own_intercept(bench):
    scenario = bench.Scenario(20, 0.05, 5, 0.05)
    methods = (bench.mixed("kenward_roger"), bench.mixed("kenward_roger", nested=True))
    held = []
    for number in range(200):
        times = bench.make_set(SEED, scenario, number, effect=True)
        answers = [method(times) for method in methods]
        held.append([low <= bench.RATIO <= high for _, _, low, high in answers])
    stations, nested = np.mean(held, axis=0)
    assert stations < 0.85
    # Three Monte-Carlo standard errors.
    assert nested == pytest.approx(0.95, abs=0.047)


def test_the_times_are_what_they_say(bench):
    scenario = bench.Scenario(20, 0.10)
    between, within, shape, sizes, gaps = [], [], [], [], []
    for number in range(60):
        times = bench.make_set(SEED, scenario, number, effect=True)
        logs = np.log(times.seconds)
        size = np.bincount(times.station)
        means = np.bincount(times.station, weights=logs) / size
        role = np.bincount(times.station, weights=times.role) > 0
        rest = logs - means[times.station]
        within.append((rest**2).sum() / (len(logs) - len(size)))
        spread = (means[role].var(ddof=1) + means[~role].var(ddof=1)) / 2
        between.append(spread - within[-1] * (1 / size).mean())
        shape.append((skew(rest), skew(times.seconds)))
        sizes.append(size)
        gaps.append(means[role].mean() - means[~role].mean())
    total = np.mean(between) + np.mean(within)
    assert total == pytest.approx(0.25, rel=0.03)
    assert np.mean(between) / total == pytest.approx(0.10, abs=0.01)
    assert np.exp(np.mean(gaps)) == pytest.approx(0.85, abs=0.02)
    # Skewed on the log scale, more so in seconds.
    on_logs, in_seconds = np.mean(shape, axis=0)
    assert 0.5 <= on_logs <= 0.9
    assert in_seconds > 2
    assert (len(sizes[0]), np.min(sizes), np.max(sizes)) == (40, 30, 120)


def test_sets_do_not_depend_on_what_else_is_run(bench):
    scenario = bench.NESTED[1]
    one = bench.make_set(1, scenario, 3, effect=True)
    job = bench.Job(1, scenario, 3, 4)
    _, rows = bench.run(job)
    again = bench.make_set(1, scenario, 3, effect=True)
    assert np.array_equal(one.seconds, again.seconds)
    assert rows.shape == (1, len(bench.METHODS), 4)
    stations = [len(np.unique(one.station[one.municipality == m])) for m in range(10)]
    assert stations == [2, 6, 4, 3, 5] * 2
    assert one.role.any()
    assert not one.role[one.municipality >= 5].any()


def test_welch_is_the_usual_test(bench):
    times = bench.make_set(2, bench.Scenario(5, 0.05), 0, effect=True)
    logs = np.log(times.seconds)
    test = ttest_ind(logs[times.role], logs[~times.role], equal_var=False)
    ratio, p_value, low, high = bench.welch(times)
    assert p_value == pytest.approx(test.pvalue)
    assert np.log([low, high]) == pytest.approx(list(test.confidence_interval()))
    assert low < ratio < high
