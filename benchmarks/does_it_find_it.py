"""Whether the methods of the report find what is put into simulated data.

For every scenario and seed the tables are simulated in memory and given to the functions that the
report uses; what they estimate stands beside what was put in.

Run from the repository: python benchmarks/does_it_find_it.py [--seeds 20] [--write]
Prints a Markdown table per scenario; ``--write`` puts them between the marks of
docs/does_it_find_it.md.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

import ballot_eval as be
from ballot_eval.answers import answers
from ballot_eval.design import StudyDesign
from ballot_eval.estimation.learning_groups import later_against_first
from ballot_eval.estimation.mixed import log_linear_ratio, mixed_model
from ballot_eval.estimation.survey.estimates import survey_contrast, survey_domain_means
from ballot_eval.estimation.survey.intervals import t_interval
from ballot_eval.panel import Panel, build_panel, contrast
from ballot_eval.schema import COUNT_FIELDS, EXPLANATION_FIELDS, TABLES
from ballot_eval.simulation import (
    SCENARIOS,
    Scenario,
    simulate_candidates,
    simulate_counting_times,
    simulate_panel,
    simulate_party_only,
    simulate_reasons,
    simulate_stations,
    simulate_surveys,
    simulate_voting_times,
)
from ballot_eval.simulation.results import added_rate
from ballot_eval.topics.counts import KINDS, CountKind, log_linear, select_counts
from ballot_eval.topics.invalid_votes import randomise_contrast
from ballot_eval.topics.marking import party_only, reasons
from ballot_eval.topics.marking.candidates import candidate_votes
from ballot_eval.topics.marking.counting_differences import difference_measures
from ballot_eval.topics.marking.repeated_number import repeated_contrast, repeated_number
from ballot_eval.topics.marking.shares import CONTRAST
from ballot_eval.topics.survey.cells import counted_answers
from ballot_eval.topics.survey.sample import GROUPS, survey_sample
from ballot_eval.topics.voters import select_voters
from ballot_eval.validation.moments import NIGHT_ENDS, resolve

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/does_it_find_it.md"
BEGIN, END = "<!-- begin: benchmarks/does_it_find_it.py -->", "<!-- end -->"

#: Added to the invalid rate at a first use, and draws of every test by reassignment.
EFFECT = 0.003
DRAWS = 999

#: The survey question that stands for the others.
QUESTION = "ease"

#: Scenarios, and whether all is estimated or the votes alone: the rest is as in ``introduction``.
EVALUATED = {
    "introduction": True,
    "no-effect": True,
    "counting-faster": True,
    "half-learning": False,
    "full-learning": False,
    "composition": False,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What one method makes of one simulated world, and what was put in; NaN where it is drawn.

    ``scale`` is 100 for shares, which are shown in percentage points or per cent.
    """

    name: str
    truth: float
    estimate: float
    lower: float
    upper: float
    scale: float = 100.0


def planned() -> StudyDesign:
    """Return the study with few draws."""
    study = be.load_study(ROOT / "analysis/gr2026")
    analysis = study.analysis.model_copy(update={"draws": DRAWS, "max_exact": DRAWS})
    return study.model_copy(update={"analysis": analysis})


def added(study: StudyDesign, world: Scenario) -> dict[str, float]:
    """Return by code what the ballot adds to the invalid rates at the study's election."""
    size = EFFECT * world.effect_factor
    return {
        code: added_rate(study, code, study.election, size, world.learning, world.leaver_factor)
        for code in study.experiment()
    }


def votes(panel: Panel, world: Scenario) -> Iterator[Found]:
    """Yield the effect on invalid votes, and third- against first-timers."""
    study, analysis = panel.study, panel.study.analysis
    put_in = added(study, world)
    e = be.invalid_vote_effect(panel, method="randomisation", draws=DRAWS, seed=analysis.seed)
    truth = float(np.mean(list(put_in.values())))
    name = "Effect on invalid votes (points)"
    yield Found(name, truth, e.estimate, e.ci_lower, e.ci_upper)
    data = contrast(panel, analysis.outcome, study.election, study.baselines[0])
    codes = np.array(data.codes)[data.treated]
    later = np.array([study.exposure(c, study.election) > 1 for c in codes])
    changes, never = data.change[data.treated], data.change[~data.treated]
    test = later_against_first(changes, later, never=never).test
    rates = np.array([put_in[code] for code in codes])
    truth = float(rates[later].mean() - rates[~later].mean())
    name = "Third against first use (points)"
    yield Found(name, truth, test.estimate, test.ci_lower, test.ci_upper)


