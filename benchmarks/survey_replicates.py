"""Time raking every replicate of a survey at once, beside raking them one by one.

Run: python benchmarks/survey_replicates.py [--respondents 5000] [--clusters 250] [--draws 1000]

The survey is made up: polling stations as clusters in ten strata, four margins. "One by one" rakes
some replicates with the function for a single design, and scales the time up.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from timing import Values, figure, measure

from ballot_eval.estimation.survey.calibration import rake
from ballot_eval.estimation.survey.design import SurveyDesign, survey_design
from ballot_eval.estimation.survey.replicate_raking import rake_replicates
from ballot_eval.estimation.survey.replicates import (
    ReplicateWeights,
    rao_wu_weights,
    replicate_estimate,
)

#: Groups of the four margins: the new ballot used before, age, education, gender.
GROUPS = (2, 6, 5, 3)
STRATA = 10
#: Replicates that are raked one by one.
SINGLE = 20
Margins = list[tuple[npt.NDArray[np.intp], dict[int, float]]]


def made_up(respondents: int, clusters: int) -> tuple[SurveyDesign, Margins]:
    """Return a survey and margins of its population, off from the sample by up to a half."""
    rng = np.random.default_rng(2026)
    station = np.arange(respondents) % clusters
    design = survey_design(
        rng.uniform(50, 150, respondents), strata=station * STRATA // clusters, clusters=station
    )
    margins: Margins = []
    for groups in GROUPS:
        codes = rng.integers(0, groups, respondents)
        sizes = np.bincount(codes, weights=design.weights) * rng.uniform(0.7, 1.5, groups)
        totals = 100.0 * respondents * sizes / sizes.sum()
        margins.append((codes, {k: float(t) for k, t in enumerate(totals)}))
    return design, margins


def one_by_one(replicates: ReplicateWeights, margins: Margins, rows: int) -> Values:
    """Rake the first replicates each by itself and return the largest weight."""
    largest = 0.0
    for weights in replicates.replicate_weights(slice(0, rows)):
        used = weights > 0
        chosen = [(codes[used], totals) for codes, totals in margins]
        raked = rake(survey_design(weights[used]), chosen).design.weights
        largest = max(largest, float(raked.max()))
    return {"largest weight": largest}


def line(name: str, work: Callable[[], Values], runs: int, factor: float = 1.0) -> Values:
    """Time a piece of work, print it and return what it found."""
    found = measure(work, warm=work, runs=runs, patience=20.0, factor=factor)
    print(f"| {name} | {found} | {figure(found.median / 1000)} s |", flush=True)
    return found.values


def main() -> None:
    """Parse the call and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--respondents", type=int, default=5_000)
    parser.add_argument("--clusters", type=int, default=250)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    design, margins = made_up(options.respondents, options.clusters)
    outcome = np.random.default_rng(1).normal(180, 60, (options.respondents, 3))
    plain = rao_wu_weights(design, draws=options.draws, seed=1)
    raked = rake_replicates(plain, margins)
    single = min(SINGLE, options.draws)

    def draw() -> Values:
        rao_wu_weights(design, draws=options.draws, seed=1)
        return {}

    def at_once() -> Values:
        found = rake_replicates(plain, margins)
        return {"largest weight": float(found.replicate_weights(slice(0, single)).max())}

    def means() -> Values:
        return {"se": float(replicate_estimate(raked, "mean", outcome).standard_error[0])}

    print(
        f"{options.respondents:,} respondents in {options.clusters:,} clusters, {options.draws:,} "
        f"replicates, {raked.adjustments.shape[1]} cells of {len(GROUPS)} margins; "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
    )
    print("| work | median ms (min–max) | median |\n| --- | ---: | ---: |")
    line("draw the replicates", draw, options.runs)
    fast = line("**rake all replicates at once**", at_once, options.runs)
    slow = line(
        f"rake {single} replicates one by one, time scaled up",
        lambda: one_by_one(plain, margins, single),
        options.runs,
        options.draws / single,
    )
    line("means of three outcomes with their errors", means, options.runs)
    off = abs(fast["largest weight"] / slow["largest weight"] - 1)
    print(f"\nLargest weights of both ways differ by a share of {off:.0e}.")


if __name__ == "__main__":
    main()
