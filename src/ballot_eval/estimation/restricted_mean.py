"""Restricted mean times: the mean of min(T, horizon) of right-censored times. Arrays only.

Sources: Irwin (1949); Kaplan & Meier (1958), JASA 53 (variance); Royston & Parmar (2013), BMC
Medical Research Methodology 13; Efron (1981), JASA 76 (jackknife for censored data); Satterthwaite
(1946), Biometrics 2; Ying & Wei (1994), Journal of Multivariate Analysis 50 (clusters).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtr, stdtrit

from ballot_eval.estimation.clusters import check_confidence_level
from ballot_eval.estimation.labels import label_codes
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
    two_groups,
)

Method = Literal["greenwood", "infinitesimal", "jackknife"]


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """The mean of min(T, ``horizon``), everything in the unit of the durations.

    ``df`` are the degrees of freedom of the t distribution behind the limits, infinite for the
    normal distribution; ``n_clusters`` is 0 without clusters.
    """

    horizon: float
    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    df: float
    n_units: int
    n_events: int
    n_clusters: int
    method: str


@dataclass(frozen=True, slots=True)
class MeanContrast:
    """A difference, or a ratio with its ``standard_error`` on the log scale.

    ``p_value`` is two-sided, of no difference; ``df`` infinite for the normal distribution.
    """

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    df: float


@dataclass(frozen=True, slots=True)
class RestrictedMeanContrast:
    """Restricted means of experiment and control, their difference and their ratio.

    ``difference`` is experiment minus control, ``ratio`` experiment over control.
    """

    horizon: float
    experiment: RestrictedMean
    control: RestrictedMean
    difference: MeanContrast
    ratio: MeanContrast
    method: str


@dataclass(frozen=True, slots=True)
class _Sample:
    """One group: its table, whose rows had the event, and the cluster codes of its rows."""

    table: RiskTable
    observed: BoolArray
    codes: IntArray | None
    labels: npt.NDArray[Any]

    @classmethod
    def of(
        cls,
        times: FloatArray,
        observed: BoolArray,
        codes: IntArray | None,
        labels: npt.NDArray[Any],
    ) -> _Sample:
        return cls(risk_table(times, observed), observed, codes, labels)

    def widths(self, horizon: float) -> FloatArray:
        """Return the length until the horizon of the step after each time (T,)."""
        return np.diff(np.minimum(np.append(self.table.times, np.inf), horizon))


def restricted_mean(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    *,
    horizon: float,
    clusters: npt.ArrayLike | None = None,
    method: Method | None = None,
    confidence_level: float = 0.95,
) -> RestrictedMean:
    """Return the area under the Kaplan–Meier curve of ``durations`` (n,) up to ``horizon``.

    ``observed`` (n,) is false for right-censored times. ``method`` is the standard error:
    ``"greenwood"`` Σ(area after t)²·d/(n(n−d)), as R's ``print(survfit, rmean=)``, with normal
    limits (without clusters, and then the default); ``"infinitesimal"`` the root of the summed
    squared influence of the clusters (as the AUC residuals of R's ``survfit``), with t(G−1);
    ``"jackknife"`` leaves one cluster out at a time, (G−1)/G times the sum of squared changes
    around the full estimate, with t(G−1) (the default with clusters).

    Raises ValueError for bad times, a horizon that is not positive or past the last time of a
    curve that has not reached 0 (also after leaving a cluster out), no event by the horizon, and a
    standard error of 0.
    """
    check_confidence_level(confidence_level)
    times, seen = check_times(durations, observed)
    chosen = _method_of(method, clusters is not None)
    labels, codes = (
        (np.empty(0), None) if clusters is None else check_clusters(clusters, len(times))
    )
    sample = _Sample.of(times, seen, codes, labels)
    _check_horizon(horizon, [(sample, "")])
    mean = _one_mean(sample, horizon, chosen, confidence_level)
    if mean.standard_error <= SAME_TIME**2 * mean.estimate:
        msg = "the standard error of the restricted mean is 0: units or clusters are all alike"
        raise ValueError(msg)
    return mean


def _method_of(method: Method | None, clustered: bool) -> Method:  # noqa: FBT001
    chosen: Method = method or ("jackknife" if clustered else "greenwood")
    if chosen not in ("greenwood", "infinitesimal", "jackknife"):
        msg = f"method must be greenwood, infinitesimal or jackknife, found {chosen!r}"
        raise ValueError(msg)
    if clustered == (chosen == "greenwood"):
        msg = f"method {chosen!r} {'ignores' if clustered else 'needs'} clusters"
        raise ValueError(msg)
    return chosen


def _last_known(sample: _Sample) -> float:
    """Return the time up to which the curve is known: infinite when it falls to 0."""
    table = sample.table
    return math.inf if table.events[-1] == table.at_risk[-1] else float(table.times[-1])


def _last_known_without(sample: _Sample) -> FloatArray:
    """Return the same with each of the sample's clusters left out, NaN where nothing is left."""
    assert sample.codes is not None
    table, found = sample.table, []
    for _, at_risk, events in counts_by_label(
        table, sample.observed, sample.codes, len(sample.labels)
    ):
        rest, left = table.at_risk - at_risk, table.events - events
        size = (rest > 0).sum(axis=1)  # the times with anybody at risk come first
        last = np.maximum(size - 1, 0)
        row = np.arange(len(rest))
        known = np.where(rest[row, last] == left[row, last], np.inf, table.times[last])
        found.append(np.where(size > 0, known, np.nan))
    return np.concatenate(found)


def _check_horizon(horizon: float, samples: list[tuple[_Sample, str]]) -> None:
    if not (math.isfinite(horizon) and horizon > 0):
        msg = f"horizon must be a positive number, found {horizon}"
        raise ValueError(msg)
    largest = min(_last_known(sample) for sample, _ in samples)
    if horizon > largest * (1 + SAME_TIME):
        name = next(name for sample, name in samples if _last_known(sample) == largest)
        msg = (
            f"horizon {horizon} is past the last time, which is censored{name}: the curve is not "
            f"known there; the largest {'common ' if len(samples) > 1 else ''}horizon is {largest}"
        )
        raise ValueError(msg)
    for sample, name in samples:
        table = sample.table
        if not table.events[table.times <= horizon].any():
            msg = f"no event by the horizon {horizon}{name}: the mean has no standard error"
            raise ValueError(msg)


def _check_without(sample: _Sample, horizon: float) -> None:
    """Raise ValueError when a cluster cannot be left out, naming it and the largest horizon."""
    known = _last_known_without(sample)
    if np.isnan(known).any():
        label = sample.labels[int(np.flatnonzero(np.isnan(known))[0])]
        msg = f"cluster {label} is the only one of its group: the jackknife cannot leave it out"
        raise ValueError(msg)
    shortest = int(np.argmin(known))
    if horizon > known[shortest] * (1 + SAME_TIME):
        msg = (
            f"without cluster {sample.labels[shortest]} the curve is not known at the horizon "
            f"{horizon}; the largest horizon for the jackknife is {known[shortest]}"
        )
        raise ValueError(msg)


def common_horizon(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    group: npt.ArrayLike | None = None,
    *,
    clusters: npt.ArrayLike | None = None,
) -> float:
    """Return the largest horizon at which the curve of every ``group`` (n,) is known.

    A curve that falls to 0 is known for ever; when all do, the largest duration is returned. With
    ``clusters`` (n,) the curves must also be known with any one cluster left out, as the jackknife
    needs. Raises ValueError for bad times, missing labels and a group of a single cluster.
    """
    times, seen = check_times(durations, observed)
    n = len(times)
    _, codes = label_codes(np.zeros(n) if group is None else group, "group", n)
    largest = math.inf
    for code in range(int(codes.max()) + 1):
        rows = codes == code
        within = (
            None if clusters is None else check_clusters(np.asarray(clusters)[rows], rows.sum())
        )
        sample = _Sample.of(times[rows], seen[rows], None, np.empty(0))
        largest = min(largest, _last_known(sample))
        if within is not None:
            sample = _Sample.of(times[rows], seen[rows], within[1], within[0])
            largest = min(largest, float(_last_known_without(sample).min()))
    return float(times.max()) if math.isinf(largest) else largest


def _area(sample: _Sample, at_risk: FloatArray, events: FloatArray, horizon: float) -> FloatArray:
    """Return the area up to the horizon under curves (..., T) that share the sample's times."""
    area: FloatArray = survival_of(at_risk, events) @ sample.widths(horizon)
    return area + min(float(sample.table.times[0]), horizon)


def _without_each(sample: _Sample, horizon: float) -> FloatArray:
    """Return the restricted mean with each cluster (G,) left out in turn."""
    assert sample.codes is not None
    _check_without(sample, horizon)
    table = sample.table
    blocks = counts_by_label(table, sample.observed, sample.codes, len(sample.labels))
    return np.concatenate(
        [_area(sample, table.at_risk - n, table.events - d, horizon) for _, n, d in blocks]
    )


def _variance(sample: _Sample, horizon: float, method: Method, estimate: float) -> float:
    table, n_clusters = sample.table, len(sample.labels)
    if method == "jackknife":
        changes = _without_each(sample, horizon) - estimate
        return float((n_clusters - 1) / n_clusters * (changes @ changes))
    steps = survival_of(table.at_risk, table.events) * sample.widths(horizon)
    after = steps[::-1].cumsum()[::-1] * (table.times <= horizon)
    terms, inverse = greenwood_terms(table.at_risk, table.events)
    if method == "greenwood":
        return float(after**2 @ terms)
    assert sample.codes is not None
    total = 0.0
    for _, n, d in counts_by_label(table, sample.observed, sample.codes, n_clusters):
        influence = (d * inverse - n * terms) @ after
        total += float(influence @ influence)
    return total


def _critical(df: float, confidence_level: float) -> float:
    tail = 0.5 + confidence_level / 2
    return float(ndtri(tail) if math.isinf(df) else stdtrit(df, tail))


def _one_mean(
    sample: _Sample, horizon: float, method: Method, confidence_level: float
) -> RestrictedMean:
    table, n_clusters = sample.table, len(sample.labels)
    estimate = float(_area(sample, table.at_risk, table.events, horizon))
    error = math.sqrt(_variance(sample, horizon, method, estimate))
    df = n_clusters - 1.0 if sample.codes is not None else math.inf
    half = _critical(df, confidence_level) * error
    return RestrictedMean(
        horizon=horizon,
        estimate=estimate,
        standard_error=error,
        ci_lower=estimate - half,
        ci_upper=estimate + half,
        df=df,
        n_units=len(sample.observed),
        n_events=int(sample.observed.sum()),
        n_clusters=n_clusters,
        method=method,
    )


def restricted_mean_contrast(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    experiment: npt.ArrayLike,
    *,
    horizon: float,
    clusters: npt.ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> RestrictedMeanContrast:
    """Return difference and ratio of the restricted means of experiment and control.

    ``experiment`` (n,) is the role of each row. Without ``clusters`` the variances are Greenwood's
    and the limits normal. With ``clusters`` (n,) the variances come from leaving one cluster out.
    When every cluster has one role (the ballot is assigned to municipalities) each group has its
    own jackknife, (G−1)/G·Σ(change)² over its G clusters, and the limits a t distribution with
    Satterthwaite's degrees of freedom. As soon as one cluster has both roles, it is one jackknife
    over all clusters with t(G−1). The ratio is treated on the log scale, its changes too.

    Raises ValueError for bad times, one role only, a role with a single cluster, a horizon past
    the last time of a curve that has not reached 0 (the message has the largest common one) or
    without event in a group, and a standard error of 0.
    """
    check_confidence_level(confidence_level)
    times, seen = check_times(durations, observed)
    role = two_groups(experiment, len(times))
    labels, codes = (
        (np.empty(0), None) if clusters is None else check_clusters(clusters, len(times))
    )
    groups = []
    for rows, name in ((role, "experiment"), (~role, "control")):
        own = np.empty(0) if codes is None else np.unique(codes[rows])
        local = None if codes is None else np.searchsorted(own, codes[rows])
        if local is not None and len(own) < 2:
            msg = f"the {name} group has a single cluster: its uncertainty cannot be estimated"
            raise ValueError(msg)
        sample = _Sample.of(times[rows], seen[rows], local, labels[own] if len(own) else own)
        groups.append((sample, f" ({name} group)", own))
    _check_horizon(horizon, [(sample, name) for sample, name, _ in groups])
    method: Method = _method_of(None, codes is not None)
    means = [_one_mean(sample, horizon, method, confidence_level) for sample, _, _ in groups]
    changes = None
    if codes is not None:
        changes = np.zeros((2, len(labels), 2))
        for side, (sample, _, own) in enumerate(groups):
            left = _without_each(sample, horizon)
            changes[side, own, 0] = left - means[side].estimate
            changes[side, own, 1] = np.log(left / means[side].estimate)
    owned = np.array([len(own) for _, _, own in groups])
    return _contrast_of(means, changes, owned, confidence_level)


def _contrast_of(
    means: list[RestrictedMean],
    changes: FloatArray | None,
    owned: IntArray,
    confidence_level: float,
) -> RestrictedMeanContrast:
    """Return the contrasts from the two means and the changes (2, G, scale) of the jackknife."""
    estimates = np.array([mean.estimate for mean in means])
    points = (estimates[0] - estimates[1], math.log(estimates[0] / estimates[1]))
    results = []
    for scale, point in enumerate(points):
        if changes is None:
            size = np.ones(2) if scale == 0 else estimates
            errors = np.array([mean.standard_error for mean in means]) / size
            variance, df = float(errors @ errors), math.inf
        else:
            variance, df = _jackknife(changes[:, :, scale], owned)
        results.append(_interval(float(point), variance, df, confidence_level, log=scale == 1))
    return RestrictedMeanContrast(
        horizon=means[0].horizon,
        experiment=means[0],
        control=means[1],
        difference=results[0],
        ratio=results[1],
        method=means[0].method,
    )


def _jackknife(changes: FloatArray, owned: IntArray) -> tuple[float, float]:
    """Return variance and degrees of freedom of a contrast from the changes (2, G) of its parts."""
    n_clusters = changes.shape[1]
    if owned.sum() > n_clusters:  # some cluster is in both groups
        both = changes[0] - changes[1]
        return float((n_clusters - 1) / n_clusters * (both @ both)), n_clusters - 1.0
    parts = (owned - 1) / owned * (changes**2).sum(axis=1)
    bottom = float((parts**2 / (owned - 1)).sum())
    return float(parts.sum()), float(parts.sum() ** 2 / bottom) if bottom > 0 else 1.0


def _interval(
    point: float, variance: float, df: float, confidence_level: float, *, log: bool
) -> MeanContrast:
    error = math.sqrt(variance)
    if error <= 0:
        msg = "the standard error of the contrast is 0: no cluster changes either mean"
        raise ValueError(msg)
    half = _critical(df, confidence_level) * error
    values = [point, point - half, point + half]
    if log:
        values = [math.exp(value) for value in values]
    tail = -abs(point) / error
    below = math.erfc(-tail / math.sqrt(2)) / 2 if math.isinf(df) else float(stdtr(df, tail))
    return MeanContrast(values[0], error, values[1], values[2], 2 * below, df)
