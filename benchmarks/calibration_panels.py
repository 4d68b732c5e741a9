"""Panels with a known effect, for judging how often a method is right.

A trial is one made-up experiment: votes and invalid votes of municipalities at three elections,
who has the experiment role at the last one (drawn by lot), and the counts of that election
without an effect, with an additive one and with a multiplicative one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import ballot_eval as be
from ballot_eval.simulation import (
    INVALID_RATE,
    TURNOUT,
    simulate_panel,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ROOT = Path(__file__).resolve().parents[1]

#: The effects put in: added to the rate (0.30 percentage points), or multiplying it.
ADDED = 0.003
FACTOR = 2.2
ELECTIONS = 3

#: Standard deviations of log rates: what stays with a municipality, and what is new each time.
PERSISTENT_SD = 0.27
SHOCK_SD = 0.27


@dataclass(frozen=True, slots=True)
class Trial:
    """One made-up experiment over n municipalities and three elections.

    ``votes`` (n, 3) are votes cast and ``before`` (n, 2) the invalid votes of the first two
    elections. ``plain``, ``added`` and ``multiplied`` (n,) are those of the last one without an
    effect and with the two kinds. An effect raises the chance that a ballot is invalid, so what it
    does to the ballots cast differs from what it does in the long run. ``mean_effect`` is the
    long-run mean addition to the rates of the experiment municipalities that the multiplication
    makes; ``seed`` is for the methods.
    """

    votes: FloatArray
    role: npt.NDArray[np.bool_]
    before: FloatArray
    plain: FloatArray
    added: FloatArray
    multiplied: FloatArray
    mean_effect: float
    seed: int

    def rates(self, last: FloatArray) -> FloatArray:
        """Return the rates (n, 3) when ``last`` (n,) are the counts of the last election."""
        return np.column_stack([self.before, last]) / self.votes

    def change(self, last: FloatArray) -> FloatArray:
        """Return the change (n,) of the rate from the second election to the last."""
        return last / self.votes[:, 2] - self.before[:, 1] / self.votes[:, 1]

    def realised(self, last: FloatArray, *, by_ballot: bool = False) -> float:
        """Return the mean addition to the rates that the effect made to the ballots cast."""
        weights = self.votes[self.role, 2] if by_ballot else None
        extra = (last - self.plain)[self.role] / self.votes[self.role, 2]
        return float(np.average(extra, weights=weights))


def eligible_voters() -> IntArray:
    """Return the eligible voters (342,) of the simulated municipalities."""
    table = simulate_panel(be.load_study(ROOT / "analysis/gr2026"), seed=0, effect=0.0)
    first = table[table["election_id"] == table["election_id"].iloc[0]]
    return first["eligible_voters_count"].to_numpy(dtype=np.int64)


def simulated_trial(
    rng: np.random.Generator,
    eligible: IntArray,
    experiment: int,
    *,
    persistent_sd: float = PERSISTENT_SD,
    shock_sd: float = SHOCK_SD,
) -> Trial:
    """Return a trial made as :func:`ballot_eval.simulation.simulate_panel` makes its counts.

    The standard deviations of log rates are those of the published calibration; with those of
    ``simulate_panel`` the spreads are the same as there.
    """
    n = len(eligible)
    shape = (n, ELECTIONS)
    turnout = TURNOUT["GR"] + rng.normal(0, 0.05, (n, 1)) + rng.normal(0, 0.01, shape)
    votes = np.round(eligible[:, None] * np.clip(turnout, 0.2, 0.95)).astype(np.int64)
    log = rng.normal(0, persistent_sd, (n, 1)) + rng.normal(0, shock_sd, shape)
    rate = INVALID_RATE * np.exp(log - (persistent_sd**2 + shock_sd**2) / 2)
    return _trial(rng, rng.binomial(votes, rate), votes, rate[:, 2], experiment)


def resampled_trial(
    rng: np.random.Generator, counts: IntArray, votes: IntArray, experiment: int, *, size: int
) -> Trial:
    """Return a trial of ``size`` municipalities drawn with replacement from real ones (m, 3)."""
    picks = rng.integers(0, len(counts), size)
    x, n = counts[picks], votes[picks]
    return _trial(rng, x, n, x[:, 2] / n[:, 2], experiment)


def _trial(
    rng: np.random.Generator, counts: IntArray, votes: IntArray, rate: FloatArray, experiment: int
) -> Trial:
    role = np.zeros(len(votes), dtype=bool)
    role[rng.choice(len(votes), experiment, replace=False)] = True
    last, cast = counts[:, 2], votes[:, 2]
    # Ballots that were not invalid become so with this chance: the sum is binomial again.
    chance = {"added": ADDED / (1 - rate), "multiplied": (FACTOR - 1) * rate / (1 - rate)}
    more = {
        name: np.where(role, rng.binomial(cast - last, np.clip(p, 0, 1)), 0)
        for name, p in chance.items()
    }
    return Trial(
        votes=votes.astype(float),
        role=role,
        before=counts[:, :2].astype(float),
        plain=last.astype(float),
        added=(last + more["added"]).astype(float),
        multiplied=(last + more["multiplied"]).astype(float),
        mean_effect=float((FACTOR - 1) * rate[role].mean()),
        seed=int(rng.integers(2**31)),
    )


def official_counts(raw: Path) -> tuple[IntArray, IntArray]:
    """Return invalid votes and votes cast (m, 3) of the controls at TK2021, TK2023 and TK2025.

    ``raw`` holds the official files of the TK2025 study. Errors as reading and validating them.
    """
    study = be.load_study(ROOT / "analysis/tk2025")
    report = be.validate(be.read_raw(study, raw), study)
    report.raise_if_errors()
    panel = be.build_panel(report.accepted, study)
    tables = [panel.counts(election, "invalid") for election in study.needed_elections()]
    now = tables[-1]
    usable = [set(t.index[t["denominator"] > 0]) for t in tables]
    codes = sorted(set(now.index[now["role"] == "control"]).intersection(*usable))
    counts, votes = (
        np.column_stack([t.loc[codes, column].to_numpy(dtype=np.int64) for t in tables])
        for column in ("numerator", "denominator")
    )
    return counts, votes
