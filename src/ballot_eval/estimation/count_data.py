"""What the count models share: checked input, the panel's cells, results and errors.

Sources: Correia, Guimarães & Zylkin (2019), arXiv:1903.01633 (units without events separate);
Correia (2015), Duke University working paper (units with a single row carry no information).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, t

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
CountMethod = Literal[
    "quasi_binomial", "quasi_poisson", "poisson", "negative_binomial", "quasi_negative_binomial"
]
BetaBinomialMethod = Literal["beta_binomial", "quasi_beta_binomial"]
ModelMethod = CountMethod | BetaBinomialMethod
Measure = Literal["odds_ratio", "rate_ratio"]

#: A fitted rate this far below the pooled one is on its way to 0: no finite estimate exists.
SEPARATION_RATIO = 1e-6

#: Models with a logit link; the others have a logarithm.
ODDS_METHODS: tuple[ModelMethod, ...] = ("quasi_binomial", "beta_binomial", "quasi_beta_binomial")


class ConvergenceError(ValueError):
    """The likelihood could not be maximised."""


class SeparationError(ValueError):
    """A cell without events (or with nothing else) drives an estimate to infinity."""


class NoOverdispersionError(ValueError):
    """The counts vary no more than the model without overdispersion: its parameter is 0."""


@dataclass(frozen=True, slots=True)
class GoodnessOfFit:
    """How well a model fits.

    ``dispersion`` is Pearson's X² over ``df_residual`` under the variance of the model (1 when
    that variance is right; quasi models then multiply it by ``dispersion``).
    ``max_abs_residual`` is the largest Pearson residual, not divided by the dispersion.
    """

    dispersion: float
    df_residual: int
    pearson_chi2: float
    max_abs_residual: float
    n_rows: int


@dataclass(frozen=True, slots=True)
class CountFit:
    """A fitted count model with k coefficients over n rows.

    ``coefficients`` (k,) are log odds ratios or log rate ratios (see ``measure``), ``covariance``
    (k, k) theirs; ``ratios``, ``ci_lower``, ``ci_upper`` (k,) are on the ratio scale.
    ``df`` is that of the t distribution behind limits and p-values, infinite for the normal.
    ``overdispersion`` is the negative binomial α (variance μ + αμ²) or the beta-binomial
    intraclass correlation, with its standard error; NaN for the other models.
    ``log_likelihood`` is NaN for quasi-binomial and quasi-Poisson, which have none. ``fitted``
    (n,) are expected counts, ``pearson_residuals`` (n,) (count − fitted) / √variance of the model.
    """

    method: ModelMethod
    measure: Measure
    names: tuple[str, ...]
    coefficients: FloatArray
    standard_errors: FloatArray
    covariance: FloatArray
    ratios: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    p_values: FloatArray
    df: float
    overdispersion: float
    overdispersion_se: float
    log_likelihood: float
    fitted: FloatArray
    pearson_residuals: FloatArray
    goodness: GoodnessOfFit


@dataclass(frozen=True, slots=True)
class RatioEffect:
    """The effect of the new ballot as a ratio, with municipality and election effects.

    ``measure`` says a ratio of what: ``odds_ratio`` for (quasi- and beta-)binomial models,
    ``rate_ratio`` for Poisson and negative binomial ones; for rates below 1 % they are the same
    within 1 %. ``rows`` are the positions of the input rows the model used, in the order of
    ``model.fitted`` and ``model.pearson_residuals``. The municipalities left out are named:
    ``dropped_without_events`` had no event at any election (their effect is −∞ and they say
    nothing about the ratio), ``dropped_single_row`` have one election only.
    """

    ratio: float
    ci_lower: float
    ci_upper: float
    p_value: float
    coefficient: float
    standard_error: float
    measure: Measure
    n_experiment: int
    n_control: int
    n_elections: int
    dropped_without_events: tuple[str, ...]
    dropped_single_row: tuple[str, ...]
    rows: IntArray
    model: CountFit


@dataclass(frozen=True, slots=True)
class PanelCells:
    """Checked rows of a municipality × election panel, as :func:`panel_cells` makes them.

    ``design`` (n, k) holds the new-ballot column and the elections but the first; ``unit`` (n,)
    numbers the municipalities from 0, without gaps.
    """

    counts: FloatArray
    totals: FloatArray
    unit: IntArray
    design: FloatArray
    names: tuple[str, ...]
    rows: IntArray
    n_experiment: int
    dropped_without_events: tuple[str, ...]
    dropped_single_row: tuple[str, ...]

    @property
    def n_units(self) -> int:
        """Return the number of municipalities."""
        return int(self.unit.max()) + 1


def ratio_effect(cells: PanelCells, model: CountFit) -> RatioEffect:
    """Return the first coefficient of ``model``, the new ballot's, with the panel behind it."""
    return RatioEffect(
        ratio=float(model.ratios[0]),
        ci_lower=float(model.ci_lower[0]),
        ci_upper=float(model.ci_upper[0]),
        p_value=float(model.p_values[0]),
        coefficient=float(model.coefficients[0]),
        standard_error=float(model.standard_errors[0]),
        measure=model.measure,
        n_experiment=cells.n_experiment,
        n_control=cells.n_units - cells.n_experiment,
        n_elections=len(cells.names),  # one of the names is the ballot, one election has none
        dropped_without_events=cells.dropped_without_events,
        dropped_single_row=cells.dropped_single_row,
        rows=cells.rows,
        model=model,
    )


