"""Turnout of the groups: what the check that the ballot did not change who came is made of.

The check itself, a difference-in-differences on turnout by the study's own test, is the
``placebo_outcome`` in ``robustness.csv`` and is not made again here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from ballot_eval.panel import TURNOUT, Panel
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.stations import groups_of

TOPIC = "turnout"


def turnout_levels(
    accepted: Mapping[str, pd.DataFrame],  # noqa: ARG001 - every part of the topic has it
    panel: Panel,
) -> Iterator[MarkingMeasure]:
    """Yield votes cast over eligible voters by election and group; complete counts, no limits.

    A municipality of which the number of eligible voters is not known is left out.
    """
    for election in panel.study.needed_elections():
        counts = panel.counts(election, TURNOUT)
        counts = counts[counts["denominator"] > 0]
        for unit, members in groups_of(counts).items():
            if not members.any():
                continue
            sums = counts.loc[members, ["numerator", "denominator"]].sum()
            yield MarkingMeasure(
                topic=TOPIC,
                election=election,
                unit=unit,
                level="total",
                quantity="turnout_rate",
                method="share",
                estimate=float(sums["numerator"] / sums["denominator"]),
                numerator=float(sums["numerator"]),
                denominator=float(sums["denominator"]),
                count=int(members.sum()),
                counted="municipalities",
            )
