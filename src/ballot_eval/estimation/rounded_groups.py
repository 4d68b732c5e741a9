"""Limits of pooled shares of groups, from rounded shares of their municipalities. Exact arithmetic.

R(S) is the share of all exposed municipalities together, R(F) that of those exposed at both
elections, who are among them. The two hang together, so limits of their difference are narrower
than the difference of their limits.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.rounded import Pair, exact_linear_bounds, unit_weights

__all__ = ["middle", "minus", "mixture"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
_ZERO: Pair = (Fraction(0), Fraction(0))


def mixture(
    boxes: list[Pair], kept: BoolArray, whole: Pair, cast: FloatArray | None
) -> tuple[Pair, Pair, Pair]:
    """Return limits of R(S), R(F) and R(S) − R(F).

    ``boxes`` are the limits of the municipalities of S, ``kept`` says which belong to F,
    ``whole`` are the limits of R(S), ``cast`` the votes cast (None: any are possible).
    Raises ValueError when the limits contradict each other, and for votes cast that are not
    positive.
    """
    return _any_mixture(boxes, kept, whole) if cast is None else _known(boxes, kept, cast, whole)


def _known(
    boxes: list[Pair], kept: BoolArray, cast: FloatArray, whole: Pair
) -> tuple[Pair, Pair, Pair]:
    """Return limits of R(S), R(F) and R(S) − R(F) when the votes cast are known."""
    if not (np.isfinite(cast).all() and (cast > 0).all()):
        msg = "votes cast of an exposed municipality are missing or not positive"
        raise ValueError(msg)
    of_all, of_kept = (
        unit_weights(cast, len(cast)),
        unit_weights(np.where(kept, cast, 0), len(cast)),
    )
    difference = [a - b for a, b in zip(of_all, of_kept, strict=True)]
    r, f, gap = (
        exact_linear_bounds(c, boxes, of_all, whole) for c in (of_all, of_kept, difference)
    )
    return r, f, gap


def _any_mixture(boxes: list[Pair], kept: BoolArray, whole: Pair) -> tuple[Pair, Pair, Pair]:
    """Return limits of R(S), R(F) and R(S) − R(F) when any votes cast are possible.

    R(F) is then anywhere among its members' shares, the share of the leavers or joiners among
    theirs, and R(S) between the two.
    """
    f = _hull([box for box, inside in zip(boxes, kept, strict=True) if inside])
    if kept.all():
        r = max(f[0], whole[0]), min(f[1], whole[1])
        if r[0] > r[1]:
            _refuse(f, whole)
        return r, r, _ZERO
    rest = _hull([box for box, inside in zip(boxes, kept, strict=True) if not inside])
    upward = _upward(f, rest, whole)
    mirrored = _upward(minus(f), minus(rest), minus(whole))
    downward = None if mirrored is None else [minus(pair) for pair in mirrored]
    cases = [case for case in (upward, downward) if case is not None]
    if not cases:
        _refuse(_hull([f, rest]), whole)
    r, k, gap = (_hull(list(pairs)) for pairs in zip(*cases, strict=True))
    return r, k, gap


def minus(pair: Pair) -> Pair:
    """Return the limits of the negative."""
    return -pair[1], -pair[0]


def middle(pair: Pair) -> Pair:
    """Return the middle of the limits, as limits that are equal."""
    value = (pair[0] + pair[1]) / 2
    return value, value


def _hull(pairs: list[Pair]) -> Pair:
    return min(low for low, _ in pairs), max(high for _, high in pairs)


def _upward(f: Pair, rest: Pair, whole: Pair) -> list[Pair] | None:
    """Return limits of R(S), R(F) and the gap where R(F) ≤ R(S) ≤ the rest; None if nowhere."""
    low, high = max(whole[0], f[0]), min(whole[1], rest[1])
    if low > high:
        return None
    return [(low, high), (f[0], min(f[1], high)), (max(low - f[1], Fraction(0)), high - f[0])]


def _refuse(parts: Pair, whole: Pair) -> NoReturn:
    low, high, start, end = (float(v) for v in (*parts, *whole))
    msg = (
        f"the municipalities lie at {low:.6f} to {high:.6f}, all together at {start:.6f} to "
        f"{end:.6f}: the published shares contradict each other"
    )
    raise ValueError(msg)
