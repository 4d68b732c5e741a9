"""What a reader can work out from survey.csv alone, by integer programming.

The model knows the questionnaire and that answers are given by people: everyone of a group gave one
answer to a question or none, and those of a subgroup are the same people at every question. It
shares nothing with the choice of the numbers that are shown.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from ballot_eval.answers import answers

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
