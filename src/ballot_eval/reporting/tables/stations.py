"""Results of polling stations as Markdown tables for the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.invalid_votes import effects
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import GROUPS, OUTCOMES, narrow_group
from ballot_eval.results import StationCoverage, StationDispersion, StationRate
from ballot_eval.topics.station_effects import METHOD as STATION_METHOD
from ballot_eval.topics.stations import SIZE_CLASSES, UNKNOWN_TYPE

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: Types of polling stations; others keep the name that they have in the data.
LEVELS = {
    "nl": {
        "regulier": "regulier",
        "bijzonder": "bijzonder",
        "mobiel": "mobiel",
        UNKNOWN_TYPE: "onbekend",
        "total": "alle stembureaus",
    },
    "en": {
        "regulier": "regular",
        "bijzonder": "special",
        "mobiel": "mobile",
        UNKNOWN_TYPE: "unknown",
        "total": "all polling stations",
    },
}

ALL = {
    "nl": {"all": "Alle gemeenten"} | GROUPS["nl"],
    "en": {"all": "All municipalities"} | GROUPS["en"],
}


def level_name(say: Language, level: str) -> str:
    """Return a size class as it is printed, ``250–499``; another type keeps its name."""
    if level not in SIZE_CLASSES:
        return say.pick(LEVELS).get(level, level)
    if level.endswith("+"):
        least = say.number(int(level[:-1]))
        return say(nl=f"{least} en meer", en=f"{least} and more")
    return "–".join(say.number(int(end)) for end in level.split("-"))


def of_dimension(
    items: Sequence[StationRate], election: str, *dimensions: str
) -> list[StationRate]:
    """Return the rates at one election by some of the dimensions."""
    return [r for r in items if r.election == election and r.dimension in dimensions]


def _cells(say: Language, rate: StationRate | None) -> list[str]:
    if rate is None:
        return [NO_NUMBER] * 2
    limits = NO_NUMBER if math.isnan(rate.ci_lower) else say.interval(rate.ci_lower, rate.ci_upper)
    return [say.percent(rate.rate), limits]


def _rates(say: Language, items: Sequence[StationRate], first: str) -> str:
    found = {(r.level, r.unit, r.outcome): r for r in items}
    rows, named = [], ""
    for level, unit, outcome in found:
        if outcome != "invalid":
            continue
        invalid, blank = (found.get((level, unit, o)) for o in ("invalid", "blank"))
        count = say.number(invalid.stations_count) if invalid else NO_NUMBER
        # The level is named once, at the first of its groups.
        name = "" if level == named else level_name(say, level)
        group = narrow_group(say, say.pick(GROUPS)[unit])
        rows.append([name, group, count, *_cells(say, invalid), *_cells(say, blank)])
        named = level
    header = {
        "nl": ["Groep", "Aantal", "Ongeldig", "Interval", "Blanco", "Interval"],
        "en": ["Group", "Number", "Invalid", "Interval", "Blank", "Interval"],
    }
    return pipe_table([first, *say.pick(header)], rows, "llrrrrr")


def station_rates(say: Language, items: Sequence[StationRate], election: str) -> str:
    """Return invalid and blank votes by size class of the station and group at one election."""
    first = say(nl="Stemmen", en="Votes")
    return _rates(say, of_dimension(items, election, "total", "size_class"), first)


def station_types(say: Language, items: Sequence[StationRate], election: str) -> str:
    """Return invalid and blank votes by type of station and group at one election."""
    first = say(nl="Soort", en="Type")
    return _rates(say, of_dimension(items, election, "station_type"), first)


def station_dispersion(say: Language, items: Sequence[StationDispersion], election: str) -> str:
    """Return the dispersions by group and outcome, and stations without such a vote."""
    found = {(d.unit, d.outcome, d.level, d.around): d for d in items if d.election == election}
    rows = []
    for unit, outcome in dict.fromkeys((d[0], d[1]) for d in found):
        if outcome not in ("invalid", "blank"):
            continue
        station, own, municipality = (
            found[unit, outcome, *what]
            for what in (
                ("polling_station", "group"),
                ("polling_station", "municipality"),
                ("municipality", "group"),
            )
        )
        phis = [_phi(say, d.phi) for d in (station, own, municipality)]
        shares = [say.percent(v, 0) for v in (own.without_share, own.expected_without_share)]
        group = narrow_group(say, say.pick(ALL)[unit])
        rows.append([group, say.pick(OUTCOMES)[outcome], *phis, *shares])
    header = {
        "nl": [
            *("Groep", "Stemmen", "φ stembureaus", "φ binnen gemeente", "φ gemeenten"),
            *("Zonder", "Verwacht"),
        ],
        "en": [
            *("Group", "Votes", "φ stations", "φ within municipality", "φ municipalities"),
            *("Without", "Expected"),
        ],
    }
    return pipe_table(say.pick(header), rows, "llrrrrr")


def _phi(say: Language, value: float) -> str:
    return NO_NUMBER if math.isnan(value) else say.number(value, 2)


def station_coverage(say: Language, items: Sequence[StationCoverage]) -> str:
    """Return per election how much of the municipal results the stations add up to."""
    rows = []
    for election in dict.fromkeys(c.election for c in items):
        here = [c for c in items if c.election == election]
        judged = [c for c in here if not math.isnan(c.coverage)]
        votes = sum(c.municipality_votes_cast_count for c in judged)
        share = sum(c.votes_cast_count for c in judged) / votes if votes else math.nan
        counts = (
            sum(c.stations_count > 0 for c in here),
            sum(c.complete for c in here),
            *(
                sum(getattr(c, f) for c in here)
                for f in ("stations_count", "without_votes_count", "unknown_count")
            ),
        )
        rows.append([election, *map(say.number, counts), say.percent(share, 1)])
    header = {
        "nl": [
            *("Verkiezing", "Gemeenten", "Volledig", "Stembureaus"),
            *("Zonder stemmen", "Onbekend", "Stemmen"),
        ],
        "en": [
            *("Election", "Municipalities", "Complete", "Stations"),
            *("Without votes", "Unknown", "Votes"),
        ],
    }
    return pipe_table(say.pick(header), rows, "lrrrrrr")


def station_tables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the tables of polling stations, those that there are results for."""
    results, election = outcome.results, outcome.study.election
    here = {r.dimension for r in results.stations if r.election == election}
    if not here:
        return {}
    made = {
        "station_coverage": station_coverage(say, results.station_coverage),
        "station_rates": station_rates(say, results.stations, election),
        "station_dispersion": station_dispersion(say, results.station_dispersion, election),
        "station_effects": effects(say, results.effects, STATION_METHOD),
    }
    if "station_type" in here:
        made["station_types"] = station_types(say, results.stations, election)
    return made
