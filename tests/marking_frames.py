"""Simulated reasons of invalidity and votes for a party alone, whole and of half the stations."""

from __future__ import annotations

import pandas as pd

import ballot_eval as be
from ballot_eval.panel import Panel
from ballot_eval.schema import TABLES
from ballot_eval.simulation import (
    simulate_panel,
    simulate_party_only,
    simulate_reasons,
    simulate_stations,
)


def marked(study: be.StudyDesign) -> tuple[Panel, dict[str, pd.DataFrame]]:
    """Return a panel with few draws, and how its experiment municipalities marked ballots."""
    analysis = study.analysis.model_copy(update={"draws": 199, "max_exact": 199})
    study = study.model_copy(update={"analysis": analysis, "learning": None})
    rows = simulate_panel(study, seed=7, effect=0.003)
    regions = pd.DataFrame(columns=list(TABLES["region_results"].names))
    panel = be.build_panel({"municipality_results": rows, "region_results": regions}, study)
    here = rows[rows["election_id"] == "GR2026"]
    here = here[here["municipality_code"].isin(study.experiment())]
    stations = simulate_stations(here, seed=7)
    added = dict.fromkeys(study.experiment(), 0.003)
    return panel, {
        "station_results": stations,
        "invalid_reasons": simulate_reasons(here, stations, added, seed=7),
        "party_only_votes": simulate_party_only(here, stations, study, seed=7),
    }


def half_the_stations(
    tables: dict[str, pd.DataFrame],
) -> tuple[str, list[str], dict[str, pd.DataFrame]]:
    """Return a municipality with stations, half of them, and the tables with those alone."""
    frame = tables["party_only_votes"]
    code = frame.loc[frame["polling_station_id"] != "", "municipality_code"].iloc[0]
    stations = sorted(set(frame.loc[frame["municipality_code"] == code, "polling_station_id"]))[1:]
    kept = stations[: len(stations) // 2]
    assert len(kept) > 2

    def part(name):
        rows = tables[name]
        here = rows["municipality_code"] == code
        return rows[~here | rows["polling_station_id"].isin(kept)]

    names = ("party_only_votes", "invalid_reasons")
    return code, kept, tables | {name: part(name) for name in names}


def by_key(measures):
    """Return measures by unit, level and quantity, each of which is there once."""
    found = {(m.unit, m.level, m.quantity): m for m in measures}
    assert len(found) == len(list(measures))
    return found
