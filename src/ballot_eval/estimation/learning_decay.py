"""The curve along which an effect wears off over three exposures. Arrays only.

Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 6 and 13 (draws from a
normal law of the estimates, percentile limits).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: Why no curve exists: no change from the first exposure to the second, a second change against
#: the first (or none), a second change as large as the first or larger; empty when there is one.
NoDecay = Literal["", "no_first_change", "change_turns", "change_grows"]

#: Eigenvalues below this share of the largest are rounding.
_ROUNDING = 1e-10


@dataclass(frozen=True, slots=True)
class Decay:
    """The curve E_k = a + b·r^(k−1) through the excess at three exposures.

    ``ratio`` is r = (E_3 − E_2)/(E_2 − E_1); ``asymptote`` a and ``amplitude`` b are in the unit
    of the excess, b positive when the excess falls; ``half_life`` is in exposures. The last three
    are NaN when r is not within (0, 1), with the ``reason``.

    The limits of r are quantiles of all ``draws``, and may lie outside (0, 1). Those of the
    others are quantiles of the draws with a curve alone, so they are conditional on there being
    one: with a large ``share_without`` (the share of draws without a curve) they say little.
    ``share_rising`` is the share of draws with a curve that rises to its asymptote (b < 0).
    Limits are NaN when fewer than two draws have a curve.
    """

    ratio: float
    ratio_lower: float
    ratio_upper: float
    asymptote: float
    asymptote_lower: float
    asymptote_upper: float
    amplitude: float
    amplitude_lower: float
    amplitude_upper: float
    half_life: float
    half_life_lower: float
    half_life_upper: float
    share_without: float
    share_rising: float
    reason: NoDecay
    draws: int


def decay(
    excess: FloatArray,
    covariance: FloatArray,
    *,
    draws: int,
    seed: int,
    confidence_level: float = 0.95,
) -> Decay:
    """Fit E_k = a + b·r^(k−1) through ``excess`` (3,), with limits from its ``covariance`` (3, 3).

    Three numbers determine three unknowns exactly, so the data cannot contradict the curve: that
    the effect wears off along it is an assumption. Limits come from normal draws of the excess.
    Raises ValueError unless there are exactly three exposures, for values that are not finite, a
    covariance that is not symmetric and positive semidefinite, draws < 2 and a level not in (0, 1).
    """
    e, c = np.asarray(excess, dtype=float), np.asarray(covariance, dtype=float)
    root = _checked_root(e, c)
    if draws < 2 or not 0 < confidence_level < 1:
        msg = (
            f"draws must be at least 2 and confidence_level between 0 and 1, not {draws} and "
            f"{confidence_level}"
        )
        raise ValueError(msg)
    rng = np.random.default_rng(seed)
    drawn = _curve(e + rng.standard_normal((draws, 3)) @ root.T)
    ratio, asymptote, amplitude, half_life = _curve(e[None, :])[:, 0]
    exists = ~np.isnan(drawn[3])
    tails = [(1 - confidence_level) / 2, (1 + confidence_level) / 2]
    limits = np.full((4, 2), math.nan)
    limits[0] = np.nanquantile(drawn[0], tails) if not np.isnan(drawn[0]).all() else math.nan
    if exists.sum() > 1:
        limits[1:] = np.quantile(drawn[1:, exists], tails, axis=1).T
    return Decay(
        ratio=float(ratio),
        ratio_lower=float(limits[0, 0]),
        ratio_upper=float(limits[0, 1]),
        asymptote=float(asymptote),
        asymptote_lower=float(limits[1, 0]),
        asymptote_upper=float(limits[1, 1]),
        amplitude=float(amplitude),
        amplitude_lower=float(limits[2, 0]),
        amplitude_upper=float(limits[2, 1]),
        half_life=float(half_life),
        half_life_lower=float(limits[3, 0]),
        half_life_upper=float(limits[3, 1]),
        share_without=float(1 - exists.mean()),
        share_rising=float((drawn[2, exists] < 0).sum() / draws),
        reason=_reason(float(ratio)),
        draws=draws,
    )


def _checked_root(excess: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return a root R (3, 3) with RR' the covariance."""
    if excess.ndim != 1 or len(excess) != 3:
        count = len(excess) if excess.ndim == 1 else excess.shape
        msg = (
            f"a decay curve has three unknowns (where it starts, where it ends, how fast), so it "
            f"takes the excess at exactly three exposures, not {count}"
        )
        raise ValueError(msg)
    if covariance.shape != (3, 3):
        msg = f"the covariance of three exposures is (3, 3), not {covariance.shape}"
        raise ValueError(msg)
    if not (np.isfinite(excess).all() and np.isfinite(covariance).all()):
        msg = "excess and covariance must be finite"
        raise ValueError(msg)
    size = np.abs(covariance).max()
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    if (
        np.abs(covariance - covariance.T).max() > _ROUNDING * size
        or (values < -_ROUNDING * size).any()
    ):
        msg = "the covariance must be symmetric and positive semidefinite"
        raise ValueError(msg)
    root: FloatArray = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def _curve(excess: FloatArray) -> FloatArray:
    """Return r, a, b and the half-life of every row of ``excess`` (B, 3), as (4, B).

    r is NaN without a first change; the others are NaN unless 0 < r < 1.
    """
    first, second = excess[:, 1] - excess[:, 0], excess[:, 2] - excess[:, 1]
    size = np.abs(excess).max(axis=1)
    # Differences that are nothing but rounding are none.
    first = np.where(np.abs(first) <= 1e-12 * size, math.nan, first)
    second = np.where(np.abs(second) <= 1e-12 * size, 0.0, second)
    ratio = second / first
    # A second change as large as the first has no asymptote, also when rounding makes it less.
    inside = (ratio > 0) & (ratio < 1 - 1e-12)
    r = np.where(inside, ratio, math.nan)
    amplitude = first / (r - 1)
    return np.array([ratio, excess[:, 0] - amplitude, amplitude, math.log(0.5) / np.log(r)])


def _reason(ratio: float) -> NoDecay:
    if math.isnan(ratio):
        return "no_first_change"
    if ratio <= 0:
        return "change_turns"
    return "change_grows" if ratio >= 1 - 1e-12 else ""
