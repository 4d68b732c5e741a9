"""What the figures of the learning effect draw, from finished results."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import display_name
from ballot_eval.reporting.drawings.times import Drawing
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.selection import with_fields
from ballot_eval.results import Measure
from ballot_eval.topics.naive_change import ROUNDED

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome
    from ballot_eval.topics.learning import LearningResults

#: Words for groups, parts and scenarios in the figures, by language.
WORDS = {
    "nl": {
        "later": "eerder gebruikt",
        "first": "voor het eerst",
        "joiners": "erbij gekomen",
        "leavers": "afgevallen",
        "control_trend": "ontwikkeling elders",
        "own_start": "soort verkiezing",
        "learning": "verandering effect",
        "excess_over_control": "verschil met elders",
        "no_further_learning": "zoals nu",
        "first_use": "zoals bij eerste gebruik",
        "most_exposures": "zoals na meer keren",
        "best_municipality": "zoals in de beste gemeente",
    },
    "en": {
        "later": "used before",
        "first": "first use",
        "joiners": "joined",
        "leavers": "left",
        "control_trend": "trend elsewhere",
        "own_start": "type of election",
        "learning": "change in the effect",
        "excess_over_control": "difference from elsewhere",
        "no_further_learning": "as now",
        "first_use": "as at first use",
        "most_exposures": "as after more uses",
        "best_municipality": "as in the best municipality",
    },
}


def learning_figures(say: Language, outcome: Outcome) -> dict[str, Drawing]:
    """Return the figures of learning, those that there are results for."""
    learning = outcome.learning
    if learning is None:
        return {}
    words = say.pick(WORDS)
    made = _excess(outcome, learning) | _groups(outcome, learning, words)
    return made | _waterfall(learning, words) | _forecast(learning, words)


def _name(outcome: Outcome, code: str) -> str:
    return display_name(outcome.study.municipalities[code])


def _excess(outcome: Outcome, learning: LearningResults) -> dict[str, Drawing]:
    """Return the excess of the fixed set at every use: counted, or what rounding leaves open."""
    study = outcome.study
    found = {
        m.group: m
        for m in with_fields(learning.measures, quantity="excess", subset="ballot")
        if math.isfinite(m.estimate)
    }
    labels = [e.election for e in learning.history.learning.exposures if e.election in found]
    if len(labels) < 2:
        return {}
    pooled = [found[label] for label in labels]
    lower, upper = _limits([None if m.method in ROUNDED else m for m in pooled])
    rounded = _limits([m if m.method in ROUNDED else None for m in pooled])
    own: dict[str, list[float]] = {}
    own_rounded: dict[str, tuple[list[float], list[float]]] = {}
    for code in learning.history.members:
        mine = {m.group: m for m in with_fields(learning.measures, quantity="excess", subset=code)}
        if not mine.keys() & set(labels):
            continue
        values = [mine.get(label) for label in labels]
        own[_name(outcome, code)] = [math.nan if m is None else m.estimate for m in values]
        own_rounded[_name(outcome, code)] = _limits(values)
    # All of the fixed set used the ballot equally often, whatever uses the plan compares.
    uses = [study.exposure(learning.history.members[0], label) for label in labels]
    options = {
        "municipalities": own,
        "rounded": rounded,
        "own_rounded": own_rounded,
        "kind": study.analysis.outcome,
    }
    arguments = (labels, uses, [m.estimate for m in pooled], lower, upper)
    return {"excess_by_exposure": (arguments, options)}


def _limits(found: list[Measure | None]) -> tuple[list[float], list[float]]:
    """Return lower and upper limits, NaN where there are none or one has no end."""
    ends = [
        (m.ci_lower, m.ci_upper)
        if m is not None and math.isfinite(m.ci_upper - m.ci_lower)
        else (math.nan, math.nan)
        for m in found
    ]
    return [low for low, _ in ends], [high for _, high in ends]


def _groups(
    outcome: Outcome, learning: LearningResults, words: dict[str, str]
) -> dict[str, Drawing]:
    found = with_fields(
        learning.measures, quantity="later_against_first", method="exact_permutation"
    )
    if not found or math.isnan(found[0].estimate):
        return {}
    m, study = found[0], outcome.study
    groups: dict[str, dict[str, float]] = {words["later"]: {}, words["first"]: {}}
    for one in with_fields(learning.measures, quantity="excess_now"):
        key = "later" if study.exposure(one.subset, study.election) > 1 else "first"
        groups[words[key]][_name(outcome, one.subset)] = one.estimate
    means = [
        with_fields(learning.measures, quantity="excess_of_group", subset=group)[0].estimate
        for group in ("later", "first")
    ]
    difference = (m.estimate, m.ci_lower, m.ci_upper, m.p_value)
    return {"later_against_first": ((groups, means, difference), {"kind": study.analysis.outcome})}


def _waterfall(learning: LearningResults, words: dict[str, str]) -> dict[str, Drawing]:
    """Return the parts of the latest change of which something is known."""
    uses = [e.election for e in learning.history.learning.exposures]
    known = [pair for pair in itertools.pairwise(uses) if pair in learning.decompositions]
    if not known:
        return {}
    pair = known[-1]
    found = learning.decompositions[pair]
    names = list(found.parts)
    central = [found.central[name] for name in names]
    lower, upper = (
        [math.nan if b.exact else float(getattr(b, side)) for b in found.parts.values()]
        for side in ("lower", "upper")
    )
    # One set of values within the rounding, so that the steps lead from the start to the end.
    first = found.then.exposed.midpoint
    last = found.now.exposed.lower if found.now.exposed.exact else first + sum(central)
    first = last - sum(central)
    labels = [pair[0], *(words[name] for name in names), pair[1]]
    options = {"lower": lower, "upper": upper, "kind": learning.history.outcome}
    return {"waterfall": ((labels, central, first, last), options)}


def _forecast(learning: LearningResults, words: dict[str, str]) -> dict[str, Drawing]:
    found = learning.forecasts
    if not found:
        return {}
    columns = [
        [getattr(f, name) for f in found] for name in ("share", "share_lower", "share_upper")
    ]
    options = {
        "kind": learning.history.outcome,
        "control_rate": found[0].control_rate,
        "votes_cast": found[0].votes_cast,
        "scales": [f.scale for f in found],
        "range_lower": [f.share_range_lower for f in found],
        "range_upper": [f.share_range_upper for f in found],
    }
    return {"forecast": (([words[f.label] for f in found], *columns), options)}
