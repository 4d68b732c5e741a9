"""A raw folder of simulated data: the tables, the truth behind them, and the mark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.schema import COUNT_FIELDS, TABLES
from ballot_eval.simulation.candidates import CandidateTruth, simulate_candidates
from ballot_eval.simulation.counting_times import simulate_counting_times, simulated_methods
from ballot_eval.simulation.faults import plant_faults
from ballot_eval.simulation.marking import simulate_party_only, simulate_reasons
from ballot_eval.simulation.results import added_rate, simulate_panel
from ballot_eval.simulation.scenarios import SCENARIOS, Scenario
from ballot_eval.simulation.stations import simulate_stations
from ballot_eval.simulation.survey import simulate_surveys
from ballot_eval.simulation.voting_times import simulate_voting_times
from ballot_eval.wholes import whole_or_parts

Tables = dict[str, pd.DataFrame]


def simulate(
    study: StudyDesign,
    folder: Path,
    *,
    seed: int,
    effect: float = 0.003,
    scenario: str = "introduction",
    stations: bool = True,
    candidates: bool = True,
    marking: bool = True,
    times: bool = True,
    surveys: bool = True,
) -> None:
    """Write a raw folder of canonical CSVs, ``truth.json`` and a file that says what it is.

    ``effect`` is added to the invalid rate (fraction of votes cast) at the first use; what becomes
    of it, and what else the ballot does, is told by ``scenario``, one of ``SCENARIOS``. Stations,
    lists, candidates and counting times are those of the study's election and its first baseline,
    which is where the analysis uses them. ``stations`` adds ``station_results.csv``,
    which deals the counts out to polling stations; ``candidates`` adds
    ``list_results.csv`` and ``candidate_results.csv``, for whole municipalities; ``marking`` adds
    ``invalid_reasons.csv`` and ``party_only_votes.csv`` of the municipalities with the new ballot
    and of some of their stations; ``times`` adds ``voting_times.csv`` and ``counting_times.csv``,
    ``surveys`` a table of answers for every questionnaire of the study; the results are the same
    with and without. The faults of a messy scenario are listed in ``truth.json``, each with the
    code of the rule and the place where validation finds it.
    Deterministic in ``seed``. Raises FileExistsError, before anything is
    written, rather than overwrite a table, ValueError for an unknown scenario, and DesignError
    when the study has no municipality to simulate times for.
    """
    if scenario not in SCENARIOS:
        msg = f"scenario must be one of {', '.join(SCENARIOS)}, not {scenario!r}"
        raise ValueError(msg)
    world = SCENARIOS[scenario]
    truth: dict[str, object] = {
        "simulated": True,
        "study": study.id,
        "seed": seed,
        "scenario": scenario,
        "effect": effect * world.effect_factor,
        "learning": world.learning,
        "leaver_factor": world.leaver_factor,
    }
    tables = _result_tables(study, seed, effect, world)
    if times:
        tables |= _time_tables(study, seed, world)
        truth["voting_times"] = asdict(world.voting)
        truth["counting_times"] = asdict(world.counting)
    if stations:
        tables["station_results"] = _stations(study, tables, seed, world)
        truth["station_results"] = asdict(world.stations)
    if marking:
        tables |= _marking(study, tables, seed, effect, world)
        truth["marking"] = asdict(world.marking)
    if candidates:
        alone = _party_only(tables)
        tables |= _candidates(study, tables, seed, world, alone)
        truth["candidate_results"] = _candidate_truth(world.candidates, alone)
    if surveys and study.questionnaires:
        tables |= simulate_surveys(study, seed=seed, truth=world.surveys)
        truth["surveys"] = asdict(world.surveys)
    _write(folder, tables)
    if world.faults:
        truth["faults"] = [asdict(fault) for fault in plant_faults(folder, study)]
    text = json.dumps(truth, indent=1) + "\n"
    (folder / "truth.json").write_text(text, encoding="utf-8", newline="\n")
    write_mark(folder)


def _write(folder: Path, tables: Tables) -> None:
    """Write the tables; raise FileExistsError, before anything is written, for one there is."""
    for name in tables:
        if (target := folder / f"{name}.csv").exists():
            raise FileExistsError(target)
    for name, table in tables.items():
        # %g: whole seconds without a decimal, tenths with one.
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", float_format="%g")


def _result_tables(study: StudyDesign, seed: int, effect: float, world: Scenario) -> Tables:
    results = simulate_panel(
        study,
        seed=seed,
        effect=effect * world.effect_factor,
        learning=world.learning,
        leaver_factor=world.leaver_factor,
    )
    return {"municipality_results": results, "region_results": _national(results)}


def _time_tables(study: StudyDesign, seed: int, world: Scenario) -> Tables:
    return {
        "voting_times": simulate_voting_times(study, seed=seed, truth=world.voting),
        "counting_times": simulate_counting_times(study, seed=seed, truth=world.counting),
    }


def _detailed(study: StudyDesign, tables: Tables) -> pd.DataFrame:
    """Return the municipal results of the elections that have more than those."""
    results = tables["municipality_results"]
    return results[results["election_id"].isin([study.baselines[0], study.election])]


def _stations(study: StudyDesign, tables: Tables, seed: int, world: Scenario) -> pd.DataFrame:
    """Return the polling stations, with the way of counting where there are times of counts."""
    results = _detailed(study, tables)
    methods: dict[str, str] = {}
    if "counting_times" in tables:
        methods = simulated_methods(
            tables["counting_times"],
            set(results["municipality_code"]),
            seed=seed,
            share=world.counting.cso_share,
        )
    return simulate_stations(
        results,
        seed=seed,
        truth=world.stations,
        new_ballot={(e.id, code) for e in study.elections for code in e.new_ballot},
        counting_methods=methods,
    )


def _candidates(
    study: StudyDesign,
    tables: Tables,
    seed: int,
    world: Scenario,
    party_only: Mapping[str, int] | None,
) -> Tables:
    lists, candidates = simulate_candidates(
        _detailed(study, tables), study, seed=seed, truth=world.candidates, party_only=party_only
    )
    return {"list_results": lists, "candidate_results": candidates}


def _marking(
    study: StudyDesign, tables: Tables, seed: int, effect: float, world: Scenario
) -> Tables:
    """Return the tables on marking of the municipalities that have the new ballot."""

    def here(frame: pd.DataFrame) -> pd.DataFrame:
        with_new = frame["municipality_code"].isin(study.experiment())
        return frame[(frame["election_id"] == study.election) & with_new]

    rows = here(tables["municipality_results"])
    stations = here(tables["station_results"]) if "station_results" in tables else None
    size = effect * world.effect_factor
    added = {
        code: added_rate(study, code, study.election, size, world.learning, world.leaver_factor)
        for code in rows["municipality_code"]
    }
    truth = world.marking
    return {
        "invalid_reasons": simulate_reasons(rows, stations, added, seed=seed, truth=truth),
        "party_only_votes": simulate_party_only(rows, stations, study, seed=seed, truth=truth),
    }


def _party_only(tables: Tables) -> dict[str, int] | None:
    """Return the votes for a party alone by municipality; None where there are none."""
    if "party_only_votes" not in tables:
        return None
    counted = whole_or_parts(
        tables["party_only_votes"], "polling_station_id", ["municipality_code"]
    )
    sums = counted.groupby("municipality_code")["votes_count"].sum()
    return {str(code): int(votes) for code, votes in sums.items()}


def _candidate_truth(
    truth: CandidateTruth, party_only: Mapping[str, int] | None
) -> dict[str, float]:
    """Return what was put into the candidates; votes for a party alone may have another truth."""
    made = asdict(truth)
    if party_only is not None:
        del made["party_only_share"]
    return made


def _national(results: pd.DataFrame) -> pd.DataFrame:
    national = results.groupby("election_id", sort=False)[list(COUNT_FIELDS)].sum().reset_index()
    national = national.assign(region_code="L528", region_name="Nederland", region_type="national")
    return national[list(TABLES["region_results"].required)]


def write_mark(folder: Path) -> None:
    """Write the file that marks a folder as simulated."""
    notice = "Gesimuleerde gegevens, geen uitslagen.\nSimulated data, not results.\n"
    (folder / "SIMULATED.txt").write_text(notice, encoding="utf-8", newline="\n")
