"""Small tables of votes per candidate, and a plan that they fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

import ballot_eval as be
from ballot_eval.panel import Panel
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel

COLUMNS = list(TABLES["candidate_results"].names)


def few_draws(study: be.StudyDesign, draws: int = 999) -> be.StudyDesign:
    analysis = study.analysis.model_copy(update={"draws": draws, "max_exact": 100})
    return study.model_copy(update={"analysis": analysis})


def simulated_panel(study: be.StudyDesign, every: int = 1, seed: int = 1) -> Panel:
    """Return the panel with every so-manieth control only."""
    results = simulate_panel(study, seed=seed, effect=0.003)
    regions = pd.DataFrame(columns=list(TABLES["region_results"].names))
    panel = be.build_panel({"municipality_results": results, "region_results": regions}, study)
    controls = sorted(set(results["municipality_code"]) - set(study.ever_exposed()))[::every]
    kept = panel.results["municipality_code"].isin([*controls, *study.ever_exposed()])
    return replace(panel, results=panel.results[kept])


def valid_votes(panel: Panel, *elections: str) -> pd.DataFrame:
    """Return what the simulation of candidates needs of the panel."""
    return panel.results[panel.results["election_id"].isin(elections)].reset_index(drop=True)


def candidates(rows: list[tuple], **columns: str) -> pd.DataFrame:
    """Return a table from (municipality, list, candidate, votes) at GR2026, as it is accepted."""
    frame = pd.DataFrame(rows, columns=["municipality_code", *COLUMNS[3:]])
    frame = frame.assign(election_id="GR2026", polling_station_id="")
    text = ["list_number", "candidate_number"]
    return frame.assign(**columns).astype(dict.fromkeys(text, str))[COLUMNS]


def votes_array(frame: pd.DataFrame) -> np.ndarray:
    """Return votes (U, L, P) of a frame of whole numbers: unit, list, position, votes."""
    unit, number, position = (frame[c].to_numpy() for c in frame.columns[:3])
    votes = np.full((unit.max() + 1, number.max(), position.max()), np.nan)
    votes[unit, number - 1, position - 1] = frame.iloc[:, 3]
    return votes
