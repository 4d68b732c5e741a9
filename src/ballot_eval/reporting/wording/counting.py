"""The sentences of the report on the time that counting takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.drawings.times import FEWEST_EVENTS
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.times import KINDS, SINCE, WORK
from ballot_eval.reporting.wording.measures import (
    NO_COMPARISON,
    change_text,
    find_measure,
    is_clear,
    limits_text,
)
from ballot_eval.results import Measure
from ballot_eval.topics.counting_time import MIDNIGHT

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_COUNTING = "De tijd voor het tellen is niet gemeten."

#: Below this p-value one ratio for the whole count is called doubtful.
DOUBTFUL_P = 0.05

#: What is said of each kind of count in a sentence.
IN_WORDS = {
    "DSO": "stembureaus met DSO",
    "CSO": "stembureaus met CSO",
    "CSO_central": "centrale zittingen",
}


def counting_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    return {
        "counting_sample_text": _counting_sample(say, outcome),
        "counting_answer_text": _counting_answer(say, outcome),
        "counting_ratio_text": _counting_ratios(say, outcome),
        "unfinished_text": _unfinished(say, outcome),
        "finished_text": _finished(say, outcome),
        "proportional_text": _proportional(say, outcome),
        "fewest_events": say.count(FEWEST_EVENTS),
        "counting_since_text": _since(say, outcome),
    }


def _kinds(outcome: Outcome) -> list[str]:
    return [kind for kind in KINDS if kind in outcome.counting.paces]


def _counting_sample(say: Language, outcome: Outcome) -> str:
    parts = []
    for kind in _kinds(outcome):
        new, old = (_observed(outcome, kind, ballot) for ballot in ("new", "old"))
        parts.append(
            f"{say.number(new)} met het nieuwe en {say.number(old)} met het oude stembiljet "
            f"van {IN_WORDS[kind]}"
        )
    if not parts:
        return NO_COUNTING
    return f"Er zijn tijden van {say.listed(parts)}."


def _observed(outcome: Outcome, kind: str, ballot: str) -> int:
    """Return how many counts were seen, finished or not."""
    found = outcome.counting.curves[kind].get(ballot)
    return 0 if found is None else int(found.at_risk[0])


def _unfinished(say: Language, outcome: Outcome) -> str:
    """Say how many counts are not in the table and figure of finished ones."""
    kinds = _kinds(outcome)
    parts = []
    for kind in kinds:
        paces = outcome.counting.paces[kind]
        seen = sum(_observed(outcome, kind, ballot) for ballot in paces)
        if gone := seen - sum(len(pace) for pace in paces.values()):
            parts.append(f"{say.number(gone)} van de {say.number(seen)} bij {IN_WORDS[kind]}")
    if not parts:
        return "Alle tellingen waren klaar." if kinds else ""
    return (
        "Alleen tellingen die klaar waren staan hierin. Nog bezig toen de waarneming ophield: "
        f"{say.listed(parts)}."
    )


def _work_ratio(outcome: Outcome, kind: str) -> Measure | None:
    """Return the ratio of the work by the method that the plan names."""
    method = outcome.study.times.method
    quantity = "work_ratio" if method == "mixed_model" else "pace_ratio"
    return find_measure(
        outcome.results.counting_time, quantity=quantity, subset=kind, method=method
    )


def _work_clause(say: Language, kind: str, ratio: Measure) -> str:
    numbers = f"(verhouding {say.number(ratio.estimate, 2)}; {limits_text(say, ratio)})"
    if not is_clear(ratio):
        return f"bij {IN_WORDS[kind]} is geen verschil aangetoond {numbers}"
    return (
        f"bij {IN_WORDS[kind]} is tellen {change_text(say, ratio, 'minder', 'meer')} werk {numbers}"
    )


def _counting_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether counting takes longer, for the summary."""
    if not _kinds(outcome):
        return NO_COUNTING
    found = {kind: _work_ratio(outcome, kind) for kind in _kinds(outcome)}
    clauses = [_work_clause(say, kind, ratio) for kind, ratio in found.items() if ratio is not None]
    if not clauses:
        return NO_COMPARISON
    text = "; ".join(clauses)
    doubt = " Niet elke methode bevestigt dit." if _doubtful(outcome) else ""
    return f"{text[0].upper()}{text[1:]}.{doubt}"


