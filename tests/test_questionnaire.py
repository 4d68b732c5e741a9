"""Questionnaires: the shipped ones load, each mistake gives one clear line, answers are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.answers import answered, answers, asked, marked, missing_code
from ballot_eval.errors import DesignError
from ballot_eval.questionnaire import Question, load_questionnaire, load_questionnaires
from ballot_eval.questionnaire_checks import RESERVED_IDS
from ballot_eval.schema import SURVEY_TABLES
from ballot_eval.vote_choice import about_vote_choice, vote_choice_sign

SMALL = """
table = "voter_survey"
election = "GR2026"
nl = "Vragen"
en = "Questions"

[answer_sets]
ease = [
    { code = "1", nl = "Heel moeilijk", en = "Very difficult" },
    { code = "2", nl = "Moeilijk", en = "Difficult" },
    { code = "3", nl = "Ertussenin", en = "In between" },
    { code = "4", nl = "Makkelijk", en = "Easy" },
    { code = "5", nl = "Heel makkelijk", en = "Very easy" },
]

[[questions]]
id = "ease"
scale = "likert5"
nl = "Hoe makkelijk?"
en = "How easy?"
answers = "ease"
direction = "best_last"
dont_know = "dont_know"
outcome = true

[[questions]]
id = "helped"
scale = "yes_no"
nl = "Hulp gehad?"
en = "Had help?"
refused = "refused"
subgroup = true

[[questions]]
id = "helper"
scale = "multiple"
nl = "Van wie?"
en = "By whom?"
answers = [
    { code = "staff", nl = "Stembureau", en = "Staff" },
    { code = "friend", nl = "Bekende", en = "Friend" },
]
dont_know = "dont_know"
asked_when = { question = "helped", answers = ["yes"] }

[[questions]]
id = "minutes"
scale = "number"
nl = "Hoeveel minuten?"
en = "How many minutes?"
minimum = 0
maximum = 60
dont_know = "dont_know"
asked_when = { question = "helper", answers = ["staff"] }

