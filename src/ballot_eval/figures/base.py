"""What every figure shares: colours, axes, numbers on axes, input checks and saving."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter
from matplotlib.typing import ColorType

from ballot_eval.formatting import interval, number, percent, points

FloatArray = npt.NDArray[np.float64]
Word = TypeVar("Word")

#: Okabe–Ito: told apart by colour-blind readers, and by lightness in grey print.
BLUE, ORANGE, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
GREY, PALE = "#8C8C8C", "#EBEBEB"

#: Text in the colour of a mark is darker, for a contrast of 4.5 with the white behind it.
_TEXT_COLORS = {ORANGE: "#B84F00", GREEN: "#007A59", GREY: "#6B6B6B"}

#: Inches; the width of the text on an A4 page.
WIDTH = 6.3

#: Points; the smallest text in any figure.
SMALL = 8


def in_language(words: Mapping[str, Word], language: str) -> Word:
    """Return the entry of ``words`` in a language; a ValueError names the languages there are."""
    if language not in words:
        raise ValueError(f"language must be one of {', '.join(words)}, not {language!r}")
    return words[language]


#: What votes are counted, by outcome.
KINDS = {
    "nl": {
        "invalid": "ongeldige stemmen",
        "blank": "blanco stemmen",
        "residual": "ongeldige en blanco stemmen samen",
    },
    "en": {
        "invalid": "invalid votes",
        "blank": "blank votes",
        "residual": "invalid and blank votes together",
    },
}


def words_for(words: Mapping[str, Mapping[str, str]], language: str, kind: str) -> dict[str, str]:
    """Return the words of a language with ``{kind}`` filled in for an outcome.

    Raises ValueError for another language or outcome than there are.
    """
    chosen = in_language(words, language)
    if kind not in KINDS[language]:
        raise ValueError(f"kind must be one of {', '.join(KINDS[language])}, not {kind!r}")
    return {k: v.replace("{kind}", KINDS[language][kind]) for k, v in chosen.items()}


def text_color(color: str) -> str:
    """Return the colour of text that belongs to a mark of ``color``."""
    return _TEXT_COLORS.get(color, color)


def ink_on(color: ColorType) -> str:
    """Return white where it has a contrast of 4.5 with ``color``, otherwise black."""
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "white" if 1.05 / (linear @ (0.2126, 0.7152, 0.0722) + 0.05) >= 4.5 else "black"


def new_figure(height: float) -> Figure:
    """Return an empty figure as wide as the text, ``height`` in inches."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_axes(height: float) -> tuple[Figure, Axes]:
    """Return a figure with one bare pair of axes."""
    figure = new_figure(height)
    axes = figure.add_subplot()
    open_frame(axes)
    return figure, axes


def open_frame(axes: Axes) -> None:
    """Leave only the left and the lower line of the frame, with labels that leave it room."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9)


def top_legend(figure: Figure, *axes: Axes, columns: int = 2) -> None:
    """Put one legend of all ``axes`` above them, where it covers no data."""
    pairs = [p for a in axes for p in zip(*a.get_legend_handles_labels(), strict=True)]
    handles, labels = [h for h, _ in pairs], [label for _, label in pairs]
    style = {"frameon": False, "fontsize": SMALL}
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, **style)


class NumberFormatter(Formatter):
    """Ticks in a language, all with the fewest decimals that tell them apart."""

    def __init__(self, write: Callable[[float, int], str], scale: float) -> None:
        self._write, self._scale, self._digits = write, scale, 0

    def set_locs(self, locs: Sequence[float]) -> None:
        """Take the ticks' places, from which the decimals follow."""
        scaled = np.asarray(locs, dtype=float) * self._scale
        exact = (d for d in range(7) if np.allclose(np.round(scaled, d), scaled, 0, 1e-9))
        self._digits = next(exact, 6)

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002
        """Return the text of one tick."""
        return self._write(x, self._digits)


def percent_ticks(axis: Axis, language: str) -> None:
    """Write the ticks of an axis of fractions as percentages."""
    write = NumberFormatter(lambda v, d: percent(v, d, language=language), 100)
    axis.set_major_formatter(write)


def points_ticks(axis: Axis, language: str, *, sign: bool = True) -> None:
    """Write the ticks of an axis of differences of fractions in percentage points."""

    def write(value: float, digits: int) -> str:
        return points(value, digits, language=language, sign=sign, unit=False)

    axis.set_major_formatter(NumberFormatter(write, 100))


def number_ticks(axis: Axis, language: str) -> None:
    """Write the ticks of an axis as plain numbers."""
    axis.set_major_formatter(NumberFormatter(lambda v, d: number(v, d, language=language), 1))


def limits(lower: float, upper: float, language: str) -> str:
    """Return an interval of differences in percentage points, without the unit."""
    return interval(lower, upper, percent_sign=False, sign=True, language=language)


