"""Results of polling stations: who counts, rates, dispersion, and the effect by brute force."""

from __future__ import annotations

import itertools
import math
import shutil

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.design import Strata
from ballot_eval.estimation.inference import draw_assignments
from ballot_eval.estimation.rates import pearson_dispersion, within_dispersion
from ballot_eval.panel import Panel, contrast
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel, simulate_stations
from ballot_eval.topics.invalid_votes import randomise_contrast, rate_results
from ballot_eval.topics.station_effects import (
    station_changes,
    station_effects,
    station_results,
)
from ballot_eval.topics.stations import (
    SIZE_CLASSES,
    select_stations,
    size_classes,
    station_dispersions,
    station_rates,
)

COUNTS = ["votes_cast_count", "blank_votes_count", "invalid_votes_count"]


def planned(study, **changes):
    analysis = study.analysis.model_copy(update={"draws": 1999, "max_exact": 1999} | changes)
    return study.model_copy(update={"analysis": analysis})


def panel_of(study, results):
    tables = {"municipality_results": results}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    return be.build_panel(tables, study)


@pytest.fixture(scope="module")
def world(gr2026):
    """Return a panel with an effect of 0.003 and all its stations at GR2026."""
    results = simulate_panel(gr2026, seed=7, effect=0.003)
    here = results[results["election_id"] == "GR2026"]
    return panel_of(planned(gr2026), results), typed(simulate_stations(here, seed=7))


def typed(stations):
    """Return stations as validation accepts them: text as categories, counts that may be NA."""
    texts = ["election_id", "municipality_code", "polling_station_id"]
    return stations.astype(dict.fromkeys(texts, "category") | dict.fromkeys(COUNTS, "Int64"))


def small(study, *, seed, sizes, roles):
    """Return a panel of a few municipalities, and stations that add up to it at GR2026.

    ``sizes`` are the numbers of stations, ``roles`` one letter per municipality: e, c or f.
    """
    rng = np.random.default_rng(seed)
    named = {"e": "experiment", "c": "control", "f": "former"}
    codes = [f"90{i:02}" for i in range(len(sizes))]
    stations = pd.DataFrame(
        {
            "election_id": "GR2026",
            "municipality_code": np.repeat(codes, sizes),
            "polling_station_id": [str(i) for n in sizes for i in range(n)],
            "votes_cast_count": rng.integers(30, 1500, sum(sizes)),
        }
    )
    rates = np.repeat(rng.uniform(0.002, 0.02, len(sizes)), sizes)
    votes = stations["votes_cast_count"]
    stations["invalid_votes_count"] = rng.binomial(votes, rates)
    stations["blank_votes_count"] = rng.binomial(votes, 0.003, len(votes))
    totals = stations.groupby("municipality_code")[COUNTS].sum()
    parts = [totals.assign(election_id="GR2026")]
    for election in ("GR2018", "GR2022"):
        cast = rng.integers(2000, 9000, len(sizes))
        counts = {"votes_cast_count": cast}
        counts |= {c: rng.binomial(cast, 0.004) for c in COUNTS[1:]}
        parts.append(pd.DataFrame(counts, index=totals.index).assign(election_id=election))
    results = pd.concat(parts).reset_index()
    role = dict(zip(codes, (named[r] for r in roles), strict=True))
    results["role"] = results["municipality_code"].map(role)
    results = results.assign(municipality_name=results["municipality_code"], is_reference=False)
    return Panel(study, results, pd.DataFrame()), typed(stations)


