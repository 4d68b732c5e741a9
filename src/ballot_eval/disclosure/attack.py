"""What a reader of published counts can work out. Arrays only.

A set of published tables is a vector of counts x ≥ 0 that satisfies linear equations: every total
is the sum of its parts. What a reader knows about a hidden cell is the set of its values over all
integer vectors that satisfy the equations and agree with the published cells. Everybody is taken
to know that counts are integers of at least 0, and nothing else.

Source: Fischetti & Salazar (2000), JASA 95, sections 1 and 2 (the attacker's interval). Integer
solutions are used, because the real-valued interval can be wider than what is possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_INFEASIBLE = 2
# Simplifying a program first takes longer than solving it up to about this many unknowns.
_SMALL = 1000


@dataclass(frozen=True, slots=True)
class System:
    """Counts (n,), equations (r, n) with coefficients −1 (total) and 1 (part), and costs (n,).

    ``links`` (r,) marks equations that only say that two cells are the same number; without them
    the cells fall apart into small blocks. ``published`` (n,) is False for cells that appear in
    no table but can be worked out as a difference. ``costs`` (n,) are the loss of hiding a cell.
    """

    counts: IntArray
    equations: sparse.csr_array
    links: BoolArray
    published: BoolArray
    costs: FloatArray


def intervals(system: System, hidden: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the lowest and the highest integers (n,), (n,) that a reader cannot rule out.

    Both are the count itself for cells that are not ``hidden`` (n,). The highest is infinite
    where nothing published limits it. Counts of hidden cells are used only through the sums that
    published cells give away.
    """
    lower, upper = system.counts.astype(float), system.counts.astype(float)
    columns = np.flatnonzero(hidden)
    equations = system.equations[:, columns]
    for rows, members in connected_parts(equations):
        matrix = equations[rows][:, members]
        sums = matrix @ system.counts[columns[members]]
        lower[columns[members]], upper[columns[members]] = _bounds(matrix, sums)
    return lower, upper


def connected_parts(equations: sparse.csr_array) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield rows and columns of ``equations`` (r, n) that hang together, part by part.

    Every column is in one part; a column in no equation is a part without rows.
    """
    n_rows = equations.shape[0]
    graph = sparse.block_array([[None, equations], [equations.T, None]], format="csr")
    n_parts, part_of = connected_components(graph, directed=False)
    order = np.argsort(part_of, kind="stable")
    for nodes in np.split(order, np.cumsum(np.bincount(part_of, minlength=n_parts))[:-1]):
        columns = nodes[nodes >= n_rows] - n_rows
        if len(columns):
            yield nodes[nodes < n_rows], columns


def integer_optimum(
    costs: FloatArray,
    equations: sparse.csc_array,
    sums: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
) -> IntArray | None:
    """Return the integers (n,) of least cost with the given sums (r,) and limits; None if none.

    Solves the linear program first: its corner is integer for tables of two dimensions, and then
    it is the answer. Raises RuntimeError when the solver gives up.
    """
    constraints = LinearConstraint(equations, sums, sums) if equations.shape[0] else ()
    for integer in (0, 1):
        result = milp(
            costs,
            constraints=constraints,
            bounds=Bounds(lower, upper),
            integrality=np.full(len(costs), integer),
            options={"presolve": bool(integer) or len(costs) > _SMALL},
        )
        if result.status == _INFEASIBLE:
            return None
        if result.x is None:
            msg = f"the search for hidden cells stopped: {result.message}"
            raise RuntimeError(msg)
        solution: IntArray = np.rint(result.x).astype(np.int64)
        if np.abs(result.x - solution).max() < 1e-6 and (equations @ solution == sums).all():
            return solution
    msg = "the search for hidden cells found no whole numbers; the counts are too large"
    raise RuntimeError(msg)


def _bounds(matrix: sparse.csr_array, sums: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the extremes (k,), (k,) of integer x ≥ 0 with ``matrix`` (r, k) @ x = ``sums``."""
    k = matrix.shape[1]
    if matrix.shape[0] == 1 and (matrix.data > 0).all():
        # One sum of several cells: each can be anything from 0, one cell alone is the sum.
        return np.full(k, float(sums[0]) if k == 1 else 0.0), np.full(k, float(sums[0]))
    lower, upper = np.full(k, np.inf), np.full(k, -np.inf)
    upper[_unlimited(matrix)] = np.inf
    ceiling = _ceiling(matrix, sums)
    equations, zeros, infinite = matrix.tocsc(), np.zeros(k), np.full(k, np.inf)
    for sign in (1, -1):
        # Cells that share no equation are tried together: what reaches its limit is settled. The
        # others are then tried one by one.
        for cells in [*_disjoint(matrix), *np.arange(k)[:, None]]:
            beyond = lower[cells] > 0 if sign > 0 else upper[cells] < ceiling[cells]
            if not beyond.any():
                continue
            costs = np.zeros(k)
            costs[cells[beyond]] = sign
            solution = integer_optimum(costs, equations, sums.astype(float), zeros, infinite)
            if solution is None:
                msg = "the counts do not satisfy their own equations"
                raise RuntimeError(msg)
            lower, upper = np.minimum(lower, solution), np.maximum(upper, solution)
    return lower, upper


def _disjoint(matrix: sparse.csr_array) -> list[IntArray]:
    """Return the columns in sets (at least two columns each) that share no row of ``matrix``."""
    columns = matrix.tocsc()
    sets: list[tuple[list[int], set[int]]] = []
    for column in range(columns.shape[1]):
        rows = set(columns.indices[columns.indptr[column] : columns.indptr[column + 1]].tolist())
        for members, taken in sets:
            if taken.isdisjoint(rows):
                members.append(column)
                taken |= rows
                break
        else:
            sets.append(([column], rows))
    return [np.array(members) for members, _ in sets if len(members) > 1]


def _ceiling(matrix: sparse.csr_array, sums: IntArray) -> FloatArray:
    """Return a value (k,) that no cell exceeds, from one equation at a time; may be infinite."""
    ceiling = np.full(matrix.shape[1], np.inf)
    parts, totals = matrix.maximum(0).tocoo(), (-matrix.minimum(0)).tocoo()
    for _ in range(4):  # what is known of a total limits its parts, and the other way round
        before = ceiling.copy()
        room = sums + totals @ before
        np.minimum.at(ceiling, parts.col, room[parts.row])
        filled = parts @ before - sums
        np.minimum.at(ceiling, totals.col, filled[totals.row])
    return ceiling


def _unlimited(matrix: sparse.csr_array) -> BoolArray:
    """Return which columns (k,) can grow for ever while ``matrix`` @ y = 0 and y ≥ 0.

    One program finds them all: y = s + r with 0 ≤ s ≤ 1 and r ≥ 0, and as many s as can be. The
    solutions form a cone, so that an s above 0 can be made 1.
    """
    k = matrix.shape[1]
    if not matrix.shape[0]:
        return np.ones(k, dtype=bool)
    result = milp(
        np.concatenate([-np.ones(k), np.zeros(k)]),
        constraints=LinearConstraint(sparse.hstack([matrix, matrix]), 0, 0),
        bounds=Bounds(0, np.concatenate([np.ones(k), np.full(k, np.inf)])),
    )
    if result.x is None:
        msg = f"the search for cells without a limit stopped: {result.message}"
        raise RuntimeError(msg)
    unlimited: BoolArray = result.x[:k] > 0.5
    return unlimited
