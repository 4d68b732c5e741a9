"""Sensitivity of an event study to violations of parallel trends. Arrays only.

Relative magnitudes: from one period to the next, the trends of experiment and control may part
after adoption by at most ``mbar`` times the most they parted between two periods before it.
``mbar`` 0 is parallel trends after adoption, 1 says that afterwards things got no worse than they
had been.

Source: Rambachan & Roth (2023), Review of Economic Studies 90(5), 2555–2591 (Δ^RM, section
2.4.1). The confidence set is not theirs; `relative_magnitude_sensitivity` says how it is made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

FloatArray = npt.NDArray[np.float64]

#: A covariance may be this far, relative to its largest entry, from symmetric and semi-definite.
_COVARIANCE_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class RelativeMagnitudes:
    """Bounds on an effect for several sizes of violation, in the unit of the outcome.

    ``mbar``, ``identified_lower``, ``identified_upper``, ``ci_lower`` and ``ci_upper`` have shape
    (m,). ``estimate`` and ``std_error`` are those under parallel trends, ``largest_pre_change``
    the largest change between neighbouring periods before adoption. The breakdown values are the
    ``mbar`` from which on the identified set, and the confidence set, contain ``null``: infinite
    when none does, ``breakdown_confidence`` NaN when already the set of ``mbar`` 0 contains it,
    ``breakdown_identified`` NaN when nothing changed before and the estimate equals ``null``.
    """

    mbar: FloatArray
    identified_lower: FloatArray
    identified_upper: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    estimate: float
    std_error: float
    largest_pre_change: float
    null: float
    breakdown_identified: float
    breakdown_confidence: float
    confidence_level: float


def relative_magnitude_set(
    pre: FloatArray, post: FloatArray, *, mbar: float, target: FloatArray | None = None
) -> tuple[float, float]:
    """Return the identified set of ``target``·effects when the coefficients are known exactly.

    ``pre`` (p,) are the coefficients before adoption in order of time, as deviations from the
    last period before adoption, which itself is left out; ``post`` (q,) those from adoption on.
    Period-on-period estimates ("varying" baselines) are not such deviations. ``target`` (q,)
    weighs the effects and defaults to the first. Raises ValueError for empty or non-finite
    coefficients, a target that does not fit, and a negative ``mbar``.
    """
    before, after, weights = _check_coefficients(pre, post, target)
    half = float(_check_mbar([mbar])[0]) * _reach(weights) * _largest_change(before)
    centre = float(weights @ after)
    return centre - half, centre + half


def relative_magnitude_sensitivity(
    pre: FloatArray,
    post: FloatArray,
    covariance: FloatArray,
    *,
    mbar: FloatArray,
    target: FloatArray | None = None,
    null: float = 0.0,
    confidence_level: float = 0.95,
) -> RelativeMagnitudes:
    """Return identified sets, conservative confidence sets and breakdown values.

    ``pre`` (p,), ``post`` (q,) and ``target`` (q,) as in `relative_magnitude_set`;
    ``covariance`` (p+q, p+q) is that of the coefficients, those before adoption first; ``mbar``
    (m,) are the sizes of violation.

    Each end of the identified set is the extreme of finitely many linear functions of the
    coefficients, one per change before adoption and sign. The confidence set runs from the
    smallest to the largest of their limits at ``confidence_level``. The limit of the function
    that is extreme in truth already covers, so the *whole* identified set is covered with at
    least that probability when the coefficients are normal with this covariance; often with
    more, and more so with many periods before adoption. At ``mbar`` 0 it is the usual interval.
    The normal law is doubtful with a handful of experiment units.

    Raises ValueError as `relative_magnitude_set` does, and for a covariance that is not finite,
    symmetric and positive semi-definite or gives the target no variance.
    """
    before, after, weights = _check_coefficients(pre, post, target)
    sizes = _check_mbar(mbar)
    if not (0 < confidence_level < 1 and math.isfinite(null)):
        msg = "confidence_level must lie between 0 and 1 and null be finite"
        raise ValueError(msg)
    bounds = _Bounds(before, after, weights, covariance, confidence_level)
    identified = [relative_magnitude_set(before, after, mbar=m, target=weights) for m in sizes]
    limits = [bounds.limits(float(m)) for m in sizes]
    return RelativeMagnitudes(
        mbar=sizes,
        identified_lower=np.array([low for low, _ in identified]),
        identified_upper=np.array([high for _, high in identified]),
        ci_lower=np.array([low for low, _ in limits]),
        ci_upper=np.array([high for _, high in limits]),
        estimate=bounds.estimate,
        std_error=bounds.std_error,
        largest_pre_change=_largest_change(before),
        null=null,
        breakdown_identified=_breakdown_identified(before, bounds.estimate - null, weights),
        breakdown_confidence=bounds.breakdown(null),
        confidence_level=confidence_level,
    )


class _Bounds:
    """The limits of the confidence set as functions of mbar.

    Candidate (s, ±) for the upper end is estimate ± mbar·reach·change_s; its variance is a
    parabola in mbar with coefficients ``std_error``², ±2·``cross`` and ``spread``.
    """

    def __init__(
        self,
        before: FloatArray,
        after: FloatArray,
        weights: FloatArray,
        covariance: FloatArray,
        confidence_level: float,
    ) -> None:
        p = len(before)
        sigma = _check_covariance(covariance, p + len(after))
        difference = _reach(weights) * _differences(p)
        signed = np.concatenate([difference, -difference])
        self.changes = signed @ before
        self.cross = signed @ sigma[:p, p:] @ weights
        self.spread = ((signed @ sigma[:p, :p]) * signed).sum(axis=1)
        self.estimate = float(weights @ after)
        variance = float(weights @ sigma[p:, p:] @ weights)
        if variance <= 0:
            msg = "the covariance gives the target no variance"
            raise ValueError(msg)
        self.std_error = math.sqrt(variance)
        self.z = float(norm.ppf(0.5 + confidence_level / 2))

    def limits(self, mbar: float) -> tuple[float, float]:
        """Return lower and upper limit; the candidates of the lower are those with −mbar."""
        ends = []
        for m in (-mbar, mbar):
            variance = self.std_error**2 + 2 * m * self.cross + m * m * self.spread
            # Rounding can leave a variance of 0 just below it.
            half = self.z * np.sqrt(np.maximum(variance, 0.0))
            ends.append((self.estimate + m * self.changes, half))
        (low, low_half), (high, high_half) = ends
        return float((low - low_half).min()), float((high + high_half).max())

    def breakdown(self, null: float) -> float:
        """Return the smallest mbar whose set contains ``null``.

        The lower limit is a minimum of concave functions of mbar, two per change with opposite
        slopes at 0: it falls from there on, the upper one rises, and bisection finds the place.
        """

        def contains(m: float) -> bool:
            low, high = self.limits(m)
            return low <= null <= high

        if contains(0.0):
            return math.nan
        outer = 1.0
        while not contains(outer):
            outer *= 2
            if outer > 1e12:
                return math.inf
        inner = 0.0
        for _ in range(200):
            middle = (inner + outer) / 2
            if middle in (inner, outer):
                break
            inner, outer = (inner, middle) if contains(middle) else (middle, outer)
        return outer


def _differences(p: int) -> FloatArray:
    """Return the (p, p) matrix of changes between neighbours, the last one to the reference."""
    return np.asarray(np.eye(p, k=1) - np.eye(p), dtype=float)


def _largest_change(before: FloatArray) -> float:
    return float(np.abs(_differences(len(before)) @ before).max())


def _reach(weights: FloatArray) -> float:
    """Return how far the target moves when trends part by 1 per period in the worst direction.

    A parting in period s shifts all effects from s on, so it counts with the weights from s on.
    """
    return float(np.abs(np.cumsum(weights[::-1])).sum())


def _breakdown_identified(before: FloatArray, distance: float, weights: FloatArray) -> float:
    reach = _reach(weights) * _largest_change(before)
    if reach == 0:
        return math.inf if distance else math.nan
    return abs(distance) / reach


def _check_coefficients(
    pre: FloatArray, post: FloatArray, target: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    before, after = np.asarray(pre, dtype=float), np.asarray(post, dtype=float)
    for name, values in (("pre", before), ("post", after)):
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            msg = f"{name} must be a vector of at least one finite coefficient"
            raise ValueError(msg)
    weights = np.eye(len(after))[0] if target is None else np.asarray(target, dtype=float)
    if weights.shape != after.shape or not np.isfinite(weights).all() or not weights.any():
        msg = f"target must be {len(after)} finite weights, not all 0"
        raise ValueError(msg)
    return before, after, weights


def _check_mbar(mbar: npt.ArrayLike) -> FloatArray:
    sizes = np.asarray(mbar, dtype=float)
    if sizes.ndim != 1 or not len(sizes) or not (np.isfinite(sizes) & (sizes >= 0)).all():
        msg = "mbar must be a vector of finite sizes, none of them negative"
        raise ValueError(msg)
    return sizes


def _check_covariance(covariance: FloatArray, size: int) -> FloatArray:
    sigma = np.asarray(covariance, dtype=float)
    if sigma.shape != (size, size) or not np.isfinite(sigma).all():
        msg = f"covariance must be finite with shape {(size, size)}, not {sigma.shape}"
        raise ValueError(msg)
    slack = _COVARIANCE_TOLERANCE * float(np.abs(sigma).max())
    if np.abs(sigma - sigma.T).max() > slack or np.linalg.eigvalsh(sigma).min() < -slack:
        msg = "covariance must be symmetric and positive semi-definite"
        raise ValueError(msg)
    return sigma
