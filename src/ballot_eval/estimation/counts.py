"""Regression models of counts: quasi-binomial, quasi-Poisson, Poisson, negative binomial.

They give a ratio (of odds, or of rates) where randomisation inference gives a difference of
rates. Municipal counts vary far more than chance draws of ballots would, so the spread is part of
every model; the plain Poisson model is there to show what ignoring it would do.

Sources: Nelder & Wedderburn (1972), JRSS A 135 (iteratively reweighted least squares);
McCullagh & Nelder (1989), Generalized Linear Models, ch. 4.5 and 6.2 (quasi-likelihood, Pearson's
dispersion); Lawless (1987), Canadian Journal of Statistics 15 (negative binomial, dispersion by
maximum likelihood); Guimarães & Portugal (2010), Stata Journal 10 (effects taken out of each
weighted step); Correia, Guimarães & Zylkin (2019), arXiv:1903.01633 (units that separate).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import statsmodels.api as sm
from scipy.optimize import brentq
from scipy.special import digamma, expit, gammaln, polygamma

from ballot_eval.estimation.count_data import (
    ConvergenceError,
    CountFit,
    CountMethod,
    FloatArray,
    GoodnessOfFit,
    IntArray,
    NoOverdispersionError,
    PanelCells,
    RatioEffect,
    SeparationError,
    check_counts,
    check_design,
    group_mean,
    panel_cells,
    ratio_effect,
    refuse_separation,
    summarise,
)

__all__ = [
    "COUNT_METHODS",
    "ConvergenceError",
    "CountFit",
    "CountMethod",
    "GoodnessOfFit",
    "NoOverdispersionError",
    "RatioEffect",
    "SeparationError",
    "did_ratio",
    "fit_cells",
    "fit_counts",
]

#: The models :func:`fit_counts` and :func:`did_ratio` know.
COUNT_METHODS: tuple[CountMethod, ...] = (
    "quasi_binomial",
    "quasi_poisson",
    "poisson",
    "negative_binomial",
    "quasi_negative_binomial",
)

MAX_ITERATIONS = 100


@dataclass(frozen=True, slots=True)
class _Core:
    """Coefficients (k,), their covariance (k, k) at dispersion 1, expected counts (n,)."""

    coefficients: FloatArray
    covariance: FloatArray
    mean: FloatArray


#: From a negative binomial α (0: none) and an earlier fit to the fit at that α.
_Engine = Callable[[float, _Core | None], _Core]


def fit_counts(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    design: npt.ArrayLike,
    *,
    names: Sequence[str],
    method: CountMethod,
    confidence_level: float = 0.95,
) -> CountFit:
    """Fit a count model of ``numerators`` (n,) on ``design`` (n, k), constant included by you.

    ``quasi_binomial``: logit link, proportions weighted by ``denominators``, variance times
    Pearson's X²/(n−k), limits from t(n−k). ``quasi_poisson``: log link, offset
    log(``denominators``), the same scaling. ``poisson``: the same without scaling, normal limits.
    ``negative_binomial``: variance μ + αμ², α by maximum likelihood, standard errors at that α,
    normal limits. ``quasi_negative_binomial``: the same estimates with Pearson's scaling and
    t(n−k). ``denominators`` may be below the counts (any exposure) unless quasi-binomial.

    Raises ValueError for counts that are not whole, negative, above a binomial denominator or all
    zero, for denominators that are not positive, NaN, or a singular design; SeparationError when
    an estimate is infinite, NoOverdispersionError when α would be 0, ConvergenceError otherwise.
    """
    _check_method(method)
    y, n = check_counts(numerators, denominators, bounded=method == "quasi_binomial")
    x, labels = check_design(design, names, len(y))
    return _fit(
        lambda alpha, _: _glm_core(y, n, x, method, alpha),
        (y, n),
        labels,
        df=len(y) - x.shape[1],
        method=method,
        confidence_level=confidence_level,
    )


def did_ratio(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    municipality: npt.ArrayLike,
    election: npt.ArrayLike,
    new_ballot: npt.ArrayLike,
    *,
    method: CountMethod,
    confidence_level: float = 0.95,
) -> RatioEffect:
    """Return the difference-in-differences of the new ballot as a ratio.

    One row (n,) per municipality and election: events, votes cast, labels of municipality and
    election, and whether that municipality used the new ballot at that election (role × period).
    The model has an effect for every municipality and election; the municipality effects are
    taken out of each weighted least-squares step, which gives what dummies give, faster.

    With few elections the most likely α is too small, because each municipality effect uses up
    a degree of freedom (with two elections about half), and the intervals of
    ``negative_binomial`` are too short: ``model.goodness.dispersion`` far above 1 shows it, and
    ``quasi_negative_binomial`` corrects it as the other quasi models do.

    Raises as :func:`fit_counts`, and ValueError when a municipality occurs twice at an election
    or when exposure cannot be told from municipality and election effects (no controls, no
    election before); SeparationError when the new ballot, or an election, had no events at all.
    """
    cells = panel_cells(numerators, denominators, municipality, election, new_ballot)
    return ratio_effect(cells, fit_cells(cells, method=method, confidence_level=confidence_level))


def fit_cells(
    cells: PanelCells, *, method: CountMethod, confidence_level: float = 0.95
) -> CountFit:
    """Fit the model of :func:`did_ratio` on rows that :func:`panel_cells` has checked.

    The coefficients are the new ballot's and those of the elections but the first.
    """
    _check_method(method)
    return _fit(
        lambda alpha, start: _absorbed_core(cells, method, alpha, start),
        (cells.counts, cells.totals),
        cells.names,
        df=len(cells.counts) - cells.n_units - len(cells.names),
        method=method,
        confidence_level=confidence_level,
    )


def _check_method(method: str) -> None:
    if method not in COUNT_METHODS:
        msg = f"unknown method {method!r}; choose one of {', '.join(COUNT_METHODS)}"
        raise ValueError(msg)


def _fit(
    engine: _Engine,
    data: tuple[FloatArray, FloatArray],
    names: tuple[str, ...],
    *,
    df: int,
    method: CountMethod,
    confidence_level: float,
) -> CountFit:
    y, n = data
    alpha = alpha_se = log_likelihood = math.nan
    if method.endswith("negative_binomial"):
        core, alpha, alpha_se = _negative_binomial(engine, y)
        log_likelihood = _nb_log_likelihood(y, core.mean, alpha)
    else:
        core = engine(0.0, None)
    if method == "poisson":
        log_likelihood = float((y * np.log(core.mean) - core.mean - gammaln(y + 1)).sum())
    return summarise(
        method,
        names,
        core.coefficients,
        core.covariance,
        y,
        core.mean,
        _variance(core.mean, n, method, 0.0 if math.isnan(alpha) else alpha),
        df_residual=df,
        confidence_level=confidence_level,
        overdispersion=(alpha, alpha_se),
        log_likelihood=log_likelihood,
    )


def _variance(mean: FloatArray, n: FloatArray, method: CountMethod, alpha: float) -> FloatArray:
    """Return the variance of the counts (n,) before Pearson's dispersion."""
    if method == "quasi_binomial":
        return mean * (1 - mean / n)
    return mean + alpha * mean**2


