"""How voters mark the ballot and how ballots are counted: what totals do not show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from ballot_eval.panel import Panel
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.marking.counting_differences import difference_measures
from ballot_eval.topics.marking.party_only import party_only_results
from ballot_eval.topics.marking.preference import preference_results
from ballot_eval.topics.marking.published import published_results
from ballot_eval.topics.marking.reasons import reason_results
from ballot_eval.topics.marking.repeated_number import repeated_number_results
from ballot_eval.topics.marking.station_funnel import funnel_measures
from ballot_eval.topics.marking.turnout import turnout_levels

__all__ = ["marking_results"]

#: One part of the topic: the accepted tables and the panel to its numbers.
Part = Callable[[Mapping[str, pd.DataFrame], Panel], Iterable[MarkingMeasure]]


def marking_results(
    accepted: Mapping[str, pd.DataFrame], panel: Panel
) -> tuple[MarkingMeasure, ...]:
    """Return every number on marking that the accepted tables allow; empty without any."""
    parts: tuple[Part, ...] = (
        preference_results,
        repeated_number_results,
        difference_measures,
        funnel_measures,
        turnout_levels,
        party_only_results,
        published_results,
        reason_results,
    )
    return tuple(measure for part in parts for measure in part(accepted, panel))
