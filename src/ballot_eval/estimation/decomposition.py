"""What the change of "the experiment municipalities" between two elections is made of.

At a later election other municipalities may take part, the election may be of another type, and
everyone's share of invalid votes may have moved. The change of the pooled share (invalid votes
over votes cast, all municipalities of a group together) from election 0 to election 1 is

    R₁(S₁) − R₀(S₀) = [R₁(S₁) − R₁(F)]  joiners
                    + [R₀(F) − R₀(S₀)]  leavers
                    + [C₁ − C₀]         trend of the never exposed
                    + [B₁ − B₀]         own starting point: gap at the baseline of each type
                    + [E₁ − E₀]         learning: change of the excess

with S₀ and S₁ the exposed municipalities, F those in both, C the never exposed, and for F
R_t(F) = C_t + B_t + E_t: B_t is the gap R(F) − C at the baseline of election t (the same type,
old ballot), E_t the difference-in-differences against it. It is an identity: nothing is
estimated, and the parts say nothing of their uncertainty. That the last part is learning is an
assumption: the excess of the same municipalities would have been the same both times.

Shares that were published rounded give parts that are intervals (lack of digits, no statistical
uncertainty); arithmetic is exact and rounded once, so a part without rounded input is a number.

Source: decomposition by successive replacement of the reference group, in the manner of Kitagawa
(1955), JASA 50, and Oaxaca (1973), International Economic Review 14.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.rounded import (
    Bounds,
    Rounded,
    exact_linear_bounds,
    unit_weights,
)

__all__ = [
    "Decomposition",
    "ElectionCounts",
    "ElectionLevels",
    "PublishedShares",
    "decompose_change",
]

BoolArray = npt.NDArray[np.bool_]
_Pair = tuple[Fraction, Fraction]
_ZERO = (Fraction(0), Fraction(0))


@dataclass(frozen=True, slots=True)
class ElectionCounts:
    """Invalid votes (n,) and votes cast (n,) of one election; NaN where there are none."""

    invalid: npt.ArrayLike
    cast: npt.ArrayLike


@dataclass(frozen=True, slots=True)
class PublishedShares:
    """One election of which only rounded shares are known.

    ``shares`` (n,) of single municipalities, None where nothing was published; ``together`` the
    share of all municipalities exposed at this election (of a baseline: at its election), and
    ``control`` that of the never exposed. A published "rest of the country" also holds those who
    joined later and stands in for the never exposed; say so beside the result. ``votes_cast``
    (n,) are needed for the exposed only; without them every mixture of the municipalities is
    allowed, which gives wider intervals.
    """

    shares: Sequence[Bounds | Rounded | None]
    together: Bounds | Rounded | None = None
    control: Bounds | Rounded | None = None
    votes_cast: npt.ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class ElectionLevels:
    """Levels of one election, as fractions: the terms of R(F) = C + B + E.

    ``exposed`` is R(S), ``fixed`` R(F), ``control`` C; ``start_gap`` is B and ``excess`` E. The
    last two are None without a baseline.
    """

    exposed: Bounds
    fixed: Bounds
    control: Bounds
    start_gap: Bounds | None
    excess: Bounds | None


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The parts of a change, as differences of fractions; see the module for their meaning.

    ``excess_over_control`` is the change of R(F) − C: own starting point and learning together.
    When a baseline is absent ``separable`` is false, ``own_start`` and ``learning`` are None and
    that joint part takes their place. ``members`` holds the numbers of municipalities in F, of
    joiners, of leavers and of the never exposed (of whom a published share may hold others).
    """

    naive: Bounds
    joiners: Bounds
    leavers: Bounds
    control_trend: Bounds
    own_start: Bounds | None
    learning: Bounds | None
    excess_over_control: Bounds
    then: ElectionLevels
    now: ElectionLevels
    members: dict[str, int]

    @property
    def separable(self) -> bool:
        """Whether learning is told apart from the starting point: both baselines are there."""
        return self.learning is not None

    @property
    def parts(self) -> dict[str, Bounds]:
        """The parts that add up to ``naive``, in the order of the module."""
        made = {
            "joiners": self.joiners,
            "leavers": self.leavers,
            "control_trend": self.control_trend,
        }
        if self.own_start is None or self.learning is None:
            return made | {"excess_over_control": self.excess_over_control}
        return made | {"own_start": self.own_start, "learning": self.learning}


