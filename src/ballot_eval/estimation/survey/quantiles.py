"""Quantiles of a survey with intervals by inverting those of the share below them.

Sources: Woodruff (1952), JASA 47; Francisco and Fuller (1991), Annals of Statistics 19. Agrees with
R's ``svyquantile`` with ``qrule = "math"`` or ``"school"`` and ``interval.type = "mean"`` or
``"xlogit"``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.survey.design import SurveyDesign
from ballot_eval.estimation.survey.estimates import survey_mean
from ballot_eval.estimation.survey.intervals import share_interval

FloatArray = npt.NDArray[np.float64]
Rule = Literal["math", "school"]

#: Relative difference at which a cumulative share counts as equal to the probability.
_EQUAL = 1e-12


@dataclass(frozen=True, slots=True)
class SurveyQuantile:
    """A quantile with its interval; a limit beyond the observed values is NaN."""

    probability: float
    estimate: float
    ci_lower: float
    ci_upper: float
    df: int
    n: int


def survey_quantile(
    design: SurveyDesign,
    values: npt.ArrayLike,
    probability: float,
    *,
    domain: npt.ArrayLike | None = None,
    rule: Rule = "math",
    interval: Literal["wald", "logit"] = "logit",
    confidence_level: float = 0.95,
) -> SurveyQuantile:
    """Return the weighted quantile of ``values`` (n,) with Woodruff's interval.

    ``rule="math"`` is the least value with at least ``probability`` of the weight at or below it;
    ``"school"`` is halfway to the next value where the share is exactly that. ``interval`` is of
    the share at or below the quantile, by t on the share or on its log odds.

    Raises ValueError for a probability that is not between 0 and 1, an unknown rule or interval,
    and as :func:`~ballot_eval.estimation.survey.estimates.survey_mean` does.
    """
    if not 0 < probability < 1:
        msg = f"probability must lie between 0 and 1, found {probability}"
        raise ValueError(msg)
    if rule not in ("math", "school") or interval not in ("wald", "logit"):
        msg = f"rule must be math or school and interval wald or logit, found {rule}, {interval}"
        raise ValueError(msg)
    y = np.asarray(values, dtype=float)
    # The mean checks shapes, and that nothing is missing in the domain.
    whole = survey_mean(design, y, domain=domain)
    inside = np.ones(design.n, dtype=bool) if domain is None else np.asarray(domain)
    inside = inside & (design.weights > 0)
    order = np.argsort(y[inside], kind="stable")
    x, cumulative = y[inside][order], np.cumsum(design.weights[inside][order])
    cumulative = cumulative / cumulative[-1]
    estimate = _at(x, cumulative, probability, rule)
    below = survey_mean(design, np.where(inside, y <= estimate, 0.0), domain=inside)
    lower, upper = (math.nan, math.nan)
    if 0 < below.estimate[0] < 1:
        shares = share_interval(below, method=interval, confidence_level=confidence_level)
        lower, upper = (
            _at(x, cumulative, float(p[0]), rule) if 0 <= p[0] <= 1 else math.nan for p in shares
        )
    return SurveyQuantile(probability, estimate, lower, upper, whole.df, whole.n)


def _at(x: FloatArray, cumulative: FloatArray, probability: float, rule: Rule) -> float:
    at = int(np.searchsorted(cumulative, probability * (1 - _EQUAL)))
    at = min(at, len(x) - 1)
    if rule == "school" and math.isclose(cumulative[at], probability, rel_tol=_EQUAL):
        above = x[x > x[at]]
        return float((x[at] + above[0]) / 2) if len(above) else float(x[at])
    return float(x[at])
