"""Why the report has no number, or how one was made: the notes of results in words."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ballot_eval.reasons import told_reason
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.names import municipality_names
from ballot_eval.reporting.selection import one_outcome
from ballot_eval.reporting.tables.terms import METHODS, OUTCOMES, POOLS, WEIGHTINGS
from ballot_eval.results import Check, Effect
from ballot_eval.topics.station_effects import METHOD as STATION_METHOD

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

NOTHING = {"nl": "Dit is niet gemeten.", "en": "This was not measured."}

#: Checks that have a table of their own, and what a row without a number is called.
CHECKS = {
    "nl": {
        "placebo": "het verschil over {variant}",
        "leave_one_out": "het effect zonder {variant}",
        "control_pool": "de vergelijking met {variant}",
    },
    "en": {
        "placebo": "the difference over {variant}",
        "leave_one_out": "the effect without {variant}",
        "control_pool": "the comparison with {variant}",
    },
}


def reason_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return what stands below the tables of effects and checks, by name; empty without notes."""
    study, results = outcome.study, outcome.results
    primary = one_outcome(results.effects, study.analysis.outcome, study.baselines[0])
    names = municipality_names(outcome.panel)
    main, stations = (
        [e for e in results.effects if e.method == method]
        for method in ("randomisation", STATION_METHOD)
    )
    checks = [c for c in results.checks if c.check in say.pick(CHECKS)]
    return {
        "effects_notes": _notes(say, [(_effect_label(say, e), e) for e in main], names),
        "station_effects_notes": _notes(say, [(_effect_label(say, e), e) for e in stations], names),
        "methods_notes": _notes(
            say, [(_method_label(say, e), e) for e in primary if e.estimand == "att"], names
        ),
        "ratios_notes": _notes(
            say, [(_method_label(say, e), e) for e in primary if e.estimand != "att"], names
        ),
        "checks_notes": _notes(say, [(_check_label(say, c, names), c) for c in checks], names),
    }


def why(say: Language, note: str, outcome: Outcome) -> str:
    """Return a note in words, with the names of municipalities."""
    return told_reason(note, municipality_names(outcome.panel), language=say.code)


def without_number(say: Language, outcome: Outcome, check: str) -> str:
    """Return why a check has no number: the reason of its row, or that it was not measured."""
    notes = [c.note for c in outcome.results.checks if c.check == check and c.note]
    if not notes:
        return say.pick(NOTHING)
    reason = why(say, notes[0], outcome)
    return say(nl=f"Dit is niet te schatten: {reason}.", en=f"This cannot be estimated: {reason}.")


def _effect_label(say: Language, item: Effect) -> str:
    outcome, weighting = say.pick(OUTCOMES)[item.outcome], say.pick(WEIGHTINGS)[item.weighting]
    since = say(nl="sinds", en="since")
    return f"{outcome} {since} {item.baseline}, {weighting}"


def _method_label(say: Language, item: Effect) -> str:
    return f"{say.pick(METHODS)[item.method]}, {say.pick(WEIGHTINGS)[item.weighting]}"


def _check_label(say: Language, item: Check, names: dict[str, str]) -> str:
    variant = names.get(
        item.variant, say.pick(POOLS).get(item.variant, item.variant.replace("-", " → "))
    )
    return say.pick(CHECKS)[item.check].format(variant=variant)


def _notes(
    say: Language, items: Iterable[tuple[str, Effect | Check]], names: dict[str, str]
) -> str:
    """Return a sentence per reason, and one per way in which numbers were made."""
    missing: dict[str, list[str]] = {}
    made: dict[str, list[str]] = {}
    for label, item in items:
        if item.note:
            kind = missing if math.isnan(item.estimate) else made
            labels = kind.setdefault(told_reason(item.note, names, language=say.code), [])
            if label not in labels:
                labels.append(label)
    none = say(nl="Niet te schatten", en="Cannot be estimated")
    about = say(nl="Bij", en="For")
    sentences = [f"{none} ({'; '.join(v)}): {reason}." for reason, v in missing.items()]
    sentences += [f"{about} {'; '.join(v)}: {reason}." for reason, v in made.items()]
    return " ".join(sentences)
