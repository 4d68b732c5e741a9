"""The sentences of the report on surveys: chosen by rule from the results, never by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import display_name
from ballot_eval.questionnaire import Questionnaire
from ballot_eval.reasons import told_reason
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.survey import answer_label, index, lead_outcome
from ballot_eval.reporting.wording.survey_differences import (
    differences,
    experience,
    is_clear,
    quoted,
    survey_of,
)
from ballot_eval.topics.survey.cells import COUNTED, TOTAL
from ballot_eval.topics.survey.comparisons import COMPARED
from ballot_eval.topics.survey.sample import CONTROL, EXPERIMENT

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome
    from ballot_eval.topics.survey import SurveyResults

NOT_ASKED = {
    "nl": "Kiezers, stembureauleden en gemeenten zijn niet gevraagd.",
    "en": "Voters, polling station members and municipalities were not asked.",
}
NOT_MEASURED = {"nl": "Dit is niet gemeten.", "en": "This was not measured."}

#: One who answers, and more of them, by survey.
PEOPLE = {
    "nl": {
        "voter_survey": ("kiezer", "kiezers"),
        "station_survey": ("stembureaulid", "stembureauleden"),
        "municipality_survey": ("gemeente", "gemeenten"),
    },
    "en": {
        "voter_survey": ("voter", "voters"),
        "station_survey": ("polling station member", "polling station members"),
        "municipality_survey": ("municipality", "municipalities"),
    },
}

#: Which ballot paper those of a group had.
BALLOTS = {
    "nl": {EXPERIMENT: "nieuwe", CONTROL: "oude"},
    "en": {EXPERIMENT: "new", CONTROL: "old"},
}


def survey_sentences(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the sentences by the name that the report refers to."""
    texts = {
        "survey_answer_text": _answer,
        "survey_sample_text": _sample,
        "survey_weights_text": _weights,
        "survey_threshold_text": _threshold,
        "voters_compared_text": _voters,
        "voters_preference_text": _preference,
        "voters_subgroups_text": _subgroups,
        "voters_experience_text": experience,
        "staff_compared_text": _staff,
        "municipalities_compared_text": _municipalities,
    }
    questions = {"questions_text": _questions(say, outcome)}
    if not outcome.surveys:
        # The report shows the first; the text around the others is left out with them.
        return dict.fromkeys(texts, say.pick(NOT_ASKED)) | questions
    return {name: text(say, outcome) for name, text in texts.items()} | questions


def _questions(say: Language, outcome: Outcome) -> str:
    """Introduce the questions, as far as they were asked."""
    if not outcome.study.questionnaires:
        return say.pick(NOT_ASKED)
    left_out = say(
        nl="Naar de keuze van partij of kandidaat is niet gevraagd. Open antwoorden zijn niet "
        "verwerkt.",
        en="No one was asked which party or candidate they chose. Open answers were not processed.",
    )
    if not outcome.surveys:
        none = say(
            nl="Er zijn geen antwoorden op deze vragen.",
            en="There are no answers to these questions.",
        )
        return f"{none} {left_out}"
    # The questionnaires have an English wording, but it may not be the one that was put to people.
    asked = say(
        nl="De vragen zoals zij zijn gesteld.", en="The questions that were asked, in English."
    )
    return f"{asked} {left_out}"


def _sample(say: Language, outcome: Outcome) -> str:
    """Say who answered, per survey, and who was not reached."""
    parts = []
    for survey in outcome.surveys:
        if survey.problem:
            _, more = say.pick(PEOPLE)[survey.questionnaire.table]
            why = told_reason(survey.problem, outcome.study.municipalities, language=say.code)
            parts.append(
                say(
                    nl=f"Van de antwoorden van {more} is niets te berekenen: {why}.",
                    en=f"Nothing can be computed from the answers of {more}: {why}.",
                )
            )
            continue
        counts = _respondents(say, survey)
        if counts:
            who = say.listed(counts)
            parts.append(say(nl=f"Er zijn antwoorden van {who}.", en=f"Answers came from {who}."))
        if survey.questionnaire.table == "voter_survey":
            parts.append(_refusals(say, survey))
    return " ".join(parts)


def _respondents(say: Language, survey: SurveyResults) -> list[str]:
    """Return how many answered with either ballot, as far as that may be shown."""
    one, more = say.pick(PEOPLE)[survey.questionnaire.table]
    sizes = {m.group: m for m in survey.measures if m.quantity == "respondents"}
    counts = []
    for group, ballot in say.pick(BALLOTS).items():
        m = sizes.get(group)
        if m is not None and m.hidden:
            continue
        if m is None:
            people = say(nl="geen", en=f"no {more}")
        else:
            people = f"{say.number(m.estimate)} {one if m.estimate == 1 else more}"
        counts.append(
            say(
                nl=f"{people} met het {ballot} stembiljet",
                en=f"{people} with the {ballot} ballot paper",
            )
        )
    return counts


