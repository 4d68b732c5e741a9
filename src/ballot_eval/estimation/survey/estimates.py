"""Totals, means, shares and ratios of a survey, of everyone or of domains, and their contrasts.

A domain (a subgroup) is estimated with the whole sample: those outside it count as zeros, so that
the chance in how many of the domain were drawn is part of the variance (Cochran 1977, section
5A.14; Lumley 2010, section 2.2). Ratios, and means as ratios, enter the variance by their linear
approximation (Binder 1983). The numbers are those of R's survey package, where a domain is
``subset(design, …)``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.survey.design import SurveyDesign, SurveyEstimate, covariance

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def survey_total(
    design: SurveyDesign, values: npt.ArrayLike, *, domain: npt.ArrayLike | None = None
) -> SurveyEstimate:
    """Return the population totals (k,) of ``values`` (n,) or (n, k).

    ``domain`` (n,) true or false limits them to part of the population; values outside it may be
    missing. The design effect is against a simple random sample with replacement of as many
    respondents. Raises ValueError for shapes that do not fit, values missing in the domain, and a
    domain without respondents.
    """
    inside = _domain(design, domain)
    y = _values(design, values, inside)
    size = float(design.weights.sum())
    # Of the whole sample, the respondents outside the domain are zeros.
    spread = _variance(y, design.weights) * size**2 / np.count_nonzero(design.weights)
    return _estimate(design, design.weights @ y, y, inside, spread)


def survey_mean(
    design: SurveyDesign, values: npt.ArrayLike, *, domain: npt.ArrayLike | None = None
) -> SurveyEstimate:
    """Return the population means (k,) of ``values`` (n,) or (n, k); of 0 and 1, the share.

    ``domain`` and what is raised as for :func:`survey_total`.
    """
    inside = _domain(design, domain)
    y = _values(design, values, inside)
    weights = design.weights * inside
    total = float(weights.sum())
    mean = weights @ y / total
    scores = inside[:, None] * (y - mean) / total
    spread = _variance(y[inside], design.weights[inside]) / np.count_nonzero(weights)
    return _estimate(design, mean, scores, inside, spread)


def survey_ratio(
    design: SurveyDesign,
    numerator: npt.ArrayLike,
    denominator: npt.ArrayLike,
    *,
    domain: npt.ArrayLike | None = None,
) -> SurveyEstimate:
    """Return the ratios (k,) of the totals of ``numerator`` (n,) or (n, k) to ``denominator`` (n,).

    ``domain`` and what is raised as for :func:`survey_total`; also raises ValueError for a
    denominator whose total is zero. The design effect is not defined (NaN).
    """
    inside = _domain(design, domain)
    above, below = (_values(design, v, inside) for v in (numerator, denominator))
    if below.shape[1] != 1:
        msg = "denominator must be one number per respondent"
        raise ValueError(msg)
    total = float(design.weights @ below[:, 0])
    if total == 0:
        msg = "the denominator adds up to zero"
        raise ValueError(msg)
    ratio = design.weights @ above / total
    nowhere = np.full(len(ratio), np.nan)
    return _estimate(design, ratio, (above - below * ratio) / total, inside, nowhere)


def survey_domain_means(
    design: SurveyDesign, values: npt.ArrayLike, domains: npt.ArrayLike
) -> SurveyEstimate:
    """Return the means (g,) of ``values`` (n,) in each of ``domains`` (n, g), with covariance.

    Domains may share clusters, and respondents. Degrees of freedom are those of the clusters in
    any of the domains. Raises ValueError as :func:`survey_mean` does.
    """
    where = np.asarray(domains)
    if where.ndim != 2 or where.shape[0] != design.n or where.dtype != bool:
        msg = f"domains must be an array ({design.n}, g) of true or false"
        raise ValueError(msg)
    means, scores, spreads = [], [], []
    for column in where.T:
        inside = _domain(design, column)
        y = _values(design, values, inside)
        if y.shape[1] != 1:
            msg = "values must be one number per respondent"
            raise ValueError(msg)
        weights = design.weights * inside
        mean = weights @ y / weights.sum()
        means.append(mean)
        scores.append(inside[:, None] * (y - mean) / weights.sum())
        spread = _variance(y[inside], design.weights[inside])
        spreads.append(spread / np.count_nonzero(weights))
    return _estimate(
        design,
        np.concatenate(means),
        np.hstack(scores),
        np.asarray(where.any(axis=1)),
        np.concatenate(spreads),
    )


def survey_contrast(estimate: SurveyEstimate, coefficients: npt.ArrayLike) -> SurveyEstimate:
    """Return combinations (c,) of estimates (k,): ``coefficients`` (k,) or (c, k) times them.

    ``[1, -1]`` of two domain means is their difference. The design effect is not defined (NaN).
    Raises ValueError for coefficients that do not fit or are not finite.
    """
    rows = np.atleast_2d(np.asarray(coefficients, dtype=float))
    k = len(estimate.estimate)
    if rows.ndim != 2 or rows.shape[1] != k or not np.isfinite(rows).all():
        msg = f"coefficients must be {k} finite numbers per combination"
        raise ValueError(msg)
    return SurveyEstimate(
        rows @ estimate.estimate,
        rows @ estimate.covariance @ rows.T,
        estimate.df,
        estimate.n,
        np.full(len(rows), np.nan),
    )


def _domain(design: SurveyDesign, domain: npt.ArrayLike | None) -> BoolArray:
    inside = np.ones(design.n, dtype=bool) if domain is None else np.asarray(domain)
    if inside.shape != (design.n,) or inside.dtype != bool:
        msg = f"domain must be true or false for each of {design.n} respondents"
        raise ValueError(msg)
    inside = np.asarray(inside & (design.weights != 0))
    if not inside.any():
        msg = "the domain holds no respondent"
        raise ValueError(msg)
    return inside


def _values(design: SurveyDesign, values: npt.ArrayLike, inside: BoolArray) -> FloatArray:
    """Return values (n, k), zero outside the domain."""
    y = np.asarray(values, dtype=float)
    y = y[:, None] if y.ndim == 1 else y
    if y.ndim != 2 or len(y) != design.n or not y.shape[1]:
        msg = f"values must be one row per respondent ({design.n}), found shape {y.shape}"
        raise ValueError(msg)
    if not np.isfinite(y[inside]).all():
        msg = "values are missing or infinite in the domain; leave those respondents out of it"
        raise ValueError(msg)
    result: FloatArray = np.where(inside[:, None], y, 0.0)
    return result


def _variance(y: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the variance (k,) in the population, estimated from a sample of more than one."""
    n, total = np.count_nonzero(weights), weights.sum()
    if n < 2:
        return np.full(y.shape[1], np.nan)
    centred = y - weights @ y / total
    result: FloatArray = weights @ centred**2 / total * n / (n - 1)
    return result


def _estimate(
    design: SurveyDesign,
    estimate: FloatArray,
    scores: FloatArray,
    inside: BoolArray,
    simple: FloatArray,
) -> SurveyEstimate:
    """Return an estimate by its scores (n, k); ``simple`` (k,) is its simple random variance."""
    spread = covariance(design, scores)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(simple > 0, np.diag(spread) / simple, np.nan)
    return SurveyEstimate(
        estimate, spread, design.domain_df(inside), int(np.count_nonzero(inside)), effect
    )
