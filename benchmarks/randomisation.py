"""Time the randomisation test on 342 municipalities: draws, plain and studentised, by interval.

Run: python benchmarks/randomisation.py
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from ballot_eval.estimation.inference import draw_assignments, randomisation_test

UNITS, DRAWS, REPEATS = 342, 100_000, 5


def timed(work: Callable[[], object]) -> str:
    """Return the median and the extremes of some runs, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return f"{statistics.median(times):7.1f} ms   ({min(times):.1f} to {max(times):.1f})"


def main() -> None:
    """Print one line per part."""
    rng = np.random.default_rng(1)
    change = rng.normal(0, 0.001, UNITS)
    for experiment in (5, 11):
        role = np.zeros(UNITS, dtype=bool)
        role[:experiment] = True
        drawn = draw_assignments(role, draws=DRAWS, max_exact=1, seed=1)
        print(f"{experiment} of {UNITS} municipalities, {DRAWS:,} draws")
        print(
            "  assignments           ",
            timed(lambda role=role: draw_assignments(role, draws=DRAWS, max_exact=1, seed=1)),
        )
        for studentised in (False, True):
            name = "studentised, interval " if studentised else "plain, interval       "
            print(
                " ",
                name,
                timed(
                    lambda role=role, drawn=drawn, s=studentised: randomisation_test(
                        change, role, drawn, studentised=s
                    )
                ),
            )


if __name__ == "__main__":
    main()
