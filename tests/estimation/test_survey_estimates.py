"""Totals, means, shares, ratios, quantiles and their intervals against R's survey package."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from ballot_eval.estimation.survey.calibration import poststratify
from ballot_eval.estimation.survey.design import SurveyEstimate, survey_design
from ballot_eval.estimation.survey.estimates import (
    survey_contrast,
    survey_domain_means,
    survey_mean,
    survey_ratio,
    survey_total,
)
from ballot_eval.estimation.survey.intervals import share_interval, t_interval, t_p_value
from ballot_eval.estimation.survey.quantiles import survey_quantile

REFERENCE = Path(__file__).parents[1] / "reference"
DESIGNS = ("clus", "clus_fpc", "strat", "srs", "clus_poststratified")
EXACT = 1e-9


@pytest.fixture(scope="module")
def expected():
    return json.loads((REFERENCE / "survey_estimates_reference.json").read_text("utf-8"))


@pytest.fixture(scope="module", params=DESIGNS)
def case(request, expected):
    """Return the rows, the design and R's numbers of one sample."""
    name = request.param
    rows = pd.read_csv(REFERENCE / f"survey_api{name.split('_')[0].replace('clus', 'clus1')}.csv")
    options = {}
    if name.startswith("clus"):
        options["clusters"] = rows["dnum"]
    if name == "strat":
        options["strata"] = rows["stype"]
    if name in ("clus_fpc", "strat", "srs"):
        options["population"] = rows["fpc"]
    design = survey_design(rows["pw"], **options)
    if name == "clus_poststratified":
        design = poststratify(design, rows["stype"], expected["size"]).design
    return rows, design, expected[name]


def same(estimate, wanted, *, deff=True):
    np.testing.assert_allclose(estimate.estimate, np.atleast_1d(wanted["estimate"]), rtol=EXACT)
    np.testing.assert_allclose(estimate.standard_error, np.atleast_1d(wanted["se"]), rtol=EXACT)
    if deff and "deff" in wanted:
        np.testing.assert_allclose(estimate.design_effect, np.atleast_1d(wanted["deff"]), rtol=1e-7)
    if "df" in wanted:
        assert estimate.df == wanted["df"]
        limits = np.column_stack(t_interval(estimate))
        np.testing.assert_allclose(limits, np.atleast_2d(wanted["ci"]), rtol=EXACT)


def large_high_schools(rows):
    return ((rows["stype"] == "H") & (rows["enroll"] > 800)).to_numpy()


def test_means_totals_and_ratios(case):
    rows, design, wanted = case
    same(survey_mean(design, rows[["api00", "enroll"]]), wanted["mean"])
    same(survey_total(design, rows["enroll"]), wanted["total"])
    same(survey_ratio(design, rows["api.stu"], rows["enroll"]), wanted["ratio"])
    indicators = pd.get_dummies(rows["stype"])[["E", "H", "M"]]
    shares, found = wanted["shares"], survey_mean(design, indicators)
    np.testing.assert_allclose(found.estimate, shares["estimate"], rtol=EXACT)
    # Shares of the strata, or of what the weights were made to meet, are known exactly.
    np.testing.assert_allclose(found.standard_error, shares["se"], rtol=EXACT, atol=1e-12)


def test_domains(case):
    rows, design, wanted = case
    inside = large_high_schools(rows)
    missing = rows["api00"].where(inside)
    same(survey_mean(design, missing, domain=inside), wanted["domain_mean"])
    # R holds the total of a domain against one of known size; here that is part of the chance.
    total = survey_total(design, rows["enroll"], domain=inside)
    same(total, wanted["domain_total"], deff=False)
    assert 0.1 < total.design_effect[0] < 4
    ratio = survey_ratio(design, rows["api.stu"], rows["enroll"], domain=inside)
    same(ratio, wanted["domain_ratio"])


def test_a_domain_is_not_a_sample_of_its_own():
    rows = pd.read_csv(REFERENCE / "survey_apistrat.csv")
    design = survey_design(rows["pw"], strata=rows["stype"], population=rows["fpc"])
    inside = large_high_schools(rows)
    part = survey_design(rows["pw"][inside], population=rows["fpc"][inside])
    right = survey_total(design, rows["enroll"], domain=inside)
    wrong = survey_total(part, rows["enroll"][inside])
    assert wrong.estimate == pytest.approx(right.estimate)
    assert wrong.standard_error[0] < 0.6 * right.standard_error[0]


