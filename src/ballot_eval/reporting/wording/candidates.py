"""The sentences of the report on preference votes and on repeated numbers of lists."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.selection import with_fields
from ballot_eval.reporting.wording.notes import why
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.marking import preference, repeated_number
from ballot_eval.topics.marking.shares import CONTRAST

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_CANDIDATES = {
    "nl": "Stemmen per kandidaat zijn niet gemeten.",
    "en": "Votes per candidate were not measured.",
}

NO_PARTY_ONLY = {
    "nl": "Hoeveel stemmen er alleen voor een partij waren, is niet gemeten; daarvoor is dus niet "
    "gecorrigeerd.",
    "en": "How many votes were for a party alone was not measured, so they are not corrected for.",
}

_NAMES = (
    *("preference_text", "preference_corrected_text", "preference_effect_text"),
    *("repeated_text", "repeated_votes_text", "repeated_checks_text", "repeated_before_text"),
)


def candidate_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to.

    That there are no votes per candidate is said once; what would follow is left out.
    """
    if not with_fields(outcome.results.marking, topic=preference.TOPIC):
        return dict.fromkeys(_NAMES, "") | {"preference_text": say.pick(NO_CANDIDATES)}
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
    return next(iter(with_fields(outcome.results.marking, topic=topic, **wanted)), None)


def _limits(say: Language, m: MarkingMeasure) -> str:
    if math.isinf(m.ci_lower) and math.isinf(m.ci_upper):
        return say(nl="zonder grenzen", en="without limits")
    return say.limits(m)


def _limits_and_p(say: Language, m: MarkingMeasure) -> str:
    p_value = say(nl="p-waarde", en="p-value")
    return f"{_limits(say, m)}; {p_value} {say.p_value(m.p_value)}"


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
        return say(
            nl="Van geen enkele experimentgemeente zijn bij deze verkiezing stemmen per kandidaat "
            "bekend.",
            en="Votes per candidate at this election are not known for any experiment "
            "municipality.",
        )
    share = _share(say, own)
    return say(
        nl=f"Het aandeel daarvan is in de experimentgemeenten {share}"
        f"{_beside_control(say, control)}.",
        en=f"Their share is {share} in the experiment municipalities"
        f"{_beside_control(say, control)}.",
    )


def _beside_control(say: Language, control: MarkingMeasure | None) -> str:
    """Return the share of the controls, after that of the experiment in the same sentence."""
    if control is None:
        return ""
    share = _share(say, control)
    return say(
        nl=f", in de controlegemeenten {share}", en=f", and {share} in the control municipalities"
    )


def _corrected(say: Language, outcome: Outcome) -> str:
    """Say how many of the voters who marked a candidate did not choose the first, by group."""
    own, control = (
        _found(outcome, preference.TOPIC, unit=unit, quantity=preference.CORRECTED)
        for unit in ("experiment", "control")
    )
    if own is None:
        return say.pick(NO_PARTY_ONLY)
    share = _share(say, own)
    return say(
        nl="Een stem op alleen een partij is met het nieuwe stembiljet een stem op de "
        "lijsttrekker. Van de kiezers die een kandidaat markeerden, koos in de "
        f"experimentgemeenten {share} niet de eerste{_beside_control(say, control)}.",
        en="With the new ballot paper, a vote for a party alone is a vote for the first candidate "
        "on its list. Of the voters who marked a candidate, the share who did not choose the "
        f"first is {share} in the experiment municipalities{_beside_control(say, control)}.",
    )


def _effect(say: Language, outcome: Outcome) -> str:
    """Say how the share changed against the controls, or why that cannot be said."""
    study = outcome.study
    method = f"randomisation_{study.analysis.weighting}"
    return " ".join(
        _change(say, m, outcome)
        for m in with_fields(outcome.results.marking, topic=preference.TOPIC, method=method)
        if m.level in study.baselines
    )


def _change(say: Language, m: MarkingMeasure, outcome: Outcome) -> str:
    """Say how the share changed since one earlier election."""
    if m.quantity == preference.CORRECTED:
        what = say(nl="Zonder partijstemmen", en="share without party-only votes")
    else:
        what = say(nl="Van alle stemmen", en="share of all votes")
    if math.isnan(m.estimate):
        reason = why(say, m.note, outcome)
        return say(
            nl=f"{what} is de verandering sinds {m.level} niet te schatten: {reason}.",
            en=f"The change in the {what} since {m.level} cannot be estimated: {reason}.",
        )
    return say(
        nl=f"{what} veranderde het aandeel sinds {m.level} met {say.points(m.estimate)} ten "
        f"opzichte van de controlegemeenten ({_limits_and_p(say, m)}).",
        en=f"The {what} changed by {say.points(m.estimate)} since {m.level}, relative to the "
        f"control municipalities ({_limits_and_p(say, m)}).",
    )


def _contrast(outcome: Outcome, method: str, election: str = "") -> MarkingMeasure | None:
    wanted = {"unit": CONTRAST, "method": method}
    wanted["election"] = election or outcome.study.election
    return _found(outcome, repeated_number.TOPIC, **wanted)


def _excess(say: Language, outcome: Outcome) -> str:
    """Say how much more candidate k of list k has than is to be expected, or why not."""
    m = _contrast(outcome, "randomisation_list")
    if m is None or math.isnan(m.estimate):
        reason = why(say, m.note if m else "", outcome)
        return say(
            nl=f"Dat is niet te schatten: {reason}.", en=f"This cannot be estimated: {reason}."
        )
    low = m.estimate < 0
    size = say.points(abs(m.estimate), sign=False)
    text = say(
        nl="In de experimentgemeenten is het aandeel van die kandidaat in de stemmen op de lijst "
        f"{size} {'lager' if low else 'hoger'} dan verwacht, vergeleken met de controlegemeenten",
        en="In the experiment municipalities, that candidate's share of the votes for the list is "
        f"{size} {'lower' if low else 'higher'} than expected, compared with the control "
        "municipalities",
    )
    return f"{text} ({_limits_and_p(say, m)}). {_verdict(say, m)}"


