"""What the figures of polling stations draw, from finished results."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ballot_eval.figures.stations import MAX_LEVELS
from ballot_eval.reporting.drawings.times import Drawing
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.stations import level_name, of_dimension
from ballot_eval.results import StationRate, to_frame

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: Names of the figures by what their levels are.
NAMES = {"size_class": "station_rates", "station_type": "station_types"}


def station_figures(say: Language, outcome: Outcome) -> dict[str, Drawing]:
    """Return the figures of polling stations, those that there are results for."""
    study = outcome.study
    kind = study.analysis.outcome
    made: dict[str, Drawing] = {}
    for dimension, name in NAMES.items():
        items = [
            r
            for r in of_dimension(outcome.results.stations, study.election, dimension)
            if r.outcome == kind and r.unit != "reference"
        ]
        if items:
            rows = to_frame(_most_common(items), StationRate)
            rows["level"] = [level_name(say, level) for level in rows["level"]]
            made[name] = ((rows,), {"dimension": dimension, "kind": kind})
    return made


def _most_common(items: list[StationRate]) -> list[StationRate]:
    """Return the rates of the levels with most stations, as many as can be drawn."""
    sizes = Counter[str]()
    for rate in items:
        sizes[rate.level] += rate.stations_count
    kept = {level for level, _ in sizes.most_common(MAX_LEVELS)}
    return [rate for rate in items if rate.level in kept]
