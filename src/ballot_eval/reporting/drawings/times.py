"""What the figures of times draw, from finished results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ballot_eval.estimation.survival import SurvivalCurve
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.times import booth_rows
from ballot_eval.results import Measure
from ballot_eval.topics.counts import KINDS

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

FloatArray = npt.NDArray[np.float64]

#: Positional and keyword arguments of a figure function and of its alternative text.
Drawing = tuple[tuple[Any, ...], dict[str, Any]]

#: Curves of central sessions run from their own start, those of stations from the closing hour.
CENTRAL = "CSO_central"

#: Words for groups in the figures, by language.
WORDS = {
    "nl": {
        "new": "nieuw stembiljet",
        "old": "oud stembiljet",
        "unassisted": "zonder hulp",
        "assisted": "met hulp",
        "all": "alle kiezers",
        "DSO": "DSO, stembureau",
        "CSO": "CSO, stembureau (lijsten)",
        "CSO_central": "CSO, centrale zitting (kandidaten)",
    },
    "en": {
        "new": "new ballot",
        "old": "old ballot",
        "unassisted": "without help",
        "assisted": "with help",
        "all": "all voters",
        "DSO": "DSO, polling station",
        "CSO": "CSO, polling station (lists)",
        "CSO_central": "CSO, central session (candidates)",
    },
}


def time_figures(say: Language, outcome: Outcome) -> dict[str, Drawing]:
    """Return the figures of times, those that there are results for."""
    words = say.pick(WORDS)
    made = _ridges(outcome, words) | _quantiles(outcome) | _booths(outcome)
    return made | _counting(outcome, words)


def _estimate(
    items: tuple[Measure, ...], quantity: str, group: str, subset: str, method: str
) -> tuple[float, float, float]:
    for m in items:
        if (m.quantity, m.group, m.subset, m.method) == (quantity, group, subset, method):
            return m.estimate, m.ci_lower, m.ci_upper
    return math.nan, math.nan, math.nan


def _ridges(outcome: Outcome, words: dict[str, str]) -> dict[str, Drawing]:
    """Return the spread of the times, from the steps of the Kaplan–Meier curves."""
    seconds, medians, weights, roles, counts = {}, {}, {}, {}, {}
    # All voters stand in where it is not known who was helped.
    for subset in dict.fromkeys((outcome.voting.main, "assisted")):
        voters = outcome.voting.voters.get(subset)
        for ballot in ("new", "old"):
            curve = outcome.voting.curves.get((subset, ballot))
            if voters is None or curve is None:
                continue
            label = f"{words[ballot]}, {words[subset]}"
            seconds[label] = curve.times
            weights[label] = -np.diff(curve.survival, prepend=1.0)
            medians[label] = _estimate(
                outcome.results.voting_time, "median_seconds", ballot, subset, "kaplan_meier"
            )
            roles[label] = ballot
            counts[label] = int((voters.new == (ballot == "new")).sum())
    if not seconds:
        return {}
    options: dict[str, Any] = {"horizon_seconds": _axis_end(outcome), "roles": roles}
    options |= {"weights": weights, "counts": counts}
    return {"voting_time_ridges": ((seconds, medians), options)}


def _axis_end(outcome: Outcome) -> float:
    """Return where the axis ends: above 99% of all times, in whole minutes."""
    longest = float(np.quantile(outcome.voting.voters["all"].seconds, 0.99))
    return min(outcome.study.times.horizon_seconds, 60.0 * math.ceil(longest / 60))


def _quantiles(outcome: Outcome) -> dict[str, Drawing]:
    found = outcome.voting.quantiles
    if found is None:
        return {}
    ratio = _estimate(
        outcome.results.voting_time, "ratio", "new/old", outcome.voting.main, "mixed_model"
    )
    values = [np.exp(v) for v in (found.estimates, found.ci_lower, found.ci_upper)]
    band = {"band_lower": np.exp(found.band_lower), "band_upper": np.exp(found.band_upper)}
    mean = None if math.isnan(ratio[0]) else ratio
    return {"quantile_effects": ((found.quantiles, *values, mean), band)}


def _booths(outcome: Outcome) -> dict[str, Drawing]:
    queue = outcome.study.times.queue
    found = booth_rows(outcome.results.voting_time)
    rows = [row for row in found if any(math.isfinite(m.estimate) for m in row[1:3])]
    if queue is None or not rows:
        return {}
    by_ballot = {"new": [row[1] for row in rows], "old": [row[2] for row in rows]}
    limits = {
        f"{side}_{ballot}": [getattr(m, f"ci_{side}") for m in found]
        for ballot, found in by_ballot.items()
        for side in ("lower", "upper")
    }
    needed = ([m.estimate for m in found] for found in by_ballot.values())
    arguments = ([row[0] for row in rows], *needed)
    rule = {"max_wait_minutes": queue.max_wait_minutes, "max_share": queue.max_share}
    return {"booths_needed": (arguments, rule | limits)}


#: A band is drawn only where as many counts had finished, and as many were still to finish.
FEWEST_EVENTS = 5


def _band(curve: SurvivalCurve) -> tuple[FloatArray, FloatArray]:
    """Return the limits of the share finished, NaN where too few counts had finished to tell."""
    told = (np.cumsum(curve.events) >= FEWEST_EVENTS) & (curve.at_risk >= FEWEST_EVENTS)
    lower, upper = (np.where(told, 1 - v, np.nan) for v in (curve.upper, curve.lower))
    return lower, upper


def _counting(outcome: Outcome, words: dict[str, str]) -> dict[str, Drawing]:
    rates, medians, curves = [], [], {}
    for kind in (k.name for k in KINDS):
        for ballot, pace in outcome.counting.paces.get(kind, {}).items():
            if not len(pace):
                continue
            rates.append(pd.DataFrame({"kind": words[kind], "ballot": ballot, "rate": pace}))
            middle = _estimate(
                outcome.results.counting_time,
                "median_person_minutes_per_100_ballots",
                ballot,
                kind,
                "finished_counts",
            )
            medians.append((words[kind], ballot, *middle))
        found = outcome.counting.curves.get(kind, {})
        if found:
            curves[words[kind]] = {
                words[ballot]: (c.times, 1 - c.survival, *_band(c)) for ballot, c in found.items()
            }
    made: dict[str, Drawing] = {}
    if rates:
        columns = ["kind", "ballot", "median", "lower", "upper"]
        made["counting_rates"] = (
            (pd.concat(rates, ignore_index=True), pd.DataFrame(medians, columns=columns)),
            {},
        )
    if curves:
        origin = {words[CENTRAL]: math.nan} if words[CENTRAL] in curves else None
        roles = {words["new"]: "new", words["old"]: "old"}
        made["finished_by_clock"] = ((curves,), {"roles": roles, "clock_origin_minutes": origin})
    return made
