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

#: Measures by unit, level and quantity.
Found = dict[tuple[str, str, str], MarkingMeasure]

NO_REASONS = {
    "nl": "De redenen van ongeldigheid zijn niet gemeten.",
    "en": "The reasons for invalidity were not measured.",
}
NO_PARTY_ONLY = {
    "nl": "Hoe vaak alleen een partij is gemarkeerd, is niet gemeten.",
    "en": "How often only a party was marked was not measured.",
}


def marking_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to; empty where nothing is known."""
    said = {f"reasons_{name}_text": "" for name in ("coverage", "gross", "net", "unsettled")}
    said |= {"reasons_text": say.pick(NO_REASONS), "party_only_text": say.pick(NO_PARTY_ONLY)}
    said |= {"party_only_leader_text": "", "marking_published_text": _published(say, outcome)}
    return said | _reasons(say, outcome) | _party_only(say, outcome)


def _computed(outcome: Outcome, topic: str) -> Found:
    """Return what was computed at the study's election by unit, level and quantity."""
    items = computed(outcome.results.marking, topic, outcome.study.election)
    return {(m.unit, m.level, m.quantity): m for m in items}


def _reasons(say: Language, outcome: Outcome) -> dict[str, str]:
    found = _computed(outcome, "reasons")
    design = found.get(("experiment", "design", "share_of_invalid"))
    if design is None:
        return {}
    cast = found["experiment", "design", "share_of_votes_cast"]
    votes = say.number(design.denominator)
    of_invalid = say.percent(design.estimate, 0)
    of_cast = say.percent(cast.estimate)
    return {
        "reasons_text": say(
            nl=f"Van de {votes} ongeldige stemmen in de experimentgemeenten met redenen is "
            f"{of_invalid} ongeldig door het stembiljet{_between(say, design, 0)}: {of_cast} van "
            f"alle uitgebrachte stemmen{_between(say, cast, 2)}.",
            en=f"Of the {votes} invalid votes in the experiment municipalities for which there are "
            f"reasons, {of_invalid} are invalid due to the ballot paper{_between(say, design, 0)}: "
            f"{of_cast} of all votes cast{_between(say, cast, 2)}.",
        ),
        "reasons_coverage_text": _coverage(say, outcome, found),
        "reasons_unsettled_text": _unsettled(say, found),
    } | _gross_and_net(say, outcome, found)


def _between(say: Language, item: MarkingMeasure, digits: int) -> str:
    if math.isnan(item.ci_lower):
        return ""
    return f" (interval {say.interval(item.ci_lower, item.ci_upper, digits)})"


def _coverage(say: Language, outcome: Outcome, found: Found) -> str:
    """Say of which experiment municipalities there are reasons, and of how many votes none."""
    names = municipality_names(outcome.panel)
    experiment = outcome.study.experiment()
    have = [c for c in experiment if (c, "design", "share_of_invalid") in found]
    some, every = say.count(len(have)), say.count(len(experiment))
    absent = say.listed([names.get(c, c) for c in experiment if c not in have])
    but_not = say(nl=f"; niet van {absent}", en=f"; not for {absent}") if absent else ""
    text = say(
        nl=f"Er zijn redenen van {some} van de {every} experimentgemeenten{but_not}.",
        en=f"There are reasons for {some} of the {every} experiment municipalities{but_not}.",
    )
    if not absent:
        text = say(
            nl="Van elke experimentgemeente zijn er redenen.",
            en="There are reasons for every experiment municipality.",
        )
    without = found["experiment", WITHOUT_REASON, "share_of_invalid"]
    if not without.numerator:
        full = say(
            nl="Elke ongeldige stem heeft er een reden.",
            en="Every invalid vote there has a reason.",
        )
        return f"{text} {full}"
    short = say.listed(
        [names.get(c, c) for c in have if found[c, WITHOUT_REASON, "share_of_invalid"].numerator]
    )
    votes = say.plural(
        int(without.numerator),
        nl=("ongeldige stem", "ongeldige stemmen"),
        en=("invalid vote", "invalid votes"),
    )
    share = say.percent(without.estimate, 1)
    return say(
        nl=f"{text} Van {votes} ({share}) is geen reden opgegeven, in {short}. De aandelen van "
        "redenen zijn daardoor te laag: hoogstens zoveel als er zonder reden is.",
        en=f"{text} No reason is given for {votes} ({share}), in {short}. The shares of reasons "
        "are therefore too low: by at most the share without a reason.",
    )


