"""Vertices of weighted quantile regressions, and many of them at a time. Arrays only.

The optimum of a quantile regression is a vertex: it passes through as many observations as there
are columns. It is found by descent along the edges of the objective with a full line search on each
(Barrodale & Roberts). Ties are broken by adding to each outcome a fixed number about 1e-9 times the
size of the residuals; coefficients are then solved from the untouched outcomes of the vertex.

A draw of a bootstrap starts at the vertex of the fit. Observations far from the fit enter only
through the sum of their gradients, which is checked afterwards, so a draw is exact but costs
little. For columns that only tell groups apart all draws are found together, by bisection in
cumulative counts.

Sources: Koenker & Bassett (1978), Econometrica 46; Barrodale & Roberts (1973), SIAM Journal on
Numerical Analysis 10; Portnoy & Koenker (1997), Statistical Science 12 (far observations).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
Method = Literal["pairs", "wild_gradient"]
#: From multipliers (m, G) of the clusters to coefficients (m, p).
Draw = Callable[[FloatArray, Method], FloatArray]

#: Size of the numbers that break ties, relative to the mean absolute residual of least squares.
JITTER = 1e-9
#: The quantile is lowered by this share of itself, so that of several optima the lowest is taken.
LOWERED = 1e-9
#: A slope above minus this share of the total weight counts as no descent.
FLAT = 1e-12
#: A column whose part outside the span of the columns before it is a smaller share is collinear.
COLLINEAR = 1e-10
UNBOUNDED = "a draw has no finite solution: too few clusters for this quantile with wild_gradient"
#: Shares of the observations, nearest to the fit first, that a draw treats one by one.
NEAR = (0.12, 0.35, 1.0)


@dataclass(frozen=True, slots=True)
class Problem:
    """Outcomes and columns as given and as solved: orthogonal columns, residuals without ties."""

    y: FloatArray
    x: FloatArray
    quantile: float
    columns: FloatArray
    outcomes: FloatArray
    jitter: float
    basis: IntArray


def solve(y: npt.ArrayLike, x: npt.ArrayLike, quantile: float) -> Problem:
    """Return the vertex that is optimal for ``quantile``; for the errors see the next function."""
    values, given = check_regression(y, x, quantile)
    n = len(values)
    q, _ = np.linalg.qr(given)
    columns = q * np.sqrt(n)
    outcomes = values - q @ (q.T @ values)
    size = float(np.abs(outcomes).mean())
    jitter = JITTER * (size if size > 1e-13 * np.abs(values).max() else 1.0)
    # A fixed seed: the numbers only have to differ, and the same call gives the same vertex.
    outcomes = outcomes + jitter * np.random.default_rng(0).random(n)
    start = _starting_basis(columns, np.abs(outcomes - np.quantile(outcomes, quantile)))
    basis = _descend(columns, outcomes, np.ones(n), quantile, np.zeros(columns.shape[1]), start)
    if basis is None:  # impossible without a linear term
        msg = "the quantile regression has no finite solution"
        raise ValueError(msg)
    return Problem(values, given, quantile, columns, outcomes, jitter, basis)


def check_regression(
    y: npt.ArrayLike, x: npt.ArrayLike, quantile: float
) -> tuple[FloatArray, FloatArray]:
    """Return ``y`` (n,) and ``x`` (n, p) as arrays of floats.

    Raises ValueError for values that are not finite, shapes that do not fit, a quantile outside
    (0, 1), collinear columns and fewer rows than columns.
    """
    values, columns = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    if columns.ndim != 2 or columns.shape[1] == 0 or values.shape != (len(columns),):
        msg = f"x must be (n, p) and y (n,), found shapes {columns.shape} and {values.shape}"
        raise ValueError(msg)
    if not (np.isfinite(values).all() and np.isfinite(columns).all()):
        msg = "y or x holds missing or infinite values; leave those rows out first"
        raise ValueError(msg)
    if not 0 < quantile < 1:
        msg = f"a quantile must lie between 0 and 1, found {quantile}"
        raise ValueError(msg)
    n, p = columns.shape
    if n < p:
        msg = f"{n} rows are too few for {p} columns"
        raise ValueError(msg)
    own = np.abs(np.diag(np.linalg.qr(columns, mode="r")))
    flat = np.flatnonzero(own <= COLLINEAR * np.linalg.norm(columns, axis=0))
    if flat.size:
        msg = f"column {flat[0]} of x is collinear with the columns before it"
        raise ValueError(msg)
    return values, columns


def _starting_basis(columns: FloatArray, distance: FloatArray) -> IntArray:
    """Return p rows close to the fit whose columns are clearly independent."""
    p = columns.shape[1]
    rows: list[int] = []
    rest = columns.copy()
    scale = 1 / (1 + distance / max(float(np.median(distance)), np.finfo(float).tiny))
    for _ in range(p):
        size = (rest**2).sum(axis=1)
        # Near rows first, but never one that hardly adds a direction.
        row = int(np.argmax(np.where(size > 0.1 * size.max(), scale, -1.0)))
        rows.append(row)
        direction = rest[row] / np.sqrt(size[row])
        rest = rest - np.outer(rest @ direction, direction)
    return np.array(rows, dtype=np.intp)


def _descend(
    x: FloatArray,
    y: FloatArray,
    weights: FloatArray,
    quantile: float,
    linear: FloatArray,
    basis: IntArray,
) -> IntArray | None:
    """Return the rows of the vertex that minimises Σ w·ρ(y − x'b) + linear'b; None if unbounded.

    At a vertex the residuals of p rows are 0; an edge lets one of them become negative or positive.
    The steepest edge is followed past every row at which the objective still falls.
    """
    tau = quantile * (1 - LOWERED)
    basis = basis.copy()
    weighted = x * weights[:, None]
    flat = FLAT * max(float(weights.sum()), 1.0)
    for _ in range(1000 + 50 * x.shape[1]):
        inverse = np.linalg.inv(x[basis])
        residuals = y - x @ (inverse @ y[basis])
        negative = residuals < 0
        score = np.where(negative, tau - 1, tau)
        score[basis] = 0
        slope = (linear - score @ weighted) @ inverse
        length = np.sqrt((inverse**2).sum(axis=0))
        down = (slope + (1 - tau) * weights[basis]) / length
        up = (tau * weights[basis] - slope) / length
        j, k = int(np.argmin(down)), int(np.argmin(up))
        if min(down[j], up[k]) >= -flat:
            return basis
        sign, j, start = (1.0, j, down[j]) if down[j] <= up[k] else (-1.0, k, up[k])
        moved = x @ (inverse[:, j] * (sign / length[j]))
        moved[basis] = 0
        met = np.flatnonzero((np.abs(moved) > COLLINEAR) & ((moved < 0) == negative))
        order = met[np.argsort(residuals[met] / moved[met])]
        slopes = start + np.cumsum(weights[order] * np.abs(moved[order]))
        stop = int(np.searchsorted(slopes, -flat))
        if stop == len(order):
            return None
        basis[j] = order[stop]
    msg = "the quantile regression did not converge; the columns are nearly collinear"
    raise ValueError(msg)


def is_unique(problem: Problem) -> bool:
    """Return whether every edge from the vertex rises, but for edges as short as the jitter."""
    x, tau, basis = problem.columns, problem.quantile, problem.basis
    inverse = np.linalg.inv(x[basis])
    residuals = problem.outcomes - x @ (inverse @ problem.outcomes[basis])
    score = tau - (residuals < 0)
    score[basis] = 0
    slope = -(score @ x) @ inverse
    residuals[basis] = np.inf
    for sign, slopes in ((1.0, slope + 1 - tau), (-1.0, tau - slope)):
        for j in np.flatnonzero(slopes <= 1e-10 * len(x)):
            moved = sign * (x @ inverse[:, j])
            met = np.where(residuals < 0, -moved, moved) > COLLINEAR
            met[basis] = False
            if met.any() and (residuals[met] / moved[met]).min() > 1e3 * problem.jitter:
                return False
    return True


def solvable(x: FloatArray, codes: IntArray, weights: FloatArray) -> BoolArray:
    """Return which of the weightings (m, G) of the clusters leave all columns independent."""
    q = np.linalg.qr(x)[0]
    gram = np.zeros((weights.shape[1], x.shape[1], x.shape[1]))
    np.add.at(gram, codes, q[:, :, None] * q[:, None, :])
    smallest = np.linalg.eigvalsh(np.tensordot(weights, gram, axes=1))[:, 0]
    return np.asarray(smallest > 1e-9)


def resampler(
    y: FloatArray, x: FloatArray, codes: IntArray
) -> Callable[[float], tuple[FloatArray, Draw]]:
    """Return a function that gives, per quantile, the fit (p,) and a function that draws (m, p)."""
    rows, group = np.unique(x, axis=0, return_inverse=True)
    if len(rows) == x.shape[1]:
        return _Groups(y, rows, group.ravel(), codes).at
    return lambda quantile: _Vertices(y, x, codes, quantile).at()


class _Groups:
    """Exact weighted quantiles per group, for columns that only tell groups apart."""

    def __init__(self, y: FloatArray, rows: FloatArray, group: IntArray, codes: IntArray) -> None:
        self._inverse = np.linalg.inv(rows)
        self._parts = []
        count = int(codes.max()) + 1
        for g in range(len(rows)):
            values, position = np.unique(y[group == g], return_inverse=True)
            counts = np.zeros((len(values), count))
            np.add.at(counts, (position, codes[group == g]), 1.0)
            self._parts.append((values, counts, counts.cumsum(axis=0)))

    def at(self, quantile: float) -> tuple[FloatArray, Draw]:
        def draw(multipliers: FloatArray, method: Method) -> FloatArray:
            found = [self._draw(part, quantile, multipliers, method=method) for part in self._parts]
            return np.column_stack(found) @ self._inverse.T

        return draw(np.ones((1, self._parts[0][1].shape[1])), "pairs")[0], draw

    @staticmethod
    def _draw(
        part: tuple[FloatArray, FloatArray, FloatArray],
        quantile: float,
        multipliers: FloatArray,
        *,
        method: Method,
    ) -> FloatArray:
        values, counts, below = part
        total = multipliers @ below[-1]
        target, weights = quantile * total, multipliers
        if method == "wild_gradient":
            n, weights = float(below[-1].sum()), np.ones_like(multipliers)
            target = quantile * n - multipliers @ _group_scores(counts, below, quantile)
            if ((target <= 0) | (target >= n)).any():
                raise ValueError(UNBOUNDED)
        target = target - LOWERED * np.abs(target)
        low = np.zeros(len(target), dtype=np.intp)
        high = np.full(len(target), len(values) - 1, dtype=np.intp)
        while (low < high).any():
            middle = (low + high) // 2
            reached = np.einsum("dg,dg->d", weights, below[middle]) >= target
            high = np.where(reached, middle, high)
            low = np.where(reached, low, np.minimum(middle + 1, high))
        return np.asarray(values[low])


def _group_scores(counts: FloatArray, below: FloatArray, quantile: float) -> FloatArray:
    """Return Σ(τ − 1[y < q]) per cluster of one group; ties at q share what makes the sum 0."""
    n = float(below[-1].sum())
    at = int(np.argmax(below.sum(axis=1) >= quantile * n * (1 - LOWERED)))
    under = below[at] - counts[at]
    share = (n * quantile - under.sum()) / counts[at].sum()
    return np.asarray(quantile * below[-1] - under - share * counts[at])


class _Vertices:
    """Exact draws for any columns, each started at the vertex of the fit."""

    def __init__(self, y: FloatArray, x: FloatArray, codes: IntArray, quantile: float) -> None:
        self._problem = solve(y, x, quantile)
        self._codes = codes
        q, basis = self._problem.columns, self._problem.basis
        inverse = np.linalg.inv(q[basis])
        residuals = self._problem.outcomes - q @ (inverse @ self._problem.outcomes[basis])
        residuals[basis] = 0
        score = quantile - (residuals < 0).astype(float)
        score[basis] = 0
        score[basis] = -(score @ q) @ inverse
        self._score: FloatArray = score
        others = np.argsort(np.abs(residuals))
        self._order = np.concatenate([basis, others[~np.isin(others, basis)]])

    def at(self) -> tuple[FloatArray, Draw]:
        basis = self._problem.basis[None]
        return self._coefficients(basis)[0], self._draw

    def _coefficients(self, bases: IntArray) -> FloatArray:
        right = self._problem.y[bases][:, :, None]
        return np.asarray(np.linalg.solve(self._problem.x[bases], right)[:, :, 0])

    def _sums(self, rows: IntArray, score: FloatArray, count: int) -> FloatArray:
        """Return Σ score·x over the rows of each cluster, (G, p)."""
        out = np.zeros((count, self._problem.columns.shape[1]))
        np.add.at(out, self._codes[rows], self._problem.columns[rows] * score[rows, None])
        return out

    def _draw(self, multipliers: FloatArray, method: Method) -> FloatArray:
        m, count = multipliers.shape
        weights = np.ones_like(multipliers) if method == "wild_gradient" else multipliers
        linear = np.zeros((m, self._problem.columns.shape[1]))
        if method == "wild_gradient":
            linear = multipliers @ self._sums(self._order, self._score, count)
        bases = np.full((m, linear.shape[1]), -1, dtype=np.intp)
        for share in NEAR:
            cut = max(int(share * len(self._order)), min(len(self._order), 50))
            near, far = self._order[:cut], self._order[cut:]
            fixed = linear - weights @ self._sums(far, self._score, count)
            stays = self._check(far)
            for d in np.flatnonzero(bases[:, 0] < 0):
                found = self._solve(near, weights[d], fixed[d])
                if found is not None and stays(found, weights[d]):
                    bases[d] = found
        if (bases < 0).any():
            raise ValueError(UNBOUNDED)
        return self._coefficients(bases)

    def _solve(self, near: IntArray, weights: FloatArray, linear: FloatArray) -> IntArray | None:
        """Return the vertex of one draw, in which only the rows ``near`` take part."""
        w, p = weights[self._codes[near]], len(linear)
        used = w > 0
        used[:p] = True  # the vertex to start from
        rows = near[used]
        x, y = self._problem.columns[rows], self._problem.outcomes[rows]
        found = _descend(x, y, w[used], self._problem.quantile, linear, np.arange(p))
        return None if found is None else rows[found]

    def _check(self, far: IntArray) -> Callable[[IntArray, FloatArray], bool]:
        """Return a function that tells whether all rows ``far`` stay on their side of a vertex."""
        x, y, codes = self._problem.columns, self._problem.outcomes, self._codes[far]
        x_far, y_far, negative = x[far], y[far], self._score[far] < 0

        def stays(basis: IntArray, weights: FloatArray) -> bool:
            crossed = (y_far < x_far @ np.linalg.solve(x[basis], y[basis])) != negative
            return not (weights[codes[crossed]] > 0).any()

        return stays
