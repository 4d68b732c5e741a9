"""The management summary: one answer per question of the evaluation, by the rules of verdicts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.figures.base import KINDS
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.wording.summary_counting import accuracy_answer, counting_answer
from ballot_eval.reporting.wording.summary_voters import (
    booth_answer,
    learning_answer,
    reasons_answer,
    survey_answer,
    turnout_answer,
)
from ballot_eval.reporting.wording.verdicts import (
    Verdict,
    level_text,
    margin_verdict,
    not_estimated,
    verdict,
)
from ballot_eval.results import Effect

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome


#: Over what an effect is averaged.
EACH = {
    "nl": {"municipality": "gemiddeld per gemeente", "ballot": "gemiddeld per stem"},
    "en": {"municipality": "on average by municipality", "ballot": "on average by vote"},
}


def summary_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the answers by the name that the summary refers to."""
    other = other_outcome(outcome)
    return {
        "summary_other_kind": say.pick(KINDS)[other],
        "summary_primary_text": _effect_answer(say, outcome, outcome.primary.effect)
        + _margin(say, outcome),
        "summary_votes_text": _votes(say, outcome),
        "summary_other_text": _effect_answer(say, outcome, main_effect(outcome, other)),
        "summary_reasons_text": reasons_answer(say, outcome),
        "summary_learning_text": learning_answer(say, outcome),
        "summary_booth_text": booth_answer(say, outcome),
        "summary_counting_text": counting_answer(say, outcome),
        "summary_accuracy_text": accuracy_answer(say, outcome),
        "summary_survey_text": survey_answer(say, outcome),
        "summary_turnout_text": turnout_answer(say, outcome),
        "summary_national_text": _national(say, outcome),
        "summary_reading_text": _reading(say, outcome),
    }


def other_outcome(outcome: Outcome) -> str:
    """Return the outcome that stands beside the primary one: blank votes, or else invalid ones."""
    return "invalid" if outcome.study.analysis.outcome == "blank" else "blank"


def main_effect(outcome: Outcome, name: str, weighting: str | None = None) -> Effect:
    """Return the effect on an outcome by the main method, since the first baseline."""
    study = outcome.study
    wanted = (
        name,
        weighting or study.analysis.weighting,
        study.baselines[0],
        "randomisation",
    )
    return next(
        e
        for e in outcome.results.effects
        if (e.outcome, e.weighting, e.baseline, e.method) == wanted
    )


def _effect_answer(say: Language, outcome: Outcome, effect: Effect) -> str:
    """Answer whether there were more votes of a kind than was to be expected."""
    found = verdict(effect.estimate, effect.ci_lower, effect.ci_upper)
    if found == "not_measured":
        return not_estimated(say, outcome, effect.note)
    size = say.points(abs(effect.estimate), sign=False)
    way = say(nl="hoger", en="higher") if effect.estimate >= 0 else say(nl="lager", en="lower")
    rate, each = _rate(outcome, effect.outcome)[0], say.pick(EACH)[effect.weighting]
    gap = say(
        nl=f"{say.percent(rate)} van de stemmen, {each} {size} {way} dan te verwachten was",
        en=f"{say.percent(rate)} of the votes, {size} {way} than expected {each}",
    )
    if size == say.points(0.0, sign=False):
        gap = say(
            nl=f"{say.percent(rate)} van de stemmen, {each} vrijwel zoveel als te verwachten was",
            en=f"{say.percent(rate)} of the votes, almost exactly as expected {each}",
        )
    if found == "not_tested":
        return say(
            nl=f"{gap}; hoe zeker dat is, is niet te berekenen.",
            en=f"{gap}; how certain this is cannot be computed.",
        )
    ends = say.interval(effect.ci_lower, effect.ci_upper, percent_sign=False, sign=True)
    return f"{_opening(say, found)} {gap} ({ends})."


def _opening(say: Language, found: Verdict) -> str:
    openings = {
        "more": say(nl="Ja:", en="Yes:"),
        "less": say(nl="Nee, minder:", en="No, fewer:"),
        "not_shown": say(nl="Geen verschil aangetoond:", en="No difference shown:"),
    }
    return openings[found]


def _rate(outcome: Outcome, name: str) -> tuple[float, int]:
    """Return the share in the experiment municipalities, and their votes cast."""
    wanted = (outcome.study.election, "experiment", name)
    found = next(r for r in outcome.results.rates if (r.election, r.unit, r.outcome) == wanted)
    return found.rate, found.denominator


