"""The learning effect from tables to measures: known truth, published shares, official files."""

from __future__ import annotations

import math

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.schema import TABLES
from ballot_eval.simulation import simulate_panel, simulate_voting_times
from ballot_eval.topics.exposures import exposure_history
from ballot_eval.topics.learning import learning_results

AGAIN = ("0484", "0755", "1730", "1842")


def tables_of(study, **options):
    made = {name: pd.DataFrame(columns=list(table.names)) for name, table in TABLES.items()}
    return made | {"municipality_results": simulate_panel(study, seed=4, **options)}


@pytest.fixture(scope="module")
def quick(gr2026):
    analysis = gr2026.analysis.model_copy(update={"draws": 4999, "max_exact": 999})
    return gr2026.model_copy(update={"analysis": analysis})


def found(study, tables):
    return learning_results(be.build_panel(tables, study), tables)


def one(results, **wanted):
    (m,) = [m for m in results.measures if all(getattr(m, k) == v for k, v in wanted.items())]
    return m


@pytest.fixture(scope="module")
def none(quick):
    return found(quick, tables_of(quick, effect=0.004))


@pytest.fixture(scope="module")
def half(quick):
    return found(quick, tables_of(quick, effect=0.004, learning=0.5, leaver_factor=2.0))


STUDENTISED = {"quantity": "change_in_excess", "method": "randomisation_studentised"}


def test_the_fixed_set_is_in_at_every_use_and_the_leaver_is_not(quick, none):
    history = none.history
    assert history.fixed_set == history.members == AGAIN
    assert len(history.complete) == 3
    codes, fixed = history.common()
    assert "0147" not in codes
    assert sorted(codes[fixed]) == sorted(AGAIN)
    assert not set(codes[~fixed]) & set(quick.ever_exposed())


@pytest.mark.parametrize(("scenario", "change"), [("none", 0.0), ("half", -0.002)])
def test_the_change_put_in_lies_within_its_interval(request, scenario, change):
    results = request.getfixturevalue(scenario)
    m = one(results, group="TK2025-EP2024", subset="municipality", **STUDENTISED)
    assert m.ci_lower < change < m.ci_upper
    later = one(results, quantity="later_against_first", method="exact_permutation")
    gone = 0.0 if scenario == "none" else -0.003
    assert later.ci_lower < gone < later.ci_upper
    assert later.p_value * 330 == pytest.approx(round(later.p_value * 330))


def test_the_same_draws_serve_every_use(none):
    excess = {m.group: m for m in none.measures if (m.quantity, m.subset) == ("excess", "ballot")}
    assert list(excess) == ["EP2024", "TK2025", "GR2026"]
    for earlier, later in (("EP2024", "TK2025"), ("TK2025", "GR2026")):
        m = one(none, group=f"{later}-{earlier}", subset="municipality", **STUDENTISED)
        pair = [
            one(none, quantity="excess", group=g, subset="municipality") for g in (later, earlier)
        ]
        assert m.estimate == pytest.approx(pair[0].estimate - pair[1].estimate, abs=1e-12)


def test_parts_add_up_exactly(half):
    for (then, now), parts in half.decompositions.items():
        values = {
            m.quantity.removeprefix("decomposition_"): m.estimate
            for m in half.measures
            if m.group == f"{now}-{then}" and m.quantity.startswith("decomposition_")
        }
        naive = values.pop("naive")
        assert sum(values.values()) == pytest.approx(naive, abs=1e-15)
        assert parts.separable


def test_a_leaver_moves_the_naive_change_and_not_the_learning(quick, none):
    """Borne, which left, with four times the effect: the share falls and nobody learned."""
    other = found(quick, tables_of(quick, effect=0.004, leaver_factor=4.0))
    for name, moves in (("naive", True), ("leavers", True), ("learning", False)):
        before, after = (
            one(r, quantity=f"decomposition_{name}", group="GR2026-TK2025").estimate
            for r in (none, other)
        )
        assert (after < before - 0.001) is moves
        assert moves or after == pytest.approx(before, abs=1e-12)


