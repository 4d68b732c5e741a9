"""Shares that were published rounded, as intervals, and what follows from them. No counts are made.

A share printed as 0,7% lies anywhere in [0.65%, 0.75%), and whatever is computed from it lies in
an interval too. Such an interval says what is not known for lack of digits; it holds for certain
and has nothing to do with the uncertainty of an effect. Upper ends are taken as included: half a
unit more or less of the last digit cannot be told from the interval itself.

Source: Moore, Kearfott & Cloud (2009), Introduction to Interval Analysis, SIAM, ch. 2. Bounds of
a linear form under one linear constraint are those of the continuous knapsack problem: Dantzig
(1957), Operations Research 5.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["Bounds", "Rounded", "consistent_shares", "linear_bounds", "weighted_mean"]

#: Exact limits of a number.
Pair = tuple[Fraction, Fraction]

#: More decimals than these are not a rounded percentage but a computed number.
MAX_DECIMALS = 6
#: Digits with at most one decimal mark, a comma or a point, and perhaps a percent sign.
_PRINTED = re.compile(r"(\d+)(?:[.,](\d+))?\s*%?")


@dataclass(frozen=True, slots=True)
class Bounds:
    """A number known to lie from ``lower`` to ``upper``, both included; equal when it is known.

    Sums, differences and ratios are those of intervals: they treat every operand as unknown on
    its own, so a quantity that enters twice gives an interval that holds but is too wide (see
    :func:`linear_bounds`). NaN limits are an undefined number, and stay so in all arithmetic.
    Raises ValueError when one limit alone is NaN and when they are crossed.
    """

    lower: float
    upper: float

    def __post_init__(self) -> None:
        if math.isnan(self.lower) != math.isnan(self.upper):
            msg = f"one limit alone is not a number: {self.lower} to {self.upper}"
            raise ValueError(msg)
        if self.lower > self.upper:
            msg = f"the lower limit {self.lower} lies above the upper limit {self.upper}"
            raise ValueError(msg)

    @classmethod
    def exactly(cls, value: float) -> Bounds:
        """Return the bounds of a number that is known."""
        return cls(float(value), float(value))

    @classmethod
    def from_count(cls, count: float, total: float) -> Bounds:
        """Return the share ``count / total`` of known counts; NaN when the total is 0.

        Raises ValueError unless both are whole numbers with 0 ≤ count ≤ total.
        """
        if not (0 <= count <= total < math.inf and count % 1 == 0 and total % 1 == 0):
            msg = f"{count} of {total} is not a share of counts"
            raise ValueError(msg)
        return cls.exactly(count / total if total else math.nan)

    @property
    def exact(self) -> bool:
        """Whether the number is known: both limits are the same."""
        return self.lower == self.upper

    @property
    def midpoint(self) -> float:
        """The middle of the interval: a place to draw a mark, not an estimate."""
        return self.lower if self.exact else (self.lower + self.upper) / 2

    def contains(self, value: float, *, tolerance: float = 0.0) -> bool:
        """Return whether a number lies within the limits, give or take ``tolerance``."""
        return self.lower - tolerance <= value <= self.upper + tolerance

    def scaled(self, factor: float) -> Bounds:
        """Return the bounds of a known multiple; a negative factor swaps the limits."""
        ends = self.lower * factor, self.upper * factor
        return Bounds(min(ends), max(ends))

    def within(self, other: Bounds) -> Bounds:
        """Return what both bounds leave of one number, NaN if either is undefined.

        Raises ValueError when they contradict each other.
        """
        if math.isnan(self.lower) or math.isnan(other.lower):
            return Bounds(math.nan, math.nan)
        lower, upper = max(self.lower, other.lower), min(self.upper, other.upper)
        if lower > upper:
            msg = f"{self} and {other} contradict each other"
            raise ValueError(msg)
        return Bounds(lower, upper)

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.lower + other.lower, self.upper + other.upper)

    def __neg__(self) -> Bounds:
        return Bounds(-self.upper, -self.lower)

    def __sub__(self, other: Bounds) -> Bounds:
        return Bounds(self.lower - other.upper, self.upper - other.lower)

    def __truediv__(self, other: Bounds) -> Bounds:
        """Return the ratio; raises ValueError unless the whole denominator is positive."""
        if other.lower <= 0:
            msg = f"a denominator of {other.lower} to {other.upper} is not positive throughout"
            raise ValueError(msg)
        ends = [a / b for a in (self.lower, self.upper) for b in (other.lower, other.upper)]
        return Bounds(min(ends), max(ends))


@dataclass(frozen=True, slots=True)
class Rounded:
    """A published share: ``lower`` and ``upper`` are its limits as fractions.

    ``printed`` is the percentage as text ("0,74%", "0.7") or as a number (0.74 for 0.74%; NaN for
    a share that is not known). ``decimals`` is how many were printed: it follows from a text, and
    is required with a number. With a text it may only add zeros that were lost ("0.7", 2 is
    0.70%). Limits below 0 or above 100% are cut off.
    Raises ValueError for a text that is not one percentage, for a number with more decimals than
    ``decimals``, and for a share below 0 or above 100%.
    """

    printed: str | float
    decimals: int | None = None
    lower: float = field(init=False)
    upper: float = field(init=False)

    def __post_init__(self) -> None:
        value, decimals = _percentage(self.printed, self.decimals)
        if value.is_nan():
            limits = math.nan, math.nan
        elif not 0 <= value <= 100:
            msg = f"{self.printed!r} is not a percentage between 0 and 100"
            raise ValueError(msg)
        else:
            half = Decimal(5).scaleb(-decimals - 1)
            # Decimals are divided before they become binary: 0.745% is the float 0.00745.
            limits = (
                float(max(value - half, Decimal(0)) / 100),
                float(min(value + half, Decimal(100)) / 100),
            )
        object.__setattr__(self, "decimals", decimals)
        object.__setattr__(self, "lower", limits[0])
        object.__setattr__(self, "upper", limits[1])

    @property
    def bounds(self) -> Bounds:
        """The limits as :class:`Bounds`."""
        return Bounds(self.lower, self.upper)

    @property
    def share(self) -> float:
        """The fraction as printed, 0.0074 for 0.74%."""
        return float(_percentage(self.printed, self.decimals)[0] / 100)


def _percentage(printed: str | float, decimals: int | None) -> tuple[Decimal, int]:
    """Return the percentage as printed and its number of decimals."""
    if isinstance(printed, bool) or not isinstance(printed, str | float | int | np.number):
        msg = f"a share is text or a number, not {printed!r}"
        raise ValueError(msg)
    if isinstance(printed, str):
        found = _PRINTED.fullmatch(printed.strip())
        if not found:
            msg = f"{printed!r} is not one percentage such as 0,74%"
            raise ValueError(msg)
        whole, digits = found[1], found[2] or ""
        value, written = Decimal(f"{whole}.{digits or 0}"), len(digits)
    else:
        if decimals is None:
            msg = f"say how many decimals of {printed!r} were printed"
            raise ValueError(msg)
        value = Decimal(repr(float(printed)))
        exponent = value.normalize().as_tuple().exponent
        written = max(-exponent, 0) if isinstance(exponent, int) else 0
    decimals = written if decimals is None else decimals
    if not 0 <= decimals <= MAX_DECIMALS:
        msg = f"a percentage has 0 to {MAX_DECIMALS} decimals, not {decimals}"
        raise ValueError(msg)
    if written > decimals:
        msg = f"{printed!r} has {written} decimals, not {decimals}"
        raise ValueError(msg)
    return value, decimals


def unit_weights(weights: npt.ArrayLike, parts: int) -> list[Fraction]:
    """Return weights that add up to 1, exactly.

    Raises ValueError for another number of weights than parts, for weights that are negative or
    not finite, and when they are all 0.
    """
    made = np.asarray(weights, dtype=float)
    if made.shape != (parts,) or not parts:
        msg = f"there are {made.size} weights for {parts} parts"
        raise ValueError(msg)
    if not (np.isfinite(made).all() and (made >= 0).all() and made.any()):
        msg = "weights must be finite and zero or more, and not all zero"
        raise ValueError(msg)
    exact = [Fraction(w) for w in made.tolist()]
    total = sum(exact, Fraction(0))
    return [w / total for w in exact]


def weighted_mean(parts: Sequence[Bounds | Rounded], weights: npt.ArrayLike) -> Bounds:
    """Return the bounds of the mean of parts (n,) with known weights (n,), such as votes cast.

    NaN when a part with weight is undefined; a part without weight plays no role. Raises
    ValueError for weights that do not fit (negative, not finite, all zero, another number).
    """
    shares = unit_weights(weights, len(parts))
    kept = [(w, part) for w, part in zip(shares, parts, strict=True) if w]
    if any(math.isnan(part.lower) for _, part in kept):
        return Bounds(math.nan, math.nan)
    lower, upper = (
        float(sum(w * Fraction(getattr(part, end)) for w, part in kept))
        for end in ("lower", "upper")
    )
    return Bounds(lower, upper)


def linear_bounds(
    coefficients: npt.ArrayLike,
    parts: Sequence[Bounds | Rounded],
    weights: npt.ArrayLike,
    whole: Bounds | Rounded | None = None,
) -> Bounds:
    """Return the tightest bounds of Σ coefficient · part, given a weighted mean of the parts.

    ``coefficients`` and ``weights`` are (n,) numbers, ``parts`` (n,) bounds; the mean of the
    parts with these weights (votes cast) lies within ``whole``. The result holds for certain and
    both ends are reached. It is computed in exact arithmetic and rounded once.
    Raises ValueError when parts and whole contradict each other, for undefined (NaN) bounds, and
    for numbers that do not fit.
    """
    shares = unit_weights(weights, len(parts))
    wanted = np.asarray(coefficients, dtype=float)
    if wanted.shape != (len(parts),) or not np.isfinite(wanted).all():
        msg = f"there must be {len(parts)} finite coefficients"
        raise ValueError(msg)
    limits = [*parts, *([] if whole is None else [whole])]
    if not all(math.isfinite(b.lower) and math.isfinite(b.upper) for b in limits):
        msg = "a share is undefined or not finite"
        raise ValueError(msg)
    lowest, highest = exact_linear_bounds(
        [Fraction(value) for value in wanted.tolist()],
        [(Fraction(part.lower), Fraction(part.upper)) for part in parts],
        shares,
        None if whole is None else (Fraction(whole.lower), Fraction(whole.upper)),
    )
    return Bounds(float(lowest), float(highest))


def exact_linear_bounds(
    coefficients: list[Fraction], boxes: list[Pair], shares: list[Fraction], total: Pair | None
) -> Pair:
    """Return what :func:`linear_bounds` does before rounding; ``shares`` add up to 1."""
    if total is not None:
        _refuse_contradiction(shares, boxes, total)
    opposite = [-v for v in coefficients]
    return -_largest(opposite, boxes, shares, total), _largest(coefficients, boxes, shares, total)


def _refuse_contradiction(shares: list[Fraction], boxes: list[Pair], total: Pair) -> None:
    """Raise ValueError when no values of the parts have a mean within the whole."""
    low = sum((w * box[0] for w, box in zip(shares, boxes, strict=True)), Fraction(0))
    high = sum((w * box[1] for w, box in zip(shares, boxes, strict=True)), Fraction(0))
    if high < total[0] or low > total[1]:
        msg = (
            f"the parts have a mean of {float(low):.6f} to {float(high):.6f}, the whole is "
            f"{float(total[0]):.6f} to {float(total[1]):.6f}: they contradict each other"
        )
        raise ValueError(msg)


def _largest(
    c: list[Fraction], boxes: list[Pair], shares: list[Fraction], total: Pair | None
) -> Fraction:
    """Return the largest Σ c·x over the boxes with the weighted mean within the total.

    From the best corner of the boxes, the mean is moved to its nearest limit by the parts that
    cost least for each step of the mean.
    """
    corner = [box[1] if v > 0 else box[0] for v, box in zip(c, boxes, strict=True)]
    best = sum((v * x for v, x in zip(c, corner, strict=True)), Fraction(0))
    if total is None:
        return best
    mean = sum((w * x for w, x in zip(shares, corner, strict=True)), Fraction(0))
    target = min(max(mean, total[0]), total[1])
    step, need = (1 if target > mean else -1), abs(target - mean)
    movable = [i for i, w in enumerate(shares) if w]
    for i in sorted(movable, key=lambda i: -step * c[i] / shares[i]):
        end = boxes[i][1] if step > 0 else boxes[i][0]
        used = min(need, shares[i] * abs(end - corner[i]))
        best += step * used * c[i] / shares[i]
        need -= used
    return best


def consistent_shares(
    parts: Sequence[Bounds | Rounded], weights: npt.ArrayLike, whole: Bounds | Rounded
) -> tuple[list[Bounds], Bounds]:
    """Return the bounds of parts (n,) and whole that are left when each is read with the others.

    ``weights`` (n,) are the votes cast by which the parts make up the whole. Every limit is
    reached by some values that fit all published shares.
    Raises ValueError as :func:`linear_bounds` does, above all when they contradict each other:
    then a share, a weight or the membership of the whole is wrong.
    """
    unit = np.eye(len(parts))
    tight = [linear_bounds(unit[i], parts, weights, whole) for i in range(len(parts))]
    mean = weighted_mean(parts, weights)
    return tight, mean.within(Bounds(whole.lower, whole.upper))
