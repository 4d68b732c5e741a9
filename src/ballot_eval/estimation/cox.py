"""Cox's proportional hazards model, with cluster-robust inference for few clusters. Arrays only.

Sources: Cox (1972), JRSS B 34; Efron (1977), JASA 72 and Breslow (1974), Biometrics 30 (ties); Lin
& Wei (1989), JASA 84 and Lee, Wei & Amato (1992) (robust and cluster-robust variance); Lipsitz &
Parzen (1996), Biometrics 52 (jackknife); Grambsch & Therneau (1994), Biometrika 81 and Therneau
& Grambsch (2000), Modeling Survival Data (proportionality). MacKinnon, Nielsen & Webb (2023),
Journal of Applied Econometrics 38, on why the jackknife with t(G−1) suits few clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, fdtrc, ndtri, stdtr, stdtrit

from ballot_eval.estimation.clusters import check_confidence_level
from ballot_eval.estimation.cox_likelihood import (
    CONSTANT,
    CoxData,
    Maximum,
    Ties,
    information_of,
    maximise,
    residuals,
    sorted_data,
)
from ballot_eval.estimation.labels import label_codes
from ballot_eval.estimation.risk_sets import (
    FloatArray,
    IntArray,
    check_clusters,
    check_times,
    risk_table,
    survival_of,
)

Inference = Literal["model", "robust", "corrected", "jackknife"]
Transform = Literal["identity", "km"]


@dataclass(frozen=True, slots=True)
class CoxTest:
    """A test with ``df`` degrees of freedom; ``statistic`` is on the scale of a chi-squared.

    ``denominator_df`` is infinite when the p-value comes from the chi-squared distribution, else
    statistic/df was referred to F(df, denominator_df).
    """

    statistic: float
    df: int
    denominator_df: float
    p_value: float


@dataclass(frozen=True, slots=True)
class CoxResult:
    """A fitted Cox model with p columns.

    ``coefficients`` (p,) are log hazard ratios per unit of a column. Standard errors (p,):
    ``model_se`` from the information, ``robust_se`` the sandwich, ``corrected_se`` the sandwich
    times √(G/(G−1)), ``jackknife_se`` from leaving clusters out; NaN where not asked for.
    ``covariance`` (p, p), ``standard_error``, ``ci_lower``, ``ci_upper`` (limits of the hazard
    ratios), ``p_values`` (p,) and ``wald`` are those of ``inference``, with ``df`` for the t
    distribution (infinite: normal). ``likelihood_ratio`` and ``score`` compare with no columns and
    take rows as independent. ``martingale`` (n,) are the residuals in the order of the rows.
    """

    names: tuple[str, ...]
    coefficients: FloatArray
    hazard_ratios: FloatArray
    model_se: FloatArray
    robust_se: FloatArray
    corrected_se: FloatArray
    jackknife_se: FloatArray
    inference: str
    covariance: FloatArray
    standard_error: FloatArray
    df: float
    ci_lower: FloatArray
    ci_upper: FloatArray
    p_values: FloatArray
    loglik_null: float
    loglik: float
    likelihood_ratio: CoxTest
    score: CoxTest
    wald: CoxTest
    martingale: FloatArray
    ties: str
    n_units: int
    n_events: int
    n_clusters: int
    iterations: int


@dataclass(frozen=True, slots=True)
class ProportionalityTest:
    """Score tests of hazard ratios that change with time: one per column, and of all together.

    ``transform`` names the function of time that the coefficients might follow.
    """

    names: tuple[str, ...]
    columns: tuple[CoxTest, ...]
    overall: CoxTest
    transform: str


@dataclass(frozen=True, slots=True)
class _Problem:
    """Checked input: sorted data, the order that sorted it, and the scale of the columns."""

    data: CoxData
    order: IntArray
    scale: FloatArray
    names: tuple[str, ...]


def cox(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
    ties: Ties = "efron",
    inference: Inference | None = None,
    names: Sequence[str] | None = None,
    confidence_level: float = 0.95,
) -> CoxResult:
    """Fit the hazard ratios of the columns ``x`` (n, p) or (n,) to right-censored ``durations``.

    ``observed`` (n,) is false for censored rows; ``strata`` (n,) have their own baseline hazard.
    ``inference`` chooses standard errors and limits: ``"model"`` (default without clusters; rows
    are independent, normal limits); with ``clusters`` (n,) ``"robust"`` the sandwich of summed
    dfbeta with normal limits, as R's ``coxph`` with clusters; ``"corrected"`` the same times
    √(G/(G−1)) with t(G−1); ``"jackknife"`` (default with clusters) refits without each cluster and
    takes (G−1)/G times the summed squared changes around the full estimate (CRV3), with t(G−1).
    Both sandwich errors are reported whenever there are clusters; they are too small for few.

    Raises ValueError for bad times or columns, no events, a column without variation in the risk
    sets, collinear columns, a likelihood without maximum (also when a cluster is left out: one
    experiment cluster cannot carry a jackknife), and with a robust inference without clusters.
    """
    check_confidence_level(confidence_level)
    problem = _problem(durations, observed, x, strata, ties, names)
    n = len(problem.order)
    chosen = _inference_of(inference, clusters is not None)
    fit = maximise(problem.data, problem.names)
    naive: FloatArray = np.asarray(np.linalg.inv(fit.at_maximum.information), dtype=float)
    martingale, scores = residuals(problem.data, fit.at_maximum)
    covariances: dict[str, FloatArray] = {"model": naive}
    n_clusters = 0
    if clusters is not None:
        labels, codes = check_clusters(clusters, n)
        n_clusters, codes = len(labels), codes[problem.order]
        sums = np.zeros((n_clusters, len(problem.names)))
        np.add.at(sums, codes, scores @ naive)
        covariances["robust"] = sums.T @ sums
        covariances["corrected"] = covariances["robust"] * (n_clusters / (n_clusters - 1))
        if chosen == "jackknife":
            changes = _jackknife_changes(problem, fit, codes, labels, ties)
            covariances["jackknife"] = (n_clusters - 1) / n_clusters * changes.T @ changes
    unit = np.outer(problem.scale, problem.scale)
    covariances = {k: np.asarray(v / unit, dtype=float) for k, v in covariances.items()}
    df = n_clusters - 1.0 if chosen in ("corrected", "jackknife") else math.inf
    return _result(
        problem, fit, covariances, chosen, df, martingale, ties, n_clusters, confidence_level
    )


def _inference_of(inference: Inference | None, clustered: bool) -> Inference:  # noqa: FBT001
    chosen: Inference = inference or ("jackknife" if clustered else "model")
    if chosen not in ("model", "robust", "corrected", "jackknife"):
        msg = f"inference must be model, robust, corrected or jackknife, found {chosen!r}"
        raise ValueError(msg)
    if chosen != "model" and not clustered:
        msg = f"inference {chosen!r} needs clusters"
        raise ValueError(msg)
    return chosen


def _problem(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    x: npt.ArrayLike,
    strata: npt.ArrayLike | None,
    ties: Ties,
    names: Sequence[str] | None,
) -> _Problem:
    times, seen = check_times(durations, observed)
    n = len(times)
    if ties not in ("efron", "breslow"):
        msg = f"ties must be efron or breslow, found {ties!r}"
        raise ValueError(msg)
    columns = np.asarray(x, dtype=float)
    columns = columns[:, None] if columns.ndim == 1 else columns
    if columns.ndim != 2 or len(columns) != n or not columns.shape[1]:
        msg = f"x must have {n} rows and at least one column, found shape {np.shape(x)}"
        raise ValueError(msg)
    if not np.isfinite(columns).all():
        msg = "x holds missing or infinite values; leave those rows out first"
        raise ValueError(msg)
    titles = tuple(names) if names is not None else tuple(f"x{i}" for i in range(columns.shape[1]))
    if len(titles) != columns.shape[1]:
        msg = f"{len(titles)} names for {columns.shape[1]} columns"
        raise ValueError(msg)
    centre, scale = columns.mean(axis=0), columns.std(axis=0)
    constant = np.flatnonzero(scale <= CONSTANT * np.abs(columns).max(axis=0))
    if len(constant):
        msg = f"{titles[constant[0]]} is the same in every row"
        raise ValueError(msg)
    codes = np.zeros(n, dtype=np.intp) if strata is None else label_codes(strata, "strata", n)[1]
    order = np.lexsort((times, codes))
    standard = ((columns - centre) / scale)[order]
    data = sorted_data(standard, seen[order], codes[order], times[order], ties)
    return _Problem(data, order, scale, titles)


def _jackknife_changes(
    problem: _Problem, fit: Maximum, codes: IntArray, labels: npt.NDArray[Any], ties: Ties
) -> FloatArray:
    """Return the change (G, p) of the scaled coefficients when a cluster is left out."""
    changes = np.empty((len(labels), len(problem.names)))
    for g, label in enumerate(labels):
        rest = problem.data.without(codes == g, ties)
        try:
            changes[g] = maximise(rest, problem.names, start=fit.beta).beta - fit.beta
        except ValueError as error:
            msg = f"without cluster {label} the model cannot be fitted: {error}"
            raise ValueError(msg) from error
    return changes


def _chi2(statistic: float, df: int) -> CoxTest:
    return CoxTest(statistic, df, math.inf, float(chdtrc(df, max(statistic, 0.0))))


def _result(
    problem: _Problem,
    fit: Maximum,
    covariances: dict[str, FloatArray],
    chosen: Inference,
    df: float,
    martingale: FloatArray,
    ties: Ties,
    n_clusters: int,
    confidence_level: float,
) -> CoxResult:
    beta, p = fit.beta / problem.scale, len(problem.names)
    errors = {name: np.sqrt(np.diag(value)) for name, value in covariances.items()}
    unknown = np.full(p, np.nan)
    error = errors[chosen]
    if (error <= CONSTANT * errors["model"]).any():
        msg = "a standard error is zero: no cluster bears on the coefficient"
        raise ValueError(msg)
    tail = 0.5 + confidence_level / 2
    half = (ndtri(tail) if math.isinf(df) else stdtrit(df, tail)) * error
    ratio = -np.abs(beta) / error
    zero, top = fit.at_start, fit.at_maximum
    original = np.empty(len(martingale))
    original[problem.order] = martingale
    return CoxResult(
        names=problem.names,
        coefficients=beta,
        hazard_ratios=_exp(beta),
        model_se=errors["model"],
        robust_se=errors.get("robust", unknown),
        corrected_se=errors.get("corrected", unknown),
        jackknife_se=errors.get("jackknife", unknown),
        inference=chosen,
        covariance=covariances[chosen],
        standard_error=error,
        df=df,
        ci_lower=_exp(beta - half),
        ci_upper=_exp(beta + half),
        p_values=2 * _below(ratio, df),
        loglik_null=zero.loglik,
        loglik=top.loglik,
        likelihood_ratio=_chi2(2 * (top.loglik - zero.loglik), p),
        score=_chi2(float(zero.score @ np.linalg.solve(zero.information, zero.score)), p),
        wald=_wald(beta, covariances[chosen], df, n_clusters),
        martingale=original,
        ties=ties,
        n_units=len(martingale),
        n_events=int(problem.data.event.sum()),
        n_clusters=n_clusters,
        iterations=fit.iterations,
    )


def _exp(values: FloatArray) -> FloatArray:
    # Per unit of a tiny column a ratio can be beyond any number: infinite, without a warning.
    with np.errstate(over="ignore"):
        return np.exp(values)


def _below(values: FloatArray, df: float) -> FloatArray:
    """Return the chance of less than ``values`` under the normal or t distribution."""
    # scipy's t distribution at infinite degrees of freedom is the normal one.
    found: FloatArray = stdtr(np.full(values.shape, df), values)
    return found


def _wald(beta: FloatArray, covariance: FloatArray, df: float, n_clusters: int) -> CoxTest:
    """Return the test that all coefficients are 0; NaN with fewer clusters than columns allow."""
    p = len(beta)
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    flat = np.linalg.matrix_rank(correlation, tol=1e-10, hermitian=True) < p
    if flat or 0 < n_clusters <= p:
        return CoxTest(math.nan, p, df, math.nan)
    standard = beta / scale
    statistic = float(standard @ np.linalg.solve(correlation, standard))
    if math.isinf(df):
        return _chi2(statistic, p)
    return CoxTest(statistic, p, df, float(fdtrc(p, df, statistic / p)))


def proportionality_test(
    durations: npt.ArrayLike,
    observed: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    strata: npt.ArrayLike | None = None,
    ties: Ties = "efron",
    transform: Transform,
    names: Sequence[str] | None = None,
) -> ProportionalityTest:
    """Test whether the hazard ratios of the columns ``x`` (n, p) stay the same over time.

    The score test of adding x·g(t) to the fitted Cox model, as R's ``cox.zph`` from version 3 on.
    ``transform`` is g: ``"identity"`` the time, ``"km"`` 1 − the Kaplan–Meier curve of all rows
    just before t. Rows count as independent; clusters make these p-values too small.
    Raises ValueError as :func:`cox`, and when all events happen at one time.
    """
    problem = _problem(durations, observed, x, strata, ties, names)
    data = problem.data
    at = maximise(data, problem.names).at_maximum
    shape = _transformed(data, transform)
    score = (shape[data.event] @ data.x[data.event]) - shape[data.start][data.step_set] @ at.mean
    clock = shape[data.start][data.step_set]
    if np.ptp(clock) == 0:
        msg = "all events happen at one time: hazard ratios cannot change over time"
        raise ValueError(msg)
    p = len(problem.names)
    cross, square = (information_of(data, at.weight, at.total, at.mean, clock**k) for k in (1, 2))
    # What is left of the information on the change after the constant coefficients.
    left = square - cross @ np.linalg.solve(at.information, cross)
    whole = _chi2(float(score @ np.linalg.solve(left, score)), p)
    each = tuple(_chi2(float(score[k] ** 2 / left[k, k]), 1) for k in range(p))
    return ProportionalityTest(problem.names, each, whole, transform)


def _transformed(data: CoxData, transform: Transform) -> FloatArray:
    """Return the function of time at every sorted row, centred over the events."""
    if transform == "identity":
        values = data.time
    elif transform == "km":
        table = risk_table(data.time, data.event)
        before = np.append(1.0, survival_of(table.at_risk, table.events)[:-1])
        values = 1 - before[table.index]
    else:
        msg = f"transform must be identity or km, found {transform!r}"
        raise ValueError(msg)
    centred: FloatArray = values - values[data.event].mean()
    return centred
