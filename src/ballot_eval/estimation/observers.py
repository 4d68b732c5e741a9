"""How far the observers who time voters differ, and whether they round. Arrays only.

Where one observer works in one station the two cannot be told apart: a slow station and a slow
stopwatch look the same. Only stations with more than one observer say something about observers.

Sources: Searle, Casella & McCulloch (1992), Variance Components (unbalanced nested analysis of
variance); Phipson & Smyth (2010), SAGMB 9(1) (p = (b+1)/(B+1)); Roberts & Brewer (2001), Journal of
Applied Statistics 28 (heaping of reported values).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from ballot_eval.estimation.labels import label_codes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

#: A time this close to a multiple, as a share of the resolution, is that multiple.
SAME = 1e-6
#: Two statistics closer than this, relative to the observed one, are tied.
TIE_TOLERANCE = 1e-9

#: Binomial tails smaller than this are given as this; a p-value is never 0.
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class ObserverEffects:
    """Spread of observers; variances in the squared unit of the outcome (log seconds).

    ``variance`` is that between observers of the same group, stations included, and ``share`` its
    part of the whole; both are NaN when no group has two observers. An observer of two groups
    counts once in each. ``f`` with ``df_between`` and ``df_within`` is their analysis of variance.

    ``separable`` says whether some station has two observers. Only then are
    ``variance_within_station`` (between observers of the same station) and the permutation
    ``p_value`` defined; otherwise they are NaN. Variances are not cut off at 0: a negative one says
    that observers differ less than chance would make them.

    ``labels``, ``counts`` and ``deviations`` (mean minus that of the group, averaged over the
    observations of the observer) have one entry per observer.
    """

    variance: float
    share: float
    f: float
    df_between: float
    df_within: float
    separable: bool
    variance_within_station: float
    p_value: float
    p_error: float
    n_shared_stations: int
    n_shared: int
    n: int
    draws: int
    seed: int
    labels: npt.NDArray[Any]
    counts: IntArray
    deviations: FloatArray


@dataclass(frozen=True, slots=True)
class Heaping:
    """Times of one observer that are multiples of ``multiple`` seconds, out of n.

    ``p_value`` is the exact binomial chance of at least ``count`` when the share is
    ``expected_share``.
    """

    observer: Any
    multiple: float
    n: int
    count: int
    share: float
    expected_share: float
    p_value: float


def observer_effects(
    log_durations: npt.ArrayLike,
    observers: npt.ArrayLike,
    stations: npt.ArrayLike,
    group: npt.ArrayLike,
    *,
    draws: int,
    seed: int,
) -> ObserverEffects:
    """Return how far observers differ, for n log durations with three labels each.

    The variance component is the estimate of the analysis of variance of observers within
    ``group`` (experiment or control). The test takes the stations in which more than one observer
    worked, subtracts the mean of the station, and permutes the observers' labels over the
    observations of each of these stations; its statistic is the sum over observers of n·mean². It
    assumes that the observers of a station saw exchangeable voters: observers who worked at
    different hours also differ by the hour.
    Raises ValueError for values that are not finite, labels that are missing or of another length,
    fewer than two observers, values that are all the same, and fewer than one draw.
    """
    y = np.asarray(log_durations, dtype=float)
    names = np.asarray(observers)
    labels = [names, np.asarray(stations), np.asarray(group)]
    if y.ndim != 1 or any(v.shape != y.shape for v in labels):
        msg = f"durations {y.shape} need one observer, station and group each"
        raise ValueError(msg)
    if not np.isfinite(y).all() or draws < 1:
        msg = "log durations must be finite, and draws at least 1"
        raise ValueError(msg)
    observer, station, arm = (
        label_codes(v, name, len(y))[1]
        for v, name in zip(labels, ("observers", "stations", "group"), strict=True)
    )
    if len(y) == 0 or observer.max() == 0 or np.ptp(y) == 0:
        msg = "observers can be compared only when there are two, and durations that differ"
        raise ValueError(msg)
    cell = _pairs(arm, observer)
    between, within, n0, df_between, df_within = mean_squares(y, cell, arm)
    variance = (between - within) / n0
    shared = _shared(station, observer)
    inner, p_value = math.nan, math.nan
    if shared.any():
        places = _renumber(station[shared])
        workers = _renumber(observer[shared])
        squares = mean_squares(y[shared], _pairs(places, workers), places)
        inner = (squares[0] - squares[1]) / squares[2]
        p_value = _permutation_p(y[shared], workers, places, draws, seed)
    counts = np.bincount(observer)
    centred = y - (np.bincount(arm, weights=y) / np.bincount(arm))[arm]
    return ObserverEffects(
        variance=variance,
        share=variance / (variance + within),
        f=between / within if within > 0 else math.nan,
        df_between=df_between,
        df_within=df_within,
        separable=bool(shared.any()),
        variance_within_station=inner,
        p_value=p_value,
        p_error=math.sqrt(p_value * (1 - p_value) / draws),
        n_shared_stations=len(np.unique(station[shared])),
        n_shared=int(shared.sum()),
        n=len(y),
        draws=draws,
        seed=seed,
        labels=np.unique(names),
        counts=counts,
        deviations=np.bincount(observer, weights=centred) / counts,
    )


def heaping(
    seconds: npt.ArrayLike,
    observers: npt.ArrayLike,
    *,
    multiples: Sequence[float] = (5, 10, 30),
    resolution: float = 1.0,
) -> tuple[Heaping, ...]:
    """Return per observer and multiple how many ``seconds`` (n,) are rounded to it.

    Times recorded in units of ``resolution`` seconds are multiples of m by chance in a share of
    resolution/m, when the durations spread over more than m seconds: 1/5 for m = 5 and whole
    seconds. Adjusting the p-values for the number of observers is left to the caller.
    Raises ValueError for times that are not finite and positive or not in units of the
    resolution, labels that are missing, and multiples that are not multiples of the resolution.
    """
    y, names = np.asarray(seconds, dtype=float), np.asarray(observers)
    if y.ndim != 1 or names.shape != y.shape or not len(y):
        msg = f"times {y.shape} and observers {names.shape} must be vectors of the same length"
        raise ValueError(msg)
    if not (np.isfinite(y).all() and (y > 0).all() and resolution > 0):
        msg = "times and the resolution must be finite and positive"
        raise ValueError(msg)
    if not _multiple_of(y, resolution, resolution).all():
        msg = f"some times are not in units of {resolution} seconds; give their resolution"
        raise ValueError(msg)
    units = np.asarray(multiples, dtype=float)
    if not ((units > resolution) & _multiple_of(units, resolution, resolution)).all():
        msg = f"multiples {tuple(multiples)} must be multiples of {resolution} and larger"
        raise ValueError(msg)
    codes = label_codes(names, "observers", len(names))[1]
    rows = []
    for code, name in enumerate(np.unique(names)):
        times = y[codes == code]
        for multiple in multiples:
            count = int(_multiple_of(times, multiple, resolution).sum())
            expected = resolution / multiple
            rows.append(
                Heaping(
                    observer=name.item(),
                    multiple=float(multiple),
                    n=len(times),
                    count=count,
                    share=count / len(times),
                    expected_share=expected,
                    p_value=max(float(binom.sf(count - 1, len(times), expected)), TINY),
                )
            )
    return tuple(rows)


def mean_squares(values: FloatArray, inner: IntArray, outer: IntArray) -> tuple[float, ...]:
    """Return the mean squares between and within the cells ``inner``, which lie in ``outer``.

    Third the size n0 of a cell, with E[between] = within + n0·(variance between cells), then both
    degrees of freedom.
    """
    size, total = np.bincount(inner), np.bincount(outer)
    cell = np.bincount(inner, weights=values) / size
    centre = (np.bincount(outer, weights=values) / total)[outer]
    freedom = len(size) - len(total), len(values) - len(size)
    if min(freedom) < 1:
        return math.nan, math.nan, math.nan, float(freedom[0]), float(freedom[1])
    squares = ((cell[inner] - centre) ** 2).sum() / freedom[0]
    within = ((values - cell[inner]) ** 2).sum() / freedom[1]
    n0 = (len(values) - (size[inner] / total[outer]).sum()) / freedom[0]
    return float(squares), float(within), float(n0), float(freedom[0]), float(freedom[1])


def _renumber(codes: IntArray) -> IntArray:
    """Return codes without gaps."""
    return np.unique(codes, return_inverse=True)[1].astype(np.intp)


def _pairs(first: IntArray, second: IntArray) -> IntArray:
    """Return the position of each pair among the pairs that occur."""
    return _renumber(first * (int(second.max()) + 1) + second)


def _shared(station: IntArray, observer: IntArray) -> npt.NDArray[np.bool_]:
    """Return which rows are of a station with more than one observer and can tell them apart."""
    cells = np.unique(np.column_stack([station, observer]), axis=0)
    several = np.bincount(cells[:, 0], minlength=int(station.max()) + 1) > 1
    # With one row per observer nothing is left to compare the differences with.
    rows = np.bincount(station) > np.bincount(cells[:, 0])
    return np.asarray((several & rows)[station])


def _permutation_p(
    y: FloatArray, observer: IntArray, station: IntArray, draws: int, seed: int
) -> float:
    """Return the p-value of no differences between the observers of the same station."""
    rng = np.random.default_rng(seed)
    centred = y - (np.bincount(station, weights=y) / np.bincount(station))[station]
    size = np.bincount(observer)
    order = np.argsort(station, kind="stable")
    centred, observer, station = centred[order], observer[order], station[order]

    def statistic(values: FloatArray) -> float:
        return float((np.bincount(observer, weights=values) ** 2 / size).sum())

    observed = statistic(centred) * (1 - TIE_TOLERANCE)
    reached = 0
    for _ in range(draws):
        # Random keys within sorted stations shuffle the values of each station among themselves.
        shuffled = np.lexsort((rng.random(len(centred)), station))
        reached += statistic(centred[shuffled]) >= observed
    return (reached + 1) / (draws + 1)


def _multiple_of(values: FloatArray, unit: float, resolution: float) -> npt.NDArray[np.bool_]:
    return np.asarray(np.abs(values - unit * np.round(values / unit)) <= SAME * resolution)
