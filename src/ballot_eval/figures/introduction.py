"""The figure of what a national introduction would mean, by scenario."""

from __future__ import annotations

import math
from collections.abc import (
    Sequence,
)
from typing import (
    Any,
)

import numpy as np
import numpy.typing as npt
from matplotlib.axes import (
    Axes,
)
from matplotlib.figure import (
    Figure,
)
from matplotlib.ticker import (
    MaxNLocator,
)

from ballot_eval.figures.base import (
    BLUE,
    GREY,
    ORANGE,
    SMALL,
    FloatArray,
    check_bounds,
    horizontal_intervals,
    new_axes,
    percent_ticks,
    span,
    top_legend,
    vectors,
    words_for,
    wrapped,
)
from ballot_eval.figures.times import (
    INK,
)
from ballot_eval.formatting import (
    interval,
    number,
    percent,
)

_FORECAST = {
    "nl": {
        "axis": "verwacht aandeel {kind} bij landelijke invoering",
        "additive": "zelfde verschil in procentpunt",
        "ratio": "zelfde verhouding",
        "range": "van de laagste tot de hoogste gemeente",
        "control": "zonder nieuw stembiljet: {rate}",
        "header": "aandeel, stemmen (extra)",
        "row": "{label}, {scale}: {share} ({ends}), {votes} {kind}, {extra} extra",
        "row_range": ", afzonderlijke gemeenten {ends}",
        "none": "zonder interval",
        "alt": "Stippengrafiek van het verwachte aandeel {kind} bij landelijke "
        "invoering: {each}. Zonder het nieuwe stembiljet is het {rate}.",
    },
    "en": {
        "axis": "expected share of {kind} at a national introduction",
        "additive": "same difference in points",
        "ratio": "same ratio",
        "range": "from lowest to highest municipality",
        "control": "without the new ballot: {rate}",
        "header": "share, votes (extra)",
        "row": "{label}, {scale}: {share} ({ends}), {votes} {kind}, {extra} extra",
        "row_range": ", single municipalities {ends}",
        "none": "no interval",
        "alt": "Dot plot of the expected share of {kind} at a national introduction: "
        "{each}. Without the new ballot it is {rate}.",
    },
}
_MARKS = {"additive": ("D", ORANGE), "ratio": ("o", BLUE)}


class _Forecasts:
    """Checked input of :func:`forecast`; all vectors are (k,)."""

    def __init__(
        self,
        labels: Sequence[str],
        shares: Sequence[npt.ArrayLike],
        control_rate: float,
        votes_cast: float,
        scales: Sequence[str] | None,
        ranges: tuple[npt.ArrayLike | None, npt.ArrayLike | None],
    ) -> None:
        (self.share,) = vectors(shares=shares[0])
        n = len(self.share)
        if (ranges[0] is None) != (ranges[1] is None):
            raise ValueError("range_lower and range_upper come as a pair")
        far = [np.full(n, np.nan) if r is None else r for r in ranges]
        _, *bounds = vectors(
            missing=True,
            shares=self.share,
            lower=shares[1],
            upper=shares[2],
            range_lower=far[0],
            range_upper=far[1],
        )
        self.lower, self.upper, self.range_lower, self.range_upper = bounds
        for low, high in ((self.lower, self.upper), (self.range_lower, self.range_upper)):
            check_bounds(low, high)
        if ((self.lower > self.share) | (self.share > self.upper)).any():
            raise ValueError("a share lies outside its interval")
        every = np.r_[self.share, *bounds, control_rate]
        if math.isnan(control_rate) or (every < 0).any() or (every > 1).any():
            raise ValueError("shares must be fractions")
        if not 0 < votes_cast < math.inf:
            raise ValueError(f"{votes_cast} votes cast are not a positive number")
        self.scales = ["additive"] * n if scales is None else list(scales)
        if not len(labels) == len(self.scales) == n:
            raise ValueError(f"there must be {n} labels and scales")
        unknown = sorted(set(self.scales) - set(_MARKS))
        if unknown:
            raise ValueError(f"a scale must be additive or ratio, not {', '.join(unknown)}")
        self.labels, self.control, self.cast = list(labels), control_rate, votes_cast

    def votes(self, row: int, language: str) -> tuple[str, str]:
        """Return invalid and extra votes, to hundreds where that leaves two digits or more."""
        made = []
        for share, sign in ((self.share[row], False), (self.share[row] - self.control, True)):
            votes = float(share) * self.cast
            votes = round(votes, -2) if abs(votes) >= 1000 else votes
            made.append(number(votes, language=language, sign=sign))
        return made[0], made[1]


