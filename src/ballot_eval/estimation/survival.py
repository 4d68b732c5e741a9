"""Kaplan–Meier curves, restricted means and log-rank tests of right-censored times. Arrays only.

The curve is here; restricted means are in :mod:`~ballot_eval.estimation.restricted_mean`, log-rank
tests in :mod:`~ballot_eval.estimation.logrank`, the Cox model in
:mod:`~ballot_eval.estimation.cox`. Durations are in any one unit, which every result keeps.

Sources: Kaplan & Meier (1958), JASA 53; Greenwood (1926); Kalbfleisch & Prentice (1980) (log–log
limits); Brookmeyer & Crowley (1982), Biometrics 38 (limits of a quantile); Ying & Wei (1994),
Journal of Multivariate Analysis 50 and Williams (1995), Biometrics 51 (clusters).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from ballot_eval.estimation.clusters import check_confidence_level
from ballot_eval.estimation.logrank import (
    LogrankPermutation,
    LogrankResult,
    logrank,
    logrank_permutation,
)
from ballot_eval.estimation.restricted_mean import (
    RestrictedMean,
    RestrictedMeanContrast,
    common_horizon,
    restricted_mean,
    restricted_mean_contrast,
)
from ballot_eval.estimation.risk_sets import (
    SAME_TIME,
    BoolArray,
    FloatArray,
    IntArray,
    RiskTable,
    check_clusters,
    check_times,
    counts_by_label,
    greenwood_terms,
    risk_table,
    survival_of,
)

__all__ = [
    "CurvePoints",
    "LogrankPermutation",
    "LogrankResult",
    "RestrictedMean",
    "RestrictedMeanContrast",
    "SurvivalCurve",
    "SurvivalQuantile",
    "common_horizon",
    "kaplan_meier",
    "logrank",
    "logrank_permutation",
    "restricted_mean",
    "restricted_mean_contrast",
]

Interval = Literal["log_log", "log", "plain"]

#: A standard error of a fraction below this is rounding.
ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class CurvePoints:
    """A curve at chosen ``times`` (m,): all arrays (m,), as fractions.

    After the last time of a curve that has not reached 0 everything is NaN: there it is unknown.
    """

    times: FloatArray
    survival: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class SurvivalQuantile:
    """The time by which a fraction ``probability`` has had the event, in the unit of durations.

    ``estimate`` and ``lower`` are NaN when the curve, or its lower limit, never gets that far;
    ``upper`` is infinite when the upper limit never does.
    """

    probability: float
    estimate: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """A Kaplan–Meier curve at its distinct times, event or censoring; all arrays (T,).

    ``at_risk`` counts the units just before each time, ``survival`` is the fraction still without
    event just after it, ``standard_error`` that of the fraction. ``df`` are the degrees of freedom
    behind the limits, infinite for the normal distribution; ``n_clusters`` is 0 without clusters.
    """

    times: FloatArray
    at_risk: FloatArray
    events: FloatArray
    censored: FloatArray
    survival: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    interval: str
    confidence_level: float
    df: float
    n_clusters: int

    def at(self, times: npt.ArrayLike) -> CurvePoints:
        """Return the step function and its limits at ``times`` (scalar or (m,)), right-continuous.

        Before the first time the curve is 1 without error. Raises ValueError for a time that is
        negative or not finite.
        """
        asked = np.atleast_1d(np.asarray(times, dtype=float))
        if asked.ndim != 1 or not np.isfinite(asked).all() or (asked < 0).any():
            msg = "times must be finite numbers of 0 or more"
            raise ValueError(msg)
        place = np.searchsorted(self.times, asked * (1 + SAME_TIME), side="right")
        unknown = (asked > self.times[-1] * (1 + SAME_TIME)) & (self.survival[-1] > 0)

        def pick(values: FloatArray, before: float) -> FloatArray:
            return np.where(unknown, np.nan, np.concatenate([[before], values])[place])

        return CurvePoints(
            asked,
            pick(self.survival, 1.0),
            pick(self.standard_error, 0.0),
            pick(self.lower, 1.0),
            pick(self.upper, 1.0),
        )

    def quantile(self, probability: float) -> SurvivalQuantile:
        """Return the first time at which ``probability`` of the units have had the event.

        The convention is R's: where the curve runs exactly at 1 − probability, the middle of that
        stretch (to its end, which is the last time when the curve never falls again). Limits
        invert the pointwise band (Brookmeyer–Crowley): the same rule on the lower and upper limit
        of the curve. An upper limit of the ``"log"`` scale may rise again in the tail; the first
        crossing counts, as when R prints a curve (its ``quantile`` then takes another one).
        Raises ValueError unless 0 < probability ≤ 1.
        """
        if not 0 < probability <= 1:
            msg = f"probability must lie above 0 and at most at 1, found {probability}"
            raise ValueError(msg)
        level = 1 - probability
        upper = _crossing(self.times, self.upper, level)
        return SurvivalQuantile(
            probability,
            _crossing(self.times, self.survival, level),
            _crossing(self.times, self.lower, level),
            math.inf if math.isnan(upper) else upper,
        )


def _crossing(times: FloatArray, curve: FloatArray, level: float) -> float:
    """Return where ``curve`` first falls to ``level``, the middle where it stays there, or NaN."""
    known = ~np.isnan(curve)
    times, curve = times[known], curve[known]
    reached = np.flatnonzero(curve <= level + SAME_TIME)
    if not len(reached):
        return math.nan
    first = int(reached[0])
    if abs(curve[first] - level) > SAME_TIME:
        return float(times[first])
    below = np.flatnonzero(curve[first:] < curve[first] - SAME_TIME)
    end = first + int(below[0]) if len(below) else len(times) - 1
    return float((times[first] + times[end]) / 2)


def kaplan_meier(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    *,
    clusters: npt.ArrayLike | None = None,
    confidence_level: float = 0.95,
    interval: Interval = "log_log",
    small_sample: bool = True,
) -> SurvivalCurve:
    """Return the Kaplan–Meier curve of ``durations`` (n,) with pointwise limits.

    ``observed`` (n,) says whether the event was seen (else the time is right-censored). The
    standard error is Greenwood's, with normal limits. With ``clusters`` (n,) it is the root of the
    summed squared influence of the clusters on the curve (infinitesimal jackknife; as R's
    ``survfit`` with clusters); ``small_sample`` multiplies its variance by G/(G−1) and takes the
    limits from t(G−1) instead of the normal distribution, which R does not.

    ``interval`` is the scale of the limits: ``"log_log"`` log(−log S) (inside 0 and 1), ``"log"``
    log S (cut off at 1; R's default), ``"plain"`` S (cut off at 0 and 1). Where the curve is still
    1 both limits are 1; where it has fallen to 0 the limits are NaN, and so is Greenwood's
    standard error (the one of clusters is 0). R does the same, except that its log–log limits are
    NaN where the curve is still 1. Limits are NaN also where clusters are exactly alike, which
    leaves no standard error.
    Raises ValueError for bad times, fewer than two clusters and an unknown interval.
    """
    check_confidence_level(confidence_level)
    if interval not in ("log_log", "log", "plain"):
        msg = f"interval must be log_log, log or plain, found {interval!r}"
        raise ValueError(msg)
    times, seen = check_times(durations, observed)
    table = risk_table(times, seen)
    survival = survival_of(table.at_risk, table.events)
    n_clusters, df = 0, math.inf
    if clusters is None:
        terms, _ = greenwood_terms(table.at_risk, table.events)
        error = np.where(survival > 0, survival * np.sqrt(terms.cumsum()), np.nan)
    else:
        labels, codes = check_clusters(clusters, len(times))
        n_clusters = len(labels)
        error = _cluster_error(table, seen, codes, n_clusters, survival)
        if small_sample:
            error, df = error * math.sqrt(n_clusters / (n_clusters - 1)), n_clusters - 1.0
    tail = 0.5 + confidence_level / 2
    critical = float(ndtri(tail) if math.isinf(df) else stdtrit(df, tail))
    lower, upper = _limits(survival, error, critical, interval)
    return SurvivalCurve(
        times=table.times,
        at_risk=table.at_risk,
        events=table.events,
        censored=table.censored,
        survival=survival,
        standard_error=error,
        lower=lower,
        upper=upper,
        interval=interval,
        confidence_level=confidence_level,
        df=df,
        n_clusters=n_clusters,
    )


def _cluster_error(
    table: RiskTable, observed: BoolArray, codes: IntArray, n_clusters: int, survival: FloatArray
) -> FloatArray:
    """Return S·√ΣA², where A sums a cluster's share in the derivative of −log S."""
    terms, inverse = greenwood_terms(table.at_risk, table.events)
    square = np.zeros(len(table.times))
    for _, at_risk, events in counts_by_label(table, observed, codes, n_clusters):
        share = np.cumsum(events * inverse - at_risk * terms, axis=1)
        square += np.einsum("gt,gt->t", share, share)
    error: FloatArray = survival * np.sqrt(square)
    return error


def _limits(
    survival: FloatArray, error: FloatArray, critical: float, interval: Interval
) -> tuple[FloatArray, FloatArray]:
    """Return pointwise limits of a curve on the scale named by ``interval``."""
    # Clusters that are exactly alike would give a band without width.
    inside = (survival > 0) & (survival < 1) & (error > ROUNDING)
    s = np.where(inside, survival, 0.5)
    half = critical * np.where(inside, error, 0.0)
    if interval == "plain":
        lower, upper = np.maximum(s - half, 0.0), np.minimum(s + half, 1.0)
    elif interval == "log":
        factor = np.exp(half / s)
        lower, upper = s / factor, np.minimum(s * factor, 1.0)
    else:
        factor = np.exp(half / s / -np.log(s))
        lower, upper = s**factor, s ** (1 / factor)
    # The curve at 1 has no error yet; at 0 neither scale has a limit.
    outside = np.where(survival >= 1, 1.0, np.nan)
    return np.where(inside, lower, outside), np.where(inside, upper, outside)
