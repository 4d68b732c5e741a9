"""The figure of the number of booths needed, by arrivals in the peak."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy

from ballot_eval.figures.base import (
    SMALL,
    WIDTH,
    FloatArray,
    check_bounds,
    in_language,
    new_axes,
    number_ticks,
    text_color,
    vectors,
)
from ballot_eval.figures.times import (
    STYLES,
    apart,
)
from ballot_eval.formatting import number, percent

_BOOTHS = {
    "nl": {
        "axis": "in de piek, kiezers per uur",
        "booths": "stemhokjes nodig zodat minder dan {share} van de kiezers\n"
        "langer dan {wait} wacht",
        "minute": "minuut",
        "minutes": "minuten",
        "new": "nieuw\nstembiljet",
        "old": "oud\nstembiljet",
        "alt": "Aantal stemhokjes dat nodig is zodat minder dan {share} van de kiezers langer dan "
        "{wait} wacht, bij {arrivals}: {each}.",
        "one": "{run} kiezers per uur in de piek",
        "many": "{n} aantallen kiezers per uur in de piek van {run}",
        "each": "bij {arrivals} {both}",
        "run": "{low} tot en met {high}",
        "both": "nieuw {new} en oud {old}",
    },
    "en": {
        "axis": "in the peak, voters per hour",
        "booths": "booths needed so that fewer than {share} of the voters\nwait longer than {wait}",
        "minute": "minute",
        "minutes": "minutes",
        "new": "new\nballot",
        "old": "old\nballot",
        "alt": "Number of booths needed so that fewer than {share} of the voters wait longer than "
        "{wait}, for {arrivals}: {each}.",
        "one": "{run} voters per hour in the peak",
        "many": "{n} numbers of voters per hour in the peak from {run}",
        "each": "for {arrivals} {both}",
        "run": "{low} to {high}",
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
    """Return the whole number of booths needed by arrivals in the peak, new and old.

    All vectors are (n,); ``arrivals_per_hour`` ascends, as voters per hour however long the peak
    lasts. Numbers of booths are whole, NaN where they are not known; bounds come as pairs. Fewer
    than ``max_share`` (a fraction) of the voters wait longer than ``max_wait_minutes``.
    Differences other than zero are written above the dots. Nothing is drawn between the arrivals
    asked for: no number of booths was computed there.
    """
    words = in_language(_BOOTHS, language)
    bounds = {"new": (lower_new, upper_new), "old": (lower_old, upper_old)}
    at, booths = _booth_values(arrivals_per_hour, booths_new, booths_old, bounds)
    figure, axes = new_axes(3.6)
    _draw_booths(figure, axes, at, booths)
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
    if all(np.isnan(value).all() for value, _, _ in made.values()):
        raise ValueError("there is no number of booths at all")
    return at, made


def _draw_booths(figure: Figure, axes: Axes, at: FloatArray, booths: _Booths) -> None:
    """Draw the dots of both ballots side by side, old left and new right of their arrivals."""
    distance = float(np.diff(at).min()) if len(at) > 1 else 1.0
    margin = max(0.6 * distance, 0.02 * float(np.ptp(at)))
    left, right = at[0] - margin, at[-1] + margin
    axes.set_xlim(left, right)
    # Points between two neighbours, on axes about as wide as two thirds of the page: a pair of
    # dots that touch must leave room beside it.
    room = distance / (right - left) * 0.68 * WIDTH * 72
    size = float(np.clip(0.38 * room, 2.2, 6))
    for side, role in ((-1, "old"), (1, "new")):
        color, _ = STYLES[role]
        value, low, high = booths[role]
        beside = offset_copy(axes.transData, figure, side * 0.6 * size, units="points")
        axes.vlines(at, low, high, color, linewidth=1.6, alpha=0.6, transform=beside)
        style: dict[str, Any] = {"color": color, "markersize": size, "zorder": 3}
        face = color if role == "new" else "white"
        axes.plot(at, value, "o", mfc=face, transform=beside, **style)


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
    drawn = {role: v[~np.isnan(v)] for role, (v, _, _) in booths.items() if not np.isnan(v).all()}
    ends = [float(known[-1]) for known in drawn.values()]
    top = axes.get_ylim()[1]
    for role, height in zip(drawn, apart(ends, 0.14 * top, 0.05 * top, 0.95 * top), strict=True):
        color, place = STYLES[role][0], axes.get_yaxis_transform()
        face = color if role == "new" else "white"
        key: dict[str, Any] = {"mfc": face, "clip_on": False, "transform": place}
        axes.plot(1.03, height, "o", color=color, markersize=6, **key)
        style: dict[str, Any] = {"va": "center", "fontsize": SMALL, "transform": place}
        axes.text(1.05, height, words[role], color=text_color(color), **style)


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
    pairs = np.column_stack([booths["new"][0], booths["old"][0]])
    same = (pairs[1:] == pairs[:-1]) | (np.isnan(pairs[1:]) & np.isnan(pairs[:-1]))
    each = []
    for run in np.split(np.arange(len(at)), np.flatnonzero(~same.all(axis=1)) + 1):
        new, old = (number(float(v), language=language) for v in pairs[run[0]])
        both = words["both"].format(new=new, old=old)
        here = _run_text(at[run], words, language)
        each.append(words["each"].format(arrivals=here, both=both) if len(at) > 1 else both)
    n, every = number(len(at), language=language), _run_text(at, words, language)
    arrivals = words["many" if len(at) > 1 else "one"].format(n=n, run=every)
    text = {"share": share, "wait": wait, "arrivals": arrivals, "each": "; ".join(each)}
    return words["alt"].format(**text)


def _run_text(at: FloatArray, words: Mapping[str, str], language: str) -> str:
    low, high = (number(float(x), language=language) for x in (at[0], at[-1]))
    return low if len(at) == 1 else words["run"].format(low=low, high=high)
