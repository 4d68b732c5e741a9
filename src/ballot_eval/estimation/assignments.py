"""Reassignments of the experiment role, and of whole exposure paths, over units. Arrays only.

An assignment is stored as the positions of the units that have the role (one row each), never as
a vector over all units: a statistic then costs one gathered number per experiment unit.

Sources: Fisher (1935), The Design of Experiments; Imbens & Rubin (2015), Causal Inference, ch. 5.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Assignments summed at a time; a block of sums then stays in the cache of the processor.
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Assignments:
    """Reassignments of the experiment role.

    ``members`` has one row per assignment with the positions of its experiment units. With
    ``exact`` they are all assignments there are, the observed one among them.
    """

    members: IntArray
    exact: bool
    n_units: int


@dataclass(frozen=True, slots=True)
class PathAssignments:
    """Reassignments of whole exposure paths.

    In every row of ``members`` the unit in column j gets path ``labels[j]`` (1, 2, ...); units
    that are not in the row were never exposed. With ``exact`` the rows are all assignments there
    are, the observed one among them.
    """

    members: IntArray
    labels: IntArray
    exact: bool
    n_units: int


def count_assignments(treated: BoolArray, strata: IntArray) -> int:
    """Return the number of ways to give the role to as many units per stratum as had it."""
    return math.prod(
        math.comb(int((strata == s).sum()), int(treated[strata == s].sum()))
        for s in np.unique(strata)
    )


def draw_assignments(
    treated: BoolArray,
    strata: IntArray | None = None,
    *,
    draws: int,
    max_exact: int,
    seed: int,
) -> Assignments:
    """Return all assignments when there are at most ``max_exact``, else ``draws`` random ones.

    ``treated`` and ``strata`` have one entry per unit; within each stratum the number of
    experiment units stays as it was. The units of a stratum with only experiment units, or only
    controls, never move: the former have the role in every assignment.
    Raises ValueError for roles other than true or false (1 or 0) and strata that are missing,
    when nobody or everybody is treated, when no stratum has both roles (nothing can move) and
    when ``draws`` is not positive although they are needed.
    """
    treated = _roles(treated)
    groups = _strata_of(strata, len(treated))
    if not 0 < treated.sum() < len(treated):
        msg = "randomisation needs at least one experiment unit and one control"
        raise ValueError(msg)
    count = count_assignments(treated, groups)
    if count == 1:
        msg = "no stratum has both experiment units and controls: the role cannot be reassigned"
        raise ValueError(msg)
    if count <= max_exact:
        return Assignments(_all_assignments(treated, groups), exact=True, n_units=len(treated))
    _require_draws(draws, count, max_exact)
    inside = [np.flatnonzero(groups == stratum) for stratum in np.unique(groups)]
    shape = tuple((len(positions), int(treated[positions].sum())) for positions in inside)
    drawn = _drawn_subsets(shape, draws, seed)
    members = [positions[rows] for positions, rows in zip(inside, drawn, strict=True)]
    return Assignments(np.concatenate(members, axis=1), exact=False, n_units=len(treated))


def count_paths(paths: IntArray, strata: IntArray | None = None) -> int:
    """Return the number of distinct ways to permute ``paths`` (n,) over the units of a stratum."""
    paths = np.asarray(paths)
    groups = _strata_of(strata, len(paths))
    total = 1
    for stratum in np.unique(groups):
        sizes = np.unique(paths[groups == stratum], return_counts=True)[1]
        total *= math.factorial(int(sizes.sum())) // math.prod(
            math.factorial(int(s)) for s in sizes
        )
    return total


def draw_paths(
    paths: IntArray,
    strata: IntArray | None = None,
    *,
    draws: int,
    max_exact: int,
    seed: int,
) -> PathAssignments:
    """Permute whole exposure paths over the units, within strata.

    ``paths`` (n,) holds 0 for a unit that never used the new ballot and 1, 2, ... for the kinds
    of histories; every path keeps its number of units per stratum. All distinct assignments are
    listed when there are at most ``max_exact``, else ``draws`` random ones. With the experiment
    units in one stratum and the others in another, only labels move among the experiment units:
    7 of path 1 and 4 of path 2 give C(11, 4) = 330 assignments.
    Raises ValueError for labels that are not whole numbers from 0, when nobody is exposed, and
    when no stratum has two different paths.
    """
    labels = np.asarray(paths)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or (labels < 0).any():
        msg = "paths must be a vector of whole numbers, 0 for never exposed"
        raise ValueError(msg)
    if not labels.any():
        msg = "no unit was ever exposed: there is no path to permute"
        raise ValueError(msg)
    groups = _strata_of(strata, len(labels))
    count = count_paths(labels, groups)
    if count == 1:
        msg = "no stratum has two different paths: the paths cannot be reassigned"
        raise ValueError(msg)
    slots, positions = [], []
    for stratum in np.unique(groups):
        inside = np.flatnonzero(groups == stratum)
        exposed = np.sort(labels[inside][labels[inside] > 0])
        if len(exposed):
            slots.append(exposed.astype(np.intp))
            positions.append(inside)
    if count <= max_exact:
        parts = [list(_arrange(p, s)) for p, s in zip(positions, slots, strict=True)]
        members = np.array(list(_combine(parts)), dtype=np.intp)
    else:
        _require_draws(draws, count, max_exact)
        rng = np.random.default_rng(seed)
        drawn = [
            p[_ordered_indices(rng, len(p), len(s), draws)]
            for p, s in zip(positions, slots, strict=True)
        ]
        members = np.concatenate(drawn, axis=1)
    exact = count <= max_exact
    return PathAssignments(members, np.concatenate(slots), exact=exact, n_units=len(labels))


def gather_sums(columns: FloatArray, members: IntArray) -> FloatArray:
    """Return the sums of ``columns`` (n, c) over the rows of ``members`` (B, m), as (c, B)."""
    table = np.ascontiguousarray(columns, dtype=float)
    sums = np.empty((table.shape[1], len(members)))
    for start in range(0, len(members), _BLOCK):
        rows = np.ascontiguousarray(members[start : start + _BLOCK].T)
        # Unit by unit: adding m blocks beats summing a (B, m, c) array.
        total = np.take(table, rows[0], axis=0)
        for row in rows[1:]:
            total += np.take(table, row, axis=0)
        sums[:, start : start + _BLOCK] = total.T
    return sums


def _roles(treated: BoolArray) -> BoolArray:
    roles = np.asarray(treated)
    # NaN would pass as true.
    if roles.ndim != 1 or not np.isin(roles, (0, 1)).all():
        msg = "roles must be a vector of true and false (1 and 0), without missing values"
        raise ValueError(msg)
    return roles.astype(bool)


def _strata_of(strata: IntArray | None, n: int) -> IntArray:
    groups = np.zeros(n, dtype=np.intp) if strata is None else np.asarray(strata)
    if groups.shape != (n,):
        msg = f"strata must have one entry per unit: {groups.shape} for {n} units"
        raise ValueError(msg)
    # NaN equals nothing, not itself either: its units would never move.
    if (groups != groups).any():
        msg = f"strata must not be missing: {int((groups != groups).sum())} are"
        raise ValueError(msg)
    return groups


def _require_draws(draws: int, count: int, max_exact: int) -> None:
    if draws < 1:
        msg = f"{count} assignments are more than max_exact={max_exact}: draws must be positive"
        raise ValueError(msg)


def _combine(per_stratum: list[list[tuple[int, ...]]]) -> Iterator[list[int]]:
    return ([i for part in parts for i in part] for parts in itertools.product(*per_stratum))


def _all_assignments(treated: BoolArray, groups: IntArray) -> IntArray:
    per_stratum: list[list[tuple[int, ...]]] = []
    for stratum in np.unique(groups):
        positions = np.flatnonzero(groups == stratum)
        size = int(treated[positions].sum())
        per_stratum.append(list(itertools.combinations(positions.tolist(), size)))
    if len(per_stratum) == 1:
        return np.array(per_stratum[0], dtype=np.intp)
    return np.array(list(_combine(per_stratum)), dtype=np.intp)


def _arrange(positions: Iterable[int], slots: IntArray) -> Iterator[tuple[int, ...]]:
    """Yield the distinct ways to fill the sorted ``slots`` of equal labels with positions."""
    if not len(slots):
        yield ()
        return
    size = int((slots == slots[0]).sum())
    pool = [int(p) for p in positions]
    for chosen in itertools.combinations(pool, size):
        rest = [p for p in pool if p not in chosen]
        for tail in _arrange(rest, slots[size:]):
            yield chosen + tail


@lru_cache(maxsize=8)
def _drawn_subsets(
    shape: tuple[tuple[int, int], ...], draws: int, seed: int
) -> tuple[IntArray, ...]:
    """Return for every stratum of ``shape`` (units, experiment units) the drawn rows of indices.

    Many contrasts of a study have the same shape and seed; they share their draws.
    """
    rng = np.random.default_rng(seed)
    return tuple(
        _distinct_indices(rng, n, size, draws) if size else np.empty((draws, 0), dtype=np.intp)
        for n, size in shape
    )


def _distinct_indices(rng: np.random.Generator, n: int, size: int, draws: int) -> IntArray:
    """Return ``draws`` rows of ``size`` distinct indices below ``n``, uniform over the subsets."""
    if 2 * size * size > n:
        # Rejection would throw most rows away; ranking random keys always works.
        keys = rng.random((draws, n))
        return np.argpartition(keys, size - 1, axis=1)[:, :size].astype(np.intp)
    kept = np.empty((0, size), dtype=np.intp)
    while len(kept) < draws:
        rows = rng.integers(0, n, size=(int((draws - len(kept)) * 1.3) + 16, size))
        kept = np.concatenate([kept, rows[_without_repeats(rows, n)]])
    return kept[:draws]


def _without_repeats(rows: IntArray, n: int) -> BoolArray:
    """Return which rows have no index twice, comparing columns (cheaper than sorting rows)."""
    small = np.ascontiguousarray(rows.T, dtype=np.uint16 if n < 2**16 else np.uint64)
    distinct = np.ones(len(rows), dtype=bool)
    for i in range(1, len(small)):
        for j in range(i):
            distinct &= small[i] != small[j]
    return distinct


def _ordered_indices(rng: np.random.Generator, n: int, size: int, draws: int) -> IntArray:
    """Return rows of distinct indices in random order: each has its own place among the paths."""
    rows = _distinct_indices(rng, n, size, draws)
    # A partial ranking leaves the order inside a row to the sorting routine: shuffle it.
    return rng.permuted(rows, axis=1) if 2 * size * size > n else rows
