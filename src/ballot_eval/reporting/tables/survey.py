"""Results of surveys as Markdown tables for the report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ballot_eval.design import StudyDesign
from ballot_eval.questionnaire import Question, Questionnaire
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.pipe import NO_NUMBER, pipe_table
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.cells import COUNTED, TOTAL
from ballot_eval.topics.survey.comparisons import COMPARED, WITHIN
from ballot_eval.topics.survey.numbers import MUNICIPALITIES
from ballot_eval.topics.survey.sample import CONTROL, EXPERIMENT, GROUPS

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome

#: What stands for a number that is left out for the respondents' sake.
HIDDEN = "×"

BALLOTS = {EXPERIMENT: "nieuw", CONTROL: "oud"}
SURVEYS = {
    "voter_survey": "kiezers",
    "station_survey": "stembureauleden",
    "municipality_survey": "gemeenten",
}

#: Measures by quantity, question, answer, group, breakdown and level.
Key = tuple[str, str, str, str, str, str]


def index(items: Sequence[SurveyMeasure], study: StudyDesign) -> dict[Key, SurveyMeasure]:
    """Return the measures that the report shows: by the plan's weights, municipalities compared."""
    own = study.survey.weighting
    return {
        (m.quantity, m.question, m.answer, m.group, m.breakdown, m.level): m
        for m in items
        if m.weighting in ("", own) and (m.group != COMPARED or m.method == MUNICIPALITIES)
    }


def response(say: Language, items: Sequence[SurveyMeasure], study: StudyDesign) -> str:
    """Return who took part, by survey and ballot, and how many answers that is worth.

    As many answers of equal weight, or of people drawn one by one, would be as precise: by the
    weights alone, and for the first outcome by weights and clusters.
    """
    found = {(m.table, m.group, m.quantity): m for m in items if not m.question}
    rows = []
    for table, name in SURVEYS.items():
        for group, ballot in BALLOTS.items():
            if (table, group, "respondents") not in found:
                continue
            cells = [
                _count(say, found.get((table, group, quantity)))
                for quantity in ("municipalities", "polling_stations", "respondents")
            ]
            if table == "municipality_survey":
                cells[1] = NO_NUMBER
            took = found.get((table, group, "participation"))
            share = NO_NUMBER if took is None else _share(say, took)
            by_weights = _count(say, found.get((table, group, "effective_respondents")))
            in_all = _effective(say, [m for m in items if m.table == table], table, group, study)
            rows.append([name, ballot, *cells, share, by_weights, in_all])
    header = ["Gevraagd aan", "Biljet", "Gemeenten", "Stembureaus", "Antwoorden", "Deed mee"]
    header += ["Effectief door gewichten", "Effectief bij eerste uitkomst"]
    return pipe_table(header, rows, "llrrrrrr")


def _effective(
    say: Language, items: Sequence[SurveyMeasure], table: str, group: str, study: StudyDesign
) -> str:
    """Return the respondents over the design effect, of the first outcome of a survey."""
    questionnaire = study.questionnaire(table)
    lead = lead_outcome(questionnaire) if questionnaire else None
    if lead is None:
        return NO_NUMBER
    m = index(items, study).get(("share", lead.id, COUNTED, group, TOTAL, TOTAL))
    if m is not None and m.hidden:
        return HIDDEN
    # An answer that everyone or nobody gave has no design effect.
    return say.number(m.n / m.design_effect) if m is not None and m.design_effect > 0 else NO_NUMBER


def _count(say: Language, m: SurveyMeasure | None) -> str:
    if m is None:
        return NO_NUMBER
    return HIDDEN if m.hidden else say.number(m.estimate)


def _share(say: Language, m: SurveyMeasure) -> str:
    return HIDDEN if m.hidden else say.percent(m.estimate, 0)


def outcome_rows(
    questionnaire: Questionnaire, found: dict[Key, SurveyMeasure]
) -> Iterator[tuple[Question, str, SurveyMeasure | None]]:
    """Yield the outcomes with the answer that is reported, and the difference if there is one."""
    for question in questionnaire.outcomes:
        answers = question.codes if question.scale == "multiple" else (COUNTED,)
        if question.scale == "number":
            answers = ("",)
        elif question.scale != "multiple" and not question.counted:
            continue
        for answer in answers:
            quantity = "difference" if answer else "difference_mean"
            key = (quantity, question.id, answer, COMPARED, TOTAL, TOTAL)
            yield question, answer, found.get(key)


