"""The numbers, names and rule-chosen sentences that the text of the report refers to."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ballot_eval import __version__
from ballot_eval.design import StudyDesign
from ballot_eval.figures.base import KINDS
from ballot_eval.formatting import display_name, sort_name
from ballot_eval.panel import Panel
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.wording.candidates import candidate_sentences
from ballot_eval.reporting.wording.checks import check_sentences
from ballot_eval.reporting.wording.differences import difference_sentences
from ballot_eval.reporting.wording.experiment import experiment_sentences
from ballot_eval.reporting.wording.introduction import introduction_sentences
from ballot_eval.reporting.wording.learning import learning_sentences
from ballot_eval.reporting.wording.margin import margin_text
from ballot_eval.reporting.wording.marking_reasons import marking_sentences
from ballot_eval.reporting.wording.methods import method_sentences
from ballot_eval.reporting.wording.notes import reason_sentences, why
from ballot_eval.reporting.wording.stations import station_sentences
from ballot_eval.reporting.wording.summary import main_effect, summary_sentences
from ballot_eval.reporting.wording.survey import survey_sentences
from ballot_eval.reporting.wording.times import time_sentences
from ballot_eval.results import Effect, Rate

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: The banner of every page of a report on simulated data.
SIMULATED_NOTICE = {
    "nl": "Gesimuleerde gegevens. Alle cijfers in dit rapport zijn door een computerprogramma "
    "verzonnen om de methode te tonen; zij zeggen niets over de werkelijke verkiezing.",
    "en": "Simulated data. All figures in this report were made up by a computer program to show "
    "the method; they say nothing about the actual election.",
}

EQUALLY = {
    "nl": {
        "municipality": "Elke gemeente telt daarbij even zwaar.",
        "ballot": "Elke stem telt daarbij even zwaar.",
    },
    "en": {
        "municipality": "Every municipality has equal weight in this.",
        "ballot": "Every vote has equal weight in this.",
    },
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
        "exposure_text": _exposure_text(say, study),
        "former_text": _former_text(say, study),
        "reference_text": _reference_text(say, outcome.panel),
        "assignments_text": _assignments_text(say, primary, study),
        "confidence": say.level(study.analysis.confidence_level),
        "seed": str(study.analysis.seed),
        "plan_sha256": study.sha256,
        "version": __version__,
        "margin_text": margin_text(say, outcome),
        "data_notice": say.pick(SIMULATED_NOTICE) if outcome.simulated else "",
        "errors_found": say.plural(
            report.errors_count, nl=("fout", "fouten"), en=("error", "errors")
        ),
        "warnings_found": say.plural(
            report.warnings_count,
            nl=("waarschuwing", "waarschuwingen"),
            en=("warning", "warnings"),
        ),
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
        return _not_estimated(say, effect, outcome)
    kind, level = say.pick(KINDS)[analysis.outcome], say.level(analysis.confidence_level)
    points, limits, p = say.points(effect.estimate), say.limits(effect), say.p_value(effect.p_value)
    text = say(
        nl=f"Het aandeel {kind} veranderde met {points} ten opzichte van de controlegemeenten "
        f"({level}-interval {limits}; p-waarde {p}).",
        en=f"The share of {kind} changed by {points} relative to the control municipalities "
        f"({level} interval {limits}; p-value {p}).",
    )
    return f"{text} {say.pick(EQUALLY)[analysis.weighting]}"


def _not_estimated(say: Language, effect: Effect, outcome: Outcome) -> str:
    reason = why(say, effect.note, outcome)
    return say(nl=f"Dat is niet te schatten: {reason}.", en=f"This cannot be estimated: {reason}.")


def _ballots_text(say: Language, outcome: Outcome) -> str:
    """Return the effect per ballot as a number of votes, or why there is none."""
    study = outcome.study
    ballot = main_effect(outcome, study.analysis.outcome, "ballot")
    if math.isnan(ballot.estimate):
        return _not_estimated(say, ballot, outcome)
    key = (study.election, "experiment", study.analysis.outcome)
    rates = outcome.results.rates
    cast = next(r for r in rates if (r.election, r.unit, r.outcome) == key).denominator
    extra = ballot.estimate * cast
    votes, kind = say.number(abs(extra)), say.pick(KINDS)[study.analysis.outcome]
    points, limits = say.points(ballot.estimate), say.limits(ballot)
    return say(
        nl=f"Telt elke stem even zwaar, dan is het effect {points} ({limits}): ongeveer {votes} "
        f"{'minder' if extra < 0 else 'meer'} {kind} dan met het oude stembiljet te verwachten "
        "was.",
        en=f"If every vote has equal weight, the effect is {points} ({limits}): about {votes} "
        f"{'fewer' if extra < 0 else 'more'} {kind} than were to be expected with the old ballot "
        "paper.",
    )


def _excluded_text(say: Language, excluded: int) -> str:
    if not excluded:
        return say(nl="en zij zijn alle gebruikt", en="and all of them were used")
    number = say.number(excluded)
    return say(
        nl=f"en daarvan zijn er {number} niet gebruikt, in de regel omdat zij bij een andere "
        "verkiezing of een ander gebied horen; elk staat met de reden in `excluded_rows.csv`",
        en=f"and {number} of them were not used, as a rule because they belong to another "
        "election or another area; each is listed with the reason in `excluded_rows.csv`",
    )


def _exposure_text(say: Language, study: StudyDesign) -> str:
    """Say at which other elections the ballot was used."""
    earlier = [e.id for e in study.elections if e.new_ballot and e.id != study.election]
    if not earlier:
        return say(
            nl="Het analyseplan noemt geen ander gebruik.",
            en="The analysis plan names no other use.",
        )
    before = say.listed(earlier)
    return say(nl=f"Eerder was het in gebruik bij {before}.", en=f"It was used before at {before}.")


def _other_effects_text(say: Language, outcome: Outcome) -> str:
    """Return a sentence on each outcome that is not the primary one."""
    study, sentences = outcome.study, []
    for name, kind in say.pick(KINDS).items():
        if name == study.analysis.outcome:
            continue
        e = main_effect(outcome, name)
        rate = next(
            r
            for r in outcome.results.rates
            if (r.election, r.unit, r.outcome) == (study.election, "experiment", name)
        )
        if math.isnan(e.estimate):
            reason = why(say, e.note, outcome)
            found = say(nl=f"niet te schatten: {reason}", en=f"cannot be estimated: {reason}")
        else:
            p = say(nl="p-waarde", en="p-value")
            found = f"{say.points(e.estimate)} ({say.limits(e)}; {p} {say.p_value(e.p_value)})"
        votes, share = say.number(rate.numerator), say.percent(rate.rate)
        sentences.append(f"{kind.capitalize()}: {votes} ({share}), effect {found}.")
    return " ".join(sentences)


def _names(say: Language, study: StudyDesign, codes: Iterable[str]) -> str:
    names = sorted((study.municipalities[c] for c in codes), key=sort_name)
    return say.listed([display_name(name) for name in names])


def _former_text(say: Language, study: StudyDesign) -> str:
    former = [c for c in study.ever_exposed() if study.role(c) == "former"]
    if not former:
        return ""
    names, one = _names(say, study, former), len(former) == 1
    return say(
        nl=f"{names} {'had' if one else 'hadden'} het nieuwe stembiljet eerder en nu niet, en "
        f"{'telt' if one else 'tellen'} daarom niet mee, niet bij de experimentgemeenten en niet "
        "bij de controlegemeenten.",
        en=f"{names} had the new ballot paper before and not now, and "
        f"{'is' if one else 'are'} therefore counted neither among the experiment municipalities "
        "nor among the control municipalities.",
    )


def _reference_text(say: Language, panel: Panel) -> str:
    rows = panel.results[panel.results["is_reference"]]
    if rows.empty:
        return say(
            nl="Het analyseplan noemt geen referentiegemeenten.",
            en="The analysis plan names no reference municipalities.",
        )
    names = sorted({display_name(n) for n in rows["municipality_name"]}, key=sort_name)
    how = _reference_choice(say, panel.study)
    return say(
        nl=f"De referentiegemeenten zijn {how}: {say.listed(names)}.",
        en=f"The reference municipalities are {how}: {say.listed(names)}.",
    )


def _reference_choice(say: Language, study: StudyDesign) -> str:
    """Say how the reference municipalities were chosen."""
    if not (study.reference and study.reference.nearest_size):
        return say(
            nl="vooraf in het analyseplan genoemd", en="those named in advance in the analysis plan"
        )
    per, baseline = study.reference.nearest_size, study.baselines[0]
    count, one = say.count(per), per == 1
    return say(
        nl="bij elke experimentgemeente de "
        f"{'controlegemeente' if one else f'{count} controlegemeenten'} waarvan het aantal "
        f"uitgebrachte stemmen bij {baseline} het dichtst bij het hare lag",
        en=f"the {'control municipality' if one else f'{count} control municipalities'} closest to "
        f"each experiment municipality in the number of votes cast at {baseline}",
    )


def _assignments_text(say: Language, effect: Effect, study: StudyDesign) -> str:
    if not effect.draws:
        return say(
            nl="Het experiment is hier niet aan andere groepen gemeenten toe te wijzen.",
            en="Here the experiment cannot be assigned to other groups of municipalities.",
        )
    strata, draws = study.analysis.strata, say.number(effect.draws)
    groups = strata.size_groups if strata else 0
    text = say(
        nl="Daarom is het experiment toegewezen aan andere groepen van evenveel gemeenten"
        f"{f', binnen {groups} groepen naar grootte,' if strata else ''} ",
        en="The experiment was therefore assigned to other groups of the same number of "
        f"municipalities{f', within {groups} groups by size,' if strata else ''} ",
    )
    if effect.exact:
        return text + say(
            nl=f"op alle {draws} manieren die er zijn.", en=f"in all {draws} ways that there are."
        )
    error = say.p_value(effect.p_error)
    return text + say(
        nl=f"in {draws} lotingen uit alle gemeenten van de vergelijking, de experimentgemeenten "
        f"zelf inbegrepen. Het loten geeft de p-waarde een standaardfout van {error}.",
        en=f"in {draws} draws from all municipalities in the comparison, the experiment "
        "municipalities themselves included. The drawing gives the p-value a standard error of "
        f"{error}.",
    )


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
