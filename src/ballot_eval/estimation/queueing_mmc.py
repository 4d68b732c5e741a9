"""Waiting for one of c booths in closed form: the M/M/c queue and its Erlang formulas.

Poisson arrivals at a constant rate, exponential times in the booth, one queue, and a steady state.
A polling station meets none of this exactly; the simulation in
:mod:`~ballot_eval.estimation.queueing` needs none of it and is checked against these formulas.

Sources: Erlang (1917), Elektroteknikeren 13; Gross, Shortle, Thompson & Harris (2008),
Fundamentals of Queueing Theory, 4th ed., § 2.3 (waiting) and § 2.5 (recursion of Erlang B).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: More booths than this are not tried unless the caller asks for it.
MAX_BOOTHS = 200


class MaxBoothsError(ValueError):
    """Even the largest number of booths that may be tried leaves too many voters waiting."""

    def __init__(self, max_booths: int, share: float, max_share: float) -> None:
        self.max_booths = max_booths
        super().__init__(
            f"with max_booths = {max_booths} a share of {share:.4g} still waits too long, which is "
            f"not below max_share = {max_share:g}; check the arrivals and the seconds, or raise "
            "max_booths"
        )


@dataclass(frozen=True, slots=True)
class MMCQueue:
    """Steady state of an M/M/c queue.

    ``load`` is the mean number of voters in a booth when nobody has to wait (Erlang);
    ``utilisation`` is load / booths, at most 1. ``share_waiting`` is the probability of waiting at
    all, ``share_longer`` that of waiting longer than the given minutes. Under overload
    (load ≥ booths) the queue grows without end: both are 1 and ``mean_wait_minutes`` is infinite.
    """

    booths: int
    load: float
    utilisation: float
    share_waiting: float
    share_longer: float
    mean_wait_minutes: float


def erlang_b(load: float, booths: int) -> float:
    """Return the probability that all ``booths`` are occupied when nobody queues (Erlang B).

    ``load`` in Erlang, ≥ 0. By the recursion B(c) = aB(c−1) / (c + aB(c−1)), whose terms are all
    positive, so that it stays accurate for any number of booths.
    Raises ValueError for a load that is negative or not finite and for ``booths`` that is not
    a whole number of at least 0.
    """
    if not (math.isfinite(load) and load >= 0):
        msg = f"the load must be finite and at least 0, not {load}"
        raise ValueError(msg)
    if not (math.isfinite(booths) and booths == int(booths) and booths >= 0):
        msg = f"the number of booths must be a whole number of at least 0, not {booths}"
        raise ValueError(msg)
    blocked = 1.0
    for c in range(1, int(booths) + 1):
        blocked = _next_erlang_b(blocked, load, c)
    return blocked


def erlang_c(load: float, booths: int) -> float:
    """Return the probability of waiting at all in an M/M/c queue (Erlang C).

    ``load`` in Erlang, ≥ 0; 1 when the load reaches the number of booths.
    Raises ValueError as :func:`erlang_b` and for ``booths`` below 1.
    """
    check_booths(booths)
    return _erlang_c(erlang_b(load, booths), load, booths)


def mmc_queue(
    arrivals_per_hour: float, service_seconds: float, *, booths: int, max_wait_minutes: float
) -> MMCQueue:
    """Return the steady state of ``booths`` booths with exponential times of this mean.

    ``service_seconds`` is the mean time in the booth; ``max_wait_minutes`` ≥ 0 the wait beyond
    which ``share_longer`` counts.
    Raises ValueError for a rate or a mean that is not positive and finite, a negative or missing
    wait, and ``booths`` below 1. Overload is no error but gives an infinite mean wait.
    """
    load = _load(arrivals_per_hour, service_seconds)
    check_wait(max_wait_minutes)
    check_booths(booths)
    blocked = erlang_b(load, booths)
    return _state(blocked, load, booths, service_seconds / 60, max_wait_minutes)


def booths_needed_mmc(
    arrivals_per_hour: float,
    service_seconds: float,
    *,
    max_wait_minutes: float,
    max_share: float,
    max_booths: int = MAX_BOOTHS,
) -> MMCQueue:
    """Return the steady state with the fewest booths where P(wait > limit) < ``max_share``.

    Arguments as for :func:`mmc_queue`; ``max_share`` is a fraction between 0 and 1.
    Raises ValueError as :func:`mmc_queue` and for a share outside (0, 1), MaxBoothsError when
    ``max_booths`` are not enough.
    """
    load = _load(arrivals_per_hour, service_seconds)
    check_wait(max_wait_minutes)
    check_share(max_share)
    check_booths(max_booths)
    blocked = 1.0
    for c in range(1, max_booths + 1):
        blocked = _next_erlang_b(blocked, load, c)
        state = _state(blocked, load, c, service_seconds / 60, max_wait_minutes)
        if state.share_longer < max_share:
            return state
    raise MaxBoothsError(max_booths, state.share_longer, max_share)


def check_booths(booths: int) -> None:
    """Raise ValueError for a number of booths that is not a whole number of at least 1."""
    if not (math.isfinite(booths) and booths == int(booths) and booths >= 1):
        msg = f"the number of booths must be a whole number of at least 1, not {booths}"
        raise ValueError(msg)


def check_positive(name: str, value: float) -> None:
    """Raise ValueError unless ``value`` is finite and positive."""
    if not (math.isfinite(value) and value > 0):
        msg = f"{name} must be finite and positive, not {value}"
        raise ValueError(msg)


def check_share(max_share: float) -> None:
    """Raise ValueError for a share outside (0, 1)."""
    if not 0 < max_share < 1:
        msg = f"max_share must lie between 0 and 1 (a fraction, not a percentage), not {max_share}"
        raise ValueError(msg)


def check_wait(max_wait_minutes: float) -> None:
    """Raise ValueError for a limit of the wait that is negative or not finite."""
    if not (math.isfinite(max_wait_minutes) and max_wait_minutes >= 0):
        msg = f"max_wait_minutes must be finite and at least 0, not {max_wait_minutes}"
        raise ValueError(msg)


def _load(arrivals_per_hour: float, service_seconds: float) -> float:
    check_positive("arrivals_per_hour", arrivals_per_hour)
    check_positive("service_seconds", service_seconds)
    return arrivals_per_hour * service_seconds / 3600


def _next_erlang_b(previous: float, load: float, booths: int) -> float:
    return load * previous / (booths + load * previous)


def _erlang_c(blocked: float, load: float, booths: int) -> float:
    if load >= booths:
        return 1.0
    return booths * blocked / (booths - load * (1 - blocked))


def _state(
    blocked: float, load: float, booths: int, service_minutes: float, wait_minutes: float
) -> MMCQueue:
    waiting = _erlang_c(blocked, load, booths)
    spare = booths - load
    overload = spare <= 0
    exponent = spare * wait_minutes / service_minutes
    return MMCQueue(
        booths=booths,
        load=load,
        utilisation=min(1.0, load / booths),
        share_waiting=waiting,
        share_longer=1.0 if overload else waiting * math.exp(-exponent),
        mean_wait_minutes=math.inf if overload else waiting * service_minutes / spare,
    )
