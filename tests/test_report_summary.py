"""The summary and the chapter on introduction: what is said for each verdict, both languages."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

import ballot_eval as be
from ballot_eval.estimation.forecast import Effect as Carried
from ballot_eval.estimation.forecast import forecast
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.wording.introduction import introduction_sentences
from ballot_eval.reporting.wording.summary import summary_sentences
from ballot_eval.results import Check, Effect, MarkingMeasure, Measure, Rate

NAN = math.nan
NOTHING = SimpleNamespace(voters={}, main="all")


def effect(outcome, weighting, numbers):
    return Effect(
        *(outcome, "att", "GR2026-GR2022", weighting, "GR2022", "randomisation"),
        *numbers,
        *(0.01, 11, 330, 999, False, 1),
    )


def rate(outcome):
    return Rate("GR2026", "experiment", outcome, 2000, 400_000, 0.005, 0.004, 0.006, "wilson")


MORE, LESS, NOT_SHOWN = (0.003, 0.002, 0.004), (-0.003, -0.004, -0.002), (0.001, 0.0, 0.002)
ABSENT = (NAN, NAN, NAN)


@pytest.fixture
def outcome_of(gr2026):
    """Return a function to an outcome of which nothing but these results was measured."""

    def made(primary=MORE, blank=NOT_SHOWN, checks=(), forecasts=None, **results):
        effects = [
            effect("invalid", "municipality", primary),
            effect("invalid", "ballot", primary),
            effect("blank", "municipality", blank),
        ]
        parts = {"marking": (), "learning": (), "voting_time": (), "counting_time": ()}
        found = SimpleNamespace(
            effects=effects,
            rates=[rate("invalid"), rate("blank")],
            checks=checks,
            **(parts | results),
        )
        learning = None if forecasts is None else SimpleNamespace(forecasts=forecasts)
        return SimpleNamespace(
            study=gr2026,
            results=found,
            primary=SimpleNamespace(effect=effects[0]),
            voting=NOTHING,
            counting=SimpleNamespace(paces={}),
            surveys=(),
            learning=learning,
        )

    return made


def both(outcome, name):
    return [summary_sentences(say, outcome)[name] for say in LANGUAGES]


@pytest.mark.parametrize(
    ("numbers", "dutch", "english"),
    [
        (MORE, "Ja: 0,50% van de stemmen", "Yes: 0.50% of the votes"),
        (LESS, "Nee, minder: ", "No, fewer: "),
        (NOT_SHOWN, "Geen verschil aangetoond: ", "No difference shown: "),
    ],
)
def test_the_main_answer_follows_the_verdict(outcome_of, numbers, dutch, english):
    nl, en = both(outcome_of(numbers), "summary_primary_text")
    assert nl.startswith(dutch)
    assert en.startswith(english)
    way = ("lager dan", "lower than") if numbers[0] < 0 else ("hoger dan", "higher than")
    assert way[0] in nl
    assert way[1] in en


def test_an_effect_that_rounds_to_zero_has_no_direction(outcome_of):
    nl, en = both(outcome_of(blank=(-0.00001, -0.001, 0.001)), "summary_other_text")
    assert "vrijwel zoveel als te verwachten was (−0,10 tot +0,10)" in nl
    assert "almost exactly as expected on average by municipality (−0.10 to +0.10)" in en
    assert "lager" not in nl
    assert "lower" not in en


def test_an_effect_that_is_not_shown_is_never_called_no_difference(outcome_of):
    for text in both(outcome_of(NOT_SHOWN), "summary_votes_text"):
        assert "niet aangetoond" in text or "has not been shown" in text
    nl, en = both(outcome_of(NOT_SHOWN), "summary_primary_text")
    assert "(0,00 tot +0,20)" in nl
    assert "(0.00 to +0.20)" in en


def test_an_effect_without_interval_or_estimate_has_no_direction(outcome_of):
    nl, en = both(outcome_of((0.003, NAN, NAN)), "summary_primary_text")
    assert nl.startswith("0,50%")
    assert "niet te berekenen" in nl
    assert "cannot be computed" in en
    nl, en = both(outcome_of(ABSENT), "summary_primary_text")
    assert nl == "Dat is niet te schatten."
    assert en == "This cannot be estimated."


def test_the_effect_in_votes_is_that_of_the_votes_cast(outcome_of):
    nl, en = both(outcome_of(MORE), "summary_votes_text")
    assert nl == (
        "Ongeveer 1.200 ongeldige stemmen meer dan te verwachten was, van de 400.000 uitgebrachte "
        "stemmen (+800 tot +1.600)."
    )
    assert en == "About 1,200 more invalid votes than expected, of the 400,000 votes cast " + (
        "(+800 to +1,600)."
    )


def test_what_was_not_measured_is_said_in_every_answer(outcome_of):
    said = summary_sentences(DUTCH, outcome_of())
    for name, piece in (
        ("reasons", "redenen van ongeldigheid zijn niet gemeten"),
        ("learning", "leereffect is niet gemeten"),
        ("booth", "tijd in het stemhokje is niet gemeten"),
        ("counting", "tijd voor het tellen is niet gemeten"),
        ("accuracy", "is er niet"),
        ("survey", "Kiezers zijn niet gevraagd. Stembureauleden zijn niet gevraagd."),
        ("turnout", "opkomst is niet gemeten"),
        ("national", "niet te berekenen"),
    ):
        assert piece in said[f"summary_{name}_text"]
    english = " ".join(summary_sentences(ENGLISH, outcome_of()).values())
    for word in ("niet", "stemm", "gemeten", "kiezers"):
        assert word not in english.lower()
    unknown = introduction_sentences(DUTCH, outcome_of())["introduction_unknown_text"]
    assert unknown.startswith("Niet gemeten: de redenen van ongeldigheid, hoe vaak alleen")


@pytest.mark.parametrize(
    ("variants", "dutch", "english"),
    [
        (("non_inferior", "equivalent"), "naar beide kanten", "either way"),
        (("non_inferior", "not_shown"), "Aangetoond is dat een toename", "Any increase has been"),
        (("not_shown", "not_shown"), "is niet aangetoond.", "has not been shown."),
    ],
)
def test_a_margin_of_the_plan_is_answered(outcome_of, gr2026, variants, dutch, english):
    checks = [
        Check(
            *(name, variant, "invalid", "municipality", "GR2022", "randomisation"),
            *(*MORE, 0.01, 11, 330),
        )
        for name, variant in zip(("non_inferiority", "equivalence"), variants, strict=True)
    ]
    outcome = outcome_of(checks=checks)
    analysis = gr2026.analysis.model_copy(update={"margin": 0.01})
    outcome.study = gr2026.model_copy(update={"analysis": analysis})
    nl, en = both(outcome, "summary_primary_text")
    assert dutch in nl
    assert "1,00 procentpunt" in nl
    assert english in en


def change(numbers, group="GR2026-EP2024", method="randomisation_studentised", subset=""):
    low, high = numbers[1:]
    return Measure(
        "change_in_excess", group, subset or "municipality", method, numbers[0], low, high
    )


@pytest.mark.parametrize(
    ("numbers", "dutch"),
    [
        (MORE, "nam het effect toe van EP2024 naar GR2026"),
        (LESS, "nam het effect af van EP2024 naar GR2026"),
        (NOT_SHOWN, "veranderde het effect niet aantoonbaar van EP2024 naar GR2026"),
    ],
)
def test_learning_is_from_the_first_use_to_the_last(outcome_of, numbers, dutch):
    learning = (change(MORE, "GR2026-TK2025"), change(numbers))
    nl, en = both(outcome_of(learning=learning), "summary_learning_text")
    assert dutch in nl
    assert "from EP2024 to GR2026" in en


def test_what_rounding_leaves_open_is_not_called_tested(outcome_of):
    learning = (change(MORE, method="identity_rounded", subset="ballot"),)
    nl, en = both(outcome_of(learning=learning), "summary_learning_text")
    assert "te toetsen is het niet" in nl
    assert "cannot be tested" in en


def stations(election, numbers, level="DSO"):
    return MarkingMeasure(
        *("counting_differences", election, "experiment-control", level, "stations_any_share"),
        *("randomisation_stations", *numbers),
    )


def test_a_change_in_counting_differences_goes_before_a_level(outcome_of):
    level, change_ = stations("GR2026", MORE), stations("GR2026-GR2022", LESS)
    nl, en = both(outcome_of(marking=(level, change_)), "summary_accuracy_text")
    assert "DSO minder vaak (−0,3 procentpunt" in nl
    assert "geen effect" not in nl
    nl, en = both(
        outcome_of(marking=(level, stations("GR2026-GR2022", ABSENT))), "summary_accuracy_text"
    )
    assert "DSO vaker" in nl
    assert "geen effect" in nl
    assert "not an effect" in en


def turnout(numbers, note=""):
    return Check(
        *("placebo_outcome", "turnout", "turnout", "municipality", "GR2022", "randomisation"),
        *(*numbers, 0.2, 11, 330, note),
    )


@pytest.mark.parametrize(
    ("numbers", "dutch"),
    [
        (MORE, "Ja: zij is hoger"),
        (LESS, "Ja: zij is lager"),
        (NOT_SHOWN, "Geen verschil met de controlegemeenten aangetoond"),
        ((0.01, NAN, NAN), "Het verschil met de controlegemeenten is niet te toetsen"),
    ],
)
def test_turnout_follows_the_verdict(outcome_of, numbers, dutch):
    nl, _ = both(outcome_of(checks=[turnout(numbers)]), "summary_turnout_text")
    assert nl.startswith(dutch)


def scenario(label, low):
    carried = Carried(0.003, low, 0.006)
    return forecast(0.0025, 1_000_000, carried, label=label, scale="additive")


def test_the_national_answer_counts_votes_to_hundreds(outcome_of):
    outcome = outcome_of(forecasts=[scenario("no_further_learning", 0.001)])
    nl, en = both(outcome, "summary_national_text")
    assert "0,55% in plaats van 0,25%: ongeveer 3.000 ongeldige stemmen meer" in nl
    assert "(+1,000 to +6,000)" in en
    assert "niet aangetoond" not in nl
    # Ten votes: shown, although hundreds round them to none.
    small = outcome_of(forecasts=[scenario("no_further_learning", 0.00001)])
    assert "niet aangetoond" not in both(small, "summary_national_text")[0]
    touching = outcome_of(forecasts=[scenario("no_further_learning", 0.0)])
    assert "niet aangetoond" in both(touching, "summary_national_text")[0]


def test_first_and_later_use_stand_beside_each_other(outcome_of):
    outcome = outcome_of(forecasts=[scenario("first_use", 0.001), scenario("most_exposures", 0.0)])
    outcome.results.learning = (
        Measure("later_against_first", "GR2026", "municipality", "exact_permutation", *NOT_SHOWN),
    )
    text = introduction_sentences(DUTCH, outcome)["introduction_uses_text"]
    assert "+3.000 (95%-interval +1.000 tot +6.000)" in text
    assert text.endswith("niet aangetoond.")
    alone = outcome_of(forecasts=[scenario("no_further_learning", 0.001)])
    text = introduction_sentences(ENGLISH, alone)["introduction_uses_text"]
    assert text.endswith("cannot be computed at this election.")
    # In the other plan all used it before.
    alone.study = be.load_study("tk2025")
    text = introduction_sentences(ENGLISH, alone)["introduction_uses_text"]
    assert text.endswith("beside others that had used it before.")


def booths(group, value, low, high):
    fields = {"subset": "60_arrivals_per_hour", "method": "queue_simulation"}
    return Measure("booths_needed", group, estimate=value, ci_lower=low, ci_upper=high, **fields)


def test_booths_are_named_only_where_a_difference_is_shown(outcome_of):
    rows = [booths("new", 1.0, 1, 1), booths("old", 2.0, 2, 2), booths("new-old", -1.0, -1, -1)]
    shown = introduction_sentences(DUTCH, outcome_of(voting_time=rows))
    assert "1 stemhokje in plaats van 2" in shown["introduction_booths_text"]
    rows[2] = replace(rows[2], ci_upper=0.0)
    hidden = introduction_sentences(ENGLISH, outcome_of(voting_time=rows))
    assert "has not been shown" in hidden["introduction_booths_text"]


def work(numbers):
    return Measure("work_ratio", "new/old", "DSO", "mixed_model", *numbers)


@pytest.mark.parametrize(
    ("numbers", "dutch", "minutes"),
    [
        ((0.8, 0.7, 0.9), "20% minder werk", "−20 (−30 tot −10) op 100 minuten."),
        ((1.2, 1.1, 1.3), "20% meer werk", "+20 (+10 tot +30) op 100 minuten."),
        ((0.9, 0.8, 1.0), "geen verschil aangetoond", "minuten, een verschil is niet aangetoond."),
    ],
)
def test_work_at_the_count_follows_the_ratio(outcome_of, numbers, dutch, minutes):
    old = Measure(
        "mean_person_minutes_per_100_ballots", "old", "DSO", "finished_counts", 100.0, 90.0, 110.0
    )
    outcome = outcome_of(counting_time=(work(numbers), old))
    outcome.counting = SimpleNamespace(paces={"DSO": {}})
    nl, _ = both(outcome, "summary_counting_text")
    assert dutch in nl
    assert minutes in introduction_sentences(DUTCH, outcome)["introduction_counting_text"]
