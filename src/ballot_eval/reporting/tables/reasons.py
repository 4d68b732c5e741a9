"""Reasons of invalidity, votes for a party alone and published numbers as Markdown tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ballot_eval.formatting import sort_name
from ballot_eval.plan_topics import PublishedMarking
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.reporting.tables.terms import GROUPS
from ballot_eval.results import MarkingMeasure, Rate
from ballot_eval.schema.marking import INVALID_REASONS, ReasonKind
from ballot_eval.topics.marking.party_only import LEADER, WITHOUT
from ballot_eval.topics.marking.published import DIFFERENCE, METHOD, PLACES
from ballot_eval.topics.marking.reasons import WITHOUT_REASON
from ballot_eval.topics.marking.shares import CONTRAST

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: What the rows on gross and net are called, in their order.
COMPARED = {
    "nl": {
        ("invalid", "gross_share"): "ongeldig, alle redenen samen",
        ("design", "gross_share"): "door het stembiljet (bruto)",
        ("general", "gross_share"): "algemene redenen",
        ("several_numbers", "gross_share"): "één partij, meer nummers",
        (WITHOUT_REASON, "gross_share"): "zonder opgegeven reden",
        ("invalid", "expected_share"): "ongeldig, met het oude stembiljet te verwachten",
        ("invalid", "net_excess"): "meer ongeldig dan verwacht (netto)",
        ("design", "gross_minus_net"): "bruto min netto",
    },
    "en": {
        ("invalid", "gross_share"): "invalid, all reasons together",
        ("design", "gross_share"): "due to the ballot paper (gross)",
        ("general", "gross_share"): "general reasons",
        ("several_numbers", "gross_share"): "one party, several numbers",
        (WITHOUT_REASON, "gross_share"): "no reason given",
        ("invalid", "expected_share"): "invalid, to be expected with the old ballot paper",
        ("invalid", "net_excess"): "more invalid than expected (net)",
        ("design", "gross_minus_net"): "gross minus net",
    },
}

#: Published quantities by topic and level.
QUANTITIES = {
    "nl": {
        ("reasons", "design"): "ongeldig door het stembiljet, van de uitgebrachte stemmen",
        ("reasons", "invalid"): "ongeldig, van de uitgebrachte stemmen",
        ("party_only", "total"): "alleen een partij, van de geldige stemmen",
        ("preference", "total"): "voorkeurstemmen, van de geldige stemmen",
    },
    "en": {
        ("reasons", "design"): "invalid due to the ballot paper, of votes cast",
        ("reasons", "invalid"): "invalid, of votes cast",
        ("party_only", "total"): "a party alone, of valid votes",
        ("preference", "total"): "preference votes, of valid votes",
    },
}
#: Of whom a number was published; who the reference was there, the study does not know.
UNITS = {
    "nl": GROUPS["nl"]
    | {
        "reference": "Referentiegemeenten van de evaluatie (namen niet vastgesteld)",
        "comparison": "Waarmee is vergeleken (niet vastgesteld)",
        "experiment-reference": "Experiment min referentie van de evaluatie",
        "experiment-comparison": "Experiment min vergelijking",
    },
    "en": GROUPS["en"]
    | {
        "reference": "Reference municipalities of the evaluation (names not established)",
        "comparison": "What it was compared with (not established)",
        "experiment-reference": "Experiment minus reference of the evaluation",
        "experiment-comparison": "Experiment minus comparison",
    },
}


def computed(items: Sequence[MarkingMeasure], topic: str, election: str) -> list[MarkingMeasure]:
    """Return what was computed on a topic at an election: nothing that was published."""
    return [m for m in items if (m.topic, m.election, m.source) == (topic, election, "")]


def published(items: Sequence[MarkingMeasure]) -> list[MarkingMeasure]:
    """Return what was published and not computed."""
    return [m for m in items if m.method in (METHOD, DIFFERENCE)]


def _limits(say: Language, item: MarkingMeasure) -> str:
    return NO_NUMBER if math.isnan(item.ci_lower) else say.interval(item.ci_lower, item.ci_upper)


def reason_levels(say: Language) -> dict[str, str]:
    """Return the levels of reasons in words, in their order; the sum of each kind comes first."""
    unsettled = say(nl="geldigheid niet vastgesteld", en="validity not established")
    return {
        "design": say(nl="**door het stembiljet**", en="**due to the ballot paper**"),
        **_of_kind(say, "design"),
        **{code: f"{words} ({unsettled})" for code, words in _of_kind(say, "unsettled").items()},
        "general": say(nl="**algemeen**", en="**general**"),
        **_of_kind(say, "general"),
        WITHOUT_REASON: say(nl="zonder opgegeven reden", en="no reason given"),
    }


def _of_kind(say: Language, kind: ReasonKind) -> dict[str, str]:
    return {r.code: say(nl=r.nl, en=r.en) for r in INVALID_REASONS if r.kind == kind}


def reasons(say: Language, items: Sequence[MarkingMeasure], election: str) -> str:
    """Return the reasons in the experiment municipalities together, with both shares."""
    found = {
        (m.level, m.quantity): m
        for m in computed(items, "reasons", election)
        if m.unit == "experiment"
    }
    rows = []
    for level, words in reason_levels(say).items():
        of_invalid, of_cast = found[level, "share_of_invalid"], found[level, "share_of_votes_cast"]
        shares = [say.percent(of_invalid.estimate, 1), say.percent(of_cast.estimate, 3)]
        limits = [
            NO_NUMBER if math.isnan(m.ci_lower) else say.interval(m.ci_lower, m.ci_upper, digits)
            for m, digits in ((of_invalid, 1), (of_cast, 3))
        ]
        votes = say.number(of_invalid.numerator)
        rows.append([words, votes, shares[0], limits[0], shares[1], limits[1]])
    header = {
        "nl": ["Reden", "Stemmen", "Van ongeldig", "Interval", "Van uitgebracht", "Interval"],
        "en": ["Reason", "Votes", "Of invalid", "Interval", "Of votes cast", "Interval"],
    }
    return pipe_table(say.pick(header), rows, "lrrrrr")


def reasons_municipalities(
    say: Language, items: Sequence[MarkingMeasure], names: Mapping[str, str], election: str
) -> str:
    """Return the design-related and general shares of votes cast of each municipality."""
    found = {
        (m.unit, m.level): m
        for m in computed(items, "reasons", election)
        if m.quantity == "share_of_votes_cast" and m.unit.isdigit()
    }
    rows = []
    codes = sorted({u for u, _ in found}, key=lambda c: sort_name(names.get(c, c)))
    for code in codes:
        parts = [found[code, level] for level in ("design", "general", WITHOUT_REASON)]
        shares = [say.percent(m.estimate, 3) for m in parts]
        limits = NO_NUMBER if math.isnan(parts[0].ci_lower) else _limits(say, parts[0])
        rows.append(
            [names.get(code, code), shares[0], limits, *shares[1:], say.number(parts[0].count)]
        )
    header = {
        "nl": ["Gemeente", "Stembiljet", "Interval", "Algemeen", "Zonder reden", "Stembureaus"],
        "en": ["Municipality", "Ballot paper", "Interval", "General", "No reason", "Stations"],
    }
    return pipe_table(say.pick(header), rows, "lrrrrr")


def gross_net(say: Language, items: Sequence[MarkingMeasure], election: str) -> str:
    """Return the gross design-related rate beside the net excess, and what they differ by."""
    found = {
        (m.level, m.quantity): m for m in computed(items, "reasons", election) if m.unit == CONTRAST
    }
    rows = []
    for key, words in say.pick(COMPARED).items():
        m = found[key]
        is_difference = key[1] in ("net_excess", "gross_minus_net")
        value = say.points(m.estimate, 3) if is_difference else say.percent(m.estimate, 3)
        limits = (
            NO_NUMBER
            if math.isnan(m.ci_lower)
            else say.interval(
                m.ci_lower, m.ci_upper, 3, percent_sign=not is_difference, sign=is_difference
            )
        )
        rows.append([words, value, limits])
    header = {
        "nl": ["Deel van de uitgebrachte stemmen", "Waarde", "Interval"],
        "en": ["Share of votes cast", "Value", "Interval"],
    }
    return pipe_table(say.pick(header), rows, "lrr")


def party_only(
    say: Language, items: Sequence[MarkingMeasure], names: Mapping[str, str], election: str
) -> str:
    """Return the votes for a party alone of groups and municipalities."""
    rows = []
    here = computed(items, "party_only", election)
    leaders = {
        (m.unit, m.quantity): m
        for m in here
        if m.quantity in (LEADER, WITHOUT) and m.level == "total"
    }
    shares = [m for m in here if m.quantity == "share_of_valid"]
    # The group first, which no name begins like.
    for m in sorted(shares, key=lambda m: sort_name(names.get(m.unit, ""))):
        label = names.get(m.unit, m.unit)
        if m.unit == "experiment":
            label = _exposure(say, m.level)
        first = [
            say.percent(leaders[m.unit, q].estimate, 1)
            if m.level == "total" and (m.unit, q) in leaders
            else NO_NUMBER
            for q in (LEADER, WITHOUT)
        ]
        rows.append(
            [label, say.number(m.numerator), say.percent(m.estimate), _limits(say, m), *first]
        )
    header = {
        "nl": ["Gemeente", "Stemmen", "Van geldig", "Interval", "Lijsttrekkers", "Zonder"],
        "en": ["Municipality", "Votes", "Of valid", "Interval", "First candidates", "Without"],
    }
    return pipe_table(say.pick(header), rows, "lrrrrr")


def _exposure(say: Language, level: str) -> str:
    """Return a group of experiment municipalities in words: ``waarvan 1e gebruik``."""
    if level == "total":
        return f"**{say.pick(GROUPS)['experiment']}**"
    use = say.ordinal(int(level.removeprefix("exposure_")))
    return say(nl=f"waarvan {use} gebruik", en=f"of which {use} use")


def _decimals(item: MarkingMeasure, shares: Sequence[PublishedMarking]) -> int:
    """Return the decimals that a number, or the more exact side of a difference, was given in."""
    units = item.unit.split("-")
    return max(
        share.rounded.decimals or 0
        for share in shares
        if share.election == item.election
        and share.unit in units
        and (PLACES[share.quantity].topic, PLACES[share.quantity].level) == (item.topic, item.level)
    )


def marking_published(
    say: Language,
    items: Sequence[MarkingMeasure],
    rates: Sequence[Rate],
    shares: Sequence[PublishedMarking],
) -> str:
    """Return the published numbers, beside the same numbers of the experiment as computed.

    They have the decimals of ``shares``, which are those of the plan, and their limits one more.
    Those of other municipalities are not computed: who they were is not established.
    """
    key = ("topic", "election", "level", "quantity")
    own = {
        tuple(getattr(m, k) for k in key): m.estimate
        for m in items
        if not m.source and m.unit == "experiment"
    }
    own |= {
        ("reasons", r.election, "invalid", "share_of_votes_cast"): r.rate
        for r in rates
        if (r.unit, r.outcome) == ("experiment", "invalid")
    }
    rows = []
    for m in published(items):
        here = own.get(tuple(getattr(m, k) for k in key)) if m.unit == "experiment" else None
        is_difference = m.method == DIFFERENCE
        digits = _decimals(m, shares)
        limits = say.interval(
            m.ci_lower, m.ci_upper, digits + 1, percent_sign=not is_difference, sign=is_difference
        )
        rows.append(
            [
                say.pick(QUANTITIES)[m.topic, m.level],
                say.pick(UNITS).get(m.unit, m.unit),
                m.election,
                say.points(m.estimate, digits)
                if is_difference
                else say.percent(m.estimate, digits),
                limits,
                NO_NUMBER if here is None else say.percent(here),
            ]
        )
    header = {
        "nl": ["Aandeel", "Van", "Verkiezing", "Gepubliceerd", "Afgerond uit", "Berekend"],
        "en": ["Share", "Of", "Election", "Published", "Rounded from", "Computed"],
    }
    return pipe_table(say.pick(header), rows, "lllrrr")


def reason_tables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the tables on reasons and votes for a party alone that there are results for."""
    study, marking = outcome.study, outcome.results.marking
    names, election = municipality_names(outcome.panel), study.election
    here = {
        (topic, m.unit)
        for topic in ("reasons", "party_only")
        for m in computed(marking, topic, election)
    }
    made: dict[str, str] = {}
    if ("reasons", "experiment") in here:
        made["reasons"] = reasons(say, marking, election)
        made["reasons_municipalities"] = reasons_municipalities(say, marking, names, election)
    if ("reasons", CONTRAST) in here:
        made["gross_net"] = gross_net(say, marking, election)
    if ("party_only", "experiment") in here:
        made["party_only"] = party_only(say, marking, names, election)
    if published(marking):
        made["marking_published"] = marking_published(
            say, marking, outcome.results.rates, outcome.study.marking.published
        )
    return made
