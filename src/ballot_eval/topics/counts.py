"""Counts of one kind: which there are, and their times as arrays.

There are three kinds of count, which are different work and never pooled: at the polling station
under DSO (lists and candidates), at the polling station under CSO (lists), and the central session
of CSO (candidates).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.mergers import current_code
from ballot_eval.topics.measures import compared_rows
from ballot_eval.validation.moments import CLOSING_HOUR, elapsed_minutes, election_days

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CountKind:
    """A kind of count: its method and where it is done."""

    name: str
    counting_method: str
    counting_unit_type: str

    @property
    def origin(self) -> str:
        """Return from when the time until it is finished runs, for the names of quantities."""
        return "start" if self.counting_unit_type == "central_session" else "closing"

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the counts of this kind."""
        chosen = frame["counting_method"] == self.counting_method
        return frame[chosen & (frame["counting_unit_type"] == self.counting_unit_type)]


KINDS = (
    CountKind("DSO", "DSO", "polling_station"),
    CountKind("CSO", "CSO", "polling_station"),
    CountKind("CSO_central", "CSO", "central_session"),
)


def require_one_kind(frame: pd.DataFrame) -> None:
    """Raise ValueError unless all counts are of one kind, and that is one of ``KINDS``."""
    pairs = zip(frame["counting_method"], frame["counting_unit_type"], strict=True)
    found = Counter(f"{method or 'no method'} {unit}" for method, unit in pairs)
    known = {f"{kind.counting_method} {kind.counting_unit_type}" for kind in KINDS}
    shown = "; ".join(f"{kind} ({n})" for kind, n in sorted(found.items()))
    if len(found) > 1:
        msg = (
            f"counts of different kinds cannot be put together: {shown}. Under DSO a polling "
            "station counts lists and candidates, under CSO lists only, and a central session "
            "counts the candidates the next day. Choose one kind (CountKind.rows)"
        )
        raise ValueError(msg)
    if not set(found) <= known:
        msg = (
            f"counts of an unknown kind: {shown}. Without DSO or CSO it cannot be told what was "
            f"counted; the kinds are {', '.join(sorted(known))}"
        )
        raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of one kind at one election, as arrays (n,).

    ``minutes`` from start to end (or to the last moment seen, where not ``finished``);
    ``clock`` the minutes from the closing of the polling stations to the end. Raises ValueError for
    counts of several kinds, or of another than those of ``KINDS``.
    """

    frame: pd.DataFrame
    minutes: FloatArray
    clock: FloatArray
    finished: npt.NDArray[np.bool_]
    experiment: npt.NDArray[np.bool_]
    municipality: pd.Series[str]

    def __post_init__(self) -> None:
        require_one_kind(self.frame)

    @property
    def pace(self) -> FloatArray:
        """Return person-minutes per 100 ballots."""
        counters = self.frame["counters_count"].to_numpy(dtype=float)
        pace: FloatArray = 100 * self.minutes * counters / self.ballots
        return pace

    @property
    def until_finished(self) -> FloatArray:
        """Return the minutes until the end: of a session from its start, else from closing."""
        session = self.frame["counting_unit_type"] == "central_session"
        return np.where(session, self.minutes, self.clock)

    @property
    def ballots(self) -> FloatArray:
        """Return the ballots counted."""
        return self.frame["ballots_count"].to_numpy(dtype=float)

    def only(self, rows: npt.NDArray[np.bool_]) -> Counts:
        """Return some of the counts."""
        parts = (self.minutes[rows], self.clock[rows], self.finished[rows], self.experiment[rows])
        return Counts(self.frame[rows].reset_index(drop=True), *parts, self.municipality[rows])


def select_counts(
    frame: pd.DataFrame, study: StudyDesign, election: str, kind: CountKind | None = None
) -> Counts:
    """Return the counts of one election and one kind, without recounts.

    ``frame`` are accepted ``counting_times``; former experiment municipalities are left out, and
    so are recounts, which are work of another kind. Raises ValueError when they are of several
    kinds and none is chosen, and when they do not say DSO or CSO.
    """
    rows = compared_rows(frame, study, election)
    rows = rows[rows["recount"] == "no"].reset_index(drop=True)
    rows = kind.rows(rows).reset_index(drop=True) if kind else rows
    closing = election_days(rows["election_id"], study) + pd.Timedelta(hours=CLOSING_HOUR)
    now = study.election_by_id(study.election).date
    return Counts(
        frame=rows,
        minutes=_array(elapsed_minutes(rows["started_at"], rows["ended_at"])),
        clock=_array(elapsed_minutes(closing, rows["ended_at"])),
        finished=(rows["counting_status"] == "finished").to_numpy(dtype=bool),
        experiment=rows["experiment"].to_numpy(dtype=bool),
        municipality=current_code(
            rows["municipality_code"], study.election_by_id(election).date, now
        ),
    )


def _array(values: pd.Series[float]) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def log_linear(counts: Counts) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
    """Return log person-minutes (n,), regressors (n, p) and their names, of finished counts.

    The columns are an intercept, the role, and the logarithms of ballots, counters and lists, as
    far as they vary.
    """
    frame = counts.frame
    names = ["intercept", "experiment"]
    columns = [np.ones(len(frame)), counts.experiment.astype(float)]
    for field in ("ballots_count", "counters_count", "lists_count"):
        values = np.log(frame[field].to_numpy(dtype=float))
        if np.ptp(values) > 0:
            names.append(f"log_{field}")
            columns.append(values)
    y: FloatArray = np.log(counts.minutes * frame["counters_count"].to_numpy(dtype=float))
    return y, np.column_stack(columns), tuple(names)
