"""The figure of the number of booths needed, by arrivals in the busiest hour."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ballot_eval.figures.base import (
    SMALL,
    FloatArray,
    check_bounds,
    in_language,
    new_axes,
    number_ticks,
    vectors,
)
from ballot_eval.figures.times import (
    STYLES,
    apart,
)
from ballot_eval.formatting import number, percent

_BOOTHS = {
    "nl": {
        "axis": "kiezers per uur in het drukste uur",
        "booths": "stemhokjes nodig zodat hooguit {share} van de kiezers\nlanger dan {wait} wacht",
        "minute": "minuut",
        "minutes": "minuten",
        "new": "nieuw\nstembiljet",
        "old": "oud\nstembiljet",
        "alt": "Aantal stemhokjes dat nodig is zodat hooguit {share} van de kiezers langer dan "
        "{wait} wacht, bij {arrivals} kiezers in het drukste uur: {each}.",
        "range": "{low} tot {high}",
        "each": "vanaf {arrivals} kiezers {both}",
        "both": "nieuw {new} en oud {old}",
    },
    "en": {
        "axis": "voters per hour in the busiest hour",
        "booths": "booths needed so that at most {share} of the voters\nwait longer than {wait}",
        "minute": "minute",
        "minutes": "minutes",
        "new": "new\nballot",
        "old": "old\nballot",
        "alt": "Number of booths needed so that at most {share} of the voters wait longer than "
        "{wait}, for {arrivals} voters in the busiest hour: {each}.",
        "range": "{low} to {high}",
        "each": "from {arrivals} voters {both}",
        "both": "new {new} and old {old}",
    },
}


def booths_needed(
    arrivals_per_hour: npt.ArrayLike,
    booths_new: npt.ArrayLike,
    booths_old: npt.ArrayLike,
    *,
    max_wait_minutes: float,
    max_share: float,
    lower_new: npt.ArrayLike | None = None,
    upper_new: npt.ArrayLike | None = None,
    lower_old: npt.ArrayLike | None = None,
    upper_old: npt.ArrayLike | None = None,
    language: str = "nl",
) -> Figure:
    """Return the whole number of booths needed by arrivals in the busiest hour, new and old.

    All vectors are (n,); ``arrivals_per_hour`` ascends. Numbers of booths are whole, NaN where
    they are not known; bounds come as pairs. ``max_share`` (a fraction) of the voters may wait
    longer than ``max_wait_minutes``. Differences other than zero are written above the dots.
    """
    words = in_language(_BOOTHS, language)
    bounds = {"new": (lower_new, upper_new), "old": (lower_old, upper_old)}
    at, booths = _booth_values(arrivals_per_hour, booths_new, booths_old, bounds)
    figure, axes = new_axes(3.6)
    _draw_booths(axes, at, booths)
    highest = max(float(np.nanmax(np.r_[0, value, high])) for value, _, high in booths.values())
    axes.set_ylim(0, 1.12 * highest + 0.6)
    _label_differences(axes, at, booths)
    _label_ballots(axes, booths, words)
    axes.yaxis.set_major_locator(MaxNLocator(8, integer=True))
    if len(at) <= 8:
        axes.set_xticks(at)
    for axis in (axes.xaxis, axes.yaxis):
        number_ticks(axis, language)
    axes.set_xlabel(words["axis"])
    share, wait = _criterion(max_wait_minutes, max_share, words, language)
    criterion = words["booths"].format(share=share, wait=wait)
    axes.text(0, 1.03, criterion, transform=axes.transAxes, fontsize=9, va="bottom")
    return figure


_Booths = dict[str, tuple[FloatArray, FloatArray, FloatArray]]


def _booth_values(
    arrivals: npt.ArrayLike,
    new: npt.ArrayLike,
    old: npt.ArrayLike,
    bounds: Mapping[str, tuple[npt.ArrayLike | None, npt.ArrayLike | None]],
) -> tuple[FloatArray, _Booths]:
    """Return the arrivals, and per ballot the booths with their lower and upper bounds."""
    (at,) = vectors(arrivals_per_hour=arrivals)
    if (at < 0).any() or (np.diff(at) <= 0).any():
        raise ValueError("arrivals_per_hour must ascend from zero or more")
    made: _Booths = {}
    for role, values in (("new", new), ("old", old)):
        low, high = bounds[role]
        if (low is None) != (high is None):
            raise ValueError(f"lower_{role} and upper_{role} come as a pair")
        none = np.full(len(at), np.nan)
        _, value, below, above = vectors(
            missing=True,
            arrivals_per_hour=at,
            **{
                f"booths_{role}": values,
                f"lower_{role}": none if low is None else low,
                f"upper_{role}": none if high is None else high,
            },
        )
        for counts in (value, below, above):
            known = counts[~np.isnan(counts)]
            if np.isinf(known).any() or (known < 0).any() or (known % 1 != 0).any():
                raise ValueError(f"a number of booths ({role}) is not a whole number")
        check_bounds(below, value)
        check_bounds(value, above)
        made[role] = value, below, above
    if any(np.isnan(value).all() for value, _, _ in made.values()):
        raise ValueError("one of the ballots has no number of booths at all")
    return at, made


def _draw_booths(axes: Axes, at: FloatArray, booths: _Booths) -> None:
    """Draw steps through the numbers of both ballots, whose dots stand side by side."""
    distance = float(np.diff(at).min()) if len(at) > 1 else 1.0
    left, right = at[0] - 0.6 * distance, at[-1] + 0.6 * distance
    axes.set_xlim(left, right)
    size = float(np.clip(5 * distance / (right - left) * 30, 2.5, 6))
    for side, role in ((-1, "old"), (1, "new")):
        color, dashes = STYLES[role]
        value, low, high = booths[role]
        here = at + side * 0.13 * distance
        axes.plot(at, value, color=color, linestyle=dashes, linewidth=1, drawstyle="steps-mid")
        axes.vlines(here, low, high, color, linewidth=1.6, alpha=0.6)
        face = color if role == "new" else "white"
        axes.plot(here, value, "o", color=color, mfc=face, markersize=size, zorder=3)


def _criterion(
    wait: float, share: float, words: Mapping[str, str], language: str
) -> tuple[str, str]:
    if not 0 < share < 1:
        raise ValueError(f"max_share must lie between 0 and 1, not {share}")
    if not 0 <= wait < math.inf:
        raise ValueError(f"max_wait_minutes must be zero or more, not {wait}")
    digits = 0 if wait % 1 == 0 else 1
    minutes = words["minute" if wait == 1 else "minutes"]
    whole = 0 if math.isclose(share * 100, round(share * 100)) else 1
    return (
        percent(share, whole, language=language),
        f"{number(wait, digits, language=language)} {minutes}",
    )


def _label_differences(axes: Axes, at: FloatArray, booths: _Booths) -> None:
    """Write the differences that are not zero above the dots, one for a run where they crowd."""
    (new, _, new_high), (old, _, old_high) = booths["new"], booths["old"]
    tops = np.fmax(np.fmax(new, old), np.fmax(new_high, old_high))
    difference = new - old
    gap = 0.055 * float(np.ptp(axes.get_xlim()))
    crowded = len(at) > 1 and float(np.diff(at).min()) < gap
    changes = (np.diff(difference) != 0) | (np.diff(tops) != 0) | (not crowded)
    last, raised = -math.inf, False
    for run in np.split(np.arange(len(at)), np.flatnonzero(changes) + 1):
        x, value = float(at[run].mean()), float(difference[run[0]])
        if math.isnan(value) or value == 0:
            continue
        # Two runs too near each other have their labels on two lines.
        raised = x - last < gap and not raised
        last = x
        above: dict[str, Any] = {"xytext": (0, 16 if raised else 5), "textcoords": "offset points"}
        text = number(value, sign=True)
        axes.annotate(text, (x, tops[run[0]]), ha="center", va="bottom", fontsize=SMALL, **above)


def _label_ballots(axes: Axes, booths: _Booths, words: Mapping[str, str]) -> None:
    """Name both ballots beside their last dots."""
    ends = [float(v[~np.isnan(v)][-1]) for v, _, _ in booths.values()]
    top = axes.get_ylim()[1]
    for role, height in zip(booths, apart(ends, 0.14 * top, 0.05 * top, 0.95 * top), strict=True):
        color, place = STYLES[role][0], axes.get_yaxis_transform()
        face = color if role == "new" else "white"
        key: dict[str, Any] = {"mfc": face, "clip_on": False, "transform": place}
        axes.plot(1.03, height, "o", color=color, markersize=6, **key)
        style: dict[str, Any] = {"va": "center", "fontsize": SMALL, "transform": place}
        axes.text(1.05, height, words[role], color=color, **style)


def alt_text_booths_needed(
    arrivals_per_hour: npt.ArrayLike,
    booths_new: npt.ArrayLike,
    booths_old: npt.ArrayLike,
    *,
    max_wait_minutes: float,
    max_share: float,
    lower_new: npt.ArrayLike | None = None,
    upper_new: npt.ArrayLike | None = None,
    lower_old: npt.ArrayLike | None = None,
    upper_old: npt.ArrayLike | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`booths_needed`."""
    words = in_language(_BOOTHS, language)
    bounds = {"new": (lower_new, upper_new), "old": (lower_old, upper_old)}
    at, booths = _booth_values(arrivals_per_hour, booths_new, booths_old, bounds)
    share, wait = _criterion(max_wait_minutes, max_share, words, language)
    low, high = (number(float(x), language=language) for x in (at[0], at[-1]))
    each = []
    pairs = np.column_stack([at, booths["new"][0], booths["old"][0]])
    for i, (x, new, old) in enumerate(pairs.tolist()):
        if i and np.array_equal(pairs[i, 1:], pairs[i - 1, 1:], equal_nan=True):
            continue
        new_text, old_text = (number(v, language=language) for v in (new, old))
        both = words["both"].format(new=new_text, old=old_text)
        arrivals = number(x, language=language)
        each.append(words["each"].format(arrivals=arrivals, both=both) if len(at) > 1 else both)
    arrivals = words["range"].format(low=low, high=high) if len(at) > 1 else low
    text = {"share": share, "wait": wait, "arrivals": arrivals, "each": "; ".join(each)}
    return words["alt"].format(**text)
