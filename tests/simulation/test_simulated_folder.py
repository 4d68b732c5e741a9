"""The whole simulated folder: sound and coherent, or spoilt where its truth says so."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.simulation import SCENARIOS, simulate
from ballot_eval.validation.rules import RULES

SEED = 3


@pytest.fixture(scope="module")
def folders(gr2026, tmp_path_factory):
    made = {}
    for scenario in ("introduction", "messy"):
        made[scenario] = tmp_path_factory.mktemp(scenario)
        simulate(gr2026, made[scenario], seed=SEED, scenario=scenario)
    return made


@pytest.fixture(scope="module")
def reports(gr2026, folders):
    return {
        name: be.validate(be.read_raw(gr2026, folder), gr2026) for name, folder in folders.items()
    }


def truth_of(folder):
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


def test_a_sound_folder_is_complete_and_has_no_errors(reports, gr2026):
    report = reports["introduction"]
    report.raise_if_errors()
    rows = {name: len(frame) for name, frame in report.accepted.items()}
    assert all(rows.values())
    assert set(rows) == set(gr2026.tables())
    assert report.excluded.empty
    assert rows["voting_times"] == pytest.approx(6000, rel=0.1)
    assert rows["voter_survey"] == pytest.approx(6000, rel=0.1)
    assert rows["station_results"] == pytest.approx(2 * 12_900, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", sorted(set(SCENARIOS) - {"introduction", "messy"}))
def test_no_other_scenario_has_errors(gr2026, tmp_path, scenario):
    simulate(gr2026, tmp_path, seed=SEED, scenario=scenario)
    be.validate(be.read_raw(gr2026, tmp_path), gr2026).raise_if_errors()


def test_times_and_answers_are_of_the_stations_with_results(reports, gr2026):
    accepted = reports["introduction"].accepted
    keys = ["election_id", "municipality_code", "polling_station_id"]
    stations = accepted["station_results"].set_index(keys)
    counting = accepted["counting_times"]
    counted = counting[counting["counting_unit_type"] == "polling_station"]
    counted = counted.rename(columns={"counting_unit_id": "polling_station_id"}).set_index(keys)
    own = stations.loc[counted.index]
    assert (counted["ballots_count"].to_numpy() == own["votes_cast_count"].to_numpy()).all()
    assert (counted["counting_method"].to_numpy() == own["counting_method"].to_numpy()).all()
    voters = accepted["voter_survey"].set_index(keys)
    asked = stations.loc[voters.index, "votes_cast_count"].to_numpy(np.int64)
    assert (voters["station_voters_count"].to_numpy() == asked).all()
    timed = accepted["voting_times"].set_index(keys).index
    assert timed.isin(stations.index).all()
    assert set(counting["election_id"]) == {gr2026.baselines[0], gr2026.election}


def test_every_planted_fault_is_found_at_its_place_and_nothing_else_is_an_error(folders, reports):
    planted = truth_of(folders["messy"])["faults"]
    fields = ("code", "severity", "file", "line", "election", "municipality_code")
    wanted = Counter(tuple(fault[name] for name in fields) for fault in planted)
    findings = reports["messy"].findings
    found = Counter(tuple(getattr(f, name) for name in fields) for f in findings)
    assert {place: found[place] for place in wanted} == dict(wanted)
    errors = Counter({place: n for place, n in found.items() if place[1] == "error"})
    assert errors == Counter({place: n for place, n in wanted.items() if place[1] == "error"})
    assert len(planted) >= 20
    assert {fault["code"] for fault in planted} <= {rule.code for rule in RULES}
    with pytest.raises(be.InvalidDataError):
        reports["messy"].raise_if_errors()


def test_the_planted_lines_are_what_they_say(folders):
    lines = {
        path.name: path.read_text(encoding="utf-8").splitlines()
        for path in folders["messy"].glob("*.csv")
    }
    sound = {
        path.name: set(path.read_text(encoding="utf-8").splitlines())
        for path in folders["introduction"].glob("*.csv")
    }
    planted = [f for f in truth_of(folders["messy"])["faults"] if f["line"]]
    for fault in planted:
        text = lines[fault["file"]][fault["line"] - 1]
        # A row given twice is spoilt by being there again.
        again = lines[fault["file"]].count(text) > 1
        assert again or text not in sound[fault["file"]], fault
        assert fault["what"]


def test_a_messy_folder_is_the_sound_one_elsewhere(folders):
    for path in folders["introduction"].glob("*.csv"):
        if path.name == "counting_times.csv":
            continue
        before, after = (
            set((folder / path.name).read_text(encoding="utf-8").splitlines())
            for folder in (folders["introduction"], folders["messy"])
        )
        assert len(after - before) <= 10, path.name
    assert not truth_of(folders["introduction"]).get("faults")


def test_without_an_effect_nothing_depends_on_the_ballot(gr2026, tmp_path):
    choices = {"stations": False, "candidates": False, "surveys": False}
    simulate(gr2026, tmp_path, seed=SEED, scenario="no-effect", **choices)
    truth = truth_of(tmp_path)
    assert truth["effect"] == 0
    assert (truth["voting_times"]["ratio"], truth["voting_times"]["first_use_ratio"]) == (1, 1)
    assert {truth["counting_times"][kind]["ratio"] for kind in ("dso", "cso", "central")} == {1}
    alone = pd.read_csv(tmp_path / "party_only_votes.csv")
    assert (alone["votes_count"] == 0).all()


def test_a_faster_count_is_faster_and_goes_wrong_less(gr2026, tmp_path):
    choices = {"candidates": False, "surveys": False, "marking": False}
    read = {}
    for scenario in ("introduction", "counting-faster"):
        folder = tmp_path / scenario
        folder.mkdir()
        simulate(gr2026, folder, seed=SEED, scenario=scenario, **choices)
        frame = pd.read_csv(folder / "station_results.csv", dtype={"municipality_code": str})
        new = frame["municipality_code"].isin(gr2026.experiment())
        here = new & (frame["election_id"] == "GR2026")
        wrong = frame[["more_ballots_count", "fewer_ballots_count"]].sum(axis=1) > 0
        read[scenario] = (wrong[here].sum(), wrong[~here].sum(), truth_of(folder))
    usual, faster = read["introduction"], read["counting-faster"]
    # About half of 150 stations: three standard errors.
    assert faster[0] / usual[0] == pytest.approx(0.5, abs=0.15)
    assert faster[1] == usual[1]
    for kind in ("dso", "cso", "central"):
        assert (
            faster[2]["counting_times"][kind]["ratio"] < usual[2]["counting_times"][kind]["ratio"]
        )


@pytest.mark.slow
def test_a_messy_folder_still_runs_when_errors_are_allowed(folders, light, tmp_path, call):
    out = tmp_path / "out"
    raw = folders["messy"]
    code, said = call("run", light, "--raw", raw, "--out", out, "--no-report")
    assert code == 1, said
    assert not out.exists()
    code, said = call("run", light, "--raw", raw, "--out", out, "--no-report", "--allow-errors")
    assert code == 0, said
    excluded = pd.read_csv(out / "excluded_rows.csv", dtype=str)
    assert {"F.203", "V.101", "N.101"} <= set(excluded["code"])
