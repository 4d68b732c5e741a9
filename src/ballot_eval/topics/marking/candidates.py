"""Votes per candidate on today's municipalities, from whole municipalities or their stations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.mergers import current_code
from ballot_eval.panel import Panel

FloatArray = npt.NDArray[np.float64]

PLACE = ["municipality_code", "list_number"]
CANDIDATE = [*PLACE, "candidate_number"]

#: Elections at which every municipality has the same lists.
NATIONAL = ("TK", "EP")

#: Most draws for each list or number apart, and for the test on numbers: they are many.
DRAWS = 9_999


@dataclass(frozen=True, slots=True)
class CandidateVotes:
    """The votes for candidates at one election.

    ``rows`` has one row per municipality of today, list and candidate: ``municipality_code``,
    ``list_number``, ``candidate_number``, ``votes_count``. ``municipalities`` has one row per code
    among them, in the order of codes: ``role`` and ``is_reference``. ``merged`` are those of the
    codes that had several municipalities, each with lists of its own at a municipal election.
    """

    election: str
    rows: pd.DataFrame
    municipalities: pd.DataFrame
    merged: tuple[str, ...]

    def array(self) -> FloatArray:
        """Return the votes (U, L, P) by municipality, list and position, NaN without candidate."""
        rows = self.rows
        unit = self.municipalities.index.get_indexer(pd.Index(rows["municipality_code"]))
        number, position = (rows[c].to_numpy() for c in CANDIDATE[1:])
        shape = (len(self.municipalities), number.max(initial=1), position.max(initial=1))
        votes = np.full(shape, np.nan)
        votes[unit, number - 1, position - 1] = rows["votes_count"]
        return votes


def candidate_votes(frame: pd.DataFrame, panel: Panel, election: str) -> CandidateVotes | None:
    """Return the votes of accepted ``candidate_results`` at one election; None without any.

    The rows of a whole municipality are used where there are any, else those of its stations are
    added up. Municipalities without an accepted result are left out. Numbers of lists and
    candidates below 1 do not exist and are left out too.
    """
    study = panel.study
    here = frame[frame["election_id"] == election]
    codes, whole = here["municipality_code"], here["polling_station_id"] == ""
    used = here[whole | ~codes.isin(codes[whole].unique())]
    rows = used.groupby(CANDIDATE, observed=True)["votes_count"].sum().reset_index()
    rows = rows.astype(dict.fromkeys(CANDIDATE, "str")).astype(dict.fromkeys(CANDIDATE[1:], int))
    rows = rows[(rows["list_number"] > 0) & (rows["candidate_number"] > 0)]
    old = pd.Series(rows["municipality_code"].unique())
    since, until = (study.election_by_id(e).date for e in (election, study.election))
    new = current_code(old, since, until)
    today = dict(zip(old, new, strict=True))
    rows = rows.assign(municipality_code=rows["municipality_code"].map(today))
    results = panel.results[panel.results["election_id"] == election]
    municipalities = results.set_index("municipality_code")[["role", "is_reference"]].sort_index()
    votes = rows.groupby(CANDIDATE, sort=True)["votes_count"].sum().reset_index()
    votes = votes[votes["municipality_code"].isin(municipalities.index)]
    if votes.empty:
        return None
    have = municipalities.index.isin(votes["municipality_code"])
    return CandidateVotes(
        election=election,
        rows=votes.reset_index(drop=True),
        municipalities=municipalities[have],
        merged=tuple(str(code) for code in new[new.duplicated()].unique()),
    )
