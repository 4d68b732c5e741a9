"""Least squares with cluster-robust standard errors for few clusters. Arrays only.

Everything is computed in an orthonormal basis Q of the regressors. There the least-squares
coefficients are D'Q'y, and all that an estimator needs of a cluster g is its score Q_g'û_g and
its Gram matrix K_g = Q_g'Q_g: both as small as the number of regressors, however large the
cluster. Effects nested in clusters (a municipality effect where municipalities are the clusters)
are removed by centring; other effects (elections) stay in Q as dummies.

Sources: Liang & Zeger (1986), Biometrika 73 (CRV1); Bell & McCaffrey (2002), Survey Methodology 28
and Pustejovsky & Tipton (2018), JBES 36 (CR2, its degrees of freedom, singular adjustments,
absorbed effects); MacKinnon, Nielsen & Webb (2023), Journal of Applied Econometrics 38 (CRV3 in
closed form, partial leverage).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.linalg import qr
from scipy.special import stdtr, stdtrit

from ballot_eval.estimation.labels import label_codes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Labels = npt.ArrayLike
Method = Literal["crv1", "cr2", "crv3"]
Scale = Literal["jackknife", "sum"]

#: A column whose part outside the span of the others is smaller than this share of it is collinear.
COLLINEAR = 1e-10
#: 1 − λ below this counts as 0: the cluster alone determines that direction of the regressors.
SINGULAR = 1e-10
#: Residuals smaller than this share of the outcome are rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class ClusterDesign:
    """Regressors and clusters, prepared once for any number of outcomes.

    With n rows, p columns of interest, G clusters and r regressors after centring: ``basis``
    (n, r) is orthonormal with its rows sorted by cluster (``order``, ``starts``), ``contrasts``
    (r, p) holds the vectors d with coefficient = d'Q'y, ``gram`` (G, r, r) the matrices Q_g'Q_g
    with their ``eigenvalues`` (G, r) and ``eigenvectors`` (G, r, r). ``within`` are the codes of
    the centred effect in sorted order. ``sole_cluster`` (p,) is the position of the cluster without
    which the coefficient is not identified, −1 if there is none; ``labels`` (G,) are the clusters.
    ``n_parameters`` is the number counted by the small-sample factor of CRV1.
    """

    basis: FloatArray
    contrasts: FloatArray
    gram: FloatArray
    eigenvalues: FloatArray
    eigenvectors: FloatArray
    order: IntArray
    starts: IntArray
    within: IntArray | None
    labels: npt.NDArray[Any]
    sole_cluster: IntArray
    n_parameters: int

    @property
    def n_rows(self) -> int:
        """Number of observations."""
        return len(self.basis)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.starts)

    @property
    def n_columns(self) -> int:
        """Number of columns of interest."""
        return int(self.contrasts.shape[1])

    @property
    def crv1_factor(self) -> float:
        """G/(G−1) · (n−1)/(n−k), the usual small-sample factor of the CRV1 variance."""
        g, n = self.n_clusters, self.n_rows
        return g / (g - 1) * (n - 1) / (n - self.n_parameters)


@dataclass(frozen=True, slots=True)
class CoefficientResult:
    """One coefficient in the unit of the outcome per unit of its column.

    ``df`` are the degrees of freedom of the t distribution behind ``p_value`` (two-sided, of no
    effect) and the limits. ``partial_leverage`` is the largest share of one cluster in the
    information on the coefficient: 1/G when clusters are alike, 1 when one cluster decides.
    """

    column: int
    estimate: float
    se: float
    df: float
    ci_lower: float
    ci_upper: float
    p_value: float
    partial_leverage: float
    n_clusters: int
    method: str


def cluster_design(
    x: npt.ArrayLike,
    clusters: Labels,
    *,
    effects: Sequence[Labels] = (),
    count_nested: bool = False,
) -> ClusterDesign:
    """Prepare regressors ``x`` (n, p), cluster labels (n,) and fixed effects (each n labels).

    No intercept is added: give a column of ones, or an effect. Of the effects nested in clusters
    the one with most levels is removed by centring; that is exact, also for the CR2 adjustment and
    its degrees of freedom, because the weights are equal (Pustejovsky & Tipton 2018, theorem 2).
    All other effects become dummies (dense: n × levels) that take part in the adjustment matrices,
    the deletions of CRV3 and the bootstrap. Centring them too would leave CRV1 as it is but change
    the CR2 standard error and degrees of freedom and make the jackknife a different one.

    The small-sample factor of CRV1 counts the columns, the dummies and 1 for the centred effect,
    as programs for panels do; with ``count_nested`` it counts every level of it, as least squares
    with dummies does.

    Raises ValueError for fewer than two clusters, missing or infinite values, lengths that
    differ, columns collinear with each other or with the effects, and no residual freedom.
    """
    columns = _columns(x)
    n = len(columns)
    labels, groups = label_codes(clusters, "clusters", n)
    if len(labels) < 2:
        msg = f"cluster-robust inference needs at least two clusters, found {len(labels)}"
        raise ValueError(msg)
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(len(labels)))
    codes = [label_codes(effect, f"effect {i}", n)[1][order] for i, effect in enumerate(effects)]
    within, dummies = _split_effects(codes, groups[order])
    basis, contrasts = _basis(columns[order], dummies, within)
    levels = 0 if within is None else int(within.max()) + 1
    if n <= basis.shape[1] + levels:
        msg = f"{n} rows leave no residual freedom for {basis.shape[1] + levels} parameters"
        raise ValueError(msg)
    products = basis[:, :, None] * basis[:, None, :]
    gram = np.add.reduceat(products, starts, axis=0)
    values, vectors = np.linalg.eigh(gram)
    return ClusterDesign(
        basis=basis,
        contrasts=contrasts,
        gram=gram,
        eigenvalues=np.minimum(values, 1.0),
        eigenvectors=vectors,
        order=order,
        starts=starts,
        within=within,
        labels=labels,
        sole_cluster=_sole_cluster(values, vectors, contrasts),
        n_parameters=basis.shape[1] + (levels if count_nested else min(levels, 1)),
    )


def _columns(x: npt.ArrayLike) -> FloatArray:
    columns = np.asarray(x, dtype=float)
    if columns.ndim != 2 or columns.shape[1] == 0:
        msg = f"x must have rows and at least one column, found shape {columns.shape}"
        raise ValueError(msg)
    if not np.isfinite(columns).all():
        msg = "x holds missing or infinite values; leave those rows out first"
        raise ValueError(msg)
    return columns


def _split_effects(
    codes: list[IntArray], groups: IntArray
) -> tuple[IntArray | None, list[IntArray]]:
    """Return the nested effect with most levels and the effects that become dummies."""
    levels = [int(c.max()) + 1 for c in codes]
    nested = [
        i
        for i, c in enumerate(codes)
        if len(np.unique(c * (int(groups.max()) + 1) + groups)) == levels[i]
    ]
    if not nested:
        return None, codes
    chosen = max(nested, key=lambda i: levels[i])
    return codes[chosen], [c for i, c in enumerate(codes) if i != chosen]


def _centre(values: FloatArray, within: IntArray | None) -> FloatArray:
    """Subtract the mean per level of ``within`` from a vector or from each column."""
    if within is None:
        return values
    size = np.bincount(within)
    if values.ndim == 1:
        return values - (np.bincount(within, weights=values) / size)[within]
    sums = np.zeros((len(size), values.shape[1]))
    np.add.at(sums, within, values)
    return values - (sums / size[:, None])[within]


def _basis(
    columns: FloatArray, effects: list[IntArray], within: IntArray | None
) -> tuple[FloatArray, FloatArray]:
    """Return the orthonormal basis (dummies first) and the contrast of every column."""
    n, p = columns.shape
    dummies = np.zeros((n, 0))
    if effects:
        raw = np.hstack([np.equal.outer(c, np.arange(c.max() + 1)) for c in effects])
        q, r, _ = qr(_centre(raw.astype(float), within), mode="economic", pivoting=True)
        size = np.abs(np.diag(r))
        dummies = q[:, : int((size > COLLINEAR * np.sqrt(n)).sum())]
    rest = _centre(columns, within)
    for _ in range(2):  # twice, for orthogonality to machine precision
        rest = rest - dummies @ (dummies.T @ rest)
    q, r = np.linalg.qr(rest)
    own = np.abs(np.diag(r)) if n >= p else np.zeros(p)
    flat = np.flatnonzero(own <= COLLINEAR * np.linalg.norm(columns, axis=0))
    if flat.size:
        msg = f"column {flat[0]} of x is collinear with the columns before it or with the effects"
        raise ValueError(msg)
    contrasts = np.vstack([np.zeros((dummies.shape[1], p)), np.linalg.inv(r).T])
    return np.hstack([dummies, q]), contrasts


def _sole_cluster(values: FloatArray, vectors: FloatArray, contrasts: FloatArray) -> IntArray:
    """Return per coefficient the cluster without which it is not identified, or −1."""
    sole = np.full(contrasts.shape[1], -1, dtype=np.intp)
    share = contrasts / np.linalg.norm(contrasts, axis=0)
    for g in np.flatnonzero((1 - values < SINGULAR).any(axis=1)):
        lost = vectors[g][:, 1 - values[g] < SINGULAR]
        sole[((lost.T @ share) ** 2).sum(axis=0) > SINGULAR] = g
    return sole


@dataclass(frozen=True, slots=True)
class ClusterFit:
    """Coefficients (p,), score Q_g'û_g of each cluster (G, r), and sum of squared residuals."""

    estimates: FloatArray
    scores: FloatArray
    residual_square: float


