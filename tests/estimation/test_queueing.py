import heapq
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ballot_eval.estimation.queueing import (
    MaxBoothsError,
    booths_needed,
    booths_needed_mmc,
    compare_booths,
    erlang_b,
    erlang_c,
    kaplan_meier_weights,
    mmc_queue,
    simulate_waiting,
)
from ballot_eval.estimation.queueing_interval import (
    BoothsInterval,
    booths_difference,
    booths_needed_interval,
)
from ballot_eval.estimation.queueing_paths import booth_starts

REFERENCE = Path(__file__).parents[1] / "reference"
NUMBERS = json.loads((REFERENCE / "queueing_reference.json").read_text(encoding="utf-8"))

#: Quantiles of an exponential distribution with mean 60 seconds.
EXPONENTIAL = -60 * np.log1p(-(np.arange(20_000) + 0.5) / 20_000)
DECISION = {"max_wait_minutes": 5, "max_share": 0.05, "peak_minutes": 60}


def observed(median=75, stations=12, per_station=20, seed=3, spread=0.2):
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(stations), per_station)
    shift = rng.normal(0, spread, stations)[clusters]
    return median * np.exp(shift + rng.normal(0, 0.5, len(clusters))), clusters


# --- the closed form


@pytest.mark.parametrize("case", NUMBERS["queues"], ids=lambda q: f"{q['load']}-{q['booths']}")
def test_mmc_is_exact_to_rounding(case):
    load, booths = case["load"], case["booths"]
    assert erlang_b(load, booths) == pytest.approx(case["erlang_b"], rel=1e-12)
    assert erlang_c(load, booths) == pytest.approx(case["erlang_c"], rel=1e-11)
    # A mean of one minute, so that the load is the number of arrivals per minute.
    queue = mmc_queue(60 * load, 60, booths=booths, max_wait_minutes=0.5)
    assert queue.mean_wait_minutes == pytest.approx(case["mean_wait"], rel=1e-11)
    assert queue.share_longer == pytest.approx(case["longer_than_half"], rel=1e-11)
    assert queue.utilisation == pytest.approx(load / booths)


@pytest.mark.parametrize("case", NUMBERS["needed"], ids=lambda q: str(q["booths"]))
def test_booths_needed_mmc_is_exact(case):
    found = booths_needed_mmc(
        case["arrivals_per_hour"],
        case["service_seconds"],
        max_wait_minutes=case["max_wait_minutes"],
        max_share=case["max_share"],
    )
    assert found.booths == case["booths"]
    assert found.share_longer == pytest.approx(case["share_longer"], rel=1e-10)


def test_erlang_b_gives_the_printed_figures_of_a_telephone_traffic_manual():
    # Westbay Engineers, Erlang calculator manual: 15 lines carry 8.108 Erlang at 1% blocking, and
    # 33.333 Erlang at 1% take 45 lines.
    assert erlang_b(8.108, 15) == pytest.approx(0.01, abs=2e-6)
    assert erlang_b(33.333, 45) < 0.01 < erlang_b(33.333, 44)


def test_erlang_stays_finite_for_many_booths():
    assert erlang_b(9_900, 10_000) == pytest.approx(0.0032, rel=0.2)
    assert 0 < erlang_c(9_900, 10_000) < 1
    assert erlang_c(0.001, 5_000) == 0
    # Waiting becomes certain as the spare capacity vanishes.
    assert erlang_c(1_000 - 1e-9, 1_000) == pytest.approx(1, abs=1e-9)


def test_overload_has_no_steady_state():
    queue = mmc_queue(120, 60, booths=2, max_wait_minutes=5)
    assert (queue.share_waiting, queue.share_longer, queue.utilisation) == (1, 1, 1)
    assert queue.mean_wait_minutes == math.inf


# --- paths


