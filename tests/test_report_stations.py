"""What the report says of polling stations, from results: also where some are not known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.reporting.drawings.stations import station_figures
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
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

in_both = pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)


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


@pytest.fixture(scope="module")
def full(told):
    """Return an outcome with every station of every municipality."""
    return told(lambda frame: frame)


@in_both
def test_that_there_are_no_stations_is_said_once(told, say):
    outcome = told(lambda frame: frame.head(0))
    said = station_sentences(say, outcome)
    assert {name: text for name, text in said.items() if text} == {
        "station_sample_text": say.pick(NO_STATIONS)
    }
    assert station_figures(say, outcome) == {}
    assert reason_sentences(say, outcome)["station_effects_notes"] == ""


SAID = {
    "nl": {
        "station_sample_text": "in 342 gemeenten bekend",
        "station_coverage_text": "In elke gemeente tellen de stembureaus precies op tot de uitslag",
        "station_effect_text": ", precies het effect per stem uit de uitslagen van gemeenten.",
        "station_dispersion_text": "in de controlegemeenten is zij 1,",
    },
    "en": {
        "station_sample_text": "in 342 municipalities at GR2026 it is known how many votes",
        "station_coverage_text": "In every municipality the polling stations add up exactly to",
        "station_effect_text": ", exactly the effect per vote from the results of municipalities.",
        "station_dispersion_text": "in the control municipalities it is 1.",
    },
}


@in_both
def test_with_all_stations_the_report_says_that_they_add_up_and_give_the_same(full, say):
    said = station_sentences(say, full)
    for name, words in say.pick(SAID).items():
        assert words in said[name]
    assert say(nl="Weggelaten", en="Left out") not in said["station_sample_text"]
    assert set(station_figures(say, full)) == {"station_rates", "station_types"}
    assert reason_sentences(say, full)["station_effects_notes"] == ""


def test_results_of_stations_round_trip(full):
    saved = full.results.to_json()
    assert be.ResultSet.from_json(saved).to_json() == saved


@pytest.fixture(scope="module")
def partly(told):
    """Return an outcome without the stations of two municipalities, two counts and the types."""

    def some(frame):
        frame = frame[~frame["municipality_code"].isin(["0344", "0363"])]
        frame = frame.astype({"invalid_votes_count": "Int64"}).reset_index(drop=True)
        frame.loc[frame.index[frame["municipality_code"] == "0014"][:2], "invalid_votes_count"] = (
            pd.NA
        )
        return frame.drop(columns="station_type")

    return told(some)


MISSING = {
    "nl": (
        " Weggelaten: 2 stembureaus waarvan een aantal onbekend is.",
        "Van twee gemeenten zijn er geen uitslagen per stembureau. In één gemeente tellen de "
        "stembureaus niet precies op tot de uitslag; tussen haakjes hun deel van de stemmen van "
        "de gemeente: Groningen (9",
        "; uit de uitslagen van gemeenten is het per stem +0,",
    ),
    "en": (
        " Left out: 2 polling stations for which a count is unknown.",
        "There are no results per polling station for two municipalities. In one municipality the "
        "polling stations do not add up exactly to the result; in brackets their share of the "
        "votes of the municipality: Groningen (9",
        "; from the results of municipalities it is +0.",
    ),
}


@in_both
def test_what_is_missing_is_named(partly, say):
    said = station_sentences(say, partly)
    left_out, incomplete, beside = say.pick(MISSING)
    assert said["station_sample_text"].endswith(left_out)
    assert said["station_coverage_text"].startswith(incomplete)
    assert beside in said["station_effect_text"]
    assert set(station_figures(say, partly)) == {"station_rates"}


def test_a_note_below_the_table_names_the_municipalities_left_out(partly):
    notes = reason_sentences(DUTCH, partly)["station_effects_notes"]
    assert "ongeldig sinds GR2022, per stembureau" in notes
    assert notes.endswith(
        "zonder uitslagen van stembureaus, en daarom weggelaten: Utrecht, Amsterdam."
    )


def of(code, stations, share, *, complete=False, empty=0):
    return StationCoverage("GR2026", code, stations, 0, empty, 900, 1000.0, share, complete)


@pytest.mark.parametrize(
    ("items", "dutch", "english"),
    [
        (
            [of("0014", 5, 1.0, complete=True), of("0034", 0, 0.0)],
            "Van één gemeente zijn er geen uitslagen per stembureau. In de andere gemeenten tellen "
            "de stembureaus precies op tot de uitslag van de gemeente.",
            "There are no results per polling station for one municipality. In the other "
            "municipalities the polling stations add up exactly to the result of the municipality.",
        ),
        (
            [of("0014", 5, 0.9), *(of(f"90{i:02}", 5, float("nan")) for i in range(13))],
            "9010 (geen uitslag), 9011 (geen uitslag) en nog 2. `station_coverage.csv` noemt ze "
            "alle.",
            "9010 (no result), 9011 (no result) and 2 more. `station_coverage.csv` names them all.",
        ),
    ],
)
@in_both
def test_municipalities_are_named_up_to_twelve(full, say, items, dutch, english):
    outcome = SimpleNamespace(
        study=full.study,
        panel=full.panel,
        results=replace(full.results, station_coverage=tuple(items)),
    )
    text = station_sentences(say, outcome)["station_coverage_text"]
    assert text.endswith(say(nl=dutch, en=english))


@in_both
def test_stations_without_votes_are_told(full, say):
    items = (of("0014", 5, 1.0, complete=True, empty=1),)
    outcome = SimpleNamespace(
        study=full.study, panel=full.panel, results=replace(full.results, station_coverage=items)
    )
    assert station_sentences(say, outcome)["station_sample_text"] == say(
        nl="Bij GR2026 is van 5 stembureaus in één gemeente bekend hoeveel stemmen ongeldig en "
        "blanco waren. Weggelaten: 1 stembureau zonder stemmen.",
        en="For 5 polling stations in one municipality at GR2026 it is known how many votes were "
        "invalid and how many were blank. Left out: 1 polling station without votes.",
    )


NO_EFFECT = {
    "nl": "Dat is niet te schatten: van geen enkele controlegemeente zijn er uitslagen van "
    "stembureaus.",
    "en": "This cannot be estimated: no control municipality has results by polling station.",
}


@in_both
def test_an_effect_that_cannot_be_estimated_says_why(told, gr2026, say):
    outcome = told(lambda frame: frame[frame["municipality_code"].isin(gr2026.experiment())])
    said = station_sentences(say, outcome)
    assert said["station_effect_text"] == say.pick(NO_EFFECT)
    assert said["station_dispersion_text"] == ""
    table = tables.effects(DUTCH, outcome.results.effects, METHOD)
    assert table.count("niet te schatten | – | – |") == 12


def test_stations_have_a_table_of_their_own(full):
    effects = full.results.effects
    assert "per stembureau" in tables.effects(DUTCH, effects, METHOD)
    assert "per stembureau" not in tables.effects(DUTCH, effects)
    assert "per stembureau" not in tables.effects_methods(DUTCH, effects, "invalid", "GR2022")


def rate(level, unit, outcome, **fields):
    made = {"dimension": "size_class", "stations_count": 3, "municipalities_count": 2}
    made |= {"numerator": 5, "denominator": 2000, "rate": 0.0025, "ci_lower": 0.001}
    made |= {"ci_upper": 0.006, "phi": 1.2, "method": "wilson_rao_scott"} | fields
    return StationRate(election="GR2026", unit=unit, level=level, outcome=outcome, **made)


@pytest.mark.parametrize(
    ("say", "level", "first", "last"),
    [
        (
            DUTCH,
            "| 1.000 en meer",
            "| 3 | 0,25% | – | 0,25% | 0,10–0,60% |",
            "|  | Controlegemeenten | 3 | 0,25% | 0,10–0,60% | – | – |",
        ),
        (
            ENGLISH,
            "| 1,000 and more",
            "| 3 | 0.25% | – | 0.25% | 0.10–0.60% |",
            "|  | Control | 3 | 0.25% | 0.10–0.60% | – | – |",
        ),
    ],
)
def test_a_level_is_named_once_and_a_rate_without_interval_has_a_dash(say, level, first, last):
    nan = float("nan")
    items = [
        rate("1000+", "experiment", "invalid", ci_lower=nan, ci_upper=nan),
        rate("1000+", "experiment", "blank"),
        rate("1000+", "control", "invalid"),
    ]
    lines = tables_stations.station_rates(say, items, "GR2026").splitlines()
    assert lines[2].split(" | ")[0] == level
    assert lines[2].endswith(first)
    assert lines[3] == last


@pytest.mark.parametrize(
    ("level", "dutch", "english"),
    [
        ("0-249", "0–249", "0–249"),
        ("1000+", "1.000 en meer", "1,000 and more"),
        ("unknown", "onbekend", "unknown"),
        ("total", "alle stembureaus", "all polling stations"),
        ("mobiel", "mobiel", "mobile"),
        ("drive-in", "drive-in", "drive-in"),
    ],
)
def test_levels_in_words(level, dutch, english):
    assert (level_name(DUTCH, level), level_name(ENGLISH, level)) == (dutch, english)


def test_the_figure_of_types_has_the_most_common_ones(gr2026):
    items = [
        rate(f"soort {i}", "control", "invalid", dimension="station_type", stations_count=i)
        for i in range(1, 10)
    ]
    outcome = SimpleNamespace(study=gr2026, results=SimpleNamespace(stations=items))
    (rows,), _ = station_figures(DUTCH, outcome)["station_types"]
    assert list(rows["level"]) == [f"soort {i}" for i in range(4, 10)]


@pytest.mark.parametrize(
    ("say", "coverage", "dispersion"),
    [
        (
            DUTCH,
            "| GR2026 | 3 | 1 | 1.007 | 3 | 1 | 56,0% |",
            "| Alle gemeenten | ongeldig | 1,85 | 1,57 | – | 41% | 35% |",
        ),
        (
            ENGLISH,
            "| GR2026 | 3 | 1 | 1,007 | 3 | 1 | 56.0% |",
            "| All | invalid | 1.85 | 1.57 | – | 41% | 35% |",
        ),
    ],
)
def test_coverage_and_dispersion_in_their_tables(say, coverage, dispersion):
    nan = float("nan")
    items = [
        StationCoverage("GR2026", "0014", 1002, 1, 0, 900, 1000.0, 0.9, complete=False),
        StationCoverage("GR2026", "0034", 0, 0, 0, 0, 1000.0, 0.0, complete=False),
        StationCoverage("GR2026", "0037", 1, 0, 3, 500, 500.0, 1.0, complete=True),
        StationCoverage("GR2026", "9999", 4, 0, 0, 800, nan, nan, complete=False),
    ]
    # 1,400 of 2,500: a municipality without result is in neither.
    assert tables_stations.station_coverage(say, items).splitlines()[2] == coverage
    spread = [
        StationDispersion("GR2026", "all", "invalid", level, around, 9, phi, 0.41, 0.35)
        for level, around, phi in (
            ("polling_station", "group", 1.85),
            ("polling_station", "municipality", 1.57),
            ("municipality", "group", nan),
        )
    ]
    assert tables_stations.station_dispersion(say, spread, "GR2026").splitlines()[2] == dispersion
