"""What the report takes in: variables, tables and figures, made from finished results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ballot_eval import figures, tables
from ballot_eval.design import StudyDesign
from ballot_eval.formatting import display_name
from ballot_eval.panel import Panel
from ballot_eval.results import Check, Rate, to_frame
from ballot_eval.validation.rules import RULES
from ballot_eval.wording import report_variables

if TYPE_CHECKING:
    from ballot_eval.pipeline import Outcome


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
        "figures": _figures(outcome, generated / "figures"),
    }
    _write(generated / "artefacts.json", json.dumps(listing, ensure_ascii=False, indent=1) + "\n")


def _names(study: StudyDesign) -> dict[str, str]:
    return {code: display_name(name) for code, name in study.municipalities.items()}


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def _tables(outcome: Outcome) -> dict[str, str]:
    study, results = outcome.study, outcome.results
    names = _names(study)
    primary = study.analysis.outcome
    statements = {rule.code: rule.statement("nl") for rule in RULES}
    made = {
        "rates_groups": tables.rates_groups(results.rates),
        "rates_municipalities": tables.rates_municipalities(
            results.rates, names, study.experiment(), study.election
        ),
        "effects": tables.effects(results.effects),
        "effects_methods": tables.effects_methods(results.effects, primary, study.baselines[0]),
        "findings": tables.findings(outcome.validation.findings, statements),
        "inputs": tables.inputs(outcome.raw.files),
    }
    checks = {c.check for c in results.checks}
    if "placebo" in checks:
        made["placebos"] = tables.placebos(results.checks)
    if "leave_one_out" in checks:
        made["leave_one_out"] = tables.leave_one_out(results.checks, names)
    return made


def _figures(outcome: Outcome, folder: Path) -> dict[str, str]:
    """Save every figure; return the alternative text of each by name."""
    study, results, panel = outcome.study, outcome.results, outcome.panel
    names = _names(study)
    rates = to_frame(results.rates, Rate)
    primary = outcome.primary.effect
    here = rates[(rates["election"] == study.election) & (rates["outcome"] == "invalid")]
    experiment = here[here["unit"].isin(study.experiment())]
    controls = _control_rates(panel, study.election)
    slopes = panel.results[panel.results["role"] != "former"].assign(
        rate=lambda d: d["invalid_votes_count"] / d["votes_cast_count"],
        municipality_name=lambda d: d["municipality_name"].map(display_name),
    )
    slopes = slopes.rename(columns={"election_id": "election"})
    dots = (experiment, controls, names, study.election)
    lines = (slopes, study.baselines[0], study.election)
    reassigned = (outcome.primary.distribution, primary.estimate, primary.p_value)
    made = {
        "invalid_rates": (figures.invalid_rates(*dots), figures.alt_text_invalid_rates(*dots)),
        "before_after": (figures.before_after(*lines), figures.alt_text_before_after(*lines)),
        "randomisation": (
            figures.randomisation(*reassigned),
            figures.alt_text_randomisation(*reassigned),
        ),
    }
    checks = to_frame(results.checks, Check)
    left_out = checks[checks["check"] == "leave_one_out"].copy()
    if not left_out.empty:
        left_out["variant"] = left_out["variant"].map(names)
        made["leave_one_out"] = (
            figures.leave_one_out(left_out, primary.estimate),
            figures.alt_text_leave_one_out(left_out, primary.estimate),
        )
    for name, (figure, _) in made.items():
        figures.save(figure, folder, name)
    return {name: alt for name, (_, alt) in made.items()}


def _control_rates(panel: Panel, election: str) -> list[float]:
    counts = panel.counts(election, "invalid")
    rows = counts[(counts["role"] == "control") & (counts["denominator"] > 0)]
    return list(np.asarray(rows["numerator"] / rows["denominator"], dtype=float))
