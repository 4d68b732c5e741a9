import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from ballot_eval.estimation.clusters import cluster_design, cluster_ols
from ballot_eval.estimation.durations import (
    mean_contrast,
    mean_interval,
    quantile_contrast,
    quantile_interval,
)
from ballot_eval.estimation.observers import heaping, observer_effects

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "quantile_reference.json").read_text(encoding="utf-8"))


def one_group():
    data = np.genfromtxt(REFERENCE / "quantile_times.csv", delimiter=",", names=True)
    data = data[data["new"] == 0][:180]
    return data["seconds"], data["cluster"]


def simulated(seed=1, clusters=30, size=25, effect=0.25, spread=0.2):
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), size)
    new = cluster < clusters // 2
    shock = spread * rng.normal(size=clusters)[cluster]
    return np.exp(4 + effect * new + shock + 0.5 * rng.normal(size=len(new))), new, cluster


def test_the_mean_is_that_of_r_survey_with_the_jackknife():
    result = mean_interval(*one_group())
    expected = NUMBERS["mean"]
    assert result.estimate == pytest.approx(expected["mean"], rel=1e-12)
    assert result.std_error == pytest.approx(expected["se"], rel=1e-9)
    assert [result.ci_lower, result.ci_upper] == pytest.approx(expected["ci"], rel=1e-9)
    assert result.std_error == pytest.approx(expected["linearised_se"], rel=0.1)


def test_woodruff_limits_are_those_of_r_survey_on_the_logit_scale():
    for reference in NUMBERS["woodruff"]:
        result = quantile_interval(*one_group(), quantile=reference["quantile"], method="woodruff")
        assert result.estimate == reference["value"]
        assert (result.ci_lower, result.ci_upper) == (reference["lower"], reference["upper"])


def test_the_intraclass_correlation_is_that_of_the_analysis_of_variance_in_r():
    y, cluster = one_group()
    effects = observer_effects(np.log(y), cluster, cluster, np.zeros(len(y)), draws=1, seed=1)
    assert effects.f == pytest.approx(NUMBERS["anova"]["f"], rel=1e-10)
    assert effects.share == pytest.approx(NUMBERS["anova"]["icc"], rel=1e-10)


def test_independent_rows_have_no_design_effect():
    rng = np.random.default_rng(2)
    y = np.exp(rng.normal(size=4000))
    cluster = np.repeat(np.arange(200), 20)
    for result in (
        mean_interval(y, cluster),
        quantile_interval(y, cluster, quantile=0.5, method="woodruff"),
    ):
        assert result.design_effect == pytest.approx(1, abs=0.3)
        assert result.intraclass_correlation == pytest.approx(0, abs=0.03)


def test_copies_of_one_value_per_cluster_have_the_size_as_design_effect():
    values = np.random.default_rng(3).lognormal(size=50)
    y, cluster = np.repeat(values, 10), np.repeat(np.arange(50), 10)
    result = mean_interval(y, cluster)
    assert result.intraclass_correlation == pytest.approx(1)
    assert result.design_effect == pytest.approx(10, rel=0.05)
    assert result.std_error == pytest.approx(values.std(ddof=1) / 50**0.5, rel=1e-9)


def test_both_intervals_of_a_quantile_agree():
    y, _, cluster = simulated(effect=0)
    for tau in (0.5, 0.9):
        drawn = quantile_interval(y, cluster, quantile=tau, method="bootstrap", draws=1999, seed=1)
        exact = quantile_interval(y, cluster, quantile=tau, method="woodruff")
        assert drawn.estimate == exact.estimate == np.quantile(y, tau, method="inverted_cdf")
        assert drawn.ci_lower < drawn.estimate < drawn.ci_upper
        assert drawn.std_error == pytest.approx(exact.std_error, rel=0.3)
        assert drawn.design_effect == exact.design_effect > 1