def _margin(say: Language, outcome: Outcome) -> str:
    """Add the verdict against the margin of the plan; nothing without a margin."""
    found = margin_verdict(outcome.results.checks)
    margin = outcome.study.analysis.margin
    if found == "no_margin" or margin is None:
        return ""
    size = say.points(margin, sign=False)
    said = {
        "equivalent": say(
            nl=f"Aangetoond is dat het verschil binnen de vooraf gestelde marge van {size} ligt, "
            "naar beide kanten.",
            en=f"The difference has been shown to lie within the margin of {size} that was set "
            "beforehand, either way.",
        ),
        "non_inferior": say(
            nl=f"Aangetoond is dat een toename kleiner is dan de vooraf gestelde marge van {size}.",
            en=f"Any increase has been shown to be smaller than the margin of {size} that was set "
            "beforehand.",
        ),
        "not_shown": say(
            nl=f"Dat een toename kleiner is dan de vooraf gestelde marge van {size}, is niet "
            "aangetoond.",
            en=f"That any increase is smaller than the margin of {size} that was set beforehand "
            "has not been shown.",
        ),
        "not_tested": say(
            nl=f"Aan de vooraf gestelde marge van {size} is niet te toetsen.",
            en=f"The margin of {size} that was set beforehand cannot be tested.",
        ),
    }
    return f" {said[found]}"


def _votes(say: Language, outcome: Outcome) -> str:
    """Answer how many votes the effect is, every vote counting the same."""
    study = outcome.study
    effect = main_effect(outcome, study.analysis.outcome, "ballot")
    found = verdict(effect.estimate, effect.ci_lower, effect.ci_upper)
    if found == "not_measured":
        return not_estimated(say, outcome, effect.note)
    cast = _rate(outcome, study.analysis.outcome)[1]
    extra, low, high = (v * cast for v in (effect.estimate, effect.ci_lower, effect.ci_upper))
    kind = say.pick(KINDS)[study.analysis.outcome]
    size, of = say.number(abs(extra)), say.number(cast)
    more = say(nl="meer", en="more") if extra >= 0 else say(nl="minder", en="fewer")
    about = say(
        nl=f"Ongeveer {size} {kind} {more} dan te verwachten was, van de {of} uitgebrachte stemmen",
        en=f"About {size} {more} {kind} than expected, of the {of} votes cast",
    )
    if found == "not_tested":
        return f"{about}."
    text = f"{about} ({signed_between(say, low, high)})"
    if found == "not_shown":
        return text + say(
            nl="; dat het er meer of minder zijn, is niet aangetoond.",
            en="; that there are more or fewer has not been shown.",
        )
    return f"{text}."


def signed_between(say: Language, lower: float, upper: float) -> str:
    """Return two whole numbers with their signs: ``+813 tot +1.460``."""
    word = say(nl="tot", en="to")
    return f"{say.number(lower, sign=True)} {word} {say.number(upper, sign=True)}"


def _national(say: Language, outcome: Outcome) -> str:
    """Answer what the effect would be for the whole country, as it is now."""
    learning = outcome.learning
    for f in learning.forecasts if learning else ():
        if (f.label, f.scale) == ("no_further_learning", "additive"):
            break
    else:
        return say(
            nl="Dat is met deze gegevens niet te berekenen.",
            en="This cannot be computed from these data.",
        )
    kind = say.pick(KINDS)[outcome.study.analysis.outcome]
    exact = [f.extra_votes(v) for v in (f.share_lower, f.share, f.share_upper)]
    low, extra, high = (round(votes, -2) for votes in exact)
    share, rate = say.percent(f.share), say.percent(f.control_rate)
    more = say(nl="meer", en="more") if extra >= 0 else say(nl="minder", en="fewer")
    size = say.number(abs(extra))
    ends = ""
    if not math.isnan(low + high):
        ends = f" ({signed_between(say, low, high)})"
    text = say(
        nl=f"Werkt het overal zoals nu in de experimentgemeenten, dan is het aandeel {share} in "
        f"plaats van {rate}: ongeveer {size} {kind} {more}{ends}; een rekenvoorbeeld.",
        en=f"If it works everywhere as it does now in the experiment municipalities, the share is "
        f"{share} instead of {rate}: about {size} {more} {kind}{ends}; an illustration.",
    )
    # A limit near zero may be rounded to it.
    if verdict(exact[1], exact[0], exact[2]) == "not_shown":
        text += say(
            nl=" Dat het er meer of minder zijn, is niet aangetoond.",
            en=" That there would be more or fewer has not been shown.",
        )
    return text


def _reading(say: Language, outcome: Outcome) -> str:
    """Say by which rule the answers are given."""
    level = level_text(say, outcome)
    return say(
        nl=f"Zo zijn deze antwoorden te lezen: tussen haakjes staat het {level}. *Meer*, *minder*, "
        "*langer* of *korter* staat er alleen als dat geen verschil uitsluit (bij enquêtes: als de "
        "p-waarde voor alle vragen samen klein genoeg is). *Geen verschil aangetoond* betekent "
        "niet dat er geen verschil is.",
        en=f"How to read these answers: the {level} stands in brackets. *More*, *less*, *longer* "
        "or *shorter* is said only if it rules out that there is no difference (for surveys: if "
        "the p-value for all questions together is small enough). *No difference shown* does not "
        "mean that there is none.",
    )
