import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.logrank import logrank_scores
from ballot_eval.estimation.survival import (
    common_horizon,
    kaplan_meier,
    logrank,
    logrank_permutation,
    restricted_mean,
    restricted_mean_contrast,
)

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "survival_reference.json").read_text(encoding="utf-8"))

# The reference is stored with 11 significant digits.
TIGHT = {"rel": 1e-9, "abs": 1e-11}
CLOSE = {"rtol": 1e-9, "atol": 1e-11, "equal_nan": True}
FEW = {"time": [1.0, 2, 3, 4, 5], "status": [1, 1, 0, 1, 1], "cl": [1, 1, 2, 2, 3]}


def read(name):
    if name == "few":
        return FEW
    return np.genfromtxt(REFERENCE / f"survival_{name}.csv", delimiter=",", names=True)


def numbers(values):
    return np.array([math.nan if v is None else v for v in values], dtype=float)


@pytest.mark.parametrize("case", NUMBERS["curves"])
def test_curves_are_those_of_r_survfit(case):
    name, interval, level, *cluster = case.split("|")
    data, expected = read(name), NUMBERS["curves"][case]
    curve = kaplan_meier(
        data["time"],
        data["status"],
        clusters=data[cluster[0]] if cluster else None,
        confidence_level=float(level),
        interval=interval,
        small_sample=False,
    )
    if "time" in expected:
        np.testing.assert_allclose(curve.times, expected["time"])
        np.testing.assert_array_equal(curve.at_risk, expected["n_risk"])
        np.testing.assert_array_equal(curve.events, expected["n_event"])
        np.testing.assert_array_equal(curve.censored, expected["n_censor"])
        np.testing.assert_allclose(curve.survival, expected["surv"], **CLOSE)
        np.testing.assert_allclose(curve.standard_error, numbers(expected["se"]), **CLOSE)
    for limit, side in ((curve.lower, "lower"), (curve.upper, "upper")):
        stored = numbers(expected[side])
        if interval == "log_log":  # R has no log-log limits before the first event
            stored = np.where(curve.survival == 1, 1, stored)
        np.testing.assert_allclose(limit, stored, **CLOSE)
    quantiles = [curve.quantile(p) for p in expected["probs"]]
    np.testing.assert_allclose([q.estimate for q in quantiles], numbers(expected["quantile"]))
    np.testing.assert_allclose([q.lower for q in quantiles], numbers(expected["q_lower"]))
    upper = numbers(expected["q_upper"])
    if case == "aml|log|0.95":
        # The limit rises again from .458 at 45 to .462 at 48: R prints 45 for the median, the first
        # crossing, but its quantile() gives 48.
        assert upper[2] == 48
        upper[2] = 45
    np.testing.assert_allclose(
        [q.upper for q in quantiles], np.where(np.isnan(upper), np.inf, upper)
    )


@pytest.mark.parametrize("case", NUMBERS["means"], ids=lambda c: f"{c['data']}-{c['horizon']}")
def test_restricted_means_are_those_of_r(case):
    data = read(case["data"])
    columns = data["time"], data["status"]
    plain = restricted_mean(*columns, horizon=case["horizon"])
    assert (plain.estimate, plain.standard_error) == pytest.approx(
        (case["rmean"], case["se"]), **TIGHT
    )
    assert (plain.method, plain.df) == ("greenwood", math.inf)
    if case["cluster"]:
        for method in ("infinitesimal", "jackknife"):
            found = restricted_mean(
                *columns, horizon=case["horizon"], clusters=data[case["cluster"]], method=method
            )
            assert found.standard_error == pytest.approx(case[method], **TIGHT)
            assert found.df == len(np.unique(data[case["cluster"]])) - 1


