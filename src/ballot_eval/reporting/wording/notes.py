"""Why the report has no number, or how one was made: the notes of results in Dutch."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ballot_eval.formatting import display_name
from ballot_eval.reasons import dutch_reason
from ballot_eval.reporting.tables.invalid_votes import METHODS, OUTCOMES, POOLS, WEIGHTINGS, one_outcome
from ballot_eval.results import Check, Effect
from ballot_eval.topics.station_effects import METHOD as STATION_METHOD

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome
    from ballot_eval.panel import Panel


def municipality_names(panel: Panel) -> dict[str, str]:
    """Return the printed name of every municipality of the panel by code."""
    rows = panel.results.drop_duplicates("municipality_code")
    named = zip(rows["municipality_code"], rows["municipality_name"], strict=True)
    return {str(code): display_name(str(name)) for code, name in named}


def reason_sentences(outcome: Outcome) -> dict[str, str]:
    """Return what stands below the tables of effects and checks, by name; empty without notes."""
    study, results = outcome.study, outcome.results
    primary = one_outcome(results.effects, study.analysis.outcome, study.baselines[0])
    names = municipality_names(outcome.panel)
    main, stations = (
        [e for e in results.effects if e.method == method]
        for method in ("randomisation", STATION_METHOD)
    )
    checks = [c for c in results.checks if c.check in CHECKS]
    return {
        "effects_notes": _notes([(_effect_label(e), e) for e in main], names),
        "station_effects_notes": _notes([(_effect_label(e), e) for e in stations], names),
        "methods_notes": _notes(
            [(_method_label(e), e) for e in primary if e.estimand == "att"], names
        ),
        "ratios_notes": _notes(
            [(_method_label(e), e) for e in primary if e.estimand != "att"], names
        ),
        "checks_notes": _notes([(_check_label(c, names), c) for c in checks], names),
    }


#: Checks that have a table of their own, and what a row without a number is called.
CHECKS = {
    "placebo": "het verschil over {variant}",
    "leave_one_out": "het effect zonder {variant}",
    "control_pool": "vergeleken met {variant}",
}


def why(note: str, outcome: Outcome) -> str:
    """Return a note in Dutch, with the names of municipalities."""
    return dutch_reason(note, municipality_names(outcome.panel))


def _effect_label(item: Effect) -> str:
    return f"{OUTCOMES[item.outcome]} sinds {item.baseline}, {WEIGHTINGS[item.weighting]}"


def _method_label(item: Effect) -> str:
    return f"{METHODS[item.method]}, {WEIGHTINGS[item.weighting]}"


def _check_label(item: Check, names: dict[str, str]) -> str:
    variant = names.get(item.variant, POOLS.get(item.variant, item.variant.replace("-", " → ")))
    return CHECKS[item.check].format(variant=variant)


def _notes(items: Iterable[tuple[str, Effect | Check]], names: dict[str, str]) -> str:
    """Return a sentence per reason, and one per way in which numbers were made."""
    missing: dict[str, list[str]] = {}
    made: dict[str, list[str]] = {}
    for label, item in items:
        if item.note:
            kind = missing if math.isnan(item.estimate) else made
            labels = kind.setdefault(dutch_reason(item.note, names), [])
            if label not in labels:
                labels.append(label)
    sentences = [f"Niet te schatten ({'; '.join(v)}): {reason}." for reason, v in missing.items()]
    sentences += [f"Bij {'; '.join(v)}: {reason}." for reason, v in made.items()]
    return " ".join(sentences)
