"""What the report says of counting differences, the funnel and turnout: with and without data."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.reporting.drawings.differences import difference_figures
from ballot_eval.reporting.language import DUTCH, ENGLISH, LANGUAGES
from ballot_eval.reporting.tables.differences import difference_tables
from ballot_eval.reporting.wording.differences import NO_RECORDS, difference_sentences
from ballot_eval.results import Check, MarkingMeasure
from ballot_eval.schema import EXPLANATION_FIELDS, TABLES
from ballot_eval.simulation import simulate_panel, simulate_stations
from ballot_eval.topics.marking.counting_differences import difference_measures
from ballot_eval.topics.marking.station_funnel import OUTSIDE, funnel_measures
from ballot_eval.topics.marking.turnout import turnout_levels

CHECK = Check(
    *("placebo_outcome", "turnout", "turnout", "municipality", "GR2022", "randomisation"),
    *(0.0042, -0.0031, 0.0115, 0.27, 11, 330),
)

in_both = pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)


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


@pytest.fixture(scope="module")
def full(told):
    """Return an outcome with records of stations of which the way of counting is not known."""
    return told()


SAID = {
    "nl": {
        "differences_sample_text": "controlegemeenten bekend hoeveel stembiljetten er meer",
        "differences_text": "Stembureaus waarvan de wijze van tellen niet bekend is: in de "
        "experimentgemeenten telde ",
        "differences_netting_text": "zowel meer als minder getelde",
        "differences_contrast_text": "is niet te schatten: van de eerdere",
        "funnel_text": "ongeveer 5,0% en 0,2%",
    },
    "en": {
        "differences_sample_text": "at GR2026 it is known how many more or fewer ballot papers",
        "differences_text": "Polling stations whose way of counting is not known: in the "
        "experiment municipalities, ",
        "differences_netting_text": "have both more and fewer ballot papers counted",
        "differences_contrast_text": "cannot be estimated: there are no results of polling",
        "funnel_text": "about 5.0% and 0.2%",
    },
}


@in_both
def test_with_stations_everything_is_said(full, say):
    said = difference_sentences(say, full)
    assert all(said.values())
    for name, words in say.pick(SAID).items():
        assert words in said[name]
    assert say(nl="Weggelaten", en="Left out") not in said["differences_sample_text"]
    table = difference_tables(say, full)
    assert set(table) == {
        *("counting_differences", "counting_explanations", "counting_contrasts"),
        *("counting_municipalities", "station_funnel", "funnel_stations", "turnout"),
    }
    # Without stations at the baselines there is no change, and no row without a number.
    contrasts = table["counting_contrasts"]
    assert len(contrasts.splitlines()) == 2 + 6
    assert say(nl="niet te schatten", en="cannot be estimated") not in contrasts


def test_with_stations_there_is_a_figure_and_results_round_trip(full):
    assert set(difference_figures(full)) == {"station_funnel"}
    saved = full.results.to_json()
    assert be.ResultSet.from_json(saved).to_json() == saved


@in_both
def test_without_stations_that_is_said_once_and_turnout_stays(told, say):
    outcome = told(lambda frame: frame.head(0))
    said = difference_sentences(say, outcome)
    assert {name: text for name, text in said.items() if text} == {
        "differences_sample_text": say.pick(NO_RECORDS),
        "turnout_check_text": said["turnout_check_text"],
    }
    assert list(difference_tables(say, outcome)) == ["turnout"]
    assert difference_figures(outcome) == {}


LEFT_OUT = {
    "nl": (
        "Weggelaten: 3 stembureaus waarvan het verschil niet bekend is en 1 stembureau waarvan "
        "het proces-verbaal niet klopt (F.305 tot en met F.309). "
        "Van 5 stembureaus zijn verklaringen niet bekend."
    ),
    "en": (
        "Left out: 3 polling stations for which the difference is not known and 1 polling station "
        "whose official record is inconsistent (F.305 to F.309). "
        "For 5 polling stations, explanations are not known."
    ),
}


@in_both
def test_what_is_left_out_or_unknown_is_told(told, say):
    def spoiled(frame):
        frame = frame.astype({"more_ballots_count": "Int64"}).reset_index(drop=True)
        frame.loc[:2, "more_ballots_count"] = pd.NA
        frame.loc[3, ["more_ballots_count", "fewer_ballots_count"]] = 7
        frame.loc[10:14, "no_explanation_count"] = pd.NA
        return frame

    text = difference_sentences(say, told(spoiled))["differences_sample_text"]
    assert text.endswith(say.pick(LEFT_OUT))


@in_both
def test_ways_of_counting_have_sentences_and_rows_of_their_own(told, say):
    def by_municipality(frame):
        central = frame["municipality_code"].astype(int) % 2 == 0
        return frame.assign(counting_method=central.map({True: "CSO", False: "DSO"}))

    outcome = told(by_municipality)
    said = difference_sentences(say, outcome)
    assert said["differences_text"].index("(DSO)") < said["differences_text"].index("(CSO)")
    table = difference_tables(say, outcome)["counting_differences"]
    stations = say(nl="stembureaus", en="stations")
    for method in ("CSO", "DSO"):
        assert table.count(f"| GR2026 | {method} | {stations} |") == 1
    assert say(nl="onbekend", en="unknown") not in table


def contrast(election, estimate, note=""):
    parts = ("counting_differences", election, "experiment-control", "DSO", "stations_any_share")
    limits = {"ci_lower": estimate - 0.02, "ci_upper": estimate + 0.02, "p_value": 0.03}
    return MarkingMeasure(*parts, "randomisation", estimate, **limits, note=note)


NAN = float("nan")
NO_BASELINE = "no records of polling stations with this way of counting at the baseline"
NO_CONTROLS = "no control municipality has results of polling stations"


@pytest.mark.parametrize(
    ("now", "since", "dutch", "english"),
    [
        (
            contrast("GR2026", 0.012),
            contrast("GR2026-GR2022", -0.005),
            "Voor stembureaus waar het stembureau alles telt (DSO), is het aandeel met een "
            "verschil in de experimentgemeenten 1,2 procentpunt hoger (−0,8 tot +3,2; p-waarde "
            "0,030) dan in de controlegemeenten. Sinds GR2022 is de verandering 0,5 procentpunt "
            "lager (−2,5 tot +1,5; p-waarde 0,030) dan in de controlegemeenten.",
            "For polling stations that count everything themselves (DSO), the share with a "
            "difference is 1.2 percentage points higher (−0.8 to +3.2; p-value 0.030) in the "
            "experiment municipalities than in the control municipalities. The change since "
            "GR2022 is 0.5 percentage points lower (−2.5 to +1.5; p-value 0.030) than in the "
            "control municipalities.",
        ),
        (
            contrast("GR2026", 0.012),
            contrast("GR2026-GR2022", NAN, NO_BASELINE),
            "Hoe dat sinds GR2022 is veranderd, is niet te schatten: van de eerdere verkiezing "
            "zijn er geen uitslagen van stembureaus die zo telden.",
            "How that has changed since GR2022 cannot be estimated: there are no results "
            "of polling stations that counted in this way at the earlier election.",
        ),
        (
            contrast("GR2026", NAN, NO_CONTROLS),
            contrast("GR2026-GR2022", NAN, NO_CONTROLS),
            "Voor stembureaus waar het stembureau alles telt (DSO), is het verschil niet te "
            "schatten: van geen enkele controlegemeente zijn er uitslagen van stembureaus.",
            "For polling stations that count everything themselves (DSO), the difference cannot "
            "be estimated: no control municipality has results by polling station.",
        ),
    ],
)
@in_both
def test_a_comparison_is_worded_by_what_could_be_estimated(full, say, now, since, dutch, english):
    results = replace(full.results, marking=(now, since))
    outcome = SimpleNamespace(
        study=full.study, panel=full.panel, results=results, validation=full.validation
    )
    text = difference_sentences(say, outcome)["differences_contrast_text"]
    assert text.endswith(say(nl=dutch, en=english))


BEYOND = {
    "nl": (
        "Buiten de binnenste en de buitenste grenzen liggen in de controlegemeenten 40 van de "
        "1.000 (4,0%) en 2 (0,20%) en in de experimentgemeenten 3 van de 100 (3,0%) en 1 (1,00%) "
        "van de stembureaus;"
    ),
    "en": (
        "Outside the inner and the outer limits, respectively, lie 40 of the 1,000 polling "
        "stations (4.0%) and 2 (0.20%) in the control municipalities, and 3 of the 100 polling "
        "stations (3.0%) and 1 (1.00%) in the experiment municipalities."
    ),
}


@in_both
def test_stations_outside_the_funnel_are_counted_by_group(full, say):
    def outside(unit, quantity, count, of):
        parts = ("station_funnel", "GR2026", unit, "invalid", quantity, "count")
        return MarkingMeasure(*parts, count / of, numerator=count, denominator=of)

    inner, outer = OUTSIDE.values()
    items = [
        *(outside("experiment", inner, 3, 100), outside("experiment", outer, 1, 100)),
        *(outside("control", inner, 40, 1000), outside("control", outer, 2, 1000)),
    ]
    outcome = SimpleNamespace(
        study=full.study, panel=full.panel, results=replace(full.results, marking=tuple(items))
    )
    assert difference_sentences(say, outcome)["funnel_text"].startswith(say.pick(BEYOND))


@pytest.mark.parametrize(
    ("limits", "dutch", "english"),
    [
        (
            (-0.0031, 0.0115),
            "een verschil van −0,31 tot +1,15 procentpunt is niet uit te sluiten",
            "a difference of −0.31 to +1.15 percentage points cannot be ruled out",
        ),
        ((0.0, 0.0115), "Dat past bij een opkomst", "This is consistent with a turnout"),
        (
            (0.0001, 0.0115),
            "Dan kunnen er andere kiezers zijn gekomen",
            "other voters may have turned out",
        ),
        (
            (-0.0115, -0.0001),
            "Dan kunnen er andere kiezers zijn gekomen",
            "other voters may have turned out",
        ),
    ],
)
@in_both
def test_turnout_is_worded_by_its_interval(told, say, limits, dutch, english):
    check = replace(CHECK, ci_lower=limits[0], ci_upper=limits[1])
    outcome = told(lambda frame: frame.head(0), check)
    text = difference_sentences(say, outcome)["turnout_check_text"]
    assert say(nl=dutch, en=english) in text


@pytest.mark.parametrize(
    ("say", "last"),
    [
        (DUTCH, "| verschil in verandering sinds GR2022 | – | – | +0,42 (−0,31 tot +1,15) |"),
        (ENGLISH, "| difference in change since GR2022 | – | – | +0.42 (−0.31 to +1.15) |"),
    ],
)
def test_turnout_has_its_levels_and_the_change_of_the_check(told, say, last):
    lines = difference_tables(say, told(lambda frame: frame.head(0)))["turnout"].splitlines()
    assert [line.split(" | ")[0] for line in lines[2:5]] == ["| GR2018", "| GR2022", "| GR2026"]
    assert lines[5] == last


@in_both
def test_turnout_that_cannot_be_tested_says_nothing(told, say):
    check = replace(CHECK, estimate=NAN, ci_lower=NAN, ci_upper=NAN, note="a reason")
    outcome = told(lambda frame: frame.head(0), check)
    assert difference_sentences(say, outcome)["turnout_check_text"] == ""
    change = say(nl="verandering", en="change")
    assert change not in difference_tables(say, outcome)["turnout"]