def _refusals(say: Language, survey: SurveyResults) -> str:
    """Say which share of the voters who were asked took no part, and what that means."""
    found = {m.group: m for m in survey.measures if m.quantity == "participation"}
    meaning = say(
        nl="Wie niet meedeed, kan anders denken over het stembiljet; de gewichten vangen dat niet "
        "op en de intervallen houden er geen rekening mee.",
        en="Those who did not take part may think differently about the ballot paper; the weights "
        "do not correct for that and the intervals do not allow for it.",
    )
    shares = []
    for group, ballot in say.pick(BALLOTS).items():
        if group in found and not found[group].hidden:
            share = say.percent(1 - found[group].estimate, 0)
            shares.append(
                say(nl=f"{share} met het {ballot}", en=f"{share} of those with the {ballot}")
            )
    if shares:
        who = say.listed(shares)
        said = say(
            nl=f"Van de kiezers die zijn aangesproken, deed {who} stembiljet niet mee.",
            en=f"Of the voters who were approached, {who} ballot paper did not take part.",
        )
    elif found:
        said = say(
            nl="Hoeveel kiezers niet meededen, is niet te tonen.",
            en="How many voters did not take part cannot be shown.",
        )
    else:
        said = say(
            nl="Hoeveel kiezers niet meededen, is niet opgeschreven.",
            en="How many voters did not take part was not recorded.",
        )
    return f"{said} {meaning}"


def _weights(say: Language, outcome: Outcome) -> str:
    study = outcome.study
    parts = [
        say(nl="Elke gemeente telt even zwaar.", en="Every municipality counts equally.")
        if study.survey.weighting == "municipality"
        else say(
            nl="Een gemeente telt zo zwaar als zij kiezers heeft.",
            en="A municipality counts in proportion to its voters.",
        ),
        say(
            nl="Binnen een gemeente staat een geïnterviewde kiezer voor de kiezers van het eigen "
            "stembureau, gedeeld door de gesprekken daar.",
            en="Within a municipality, an interviewed voter stands for the voters of their own "
            "polling station, divided by the number of interviews there.",
        ),
    ]
    if names := [_margin(say, outcome, m.question) for m in study.survey.margins]:
        which = say.listed(names)
        parts.append(
            say(
                nl="De gewichten zijn aangepast aan wat over alle kiezers bekend is, voor de vraag "
                f"{which}.",
                en="The weights have been adjusted to what is known about all voters, for the "
                f"{'question' if len(names) == 1 else 'questions'} {which}.",
            )
        )
    if missing := sorted({code for s in outcome.surveys for code in s.unweighted}):
        places = say.listed(
            [display_name(study.municipalities.get(code, code)) for code in missing]
        )
        parts.append(
            say(
                nl=f"In {places} is niet van elk stembureau bekend voor hoeveel mensen de "
                "antwoorden staan; daar telt elk antwoord even zwaar.",
                en=f"In {places}, it is not known for every polling station how many people the "
                "answers stand for; there, every answer counts equally.",
            )
        )
    return " ".join(parts)


def _margin(say: Language, outcome: Outcome, question_id: str) -> str:
    questionnaire = outcome.study.questionnaire("voter_survey")
    return quoted(say, questionnaire.question(question_id)) if questionnaire else question_id


def _threshold(say: Language, outcome: Outcome) -> str:
    limit = say.count(outcome.study.survey.threshold)
    parts = [
        say(
            nl=f"Aantallen van minder dan {limit} antwoorden worden niet getoond, en ook niet wat "
            "zo'n aantal zou verraden: in tabellen staat dan ×.",
            en=f"Counts of fewer than {limit} answers are not shown, nor is anything that would "
            "give such a count away: tables show × instead.",
        )
    ]
    if not any(m.hidden for m in outcome.results.survey):
        parts.append(say(nl="Dat was nergens nodig.", en="This was not needed anywhere."))
    parts.append(
        say(
            nl="Hoeveel mensen een vraag niet beantwoordden, is wel af te leiden: dat zegt niet "
            "wat zij vinden.",
            en="How many people did not answer a question can still be worked out: that does not "
            "tell what they think.",
        )
    )
    return " ".join(parts)


