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

import numpy as np
import numpy.typing as npt

from ballot_eval.estimation.rounded import Bounds, Pair, Rounded
from ballot_eval.estimation.rounded_groups import middle, minus, mixture

__all__ = [
    "Decomposition",
    "ElectionCounts",
    "ElectionLevels",
    "PublishedShares",
    "decompose_change",
]

BoolArray = npt.NDArray[np.bool_]


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

    ``exposed`` is R(S), ``fixed`` R(F), ``control`` C; ``start_gap`` is B and ``excess`` E.
    ``rate_ratio`` is R(F) / C divided by the same at the baseline: the effect as a ratio. The
    last three are None without a baseline, the ratio also where a rate in a denominator may be 0.
    """

    exposed: Bounds
    fixed: Bounds
    control: Bounds
    start_gap: Bounds | None
    excess: Bounds | None
    rate_ratio: Bounds | None


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The parts of a change, as differences of fractions; see the module for their meaning.

    ``excess_over_control`` is the change of R(F) − C: own starting point and learning together.
    When a baseline is absent ``separable`` is false, ``own_start`` and ``learning`` are None and
    that joint part takes their place. ``members`` holds the numbers of municipalities in F, of
    joiners, of leavers and of the never exposed (of whom a published share may hold others).

    Every limit of a part is reached, but not all at once. ``central`` is one set of values in
    the middle of the rounding that fit together: ``start`` and ``end``, which are R₀(S₀) and
    R₁(S₁), and the parts between them, which add up. Without rounded shares it is the result.
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
    central: dict[str, float]

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
    made = _parts(level1, level0, base1, base0)
    return Decomposition(
        naive=_sum(level1.exposed, minus(level0.exposed)),
        joiners=made["joiners"],
        leavers=made["leavers"],
        control_trend=made["control_trend"],
        own_start=made.get("own_start"),
        learning=made.get("learning"),
        excess_over_control=_sum(*_over_control(level1), *map(minus, _over_control(level0))),
        then=_levels(level0, base0),
        now=_levels(level1, base1),
        members={
            "fixed": int(fixed.sum()),
            "joined": int((s1 & ~s0).sum()),
            "left": int((s0 & ~s1).sum()),
            "never_exposed": int(never.sum()),
        },
        central=_central(level1, level0, base1, base0),
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
    """Exact limits of the pooled shares of one election; ``gap`` is R(S) − R(F).

    ``centre`` holds values of R(S) and R(F) in the middle of the limits that fit together.
    """

    exposed: Pair
    fixed: Pair
    gap: Pair
    centre: Pair
    control: Pair

    def at_centre(self) -> _Groups:
        """Return the groups with one value each."""
        r, f = self.centre
        return _Groups((r, r), (f, f), (r - f, r - f), self.centre, middle(self.control))


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
    return _Groups((whole, whole), (kept, kept), (gap, gap), (whole, kept), (control, control))


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


def _parts(
    level1: _Groups, level0: _Groups, base1: _Groups | None, base0: _Groups | None
) -> dict[str, Bounds]:
    """Return the parts that add up, in order."""
    made = {
        "joiners": _sum(level1.gap),
        "leavers": _sum(minus(level0.gap)),
        "control_trend": _sum(level1.control, minus(level0.control)),
    }
    later, earlier = _over_control(level1), [*map(minus, _over_control(level0))]
    if base1 is None or base0 is None:
        return made | {"excess_over_control": _sum(*later, *earlier)}
    gaps = *_over_control(base1), *map(minus, _over_control(base0))
    return made | {
        "own_start": _sum(*gaps),
        "learning": _sum(*later, *earlier, *map(minus, gaps)),
    }


def _central(
    level1: _Groups, level0: _Groups, base1: _Groups | None, base0: _Groups | None
) -> dict[str, float]:
    """Return start, parts and end at the centres of all groups."""
    now, then = level1.at_centre(), level0.at_centre()
    b1, b0 = (None if b is None else b.at_centre() for b in (base1, base0))
    parts = {k: v.midpoint for k, v in _parts(now, then, b1, b0).items()}
    return {"start": float(then.exposed[0]), **parts, "end": float(now.exposed[0])}


def _over_control(group: _Groups) -> tuple[Pair, Pair]:
    """Return the terms of R(F) − C."""
    return group.fixed, minus(group.control)


def _sum(*terms: Pair) -> Bounds:
    """Return the sum of limits of separate quantities, rounded once."""
    low, high = (sum((t[i] for t in terms), Fraction(0)) for i in (0, 1))
    return Bounds(float(low), float(high))


def _levels(level: _Groups, baseline: _Groups | None) -> ElectionLevels:
    gap = None if baseline is None else _over_control(baseline)
    return ElectionLevels(
        exposed=_sum(level.exposed),
        fixed=_sum(level.fixed),
        control=_sum(level.control),
        start_gap=None if gap is None else _sum(*gap),
        excess=None if gap is None else _sum(*_over_control(level), *map(minus, gap)),
        rate_ratio=None if baseline is None else _rate_ratio(level, baseline),
    )


def _rate_ratio(level: _Groups, baseline: _Groups) -> Bounds | None:
    """Return R(F) / C over the same at the baseline, None where that may divide by 0."""
    if min(level.control[0], baseline.fixed[0], baseline.control[0]) <= 0:
        return None
    return (_sum(level.fixed) / _sum(level.control)) / (
        _sum(baseline.fixed) / _sum(baseline.control)
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
    cast = None
    if election.votes_cast is not None:
        cast = np.asarray(election.votes_cast, dtype=float)
        if cast.shape != exposed.shape:
            msg = f"votes cast {cast.shape} do not fit {len(exposed)} municipalities"
            raise ValueError(msg)
        cast = cast[exposed]
    r, f, gap = mixture(boxes, kept, whole, cast)
    centre = middle(r)
    return _Groups(
        r, f, gap, (centre[0], middle(mixture(boxes, kept, centre, cast)[1])[0]), control
    )


def _limits(share: Bounds | Rounded | None) -> Pair:
    """Return exact limits of a published share, 0 to 1 for one that was not published."""
    if share is None:
        return Fraction(0), Fraction(1)
    if math.isnan(share.lower):
        msg = "a published share is undefined; leave it out as None"
        raise ValueError(msg)
    return Fraction(share.lower), Fraction(share.upper)