@pytest.mark.parametrize("booths", [1, 3, 6])
def test_paths_are_those_of_ciw(booths):
    path = NUMBERS["path"]
    arrivals, service = (np.array(path[k])[:, None] for k in ("arrivals", "service"))
    starts = np.concatenate(list(booth_starts(arrivals, service, booths)))
    np.testing.assert_allclose(starts, path["starts"][str(booths)], atol=1e-8)


def events(arrivals, service, booths):
    """Moments of entering a booth: an event list, a queue of people, and idle booths."""
    calendar = [(a, 1, i) for i, a in enumerate(arrivals)]
    heapq.heapify(calendar)
    queue, idle, starts = [], booths, np.zeros(len(arrivals))
    while calendar:
        now, arrives, voter = heapq.heappop(calendar)
        if arrives:
            queue.append(voter)
        else:
            idle += 1
        while idle and queue:
            first = queue.pop(0)
            idle -= 1
            starts[first] = now
            heapq.heappush(calendar, (now + service[first], 0, first))
    return starts


def brute_force(rate, seconds, weights, *, booths, limit, quiet, share, peak, replications, seed):
    """The waits of simulate_waiting from its random numbers, one voter and event at a time."""
    rows = int(3 * rate / 60 * (quiet + peak)) + 50
    units = np.random.default_rng([seed, 0]).exponential(size=(rows, replications)).cumsum(axis=0)
    uniforms = np.random.default_rng([seed, 1]).random((rows, replications))
    order = np.argsort(seconds)
    distribution = np.cumsum(np.asarray(weights)[order])
    waits, late, busy = [], 0, 0.0
    before = rate / 60 * share * quiet
    for r in range(replications):
        arrivals, service = [], []
        for unit, u in zip(units[:, r], uniforms[:, r], strict=True):
            early = unit < before
            a = quiet * unit / before if early else quiet + (unit - before) / (rate / 60)
            if a >= quiet + peak:
                break
            arrivals.append(a)
            service.append(seconds[order][np.argmax(distribution > u)] / 60)
        for a, s, t in zip(arrivals, service, events(arrivals, service, booths), strict=True):
            busy += max(0, min(t + s, quiet + peak) - max(t, quiet))
            if a >= quiet:
                waits.append(t - a)
                late += t - a > limit
    waits = np.array(waits)
    return {
        "share_longer": late / len(waits),
        "mean_wait_minutes": waits.mean(),
        "p90_wait_minutes": np.quantile(waits, 0.9),
        "utilisation": busy / (booths * peak * replications),
        "voters": len(waits) / replications,
    }


@pytest.mark.parametrize("booths", [1, 2, 4])
@pytest.mark.parametrize(("rate", "quiet", "share"), [(120, 30, 0.5), (90, 0, 0.5), (40, 20, 0)])
def test_simulation_is_that_of_brute_force(booths, rate, quiet, share):
    rng = np.random.default_rng(5)
    seconds, weights = rng.gamma(4, 20, 30), rng.dirichlet(np.ones(30))
    weights[:3] = 0
    weights /= weights.sum()
    expected = brute_force(
        rate,
        seconds,
        weights,
        booths=booths,
        limit=2,
        quiet=quiet,
        share=share,
        peak=45,
        replications=20,
        seed=11,
    )
    result = simulate_waiting(
        rate,
        seconds,
        weights,
        booths=booths,
        max_wait_minutes=2,
        peak_minutes=45,
        replications=20,
        seed=11,
        quiet_minutes=quiet,
        quiet_share=share,
    )
    for name, value in expected.items():
        assert getattr(result, name) == pytest.approx(value, rel=1e-9, abs=1e-12), name


# --- special cases with a known answer


def steady(rate, seconds, weights=None, *, booths, warm_up, limit=1.0):
    return simulate_waiting(
        rate,
        seconds,
        weights,
        booths=booths,
        max_wait_minutes=limit,
        peak_minutes=120,
        replications=600,
        seed=8,
        quiet_minutes=warm_up,
        quiet_share=1,
    )


