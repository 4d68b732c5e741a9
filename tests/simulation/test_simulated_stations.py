"""Simulated polling stations: they add up to the municipalities and vary as they should."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ballot_eval.estimation.rates import within_dispersion
from ballot_eval.schema import COUNT_FIELDS, EXPLANATION_FIELDS, OWN_EXPLANATIONS, TABLES
from ballot_eval.simulation import STATION_TRUTH, simulate, simulate_panel, simulate_stations
from ballot_eval.simulation.stations import shared_out


@pytest.fixture(scope="module")
def results(gr2026):
    rows = simulate_panel(gr2026, seed=3, effect=0.003)
    return rows[rows["election_id"] == "GR2026"]


@pytest.fixture(scope="module")
def stations(results):
    return simulate_stations(results, seed=3)


def test_stations_add_up_to_their_municipality_exactly(results, stations):
    sums = stations.groupby("municipality_code", sort=False)[list(COUNT_FIELDS)].sum()
    wanted = results.set_index("municipality_code")[list(COUNT_FIELDS)]
    pd.testing.assert_frame_equal(sums, wanted)


def test_every_record_is_sound(stations):
    s = stations
    parts = s["valid_votes_count"] + s["blank_votes_count"] + s["invalid_votes_count"]
    assert (parts == s["votes_cast_count"]).all()
    admitted = s["poll_card_count"] + s["proxy_certificate_count"] + s["voter_card_count"]
    assert (admitted == s["admitted_voters_count"]).all()
    difference = s["more_ballots_count"] - s["fewer_ballots_count"]
    assert (difference == s["votes_cast_count"] - s["admitted_voters_count"]).all()
    assert ((s["more_ballots_count"] == 0) | (s["fewer_ballots_count"] == 0)).all()
    assert (s.select_dtypes("number") >= 0).all(axis=None)
    assert not s.duplicated(list(TABLES["station_results"].key)).any()
    assert set(TABLES["station_results"].required) <= set(s.columns)


def test_explanations_are_of_the_direction_and_at_most_the_difference(stations):
    s = stations
    size = s["more_ballots_count"] + s["fewer_ballots_count"]
    told = s[list(EXPLANATION_FIELDS)]
    assert ((told.sum(axis=1) == size) | (told.sum(axis=1) == 0)).all()
    assert ((told > 0).sum(axis=1) <= 1).all()
    for side, other in (("more", "fewer"), ("fewer", "more")):
        wrong = s.loc[s[f"{side}_ballots_count"] > 0, list(OWN_EXPLANATIONS[other])]
        assert (wrong == 0).all(axis=None)
    # At GR2022 the boxes of 226 of some 2,100 stations with a difference did not add up.
    assert (told.sum(axis=1) != size).sum() / (size > 0).sum() == pytest.approx(0.09, abs=0.03)


def test_levels_are_those_of_the_official_files(stations):
    votes = stations["votes_cast_count"]
    assert votes.mean() == pytest.approx(559, abs=3)
    # The standard error of the 5th percentile of so many stations is 3 votes.
    assert np.percentile(votes, [5, 50, 95]) == pytest.approx([145, 528, 1081], rel=0.05)
    assert (stations["more_ballots_count"] > 0).mean() == pytest.approx(0.074, abs=0.01)
    assert (stations["fewer_ballots_count"] > 0).mean() == pytest.approx(0.105, abs=0.01)
    proxies = stations["proxy_certificate_count"] / stations["admitted_voters_count"]
    assert proxies.mean() == pytest.approx(0.11, abs=0.002)
    assert proxies.std() == pytest.approx(0.033, abs=0.004)


@pytest.mark.parametrize("dispersion", [1.0, 1.57, 3.0])
@pytest.mark.parametrize("field", ["invalid_votes_count", "blank_votes_count"])
def test_the_dispersion_put_in_comes_out(results, field, dispersion):
    made = simulate_stations(results, seed=5, truth=replace(STATION_TRUTH, dispersion=dispersion))
    counts = (made[c].to_numpy(np.int64) for c in (field, "votes_cast_count"))
    found = within_dispersion(*counts, made["municipality_code"].to_numpy(str))
    assert found == pytest.approx(dispersion, rel=0.06)


def test_votes_that_are_mostly_invalid_fit_their_stations():
    row = {"election_id": "GR2026", "municipality_code": "0088", "municipality_name": "Klein"}
    counts = {"eligible_voters_count": 3000, "votes_cast_count": 1700, "valid_votes_count": 2}
    counts |= {"blank_votes_count": 798, "invalid_votes_count": 900}
    none = dict.fromkeys(COUNT_FIELDS, 0) | {"eligible_voters_count": 7}
    frame = pd.DataFrame([row | counts, row | {"municipality_code": "0096"} | none])
    for seed in range(20):
        made = simulate_stations(frame, seed=seed, truth=replace(STATION_TRUTH, dispersion=40.0))
        assert (made[list(COUNT_FIELDS)] >= 0).all(axis=None)
        assert made[list(COUNT_FIELDS)].sum().to_dict() == {
            name: counts[name] + none[name] for name in COUNT_FIELDS
        }


def test_shares_are_whole_and_add_up():
    assert shared_out(10, [1, 1, 1]).tolist() == [4, 3, 3]
    assert shared_out(0, [2, 3]).tolist() == [0, 0]
    assert shared_out(5, [0, 0]).tolist() == [3, 2]


def test_the_folder_has_the_stations_and_their_truth_and_nothing_else_moves(gr2026, tmp_path):
    folders = {}
    for stations in (True, False):
        folders[stations] = tmp_path / str(stations)
        folders[stations].mkdir()
        choices = {"stations": stations, "marking": False, "surveys": False}
        simulate(gr2026, folders[stations], seed=3, effect=0.003, **choices)
    made = pd.read_csv(
        folders[True] / "station_results.csv", dtype={"municipality_code": str}, na_filter=False
    )
    # Those of the first baseline too: the change of counting differences is from there.
    assert set(made["election_id"]) == {"GR2022", "GR2026"}
    truth = json.loads((folders[True] / "truth.json").read_text(encoding="utf-8"))
    assert truth["station_results"]["dispersion"] == 1.57
    names = {f.name for f in folders[False].iterdir()}
    assert {f.name for f in folders[True].iterdir()} == names | {"station_results.csv"}
    for name in names - {"truth.json"}:
        assert (folders[True] / name).read_bytes() == (folders[False] / name).read_bytes(), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dispersion": 0.9}, "chance alone gives 1"),
        ({"proxy_share": 1.2}, "between 0 and 1"),
        ({"other_share": 0.9}, "add up to more than 1"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(results, change, message):
    with pytest.raises(ValueError, match=message):
        simulate_stations(results, seed=1, truth=replace(STATION_TRUTH, **change))