def fit_scores(design: ClusterDesign, y: npt.ArrayLike) -> ClusterFit:
    """Return what inference needs of the regression of ``y`` (n,) on ``design``.

    Raises ValueError when ``y`` is not finite, has another length, or is fitted perfectly.
    """
    values = np.asarray(y, dtype=float)
    if values.shape != (design.n_rows,):
        msg = f"y must have {design.n_rows} values, one per row of x, found shape {values.shape}"
        raise ValueError(msg)
    if not np.isfinite(values).all():
        msg = "y holds missing or infinite values; leave those rows out first"
        raise ValueError(msg)
    centred = _centre(values[design.order], design.within)
    coordinates = design.basis.T @ centred
    residuals = centred - design.basis @ coordinates
    if np.linalg.norm(residuals) <= ROUNDING * np.linalg.norm(values):
        msg = "all residuals are zero: the outcome is fitted perfectly and has no standard error"
        raise ValueError(msg)
    scores = np.add.reduceat(design.basis * residuals[:, None], design.starts, axis=0)
    return ClusterFit(design.contrasts.T @ coordinates, scores, float(residuals @ residuals))


def check_variance(variance: FloatArray, contrasts: FloatArray, fit: ClusterFit) -> None:
    """Raise ValueError when a ``variance`` (m,) of ``contrasts`` (r, m) is 0 but for rounding."""
    if (variance <= ROUNDING**2 * fit.residual_square * (contrasts**2).sum(axis=0)).any():
        msg = "a standard error is zero: no cluster has a residual that bears on the coefficient"
        raise ValueError(msg)