@pytest.mark.parametrize(
    ("load", "booths", "warm_up"),
    [(0.5, 1, 60), (0.8, 1, 400), (1.2, 2, 60), (3.6, 4, 600), (4, 5, 200), (8.5, 10, 100)],
)
def test_steady_state_is_that_of_mmc(load, booths, warm_up):
    exact = mmc_queue(60 * load, 60, booths=booths, max_wait_minutes=1)
    result = steady(60 * load, EXPONENTIAL, booths=booths, warm_up=warm_up)
    assert abs(result.share_longer - exact.share_longer) < 3.5 * result.share_error
    assert abs(result.mean_wait_minutes - exact.mean_wait_minutes) < 3.5 * result.mean_error
    # The sum of n exponential times for a Poisson number n has variance 2n.
    noise = math.sqrt(2 / (result.voters * result.replications))
    assert result.utilisation == pytest.approx(exact.utilisation, rel=3.5 * noise)
    anyone = steady(60 * load, EXPONENTIAL, booths=booths, warm_up=warm_up, limit=0)
    assert abs(anyone.share_longer - exact.share_waiting) < 3.5 * anyone.share_error


@pytest.mark.parametrize(
    ("seconds", "weights"),
    [([60.0], [1.0]), ([20.0, 180.0], [0.75, 0.25]), (list(observed(60)[0]), None)],
    ids=["constant", "two values", "sample"],
)
def test_one_booth_waits_as_pollaczek_and_khinchine_say(seconds, weights):
    s = np.array(seconds) / 60
    mean, square = np.average(s, weights=weights), np.average(s**2, weights=weights)
    rate = 0.7 / mean
    result = steady(60 * rate, seconds, weights, booths=1, warm_up=300)
    expected = rate * square / (2 * (1 - 0.7))
    assert abs(result.mean_wait_minutes - expected) < 3.5 * result.mean_error


def test_overload_in_the_peak_grows_like_a_fluid():
    # Twice as many voters as one booth can serve: the wait grows to the length of the peak.
    result = simulate_waiting(
        3600,
        [2.0],
        booths=1,
        max_wait_minutes=30,
        peak_minutes=60,
        replications=10,
        seed=1,
        quiet_minutes=0,
    )
    assert result.mean_wait_minutes == pytest.approx(30, rel=0.03)
    assert result.share_longer == pytest.approx(0.5, abs=0.02)
    assert result.p90_wait_minutes == pytest.approx(54, rel=0.03)
    assert result.utilisation == pytest.approx(1, abs=0.001)


def test_monte_carlo_error_is_the_spread_over_seeds():
    seconds, _ = observed()
    results = [
        simulate_waiting(
            150,
            seconds,
            booths=4,
            max_wait_minutes=2,
            peak_minutes=60,
            replications=60,
            seed=s,
        )
        for s in range(150)
    ]
    for value, error in (("share_longer", "share_error"), ("mean_wait_minutes", "mean_error")):
        spread = np.std([getattr(r, value) for r in results], ddof=1)
        assert np.mean([getattr(r, error) for r in results]) == pytest.approx(spread, rel=0.2)


# --- decisions


def test_the_decision_is_the_smallest_number_below_the_limit():
    seconds, _ = observed()
    decision = booths_needed(180, seconds, **DECISION, replications=300, seed=2)
    shares = [line.share_longer for line in decision.table]
    assert shares == sorted(shares, reverse=True)
    assert decision.result(decision.booths).share_longer < 0.05
    assert decision.result(decision.booths - 1).share_longer >= 0.05
    numbers = [line.booths for line in decision.table]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] <= decision.booths - 2
    assert numbers[-1] >= decision.booths + 2
    alone = simulate_waiting(
        180,
        seconds,
        booths=decision.booths,
        max_wait_minutes=5,
        peak_minutes=60,
        replications=300,
        seed=2,
    )
    assert alone == decision.result(decision.booths)
    with pytest.raises(ValueError, match="no result for 50 booths"):
        decision.result(50)


