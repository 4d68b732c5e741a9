"""The p-value of a reassignment test as a function of the effect, and its inversion.

Removing an effect τ from the experiment units turns the statistic of assignment π into
a_π − τ·b_π: ``a`` is the statistic of the values, ``b`` that of the role itself, 1 for the
observed assignment. The squared scale of a studentised statistic is a parabola in τ. The whole
curve therefore comes from a few vectors, without estimating anything again.

Sources: Imbens & Rubin (2015), Causal Inference, ch. 5 (inversion); Phipson & Smyth (2010),
SAGMB 9(1) (p = (b+1)/(B+1), never 0); Moore (1966), Interval Analysis (bounds on a piece of a
curve, used to find the outermost effect with certainty).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

#: Two statistics closer than this, relative to the observed one, count as tied.
TIE_TOLERANCE = 1e-9

#: Share of the largest statistic that may be rounding.
ROUNDING = 1e-13


def p_value_of(extreme: int, n: int, *, exact: bool) -> float:
    """Return the p-value of ``extreme`` among ``n`` assignments: a share, or (b+1)/(B+1)."""
    return extreme / n if exact else (extreme + 1) / (n + 1)


def monte_carlo_error(p_value: float, n: int, *, exact: bool) -> float:
    """Return the standard error of a p-value from ``n`` draws; 0 when exact."""
    return 0.0 if exact else math.sqrt(p_value * (1 - p_value) / n)


def needed_count(alpha: float, n: int, *, exact: bool) -> int:
    """Return how many of ``n`` statistics must reach the observed one for a p-value > alpha."""
    if exact:
        return math.floor(alpha * n + 1e-9) + 1
    return math.floor(alpha * (n + 1) + 1e-9)


@dataclass(frozen=True, slots=True)
class PValueCurve:
    """Two-sided p-values of additive effects.

    ``a`` and ``b`` (B,) are the statistics of values and role, ``estimate`` the observed
    statistic. ``scale`` holds the coefficients v0, v1, v2 (B,) of the squared scale
    v0 + v1·τ + v2·τ², empty when the statistic is not studentised; ``observed_scale`` is the
    squared scale of the observed assignment, which no effect changes.
    """

    a: FloatArray
    b: FloatArray
    estimate: float
    exact: bool
    scale: tuple[FloatArray, ...] = ()
    observed_scale: float = 1.0

    def p_value(self, tau: float) -> float:
        """Return the two-sided p-value of the hypothesis that the effect is ``tau``."""
        statistic = (self.a - tau * self.b) ** 2
        # An observed difference of nothing but rounding is no difference: everything ties.
        rounding = ROUNDING * math.sqrt(statistic.max())
        observed: float | FloatArray = max(abs(self.estimate - tau) - rounding, 0.0) ** 2
        if self.scale:
            v0, v1, v2 = self.scale
            statistic = statistic * self.observed_scale
            observed = observed * np.maximum(v0 + tau * (v1 + tau * v2), 0.0)
        extreme = int((statistic >= observed * (1 - TIE_TOLERANCE)).sum())
        return p_value_of(extreme, len(self.a), exact=self.exact)

    def interval(self, confidence_level: float) -> tuple[float, float]:
        """Return the outermost effects that are not rejected at 1 − ``confidence_level``.

        A limit is infinite when no finite effect can be rejected on that side.
        """
        if not 0 < confidence_level < 1:
            msg = f"confidence_level must lie between 0 and 1, not {confidence_level}"
            raise ValueError(msg)
        needed = needed_count(1.0 - confidence_level, len(self.a), exact=self.exact)
        if needed < 1:
            # The observed assignment alone already exceeds the level.
            return -math.inf, math.inf
        if not self.scale and self._covers_estimate():
            return self._closed(needed)
        return (
            self.estimate - self._outermost(needed, -1.0),
            self.estimate + self._outermost(needed, +1.0),
        )

    def _covers_estimate(self) -> bool:
        """Return whether every draw is extreme on one interval around the estimate.

        It is when |b| < 1, or when the draw repeats or mirrors the observed statistic.
        """
        edge = np.abs(self.b) > 1 - 1e-12
        size = max(abs(self.estimate), float(np.abs(self.a).max()))
        mirrored = self.a[edge] - np.sign(self.b[edge]) * self.estimate
        return bool(
            (np.abs(self.b[edge]) < 1 + 1e-9).all() and (np.abs(mirrored) <= 1e-9 * size).all()
        )

    def _closed(self, needed: int) -> tuple[float, float]:
        """Invert the plain test without search.

        |a − τb| ≥ |â − τ| holds exactly for τ between (â−a)/(1−b) and (â+a)/(1+b), an interval
        that contains â because |b| ≤ 1. The p-value at τ therefore counts the intervals that
        reach τ, and its limits are order statistics of their ends.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            first = (self.estimate - self.a) / (1 - self.b)
            second = (self.estimate + self.a) / (1 + self.b)
        always = np.abs(self.b) > 1 - 1e-12
        low = np.where(always, -np.inf, np.minimum(first, second))
        high = np.where(always, np.inf, np.maximum(first, second))
        n = len(self.a)
        return (
            float(np.partition(low, needed - 1)[needed - 1]),
            float(np.partition(high, n - needed)[n - needed]),
        )

    def _outermost(self, needed: int, sign: float) -> float:
        """Return the largest distance from the estimate that is not rejected on one side."""
        pieces = _Pieces.of(self, sign)
        distance = pieces.typical
        for _ in range(60):
            if pieces.possible_beyond(distance) < needed:
                found = pieces.outermost(0.0, distance, needed)
                return 0.0 if found is None else found
            distance *= 2
        return math.inf


