"""What a linear model with nested random intercepts needs of its rows. Arrays only.

The covariance of the rows is σ²·H with H = I + τ_o·Z_o Z_o' + τ_i·Z_i Z_i': outer groups
(municipalities) and inner groups within them (polling stations). The Sherman–Morrison formula,
once for the inner and once for the outer groups, turns every quadratic form in H⁻¹ into sums over
group means, all of the same sign, so nothing cancels. With n_k rows in inner group k,
a_k = n_k/(1 + n_k·τ_i), A_o the sum of a_k in outer group o, m_k the mean of the rows M in k and
m̄_o = Σ a_k·m_k / A_o,

    M'H⁻¹M = within + Σ_k a_k (m_k − m̄_o)(m_k − m̄_o)' + Σ_o A_o/(1 + τ_o·A_o) m̄_o m̄_o'
    log|H| = Σ_k log(1 + n_k·τ_i) + Σ_o log(1 + τ_o·A_o).

So the rows are read once, and an evaluation costs as much as there are groups. One level of groups
is the case of a single outer group with τ_o = 0.

Source: Searle, Casella & McCulloch (1992), Variance Components, ch. 3 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.labels import label_codes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Labels = npt.ArrayLike

#: A column whose part outside the span of the others is smaller than this share of it is collinear.
COLLINEAR = 1e-10
#: Residuals smaller than this share of the outcome are rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Groups:
    """Labels of one or two levels, outer first, and the code of every row on each level.

    ``starts`` (O,) are the positions at which the inner groups of an outer group begin; inner
    groups are numbered so that those of one outer group follow each other.
    """

    labels: tuple[npt.NDArray[Any], ...]
    codes: tuple[IntArray, ...]
    outer_of: IntArray
    starts: IntArray

    @property
    def levels(self) -> int:
        """Number of random intercepts: 1 or 2."""
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Sums over the rows of M = (basis of the regressors, outcome), c columns.

    ``within`` (c, c) cross-products around inner group means, ``means`` (K, c) and ``size`` (K,)
    of the inner groups, with ``groups`` for what belongs to what.
    """

    within: FloatArray
    means: FloatArray
    size: FloatArray
    groups: Groups

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.size.sum())


@dataclass(frozen=True, slots=True)
class Forms:
    """Quadratic forms and traces at one τ; G_g = Z_g Z_g' for the L levels, outer first.

    ``base`` M'H⁻¹M (c, c); ``first`` M'H⁻¹G_gH⁻¹M (L, c, c); ``second`` M'H⁻¹G_gH⁻¹G_hH⁻¹M
    (L, L, c, c); ``trace`` tr(H⁻¹G_g) (L,); ``trace_product`` tr(H⁻¹G_gH⁻¹G_h) (L, L);
    ``outer_score`` and ``inner_score`` 1_g'H⁻¹M, one row per group.
    """

    base: FloatArray
    log_determinant: float
    first: FloatArray
    second: FloatArray
    trace: FloatArray
    trace_product: FloatArray
    outer_score: FloatArray
    inner_score: FloatArray


def read_groups(groups: Labels | tuple[Labels, Labels], n: int) -> Groups:
    """Return the groups of ``n`` rows: labels (n,), or a tuple (outer, inner) of such labels.

    Raises ValueError for fewer than two groups on a level, an inner label in two outer groups,
    and levels that cannot be told apart (one row per inner group, one inner per outer group).
    """
    pair = groups if isinstance(groups, tuple) else (groups,)
    if len(pair) not in (1, 2):
        msg = f"groups must be labels or a tuple (outer, inner) of labels, found {len(pair)} parts"
        raise ValueError(msg)
    names = ("groups",) if len(pair) == 1 else ("outer groups", "inner groups")
    read = [label_codes(labels, name, n) for labels, name in zip(pair, names, strict=True)]
    for (labels, _), name in zip(read, names, strict=True):
        if len(labels) < 2:
            msg = f"{name}: a random intercept needs at least two groups, found {len(labels)}"
            raise ValueError(msg)
    inner_labels, inner = read[-1]
    if len(inner_labels) == n:
        msg = f"every row is a group of its own in {names[-1]}: use plain least squares"
        raise ValueError(msg)
    if len(pair) == 1:
        nowhere = np.zeros(len(inner_labels), dtype=np.intp)
        return Groups((inner_labels,), (inner,), nowhere, np.zeros(1, dtype=np.intp))
    outer_labels, outer = read[0]
    return _nested(outer_labels, outer, inner_labels, inner)


