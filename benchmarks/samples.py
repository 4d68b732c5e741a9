"""Made-up data of the size of the studies: 342 municipalities, 11 of them in the experiment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from ballot_eval.estimation.staggered import NEVER

FloatArray = npt.NDArray[np.float64]
UNITS, EXPERIMENT = 342, 11
#: Periods of the short panel, and of the long one that synthetic controls are fitted on.
PERIODS, LONG = 6, 10
ROWS, STATIONS = 2_000, 54_000


@dataclass(frozen=True, slots=True)
class Samples:
    """``change`` (342,) with ``role``; panels (342, periods); counts with totals and design.

    ``panel`` has the new ballot in its last period, ``staggered`` from ``first_adoption`` on.
    Of ``long`` unit 0 lies outside the hull of the others, so that its fit is unique.
    ``stations`` (54,000,) are changes of polling stations with their ballots and municipalities.
    """

    change: FloatArray
    role: npt.NDArray[np.bool_]
    panel: FloatArray
    staggered: FloatArray
    first_adoption: FloatArray
    long: FloatArray
    counts: FloatArray
    totals: FloatArray
    design: FloatArray
    stations: FloatArray
    station_ballots: FloatArray
    station_unit: npt.NDArray[np.intp]

    @property
    def unit(self) -> npt.NDArray[np.intp]:
        """Municipality of each row of the flattened short panels."""
        return np.repeat(np.arange(UNITS), PERIODS)

    @property
    def period(self) -> npt.NDArray[np.intp]:
        """Period of each row of the flattened short panels."""
        return np.tile(np.arange(PERIODS), UNITS)

    @property
    def new_ballot(self) -> FloatArray:
        """1.0 for the rows of ``panel`` with the new ballot."""
        return (self.role[self.unit] & (self.period == PERIODS - 1)).astype(float)


def make(seed: int) -> Samples:
    """Return all samples."""
    rng = np.random.default_rng(seed)
    role = np.arange(UNITS) < EXPERIMENT
    change = rng.normal(0, 0.001, UNITS) + 0.0004 * role
    level, shock = rng.normal(0, 0.002, (UNITS, 1)), rng.normal(0, 0.001, (1, PERIODS))
    panel = level + shock + rng.normal(0, 0.001, (UNITS, PERIODS))
    panel[role, -1] += 0.0004
    staggered = level + shock + rng.normal(0, 0.001, (UNITS, PERIODS))
    first = np.full(UNITS, NEVER)
    first[:5], first[5:EXPERIMENT] = PERIODS - 2, PERIODS - 1
    factors = rng.normal(0, 0.001, (2, LONG)).cumsum(axis=1)
    long = 0.01 + rng.normal(0, 0.002, (UNITS, 1)) + rng.gamma(2, 0.5, (UNITS, 2)) @ factors
    long += rng.normal(0, 0.0005, (UNITS, LONG))
    long[0] += np.ptp(long)
    totals = rng.integers(300, 3_000, ROWS).astype(float)
    design = np.column_stack([np.ones(ROWS), rng.normal(0, 1, ROWS), rng.random(ROWS) < 0.1])
    mean, scale = expit(design @ [-5.0, 0.1, 0.2]), 1 / 0.002 - 1
    counts = rng.binomial(totals.astype(int), rng.beta(mean * scale, (1 - mean) * scale))
    # Every municipality has a station; the others fall where chance puts them.
    station_unit = np.append(np.arange(UNITS), rng.integers(0, UNITS, STATIONS - UNITS))
    stations = change[station_unit] + rng.normal(0, 0.003, STATIONS)
    return Samples(
        change,
        role,
        panel,
        staggered,
        first,
        long,
        counts.astype(float),
        totals,
        design,
        stations,
        rng.integers(100, 2_000, STATIONS).astype(float),
        station_unit,
    )