def brute_force(panel, stations, baseline, members, *, weighted, effect=0.0):
    """Return the statistic of each assignment (rows of ``members``) from the station rows.

    ``effect`` is taken off the stations of the municipalities that really had the experiment.
    """
    data = contrast(panel, "invalid", "GR2026", baseline)
    then = panel.counts(baseline, "invalid")
    earlier = then["numerator"] / then["denominator"]
    rows = stations[stations["municipality_code"].isin(data.codes)]
    votes = rows["votes_cast_count"].to_numpy(float)
    codes = rows["municipality_code"].to_numpy(str)
    change = rows["invalid_votes_count"].to_numpy(float) / votes - earlier[codes].to_numpy()
    real = np.array(data.codes)[data.treated]
    change = change - effect * np.isin(codes, real)
    weights = votes if weighted else np.ones(len(votes))
    found = []
    for chosen in members:
        role = np.isin(codes, np.array(data.codes)[list(chosen)])
        means = (np.average(change[r], weights=weights[r]) for r in (role, ~role))
        found.append(next(means) - next(means))
    return np.array(found)


def test_size_classes_begin_at_their_limits():
    votes = [0, 249, 250, 499, 500, 749, 750, 999, 1000, 5000]
    assert list(size_classes(votes)) == list(np.repeat(SIZE_CLASSES, 2))
    assert SIZE_CLASSES == ("0-249", "250-499", "500-749", "750-999", "1000+")


@pytest.mark.parametrize("strata", [None, Strata(size_groups=3)])
def test_with_all_stations_the_ballot_weighted_effect_is_that_of_municipalities(world, strata):
    panel, frame = world
    study = planned(panel.study, strata=strata)
    panel = Panel(study, panel.results, panel.regions)
    found = {
        (e.outcome, e.baseline): e
        for e in station_effects(select_stations(frame, panel))
        if e.weighting == "ballot"
    }
    assert len(found) == 3 * 2
    for (outcome, baseline), effect in found.items():
        wanted = randomise_contrast(
            contrast(panel, outcome, "GR2026", baseline),
            study,
            weighting="ballot",
            method="randomisation",
            draws=study.analysis.draws,
            seed=study.analysis.seed,
        )
        numbers = (effect.estimate, effect.ci_lower, effect.ci_upper)
        limits = (wanted.estimate, wanted.ci_lower, wanted.ci_upper)
        assert numbers == pytest.approx(limits, rel=1e-9, abs=1e-13)
        assert (effect.p_value, effect.draws) == (wanted.p_value, wanted.draws)
        assert (effect.n_experiment, effect.n_control, effect.note) == (11, 330, "")


@pytest.mark.parametrize("weighting", ["station", "ballot"])
def test_the_effect_equals_all_assignments_of_municipalities_one_by_one(gr2026, weighting):
    study = planned(gr2026, confidence_level=0.8)
    panel, frame = small(study, seed=3, sizes=[3, 1, 5, 2, 4, 1, 6, 2], roles="eecccccf")
    (effect,) = (
        e
        for e in station_effects(select_stations(frame, panel))
        if (e.outcome, e.baseline, e.weighting) == ("invalid", "GR2022", weighting)
    )
    members = list(itertools.combinations(range(7), 2))
    options = {"weighted": weighting == "ballot"}

    def p_value(tau):
        taken = brute_force(panel, frame, "GR2022", members, effect=tau, **options)
        return float((np.abs(taken) >= abs(taken[0]) * (1 - 1e-9)).mean())

    plain = brute_force(panel, frame, "GR2022", members, **options)
    assert effect.estimate == pytest.approx(plain[0], rel=1e-12)
    assert effect.p_value == p_value(0.0)
    assert (effect.draws, effect.exact) == (21, True)
    for limit, outwards in ((effect.ci_lower, -1e-9), (effect.ci_upper, 1e-9)):
        assert p_value(limit - outwards) > 0.2 >= p_value(limit + outwards)


