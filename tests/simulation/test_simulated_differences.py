"""A known factor of counting differences with the new ballot is found, over many seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.schema import TABLES
from ballot_eval.simulation import STATION_TRUTH, simulate_panel, simulate_stations
from ballot_eval.simulation.stations import simulate_records
from ballot_eval.simulation.streams import stream
from ballot_eval.topics.marking.counting_differences import CONTRAST, difference_measures

SEEDS = 200


@pytest.fixture(scope="module")
def world(gr2026):
    """Return a panel with few draws, its stations, and which of them have the new ballot."""
    analysis = gr2026.analysis.model_copy(update={"draws": 399, "max_exact": 399})
    study = gr2026.model_copy(update={"analysis": analysis, "baselines": ("GR2022",)})
    results = simulate_panel(study, seed=3, effect=0.0)
    # A fifth of the controls: the same question in a fifth of the time.
    codes = results["municipality_code"].unique()
    kept = [c for i, c in enumerate(codes) if i % 5 == 0 or study.role(c) == "experiment"]
    results = results[results["municipality_code"].isin(kept)]
    tables = {"municipality_results": results}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    stations = simulate_stations(results[results["election_id"] == "GR2026"], seed=3)
    new = stations["municipality_code"].isin(study.experiment()).to_numpy()
    return be.build_panel(tables, study), stations, new


def found(panel, stations):
    items = difference_measures({"station_results": stations}, panel)
    return {m.quantity: m for m in items if m.unit == CONTRAST and m.election == "GR2026"}


def truths(votes, role, control, factor):
    """Return the expected differences in shares of stations by the quantity."""
    relative = votes / votes.mean()
    gap = factor * relative[role].mean() - relative[control].mean()
    more, fewer = STATION_TRUTH.more_share, STATION_TRUTH.fewer_share
    return {"stations_more_share": more * gap, "stations_fewer_share": fewer * gap}


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1.0, 0.4])
def test_a_known_factor_is_within_the_intervals(world, factor):
    panel, stations, new = world
    truth = replace(STATION_TRUTH, difference_factor=factor)
    votes = stations["votes_cast_count"].to_numpy(np.int64)
    control = stations["municipality_code"].map(panel.study.role).to_numpy() == "control"
    wanted = truths(votes, new, control, factor)
    covered, estimates = dict.fromkeys(wanted, 0), {name: [] for name in wanted}
    for seed in range(SEEDS):
        record = simulate_records(votes, new, stream(seed, "station_results"), truth)
        made = found(panel, stations.assign(**record))
        for name, value in wanted.items():
            covered[name] += made[name].ci_lower <= value <= made[name].ci_upper
            estimates[name].append(made[name].estimate)
    for name, value in wanted.items():
        error = np.std(estimates[name]) / np.sqrt(SEEDS)
        assert np.mean(estimates[name]) == pytest.approx(value, abs=3.5 * error)
        # 95% intervals; four standard errors of a share of 200 seeds below.
        assert covered[name] / SEEDS > 0.95 - 4 * np.sqrt(0.95 * 0.05 / SEEDS)


def test_the_folder_says_the_factor_and_nothing_moves_at_one(world):
    panel, _, _ = world
    results = simulate_panel(panel.study, seed=3, effect=0.0)
    here = results[results["election_id"] == "GR2026"]
    new = {("GR2026", code) for code in panel.study.experiment()}
    plain, named = (simulate_stations(here, seed=3, new_ballot=places) for places in ((), new))
    pd.testing.assert_frame_equal(plain, named)
    fewer = simulate_stations(
        here,
        seed=3,
        new_ballot=new,
        truth=replace(STATION_TRUTH, difference_factor=0.4),
    )
    own = fewer["municipality_code"].isin(panel.study.experiment())
    counts = ["more_ballots_count", "fewer_ballots_count"]
    pd.testing.assert_frame_equal(plain.loc[~own, counts], fewer.loc[~own, counts])
    assert (fewer[own][counts] > 0).sum().sum() < (plain[own][counts] > 0).sum().sum()
