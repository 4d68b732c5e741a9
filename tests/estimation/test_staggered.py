"""Group-time effects against other programmes, brute force and a known truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from ballot_eval.estimation.multiplier import multiplier_bootstrap, sup_t_bands
from ballot_eval.estimation.staggered import (
    NEVER,
    aggregate_effects,
    common_baselines,
    group_time_effects,
    influence_covariance,
    same_type_baselines,
)

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
YEARS = np.arange(2003.0, 2008.0)
METHODS = ("simple", "dynamic", "group", "calendar")

# Published to ten decimals, so they are right to half a unit of the last one.
PRINTED = 6e-11
# The reference programme regresses where means are taken here: equal up to rounding.
ROUNDING = 1e-11


@pytest.fixture(scope="module")
def mpdta():
    data = np.genfromtxt(REFERENCE / "staggered_mpdta.csv", delimiter=",", skip_header=1)
    return data[:, 3:], np.where(data[:, 1] == 0, NEVER, data[:, 1]), np.exp(data[:, 2])


@pytest.fixture(scope="module")
def stored():
    return json.loads((REFERENCE / "staggered_reference.json").read_text(encoding="utf-8"))


@pytest.fixture
def small():
    """Thirty units, four groups of periods, uneven labels and weights."""
    rng = np.random.default_rng(3)
    first = np.repeat([2019.0, 2021.0, 2022.0, NEVER], [6, 5, 7, 12])
    periods = np.array([2014.0, 2017.0, 2019.0, 2021.0, 2022.0])
    return rng.normal(size=(30, 5)), periods, first, rng.uniform(0.5, 3.0, size=30)


def at(effects, group, period):
    (place,) = np.flatnonzero((effects.groups == group) & (effects.periods == period))
    return place


def test_group_time_effects_equal_the_published_ones(mpdta):
    y, first, _ = mpdta
    effects = group_time_effects(y, YEARS, first)
    estimates = [-0.0105032462, -0.0704231581, -0.1372587389, -0.1008113631]
    estimates += [0.0065201124, -0.0027508188, -0.0045946070, -0.0412244715]
    estimates += [0.0305066556, -0.0027258929, -0.0310871194, -0.0260544107]
    errors = [0.0232510364, 0.0309847668, 0.0364356643, 0.0343592258]
    np.testing.assert_allclose(effects.estimates, estimates, rtol=0, atol=PRINTED)
    np.testing.assert_allclose(effects.std_errors[:4], errors, rtol=0, atol=PRINTED)
    assert effects.exposure.tolist() == [0, 1, 2, 3, -2, -1, 0, 1, -3, -2, -1, 0]
    assert effects.group_sizes.tolist() == [20] * 4 + [40] * 4 + [131] * 4
    assert effects.n_control == 309
    assert set(effects.reasons) == {""}


@pytest.mark.parametrize(
    ("method", "estimate", "std_error"),
    [
        ("simple", -0.0399512752, 0.0120340128),
        ("dynamic", -0.0772398215, 0.0199649891),
        ("group", -0.0310182822, 0.0124460593),
    ],
)
def test_averages_equal_the_published_ones(mpdta, method, estimate, std_error):
    y, first, _ = mpdta
    average = aggregate_effects(group_time_effects(y, YEARS, first), method=method)
    assert average.overall_estimate == pytest.approx(estimate, abs=PRINTED)
    assert average.overall_std_error == pytest.approx(std_error, abs=PRINTED)


@pytest.mark.parametrize("case", ["plain", "weighted"])
def test_effects_and_averages_equal_a_peer(mpdta, stored, case):
    y, first, population = mpdta
    weights = population if case == "weighted" else None
    effects = group_time_effects(y, YEARS, first, weights=weights)
    expected = stored[case]["effects"]
    assert effects.groups.tolist() == expected["group"]
    assert effects.periods.tolist() == expected["period"]
    np.testing.assert_allclose(effects.estimates, expected["estimate"], rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(effects.std_errors, expected["std_error"], rtol=0, atol=ROUNDING)
    for method in METHODS:
        average, peer = aggregate_effects(effects, method=method), stored[case]["averages"][method]
        overall = [average.overall_estimate, average.overall_std_error]
        np.testing.assert_allclose(overall, peer["overall"], rtol=0, atol=ROUNDING)
        assert average.labels.tolist() == peer.get("label", [])
        for name in ("estimate", "std_error"):
            ours = getattr(average, f"{name}s")
            np.testing.assert_allclose(ours, peer.get(name, []), rtol=0, atol=ROUNDING)


def test_common_baselines_equal_the_universal_base_of_a_peer(mpdta, stored):
    y, first, _ = mpdta
    baselines = common_baselines(YEARS, first)
    effects = group_time_effects(y, YEARS, first, baselines=baselines)
    found = np.c_[effects.groups, effects.periods, effects.estimates, effects.std_errors]
    np.testing.assert_allclose(found, stored["common_base"], rtol=0, atol=ROUNDING)


def test_same_type_baselines_equal_a_peer_on_the_periods_of_one_type(mpdta, stored):
    y, first, _ = mpdta
    baselines = same_type_baselines(YEARS, ["A", "B", "A", "B", "A"], first)
    effects = group_time_effects(y, YEARS, first, baselines=baselines)
    for group, period, estimate, std_error in stored["same_type"]:
        place = at(effects, group, period)
        assert effects.estimates[place] == pytest.approx(estimate, abs=ROUNDING)
        assert effects.std_errors[place] == pytest.approx(std_error, abs=ROUNDING)
    # The group of 2004 has no earlier period of type B; in 2003 no group has any baseline.
    undefined = [effects.reasons[at(effects, 2004, t)] for t in (2004, 2006)]
    assert undefined == ["no_baseline"] * 2
    assert 2003 not in effects.periods
    assert np.isnan(effects.estimates).sum() == np.isnan(effects.baselines).sum() == 2
    assert len(effects.estimates) == len(stored["same_type"]) + 2 + 1  # 2007 at 2006, type B


def test_two_periods_are_the_plain_difference_in_differences():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(40, 2))
    role = np.arange(40) < 11
    effects = group_time_effects(y, np.array([2021, 2025]), np.where(role, 2025, NEVER))
    change = y[:, 1] - y[:, 0]
    expected = change[role].mean() - change[~role].mean()
    # Without degrees of freedom: the sum of squares over the squared number of units.
    variance = change[role].var() / 11 + change[~role].var() / 29
    assert effects.estimates.tolist() == [pytest.approx(expected, rel=1e-13)]
    assert effects.std_errors.tolist() == [pytest.approx(np.sqrt(variance), rel=1e-13)]
    for method in METHODS:
        average = aggregate_effects(effects, method=method)
        assert average.overall_estimate == pytest.approx(expected, rel=1e-13)
        assert average.overall_std_error == pytest.approx(np.sqrt(variance), rel=1e-13)


def test_an_effect_is_its_four_weighted_means(small):
    y, periods, first, w = small
    effects = group_time_effects(y, periods, first, weights=w)
    for k, (group, period, base) in enumerate(
        zip(effects.groups, effects.periods, effects.baselines, strict=True)
    ):
        change = y[:, periods == period] - y[:, periods == base]
        sides = [np.average(change[first == g, 0], weights=w[first == g]) for g in (group, NEVER)]
        assert effects.estimates[k] == pytest.approx(sides[0] - sides[1], rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_influence_is_the_derivative_in_the_mass_of_a_unit(small, method):
    y, periods, first, w = small

    def average(weights):
        effects = group_time_effects(y, periods, first, weights=weights)
        found = aggregate_effects(effects, method=method)
        return found, np.append(found.estimates, found.overall_estimate)

    base, _ = average(w)
    psi = np.c_[base.influence, base.overall_influence]
    step = 1e-5
    for unit in (0, 8, 13, 25):
        up, down = w.copy(), w.copy()
        up[unit] *= 1 + step
        down[unit] *= 1 - step
        slope = len(w) * (average(up)[1] - average(down)[1]) / (2 * step)
        # A central difference is right to the square of the step.
        np.testing.assert_allclose(psi[unit], slope, rtol=0, atol=1e-7)
    np.testing.assert_allclose(psi.mean(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_whole_weights_count_units(small, method):
    y, periods, first, _ = small
    times = np.random.default_rng(5).integers(1, 4, size=len(y))
    weighted = group_time_effects(y, periods, first, weights=times.astype(float))
    repeated = group_time_effects(y.repeat(times, axis=0), periods, first.repeat(times))
    np.testing.assert_allclose(weighted.estimates, repeated.estimates, rtol=1e-12)
    one, other = (aggregate_effects(e, method=method) for e in (weighted, repeated))
    assert one.overall_estimate == pytest.approx(other.overall_estimate, rel=1e-12)


def test_covariance_has_the_squared_errors_on_its_diagonal(small):
    effects = group_time_effects(*small[:3], weights=small[3])
    covariance = influence_covariance(effects.influence)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), effects.std_errors, rtol=1e-12)


def test_periods_of_another_type_do_not_leak_into_the_effect():
    rng = np.random.default_rng(11)
    periods = np.array([2017.0, 2018, 2021, 2022, 2023, 2026])
    types = ["TK", "GR", "TK", "GR", "TK", "GR"]
    first = np.repeat([2022.0, 2023.0, NEVER], [40, 40, 260])
    level = np.where(np.array(types) == "GR", 0.0, -3.0)
    # The adopting units differ from the others at elections of one type only.
    y = np.where(first < NEVER, 1.0, 0.0)[:, None] * level + 0.01 * rng.normal(size=(340, 6))
    y += 0.5 * (periods[None, :] >= first[:, None])
    baselines = same_type_baselines(periods, types, first)
    assert baselines[2023.0, 2026.0] == 2022.0
    assert baselines[2022.0, 2026.0] == 2018.0
    assert (2022.0, 2017.0) not in baselines
    effects = group_time_effects(y, periods, first, baselines=baselines)
    expected = np.where(effects.exposure >= 0, 0.5, 0.0)
    np.testing.assert_allclose(effects.estimates, expected, atol=5 * effects.std_errors.max())
    mixed = group_time_effects(y, periods, first)
    assert np.abs(mixed.estimates - np.where(mixed.exposure >= 0, 0.5, 0.0)).max() > 2.9


def test_intervals_cover_a_known_truth():
    rng = np.random.default_rng(8)
    periods = np.arange(5.0)
    first = np.repeat([2.0, 3.0, NEVER], [40, 60, 200])
    effect = np.maximum(periods[None, :] - first[:, None] + 1, 0.0) * np.isfinite(first)[:, None]
    truth = {"simple": (40 * 6 + 60 * 3) / (40 * 3 + 60 * 2), "dynamic": 2.0}
    truth |= {"group": (40 * 2 + 60 * 1.5) / 100, "calendar": (1 + 1.4 + 2.4) / 3}
    inside = dict.fromkeys(METHODS, 0)
    for _ in range(300):
        noise = rng.normal(size=(300, 1)) + rng.normal(size=(300, 5))
        found = group_time_effects(effect + noise + periods, periods, first)
        for method in METHODS:
            a = aggregate_effects(found, method=method)
            inside[method] += abs(a.overall_estimate - truth[method]) <= 1.96 * a.overall_std_error
    # 300 draws of 95 % coverage: four standard errors are 5 points.
    assert all(0.90 * 300 <= count <= 300 for count in inside.values()), inside


def test_undefined_effects_are_skipped_only_when_asked(mpdta):
    y, first, _ = mpdta
    baselines = common_baselines(YEARS, first)
    del baselines[2006.0, 2007.0]
    effects = group_time_effects(y, YEARS, first, baselines=baselines)
    with pytest.raises(ValueError, match="1 effects have no baseline"):
        aggregate_effects(effects, method="simple")
    average = aggregate_effects(effects, method="dynamic", undefined="skip")
    assert average.skipped == 1
    (place,) = np.flatnonzero(average.labels == 1)
    assert average.estimates[place] == pytest.approx(-0.0704231581, abs=PRINTED)


@pytest.mark.parametrize("method", ["mammen", "rademacher"])
def test_bootstrap_agrees_with_the_analytic_errors(method):
    rng = np.random.default_rng(12)
    periods, first = np.arange(5.0), np.repeat([2.0, 3.0, NEVER], [200, 200, 400])
    effects = group_time_effects(rng.normal(size=(800, 5)), periods, first)
    bands = multiplier_bootstrap(
        effects.estimates, effects.influence, method=method, draws=20_000, seed=4
    )
    # An interquartile range of 20,000 draws has a relative error of 0.8 %: four times that.
    np.testing.assert_allclose(bands.std_errors, effects.std_errors, rtol=0.033)
    upper_bound = norm.ppf(0.5 + 0.95 ** (1 / len(effects.estimates)) / 2)
    assert 1.96 < bands.critical_value < upper_bound + 0.03
    assert (bands.uniform_lower < bands.pointwise_lower).all()
    assert (bands.uniform_upper > bands.pointwise_upper).all()


def test_one_dominating_unit_makes_interquartile_errors_differ(mpdta):
    y, first, _ = mpdta
    effects = group_time_effects(y, YEARS, first)
    place = at(effects, 2004, 2006)
    squares = effects.influence[:, place] ** 2
    assert squares.max() / squares.sum() > 0.4
    bands = multiplier_bootstrap(
        effects.estimates, effects.influence, method="rademacher", draws=20_000, seed=4
    )
    # The standard deviation of such draws is the analytic .03644, their range says .0386.
    assert bands.std_errors[place] == pytest.approx(0.0386, rel=0.02)


def test_uniform_critical_value_of_independent_effects_is_known():
    rng = np.random.default_rng(2)
    psi = np.linalg.qr(rng.normal(size=(400, 5)))[0]
    bands = multiplier_bootstrap(np.zeros(5), psi, method="rademacher", draws=40_000, seed=1)
    # Orthogonal influence functions: P(max|t| ≤ c) = (2Φ(c) − 1)^5; 0.03 is simulation error.
    assert bands.critical_value == pytest.approx(norm.ppf(0.5 + 0.95**0.2 / 2), abs=0.03)


def few_units(correlation):
    """Return influence functions of two effects with a group of five among 337 controls."""
    rng = np.random.default_rng(8)
    group = np.linalg.qr(rng.normal(size=(5, 2)))[0]
    mixed = group @ np.linalg.cholesky([[1, correlation], [correlation, 1]]).T
    psi = np.zeros((342, 2))
    psi[:5] = 342 * mixed
    return psi


@pytest.mark.parametrize("correlation", [-0.9, -0.31, 0.0, 0.7])
def test_the_sup_t_value_of_two_effects_is_that_of_the_normal_law(correlation):
    psi = few_units(correlation)
    bands = sup_t_bands(np.zeros(2), psi, draws=200_000, seed=5)
    # P(|Z1| ≤ c and |Z2| ≤ c) by quadrature over Z1; 0.01 is the error of the draws.
    z = np.linspace(-8, 8, 40_001)
    spread = np.sqrt(1 - correlation**2)

    def inside(c):
        upper, lower = (c - correlation * z) / spread, (-c - correlation * z) / spread
        mass = norm.pdf(z) * (norm.cdf(upper) - norm.cdf(lower)) * (np.abs(z) <= c)
        return mass.sum() * (z[1] - z[0])

    expected = brentq(lambda c: inside(c) - 0.95, 1.5, 3.0)
    assert bands.critical_value == pytest.approx(expected, abs=0.01)
    # The multiplier bootstrap falls short of one effect's quantile here and is set to it.
    few = multiplier_bootstrap(np.zeros(2), psi, method="rademacher", draws=9_999, seed=5)
    assert bands.critical_value > norm.ppf(0.975) + 0.05
    assert few.critical_value <= bands.critical_value
    assert (bands.uniform_lower < bands.pointwise_lower).all()
    assert (bands.uniform_upper > bands.pointwise_upper).all()


def test_sup_t_bands_hold_all_effects_together_at_their_level():
    psi = np.random.default_rng(3).normal(size=(60, 4)) @ np.triu(np.ones((4, 4)))
    bands = sup_t_bands(np.zeros(4), psi, draws=99_999, seed=2, confidence_level=0.9)
    np.testing.assert_allclose(bands.std_errors, np.sqrt((psi**2).sum(axis=0)) / 60)
    other = np.random.default_rng(4).multivariate_normal(np.zeros(4), psi.T @ psi / 60**2, 100_000)
    inside = ((other >= bands.uniform_lower) & (other <= bands.uniform_upper)).all(axis=1).mean()
    # Four standard errors of two samples of 100,000.
    assert inside == pytest.approx(0.9, abs=0.006)
    one = sup_t_bands(np.zeros(2), psi[:, [0, 0]], draws=99_999, seed=2)
    assert one.critical_value == pytest.approx(norm.ppf(0.975), abs=0.02)


def test_bootstrap_equals_a_loop_and_its_seed_repeats(small):
    effects = group_time_effects(*small[:3])
    psi = effects.influence
    args = {"method": "mammen", "draws": 200, "seed": 9, "confidence_level": 0.9}
    bands = multiplier_bootstrap(effects.estimates, psi, **args)
    rng = np.random.default_rng(9)
    golden = (1 + np.sqrt(5)) / 2
    draws = []
    for _ in range(200):
        multiplier = np.where(rng.random(len(psi)) < golden / np.sqrt(5), 1 - golden, golden)
        draws.append((multiplier[:, None] * psi).mean(axis=0))
    low, high = np.quantile(draws, [0.25, 0.75], axis=0)
    errors = (high - low) / (2 * norm.ppf(0.75))
    np.testing.assert_allclose(bands.std_errors, errors, rtol=1e-10)
    largest = np.sort(np.abs(np.array(draws) / errors).max(axis=1))
    assert bands.critical_value == pytest.approx(largest[179], rel=1e-10)
    again = multiplier_bootstrap(effects.estimates, psi, **args)
    np.testing.assert_array_equal(bands.uniform_lower, again.uniform_lower)
    other = multiplier_bootstrap(effects.estimates, psi, **(args | {"seed": 10}))
    assert other.critical_value != bands.critical_value


def test_input_is_left_alone_and_order_of_units_does_not_matter(small):
    y, periods, first, w = small
    copies = [x.copy() for x in small]
    effects = group_time_effects(y, periods, first, weights=w)
    order = np.random.default_rng(0).permutation(len(y))
    shuffled = group_time_effects(y[order], periods, first[order], weights=w[order])
    np.testing.assert_allclose(effects.std_errors, shuffled.std_errors, rtol=1e-12)
    np.testing.assert_allclose(effects.influence[order], shuffled.influence, rtol=0, atol=1e-12)
    for before, after in zip(copies, small, strict=True):
        np.testing.assert_array_equal(before, after)


def change_outcome(value):
    def change(y, periods, first):
        y[3, 1] = value
        return y, periods, first

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_outcome(np.nan), r"unit 3 at period 2017 is missing.*1 in all.*balanced"),
        (change_outcome(np.inf), "missing or infinite"),
        (lambda y, p, _: (y, p, np.full(30, NEVER)), "no unit adopts"),
        (lambda y, p, f: (y, p, np.where(f < NEVER, f, 2022)), "0 never-adopting units"),
        (lambda y, p, _: (y, p, np.full(30, 2014.0)), "30 units adopt in the first period"),
        (lambda y, p, f: (y, p, np.where(np.arange(30) == 0, 2014, f)), "1 units adopt in the"),
        (lambda y, p, _: (y, p, np.where(np.arange(30) == 0, 2019, NEVER)), "one unit only in"),
        (lambda y, p, _: (y, p, np.where(np.arange(30) == 29, NEVER, 2019)), "1 never-adopting"),
        (lambda y, p, f: (y, p, np.where(f < NEVER, f + 1, f)), "2020 is not one of the periods"),
        (lambda y, p, f: (y, p, np.where(f < NEVER, f, np.nan)), "nan is not one of"),
        (lambda y, p, f: (y, p[::-1], f), "strictly increasing"),
        (lambda y, p, f: (y[:, :1], p[:1], f), "at least two"),
        (lambda y, p, f: (y, p, f[:-1]), "do not fit"),
        (lambda y, p, f: (y[:, 0], p, f), "do not fit"),
        (lambda y, p, f: (y[:, :1] + 0 * y, p, f), "identical: no variation"),
        (lambda y, p, f: (0 * y, p, f), "identical: no variation"),
    ],
)
def test_bad_panels_say_what_is_wrong(small, change, message):
    y, periods, first, _ = small
    with pytest.raises(ValueError, match=message):
        group_time_effects(*change(y, periods, first))


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_bad_weights_say_what_is_wrong(small, weight):
    weights = small[3].copy()
    weights[2] = weight
    with pytest.raises(ValueError, match="finite and positive"):
        group_time_effects(*small[:3], weights=weights)


@pytest.mark.parametrize(
    ("baselines", "message"),
    [
        ({(2019, 2019): 2018}, "unknown group or period"),
        ({(2018, 2019): 2017}, "unknown group or period"),
        ({(2019, 2020): 2017}, "unknown group or period"),
        ({(2019, 2021): 2019}, "before adoption"),
        ({(2019, 2017): 2017}, "another period"),
        ({}, "no pair of periods"),
    ],
)
def test_bad_baselines_say_what_is_wrong(small, baselines, message):
    with pytest.raises(ValueError, match=message):
        group_time_effects(*small[:3], baselines=baselines)


def test_bad_calls_say_what_is_wrong(small):
    y, periods, first, _ = small
    effects = group_time_effects(y, periods, first)
    with pytest.raises(ValueError, match="method must be"):
        aggregate_effects(effects, method="mean")
    with pytest.raises(ValueError, match="undefined must be"):
        aggregate_effects(effects, method="simple", undefined="drop")
    only_before = group_time_effects(y, periods, first, baselines={(2022, 2021): 2019})
    with pytest.raises(ValueError, match="no effect from adoption on"):
        aggregate_effects(only_before, method="simple", undefined="skip")
    with pytest.raises(ValueError, match="4 types for 5 periods"):
        same_type_baselines(periods, ["TK"] * 4, first)
    with pytest.raises(ValueError, match="2014 adopts in the first period"):
        common_baselines(periods, np.array([2014, NEVER]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "webb"}, "method must be"),
        ({"draws": 10}, "10 draws are too few"),
        ({"draws": 0}, "too few"),
        ({"confidence_level": 1.0}, "too few"),
        ({"estimates": np.zeros(2)}, "do not fit"),
        ({"estimates": np.full(3, np.nan)}, "must be finite"),
        ({"influence": np.zeros((30, 3))}, "do not vary"),
        ({"influence": np.full((30, 3), np.nan)}, "must be finite"),
    ],
)
def test_bad_bootstraps_say_what_is_wrong(changes, message):
    args = {"estimates": np.zeros(3), "influence": np.random.default_rng(1).normal(size=(30, 3))}
    args |= {"method": "mammen", "draws": 100, "seed": 1} | changes
    with pytest.raises(ValueError, match=message):
        multiplier_bootstrap(args.pop("estimates"), args.pop("influence"), **args)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"draws": 10}, "10 draws are too few"),
        ({"confidence_level": 95}, "too few"),
        ({"estimates": np.zeros(2)}, "do not fit"),
        ({"influence": np.zeros((30, 3))}, "do not vary"),
        ({"influence": np.full((30, 3), np.nan)}, "must be finite"),
    ],
)
def test_bad_sup_t_bands_say_what_is_wrong(changes, message):
    args = {"estimates": np.zeros(3), "influence": np.ones((30, 3)), "draws": 100, "seed": 1}
    args |= changes
    with pytest.raises(ValueError, match=message):
        sup_t_bands(args.pop("estimates"), args.pop("influence"), **args)
