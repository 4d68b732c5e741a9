"""Linear and logistic regression on a survey: pseudo-maximum likelihood and Binder's sandwich.

The coefficients solve the weighted score equations, so they estimate what the regression on the
whole population would give; their covariance is that of the weighted totals of their linear
approximation (Binder 1983, Int. Stat. Review 51), as in R's ``svyglm`` (Lumley 2010, chapter 5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from ballot_eval.estimation.survey.design import SurveyDesign, covariance

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Objective = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]

ITERATIONS = 80
# Columns (scaled to length one) that agree to this share are the same column.
COLLINEAR = 1e-10
# Information in some direction, as a share of the most in any, below which a fit runs off.
NO_INFORMATION = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class SurveyRegression:
    """A regression on the ``n`` respondents used of a survey of N, with p columns.

    - ``coefficients`` (p,), ``covariance`` (p, p); log odds for the link ``"logit"``;
    - ``df``: degrees of freedom for t and F tests, those of the design (in the domain: its clusters
      less the strata they lie in) less p plus 1, as ``svyglm`` counts them;
    - ``fitted`` (N,): predicted mean or probability, NaN for respondents not used;
    - ``converged``: the score equations are solved (always: a fit that is not raises ValueError);
    - ``used`` (N,): the respondents of the domain with a weight above zero;
    - ``influence`` (N, p): what one person more would add to the coefficients, 0 if not used: what
      ``covariance`` is the design covariance of;
    - ``design``: the design of the survey.
    """

    coefficients: FloatArray
    covariance: FloatArray
    df: int
    n: int
    fitted: FloatArray
    converged: bool
    link: Literal["identity", "logit"]
    used: BoolArray
    influence: FloatArray
    design: SurveyDesign

    @property
    def standard_error(self) -> FloatArray:
        """Standard errors (p,)."""
        result: FloatArray = np.sqrt(np.diag(self.covariance))
        return result


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows a regression uses and its degrees of freedom.

    ``used`` (N,), ``y`` (n,), ``x`` (n, p), ``share`` (n,) of the total weight.
    """

    used: BoolArray
    y: FloatArray
    x: FloatArray
    share: FloatArray
    total: float
    df: int

    def spread(self, values: FloatArray, fill: float) -> FloatArray:
        """Return ``values`` (n, …) in the rows used of an array (N, …) of ``fill``."""
        result = np.full((len(self.used), *values.shape[1:]), fill)
        result[self.used] = values
        return result


def survey_linear(
    design: SurveyDesign,
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    domain: npt.ArrayLike | None = None,
) -> SurveyRegression:
    """Return the linear regression of ``y`` (N,) on the columns of ``x`` (N, p).

    ``x`` holds its own column of ones. ``domain`` (N,) true or false limits the regression to part
    of the population; the other respondents still count as drawn, and their ``y`` and ``x`` may be
    missing. This is R's ``svyglm(family = gaussian())``, on ``subset(design, …)`` for a domain.

    Raises ValueError for values missing in the domain, negative weights, columns that are
    collinear, a ``y`` that is constant or predicted without error, and too few clusters.
    """
    rows = read_rows(design, y, x, domain)
    check_collinear(rows.x, rows.share)
    _check_varies(rows.y)
    basis, upper = orthonormal(rows.x, rows.share)
    solution = basis.T @ (rows.share * rows.y)
    residual = rows.y - basis @ solution
    if float(rows.share @ residual**2) <= 1e-24 * float(rows.share @ rows.y**2):
        msg = "x predicts y without error, which leaves no uncertainty to estimate"
        raise ValueError(msg)
    influence = solve(upper, (basis * residual[:, None]).T).T / rows.total
    coefficients = solve(upper, solution)
    return _regression(design, rows, coefficients, influence, "identity")