def test_means_by_group_with_their_covariance(case):
    rows, design, wanted = case
    by = wanted["by"]
    domains = np.column_stack([rows["stype"] == kind for kind in ("E", "H", "M")])
    found = survey_domain_means(design, rows["api00"], domains)
    np.testing.assert_allclose(found.estimate, by["estimate"], rtol=EXACT)
    np.testing.assert_allclose(found.covariance, by["covariance"], rtol=EXACT, atol=1e-9)
    made = survey_contrast(found, [[1, -1, 0], [0.5, 0.5, -1]])
    np.testing.assert_allclose(made.estimate, by["contrast"], rtol=EXACT)
    np.testing.assert_allclose(made.standard_error, by["contrast_se"], rtol=EXACT)
    one = survey_mean(design, rows["api00"], domain=domains[:, 1])
    assert found.design_effect[1] == pytest.approx(one.design_effect[0])


@pytest.mark.parametrize("method", ["korn_graubard", "logit", "wald"])
def test_intervals_of_shares(case, method):
    rows, design, wanted = case
    inside = large_high_schools(rows)
    for name, values, domain in (
        ("share", rows["sch.wide"] == "No", None),
        ("rare", rows["enroll"] > 1500, None),
        ("domain_share", rows["awards"] == "Yes", inside),
    ):
        found = survey_mean(design, values, domain=domain)
        if design.auxiliary is not None:
            # R keeps all respondents in a domain of a calibrated design, with weight zero.
            found = replace(found, n=design.n)
        limits = share_interval(found, method=method, truncate=False)
        assert found.estimate[0] == pytest.approx(wanted[name]["estimate"], rel=1e-8)
        np.testing.assert_allclose(np.ravel(limits), wanted[name][method], rtol=1e-7)


def test_quantiles(case):
    rows, design, wanted = case
    for name, rule, interval in (
        ("math_wald", "math", "wald"),
        ("math_logit", "math", "logit"),
        ("school_wald", "school", "wald"),
    ):
        for row, p in zip(wanted["quantiles"][name], (0.123, 0.487, 0.876), strict=True):
            found = survey_quantile(design, rows["api00"], p, rule=rule, interval=interval)
            assert (found.estimate, found.ci_lower, found.ci_upper) == pytest.approx(row, rel=EXACT)
    elementary = (rows["stype"] == "E").to_numpy()
    for row, p in zip(wanted["quantiles"]["domain"], (0.123, 0.487, 0.876), strict=True):
        found = survey_quantile(design, rows["api00"], p, domain=elementary, interval="wald")
        assert (found.estimate, found.ci_lower, found.ci_upper) == pytest.approx(row, rel=EXACT)


def test_a_quantile_where_the_share_is_exact():
    design = survey_design([1, 2, 1, 4], clusters=[1, 2, 3, 4])
    values = [10.0, 20.0, 30.0, 50.0]
    assert survey_quantile(design, values, 0.5).estimate == 30
    assert survey_quantile(design, values, 0.5, rule="school").estimate == 40
    assert survey_quantile(design, values, 0.500001).estimate == 50


def test_published_numbers():
    """Lumley's published figures for these samples."""
    strat = pd.read_csv(REFERENCE / "survey_apistrat.csv")
    design = survey_design(strat["pw"], strata=strat["stype"], population=strat["fpc"])
    mean = survey_mean(design, strat["api00"])
    assert mean.estimate[0] == pytest.approx(662.28736316, abs=1e-6)
    assert mean.standard_error[0] == pytest.approx(9.40894080, abs=1e-6)
    ratio = survey_ratio(design, strat["api.stu"], strat["enroll"])
    assert ratio.estimate[0] == pytest.approx(0.83695689, abs=1e-6)
    assert ratio.standard_error[0] == pytest.approx(0.00775710, abs=1e-6)
    srs = pd.read_csv(REFERENCE / "survey_apisrs.csv")
    simple = survey_mean(survey_design(srs["pw"], population=srs["fpc"]), srs["api00"])
    assert simple.estimate[0] == pytest.approx(656.585, abs=1e-6)
    assert simple.standard_error[0] == pytest.approx(9.24972204, abs=1e-6)
    clus = pd.read_csv(REFERENCE / "survey_apiclus1.csv")
    clustered = survey_design(clus["pw"], clusters=clus["dnum"], population=clus["fpc"])
    mean = survey_mean(clustered, clus["api00"])
    assert mean.estimate[0] == pytest.approx(644.16939891, abs=1e-6)
    assert mean.standard_error[0] == pytest.approx(23.54224069, abs=1e-6)


