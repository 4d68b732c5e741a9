"""Voting booths needed in a peak, from the observed times in the booth."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

from ballot_eval.design import StudyDesign
from ballot_eval.estimation.queueing import booths_needed
from ballot_eval.estimation.queueing_interval import (
    BoothsInterval,
    booths_difference,
    booths_needed_interval,
)
from ballot_eval.estimation.queueing_paths import kaplan_meier_weights
from ballot_eval.results import Measure
from ballot_eval.topics.measures import Basis, Comparison, Numbers, require_several
from ballot_eval.topics.voters import MUNICIPALITY, Voters

#: Replications of the peak in each resample of the municipalities; the estimate itself has as many
#: as the plan says.
RESAMPLE_REPLICATIONS = 200

#: The note on a number of booths that more replications could change by one.
CLOSE = "within the Monte-Carlo error of a neighbouring number"


def booth_results(voters: Voters, study: StudyDesign) -> tuple[Measure, ...]:
    """Return the booths needed per arrival rate of the plan, new and old ballot and difference.

    ``voters`` are all that were observed, helped or not: each of them occupies a booth. Broken-off
    observations count as censored. Limits come from resampling municipalities. Nothing is
    returned without a queue in the plan.
    """
    queue = study.times.queue
    if queue is None:
        return ()
    made: list[Measure] = []
    parts = {"new": voters.only(voters.new), "old": voters.only(~voters.new)}
    for rate in queue.arrivals_per_hour:
        intervals: dict[str, BoothsInterval] = {}
        for ballot, part in parts.items():
            _one_ballot(Comparison(ballot, _subset(rate), part.n, made), part, study, intervals)
        new, old = made[-2:]

        def difference(
            new: Measure = new, old: Measure = old, found: dict[str, BoothsInterval] = intervals
        ) -> Numbers:
            if len(found) < len(parts):
                msg = "the booths with one of the ballots have no interval"
                raise ValueError(msg)
            level = study.analysis.confidence_level
            limits = booths_difference(found["new"], found["old"], confidence_level=level)
            return new.estimate - old.estimate, limits.lower, limits.upper, math.nan

        basis = Basis.of(MUNICIPALITY, voters.municipality).drawn(queue.draws, study.analysis.seed)
        to = Comparison("new-old", _subset(rate), voters.n, made)
        alone = partial(lambda new, old: new.estimate - old.estimate, new, old)
        to.add("booths_needed", "queue_simulation", difference, basis, point=alone)
    return tuple(made)


def _subset(rate: int) -> str:
    return f"{rate}_arrivals_per_hour"


def _one_ballot(
    to: Comparison, part: Voters, study: StudyDesign, intervals: dict[str, BoothsInterval]
) -> None:
    """Add the booths needed with one ballot, and keep its resamples for the difference."""
    queue, seed = study.times.queue, study.analysis.seed
    assert queue is not None
    rate = float(to.subset.split("_", 1)[0])
    close = False

    def point() -> float:
        nonlocal close
        found = booths_needed(
            rate,
            part.seconds,
            kaplan_meier_weights(part.seconds, part.complete),
            max_wait_minutes=queue.max_wait_minutes,
            max_share=queue.max_share,
            peak_minutes=queue.peak_minutes,
            replications=queue.replications,
            seed=seed,
        )
        close = found.close
        return float(found.booths)

    def work() -> Numbers:
        what = f"observations with the {to.group} ballot"
        require_several(part.municipality, what=what, cluster=MUNICIPALITY)
        booths = point()
        found = booths_needed_interval(
            rate,
            part.seconds,
            part.municipality.to_numpy(str),
            complete=part.complete,
            max_wait_minutes=queue.max_wait_minutes,
            max_share=queue.max_share,
            peak_minutes=queue.peak_minutes,
            replications=RESAMPLE_REPLICATIONS,
            draws=queue.draws,
            seed=seed,
            confidence_level=study.analysis.confidence_level,
        )
        intervals[to.group] = found
        return booths, float(found.lower), float(found.upper), math.nan

    basis = Basis.of(MUNICIPALITY, part.municipality).drawn(queue.draws, seed)
    to.add("booths_needed", "queue_simulation", work, basis, point=point)
    if close:
        made = to.made[-1]
        to.made[-1] = replace(made, note="; ".join(filter(None, (made.note, CLOSE))))
