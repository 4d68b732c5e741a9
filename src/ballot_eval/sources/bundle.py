"""The Kiesraad's CSV with the votes per party and polling station."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ballot_eval.sources.frames import Block, Cells, block
from ballot_eval.sources.header import BUNDLE
from ballot_eval.sources.parsed import NumberedRows, Parsed, whole
from ballot_eval.sources.places import is_region, region_code, station_name, station_number
from ballot_eval.sources.text import Faults, shown

#: The columns that tell one polling station from another.
_STATION = ["GemeenteCode", "StembureauCode"]


def read_bundle(
    header: Sequence[str], numbered: NumberedRows, election: str, faults: Faults
) -> Parsed:
    """Return lists and stations of a file ``*_Stemmen_Per_Lijst_Per_Stembureau.csv``.

    ``list_results``: a row per station and party, with the name of the list and no number.
    ``station_results``: a row per station, with name, postcode and the sum of its party votes as
    valid votes; the file has no other counts, so they are empty, and so is the sum where a cell of
    the station is no whole number. Municipality codes, which the file writes without leading
    zeros, get four digits. The Caribbean public bodies (9001 to 9003) and the postal station for
    voters abroad (9010) are no municipalities; their rows are out of scope, as in the long CSV.

    Adds a fault for a row with too few or too many cells, for a municipality code that is no
    number, and for a station with two names, postcodes or municipalities.
    """
    parsed = Parsed(BUNDLE.format)
    rows = _frame(header, numbered, faults)
    _check_codes(rows, faults)
    rows["GemeenteCode"] = _each(rows["GemeenteCode"], lambda text: text.zfill(4))
    rows["StembureauCode"] = _each(rows["StembureauCode"], station_number)
    elsewhere = _each(rows["GemeenteCode"], lambda text: is_region(region_code(text)))
    parsed.lines = len(rows)
    rows = rows[~elsewhere.astype(bool)]
    parsed.lines_used = len(rows)
    _check_stations(rows, faults)
    if not rows.empty:
        parsed.blocks = [_lists(rows, election), _stations(rows, election)]
    return parsed


def _frame(header: Sequence[str], numbered: NumberedRows, faults: Faults) -> pd.DataFrame:
    """Return the cells as text, one column per column of the file, and ``line``."""
    cells: list[str] = []
    lines: list[int] = []
    for line, row in whole(len(header), numbered, faults):
        cells.extend(row)
        lines.append(line)
    wanted = {c: cells[header.index(c) :: len(header)] for c in BUNDLE.columns}
    rows = pd.DataFrame(wanted, dtype=object)
    rows["line"] = np.array(lines, np.int64)
    return rows


def _each(cells: pd.Series, change: Callable[[str], object]) -> pd.Series:
    """Return ``change`` of every cell; a text that stands there often is changed once."""
    return cells.map({text: change(text) for text in cells.unique()})


def _check_codes(rows: pd.DataFrame, faults: Faults) -> None:
    first = rows.drop_duplicates("GemeenteCode")
    for line, code in zip(first["line"], first["GemeenteCode"], strict=True):
        if not re.fullmatch("[0-9]{1,4}", code):
            faults.add(
                f"line {line}: GemeenteCode {shown(code)} is no number of at most four digits; "
                "mend it"
            )


def _check_stations(rows: pd.DataFrame, faults: Faults) -> None:
    """Add a fault where one number stands for two different stations."""
    for column in ("GemeenteNaam", "StembureauNaam", "Postcode"):
        named = rows.drop_duplicates([*_STATION, column])
        for other in named[named.duplicated(_STATION)].to_dict("records"):
            faults.add(
                f"line {other['line']}: {column} {shown(other[column])} differs from that of the "
                f"rows before of station {other['StembureauCode']} of {other['GemeenteCode']}; "
                "give each station a number of its own"
            )


def _lists(rows: pd.DataFrame, election: str) -> Block:
    columns = {
        "municipality_code": "GemeenteCode",
        "polling_station_id": "StembureauCode",
        "list_name": "PartijNaam",
        "votes_count": "AantalStemmen",
    }
    cells: dict[str, Cells] = {}
    for to, name in columns.items():
        found = pd.Categorical(rows[name])
        # Text of one type, as in the tables of the other readers, with which it is joined.
        cells[to] = pd.Categorical.from_codes(found.codes, found.categories.astype("str"))
    return block("list_results", cells | {"election_id": election}, rows["line"].to_numpy())


def _stations(rows: pd.DataFrame, election: str) -> Block:
    stations = rows.drop_duplicates(_STATION)
    counted = _each(rows["AantalStemmen"], _count).to_numpy(float)
    # Numbers of stations in the order of their first rows; a NaN makes the sum NaN.
    sums = np.bincount(rows.groupby(_STATION, sort=False).ngroup(), weights=counted)
    named = [
        station_name(name, postcode)
        for name, postcode in zip(stations["StembureauNaam"], stations["Postcode"], strict=True)
    ]
    columns: dict[str, Cells] = {
        "election_id": election,
        "municipality_code": list(stations["GemeenteCode"]),
        "municipality_name": list(stations["GemeenteNaam"]),
        "polling_station_id": list(stations["StembureauCode"]),
        "polling_station_name": [name for name, _ in named],
        "postcode": [postcode for _, postcode in named],
        "valid_votes_count": ["" if np.isnan(total) else str(int(total)) for total in sums],
    }
    return block("station_results", columns, stations["line"].to_numpy())


def _count(text: str) -> float:
    return float(text) if re.fullmatch("[0-9]{1,12}", text) else np.nan
