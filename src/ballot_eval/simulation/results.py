"""Simulated results of municipalities with a known effect on the invalid rate.

Levels follow the official results of 2018–2025: national rates of about a quarter of a percent,
rates that stay with a municipality, more so at elections of one type than across types, and shocks
between elections that make the change of a control municipality's invalid rate vary by about 0.10
percentage points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binom

from ballot_eval.design import Election, StudyDesign
from ballot_eval.municipalities import load_municipalities
from ballot_eval.schema import TABLES
from ballot_eval.simulation.streams import stream

FloatArray = npt.NDArray[np.float64]

#: Share of inhabitants who may vote, and turnout by type of election (rounded official levels).
ELIGIBLE_SHARE = 0.78
TURNOUT = {"GR": 0.51, "TK": 0.78, "EP": 0.46, "PS": 0.57, "WS": 0.54}
TURNOUT_SD, TURNOUT_SHOCK_SD = 0.05, 0.01

#: National rates where nothing else is known: those of GR2022, rounded.
INVALID_RATE = 0.0024
BLANK_RATE = 0.0029

#: National rates of elections that are known, rounded; GR2018 from the change of municipalities.
INVALID_RATES = {
    "GR2018": 0.0033,
    "TK2023": 0.0022,
    "EP2019": 0.0018,
    "EP2024": 0.0018,
    "TK2025": 0.0027,
}
BLANK_RATES = {"TK2023": 0.0019, "TK2025": 0.0038}

#: Standard deviations of log rates: what stays with a municipality, and what is new each time.
PERSISTENT_SD = 0.31
SHOCK_SD = 0.23
BLANK_SD = 0.17
BLANK_SHOCK_SD = 0.14

#: Correlation of what stays with a municipality between types of elections.
ACROSS_TYPES = 0.72


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
    first the elections the study needs, then those for the learning effect; an election has the
    same numbers whatever other elections the study has.
    Raises ValueError unless ``learning`` lies between 0 and 1.
    """
    if not 0 <= learning <= 1:
        msg = f"learning must lie between 0 and 1, found {learning}"
        raise ValueError(msg)
    units = load_municipalities().reset_index()
    codes = list(units["municipality_code"])
    parts = []
    for election in (*study.needed_elections(), *study.learning_elections()):
        added = [
            added_rate(study, code, election, effect, learning, leaver_factor) for code in codes
        ]
        parts.append(_election(study.election_by_id(election), units, np.array(added), seed))
    return pd.concat(parts, ignore_index=True)[list(TABLES["municipality_results"].required)]


def _election(plan: Election, units: pd.DataFrame, added: FloatArray, seed: int) -> pd.DataFrame:
    """Return the results of one election; ``added`` (n,) is what the ballot adds to the rates."""
    n = len(units)
    invalid_lasting, blank_lasting, turnout = _lasting(plan.type, n, seed)
    rng = stream(seed, "municipality_results", plan.id)
    eligible = np.round(units["inhabitants_count"].to_numpy() * ELIGIBLE_SHARE).astype(np.int64)
    turnout = TURNOUT[plan.type] + turnout + rng.normal(0, TURNOUT_SHOCK_SD, n)
    cast = np.round(eligible * np.clip(turnout, 0.2, 0.95)).astype(np.int64)
    rate = INVALID_RATES.get(plan.id, INVALID_RATE) * _factors(
        rng, invalid_lasting, PERSISTENT_SD, SHOCK_SD
    )
    blank_rate = BLANK_RATES.get(plan.id, BLANK_RATE) * _factors(
        rng, blank_lasting, BLANK_SD, BLANK_SHOCK_SD
    )
    # By their quantiles: the effect at one place leaves the draws of the others as they were.
    chance, blank_chance = rng.random(n), rng.random(n)
    invalid = binom.ppf(chance, cast, np.clip(rate + added, 0, 0.5)).astype(np.int64)
    blank = binom.ppf(blank_chance, cast - invalid, blank_rate).astype(np.int64)
    return pd.DataFrame(
        {
            "election_id": plan.id,
            "municipality_code": units["municipality_code"],
            "municipality_name": units["municipality_name"],
            "eligible_voters_count": eligible,
            "votes_cast_count": cast,
            "valid_votes_count": cast - invalid - blank,
            "blank_votes_count": blank,
            "invalid_votes_count": invalid,
        }
    )


def _lasting(kind: str, n: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what stays with a municipality: log rates (n,) of invalid and blank, and turnout.

    Log rates resemble those at elections of other types by ``ACROSS_TYPES``.
    """
    common, own = stream(seed, "municipality_results"), stream(seed, "municipality_results", kind)
    turnout = common.normal(0, TURNOUT_SD, n)
    shared, apart = np.sqrt(ACROSS_TYPES), np.sqrt(1 - ACROSS_TYPES)
    invalid, blank = (
        sd * (shared * common.normal(0, 1, n) + apart * own.normal(0, 1, n))
        for sd in (PERSISTENT_SD, BLANK_SD)
    )
    return invalid, blank, turnout


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


def _factors(
    rng: np.random.Generator, lasting: FloatArray, lasting_sd: float, shock_sd: float
) -> FloatArray:
    """Return factors (n,) of mean 1: the lasting part times a fresh shock, on the log scale."""
    log = lasting + rng.normal(0, shock_sd, len(lasting))
    return np.asarray(np.exp(log - (lasting_sd**2 + shock_sd**2) / 2))