LOGRANKS = {
    "lung_sex": ("lung", "sex", None),
    "lung_sex_strata_inst": ("lung", "sex", "inst"),
    "lung_ecog": ("lung", "ecog", None),
    "veteran_cell": ("veteran", "cell", None),
    "veteran_trt_strata_cell": ("veteran", "trt", "cell"),
    "aml_maintained": ("aml", "maintained", None),
    "ovarian_rx": ("ovarian", "rx", None),
    "rats_rx_strata_female": ("rats", "rx", "female"),
}


@pytest.mark.parametrize("case", LOGRANKS)
def test_logrank_is_that_of_r_survdiff(case):
    name, group, strata = LOGRANKS[case]
    data, expected = read(name), NUMBERS["logranks"][case]
    result = logrank(
        data["time"], data["status"], data[group], strata=data[strata] if strata else None
    )
    assert list(result.n_units) == expected["n"]
    np.testing.assert_allclose(result.observed, expected["obs"], **CLOSE)
    np.testing.assert_allclose(result.expected, expected["exp"], **CLOSE)
    assert (result.chi2, result.p_value) == pytest.approx(
        (expected["chisq"], expected["p"]), **TIGHT
    )
    assert result.df == len(expected["n"]) - 1


# Brute force


def sample(seed=5, n=60, clusters=6):
    rng = np.random.default_rng(seed)
    time = np.round(rng.exponential(10, n), 0) + 1
    return time, rng.random(n) < 0.7, rng.integers(0, clusters, n)


def curve_by_hand(time, seen, at):
    value = 1.0
    for t in sorted(set(time[seen])):
        if t <= at:
            value *= 1 - ((time == t) & seen).sum() / (time >= t).sum()
    return value


def test_curve_follows_its_definition():
    time, seen, _ = sample()
    curve = kaplan_meier(time, seen)
    asked = [0, 0.5, 1, 3, 7.5, 12]
    points = curve.at(asked)
    np.testing.assert_allclose(points.survival, [curve_by_hand(time, seen, a) for a in asked])
    assert (points.lower[0], points.upper[0], points.standard_error[0]) == (1, 1, 0)


def test_curve_is_unknown_after_a_censored_last_time():
    open_end = kaplan_meier([1, 2, 3], [1, 1, 0]).at([3, 3.1])
    assert open_end.survival[0] == pytest.approx(1 / 3)
    assert all(
        math.isnan(v[1]) for v in (open_end.survival, open_end.lower, open_end.standard_error)
    )
    assert kaplan_meier([1, 2, 3], [1, 1, 1]).at(9).survival[0] == 0


def test_greenwood_without_censoring_is_binomial():
    time = np.arange(1.0, 41)
    curve = kaplan_meier(time, np.ones(40, dtype=bool))
    share = curve.survival[:-1]
    np.testing.assert_allclose(curve.standard_error[:-1], np.sqrt(share * (1 - share) / 40))


def test_cluster_error_is_the_derivative_with_respect_to_cluster_weights():
    time, seen, clusters = sample()
    curve = kaplan_meier(time, seen, clusters=clusters, small_sample=False)

    def weighted(weight, at):
        value = 1.0
        for t in sorted(set(time[seen])):
            if t <= at:
                value *= 1 - weight[(time == t) & seen].sum() / weight[time >= t].sum()
        return value

    for at, error in zip(curve.times[:-1:5], curve.standard_error[:-1:5], strict=True):
        slopes = []
        for g in range(6):
            up = [weighted(1 + s * 1e-5 * (clusters == g), at) for s in (1, -1)]
            slopes.append((up[0] - up[1]) / 2e-5)
        assert error == pytest.approx(math.sqrt(sum(s**2 for s in slopes)), rel=1e-6)


def test_small_sample_widens_by_g_and_t():
    time, seen, clusters = sample()
    plain = kaplan_meier(time, seen, clusters=clusters, interval="plain", small_sample=False)
    small = kaplan_meier(time, seen, clusters=clusters, interval="plain")
    np.testing.assert_allclose(small.standard_error, plain.standard_error * math.sqrt(6 / 5))
    assert (plain.df, small.df, small.n_clusters) == (math.inf, 5, 6)
    middle = len(small.times) // 2
    half = small.upper[middle] - small.survival[middle]
    assert half == pytest.approx(2.5705818366 * small.standard_error[middle])


