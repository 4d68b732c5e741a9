"""Count models against R, dummies, brute force and known truth."""

from __future__ import annotations

import csv
import json
import math
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.stats import nbinom

from ballot_eval.estimation.counts import (
    COUNT_METHODS,
    ConvergenceError,
    NoOverdispersionError,
    SeparationError,
    did_ratio,
    fit_counts,
)

FOLDER = Path(__file__).resolve().parents[1] / "reference"
TERMS = ("constant", "seed", "extract", "both")


def read_csv(name):
    with (FOLDER / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.fixture(scope="module")
def r_says():
    return {
        (row["model"], row["name"]): float(row["value"]) for row in read_csv("counts_reference.csv")
    }


@pytest.fixture(scope="module")
def panel():
    rows = read_csv("counts_panel.csv")
    names = ("count", "total", "municipality", "election", "new_ballot")
    return tuple(np.array([int(row[name]) for row in rows]) for name in names)


@pytest.fixture(scope="module")
def seeds():
    data = json.loads((FOLDER / "counts_seeds.json").read_text(encoding="utf-8"))
    seed, extract = np.array(data["seed"]), np.array(data["extract"])
    design = np.column_stack([np.ones(21), seed, extract, seed * extract])
    return np.array(data["counts"]), np.array(data["totals"]), design


def dummies(panel):
    """Return the rows with events and a design with a column per municipality and election."""
    count, total, place, election, new = panel
    kept = np.bincount(place, weights=count)[place] > 0
    columns = [new, *(place == i for i in np.unique(place[kept]))]
    columns += [election == i for i in np.unique(election)[1:]]
    return count[kept], total[kept], np.column_stack(columns)[kept].astype(float)


def invented(seed, places, elections, ratio, n_new, rho=4e-4):
    rng = np.random.default_rng(seed)
    place, election = np.repeat(np.arange(places), elections), np.tile(np.arange(elections), places)
    new = (place < n_new) & (election == elections - 1)
    total = rng.integers(3_000, 60_000, len(place))
    eta = np.repeat(rng.normal(-5.5, 0.3, places), elections) + 0.1 * election
    p = 1 / (1 + np.exp(-(eta + math.log(ratio) * new)))
    scale = (1 - rho) / rho
    chance = rng.beta(p * scale, (1 - p) * scale) if rho else p
    return rng.binomial(total, chance), total, place, election, new


def test_crowders_seeds_quasi_binomial(seeds, r_says):
    fit = fit_counts(*seeds, names=TERMS, method="quasi_binomial")
    # R weighs its residuals with the last step but one, which costs it the tenth digit.
    assert fit.goodness.dispersion == pytest.approx(1.86183205884, rel=1e-9)
    published = (0.171954701748, 0.304507610340, 0.242152822693, 0.418124932216)
    assert fit.standard_errors == pytest.approx(published, rel=1e-9)
    for i, name in enumerate(TERMS):
        key = "seeds quasi_binomial"
        assert fit.coefficients[i] == pytest.approx(r_says[key, f"b:{name}"], rel=1e-10)
        # R too takes t(n - k) when the dispersion is estimated.
        assert fit.p_values[i] == pytest.approx(r_says[key, f"p:{name}"], rel=1e-9)
    assert fit.df == 17
    assert fit.measure == "odds_ratio"
    assert math.isnan(fit.log_likelihood)


def test_dispersion_of_the_seeds_in_exact_fractions(seeds):
    # Four groups and four coefficients: the fitted rates are the pooled ones of the groups.
    count, total, x = seeds
    group = (x[:, 1] + 2 * x[:, 2]).astype(int)
    chi2 = Fraction(0)
    for g in range(4):
        rows = [(int(a), int(b)) for a, b in zip(count[group == g], total[group == g], strict=True)]
        p = Fraction(sum(a for a, _ in rows), sum(b for _, b in rows))
        chi2 += sum((a - b * p) ** 2 / (b * p * (1 - p)) for a, b in rows)
    fit = fit_counts(*seeds, names=TERMS, method="quasi_binomial")
    assert fit.goodness.pearson_chi2 == pytest.approx(float(chi2), rel=1e-13)


@pytest.mark.parametrize(
    "method", ["quasi_binomial", "quasi_poisson", "poisson", "negative_binomial"]
)
def test_panel_equals_r_with_dummies(method, panel, r_says):
    effect = did_ratio(*panel, method=method)
    model = effect.model
    found = {
        "b:new_ballot": effect.coefficient,
        "se:new_ballot": effect.standard_error,
        "dispersion": model.goodness.dispersion,
        "alpha": model.overdispersion,
        "alpha_se": model.overdispersion_se,
        "log_likelihood": model.log_likelihood,
    }
    expected = {name: value for (key, name), value in r_says.items() if key == f"panel {method}"}
    assert len(expected) >= 3
    # R prints 12 digits and stops at about ten.
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_quine_negative_binomial_equals_r(r_says):
    rows = read_csv("counts_quine.csv")
    names = ("constant", "sex", "aboriginal", "slow")
    x = np.array([[1, *(int(row[name]) for name in names[1:])] for row in rows])
    days = np.array([int(row["days"]) for row in rows])
    fit = fit_counts(days, np.ones(len(days)), x, names=names, method="negative_binomial")
    for i, name in enumerate(names):
        key = "quine negative_binomial"
        assert fit.coefficients[i] == pytest.approx(r_says[key, f"b:{name}"], rel=1e-9)
        # R's weights are those of the last step but one.
        assert fit.standard_errors[i] == pytest.approx(r_says[key, f"se:{name}"], rel=1e-8)
    assert fit.overdispersion == pytest.approx(r_says[key, "alpha"], rel=1e-9)
    assert fit.overdispersion_se == pytest.approx(r_says[key, "alpha_se"], rel=1e-9)
    assert fit.log_likelihood == pytest.approx(r_says[key, "log_likelihood"], rel=1e-11)


@pytest.mark.parametrize("method", COUNT_METHODS)
def test_effects_taken_out_equal_dummies_in_statsmodels(method, panel):
    count, total, x = dummies(panel)
    names = [f"x{i}" for i in range(x.shape[1])]
    slow = fit_counts(count, total, x, names=names, method=method, confidence_level=0.9)
    fast = did_ratio(*panel, method=method, confidence_level=0.9)
    assert fast.ratio == pytest.approx(slow.ratios[0], rel=1e-10)
    assert fast.ci_lower == pytest.approx(slow.ci_lower[0], rel=1e-10)
    assert fast.ci_upper == pytest.approx(slow.ci_upper[0], rel=1e-10)
    assert fast.p_value == pytest.approx(slow.p_values[0], rel=1e-8)
    assert fast.model.fitted == pytest.approx(slow.fitted, rel=1e-9)
    assert fast.model.pearson_residuals == pytest.approx(slow.pearson_residuals, abs=1e-8)
    assert fast.model.goodness.df_residual == slow.goodness.df_residual == len(count) - x.shape[1]


def test_two_column_form_of_statsmodels_is_not_what_is_used(seeds):
    # The trap this module avoids: with counts as two columns X² forgets the number of trials.
    count, total, x = seeds
    endog = np.column_stack([count, total - count])
    trap = sm.GLM(endog, x, family=sm.families.Binomial()).fit(scale="X2")
    fit = fit_counts(*seeds, names=TERMS, method="quasi_binomial")
    assert fit.coefficients == pytest.approx(trap.params, rel=1e-6)
    assert (fit.pearson_residuals**2).sum() == pytest.approx(fit.goodness.pearson_chi2)
    assert fit.goodness.max_abs_residual == np.abs(fit.pearson_residuals).max()
    assert fit.standard_errors[0] != pytest.approx(trap.bse[0], rel=0.05)


def test_negative_binomial_equals_brute_force_maximum(panel):
    count, total, _, _, new = panel
    x = np.column_stack([np.ones(len(count)), new])

    def loss(v):
        mean, theta = total * np.exp(x @ v[:2]), math.exp(-v[2])
        return -nbinom.logpmf(count, theta, theta / (theta + mean)).sum()

    best = minimize(
        loss,
        [-5.5, 0.0, -1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000},
    )
    fit = fit_counts(count, total, x, names=("constant", "new"), method="negative_binomial")
    assert fit.coefficients == pytest.approx(best.x[:2], abs=1e-6)
    assert fit.overdispersion == pytest.approx(math.exp(best.x[2]), rel=1e-6)
    assert fit.log_likelihood == pytest.approx(-best.fun, abs=1e-8)


def test_two_elections_poisson_is_the_conditional_binomial():
    # With two elections the effects cancel: second-election shares follow a binomial logit.
    count, total, place, election, new = invented(5, 40, 2, 1.3, 6)
    first, second = count[election == 0], count[election == 1]
    offset = np.log(total[election == 1] / total[election == 0])
    x = np.column_stack([np.ones(40), new[election == 1]])
    endog = np.column_stack([second, first])
    conditional = sm.GLM(endog, x, family=sm.families.Binomial(), offset=offset).fit()
    effect = did_ratio(count, total, place, election, new, method="poisson")
    assert effect.coefficient == pytest.approx(conditional.params[1], rel=1e-6)
    assert effect.standard_error == pytest.approx(conditional.bse[1], rel=1e-6)


@pytest.mark.parametrize("method", COUNT_METHODS)
def test_known_ratio_is_recovered(method):
    effect = did_ratio(*invented(11, 342, 4, 1.4, 60), method=method)
    assert abs(effect.coefficient - math.log(1.4)) < 3 * 0.07
    assert effect.n_experiment == 60
    assert effect.n_control == 282
    assert effect.n_elections == 4
    assert effect.ci_lower < effect.ratio < effect.ci_upper


def test_plain_poisson_is_too_sure_and_quasi_is_not():
    hits = dict.fromkeys(("poisson", "quasi_poisson", "quasi_negative_binomial"), 0)
    for seed in range(60):
        data = invented(seed, 120, 2, 1.0, 30)
        for method in hits:
            effect = did_ratio(*data, method=method)
            hits[method] += effect.ci_lower <= 1 <= effect.ci_upper
    assert hits["poisson"] < 40
    assert hits["quasi_poisson"] >= 51
    assert hits["quasi_negative_binomial"] >= 51


def test_a_full_panel_takes_far_less_than_a_second():
    data = invented(1, 342, 6, 1.2, 11)
    start = time.perf_counter()
    for method in COUNT_METHODS:
        did_ratio(*data, method=method)
    assert time.perf_counter() - start < 2


def test_municipalities_without_events_or_with_one_row_are_named(panel):
    count, total, place, election, new = panel
    kept = ~((place == 20) & (election > 0))
    code = np.array([f"{i:04d}" for i in place])
    effect = did_ratio(
        count[kept], total[kept], code[kept], election[kept], new[kept], method="quasi_poisson"
    )
    assert effect.dropped_without_events == ("0023",)
    assert effect.dropped_single_row == ("0020",)
    assert effect.n_experiment + effect.n_control == 22
    assert len(effect.rows) == len(effect.model.fitted) == 22 * 4
    assert not np.isin(code[kept][effect.rows], ["0020", "0023"]).any()
    smaller = kept & ~np.isin(place, [20, 23])
    same = did_ratio(*(a[smaller] for a in panel), method="quasi_poisson")
    assert effect.ratio == same.ratio
    assert effect.standard_error == same.standard_error


def test_order_of_rows_and_names_of_elections_do_not_matter(panel):
    order = np.random.default_rng(3).permutation(len(panel[0]))
    count, total, place, election, new = (a[order] for a in panel)
    labels = np.array(["TK2021", "TK2023", "GR2022", "TK2025"])[election]
    one = did_ratio(*panel, method="quasi_binomial")
    two = did_ratio(count, total, place, labels, new, method="quasi_binomial")
    assert two.ratio == pytest.approx(one.ratio, rel=1e-10)
    assert two.model.names == (
        "new_ballot",
        "election:TK2021",
        "election:TK2023",
        "election:TK2025",
    )
    assert two.model.pearson_residuals == pytest.approx(
        one.model.pearson_residuals[np.searchsorted(one.rows, order[two.rows])], abs=1e-8
    )


BINOMIAL = {"names": ("constant", "new"), "method": "quasi_binomial"}
HALF = np.column_stack([np.ones(6), np.arange(6) < 3])
TOTAL = np.full(6, 50)


@pytest.mark.parametrize(
    ("counts", "totals", "match"),
    [
        ([0] * 6, TOTAL, "no events"),
        ([50] * 6, TOTAL, "equals its denominator"),
        ([1, 2, 3, 4, 5, 51], TOTAL, "exceeds its denominator in 1 rows"),
        ([1, 2, 3, 4, 5, 6], [50, 50, 50, 50, 50, 0], "positive; 1 are not"),
        ([1, 2, 3, 4, 5, np.nan], TOTAL, "finite"),
        ([1, 2, 3, 4, 5, 0.5], TOTAL, "whole"),
        ([1, 2, 3, 4, 5, -1], TOTAL, "at least 0"),
        ([1, 2, 3], TOTAL, "must be"),
    ],
)
def test_bad_counts_are_refused(counts, totals, match):
    with pytest.raises(ValueError, match=match):
        fit_counts(counts, totals, HALF, **BINOMIAL)


@pytest.mark.parametrize(
    ("design", "names", "match"),
    [
        (np.ones((6, 2)), ("a", "b"), "singular"),
        (np.column_stack([np.ones(6), np.zeros(6)]), ("a", "b"), "singular"),
        (np.eye(6), tuple("abcdef"), "cannot carry"),
        (HALF, ("a",), "for each of 1 names"),
        (HALF * np.nan, ("a", "b"), "design must be finite"),
    ],
)
def test_bad_designs_are_refused(design, names, match):
    with pytest.raises(ValueError, match=match):
        fit_counts([1, 2, 3, 4, 5, 6], TOTAL, design, names=names, method="poisson")


@pytest.mark.parametrize("method", COUNT_METHODS)
@pytest.mark.parametrize("counts", [[0, 0, 0, 4, 5, 9], [1, 7, 2, 0, 0, 0]])
def test_a_group_without_events_separates(method, counts):
    with pytest.raises(SeparationError):
        fit_counts(counts, TOTAL, HALF, names=("constant", "new"), method=method)


def test_a_group_with_nothing_but_events_separates():
    with pytest.raises(SeparationError, match="separation"):
        fit_counts([50, 50, 50, 4, 5, 9], TOTAL, HALF, **BINOMIAL)


def test_counts_without_overdispersion_have_no_negative_binomial():
    with pytest.raises(NoOverdispersionError, match="alpha is 0"):
        fit_counts([5, 5, 5, 6, 6, 6], TOTAL, HALF, names=("a", "b"), method="negative_binomial")


def test_unknown_method_and_level_are_refused(panel):
    with pytest.raises(ValueError, match="unknown method 'ols'"):
        did_ratio(*panel, method="ols")
    with pytest.raises(ValueError, match="confidence_level 95"):
        did_ratio(*panel, method="poisson", confidence_level=95)


def changed(panel, **arrays):
    names = ("count", "total", "place", "election", "new")
    return [arrays.get(name, array) for name, array in zip(names, panel, strict=True)]


@pytest.mark.parametrize("method", COUNT_METHODS)
def test_panels_that_cannot_answer_are_refused(method, panel):
    count, _, place, election, new = panel
    for arrays, match in (
        ({"new": np.zeros_like(new)}, "no row has the new ballot"),
        ({"new": election == 3}, "cannot be told"),
        ({"new": place < 5}, "cannot be told"),
        ({"new": new * 2}, "true or false"),
        ({"election": np.zeros_like(election)}, "more than once"),
        ({"place": place[:-1]}, "one entry per row"),
        ({"place": np.arange(len(place))}, "more than one election"),
        ({"count": np.where(new, 0, count)}, "no events with the new ballot"),
        ({"count": np.where(election == 2, 0, count)}, "election 2"),
        ({"count": np.where((place < 5) & ~new.astype(bool), 0, count)}, "separation"),
    ):
        with pytest.raises(ValueError, match=match):
            did_ratio(*changed(panel, **arrays), method=method)


def sparse(seed):
    """Return a small panel, often with hardly any events, often with municipalities all alike."""
    rng = np.random.default_rng(seed)
    places, elections = int(rng.integers(5, 30)), int(rng.integers(2, 5))
    place, election = np.repeat(np.arange(places), elections), np.tile(np.arange(elections), places)
    total = rng.integers(1, 10 ** int(rng.integers(2, 6)), len(place))
    chance = rng.beta(*10 ** rng.uniform(-1, 2, 2), len(place)) * 10 ** rng.uniform(-3, 0)
    count = rng.binomial(total, np.clip(chance, 1e-9, 1))
    return count, total, place, election, (place < places // 4) & (election == elections - 1)


@pytest.mark.parametrize("method", COUNT_METHODS)
def test_sparse_panels_give_a_finite_answer_or_a_reason(method):
    answers = 0
    for seed in range(80):
        try:
            effect = did_ratio(*sparse(seed), method=method)
        except ConvergenceError:
            raise
        except ValueError:
            continue
        answers += 1
        numbers = (effect.ratio, effect.ci_lower, effect.ci_upper, effect.standard_error)
        assert np.isfinite(numbers).all()
        # The likelihood equations: fitted and counted events agree in every municipality.
        if method in ("poisson", "quasi_binomial"):
            count, _, place, _, _ = (a[effect.rows] for a in sparse(seed))
            gap = np.bincount(place, weights=count - effect.model.fitted)
            assert np.abs(gap).max() < 1e-6
    assert answers > 15
