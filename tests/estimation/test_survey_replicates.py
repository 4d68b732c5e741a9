import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.survey.calibration import poststratify, rake
from ballot_eval.estimation.survey.design import covariance, survey_design
from ballot_eval.estimation.survey.replicate_raking import rake_replicates
from ballot_eval.estimation.survey.replicates import (
    jackknife_weights,
    rao_wu_weights,
    replicate_covariance,
    replicate_estimate,
)

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "survey_calibration_reference.json").read_text(encoding="utf-8"))
TOTALS = NUMBERS["totals"]
TIGHT = 1e-9


def sample(name):
    path = REFERENCE / f"survey_api{name}.csv"
    return np.genfromtxt(path, delimiter=",", names=True, dtype=None, encoding="utf-8")


CLUS, STRAT = sample("clus1"), sample("strat")
MARGINS = [(CLUS["stype"], TOTALS["stype"]), (CLUS["schwide"], TOTALS["sch.wide"])]
STRAT_MARGINS = [(STRAT["schwide"], TOTALS["sch.wide"]), (STRAT["awards"], TOTALS["awards"])]


def clus_design(*, fpc=False):
    population = CLUS["fpc"] if fpc else None
    return survey_design(CLUS["pw"], clusters=CLUS["dnum"], population=population)


def strat_design(*, fpc=True):
    population = STRAT["fpc"] if fpc else None
    return survey_design(STRAT["pw"], strata=STRAT["stype"], population=population)


def estimates(replicates, data):
    y = data["api00"].astype(float)

    def spread(w):
        mean = w @ y / w.sum()
        return np.sqrt(w @ (y - mean) ** 2 / w.sum())

    return {
        "mean": replicate_estimate(replicates, "mean", y),
        "total": replicate_estimate(replicates, "total", data["enroll"]),
        "ratio": replicate_estimate(
            replicates, "ratio", data["apistu"], denominator=data["enroll"]
        ),
        "domain": replicate_estimate(replicates, "mean", y, domain=data["schwide"] == "Yes"),
        "spread": replicate_estimate(replicates, spread),
    }


