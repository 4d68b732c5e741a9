"""What the figures of polling stations are drawn from, and pieces of their words."""

from __future__ import annotations

import pandas as pd

NAN = float("nan")

SIZES = ("0–249", "250–499", "500–749", "750–999", "1.000 en meer")
TYPES = ("regulier", "bijzonder: verpleeghuis of ziekenhuis", "mobiel", "onbekend", "e", "f")


def station_rows(levels: tuple[str, ...] = SIZES) -> pd.DataFrame:
    rows = []
    for i, level in enumerate(levels):
        for unit, rate, count in (("experiment", 0.0062, 90), ("control", 0.0024, 11_269)):
            value = rate - 0.0002 * i
            rows.append((level, unit, count - i, value, 0.7 * value, 1.4 * value))
    columns = ["level", "unit", "stations_count", "rate", "ci_lower", "ci_upper"]
    return pd.DataFrame(rows, columns=columns)


def _types() -> pd.DataFrame:
    rows = station_rows(TYPES)
    rows.loc[6, ["ci_lower", "ci_upper"]] = NAN
    return rows.drop(index=[4])


CASES = {
    "station_rates": ((station_rows(),), {}),
    "station_rates:types": ((_types(),), {"dimension": "station_type", "kind": "blank"}),
    "station_rates:one": ((station_rows(SIZES[:1]),), {"kind": "residual"}),
}

#: Pieces that the Dutch and the English alternative text must hold.
TEXTS = {
    "station_rates": (
        [
            "aandeel ongeldige stemmen naar uitgebrachte stemmen op het stembureau",
            "250–499: experimentgemeenten 0,60% (0,42–0,84%; 89 stembureaus), controlegemeenten "
            "0,22% (0,15–0,31%; 11.268 stembureaus)",
        ],
        ["share of invalid votes by votes cast", "0.60% (0.42–0.84%; 89 stations)"],
    ),
    "station_rates:types": (
        [
            "naar soort stembureau",
            "mobiel: controlegemeenten 0,20%",
            "onbekend: experimentgemeenten 0,56% (zonder interval; 87 stembureaus)",
        ],
        ["by type of polling station", "(no interval; 87 stations)"],
    ),
    "station_rates:one": (["ongeldige en blanco stemmen samen"], ["together"]),
}
