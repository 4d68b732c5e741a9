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
    PublishedShares,
    decompose_change,
)
from ballot_eval.estimation.rounded import Bounds, Rounded
from ballot_eval.plan_topics import Exposure
from ballot_eval.results import Measure
from ballot_eval.topics.exposures import ExposureHistory, pair_name, pairs
from ballot_eval.topics.measures import Basis, Comparison, Numbers

BoolArray = npt.NDArray[np.bool_]


def decompositions(
    history: ExposureHistory, made: list[Measure]
) -> dict[tuple[str, str], Decomposition]:
    """Add the parts of the change of the share, between uses of which something is known."""
    found = {}
    exposures = history.learning.exposures
    for j, k in pairs(exposures):
        then, now = exposures[j], exposures[k]
        parts = _decompose(history, then, now)
        if parts is not None:
            found[then.election, now.election] = parts
            _add_parts(parts, then.election, now.election, made)
    return found


def _decompose(history: ExposureHistory, then: Exposure, now: Exposure) -> Decomposition | None:
    """Return the parts of one change; None where too little is known of one of the elections."""
    study = history.study
    codes = pd.Index(sorted(set().union(*(set(f.index) for f in history.counts.values()))))
    ever = set(study.ever_exposed())
    sources = [
        history.source(e, codes) for e in (now.election, then.election, now.baseline, then.baseline)
    ]
    if sources[0] is None or sources[1] is None:
        return None
    sets = [
        np.array([c in study.election_by_id(e.election).new_ballot for c in codes], dtype=bool)
        for e in (now, then)
    ]
    never = np.array([c not in ever for c in codes], dtype=bool)
    known = [_everywhere(s) for s in sources if isinstance(s, ElectionCounts)]
    for there in known:
        never &= there
    try:
        return decompose_change(
            sources[0],
            sources[1],
            exposed_now=sets[0],
            exposed_then=sets[1],
            never_exposed=never,
            baseline_now=sources[2],
            baseline_then=sources[3],
        )
    except ValueError:
        return None


def _everywhere(source: ElectionCounts) -> BoolArray:
    """Return which municipalities have votes cast at an election."""
    cast = np.asarray(source.cast, dtype=float)
    there: BoolArray = np.isfinite(cast) & (cast > 0)
    return there


def _add_parts(parts: Decomposition, then: str, now: str, made: list[Measure]) -> None:
    to = Comparison(pair_name(then, now), "ballot", parts.members["fixed"], made)
    basis = Basis("", 0)
    for name, bounds in ({"naive": parts.naive} | parts.parts).items():
        method = "identity" if bounds.exact else "identity_rounded"
        to.add(f"decomposition_{name}", method, partial(_bounds, bounds), basis)
    for election, levels in ((then, parts.then), (now, parts.now)):
        one = Comparison(election, pair_name(then, now), parts.members["fixed"], made)
        for name in ("exposed", "fixed", "control", "start_gap", "excess"):
            bounds = getattr(levels, name)
            if bounds is not None:
                method = "identity" if bounds.exact else "identity_rounded"
                one.add(f"level_{name}", method, partial(_bounds, bounds), basis)


def _bounds(bounds: Bounds) -> Numbers:
    """Return the middle of bounds with the bounds as limits; a known number has none."""
    if bounds.exact:
        return bounds.lower, math.nan, math.nan, math.nan
    return bounds.midpoint, bounds.lower, bounds.upper, math.nan


def published_excess(history: ExposureHistory, made: list[Measure]) -> None:
    """Add the excess of single municipalities of which only a rounded share is known.

    Their share less that of the rest of the country, less the same at the baseline, whose counts
    are known; the limits are those of rounding and hold no other uncertainty.
    """
    study = history.study
    for exposure in history.learning.exposures:
        if exposure.election in history.counts or exposure.baseline not in history.counts:
            continue
        codes = pd.Index(study.election_by_id(exposure.election).new_ballot)
        source = history.source(exposure.election, codes)
        if not isinstance(source, PublishedShares) or source.control is None:
            continue
        counts = history.counts[exposure.baseline]
        rates = counts["events"] / counts["ballots"]
        controls = counts[~counts.index.isin(study.ever_exposed())].sum()
        start = controls["events"] / controls["ballots"]
        for code, share in zip(codes, source.shares, strict=True):
            if share is None or code not in rates.index:
                continue
            gap = Bounds.exactly(float(rates[code] - start))
            found = _limits(share) - _limits(source.control) - gap
            to = Comparison(exposure.election, str(code), 1, made)
            to.add("excess", "published_shares", partial(_bounds, found), Basis("", 0))


def _limits(share: Bounds | Rounded) -> Bounds:
    return share if isinstance(share, Bounds) else share.bounds
