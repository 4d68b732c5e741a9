"""Counting differences, stations outside the funnel and turnout as Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ballot_eval.formatting import sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.selection import estimated, with_fields
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import GROUPS, narrow_group
from ballot_eval.results import Check, MarkingMeasure
from ballot_eval.topics.marking.counting_differences import COMPARED
from ballot_eval.topics.marking.counting_differences import TOPIC as DIFFERENCES
from ballot_eval.topics.marking.shares import CONTRAST
from ballot_eval.topics.marking.station_funnel import BEYOND, OUTSIDE
from ballot_eval.topics.marking.station_funnel import TOPIC as FUNNEL
from ballot_eval.topics.marking.station_records import PARTS, UNKNOWN_METHOD
from ballot_eval.topics.marking.turnout import TOPIC as TURNOUT

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: In the order in which they are told.
WAYS_OF_COUNTING = ("DSO", "CSO", UNKNOWN_METHOD)

#: Numbers that are compared, as rows of a table are named.
QUANTITIES = {
    "nl": {
        "stations_more_share": "stembureaus met meer",
        "stations_fewer_share": "stembureaus met minder",
        "stations_any_share": "stembureaus met verschil",
        "stations_unexplained_share": "stembureaus met onverklaard verschil",
        "more_ballots_rate": "meer, per 1.000",
        "fewer_ballots_rate": "minder, per 1.000",
    },
    "en": {
        "stations_more_share": "stations with more",
        "stations_fewer_share": "stations with fewer",
        "stations_any_share": "stations with difference",
        "stations_unexplained_share": "stations with unexplained difference",
        "more_ballots_rate": "more, per 1,000",
        "fewer_ballots_rate": "fewer, per 1,000",
    },
}

DIRECTIONS = {
    "nl": {"more": "meer", "fewer": "minder"},
    "en": {"more": "more", "fewer": "fewer"},
}


def difference_tables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return every table of this part that there are results for, by name."""
    study, names = outcome.study, municipality_names(outcome.panel)
    items = with_fields(outcome.results.marking, topic=DIFFERENCES)
    made: dict[str, str] = {}
    if items:
        made["counting_differences"] = differences(say, items)
        made["counting_explanations"] = explanations(say, items, study.election)
        if any(m.unit == CONTRAST and math.isfinite(m.estimate) for m in items):
            made["counting_contrasts"] = contrasts(say, items)
        made["counting_municipalities"] = of_municipalities(say, items, study.election, names)
    funnels = with_fields(outcome.results.marking, topic=FUNNEL)
    if any(m.quantity == "phi" and math.isfinite(m.estimate) for m in funnels):
        made["station_funnel"] = funnel(say, funnels)
        experiment = set(study.experiment())
        far = [m for m in funnels if m.quantity == BEYOND and m.unit in experiment]
        if far:
            made["funnel_stations"] = funnel_stations(say, far, names)
    made["turnout"] = turnout_table(
        say, with_fields(outcome.results.marking, topic=TURNOUT), turnout_check(outcome)
    )
    return made


def turnout_check(outcome: Outcome) -> Check | None:
    """Return the difference-in-differences on turnout, None where it could not be estimated."""
    found = (c for c in estimated(outcome.results.checks) if c.check == "placebo_outcome")
    return next(found, None)


def per_thousand(say: Language, rate: float, digits: int = 2, *, sign: bool = False) -> str:
    """Return a fraction as a number in a thousand: 0.00025 is ``0,25``."""
    return say.number(1000 * rate, digits, sign=sign)


def _way(say: Language, level: str) -> str:
    """Return a way of counting as it is printed."""
    return say(nl="onbekend", en="unknown") if level == UNKNOWN_METHOD else level


def _cell(say: Language, item: MarkingMeasure | None, *, limits: bool = True) -> str:
    if item is None or math.isnan(item.estimate):
        return NO_NUMBER
    ballots = item.quantity.endswith("ballots_rate")
    text = per_thousand(say, item.estimate) if ballots else say.percent(item.estimate, 1)
    if not limits or math.isnan(item.ci_lower):
        return text
    if ballots:
        return f"{text} ({per_thousand(say, item.ci_lower)}–{per_thousand(say, item.ci_upper)})"
    return f"{text} ({say.interval(item.ci_lower, item.ci_upper, 1)})"


