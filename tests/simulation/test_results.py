"""Simulated results: the learning put in comes out, and nothing else moves."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ballot_eval.simulation import simulate, simulate_panel


def shares(study, **options):
    rows = simulate_panel(study, seed=3, effect=0.004, **options)
    rates = rows["invalid_votes_count"] / rows["votes_cast_count"]
    return rates.groupby([rows["election_id"], rows["municipality_code"].map(study.role)]).mean()


def test_elections_for_learning_stand_after_the_others(gr2026):
    rows = simulate_panel(gr2026, seed=3, effect=0.004)
    order = list(dict.fromkeys(rows["election_id"]))
    assert order == ["GR2018", "GR2022", "GR2026", "EP2019", "TK2023", "EP2024", "TK2025"]


def test_learning_takes_its_share_of_the_effect_at_every_use(gr2026):
    again = ["0484", "0755", "1842", "1730"]
    excess = {}
    for learning in (0.0, 0.5, 1.0):
        rows = simulate_panel(gr2026, seed=3, effect=0.004, learning=learning)
        rows = rows.assign(rate=rows["invalid_votes_count"] / rows["votes_cast_count"])
        four = rows[rows["municipality_code"].isin(again)]
        excess[learning] = four.groupby("election_id")["rate"].mean()
    for election, left in (("EP2024", 1.0), ("TK2025", 0.5), ("GR2026", 0.25)):
        lost = excess[0.0][election] - excess[0.5][election]
        assert lost == pytest.approx(0.004 * (1 - left), abs=0.0003)
    assert excess[1.0]["TK2025"] < 0.004
    # Where nobody has the new ballot the same numbers are drawn.
    assert excess[0.0]["GR2022"] == excess[1.0]["GR2022"]


def test_a_leaver_can_have_another_effect(gr2026):
    plain, other = shares(gr2026), shares(gr2026, leaver_factor=2.0)
    assert other["EP2024", "former"] - plain["EP2024", "former"] == pytest.approx(0.004, abs=5e-4)
    assert np.isclose(other["EP2024", "experiment"], plain["EP2024", "experiment"], atol=2e-4)


@pytest.mark.parametrize(
    ("scenario", "effect", "learning", "leaver"),
    [
        ("introduction", 0.004, 0.0, 1.0),
        ("no-effect", 0.0, 0.0, 1.0),
        ("half-learning", 0.004, 0.5, 1.0),
        ("full-learning", 0.004, 1.0, 1.0),
        ("counting-faster", 0.004, 0.0, 1.0),
        ("composition", 0.004, 0.0, 2.25),
    ],
)
def test_a_folder_says_what_it_was_made_with(gr2026, tmp_path, scenario, effect, learning, leaver):
    choices = {"times": False, "surveys": False, "scenario": scenario}
    simulate(gr2026, tmp_path, seed=3, effect=0.004, **choices)
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert (truth["scenario"], truth["effect"]) == (scenario, effect)
    assert (truth["learning"], truth["leaver_factor"]) == (learning, leaver)
    made = pd.read_csv(tmp_path / "municipality_results.csv", dtype={"municipality_code": str})
    options = {"effect": effect, "learning": learning, "leaver_factor": leaver}
    wanted = simulate_panel(gr2026, seed=3, **options)
    assert (made["invalid_votes_count"] == wanted["invalid_votes_count"]).all()
    with pytest.raises(ValueError, match="scenario must be one of introduction, no-effect"):
        simulate(gr2026, tmp_path, seed=3, scenario="other")


def test_learning_is_a_share(gr2026):
    with pytest.raises(ValueError, match="between 0 and 1"):
        simulate_panel(gr2026, seed=3, effect=0.004, learning=1.2)
