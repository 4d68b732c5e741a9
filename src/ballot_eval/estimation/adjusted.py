"""Randomisation tests with covariates, and with several rows per assignment unit. Arrays only.

The statistic is the coefficient of the role in weighted least squares of the values on the role,
an intercept and the covariates. By the theorem of Frisch and Waugh it is T'WMy / T'WMT, with M
what the covariates leave over. The role is constant within an assignment unit (municipality), so
both forms are sums over units: rows are added up per unit once, and a draw costs one gather of a
few numbers per experiment unit however many rows there are.

Sources: Frisch & Waugh (1933), Econometrica 1; Lovell (1963), JASA 58; Rosenbaum (2002),
Statistical Science 17(3) (covariance adjustment in randomisation inference); Small, Ten Have &
Rosenbaum (2008), JASA 103 (assignment of whole groups).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.assignments import Assignments, gather_sums
from ballot_eval.estimation.inference import (
    RandomisationResult,
    check_inputs,
    randomisation_test,
    result_of,
)
from ballot_eval.estimation.pvalue_curve import ROUNDING, PValueCurve

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: A direction with less than this share of its own length left counts as explained.
_SINGULAR = 1e-10


def adjusted_randomisation_test(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    *,
    covariates: FloatArray | None,
    weights: FloatArray | None = None,
    confidence_level: float = 0.95,
) -> RandomisationResult:
    """Test an additive effect on ``values`` (n,), adjusted for ``covariates`` (n, k) or (n,).

    The role is reassigned while values and covariates stay; under effect τ the statistic is
    a_π − τ·b_π with a_π = T_π'WMy / T_π'WMT_π and b_π the same for the observed role. Without
    covariates (None, or k = 0) this is :func:`randomisation_test`. ``weights`` (n,) default to 1.
    Values that are identical, or that the covariates explain completely, give p = 1.
    Raises ValueError for the reasons given there, for covariates that are not finite, that are
    collinear (among themselves or with the intercept), that explain the role, observed or
    reassigned, completely, and that leave no residual freedom beside role and intercept.
    """
    units = np.arange(len(np.asarray(values)))
    return clustered_randomisation_test(
        values,
        units,
        treated,
        assignments,
        covariates=covariates,
        weights=weights,
        confidence_level=confidence_level,
    )


def stratum_dummies(strata: IntArray) -> FloatArray:
    """Return indicators (n, strata − 1) of all strata but the first.

    As covariates they make the coefficient of the role a difference within strata: the mean over
    strata of the differences of means, each with weight n₁n₀/(n₁+n₀). A plain difference differs
    from 0 without any effect where strata differ in level and in share of experiment units.
    """
    groups = np.asarray(strata)
    dummies: FloatArray = (groups[:, None] == np.unique(groups)[1:]).astype(float)
    return dummies


def stratified_randomisation_test(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    *,
    strata: IntArray | None,
    covariates: FloatArray | None = None,
    weights: FloatArray | None = None,
    studentised: bool = False,
    confidence_level: float = 0.95,
) -> RandomisationResult:
    """Test a difference within ``strata`` (n,), those within which the role was reassigned.

    The estimate is the coefficient of the role beside indicators of the strata and the
    ``covariates`` (n, k); with one stratum, or None, that of the covariates alone or the plain
    difference. Raises ValueError for ``studentised`` with several strata or with covariates, and
    for the reasons given at :func:`adjusted_randomisation_test`.
    """
    n = len(np.asarray(values))
    parts = [] if covariates is None else [_checked_covariates(covariates, n)]
    if several(strata):
        if studentised:
            msg = "there is no studentised statistic with strata"
            raise ValueError(msg)
        parts.insert(0, stratum_dummies(np.asarray(strata)))
    if parts and studentised:
        msg = "the studentised statistic is not available with covariates"
        raise ValueError(msg)
    return clustered_randomisation_test(
        values,
        np.arange(n),
        treated,
        assignments,
        covariates=np.column_stack(parts) if parts else None,
        weights=weights,
        studentised=studentised,
        confidence_level=confidence_level,
    )


def several(strata: IntArray | None) -> bool:
    """Return whether there is more than one stratum."""
    return strata is not None and len(np.unique(strata)) > 1


def adjusted_curve(
    values: FloatArray,
    treated: BoolArray,
    assignments: Assignments,
    covariates: FloatArray,
    weights: FloatArray,
) -> PValueCurve:
    """Return the p-value curve of :func:`adjusted_randomisation_test`, for arrays over units.

    Raises ValueError for the reasons given there.
    """
    check_inputs(values, treated, assignments, weights)
    x, units = _checked_covariates(covariates, len(values)), np.arange(len(values))
    blocks = _unit_blocks(values, x, weights, units, len(treated))
    return _adjusted_curve(blocks, treated, assignments)


def clustered_randomisation_test(
    values: FloatArray,
    units: IntArray,
    treated: BoolArray,
    assignments: Assignments,
    *,
    covariates: FloatArray | None = None,
    weights: FloatArray | None = None,
    studentised: bool = False,
    confidence_level: float = 0.95,
) -> RandomisationResult:
    """Test an additive effect on rows, with the role assigned to the units that hold the rows.

    ``values`` (N,) and the optional ``weights`` (N,) and ``covariates`` (N, k) are rows, such as
    polling stations; ``units`` (N,) is the position of a row's unit, such as a municipality, in
    ``treated`` (G,). The statistic is the difference of weighted means over rows, or the
    coefficient of the role in weighted least squares with covariates. The studentised statistic
    uses the spread of unit means and is for the difference without covariates.
    Raises ValueError for NaN, weights that are not positive, units without rows, and the reasons
    given at :func:`adjusted_randomisation_test`.
    """
    y, t = np.asarray(values, dtype=float), np.asarray(treated, dtype=bool)
    group = _checked_units(units, y, len(t))
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != y.shape or not (np.isfinite(w).all() and (w > 0).all()):
        msg = f"weights must be finite and positive, one for each of the {len(y)} rows"
        raise ValueError(msg)
    if not np.isfinite(y).all():
        msg = "values must be finite; leave rows without a value out first"
        raise ValueError(msg)
    x = _checked_covariates(covariates, len(y))
    total = _per_unit(w, group, len(t))
    mean = _per_unit(w * y, group, len(t)) / total
    if not x.shape[1]:
        return randomisation_test(
            mean,
            t,
            assignments,
            weights=total,
            studentised=studentised,
            confidence_level=confidence_level,
        )
    if studentised:
        msg = "the studentised statistic is not available with covariates"
        raise ValueError(msg)
    check_inputs(mean, t, assignments, total)
    blocks = _unit_blocks(y, x, w, group, len(t))
    return result_of(_adjusted_curve(blocks, t, assignments), confidence_level)


def _checked_units(units: IntArray, values: FloatArray, n_units: int) -> IntArray:
    group = np.asarray(units)
    if values.ndim != 1 or group.shape != values.shape:
        msg = f"values {values.shape} and units {group.shape} must be vectors over the same rows"
        raise ValueError(msg)
    if not np.issubdtype(group.dtype, np.integer):
        msg = "units must be whole numbers: positions in the vector of roles"
        raise ValueError(msg)
    if len(group) and not (group.min() >= 0 and group.max() < n_units):
        msg = f"units must lie between 0 and {n_units - 1}"
        raise ValueError(msg)
    empty = np.flatnonzero(np.bincount(group, minlength=n_units) == 0)
    if len(empty):
        msg = f"{len(empty)} units have no rows, the first is unit {empty[0]}"
        raise ValueError(msg)
    return group.astype(np.intp)


def _checked_covariates(covariates: FloatArray | None, n: int) -> FloatArray:
    if covariates is None:
        return np.empty((n, 0))
    x = np.asarray(covariates, dtype=float)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or len(x) != n:
        msg = f"covariates must have one row for each of the {n} values, not shape {x.shape}"
        raise ValueError(msg)
    if not np.isfinite(x).all():
        msg = "covariates must be finite; leave rows without a covariate out first"
        raise ValueError(msg)
    return x


def _per_unit(rows: FloatArray, group: IntArray, n_units: int) -> FloatArray:
    return np.bincount(group, rows, n_units).astype(float)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Sums per unit: weight (G,), W-weighted residual of y (G,), covariate scores (G, k+1)."""

    weight: FloatArray
    residual: FloatArray
    scores: FloatArray


