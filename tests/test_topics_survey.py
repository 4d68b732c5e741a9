"""Surveys from simulated raw tables: weights, comparisons, the truth, small numbers hidden."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

import ballot_eval as be
from ballot_eval.answers import answers
from ballot_eval.disclosure import audit
from ballot_eval.errors import DesignError
from ballot_eval.plan_topics import Survey, SurveyMargin
from ballot_eval.reasons import told_reason
from ballot_eval.results import ResultSet
from ballot_eval.simulation import SurveyTruth, simulate_panel, simulate_surveys
from ballot_eval.sources import read_raw
from ballot_eval.topics.survey import protection, survey_measures, survey_results
from ballot_eval.topics.survey.protection import survey_counts
from ballot_eval.topics.survey.sample import CONTROL, EXPERIMENT, survey_sample

VOTERS = "voter_survey"


def accepted_of(study, folder, **tables):
    """Return the accepted tables of a folder with these tables and sound results."""
    results = simulate_panel(study, seed=1, effect=0.003)
    for name, table in {"municipality_results": results, **tables}.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    report = be.validate(read_raw(study, folder), study)
    assert not report.has_errors
    return report.accepted


@pytest.fixture(scope="module")
def accepted(gr2026, tmp_path_factory):
    folder = tmp_path_factory.mktemp("surveys")
    return accepted_of(gr2026, folder, **simulate_surveys(gr2026, seed=5))


@pytest.fixture(scope="module")
def results(accepted, gr2026):
    return {r.questionnaire.table: r for r in survey_results(accepted, gr2026)}


def planned(study, **survey):
    return study.model_copy(update={"survey": Survey(**survey)})


def sample_of(accepted, study, table=VOTERS, **options):
    return survey_sample(study.questionnaire(table), accepted, study, **options)


def measures_of(accepted, study, table=VOTERS):
    """Return the measures in all their digits."""
    other = "voter" if study.survey.weighting == "municipality" else "municipality"
    samples = (sample_of(accepted, study, table, weighting=w) for w in (None, other))
    return tuple(survey_measures(*samples, study))


def one(measures, **wanted):
    (found,) = (m for m in measures if all(getattr(m, k) == v for k, v in wanted.items()))
    return found


def test_weights_stand_for_the_voters_of_the_stations(accepted, gr2026):
    sample = sample_of(accepted, gr2026)
    frame, weights = sample.frame, sample.places.weights
    by_place = pd.Series(weights).groupby(sample.municipality).sum()
    np.testing.assert_allclose(by_place, 1.0)
    size = frame.groupby(sample.station)["respondent_id"].transform("size")
    people = frame["station_voters_count"].astype(float) / size
    ratio = pd.Series(weights) / people
    assert ratio.groupby(sample.municipality).agg(lambda r: r.max() / r.min()).max() < 1 + 1e-9
    other = sample_of(accepted, gr2026, weighting="voter")
    results = accepted["municipality_results"]
    cast = results[results["election_id"] == "GR2026"].set_index("municipality_code")
    sums = pd.Series(other.places.weights).groupby(other.municipality).sum()
    np.testing.assert_allclose(sums, cast.loc[sums.index, "votes_cast_count"])


def test_without_numbers_of_one_station_its_municipality_counts_every_answer_the_same(
    accepted, gr2026
):
    rows = accepted[VOTERS].copy()
    place = rows["municipality_code"].eq("0755")
    station = place & rows["polling_station_id"].eq(rows.loc[place, "polling_station_id"].iloc[0])
    rows.loc[station, "station_voters_count"] = pd.NA
    changed = accepted | {VOTERS: rows}
    sample = sample_of(changed, gr2026)
    assert sample.unweighted == ("0755",)
    inside = sample.municipality == "0755"
    assert np.ptp(sample.places.weights[inside]) < 1e-12
    assert np.ptp(sample.places.weights[~inside]) > 0.001


def test_the_comparison_is_that_of_the_municipalities_means(accepted, gr2026):
    """With everyone asked and answering it is Welch's difference with G − 2 degrees of freedom."""
    rows = accepted[VOTERS].copy()
    rows["sure"] = rows["sure"].where(rows["sure"].isin(["yes", "no"]), "no")
    changed = accepted | {VOTERS: rows}
    m = one(
        measures_of(changed, gr2026),
        question="sure",
        quantity="difference",
        breakdown="total",
        method="municipalities",
        weighting="municipality",
    )
    sample = sample_of(changed, gr2026)
    y = (rows["sure"] == "yes").to_numpy()
    share = pd.Series(y * sample.places.weights).groupby(sample.municipality).sum()
    new = share.index.isin(gr2026.experiment())
    difference = share[new].mean() - share[~new].mean()
    error = math.sqrt(sum(g.var(ddof=1) / len(g) for g in (share[new], share[~new])))
    assert m.estimate == pytest.approx(difference, abs=1e-12)
    assert m.standard_error == pytest.approx(error, rel=1e-9)
    assert m.df == len(share) - 2
    half = student.ppf(0.975, m.df) * error
    assert (m.ci_lower, m.ci_upper) == pytest.approx((difference - half, difference + half))
    assert m.p_value == pytest.approx(2 * student.sf(abs(difference) / error, m.df))


