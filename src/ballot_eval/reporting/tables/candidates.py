"""Preference votes and repeated numbers as Markdown tables for the report."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.repeated_number import LARGEST, MIN_VOTES
from ballot_eval.formatting import count_in_words, sort_name
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.selection import with_fields
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import GROUPS, WEIGHTINGS, narrow_group
from ballot_eval.results import MarkingMeasure, ResultSet
from ballot_eval.topics.marking import preference, repeated_number
from ballot_eval.topics.marking.shares import CONTRAST

#: What is compared in a table of preference votes.
QUANTITIES = {
    "nl": {preference.SHARE: "alle stemmen", preference.CORRECTED: "zonder partijstemmen"},
    "en": {preference.SHARE: "all votes", preference.CORRECTED: "without party-only votes"},
}

METHODS = {
    "nl": {
        "randomisation_list": "hertoewijzing, per lijst",
        "randomisation_ballot": "hertoewijzing, per stem",
        "randomisation_precision": "hertoewijzing, naar nauwkeurigheid",
        "hodges_lehmann": "mediaan van verschillen (Hodges–Lehmann)",
    },
    "en": {
        "randomisation_list": "reassignment, by list",
        "randomisation_ballot": "reassignment, by ballot",
        "randomisation_precision": "reassignment, by precision",
        "hodges_lehmann": "median of differences (Hodges–Lehmann)",
    },
}

REASONS = {
    "nl": {
        "first_list": "lijst 1: niet te onderscheiden van een stem op de lijsttrekker",
        "high_number": f"nummer hoger dan {count_in_words(LARGEST, language='nl')}",
        "short_list": "te weinig namen na de kandidaat",
        "few_votes": f"minder dan {MIN_VOTES} stemmen",
        "nothing_to_compare": "niets om mee te vergelijken",
    },
    "en": {
        "first_list": "list 1: cannot be told from a vote for the first candidate",
        "high_number": f"number above {count_in_words(LARGEST, language='en')}",
        "short_list": "too few names after the candidate",
        "few_votes": f"fewer than {MIN_VOTES} votes",
        "nothing_to_compare": "nothing to compare with",
    },
}


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


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Return a table, or nothing without rows."""
    return pipe_table(header, rows, align) if rows else ""


