"""What the map of municipalities draws, from the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ballot_eval.formatting import display_name
from ballot_eval.municipalities import load_tiles
from ballot_eval.reporting.drawings.times import Drawing

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def map_figures(outcome: Outcome) -> dict[str, Drawing]:
    """Return the map of the share of invalid votes at the election of the study.

    Nothing when a municipality of that election is not on the map, which is that of 2025, or when
    none has votes.
    """
    counts = outcome.panel.counts(outcome.study.election, "invalid")
    rows = counts[counts["denominator"] > 0]
    if rows.empty or not rows.index.isin(load_tiles().index).all():
        return {}
    rates = rows.reset_index().assign(
        rate=lambda d: d["numerator"] / d["denominator"],
        municipality_name=lambda d: d["municipality_name"].map(display_name),
    )
    columns = ["municipality_code", "municipality_name", "role", "rate"]
    return {"tile_map": ((rates[columns],), {})}
