"""Proportional-odds regressions of surveys against R's svyolr, derivatives and known truths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t
from statsmodels.miscmodels.ordinal_model import OrderedModel
from survey_regression_cases import (
    DESIGNS,
    NUMBERS,
    columns,
    covariance_error,
    draw,
    population,
    sandwich,
    school_design,
    separated,
)

from ballot_eval.estimation.survey.comparison import odds_ratios, wald_test
from ballot_eval.estimation.survey.design import survey_design
from ballot_eval.estimation.survey.ordered import _Model, survey_ordered_logit


def school_fit(name):
    data, design, domain = school_design(name)
    moving = np.digitize(data["mobility"], [10.5, 15.5, 25.5])
    x = np.column_stack([data["ell"], data["meals"]])
    return survey_ordered_logit(design, moving, x, domain=domain)


@pytest.mark.parametrize("name", DESIGNS)
def test_ordered_logit_gives_the_numbers_of_r(name):
    fit, expected = school_fit(name), NUMBERS["ordered"][name]
    assert fit.coefficients == pytest.approx(expected["coefficients"], rel=1e-9)
    assert fit.thresholds == pytest.approx(expected["thresholds"], rel=1e-9)
    # svyolr takes its Hessian from differences of the gradient: good to 1e-9 at best.
    assert covariance_error(fit.covariance, expected["covariance"]) < 1e-8
    assert (fit.df, fit.n, fit.converged) == (expected["df"], expected["n"], True)
    first = np.flatnonzero(fit.used)[0]
    if "domain" not in name:
        assert fit.fitted[first] == pytest.approx(expected["fitted_first"], rel=1e-9)


def test_wald_test_of_an_ordered_logit_gives_the_numbers_of_r():
    found, expected = wald_test(school_fit("strat"), [0, 1]), NUMBERS["wald"]["ordered_strat"]
    assert found.statistic == pytest.approx(expected["statistic"], rel=1e-8)
    assert found.p_value == pytest.approx(expected["p_value"], rel=1e-8)
    assert (found.df_numerator, found.df) == (expected["df_numerator"], expected["df"])


def survey(seed, n=400, levels=4):
    """Return a design without correction, two columns and an ordered answer."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, 20, n)
    design = survey_design(rng.uniform(1, 5, n), strata=cluster % 2, clusters=cluster)
    x = np.column_stack([rng.random(n) < 0.5, rng.normal(20, 2, n)]).astype(float)
    latent = x @ [0.8, 0.2] + rng.logistic(size=n)
    y = np.digitize(latent, np.quantile(latent, np.arange(1, levels) / levels)) + 1
    return design, y, x, rng


def test_equal_weights_give_the_ordered_model_of_statsmodels():
    _, y, x, _ = survey(1)
    fit = survey_ordered_logit(survey_design(np.ones(len(y))), y, x)
    peer = OrderedModel(y, x - x.mean(axis=0), distr="logit").fit(
        method="newton", disp=False, tol=1e-12, maxiter=200
    )
    thresholds = peer.model.transform_threshold_params(peer.params)[1:-1]
    assert fit.coefficients == pytest.approx(peer.params[:2], rel=1e-6)
    assert fit.thresholds - x.mean(axis=0) @ fit.coefficients == pytest.approx(thresholds, rel=1e-6)


def test_gradient_and_information_are_those_of_differences():
    design, y, x, rng = survey(2, n=120)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    share = design.weights / design.weights.sum()
    model = _Model(z, (y - 1).astype(np.intp), share, 4)
    at = model.start() + 0.2 * rng.normal(size=5) * [1, 1, 0.1, 0.1, 0.1]
    value, gradient, information = model.objective(at)
    steps = 1e-5 * np.eye(5)
    slope = [(model.objective(at + h)[0] - model.objective(at - h)[0]) / 2e-5 for h in steps]
    bend = [(model.objective(at + h)[1] - model.objective(at - h)[1]) / 2e-5 for h in steps]
    assert gradient == pytest.approx(np.array(slope), abs=1e-9)
    assert -information == pytest.approx(np.array(bend), abs=1e-9)
    edges = np.concatenate([[-np.inf], at[2:], [np.inf]])
    probability = expit(edges[y] - z @ at[:2]) - expit(edges[y - 1] - z @ at[:2])
    assert value == pytest.approx(float(share @ np.log(probability)), rel=1e-12)


def test_covariance_is_the_sandwich_written_out():
    design, y, x, _ = survey(3)
    fit = survey_ordered_logit(design, y, x)
    model = _Model(x, (y - 1).astype(np.intp), design.weights, 4)
    at = np.concatenate([fit.coefficients, fit.thresholds])
    assert model.objective(at)[1] == pytest.approx(np.zeros(5), abs=1e-7)
    expected = sandwich(design, model.scores(at), model.objective(at)[2])
    assert covariance_error(fit.covariance, expected) < 1e-7
    assert fit.fitted.sum(axis=1) == pytest.approx(np.ones(len(y)), rel=1e-12)