def check_counts(
    numerators: npt.ArrayLike, denominators: npt.ArrayLike, *, bounded: bool
) -> tuple[FloatArray, FloatArray]:
    """Return both (n,) as floats; ValueError unless they can be counts with some event.

    With ``bounded`` no count may exceed its denominator, and not all may equal it.
    """
    y, n = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    problem = ""
    if y.ndim != 1 or y.shape != n.shape:
        problem = f"numerators {y.shape} and denominators {n.shape} must be (n,) arrays"
    elif not (np.isfinite(y).all() and np.isfinite(n).all()):
        problem = "numerators and denominators must be finite; leave incomplete rows out first"
    elif (y < 0).any() or (y != np.floor(y)).any():
        problem = "numerators must be whole numbers of at least 0"
    elif (n <= 0).any():
        problem = f"denominators must be positive; {int((n <= 0).sum())} are not"
    elif bounded and (y > n).any():
        problem = f"a numerator exceeds its denominator in {int((y > n).sum())} rows"
    elif not y.any():
        problem = "there are no events: every numerator is 0"
    elif bounded and (y == n).all():
        problem = "every numerator equals its denominator"
    if problem:
        raise ValueError(problem)
    return y, n


def check_design(
    design: npt.ArrayLike, names: Sequence[str], n_rows: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the design (n, k) and its k names; ValueError when it is unusable or singular."""
    x, labels = np.asarray(design, dtype=float), tuple(names)
    if x.ndim != 2 or x.shape[0] != n_rows or x.shape[1] != len(labels):
        msg = (
            f"design {x.shape} must have {n_rows} rows and a column for each of {len(labels)} names"
        )
        raise ValueError(msg)
    if not np.isfinite(x).all():
        msg = "the design must be finite"
        raise ValueError(msg)
    if n_rows <= x.shape[1]:
        msg = f"{n_rows} rows cannot carry {x.shape[1]} coefficients and a dispersion"
        raise ValueError(msg)
    if design_rank(x) < x.shape[1]:
        msg = "the design is singular: a column is a combination of the others"
        raise ValueError(msg)
    return x, labels


def design_rank(x: FloatArray) -> int:
    """Return the rank of a design (n, k) after scaling its columns."""
    size = np.linalg.norm(x, axis=0)
    return int(
        np.linalg.matrix_rank(x / np.where(size > 0, size, 1.0), tol=1e-9 * math.sqrt(len(x)))
    )


def panel_cells(
    numerators: npt.ArrayLike,
    denominators: npt.ArrayLike,
    municipality: npt.ArrayLike,
    election: npt.ArrayLike,
    new_ballot: npt.ArrayLike,
) -> PanelCells:
    """Return the usable rows of a panel with municipality and election effects.

    All arguments are (n,). Municipalities without any event, and those with one election only,
    are left out and named in the result. Raises ValueError, or SeparationError, as
    :func:`ballot_eval.estimation.counts.did_ratio` says.
    """
    y, n = check_counts(numerators, denominators, bounded=True)
    places, elections = np.asarray(municipality), np.asarray(election)
    exposed = _check_exposure(new_ballot, places, elections, len(y))
    labels, unit = np.unique(places, return_inverse=True)
    empty = np.bincount(unit, weights=y) == 0
    single = ~empty & (np.bincount(unit) == 1)
    rows = np.flatnonzero(~(empty | single)[unit])
    if not len(rows):
        msg = "no municipality has events and more than one election"
        raise ValueError(msg)
    y, n, exposed = y[rows], n[rows], exposed[rows]
    unit = np.unique(unit[rows], return_inverse=True)[1].astype(np.intp)
    periods, period = np.unique(elections[rows], return_inverse=True)
    _check_separation(y, exposed, period, periods)
    design = np.column_stack([exposed, *(period == i for i in range(1, len(periods)))])
    _check_identified(design.astype(float), unit)
    return PanelCells(
        counts=y,
        totals=n,
        unit=unit,
        design=design.astype(float),
        names=("new_ballot", *(f"election:{label}" for label in periods[1:])),
        rows=rows,
        n_experiment=len(np.unique(unit[exposed])),
        dropped_without_events=tuple(str(label) for label in labels[empty]),
        dropped_single_row=tuple(str(label) for label in labels[single]),
    )


def _check_exposure(
    new_ballot: npt.ArrayLike, places: npt.NDArray[Any], elections: npt.NDArray[Any], n_rows: int
) -> npt.NDArray[np.bool_]:
    exposed = np.asarray(new_ballot)
    problem = ""
    if not places.shape == elections.shape == exposed.shape == (n_rows,):
        problem = f"municipality, election and new_ballot must have one entry per row ({n_rows})"
    elif not np.isin(exposed, (0, 1)).all():
        problem = "new_ballot must be true or false in every row"
    elif not exposed.any():
        problem = "no row has the new ballot"
    elif len(set(zip(places.tolist(), elections.tolist(), strict=True))) < n_rows:
        problem = "a municipality occurs more than once at an election"
    if problem:
        raise ValueError(problem)
    return exposed.astype(bool)


def _check_separation(
    y: FloatArray, exposed: npt.NDArray[np.bool_], period: IntArray, periods: npt.NDArray[Any]
) -> None:
    silent = np.bincount(period, weights=y) == 0
    if silent.any():
        names = ", ".join(str(label) for label in periods[silent])
        msg = f"no events at all at election {names}: its effect is infinite; leave it out first"
        raise SeparationError(msg)
    if exposed.any() and not y[exposed].any():
        msg = "no events with the new ballot: the ratio is 0 and has no standard error"
        raise SeparationError(msg)


def _check_identified(design: FloatArray, unit: IntArray) -> None:
    within = design - group_mean(design, unit, np.ones(len(unit)))
    if len(unit) <= unit.max() + 1 + design.shape[1]:
        msg = f"{len(unit)} rows cannot carry municipality and election effects and a dispersion"
        raise ValueError(msg)
    if design_rank(within) < design.shape[1]:
        msg = (
            "the new ballot cannot be told from municipality and election effects: controls, an "
            "election before, or elections that share municipalities are missing"
        )
        raise ValueError(msg)


def group_mean(values: FloatArray, unit: IntArray, weights: FloatArray) -> FloatArray:
    """Return for every row the weighted mean of its unit; ``values`` (n,) or (n, k)."""
    total = np.bincount(unit, weights=weights)
    columns = values.reshape(len(values), -1).T
    means = [(np.bincount(unit, weights=weights * c) / total)[unit] for c in columns]
    return np.column_stack(means).reshape(values.shape)


def refuse_separation(mean: FloatArray, y: FloatArray, n: FloatArray, *, bounded: bool) -> None:
    """Raise SeparationError when an expected count (n,) has run to 0.

    With ``bounded`` also when it has run to its denominator.
    """
    rate, pooled = mean / n, y.sum() / n.sum()
    runaway = rate < SEPARATION_RATIO * pooled
    if bounded and pooled < 1:
        runaway |= 1 - rate < SEPARATION_RATIO * (1 - pooled)
    if runaway.any() or not np.isfinite(mean).all():
        msg = (
            f"separation: the fit of {max(int(runaway.sum()), 1)} rows runs to 0 or to everything, "
            "so an estimate is infinite; a cell of the design has no events, or nothing else"
        )
        raise SeparationError(msg)


def summarise(
    method: ModelMethod,
    names: tuple[str, ...],
    coefficients: FloatArray,
    covariance: FloatArray,
    counts: FloatArray,
    fitted: FloatArray,
    variance: FloatArray,
    *,
    df_residual: int,
    confidence_level: float,
    overdispersion: tuple[float, float] = (math.nan, math.nan),
    log_likelihood: float = math.nan,
) -> CountFit:
    """Return the result of a fit: limits, p-values, residuals.

    ``covariance`` (k, k) is at dispersion 1; quasi models multiply it by Pearson's dispersion
    and use t(``df_residual``). ``variance`` (n,) is that of the counts under the model.
    """
    if not 0 < confidence_level < 1:
        msg = f"confidence_level {confidence_level} is not between 0 and 1"
        raise ValueError(msg)
    residuals = (counts - fitted) / np.sqrt(variance)
    chi2 = float((residuals**2).sum())
    dispersion = chi2 / df_residual
    if chi2 <= 1e-9 * len(counts):
        # Rounding would become a standard error, and the p-value nonsense.
        msg = "the model fits the counts perfectly: there is no variation to judge by"
        raise ValueError(msg)
    quasi = method.startswith("quasi")
    covariance = covariance * dispersion if quasi else covariance
    df = float(df_residual) if quasi else math.inf
    reference = t(df) if quasi else norm()
    errors = np.sqrt(np.diag(covariance))
    half = float(reference.isf((1 - confidence_level) / 2)) * errors
    return CountFit(
        method=method,
        measure="odds_ratio" if method in ODDS_METHODS else "rate_ratio",
        names=names,
        coefficients=coefficients,
        standard_errors=errors,
        covariance=covariance,
        ratios=np.exp(coefficients),
        ci_lower=np.exp(coefficients - half),
        ci_upper=np.exp(coefficients + half),
        p_values=2 * reference.sf(np.abs(coefficients) / errors),
        df=df,
        overdispersion=overdispersion[0],
        overdispersion_se=overdispersion[1],
        log_likelihood=log_likelihood,
        fitted=fitted,
        pearson_residuals=residuals,
        goodness=GoodnessOfFit(
            dispersion=dispersion,
            df_residual=df_residual,
            pearson_chi2=chi2,
            max_abs_residual=float(np.abs(residuals).max()),
            n_rows=len(counts),
        ),
    )
