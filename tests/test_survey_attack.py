"""What a reader can work out from survey.csv alone, by integer programming.

The model knows the questionnaire and that answers are given by people: everyone of a group gave one
answer to a question or none, and those of a subgroup are the same people at every question. It
shares nothing with the choice of the numbers that are shown.
"""

from __future__ import annotations

import io
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from ballot_eval.answers import answered, answers, asked, missing_code
from ballot_eval.questionnaire import AskedWhen, Question
from ballot_eval.results import SurveyMeasure, to_frame
from ballot_eval.simulation import simulate_panel, simulate_surveys
from ballot_eval.sources import read_raw
from ballot_eval.topics.survey import survey_results
from ballot_eval.validation import validate

VOTERS = "voter_survey"
SILENT, NONE, OUTSIDE = "(silent)", "(none)", "(outside)"
COUNTED, OTHER, NOT = "counted", "other", "(not answered)"


class Reader:
    """The counts of one group as unknowns, and the equations that a reader has for them.

    An expression is a mapping of unknowns to coefficients; ``None`` stands for the constant 1.
    """

    def __init__(self, questionnaire, rows, group):
        self.questionnaire = questionnaire
        self.place, self.equations, self.matrix = {}, [], None
        self.rows = rows[rows["group"] == group]
        own = self.rows[self.rows["quantity"] == "respondents"]
        self.everyone = {None: float(own["estimate"].iloc[0])}
        self.single = [q for q in questionnaire.questions if q.scale not in ("open", "multiple")]
        for question in self.single:
            self._question(question)
        for outcome in questionnaire.outcomes:
            if outcome in self.single and (outcome.counted or outcome.scale == "number"):
                for subgroup in questionnaire.subgroups:
                    self._crossed(outcome, subgroup)
                for subgroup in questionnaire.subgroups:
                    self._nested(outcome, subgroup)
        self._published()

    def unknown(self, *name):
        self.place.setdefault(name, len(self.place))
        return {name: 1.0}

    def equal(self, left, right):
        self.equations.append(add(left, scaled(right, -1)))

    def given(self, question):
        codes = ("number",) if question.scale == "number" else question.codes
        return add(*(self.unknown(question.id, code) for code in codes))

    def asked(self, question):
        when = question.asked_when
        if when is None:
            return self.everyone
        if when.question == "ballot":
            return self.everyone if self._has_it(question) else {}
        gate = self.questionnaire.question(when.question)
        if gate.scale == "multiple":
            return self.unknown("asked", question.id)
        return add(*(self.unknown(gate.id, code) for code in when.answers))

    def _has_it(self, question):
        return (self.rows["question"] == question.id).any()

    def _question(self, question):
        rest = [self.unknown(question.id, code) for code in (*question.missing_codes, SILENT)]
        self.equal(self.asked(question), add(self.given(question), *rest))

    def _kinds(self, outcome):
        counted = ("number",) if outcome.scale == "number" else outcome.counted
        other = () if outcome.scale == "number" else set(outcome.codes) - set(outcome.counted)
        return {
            COUNTED: add(*(self.unknown(outcome.id, code) for code in counted)),
            OTHER: add(*(self.unknown(outcome.id, code) for code in other)),
            NOT: add(self.everyone, scaled(self.given(outcome), -1)),
        }

    def _crossed(self, outcome, subgroup):
        """Everyone of a subgroup has one answer to the outcome, or none."""
        missing = [self.unknown(subgroup.id, code) for code in (*subgroup.missing_codes, SILENT)]
        sizes = {code: self.unknown(subgroup.id, code) for code in subgroup.codes}
        sizes[NONE] = add(*missing)
        sizes[OUTSIDE] = add(self.everyone, scaled(self.asked(subgroup), -1))
        kinds = self._kinds(outcome)
        for level, size in sizes.items():
            self.equal(size, add(*(self.crossed(outcome, subgroup, level, k) for k in kinds)))
        for kind, size in kinds.items():
            self.equal(size, add(*(self.crossed(outcome, subgroup, code, kind) for code in sizes)))

    def crossed(self, outcome, subgroup, level, kind):
        return self.unknown(outcome.id, subgroup.id, level, kind)

    def _nested(self, outcome, subgroup):
        """Those asked a subgroup question gave certain answers to the one before."""
        when = subgroup.asked_when
        if when is None or when.question not in {q.id for q in self.questionnaire.subgroups}:
            return
        gate = self.questionnaire.question(when.question)
        if set(when.answers) <= set(gate.codes):
            rest = [c for c in (*gate.codes, NONE, OUTSIDE) if c not in when.answers]
            for kind in (COUNTED, OTHER, NOT):
                here = add(*(self.crossed(outcome, gate, level, kind) for level in rest))
                self.equal(self.crossed(outcome, subgroup, OUTSIDE, kind), here)

    def _published(self):
        for row in self.rows.itertuples():
            names = {q.id: q for q in self.single}
            question = names.get(row.question)
            if question is None:
                continue
            if row.quantity == "response":
                known = self.asked(question)
                shown = {"answered": self.given(question)}
                shown |= {c: self.unknown(question.id, c) for c in question.missing_codes}
                shown["no_answer"] = self.unknown(question.id, SILENT)
                count = shown.get(row.answer)
            elif row.quantity not in ("share", "mean", "median", "mean_score"):
                continue
            elif row.breakdown == "total":
                known = self.given(question)
                count = self.unknown(question.id, row.answer)
                count = self._kinds(question)[COUNTED] if row.answer == COUNTED else count
            else:
                subgroup = self.questionnaire.question(row.breakdown)
                count = self.crossed(question, subgroup, row.level, COUNTED)
                known = add(count, self.crossed(question, subgroup, row.level, OTHER))
            for expression, number in ((known, row.n), (count, row.count)):
                if expression is not None and not np.isnan(number):
                    self.equal(expression, {None: float(number)})

    def possible(self, expression, value):
        """Return whether some answers agree with all that is published and with this value."""
        if self.matrix is None:
            self.matrix, self.right = self._matrix(self.equations)
        matrix, right = self._matrix([add(expression, {None: -float(value)})])
        right = np.concatenate([self.right, right])
        found = milp(
            np.zeros(len(self.place)),
            constraints=LinearConstraint(sparse.vstack([self.matrix, matrix]), right, right),
            bounds=Bounds(0, np.inf),
            integrality=np.ones(len(self.place)),
        )
        assert found.status in (0, 2), found.message
        return found.status == 0

    def _matrix(self, rows):
        """Return coefficients and right hand sides of expressions that are 0."""
        matrix = sparse.lil_array((len(rows), len(self.place)))
        for i, row in enumerate(rows):
            for name in row.keys() - {None}:
                matrix[i, self.place[name]] = row[name]
        return matrix.tocsr(), np.array([-row.get(None, 0.0) for row in rows])


