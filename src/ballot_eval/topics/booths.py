"""Voting booths needed in the busiest hour, from the observed times in the booth."""

from __future__ import annotations

import math
from collections.abc import Callable

from ballot_eval.design import Queue, StudyDesign
from ballot_eval.estimation.queueing import booths_needed
from ballot_eval.estimation.queueing_interval import (
    BoothsInterval,
    booths_difference,
    booths_needed_interval,
)
from ballot_eval.estimation.queueing_paths import kaplan_meier_weights
from ballot_eval.results import Measure
from ballot_eval.topics.measures import Comparison, Numbers
from ballot_eval.topics.voting_time import STATION, Voters

#: Replications of the peak in each resample of the stations; the estimate has those of the plan.
RESAMPLE_REPLICATIONS = 200


def booth_results(voters: Voters, study: StudyDesign) -> tuple[Measure, ...]:
    """Return the booths needed per arrival rate of the plan, new and old ballot and difference.

    ``voters`` are all that were observed, helped or not: each of them occupies a booth. Broken-off
    observations count as censored. Nothing is returned without a queue in the plan.
    """
    queue = study.times.queue
    if queue is None:
        return ()
    made: list[Measure] = []
    parts = {"new": voters.only(voters.new), "old": voters.only(~voters.new)}
    for rate in queue.arrivals_per_hour:
        subset = f"{rate}_arrivals_per_hour"
        intervals: dict[str, BoothsInterval] = {}
        for ballot, part in parts.items():
            to = Comparison(ballot, subset, part.n, made)
            to.add(
                "booths_needed",
                "queue_simulation",
                _needed(part, queue, study, rate, intervals, ballot),
                cluster=STATION,
                n_clusters=len(set(part.station)),
                draws=queue.draws,
                seed=study.analysis.seed,
            )
        Comparison("new-old", subset, voters.n, made).add(
            "booths_needed",
            "queue_simulation",
            _difference(intervals, made[-2:], study),
            cluster=STATION,
            n_clusters=len(set(voters.station)),
            draws=queue.draws,
            seed=study.analysis.seed,
        )
    return tuple(made)


def _needed(
    part: Voters,
    queue: Queue,
    study: StudyDesign,
    rate: int,
    intervals: dict[str, BoothsInterval],
    ballot: str,
) -> Callable[[], Numbers]:
    def work() -> Numbers:
        wanted = {
            "max_wait_minutes": queue.max_wait_minutes,
            "max_share": queue.max_share,
            "peak_minutes": queue.peak_minutes,
        }
        weights = kaplan_meier_weights(part.seconds, part.complete)
        point = booths_needed(
            rate,
            part.seconds,
            weights,
            replications=queue.replications,
            seed=study.analysis.seed,
            **wanted,
        )
        found = booths_needed_interval(
            rate,
            part.seconds,
            part.station,
            complete=part.complete,
            replications=RESAMPLE_REPLICATIONS,
            draws=queue.draws,
            seed=study.analysis.seed,
            confidence_level=study.analysis.confidence_level,
            **wanted,
        )
        intervals[ballot] = found
        return float(point.booths), float(found.lower), float(found.upper), math.nan

    return work


def _difference(
    intervals: dict[str, BoothsInterval], points: list[Measure], study: StudyDesign
) -> Callable[[], Numbers]:
    def work() -> Numbers:
        if len(intervals) < 2:
            msg = "one of the two numbers of booths could not be found"
            raise ValueError(msg)
        found = booths_difference(
            intervals["new"],
            intervals["old"],
            confidence_level=study.analysis.confidence_level,
        )
        estimate = points[0].estimate - points[1].estimate
        return estimate, float(found.lower), float(found.upper), math.nan

    return work