def answer_label(say: Language, question: Question, answer: str) -> str:
    """Return what is counted: an answer, the counted answers together, or the mean."""
    if not answer:
        return "gemiddelde"
    codes = question.counted if answer == COUNTED else (answer,)
    labels = [question.label(code, "nl") for code in codes]
    return " of ".join([labels[0], *(label[0].lower() + label[1:] for label in labels[1:])])


def outcomes(
    say: Language, items: Sequence[SurveyMeasure], questionnaire: Questionnaire, study: StudyDesign
) -> str:
    """Return the outcomes with the new and the old ballot, and their difference."""
    found = index([m for m in items if m.table == questionnaire.table], study)
    rows = []
    for question, answer, difference in outcome_rows(questionnaire, found):
        quantity = "share" if answer else "mean"
        cells = []
        for group in GROUPS:
            m = found.get((quantity, question.id, answer, group, TOTAL, TOTAL))
            cells.append(_estimate(say, m, mean=not answer))
        rows.append(
            [
                question.wording("nl"),
                answer_label(say, question, answer),
                *cells,
                _difference(say, difference, mean=not answer),
                _p(say, difference),
            ]
        )
    header = ["Vraag", "Antwoord", "Nieuw", "Oud", "Verschil (interval)", "p-waarde"]
    return pipe_table(header, rows, "llrrrr")


def _estimate(say: Language, m: SurveyMeasure | None, *, mean: bool = False) -> str:
    if m is None or (math.isnan(m.estimate) and not m.hidden):
        return NO_NUMBER
    if m.hidden:
        return HIDDEN
    return say.number(m.estimate, 1) if mean else say.percent(m.estimate, 0)


def _difference(say: Language, m: SurveyMeasure | None, *, mean: bool = False) -> str:
    if m is None or (math.isnan(m.estimate) and not m.hidden):
        return NO_NUMBER
    if m.hidden:
        return HIDDEN
    if mean:
        low, high = say.number(m.ci_lower, 1, sign=True), say.number(m.ci_upper, 1, sign=True)
        return f"{say.number(m.estimate, 1, sign=True)} ({low} tot {high})"
    limits = say.interval(m.ci_lower, m.ci_upper, 1, percent_sign=False, sign=True)
    return f"{say.points(m.estimate, 1, unit=False)} ({limits})"


def _p(say: Language, m: SurveyMeasure | None) -> str:
    if m is None or m.hidden or math.isnan(m.p_adjusted):
        return NO_NUMBER
    return say.p_value(m.p_adjusted)


def subgroups(
    say: Language, items: Sequence[SurveyMeasure], questionnaire: Questionnaire, study: StudyDesign
) -> str:
    """Return the first outcome by subgroup, with the new and the old ballot."""
    found = index([m for m in items if m.table == questionnaire.table], study)
    lead = lead_outcome(questionnaire)
    rows = []
    for question in questionnaire.subgroups:
        if lead is None:
            break
        for number_, code in enumerate(question.codes):
            cells = [
                _estimate(say, found.get(("share", lead.id, COUNTED, group, question.id, code)))
                for group in GROUPS
            ]
            difference = found.get(("difference", lead.id, COUNTED, COMPARED, question.id, code))
            name = question.wording("nl") if number_ == 0 else ""
            rows.append([name, question.label(code, "nl"), *cells, _difference(say, difference)])
    header = ["Groep", "Antwoord", "Nieuw", "Oud", "Verschil (interval)"]
    return pipe_table(header, rows, "llrrr")


def lead_outcome(questionnaire: Questionnaire) -> Question | None:
    """Return the first outcome of which a share is reported."""
    return next((q for q in questionnaire.outcomes if q.counted and q.scale != "multiple"), None)


