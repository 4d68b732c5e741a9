"""What the funnel plot of polling stations draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ballot_eval.reporting.drawings.times import Drawing
from ballot_eval.topics.marking.station_funnel import LEVELS, Funnel, station_funnels

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: Points of a curve; limits change fast at small stations, so these are geometrically spaced.
POINTS = 160

#: Ends of the names of the columns of limits, by level.
ENDS = dict(zip(LEVELS, ("95", "99_8"), strict=True))


def difference_figures(outcome: Outcome) -> dict[str, Drawing]:
    """Return the funnel plot; nothing without polling stations or where it has no limits."""
    accepted = outcome.validation.accepted["station_results"]
    funnels = [f for f in station_funnels(accepted, outcome.panel) if f.outside]
    if not funnels:
        return {}
    most = max(int(f.rows["denominator"].max()) for f in funnels)
    grid = np.unique(np.geomspace(10, max(most, 20), POINTS).round().astype(np.int64))
    stations = pd.concat([_points(f) for f in funnels], ignore_index=True)
    curves = pd.concat([_curves(f, grid) for f in funnels], ignore_index=True)
    kind = outcome.study.analysis.outcome
    return {"station_funnel": ((stations, curves), {"kind": kind})}


def _points(funnel: Funnel) -> pd.DataFrame:
    votes = funnel.rows["denominator"].to_numpy(float)
    return pd.DataFrame(
        {
            "unit": funnel.unit,
            "votes_cast": votes,
            "rate": funnel.rows["numerator"].to_numpy(float) / votes,
            "limits_crossed": np.sum([funnel.outside[level] for level in LEVELS], axis=0),
        }
    )


def _curves(funnel: Funnel, grid: np.ndarray) -> pd.DataFrame:
    made = {"unit": funnel.unit, "votes_cast": grid, "centre": funnel.rate}
    for level, end in ENDS.items():
        made[f"lower_{end}"], made[f"upper_{end}"] = funnel.limits(level, grid)
    return pd.DataFrame(made)
