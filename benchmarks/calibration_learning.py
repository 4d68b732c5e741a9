"""Measure how often each test of learning is right on panels whose learning is known.

Run: python benchmarks/calibration_learning.py [--panels 2000] [--workers 2] [--seed 2026]

Prints Markdown tables; docs/calibration_learning.md holds them with what they mean. One more
test is one more entry of ``METHODS``: a function of a panel that returns (p-value, low, high,
truth in the ballots cast, truth in the long run).
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from calibration import covered, share
from calibration_panels import FloatArray, IntArray, eligible_voters
from scipy.special import ndtr

from ballot_eval.estimation.learning import (
    change_in_excess,
    change_in_ratio,
    consecutive_changes,
    decay,
    excess_by_exposure,
    later_against_first,
    later_against_first_power,
)
from ballot_eval.simulation import TURNOUT

BoolArray = npt.NDArray[np.bool_]

LEVEL = 0.05
BLOCK = 50
DRAWS = 999
#: Normal draws behind the limits of a decay curve.
CURVE_DRAWS = 1_000

#: Types of the three elections with the new ballot, and rates at their baselines and themselves
#: with the old one. Those of TK2023, TK2025, EP2024 and GR2022 are official; the rest is equal.
TYPES = ("EP", "TK", "GR")
RATES = np.array([[0.0018, 0.0018], [0.0022, 0.0026], [0.0024, 0.0024]])
#: Standard deviations of log rates that stay with a municipality (at all types, and within one)
#: and of what is new at every election.
COMMON_SD, TYPE_SD, SHOCK_SD = 0.20, 0.18, 0.27
#: How the effect differs between municipalities (of its log), and how much larger the leaver's is.
EFFECT_SD, LEAVER = 0.3, 2.25
STAYERS, JOINERS = 4, 7


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the ballot does to a municipality at its first, second and third exposure.

    ``added`` is the mean addition to the rate at the first exposure, ``factor`` the mean factor
    (one of them neutral); ``path`` (3,) is what is left of it at each exposure. ``shifts`` (3,)
    multiply the rates of both elections of an exposure.
    """

    name: str
    added: float = 0.0
    factor: float = 1.0
    path: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shifts: tuple[float, float, float] = (1.0, 1.0, 1.0)


SCENARIOS = (
    Scenario("additive, no learning", added=0.004),
    Scenario("additive, half each time", added=0.004, path=(1.0, 0.5, 0.25)),
    Scenario("additive, all at once", added=0.004, path=(1.0, 0.0, 0.0)),
    Scenario("multiplicative, no learning", factor=3.0),
    Scenario("multiplicative, no learning, level doubles", factor=3.0, shifts=(1.0, 2.0, 1.0)),
    Scenario("additive, no learning, level doubles", added=0.004, shifts=(1.0, 2.0, 1.0)),
    Scenario("multiplicative, half each time", factor=3.0, path=(1.0, 0.5, 0.25)),
    Scenario("no effect"),
)


@dataclass(frozen=True, slots=True)
class Panel:
    """Counts of n municipalities at three exposures; tables are (n, 3), positions say who is who.

    ``events`` are the invalid votes with the effect among ``votes``, ``plain`` without it;
    ``before`` and ``before_votes`` are the baselines. ``long_run`` is what the effect adds to the
    rate in the long run, ``log_factor`` the log of what that multiplies it by, and ``learnt`` (n,)
    the part of ``long_run`` at the third election that is due to earlier exposures.
    """

    votes: FloatArray
    before_votes: FloatArray
    before: FloatArray
    plain: FloatArray
    events: FloatArray
    long_run: FloatArray
    log_factor: FloatArray
    learnt: FloatArray
    stayers: IntArray
    leaver: IntArray
    joiners: IntArray
    never: IntArray
    seed: int

    def changes(self) -> FloatArray:
        """Return the changes of the rate since the baselines, (n, 3)."""
        return self.events / self.votes - self.before / self.before_votes

    def realised(self) -> FloatArray:
        """Return what the effect added to the rates of the ballots cast, (n, 3)."""
        return (self.events - self.plain) / self.votes

    def fixed(self, exposures: tuple[int, int]) -> tuple[IntArray, BoolArray]:
        """Return the municipalities to compare and their roles: who was there at both exposures."""
        there = self.stayers if 2 in exposures else np.append(self.stayers, self.leaver)
        rows = np.concatenate([there, self.never])
        return rows, np.arange(len(rows)) < len(there)


