"""Survey regressions against R's survey, sums written out, known truths and bad input."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit
from scipy.stats import t
from survey_regression_cases import (
    DESIGNS,
    NUMBERS,
    columns,
    covariance_error,
    draw,
    population,
    sandwich,
    school_design,
    schools,
    separated,
)

from ballot_eval.estimation.survey.comparison import (
    logit_marginal_difference,
    odds_ratios,
    wald_test,
)
from ballot_eval.estimation.survey.design import survey_design
from ballot_eval.estimation.survey.regression import survey_linear, survey_logit


def linear(name):
    data, design, domain = school_design(name)
    x = columns(len(data), data["ell"], data["meals"], data["mobility"])
    return survey_linear(design, data["api00"], x, domain=domain)


def logit(name):
    data, design, domain = school_design(name)
    x = columns(len(data), data["ell"], data["meals"])
    return survey_logit(design, data["schwide"] == "Yes", x, domain=domain)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("model", [linear, logit])
def test_regression_gives_the_numbers_of_r(model, name):
    fit, expected = model(name), NUMBERS[model.__name__][name]
    # The covariance of the elementary schools of apiclus1 has an entry near 0, so the comparison
    # is in units of the standard errors.
    assert fit.coefficients == pytest.approx(expected["coefficients"], rel=1e-9)
    assert covariance_error(fit.covariance, expected["covariance"]) < 1e-9
    assert (fit.df, fit.n, fit.converged) == (expected["df"], expected["n"], True)


def test_linear_gives_the_published_coefficients():
    assert linear("strat").coefficients[1:] == pytest.approx(
        [-0.480586612, -3.141535310, 0.225713210], abs=5e-10
    )


@pytest.mark.parametrize("case", ["linear_strat", "linear_clus1", "logit_clus1", "logit_clus1_one"])
def test_wald_test_gives_the_numbers_of_r(case):
    model, name = case.split("_")[:2]
    fit = linear(name) if model == "linear" else logit(name)
    chosen = [1, 3] if model == "linear" else [2] if case.endswith("one") else [1, 2]
    found, expected = wald_test(fit, chosen), NUMBERS["wald"][case]
    assert (found.df_numerator, found.df) == (expected["df_numerator"], expected["df"])
    assert found.statistic == pytest.approx(expected["statistic"], rel=1e-9)
    assert found.p_value == pytest.approx(expected["p_value"], rel=1e-9)


def test_wald_test_of_one_column_is_the_square_of_its_t():
    fit = logit("clus1")
    statistic = fit.coefficients[2] / fit.standard_error[2]
    found = wald_test(fit, [2])
    assert found.statistic == pytest.approx(statistic**2, rel=1e-12)
    assert found.p_value == pytest.approx(2 * t.sf(abs(statistic), fit.df), rel=1e-10)


def test_odds_ratios_give_the_numbers_of_r():
    expected = NUMBERS["odds"]
    found = odds_ratios(logit("clus1"), confidence_level=expected["level"])
    for part in ("estimate", "ci_lower", "ci_upper"):
        assert getattr(found, part) == pytest.approx(expected[part], rel=1e-9)


@pytest.mark.parametrize("name", list(NUMBERS["marginal"]))
def test_marginal_difference_gives_the_numbers_of_r(name):
    data, design, _ = school_design(name)
    x = columns(len(data), data["ell"], data["meals"], data["stype"] == "E")
    fit = survey_logit(design, data["schwide"] == "Yes", x)
    expected = NUMBERS["marginal"][name]
    for covariates in ("sampled", "fixed"):
        found = logit_marginal_difference(fit, x, 3, covariates=covariates)
        assert found.estimate[0] == pytest.approx(expected["estimate"], rel=1e-9)
        # svyglm takes the information from the last iteration but one, which costs half the digits.
        assert found.standard_error[0] == pytest.approx(expected[covariates], rel=1e-8)
        assert (found.df, found.n) == (fit.df, fit.n)


def survey(seed, n=240):
    """Return a design with strata and clusters without correction, and three columns."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 16, n)
    design = survey_design(rng.uniform(1, 9, n), strata=cluster % 2, clusters=cluster)
    x = columns(n, rng.random(n) < 0.5, rng.normal(50, 3, n))
    return design, x, rng