def test_a_reversed_answer_reverses_the_signs():
    design, y, x, _ = survey(4)
    fit, mirror = survey_ordered_logit(design, y, x), survey_ordered_logit(design, -y, x)
    assert mirror.coefficients == pytest.approx(-fit.coefficients, rel=1e-9)
    assert mirror.thresholds == pytest.approx(-fit.thresholds[::-1], rel=1e-9)
    assert covariance_error(mirror.covariance[:2, :2], fit.covariance[:2, :2]) < 1e-9
    assert odds_ratios(mirror).ci_lower == pytest.approx(1 / odds_ratios(fit).ci_upper, rel=1e-9)


def test_levels_nobody_in_the_domain_chose_do_not_count():
    design, y, x, _ = survey(6)
    domain = y != 2
    fit = survey_ordered_logit(design, y, x, domain=domain)
    hole_y, hole_x = np.where(domain, y, np.nan), np.where(domain[:, None], x, np.nan)
    holes = survey_ordered_logit(design, hole_y, hole_x, domain=domain)
    assert fit.levels.tolist() == [1, 3, 4]
    assert (holes.covariance == fit.covariance).all()
    assert np.isnan(holes.fitted[~domain]).all()


def test_many_levels_and_columns_far_from_zero():
    design, y, x, _ = survey(7, levels=11)
    near = survey_ordered_logit(design, y, x)
    far = survey_ordered_logit(design, y, x * [1e-6, 1e4] + [5, 1e7])
    assert len(near.thresholds) == 10
    assert far.fitted == pytest.approx(near.fitted, rel=1e-7)


def test_ordered_logit_recovers_the_population_and_covers_it():
    stratum, cluster, x, noise = population(8)
    y = np.digitize(x @ [0.8, 0.4] + noise, [-1, 0.5, 2])
    truth = survey_ordered_logit(survey_design(np.ones(len(y))), y, x)
    rng = np.random.default_rng(9)
    covered, estimates = [], []
    aim = np.concatenate([truth.coefficients, truth.thresholds])
    for _ in range(120):
        row, design = draw(rng, stratum, cluster)
        fit = survey_ordered_logit(design, y[row], x[row])
        found = np.concatenate([fit.coefficients, fit.thresholds])
        covered.append(np.abs(found - aim) <= t.ppf(0.975, fit.df) * fit.standard_error)
        estimates.append(found)
    assert (np.mean(covered, axis=0) > 0.88).all()
    spread = np.std(estimates, axis=0) / np.sqrt(len(estimates))
    assert (np.abs(np.mean(estimates, axis=0) - aim) < 3.5 * spread).all()


def test_separation_is_refused():
    design, y, x, rng = survey(11)
    top = x[:, 0] == 1
    with pytest.raises(ValueError, match=r"columns \[0\] .*separation"):
        survey_ordered_logit(design, np.where(top, 4, np.minimum(y, 3)), x)
    with pytest.raises(ValueError, match=r"columns \[.*1\] .*separation"):
        survey_ordered_logit(design, np.digitize(x[:, 1], [19, 21]), x)
    shuffled = rng.permutation(y)
    assert survey_ordered_logit(design, shuffled, x).converged


def test_separation_is_found_where_linear_programming_finds_it():
    found, expected = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = np.column_stack([rng.normal(size=20), rng.random(20) < 0.2]).astype(float)
        y = np.digitize(5 * x[:, 0] + rng.logistic(size=20), [-2, 2])
        if len(set(y)) < 3 or not x[:, 1].any():
            continue
        try:
            survey_ordered_logit(survey_design(rng.uniform(1, 9, 20)), y, x)
        except ValueError as error:
            assert "separation" in str(error)  # noqa: PT017
            found.append(True)
        else:
            found.append(False)
        edges = np.eye(3)
        upper = np.column_stack([-x, edges[y][:, :2]])[y < 2]
        lower = np.column_stack([x, -edges[y - 1][:, :2]])[y > 0]
        expected.append(separated(np.concatenate([upper, lower])))
    assert found == expected
    assert 0 < sum(expected) < len(expected)


def test_ordered_logit_refuses_bad_input():
    design, y, x, rng = survey(12)
    n = len(y)
    hole = np.where(np.arange(n) == 2, np.nan, y)
    calls = [
        ((np.minimum(y, 2), x), {}, "2 level"),
        ((np.ones(n), x), {}, "1 level"),
        ((y, x), {"domain": y < 3}, "2 level"),
        ((hole, x), {}, "missing"),
        ((y, np.where(x == x[4, 1], np.nan, x)), {}, "missing"),
        ((y, columns(n, x)), {}, "column 0 of x is the same"),
        ((y, np.column_stack([x, x[:, 0] - 2 * x[:, 1]])), {}, r"\[0, 1, 2\].*collinear"),
        ((y, np.column_stack([x, 1 - x[:, 0]])), {}, r"\[0, 2\] of x add up to a constant"),
        ((y, x[:, 1]), {}, "x must be"),
        ((y, x[1:]), {}, "x must be"),
        ((y[1:], x), {}, "y must be"),
        ((y, rng.normal(size=(n, 18))), {}, "leave 0 degrees"),
    ]
    for arguments, named, message in calls:
        with pytest.raises(ValueError, match=message):
            survey_ordered_logit(design, *arguments, **named)