def forecast(
    labels: Sequence[str],
    shares: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    control_rate: float,
    votes_cast: float,
    scales: Sequence[str] | None = None,
    range_lower: npt.ArrayLike | None = None,
    range_upper: npt.ArrayLike | None = None,
    kind: str = "invalid",
    language: str = "nl",
) -> Figure:
    """Return the expected share by scenario, with the number of votes written beside.

    ``labels`` (k,) name the scenarios; rows of one label in a row share it. ``shares`` and limits
    (k,) are fractions, limits of the average effect, NaN where there are none; ``range_lower``
    and ``range_upper`` (k,) follow from single municipalities. ``scales`` (k,) holds "additive"
    or "ratio". ``control_rate`` is the share without the ballot; votes are shares of
    ``votes_cast``, to hundreds. ``kind`` is the
    outcome: invalid, blank or residual.
    Raises ValueError for vectors that do not fit, shares outside 0 to 1 and crossed limits.
    """
    words = words_for(_FORECAST, language, kind)
    made = _Forecasts(
        *(labels, (shares, lower, upper), control_rate, votes_cast),
        *(scales, (range_lower, range_upper)),
    )
    figure, axes = new_axes(1.7 + 0.34 * len(made.share))
    every = (made.share, made.upper, made.range_upper, np.array([control_rate]))
    axes.set_xlim(0.0, span(*every)[1])
    axes.axvline(control_rate, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    scale = np.array(made.scales)
    # Rows of another scenario stand a little further apart.
    new = [i > 0 and made.labels[i] != made.labels[i - 1] for i in range(len(scale))]
    at = np.arange(len(scale)) + 0.35 * np.cumsum(new)
    far = ~np.isnan(made.range_lower)
    if far.any():
        ends = made.range_lower[far], made.range_upper[far]
        axes.hlines(at[far], *ends, GREY, linewidth=0.9, zorder=1, label=words["range"])
        for edge in ends:
            axes.plot(edge, at[far], "|", color=GREY, markersize=7, clip_on=False)
    for name, (marker, color) in _MARKS.items():
        rows = scale == name
        if rows.any():
            horizontal_intervals(axes, at[rows], made.lower[rows], made.upper[rows], color)
            axes.plot(made.share[rows], at[rows], marker, color=color, label=words[name], zorder=4)
    _write_votes(axes, made, at, words, language)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    percent_ticks(axes.xaxis, language)
    axes.set_xlabel(words["axis"])
    top_legend(figure, axes, columns=3)
    return figure


def _write_votes(
    axes: Axes, made: _Forecasts, at: FloatArray, words: dict[str, str], language: str
) -> None:
    """Name the scenarios on the left and write shares and votes on the right."""
    place: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": SMALL,
    }
    axes.text(1.02, -0.85, words["header"], color=INK, **place)
    for row, height in enumerate(at):
        votes, extra = made.votes(row, language)
        share = percent(float(made.share[row]), language=language)
        axes.text(1.02, height, f"{share}  {votes} ({extra})", **place)
    groups: list[tuple[str, list[float]]] = []
    for label, height in zip(made.labels, at.tolist(), strict=True):
        if not groups or groups[-1][0] != label:
            groups.append((label, []))
        groups[-1][1].append(height)
    axes.set_yticks(
        [sum(heights) / len(heights) for _, heights in groups],
        [wrapped(label, 28) for label, _ in groups],
    )
    axes.set_ylim(at[-1] + 0.6, -1.3)
    rate = words["control"].format(rate=percent(made.control, language=language))
    left = made.control < 0.5 * axes.get_xlim()[1]
    axes.annotate(
        rate,
        (made.control, -0.85),
        xytext=(4 if left else -4, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="center",
        fontsize=SMALL,
        color=INK,
    )


def alt_text_forecast(
    labels: Sequence[str],
    shares: npt.ArrayLike,
    lower: npt.ArrayLike,
    upper: npt.ArrayLike,
    *,
    control_rate: float,
    votes_cast: float,
    scales: Sequence[str] | None = None,
    range_lower: npt.ArrayLike | None = None,
    range_upper: npt.ArrayLike | None = None,
    kind: str = "invalid",
    language: str = "nl",
) -> str:
    """Return the alternative text of :func:`forecast`."""
    words = words_for(_FORECAST, language, kind)
    made = _Forecasts(
        *(labels, (shares, lower, upper), control_rate, votes_cast),
        *(scales, (range_lower, range_upper)),
    )
    each = []
    for row, label in enumerate(made.labels):
        low, high = float(made.lower[row]), float(made.upper[row])
        ends = words["none"] if math.isnan(low + high) else interval(low, high, language=language)
        votes, extra = made.votes(row, language)
        text = words["row"].format(
            label=label,
            scale=words[made.scales[row]],
            share=percent(float(made.share[row]), language=language),
            ends=ends,
            votes=votes,
            extra=extra,
        )
        far = float(made.range_lower[row]), float(made.range_upper[row])
        if not math.isnan(sum(far)):
            text += words["row_range"].format(ends=interval(*far, language=language))
        each.append(text)
    rate = percent(control_rate, language=language)
    return words["alt"].format(each="; ".join(each), rate=rate)
