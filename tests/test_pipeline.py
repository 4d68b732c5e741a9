"""Whole runs: the official TK2025 files, simulated GR2026, and what happens on faults."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.estimation.inference import draw_assignments, randomisation_test
from ballot_eval.evaluation import evaluate
from ballot_eval.reporting.language import DUTCH, ENGLISH
from ballot_eval.reporting.wording.variables import report_variables
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel
from ballot_eval.topics.invalid_votes import rate_results

TABLE_FILES = (
    *("findings", "excluded_rows", "rates", "effects"),
    *(
        "robustness",
        "specifications",
        "power",
        "voting_time",
        "counting_time",
        "learning",
        "survey",
    ),
    *("stations", "station_dispersion", "station_coverage"),
)


def panel_of(study, seed, effect):
    tables = {"municipality_results": simulate_panel(study, seed=seed, effect=effect)}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    return be.build_panel(tables, study)


@pytest.mark.usefixtures("sketches")
@pytest.mark.official
def test_tk2025_reproduces_the_published_figures(official, root, tmp_path):
    study = be.load_study(root / "analysis/tk2025")
    be.run(study, raw=official, out=tmp_path / "out", report=False)
    rates = pd.read_csv(tmp_path / "out/rates.csv", dtype={"unit": str})
    rates = rates[rates["outcome"] == "invalid"].set_index(["election", "unit"])
    counts = rates[["numerator", "denominator"]].apply(tuple, axis=1)
    assert counts["TK2025", "experiment"] == (633, 131_478)
    assert counts["TK2025", "national"] == (28_206, 10_640_324)
    assert counts["TK2023", "experiment"] == (264, 129_343)
    published = {
        "0484": (358, 71_159),
        "0755": (47, 7_415),
        "0147": (76, 16_371),
        "1842": (61, 13_072),
        "1730": (91, 23_461),
    }
    assert {code: counts["TK2025", code] for code in published} == published
    effects = pd.read_csv(tmp_path / "out/effects.csv")
    keys = {"outcome": "invalid", "baseline": "TK2023", "weighting": "municipality"}
    effects = effects[(effects[list(keys)] == pd.Series(keys)).all(axis=1)].set_index("method")
    primary = effects.loc["randomisation"]
    assert primary["estimate"] == pytest.approx(0.0025159, abs=5e-7)
    assert 0 < primary["p_value"] < 0.001
    assert primary["ci_lower"] > 0
    checks = pd.read_csv(tmp_path / "out/robustness.csv")
    placebo = checks[(checks["check"] == "placebo") & (checks["outcome"] == "invalid")]
    assert ((placebo["ci_lower"] < 0) & (placebo["ci_upper"] > 0)).all()


def test_mergers_add_up(root):
    study = be.load_study(root / "analysis/tk2025")
    rows = simulate_panel(study, seed=3, effect=0.0)
    old = (rows["election_id"] == "TK2021") & (rows["municipality_code"] == "0439")
    extra = rows[old].assign(municipality_code="0370")
    tables = {"municipality_results": pd.concat([rows, extra])}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    counts = be.build_panel(tables, study).counts("TK2021", "invalid")
    assert counts.loc["0439", "denominator"] == 2 * rows.loc[old, "votes_cast_count"].iloc[0]
    assert "0370" not in counts.index


def test_borne_is_neither_experiment_nor_control(gr2026):
    panel = panel_of(gr2026, 1, 0.0)
    effect = be.invalid_vote_effect(panel, method="randomisation", draws=199, seed=1)
    assert (effect.n_experiment, effect.n_control) == (11, 330)
    assert len(panel.counts("GR2026", "invalid").query("is_reference")) == 22


def test_known_effect_is_covered_and_size_is_near_its_level(gr2026):
    truth, seeds = 0.003, 400
    covered = rejected = 0
    for seed in range(seeds):
        panel_rows = {}
        for effect in (truth, 0.0):
            rows = simulate_panel(gr2026, seed=seed, effect=effect)
            wide = rows.assign(r=rows["invalid_votes_count"] / rows["votes_cast_count"])
            wide = wide.pivot_table(index="municipality_code", columns="election_id", values="r")
            wide = wide.drop(index="0147")
            panel_rows[effect] = (wide["GR2026"] - wide["GR2022"]).sort_index()
        role = np.isin(panel_rows[truth].index, gr2026.experiment())
        drawn = draw_assignments(role, draws=999, max_exact=1, seed=seed)
        result = randomisation_test(panel_rows[truth].to_numpy(), role, drawn)
        covered += result.ci_lower <= truth <= result.ci_upper
        rejected += randomisation_test(panel_rows[0.0].to_numpy(), role, drawn).p_value <= 0.05
    # 400 seeds: three standard errors of a 5% share are 3.3 points.
    assert covered / seeds > 0.95 - 0.033
    assert 0.05 - 0.033 < rejected / seeds < 0.05 + 0.033


@pytest.mark.parametrize("bad", [{"method": "guess"}, {"outcome": "spoiled"}, {"weighting": "w"}])
def test_an_unknown_choice_is_refused(gr2026, bad):
    choices = {"method": "randomisation", "draws": 99, "seed": 1} | bad
    with pytest.raises(be.DesignError, match="allowed"):
        be.invalid_vote_effect(panel_of(gr2026, 1, 0.0), **choices)


def test_outputs_are_the_contract(finished, gr2026):
    out = finished / "out"
    names = TABLE_FILES
    assert all((out / f"{name}.csv").is_file() for name in names)
    assert all(
        (out / "report" / f"{index}.{s}").stat().st_size > 10_000
        for index in ("index", "index-en")
        for s in ("html", "docx", "pdf")
    )
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["simulated"] is True
    listed = {f"{name}.csv" for name in TABLE_FILES} | {"results.json", "report/index.pdf"}
    assert listed <= set(manifest["outputs"])
    for name, digest in manifest["outputs"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    assert {f["path"] for f in manifest["inputs"] if f["status"] == "read"} == {
        f"{name}.csv" for name in gr2026.tables()
    }
    assert not [p for p in finished.iterdir() if p.name.startswith(".")]


def test_results_round_trip(finished):
    text = (finished / "out/results.json").read_text(encoding="utf-8")
    assert be.ResultSet.from_json(text).to_json() == text


def test_same_input_and_seed_give_the_same_bytes(finished, gr2026):
    # Side by side, as the program does it, gives the same bytes too.
    be.run(gr2026, raw=finished / "raw", out=finished / "again", processes=2)
    made = {p.relative_to(finished / "out") for p in (finished / "out").rglob("*") if p.is_file()}
    if shutil.which("quarto"):
        # What Quarto writes is for its makers to keep the same; the manifest has its hashes.
        made = {p for p in made if not {"report", "report-source"} & set(p.parts)}
        made -= {Path("manifest.json")}
    assert len(made) >= len(TABLE_FILES) + 1
    for file in made:
        assert (finished / "again" / file).read_bytes() == (finished / "out" / file).read_bytes()


def test_an_undefined_rate_is_empty_never_zero(gr2026):
    rows = simulate_panel(gr2026, seed=1, effect=0.0)
    counts = [c for c in rows.columns if c.endswith("_count")]
    rows.loc[rows["municipality_code"] == "0344", counts] = 0
    tables = {"municipality_results": rows}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    rates = rate_results(be.build_panel(tables, gr2026))
    assert all(np.isnan(r.rate) for r in rates if r.unit == "0344")


@pytest.mark.official
def test_the_p_value_is_that_of_reassigning_all_municipalities(official, root):
    # 0.00035 by 3 million draws (see docs/decisions); four standard errors of a million draws.
    study = be.load_study(root / "analysis/tk2025")
    report = be.validate(be.read_raw(study, official), study)
    panel = be.build_panel(report.accepted, study)
    effect = be.invalid_vote_effect(panel, method="randomisation", draws=1_000_000, seed=7)
    assert effect.p_value == pytest.approx(0.00035, abs=0.00008)


def changed_plan(root, tmp_path, *changes):
    text = (root / "analysis/gr2026/study.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    return be.load_study(tmp_path)


def test_an_experiment_municipality_without_votes_is_an_error(gr2026, finished, tmp_path):
    # Results alone: votes for lists, times and reasons would be without a result too.
    rows = pd.read_csv(finished / "raw/municipality_results.csv", dtype=str)
    hit = (rows["election_id"] == "GR2026") & (rows["municipality_code"] == "0755")
    rows.loc[hit, [c for c in rows.columns if c.endswith("_count")]] = "0"
    (tmp_path / "raw").mkdir()
    rows.to_csv(tmp_path / "raw/municipality_results.csv", index=False)
    with pytest.raises(be.InvalidDataError, match=r"P\.107 .*Boekel"):
        be.run(gr2026, raw=tmp_path / "raw", out=tmp_path / "out", report=False)


@pytest.mark.usefixtures("sketches")
def test_one_experiment_municipality_gives_a_reason_where_a_method_cannot_be_used(
    root, tmp_path, finished
):
    codes = ("0484", "0755", "0513", "0546", "1948", "1842", "0268", "0171", "0796", "0342", "1730")
    before = ", ".join(f'"{c}"' for c in codes)
    study = changed_plan(root, tmp_path, (f"new_ballot = [{before}]", 'new_ballot = ["0755"]'))
    # Results alone: the times name the ballots of the plan as it was.
    results = finished / "raw/municipality_results.csv"
    be.run(study, raw=results, out=tmp_path / "out", report=False)
    effects = pd.read_csv(tmp_path / "out/effects.csv")
    plain = effects[effects["method"] == "randomisation"]
    studentised = effects[effects["method"] == "randomisation_studentised"]
    assert plain["estimate"].notna().all()
    assert studentised["estimate"].isna().all()
    assert studentised["note"].str.contains("at least two").all()


def test_another_primary_outcome_is_the_one_the_report_speaks_of(root, tmp_path, finished):
    study = changed_plan(
        root,
        tmp_path,
        ('outcome = "invalid"', 'outcome = "blank"'),
        ('weighting = "municipality"', 'weighting = "ballot"'),
        ("seed = 2026", "seed = 2026\nmargin = 0.001\nconfidence_level = 0.975"),
        ("confidence_level = 0.95\n", ""),
    )
    outcome = evaluate(study, finished / "raw")
    words = report_variables(DUTCH, outcome)
    assert outcome.primary.effect.outcome == "blank"
    assert words["primary_kind"] == "blanco stemmen"
    assert "Elke stem" in words["effect_text"]
    assert "Ongeldige stemmen" in words["other_effects_text"]
    assert "blanco stemmen" in words["margin_text"]
    assert "Dat het tussen −0,10 en +0,10 procentpunt ligt" in words["margin_text"]
    assert words["confidence"] == "97,5%"
    words = report_variables(ENGLISH, outcome)
    assert words["primary_kind"] == "blank votes"
    assert words["effect_text"].endswith("Every vote has equal weight in this.")
    assert "(97.5% interval " in words["effect_text"]
    assert "Invalid votes: " in words["other_effects_text"]
    assert "lies between −0.10 and +0.10 percentage points" in words["margin_text"]


def test_strata_keep_the_difference_unbiased(root, tmp_path):
    study = changed_plan(root, tmp_path, ("[analysis]", "[analysis]\nstrata = { size_groups = 5 }"))
    panel = panel_of(study, 3, 0.003)
    effect = be.invalid_vote_effect(panel, method="randomisation", draws=1999, seed=1)
    assert effect.ci_lower < 0.003 < effect.ci_upper
    none = be.invalid_vote_effect(panel, method="randomisation_studentised", draws=1999, seed=1)
    assert np.isnan(none.estimate)
    assert "strata" in none.note


def test_an_infinite_limit_survives_json():
    rate = be.Rate("TK2025", "0484", "invalid", 1, 2, 0.5, float("-inf"), float("inf"), "wilson")
    results = be.ResultSet("x", (rate,), (), ())
    assert be.ResultSet.from_json(results.to_json()) == results
