"""The sentences of the report on reasons of invalidity and votes for a party alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.tables.reasons import computed, published
from ballot_eval.reporting.wording.notes import why
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.marking.party_only import (
    LEADER,
    NOT_COVERED,
    SOME_STATIONS,
    WITHOUT,
)
from ballot_eval.topics.marking.published import DIFFERENCE
from ballot_eval.topics.marking.reasons import WITHOUT_REASON
from ballot_eval.topics.marking.shares import CONTRAST

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_REASONS = "De redenen van ongeldigheid zijn niet gemeten."
NO_PARTY_ONLY = "Hoe vaak alleen een partij is gemarkeerd, is niet gemeten."


def marking_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to; empty where nothing is known."""
    said = {f"reasons_{name}_text": "" for name in ("coverage", "gross", "net", "unsettled")}
    said |= {"reasons_text": NO_REASONS, "party_only_text": NO_PARTY_ONLY}
    said |= {"party_only_leader_text": "", "marking_published_text": _published(say, outcome)}
    return said | _reasons(say, outcome) | _party_only(say, outcome)


def _computed(outcome: Outcome, topic: str) -> dict[tuple[str, str, str], MarkingMeasure]:
    """Return what was computed at the study's election by unit, level and quantity."""
    items = computed(outcome.results.marking, topic, outcome.study.election)
    return {(m.unit, m.level, m.quantity): m for m in items}


def _reasons(say: Language, outcome: Outcome) -> dict[str, str]:
    found = _computed(outcome, "reasons")
    design = found.get(("experiment", "design", "share_of_invalid"))
    if design is None:
        return {}
    cast = found["experiment", "design", "share_of_votes_cast"]
    return {
        "reasons_text": (
            f"Van de {say.number(design.denominator)} ongeldige stemmen in de experimentgemeenten met "
            f"redenen is {say.percent(design.estimate, 0)} ongeldig door het stembiljet"
            f"{_between(say, design, 0)}: {say.percent(cast.estimate)} van alle uitgebrachte stemmen"
            f"{_between(say, cast, 2)}."
        ),
        "reasons_coverage_text": _coverage(say, outcome, found),
        "reasons_unsettled_text": _unsettled(say, found),
    } | _gross_and_net(say, outcome, found)


def _between(say: Language, item: MarkingMeasure, digits: int) -> str:
    if math.isnan(item.ci_lower):
        return ""
    return f" (interval {say.interval(item.ci_lower, item.ci_upper, digits)})"


def _coverage(
    say: Language, outcome: Outcome, found: dict[tuple[str, str, str], MarkingMeasure]
) -> str:
    """Say of which experiment municipalities there are reasons, and of how many votes none."""
    names = municipality_names(outcome.panel)
    experiment = outcome.study.experiment()
    have = [c for c in experiment if (c, "design", "share_of_invalid") in found]
    counts = (say.count(n) for n in (len(have), len(experiment)))
    text = f"Er zijn redenen van {' van de '.join(counts)} experimentgemeenten"
    absent = [names.get(c, c) for c in experiment if c not in have]
    text += f"; niet van {say.listed(absent)}." if absent else "."
    without = found["experiment", WITHOUT_REASON, "share_of_invalid"]
    if not without.numerator:
        return f"{text} Elke ongeldige stem heeft er een reden."
    short = [
        names.get(c, c) for c in have if found[c, WITHOUT_REASON, "share_of_invalid"].numerator
    ]
    return (
        f"{text} Van {say.number(without.numerator)} ongeldige stemmen "
        f"({say.percent(without.estimate, 1)}) is geen reden opgegeven, in "
        f"{say.listed(short)}. De aandelen van redenen zijn daardoor te laag: hoogstens "
        "zoveel als er zonder reden is."
    )


def _unsettled(say: Language, found: dict[tuple[str, str, str], MarkingMeasure]) -> str:
    item = found["experiment", "several_numbers", "share_of_invalid"]
    if not item.numerator:
        return ""
    return (
        f"Bij {say.number(item.numerator)} stemmen was één partij gemarkeerd met meer nummers. Of zo'n "
        "stem ongeldig is, is niet vastgesteld; zij telt bij geen van beide soorten mee."
    )


def _gross_and_net(
    say: Language, outcome: Outcome, found: dict[tuple[str, str, str], MarkingMeasure]
) -> dict[str, str]:
    def item(level: str, quantity: str) -> MarkingMeasure | None:
        return found.get((CONTRAST, level, quantity))

    gross, net = item("design", "gross_share"), item("invalid", "net_excess")
    general, expected = item("general", "gross_share"), item("invalid", "expected_share")
    more = item("design", "gross_minus_net")
    if not (gross and net and general and expected and more):
        return {}
    if math.isnan(net.estimate):
        text = f"Het netto verschil is niet te schatten: {why(say, net.note, outcome)}."
        return {"reasons_gross_text": text}
    baseline = outcome.study.baselines[0]
    first = (
        f"Door het stembiljet ongeldig is {say.percent(gross.estimate)} van de uitgebrachte stemmen "
        f"(bruto). Het aandeel ongeldige stemmen veranderde sinds {baseline} met "
        f"{say.points(net.estimate)} ten opzichte van de controlegemeenten (netto; {say.limits(net)}; "
        f"p-waarde {say.p_value(net.p_value)}); elke stem telt daarbij even zwaar."
    )
    if net.note:
        first += f" Over de vergelijking: {why(say, net.note, outcome)}."
    without = item(WITHOUT_REASON, "gross_share")
    untold = ""
    if without and without.numerator:
        untold = f" of zonder opgegeven reden ({say.percent(without.estimate)})"
    second = (
        f"Bruto min netto is {say.points(more.estimate)} ({say.limits(more)}). Dat is precies wat er met "
        f"het oude stembiljet aan ongeldige stemmen te verwachten was ({say.percent(expected.estimate)}"
        ": het aandeel toen, met de verandering van de controlegemeenten) min wat er nu om andere "
        f"redenen{untold} ongeldig is (waarvan algemeen {say.percent(general.estimate)})."
    )
    return {"reasons_gross_text": first, "reasons_net_text": second}


