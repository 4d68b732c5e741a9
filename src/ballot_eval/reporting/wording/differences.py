"""The sentences of the report on counting differences, the funnel and turnout, by rules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.differences import (
    METHODS,
    difference_cells,
    of_topic,
    per_thousand,
    turnout_check,
)
from ballot_eval.reporting.wording.notes import why
from ballot_eval.results import MarkingMeasure
from ballot_eval.topics.marking.counting_differences import TOPIC as DIFFERENCES
from ballot_eval.topics.marking.shares import CONTRAST
from ballot_eval.topics.marking.station_funnel import LEVELS, OUTSIDE
from ballot_eval.topics.marking.station_funnel import TOPIC as FUNNEL
from ballot_eval.topics.marking.station_records import UNKNOWN_METHOD

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_RECORDS = "Verschillen tussen getelde stembiljetten en toegelaten kiezers zijn niet gemeten."

#: Why stations are left out, in the order of the text.
LEFT_OUT = {
    "stations_unknown_count": "waarvan het verschil niet bekend is",
    "stations_unsound_count": "waarvan het proces-verbaal niet klopt (F.305 tot en met F.309)",
    "stations_without_votes_count": "zonder stemmen",
}

HOW = {
    "DSO": "waar het stembureau alles telt (DSO)",
    "CSO": "waar kandidaten centraal zijn geteld (CSO)",
    UNKNOWN_METHOD: "waarvan de wijze van tellen niet bekend is",
}


def difference_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to; empty without records."""
    items = of_topic(outcome, DIFFERENCES)
    here = [m for m in items if m.election == outcome.study.election]
    texts = {"differences_sample_text": _sample(say, here, outcome) if here else NO_RECORDS}
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
    return [level for level in METHODS if level in found]


def _find(items: list[MarkingMeasure], **wanted: str) -> MarkingMeasure | None:
    """Return the number with these fields, or None where there is none."""
    for m in items:
        if all(getattr(m, k) == v for k, v in wanted.items()):
            return None if math.isnan(m.estimate) else m
    return None


def _sum(items: list[MarkingMeasure], quantity: str) -> int:
    """Return a number of stations of experiment and control together."""
    units = ("experiment", "control")
    return int(sum(m.estimate for m in items if m.quantity == quantity and m.unit in units))


def _sample(say: Language, items: list[MarkingMeasure], outcome: Outcome) -> str:
    used = _sum(items, "stations_used_count")
    text = (
        f"Bij {outcome.study.election} is van {say.plural(used, nl=('stembureau', 'stembureaus'), en=('TODO', 'TODO'))} bekend "
        "hoeveel stembiljetten er meer of minder zijn geteld dan er kiezers waren toegelaten."
    )
    parts = [
        f"{say.plural(count, nl=('stembureau', 'stembureaus'), en=('TODO', 'TODO'))} {reason}"
        for name, reason in LEFT_OUT.items()
        if (count := _sum(items, name))
    ]
    if parts:
        text += f" Weggelaten: {say.listed(parts)}."
    bare = _sum(items, "stations_without_explanations_count")
    if bare:
        text += f" Van {say.plural(bare, nl=('stembureau', 'stembureaus'), en=('TODO', 'TODO'))} zijn verklaringen niet bekend."
    return text


def _level(say: Language, items: list[MarkingMeasure], level: str) -> str:
    """Say how common differences are, in each group, for one way of counting."""
    parts = []
    for unit, who in (
        ("experiment", "de experimentgemeenten"),
        ("control", "de controlegemeenten"),
    ):
        about = {"unit": unit, "level": level}
        found = [
            _find(items, quantity=name, **about)
            for name in ("stations_more_share", "stations_fewer_share", "more_ballots_rate")
        ]
        fewer = _find(items, quantity="fewer_ballots_rate", **about)
        more_share, fewer_share, more = found
        if more_share is None or fewer_share is None or more is None or fewer is None:
            continue
        parts.append(
            f"in {who} telde {say.percent(more_share.estimate, 1)} van de stembureaus er meer en "
            f"{say.percent(fewer_share.estimate, 1)} er minder ({per_thousand(say, more.estimate)} en "
            f"{per_thousand(say, fewer.estimate)} per {say.number(1000)} uitgebrachte stemmen)"
        )
    if not parts:
        return ""
    return f"Stembureaus {HOW[level]}: {say.listed(parts)}."


