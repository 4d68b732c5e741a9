"""Figures of times: what they show and what they refuse; see test_figures for all figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ballot_eval import figures
from ballot_eval.figures.ridges import _kernel_width, _Ridge
from ballot_eval.figures.times import apart
from figure_cases import draw, words_in
from figure_time_cases import (
    ARRIVALS,
    BOOTHS_NEW,
    BOOTHS_OLD,
    INF,
    LIMIT,
    MEDIANS,
    NAN,
    NEW,
    RATES,
    medians_of,
    steps_of,
    voting_seconds,
)


def test_the_input_stays_as_it_was():
    seconds, rates = voting_seconds(), RATES.copy()
    figures.voting_time_ridges(seconds, MEDIANS, horizon_seconds=300)
    figures.counting_rates(rates, medians_of(rates))
    assert all((seconds[k] == v).all() for k, v in voting_seconds().items())
    pd.testing.assert_frame_equal(rates, RATES)


@pytest.mark.parametrize(
    ("case", "pieces"),
    [
        (
            "voting_time_ridges",
            ["zonder hulp 4.210 kiezers", "mediaan 66 s (65 tot 68)", "2,4% langer dan 300 s"],
        ),
        (
            "quantile_effects",
            ["langzamer met het", "sneller met het", "gemengd model: 1,15 (1,09 tot 1,21)", "95%"],
        ),
        ("finished_by_clock", ["21:00", "00:00 middernacht", "09:00", "helft klaar om 00:"]),
        ("finished_by_clock:elapsed", ["uren na het begin van de telling", "helft niet bereikt"]),
        ("counting_rates", ["31,4 (28,3 tot 37,7)", "nieuw (n = 12)", "20", "niet gemeten"]),
        ("counting_rates:unfinished", ["telling niet afgerond: ten minste zoveel"]),
        ("counting_rates:extreme", ["10.000", "5.000 (0 tot ∞)"]),
        ("booths_needed", ["minder dan 5% van de kiezers langer dan 5 minuten wacht", "+1"]),
    ],
)
def test_the_figure_says_in_words_what_it_shows(case, pieces):
    written = words_in(draw(case))
    for piece in pieces:
        assert piece in written


def test_differences_in_booths_are_written_only_where_there_is_one():
    labels = [t.get_text() for t in draw("booths_needed").axes[0].texts]
    assert labels.count("+1") == int((BOOTHS_NEW != BOOTHS_OLD).sum())
    same = figures.booths_needed(ARRIVALS, BOOTHS_OLD, BOOTHS_OLD, **LIMIT)
    assert not any(t.get_text()[0] in "+−" for t in same.axes[0].texts)


def _curves(figure):
    """Return the seconds and heights of every ridge above its own line."""
    found = [line.get_xydata().T for line in figure.axes[0].lines if len(line.get_xdata()) > 9]
    return [(x, y + row) for row, (x, y) in enumerate(found)]


def test_a_density_has_no_mass_below_zero_and_the_share_of_the_axis_as_its_area():
    rng = np.random.default_rng(4)
    figure = figures.voting_time_ridges(
        {"a": rng.lognormal(0, 1, 4000), "b": rng.lognormal(1, 0.3, 4000)},
        {"a": (1.0, 0.9, 1.1), "b": (2.7, 2.6, 2.8)},
        horizon_seconds=10,
    )
    (x, first), (_, second) = _curves(figure)
    assert x.min() > 0
    # 98.9% of the first group and all of the second lie within ten seconds.
    assert first.sum() / second.sum() == pytest.approx(0.989, abs=0.02)


@pytest.mark.parametrize("n_others", [1, 2, 5])
def test_a_very_narrow_group_leaves_the_others_their_height(n_others):
    rng = np.random.default_rng(5)
    groups = {"narrow": np.full(50, 6.0)}
    groups |= {f"{i}": rng.lognormal(2, 0.6, 500) for i in range(n_others)}
    medians = dict.fromkeys(groups, (NAN, NAN, NAN))
    figure = figures.voting_time_ridges(groups, medians, horizon_seconds=60)
    narrow, *others = (heights.max() for _, heights in _curves(figure))
    assert all(narrow / 4 < height < narrow for height in others)
    assert narrow == pytest.approx(0.64)
    x, heights = _curves(figure)[0]
    assert x[heights.argmax()] == pytest.approx(6, abs=0.2)


def test_weights_give_the_share_beyond_the_horizon():
    seconds = {"a": np.arange(1.0, 21.0)}
    steps = {"a": np.r_[np.full(15, 0.04), np.zeros(5)]}
    options = {"horizon_seconds": 10, "weights": steps, "counts": {"a": 20}}
    text = figures.alt_text_voting_time_ridges(seconds, {"a": (NAN, NAN, NAN)}, **options)
    assert "(20 kiezers) mediaan niet gemeten, 60,0% langer dan 10 s." in text
    few = figures.alt_text_voting_time_ridges(
        {"a": np.r_[np.ones(4999), 99]}, {"a": (1, 1, 1)}, horizon_seconds=10
    )
    assert "< 0,1% langer dan 10 s" in few


def test_the_steps_of_a_curve_draw_what_its_voters_draw():
    rng = np.random.default_rng(6)
    voters = {"a": np.ceil(rng.lognormal(3, 0.8, 3000)), "b": np.ceil(rng.lognormal(2, 0.4, 40))}
    times, options = steps_of(voters, 1e6)
    assert len(times["a"]) < 300
    medians = dict.fromkeys(voters, (NAN, NAN, NAN))
    every = figures.voting_time_ridges(voters, medians, horizon_seconds=60)
    steps = figures.voting_time_ridges(times, medians, horizon_seconds=60, **options)
    for (_, expected), (_, heights) in zip(_curves(every), _curves(steps), strict=True):
        np.testing.assert_allclose(heights, expected, atol=1e-12)
    assert words_in(steps) == words_in(every)
    assert "a 3.000 kiezers" in words_in(steps)


def _width(seconds, weights, n):
    ridge = _Ridge("a", np.asarray(seconds), np.asarray(weights), n, (NAN, NAN, NAN), 0.0)
    return _kernel_width(ridge)


def test_the_width_of_the_kernel_is_that_of_silverman_with_weights():
    # Weight 0.1, 0.2, 0.4, 0.2, 0.1 on e^0 to e^4: deviation sqrt(1.2), quartiles 1 and 3.
    weights, powers = [0.1, 0.2, 0.4, 0.2, 0.1], np.exp(np.arange(5.0))
    assert _width(powers, weights, 100) == pytest.approx(0.9 * 1.2**0.5 * 100**-0.2)
    # Both quartiles 2: the deviation, 1, is what is left.
    heavy = [0.1, 0.1, 0.6, 0.1, 0.1]
    assert _width(powers, heavy, 100) == pytest.approx(0.9 * 1.0 * 100**-0.2)
    # Quartiles 2 and 3, so that 1 / 1.349 is less than the deviation, sqrt(1.09).
    narrow = [0.1, 0.1, 0.5, 0.2, 0.1]
    assert _width(powers, narrow, 32) == pytest.approx(0.9 / 1.349 / 2)
    # What is lacking from 1 changes neither, and the order of the times does not matter.
    lacking = 0.5 * np.asarray(narrow)
    assert _width(powers[::-1], lacking[::-1], 32) == pytest.approx(0.9 / 1.349 / 2)


def test_few_voters_are_dots_however_many_times_their_curve_has():
    def dots(n_times, weight, count):
        times = {"a": np.arange(1.0, n_times + 1)}
        weights = {"a": np.r_[np.full(n_times - 1, weight), 0]}
        counts = {"a": count}
        options = {"horizon_seconds": 50, "weights": weights, "counts": counts}
        figure = figures.voting_time_ridges(times, {"a": (NAN, NAN, NAN)}, **options)
        return [len(line.get_xdata()) for line in figure.axes[0].lines]

    # 3 times of 10 voters; 11 voters of whom 8 show a time; the last time, censored, is no dot.
    assert dots(4, 1 / 3, 10) == [399]
    assert dots(9, 1 / 11, 11) == [8]


def test_booths_are_points_at_the_arrivals_asked_for_side_by_side():
    figure = draw("booths_needed:uneven")
    figure.canvas.draw()
    (axes,) = figure.axes
    old, new = (line for line in axes.lines if len(line.get_xdata()) > 1)
    assert [line.get_linestyle() for line in axes.lines] == ["None"] * 4
    places = []
    for line in (old, new):
        assert line.get_xdata().tolist() == [60, 75, 120, 400]
        places.append(line.get_transform().transform(line.get_xydata()))
    apart_by = (places[1] - places[0])[:, 0] * 72 / figure.dpi
    assert (apart_by > new.get_markersize()).all()
    next_pair = np.diff(places[0][:, 0]).min() * 72 / figure.dpi
    assert next_pair > apart_by[0] + new.get_markersize()


def _band(lower, upper, minutes=(60, 120, 180, 240), **options):
    """Return the stretches of the band, as pairs of minutes."""
    share = np.arange(1, len(minutes) + 1) / len(minutes)
    curve = {"p": {"a": (minutes, share, lower, upper)}}
    axes = figures.finished_by_clock(curve, **options).axes[0]
    paths = [path for band in axes.collections for path in band.get_paths()]
    ends = [path.vertices[:, 0] for path in paths]
    return [(x.min(), x.max()) for x in ends], axes.get_xlim()[1]


def test_bounds_that_are_absent_leave_a_gap_in_the_band():
    low, high = np.array([0.1, 0.3, 0.5, 0.9]), np.array([0.4, 0.7, 0.9, 1.0])
    found, end = _band(low, high)
    assert found == [(60, end)]
    # A step lasts until the next minute, also the one before a gap and one on its own.
    assert _band([NAN, 0.3, NAN, 0.9], high)[0] == [(120, 180), (240, end)]
    assert _band(low, [0.4, 0.7, NAN, NAN])[0] == [(60, 180)]
    assert _band([NAN, *low[1:]], [0.4, 0.7, 0.9, NAN])[0] == [(120, 240)]
    assert _band([NAN] * 4, high)[0] == []


def test_the_band_holds_the_bounds_of_its_own_stretch():
    share, lower, upper = [0.2, 0.4, 0.6], [0.1, NAN, 0.5], [0.3, NAN, 0.7]
    figure = figures.finished_by_clock({"p": {"a": ([1, 2, 3], share, lower, upper)}})
    paths = [path for band in figure.axes[0].collections for path in band.get_paths()]
    heights = [sorted(set(path.vertices[:, 1])) for path in paths]
    assert heights == [[0.1, 0.3], [0.5, 0.7]]


def test_a_curve_is_named_by_the_moment_at_which_half_is_finished():
    curve = {"telling": {"a": ([60, 185, 240], [0.4, 0.5, 0.6], [NAN] * 3, [NAN] * 3)}}
    assert "a half finished at 00:05" in figures.alt_text_finished_by_clock(curve, language="en")
    written = words_in(figures.finished_by_clock(curve))
    assert "helft klaar om 00:05" in written


def test_labels_are_pushed_apart_within_their_limits():
    assert apart([1.0, 1.0], 0.2, 0, 1) == [1.0, 0.8]
    assert apart([0.5, 0.1], 0.2, 0, 1) == [0.5, 0.1]
    assert apart([0.0, 0.05], 0.2, 0, 1) == [0.0, 0.2]


def _ridges(seconds, median=(5, 4, 6), **options):
    return figures.voting_time_ridges(
        {"a": seconds}, {"a": median}, **({"horizon_seconds": 60} | options)
    )


def _clock(minutes, share, lower=0, upper=1, **options):
    ones = np.ones(len(minutes))
    curve = (minutes, share, lower * ones, upper * ones)
    return figures.finished_by_clock({"p": {"a": curve}}, **options)


def _booths(arrivals=(10, 20), new=(1, 2), old=(1, 1), **options):
    return figures.booths_needed(arrivals, new, old, **(LIMIT | options))


def test_booths_of_one_ballot_alone():
    figure = _booths(old=(NAN, NAN))
    assert [t.get_text() for t in figure.axes[0].texts if "stembiljet" in t.get_text()] == [
        "nieuw\nstembiljet"
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _ridges([1, 2], language="de"), "must be one of nl, en"),
        (lambda: _ridges([]), "seconds must be a vector with at least one value"),
        (lambda: _ridges([1, NAN]), "seconds has a value that is not a finite number"),
        (lambda: _ridges([1, 0]), "a time of a is not positive"),
        (lambda: _ridges([1, 2], (5, 6, 7)), "the median of a lies outside its interval"),
        (lambda: _ridges([1, 2], (-1, NAN, NAN)), "the median of a must be positive"),
        (lambda: _ridges([1, 2], horizon_seconds=0), "horizon_seconds must be positive"),
        (lambda: _ridges([1, 2], roles={"b": "new"}), "no role for a"),
        (lambda: _ridges([1, 2], roles={"a": "newer"}), "must be new or old, not newer"),
        (lambda: _ridges([1, 2], weights={"a": [0.5, 0.5]}), "weights need counts"),
        (lambda: _ridges([1, 2], weights={}, counts={"a": 2}), "no weights for a"),
        (lambda: _ridges([1, 2], weights={"a": [0.9, 0.9]}, counts={"a": 2}), "at most 1"),
        (lambda: _ridges([1, 2], weights={"a": [0.5, 0.5]}, counts={}), "no count for a"),
        (lambda: _ridges([1, 2], counts={"a": 2.5}), "the count of a must be a whole number"),
        (lambda: _ridges([1, 2], counts={"a": NAN}), "the count of a must be a whole number"),
        (lambda: _ridges([1, 2], counts={"a": 1}), "at least one for each of the 2 times"),
        (lambda: figures.voting_time_ridges({}, {}, horizon_seconds=9), "no group to draw"),
        (lambda: figures.voting_time_ridges({"a": [1]}, {}, horizon_seconds=9), "no median for a"),
        (lambda: figures.quantile_effects([0.5, 0.1], *[[1, 1]] * 3), "must ascend between 0"),
        (lambda: figures.quantile_effects([0.5, 1], *[[1, 1]] * 3), "must ascend between 0"),
        (lambda: figures.quantile_effects([0.5], [NAN], [1], [1]), "no quantile has a ratio"),
        (lambda: figures.quantile_effects([0.5], [0], [0], [1]), "a ratio is not positive"),
        (lambda: figures.quantile_effects([0.5], [1], [-1], [1]), "is negative"),
        (lambda: figures.quantile_effects([0.5], [3], [1], [2]), "lower bound lies above"),
        (lambda: figures.quantile_effects([0.5], [1], [1], [1, 2]), "differ in length"),
        (lambda: figures.quantile_effects([0.5], *[[1]] * 3, (2, 3, 4)), "mean_ratio lies outside"),
        (
            lambda: figures.quantile_effects([0.5], *[[1]] * 3, band_lower=[1]),
            "come as a pair",
        ),
        (lambda: figures.finished_by_clock({}), "no panel to draw"),
        (lambda: figures.finished_by_clock({"p": {}}), "no panel to draw"),
        (lambda: figures.finished_by_clock({"p": {"a": ([1], [1])}}), "must hold minutes, share"),
        (lambda: _clock([2, 1], [0.1, 0.2]), "the minutes of a must ascend"),
        (lambda: _clock([1, 2], [0.3, 0.2]), "the share finished of a falls"),
        (lambda: _clock([1, 2], [30, 40]), "does not lie between 0 and 1"),
        (lambda: _clock([1, 2], [0.1, NAN]), "share has a value that is not a finite"),
        (lambda: _clock([1, 2], [0.1, 0.2], 0.9, 0.1), "lower bound lies above"),
        (lambda: _clock([1], [1], clock_origin_minutes={"q": 1}), "no panel q"),
        (lambda: _clock([1], [1], clock_origin_minutes={"p": INF}), "minutes after midnight"),
        (lambda: _clock([1], [1], censored={"p": {"b": [1]}}), "without a curve"),
        (lambda: _clock([1], [1], censored={"p": {"a": [NAN]}}), "censored minutes of a"),
        (lambda: figures.finished_by_clock({"p": dict.fromkeys("abcde", NEW)}), "hold minutes"),
        (
            lambda: figures.finished_by_clock({"p": dict.fromkeys("abcde", ([1], [1], [1], [1]))}),
            "at most 4 can be told apart",
        ),
        (lambda: figures.counting_rates(RATES.iloc[:0]), "no rate to draw"),
        (lambda: figures.counting_rates(RATES.drop(columns="kind")), "rates lack the column kind"),
        (lambda: figures.counting_rates(RATES, RATES), "medians lack the column median"),
        (lambda: figures.counting_rates(RATES.assign(ballot="b")), "must be new or old, not b"),
        (lambda: figures.counting_rates(RATES.assign(rate=0)), "a rate is not positive"),
        (lambda: figures.counting_rates(RATES.assign(rate=NAN)), "not a finite number"),
        (lambda: figures.counting_rates(RATES.assign(finished=False)), "give medians"),
        (lambda: figures.counting_rates(RATES, medians_of(RATES)[1:]), "one row of medians, not 0"),
        (lambda: _booths(arrivals=(20, 10)), "must ascend from zero"),
        (lambda: _booths(new=(1, 1.5)), r"number of booths \(new\) is not a whole number"),
        (lambda: _booths(new=(NAN, NAN), old=(NAN, NAN)), "no number of booths at all"),
        (lambda: _booths(old=(1,)), "differ in length"),
        (lambda: _booths(lower_new=(1, 1)), "lower_new and upper_new come as a pair"),
        (lambda: _booths(lower_new=(2, 2), upper_new=(3, 3)), "lower bound lies above"),
        (lambda: _booths(max_share=5), "max_share must lie between 0 and 1"),
        (lambda: _booths(max_wait_minutes=-1), "max_wait_minutes must be zero or more"),
    ],
)
def test_input_that_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
