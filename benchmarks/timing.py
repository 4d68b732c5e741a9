"""Measure a piece of work and compare its results with those of another."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: What a piece of work found, by name; see :func:`tolerance` for what names mean.
Values = dict[str, float]
Work = Callable[[], Values]


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of each run, already multiplied when only a share of the draws was made."""

    milliseconds: tuple[float, ...]
    values: Values

    @property
    def median(self) -> float:
        """Return the median run in milliseconds."""
        return statistics.median(self.milliseconds)

    def __str__(self) -> str:
        low, high = min(self.milliseconds), max(self.milliseconds)
        return f"{figure(self.median)} ({figure(low)}–{figure(high)})"


def figure(value: float) -> str:
    """Return a number with about three digits."""
    decimals = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:,.{min(decimals, 2)}f}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow progress bars, warnings and log lines: they are not part of the comparison."""
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def measure(work: Work, *, warm: Work, runs: int, patience: float, factor: float = 1.0) -> Timing:
    """Run ``warm`` once unmeasured, then ``work`` up to ``runs`` times.

    No further run starts once ``patience`` seconds are spent. Times are multiplied by ``factor``.
    """
    times: list[float] = []
    values: Values = {}
    with quiet():
        warm()
        while len(times) < runs and sum(times) <= patience:
            start = time.perf_counter()
            values = work()
            times.append(time.perf_counter() - start)
    return Timing(tuple(1000 * factor * t for t in times), values)


def tolerance(name: str, own: float, own_draws: int, peer_draws: int, relative: float) -> float:
    """Return how far two values of one quantity may lie apart.

    "p" may differ by four Monte-Carlo standard errors, "bootstrap se" and "placebo se" by four
    of theirs (normalised quartile range and standard deviation); anything else by ``relative``.
    """
    both = 1 / own_draws + 1 / peer_draws
    if name == "p":
        return 4 * math.sqrt(own * (1 - own) * both) + both
    if name == "bootstrap se":
        return 4 * 1.17 * math.sqrt(both) * own
    if name == "placebo se":
        return 4 * math.sqrt(both / 2) * own
    return relative * abs(own)


def agreement(
    own: Values, peer: Values, *, own_draws: int, peer_draws: int, relative: float, note: str
) -> str:
    """Return the differences, peer minus ours: of p in its own unit, of others relative to ours.

    A ``note`` says why values need not agree and stands in for the verdict.
    """
    parts, agrees = [], True
    for name, value in peer.items():
        difference = value - own[name]
        shown = f"{difference:+.4f}" if name == "p" else f"{difference / abs(own[name]):+.0e}"
        parts.append(f"{name} {shown}")
        limit = tolerance(name, own[name], own_draws, peer_draws, relative)
        agrees &= abs(difference) <= limit
    verdict = note or ("agrees" if agrees else "DIFFERS")
    return f"{verdict}: {', '.join(parts)}" if parts else verdict
