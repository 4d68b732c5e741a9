"""Observed voters as arrays, and which of them a comparison is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.topics.measures import compared_rows

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Which voters: alone (the main comparison), helped, and everyone.
SUBSETS = ("unassisted", "assisted", "all")

STATION, MUNICIPALITY = "polling_station", "municipality"


@dataclass(frozen=True, slots=True)
class Voters:
    """Observed voters as arrays (n,).

    ``complete`` is false where the observation broke off, so that the time is a lower bound;
    ``station`` names a polling station uniquely over municipalities.
    """

    frame: pd.DataFrame
    seconds: FloatArray
    complete: BoolArray
    new: BoolArray
    station: npt.NDArray[np.str_]
    municipality: pd.Series[str]

    @property
    def n(self) -> int:
        """Return the number of voters."""
        return len(self.seconds)

    def only(self, rows: BoolArray) -> Voters:
        """Return some of the voters."""
        return voters_of(self.frame[rows].reset_index(drop=True))


def voters_of(frame: pd.DataFrame) -> Voters:
    """Return the rows of ``voting_times`` as arrays."""
    return Voters(
        frame=frame,
        seconds=frame["voting_seconds"].to_numpy(dtype=float),
        complete=(frame["observation_status"] == "complete").to_numpy(dtype=bool),
        new=(frame["ballot"] == "new").to_numpy(dtype=bool),
        station=(frame["municipality_code"] + ":" + frame["polling_station_id"]).to_numpy(str),
        municipality=frame["municipality_code"],
    )


def select_voters(frame: pd.DataFrame, study: StudyDesign, subset: str) -> Voters:
    """Return the voters of a subset at the study's election, without former municipalities.

    ``subset`` is one of ``SUBSETS``; voters of whom it is unknown whether they were helped are in
    ``all`` only. Raises ValueError for another subset.
    """
    if subset not in SUBSETS:
        msg = f"subset {subset!r} is not one of {', '.join(SUBSETS)}"
        raise ValueError(msg)
    rows = compared_rows(frame, study, study.election)
    wanted = {"unassisted": ["no"], "assisted": ["yes"], "all": ["no", "yes", "unknown"]}[subset]
    return voters_of(rows[rows["assisted"].isin(wanted)].reset_index(drop=True))
