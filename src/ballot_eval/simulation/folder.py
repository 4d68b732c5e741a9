"""A raw folder of simulated data: the tables, the truth behind them, and the mark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from ballot_eval.design import StudyDesign
from ballot_eval.schema import COUNT_FIELDS, TABLES
from ballot_eval.simulation.candidates import CANDIDATE_TRUTH, simulate_candidates
from ballot_eval.simulation.counting_times import (
    COUNTING_TIME_TRUTH,
    simulate_counting_times,
    simulated_methods,
)
from ballot_eval.simulation.marking import (
    MARKING_TRUTH,
    simulate_party_only,
    simulate_reasons,
)
from ballot_eval.simulation.results import SCENARIOS, Scenario, added_rate, simulate_panel
from ballot_eval.simulation.stations import STATION_TRUTH, simulate_stations
from ballot_eval.simulation.survey import SURVEY_TRUTH, simulate_surveys
from ballot_eval.simulation.voting_times import VOTING_TIME_TRUTH, simulate_voting_times
from ballot_eval.wholes import whole_or_parts


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
    of it is told by ``scenario``, one of ``SCENARIOS``. ``stations`` adds ``station_results.csv``,
    which deals the counts of the study's election out to polling stations; ``candidates`` adds
    ``list_results.csv`` and ``candidate_results.csv`` of the study's election and its first
    baseline, for whole municipalities; ``marking`` adds ``invalid_reasons.csv`` and
    ``party_only_votes.csv`` of the municipalities with the new ballot and of some of their
    stations; ``times`` adds
    ``voting_times.csv`` and ``counting_times.csv`` with their default truths, ``surveys`` a table
    of answers for every questionnaire of the study; the results are the same with and without.
    Deterministic in ``seed``. Raises FileExistsError, before anything is
    written, rather than overwrite a table, ValueError for an unknown scenario, and DesignError
    when the study has no municipality to simulate times for.
    """
    if scenario not in SCENARIOS:
        msg = f"scenario must be one of {', '.join(SCENARIOS)}, not {scenario!r}"
        raise ValueError(msg)
    world = SCENARIOS[scenario]
    results = simulate_panel(
        study,
        seed=seed,
        effect=effect * world.effect_factor,
        learning=world.learning,
        leaver_factor=world.leaver_factor,
    )
    tables = {"municipality_results": results}
    tables["region_results"] = _national(tables["municipality_results"])
    truth: dict[str, object] = {
        "simulated": True,
        "study": study.id,
        "seed": seed,
        "scenario": scenario,
        "effect": effect * world.effect_factor,
        "learning": world.learning,
        "leaver_factor": world.leaver_factor,
    }
    here = results[results["election_id"] == study.election]
    methods: dict[str, str] = {}
    if times:
        tables["voting_times"] = simulate_voting_times(study, seed=seed)
        tables["counting_times"] = simulate_counting_times(study, seed=seed)
        truth["voting_times"] = asdict(VOTING_TIME_TRUTH)
        truth["counting_times"] = asdict(COUNTING_TIME_TRUTH)
        methods = simulated_methods(
            tables["counting_times"],
            list(here["municipality_code"]),
            seed=seed,
            share=COUNTING_TIME_TRUTH.cso_share,
        )
    if stations:
        tables["station_results"] = simulate_stations(
            here,
            seed=seed,
            new_ballot=study.election_by_id(study.election).new_ballot,
            counting_methods=methods,
        )
        truth["station_results"] = asdict(STATION_TRUTH)
    if marking:
        tables |= _marking(study, here, tables.get("station_results"), seed, effect, world)
        truth["marking"] = asdict(MARKING_TRUTH)
    if candidates:
        kept = results["election_id"].isin([study.election, study.baselines[0]])
        alone = _party_only(tables)
        tables["list_results"], tables["candidate_results"] = simulate_candidates(
            results[kept], study, seed=seed, party_only=alone
        )
        truth["candidate_results"] = _candidate_truth(alone)
    if surveys and study.questionnaires:
        tables |= simulate_surveys(study, seed=seed)
        truth["surveys"] = asdict(SURVEY_TRUTH)
    for name in tables:
        if (target := folder / f"{name}.csv").exists():
            raise FileExistsError(target)
    for name, table in tables.items():
        # %g: whole seconds without a decimal, tenths with one.
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", float_format="%g")
    text = json.dumps(truth, indent=1) + "\n"
    (folder / "truth.json").write_text(text, encoding="utf-8", newline="\n")
    write_mark(folder)


def _marking(
    study: StudyDesign,
    here: pd.DataFrame,
    stations: pd.DataFrame | None,
    seed: int,
    effect: float,
    world: Scenario,
) -> dict[str, pd.DataFrame]:
    """Return the tables on marking of the municipalities that have the new ballot."""
    rows = here[here["municipality_code"].isin(study.experiment())]
    size = effect * world.effect_factor
    added = {
        code: added_rate(study, code, study.election, size, world.learning, world.leaver_factor)
        for code in rows["municipality_code"]
    }
    return {
        "invalid_reasons": simulate_reasons(rows, stations, added, seed=seed),
        "party_only_votes": simulate_party_only(rows, stations, study, seed=seed),
    }


def _party_only(tables: Mapping[str, pd.DataFrame]) -> dict[str, int] | None:
    """Return the votes for a party alone by municipality; None where there are none."""
    if "party_only_votes" not in tables:
        return None
    counted = whole_or_parts(
        tables["party_only_votes"], "polling_station_id", ["municipality_code"]
    )
    sums = counted.groupby("municipality_code")["votes_count"].sum()
    return {str(code): int(votes) for code, votes in sums.items()}


def _candidate_truth(party_only: Mapping[str, int] | None) -> dict[str, float]:
    """Return what was put into the candidates; votes for a party alone may have another truth."""
    made = asdict(CANDIDATE_TRUTH)
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