def make_panel(rng: np.random.Generator, eligible: IntArray, scenario: Scenario) -> Panel:
    """Return a panel with persistent municipality effects, shocks and levels per type."""
    n = len(eligible)
    turnout = np.array([TURNOUT[t] for t in TYPES])[:, None] + rng.normal(0, 0.05, (n, 1, 1))
    turnout = np.clip(turnout + rng.normal(0, 0.01, (n, 3, 2)), 0.2, 0.95)
    votes = np.round(eligible[:, None, None] * turnout).astype(np.int64)
    log = rng.normal(0, COMMON_SD, (n, 1, 1)) + rng.normal(0, TYPE_SD, (n, 3, 1))
    log = log + rng.normal(0, SHOCK_SD, (n, 3, 2))
    centre = (COMMON_SD**2 + TYPE_SD**2 + SHOCK_SD**2) / 2
    rate = RATES * np.array(scenario.shifts)[:, None] * np.exp(log - centre)
    plain = rng.binomial(votes, rate)
    order = rng.permutation(n).astype(np.int64)
    stayers, leaver, joiners, never = np.split(order, [STAYERS, STAYERS + 1, STAYERS + 1 + JOINERS])
    strength = np.exp(rng.normal(0, EFFECT_SD, n) - EFFECT_SD**2 / 2)
    strength[leaver] = LEAVER
    left = np.zeros((n, 3))
    left[stayers] = scenario.path
    left[leaver, :2] = scenario.path[:2]
    left[joiners, 2] = scenario.path[0]
    left *= strength[:, None]
    now = rate[:, :, 1]
    first = scenario.added + (scenario.factor - 1) * now
    extra = first * left
    # Ballots that were not invalid become so with this chance: the sum is binomial again.
    cast, counts = votes[:, :, 1], plain[:, :, 1]
    more = rng.binomial(cast - counts, np.clip(extra / (1 - now), 0, 1))
    return Panel(
        votes=cast.astype(float),
        before_votes=votes[:, :, 0].astype(float),
        before=plain[:, :, 0].astype(float),
        plain=counts.astype(float),
        events=(counts + more).astype(float),
        long_run=extra,
        log_factor=np.log1p(extra / now),
        learnt=extra[:, 2] - strength * scenario.path[0] * first[:, 2],
        stayers=stayers,
        leaver=leaver,
        joiners=joiners,
        never=never,
        seed=int(rng.integers(2**31)),
    )


#: The scenario that the decay curve is judged on.
CURVE = "additive, half each time"

Answer = tuple[float, float, float, float, float]


def naive(panel: Panel, exposures: tuple[int, int]) -> Answer:
    """Compare the pooled shares of whoever voted with the new ballot, as two proportions."""
    counts = []
    for k in exposures:
        there = np.append(panel.stayers, panel.joiners if k == 2 else panel.leaver)
        counts.append((panel.events[there, k].sum(), panel.votes[there, k].sum()))
    (x1, n1), (x2, n2) = counts
    pooled = (x1 + x2) / (n1 + n2)
    difference = x2 / n2 - x1 / n1
    z = difference / math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    half = 1.959964 * math.sqrt(sum(x / n * (1 - x / n) / n for x, n in counts))
    return 2 * float(ndtr(-abs(z))), difference - half, difference + half, math.nan, math.nan


def additive(
    panel: Panel,
    exposures: tuple[int, int],
    *,
    studentised: bool = False,
    by_ballot: bool = False,
) -> Answer:
    """Test the change of the excess within the fixed set."""
    rows, role = panel.fixed(exposures)
    found = change_in_excess(
        panel.changes()[rows],
        role,
        exposures=exposures,
        weights=panel.votes[rows] if by_ballot else None,
        studentised=studentised,
        draws=DRAWS,
        max_exact=DRAWS,
        seed=panel.seed,
    ).test
    inside = rows[role]
    w = np.ones(len(inside))
    if by_ballot:
        votes = panel.votes[rows][:, exposures]
        w = (votes / votes.sum(axis=0)).mean(axis=1)[role]
    truths = [
        float(np.average(table[inside, exposures[1]] - table[inside, exposures[0]], weights=w))
        for table in (panel.realised(), panel.long_run)
    ]
    return found.p_value, found.ci_lower, found.ci_upper, truths[0], truths[1]


