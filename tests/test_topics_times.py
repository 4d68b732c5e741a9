"""Times from simulated raw tables: the truth is found, kinds are kept apart, gaps are named."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.results import Measure, ResultSet, to_frame
from ballot_eval.simulation import (
    CountingTimeTruth,
    VotingTimeTruth,
    simulate_counting_times,
    simulate_panel,
    simulate_voting_times,
)
from ballot_eval.sources import read_raw
from ballot_eval.topics.booths import booth_results
from ballot_eval.topics.counting_time import counting_time_results
from ballot_eval.topics.counts import KINDS, log_linear, select_counts
from ballot_eval.topics.voters import select_voters
from ballot_eval.topics.voting_time import voting_time_results

DSO, CSO, CENTRAL = KINDS


def accepted_of(study, folder, **tables):
    """Return the accepted tables of a folder with these tables and sound results."""
    results = simulate_panel(study, seed=1, effect=0.003)
    for name, table in {"municipality_results": results, **tables}.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    report = be.validate(read_raw(study, folder), study)
    assert not report.has_errors
    return report.accepted


@pytest.fixture(scope="module")
def quick(gr2026):
    """Return the study with few draws."""
    analysis = gr2026.analysis.model_copy(update={"draws": 999, "max_exact": 999})
    queue = gr2026.times.queue.model_copy(
        update={"replications": 200, "draws": 20, "arrivals_per_hour": (60, 150)}
    )
    times = gr2026.times.model_copy(update={"draws": 199, "queue": queue})
    return gr2026.model_copy(update={"analysis": analysis, "times": times})


@pytest.fixture(scope="module")
def accepted(gr2026, tmp_path_factory):
    return accepted_of(
        gr2026,
        tmp_path_factory.mktemp("times"),
        voting_times=simulate_voting_times(gr2026, seed=5),
        counting_times=simulate_counting_times(gr2026, seed=5),
    )


@pytest.fixture(scope="module")
def voting(quick, accepted):
    return voting_time_results(accepted["voting_times"], quick)


@pytest.fixture(scope="module")
def counting(quick, accepted):
    return counting_time_results(accepted["counting_times"], quick)


def one(measures, **wanted) -> Measure:
    (found,) = [m for m in measures if all(getattr(m, k) == v for k, v in wanted.items())]
    return found


def test_the_true_ratio_of_voting_times_is_within_every_interval(voting):
    truth = VotingTimeTruth().ratio
    methods = {"mixed_model", "mixed_model_stations", "mixed_model_age", "randomisation"}
    found = [m for m in voting.measures if (m.quantity, m.subset) == ("ratio", "unassisted")]
    assert {m.method for m in found} == methods
    for m in found:
        assert m.ci_lower < truth < m.ci_upper
        assert 0 < m.p_value < 0.01
    assert one(found, method="mixed_model").n_clusters == 22
    assert one(found, method="mixed_model_stations").n_clusters == 80


def test_quantiles_and_restricted_means_tell_the_same(voting):
    wanted = {"subset": "unassisted", "group": "new/old"}
    for name in ("ratio_q10", "ratio_q25", "ratio_q50", "ratio_q75", "ratio_q90"):
        m = one(voting.measures, quantity=name, **wanted)
        assert m.ci_lower < m.estimate < m.ci_upper < 1
        assert 0.75 < m.estimate < 0.95
    new, old = (
        one(
            voting.measures,
            quantity="restricted_mean_seconds",
            group=ballot,
            subset="unassisted",
        ).estimate
        for ballot in ("new", "old")
    )
    ratio = one(voting.measures, quantity="restricted_mean_ratio", **wanted)
    difference = one(
        voting.measures, quantity="restricted_mean_seconds", group="new-old", subset="unassisted"
    )
    assert ratio.estimate == pytest.approx(new / old)
    assert difference.estimate == pytest.approx(new - old)


def test_groups_add_up(voting, accepted):
    rows = accepted["voting_times"]
    assert voting.voters["all"].n == len(rows)
    parts = voting.voters["unassisted"].n + voting.voters["assisted"].n
    assert parts == (rows["assisted"] != "unknown").sum()
    with pytest.raises(ValueError, match="not one of unassisted, assisted, all"):
        select_voters(rows, None, "some")  # type: ignore[arg-type]


def test_a_broken_off_observation_counts_as_longer(quick, accepted):
    rows = accepted["voting_times"].copy()
    plain = voting_time_results(rows, quick).measures
    # Half of the new ballots broken off at their time: complete ones alone would not change much.
    new = np.flatnonzero(rows["ballot"] == "new")[::2]
    rows.loc[rows.index[new], "observation_status"] = "cut_off"
    cut = voting_time_results(rows, quick).measures
    wanted = {"quantity": "median_seconds", "group": "new", "subset": "unassisted"}
    for method, rises in (("kaplan_meier", True), ("complete_observations", False)):
        before, after = (one(m, method=method, **wanted).estimate for m in (plain, cut))
        assert (after > 1.2 * before) is rises


def test_observers_are_told_apart_from_stations_where_two_worked(voting):
    share = one(voting.measures, quantity="observer_share_of_variance")
    within = one(voting.measures, quantity="observer_sd_log_seconds")
    assert 0 < share.estimate < 0.2
    assert within.estimate == pytest.approx(VotingTimeTruth().observer_sd, abs=0.05)


def test_booths(quick, voting):
    found = booth_results(voting.voters["all"], quick)
    assert len(found) == 6
    for subset in ("60_arrivals_per_hour", "150_arrivals_per_hour"):
        rows = {m.group: m for m in found if m.subset == subset}
        assert rows["new-old"].estimate == rows["new"].estimate - rows["old"].estimate <= 0
    no_queue = quick.model_copy(update={"times": quick.times.model_copy(update={"queue": None})})
    assert booth_results(voting.voters["all"], no_queue) == ()


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_the_true_ratio_of_counting_times_is_found(counting, kind):
    truth = getattr(
        CountingTimeTruth(), {"CSO_central": "central"}.get(kind.name, kind.name.lower())
    )
    m = one(
        counting.measures,
        quantity="work_ratio",
        subset=kind.name,
        method="mixed_model",
    )
    # Few municipalities: the interval of one simulated year in twenty misses.
    spread = math.log(m.ci_upper / m.ci_lower)
    assert abs(math.log(m.estimate / truth.ratio)) < spread
    assert 0 < m.p_value <= 1


def test_a_count_is_compared_with_its_own_earlier_election(counting):
    found = [m for m in counting.measures if m.quantity.endswith("_since_GR2022")]
    assert [m.subset for m in found] == ["DSO", "CSO", "CSO_central"]
    assert all(m.ci_lower < m.estimate < m.ci_upper for m in found)
    assert not [m for m in counting.measures if m.quantity.endswith("_since_GR2018")]


def test_shares_finished_rise_with_the_clock(counting):
    for kind in ("DSO", "CSO"):
        for ballot in ("new", "old"):
            shares = [
                m.estimate
                for m in counting.measures
                if (m.group, m.subset) == (ballot, kind) and m.quantity.startswith("share_finished")
            ]
            assert len(shares) == 5
            assert shares == sorted(shares)


def test_dso_and_cso_cannot_be_pooled(gr2026, accepted):
    rows = accepted["counting_times"]
    with pytest.raises(ValueError, match="counts of different kinds cannot be put together"):
        select_counts(rows, gr2026, "GR2026")
    station = rows[rows["counting_unit_type"] == "polling_station"]
    with pytest.raises(ValueError, match=r"CSO polling_station \(\d+\); DSO polling_station"):
        select_counts(station, gr2026, "GR2026")
    of_cso = rows[rows["counting_method"] == "CSO"]
    with pytest.raises(ValueError, match="CSO central_session"):
        select_counts(of_cso, gr2026, "GR2026")
    counts = select_counts(rows, gr2026, "GR2026", DSO)
    with pytest.raises(ValueError, match="cannot be put together"):
        dataclasses.replace(counts, frame=rows)
    assert set(select_counts(rows, gr2026, "GR2026", CENTRAL).frame["counting_method"]) == {"CSO"}


@pytest.mark.parametrize("method", ["", "BSO", float("nan"), None])
def test_counts_of_an_unknown_kind_are_refused(gr2026, accepted, method):
    rows = accepted["counting_times"]
    station = rows[rows["counting_unit_type"] == "polling_station"]
    unknown = station.assign(counting_method=method)
    with pytest.raises(ValueError, match="counts of an unknown kind"):
        select_counts(unknown, gr2026, "GR2026")
    some = station.assign(counting_method=station["counting_method"].where(station.index % 2 == 0))
    with pytest.raises(ValueError, match="cannot be put together"):
        select_counts(some, gr2026, "GR2026")


def test_the_regressors_are_those_that_vary(gr2026, accepted):
    y, x, names = log_linear(select_counts(accepted["counting_times"], gr2026, "GR2026", DSO))
    assert names[:2] == ("intercept", "experiment")
    assert x.shape == (len(y), len(names))


def test_a_former_municipality_takes_no_part(gr2026, accepted):
    rows = accepted["counting_times"]
    borne = rows.iloc[[0]].assign(municipality_code="0147", election_id="GR2026")
    both = pd.concat([rows, borne])
    kinds = (k for k in KINDS)
    assert all(
        "0147" not in set(select_counts(both, gr2026, "GR2026", k).municipality) for k in kinds
    )


def test_without_measurements_there_is_nothing(quick, accepted):
    empty = accepted["voting_times"].iloc[:0], accepted["counting_times"].iloc[:0]
    voting, counting = voting_time_results(empty[0], quick), counting_time_results(empty[1], quick)
    assert voting.measures == counting.measures == ()
    assert voting.voters == {}
    assert counting.curves == {}


def test_one_ballot_alone_says_why_there_is_no_comparison(quick, accepted):
    rows = accepted["voting_times"]
    found = voting_time_results(rows[rows["ballot"] == "new"], quick).measures
    compared = [m for m in found if "/" in m.group or "-" in m.group]
    assert compared
    assert all(math.isnan(m.estimate) and m.note for m in compared)
    assert not [m for m in found if m.group == "old"]
    assert math.isfinite(one(found, quantity="mean_seconds", subset="all", group="new").estimate)


def test_one_station_has_no_interval_but_a_reason(quick, accepted):
    rows = accepted["voting_times"]
    station = rows["polling_station_id"].iloc[0], rows["municipality_code"].iloc[0]
    few = rows[
        (rows["polling_station_id"] == station[0]) & (rows["municipality_code"] == station[1])
    ]
    found = voting_time_results(few, quick)
    assert all(m.note or math.isfinite(m.estimate) for m in found.measures)
    booths = booth_results(found.voters["all"], quick)
    assert all(m.note for m in booths if math.isnan(m.estimate))


def test_one_station_with_a_ballot_has_estimates_without_interval(quick, accepted):
    rows = accepted["voting_times"]
    first = rows[(rows["ballot"] == "new") & (rows["assisted"] == "no")].iloc[0]
    here = (rows["polling_station_id"] == first["polling_station_id"]) & (
        rows["municipality_code"] == first["municipality_code"]
    )
    found = voting_time_results(rows[here | (rows["ballot"] == "old")], quick)
    seconds = rows[here & (rows["assisted"] == "no")]
    whole = seconds.loc[seconds["observation_status"] == "complete", "voting_seconds"]
    mean = one(found.measures, quantity="mean_seconds", subset="unassisted", group="new")
    assert mean.estimate == pytest.approx(whole.mean())
    for quantity in ("mean_seconds", "median_seconds", "restricted_mean_seconds"):
        for m in found.measures:
            if (m.quantity, m.subset, m.group) == (quantity, "unassisted", "new"):
                assert math.isfinite(m.estimate)
                assert math.isnan(m.ci_lower)
                assert math.isnan(m.ci_upper)
                assert "are of one polling_station, so there is no interval" in m.note
    curve = found.curves["unassisted", "new"]
    assert np.isnan(curve.lower).all()
    assert np.isfinite(found.curves["unassisted", "old"].lower).any()


def test_one_municipality_with_a_ballot_is_not_compared(quick, accepted):
    rows = accepted["voting_times"]
    codes = rows.loc[rows["ballot"] == "new", "municipality_code"].unique()
    few = rows[(rows["ballot"] == "old") | (rows["municipality_code"] == codes[0])]
    found = voting_time_results(few, quick)
    ratios = [m for m in found.measures if m.quantity == "ratio" and m.subset == "unassisted"]
    assert "mixed_model_stations" in {m.method for m in ratios}
    for m in ratios:
        assert math.isnan(m.estimate)
        assert "with the new ballot are of one municipality" in m.note
    booths = {m.group: m for m in booth_results(found.voters["all"], quick)[:3]}
    assert booths["new"].estimate - booths["old"].estimate == booths["new-old"].estimate
    assert math.isnan(booths["new"].ci_lower)
    assert math.isfinite(booths["old"].ci_lower)
    assert math.isnan(booths["new-old"].ci_upper)


def test_where_nobody_knows_of_help_all_voters_are_compared(quick, accepted, voting):
    rows = accepted["voting_times"].assign(assisted="unknown")
    found = voting_time_results(rows, quick)
    assert (voting.main, found.main) == ("unassisted", "all")
    assert found.quantiles is not None
    assert one(found.measures, quantity="observer_share_of_variance").subset == "all"
    wanted = {"quantity": "ratio", "subset": "all", "method": "mixed_model"}
    assert one(found.measures, **wanted).estimate == one(voting.measures, **wanted).estimate


def test_one_municipality_of_counts_has_shares_without_interval(quick, accepted):
    rows = accepted["counting_times"]
    now = rows[(rows["election_id"] == "GR2026") & (rows["counting_method"] == "DSO")]
    codes = [now.loc[now["ballot"] == b, "municipality_code"].iloc[0] for b in ("new", "old")]
    few = now[now["municipality_code"].isin(codes)]
    found = counting_time_results(few, quick)
    assert set(found.curves["DSO"]) == {"new", "old"}
    counts = select_counts(few, quick, "GR2026", DSO)
    new = counts.only(counts.experiment)
    mean = one(found.measures, quantity="mean_person_minutes_per_100_ballots", group="new")
    assert mean.estimate == pytest.approx(new.pace[new.finished].mean())
    assert "one municipality" in mean.note
    shares = [m for m in found.measures if m.quantity.startswith("share_finished")]
    assert all(math.isnan(m.ci_lower) and m.note for m in shares)
    assert any(0 < m.estimate < 1 for m in shares)


def test_a_share_beyond_what_was_seen_says_so(quick, accepted):
    rows = accepted["counting_times"]
    rows = rows[rows["election_id"] == "GR2026"].assign(counting_status="still_counting")
    early = rows["started_at"].dt.normalize() + pd.Timedelta(hours=22, minutes=30)
    begun = early - pd.Timedelta(hours=1)
    found = counting_time_results(rows.assign(ended_at=early, started_at=begun), quick)
    for m in found.measures:
        if m.quantity.startswith("share_finished") and m.subset == "DSO":
            known = m.quantity == "share_finished_60_minutes_after_closing"
            assert (m.estimate == 0) is known
            assert ("finished" if known else "no count was seen so long") in m.note


def test_the_test_of_proportional_hazards_names_no_clusters(counting):
    for m in counting.measures:
        if m.quantity == "proportional_hazards":
            assert (m.cluster, m.n_clusters) == ("", 0)
            assert m.n > 0
            assert "as independent" in m.note


def test_only_broken_off_observations(quick, accepted):
    rows = accepted["voting_times"].assign(observation_status="cut_off")
    found = voting_time_results(rows, quick)
    assert all(m.note for m in found.measures if math.isnan(m.estimate))
    counts = accepted["counting_times"].assign(counting_status="still_counting")
    counted = counting_time_results(counts, quick)
    assert all(math.isnan(m.estimate) and m.note for m in counted.measures if "/" in m.group)


def test_measures_round_trip(voting, counting):
    results = ResultSet(
        "s", (), (), (), voting_time=voting.measures, counting_time=counting.measures
    )
    again = ResultSet.from_json(results.to_json())
    assert again.to_json() == results.to_json()
    frame = to_frame(results.voting_time, Measure)
    assert list(frame.columns[:4]) == ["quantity", "group", "subset", "method"]