@dataclass(frozen=True, slots=True)
class _Pieces:
    """One side of the curve, with bounds that hold on a whole piece of it.

    At distance x from the estimate a draw is extreme when (r/x − c)² ≥ p0 + p1·x + p2·x². The
    left side is monotone in x apart from a zero, the right side convex, so the ends (and the
    vertex) of a piece bound both. Cutting pieces in half and keeping the draws that are still
    open finds the outermost effect that is not rejected even when the curve is not monotone.
    """

    r: FloatArray
    c: FloatArray
    p: FloatArray
    vertex: FloatArray
    typical: float

    @classmethod
    def of(cls, curve: PValueCurve, sign: float) -> _Pieces:
        centre = curve.estimate
        r, c = curve.a - centre * curve.b, sign * curve.b
        if curve.scale:
            v0, v1, v2 = curve.scale
            p = np.stack([v0 + centre * (v1 + centre * v2), sign * (v1 + 2 * centre * v2), v2])
            # Rounding must not let the observed assignment grow a scale at a far distance.
            p[2] = np.where(p[2] < 1e-12 * p[2].max(), 0.0, p[2])
            p[0] = np.where(p[0] < 1e-13 * p[0].max(), 0.0, p[0])
            bound = 2 * np.sqrt(p[0] * p[2])
            p[1] = np.clip(p[1], -bound, bound)
        else:
            p = np.zeros((3, len(r)))
            p[0] = 1.0
        root = math.sqrt(curve.observed_scale)
        p *= 1 - TIE_TOLERANCE
        vertex = np.divide(-p[1], 2 * p[2], out=np.zeros(len(r)), where=p[2] > 0)
        typical = 4 * float(np.sqrt(np.mean(r**2))) or 1.0
        return cls(r * root, c * root, p, vertex, typical)

    def _scale(self, x: float | FloatArray) -> FloatArray:
        p0, p1, p2 = self.p
        scale: FloatArray = np.maximum(p0 + x * (p1 + x * p2), 0.0)
        return scale

    def possible_beyond(self, x: float) -> int:
        """Return how many draws may be extreme somewhere at distance ``x`` or more."""
        largest = np.maximum(np.abs(self.r / x - self.c), np.abs(self.c))
        smallest_scale = self._scale(np.maximum(self.vertex, x))
        return int((largest**2 >= smallest_scale).sum())

    def outermost(self, low: float, high: float, needed: int) -> float | None:
        """Return the largest distance in [low, high] with ``needed`` extreme draws, or None."""
        rest = self
        if low > 0:
            at_high, scale_high = self.r / high - self.c, self._scale(high)
            at_low = self.r / low - self.c
            largest = np.maximum(np.abs(at_low), np.abs(at_high))
            possible = largest**2 >= self._scale(np.clip(self.vertex, low, high))
            crossing = at_low * at_high <= 0
            smallest = np.where(crossing, 0.0, np.minimum(np.abs(at_low), np.abs(at_high)))
            certain = smallest**2 >= np.maximum(self._scale(low), scale_high)
            needed -= int(certain.sum())
            still = np.flatnonzero(possible & ~certain)
            if needed > len(still):
                return None
            if needed <= 0 or high - low <= 1e-11 * high:
                return high
            rest = _Pieces(
                self.r[still], self.c[still], self.p[:, still], self.vertex[still], self.typical
            )
        elif high < 1e-12 * self.typical:
            return 0.0
        middle = (low + high) / 2
        outer = rest.outermost(middle, high, needed)
        return outer if outer is not None else rest.outermost(low, middle, needed)