def _netting(say: Language, items: list[MarkingMeasure], level: str) -> str:
    """Say in how many municipalities both occur, and what netting would hide."""
    both = _find(items, unit="control", level=level, quantity="municipalities_both_share")
    hidden = _find(items, unit="control", level=level, quantity="netting_hidden_share")
    if both is None or hidden is None:
        return ""
    return (
        f"Van de controlegemeenten met stembureaus {HOW[level]}, heeft "
        f"{say.percent(both.estimate, 0)} zowel meer als minder getelde stembiljetten. Wie die per "
        "gemeente tegen elkaar wegstreept, "
        f"verbergt {say.percent(hidden.estimate, 0)} van de verschillen."
    )


def _contrasts(say: Language, items: list[MarkingMeasure], level: str, outcome: Outcome) -> str:
    """Say how the share of stations with a difference compares, now and since the baseline."""
    study = outcome.study
    about = {"unit": CONTRAST, "level": level, "quantity": "stations_any_share"}
    now = _find(items, election=study.election, **about)
    if now is None:
        return (
            f"Voor stembureaus {HOW[level]}, is het verschil niet te schatten"
            f"{_reason(say, items, study.election, outcome)}."
        )
    text = (
        f"Voor stembureaus {HOW[level]}, is het aandeel met een verschil in de "
        f"experimentgemeenten {_in_points(say, now)} dan in de controlegemeenten."
    )
    since = f"{study.election}-{study.baselines[0]}"
    change = _find(items, election=since, **about)
    if change is None:
        return (
            f"{text} Hoe dat sinds {study.baselines[0]} is veranderd, is niet te schatten"
            f"{_reason(say, items, since, outcome)}."
        )
    return (
        f"{text} Sinds {study.baselines[0]} is de verandering {_in_points(say, change)} dan in de "
        "controlegemeenten."
    )


def _in_points(say: Language, item: MarkingMeasure) -> str:
    """Return a difference in words: ``1,2 procentpunt hoger (0,1 tot 2,3; p-waarde 0,030)``."""
    ends = difference_cells(say, item)[1]
    direction = "lager" if item.estimate < 0 else "hoger"
    size = say.points(abs(item.estimate), 1, sign=False)
    return f"{size} {direction} ({ends}; p-waarde {say.p_value(item.p_value)})"


def _reason(say: Language, items: list[MarkingMeasure], election: str, outcome: Outcome) -> str:
    notes = [m.note for m in items if m.unit == CONTRAST and m.election == election and m.note]
    return f": {why(say, notes[0], outcome)}" if notes else ""


def _funnel(say: Language, outcome: Outcome) -> str:
    """Say how many stations lie outside the limits of their group."""
    items = of_topic(outcome, FUNNEL)
    inner, outer = OUTSIDE.values()
    parts = []
    for unit, who in (
        ("control", "de controlegemeenten"),
        ("experiment", "de experimentgemeenten"),
    ):
        wide, far = (_find(items, unit=unit, quantity=name) for name in (inner, outer))
        if wide is None or far is None:
            continue
        parts.append(
            f"in {who} {say.number(wide.numerator)} van de {say.number(wide.denominator)} "
            f"({say.percent(wide.estimate, 1)}) en {say.number(far.numerator)} ({say.percent(far.estimate, 2)})"
        )
    if not parts:
        return ""
    levels = [say.percent(1 - level, 1) for level in LEVELS]
    return (
        f"Buiten de binnenste en de buitenste grenzen liggen {say.listed(parts)} van de "
        "stembureaus; de grenzen zijn berekend voor ongeveer "
        f"{say.listed(levels)} als alleen toeval met deze spreiding werkt."
    )


def _turnout(say: Language, outcome: Outcome) -> str:
    """Say what the difference in turnout leaves open."""
    check = turnout_check(outcome)
    if check is None:
        return ""
    ends = say.interval(check.ci_lower, check.ci_upper, percent_sign=False, sign=True)
    if check.ci_lower <= 0 <= check.ci_upper:
        return (
            "Dat past bij een opkomst die niet door het stembiljet is veranderd, maar bewijst dat "
            f"niet: een verschil van {ends} procentpunt is niet uit te sluiten."
        )
    return (
        "De opkomst veranderde in de experimentgemeenten dus anders dan in de controlegemeenten. "
        "Dan kunnen er andere kiezers zijn gekomen, en kan een deel van het gevonden verschil in "
        "ongeldige stemmen daarvan komen."
    )