def test_p_values_are_adjusted_for_all_questions_together(accepted, gr2026, results):
    for table in results:
        measures = measures_of(accepted, gr2026, table)
        tested = [m for m in measures if math.isfinite(m.p_adjusted)]
        order = sorted(tested, key=lambda m: m.p_value)
        running = 0.0
        for rank, m in enumerate(order):
            running = max(running, min(1.0, m.p_value * (len(order) - rank)))
            assert m.p_adjusted == pytest.approx(running)
        assert all(m.breakdown == "total" and m.method == "municipalities" for m in tested)
    assert len([m for m in results[VOTERS].measures if math.isfinite(m.p_adjusted)]) == 5


def test_within_stations_it_is_the_regression_with_an_indicator_per_station(accepted, gr2026):
    sample = sample_of(accepted, gr2026)
    questionnaire = sample.questionnaire
    ease = answers(sample.frame, questionnaire, "ease")
    before = answers(sample.frame, questionnaire, "used_before")
    rows = (ease.notna() & before.notna()).to_numpy() & sample.members(EXPERIMENT)
    x = pd.get_dummies(pd.Series(sample.station[rows])).to_numpy(float)
    x = np.column_stack([before[rows] == "yes", x]).astype(float)
    root = np.sqrt(sample.places.weights[rows])[:, None]
    y = ease[rows].isin(["4", "5"]).to_numpy(float)
    slope = np.linalg.lstsq(x * root, y * root[:, 0], rcond=None)[0][0]
    exact = measures_of(accepted, gr2026)
    m = one(exact, question="ease", quantity="within_station_difference")
    assert m.estimate == pytest.approx(slope, abs=1e-10)


def test_margins_hold_within_each_group(accepted, gr2026):
    shares = {"18_34": 0.2, "35_49": 0.2, "50_64": 0.25, "65_74": 0.2, "75_plus": 0.15}
    study = planned(gr2026, margins=(SurveyMargin(question="age_band", shares=shares),))
    sample = sample_of(accepted, study)
    age = answers(sample.frame, sample.questionnaire, "age_band")
    for group in (EXPERIMENT, CONTROL):
        rows = sample.members(group) & age.notna().to_numpy()
        weight = pd.Series(sample.places.weights[rows]).groupby(age[rows].to_numpy()).sum()
        np.testing.assert_allclose(weight / weight.sum(), pd.Series(shares).sort_index(), rtol=1e-8)
    sums = pd.Series(sample.places.weights).groupby(sample.municipality).sum()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-8)
    plain = sample_of(accepted, gr2026)
    assert sample.assigned.auxiliary is not None
    assert plain.assigned.auxiliary is None


def test_margins_that_cannot_be_met_are_a_mistake_in_the_plan(accepted, gr2026):
    shares = {"18_34": 0.96, "35_49": 0.01, "50_64": 0.01, "65_74": 0.01, "75_plus": 0.01}
    study = planned(gr2026, margins=(SurveyMargin(question="age_band", shares=shares),))
    with pytest.raises(DesignError, match=r"survey\.margins .*age_band"):
        survey_results(accepted, study)


def test_trimming_keeps_municipalities_and_limits(accepted, gr2026):
    study = planned(gr2026, weighting="municipality", trim=(0.5, 2.0))
    sample = sample_of(accepted, study)
    weights = sample.places.weights
    assert weights.max() <= 2.0 * weights.mean() * (1 + 1e-9)
    assert weights.min() >= 0.5 * weights.mean() * (1 - 1e-9)
    sums = pd.Series(weights).groupby(sample.municipality).sum()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-8)
    expected = r"survey\.trim, weighting voter: .*Worst is municipality \d{4} with total"
    with pytest.raises(DesignError, match=expected):
        sample_of(accepted, planned(gr2026, trim=(0.999, 1.001)), weighting="voter")