def add(*expressions):
    """Return the sum of expressions."""
    total = defaultdict(float)
    for expression in expressions:
        for name, coefficient in expression.items():
            total[name] += coefficient
    return dict(total)


def scaled(expression, factor):
    return {name: factor * coefficient for name, coefficient in expression.items()}


def truth(questionnaire, frame):
    """Yield unknowns of the reader with what they really are."""
    for question in questionnaire.questions:
        if question.scale in ("open", "multiple", "number"):
            continue
        given = answers(frame, questionnaire, question.id)
        for code in question.codes:
            yield [(question.id, code)], int((given == code).sum())
    for outcome in questionnaire.outcomes:
        if outcome.scale in ("multiple", "number") or not outcome.counted:
            continue
        given = answers(frame, questionnaire, outcome.id)
        for subgroup in questionnaire.subgroups:
            level = answers(frame, questionnaire, subgroup.id)
            for code in subgroup.codes:
                here = given[(level == code) & given.notna()]
                n = int(here.isin(outcome.counted).sum())
                name = (outcome.id, subgroup.id, code)
                yield [(*name, COUNTED)], n
                yield [(*name, OTHER)], len(here) - n
                yield [(*name, COUNTED), (*name, OTHER)], len(here)


def attacked(accepted, study, questionnaire, rows, missing=()):
    """Return how many counts below the threshold there are, and those that can be narrowed down.

    ``missing`` names the don't knows that a later question is asked of.
    """
    study = study.model_copy(update={"questionnaires": (questionnaire,)})
    (survey,) = survey_results(accepted | {questionnaire.table: rows}, study)
    text = to_frame(survey.measures, SurveyMeasure).to_csv(index=False)
    table = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    table[["answer", "question"]] = table[["answer", "question"]].fillna("")
    threshold = study.survey.threshold
    small, found = 0, []
    for group, ballot in (("experiment", "new"), ("control", "old")):
        reader = Reader(questionnaire, table, group)
        frame = rows[rows["ballot"] == ballot]
        cells = [*truth(questionnaire, frame)]
        for name, code in missing:
            given = missing_code(frame, questionnaire.question(name))
            cells.append(([(name, code)], int((given == code).sum())))
        for names, n in cells:
            if not 0 < n < threshold:
                continue
            small += 1
            expression = add(*(reader.unknown(*name) for name in names))
            assert reader.possible(expression, n), (group, names)
            if not all(reader.possible(expression, value) for value in (0, threshold)):
                found.append((group, names, n))
    return small, found


@pytest.fixture(scope="module")
def accepted(gr2026, tmp_path_factory):
    folder = tmp_path_factory.mktemp("attack")
    tables = {"municipality_results": simulate_panel(gr2026, seed=1, effect=0.003)}
    tables[VOTERS] = simulate_surveys(gr2026, seed=5)[VOTERS]
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return dict(validate(read_raw(gr2026, folder), gr2026).accepted)


def rare(rows, seed=1):
    """Return the rows with 7 and 6 people of gender other on the two ballots."""
    rows, rng = rows.copy(), np.random.default_rng(seed)
    for ballot, left in (("new", 7), ("old", 6)):
        others = rows.index[(rows["ballot"] == ballot) & (rows["gender"] == "other")]
        changed = rng.permutation(others)[left:]
        rows.loc[changed, "gender"] = rng.choice(["man", "woman"], len(changed))
    return rows


