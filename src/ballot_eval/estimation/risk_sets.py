"""Risk sets of right-censored times: checks, counts per distinct time, counts per cluster.

Arrays only. At a time with events and censorings the events come first: a unit censored at t is
at risk at t. Durations that differ by less than the precision of the clock arithmetic (1.5e-8,
absolute or relative to the mean) are one time, the convention of R's ``survival``, so that
0.1 + 0.2 and 0.3 are tied.

Source: Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, ch. 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.labels import label_codes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Durations closer than this (absolute, or relative to their mean) are the same time.
SAME_TIME = float(np.sqrt(np.finfo(float).eps))

#: Numbers in one block of clusters × times; bounds the memory of per-cluster counts.
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class RiskTable:
    """Counts at the distinct times of one sample.

    ``times`` (T,) ascending, ``at_risk`` just before, ``events`` and ``censored`` at each (T,);
    ``index`` (n,) is the position of every row's duration among the times.
    """

    times: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    index: IntArray


def check_times(durations: npt.ArrayLike, observed: npt.ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Return durations (n,) and whether the event was observed (n,), checked; ties merged.

    Raises ValueError for no rows, shapes that differ, durations that are missing, infinite or
    negative, and an ``observed`` that is not true or false (or 1 or 0).
    """
    times = np.asarray(durations, dtype=float)
    if times.ndim != 1 or not len(times):
        msg = f"durations must be a vector with at least one value, found shape {times.shape}"
        raise ValueError(msg)
    if not np.isfinite(times).all():
        msg = "durations hold missing or infinite values; leave those rows out first"
        raise ValueError(msg)
    if (times < 0).any():
        msg = f"durations must not be negative, found {times.min()}"
        raise ValueError(msg)
    seen = np.asarray(observed)
    if seen.shape != times.shape:
        msg = f"observed must have one value per duration: {seen.shape} for {times.shape}"
        raise ValueError(msg)
    if seen.dtype != bool:
        if not np.isin(seen, (0, 1)).all():
            msg = "observed must be true or false (or 1 or 0) in every row"
            raise ValueError(msg)
        seen = seen.astype(bool)
    return _merge_ties(times), seen


def _merge_ties(times: FloatArray) -> FloatArray:
    distinct, index = np.unique(times, return_inverse=True)
    gaps = np.diff(distinct)
    apart = np.minimum(gaps, gaps / max(float(distinct.mean()), SAME_TIME)) > SAME_TIME
    if apart.all():
        return times
    first = np.concatenate([[True], apart])
    merged: FloatArray = distinct[first][(np.cumsum(first) - 1)[index]]
    return merged


def check_clusters(clusters: npt.ArrayLike, n: int) -> tuple[npt.NDArray[Any], IntArray]:
    """Return cluster labels (G,) and codes (n,); ValueError unless there are at least two."""
    labels, codes = label_codes(clusters, "clusters", n)
    if len(labels) < 2:
        msg = f"cluster-robust inference needs at least two clusters, found {len(labels)}"
        raise ValueError(msg)
    return labels, codes


def two_groups(experiment: npt.ArrayLike, n: int) -> BoolArray:
    """Return the role (n,) as booleans; ValueError unless both roles occur and none is missing."""
    role = np.asarray(experiment)
    if role.shape != (n,):
        msg = f"experiment must have one value per row: expected {n}, found shape {role.shape}"
        raise ValueError(msg)
    if role.dtype != bool:
        if not np.isin(role, (0, 1)).all():
            msg = "experiment must be true or false (or 1 or 0) in every row"
            raise ValueError(msg)
        role = role.astype(bool)
    if role.all() or not role.any():
        msg = "a comparison needs rows of the experiment and rows of the control"
        raise ValueError(msg)
    return role


def risk_table(times: FloatArray, observed: BoolArray) -> RiskTable:
    """Return the counts at the distinct times of checked arrays (n,)."""
    distinct, index = np.unique(times, return_inverse=True)
    size = len(distinct)
    exits = np.bincount(index, minlength=size).astype(float)
    events = np.bincount(index[observed], minlength=size).astype(float)
    return RiskTable(distinct, exits[::-1].cumsum()[::-1], events, exits - events, index)


def counts_by_label(
    table: RiskTable, observed: BoolArray, codes: IntArray, n_labels: int
) -> Iterator[tuple[slice, FloatArray, FloatArray]]:
    """Yield (labels, at risk, events) in blocks; the counts are (labels of the block, T)."""
    size = len(table.times)
    step = max(_BLOCK // size, 1)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(n_labels + 1))
    for start in range(0, n_labels, step):
        stop = min(start + step, n_labels)
        rows = order[bounds[start] : bounds[stop]]
        cell = (codes[rows] - start) * size + table.index[rows]
        shape = (stop - start, size)
        exits = np.bincount(cell, minlength=shape[0] * size).reshape(shape)
        events = np.bincount(cell[observed[rows]], minlength=shape[0] * size).reshape(shape)
        at_risk = exits[:, ::-1].cumsum(axis=1)[:, ::-1]
        yield slice(start, stop), at_risk.astype(float), events.astype(float)


def survival_of(at_risk: FloatArray, events: FloatArray) -> FloatArray:
    """Return the Kaplan–Meier curve after each time, along the last axis; flat where nobody is."""
    share = np.divide(events, at_risk, out=np.zeros(at_risk.shape), where=at_risk > 0)
    return np.asarray(np.cumprod(1.0 - share, axis=-1), dtype=float)


def greenwood_terms(at_risk: FloatArray, events: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return d/(n(n−d)) and 1/(n−d) per time, 0 where the curve falls to 0 (d = n)."""
    left = at_risk - events
    inverse = np.divide(1.0, left, out=np.zeros_like(left), where=left > 0)
    return events / at_risk * inverse, inverse