def test_weights_of_the_other_weighting_that_cannot_be_had_stop_nothing(accepted, gr2026):
    shares = {"18_34": 0.2, "35_49": 0.2, "50_64": 0.25, "65_74": 0.2, "75_plus": 0.15}
    margins = (SurveyMargin(question="age_band", shares=shares),)
    study = planned(gr2026, trim=(0.3, 3.0), margins=margins)
    with pytest.raises(DesignError, match="weighting voter"):
        sample_of(accepted, study, weighting="voter")
    measures = next(r for r in survey_results(accepted, study)).measures
    by_voter = [m for m in measures if m.weighting == "voter"]
    assert len(by_voter) == 5
    assert all("survey.trim, weighting voter" in m.note for m in by_voter)
    assert all(math.isnan(m.estimate) and not m.hidden for m in by_voter)
    own = one(
        measures,
        question="ease",
        quantity="difference",
        breakdown="total",
        method="municipalities",
        weighting="municipality",
    )
    assert math.isfinite(own.p_adjusted)
    with pytest.raises(DesignError, match="weighting voter"):
        survey_results(
            accepted,
            study.model_copy(
                update={"survey": Survey(weighting="voter", trim=(0.3, 3.0), margins=margins)}
            ),
        )


def test_municipalities_with_one_station_are_joined(accepted, gr2026):
    rows = accepted[VOTERS]
    place = rows["municipality_code"] == "0755"
    first = rows.loc[place, "polling_station_id"].iloc[0]
    kept = rows[~place | rows["polling_station_id"].eq(first)].reset_index(drop=True)
    sample = sample_of(accepted | {VOTERS: kept}, gr2026)
    own = sample.places.strata[sample.municipality == "0755"]
    joined = np.unique(sample.municipality[sample.places.strata == own[0]])
    assert len(joined) == 2
    assert set(sample.group[np.isin(sample.municipality, joined)]) == {EXPERIMENT}


def test_one_ballot_alone_is_described_and_not_compared(accepted, gr2026):
    rows = accepted[VOTERS]
    new = rows[rows["ballot"] == "new"].reset_index(drop=True)
    (survey,) = survey_results(
        {"municipality_results": accepted["municipality_results"], VOTERS: new}
        | {t: accepted[t].iloc[:0] for t in ("station_survey", "municipality_survey")},
        gr2026,
    )
    assert {m.group for m in survey.measures} == {EXPERIMENT}
    assert one(survey.measures, question="ease", quantity="mean_score").estimate > 1


def test_answers_of_one_station_are_a_reason_not_a_number(accepted, gr2026):
    rows = accepted[VOTERS]
    station = rows["polling_station_id"].eq(rows["polling_station_id"].iloc[0])
    place = rows["municipality_code"].eq(rows["municipality_code"].iloc[0])
    alone = {VOTERS: rows[station & place].reset_index(drop=True)}
    rest = {t: accepted[t].iloc[:0] for t in ("station_survey", "municipality_survey")}
    (survey,) = survey_results(accepted | alone | rest, gr2026)
    assert not survey.measures
    assert survey.problem.startswith("the answers are of one polling station or one municipality")
    assert told_reason(survey.problem, {}).startswith("de antwoorden komen van één stembureau of")


@pytest.mark.parametrize("table", ["voter_survey", "station_survey", "municipality_survey"])
def test_nothing_below_the_threshold_is_in_the_results(accepted, gr2026, results, table):
    threshold = gr2026.survey.threshold
    measures = results[table].measures
    for m in measures:
        assert math.isnan(m.n) or m.n >= threshold or m.quantity == "polling_stations"
        assert math.isnan(m.count) or m.count == 0 or m.count >= threshold
        if m.hidden:
            numbers = (m.estimate, m.standard_error, m.ci_lower, m.ci_upper, m.p_value, m.count)
            assert all(math.isnan(v) for v in (*numbers, m.df, m.design_effect, m.p_adjusted))
    # A higher threshold, so that every survey has counts below it.
    counts = survey_counts(sample_of(accepted, gr2026, table), 3 * threshold)
    small = {c for c, n in counts.counts.items() if 0 < n < 3 * threshold}
    assert small
    assert small <= counts.hidden


