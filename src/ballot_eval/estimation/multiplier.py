"""Bands of effects with influence functions: by the normal law, by the multiplier bootstrap.

Arrays only. With few units in a group the multiplier draws are far from normal: their largest
absolute t-value can be smaller than that of one normal effect. :func:`sup_t_bands` uses the normal
law with the analytic covariance instead and is what a study with a handful of units needs.

Sources: Montiel Olea & Plagborg-Møller (2019), Journal of Applied Econometrics 34(1) (sup-t bands);
Callaway & Sant'Anna (2021), Journal of Econometrics 225(2), 200–230; multipliers of Mammen
(1993), Annals of Statistics 21(1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

FloatArray = npt.NDArray[np.float64]

#: Doubles of draws × units held in memory at a time by the bootstrap.
_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class MultiplierBands:
    """Bootstrap errors and bands of a vector of effects, all (effects,) but the scalars.

    The pointwise limits use the normal quantile; the uniform ones ``critical_value``, the
    quantile of the largest absolute t-value (at least the normal one), and cover all effects
    jointly.
    """

    std_errors: FloatArray
    critical_value: float
    pointwise_lower: FloatArray
    pointwise_upper: FloatArray
    uniform_lower: FloatArray
    uniform_upper: FloatArray
    method: str
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class SupTBands:
    """Pointwise and uniform limits of effects under the normal law, all (effects,) but the scalars.

    The pointwise limits use the normal quantile, the uniform ones ``critical_value``.
    """

    std_errors: FloatArray
    critical_value: float
    pointwise_lower: FloatArray
    pointwise_upper: FloatArray
    uniform_lower: FloatArray
    uniform_upper: FloatArray
    draws: int
    seed: int


def sup_t_bands(
    estimates: FloatArray,
    influence: FloatArray,
    *,
    draws: int,
    seed: int,
    confidence_level: float = 0.95,
) -> SupTBands:
    """Return bands of ``estimates`` (k,) that are normal with the covariance ψ'ψ/n².

    The critical value is the quantile of the largest absolute value of ``draws`` normal vectors
    with the correlations of ``influence`` ψ (n, k); for one effect, or effects that move together
    completely, it is the normal quantile but for the error of the draws.
    Raises ValueError for NaN, effects without variation and too few draws for the level.
    """
    theta, psi = _checked(estimates, influence, draws, confidence_level)
    errors = np.sqrt((psi**2).sum(axis=0)) / len(psi)
    if not (errors > 0).all():
        msg = f"effects {np.flatnonzero(~(errors > 0)).tolist()} do not vary between units"
        raise ValueError(msg)
    # With R'R the correlations, rows of independent normals times R have them; R may be singular.
    root = np.linalg.qr(psi / (errors * len(psi)), mode="r")
    normal = np.random.default_rng(seed).standard_normal((draws, len(root))) @ root
    critical = float(np.quantile(np.abs(normal).max(axis=1), confidence_level))
    return SupTBands(
        std_errors=errors,
        critical_value=critical,
        **_limits(theta, errors, _pointwise(confidence_level), critical),
        draws=draws,
        seed=seed,
    )


def multiplier_bootstrap(
    estimates: FloatArray,
    influence: FloatArray,
    *,
    method: Literal["mammen", "rademacher"],
    draws: int,
    seed: int,
    confidence_level: float = 0.95,
) -> MultiplierBands:
    """Return pointwise and uniform bands of ``estimates`` (k,) by the multiplier bootstrap.

    ``influence`` (n, k) is multiplied by one random number per unit with mean 0 and variance 1.
    Standard errors are normalised interquartile ranges of the draws, and the uniform critical
    value is the quantile of the largest |draw|/error (Callaway & Sant'Anna, algorithm 1).
    Where one unit carries most of an effect's variance the draws are not normal, and these errors
    differ from the analytic ones.
    Raises ValueError for NaN, effects without variation and too few draws for the level.
    """
    theta, psi = _checked(estimates, influence, draws, confidence_level)
    drawn = _multiply(psi, method, draws, seed)
    quartiles = np.quantile(drawn, [0.25, 0.75], axis=0)
    errors = (quartiles[1] - quartiles[0]) / float(norm.ppf(0.75) - norm.ppf(0.25))
    if not (errors > 0).all():
        msg = f"effects {np.flatnonzero(~(errors > 0)).tolist()} do not vary over the draws"
        raise ValueError(msg)
    largest = np.abs(drawn / errors).max(axis=1)
    drawn_quantile = float(np.quantile(largest, confidence_level, method="inverted_cdf"))
    # With a handful of units the draws are far from normal and the quantile can fall below the
    # normal one; a joint band is never narrower than the limits of one effect.
    z = _pointwise(confidence_level)
    critical = max(drawn_quantile, z)
    return MultiplierBands(
        std_errors=errors,
        critical_value=critical,
        **_limits(theta, errors, z, critical),
        method=method,
        draws=draws,
        seed=seed,
    )


def _checked(
    estimates: FloatArray, influence: FloatArray, draws: int, confidence_level: float
) -> tuple[FloatArray, FloatArray]:
    theta, psi = np.asarray(estimates, dtype=float), np.asarray(influence, dtype=float)
    if psi.ndim != 2 or theta.shape != psi.shape[1:] or not len(theta):
        msg = f"estimates {theta.shape} do not fit influence {psi.shape}"
        raise ValueError(msg)
    if not (np.isfinite(theta).all() and np.isfinite(psi).all()):
        msg = "estimates and influence must be finite; leave undefined effects out first"
        raise ValueError(msg)
    if not 0 < confidence_level < 1 or draws * (1 - confidence_level) < 1:
        msg = f"{draws} draws are too few for a confidence level of {confidence_level}"
        raise ValueError(msg)
    return theta, psi


def _multiply(psi: FloatArray, method: str, draws: int, seed: int) -> FloatArray:
    """Return mean_i(V_i ψ_i) (draws, k) for random multipliers V."""
    if method == "mammen":
        low, high = 0.5 * (1 - math.sqrt(5)), 0.5 * (1 + math.sqrt(5))
        chance_low = high / math.sqrt(5)
    elif method == "rademacher":
        low, high, chance_low = -1.0, 1.0, 0.5
    else:
        msg = f'method must be "mammen" or "rademacher", not {method!r}'
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    n, k = psi.shape
    drawn = np.empty((draws, k))
    step = max(1, _CHUNK // n)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        drawn[start : start + rows] = np.where(rng.random((rows, n)) < chance_low, low, high) @ psi
    return np.asarray(drawn / n, dtype=float)


def _pointwise(confidence_level: float) -> float:
    """Return the normal critical value of one effect."""
    return float(norm.ppf(0.5 + confidence_level / 2))


def _limits(
    theta: FloatArray, errors: FloatArray, z: float, critical: float
) -> dict[str, FloatArray]:
    """Return the pointwise limits with ``z`` and the uniform ones with ``critical``, by name."""
    return {
        "pointwise_lower": theta - z * errors,
        "pointwise_upper": theta + z * errors,
        "uniform_lower": theta - critical * errors,
        "uniform_upper": theta + critical * errors,
    }
