"""What the report says of surveys: who took no part, effective numbers, one comparison, reasons."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ballot_eval.reporting.tables.survey import response
from ballot_eval.reporting.wording.survey import survey_sentences
from ballot_eval.results import SurveyMeasure
from ballot_eval.topics.survey import SurveyResults

VOTERS = "voter_survey"


def measure(quantity, group, question="", answer="", **values):
    return SurveyMeasure(VOTERS, question, answer, quantity, group, **values)


def sample(*more):
    return [
        measure("respondents", "experiment", estimate=300.0),
        measure("respondents", "control", estimate=310.0),
        measure("effective_respondents", "experiment", estimate=250.0),
        *more,
    ]


@pytest.fixture
def sentences(gr2026):
    def say(measures, problem=""):
        survey = SurveyResults(gr2026.questionnaire(VOTERS), tuple(measures), problem=problem)
        results = SimpleNamespace(survey=measures)
        return survey_sentences(SimpleNamespace(study=gr2026, surveys=(survey,), results=results))

    return say


def test_who_took_no_part_is_said_with_its_meaning(sentences):
    took = [
        measure("participation", group, estimate=share, n=600)
        for group, share in (("experiment", 0.54), ("control", 0.60))
    ]
    text = sentences(sample(*took))["survey_sample_text"]
    said = "deed 46% met het nieuwe en 40% met het oude stembiljet niet mee. Wie niet meedeed, kan"
    assert f"Van de kiezers die zijn aangesproken, {said}" in text
    assert "is niet opgeschreven. Wie" in sentences(sample())["survey_sample_text"]
    hidden = measure("participation", "experiment", hidden=True)
    assert "is niet te tonen. Wie" in sentences(sample(hidden))["survey_sample_text"]


def test_a_survey_without_results_says_why_in_dutch(sentences):
    reason = (
        "the answers are of one polling station or one municipality, which does not show how much "
        "answers vary"
    )
    text = sentences([], problem=reason)["survey_sample_text"]
    assert text == (
        "Van de antwoorden van kiezers is niets te berekenen: de antwoorden komen van één "
        "stembureau of één gemeente, en dat laat niet zien hoe sterk antwoorden uiteenlopen."
    )


def test_one_comparison_has_words_of_its_own(sentences):
    def difference(question, estimate, p):
        return measure(
            "difference",
            "experiment-control",
            question,
            "counted",
            method="municipalities",
            weighting="municipality",
            estimate=estimate,
            ci_lower=estimate - 0.04,
            ci_upper=estimate + 0.04,
            p_value=p,
            p_adjusted=p,
        )

    one = sentences(sample(difference("ease", 0.01, 0.6)))["voters_compared_text"]
    assert one == (
        "Er is één vergelijking te tonen. Daarbij is geen verschil tussen het nieuwe en het oude "
        "stembiljet aangetoond."
    )
    clear = sentences(sample(difference("ease", 0.1, 0.001)))["voters_compared_text"]
    assert clear.startswith("Met het nieuwe stembiljet: op ‘")
    assert "alle vragen" not in clear
    both = [difference("ease", 0.01, 0.6), difference("sure", 0.01, 0.6)]
    assert sentences(sample(*both))["voters_compared_text"].startswith("Van de twee vergelijkingen")


def test_the_effective_number_is_by_weights_and_by_weights_and_stations(gr2026):
    share = measure(
        "share", "experiment", "ease", "counted", n=296.0, design_effect=2.0, estimate=0.5
    )
    hidden = measure("share", "control", "ease", "counted", hidden=True)
    header, _, new, old = response(sample(share, hidden), gr2026).strip().splitlines()
    assert [c.strip() for c in header.split("|")[-3:-1]] == [
        "Effectief door gewichten",
        "Effectief bij eerste uitkomst",
    ]
    assert [c.strip() for c in new.split("|")[-3:-1]] == ["250", "148"]
    assert [c.strip() for c in old.split("|")[-3:-1]] == ["–", "×"]
