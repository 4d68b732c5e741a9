"""Reasons for missing numbers: from what estimators say to the files and the Dutch report."""

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


@pytest.mark.parametrize(
    ("work", "english", "dutch"),
    [
        (one_cluster, "rests on municipality 0000 alone", "het effect rust op Adorp alleen"),
        (one_in_group, "a side has one municipality", "één gemeente laat niet zien"),
        (one_period_before, "needs two earlier elections", "heeft twee eerdere verkiezingen nodig"),
        (saturated, "too few municipalities for these", "te weinig gemeenten om met deze"),
        (no_events, "no votes of this kind at one of", "bij een van de verkiezingen"),
    ],
)
def test_what_estimators_say_becomes_words_about_municipalities(work, english, dutch):
    with pytest.raises(ValueError, match=r".") as caught:
        work()
    note = plain_reason(caught.value)
    assert english in note
    assert dutch in told_reason(note, {"0000": "Adorp"})


def test_every_note_is_found_again_whatever_it_names():
    for reason in REASONS:
        note = reason.english.format(
            **dict.fromkeys(("who", "two", "several", "where"), "0001 and 0002")
        )
        assert told_reason(note, {}) != OTHER
        assert "{" not in told_reason(note, {})


def test_an_unknown_reason_stays_as_it_is_and_long_lists_are_counted():
    assert plain_reason("something else") == "something else"
    assert told_reason("something else", {}) == OTHER
    note = "no public facts on " + ", ".join(f"{n:04}" for n in range(20))
    found = told_reason(plain_reason(note), {"0000": "Adorp"})
    assert found.startswith("van Adorp, 0001, ")
    assert "0011 en nog 8 zijn" in found
    assert plain_reason(note) == note
