"""What the report says of polling stations, from results: also where some are not known."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.reporting.drawings.stations import station_figures
from ballot_eval.reporting.tables import invalid_votes as tables
from ballot_eval.reporting.tables import stations as tables_stations
from ballot_eval.reporting.tables.stations import level_name
from ballot_eval.reporting.wording.notes import reason_sentences
from ballot_eval.reporting.wording.stations import NO_STATIONS, station_sentences
from ballot_eval.results import StationCoverage, StationDispersion, StationRate
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel, simulate_stations
from ballot_eval.topics.invalid_votes import effect_results
from ballot_eval.topics.station_effects import METHOD, station_results


@pytest.fixture(scope="module")
def told(gr2026):
    """Return a function from a change of the simulated stations to an outcome of a run."""
    analysis = gr2026.analysis.model_copy(update={"draws": 199, "max_exact": 199})
    study = gr2026.model_copy(update={"analysis": analysis})
    rows = simulate_panel(study, seed=3, effect=0.003)
    raw = {"municipality_results": rows}
    raw["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    panel = be.build_panel(raw, study)
    stations = simulate_stations(rows[rows["election_id"] == "GR2026"], seed=3)
    own = tuple(e.effect for e in effect_results(panel))

    def run(change):
        found = station_results(change(stations), panel)
        results = be.ResultSet(
            study.id,
            (),
            (*own, *found.effects),
            (),
            stations=found.rates,
            station_dispersion=found.dispersion,
            station_coverage=found.coverage,
        )
        return SimpleNamespace(study=study, panel=panel, results=results)

    return run


def test_that_there_are_no_stations_is_said_once(told):
    outcome = told(lambda frame: frame.head(0))
    said = station_sentences(outcome)
    assert {name: text for name, text in said.items() if text} == {
        "station_sample_text": NO_STATIONS
    }
    assert station_figures(outcome) == {}
    assert reason_sentences(outcome)["station_effects_notes"] == ""


def test_with_all_stations_the_report_says_that_they_add_up_and_give_the_same(told):
    outcome = told(lambda frame: frame)
    said = station_sentences(outcome)
    assert "in 342 gemeenten bekend" in said["station_sample_text"]
    assert "Weggelaten" not in said["station_sample_text"]
    assert said["station_coverage_text"].startswith("In elke gemeente tellen")
    assert said["station_effect_text"].endswith("per stem uit de uitslagen van gemeenten.")
    assert "precies het effect" in said["station_effect_text"]
    assert "in de controlegemeenten is zij 1," in said["station_dispersion_text"]
    assert set(station_figures(outcome)) == {"station_rates", "station_types"}
    assert reason_sentences(outcome)["station_effects_notes"] == ""
    assert outcome.results.to_json() == be.ResultSet.from_json(outcome.results.to_json()).to_json()


def test_what_is_missing_is_named(told):
    def some(frame):
        frame = frame[~frame["municipality_code"].isin(["0344", "0363"])]
        frame = frame.astype({"invalid_votes_count": "Int64"}).reset_index(drop=True)
        frame.loc[frame.index[frame["municipality_code"] == "0014"][:2], "invalid_votes_count"] = (
            pd.NA
        )
        return frame.drop(columns="station_type")

    outcome = told(some)
    said = station_sentences(outcome)
    assert said["station_sample_text"].endswith("2 stembureaus waarvan een aantal onbekend is.")
    assert said["station_coverage_text"].startswith(
        "Van twee gemeenten zijn er geen uitslagen per stembureau. In één gemeente tellen de "
        "stembureaus niet precies op tot de uitslag; tussen haakjes hun deel van de stemmen van "
        "de gemeente: Groningen (9"
    )
    assert "uit de uitslagen van gemeenten is het per stem +0," in said["station_effect_text"]
    notes = reason_sentences(outcome)["station_effects_notes"]
    assert "ongeldig sinds GR2022, per stembureau" in notes
    assert notes.endswith(
        "zonder uitslagen van stembureaus, en daarom weggelaten: Utrecht, Amsterdam."
    )
    assert set(station_figures(outcome)) == {"station_rates"}


def test_an_effect_that_cannot_be_estimated_says_why(told, gr2026):
    outcome = told(lambda frame: frame[frame["municipality_code"].isin(gr2026.experiment())])
    said = station_sentences(outcome)
    assert said["station_effect_text"] == (
        "Dat is niet te schatten: van geen enkele controlegemeente zijn er uitslagen van "
        "stembureaus."
    )
    assert said["station_dispersion_text"] == ""
    table = tables.effects(outcome.results.effects, METHOD)
    assert table.count("niet te schatten | – | – |") == 12


def test_stations_have_a_table_of_their_own(told):
    effects = told(lambda frame: frame).results.effects
    assert "per stembureau" in tables.effects(effects, METHOD)
    assert "per stembureau" not in tables.effects(effects)
    assert "per stembureau" not in tables.effects_methods(effects, "invalid", "GR2022")


def rate(level, unit, outcome, **fields):
    made = {"dimension": "size_class", "stations_count": 3, "municipalities_count": 2}
    made |= {"numerator": 5, "denominator": 2000, "rate": 0.0025, "ci_lower": 0.001}
    made |= {"ci_upper": 0.006, "phi": 1.2, "method": "wilson_rao_scott"} | fields
    return StationRate(election="GR2026", unit=unit, level=level, outcome=outcome, **made)


def test_a_level_is_named_once_and_a_rate_without_interval_has_a_dash():
    nan = float("nan")
    items = [
        rate("1000+", "experiment", "invalid", ci_lower=nan, ci_upper=nan),
        rate("1000+", "experiment", "blank"),
        rate("1000+", "control", "invalid"),
    ]
    lines = tables_stations.station_rates(items, "GR2026").splitlines()
    assert lines[2].split(" | ")[0] == "| 1.000 en meer"
    assert lines[2].endswith("| 3 | 0,25% | – | 0,25% | 0,10–0,60% |")
    assert lines[3] == "|  | Controlegemeenten | 3 | 0,25% | 0,10–0,60% | – | – |"


@pytest.mark.parametrize(
    ("level", "dutch", "english"),
    [
        ("0-249", "0–249", "0–249"),
        ("1000+", "1.000 en meer", "1,000 and more"),
        ("unknown", "onbekend", "unknown"),
        ("total", "alle stembureaus", "all stations"),
        ("mobiel", "mobiel", "mobiel"),
    ],
)
def test_levels_in_words(level, dutch, english):
    assert (level_name(level), level_name(level, language="en")) == (dutch, english)


def test_the_figure_of_types_has_the_most_common_ones(gr2026):
    items = [
        rate(f"soort {i}", "control", "invalid", dimension="station_type", stations_count=i)
        for i in range(1, 10)
    ]
    outcome = SimpleNamespace(study=gr2026, results=SimpleNamespace(stations=items))
    (rows,), _ = station_figures(outcome)["station_types"]
    assert list(rows["level"]) == [f"soort {i}" for i in range(4, 10)]


def test_coverage_and_dispersion_in_their_tables():
    nan = float("nan")
    items = [
        StationCoverage("GR2026", "0014", 2, 1, 0, 900, 1000.0, 0.9, complete=False),
        StationCoverage("GR2026", "0034", 0, 0, 0, 0, 1000.0, 0.0, complete=False),
        StationCoverage("GR2026", "0037", 1, 0, 3, 500, 500.0, 1.0, complete=True),
        StationCoverage("GR2026", "9999", 4, 0, 0, 800, nan, nan, complete=False),
    ]
    # 1,400 of 2,500: a municipality without result is in neither.
    assert tables_stations.station_coverage(items).splitlines()[2] == (
        "| GR2026 | 3 | 1 | 7 | 3 | 1 | 56,0% |"
    )
    spread = [
        StationDispersion("GR2026", "all", "invalid", level, around, 9, phi, 0.41, 0.35)
        for level, around, phi in (
            ("polling_station", "group", 1.85),
            ("polling_station", "municipality", 1.57),
            ("municipality", "group", nan),
        )
    ]
    assert tables_stations.station_dispersion(spread, "GR2026").splitlines()[2] == (
        "| Alle gemeenten | ongeldig | 1,85 | 1,57 | – | 41% | 35% |"
    )
