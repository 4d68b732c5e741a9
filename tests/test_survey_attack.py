"""No count below the threshold can be worked out from the rows of survey.csv."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from ballot_eval.answers import answered, asked, missing_code
from ballot_eval.questionnaire import AskedWhen, Question
from ballot_eval.results import SurveyMeasure, to_frame
from ballot_eval.simulation import simulate_panel, simulate_surveys
from ballot_eval.sources import read_raw
from ballot_eval.topics.survey import survey_results
from ballot_eval.validation import validate
from survey_reader import Reader, add, truth

VOTERS = "voter_survey"


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
    rows = accepted[VOTERS].sample(frac=0.06, random_state=4).sort_index().reset_index(drop=True)
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
    new, old = (unsure[rows.loc[unsure, "ballot"] == ballot] for ballot in ("new", "old"))
    few = new[:3].union(old[:2])
    assert len(few) == 5
    rows.loc[unsure.difference(few), "trouble_seeing"] = "refused"
    rows = few_without(rows, "trouble_seeing", codes, count=30)
    missing = [("trouble_seeing", "dont_know")]
    small, found = attacked(accepted, gr2026, questionnaire, rows, missing)
    assert small >= 2
    assert not found


@pytest.mark.parametrize("codes", [("man", "other"), ("woman", "other"), ("man", "woman")])
def test_a_question_asked_by_a_rare_answer_gives_nothing_away(accepted, gr2026, codes):
    when = AskedWhen(question="gender", answers=codes)
    questionnaire = routed(gr2026.questionnaire(VOTERS), asked_when=when, subgroup=True)
    rows = complete(rare(accepted[VOTERS]), gr2026.questionnaire(VOTERS))
    rows = few_without(rows, "gender", codes, count=100)
    small, found = attacked(accepted, gr2026, questionnaire, rows)
    assert small > 10
    assert not found
