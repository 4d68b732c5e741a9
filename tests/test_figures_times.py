"""Figures of times: what is drawn fits the page, the words hold the numbers, the bytes stay."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from ballot_eval import figures
from ballot_eval.figures.times import apart

NAN, INF = float("nan"), float("inf")
GROUPS = {
    "nieuw stembiljet, zonder hulp": (4.2, 0.5, 4210),
    "oud stembiljet, zonder hulp": (3.9, 0.5, 1690),
    "nieuw stembiljet, met hulp": (4.9, 0.6, 133),
    "oud stembiljet, met hulp": (4.6, 0.6, 41),
}
ROLES = {name: "new" if name.startswith("nieuw") else "old" for name in GROUPS}
MEDIANS = {
    "nieuw stembiljet, zonder hulp": (66.4, 64.8, 68.2),
    "oud stembiljet, zonder hulp": (49.1, 47.0, 51.3),
    "nieuw stembiljet, met hulp": (144.0, 124.0, INF),
    "oud stembiljet, met hulp": (NAN, NAN, NAN),
}


def _seconds() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {name: rng.lognormal(m, s, n) for name, (m, s, n) in GROUPS.items()}


def _many() -> tuple:
    rng = np.random.default_rng(2)
    names = [
        f"{ballot} stembiljet, {age} jaar en ouder, eerste keer {first}"
        for ballot, age, first in itertools.product(
            ("nieuw", "oud"), ("55", "75"), ("ja", "nee", "onbekend")
        )
    ]
    sizes = [1, 3, 9, 10, 400, 60, *[30] * 6]
    seconds = {k: rng.lognormal(4, 0.6, n) for k, n in zip(names, sizes, strict=True)}
    seconds[names[5]] = np.full(60, 45.0)
    medians = dict.fromkeys(names, (55.0, 50.0, 61.0))
    medians |= {names[0]: (3.2, 1.0, 9.0), names[1]: (620.0, 400.0, INF), names[4]: (290, 20, 310)}
    return seconds, medians


QUANTILES = [0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95]
RATIOS = np.array([1.02, 1.05, 1.10, 1.14, 1.20, 1.22, NAN])
ERRORS = np.array([0.04, 0.03, 0.025, 0.03, 0.04, 0.07, NAN])
LOWER, UPPER = RATIOS * np.exp(-2 * ERRORS), RATIOS * np.exp(2 * ERRORS)
BANDS = {"band_lower": RATIOS * np.exp(-3 * ERRORS), "band_upper": RATIOS * np.exp(3 * ERRORS)}


def _dense() -> tuple:
    at = np.arange(1, 20) / 20
    ratios = np.exp(0.6 * at - 0.1)
    lower, upper = 0.8 * ratios, 1.3 * ratios
    lower[0], upper[-2:] = 0, INF
    return at, ratios, lower, upper, (9.0, 0.5, 30.0)


def _curve(n: int, mean: float, spread: float, seen: float = 1000) -> tuple:
    rng = np.random.default_rng(n)
    minutes, counts = np.unique(np.round(rng.normal(mean, spread, n)).clip(5), return_counts=True)
    share = np.cumsum(counts) / n
    half = 1.96 * np.sqrt(share * (1 - share) / n)
    made = (minutes, share, np.clip(share - half, 0, 1), np.clip(share + half, 0, 1))
    return tuple(values[minutes <= seen] for values in made)


NEW, OLD = "nieuw stembiljet", "oud stembiljet"
DSO, CSO = "DSO: stembureau telt lijsten en kandidaten", "CSO: stembureau telt lijsten"
CENTRAL = "CSO: centrale telling van kandidaten (dag na de verkiezing)"
CURVES = {
    DSO: {NEW: _curve(48, 195, 45, 250), OLD: _curve(310, 150, 50)},
    CSO: {NEW: _curve(60, 100, 30), OLD: _curve(400, 95, 30)},
    CENTRAL: {NEW: _curve(6, 330, 80), OLD: _curve(30, 300, 90)},
}
CLOCK = {
    "roles": {NEW: "new", OLD: "old"},
    "clock_origin_minutes": {CENTRAL: 9 * 60},
    "origin_labels": {CENTRAL: "kloktijd, dag na de verkiezing"},
    "censored": {DSO: {NEW: [251, 254, 260]}},
}
FOUR = {
    "telling": {
        "a": ([60], [0.3], [NAN], [NAN]),
        "een lange naam van een soort biljet": _curve(50, 180, 40),
        "c": ([30, 1000], [0.5, 1], [0.2, 0.9], [0.8, 1]),
        "d": _curve(20, 200, 50),
    }
}


def _rates() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    kinds = {"DSO, stembureau": 3.6, "CSO, stembureau": 2.9, "CSO, centrale telling": 3.3}
    rows = [
        (kind, ballot, rate)
        for kind, mean in kinds.items()
        for ballot, n in (("new", 12), ("old", 150))
        for rate in rng.lognormal(mean, 0.35, n)
    ]
    return pd.DataFrame(rows, columns=["kind", "ballot", "rate"])


def _medians(rates: pd.DataFrame) -> pd.DataFrame:
    groups = rates[["kind", "ballot"]].drop_duplicates(ignore_index=True)
    values = [31.4, 36.2, 15.9, 18.1, NAN, 28.0]
    made = groups.assign(median=values[: len(groups)])
    return made.assign(lower=made["median"] * 0.9, upper=made["median"] * 1.2)


RATES = _rates()
LONG = RATES.assign(rate=RATES["rate"] ** 3, kind=RATES["kind"] + " met een naam die erg lang is")
LONG_MEDIANS = _medians(LONG).assign(median=5000.0, lower=0.0, upper=INF)

ARRIVALS = np.arange(40, 161, 10)
BOOTHS_NEW = np.array([3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5])
BOOTHS_OLD = np.array([2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5])
LIMIT = {"max_wait_minutes": 5, "max_share": 0.05}
BOUNDS = {
    "lower_new": BOOTHS_NEW - 1,
    "upper_new": BOOTHS_NEW + 1,
    "lower_old": BOOTHS_OLD,
    "upper_old": BOOTHS_OLD + 1,
}


def _crowd() -> tuple:
    arrivals = np.arange(20, 401, 5)
    new = np.ceil(arrivals * 1.4 / 60 + 1.3)
    new[:3] = NAN
    return arrivals, new, np.ceil(arrivals * 1.1 / 60 + 1.2)


#: What each figure is drawn from; after a colon, a variant of the same figure.
CASES = {
    "voting_time_ridges": ((_seconds(), MEDIANS), {"horizon_seconds": 300, "roles": ROLES}),
    "voting_time_ridges:two": (
        (dict(itertools.islice(_seconds().items(), 2)), MEDIANS),
        {"horizon_seconds": 180},
    ),
    "voting_time_ridges:many": (_many(), {"horizon_seconds": 300}),
    "quantile_effects": ((QUANTILES, RATIOS, LOWER, UPPER, (1.15, 1.09, 1.21)), BANDS),
    "quantile_effects:plain": ((QUANTILES, RATIOS, LOWER, UPPER), {}),
    "quantile_effects:dense": (_dense(), {}),
    "finished_by_clock": ((CURVES,), CLOCK),
    "finished_by_clock:elapsed": ((FOUR,), {"clock_origin_minutes": {"telling": NAN}}),
    "counting_rates": ((RATES, _medians(RATES)), {}),
    "counting_rates:plain": ((RATES[RATES["kind"] == "DSO, stembureau"],), {}),
    "counting_rates:unfinished": (
        (RATES.assign(finished=np.arange(len(RATES)) % 20 > 0), _medians(RATES)),
        {},
    ),
    "counting_rates:extreme": ((LONG, LONG_MEDIANS), {}),
    "booths_needed": ((ARRIVALS, BOOTHS_NEW, BOOTHS_OLD), LIMIT),
    "booths_needed:bounds": ((ARRIVALS, BOOTHS_NEW, BOOTHS_OLD), LIMIT | BOUNDS),
    "booths_needed:crowd": (_crowd(), {"max_wait_minutes": 2.5, "max_share": 0.025}),
    "booths_needed:one": (([80], [4], [3]), {"max_wait_minutes": 1, "max_share": 0.1}),
}

#: Pieces of the alternative text in Dutch and in English.
TEXTS = {
    "voting_time_ridges": (
        [
            "in 4 groepen, getekend tot 300 seconden",
            "zonder hulp (4.210 kiezers) mediaan 66 s (65 tot 68), 0,",
            "mediaan 144 s (124 tot ∞)",
            "mediaan niet gemeten",
        ],
        ["4,210 voters) median 66 s (65 to 68), 0.", "median not measured, 2.4% longer than 300 s"],
    ),
    "voting_time_ridges:two": (["% langer dan 180 s"], ["% longer than 180 s"]),
    "voting_time_ridges:many": (["1 kiezer)", "3,2 s (1,0 tot 9,0)"], ["1 voter)", "620.0 s"]),
    "quantile_effects": (
        ["50%: 1,14 (1,07 tot 1,21)", "95%: niet gemeten", "van 0,90 tot 1,51", "1,15 (1,09 tot"],
        ["50%: 1.14 (1.07 to 1.21)", "95%: not measured", "from 0.90 to 1.51", "is 1.15 (1.09 to"],
    ),
    "quantile_effects:plain": (["5%: 1,02 (0,94 tot 1,10)"], ["5%: 1.02 (0.94 to 1.10)"]),
    "quantile_effects:dense": (["90%: 1,55 (1,24 tot ∞)"], ["90%: 1.55 (1.24 to ∞)"]),
    "finished_by_clock": (
        [f"{DSO}: {NEW} helft klaar om 00:", "(01:20)", f"{CENTRAL}: {NEW} helft klaar om 1"],
        [f"{DSO}: {NEW} half finished at 00:", f"{OLD} half finished at 23:"],
    ),
    "finished_by_clock:elapsed": (
        ["a helft niet bereikt", "(1,0 uur) 30% klaar", "c helft klaar na 0,5 uur"],
        ["a half not reached", "(1.0 h) 30% finished", "c half finished after 0.5 h"],
    ),
    "counting_rates": (
        ["DSO, stembureau, nieuw (n = 12) 31,4 (28,3 tot 37,7)", "nieuw (n = 12) niet gemeten"],
        ["DSO, stembureau, new (n = 12) 31.4 (28.3 to 37.7)", "old (n = 150) 28.0 (25.2 to 33.6)"],
    ),
    "counting_rates:plain": (["oud (n = 150) 3"], ["old (n = 150) 3"]),
    "counting_rates:unfinished": (
        ["Van 25 tellingen is het eind niet waargenomen"],
        ["The end of 25 counts was not observed"],
    ),
    "counting_rates:extreme": (["5.000 (0 tot ∞)"], ["5,000 (0 to ∞)"]),
    "booths_needed": (
        ["hooguit 5% van de kiezers langer dan 5 minuten", "vanaf 40 kiezers nieuw 3 en oud 2;"],
        ["at most 5% of the voters wait longer than 5 minutes", "from 160 voters new 5 and old 5"],
    ),
    "booths_needed:bounds": (["vanaf 90 kiezers nieuw 4 en oud 3"], ["for 40 to 160 voters"]),
    "booths_needed:crowd": (
        ["hooguit 2,5% van de kiezers langer dan 2,5 minuten", "nieuw niet gemeten en oud 2"],
        ["at most 2.5% of the voters wait longer than 2.5 minutes", "new not measured and old 2"],
    ),
    "booths_needed:one": (["langer dan 1 minuut"], ["longer than 1 minute,"]),
}


def _draw(case: str, language: str = "nl") -> Figure:
    arguments, options = CASES[case]
    return getattr(figures, case.partition(":")[0])(*arguments, **options, language=language)


def _shown_texts(figure: Figure) -> list[Text]:
    """Return the texts that are drawn; ticks beyond the limits of an axis are not."""
    figure.canvas.draw()
    found = [t for legend in figure.legends for t in legend.get_texts()] + list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes.xaxis.label, axes.yaxis.label]
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            low, high = sorted(limits)
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            found += [t.label1 for t in ticks if low <= t.get_loc() <= high]
    return [t for t in found if t.get_visible() and t.get_text().strip()]


def _written(figure: Figure) -> str:
    return " | ".join(t.get_text().replace("\n", " ") for t in _shown_texts(figure))


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("case", CASES)
def test_every_text_is_whole_legible_and_apart(case, language):
    figure = _draw(case, language)
    assert figure.get_figwidth() == figures.WIDTH
    assert figure.get_figheight() <= 9.5
    texts = _shown_texts(figure)
    boxes = [text.get_window_extent() for text in texts]
    page = figure.bbox
    for text, box in zip(texts, boxes, strict=True):
        assert text.get_fontsize() >= 8, text.get_text()
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= page.x1, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.y1 <= page.y1, text.get_text()
    for (a, one), (b, other) in itertools.combinations(zip(texts, boxes, strict=True), 2):
        clear = one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0
        assert clear, (a.get_text(), b.get_text())


@pytest.mark.parametrize("case", CASES)
def test_the_drawing_fills_its_page(case):
    figure = _draw(case)
    figure.canvas.draw()
    inked = np.asarray(figure.canvas.buffer_rgba())[..., :3].min(axis=2).min(axis=1) < 250
    rows = np.flatnonzero(inked)
    assert rows[0] < 30
    assert rows[-1] > len(inked) - 30


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


@pytest.mark.parametrize("case", CASES)
def test_the_same_figure_gives_the_same_bytes(case, tmp_path):
    saved = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        figures.save(_draw(case), folder, "figure")
        saved.append([(folder / f"figure.{kind}").read_bytes() for kind in ("svg", "png")])
    assert saved[0] == saved[1]


def test_the_input_stays_as_it_was():
    seconds, rates = _seconds(), RATES.copy()
    figures.voting_time_ridges(seconds, MEDIANS, horizon_seconds=300)
    figures.counting_rates(rates, _medians(rates))
    assert all((seconds[k] == v).all() for k, v in _seconds().items())
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
    written = _written(_draw(case))
    for piece in pieces:
        assert piece in written


def test_differences_in_booths_are_written_only_where_there_is_one():
    labels = [t.get_text() for t in _draw("booths_needed").axes[0].texts]
    assert labels.count("+1") == int((BOOTHS_NEW != BOOTHS_OLD).sum())
    same = figures.booths_needed(ARRIVALS, BOOTHS_OLD, BOOTHS_OLD, **LIMIT)
    assert not any(t.get_text()[0] in "+−" for t in same.axes[0].texts)


def test_a_density_has_no_mass_below_zero_and_the_share_of_the_axis_as_its_area():
    figure = figures.voting_time_ridges(
        {"a": np.random.default_rng(4).lognormal(0, 1, 4000), "b": np.full(50, 6.0)},
        {"a": (1.0, 0.9, 1.1), "b": (6.0, 6.0, 6.0)},
        horizon_seconds=10,
    )
    first, second = (
        line.get_xydata() for line in figure.axes[0].lines if len(line.get_xdata()) > 9
    )
    assert first[:, 0].min() > 0
    areas = [(y - base).sum() for (_, y), base in ((first.T, 0), (second.T, -1))]
    # 98.9% of the first group and all of the second lie within ten seconds.
    assert areas[0] / areas[1] == pytest.approx(0.989, abs=0.02)


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
    written = _written(figures.finished_by_clock(curve))
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
        (lambda: figures.counting_rates(RATES, _medians(RATES)[1:]), "one row of medians, not 0"),
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
