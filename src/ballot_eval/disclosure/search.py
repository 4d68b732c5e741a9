"""Which cells of published tables must vanish. Arrays only.

A *move* is the difference y between the true counts and other counts that a reader cannot rule
out: the equations hold for y with 0 on the right, y is 0 on the published cells, and x + y ≥ 0.
A sensitive cell is protected when one move takes it far enough down and another far enough up.
For every sensitive cell and direction the cheapest move is sought, and the cells that it moves
are hidden. So every hidden cell that is not sensitive has a move, and its value is never certain.

Source: Kelly, Golden & Assad (1992), Networks 22 (one linear program per sensitive cell);
Fischetti & Salazar (2000), JASA 95 (protection levels, publishing superfluous cells again).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ballot_eval.disclosure.attack import (
    BoolArray,
    FloatArray,
    IntArray,
    System,
    connected_parts,
    integer_optimum,
)

# Hidden cells move almost for free; the rest keeps moves short.
_FREE = 1e-4
_FOR_EVER = 10**9
Need = tuple[int, int]


def hide(system: System, down: IntArray, up: IntArray) -> BoolArray:
    """Return the cells (n,) that stay unpublished: sensitive, secondary and never published.

    ``down`` and ``up`` (n,) say how far below and above its count a reader's interval must reach
    for a sensitive cell; both are 0 for the other cells. Every secondary cell has another value
    in some integer table that agrees with what is published. ``down`` above the count raises
    ValueError, because a count is not negative.
    """
    if (down > system.counts).any():
        msg = "a cell cannot be asked to reach below 0"
        raise ValueError(msg)
    return _Search(system, down, up).run()


@dataclass(frozen=True, slots=True)
class _Move:
    """Cells that move and how far; ``local`` when no linked cell moves."""

    cells: IntArray
    steps: IntArray
    local: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """Cells (k,), ascending, solved together; equations (r, 2k) over their rises and falls."""

    cells: IntArray
    equations: sparse.csc_array


class _Search:
    """Hides cells one need at a time, then publishes again what turns out superfluous.

    Small blocks are solved on their own, with the cells that other blocks share (such as the
    number of respondents of a group, the same for every question) left still. Where that
    protects too little, all blocks are solved together, and what the shared cells did there is
    tried for the next cells: the other blocks can follow as they did the first time.
    """

    def __init__(self, system: System, down: IntArray, up: IntArray) -> None:
        self.system = system
        self.needs = {-1: down, 1: up}
        self.sensitive: BoolArray = (down > 0) | (up > 0)
        self.hidden: BoolArray = self.sensitive | ~system.published
        self.linked = np.zeros(len(system.counts), dtype=bool)
        self.linked[system.equations[np.flatnonzero(system.links)].indices] = True
        self.kept: dict[Need, _Move] = {}
        self.shared: list[_Move] = []
        self.blocks, self.block_of = _parts(system, ~system.links)
        self.wholes, self.whole_of = _parts(system, np.ones_like(system.links))

    def run(self) -> BoolArray:
        """Return the hidden cells (n,)."""
        cells = np.flatnonzero(self.sensitive)
        need = np.maximum(self.needs[-1], self.needs[1])[cells]
        # Linked cells first, as the others borrow their moves; then the largest need.
        for cell in cells[np.lexsort((cells, -need, ~self.linked[cells]))]:
            for sign in (-1, 1):
                if self.needs[sign][cell] and (int(cell), sign) not in self.kept:
                    self._record(self._cheapest(int(cell), sign))
        self._choose_again()
        return self.hidden

    def _cheapest(self, cell: int, sign: int) -> _Move:
        """Return a cheap move for ``cell``: within its block if that is possible."""
        block = self.blocks[self.block_of[cell]]
        still = np.where(self.linked[block.cells], 0.0, np.nan)
        move = self._solve(block, cell, sign, still)
        if move is not None:
            return move
        for shared in self.shared:
            if self.whole_of[shared.cells[0]] == self.whole_of[cell]:
                move = self._borrow(block, cell, sign, shared)
                if move is not None:
                    return move
        whole = self.wholes[self.whole_of[cell]]
        move = self._solve(whole, cell, sign, np.full(len(whole.cells), np.nan))
        if move is None:  # all cells to 0, or to a multiple of themselves, is always possible
            msg = f"the cell at position {cell} cannot be protected"
            raise RuntimeError(msg)
        self.shared.append(move)
        if (self.system.counts[move.cells] >= move.steps).all():
            self.shared.append(_Move(move.cells, -move.steps, local=False))
        return move

    def _borrow(self, block: _Part, cell: int, sign: int, shared: _Move) -> _Move | None:
        """Return a move in which the linked cells and the other blocks move as in ``shared``."""
        steps = np.zeros(len(self.system.counts), dtype=np.int64)
        steps[shared.cells] = shared.steps
        fixed = np.where(self.linked[block.cells], steps[block.cells].astype(float), np.nan)
        move = self._solve(block, cell, sign, fixed)
        if move is None:
            return None
        steps[block.cells] = 0
        steps[move.cells] = move.steps
        cells = np.flatnonzero(steps)
        return _Move(cells, steps[cells], local=False)

    def _solve(self, part: _Part, cell: int, sign: int, fixed: FloatArray) -> _Move | None:
        """Return the cheapest move that fulfils the need of ``cell`` along ``sign``, or None.

        ``fixed`` (k,) holds the steps of cells that may not choose, NaN for the others.
        """
        free = np.isnan(fixed) | (fixed != 0)
        if not free[np.searchsorted(part.cells, cell)]:
            return None
        cells, held, k = part.cells[free], np.nan_to_num(fixed[free]), int(free.sum())
        counts = self.system.counts[cells].astype(float)
        costs = np.where(self.hidden[cells], _FREE, self.system.costs[cells])
        lower = np.maximum(np.concatenate([held, -held]), 0)
        upper = np.where(np.tile(held != 0, 2), lower, np.concatenate([np.full(k, np.inf), counts]))
        own = int(np.searchsorted(cells, cell))
        along, against = (own, own + k) if sign > 0 else (own + k, own)
        lower[along] = max(lower[along], float(self.needs[sign][cell]))
        upper[against] = 0.0
        if (lower > upper).any():
            return None
        equations = part.equations if free.all() else part.equations[:, np.tile(free, 2)]
        zeros = np.zeros(equations.shape[0])
        solution = integer_optimum(np.tile(costs, 2), equations, zeros, lower, upper)
        if solution is None:
            return None
        steps = solution[:k] - solution[k:]
        moved = steps != 0
        return _Move(cells[moved], steps[moved], local=not self.linked[cells[moved]].any())

    def _record(self, move: _Move) -> None:
        """Hide the cells of ``move`` and note every need that it fulfils."""
        self.hidden[move.cells] = True
        for need in self._fulfilled(move):
            self.kept.setdefault(need, move)

    def _fulfilled(self, move: _Move) -> list[Need]:
        """Return the needs that ``move`` fulfils, shortened, lengthened or turned round."""
        step = move.steps // np.gcd.reduce(move.steps)
        counts = self.system.counts[move.cells]
        needs: list[Need] = []
        for turn in (-1, 1):
            fall = turn * step < 0
            # How often the step can be taken until a count is 0; for ever if nothing falls.
            often = (counts[fall] // np.abs(step[fall])).min() if fall.any() else _FOR_EVER
            for sign, levels in self.needs.items():
                level = levels[move.cells]
                enough = (level > 0) & (sign * turn * step * often >= level)
                needs += [(int(cell), sign) for cell in move.cells[enough]]
        return needs

    def _choose_again(self) -> None:
        """Choose moves anew among the hidden cells, last need first, and publish the rest.

        The first needs were served without knowing what the later ones would hide anyway. Moves
        over links stay, as all blocks follow them.
        """
        candidates, before = self.hidden & ~self.linked, self.kept
        self.hidden = self.sensitive | ~self.system.published
        self.kept = {}
        for move in before.values():
            if not move.local:
                self._record(move)
        for need, move in reversed(before.items()):
            if need not in self.kept:
                block = self.blocks[self.block_of[need[0]]]
                fixed = np.where(candidates[block.cells], np.nan, 0.0)
                self._record(self._solve(block, *need, fixed) or move)


def _parts(system: System, rows: BoolArray) -> tuple[list[_Part], IntArray]:
    """Return the cells that hang together through ``rows`` (r,), and the part of every cell."""
    equations = system.equations[np.flatnonzero(rows)]
    parts: list[_Part] = []
    part_of = np.zeros(len(system.counts), dtype=np.int64)
    for own_rows, columns in connected_parts(equations):
        cells = np.sort(columns)
        matrix = equations[own_rows][:, cells]
        part_of[cells] = len(parts)
        parts.append(_Part(cells, sparse.hstack([matrix, -matrix], format="csc")))
    return parts, part_of
