"""Preference votes and repeated numbers: by hand, by role, on today's map, and with nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.simulation import CANDIDATE_TRUTH, simulate_candidates
from ballot_eval.topics.marking import preference, repeated_number
from ballot_eval.topics.marking.candidates import candidate_votes
from ballot_eval.topics.marking.party_only import party_only_counts
from ballot_eval.topics.marking.preference import preference_counts, preference_results
from ballot_eval.topics.marking.repeated_number import repeated_number_results
from ballot_eval.topics.marking.shares import MUNICIPALITY, VALID
from candidate_frames import candidates, few_draws, simulated_panel, valid_votes


@pytest.fixture(scope="module")
def panel(gr2026):
    return simulated_panel(few_draws(gr2026))


@pytest.fixture(scope="module")
def simulated(panel):
    rows = valid_votes(panel, "GR2022", "GR2026")
    return simulate_candidates(rows, panel.study, seed=5)[1]


def pick(items, **wanted):
    """Return the one measure with these fields."""
    found = [m for m in items if all(getattr(m, k) == v for k, v in wanted.items())]
    assert len(found) == 1, (wanted, len(found))
    return found[0]


def party_only(rows):
    columns = ["municipality_code", "polling_station_id", "list_number", "votes_count"]
    return pd.DataFrame(rows, columns=columns).assign(election_id="GR2026")


def test_whole_municipalities_go_before_stations_and_stations_are_added_up(panel):
    whole = candidates([("0014", 1, 1, 70), ("0014", 1, 2, 30)])
    stations = [
        candidates([("0014", 1, 1, 5), ("0484", 1, 1, 20), ("0484", 1, 2, 4)]),
        candidates([("0484", 1, 1, 30), ("0484", 2, 1, 6)]),
    ]
    parts = [s.assign(polling_station_id=str(i)) for i, s in enumerate(stations)]
    found = candidate_votes(pd.concat([whole, *parts], ignore_index=True), panel, "GR2026")
    columns = ["municipality_code", "list_number", "candidate_number", "votes_count"]
    assert found.rows[columns].to_numpy().tolist() == [
        ["0014", 1, 1, 70],
        ["0014", 1, 2, 30],
        ["0484", 1, 1, 50],
        ["0484", 1, 2, 4],
        ["0484", 2, 1, 6],
    ]
    assert found.municipalities["role"].to_dict() == {"0014": "control", "0484": "experiment"}
    votes = found.array()
    assert votes.shape == (2, 2, 2)
    assert votes[1, 1, 0] == 6
    assert math.isnan(votes[0, 1, 0])


def test_text_in_categories_gives_the_same(panel):
    frame = candidates([("0014", 1, 1, 70), ("0014", 10, 2, 30), ("0484", 2, 1, 5)])
    text = frame.columns.drop("votes_count")
    same = candidate_votes(frame.astype(dict.fromkeys(text, "category")), panel, "GR2026")
    pd.testing.assert_frame_equal(same.rows, candidate_votes(frame, panel, "GR2026").rows)


def test_merged_municipalities_are_added_up_but_have_no_lists_of_their_own(panel):
    # Weesp (0457) became part of Amsterdam (0363) on 24 March 2022.
    rows = [(code, k, p, 300) for code in ("0363", "0457", "0014") for k in (1, 2) for p in (1, 2)]
    frame = candidates(rows, election_id="GR2022")
    found = candidate_votes(frame, panel, "GR2022")
    assert found.merged == ("0363",)
    assert preference_counts(found.rows).loc["0363"].tolist() == [1200, 2400]
    assert repeated_number.repeated_number(found, panel).codes == ("0014",)


def test_municipalities_without_a_result_have_no_role_and_are_left_out(panel):
    frame = candidates([("9999", 1, 1, 70), ("0014", 1, 1, 70)])
    assert set(candidate_votes(frame, panel, "GR2026").rows["municipality_code"]) == {"0014"}
    assert candidate_votes(frame.head(1), panel, "GR2026") is None
    assert candidate_votes(frame, panel, "GR2022") is None


def test_votes_for_a_party_alone_leave_first_candidate_and_total(panel):
    rows = [("0014", 1, 1, 60), ("0014", 1, 2, 40), ("0014", 2, 2, 20)]
    found = candidate_votes(candidates(rows), panel, "GR2026").rows
    assert preference_counts(found).loc["0014"].tolist() == [60, 120]
    assert preference_counts(found, {"0014": 60}).loc["0014"].tolist() == [60, 60]
    assert preference_counts(found, {"0014": 61}).empty
    assert preference_counts(found, {}).empty


def test_party_only_counts_are_zero_with_the_old_ballot_and_absent_where_not_counted(panel):
    frame = party_only(
        [
            ("0484", "", "", 50),
            ("0484", "", "1", 20),
            ("0484", "3", "", 9),
            ("0755", "1", "1", 3),
            ("0755", "2", "1", 4),
            ("0014", "", "", 8),
        ]
    )
    valid = int(panel.results.set_index(MUNICIPALITY).loc[("GR2026", "0755"), VALID])
    stations = pd.DataFrame(
        {
            "election_id": "GR2026",
            "municipality_code": "0755",
            "polling_station_id": ["1", "2"],
            VALID: [500, valid - 500],
        }
    )
    tables = {"party_only_votes": frame, "station_results": stations}
    found = party_only_counts(tables, panel, "GR2026")
    assert (found["0484"], found["0755"], found["0014"]) == (50, 7, 0)
    assert "0513" not in found
    # Not all of its stations have such counts, or it is not known whether they have.
    fewer = tables | {"party_only_votes": frame[frame["polling_station_id"] != "2"]}
    for less in (fewer, {"party_only_votes": frame}):
        assert "0755" not in party_only_counts(less, panel, "GR2026")
    assert set(party_only_counts({}, panel, "GR2022").values()) == {0}


def test_shares_of_groups_municipalities_and_lists(panel, simulated):
    items = list(preference_results({"candidate_results": simulated}, panel))
    own = simulated[simulated["election_id"] == "GR2026"]
    own = own[own["municipality_code"].isin(panel.study.experiment())]
    others = own[own["candidate_number"] > 1]["votes_count"].sum()
    group = pick(items, election="GR2026", unit="experiment", quantity=preference.SHARE)
    assert (group.numerator, group.denominator) == (others, own["votes_count"].sum())
    assert group.ci_lower < group.estimate < group.ci_upper
    assert group.count == 11
    lists = [m for m in items if m.unit == "0484" and m.level.startswith(preference.LIST)]
    every = pick(items, election="GR2026", unit="0484", level="total")
    # One municipality does not show how much municipalities vary: a binomial interval is too small.
    assert math.isnan(every.ci_lower)
    assert sum(m.numerator for m in lists) == every.numerator
    assert sum(m.denominator for m in lists) == every.denominator
    # Borne had the new ballot before: it has a share, but is in no group and no difference.
    assert pick(items, election="GR2026", unit="0147", level="total")
    for m in items:
        if m.unit == preference.CONTRAST:
            assert m.count == 341
    assert pick(items, election="GR2026", unit="control").count == 330


def test_the_correction_takes_away_what_votes_for_a_party_alone_do(panel):
    truth = replace(CANDIDATE_TRUTH, repeat_share=0.0, party_only_share=0.25)
    rows = valid_votes(panel, "GR2022", "GR2026")
    valid = rows[rows["election_id"] == "GR2026"].set_index("municipality_code")
    given = {c: int(valid.loc[c, "valid_votes_count"] // 4) for c in panel.study.experiment()}
    _, frame = simulate_candidates(rows, panel.study, seed=10, truth=truth, party_only=given)
    alone = party_only([(code, "", "", n) for code, n in given.items()])
    accepted = {"candidate_results": frame, "party_only_votes": alone}
    items = list(preference_results(accepted, panel))
    plain, corrected = (
        pick(
            items,
            unit=preference.CONTRAST,
            level="GR2022",
            quantity=quantity,
            method="randomisation_municipality",
        )
        for quantity in (preference.SHARE, preference.CORRECTED)
    )
    # A quarter of some 54% preference votes.
    assert plain.estimate == pytest.approx(-0.135, abs=0.05)
    assert plain.ci_upper < 0
    assert corrected.ci_lower < 0 < corrected.ci_upper


def test_without_an_earlier_election_with_candidates_the_change_says_so(panel, simulated):
    here = simulated[simulated["election_id"] == "GR2026"]
    items = list(preference_results({"candidate_results": here}, panel))
    changes = [m for m in items if m.unit == preference.CONTRAST and m.level == "GR2022"]
    assert [m.note for m in changes] == [preference.NO_BASELINE] * 2
    assert all(math.isnan(m.estimate) for m in changes)
    at = [m for m in items if m.unit == preference.CONTRAST and m.level == "total"]
    assert all(math.isfinite(m.estimate) for m in at)


def test_without_candidates_there_is_nothing(panel, simulated):
    for frame in (simulated.head(0), simulated[simulated["election_id"] == "GR2022"]):
        accepted = {"candidate_results": frame}
        assert not list(preference_results(accepted, panel))
        assert not list(repeated_number_results(accepted, panel))


@pytest.mark.parametrize("group", ["experiment", "control"])
def test_a_group_without_candidates_is_a_reason(panel, simulated, group):
    roles = simulated["municipality_code"].map(panel.study.role)
    accepted = {"candidate_results": simulated[roles != group]}
    made = [*preference_results(accepted, panel), *repeated_number_results(accepted, panel)]
    contrasts = [m for m in made if m.unit == preference.CONTRAST]
    assert {m.note for m in contrasts if math.isnan(m.estimate)} == {
        preference.NO_BOTH,
        preference.NO_CONTRAST,
        repeated_number.NO_PAIRS,
    }
    assert all(math.isnan(m.estimate) for m in contrasts)


def test_repeated_numbers_are_found_with_the_new_ballot_only(panel, simulated):
    items = list(repeated_number_results({"candidate_results": simulated}, panel))
    chosen = {"unit": repeated_number.CONTRAST, "level": "total", "method": "randomisation_list"}
    now, before = (pick(items, election=e, **chosen) for e in ("GR2026", "GR2022"))
    assert now.ci_lower < CANDIDATE_TRUTH.repeat_share < now.ci_upper
    assert now.ci_lower > 0
    assert before.ci_lower < 0 < before.ci_upper
    robust = pick(items, election="GR2026", method="hodges_lehmann")
    assert robust.ci_lower < CANDIDATE_TRUTH.repeat_share < robust.ci_upper
    assert pick(items, method="number_permutation").p_value <= 0.01
    assert {m.level for m in items if m.unit == "all"} >= {"total", "2", "12"}


def test_what_is_perhaps_not_meant_is_consistent(panel, simulated):
    items = list(repeated_number_results({"candidate_results": simulated}, panel))
    for method in ("randomisation_list", "randomisation_ballot"):
        contrast = pick(
            items, election="GR2026", unit=repeated_number.CONTRAST, level="total", method=method
        )
        votes, judged, valid = (
            pick(items, quantity=quantity, method=method)
            for quantity in (
                "unintended_votes",
                "unintended_share_of_judged",
                "unintended_share_of_valid",
            )
        )
        assert (judged.estimate, judged.p_value) == (contrast.estimate, contrast.p_value)
        assert judged.estimate * judged.denominator == pytest.approx(votes.estimate)
        assert valid.estimate * valid.denominator == pytest.approx(votes.estimate)
        assert valid.ci_upper * valid.denominator == pytest.approx(votes.ci_upper)
    own = simulated[simulated["election_id"] == "GR2026"]
    own = own[own["municipality_code"].isin(panel.study.experiment())]
    assert valid.denominator == own["votes_count"].sum()
    left_out = [m for m in items if m.quantity == "excluded_lists"]
    lists = own.groupby(["municipality_code", "list_number"]).ngroups
    assert sum(m.count for m in left_out) + votes.count == lists
    assert sum(m.numerator for m in left_out) + judged.denominator == valid.denominator
    assert pick(left_out, level="first_list").count == 11


def test_results_of_marking_make_the_round_trip(panel, simulated):
    accepted = {"candidate_results": simulated}
    items = (*preference_results(accepted, panel), *repeated_number_results(accepted, panel))
    results = be.ResultSet("gr2026", (), (), (), marking=items)
    assert be.ResultSet.from_json(results.to_json()).to_json() == results.to_json()


def test_where_lists_are_the_same_each_is_compared(root):
    """Every fifth vote of the experiment municipalities on list 2 goes to its first candidate."""
    panel = simulated_panel(few_draws(be.load_study(root / "analysis/tk2025")), every=12)
    rows = valid_votes(panel, "TK2025")
    truth = replace(CANDIDATE_TRUTH, repeat_share=0.0, party_only_share=0.0)
    _, frame = simulate_candidates(rows, panel.study, seed=4, truth=truth)
    new = frame["municipality_code"].isin(panel.study.experiment()) & (frame["list_number"] == 2)
    plain = frame.loc[new, "votes_count"]
    place, first = frame["municipality_code"], frame["candidate_number"] == 1
    frame.loc[new, "votes_count"] = (plain * 0.8).round().astype(int)
    moved = (plain - frame.loc[new, "votes_count"]).groupby(place).sum()
    frame.loc[new & first, "votes_count"] += place[new & first].map(moved)
    items = list(preference_results({"candidate_results": frame}, panel))
    share = 1 - plain[first].sum() / plain.sum()
    own, control, difference, other = (
        pick(items, unit=unit, level=level, quantity=preference.SHARE)
        for unit, level in (
            ("experiment", "list_2"),
            ("control", "list_2"),
            (preference.CONTRAST, "list_2"),
            (preference.CONTRAST, "list_3"),
        )
    )
    assert own.estimate == pytest.approx(0.8 * share, abs=0.001)
    assert own.ci_lower < own.estimate < own.ci_upper
    assert difference.estimate == pytest.approx(own.estimate - control.estimate, abs=0.02)
    assert difference.ci_upper < 0
    assert other.ci_lower < 0 < other.ci_upper
    lists = {m.level for m in items if m.unit == "control"} - {"total"}
    assert lists == {f"list_{k}" for k in range(1, 16)}


def test_national_elections_compare_the_same_candidate(root):
    panel = simulated_panel(few_draws(be.load_study(root / "analysis/tk2025")), every=3)
    rows = valid_votes(panel, "TK2025")
    _, frame = simulate_candidates(rows, panel.study, seed=4)
    items = list(repeated_number_results({"candidate_results": frame}, panel))
    found = pick(items, unit=repeated_number.CONTRAST, level="total", method="randomisation_list")
    assert found.ci_lower < CANDIDATE_TRUTH.repeat_share < found.ci_upper
    assert found.estimate == pytest.approx(CANDIDATE_TRUTH.repeat_share, abs=0.005)
    assert not [m for m in items if m.method == "randomisation_precision"]
    assert pick(items, level="high_number").count == 0


@pytest.mark.official
def test_official_votes_with_the_old_ballot_show_no_repeated_numbers(official, gr2026, panel):
    """The votes of GR2022 stand for both elections: the numbers of lists, by role, are real."""
    path = official / "GR2022/GR2022_osv4-3_330_gemeenten.tar.xz"
    before = be.validate(be.read_raw(gr2026, path), gr2026).accepted["candidate_results"]
    before = before[before["polling_station_id"] == ""]
    frame = pd.concat([before, before.assign(election_id="GR2026")], ignore_index=True)
    found = candidate_votes(frame, panel, "GR2022")
    assert len(found.municipalities) > 300
    items = list(repeated_number_results({"candidate_results": frame}, panel))
    every = pick(items, election="GR2022", unit="all", level="total")
    assert every.count == 1978
    assert every.estimate == pytest.approx(0.00053, abs=0.00001)
    assert every.ci_lower < 0 < every.ci_upper
    chosen = {"election": "GR2022", "unit": repeated_number.CONTRAST, "level": "total"}
    for method in ("randomisation_list", "randomisation_ballot", "hodges_lehmann"):
        found = pick(items, method=method, **chosen)
        assert found.ci_lower < 0 < found.ci_upper, method
    # These municipalities differ from the others by precision, with the old ballot: as decision
    # 0016 says, a difference in this one alone is no sign of repeated numbers.
    precise = pick(items, method="randomisation_precision", **chosen)
    assert precise.estimate == pytest.approx(0.01155, abs=0.00001)
    assert precise.ci_lower > 0
