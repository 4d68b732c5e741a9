"""What the funnel plot of polling stations is drawn from, and pieces of its words."""

from __future__ import annotations

import numpy as np
import pandas as pd


def funnel_rows(units=("control", "experiment"), count=3000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return stations on a lattice of votes and rates, and curves that are no limits of them."""
    stations, limits = [], []
    for i, unit in enumerate(units):
        votes = np.linspace(20, 2400, count // (1 + 9 * i))
        rate = (np.arange(len(votes)) % 5) / votes
        crossed = np.where(np.arange(len(votes)) < 30, 2, 0)
        crossed[30:40] = 1
        columns = {"unit": unit, "votes_cast": votes, "rate": rate, "limits_crossed": crossed}
        stations.append(pd.DataFrame(columns))
        grid, centre = np.geomspace(10, 2400, 50), 0.0023 + 0.0035 * i
        half = np.sqrt(centre / grid)
        curves = {"unit": unit, "votes_cast": grid, "centre": centre}
        curves |= {"lower_95": centre - 2 * half, "upper_95": centre + 2 * half}
        curves |= {"lower_99_8": centre - 3 * half, "upper_99_8": centre + 3 * half}
        limits.append(pd.DataFrame(curves))
    return pd.concat(stations, ignore_index=True), pd.concat(limits, ignore_index=True)


CASES = {
    "station_funnel": (funnel_rows(count=9000), {}),
    "station_funnel:one": (funnel_rows(units=("control",), count=200), {"kind": "residual"}),
}

#: Pieces that the Dutch and the English alternative text must hold.
TEXTS = {
    "station_funnel": (
        [
            "controlegemeenten 9.000 stembureaus rond 0,23%, waarvan 40 (0,4%) buiten de grenzen "
            "van 95% en 30 (0,33%) buiten die van 99,8%",
            "experimentgemeenten 900 stembureaus rond 0,58%",
            "7 stembureaus liggen boven de rand",
        ],
        ["control municipalities 9,000 stations around 0.23%", "30 (0.33%) outside those"],
    ),
    "station_funnel:one": (["ongeldige en blanco stemmen samen"], ["votes together"]),
}