def _unsettled(say: Language, found: Found) -> str:
    item = found["experiment", "several_numbers", "share_of_invalid"]
    if not item.numerator:
        return ""
    votes = say.plural(
        int(item.numerator), nl=("stem", "stemmen"), en=("ballot paper", "ballot papers")
    )
    return say(
        nl=f"Bij {votes} was één partij gemarkeerd met meer nummers. Of zo'n stem ongeldig is, is "
        "niet vastgesteld; zij telt bij geen van beide soorten mee.",
        en=f"On {votes} one party was marked with several numbers. Whether such a vote is invalid "
        "is not established; it counts towards neither of the two kinds.",
    )


def _gross_and_net(say: Language, outcome: Outcome, found: Found) -> dict[str, str]:
    def item(level: str, quantity: str) -> MarkingMeasure | None:
        return found.get((CONTRAST, level, quantity))

    gross, net = item("design", "gross_share"), item("invalid", "net_excess")
    general, expected = item("general", "gross_share"), item("invalid", "expected_share")
    more, without = item("design", "gross_minus_net"), item(WITHOUT_REASON, "gross_share")
    if not (gross and net and general and expected and more):
        return {}
    if math.isnan(net.estimate):
        reason = why(say, net.note, outcome)
        text = say(
            nl=f"Het netto verschil is niet te schatten: {reason}.",
            en=f"The net difference cannot be estimated: {reason}.",
        )
        return {"reasons_gross_text": text}
    return {
        "reasons_gross_text": _gross(say, outcome, gross, net),
        "reasons_net_text": _net(say, more, expected, general, without),
    }


def _gross(say: Language, outcome: Outcome, gross: MarkingMeasure, net: MarkingMeasure) -> str:
    """Say which share is invalid due to the ballot, and how all invalid votes changed."""
    baseline = outcome.study.baselines[0]
    share, change = say.percent(gross.estimate), say.points(net.estimate)
    p_value = say.p_value(net.p_value)
    text = say(
        nl=f"Door het stembiljet ongeldig is {share} van de uitgebrachte stemmen (bruto). Het "
        f"aandeel ongeldige stemmen veranderde sinds {baseline} met {change} ten opzichte van de "
        f"controlegemeenten (netto; {say.limits(net)}; p-waarde {p_value}); elke stem telt "
        "daarbij even zwaar.",
        en=f"Votes invalid due to the ballot paper make up {share} of votes cast (gross). "
        f"Since {baseline} the share of invalid votes changed by {change} relative to the control "
        f"municipalities (net; {say.limits(net)}; p-value {p_value}), with every vote counting "
        "equally.",
    )
    if not net.note:
        return text
    note = why(say, net.note, outcome)
    return f"{text} {say(nl='Over de vergelijking', en='On the comparison')}: {note}."


def _net(
    say: Language,
    more: MarkingMeasure,
    expected: MarkingMeasure,
    general: MarkingMeasure,
    without: MarkingMeasure | None,
) -> str:
    """Say what gross less net is, exactly."""
    untold = ""
    if without and without.numerator:
        share = say.percent(without.estimate)
        untold = say(
            nl=f" of zonder opgegeven reden ({share})", en=f" or without a stated reason ({share})"
        )
    size = f"{say.points(more.estimate)} ({say.limits(more)})"
    foreseen, of_general = say.percent(expected.estimate), say.percent(general.estimate)
    return say(
        nl=f"Bruto min netto is {size}. Dat is precies wat er met het oude stembiljet aan "
        f"ongeldige stemmen te verwachten was ({foreseen}: het aandeel toen, met de verandering "
        f"van de controlegemeenten) min wat er nu om andere redenen{untold} ongeldig is (waarvan "
        f"algemeen {of_general}).",
        en=f"Gross minus net is {size}. That is exactly the share of invalid votes that was to be "
        f"expected with the old ballot paper ({foreseen}: the share then, with the change in the "
        f"control municipalities) minus the share that is now invalid for other reasons{untold} "
        f"(of which general reasons {of_general}).",
    )


