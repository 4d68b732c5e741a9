"""Reasons for missing numbers: from what estimators say to the files and to both reports."""

from __future__ import annotations

import numpy as np
import pytest

from ballot_eval.estimation.adjusted import adjusted_randomisation_test
from ballot_eval.estimation.assignments import draw_assignments
from ballot_eval.estimation.clusters import cluster_design, cluster_ols
from ballot_eval.estimation.counts import did_ratio
from ballot_eval.estimation.staggered import NEVER, group_time_effects
from ballot_eval.estimation.synthetic import synthetic_effect
from ballot_eval.reasons import OTHER, REASONS, plain_reason, told_reason
from two_languages import DUTCH, ENGLISH, foreign_words

ROLE = np.arange(12) < 3
RATES = np.random.default_rng(1).normal(size=(12, 3))


def one_cluster():
    x = np.column_stack([np.ones(12), np.arange(12) < 1])
    cluster_ols(cluster_design(x, [f"{c:04}" for c in range(12)]), RATES[:, 0], method="crv3")


def one_in_group():
    adoption = np.where(np.arange(12) < 1, 2.0, NEVER)
    group_time_effects(RATES, np.arange(3.0), adoption)


def one_period_before():
    synthetic_effect(RATES[:, :2], ROLE, n_post=1, method="synthetic_did", solver="exact")


def saturated():
    drawn = draw_assignments(ROLE[:6], draws=9, max_exact=99, seed=0)
    x = np.random.default_rng(2).normal(size=(6, 4))
    adjusted_randomisation_test(RATES[:6, 0], ROLE[:6], drawn, covariates=x)


def no_events():
    unit, period = np.repeat(np.arange(12), 2), np.tile([0, 1], 12)
    new = np.repeat(ROLE, 2) & (period == 1)
    did_ratio(np.zeros(24), np.full(24, 99), unit, period, new, method="quasi_poisson")


#: What the braces of a reason hold in notes.
FOUND = {
    "who": "0001, 0002",
    "two": "GR2018 and GR2022",
    "several": "GR2018, GR2022",
    "where": "X1",
}


@pytest.mark.parametrize(
    ("work", "note", "dutch", "english"),
    [
        (
            one_cluster,
            "rests on municipality 0000 alone",
            "het effect rust op Adorp alleen",
            "the effect rests on Adorp alone",
        ),
        (
            one_in_group,
            "a side has one municipality",
            "één gemeente laat niet zien",
            "one municipality does not show",
        ),
        (
            one_period_before,
            "needs two earlier elections",
            "heeft twee eerdere verkiezingen nodig",
            "the method needs two earlier elections",
        ),
        (
            saturated,
            "too few municipalities for these",
            "te weinig gemeenten om met deze",
            "too few municipalities to take these",
        ),
        (
            no_events,
            "no votes of this kind at one of",
            "bij een van de verkiezingen",
            "at one of the elections there were no",
        ),
    ],
)
def test_what_estimators_say_becomes_words_about_municipalities(work, note, dutch, english):
    with pytest.raises(ValueError, match=r".") as caught:
        work()
    said = plain_reason(caught.value)
    assert note in said
    assert dutch in told_reason(said, {"0000": "Adorp"})
    assert english in told_reason(said, {"0000": "Adorp"}, language="en")


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.note[:40])
def test_every_note_is_told_in_both_languages(reason):
    names = {"0001": "Adorp", "0002": "Bedum"}
    note = reason.note.format(**FOUND)
    # What a note holds is told by its own reason, and stays as it is when it is read again.
    dutch = reason.dutch.format(
        who="Adorp, Bedum", two="GR2018 als GR2022", several="GR2018, GR2022", where="X1"
    )
    assert told_reason(note, names) == dutch
    english = told_reason(note, names, language="en")
    lists = {"who": "Adorp and Bedum", "several": "GR2018 and GR2022"}
    assert english == (reason.english or reason.note).format(**FOUND | lists)
    assert foreign_words(english, DUTCH) == foreign_words(dutch, ENGLISH) == set()
    assert plain_reason(note) == note


def test_the_english_report_speaks_no_slang_of_statistics():
    for reason in REASONS:
        told = reason.told("en").replace("control municipalit", "")
        assert not {"strata", "stratum", "controls", "control", "baseline"} & set(told.split())


def test_an_unknown_reason_stays_as_it_is():
    assert plain_reason("something else") == "something else"
    assert told_reason("something else", {}) == OTHER["nl"] == "deze gegevens laten het niet toe"
    assert told_reason("something else", {}, language="en") == "these data do not allow it"


def test_of_long_lists_the_rest_is_counted():
    note = "no public facts on " + ", ".join(f"{n:04}" for n in range(20))
    names = {"0000": "Adorp"}
    dutch, english = (told_reason(note, names, language=code) for code in ("nl", "en"))
    assert dutch.startswith("van Adorp, 0001, ")
    assert "0011 en nog 8 zijn" in dutch
    assert english.startswith("the public characteristics of Adorp, 0001, ")
    assert "0011 and 8 more are not known" in english


@pytest.mark.parametrize(
    ("codes", "english"),
    [
        ("0000", "left out, having no reasons for invalidity: Adorp"),
        ("0000, 0001", "left out, having no reasons for invalidity: Adorp and Bedum"),
        ("0000, 0001, 0002", "left out, having no reasons for invalidity: Adorp, Bedum and 0002"),
    ],
)
def test_lists_of_names_end_in_and(codes, english):
    note = f"left out without reasons of invalidity: {codes}"
    assert told_reason(note, {"0000": "Adorp", "0001": "Bedum"}, language="en") == english
