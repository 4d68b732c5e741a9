"""Results of surveys as Markdown tables for the report."""

from __future__ import annotations

import math
import re
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

BALLOTS = {
    "nl": {EXPERIMENT: "nieuw", CONTROL: "oud"},
    "en": {EXPERIMENT: "new", CONTROL: "old"},
}
SURVEYS = {
    "nl": {
        "voter_survey": "kiezers",
        "station_survey": "stembureauleden",
        "municipality_survey": "gemeenten",
    },
    "en": {
        "voter_survey": "voters",
        "station_survey": "polling station members",
        "municipality_survey": "municipalities",
    },
}

#: Headers of columns that several tables have.
QUESTION = {"nl": "Vraag", "en": "Question"}
ANSWER = {"nl": "Antwoord", "en": "Answer"}
BALLOT = {"nl": "Biljet", "en": "Ballot"}
NEW_OLD = {"nl": ("Nieuw", "Oud"), "en": ("New", "Old")}
DIFFERENCE = {"nl": "Verschil (interval)", "en": "Difference (interval)"}
P_VALUE = {"nl": "p-waarde", "en": "p-value"}

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
    for table, name in say.pick(SURVEYS).items():
        for group, ballot in say.pick(BALLOTS).items():
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
    header = {
        "nl": (
            *("Gevraagd aan", "Biljet", "Gemeenten", "Stembureaus", "Antwoorden", "Deed mee"),
            *("Effectief door gewichten", "Effectief bij eerste uitkomst"),
        ),
        "en": (
            *(
                "Group asked",
                "Ballot",
                "Municipalities",
                "Polling stations",
                "Answers",
                "Took part",
            ),
            *("Effective by weights", "Effective for first outcome"),
        ),
    }
    return pipe_table(say.pick(header), rows, "llrrrrrr")


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
        return say(nl="gemiddelde", en="mean")
    codes = question.counted if answer == COUNTED else (answer,)
    first, *others = (question.label(code, say.code) for code in codes)
    return _or(say, [first, *map(lowered, others)])


def _or(say: Language, items: Sequence[str]) -> str:
    return say(nl=" of ", en=" or ").join(items)


def lowered(label: str) -> str:
    """Return a label as it stands within a sentence; ``I`` and abbreviations keep their capital."""
    return label if re.match(r"I\b|[A-Z]{2}", label) else label[0].lower() + label[1:]


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
                question.wording(say.code),
                answer_label(say, question, answer),
                *cells,
                _difference(say, difference, mean=not answer),
                _p(say, difference),
            ]
        )
    header = [say.pick(QUESTION), say.pick(ANSWER), *say.pick(NEW_OLD)]
    header += [say.pick(DIFFERENCE), say.pick(P_VALUE)]
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
        estimate, low, high = (
            say.number(value, 1, sign=True) for value in (m.estimate, m.ci_lower, m.ci_upper)
        )
        return say(nl=f"{estimate} ({low} tot {high})", en=f"{estimate} ({low} to {high})")
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
            name = question.wording(say.code) if number_ == 0 else ""
            rows.append(
                [name, question.label(code, say.code), *cells, _difference(say, difference)]
            )
    header = [say(nl="Groep", en="Group"), say.pick(ANSWER), *say.pick(NEW_OLD)]
    header += [say.pick(DIFFERENCE)]
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
            rows.append([question.wording(say.code), label, *cells])
    header = [say.pick(terms) for terms in (QUESTION, ANSWER, DIFFERENCE, P_VALUE)]
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
        for group, ballot in say.pick(BALLOTS).items():
            m = found.get((question.id, group, "answered"))
            if m is None:
                continue
            asked = HIDDEN if math.isnan(m.n) else say.number(m.n)
            answers = (question.dont_know, question.refused, "no_answer")
            others = [found.get((question.id, group, str(answer))) for answer in answers]
            cells = [_number(say, one) for one in (m, *others)]
            name = question.wording(say.code)
            rows.append(["" if rows and rows[-1][0] == name else name, ballot, asked, *cells])
    header = {
        "nl": ("Gevraagd", "Antwoord", "Weet niet", "Wil niet zeggen", "Leeg"),
        "en": ("Asked", "Answer", "Don’t know", "Prefers not to say", "Empty"),
    }
    every = [say.pick(QUESTION), say.pick(BALLOT), *say.pick(header)]
    return pipe_table(every, rows, "llrrrrr")


def _number(say: Language, m: SurveyMeasure | None) -> str:
    if m is None:
        return NO_NUMBER
    return HIDDEN if m.hidden else say.number(m.count)


def questions(say: Language, questionnaire: Questionnaire) -> str:
    """Return the questions as they were asked, with their answers and to whom."""
    rows = [
        [q.wording(say.code), _answers(say, q), _asked(say, questionnaire, q)]
        for q in questionnaire.questions
    ]
    header = {
        "nl": ("Vraag", "Antwoorden", "Gesteld aan"),
        "en": ("Question", "Answers", "Asked of"),
    }
    return pipe_table(say.pick(header), rows, "lll")


def _answers(say: Language, question: Question) -> str:
    """Return what could be answered to a question."""
    answers = "; ".join(question.label(code, say.code) for code in question.codes)
    if question.scale == "multiple":
        answers += say(nl=" (meer antwoorden mogelijk)", en=" (several answers possible)")
    elif question.scale == "number":
        low, high = (say.number(end or 0) for end in (question.minimum, question.maximum))
        answers = say(nl=f"getal van {low} tot {high}", en=f"number from {low} to {high}")
    elif question.scale == "open":
        answers = say(
            nl="open vraag; de antwoorden staan niet in dit rapport",
            en="open question; the answers are not in this report",
        )
    if missing := [lowered(question.label(code, say.code)) for code in question.missing_codes]:
        answers += f"; {say(nl='of', en='or')}: {', '.join(missing)}"
    return answers


def _asked(say: Language, questionnaire: Questionnaire, question: Question) -> str:
    """Return to whom a question was put."""
    when = question.asked_when
    if when is None:
        return say(nl="iedereen", en="everyone")
    if when.question == "ballot":
        names = {"nl": {"new": "nieuwe", "old": "oude"}, "en": {"new": "new", "old": "old"}}
        ballots = _or(say, [say.pick(names)[answer] for answer in when.answers])
        return say(
            nl=f"wie het {ballots} stembiljet had", en=f"those with the {ballots} ballot paper"
        )
    gate = questionnaire.question(when.question)
    labels = _or(say, [lowered(gate.label(code, say.code)) for code in when.answers])
    asked = gate.wording(say.code)
    return say(nl=f"wie ‘{labels}’ zei op: {asked}", en=f"those who said ‘{labels}’ to: {asked}")


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
