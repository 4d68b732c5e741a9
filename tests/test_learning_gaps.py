"""Learning when something is missing: no silent number, no sentence that is not true."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.formatting import interval
from ballot_eval.reporting.drawings.learning import learning_figures
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.tables import learning as tables_learning
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


@pytest.mark.parametrize(
    ("say", "left_out", "rounded"),
    [
        (DUTCH, "EP2024 blijft buiten de vergelijking: van die", "afgeronde"),
        (ENGLISH, "EP2024 is left out of the comparison: too little", "rounded"),
    ],
    ids=["nl", "en"],
)
def test_an_election_that_is_left_out_is_told(unpublished, published, say, left_out, rounded):
    text = learning_sentences(say, unpublished)
    assert left_out in text["published_text"]
    assert rounded not in text["published_text"]
    assert text["published_source_text"] == ""
    assert rounded in learning_sentences(say, published)["published_text"]


def test_without_counts_or_shares_an_election_is_left_out(unpublished):
    (gone,) = of(unpublished, quantity="decomposition_naive", group="TK2025-EP2024")
    assert math.isnan(gone.estimate)
    assert "too little is known of EP2024" in gone.note
    items, study = unpublished.results.learning, unpublished.study
    assert "EP2024" not in tables_learning.excess(DUTCH, items, study)


def test_table_and_figure_show_one_number_about_the_fixed_set(published):
    (m,) = of(published, quantity="excess", group="EP2024", method="identity_rounded")
    assert (m.n, m.n_experiment) == (4, 4)
    (arguments, options) = learning_figures(DUTCH, published)["excess_by_exposure"]
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
    table = tables_learning.excess(DUTCH, published.results.learning, published.study)
    ends = interval(m.ci_lower, m.ci_upper, percent_sign=False, sign=True)
    assert ends in table.splitlines()[2]


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (DUTCH, "Bron van de afgeronde aandelen van EP2024: gepubliceerd in de officiële"),
        (ENGLISH, "Source of the rounded shares for EP2024: published in the official"),
    ],
    ids=["nl", "en"],
)
def test_the_source_of_published_shares_is_named(published, say, words):
    assert learning_sentences(say, published)["published_source_text"].startswith(words)


@pytest.mark.parametrize(
    ("say", "left_open", "down", "up", "untested", "ratio"),
    [
        (
            DUTCH,
            "de afronding laat open of het omhoog of omlaag ging.",
            "procentpunt omlaag (grenzen door afronding).",
            "procentpunt omhoog (grenzen door afronding).",
            "Van EP2024 zijn alleen afgeronde aandelen bekend",
            "keer zo groot geworden.",
        ),
        (
            ENGLISH,
            "rounding leaves open whether it went up or down.",
            "From EP2024 to TK2025 the effect went down by ",
            "From EP2024 to TK2025 the effect went up by ",
            "Of EP2024 only rounded shares are known",
            "times as large from EP2024 to TK2025.",
        ),
    ],
    ids=["nl", "en"],
)
def test_a_direction_is_told_only_when_rounding_leaves_one(
    root, say, left_open, down, up, untested, ratio
):
    def answer(*shares):
        study = be.load_study(root / "analysis/tk2025")
        values = changed(study).model_dump()
        values["learning"]["published"] = [
            {"election": "EP2024", "unit": unit, "share": share, "source": "x"}
            for unit, share in zip(("experiment", "rest"), shares, strict=True)
        ]
        other = simulate_panel(study, seed=4, effect=0.004)
        study = be.StudyDesign.model_validate(values)
        return learning_sentences(say, outcome_of(study, without(other, "EP2024")))

    wide = answer("1%", "0%")["learning_answer_text"]
    assert left_open in wide
    assert untested in wide
    assert up in answer("0.21%", "0.20%")["learning_answer_text"]
    said = answer("2.00%", "0.20%")
    assert ratio in said["learning_changes_text"]
    far = said["learning_answer_text"]
    assert down in far
    # A size has no sign where the sentence says the direction.
    assert "\u2212" not in far


def test_counts_of_the_exposed_alone_go_with_the_published_rest(study, rows):
    mixed = outcome_of(study, only(rows, "EP2024", FIVE))
    assert [e.election for e in mixed.learning.history.complete] == ["TK2025", "GR2026"]
    (m,) = of(mixed, quantity="excess", group="EP2024", subset="ballot")
    # Only the share of the rest is rounded.
    assert m.ci_upper - m.ci_lower == pytest.approx(0.0001)
    assert of(mixed, quantity="change_in_excess", method="randomisation")
    for say, said, rounded, counts in (
        (DUTCH, "EP2024 zijn niet alle aantallen", "afgeronde aandelen", "aantallen"),
        (ENGLISH, "For EP2024 not all counts are known", "rounded shares", "counts"),
    ):
        assert said in learning_sentences(say, mixed)["published_text"]
        text = tables_learning.excess(say, mixed.results.learning, study)
        assert text.count(rounded) == 1
        assert text.count(f"| {counts} |") == 4


def test_who_lacks_counts_is_named_and_counted(study, rows):
    lost = outcome_of(study, without(rows, "EP2019", ["0755"]))
    assert lost.learning.history.members == ("0484", "1730", "1842")
    sizes = {m.n_experiment for m in of(lost, quantity="excess", method="randomisation")}
    assert sizes == {3}
    for say, told in (
        (DUTCH, "Van Boekel ontbreken aantallen bij"),
        (ENGLISH, "For Boekel, counts are missing at"),
    ):
        assert told in learning_sentences(say, lost)["fixed_set_text"]


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
    for say, told in (
        (DUTCH, "alleen binnen drie groepen naar grootte"),
        (ENGLISH, "only within three groups by size"),
    ):
        assert told in learning_sentences(say, found)["learning_changes_text"]
    assert "EP2024" in tables_learning.changes(DUTCH, found.results.learning)


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
    for say, told, head in ((DUTCH, "Samen getoetst", "Samen"), (ENGLISH, "Tested join", "Joint")):
        assert told in learning_sentences(say, full)["learning_changes_text"]
        assert head in tables_learning.changes(say, full.results.learning).splitlines()[0]


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
    own = tables_learning.own_changes(DUTCH, full.results.learning, names)
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


WORD = re.compile(r"[^\W\d]\w+")

#: Words of the tables that are the same in Dutch and in English.
SHARED = {"Interval", "Effect", "effect", "Extra", "in", "per", "EP2024", "TK2025", "GR2026"}


def test_tables_of_learning_differ_in_their_words_alone(published):
    names = set(WORD.findall(" ".join(published.study.municipalities.values())))
    dutch, english = (tables_learning.learning_tables(say, published) for say in LANGUAGES)
    assert list(dutch) == list(english)
    for name, table in dutch.items():
        assert table.count("|") == english[name].count("|")
        assert set(WORD.findall(table)) & set(WORD.findall(english[name])) <= SHARED | names