def test_the_search_goes_below_the_load_in_a_short_peak():
    decision = booths_needed(
        600,
        [120.0],
        max_wait_minutes=20,
        max_share=0.05,
        peak_minutes=15,
        replications=100,
        seed=1,
    )
    assert decision.booths < decision.load


def test_a_decision_near_the_limit_is_flagged():
    seconds, _ = observed()
    options = {"max_wait_minutes": 5, "peak_minutes": 60, "replications": 200, "seed": 2}
    five = simulate_waiting(180, seconds, booths=5, **options)
    near, above = five.share_longer + five.share_error, five.share_longer - five.share_error
    for limit in (near, above):
        assert booths_needed(180, seconds, max_share=limit, **options).close
    far = booths_needed(180, seconds, max_share=five.share_longer + 5 * five.share_error, **options)
    assert (far.booths, far.close) == (5, False)


def test_no_long_wait_in_few_replications_settles_nothing():
    options = {**DECISION, "replications": 10, "seed": 1}
    decision = booths_needed(20, [30.0], **options)
    assert decision.result(decision.booths).share_longer == 0
    assert decision.close
    assert not booths_needed(20, [30.0], **{**options, "replications": 100}).close


def test_comparison_repeats_the_single_decisions():
    new, old = observed(80)[0], observed(60)[0]
    rates = [60, 120, 240]
    options = {**DECISION, "replications": 100, "seed": 4}
    both = compare_booths(rates, new, old, **options)
    assert both.new == tuple(booths_needed(r, new, **options) for r in rates)
    assert both.old == tuple(booths_needed(r, old, **options) for r in rates)
    np.testing.assert_array_equal(both.difference, both.booths_new - both.booths_old)
    assert list(both.close_new) == [d.close for d in both.new]


def test_longer_times_never_need_fewer_booths():
    old = observed(60)[0]
    rates = np.arange(20, 300, 40)
    options = {**DECISION, "replications": 40, "seed": 4}
    for factor in (1.0, 1.01, 1.1, 1.5):
        both = compare_booths(rates, factor * old, old, **options)
        assert (both.difference >= 0).all()
        for new, before in zip(both.new, both.old, strict=True):
            for line in before.table:
                if line.booths in [n.booths for n in new.table]:
                    assert new.result(line.booths).share_longer >= line.share_longer


def test_weights_repeat_observations():
    seconds = np.array([30.0, 60, 200])
    options = {**DECISION, "replications": 50, "seed": 4}
    weighted = booths_needed(100, seconds, [0.5, 0.25, 0.25], **options)
    assert weighted == booths_needed(100, [30, 60, 30, 200], **options)


# --- censored times


def test_kaplan_meier_is_that_of_scipy():
    rng = np.random.default_rng(6)
    seconds = np.round(rng.gamma(3, 20, 200)) + 1
    complete = rng.random(200) < 0.8
    complete[np.argmax(seconds)] = True
    weights = kaplan_meier_weights(seconds, complete)
    survival = stats.ecdf(stats.CensoredData(seconds[complete], right=seconds[~complete])).sf
    mine = [weights[seconds > q].sum() for q in survival.quantiles]
    np.testing.assert_allclose(mine, survival.probabilities, atol=1e-12)
    assert weights.sum() == pytest.approx(1)
    assert (weights[~complete] == 0).all()


def test_kaplan_meier_weights_are_repeated_observations_and_the_longest_counts():
    seconds, complete = np.array([10.0, 20, 20, 30]), np.array([True, True, False, False])
    # At risk 4, 3, 1: the censored 20 hands its quarter to 30, the longest.
    np.testing.assert_allclose(kaplan_meier_weights(seconds, complete), [0.25, 0.25, 0, 0.5])
    taken = np.array([2, 0, 1, 3])
    repeated = kaplan_meier_weights(np.repeat(seconds, taken), np.repeat(complete, taken))
    sums = np.bincount(np.repeat(np.arange(4), taken), repeated, minlength=4)
    weighted = kaplan_meier_weights(seconds, complete, taken)
    for time in (10, 20, 30):
        at = seconds == time
        assert weighted[at].sum() == pytest.approx(sums[at].sum())