def survey_logit(
    design: SurveyDesign,
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    *,
    domain: npt.ArrayLike | None = None,
) -> SurveyRegression:
    """Return the logistic regression of ``y`` (N,), 0 or 1, on the columns of ``x`` (N, p).

    ``x`` and ``domain`` as for :func:`survey_linear`. This is R's
    ``svyglm(family = quasibinomial())``.

    Raises ValueError for values missing in the domain, a ``y`` that is not 0 or 1 or is constant,
    negative weights, columns that are collinear, too few clusters, and separation: columns that
    tell for part of the respondents without error who answers 1, so that no finite coefficient
    fits best (Albert and Anderson 1984).
    """
    rows = read_rows(design, y, x, domain)
    if not np.isin(rows.y, (0, 1)).all():
        msg = "y must be 0 or 1 for a logistic regression"
        raise ValueError(msg)
    check_collinear(rows.x, rows.share)
    _check_varies(rows.y)
    basis, upper = orthonormal(rows.x, rows.share)
    sign = 2 * rows.y - 1

    def objective(at: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        margin = sign * (basis @ at)
        wrong = expit(-margin)  # the probability of the other answer
        curvature = rows.share * wrong * expit(margin)
        value = -float(rows.share @ np.logaddexp(0, -margin))
        return value, basis.T @ (rows.share * sign * wrong), (basis * curvature[:, None]).T @ basis

    found = maximise(objective, np.zeros(rows.x.shape[1]))
    if not found.converged:
        raise ValueError(separation(solve(upper, found.step), rows))
    scores = basis * (sign * expit(-sign * (basis @ found.at)))[:, None]
    internal = solve(found.information, scores.T)
    influence = solve(upper, internal).T / rows.total
    return _regression(design, rows, solve(upper, found.at), influence, "logit")


def _regression(
    design: SurveyDesign,
    rows: Rows,
    coefficients: FloatArray,
    influence: FloatArray,
    link: Literal["identity", "logit"],
) -> SurveyRegression:
    """Return the result with fitted values and covariance."""
    predictor = rows.x @ coefficients
    fitted = expit(predictor) if link == "logit" else predictor
    spread = rows.spread(influence, 0.0)
    return SurveyRegression(
        coefficients=coefficients,
        covariance=covariance(design, spread),
        df=rows.df,
        n=len(rows.y),
        fitted=rows.spread(fitted, np.nan),
        converged=True,
        link=link,
        used=rows.used,
        influence=spread,
        design=design,
    )


def read_rows(
    design: SurveyDesign,
    y: npt.ArrayLike,
    x: npt.ArrayLike,
    domain: npt.ArrayLike | None,
    *,
    parameters: int | None = None,
) -> Rows:
    """Return the rows of the domain that have weight, checked.

    ``parameters`` is how many degrees of freedom the regression takes, p − 1 when not given.
    """
    outcome, columns = np.asarray(y, dtype=float), np.asarray(x, dtype=float)
    if outcome.shape != (design.n,):
        msg = f"y must be one number per respondent: ({design.n},), found shape {outcome.shape}"
        raise ValueError(msg)
    if columns.ndim != 2 or len(columns) != design.n or not columns.shape[1]:
        msg = f"x must be one row per respondent: ({design.n}, p), found shape {columns.shape}"
        raise ValueError(msg)
    inside = np.ones(design.n, dtype=bool) if domain is None else np.asarray(domain)
    if inside.shape != (design.n,) or inside.dtype != bool:
        msg = f"domain must be true or false for each of {design.n} respondents"
        raise ValueError(msg)
    if (design.weights[inside] < 0).any():
        msg = "weights are negative; a regression needs calibration that keeps them positive"
        raise ValueError(msg)
    used = inside & (design.weights > 0)
    if not used.any():
        msg = "the domain holds no respondent with a weight above zero"
        raise ValueError(msg)
    outcome, columns = outcome[used], columns[used]
    if not (np.isfinite(outcome).all() and np.isfinite(columns).all()):
        msg = "y or x is missing or infinite for respondents in the domain; leave them out of it"
        raise ValueError(msg)
    total = float(design.weights[used].sum())
    taken = columns.shape[1] - 1 if parameters is None else parameters
    df = design.domain_df(used) - taken
    if df < 1:
        msg = (
            f"{columns.shape[1]} columns are too many for the clusters of the survey: they leave "
            f"{df} degrees of freedom"
        )
        raise ValueError(msg)
    return Rows(used, outcome, columns, design.weights[used] / total, total, df)


def check_collinear(x: FloatArray, share: FloatArray, *, constant: bool = False) -> None:
    """Raise ValueError naming columns of ``x`` (n, p) that are zero or a sum of others.

    ``constant`` is true for a model with a constant beside ``x``, which no columns may add up to.
    """
    zero = np.flatnonzero((x == 0).all(axis=0))
    if len(zero):
        msg = f"column {int(zero[0])} of x is zero for every respondent used"
        raise ValueError(msg)
    scaled = np.column_stack([x, np.ones(len(x))] if constant else [x]) * np.sqrt(share)[:, None]
    scaled /= np.sqrt((scaled**2).sum(axis=0))
    _, singular, right = np.linalg.svd(np.linalg.qr(scaled, mode="r"))
    rank = int((singular > COLLINEAR * singular[0]).sum())
    if rank < scaled.shape[1]:
        involved = np.flatnonzero((np.abs(right[rank:]) > 1e-6).any(axis=0)).tolist()
        what = "are collinear"
        if x.shape[1] in involved:
            involved.remove(x.shape[1])
            what = "add up to a constant"
        msg = f"columns {involved} of x {what} for the respondents used: drop one"
        raise ValueError(msg)


def _check_varies(y: FloatArray) -> None:
    """Raise ValueError for an outcome that is the same for everyone."""
    if (y == y[0]).all():
        msg = f"y is {y[0]:g} for every respondent used: there is nothing to explain"
        raise ValueError(msg)


def orthonormal(x: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return z (n, p) with Σ share·z z' = 1, and the upper triangle R of x = z R."""
    upper = np.asarray(np.linalg.qr(x * np.sqrt(share)[:, None], mode="r"), dtype=float)
    return solve(upper.T, x.T).T, upper


def solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Return the solution of ``matrix`` (k, k) times it is ``right`` (k,) or (k, m)."""
    result: FloatArray = np.asarray(np.linalg.solve(matrix, right), dtype=float)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where Newton's method stopped: ``at`` (k,), the information there and the last step."""

    at: FloatArray
    information: FloatArray
    step: FloatArray
    converged: bool


def maximise(objective: Objective, start: FloatArray) -> Maximum:
    """Return the maximum of a concave ``objective`` (value, gradient, information) by Newton.

    The objective may be −∞ outside its domain. Where it rises for ever (separation) every step
    moves the predictor by about 1 while the information dies away; so convergence is judged by
    the step and never by the value or the gradient, and a direction without information ends it.
    """
    at, step = start, np.zeros_like(start)
    value, gradient, information = objective(at)
    for _ in range(ITERATIONS):
        eigenvalues = np.linalg.eigvalsh(information)
        if not eigenvalues[0] > NO_INFORMATION * eigenvalues[-1]:
            break
        step = solve(information, gradient)
        size = float(np.abs(step).max())
        for _ in range(50):
            new = objective(at + step)
            if new[0] >= value - 1e-13 * abs(value):
                break
            step = step / 2
        else:
            break
        at, (value, gradient, information) = at + step, new
        # The error left is of the order of the square of the last step.
        if size <= 1e-8 * (1 + float(np.abs(at).max())):
            return Maximum(at, information, step, converged=True)
    return Maximum(at, information, step, converged=False)


def separation(direction: FloatArray, rows: Rows) -> str:
    """Return the message for a fit that runs off in ``direction`` (p,) of the coefficients."""
    pull = np.abs(direction) * np.sqrt(rows.share @ rows.x**2)
    columns = np.flatnonzero(pull > 1e-3 * pull.max()).tolist()
    return (
        f"columns {columns} of x predict part of the answers without error, or nearly so "
        "(separation), and the coefficients that fit best are infinite or cannot be told from it: "
        "join categories or drop columns"
    )