def _doubtful(outcome: Outcome) -> list[str]:
    """Return the kinds of count at which a method disagrees with the one that the plan names."""
    doubtful = []
    for kind in _kinds(outcome):
        ratio = _work_ratio(outcome, kind)
        others = [
            m
            for m in outcome.results.counting_time
            if m.subset == kind and (m.quantity, m.method) in WORK and math.isfinite(m.estimate)
        ]
        if ratio is not None and any(is_clear(m) != is_clear(ratio) for m in others):
            doubtful.append(kind)
    return doubtful


def _counting_ratios(say: Language, outcome: Outcome) -> str:
    if not _kinds(outcome):
        return ""
    parts = [
        f"bij {IN_WORDS[kind]} {say.number(ratio.estimate, 2)} ({limits_text(say, ratio)})"
        for kind in _kinds(outcome)
        if (ratio := _work_ratio(outcome, kind)) is not None
    ]
    if not parts:
        return NO_COMPARISON
    text = (
        "De verhouding van het werk met het nieuwe tot dat met het oude stembiljet is "
        f"{say.listed(parts)}. Alleen tellingen die klaar waren tellen hierin mee."
    )
    doubtful = [IN_WORDS[kind] for kind in _doubtful(outcome)]
    if doubtful:
        text += (
            f" Over {say.listed(doubtful)} zijn de methoden het niet eens of er een verschil "
            "is aangetoond."
        )
    return text


def _finished(say: Language, outcome: Outcome) -> str:
    parts = []
    for kind in ("DSO", "CSO"):
        shares = [
            find_measure(
                outcome.results.counting_time,
                quantity=f"share_finished_{MIDNIGHT}_minutes_after_closing",
                group=ballot,
                subset=kind,
            )
            for ballot in ("new", "old")
        ]
        known = [
            f"{say.percent(share.estimate, 0)} van de tellingen met het {word}"
            for share, word in zip(shares, ("nieuwe", "oude"), strict=True)
            if share is not None
        ]
        if known:
            parts.append(f"bij {IN_WORDS[kind]} {say.listed(known)} stembiljet")
    if not parts:
        return ""
    return f"Om middernacht was klaar: {'; '.join(parts)}."


def _proportional(say: Language, outcome: Outcome) -> str:
    """Say where one ratio of the speed may not hold for the whole count; nothing elsewhere."""
    doubtful = [
        f"{IN_WORDS[m.subset]} (p-waarde {say.p_value(m.p_value)})"
        for m in outcome.results.counting_time
        if m.quantity == "proportional_hazards" and m.p_value < DOUBTFUL_P
    ]
    if not doubtful:
        return ""
    return (
        f"Bij {say.listed(doubtful)} is het twijfelachtig of die verhouding de hele telling "
        "lang dezelfde is; zij is daar een gemiddelde. De toets daarvoor (Schoenfeld) ziet elke "
        "telling als onafhankelijk en slaat bij verschillen tussen gemeenten te snel aan."
    )


def _since(say: Language, outcome: Outcome) -> str:
    if not _kinds(outcome):
        return ""
    parts = [
        f"bij {IN_WORDS[m.subset]} sinds {m.quantity.removeprefix(SINCE)} "
        f"{say.number(m.estimate, 2)} ({limits_text(say, m)}; p-waarde {say.p_value(m.p_value)})"
        for m in outcome.results.counting_time
        if m.quantity.startswith(SINCE) and math.isfinite(m.estimate)
    ]
    if not parts:
        return "Van een eerdere verkiezing zijn geen tijden die te vergelijken zijn."
    return (
        "De verandering van het werk in de experimentgemeenten, gedeeld door die in de "
        f"controlegemeenten, is {say.listed(parts)}."
    )