CASES = {
    "jk1": lambda: (jackknife_weights(clus_design()), CLUS),
    "jk1_fpc": lambda: (jackknife_weights(clus_design(fpc=True)), CLUS),
    "jk1_mse": lambda: (jackknife_weights(clus_design(), mse=True), CLUS),
    "jkn": lambda: (jackknife_weights(strat_design()), STRAT),
    "jk1_poststratified": lambda: (
        rake_replicates(jackknife_weights(clus_design()), MARGINS[:1]),
        CLUS,
    ),
    "jk1_raked": lambda: (rake_replicates(jackknife_weights(clus_design()), MARGINS), CLUS),
    "jkn_raked": lambda: (
        rake_replicates(jackknife_weights(strat_design()), STRAT_MARGINS),
        STRAT,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_estimates_and_errors_are_those_of_r(name):
    replicates, data = CASES[name]()
    for key, found in estimates(replicates, data).items():
        expected = NUMBERS[name][key]
        assert found.estimate == pytest.approx(expected["estimate"], rel=TIGHT), key
        assert found.standard_error == pytest.approx(expected["se"], rel=TIGHT), key
        assert found.df == (14 if data is CLUS else 197)


def test_jackknife_of_a_total_is_the_linear_variance():
    for design, data in ((clus_design(fpc=True), CLUS), (strat_design(), STRAT)):
        y = np.column_stack([data["api00"], data["enroll"]]).astype(float)
        found = replicate_estimate(jackknife_weights(design), "total", y)
        assert found.covariance == pytest.approx(covariance(design, y), rel=1e-9)


def made_up(seed=5, n=600, clusters=60, strata=6):
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.arange(n) % clusters)
    design = survey_design(
        rng.uniform(20, 60, n), strata=cluster * strata // clusters, clusters=cluster
    )
    labels = [rng.integers(0, k, n) for k in (2, 4, 5)]
    margins = []
    for codes in labels:
        totals = np.bincount(codes, weights=design.weights * rng.uniform(0.6, 1.5, n))
        margins.append((codes, dict(enumerate(25_000 * totals / totals.sum()))))
    return design, margins, rng.normal(50 + labels[0] * 5, 10, n)


@pytest.mark.parametrize("kind", ["jackknife", "bootstrap"])
def test_raking_at_once_is_raking_each_replicate(kind):
    design, margins, _ = made_up()
    plain = (
        jackknife_weights(design)
        if kind == "jackknife"
        else rao_wu_weights(design, draws=60, seed=1)
    )
    fast = rake_replicates(plain, margins, tolerance=1e-13).replicate_weights()
    for row, weights in enumerate(plain.replicate_weights()):
        used = weights > 0
        alone = survey_design(weights[used])
        chosen = [(codes[used], totals) for codes, totals in margins]
        slow = rake(alone, chosen, tolerance=1e-13).design.weights
        assert fast[row, used] == pytest.approx(slow, rel=1e-10)
        assert (fast[row, ~used] == 0).all()


def test_whole_sample_is_raked_as_well():
    design, margins, _ = made_up()
    raked = rake_replicates(rao_wu_weights(design, draws=20, seed=1), margins)
    assert raked.weights == pytest.approx(rake(design, margins).design.weights, rel=1e-9)


def test_fast_totals_are_those_of_the_weights():
    design, margins, y = made_up()
    raked = rake_replicates(rao_wu_weights(design, draws=30, seed=2), margins)
    values = np.column_stack([y, np.ones(len(y))])
    expected = raked.replicate_weights() @ values
    assert raked.totals(values) == pytest.approx(expected, rel=1e-11)
    fast = replicate_estimate(raked, "mean", y)
    slow = replicate_estimate(raked, lambda w: w @ y / w.sum())
    assert fast.covariance == pytest.approx(slow.covariance, rel=1e-9)


@pytest.mark.parametrize("fpc", [True, False])
def test_bootstrap_has_the_linear_variance(fpc):
    # The bootstrap variance of a total is that of linearisation, but for its Monte-Carlo error.
    draws = 20_000
    design = strat_design(fpc=fpc)
    y = STRAT["api00"].astype(float)
    replicates = rao_wu_weights(design, draws=draws, seed=7)
    found = replicate_estimate(replicates, "total", np.column_stack([y, np.ones(len(y))]))
    expected = covariance(design, y[:, None])[0, 0]
    assert found.covariance[0, 0] == pytest.approx(expected, rel=4 * np.sqrt(2 / draws))
    # Every replicate represents as many people: a stratum keeps its weights in total.
    assert found.covariance[1, 1] < 1e-15 * found.estimate[1] ** 2


def test_bootstrap_draws_one_cluster_fewer_in_each_stratum():
    design = strat_design(fpc=False)
    multipliers = rao_wu_weights(design, draws=50, seed=4).multipliers
    for stratum in range(3):
        chosen = multipliers[:, design.cluster_strata == stratum]
        size = chosen.shape[1]
        times = chosen * (size - 1) / size
        assert times == pytest.approx(np.round(times), abs=1e-12)
        assert times.sum(axis=1) == pytest.approx(size - 1)


def test_bootstrap_of_a_mean_over_clusters():
    # A ratio of totals with 60 clusters: the linear variance is right to a few per cent.
    design, _, y = made_up()
    w = design.weights
    score = (y - w @ y / w.sum()) / w.sum()
    expected = covariance(design, score[:, None])[0, 0]
    found = replicate_estimate(rao_wu_weights(design, draws=20_000, seed=3), "mean", y)
    assert found.covariance[0, 0] == pytest.approx(expected, rel=0.06)


def test_raked_bootstrap_agrees_with_the_residual_variance():
    design, margins, y = made_up(n=3000, clusters=300)
    calibrated = rake(design, margins).design
    w = calibrated.weights
    score = (y - w @ y / w.sum()) / w.sum()
    expected = covariance(calibrated, score[:, None])[0, 0]
    plain = covariance(design, score[:, None])[0, 0]
    raked = rake_replicates(rao_wu_weights(design, draws=4_000, seed=3), margins)
    found = replicate_estimate(raked, "mean", y).covariance[0, 0]
    assert found == pytest.approx(expected, rel=0.1)
    assert found < 0.97 * plain


def test_raked_totals_do_not_vary():
    design, margins, _ = made_up()
    raked = rake_replicates(rao_wu_weights(design, draws=50, seed=1), margins)
    codes, totals = margins[1]
    found = replicate_estimate(raked, "total", (codes == 2).astype(float))
    assert found.estimate == pytest.approx([totals[2]])
    assert found.standard_error[0] < 1e-8 * totals[2]


def test_seed_decides():
    first, again, other = (
        rao_wu_weights(clus_design(), draws=5, seed=s).multipliers for s in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_stratum_drawn_completely_adds_nothing():
    strata = np.array(["all", "some", "some", "some"])
    design = survey_design(np.ones(4), strata=strata, population=[1, 9, 9, 9], lonely="centre")
    y = np.array([50.0, 1, 2, 4])
    expected = covariance(survey_design(np.ones(3), population=[9, 9, 9]), y[1:, None])
    found = replicate_estimate(jackknife_weights(design), "total", y)
    assert found.covariance == pytest.approx(expected)
    assert (rao_wu_weights(design, draws=9, seed=1).multipliers[:, 0] == 1).all()


def rare():
    """A sample in which one group lives in one cluster of ten."""
    cluster = np.repeat(np.arange(10), 5)
    group = np.where(cluster == 0, "rare", "common")
    margins = [(group, {"rare": 60.0, "common": 440.0})]
    return survey_design(np.full(50, 10.0), clusters=cluster), margins


def test_replicates_that_cannot_be_raked_are_named():
    design, margins = rare()
    with pytest.raises(ValueError, match=r"nobody in 1 replicate: 0; .*jackknife needs all"):
        rake_replicates(jackknife_weights(design), margins, exclude_failed=True)
    plain = rao_wu_weights(design, draws=40, seed=1)
    bare = np.flatnonzero(plain.multipliers[:, 0] == 0)
    with pytest.raises(ValueError, match=f"nobody in {len(bare)} replicates: {bare[0]}, "):
        rake_replicates(plain, margins)
    kept = rake_replicates(plain, margins, exclude_failed=True)
    assert kept.failed == tuple(bare)
    assert kept.n_replicates == 40 - len(bare)
    assert kept.scale == 1 / (kept.n_replicates - 1)
    rows = np.setdiff1d(np.arange(40), bare)
    assert (kept.multipliers == plain.multipliers[rows]).all()


def test_replicates_that_do_not_converge_are_named():
    design, margins, _ = made_up()
    plain = rao_wu_weights(design, draws=10, seed=1)
    whole = rake(design, margins).iterations
    slow = [
        row
        for row, weights in enumerate(plain.replicate_weights())
        if rake(
            survey_design(weights[weights > 0]),
            [(codes[weights > 0], totals) for codes, totals in margins],
        ).iterations
        > whole
    ]
    assert slow
    with pytest.raises(
        ValueError, match=f"did not converge in {len(slow)} replicates: {slow[0]}.*% off"
    ):
        rake_replicates(plain, margins, max_iterations=whole)


def test_calibrated_designs_and_replicates_are_refused():
    calibrated = poststratify(clus_design(), *MARGINS[0]).design
    for make in (
        lambda: jackknife_weights(calibrated),
        lambda: rao_wu_weights(calibrated, draws=10, seed=1),
    ):
        with pytest.raises(ValueError, match="before calibration"):
            make()
    raked = rake_replicates(jackknife_weights(clus_design()), MARGINS)
    with pytest.raises(ValueError, match="calibrated already"):
        rake_replicates(raked, MARGINS)


def test_lonely_strata_are_refused():
    design = survey_design(np.ones(3), strata=[1, 2, 2], lonely="centre")
    with pytest.raises(ValueError, match="1 strata hold one cluster"):
        jackknife_weights(design)
    with pytest.raises(ValueError, match="1 strata hold one cluster"):
        rao_wu_weights(design, draws=10, seed=1)


def test_bad_input():
    design, replicates = clus_design(), jackknife_weights(clus_design())
    y = CLUS["api00"].astype(float)
    n = len(y)
    with pytest.raises(ValueError, match="two draws"):
        rao_wu_weights(design, draws=1, seed=1)
    with pytest.raises(ValueError, match="tolerance"):
        rake_replicates(replicates, MARGINS, tolerance=2)
    with pytest.raises(ValueError, match=r"whole sample is .* off"):
        rake_replicates(replicates, MARGINS, max_iterations=1)
    with pytest.raises(ValueError, match="mean, total, ratio"):
        replicate_estimate(replicates, "median", y)
    with pytest.raises(ValueError, match="denominator"):
        replicate_estimate(replicates, "ratio", y)
    with pytest.raises(ValueError, match="denominator"):
        replicate_estimate(replicates, "mean", y, denominator=y)
    with pytest.raises(ValueError, match="values must be"):
        replicate_estimate(replicates, "mean", y[1:])
    with pytest.raises(ValueError, match="values must be"):
        replicate_estimate(replicates, "mean")
    with pytest.raises(ValueError, match="finite"):
        replicate_estimate(replicates, "mean", np.where(y > 900, np.nan, y + 300))
    with pytest.raises(ValueError, match="empty"):
        replicate_estimate(replicates, "mean", y, domain=np.zeros(n, dtype=bool))
    with pytest.raises(ValueError, match="true or false"):
        replicate_estimate(replicates, "mean", y, domain=np.ones(n))
    with pytest.raises(ValueError, match="takes no values"):
        replicate_estimate(replicates, np.sum, y)
    only = CLUS["dnum"] == CLUS["dnum"][0]
    with pytest.raises(ValueError, match="not defined in 1 replicate: 11"):
        replicate_estimate(replicates, "mean", y, domain=only)
    with pytest.raises(ValueError, match="not defined in the whole sample"):
        replicate_estimate(replicates, "ratio", y, denominator=np.zeros(n))
    with pytest.raises(ValueError, match="estimates must be"):
        replicate_covariance(replicates, np.zeros((3, 1)), [0.0])


def test_missing_values_outside_the_domain_do_not_matter():
    replicates = jackknife_weights(clus_design())
    y, inside = CLUS["api00"].astype(float), CLUS["schwide"] == "Yes"
    found = replicate_estimate(replicates, "mean", np.where(inside, y, np.nan), domain=inside)
    expected = NUMBERS["jk1"]["domain"]
    assert found.standard_error == pytest.approx([expected["se"]], rel=TIGHT)
    assert found.n == inside.sum()


def test_mse_is_around_the_whole_sample():
    design, _, y = made_up()
    centred = rao_wu_weights(design, draws=50, seed=1)
    around = replace(centred, mse=True)
    full = replicate_estimate(centred, "mean", y)
    replicated = centred.totals(np.column_stack([y, np.ones(len(y))]))
    bias = (replicated[:, 0] / replicated[:, 1]).mean() - full.estimate[0]
    difference = replicate_estimate(around, "mean", y).covariance - full.covariance
    assert difference[0, 0] == pytest.approx(50 / 49 * bias**2, rel=1e-6)