@pytest.mark.parametrize("count", [0, 1, 7, 20])
def test_without_clusters_and_weights_the_interval_is_that_of_clopper_and_pearson(count):
    values = np.arange(20) < count
    found = survey_mean(survey_design(np.ones(20)), values)
    # With its 19 degrees of freedom the sample variance is 20/19 of p(1 − p)/20.
    size = 19 if 0 < count < 20 else 20
    lower, upper = share_interval(found)
    wanted = (
        beta.ppf(0.025, size * count / 20, size * (1 - count / 20) + 1) if count else 0.0,
        beta.ppf(0.975, size * count / 20 + 1, size * (1 - count / 20)) if count < 20 else 1.0,
    )
    assert (lower[0], upper[0]) == pytest.approx(wanted, rel=1e-9)


def test_the_effective_number_is_at_most_the_respondents():
    tiny = SurveyEstimate(np.array([0.1]), np.array([[1e-8]]), 10, 50, np.array([np.nan]))
    narrow = share_interval(tiny, truncate=False)
    wide = share_interval(tiny)
    assert wide[1] - wide[0] > 10 * (narrow[1] - narrow[0])
    np.testing.assert_allclose(
        np.ravel(wide), [beta.ppf(0.025, 5, 46), beta.ppf(0.975, 6, 45)], rtol=1e-9
    )


def test_shares_of_zero_and_one_have_no_symmetric_interval():
    found = survey_mean(survey_design(np.ones(10)), np.zeros(10))
    for method in ("wald", "logit"):
        assert np.isnan(share_interval(found, method=method)).all()


def test_p_values_are_those_of_t(case):
    rows, design, _ = case
    domains = np.column_stack([rows["stype"] == "E", rows["stype"] == "M"])
    found = survey_contrast(survey_domain_means(design, rows["api00"], domains), [1, -1])
    lower, upper = t_interval(found, confidence_level=1 - t_p_value(found)[0])
    assert min(abs(lower[0]), abs(upper[0])) == pytest.approx(0, abs=1e-6)


def test_bad_input_is_refused():
    design = survey_design(np.ones(6), clusters=[1, 1, 2, 2, 3, 3])
    y = np.arange(6.0)
    with pytest.raises(ValueError, match="holds no respondent"):
        survey_mean(design, y, domain=np.zeros(6, dtype=bool))
    with pytest.raises(ValueError, match="true or false"):
        survey_mean(design, y, domain=np.ones(6))
    with pytest.raises(ValueError, match="missing"):
        survey_mean(design, np.where(y > 4, np.nan, y))
    with pytest.raises(ValueError, match="one row per respondent"):
        survey_total(design, y[:4])
    with pytest.raises(ValueError, match="adds up to zero"):
        survey_ratio(design, y, np.zeros(6))
    with pytest.raises(ValueError, match="denominator must be"):
        survey_ratio(design, y, np.ones((6, 2)))
    with pytest.raises(ValueError, match="domains"):
        survey_domain_means(design, y, np.ones(6, dtype=bool))
    with pytest.raises(ValueError, match="coefficients"):
        survey_contrast(survey_mean(design, y), [1, -1])
    one = np.array([True, True, False, False, False, False])
    alone = survey_mean(design, y > 0, domain=one)
    with pytest.raises(ValueError, match="too few clusters"):
        share_interval(alone)
    with pytest.raises(ValueError, match="too few clusters"):
        t_p_value(alone)
    found = survey_mean(design, y > 2)
    with pytest.raises(ValueError, match="confidence_level"):
        share_interval(found, confidence_level=95)
    with pytest.raises(ValueError, match="method"):
        share_interval(found, method="exact")
    with pytest.raises(ValueError, match="between 0 and 1"):
        share_interval(survey_mean(design, y))
    for bad in ({"probability": 1.0}, {"probability": 0.5, "rule": "hf7"}):
        with pytest.raises(ValueError, match="must"):
            survey_quantile(design, y, **bad)
