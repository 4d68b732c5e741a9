"""The sentences of the report on the time that counting takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import count_in_words, number, p_value, percent
from ballot_eval.reporting.drawings.times import FEWEST_EVENTS
from ballot_eval.reporting.tables.times import KINDS, SINCE, WORK
from ballot_eval.reporting.wording.checks import enumerate_words
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


def counting_sentences(outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    return {
        "counting_sample_text": _counting_sample(outcome),
        "counting_answer_text": _counting_answer(outcome),
        "counting_ratio_text": _counting_ratios(outcome),
        "unfinished_text": _unfinished(outcome),
        "finished_text": _finished(outcome),
        "proportional_text": _proportional(outcome),
        "fewest_events": count_in_words(FEWEST_EVENTS),
        "counting_since_text": _since(outcome),
    }


def _kinds(outcome: Outcome) -> list[str]:
    return [kind for kind in KINDS if kind in outcome.counting.paces]


def _counting_sample(outcome: Outcome) -> str:
    parts = []
    for kind in _kinds(outcome):
        new, old = (_observed(outcome, kind, ballot) for ballot in ("new", "old"))
        parts.append(
            f"{number(new)} met het nieuwe en {number(old)} met het oude stembiljet "
            f"van {IN_WORDS[kind]}"
        )
    if not parts:
        return NO_COUNTING
    return f"Er zijn tijden van {enumerate_words(parts)}."


def _observed(outcome: Outcome, kind: str, ballot: str) -> int:
    """Return how many counts were seen, finished or not."""
    found = outcome.counting.curves[kind].get(ballot)
    return 0 if found is None else int(found.at_risk[0])


def _unfinished(outcome: Outcome) -> str:
    """Say how many counts are not in the table and figure of finished ones."""
    kinds = _kinds(outcome)
    parts = []
    for kind in kinds:
        paces = outcome.counting.paces[kind]
        seen = sum(_observed(outcome, kind, ballot) for ballot in paces)
        if gone := seen - sum(len(pace) for pace in paces.values()):
            parts.append(f"{number(gone)} van de {number(seen)} bij {IN_WORDS[kind]}")
    if not parts:
        return "Alle tellingen waren klaar." if kinds else ""
    return (
        "Alleen tellingen die klaar waren staan hierin. Nog bezig toen de waarneming ophield: "
        f"{enumerate_words(parts)}."
    )


def _work_ratio(outcome: Outcome, kind: str) -> Measure | None:
    """Return the ratio of the work by the method that the plan names."""
    method = outcome.study.times.method
    quantity = "work_ratio" if method == "mixed_model" else "pace_ratio"
    return find_measure(
        outcome.results.counting_time, quantity=quantity, subset=kind, method=method
    )


def _work_clause(kind: str, ratio: Measure) -> str:
    numbers = f"(verhouding {number(ratio.estimate, 2)}; {limits_text(ratio)})"
    if not is_clear(ratio):
        return f"bij {IN_WORDS[kind]} is geen verschil aangetoond {numbers}"
    return f"bij {IN_WORDS[kind]} is tellen {change_text(ratio, 'minder', 'meer')} werk {numbers}"


def _counting_answer(outcome: Outcome) -> str:
    """Answer whether counting takes longer, for the summary."""
    if not _kinds(outcome):
        return NO_COUNTING
    found = {kind: _work_ratio(outcome, kind) for kind in _kinds(outcome)}
    clauses = [_work_clause(kind, ratio) for kind, ratio in found.items() if ratio is not None]
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


def _counting_ratios(outcome: Outcome) -> str:
    if not _kinds(outcome):
        return ""
    parts = [
        f"bij {IN_WORDS[kind]} {number(ratio.estimate, 2)} ({limits_text(ratio)})"
        for kind in _kinds(outcome)
        if (ratio := _work_ratio(outcome, kind)) is not None
    ]
    if not parts:
        return NO_COMPARISON
    text = (
        "De verhouding van het werk met het nieuwe tot dat met het oude stembiljet is "
        f"{enumerate_words(parts)}. Alleen tellingen die klaar waren tellen hierin mee."
    )
    doubtful = [IN_WORDS[kind] for kind in _doubtful(outcome)]
    if doubtful:
        text += (
            f" Over {enumerate_words(doubtful)} zijn de methoden het niet eens of er een verschil "
            "is aangetoond."
        )
    return text


def _finished(outcome: Outcome) -> str:
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
            f"{percent(share.estimate, 0)} van de tellingen met het {word}"
            for share, word in zip(shares, ("nieuwe", "oude"), strict=True)
            if share is not None
        ]
        if known:
            parts.append(f"bij {IN_WORDS[kind]} {enumerate_words(known)} stembiljet")
    if not parts:
        return ""
    return f"Om middernacht was klaar: {'; '.join(parts)}."


def _proportional(outcome: Outcome) -> str:
    """Say where one ratio of the speed may not hold for the whole count; nothing elsewhere."""
    doubtful = [
        f"{IN_WORDS[m.subset]} (p-waarde {p_value(m.p_value)})"
        for m in outcome.results.counting_time
        if m.quantity == "proportional_hazards" and m.p_value < DOUBTFUL_P
    ]
    if not doubtful:
        return ""
    return (
        f"Bij {enumerate_words(doubtful)} is het twijfelachtig of die verhouding de hele telling "
        "lang dezelfde is; zij is daar een gemiddelde. De toets daarvoor (Schoenfeld) ziet elke "
        "telling als onafhankelijk en slaat bij verschillen tussen gemeenten te snel aan."
    )


def _since(outcome: Outcome) -> str:
    if not _kinds(outcome):
        return ""
    parts = [
        f"bij {IN_WORDS[m.subset]} sinds {m.quantity.removeprefix(SINCE)} "
        f"{number(m.estimate, 2)} ({limits_text(m)}; p-waarde {p_value(m.p_value)})"
        for m in outcome.results.counting_time
        if m.quantity.startswith(SINCE) and math.isfinite(m.estimate)
    ]
    if not parts:
        return "Van een eerdere verkiezing zijn geen tijden die te vergelijken zijn."
    return (
        "De verandering van het werk in de experimentgemeenten, gedeeld door die in de "
        f"controlegemeenten, is {enumerate_words(parts)}."
    )