def complete(rows, questionnaire, seed=2):
    """Return the rows with an answer wherever a question was asked and has one answer."""
    rows, rng = rows.copy(), np.random.default_rng(seed)
    for question in questionnaire.questions:
        if question.scale in ("open", "multiple", "number"):
            continue
        mine = asked(rows, questionnaire, question.id)
        said = missing_code(rows, question) == ""
        empty = rows.index[mine & ~(answered(rows, question) & said)]
        # The rarest answers stay rare.
        rows.loc[empty, question.id] = rng.choice(question.codes[:2], len(empty))
    return rows


def routed(questionnaire, **options):
    """Return the questionnaire with one more subgroup question, asked by an earlier answer."""
    glasses = Question(
        id="glasses", scale="yes_no", nl="Had u een bril op?", en="Did you wear glasses?", **options
    )
    return questionnaire.model_copy(update={"questions": (*questionnaire.questions, glasses)})


def few_without(rows, gate, codes, count=9, seed=3):
    """Return the rows with ``count`` people per ballot who answer no to the routed question."""
    rows, rng = rows.copy(), np.random.default_rng(seed)
    mine = rows[gate].isin(codes)
    rows["glasses"] = np.where(mine, "yes", "")
    for ballot in ("new", "old"):
        chosen = rng.permutation(rows.index[mine & (rows["ballot"] == ballot)])[:count]
        rows.loc[chosen, "glasses"] = "no"
    return rows


def test_the_reader_finds_a_number_that_is_the_difference_of_others(accepted, gr2026):
    """The attack is worth something: it finds what a careless table gives away."""
    questionnaire = gr2026.questionnaire(VOTERS)
    rows = complete(rare(accepted[VOTERS]), questionnaire)
    study = gr2026.model_copy(update={"questionnaires": (questionnaire,)})
    (survey,) = survey_results(accepted | {VOTERS: rows}, study)
    table = to_frame(survey.measures, SurveyMeasure)
    new = rows[rows["ballot"] == "new"]
    gone = (table["question"] == "ease") & (table["group"] == "experiment")
    gone &= (table["breakdown"] == "gender") & table["hidden"] & (table["level"] != "other")
    assert gone.sum() == 1
    (level,) = table.loc[gone, "level"]
    table.loc[gone, "n"] = int((new["gender"] == level).sum())
    reader = Reader(questionnaire, table, "experiment")
    other = reader.unknown("gender", "other")
    assert reader.possible(other, 7)
    assert not any(reader.possible(other, n) for n in (0, 6, 8, 10))


@pytest.mark.parametrize("full", [False, True])
def test_a_rare_answer_cannot_be_worked_out(accepted, gr2026, full):
    questionnaire = gr2026.questionnaire(VOTERS)
    rows = rare(accepted[VOTERS])
    rows = complete(rows, questionnaire) if full else rows
    small, found = attacked(accepted, gr2026, questionnaire, rows)
    assert small > 20
    assert not found


@pytest.mark.parametrize("full", [False, True])
def test_small_surveys_give_nothing_away(accepted, gr2026, full):
    questionnaire = gr2026.questionnaire(VOTERS)
    rows = accepted[VOTERS].sample(frac=0.1, random_state=4).sort_index().reset_index(drop=True)
    rows = complete(rows, questionnaire) if full else rows
    small, found = attacked(accepted, gr2026, questionnaire, rows)
    assert small > 50
    assert not found


@pytest.mark.parametrize("full", [False, True])
def test_a_subgroup_asked_of_some_gives_nothing_away(accepted, gr2026, full):
    when = AskedWhen(question="trouble_seeing", answers=("yes",))
    questionnaire = routed(gr2026.questionnaire(VOTERS), asked_when=when, subgroup=True)
    rows = rare(accepted[VOTERS])
    rows = complete(rows, gr2026.questionnaire(VOTERS)) if full else rows
    rows = few_without(rows, "trouble_seeing", ["yes"])
    small, found = attacked(accepted, gr2026, questionnaire, rows)
    assert small > 10
    assert not found


def test_a_question_asked_of_few_who_did_not_know_gives_nothing_away(accepted, gr2026):
    codes = ("yes", "dont_know")
    when = AskedWhen(question="trouble_seeing", answers=codes)
    questionnaire = routed(gr2026.questionnaire(VOTERS), asked_when=when)
    rows = accepted[VOTERS].copy()
    unsure = rows.index[rows["trouble_seeing"] == "dont_know"]
    rows.loc[unsure[5:], "trouble_seeing"] = "refused"
    assert rows.loc[unsure[:5], "ballot"].nunique() == 2
    rows = few_without(rows, "trouble_seeing", codes, count=30)
    missing = [("trouble_seeing", "dont_know")]
    small, found = attacked(accepted, gr2026, questionnaire, rows, missing)
    assert small >= 2
    assert not found
