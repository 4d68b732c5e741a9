"""Measure how often each way to compare voting times is right on times whose ratio is known.

Run: python benchmarks/calibration_times.py [--sets 2000] [--workers 2] [--seed 2026]

Prints one Markdown table per group of scenarios; docs/calibration_times.md holds them with what
they mean. One more way to compare is one more entry of ``METHODS``: a function of times, roles,
stations and municipalities that returns (ratio, p-value, low, high).
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from ballot_eval.estimation.clusters import cluster_design, cluster_ols
from ballot_eval.estimation.mixed import Freedom, log_linear_ratio

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

RATIO = 0.85
LEVEL = 0.05
BLOCK = 50
#: Geometric mean with the old ballot in seconds, and standard deviation of log seconds.
TYPICAL_SECONDS, LOG_SPREAD = 60.0, 0.5
#: Share of the variance between voters that is exponential: skewness 0.7 on the log scale.
SKEWED = 0.5
#: Stations per municipality in turn.
STATIONS = (2, 6, 4, 3, 5)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Stations per arm, in so many municipalities per arm (0: every station apart).

    ``icc`` and ``shared`` are the shares of the variance of log seconds between stations of a
    municipality and between municipalities.
    """

    stations: int
    icc: float
    municipalities: int = 0
    shared: float = 0.0


@dataclass(frozen=True, slots=True)
class Times:
    """One set: finished voting times in whole ``seconds`` of n voters, all arrays (n,)."""

    seconds: FloatArray
    role: npt.NDArray[np.bool_]
    station: IntArray
    municipality: IntArray


#: Ratio, p-value of no effect, limits.
Answer = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Method:
    """One line per scenario; ``nested`` methods need municipalities of several stations."""

    label: str
    work: Callable[[Times], Answer]
    nested: bool = False


def simulated_times(rng: np.random.Generator, scenario: Scenario, ratio: float) -> Times:
    """Return times that the new ballot multiplies by ``ratio``; 30 to 120 voters per station."""
    if scenario.municipalities:
        held = np.resize(STATIONS, scenario.municipalities)
    else:
        held = np.ones(scenario.stations, dtype=int)
    municipality = np.repeat(np.arange(2 * len(held)), np.tile(held, 2))
    station = np.repeat(np.arange(len(municipality)), rng.integers(30, 121, len(municipality)))
    role = municipality[station] < len(held)
    shock = math.sqrt(scenario.icc) * rng.standard_normal(len(municipality))
    shock += math.sqrt(scenario.shared) * rng.standard_normal(2 * len(held))[municipality]
    n, rest = len(station), 1 - scenario.icc - scenario.shared
    voter = math.sqrt(1 - SKEWED) * rng.standard_normal(n)
    voter += math.sqrt(SKEWED) * (rng.exponential(size=n) - 1)
    log_times = LOG_SPREAD * (shock[station] + math.sqrt(rest) * voter) + math.log(ratio) * role
    seconds = np.maximum(np.round(TYPICAL_SECONDS * np.exp(log_times)), 1.0)
    return Times(seconds, role, station, municipality[station])


def welch(times: Times) -> Answer:
    """Return Welch's t-test of log seconds, every voter on their own."""
    logs = np.log(times.seconds)
    return _welch(logs[times.role], logs[~times.role])


def welch_of_means(unit: str) -> Callable[[Times], Answer]:
    """Return Welch's t-test of the mean log seconds of stations or municipalities."""

    def work(times: Times) -> Answer:
        codes = getattr(times, unit)
        size = np.bincount(codes)
        means = np.bincount(codes, weights=np.log(times.seconds)) / size
        role = np.bincount(codes, weights=times.role) > 0
        return _welch(means[role], means[~role])

    return work


def _welch(new: FloatArray, old: FloatArray) -> Answer:
    # As scipy's ttest_ind, which takes ten times as long to begin.
    parts = np.array([new.var(ddof=1) / len(new), old.var(ddof=1) / len(old)])
    error = math.sqrt(parts.sum())
    df = parts.sum() ** 2 / (parts**2 / [len(new) - 1, len(old) - 1]).sum()
    gap = new.mean() - old.mean()
    half = stdtrit(df, 1 - LEVEL / 2) * error
    p_value = 2 * stdtr(df, -abs(gap) / error)
    return math.exp(gap), float(p_value), math.exp(gap - half), math.exp(gap + half)


def cr2(unit: str) -> Callable[[Times], Answer]:
    """Return least squares with cluster-robust (CR2) errors for stations or municipalities."""

    def work(times: Times) -> Answer:
        x = np.column_stack([np.ones(len(times.role)), times.role])
        design = cluster_design(x, getattr(times, unit))
        found = cluster_ols(design, np.log(times.seconds), method="cr2", columns=[1])[0]
        limits = math.exp(found.ci_lower), math.exp(found.ci_upper)
        return math.exp(found.estimate), found.p_value, *limits

    return work


def mixed(freedom: Freedom, *, nested: bool = False) -> Callable[[Times], Answer]:
    """Return the mixed model with stations, ``nested`` in municipalities or not."""

    def work(times: Times) -> Answer:
        groups = (times.municipality, times.station) if nested else times.station
        found = log_linear_ratio(times.seconds, times.role, groups, degrees_of_freedom=freedom)
        return found.ratio, found.p_value, found.ci_lower, found.ci_upper

    return work