def ratio(
    panel: Panel,
    exposures: tuple[int, int],
    *,
    weighting: str,
    studentised: bool = False,
) -> Answer:
    """Test the change of the rate ratio within the fixed set; truths and limits are logs."""
    rows, role = panel.fixed(exposures)
    tables = (panel.events, panel.votes, panel.before, panel.before_votes)
    found = change_in_ratio(
        *(table[rows] for table in tables),
        role,
        exposures=exposures,
        weighting=weighting,
        zeros="add_half",
        studentised=studentised,
        draws=DRAWS,
        max_exact=DRAWS,
        seed=panel.seed,
    ).test
    change = panel.log_factor[:, exposures[1]] - panel.log_factor[:, exposures[0]]
    counts = [table[rows[role]][:, exposures] for table in (panel.events, panel.plain)]
    if weighting == "pooled":
        counts = [table.sum(axis=0, keepdims=True) for table in counts]
    cast = np.log(counts[0] + 0.5) - np.log(counts[1] + 0.5)
    realised = float((cast[:, 1] - cast[:, 0]).mean())
    long_run = float(change[rows[role]].mean())
    return found.p_value, math.log(found.ci_lower), math.log(found.ci_upper), realised, long_run


def labels(panel: Panel, *, studentised: bool = False) -> Answer:
    """Test third-timers against first-timers at the third election."""
    rows = np.concatenate([panel.stayers, panel.joiners])
    later = np.arange(len(rows)) < len(panel.stayers)
    found = later_against_first(panel.changes()[rows, 2], later, studentised=studentised).test
    truth = float(panel.learnt[panel.stayers].mean())
    return found.p_value, found.ci_lower, found.ci_upper, math.nan, truth


def joint(panel: Panel, *, scaling: str) -> Answer:
    """Test both consecutive changes at once; the p-value is the smaller adjusted one."""
    rows, role = panel.fixed((0, 2))
    found = consecutive_changes(
        panel.changes()[rows],
        role,
        scaling=scaling,
        draws=DRAWS,
        max_exact=DRAWS,
        seed=panel.seed,
    )
    return float(found.p_max_t.min()), math.nan, math.nan, math.nan, math.nan


def curve(panel: Panel) -> tuple[float, ...]:
    """Return r and the half-life of the decay curve with their limits, and the share without."""
    rows, role = panel.fixed((0, 2))
    found = excess_by_exposure(
        panel.changes()[rows], role, draws=DRAWS, max_exact=DRAWS, seed=panel.seed
    )
    fit = decay(found.estimates, found.covariance, draws=CURVE_DRAWS, seed=panel.seed)
    limits = (fit.ratio_lower, fit.ratio_upper, fit.half_life_lower, fit.half_life_upper)
    return fit.ratio, fit.half_life, *limits, fit.share_without


FIRST, SECOND = (0, 1), (1, 2)
METHODS: dict[str, Callable[[Panel], Answer]] = {
    "naive proportions, 1 → 2 (5 and 5)": partial(naive, exposures=FIRST),
    "naive proportions, 2 → 3 (5 and 11)": partial(naive, exposures=SECOND),
    "excess, 1 → 2 (5)": partial(additive, exposures=FIRST),
    "excess, 1 → 2 (5), studentised": partial(additive, exposures=FIRST, studentised=True),
    "excess, 1 → 2 (5), ballot-weighted": partial(additive, exposures=FIRST, by_ballot=True),
    "excess, 2 → 3 (4)": partial(additive, exposures=SECOND),
    "excess, 2 → 3 (4), studentised": partial(additive, exposures=SECOND, studentised=True),
    "both changes, max-T (4)": partial(joint, scaling="permutation_sd"),
    "both changes, max-T (4), studentised": partial(joint, scaling="studentised"),
    "ratio, mean of logs, 1 → 2 (5)": partial(ratio, exposures=FIRST, weighting="municipality"),
    "ratio, mean of logs, 1 → 2 (5), studentised": partial(
        ratio, exposures=FIRST, weighting="municipality", studentised=True
    ),
    "ratio, pooled, 1 → 2 (5)": partial(ratio, exposures=FIRST, weighting="pooled"),
    "third against first (4 and 7)": labels,
    "third against first (4 and 7), studentised": partial(labels, studentised=True),
}


@dataclass(frozen=True, slots=True)
class Job:
    """Panels ``start`` to ``stop`` of one scenario."""

    seed: int
    scenario: int
    start: int
    stop: int
    eligible: IntArray


