"""Records of polling stations: more and fewer ballots counted, and what explains them.

A sound record has H - D in box I when it is positive and D - H in box J when it is negative, and
nothing else in either (rules F.305 to F.309). More and fewer ballots therefore never occur at one
station, and the two boxes that both share, another explanation and no explanation, belong to the
one that does. A box for the other direction explains nothing.

Explanations often do not add up to the difference (rule P.116). What the record calls unexplained
is kept as given; the part of a difference that no box speaks of is *unaccounted*, and what boxes
hold beyond the difference is the *surplus*, so that at every station

    difference = explained + unexplained + unaccounted - surplus.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ballot_eval.panel import DENOMINATOR, Panel
from ballot_eval.schema import (
    DIFFERENCE_FIELDS,
    EXPLANATION_FIELDS,
    NO_EXPLANATION,
    OTHER_EXPLANATION,
    OWN_EXPLANATIONS,
)
from ballot_eval.topics.stations import as_text, placed_stations

#: Boxes that a difference is told by: D, H, I and J.
_RECORD = ("admitted_voters_count", DENOMINATOR, *DIFFERENCE_FIELDS)

#: What becomes of a difference, in the columns ``<direction>_<part>`` of the rows.
PARTS = ("explained", "unexplained", "unaccounted", "surplus")

#: Why a station is left out; the first that applies.
LEFT_OUT = ("unknown", "without_votes", "unsound")

#: The way of counting of stations of which it is not known.
UNKNOWN_METHOD = "unknown"


@dataclass(frozen=True, slots=True)
class StationRecords:
    """Records of polling stations on today's municipalities, former experiment ones included.

    ``every`` has a row per station of the panel's municipalities: ``election_id``,
    ``municipality_code``, ``role``, ``is_reference``, ``counting_method`` (``DSO``, ``CSO`` or
    ``unknown``) and ``left_out``: empty, or one of ``LEFT_OUT``. ``rows`` has the stations that are
    not left out, with ``votes`` (H), ``more``, ``fewer``, and by direction the parts of a
    difference, all float and NaN where the boxes for explanations are not known.
    """

    panel: Panel
    every: pd.DataFrame
    rows: pd.DataFrame

    def levels(self, election: str) -> tuple[str, ...]:
        """Return the ways of counting of the usable stations at an election, sorted."""
        rows = self.rows[self.rows["election_id"] == election]
        return tuple(sorted(set(rows["counting_method"])))

    def at(self, election: str, level: str) -> pd.DataFrame:
        """Return the usable stations of one way of counting at one election."""
        rows = self.rows
        return rows[(rows["election_id"] == election) & (rows["counting_method"] == level)]


def select_records(frame: pd.DataFrame, panel: Panel) -> StationRecords:
    """Return the records of accepted ``station_results``, and which of them can be used.

    Left out are stations with an unknown number of voters admitted, votes cast, more or fewer
    ballots, those without votes, and those whose record breaks F.305 to F.309. Stations of a
    municipality without accepted result do not appear.
    """
    placed = placed_stations(frame, panel, (*_RECORD, *EXPLANATION_FIELDS))
    roles = panel.results[["election_id", "municipality_code", "role", "is_reference"]]
    placed = placed.merge(roles, on=["election_id", "municipality_code"])
    method = as_text(placed["counting_method"])
    counts = placed[[*_RECORD, *EXPLANATION_FIELDS]].astype("Float64").astype(float)
    every = placed[["election_id", "municipality_code", "role", "is_reference"]].assign(
        counting_method=method.where(method != "", UNKNOWN_METHOD), left_out=_left_out(counts)
    )
    used = every["left_out"] == ""
    rows = every[used].drop(columns="left_out").join(_differences(counts[used]))
    # Categories are added up many times faster than text.
    rows = rows.astype({"municipality_code": "category"})
    return StationRecords(panel, every, rows)


def _left_out(counts: pd.DataFrame) -> pd.Series[str]:
    """Return why a station is left out, empty where it is not."""
    fields = counts[list(_RECORD)]
    admitted, cast, more, fewer = (fields[name] for name in _RECORD)
    sound = (more == (cast - admitted).clip(lower=0)) & (fewer == (admitted - cast).clip(lower=0))
    conditions = [fields.isna().any(axis=1), cast == 0, ~sound]
    return pd.Series(np.select(conditions, LEFT_OUT, default=""), index=counts.index)


def _differences(counts: pd.DataFrame) -> pd.DataFrame:
    """Return votes, differences by direction and their parts, of sound records."""
    made = {"votes": counts[DENOMINATOR]}
    boxes = counts[list(EXPLANATION_FIELDS)]
    # A box that is empty makes what the others explain unknown.
    known = boxes.notna().all(axis=1)
    for direction, own in OWN_EXPLANATIONS.items():
        size = counts[f"{direction}_ballots_count"]
        explained = boxes[[*own, OTHER_EXPLANATION]].sum(axis=1)
        unexplained = boxes[NO_EXPLANATION]
        left = size - explained - unexplained
        parts = (explained, unexplained, left.clip(lower=0), (-left).clip(lower=0))
        made[direction] = size
        for name, part in zip(PARTS, parts, strict=True):
            # Boxes filled in where nothing differs explain nothing.
            made[f"{direction}_{name}"] = part.where(size > 0, 0.0).where(known)
    return pd.DataFrame(made)
