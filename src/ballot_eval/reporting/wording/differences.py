"""The sentences of the report on counting differences, the funnel and turnout, by rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.selection import with_fields
from ballot_eval.reporting.tables.differences import (
    WAYS_OF_COUNTING,
    difference_cells,
    per_thousand,
    turnout_check,
)
from ballot_eval.reporting.wording.measures import find_measure
from ballot_eval.reporting.wording.notes import why
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.marking.counting_differences import TOPIC as DIFFERENCES
from ballot_eval.topics.marking.shares import CONTRAST
from ballot_eval.topics.marking.station_funnel import LEVELS, OUTSIDE
from ballot_eval.topics.marking.station_funnel import TOPIC as FUNNEL
from ballot_eval.topics.marking.station_records import UNKNOWN_METHOD

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_RECORDS = {
    "nl": "Verschillen tussen getelde stembiljetten en toegelaten kiezers zijn niet gemeten.",
    "en": "Differences between ballot papers counted and voters admitted were not measured.",
}

#: Why stations are left out, in the order of the text.
LEFT_OUT = {
    "nl": {
        "stations_unknown_count": "waarvan het verschil niet bekend is",
        "stations_unsound_count": "waarvan het proces-verbaal niet klopt (F.305 tot en met F.309)",
        "stations_without_votes_count": "zonder stemmen",
    },
    "en": {
        "stations_unknown_count": "for which the difference is not known",
        "stations_unsound_count": "whose official record is inconsistent (F.305 to F.309)",
        "stations_without_votes_count": "without votes",
    },
}

#: What is said of polling stations by their way of counting.
HOW = {
    "nl": {
        "DSO": "waar het stembureau alles telt (DSO)",
        "CSO": "waar kandidaten centraal zijn geteld (CSO)",
        UNKNOWN_METHOD: "waarvan de wijze van tellen niet bekend is",
    },
    "en": {
        "DSO": "that count everything themselves (DSO)",
        "CSO": "where candidates were counted centrally (CSO)",
        UNKNOWN_METHOD: "whose way of counting is not known",
    },
}

GROUPS = {
    "nl": {"experiment": "de experimentgemeenten", "control": "de controlegemeenten"},
    "en": {"experiment": "the experiment municipalities", "control": "the control municipalities"},
}


def difference_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to; empty without records."""
    items = with_fields(outcome.results.marking, topic=DIFFERENCES)
    here = [m for m in items if m.election == outcome.study.election]
    texts = {
        "differences_sample_text": _sample(say, here, outcome) if here else say.pick(NO_RECORDS)
    }
    texts["differences_text"] = " ".join(_level(say, here, level) for level in _levels(here))
    texts["differences_netting_text"] = " ".join(
        _netting(say, here, level) for level in _levels(here)
    )
    texts["differences_contrast_text"] = " ".join(
        _contrasts(say, [m for m in items if m.level == level], level, outcome)
        for level in _levels(here)
    )
    return texts | {
        "funnel_text": _funnel(say, outcome),
        "turnout_check_text": _turnout(say, outcome),
    }


def _levels(items: list[MarkingMeasure]) -> list[str]:
    found = {m.level for m in items}
    return [level for level in WAYS_OF_COUNTING if level in found]


def _sum(items: list[MarkingMeasure], quantity: str) -> int:
    """Return a number of stations of experiment and control together."""
    units = ("experiment", "control")
    return int(sum(m.estimate for m in items if m.quantity == quantity and m.unit in units))


