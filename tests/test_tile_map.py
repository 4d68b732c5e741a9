"""The map of municipalities: tiles that look like the country, colours that tell rates apart."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection

from ballot_eval import figures
from ballot_eval.municipalities import load_municipalities, load_tiles, neighbours_of
from ballot_eval.reporting.drawings.map import map_figures
from figure_cases import words_in
from figure_map_cases import EXPERIMENT, map_rows

WADDEN_ISLANDS = ("0448", "0096", "0093", "0060", "0088")
CODES = {name: code for code, name in load_municipalities()["municipality_name"].items()}


def places():
    tiles = load_tiles()
    return pd.DataFrame(
        {"x": tiles["column"] + tiles["row"] % 2 / 2, "y": -tiles["row"] * 3**0.5 / 2}
    )


def apart(one, other):
    at = places()
    return float(np.hypot(*(at.loc[one] - at.loc[other])))


def tile_colors(figure):
    """Return the colour of each tile by code; tiles without a colour are left out."""
    drawn = {}
    at = places().to_numpy() * [1, -1]
    for collection in figure.axes[0].collections:
        if isinstance(collection, PolyCollection) and len(collection.get_facecolors()):
            for path, color in zip(
                collection.get_paths(), collection.get_facecolors(), strict=False
            ):
                middle = path.vertices[:6].mean(axis=0)
                tile = np.hypot(*(at - middle).T).argmin()
                drawn[load_tiles().index[tile]] = tuple(color)
    return drawn


def test_every_municipality_has_one_tile_and_every_tile_one_municipality():
    tiles = load_tiles()
    assert list(tiles.index) == list(load_municipalities().index)
    assert not tiles.duplicated().any()
    assert (tiles.min() >= 0).all()


def test_provinces_are_whole_but_for_the_wadden_islands():
    at = places().drop(index=list(WADDEN_ISLANDS))
    provinces = load_municipalities()["province"]
    for province, members in at.groupby(provinces.loc[at.index]):
        left, reached = set(members.index[1:]), [members.index[0]]
        while reached:
            near = np.hypot(*(members - members.loc[reached.pop()]).T.to_numpy()) < 1.01
            found = left.intersection(members.index[near])
            left -= found
            reached += found
        assert not left, (province, left)


def test_neighbours_lie_as_near_each_other_as_the_sources_say():
    at = places()
    pairs = [(a, b) for a in at.index for b in neighbours_of([a]) if a < b]
    one, other = (at.loc[[pair[k] for pair in pairs]].to_numpy() for k in (0, 1))
    away = np.hypot(*(one - other).T)
    assert (away < 1.01).mean() >= 0.749
    assert (away < 2.01).mean() >= 0.978
    assert away.max() < 3.01


def test_there_is_no_hole_in_the_land():
    at = places()
    steps = [(1, 0), (0.5, 3**0.5 / 2), (-0.5, 3**0.5 / 2)]
    beside = {(s * x, s * y) for x, y in steps for s in (1, -1)}
    held = {(round(2 * x), round(y, 3)) for x, y in at.to_numpy()}
    empty = {(round(2 * (x + p)), round(y + q, 3)) for x, y in at.to_numpy() for p, q in beside}
    for x, y in empty - held:
        filled = [(round(x + 2 * p), round(y + q, 3)) in held for p, q in beside]
        assert not all(filled), (x, y)


def test_islands_lie_at_sea_from_west_to_east():
    at = places()
    islands = at.loc[list(WADDEN_ISLANDS)]
    assert islands["x"].is_monotonic_increasing
    mainland = at.drop(index=islands.index)
    for code, place in islands.iterrows():
        assert np.hypot(*(mainland - place).T.to_numpy()).min() > 1.01, code
    frisian = mainland[load_municipalities()["province"].loc[mainland.index] == "Friesland"]
    assert islands.loc[["0093", "0060", "0088"], "y"].min() > frisian["y"].max()


@pytest.mark.parametrize(
    ("west", "east"),
    [
        ("Sluis", "Hulst"),
        ("Middelburg", "Reimerswaal"),
        ("'s-Gravenhage", "Utrecht"),
        ("Amsterdam", "Enschede"),
        ("Den Helder", "Leeuwarden"),
        ("Tilburg", "Venlo"),
    ],
)
def test_west_is_left_of_east(west, east):
    at = places()
    assert at["x"][CODES[west]] + 1 < at["x"][CODES[east]]


@pytest.mark.parametrize(
    ("north", "south"),
    [
        ("Groningen", "Assen"),
        ("Assen", "Emmen"),
        ("Alkmaar", "Amsterdam"),
        ("Rotterdam", "Breda"),
        ("Nijmegen", "Venlo"),
        ("Venlo", "Maastricht"),
        ("Schouwen-Duiveland", "Borsele"),
        ("Borsele", "Terneuzen"),
    ],
)
def test_north_is_above_south(north, south):
    at = places()
    assert at["y"][CODES[north]] > at["y"][CODES[south]] + 0.5


def test_a_tile_is_darker_where_the_rate_is_higher_in_steps_that_print_in_grey():
    rows = map_rows()
    colors = tile_colors(figures.tile_map(rows))
    assert len(colors) == 342
    grey = {code: np.dot(color[:3], [0.299, 0.587, 0.114]) for code, color in colors.items()}
    ordered = rows.sort_values("rate")["municipality_code"].map(grey).to_numpy()
    assert (np.diff(ordered) <= 0).all()
    levels = np.unique(ordered)
    assert len(levels) == 6
    assert np.diff(levels).min() > 0.06


def test_classes_are_round_and_count_every_municipality():
    rows = map_rows()
    rows["rate"] = 0.0015
    rows.loc[:99, "rate"] = 0.004
    written = words_in(figures.tile_map(rows))
    assert "0,3% tot 0,4% (0)" in written
    assert "0,4% tot 0,5% (100)" in written
    assert "0,1% tot 0,2% (242)" in written
    assert "geen gegevens" not in written
    rows["rate"] *= 10
    rows.loc[:4, "rate"] = np.nan
    written = words_in(figures.tile_map(rows, language="en"))
    assert "4% to 5% (95)" in written
    assert "no data (5)" in written


def test_experiment_municipalities_are_numbered_by_rate_and_named():
    figure = figures.tile_map(map_rows())
    order = sorted(EXPERIMENT, key=EXPERIMENT.get, reverse=True)
    at = places() * [1, -1]
    numbers = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert numbers.keys() == {str(k) for k in range(1, 12)}
    for place, code in enumerate(order, 1):
        assert numbers[str(place)] == pytest.approx(tuple(at.loc[code]))
    names = load_municipalities()["municipality_name"]
    listed = words_in(figure)
    found = [listed.index(f"{names[code]} 0,") for code in order]
    assert found == sorted(found)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_legend_stays_in_the_sea(language):
    rows = map_rows()
    rows.loc[rows["municipality_code"] == "0482", "role"] = "experiment"
    rows.loc[3, "rate"] = np.nan
    figure = figures.tile_map(rows, language=language)
    figure.canvas.draw()
    land, sea = figure.axes
    tiles = land.transData.transform(places().to_numpy() * [1, -1])
    size = np.ptp(land.transData.transform([(0, 0), (1, 0)])[:, 0]) / 2
    assert sum(t.get_text().isdigit() for t in sea.texts) == 12
    for text in sea.texts:
        box = text.get_window_extent().padded(size)
        inside = (tiles > [box.x0, box.y0]) & (tiles < [box.x1, box.y1])
        assert not inside.all(axis=1).any(), text.get_text()


def test_more_experiment_municipalities_than_there_is_sea_are_outlined_not_listed():
    figure = figures.tile_map(map_rows().assign(role="experiment"))
    assert len(figure.axes[0].texts) == 12
    outlines = [c for c in figure.axes[0].collections if not len(c.get_facecolors())]
    assert max(len(c.get_paths()) for c in outlines) == 342


def test_without_experiment_municipalities_there_is_still_a_map():
    rows = map_rows().assign(role="control")
    assert "experimentgemeenten" not in words_in(figures.tile_map(rows))
    assert "Omlijnd" not in figures.alt_text_tile_map(rows)


def outcome_of(codes, votes=1000):
    counts = pd.DataFrame(
        {
            "numerator": 3,
            "denominator": votes,
            "role": "control",
            "municipality_name": "'s-Hertogenbosch",
        },
        index=pd.Index(codes, name="municipality_code"),
    )
    panel = SimpleNamespace(counts=lambda *_: counts)
    return SimpleNamespace(study=SimpleNamespace(election="GR2026"), panel=panel)


def test_the_report_draws_municipalities_that_voted():
    ((rates,), options) = map_figures(outcome_of(["0796", "0147"], [1000, 0]))["tile_map"]
    assert not options
    assert rates.to_dict("list") == {
        "municipality_code": ["0796"],
        "municipality_name": ["’s-Hertogenbosch"],
        "role": ["control"],
        "rate": [0.003],
    }


def test_the_report_has_no_map_of_an_election_with_other_municipalities():
    assert map_figures(outcome_of(["0147", "0756"])) == {}
    assert map_figures(outcome_of(["0147"], votes=0)) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop(columns="role"), "lack the column role"),
        (lambda d: pd.concat([d, d.head(1)]), "given twice: 0014"),
        (lambda d: d.assign(municipality_code="9" + d["municipality_code"]), "code of 2025: 90014"),
        (lambda d: d.assign(rate=np.nan), "no municipality has a rate"),
        (lambda d: d.assign(rate=0.4 + d["rate"].rank() / 100), "must be fractions"),
    ],
)
def test_rates_that_cannot_be_drawn_are_refused(change, message):
    for function, language in itertools.product(
        (figures.tile_map, figures.alt_text_tile_map), ("nl", "en")
    ):
        with pytest.raises(ValueError, match=message):
            function(change(map_rows()), language=language)
