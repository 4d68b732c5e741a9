"""Counts at every use of the new ballot that the learning effect compares, and who was in it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.decomposition import ElectionCounts, PublishedShares
from ballot_eval.estimation.rounded import Rounded
from ballot_eval.mergers import current_code
from ballot_eval.panel import MEASURES
from ballot_eval.plan_topics import Exposure, Learning

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ExposureHistory:
    """Counts of one outcome on today's municipalities, at the elections for which there are any.

    ``counts`` maps an election to a frame by municipality code with ``events`` and ``ballots``.
    """

    study: StudyDesign
    learning: Learning
    outcome: str
    counts: dict[str, pd.DataFrame]

    @property
    def complete(self) -> tuple[Exposure, ...]:
        """Return the exposures with counts at the election and at its baseline."""
        return tuple(
            e
            for e in self.learning.exposures
            if e.election in self.counts and e.baseline in self.counts
        )

    def fixed_set(self, exposures: tuple[Exposure, ...]) -> tuple[str, ...]:
        """Return the municipalities that had the new ballot at all these exposures, sorted."""
        sets = [set(self.study.election_by_id(e.election).new_ballot) for e in exposures]
        return tuple(sorted(set.intersection(*sets))) if sets else ()

    def common(self, exposures: tuple[Exposure, ...]) -> tuple[pd.Index[str], BoolArray]:
        """Return the municipalities that can be compared at all exposures, and who is exposed.

        The fixed set and those never exposed, as far as they had votes at every election.
        """
        wanted = [n for e in exposures for n in (e.election, e.baseline) if n]
        here = [self.counts[n] for n in wanted]
        codes = sorted(set.intersection(*(set(f.index[f["ballots"] > 0]) for f in here)))
        fixed = set(self.fixed_set(exposures))
        ever = set(self.study.ever_exposed())
        kept = [c for c in codes if c in fixed or c not in ever]
        return pd.Index(kept), np.array([c in fixed for c in kept], dtype=bool)

    def table(
        self, exposures: tuple[Exposure, ...], codes: pd.Index[str], column: str, *, baseline: bool
    ) -> FloatArray:
        """Return ``events`` or ``ballots`` (municipalities, exposures)."""
        names = [e.baseline if baseline else e.election for e in exposures]
        columns = [self.counts[str(n)].loc[codes, column] for n in names]
        return np.column_stack(columns).astype(float)

    def changes(self, exposures: tuple[Exposure, ...], codes: pd.Index[str]) -> FloatArray:
        """Return the change of the rate since the baseline (municipalities, exposures)."""
        now, then = (
            self.table(exposures, codes, "events", baseline=b)
            / self.table(exposures, codes, "ballots", baseline=b)
            for b in (False, True)
        )
        return now - then

    def source(
        self, election: str | None, codes: pd.Index[str]
    ) -> ElectionCounts | PublishedShares | None:
        """Return what is known of an election for a decomposition: counts, shares or nothing."""
        if election is None:
            return None
        if election in self.counts:
            frame = self.counts[election].reindex(codes)
            return ElectionCounts(frame["events"].to_numpy(), frame["ballots"].to_numpy())
        known = {
            p.unit: Rounded(p.share)
            for p in self.learning.published
            if (p.election, p.outcome) == (election, self.outcome)
        }
        if not known:
            return None
        return PublishedShares(
            shares=[known.get(code) for code in codes],
            together=known.get("experiment"),
            control=known.get("rest"),
        )


def exposure_history(
    accepted: Mapping[str, pd.DataFrame], study: StudyDesign, outcome: str
) -> ExposureHistory | None:
    """Return the history of an outcome; None when the plan does not ask for learning effects."""
    if study.learning is None:
        return None
    results = accepted["municipality_results"]
    columns, denominator = MEASURES[outcome]
    until = study.election_by_id(study.election).date
    counts = {}
    for election in (*study.needed_elections(), *study.learning_elections()):
        rows = results[results["election_id"] == election]
        if rows.empty:
            continue
        codes = current_code(rows["municipality_code"], study.election_by_id(election).date, until)
        sums = {"events": rows[list(columns)].sum(axis=1), "ballots": rows[denominator]}
        counts[election] = pd.DataFrame(sums).groupby(codes.to_numpy()).sum()
    return ExposureHistory(study, study.learning, outcome, counts)


def pairs(exposures: tuple[Exposure, ...]) -> list[tuple[int, int]]:
    """Return consecutive exposures, and the first with the last when there are more than two."""
    last = len(exposures) - 1
    pairs = list(itertools.pairwise(range(len(exposures))))
    return [*pairs, (0, last)] if last > 1 else pairs


def pair_name(earlier: str, later: str) -> str:
    """Return how a comparison of two elections is named in the results."""
    return f"{later}-{earlier}"