@pytest.mark.parametrize("table", ["voter_survey", "station_survey", "municipality_survey"])
def test_what_is_hidden_cannot_be_worked_out(accepted, gr2026, table, monkeypatch):
    checked = []
    protect = protection.protect

    def watched(cells, relations, *, threshold):
        known = list(relations)
        marked = protect(cells, known, threshold=threshold)
        checked.append(audit(marked, known, threshold=threshold))
        return marked

    monkeypatch.setattr(protection, "protect", watched)
    survey_counts(sample_of(accepted, gr2026, table), gr2026.survey.threshold)
    assert checked[0]["safe"].all()


@pytest.mark.parametrize("table", ["voter_survey", "station_survey", "municipality_survey"])
def test_weighted_numbers_have_five_digits_and_counts_all(accepted, gr2026, results, table):
    exact = measures_of(accepted, gr2026, table)
    for m, full in zip(results[table].measures, exact, strict=True):
        for name in ("estimate", "standard_error", "ci_lower", "design_effect", "p_value"):
            value = getattr(m, name)
            assert math.isnan(value) or float(f"{value:.5g}") == value
            assert value == pytest.approx(getattr(full, name), rel=5.1e-5, nan_ok=True)
        same = [getattr(full, name) for name in ("n", "count", "df", "hidden")]
        assert repr([getattr(m, name) for name in ("n", "count", "df", "hidden")]) == repr(same)


def test_a_median_is_rounded_and_said_by_enough_or_not_given(accepted, gr2026, results):
    """Of municipalities it would be what one of them answered."""
    assert not any(m.quantity == "median" for m in results["municipality_survey"].measures)
    medians = [m for m in results["station_survey"].measures if m.quantity == "median"]
    assert any(not m.hidden for m in medians)
    sample = sample_of(accepted, gr2026, "station_survey")
    for m in medians:
        given = answers(sample.frame, sample.questionnaire, m.question)[sample.members(m.group)]
        shown = [v for v in (m.estimate, m.ci_lower, m.ci_upper) if not math.isnan(v)]
        enough = [
            min(sum(float(f"{v:.{digits}g}") == value for v in given.dropna()) for value in shown)
            for digits in ((2, 1) if shown else ())
        ]
        assert not shown or max(enough) >= gr2026.survey.threshold


def test_a_mean_score_goes_where_one_of_its_answers_is_hidden(results):
    measures = results["municipality_survey"].measures
    assert one(
        measures, question="preparation_ease", quantity="mean_score", group=EXPERIMENT
    ).hidden


def test_everything_survives_json(results):
    measures = tuple(m for r in results.values() for m in r.measures)
    text = ResultSet("gr2026", (), (), (), survey=measures).to_json()
    again = ResultSet.from_json(text)
    assert repr(again.survey) == repr(measures).replace(".0,", ".0,")
    assert "NaN" not in text


@pytest.mark.slow
def test_the_truth_is_found(gr2026, tmp_path_factory):
    """The mean over surveys is that of one huge survey; the intervals hold it."""
    truth = SurveyTruth()
    huge = SurveyTruth(stations_count=20, interviews_count=60)
    folder = tmp_path_factory.mktemp("huge")
    wanted = {}
    for seed in (101, 102):
        (folder / str(seed)).mkdir()
        tables = simulate_surveys(gr2026, seed=seed, truth=huge)
        found = accepted_of(gr2026, folder / str(seed), **{VOTERS: tables[VOTERS]})
        for name, m in compared(found, gr2026).items():
            wanted.setdefault(name, []).append(m.estimate)
    estimates, held = {}, []
    for seed in range(8):
        (folder / f"s{seed}").mkdir()
        tables = simulate_surveys(gr2026, seed=seed, truth=truth)
        found = accepted_of(gr2026, folder / f"s{seed}", **{VOTERS: tables[VOTERS]})
        for name, m in compared(found, gr2026).items():
            estimates.setdefault(name, []).append(m.estimate)
            held.append(m.ci_lower <= np.mean(wanted[name]) <= m.ci_upper)
    for name, values in estimates.items():
        assert np.mean(values) == pytest.approx(np.mean(wanted[name]), abs=0.03), name
    assert np.mean(wanted["ease"]) > 0.03
    # 40 intervals, five questions of one survey not independent.
    assert np.mean(held) >= 0.87


def compared(accepted, study):
    """Return the main comparisons of voters by question."""
    (survey,) = (r for r in survey_results(accepted, study) if r.questionnaire.table == VOTERS)
    return {m.question: m for m in survey.measures if math.isfinite(m.p_adjusted)}
