"""Second opinions, robustness, specifications and power: on the official files and on faults."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.panel import contrast
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel
from ballot_eval.topics.pools import control_pools
from ballot_eval.topics.power import power_results
from ballot_eval.topics.robustness import decisions, robustness_results
from ballot_eval.topics.second_opinions import second_opinions
from ballot_eval.topics.specifications import specification_results


@pytest.fixture(scope="module")
def tk2025(official, root):
    study = be.load_study(root / "analysis/tk2025")
    report = be.validate(be.read_raw(study, official), study)
    return be.build_panel(report.accepted, study)


def simulated(study, effect, seed=3):
    tables = {"municipality_results": simulate_panel(study, seed=seed, effect=effect)}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    return be.build_panel(tables, study)


@pytest.fixture(scope="module")
def gr_panel(gr2026):
    return simulated(gr2026, 0.003)


def planned(study, **changes):
    analysis = study.analysis.model_copy(update={"draws": 1999, "max_exact": 1999} | changes)
    return study.model_copy(update={"analysis": analysis})


@pytest.mark.official
def test_all_methods_agree_on_tk2025(tk2025):
    effects = second_opinions(tk2025, "invalid")
    assert all(e.note == "" for e in effects)
    differences = [e for e in effects if e.estimand == "att"]
    recent = [e for e in differences if e.baseline.endswith("TK2023")]
    assert {e.method for e in recent} == {
        "randomisation_adjusted",
        *("crv1", "cr2", "crv3", "wild_bootstrap", "callaway_santanna", "entropy_balanced"),
        *("synthetic_control", "synthetic_did"),
    }
    assert all(0.0022 < e.estimate < 0.0032 and e.ci_lower > 0 for e in recent)
    # With one moment of adoption the staggered method is the plain difference-in-differences.
    plain = be.invalid_vote_effect(tk2025, method="randomisation", draws=99, seed=1).estimate
    exact = [e.estimate for e in recent if e.method in {"crv3", "callaway_santanna"}]
    assert exact[:1] + exact[-1:] == pytest.approx([plain, plain], rel=1e-12)
    ratios = [e for e in effects if e.estimand != "att"]
    assert all(1.8 < e.estimate < 2.6 and e.ci_lower > 1 for e in ratios)


@pytest.mark.official
def test_robustness_of_tk2025(tk2025):
    checks = robustness_results(tk2025)
    by_check = {}
    for check in checks:
        by_check.setdefault(check.check, {})[check.variant] = check
    assert set(by_check["without_jumps"]) == {"0971+1950"}
    pools = by_check["control_pool"]
    assert set(pools) == {
        *("all", "reference", "same_size", "same_province", "without_neighbours", "matched")
    }
    assert all(c.ci_lower > 0 for c in pools.values())
    assert pools["reference"].n_control == 10
    assert by_check["relative_magnitudes"]["breakdown"].estimate > 2
    turnout = by_check["placebo_outcome"]["turnout"]
    assert turnout.ci_lower < 0 < turnout.ci_upper
    assert len(by_check["synthetic_placebo"]) == 337
    assert "non_inferiority" not in by_check


@pytest.mark.official
def test_every_specification_of_tk2025_says_the_same(tk2025):
    found = specification_results(tk2025)
    assert len(found) > 30
    assert all(s.ci_lower > 0 for s in found)
    assert [s.estimate for s in found] == sorted(s.estimate for s in found)


def test_second_opinions_find_the_simulated_effect(gr_panel):
    for effect in second_opinions(gr_panel, "invalid"):
        assert effect.note == ""
        if effect.method.startswith("synthetic"):
            # With two earlier elections the weights are not settled, nor is their interval.
            assert abs(effect.estimate - 0.003) < 0.0015
        elif effect.estimand == "att":
            assert effect.ci_lower < 0.003 < effect.ci_upper


def test_pools_hold_all_experiment_municipalities_and_some_controls(gr_panel):
    data = contrast(gr_panel, "invalid", "GR2026", "GR2022")
    pools = dict(control_pools(gr_panel, data, "invalid"))
    assert all((keep & data.treated).sum() == 11 for keep in pools.values())
    sizes = {name: int((keep & ~data.treated).sum()) for name, keep in pools.items()}
    assert sizes["all"] == 330
    assert sizes["reference"] == 22
    assert sizes["matched"] == 55
    assert 0 < sizes["same_province"] < 330
    assert 0 < sizes["without_neighbours"] < 330


@pytest.mark.parametrize(
    ("effect", "margin", "verdict"),
    [(0.0, 0.002, "non_inferior"), (0.003, 0.001, "not_shown")],
)
def test_a_margin_gives_a_verdict_and_none_gives_none(gr2026, effect, margin, verdict):
    panel = simulated(planned(gr2026, margin=margin), effect)
    found = decisions(panel)
    assert found["non_inferiority"].verdict == verdict
    without = simulated(planned(gr2026), effect)
    assert decisions(without) == {}


def test_power_grows_with_the_effect_and_starts_at_the_level(gr_panel):
    found = power_results(gr_panel)
    assert {p.n_experiment for p in found} == {5, 11}
    for size in (5, 11):
        power = np.array([p.power for p in found if p.n_experiment == size])
        assert 0.02 < power[0] < 0.09
        assert power[-1] > 0.99
        assert (np.diff(power) > -0.02).all()
    smallest = {p.n_experiment: p.detectable_effect for p in found}
    assert 0.0005 < smallest[11] < smallest[5] < 0.0025


def test_a_single_baseline_leaves_out_what_needs_a_history(gr2026):
    study = planned(gr2026).model_copy(update={"baselines": ("GR2022",)})
    panel = simulated(study, 0.003)
    notes = {e.method: e.note for e in second_opinions(panel, "invalid")}
    assert notes["synthetic_did"]
    assert not notes["crv3"]
    kinds = {c.check for c in robustness_results(panel)}
    assert kinds.isdisjoint({"placebo", "relative_magnitudes", "synthetic_unit"})
    assert {"leave_one_out", "control_pool"} <= kinds


def test_no_events_give_reasons_and_no_numbers(gr2026):
    study = planned(gr2026)
    rows = simulate_panel(study, seed=1, effect=0.0)
    rows["valid_votes_count"] += rows["invalid_votes_count"]
    rows["invalid_votes_count"] = 0
    tables = {"municipality_results": rows}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    panel = be.build_panel(tables, study)
    for effect in second_opinions(panel, "invalid"):
        known = math.isfinite(effect.estimate)
        assert known is (effect.note == "")
        assert not known or effect.estimate in {0.0, 1.0}
    assert all(
        math.isnan(c.p_value) or c.p_value == 1
        for c in robustness_results(panel)
        if c.check == "leave_one_out"
    )
