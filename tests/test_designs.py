"""Unusual plans and data through the whole analysis: no traceback, no silent number."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import ballot_eval as be
from ballot_eval.evaluation import evaluate
from ballot_eval.pipeline import write_outputs
from ballot_eval.reporting.artefacts import write_artefacts
from ballot_eval.reporting.names import municipality_names
from ballot_eval.simulation import simulate_panel
from two_languages import DUTCH, ENGLISH, foreign_words, numbers

COUNTS = ("eligible_voters_count", "votes_cast_count", "valid_votes_count")


def plan(study, experiment=None, baselines=None, **analysis):
    """Return the GR2026 plan with fewer draws and other choices, checked anew."""
    values = study.model_dump()
    values["analysis"] |= {"draws": 999, "max_exact": 999} | analysis
    if baselines:
        values["baselines"] = baselines
    if experiment:
        for election in values["elections"]:
            if election["id"] == study.election:
                election["new_ballot"] = experiment
        values["reference"] = None
    return be.StudyDesign.model_validate(values)


def identical(rows):
    flat = dict(zip(COUNTS, (14_000, 10_000, 9_920), strict=True))
    return rows.assign(**flat, blank_votes_count=30, invalid_votes_count=50)


def without_eligible(rows):
    mine = rows["municipality_code"].isin(["0484", "0755"])
    return rows.assign(eligible_voters_count=rows["eligible_voters_count"].where(~mine, 0))


def half_an_election(rows):
    odd = rows["municipality_code"].astype(int) % 2 == 1
    gone = (rows["election_id"] == "GR2018") & odd & ~rows["municipality_code"].isin(["0147"])
    keep = ["0484", "0755", "0513", "0546", "1948", "1842", "0268", "0171", "0796", "0342", "1730"]
    return rows[~gone | rows["municipality_code"].isin(keep)]


def few(controls):
    def keep(rows):
        codes = sorted(set(rows["municipality_code"]))[:controls]
        return rows[rows["municipality_code"].isin([*codes, "0755", "1842", "1730", "0147"])]

    return keep


THREE = ["0755", "1842", "1730"]
CASES = {
    "one experiment municipality": ({"experiment": ["0755"]}, None),
    "strata": ({"strata": {"size_groups": 5}}, None),
    "strata and a margin": ({"strata": {"size_groups": 5}, "margin": 0.001}, None),
    "a margin": ({"margin": 0.001}, None),
    "blank votes by ballot": ({"outcome": "blank", "weighting": "ballot"}, None),
    "one baseline": ({"baselines": ["GR2022"]}, None),
    "the older baseline first": ({"baselines": ["GR2018", "GR2022"]}, None),
    "identical outcomes": ({}, identical),
    "no eligible voters known": ({}, without_eligible),
    "half an election": ({}, half_an_election),
    "one control": ({"experiment": THREE}, few(1)),
    "a stratum of experiment municipalities": (
        {"experiment": THREE, "strata": {"size_groups": 7}},
        few(4),
    ),
}


@pytest.mark.usefixtures("sketches")
@pytest.mark.parametrize("case", CASES)
def test_unusual_plans_and_data_go_through(gr2026, tmp_path, case):
    choices, change = CASES[case]
    study = plan(gr2026, **choices)
    rows = simulate_panel(gr2026, seed=11, effect=0.003)
    rows = change(rows) if change else rows
    (tmp_path / "raw").mkdir()
    rows.to_csv(tmp_path / "raw/municipality_results.csv", index=False)
    outcome = evaluate(study, tmp_path / "raw")
    for item in (*outcome.results.effects, *outcome.results.checks):
        if math.isnan(item.estimate):
            assert math.isnan(item.p_value)
    assert all(e.note for e in outcome.results.effects if math.isnan(e.estimate))
    assert all(math.isfinite(e.estimate) for e in outcome.results.effects if not e.note)
    if case == "identical outcomes":
        known = [e for e in outcome.results.effects if not e.note]
        assert all(e.p_value == 1 for e in known if e.method.startswith("randomisation"))
        assert not [e for e in known if e.method.startswith("quasi")]
    if case == "a stratum of experiment municipalities":
        assert "holds only experiment municipalities" in outcome.primary.effect.note
    if "strata" in case:
        assert outcome.results.specifications == ()
    (tmp_path / "out").mkdir()
    write_outputs(outcome, tmp_path / "out")
    write_artefacts(outcome, tmp_path / "artefacts")
    text = (tmp_path / "artefacts/_variables.yml").read_text(encoding="utf-8")
    assert "nan" not in text.replace("financ", "")
    say_the_same(outcome, tmp_path / "artefacts")


def say_the_same(outcome, artefacts):
    """Check that the variables of both languages hold the same numbers and no foreign words."""
    listing = json.loads((artefacts / "_generated/artefacts.json").read_text(encoding="utf-8"))
    dutch, english = (listing["languages"][code]["variables"] for code in ("nl", "en"))
    names = municipality_names(outcome.panel).values()
    assert set(dutch) == set(english)
    for name in dutch:
        if dutch[name] != english[name]:
            assert numbers(dutch[name], "nl") == numbers(english[name], "en"), name
        assert foreign_words(dutch[name], ENGLISH, names) == set(), name
        assert foreign_words(english[name], DUTCH, names) == set(), name


def test_no_controls_are_a_fault_of_the_data(gr2026, tmp_path):
    study = plan(gr2026)
    rows = simulate_panel(gr2026, seed=11, effect=0.003)
    rows = rows[rows["municipality_code"].isin(study.municipalities)]
    (tmp_path / "raw").mkdir()
    rows.to_csv(tmp_path / "raw/municipality_results.csv", index=False)
    with pytest.raises(be.InvalidDataError, match="no control municipality"):
        evaluate(study, tmp_path / "raw")


def test_history_checks_count_the_municipalities_they_use(gr2026, tmp_path):
    rows = half_an_election(simulate_panel(gr2026, seed=11, effect=0.003))
    (tmp_path / "raw").mkdir()
    rows.to_csv(tmp_path / "raw/municipality_results.csv", index=False)
    outcome = evaluate(plan(gr2026), tmp_path / "raw")
    found = {c.check: c for c in outcome.results.checks}
    assert found["event_study"].n_control == found["synthetic_unit"].n_control < 200
    band, alone = found["event_study_uniform"], found["event_study"]
    assert band.ci_lower <= alone.ci_lower
    assert band.ci_upper >= alone.ci_upper
    assert np.isfinite(band.ci_lower)
