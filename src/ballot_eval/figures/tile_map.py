"""The map of rates by municipality: a hexagon each, so that small ones count as much as large."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from ballot_eval.figures.base import (
    BLACK,
    GREY,
    SMALL,
    WIDTH,
    FloatArray,
    need_columns,
    new_figure,
    words_for,
)
from ballot_eval.formatting import number, percent
from ballot_eval.municipalities import load_municipalities, load_tiles

_WORDS = {
    "nl": {
        "classes": "aandeel {kind}\n(aantal gemeenten)",
        "first": "minder dan {high}",
        "between": "{low} tot {high}",
        "last": "{low} of meer",
        "absent": "geen gegevens",
        "experiment": "experimentgemeenten",
        "alt": "Kaart van Nederland met een zeshoek per gemeente, donkerder naarmate het aandeel "
        "{kind} groter is. Het aandeel loopt van {low} ({lowest}) tot {high} ({highest}), met een "
        "mediaan van {median}. De mediaan per provincie loopt van {province_low} "
        "({province_lowest}) tot {province_high} ({province_highest}).",
        "each": " Omlijnd zijn de experimentgemeenten, van hoog naar laag met hun plaats onder "
        "{count} gemeenten: {each}.",
        "one": "{name} {rate} (plaats {place})",
        "without": " Zonder gegevens: {count}.",
    },
    "en": {
        "classes": "share of {kind}\n(number of municipalities)",
        "first": "less than {high}",
        "between": "{low} to {high}",
        "last": "{low} or more",
        "absent": "no data",
        "experiment": "experiment municipalities",
        "alt": "Map of the Netherlands with a hexagon per municipality, darker where the share of "
        "{kind} is larger. The share runs from {low} ({lowest}) to {high} ({highest}), with a "
        "median of {median}. The median per province runs from {province_low} "
        "({province_lowest}) to {province_high} ({province_highest}).",
        "each": " The experiment municipalities are outlined, from high to low with their place "
        "among {count} municipalities: {each}.",
        "one": "{name} {rate} (place {place})",
        "without": " Without data: {count}.",
    },
}

_COLUMNS = ("municipality_code", "municipality_name", "role", "rate")

#: Classes of equal width, and one more for all above them.
EQUAL = 5

#: The share of municipalities that the classes of equal width hold at least.
HELD = 0.95

#: Light to dark, told apart by colour-blind readers and in grey print.
COLORS = mpl.colormaps["YlGnBu"](np.linspace(0.15, 1, EQUAL + 1))

#: Height of a row of hexagons whose centres are 1 apart, and from a centre to a corner.
ROW, CORNER = math.sqrt(3) / 2, 1 / math.sqrt(3)

#: Inches around the map.
MARGIN = 0.05

#: Inches from line to line in the legend, and from its left to its words.
LINE, INDENT = 0.16, 0.24

#: Points; a little more than in other figures, because the map is tall and shrinks much on a phone.
LETTERS = SMALL + 0.5

#: The sea has room for this many experiment municipalities; more are outlined, not numbered.
LISTED = 12


@dataclass(frozen=True, slots=True)
class _Map:
    """Tiles with their rates (NaN where there is none), and the classes that give the colours."""

    tiles: pd.DataFrame
    step: float

    @property
    def classes(self) -> npt.NDArray[np.intp]:
        """The class of each tile, from 0; of one without a rate it means nothing."""
        # A rate on a limit belongs to the class above it, whatever the last bit of the division.
        exact = np.floor(self.tiles["rate"].fillna(0).to_numpy(float) / self.step + 1e-9)
        classes: npt.NDArray[np.intp] = np.clip(exact, 0, EQUAL).astype(np.intp)
        return classes

    @property
    def centres(self) -> FloatArray:
        """Where the tiles lie (n, 2), x to the east and y to the south."""
        row, column = (self.tiles[c].to_numpy(float) for c in ("row", "column"))
        return np.column_stack([column + row % 2 / 2, row * ROW])

    @property
    def experiment(self) -> pd.DataFrame:
        """The experiment municipalities with a rate, the highest first."""
        rows = self.tiles[(self.tiles["role"] == "experiment") & self.tiles["rate"].notna()]
        return rows.sort_values("rate", ascending=False, kind="stable")


def tile_map(rates: pd.DataFrame, *, kind: str = "invalid", language: str = "nl") -> Figure:
    """Return a map of the Netherlands with a tile per municipality, coloured by its rate.

    ``rates`` has a row per municipality of 2025: ``municipality_code``, ``municipality_name``,
    ``role`` (those of ``experiment`` are outlined, numbered and listed) and ``rate``, a fraction.
    A municipality without a row or with NaN is hatched.

    The classes are equally wide with round limits, so that a class more always means as much more;
    quantiles would make chance differences between ordinary municipalities look as large as those
    at the top. The last class is open, so that one extreme municipality does not make all others
    pale.

    Raises ValueError for absent columns, a code twice or not of 2025, no rate at all, and rates
    that are no fractions.
    """
    words, drawn = words_for(_WORDS, language, kind), _checked(rates)
    low, high = drawn.centres.min(axis=0), drawn.centres.max(axis=0)
    across, down = high - low + [1, 2 * CORNER]
    tile = (WIDTH - 2 * MARGIN) / across
    figure = new_figure(tile * down + 2 * MARGIN)
    # The map fills the page: there is nothing to lay out.
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    edge = MARGIN / tile
    left, right = low[0] - 0.5 - edge, high[0] + 0.5 + edge
    # Rows count southwards.
    bottom, top = high[1] + CORNER + edge, low[1] - CORNER - edge
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    axes.set_axis_off()
    shapes, known = _hexagons(drawn.centres), drawn.tiles["rate"].notna().to_numpy(bool)
    axes.add_collection(_filled(shapes[known], COLORS[drawn.classes[known]]))
    if not known.all():
        axes.add_collection(_hatched(shapes[~known]))
    _draw_provinces(axes, drawn)
    _mark_experiment(axes, drawn)
    _legend(figure, drawn, words, language)
    return figure


def _checked(rates: pd.DataFrame) -> _Map:
    need_columns(rates, _COLUMNS)
    codes = rates["municipality_code"]
    if codes.duplicated().any():
        raise ValueError(f"a municipality is given twice: {codes[codes.duplicated()].iloc[0]}")
    tiles = load_tiles()
    if unknown := sorted(set(codes) - set(tiles.index)):
        raise ValueError(f"not a municipality code of 2025: {', '.join(unknown)}")
    known = rates["rate"].dropna()
    if known.empty:
        raise ValueError("no municipality has a rate")
    if not known.between(0, 1).all():
        raise ValueError("the rates must be fractions")
    facts = load_municipalities()[["municipality_name", "province"]]
    given = rates.set_index("municipality_code")[["municipality_name", "role", "rate"]]
    tiles = tiles.join(facts["province"]).join(given)
    return _Map(tiles, _step(float(known.quantile(HELD)) / EQUAL))


def _step(least: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(max(least, 1e-4)))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= least * (1 - 1e-9))


def _hexagons(centres: FloatArray, size: float = 1.0) -> FloatArray:
    """Return the corners (n, 6, 2) of hexagons that stand on a corner."""
    angle = np.pi / 6 + np.arange(6) * np.pi / 3
    corners = np.column_stack([np.cos(angle), np.sin(angle)]) * CORNER * size
    made: FloatArray = centres[:, None] + corners
    return made


def _filled(shapes: FloatArray, colors: Sequence[ColorType] | FloatArray) -> PolyCollection:
    return PolyCollection(list(shapes), facecolors=colors, edgecolors="white", linewidths=0.7)


def _hatched(shapes: FloatArray) -> PolyCollection:
    style: dict[str, Any] = {"facecolors": "white", "edgecolors": GREY, "linewidths": 0.4}
    return PolyCollection(list(shapes), hatch="/////", **style)


def _draw_provinces(axes: Axes, drawn: _Map) -> None:
    """Draw a line where two tiles that touch are of different provinces."""
    centres, provinces = drawn.centres, drawn.tiles["province"].to_numpy()
    lines = []
    for i, shape in enumerate(_hexagons(centres)):
        apart = np.hypot(*(centres - centres[i]).T)
        for j in np.flatnonzero((apart < 1.01) & (provinces != provinces[i])):
            if j > i:
                # The edge in common is that of the two corners nearest to the other's centre.
                near = np.argsort(np.hypot(*(shape - centres[j]).T))[:2]
                lines.append(shape[near])
    axes.add_collection(LineCollection(lines, colors="#404040", linewidths=1.1, capstyle="round"))


def _mark_experiment(axes: Axes, drawn: _Map) -> None:
    at = drawn.tiles.index.get_indexer(drawn.experiment.index)
    shapes = list(_hexagons(drawn.centres[at], 0.96))
    # A white line around the black one sets it off from a dark tile.
    for color, width in (("white", 3.6), (BLACK, 1.8)):
        style: dict[str, Any] = {"facecolors": "none", "edgecolors": color, "linewidths": width}
        axes.add_collection(PolyCollection(shapes, zorder=4, **style))
    for place, k in enumerate(at[:LISTED], 1):
        behind = COLORS[drawn.classes[k]]
        # Perceived brightness of red, green and blue.
        color = BLACK if behind[:3] @ [0.299, 0.587, 0.114] > 0.55 else "white"
        _write(axes, drawn.centres[k], f"{place}", color=color, ha="center", weight="bold")


def _legend(figure: Figure, drawn: _Map, words: dict[str, str], language: str) -> None:
    """Write the classes below left and the experiment municipalities above left, in the sea."""
    sea, height = figure.add_axes((0, 0, 1, 1)), figure.get_figheight()
    sea.set(xlim=(0, WIDTH), ylim=(0, height), xticks=[], yticks=[])
    sea.set_axis_off()
    known = drawn.tiles["rate"].notna()
    counts = np.bincount(drawn.classes[known], minlength=EQUAL + 1)
    labels = _class_labels(drawn.step, words, language)
    # From below: what has no rate, then the classes from low to high, then what they are.
    entries = [] if known.all() else [(f"{words['absent']} ({(~known).sum()})", None)]
    entries += [(f"{t} ({n})", c) for t, n, c in zip(labels, counts, COLORS, strict=True)]
    for line, (label, color) in enumerate(entries):
        at = MARGIN + (line + 0.5) * LINE
        shape = _hexagons(np.array([[MARGIN + 0.07, at]]), 0.14)
        sea.add_collection(_hatched(shape) if color is None else _filled(shape, [color]))
        _write(sea, (MARGIN + INDENT, at), label)
    _write(sea, (MARGIN, MARGIN + (len(entries) + 1) * LINE), words["classes"])
    rows, top = drawn.experiment.head(LISTED), height - MARGIN - LINE / 2
    if len(rows):
        _write(sea, (MARGIN, top), words["experiment"])
    pairs = zip(rows["municipality_name"], rows["rate"], strict=True)
    for place, (name, rate) in enumerate(pairs, 1):
        at = top - place * LINE
        _write(sea, (MARGIN, at), f"{place}", weight="bold")
        _write(sea, (MARGIN + INDENT, at), f"{name} {percent(rate, language=language)}")


def _write(axes: Axes, at: Sequence[float] | FloatArray, text: str, **style: Any) -> None:
    """Write text with its middle at the height of a place, to the right of it if not said."""
    axes.text(at[0], at[1], text, va="center", fontsize=LETTERS, zorder=5, **style)


def _class_labels(step: float, words: dict[str, str], language: str) -> list[str]:
    """Return what the classes hold, from low to high, with as many decimals as their width has."""
    digits = max(0, -math.floor(math.log10(step * 100) + 1e-9))
    at = [percent(k * step, digits, language=language) for k in range(EQUAL + 1)]
    between = [words["between"].format(low=a, high=b) for a, b in itertools.pairwise(at[1:])]
    return [words["first"].format(high=at[1]), *between, words["last"].format(low=at[-1])]


def alt_text_tile_map(rates: pd.DataFrame, *, kind: str = "invalid", language: str = "nl") -> str:
    """Return the alternative text of :func:`tile_map`."""
    words, drawn = words_for(_WORDS, language, kind), _checked(rates)
    tiles = drawn.tiles.dropna(subset="rate")
    ordered = tiles.sort_values("rate", kind="stable")
    provinces = tiles.groupby("province")["rate"].median().sort_values(kind="stable")
    ends = {
        "low": ordered["rate"].iloc[0],
        "high": ordered["rate"].iloc[-1],
        "median": tiles["rate"].median(),
        "province_low": provinces.iloc[0],
        "province_high": provinces.iloc[-1],
    }
    text = words["alt"].format(
        lowest=_named(ordered, ends["low"]),
        highest=_named(ordered, ends["high"]),
        province_lowest=provinces.index[0],
        province_highest=provinces.index[-1],
        **{name: percent(float(rate), language=language) for name, rate in ends.items()},
    )
    rows = drawn.experiment
    places = tiles["rate"].rank(ascending=False, method="min")
    each = [
        words["one"].format(
            name=name, rate=percent(rate, language=language), place=int(places[code])
        )
        for code, name, rate in zip(
            rows.index, rows["municipality_name"], rows["rate"], strict=True
        )
    ]
    if each:
        count = number(len(tiles), language=language)
        text += words["each"].format(count=count, each="; ".join(each))
    if absent := len(drawn.tiles) - len(tiles):
        text += words["without"].format(count=number(absent, language=language))
    return text


def _named(tiles: pd.DataFrame, rate: float) -> str:
    """Return the names of those with a rate; of two or more with the same, all."""
    return ", ".join(tiles.loc[tiles["rate"] == rate, "municipality_name"])