def test_the_forecast_is_the_control_rate_plus_the_excess(none):
    shares = {(f.label, f.scale): f for f in none.forecasts}
    now = shares["no_further_learning", "additive"]
    assert now.share_lower < now.share < now.share_upper
    assert {label for label, _ in shares} == {
        "no_further_learning",
        "first_use",
        "most_exposures",
        "best_municipality",
    }
    votes = one(
        none, quantity="forecast_extra_votes", group="no_further_learning", subset="additive"
    )
    assert votes.estimate == pytest.approx((now.share - now.control_rate) * now.votes_cast)
    assert 0.003 < now.share - now.control_rate < 0.005


def test_voters_within_stations_are_compared(quick):
    tables = tables_of(quick, effect=0.003)
    tables["voting_times"] = simulate_voting_times(quick, seed=4).fillna({"age_band": ""})
    m = one(
        found(quick, tables), quantity="within_station_time_ratio", method="cr2_polling_station"
    )
    # First use takes 1.15 times as long.
    assert m.ci_lower < 1 / 1.15 < m.ci_upper < 1


def test_published_shares_enter_as_intervals_and_never_as_counts(root):
    study = be.load_study(root / "analysis/tk2025")
    tables = tables_of(study, effect=0.003)
    rows = tables["municipality_results"]
    tables["municipality_results"] = rows[rows["election_id"] != "EP2024"]
    results = found(study, tables)
    assert "EP2024" not in results.history.counts
    changes = [m for m in results.measures if m.quantity.startswith("change_in_")]
    assert {m.method for m in changes} == {"identity_rounded", "published_shares"}
    assert all(math.isnan(m.p_value) for m in changes)
    naive = one(results, quantity="decomposition_naive")
    assert naive.ci_upper - naive.ci_lower == pytest.approx(0.0001)
    assert math.isnan(naive.p_value)
    learning = one(results, quantity="decomposition_learning")
    # Two rounded shares: that of the five and that of the rest.
    assert learning.ci_upper - learning.ci_lower == pytest.approx(0.0002)
    own = [m for m in results.measures if (m.quantity, m.method) == ("excess", "published_shares")]
    assert len(own) == 5
    assert all(m.ci_upper - m.ci_lower == pytest.approx(0.0011) for m in own)


def test_counts_replace_published_shares(root):
    study = be.load_study(root / "analysis/tk2025")
    results = found(study, tables_of(study, effect=0.003))
    assert [m for m in results.measures if m.quantity == "change_in_excess"]
    assert not [m for m in results.measures if m.method == "published_shares"]


def test_without_a_plan_for_learning_there_is_nothing(quick):
    study = quick.model_copy(update={"learning": None})
    tables = tables_of(study, effect=0.003)
    assert exposure_history(tables, study, "invalid") is None
    assert found(study, tables) is None


@pytest.mark.official
def test_ep2024_to_tk2025_on_the_official_files(official, root):
    study = be.load_study(root / "analysis/tk2025")
    report = be.validate(be.read_raw(study, official), study)
    results = learning_results(be.build_panel(report.accepted, study), report.accepted)
    parts = results.decompositions["EP2024", "TK2025"]
    assert parts.naive.lower == pytest.approx(633 / 131_478 - 0.00745, abs=1e-12)
    assert parts.naive.upper == pytest.approx(633 / 131_478 - 0.00735, abs=1e-12)
    assert parts.joiners.exact
    assert parts.joiners.lower == parts.leavers.lower == 0
    assert parts.learning.lower == pytest.approx(-0.003923, abs=1e-6)
    assert parts.learning.upper == pytest.approx(-0.003723, abs=1e-6)
    excess = one(results, quantity="excess", group="TK2025", subset="ballot")
    assert excess.estimate == pytest.approx(0.002327, abs=1e-6)
