"""What simulated tables share: the municipalities that are compared, and ranges of parameters."""

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


def stations_count(eligible: npt.ArrayLike, kind: str = "GR") -> npt.NDArray[np.int64]:
    """Return the polling stations (n,) of municipalities with so many ``eligible`` voters (n,).

    They follow the turnout that is usual at elections of a ``kind``, so that they stay the same
    from one election to the next.
    """
    votes = np.asarray(eligible, dtype=float) * TURNOUT[kind]
    return np.maximum(np.round(votes / VOTES_PER_STATION), 1).astype(np.int64)


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
    return pd.DataFrame(
        {
            "municipality_code": codes,
            "experiment": np.isin(codes, experiment),
            "inhabitants_count": counts,
            "stations_count": stations_count(np.round(counts * ELIGIBLE_SHARE)),
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