def test_many_clusters_are_counted_in_blocks(monkeypatch):
    time, seen, _ = sample()
    clusters = np.arange(60) // 2
    whole = kaplan_meier(time, seen, clusters=clusters)
    monkeypatch.setattr("ballot_eval.estimation.risk_sets._BLOCK", 70)
    parts = kaplan_meier(time, seen, clusters=clusters)
    np.testing.assert_allclose(parts.standard_error, whole.standard_error)


def test_clusters_that_are_alike_leave_no_limits():
    curve = kaplan_meier([1.0, 2, 1, 2], [1] * 4, clusters=[1, 1, 2, 2])
    assert curve.survival[0] == 0.5
    assert math.isnan(curve.lower[0])
    assert math.isnan(curve.upper[0])


def test_rounded_sums_are_tied():
    curve = kaplan_meier([0.1 + 0.2, 0.3, 1.0], [1, 1, 1])
    assert list(curve.events) == [2, 1]
    assert curve.at(0.3).survival[0] == pytest.approx(1 / 3)


def test_restricted_mean_without_censoring_is_a_mean():
    rng = np.random.default_rng(1)
    time, clusters = rng.exponential(5, 90), np.repeat(np.arange(9), 10)
    cut = np.minimum(time, 6)
    result = restricted_mean(time, np.ones(90, dtype=bool), horizon=6, clusters=clusters)
    left = np.array([cut[clusters != g].mean() for g in range(9)])
    assert result.estimate == pytest.approx(cut.mean())
    assert result.standard_error == pytest.approx(
        math.sqrt(8 / 9 * ((left - cut.mean()) ** 2).sum())
    )
    plain = restricted_mean(time, np.ones(90, dtype=bool), horizon=6)
    assert plain.standard_error == pytest.approx(cut.std() / math.sqrt(90))
    assert restricted_mean(time, np.ones(90, dtype=bool), horizon=1e6).estimate == pytest.approx(
        time.mean()
    )


def contrast_sample(seed=3, effect=1.5, shock=0.2, sizes=(5, 9), rows=40):
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(sum(sizes)), rows)
    role = clusters < sizes[0]
    level = np.exp(rng.normal(0, shock, sum(sizes)))[clusters]
    time = 60 * level * np.where(role, effect, 1) * rng.gamma(4, 0.25, len(clusters))
    censor = rng.uniform(30, 400, len(clusters))
    return np.minimum(time, censor), time <= censor, role, clusters


def test_contrast_is_two_jackknives_with_satterthwaite():
    time, seen, role, clusters = contrast_sample()
    result = restricted_mean_contrast(time, seen, role, horizon=120, clusters=clusters)
    single = [
        restricted_mean(time[r], seen[r], horizon=120, clusters=clusters[r]) for r in (role, ~role)
    ]
    v = [s.standard_error**2 for s in single]
    assert result.difference.estimate == pytest.approx(single[0].estimate - single[1].estimate)
    assert result.difference.standard_error == pytest.approx(math.sqrt(sum(v)))
    assert result.difference.df == pytest.approx(sum(v) ** 2 / (v[0] ** 2 / 4 + v[1] ** 2 / 8))
    assert result.experiment == single[0]
    logs = []
    for r, g in ((role, range(5)), (~role, range(5, 14))):
        full = restricted_mean(time[r], seen[r], horizon=120).estimate
        left = [
            restricted_mean(
                time[r & (clusters != c)], seen[r & (clusters != c)], horizon=120
            ).estimate
            for c in g
        ]
        logs.append((len(left) - 1) / len(left) * (np.log(np.array(left) / full) ** 2).sum())
    assert result.ratio.standard_error == pytest.approx(math.sqrt(sum(logs)))
    assert result.ratio.estimate == pytest.approx(single[0].estimate / single[1].estimate)


