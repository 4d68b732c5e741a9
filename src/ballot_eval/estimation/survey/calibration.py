"""Weights that reproduce known totals of the population.

Post-stratification and raking (Deming and Stephan 1940, Annals of Mathematical Statistics 11), and
the calibration estimators of Deville and Särndal (1992), JASA 87, of which both are cases. The
variance of what is estimated with calibrated weights is that of the residuals of a regression on
the calibration variables (:func:`~ballot_eval.estimation.survey.design.covariance`), weighted with
the weights before calibration, as R's survey package does after ``postStratify`` and ``calibrate``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.survey.design import SurveyDesign, kish_effective_size
from ballot_eval.estimation.survey.distances import (
    Distance,
    calibration_factors,
    check_bounds,
    reachable,
)
from ballot_eval.estimation.survey.margins import (
    CellTable,
    Margin,
    MarginInput,
    cell_table,
    read_margin,
    read_margins,
)

FloatArray = npt.NDArray[np.float64]
Regression = Literal["design", "equal"]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A design with calibrated weights, and what it took to get there.

    - ``iterations``: rounds over the margins, or steps of Newton's method;
    - ``worst``: largest remaining difference from a total, as a share of the total;
    - ``smallest_ratio``, ``largest_ratio``, ``ratio_cv``: of the weights to those before, their
      extremes and their standard deviation over their mean;
    - ``design_effect``: n Σw²/(Σw)² of the new weights, what their inequality alone costs
      (Kish 1965).
    """

    design: SurveyDesign
    iterations: int
    worst: float
    smallest_ratio: float
    largest_ratio: float
    ratio_cv: float
    design_effect: float


def poststratify(
    design: SurveyDesign, labels: npt.ArrayLike, population: Mapping[Any, float]
) -> Calibration:
    """Return the design with weights that add up to ``population`` in every group.

    ``labels`` (n,) are the groups of the respondents, ``population`` the people in each. For
    groups by several variables make one label of them. Agrees with R's ``postStratify``.

    Raises ValueError for missing labels, labels without a total, totals that are not positive and
    finite, and people whom no respondent represents.
    """
    start = _start(design)
    margin = read_margin(labels, population, start, "groups")
    ratio = margin.targets / np.bincount(margin.codes, weights=start)
    new = start * ratio[margin.codes]
    return _calibration(design, design.reweighted(new, margin.indicators(), start), 1, 0.0)


def rake(
    design: SurveyDesign,
    margins: Sequence[MarginInput],
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1_000,
    bounds: tuple[float, float] | None = None,
    regression: Regression = "design",
) -> Calibration:
    """Return the design with weights that add up to the totals of every margin.

    Each of ``margins`` holds the labels (n,) of the respondents and the population total of every
    label. Weights are multiplied margin by margin until no total is off by more than
    ``tolerance`` of its size. With ``bounds`` the ratio of new to old weights stays between them,
    by the raking distance cut off there (R's ``calibrate(calfun = "raking", bounds = )``).

    The weights are those of R's ``rake`` with a tiny epsilon. ``regression="design"`` weights the
    regression behind the variance with the weights before raking, which is the linear
    approximation of the estimate and what R does after ``calibrate(calfun = "raking")``.
    ``"equal"`` leaves that regression unweighted, as R does after ``rake``: the same where the
    weights before raking are equal, else not the linear approximation, and often too large.

    Raises ValueError for margins of different size, whatever :func:`poststratify` refuses, and
    margins that are not reached: with the margin and label that is worst, by how much, and
    whether any weights could have met them.
    """
    start = _start(design)
    _check_limits(tolerance, max_iterations)
    if regression not in ("design", "equal"):
        msg = f"regression must be design or equal, found {regression!r}"
        raise ValueError(msg)
    found = read_margins(margins, start, tolerance)
    table = cell_table(found)
    sums = table.sums(start)
    factors, iterations = _rake_factors(sums, table, tolerance, max_iterations, bounds)
    misfit = _margin_misfit(sums * factors, table)
    if not max(np.abs(m).max() for m in misfit) <= tolerance:
        raise ValueError(_unraked(sums, table, found, misfit, iterations, bounds))
    indicators = np.column_stack([margin.indicators() for margin in found])
    behind = start if regression == "design" else np.ones_like(start)
    raked = design.reweighted(start * factors[table.cells], indicators, behind)
    return _calibration(design, raked, iterations, max(float(np.abs(m).max()) for m in misfit))


