"""The decomposition of a change: an identity, by hand, and with rounded shares by sampling."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ballot_eval.estimation.decomposition import (
    ElectionCounts,
    PublishedShares,
    decompose_change,
)
from ballot_eval.estimation.rounded import Bounds, Rounded

N = 40
THEN, NOW = np.zeros(N, bool), np.zeros(N, bool)
THEN[:5] = True
NOW[1:12] = True
FIXED, NEVER = THEN & NOW, ~(THEN | NOW)


def _counts(seed: int, mean: float = 0.004) -> ElectionCounts:
    rng = np.random.default_rng(seed)
    cast = rng.integers(2_000, 80_000, N)
    return ElectionCounts(rng.binomial(cast, rng.gamma(20, mean / 20, N)), cast)


COUNTS = [_counts(seed) for seed in range(4)]


def _decompose(now=COUNTS[0], then=COUNTS[1], b1=COUNTS[2], b0=COUNTS[3], **options):
    named = {"exposed_now": NOW, "exposed_then": THEN} | options
    return decompose_change(now, then, baseline_now=b1, baseline_then=b0, **named)


def _rate(election, group):
    return np.asarray(election.invalid)[group].sum() / np.asarray(election.cast)[group].sum()


def _by_hand(now, then, b1, b0):
    """The parts as written down, in floating point, from four elections of counts."""
    gap1, gap0 = (_rate(b, FIXED) - _rate(b, NEVER) for b in (b1, b0))
    excess1 = _rate(now, FIXED) - _rate(now, NEVER) - gap1
    excess0 = _rate(then, FIXED) - _rate(then, NEVER) - gap0
    return {
        "joiners": _rate(now, NOW) - _rate(now, FIXED),
        "leavers": _rate(then, FIXED) - _rate(then, THEN),
        "control_trend": _rate(now, NEVER) - _rate(then, NEVER),
        "own_start": gap1 - gap0,
        "learning": excess1 - excess0,
    }


def test_parts_are_those_of_the_formula_and_add_up():
    for seed in range(0, 80, 4):
        elections = [_counts(seed + i, 0.002 + 0.001 * i) for i in range(4)]
        made = _decompose(*elections)
        expected = _by_hand(*elections)
        assert made.separable
        assert list(made.parts) == list(expected)
        for name, part in made.parts.items():
            assert part.exact
            assert part.midpoint == pytest.approx(expected[name], abs=1e-17)
        total = math.fsum(part.midpoint for part in made.parts.values())
        largest = max(abs(part.midpoint) for part in made.parts.values())
        assert total == pytest.approx(made.naive.midpoint, rel=1e-15, abs=1e-15 * largest)
        _check_central(made)
        assert made.central["learning"] == made.learning.midpoint
        joint = made.own_start + made.learning
        assert made.excess_over_control.midpoint == pytest.approx(joint.midpoint, abs=1e-17)
        for level in (made.now, made.then):
            parts = level.control.midpoint, level.start_gap.midpoint, level.excess.midpoint
            assert math.fsum(parts) == pytest.approx(level.fixed.midpoint, rel=1e-15)


def test_members_are_counted():
    assert _decompose().members == {"fixed": 4, "joined": 7, "left": 1, "never_exposed": 28}


def test_each_part_moves_with_its_own_cause_alone():
    # 10,000 ballots everywhere, 0.2% invalid at baselines: every number can be seen.
    cast, base = np.full(N, 10_000), np.full(N, 20)
    quiet = ElectionCounts(base, cast)
    plain = ElectionCounts(base + 30 * THEN, cast), ElectionCounts(base + 30 * NOW, cast)

    def points(now, then, b1=quiet, b0=quiet):
        parts = _decompose(now, then, b1, b0).parts.values()
        return [round(part.midpoint * 10_000, 9) for part in parts]

    then, now = plain
    assert points(now, then) == [0, 0, 0, 0, 0]
    less = ElectionCounts(base + 30 * NOW - 10 * FIXED, cast)
    # Less excess in F is learning; the joiners keep theirs and lift the mean by 10·7/11.
    assert points(less, then) == [round(10 * 7 / 11, 9), 0, 0, 0, -10]
    left = ElectionCounts(base + 30 * THEN + 25 * (THEN & ~NOW), cast)
    assert points(now, left) == [0, -5, 0, 0, 0]
    other_type = ElectionCounts(base + 7, cast), ElectionCounts(base + 7 + 30 * NOW, cast)
    assert points(other_type[1], then, other_type[0]) == [0, 0, 7, 0, 0]
    gap = ElectionCounts(base + 4 * NOW, cast), ElectionCounts(base + 34 * NOW, cast)
    assert points(gap[1], then, gap[0]) == [0, 0, 0, 4, 0]


def test_without_joiners_and_leavers_these_parts_are_zero():
    made = _decompose(exposed_now=THEN, exposed_then=THEN)
    assert made.joiners == made.leavers == Bounds(0.0, 0.0)
    assert made.members["fixed"] == 5


def test_without_a_baseline_starting_point_and_learning_are_one_part():
    full = _decompose()
    for missing in ({"b1": None}, {"b0": None}, {"b1": None, "b0": None}):
        made = _decompose(**missing)
        assert not made.separable
        assert made.own_start is made.learning is None
        _check_central(made)
        assert list(made.parts) == ["joiners", "leavers", "control_trend", "excess_over_control"]
        assert made.excess_over_control == full.excess_over_control
        total = math.fsum(part.midpoint for part in made.parts.values())
        assert total == pytest.approx(made.naive.midpoint, rel=1e-14)
    assert _decompose(b0=None).then.excess is None
    assert _decompose(b0=None).now.excess == full.now.excess


def test_counts_that_are_not_needed_may_be_missing():
    now, then, b1, b0 = (
        ElectionCounts(np.where(keep, e.invalid, np.nan), np.where(keep, e.cast, np.nan))
        for e, keep in zip(
            COUNTS, (NOW | NEVER, THEN | NEVER, FIXED | NEVER, FIXED | NEVER), strict=True
        )
    )
    assert _decompose(now, then, b1, b0).parts == _decompose().parts


def _rounded(rate: float, decimals: int) -> Rounded:
    return Rounded(f"{100 * rate:.{decimals}f}")


def _published(election: ElectionCounts, exposed, *, cast: bool = True) -> PublishedShares:
    rates = np.asarray(election.invalid) / np.asarray(election.cast)
    shares = [_rounded(r, 1) if s else None for r, s in zip(rates, exposed, strict=True)]
    together, control = _rate(election, exposed), _rate(election, NEVER)
    votes = np.where(exposed, election.cast, np.nan) if cast else None
    return PublishedShares(shares, _rounded(together, 2), _rounded(control, 2), votes)


def _check_central(made):
    """The central values fit the intervals and add up."""
    steps = [made.central[name] for name in made.parts]
    assert list(made.central) == ["start", *made.parts, "end"]
    assert made.then.exposed.contains(made.central["start"], tolerance=1e-18)
    assert made.now.exposed.contains(made.central["end"], tolerance=1e-18)
    end = math.fsum([made.central["start"], *steps])
    assert end == pytest.approx(made.central["end"], rel=1e-14)
    for step, part in zip(steps, made.parts.values(), strict=True):
        assert part.contains(step, tolerance=1e-17)


@pytest.mark.parametrize("cast", [True, False])
def test_intervals_hold_the_parts_of_the_counts_that_were_rounded(cast):
    for seed in range(0, 120, 4):
        elections = [_counts(seed + i, 0.003 + 0.001 * i) for i in range(4)]
        true = _decompose(*elections)
        for old in (elections[1], _published(elections[1], THEN, cast=cast)):
            for now in (elections[0], _published(elections[0], NOW, cast=cast)):
                baseline = _published(elections[3], THEN, cast=cast)
                made = _decompose(now, old, elections[2], baseline)
                for name, part in {**made.parts, "naive": made.naive}.items():
                    value = getattr(true, name).midpoint
                    assert part.contains(value, tolerance=1e-17), name
                assert made.own_start.exact is False
                _check_central(made)
                assert made.joiners.exact is isinstance(now, ElectionCounts)
                assert made.leavers.exact is isinstance(old, ElectionCounts)


def _any_values(published: PublishedShares, exposed, rng) -> tuple[np.ndarray, float] | None:
    """Draw shares within the rounding that fit the share of all together, or nothing."""
    low, high = np.array([[s.lower, s.upper] for s in published.shares if s is not None]).T
    x = rng.uniform(low, high)
    weights = np.asarray(published.votes_cast)[exposed]
    whole = np.average(x, weights=weights)
    if not published.together.lower <= whole <= published.together.upper:
        return None
    return x, rng.uniform(published.control.lower, published.control.upper)


def test_intervals_hold_every_value_inside_the_rounding_and_little_more():
    then = _published(COUNTS[1], THEN)
    made = _decompose(then=then)
    assert made.joiners == _decompose().joiners
    rng = np.random.default_rng(5)
    weights, kept = np.asarray(then.votes_cast)[THEN], FIXED[THEN]
    now, b1, b0 = COUNTS[0], COUNTS[2], COUNTS[3]
    seen = {name: [] for name in made.parts}
    for _ in range(8_000):
        drawn = _any_values(then, THEN, rng)
        if drawn is None:
            continue
        x, control = drawn
        fixed = np.average(x[kept], weights=weights[kept])
        gap0 = _rate(b0, FIXED) - _rate(b0, NEVER)
        gap1 = _rate(b1, FIXED) - _rate(b1, NEVER)
        excess1 = _rate(now, FIXED) - _rate(now, NEVER) - gap1
        seen["leavers"].append(fixed - np.average(x, weights=weights))
        seen["control_trend"].append(_rate(now, NEVER) - control)
        seen["learning"].append(excess1 - (fixed - control - gap0))
    assert len(seen["learning"]) > 200
    for name, values in seen.items():
        if not values:
            assert made.parts[name].exact
            continue
        part = made.parts[name]
        assert part.lower <= min(values)
        assert max(values) <= part.upper
        assert np.ptp(values) > 0.7 * (part.upper - part.lower), name


def _brute_any_mixture(f, rest, whole, rng):
    """The ranges of R(S), R(F) and their difference, over a fine draw of everything possible."""
    k, g, share = rng.uniform(*f, 200_000), rng.uniform(*rest, 200_000), rng.random(200_000)
    r = k + share * (g - k)
    fits = (r >= whole[0]) & (r <= whole[1])
    return [(v[fits].min(), v[fits].max()) for v in (r, k, r - k)] if fits.sum() > 3000 else None


def test_without_votes_cast_every_mixture_is_allowed_and_no_more():
    rng, tried = np.random.default_rng(6), 0
    two, one = np.array([True, True]), np.array([True, False])
    base = ElectionCounts([1, 2, 3], [1000, 1000, 1000])
    exposed = np.array([*two, False])
    for _ in range(40):
        f, rest, whole = np.sort(rng.uniform(0, 0.9, (3, 2)), axis=1).tolist()
        expected = _brute_any_mixture(f, rest, whole, rng)
        if expected is None:
            continue
        tried += 1
        then = PublishedShares([Bounds(*f), Bounds(*rest), None], Bounds(*whole), Rounded("0,2"))
        made = decompose_change(
            base, then, exposed_now=np.array([*one, False]), exposed_then=exposed
        )
        gap = -made.leavers
        for bounds, (low, high) in zip(
            (made.then.exposed, made.then.fixed, gap), expected, strict=True
        ):
            assert (bounds.lower, bounds.upper) == pytest.approx((low, high), abs=0.02)
            assert bounds.lower <= low + 1e-12
            assert high <= bounds.upper + 1e-12
    assert tried > 15


def test_the_published_shares_of_2024_give_intervals_and_the_counts_of_2025_do_not():
    # The five together 0,74%, the rest of the country 0,18%; Borne left.
    cast = np.array([16_371, 71_159, 23_461, 7_415, 13_072, 10_508_846.0])
    invalid = np.array([76, 358, 91, 47, 61, 27_573.0])
    shares = [*(Rounded(text) for text in ("1,0%", "0,7%", "0,7%", "0,6%", "0,5%")), None]
    then = PublishedShares(shares, Rounded("0,74%"), Rounded("0,18%"))
    exposed = np.arange(6) < 5
    made = decompose_change(
        ElectionCounts(invalid, cast),
        then,
        exposed_now=exposed & (np.arange(6) > 0),
        exposed_then=exposed,
    )
    assert made.now.fixed.exact
    assert made.joiners == Bounds(0.0, 0.0)
    # Borne lay above the five together, so leaving it out lowers the share, by rounding at most.
    assert made.leavers.lower < -0.001
    assert made.leavers.upper == 0.0
    assert made.then.fixed.lower == 0.0045
    assert made.then.fixed.upper == 0.00745
    assert made.control_trend.lower == pytest.approx(27_573 / 10_508_846 - 0.00185, rel=1e-12)
    with_cast = PublishedShares(shares, Rounded("0,74%"), Rounded("0,18%"), cast * 0.6)
    tight = decompose_change(
        ElectionCounts(invalid, cast),
        with_cast,
        exposed_now=exposed & (np.arange(6) > 0),
        exposed_then=exposed,
    )
    _check_central(made)
    _check_central(tight)
    assert made.leavers.lower < tight.leavers.lower
    assert tight.leavers.upper < 0


def test_all_exposed_published_without_shares_of_their_own():
    then = PublishedShares([None] * N, Rounded("0,74"), Rounded("0,18"))
    made = _decompose(then=then, exposed_now=THEN)
    assert made.leavers == Bounds(0.0, 0.0)
    assert made.then.fixed == Bounds(0.00735, 0.00745)


NONE = np.zeros(N, bool)
NAN_CAST = ElectionCounts(COUNTS[0].invalid, np.where(NOW, np.nan, COUNTS[0].cast))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exposed_now": ~THEN, "never_exposed": NONE}, "no municipality was exposed at both"),
        ({"exposed_now": NONE}, "no municipality was exposed at both"),
        ({"never_exposed": NONE}, "no never exposed municipality"),
        ({"never_exposed": THEN}, "is never exposed and exposed"),
        ({"never_exposed": NEVER[1:]}, "differ in shape"),
        ({"now": NAN_CAST}, "municipality 1 has nan votes cast"),
        ({"now": ElectionCounts([1.5] * N, [10] * N)}, "has 1.5 invalid votes"),
        ({"now": ElectionCounts([3] * N, [2] * N)}, "more invalid votes than votes cast"),
        ({"now": ElectionCounts([0] * N, [0] * N)}, "no votes cast"),
        ({"b0": ElectionCounts([1], [2])}, "do not fit 40 municipalities"),
        ({"then": PublishedShares([None])}, "1 shares do not fit 40"),
        ({"then": PublishedShares([None] * N)}, "none of the never exposed"),
        (
            {"then": PublishedShares([None] * N, Rounded(math.nan, 1), Rounded("0,2"))},
            "share is undefined",
        ),
        (
            {"then": PublishedShares([Rounded("0,2")] * N, Rounded("0,7"), Rounded("0,2"))},
            "contradict each other",
        ),
        (
            {
                "then": PublishedShares([Rounded("0,2")] * N, Rounded("0,7"), Rounded("0,2")),
                "exposed_now": THEN,
            },
            "contradict each other",
        ),
        (
            {
                "then": PublishedShares(
                    [Rounded("0,2")] * N, Rounded("0,7"), Rounded("0,2"), np.ones(N)
                )
            },
            "contradict each other",
        ),
        (
            {"then": PublishedShares([None] * N, None, Rounded("0,2"), np.zeros(N))},
            "missing or not positive",
        ),
        ({"then": PublishedShares([None] * N, None, Rounded("0,2"), [1])}, "do not fit"),
    ],
)
def test_what_cannot_be_decomposed_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        _decompose(**options)
