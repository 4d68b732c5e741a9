"""What the simulated tables of times share: municipalities, polling stations, random streams."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.errors import DesignError
from ballot_eval.municipalities import load_municipalities
from ballot_eval.simulation.results import ELIGIBLE_SHARE, TURNOUT

#: Mean votes cast per polling station at the municipal elections of 2022 (official level).
VOTES_PER_STATION = 559

#: Streams of random numbers of their own, so that no table changes the numbers of another.
STREAMS = {
    "voting_times": 0,
    "counting_times": 1,
    "voter_survey": 2,
    "station_survey": 3,
    "municipality_survey": 4,
    "station_results": 5,
    "candidate_results": 6,
    "invalid_reasons": 7,
    "party_only_votes": 8,
}


def stream(seed: int, table: str) -> np.random.Generator:
    """Return the generator of one table: a spawned child of ``seed``, independent of the others."""
    children = np.random.SeedSequence(seed).spawn(len(STREAMS))
    return np.random.default_rng(children[STREAMS[table]])


def compared_municipalities(study: StudyDesign) -> pd.DataFrame:
    """Return the experiment municipalities and as many controls of similar size, sorted by code.

    Columns: ``municipality_code``, ``experiment`` (bool), ``inhabitants_count``, ``stations_count``
    (polling stations). Each experiment municipality, in order of code, takes the free control with
    the nearest number of inhabitants (log scale); controls that the study names are taken instead.
    Municipalities that no longer exist are left out, as in the simulated results. Raises
    DesignError when no experiment municipality or too few controls are left.
    """
    inhabitants = load_municipalities()["inhabitants_count"]
    size = pd.Series(np.log(inhabitants), index=inhabitants.index)
    experiment = [code for code in sorted(study.experiment()) if code in size.index]
    free = size[[study.role(str(code)) == "control" for code in size.index]]
    named = study.reference.municipalities if study.reference else ()
    controls = [code for code in named if code in free.index]
    if not controls:
        for code in experiment if len(free) >= len(experiment) else ():
            nearest = str((free - size[code]).abs().idxmin())
            controls.append(nearest)
            free = free.drop(nearest)
    if not experiment or not controls:
        msg = f"study {study.id}: no experiment or control municipality of today to simulate times"
        raise DesignError(msg)
    codes = sorted(experiment + controls)
    counts = inhabitants[codes].to_numpy()
    votes = counts * ELIGIBLE_SHARE * TURNOUT["GR"]
    return pd.DataFrame(
        {
            "municipality_code": codes,
            "experiment": np.isin(codes, experiment),
            "inhabitants_count": counts,
            "stations_count": np.maximum(np.round(votes / VOTES_PER_STATION), 1).astype(int),
        }
    )


def check_truth(truth: Any) -> None:
    """Raise ValueError for a parameter outside its range, told by the ending of its name.

    ``…_share`` lies in [0, 1]; ``…_sd`` is at least 0; other numbers are above 0, elasticities
    are any finite number.
    """
    for entry in fields(truth):
        name, value = entry.name, getattr(truth, entry.name)
        if not isinstance(value, int | float):
            continue
        if name.endswith("_share"):
            fine, wanted = 0 <= value <= 1, "between 0 and 1"
        elif name.endswith("_elasticity"):
            fine, wanted = bool(np.isfinite(value)), "finite"
        elif name.endswith("_sd"):
            fine, wanted = 0 <= value < np.inf, "at least 0 and finite"
        else:
            fine, wanted = 0 < value < np.inf, "above 0 and finite"
        if not fine:
            msg = f"{name} is {value}; it must be {wanted}"
            raise ValueError(msg)


def centred_logs(ratios: tuple[float, ...], shares: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Return log ratios (k,) minus their mean under ``shares`` (k,)."""
    logs = np.log(np.asarray(ratios, dtype=float))
    return np.asarray(logs - logs @ np.asarray(shares, dtype=float))
