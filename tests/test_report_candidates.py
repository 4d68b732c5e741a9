"""What the report says of preference votes and repeated numbers, also where some are missing."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.formatting import interval, number, percent
from ballot_eval.reporting.drawings.candidates import candidate_figures
from ballot_eval.reporting.drawings.invalid_votes import display_names
from ballot_eval.reporting.tables.candidates import (
    METHODS,
    REASONS,
    candidate_tables,
    preference_lists,
)
from ballot_eval.reporting.wording.candidates import (
    NO_CANDIDATES,
    NO_PARTY_ONLY,
    candidate_sentences,
)
from ballot_eval.results import MarkingMeasure
from ballot_eval.simulation import CANDIDATE_TRUTH, simulate_candidates
from ballot_eval.topics.marking import marking_results
from candidate_frames import few_draws, simulated_panel, valid_votes


@pytest.fixture(scope="module")
def told(gr2026):
    """Return a function from a change of the simulated candidates to an outcome of a run."""
    panel = simulated_panel(few_draws(gr2026, 199))
    rows = valid_votes(panel, "GR2022", "GR2026")

    def run(change=lambda frame: frame, *, repeat=0.02, party_only=None):
        truth = replace(CANDIDATE_TRUTH, repeat_share=repeat)
        _, frame = simulate_candidates(rows, panel.study, seed=5, truth=truth)
        accepted = {"candidate_results": change(frame)}
        if party_only is not None:
            accepted["party_only_votes"] = party_only
        found = tuple(
            m
            for m in marking_results(accepted, panel)
            if m.topic in ("preference", "repeated_number")
        )
        results = be.ResultSet(panel.study.id, (), (), (), marking=found)
        return SimpleNamespace(study=panel.study, panel=panel, results=results)

    return run


def tables_of(outcome):
    return candidate_tables(outcome.results, outcome.study, display_names(outcome.study))


def test_that_there_are_no_candidates_is_said_once(told):
    outcome = told(lambda frame: frame.head(0))
    said = candidate_sentences(outcome)
    assert {name: text for name, text in said.items() if text} == {"preference_text": NO_CANDIDATES}
    assert tables_of(outcome) == {}
    assert candidate_figures(outcome) == {}


def test_every_name_in_the_section_is_made(told, root):
    outcome = told()
    section = (root / "report/_voorkeur.qmd").read_text(encoding="utf-8")
    names = set(re.findall(r"var (\w+)", section))
    assert names - set(candidate_sentences(outcome)) == {"election"}
    made = tables_of(outcome)
    # Lists are compared one by one where they are the same everywhere.
    assert set(re.findall(r"< table (\w+)", section)) - set(made) == {"preference_lists"}
    assert set(re.findall(r"< figure (\w+)", section)) == set(candidate_figures(outcome))
    labels = set(re.findall(r"@((?:tbl|fig)-[a-z-]+)", section))
    assert labels <= set(re.findall(r"::: \{#((?:tbl|fig)-[a-z-]+)\}", section))


def test_an_excess_is_a_number_of_votes_with_an_interval(told):
    outcome = told()
    said = candidate_sentences(outcome)
    assert "procentpunt hoger dan verwacht" in said["repeated_text"]
    assert said["repeated_text"].endswith("die het nummer van de lijst herhalen.")
    votes, valid = (
        next(
            m
            for m in outcome.results.marking
            if (m.quantity, m.method) == (quantity, "randomisation_list")
        )
        for quantity in ("unintended_votes", "unintended_share_of_valid")
    )
    text = said["repeated_votes_text"]
    assert f"onbedoeld ongeveer {number(votes.estimate)} (" in text
    limits = interval(valid.ci_lower, valid.ci_upper)
    assert f"{percent(valid.estimate)} ({limits}) van alle geldige stemmen" in text
    assert "op de andere is het niet te zien" in text
    assert "hoogste" not in text
    assert "niet van nul te onderscheiden" in said["repeated_before_text"]
    assert said["preference_corrected_text"] == NO_PARTY_ONLY
    rows, _ = candidate_figures(outcome)["repeated_numbers"]
    assert set(rows[0]["number"]) == {0, *range(2, 13)}


def test_without_an_excess_only_an_upper_limit_is_given(told):
    said = candidate_sentences(told(repeat=0.0))
    assert said["repeated_text"].endswith("Dat is niet van nul te onderscheiden.")
    assert "onbedoeld niet meer dan ongeveer" in said["repeated_votes_text"]
    assert "de bovengrens van het interval: " in said["repeated_votes_text"]


def test_a_correction_stands_beside_what_it_corrects(told, gr2026):
    columns = ["municipality_code", "votes_count"]
    alone = pd.DataFrame([(code, 50) for code in gr2026.experiment()], columns=columns)
    alone = alone.assign(election_id="GR2026", polling_station_id="", list_number="")
    outcome = told(party_only=alone)
    said = candidate_sentences(outcome)
    share = r"\d+,\d% \(\d+,\d–\d+,\d%\)"
    assert re.search(
        "Van de kiezers die een kandidaat markeerden, koos in de experimentgemeenten "
        f"{share} niet de eerste, in de controlegemeenten {share}\\.$",
        said["preference_corrected_text"],
    )
    assert "Zonder partijstemmen veranderde het aandeel" in said["preference_effect_text"]
    lines = tables_of(outcome)["preference_municipalities"].splitlines()
    assert len(lines) == 2 + 11
    assert " – " not in lines[2]


def test_lists_that_are_the_same_everywhere_have_a_row_each():
    def share(unit, level, estimate, **more):
        parts = ("preference", "TK2025", unit, level, "preference_share", "count")
        return MarkingMeasure(*parts, estimate, **more)

    ends = {"ci_lower": -0.02, "ci_upper": 0.01, "p_value": 0.4}
    items = [
        share("experiment", "list_2", 0.3),
        share("control", "list_2", 0.31),
        share("experiment-control", "list_2", -0.01, **ends),
        share("experiment", "list_3", 0.3),
        share("experiment-control", "list_3", math.nan),
        share("experiment-control", "total", -0.01, **ends),
    ]
    rows = preference_lists(items, "TK2025").splitlines()[2:]
    assert [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows] == [
        ["2", "30,0%", "31,0%", "−1,00", "−2,00 tot +1,00", "0,400"]
    ]
    assert preference_lists(items[-1:], "TK2025") == ""


def test_reasons_stand_where_numbers_are_missing(told, gr2026):
    now = told(lambda frame: frame[frame["election_id"] == "GR2026"])
    text = candidate_sentences(now)["preference_effect_text"]
    assert text == (
        "Van alle stemmen is de verandering sinds GR2022 niet te schatten: er is geen eerdere "
        "verkiezing van dezelfde soort met stemmen per kandidaat."
    )
    alone = told(lambda frame: frame[frame["municipality_code"].isin(gr2026.experiment())])
    said = candidate_sentences(alone)
    assert said["repeated_text"] == (
        "Dat is niet te schatten: geen enkele experiment- of controlegemeente heeft een lijst die "
        "te beoordelen is."
    )
    assert said["repeated_votes_text"] == ""
    assert not any("nan" in text.lower() for text in (*said.values(), *tables_of(alone).values()))
    others = told(lambda frame: frame[~frame["municipality_code"].isin(gr2026.experiment())])
    assert candidate_sentences(others)["preference_text"].startswith("Van geen enkele experiment")
    assert candidate_figures(others) == {}


def test_every_method_and_reason_has_a_dutch_name(told):
    items = [m for m in told().results.marking if m.topic == "repeated_number"]
    contrasts = [m for m in items if m.unit == "experiment-control" and m.level == "total"]
    assert {m.method for m in contrasts} == set(METHODS)
    assert {m.level for m in items if m.quantity == "excluded_lists"} == set(REASONS)
    assert all(math.isfinite(m.estimate) for m in contrasts)
