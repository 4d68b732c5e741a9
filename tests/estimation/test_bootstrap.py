import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.bootstrap import wild_cluster_bootstrap
from ballot_eval.estimation.clusters import cluster_design, cluster_ols

REFERENCE = Path(__file__).parents[1] / "reference"
WEBB = [math.sqrt(v) * s for s in (1, -1) for v in (0.5, 1.0, 1.5)]


def grunfeld(effects=()):
    data = np.genfromtxt(
        REFERENCE / "clusters_grunfeld.csv",
        delimiter=",",
        names=True,
        dtype=None,
        encoding="utf-8",
    )
    x = np.column_stack([data["value"], data["capital"]])
    if not effects:
        x = np.column_stack([x, np.ones(len(x))])
    return cluster_design(x, data["firm"], effects=[data[e] for e in effects]), data["invest"]


# Counts of 2^11 = 2048 draws, strictly greater and at least as great, found with two independent
# implementations; whole numbers, so no tolerance.
@pytest.mark.parametrize(
    ("effects", "column", "strict", "weak"),
    [((), 0, 8, 10), ((), 1, 44, 46), (("firm",), 0, 2, 4), (("firm",), 1, 48, 50)],
)
def test_enumerated_counts_of_grunfeld(effects, column, strict, weak):
    design, y = grunfeld(effects)
    result = wild_cluster_bootstrap(
        design, y, column=column, weights="rademacher", draws=2048, seed=1
    )
    assert (result.strict, result.weak, result.draws) == (strict, weak, 2048)
    assert result.exact
    assert result.p_value == weak / 2048
    assert result.p_error == 0


def panel(seed=0, *, n_clusters=7, experiment=3, effect=0.4):
    """Unbalanced panel with rows missing, a covariate, and clusters in mixed order."""
    rng = np.random.default_rng(seed)
    unit, period = np.repeat(np.arange(n_clusters), 6), np.tile(np.arange(6), n_clusters)
    kept = rng.permutation(len(unit))[: len(unit) - 4]
    unit, period = unit[kept], period[kept]
    exposed = ((unit < experiment) & (period >= 3)).astype(float)
    covariate = rng.normal(size=len(unit))
    y = effect * exposed + rng.normal(size=n_clusters)[unit] + rng.normal(size=len(unit))
    x = np.column_stack([exposed, covariate])
    return x, y, unit, period


def t_statistics(full, y, unit, null, factor):
    """t statistics of the first coefficient for every row of ``y``, by refitting."""
    bread = np.linalg.pinv(full)
    beta = y @ bread.T
    residuals = y - beta @ full.T
    scores = np.stack([(residuals * bread[0])[:, unit == g].sum(axis=1) for g in np.unique(unit)])
    return (beta[:, 0] - null) / np.sqrt(factor * (scores**2).sum(axis=0))


def brute_force(x, y, unit, period, vectors, null, factor, *, restricted=True):
    """Refit every bootstrap sample with explicit dummies; t of the draws and of the data."""
    full = np.column_stack(
        [x, np.equal.outer(unit, np.unique(unit)), np.equal.outer(period, np.unique(period))[:, 1:]]
    ).astype(float)
    beta = np.linalg.pinv(full) @ y
    fitted, centre = full @ beta, beta[0]
    if restricted:
        rest = full[:, 1:]
        fitted = null * full[:, 0] + rest @ (np.linalg.pinv(rest) @ (y - null * full[:, 0]))
        centre = null
    samples = fitted + (y - fitted) * vectors[:, unit]
    return (
        t_statistics(full, samples, unit, centre, factor),
        t_statistics(full, y[None, :], unit, null, factor)[0],
    )


