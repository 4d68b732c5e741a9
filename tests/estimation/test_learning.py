"""Learning over exposures, against R, brute force and known truth."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.inference import draw_assignments, randomisation_test
from ballot_eval.estimation.learning import (
    change_in_excess,
    change_in_ratio,
    consecutive_changes,
    decay,
    excess_by_exposure,
    joint_changes,
    later_against_first,
    later_against_first_power,
    within_station_difference,
)

REFERENCE = Path(__file__).parents[1] / "reference"
EXACT = {"draws": 1, "max_exact": 10_000, "seed": 0}


@pytest.fixture(scope="module")
def expected():
    return json.loads((REFERENCE / "learning_reference.json").read_text())


class Panel:
    def __init__(self):
        table = np.genfromtxt(
            REFERENCE / "learning_panel.csv", delimiter=",", names=True, missing_values="NA"
        )
        self.events, self.ballots, self.before, self.before_ballots = (
            np.column_stack([table[f"{name}{k}"] for k in (1, 2, 3)])
            for name in ("x", "n", "bx", "bn")
        )
        self.changes = self.events / self.ballots - self.before / self.before_ballots
        self.role = table["role"] == 1
        self.later = table["later"][:11] == 1
        self.block = table["block"][:11].astype(int)
        self.age = table["age"][:11]

    @property
    def counts(self):
        return self.events, self.ballots, self.before, self.before_ballots


@pytest.fixture(scope="module")
def panel():
    return Panel()


# Excess per exposure


@pytest.mark.parametrize("name", ["equal", "ballots"])
def test_excess_equals_r(panel, expected, name):
    weights = None if name == "equal" else panel.ballots
    found = excess_by_exposure(panel.changes, panel.role, weights=weights, **EXACT)
    stored = expected[f"excess_{name}"]
    assert found.exact
    assert found.draws == math.comb(15, 4)
    assert found.estimates == pytest.approx(stored["estimate"], rel=1e-12)
    assert found.p_values == pytest.approx(stored["p"], rel=1e-12)
    assert found.covariance == pytest.approx(np.array(stored["covariance"]), rel=1e-10)
    inside = None if weights is None else weights[:4]
    assert np.average(found.differences, axis=0, weights=inside) == pytest.approx(found.estimates)


def test_the_covariance_is_that_of_sampling_without_replacement(panel):
    found = excess_by_exposure(panel.changes, panel.role, **EXACT)
    removed = panel.changes - np.outer(panel.role, found.estimates)
    assert found.covariance == pytest.approx(np.cov(removed.T) * 15 / (4 * 11), rel=1e-10)
    # An effect, however large, is not spread.
    shifted = panel.changes + np.outer(panel.role, [1.0, -2.0, 3.0])
    again = excess_by_exposure(shifted, panel.role, **EXACT)
    assert again.covariance == pytest.approx(found.covariance, rel=1e-8)
    assert again.ci_lower - again.estimates == pytest.approx(found.ci_lower - found.estimates)


def test_each_exposure_is_the_ordinary_test_with_the_same_draws(panel):
    kwargs = {"draws": 500, "max_exact": 10, "seed": 4}
    found = excess_by_exposure(panel.changes, panel.role, weights=panel.ballots, **kwargs)
    draws = draw_assignments(panel.role, **kwargs)
    for k in range(3):
        alone = randomisation_test(
            panel.changes[:, k], panel.role, draws, weights=panel.ballots[:, k]
        )
        assert found.p_values[k] == alone.p_value
        assert (found.ci_lower[k], found.ci_upper[k]) == (alone.ci_lower, alone.ci_upper)
        assert found.p_errors[k] == alone.p_error
    assert found.units.tolist() == [0, 1, 2, 3]
    assert found.differences.shape == (4, 3)
    control = np.average(panel.changes[4:, 1], weights=panel.ballots[4:, 1])
    assert found.differences[:, 1] == pytest.approx(panel.changes[:4, 1] - control)


# Change in the excess


def p_of_change(panel, tau, **kwargs):
    changes = panel.changes.copy()
    changes[panel.role, 2] -= tau
    found = change_in_excess(changes, panel.role, exposures=(0, 2), **kwargs, **EXACT)
    return found.test.p_value


def test_change_equals_r(panel, expected):
    stored = expected["change"]
    found = change_in_excess(panel.changes, panel.role, exposures=(0, 2), **EXACT)
    assert found.test.estimate == pytest.approx(stored["estimate"], rel=1e-12)
    excess = expected["excess_equal"]["estimate"]
    assert found.excess == pytest.approx([excess[0], excess[2]], rel=1e-12)
    assert found.differences.mean() == pytest.approx(found.test.estimate)
    weighted = change_in_excess(
        panel.changes, panel.role, exposures=(0, 2), weights=panel.ballots, **EXACT
    )
    assert weighted.test.estimate == pytest.approx(stored["weighted_estimate"], rel=1e-12)
    assert weighted.excess[1] - weighted.excess[0] == pytest.approx(weighted.test.estimate)
    for i, tau in enumerate(stored["taus"]):
        for name, kwargs in {
            "plain": {"studentised": False},
            "studentised": {},
            "weighted": {"weights": panel.ballots, "studentised": False},
        }.items():
            assert p_of_change(panel, tau, **kwargs) == pytest.approx(stored[name][i], rel=1e-12)


@pytest.mark.parametrize("studentised", [False, True])
def test_the_limits_are_where_the_p_value_passes_the_level(panel, studentised):
    found = change_in_excess(
        panel.changes, panel.role, exposures=(0, 2), studentised=studentised, **EXACT
    ).test
    for limit, inward in ((found.ci_lower, 1e-8), (found.ci_upper, -1e-8)):
        assert p_of_change(panel, limit + inward, studentised=studentised) > 0.05
        assert p_of_change(panel, limit - inward, studentised=studentised) <= 0.05


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("studentised", [False, True])
def test_any_effect_that_stays_the_same_cancels(panel, weighted, studentised):
    kwargs = {
        "exposures": (0, 1),
        "weights": panel.ballots if weighted else None,
        "studentised": studentised,
    }
    found = change_in_excess(panel.changes, panel.role, **kwargs, **EXACT).test
    # Large, and different in every municipality, but the same at all exposures.
    effect = np.zeros((15, 1))
    effect[:4, 0] = [0.02, 0.5, -0.1, 0.004]
    again = change_in_excess(panel.changes + effect, panel.role, **kwargs, **EXACT).test
    assert again.p_value == found.p_value
    assert again.estimate == pytest.approx(found.estimate, rel=1e-9)
    assert again.ci_lower == pytest.approx(found.ci_lower, rel=1e-7)
    assert again.ci_upper == pytest.approx(found.ci_upper, rel=1e-7)
    assert again.distribution == pytest.approx(found.distribution, rel=1e-7, abs=1e-12)


def test_exposures_the_other_way_round_change_the_sign(panel):
    one = change_in_excess(panel.changes, panel.role, exposures=(1, 2), **EXACT)
    other = change_in_excess(panel.changes, panel.role, exposures=(2, 1), **EXACT)
    assert one.test.estimate == pytest.approx(-other.test.estimate)
    assert one.test.ci_lower == pytest.approx(-other.test.ci_upper)
    assert one.test.p_value == other.test.p_value
    assert one.excess.tolist() == other.excess[::-1].tolist()


def test_consecutive_changes_equal_r(panel, expected):
    found = consecutive_changes(panel.changes, panel.role, scaling="studentised", **EXACT)
    stored = expected["joint"]
    assert found.statistics == pytest.approx(stored["statistics"], rel=1e-12)
    assert found.p_values == pytest.approx(stored["p"], rel=1e-12)
    assert found.p_max_t == pytest.approx(stored["max_t"], rel=1e-12)
    single = change_in_excess(panel.changes, panel.role, exposures=(1, 2), **EXACT)
    assert found.p_values[1] == single.test.p_value
    assert found.estimates[1] == pytest.approx(single.test.estimate)


# Change in the ratio


def test_ratio_equals_r(panel, expected):
    stored = expected["ratio"]
    for weighting in ("pooled", "municipality"):
        found = change_in_ratio(
            *panel.counts, panel.role, exposures=(0, 2), weighting=weighting, **EXACT
        )
        assert found.test.ratio == pytest.approx(stored[weighting], rel=1e-12)
        if weighting == "pooled":
            assert found.rate_ratios == pytest.approx(stored["rate_ratios"], rel=1e-12)
        assert found.rate_ratios[1] / found.rate_ratios[0] == pytest.approx(found.test.ratio)
        for rho, p in zip(stored["ratios"], stored[f"{weighting}_p"], strict=True):
            # Dividing the events of the later exposure is what the hypothesis says.
            events = panel.events.copy()
            events[panel.role, 2] /= rho
            shifted = change_in_ratio(
                events,
                *panel.counts[1:],
                panel.role,
                exposures=(0, 2),
                weighting=weighting,
                **EXACT,
            )
            assert shifted.test.p_value == pytest.approx(p, rel=1e-12)
        if weighting == "pooled":
            continue
        assert np.exp(np.log(found.ratios).mean()) == pytest.approx(found.test.ratio)


@pytest.mark.parametrize("weighting", ["pooled", "municipality"])
def test_ratio_limits_are_where_the_p_value_passes_the_level(panel, weighting):
    kwargs = {"exposures": (0, 2), "weighting": weighting, **EXACT}
    found = change_in_ratio(*panel.counts, panel.role, **kwargs).test
    for limit, inward in ((found.ci_lower, 1e-7), (found.ci_upper, -1e-7)):
        for factor, kept in ((1 + inward, True), (1 - inward, False)):
            events = panel.events.copy()
            events[panel.role, 2] /= limit * factor
            p = change_in_ratio(events, *panel.counts[1:], panel.role, **kwargs).test.p_value
            assert (p > 0.05) == kept


@pytest.mark.parametrize("studentised", [False, True])
def test_factors_that_stay_the_same_cancel_in_the_mean_of_logs(panel, studentised):
    kwargs = {
        "exposures": (0, 1),
        "weighting": "municipality",
        "studentised": studentised,
        **EXACT,
    }
    found = change_in_ratio(*panel.counts, panel.role, **kwargs).test
    factor = np.ones((15, 1))
    factor[:4, 0] = [2.0, 3.5, 0.7, 9.0]
    again = change_in_ratio(panel.events * factor, *panel.counts[1:], panel.role, **kwargs).test
    assert again.p_value == found.p_value
    assert again.ratio == pytest.approx(found.ratio)
    assert again.ci_upper == pytest.approx(found.ci_upper)


def test_one_factor_cancels_from_the_pooled_ratio(panel):
    kwargs = {"exposures": (0, 1), "weighting": "pooled", **EXACT}
    found = change_in_ratio(*panel.counts, panel.role, **kwargs).test
    factor = np.where(panel.role, 7.0, 1.0)[:, None]
    again = change_in_ratio(panel.events * factor, *panel.counts[1:], panel.role, **kwargs).test
    assert again.p_value == found.p_value
    assert again.ci_lower == pytest.approx(found.ci_lower)


def test_a_half_keeps_municipalities_without_events_in(panel):
    events = panel.events.copy()
    events[0, 0] = 0
    counts = (events, *panel.counts[1:])
    kwargs = {"exposures": (0, 1), **EXACT}
    with pytest.raises(ValueError, match="zero events in 1 municipalities"):
        change_in_ratio(*counts, panel.role, weighting="municipality", **kwargs)
    half = change_in_ratio(
        *counts, panel.role, weighting="municipality", zeros="add_half", **kwargs
    )
    assert math.isfinite(half.test.ratio)
    pooled = change_in_ratio(*counts, panel.role, weighting="pooled", **kwargs)
    assert pooled.ratios[0] == math.inf
    assert math.isfinite(pooled.test.ratio)


def test_a_reassignment_without_events_is_refused(panel):
    events = panel.events.copy()
    events[4:9, 1] = 0
    with pytest.raises(ValueError, match="zero events on one side of 5 reassignments"):
        change_in_ratio(
            events, *panel.counts[1:], panel.role, exposures=(0, 1), weighting="pooled", **EXACT
        )


# Later against first


def test_later_against_first_equals_r(panel, expected):
    stored, y = expected["later"], panel.changes[:11, 2]
    found = later_against_first(y, panel.later, never=panel.changes[11:, 2])
    assert found.test.draws == 330
    assert found.test.exact
    assert found.test.estimate == pytest.approx(stored["estimate"], rel=1e-12)
    assert found.test.p_value == pytest.approx(stored["p"], rel=1e-12)
    assert stored["p"] == pytest.approx(stored["p_coin"], rel=1e-9)
    assert found.later_excess - found.first_excess == pytest.approx(stored["estimate"])
    assert found.later_excess == pytest.approx(y[panel.later].mean() - stored["never"])
    assert (found.n_later, found.n_first, found.n_never) == (4, 7, 4)
    assert found.smallest_p_value == pytest.approx(1 / 330)
    assert found.bounded
    studentised = later_against_first(y, panel.later, studentised=True)
    assert studentised.test.p_value == pytest.approx(stored["p_studentised"], rel=1e-12)
    assert math.isnan(studentised.later_excess)
    blocks = later_against_first(y, panel.later, strata=panel.block)
    assert blocks.test.estimate == pytest.approx(stored["block_estimate"], rel=1e-10)
    assert blocks.test.p_value == pytest.approx(stored["p_block"], rel=1e-12)
    assert blocks.test.draws == stored["assignments_block"]
    adjusted = later_against_first(y, panel.later, covariates=panel.age)
    assert adjusted.test.estimate == pytest.approx(stored["adjusted_estimate"], rel=1e-10)
    assert adjusted.test.p_value == pytest.approx(stored["adjusted_p"], rel=1e-12)


@pytest.mark.parametrize(
    ("n_later", "n_first", "smallest", "bounded"),
    [(4, 7, 1 / 330, True), (3, 3, 2 / 20, False), (1, 18, 1 / 19, False), (1, 19, 1 / 20, True)],
)
def test_the_smallest_p_value_and_unbounded_intervals(n_later, n_first, smallest, bounded):
    later = np.arange(n_later + n_first) < n_later
    y = np.random.default_rng(1).normal(size=len(later)) * 1e-4 + 5.0 * later
    found = later_against_first(y, later)
    assert found.smallest_p_value == pytest.approx(smallest)
    # So large a difference that nothing else comes near it.
    assert found.test.p_value == pytest.approx(smallest)
    assert found.bounded is bounded
    assert math.isfinite(found.test.ci_lower) is bounded
    assert math.isfinite(found.test.ci_upper) is bounded


def test_equal_groups_in_strata_tie_with_their_mirror_image():
    later = np.array([1, 1, 0, 0, 1, 0, 0], dtype=bool)
    strata = np.array([0, 0, 0, 0, 1, 1, 1])
    y = np.array([9.0, 9.1, 0.0, 0.1, 8.0, 0.0, 0.3])
    assert later_against_first(y, later, strata=strata).smallest_p_value == pytest.approx(1 / 18)
    even = later_against_first(y[:6], later[:6], strata=strata[:6])
    assert even.smallest_p_value == pytest.approx(2 / 12)
    assert even.test.p_value == pytest.approx(2 / 12)


def test_a_difference_of_strata_is_no_difference_within_strata():
    """The effect depends on size, nobody learned, and most third-timers are large."""
    later = np.arange(11) < 4
    strata = np.array([1, 0, 0, 0, 1, 1, 0, 1, 1, 1, 0])
    y = np.where(strata, 0.002, 0.007)
    assert abs(later_against_first(y, later).test.estimate) > 0.002
    within = later_against_first(y, later, strata=strata).test
    assert within.estimate == pytest.approx(0, abs=1e-12)
    assert within.p_value == 1
    noise = np.random.default_rng(5).normal(0, 1e-4, 11)
    found = later_against_first(y + noise, later, strata=strata).test
    # By hand: means within each stratum, weighted by n1 n0 / (n1 + n0).
    parts, weights = [], []
    for s in (0, 1):
        a, b = noise[later & (strata == s)], noise[~later & (strata == s)]
        parts.append(a.mean() - b.mean())
        weights.append(len(a) * len(b) / (len(a) + len(b)))
    assert found.estimate == pytest.approx(np.average(parts, weights=weights))


def test_over_time_strata_take_the_difference_within_them(panel):
    strata = np.arange(15) % 2
    level = np.where(strata == strata[0], 0.01, 0.0)[:, None] * np.arange(3)
    kwargs = {"strata": strata, **EXACT}
    plain = {"exposures": (0, 2), "studentised": False, **kwargs}
    found = change_in_excess(panel.changes, panel.role, **plain).test
    moved = change_in_excess(panel.changes + level, panel.role, **plain).test
    assert moved.estimate == pytest.approx(found.estimate)
    assert moved.p_value == found.p_value
    excess = excess_by_exposure(panel.changes, panel.role, **kwargs)
    shifted = excess_by_exposure(panel.changes + level, panel.role, **kwargs)
    assert shifted.estimates == pytest.approx(excess.estimates)
    assert found.estimate == pytest.approx(excess.estimates[2] - excess.estimates[0])
    ratio = {"exposures": (0, 1), "weighting": "municipality", **kwargs}
    one = change_in_ratio(*panel.counts, panel.role, **ratio).test
    events = panel.events * np.where(strata == strata[0], 3.0, 1.0)[:, None] ** [0, 1, 0]
    other = change_in_ratio(events, panel.ballots * 9, *panel.counts[2:], panel.role, **ratio).test
    assert other.ratio == pytest.approx(one.ratio)
    with pytest.raises(ValueError, match="no studentised statistic with strata"):
        change_in_excess(panel.changes, panel.role, **(plain | {"studentised": True}))
    with pytest.raises(ValueError, match="no version within strata"):
        change_in_ratio(*panel.counts, panel.role, **(ratio | {"weighting": "pooled"}))


def test_one_joint_test_can_hold_all_pairs(panel):
    pairs = [(0, 1), (1, 2), (0, 2)]
    found = joint_changes(panel.changes, panel.role, pairs=pairs, scaling="studentised", **EXACT)
    two = consecutive_changes(panel.changes, panel.role, scaling="studentised", **EXACT)
    assert found.p_values[:2] == pytest.approx(two.p_values)
    assert (found.p_max_t[:2] >= two.p_max_t - 1e-12).all()
    assert (found.p_max_t >= found.p_values).all()
    with pytest.raises(ValueError, match="no pair"):
        joint_changes(panel.changes, panel.role, pairs=[], scaling="studentised", **EXACT)


def test_the_effect_of_the_ballot_itself_does_not_matter(panel):
    y = panel.changes[:11, 2]
    found = later_against_first(y, panel.later)
    again = later_against_first(y + 0.7, panel.later, never=np.array([0.1]))
    assert again.test.p_value == found.test.p_value
    assert again.test.ci_lower == pytest.approx(found.test.ci_lower)
    assert again.first_excess == pytest.approx(y[~panel.later].mean() + 0.6)


def brute_power(controls, effect, n_later, n_first, studies, rng):
    hits = 0
    for _ in range(studies):
        y = rng.choice(controls, n_later + n_first, replace=False)
        y[:n_later] += effect
        later = np.arange(len(y)) < n_later
        hits += later_against_first(y, later).test.p_value <= 0.1 + 1e-12
    return hits / studies


def test_power_equals_running_the_test():
    rng = np.random.default_rng(5)
    controls = rng.standard_t(4, size=60)
    found = later_against_first_power(
        controls,
        n_later=3,
        n_first=4,
        effects=np.array([0.0, 2.0, -2.5]),
        studies=4_000,
        seed=3,
        alpha=0.1,
    )
    assert found.assignments == 35
    for effect, power in zip((0.0, 2.0, -2.5), found.curve.power, strict=True):
        brute = brute_power(controls, effect, 3, 4, 700, rng)
        assert power == pytest.approx(brute, abs=4 * math.sqrt(0.25 / 700))
    assert found.curve.power[0] == pytest.approx(3 / 35, abs=0.02)
    again = later_against_first_power(
        controls,
        n_later=3,
        n_first=4,
        effects=np.array([found.positive.effect * 1.001, found.negative.effect * 1.001]),
        studies=4_000,
        seed=3,
        alpha=0.1,
    )
    assert (again.curve.power >= 0.8).all()
    assert (again.curve.power <= 0.81).all()


def test_power_takes_past_changes_of_several_elections():
    rng = np.random.default_rng(6)
    controls = rng.normal(0, 1, (300, 2)) * [1.0, 3.0]
    both = later_against_first_power(
        controls, n_later=4, n_first=7, effects=np.zeros(1), studies=1_000, seed=1
    )
    calm = later_against_first_power(
        controls[:, 0], n_later=4, n_first=7, effects=np.zeros(1), studies=1_000, seed=1
    )
    assert both.curve.power[0] == pytest.approx(0.05, abs=0.025)
    # z of 80 % power with two groups of 4 and 7: 2.8·√(1/4 + 1/7), more with so few.
    assert 1.7 < calm.positive.effect < 2.3
    assert -2.3 < calm.negative.effect < -1.7
    assert both.positive.effect > 1.5 * calm.positive.effect


# Decay


def test_decay_recovers_the_curve():
    a, b, r = 0.001, 0.004, 0.5
    truth = a + b * r ** np.arange(3)
    found = decay(truth, np.zeros((3, 3)), draws=10, seed=0)
    assert (found.ratio, found.asymptote, found.amplitude) == pytest.approx((r, a, b))
    assert found.half_life == pytest.approx(1.0)
    assert (found.half_life_lower, found.half_life_upper) == pytest.approx((1.0, 1.0))
    assert (found.share_without, found.share_rising, found.reason) == (0.0, 0.0, "")
    rising = decay(-truth, np.zeros((3, 3)), draws=10, seed=0)
    assert (rising.ratio, rising.asymptote, rising.share_rising) == pytest.approx((r, -a, 1.0))


def test_decay_limits_equal_the_delta_method_when_little_is_uncertain():
    excess = np.array([0.005, 0.003, 0.002])
    rng = np.random.default_rng(2)
    root = rng.normal(size=(3, 3)) * 1e-6
    covariance = root @ root.T
    found = decay(excess, covariance, draws=200_000, seed=1)
    first, second = excess[1] - excess[0], excess[2] - excess[1]
    gradient = np.array([second / first**2, -1 / first - second / first**2, 1 / first])
    half = 1.959964 * math.sqrt(gradient @ covariance @ gradient)
    assert found.ratio_upper - found.ratio == pytest.approx(half, rel=0.02)
    assert found.ratio - found.ratio_lower == pytest.approx(half, rel=0.02)
    slope = -math.log(0.5) / (found.ratio * math.log(found.ratio) ** 2)
    assert found.half_life_upper - found.half_life == pytest.approx(slope * half, rel=0.02)
    # a = E_1 − b with b = (E_2 − E_1)/(r − 1).
    b = first / (found.ratio - 1)
    d_b = np.array([-1.0, 1.0, 0.0]) / (found.ratio - 1) - b / (found.ratio - 1) * gradient
    d_a = np.array([1.0, 0.0, 0.0]) - d_b
    width = 1.959964 * math.sqrt(d_a @ covariance @ d_a)
    assert found.asymptote_upper - found.asymptote == pytest.approx(width, rel=0.02)


@pytest.mark.parametrize(
    ("excess", "reason"),
    [
        ([0.3, 0.3, 0.1], "no_first_change"),
        ([0.5, 0.3, 0.4], "change_turns"),
        ([0.5, 0.3, 0.3], "change_turns"),
        ([0.5, 0.4, 0.1], "change_grows"),
        ([0.5, 0.4, 0.3], "change_grows"),
    ],
)
def test_without_a_curve_there_are_no_numbers(excess, reason):
    found = decay(np.array(excess), np.zeros((3, 3)), draws=5, seed=0)
    assert found.reason == reason
    assert math.isnan(found.half_life)
    assert math.isnan(found.asymptote)
    assert math.isnan(found.half_life_upper)
    assert math.isnan(found.ratio) == (reason == "no_first_change")
    assert found.share_without == 1.0


def test_the_share_of_draws_without_a_curve():
    # E_1 = E_2 = E_3: r is that of independent draws, no curve but by chance.
    found = decay(np.zeros(3), np.eye(3), draws=100_000, seed=3)
    rng = np.random.default_rng(9)
    e = rng.normal(size=(100_000, 3))
    r = (e[:, 2] - e[:, 1]) / (e[:, 1] - e[:, 0])
    assert found.share_without == pytest.approx(1 - ((r > 0) & (r < 1)).mean(), abs=0.01)
    assert found.share_rising == pytest.approx((1 - found.share_without) / 2, abs=0.01)
    assert found.reason == "no_first_change"


# Within stations


@pytest.mark.parametrize("level", ["station", "municipality"])
def test_within_stations_equals_r(expected, level):
    voters = np.genfromtxt(REFERENCE / "learning_voters.csv", delimiter=",", names=True)
    stored = expected[f"within_{level}"]
    station = voters["station"].astype(int)
    found = within_station_difference(
        voters["log_seconds"],
        voters["earlier"] == 1,
        station,
        clusters=None if level == "station" else voters["municipality"].astype(int),
    )
    assert found.estimate == pytest.approx(stored["estimate"], rel=1e-10)
    assert found.se == pytest.approx(stored["se"], rel=1e-8)
    assert found.df == pytest.approx(stored["df"], rel=1e-6)
    assert found.p_value == pytest.approx(stored["p"], rel=1e-6)
    assert (found.ci_lower, found.ci_upper) == pytest.approx((stored["lower"], stored["upper"]))
    assert found.stations_with_both == stored["stations_with_both"]
    assert found.stations == 14
    assert found.voters == len(station)


def test_stations_with_one_kind_of_voter_change_nothing():
    rng = np.random.default_rng(1)
    station = np.repeat([f"s{i}" for i in range(8)], 6)
    earlier = rng.random(48) < 0.5
    earlier[:6], earlier[6:12] = True, False
    values = rng.normal(size=48) + np.repeat(rng.normal(size=8), 6)
    found = within_station_difference(values, earlier, station)
    fewer = within_station_difference(values[12:], earlier[12:], station[12:])
    assert found.stations_with_both == fewer.stations_with_both == 6
    assert found.stations == 8
    for name in ("estimate", "se", "df", "ci_lower", "ci_upper"):
        assert getattr(found, name) == pytest.approx(getattr(fewer, name))


def test_within_stations_refuses():
    values, station = np.arange(8.0) ** 2, np.repeat([1, 2, 3, 4], 2)
    kind = np.array([1, 0] * 4, dtype=bool)
    with pytest.raises(ValueError, match="none of 4 stations has voters of both kinds"):
        within_station_difference(values, station <= 2, station)
    with pytest.raises(ValueError, match="a station lies in two clusters"):
        within_station_difference(values, kind, station, clusters=np.arange(8) % 3)
    with pytest.raises(ValueError, match="rests on cluster 1 alone"):
        within_station_difference(values, kind & (station == 1), station)
    with pytest.raises(ValueError, match="same voters"):
        within_station_difference(values, kind[:5], station)
    with pytest.raises(ValueError, match="missing"):
        within_station_difference(np.where(kind, np.nan, values), kind, station)


# Bad input


@pytest.mark.parametrize("function", ["excess", "change", "consecutive"])
def test_panels_that_do_not_fit_are_refused(panel, function):
    calls = {
        "excess": excess_by_exposure,
        "change": lambda *a, **k: change_in_excess(*a, exposures=(0, 1), **k),
        "consecutive": lambda *a, **k: consecutive_changes(*a, scaling="studentised", **k),
    }
    call = calls[function]
    gap = panel.changes.copy()
    gap[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 municipalities lack a finite change"):
        call(gap, panel.role, **EXACT)
    with pytest.raises(ValueError, match="table of municipalities by exposures"):
        call(panel.changes[:, 0], panel.role, **EXACT)
    with pytest.raises(ValueError, match="table of municipalities by exposures"):
        call(panel.changes, panel.role[:5], **EXACT)
    with pytest.raises(ValueError, match="at least one experiment unit"):
        call(panel.changes, np.zeros(15, dtype=bool), **EXACT)
    with pytest.raises(ValueError, match="weights must be"):
        call(panel.changes, panel.role, weights=np.ones((15, 2)), **EXACT)
    with pytest.raises(ValueError, match="finite and positive"):
        call(panel.changes, panel.role, weights=np.zeros((15, 3)), **EXACT)


def test_exposures_that_do_not_exist_are_refused(panel):
    for exposures in ((0, 0), (0, 3), (-1, 1)):
        with pytest.raises(ValueError, match="two different columns of 3"):
            change_in_excess(panel.changes, panel.role, exposures=exposures, **EXACT)
        with pytest.raises(ValueError, match="two different columns of 3"):
            change_in_ratio(
                *panel.counts, panel.role, exposures=exposures, weighting="pooled", **EXACT
            )
    with pytest.raises(ValueError, match="no family to test"):
        consecutive_changes(panel.changes[:, :2], panel.role, scaling="studentised", **EXACT)


def test_one_municipality_has_no_studentised_statistic(panel):
    role = np.arange(15) == 0
    with pytest.raises(ValueError, match="at least two units"):
        change_in_excess(panel.changes, role, exposures=(0, 1), **EXACT)
    plain = change_in_excess(panel.changes, role, exposures=(0, 1), studentised=False, **EXACT)
    assert plain.test.draws == 15
    # 1/15 exceeds 5 %: no change can be rejected.
    assert (plain.test.ci_lower, plain.test.ci_upper) == (-math.inf, math.inf)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c: (c[0] * np.nan, *c[1:]), "finite"),
        (lambda c: (c[0], c[1] * 0, *c[2:]), "without ballots"),
        (lambda c: (c[0] + 1e9, *c[1:]), "between 0 and the number"),
        (lambda c: (c[0] - 1e3, *c[1:]), "between 0 and the number"),
        (lambda c: (c[0], c[1], c[2] * 0, c[3]), "zero events in a whole election"),
        (lambda c: (c[0][:, 0], *c[1:]), "four tables"),
    ],
)
def test_counts_that_make_no_rate_are_refused(panel, change, match):
    with pytest.raises(ValueError, match=match):
        change_in_ratio(
            *change(panel.counts), panel.role, exposures=(0, 1), weighting="municipality", **EXACT
        )


def test_options_of_the_ratio_that_do_not_exist_are_refused(panel):
    call = {"exposures": (0, 1), **EXACT}
    with pytest.raises(ValueError, match="unknown weighting"):
        change_in_ratio(*panel.counts, panel.role, weighting="ballot", **call)
    with pytest.raises(ValueError, match="studentised statistic is for"):
        change_in_ratio(*panel.counts, panel.role, weighting="pooled", studentised=True, **call)


def test_later_against_first_refuses(panel):
    y, later = panel.changes[:11, 2], panel.later
    with pytest.raises(ValueError, match="needs both kinds"):
        later_against_first(y, np.ones(11, dtype=bool))
    with pytest.raises(ValueError, match="finite"):
        later_against_first(np.where(later, np.nan, y), later)
    with pytest.raises(ValueError, match="not available with covariates"):
        later_against_first(y, later, covariates=panel.age, studentised=True)
    with pytest.raises(ValueError, match="are listed"):
        later_against_first(np.arange(30.0), np.arange(30) < 15)
    with pytest.raises(ValueError, match="cannot be reassigned"):
        later_against_first(y, later, strata=later.astype(int))
    with pytest.raises(ValueError, match="one entry per municipality"):
        later_against_first(y, later, strata=later[:4].astype(int))
    with pytest.raises(ValueError, match="vectors over the same units"):
        later_against_first(y, later[:5])
    with pytest.raises(ValueError, match="never must be"):
        later_against_first(y, later, never=np.array([]))
    with pytest.raises(ValueError, match="never_weights"):
        later_against_first(y, later, never=y, never_weights=0 * y)
    with pytest.raises(ValueError, match="covariate 0 is constant"):
        later_against_first(y, later, covariates=np.ones(11))


def test_power_refuses():
    call = {"effects": np.zeros(1), "studies": 10, "seed": 1}
    with pytest.raises(ValueError, match="as there are controls"):
        later_against_first_power(np.arange(10.0), n_later=4, n_first=7, **call)
    with pytest.raises(ValueError, match=r"alpha is 0\.05"):
        later_against_first_power(np.arange(10.0), n_later=3, n_first=3, **call)
    with pytest.raises(ValueError, match="studies must be"):
        later_against_first_power(
            np.arange(20.0), n_later=4, n_first=7, effects=np.zeros(1), studies=0, seed=1
        )


def test_decay_refuses():
    good = np.array([0.5, 0.3, 0.2])
    call = {"draws": 10, "seed": 0}
    with pytest.raises(ValueError, match=r"three unknowns .* not 2"):
        decay(good[:2], np.eye(2), **call)
    with pytest.raises(ValueError, match="exactly three exposures, not 4"):
        decay(np.arange(4.0), np.eye(4), **call)
    with pytest.raises(ValueError, match=r"\(3, 3\)"):
        decay(good, np.eye(2), **call)
    with pytest.raises(ValueError, match="finite"):
        decay(good * np.nan, np.eye(3), **call)
    with pytest.raises(ValueError, match="positive semidefinite"):
        decay(good, -np.eye(3), **call)
    with pytest.raises(ValueError, match="symmetric"):
        decay(good, np.triu(np.ones((3, 3))), **call)
    with pytest.raises(ValueError, match="draws"):
        decay(good, np.eye(3), draws=1, seed=0)


def test_every_reassignment_is_listed_by_brute_force():
    """The change over three exposures of six municipalities, all in plain loops."""
    rng = np.random.default_rng(8)
    y, role = rng.normal(size=(6, 3)), np.array([0, 1, 0, 0, 1, 0], dtype=bool)
    drawn = []
    for members in itertools.combinations(range(6), 2):
        inside = np.isin(np.arange(6), members)
        excess = y[inside].mean(axis=0) - y[~inside].mean(axis=0)
        drawn.append(excess[2] - excess[1])
    found = change_in_excess(y, role, exposures=(1, 2), studentised=False, **EXACT)
    assert sorted(found.test.distribution) == pytest.approx(sorted(drawn))
    own = y[role].mean(axis=0) - y[~role].mean(axis=0)
    assert found.excess == pytest.approx(own[1:])
    assert found.test.p_value == np.mean(np.abs(drawn) >= abs(own[2] - own[1]) * (1 - 1e-9))