def estimate_texts(
    estimates: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike, language: str
) -> list[str]:
    """Return effects with intervals in percentage points: ``+0,12 (−0,05 tot +0,30)``."""
    texts = []
    rows = np.column_stack([np.asarray(v, dtype=float) for v in (estimates, lower, upper)])
    for estimate, low, high in rows.tolist():
        text = points(estimate, language=language, unit=False)
        if not any(map(math.isnan, (estimate, low, high))):
            text += f" ({limits(low, high, language)})"
        texts.append(text)
    return texts


def wrapped(text: str, width: int = 30) -> str:
    """Return a label broken between words, so that it leaves room for the marks."""
    return "\n".join(textwrap.wrap(text, width)) or text


def vectors(*, missing: bool = False, **named: npt.ArrayLike) -> list[FloatArray]:
    """Return the named input as vectors of one length.

    Raises ValueError for no values at all, unequal lengths, more than one dimension, and, unless
    ``missing``, for a value that is not finite.
    """
    made = {name: np.asarray(values, dtype=float) for name, values in named.items()}
    for name, values in made.items():
        if values.ndim != 1 or not len(values):
            raise ValueError(f"{name} must be a vector with at least one value")
        if not missing and not np.isfinite(values).all():
            raise ValueError(f"{name} has a value that is not a finite number")
    if len({len(values) for values in made.values()}) > 1:
        sizes = ", ".join(f"{name} {len(values)}" for name, values in made.items())
        raise ValueError(f"the vectors differ in length: {sizes}")
    return list(made.values())


def check_bounds(lower: FloatArray, upper: FloatArray) -> None:
    """Raise ValueError where a lower bound lies above its upper bound."""
    wrong = np.flatnonzero(lower > upper)
    if len(wrong):
        raise ValueError(f"the lower bound lies above the upper bound in row {wrong[0]}")


def need_columns(frame: pd.DataFrame, columns: Sequence[str], name: str = "the rows") -> None:
    """Raise ValueError for columns that a frame, called ``name`` in the message, lacks."""
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise ValueError(f"{name} lack the column {', '.join(absent)}")


def need_groups(frame: pd.DataFrame, groups: Collection[str], place: str) -> None:
    """Raise ValueError for another ``unit`` than ``groups``, and for one twice at a ``place``."""
    unknown = sorted(set(frame["unit"]) - set(groups))
    if unknown:
        raise ValueError(f"a unit must be {' or '.join(groups)}, not {', '.join(unknown)}")
    if frame.duplicated([place, "unit"]).any():
        raise ValueError(f"a group is given twice at a {place}")


def checked_rows(rows: pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    """Return rows of estimates, renumbered, after a look at the columns and the bounds.

    Raises ValueError for an absent column, no rows, no estimate at all, crossed bounds, and for
    anything but one primary row.
    """
    need_columns(rows, needed)
    if not np.isfinite(rows["estimate"].to_numpy(float)).any():
        raise ValueError("no row has an estimate")
    check_bounds(rows["ci_lower"].to_numpy(float), rows["ci_upper"].to_numpy(float))
    if rows["primary"].sum() != 1:
        raise ValueError(f"one row must be primary, not {rows['primary'].sum()}")
    return rows.reset_index(drop=True)


def span(*values: FloatArray, margin: float = 0.05) -> tuple[float, float]:
    """Return axis limits around zero and all finite values."""
    finite = np.concatenate([[0.0], *(v[np.isfinite(v)] for v in values)])
    pad = margin * (np.ptp(finite) or 1e-4)
    return float(finite.min() - pad), float(finite.max() + pad)


def horizontal_intervals(
    axes: Axes, at: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike, color: str
) -> None:
    """Draw one or more intervals; one that runs beyond the x-limits ends in an arrow there.

    An interval of which a bound is NaN is left out.
    """
    rows = np.column_stack([np.atleast_1d(np.asarray(v, dtype=float)) for v in (at, lower, upper)])
    height, low, high = rows[~np.isnan(rows).any(axis=1)].T
    if not len(height):
        return
    left, right = axes.get_xlim()
    axes.hlines(height, np.clip(low, left, right), np.clip(high, left, right), color, linewidth=2)
    for edge, marker, beyond in ((left, "<", low < left), (right, ">", high > right)):
        # An empty set of marks that is not clipped would upset the layout.
        if beyond.any():
            ends = np.full(beyond.sum(), edge)
            axes.plot(ends, height[beyond], marker, color=color, clip_on=False)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write ``name.svg`` and ``name.png``, the same bytes for the same figure.

    The layout is made once, for both files, and stays as it is.
    """
    with mpl.rc_context({"svg.hashsalt": name}):
        figure.savefig(folder / f"{name}.svg", dpi=200, metadata={"Date": None})
    figure.set_layout_engine("none")
    figure.savefig(folder / f"{name}.png", dpi=200, metadata={"Software": None})
