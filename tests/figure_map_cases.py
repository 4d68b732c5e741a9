"""What the map of municipalities is drawn from, and pieces of its words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ballot_eval.municipalities import load_municipalities

EXPERIMENT = {
    "0484": 0.0038,
    "0755": 0.0055,
    "0513": 0.0066,
    "0546": 0.0067,
    "1948": 0.0050,
    "1842": 0.0051,
    "0268": 0.0065,
    "0171": 0.0045,
    "0796": 0.0053,
    "0342": 0.0088,
    "1730": 0.0054,
}


def map_rows() -> pd.DataFrame:
    """Return made-up rates of all municipalities of 2025: controls below 0.5%, Almere above."""
    names = load_municipalities()["municipality_name"]
    rates = np.random.default_rng(7).uniform(0.0002, 0.0048, len(names))
    rows = names.reset_index().assign(role="control", rate=rates).set_index("municipality_code")
    for code, rate in EXPERIMENT.items():
        rows.loc[code, ["role", "rate"]] = ["experiment", rate]
    rows.loc["0034", "rate"] = 0.0102
    rows.loc["0060", "rate"] = 0.0001
    return rows.reset_index()


def _with_gaps() -> pd.DataFrame:
    """Return rates without the municipality of Aalten and without votes in Texel."""
    rows = map_rows()
    rows.loc[rows["municipality_code"] == "0448", "rate"] = np.nan
    return rows[rows["municipality_code"] != "0197"]


CASES = {
    "tile_map": ((map_rows(),), {}),
    "tile_map:gaps": ((_with_gaps(),), {"kind": "blank"}),
}

TEXTS = {
    "tile_map": (
        ["ongeldige", "van 0,01% (Ameland) tot 1,02% (Almere)", "Soest 0,88% (plaats 2)"],
        ["invalid", "from 0.01% (Ameland) to 1.02% (Almere)", "Soest 0.88% (place 2)"],
    ),
    "tile_map:gaps": (
        ["blanco", "onder 340 gemeenten", "Zonder gegevens: 2."],
        ["blank", "among 340 municipalities", "Without data: 2."],
    ),
}