def test_the_effect_equals_the_same_draws_one_by_one(gr2026):
    rng = np.random.default_rng(6)
    sizes = rng.integers(1, 12, 40)
    panel, frame = small(planned(gr2026), seed=4, sizes=list(sizes), roles="eeeee" + "c" * 35)
    (effect,) = (
        e
        for e in station_effects(select_stations(frame, panel))
        if (e.outcome, e.baseline, e.weighting) == ("invalid", "GR2018", "station")
    )
    drawn = draw_assignments(
        np.arange(40) < 5, draws=1999, max_exact=1999, seed=panel.study.analysis.seed
    )
    found = brute_force(panel, frame, "GR2018", drawn.members, weighted=False)
    (observed,) = brute_force(panel, frame, "GR2018", [range(5)], weighted=False)
    assert effect.estimate == pytest.approx(observed, rel=1e-12)
    extreme = int((np.abs(found) >= abs(observed) * (1 - 1e-9)).sum())
    assert effect.p_value == (extreme + 1) / 2000
    assert not effect.exact


def test_the_simulated_effect_is_found_and_nothing_where_nothing_is(world):
    for effect in station_effects(select_stations(world[1], world[0])):
        truth = 0.0 if effect.outcome == "blank" else 0.003
        assert effect.ci_lower < truth < effect.ci_upper
        assert effect.estimand == "att"


def test_stations_of_one_municipality_share_its_earlier_rate(world):
    changes = station_changes(select_stations(world[1], world[0]), "invalid", "GR2022")
    then = world[0].counts("GR2022", "invalid").loc["0363"]
    own = changes.units == changes.data.codes.index("0363")
    counts = world[1][world[1]["municipality_code"] == "0363"]
    rate = counts["invalid_votes_count"].astype(float) / counts["votes_cast_count"].astype(float)
    wanted = rate.to_numpy() - then["numerator"] / then["denominator"]
    assert np.sort(changes.change[own]) == pytest.approx(np.sort(wanted))


def test_what_cannot_be_used_is_left_out_and_counted(gr2026):
    panel, frame = small(planned(gr2026), seed=5, sizes=[3, 2, 4, 2], roles="eccf")
    frame.loc[0, "invalid_votes_count"] = pd.NA
    frame.loc[1, COUNTS] = 0
    extra = frame.tail(1).assign(municipality_code="9999")
    other = frame.tail(1).assign(election_id="TK2023")
    stations = select_stations(pd.concat([frame, extra, other]), panel)
    assert stations.elections == ("GR2026",)
    assert len(stations.rows) == 11 - 2
    coverage = {c.municipality_code: c for c in stations.coverage}
    assert set(coverage) == {"9000", "9001", "9002", "9003", "9999"}
    first = coverage["9000"]
    assert (first.stations_count, first.unknown_count, first.without_votes_count) == (1, 1, 1)
    assert first.votes_cast_count == frame.loc[2, "votes_cast_count"]
    total = panel.counts("GR2026", "invalid").loc["9000", "denominator"]
    assert first.coverage == first.votes_cast_count / total < 1
    assert not first.complete
    assert all(coverage[c].complete and coverage[c].coverage == 1 for c in ("9001", "9003"))
    assert math.isnan(coverage["9999"].coverage)
    assert not coverage["9999"].complete
    assert {r.unit for r in station_rates(stations)} == {"experiment", "control"}
    # The former experiment municipality takes part in nothing but the dispersion of all.
    dispersions = station_dispersions(stations)
    every = {d.unit: d.count for d in dispersions if d.level == "polling_station"}
    assert every == {"all": 9, "experiment": 1, "control": 6}
    (effect, *_) = station_effects(stations)
    assert (effect.n_experiment, effect.n_control) == (1, 2)


def test_stations_of_a_merged_municipality_are_those_of_today(gr2026):
    panel, frame = small(planned(gr2026), seed=5, sizes=[3, 2], roles="ec")
    # Weesp (0457) became part of Amsterdam (0363) eight days after GR2022.
    codes = {"9000": "0363", "9001": "0344"}
    panel.results["municipality_code"] = panel.results["municipality_code"].map(codes)
    old = frame.assign(
        election_id="GR2022", municipality_code=["0363", "0363", "0457", "0344", "0344"]
    )
    rows = select_stations(old, panel).rows
    assert rows["municipality_code"].tolist() == ["0363"] * 3 + ["0344"] * 2
    now = select_stations(old.assign(election_id="GR2026"), panel)
    assert {c.municipality_code for c in now.coverage if math.isnan(c.coverage)} == {"0457"}


