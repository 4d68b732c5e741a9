"""Least squares over weights that are not negative and sum to 1. Arrays only.

Sources: Lawson & Hanson (1974), Solving Least Squares Problems, ch. 23 (non-negative least
squares); Duchi, Shalev-Shwartz, Singer & Chandra (2008), ICML (projection on the simplex); Jaggi
(2013), ICML (Frank–Wolfe); Arkhangelsky et al. (2021), AER 111(12), and the authors' software for
the stopping rule and the sparsification.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def simplex_least_squares(a: FloatArray, b: FloatArray, *, ridge: float = 0.0) -> FloatArray:
    """Return the weights w (n,) on the simplex that minimise ‖a·w − b‖² + ridge·‖w‖².

    ``a`` is (m, n), ``b`` (m,). Non-negative least squares of D·x on 0, with D = a − b·1ᵀ above
    the rows of the ridge, and a row that asks Σx = 1. Along x = s·w that costs s²q + (1−s)² with
    q = ‖D·w‖², at best q/(q+1), which rises with q: so w = x/Σx is the exact solution whatever
    the weight of that row.
    """
    difference = a - b[:, None]
    # The scale keeps Σx away from 0; it does not move the solution.
    scale = float(np.abs(difference).max()) or 1.0
    rows = [difference / scale, np.ones((1, a.shape[1]))]
    if ridge:
        rows.insert(1, np.sqrt(ridge) / scale * np.eye(a.shape[1]))
    system = np.vstack(rows)
    target = np.zeros(len(system))
    target[-1] = 1.0
    x: FloatArray = nnls(system, target)[0]
    return np.asarray(x / x.sum())


def simplex_ridge(a: FloatArray, b: FloatArray, *, ridge: float) -> FloatArray:
    """Return the weights w (n,) on the simplex that minimise ‖a·w − b‖² + ridge·‖w‖².

    The dual has as many unknowns u as ``a`` has rows: w is the projection of −D'u/ridge on the
    simplex, for D = a − b·1ᵀ, and u = D·w at the solution. Newton's method with a line search
    finds it in a few steps, because the dual is piecewise quadratic. A ridge so small beside a²
    that rounding spoils the projection leads to :func:`simplex_least_squares`, which is slower.
    """
    d = a - b[:, None]
    scale = float(np.abs(d).max()) or 1.0
    d, eta = d / scale, ridge / scale**2
    if eta < 1e-8:
        return simplex_least_squares(a, b, ridge=ridge)
    u = d.mean(axis=1)
    w, value = _dual(d, u, eta)
    for _ in range(100):
        gradient = u - d @ w
        if np.abs(gradient).max() <= 1e-14 * (10 + 1 / eta):
            return w
        used = d[:, w > 0] - d[:, w > 0].mean(axis=1, keepdims=True)
        step = -np.linalg.solve(np.eye(len(u)) + used @ used.T / eta, gradient)
        slope, length = float(gradient @ step), 1.0
        while True:
            w, trial = _dual(d, u + length * step, eta)
            if trial <= value + 1e-4 * length * slope + 1e-13 * (1 + abs(value)) or length < 1e-9:
                break
            length /= 2
        u, value = u + length * step, trial
    return simplex_least_squares(a, b, ridge=ridge)


def _dual(d: FloatArray, u: FloatArray, eta: float) -> tuple[FloatArray, float]:
    """Return the weights that go with ``u`` and the value of the dual, to be minimised."""
    raw = -(u @ d) / eta
    falling = np.sort(raw)[::-1]
    shifts = (1 - np.cumsum(falling)) / np.arange(1, len(raw) + 1)
    shift = float(shifts[np.flatnonzero(falling + shifts > 0)[-1]])
    w = np.maximum(raw + shift, 0.0)
    return w, float(u @ u / 2 + eta * (w @ w / 2 - shift))


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
