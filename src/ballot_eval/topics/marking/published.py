"""Published numbers on marking, beside what is computed: never mixed with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from ballot_eval.estimation.rounded import Bounds
from ballot_eval.panel import Panel
from ballot_eval.plan_topics import PublishedMarking
from ballot_eval.results import MarkingMeasure

#: The method of every published number, and of a difference of two.
METHOD, DIFFERENCE = "published", "published_difference"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a published quantity stands among the results."""

    topic: str
    level: str
    quantity: str


PLACES = {
    "design_related": _Place("reasons", "design", "share_of_votes_cast"),
    "invalid": _Place("reasons", "invalid", "share_of_votes_cast"),
    "party_only": _Place("party_only", "total", "share_of_valid"),
    "preference": _Place("preference", "total", "preference_share"),
}


def published_results(
    accepted: Mapping[str, pd.DataFrame],  # noqa: ARG001 - nothing of it is computed
    panel: Panel,
) -> Iterator[MarkingMeasure]:
    """Yield the published shares of the plan, and the experiment's less that of the others.

    The limits are those that rounding leaves, not those of an estimate.
    """
    known: dict[tuple[str, str], dict[str, PublishedMarking]] = {}
    for share in panel.study.marking.published:
        known.setdefault((share.election, share.quantity), {})[share.unit] = share
        yield _row(share.quantity, share, share.unit, share.rounded.bounds, share.rounded.share)
    for (_, quantity), units in known.items():
        own = units.pop("experiment", None)
        for unit, other in units.items() if own else ():
            if own and not unit.isdigit():
                bounds = own.rounded.bounds - other.rounded.bounds
                value = own.rounded.share - other.rounded.share
                yield _row(quantity, own, f"experiment-{unit}", bounds, value, DIFFERENCE)


def _row(
    quantity: str,
    share: PublishedMarking,
    unit: str,
    bounds: Bounds,
    value: float,
    method: str = METHOD,
) -> MarkingMeasure:
    place = PLACES[quantity]
    return MarkingMeasure(
        topic=place.topic,
        election=share.election,
        unit=unit,
        level=place.level,
        quantity=place.quantity,
        method=method,
        estimate=value,
        ci_lower=bounds.lower,
        ci_upper=bounds.upper,
        source=share.source,
        note="published, not computed",
    )