@pytest.mark.parametrize("method", ["woodruff", "bootstrap"])
def test_intervals_of_a_quantile_cover_the_truth(method):
    options = {"draws": 199, "seed": 1} if method == "bootstrap" else {}
    reps = 300
    covered = np.zeros(2)
    truth = [np.exp(4), np.exp(4 + 1.2815515655 * (0.5**2 + 0.2**2) ** 0.5)]
    for rep in range(reps):
        y, _, cluster = simulated(seed=rep, clusters=20, effect=0)
        for i, tau in enumerate((0.5, 0.9)):
            result = quantile_interval(y, cluster, quantile=tau, method=method, **options)
            covered[i] += result.ci_lower <= truth[i] <= result.ci_upper
    # 94 to 95 % in long runs; 300 repetitions have an error of 1.3 points.
    assert (covered / reps > 0.88).all()
    assert (covered / reps < 0.99).all()


def test_heaped_times_keep_the_quantile_inside_the_interval():
    y, _, cluster = simulated(effect=0)
    heaped = 30 * np.maximum(np.round(y / 30), 1)
    for tau in (0.5, 0.9):
        result = quantile_interval(heaped, cluster, quantile=tau, method="woodruff")
        assert result.ci_lower <= result.estimate <= result.ci_upper


def test_the_contrast_of_means_is_cr2_and_the_ratio_its_linearisation():
    y, new, cluster = simulated()
    result = mean_contrast(y, new, cluster)
    design = cluster_design(np.column_stack([new, np.ones(len(y))]), cluster)
    expected = cluster_ols(design, y, method="cr2")[0]
    assert result.difference == pytest.approx(y[new].mean() - y[~new].mean())
    assert result.difference_se == pytest.approx(expected.se)
    assert result.difference_p == pytest.approx(expected.p_value)
    parts = []
    for arm in (new, ~new):  # the arms are independent: the errors of two log means add up
        own = cluster_design(np.ones((int(arm.sum()), 1)), cluster[arm])
        parts.append(cluster_ols(own, y[arm], method="cr2")[0].se / y[arm].mean())
    assert result.log_ratio_se == pytest.approx(np.hypot(*parts), rel=1e-9)
    assert result.ratio == pytest.approx(y[new].mean() / y[~new].mean())
    assert result.ratio_lower < result.ratio < result.ratio_upper


def test_contrasts_find_a_known_ratio():
    y, new, cluster = simulated(clusters=60, size=40)
    truth = np.exp(0.25)
    means = mean_contrast(y, new, cluster)
    medians = quantile_contrast(y, new, cluster, quantile=0.5, draws=499, seed=1)
    for result in (means, medians):
        assert result.ratio_lower < truth < result.ratio_upper
        assert result.ratio == pytest.approx(result.experiment / result.control)
        assert result.difference == pytest.approx(result.experiment - result.control)
        assert 0 < result.ratio_p < 0.05
        assert (result.n_experiment, result.n_control, result.n_clusters) == (1200, 1200, 60)


def observed(seed=4, spread=0.0, stations=12, per_station=2, rows=30):
    rng = np.random.default_rng(seed)
    station = np.repeat(np.arange(stations), per_station * rows)
    observer = station * per_station + np.tile(np.repeat(np.arange(per_station), rows), stations)
    effect = spread * rng.normal(size=stations * per_station)[observer]
    y = 4 + 0.2 * rng.normal(size=stations)[station] + effect + 0.4 * rng.normal(size=len(station))
    return y, observer, station, station < stations // 2


def test_observers_who_differ_are_found():
    result = observer_effects(*observed(spread=0.3), draws=199, seed=1)
    assert result.separable
    assert result.p_value == 1 / 200
    assert result.variance_within_station == pytest.approx(0.09, abs=0.06)
    assert result.variance > result.variance_within_station / 2
    assert 0 < result.share < 1
    assert (result.counts == 30).all()
    assert result.n_shared_stations == 12


def test_the_permutation_test_has_its_size():
    p_values = [
        observer_effects(*observed(seed=s, stations=3, rows=8), draws=59, seed=s).p_value
        for s in range(200)
    ]
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.08)


def test_one_observer_per_station_cannot_be_told_from_the_station():
    result = observer_effects(*observed(per_station=1), draws=19, seed=1)
    assert not result.separable
    assert np.isnan(result.p_value)
    assert np.isnan(result.variance_within_station)
    assert result.n_shared == 0
    assert result.variance > 0  # the spread of the stations