def _sample(say: Language, items: list[MarkingMeasure], outcome: Outcome) -> str:
    election = outcome.study.election
    used = say.stations(_sum(items, "stations_used_count"))
    text = say(
        nl=f"Bij {election} is van {used} in de experiment- en de controlegemeenten bekend hoeveel "
        "stembiljetten er meer of minder zijn geteld dan er kiezers waren toegelaten.",
        en=f"For {used} in the experiment and control municipalities at {election} it is known how "
        "many more or fewer ballot papers were counted than voters were admitted.",
    )
    parts = [
        f"{say.stations(count)} {reason}"
        for name, reason in say.pick(LEFT_OUT).items()
        if (count := _sum(items, name))
    ]
    if parts:
        text += f" {say(nl='Weggelaten', en='Left out')}: {say.listed(parts)}."
    if count := _sum(items, "stations_without_explanations_count"):
        bare = say.stations(count)
        text += say(
            nl=f" Van {bare} zijn verklaringen niet bekend.",
            en=f" For {bare}, explanations are not known.",
        )
    return text


def _level(say: Language, items: list[MarkingMeasure], level: str) -> str:
    """Say how common differences are, in each group, for one way of counting."""
    parts = []
    for unit, who in say.pick(GROUPS).items():
        about = {"unit": unit, "level": level}
        more_share = find_measure(items, quantity="stations_more_share", **about)
        fewer_share = find_measure(items, quantity="stations_fewer_share", **about)
        more = find_measure(items, quantity="more_ballots_rate", **about)
        fewer = find_measure(items, quantity="fewer_ballots_rate", **about)
        if more_share is None or fewer_share is None or more is None or fewer is None:
            continue
        shares = [say.percent(m.estimate, 1) for m in (more_share, fewer_share)]
        rates = say.listed([per_thousand(say, m.estimate) for m in (more, fewer)])
        parts.append(
            say(
                nl=f"in {who} telde {shares[0]} van de stembureaus er meer en {shares[1]} er "
                f"minder ({rates} per {say.number(1000)} uitgebrachte stemmen)",
                en=f"in {who}, {shares[0]} of polling stations counted more and {shares[1]} fewer "
                f"({rates} per {say.number(1000)} votes cast)",
            )
        )
    if not parts:
        return ""
    how = _how(say, level)
    return say(
        nl=f"Stembureaus {how}: {say.listed(parts)}.",
        en=f"Polling stations {how}: {', and '.join(parts)}.",
    )


def _how(say: Language, level: str) -> str:
    return say.pick(HOW)[level]


def _netting(say: Language, items: list[MarkingMeasure], level: str) -> str:
    """Say in how many municipalities both occur, and what netting would hide."""
    both = find_measure(items, unit="control", level=level, quantity="municipalities_both_share")
    hidden = find_measure(items, unit="control", level=level, quantity="netting_hidden_share")
    if both is None or hidden is None:
        return ""
    how, share, lost = (
        _how(say, level),
        say.percent(both.estimate, 0),
        say.percent(hidden.estimate, 0),
    )
    return say(
        nl=f"Van de controlegemeenten met stembureaus {how}, heeft {share} zowel meer als minder "
        "getelde stembiljetten. Wie die per gemeente tegen elkaar wegstreept, verbergt "
        f"{lost} van de verschillen.",
        en=f"Of the control municipalities with polling stations {how}, {share} have both more and "
        "fewer ballot papers counted. Netting them out within each municipality hides "
        f"{lost} of the differences.",
    )


def _contrasts(say: Language, items: list[MarkingMeasure], level: str, outcome: Outcome) -> str:
    """Say how the share of stations with a difference compares, now and since the baseline."""
    study, how = outcome.study, _how(say, level)
    about = {"unit": CONTRAST, "level": level, "quantity": "stations_any_share"}
    now = find_measure(items, election=study.election, **about)
    if now is None:
        reason = _reason(say, items, study.election, outcome)
        return say(
            nl=f"Voor stembureaus {how}, is het verschil niet te schatten{reason}.",
            en=f"For polling stations {how}, the difference cannot be estimated{reason}.",
        )
    baseline, size = study.baselines[0], _in_points(say, now)
    text = say(
        nl=f"Voor stembureaus {how}, is het aandeel met een verschil in de experimentgemeenten "
        f"{size} dan in de controlegemeenten.",
        en=f"For polling stations {how}, the share with a difference is {size} in the experiment "
        "municipalities than in the control municipalities.",
    )
    since = f"{study.election}-{baseline}"
    change = find_measure(items, election=since, **about)
    if change is None:
        reason = _reason(say, items, since, outcome)
        return say(
            nl=f"{text} Hoe dat sinds {baseline} is veranderd, is niet te schatten{reason}.",
            en=f"{text} How that has changed since {baseline} cannot be estimated{reason}.",
        )
    size = _in_points(say, change)
    return say(
        nl=f"{text} Sinds {baseline} is de verandering {size} dan in de controlegemeenten.",
        en=f"{text} The change since {baseline} is {size} than in the control municipalities.",
    )


