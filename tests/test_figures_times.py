"""Figures of times: what they show and what they refuse; see test_figures for all figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ballot_eval import figures
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
        ("booths_needed", ["hooguit 5% van de kiezers langer dan 5 minuten wacht", "+1"]),
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
    options = {"horizon_seconds": 10, "weights": steps}
    text = figures.alt_text_voting_time_ridges(seconds, {"a": (NAN, NAN, NAN)}, **options)
    assert "(20 kiezers) mediaan niet gemeten, 60,0% langer dan 10 s." in text
    few = figures.alt_text_voting_time_ridges(
        {"a": np.r_[np.ones(4999), 99]}, {"a": (1, 1, 1)}, horizon_seconds=10
    )
    assert "< 0,1% langer dan 10 s" in few


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
        (lambda: _ridges([1, 2], weights={}), "no weights for a"),
        (lambda: _ridges([1, 2], weights={"a": [0.9, 0.9]}), "at most 1"),
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
        (lambda: _booths(old=(NAN, NAN)), "no number of booths at all"),
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
