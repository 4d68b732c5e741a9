"""Proportional-odds regression of an ordered answer on a survey.

The model is P(y ≤ k) = logit⁻¹(ζ_k − xβ) with rising thresholds ζ (McCullagh 1980, JRSS B 42);
weights and covariance as in ``regression``, so this is R's ``svyolr``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit, logit

from ballot_eval.estimation.survey.design import SurveyDesign, covariance
from ballot_eval.estimation.survey.regression import (
    Rows,
    check_collinear,
    maximise,
    orthonormal,
    read_rows,
    separation,
    solve,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SurveyOrderedLogit:
    """A proportional-odds regression on ``n`` respondents used of a survey of N.

    - ``levels`` (c,): the answers found, lowest first;
    - ``thresholds`` (c−1,): log odds of an answer up to each level but the last, where x is zero;
    - ``coefficients`` (p,): log odds ratios of a *higher* answer;
    - ``covariance`` (p + c − 1, p + c − 1): of the coefficients, then the thresholds;
    - ``df``: degrees of freedom of the design (in the domain) less p, as ``svyolr`` counts them;
    - ``fitted`` (N, c): predicted shares of the answers, NaN for respondents not used;
    - ``converged``: the score equations are solved (always: a fit that is not raises ValueError);
    - ``used`` (N,), ``influence`` (N, p + c − 1), ``design``: as for ``SurveyRegression``.
    """

    levels: FloatArray
    thresholds: FloatArray
    coefficients: FloatArray
    covariance: FloatArray
    df: int
    n: int
    fitted: FloatArray
    converged: bool
    used: BoolArray
    influence: FloatArray
    design: SurveyDesign

    @property
    def standard_error(self) -> FloatArray:
        """Standard errors (p + c − 1,), of the coefficients, then the thresholds."""
        result: FloatArray = np.sqrt(np.diag(self.covariance))
        return result


def survey_ordered_logit(
    design: SurveyDesign,
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    domain: npt.ArrayLike | None = None,
) -> SurveyOrderedLogit:
    """Return the proportional-odds regression of ``y`` (N,) on the columns of ``x`` (N, p).

    ``y`` holds numbers whose order is that of the answers; levels nobody in the domain chose do not
    count. ``x`` has no column of ones: the thresholds play its part. ``domain`` (N,) as for
    :func:`~ballot_eval.estimation.survey.regression.survey_linear`.

    Raises ValueError for values missing in the domain, fewer than three levels, negative weights,
    columns that are constant or collinear, too few clusters, and columns that predict part of the
    answers without error, so that no finite coefficient fits best.
    """
    columns = np.asarray(x, dtype=float)
    taken = columns.shape[1] if columns.ndim == 2 else 0
    rows = read_rows(design, y, columns, domain, parameters=taken)
    levels, codes = np.unique(rows.y, return_inverse=True)
    if len(levels) < 3:
        msg = f"y has {len(levels)} level(s) among the respondents used; an ordered answer needs 3"
        raise ValueError(msg)
    _check_columns(rows)
    centre = rows.share @ rows.x
    z, upper = orthonormal(rows.x - centre, rows.share)
    model = _Model(z, codes.astype(np.intp), rows.share, len(levels))

    found = maximise(model.objective, model.start())
    if not found.converged:
        raise ValueError(separation(solve(upper, found.step[:taken]), rows))
    back = _back(upper, centre, len(levels) - 1)
    solution = back @ found.at
    scores = model.scores(found.at)
    influence = rows.spread(scores @ solve(found.information, back.T) / rows.total, 0.0)
    return SurveyOrderedLogit(
        levels=levels,
        thresholds=solution[taken:],
        coefficients=solution[:taken],
        covariance=covariance(design, influence),
        df=rows.df,
        n=len(rows.y),
        fitted=rows.spread(_shares(solution[taken:], rows.x @ solution[:taken]), np.nan),
        converged=True,
        used=rows.used,
        influence=influence,
        design=design,
    )


def _check_columns(rows: Rows) -> None:
    """Raise ValueError for constant or collinear columns."""
    constant = np.flatnonzero((rows.x == rows.x[0]).all(axis=0))
    if len(constant):
        msg = (
            f"column {int(constant[0])} of x is the same for every respondent used; the thresholds "
            "already play the part of a column of ones"
        )
        raise ValueError(msg)
    check_collinear(rows.x, rows.share, constant=True)


def _back(upper: FloatArray, centre: FloatArray, thresholds: int) -> FloatArray:
    """Return the matrix from coefficients of orthonormal, centred columns to those of x."""
    p = len(centre)
    inverse = solve(upper, np.eye(p))
    back = np.eye(p + thresholds)
    back[:p, :p] = inverse
    back[p:, :p] = centre @ inverse
    return back


def _shares(thresholds: FloatArray, predictor: FloatArray) -> FloatArray:
    """Return the probability (n, c) of every answer."""
    # Differences of the smaller tail, so that small shares keep their digits.
    gap = thresholds[None, :] - predictor[:, None]
    below = np.column_stack([np.zeros(len(gap)), expit(gap), np.ones(len(gap))])
    above = np.column_stack([np.ones(len(gap)), expit(-gap), np.zeros(len(gap))])
    result: FloatArray = np.where(below[:, 1:] < 0.5, np.diff(below), -np.diff(above))
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """The weighted log likelihood of orthonormal columns ``z`` (n, p) and answers ``codes`` (n,).

    With a and b the upper and lower threshold of an answer less the predictor, the probability is
    F(a) − F(b) = F(a) F(−b) (1 − exp(b − a)): three factors whose logarithms are concave, without
    the loss of digits of the difference, and the last does not depend on the predictor.
    """

    z: FloatArray
    codes: IntArray
    share: FloatArray
    levels: int

    def start(self) -> FloatArray:
        """Return no effect of the columns and the thresholds of the shares."""
        cumulative = np.cumsum(np.bincount(self.codes, weights=self.share))[:-1]
        return np.concatenate([np.zeros(self.z.shape[1]), logit(cumulative)])

    def _bounds(self, at: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return a, b and the width a − b (n,) of every answer."""
        p = self.z.shape[1]
        edges = np.concatenate([[-np.inf], at[p:], [np.inf]])
        predictor = self.z @ at[:p]
        low, high = edges[self.codes], edges[self.codes + 1]
        return high - predictor, low - predictor, high - low

    def _spread(self, upper: FloatArray, lower: FloatArray) -> FloatArray:
        """Return derivatives (n, k) from those to a and b (n,)."""
        p, n = self.z.shape[1], len(self.codes)
        edges = np.zeros((n, self.levels + 1))
        edges[np.arange(n), self.codes + 1] = upper
        edges[np.arange(n), self.codes] = lower
        result: FloatArray = np.empty((n, p + self.levels - 1))
        result[:, :p] = -self.z * (upper + lower)[:, None]
        result[:, p:] = edges[:, 1:-1]
        return result

    def scores(self, at: FloatArray) -> FloatArray:
        """Return the derivative (n, k) of every respondent's log likelihood, without weight."""
        a, b, width = self._bounds(at)
        inner = 1 / np.expm1(np.minimum(width, 700))
        return self._spread(expit(-a) + inner, -expit(b) - inner)

    def objective(self, at: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return the weighted log likelihood, its gradient (k,) and the information (k, k)."""
        a, b, width = self._bounds(at)
        if not (width > 0).all():
            k = len(at)
            return -np.inf, np.zeros(k), np.zeros((k, k))
        value = float(self.share @ (log_expit(a) + log_expit(-b) + np.log(-np.expm1(-width))))
        inner = 0.25 / np.sinh(np.minimum(width, 700) / 2) ** 2
        at_a = self.share * expit(a) * expit(-a)
        at_b = self.share * expit(b) * expit(-b)
        one, zero = np.ones(len(a)), np.zeros(len(a))
        upper, lower = self._spread(one, zero), self._spread(zero, one)
        between = upper - lower  # the derivative of the width: nought in z
        information = (
            (upper * at_a[:, None]).T @ upper
            + (lower * at_b[:, None]).T @ lower
            + (between * (self.share * inner)[:, None]).T @ between
        )
        return value, self.scores(at).T @ self.share, information