def marking(panel: Panel, world: Scenario, seed: int) -> Iterator[Found]:
    """Yield reasons, votes for a party alone and repeated numbers."""
    study, truth = panel.study, world.marking
    here = panel.results[panel.results["election_id"] == study.election]
    here = here[here["municipality_code"].isin(study.ever_exposed()) | (here["role"] == "control")]
    new = here[here["municipality_code"].isin(study.experiment())].reset_index(drop=True)
    put_in = added(study, world)
    accepted = {
        "invalid_reasons": simulate_reasons(new, None, put_in, seed=seed, truth=truth),
        "party_only_votes": simulate_party_only(new, None, study, seed=seed, truth=truth),
    }
    shares = [
        *reasons.group_shares(reasons.count_reasons(accepted, panel)),
        *party_only.group_shares(party_only.count_party_only(accepted, panel)),
    ]
    found = {(m.level, m.quantity): m for m in shares}
    for name, key, wanted in (
        (
            "Invalid by design (% of votes cast)",
            ("design", "share_of_votes_cast"),
            truth.design_rate(float(np.mean(list(put_in.values())))),
        ),
        *(
            (
                f"Party alone, use {use} (% of valid)",
                (f"exposure_{use}", "share_of_valid"),
                truth.party_only_rate(use),
            )
            for use in (1, 3)
        ),
    ):
        m = found[key]
        yield Found(name, wanted, m.estimate, m.ci_lower, m.ci_upper)
    alone = accepted["party_only_votes"].set_index("municipality_code")["votes_count"].to_dict()
    _, candidates = simulate_candidates(
        here.reset_index(drop=True), study, seed=seed, truth=world.candidates, party_only=alone
    )
    data = repeated_number(candidate_votes(candidates, panel, study.election), panel)
    made = repeated_contrast(data, data.pairs, "list", study)
    test = randomise_contrast(
        made, study, weighting="ballot", method="randomisation", draws=DRAWS, seed=seed
    )
    wanted = world.candidates.repeat_share
    yield Found("Repeated number (points)", wanted, test.estimate, test.ci_lower, test.ci_upper)


def differences(panel: Panel, world: Scenario, seed: int) -> Iterator[Found]:
    """Yield the change of the share of stations that count more or fewer ballots.

    What was put in is what the same stations would have counted with the old ballot.
    """
    study = panel.study
    both = panel.results["election_id"].isin([study.baselines[0], study.election])
    results = panel.results[both].reset_index(drop=True)
    new = {(study.election, code) for code in study.experiment()}
    stations, without = (
        simulate_stations(results, seed=seed, truth=world.stations, new_ballot=places)
        for places in (new, ())
    )
    here = stations["election_id"].eq(study.election)
    here &= stations["municipality_code"].isin(study.experiment())
    fields = ["more_ballots_count", "fewer_ballots_count"]
    one, other = ((table.loc[here, fields] > 0).any(axis=1) for table in (stations, without))
    stations = stations.astype(dict.fromkeys(EXPLANATION_FIELDS, "Int64"))
    wanted = (CONTRAST, "stations_any_share", f"{study.election}-{study.baselines[0]}")
    (m,) = [
        m
        for m in difference_measures({"station_results": stations}, panel)
        if (m.unit, m.quantity, m.election) == wanted
    ]
    name = "Stations with a counting difference (points)"
    yield Found(name, float(one.mean() - other.mean()), m.estimate, m.ci_lower, m.ci_upper)


def times(study: StudyDesign, world: Scenario, seed: int) -> Iterator[Found]:
    """Yield the ratios of times in the booth and at the count."""
    frame = simulate_voting_times(study, seed=seed, truth=world.voting)
    voters = select_voters(frame, study, "all")
    done = voters.only(voters.complete)
    groups = (done.municipality.to_numpy(str), done.station)
    r = log_linear_ratio(done.seconds, done.new, groups)
    name = "Time in the booth, ratio"
    yield Found(name, world.voting.ratio, r.ratio, r.ci_lower, r.ci_upper, scale=1)
    frame = simulate_counting_times(study, seed=seed, truth=world.counting)
    for column in ("started_at", "ended_at"):
        frame[column] = resolve(frame[column], frame["election_id"], study, night_ends=NIGHT_ENDS)
    ratios = (world.counting.dso, world.counting.cso, world.counting.central)
    # Central sessions are too few to compare.
    for kind, truth in list(zip(KINDS, ratios, strict=True))[:2]:
        yield _counting(frame, study, kind, truth.ratio)