[[questions]]
id = "remarks"
scale = "open"
nl = "Nog iets?"
en = "Anything else?"
"""


def write(folder, text, name="survey_voters.toml"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture
def small(tmp_path):
    return load_questionnaire(write(tmp_path, SMALL))


def test_the_shipped_questionnaires(gr2026, root):
    assert [q.table for q in gr2026.questionnaires] == list(SURVEY_TABLES)
    voters = gr2026.questionnaire("voter_survey")
    assert {"ease", "clarity", "preference", "help_needed"} <= {q.id for q in voters.outcomes}
    assert {"used_before", "age_band", "trouble_seeing"} <= {q.id for q in voters.subgroups}
    assert set(gr2026.tables()) - set(be.load_study(root / "analysis/tk2025").tables()) == set(
        SURVEY_TABLES
    )
    assert be.load_study(root / "analysis/tk2025").questionnaires == ()
    for questionnaire in gr2026.questionnaires:
        text = (root / "analysis/gr2026" / questionnaire.file).read_text(encoding="utf-8")
        assert "A proposal of the makers of this software" in text
        assert len(questionnaire.sha256) == 64
        names = questionnaire.layout().names
        fixed = SURVEY_TABLES[questionnaire.table].names
        assert names[: len(fixed)] == fixed
        assert len(set(names)) == len(names)


def test_a_design_with_questionnaires_is_validated_anew(gr2026):
    assert be.StudyDesign.model_validate(gr2026.model_dump()) == gr2026


def test_columns_of_each_scale(small):
    assert [c.name for q in small.questions for c in q.columns()] == [
        *("ease", "helped", "helper_staff", "helper_friend", "helper_dont_know"),
        *("minutes", "minutes_no_answer", "remarks"),
    ]
    columns = {c.name: c for c in small.layout()}
    assert columns["ease"].allowed == ("1", "2", "3", "4", "5", "dont_know")
    assert columns["helped"].allowed == ("yes", "no", "refused")
    assert columns["helper_staff"].allowed == ("yes", "no")
    assert columns["helper_staff"].nl == "Van wie? – Stembureau"
    assert columns["minutes"].kind == "decimal"
    assert columns["minutes_no_answer"].allowed == ("dont_know",)
    answers = [c for c in small.layout() if c.answer]
    assert all(c.nullable and c.private for c in answers)


def test_scores_shares_and_labels(small):
    ease, helped = small.question("ease"), small.question("helped")
    assert ease.scores == {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5}
    assert ease.counted == ("4", "5")
    turned = Question.model_validate(ease.model_dump() | {"direction": "best_first"})
    assert turned.scores["1"] == 5
    assert turned.counted == ("1", "2")
    neither = Question.model_validate(ease.model_dump() | {"direction": "ordered"})
    assert neither.counted == ()
    assert helped.counted == ("yes",)
    assert helped.scores == {}
    assert (helped.label("yes", "nl"), helped.label("refused", "en")) == (
        "Ja",
        "Prefers not to say",
    )
    assert ease.label("dont_know", "nl") == "Weet niet"
    assert ease.wording("en") == "How easy?"
    with pytest.raises(KeyError):
        helped.label("refuse", "en")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"voter_survey"', '"survey"', "key table: is not allowed; allowed: 'voter_survey'"),
        ('id = "helped"', 'id = "Helped"', "key questions[Helped].id: must be small letters"),
        ('id = "helped"', 'id = "ease"', "the id ease is given twice"),
        ('id = "helped"', 'id = "ballot"', "ballot is a fixed column of voter_survey"),
        ('id = "helped"', 'id = "helper_staff"', "have the column helper_staff"),
        ('scale = "yes_no"', 'scale = "yes"', "key questions[helped].scale: is not allowed"),
        (
            'answers = "ease"',
            'answers = "eas"',
            "answers: eas is not among the answer_sets; allowed: ease",
        ),
        (
            'direction = "best_last"',
            "",
            "key questions[ease]: direction is missing; allowed: best_last",
        ),
        (
            'direction = "best_last"',
            'direction = "up"',
            "questions[ease].direction: is not allowed",
        ),
        ('code = "2"', 'code = "1"', "key questions[ease]: the code 1 is given twice"),
        ('code = "2"', 'code = "dont_know"', "the code dont_know is given twice"),
        ('    { code = "2", nl = "Moeilijk", en = "Difficult" },\n', "", "exactly 5 answers"),
        ('{ code = "2", nl = "Moeilijk", en', '{ code = "2", en', "answers[1].nl: is missing"),
        ('nl = "Hulp gehad?"', "", "key questions[helped].nl: is missing"),
        ("subgroup = true", "subgroup = true\nsubgroep = true", "subgroep: is not a known key"),
        ("subgroup = true", "subgroup = true\noutcome = true", "not both"),
        ("subgroup = true", "minimum = 1", "minimum and maximum belong to the scale number"),
        ("subgroup = true", 'share_of = ["maybe"]', "share_of names maybe, which is no answer"),
        ("maximum = 60", "", "a number needs minimum and maximum"),
        ("maximum = 60", "maximum = 0", "minimum 0 must be less than maximum 0"),
        ("maximum = 60", "maximum = inf", "questions[minutes].maximum: must be a finite number"),
        ("minimum = 0", "minimum = nan", "questions[minutes].minimum: must be a finite number"),
        ("maximum = 60", 'maximum = 60\ndirection = "best_last"', "direction does not belong to"),
        ("subgroup = true", 'direction = "best_last"', "direction does not belong to the scale"),
        ("subgroup = true", 'share_of = ["yes", "no"]', "share_of names all answers"),
        ("subgroup = true", 'share_of = ["yes", "yes"]', "share_of names yes twice"),
        ('asked_when = { question = "helped"', 'share_of = ["staff"]\n#', "has a share; remove it"),
        ('nl = "Bekende"', 'nl = "Stembureau"', "two answers have the nl label 'Stembureau'"),
        ('en = "Friend"', 'en = "Staff"', "two answers have the en label 'Staff'"),
        ('asked_when = { question = "helped", answers = ["yes"] }', 'asked_when = "yes"', "table"),
        ('en = "Questions"', 'en = "Questions"\nopens = "half 8"', "opens: must be a time such as"),
        ("[answer_sets]\nease", "answer_sets = 3\nease", "key answer_sets: must be a table"),
        (
            "[answer_sets]",
            '[answer_sets]\nx = [{ code = "1", nl = "VVD", en = "Yes" }]',
            "answer_sets.x 'VVD' looks like vote choice",
        ),
        ("[answer_sets]", '[answer_sets]\nx = [{ code = "1", nl = "A" }]', "x[0].en: is missing"),
        ('refused = "refused"', 'refused = "no_answer"', "the code no_answer has another meaning"),
        ('dont_know = "dont_know"', 'dont_know = "answered"', "allowed: any but answered"),
        ('code = "friend"', 'code = "total"', "the code total has another meaning in the results"),
        ('nl = "Vragen"', 'nl = "Op welke partij stemde u?"', "looks like vote choice"),
        ("maximum = 60", "maximum = 60\nsubgroup = true", "subgroup needs the scale"),
        ('scale = "open"', 'scale = "open"\noutcome = true', "open question cannot be an outcome"),
        ('{ question = "helped"', '{ question = "minutes"', "minutes is no earlier question"),
        ('{ question = "helped"', '{ question = "helpt"', "allowed: ease, helped, ballot"),
        (
            'answers = ["yes"]',
            'answers = ["maybe"]',
            "maybe is no answer to helped; allowed: yes, no, refused",
        ),
        ('answers = ["yes"]', "answers = []", "needs at least 1 entries"),
        ('en = "Questions"', 'en = "Questions"\nopens = 22:00:00', "must be before closes"),
        ('en = "Questions"', 'en = "Questions"\nsha256 = "x"', "filled in by the program"),
        ("[answer_sets]", "[answer_sets", "not valid TOML"),
        ('id = "minutes"', 'id = "email"', "id looks like personal data"),
        ('id = "minutes"', 'id = "age"', "id looks like personal data; allowed: groups"),
        ('id = "helped"', 'id = "voted_for"', "id 'voted_for' looks like vote choice"),
        ('id = "helped"', 'id = "stem_op"', "looks like vote choice"),
        ('nl = "Hulp gehad?"', 'nl = "Op welke partij stemde u?"', "looks like vote choice"),
        ('nl = "Hulp gehad?"', 'nl = "Stond uw kandidaat erop?"', "looks like vote choice"),
        ('en = "Had help?"', 'en = "Whom did you vote for?"', "looks like vote choice"),
        ('nl = "Bekende"', 'nl = "VVD"', "answer friend 'VVD' looks like vote choice"),
    ],
)
def test_a_mistake_gives_one_clear_line(tmp_path, old, new, expected):
    assert old in SMALL
    file = write(tmp_path, SMALL.replace(old, new, 1))
    with pytest.raises(DesignError) as caught:
        load_questionnaire(file)
    text = str(caught.value)
    assert expected in text
    assert "survey_voters.toml: " in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("name", sorted(RESERVED_IDS))
def test_ids_that_are_columns_of_the_results_are_refused(tmp_path, name):
    file = write(tmp_path, SMALL.replace('"minutes"', f'"{name}"'))
    with pytest.raises(DesignError) as caught:
        load_questionnaire(file)
    assert f"the id {name} has another meaning in the results" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_mistake_in_the_only_question_is_one_line(tmp_path):
    text = SMALL[: SMALL.index('id = "helped"')].removesuffix("[[questions]]\n")
    assert load_questionnaire(write(tmp_path, text))
    file = write(tmp_path, text.replace('direction = "best_last"', "direct = 1"))
    with pytest.raises(DesignError) as caught:
        load_questionnaire(file)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("direct: is not a known key; remove it or correct its spelling")


def test_one_questionnaire_per_table(tmp_path):
    write(tmp_path, SMALL)
    write(tmp_path, SMALL, "survey_again.toml")
    with pytest.raises(DesignError, match="key table: voter_survey has a questionnaire already"):
        load_questionnaires(tmp_path)


def test_a_questionnaire_is_of_the_election_of_the_study(tmp_path, root):
    (tmp_path / "study.toml").write_bytes((root / "analysis/gr2026/study.toml").read_bytes())
    write(tmp_path, SMALL.replace("GR2026", "TK2025"))
    with pytest.raises(DesignError) as caught:
        be.load_study(tmp_path)
    assert "survey_voters.toml: key election: TK2025 is not the election" in str(caught.value)


def test_questionnaires_are_not_given_in_the_study_file(tmp_path, root):
    text = (root / "analysis/gr2026/study.toml").read_text(encoding="utf-8")
    (tmp_path / "study.toml").write_text("questionnaires = []\n" + text, encoding="utf-8")
    with pytest.raises(DesignError, match="key questionnaires: is filled in by the program"):
        be.load_study(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        *("partij", "stempartij", "party", "votedFor", "voted_for", "stem op", "gestemd_op"),
        *("kandidaat", "Kandidaten", "lijst", "lijstnummer", "kandidatenlijst", "list", "D66"),
        *("stemkeuze", "vote_choice", "Op wie heeft u gestemd?", "Stemde u vandaag op links?"),
        *("political preference", "voorkeurstem", "Who did you vote for?", "CDA of PvdA"),
        *("stemintentie", "listnumber", "list_nr", "Stemde u voor", "stem_voor", "mijn_stem"),
        *("Wat heeft u gestemd?", "Wie koos u?", "Voor wie koos u?", "Wie kreeg uw stem?"),
        *("Welke keuze maakte u?", "Which choice did you make?"),
        *("Who got your vote?", "Whom did you choose?", "stemde u links of rechts", "vote"),
        *("Leefbaar Rotterdam", "V.V.D.", "1. D66", "GL", "Groen Links", "D'66", "SP (lijst 6)"),
    ],
)
def test_what_looks_like_vote_choice(text):
    assert about_vote_choice(text)


@pytest.mark.parametrize(
    "text",
    [
        *("ease", "help_from", "used_before", "Met welk stembiljet stemt u liever?", "volt_meter"),
        *("Did you vote for the first time?", "listened", "counterpart", "ik denk het niet"),
        *("stembureau", "Hoe moeilijk was het stemmen?", "age_band", "enlisted"),
        *("Stemde u voor het eerst?", "Wie hielp u bij het stemmen?", "Who helped you vote?"),
        *("Weet u zeker dat uw stem geldig is?", "Is uw wijk leefbaar?", "stemhok_hulp", "voted"),
        *("Wat vond u lastig toen u stemde?", "10.000 tot 50.000 euro", "van glas"),
    ],
)
def test_what_does_not(text):
    assert not about_vote_choice(text)


def test_no_word_of_the_shipped_questionnaires_looks_like_vote_choice(gr2026):
    for questionnaire in gr2026.questionnaires:
        for column in questionnaire.layout():
            assert not vote_choice_sign(column.name, [column.nl, column.en, *column.allowed])


def test_a_column_with_parties_in_its_cells():
    assert vote_choice_sign("v12", ["VVD", "d66", "", "weet niet"])
    assert vote_choice_sign("keuze", ["1 VVD", "2 PvdA", "3 D66"])
    assert vote_choice_sign("v12", ["1. D66", "2.VVD", "(3) SP", "lijst 4: Volt"])
    assert vote_choice_sign("v12", ["V.V.D.", "P.v.d.A."])
    assert vote_choice_sign("v12", ["Leefbaar", "VVD (lijst 1)", "Partij voor de Dieren"])
    assert not vote_choice_sign("v12", ["VVD", "zon", "regen"])
    assert not vote_choice_sign("v12", ["ik denk het wel", "40 volt", "leefbaar hier"])
    assert not vote_choice_sign("v12", [])


@pytest.fixture
def frame():
    rows = [
        # ease, helped, staff, friend, dont_know, minutes, no_answer, remarks
        ("5", "yes", "yes", "no", "no", 5.0, "", "goed"),
        ("dont_know", "yes", "no", "yes", "no", np.nan, "", ""),
        ("", "yes", "", "", "yes", np.nan, "", ""),
        ("1", "no", "", "", "", np.nan, "", ""),
        ("2", "refused", "yes", "no", "no", 3.0, "", ""),
        ("3", "yes", "yes", "", "", np.nan, "dont_know", ""),
    ]
    names = ["ease", "helped", "helper_staff", "helper_friend", "helper_dont_know"]
    names += ["minutes", "minutes_no_answer", "remarks"]
    return pd.DataFrame(rows, columns=names, index=range(10, 16))


def test_who_was_asked_follows_the_routing(small, frame):
    assert asked(frame, small, "ease").tolist() == [True] * 6
    assert asked(frame, small, "helper").tolist() == [True, True, True, False, False, True]
    # Of row 14 the gate of the gate was not asked.
    assert asked(frame, small, "minutes").tolist() == [True, False, False, False, False, True]


def test_who_answered_and_what(small, frame):
    question = small.question
    assert answered(frame, question("ease")).tolist() == [True, True, False, True, True, True]
    assert answered(frame, question("helper")).tolist() == [True, True, True, False, True, False]
    assert missing_code(frame, question("minutes")).tolist() == ["", "", "", "", "", "dont_know"]
    ease = answers(frame, small, "ease")
    assert ease.dropna().to_dict() == {10: "5", 13: "1", 14: "2", 15: "3"}
    assert answers(frame, small, "minutes").dropna().to_dict() == {10: 5.0}
    helper = marked(frame, small, "helper")
    assert list(helper.columns) == ["staff", "friend"]
    assert helper.dropna().to_numpy().tolist() == [[1.0, 0.0], [0.0, 1.0]]
    with pytest.raises(ValueError, match="use marked"):
        answers(frame, small, "helper")
    with pytest.raises(ValueError, match="use answers"):
        marked(frame, small, "ease")