def test_contrast_with_mixed_clusters_is_one_jackknife():
    time, seen, _, clusters = contrast_sample()
    role = np.random.default_rng(8).random(len(time)) < 0.5
    result = restricted_mean_contrast(time, seen, role, horizon=100, clusters=clusters)

    def difference(keep):
        return (
            restricted_mean(time[role & keep], seen[role & keep], horizon=100).estimate
            - restricted_mean(time[~role & keep], seen[~role & keep], horizon=100).estimate
        )

    full = difference(np.ones(len(time), dtype=bool))
    left = np.array([difference(clusters != g) for g in range(14)])
    assert result.difference.df == 13
    assert result.difference.standard_error == pytest.approx(
        math.sqrt(13 / 14 * ((left - full) ** 2).sum())
    )


def test_contrast_without_clusters_adds_greenwood():
    time, seen, role, _ = contrast_sample()
    result = restricted_mean_contrast(time, seen, role, horizon=100)
    single = [restricted_mean(time[r], seen[r], horizon=100) for r in (role, ~role)]
    assert result.difference.standard_error == pytest.approx(
        math.hypot(*(s.standard_error for s in single))
    )
    assert result.ratio.standard_error == pytest.approx(
        math.hypot(*(s.standard_error / s.estimate for s in single))
    )
    assert result.difference.df == math.inf
    swapped = restricted_mean_contrast(time, seen, ~role, horizon=100)
    assert swapped.difference.estimate == pytest.approx(-result.difference.estimate)
    assert swapped.ratio.ci_lower == pytest.approx(1 / result.ratio.ci_upper)


def test_scores_sum_to_observed_minus_expected():
    time, seen, role, clusters = contrast_sample()
    for strata in (None, clusters % 3):
        scores = logrank_scores(time, seen, strata=strata)
        test = logrank(time, seen, role, strata=strata)
        assert scores.sum() == pytest.approx(0, abs=1e-9)
        assert scores[role].sum() == pytest.approx(test.observed[1] - test.expected[1])


def test_permutation_lists_every_assignment_of_clusters():
    time, seen, role, clusters = contrast_sample(sizes=(3, 5), effect=1.2)
    found = logrank_permutation(
        time, seen, role, clusters=clusters, draws=0, max_exact=1000, seed=1
    )
    statistics = []
    for members in itertools.combinations(range(8), 3):
        test = logrank(time, seen, np.isin(clusters, members))
        statistics.append(test.observed[1] - test.expected[1])
    observed = logrank(time, seen, role)
    assert found.exact
    assert found.draws == 56
    np.testing.assert_allclose(np.sort(found.distribution), np.sort(statistics), atol=1e-9)
    reached = np.abs(statistics) >= abs(observed.observed[1] - observed.expected[1]) - 1e-9
    assert found.p_value == pytest.approx(reached.mean())
    assert (found.observed, found.expected) == pytest.approx(
        (observed.observed[1], observed.expected[1])
    )


def test_drawn_permutations_agree_with_the_list_and_are_never_zero():
    time, seen, role, clusters = contrast_sample(sizes=(4, 10), effect=1.15)
    shared = {"clusters": clusters, "seed": 4}
    exact = logrank_permutation(time, seen, role, draws=0, max_exact=2000, **shared)
    drawn = logrank_permutation(time, seen, role, draws=20_000, max_exact=10, **shared)
    assert drawn.p_value == pytest.approx(exact.p_value, abs=4 * drawn.p_error)
    assert (exact.p_error, drawn.exact) == (0, False)
    time, seen, role, clusters = contrast_sample(sizes=(10, 12), effect=4, shock=0.05)
    far = logrank_permutation(time, seen, role, clusters=clusters, draws=199, max_exact=10, seed=1)
    assert far.p_value == pytest.approx(1 / 200)


