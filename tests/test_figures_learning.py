"""Figures of learning: what they show and what they refuse; see test_figures for all figures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ballot_eval import figures
from figure_cases import draw, words_in
from figure_learning_cases import (
    CASES,
    DIFFERENCE,
    GROUPS,
    INF,
    MEANS,
    NAN,
    NATION,
    SINGLES,
)


@pytest.mark.parametrize(
    ("case", "pieces"),
    [
        ("excess_by_exposure", ["EP2024 1e keer +0,52", *SINGLES, "alleen afgerond bekend"]),
        ("later_against_first", ["gemiddeld +0,20", "p = 0,048", *GROUPS["eerste keer"]]),
        ("later_against_first:unbounded", ["(−∞ tot +0,40) p < 0,000001"]),
        ("later_against_first:many", ["150 gemeenten"]),
        ("waterfall", ["0,74% + 0,08 − 0,03 + 0,06 − 0,02 − 0,35 = 0,48%", "(−0,11 tot 0,00)"]),
        ("forecast", ["zonder nieuw stembiljet: 0,26%", "0,53% 56.400 (+28.700)"]),
        ("forecast:scales", ["zelfde verhouding", "zelfde verschil in procentpunt"]),
    ],
)
def test_the_figure_says_in_words_what_it_shows(case, pieces):
    written = " ".join(words_in(draw(case)).split())
    for piece in pieces:
        assert piece in written


def test_rounding_is_drawn_as_boxes_and_uncertainty_as_bars():
    axes = draw("excess_by_exposure").axes[0]
    (box,) = axes.patches
    assert not box.get_fill()
    assert (box.get_y(), box.get_y() + box.get_height()) == pytest.approx((0.00512, 0.00532))
    (bars,) = axes.collections
    assert bars.get_linewidth()[0] == 5


def test_rounding_of_single_municipalities_is_drawn_where_it_is():
    axes = draw("excess_by_exposure:blank").axes[0]
    (low, high), *others = [
        (segment[0][1], segment[1][1])
        for lines in axes.collections
        for segment in lines.get_segments()
        if lines.get_linewidth()[0] < 1
    ]
    assert not others
    assert (low, high) == pytest.approx((0.0036, 0.0047))


@pytest.mark.parametrize(
    "case", ["excess_by_exposure", "later_against_first", "waterfall", "forecast"]
)
@pytest.mark.parametrize(
    ("language", "other", "usual"), [("nl", "blanco", "ongeldige"), ("en", "blank", "invalid")]
)
def test_the_outcome_is_named(case, language, other, usual):
    arguments, options = CASES[case]
    made = getattr(figures, case)(*arguments, **options, language=language, kind="blank")
    assert other in words_in(made)
    assert usual not in words_in(made)
    text = getattr(figures, f"alt_text_{case}")
    assert usual not in text(*arguments, **options, language=language, kind="blank")
    with pytest.raises(ValueError, match="kind must be one of invalid, blank, residual"):
        text(*arguments, **options, language=language, kind="spoilt")


def test_printed_steps_add_up_or_the_figure_says_that_they_are_rounded():
    # 0.104 + 0.104 is printed as 0,10 + 0,10 = 0,21: one more decimal makes it right.
    more = figures.waterfall(["a", "b", "c"], [0.00104], 0.00104, 0.00208)
    assert "0,104% + 0,104 = 0,208%" in words_in(more)
    thirds = figures.waterfall(["a", "b", "c", "d"], [0.001 / 3] * 2, 0.001 / 3, 0.001)
    assert "de afgedrukte getallen zijn afgerond" in words_in(thirds)
    text = figures.alt_text_waterfall(["a", "b", "c"], [0.00104], 0.00104, 0.00208)
    assert "b +0,104." in text


def test_steps_follow_each_other_without_a_gap():
    axes = draw("waterfall").axes[0]
    bars = sorted(axes.patches, key=lambda bar: bar.get_y())
    ends = [{round(b.get_x(), 9), round(b.get_x() + b.get_width(), 9)} for b in bars]
    assert all(one & other for one, other in itertools.pairwise(ends))
    assert len(bars) == 7


def _excess(exposures=(1, 2), estimates=(0.1, 0.2), lower=(0, 0), upper=(1, 1), **options):
    labels = options.pop("labels", ["a", "b"])
    return figures.excess_by_exposure(labels, exposures, estimates, lower, upper, **options)


def _later(groups=GROUPS, means=MEANS, difference=DIFFERENCE, **options):
    return figures.later_against_first(groups, means, difference, **options)


def _fall(parts=(0.1,), start=0.2, end=0.3, labels="abc", **options):
    return figures.waterfall(list(labels), parts, start, end, **options)


def _cast(shares=(0.4,), lower=(0.3,), upper=(0.5,), labels="a", **options):
    return figures.forecast(list(labels), shares, lower, upper, **(NATION | options))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _excess(language="de"), "must be one of nl, en"),
        (lambda: _excess(exposures=(2, 1)), "exposures must ascend"),
        (lambda: _excess(exposures=(0, 1)), "whole numbers from 1"),
        (lambda: _excess(exposures=(1, 1.5)), "whole numbers from 1"),
        (lambda: _excess(labels=["a"]), "1 labels for 2"),
        (lambda: _excess(estimates=(NAN, NAN)), "no exposure has an estimate"),
        (lambda: _excess(lower=(0, -INF)), "a bound is infinite"),
        (lambda: _excess(lower=(2, 0)), "lower bound lies above"),
        (lambda: _excess(lower=(2,)), "differ in length"),
        (lambda: _excess(municipalities={"x": [1]}), "differ in length"),
        (lambda: _excess(municipalities={"x": [NAN, NAN]}), "x has no value"),
        (lambda: _excess(municipalities=dict.fromkeys(range(31), (1, 2))), "at most 30"),
        (lambda: _excess(rounded=((2, NAN), (1, NAN))), "lower bound lies above"),
        (lambda: _excess(own_rounded={"x": ((1, 1), (2, 2))}), "x has limits and no values"),
        (lambda: _later(groups={}, means=[]), "one to four groups"),
        (lambda: _later(means=[1]), "1 means for 2 groups"),
        (lambda: _later(means=[1, NAN]), "means has a value that is not"),
        (lambda: _later(groups={"a": {}, "b": {"x": 1}}), "a has no municipality"),
        (lambda: _later(groups={"a": {"y": NAN}, "b": {"x": 1}}), "not a finite number"),
        (lambda: _later(difference=(NAN, 0, 1, 1)), "must hold estimate, lower"),
        (lambda: _later(difference=(0, 0, 1)), "must hold estimate, lower"),
        (lambda: _later(difference=(2, 0, 1, 1)), "outside its interval"),
        (lambda: _later(difference=(0, 0, 1, 2)), "p-value lies between"),
        (lambda: _later(never_exposed=[NAN]), "never_exposed has a value"),
        (lambda: _fall(end=0.31), "the parts lead to 0.30000000, not to 0.31"),
        (lambda: _fall(labels="ab"), "1 parts need 3 labels, not 2"),
        (lambda: _fall(parts=(-0.3,), end=-0.1), "must be fractions"),
        (lambda: _fall(start=NAN), "start_and_end has a value"),
        (lambda: _fall(lower=(0.0,)), "come as a pair"),
        (lambda: _fall(lower=(0.0,), upper=(NAN,)), "come as a pair"),
        (lambda: _fall(lower=(0.11,), upper=(0.12,)), "part 0 lies outside its limits"),
        (lambda: _cast(shares=(1.4,), upper=(2,)), "shares must be fractions"),
        (lambda: _cast(shares=(NAN,)), "shares has a value that is not"),
        (lambda: _cast(control_rate=NAN), "shares must be fractions"),
        (lambda: _cast(lower=(0.45,)), "outside its interval"),
        (lambda: _cast(lower=(0.6,)), "lower bound lies above"),
        (lambda: _cast(votes_cast=0), "not a positive number"),
        (lambda: _cast(labels="ab"), "1 labels and scales"),
        (lambda: _cast(scales=["odds"]), "additive or ratio, not odds"),
        (lambda: _cast(range_lower=(0.1,)), "come as a pair"),
        (lambda: _cast(range_lower=(0.3,), range_upper=(0.2,)), "lower bound lies above"),
    ],
)
def test_input_that_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_input_stays_as_it_was():
    parts, before = np.array([0.001, -0.0004]), np.array([0.001, -0.0004])
    figures.waterfall(list("abcd"), parts, 0.002, 0.0026)
    np.testing.assert_array_equal(parts, before)
