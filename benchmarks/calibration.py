"""Measure how often each method is right on panels whose effect is known.

Run: python benchmarks/calibration.py [--raw DIR] [--scale 0.1] [--workers 2] [--seed 2026]
     [--only KEY ...]

Prints one Markdown table per scenario; docs/calibration.md holds them with what they mean.
``--raw DIR``, the official files of the TK2025 study, adds the scenario with real changes.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from calibration_methods import METHODS, Method
from calibration_panels import (
    FloatArray,
    IntArray,
    Trial,
    eligible_voters,
    official_counts,
    resampled_trial,
    simulated_trial,
)

#: Experiment municipalities: as at TK2025 and at GR2026.
SIZES = (5, 11)
BLOCK = 25
LEVEL = 0.05
#: Made-up panels and resampled ones, as entries of the seed.
SIMULATED, RESAMPLED = 0, 1


@dataclass(frozen=True, slots=True)
class Job:
    """Trials ``start`` to ``start + BLOCK`` of one scenario and size."""

    seed: int
    scenario: int
    experiment: int
    start: int
    scale: float
    eligible: IntArray
    official: tuple[IntArray, IntArray] | None
    only: tuple[str, ...]


def chosen(only: tuple[str, ...]) -> list[Method]:
    """Return the methods with these keys, all of them when there are none."""
    return [m for m in METHODS if not only or m.key in only]


def wanted(method: Method, scale: float) -> int:
    """Return how many trials a method gets."""
    return max(round(method.panels * scale), 2)


def make_trial(job: Job, number: int) -> Trial:
    """Return trial ``number``; it depends on seed, scenario, size and number only."""
    rng = np.random.default_rng([job.seed, job.scenario, job.experiment, number])
    if job.scenario == SIMULATED or job.official is None:
        return simulated_trial(rng, job.eligible, job.experiment)
    return resampled_trial(rng, *job.official, job.experiment, size=len(job.eligible))


def run(job: Job) -> tuple[Job, dict[str, list[tuple[float, ...]]]]:
    """Return (p-value, low, high, two truths) of every method and trial of the job."""
    methods = chosen(job.only)
    rows: dict[str, list[tuple[float, ...]]] = {m.key: [] for m in methods}
    for number in range(job.start, job.start + BLOCK):
        used = [m for m in methods if number < wanted(m, job.scale)]
        used = [m for m in used if m.real or job.scenario == SIMULATED]
        if not used:
            break
        trial = make_trial(job, number)
        for method in used:
            try:
                answer = method.work(trial)
            except ValueError:
                answer = (math.nan,) * 3
            rows[method.key].append((*answer, *method.truths(trial)))
    return job, rows


def share(hits: FloatArray) -> str:
    """Return a percentage with its Monte-Carlo standard error."""
    mean = float(hits.mean())
    # A share of 0 or 1 has an error too: count half a hit.
    safe = min(max(mean, 0.5 / len(hits)), 1 - 0.5 / len(hits))
    return f"{100 * mean:.1f} ± {100 * math.sqrt(safe * (1 - safe) / len(hits)):.1f}"


def covered(low: FloatArray, high: FloatArray, truth: FloatArray) -> str:
    """Return the share of intervals that hold the truth, a dash when that is undefined."""
    if np.isnan(truth).any() or np.isnan(low).any():
        return "–"
    return share((low <= truth) & (truth <= high))


def table_row(method: Method, experiment: int, rows: list[tuple[float, ...]]) -> str:
    """Return one line of the table."""
    data = np.array(rows)
    data = data[~np.isnan(data[:, 0])]
    notes = [method.remark] if method.remark else []
    if len(data) < len(rows):
        notes.append(f"no answer in {len(rows) - len(data)} of {len(rows)}")
    p, low, high, realised, long_run = data.T
    length = "–"
    if method.target != "none":
        finite = np.isfinite(high - low)
        if not finite.all():
            notes.append(f"{int((~finite).sum())} unbounded intervals not in the length")
        width = float((high - low)[finite].mean())
        length = f"×{width:.2f}" if method.target == "ratio" else f"{100 * width:.3f}"
    cells = (
        method.label,
        str(experiment),
        f"{len(data):,}",
        share(p <= LEVEL + 1e-12),
        covered(low, high, realised),
        covered(low, high, long_run),
        length,
    )
    return f"| {' | '.join(cells)} | {'; '.join(notes)} |"


def print_table(title: str, found: dict[tuple[int, str], list[tuple[float, ...]]]) -> None:
    """Print the table of one scenario."""
    print(f"\n### {title}\n")
    print(
        "| method | experiment municipalities | panels | size at 5% | coverage, ballots cast | "
        "coverage, long run | mean length of interval | remark |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    for method in METHODS:
        for experiment in SIZES:
            if rows := found.get((experiment, method.key)):
                print(table_row(method, experiment, rows))


def describe(official: tuple[IntArray, IntArray]) -> str:
    """Return what the real changes look like, in percentage points."""
    counts, votes = official
    rates = 100 * counts / votes
    change = rates[:, 2] - rates[:, 1]
    sd, top = change.std(ddof=1), np.sort(change)[::-1]
    kurtosis = float(((change - change.mean()) ** 4).mean() / change.var() ** 2)
    within = change[change < top[1]].std(ddof=1)
    return (
        f"{len(change)} controls; mean change {change.mean():+.3f}, standard deviation {sd:.3f} "
        f"({within:.3f} without the two highest), kurtosis {kurtosis:.0f} (normal: 3); "
        f"highest {top[0]:+.2f}, {top[1]:+.2f}, {top[2]:+.2f}, lowest {top[-1]:+.2f}"
    )


def main() -> None:
    """Run all scenarios and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", type=Path, help="folder with the official files of TK2025")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the trials to run")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--only", nargs="+", metavar="KEY", default=[], help="only these methods")
    options = parser.parse_args()
    only = tuple(options.only)
    known = [m.key for m in METHODS]
    if unknown := set(only) - set(known):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    begun = time.perf_counter()
    # One thread per process: the matrices are small, and processes share the cores already.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    official = official_counts(options.raw) if options.raw else None
    scenarios = [SIMULATED] if official is None else [SIMULATED, RESAMPLED]
    eligible = eligible_voters()
    jobs = [
        Job(options.seed, scenario, experiment, start, options.scale, eligible, official, only)
        for start in range(0, max(wanted(m, options.scale) for m in chosen(only)), BLOCK)
        for scenario in scenarios
        for experiment in SIZES
    ]
    found: dict[int, dict[tuple[int, str], list[tuple[float, ...]]]] = {s: {} for s in scenarios}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context) as pool:
        for job, rows in pool.map(run, jobs):
            for key, values in rows.items():
                found[job.scenario].setdefault((job.experiment, key), []).extend(values)
    print_table("Simulated panels", found[SIMULATED])
    if official is not None:
        print_table("Resampled changes TK2023–TK2025", found[RESAMPLED])
        print(f"\n{describe(official)}.")
    print(f"\nSeed {options.seed}, {time.perf_counter() - begun:.0f} seconds.")


if __name__ == "__main__":
    main()
