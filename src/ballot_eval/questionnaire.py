"""Questionnaires as data: ``survey_*.toml`` read, checked and frozen.

A questionnaire says what was asked and which answers there are; the columns of its raw table, the
rules on them and the labels in a report all follow from it. Vote choice is never a question.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from ballot_eval.errors import DesignError
from ballot_eval.plan_file import ElectionId, Frozen, formed, mistakes, read_plan
from ballot_eval.questionnaire_checks import asks_vote_choice, question_problems
from ballot_eval.raw import SOURCE_COLUMNS
from ballot_eval.schema import SURVEY_TABLES, Column, Table

SurveyTable = Literal["voter_survey", "station_survey", "municipality_survey"]
Scale = Literal["likert5", "yes_no", "single", "multiple", "number", "open"]
#: Order of the answers: the last or the first is the most favourable, or none is (age bands).
Direction = Literal["best_last", "best_first", "ordered"]

QuestionId = Annotated[
    str,
    StringConstraints(max_length=40),
    formed(
        r"[a-z][a-z0-9]*(_[a-z0-9]+)*",
        "small letters, digits and single underscores, a letter first",
    ),
]
Code = Annotated[
    str,
    StringConstraints(max_length=30),
    formed(r"[a-z0-9]+(_[a-z0-9]+)*", "small letters, digits and single underscores"),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

#: Answers are chosen from a list on these scales, one of them on all but ``multiple``.
CHOICES = ("likert5", "yes_no", "single", "multiple")

#: What a cell of an open answer may hold.
OPEN_PATTERN = r"[\s\S]{1,2000}"

#: Ends of the names of columns that a question may have besides its own.
NO_ANSWER = "no_answer"


class Answer(Frozen):
    """One allowed answer: what stands in the cell, and what it means."""

    code: Code
    nl: Text
    en: Text

    def label(self, language: str) -> str:
        """Return the label in Dutch (``nl``) or English."""
        return self.nl if language == "nl" else self.en


_YES_NO = (Answer(code="yes", nl="Ja", en="Yes"), Answer(code="no", nl="Nee", en="No"))


class AskedWhen(Frozen):
    """Routing: asked only of those who gave one of ``answers`` to an earlier ``question``.

    ``question`` may also be ``ballot``, with the answers ``new`` and ``old``.
    """

    question: str
    answers: Annotated[tuple[Code, ...], Field(min_length=1)]


class Question(Frozen):
    """One question, its answers and when it is asked.

    ``dont_know`` and ``refused`` are the codes of those two, absent where they are not offered.
    ``share_of`` are the answers whose share is reported; by default yes, or the two favourable
    answers of five. ``exposure`` marks the question whether someone used the new ballot before.
    """

    id: QuestionId
    scale: Scale
    nl: Text
    en: Text
    answers: tuple[Answer, ...] = ()
    direction: Direction | None = None
    dont_know: Code | None = None
    refused: Code | None = None
    asked_when: AskedWhen | None = None
    subgroup: bool = False
    outcome: bool = False
    exposure: bool = False
    minimum: Finite | None = None
    maximum: Finite | None = None
    share_of: tuple[Code, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for problem in question_problems(self):
            raise ValueError(problem)
        return self

    @property
    def options(self) -> tuple[Answer, ...]:
        """Return the answers to choose from, in order; none for a number or an open question."""
        return _YES_NO if self.scale == "yes_no" else self.answers

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of the answers to choose from, in order."""
        return tuple(a.code for a in self.options)

    @property
    def missing_codes(self) -> tuple[str, ...]:
        """Return the codes of don't know and refused, those that are offered."""
        return tuple(code for code in (self.dont_know, self.refused) if code is not None)

    @property
    def counted(self) -> tuple[str, ...]:
        """Return the codes whose share is reported; empty when no share follows from the scale."""
        if self.share_of:
            return self.share_of
        if self.scale == "yes_no":
            return ("yes",)
        if self.scale == "likert5" and self.direction in ("best_last", "best_first"):
            return self.codes[3:] if self.direction == "best_last" else self.codes[:2]
        return ()

    @property
    def scores(self) -> dict[str, int]:
        """Return code → 1, 2, …, the most favourable or the last answer highest; {} unordered."""
        if self.direction is None:
            return {}
        codes = self.codes[::-1] if self.direction == "best_first" else self.codes
        return {code: score for score, code in enumerate(codes, start=1)}

    def wording(self, language: str) -> str:
        """Return the question in Dutch (``nl``) or English."""
        return self.nl if language == "nl" else self.en

    def label(self, code: str, language: str) -> str:
        """Return the label of an answer; KeyError for a code that is no answer."""
        special = {self.dont_know: ("Weet niet", "Don't know")}
        special |= {self.refused: ("Wil niet zeggen", "Prefers not to say")}
        if code in special:
            return special[code][language != "nl"]
        return {a.code: a.label(language) for a in self.options}[code]

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of this question in the raw table, in order.

        ``multiple`` has a column of yes and no per answer (``<id>_<code>``); a number that may be
        unknown has a second one, ``<id>_no_answer``, for the codes of that.
        """
        if self.scale == "multiple":
            return tuple(
                self._column(
                    f"_{code}",
                    ("yes", "no"),
                    *(f" – {self.label(code, language)}" for language in ("nl", "en")),
                )
                for code in (*self.codes, *self.missing_codes)
            )
        if self.scale == "open":
            return (self._column("", pattern=OPEN_PATTERN),)
        if self.scale != "number":
            return (self._column("", (*self.codes, *self.missing_codes)),)
        number = self._column("", kind="decimal")
        if not self.missing_codes:
            return (number,)
        return (number, self._column(f"_{NO_ANSWER}", self.missing_codes))

    def _column(
        self,
        end: str,
        allowed: tuple[str, ...] = (),
        nl: str = "",
        en: str = "",
        *,
        pattern: str = "",
        kind: Literal["text", "decimal"] = "text",
    ) -> Column:
        return Column(
            self.id + end,
            self.nl + nl,
            self.en + en,
            pattern,
            kind,
            allowed,
            nullable=True,
            # What does not fit an answer may be anything, a name too.
            private=True,
            answer=True,
        )


class Questionnaire(Frozen):
    """One questionnaire, frozen and validated. Made by :func:`load_questionnaire`.

    ``opens`` and ``closes`` are when voters can be interviewed (Kieswet, art. J 1); other hours
    are given where polling stations had them.
    """

    table: SurveyTable
    election: ElectionId
    nl: Text
    en: Text
    questions: Annotated[tuple[Question, ...], Field(min_length=1)]
    opens: dt.time = dt.time(7, 30)
    closes: dt.time = dt.time(21, 0)
    #: Answers that no question has. They are checked all the same.
    answer_sets: dict[str, tuple[Answer, ...]] = Field(default_factory=dict)
    #: Name and hash of the file.
    file: str = ""
    sha256: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.opens >= self.closes:
            msg = f"opens {self.opens} must be before closes {self.closes}"
            raise ValueError(msg)
        texts = [("nl", self.nl), ("en", self.en)]
        for name, found in self.answer_sets.items():
            texts += [(f"answer_sets.{name}", t) for a in found for t in (a.code, a.nl, a.en)]
        for problem in asks_vote_choice(texts):
            raise ValueError(problem)
        fixed = {*SURVEY_TABLES[self.table].names, *SOURCE_COLUMNS}
        names = [c.name for q in self.questions for c in q.columns()]
        ids = [q.id for q in self.questions]
        for name, times in Counter(ids).items():
            if times > 1:
                msg = f"questions: the id {name} is given twice; allowed: each id once"
                raise ValueError(msg)
        if clash := sorted({*names, *ids} & fixed):
            msg = f"questions: {clash[0]} is a fixed column of {self.table}; give another id"
            raise ValueError(msg)
        if twice := [name for name, times in Counter(names).items() if times > 1]:
            msg = f"questions: two of them have the column {twice[0]}; give one another id"
            raise ValueError(msg)
        if len(exposures := [q.id for q in self.questions if q.exposure]) > 1:
            msg = f"questions: {' and '.join(exposures)} are both exposure; allowed: one"
            raise ValueError(msg)
        for position, question in enumerate(self.questions):
            self._check_routing(question, self.questions[:position])
        return self

    def _check_routing(self, question: Question, earlier: tuple[Question, ...]) -> None:
        when = question.asked_when
        if when is None:
            return
        key = f"questions[{question.id}].asked_when"
        gates = {q.id: (*q.codes, *q.missing_codes) for q in earlier if q.scale in CHOICES}
        gates["ballot"] = ("new", "old")
        if when.question not in gates:
            msg = f"{key}: {when.question} is no earlier question with answers to choose from"
            msg += f"; allowed: {', '.join(gates)}"
            raise ValueError(msg)
        if unknown := [code for code in when.answers if code not in gates[when.question]]:
            msg = f"{key}: {unknown[0]} is no answer to {when.question}"
            msg += f"; allowed: {', '.join(gates[when.question])}"
            raise ValueError(msg)

    def question(self, question_id: str) -> Question:
        """Return the question with this id; KeyError when there is none."""
        return {q.id: q for q in self.questions}[question_id]

    @property
    def outcomes(self) -> tuple[Question, ...]:
        """Return the questions that are outcomes, in order."""
        return tuple(q for q in self.questions if q.outcome)

    @property
    def subgroups(self) -> tuple[Question, ...]:
        """Return the questions that are subgroup variables, in order."""
        return tuple(q for q in self.questions if q.subgroup)

    def layout(self) -> Table:
        """Return the raw table: the fixed columns of its kind, then those of the questions."""
        fixed = SURVEY_TABLES[self.table]
        answers = tuple(c for q in self.questions for c in q.columns())
        return replace(fixed, columns=(*fixed.columns, *answers))


def load_questionnaires(folder: str | Path) -> tuple[Questionnaire, ...]:
    """Return the questionnaires of a study folder (``survey_*.toml``), one per table.

    Raises DesignError for a mistake in one, and when two are for the same table.
    """
    files = sorted(Path(folder).glob("survey_*.toml"))
    found: dict[str, Questionnaire] = {}
    for file in files:
        questionnaire = load_questionnaire(file)
        if (other := found.get(questionnaire.table)) is not None:
            msg = f"{file}: key table: {questionnaire.table} has a questionnaire already "
            raise DesignError(f"{msg}({other.file}); allowed: one per table")
        found[questionnaire.table] = questionnaire
    return tuple(found[table] for table in SURVEY_TABLES if table in found)


def load_questionnaire(file: str | Path) -> Questionnaire:
    """Read one questionnaire from TOML.

    ``answers`` of a question is a list, or the name of one under ``[answer_sets]``. Raises
    DesignError with one line per mistake: file, key, what is wrong, what is allowed.
    """
    path = Path(file)
    values = read_plan(path, "give a survey_*.toml of a study", ("file",))
    _fill_in_sets(path, values)
    values |= {"file": path.name}
    try:
        return Questionnaire.model_validate(values)
    except ValidationError as error:
        raise mistakes(path, error, values) from error


def _fill_in_sets(path: Path, values: dict[str, Any]) -> None:
    """Replace the names of answer sets by their answers, in place; the other sets are left."""
    sets = values.get("answer_sets", {})
    if not isinstance(sets, dict):
        msg = f"{path}: key answer_sets: must be a table: [answer_sets], with a list per name below"
        raise DesignError(msg)
    questions = values.get("questions")
    used = set()
    for question in questions if isinstance(questions, list) else []:
        if not isinstance(question, dict) or not isinstance(question.get("answers"), str):
            continue
        name = question["answers"]
        if name not in sets:
            msg = f"{path}: key questions[{question.get('id')}].answers: {name} is not among the "
            raise DesignError(
                f"{msg}answer_sets; allowed: {', '.join(sets) or 'a list of answers'}"
            )
        question["answers"] = sets[name]
        used.add(name)
    values["answer_sets"] = {name: found for name, found in sets.items() if name not in used}