def calibrate(
    design: SurveyDesign,
    variables: npt.ArrayLike,
    totals: npt.ArrayLike,
    *,
    distance: Distance = "linear",
    bounds: tuple[float, float] | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
) -> Calibration:
    """Return the design with weights under which ``variables`` (n, p) have ``totals`` (p,).

    Include a column of ones to keep the size of the population. ``distance`` says how weights may
    differ from those before: ``"linear"`` (the regression estimator; without bounds weights can
    become negative, see ``smallest_ratio``), ``"raking"`` (positive weights) or ``"logit"``
    (needs ``bounds``). ``bounds`` limit the ratio of new to old weights; linear and raking are
    cut off there. Agrees with R's ``calibrate``. A design that was calibrated before is left with
    the new totals only, and with the residuals from the new variables.

    Raises ValueError for values that are not finite, and for totals that are not reached within
    ``tolerance`` of their size: with the variable that is worst, by how much, and whether any
    weights could have met them.
    """
    start = _start(design)
    _check_limits(tolerance, max_iterations)
    x, aim = np.asarray(variables, dtype=float), np.asarray(totals, dtype=float)
    if x.ndim != 2 or len(x) != design.n or not x.shape[1] or not np.isfinite(x).all():
        msg = f"variables must be a finite array ({design.n}, p), found shape {x.shape}"
        raise ValueError(msg)
    if aim.shape != x.shape[1:] or not np.isfinite(aim).all():
        msg = f"totals must be {x.shape[1]} finite numbers, found shape {aim.shape}"
        raise ValueError(msg)
    limits = check_bounds(bounds)
    solved = calibration_factors(
        start,
        x,
        aim,
        distance=distance,
        bounds=limits,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    _check_reached(solved.misfit, tolerance, solved.iterations, start, x, aim, limits)
    new = design.reweighted(start * solved.factors, x, start)
    return _calibration(design, new, solved.iterations, float(np.abs(solved.misfit).max()))


def trim_weights(
    design: SurveyDesign,
    lower: float,
    upper: float,
    *,
    names: Sequence[str] | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
) -> Calibration:
    """Return the design with its weights between ``lower`` and ``upper``, totals kept.

    The limits are weights, in people. What is cut off goes to the other respondents such that the
    totals to which the design was calibrated hold again, and without calibration the sum of the
    weights: the new weights are w·exp(x'λ) cut off at the limits, so that limits and totals hold
    at the same time (Deville and Särndal 1992, raking cut off at bounds). Respondents whose
    weight is zero keep it. ``names`` are those of the totals, for the error.

    Raises ValueError for limits that are not ordered, and totals that cannot be met within them.
    """
    start = _start(design)
    _check_limits(tolerance, max_iterations)
    if not 0 <= lower < upper:
        msg = f"limits of weights must be ordered and not negative, found {lower} and {upper}"
        raise ValueError(msg)
    x = np.ones((design.n, 1)) if design.auxiliary is None else design.auxiliary
    used = start > 0
    w, x = start[used], x[used]
    aim = w @ x
    limits = (lower / w, upper / w)
    solved = calibration_factors(
        w,
        x,
        aim,
        distance="raking",
        bounds=limits,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    _check_reached(solved.misfit, tolerance, solved.iterations, w, x, aim, limits, names)
    new = start.copy()
    # Multiplied and divided, a limit comes back with a rounding error.
    new[used] = np.clip(w * solved.factors, lower, upper)
    trimmed = replace(design, weights=new)
    return _calibration(design, trimmed, solved.iterations, float(np.abs(solved.misfit).max()))


def rake_table(
    sums: FloatArray, table: CellTable, *, tolerance: float, max_iterations: int
) -> tuple[FloatArray, int]:
    """Return factors (cells,) of the sums of weights (cells,) of a table, and the rounds spent.

    The factors of the last round are returned whether or not the margins are reached.
    """
    cells, rounds = sums.copy(), 0
    while rounds < max_iterations:
        rounds += 1
        for codes, targets in zip(table.codes, table.targets, strict=True):
            cells *= (targets / np.bincount(codes, weights=cells))[codes]
        if max(np.abs(m).max() for m in _margin_misfit(cells, table)) <= tolerance:
            break
    # A combination that only respondents of weight zero have keeps that weight.
    return np.divide(cells, sums, out=np.ones_like(cells), where=sums > 0), rounds


def _rake_factors(
    sums: FloatArray,
    table: CellTable,
    tolerance: float,
    max_iterations: int,
    bounds: tuple[float, float] | None,
) -> tuple[FloatArray, int]:
    """Return the factors (cells,) of raking, with or without bounds, and the iterations."""
    if bounds is None:
        return rake_table(sums, table, tolerance=tolerance, max_iterations=max_iterations)
    solved = calibration_factors(
        sums,
        table.indicators(),
        np.concatenate(table.targets),
        distance="raking",
        bounds=check_bounds(bounds),
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    return solved.factors, solved.iterations


def _start(design: SurveyDesign) -> FloatArray:
    if (design.weights < 0).any():
        msg = "negative weights cannot be calibrated again; use bounds in the first calibration"
        raise ValueError(msg)
    return design.weights


def _check_limits(tolerance: float, max_iterations: int) -> None:
    if not 0 < tolerance < 1 or max_iterations < 1:
        msg = "tolerance must lie between 0 and 1, and there must be an iteration"
        raise ValueError(msg)


def _margin_misfit(cells: FloatArray, table: CellTable) -> list[FloatArray]:
    """Return for each margin how far its totals (groups,) are off, as shares of the targets."""
    return [
        np.bincount(codes, weights=cells) / targets - 1
        for codes, targets in zip(table.codes, table.targets, strict=True)
    ]


def _unraked(
    sums: FloatArray,
    table: CellTable,
    margins: Sequence[Margin],
    misfit: Sequence[FloatArray],
    iterations: int,
    bounds: tuple[float, float] | None,
) -> str:
    """Return what to say of margins that were not reached."""
    number = int(np.argmax([np.abs(m).max() for m in misfit]))
    group = int(np.argmax(np.abs(misfit[number])))
    limits = (0.0, np.inf) if bounds is None else bounds
    possible = reachable(sums, table.indicators(), np.concatenate(table.targets), limits)
    why = "" if possible else ": no weights can meet these margins together"
    within = "" if bounds is None else f" within ratios {bounds[0]:g} to {bounds[1]:g}"
    off, aim = misfit[number][group], margins[number].targets[group]
    return (
        f"raking{within} did not converge in {iterations} iterations{why}. Worst is margin "
        f"{number + 1}, label {margins[number].labels[group]}: {aim * (1 + off):.6g} of {aim:.6g} "
        f"({100 * off:+.3g}%)"
    )


def _check_reached(
    misfit: FloatArray,
    tolerance: float,
    iterations: int,
    weights: FloatArray,
    variables: FloatArray,
    totals: FloatArray,
    bounds: tuple[npt.ArrayLike, npt.ArrayLike],
    names: Sequence[str] | None = None,
) -> None:
    """Raise ValueError when totals were not reached, with the one that is worst."""
    if np.abs(misfit).max() <= tolerance:
        return
    column = int(np.argmax(np.abs(misfit)))
    possible = reachable(weights, variables, totals, bounds)
    why = "" if possible else ": no weights within the limits can meet these totals together"
    worst = f"variable {column + 1}" if names is None else names[column]
    msg = (
        f"calibration did not converge in {iterations} iterations{why}. Worst is {worst} "
        f"with total {totals[column]:.6g}, off by {100 * misfit[column]:+.3g}%"
    )
    raise ValueError(msg)


def _calibration(
    before: SurveyDesign, after: SurveyDesign, iterations: int, worst: float
) -> Calibration:
    used = before.weights > 0
    ratio = after.weights[used] / before.weights[used]
    return Calibration(
        design=after,
        iterations=iterations,
        worst=worst,
        smallest_ratio=float(ratio.min()),
        largest_ratio=float(ratio.max()),
        ratio_cv=float(ratio.std() / ratio.mean()),
        design_effect=after.n / kish_effective_size(after.weights),
    )