def check_column(design: ClusterDesign, column: int) -> None:
    """Raise ValueError unless ``column`` exists and at least two clusters identify it."""
    if not 0 <= column < design.n_columns:
        msg = f"there is no column {column}: x has columns 0 to {design.n_columns - 1}"
        raise ValueError(msg)
    sole = int(design.sole_cluster[column])
    if sole >= 0:
        msg = (
            f"the coefficient of column {column} rests on cluster {design.labels[sole]} alone; "
            "no cluster-robust method can say how uncertain it is"
        )
        raise ValueError(msg)


def check_confidence_level(confidence_level: float) -> None:
    """Raise ValueError unless the level lies strictly between 0 and 1."""
    if not 0 < confidence_level < 1:
        msg = f"confidence_level must lie between 0 and 1, found {confidence_level}"
        raise ValueError(msg)


def cluster_ols(
    design: ClusterDesign,
    y: npt.ArrayLike,
    *,
    method: Method,
    columns: Sequence[int] | None = None,
    crv3_scale: Scale = "jackknife",
    confidence_level: float = 0.95,
) -> tuple[CoefficientResult, ...]:
    """Return one result per column (default: all) of the regression of ``y`` (n,) on ``design``.

    ``method``: ``"crv1"`` is the sandwich times G/(G−1)·(n−1)/(n−k), with t(G−1). ``"cr2"`` scales
    the residuals of a cluster by the symmetric root of the pseudo-inverse of I − H_gg, with
    Satterthwaite degrees of freedom under independent errors of equal variance. ``"crv3"`` is the
    cluster jackknife around the full estimate, with t(G−1); ``crv3_scale`` says whether the sum of
    squared changes is multiplied by (G−1)/G (``"jackknife"``, MacKinnon, Nielsen & Webb) or not
    (``"sum"``, as CR3 is often defined).

    Raises ValueError for an unknown method or column, a coefficient that rests on one cluster
    (one experiment municipality), outcomes that are not finite, and residuals that are all zero.
    """
    _check_call(method, crv3_scale, confidence_level)
    chosen = list(range(design.n_columns) if columns is None else columns)
    for column in chosen:
        check_column(design, column)
    fit = fit_scores(design, y)
    contrasts = design.contrasts[:, chosen]
    variance, df = _variance(design, fit.scores, contrasts, method, crv3_scale)
    check_variance(variance, contrasts, fit)
    se = np.sqrt(variance)
    half = stdtrit(df, 0.5 + confidence_level / 2) * se
    estimate = fit.estimates[chosen]
    p_value = 2 * stdtr(df, -np.abs(estimate) / se)
    information = np.einsum("rm,grs,sm->gm", contrasts, design.gram, contrasts, optimize=True)
    leverage = information.max(axis=0) / (contrasts**2).sum(axis=0)
    return tuple(
        CoefficientResult(
            column=column,
            estimate=float(estimate[i]),
            se=float(se[i]),
            df=float(df[i]),
            ci_lower=float(estimate[i] - half[i]),
            ci_upper=float(estimate[i] + half[i]),
            p_value=float(p_value[i]),
            partial_leverage=float(leverage[i]),
            n_clusters=design.n_clusters,
            method=method,
        )
        for i, column in enumerate(chosen)
    )