def decompose_change(
    now: ElectionCounts | PublishedShares,
    then: ElectionCounts | PublishedShares,
    *,
    exposed_now: npt.ArrayLike,
    exposed_then: npt.ArrayLike,
    never_exposed: npt.ArrayLike | None = None,
    baseline_now: ElectionCounts | PublishedShares | None = None,
    baseline_then: ElectionCounts | PublishedShares | None = None,
) -> Decomposition:
    """Return the parts of the change of the exposed from election ``then`` (0) to ``now`` (1).

    All arrays are over the same n municipalities. ``exposed_now`` and ``exposed_then`` (n,) are
    S₁ and S₀; ``never_exposed`` (n,) is C, by default all the others. Baselines are the latest
    elections of the same type with the old ballot. An election counts only the municipalities it
    needs: NaN elsewhere does no harm. Without joiners, or leavers, their part is exactly 0.
    Raises ValueError when no municipality is in both sets, when there are no controls, when a
    control was exposed, for missing or impossible counts, for a group without votes cast, for
    arrays that do not fit, and for published shares that contradict each other.
    """
    s1, s0 = (np.asarray(v, dtype=bool) for v in (exposed_now, exposed_then))
    never = ~(s0 | s1) if never_exposed is None else np.asarray(never_exposed, dtype=bool)
    _check_groups(s1, s0, never)
    fixed = s0 & s1
    level1, level0 = (_groups(e, s, fixed, never) for e, s in ((now, s1), (then, s0)))
    base1, base0 = (
        None if e is None else _baseline_groups(e, s, fixed, never)
        for e, s in ((baseline_now, s1), (baseline_then, s0))
    )
    own = learning = None
    if base1 is not None and base0 is not None:
        own = _sum(base1.fixed, _minus(base1.control), _minus(base0.fixed), base0.control)
        learning = _sum(*_excess(level1, base1), *map(_minus, _excess(level0, base0)))
    return Decomposition(
        naive=_sum(level1.exposed, _minus(level0.exposed)),
        joiners=_sum(level1.gap),
        leavers=_sum(_minus(level0.gap)),
        control_trend=_sum(level1.control, _minus(level0.control)),
        own_start=own,
        learning=learning,
        excess_over_control=_sum(
            level1.fixed, _minus(level1.control), _minus(level0.fixed), level0.control
        ),
        then=_levels(level0, base0),
        now=_levels(level1, base1),
        members={
            "fixed": int(fixed.sum()),
            "joined": int((s1 & ~s0).sum()),
            "left": int((s0 & ~s1).sum()),
            "never_exposed": int(never.sum()),
        },
    )


