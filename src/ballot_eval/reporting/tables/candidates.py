"""Preference votes and repeated numbers as Markdown tables for the report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.repeated_number import LARGEST, MIN_VOTES
from ballot_eval.formatting import (
    count_in_words,
    sort_name,
)
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import GROUPS, WEIGHTINGS
from ballot_eval.results import MarkingMeasure, ResultSet
from ballot_eval.topics.marking import preference, repeated_number
from ballot_eval.topics.marking.shares import CONTRAST

#: What is compared in a table of preference votes.
QUANTITIES = {preference.SHARE: "alle stemmen", preference.CORRECTED: "zonder partijstemmen"}

METHODS = {
    "randomisation_list": "hertoewijzing, per lijst",
    "randomisation_ballot": "hertoewijzing, per stem",
    "randomisation_precision": "hertoewijzing, naar nauwkeurigheid",
    "hodges_lehmann": "mediaan van verschillen (Hodges–Lehmann)",
}

REASONS = {
    "first_list": "lijst 1: niet te onderscheiden van een stem op de lijsttrekker",
    "high_number": f"nummer hoger dan {count_in_words(LARGEST)}",
    "short_list": "te weinig namen na de kandidaat",
    "few_votes": f"minder dan {MIN_VOTES} stemmen",
    "nothing_to_compare": "niets om mee te vergelijken",
}


def of_topic(items: Iterable[MarkingMeasure], topic: str, **wanted: str) -> list[MarkingMeasure]:
    """Return the measures of a topic with these fields."""
    return [
        m for m in items if m.topic == topic and all(getattr(m, k) == v for k, v in wanted.items())
    ]


def _limits(say: Language, item: MarkingMeasure) -> str:
    if math.isnan(item.ci_lower):
        return NO_NUMBER
    return say.interval(item.ci_lower, item.ci_upper, percent_sign=False, sign=True)


def candidate_tables(
    say: Language, results: ResultSet, study: StudyDesign, names: Mapping[str, str]
) -> dict[str, str]:
    """Return the tables by name, those that there are results for."""
    items, election = results.marking, study.election
    made = {
        "preference_groups": preference_groups(say, items),
        "preference_municipalities": preference_municipalities(
            say, items, names, study.experiment(), election
        ),
        "preference_lists": preference_lists(say, items, election),
        "preference_effects": preference_effects(say, items),
        "repeated_numbers": repeated_numbers(say, items, election),
        "repeated_methods": repeated_methods(say, items),
        "repeated_excluded": repeated_excluded(say, items),
    }
    return {name: text for name, text in made.items() if text}


def _table(say: Language, header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Return a table, or nothing without rows."""
    return pipe_table(header, rows, align) if rows else ""


