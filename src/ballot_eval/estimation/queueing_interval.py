"""How far the number of booths depends on which polling stations were observed. Arrays only.

Stations are resampled with replacement, each with all its times, and the number of booths is
decided anew, with the same random numbers for all resamples: what differs between them is the
distribution of times, not the luck of the arrivals.

Sources: Davison & Hinkley (1997), Bootstrap Methods and their Application, § 3.8 (clusters) and
§ 5.3 (percentile limits); Efron (1981), JASA 76 (resampling censored times).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.queueing import (
    QUIET_MINUTES,
    QUIET_SHARE,
    check_decision,
    checked_draw,
    decide,
    long_wait_limits,
    peak_of,
)
from ballot_eval.estimation.queueing_mmc import MAX_BOOTHS, MaxBoothsError
from ballot_eval.estimation.queueing_paths import (
    Draws,
    ServiceTimes,
    booth_starts,
    check_complete,
    check_seconds,
    check_weights,
    invert,
    kaplan_meier_jumps,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Paths simulated at once: enough to hide the loop over voters, few enough for the cache.
PATHS_AT_ONCE = 8000


@dataclass(frozen=True, slots=True)
class BoothsInterval:
    """Booths needed with percentile limits over resampled stations.

    ``booths`` and ``close`` are those of the observed times, ``values`` (draws,) the numbers for
    the resamples. The limits are values that occur: at most half of 1 − ``confidence_level`` of
    the resamples lie beyond each.
    """

    booths: int
    lower: int
    upper: int
    close: bool
    values: IntArray
    n_clusters: int
    confidence_level: float


@dataclass(frozen=True, slots=True)
class BoothsDifference:
    """Booths needed with the new ballot minus the old, with percentile limits."""

    estimate: int
    lower: int
    upper: int
    confidence_level: float


@dataclass(frozen=True, slots=True)
class _Sample:
    """Observed times in ascending order (n,) with the code of their station."""

    minutes: FloatArray
    mass: FloatArray
    complete: BoolArray | None
    codes: IntArray
    n_clusters: int

    def times(self, multiplicity: FloatArray) -> ServiceTimes:
        """Return the distribution when station g is taken ``multiplicity[g]`` times."""
        mass = self.mass * multiplicity[self.codes]
        if not mass.any():
            msg = "a resample holds no time with a positive weight; too few stations have one"
            raise ValueError(msg)
        if self.complete is not None:
            mass = kaplan_meier_jumps(self.complete, mass)
        cumulative = np.cumsum(mass)
        return ServiceTimes(self.minutes, cumulative / cumulative[-1])


def booths_needed_interval(
    arrivals_per_hour: float,
    seconds: npt.ArrayLike,
    clusters: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    complete: npt.ArrayLike | None = None,
    max_wait_minutes: float,
    max_share: float,
    peak_minutes: float,
    replications: int,
    draws: int,
    seed: int,
    quiet_minutes: float = QUIET_MINUTES,
    quiet_share: float = QUIET_SHARE,
    max_booths: int = MAX_BOOTHS,
    confidence_level: float = 0.95,
) -> BoothsInterval:
    """Return the booths needed with limits over ``draws`` resamples of the stations.

    ``clusters`` (n,) are the stations of ``seconds`` (n,). Censored times: give ``complete`` (n,),
    False where the voter was still in the booth, instead of ``weights``; the Kaplan–Meier
    distribution is then estimated anew in every resample. ``replications`` is used for the
    observed times and for each resample; 200 with 200 draws take about a second. Other arguments
    as for :func:`~ballot_eval.estimation.queueing.booths_needed`.

    Raises ValueError as there, and for fewer than two stations or draws, lengths that differ, both
    ``weights`` and ``complete``, and a confidence level outside (0, 1); MaxBoothsError when
    ``max_booths`` are not enough in a resample.
    """
    check_decision(max_wait_minutes, max_share, max_booths)
    _check_draws(draws, confidence_level)
    sample = _sample(seconds, clusters, weights, complete)
    peak = peak_of(arrivals_per_hour, peak_minutes, quiet_minutes, quiet_share)
    common = checked_draw(peak, replications=replications, seed=seed)
    observed = sample.times(np.ones(sample.n_clusters))
    point = decide(peak, common, observed, max_wait_minutes, max_share, max_booths)
    chosen = np.random.default_rng([seed, 2]).integers(
        sample.n_clusters, size=(draws, sample.n_clusters)
    )
    search = _Search(common, long_wait_limits(common, max_wait_minutes), max_share, max_booths)
    values = np.concatenate(
        [search.fewest(service, point.booths) for service in _services(sample, common, chosen)]
    )
    lower, upper = _limits(values, confidence_level)
    return BoothsInterval(
        booths=point.booths,
        lower=lower,
        upper=upper,
        close=point.close,
        values=values,
        n_clusters=sample.n_clusters,
        confidence_level=confidence_level,
    )


def booths_difference(
    new: BoothsInterval, old: BoothsInterval, *, confidence_level: float = 0.95
) -> BoothsDifference:
    """Return the difference new − old with percentile limits.

    The stations with the new and the old ballot are other stations, so every resample of the one
    is set against every resample of the other.
    Raises ValueError for a confidence level outside (0, 1).
    """
    _check_level(confidence_level)
    lower, upper = _limits(np.subtract.outer(new.values, old.values).ravel(), confidence_level)
    return BoothsDifference(new.booths - old.booths, lower, upper, confidence_level)


@dataclass(frozen=True, slots=True)
class _Search:
    """Decisions for many distributions at once, with common random numbers."""

    draws: Draws
    limits: FloatArray
    max_share: float
    max_booths: int

    def shares(self, service: FloatArray, booths: int) -> FloatArray:
        """Return the share of long waits (B,) for times in the booth (n, B, R)."""
        late = np.zeros(service.shape[1:], dtype=np.int32)
        starts = booth_starts(self.draws.arrivals, service, booths)
        for start, limit in zip(starts, self.limits, strict=True):
            late += start > limit
        shares: FloatArray = late.sum(axis=1) / self.draws.judged.sum()
        return shares

    def fewest(self, service: FloatArray, start: int) -> IntArray:
        """Return the fewest booths (B,), searched downwards or upwards from ``start``."""
        values = np.full(service.shape[1], start, dtype=np.intp)
        enough = self.shares(service, start) < self.max_share
        active, c = np.flatnonzero(enough), start
        while len(active) and c > 1:
            c -= 1
            active = active[self.shares(service[:, active], c) < self.max_share]
            values[active] = c
        active, c = np.flatnonzero(~enough), start
        shares = np.ones(len(active))
        while len(active):
            if c == self.max_booths:
                raise MaxBoothsError(self.max_booths, float(shares.max()), self.max_share)
            c += 1
            values[active] = c
            shares = self.shares(service[:, active], c)
            still = shares >= self.max_share
            active, shares = active[still], shares[still]
        return values


def _services(sample: _Sample, draws: Draws, chosen: IntArray) -> Iterator[FloatArray]:
    """Yield times in the booth (n, B, R) for blocks of resampled stations ``chosen`` (draws, G)."""
    n, replications = draws.arrivals.shape
    size = max(1, PATHS_AT_ONCE // replications)
    for first in range(0, len(chosen), size):
        block = chosen[first : first + size]
        service = np.empty((n, len(block), replications))
        for b, stations in enumerate(block):
            multiplicity = np.bincount(stations, minlength=sample.n_clusters).astype(float)
            service[:, b] = invert(sample.times(multiplicity), draws)
        yield service


def _sample(
    seconds: npt.ArrayLike,
    clusters: npt.ArrayLike,
    weights: npt.ArrayLike | None,
    complete: npt.ArrayLike | None,
) -> _Sample:
    values = check_seconds(seconds)
    if weights is not None and complete is not None:
        msg = "give weights or complete, not both: complete makes the weights of each resample"
        raise ValueError(msg)
    mass = check_weights(weights, len(values))
    known = None if complete is None else check_complete(complete, len(values))
    labels = np.asarray(clusters)
    if labels.shape != values.shape:
        msg = f"clusters must be {len(values)} labels, one for each time"
        raise ValueError(msg)
    names, codes = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        msg = f"resampling stations needs at least two of them, found {len(names)}"
        raise ValueError(msg)
    order = np.lexsort((np.zeros(len(values)) if known is None else ~known, values))
    return _Sample(
        minutes=values[order] / 60,
        mass=mass[order],
        complete=None if known is None else known[order],
        codes=codes[order],
        n_clusters=len(names),
    )


def _limits(values: IntArray, confidence_level: float) -> tuple[int, int]:
    tail = (1 - confidence_level) / 2
    lower, upper = np.quantile(values, [tail, 1 - tail], method="inverted_cdf")
    return int(lower), int(upper)


def _check_draws(draws: int, confidence_level: float) -> None:
    if draws < 2:
        msg = f"at least two draws are needed for an interval, not {draws}"
        raise ValueError(msg)
    _check_level(confidence_level)


def _check_level(confidence_level: float) -> None:
    if not 0 < confidence_level < 1:
        msg = f"confidence_level must lie between 0 and 1, not {confidence_level}"
        raise ValueError(msg)