def _unit_blocks(
    y: FloatArray, x: FloatArray, w: FloatArray, group: IntArray, n_units: int
) -> _Blocks:
    """Sum rows to units, with the covariates turned into an orthonormal basis.

    With q the basis of the weighted covariates, T'WMT = ΣW_g − |Σq_g|² over units with the role.
    """
    root = np.sqrt(w)
    # Centred and scaled columns: collinearity is then seen whatever the units of measurement.
    centred = x - np.average(x, axis=0, weights=w)
    length = np.sqrt(w @ centred**2)
    size = np.sqrt(w @ x**2)
    if (length <= _SINGULAR * size).any():
        msg = f"covariate {int(np.argmax(length <= _SINGULAR * size))} is constant"
        raise ValueError(msg)
    design = np.column_stack([np.ones(len(y)) / np.sqrt(w.sum()), centred / length])
    basis, triangle = np.linalg.qr(root[:, None] * design)
    if len(y) <= design.shape[1] + 1:
        msg = f"{len(y)} rows leave no freedom beside the role and {x.shape[1]} covariates"
        raise ValueError(msg)
    if np.abs(np.diag(triangle)).min() <= _SINGULAR:
        msg = "the covariates are collinear"
        raise ValueError(msg)
    weighted = root * (y - np.average(y, weights=w))
    residual = weighted - basis @ (basis.T @ weighted)
    if np.abs(residual).max() <= ROUNDING * np.abs(root * y).max():
        # Values that the covariates explain completely leave nothing but rounding.
        residual = np.zeros_like(residual)
    scores = [_per_unit(root * column, group, n_units) for column in basis.T]
    return _Blocks(
        weight=_per_unit(w, group, n_units),
        residual=_per_unit(root * residual, group, n_units),
        scores=np.column_stack(scores),
    )


def _adjusted_curve(blocks: _Blocks, treated: BoolArray, assignments: Assignments) -> PValueCurve:
    table = np.column_stack(
        [blocks.residual, blocks.weight, blocks.weight * treated, blocks.scores]
    )
    observed = table[treated].sum(axis=0)
    own = observed[1] - observed[3:] @ observed[3:]
    if own <= _SINGULAR * observed[1]:
        msg = "the covariates explain the role completely: its effect cannot be told from theirs"
        raise ValueError(msg)
    sums = gather_sums(table, assignments.members)
    scores = sums[3:]
    left = sums[1] - np.einsum("kb,kb->b", scores, scores)
    explained = int((left <= _SINGULAR * sums[1]).sum())
    if explained:
        msg = (
            f"the covariates explain the role completely in {explained} of {len(left)} "
            "reassignments; use fewer covariates, or strata"
        )
        raise ValueError(msg)
    return PValueCurve(
        a=sums[0] / left,
        b=(sums[2] - observed[3:] @ scores) / left,
        estimate=float(observed[0] / own),
        exact=assignments.exact,
    )