def test_with_all_stations_the_rates_are_those_of_the_groups(world):
    panel, frame = world
    wanted = {(r.unit, r.outcome): r for r in rate_results(panel) if r.election == "GR2026"}
    rates = station_rates(select_stations(frame, panel))
    totals = [r for r in rates if r.dimension == "total"]
    assert len(totals) == 3 * 3
    for rate in totals:
        other = wanted[rate.unit, rate.outcome]
        assert (rate.numerator, rate.denominator) == (other.numerator, other.denominator)
        assert (rate.ci_lower, rate.ci_upper) == pytest.approx((other.ci_lower, other.ci_upper))
    for dimension in ("size_class", "station_type"):
        which = (dimension, "control", "invalid")
        parts = [r for r in rates if (r.dimension, r.unit, r.outcome) == which]
        assert sum(r.numerator for r in parts) == wanted["control", "invalid"].numerator
        assert all(r.ci_lower < r.rate < r.ci_upper for r in parts)


def test_a_rate_by_size_and_type_is_that_of_its_stations(world):
    panel, frame = world
    roles = frame["municipality_code"].astype(str).map(panel.study.role)
    here = frame[(roles == "experiment") & frame["votes_cast_count"].between(250, 499)]
    by_level = {
        (r.level, r.unit): r
        for r in station_rates(select_stations(frame, panel))
        if r.outcome == "blank"
    }
    rate = by_level["250-499", "experiment"]
    assert (rate.stations_count, rate.numerator) == (len(here), here["blank_votes_count"].sum())
    counts = (here[c].to_numpy(np.int64) for c in ("blank_votes_count", "votes_cast_count"))
    assert rate.phi == pytest.approx(pearson_dispersion(*counts))
    mobile = frame[(roles == "control") & (frame["station_type"] == "mobiel")]
    assert by_level["mobiel", "control"].denominator == mobile["votes_cast_count"].sum()


def test_without_types_there_are_none_and_an_empty_one_is_unknown(world):
    panel, frame = world
    none = station_rates(select_stations(frame.drop(columns="station_type"), panel))
    assert {r.dimension for r in none} == {"total", "size_class"}
    some = frame.assign(station_type=frame["station_type"].where(frame.index > 5000, ""))
    rates = station_rates(select_stations(some, panel))
    levels = {r.level for r in rates if r.dimension == "station_type"}
    assert levels == {"regulier", "bijzonder", "mobiel", "unknown"}


def test_intervals_by_size_cover_the_common_rate(gr2026):
    study = planned(gr2026)
    truth, covered, made = 0.0024, 0, 0
    for seed in range(6):
        results = simulate_panel(study, seed=seed, effect=0.0)
        here = results[results["election_id"] == "GR2026"]
        stations = select_stations(simulate_stations(here, seed=seed), panel_of(study, results))
        for rate in station_rates(stations):
            if (rate.dimension, rate.unit, rate.outcome) == ("size_class", "experiment", "invalid"):
                covered += rate.ci_lower <= truth <= rate.ci_upper
                made += 1
    assert made == 6 * 5
    # In 100 seeds these cover 98%, and binomial intervals 64%.
    assert covered / made > 0.8