def test_regressions_are_their_sums_written_out():
    design, x, rng = survey(1)
    w = design.weights[:, None]
    y = x @ [1, 2, 0.3] + rng.normal(size=len(x))
    fit = survey_linear(design, y, x)
    plain = sm.WLS(y, x, weights=design.weights).fit()
    assert fit.coefficients == pytest.approx(plain.params, rel=1e-8)
    expected = sandwich(design, x * plain.resid[:, None], x.T @ (w * x))
    assert covariance_error(fit.covariance, expected) < 1e-7

    answer = (y > np.median(y)).astype(float)
    fit = survey_logit(design, answer, x)
    p = expit(x @ fit.coefficients)
    assert (w * x).T @ (answer - p) == pytest.approx(np.zeros(3), abs=1e-8)
    information = x.T @ (w * (p * (1 - p))[:, None] * x)
    expected = sandwich(design, x * (answer - p)[:, None], information)
    assert covariance_error(fit.covariance, expected) < 1e-7
    assert fit.fitted == pytest.approx(p, rel=1e-12)


def test_linear_on_an_indicator_is_the_difference_of_weighted_means():
    design, x, rng = survey(2)
    y, one, w = rng.normal(size=len(x)), x[:, 1] == 1, design.weights
    means = [np.average(y[rows], weights=w[rows]) for rows in (~one, one)]
    fit = survey_linear(design, y, x[:, :2])
    assert fit.coefficients == pytest.approx([means[0], means[1] - means[0]], rel=1e-12)


def test_marginal_difference_without_other_columns_is_the_difference_of_shares():
    design, x, rng = survey(3)
    answer = rng.random(len(x)) < 0.2 + 0.3 * x[:, 1]
    found = logit_marginal_difference(
        survey_logit(design, answer, x[:, :2]), x[:, :2], 1, covariates="sampled"
    )
    shares = survey_linear(design, answer, x[:, :2])
    assert found.estimate[0] == pytest.approx(shares.coefficients[1], rel=1e-10)
    assert found.standard_error[0] == pytest.approx(shares.standard_error[1], rel=1e-10)


def test_marginal_difference_sets_other_levels_to_zero():
    design, x, rng = survey(4)
    level = rng.integers(0, 3, len(x))
    answer = rng.random(len(x)) < 0.3 + 0.2 * level
    both = columns(len(x), level == 1, level == 2)
    found = logit_marginal_difference(survey_logit(design, answer, both), both, 1, other_levels=[2])
    w = design.weights
    shares = [np.average(answer[level == k], weights=w[level == k]) for k in (0, 1)]
    assert found.estimate[0] == pytest.approx(shares[1] - shares[0], rel=1e-10)


def test_a_domain_may_miss_values_outside_and_ignores_the_scale_of_weights():
    data, design, domain = school_design("clus1_domain")
    x = columns(len(data), data["ell"], data["meals"])
    y = (data["schwide"] == "Yes").astype(float)
    y[~domain], x[~domain] = np.nan, np.nan
    whole, holes = logit("clus1_domain"), survey_logit(design, y, x, domain=domain)
    assert (holes.coefficients == whole.coefficients).all()
    assert (holes.covariance == whole.covariance).all()
    assert np.isnan(holes.fitted[~domain]).all()
    assert np.isfinite(holes.fitted[domain]).all()
    rescaled = survey_design(data["pw"] * 1e-6, clusters=data["dnum"], population=data["fpc"])
    small = survey_logit(rescaled, y, x, domain=domain)
    assert small.coefficients == pytest.approx(whole.coefficients, rel=1e-11)
    assert small.covariance == pytest.approx(whole.covariance, rel=1e-6)


def test_regressions_stand_columns_of_any_scale_and_rare_answers():
    design, x, rng = survey(5)
    far = x * [1, 1e-7, 1e6] + [0, 0, 3e8]
    answer = rng.random(len(x)) < expit(-1 + x[:, 1])
    near, other = survey_logit(design, answer, x), survey_logit(design, answer, far)
    assert other.fitted == pytest.approx(near.fitted, rel=1e-8)
    rare = np.zeros(len(x))
    rare[np.flatnonzero(x[:, 1] == 1)[0]] = rare[np.flatnonzero(x[:, 1] == 0)[0]] = 1
    assert survey_logit(design, rare, x[:, :2]).converged


