"""The sentences on differences in the answers to a survey."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ballot_eval.questionnaire import Question
from ballot_eval.reporting.language import Language
from ballot_eval.reporting.tables.survey import answer_label, index, outcome_rows
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey.comparisons import WITHIN

if TYPE_CHECKING:
    from ballot_eval.evaluation import Outcome
    from ballot_eval.topics.survey import SurveyResults


def survey_of(outcome: Outcome, table: str) -> SurveyResults | None:
    """Return the results of the survey of a raw table; None when there are none."""
    return next((s for s in outcome.surveys if s.questionnaire.table == table), None)


def quoted(say: Language, question: Question) -> str:
    """Return a question between quotation marks."""
    return f"‘{question.wording(say.code)}’"


def is_clear(outcome: Outcome, m: SurveyMeasure) -> bool:
    """Return whether a difference is shown, all questions of the survey together."""
    return m.p_adjusted < 1 - outcome.study.analysis.confidence_level


def differences(say: Language, outcome: Outcome, table: str) -> str:
    """Say which differences were found, and that they were looked for together."""
    found = _compared(outcome, table)
    if not found:
        return say(
            nl="Een vergelijking van de stembiljetten is met deze antwoorden niet te tonen.",
            en="A comparison of the ballot papers cannot be shown with these answers.",
        )
    clear = [row for row in found if is_clear(outcome, row[2])]
    if not clear:
        return _none(say, len(found))
    said = "; ".join(_sentence(say, *row) for row in clear)
    parts = [
        say(nl=f"Met het nieuwe stembiljet: {said}.", en=f"With the new ballot paper: {said}.")
    ]
    if rest := len(found) - len(clear):
        parts.append(_others(say, rest))
    if len(found) > 1:
        parts.append(
            say(
                nl="De p-waarden gelden voor alle vragen samen.",
                en="The p-values are for all questions together.",
            )
        )
    return " ".join(parts)


def _compared(outcome: Outcome, table: str) -> list[tuple[Question, str, SurveyMeasure]]:
    """Return the differences between the ballots that can be shown."""
    survey = survey_of(outcome, table)
    if survey is None:
        return []
    found = index(survey.measures, outcome.study)
    return [
        (question, answer, m)
        for question, answer, m in outcome_rows(survey.questionnaire, found)
        if m is not None and math.isfinite(m.p_adjusted)
    ]


def _none(say: Language, count: int) -> str:
    """Say that no comparison demonstrates a difference."""
    if count == 1:
        return say(
            nl="Er is één vergelijking te tonen. Daarbij is geen verschil tussen het nieuwe en het "
            "oude stembiljet aangetoond.",
            en="One comparison can be shown. It does not demonstrate a difference between the new "
            "and the old ballot paper.",
        )
    many = say.count(count)
    return say(
        nl=f"Van de {many} vergelijkingen die te tonen zijn, is bij geen een verschil tussen het "
        "nieuwe en het oude stembiljet aangetoond, als alle vragen samen worden genomen.",
        en=f"Of the {many} comparisons that can be shown, none demonstrates a difference between "
        "the new and the old ballot paper when all questions are taken together.",
    )


def _others(say: Language, count: int) -> str:
    """Say that the other comparisons demonstrate no difference."""
    if count == 1:
        return say(
            nl="Bij de andere vergelijking die te tonen is, is geen verschil aangetoond.",
            en="The other comparison that can be shown does not demonstrate a difference.",
        )
    many = say.count(count)
    return say(
        nl=f"Bij de {many} andere die te tonen zijn, is geen verschil aangetoond.",
        en=f"The {many} others that can be shown do not demonstrate a difference.",
    )


def _sentence(say: Language, question: Question, answer: str, m: SurveyMeasure) -> str:
    """Say one difference."""
    asked, label = quoted(say, question), answer_label(say, question, answer)
    if not answer:
        estimate, low, high = (
            say.number(value, 1, sign=True) for value in (m.estimate, m.ci_lower, m.ci_upper)
        )
        return say(
            nl=f"op {asked} is het antwoord gemiddeld {estimate} ({low} tot {high})",
            en=f"the answer to {asked} differs by {estimate} on average ({low} to {high})",
        )
    size, interval = say.points(abs(m.estimate), 1, sign=False), say.limits(m, 1)
    more = say(nl="meer", en="more") if m.estimate > 0 else say(nl="minder", en="less")
    return say(
        nl=f"op {asked} antwoordt {size} {more} ‘{label}’ (verschil {interval})",
        en=f"the answer to {asked} is ‘{label}’ {size} {more} often (difference {interval})",
    )


def experience(say: Language, outcome: Outcome) -> str:
    """Say how those who used the new ballot before answer, beside others at their station."""
    survey = survey_of(outcome, "voter_survey")
    found = [m for m in survey.measures if m.method == WITHIN] if survey else []
    tested = [m for m in found if math.isfinite(m.p_value)]
    if survey is None or not tested:
        return say(
            nl="Van kiezers die het nieuwe stembiljet eerder gebruikten, is niets te tonen.",
            en="Nothing can be shown about voters who used the new ballot paper before.",
        )
    compared = say(
        nl="Vergeleken zijn kiezers die het nieuwe stembiljet eerder gebruikten met kiezers op "
        "hetzelfde stembureau die dat niet deden.",
        en="Voters who used the new ballot paper before were compared with voters at the same "
        "polling station who did not.",
    )
    alpha = 1 - outcome.study.analysis.confidence_level
    clear = [m for m in tested if m.p_value < alpha / len(tested)]
    if not clear:
        none = say(
            nl="Bij geen vraag is een verschil aangetoond, alle vragen samen genomen.",
            en="No question demonstrates a difference, all questions taken together.",
        )
        return f"{compared} {none}"
    return f"{compared} {_used_before(say, survey, clear)}"


def _used_before(say: Language, survey: SurveyResults, clear: list[SurveyMeasure]) -> str:
    """Say the differences between those who used the new ballot before and the others."""
    said = []
    for m in clear:
        sentence = _sentence(say, survey.questionnaire.question(m.question), m.answer, m)
        p = say.p_value(m.p_value)
        said.append(say(nl=f"{sentence}, p-waarde {p}", en=f"{sentence}, p-value {p}"))
    every = "; ".join(said)
    if len(clear) == 1:
        these = say(nl="Dat verschil is", en="That difference is")
    else:
        these = say(nl="Die verschillen zijn", en="Those differences are")
    return say(
        nl=f"Wie het eerder gebruikte: {every}. {these} ook met alle vragen samen aangetoond. Zij "
        "zijn niet geloot: wie vaker stemt, kan ook om andere redenen anders antwoorden.",
        en=f"Those who used it before: {every}. {these} shown with all questions together "
        "too. These voters were not drawn by lot: those who vote more often may also answer "
        "differently for other reasons.",
    )
