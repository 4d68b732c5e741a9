"""Reference municipalities for experiment municipalities, from covariates. Arrays only.

Two ways: matching picks controls that resemble each experiment unit; entropy balancing weights
all controls until their covariate means are those of the experiment units. Both give weights that
sum to 1 in each role, so a weighted difference of means is the estimate, and :func:`balance`
shows what was gained.

Sources: Rubin (1980), Biometrics 36 (Mahalanobis matching); Stuart (2010), Statistical Science 25
(practice, balance); Hainmueller (2012), Political Analysis 20 (entropy balancing); Austin (2009),
Statistics in Medicine 28 (balance measures); Kish (1965), Survey Sampling (effective sample size).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.special import logsumexp

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: ``mahalanobis`` uses the pooled within-role covariance, ``standardised`` only its diagonal.
Distance = Literal["mahalanobis", "standardised"]
#: Who chooses first: experiment units in row order, or the closest remaining pair.
Order = Literal["rows", "closest"]


@dataclass(frozen=True, slots=True)
class Matches:
    """Controls matched to experiment units.

    ``pairs`` (pairs, 2) holds row positions (experiment, control), sorted by experiment unit and
    then by the order of matching; ``distances`` (pairs,) is in standard deviations. ``unmatched``
    holds the experiment units without a control within the caliper. ``weights`` (units,) sum to 1
    over the matched experiment units, equally, and to 1 over the controls, where the controls of
    one experiment unit share its weight.
    """

    pairs: IntArray
    distances: FloatArray
    unmatched: IntArray
    weights: FloatArray


@dataclass(frozen=True, slots=True)
class EntropyBalance:
    """Entropy balancing weights.

    ``weights`` (units,) sum to 1 over the experiment units, equally, and to 1 over the controls.
    ``largest_difference`` is the largest remaining difference of means over all balanced moments,
    in standard deviations of the controls. ``effective_controls`` is (Σw)²/Σw² over the controls.
    """

    weights: FloatArray
    largest_difference: float
    effective_controls: float
    iterations: int


@dataclass(frozen=True, slots=True)
class BalanceTable:
    """Balance before and after weighting, one entry per covariate (the points of a love plot).

    Means are in the unit of the covariate. ``difference_`` is the standardised mean difference,
    experiment minus control, over the same standard deviation before and after.
    ``variance_ratio_`` is experiment over control. NaN where a standard deviation or a variance
    is 0 or, with one unit, undefined.
    """

    experiment_mean_before: FloatArray
    control_mean_before: FloatArray
    experiment_mean_after: FloatArray
    control_mean_after: FloatArray
    difference_before: FloatArray
    difference_after: FloatArray
    variance_ratio_before: FloatArray
    variance_ratio_after: FloatArray
    effective_controls: float


def match_controls(
    covariates: FloatArray,
    treated: BoolArray,
    *,
    k: int | None,
    replace: bool,
    distance: Distance = "mahalanobis",
    caliper: float | None = None,
    order: Order = "rows",
) -> Matches:
    """Return the ``k`` nearest controls of each experiment unit.

    ``covariates`` is (units, covariates), ``treated`` (units,) marks the experiment units.
    ``caliper`` is the largest distance allowed, in standard deviations; with ``k`` None every
    control within it is taken, which needs ``replace``. Without replacement units choose one
    control per round, greedily, in the given ``order``; that need not minimise the total. Ties
    go to the lower row, so the same rows always give the same matches.

    Raises ValueError for NaN, a missing role, constant or collinear covariates, too few controls
    to match without replacement, and when no unit has a control within the caliper.
    """
    x, roles = _checked(covariates, treated)
    _check_matching(roles, k, replace=replace, caliper=caliper, order=order)
    experiment, control = np.flatnonzero(roles), np.flatnonzero(~roles)
    table = distances(x, roles, distance=distance)
    allowed = table if caliper is None else np.where(table <= caliper, table, np.inf)
    if replace:
        chosen = _nearest(allowed, len(control) if k is None else k)
    else:
        chosen = _greedy(allowed, k or 1, order)
    if not len(chosen):
        msg = f"no experiment unit has a control within {caliper} standard deviations"
        raise ValueError(msg)
    rows, columns = chosen[:, 0], chosen[:, 1]
    counts = np.bincount(rows, minlength=len(experiment))
    matched = counts > 0
    weights = np.zeros(len(roles))
    weights[experiment[matched]] = 1 / matched.sum()
    np.add.at(weights, control[columns], 1 / (counts[rows] * matched.sum()))
    return Matches(
        pairs=np.column_stack([experiment[rows], control[columns]]),
        distances=table[rows, columns],
        unmatched=experiment[~matched],
        weights=weights,
    )


def distances(
    covariates: FloatArray, treated: BoolArray, *, distance: Distance = "mahalanobis"
) -> FloatArray:
    """Return the distances (experiment units, controls), in standard deviations.

    Both use the covariance within roles, pooled over n − 2 degrees of freedom, so that a
    difference between the roles does not shrink the distance it should show. Errors as
    :func:`match_controls`.
    """
    x, roles = _checked(covariates, treated)
    if distance not in ("mahalanobis", "standardised"):
        msg = f"distance must be 'mahalanobis' or 'standardised', not {distance!r}"
        raise ValueError(msg)
    within = x.copy()
    for role in (roles, ~roles):
        within[role] -= x[role].mean(axis=0)
    if len(x) < 3:
        msg = "a covariance within roles needs at least three units"
        raise ValueError(msg)
    deviation = np.sqrt((within**2).sum(axis=0) / (len(x) - 2))
    constant = np.flatnonzero(deviation <= 1e-12 * np.abs(x).max(axis=0))
    if len(constant):
        msg = f"covariates in columns {constant.tolist()} do not vary within the roles"
        raise ValueError(msg)
    scaled, within = x / deviation, within / deviation
    if distance == "mahalanobis":
        # R'R is the pooled correlation matrix: distances are Euclidean in x·R⁻¹.
        factor = np.asarray(np.linalg.qr(within / np.sqrt(len(x) - 2), mode="r"), dtype=float)
        if len(factor) < x.shape[1] or np.linalg.cond(factor) > 1e7:
            msg = "the covariates are collinear; leave one out"
            raise ValueError(msg)
        scaled = np.linalg.solve(factor.T, scaled.T).T
    gaps = scaled[roles][:, None, :] - scaled[~roles][None, :, :]
    return np.asarray(np.sqrt((gaps**2).sum(axis=2)))


def _check_matching(
    roles: BoolArray, k: int | None, *, replace: bool, caliper: float | None, order: str
) -> None:
    needed, controls = (k or 0) * int(roles.sum()), int((~roles).sum())
    msg = ""
    if order not in ("rows", "closest"):
        msg = f"order must be 'rows' or 'closest', not {order!r}"
    elif caliper is not None and not caliper > 0:
        msg = f"the caliper must be positive, not {caliper}"
    elif k is None and (caliper is None or not replace):
        msg = "taking every control within a caliper needs a caliper and replacement"
    elif k is not None and not 1 <= k <= controls:
        msg = f"k must lie between 1 and the number of controls, {controls}; it is {k}"
    elif not replace and needed > controls:
        msg = f"matching without replacement needs {needed} controls, there are {controls}"
    if msg:
        raise ValueError(msg)


def _nearest(table: FloatArray, k: int) -> IntArray:
    """Return (pairs, 2) rows and columns of the ``k`` smallest finite entries per row."""
    columns = np.argsort(table, axis=1, kind="stable")[:, :k]
    rows = np.repeat(np.arange(len(table)), columns.shape[1])
    pairs = np.column_stack([rows, columns.reshape(-1)])
    return pairs[np.isfinite(table[pairs[:, 0], pairs[:, 1]])]


def _greedy(table: FloatArray, k: int, order: Order) -> IntArray:
    """Return (pairs, 2) like :func:`_nearest`, each column once, one pair per row and round."""
    left, pairs = table.copy(), []
    for _ in range(k):
        waiting = np.ones(len(left), dtype=bool)
        while waiting.any():
            if order == "rows":
                row = int(np.flatnonzero(waiting)[0])
            else:
                nearest = np.where(waiting, left.min(axis=1), np.inf)
                row = int(nearest.argmin())
                row = row if waiting[row] else int(np.flatnonzero(waiting)[0])
            column = int(left[row].argmin())
            waiting[row] = False
            if np.isfinite(left[row, column]):
                pairs.append((row, column))
                left[:, column] = np.inf
    pairs.sort(key=lambda pair: pair[0])  # stable: rounds stay in order within a unit
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)


def entropy_balance(
    covariates: FloatArray,
    treated: BoolArray,
    *,
    moments: int = 1,
    base_weights: FloatArray | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 100,
) -> EntropyBalance:
    """Return control weights with the covariate moments of the experiment units.

    Among all weights that do so they are the closest, in Kullback–Leibler divergence, to
    ``base_weights`` (controls,), by default equal. ``moments`` 1 balances means, 2 also variances,
    3 also skewness. The dual is minimised by Newton steps with a line search until all means
    differ by at most ``tolerance`` standard deviations. Columns that others imply are harmless.

    Raises ValueError for NaN, a missing role, and when no positive weights exist because the
    experiment means lie outside the convex hull of the controls, or on its edge.
    """
    x, roles = _checked(covariates, treated)
    if moments not in (1, 2, 3):
        msg = f"moments must be 1, 2 or 3, not {moments}"
        raise ValueError(msg)
    base = _base(base_weights, int((~roles).sum()))
    centred = x - x[~roles].mean(axis=0)
    size = np.abs(centred).max(axis=0)
    centred = centred / np.where(size > 0, size, 1.0)
    powers = np.concatenate([centred**p for p in range(1, moments + 1)], axis=1)
    gaps = powers[~roles] - powers[roles].mean(axis=0)
    spread = powers[~roles].std(axis=0)
    gaps = gaps / np.where(spread > 1e-12, spread, 1.0)
    _inside_hull(x, roles, gaps)
    # In the directions in which the gaps vary Newton's matrix is regular; others hold already.
    _, values, directions = np.linalg.svd(gaps, full_matrices=False)
    reduced = gaps @ directions[values > 1e-10 * values.max(initial=1e-300)].T
    own, iterations = _newton(reduced, base, tolerance, max_iterations)
    weights = np.full(len(roles), 1 / roles.sum())
    weights[~roles] = own
    return EntropyBalance(
        weights=weights,
        largest_difference=float(np.abs(own @ gaps).max()),
        effective_controls=float(1 / (own**2).sum()),
        iterations=iterations,
    )


def _base(base_weights: FloatArray | None, n: int) -> FloatArray:
    base = np.ones(n) if base_weights is None else np.asarray(base_weights, dtype=float)
    if base.shape != (n,) or not (np.isfinite(base).all() and (base > 0).all()):
        msg = f"base_weights must be {n} positive numbers, one per control"
        raise ValueError(msg)
    return np.asarray(base / base.sum())


def _inside_hull(x: FloatArray, roles: BoolArray, gaps: FloatArray) -> None:
    """Raise ValueError unless positive weights exist that balance ``gaps`` (controls, moments).

    Linear programme: weights s_i + t/n with s ≥ 0 and the largest common part t; t = 0 says that
    some controls would need weight 0, which the exponential form never reaches.
    """
    n = len(gaps)
    columns = np.column_stack([gaps.T, gaps.mean(axis=0)])
    result = linprog(
        np.r_[np.zeros(n), -1.0],
        A_eq=np.vstack([columns, np.ones(n + 1)]),
        b_eq=np.r_[np.zeros(gaps.shape[1]), 1.0],
        bounds=(0, None),
        method="highs",
    )
    if result.status == 0 and -result.fun > 1e-7:
        return
    means, low, high = x[roles].mean(axis=0), x[~roles].min(axis=0), x[~roles].max(axis=0)
    beyond = np.flatnonzero((means < low) | (means > high)).tolist()
    where = "on the edge of" if result.status == 0 else "outside"
    detail = f" (beyond their range in columns {beyond})" if beyond else ""
    msg = f"the experiment means lie {where} the convex hull of the controls{detail}"
    raise ValueError(msg + ": no positive weights balance them; balance fewer covariates")


def _newton(
    gaps: FloatArray, base: FloatArray, tolerance: float, max_iterations: int
) -> tuple[FloatArray, int]:
    """Minimise log Σ base·exp(gaps·λ); its gradient is the weighted mean of ``gaps``."""
    log_base, multiplier = np.log(base), np.zeros(gaps.shape[1])
    value = float(logsumexp(log_base))
    weights = base
    for iteration in range(max_iterations):
        gradient = weights @ gaps
        if np.linalg.norm(gradient) <= tolerance:
            return weights, iteration
        hessian = (gaps * weights[:, None]).T @ gaps - np.outer(gradient, gradient)
        step = np.linalg.lstsq(hessian, -gradient, rcond=None)[0]
        slope, length = float(gradient @ step), 1.0
        while length > 1e-12:
            exponent = log_base + gaps @ (multiplier + length * step)
            trial = float(logsumexp(exponent))
            # Armijo's rule, with room for rounding once the value no longer moves.
            if trial <= value + 1e-4 * length * slope + 1e-14 * abs(value):
                break
            length /= 2
        multiplier, value = multiplier + length * step, trial
        weights = np.exp(exponent - trial)
        weights = weights / weights.sum()
    msg = f"entropy balancing did not converge in {max_iterations} iterations"
    raise ValueError(msg)


def balance(
    covariates: FloatArray,
    treated: BoolArray,
    weights: FloatArray,
    *,
    standardise_by: Literal["experiment", "control", "pooled"] = "pooled",
) -> BalanceTable:
    """Return means, standardised mean differences and variance ratios before and after weighting.

    ``weights`` (units,) are those of a result here, not negative, in any scale per role. The
    standard deviation is that of the unweighted ``experiment`` or ``control`` units, or the root
    mean of both variances (``pooled``). Variances divide by 1 − Σw² for weights that sum to 1,
    which is n − 1 for equal ones. Raises ValueError for NaN, a missing role or weights that are
    negative or all 0 in a role.
    """
    x, roles = _checked(covariates, treated)
    w = np.asarray(weights, dtype=float)
    if w.shape != roles.shape or not np.isfinite(w).all() or (w < 0).any():
        msg = "weights must be one finite number per unit, not negative"
        raise ValueError(msg)
    if not (w[roles].sum() > 0 and w[~roles].sum() > 0):
        msg = "the weights of a role are all 0"
        raise ValueError(msg)
    if standardise_by not in ("experiment", "control", "pooled"):
        msg = f"standardise_by must be 'experiment', 'control' or 'pooled', not {standardise_by!r}"
        raise ValueError(msg)
    equal = np.ones(len(w))
    before = [_moments(x[role], equal[role]) for role in (roles, ~roles)]
    after = [_moments(x[role], w[role]) for role in (roles, ~roles)]
    spread = {"experiment": before[0][1], "control": before[1][1]}
    spread["pooled"] = (before[0][1] + before[1][1]) / 2
    deviation = np.sqrt(spread[standardise_by])
    own = w[~roles] / w[~roles].sum()
    return BalanceTable(
        experiment_mean_before=before[0][0],
        control_mean_before=before[1][0],
        experiment_mean_after=after[0][0],
        control_mean_after=after[1][0],
        difference_before=_ratio(before[0][0] - before[1][0], deviation),
        difference_after=_ratio(after[0][0] - after[1][0], deviation),
        variance_ratio_before=_ratio(before[0][1], before[1][1]),
        variance_ratio_after=_ratio(after[0][1], after[1][1]),
        effective_controls=float(1 / (own**2).sum()),
    )


def _moments(x: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return weighted means and variances; NaN variances when one unit has all the weight."""
    w = w / w.sum()
    mean = w @ x
    free = 1 - float((w**2).sum())
    variance = w @ (x - mean) ** 2 / free if free > 1e-12 else np.full(x.shape[1], np.nan)
    return mean, np.asarray(variance)


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0))


def _checked(covariates: FloatArray, treated: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Return the input as arrays. ValueError says what is wrong."""
    x, roles = np.asarray(covariates, dtype=float), np.asarray(treated)
    if x.ndim != 2 or not x.shape[1] or roles.shape != (len(x),) or roles.dtype != bool:
        msg = "covariates must be (units, covariates) and treated one boolean per unit"
        raise ValueError(msg)
    if not np.isfinite(x).all():
        rows = np.flatnonzero(~np.isfinite(x).all(axis=1)).tolist()
        msg = f"covariates must be finite; leave out or complete the units in rows {rows}"
        raise ValueError(msg)
    if not roles.any() or roles.all():
        msg = "matching needs at least one experiment unit and one control"
        raise ValueError(msg)
    return x, roles
