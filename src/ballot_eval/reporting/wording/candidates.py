"""The sentences of the report on preference votes and on repeated numbers of lists."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import interval, number, p_value, percent, points
from ballot_eval.reporting.tables.candidates import of_topic
from ballot_eval.reporting.wording.measures import plural
from ballot_eval.reporting.wording.notes import why
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.marking import preference, repeated_number
from ballot_eval.topics.marking.shares import CONTRAST

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_CANDIDATES = "Stemmen per kandidaat zijn niet gemeten."

NO_PARTY_ONLY = (
    "Hoeveel stemmen er alleen voor een partij waren, is niet gemeten; daarvoor is dus niet "
    "gecorrigeerd."
)

_NAMES = (
    *("preference_text", "preference_corrected_text", "preference_effect_text"),
    *("repeated_text", "repeated_votes_text", "repeated_checks_text", "repeated_before_text"),
)


def candidate_sentences(outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to.

    That there are no votes per candidate is said once; what would follow is left out.
    """
    if not of_topic(outcome.results.marking, preference.TOPIC):
        return dict.fromkeys(_NAMES, "") | {"preference_text": NO_CANDIDATES}
    return {
        "preference_text": _shares(outcome),
        "preference_corrected_text": _corrected(outcome),
        "preference_effect_text": _effect(outcome),
        "repeated_text": _excess(outcome),
        "repeated_votes_text": _votes(outcome),
        "repeated_checks_text": _checks(outcome),
        "repeated_before_text": _before(outcome),
    }


def _found(outcome: Outcome, topic: str, **wanted: str) -> MarkingMeasure | None:
    """Return the measure with these fields at the study's election, or None."""
    wanted = {"election": outcome.study.election, "level": "total"} | wanted
    return next(iter(of_topic(outcome.results.marking, topic, **wanted)), None)


def _limits(m: MarkingMeasure) -> str:
    if math.isinf(m.ci_lower) and math.isinf(m.ci_upper):
        return "zonder grenzen"
    return f"{interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True)} procentpunt"


def _share(m: MarkingMeasure) -> str:
    ends = "" if math.isnan(m.ci_lower) else f" ({interval(m.ci_lower, m.ci_upper, 1)})"
    return percent(m.estimate, 1) + ends


def _shares(outcome: Outcome) -> str:
    """Say which share of the votes is not for the first candidate, in both groups."""
    own, control = (
        _found(outcome, preference.TOPIC, unit=unit, quantity=preference.SHARE)
        for unit in ("experiment", "control")
    )
    if own is None:
        return (
            "Van geen enkele experimentgemeente zijn bij deze verkiezing stemmen per kandidaat "
            "bekend."
        )
    beside = f", in de controlegemeenten {_share(control)}" if control else ""
    return f"In de experimentgemeenten is dat {_share(own)}{beside}."


def _corrected(outcome: Outcome) -> str:
    """Say how many of the voters who marked a candidate did not choose the first, by group."""
    own, control = (
        _found(outcome, preference.TOPIC, unit=unit, quantity=preference.CORRECTED)
        for unit in ("experiment", "control")
    )
    if own is None:
        return NO_PARTY_ONLY
    beside = f", in de controlegemeenten {_share(control)}" if control else ""
    return (
        "Een stem op alleen een partij is met het nieuwe stembiljet een stem op de lijsttrekker. "
        "Van de kiezers die een kandidaat markeerden, koos in de experimentgemeenten "
        f"{_share(own)} niet de eerste{beside}."
    )


def _effect(outcome: Outcome) -> str:
    """Say how the share changed against the controls, or why that cannot be said."""
    study = outcome.study
    method = f"randomisation_{study.analysis.weighting}"
    found = [
        m
        for m in of_topic(outcome.results.marking, preference.TOPIC, method=method)
        if m.level in study.baselines
    ]
    sentences = []
    for m in found:
        what = "Zonder partijstemmen" if m.quantity == preference.CORRECTED else "Van alle stemmen"
        sentences.append(
            f"{what} is de verandering sinds {m.level} niet te schatten: {why(m.note, outcome)}."
            if math.isnan(m.estimate)
            else f"{what} veranderde het aandeel sinds {m.level} met {points(m.estimate)} ten "
            f"opzichte van de controlegemeenten ({_limits(m)}; p-waarde {p_value(m.p_value)})."
        )
    return " ".join(sentences)


def _contrast(outcome: Outcome, method: str, election: str = "") -> MarkingMeasure | None:
    wanted = {"unit": CONTRAST, "method": method}
    wanted["election"] = election or outcome.study.election
    return _found(outcome, repeated_number.TOPIC, **wanted)


