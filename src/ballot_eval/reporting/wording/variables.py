"""The numbers, names and rule-chosen sentences that the text of the report refers to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ballot_eval import __version__
from ballot_eval.design import StudyDesign
from ballot_eval.figures.base import KINDS
from ballot_eval.formatting import (
    display_name,
    sort_name,
)
from ballot_eval.panel import Panel
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.wording.candidates import candidate_sentences
from ballot_eval.reporting.wording.checks import check_sentences, margin_text
from ballot_eval.reporting.wording.differences import difference_sentences
from ballot_eval.reporting.wording.experiment import experiment_sentences
from ballot_eval.reporting.wording.introduction import introduction_sentences
from ballot_eval.reporting.wording.learning import learning_sentences
from ballot_eval.reporting.wording.marking_reasons import marking_sentences
from ballot_eval.reporting.wording.methods import method_sentences
from ballot_eval.reporting.wording.notes import reason_sentences, why
from ballot_eval.reporting.wording.stations import station_sentences
from ballot_eval.reporting.wording.summary import summary_sentences
from ballot_eval.reporting.wording.survey import survey_sentences
from ballot_eval.reporting.wording.times import time_sentences
from ballot_eval.results import Effect, Rate

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: The banner of every page of a report on simulated data.
SIMULATED_NOTICE = (
    "Gesimuleerde gegevens. Alle cijfers in dit rapport zijn door een computerprogramma "
    "verzonnen om de methode te tonen; zij zeggen niets over de werkelijke verkiezing."
)


EQUALLY = {
    "municipality": "Elke gemeente telt daarbij even zwaar.",
    "ballot": "Elke stem telt daarbij even zwaar.",
}


def report_variables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return every number and name that the text of the report refers to."""
    study, results, report = outcome.study, outcome.results, outcome.validation
    primary = outcome.primary.effect
    election = study.election_by_id(study.election)
    values = {
        "study_title": say(nl=display_name(study.title), en=study.title_en or study.title),
        "election": study.election,
        "election_date": say.date(election.date),
        "baseline_1": study.baselines[0],
        "elections": say.listed(study.needed_elections()),
        "n_experiment": say.municipalities(primary.n_experiment),
        "n_control": say.number(primary.n_control),
        "experiment_names": _names(say, study, study.experiment()),
        "exposure_text": _exposure_text(say, study),
        "former_text": _former_text(say, study),
        "reference_text": _reference_text(say, outcome.panel),
        "assignments_text": _assignments_text(say, primary, study),
        "confidence": f"{100 * study.analysis.confidence_level:g}%".replace(".", ","),
        "seed": str(study.analysis.seed),
        "plan_sha256": study.sha256,
        "version": __version__,
        "margin_text": margin_text(say, outcome),
        "data_notice": SIMULATED_NOTICE if outcome.simulated else "",
        "n_errors": say.number(report.errors_count),
        "n_warnings": say.number(report.warnings_count),
        "rows_read": say.number(report.rows_read),
        "excluded_text": _excluded_text(say, report.rows_read - report.rows_accepted),
        "primary_kind": say.pick(KINDS)[study.analysis.outcome],
        "effect_text": _effect_text(say, outcome),
        "ballots_text": _ballots_text(say, outcome),
        "other_effects_text": _other_effects_text(say, outcome),
    }
    values |= check_sentences(say, outcome)
    values |= method_sentences(say, outcome)
    values |= reason_sentences(say, outcome)
    values |= candidate_sentences(say, outcome)
    values |= station_sentences(say, outcome)
    values |= difference_sentences(say, outcome)
    values |= marking_sentences(say, outcome)
    values |= time_sentences(say, outcome)
    values |= learning_sentences(say, outcome)
    values |= survey_sentences(say, outcome)
    values |= experiment_sentences(say, outcome)
    values |= introduction_sentences(say, outcome)
    values |= summary_sentences(say, outcome)
    values |= _rate_variables(say, results.rates, study)
    return values


def _effect_text(say: Language, outcome: Outcome) -> str:
    """Return the answer to the main question, or why there is none."""
    effect, analysis = outcome.primary.effect, outcome.study.analysis
    if math.isnan(effect.estimate):
        return f"Dat is niet te schatten: {why(say, effect.note, outcome)}."
    level = f"{100 * analysis.confidence_level:g}%".replace(".", ",")
    return (
        f"Het aandeel {say.pick(KINDS)[analysis.outcome]} veranderde met {say.points(effect.estimate)} ten "
        f"opzichte van de controlegemeenten ({level}-interval {say.limits(effect)}; p-waarde "
        f"{say.p_value(effect.p_value)}). {EQUALLY[analysis.weighting]}"
    )


def _ballots_text(say: Language, outcome: Outcome) -> str:
    """Return the effect per ballot as a number of votes, or why there is none."""
    study = outcome.study
    ballot = _effect(outcome.results.effects, study.analysis.outcome, "ballot", study.baselines[0])
    if math.isnan(ballot.estimate):
        return f"Dat is niet te schatten: {why(say, ballot.note, outcome)}."
    key = (study.election, "experiment", study.analysis.outcome)
    rates = outcome.results.rates
    cast = next(r for r in rates if (r.election, r.unit, r.outcome) == key).denominator
    extra = ballot.estimate * cast
    return (
        f"Telt elke stem even zwaar, dan is het effect {say.points(ballot.estimate)} "
        f"({say.limits(ballot)}): ongeveer {say.number(abs(extra))} {'minder' if extra < 0 else 'meer'} "
        f"{say.pick(KINDS)[study.analysis.outcome]} dan met het oude stembiljet te verwachten was."
    )


