"""Means and quantiles of durations observed in clusters. Arrays only.

Durations are skewed, and voters in one polling station resemble each other, so nothing here counts
voters as independent: the clusters (stations) carry the uncertainty. Quantiles are those of type 1,
the inverse of the empirical distribution function, as in
:mod:`~ballot_eval.estimation.quantile_regression`. Censored rows do not belong here.
Observers are compared in :mod:`~ballot_eval.estimation.observers`.

Sources: Woodruff (1952), JASA 47 and Dorfman & Valliant (1993), ASA Survey Research Methods (logit
scale); Kish (1965), Survey Sampling (design effect); Donner & Koval (1980), Biometrics 36
(intraclass correlation); Pustejovsky & Tipton (2018), JBES 36 (CR2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, stdtr, stdtrit

from ballot_eval.estimation.clusters import check_confidence_level, cluster_design, cluster_ols
from ballot_eval.estimation.labels import label_codes
from ballot_eval.estimation.observers import mean_squares
from ballot_eval.estimation.quantile_regression import quantile_regression_bootstrap

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]
QuantileMethod = Literal["woodruff", "bootstrap"]


@dataclass(frozen=True, slots=True)
class ClusterInterval:
    """A mean or quantile of n durations in clusters, in seconds, with t(``df``) limits.

    ``design_effect`` is the variance over that of as many independent observations, of the mean or
    of the share at or below the quantile. ``intraclass_correlation`` is that of two durations, or
    of being at or below the quantile, in one cluster: the ANOVA estimate, not cut off at 0.
    ``std_error`` of a quantile is half the length of the interval over t.
    """

    estimate: float
    std_error: float
    df: float
    ci_lower: float
    ci_upper: float
    design_effect: float
    intraclass_correlation: float
    n: int
    n_clusters: int
    method: str


@dataclass(frozen=True, slots=True)
class DurationContrast:
    """Experiment against control: ``difference`` in seconds, ``ratio`` as a pure number.

    Each has its own degrees of freedom, limits and two-sided p-value (of no difference; of ratio
    1). The error of the ratio is that of its logarithm.
    """

    experiment: float
    control: float
    difference: float
    difference_se: float
    difference_df: float
    difference_lower: float
    difference_upper: float
    difference_p: float
    ratio: float
    log_ratio_se: float
    ratio_df: float
    ratio_lower: float
    ratio_upper: float
    ratio_p: float
    n_experiment: int
    n_control: int
    n_clusters: int
    method: str


def mean_interval(
    seconds: npt.ArrayLike, clusters: npt.ArrayLike, *, confidence_level: float = 0.95
) -> ClusterInterval:
    """Return the mean of ``seconds`` (n,) with the jackknife over ``clusters`` (n labels).

    The mean is the sum over clusters divided by the number of observations, both random. Its
    variance is (G−1)/G · Σ(mean without g − mean)², with t(G−1).
    Raises ValueError for times that are not finite and positive, fewer than two clusters and
    times that are all the same.
    """
    y, codes = _times(seconds, clusters)
    design = cluster_design(np.ones((len(y), 1)), codes)
    fit = cluster_ols(design, y, method="crv3", confidence_level=confidence_level)[0]
    return ClusterInterval(
        estimate=fit.estimate,
        std_error=fit.se,
        df=fit.df,
        ci_lower=fit.ci_lower,
        ci_upper=fit.ci_upper,
        design_effect=float(fit.se**2 / (y.var(ddof=1) / len(y))),
        intraclass_correlation=_intraclass_correlation(y, codes),
        n=len(y),
        n_clusters=fit.n_clusters,
        method="jackknife",
    )


def quantile_interval(
    seconds: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    quantile: float,
    method: QuantileMethod,
    draws: int | None = None,
    seed: int | None = None,
    confidence_level: float = 0.95,
) -> ClusterInterval:
    """Return a quantile (type 1) of ``seconds`` (n,) observed in ``clusters`` (n labels).

    ``"woodruff"`` makes the t(G−1) interval of the share at or below the quantile on the logit
    scale, with the linearised variance over clusters, centred at ``quantile``, and reads the
    quantiles at its ends. ``"bootstrap"`` draws clusters (``draws``, ``seed``) and uses t(G−1) with
    the error of the logarithm, so that the limits are positive.
    Raises ValueError for times that are not finite and positive, fewer than two clusters, a
    quantile so extreme that no cluster, or every one, lies below it, and a bootstrap without
    draws and seed.
    """
    y, codes = _times(seconds, clusters)
    check_confidence_level(confidence_level)
    value = _quantile(y, quantile)
    below = (y <= value).astype(float)
    groups = int(codes.max()) + 1
    t = float(stdtrit(groups - 1, 0.5 + confidence_level / 2))
    share = float(below.mean())
    sums = np.bincount(codes, weights=below - share)
    variance = groups / (groups - 1) * float((sums**2).sum()) / len(y) ** 2
    if variance <= 0:
        msg = f"the share at or below quantile {quantile} is the same in every cluster: no interval"
        raise ValueError(msg)
    if method == "woodruff":
        half = t * math.sqrt(variance) / (share * (1 - share))
        lower, upper = (_quantile(y, float(expit(logit(quantile) + s * half))) for s in (-1, 1))
        error = (upper - lower) / (2 * t)
    elif method == "bootstrap":
        drawn, given = _required(draws, seed)
        result = quantile_regression_bootstrap(
            np.log(y),
            np.ones((len(y), 1)),
            clusters=codes,
            quantiles=[quantile],
            column=0,
            method="pairs",
            draws=drawn,
            seed=given,
            confidence_level=confidence_level,
        )
        lower, upper = math.exp(result.ci_lower[0]), math.exp(result.ci_upper[0])
        error = value * float(result.std_errors[0])
    else:
        msg = f'method must be "woodruff" or "bootstrap", not {method!r}'
        raise ValueError(msg)
    return ClusterInterval(
        estimate=value,
        std_error=error,
        df=groups - 1.0,
        ci_lower=lower,
        ci_upper=upper,
        design_effect=variance / (share * (1 - share) / (len(y) - 1)),
        intraclass_correlation=_intraclass_correlation(below, codes),
        n=len(y),
        n_clusters=groups,
        method=method,
    )


def mean_contrast(
    seconds: npt.ArrayLike,
    experiment: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    confidence_level: float = 0.95,
) -> DurationContrast:
    """Return difference and ratio of the mean ``seconds`` (n,) of ``experiment`` (n,) and control.

    Errors are CR2 over ``clusters`` (n labels) with Satterthwaite degrees of freedom; those of the
    log ratio are of times divided by the mean of their own group (linearisation).
    Raises ValueError for times that are not finite and positive, a group without observations or
    with one cluster, and times that do not vary.
    """
    y, codes = _times(seconds, clusters)
    role = _roles(experiment, len(y))
    design = cluster_design(np.column_stack([role, ~role]).astype(float), codes)
    for column in (0, 1):  # a group with one cluster is refused before it is contrasted
        cluster_ols(design, y, method="cr2", columns=[column])
    design = cluster_design(np.column_stack([role, np.ones(len(y))]), codes)
    means = float(y[role].mean()), float(y[~role].mean())
    plain, scaled = (
        cluster_ols(design, v, method="cr2", columns=[0], confidence_level=confidence_level)[0]
        for v in (y, y / np.where(role, *means))
    )
    ratio = math.log(means[0] / means[1])
    half = float(stdtrit(scaled.df, 0.5 + confidence_level / 2)) * scaled.se
    return DurationContrast(
        experiment=means[0],
        control=means[1],
        difference=plain.estimate,
        difference_se=plain.se,
        difference_df=plain.df,
        difference_lower=plain.ci_lower,
        difference_upper=plain.ci_upper,
        difference_p=plain.p_value,
        ratio=math.exp(ratio),
        log_ratio_se=scaled.se,
        ratio_df=scaled.df,
        ratio_lower=math.exp(ratio - half),
        ratio_upper=math.exp(ratio + half),
        ratio_p=2 * float(stdtr(scaled.df, -abs(ratio) / scaled.se)),
        n_experiment=int(role.sum()),
        n_control=int((~role).sum()),
        n_clusters=design.n_clusters,
        method="cr2",
    )


def quantile_contrast(
    seconds: npt.ArrayLike,
    experiment: npt.ArrayLike,
    clusters: npt.ArrayLike,
    *,
    quantile: float,
    draws: int,
    seed: int,
    confidence_level: float = 0.95,
) -> DurationContrast:
    """Return difference and ratio of a quantile of ``seconds`` (n,), experiment against control.

    The bootstrap of clusters within each group, of the times for the difference and of their
    logarithms, with the same draws, for the ratio; see
    :func:`~ballot_eval.estimation.quantile_regression.quantile_regression_bootstrap`.
    Raises ValueError for times that are not finite and positive, a group without observations or
    with one cluster, and quantiles that are the same in every draw.
    """
    y, codes = _times(seconds, clusters)
    role = _roles(experiment, len(y))
    plain, logs = (
        quantile_regression_bootstrap(
            values,
            np.column_stack([np.ones(len(y)), role]),
            clusters=codes,
            quantiles=[quantile],
            column=1,
            method="pairs",
            draws=draws,
            seed=seed,
            confidence_level=confidence_level,
        )
        for values in (y, np.log(y))
    )
    return DurationContrast(
        experiment=_quantile(y[role], quantile),
        control=_quantile(y[~role], quantile),
        difference=float(plain.estimates[0]),
        difference_se=float(plain.std_errors[0]),
        difference_df=float(plain.df[0]),
        difference_lower=float(plain.ci_lower[0]),
        difference_upper=float(plain.ci_upper[0]),
        difference_p=float(plain.p_values[0]),
        ratio=math.exp(logs.estimates[0]),
        log_ratio_se=float(logs.std_errors[0]),
        ratio_df=float(logs.df[0]),
        ratio_lower=math.exp(logs.ci_lower[0]),
        ratio_upper=math.exp(logs.ci_upper[0]),
        ratio_p=float(logs.p_values[0]),
        n_experiment=int(role.sum()),
        n_control=int((~role).sum()),
        n_clusters=plain.n_clusters,
        method="bootstrap",
    )


def _times(seconds: npt.ArrayLike, clusters: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    """Return the times (n,) and the position of the cluster of each, after checking both."""
    y, labels = np.asarray(seconds, dtype=float), np.asarray(clusters)
    if y.ndim != 1 or labels.shape != y.shape or not len(y):
        msg = f"times {y.shape} and labels {labels.shape} must be vectors of the same length"
        raise ValueError(msg)
    if not np.isfinite(y).all() or (y <= 0).any():
        msg = "times must be finite and positive; leave missing and censored ones out first"
        raise ValueError(msg)
    codes = label_codes(labels, "clusters", len(y))[1]
    if codes.max() == 0:
        msg = "all observations are of one cluster, which says nothing about its own uncertainty"
        raise ValueError(msg)
    return y, codes


def _roles(experiment: npt.ArrayLike, n: int) -> BoolArray:
    role = np.asarray(experiment)
    if role.shape != (n,) or role.dtype != np.bool_:
        msg = f"experiment must be {n} values True or False, one per time"
        raise ValueError(msg)
    if role.all() or not role.any():
        msg = "there are no control observations" if role.all() else "no experiment observations"
        raise ValueError(msg)
    return role


def _required(draws: int | None, seed: int | None) -> tuple[int, int]:
    if draws is None or seed is None:
        msg = "the bootstrap needs draws and a seed"
        raise ValueError(msg)
    return draws, seed


def _quantile(y: FloatArray, quantile: float) -> float:
    """Return the quantile of type 1; rounding of quantile·n never moves it up."""
    if not 0 < quantile < 1:
        msg = f"a quantile must lie between 0 and 1, found {quantile}"
        raise ValueError(msg)
    rank = max(math.ceil(quantile * len(y) * (1 - 1e-9)), 1)
    return float(np.partition(y, rank - 1)[rank - 1])


def _intraclass_correlation(values: FloatArray, codes: IntArray) -> float:
    """Return the ANOVA estimate of the intraclass correlation; NaN when clusters have one row."""
    between, within, n0, *_ = mean_squares(values, codes, np.zeros_like(codes))
    return (between - within) / (between + (n0 - 1) * within)
