"""The sentences of the report on surveys: chosen by rule from the results, never by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.formatting import (
    display_name,
)
from ballot_eval.questionnaire import Question, Questionnaire
from ballot_eval.reasons import told_reason
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.survey import answer_label, index, lead_outcome, outcome_rows
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.cells import COUNTED, TOTAL
from ballot_eval.topics.survey.comparisons import COMPARED, WITHIN
from ballot_eval.topics.survey.sample import CONTROL, EXPERIMENT

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome
    from ballot_eval.topics.survey import SurveyResults

NOT_ASKED = "Kiezers, stembureauleden en gemeenten zijn niet gevraagd."
NOT_MEASURED = "Dit is niet gemeten."

#: One who answers, and more of them, by survey.
PEOPLE = {
    "voter_survey": ("kiezer", "kiezers"),
    "station_survey": ("stembureaulid", "stembureauleden"),
    "municipality_survey": ("gemeente", "gemeenten"),
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
        "voters_experience_text": _experience,
        "staff_compared_text": _staff,
        "municipalities_compared_text": _municipalities,
    }
    questions = {"questions_text": _questions(say, outcome)}
    if not outcome.surveys:
        # The report shows the first; the text around the others is left out with them.
        return dict.fromkeys(texts, NOT_ASKED) | questions
    return {name: text(say, outcome) for name, text in texts.items()} | questions


def _questions(say: Language, outcome: Outcome) -> str:
    """Introduce the questions, as far as they were asked."""
    if not outcome.study.questionnaires:
        return NOT_ASKED
    limits = (
        "Naar de keuze van partij of kandidaat is niet gevraagd. Open antwoorden zijn niet "
        "verwerkt."
    )
    if not outcome.surveys:
        return f"Er zijn geen antwoorden op deze vragen. {limits}"
    return f"De vragen zoals zij zijn gesteld. {limits}"


def _survey(outcome: Outcome, table: str) -> SurveyResults | None:
    return next((s for s in outcome.surveys if s.questionnaire.table == table), None)


def _limits(say: Language, m: SurveyMeasure) -> str:
    limits = say.interval(m.ci_lower, m.ci_upper, 1, percent_sign=False, sign=True)
    return f"{limits} procentpunt"


def _quoted(question: Question) -> str:
    return f"‘{question.wording('nl')}’"


def _sample(say: Language, outcome: Outcome) -> str:
    """Say who answered, per survey, and who was not reached."""
    parts = []
    for survey in outcome.surveys:
        one, more = PEOPLE[survey.questionnaire.table]
        if survey.problem:
            why = told_reason(survey.problem, outcome.study.municipalities)
            parts.append(f"Van de antwoorden van {more} is niets te berekenen: {why}.")
            continue
        sizes = {m.group: m for m in survey.measures if m.quantity == "respondents"}
        counts = []
        for group, ballot in ((EXPERIMENT, "nieuwe"), (CONTROL, "oude")):
            m = sizes.get(group)
            if m is None:
                counts.append(f"geen met het {ballot} stembiljet")
            elif not m.hidden:
                people = f"{say.number(m.estimate)} {one if m.estimate == 1 else more}"
                counts.append(f"{people} met het {ballot} stembiljet")
        if counts:
            parts.append(f"Er zijn antwoorden van {say.listed(counts)}.")
        if survey.questionnaire.table == "voter_survey":
            parts.append(_refusals(say, survey))
    return " ".join(parts)


def _refusals(say: Language, survey: SurveyResults) -> str:
    """Say which share of the voters who were asked took no part, and what that means."""
    found = {m.group: m for m in survey.measures if m.quantity == "participation"}
    meaning = (
        "Wie niet meedeed, kan anders denken over het stembiljet; de gewichten vangen dat niet op "
        "en de intervallen houden er geen rekening mee."
    )
    shares = [
        f"{say.percent(1 - found[group].estimate, 0)} met het {ballot}"
        for group, ballot in ((EXPERIMENT, "nieuwe"), (CONTROL, "oude"))
        if group in found and not found[group].hidden
    ]
    if shares:
        said = f"deed {say.listed(shares)} stembiljet niet mee"
        return f"Van de kiezers die zijn aangesproken, {said}. {meaning}"
    if found:
        return f"Hoeveel kiezers niet meededen, is niet te tonen. {meaning}"
    return f"Hoeveel kiezers niet meededen, is niet opgeschreven. {meaning}"


def _weights(say: Language, outcome: Outcome) -> str:
    study = outcome.study
    text = (
        "Elke gemeente telt even zwaar. "
        if study.survey.weighting == "municipality"
        else "Een gemeente telt zo zwaar als zij kiezers heeft. "
    )
    text += (
        "Binnen een gemeente staat een geïnterviewde kiezer voor de kiezers van het eigen "
        "stembureau, gedeeld door de gesprekken daar."
    )
    names = [_question(outcome, m.question) for m in study.survey.margins]
    if names:
        text += (
            " De gewichten zijn aangepast aan wat over alle kiezers bekend is, voor de vraag "
            f"{say.listed(names)}."
        )
    missing = sorted({code for s in outcome.surveys for code in s.unweighted})
    if missing:
        places = say.listed(
            [display_name(study.municipalities.get(code, code)) for code in missing]
        )
        text += (
            f" In {places} is niet van elk stembureau bekend voor hoeveel mensen de antwoorden "
            "staan; daar telt elk antwoord even zwaar."
        )
    return text


def _question(outcome: Outcome, question_id: str) -> str:
    questionnaire = outcome.study.questionnaire("voter_survey")
    return _quoted(questionnaire.question(question_id)) if questionnaire else question_id


def _threshold(say: Language, outcome: Outcome) -> str:
    limit = say.count(outcome.study.survey.threshold)
    hidden = sum(m.hidden for m in outcome.results.survey)
    text = (
        f"Aantallen van minder dan {limit} antwoorden worden niet getoond, en ook niet wat zo'n "
        "aantal zou verraden: in tabellen staat dan ×."
    )
    if not hidden:
        text += " Dat was nergens nodig."
    return (
        f"{text} Hoeveel mensen een vraag niet beantwoordden, is wel af te leiden: dat zegt niet "
        "wat zij vinden."
    )


def _compared(outcome: Outcome, table: str) -> list[tuple[Question, str, SurveyMeasure]]:
    """Return the differences between the ballots that can be shown."""
    survey = _survey(outcome, table)
    if survey is None:
        return []
    found = index(survey.measures, outcome.study)
    return [
        (question, answer, m)
        for question, answer, m in outcome_rows(survey.questionnaire, found)
        if m is not None and math.isfinite(m.p_adjusted)
    ]


def _clear(outcome: Outcome, m: SurveyMeasure) -> bool:
    return m.p_adjusted < 1 - outcome.study.analysis.confidence_level


def _sentence(say: Language, question: Question, answer: str, m: SurveyMeasure) -> str:
    """Say one difference."""
    label = answer_label(say, question, answer)
    if not answer:
        low, high = say.number(m.ci_lower, 1, sign=True), say.number(m.ci_upper, 1, sign=True)
        size = f"gemiddeld {say.number(m.estimate, 1, sign=True)} ({low} tot {high})"
        return f"op {_quoted(question)} is het antwoord {size}"
    more = "meer" if m.estimate > 0 else "minder"
    size = say.points(abs(m.estimate), 1, sign=False)
    limits = _limits(say, m)
    return f"op {_quoted(question)} antwoordt {size} {more} ‘{label}’ (verschil {limits})"


def _differences(say: Language, outcome: Outcome, table: str) -> str:
    """Say which differences were found, and that they were looked for together."""
    found = _compared(outcome, table)
    if not found:
        return "Een vergelijking van de stembiljetten is met deze antwoorden niet te tonen."
    clear = [row for row in found if _clear(outcome, row[2])]
    if not clear and len(found) == 1:
        return (
            "Er is één vergelijking te tonen. Daarbij is geen verschil tussen het nieuwe en het "
            "oude stembiljet aangetoond."
        )
    if not clear:
        many = say.count(len(found))
        return (
            f"Van de {many} vergelijkingen die te tonen zijn, is bij geen een verschil tussen het "
            "nieuwe en het oude stembiljet aangetoond, als alle vragen samen worden genomen."
        )
    said = "; ".join(_sentence(say, *row) for row in clear)
    rest = len(found) - len(clear)
    text = f"Met het nieuwe stembiljet: {said}."
    if rest:
        which = "andere vergelijking" if rest == 1 else f"{say.count(rest)} andere"
        text += f" Bij de {which} die te tonen {'is' if rest == 1 else 'zijn'}, is geen verschil "
        text += "aangetoond."
    if len(found) == 1:
        return text
    return text + " De p-waarden gelden voor alle vragen samen."


def _answer(say: Language, outcome: Outcome) -> str:
    """Answer what voters think, for the summary: the first outcome, and their preference."""
    survey = _survey(outcome, "voter_survey")
    lead = lead_outcome(survey.questionnaire) if survey else None
    if survey is None or lead is None:
        return "Kiezers zijn niet gevraagd."
    found = index(survey.measures, outcome.study)
    new, old = (
        found.get(("share", lead.id, COUNTED, group, TOTAL, TOTAL))
        for group in (EXPERIMENT, CONTROL)
    )
    difference = found.get(("difference", lead.id, COUNTED, COMPARED, TOTAL, TOTAL))
    if new is None or math.isnan(new.estimate):
        return "Over kiezers is niets te tonen."
    label = answer_label(say, lead, COUNTED)
    text = f"Op {_quoted(lead)} zegt {say.percent(new.estimate, 0)} ‘{label}’"
    if old is not None and difference is not None and math.isfinite(difference.estimate):
        shown = "" if _clear(outcome, difference) else "; een verschil is niet aangetoond"
        text += (
            f"; met het oude stembiljet is dat {say.percent(old.estimate, 0)} (verschil "
            f"{_limits(say, difference)}{shown})"
        )
    preference = _preferences(say, outcome, survey.questionnaire)
    return f"{text}.{' ' + preference if preference else ''}"


def _voters(say: Language, outcome: Outcome) -> str:
    return _differences(say, outcome, "voter_survey")


def _preference(say: Language, outcome: Outcome) -> str:
    survey = _survey(outcome, "voter_survey")
    text = _preferences(say, outcome, survey.questionnaire) if survey else ""
    return text or NOT_MEASURED


def _preferences(say: Language, outcome: Outcome, questionnaire: Questionnaire) -> str:
    """Say the answers to the outcomes that only those with the new ballot were asked."""
    survey = _survey(outcome, questionnaire.table)
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
                limits = say.interval(m.ci_lower, m.ci_upper, 0)
                label = question.label(code, "nl")
                parts.append(f"{say.percent(m.estimate, 0)} ‘{label}’ ({limits})")
        if parts:
            said.append(f"Op {_quoted(question)} antwoordt {say.listed(parts)}.")
    return " ".join(said)


def _subgroups(say: Language, outcome: Outcome) -> str:
    survey = _survey(outcome, "voter_survey")
    lead = lead_outcome(survey.questionnaire) if survey else None
    if lead is None:
        return NOT_MEASURED
    return (
        f"Voor groepen kiezers geeft de tabel de antwoorden op {_quoted(lead)}; die op de andere "
        "vragen staan in `survey.csv`. De intervallen zijn er om naar te kijken: bij zoveel "
        "groepen valt er altijd wel een buiten nul."
    )


def _experience(say: Language, outcome: Outcome) -> str:
    survey = _survey(outcome, "voter_survey")
    found = [m for m in survey.measures if m.method == WITHIN] if survey else []
    tested = [m for m in found if math.isfinite(m.p_value)]
    if survey is None or not tested:
        return "Van kiezers die het nieuwe stembiljet eerder gebruikten, is niets te tonen."
    alpha = 1 - outcome.study.analysis.confidence_level
    clear = [m for m in tested if m.p_value < alpha / len(tested)]
    text = (
        "Vergeleken zijn kiezers die het nieuwe stembiljet eerder gebruikten met kiezers op "
        "hetzelfde stembureau die dat niet deden. "
    )
    if not clear:
        return text + "Bij geen vraag is een verschil aangetoond, alle vragen samen genomen."
    said = []
    for m in clear:
        question = survey.questionnaire.question(m.question)
        said.append(f"{_sentence(say, question, m.answer, m)}, p-waarde {say.p_value(m.p_value)}")
    which = "Dat verschil is" if len(clear) == 1 else "Die verschillen zijn"
    return (
        f"{text}Wie het eerder gebruikte: {'; '.join(said)}. {which} ook met alle "
        "vragen samen aangetoond. Zij zijn niet geloot: wie vaker stemt, kan ook om andere "
        "redenen anders antwoorden."
    )


def _staff(say: Language, outcome: Outcome) -> str:
    if _survey(outcome, "station_survey") is None:
        return "Stembureauleden zijn niet gevraagd."
    return _differences(say, outcome, "station_survey")


def _municipalities(say: Language, outcome: Outcome) -> str:
    survey = _survey(outcome, "municipality_survey")
    if survey is None:
        return "Gemeenten zijn niet gevraagd."
    shown = [m for m in survey.measures if m.question and not m.hidden and m.quantity == "share"]
    sizes = [m for m in survey.measures if m.quantity == "respondents" and not m.hidden]
    total = say.municipalities(int(sum(m.estimate for m in sizes)))
    if not shown:
        return (
            f"Er zijn antwoorden van {total}. Dat zijn er te weinig om aandelen te tonen zonder "
            "dat te zien is wat één gemeente antwoordde."
        )
    return f"Er zijn antwoorden van {total}. {_differences(say, outcome, 'municipality_survey')}"
