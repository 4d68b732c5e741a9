"""Reasons of invalidity and votes for a party alone: sums by hand, identities, completeness."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.design import StudyDesign
from ballot_eval.estimation.rates import own_interval, wilson_interval
from ballot_eval.panel import contrast
from ballot_eval.schema import TABLES
from ballot_eval.topics.invalid_votes import estimate_effect
from ballot_eval.topics.marking import marking_results
from ballot_eval.topics.marking.party_only import (
    LEADER,
    LEFT_OUT,
    NOT_COVERED,
    SOME_STATIONS,
    WITHOUT,
    party_only_counts,
    party_only_results,
)
from ballot_eval.topics.marking.published import published_results
from ballot_eval.topics.marking.reasons import reason_results
from ballot_eval.topics.marking.shares import PARTS_DIFFER
from marking_frames import by_key, half_the_stations, marked


@pytest.fixture(scope="module")
def world(gr2026):
    return marked(gr2026)


@pytest.fixture(scope="module")
def half(world):
    return half_the_stations(world[1])


def test_shares_are_counts_over_counts_and_add_up(world):
    panel, tables = world
    found = by_key(reason_results(tables, panel))
    frame = tables["invalid_reasons"]
    frame = frame[frame["polling_station_id"] == ""]
    counts = panel.results[
        (panel.results["election_id"] == "GR2026") & (panel.results["role"] == "experiment")
    ]
    design = frame["reason"].isin(["several_parties", "number_without_party", "number_above_list"])
    m = found["experiment", "design", "share_of_votes_cast"]
    assert m.numerator == frame.loc[design, "votes_count"].sum()
    assert m.denominator == counts["votes_cast_count"].sum()
    assert (m.count, m.counted) == (11, "municipalities")
    parts = ("design", "general", "several_numbers", "without_reason")
    for unit in ("experiment", "0755"):
        shares = [found[unit, level, "share_of_invalid"].estimate for level in parts]
        assert sum(shares) == pytest.approx(1, abs=1e-12)
    by_code = frame[design].groupby("municipality_code")["votes_count"].sum()
    ballots = counts.set_index("municipality_code")["votes_cast_count"].loc[by_code.index]
    assert (m.ci_lower, m.ci_upper) == own_interval(by_code.to_numpy(), ballots.to_numpy())


def test_a_municipality_has_an_interval_when_its_stations_are_known(world):
    panel, tables = world
    found = by_key(reason_results(tables, panel))
    known = set(tables["invalid_reasons"].query("polling_station_id != ''")["municipality_code"])
    for code in panel.study.experiment():
        m = found[code, "design", "share_of_invalid"]
        assert math.isnan(m.ci_lower) == (code not in known), code
        assert (m.note == "") == (code in known)
    assert known
    assert known < set(panel.study.experiment())


def test_own_intervals_are_wider_than_binomial_ones_and_undefined_alone():
    x, n = [10, 30], [1000, 1000]
    low, high = own_interval(x, n)
    assert low < wilson_interval(40, 2000)[0] < 0.02 < wilson_interval(40, 2000)[1] < high
    assert all(map(math.isnan, own_interval([10], [1000])))
    assert all(map(math.isnan, own_interval([0, 0], [1000, 1000])))
    # Units of one ballot hold no two that could be alike.
    assert all(map(math.isnan, own_interval([1, 0, 1], [1, 1, 1])))


def test_the_net_excess_is_the_ballot_weighted_effect_and_the_identity_holds(world):
    panel, tables = world
    found = by_key(reason_results(tables, panel))
    effect = estimate_effect(
        panel,
        outcome="invalid",
        weighting="ballot",
        baseline="GR2022",
        method="randomisation",
        draws=199,
        seed=panel.study.analysis.seed,
    ).effect

    def item(level, quantity):
        return found["experiment-control", level, quantity]

    net = item("invalid", "net_excess")
    assert (net.estimate, net.ci_lower, net.ci_upper, net.p_value) == (
        *(effect.estimate, effect.ci_lower, effect.ci_upper),
        effect.p_value,
    )
    difference = item("design", "gross_minus_net")
    rest = sum(
        item(level, "gross_share").estimate
        for level in ("general", "several_numbers", "without_reason")
    )
    expected = item("invalid", "expected_share").estimate
    assert difference.estimate == pytest.approx(expected - rest, abs=1e-12)
    assert difference.ci_lower < difference.estimate < difference.ci_upper
    # By hand: the earlier rate at today's ballots, moved by the change of the controls.
    data = contrast(panel, "invalid", "GR2026", "GR2022")
    now = panel.counts("GR2026", "invalid").loc[list(data.codes)]
    then = ((now["numerator"] / now["denominator"]) - data.change)[data.treated]
    weights, controls = data.votes_cast[data.treated], ~data.treated
    trend = (data.change * data.votes_cast)[controls].sum() / data.votes_cast[controls].sum()
    by_hand = (then * weights).sum() / weights.sum() + trend
    assert expected == pytest.approx(by_hand, abs=1e-12)


def test_what_is_missing_is_named_and_left_out_of_both_sides(world):
    panel, tables = world
    frame = tables["invalid_reasons"]
    # Leiden gave none; Gouda does not tell all of them.
    frame = frame[frame["municipality_code"] != "0546"]
    gouda = (frame["municipality_code"] == "0513") & (frame["reason"] == "other")
    lost = int(frame.loc[gouda & (frame["polling_station_id"] == ""), "votes_count"].sum())
    frame = frame[~gouda]
    assert lost
    measures = reason_results(tables | {"invalid_reasons": frame}, panel)
    found = by_key(measures)
    assert found["0513", "without_reason", "share_of_invalid"].numerator == lost
    assert found["experiment", "without_reason", "share_of_invalid"].numerator == lost
    net = found["experiment-control", "invalid", "net_excess"]
    assert (net.count, net.note) == (10, "left out without reasons of invalidity: 0546")


def test_stations_stand_for_a_municipality_without_reasons_of_its_own(world):
    panel, tables = world
    frame = tables["invalid_reasons"]
    code = frame.loc[frame["polling_station_id"] != "", "municipality_code"].iloc[0]
    whole = (frame["municipality_code"] == code) & (frame["polling_station_id"] == "")
    before, after = (
        by_key(reason_results(tables | {"invalid_reasons": f}, panel))
        for f in (frame, frame[~whole])
    )
    assert {k: m.estimate for k, m in before.items()} == {k: m.estimate for k, m in after.items()}


def candidates(code, *lists):
    """Return candidates of a municipality: a list of votes per list, the first candidate first."""
    rows = [
        {
            "election_id": "GR2026",
            "municipality_code": code,
            "polling_station_id": "",
            "list_number": str(i),
            "candidate_number": str(k),
            "votes_count": votes,
        }
        for i, each in enumerate(lists, start=1)
        for k, votes in enumerate(each, start=1)
    ]
    return pd.DataFrame(rows).astype({"municipality_code": "category", "list_number": "category"})


def party_only(code, votes, number=""):
    keys = {"election_id": "GR2026", "municipality_code": code, "polling_station_id": ""}
    return keys | {"list_number": number, "votes_count": votes}


def test_first_candidates_without_votes_for_a_party_alone(world):
    panel, _ = world
    rows = pd.DataFrame([party_only("0755", 40, "1"), party_only("0755", 10, "2")])
    tables = {"party_only_votes": rows, "candidate_results": candidates("0755", [60, 40], [20, 80])}
    found = by_key(party_only_results(tables, panel))
    assert found["0755", "1", LEADER].estimate == 0.6
    assert found["0755", "1", WITHOUT].estimate == 20 / 60
    assert found["0755", "2", WITHOUT].estimate == 10 / 90
    assert found["0755", "total", LEADER].estimate == 80 / 200
    assert found["0755", "total", WITHOUT].estimate == 30 / 150
    assert found["0755", "total", "share_of_first"].estimate == 50 / 80
    assert found["experiment", "total", WITHOUT].estimate == 30 / 150


@pytest.mark.parametrize(
    ("total", "lower", "upper"),
    # At most 50 on list 1 and at most 20 on the other: 20 leaves 0 to 20, 60 leaves 40 to 50.
    [(20, 30 / 80, 50 / 100), (60, 0.0, 10 / 60), (70, 0.0, 0.0)],
)
def test_a_list_has_a_range_where_only_the_total_is_known(world, total, lower, upper):
    panel, _ = world
    rows = pd.DataFrame([party_only("0755", total)])
    tables = {"party_only_votes": rows, "candidate_results": candidates("0755", [50, 50], [20, 80])}
    m = by_key(party_only_results(tables, panel))["0755", "1", WITHOUT]
    assert (m.method, m.ci_lower, m.ci_upper) == ("bounds", lower, upper)
    assert math.isnan(m.estimate) == (lower < upper)


def test_without_candidates_there_is_no_share_of_first_candidates(world):
    panel, tables = world
    quantities = {m.quantity for m in party_only_results(tables, panel)}
    assert quantities == {"share_of_valid"}
    # More for parties alone than for first candidates cannot be: nothing is made of it.
    rows = pd.DataFrame([party_only("0755", 90)])
    odd = {"party_only_votes": rows, "candidate_results": candidates("0755", [60, 40])}
    assert {m.quantity for m in party_only_results(odd, panel)} == {"share_of_valid"}


def test_exposures_divide_the_experiment(world):
    panel, tables = world
    found = by_key(party_only_results(tables, panel))
    total, first, third = (
        found["experiment", level, "share_of_valid"]
        for level in ("total", "exposure_1", "exposure_3")
    )
    assert (first.count, third.count) == (7, 4)
    assert first.numerator + third.numerator == total.numerator
    assert third.estimate < first.estimate


def test_without_tables_there_is_nothing(world):
    panel, _ = world
    empty = {name: pd.DataFrame(columns=list(table.names)) for name, table in TABLES.items()}
    for accepted in ({}, empty):
        assert not {m.topic for m in marking_results(accepted, panel)} & {"reasons", "party_only"}


def test_published_numbers_have_the_limits_of_their_rounding(root):
    study = be.load_study(root / "analysis/tk2025")
    found = by_key(list(published_results({}, SimpleNamespace(study=study))))
    design = found["experiment", "design", "share_of_votes_cast"]
    assert (design.estimate, design.ci_lower, design.ci_upper) == (0.0032, 0.00315, 0.00325)
    net = found["experiment-reference", "invalid", "share_of_votes_cast"]
    assert (net.estimate, net.ci_lower, net.ci_upper) == pytest.approx((0.0029, 0.0028, 0.0030))
    assert found["comparison", "total", "preference_share"].estimate == 0.309
    assert all(m.source and m.note == "published, not computed" for m in found.values())
    assert math.isnan(design.numerator)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"election": "TK2023"}, "TK2023 has no new_ballot"),
        ({"share": "0.32"}, "no percent sign"),
        ({"unit": "elsewhere"}, "experiment, reference, comparison"),
        ({"quantity": "blank"}, "design_related"),
        ({"source": " "}, "at least 1 character"),
        ({"again": True}, "given twice"),
    ],
)
def test_a_published_share_that_cannot_be_is_refused(root, change, message):
    values = be.load_study(root / "analysis/tk2025").model_dump()
    entry = values["marking"]["published"][0]
    again = change.pop("again", False)
    values["marking"]["published"] = [entry | change, *([entry] if again else [])]
    with pytest.raises(ValueError, match=message):
        StudyDesign.model_validate(values)


def test_half_the_stations_give_the_share_among_their_own_valid_votes(world, half):
    panel, _ = world
    code, kept, tables = half
    votes = tables["party_only_votes"].query("municipality_code == @code")["votes_count"].sum()
    stations = tables["station_results"].query("municipality_code == @code")
    valid = stations.loc[stations["polling_station_id"].isin(kept), "valid_votes_count"].sum()
    found = by_key(party_only_results(tables, panel))
    m = found[code, "total", "share_of_valid"]
    assert (m.numerator, m.denominator) == (votes, valid)
    assert m.ci_lower < m.estimate < m.ci_upper
    assert m.note == SOME_STATIONS
    assert found["experiment", "total", "share_of_valid"].note == SOME_STATIONS
    # Of the whole, the votes that these stations lack are not known: nothing is corrected by them.
    assert code not in party_only_counts(tables, panel, "GR2026")
    with_candidates = tables | {"candidate_results": candidates(code, [100_000, 40])}
    quantities = {m.quantity for m in party_only_results(with_candidates, panel) if m.unit == code}
    assert quantities == {"share_of_valid"}


def test_half_the_stations_without_results_give_no_share(world, half):
    panel, _ = world
    code, _, tables = half
    unknown = {k: v for k, v in tables.items() if k != "station_results"}
    found = by_key(party_only_results(unknown, panel))
    m = found[code, "total", "share_of_valid"]
    assert math.isnan(m.estimate)
    assert m.note.startswith(NOT_COVERED)
    together = found["experiment", "total", "share_of_valid"]
    assert together.count == len(panel.study.experiment()) - 1
    assert together.note == LEFT_OUT + code


def test_half_the_stations_beside_a_whole_give_no_interval(world, half):
    panel, tables = world
    code, _, parts = half
    rows = tables["party_only_votes"]
    whole = rows[(rows["municipality_code"] == code) & (rows["polling_station_id"] == "")]
    both = pd.concat([whole, parts["party_only_votes"]])
    given = by_key(party_only_results(tables | {"party_only_votes": both}, panel))
    reasons = by_key(reason_results(parts, panel))
    for m in (given[code, "total", "share_of_valid"], reasons[code, "design", "share_of_invalid"]):
        assert not math.isnan(m.estimate)
        assert math.isnan(m.ci_lower)
        assert m.note == PARTS_DIFFER
    full = by_key(party_only_results(tables, panel))[code, "total", "share_of_valid"]
    assert given[code, "total", "share_of_valid"].estimate == full.estimate


def test_all_stations_give_what_the_whole_gives(world):
    panel, tables = world
    frame = tables["party_only_votes"]
    code = frame.loc[frame["polling_station_id"] != "", "municipality_code"].iloc[0]
    whole = (frame["municipality_code"] == code) & (frame["polling_station_id"] == "")
    only = tables | {"party_only_votes": frame[~whole]}
    key = (code, "total", "share_of_valid")
    assert (
        by_key(party_only_results(only, panel))[key]
        == (by_key(party_only_results(tables, panel))[key])
    )
    counts = (party_only_counts(t, panel, "GR2026")[code] for t in (only, tables))
    assert len(set(counts)) == 1
