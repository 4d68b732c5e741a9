"""Intervals for one proportion and for a difference of two. Numbers only.

They treat every ballot as an independent draw, so they describe small samples (surveys, test
rooms, one polling station), never a comparison of municipalities: see ``counts`` for that.

Sources: Clopper & Pearson (1934), Biometrika 26; Brown, Cai & DasGupta (2001), Statistical
Science 16 (Jeffreys); Newcombe (1998), Statistics in Medicine 17, 873–890 (hybrid of two Wilson
intervals, method 10; Mee, method 5); Mee (1984), Biometrics 40; Miettinen & Nurminen (1985),
Statistics in Medicine 4 (closed-form constrained maximum likelihood).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy.optimize import brentq
from scipy.special import betaincinv
from scipy.stats import norm

from ballot_eval.estimation.rates import wilson_interval

DifferenceMethod = Literal["newcombe", "mee", "miettinen_nurminen"]

#: The ways :func:`difference_interval` knows.
DIFFERENCE_METHODS: tuple[DifferenceMethod, ...] = ("newcombe", "mee", "miettinen_nurminen")

#: How close (on the scale of fractions) a root is found.
ROOT_TOLERANCE = 1e-13

#: Below this slope two roots of the cubic (all below 1) coincide and a Newton step is noise.
FLAT_SLOPE = 1e-5


@dataclass(frozen=True, slots=True)
class ProportionDifference:
    """First proportion minus second with its interval, all as fractions (−1 to 1)."""

    estimate: float
    ci_lower: float
    ci_upper: float
    method: DifferenceMethod
    confidence_level: float


@dataclass(frozen=True, slots=True)
class _Table:
    """Two checked proportions x1/n1 and x2/n2."""

    x1: float
    n1: float
    x2: float
    n2: float

    @property
    def difference(self) -> float:
        return self.x1 / self.n1 - self.x2 / self.n2


def clopper_pearson_interval(
    numerator: float, denominator: float, *, confidence_level: float = 0.95
) -> tuple[float, float]:
    """Return the exact (tail) interval of a binomial proportion, as fractions.

    Its coverage is at least ``confidence_level`` whatever the proportion; the price is width.
    Raises ValueError unless 0 ≤ numerator ≤ denominator and denominator > 0.
    Source: Clopper & Pearson (1934).
    """
    x, n = _checked(numerator, denominator)
    tail = _alpha(confidence_level) / 2
    lower = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, tail))
    upper = 1.0 if x == n else float(betaincinv(x + 1, n - x, 1 - tail))
    return lower, upper


def jeffreys_interval(
    numerator: float, denominator: float, *, confidence_level: float = 0.95
) -> tuple[float, float]:
    """Return the equal-tailed interval under Jeffreys' prior Beta(½, ½), as fractions.

    The lower limit is 0 when there is no event and the upper 1 when there is nothing else, as
    Brown, Cai & DasGupta (2001) advise; without that, coverage falls to 0 near the ends.
    Raises ValueError unless 0 ≤ numerator ≤ denominator and denominator > 0.
    """
    x, n = _checked(numerator, denominator)
    tail = _alpha(confidence_level) / 2
    lower = 0.0 if x == 0 else float(betaincinv(x + 0.5, n - x + 0.5, tail))
    upper = 1.0 if x == n else float(betaincinv(x + 0.5, n - x + 0.5, 1 - tail))
    return lower, upper


def difference_interval(
    numerator_1: float,
    denominator_1: float,
    numerator_2: float,
    denominator_2: float,
    *,
    method: DifferenceMethod,
    confidence_level: float = 0.95,
) -> ProportionDifference:
    """Return the first proportion minus the second with its interval, as fractions.

    ``method`` is ``"newcombe"`` (hybrid of two Wilson intervals), ``"mee"`` (score test inverted)
    or ``"miettinen_nurminen"`` (the same with variance N/(N−1)). All three are defined with no
    events, or nothing but events, on either side.
    Raises ValueError for an unknown method, and unless 0 ≤ numerator ≤ denominator and
    denominator > 0 on both sides.
    """
    table = _Table(
        *_checked(numerator_1, denominator_1, "first"),
        *_checked(numerator_2, denominator_2, "second"),
    )
    alpha = _alpha(confidence_level)
    if method == "newcombe":
        lower, upper = _newcombe(table, confidence_level)
    elif method in ("mee", "miettinen_nurminen"):
        total = table.n1 + table.n2
        factor = total / (total - 1) if method == "miettinen_nurminen" else 1.0
        bound = float(norm.isf(alpha / 2)) ** 2 * factor
        lower, upper = _score_limit(table, bound, -1.0), _score_limit(table, bound, 1.0)
    else:
        msg = f"unknown method {method!r}; choose one of {', '.join(DIFFERENCE_METHODS)}"
        raise ValueError(msg)
    return ProportionDifference(table.difference, lower, upper, method, confidence_level)


def constrained_proportions(
    numerator_1: float,
    denominator_1: float,
    numerator_2: float,
    denominator_2: float,
    *,
    difference: float,
) -> tuple[float, float]:
    """Return the most likely two proportions whose difference (first − second) is given.

    The root of a cubic in closed form (Miettinen & Nurminen 1985), sharpened by Newton steps and
    kept inside its admissible range. Raises ValueError unless −1 ≤ ``difference`` ≤ 1.
    """
    if not -1 <= difference <= 1:
        msg = f"difference {difference} is not between -1 and 1"
        raise ValueError(msg)
    table = _Table(
        *_checked(numerator_1, denominator_1, "first"),
        *_checked(numerator_2, denominator_2, "second"),
    )
    return _constrained(table, difference)


def _checked(numerator: float, denominator: float, which: str = "") -> tuple[float, float]:
    label = f"the {which} " if which else ""
    x, n = float(numerator), float(denominator)
    if not (math.isfinite(x) and math.isfinite(n)):
        msg = f"{label}numerator {numerator} and denominator {denominator} must be finite"
        raise ValueError(msg)
    if n <= 0:
        msg = f"{label}denominator {denominator} is not positive: there is no proportion"
        raise ValueError(msg)
    if not 0 <= x <= n:
        msg = f"{label}numerator {numerator} is not between 0 and denominator {denominator}"
        raise ValueError(msg)
    return x, n


def _alpha(confidence_level: float) -> float:
    if not 0 < confidence_level < 1:
        msg = f"confidence_level {confidence_level} is not between 0 and 1"
        raise ValueError(msg)
    return 1 - confidence_level


def _newcombe(t: _Table, confidence_level: float) -> tuple[float, float]:
    """Add the squared distances of the proportions to their Wilson limits (method 10)."""
    p1, p2 = t.x1 / t.n1, t.x2 / t.n2
    low1, high1 = wilson_interval(t.x1, t.n1, confidence_level=confidence_level)
    low2, high2 = wilson_interval(t.x2, t.n2, confidence_level=confidence_level)
    return (
        t.difference - math.hypot(p1 - low1, high2 - p2),
        t.difference + math.hypot(high1 - p1, p2 - low2),
    )


def _score_limit(t: _Table, bound: float, sign: float) -> float:
    """Return where (d̂ − δ)² = ``bound`` · variance(δ), on the side of ``sign``.

    Squaring avoids the 0/0 of the score statistic at the ends of the scale: the excess is
    never negative at δ = ±1, where the variance is 0, and never positive at d̂.
    """

    def excess(delta: float) -> float:
        return (t.difference - delta) ** 2 - bound * _variance(t, delta)

    # Without events on both sides the excess is 0 at d̂ and only then turns negative.
    start = t.difference + sign * 1e-12
    if sign * (sign - start) <= 0 or excess(start) >= 0:
        return t.difference
    return float(brentq(excess, start, sign, xtol=ROOT_TOLERANCE, rtol=ROOT_TOLERANCE))


def _variance(t: _Table, delta: float) -> float:
    p1, p2 = _constrained(t, delta)
    return p1 * (1 - p1) / t.n1 + p2 * (1 - p2) / t.n2


def _constrained(t: _Table, delta: float) -> tuple[float, float]:
    total = t.n1 + t.n2
    events = t.x1 + t.x2
    # The derivative of the log-likelihood in p2, times p1(1−p1)p2(1−p2), over N.
    c2 = ((t.n1 + 2 * t.n2) * delta - total - events) / total
    c1 = ((t.n2 * delta - total - 2 * t.x2) * delta + events) / total
    c0 = t.x2 * delta * (1 - delta) / total
    half = (c2 / 3) ** 3 - c1 * c2 / 6 + c0 / 2
    radius = math.copysign(math.sqrt(max((c2 / 3) ** 2 - c1 / 3, 0.0)), half)
    angle = 0.0
    if radius:
        angle = (math.pi + math.acos(min(max(half / radius**3, -1.0), 1.0))) / 3
    low, high = max(0.0, -delta), min(1.0, 1.0 - delta)
    p2 = min(max(2 * radius * math.cos(angle) - c2 / 3, low), high)
    # The arc cosine costs half the digits near a boundary; the cubic itself gives them back.
    for _ in range(3):
        slope = (3 * p2 + 2 * c2) * p2 + c1
        if abs(slope) < FLAT_SLOPE:
            break
        step = (((p2 + c2) * p2 + c1) * p2 + c0) / slope
        p2 = min(max(p2 - step, low), high)
    return min(max(p2 + delta, 0.0), 1.0), p2