def test_dispersion_is_around_the_group_and_around_the_own_municipality(world):
    panel, frame = world
    found = {
        (d.unit, d.level, d.around): d
        for d in station_dispersions(select_stations(frame, panel))
        if d.outcome == "invalid"
    }
    x, n = (frame[c].to_numpy(np.int64) for c in ("invalid_votes_count", "votes_cast_count"))
    codes = frame["municipality_code"].to_numpy(str)
    own = found["all", "polling_station", "municipality"]
    assert own.phi == pytest.approx(within_dispersion(x, n, codes))
    assert own.phi == pytest.approx(1.57, abs=0.06)
    sums = frame.astype({"municipality_code": str}).groupby("municipality_code")[COUNTS].sum()
    rate = sums["invalid_votes_count"].astype(float) / sums["votes_cast_count"].astype(float)
    assert own.expected_without_share == pytest.approx(float(((1 - rate[codes]) ** n).mean()))
    assert own.without_share == (x == 0).mean() > own.expected_without_share
    whole = found["all", "polling_station", "group"]
    assert whole.phi == pytest.approx(pearson_dispersion(x, n))
    assert found["all", "municipality", "group"].count == 342
    assert found["control", "municipality", "group"].phi > whole.phi > own.phi > 1


def test_without_stations_there_is_nothing_and_without_those_of_now_no_effect(world):
    panel, frame = world
    nothing = station_results(frame.head(0), panel)
    assert nothing == type(nothing)((), (), (), ())
    before = station_results(frame.assign(election_id="GR2022"), panel)
    assert before.effects == ()
    assert {r.election for r in before.rates} == {"GR2022"}
    unknown = station_results(frame.assign(votes_cast_count=pd.NA), panel)
    assert (unknown.rates, unknown.effects) == ((), ())
    assert sum(c.unknown_count for c in unknown.coverage) == len(frame)


@pytest.mark.parametrize(("kept", "who"), [("experiment", "control"), ("control", "experiment")])
def test_an_effect_without_stations_of_one_group_gives_the_reason(world, kept, who):
    panel, frame = world
    roles = frame["municipality_code"].astype(str).map(panel.study.role)
    for effect in station_effects(select_stations(frame[roles == kept], panel)):
        assert math.isnan(effect.estimate)
        assert effect.note == f"no {who} municipality has results of polling stations"


def test_municipalities_without_stations_are_named(world):
    panel, frame = world
    part = frame[~frame["municipality_code"].isin(["0344", "0513"])]
    effects = station_effects(select_stations(part, panel))
    assert {e.note for e in effects} == {"left out without results of polling stations: 0344, 0513"}
    assert {(e.n_experiment, e.n_control) for e in effects} == {(10, 329)}


@pytest.mark.official
def test_dispersion_of_gr2022(official, gr2026, tmp_path):
    # The counts of the same election in another format would be there twice.
    shutil.copy(official / "GR2022/GR2022_osv4-3_330_gemeenten.tar.xz", tmp_path)
    raw = be.read_raw(gr2026, tmp_path)
    frame = be.validate(raw, gr2026).accepted["station_results"]
    # At the study's election nothing has merged since: the municipalities are those of then.
    then = gr2026.model_copy(update={"election": "GR2022", "baselines": ("GR2018",)})
    counts = frame.groupby(["election_id", "municipality_code"], observed=True)[COUNTS].sum()
    results = counts.reset_index().assign(role="control", is_reference=False)
    stations = select_stations(frame, Panel(then, results, pd.DataFrame()))
    assert len(stations.rows) == 11_972
    assert sum(c.without_votes_count for c in stations.coverage) == 14
    found = {
        (d.level, d.around): d
        for d in station_dispersions(stations)
        if (d.unit, d.outcome) == ("all", "invalid")
    }
    assert found["polling_station", "group"].phi == pytest.approx(1.85, abs=0.005)
    assert found["polling_station", "municipality"].phi == pytest.approx(1.57, abs=0.005)
    assert found["municipality", "group"].phi == pytest.approx(8.09, abs=0.005)
    own = found["polling_station", "municipality"]
    assert own.without_share == pytest.approx(0.41, abs=0.005)
    assert own.expected_without_share == pytest.approx(0.35, abs=0.005)
