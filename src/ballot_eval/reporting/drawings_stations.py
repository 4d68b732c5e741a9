"""What the figures of polling stations draw, from finished results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ballot_eval.figures.stations import MAX_LEVELS
from ballot_eval.reporting.drawings_times import Drawing
from ballot_eval.reporting.tables_stations import level_name, of_dimension
from ballot_eval.results import StationRate, to_frame

if TYPE_CHECKING:
    from ballot_eval.pipeline import Outcome

#: Names of the figures by what their levels are.
NAMES = {"size_class": "station_rates", "station_type": "station_types"}


def station_figures(outcome: Outcome) -> dict[str, Drawing]:
    """Return the figures of polling stations, those that there are results for."""
    study = outcome.study
    kind, language = study.analysis.outcome, study.language
    made: dict[str, Drawing] = {}
    for dimension, name in NAMES.items():
        items = [
            r
            for r in of_dimension(outcome.results.stations, study.election, dimension)
            if r.outcome == kind and r.unit != "reference"
        ]
        if 0 < len({r.level for r in items}) <= MAX_LEVELS:
            rows = to_frame(items, StationRate)
            rows["level"] = [level_name(level, language=language) for level in rows["level"]]
            made[name] = ((rows,), {"dimension": dimension, "kind": kind})
    return made
