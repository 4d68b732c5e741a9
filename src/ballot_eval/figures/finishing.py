"""The figure of the share of counts that are finished, by time.

A share is a fraction; a moment is a number of minutes since the origin of its panel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    GREY,
    PALE,
    SMALL,
    FloatArray,
    check_bounds,
    in_language,
    new_figure,
    open_frame,
    percent_ticks,
    text_color,
    vectors,
    wrapped,
)
from ballot_eval.figures.times import (
    STYLES,
    apart,
    checked_roles,
)
from ballot_eval.formatting import number, percent

#: Minutes after midnight at which the polls close.
POLLS_CLOSE = 21 * 60
DAY = 24 * 60

#: Minutes, share finished, lower and upper bound.
Curve = tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike, npt.ArrayLike]

_FINISHED = {
    "nl": {
        "share": "aandeel klaar",
        "clock": "kloktijd",
        "elapsed": "uren na het begin van de telling",
        "midnight": "middernacht",
        "half": "helft klaar {at}",
        "never": "helft niet bereikt",
        "at_clock": "om {time}",
        "at_elapsed": "na {time} uur",
        "alt": "Trapgrafiek van het aandeel tellingen dat klaar is, naar de tijd. {panels}.",
        "each": "{label} {half}, aan het eind van de waarneming ({end}) {share} klaar",
    },
    "en": {
        "share": "share finished",
        "clock": "clock time",
        "elapsed": "hours since the count began",
        "midnight": "midnight",
        "half": "half finished {at}",
        "never": "half not reached",
        "at_clock": "at {time}",
        "at_elapsed": "after {time} h",
        "alt": "Step chart of the share of counts that are finished, by time. {panels}.",
        "each": "{label} {half}, at the end of the observation ({end}) {share} finished",
    },
}


class _Curve(NamedTuple):
    label: str
    minutes: FloatArray
    share: FloatArray
    lower: FloatArray
    upper: FloatArray
    censored: FloatArray


def finished_by_clock(
    curves: Mapping[str, Mapping[str, Curve]],
    *,
    roles: Mapping[str, str] | None = None,
    clock_origin_minutes: Mapping[str, float] | None = None,
    origin_labels: Mapping[str, str] | None = None,
    censored: Mapping[str, Mapping[str, npt.ArrayLike]] | None = None,
    language: str = "nl",
) -> Figure:
    """Return the share of counts that are finished against the clock, a panel per kind of count.

    ``curves`` maps a panel to its curves by label: minutes since the origin of the panel (n,),
    ascending from 0 or more, the share finished (n,), never falling, and its bounds (n,), NaN
    where there are none. The band has a gap there, up to the next minute with both bounds, so that
    a caller can leave out bounds that rest on too few finished counts. ``roles`` maps each label
    to "new" or "old".

    ``clock_origin_minutes`` gives a panel the clock time of its origin in minutes after midnight:
    1260 by default, when the polls close; NaN when the counts of a panel begin at their own
    times, which then has hours since the start on its axis. ``origin_labels`` replaces the words
    below the axis of a panel. ``censored`` holds the minutes at which a count was last seen
    unfinished, drawn as ticks on its curve.
    """
    words = in_language(_FINISHED, language)
    panels = _panels(curves, censored, clock_origin_minutes, origin_labels)
    names = list(dict.fromkeys(c.label for made in panels.values() for c in made))
    role = checked_roles(names, roles)
    figure = new_figure(0.35 + 2.15 * len(panels))
    every = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axes, (panel, made) in zip(every, panels.items(), strict=True):
        _draw_panel(axes, made, role)
        origin = _origin(panel, clock_origin_minutes)
        _label_curves(axes, made, role, origin, words, language)
        _clock_axis(axes, origin, words, language)
        below = words["elapsed" if math.isnan(origin) else "clock"]
        axes.set_xlabel((origin_labels or {}).get(panel, below))
        axes.set_ylabel(words["share"])
        percent_ticks(axes.yaxis, language)
        title: dict[str, Any] = {"transform": axes.transAxes, "va": "bottom", "fontsize": 9}
        axes.text(0, 1.03, wrapped(panel, 75), fontweight="bold", **title)
    return figure


def _panels(
    curves: Mapping[str, Mapping[str, Curve]],
    censored: Mapping[str, Mapping[str, npt.ArrayLike]] | None,
    *by_panel: Mapping[str, object] | None,
) -> dict[str, list[_Curve]]:
    if not curves or not all(curves.values()):
        raise ValueError("there is no panel to draw, or one without curves")
    unknown = {p for extra in (censored, *by_panel) for p in extra or {}} - set(curves)
    if unknown:
        raise ValueError(f"there is no panel {', '.join(sorted(unknown))}")
    made = {}
    for panel, lines in curves.items():
        ticks = (censored or {}).get(panel, {})
        if set(ticks) - set(lines):
            raise ValueError(f"panel {panel} has censored counts without a curve")
        made[panel] = [_checked_curve(k, v, ticks.get(k, [])) for k, v in lines.items()]
    return made


def _checked_curve(label: str, curve: Curve, censored: npt.ArrayLike) -> _Curve:
    if len(curve) != 4:
        raise ValueError(f"{label} must hold minutes, share, lower and upper")
    minutes, share = vectors(minutes=curve[0], share=curve[1])
    _, lower, upper = vectors(missing=True, minutes=minutes, lower=curve[2], upper=curve[3])
    if minutes[0] < 0 or (np.diff(minutes) <= 0).any():
        raise ValueError(f"the minutes of {label} must ascend from zero or more, each once")
    if (np.diff(share) < 0).any():
        raise ValueError(f"the share finished of {label} falls")
    for values in (share, lower, upper):
        if (values < -1e-12).any() or (values > 1 + 1e-12).any():
            raise ValueError(f"a share of {label} does not lie between 0 and 1")
    check_bounds(lower, upper)
    ticks = np.asarray(censored, dtype=float)
    if ticks.ndim != 1 or not np.isfinite(ticks).all() or (ticks < 0).any():
        raise ValueError(f"the censored minutes of {label} must be a vector of zero or more")
    if minutes[0] > 0:
        first = [0.0], [0.0], [np.nan], [np.nan]
        rest = minutes, share, lower, upper
        minutes, share, lower, upper = (np.r_[a, b] for a, b in zip(first, rest, strict=True))
    return _Curve(label, minutes, share, lower, upper, np.sort(ticks))


def _origin(panel: str, origins: Mapping[str, float] | None) -> float:
    origin = float((origins or {}).get(panel, POLLS_CLOSE))
    if math.isinf(origin) or origin < 0:
        raise ValueError(f"the origin of {panel} must be minutes after midnight, not {origin}")
    return origin


def _draw_panel(axes: Axes, curves: list[_Curve], role: Mapping[str, str]) -> None:
    open_frame(axes)
    end = max(float(max(c.minutes[-1], *c.censored, 0)) for c in curves) or 1.0
    axes.set_xlim(0, 1.02 * end)
    axes.set_ylim(0, 1.04)
    axes.axhline(0.5, color=PALE, linewidth=1, zorder=0)
    for curve in curves:
        _draw_curve(axes, curve, STYLES[role[curve.label]])


def _draw_curve(axes: Axes, curve: _Curve, style: tuple[str, Any]) -> None:
    color, dashes = style
    # A curve that was followed longer than its last step runs on at the same height.
    last = max(float(curve.minutes[-1]), *curve.censored, 0.0)
    if curve.share[-1] >= 1:
        last = axes.get_xlim()[1]
    along = np.r_[curve.minutes, last]
    band: dict[str, Any] = {"step": "post", "color": color, "linewidth": 0, "alpha": 0.17}
    known = np.flatnonzero(~np.isnan(curve.lower + curve.upper))
    # Each run of known bounds on its own, with its last step drawn to the start of the gap.
    for run in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
        if len(run):
            steps = np.r_[run, run[-1]]
            ends = along[run[0] : run[-1] + 2]
            axes.fill_between(ends, curve.lower[steps], curve.upper[steps], **band)
    share = np.r_[curve.share, curve.share[-1]]
    axes.step(along, share, where="post", color=color, linestyle=dashes, linewidth=1.8)
    if len(curve.censored):
        at = np.searchsorted(curve.minutes, curve.censored, side="right") - 1
        here = curve.share[np.maximum(at, 0)]
        axes.plot(curve.censored, here, "|", color=color, markersize=8, markeredgewidth=1.2)


def _half(curve: _Curve) -> float:
    """Return the minute at which half is finished, infinite where that is never seen."""
    enough = np.flatnonzero(curve.share >= 0.5)
    return float(curve.minutes[enough[0]]) if len(enough) else math.inf


def _time_text(minute: float, origin: float, words: Mapping[str, str], language: str) -> str:
    if math.isnan(origin):
        return words["at_elapsed"].format(time=number(minute / 60, 1, language=language))
    return words["at_clock"].format(time=_clock(origin + minute))


def _clock(minute: float) -> str:
    whole = round(minute) % DAY
    return f"{whole // 60:02}:{whole % 60:02}"


def _half_text(curve: _Curve, origin: float, words: Mapping[str, str], language: str) -> str:
    half = _half(curve)
    if math.isinf(half):
        return words["never"]
    return words["half"].format(at=_time_text(half, origin, words, language))


def _label_curves(
    axes: Axes,
    curves: list[_Curve],
    role: Mapping[str, str],
    origin: float,
    words: Mapping[str, str],
    language: str,
) -> None:
    """Name every curve right of its end, with a piece of its line; the earliest stands highest."""
    curves = sorted(curves, key=_half)
    texts = [f"{wrapped(c.label, 22)}\n{_half_text(c, origin, words, language)}" for c in curves]
    gap = 0.1 + 0.1 * max(text.count("\n") for text in texts)
    heights = apart([float(c.share[-1]) for c in curves], gap, gap / 2, 1.02 - gap / 2)
    place: dict[str, Any] = {"transform": axes.get_yaxis_transform()}
    for curve, text, height in zip(curves, texts, heights, strict=True):
        color, dashes = STYLES[role[curve.label]]
        key: dict[str, Any] = {"color": color, "linestyle": dashes, "linewidth": 1.8}
        axes.plot([1.02, 1.09], [height, height], clip_on=False, **key, **place)
        ink = text_color(color)
        axes.text(1.105, height, text, color=ink, fontsize=SMALL, va="center", **place)


def _clock_axis(axes: Axes, origin: float, words: Mapping[str, str], language: str) -> None:
    """Put round clock times below the axis and mark midnight, or hours where there is no clock."""
    end = axes.get_xlim()[1]
    steps = (5, 10, 15, 30, 60, 120, 180, 360, 720, DAY)
    step = next((s for s in steps if end / s <= 7), math.ceil(end / 7 / DAY) * DAY)
    if math.isnan(origin):
        ticks = np.arange(0, end, step)
        axes.set_xticks(ticks / 1.0)
        axes.xaxis.set_major_formatter(
            lambda v, _: number(v / 60, 0 if step % 60 == 0 else 2, language=language)
        )
        return
    midnights = np.arange(math.ceil((origin + 1) / DAY) * DAY, origin + end, DAY)
    first = math.ceil(origin / step) * step
    if origin % 60 == 0 and not len(midnights):
        first = round(origin)
    clock = np.arange(first, origin + end, step)
    texts = [_clock(c) + (f"\n{words['midnight']}" if c % DAY == 0 else "") for c in clock]
    axes.set_xticks(clock - origin, texts)
    for midnight in midnights:
        style: dict[str, Any] = {"color": GREY, "linewidth": 1, "linestyle": (0, (4, 3))}
        axes.axvline(midnight - origin, zorder=0, **style)


def alt_text_finished_by_clock(
    curves: Mapping[str, Mapping[str, Curve]],
    *,
    roles: Mapping[str, str] | None = None,  # noqa: ARG001  (called as the figure is)
    clock_origin_minutes: Mapping[str, float] | None = None,
    origin_labels: Mapping[str, str] | None = None,
    censored: Mapping[str, Mapping[str, npt.ArrayLike]] | None = None,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`finished_by_clock`."""
    words = in_language(_FINISHED, language)
    made = []
    panels = _panels(curves, censored, clock_origin_minutes, origin_labels)
    for panel, lines in panels.items():
        origin = _origin(panel, clock_origin_minutes)
        each = []
        for curve in lines:
            end = max(float(curve.minutes[-1]), *curve.censored, 0.0)
            each.append(
                words["each"].format(
                    label=curve.label,
                    half=_half_text(curve, origin, words, language),
                    end=_time_text(end, origin, words, language).partition(" ")[2],
                    share=percent(float(curve.share[-1]), 0, language=language),
                )
            )
        made.append(f"{panel}: {'; '.join(each)}")
    return words["alt"].format(panels=". ".join(made))