def test_permutation_within_assignment_strata():
    time, seen, role, clusters = contrast_sample(sizes=(4, 8))
    half = clusters % 2
    found = logrank_permutation(
        time,
        seen,
        role,
        clusters=clusters,
        assignment_strata=half,
        draws=0,
        max_exact=1000,
        seed=1,
    )
    assert found.draws == math.comb(6, 2) ** 2
    assert found.distribution.mean() == pytest.approx(0, abs=1e-9)


# Recovery of a known truth


def test_clusters_cover_where_rows_do_not():
    truth, hits = None, np.zeros(2)
    big = np.random.default_rng(0)
    level = np.exp(big.normal(0, 0.3, 400_000))
    raw = [60 * e * level * big.gamma(4, 0.25, 400_000) for e in (1.3, 1.0)]
    truth = np.minimum(raw[0], 120).mean() - np.minimum(raw[1], 120).mean()
    for seed in range(150):
        time, seen, role, clusters = contrast_sample(seed, 1.3, 0.3, (6, 8), 30)
        for i, given in enumerate((clusters, None)):
            found = restricted_mean_contrast(time, seen, role, horizon=120, clusters=given)
            hits[i] += found.difference.ci_lower <= truth <= found.difference.ci_upper
    assert 0.90 <= hits[0] / 150 <= 0.99
    assert hits[1] / 150 < 0.7


def test_cluster_limits_cover_a_survival_fraction():
    hits = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        clusters = np.repeat(np.arange(11), 25)
        level = np.exp(rng.normal(0, 0.3, 11))[clusters]
        time = rng.exponential(level)
        censor = rng.exponential(3, len(time))
        curve = kaplan_meier(np.minimum(time, censor), time <= censor, clusters=clusters)
        point = curve.at(0.7)
        # The average of exp(−0.7/level) over level = exp(N(0, 0.3)).
        hits += point.lower[0] <= 0.4928 <= point.upper[0]
    assert 0.90 <= hits / 150 <= 0.985


# Bad input

OK = ([1.0, 2.0, 3.0, 4.0], [1, 1, 0, 1])


@pytest.mark.parametrize(
    ("durations", "observed", "words"),
    [
        ([], [], "at least one"),
        ([[1.0]], [[1]], "vector"),
        ([1.0, math.nan], [1, 1], "missing or infinite"),
        ([1.0, math.inf], [1, 1], "missing or infinite"),
        ([1.0, -2.0], [1, 1], "negative"),
        ([1.0, 2.0], [1], "one value per duration"),
        ([1.0, 2.0], [1, 2], "true or false"),
        ([1.0, 2.0], [1, math.nan], "true or false"),
    ],
)
def test_bad_times(durations, observed, words):
    calls = [
        lambda: kaplan_meier(durations, observed),
        lambda: restricted_mean(durations, observed, horizon=1),
        lambda: logrank(durations, observed, [0] * len(durations)),
        lambda: common_horizon(durations, observed),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=words):
            call()


def test_bad_curve_calls():
    with pytest.raises(ValueError, match="interval must be"):
        kaplan_meier(*OK, interval="arcsin")
    with pytest.raises(ValueError, match="confidence_level"):
        kaplan_meier(*OK, confidence_level=95)
    with pytest.raises(ValueError, match="at least two clusters"):
        kaplan_meier(*OK, clusters=[1, 1, 1, 1])
    with pytest.raises(ValueError, match="missing labels"):
        kaplan_meier(*OK, clusters=[1, 1, 2, math.nan])
    curve = kaplan_meier(*OK)
    for p in (0, 1.1, math.nan):
        with pytest.raises(ValueError, match="probability"):
            curve.quantile(p)
    for t in (-1, math.nan):
        with pytest.raises(ValueError, match="finite numbers"):
            curve.at(t)


