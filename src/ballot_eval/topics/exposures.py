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
from ballot_eval.estimation.rounded import Bounds, Rounded
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
    def fixed_set(self) -> tuple[str, ...]:
        """Return the municipalities with the new ballot at every use that the plan compares."""
        return self.study.fixed_set()

    @property
    def complete(self) -> tuple[Exposure, ...]:
        """Return the exposures with counts, then and at the baseline, of both kinds.

        Some of the fixed set and some of those never exposed must have votes at both elections.
        """
        fixed, ever = set(self.fixed_set), set(self.study.ever_exposed())
        found = []
        for exposure in self.learning.exposures:
            both = self.counted(exposure.election) & self.counted(exposure.baseline)
            if both & fixed and both - ever:
                found.append(exposure)
        return tuple(found)

    def exposed(self, election: str) -> tuple[str, ...]:
        """Return the municipalities with the new ballot at an election."""
        return self.study.election_by_id(election).new_ballot

    @property
    def members(self) -> tuple[str, ...]:
        """Return who of the fixed set is compared: all, but for those without counts."""
        codes, fixed = self.common()
        return tuple(codes[fixed]) or self.fixed_set

    @property
    def controls(self) -> set[str]:
        """Return the never exposed with votes at every use and baseline that has any of them."""
        ever = set(self.study.ever_exposed())
        wanted = {n for e in self.learning.exposures for n in (e.election, e.baseline)}
        kept = [never for n in wanted if (never := self.counted(n) - ever)]
        return set.intersection(*kept) if kept else set()

    def counted(self, election: str) -> set[str]:
        """Return the municipalities with votes at an election."""
        if election not in self.counts:
            return set()
        frame = self.counts[election]
        return set(frame.index[frame["ballots"] > 0])

    def common(self) -> tuple[pd.Index[str], BoolArray]:
        """Return who can be compared at all exposures with counts, and who of them is exposed.

        The fixed set of the plan and those never exposed, as far as they had votes at every
        election; nobody when no exposure has counts.
        """
        wanted = [n for e in self.complete for n in (e.election, e.baseline)]
        codes = set.intersection(*map(self.counted, wanted)) if wanted else set()
        fixed, ever = set(self.fixed_set), set(self.study.ever_exposed())
        kept = sorted(c for c in codes if c in fixed or c not in ever)
        return pd.Index(kept, dtype=object), np.array([c in fixed for c in kept], dtype=bool)

    def table(
        self, exposures: tuple[Exposure, ...], codes: pd.Index[str], column: str, *, baseline: bool
    ) -> FloatArray:
        """Return ``events`` or ``ballots`` (municipalities, exposures)."""
        names = [e.baseline if baseline else e.election for e in exposures]
        columns = [self.counts[n].loc[codes, column] for n in names]
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
        self, election: str, codes: pd.Index[str], exposed: BoolArray
    ) -> ElectionCounts | PublishedShares | None:
        """Return what is known of an election for a decomposition over ``codes`` (n,).

        Counts, when there are any of all who are ``exposed`` (n,) and of some never exposed; else
        published shares, in which counts take the place of what they are known for. None when
        nothing is known of one of the two sides.
        """
        counted, controls = self.counted(election), self.controls
        mine = list(codes[exposed])
        frame = self.counts.get(election, pd.DataFrame(columns=["events", "ballots"]))
        frame = frame.reindex(codes)
        if set(mine) <= counted and counted & controls:
            return ElectionCounts(frame["events"].to_numpy(), frame["ballots"].to_numpy())
        known = self.published(election)
        control: Bounds | Rounded | None = known.get("rest")
        if counted & controls:
            control = pooled_share(self.counts[election], controls)
        shares: dict[str, Bounds | Rounded] = {c: known[c] for c in mine if c in known}
        shares |= {c: pooled_share(self.counts[election], {c}) for c in mine if c in counted}
        together = known.get("experiment")
        if control is None or (together is None and len(shares) < len(mine)):
            return None
        # With all votes cast known the parts say everything; a rounded whole adds nothing.
        whole = set(mine) <= counted
        return PublishedShares(
            shares=[shares.get(code) for code in codes],
            together=None if whole else together,
            control=control,
            votes_cast=frame["ballots"].to_numpy(dtype=float) if whole else None,
        )

    def published(self, election: str) -> dict[str, Rounded]:
        """Return the published shares of an election by unit."""
        return {
            p.unit: p.rounded
            for p in self.learning.published
            if (p.election, p.outcome) == (election, self.outcome)
        }


def pooled_share(counts: pd.DataFrame, members: set[str]) -> Bounds:
    """Return the share of some municipalities together, which is known exactly."""
    rows = counts.loc[sorted(members)].sum()
    return Bounds.from_count(float(rows["events"]), float(rows["ballots"]))


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
