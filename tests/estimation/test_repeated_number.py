"""Repeated numbers: the excess by hand, who is left out, the tests, and the official results."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.inference import randomisation_test
from ballot_eval.estimation.repeated_number import (
    EXCLUSIONS,
    Pairs,
    excess_over_controls,
    excess_over_other_lists,
    exclusions,
    hodges_lehmann,
    in_control_deviations,
    judged,
    list_totals,
    number_test,
    precision_weights,
    repeated_pairs,
    unit_means,
)
from ballot_eval.sources import read_raw
from candidate_frames import votes_array

NAN = float("nan")


def even_lists(*lengths: int, votes: int = 300) -> np.ndarray:
    """Return one municipality of which every list divides its votes evenly."""
    made = np.full((1, len(lengths), max(lengths)), NAN)
    for i, length in enumerate(lengths):
        made[0, i, :length] = votes / length
    return made


def simulated(units: int, seed: int, repeat: float = 0.0, lists: int = 8, names: int = 14):
    """Return votes (U, L, P) with shares that fall with the position, and repeated numbers."""
    rng = np.random.default_rng(seed)
    weights = np.arange(1, names + 1) ** -1.2 * np.exp(rng.normal(0, 0.4, (units, lists, names)))
    shares = weights / weights.sum(axis=2, keepdims=True) * (1 - repeat)
    at = np.arange(1, lists)
    shares[:, at, at] += repeat
    shares[:, 0] /= shares[:, 0].sum(axis=1, keepdims=True)
    totals = rng.integers(400, 4000, (units, lists))
    return rng.multinomial(totals, shares).astype(float)


def test_the_excess_is_the_share_minus_the_mean_of_the_other_lists():
    votes = even_lists(10, 10, 10)
    votes[0, 1, 1] += 60
    votes[0, 2, 1] += 30
    excess = excess_over_other_lists(votes)
    shares = np.array([30 / 300, 90 / 360, 60 / 330])
    expected = [shares[i] - (shares.sum() - shares[i]) / 2 for i in range(3)]
    assert excess[0, :, 1] == pytest.approx(expected)
    pairs = repeated_pairs(excess, votes)
    assert pairs.number.tolist() == [2, 3]
    assert pairs.votes.tolist() == [90, 30]
    assert pairs.total.tolist() == [360, 330]
    assert pairs.excess[0] == pytest.approx(expected[1])


@pytest.mark.parametrize(("names", "kept"), [(4, False), (5, True)])
def test_the_last_three_names_of_a_list_are_left_out(names, kept):
    votes = even_lists(9, names, 9)
    assert judged(votes)[0, 1, 1] == kept
    assert (2 in repeated_pairs(excess_over_other_lists(votes), votes).number) == kept


@pytest.mark.parametrize(("total", "kept"), [(199, False), (200, True)])
def test_a_list_needs_two_hundred_votes(total, kept):
    votes = even_lists(9, 9, 9)
    votes[0, 1] = 0
    votes[0, 1, 0] = total
    assert (2 in repeated_pairs(excess_over_other_lists(votes), votes).number) == kept


def test_every_list_has_one_reason_to_be_left_out_or_takes_part():
    votes = even_lists(9, 9, 5, 9, 9, 20, 20, 20, votes=1800)
    votes[0, 3] = NAN
    votes[0, 4] = np.where(np.isnan(votes[0, 4]), NAN, 1)
    reasons = exclusions(excess_over_other_lists(votes), votes, largest=7)
    named = [EXCLUSIONS[r] if r >= 0 else r for r in reasons[0]]
    assert named[:6] == ["first_list", -1, "short_list", -2, "few_votes", -1]
    assert named[6:] == [-1, "high_number"]
    alone = even_lists(3, 3, 20, votes=900)
    reasons = exclusions(excess_over_other_lists(alone), alone)
    assert EXCLUSIONS[reasons[0, 2]] == "nothing_to_compare"


@pytest.mark.parametrize(("party", "repeat"), [(0.0, 0.02), (0.1, 0.02), (0.3, 0.0)])
def test_over_controls_votes_for_a_party_alone_change_nothing(party, repeat):
    share = np.array([0.5, 0.1, 0.15, 0.1, 0.06, 0.04, 0.03, 0.02])
    control = np.tile(share, (3, 1)) * 10_000
    new = control * (1 - party - repeat)
    new[:, 0] += party * 10_000
    new[np.arange(3), np.arange(3)] += repeat * 10_000
    votes = np.stack([new, control, control])
    excess = excess_over_controls(votes, np.array([False, True, True]))
    pairs = repeated_pairs(excess, votes, largest=None)
    assert pairs.excess[pairs.unit == 0] == pytest.approx([repeat] * 2, abs=1e-12)
    assert pairs.excess[pairs.unit > 0] == pytest.approx([0.0] * 4, abs=1e-12)


def test_a_candidate_in_no_control_cannot_be_judged():
    votes = np.tile(even_lists(9, 9), (2, 1, 1))
    votes[1, 1] = NAN
    assert not len(repeated_pairs(excess_over_controls(votes, np.array([False, True])), votes).unit)


def test_precise_positions_weigh_more_and_few_controls_do_not_count():
    rng = np.random.default_rng(1)
    unit = np.repeat(np.arange(40), 3)
    number = np.tile([2, 5, 9], 40)
    keep = (number != 9) | (unit < 9)
    excess = rng.normal(0, np.where(number == 2, 0.08, 0.02))
    ones = np.ones(len(unit))
    pairs = Pairs(unit, number, ones, ones, excess).only(keep)
    weights = precision_weights(pairs, np.ones(40, bool))
    assert (weights[pairs.number == 9] == 0).all()
    ratio = weights[pairs.number == 5][0] / weights[pairs.number == 2][0]
    assert 6 < ratio < 40
    means = unit_means(pairs, weights, 41)
    assert np.isnan(means[40])
    own = pairs.unit == 0
    assert means[0] == pytest.approx(np.average(pairs.excess[own], weights=weights[own]))


def test_the_robust_difference_is_hardly_moved_by_one_odd_municipality():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 0.01, 120)
    treated = np.arange(120) < 11
    values[treated] += 0.02
    plain = hodges_lehmann(values, treated)
    assert plain.ci_lower < 0.02 < plain.ci_upper
    assert plain.p_value < 0.001
    values[0] = 3.0
    odd = hodges_lehmann(values, treated)
    assert odd.estimate == pytest.approx(plain.estimate, abs=0.004)
    assert values[treated].mean() > 0.2


def test_the_robust_difference_of_hand_made_values():
    found = hodges_lehmann(np.array([5.0, 7.0, 1.0, 2.0]), np.array([True, True, False, False]))
    assert found.estimate == 4.5
    assert (found.ci_lower, found.ci_upper) == (-np.inf, np.inf)
    with pytest.raises(ValueError, match="at least one experiment unit"):
        hodges_lehmann(np.ones(3), np.ones(3, bool))
    with pytest.raises(ValueError, match="finite"):
        hodges_lehmann(np.array([1.0, NAN]), np.array([True, False]))


def test_numbers_that_are_repeated_show_among_other_positions():
    votes = simulated(60, 3)
    repeated = simulated(60, 4, repeat=0.05)
    controls = np.arange(60) >= 11
    for made, found in ((votes, False), (repeated, True)):
        excess = excess_over_other_lists(np.concatenate([made[:11], votes[11:]]))
        z = in_control_deviations(excess, controls, by_list=False)
        test = number_test(z[:11], made[:11], draws=499, seed=1)
        assert (test.p_value <= 0.01) == found
        assert (test.estimate - test.expected > 0.5) == found
    again = number_test(z[:11], made[:11], draws=499, seed=1)
    assert again == test
    # Where controls do not show how much a candidate varies, the list takes no part.
    pairs = repeated_pairs(excess, made)
    at_two = (pairs.number == 2) & (pairs.unit < 11)
    z[:, :, 1] = NAN
    fewer = number_test(z[:11], made[:11], draws=499, seed=1)
    assert fewer.count == test.count - at_two.sum() < (pairs.unit < 11).sum()


def test_the_number_test_says_when_it_cannot_be_made():
    votes = even_lists(3, 3)
    with pytest.raises(ValueError, match="no list of these municipalities"):
        number_test(excess_over_other_lists(votes), votes, draws=9, seed=1)
    with pytest.raises(ValueError, match="draws must be positive"):
        number_test(votes, votes, draws=0, seed=1)


@pytest.mark.parametrize("by_list", [False, True])
def test_the_size_of_the_number_test_is_right(by_list):
    """Rejections at 5% in 400 worlds without repeats: standard error 1.1 points."""
    alarms = []
    for seed in range(400):
        votes = simulated(25, seed, lists=6, names=10)
        controls = np.arange(25) >= 5
        excess = (
            excess_over_controls(votes, controls) if by_list else excess_over_other_lists(votes)
        )
        z = in_control_deviations(excess, controls, by_list=by_list)
        alarms.append(number_test(z[:5], votes[:5], draws=99, seed=seed).p_value <= 0.05)
    assert 0.015 <= np.mean(alarms) <= 0.085


@cache
def official_votes(path: Path) -> np.ndarray:
    """Return the official votes (U, L, P) of municipalities with candidates."""
    frame = read_raw(None, path).tables["candidate_results"]
    frame = frame[frame["polling_station_id"] == ""]
    names = ["municipality_code", "list_number", "candidate_number", "votes_count"]
    whole = frame[names].astype("str").astype(dict.fromkeys(names[1:], int))
    whole["municipality_code"] = np.unique(whole["municipality_code"], return_inverse=True)[1]
    return votes_array(whole)


def pretend(pairs: Pairs, weights: np.ndarray, size: int, count: int = 1000) -> float:
    """Return the share of pretend experiments of some municipalities that are found at 5%."""
    units = np.unique(pairs.unit)
    means = unit_means(pairs, weights, pairs.unit.max() + 1)[units]
    total = np.bincount(pairs.unit, weights)[units]
    role = np.arange(len(units)) < size
    drawn = draw_assignments(role, draws=9_999, max_exact=1, seed=1)
    null = np.sort(np.abs(randomisation_test(means, role, drawn, weights=total).distribution))
    tried = draw_assignments(role, draws=count, max_exact=1, seed=2)
    found = np.abs(randomisation_test(means, role, tried, weights=total).distribution)
    p_values = (len(null) - np.searchsorted(null, found) + 1) / (len(null) + 1)
    return float((p_values <= 0.05).mean())


@pytest.mark.official
def test_gr2022_shows_no_repeated_numbers(official):
    votes = official_votes(official / "GR2022/GR2022_osv4-3_330_gemeenten.tar.xz")
    first = votes[:, :, 0]
    assert 1 - np.nansum(first) / np.nansum(votes) == pytest.approx(0.541, abs=0.0005)
    excess = excess_over_other_lists(votes)
    pairs = repeated_pairs(excess, votes)
    # 1,978 pairs and +0.0005 are the published numbers; the standard error between pairs 0.0012.
    assert len(pairs.unit) == 1978
    assert pairs.excess.mean() == pytest.approx(0.00053, abs=0.00001)
    assert pairs.excess.std(ddof=1) / np.sqrt(1978) == pytest.approx(0.00117, abs=0.00001)
    left_out = exclusions(excess, votes)
    assert [int((left_out == i).sum()) for i in range(5)] == [330, 140, 380, 4, 0]
    assert (~np.isnan(list_totals(votes))).sum() == 1978 + 330 + 140 + 380 + 4
    assert number_test(excess, votes, draws=999, seed=1).p_value > 0.2


@pytest.mark.official
def test_pretend_experiments_at_gr2022_are_found_as_often_as_they_should(official):
    """Of 1,000 sets of 11 municipalities about 50 differ at 5%: standard error 0.7 points."""
    votes = official_votes(official / "GR2022/GR2022_osv4-3_330_gemeenten.tar.xz")
    excess = excess_over_other_lists(votes)
    pairs = repeated_pairs(excess, votes)
    every = np.ones(len(votes), bool)
    for weights in (np.ones(len(pairs.unit)), pairs.total, precision_weights(pairs, every)):
        assert 0.03 <= pretend(pairs, weights, 11) <= 0.07
    means = unit_means(pairs, precision_weights(pairs, every), len(votes))
    known = means[~np.isnan(means)]
    z = in_control_deviations(excess, every, by_list=False)
    rng = np.random.default_rng(3)
    robust, numbers = [], []
    for seed in range(400):
        chosen = rng.choice(len(known), 11, replace=False)
        robust.append(hodges_lehmann(known, np.isin(np.arange(len(known)), chosen)).p_value)
        sets = rng.choice(len(votes), 11, replace=False)
        numbers.append(number_test(z[sets], votes[sets], draws=99, seed=seed).p_value)
    for found in (robust, numbers):
        assert 0.015 <= (np.array(found) <= 0.05).mean() <= 0.085


@pytest.mark.official
def test_pretend_experiments_at_tk2023_are_found_as_often_as_they_should(official):
    """The same lists everywhere, with candidates who are known in one region only."""
    votes = official_votes(official / "TK2023/TK2023_osv4-3_kieskringen.tar.xz")
    every = np.ones(len(votes), bool)
    excess = excess_over_controls(votes, every)
    pairs = repeated_pairs(excess, votes, largest=None)
    assert len(np.unique(pairs.number)) == 18
    for size in (5, 11):
        for weights in (np.ones(len(pairs.unit)), pairs.total, precision_weights(pairs, every)):
            assert 0.03 <= pretend(pairs, weights, size) <= 0.08
    z = in_control_deviations(excess, every, by_list=True)
    rng = np.random.default_rng(3)
    sets = [rng.choice(len(votes), 5, replace=False) for _ in range(400)]
    p_values = [
        number_test(z[s], votes[s], draws=99, seed=i, largest=None).p_value
        for i, s in enumerate(sets)
    ]
    assert 0.015 <= (np.array(p_values) <= 0.05).mean() <= 0.085