def _check_groups(s1: BoolArray, s0: BoolArray, never: BoolArray) -> None:
    if not (s1.shape == s0.shape == never.shape and s1.ndim == 1):
        msg = f"the memberships differ in shape: {s1.shape}, {s0.shape} and {never.shape}"
        raise ValueError(msg)
    if not (s0 & s1).any():
        msg = "no municipality was exposed at both elections: the change cannot be decomposed"
        raise ValueError(msg)
    if (never & (s0 | s1)).any():
        msg = f"municipality {int(np.argmax(never & (s0 | s1)))} is never exposed and exposed"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Exact limits of the pooled shares of one election; ``gap`` is R(S) − R(F)."""

    exposed: _Pair
    fixed: _Pair
    gap: _Pair
    control: _Pair


def _groups(
    election: ElectionCounts | PublishedShares,
    exposed: BoolArray,
    fixed: BoolArray,
    never: BoolArray,
) -> _Groups:
    if isinstance(election, PublishedShares):
        return _published_groups(election, exposed, fixed)
    if not never.any():
        msg = "there is no never exposed municipality to compare with"
        raise ValueError(msg)
    whole, kept, control = (_pooled(election, group) for group in (exposed, fixed, never))
    gap = whole - kept
    return _Groups((whole, whole), (kept, kept), (gap, gap), (control, control))


def _baseline_groups(
    baseline: ElectionCounts | PublishedShares,
    exposed: BoolArray,
    fixed: BoolArray,
    never: BoolArray,
) -> _Groups:
    """Return the groups of a baseline, of which only F and the never exposed are used."""
    # A published share of all together helps to find that of F; counts of others do not.
    whole = exposed if isinstance(baseline, PublishedShares) else fixed
    return _groups(baseline, whole, fixed, never)


def _sum(*terms: _Pair) -> Bounds:
    """Return the sum of limits of separate quantities, rounded once."""
    low, high = (sum((t[i] for t in terms), Fraction(0)) for i in (0, 1))
    return Bounds(float(low), float(high))


def _minus(pair: _Pair) -> _Pair:
    return -pair[1], -pair[0]


def _excess(level: _Groups, baseline: _Groups) -> tuple[_Pair, ...]:
    """Return the terms of E: the change of R(F) minus that of the never exposed."""
    return level.fixed, _minus(baseline.fixed), _minus(level.control), baseline.control


def _levels(level: _Groups, baseline: _Groups | None) -> ElectionLevels:
    gap = None if baseline is None else _sum(baseline.fixed, _minus(baseline.control))
    return ElectionLevels(
        exposed=_sum(level.exposed),
        fixed=_sum(level.fixed),
        control=_sum(level.control),
        start_gap=gap,
        excess=None if baseline is None else _sum(*_excess(level, baseline)),
    )


def _pooled(election: ElectionCounts, group: BoolArray) -> Fraction:
    """Return invalid votes over votes cast of a group, exactly."""
    sums = []
    for name, values in (("invalid votes", election.invalid), ("votes cast", election.cast)):
        counts = np.asarray(values, dtype=float)
        if counts.shape != group.shape:
            msg = f"{name} {counts.shape} do not fit {len(group)} municipalities"
            raise ValueError(msg)
        wrong = np.flatnonzero(group & ~(np.isfinite(counts) & (counts >= 0) & (counts % 1 == 0)))
        if len(wrong):
            msg = f"municipality {wrong[0]} has {counts[wrong[0]]} {name}"
            raise ValueError(msg)
        sums.append(counts)
    many = np.flatnonzero(group & (sums[0] > sums[1]))
    if len(many):
        msg = f"municipality {many[0]} has more invalid votes than votes cast"
        raise ValueError(msg)
    invalid, cast = (sum(map(int, counts[group].tolist())) for counts in sums)
    if not cast:
        msg = "a group of municipalities has no votes cast"
        raise ValueError(msg)
    return Fraction(invalid, cast)


def _published_groups(election: PublishedShares, exposed: BoolArray, fixed: BoolArray) -> _Groups:
    if len(election.shares) != len(exposed):
        msg = f"{len(election.shares)} shares do not fit {len(exposed)} municipalities"
        raise ValueError(msg)
    if election.control is None:
        msg = "the published shares have none of the never exposed"
        raise ValueError(msg)
    listed = [election.shares[i] for i in np.flatnonzero(exposed).tolist()]
    boxes = [_limits(share) for share in listed]
    whole, control, kept = _limits(election.together), _limits(election.control), fixed[exposed]
    if election.votes_cast is None:
        return _Groups(*_any_mixture(boxes, kept, whole), control)
    cast = np.asarray(election.votes_cast, dtype=float)
    if cast.shape != exposed.shape:
        msg = f"votes cast {cast.shape} do not fit {len(exposed)} municipalities"
        raise ValueError(msg)
    return _Groups(*_known_mixture(boxes, kept, cast[exposed], whole), control)


def _limits(share: Bounds | Rounded | None) -> _Pair:
    """Return exact limits of a published share, 0 to 1 for one that was not published."""
    if share is None:
        return Fraction(0), Fraction(1)
    if math.isnan(share.lower):
        msg = "a published share is undefined; leave it out as None"
        raise ValueError(msg)
    return Fraction(share.lower), Fraction(share.upper)


def _known_mixture(
    boxes: list[_Pair], kept: BoolArray, cast: npt.NDArray[np.float64], whole: _Pair
) -> tuple[_Pair, _Pair, _Pair]:
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


def _any_mixture(boxes: list[_Pair], kept: BoolArray, whole: _Pair) -> tuple[_Pair, _Pair, _Pair]:
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
    mirrored = _upward(_minus(f), _minus(rest), _minus(whole))
    downward = None if mirrored is None else [_minus(pair) for pair in mirrored]
    cases = [case for case in (upward, downward) if case is not None]
    if not cases:
        _refuse(_hull([f, rest]), whole)
    r, k, gap = (_hull(list(pairs)) for pairs in zip(*cases, strict=True))
    return r, k, gap


def _hull(pairs: list[_Pair]) -> _Pair:
    return min(low for low, _ in pairs), max(high for _, high in pairs)


def _upward(f: _Pair, rest: _Pair, whole: _Pair) -> list[_Pair] | None:
    """Return limits of R(S), R(F) and the gap where R(F) ≤ R(S) ≤ the rest; None if nowhere."""
    low, high = max(whole[0], f[0]), min(whole[1], rest[1])
    if low > high:
        return None
    return [(low, high), (f[0], min(f[1], high)), (max(low - f[1], Fraction(0)), high - f[0])]


def _refuse(parts: _Pair, whole: _Pair) -> NoReturn:
    low, high, start, end = (float(v) for v in (*parts, *whole))
    msg = (
        f"the municipalities lie at {low:.6f} to {high:.6f}, all together at {start:.6f} to "
        f"{end:.6f}: the published shares contradict each other"
    )
    raise ValueError(msg)
