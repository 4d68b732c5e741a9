"""Confidence intervals of survey estimates: by t, and within 0 and 1 for shares.

Sources: Korn and Graubard (1998), Survey Methodology 24 (Clopper–Pearson with the effective number
of respondents, adjusted for the degrees of freedom); Rust and Hsu (2007) and Dean and Pagano (2015)
compare the intervals for small shares. Agrees with R's ``svyciprop``.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import beta, t

from ballot_eval.estimation.survey.design import SurveyEstimate

FloatArray = npt.NDArray[np.float64]
ShareMethod = Literal["korn_graubard", "logit", "wald"]
Limits = tuple[FloatArray, FloatArray]


def t_interval(estimate: SurveyEstimate, *, confidence_level: float = 0.95) -> Limits:
    """Return lower and upper limits (k,) by the t distribution with the estimate's ``df``.

    Raises ValueError when there are no degrees of freedom, and for a confidence level that is not
    between 0 and 1.
    """
    half = _quantile(estimate, confidence_level) * estimate.standard_error
    return estimate.estimate - half, estimate.estimate + half


def t_p_value(estimate: SurveyEstimate) -> FloatArray:
    """Return the two-sided p-values (k,) of no difference from zero; NaN without any variance."""
    if estimate.df < 1:
        msg = f"{estimate.df} degrees of freedom leave no test: there are too few clusters"
        raise ValueError(msg)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(estimate.estimate) / estimate.standard_error
    result: FloatArray = np.where(estimate.standard_error > 0, 2 * t.sf(z, estimate.df), np.nan)
    return result


def share_interval(
    estimate: SurveyEstimate,
    *,
    method: ShareMethod = "korn_graubard",
    confidence_level: float = 0.95,
    truncate: bool = True,
) -> Limits:
    """Return lower and upper limits (k,) of shares, the means of values 0 and 1.

    ``"korn_graubard"`` is exact for a binomial count among the effective number of respondents,
    made smaller still by the t quantile of as many independent respondents over that of the
    degrees of freedom. ``truncate`` keeps the effective number from exceeding the respondents
    that the estimate rests on, which a variance estimated too small would do; R does not. A share
    of exactly 0 or 1 has no estimated variance and takes the respondents themselves. ``"logit"``
    is symmetric on the log odds and ``"wald"`` on the share; at 0 and 1 these have no interval
    (NaN).

    Raises ValueError for estimates outside 0 and 1 and as :func:`t_interval` does.
    """
    p = estimate.estimate
    if ((p < 0) | (p > 1)).any():
        msg = "a share lies between 0 and 1; these are means of something else"
        raise ValueError(msg)
    quantile = _quantile(estimate, confidence_level)
    if method == "wald":
        lower, upper = t_interval(estimate, confidence_level=confidence_level)
        return _inside(p, lower), _inside(p, upper)
    if method == "logit":
        with np.errstate(divide="ignore", invalid="ignore"):
            half = quantile * estimate.standard_error / (p * (1 - p))
            return _inside(p, expit(logit(p) - half)), _inside(p, expit(logit(p) + half))
    if method != "korn_graubard":
        msg = f"method must be korn_graubard, logit or wald, found {method!r}"
        raise ValueError(msg)
    tail = (1 - confidence_level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = p * (1 - p) / np.diag(estimate.covariance)
    known = (p > 0) & (p < 1) & np.isfinite(effective)
    effective = np.where(known, effective, estimate.n)
    effective = effective * (float(t.isf(tail, max(estimate.n - 1, 1))) / quantile) ** 2
    if truncate:
        effective = np.minimum(effective, estimate.n)
    lower = np.where(p > 0, beta.ppf(tail, effective * p, effective * (1 - p) + 1), 0.0)
    upper = np.where(p < 1, beta.isf(tail, effective * p + 1, effective * (1 - p)), 1.0)
    return lower, upper


def _inside(p: FloatArray, limits: FloatArray) -> FloatArray:
    """Return the limits, NaN where the share is 0 or 1."""
    result: FloatArray = np.where((p > 0) & (p < 1), limits, math.nan)
    return result


def _quantile(estimate: SurveyEstimate, confidence_level: float) -> float:
    if not 0 < confidence_level < 1:
        msg = f"confidence_level must lie between 0 and 1, found {confidence_level}"
        raise ValueError(msg)
    if estimate.df < 1:
        msg = f"{estimate.df} degrees of freedom leave no interval: there are too few clusters"
        raise ValueError(msg)
    return float(t.isf((1 - confidence_level) / 2, estimate.df))
