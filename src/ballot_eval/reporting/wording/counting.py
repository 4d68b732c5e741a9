"""The sentences of the report on the time that counting takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.reporting.drawings.times import FEWEST_EVENTS
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.times import SINCE, WORK
from ballot_eval.reporting.wording.measures import NO_COMPARISON, find_measure, is_clear
from ballot_eval.results import Measure
from ballot_eval.topics.counting_time import MIDNIGHT
from ballot_eval.topics.counts import KINDS

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NO_COUNTING = {
    "nl": "De tijd voor het tellen is niet gemeten.",
    "en": "The time taken to count was not measured.",
}

#: Below this p-value one ratio for the whole count is called doubtful.
DOUBTFUL_P = 0.05

#: What is said of each kind of count in a sentence.
IN_WORDS = {
    "nl": {
        "DSO": "stembureaus met DSO",
        "CSO": "stembureaus met CSO",
        "CSO_central": "centrale zittingen",
    },
    "en": {
        "DSO": "polling stations with DSO",
        "CSO": "polling stations with CSO",
        "CSO_central": "central sessions",
    },
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
    return [kind.name for kind in KINDS if kind.name in outcome.counting.paces]


def _counting_sample(say: Language, outcome: Outcome) -> str:
    parts = []
    for kind, where in say.pick(IN_WORDS).items():
        if kind not in outcome.counting.paces:
            continue
        new, old = (say.number(_observed(outcome, kind, ballot)) for ballot in ("new", "old"))
        parts.append(
            say(
                nl=f"{new} met het nieuwe en {old} met het oude stembiljet van {where}",
                en=f"{where} ({new} with the new and {old} with the old ballot)",
            )
        )
    if not parts:
        return say.pick(NO_COUNTING)
    return say(
        nl=f"Er zijn tijden van {say.listed(parts)}.",
        en=f"There are times of counts at {say.listed(parts)}.",
    )


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
            where, some, total = say.pick(IN_WORDS)[kind], say.number(gone), say.number(seen)
            parts.append(
                say(nl=f"{some} van de {total} bij {where}", en=f"{some} of the {total} at {where}")
            )
    if not kinds:
        return ""
    if not parts:
        return say(nl="Alle tellingen waren klaar.", en="All counts had finished.")
    return say(
        nl="Alleen tellingen die klaar waren staan hierin. Nog bezig toen de waarneming ophield: "
        f"{say.listed(parts)}.",
        en="Only counts that had finished are shown. Still under way when observation "
        f"stopped: {say.listed(parts)}.",
    )


def _work_ratio(outcome: Outcome, kind: str) -> Measure | None:
    """Return the ratio of the work by the method that the plan names."""
    method = outcome.study.times.method
    quantity = "work_ratio" if method == "mixed_model" else "pace_ratio"
    return find_measure(
        outcome.results.counting_time, quantity=quantity, subset=kind, method=method
    )


def _work_ratios(outcome: Outcome) -> dict[str, Measure]:
    """Return that ratio by kind of count, where there is one."""
    found = {kind: _work_ratio(outcome, kind) for kind in _kinds(outcome)}
    return {kind: ratio for kind, ratio in found.items() if ratio is not None}


def _work_clause(say: Language, kind: str, ratio: Measure) -> str:
    where, number = say.pick(IN_WORDS)[kind], say.number(ratio.estimate, 2)
    limits = say.between(ratio.ci_lower, ratio.ci_upper)
    if not is_clear(ratio):
        return say(
            nl=f"bij {where} is geen verschil aangetoond (verhouding {number}; {limits})",
            en=f"at {where}, no difference was shown (ratio {number}; {limits})",
        )
    size, less = say.percent(abs(ratio.estimate - 1), 0), ratio.estimate < 1
    return say(
        nl=f"bij {where} is tellen {size} {'minder' if less else 'meer'} werk (verhouding "
        f"{number}; {limits})",
        en=f"at {where}, counting is {size} {'less' if less else 'more'} work (ratio {number}; "
        f"{limits})",
    )


def _counting_answer(say: Language, outcome: Outcome) -> str:
    """Answer whether counting takes longer, for the summary."""
    if not _kinds(outcome):
        return say.pick(NO_COUNTING)
    clauses = [_work_clause(say, kind, ratio) for kind, ratio in _work_ratios(outcome).items()]
    if not clauses:
        return say.pick(NO_COMPARISON)
    text = "; ".join(clauses)
    text = f"{text[0].upper()}{text[1:]}."
    if not _doubtful(say, outcome):
        return text
    return f"{text} " + say(
        nl="Niet elke methode bevestigt dit.", en="Not every method confirms this."
    )


def _doubtful(say: Language, outcome: Outcome) -> list[str]:
    """Return the kinds of count at which a method disagrees with the one that the plan names."""
    methods = say.pick(WORK)
    doubtful = []
    for kind, ratio in _work_ratios(outcome).items():
        others = [
            m
            for m in outcome.results.counting_time
            if m.subset == kind and (m.quantity, m.method) in methods and math.isfinite(m.estimate)
        ]
        if any(is_clear(m) != is_clear(ratio) for m in others):
            doubtful.append(kind)
    return doubtful


def _counting_ratios(say: Language, outcome: Outcome) -> str:
    if not _kinds(outcome):
        return ""
    in_words = say.pick(IN_WORDS)
    parts = []
    for kind, m in _work_ratios(outcome).items():
        ratio, limits = say.number(m.estimate, 2), say.between(m.ci_lower, m.ci_upper)
        parts.append(
            say(
                nl=f"bij {in_words[kind]} {ratio} ({limits})",
                en=f"{ratio} ({limits}) at {in_words[kind]}",
            )
        )
    if not parts:
        return say.pick(NO_COMPARISON)
    text = say(
        nl="De verhouding van het werk met het nieuwe tot dat met het oude stembiljet is "
        f"{say.listed(parts)}. Alleen tellingen die klaar waren tellen hierin mee.",
        en="The ratio of the work with the new ballot to that with the old is "
        f"{say.listed(parts)}. Only counts that had finished are included.",
    )
    doubtful = say.listed([in_words[kind] for kind in _doubtful(say, outcome)])
    if not doubtful:
        return text
    return f"{text} " + say(
        nl=f"Over {doubtful} zijn de methoden het niet eens of er een verschil is aangetoond.",
        en=f"On {doubtful}, the methods disagree on whether a difference was shown.",
    )


def _finished(say: Language, outcome: Outcome) -> str:
    """Say of polling stations which share of the counts had finished at midnight."""
    parts = []
    for kind in ("DSO", "CSO"):
        known = []
        for ballot, nl, en in (("new", "nieuwe", "new"), ("old", "oude", "old")):
            share = find_measure(
                outcome.results.counting_time,
                quantity=f"share_finished_{MIDNIGHT}_minutes_after_closing",
                group=ballot,
                subset=kind,
            )
            if share is not None:
                size = say.percent(share.estimate, 0)
                known.append(
                    say(
                        nl=f"{size} van de tellingen met het {nl}",
                        en=f"{size} of the counts with the {en}",
                    )
                )
        if known:
            where, counts = say.pick(IN_WORDS)[kind], say.listed(known)
            parts.append(
                say(nl=f"bij {where} {counts} stembiljet", en=f"at {where}, {counts} ballot")
            )
    if not parts:
        return ""
    text = "; ".join(parts)
    return say(nl=f"Om middernacht was klaar: {text}.", en=f"Finished by midnight: {text}.")


def _proportional(say: Language, outcome: Outcome) -> str:
    """Say where one ratio of the speed may not hold for the whole count; nothing elsewhere."""
    parts = []
    for m in outcome.results.counting_time:
        if m.quantity == "proportional_hazards" and m.p_value < DOUBTFUL_P:
            where, p = say.pick(IN_WORDS)[m.subset], say.p_value(m.p_value)
            parts.append(say(nl=f"{where} (p-waarde {p})", en=f"{where} (p-value {p})"))
    if not parts:
        return ""
    return say(
        nl=f"Bij {say.listed(parts)} is het twijfelachtig of die verhouding de hele telling lang "
        "dezelfde is; zij is daar een gemiddelde. De toets daarvoor (Schoenfeld) ziet elke telling "
        "als onafhankelijk en slaat bij verschillen tussen gemeenten te snel aan.",
        en=f"At {say.listed(parts)}, it is doubtful whether that ratio is the same throughout the "
        "count; there it is an average. The test for this (Schoenfeld) treats every count as "
        "independent and signals too readily when municipalities differ.",
    )


def _since(say: Language, outcome: Outcome) -> str:
    """Say how the work changed since an earlier election, compared with the controls."""
    if not _kinds(outcome):
        return ""
    parts = []
    for m in outcome.results.counting_time:
        if m.quantity.startswith(SINCE) and math.isfinite(m.estimate):
            where, election = say.pick(IN_WORDS)[m.subset], m.quantity.removeprefix(SINCE)
            ratio, limits = say.number(m.estimate, 2), say.between(m.ci_lower, m.ci_upper)
            p = say.p_value(m.p_value)
            parts.append(
                say(
                    nl=f"bij {where} sinds {election} {ratio} ({limits}; p-waarde {p})",
                    en=f"{ratio} at {where} since {election} ({limits}; p-value {p})",
                )
            )
    if not parts:
        return say(
            nl="Van een eerdere verkiezing zijn geen tijden die te vergelijken zijn.",
            en="There are no times of an earlier election that can be compared.",
        )
    return say(
        nl="De verandering van het werk in de experimentgemeenten, gedeeld door die in de "
        f"controlegemeenten, is {say.listed(parts)}.",
        en="The change in the work in the experiment municipalities, divided by that in the "
        f"control municipalities, is {say.listed(parts)}.",
    )
