"""The sentences of the report on preference votes and on repeated numbers of lists."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.candidates import of_topic
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


def candidate_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to.

    That there are no votes per candidate is said once; what would follow is left out.
    """
    if not of_topic(outcome.results.marking, preference.TOPIC):
        return dict.fromkeys(_NAMES, "") | {"preference_text": NO_CANDIDATES}
    return {
        "preference_text": _shares(say, outcome),
        "preference_corrected_text": _corrected(say, outcome),
        "preference_effect_text": _effect(say, outcome),
        "repeated_text": _excess(say, outcome),
        "repeated_votes_text": _votes(say, outcome),
        "repeated_checks_text": _checks(say, outcome),
        "repeated_before_text": _before(say, outcome),
    }


def _found(outcome: Outcome, topic: str, **wanted: str) -> MarkingMeasure | None:
    """Return the measure with these fields at the study's election, or None."""
    wanted = {"election": outcome.study.election, "level": "total"} | wanted
    return next(iter(of_topic(outcome.results.marking, topic, **wanted)), None)


def _limits(say: Language, m: MarkingMeasure) -> str:
    if math.isinf(m.ci_lower) and math.isinf(m.ci_upper):
        return "zonder grenzen"
    return f"{say.interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True)} procentpunt"


def _share(say: Language, m: MarkingMeasure) -> str:
    ends = "" if math.isnan(m.ci_lower) else f" ({say.interval(m.ci_lower, m.ci_upper, 1)})"
    return say.percent(m.estimate, 1) + ends


def _shares(say: Language, outcome: Outcome) -> str:
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
    beside = f", in de controlegemeenten {_share(say, control)}" if control else ""
    return f"In de experimentgemeenten is dat {_share(say, own)}{beside}."


def _corrected(say: Language, outcome: Outcome) -> str:
    """Say how many of the voters who marked a candidate did not choose the first, by group."""
    own, control = (
        _found(outcome, preference.TOPIC, unit=unit, quantity=preference.CORRECTED)
        for unit in ("experiment", "control")
    )
    if own is None:
        return NO_PARTY_ONLY
    beside = f", in de controlegemeenten {_share(say, control)}" if control else ""
    return (
        "Een stem op alleen een partij is met het nieuwe stembiljet een stem op de lijsttrekker. "
        "Van de kiezers die een kandidaat markeerden, koos in de experimentgemeenten "
        f"{_share(say, own)} niet de eerste{beside}."
    )


def _effect(say: Language, outcome: Outcome) -> str:
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
            f"{what} is de verandering sinds {m.level} niet te schatten: {why(say, m.note, outcome)}."
            if math.isnan(m.estimate)
            else f"{what} veranderde het aandeel sinds {m.level} met {say.points(m.estimate)} ten "
            f"opzichte van de controlegemeenten ({_limits(say, m)}; p-waarde {say.p_value(m.p_value)})."
        )
    return " ".join(sentences)


def _contrast(outcome: Outcome, method: str, election: str = "") -> MarkingMeasure | None:
    wanted = {"unit": CONTRAST, "method": method}
    wanted["election"] = election or outcome.study.election
    return _found(outcome, repeated_number.TOPIC, **wanted)


def _excess(say: Language, outcome: Outcome) -> str:
    """Say how much more candidate k of list k has than is to be expected, or why not."""
    m = _contrast(outcome, "randomisation_list")
    if m is None or math.isnan(m.estimate):
        return f"Dat is niet te schatten: {why(say, m.note if m else '', outcome)}."
    direction = "lager" if m.estimate < 0 else "hoger"
    return (
        f"In de experimentgemeenten is het aandeel van die kandidaat in de stemmen op de lijst "
        f"{say.points(abs(m.estimate), sign=False)} {direction} dan verwacht, vergeleken met de "
        f"controlegemeenten ({_limits(say, m)}; p-waarde {say.p_value(m.p_value)}). {_verdict(say, m)}"
    )


def _verdict(say: Language, m: MarkingMeasure) -> str:
    if m.ci_lower > 0:
        return "Dat past bij kiezers die het nummer van de lijst herhalen."
    if m.ci_upper < 0:
        return "Kiezers die het nummer van de lijst herhalen, verklaren dat niet."
    return "Dat is niet van nul te onderscheiden."


def _votes(say: Language, outcome: Outcome) -> str:
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
    lists = say.plural(votes.count, nl=("lijst", "lijsten"), en=("TODO", "TODO"))
    text = (
        f"Op de {lists} die te beoordelen zijn, kreeg die kandidaat {say.number(every.numerator)} "
        f"van de {say.number(every.denominator)} stemmen; op de andere is het niet te zien. Is het "
        "overschot op grote en kleine lijsten even groot, dan zijn er op de lijsten die te "
        "beoordelen zijn misschien onbedoeld"
    )
    if votes.ci_lower > 0:
        return (
            f"{text} ongeveer {say.number(votes.estimate)} "
            f"({say.number(votes.ci_lower)} tot {say.number(votes.ci_upper)}): {say.percent(judged.estimate)} "
            f"van de stemmen op deze lijsten en {say.percent(valid.estimate)} "
            f"({say.interval(valid.ci_lower, valid.ci_upper)}) van alle geldige stemmen in de "
            "experimentgemeenten."
        )
    return (
        f"{text} niet meer dan ongeveer {say.number(max(votes.ci_upper, 0.0))}, de bovengrens van het "
        f"interval: {say.percent(max(valid.ci_upper, 0.0))} van alle geldige stemmen in de "
        "experimentgemeenten."
    )


def _checks(say: Language, outcome: Outcome) -> str:
    """Say what the robust difference and the test on positions find."""
    sentences = []
    robust = _contrast(outcome, "hodges_lehmann")
    if robust and not math.isnan(robust.estimate):
        sentences.append(
            "Een bekende kandidaat kan toevallig op de plaats met het nummer van de lijst staan. "
            "De mediaan van alle verschillen tussen een experiment- en een controlegemeente, "
            f"waarop enkele zulke kandidaten weinig invloed hebben, is {say.points(robust.estimate)} "
            f"({_limits(say, robust)}; p-waarde {say.p_value(robust.p_value)})."
        )
    swapped = _found(outcome, repeated_number.TOPIC, method="number_permutation")
    if swapped and not math.isnan(swapped.estimate):
        sentences.append(
            "Krijgen de lijsten van een experimentgemeente door loting elkaars nummers, dan ligt "
            "het overschot op de plaatsen met die andere nummers even ver van het gemiddelde of "
            f"verder met een kans van {say.p_value(swapped.p_value)}."
        )
    return " ".join(sentences)


def _before(say: Language, outcome: Outcome) -> str:
    """Say what the same method finds at earlier elections with the old ballot."""
    sentences = []
    for election in outcome.study.baselines:
        m = _contrast(outcome, "randomisation_list", election)
        if m is None or math.isnan(m.estimate):
            continue
        clear = m.ci_lower > 0 or m.ci_upper < 0
        text = (
            f"Bij {election} gebruikte niemand het nieuwe stembiljet en hoort de methode niets te "
            f"vinden: het verschil tussen dezelfde gemeenten was {say.points(m.estimate)} "
            f"({_limits(say, m)})"
        )
        sentences.append(
            f"{text}, en dat is {'wel' if clear else 'niet'} van nul te onderscheiden."
        )
    return " ".join(sentences)