def _check_call(method: str, crv3_scale: str, confidence_level: float) -> None:
    if method not in ("crv1", "cr2", "crv3") or crv3_scale not in ("jackknife", "sum"):
        msg = (
            f"unknown method {method!r} or crv3_scale {crv3_scale!r}; "
            "choose crv1, cr2 or crv3 and jackknife or sum"
        )
        raise ValueError(msg)
    check_confidence_level(confidence_level)


def _variance(
    design: ClusterDesign,
    scores: FloatArray,
    contrasts: FloatArray,
    method: Method,
    crv3_scale: Scale,
) -> tuple[FloatArray, FloatArray]:
    """Return variance and degrees of freedom of each contrast (r, m).

    With K_g = VΛV' the adjusted residuals of CR2 give the score V(1−Λ)^(−1/2)V'Q_g'û_g, and
    leaving the cluster out changes the coordinates by −V(1−Λ)^(−1)V'Q_g'û_g.
    """
    g = design.n_clusters
    df = np.full(contrasts.shape[1], g - 1.0)
    if method == "crv1":
        variance = design.crv1_factor * ((scores @ contrasts) ** 2).sum(axis=0)
    else:
        adjusted = _adjusted(design, contrasts, -0.5 if method == "cr2" else -1.0)
        variance = (np.einsum("gr,grm->gm", scores, adjusted) ** 2).sum(axis=0)
        if method == "cr2":
            df = _satterthwaite(design.gram, adjusted)
        elif crv3_scale == "jackknife":
            variance = variance * (g - 1) / g
    return variance, df


def _adjusted(design: ClusterDesign, contrasts: FloatArray, power: float) -> FloatArray:
    """Return (I − K_g)^power, as a pseudo-inverse, times the contrasts: (G, r, m)."""
    gap = 1 - design.eigenvalues
    singular = gap < SINGULAR
    scale = np.where(singular, 0.0, np.where(singular, 1.0, gap) ** power)
    rotated = np.einsum("gsr,sm->grm", design.eigenvectors, contrasts)
    return np.asarray(np.einsum("gsr,grm->gsm", design.eigenvectors, scale[:, :, None] * rotated))


def _satterthwaite(gram: FloatArray, adjusted: FloatArray) -> FloatArray:
    """Return (tr P)²/tr(P²) with P_gh = δ_gh·b_g'K_g b_g − (K_g b_g)'(K_h b_h), per contrast."""
    mapped = np.einsum("grs,gsm->grm", gram, adjusted)
    own = (adjusted * mapped).sum(axis=1)
    shared = (mapped**2).sum(axis=1)
    cross = np.einsum("grm,gsm->rsm", mapped, mapped, optimize=True)
    trace = (own - shared).sum(axis=0)
    squares = (own**2 - 2 * own * shared).sum(axis=0) + (cross**2).sum(axis=(0, 1))
    return np.asarray(trace**2 / squares)