def _party_only(say: Language, outcome: Outcome) -> dict[str, str]:
    found = _computed(outcome, "party_only")
    total = found.get(("experiment", "total", "share_of_valid"))
    if total is None:
        return {}
    coverage = _stations_counted(say, outcome, found)
    if math.isnan(total.estimate):
        return {"party_only_text": coverage}
    uses = [
        f"{say.percent(m.estimate)} waar het de {level.removeprefix('exposure_')}e keer is"
        for (unit, level, quantity), m in found.items()
        if unit == "experiment"
        and quantity == "share_of_valid"
        and level != "total"
        and not math.isnan(m.estimate)
    ]
    text = (
        f"In de experimentgemeenten is op {say.number(total.numerator)} geldige stemmen alleen een "
        f"partij gemarkeerd: {say.percent(total.estimate)} van de geldige stemmen{_between(say, total, 2)}"
    )
    text += f"; {say.listed(uses)}." if len(uses) > 1 else "."
    leader, without = (found.get(("experiment", "total", q)) for q in (LEADER, WITHOUT))
    said = {"party_only_text": f"{text} {coverage}".strip()}
    if leader and without:
        said["party_only_leader_text"] = (
            f"Van alle geldige stemmen is {say.percent(leader.estimate, 1)} voor een lijsttrekker. "
            f"Zonder de stemmen op alleen een partij, dus van de stemmen waarop een kandidaat is "
            f"gemarkeerd, is dat {say.percent(without.estimate, 1)}."
        )
    return said


def _stations_counted(
    say: Language, outcome: Outcome, found: dict[tuple[str, str, str], MarkingMeasure]
) -> str:
    """Say of which municipalities not every polling station has votes for a party alone."""
    names = municipality_names(outcome.panel)

    def noted(note: str) -> list[str]:
        return [
            names.get(unit, unit)
            for (unit, _, quantity), m in found.items()
            if unit.isdigit() and quantity == "share_of_valid" and m.note.startswith(note)
        ]

    some, none = noted(SOME_STATIONS), noted(NOT_COVERED)
    parts = []
    if some:
        parts.append(
            f"In {say.listed(some)} is dit niet van elk stembureau bekend; het aandeel is "
            "daar dat van de stembureaus waarvan het bekend is."
        )
    if none:
        parts.append(
            f"In {say.listed(none)} is dit per stembureau bekend, maar niet van hoeveel "
            "geldige stemmen; dit telt daarom niet mee."
        )
    return " ".join(parts)


def _published(say: Language, outcome: Outcome) -> str:
    items = published(outcome.results.marking)
    if not items:
        return ""
    sources: dict[str, set[str]] = {}
    for m in items:
        sources.setdefault(m.election, set()).add(m.source)
    parts = [f"{e}: {say.listed(sorted(found))}" for e, found in sources.items()]
    text = (
        "De getallen in deze tabel zijn gepubliceerd, niet berekend. Zij zijn afgerond; hun "
        "grenzen staan erbij, en die zijn geen onzekerheid van een schatting. "
        "Ernaast staat hetzelfde aandeel voor zover het hier is berekend. "
        f"Bron van de gepubliceerde getallen van {'; '.join(parts)}."
    )
    return " ".join(filter(None, (text, _beside_difference(say, outcome, items))))


def _beside_difference(say: Language, outcome: Outcome, items: list[MarkingMeasure]) -> str:
    """Give the net excess as computed beside a published difference in all invalid votes."""
    study = outcome.study
    told = {(m.topic, m.level, m.election) for m in items if m.method == DIFFERENCE}
    if ("reasons", "invalid", study.election) not in told:
        return ""
    baseline = study.baselines[0]
    wanted = ("invalid", "att", "ballot", "randomisation", baseline)
    for e in outcome.results.effects:
        if (e.outcome, e.estimand, e.weighting, e.method, e.baseline) == wanted:
            if math.isnan(e.estimate):
                return ""
            return (
                "Het gepubliceerde verschil in ongeldige stemmen is dat van twee aandelen bij "
                "dezelfde verkiezing. Hier is het netto verschil berekend: de verandering sinds "
                f"{baseline} in de experimentgemeenten min die in de controlegemeenten, elke stem "
                f"even zwaar. Dat is {say.points(e.estimate)} ({say.limits(e)}); de methode verschilt, dus "
                "de twee hoeven niet gelijk te zijn."
            )
    return ""