def experience(say: Language, items: Sequence[SurveyMeasure], questionnaire: Questionnaire) -> str:
    """Return what those who used the new ballot before answer, less the others at one station."""
    found = {m.question: m for m in items if m.table == questionnaire.table and m.method == WITHIN}
    rows = []
    for question in questionnaire.outcomes:
        m = found.get(question.id)
        if m is not None:
            number_ = question.scale == "number"
            label = answer_label(say, question, "" if number_ else COUNTED)
            p = NO_NUMBER if m.hidden or math.isnan(m.p_value) else say.p_value(m.p_value)
            cells = [_difference(say, m, mean=number_), p]
            rows.append([question.wording("nl"), label, *cells])
    header = ["Vraag", "Antwoord", "Verschil (interval)", "p-waarde"]
    return pipe_table(header, rows, "llrr")


def item_response(
    say: Language, items: Sequence[SurveyMeasure], questionnaire: Questionnaire
) -> str:
    """Return per question and ballot how many were asked, and what became of it."""
    found = {
        (m.question, m.group, m.answer): m
        for m in items
        if m.table == questionnaire.table and m.quantity == "response"
    }
    rows: list[list[str]] = []
    for question in questionnaire.questions:
        for group, ballot in BALLOTS.items():
            m = found.get((question.id, group, "answered"))
            if m is None:
                continue
            asked = HIDDEN if math.isnan(m.n) else say.number(m.n)
            answers = (question.dont_know, question.refused, "no_answer")
            others = [found.get((question.id, group, str(answer))) for answer in answers]
            cells = [_number(say, one) for one in (m, *others)]
            name = "" if rows and rows[-1][0] == question.wording("nl") else question.wording("nl")
            rows.append([name, ballot, asked, *cells])
    header = ["Vraag", "Biljet", "Gevraagd", "Antwoord", "Weet niet", "Wil niet zeggen", "Leeg"]
    return pipe_table(header, rows, "llrrrrr")


def _number(say: Language, m: SurveyMeasure | None) -> str:
    if m is None:
        return NO_NUMBER
    return HIDDEN if m.hidden else say.number(m.count)


def questions(say: Language, questionnaire: Questionnaire) -> str:
    """Return the questions as they were asked, with their answers and to whom."""
    rows = []
    for question in questionnaire.questions:
        answers = "; ".join(question.label(code, "nl") for code in question.codes)
        if question.scale == "multiple":
            answers += " (meer antwoorden mogelijk)"
        elif question.scale == "number":
            answers = f"getal van {say.number(question.minimum or 0)} tot {say.number(question.maximum or 0)}"
        elif question.scale == "open":
            answers = "open vraag; de antwoorden staan niet in dit rapport"
        missing = [question.label(code, "nl").lower() for code in question.missing_codes]
        if missing:
            answers += f"; of: {', '.join(missing)}"
        rows.append([question.wording("nl"), answers, _asked(say, questionnaire, question)])
    return pipe_table(["Vraag", "Antwoorden", "Gesteld aan"], rows, "lll")


def _asked(say: Language, questionnaire: Questionnaire, question: Question) -> str:
    when = question.asked_when
    if when is None:
        return "iedereen"
    if when.question == "ballot":
        ballots = " of ".join({"new": "nieuwe", "old": "oude"}[a] for a in when.answers)
        return f"wie het {ballots} stembiljet had"
    gate = questionnaire.question(when.question)
    labels = " of ".join(gate.label(code, "nl").lower() for code in when.answers)
    return f"wie ‘{labels}’ zei op: {gate.wording('nl')}"


def survey_tables(say: Language, outcome: Outcome) -> dict[str, str]:
    """Return the tables of surveys, those that there are results for."""
    study, every = outcome.study, outcome.results.survey
    made: dict[str, str] = {}
    for questionnaire in study.questionnaires:
        name = questionnaire.table.removesuffix("_survey")
        made[f"{name}_questions"] = questions(say, questionnaire)
        items = [m for m in every if m.table == questionnaire.table]
        if not items:
            continue
        made["survey_response"] = response(say, every, study)
        made[f"{name}_outcomes"] = outcomes(say, items, questionnaire, study)
        made[f"{name}_item_response"] = item_response(say, items, questionnaire)
        if name == "voter":
            made["voter_subgroups"] = subgroups(say, items, questionnaire, study)
            made["voter_experience"] = experience(say, items, questionnaire)
    return made