def preference_groups(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return the share of preference votes by election and group."""
    rows = [
        [
            m.election,
            say.pick(GROUPS)[m.unit],
            QUANTITIES[m.quantity],
            say.number(m.numerator),
            say.number(m.denominator),
            say.percent(m.estimate, 1),
            NO_NUMBER if math.isnan(m.ci_lower) else say.interval(m.ci_lower, m.ci_upper, 1),
        ]
        for m in of_topic(items, preference.TOPIC, level="total")
        if m.unit in say.pick(GROUPS)
    ]
    header = ["Verkiezing", "Groep", "Van", "Voorkeurstemmen", "Stemmen", "Aandeel", "Interval"]
    return _table(say, header, rows, "lllrrrr")


def preference_municipalities(
    say: Language,
    items: Sequence[MarkingMeasure],
    names: Mapping[str, str],
    codes: Iterable[str],
    election: str,
) -> str:
    """Return the share of preference votes in every experiment municipality at an election."""
    found = {
        (m.unit, m.quantity): m
        for m in of_topic(items, preference.TOPIC, level="total", election=election)
    }
    rows = []
    for code in sorted(codes, key=lambda c: sort_name(names[c])):
        every, corrected = (found.get((code, q)) for q in QUANTITIES)
        if every is None:
            continue
        own = of_topic(items, preference.TOPIC, unit=code, election=election)
        lists = [m.estimate for m in own if m.level.startswith(preference.LIST)]
        rows.append(
            [
                names[code],
                say.number(every.numerator),
                say.percent(every.estimate, 1),
                say.percent(corrected.estimate, 1) if corrected else NO_NUMBER,
                say.interval(min(lists), max(lists), 0) if lists else NO_NUMBER,
            ]
        )
    header = ["Gemeente", "Voorkeurstemmen", "Aandeel", "Zonder partijstemmen", "Lijsten"]
    return _table(say, header, rows, "lrrrr")


def preference_lists(say: Language, items: Sequence[MarkingMeasure], election: str) -> str:
    """Return the share of every list in both groups and the difference, where lists are the same.

    Without the rows of lists that one of the groups has no votes for.
    """
    found = {
        (m.level, m.unit): m
        for m in of_topic(items, preference.TOPIC, election=election, quantity=preference.SHARE)
        if m.level.startswith(preference.LIST)
    }
    rows = []
    for (level, unit), difference in found.items():
        if unit != CONTRAST or math.isnan(difference.estimate):
            continue
        own, control = found[level, "experiment"], found[level, "control"]
        rows.append(
            [
                level.removeprefix(preference.LIST),
                say.percent(own.estimate, 1),
                say.percent(control.estimate, 1),
                say.points(difference.estimate, unit=False),
                _limits(say, difference),
                say.p_value(difference.p_value),
            ]
        )
    header = ["Lijst", "Experiment", "Controle", "Verschil", "Interval", "p-waarde"]
    return _table(say, header, rows, "lrrrrr")


def preference_effects(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return the differences in preference votes, at the election and since earlier ones."""
    rows = [
        [
            QUANTITIES[m.quantity],
            "bij de verkiezing" if m.level == preference.AT_ELECTION else f"sinds {m.level}",
            say.pick(WEIGHTINGS)[m.method.removeprefix("randomisation_")],
            say.points(m.estimate, unit=False),
            _limits(say, m),
            say.p_value(m.p_value),
        ]
        for m in of_topic(items, preference.TOPIC, unit=CONTRAST)
        if not math.isnan(m.estimate) and not m.level.startswith(preference.LIST)
    ]
    return _table(
        say, ["Van", "Verschil", "Weging", "Schatting", "Interval", "p-waarde"], rows, "lllrrr"
    )


def repeated_numbers(say: Language, items: Sequence[MarkingMeasure], election: str) -> str:
    """Return the excess by number in both groups, and the difference."""
    found = {
        (m.level, m.unit): m
        for m in of_topic(items, repeated_number.TOPIC, quantity=repeated_number.EXCESS)
        if m.election == election and m.method in ("crv3", "randomisation_list")
    }
    rows = []
    for level in dict.fromkeys(level for level, unit in found if unit == "experiment"):
        own, control = found[level, "experiment"], found.get((level, "control"))
        difference = found.get((level, CONTRAST))
        rows.append(
            [
                "alle" if level == "total" else level,
                say.number(own.count),
                say.number(own.numerator),
                _excess(say, own),
                _excess(say, control),
                _excess(say, difference),
                _limits(say, difference) if difference else NO_NUMBER,
            ]
        )
    header = ["Nummer", "Lijsten", "Stemmen", "Experiment", "Controle", "Verschil", "Interval"]
    return _table(say, header, rows, "lrrrrrr")


def _excess(say: Language, item: MarkingMeasure | None) -> str:
    if item is None or math.isnan(item.estimate):
        return NO_NUMBER
    return say.points(item.estimate, unit=False)


def repeated_methods(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return the excess of experiment over control municipalities by election and method."""
    rows = [
        [
            m.election,
            METHODS[m.method],
            say.points(m.estimate, unit=False),
            _limits(say, m),
            say.p_value(m.p_value),
        ]
        for m in of_topic(items, repeated_number.TOPIC, unit=CONTRAST)
        if m.level == "total" and not math.isnan(m.estimate)
    ]
    return _table(
        say, ["Verkiezing", "Methode", "Overschot", "Interval", "p-waarde"], rows, "llrrr"
    )


def repeated_excluded(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return the lists of experiment municipalities that cannot be judged, by reason."""
    rows = [
        [REASONS[m.level], say.number(m.count), say.percent(m.numerator / m.denominator, 1)]
        for m in of_topic(items, repeated_number.TOPIC, quantity="excluded_lists")
        if m.count
    ]
    return _table(say, ["Waarom", "Lijsten", "Deel van de geldige stemmen"], rows, "lrr")