def _excess(outcome: Outcome) -> str:
    """Say how much more candidate k of list k has than is to be expected, or why not."""
    m = _contrast(outcome, "randomisation_list")
    if m is None or math.isnan(m.estimate):
        return f"Dat is niet te schatten: {why(m.note if m else '', outcome)}."
    direction = "lager" if m.estimate < 0 else "hoger"
    return (
        f"In de experimentgemeenten is het aandeel van die kandidaat in de stemmen op de lijst "
        f"{points(abs(m.estimate), sign=False)} {direction} dan verwacht, vergeleken met de "
        f"controlegemeenten ({_limits(m)}; p-waarde {p_value(m.p_value)}). {_verdict(m)}"
    )


def _verdict(m: MarkingMeasure) -> str:
    if m.ci_lower > 0:
        return "Dat past bij kiezers die het nummer van de lijst herhalen."
    if m.ci_upper < 0:
        return "Kiezers die het nummer van de lijst herhalen, verklaren dat niet."
    return "Dat is niet van nul te onderscheiden."


def _votes(outcome: Outcome) -> str:
    """Say how many votes that is, on the lists that can be judged only."""
    votes, judged, valid = (
        _found(
            outcome,
            repeated_number.TOPIC,
            unit="experiment",
            quantity=quantity,
            method="randomisation_list",
        )
        for quantity in (
            "unintended_votes",
            "unintended_share_of_judged",
            "unintended_share_of_valid",
        )
    )
    every = _found(outcome, repeated_number.TOPIC, unit="experiment", quantity="repeated_share")
    if not (votes and judged and valid and every) or math.isnan(votes.estimate):
        return ""
    lists = plural(votes.count, "lijst", "lijsten")
    text = (
        f"Op de {lists} die te beoordelen zijn, kreeg die kandidaat {number(every.numerator)} "
        f"van de {number(every.denominator)} stemmen; op de andere is het niet te zien. Is het "
        "overschot op grote en kleine lijsten even groot, dan zijn er op de lijsten die te "
        "beoordelen zijn misschien onbedoeld"
    )
    if votes.ci_lower > 0:
        return (
            f"{text} ongeveer {number(votes.estimate)} "
            f"({number(votes.ci_lower)} tot {number(votes.ci_upper)}): {percent(judged.estimate)} "
            f"van de stemmen op deze lijsten en {percent(valid.estimate)} "
            f"({interval(valid.ci_lower, valid.ci_upper)}) van alle geldige stemmen in de "
            "experimentgemeenten."
        )
    return (
        f"{text} niet meer dan ongeveer {number(max(votes.ci_upper, 0.0))}, de bovengrens van het "
        f"interval: {percent(max(valid.ci_upper, 0.0))} van alle geldige stemmen in de "
        "experimentgemeenten."
    )


def _checks(outcome: Outcome) -> str:
    """Say what the robust difference and the test on positions find."""
    sentences = []
    robust = _contrast(outcome, "hodges_lehmann")
    if robust and not math.isnan(robust.estimate):
        sentences.append(
            "Een bekende kandidaat kan toevallig op de plaats met het nummer van de lijst staan. "
            "De mediaan van alle verschillen tussen een experiment- en een controlegemeente, "
            f"waarop enkele zulke kandidaten weinig invloed hebben, is {points(robust.estimate)} "
            f"({_limits(robust)}; p-waarde {p_value(robust.p_value)})."
        )
    swapped = _found(outcome, repeated_number.TOPIC, method="number_permutation")
    if swapped and not math.isnan(swapped.estimate):
        sentences.append(
            "Krijgen de lijsten van een experimentgemeente door loting elkaars nummers, dan ligt "
            "het overschot op de plaatsen met die andere nummers even ver van het gemiddelde of "
            f"verder met een kans van {p_value(swapped.p_value)}."
        )
    return " ".join(sentences)


def _before(outcome: Outcome) -> str:
    """Say what the same method finds at earlier elections with the old ballot."""
    sentences = []
    for election in outcome.study.baselines:
        m = _contrast(outcome, "randomisation_list", election)
        if m is None or math.isnan(m.estimate):
            continue
        clear = m.ci_lower > 0 or m.ci_upper < 0
        text = (
            f"Bij {election} gebruikte niemand het nieuwe stembiljet en hoort de methode niets te "
            f"vinden: het verschil tussen dezelfde gemeenten was {points(m.estimate)} "
            f"({_limits(m)})"
        )
        sentences.append(
            f"{text}, en dat is {'wel' if clear else 'niet'} van nul te onderscheiden."
        )
    return " ".join(sentences)