def _excluded_text(say: Language, excluded: int) -> str:
    if not excluded:
        return "en zij zijn alle gebruikt"
    return (
        f"en daarvan zijn er {say.number(excluded)} niet gebruikt, in de regel omdat zij bij een "
        "andere verkiezing of een ander gebied horen; elk staat met de reden in `excluded_rows.csv`"
    )


def _exposure_text(say: Language, study: StudyDesign) -> str:
    """Say for how many municipalities it is the first, second, third time."""
    counts = Counter(study.exposure(code, study.election) for code in study.experiment())
    times = {1: "eerste", 2: "tweede", 3: "derde", 4: "vierde"}
    parts = [
        f"voor {say.municipalities(n)} de {times.get(k, f'{k}e')} keer"
        for k, n in sorted(counts.items(), reverse=True)
    ]
    earlier = [e.id for e in study.elections if e.new_ballot and e.id != study.election]
    text = f"Het is {say.listed(parts)} dat zij dit stembiljet gebruiken"
    return f"{text}; eerder was dat bij {say.listed(earlier)}." if earlier else f"{text}."


def _other_effects_text(say: Language, outcome: Outcome) -> str:
    """Return a sentence on each outcome that is not the primary one."""
    study, sentences = outcome.study, []
    for name, kind in say.pick(KINDS).items():
        if name == study.analysis.outcome:
            continue
        e = _effect(outcome.results.effects, name, study.analysis.weighting, study.baselines[0])
        rate = next(
            r
            for r in outcome.results.rates
            if (r.election, r.unit, r.outcome) == (study.election, "experiment", name)
        )
        found = (
            f"niet te schatten: {why(say, e.note, outcome)}"
            if math.isnan(e.estimate)
            else f"{say.points(e.estimate)} ({say.limits(e)}; p-waarde {say.p_value(e.p_value)})"
        )
        sentences.append(
            f"{kind.capitalize()}: {say.number(rate.numerator)} ({say.percent(rate.rate)}), effect {found}."
        )
    return " ".join(sentences)


def _names(say: Language, study: StudyDesign, codes: Iterable[str]) -> str:
    names = sorted((study.municipalities[c] for c in codes), key=sort_name)
    return say.listed([display_name(name) for name in names])


def _former_text(say: Language, study: StudyDesign) -> str:
    former = [c for c in study.ever_exposed() if study.role(c) == "former"]
    if not former:
        return ""
    one = len(former) == 1
    return (
        f"{_names(say, study, former)} {'had' if one else 'hadden'} het nieuwe stembiljet eerder en nu "
        f"niet, en {'telt' if one else 'tellen'} daarom niet mee, niet bij de "
        "experimentgemeenten en niet bij de controlegemeenten."
    )


def _reference_text(say: Language, panel: Panel) -> str:
    rows = panel.results[panel.results["is_reference"]]
    if rows.empty:
        return "Het analyseplan noemt geen referentiegemeenten."
    names = sorted({display_name(n) for n in rows["municipality_name"]}, key=sort_name)
    if panel.study.reference and panel.study.reference.nearest_size:
        per = panel.study.reference.nearest_size
        which = "controlegemeente" if per == 1 else f"{say.count(per)} controlegemeenten"
        how = (
            f"bij elke experimentgemeente de {which} waarvan het aantal uitgebrachte stemmen "
            f"bij {panel.study.baselines[0]} het dichtst bij het hare lag"
        )
    else:
        how = "vooraf in het analyseplan genoemd"
    return f"De referentiegemeenten zijn {how}: {say.listed(names)}."


def _assignments_text(say: Language, effect: Effect, study: StudyDesign) -> str:
    strata = study.analysis.strata
    within = f", binnen {strata.size_groups} groepen naar grootte," if strata else ""
    text = f"Daarom is het experiment toegewezen aan andere groepen van evenveel gemeenten{within} "
    if not effect.draws:
        return "Het experiment is hier niet aan andere groepen gemeenten toe te wijzen."
    if effect.exact:
        return f"{text}op alle {say.number(effect.draws)} manieren die er zijn."
    return (
        f"{text}in {say.number(effect.draws)} lotingen uit alle gemeenten van de vergelijking, de "
        "experimentgemeenten zelf inbegrepen. Het loten geeft de p-waarde een standaardfout van "
        f"{say.p_value(effect.p_error)}."
    )


def _effect(effects: Iterable[Effect], outcome: str, weighting: str, baseline: str) -> Effect:
    wanted = (outcome, weighting, baseline, "randomisation")
    return next(e for e in effects if (e.outcome, e.weighting, e.baseline, e.method) == wanted)


def _rate_variables(say: Language, rates: Iterable[Rate], study: StudyDesign) -> dict[str, str]:
    """Return counts and rates of the primary outcome."""
    by_key = {(r.election, r.unit): r for r in rates if r.outcome == study.analysis.outcome}
    experiment = by_key[study.election, "experiment"]
    values = {
        "count_experiment": say.number(experiment.numerator),
        "cast_experiment": say.number(experiment.denominator),
        "rate_experiment_baseline_1": say.percent(by_key[study.baselines[0], "experiment"].rate),
    }
    for unit in ("experiment", "control", "national"):
        values[f"rate_{unit}"] = say.percent(by_key[study.election, unit].rate)
    return values
