"""Counting differences, stations outside the funnel and turnout as Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ballot_eval.formatting import number, sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.selection import estimated
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import GROUPS
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

METHODS = {"DSO": "DSO", "CSO": "CSO", UNKNOWN_METHOD: "onbekend"}

#: Numbers that are compared, as rows of a table are named.
QUANTITIES = {
    "stations_more_share": "stembureaus met meer",
    "stations_fewer_share": "stembureaus met minder",
    "stations_any_share": "stembureaus met verschil",
    "stations_unexplained_share": "stembureaus met onverklaard",
    "more_ballots_rate": "meer, per 1.000",
    "fewer_ballots_rate": "minder, per 1.000",
}


def difference_tables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return every table of this part that there are results for, by name."""
    study, names = outcome.study, municipality_names(outcome.panel)
    items = of_topic(outcome, DIFFERENCES)
    made: dict[str, str] = {}
    if items:
        made["counting_differences"] = differences(say, items)
        made["counting_explanations"] = explanations(say, items, study.election)
        if any(m.unit == CONTRAST and math.isfinite(m.estimate) for m in items):
            made["counting_contrasts"] = contrasts(say, items)
        made["counting_municipalities"] = of_municipalities(say, items, study.election, names)
    funnels = of_topic(outcome, FUNNEL)
    if any(m.quantity == "phi" and math.isfinite(m.estimate) for m in funnels):
        made["station_funnel"] = funnel(say, funnels)
        experiment = set(study.experiment())
        far = [m for m in funnels if m.quantity == BEYOND and m.unit in experiment]
        if far:
            made["funnel_stations"] = funnel_stations(say, far, names)
    made["turnout"] = turnout_table(say, of_topic(outcome, TURNOUT), turnout_check(outcome))
    return made


def of_topic(outcome: Outcome, topic: str) -> list[MarkingMeasure]:
    """Return the numbers of one part."""
    return [m for m in outcome.results.marking if m.topic == topic]


def turnout_check(outcome: Outcome) -> Check | None:
    """Return the difference-in-differences on turnout, None where it could not be estimated."""
    found = (c for c in estimated(outcome.results.checks) if c.check == "placebo_outcome")
    return next(found, None)


def per_thousand(say: Language, rate: float, digits: int = 2, *, sign: bool = False) -> str:
    """Return a fraction as a number in a thousand: 0.00025 is ``0,25``."""
    return say.number(1000 * rate, digits, sign=sign)


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
        if m.level in METHODS and m.unit != CONTRAST:
            found.setdefault((m.election, m.level, m.unit), {})[m.quantity] = m
    return found


def differences(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return shares of stations and rates of ballots, by group side by side."""
    places = _by_place(items)
    units = [unit for unit in say.pick(GROUPS) if any(key[2] == unit for key in places)]
    rows = []
    for election, level in dict.fromkeys(key[:2] for key in places):
        found = {unit: places.get((election, level, unit), {}) for unit in units}
        lead = [election, METHODS[level]]
        totals = (found[unit].get("stations_any_share") for unit in units)
        stations = [NO_NUMBER if m is None else say.number(m.denominator) for m in totals]
        rows.append([*lead, "stembureaus", *stations])
        for name in COMPARED:
            cells = [_cell(say, found[unit].get(name)) for unit in units]
            rows.append([*lead, QUANTITIES[name], *cells])
    # With the whole word, three columns of numbers and intervals do not fit on a page.
    groups = [say.pick(GROUPS)[unit].removesuffix("gemeenten") for unit in units]
    header = ["Verkiezing", "Telling", "Wat", *groups]
    return pipe_table(header, rows, "lll" + "r" * len(units))


def explanations(say: Language, items: Sequence[MarkingMeasure], election: str) -> str:
    """Return ballots more and fewer at one election, and what explains them, by group."""
    rows = []
    for (when, level, unit), found in _by_place(items).items():
        if when != election or unit not in say.pick(GROUPS):
            continue
        for direction, name in (("more", "meer"), ("fewer", "minder")):
            total = found[f"{direction}_ballots_rate"].numerator
            parts = [found.get(f"{direction}_{part}_ballots_rate") for part in PARTS]
            cells = [NO_NUMBER if p is None else say.number(p.numerator) for p in parts]
            rows.append([METHODS[level], say.pick(GROUPS)[unit], name, say.number(total), *cells])
    header = ["Telling", "Groep", "Richting", "Stembiljetten", "Verklaard", "Onverklaard"]
    return pipe_table([*header, "Geen vakje", "Te veel"], rows, "lllrrrrr")


def contrasts(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return experiment minus control at one election and since each baseline.

    A comparison of which no number could be estimated is left out; the text says why.
    """
    compared = [m for m in items if m.unit == CONTRAST]
    some = {(m.level, m.election) for m in compared if not math.isnan(m.estimate)}
    rows = []
    for m in sorted(compared, key=lambda m: (list(METHODS).index(m.level), m.election)):
        if (m.level, m.election) not in some:
            continue
        when = m.election.replace("-", " − ")
        lead = [METHODS[m.level], QUANTITIES[m.quantity], when]
        if math.isnan(m.estimate):
            rows.append([*lead, "niet te schatten", NO_NUMBER, NO_NUMBER])
            continue
        rows.append([*lead, *difference_cells(say, m), say.p_value(m.p_value)])
    header = ["Telling", "Wat", "Verkiezing", "Verschil", "Interval", "p-waarde"]
    return pipe_table(header, rows, "lllrrr")


def difference_cells(say: Language, item: MarkingMeasure) -> tuple[str, str]:
    """Return a difference and its limits: ballots in a thousand, shares in percentage points."""
    if item.quantity.endswith("ballots_rate"):
        low, high = (per_thousand(say, v, 3, sign=True) for v in (item.ci_lower, item.ci_upper))
        return per_thousand(say, item.estimate, 3, sign=True), f"{low} tot {high}"
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
        rows.append([names.get(unit, unit), METHODS[level], *map(number, counts), *shares])
    rows.sort(key=lambda row: sort_name(row[0]))
    header = ["Gemeente", "Telling", "Bureaus", "Met verschil", "Meer", "Minder", "Onverklaard"]
    return pipe_table([*header, "Meer per 1.000", "Minder per 1.000"], rows, "llrrrrrrr")


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
    header = ["Groep", "Stembureaus", "Aandeel", "φ", "Buiten 95%", "Buiten 99,8%"]
    return pipe_table(header, rows, "lrrrrr")


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
    return pipe_table(
        ["Gemeente", "Stembureau", "Stemmen", "Uitgebracht", "Aandeel"], rows, "lrrrr"
    )


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
        rows.append([f"verschil in verandering sinds {check.baseline}", *[NO_NUMBER] * 2, change])
    header = ["Verkiezing", "Experiment", "Controle", "Procentpunten (interval)"]
    return pipe_table(header, rows, "lrrr")