def _nested(
    outer_labels: npt.NDArray[Any],
    outer: IntArray,
    inner_labels: npt.NDArray[Any],
    inner: IntArray,
) -> Groups:
    outer_of = np.zeros(len(inner_labels), dtype=np.intp)
    outer_of[inner] = outer
    stray = outer_of[inner] != outer
    if stray.any():
        label = inner_labels[inner[int(np.argmax(stray))]]
        msg = (
            f"inner group {label} occurs in more than one outer group; when such labels are used "
            "again elsewhere, join them with the outer label, e.g. '0363-SB12'"
        )
        raise ValueError(msg)
    if len(inner_labels) == len(outer_labels):
        msg = "every outer group holds one inner group: give one level of groups only"
        raise ValueError(msg)
    order = np.argsort(outer_of, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    starts = np.searchsorted(outer_of[order], np.arange(len(outer_labels)))
    labels = (outer_labels, inner_labels[order])
    return Groups(labels, (outer, rank[inner]), outer_of[order], starts)


def group_sums(rows: FloatArray, groups: Groups) -> GroupSums:
    """Return the sums of ``rows`` (n, c)."""
    codes = groups.codes[-1]
    size = np.bincount(codes).astype(float)
    sums = np.column_stack([np.bincount(codes, weights=column) for column in rows.T])
    means = sums / size[:, None]
    centred = rows - means[codes]
    return GroupSums(centred.T @ centred, means, size, groups)


def base_forms(sums: GroupSums, taus: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return M'H⁻¹M (B, c, c) and log|H| (B,) at each row of ``taus`` (B, L), outer first."""
    tau_outer = taus[:, :-1].sum(axis=1, keepdims=True)
    scale = 1 + sums.size * taus[:, -1:]
    a = sums.size / scale
    starts, outer_of = sums.groups.starts, sums.groups.outer_of
    total = np.add.reduceat(a, starts, axis=1)
    weighted = a[:, :, None] * sums.means
    centre = np.add.reduceat(weighted, starts, axis=1) / total[:, :, None]
    spread = sums.means - centre[:, outer_of]
    widened = 1 + tau_outer * total
    base = (
        sums.within
        + np.swapaxes(a[:, :, None] * spread, 1, 2) @ spread
        + np.swapaxes((total / widened)[:, :, None] * centre, 1, 2) @ centre
    )
    return base, np.log(scale).sum(axis=1) + np.log(widened).sum(axis=1)


def all_forms(sums: GroupSums, tau: FloatArray) -> Forms:
    """Return :class:`Forms` at ``tau`` (L,), outer level first."""
    tau_outer, tau_inner = float(tau[:-1].sum()), float(tau[-1])
    base, log_determinant = base_forms(sums, tau[None])
    starts, outer_of = sums.groups.starts, sums.groups.outer_of
    a = sums.size / (1 + sums.size * tau_inner)
    total, squares, cubes = (np.add.reduceat(a**k, starts) for k in (1, 2, 3))
    centre = np.add.reduceat(a[:, None] * sums.means, starts) / total[:, None]
    widened = 1 + tau_outer * total
    share, shrink = total / widened, tau_outer / widened
    inner = a[:, None] * (sums.means + (centre * (1 / widened - 1)[:, None])[outer_of])
    outer = share[:, None] * centre
    weighted = np.add.reduceat(a[:, None] * inner, starts)
    mixed = (weighted / widened[:, None]).T @ outer
    second = np.array(
        [
            [(share[:, None] * outer).T @ outer, mixed.T],
            [mixed, (a[:, None] * inner).T @ inner - (shrink[:, None] * weighted).T @ weighted],
        ]
    )
    cross = float((squares / widened**2).sum())
    own = float((squares - 2 * shrink * cubes + (shrink * squares) ** 2).sum())
    kept = slice(2 - sums.groups.levels, 2)
    return Forms(
        base=base[0],
        log_determinant=float(log_determinant[0]),
        first=np.array([outer.T @ outer, inner.T @ inner])[kept],
        second=second[kept, kept],
        trace=np.array([share.sum(), (total - shrink * squares).sum()])[kept],
        trace_product=np.array([[(share**2).sum(), cross], [cross, own]])[kept, kept],
        outer_score=outer,
        inner_score=inner,
    )


def orthonormal_basis(x: npt.ArrayLike, n: int) -> tuple[FloatArray, FloatArray]:
    """Return Q (n, p) and R (p, p) with ``x`` = QR.

    Raises ValueError for a wrong shape, missing values, collinear columns, and as many columns
    as rows.
    """
    columns = np.asarray(x, dtype=float)
    if columns.ndim != 2 or columns.shape[1] == 0 or len(columns) != n:
        msg = f"x must have {n} rows and at least one column, found shape {columns.shape}"
        raise ValueError(msg)
    if not np.isfinite(columns).all():
        msg = "x holds missing or infinite values; leave those rows out first"
        raise ValueError(msg)
    if n <= columns.shape[1]:
        msg = f"{n} rows leave no residual freedom for {columns.shape[1]} coefficients"
        raise ValueError(msg)
    norms = np.linalg.norm(columns, axis=0)
    q, r = np.linalg.qr(columns)
    flat = np.flatnonzero(np.abs(np.diag(r)) <= COLLINEAR * norms)
    if flat.size:
        msg = f"column {flat[0]} of x is zero or collinear with the columns before it; leave it out"
        raise ValueError(msg)
    return q, r
