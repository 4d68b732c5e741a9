"""Factors by which weights must change to meet totals, as close to 1 as a distance allows.

Source: Deville and Särndal (1992), JASA 87: the factors are F(x'λ) with F(0) = F'(0) = 1, where F
belongs to the distance and λ follows from the totals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

FloatArray = npt.NDArray[np.float64]
Distance = Literal["linear", "raking", "logit"]
#: Smallest and largest factor, for all rows or one pair per row.
Bounds = tuple[npt.ArrayLike, npt.ArrayLike]
#: Factors and their derivatives (n,) at x'λ (n,).
Link = Callable[[FloatArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """Factors (n,) with the iterations spent and the remaining differences (p,).

    ``misfit`` is what is reached less what was asked, as a share of the latter (of the sum of the
    absolute values in the sample where that is more than a million times as large).
    """

    factors: FloatArray
    iterations: int
    misfit: FloatArray


def check_bounds(bounds: tuple[float, float] | None) -> tuple[float, float]:
    """Return bounds on the ratio of new to old weights, infinite when there are none."""
    if bounds is None:
        return -np.inf, np.inf
    lower, upper = bounds
    if not lower < 1 < upper:
        msg = f"bounds on the ratio of weights must lie around 1, found {lower} and {upper}"
        raise ValueError(msg)
    return float(lower), float(upper)


def calibration_factors(
    weights: FloatArray,
    variables: FloatArray,
    totals: FloatArray,
    *,
    distance: Distance,
    bounds: Bounds,
    tolerance: float,
    max_iterations: int,
) -> Factors:
    """Return factors g (n,) for which Σ w g x equals ``totals`` (p,), by Newton's method.

    ``weights`` (n,), ``variables`` (n, p). Steps are halved until the differences shrink. The
    result can fall short of the totals: the caller judges ``misfit``.
    """
    link = _link(distance, *bounds)
    size = np.maximum(np.abs(totals), 1e-6 * (weights[:, None] * np.abs(variables)).sum(axis=0))
    size[size == 0] = 1.0
    # Variables in units of their totals, so that no unit of measurement decides.
    scaled = variables / size
    aim = totals / size
    rows = weights[:, None] * scaled
    position = np.zeros(len(aim))
    factors, slope = link(scaled @ position)
    gap = aim - rows.T @ factors
    iterations = 0
    while np.abs(gap).max() > tolerance and iterations < max_iterations:
        step = _newton_step(scaled * np.sqrt(weights * slope)[:, None], gap)
        share, before = 1.0, float(np.linalg.norm(gap))
        iterations += 1
        while share > 1e-9:
            factors, slope = link(scaled @ (position + share * step))
            gap = aim - rows.T @ factors
            if np.linalg.norm(gap) < before:  # false for an overflow as well
                break
            share /= 2
        else:
            factors, slope = link(scaled @ position)
            gap = aim - rows.T @ factors
            break
        position = position + share * step
    return Factors(factors, iterations, -gap)


def reachable(
    weights: FloatArray, variables: FloatArray, totals: FloatArray, bounds: Bounds
) -> bool:
    """Say whether any factors within ``bounds`` meet the totals at all (linear programming)."""
    limits = np.column_stack(
        [np.broadcast_to(np.asarray(b, dtype=float), weights.shape) for b in bounds]
    )
    size = np.where(totals == 0, 1.0, np.abs(totals))
    found = linprog(
        np.zeros(len(weights)),
        A_eq=(weights[:, None] * variables / size).T,
        b_eq=totals / size,
        bounds=limits,
    )
    return bool(found.status != 2)


def _newton_step(root: FloatArray, gap: FloatArray) -> FloatArray:
    """Solve (root' root) step = gap, leaving out directions in which nothing varies."""
    _, singular, right = np.linalg.svd(root, full_matrices=False)
    kept = singular > singular.max() * 1e-10
    result: FloatArray = right[kept].T @ ((right[kept] @ gap) / singular[kept] ** 2)
    return result


def _link(distance: Distance, lower: npt.ArrayLike, upper: npt.ArrayLike) -> Link:
    """Return F and F' of a distance; linear and raking are cut off at the bounds."""
    low, high = np.asarray(lower, dtype=float), np.asarray(upper, dtype=float)

    def linear(u: FloatArray) -> tuple[FloatArray, FloatArray]:
        return _cut(1 + u, np.ones_like(u), low, high)

    def raking(u: FloatArray) -> tuple[FloatArray, FloatArray]:
        with np.errstate(over="ignore"):
            value = np.exp(u)
        return _cut(value, value, low, high)

    def logit(u: FloatArray) -> tuple[FloatArray, FloatArray]:
        steep = (high - low) / ((high - 1) * (1 - low))
        with np.errstate(over="ignore"):
            share = 1 / (1 + (high - 1) / (1 - low) * np.exp(-steep * u))
        return low + (high - low) * share, steep * (high - low) * share * (1 - share)

    links: dict[str, Link] = {"linear": linear, "raking": raking, "logit": logit}
    if distance not in links:
        msg = f"distance must be linear, raking or logit, found {distance!r}"
        raise ValueError(msg)
    if distance == "logit" and not (np.isfinite(low).all() and np.isfinite(high).all()):
        msg = "the logit distance needs bounds"
        raise ValueError(msg)
    return links[distance]


def _cut(
    value: FloatArray, slope: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    inside = (value >= low) & (value <= high)
    return np.clip(value, low, high), np.where(inside, slope, 0.0)