# --- which stations were observed


@pytest.mark.parametrize("censored", [False, True])
def test_interval_repeats_the_decision_for_each_resample(censored):
    seconds, clusters = observed(stations=6, spread=0.5)
    complete = np.random.default_rng(1).random(len(seconds)) < 0.9 if censored else None
    options = {**DECISION, "replications": 30, "seed": 9}
    interval = booths_needed_interval(
        150, seconds, clusters, complete=complete, draws=25, **options
    )
    chosen = np.random.default_rng([9, 2]).integers(6, size=(25, 6))
    values = []
    for stations in chosen:
        rows = np.concatenate([np.flatnonzero(clusters == s) for s in stations])
        weights = kaplan_meier_weights(seconds[rows], complete[rows]) if censored else None
        values.append(booths_needed(150, seconds[rows], weights, **options).booths)
    assert list(interval.values) == values
    assert len(set(values)) > 1
    weights = kaplan_meier_weights(seconds, complete) if censored else None
    assert interval.booths == booths_needed(150, seconds, weights, **options).booths
    assert interval.lower == min(values)
    assert interval.upper == max(values)
    assert interval.n_clusters == 6


def test_blocks_of_resamples_change_nothing(monkeypatch):
    seconds, clusters = observed()
    options = {**DECISION, "replications": 20, "draws": 30, "seed": 9}
    whole = booths_needed_interval(150, seconds, clusters, **options)
    monkeypatch.setattr("ballot_eval.estimation.queueing_interval.PATHS_AT_ONCE", 100)
    parts = booths_needed_interval(150, seconds, clusters, **options)
    np.testing.assert_array_equal(whole.values, parts.values)


def test_limits_are_numbers_that_occur():
    seconds, clusters = observed(spread=0.5)
    interval = booths_needed_interval(
        200, seconds, clusters, **DECISION, replications=30, draws=99, seed=1, confidence_level=0.9
    )
    ordered = np.sort(interval.values)
    assert (interval.lower, interval.upper) == (ordered[4], ordered[94])
    assert interval.lower <= interval.booths <= interval.upper


def test_alike_stations_leave_nothing_to_resample():
    seconds, clusters = np.tile([40.0, 60, 100], 5), np.repeat(np.arange(5), 3)
    interval = booths_needed_interval(
        120, seconds, clusters, **DECISION, replications=50, draws=20, seed=1
    )
    assert set(interval.values) == {interval.booths}


def test_difference_sets_every_resample_against_every_other():
    def interval(booths, values):
        return BoothsInterval(booths, 0, 0, False, np.array(values), 5, 0.95)

    new, old = interval(6, [5, 6, 6, 7]), interval(4, [4, 4, 4, 5])
    found = booths_difference(new, old, confidence_level=0.8)
    # Differences: 0 once, 1 five times, 2 seven times, 3 three times.
    assert (found.estimate, found.lower, found.upper) == (2, 1, 3)
    assert booths_difference(new, old).lower == 0