@pytest.mark.parametrize("model", [survey_linear, survey_logit])
def test_regression_recovers_the_population_and_covers_it(model):
    stratum, cluster, x, noise = population(7)
    x = columns(len(x), x)
    latent = x @ [-0.5, 0.8, 0.4] + noise
    y = latent if model is survey_linear else (latent > 0).astype(float)
    census = survey_design(np.ones(len(y)))
    truth = model(census, y, x)
    difference = None
    if model is survey_logit:
        difference = logit_marginal_difference(truth, x, 1).estimate[0]
    rng = np.random.default_rng(8)
    covered, estimates, marginal = [], [], []
    for _ in range(150):
        row, design = draw(rng, stratum, cluster)
        fit = model(design, y[row], x[row])
        half = t.ppf(0.975, fit.df) * fit.standard_error
        covered.append(np.abs(fit.coefficients - truth.coefficients) <= half)
        estimates.append(fit.coefficients)
        if difference is not None:
            found = logit_marginal_difference(fit, x[row], 1)
            half = t.ppf(0.975, found.df) * found.standard_error[0]
            marginal.append(abs(found.estimate[0] - difference) <= half)
    # Of 150 intervals of 95% fewer than 134 cover with probability 0.001.
    assert (np.mean(covered, axis=0) > 0.89).all()
    assert (np.mean(covered, axis=0) < 1).all()
    spread = np.std(estimates, axis=0) / np.sqrt(len(estimates))
    assert (np.abs(np.mean(estimates, axis=0) - truth.coefficients) < 3.5 * spread).all()
    if marginal:
        assert np.mean(marginal) > 0.89


def test_separation_names_the_columns():
    design, x, rng = survey(9)
    answer = (rng.random(len(x)) < 0.5).astype(float)
    answer[x[:, 1] == 1] = 1.0
    with pytest.raises(ValueError, match=r"columns \[1\] of x predict part .*separation"):
        survey_logit(design, answer, x)
    with pytest.raises(ValueError, match=r"columns \[0, 1, 2\] of x predict part"):
        survey_logit(design, x[:, 2] > 50, x[:, [0, 1, 2]])


def test_separation_is_found_in_the_schools():
    # No school improved comparably without meeting its own target.
    data = schools("apiclus1")
    _, design, _ = school_design("clus1")
    x = columns(len(data), data["ell"], data["compimp"] == "Yes")
    with pytest.raises(ValueError, match=r"columns \[2\] .*separation"):
        survey_logit(design, data["schwide"] == "Yes", x)


def test_separation_is_found_where_linear_programming_finds_it():
    found, expected = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = columns(40, rng.normal(size=(40, 2)), np.arange(40) < 8)
        answer = rng.random(40) < expit(-1 + 4 * x[:, 1])
        try:
            survey_logit(survey_design(rng.uniform(1, 9, 40)), answer, x)
        except ValueError as error:
            assert "separation" in str(error)  # noqa: PT017
            found.append(True)
        else:
            found.append(False)
        expected.append(separated(np.where(answer, 1, -1)[:, None] * x))
    assert found == expected
    assert 0 < sum(expected) < 60


def test_one_answer_against_the_others_is_no_separation():
    design, x, _ = survey(10)
    answer = x[:, 1].copy()
    for value in (0, 1):
        swapped = np.flatnonzero(x[:, 1] == value)[0]
        answer[swapped] = 1 - value
    fit = survey_logit(design, answer, x[:, :2])
    w, one = design.weights, x[:, 1] == 1
    share = np.average(answer[one], weights=w[one])
    assert fit.fitted[one] == pytest.approx(share, rel=1e-10)


@pytest.mark.parametrize("model", [survey_linear, survey_logit])
def test_regressions_refuse_bad_input(model):
    design, x, rng = survey(11)
    n = len(x)
    y = (rng.random(n) < 0.5).astype(float)
    hole = np.where(np.arange(n) == 5, np.nan, y)
    bad_x = x.copy()
    bad_x[3, 2] = np.inf
    half = np.arange(n) < n // 2
    calls = [
        ((y[1:], x), {}, "y must be one number"),
        ((y, x[1:]), {}, "x must be one row"),
        ((y, x[:, :0]), {}, "x must be one row"),
        ((y, x[:, 1]), {}, "x must be one row"),
        ((hole, x), {}, "missing or infinite"),
        ((y, bad_x), {}, "missing or infinite"),
        ((np.ones(n), x), {}, "y is 1 for every"),
        ((np.where(half, 1.0, y), x), {"domain": half}, "y is 1 for every"),
        ((y, np.column_stack([x, x[:, 1] + x[:, 2]])), {}, r"columns \[1, 2, 3\].*collinear"),
        ((y, np.column_stack([x, 1 - x[:, 1]])), {}, r"columns \[0, 1, 3\].*collinear"),
        ((y, np.column_stack([x, np.zeros(n)])), {}, "column 3 of x is zero"),
        ((y, columns(n, rng.normal(size=(n, 14)))), {}, "leave 0 degrees"),
        ((y, x), {"domain": np.zeros(n, bool)}, "no respondent"),
        ((y, x), {"domain": np.ones(n)}, "true or false"),
        ((y, x), {"domain": half[1:]}, "true or false"),
        ((y, x), {"domain": np.arange(n) == 1}, "degrees of freedom"),
    ]
    for arguments, named, message in calls:
        with pytest.raises(ValueError, match=message):
            model(design, *arguments, **named)
    negative = design.reweighted(
        np.where(np.arange(n) == 0, -1.0, design.weights), np.ones((n, 1)), np.ones(n)
    )
    with pytest.raises(ValueError, match="negative"):
        model(negative, y, x)


