"""Counting differences: which records count, what explains them, comparisons, official numbers."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.panel import Panel
from ballot_eval.schema import EXPLANATION_FIELDS, TABLES
from ballot_eval.simulation import STATION_TRUTH, simulate_panel, simulate_stations
from ballot_eval.topics.marking.counting_differences import CONTRAST, difference_measures
from ballot_eval.topics.marking.station_records import PARTS, select_records

BOXES = [*EXPLANATION_FIELDS]


def planned(study, **changes):
    analysis = study.analysis.model_copy(update={"draws": 999, "max_exact": 999} | changes)
    return study.model_copy(update={"analysis": analysis})


def small(study, roles):
    """Return a panel of a few municipalities with equal votes; one letter per role: e, c or f."""
    named = {"e": "experiment", "c": "control", "f": "former"}
    codes = [f"90{i:02}" for i in range(len(roles))]
    results = pd.DataFrame(
        [
            (election, code, code, named[role], False, 4000, 10, 10)
            for election in ("GR2018", "GR2022", "GR2026")
            for code, role in zip(codes, roles, strict=True)
        ],
        columns=[
            *("election_id", "municipality_code", "municipality_name", "role", "is_reference"),
            *("votes_cast_count", "invalid_votes_count", "blank_votes_count"),
        ],
    )
    return Panel(study, results, pd.DataFrame())


def station(code, number, difference=0, *, election="GR2026", votes=1000, method="", **boxes):
    """Return a sound record with ``difference`` ballots more (or fewer) than voters admitted."""
    row = {"election_id": election, "municipality_code": code, "polling_station_id": str(number)}
    row |= {"counting_method": method, "votes_cast_count": votes}
    row |= {"admitted_voters_count": votes - difference}
    row |= {"more_ballots_count": max(difference, 0), "fewer_ballots_count": max(-difference, 0)}
    return row | dict.fromkeys(BOXES, 0) | {f"{name}_count": n for name, n in boxes.items()}


def frame_of(rows):
    counts = [c for c in pd.DataFrame(rows).columns if c.endswith("_count")]
    return pd.DataFrame(rows).astype(dict.fromkeys(counts, "Int64"))


def measured(panel, rows):
    """Return the numbers by (election, unit, level, quantity)."""
    frame = rows if isinstance(rows, pd.DataFrame) else frame_of(rows)
    items = difference_measures({"station_results": frame}, panel)
    return {(m.election, m.unit, m.level, m.quantity): m for m in items}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"admitted_voters_count": pd.NA}, "unknown"),
        ({"more_ballots_count": pd.NA}, "unknown"),
        (
            {"votes_cast_count": 0, "admitted_voters_count": 0, "more_ballots_count": 0},
            "without_votes",
        ),
        # H - D is 2: F.305 to F.309, each broken by one ballot.
        ({"more_ballots_count": 1}, "unsound"),
        ({"more_ballots_count": 3}, "unsound"),
        ({"fewer_ballots_count": 1}, "unsound"),
        ({"admitted_voters_count": 1000}, "unsound"),
        ({"admitted_voters_count": 1002, "more_ballots_count": 0}, "unsound"),
        (
            {"admitted_voters_count": 1002, "more_ballots_count": 0, "fewer_ballots_count": 2},
            "",
        ),
    ],
)
def test_a_record_that_is_unknown_empty_or_broken_is_left_out(gr2026, change, reason):
    rows = frame_of([station("9000", 1, 2) | change, station("9001", 1)])
    records = select_records(rows, small(gr2026, "ec"))
    assert records.every["left_out"].tolist() == [reason, ""]
    assert len(records.rows) == 1 + (reason == "")


def test_what_is_left_out_is_counted_by_group(gr2026):
    rows = [station("9000", 1), station("9000", 2) | {"fewer_ballots_count": pd.NA}]
    rows += [station("9001", 1) | {"more_ballots_count": 1}, station("9001", 2, votes=0)]
    rows += [station("9001", 3, 1) | {"no_explanation_count": pd.NA}, station("9999", 1)]
    found = measured(small(planned(gr2026), "ec"), rows)
    counts = {
        unit: [
            found["GR2026", unit, "total", f"stations_{what}_count"].estimate
            for what in ("used", "unknown", "unsound", "without_votes", "without_explanations")
        ]
        for unit in ("experiment", "control")
    }
    assert counts == {"experiment": [1, 1, 0, 0, 0], "control": [1, 0, 1, 1, 1]}
    # Where explanations are not known the difference still is.
    assert found["GR2026", "control", "unknown", "more_ballots_rate"].numerator == 1
    assert ("GR2026", "control", "unknown", "stations_unexplained_share") not in found


@pytest.mark.parametrize(
    ("difference", "boxes", "parts"),
    [
        (2, {}, (0, 0, 2, 0)),
        (2, {"too_many_ballots_issued": 1, "no_explanation": 1}, (1, 1, 0, 0)),
        (2, {"too_many_ballots_issued": 1, "other_explanation": 1}, (2, 0, 0, 0)),
        (2, {"too_many_ballots_issued": 2, "no_explanation": 2}, (2, 2, 0, 2)),
        # A box for the other direction explains nothing.
        (2, {"unreturned_ballots": 2}, (0, 0, 2, 0)),
        (-3, {"unreturned_ballots": 1, "too_few_ballots_issued": 1}, (2, 0, 1, 0)),
        (-3, {"too_many_ballots_issued": 3, "no_explanation": 1}, (0, 1, 2, 0)),
        # Where nothing differs nothing is explained.
        (0, {"no_explanation": 1}, (0, 0, 0, 0)),
    ],
)
def test_a_difference_is_explained_unexplained_or_in_no_box(gr2026, difference, boxes, parts):
    rows = frame_of([station("9000", 1, difference, **boxes)])
    row = select_records(rows, small(gr2026, "ec")).rows.iloc[0]
    sides = {"more": max(difference, 0), "fewer": max(-difference, 0)}
    for side, size in sides.items():
        found = tuple(row[f"{side}_{part}"] for part in PARTS)
        assert found == (parts if size else (0, 0, 0, 0))
        explained, unexplained, unaccounted, surplus = found
        assert size == explained + unexplained + unaccounted - surplus


def test_more_and_fewer_are_never_set_off_against_each_other(gr2026):
    rows = [station("9000", 1, 3), station("9000", 2, -3), station("9001", 1, 2)]
    rows += [station("9001", 2), station("9002", 1, 5), station("9002", 2, -1)]
    found = measured(small(planned(gr2026), "ecc"), rows)
    at = {key[1:]: m for key, m in found.items() if key[0] == "GR2026"}
    own = at["experiment", "unknown", "more_ballots_rate"]
    assert (own.numerator, own.denominator) == (3, 2000)
    assert at["9000", "unknown", "fewer_ballots_rate"].numerator == 3
    assert at["experiment", "unknown", "netting_hidden_share"].estimate == 1
    # Of 8 ballots, 2 + 4 are left when municipality by municipality is netted.
    hidden = at["control", "unknown", "netting_hidden_share"]
    assert (hidden.numerator, hidden.denominator) == (2, 8)
    both = at["control", "unknown", "municipalities_both_share"]
    assert (both.numerator, both.denominator) == (1, 2)
    share = at["control", "unknown", "stations_any_share"]
    assert (share.numerator, share.denominator, share.count) == (3, 4, 2)


def test_ways_of_counting_are_never_pooled(gr2026):
    rows = [station(f"90{i:02}", 1, i % 2, method="DSO") for i in range(6)]
    rows += [station(f"90{i:02}", 2, 3, method="CSO") for i in range(1, 6)]
    found = measured(small(planned(gr2026), "eecccc"), rows)
    levels = {key[2] for key in found}
    assert levels == {"DSO", "CSO", "total"}
    assert {key[3] for key in found if key[2] == "total"} == {
        f"stations_{what}_count"
        for what in ("used", "unknown", "without_votes", "unsound", "without_explanations")
    }
    dso = found["GR2026", CONTRAST, "DSO", "more_ballots_rate"]
    cso = found["GR2026", CONTRAST, "CSO", "more_ballots_rate"]
    assert (dso.count, cso.count) == (6, 5)
    assert cso.estimate == 0
    assert cso.note.endswith(": 9000")


def compared_by_hand(rows, quantity, treated):
    """Return the difference of the numbers of all stations of each group."""
    ballots = quantity.endswith("ballots_rate")
    size = rows["more_ballots_count"].astype(float)
    value = size if ballots else (size > 0).astype(float)
    weight = rows["votes_cast_count"].astype(float) if ballots else np.ones(len(rows))
    role = rows["municipality_code"].isin(treated)
    return value[role].sum() / weight[role].sum() - value[~role].sum() / weight[~role].sum()


@pytest.mark.parametrize("quantity", ["stations_more_share", "more_ballots_rate"])
def test_the_difference_is_tested_by_all_assignments_of_municipalities(gr2026, quantity):
    rng = np.random.default_rng(5)
    codes = [f"90{i:02}" for i in range(8)]
    frame = frame_of(
        [
            station(code, j, int(rng.poisson(0.5)), votes=int(rng.integers(200, 1500)))
            for code in codes
            for j in range(int(rng.integers(2, 7)))
        ]
    )
    found = measured(small(planned(gr2026), "eecccccf"), frame)
    made = found["GR2026", CONTRAST, "unknown", quantity]
    rows = frame[frame["municipality_code"] != "9007"]
    by_hand = np.array(
        [
            compared_by_hand(rows, quantity, chosen)
            for chosen in itertools.combinations(codes[:7], 2)
        ]
    )
    assert made.estimate == pytest.approx(by_hand[0], rel=1e-12)
    extreme = np.abs(by_hand) >= abs(by_hand[0]) * (1 - 1e-9)
    assert (made.p_value, made.draws) == (extreme.mean(), 21)


def test_a_change_is_since_the_stations_of_the_own_municipality(gr2026):
    now = [
        station(f"90{i:02}", j, int(j < n)) for i, n in enumerate((3, 1, 2, 0)) for j in range(4)
    ]
    then = [
        station(f"90{i:02}", j, -int(j < n), election="GR2022")
        for i, n in enumerate((1, 2, 2, 1))
        for j in range(4)
    ]
    found = measured(small(planned(gr2026), "eccc"), now + then)
    made = found["GR2026-GR2022", CONTRAST, "unknown", "stations_any_share"]
    # Changes of 2/4, −1/4, 0 and −1/4: the second and the fourth are no smaller in the mean.
    assert made.estimate == pytest.approx(0.5 - (-0.25 + 0 - 0.25) / 3)
    assert made.p_value == 0.25
    none = found["GR2026-GR2018", CONTRAST, "unknown", "stations_any_share"]
    assert math.isnan(none.estimate)
    assert none.note == ("no records of polling stations with this way of counting at the baseline")
    # A baseline whose way of counting is not known is no baseline of stations of which it is.
    other = measured(
        small(planned(gr2026), "eccc"), [r | {"counting_method": "DSO"} for r in now] + then
    )
    assert math.isnan(other["GR2026-GR2022", CONTRAST, "DSO", "stations_any_share"].estimate)


def test_one_group_without_stations_has_a_reason(gr2026):
    found = measured(small(planned(gr2026), "ecc"), [station("9001", 1), station("9002", 1, 1)])
    made = found["GR2026", CONTRAST, "unknown", "stations_any_share"]
    assert made.note == "no experiment municipality has results of polling stations"
    assert measured(small(planned(gr2026), "ecc"), frame_of([station("9001", 1)]).head(0)) == {}


@pytest.fixture(scope="module")
def places(gr2026):
    """Return a panel and simulated results; few draws, for many seeds."""
    study = planned(gr2026, draws=199, max_exact=199)
    results = simulate_panel(study, seed=3, effect=0.0)
    tables = {"municipality_results": results}
    tables["region_results"] = pd.DataFrame(columns=list(TABLES["region_results"].names))
    here = results[results["election_id"] == "GR2026"]
    return be.build_panel(tables, study), here


def test_simulated_explanations_come_out(places):
    panel, results = places
    stations = simulate_stations(results, seed=4)
    found = measured(panel, stations)
    parts = {
        part: sum(
            found["GR2026", "control", "unknown", f"{side}_{part}_ballots_rate"].numerator
            for side in ("more", "fewer")
        )
        for part in PARTS
    }
    total = sum(parts.values())
    truth = STATION_TRUTH
    explained = truth.own_share + truth.other_share
    assert parts["explained"] / total == pytest.approx(explained, abs=0.05)
    assert parts["unexplained"] / total == pytest.approx(truth.no_explanation_share, abs=0.05)
    assert parts["unaccounted"] > 0
    assert parts["surplus"] == 0


@pytest.mark.official
def test_the_official_numbers_of_gr2022(gr2022_stations, gr2026):
    frame = gr2022_stations
    more, fewer = frame["more_ballots_count"], frame["fewer_ballots_count"]
    assert (len(frame), more.sum(), fewer.sum()) == (11_986, 1663, 2413)
    sums = frame.groupby("municipality_code", observed=True)
    totals = sums[["more_ballots_count", "fewer_ballots_count"]].sum()
    assert (totals > 0).all(axis=1).mean() == pytest.approx(0.60, abs=0.005)
    # Every municipality a control, at a study of that election.
    then = planned(gr2026, draws=9).model_copy(update={"election": "GR2022"})
    counts = ["votes_cast_count", "invalid_votes_count", "blank_votes_count"]
    results = sums[counts].sum().reset_index().assign(election_id="GR2022", role="control")
    results = results.assign(is_reference=False, municipality_name="")
    panel = Panel(then.model_copy(update={"baselines": ("GR2018",)}), results, pd.DataFrame())
    records = select_records(frame, panel)
    assert records.every["left_out"].value_counts().to_dict() == {
        "": 11_899,
        "unsound": 73,
        "without_votes": 14,
    }
    rows = records.rows
    assert (rows["more"].sum(), rows["fewer"].sum()) == (1651, 2392)
    assert (rows["more"] > 0).mean() == pytest.approx(0.074, abs=0.001)
    assert (rows["fewer"] > 0).mean() == pytest.approx(0.105, abs=0.001)
    parts = {p: (rows[f"more_{p}"].sum(), rows[f"fewer_{p}"].sum()) for p in PARTS}
    assert parts == {
        "explained": (774, 1003),
        "unexplained": (711, 1249),
        "unaccounted": (172, 143),
        "surplus": (6, 3),
    }