def preference_groups(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return the share of preference votes by election and group."""
    rows = [
        [
            m.election,
            narrow_group(say, say.pick(GROUPS)[m.unit]),
            say.pick(QUANTITIES)[m.quantity],
            say.number(m.numerator),
            say.number(m.denominator),
            say.percent(m.estimate, 1),
            NO_NUMBER if math.isnan(m.ci_lower) else say.interval(m.ci_lower, m.ci_upper, 1),
        ]
        for m in with_fields(items, topic=preference.TOPIC, level="total")
        if m.unit in say.pick(GROUPS)
    ]
    header = {
        "nl": ["Verkiezing", "Groep", "Van", "Voorkeurstemmen", "Stemmen", "Aandeel", "Interval"],
        "en": ["Election", "Group", "Of", "Preference votes", "Votes", "Share", "Interval"],
    }
    return _table(say.pick(header), rows, "lllrrrr")


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
        for m in with_fields(items, topic=preference.TOPIC, level="total", election=election)
    }
    rows = []
    for code in sorted(codes, key=lambda c: sort_name(names[c])):
        every, corrected = (found.get((code, q)) for q in (preference.SHARE, preference.CORRECTED))
        if every is None:
            continue
        own = with_fields(items, topic=preference.TOPIC, unit=code, election=election)
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
    header = {
        "nl": ["Gemeente", "Voorkeurstemmen", "Aandeel", "Zonder partijstemmen", "Lijsten"],
        "en": ["Municipality", "Preference votes", "Share", "Without party-only votes", "Lists"],
    }
    return _table(say.pick(header), rows, "lrrrr")


def preference_lists(say: Language, items: Sequence[MarkingMeasure], election: str) -> str:
    """Return the share of every list in both groups and the difference, where lists are the same.

    Without the rows of lists that one of the groups has no votes for.
    """
    found = {
        (m.level, m.unit): m
        for m in with_fields(
            items, topic=preference.TOPIC, election=election, quantity=preference.SHARE
        )
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
    header = {
        "nl": ["Lijst", "Experiment", "Controle", "Verschil", "Interval", "p-waarde"],
        "en": ["List", "Experiment", "Control", "Difference", "Interval", "p-value"],
    }
    return _table(say.pick(header), rows, "lrrrrr")


def preference_effects(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return the differences in preference votes, at the election and since earlier ones."""
    rows = [
        [
            say.pick(QUANTITIES)[m.quantity],
            say(nl="bij de verkiezing", en="at the election")
            if m.level == preference.AT_ELECTION
            else say(nl=f"sinds {m.level}", en=f"since {m.level}"),
            say.pick(WEIGHTINGS)[m.method.removeprefix("randomisation_")],
            say.points(m.estimate, unit=False),
            _limits(say, m),
            say.p_value(m.p_value),
        ]
        for m in with_fields(items, topic=preference.TOPIC, unit=CONTRAST)
        if not math.isnan(m.estimate) and not m.level.startswith(preference.LIST)
    ]
    header = {
        "nl": ["Van", "Verschil", "Weging", "Schatting", "Interval", "p-waarde"],
        "en": ["Of", "Difference", "Weighting", "Estimate", "Interval", "p-value"],
    }
    return _table(say.pick(header), rows, "lllrrr")


def repeated_numbers(say: Language, items: Sequence[MarkingMeasure], election: str) -> str:
    """Return the excess by number in both groups, and the difference."""
    found = {
        (m.level, m.unit): m
        for m in with_fields(items, topic=repeated_number.TOPIC, quantity=repeated_number.EXCESS)
        if m.election == election and m.method in ("crv3", "randomisation_list")
    }
    rows = []
    for level in dict.fromkeys(level for level, unit in found if unit == "experiment"):
        own, control = found[level, "experiment"], found.get((level, "control"))
        difference = found.get((level, CONTRAST))
        rows.append(
            [
                say(nl="alle", en="all") if level == "total" else level,
                say.number(own.count),
                say.number(own.numerator),
                _excess(say, own),
                _excess(say, control),
                _excess(say, difference),
                _limits(say, difference) if difference else NO_NUMBER,
            ]
        )
    header = {
        "nl": ["Nummer", "Lijsten", "Stemmen", "Experiment", "Controle", "Verschil", "Interval"],
        "en": ["Number", "Lists", "Votes", "Experiment", "Control", "Difference", "Interval"],
    }
    return _table(say.pick(header), rows, "lrrrrrr")


def _excess(say: Language, item: MarkingMeasure | None) -> str:
    if item is None or math.isnan(item.estimate):
        return NO_NUMBER
    return say.points(item.estimate, unit=False)


def repeated_methods(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return the excess of experiment over control municipalities by election and method."""
    rows = [
        [
            m.election,
            say.pick(METHODS)[m.method],
            say.points(m.estimate, unit=False),
            _limits(say, m),
            say.p_value(m.p_value),
        ]
        for m in with_fields(items, topic=repeated_number.TOPIC, unit=CONTRAST)
        if m.level == "total" and not math.isnan(m.estimate)
    ]
    header = {
        "nl": ["Verkiezing", "Methode", "Overschot", "Interval", "p-waarde"],
        "en": ["Election", "Method", "Excess", "Interval", "p-value"],
    }
    return _table(say.pick(header), rows, "llrrr")


def repeated_excluded(say: Language, items: Sequence[MarkingMeasure]) -> str:
    """Return the lists of experiment municipalities that cannot be judged, by reason."""
    rows = [
        [
            say.pick(REASONS)[m.level],
            say.number(m.count),
            say.percent(m.numerator / m.denominator, 1),
        ]
        for m in with_fields(items, topic=repeated_number.TOPIC, quantity="excluded_lists")
        if m.count
    ]
    header = {
        "nl": ["Waarom", "Lijsten", "Deel van de geldige stemmen"],
        "en": ["Why", "Lists", "Share of the valid votes"],
    }
    return _table(say.pick(header), rows, "lrr")