def test_horizons():
    time, seen = [1.0, 2, 5, 1, 2, 9], [1, 1, 0, 1, 1, 1]
    group = ["a"] * 3 + ["b"] * 3
    assert common_horizon(time, seen, group) == 5
    assert common_horizon(time, seen) == 9
    assert common_horizon([1, 2, 3], [1, 1, 0]) == 3
    # Without the cluster that holds the last time, the curve ends earlier.
    assert common_horizon([1, 2, 4, 3], [1, 1, 0, 0], clusters=[1, 2, 2, 1]) == 3
    assert restricted_mean([1, 2, 3], [1, 1, 0], horizon=3).estimate == pytest.approx(2)
    with pytest.raises(ValueError, match=r"largest horizon is 3\.0"):
        restricted_mean([1, 2, 3], [1, 1, 0], horizon=3.5)
    with pytest.raises(ValueError, match=r"experiment group.*largest common horizon is 5\.0"):
        restricted_mean_contrast(time, seen, np.array(group) == "a", horizon=6)
    with pytest.raises(ValueError, match=r"without cluster 2 .* jackknife is 3\.0"):
        restricted_mean([1, 2, 4, 3], [1, 1, 0, 0], horizon=4, clusters=[1, 2, 2, 1])
    for bad in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match="positive number"):
            restricted_mean(*OK, horizon=bad)
    with pytest.raises(ValueError, match="no event by the horizon"):
        restricted_mean([2, 3], [1, 1], horizon=1)


def test_bad_mean_calls():
    with pytest.raises(ValueError, match="needs clusters"):
        restricted_mean(*OK, horizon=2, method="jackknife")
    with pytest.raises(ValueError, match="ignores clusters"):
        restricted_mean(*OK, horizon=2, method="greenwood", clusters=[1, 1, 2, 2])
    with pytest.raises(ValueError, match="method must be"):
        restricted_mean(*OK, horizon=2, method="bootstrap")
    with pytest.raises(ValueError, match="rows of the control"):
        restricted_mean_contrast(*OK, [1, 1, 1, 1], horizon=2)
    with pytest.raises(ValueError, match="single cluster"):
        restricted_mean_contrast(*OK, [1, 0, 0, 0], horizon=1, clusters=[1, 2, 2, 3])
    with pytest.raises(ValueError, match=r"standard error .* is 0"):
        restricted_mean([2.0] * 8, [1] * 8, horizon=3)
    with pytest.raises(ValueError, match=r"standard error .* is 0"):
        restricted_mean([1.0, 2, 1, 2], [1] * 4, horizon=3, clusters=[1, 1, 2, 2])
    with pytest.raises(ValueError, match=r"standard error .* is 0"):
        restricted_mean_contrast([2.0] * 8, [1] * 8, [1, 0] * 4, horizon=3)


def test_bad_logrank_calls():
    with pytest.raises(ValueError, match="at least two groups"):
        logrank(*OK, [1, 1, 1, 1])
    with pytest.raises(ValueError, match="no event"):
        logrank([1.0, 2.0], [0, 0], [0, 1])
    with pytest.raises(ValueError, match="never at risk together"):
        logrank(*OK, [0, 0, 1, 1], strata=[0, 0, 1, 1])
    call = {"draws": 10, "max_exact": 100, "seed": 1}
    with pytest.raises(ValueError, match="cluster 1 has rows of different roles"):
        logrank_permutation(*OK, [1, 0, 0, 0], clusters=[1, 1, 2, 2], **call)
    with pytest.raises(ValueError, match="different assignment strata"):
        logrank_permutation(
            *OK, [1, 1, 0, 0], clusters=[1, 1, 2, 2], assignment_strata=[0, 1, 0, 0], **call
        )
    with pytest.raises(ValueError, match="cannot be reassigned"):
        logrank_permutation(
            *OK, [1, 1, 0, 0], clusters=[1, 1, 2, 2], assignment_strata=[0, 0, 1, 1], **call
        )
    with pytest.raises(ValueError, match="draws must be positive"):
        logrank_permutation(*OK, [1, 1, 0, 0], clusters=[1, 2, 3, 4], draws=0, max_exact=1, seed=1)
