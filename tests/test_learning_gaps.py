"""Learning when something is missing: no silent number, no sentence that is not true."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.estimation.learning_decay import decay
from ballot_eval.formatting import interval
from ballot_eval.reporting.drawings.learning import learning_figures
from ballot_eval.reporting.tables import learning as tables_learning
from ballot_eval.reporting.wording.decay import decay_sentence
from ballot_eval.reporting.wording.learning import learning_sentences
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel
from ballot_eval.topics.learning import learning_results
from ballot_eval.validation.checks import missing_learning, missing_learning_controls

FIVE = ["0484", "0755", "0147", "1842", "1730"]
FOUR = ("0484", "0755", "1730", "1842")


@pytest.fixture(scope="module")
def study(gr2026):
    return changed(gr2026)


def changed(study, **analysis):
    values = study.model_dump()
    values["analysis"] |= {"draws": 499, "max_exact": 400} | analysis
    return be.StudyDesign.model_validate(values)


@pytest.fixture(scope="module")
def rows(gr2026):
    return simulate_panel(gr2026, seed=4, effect=0.004)


def outcome_of(study, rows):
    tables = {name: pd.DataFrame(columns=list(table.names)) for name, table in TABLES.items()}
    tables["municipality_results"] = rows
    learning = learning_results(be.build_panel(tables, study), tables)
    results = SimpleNamespace(learning=learning.measures)
    return SimpleNamespace(study=study, learning=learning, results=results)


def of(outcome, **wanted):
    found = outcome.results.learning
    return [m for m in found if all(getattr(m, k) == v for k, v in wanted.items())]


def without(rows, election, codes=None):
    gone = rows["election_id"] == election
    return rows[~gone if codes is None else ~(gone & rows["municipality_code"].isin(codes))]


def only(rows, election, codes):
    return rows[(rows["election_id"] != election) | rows["municipality_code"].isin(codes)]


@pytest.fixture(scope="module")
def unpublished(study, rows):
    values = study.model_dump()
    values["learning"]["published"] = ()
    return outcome_of(be.StudyDesign.model_validate(values), without(rows, "EP2024"))


@pytest.fixture(scope="module")
def published(study, rows):
    return outcome_of(study, without(rows, "EP2024"))


def test_without_counts_or_shares_an_election_is_said_to_be_left_out(unpublished):
    text = learning_sentences(unpublished)
    assert "EP2024 blijft buiten de vergelijking" in text["published_text"]
    assert "afgeronde" not in text["published_text"]
    assert text["published_source_text"] == ""
    (gone,) = of(unpublished, quantity="decomposition_naive", group="TK2025-EP2024")
    assert math.isnan(gone.estimate)
    assert "too little is known of EP2024" in gone.note
    assert "EP2024" not in tables_learning.excess(unpublished.results.learning, unpublished.study)


def test_table_and_figure_show_one_number_about_the_fixed_set(published):
    (m,) = of(published, quantity="excess", group="EP2024", method="identity_rounded")
    assert (m.n, m.n_experiment) == (4, 4)
    (arguments, options) = learning_figures(published)["excess_by_exposure"]
    labels, uses, estimates, lower, _ = arguments
    assert labels == ["EP2024", "TK2025", "GR2026"]
    assert uses == [1, 2, 3]
    assert estimates[0] == m.estimate
    assert math.isnan(lower[0])
    assert (options["rounded"][0][0], options["rounded"][1][0]) == (m.ci_lower, m.ci_upper)
    assert "Borne" not in options["municipalities"]
    assert len(options["municipalities"]) == 4
    low, high = options["own_rounded"]["Boekel"]
    assert high[0] - low[0] == pytest.approx(0.0011)
    assert math.isnan(low[1])
    line = tables_learning.excess(published.results.learning, published.study).splitlines()[2]
    assert interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True) in line
    assert "officiële evaluatie" in learning_sentences(published)["published_source_text"]


def test_a_direction_is_told_only_when_rounding_leaves_one(root):
    def answer(*shares):
        study = be.load_study(root / "analysis/tk2025")
        values = changed(study).model_dump()
        values["learning"]["published"] = [
            {"election": "EP2024", "unit": unit, "share": share, "source": "x"}
            for unit, share in zip(("experiment", "rest"), shares, strict=True)
        ]
        other = simulate_panel(study, seed=4, effect=0.004)
        study = be.StudyDesign.model_validate(values)
        return learning_sentences(outcome_of(study, without(other, "EP2024")))

    wide = answer("1%", "0%")["learning_answer_text"]
    assert "laat open of het omhoog of omlaag ging" in wide
    far = answer("2.00%", "0.20%")["learning_answer_text"]
    assert "procentpunt omlaag (grenzen door afronding)" in far
    assert "\u2212" not in far.partition("omlaag")[0]


def test_counts_of_the_exposed_alone_go_with_the_published_rest(study, rows):
    mixed = outcome_of(study, only(rows, "EP2024", FIVE))
    assert [e.election for e in mixed.learning.history.complete] == ["TK2025", "GR2026"]
    (m,) = of(mixed, quantity="excess", group="EP2024", subset="ballot")
    # Only the share of the rest is rounded.
    assert m.ci_upper - m.ci_lower == pytest.approx(0.0001)
    assert of(mixed, quantity="change_in_excess", method="randomisation")
    assert "EP2024 zijn niet alle aantallen" in learning_sentences(mixed)["published_text"]
    text = tables_learning.excess(mixed.results.learning, study)
    assert text.count("afgeronde aandelen") == 1
    assert text.count("aantallen") == 4


def test_who_lacks_counts_is_named_and_counted(study, rows):
    lost = outcome_of(study, without(rows, "EP2019", ["0755"]))
    assert lost.learning.history.members == ("0484", "1730", "1842")
    sizes = {m.n_experiment for m in of(lost, quantity="excess", method="randomisation")}
    assert sizes == {3}
    text = learning_sentences(lost)["fixed_set_text"]
    assert "Van Boekel ontbreken aantallen" in text


def test_one_use_with_counts_is_still_about_the_fixed_set(study, rows):
    few = outcome_of(study, without(without(rows, "EP2024"), "TK2025"))
    found = of(few, quantity="excess", group="GR2026", method="randomisation")
    assert {m.n_experiment for m in found} == {4}
    assert few.learning.history.fixed_set == FOUR


def test_findings_name_who_is_missing(study, rows):
    def context(kept):
        def today(election):
            mine = kept[kept["election_id"] == election]
            return mine.set_index("municipality_code")

        return SimpleNamespace(study=study, today=today)

    gone = context(without(rows, "EP2019", ["0755", "0363"]))
    (hit,) = missing_learning(gone)
    assert (hit.election, hit.code, hit.detail) == ("EP2019", "0755", ": Boekel")
    (hit,) = missing_learning_controls(gone)
    assert hit.election == "EP2019"
    assert hit.value.split() == ["controls=329", "of", "330"]
    assert list(missing_learning(context(rows))) == []
    (hit,) = missing_learning_controls(context(only(rows, "EP2024", FIVE)))
    assert hit.value == "controls=0 of 330"


def test_strata_of_the_plan_are_used_and_told(gr2026, rows):
    values = gr2026.model_dump()
    values["analysis"] |= {"draws": 499, "max_exact": 400, "strata": {"size_groups": 3}}
    found = outcome_of(be.StudyDesign.model_validate(values), rows)
    (m,) = of(
        found,
        quantity="change_in_excess",
        group="TK2025-EP2024",
        subset="municipality",
        method="randomisation_studentised",
    )
    assert math.isnan(m.estimate)
    assert "strata" in m.note
    text = learning_sentences(found)["learning_changes_text"]
    assert "alleen binnen drie groepen naar grootte" in text
    assert "EP2024" in tables_learning.changes(found.results.learning)


def test_joint_p_values_are_studentised_and_shown(study, rows):
    full = outcome_of(study, rows)
    joint = of(full, quantity="change_in_excess_joint", subset="municipality")
    assert [m.group for m in joint] == ["TK2025-EP2024", "GR2026-TK2025", "GR2026-EP2024"]
    assert {m.method for m in joint} == {"max_t_studentised"}
    for m in joint:
        (alone,) = of(
            full,
            quantity="change_in_excess",
            group=m.group,
            subset="municipality",
            method="randomisation_studentised",
        )
        assert alone.p_value <= m.p_value <= 1
    assert "Samen getoetst" in learning_sentences(full)["learning_changes_text"]
    assert "Samen" in tables_learning.changes(full.results.learning).splitlines()[0]


def test_pooled_ratios_are_those_of_the_counts(study, rows):
    full = outcome_of(study, rows)
    (m,) = of(full, quantity="change_in_ratio", group="GR2026-EP2024", subset="ballot")
    history = full.learning.history
    codes, fixed = history.common()

    def rate(election, group):
        frame = history.counts[election].loc[codes[group]].sum()
        return frame["events"] / frame["ballots"]

    def effect(now, then):
        return rate(now, fixed) / rate(then, fixed) / (rate(now, ~fixed) / rate(then, ~fixed))

    wanted = effect("GR2026", "GR2022") / effect("EP2024", "EP2019")
    assert m.estimate == pytest.approx(wanted, rel=1e-12)
    names = {c: full.study.municipalities[c] for c in FOUR}
    own = tables_learning.own_changes(full.results.learning, names)
    assert len(own.splitlines()) == 2 + 4 * 3


def test_forecasts_count_the_municipalities_they_rest_on(study, rows):
    found = of(outcome_of(study, rows), quantity="forecast_share", subset="additive")
    sizes = {m.group: (m.n, m.draws, m.seed) for m in found}
    assert sizes == {
        "no_further_learning": (11, 499, 2026),
        "first_use": (7, 499, 2026),
        "most_exposures": (4, 499, 2026),
        "best_municipality": (1, 0, 0),
    }


@pytest.mark.parametrize(
    ("excess", "words", "never"),
    [
        ([0.0040, 0.0020, 0.0010], "Het effect daalt", "groeit"),
        ([0.0020, 0.0030, 0.0035], "Het effect groeit", "Het effect daalt"),
        ([0.0020, 0.0030, 0.0025], "geen kromme", "halveert"),
    ],
)
def test_a_curve_is_told_by_its_sign_with_its_limits(excess, words, never):
    curve = decay(np.array(excess), np.diag([1e-8] * 3), draws=2000, seed=1)
    text = decay_sentence(SimpleNamespace(learning=SimpleNamespace(decay=curve)))
    assert words in text
    assert never not in text
    if not math.isnan(curve.half_life):
        assert "1,0 keer (" in text
        assert (
            interval(curve.asymptote_lower, curve.asymptote_upper, percent_sign=False, sign=True)
            in text
        )