# --- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": []}, "at least one time"),
        ({"seconds": [[60.0]]}, "vector"),
        ({"seconds": [60, -1]}, "finite and positive"),
        ({"seconds": [60, 0]}, "finite and positive"),
        ({"seconds": [60, np.nan]}, "finite and positive"),
        ({"seconds": [60, np.inf]}, "finite and positive"),
        ({"weights": [0.5, 0.4]}, "sum to 1, not 0.9"),
        ({"weights": [0, 0]}, "sum to 1, not 0"),
        ({"weights": [1.5, -0.5]}, "≥ 0"),
        ({"weights": [np.nan, 1]}, "finite"),
        ({"weights": [1.0]}, "2 finite numbers"),
        ({"arrivals_per_hour": 0}, "arrivals_per_hour must be finite and positive"),
        ({"arrivals_per_hour": np.nan}, "arrivals_per_hour"),
        ({"peak_minutes": 0}, "peak_minutes"),
        ({"quiet_minutes": -1}, "quiet_minutes"),
        ({"quiet_share": np.inf}, "quiet_share"),
        ({"max_wait_minutes": -1}, "max_wait_minutes"),
        ({"max_wait_minutes": np.nan}, "max_wait_minutes"),
        ({"max_share": 0}, "between 0 and 1"),
        ({"max_share": 5}, "not a percentage"),
        ({"max_share": np.nan}, "between 0 and 1"),
        ({"max_booths": 0}, "at least 1"),
        ({"replications": 1}, "two replications"),
        ({"arrivals_per_hour": 1e-6}, "nobody arrives"),
    ],
)
def test_bad_input_of_a_decision(change, message):
    good = {"arrivals_per_hour": 100, "seconds": [60, 80], **DECISION, "replications": 5, "seed": 1}
    with pytest.raises(ValueError, match=message):
        booths_needed(**{**good, **change})


@pytest.mark.parametrize("booths", [0, -1, 1.5, np.nan])
def test_bad_number_of_booths(booths):
    with pytest.raises(ValueError, match="whole number of at least 1"):
        simulate_waiting(
            60, [60.0], booths=booths, max_wait_minutes=1, peak_minutes=60, replications=5, seed=1
        )
    with pytest.raises(ValueError, match="whole number of at least 1"):
        erlang_c(0.5, booths)


def test_too_few_booths_allowed_is_an_error_of_its_own():
    options = {**DECISION, "replications": 20, "seed": 1, "max_booths": 3}
    with pytest.raises(MaxBoothsError, match=r"max_booths = 3 a share of 0\.\d+ still waits"):
        booths_needed(400, [60.0], **options)
    with pytest.raises(MaxBoothsError, match="max_booths = 3"):
        booths_needed_mmc(400, 60, max_wait_minutes=5, max_share=0.05, max_booths=3)
    seconds, clusters = np.array([60.0, 61, 900, 900]), np.array([0, 0, 1, 1])
    with pytest.raises(MaxBoothsError, match="max_booths = 12"):
        booths_needed_interval(60, seconds, clusters, **{**options, "max_booths": 12}, draws=20)


def test_bad_input_of_the_formula():
    with pytest.raises(ValueError, match="service_seconds"):
        mmc_queue(60, -1, booths=1, max_wait_minutes=1)
    with pytest.raises(ValueError, match="load"):
        erlang_b(-1, 2)
    with pytest.raises(ValueError, match="at least 0"):
        erlang_b(1, -2)


def test_bad_input_of_comparison_and_interval():
    options = {**DECISION, "replications": 5, "seed": 1}
    with pytest.raises(ValueError, match="vector of rates"):
        compare_booths([], [60.0], [60.0], **options)
    seconds, clusters = [60.0, 80, 90], ["A", "B", "B"]
    cases = [
        ({"clusters": ["A", "A", "A"]}, "at least two of them, found 1"),
        ({"clusters": ["A", "B"]}, "3 labels"),
        ({"draws": 1}, "two draws"),
        ({"confidence_level": 95}, "confidence_level"),
        ({"complete": [1, 0, 1]}, "booleans"),
        ({"complete": [True] * 3, "weights": [0.2, 0.3, 0.5]}, "not both"),
        ({"weights": [1.0, 0, 0]}, "no time with a positive weight"),
    ]
    for change, message in cases:
        good = {"seconds": seconds, "clusters": clusters, "draws": 20, **options}
        with pytest.raises(ValueError, match=message):
            booths_needed_interval(60, **{**good, **change})
    with pytest.raises(ValueError, match="not all 0"):
        kaplan_meier_weights([1.0, 2], np.array([True, True]), [0, 0])
