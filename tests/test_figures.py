"""Figures: what is drawn fits the page, the words hold the numbers, the bytes stay the same."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from ballot_eval import figures
from figure_candidate_cases import number_rows
from figure_cases import CASES, INF, NAN, TEXTS, draw, method_rows, shown_texts
from figure_municipality_cases import history_rows
from figure_station_cases import station_rows


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("case", CASES)
def test_every_text_is_whole_legible_and_apart(case, language):
    figure = draw(case, language)
    assert isinstance(figure, Figure)
    assert figure.get_figwidth() == figures.WIDTH
    assert figure.get_figheight() <= 9.5
    texts = shown_texts(figure)
    boxes = [text.get_window_extent() for text in texts]
    page = figure.bbox
    for text, box in zip(texts, boxes, strict=True):
        assert text.get_fontsize() >= 8, text.get_text()
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= page.x1, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.y1 <= page.y1, text.get_text()
    for (a, one), (b, other) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        apart = one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
        assert apart, (a.get_text(), b.get_text())


@pytest.mark.parametrize("case", CASES)
def test_the_drawing_fills_its_page(case):
    figure = draw(case)
    figure.canvas.draw()
    inked = np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=2).min(axis=1) < 250
    rows = np.flatnonzero(inked)
    assert rows[0] < 30
    assert rows[-1] > len(inked) - 10


@pytest.mark.parametrize("case", CASES)
def test_the_alternative_text_holds_the_numbers_in_both_languages(case):
    arguments, options = CASES[case]
    describe = getattr(figures, f"alt_text_{case.partition(':')[0]}")
    assert describe(*arguments, **options) == describe(*arguments, **options, language="nl")
    for language, pieces in zip(("nl", "en"), TEXTS[case], strict=True):
        text = describe(*arguments, **options, language=language)
        for piece in pieces:
            assert piece in text
        assert text.endswith(".")
        assert "nan" not in text
        assert "{" not in text


def test_every_figure_has_an_alternative_text_and_a_case():
    alternatives = {n.removeprefix("alt_text_") for n in figures.__all__ if n.startswith("alt_")}
    assert alternatives == {case.partition(":")[0] for case in CASES}
    assert alternatives <= set(figures.__all__)


@pytest.mark.parametrize("case", CASES)
def test_the_same_figure_gives_the_same_bytes(case, tmp_path):
    saved = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        figures.save(draw(case), folder, "figure")
        saved.append([(folder / f"figure.{kind}").read_bytes() for kind in ("svg", "png")])
    assert saved[0] == saved[1]


@pytest.mark.parametrize(("language", "mark"), [("nl", ","), ("en", ".")])
def test_ticks_have_the_decimal_mark_of_the_language(language, mark):
    for case in ("invalid_rates", "methods", "event_study", "love_plot", "power_curve"):
        figure = draw(case, language)
        written = [t.get_text() for t in shown_texts(figure)]
        numbers = [t for t in written if t.strip("+−%").replace(mark, "").isdigit()]
        assert any(mark in t for t in numbers), case


def test_the_marked_smallest_effect_is_where_the_curve_crosses_the_target():
    text = figures.alt_text_power_curve([0, 0.01], {5: [0.0, 1.0], 11: [0.85, 1.0]}, target=0.8)
    assert "bij 5 experimentgemeenten 0,80 procentpunt" in text
    assert "bij 11 experimentgemeenten 0,00 procentpunt" in text


def test_the_strongest_control_stays_in_the_picture():
    frame, baseline, election = CASES["before_after"][0]
    frame = frame.copy()
    frame.loc[frame["municipality_code"] == "0200", "rate"] = 0.05
    figure = figures.before_after(frame, baseline, election)
    assert figure.axes[0].get_ylim()[1] > 0.05
    text = figures.alt_text_before_after(frame, baseline, election)
    assert "tot 5,00%" in text


def test_a_p_value_too_small_to_write_has_one_sign():
    figure = figures.randomisation(np.array([0.0, 0.001]), 0.02, 1e-9)
    assert "p < 0,000001" in figure.axes[0].texts[0].get_text()


def test_specifications_without_an_end_are_drawn_with_an_arrow():
    rows = pd.DataFrame(
        {
            "estimate": [0.001, 0.002, 0.003],
            "ci_lower": [0.0005, -INF, -INF],
            "ci_upper": [0.002, 0.004, INF],
            "primary": [True, False, False],
            "weighting": ["ballot", "municipality", "ballot"],
        }
    )
    above = figures.specification_curve(rows).axes[0]
    heads = {line.get_marker(): line.get_xdata() for line in above.lines if len(line.get_xdata())}
    assert heads["v"].tolist() == [1.0, 2.0]
    assert heads["^"].tolist() == [2.0]
    ends = np.concatenate([p.vertices[:, 1] for c in above.collections for p in c.get_paths()])
    assert np.isfinite(ends).all()
    assert ends.min() < -0.0001
    assert ends.max() > 0.004
    text = figures.alt_text_specification_curve(rows, language="en")
    assert "zero is outside the interval" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: figures.residuals([1, 2], [0, 1], language="de"),
            "must be one of nl, en",
        ),
        (lambda: figures.residuals([1, 2], [0, NAN]), "residuals has a value that is not a finite"),
        (lambda: figures.residuals([1, 0], [0, 1]), "a fitted count is not positive"),
        (lambda: figures.residuals([1, 2], [0, 1, 2]), "differ in length"),
        (lambda: figures.residuals([1, 2], [0, 1], experiment=[True]), "2 booleans"),
        (lambda: figures.residuals([], []), "at least one value"),
        (lambda: figures.methods(method_rows().drop(columns="primary")), "lack the column primary"),
        (lambda: figures.methods(method_rows().assign(primary=False)), "one row must be primary"),
        (lambda: figures.methods(method_rows().assign(estimate=NAN)), "no row has an estimate"),
        (lambda: figures.methods(method_rows().assign(ci_lower=1.0)), "lower bound lies above"),
        (lambda: figures.specification_curve(method_rows().drop(columns="label")), "no choices"),
        (lambda: figures.specification_curve(method_rows()), "not finite"),
        (lambda: figures.event_study([1, 0], *[[0, 0]] * 5), "must ascend"),
        (lambda: figures.event_study([0, 1], *[[0, 0]] * 4, [0, INF]), "infinite"),
        (lambda: figures.event_study([0, 1], *[[0, 0]] * 5, labels=["a"]), "1 labels for 2"),
        (lambda: figures.love_plot(["a"], [1, 2], [1, 2]), "1 names for 2"),
        (lambda: figures.power_curve([0, 1], {}), "curves can be drawn"),
        (lambda: figures.power_curve([1, 0], {5: [0, 1]}), "ascend"),
        (lambda: figures.power_curve([0, 1], {5: [0, 1.2]}), "between 0 and 1"),
        (lambda: figures.power_curve([0, 1], {5: [0, 1]}, target=80), "target must lie"),
        (lambda: figures.placebo_distribution([0, 1], [0, 1], names=["a"]), "1 names for 2"),
        (lambda: figures.station_rates(station_rows().drop(columns="rate")), "lack the column"),
        (lambda: figures.station_rates(station_rows().head(0)), "0 levels cannot be drawn"),
        (lambda: figures.station_rates(station_rows(tuple("abcdefg"))), "only 1 to 6"),
        (lambda: figures.station_rates(station_rows().assign(unit="all")), "must be experiment or"),
        (lambda: figures.station_rates(station_rows().assign(level="a")), "given twice at a level"),
        (lambda: figures.station_rates(station_rows().assign(rate=NAN)), "must be fractions"),
        (lambda: figures.station_rates(station_rows().assign(ci_upper=0)), "lower bound lies"),
        (lambda: figures.station_rates(station_rows(), dimension="x"), "dimension must be"),
        (lambda: figures.station_rates(station_rows(), kind="x"), "kind must be one of"),
        (lambda: figures.municipality_history(history_rows(), ""), "has no name"),
        (lambda: figures.municipality_history(history_rows().assign(rate=NAN), "a"), "no rate of"),
        (lambda: figures.municipality_history(history_rows().assign(rate=2.0), "a"), "fractions"),
        (lambda: figures.municipality_history(history_rows().assign(ci_lower=1), "a"), "lower bou"),
        (lambda: figures.repeated_numbers(number_rows().drop(columns="unit")), "lack the column"),
        (lambda: figures.repeated_numbers(number_rows().head(0)), "no rows to draw"),
        (lambda: figures.repeated_numbers(number_rows().assign(unit="all")), "must be experiment"),
        (lambda: figures.repeated_numbers(number_rows().assign(number=2)), "given twice at a num"),
        (lambda: figures.repeated_numbers(number_rows().assign(estimate=NAN)), "not a finite"),
        (lambda: figures.repeated_numbers(number_rows().assign(ci_lower=1)), "lower bound lies"),
    ],
)
def test_input_that_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
