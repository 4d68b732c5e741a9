"""What the naive change of the share of "the experiment municipalities" is made of."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.estimation.decomposition import (
    Decomposition,
    ElectionCounts,
    ElectionLevels,
    PublishedShares,
    decompose_change,
)
from ballot_eval.estimation.rounded import Bounds
from ballot_eval.plan_topics import Exposure
from ballot_eval.results import Measure
from ballot_eval.topics.exposures import ExposureHistory, pair_name, pairs
from ballot_eval.topics.measures import Basis, Comparison, Numbers

BoolArray = npt.NDArray[np.bool_]
Source = ElectionCounts | PublishedShares

#: Methods whose limits are those of rounding: they hold for certain, and hold nothing else.
ROUNDED = ("identity_rounded", "published_shares")

NOTHING = Basis("", 0)


def decompositions(
    history: ExposureHistory, made: list[Measure]
) -> dict[tuple[str, str], Decomposition]:
    """Add the parts of the change of the share between uses, or why there are none."""
    found = {}
    exposures = history.learning.exposures
    for j, k in pairs(exposures):
        then, now = exposures[j], exposures[k]
        try:
            parts = _decompose(history, then, now)
        except ValueError as reason:
            to = Comparison(pair_name(then.election, now.election), "ballot", 0, made)
            to.add("decomposition_naive", "identity", partial(refuse, str(reason)), NOTHING)
            continue
        found[then.election, now.election] = parts
        _add_parts(parts, then.election, now.election, made)
    return found


def _decompose(history: ExposureHistory, then: Exposure, now: Exposure) -> Decomposition:
    """Return the parts of one change; ValueError where too little is known for them."""
    codes = every_code(history)
    sets = [_exposed(history, e, codes) for e in (now, then)]
    levels = [
        _known(history, e, codes, exposed) for e, exposed in zip((now, then), sets, strict=True)
    ]
    fixed = sets[0] & sets[1]
    starts = [history.source(e.baseline, codes, fixed) for e in (now, then)]
    return decompose_change(
        levels[0],
        levels[1],
        exposed_now=sets[0],
        exposed_then=sets[1],
        never_exposed=_never(history, codes),
        baseline_now=starts[0],
        baseline_then=starts[1],
    )


def fixed_levels(history: ExposureHistory, exposure: Exposure) -> ElectionLevels:
    """Return the levels of one use in the compared municipalities of the fixed set together.

    Every ballot counts the same. Raises ValueError where too little is known for them.
    """
    codes, compared = every_code(history), set(history.members)
    members = np.array([c in compared for c in codes], dtype=bool)
    exposed = _exposed(history, exposure, codes)
    then = _known(history, exposure, codes, exposed)
    start = history.source(exposure.baseline, codes, members)
    if start is None:
        msg = f"too little is known of {exposure.baseline}, the baseline of {exposure.election}"
        raise ValueError(msg)
    # The levels are those of one election: any other will do as the second.
    found = decompose_change(
        then,
        then,
        exposed_now=exposed,
        exposed_then=members,
        never_exposed=_never(history, codes),
        baseline_now=start,
        baseline_then=None,
    )
    return found.now


def every_code(history: ExposureHistory) -> pd.Index[str]:
    """Return every municipality that has counts at some election, sorted."""
    named = {c for e in history.learning.exposures for c in history.exposed(e.election)}
    return pd.Index(sorted(named.union(*(set(f.index) for f in history.counts.values()))))


def _exposed(history: ExposureHistory, exposure: Exposure, codes: pd.Index[str]) -> BoolArray:
    exposed = history.exposed(exposure.election)
    return np.array([c in exposed for c in codes], dtype=bool)


def _known(
    history: ExposureHistory, exposure: Exposure, codes: pd.Index[str], exposed: BoolArray
) -> Source:
    source = history.source(exposure.election, codes, exposed)
    if source is None:
        msg = (
            f"too little is known of {exposure.election}: it takes counts or published shares of "
            "those with the new ballot and of the others"
        )
        raise ValueError(msg)
    return source


def _never(history: ExposureHistory, codes: pd.Index[str]) -> BoolArray:
    controls = history.controls
    return np.array([c in controls for c in codes], dtype=bool)


def _add_parts(parts: Decomposition, then: str, now: str, made: list[Measure]) -> None:
    fixed, central = parts.members["fixed"], parts.central
    to = Comparison(pair_name(then, now), "ballot", fixed, made, fixed)
    middles = central | {"naive": central["end"] - central["start"]}
    for name, bounds in ({"naive": parts.naive} | parts.parts).items():
        add_bounds(to, f"decomposition_{name}", bounds, middles[name])
    for election, levels in ((then, parts.then), (now, parts.now)):
        one = Comparison(election, pair_name(then, now), fixed, made, fixed)
        for name in ("exposed", "fixed", "control", "start_gap", "excess", "rate_ratio"):
            bounds = getattr(levels, name)
            if bounds is not None:
                add_bounds(one, f"level_{name}", bounds)


def add_bounds(to: Comparison, quantity: str, bounds: Bounds, middle: float | None = None) -> None:
    """Add a number that is known, or the limits that rounding leaves it, around its ``middle``."""
    if bounds.exact:
        numbers = (bounds.lower, math.nan, math.nan, math.nan)
        to.add(quantity, "identity", partial(same, numbers), NOTHING)
        return
    place = bounds.midpoint if middle is None else middle
    numbers = (place, bounds.lower, bounds.upper, math.nan)
    to.add(quantity, "identity_rounded", partial(same, numbers), NOTHING)


def same(numbers: Numbers) -> Numbers:
    """Return numbers as they are."""
    return numbers


def refuse(reason: str) -> Numbers:
    """Raise ValueError with a reason."""
    raise ValueError(reason)
