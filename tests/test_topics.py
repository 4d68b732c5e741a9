"""Second opinions, robustness, specifications and power: on the official files and on faults."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import norm

import ballot_eval as be
from ballot_eval.design import Strata
from ballot_eval.estimation.placebos import placebo_standard_error
from ballot_eval.estimation.synthetic import synthetic_effect
from ballot_eval.panel import contrast
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel
from ballot_eval.topics.invalid_votes import effect_results
from ballot_eval.topics.pools import control_pools
from ballot_eval.topics.power import power_results
from ballot_eval.topics.rate_history import PLACEBO_DRAWS, rate_history
from ballot_eval.topics.robustness import decision, robustness_results
from ballot_eval.topics.second_opinions import second_opinions
from ballot_eval.topics.specifications import specification_checks, specification_results


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
    halves = [e for e in effects if e.note]
    assert {(e.method, e.weighting) for e in halves} == {("randomisation_ratio", "municipality")}
    assert all("half a vote added" in e.note and "0096" in e.note for e in halves)
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
    checks = robustness_results(tk2025)
    results = specification_results(tk2025, second_opinions(tk2025, "invalid"), checks)
    found = results.found
    combined = [s for s in found if ":" not in s.control_pool and "_did" not in s.method]
    assert all(s.ci_lower > 0 for s in found)
    assert [s.estimate for s in found] == sorted(s.estimate for s in found)
    # Two baselines, six pools, two weightings, two methods: found or omitted, with a reason.
    own = [s for s in combined if s.method.startswith("randomisation")]
    omitted = [c for c in results.omitted if c.method == "randomisation"]
    assert len(own) + len(omitted) == 2 * 6 * 2 * 2
    assert {c.variant for c in omitted} == {"reference:randomisation_adjusted"}
    assert {c.note for c in omitted} == {"too few municipalities for these covariates"}
    others = {s.method for s in found} - {"randomisation", "randomisation_adjusted"}
    assert others == {"entropy_balanced", "synthetic_control", "synthetic_did"}
    without = [s.control_pool.partition(":")[0] for s in found if ":" in s.control_pool]
    assert sorted(without) == ["leave_control_out"] * 2 + ["leave_one_out"] * 5 + ["without_jumps"]
    assert len({s.labels for s in found}) == len(found)


def test_second_opinions_find_the_simulated_effect(gr_panel):
    for effect in second_opinions(gr_panel, "invalid"):
        assert effect.note == "" or effect.note.startswith("half a vote added")
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
    assert decision(panel, "non_inferiority").verdict == verdict
    without = simulated(planned(gr2026), effect)
    with pytest.raises(ValueError, match="no margin"):
        decision(without, "non_inferiority")
    kinds = {c.check for c in robustness_results(without)}
    assert kinds.isdisjoint({"non_inferiority", "equivalence"})


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
    checks = robustness_results(panel)
    kinds = {c.check for c in checks if math.isfinite(c.estimate)}
    assert kinds.isdisjoint({"placebo", "relative_magnitudes", "synthetic_unit"})
    assert {"leave_one_out", "control_pool"} <= kinds
    reasons = {c.check: c.note for c in checks if c.note}
    assert reasons["relative_magnitudes"] == "there is no election before to compare with"
    assert reasons["synthetic_unit"] == "the method needs two earlier elections"


def changed(study, change, effect=0.0):
    """Return a panel on simulated rows (1 row per election and municipality) after a change."""
    rows = change(simulate_panel(study, seed=1, effect=effect).reset_index(drop=True))
    tables = {"municipality_results": rows}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    return be.build_panel(tables, study)


def silent(rows, which):
    """Return rows without invalid votes where ``which`` (n,) says so."""
    rows = rows.copy()
    moved = rows["invalid_votes_count"].where(which, 0)
    rows["valid_votes_count"] += moved
    rows["invalid_votes_count"] -= moved
    return rows


def even(rows):
    return rows["municipality_code"].astype(int) % 2 == 0


@pytest.mark.parametrize("kind", ["identical", "silent"])
def test_a_margin_with_outcomes_that_do_not_differ_gives_a_reason(gr2026, kind):
    def same(rows):
        ballots = {"votes_cast_count": 10_000, "valid_votes_count": 9_950}
        return rows.assign(invalid_votes_count=30, blank_votes_count=20, **ballots)

    study = planned(gr2026, margin=0.001)
    change = same if kind == "identical" else lambda rows: silent(rows, rows.index >= 0)
    checks = {c.check: c for c in robustness_results(changed(study, change))}
    for name in ("non_inferiority", "equivalence"):
        assert checks[name].variant == "undecided"
        assert math.isnan(checks[name].p_value)
        assert checks[name].note == "the outcomes do not differ between municipalities"


def test_controls_that_never_have_all_elections_give_reasons(gr2026):
    def disjoint(rows):
        control = ~rows["municipality_code"].isin(gr2026.municipalities)
        first = (rows["election_id"] == "GR2018") & even(rows)
        second = (rows["election_id"] == "GR2022") & ~even(rows)
        return rows[~(control & (first | second))]

    panel = changed(planned(gr2026), disjoint, effect=0.003)
    checks = robustness_results(panel)
    effects = second_opinions(panel, "invalid")
    assert specification_results(panel, effects, checks).found
    joint = specification_checks(panel)
    assert [c.note for c in joint] == [
        "no control municipality has results at all of GR2022, GR2018"
    ]
    notes = {c.check: c.note for c in checks if math.isnan(c.estimate)}
    assert notes["placebo"] == "no control municipality has results at both GR2018 and GR2022"
    both = "no control municipality has results at all of GR2018, GR2022, GR2026"
    assert notes["event_study"] == notes["synthetic_unit"] == notes["balance_before"] == both
    known = {e.method for e in effects if math.isfinite(e.estimate)}
    assert {"crv3", "randomisation_ratio", "quasi_poisson"} <= known
    assert {e.note for e in effects if e.method.startswith("synth")} == {both}


def test_no_controls_at_a_second_baseline_leave_the_primary_as_it_is(gr2026):
    def gone(rows):
        control = ~rows["municipality_code"].isin(gr2026.municipalities)
        return rows[~(control & (rows["election_id"] == "GR2018"))]

    panel = changed(planned(gr2026), gone, effect=0.003)
    found = {(e.effect.baseline, e.effect.method): e.effect for e in effect_results(panel)}
    assert math.isfinite(found["GR2022", "randomisation"].estimate)
    missing = found["GR2018", "randomisation"]
    assert math.isnan(missing.estimate)
    assert missing.note == "no control municipality has results at both GR2018 and GR2026"
    others = [e for e in second_opinions(panel, "invalid") if e.baseline == "GR2018"]
    assert all(math.isnan(e.estimate) for e in others)
    assert {e.note for e in others if e.method != "entropy_balanced"} == {missing.note}

    def primary_gone(rows):
        control = ~rows["municipality_code"].isin(gr2026.municipalities)
        return rows[~(control & (rows["election_id"] == "GR2022"))]

    with pytest.raises(be.DesignError, match="both GR2026 and GR2022, the primary comparison"):
        changed(planned(gr2026), primary_gone)


def test_a_control_without_a_history_is_left_out_of_matching_and_named(gr2026):
    def one_gone(rows):
        lost = (rows["municipality_code"] == "0344") & (rows["election_id"] == "GR2018")
        return rows[~lost]

    panel = changed(planned(gr2026), one_gone, effect=0.003)
    balanced = [e for e in second_opinions(panel, "invalid") if e.method == "entropy_balanced"]
    assert balanced[0].note == "left out without all facts and earlier rates: 0344"
    assert math.isfinite(balanced[0].estimate)
    assert balanced[0].n_control == 329
    checks = robustness_results(panel)
    (matched,) = [c for c in checks if (c.check, c.variant) == ("control_pool", "matched")]
    assert (matched.n_control, matched.note) == (55, balanced[0].note)
    before = [c for c in checks if c.check == "balance_before"]
    assert {(c.n_control, c.note) for c in before} == {(329, balanced[0].note)}


@pytest.mark.parametrize(("role", "election"), [("experiment", "GR2022"), ("control", "GR2026")])
def test_a_role_without_events_at_an_election_has_no_ratio(gr2026, role, election):
    def none(rows):
        ours = rows["municipality_code"].isin(gr2026.experiment())
        return silent(rows, (ours == (role == "experiment")) & (rows["election_id"] == election))

    panel = changed(planned(gr2026), none, effect=0.003)
    found = [e for e in second_opinions(panel, "invalid") if e.estimand != "att"]
    hit = [e for e in found if election in e.contrast.split("-")]
    assert hit
    assert all(math.isnan(e.estimate) for e in hit)
    ratio = next(e for e in hit if e.method == "randomisation_ratio")
    assert ratio.note.startswith(f"no votes of this kind at {election} in any {role}")


def test_single_zero_counts_get_a_half_and_no_zero_gets_none(gr2026):
    def one_zero(rows):
        rows = rows.assign(invalid_votes_count=rows["invalid_votes_count"].clip(lower=1))
        return silent(
            rows, (rows["municipality_code"] == "0344") & (rows["election_id"] == "GR2026")
        )

    def no_zero(rows):
        return rows.assign(invalid_votes_count=rows["invalid_votes_count"].clip(lower=1))

    def notes(change):
        found = second_opinions(changed(planned(gr2026), change), "invalid")
        return {(e.weighting, e.note) for e in found if e.method == "randomisation_ratio"}

    half = "half a vote added to every count, because 0344 had none at an election"
    assert notes(one_zero) == {("municipality", half), ("ballot", "")}
    assert notes(no_zero) == {("municipality", ""), ("ballot", "")}


def test_one_municipality_on_a_side_has_no_count_model(gr2026):
    elections = tuple(
        e.model_copy(update={"new_ballot": ("0755",)}) if e.id == "GR2026" else e
        for e in gr2026.elections
    )
    study = planned(gr2026).model_copy(update={"elections": elections})
    found = second_opinions(simulated(study, 0.003), "invalid")
    models = [e for e in found if e.method.startswith("quasi")]
    assert models
    assert all(math.isnan(e.estimate) and "one municipality" in e.note for e in models)
    (crv3, *_) = [e for e in found if e.method == "crv3"]
    assert crv3.note == (
        "the effect rests on municipality 0755 alone, so its uncertainty cannot be estimated"
    )


def test_limits_and_p_value_of_synthetic_effects_are_of_the_same_placebos(gr_panel):
    found = [e for e in second_opinions(gr_panel, "invalid") if e.method.startswith("synth")]
    history = rate_history(gr_panel, "invalid")
    for effect in found:
        options = {"n_post": 1, "method": effect.method, "solver": "exact"}
        own = synthetic_effect(history.rates, history.treated, **options).estimate
        assert effect.estimate == own
        placebos = placebo_standard_error(
            history.rates, history.treated, draws=PLACEBO_DRAWS, seed=2026, **options
        )
        reached = (np.abs(placebos.estimates) >= abs(own)).sum()
        assert effect.p_value == (reached + 1) / (PLACEBO_DRAWS + 1)
        assert effect.draws == PLACEBO_DRAWS
        half = norm.ppf(0.975) * placebos.standard_error
        assert effect.ci_upper - effect.estimate == pytest.approx(half)


def test_an_enumerated_bootstrap_says_so(gr2026):
    def few(rows):
        controls = sorted(set(rows["municipality_code"]) - set(gr2026.municipalities))[:2]
        return rows[rows["municipality_code"].isin([*gr2026.experiment(), *controls])]

    panel = changed(planned(gr2026), few, effect=0.003)
    for effect in second_opinions(panel, "invalid"):
        if effect.method == "wild_bootstrap":
            assert (effect.draws, effect.exact, effect.p_error) == (2**13, True, 0.0)


def test_with_strata_every_method_compares_within_them_or_says_so(gr2026):
    strata = Strata(size_groups=5)
    panel = simulated(planned(gr2026, strata=strata), 0.003)
    data = contrast(panel, "invalid", "GR2026", "GR2022")
    effects = {
        (e.method, e.weighting): e
        for e in second_opinions(panel, "invalid")
        if e.baseline != "GR2018"
    }
    primary = be.invalid_vote_effect(panel, method="randomisation", draws=1999, seed=1)
    for method in ("crv1", "cr2", "crv3", "wild_bootstrap"):
        assert effects[method, "municipality"].estimate == pytest.approx(primary.estimate)
    refused = ("entropy_balanced", "callaway_santanna", "synthetic_did", "synthetic_control")
    for method in refused:
        assert "within strata" in effects[method, "municipality"].note
    assert "within strata" in effects["randomisation_ratio", "ballot"].note
    # The ratio is the coefficient of the role beside stratum means, on log rates.
    now, then = (panel.counts(e, "invalid").loc[list(data.codes)] for e in ("GR2026", "GR2022"))
    half = 0.5 if effects["randomisation_ratio", "municipality"].note else 0.0
    logs = [np.log((t["numerator"] + half) / (t["denominator"] + 2 * half)) for t in (now, then)]
    dummies = data.strata[:, None] == np.arange(5)
    x = np.column_stack([data.treated, dummies]).astype(float)
    expected = np.linalg.lstsq(x, logs[0] - logs[1], rcond=None)[0][0]
    ratio = effects["randomisation_ratio", "municipality"].estimate
    assert math.log(ratio) == pytest.approx(expected)
    # Count models: an effect of the later election for every stratum.
    codes = np.tile(np.array(data.codes), 2)
    period = np.repeat([0, 1], len(data.codes))
    design = np.column_stack(
        [
            np.tile(data.treated, 2) & (period == 1),
            *((codes == c) for c in data.codes),
            *((np.tile(data.strata, 2) == s) & (period == 1) for s in range(5)),
        ]
    ).astype(float)
    events, ballots = (
        np.concatenate([then[c], now[c]]).astype(float) for c in ("numerator", "denominator")
    )
    model = sm.GLM(events, design, family=sm.families.Poisson(), offset=np.log(ballots))
    expected = model.fit(scale="X2").params[0]
    own = effects["quasi_poisson", "ballot"].estimate
    assert math.log(own) == pytest.approx(expected, rel=1e-6)
    assert all(c.note for c in robustness_results(panel) if c.check.startswith("family"))


def test_a_stratum_of_experiment_municipalities_refuses_every_method(gr2026):
    def few(rows):
        controls = sorted(set(rows["municipality_code"]) - set(gr2026.municipalities))[:6]
        return rows[rows["municipality_code"].isin([*gr2026.experiment(), *controls])]

    panel = changed(planned(gr2026, strata=Strata(size_groups=8)), few)
    found = [e for e in second_opinions(panel, "invalid") if e.contrast == "GR2026-GR2022"]
    assert all(math.isnan(e.estimate) for e in found)
    assert "a stratum holds only experiment" in {e.method: e.note for e in found}["quasi_poisson"]


def test_first_and_third_timers_have_effects_of_their_own(gr_panel):
    checks = robustness_results(gr_panel)
    found = {c.variant: c for c in checks if c.check == "effect_by_exposure"}
    assert {k: c.n_experiment for k, c in found.items()} == {"1": 7, "3": 4}
    data = contrast(gr_panel, "invalid", "GR2026", "GR2022")
    study = gr_panel.study
    for times, check in found.items():
        own = [study.exposure(c, "GR2026") == int(times) for c in data.codes]
        plain = data.change[own].mean() - data.change[~data.treated].mean()
        assert check.estimate == pytest.approx(plain)
        assert check.ci_lower < plain < check.ci_upper
        assert check.n_control == 330


def test_joint_limits_of_the_event_study_are_wider_than_those_of_one(gr_panel):
    checks = robustness_results(gr_panel)
    one, all_of_them = (
        {c.variant: c.ci_upper - c.ci_lower for c in checks if c.check == name}
        for name in ("event_study", "event_study_uniform")
    )
    assert one.keys() == all_of_them.keys() == {"GR2018", "GR2026"}
    assert all(1.05 < all_of_them[e] / one[e] < 1.3 for e in one)


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