def _verdict(say: Language, m: MarkingMeasure) -> str:
    if m.ci_lower > 0:
        return say(
            nl="Dat past bij kiezers die het nummer van de lijst herhalen.",
            en="This is consistent with voters repeating the number of the list.",
        )
    if m.ci_upper < 0:
        return say(
            nl="Kiezers die het nummer van de lijst herhalen, verklaren dat niet.",
            en="Voters repeating the number of the list do not explain this.",
        )
    return say(
        nl="Dat is niet van nul te onderscheiden.", en="This cannot be distinguished from zero."
    )


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
    lists = say.plural(votes.count, nl=("lijst", "lijsten"), en=("list", "lists"))
    own, all_votes = say.number(every.numerator), say.number(every.denominator)
    text = say(
        nl=f"Op de {lists} die te beoordelen zijn, kreeg die kandidaat {own} van de {all_votes} "
        "stemmen; op de andere is het niet te zien. Is het overschot op grote en kleine lijsten "
        "even groot, dan zijn er op de lijsten die te beoordelen zijn misschien onbedoeld",
        en=f"On the {lists} that can be judged, that candidate received {own} of the {all_votes} "
        "votes; on the others it cannot be seen. If the excess is as large on large lists as on "
        "small ones, the number of votes that were perhaps not intended, on the lists that can be "
        "judged, is",
    )
    if votes.ci_lower > 0:
        return f"{text} {_number_of_votes(say, votes, judged, valid)}"
    most, share = say.number(max(votes.ci_upper, 0.0)), say.percent(max(valid.ci_upper, 0.0))
    return say(
        nl=f"{text} niet meer dan ongeveer {most}, de bovengrens van het interval: {share} van "
        "alle geldige stemmen in de experimentgemeenten.",
        en=f"{text} no more than about {most}, the upper limit of the interval: {share} of all "
        "valid votes in the experiment municipalities.",
    )


def _number_of_votes(
    say: Language, votes: MarkingMeasure, judged: MarkingMeasure, valid: MarkingMeasure
) -> str:
    """Return the votes that were perhaps not intended, and the shares that they are."""
    size = f"{say.number(votes.estimate)} ({say.between(votes.ci_lower, votes.ci_upper, 0)})"
    limits = say.interval(valid.ci_lower, valid.ci_upper)
    of_judged, of_valid = say.percent(judged.estimate), say.percent(valid.estimate)
    return say(
        nl=f"ongeveer {size}: {of_judged} van de stemmen op deze lijsten en {of_valid} ({limits}) "
        "van alle geldige stemmen in de experimentgemeenten.",
        en=f"about {size}: {of_judged} of the votes for these lists and {of_valid} ({limits}) of "
        "all valid votes in the experiment municipalities.",
    )


def _checks(say: Language, outcome: Outcome) -> str:
    """Say what the robust difference and the test on positions find."""
    sentences = []
    robust = _contrast(outcome, "hodges_lehmann")
    if robust and not math.isnan(robust.estimate):
        found = f"{say.points(robust.estimate)} ({_limits_and_p(say, robust)})"
        sentences.append(
            say(
                nl="Een bekende kandidaat kan toevallig op de plaats met het nummer van de lijst "
                "staan. De mediaan van alle verschillen tussen een experiment- en een "
                "controlegemeente, waarop enkele zulke kandidaten weinig invloed hebben, is "
                f"{found}.",
                en="A well-known candidate may by chance stand in the place with the number of "
                "the list. The median of all differences between an experiment municipality and a "
                "control municipality, on which a few such candidates have little influence, is "
                f"{found}.",
            )
        )
    by_vote = _contrast(outcome, "randomisation_ballot")
    if by_vote and not math.isnan(by_vote.estimate):
        found = f"{say.points(by_vote.estimate)} ({_limits_and_p(say, by_vote)})"
        sentences.append(
            say(
                nl=f"Telt niet elke lijst maar elke stem even zwaar, dan is het overschot {found}.",
                en=f"If every vote counts equally instead of every list, the excess is {found}.",
            )
        )
    swapped = _found(outcome, repeated_number.TOPIC, method="number_permutation")
    if swapped and not math.isnan(swapped.estimate):
        chance = say.p_value(swapped.p_value)
        sentences.append(
            say(
                nl="Krijgen de lijsten van een experimentgemeente door loting elkaars nummers, dan "
                "ligt het overschot op de plaatsen met die andere nummers even ver van het "
                f"gemiddelde of verder met een kans van {chance}.",
                en="If the lists of an experiment municipality are given each other's numbers at "
                "random, the excess in the places with those other numbers lies as far from the "
                f"average, or further, with a probability of {chance}.",
            )
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
        found = f"{say.points(m.estimate)} ({_limits(say, m)})"
        sentences.append(
            say(
                nl=f"Bij {election} gebruikte niemand het nieuwe stembiljet en hoort de methode "
                f"niets te vinden: het verschil tussen dezelfde gemeenten was {found}, en dat is "
                f"{'wel' if clear else 'niet'} van nul te onderscheiden.",
                en=f"At {election} nobody used the new ballot paper, so the method should find "
                f"nothing: the difference between the same municipalities was {found}, which "
                f"{'can' if clear else 'cannot'} be distinguished from zero.",
            )
        )
    return " ".join(sentences)