def _glm_core(
    y: FloatArray, n: FloatArray, x: FloatArray, method: CountMethod, alpha: float
) -> _Core:
    if method == "quasi_binomial":
        # Proportions with weights: with two columns the number of trials drops out of X².
        model = sm.GLM(y / n, x, family=sm.families.Binomial(), var_weights=n)
    else:
        family = sm.families.NegativeBinomial(alpha=alpha) if alpha else sm.families.Poisson()
        model = sm.GLM(y, x, family=family, offset=np.log(n))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Separation is judged below, from the fitted values.
        warnings.simplefilter("ignore")
        # The usual criterion, the deviance, stops with half the digits of the coefficients.
        fit = model.fit(
            scale=1.0,
            maxiter=MAX_ITERATIONS,
            wls_method="pinv",
            tol_criterion="params",
            tol=1e-11,
            rtol=1e-11,
        )
    bounded = method == "quasi_binomial"
    mean = np.asarray(fit.fittedvalues) * (n if bounded else 1.0)
    refuse_separation(mean, y, n, bounded=bounded)
    if not fit.converged:
        msg = f"{method}: no convergence in {MAX_ITERATIONS} iterations"
        raise ConvergenceError(msg)
    return _Core(np.asarray(fit.params), np.asarray(fit.normalized_cov_params), mean)


def _absorbed_core(
    cells: PanelCells, method: CountMethod, alpha: float, start: _Core | None
) -> _Core:
    """Take Newton steps, weighted least squares on deviations from municipality means.

    The curvature is the observed one; it is positive everywhere, and the expected one would
    converge slowly for a large α. The covariance comes from the expected one, as is usual.
    """
    y, n, x, unit = cells.counts, cells.totals, cells.design, cells.unit
    logit = method == "quasi_binomial"
    rate = (y + 0.5) / (n + 1) if start is None else start.mean / n
    eta = np.log(rate / (1 - rate)) if logit else np.log(rate)
    value = -math.inf  # the first rates above fit too well to be compared with
    for _ in range(MAX_ITERATIONS):
        mean = _mean(eta, n, method)
        with np.errstate(all="ignore"):
            widening = 1 + alpha * mean
            w = mean * (1 - mean / n) if logit else mean * (1 + alpha * y) / widening**2
            z = eta + (y - mean) / widening / w
            b, _ = _within(x, z, w, unit)
            new = x @ b
            new = new + group_mean(z - new, unit, w)
        if not np.isfinite(new).all():
            break
        left = float(np.abs(new - eta).max())
        eta, value = _uphill(eta, new - eta, value, (y, n), method, alpha)
        if left < 1e-10:
            mean = _mean(eta, n, method)
            refuse_separation(mean, y, n, bounded=logit)
            expected = mean**2 / _variance(mean, n, method, alpha)
            # The slope of the mean is np(1-p) for a logit, the mean itself for a logarithm.
            expected = expected * (1 - mean / n) ** 2 if logit else expected
            return _Core(b, _within(x, z, expected, unit)[1], mean)
    refuse_separation(mean, y, n, bounded=logit)
    msg = f"{method}: no convergence in {MAX_ITERATIONS} iterations"
    raise ConvergenceError(msg)


