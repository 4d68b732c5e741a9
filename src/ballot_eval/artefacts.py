"""What the report takes in: variables, tables and figures, made from finished results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ballot_eval import __version__, figures, tables
from ballot_eval.formatting import date as format_date
from ballot_eval.formatting import number, p_value, percent, points
from ballot_eval.panel import Panel
from ballot_eval.results import Check, Effect, Rate, to_frame

if TYPE_CHECKING:
    from ballot_eval.pipeline import Outcome

#: The banner of every page of a report on simulated data.
SIMULATED_NOTICE = (
    "Gesimuleerde gegevens. Alle cijfers in dit rapport zijn door een computerprogramma "
    "verzonnen om de methode te tonen; zij zeggen niets over de werkelijke verkiezing."
)


def write_artefacts(outcome: Outcome, folder: Path) -> None:
    """Write ``_variables.yml`` and ``_generated/`` for the report into ``folder``."""
    generated = folder / "_generated"
    (generated / "tables").mkdir(parents=True)
    (generated / "figures").mkdir()
    variables = _variables(outcome)
    # A JSON string is a YAML double-quoted string.
    lines = [f"{k}: {json.dumps(v, ensure_ascii=False)}" for k, v in variables.items()]
    (folder / "_variables.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    made = _tables(outcome)
    for name, text in made.items():
        (generated / "tables" / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")
    listing = {
        "study": outcome.study.id,
        "language": outcome.study.language,
        "simulated": outcome.simulated,
        "tables": list(made),
        "figures": _figures(outcome, generated / "figures"),
    }
    text = json.dumps(listing, ensure_ascii=False, indent=1) + "\n"
    (generated / "artefacts.json").write_text(text, encoding="utf-8", newline="\n")


def _tables(outcome: Outcome) -> dict[str, str]:
    study, results = outcome.study, outcome.results
    names = dict(study.municipalities)
    return {
        "rates_groups": tables.rates_groups(results.rates),
        "rates_municipalities": tables.rates_municipalities(
            results.rates, names, study.experiment(), study.election
        ),
        "effects": tables.effects(results.effects),
        "robustness": tables.robustness(results.checks, names),
        "findings": tables.findings(outcome.validation.findings),
        "inputs": tables.inputs(outcome.raw.files),
    }


def _figures(outcome: Outcome, folder: Path) -> dict[str, str]:
    """Save every figure; return the alternative text of each by name."""
    study, results, panel = outcome.study, outcome.results, outcome.panel
    names = dict(study.municipalities)
    rates = to_frame(results.rates, Rate)
    primary = outcome.primary.effect
    here = rates[(rates["election"] == study.election) & (rates["outcome"] == "invalid")]
    experiment = here[here["unit"].isin(study.experiment())]
    controls = _control_rates(panel, study.election)
    slopes = panel.results[panel.results["role"] != "former"].assign(
        rate=lambda d: d["invalid_votes_count"] / d["votes_cast_count"]
    )
    slopes = slopes.rename(columns={"election_id": "election"})
    checks = to_frame(results.checks, Check)
    left_out = checks[checks["check"] == "leave_one_out"].copy()
    left_out["variant"] = left_out["variant"].map(names)
    made = {
        "invalid_rates": (
            figures.invalid_rates(experiment, controls, names, study.election),
            figures.alt_text_invalid_rates(experiment, controls, names, study.election),
        ),
        "before_after": (
            figures.before_after(slopes, study.baselines[0], study.election),
            figures.alt_text_before_after(slopes, study.baselines[0], study.election),
        ),
        "randomisation": (
            figures.randomisation(outcome.primary.distribution, primary.estimate, primary.p_value),
            figures.alt_text_randomisation(
                outcome.primary.distribution, primary.estimate, primary.p_value
            ),
        ),
    }
    if not left_out.empty:
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


def _variables(outcome: Outcome) -> dict[str, str]:
    study, results, report = outcome.study, outcome.results, outcome.validation
    primary = outcome.primary.effect
    names = sorted(
        (study.municipalities[c] for c in study.experiment()), key=lambda n: n.lstrip("'s-")
    )
    values = {
        "study_title": study.title,
        "election": study.election,
        "election_date": format_date(study.election_by_id(study.election).date),
        "baseline_1": study.baselines[0],
        "baseline_2": study.baselines[1] if len(study.baselines) > 1 else "",
        "n_experiment": number(primary.n_experiment),
        "n_control": number(primary.n_control),
        "experiment_names": ", ".join(names[:-1]) + " en " + names[-1] if names[1:] else names[0],
        "draws": number(primary.draws),
        "confidence": percent(study.analysis.confidence_level, digits=0),
        "seed": str(study.analysis.seed),
        "plan_sha256": study.sha256,
        "version": __version__,
        "margin_text": _margin_text(outcome),
        "data_notice": SIMULATED_NOTICE if outcome.simulated else "",
        "n_findings": number(len(report.findings)),
        "n_errors": number(report.errors_count),
        "n_warnings": number(report.warnings_count),
        "rows_read": number(report.rows_read),
        "rows_accepted": number(report.rows_accepted),
        "rows_excluded": number(report.rows_read - report.rows_accepted),
    }
    values |= _rate_variables(results.rates, study.election, study.baselines[0])
    for outcome_name in ("invalid", "blank", "residual"):
        for suffix, weighting in (("", "municipality"), ("_ballot", "ballot")):
            effect = _effect(results.effects, outcome_name, weighting, study.baselines[0])
            values |= _estimate_variables(f"effect_{outcome_name}{suffix}", effect)
    placebos = [
        c
        for c in results.checks
        if (c.check, c.outcome, c.weighting)
        == ("placebo", study.analysis.outcome, study.analysis.weighting)
    ]
    if placebos:
        values |= _estimate_variables("placebo", placebos[-1])
        values["placebo_estimate"] = values.pop("placebo")
    else:
        keys = ("placebo_estimate", "placebo_lower", "placebo_upper", "placebo_p")
        values |= dict.fromkeys(keys, "niet gemeten")
    ballot = _effect(results.effects, "invalid", "ballot", study.baselines[0])
    cast = next(
        r for r in results.rates if (r.election, r.unit) == (study.election, "experiment")
    ).denominator
    values["extra_votes"] = number(round(ballot.estimate * cast))
    return values


def _effect(effects: Iterable[Effect], outcome: str, weighting: str, baseline: str) -> Effect:
    wanted = (outcome, weighting, baseline, "randomisation")
    return next(e for e in effects if (e.outcome, e.weighting, e.baseline, e.method) == wanted)


def _estimate_variables(name: str, item: Effect | Check) -> dict[str, str]:
    return {
        name: points(item.estimate),
        f"{name}_lower": points(item.ci_lower),
        f"{name}_upper": points(item.ci_upper),
        f"{name}_p": p_value(item.p_value),
    }


def _rate_variables(rates: Iterable[Rate], election: str, baseline: str) -> dict[str, str]:
    by_key = {(r.election, r.unit): r for r in rates if r.outcome == "invalid"}
    experiment = by_key[election, "experiment"]
    values = {
        "outcome_count_experiment": number(experiment.numerator),
        "cast_experiment": number(experiment.denominator),
        "rate_experiment_baseline_1": percent(by_key[baseline, "experiment"].rate),
    }
    for unit in ("experiment", "control", "national", "reference"):
        rate = by_key.get((election, unit))
        values[f"outcome_rate_{unit}"] = percent(rate.rate) if rate else "niet gemeten"
    return values


def _margin_text(outcome: Outcome) -> str:
    """Return the verdict against the margin of the plan; without a margin there is none."""
    margin, effect = outcome.study.analysis.margin, outcome.primary.effect
    if margin is None:
        return (
            "Het analyseplan noemt geen marge; daarom geeft dit rapport geen oordeel over de "
            "vraag of het verschil klein genoeg is."
        )
    inside = effect.ci_upper < margin
    verdict = "ligt onder" if inside else "ligt niet onder"
    return (
        f"De bovengrens van het interval ({points(effect.ci_upper)}) {verdict} de vooraf "
        f"vastgelegde marge van {points(margin, sign=False)}."
    )
