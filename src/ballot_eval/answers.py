"""Answers of a survey: who was asked, who answered, and what.

All functions take the accepted rows of one survey table, in the types that validation gives them,
and return a series or frame with the same index.
"""

from __future__ import annotations

import pandas as pd

from ballot_eval.questionnaire import NO_ANSWER, Question, Questionnaire


def asked(frame: pd.DataFrame, questionnaire: Questionnaire, question_id: str) -> pd.Series[bool]:
    """Return who was asked a question, by the routing of the questionnaire.

    Whoever was not asked, or did not answer, the question that another depends on was not asked
    that one either.
    """
    when = questionnaire.question(question_id).asked_when
    if when is None:
        return pd.Series(data=True, index=frame.index, dtype=bool)
    if when.question == "ballot":
        return frame["ballot"].isin(when.answers)
    gate = questionnaire.question(when.question)
    if gate.scale == "multiple":
        given = (frame[[f"{gate.id}_{code}" for code in when.answers]] == "yes").any(axis=1)
    else:
        given = frame[gate.id].isin(when.answers)
    return given & asked(frame, questionnaire, gate.id)


def filled(frame: pd.DataFrame, question: Question) -> pd.Series[bool]:
    """Return whose row holds anything at all at a question."""
    cells = frame[[c.name for c in question.columns()]]
    return (cells.notna() & (cells != "")).any(axis=1)


def missing_code(frame: pd.DataFrame, question: Question) -> pd.Series[str]:
    """Return the code of don't know or refused that was given; an empty text where none was."""
    given = pd.Series("", index=frame.index, dtype=object)
    for code in question.missing_codes:
        if question.scale == "multiple":
            here = frame[f"{question.id}_{code}"] == "yes"
        elif question.scale == "number":
            here = frame[f"{question.id}_{NO_ANSWER}"] == code
        else:
            here = frame[question.id] == code
        given = given.where(~here, code)
    return given


def substantive(frame: pd.DataFrame, question: Question) -> pd.Series[bool]:
    """Return who gave an answer other than don't know or refused.

    At a question with several answers every one of them must be marked, yes or no.
    """
    if question.scale == "multiple":
        marks = frame[[f"{question.id}_{code}" for code in question.codes]]
        given = (marks != "").all(axis=1)
    elif question.scale == "number":
        given = frame[question.id].notna()
    else:
        given = frame[question.id] != ""
    return given & (missing_code(frame, question) == "")


def answered(frame: pd.DataFrame, question: Question) -> pd.Series[bool]:
    """Return who answered a question in full, don't know and refused included."""
    return substantive(frame, question) | (missing_code(frame, question) != "")


def answers(
    frame: pd.DataFrame, questionnaire: Questionnaire, question_id: str
) -> pd.Series[str] | pd.Series[float]:
    """Return the answers to a question: codes, numbers or texts; NaN where there is none.

    There is none of who was not asked (whatever the cell holds), did not answer, did not know or
    refused. Raises ValueError for a question with several answers: see :func:`marked`.
    """
    question = questionnaire.question(question_id)
    if question.scale == "multiple":
        msg = f"{question_id} may have several answers; use marked"
        raise ValueError(msg)
    counts = asked(frame, questionnaire, question_id) & substantive(frame, question)
    return frame[question_id].where(counts)


def marked(frame: pd.DataFrame, questionnaire: Questionnaire, question_id: str) -> pd.DataFrame:
    """Return a column per answer of a question with several: 1.0 marked, 0.0 not, NaN unknown.

    Raises ValueError for a question of another scale.
    """
    question = questionnaire.question(question_id)
    if question.scale != "multiple":
        msg = f"{question_id} has one answer; use answers"
        raise ValueError(msg)
    counts = asked(frame, questionnaire, question_id) & substantive(frame, question)
    return pd.DataFrame(
        {
            code: (frame[f"{question_id}_{code}"] == "yes").astype(float).where(counts)
            for code in question.codes
        },
        index=frame.index,
    )
