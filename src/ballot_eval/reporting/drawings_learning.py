"""What the figures of the learning effect draw, from finished results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ballot_eval.formatting import display_name
from ballot_eval.reporting.drawings_times import Drawing
from ballot_eval.results import Measure

if TYPE_CHECKING:
    from ballot_eval.pipeline import Outcome
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
        "learning": "change of effect",
        "excess_over_control": "difference from elsewhere",
        "no_further_learning": "as it is now",
        "first_use": "as at first use",
        "most_exposures": "as after more uses",
        "best_municipality": "as in the best municipality",
    },
}


def learning_figures(outcome: Outcome) -> dict[str, Drawing]:
    """Return the figures of learning, those that there are results for."""
    learning = outcome.learning
    if learning is None:
        return {}
    words = WORDS[outcome.study.language]
    made = _excess(outcome, learning) | _groups(outcome, learning, words)
    return made | _waterfall(learning, words) | _forecast(learning, words)


def _name(outcome: Outcome, code: str) -> str:
    return display_name(outcome.study.municipalities[code])


def _of(measures: tuple[Measure, ...], **wanted: str) -> list[Measure]:
    return [m for m in measures if all(getattr(m, k) == v for k, v in wanted.items())]


def _excess(outcome: Outcome, learning: LearningResults) -> dict[str, Drawing]:
    """Return the excess at every use: from counts, or else from rounded shares."""
    labels, estimates, lower, upper, rounded = [], [], [], [], []
    for exposure in learning.history.learning.exposures:
        counted = _of(
            learning.measures, quantity="excess", group=exposure.election, subset="ballot"
        )
        known = _of(learning.measures, quantity="level_excess", group=exposure.election)
        if not counted and not known:
            continue
        m = counted[0] if counted else known[0]
        labels.append(exposure.election)
        estimates.append(m.estimate)
        # An interval that holds every value (too few controls) is not drawn.
        drawn = counted and math.isfinite(m.ci_upper - m.ci_lower)
        lower.append(m.ci_lower if drawn else math.nan)
        upper.append(m.ci_upper if drawn else math.nan)
        rounded.append((math.nan, math.nan) if counted else (m.ci_lower, m.ci_upper))
    if len(labels) < 2:
        return {}
    own: dict[str, list[float]] = {}
    codes = sorted({m.subset for m in _of(learning.measures, quantity="excess")})
    for code in (c for c in codes if c.isdigit()):
        values = {m.group: m.estimate for m in _of(learning.measures, subset=code)}
        own[_name(outcome, code)] = [values.get(label, math.nan) for label in labels]
    uses = [
        1 + [e.election for e in learning.history.learning.exposures].index(label)
        for label in labels
    ]
    ends = np.array(rounded).T
    options = {"municipalities": own, "rounded": (ends[0], ends[1])}
    return {"excess_by_exposure": ((labels, uses, estimates, lower, upper), options)}


def _groups(
    outcome: Outcome, learning: LearningResults, words: dict[str, str]
) -> dict[str, Drawing]:
    found = _of(learning.measures, quantity="later_against_first", method="exact_permutation")
    if not found or math.isnan(found[0].estimate):
        return {}
    m, study = found[0], outcome.study
    groups: dict[str, dict[str, float]] = {words["later"]: {}, words["first"]: {}}
    for one in _of(learning.measures, quantity="excess_now"):
        key = "later" if study.exposure(one.subset, study.election) > 1 else "first"
        groups[words[key]][_name(outcome, one.subset)] = one.estimate
    means = [
        _of(learning.measures, quantity="excess_of_group", subset=group)[0].estimate
        for group in ("later", "first")
    ]
    difference = (m.estimate, m.ci_lower, m.ci_upper, m.p_value)
    return {"later_against_first": ((groups, means, difference), {})}


def _waterfall(learning: LearningResults, words: dict[str, str]) -> dict[str, Drawing]:
    """Return the parts of the latest change of which something is known."""
    exposures = learning.history.learning.exposures
    pair = exposures[-2].election, exposures[-1].election
    found = learning.decompositions.get(pair)
    if found is None:
        return {}
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
    return {"waterfall": ((labels, central, first, last), {"lower": lower, "upper": upper})}


def _forecast(learning: LearningResults, words: dict[str, str]) -> dict[str, Drawing]:
    found = learning.forecasts
    if not found:
        return {}
    columns = [
        [getattr(f, name) for f in found] for name in ("share", "share_lower", "share_upper")
    ]
    options = {
        "control_rate": found[0].control_rate,
        "votes_cast": found[0].votes_cast,
        "scales": [f.scale for f in found],
        "range_lower": [f.share_range_lower for f in found],
        "range_upper": [f.share_range_upper for f in found],
    }
    return {"forecast": (([words[f.label] for f in found], *columns), options)}
