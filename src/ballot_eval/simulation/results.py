"""Simulated results of municipalities with a known effect on the invalid rate.

Levels follow the official results of 2018–2025: rates of about a quarter of a percent,
persistent municipality effects, and shocks between elections that make the change of a
control municipality's invalid rate vary by about 0.10 percentage points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.municipalities import load_municipalities
from ballot_eval.schema import TABLES

#: Share of inhabitants who may vote, and turnout by type of election (rounded official levels).
ELIGIBLE_SHARE = 0.78
TURNOUT = {"GR": 0.51, "TK": 0.78, "EP": 0.46, "PS": 0.57, "WS": 0.54}

INVALID_RATE = 0.0024
BLANK_RATE = 0.0029

#: Standard deviations of log rates: what stays with a municipality, and what is new each time.
PERSISTENT_SD = 0.27
SHOCK_SD = 0.27


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens to the effect of the new ballot on the invalid rate.

    ``effect_factor`` multiplies the effect asked for; the share ``learning`` of it is lost with
    every further use; in municipalities that left it is ``leaver_factor`` times as large.
    """

    effect_factor: float = 1.0
    learning: float = 0.0
    leaver_factor: float = 1.0


#: Worlds to simulate, by name. In ``composition`` nobody learns, but a municipality with a large
#: effect leaves, which lowers the average.
SCENARIOS = {
    "introduction": Scenario(),
    "no-effect": Scenario(effect_factor=0.0),
    "half-learning": Scenario(learning=0.5),
    "full-learning": Scenario(learning=1.0),
    "composition": Scenario(leaver_factor=2.25),
}


def simulate_panel(
    study: StudyDesign,
    *,
    seed: int,
    effect: float,
    learning: float = 0.0,
    leaver_factor: float = 1.0,
) -> pd.DataFrame:
    """Return simulated ``municipality_results`` with integer counts, in memory.

    ``effect`` (fraction of votes cast) is added to the invalid rate wherever the new ballot is
    used for the first time; the share ``learning`` of it is lost with every further use. In
    municipalities that used it and left, it is ``leaver_factor`` times as large: composition then
    changes the average without anybody learning. One row per municipality of today and election,
    first the elections the study needs, then those for the learning effect.
    Raises ValueError unless ``learning`` lies between 0 and 1.
    """
    if not 0 <= learning <= 1:
        msg = f"learning must lie between 0 and 1, found {learning}"
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    units = load_municipalities().reset_index()
    n = len(units)
    persistent = rng.normal(0, PERSISTENT_SD, n)
    blank_persistent = rng.normal(0, PERSISTENT_SD, n)
    turnout_level = rng.normal(0, 0.05, n)
    codes = units["municipality_code"].to_numpy()
    parts = []
    for election in (*study.needed_elections(), *study.learning_elections()):
        plan = study.election_by_id(election)
        eligible = np.round(units["inhabitants_count"].to_numpy() * ELIGIBLE_SHARE).astype(int)
        turnout = TURNOUT[plan.type] + turnout_level + rng.normal(0, 0.01, n)
        cast = np.round(eligible * np.clip(turnout, 0.2, 0.95)).astype(int)
        rate = INVALID_RATE * _lognormal(rng, persistent)
        added = [
            added_rate(study, code, election, effect, learning, leaver_factor) for code in codes
        ]
        rate = np.clip(rate + added, 0, 0.5)
        invalid = rng.binomial(cast, rate)
        blank = rng.binomial(cast - invalid, BLANK_RATE * _lognormal(rng, blank_persistent))
        parts.append(
            pd.DataFrame(
                {
                    "election_id": election,
                    "municipality_code": codes,
                    "municipality_name": units["municipality_name"],
                    "eligible_voters_count": eligible,
                    "votes_cast_count": cast,
                    "valid_votes_count": cast - invalid - blank,
                    "blank_votes_count": blank,
                    "invalid_votes_count": invalid,
                },
                columns=list(TABLES["municipality_results"].required),
            )
        )
    return pd.concat(parts, ignore_index=True)


def added_rate(
    study: StudyDesign,
    code: str,
    election: str,
    effect: float,
    learning: float,
    leaver_factor: float,
) -> float:
    """Return what the new ballot adds to the rate of one municipality at one election."""
    if code not in study.election_by_id(election).new_ballot:
        return 0.0
    factor = leaver_factor if study.role(code) == "former" else 1.0
    return float(factor * effect * (1 - learning) ** (study.exposure(code, election) - 1))


def _lognormal(rng: np.random.Generator, persistent: np.ndarray) -> np.ndarray:
    """Return factors of mean 1: the persistent part times a fresh shock, on the log scale."""
    log = persistent + rng.normal(0, SHOCK_SD, len(persistent))
    return np.asarray(np.exp(log - (PERSISTENT_SD**2 + SHOCK_SD**2) / 2))