def test_linear_refuses_a_perfect_fit_and_logit_other_answers():
    design, x, _ = survey(12)
    with pytest.raises(ValueError, match="without error"):
        survey_linear(design, x @ [1, 2, 3], x)
    with pytest.raises(ValueError, match="must be 0 or 1"):
        survey_logit(design, x[:, 1] + 1, x)


def test_trimmed_respondents_do_not_count():
    design, x, rng = survey(13)
    y = rng.normal(size=len(x))
    weights = np.where(np.arange(len(x)) % 10 == 0, 0.0, design.weights)
    trimmed = design.reweighted(weights, np.ones((len(x), 1)), design.weights)
    fit = survey_linear(trimmed, y, x)
    assert fit.n == int((weights > 0).sum())
    kept = sm.WLS(y[weights > 0], x[weights > 0], weights=weights[weights > 0]).fit()
    assert fit.coefficients == pytest.approx(kept.params, rel=1e-8)


def test_comparisons_refuse_what_means_nothing():
    design, x, rng = survey(14)
    answer = rng.random(len(x)) < 0.4
    fit = survey_logit(design, answer, x)
    straight = survey_linear(design, rng.normal(size=len(x)), x)
    product = np.column_stack([x, x[:, 1] * x[:, 2]])
    shifted = x + np.array([0, 0, 1])
    level = rng.integers(0, 3, len(x))
    levels = columns(len(x), level == 1, level == 2)
    calls = [
        (lambda: logit_marginal_difference(straight, x, 1), "needs no marginal"),
        (lambda: logit_marginal_difference(fit, x[:, :2], 1), "shape"),
        (lambda: logit_marginal_difference(fit, shifted, 1), "not that of the fit"),
        (lambda: logit_marginal_difference(fit, x, 2), "must be 0 for some"),
        (lambda: logit_marginal_difference(fit, x, 0), "must be 0 for some"),
        (lambda: logit_marginal_difference(fit, x, 3), "numbers from 0 to 2"),
        (lambda: logit_marginal_difference(fit, x, 1, other_levels=[1]), "different numbers"),
        (lambda: logit_marginal_difference(fit, x, 1, covariates="both"), "covariates must"),
        (
            lambda: logit_marginal_difference(survey_logit(design, answer, product), product, 1),
            "column 3 of x is 0 wherever column 1 is 0",
        ),
        (
            lambda: logit_marginal_difference(survey_logit(design, answer, levels), levels, 1),
            "column 2 of x is 0 wherever column 1 is 1",
        ),
        (lambda: odds_ratios(straight), "no odds ratios"),
        (lambda: odds_ratios(fit, confidence_level=95), "between 0 and 1"),
        (lambda: wald_test(fit, []), "different numbers"),
        (lambda: wald_test(fit, [1, 1]), "different numbers"),
        (lambda: wald_test(fit, [3]), "from 0 to 2"),
        (lambda: wald_test(fit, [-1]), "from 0 to 2"),
    ]
    for call, message in calls:
        with pytest.raises(ValueError, match=message):
            call()


def test_a_census_has_nothing_to_test_against():
    rng = np.random.default_rng(15)
    cluster = np.repeat(np.arange(10), 8)
    design = survey_design(np.ones(80), clusters=cluster, population=np.full(80, 10))
    fit = survey_linear(design, rng.normal(size=80), columns(80, rng.random(80) < 0.5))
    assert (fit.covariance == 0).all()
    with pytest.raises(ValueError, match="no variance"):
        wald_test(fit, [1])


def test_results_are_frozen():
    fit = linear("strat")
    with pytest.raises(FrozenInstanceError):
        fit.df = 3
