"""Sample paths of a queue for c booths, and the distribution of times drawn from a sample.

The waits of all voters follow from the moments at which booths come free, kept in ascending order
(the workload vector of Kiefer and Wolfowitz). A voter takes the first free booth; putting the new
moment v back in order needs no sorting: position j becomes max(min(v, W_j+1), W_j), two array
operations for any number of paths at once. Python loops over voters only.

Sources: Kiefer & Wolfowitz (1955), Transactions of the AMS 78 (workload vector); Devroye (1986),
Non-Uniform Random Variate Generation, ch. II and VI (inversion, Poisson process with a varying
rate); Kaplan & Meier (1958), JASA 53; Efron (1967), Berkeley Symposium 5(4) (longest time).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Weights may miss a sum of 1 by this much.
SUM_TOLERANCE = 1e-6
#: Rows drawn beyond the mean, in standard deviations of a Poisson count.
SPARE_DEVIATIONS = 6


@dataclass(frozen=True, slots=True)
class Peak:
    """Arrivals: ``quiet_minutes`` at ``quiet_share`` of the rate, then ``minutes`` at the rate.

    The station is empty at the start of the quiet time. Nothing after the peak is needed: voters
    are served in order of arrival, so later ones change no earlier wait.
    """

    arrivals_per_hour: float
    minutes: float
    quiet_minutes: float
    quiet_share: float

    @property
    def end(self) -> float:
        """Minutes from the start of the quiet time to the end of the peak."""
        return self.quiet_minutes + self.minutes

    @property
    def quiet_arrivals(self) -> float:
        """Expected number of voters in the quiet time."""
        return self.arrivals_per_hour / 60 * self.quiet_share * self.quiet_minutes

    @property
    def arrivals(self) -> float:
        """Expected number of voters in the quiet time and the peak."""
        return self.quiet_arrivals + self.arrivals_per_hour / 60 * self.minutes

    def moments(self, units: FloatArray) -> FloatArray:
        """Return the minutes at which a Poisson process of rate 1 with moments ``units`` arrives.

        By inversion of the expected number of arrivals, which is linear in both parts.
        """
        rate, quiet = self.arrivals_per_hour / 60, self.quiet_arrivals
        late = self.quiet_minutes + (units - quiet) / rate
        if quiet == 0:
            return late
        return np.where(units < quiet, units * (self.quiet_minutes / quiet), late)


@dataclass(frozen=True, slots=True)
class Draws:
    """Random numbers shared by every number of booths and every ballot.

    ``arrivals`` (n, R) are minutes, ascending down each of the R replications, with rows enough to
    pass the end of the peak in all. Of the uniforms of the times in the booth, (n, R) too, only
    the ascending ``ranked`` (nR,) and their ``places`` in the flat array are kept: inverting a
    distribution is then one search per value of the distribution instead of one per uniform.
    ``judged`` (n, R) marks arrivals in the peak.
    """

    arrivals: FloatArray
    judged: BoolArray
    ranked: FloatArray
    places: IntArray


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """A discrete distribution: ``minutes`` (n,) ascending, ``cumulative`` (n,) ending at 1."""

    minutes: FloatArray
    cumulative: FloatArray

    @property
    def mean(self) -> float:
        """Mean in minutes."""
        return float(np.diff(self.cumulative, prepend=0) @ self.minutes)


def draw(peak: Peak, *, replications: int, seed: int) -> Draws:
    """Draw ``replications`` paths of unit arrivals and uniforms and fit the arrivals to ``peak``.

    With the same seed and number of replications, the k-th voter of a replication has the same
    random numbers under every rate.
    """
    mean = peak.arrivals
    rows = int(mean + SPARE_DEVIATIONS * np.sqrt(mean)) + 10
    generator = np.random.default_rng([seed, 0])
    gaps = generator.exponential(size=(rows, replications))
    while (short := gaps.sum(axis=0).min()) <= mean:
        extra = generator.exponential(size=(int(mean - short) + 10, replications))
        gaps = np.concatenate([gaps, extra])
    arrivals = peak.moments(np.cumsum(gaps, axis=0))
    needed = int((arrivals < peak.end).sum(axis=0).max())
    arrivals = arrivals[:needed]
    uniforms = np.random.default_rng([seed, 1]).random((needed, replications)).ravel()
    places = np.argsort(uniforms)
    judged = (arrivals >= peak.quiet_minutes) & (arrivals < peak.end)
    return Draws(arrivals, judged, uniforms[places], places)


def service_times(seconds: npt.ArrayLike, weights: npt.ArrayLike | None) -> ServiceTimes:
    """Return the distribution with probability ``weights`` (n,) on ``seconds`` (n,), equal if None.

    Raises ValueError for no seconds, seconds that are not finite and positive, and weights that
    are negative, not finite, of another length or do not sum to 1.
    """
    values = check_seconds(seconds)
    mass = check_weights(weights, len(values))
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(mass[order])
    return ServiceTimes(values[order] / 60, cumulative / cumulative[-1])


def invert(times: ServiceTimes, draws: Draws) -> FloatArray:
    """Return times in the booth (n, R) in minutes: quantiles at the uniforms of ``draws``."""
    ends = np.searchsorted(draws.ranked, times.cumulative, side="left")
    ascending = np.repeat(times.minutes, np.diff(ends, prepend=0))
    result = np.empty(draws.arrivals.size)
    result[draws.places] = ascending
    return result.reshape(draws.arrivals.shape)


def booth_starts(arrivals: FloatArray, service: FloatArray, booths: int) -> Iterator[FloatArray]:
    """Yield for each voter the moments (...) of entering a booth, in the unit of the arguments.

    ``arrivals`` (n, R) ascend along the first axis; ``service`` is (n, R) or (n, B, R) for B
    distributions. First come, first served. All booths are free at 0.
    """
    free = np.zeros((booths, *service.shape[1:]))
    spare = np.empty_like(free)
    for arrival, duration in zip(arrivals, service, strict=True):
        start = np.maximum(free[0], arrival)
        np.maximum(free, start + duration, out=spare)
        np.minimum(spare[:-1], free[1:], out=spare[:-1])
        free, spare = spare, free
        yield start


def kaplan_meier_weights(
    seconds: npt.ArrayLike, complete: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> FloatArray:
    """Return the Kaplan–Meier probability of each observed time (n,), summing to 1.

    ``complete`` (n,) is False where a time is right-censored (the voter was still in the booth);
    those get 0 and hand their probability to longer times. The longest time counts as complete
    (Efron's rule), because something must happen to the remaining probability; where it is
    censored, the long end of the distribution is understated. ``weights`` (n,) ≥ 0 are weights of
    observations, e.g. how often a resampled station was drawn.
    Raises ValueError for bad seconds, lengths that differ, and weights without a positive one.
    """
    values = check_seconds(seconds)
    known = check_complete(complete, len(values))
    w = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != values.shape or not (np.isfinite(w).all() and (w >= 0).all() and w.any()):
        msg = f"weights must be {len(values)} finite numbers ≥ 0, not all 0"
        raise ValueError(msg)
    # A voter lost sight of at t was still there at t: complete times come first among equals.
    order = np.lexsort((~known, values))
    result = np.empty(len(values))
    result[order] = kaplan_meier_jumps(known[order], w[order])
    return result


def kaplan_meier_jumps(complete: BoolArray, weights: FloatArray) -> FloatArray:
    """Return the jumps (n,) for checked observations in ascending order of time."""
    present = weights > 0
    at_risk = np.cumsum(weights[::-1])[::-1]
    last = np.flatnonzero(present)[-1]
    hazard = np.where(complete & present, weights, 0) / np.where(present, at_risk, 1)
    hazard[last:] = 0
    hazard[last] = 1
    survival = np.cumprod(1 - hazard)
    jumps: FloatArray = hazard * np.concatenate([[1.0], survival[:-1]])
    return jumps


def check_seconds(seconds: npt.ArrayLike) -> FloatArray:
    """Return ``seconds`` as a vector; raises ValueError when empty, not finite or not positive."""
    values = np.asarray(seconds, dtype=float)
    if values.ndim != 1 or not len(values):
        msg = f"seconds must be a vector with at least one time, not of shape {values.shape}"
        raise ValueError(msg)
    if not (np.isfinite(values).all() and (values > 0).all()):
        msg = "seconds must be finite and positive; leave missing times out first"
        raise ValueError(msg)
    return values


def check_weights(weights: npt.ArrayLike | None, n: int) -> FloatArray:
    """Return ``weights`` (n,), 1/n each if None.

    Raises ValueError for another length, a weight that is negative or not finite, or a sum other
    than 1.
    """
    if weights is None:
        return np.full(n, 1 / n)
    mass = np.asarray(weights, dtype=float)
    if mass.shape != (n,) or not (np.isfinite(mass).all() and (mass >= 0).all()):
        msg = f"weights must be {n} finite numbers ≥ 0, one for each time"
        raise ValueError(msg)
    if abs(total := mass.sum()) == 0 or abs(total - 1) > SUM_TOLERANCE:
        msg = (
            f"weights must sum to 1, not {total:.6g}; Kaplan–Meier jumps fall short when the "
            "longest time is censored (kaplan_meier_weights handles that)"
        )
        raise ValueError(msg)
    return mass


def check_complete(complete: npt.ArrayLike, n: int) -> BoolArray:
    """Return ``complete`` (n,); raises ValueError unless it is one boolean for each time."""
    known = np.asarray(complete)
    if known.shape != (n,) or known.dtype != np.bool_:
        msg = f"complete must be {n} booleans, one for each time"
        raise ValueError(msg)
    return known
