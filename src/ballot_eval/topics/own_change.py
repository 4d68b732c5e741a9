"""The effect at each use, and its change, of every single municipality of the fixed set.

Against the pooled share of the others at both ends, which is the only one that is known of an
election with published shares; every election then has the same yardstick.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from ballot_eval.estimation.rounded import Bounds, Rounded
from ballot_eval.plan_topics import Exposure
from ballot_eval.results import Measure
from ballot_eval.topics.exposures import ExposureHistory, pair_name, pairs, pooled_share
from ballot_eval.topics.measures import Basis, Comparison
from ballot_eval.topics.naive_change import same


@dataclass(frozen=True, slots=True)
class OwnEffect:
    """The effect in one municipality at one use: as a difference of fractions and as a ratio.

    ``rate_ratio`` is None where a rate in a denominator may be 0.
    """

    excess: Bounds
    rate_ratio: Bounds | None


def own_effects(history: ExposureHistory, made: list[Measure]) -> None:
    """Add the effect and its changes of every municipality that is in at every use."""
    exposures = history.learning.exposures
    effects = [_effects(history, exposure) for exposure in exposures]
    for exposure, found in zip(exposures, effects, strict=True):
        for code, effect in found.items():
            _add(exposure.election, code, "excess", effect.excess, made)
    for j, k in pairs(exposures):
        name = pair_name(exposures[j].election, exposures[k].election)
        for code in sorted(effects[j].keys() & effects[k].keys()):
            then, now = effects[j][code], effects[k][code]
            _add(name, code, "change_in_excess", now.excess - then.excess, made)
            if now.rate_ratio is None or then.rate_ratio is None or then.rate_ratio.lower <= 0:
                continue
            _add(name, code, "change_in_ratio", now.rate_ratio / then.rate_ratio, made)


def _effects(history: ExposureHistory, exposure: Exposure) -> dict[str, OwnEffect]:
    """Return the effects of those that something is known of, by municipality."""
    now, then = exposure.election, exposure.baseline
    known, counted, before = history.published(now), history.counted(now), history.counted(then)
    controls = history.controls
    control: Bounds | Rounded | None = known.get("rest")
    if counted & controls:
        control = pooled_share(history.counts[now], controls)
    if control is None or not before & controls:
        return {}
    start = pooled_share(history.counts[then], controls)
    found = {}
    for code in history.members:
        share: Bounds | Rounded | None = known.get(code)
        if code in counted:
            share = pooled_share(history.counts[now], {code})
        if share is not None and code in before:
            own = pooled_share(history.counts[then], {code})
            found[code] = _effect(_limits(share), _limits(control), own, start)
    return found


def _effect(share: Bounds, control: Bounds, own: Bounds, start: Bounds) -> OwnEffect:
    ratio = None
    if min(control.lower, own.lower, start.lower) > 0:
        ratio = (share / control) / (own / start)
    return OwnEffect((share - control) - (own - start), ratio)


def _limits(share: Bounds | Rounded) -> Bounds:
    return share if isinstance(share, Bounds) else share.bounds


def _add(group: str, code: str, quantity: str, bounds: Bounds, made: list[Measure]) -> None:
    limits = (math.nan, math.nan) if bounds.exact else (bounds.lower, bounds.upper)
    method = "own_change" if bounds.exact else "published_shares"
    numbers = (bounds.midpoint, *limits, math.nan)
    Comparison(group, code, 1, made, 1).add(quantity, method, partial(same, numbers), Basis("", 0))
