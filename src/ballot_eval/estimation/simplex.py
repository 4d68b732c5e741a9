"""Least squares over weights that are not negative and sum to 1. Arrays only.

Sources: Lawson & Hanson (1974), Solving Least Squares Problems, ch. 23 (non-negative least
squares); Jaggi (2013), ICML (Frank–Wolfe); Arkhangelsky et al. (2021), AER 111(12), and the
authors' software for the stopping rule and the sparsification.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def simplex_least_squares(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the weights w (n,) on the simplex that minimise ‖a·w − b‖, for a (m, n), b (m,).

    Non-negative least squares of D·x on 0 with D = a − b·1ᵀ and a row that asks Σx = 1. Along
    x = s·w that costs s²q + (1−s)² with q = ‖D·w‖², at best q/(q+1), which rises with q: so
    w = x/Σx is the exact solution whatever the weight of that row.
    """
    difference = a - b[:, None]
    # The scale keeps Σx away from 0; it does not move the solution.
    scale = float(np.abs(difference).max()) or 1.0
    system = np.vstack([difference / scale, np.ones(a.shape[1])])
    target = np.zeros(len(system))
    target[-1] = 1.0
    x: FloatArray = nnls(system, target)[0]
    return np.asarray(x / x.sum())


def sparsify(weights: FloatArray) -> FloatArray:
    """Return ``weights`` (problems, n) without those up to a quarter of the largest, rescaled."""
    kept = np.where(weights > weights.max(axis=1, keepdims=True) / 4, weights, 0.0)
    return np.asarray(kept / kept.sum(axis=1, keepdims=True))


@dataclass(slots=True)
class _State:
    """The problems still moving; all arrays have one row per problem.

    ``fitted`` is a·w, ``square`` is ‖w‖²; both follow the weights ``x`` from round to round.
    """

    b: FloatArray
    x: FloatArray
    fitted: FloatArray
    square: FloatArray
    blocked: BoolArray | None
    previous: FloatArray
    position: npt.NDArray[np.intp]

    def keep(self, moving: BoolArray) -> None:
        """Drop the other problems."""
        self.b, self.x = self.b[moving], self.x[moving]
        self.fitted, self.square = self.fitted[moving], self.square[moving]
        self.previous, self.position = self.previous[moving], self.position[moving]
        if self.blocked is not None:
            self.blocked = self.blocked[moving]


def frank_wolfe(
    a: FloatArray,
    b: FloatArray,
    start: FloatArray,
    *,
    blocked: BoolArray | None,
    rows: int,
    zeta: float,
    min_decrease: float,
    rounds: int,
) -> tuple[FloatArray, BoolArray]:
    """Return weights (problems, n) near the minimum of ‖a·w − b‖²/rows + zeta²‖w‖².

    ``a`` is (m, n) for all problems or (problems, m, n), ``b`` (problems, m), ``start`` and
    ``blocked`` (problems, n); blocked weights must start at 0 and stay there. Each round moves
    towards the best single weight, with exact line search. A problem stops when a round lowers
    its objective by no more than ``min_decrease``², or after ``rounds``; the second array says
    which problems stopped for the first reason.
    """
    out, converged = start.copy(), np.zeros(len(start), dtype=bool)
    state = _State(
        b=b,
        x=start.copy(),
        fitted=start @ a.T if a.ndim == 2 else np.matmul(a, start[:, :, None])[:, :, 0],
        square=(start**2).sum(axis=1),
        blocked=blocked,
        previous=np.full(len(start), np.inf),
        position=np.arange(len(start)),
    )
    for done in range(1, rounds + 1):
        value = _round(a, state, rows * zeta**2) / rows
        moving = state.previous - value > min_decrease**2
        state.previous = value
        if done > 1 and not moving.all():
            stopped = state.position[~moving]
            out[stopped], converged[stopped] = state.x[~moving], True
            state.keep(moving)
            a = a[moving] if a.ndim == 3 else a
            if not len(state.x):
                break
    out[state.position] = state.x
    return out, converged


def _round(a: FloatArray, state: _State, eta: float) -> FloatArray:
    """Move every problem one step, in place, and return ‖a·w − b‖² + eta‖w‖²."""
    x, problem = state.x, np.arange(len(state.x))
    error = state.fitted - state.b
    slope = error @ a if a.ndim == 2 else np.matmul(error[:, None, :], a)[:, 0]
    slope += eta * x
    if state.blocked is not None:
        np.copyto(slope, np.inf, where=state.blocked)
    best = slope.argmin(axis=1)
    column = a.T[best] if a.ndim == 2 else a[problem, :, best]
    towards, at_best = column - state.fitted, x[problem, best]
    width = (towards**2).sum(axis=1) + eta * (state.square - 2 * at_best + 1)
    gain = (error * state.fitted).sum(axis=1) + eta * state.square - slope[problem, best]
    step = np.divide(gain, width, out=np.zeros_like(gain), where=width > 0).clip(0.0, 1.0)
    x *= (1 - step)[:, None]
    x[problem, best] += step
    state.fitted += step[:, None] * towards
    state.square = (1 - step) ** 2 * state.square + step * (2 * (1 - step) * at_best + step)
    error = state.fitted - state.b
    return np.asarray((error**2).sum(axis=1) + eta * state.square)
