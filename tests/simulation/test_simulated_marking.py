"""Simulated reasons and votes for a party alone: they add up, and their truth is recovered."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest

from ballot_eval.panel import Panel
from ballot_eval.schema import TABLES
from ballot_eval.schema.marking import INVALID_REASONS
from ballot_eval.simulation import (
    INVALID_RATE,
    MARKING_TRUTH,
    simulate,
    simulate_panel,
    simulate_party_only,
    simulate_reasons,
    simulate_stations,
)
from ballot_eval.topics.marking import party_only, reasons

EFFECT = 0.003
SEEDS = 200


def here(study, seed):
    """Return the results of the experiment municipalities at the study's election."""
    rows = simulate_panel(study, seed=seed, effect=EFFECT)
    chosen = rows["municipality_code"].isin(study.experiment())
    return rows[chosen & (rows["election_id"] == study.election)].reset_index(drop=True)


def reasons_of(study, results, stations=None, **options):
    added = dict.fromkeys(study.experiment(), EFFECT)
    return simulate_reasons(results, stations, added, **options)


@pytest.fixture(scope="module")
def made(gr2026):
    results = here(gr2026, 5)
    stations = simulate_stations(results, seed=5)
    tables = {
        "invalid_reasons": reasons_of(gr2026, results, stations, seed=5),
        "party_only_votes": simulate_party_only(results, stations, gr2026, seed=5),
    }
    return results, stations, tables


def test_reasons_add_up_to_the_invalid_votes_of_municipalities_and_stations(made):
    results, stations, tables = made
    frame = tables["invalid_reasons"]
    sums = frame.groupby(["municipality_code", "polling_station_id"])["votes_count"].sum()
    wanted = results.set_index("municipality_code")["invalid_votes_count"]
    assert sums.xs("", level="polling_station_id").to_dict() == wanted.to_dict()
    own = stations.set_index(["municipality_code", "polling_station_id"])["invalid_votes_count"]
    of_stations = sums[sums.index.get_level_values("polling_station_id") != ""]
    assert len(set(of_stations.index.get_level_values("municipality_code"))) == 4
    assert of_stations.to_dict() == own.loc[of_stations.index].to_dict()
    assert set(frame["reason"]) == {r.code for r in INVALID_REASONS}
    assert (frame["votes_count"] >= 0).all()


def test_party_only_votes_of_stations_add_up_and_fit(made):
    results, stations, tables = made
    frame = tables["party_only_votes"].set_index(["municipality_code", "polling_station_id"])
    whole = frame.xs("", level="polling_station_id")["votes_count"]
    parts = frame[frame.index.get_level_values("polling_station_id") != ""]["votes_count"]
    sums = parts.groupby(level="municipality_code").sum()
    assert sums.to_dict() == whole.loc[sums.index].to_dict()
    valid = stations.set_index(["municipality_code", "polling_station_id"])["valid_votes_count"]
    assert (parts <= valid.loc[parts.index]).all()
    assert (whole <= results.set_index("municipality_code")["valid_votes_count"]).all()


def test_votes_at_the_ends_fit(gr2026):
    results = here(gr2026, 1).head(2)
    results["invalid_votes_count"] = [0, 1]
    results["valid_votes_count"] = [0, 1]
    for seed in range(10):
        found = reasons_of(gr2026, results, seed=seed).groupby("municipality_code")["votes_count"]
        assert found.sum().tolist() == [0, 1]
        votes = simulate_party_only(results, None, gr2026, seed=seed)["votes_count"]
        assert votes.between(0, [0, 1]).all()


def recovered(study, seed):
    """Return the measures of the experiment municipalities together, from one simulated world."""
    results = here(study, seed)
    exposure = [study.exposure(c, study.election) for c in results["municipality_code"]]
    rows = results.assign(role="experiment", exposure=exposure, is_reference=False)
    panel = Panel(study, rows, pd.DataFrame(columns=list(TABLES["region_results"].names)))
    accepted = {
        "invalid_reasons": reasons_of(study, results, seed=seed),
        "party_only_votes": simulate_party_only(results, None, study, seed=seed),
    }
    alone = party_only.count_party_only(accepted, panel)
    return [
        *reasons.group_shares(reasons.count_reasons(accepted, panel)),
        *party_only.group_shares(alone),
    ]


@pytest.fixture(scope="module")
def worlds(gr2026):
    # The elections for the learning effect play no part here.
    study = gr2026.model_copy(update={"learning": None})
    return [{(m.level, m.quantity): m for m in recovered(study, seed)} for seed in range(SEEDS)]


DESIGN = MARKING_TRUTH.design_rate(EFFECT)
TOTAL = EFFECT + INVALID_RATE
TRUTH = {
    ("design", "share_of_votes_cast"): DESIGN,
    ("design", "share_of_invalid"): DESIGN / TOTAL,
    ("several_parties", "share_of_invalid"): 0.45 * DESIGN / TOTAL,
    ("number_above_list", "share_of_votes_cast"): 0.20 * DESIGN,
    ("general", "share_of_votes_cast"): 0.9 * (TOTAL - DESIGN),
    ("exposure_1", "share_of_valid"): MARKING_TRUTH.party_only_rate(1),
    ("exposure_3", "share_of_valid"): MARKING_TRUTH.party_only_rate(3),
}


@pytest.mark.parametrize("key", TRUTH)
def test_intervals_hold_the_truth_as_often_as_they_say(worlds, key):
    """Over these 200 seeds the 95% intervals hold the truth in 91 to 96.5% of the worlds.

    Design-related 93% of votes cast and 94.5% of invalid votes, single reasons 91 and 96%, votes
    for a party alone 96.5% at first use (seven municipalities) and 94% at third (four). The
    standard error of such a figure is 1.5 points. A single reason is at the low end because the
    spread of few municipalities is often estimated as none.
    """
    truth = TRUTH[key]
    found = [world[key] for world in worlds]
    held = sum(m.ci_lower <= truth <= m.ci_upper for m in found) / SEEDS
    assert 0.905 <= held <= 0.98
    mean = sum(m.estimate for m in found) / SEEDS
    assert mean == pytest.approx(truth, rel=0.04)


def test_the_folder_has_them_with_their_truth(gr2026, tmp_path):
    simulate(gr2026, tmp_path, seed=3, times=False, surveys=False)
    for name in ("invalid_reasons", "party_only_votes"):
        frame = pd.read_csv(tmp_path / f"{name}.csv", dtype=str, na_filter=False)
        assert list(frame.columns) == list(TABLES[name].names)
        assert set(frame["municipality_code"]) == set(gr2026.experiment())
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert truth["marking"]["replaced_share"] == 0.25


def test_a_truth_that_cannot_be_is_refused(gr2026):
    wrong = replace(MARKING_TRUTH, replaced_share=1.2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        reasons_of(gr2026, here(gr2026, 1), seed=1, truth=wrong)
