"""What the report takes in, written to a folder: variables, tables and figures."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from ballot_eval.reporting import (
    tables,
    tables_candidates,
    tables_differences,
    tables_learning,
    tables_reasons,
    tables_stations,
    tables_survey,
    tables_times,
)
from ballot_eval.reporting.drawings.invalid_votes import display_names, save_figures
from ballot_eval.reporting.wording.variables import report_variables
from ballot_eval.reporting.wording.notes import municipality_names
from ballot_eval.topics.marking.shares import CONTRAST
from ballot_eval.topics.station_effects import METHOD as STATION_METHOD
from ballot_eval.validation.rules import RULES

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


def write_artefacts(outcome: Outcome, folder: Path) -> None:
    """Write ``_variables.yml`` and ``_generated/`` for the report into ``folder``."""
    generated = folder / "_generated"
    (generated / "tables").mkdir(parents=True)
    (generated / "figures").mkdir()
    variables = report_variables(outcome)
    # A JSON string is a YAML double-quoted string.
    lines = [f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in variables.items()]
    _write(folder / "_variables.yml", "\n".join(lines) + "\n")
    made = _tables(outcome)
    for name, text in made.items():
        _write(generated / "tables" / f"{name}.md", text)
    _write(generated / "notice.txt", variables["data_notice"])
    study_date = outcome.study.election_by_id(outcome.study.election).date
    listing = {
        "study": outcome.study.id,
        "language": outcome.study.language,
        "plan_sha256": outcome.study.sha256,
        "inputs": {f.path: f.sha256 for f in outcome.raw.files},
        "date": study_date.isoformat(),
        "notice": variables["data_notice"],
        "variables": variables,
        "tables": list(made),
        "figures": save_figures(outcome, generated / "figures"),
    }
    _write(generated / "artefacts.json", json.dumps(listing, ensure_ascii=False, indent=1) + "\n")


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _tables(outcome: Outcome) -> dict[str, str]:
    study, results = outcome.study, outcome.results
    names = display_names(study)
    primary = study.analysis.outcome
    statements = {rule.code: rule.statement("nl") for rule in RULES}
    made = {
        "rates_groups": tables.rates_groups(results.rates),
        "rates_municipalities": tables.rates_municipalities(
            results.rates, names, study.experiment(), study.election
        ),
        "effects": tables.effects(results.effects),
        "effects_methods": tables.effects_methods(results.effects, primary, study.baselines[0]),
        "ratios": tables.ratios(results.effects, primary, study.baselines[0]),
        "control_pools": tables.control_pools(results.checks),
        "findings": tables.findings(outcome.validation.findings, statements),
        "inputs": tables.inputs(outcome.raw.files, _rows_used(outcome)),
    }
    checks = {c.check for c in tables.estimated(results.checks)}
    if "placebo" in checks:
        made["placebos"] = tables.placebos(results.checks)
    if "balance_before" in checks:
        made["balance"] = tables.balance(results.checks)
    if "leave_one_out" in checks:
        made["leave_one_out"] = tables.leave_one_out(results.checks, names)
    made |= _reason_tables(outcome)
    made |= tables_candidates.candidate_tables(outcome.results, study, names)
    made |= tables_differences.difference_tables(outcome)
    made |= _station_tables(outcome) | _time_tables(outcome)
    return made | _learning_tables(outcome) | _survey_tables(outcome)


def _rows_used(outcome: Outcome) -> dict[str, int]:
    """Return the number of accepted rows by the file that they came from."""
    accepted = outcome.validation.accepted.values()
    return dict(Counter(file for frame in accepted for file in frame["source_file"]))


def _reason_tables(outcome: Outcome) -> dict[str, str]:
    study, marking = outcome.study, outcome.results.marking
    names, election = municipality_names(outcome.panel), study.election
    here = {
        (topic, m.unit)
        for topic in ("reasons", "party_only")
        for m in tables_reasons.computed(marking, topic, election)
    }
    made: dict[str, str] = {}
    if ("reasons", "experiment") in here:
        made["reasons"] = tables_reasons.reasons(marking, election)
        made["reasons_municipalities"] = tables_reasons.reasons_municipalities(
            marking, names, election
        )
    if ("reasons", CONTRAST) in here:
        made["gross_net"] = tables_reasons.gross_net(marking, election)
    if ("party_only", "experiment") in here:
        made["party_only"] = tables_reasons.party_only(marking, names, election)
    if tables_reasons.published(marking):
        made["marking_published"] = tables_reasons.marking_published(
            marking, outcome.results.rates, outcome.study.marking.published
        )
    return made


def _station_tables(outcome: Outcome) -> dict[str, str]:
    results, election = outcome.results, outcome.study.election
    here = {r.dimension for r in results.stations if r.election == election}
    if not here:
        return {}
    made = {
        "station_coverage": tables_stations.station_coverage(results.station_coverage),
        "station_rates": tables_stations.station_rates(results.stations, election),
        "station_dispersion": tables_stations.station_dispersion(
            results.station_dispersion, election
        ),
        "station_effects": tables.effects(results.effects, STATION_METHOD),
    }
    if "station_type" in here:
        made["station_types"] = tables_stations.station_types(results.stations, election)
    return made


def _time_tables(outcome: Outcome) -> dict[str, str]:
    made: dict[str, str] = {}
    voting, counting = outcome.results.voting_time, outcome.results.counting_time
    if voting:
        made["voting_times"] = tables_times.voting_times(voting)
        made["voting_ratios"] = tables_times.voting_ratios(voting)
    if any(tables_times.booth_rows(voting)):
        made["booths"] = tables_times.booths(voting)
    if counting:
        made["counting_pace"] = tables_times.counting_pace(counting)
        made["counting_ratios"] = tables_times.counting_ratios(counting)
        made["counting_speed"] = tables_times.counting_speed(counting)
        made["counting_finished"] = tables_times.counting_finished(counting)
    if any(m.quantity.startswith(tables_times.SINCE) for m in counting):
        made["counting_since"] = tables_times.counting_since(counting)
    return made


def _learning_tables(outcome: Outcome) -> dict[str, str]:
    learning = outcome.results.learning
    if not learning:
        return {}
    made = {"exposures": tables_learning.exposures(outcome.study)}
    found = [m for m in learning if math.isfinite(m.estimate)]
    quantities = {m.quantity for m in found if not m.subset.isdigit()}
    if "excess" in quantities:
        made["excess"] = tables_learning.excess(learning, outcome.study)
    if any((m.quantity, m.subset.isdigit()) == ("change_in_excess", True) for m in found):
        made["own_changes"] = tables_learning.own_changes(learning, display_names(outcome.study))
    for name, quantity in (
        ("changes", "change_in_excess"),
        ("later_first", "later_against_first"),
        ("decomposition", "decomposition_naive"),
        ("forecasts", "forecast_share"),
    ):
        if quantity in quantities:
            made[name] = getattr(tables_learning, name)(learning)
    return made


def _survey_tables(outcome: Outcome) -> dict[str, str]:
    study, every = outcome.study, outcome.results.survey
    made: dict[str, str] = {}
    for questionnaire in study.questionnaires:
        name = questionnaire.table.removesuffix("_survey")
        made[f"{name}_questions"] = tables_survey.questions(questionnaire)
        items = [m for m in every if m.table == questionnaire.table]
        if not items:
            continue
        made["survey_response"] = tables_survey.response(every, study)
        made[f"{name}_outcomes"] = tables_survey.outcomes(items, questionnaire, study)
        made[f"{name}_item_response"] = tables_survey.item_response(items, questionnaire)
        if name == "voter":
            made["voter_subgroups"] = tables_survey.subgroups(items, questionnaire, study)
            made["voter_experience"] = tables_survey.experience(items, questionnaire)
    return made