METHODS: tuple[Method, ...] = (
    Method("Welch, voters", welch),
    Method("Welch, station means", welch_of_means("station")),
    Method("CR2, stations", cr2("station")),
    Method("mixed, stations, Satterthwaite", mixed("satterthwaite")),
    Method("mixed, stations, Kenward–Roger", mixed("kenward_roger")),
    Method("Welch, municipality means", welch_of_means("municipality"), nested=True),
    Method("CR2, municipalities", cr2("municipality"), nested=True),
    Method("mixed, nested, Satterthwaite", mixed("satterthwaite", nested=True), nested=True),
    Method("mixed, nested, Kenward–Roger", mixed("kenward_roger", nested=True), nested=True),
)

APART = tuple(Scenario(stations, icc) for stations in (5, 11, 20) for icc in (0.02, 0.05, 0.10))
NESTED = tuple(
    Scenario(int(np.resize(STATIONS, m).sum()), 0.05, m, shared)
    for m in (5, 11)
    for shared in (0.0, 0.02, 0.05)
)


@dataclass(frozen=True, slots=True)
class Job:
    """Sets ``start`` to ``stop`` of one scenario."""

    seed: int
    scenario: Scenario
    start: int
    stop: int


def make_set(seed: int, scenario: Scenario, number: int, *, effect: bool) -> Times:
    """Return set ``number``; those with and without an effect are different voters."""
    key = [round(1000 * scenario.icc), scenario.municipalities, round(1000 * scenario.shared)]
    rng = np.random.default_rng([seed, scenario.stations, *key, number, int(effect)])
    return simulated_times(rng, scenario, RATIO if effect else 1.0)


def run(job: Job) -> tuple[Job, FloatArray]:
    """Return (false alarm, covered, log ratio, log length) per set and method."""
    methods = methods_for(job.scenario)
    rows = np.full((job.stop - job.start, len(methods), 4), np.nan)
    for i, number in enumerate(range(job.start, job.stop)):
        null, effect = (
            make_set(job.seed, job.scenario, number, effect=present) for present in (False, True)
        )
        for j, method in enumerate(methods):
            p_value = method.work(null)[1]
            ratio, _, low, high = method.work(effect)
            rows[i, j] = p_value <= LEVEL, low <= RATIO <= high, np.log(ratio), np.log(high / low)
    return job, rows


def methods_for(scenario: Scenario) -> list[Method]:
    """Return the methods that fit the scenario."""
    return [m for m in METHODS if scenario.municipalities or not m.nested]


def share(hits: FloatArray) -> str:
    """Return a percentage with its Monte-Carlo standard error."""
    mean = float(hits.mean())
    # A share of 0 or 1 has an error too: count half a hit.
    safe = min(max(mean, 0.5 / len(hits)), 1 - 0.5 / len(hits))
    return f"{100 * mean:.1f} ± {100 * math.sqrt(safe * (1 - safe) / len(hits)):.1f}"


def print_table(scenarios: tuple[Scenario, ...], found: dict[Scenario, FloatArray]) -> None:
    """Print one line per scenario and method."""
    inside = bool(scenarios[0].municipalities)
    names = ["municipalities per arm", "ICC municipality"] if inside else []
    names += ["stations per arm", "ICC station", "method"]
    names += ["size at 5%", "coverage", "mean ratio", "mean high/low"]
    print(f"\n| {' | '.join(names)} |")
    print(f"|{' ---: |' * (len(names) - 5)} --- |{' ---: |' * 4}")
    for scenario in scenarios:
        for j, method in enumerate(methods_for(scenario)):
            rows = found[scenario][:, j]
            cells = [str(scenario.municipalities), f"{scenario.shared:.2f}"] if inside else []
            cells += [str(scenario.stations), f"{scenario.icc:.2f}", method.label]
            cells += [share(rows[:, 0]), share(rows[:, 1])]
            cells += [f"{math.exp(value):.3f}" for value in rows[:, 2:].mean(axis=0)]
            print(f"| {' | '.join(cells)} |")


def main() -> None:
    """Run all scenarios and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sets", type=int, default=2_000, help="sets; half as many with municipalities"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    begun = time.perf_counter()
    # One thread per process: the matrices are small, and processes share the cores already.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    whole = [Job(options.seed, s, 0, options.sets) for s in APART]
    whole += [Job(options.seed, s, 0, options.sets // 2) for s in NESTED]
    jobs = [
        replace(job, start=start, stop=min(start + BLOCK, job.stop))
        for job in whole
        for start in range(0, job.stop, BLOCK)
    ]
    parts: dict[Scenario, list[FloatArray]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context) as pool:
        for job, rows in pool.map(run, jobs):
            parts.setdefault(job.scenario, []).append(rows)
    found = {scenario: np.concatenate(rows) for scenario, rows in parts.items()}
    print_table(APART, found)
    print_table(NESTED, found)
    numbers = f"{options.sets:,} sets, {options.sets // 2:,} with municipalities"
    print(f"\n{numbers}, seed {options.seed}, {time.perf_counter() - begun:.0f} seconds.")


if __name__ == "__main__":
    main()
