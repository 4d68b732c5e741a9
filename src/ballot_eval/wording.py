"""The numbers, names and rule-chosen sentences that the text of the report refers to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ballot_eval import __version__
from ballot_eval.design import StudyDesign
from ballot_eval.formatting import (
    count_in_words,
    display_name,
    interval,
    number,
    p_value,
    percent,
    points,
    sort_name,
)
from ballot_eval.formatting import date as format_date
from ballot_eval.panel import OUTCOMES, Panel
from ballot_eval.results import Check, Effect, Rate

if TYPE_CHECKING:
    from ballot_eval.pipeline import Outcome

#: The banner of every page of a report on simulated data.
SIMULATED_NOTICE = (
    "Gesimuleerde gegevens. Alle cijfers in dit rapport zijn door een computerprogramma "
    "verzonnen om de methode te tonen; zij zeggen niets over de werkelijke verkiezing."
)


def report_variables(outcome: Outcome) -> dict[str, str]:
    """Return every number and name that the text of the report refers to."""
    study, results, report = outcome.study, outcome.results, outcome.validation
    primary = outcome.primary.effect
    election = study.election_by_id(study.election)
    values = {
        "study_title": study.title,
        "election": study.election,
        "election_date": format_date(election.date),
        "baseline_1": study.baselines[0],
        "elections": _enumerate(study.needed_elections()),
        "n_experiment": count_in_words(primary.n_experiment),
        "n_control": number(primary.n_control),
        "experiment_names": _names(study, study.experiment()),
        "former_text": _former_text(study),
        "reference_text": _reference_text(outcome.panel),
        "assignments_text": _assignments_text(primary),
        "confidence": percent(study.analysis.confidence_level, digits=0),
        "seed": str(study.analysis.seed),
        "plan_sha256": study.sha256,
        "version": __version__,
        "margin_text": _margin_text(outcome),
        "data_notice": SIMULATED_NOTICE if outcome.simulated else "",
        "n_errors": number(report.errors_count),
        "n_warnings": number(report.warnings_count),
        "rows_read": number(report.rows_read),
        "rows_accepted": number(report.rows_accepted),
        "rows_excluded": number(report.rows_read - report.rows_accepted),
    }
    values |= _rate_variables(results.rates, study.election, study.baselines[0])
    for name in OUTCOMES:
        for suffix, weighting in (("", "municipality"), ("_ballot", "ballot")):
            effect = _effect(results.effects, name, weighting, study.baselines[0])
            values |= _estimate_variables(f"effect_{name}{suffix}", effect)
    values["placebo_text"] = _placebo_text(outcome)
    ballot = _effect(results.effects, "invalid", "ballot", study.baselines[0])
    key = (study.election, "experiment", "invalid")
    cast = next(r for r in results.rates if (r.election, r.unit, r.outcome) == key).denominator
    extra = round(ballot.estimate * cast)
    values["extra_votes"] = f"{number(abs(extra))} {'meer' if extra >= 0 else 'minder'}"
    return values


def _enumerate(items: Sequence[str]) -> str:
    return ", ".join(items[:-1]) + " en " + items[-1] if len(items) > 1 else "".join(items)


def _names(study: StudyDesign, codes: Iterable[str]) -> str:
    names = sorted((study.municipalities[c] for c in codes), key=sort_name)
    return _enumerate([display_name(name) for name in names])


def _former_text(study: StudyDesign) -> str:
    former = [c for c in study.ever_exposed() if study.role(c) == "former"]
    if not former:
        return ""
    verb = "telt" if len(former) == 1 else "tellen"
    return (
        f"{_names(study, former)} had het nieuwe stembiljet eerder en nu niet, en {verb} daarom "
        "noch als experimentgemeente noch als controlegemeente mee."
    )


def _reference_text(panel: Panel) -> str:
    rows = panel.results[panel.results["is_reference"]]
    if rows.empty:
        return "Het analyseplan noemt geen referentiegemeenten."
    names = sorted({display_name(n) for n in rows["municipality_name"]}, key=sort_name)
    if panel.study.reference and panel.study.reference.nearest_size:
        per = count_in_words(panel.study.reference.nearest_size)
        how = (
            f"bij elke experimentgemeente de {per} controlegemeenten waarvan het aantal "
            f"uitgebrachte stemmen bij {panel.study.baselines[0]} het dichtst bij het hare lag"
        )
    else:
        how = "vooraf in het analyseplan genoemd"
    return f"De referentiegemeenten zijn {how}: {_enumerate(names)}."


def _assignments_text(effect: Effect) -> str:
    if effect.exact:
        return f"Alle {number(effect.draws)} mogelijke toewijzingen zijn nagegaan."
    return (
        f"Daarvan zijn er {number(effect.draws)} geloot. Die loting geeft de p-waarde een "
        f"standaardfout van {p_value(_monte_carlo_error(effect))}."
    )


def _monte_carlo_error(effect: Effect) -> float:
    return math.sqrt(effect.p_value * (1 - effect.p_value) / effect.draws)


def _placebo_text(outcome: Outcome) -> str:
    study = outcome.study
    wanted = ("placebo", study.analysis.outcome, study.analysis.weighting)
    found = [c for c in outcome.results.checks if (c.check, c.outcome, c.weighting) == wanted]
    if not found:
        return (
            "Er is maar één eerdere verkiezing van dezelfde soort, dus zo'n vergelijking van twee "
            "verkiezingen zonder het nieuwe stembiljet is niet gemeten."
        )
    placebo = found[-1]
    earlier, later = placebo.variant.split("-")
    return (
        f"Tussen {earlier} en {later} gebruikte niemand het nieuwe stembiljet. Een goede methode "
        f"vindt dan geen effect: zij geeft {points(placebo.estimate)} "
        f"({_limits(placebo)}; p-waarde {p_value(placebo.p_value)})."
    )


def _limits(item: Effect | Check) -> str:
    low, high = item.ci_lower, item.ci_upper
    return f"{interval(low, high, percent_sign=False, sign=True)} procentpunt"


def _effect(effects: Iterable[Effect], outcome: str, weighting: str, baseline: str) -> Effect:
    wanted = (outcome, weighting, baseline, "randomisation")
    return next(e for e in effects if (e.outcome, e.weighting, e.baseline, e.method) == wanted)


def _estimate_variables(name: str, item: Effect) -> dict[str, str]:
    return {
        name: points(item.estimate),
        f"{name}_interval": _limits(item),
        f"{name}_p": p_value(item.p_value),
    }


def _rate_variables(rates: Iterable[Rate], election: str, baseline: str) -> dict[str, str]:
    by_key = {(r.election, r.unit, r.outcome): r for r in rates}
    experiment = by_key[election, "experiment", "invalid"]
    before = by_key[baseline, "experiment", "invalid"]
    values = {
        "invalid_count_experiment": number(experiment.numerator),
        "cast_experiment": number(experiment.denominator),
        "invalid_rate_experiment_baseline_1": percent(before.rate),
        "blank_count_experiment": number(by_key[election, "experiment", "blank"].numerator),
        "blank_rate_experiment": percent(by_key[election, "experiment", "blank"].rate),
    }
    for unit in ("experiment", "control", "national"):
        values[f"invalid_rate_{unit}"] = percent(by_key[election, unit, "invalid"].rate)
    return values


def _margin_text(outcome: Outcome) -> str:
    """Return the verdict against the margin of the plan; without a margin there is none."""
    margin, effect = outcome.study.analysis.margin, outcome.primary.effect
    if margin is None:
        return (
            "Het analyseplan noemt geen marge; daarom geeft dit rapport geen oordeel over de "
            "vraag of het verschil klein genoeg is."
        )
    verdict = "ligt onder" if effect.ci_upper < margin else "ligt niet onder"
    return (
        f"De bovengrens van het interval ({points(effect.ci_upper)}) {verdict} de vooraf "
        f"vastgelegde marge van {points(margin, sign=False)}."
    )
