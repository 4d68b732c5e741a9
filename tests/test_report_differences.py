"""What the report says of counting differences, the funnel and turnout: with and without data."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.reporting.drawings.differences import difference_figures
from ballot_eval.reporting.tables.differences import difference_tables
from ballot_eval.reporting.wording.differences import NO_RECORDS, difference_sentences
from ballot_eval.results import Check
from ballot_eval.schema import EXPLANATION_FIELDS, TABLES
from ballot_eval.simulation import simulate_panel, simulate_stations
from ballot_eval.topics.marking.counting_differences import difference_measures
from ballot_eval.topics.marking.station_funnel import funnel_measures
from ballot_eval.topics.marking.turnout import turnout_levels

CHECK = Check(
    *("placebo_outcome", "turnout", "turnout", "municipality", "GR2022", "randomisation"),
    *(0.0042, -0.0031, 0.0115, 0.27, 11, 330),
)


@pytest.fixture(scope="module")
def told(gr2026):
    """Return a function from a change of the simulated stations to an outcome of a run."""
    analysis = gr2026.analysis.model_copy(update={"draws": 199, "max_exact": 199})
    study = gr2026.model_copy(update={"analysis": analysis})
    results = simulate_panel(study, seed=3, effect=0.003)
    raw = {"municipality_results": results}
    raw["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    panel = be.build_panel(raw, study)
    here = results[results["election_id"] == "GR2026"]
    stations = simulate_stations(here, seed=3).astype(dict.fromkeys(EXPLANATION_FIELDS, "Int64"))

    def run(change=lambda frame: frame, check=CHECK):
        accepted = {"station_results": change(stations)}
        parts = (difference_measures, funnel_measures, turnout_levels)
        marking = tuple(m for part in parts for m in part(accepted, panel))
        found = be.ResultSet(study.id, (), (), (check,), marking=marking)
        return SimpleNamespace(
            study=study,
            panel=panel,
            results=found,
            validation=SimpleNamespace(accepted=accepted),
        )

    return run


def test_with_stations_everything_is_said_and_drawn(told):
    outcome = told()
    said = difference_sentences(outcome)
    assert all(said.values())
    assert "Weggelaten" not in said["differences_sample_text"]
    assert said["differences_text"].startswith(
        "Stembureaus waarvan de wijze van tellen niet bekend is: in de experimentgemeenten telde "
    )
    assert "zowel meer als minder getelde" in said["differences_netting_text"]
    assert "is niet te schatten: van de eerdere" in said["differences_contrast_text"]
    assert "ongeveer 5,0% en 0,2%" in said["funnel_text"]
    assert set(difference_tables(outcome)) == {
        *("counting_differences", "counting_explanations", "counting_contrasts"),
        *("counting_municipalities", "station_funnel", "funnel_stations", "turnout"),
    }
    # Without stations at the baselines there is no change, and no row without a number.
    table = difference_tables(outcome)["counting_contrasts"]
    assert len(table.splitlines()) == 2 + 6
    assert "niet te schatten" not in table
    assert set(difference_figures(outcome)) == {"station_funnel"}
    saved = outcome.results.to_json()
    assert be.ResultSet.from_json(saved).to_json() == saved


def test_without_stations_that_is_said_once_and_turnout_stays(told):
    outcome = told(lambda frame: frame.head(0))
    said = difference_sentences(outcome)
    assert {name: text for name, text in said.items() if text} == {
        "differences_sample_text": NO_RECORDS,
        "turnout_check_text": said["turnout_check_text"],
    }
    assert list(difference_tables(outcome)) == ["turnout"]
    assert difference_figures(outcome) == {}


def test_what_is_left_out_or_unknown_is_told(told):
    def spoiled(frame):
        frame = frame.astype({"more_ballots_count": "Int64"}).reset_index(drop=True)
        frame.loc[:2, "more_ballots_count"] = pd.NA
        frame.loc[3, ["more_ballots_count", "fewer_ballots_count"]] = 7
        frame.loc[10:14, "no_explanation_count"] = pd.NA
        return frame

    text = difference_sentences(told(spoiled))["differences_sample_text"]
    assert "Weggelaten: 3 stembureaus waarvan het verschil niet bekend is en 1 stembureau" in text
    assert text.endswith("Van 5 stembureaus zijn verklaringen niet bekend.")


def test_ways_of_counting_have_sentences_and_rows_of_their_own(told):
    def by_municipality(frame):
        central = frame["municipality_code"].astype(int) % 2 == 0
        return frame.assign(counting_method=central.map({True: "CSO", False: "DSO"}))

    outcome = told(by_municipality)
    said = difference_sentences(outcome)
    assert said["differences_text"].index("(DSO)") < said["differences_text"].index("(CSO)")
    table = difference_tables(outcome)["counting_differences"]
    for method in ("CSO", "DSO"):
        assert table.count(f"| GR2026 | {method} | stembureaus |") == 1
    assert "onbekend" not in table


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ((-0.0031, 0.0115), "een verschil van −0,31 tot +1,15 procentpunt is niet uit te sluiten"),
        ((0.0, 0.0115), "Dat past bij een opkomst"),
        ((0.0001, 0.0115), "Dan kunnen er andere kiezers zijn gekomen"),
        ((-0.0115, -0.0001), "Dan kunnen er andere kiezers zijn gekomen"),
    ],
)
def test_turnout_is_worded_by_its_interval(told, limits, words):
    check = replace(CHECK, ci_lower=limits[0], ci_upper=limits[1])
    outcome = told(lambda frame: frame.head(0), check)
    assert words in difference_sentences(outcome)["turnout_check_text"]


def test_turnout_has_its_levels_and_the_change_of_the_check(told):
    lines = difference_tables(told(lambda frame: frame.head(0)))["turnout"].splitlines()
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| GR2018", "| GR2022", "| GR2026"]
    assert lines[5] == "| verschil in verandering sinds GR2022 | – | – | +0,42 (−0,31 tot +1,15) |"


def test_turnout_that_cannot_be_tested_says_nothing(told):
    nan = float("nan")
    check = replace(CHECK, estimate=nan, ci_lower=nan, ci_upper=nan, note="a reason")
    outcome = told(lambda frame: frame.head(0), check)
    assert difference_sentences(outcome)["turnout_check_text"] == ""
    assert "verandering" not in difference_tables(outcome)["turnout"]
