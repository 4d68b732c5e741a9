"""How many voting booths a polling station needs so that few voters wait long. Arrays only.

One queue for c booths, first come, first served; Poisson arrivals in a peak after a quieter time;
times in the booth drawn from the observed ones. Only voters who arrive in the peak are judged. The
booth is the only bottleneck, and nobody leaves the queue: see ``docs/queueing.md``.

Every number of booths and every ballot gets the same random numbers (the k-th voter of a
replication arrives with the same draw and takes the same quantile of the times). An extra booth
then delays nobody, and a distribution with longer times shortens no wait, in every single path.

Sources: Kiefer & Wolfowitz (1955), Transactions of the AMS 78 (waits with c servers); Glasserman &
Yao (1992), Management Science 38 (common random numbers); Cochran (1977), Sampling Techniques,
ch. 6 (standard error of a ratio); Davison & Hinkley (1997), Bootstrap Methods, § 3.8 (clusters).
The closed form is in :mod:`~ballot_eval.estimation.queueing_mmc`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.queueing_mmc import (
    MAX_BOOTHS,
    MaxBoothsError,
    MMCQueue,
    booths_needed_mmc,
    check_booths,
    check_positive,
    check_share,
    check_wait,
    erlang_b,
    erlang_c,
    mmc_queue,
)
from ballot_eval.estimation.queueing_paths import (
    Draws,
    Peak,
    ServiceTimes,
    booth_starts,
    draw,
    invert,
    kaplan_meier_weights,
    service_times,
)

__all__ = [
    "MAX_BOOTHS",
    "BoothsComparison",
    "BoothsNeeded",
    "MMCQueue",
    "MaxBoothsError",
    "WaitingResult",
    "booths_needed",
    "booths_needed_mmc",
    "compare_booths",
    "erlang_b",
    "erlang_c",
    "kaplan_meier_weights",
    "mmc_queue",
    "simulate_waiting",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Minutes before the peak, and their arrival rate as a share of the rate in the peak.
QUIET_MINUTES = 30.0
QUIET_SHARE = 0.5
#: A share this many Monte-Carlo standard errors from the limit is close to it.
CLOSE_ERRORS = 2.0
#: If an event occurs in none of R replications, its probability is below 3/R with 95% confidence.
RULE_OF_THREE = 3.0
#: The table of a decision reaches this many booths to both sides.
TABLE_MARGIN = 2


@dataclass(frozen=True, slots=True)
class WaitingResult:
    """Simulated waiting of the voters who arrive in the peak, for one number of booths.

    ``share_longer`` is the share of these voters, over all replications, who wait longer than the
    limit, ``mean_wait_minutes`` their mean wait, ``share_error`` and ``mean_error`` the
    Monte-Carlo standard errors. ``p90_wait_minutes`` is not exceeded by 90% of them.
    ``utilisation`` is the share of booth time in the peak during which a voter is in the booth;
    ``voters`` the mean number of voters arriving in the peak of a replication.
    """

    booths: int
    share_longer: float
    share_error: float
    mean_wait_minutes: float
    mean_error: float
    p90_wait_minutes: float
    utilisation: float
    voters: float
    replications: int


@dataclass(frozen=True, slots=True)
class BoothsNeeded:
    """The fewest ``booths`` with a share of long waits below ``max_share``.

    ``table`` holds the results for the numbers of booths around it, ascending. ``close`` says
    that this number or one less lies within the Monte-Carlo error of the limit: another seed could
    give a neighbouring answer, more replications would settle it. ``load`` is the number of
    booths that would be occupied on average in the peak if there were always one free.
    """

    booths: int
    close: bool
    load: float
    arrivals_per_hour: float
    max_wait_minutes: float
    max_share: float
    table: tuple[WaitingResult, ...]

    def result(self, booths: int) -> WaitingResult:
        """Return the line of the table for ``booths``; raises ValueError when it has none."""
        for line in self.table:
            if line.booths == booths:
                return line
        msg = (
            f"no result for {booths} booths; the table runs from {self.table[0].booths} to "
            f"{self.table[-1].booths}"
        )
        raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class BoothsComparison:
    """Booths needed with the new and the old ballot, each array (k,) over the arrival rates.

    ``difference`` is new minus old. ``new`` and ``old`` hold the decisions with their tables.
    """

    arrivals_per_hour: FloatArray
    booths_new: IntArray
    booths_old: IntArray
    difference: IntArray
    close_new: BoolArray
    close_old: BoolArray
    new: tuple[BoothsNeeded, ...]
    old: tuple[BoothsNeeded, ...]


def simulate_waiting(
    arrivals_per_hour: float,
    seconds: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    booths: int,
    max_wait_minutes: float,
    peak_minutes: float,
    replications: int,
    seed: int,
    quiet_minutes: float = QUIET_MINUTES,
    quiet_share: float = QUIET_SHARE,
) -> WaitingResult:
    """Simulate the waits of voters who arrive in a peak at a station with ``booths`` booths.

    ``seconds`` (n,) are observed times in the booth, with probabilities ``weights`` (n,), 1/n each
    if None; for censored times see :func:`kaplan_meier_weights`. Voters arrive at
    ``arrivals_per_hour`` during ``peak_minutes``, after ``quiet_minutes`` at ``quiet_share`` of
    that rate, which begin with an empty station. More load than booths is allowed.

    Raises ValueError for a rate or peak that is not positive, a negative wait or quiet time, fewer
    than one booth or two replications, bad seconds or weights (see
    :func:`~ballot_eval.estimation.queueing_paths.service_times`), and a peak in which nobody
    arrives.
    """
    check_booths(booths)
    check_wait(max_wait_minutes)
    peak = peak_of(arrivals_per_hour, peak_minutes, quiet_minutes, quiet_share)
    times = service_times(seconds, weights)
    draws = checked_draw(peak, replications=replications, seed=seed)
    return _simulate(peak, draws, invert(times, draws), booths, max_wait_minutes)


def booths_needed(
    arrivals_per_hour: float,
    seconds: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    max_wait_minutes: float,
    max_share: float,
    peak_minutes: float,
    replications: int,
    seed: int,
    quiet_minutes: float = QUIET_MINUTES,
    quiet_share: float = QUIET_SHARE,
    max_booths: int = MAX_BOOTHS,
) -> BoothsNeeded:
    """Return the fewest booths with less than ``max_share`` waiting over ``max_wait_minutes``.

    Arguments as for :func:`simulate_waiting`; ``max_share`` is a fraction between 0 and 1. The
    share falls with every booth in each path, so that one search from the load upwards or
    downwards finds the smallest number.
    Raises ValueError as :func:`simulate_waiting` and for a share outside (0, 1), MaxBoothsError
    when ``max_booths`` are not enough.
    """
    check_decision(max_wait_minutes, max_share, max_booths)
    peak = peak_of(arrivals_per_hour, peak_minutes, quiet_minutes, quiet_share)
    times = service_times(seconds, weights)
    draws = checked_draw(peak, replications=replications, seed=seed)
    return decide(peak, draws, times, max_wait_minutes, max_share, max_booths)


def compare_booths(
    arrivals_per_hour: npt.ArrayLike,
    seconds_new: npt.ArrayLike,
    seconds_old: npt.ArrayLike,
    weights_new: npt.ArrayLike | None = None,
    weights_old: npt.ArrayLike | None = None,
    *,
    max_wait_minutes: float,
    max_share: float,
    peak_minutes: float,
    replications: int,
    seed: int,
    quiet_minutes: float = QUIET_MINUTES,
    quiet_share: float = QUIET_SHARE,
    max_booths: int = MAX_BOOTHS,
) -> BoothsComparison:
    """Return the booths needed with either ballot, for every rate in ``arrivals_per_hour`` (k,).

    Arguments otherwise as for :func:`booths_needed`; both ballots get the same random numbers, so
    each number equals that of :func:`booths_needed` with the same seed.
    Raises ValueError as :func:`booths_needed`, and for rates that are no vector or an empty one.
    """
    check_decision(max_wait_minutes, max_share, max_booths)
    rates = np.asarray(arrivals_per_hour, dtype=float)
    if rates.ndim != 1 or not len(rates):
        msg = f"arrivals_per_hour must be a vector of rates, not of shape {rates.shape}"
        raise ValueError(msg)
    ballots = service_times(seconds_new, weights_new), service_times(seconds_old, weights_old)
    new: list[BoothsNeeded] = []
    old: list[BoothsNeeded] = []
    for rate in rates:
        peak = peak_of(float(rate), peak_minutes, quiet_minutes, quiet_share)
        draws = checked_draw(peak, replications=replications, seed=seed)
        for times, decisions in zip(ballots, (new, old), strict=True):
            decisions.append(decide(peak, draws, times, max_wait_minutes, max_share, max_booths))
    booths_new = np.array([d.booths for d in new], dtype=np.intp)
    booths_old = np.array([d.booths for d in old], dtype=np.intp)
    return BoothsComparison(
        arrivals_per_hour=rates,
        booths_new=booths_new,
        booths_old=booths_old,
        difference=booths_new - booths_old,
        close_new=np.array([d.close for d in new]),
        close_old=np.array([d.close for d in old]),
        new=tuple(new),
        old=tuple(old),
    )


def decide(
    peak: Peak,
    draws: Draws,
    times: ServiceTimes,
    max_wait_minutes: float,
    max_share: float,
    max_booths: int,
) -> BoothsNeeded:
    """Return the decision for checked arguments and given random numbers."""
    service = invert(times, draws)
    results: dict[int, WaitingResult] = {}

    def result(booths: int) -> WaitingResult:
        if booths not in results:
            results[booths] = _simulate(peak, draws, service, booths, max_wait_minutes)
        return results[booths]

    load = peak.arrivals_per_hour / 60 * times.mean
    start = min(max(1, math.ceil(load)), max_booths)
    booths = _fewest(lambda c: result(c).share_longer < max_share, start, max_booths)
    if booths is None:
        raise MaxBoothsError(max_booths, result(max_booths).share_longer, max_share)
    for c in range(max(1, booths - TABLE_MARGIN), min(max_booths, booths + TABLE_MARGIN) + 1):
        result(c)
    return BoothsNeeded(
        booths=booths,
        close=any(_is_close(results[c], max_share) for c in (booths, booths - 1) if c),
        load=load,
        arrivals_per_hour=peak.arrivals_per_hour,
        max_wait_minutes=max_wait_minutes,
        max_share=max_share,
        table=tuple(results[c] for c in sorted(results)),
    )


def peak_of(
    arrivals_per_hour: float, peak_minutes: float, quiet_minutes: float, quiet_share: float
) -> Peak:
    """Return the arrivals; raises ValueError for rates or minutes that cannot be."""
    check_positive("arrivals_per_hour", arrivals_per_hour)
    check_positive("peak_minutes", peak_minutes)
    for name, value in (("quiet_minutes", quiet_minutes), ("quiet_share", quiet_share)):
        if not (math.isfinite(value) and value >= 0):
            msg = f"{name} must be finite and at least 0, not {value}"
            raise ValueError(msg)
    return Peak(arrivals_per_hour, peak_minutes, quiet_minutes, quiet_share)


def checked_draw(peak: Peak, *, replications: int, seed: int) -> Draws:
    """Return the random numbers; raises ValueError for fewer than two replications or no voter."""
    if replications < 2:
        msg = f"at least two replications are needed for a Monte-Carlo error, not {replications}"
        raise ValueError(msg)
    draws = draw(peak, replications=replications, seed=seed)
    if not draws.judged.any():
        msg = (
            f"nobody arrives in the peak in any of {replications} replications: "
            f"{peak.arrivals_per_hour:g} voters per hour for {peak.minutes:g} minutes"
        )
        raise ValueError(msg)
    return draws


def check_decision(max_wait_minutes: float, max_share: float, max_booths: int) -> None:
    """Raise ValueError for a limit that no decision can be taken with."""
    check_wait(max_wait_minutes)
    check_share(max_share)
    check_booths(max_booths)


def long_wait_limits(draws: Draws, max_wait_minutes: float) -> FloatArray:
    """Return the moments (n, R) after which a start in the booth is late; never if not judged."""
    return np.where(draws.judged, draws.arrivals + max_wait_minutes, np.inf)


def _simulate(
    peak: Peak, draws: Draws, service: FloatArray, booths: int, max_wait_minutes: float
) -> WaitingResult:
    starts = np.array(list(booth_starts(draws.arrivals, service, booths)))
    waits = np.where(draws.judged, starts - draws.arrivals, 0)
    counts = draws.judged.sum(axis=0)
    late = (starts > long_wait_limits(draws, max_wait_minutes)).sum(axis=0)
    share, share_error = _ratio(late, counts)
    mean, mean_error = _ratio(waits.sum(axis=0), counts)
    first, last = peak.quiet_minutes, peak.end
    busy = np.clip(starts + service, first, last) - np.clip(starts, first, last)
    replications = len(counts)
    return WaitingResult(
        booths=int(booths),
        share_longer=share,
        share_error=share_error,
        mean_wait_minutes=mean,
        mean_error=mean_error,
        p90_wait_minutes=float(np.quantile(waits[draws.judged], 0.9)),
        utilisation=float(busy.sum() / (replications * booths * peak.minutes)),
        voters=float(counts.mean()),
        replications=replications,
    )


def _ratio(sums: FloatArray | IntArray, counts: FloatArray | IntArray) -> tuple[float, float]:
    """Return Σ sums / Σ counts and its standard error; the replications are independent."""
    total, r = float(counts.sum()), len(counts)
    ratio = float(sums.sum()) / total
    residuals = sums - ratio * counts
    return ratio, float(np.sqrt(r / (r - 1) * (residuals**2).sum()) / total)


def _fewest(passes: Callable[[int], bool], start: int, max_booths: int) -> int | None:
    """Return the smallest number that passes, None if ``max_booths`` fails too."""
    c = start
    if passes(c):
        while c > 1 and passes(c - 1):
            c -= 1
        return c
    while c < max_booths:
        c += 1
        if passes(c):
            return c
    return None


def _is_close(result: WaitingResult, max_share: float) -> bool:
    # Waits within a replication move together, so that replications are what is counted.
    spread = CLOSE_ERRORS * result.share_error
    if result.share_longer in (0.0, 1.0):
        spread = RULE_OF_THREE / result.replications
    return abs(result.share_longer - max_share) <= spread