def _in_points(say: Language, item: MarkingMeasure) -> str:
    """Return a difference in words: ``1,2 procentpunt hoger (0,1 tot 2,3; p-waarde 0,030)``."""
    ends, p_value = difference_cells(say, item)[1], say.p_value(item.p_value)
    size, low = say.points(abs(item.estimate), 1, sign=False), item.estimate < 0
    return say(
        nl=f"{size} {'lager' if low else 'hoger'} ({ends}; p-waarde {p_value})",
        en=f"{size} {'lower' if low else 'higher'} ({ends}; p-value {p_value})",
    )


def _reason(say: Language, items: list[MarkingMeasure], election: str, outcome: Outcome) -> str:
    notes = [m.note for m in items if m.unit == CONTRAST and m.election == election and m.note]
    return f": {why(say, notes[0], outcome)}" if notes else ""


def _funnel(say: Language, outcome: Outcome) -> str:
    """Say how many stations lie outside the limits of their group."""
    items = with_fields(outcome.results.marking, topic=FUNNEL)
    inner, outer = OUTSIDE.values()
    parts = []
    for unit in ("control", "experiment"):
        wide, far = (find_measure(items, unit=unit, quantity=name) for name in (inner, outer))
        if wide is None or far is None:
            continue
        who = say.pick(GROUPS)[unit]
        beyond, every = say.number(wide.numerator), say.number(wide.denominator)
        share = say.percent(wide.estimate, 1)
        further = f"{say.number(far.numerator)} ({say.percent(far.estimate, 2)})"
        parts.append(
            say(
                nl=f"in {who} {beyond} van de {every} ({share}) en {further}",
                en=f"{beyond} of the {every} polling stations ({share}) and {further} in {who}",
            )
        )
    if not parts:
        return ""
    levels = say.listed([say.percent(1 - level, 1) for level in LEVELS])
    return say(
        nl=f"Buiten de binnenste en de buitenste grenzen liggen {say.listed(parts)} van de "
        f"stembureaus; de grenzen zijn berekend voor ongeveer {levels} als alleen toeval met deze "
        "spreiding werkt.",
        en=f"Outside the inner and the outer limits, respectively, lie {', and '.join(parts)}. The "
        f"limits are computed for about {levels} if only chance with this dispersion is at work.",
    )


def _turnout(say: Language, outcome: Outcome) -> str:
    """Say what the difference in turnout leaves open."""
    check = turnout_check(outcome)
    if check is None:
        return ""
    if check.ci_lower <= 0 <= check.ci_upper:
        limits = say.limits(check)
        return say(
            nl="Dat past bij een opkomst die niet door het stembiljet is veranderd, maar bewijst "
            f"dat niet: een verschil van {limits} is niet uit te sluiten.",
            en="This is consistent with a turnout that the ballot paper did not change, but does "
            f"not prove it: a difference of {limits} cannot be ruled out.",
        )
    return say(
        nl="De opkomst veranderde in de experimentgemeenten dus anders dan in de "
        "controlegemeenten. Dan kunnen er andere kiezers zijn gekomen, en kan een deel van het "
        "gevonden verschil in ongeldige stemmen daarvan komen.",
        en="Turnout in the experiment municipalities therefore changed differently from that in "
        "the control municipalities. In that case other voters may have turned out, and part of "
        "the difference found in invalid votes may come from that.",
    )
