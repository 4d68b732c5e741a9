"""What regressions on a survey say: differences in shares, odds ratios, tests of several columns.

Sources: Graubard and Korn (1999), Biometrics 55 (predictive margins from surveys); Wald's F test
with the degrees of freedom of the design as in R's ``regTermTest(method = "Wald")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import f, t

from ballot_eval.estimation.survey.design import SurveyEstimate, covariance
from ballot_eval.estimation.survey.ordered import SurveyOrderedLogit
from ballot_eval.estimation.survey.regression import SurveyRegression

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class OddsRatios:
    """Odds ratios (p,) of the columns, with intervals by t with ``df`` on the log scale."""

    estimate: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    df: int
    confidence_level: float


@dataclass(frozen=True, slots=True)
class WaldTest:
    """Test that several coefficients are all zero, against F(``df_numerator``, ``df``)."""

    statistic: float
    df_numerator: int
    df: int
    p_value: float


def logit_marginal_difference(
    fit: SurveyRegression,
    x: npt.ArrayLike,
    column: int,
    *,
    other_levels: Sequence[int] = (),
    covariates: Literal["sampled", "fixed"] = "sampled",
) -> SurveyEstimate:
    """Return the mean difference in predicted probability if everyone had the indicator or not.

    A fraction: the weighted mean over the respondents used of P(y = 1 | column = 1) less
    P(y = 1 | column = 0), their other columns as they are (Graubard and Korn 1999). ``x`` (N, p) is
    that of the fit and ``column`` the number of an indicator in it. ``other_levels`` are the
    columns of further levels of the same question, set to 0 in both predictions.

    ``covariates="sampled"`` counts that the survey also estimates how the other columns are spread
    over the population, by the linear approximation of the whole mean; ``"fixed"`` is the delta
    method for the coefficients alone, the difference in this very sample. ``df`` is that of the
    fit; the design effect is not defined (NaN).

    Raises ValueError for a fit that is not logistic, an ``x`` that is not that of the fit, a column
    that is not an indicator, and columns that look like products with it (0 wherever the indicator
    is 0, or wherever it is 1) and are not ``other_levels``: a prediction that leaves them as
    they are would mean nothing.
    """
    if covariates not in ("sampled", "fixed"):
        msg = f'covariates must be "sampled" or "fixed", found {covariates!r}'
        raise ValueError(msg)
    columns = _columns_of(fit, x)
    _check_indicator(columns, column, other_levels)
    with_it, without = columns.copy(), columns.copy()
    with_it[:, other_levels] = without[:, other_levels] = 0.0
    with_it[:, column], without[:, column] = 1.0, 0.0
    high, low = expit(with_it @ fit.coefficients), expit(without @ fit.coefficients)
    weights = fit.design.weights[fit.used]
    share = weights / weights.sum()
    difference = float(share @ (high - low))
    slope = share @ (with_it * (high * (1 - high))[:, None] - without * (low * (1 - low))[:, None])
    if covariates == "fixed":
        variance = np.atleast_2d(slope @ fit.covariance @ slope)
    else:
        scores = fit.influence @ slope
        scores[fit.used] += (high - low - difference) / weights.sum()
        variance = covariance(fit.design, scores[:, None])
    return SurveyEstimate(np.array([difference]), variance, fit.df, fit.n, np.array([np.nan]))


def odds_ratios(
    fit: SurveyRegression | SurveyOrderedLogit, *, confidence_level: float = 0.95
) -> OddsRatios:
    """Return the odds ratios of the columns of a logistic or proportional-odds regression.

    For an ordered answer they are those of a higher answer. Raises ValueError for a linear
    regression and a confidence level that is not between 0 and 1.
    """
    if isinstance(fit, SurveyRegression) and fit.link != "logit":
        msg = "a linear regression has no odds ratios"
        raise ValueError(msg)
    if not 0 < confidence_level < 1:
        msg = f"confidence_level must lie between 0 and 1, found {confidence_level}"
        raise ValueError(msg)
    estimate = fit.coefficients
    half = float(t.ppf(0.5 + confidence_level / 2, fit.df)) * fit.standard_error[: len(estimate)]
    return OddsRatios(
        np.exp(estimate),
        np.exp(estimate - half),
        np.exp(estimate + half),
        fit.df,
        confidence_level,
    )


def wald_test(fit: SurveyRegression | SurveyOrderedLogit, columns: Sequence[int]) -> WaldTest:
    """Return the F test that the coefficients of ``columns`` are all zero.

    The statistic is b' V⁻¹ b / k for k columns, against F with k and ``fit.df`` degrees of freedom,
    as R's ``regTermTest(method = "Wald")``; for one column it is the square of its t.

    Raises ValueError for columns that do not exist or occur twice, and for a covariance that is
    singular, as when every cluster of the population was drawn.
    """
    p = len(fit.coefficients)
    chosen = [int(c) for c in columns]
    if not chosen or len(set(chosen)) < len(chosen) or not all(0 <= c < p for c in chosen):
        msg = f"columns must be different numbers from 0 to {p - 1}, found {list(columns)}"
        raise ValueError(msg)
    scale = fit.standard_error[chosen]
    if not (scale > 0).all():
        msg = "coefficients have no variance: there is no uncertainty to test against"
        raise ValueError(msg)
    correlation = fit.covariance[np.ix_(chosen, chosen)] / np.outer(scale, scale)
    if np.linalg.eigvalsh(correlation)[0] < 1e-12:
        msg = (
            f"the covariance of columns {chosen} is singular: too few clusters to test them at once"
        )
        raise ValueError(msg)
    z = fit.coefficients[chosen] / scale
    statistic = float(z @ np.linalg.solve(correlation, z)) / len(chosen)
    return WaldTest(statistic, len(chosen), fit.df, float(f.sf(statistic, len(chosen), fit.df)))


def _columns_of(fit: SurveyRegression, x: npt.ArrayLike) -> FloatArray:
    """Return the rows of ``x`` the fit used, after checking that they are those of the fit."""
    if fit.link != "logit":
        msg = "a linear regression needs no marginal difference: it is the coefficient itself"
        raise ValueError(msg)
    columns = np.asarray(x, dtype=float)
    if columns.shape != (fit.design.n, len(fit.coefficients)):
        msg = f"x must have the shape {(fit.design.n, len(fit.coefficients))} of the fit"
        raise ValueError(msg)
    used = columns[fit.used]
    if not np.allclose(expit(used @ fit.coefficients), fit.fitted[fit.used], rtol=0, atol=1e-9):
        msg = "x is not that of the fit: it does not give the fitted probabilities"
        raise ValueError(msg)
    return used


def _check_indicator(x: FloatArray, column: int, other_levels: Sequence[int]) -> None:
    """Raise ValueError for a column that cannot be switched for everyone."""
    p = x.shape[1]
    if not all(0 <= c < p for c in (column, *other_levels)) or column in other_levels:
        msg = f"column and other_levels must be different numbers from 0 to {p - 1}"
        raise ValueError(msg)
    on = x[:, column] == 1
    if not (on | (x[:, column] == 0)).all() or on.all() or not on.any():
        msg = f"column {column} of x must be 0 for some respondents used and 1 for the others"
        raise ValueError(msg)
    for other in range(p):
        if other == column or other in other_levels:
            continue
        if not x[on, other].any() or not x[~on, other].any():
            where = 0 if x[on, other].any() else 1
            msg = (
                f"column {other} of x is 0 wherever column {column} is {where}: it looks like a "
                "product with it, or a level of the same question (other_levels)"
            )
            raise ValueError(msg)