@pytest.mark.parametrize("null", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize(
    ("weights", "values", "n_clusters"), [("rademacher", [1, -1], 7), ("webb", WEBB, 4)]
)
def test_enumeration_is_that_of_refitting_every_sample(
    weights, values, n_clusters, restricted, null
):
    x, y, unit, period = panel(3, n_clusters=n_clusters, experiment=2)
    design = cluster_design(x, unit, effects=[unit, period])
    vectors = np.array(list(itertools.product(values, repeat=n_clusters)), dtype=float)
    result = wild_cluster_bootstrap(
        design,
        y,
        column=0,
        weights=weights,
        draws=len(vectors),
        seed=0,
        null=null,
        restricted=restricted,
    )
    drawn, observed = brute_force(
        x, y, unit, period, vectors, null, design.crv1_factor, restricted=restricted
    )
    assert result.statistic == pytest.approx(observed, rel=1e-9)
    assert np.sort(result.distribution) == pytest.approx(np.sort(drawn), rel=1e-6, abs=1e-9)
    weak = int((np.abs(drawn) >= abs(observed) * (1 - 1e-9)).sum())
    strict = int((np.abs(drawn) > abs(observed) * (1 + 1e-9)).sum())
    assert (result.strict, result.weak, result.draws) == (strict, weak, len(vectors))
    expected = weak / len(vectors) if restricted else (weak + 1) / (len(vectors) + 1)
    assert result.p_value == pytest.approx(expected)


def p_at(design, y, null, **options):
    return wild_cluster_bootstrap(design, y, column=0, null=null, **options).p_value


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("weights", ["rademacher", "webb"])
@pytest.mark.parametrize("draws", [499, 5000])
def test_the_interval_holds_what_the_test_does_not_reject(weights, restricted, draws):
    x, y, unit, period = panel(11, n_clusters=12, experiment=5)
    design = cluster_design(x, unit, effects=[unit, period])
    options = {"weights": weights, "draws": draws, "seed": 4, "restricted": restricted}
    result = wild_cluster_bootstrap(design, y, column=0, **options, confidence_level=0.9)
    assert result.ci_lower < result.estimate < result.ci_upper
    step = 1e-6 * result.se
    for limit, inwards in ((result.ci_lower, step), (result.ci_upper, -step)):
        assert p_at(design, y, limit + inwards, **options) > 0.1
        assert p_at(design, y, limit - inwards, **options) <= 0.1


def test_the_interval_covers_gaps_in_what_is_not_rejected():
    # Above the estimate .310 the p-value falls to .014 and rises again; refitting every one of the
    # 2048 samples gave the same values.
    design, y = grunfeld(("firm",))
    options = {"weights": "rademacher", "draws": 2048, "seed": 0}
    known = {0.36: 528, 0.38: 28, 0.45: 158, 0.55: 224, 0.7: 128, 0.86: 112, 0.88: 96}
    for null, weak in known.items():
        result = wild_cluster_bootstrap(design, y, column=1, null=null, **options)
        assert result.weak == weak
        assert 0.033 < result.ci_lower < 0.034
        assert 0.86 < result.ci_upper < 0.88


def test_the_unrestricted_interval_is_symmetric_bootstrap_t():
    x, y, unit, period = panel(11, n_clusters=12, experiment=5)
    design = cluster_design(x, unit, effects=[unit, period])
    result = wild_cluster_bootstrap(
        design, y, column=0, weights="webb", draws=999, seed=4, restricted=False
    )
    # p > .05 needs (b+1)/1000 > .05, so the 50th largest |t*| is the last not rejected; the
    # tolerance for ties moves the limits by less than 1e-9 standard errors times t.
    critical = np.sort(np.abs(result.distribution))[-50]
    assert result.ci_upper == pytest.approx(result.estimate + critical * result.se, rel=1e-8)
    assert result.ci_lower == pytest.approx(result.estimate - critical * result.se, rel=1e-8)


def test_standard_error_is_that_of_crv1():
    design, y = grunfeld(["firm", "year"])
    result = wild_cluster_bootstrap(design, y, column=1, weights="webb", draws=99, seed=1)
    plain = cluster_ols(design, y, method="crv1")[1]
    assert result.se == pytest.approx(plain.se)
    assert result.estimate == pytest.approx(plain.estimate)


@pytest.mark.parametrize("weights", ["rademacher", "webb"])
def test_draws_agree_with_refitting_in_distribution(weights):
    x, y, unit, period = panel(5, n_clusters=20, experiment=8)
    design = cluster_design(x, unit, effects=[unit, period])
    result = wild_cluster_bootstrap(design, y, column=0, weights=weights, draws=19_999, seed=2)
    assert not result.exact
    assert result.p_value == pytest.approx((result.weak + 1) / 20_000)
    values = np.array([1.0, -1.0] if weights == "rademacher" else WEBB)
    vectors = np.random.default_rng(8).choice(values, size=(20_000, 20))
    drawn, observed = brute_force(x, y, unit, period, vectors, 0.0, design.crv1_factor)
    p = (np.abs(drawn) >= abs(observed)).mean()
    # Two independent Monte-Carlo errors.
    assert abs(result.p_value - p) < 5 * math.sqrt(2) * result.p_error
    ours, theirs = (np.quantile(d, [0.05, 0.25, 0.75, 0.95]) for d in (result.distribution, drawn))
    assert ours == pytest.approx(theirs, abs=0.06)


def test_equal_seeds_give_equal_draws_and_other_seeds_others():
    x, y, unit, period = panel(5, n_clusters=20, experiment=8)
    design = cluster_design(x, unit, effects=[unit, period])
    first, again, other = (
        wild_cluster_bootstrap(design, y, column=0, weights="webb", draws=999, seed=seed)
        for seed in (2, 2, 3)
    )
    assert np.array_equal(first.distribution, again.distribution)
    assert not np.array_equal(first.distribution, other.distribution)


def test_enumeration_ends_where_draws_are_fewer():
    x, y, unit, period = panel(3)
    design = cluster_design(x, unit, effects=[unit, period])
    for draws, exact in ((127, False), (128, True), (9999, True)):
        result = wild_cluster_bootstrap(
            design, y, column=0, weights="rademacher", draws=draws, seed=0
        )
        assert result.exact is exact
        assert result.draws == (128 if exact else draws)


def test_a_drawn_p_value_is_never_zero():
    x, y, unit, period = panel(2, n_clusters=24, experiment=12, effect=50.0)
    design = cluster_design(x, unit, effects=[unit, period])
    result = wild_cluster_bootstrap(design, y, column=0, weights="rademacher", draws=99, seed=0)
    assert result.weak == 0
    assert result.p_value == 0.01


def test_limits_are_infinite_when_nothing_can_be_rejected():
    # Of 2^4 vectors two always tie: p is at least 1/8.
    x, y, unit, period = panel(3, n_clusters=4, experiment=2)
    design = cluster_design(x, unit, effects=[unit, period])
    result = wild_cluster_bootstrap(design, y, column=0, weights="rademacher", draws=16, seed=0)
    assert (result.ci_lower, result.ci_upper) == (-math.inf, math.inf)
    few = wild_cluster_bootstrap(design, y, column=0, weights="rademacher", draws=10, seed=0)
    assert (few.ci_lower, few.ci_upper) == (-math.inf, math.inf)


def test_the_estimate_as_hypothesis_has_p_one():
    x, y, unit, period = panel(3)
    design = cluster_design(x, unit, effects=[unit, period])
    estimate = cluster_ols(design, y, method="crv1")[0].estimate
    assert p_at(design, y, estimate, weights="rademacher", draws=128, seed=0) == 1.0


def test_the_test_keeps_its_level_and_finds_an_effect():
    rng = np.random.default_rng(12)
    unit, period = np.repeat(np.arange(30), 4), np.tile(np.arange(4), 30)
    exposed = ((unit < 12) & (period >= 2)).astype(float)
    design = cluster_design(exposed[:, None], unit, effects=[unit, period])
    rejected = {0.0: 0, 1.5: 0}
    for effect in rejected:
        for seed in range(200):
            drift = rng.normal(size=30)[unit] * (period >= 2)
            y = effect * exposed + drift + rng.normal(size=len(unit))
            p = p_at(design, y, 0.0, weights="rademacher", draws=199, seed=seed)
            rejected[effect] += p <= 0.1
    assert 0.04 < rejected[0.0] / 200 < 0.17
    assert rejected[1.5] / 200 > 0.8


# Bad input


def call(design, y, **changes):
    options = {"column": 0, "weights": "rademacher", "draws": 99, "seed": 0} | changes
    return wild_cluster_bootstrap(design, y, **options)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"column": 2}, "there is no column 2"),
        ({"column": -1}, "there is no column -1"),
        ({"weights": "mammen"}, "unknown weights"),
        ({"draws": 0}, "draws must be at least 1"),
        ({"null": math.nan}, "null must be finite"),
        ({"confidence_level": 1.0}, "confidence_level"),
    ],
)
def test_a_wrong_call_is_refused(changes, match):
    x, y, unit, period = panel(3)
    design = cluster_design(x, unit, effects=[unit, period])
    with pytest.raises(ValueError, match=match):
        call(design, y, **changes)


def test_outcomes_that_cannot_be_used_are_refused():
    x, y, unit, period = panel(3)
    design = cluster_design(x, unit, effects=[unit, period])
    with pytest.raises(ValueError, match="all residuals are zero"):
        call(design, x[:, 0] + unit)
    y[0] = np.nan
    with pytest.raises(ValueError, match="missing or infinite"):
        call(design, y)


def test_scores_that_are_all_zero_are_refused():
    design = cluster_design(np.ones((12, 1)), np.repeat(np.arange(6), 2))
    with pytest.raises(ValueError, match="standard error is zero"):
        call(design, np.tile([1.0, -1.0], 6))


def test_one_experiment_cluster_is_refused():
    x, y, unit, period = panel(3, experiment=1)
    design = cluster_design(x, unit, effects=[unit, period])
    with pytest.raises(ValueError, match="rests on cluster 0 alone"):
        call(design, y)