def run(job: Job) -> tuple[Job, dict[str, list[tuple[float, ...]]]]:
    """Return the answers of every method on the panels of the job."""
    rows: dict[str, list[tuple[float, ...]]] = {key: [] for key in (*METHODS, CURVE)}
    for number in range(job.start, job.stop):
        # The same municipalities in every scenario: differences between scenarios are sharper.
        rng = np.random.default_rng([job.seed, number])
        panel = make_panel(rng, job.eligible, SCENARIOS[job.scenario])
        for key, method in METHODS.items():
            rows[key].append(method(panel))
        if SCENARIOS[job.scenario].name == CURVE:
            rows[CURVE].append(curve(panel))
    return job, rows


def table_row(label: str, rows: list[tuple[float, ...]]) -> str:
    """Return one line of a table."""
    p, low, high, cast, long_run = np.array(rows).T
    width = (high - low)[np.isfinite(high - low)]
    length = "–"
    if len(width):
        mean = float(width.mean())
        length = f"×{math.exp(mean):.2f}" if label.startswith("ratio") else f"{100 * mean:.3f}"
    cells = (label, share(p <= LEVEL + 1e-12), covered(low, high, cast))
    return f"| {' | '.join(cells)} | {covered(low, high, long_run)} | {length} |"


def print_curve(rows: list[tuple[float, ...]]) -> None:
    """Print how the decay curve fares."""
    r, half_life, r_low, r_high, low, high, without = np.array(rows).T
    there = ~np.isnan(half_life)
    both = there & ~np.isnan(low)
    one = np.ones(int(both.sum()))
    print(
        f"\nDecay curve, {CURVE}, {len(r):,} panels: none through the estimates in "
        f"{share(~there)}%; mean share of draws without one {100 * without.mean():.0f}%; limits of "
        f"r hold ½ in {covered(r_low, r_high, np.full(len(r), 0.5))}%, median length "
        f"{np.median(r_high - r_low):.2f}; limits of the half-life, where there is one, hold 1 in "
        f"{covered(low[both], high[both], one)}%, median length "
        f"{np.median((high - low)[both]):.2f}."
    )


def print_power(seed: int, eligible: IntArray) -> None:
    """Print the smallest difference between third-timers and first-timers that is found."""
    scenario = SCENARIOS[-1]
    panels = [make_panel(np.random.default_rng([seed, i]), eligible, scenario) for i in range(20)]
    pooled = np.column_stack([p.changes()[p.never[:330], 2] for p in panels])
    found = later_against_first_power(
        pooled, n_later=4, n_first=7, effects=np.array([-0.001, -0.002]), studies=20_000, seed=seed
    )
    print(
        f"\nThird-timers against first-timers by placebo among controls with a standard deviation "
        f"of {100 * pooled.std():.3f} points: power 80% at {100 * found.negative.effect:+.3f} and "
        f"{100 * found.positive.effect:+.3f} points; power at −0.10 and −0.20 points: "
        f"{100 * found.curve.power[0]:.0f}% and {100 * found.curve.power[1]:.0f}%."
    )


def main() -> None:
    """Run all scenarios and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=2_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    begun = time.perf_counter()
    # One thread per process: the matrices are small, and processes share the cores already.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    eligible = eligible_voters()
    jobs = [
        Job(options.seed, scenario, start, min(start + BLOCK, options.panels), eligible)
        for scenario in range(len(SCENARIOS))
        for start in range(0, options.panels, BLOCK)
    ]
    found: dict[tuple[int, str], list[tuple[float, ...]]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context) as pool:
        for job, rows in pool.map(run, jobs):
            for key, values in rows.items():
                found.setdefault((job.scenario, key), []).extend(values)
    for number, scenario in enumerate(SCENARIOS):
        print(f"\n### Simulated: {scenario.name}\n")
        print(
            '| test | says "changed" at 5% | coverage, ballots cast | coverage, long run | '
            "mean length of interval |"
        )
        print("| --- | ---: | ---: | ---: | ---: |")
        for key in METHODS:
            print(table_row(key, found[number, key]))
        if found[number, CURVE]:
            print_curve(found[number, CURVE])
    print_power(options.seed, eligible)
    print(f"\nSeed {options.seed}, {time.perf_counter() - begun:.0f} seconds.")


if __name__ == "__main__":
    main()