def _by_place(
    items: Sequence[MarkingMeasure],
) -> dict[tuple[str, str, str], dict[str, MarkingMeasure]]:
    """Return the numbers of groups and municipalities by election, way of counting and unit."""
    found: dict[tuple[str, str, str], dict[str, MarkingMeasure]] = {}
    for m in items:
        if m.level in WAYS_OF_COUNTING and m.unit != CONTRAST:
            found.setdefault((m.election, m.level, m.unit), {})[m.quantity] = m
    return found


def differences(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return shares of stations and rates of ballots, by group side by side."""
    places = _by_place(items)
    units = [unit for unit in say.pick(GROUPS) if any(key[2] == unit for key in places)]
    rows = []
    for election, level in dict.fromkeys(key[:2] for key in places):
        found = {unit: places.get((election, level, unit), {}) for unit in units}
        lead = [election, _way(say, level)]
        totals = (found[unit].get("stations_any_share") for unit in units)
        stations = [NO_NUMBER if m is None else say.number(m.denominator) for m in totals]
        rows.append([*lead, say(nl="stembureaus", en="stations"), *stations])
        for name in COMPARED:
            cells = [_cell(say, found[unit].get(name)) for unit in units]
            rows.append([*lead, say.pick(QUANTITIES)[name], *cells])
    # With the whole word, three columns of numbers and intervals do not fit on a page.
    whole = say(nl="gemeenten", en=" municipalities")
    groups = [say.pick(GROUPS)[unit].removesuffix(whole) for unit in units]
    header = {"nl": ["Verkiezing", "Telling", "Wat"], "en": ["Election", "Counting", "What"]}
    return pipe_table([*say.pick(header), *groups], rows, "lll" + "r" * len(units))


def explanations(say: Language, items: Sequence[MarkingMeasure], election: str) -> str:
    """Return ballots more and fewer at one election, and what explains them, by group."""
    rows = []
    for (when, level, unit), found in _by_place(items).items():
        if when != election or unit not in say.pick(GROUPS):
            continue
        for direction in ("more", "fewer"):
            total = found[f"{direction}_ballots_rate"].numerator
            parts = [found.get(f"{direction}_{part}_ballots_rate") for part in PARTS]
            cells = [NO_NUMBER if p is None else say.number(p.numerator) for p in parts]
            name = say.pick(DIRECTIONS)[direction]
            lead = [_way(say, level), narrow_group(say, say.pick(GROUPS)[unit]), name]
            rows.append([*lead, say.number(total), *cells])
    header = {
        "nl": [
            *("Telling", "Groep", "Richting", "Stembiljetten"),
            *("Verklaard", "Onverklaard", "Geen vakje", "Te veel"),
        ],
        "en": [
            *("Counting", "Group", "Direction", "Ballots"),
            *("Explained", "Unexplained", "No box", "Too many"),
        ],
    }
    return pipe_table(say.pick(header), rows, "lllrrrrr")


def contrasts(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return experiment minus control at one election and since each baseline.

    A comparison of which no number could be estimated is left out; the text says why.
    """
    compared = [m for m in items if m.unit == CONTRAST]
    some = {(m.level, m.election) for m in compared if not math.isnan(m.estimate)}
    rows = []
    for m in sorted(compared, key=lambda m: (WAYS_OF_COUNTING.index(m.level), m.election)):
        if (m.level, m.election) not in some:
            continue
        when = m.election.replace("-", " − ")
        lead = [_way(say, m.level), say.pick(QUANTITIES)[m.quantity], when]
        if math.isnan(m.estimate):
            unknown = say(nl="niet te schatten", en="cannot be estimated")
            rows.append([*lead, unknown, NO_NUMBER, NO_NUMBER])
            continue
        rows.append([*lead, *difference_cells(say, m), say.p_value(m.p_value)])
    header = {
        "nl": ["Telling", "Wat", "Verkiezing", "Verschil", "Interval", "p-waarde"],
        "en": ["Counting", "What", "Election", "Difference", "Interval", "p-value"],
    }
    return pipe_table(say.pick(header), rows, "lllrrr")


def difference_cells(say: Language, item: MarkingMeasure) -> tuple[str, str]:
    """Return a difference and its limits: ballots in a thousand, shares in percentage points."""
    if item.quantity.endswith("ballots_rate"):
        low, high = (per_thousand(say, v, 3, sign=True) for v in (item.ci_lower, item.ci_upper))
        return per_thousand(say, item.estimate, 3, sign=True), say(
            nl=f"{low} tot {high}", en=f"{low} to {high}"
        )
    ends = say.interval(item.ci_lower, item.ci_upper, 1, percent_sign=False, sign=True)
    return say.points(item.estimate, 1, unit=False), ends


def of_municipalities(
    say: Language, items: Sequence[MarkingMeasure], election: str, names: Mapping[str, str]
) -> str:
    """Return the experiment municipalities one by one, by name; more and fewer side by side."""
    rows = []
    for (when, level, unit), found in _by_place(items).items():
        if when != election or unit in say.pick(GROUPS):
            continue
        any_share, more, fewer = (
            found[name]
            for name in ("stations_any_share", "more_ballots_rate", "fewer_ballots_rate")
        )
        counts = (any_share.denominator, any_share.numerator, more.numerator, fewer.numerator)
        shares = [_cell(say, found.get("stations_unexplained_share"), limits=False)]
        shares += [_cell(say, m, limits=False) for m in (more, fewer)]
        numbers = map(say.number, counts)
        rows.append([names.get(unit, unit), _way(say, level), *numbers, *shares])
    rows.sort(key=lambda row: sort_name(row[0]))
    header = {
        "nl": [
            *("Gemeente", "Telling", "Bureaus", "Met verschil", "Meer", "Minder"),
            *("Onverklaard", "Meer per 1.000", "Minder per 1.000"),
        ],
        "en": [
            *("Municipality", "Counting", "Stations", "With difference", "More", "Fewer"),
            *("Unexplained", "More per 1,000", "Fewer per 1,000"),
        ],
    }
    return pipe_table(say.pick(header), rows, "llrrrrrrr")


def funnel(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return centre, dispersion and stations outside the limits by group."""
    rows = []
    for unit in say.pick(GROUPS):
        found = {m.quantity: m for m in items if m.unit == unit}
        if not found or math.isnan(found["phi"].estimate):
            continue
        outside = [found[name] for name in OUTSIDE.values()]
        cells = [
            f"{say.number(m.numerator)} ({say.percent(m.estimate, digits)})"
            for m, digits in zip(outside, (1, 2), strict=True)
        ]
        rate, phi = found["rate"], say.number(found["phi"].estimate, 2)
        rows.append(
            [
                say.pick(GROUPS)[unit],
                say.number(rate.count),
                say.percent(rate.estimate),
                phi,
                *cells,
            ]
        )
    header = {
        "nl": ["Groep", "Stembureaus", "Aandeel", "φ", "Buiten 95%", "Buiten 99,8%"],
        "en": ["Group", "Polling stations", "Share", "φ", "Outside 95%", "Outside 99.8%"],
    }
    return pipe_table(say.pick(header), rows, "lrrrrr")


def funnel_stations(
    say: Language, items: Sequence[MarkingMeasure], names: Mapping[str, str]
) -> str:
    """Return stations beyond the outer limits by name of the municipality and number."""
    rows = [
        [
            *(names.get(m.unit, m.unit), m.level),
            *(say.number(m.numerator), say.number(m.denominator), say.percent(m.estimate)),
        ]
        for m in items
    ]
    rows.sort(key=lambda row: (sort_name(row[0]), len(row[1]), row[1]))
    header = {
        "nl": ["Gemeente", "Stembureau", "Stemmen", "Uitgebracht", "Aandeel"],
        "en": ["Municipality", "Polling station", "Votes", "Votes cast", "Share"],
    }
    return pipe_table(say.pick(header), rows, "lrrrr")


def turnout_table(say: Language, items: Sequence[MarkingMeasure], check: Check | None) -> str:
    """Return turnout by election and group, and the difference of the changes below it."""
    found = {(m.election, m.unit): m for m in items}
    rows = []
    for election in dict.fromkeys(m.election for m in items):
        here = [found.get((election, unit)) for unit in ("experiment", "control")]
        cells = [NO_NUMBER if m is None else say.percent(m.estimate, 1) for m in here]
        rows.append([election, *cells, NO_NUMBER])
    if check is not None:
        ends = say.interval(check.ci_lower, check.ci_upper, percent_sign=False, sign=True)
        change = f"{say.points(check.estimate, unit=False)} ({ends})"
        name = say(
            nl=f"verschil in verandering sinds {check.baseline}",
            en=f"difference in change since {check.baseline}",
        )
        rows.append([name, *[NO_NUMBER] * 2, change])
    header = {
        "nl": ["Verkiezing", "Experiment", "Controle", "Procentpunten (interval)"],
        "en": ["Election", "Experiment", "Control", "Percentage points (interval)"],
    }
    return pipe_table(say.pick(header), rows, "lrrr")
