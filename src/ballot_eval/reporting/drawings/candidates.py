"""What the figure of repeated numbers draws, from finished results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ballot_eval.figures.candidates import ALL
from ballot_eval.reporting.drawings.times import Drawing
from ballot_eval.reporting.selection import with_fields
from ballot_eval.results import MarkingMeasure, to_frame
from ballot_eval.topics.marking.repeated_number import EXCESS, TOPIC

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def candidate_figures(outcome: Outcome) -> dict[str, Drawing]:
    """Return the figure of repeated numbers; nothing without votes per candidate."""
    items = [
        m
        for m in with_fields(outcome.results.marking, topic=TOPIC, quantity=EXCESS, method="crv3")
        if m.election == outcome.study.election
    ]
    shown = {m.level for m in items if m.unit == "experiment"}
    rows = to_frame([m for m in items if m.level in shown], MarkingMeasure)
    if rows.empty:
        return {}
    rows["number"] = [ALL if level == "total" else int(level) for level in rows["level"]]
    return {"repeated_numbers": ((rows,), {})}
