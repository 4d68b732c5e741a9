"""Simulated times: the numbers put in come out again, and the results stay what they were."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.errors import DesignError
from ballot_eval.simulation import (
    CountingTimeTruth,
    CountTruth,
    VotingTimeTruth,
    simulate,
    simulate_counting_times,
    simulate_panel,
    simulate_voting_times,
)
from ballot_eval.simulation.places import compared_municipalities

VOTING = VotingTimeTruth()
COUNTING = CountingTimeTruth()

#: Seeds that recovery is averaged over.
SEEDS = range(5)

VOTING_KEY = [
    "election_id",
    "municipality_code",
    "polling_station_id",
    "observer_id",
    "observation_number",
]
UNIT_KEY = ["election_id", "municipality_code", "counting_unit_id", "counting_unit_type"]
COUNTING_KEY = [*UNIT_KEY, "recount"]


@pytest.fixture(scope="module")
def voting(gr2026) -> pd.DataFrame:
    return pd.concat(
        [simulate_voting_times(gr2026, seed=seed).assign(seed=seed) for seed in SEEDS],
        ignore_index=True,
    ).assign(log=lambda t: np.log(t["voting_seconds"]), new=lambda t: t["ballot"] == "new")


@pytest.fixture(scope="module")
def counting(gr2026) -> pd.DataFrame:
    table = pd.concat(
        [simulate_counting_times(gr2026, seed=seed).assign(seed=seed) for seed in SEEDS],
        ignore_index=True,
    )
    day = table["election_id"].map({e.id: str(e.date) for e in gr2026.elections})
    for name in ("started_at", "ended_at"):
        table[name] = moments(table[name], pd.to_datetime(day))
    minutes = (table["ended_at"] - table["started_at"]).dt.total_seconds() / 60
    return table.assign(
        day=pd.to_datetime(day),
        minutes=minutes,
        log=np.log(minutes * table["counters_count"]),
        new=table["ballot"] == "new",
        kind=table["counting_method"].where(
            table["counting_unit_type"] == "polling_station", "central"
        ),
    )


def moments(cells: pd.Series, day: pd.Series) -> pd.Series:
    """Read times with a date, and bare ones by the rule: before noon is the day after."""
    clock = pd.to_datetime(cells.str[-5:], format="%H:%M")
    bare = day + (clock - clock.dt.normalize()) + pd.to_timedelta((clock.dt.hour < 12) * 1, "D")
    return pd.to_datetime(cells.where(cells.str.len() > 5)).fillna(bare)


def share(condition: pd.Series) -> float:
    return float(condition.mean())


# Voting times


def test_ratio_of_voting_times_is_recovered(voting):
    complete = voting[voting["observation_status"] == "complete"]
    stations = complete.groupby(["seed", "new", "municipality_code", "polling_station_id"])["log"]
    means = stations.mean().groupby(["new", "seed"]).mean()
    # One seed has a standard error of about 0.025: municipalities, stations and observers differ.
    assert (means[True] - means[False]).mean() == pytest.approx(np.log(VOTING.ratio), abs=0.04)


def test_ratio_is_exact_without_shocks_and_for_another_ratio(gr2026):
    quiet = VotingTimeTruth(
        municipality_sd=0, station_sd=0, observer_sd=0, voter_sd=0.1, tail_share=0, ratio=0.7
    )
    table = simulate_voting_times(gr2026, seed=3, truth=quiet)
    complete = table[table["observation_status"] == "complete"]
    logs = np.log(complete["voting_seconds"]).groupby(complete["ballot"]).mean()
    assert logs["new"] - logs["old"] == pytest.approx(np.log(0.7), abs=0.02)


def test_only_the_new_rows_move_with_the_ratio(gr2026):
    truth = VotingTimeTruth(heaping_seconds=(), tenths_share=1)
    one = simulate_voting_times(gr2026, seed=1, truth=truth)
    two = simulate_voting_times(gr2026, seed=1, truth=dataclasses.replace(truth, ratio=0.425))
    pd.testing.assert_frame_equal(
        one.drop(columns="voting_seconds"), two.drop(columns="voting_seconds")
    )
    halved = two["voting_seconds"] / one["voting_seconds"]
    usual = one["voting_seconds"].between(20, 600) & (one["observation_status"] == "complete")
    assert (halved[one["ballot"] == "old"] == 1).all()
    assert np.allclose(halved[usual & (one["ballot"] == "new")], 0.5, atol=0.01)


def test_first_use_takes_longer_within_stations_that_used_the_ballot_before(voting, gr2026):
    new = voting[voting["new"] & (voting["observation_status"] == "complete")]
    exposed = new["municipality_code"].map(lambda c: gr2026.exposure(c, "GR2026") > 1)
    assert set(new.loc[~exposed, "first_use"]) == {"yes", "unknown"}
    told = new[exposed & (new["first_use"] != "unknown")]
    within = told["log"] - told.groupby(["seed", "municipality_code", "polling_station_id"])[
        "log"
    ].transform("mean")
    gap = within.groupby(told["first_use"]).mean()
    assert gap["yes"] - gap["no"] == pytest.approx(np.log(VOTING.first_use_ratio), abs=0.035)
    assert share(told["first_use"] == "no") == pytest.approx(VOTING.experienced_share, abs=0.03)
    assert share(new["first_use"] == "unknown") == pytest.approx(0.05, abs=0.01)


def test_assisted_and_old_voters_take_longer(voting):
    logs = voting[voting["observation_status"] == "complete"].groupby("assisted")["log"].mean()
    assert logs["yes"] - logs["no"] == pytest.approx(np.log(VOTING.assisted_ratio), abs=0.06)
    ages = voting.groupby("age_band")["log"].mean()
    assert list(ages.drop("").sort_values().index) == list(VOTING.age_bands)
    for band, wanted in zip(VOTING.age_bands, VOTING.age_shares, strict=True):
        noted = voting.loc[voting["age_band"] != "", "age_band"]
        assert share(noted == band) == pytest.approx(wanted, abs=0.01)
    assert 0.5 < share(voting["age_band"] != "") < 0.9


def test_shares_and_sizes_of_voting_times(voting, gr2026):
    assert not voting.duplicated([*VOTING_KEY, "seed"]).any()
    assert share(voting["assisted"] == "yes") == pytest.approx(0.035, abs=0.004)
    assert share(voting["observation_status"] != "complete") == pytest.approx(0.03, abs=0.004)
    assert share(voting["observation_status"] == "interrupted") == pytest.approx(0.018, abs=0.003)
    one = voting[voting["seed"] == 0]
    stations = one.groupby(["municipality_code", "polling_station_id", "ballot"]).size()
    assert len(stations) == VOTING.stations_count
    assert stations.groupby("ballot").size().to_dict() == {"new": 40, "old": 40}
    assert 68 < stations.mean() < 82
    assert stations.std() > 15
    assert set(one.loc[one["new"], "municipality_code"]) == set(gr2026.experiment())
    controls = set(one.loc[~one["new"], "municipality_code"])
    assert len(controls) == 11
    assert {gr2026.role(c) for c in controls} == {"control"}


def test_observers_have_one_or_two_stations_and_some_share_one(voting):
    one = voting[voting["seed"] == 0]
    place = one["municipality_code"] + one["polling_station_id"]
    assert set(place.groupby(one["observer_id"]).nunique()) == {1, 2}
    assert set(one["observer_id"].groupby(place).nunique()) == {1, 2}
    assert one["municipality_code"].groupby(one["observer_id"]).nunique().max() == 1
    last = one.groupby("observer_id")["observation_number"].agg(["max", "size"])
    assert (last["max"] == last["size"]).all()


def test_times_are_whole_tenths_and_two_observers_heap(voting):
    tenths = voting["voting_seconds"] * 10
    assert np.allclose(tenths, tenths.round())
    complete = voting[(voting["seed"] == 0) & (voting["observation_status"] == "complete")]
    by = complete["voting_seconds"].groupby(complete["observer_id"])
    assert by.agg(lambda t: (t % 10 == 0).all()).sum() == 1
    assert by.agg(lambda t: (t % 5 == 0).all()).sum() == 2


def test_the_right_tail_is_heavier(voting):
    complete = voting[(voting["observation_status"] == "complete") & (voting["assisted"] == "no")]
    low, middle, high = np.quantile(complete["log"], [0.005, 0.5, 0.995])
    assert high - middle > 1.1 * (middle - low)


def test_censored_times_lie_below_the_true_ones(gr2026):
    truth = VotingTimeTruth(censored_share=0.2)
    seen = simulate_voting_times(gr2026, seed=5, truth=truth)
    true = simulate_voting_times(
        gr2026, seed=5, truth=dataclasses.replace(truth, censored_share=0.0)
    )
    cut = seen["observation_status"] != "complete"
    # Rounding to 10 seconds may lift what was seen of 9 seconds to the 10 that stand for it.
    assert (seen.loc[cut, "voting_seconds"] <= true.loc[cut, "voting_seconds"]).all()
    assert (seen.loc[cut, "voting_seconds"] > 0).all()
    pd.testing.assert_frame_equal(seen[~cut], true[~cut])


# Counting times


@pytest.mark.parametrize(
    ("kind", "truth", "tolerance"),
    [("DSO", COUNTING.dso, 0.06), ("CSO", COUNTING.cso, 0.06), ("central", COUNTING.central, 0.06)],
)
def test_ratio_of_counting_times_is_recovered(counting, kind, truth, tolerance):
    finished = counting["counting_status"] == "finished"
    rows = counting[(counting["kind"] == kind) & finished & (counting["recount"] == "no")]
    # Within municipalities, so that each is its own baseline: difference-in-differences.
    late = (rows["election_id"] == "GR2026").to_numpy(dtype=float)
    x = np.column_stack(
        [
            rows["new"],
            late,
            np.log(rows["ballots_count"]),
            np.log(rows["lists_count"]),
            np.log(rows["counters_count"]),
        ]
    ).astype(float)
    group = [rows["seed"], rows["municipality_code"]]
    table = pd.DataFrame(np.column_stack([rows["log"], x]), index=rows.index)
    within = (table - table.groupby(group).transform("mean")).to_numpy()
    slope, *_ = np.linalg.lstsq(within[:, 1:], within[:, 0], rcond=None)
    assert slope[0] == pytest.approx(np.log(truth.ratio), abs=tolerance)
    if kind != "central":
        assert slope[2] == pytest.approx(truth.ballots_elasticity, abs=0.05)


@pytest.mark.parametrize(("cso_share", "official"), [(0.0, 0.53), (1.0, 0.84)])
def test_the_last_station_before_midnight_is_as_official(gr2026, cso_share, official):
    # All municipalities count the same way with the old ballot, for more of them per seed.
    old = {name: dataclasses.replace(getattr(COUNTING, name), ratio=1.0) for name in ("dso", "cso")}
    truth = dataclasses.replace(COUNTING, cso_share=cso_share, **old)
    shares = []
    for seed in range(8):
        table = simulate_counting_times(gr2026, seed=seed, truth=truth)
        first = table[table["recount"] == "no"]
        night = first[first["counting_unit_type"] == "polling_station"]
        late = night["ended_at"].str[-5:] < "12:00"
        shares.append(1 - late.groupby([night["election_id"], night["municipality_code"]]).max())
    assert pd.concat(shares).mean() == pytest.approx(official, abs=0.08)


def test_methods_are_fixed_and_in_both_roles(counting, gr2026):
    method = counting.groupby(["seed", "municipality_code"])["counting_method"].agg(["nunique"])
    assert (method["nunique"] == 1).all()
    one = counting[counting["seed"] == 0].drop_duplicates("municipality_code")
    assert share(one["counting_method"] == "CSO") == pytest.approx(COUNTING.cso_share, abs=0.03)
    roles = one["municipality_code"].isin(gr2026.experiment())
    assert one.groupby(roles)["counting_method"].nunique().eq(2).all()


def test_central_sessions_are_the_next_day_and_count_all_ballots_again(counting):
    central = counting[counting["kind"] == "central"]
    assert (central["counting_method"] == "CSO").all()
    assert (central["started_at"].dt.normalize() == central["day"] + pd.Timedelta(days=1)).all()
    place = ["seed", "election_id", "municipality_code"]
    first = counting[counting["recount"] == "no"]
    ballots = {
        kind: rows.groupby(place)["ballots_count"].sum() for kind, rows in first.groupby("kind")
    }
    pd.testing.assert_series_equal(ballots["CSO"], ballots["central"])


def test_a_recount_follows_the_first_count_of_its_unit(counting):
    first, again = (counting[counting["recount"] == answer] for answer in ("no", "yes"))
    key = [*UNIT_KEY, "seed"]
    both = again.merge(first, on=key, suffixes=("", "_first"), validate="one_to_one")
    assert len(both) == len(again)
    assert (both["counting_status_first"] == "finished").all()
    assert (both["started_at"] > both["ended_at_first"]).all()
    assert (both["ballots_count"] == both["ballots_count_first"]).all()
    ratio = np.exp((both["log"] - both["log_first"]).mean())
    assert ratio == pytest.approx(COUNTING.recount_ratio, rel=0.05)


def test_stations_start_after_the_polls_close(counting):
    stations = counting[(counting["kind"] != "central") & (counting["recount"] == "no")]
    delay = (stations["started_at"] - stations["day"]).dt.total_seconds() / 60 - 21 * 60
    assert delay.between(0, 60).all()
    assert delay.mean() == pytest.approx(COUNTING.start_delay_minutes, abs=0.5)
    assert (counting["minutes"] > 0).all()
    middle = counting.groupby("kind")["minutes"].median()
    assert middle["CSO"] < middle["DSO"] < middle["central"]


def test_shares_of_counting_times(counting, gr2026):
    assert not counting.duplicated([*COUNTING_KEY, "seed"]).any()
    assert share(counting["counting_status"] == "still_counting") == pytest.approx(0.02, abs=0.005)
    assert share(counting["recount"] == "yes") == pytest.approx(0.05 / 1.05, abs=0.007)
    raw = simulate_counting_times(gr2026, seed=0)
    stations = raw["counting_unit_type"] == "polling_station"
    assert share(raw.loc[stations, "ended_at"].str.len() == 5) == pytest.approx(0.1, abs=0.03)
    assert (raw.loc[~stations, "started_at"].str.len() == 16).all()
    assert raw["lists_count"].between(3, 25).all()
    assert raw["counters_count"].ge(3).all()


def test_the_new_ballot_is_where_the_plan_says(counting, gr2026):
    new = counting[counting["new"]]
    assert set(new["election_id"]) == {"GR2026"}
    assert set(new["municipality_code"]) == set(gr2026.experiment())
    assert set(counting["election_id"]) == {"GR2022", "GR2026"}
    # Part of the experiment municipalities' units at the election, never the old ballot.
    rest = counting[(counting["election_id"] == "GR2026") & ~counting["new"]]
    assert not set(rest["municipality_code"]) & set(gr2026.experiment())


def test_ballots_add_up_to_the_votes_cast_and_sizes_are_official(counting, gr2026):
    first = counting[(counting["kind"] != "central") & (counting["recount"] == "no")]
    stations = first[first["seed"] == 2]
    keys = ["election_id", "municipality_code"]
    votes = simulate_panel(gr2026, seed=2, effect=0.003).set_index(keys)["votes_cast_count"]
    sums = stations.groupby(keys)["ballots_count"].sum()
    assert (sums == votes[sums.index]).all()
    every = first["ballots_count"]
    low, middle, high = np.quantile(every, [0.05, 0.5, 0.95])
    assert low == pytest.approx(145, abs=25)
    assert middle == pytest.approx(528, abs=40)
    assert high == pytest.approx(1081, abs=80)


# The folder


def test_times_and_surveys_leave_the_results_as_they_were(gr2026, tmp_path):
    plain, timed = tmp_path / "plain", tmp_path / "timed"
    for folder, more in ((plain, False), (timed, True)):
        folder.mkdir()
        parts = dict.fromkeys(("stations", "candidates", "marking", "times", "surveys"), more)
        simulate(gr2026, folder, seed=2026, **parts)
    added = {f.name for f in timed.iterdir()} - {f.name for f in plain.iterdir()}
    surveys = {f"{q.table}.csv" for q in gr2026.questionnaires}
    tables = ("station", "list", "candidate")
    details = {f"{name}_results.csv" for name in tables}
    marking = {"invalid_reasons.csv", "party_only_votes.csv"}
    assert added == details | marking | {"voting_times.csv", "counting_times.csv"} | surveys
    for name in ("municipality_results.csv", "region_results.csv", "SIMULATED.txt"):
        assert (plain / name).read_bytes() == (timed / name).read_bytes()
    truth = json.loads((timed / "truth.json").read_text(encoding="utf-8"))
    assert truth["voting_times"]["ratio"] == VOTING.ratio
    assert truth["counting_times"]["dso"]["ratio"] == COUNTING.dso.ratio
    assert truth["voting_times"].keys() == dataclasses.asdict(VOTING).keys()
    assert set(json.loads((plain / "truth.json").read_text(encoding="utf-8"))) == {
        "simulated",
        "study",
        "seed",
        "scenario",
        "effect",
        "learning",
        "leaver_factor",
    }
    read = pd.read_csv(timed / "voting_times.csv", dtype=str, keep_default_na=False)
    made = simulate_voting_times(gr2026, seed=2026)
    assert list(read.columns) == list(made.columns)
    assert (read["voting_seconds"].astype(float) == made["voting_seconds"]).all()
    assert read["voting_seconds"].str.fullmatch(r"\d+(\.\d)?").all()
    with pytest.raises(FileExistsError):
        simulate(gr2026, timed, seed=2026)


def test_a_seed_gives_the_same_tables_and_another_gives_others(gr2026):
    for make in (simulate_voting_times, simulate_counting_times):
        one = make(gr2026, seed=8)
        pd.testing.assert_frame_equal(one, make(gr2026, seed=8))
        assert not one.equals(make(gr2026, seed=9))


def test_other_studies_have_times_too(root):
    study = be.load_study(root / "analysis/tk2025")
    assert set(simulate_voting_times(study, seed=1)["election_id"]) == {"TK2025"}
    counts = simulate_counting_times(study, seed=1)
    assert set(counts["election_id"]) == {"TK2023", "TK2025"}
    assert set(counts["lists_count"]) == {26}


def test_controls_are_the_nearest_in_size_or_those_the_study_names(gr2026):
    places = compared_municipalities(gr2026)
    assert list(places["municipality_code"]) == sorted(set(places["municipality_code"]))
    sizes = places.groupby("experiment")["inhabitants_count"].sum()
    assert sizes[False] == pytest.approx(sizes[True], rel=0.05)
    named = gr2026.model_copy(
        update={"reference": gr2026.reference.model_copy(update={"municipalities": ("0014",)})}
    )
    table = compared_municipalities(named)
    assert list(table.loc[~table["experiment"], "municipality_code"]) == ["0014"]


def test_bad_truths_and_studies_are_refused(gr2026, monkeypatch):
    for wrong in (
        {"ratio": 0.0},
        {"censored_share": 1.1},
        {"voter_sd": -0.1},
        {"ratio": float("nan")},
        {"age_shares": (0.5, 0.5)},
        {"age_shares": (0.5, 0.5, 0.5, 0.5)},
        {"heaping_seconds": (0,)},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            VotingTimeTruth(**wrong)
    with pytest.raises(ValueError, match="recount_ratio is -1"):
        CountingTimeTruth(recount_ratio=-1)
    with pytest.raises(ValueError, match="person_minutes"):
        CountTruth(0.8, 0.0, 500, 5, 0.8, 0.3)
    with pytest.raises(ValueError, match="10 stations cannot be shared out over 11 places"):
        simulate_voting_times(gr2026, seed=1, truth=VotingTimeTruth(stations_count=20))
    monkeypatch.setattr(
        "ballot_eval.simulation.places.load_municipalities",
        lambda: be.municipalities.load_municipalities().drop(index=list(gr2026.experiment())),
    )
    with pytest.raises(DesignError, match="no experiment or control municipality"):
        simulate_counting_times(gr2026, seed=1)
