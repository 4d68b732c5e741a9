"""What the figure of reasons of invalidity draws, from finished results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ballot_eval.reporting.drawings.times import Drawing
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.tables.reasons import computed
from ballot_eval.results import MarkingMeasure, to_frame
from ballot_eval.topics.marking.reasons import CODES, WITHOUT_REASON

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def reason_figures(say: Language, outcome: Outcome) -> dict[str, Drawing]:
    """Return the figure of reasons; none without reasons in the experiment municipalities."""
    study = outcome.study
    together = say(nl="Alle samen", en="All together")
    names = municipality_names(outcome.panel) | {"experiment": together}
    items = [
        m
        for m in computed(outcome.results.marking, "reasons", study.election)
        if m.level in (*CODES, WITHOUT_REASON) and m.unit in ("experiment", *study.experiment())
    ]
    frame = to_frame(items, MarkingMeasure)
    cast = frame[frame["quantity"] == "share_of_votes_cast"]
    if not cast["numerator"].sum():
        return {}
    sums = cast.groupby("unit")["numerator"].transform("sum")
    rows = cast.assign(
        votes=cast["numerator"], rate=sums / cast["denominator"], unit=cast["unit"].map(names)
    )
    return {"invalid_reasons": ((rows[["unit", "level", "votes", "rate"]],), {})}