def _answer(say: Language, outcome: Outcome) -> str:
    """Answer what voters think, for the summary: the first outcome, and their preference."""
    survey = survey_of(outcome, "voter_survey")
    lead = lead_outcome(survey.questionnaire) if survey else None
    if survey is None or lead is None:
        return say(nl="Kiezers zijn niet gevraagd.", en="Voters were not asked.")
    found = index(survey.measures, outcome.study)
    new, old = (
        found.get(("share", lead.id, COUNTED, group, TOTAL, TOTAL))
        for group in (EXPERIMENT, CONTROL)
    )
    difference = found.get(("difference", lead.id, COUNTED, COMPARED, TOTAL, TOTAL))
    if new is None or math.isnan(new.estimate):
        return say(nl="Over kiezers is niets te tonen.", en="Nothing can be shown about voters.")
    question, label = quoted(say, lead), answer_label(say, lead, COUNTED)
    share = say.percent(new.estimate, 0)
    text = say(
        nl=f"Op {question} zegt {share} ‘{label}’", en=f"To {question}, {share} answer ‘{label}’"
    )
    if old is not None and difference is not None and math.isfinite(difference.estimate):
        before, size = say.percent(old.estimate, 0), say.limits(difference, 1)
        shown = say(nl="; een verschil is niet aangetoond", en="; no difference is shown")
        if is_clear(outcome, difference):
            shown = ""
        text += say(
            nl=f"; met het oude stembiljet is dat {before} (verschil {size}{shown})",
            en=f"; with the old ballot paper it is {before} (difference {size}{shown})",
        )
    preference = _preferences(say, outcome, survey.questionnaire)
    return f"{text}.{' ' + preference if preference else ''}"


def _voters(say: Language, outcome: Outcome) -> str:
    return differences(say, outcome, "voter_survey")


def _preference(say: Language, outcome: Outcome) -> str:
    survey = survey_of(outcome, "voter_survey")
    text = _preferences(say, outcome, survey.questionnaire) if survey else ""
    return text or say.pick(NOT_MEASURED)


def _preferences(say: Language, outcome: Outcome, questionnaire: Questionnaire) -> str:
    """Say the answers to the outcomes that only those with the new ballot were asked."""
    survey = survey_of(outcome, questionnaire.table)
    found = index(survey.measures, outcome.study) if survey else {}
    said = []
    for question in questionnaire.outcomes:
        when = question.asked_when
        if when is None or when.question != "ballot" or not question.counted:
            continue
        parts = []
        for code in question.codes:
            m = found.get(("share", question.id, code, EXPERIMENT, TOTAL, TOTAL))
            if m is not None and math.isfinite(m.estimate):
                interval = say.interval(m.ci_lower, m.ci_upper, 0)
                label = question.label(code, say.code)
                parts.append(f"{say.percent(m.estimate, 0)} ‘{label}’ ({interval})")
        if parts:
            asked, answers = quoted(say, question), say.listed(parts)
            said.append(
                say(nl=f"Op {asked} antwoordt {answers}.", en=f"The answers to {asked}: {answers}.")
            )
    return " ".join(said)


def _subgroups(say: Language, outcome: Outcome) -> str:
    survey = survey_of(outcome, "voter_survey")
    lead = lead_outcome(survey.questionnaire) if survey else None
    if lead is None:
        return say.pick(NOT_MEASURED)
    question = quoted(say, lead)
    return say(
        nl=f"Voor groepen kiezers geeft de tabel de antwoorden op {question}; die op de andere "
        "vragen staan in `survey.csv`. De intervallen zijn er om naar te kijken: bij zoveel "
        "groepen kan er ook door toeval een zijn dat nul niet bevat.",
        en=f"For groups of voters, the table gives the answers to {question}; those to the other "
        "questions are in `survey.csv`. The intervals are for orientation: with so many groups, "
        "one may exclude zero by chance alone.",
    )


def _staff(say: Language, outcome: Outcome) -> str:
    if survey_of(outcome, "station_survey") is None:
        return say(
            nl="Stembureauleden zijn niet gevraagd.", en="Polling station members were not asked."
        )
    return differences(say, outcome, "station_survey")


def _municipalities(say: Language, outcome: Outcome) -> str:
    survey = survey_of(outcome, "municipality_survey")
    if survey is None:
        return say(nl="Gemeenten zijn niet gevraagd.", en="Municipalities were not asked.")
    shown = [m for m in survey.measures if m.question and not m.hidden and m.quantity == "share"]
    sizes = [m for m in survey.measures if m.quantity == "respondents" and not m.hidden]
    total = say.municipalities(int(sum(m.estimate for m in sizes)))
    answered = say(nl=f"Er zijn antwoorden van {total}.", en=f"Answers came from {total}.")
    if not shown:
        few = say(
            nl="Dat zijn er te weinig om aandelen te tonen zonder dat te zien is wat één gemeente "
            "antwoordde.",
            en="These are too few to show shares without revealing what a single municipality "
            "answered.",
        )
        return f"{answered} {few}"
    return f"{answered} {differences(say, outcome, 'municipality_survey')}"