def _party_only(say: Language, outcome: Outcome) -> dict[str, str]:
    found = _computed(outcome, "party_only")
    total = found.get(("experiment", "total", "share_of_valid"))
    if total is None:
        return {}
    coverage = _stations_counted(say, outcome, found)
    if math.isnan(total.estimate):
        return {"party_only_text": coverage}
    votes, share = say.number(total.numerator), say.percent(total.estimate)
    text = say(
        nl=f"In de experimentgemeenten is op {votes} geldige stemmen alleen een partij gemarkeerd: "
        f"{share} van de geldige stemmen",
        en=f"In the experiment municipalities, {votes} valid votes have only a party marked: "
        f"{share} of valid votes",
    )
    text += f"{_between(say, total, 2)}{_by_use(say, found)}."
    said = {"party_only_text": f"{text} {coverage}".strip()}
    leader, without = (found.get(("experiment", "total", q)) for q in (LEADER, WITHOUT))
    if leader and without:
        every, marked = say.percent(leader.estimate, 1), say.percent(without.estimate, 1)
        said["party_only_leader_text"] = say(
            nl=f"Van alle geldige stemmen is {every} voor een lijsttrekker. Zonder de stemmen op "
            "alleen een partij, dus van de stemmen waarop een kandidaat is gemarkeerd, is dat "
            f"{marked}.",
            en=f"Of all valid votes, {every} are for the first candidate on a list. Without the "
            "votes for a party alone, that is, of the votes on which a candidate is marked, it is "
            f"{marked}.",
        )
    return said


def _by_use(say: Language, found: Found) -> str:
    """Return the shares by how often the ballot was used, where that differs."""
    uses = []
    for (unit, level, quantity), m in found.items():
        if (unit, quantity) != ("experiment", "share_of_valid") or level == "total":
            continue
        if not math.isnan(m.estimate):
            use = say.ordinal(int(level.removeprefix("exposure_")))
            when = say(nl=f"waar het de {use} keer is", en=f"where it is the {use} time")
            uses.append(f"{say.percent(m.estimate)} {when}")
    return f"; {say.listed(uses)}" if len(uses) > 1 else ""


def _stations_counted(say: Language, outcome: Outcome, found: Found) -> str:
    """Say of which municipalities not every polling station has votes for a party alone."""
    names = municipality_names(outcome.panel)

    def noted(note: str) -> str:
        return say.listed(
            [
                names.get(unit, unit)
                for (unit, _, quantity), m in found.items()
                if unit.isdigit() and quantity == "share_of_valid" and m.note.startswith(note)
            ]
        )

    some, none = noted(SOME_STATIONS), noted(NOT_COVERED)
    parts = []
    if some:
        parts.append(
            say(
                nl=f"In {some} is dit niet van elk stembureau bekend; het aandeel is daar dat van "
                "de stembureaus waarvan het bekend is.",
                en=f"In {some} this is not known for every polling station; the share there is "
                "that of the polling stations for which it is known.",
            )
        )
    if none:
        parts.append(
            say(
                nl=f"In {none} is dit per stembureau bekend, maar niet van hoeveel geldige "
                "stemmen; dit telt daarom niet mee.",
                en=f"In {none} this is known per polling station, but not of how many valid "
                "votes; it is therefore left out.",
            )
        )
    return " ".join(parts)


def _published(say: Language, outcome: Outcome) -> str:
    items = published(outcome.results.marking)
    if not items:
        return ""
    names = {p.source: p.source_en or p.source for p in outcome.study.marking.published}
    sources: dict[str, set[str]] = {}
    for m in items:
        named = say(nl=m.source, en=names.get(m.source, m.source))
        sources.setdefault(m.election, set()).add(named)
    listed = "; ".join(f"{e}: {say.listed(sorted(found))}" for e, found in sources.items())
    text = say(
        nl="De getallen in deze tabel zijn gepubliceerd, niet berekend. Zij zijn afgerond; hun "
        "grenzen staan erbij, en die zijn geen onzekerheid van een schatting. Ernaast staat "
        "hetzelfde aandeel voor zover het hier is berekend. Bron van de gepubliceerde getallen "
        f"van {listed}.",
        en="The figures in this table were published, not computed. They are rounded; their "
        "limits are given, and these are not the uncertainty of an estimate. Beside them is the "
        "same share as far as it is computed here. Source of the published figures of "
        f"{listed}.",
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
            size = f"{say.points(e.estimate)} ({say.limits(e)})"
            return say(
                nl="Het gepubliceerde verschil in ongeldige stemmen is dat van twee aandelen bij "
                "dezelfde verkiezing. Hier is het netto verschil berekend: de verandering sinds "
                f"{baseline} in de experimentgemeenten min die in de controlegemeenten, elke stem "
                f"even zwaar. Dat is {size}; de methode verschilt, dus de twee hoeven niet gelijk "
                "te zijn.",
                en="The published difference in invalid votes is between two shares at the same "
                "election. Here the net difference is computed: the change since "
                f"{baseline} in the experiment municipalities minus that in the control "
                f"municipalities, with every vote counting equally. That is {size}; the methods "
                "differ, so the two need not be equal.",
            )
    return ""