def test_deviations_are_from_the_mean_of_the_group():
    y = np.array([1.0, 3, 5, 7, 11, 13])
    result = observer_effects(
        y, list("aabbcc"), [1, 1, 2, 2, 3, 3], [0, 0, 0, 0, 1, 1], draws=1, seed=1
    )
    assert list(result.labels) == ["a", "b", "c"]
    assert result.deviations == pytest.approx([-2, 2, 0])
    assert result.f == pytest.approx(16 / 2)


def test_heaping_counts_multiples_per_observer():
    seconds = [30, 60, 90, 45, 50, 31, 32, 33, 34, 35]
    rows = {(r.observer, r.multiple): r for r in heaping(seconds, ["W1"] * 5 + ["W2"] * 5)}
    assert [rows["W1", m].count for m in (5, 10, 30)] == [5, 4, 3]
    assert [rows["W2", m].count for m in (5, 10, 30)] == [1, 0, 0]
    assert rows["W1", 5].p_value == pytest.approx(0.2**5)
    assert rows["W1", 30].p_value == pytest.approx(binom.sf(2, 5, 1 / 30))
    assert rows["W2", 10].p_value == 1
    assert rows["W2", 30].expected_share == pytest.approx(1 / 30)


def test_heaping_follows_the_resolution():
    row = heaping([1.5, 10.0, 2.3], ["a"] * 3, multiples=(5,), resolution=0.1)[0]
    assert (row.count, row.expected_share) == (1, pytest.approx(0.02))


def test_bad_input_is_refused():
    y, new, cluster = simulated(clusters=6, size=5)
    with pytest.raises(ValueError, match="positive"):
        mean_interval(np.where(new, y, 0), cluster)
    with pytest.raises(ValueError, match="one cluster"):
        quantile_interval(y, np.zeros(len(y)), quantile=0.5, method="woodruff")
    with pytest.raises(ValueError, match="residuals are zero"):
        mean_interval(np.full(len(y), 60.0), cluster)
    with pytest.raises(ValueError, match="same in every cluster"):
        quantile_interval(y, cluster, quantile=0.999, method="woodruff")
    with pytest.raises(ValueError, match="draws and a seed"):
        quantile_interval(y, cluster, quantile=0.5, method="bootstrap")
    with pytest.raises(ValueError, match="woodruff"):
        quantile_interval(y, cluster, quantile=0.5, method="exact")
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_interval(y, cluster, quantile=0, method="woodruff")
    with pytest.raises(ValueError, match="no control"):
        mean_contrast(y, np.ones(len(y), dtype=bool), cluster)
    with pytest.raises(ValueError, match="True or False"):
        mean_contrast(y, new.astype(int), cluster)
    with pytest.raises(ValueError, match="alone"):
        mean_contrast(y, cluster == 0, cluster)
    with pytest.raises(ValueError, match="two clusters"):
        quantile_contrast(y, cluster == 0, cluster, quantile=0.5, draws=99, seed=1)
    with pytest.raises(ValueError, match="missing labels"):
        mean_interval(y, [None, *cluster[1:]])


def test_bad_input_about_observers_is_refused():
    y, observer, station, group = observed(stations=2, rows=3)
    with pytest.raises(ValueError, match="two"):
        observer_effects(y, np.zeros(len(y)), station, group, draws=9, seed=1)
    with pytest.raises(ValueError, match="finite"):
        observer_effects(np.full(len(y), np.inf), observer, station, group, draws=9, seed=1)
    with pytest.raises(ValueError, match="observer, station and group"):
        observer_effects(y, observer[1:], station, group, draws=9, seed=1)
    with pytest.raises(ValueError, match="resolution"):
        heaping([1.5, 2], ["a", "a"])
    with pytest.raises(ValueError, match="multiples"):
        heaping([1, 2], ["a", "a"], multiples=(2.5,))
    with pytest.raises(ValueError, match="positive"):
        heaping([0, 2], ["a", "a"])
