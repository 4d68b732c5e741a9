"""Reasons of invalidity and votes for a party alone: sums by hand, identities, completeness."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.design import StudyDesign
from ballot_eval.estimation.rates import own_interval, wilson_interval
from ballot_eval.panel import contrast
from ballot_eval.results import Rate
from ballot_eval.schema import TABLES
from ballot_eval.simulation import (
    simulate_panel,
    simulate_party_only,
    simulate_reasons,
    simulate_stations,
)
from ballot_eval.topics.invalid_votes import estimate_effect
from ballot_eval.topics.marking import marking_results
from ballot_eval.topics.marking.party_only import (
    LEADER,
    LEFT_OUT,
    NOT_COVERED,
    SOME_STATIONS,
    WITHOUT,
    party_only_counts,
    party_only_results,
)
from ballot_eval.topics.marking.published import published_results
from ballot_eval.topics.marking.reasons import reason_results
from ballot_eval.topics.marking.shares import PARTS_DIFFER

NAN = float("nan")


@pytest.fixture(scope="module")
def study(gr2026):
    analysis = gr2026.analysis.model_copy(update={"draws": 199, "max_exact": 199})
    return gr2026.model_copy(update={"analysis": analysis, "learning": None})


@pytest.fixture(scope="module")
def world(study):
    """Return a panel, and reasons and votes for a party alone of its experiment municipalities."""
    rows = simulate_panel(study, seed=7, effect=0.003)
    regions = pd.DataFrame(columns=list(TABLES["region_results"].names))
    panel = be.build_panel({"municipality_results": rows, "region_results": regions}, study)
    here = rows[rows["election_id"] == "GR2026"]
    here = here[here["municipality_code"].isin(study.experiment())]
    stations = simulate_stations(here, seed=7)
    added = dict.fromkeys(study.experiment(), 0.003)
    return panel, {
        "station_results": stations,
        "invalid_reasons": simulate_reasons(here, stations, added, seed=7),
        "party_only_votes": simulate_party_only(here, stations, study, seed=7),
    }


def by_key(measures):
    found = {(m.unit, m.level, m.quantity): m for m in measures}
    assert len(found) == len(list(measures))
    return found


def told(panel, measures):
    results = be.ResultSet(panel.study.id, (), (), (), marking=tuple(measures))
    return SimpleNamespace(study=panel.study, panel=panel, results=results)


def test_shares_are_counts_over_counts_and_add_up(world):
    panel, tables = world
    found = by_key(reason_results(tables, panel))
    frame = tables["invalid_reasons"]
    frame = frame[frame["polling_station_id"] == ""]
    counts = panel.results[
        (panel.results["election_id"] == "GR2026") & (panel.results["role"] == "experiment")
    ]
    design = frame["reason"].isin(["several_parties", "number_without_party", "number_above_list"])
    m = found["experiment", "design", "share_of_votes_cast"]
    assert m.numerator == frame.loc[design, "votes_count"].sum()
    assert m.denominator == counts["votes_cast_count"].sum()
    assert (m.count, m.counted) == (11, "municipalities")
    parts = ("design", "general", "several_numbers", "without_reason")
    for unit in ("experiment", "0755"):
        shares = [found[unit, level, "share_of_invalid"].estimate for level in parts]
        assert sum(shares) == pytest.approx(1, abs=1e-12)
    by_code = frame[design].groupby("municipality_code")["votes_count"].sum()
    ballots = counts.set_index("municipality_code")["votes_cast_count"].loc[by_code.index]
    assert (m.ci_lower, m.ci_upper) == own_interval(by_code.to_numpy(), ballots.to_numpy())


def test_a_municipality_has_an_interval_when_its_stations_are_known(world):
    panel, tables = world
    found = by_key(reason_results(tables, panel))
    known = set(tables["invalid_reasons"].query("polling_station_id != ''")["municipality_code"])
    for code in panel.study.experiment():
        m = found[code, "design", "share_of_invalid"]
        assert math.isnan(m.ci_lower) == (code not in known), code
        assert (m.note == "") == (code in known)
    assert known
    assert known < set(panel.study.experiment())


def test_own_intervals_are_wider_than_binomial_ones_and_undefined_alone():
    x, n = [10, 30], [1000, 1000]
    low, high = own_interval(x, n)
    assert low < wilson_interval(40, 2000)[0] < 0.02 < wilson_interval(40, 2000)[1] < high
    assert all(map(math.isnan, own_interval([10], [1000])))
    assert all(map(math.isnan, own_interval([0, 0], [1000, 1000])))
    # Units of one ballot hold no two that could be alike.
    assert all(map(math.isnan, own_interval([1, 0, 1], [1, 1, 1])))


def test_the_net_excess_is_the_ballot_weighted_effect_and_the_identity_holds(world):
    panel, tables = world
    found = by_key(reason_results(tables, panel))
    effect = estimate_effect(
        panel,
        outcome="invalid",
        weighting="ballot",
        baseline="GR2022",
        method="randomisation",
        draws=199,
        seed=panel.study.analysis.seed,
    ).effect

    def item(level, quantity):
        return found["experiment-control", level, quantity]

    net = item("invalid", "net_excess")
    assert (net.estimate, net.ci_lower, net.ci_upper, net.p_value) == (
        *(effect.estimate, effect.ci_lower, effect.ci_upper),
        effect.p_value,
    )
    difference = item("design", "gross_minus_net")
    rest = sum(
        item(level, "gross_share").estimate
        for level in ("general", "several_numbers", "without_reason")
    )
    expected = item("invalid", "expected_share").estimate
    assert difference.estimate == pytest.approx(expected - rest, abs=1e-12)
    assert difference.ci_lower < difference.estimate < difference.ci_upper
    # By hand: the earlier rate at today's ballots, moved by the change of the controls.
    data = contrast(panel, "invalid", "GR2026", "GR2022")
    now = panel.counts("GR2026", "invalid").loc[list(data.codes)]
    then = ((now["numerator"] / now["denominator"]) - data.change)[data.treated]
    weights, controls = data.votes_cast[data.treated], ~data.treated
    trend = (data.change * data.votes_cast)[controls].sum() / data.votes_cast[controls].sum()
    by_hand = (then * weights).sum() / weights.sum() + trend
    assert expected == pytest.approx(by_hand, abs=1e-12)


def test_what_is_missing_is_named_and_left_out_of_both_sides(world):
    panel, tables = world
    frame = tables["invalid_reasons"]
    # Leiden gave none; Gouda does not tell all of them.
    frame = frame[frame["municipality_code"] != "0546"]
    gouda = (frame["municipality_code"] == "0513") & (frame["reason"] == "other")
    lost = int(frame.loc[gouda & (frame["polling_station_id"] == ""), "votes_count"].sum())
    frame = frame[~gouda]
    assert lost
    measures = reason_results(tables | {"invalid_reasons": frame}, panel)
    found = by_key(measures)
    assert found["0513", "without_reason", "share_of_invalid"].numerator == lost
    assert found["experiment", "without_reason", "share_of_invalid"].numerator == lost
    net = found["experiment-control", "invalid", "net_excess"]
    assert (net.count, net.note) == (10, "left out without reasons of invalidity: 0546")
    said = marking_sentences(told(panel, measures))
    assert said["reasons_coverage_text"].startswith(
        "Er zijn redenen van tien van de elf experimentgemeenten; niet van Leiden. Van "
        f"{lost} ongeldige stemmen"
    )
    assert "in Gouda." in said["reasons_coverage_text"]
    assert "en daarom weggelaten: Leiden" in said["reasons_gross_text"]
    share = found["experiment-control", "without_reason", "gross_share"].estimate
    assert f"of zonder opgegeven reden ({percent(share)}) ongeldig" in said["reasons_net_text"]


@pytest.mark.parametrize("net", [-0.001, 0.001])
def test_a_net_excess_of_either_sign_reads_right(world, net):
    panel, tables = world
    measures = [
        replace(m, estimate=net) if m.quantity == "net_excess" else m
        for m in reason_results(tables, panel)
    ]
    said = marking_sentences(told(panel, measures))
    words = f"{points(net)} ten opzichte van de controlegemeenten (netto;"
    assert words in said["reasons_gross_text"]
    # Every invalid vote has a reason here.
    assert "zonder opgegeven reden" not in said["reasons_net_text"]


def test_stations_stand_for_a_municipality_without_reasons_of_its_own(world):
    panel, tables = world
    frame = tables["invalid_reasons"]
    code = frame.loc[frame["polling_station_id"] != "", "municipality_code"].iloc[0]
    whole = (frame["municipality_code"] == code) & (frame["polling_station_id"] == "")
    before, after = (
        by_key(reason_results(tables | {"invalid_reasons": f}, panel))
        for f in (frame, frame[~whole])
    )
    assert {k: m.estimate for k, m in before.items()} == {k: m.estimate for k, m in after.items()}


def candidates(code, *lists):
    """Return candidates of a municipality: a list of votes per list, the first candidate first."""
    rows = [
        {
            "election_id": "GR2026",
            "municipality_code": code,
            "polling_station_id": "",
            "list_number": str(i),
            "candidate_number": str(k),
            "votes_count": votes,
        }
        for i, each in enumerate(lists, start=1)
        for k, votes in enumerate(each, start=1)
    ]
    return pd.DataFrame(rows).astype({"municipality_code": "category", "list_number": "category"})


def party_only(code, votes, number=""):
    keys = {"election_id": "GR2026", "municipality_code": code, "polling_station_id": ""}
    return keys | {"list_number": number, "votes_count": votes}


def test_first_candidates_without_votes_for_a_party_alone(world):
    panel, _ = world
    rows = pd.DataFrame([party_only("0755", 40, "1"), party_only("0755", 10, "2")])
    tables = {"party_only_votes": rows, "candidate_results": candidates("0755", [60, 40], [20, 80])}
    found = by_key(party_only_results(tables, panel))
    assert found["0755", "1", LEADER].estimate == 0.6
    assert found["0755", "1", WITHOUT].estimate == 20 / 60
    assert found["0755", "2", WITHOUT].estimate == 10 / 90
    assert found["0755", "total", LEADER].estimate == 80 / 200
    assert found["0755", "total", WITHOUT].estimate == 30 / 150
    assert found["0755", "total", "share_of_first"].estimate == 50 / 80
    assert found["experiment", "total", WITHOUT].estimate == 30 / 150


@pytest.mark.parametrize(
    ("total", "lower", "upper"),
    # At most 50 on list 1 and at most 20 on the other: 20 leaves 0 to 20, 60 leaves 40 to 50.
    [(20, 30 / 80, 50 / 100), (60, 0.0, 10 / 60), (70, 0.0, 0.0)],
)
def test_a_list_has_a_range_where_only_the_total_is_known(world, total, lower, upper):
    panel, _ = world
    rows = pd.DataFrame([party_only("0755", total)])
    tables = {"party_only_votes": rows, "candidate_results": candidates("0755", [50, 50], [20, 80])}
    m = by_key(party_only_results(tables, panel))["0755", "1", WITHOUT]
    assert (m.method, m.ci_lower, m.ci_upper) == ("bounds", lower, upper)
    assert math.isnan(m.estimate) == (lower < upper)


def test_without_candidates_there_is_no_share_of_first_candidates(world):
    panel, tables = world
    quantities = {m.quantity for m in party_only_results(tables, panel)}
    assert quantities == {"share_of_valid"}
    # More for parties alone than for first candidates cannot be: nothing is made of it.
    rows = pd.DataFrame([party_only("0755", 90)])
    odd = {"party_only_votes": rows, "candidate_results": candidates("0755", [60, 40])}
    assert {m.quantity for m in party_only_results(odd, panel)} == {"share_of_valid"}


def test_exposures_divide_the_experiment(world):
    panel, tables = world
    found = by_key(party_only_results(tables, panel))
    total, first, third = (
        found["experiment", level, "share_of_valid"]
        for level in ("total", "exposure_1", "exposure_3")
    )
    assert (first.count, third.count) == (7, 4)
    assert first.numerator + third.numerator == total.numerator
    assert third.estimate < first.estimate


def test_without_tables_there_is_nothing_and_the_report_says_so(world):
    panel, _ = world
    empty = {name: pd.DataFrame(columns=list(t.names)) for name, t in TABLES.items()}
    for accepted in ({}, empty):
        assert not {m.topic for m in marking_results(accepted, panel)} & {"reasons", "party_only"}
    outcome = told(panel, ())
    said = {name: text for name, text in marking_sentences(outcome).items() if text}
    assert said == {"reasons_text": NO_REASONS, "party_only_text": NO_PARTY_ONLY}
    assert _reason_tables(outcome) == {}
    assert reason_figures(outcome) == {}


def test_the_report_has_tables_words_and_a_figure(world):
    panel, tables = world
    outcome = told(panel, marking_results(tables, panel))
    made = _reason_tables(outcome)
    assert set(made) == {"reasons", "reasons_municipalities", "gross_net", "party_only"}
    assert "nan" not in "".join(made.values())
    said = marking_sentences(outcome)
    assert "Elke ongeldige stem heeft er een reden." in said["reasons_coverage_text"]
    assert "waar het de 3e keer is." in said["party_only_text"]
    (rows,), _ = reason_figures(outcome)["invalid_reasons"]
    assert rows["unit"].iloc[0] == "Alle samen"
    assert (
        rows.groupby("unit")["votes"].sum().loc["Boekel"]
        == (panel.counts("GR2026", "invalid").loc["0755", "numerator"])
    )


def test_published_numbers_stand_beside_with_their_rounding(root):
    study = be.load_study(root / "analysis/tk2025")
    found = by_key(list(published_results({}, SimpleNamespace(study=study))))
    design = found["experiment", "design", "share_of_votes_cast"]
    assert (design.estimate, design.ci_lower, design.ci_upper) == (0.0032, 0.00315, 0.00325)
    net = found["experiment-reference", "invalid", "share_of_votes_cast"]
    assert (net.estimate, net.ci_lower, net.ci_upper) == pytest.approx((0.0029, 0.0028, 0.0030))
    assert found["comparison", "total", "preference_share"].estimate == 0.309
    assert all(m.source and m.note == "published, not computed" for m in found.values())
    assert math.isnan(design.numerator)
    own = Rate("TK2025", "experiment", "invalid", 633, 131_478, 633 / 131_478, NAN, NAN, "")
    # Other municipalities are the reference of the plan than of the publication.
    other = replace(own, unit="reference")
    lines = tables_reasons.marking_published(
        tuple(found.values()), (own, other), study.marking.published
    ).splitlines()
    assert lines[3].endswith("| TK2025 | 0,48% | 0,475–0,485% | 0,48% |")
    assert lines[4].endswith("| TK2025 | 0,19% | 0,185–0,195% | – |")
    assert lines[2].endswith("| TK2025 | 0,32% | 0,315–0,325% | – |")
    # As many decimals as were published, the limits one more.
    preference = [line for line in lines if "voorkeurstemmen" in line]
    assert [line.split(" | ", 3)[3] for line in preference] == [
        "36,6% | 36,55–36,65% | – |",
        "30,9% | 30,85–30,95% | – |",
        "+5,7 procentpunt | +5,60 tot +5,80 | – |",
    ]
    assert "Referentiegemeenten van de evaluatie (namen niet vastgesteld)" in lines[4]


def test_published_numbers_name_their_source_and_the_net_excess_beside(root):
    study = be.load_study(root / "analysis/tk2025")
    measures = tuple(published_results({}, SimpleNamespace(study=study)))
    effect = be.Effect(
        *("invalid", "att", "experiment-control", "ballot", study.baselines[0], "randomisation"),
        *(0.0025, 0.0010, 0.0040, 0.01, 5, 300, 99, False, 1),
    )
    results = be.ResultSet(study.id, (), (effect,), (), marking=measures)
    text = marking_sentences(SimpleNamespace(study=study, panel=None, results=results))
    said = text["marking_published_text"]
    (source,) = {m.source for m in measures}
    assert f"Bron van de gepubliceerde getallen van TK2025: {source}." in said
    assert "+0,25 procentpunt (+0,10 tot +0,40 procentpunt); de methode verschilt" in said
    # Without the effect nothing is said of it.
    results = replace(results, effects=(replace(effect, weighting="municipality"),))
    without = marking_sentences(SimpleNamespace(study=study, panel=None, results=results))
    assert "netto verschil" not in without["marking_published_text"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"election": "TK2023"}, "TK2023 has no new_ballot"),
        ({"share": "0.32"}, "no percent sign"),
        ({"unit": "elsewhere"}, "experiment, reference, comparison"),
        ({"quantity": "blank"}, "design_related"),
        ({"source": " "}, "at least 1 character"),
        ({"again": True}, "given twice"),
    ],
)
def test_a_published_share_that_cannot_be_is_refused(root, change, message):
    values = be.load_study(root / "analysis/tk2025").model_dump()
    entry = values["marking"]["published"][0]
    again = change.pop("again", False)
    values["marking"]["published"] = [entry | change, *([entry] if again else [])]
    with pytest.raises(ValueError, match=message):
        StudyDesign.model_validate(values)


@pytest.fixture(scope="module")
def half(world):
    """Return a municipality with stations, and the tables with counts of half of them only."""
    _, tables = world
    frame = tables["party_only_votes"]
    code = frame.loc[frame["polling_station_id"] != "", "municipality_code"].iloc[0]
    stations = sorted(set(frame.loc[frame["municipality_code"] == code, "polling_station_id"]))[1:]
    kept = stations[: len(stations) // 2]
    assert len(kept) > 2

    def part(name):
        rows = tables[name]
        here = rows["municipality_code"] == code
        return rows[~here | rows["polling_station_id"].isin(kept)]

    names = ("party_only_votes", "invalid_reasons")
    return code, kept, tables | {name: part(name) for name in names}


def test_half_the_stations_give_the_share_among_their_own_valid_votes(world, half):
    panel, _ = world
    code, kept, tables = half
    votes = tables["party_only_votes"].query("municipality_code == @code")["votes_count"].sum()
    stations = tables["station_results"].query("municipality_code == @code")
    valid = stations.loc[stations["polling_station_id"].isin(kept), "valid_votes_count"].sum()
    found = by_key(party_only_results(tables, panel))
    m = found[code, "total", "share_of_valid"]
    assert (m.numerator, m.denominator) == (votes, valid)
    assert m.ci_lower < m.estimate < m.ci_upper
    assert m.note == SOME_STATIONS
    assert found["experiment", "total", "share_of_valid"].note == SOME_STATIONS
    # Of the whole, the votes that these stations lack are not known: nothing is corrected by them.
    assert code not in party_only_counts(tables, panel, "GR2026")
    with_candidates = tables | {"candidate_results": candidates(code, [100_000, 40])}
    quantities = {m.quantity for m in party_only_results(with_candidates, panel) if m.unit == code}
    assert quantities == {"share_of_valid"}


def test_half_the_stations_without_results_give_no_share(world, half):
    panel, _ = world
    code, _, tables = half
    unknown = {k: v for k, v in tables.items() if k != "station_results"}
    found = by_key(party_only_results(unknown, panel))
    m = found[code, "total", "share_of_valid"]
    assert math.isnan(m.estimate)
    assert m.note.startswith(NOT_COVERED)
    together = found["experiment", "total", "share_of_valid"]
    assert together.count == len(panel.study.experiment()) - 1
    assert together.note == LEFT_OUT + code


def test_half_the_stations_beside_a_whole_give_no_interval(world, half):
    panel, tables = world
    code, _, parts = half
    rows = tables["party_only_votes"]
    whole = rows[(rows["municipality_code"] == code) & (rows["polling_station_id"] == "")]
    both = pd.concat([whole, parts["party_only_votes"]])
    given = by_key(party_only_results(tables | {"party_only_votes": both}, panel))
    reasons = by_key(reason_results(parts, panel))
    for m in (given[code, "total", "share_of_valid"], reasons[code, "design", "share_of_invalid"]):
        assert not math.isnan(m.estimate)
        assert math.isnan(m.ci_lower)
        assert m.note == PARTS_DIFFER
    full = by_key(party_only_results(tables, panel))[code, "total", "share_of_valid"]
    assert given[code, "total", "share_of_valid"].estimate == full.estimate


def test_the_report_says_which_municipalities_have_some_stations_only(world, half):
    panel, _ = world
    code, _, tables = half
    said = marking_sentences(told(panel, party_only_results(tables, panel)))
    assert "niet van elk stembureau" in said["party_only_text"]
    unknown = {k: v for k, v in tables.items() if k != "station_results"}
    rows = tables["party_only_votes"]
    only = rows[rows["municipality_code"] == code]
    for frame in (tables["party_only_votes"], only):
        measures = party_only_results(unknown | {"party_only_votes": frame}, panel)
        text = marking_sentences(told(panel, measures))["party_only_text"]
        assert "telt daarom niet mee" in text
        assert "nan" not in text


def test_all_stations_give_what_the_whole_gives(world):
    panel, tables = world
    frame = tables["party_only_votes"]
    code = frame.loc[frame["polling_station_id"] != "", "municipality_code"].iloc[0]
    whole = (frame["municipality_code"] == code) & (frame["polling_station_id"] == "")
    only = tables | {"party_only_votes": frame[~whole]}
    key = (code, "total", "share_of_valid")
    assert (
        by_key(party_only_results(only, panel))[key]
        == (by_key(party_only_results(tables, panel))[key])
    )
    counts = (party_only_counts(t, panel, "GR2026")[code] for t in (only, tables))
    assert len(set(counts)) == 1


def test_the_report_does_not_say_that_design_errors_need_the_new_ballot(root):
    text = (root / "report" / "_redenen.qmd").read_text(encoding="utf-8")
    assert "meer dan één partij kan ook op het oude stembiljet" in text
    assert "nu geldig" not in text