def _counting(frame: pd.DataFrame, study: StudyDesign, kind: CountKind, truth: float) -> Found:
    counts = select_counts(frame, study, study.election, kind)
    done = counts.only(counts.finished)
    y, x, names = log_linear(done)
    codes = done.municipality.to_numpy(str)
    fit = mixed_model(y, x, codes, names=names, degrees_of_freedom="kenward_roger")
    low, middle, high = (float(v[1]) for v in (fit.ci_lower, fit.coefficients, fit.ci_upper))
    name = f"Work at the count, {kind.name}, ratio"
    return Found(name, truth, *map(math.exp, (middle, low, high)), scale=1)


def survey(panel: Panel, world: Scenario, seed: int) -> Iterator[Found]:
    """Yield the difference in the share that finds voting easy.

    What was put in is what the same people would have answered without the effect.
    """
    study = panel.study
    asked = study.questionnaire("voter_survey")
    plain = study.model_copy(update={"questionnaires": (asked,)})
    rows = simulate_surveys(plain, seed=seed, truth=world.surveys)["voter_survey"]
    none = replace(world.surveys, effects={})
    without = simulate_surveys(plain, seed=seed, truth=none)["voter_survey"]
    here = panel.results.assign(polling_station_id="")
    accepted = {"voter_survey": rows, "municipality_results": here}
    sample = survey_sample(asked, accepted, study)
    (question,) = [q for q in asked.questions if q.id == QUESTION]
    values = counted_answers(sample, question)
    known = np.isfinite(values)
    groups = np.column_stack([sample.members(group) & known for group in GROUPS])
    difference = survey_contrast(survey_domain_means(sample.assigned, values, groups), [1, -1])
    low, high = t_interval(difference)
    given = [answers(table, asked, QUESTION) for table in (rows, without)]
    new = (rows["ballot"] == "new").to_numpy() & known
    one, other = (g.isin(question.counted).to_numpy(float) for g in given)
    weights = np.asarray(sample.assigned.weights, dtype=float)[new]
    truth = float(np.average((one - other)[new], weights=weights))
    estimate = float(np.ravel(difference.estimate)[0])
    limits = (float(np.ravel(low)[0]), float(np.ravel(high)[0]))
    yield Found("Voting is easy (points)", truth, estimate, *limits)


def evaluate(job: tuple[str, int]) -> tuple[str, list[Found]]:
    """Return all that is estimated in one world."""
    scenario, seed = job
    study, world = planned(), SCENARIOS[scenario]
    results = simulate_panel(
        study,
        seed=seed,
        effect=EFFECT * world.effect_factor,
        learning=world.learning,
        leaver_factor=world.leaver_factor,
    )
    regions = pd.DataFrame(columns=list(TABLES["region_results"].names))
    regions = regions.astype(dict.fromkeys(COUNT_FIELDS, np.int64))
    panel = build_panel({"municipality_results": results, "region_results": regions}, study)
    found = list(votes(panel, world))
    if EVALUATED[scenario]:
        found += marking(panel, world, seed)
        found += differences(panel, world, seed)
        found += times(study, world, seed)
        found += survey(panel, world, seed)
    return scenario, found


def table(scenario: str, worlds: list[list[Found]]) -> str:
    """Return the Markdown table of one scenario; numbers over its seeds."""
    lines = [
        f"### {scenario}, {len(worlds)} seeds",
        "",
        "| what | put in | mean estimate | its standard error | spread of estimates | "
        "interval holds the truth | interval excludes none |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for together in zip(*worlds, strict=True):
        first = together[0]
        truth = float(np.mean([f.truth for f in together]))
        estimates = np.array([f.estimate for f in together])
        low, high = (np.array([getattr(f, n) for f in together]) for n in ("lower", "upper"))
        spread = float(estimates.std(ddof=1))
        none = 1.0 if first.scale == 1 else 0.0
        bounded = bool(np.isfinite(low).all() and np.isfinite(high).all())
        held = int(((low <= truth) & (truth <= high)).sum())
        seen = int(((low > none) | (high < none)).sum())
        comparison = "%" not in first.name
        cells = [
            *(
                f"{value * first.scale:.3f}"
                for value in (truth, estimates.mean(), spread / math.sqrt(len(together)), spread)
            ),
            f"{held} of {len(together)}" if bounded else "no interval",
            f"{seen} of {len(together)}" if comparison else "",
        ]
        lines.append(f"| {first.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Run all scenarios and print or write their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="simulated worlds per scenario")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the tables into the page")
    options = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    jobs = [(scenario, seed) for seed in range(options.seeds) for scenario in EVALUATED]
    worlds: dict[str, list[list[Found]]] = {scenario: [] for scenario in EVALUATED}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context) as pool:
        for scenario, found in pool.map(evaluate, jobs):
            worlds[scenario].append(found)
    text = "\n\n".join(table(scenario, rows) for scenario, rows in worlds.items())
    if not options.write:
        print(text)
        return
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
    PAGE.write_text(made, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
