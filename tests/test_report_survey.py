"""What the report says of surveys: who took no part, effective numbers, comparisons, reasons."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from ballot_eval.plan_topics import SurveyMargin
from ballot_eval.questionnaire import Answer, AskedWhen, Question, Questionnaire
from ballot_eval.reporting.drawings.survey import survey_figures
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.tables.survey import (
    answer_label,
    experience,
    item_response,
    lowered,
    questions,
    response,
    survey_tables,
)
from ballot_eval.reporting.wording.survey import survey_sentences
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey import SurveyResults

VOTERS, STATIONS, MUNICIPALITIES = "voter_survey", "station_survey", "municipality_survey"

BOTH = pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)


def measure(quantity, group, question="", answer="", table=VOTERS, **values):
    return SurveyMeasure(table, question, answer, quantity, group, **values)


def sample(*more):
    return [
        measure("respondents", "experiment", estimate=300.0),
        measure("respondents", "control", estimate=310.0),
        measure("effective_respondents", "experiment", estimate=250.0),
        *more,
    ]


def difference(question, estimate, p, answer="counted", *, quantity="difference", **values):
    return measure(
        quantity,
        "experiment-control",
        question,
        answer,
        method="municipalities",
        weighting="municipality",
        estimate=estimate,
        ci_lower=estimate - 0.04,
        ci_upper=estimate + 0.04,
        p_value=p,
        p_adjusted=p,
        **values,
    )


@pytest.fixture
def sentences(gr2026):
    """Return a function from measures to the sentences in a language."""

    def made(say, measures, *, table=VOTERS, study=gr2026, **values):
        survey = SurveyResults(study.questionnaire(table), tuple(measures), **values)
        results = SimpleNamespace(survey=measures)
        return survey_sentences(
            say, SimpleNamespace(study=study, surveys=(survey,), results=results)
        )

    return made


@pytest.mark.parametrize(
    ("say", "said", "meaning", "not_recorded", "not_shown"),
    [
        (
            DUTCH,
            "Van de kiezers die zijn aangesproken, deed 46% met het nieuwe en 40% met het oude "
            "stembiljet niet mee.",
            "Wie niet meedeed, kan anders denken",
            "Hoeveel kiezers niet meededen, is niet opgeschreven.",
            "Hoeveel kiezers niet meededen, is niet te tonen.",
        ),
        (
            ENGLISH,
            "Of the voters who were approached, 46% of those with the new and 40% of those with "
            "the old ballot paper did not take part.",
            "Those who did not take part may think differently",
            "How many voters did not take part was not recorded.",
            "How many voters did not take part cannot be shown.",
        ),
    ],
)
def test_who_took_no_part_is_said_with_its_meaning(
    sentences, say, said, meaning, not_recorded, not_shown
):
    took = [
        measure("participation", group, estimate=share, n=600)
        for group, share in (("experiment", 0.54), ("control", 0.60))
    ]
    hidden = measure("participation", "experiment", hidden=True)
    for more, words in ((took, said), ([], not_recorded), ([hidden], not_shown)):
        assert f"{words} {meaning}" in sentences(say, sample(*more))["survey_sample_text"]


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (
            DUTCH,
            "Er zijn antwoorden van 1 kiezer met het nieuwe stembiljet en geen met het oude "
            "stembiljet.",
        ),
        (
            ENGLISH,
            "Answers came from 1 voter with the new ballot paper and no voters with the old "
            "ballot paper.",
        ),
    ],
)
def test_a_group_without_answers_and_one_voter_have_words_of_their_own(sentences, say, words):
    one = [measure("respondents", "experiment", estimate=1.0)]
    assert sentences(say, one)["survey_sample_text"].startswith(words)
    hidden = [measure("respondents", group, hidden=True) for group in ("experiment", "control")]
    assert "1" not in sentences(say, hidden)["survey_sample_text"]


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (
            DUTCH,
            "Van de antwoorden van kiezers is niets te berekenen: de antwoorden komen van één "
            "stembureau of één gemeente, en dat laat niet zien hoe sterk antwoorden uiteenlopen.",
        ),
        (
            ENGLISH,
            "Nothing can be computed from the answers of voters: the answers are of one polling "
            "station or one municipality, which does not show how much answers vary.",
        ),
    ],
)
def test_a_survey_without_results_says_why(sentences, say, words):
    reason = (
        "the answers are of one polling station or one municipality, which does not show how much "
        "answers vary"
    )
    assert sentences(say, [], problem=reason)["survey_sample_text"] == words


@pytest.mark.parametrize(
    ("say", "none", "clear", "both", "mixed", "three"),
    [
        (
            DUTCH,
            "Er is één vergelijking te tonen. Daarbij is geen verschil tussen het nieuwe en het "
            "oude stembiljet aangetoond.",
            "Met het nieuwe stembiljet: op ‘Hoe moeilijk of makkelijk was het invullen van het "
            "stembiljet?’ antwoordt 10,0 procentpunt meer ‘Makkelijk of heel makkelijk’ (verschil "
            "+6,0 tot +14,0 procentpunt).",
            "Van de twee vergelijkingen die te tonen zijn, is bij geen een verschil",
            "Bij de andere vergelijking die te tonen is, is geen verschil aangetoond. De p-waarden",
            "Bij de twee andere die te tonen zijn, is geen verschil aangetoond. De p-waarden",
        ),
        (
            ENGLISH,
            "One comparison can be shown. It does not demonstrate a difference between the new "
            "and the old ballot paper.",
            "With the new ballot paper: the answer to ‘How difficult or easy was it to fill in the "
            "ballot paper?’ is ‘Easy or very easy’ 10.0 percentage points more often (difference "
            "+6.0 to +14.0 percentage points).",
            "Of the two comparisons that can be shown, none demonstrates a difference",
            "The other comparison that can be shown does not demonstrate a difference. The p-value",
            "The two others that can be shown do not demonstrate a difference. The p-values",
        ),
    ],
)
def test_comparisons_are_counted_in_words(sentences, say, none, clear, both, mixed, three):
    def compared(*found):
        return sentences(say, sample(*found))["voters_compared_text"]

    assert compared(difference("ease", 0.01, 0.6)) == none
    assert compared(difference("ease", 0.1, 0.001)) == clear
    sure, informed = difference("sure", 0.01, 0.6), difference("informed", 0.01, 0.6)
    assert compared(difference("ease", 0.01, 0.6), sure).startswith(both)
    assert mixed in compared(difference("ease", 0.1, 0.001), sure)
    assert three in compared(difference("ease", 0.1, 0.001), sure, informed)
    assert compared() not in (none, clear)


@pytest.mark.parametrize(
    ("say", "fewer", "mean"),
    [
        (DUTCH, "10,0 procentpunt minder ‘Ja’ (", "is het antwoord gemiddeld +2,0 (+2,0 tot +2,0)"),
        (
            ENGLISH,
            "is ‘Yes’ 10.0 percentage points less often (",
            "differs by +2.0 on average (+2.0 to +2.0)",
        ),
    ],
)
def test_fewer_answers_and_means_have_their_own_words(sentences, say, fewer, mean):
    assert fewer in sentences(say, [difference("sure", -0.1, 0.001)])["voters_compared_text"]
    helped = difference(
        "voters_asked_help", 2.0, 0.001, "", quantity="difference_mean", table=STATIONS
    )
    assert mean in sentences(say, [helped], table=STATIONS)["staff_compared_text"]


@pytest.mark.parametrize(
    ("say", "one", "more", "none"),
    [
        (DUTCH, "Dat verschil is ook met", "Die verschillen zijn ook met", "Bij geen vraag"),
        (
            ENGLISH,
            "That difference is shown with",
            "Those differences are shown with",
            "No question demonstrates a difference",
        ),
    ],
)
def test_those_who_used_it_before_are_compared_in_words(sentences, say, one, more, none):
    def said(*p_values):
        found = [
            measure(
                *("difference", "experiment", question, "counted"),
                method="within_stations",
                estimate=0.1,
                ci_lower=0.05,
                ci_upper=0.15,
                p_value=p,
            )
            for question, p in zip(("ease", "sure"), p_values, strict=True)
        ]
        return sentences(say, found)["voters_experience_text"]

    assert one in said(0.001, 0.5)
    assert more in said(0.001, 0.001)
    assert none in said(0.04, 0.5)
    assert say.p_value(0.001) in said(0.001, 0.5)


@pytest.mark.parametrize(
    ("say", "weights", "missing", "limit", "nowhere"),
    [
        (
            DUTCH,
            "Een gemeente telt zo zwaar als zij kiezers heeft.",
            "In Boekel en ’s-Hertogenbosch is niet van elk stembureau bekend",
            "Aantallen van minder dan tien antwoorden worden niet getoond",
            "Dat was nergens nodig.",
        ),
        (
            ENGLISH,
            "A municipality counts in proportion to its voters.",
            "In Boekel and ’s-Hertogenbosch, it is not known for every polling station",
            "Counts of fewer than ten answers are not shown",
            "This was not needed anywhere.",
        ),
    ],
)
def test_weights_and_threshold_are_said(sentences, gr2026, say, weights, missing, limit, nowhere):
    margins = tuple(
        SurveyMargin(question=name, shares=shares)
        for name, shares in (
            ("age_band", {"18_34": 0.5, "35_49": 0.5}),
            ("gender", {"man": 0.5, "woman": 0.5}),
        )
    )
    survey = gr2026.survey.model_copy(update={"weighting": "voter", "margins": margins})
    study = gr2026.model_copy(update={"survey": survey})
    made = sentences(say, sample(), study=study, unweighted=("0796", "0755"))
    text = made["survey_weights_text"]
    assert weights in text
    assert missing in text
    for question in ("age_band", "gender"):
        assert study.questionnaire(VOTERS).question(question).wording(say.code) in text
    assert limit in made["survey_threshold_text"]
    assert nowhere in made["survey_threshold_text"]
    hidden = measure("respondents", "control", hidden=True)
    assert nowhere not in sentences(say, [hidden])["survey_threshold_text"]


@pytest.mark.parametrize(
    ("say", "answer", "preference"),
    [
        (
            DUTCH,
            "zegt 76% ‘Makkelijk of heel makkelijk’; met het oude stembiljet is dat 71% (verschil "
            "+1,0 tot +9,0 procentpunt; een verschil is niet aangetoond). Op ‘",
            "Op ‘Met welk stembiljet stemt u liever?’ antwoordt 33% ‘Het nieuwe, kleine "
            "stembiljet’ (29–38%).",
        ),
        (
            ENGLISH,
            "76% answer ‘Easy or very easy’; with the old ballot paper it is 71% (difference +1.0 "
            "to +9.0 percentage points; no difference is shown). The answers to ‘",
            "The answers to ‘Which ballot paper do you prefer to vote with?’: 33% ‘The new, small "
            "ballot paper’ (29–38%).",
        ),
    ],
)
def test_the_summary_answers_what_voters_think(sentences, say, answer, preference):
    shares = [
        measure("share", group, *asked, estimate=share, ci_lower=0.29, ci_upper=0.38)
        for group, asked, share in (
            ("experiment", ("ease", "counted"), 0.76),
            ("control", ("ease", "counted"), 0.71),
            ("experiment", ("preference", "new"), 0.33),
        )
    ]
    made = sentences(say, [*shares, difference("ease", 0.05, 0.2)])
    assert answer in made["survey_answer_text"]
    assert made["survey_answer_text"].endswith(preference)
    assert made["voters_preference_text"] == preference
    clear = sentences(say, [*shares, difference("ease", 0.05, 0.01)])["survey_answer_text"]
    assert ";" not in clear.split("(")[1].split(")")[0]


@BOTH
def test_what_was_not_asked_or_cannot_be_shown_is_said(sentences, gr2026, say):
    other = {DUTCH: ENGLISH, ENGLISH: DUTCH}[say]
    nobody = SimpleNamespace(study=gr2026, surveys=(), results=SimpleNamespace(survey=()))
    few = measure("respondents", "experiment", table=MUNICIPALITIES, estimate=4.0)
    for made in (
        lambda s: survey_sentences(s, nobody),
        lambda s: sentences(s, []),
        lambda s: sentences(s, [few], table=MUNICIPALITIES),
    ):
        mine, theirs = made(say), made(other)
        assert all(mine.values())
        assert [name for name in mine if mine[name] == theirs[name]] == []
    text = sentences(say, [few], table=MUNICIPALITIES)["municipalities_compared_text"]
    assert say.municipalities(4) in text


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


@pytest.mark.parametrize(
    ("say", "headers", "who"),
    [
        (
            DUTCH,
            ["Effectief door gewichten", "Effectief bij eerste uitkomst"],
            ["kiezers", "nieuw", "–", "–", "300", "–", "250", "148"],
        ),
        (
            ENGLISH,
            ["Effective by weights", "Effective for first outcome"],
            ["voters", "new", "–", "–", "300", "–", "250", "148"],
        ),
    ],
)
def test_the_effective_number_is_by_weights_and_by_weights_and_stations(gr2026, say, headers, who):
    share = measure(
        "share", "experiment", "ease", "counted", n=296.0, design_effect=2.0, estimate=0.5
    )
    hidden = measure("share", "control", "ease", "counted", hidden=True)
    header, _, new, old = response(say, sample(share, hidden), gr2026).strip().splitlines()
    assert cells(header)[-2:] == headers
    assert cells(new) == who
    assert cells(old)[-2:] == ["–", "×"]


def questionnaire(*asked):
    return Questionnaire(table=VOTERS, election="GR2026", nl="V", en="Q", questions=asked)


@pytest.mark.parametrize(
    ("say", "answers", "asked"),
    [
        (
            DUTCH,
            [
                "Ja; Nee; of: weet niet",
                "Ik weet het; EU-brief (meer antwoorden mogelijk)",
                "getal van 0 tot 2.000; of: wil niet zeggen",
                "open vraag; de antwoorden staan niet in dit rapport",
            ],
            [
                "iedereen",
                "wie ‘ja of weet niet’ zei op: Wist u het?",
                "wie het nieuwe of oude stembiljet had",
                "wie het oude stembiljet had",
            ],
        ),
        (
            ENGLISH,
            [
                "Yes; No; or: don't know",
                "I just knew; EU letter (several answers possible)",
                "number from 0 to 2,000; or: prefers not to say",
                "open question; the answers are not in this report",
            ],
            [
                "everyone",
                "those who said ‘yes or don't know’ to: Did you know?",
                "those with the new or old ballot paper",
                "those with the old ballot paper",
            ],
        ),
    ],
)
def test_the_questions_are_listed_with_answers_and_to_whom(say, answers, asked):
    made = questions(
        say,
        questionnaire(
            Question(
                id="known", scale="yes_no", nl="Wist u het?", en="Did you know?", dont_know="dk"
            ),
            Question(
                id="how",
                scale="multiple",
                nl="Hoe?",
                en="How?",
                answers=(
                    Answer(code="self", nl="Ik weet het", en="I just knew"),
                    Answer(code="eu", nl="EU-brief", en="EU letter"),
                ),
                asked_when=AskedWhen(question="known", answers=("yes", "dk")),
            ),
            Question(
                id="times",
                scale="number",
                nl="Hoe vaak?",
                en="How often?",
                minimum=0,
                maximum=2000,
                refused="no",
                asked_when=AskedWhen(question="ballot", answers=("new", "old")),
            ),
            Question(
                id="more",
                scale="open",
                nl="Nog iets?",
                en="Anything else?",
                asked_when=AskedWhen(question="ballot", answers=("old",)),
            ),
        ),
    )
    rows = [cells(line) for line in made.splitlines()[2:]]
    assert [row[1] for row in rows] == answers
    assert [row[2] for row in rows] == asked


def test_a_label_within_a_sentence_keeps_the_capitals_it_needs():
    assert lowered("Very easy") == "very easy"
    assert lowered("I don't know") == "I don't know"
    assert lowered("I'm not sure") == "I'm not sure"
    assert lowered("Iemand anders") == "iemand anders"
    assert lowered("EU letter") == "EU letter"


@BOTH
def test_labels_are_in_the_language(gr2026, say):
    asked = gr2026.questionnaire(VOTERS).question("ease")
    assert answer_label(say, asked, "counted") == say(
        nl="Makkelijk of heel makkelijk", en="Easy or very easy"
    )
    assert answer_label(say, asked, "1") == say(nl="Heel moeilijk", en="Very difficult")
    assert answer_label(say, asked, "") == say(nl="gemiddelde", en="mean")


@BOTH
def test_no_table_of_a_survey_mixes_the_languages(gr2026, say):
    within = difference("ease", 0.1, 0.01)
    answered = measure("response", "experiment", "ease", "answered", n=300.0, count=280.0)
    measures = [*sample(), within, dataclasses.replace(within, method="within_stations"), answered]
    outcome = SimpleNamespace(study=gr2026, results=SimpleNamespace(survey=measures))
    tables = survey_tables(say, outcome)
    assert {"survey_response", "voter_outcomes", "voter_subgroups"} <= set(tables)
    other = say(nl="and or the with Question Answer New", en="en de het met Vraag Antwoord Nieuw")
    for name, text in tables.items():
        assert not set(other.split()) & set(text.replace(",", " ").split()), name
    asked = gr2026.questionnaire(VOTERS)
    assert asked.question("ease").wording(say.code) in experience(say, measures, asked)
    row = item_response(say, measures, asked).splitlines()[2]
    assert cells(row)[:4] == [
        asked.question("ease").wording(say.code),
        say(nl="nieuw", en="new"),
        "300",
        "280",
    ]


@BOTH
def test_figures_take_questions_answers_and_ballots_in_the_language(gr2026, say):
    shares = [
        measure("share", group, "ease", str(code), estimate=0.2, n=100.0)
        for group in ("experiment", "control")
        for code in range(1, 6)
    ]
    survey = SurveyResults(
        gr2026.questionnaire(VOTERS), (*shares, difference("ease", 0.1, 0.01)), problem=""
    )
    made = survey_figures(say, SimpleNamespace(study=gr2026, surveys=(survey,)))
    asked = gr2026.questionnaire(VOTERS).question("ease").wording(say.code)
    (questions_, ends, ballots, *_), _ = made["voter_answers"]
    assert questions_ == [asked]
    least, most = (
        say(nl="Heel moeilijk", en="Very difficult"),
        say(nl="Heel makkelijk", en="Very easy"),
    )
    assert ends == [(least, most)]
    assert ballots == [say(nl="nieuw", en="new"), say(nl="oud", en="old")]
    (labels, *_), _ = made["voter_differences"]
    counted = say(nl="Makkelijk of heel makkelijk", en="Easy or very easy")
    assert labels == [f"{asked} {counted}"]
