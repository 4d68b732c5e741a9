"""Mixed models against lme4, lmerTest and pbkrtest, statsmodels, dense algebra and known truths."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import ttest_ind

from ballot_eval.estimation.mixed import log_linear_ratio, mixed_model
from ballot_eval.estimation.mixed_fit import deviances, minimise, profile_at
from ballot_eval.estimation.mixed_sums import all_forms, group_sums, read_groups

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "mixed_reference.json").read_text(encoding="utf-8"))
CASES = [name for name in NUMBERS if name != "versions"]

# lme4 searches without derivatives: its deviance is exact to 1e-12, so what depends on the place
# of the minimum to the root of that, 1e-6. (Ours gives the 1764.05 of Dyestuff to 1e-12.)
COEFFICIENTS = {"rel": 1e-7, "abs": 1e-9}
VARIANCES = {"rel": 1e-6, "abs": 1e-9}


def read_csv(name):
    return np.genfromtxt(
        REFERENCE / f"mixed_{name}.csv", delimiter=",", names=True, dtype=None, encoding="utf-8"
    )


def dummies(labels):
    return np.column_stack([labels == label for label in np.unique(labels)[1:]]).astype(float)


def case(name):
    data = read_csv("times" if name.startswith(("times", "even")) else name)
    one = np.ones(len(data))
    match name:
        case "sleepstudy":
            return data["Reaction"], np.column_stack([one, data["Days"]]), data["Subject"]
        case "dyestuff" | "dyestuff2":
            return data["Yield"], one[:, None], data["Batch"]
        case "pastes":
            return data["strength"], one[:, None], (data["batch"], data["sample"])
        case "ergostool":
            return data["effort"], np.column_stack([one, dummies(data["type"])]), data["subject"]
        case "cake":
            x = np.column_stack([one, data["temp"], dummies(data["recipe"])])
            return data["angle"], x, data["mix"]
    outcome = np.log(data["even" if name.startswith("even") else "seconds"])
    groups = {
        "station": data["station"],
        "municipality": data["municipality"],
        "nested": (data["municipality"], data["station"]),
    }[name.split("_")[1]]
    return outcome, np.column_stack([one, data["experiment"], data["assisted"]]), groups


def level_order(name):
    """Names of the levels in the reference, outer first."""
    return {
        "sleepstudy": ["Subject"],
        "dyestuff": ["Batch"],
        "dyestuff2": ["Batch"],
        "pastes": ["batch", "sample"],
        "ergostool": ["subject"],
        "cake": ["mix"],
        "times_station": ["station"],
        "times_municipality": ["municipality"],
    }.get(name, ["municipality", "station"])


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_lme4_and_lmertest(name, method):
    expected = NUMBERS[name][method]
    found = mixed_model(*case(name), method=method)
    variance = dict(zip(expected["levels"], expected["variance"], strict=True))
    levels = level_order(name)
    assert found.coefficients == pytest.approx(np.ravel(expected["estimate"]), **COEFFICIENTS)
    assert found.se == pytest.approx(np.ravel(expected["se"]), rel=1e-6)
    assert found.df == pytest.approx(np.ravel(expected["df"]), rel=1e-6)
    # A p-value of 1e-27 has ten times the relative error of its t-value.
    assert found.p_values == pytest.approx(np.ravel(expected["p"]), rel=2e-5)
    assert found.group_variances == pytest.approx([variance[k] for k in levels], **VARIANCES)
    assert found.residual_variance == pytest.approx(variance["Residual"], rel=1e-6)
    assert found.log_likelihood == pytest.approx(expected["log_likelihood"], abs=1e-8)
    assert found.singular == expected["singular"]
    assert found.fitted[:5] == pytest.approx(expected["fitted_head"], rel=1e-7)
    for level, labels, values in zip(
        levels, found.group_labels, found.random_intercepts, strict=True
    ):
        reference = expected["intercepts"][level]
        by_label = dict(zip(reference["label"], reference["value"], strict=True))
        wanted = [by_label[str(label)] for label in labels]
        assert values == pytest.approx(wanted, rel=1e-5, abs=1e-6 * found.residual_variance**0.5)


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_pbkrtest(name):
    expected = NUMBERS[name]["reml"]
    found = mixed_model(*case(name), degrees_of_freedom="kenward_roger")
    assert found.se == pytest.approx(np.ravel(expected["kr_se"]), rel=1e-6)
    assert found.df == pytest.approx(np.ravel(expected["kr_df"]), rel=1e-6)


def test_balanced_groups_give_the_analysis_of_variance():
    y, x, batch = case("dyestuff")
    found = mixed_model(y, x, batch)
    table = np.array([y[batch == b] for b in np.unique(batch)])
    within = table.var(axis=1, ddof=1).mean()
    between = table.shape[1] * table.mean(axis=1).var(ddof=1)
    assert found.residual_variance == pytest.approx(within, rel=1e-11)
    assert found.group_variances[0] == pytest.approx((between - within) / 5, rel=1e-11)
    assert found.group_variances[0] == pytest.approx(1764.05, rel=1e-11)
    assert found.df[0] == pytest.approx(5, rel=1e-9)


def made_up(seed, *, nested, sd=(0.7, 0.5), n_outer=6):
    """Unbalanced rows in shuffled order: y, x, groups, dense Z Z' per level."""
    rng = np.random.default_rng(seed)
    held = rng.integers(1, 5, n_outer)
    held[0] = 3
    outer_of = np.repeat(np.arange(n_outer), held)
    inner = rng.permutation(np.repeat(np.arange(len(outer_of)), rng.integers(1, 7, len(outer_of))))
    outer = outer_of[inner]
    n = len(inner)
    x = np.column_stack([np.ones(n), outer < n_outer // 2, rng.standard_normal(n)])
    y = x @ [10.0, -0.4, 0.3] + rng.standard_normal(n)
    y += sd[0] * rng.standard_normal(n_outer)[outer]
    y += sd[1] * rng.standard_normal(len(outer_of))[inner]
    same = [np.equal.outer(c, c).astype(float) for c in (outer, inner)]
    names = np.array([f"S{k:02d}" for k in range(len(outer_of))])[inner]
    return (y, x, (outer, names), same) if nested else (y, x, names, same[1:])


def dense_deviance(y, x, same, tau, *, reml):
    n, p = x.shape
    h = np.eye(n) + sum(t * g for t, g in zip(tau, same, strict=True))
    inverse = np.linalg.inv(h)
    gram = x.T @ inverse @ x
    r = y - x @ np.linalg.solve(gram, x.T @ inverse @ y)
    freedom = n - p if reml else n
    value = np.linalg.slogdet(h)[1] + freedom * (
        1 + math.log(2 * math.pi * (r @ inverse @ r) / freedom)
    )
    return value + np.linalg.slogdet(gram)[1] if reml else value


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_forms_equal_dense_algebra(seed, nested):
    y, x, groups, same = made_up(seed, nested=nested)
    rows = np.column_stack([x, y])
    sums = group_sums(rows, read_groups(groups, len(y)))
    tau = np.random.default_rng(seed + 50).exponential(size=len(same))
    inverse = np.linalg.inv(np.eye(len(y)) + np.tensordot(tau, same, axes=1))
    forms = all_forms(sums, tau)
    half = inverse @ rows
    assert forms.base == pytest.approx(rows.T @ half, rel=1e-11)
    assert forms.log_determinant == pytest.approx(-np.linalg.slogdet(inverse)[1], rel=1e-11)
    for g, first in enumerate(same):
        assert forms.first[g] == pytest.approx(half.T @ first @ half, rel=1e-10)
        assert forms.trace[g] == pytest.approx(np.trace(inverse @ first))
        for h, second in enumerate(same):
            dense = half.T @ first @ inverse @ second @ half
            assert forms.second[g, h] == pytest.approx(dense, rel=1e-9)
            both = np.trace(inverse @ first @ inverse @ second)
            assert forms.trace_product[g, h] == pytest.approx(both)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("nested", [False, True])
def test_likelihood_and_its_derivatives_equal_brute_force(nested, reml):
    y, x, groups, same = made_up(11, nested=nested)
    sums = group_sums(np.column_stack([x, y]), read_groups(groups, len(y)))
    rng = np.random.default_rng(5)
    for tau in rng.exponential(size=(5, len(same))):
        here = profile_at(sums, tau, reml=reml)
        dense = dense_deviance(y, x, same, tau, reml=reml)
        assert here.deviance == pytest.approx(dense, rel=1e-12)
        assert deviances(sums, tau[None], reml=reml)[0] == pytest.approx(dense, rel=1e-12)
        step = 1e-5 * np.eye(len(tau))
        slope = [
            (
                dense_deviance(y, x, same, tau + e, reml=reml)
                - dense_deviance(y, x, same, tau - e, reml=reml)
            )
            / 2e-5
            for e in step
        ]
        bend = [
            (
                profile_at(sums, tau + e, reml=reml).gradient
                - profile_at(sums, tau - e, reml=reml).gradient
            )
            / 2e-5
            for e in step
        ]
        assert here.gradient == pytest.approx(np.array(slope), rel=1e-5, abs=1e-6)
        assert here.hessian == pytest.approx(np.array(bend), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("reml", [True, False])
def test_no_point_is_better_than_the_minimum(nested, reml):
    sds = [(0.0, 0.0), (0.7, 0.5), (0.0, 3.0), (5.0, 0.0), (0.1, 40.0)]
    for seed, sd in enumerate(sds * 4):
        y, x, groups, _ = made_up(seed, nested=nested, sd=sd)
        sums = group_sums(np.column_stack([x, y]), read_groups(groups, len(y)))
        tau, here = minimise(sums, reml=reml)
        rng = np.random.default_rng(seed)
        near = tau * np.exp(0.1 * rng.standard_normal((200, len(tau))))
        far = np.exp(rng.uniform(-9, 9, (400, len(tau)))) * rng.integers(0, 2, (400, len(tau)))
        others = deviances(sums, np.vstack([near, far]), reml=reml)
        assert here.deviance <= others.min() + 1e-9
        # At the minimum the slope is 0, or points out of the allowed range.
        scale = np.sqrt(np.diag(here.expected_hessian))
        assert np.abs(here.gradient[tau > 0] / scale[tau > 0]).max(initial=0) < 1e-6
        assert (here.gradient[tau == 0] >= 0).all()


def test_predictions_equal_dense_algebra():
    y, x, groups, same = made_up(3, nested=True)
    found = mixed_model(y, x, groups)
    tau = found.theta**2
    h = np.eye(len(y)) + np.tensordot(tau, same, axes=1)
    score = np.linalg.solve(h, y - x @ found.coefficients)
    for t, labels, values, codes in zip(
        tau, found.group_labels, found.random_intercepts, groups, strict=True
    ):
        dense = [t * score[np.asarray(codes) == label].sum() for label in labels]
        assert values == pytest.approx(dense, rel=1e-9, abs=1e-12)
    assert found.fitted + found.residuals == pytest.approx(y)
    assert found.residuals == pytest.approx(score, abs=1e-9)
    total = found.residual_variance + found.group_variances.sum()
    shares = np.cumsum(found.group_variances) / total
    assert found.intraclass_correlations == pytest.approx(shares)


@pytest.mark.parametrize("method", ["reml", "ml"])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_statsmodels(seed, method):
    y, x, groups, _ = made_up(seed, nested=False, n_outer=12)
    model = sm.MixedLM(y, x, groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = model.fit(reml=method == "reml", method="bfgs", gtol=1e-9)
    found = mixed_model(y, x, groups, method=method)
    assert found.log_likelihood == pytest.approx(peer.llf, abs=1e-6)
    assert found.coefficients == pytest.approx(peer.fe_params, rel=1e-4)
    assert found.group_variances[0] == pytest.approx(float(peer.cov_re[0, 0]), rel=2e-3)
    assert found.residual_variance == pytest.approx(peer.scale, rel=2e-3)


def test_agrees_with_statsmodels_nested():
    y, x, (outer, inner), _ = made_up(7, nested=True, n_outer=12)
    frame = pd.DataFrame({"y": y, "role": x[:, 1], "z": x[:, 2], "outer": outer, "inner": inner})
    model = sm.MixedLM.from_formula(
        "y ~ role + z", frame, groups="outer", re_formula="1", vc_formula={"inner": "0 + C(inner)"}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = model.fit(method="bfgs", gtol=1e-9)
    found = mixed_model(y, x, (outer, inner))
    assert not found.singular
    assert found.log_likelihood == pytest.approx(peer.llf, abs=1e-5)
    assert found.coefficients == pytest.approx(np.asarray(peer.fe_params), rel=1e-3)
    variances = [float(peer.cov_re.iloc[0, 0]), float(peer.vcomp[0])]
    assert found.group_variances == pytest.approx(variances, rel=1e-2)


@pytest.mark.parametrize("freedom", ["satterthwaite", "kenward_roger"])
@pytest.mark.parametrize("groups_per_arm", [2, 3, 6])
def test_an_effect_between_balanced_groups_is_the_t_test_of_their_means(groups_per_arm, freedom):
    rng = np.random.default_rng(groups_per_arm)
    count = 2 * groups_per_arm
    group = np.repeat(np.arange(count), 25)
    role = group < groups_per_arm
    y = rng.standard_normal(len(group)) + 1.5 * rng.standard_normal(count)[group]
    found = mixed_model(
        y, np.column_stack([np.ones(len(y)), role]), group, degrees_of_freedom=freedom
    )
    means = y.reshape(count, 25).mean(axis=1)
    test = ttest_ind(means[:groups_per_arm], means[groups_per_arm:])
    assert found.df[1] == pytest.approx(count - 2, rel=1e-7)
    assert found.p_values[1] == pytest.approx(test.pvalue, rel=1e-7)
    limits = test.confidence_interval()
    assert (found.ci_lower[1], found.ci_upper[1]) == pytest.approx(limits, rel=1e-6)


def test_degrees_of_freedom_count_groups_when_these_are_unequal():
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(20), rng.integers(30, 121, 20))
    role = group < 10
    y = rng.standard_normal(len(group)) + 0.5 * rng.standard_normal(20)[group]
    found = mixed_model(y, np.column_stack([np.ones(len(y)), role]), group)
    assert found.df[1] == pytest.approx(18, abs=1.0)
    # Stations within municipalities: the municipalities count.
    station = 100 * group + rng.integers(0, 4, len(group))
    nested = mixed_model(y, np.column_stack([np.ones(len(y)), role]), (group, station))
    assert nested.df[1] == pytest.approx(18, abs=1.5)


def test_kenward_roger_still_counts_groups_when_their_variance_is_zero():
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(10), 30)
    y = rng.standard_normal(300)
    y -= np.bincount(group, weights=y)[group] / 30 * 0.9
    x = np.column_stack([np.ones(300), group < 5])
    plain = mixed_model(y, x, group)
    adjusted = mixed_model(y, x, group, degrees_of_freedom="kenward_roger")
    assert plain.singular
    assert plain.df[1] == pytest.approx(298)
    assert adjusted.df[1] == pytest.approx(8, rel=1e-9)
    assert (adjusted.random_intercepts[0] == 0).all()


def test_nesting_without_municipal_variance_changes_nothing():
    y, x, groups = case("even_nested")
    nested, single = mixed_model(y, x, groups), mixed_model(y, x, groups[1])
    assert nested.theta[0] == 0
    assert nested.coefficients == pytest.approx(single.coefficients, rel=1e-9)
    assert nested.se == pytest.approx(single.se, rel=1e-9)
    assert nested.log_likelihood == pytest.approx(single.log_likelihood, abs=1e-9)


@pytest.mark.parametrize("freedom", ["satterthwaite", "kenward_roger"])
def test_units_and_order_of_rows_do_not_matter(freedom):
    y, x, (outer, inner), _ = made_up(9, nested=True)
    found = mixed_model(y, x, (outer, inner), degrees_of_freedom=freedom)
    order = np.random.default_rng(0).permutation(len(y))
    unit = np.array([1.0, 1.0, 1e-5])
    other = mixed_model(
        1e6 * y[order] + 3e7,
        x[order] / unit,
        (outer[order], inner[order]),
        degrees_of_freedom=freedom,
    )
    assert other.coefficients[1:] == pytest.approx(1e6 * (found.coefficients * unit)[1:], rel=1e-7)
    assert other.se == pytest.approx(1e6 * found.se * unit, rel=1e-6)
    assert other.df == pytest.approx(found.df, rel=1e-6)
    assert other.theta == pytest.approx(found.theta, rel=1e-6)


@pytest.mark.parametrize("spread", [1e-3, 1e4])
def test_extreme_variances_are_found(spread):
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(200), 5)
    y = spread * rng.standard_normal(200)[group] + rng.standard_normal(1000)
    found = mixed_model(y, np.ones((1000, 1)), group)
    table = y.reshape(200, 5)
    within = table.var(axis=1, ddof=1).mean()
    between = 5 * table.mean(axis=1).var(ddof=1)
    # Balanced: known exactly, also when it is 0.
    assert found.group_variances[0] == pytest.approx(max(between - within, 0) / 5, rel=1e-6)
    assert found.singular == (between <= within)


def test_known_variances_and_effect_are_recovered():
    found = []
    for seed in range(60):
        y, x, groups, _ = made_up(seed, nested=True, n_outer=30)
        fit = mixed_model(y, x, groups)
        found.append([*fit.coefficients, *fit.group_variances, fit.residual_variance])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(60)
    truth = np.array([10.0, -0.4, 0.3, 0.49, 0.25, 1.0])
    assert (np.abs(mean - truth) < 4 * error).all()


def times(seed=0):
    rng = np.random.default_rng(seed)
    station = np.repeat(np.arange(12), rng.integers(20, 60, 12))
    role = station < 6
    shock = 0.1 * rng.standard_normal(12)
    log = 4 + shock[station] + 0.5 * rng.standard_normal(len(station)) + math.log(0.85) * role
    return np.exp(log), role, station


def test_ratio_is_the_exponential_of_the_coefficient():
    seconds, role, station = times()
    found = log_linear_ratio(seconds, role, station)
    x = np.column_stack([np.ones(len(role)), role])
    fit = mixed_model(np.log(seconds), x, station, degrees_of_freedom="kenward_roger")
    assert found.ratio == pytest.approx(math.exp(fit.coefficients[1]))
    assert (found.ci_lower, found.ci_upper) == pytest.approx(
        np.exp([fit.ci_lower[1], fit.ci_upper[1]])
    )
    assert (found.p_value, found.df) == (fit.p_values[1], fit.df[1])
    assert (found.n_groups_experiment, found.n_groups_control) == (6, 6)
    assert found.n_experiment + found.n_control == len(seconds)
    assert found.model.names == ("intercept", "experiment")
    assert 0.7 < found.ratio < 1.0


def test_ratio_follows_the_roles_and_not_the_unit():
    seconds, role, station = times()
    found = log_linear_ratio(seconds, role, station)
    minutes = log_linear_ratio(seconds / 60, role.astype(int), station)
    swapped = log_linear_ratio(seconds, ~role, station)
    halved = log_linear_ratio(np.where(role, seconds / 2, seconds), role, station)
    assert minutes.ratio == pytest.approx(found.ratio)
    assert minutes.p_value == pytest.approx(found.p_value)
    assert swapped.ratio == pytest.approx(1 / found.ratio)
    assert swapped.ci_lower == pytest.approx(1 / found.ci_upper)
    assert halved.ratio == pytest.approx(found.ratio / 2)
    assert halved.log_se == pytest.approx(found.log_se)


def test_ratio_allows_for_covariates():
    data = read_csv("times")
    groups = (data["municipality"], data["station"])
    found = log_linear_ratio(
        data["seconds"],
        data["experiment"],
        groups,
        covariates=data["assisted"][:, None],
        covariate_names=["assisted"],
        degrees_of_freedom="satterthwaite",
    )
    expected = NUMBERS["times_nested"]["reml"]
    assert found.model.names == ("intercept", "experiment", "assisted")
    assert found.log_estimate == pytest.approx(expected["estimate"][1], rel=1e-7)
    assert found.log_se == pytest.approx(expected["se"][1], rel=1e-6)
    assert found.n_groups_experiment == 5


GROUP = np.repeat(np.arange(6), 5)
X = np.column_stack([np.ones(30), GROUP < 3])
Y = np.random.default_rng(0).standard_normal(30) + GROUP


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.where(GROUP == 2, np.nan, Y)}, "y holds missing"),
        ({"y": Y[:-1]}, "must have 29 rows"),
        ({"y": np.column_stack([Y, Y])}, "one value per row"),
        ({"y": np.full(30, 7.0)}, "constant or fitted perfectly"),
        ({"y": 2.0 + 3.0 * X[:, 1]}, "constant or fitted perfectly"),
        ({"y": np.sin(GROUP)}, "no residual variance"),
        ({"x": np.where(X == 0, np.inf, X)}, "x holds missing"),
        ({"x": np.ones(30)}, "at least one column"),
        ({"x": np.column_stack([X, 1 - X[:, 1]])}, "column 2 of x is zero or collinear"),
        ({"x": np.column_stack([X, np.zeros(30)])}, "column 2 of x is zero or collinear"),
        ({"x": np.column_stack([np.ones(30), dummies(GROUP)])}, "explains all differences"),
        ({"groups": X[:, 1]}, "explains all differences"),
        ({"groups": (X[:, 1], GROUP)}, "explains all differences"),
        ({"groups": np.zeros(30)}, "at least two groups, found 1"),
        ({"groups": np.arange(30)}, "plain least squares"),
        ({"groups": GROUP[:-1]}, "one label per row"),
        ({"groups": np.where(GROUP == 1, np.nan, GROUP)}, "missing labels"),
        ({"groups": np.array(["a", None] * 15, dtype=object)}, "missing labels"),
        ({"groups": (GROUP, GROUP, GROUP)}, "found 3 parts"),
        ({"groups": (GROUP, np.arange(30) % 4)}, "more than one outer group"),
        ({"groups": (GROUP // 3, GROUP // 2)}, "inner group 1 occurs in more than one"),
        ({"groups": (GROUP, 10 * GROUP)}, "one level of groups only"),
        ({"groups": (GROUP, np.arange(30))}, "group of its own in inner groups"),
        ({"groups": (np.zeros(30), GROUP)}, "outer groups: a random intercept needs"),
        ({"method": "mle"}, "choose reml or ml"),
        ({"degrees_of_freedom": "residual"}, "choose reml or ml"),
        ({"method": "ml", "degrees_of_freedom": "kenward_roger"}, "defined for method='reml'"),
        ({"confidence_level": 95}, "between 0 and 1"),
        ({"names": ["a"]}, "2 different names"),
        ({"names": ["a", "a"]}, "2 different names"),
    ],
)
def test_bad_input_is_refused(change, message):
    call = {"y": Y, "x": X, "groups": GROUP} | change
    with pytest.raises(ValueError, match=message):
        mixed_model(call.pop("y"), call.pop("x"), call.pop("groups"), **call)


def test_no_residual_freedom_is_refused():
    with pytest.raises(ValueError, match="no residual freedom"):
        mixed_model([1.0, 2.0], [[1.0, 0.0], [1.0, 1.0]], ["a", "a"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": np.where(GROUP == 0, 0.0, 60.0)}, "finite number above 0"),
        ({"seconds": np.where(GROUP == 0, np.nan, 60.0)}, "finite number above 0"),
        ({"seconds": np.full(30, 60.0)}, "constant or fitted perfectly"),
        ({"experiment": np.ones(30, dtype=bool)}, "both the new and the old"),
        ({"experiment": np.full(30, np.nan)}, "True or False"),
        ({"experiment": GROUP}, "True or False"),
        ({"experiment": X[:-1, 1]}, "one value per voter"),
        ({"experiment": GROUP == 2}, "in 1 groups and the old in 5"),
        ({"groups": (GROUP // 3, GROUP)}, "in 1 groups and the old in 1"),
        ({"covariates": Y}, "30 rows and columns"),
        ({"covariates": X}, "collinear"),
        ({"covariates": Y[:, None], "covariate_names": ["experiment"]}, "different names"),
    ],
)
def test_bad_times_are_refused(change, message):
    call = {"seconds": np.exp(Y), "experiment": X[:, 1], "groups": GROUP} | change
    with pytest.raises(ValueError, match=message):
        log_linear_ratio(call.pop("seconds"), call.pop("experiment"), call.pop("groups"), **call)