def _uphill(
    eta: FloatArray,
    step: FloatArray,
    value: float,
    data: tuple[FloatArray, FloatArray],
    method: CountMethod,
    alpha: float,
) -> tuple[FloatArray, float]:
    """Return ``eta`` after the step, halved until the likelihood does not fall."""
    for _ in range(40):
        reached = _kernel(eta + step, *data, method, alpha)
        if reached >= value - 1e-12 * abs(value):
            break
        step = step / 2
    return eta + step, reached


def _within(
    x: FloatArray, z: FloatArray, w: FloatArray, unit: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the weighted least-squares coefficients of ``z`` and their covariance."""
    within = x - group_mean(x, unit, w)
    covariance = _inverse((within * w[:, None]).T @ within)
    return covariance @ (within.T @ (w * z)), covariance


def _inverse(information: FloatArray) -> FloatArray:
    try:
        return np.asarray(np.linalg.inv(information), dtype=float)
    except np.linalg.LinAlgError:
        return np.full_like(information, np.nan)


def _mean(eta: FloatArray, n: FloatArray, method: CountMethod) -> FloatArray:
    """Return the expected counts (n,) of a logit or a log rate."""
    return np.asarray(n * (expit(eta) if method == "quasi_binomial" else np.exp(eta)))


def _kernel(
    eta: FloatArray, y: FloatArray, n: FloatArray, method: CountMethod, alpha: float
) -> float:
    """Return the part of the log-likelihood that depends on ``eta`` (n,)."""
    with np.errstate(over="ignore"):
        if method == "quasi_binomial":
            return float((y * eta - n * np.logaddexp(0.0, eta)).sum())
        if alpha:
            return float((y * eta - (y + 1 / alpha) * np.log1p(alpha * n * np.exp(eta))).sum())
        return float((y * eta - n * np.exp(eta)).sum())


def _negative_binomial(engine: _Engine, y: FloatArray) -> tuple[_Core, float, float]:
    """Alternate between the coefficients at α and the most likely α at those fitted values.

    The two are orthogonal (Lawless 1987), so a few rounds do, and the standard errors of the
    coefficients are those at a known α.
    """
    core = engine(0.0, None)
    alpha = 0.0
    for _ in range(MAX_ITERATIONS):
        previous, alpha = alpha, _most_likely_alpha(y, core.mean)
        core = engine(alpha, core)
        if abs(alpha - previous) <= 1e-9 * alpha:
            return core, alpha, _alpha_se(y, core.mean, alpha)
    msg = f"negative_binomial: alpha does not settle in {MAX_ITERATIONS} rounds"
    raise ConvergenceError(msg)


def _most_likely_alpha(y: FloatArray, mean: FloatArray) -> float:
    # The derivative of the likelihood at α = 0; below 0 the counts are not even Poisson.
    if ((y - mean) ** 2 - y).sum() <= 0:
        msg = (
            "negative_binomial: the counts vary no more than Poisson counts, alpha is 0; "
            "use poisson or quasi_poisson"
        )
        raise NoOverdispersionError(msg)

    def score(log_theta: float) -> float:
        theta = math.exp(log_theta)
        parts = digamma(y + theta) - digamma(theta) - np.log1p(mean / theta)
        return float((parts + (mean - y) / (mean + theta)).sum())

    low, high = -5.0, 5.0
    while score(low) < 0 and low > -30:
        low -= 5
    while score(high) > 0 and high < 20:
        high += 5
    if score(low) < 0 or score(high) > 0:
        msg = "negative_binomial: alpha runs to a boundary"
        raise NoOverdispersionError(msg)
    return math.exp(-float(brentq(score, low, high, xtol=1e-12)))


def _alpha_se(y: FloatArray, mean: FloatArray, alpha: float) -> float:
    """Return the standard error from the curvature in θ = 1/α, by the delta method."""
    theta = 1 / alpha
    curvature = polygamma(1, y + theta) - polygamma(1, theta) + 1 / theta
    curvature = curvature - 2 / (mean + theta) + (y + theta) / (mean + theta) ** 2
    return float(alpha**2 / math.sqrt(-curvature.sum()))


def _nb_log_likelihood(y: FloatArray, mean: FloatArray, alpha: float) -> float:
    theta = 1 / alpha
    parts = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1)
    return float((parts - theta * np.log1p(mean / theta) + y * np.log(mean / (mean + theta))).sum())
