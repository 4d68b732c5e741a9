"""Simulated candidates: they add up, have the official levels, and what is put in comes out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.estimation.repeated_number import hodges_lehmann
from ballot_eval.schema import TABLES
from ballot_eval.simulation import CANDIDATE_TRUTH, MARKING_TRUTH, simulate, simulate_candidates
from ballot_eval.topics.invalid_votes import randomise_contrast
from ballot_eval.topics.marking.candidates import candidate_votes
from ballot_eval.topics.marking.repeated_number import (
    WEIGHTINGS,
    repeated_contrast,
    repeated_number,
)
from candidate_frames import few_draws, simulated_panel, valid_votes

LIST = ["election_id", "municipality_code", "list_number"]


@pytest.fixture(scope="module")
def panel(gr2026):
    return simulated_panel(few_draws(gr2026))


@pytest.fixture(scope="module")
def made(panel):
    return simulate_candidates(valid_votes(panel, "GR2022", "GR2026"), panel.study, seed=3)


@pytest.fixture(scope="module")
def tk2025_panel(root):
    return simulated_panel(few_draws(be.load_study(root / "analysis/tk2025")), every=12)


def test_candidates_add_up_to_lists_and_lists_to_valid_votes(panel, made):
    lists, candidates = made
    rows = valid_votes(panel, "GR2022", "GR2026").set_index(LIST[:2])["valid_votes_count"]
    sums = lists.groupby(LIST[:2])["votes_count"].sum()
    pd.testing.assert_series_equal(sums, rows.sort_index(), check_names=False)
    totals = lists.set_index(LIST)["votes_count"].sort_index()
    own = candidates.groupby(LIST)["votes_count"].sum()
    pd.testing.assert_series_equal(own, totals)
    for frame, name in ((lists, "list_results"), (candidates, "candidate_results")):
        assert tuple(frame.columns) == TABLES[name].names
        assert not frame.duplicated(list(TABLES[name].key)).any()
        assert (frame["votes_count"] >= 0).all()


def test_levels_are_those_of_the_official_files(made):
    lists, candidates = made
    old = candidates[candidates["election_id"] == "GR2022"]
    votes = old["votes_count"]
    others = votes[old["candidate_number"] > 1].sum() / votes.sum()
    # Between seeds the share varies by half a point.
    assert others == pytest.approx(0.541, abs=0.015)
    here = lists[lists["election_id"] == "GR2022"]
    assert len(here) / 342 == pytest.approx(2832 / 330, abs=0.4)
    assert len(old) / len(here) == pytest.approx(54112 / 2832, abs=2)


def test_the_same_seed_gives_the_same_and_another_does_not(panel, made):
    rows = valid_votes(panel, "GR2022", "GR2026")
    again = simulate_candidates(rows, panel.study, seed=3)
    other = simulate_candidates(rows, panel.study, seed=4)
    pd.testing.assert_frame_equal(made[1], again[1])
    assert not made[1].equals(other[1])


def test_votes_for_a_party_alone_raise_the_first_candidate(panel):
    rows = valid_votes(panel, "GR2026")
    valid = rows.set_index("municipality_code")["valid_votes_count"]
    given = {code: int(valid[code] * 0.3) for code in panel.study.experiment()}
    truth = replace(CANDIDATE_TRUTH, repeat_share=0.0)
    shares = {}
    for name, party_only in (("none", dict.fromkeys(given, 0)), ("some", given)):
        _, frame = simulate_candidates(
            rows, panel.study, seed=5, truth=truth, party_only=party_only
        )
        new = frame[frame["municipality_code"].isin(list(given))]
        first = new[new["candidate_number"] == 1]["votes_count"].sum()
        shares[name] = 1 - first / new["votes_count"].sum()
    assert shares["some"] == pytest.approx(0.7 * shares["none"], abs=0.01)
    with pytest.raises(ValueError, match="more than the"):
        simulate_candidates(rows, panel.study, seed=5, party_only={"0484": 10**7})


@pytest.mark.parametrize("alone", [0.0, 0.3, 0.9])
def test_as_many_repeat_a_number_whatever_share_marks_a_party_alone(panel, alone):
    """Where nobody chooses another than the first candidate, all others are repeated numbers."""
    rows = valid_votes(panel, "GR2026")
    valid = rows.set_index("municipality_code")["valid_votes_count"]
    given = {code: int(valid[code] * alone) for code in panel.study.experiment()}
    truth = replace(CANDIDATE_TRUTH, preference_share=1e-9, first_sd=0.0, repeat_share=0.1)
    _, frame = simulate_candidates(rows, panel.study, seed=6, truth=truth, party_only=given)
    new = frame[frame["municipality_code"].isin(list(given))]
    keys = ["municipality_code", "list_number"]
    length = new.groupby(keys)["candidate_number"].transform("max")
    long = new[(length >= new["list_number"]) & (new["list_number"] > 1)]
    own = long.loc[long["list_number"] == long["candidate_number"], "votes_count"].sum()
    total = long["votes_count"].sum()
    assert own / total == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / total))
    much = {code: int(valid[code] * 0.95) for code in given}
    with pytest.raises(ValueError, match=r"share of 0\.1 that repeats"):
        simulate_candidates(rows, panel.study, seed=6, truth=truth, party_only=much)


def test_national_lists_are_the_same_everywhere(tk2025_panel):
    rows = valid_votes(tk2025_panel, "TK2025")
    _, frame = simulate_candidates(rows, tk2025_panel.study, seed=1)
    keys = ["list_number", "candidate_number"]
    places = frame.groupby(keys)["municipality_code"].count()
    assert set(places) == {len(rows)}
    assert len(set(frame["list_number"])) == 15


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repeat_share": 1.2}, "between 0 and 1"),
        ({"repeat_share": 0.6, "party_only_share": 0.5}, "together are more than 1"),
    ],
)
def test_a_truth_that_cannot_be_is_refused(panel, change, message):
    rows = valid_votes(panel, "GR2026").head(1)
    with pytest.raises(ValueError, match=message):
        simulate_candidates(rows, panel.study, seed=1, truth=replace(CANDIDATE_TRUTH, **change))


def test_the_folder_has_candidates_and_their_truth_and_nothing_else_moves(gr2026, tmp_path):
    folders = {}
    for candidates in (True, False):
        folders[candidates] = tmp_path / str(candidates)
        folders[candidates].mkdir()
        choices = {"candidates": candidates, "times": False, "surveys": False}
        simulate(gr2026, folders[candidates], seed=3, effect=0.003, **choices)
    truth = json.loads((folders[True] / "truth.json").read_text(encoding="utf-8"))
    assert truth["candidate_results"]["repeat_share"] == CANDIDATE_TRUTH.repeat_share
    # The candidates were made with the votes of party_only_votes.csv, which has its own truth.
    assert "party_only_share" not in truth["candidate_results"]
    assert truth["marking"]["party_only_share"] == MARKING_TRUTH.party_only_share
    names = {f.name for f in folders[False].iterdir()}
    added = {"candidate_results.csv", "list_results.csv"}
    assert {f.name for f in folders[True].iterdir()} == names | added
    for name in names - {"truth.json"}:
        assert (folders[True] / name).read_bytes() == (folders[False] / name).read_bytes(), name
    assert sum((folders[True] / name).stat().st_size for name in added) < 5e6


METHODS = (*WEIGHTINGS, "precision", "hodges_lehmann")


def covered(panel, truth, seeds):
    """Return estimates (seeds, methods) and how often the intervals of each hold the truth."""
    study = panel.study
    rows = valid_votes(panel, study.election)
    options = {"weighting": "ballot", "method": "randomisation", "draws": 199, "seed": 1}
    estimates, held = [], []
    for seed in range(seeds):
        _, frame = simulate_candidates(rows, study, seed=seed, truth=truth)
        data = repeated_number(candidate_votes(frame, panel, study.election), panel)
        contrasts = [repeated_contrast(data, data.pairs, w, study) for w in METHODS[:-1]]
        found = [randomise_contrast(c, study, **options) for c in contrasts]
        found.append(hodges_lehmann(contrasts[0].change, contrasts[0].treated))
        estimates.append([m.estimate for m in found])
        held.append([m.ci_lower <= truth.repeat_share <= m.ci_upper for m in found])
    return np.array(estimates), np.mean(held, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("national", [False, True])
def test_the_excess_put_in_comes_out_within_its_intervals(national, gr2026, root):
    """Coverage of 95% over 200 seeds: standard error 1.5 points."""
    study = few_draws(be.load_study(root / "analysis/tk2025") if national else gr2026)
    panel = simulated_panel(study, every=5)
    estimates, held = covered(panel, replace(CANDIDATE_TRUTH, repeat_share=0.02), 200)
    error = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    distance = np.abs(estimates.mean(axis=0) - 0.02)
    unbiased = [METHODS.index(m) for m in (*WEIGHTINGS, "hodges_lehmann")]
    # Weights by precision are taken from the excess itself, which moves their mean a little.
    assert (distance[unbiased] < 4 * error[unbiased]).all()
    assert (distance < 0.002).all()
    by_method = dict(zip(METHODS, held, strict=True))
    if national:
        # Chance in the excess itself is not seen among controls: that is why it is not given.
        assert by_method.pop("precision") < 0.8
    assert all(share >= 0.9 for share in by_method.values()), by_method


def test_without_an_excess_there_is_none(panel):
    rows = valid_votes(panel, "GR2026")
    truth = replace(CANDIDATE_TRUTH, repeat_share=0.0)
    _, frame = simulate_candidates(rows, panel.study, seed=2, truth=truth)
    data = repeated_number(candidate_votes(frame, panel, "GR2026"), panel)
    pairs = data.pairs.only(data.of("control")[data.pairs.unit])
    error = pairs.excess.std(ddof=1) / np.sqrt(len(pairs.excess))
    assert abs(pairs.excess.mean()) < 4 * error
