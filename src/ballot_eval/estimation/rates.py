"""Rates and their intervals. Arrays and numbers only.

Sources: Wilson (1927), JASA 22; Rao & Scott (1992), Biometrics 48 (effective sample size);
Williams (1982), Applied Statistics 31 (moment estimate of the intraclass correlation).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, t

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def wilson_interval(
    numerator: float,
    denominator: float,
    *,
    confidence_level: float = 0.95,
    df: float = math.inf,
) -> tuple[float, float]:
    """Return the Wilson score interval of a binomial proportion, as fractions.

    ``denominator`` may be an effective (fractional) number. NaN limits when it is 0. With ``df``
    the quantile is that of a t distribution, for a denominator that was itself estimated.
    Raises ValueError unless 0 ≤ numerator ≤ denominator and the level lies within (0, 1).
    """
    if not 0 < confidence_level < 1:
        msg = f"confidence_level must lie between 0 and 1, not {confidence_level}"
        raise ValueError(msg)
    if not 0 <= numerator <= denominator:
        msg = f"numerator {numerator} is not between 0 and denominator {denominator}"
        raise ValueError(msg)
    if denominator == 0:
        return math.nan, math.nan
    level = 0.5 + confidence_level / 2
    z = float(norm.ppf(level) if math.isinf(df) else t.ppf(level, df))
    p = numerator / denominator
    shrink = 1 + z * z / denominator
    centre = (p + z * z / (2 * denominator)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / denominator + (z / (2 * denominator)) ** 2)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def pearson_dispersion(numerators: IntArray, denominators: IntArray) -> float:
    """Return Pearson's X²/(n−1) of counts (n,) around their pooled rate; 1 is binomial."""
    x, n = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    # A unit without ballots says nothing about dispersion.
    x, n = x[n > 0], n[n > 0]
    if len(x) < 2 or not 0 < x.sum() < n.sum():
        return math.nan
    rate = x.sum() / n.sum()
    return float(((x - n * rate) ** 2 / (n * rate * (1 - rate))).sum() / (len(x) - 1))


def within_dispersion(numerators: IntArray, denominators: IntArray, groups: npt.ArrayLike) -> float:
    """Return Pearson's X²/(n − G) of counts (n,) around the rate of their own group; 1 is binomial.

    ``groups`` (n,) are labels, such as municipalities of polling stations. A group without any
    event, or with nothing else, has no dispersion and is left out. NaN when no group is left with
    more than one unit.
    """
    x, n = np.asarray(numerators, dtype=float), np.asarray(denominators, dtype=float)
    counted = n > 0
    x, n = x[counted], n[counted]
    group = np.unique(np.asarray(groups)[counted], return_inverse=True)[1]
    events, ballots = np.bincount(group, x), np.bincount(group, n)
    mixed = (events > 0) & (events < ballots)
    kept = mixed[group]
    df = int(kept.sum()) - int(mixed.sum())
    if df < 1:
        return math.nan
    rate = (events / ballots)[group][kept]
    expected = n[kept] * rate
    return float(((x[kept] - expected) ** 2 / (expected * (1 - rate))).sum() / df)


def intraclass_correlation(numerators: IntArray, denominators: IntArray) -> float:
    """Return the moment estimate of the correlation of two ballots of one municipality.

    Solves E[X²] = n−1 + ρ·Σ(1 − n_i/N)(n_i − 1) for the X² of :func:`pearson_dispersion`,
    cut off below at 0. NaN when it is undefined (fewer than two units, no unit with two ballots,
    or no event).
    """
    n = np.asarray(denominators, dtype=float)
    n = n[n > 0]
    dispersion = pearson_dispersion(numerators, denominators)
    if math.isnan(dispersion) or n.max() <= 1:
        return math.nan
    excess = (len(n) - 1) * (dispersion - 1)
    pairs = float(((1 - n / n.sum()) * (n - 1)).sum())
    # Units of one ballot each hold no two ballots that could be alike.
    return float(np.clip(excess / pairs, 0.0, 1.0)) if pairs > 0 else math.nan


def overdispersed_interval(
    numerators: IntArray,
    denominators: IntArray,
    *,
    intraclass: float,
    confidence_level: float = 0.95,
    df: float = math.inf,
) -> tuple[float, float]:
    """Return the interval of a pooled rate of municipalities, as fractions.

    A Wilson interval with the Rao–Scott effective number of ballots N / deff, where
    deff = 1 + ρ(Σn²/N − 1) for intraclass correlation ρ. It describes municipality-level
    shocks, not sampling: the counts are complete. ``df`` are the degrees of freedom of an
    intraclass correlation that few units gave (see :func:`own_interval`).
    """
    n = np.asarray(denominators, dtype=float)
    total = float(n.sum())
    if total == 0 or math.isnan(intraclass):
        return math.nan, math.nan
    effect = 1 + intraclass * (float((n**2).sum()) / total - 1)
    return wilson_interval(
        float(np.sum(numerators)) / effect,
        total / effect,
        confidence_level=confidence_level,
        df=df,
    )


def own_interval(
    numerators: IntArray, denominators: IntArray, *, confidence_level: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a pooled rate of units (n,), whose own spread is all there is.

    The intraclass correlation is that of the same units, and the quantile that of a t distribution
    with one degree of freedom less than there are units with ballots. NaN limits with fewer than
    two of these, and when they show no dispersion (no event, or nothing else).
    """
    n = np.asarray(denominators)
    return overdispersed_interval(
        numerators,
        denominators,
        intraclass=intraclass_correlation(numerators, denominators),
        confidence_level=confidence_level,
        df=max(int((n > 0).sum()) - 1, 1),
    )


def robust_z(values: FloatArray, reference: FloatArray) -> FloatArray:
    """Return how far ``values`` (n,) lie from the median of ``reference`` (m,).

    In units of 1.4826 times the median absolute deviation of the reference, which is a standard
    deviation for normal values. NaN where the reference is empty or does not vary.
    """
    x, r = np.asarray(values, dtype=float), np.asarray(reference, dtype=float)
    if not len(r):
        return np.full(len(x), np.nan)
    centre = np.median(r)
    scale = 1.4826 * float(np.median(np.abs(r - centre)))
    return (x - centre) / scale if scale > 0 else np.full(len(x), np.nan)
