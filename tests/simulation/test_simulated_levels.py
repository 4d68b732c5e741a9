"""Simulated results have the levels and the dispersion of the official ones.

The official figures are computed from the files of the Kiesraad: GR2022 (330 municipalities,
11,972 stations with votes), TK2021 to TK2025 and GR2014 to GR2022. What is compared are means over
seeds; a tolerance covers the spread between official elections where there are several, and
three standard errors of the mean over the seeds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ballot_eval.estimation.rates import pearson_dispersion, within_dispersion
from ballot_eval.simulation import simulate_panel, simulate_stations

SEEDS = 12
STATION_SEEDS = 3


def counts_of(rows, field="invalid_votes_count"):
    return rows[field].to_numpy(np.int64), rows["votes_cast_count"].to_numpy(np.int64)


@pytest.fixture(scope="module")
def panels(gr2026):
    return [simulate_panel(gr2026, seed=seed, effect=0.0) for seed in range(SEEDS)]


@pytest.fixture(scope="module")
def rates(panels):
    """Return the invalid rates of each seed: a row per municipality, a column per election."""
    made = []
    for panel in panels:
        rows = panel.assign(rate=panel["invalid_votes_count"] / panel["votes_cast_count"])
        made.append(
            rows.pivot_table(index="municipality_code", columns="election_id", values="rate")
        )
    return made


@pytest.fixture(scope="module")
def stations(panels):
    return [
        simulate_stations(panel[panel["election_id"] == "GR2022"], seed=seed)
        for seed, panel in enumerate(panels[:STATION_SEEDS])
    ]


def mean(values):
    return float(np.mean(list(values)))


def test_all_elections_of_the_plan_have_every_municipality(panels, gr2026):
    sizes = panels[0].groupby("election_id").size()
    assert set(sizes.index) == gr2026.all_elections()
    assert set(sizes) == {342}


@pytest.mark.parametrize(
    ("election", "field", "official"),
    [
        ("GR2022", "invalid_votes_count", 0.00236),
        ("GR2022", "blank_votes_count", 0.00293),
        ("TK2023", "invalid_votes_count", 22_822 / 10_475_203),
        ("TK2023", "blank_votes_count", 19_655 / 10_475_203),
        ("TK2025", "invalid_votes_count", 28_206 / 10_640_324),
        ("TK2025", "blank_votes_count", 40_128 / 10_640_324),
        ("EP2024", "invalid_votes_count", 0.0018),
    ],
)
def test_national_rates(panels, election, field, official):
    """The shocks of the largest cities move a national rate by some 4% from seed to seed."""
    found = []
    for panel in panels:
        x, n = counts_of(panel[panel["election_id"] == election], field)
        found.append(x.sum() / n.sum())
    assert mean(found) == pytest.approx(official, rel=0.06)


@pytest.mark.parametrize(
    ("pair", "low", "high"),
    [
        (("TK2023", "TK2025"), 0.45, 0.66),
        (("GR2018", "GR2022"), 0.44, 0.56),
        (("GR2022", "GR2026"), 0.44, 0.56),
        (("GR2022", "TK2023"), 0.30, 0.45),
        (("GR2022", "EP2024"), 0.30, 0.45),
        (("EP2019", "TK2025"), 0.30, 0.45),
    ],
)
def test_rates_of_municipalities_correlate_as_official_ones(rates, pair, low, high):
    """Within types more than across; a standard error over the seeds is 0.015 to 0.02."""
    found = mean(table[list(pair)].corr().iloc[0, 1] for table in rates)
    assert low - 0.02 <= found <= high + 0.02


def test_spread_of_municipalities_and_of_their_changes(rates):
    """Official spreads of rates 0.06 to 0.14, of changes 0.084 to 0.122 points, rounded."""
    for election in rates[0].columns:
        assert 0.00055 <= mean(table[election].std() for table in rates) <= 0.00145
    for earlier, later in (("GR2018", "GR2022"), ("GR2022", "GR2026"), ("TK2023", "TK2025")):
        found = mean((table[later] - table[earlier]).std() for table in rates)
        assert 0.00080 <= found <= 0.00135
    # Of all controls together: official -0.110 and +0.048 points.
    down = mean((table["GR2022"] - table["GR2018"]).mean() for table in rates)
    assert down == pytest.approx(-0.0011, abs=0.0003)
    assert mean((t["TK2025"] - t["TK2023"]).mean() for t in rates) == pytest.approx(5e-4, abs=1e-4)


@pytest.mark.parametrize(
    ("election", "field", "official", "relative"),
    [
        # One seed has a spread of 12 to 16%, as a few large cities weigh most.
        ("GR2022", "invalid_votes_count", 8.1, 0.25),
        ("TK2023", "invalid_votes_count", 11.8, 0.25),
        # Official: "about 4".
        ("TK2023", "blank_votes_count", 4.0, 0.25),
    ],
)
def test_dispersion_of_municipalities_around_the_country(
    panels, election, field, official, relative
):
    found = mean(
        pearson_dispersion(*counts_of(p[p["election_id"] == election], field)) for p in panels
    )
    assert found == pytest.approx(official, rel=relative)


def test_dispersion_of_stations(stations):
    """Around their own municipality 1.57 is put in; around the country 1.85 follows, nearly."""
    own, around, without = [], [], []
    for rows in stations:
        x, n = counts_of(rows)
        own.append(within_dispersion(x, n, rows["municipality_code"].to_numpy(str)))
        around.append(pearson_dispersion(x, n))
        without.append((x == 0).mean())
    assert mean(own) == pytest.approx(1.57, abs=0.08)
    assert mean(around) == pytest.approx(1.85, abs=0.15)
    assert mean(without) == pytest.approx(0.41, abs=0.025)


def test_sizes_and_counting_differences_of_stations(stations):
    rows = pd.concat(stations)
    votes = rows["votes_cast_count"]
    # 342 municipalities of 2025 with the turnout of 2022 make some more than the 11,986 stations.
    assert len(rows) / len(stations) == pytest.approx(12_900, rel=0.02)
    assert votes.mean() == pytest.approx(559, rel=0.03)
    assert np.percentile(votes, [5, 50, 95]) == pytest.approx([145, 528, 1081], rel=0.05)
    # How often a municipality goes wrong is drawn: a few large ones decide on the mean.
    more, fewer = (rows[f"{side}_ballots_count"] > 0 for side in ("more", "fewer"))
    assert more.mean() == pytest.approx(0.074, abs=0.015)
    assert fewer.mean() == pytest.approx(0.105, abs=0.02)
    both = [
        (
            table.groupby("municipality_code")[["more_ballots_count", "fewer_ballots_count"]].sum()
            > 0
        )
        .all(axis=1)
        .mean()
        for table in stations
    ]
    assert mean(both) == pytest.approx(0.60, abs=0.07)


def test_stations_of_an_election_do_not_depend_on_other_elections(panels):
    panel = panels[0]
    both = simulate_stations(panel[panel["election_id"].isin(["GR2022", "GR2026"])], seed=0)
    one = simulate_stations(panel[panel["election_id"] == "GR2026"], seed=0)
    again = both[both["election_id"] == "GR2026"].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, one)
    # The same stations four years later, of about the same size.
    keys = ["municipality_code", "polling_station_id"]
    size = both.pivot_table(index=keys, columns="election_id", values="votes_cast_count")
    assert size.notna().all(axis=None)
    assert np.log(size).corr().iloc[0, 1] > 0.9


def test_an_earlier_baseline_is_simulated_when_a_plan_names_it(gr2026):
    added = gr2026.elections[0].model_copy(update={"id": "GR2014"})
    study = gr2026.model_copy(
        update={
            "elections": (added, *gr2026.elections),
            "baselines": (*gr2026.baselines, "GR2014"),
        }
    )
    with_it = simulate_panel(study, seed=3, effect=0.003)
    without = simulate_panel(gr2026, seed=3, effect=0.003)
    rest = with_it[with_it["election_id"] != "GR2014"].reset_index(drop=True)
    assert len(with_it) - len(rest) == 342
    wanted = without.sort_values(["election_id", "municipality_code"], ignore_index=True)
    found = rest.sort_values(["election_id", "municipality_code"], ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted)
