"""The figure of power against the true effect, with the smallest effect that is found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ballot_eval.figures.base import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SMALL,
    FloatArray,
    in_language,
    new_axes,
    percent_ticks,
    points_ticks,
    text_color,
    vectors,
)
from ballot_eval.formatting import number, percent, points

_POWER_CURVE = {
    "nl": {
        "axis": "werkelijk effect, procentpunt",
        "power": "kans dat het effect wordt gevonden",
        "target": "doel: {target}",
        "reached": "{n} gemeenten: {effect}",
        "missed": "{n} gemeenten:\nhaalt {target} niet",
        "alt": "Lijngrafiek van de kans dat een werkelijk effect van {low} tot {high} procentpunt "
        "wordt gevonden. Het kleinste effect dat met {target} kans wordt gevonden: {each}.",
        "alt_reached": "bij {n} experimentgemeenten {effect}",
        "alt_missed": "bij {n} experimentgemeenten wordt {target} niet gehaald (hoogste kans "
        "{top})",
    },
    "en": {
        "axis": "true effect, percentage points",
        "power": "probability that the effect is found",
        "target": "target: {target}",
        "reached": "{n} municipalities: {effect}",
        "missed": "{n} municipalities:\n{target} not reached",
        "alt": "Line chart of the probability that a true effect of {low} to {high} percentage "
        "points is found. The smallest effect found with {target} probability: {each}.",
        "alt_reached": "with {n} experiment municipalities {effect}",
        "alt_missed": "with {n} experiment municipalities {target} is not reached (highest "
        "probability {top})",
    },
}
_LINES = (
    (ORANGE, "solid"),
    (BLUE, (0, (6, 2))),
    (BLACK, (0, (2, 1.5))),
    (GREEN, (0, (6, 2, 1, 2))),
)


def power_curve(
    effects: npt.ArrayLike,
    power_by_group: Mapping[int, npt.ArrayLike],
    *,
    target: float = 0.8,
    language: str = "nl",
) -> Figure:
    """Return power against the true effect for several numbers of experiment municipalities.

    ``effects`` (n,) are sizes in fractions, ascending from zero or more; ``power_by_group`` maps
    a number of municipalities to (n,) powers between 0 and 1, for at most four numbers. The
    minimum detectable effect is where a curve first reaches ``target``, on a straight line
    between the two effects around it.
    """
    words = in_language(_POWER_CURVE, language)
    sizes, curves = _power_values(effects, power_by_group, target)
    found = {n: _smallest_found(sizes, power, target) for n, power in curves.items()}
    figure, axes = new_axes(3.8)
    axes.set_xlim(sizes[0], sizes[-1])
    axes.set_ylim(0, 1.02)
    axes.axhline(target, color=GREY, linewidth=1)
    goal = percent(target, 0, language=language)
    place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "fontsize": SMALL}
    axes.text(0.01, target + 0.01, words["target"].format(target=goal), color="#555555", **place)
    styles = dict(zip(curves, _LINES, strict=False))
    for n, (color, dashes) in styles.items():
        axes.plot(sizes, curves[n], color=color, linestyle=dashes, linewidth=1.8)
    # The hardest effect stands lowest, so that no leader crosses another's words.
    reached = sorted((n for n in curves if found[n] < math.inf), key=found.__getitem__)
    for line, n in enumerate(reversed(reached)):
        effect = points(found[n], language=language, sign=False)
        text = words["reached"].format(n=number(n, language=language), effect=effect)
        _mark_detectable(axes, (found[n], target), 1.05 + 0.075 * line, text, styles[n][0])
    ends = {n: float(curves[n][-1]) for n in curves if n not in reached}
    texts = {n: words["missed"].format(n=number(n, language=language), target=goal) for n in ends}
    _label_ends(axes, ends, texts, {n: styles[n][0] for n in ends})
    points_ticks(axes.xaxis, language, sign=False)
    percent_ticks(axes.yaxis, language)
    axes.set_xlabel(words["axis"])
    axes.set_ylabel(words["power"])
    return figure


def _power_values(
    effects: npt.ArrayLike, power_by_group: Mapping[int, npt.ArrayLike], target: float
) -> tuple[FloatArray, dict[int, FloatArray]]:
    if not 1 <= len(power_by_group) <= len(_LINES):
        raise ValueError(f"one to {len(_LINES)} curves can be drawn, not {len(power_by_group)}")
    if not 0 < target < 1:
        raise ValueError(f"the target must lie between 0 and 1, not {target}")
    curves = {}
    for n in sorted(power_by_group):
        sizes, power = vectors(effects=effects, power=power_by_group[n])
        if (power < 0).any() or (power > 1).any():
            raise ValueError(f"the power with {n} municipalities does not lie between 0 and 1")
        curves[n] = power
    if len(sizes) < 2 or sizes[0] < 0 or (np.diff(sizes) <= 0).any():
        raise ValueError("the effects must be two or more sizes that ascend from zero or more")
    return sizes, curves


def _smallest_found(sizes: FloatArray, power: FloatArray, target: float) -> float:
    """Return the size at which a curve first reaches the target, infinite where it never does."""
    enough = np.flatnonzero(power >= target)
    if not len(enough):
        return math.inf
    i = int(enough[0])
    if i == 0:
        return float(sizes[0])
    share = (target - power[i - 1]) / (power[i] - power[i - 1])
    return float(sizes[i - 1] + share * (sizes[i] - sizes[i - 1]))


def _mark_detectable(
    axes: Axes, place: tuple[float, float], top: float, text: str, color: str
) -> None:
    """Mark a minimum detectable effect, with a leader up to its words above the axes."""
    effect, target = place
    axes.plot(effect, target, "o", color=color, zorder=4)
    leader: dict[str, Any] = {"linewidth": 0.8, "color": color, "clip_on": False}
    axes.plot([effect, effect], [0, top], transform=axes.get_xaxis_transform(), **leader)
    axes.annotate(
        text,
        (effect, top),
        xycoords=axes.get_xaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
        color=text_color(color),
    )


def _label_ends(
    axes: Axes, ends: dict[int, float], texts: dict[int, str], colors: dict[int, str]
) -> None:
    """Name curves at their right ends, pushed up so that no two names overlap."""
    height = -math.inf
    for n in sorted(ends, key=ends.__getitem__):
        height = max(ends[n], height + 0.13)
        place: dict[str, Any] = {"va": "center", "fontsize": SMALL, "color": text_color(colors[n])}
        axes.text(1.01, height, texts[n], transform=axes.get_yaxis_transform(), **place)


def alt_text_power_curve(
    effects: npt.ArrayLike,
    power_by_group: Mapping[int, npt.ArrayLike],
    *,
    target: float = 0.8,
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`power_curve`."""
    words = in_language(_POWER_CURVE, language)
    sizes, curves = _power_values(effects, power_by_group, target)
    goal = percent(target, 0, language=language)
    each = []
    for n, power in curves.items():
        found = _smallest_found(sizes, power, target)
        each.append(
            words["alt_missed" if math.isinf(found) else "alt_reached"].format(
                n=number(n, language=language),
                effect=points(found, language=language, sign=False),
                target=goal,
                top=percent(float(power.max()), 0, language=language),
            )
        )
    low, high = (
        points(float(v), language=language, sign=False, unit=False) for v in (sizes[0], sizes[-1])
    )
    return words["alt"].format(low=low, high=high, target=goal, each="; ".join(each))
