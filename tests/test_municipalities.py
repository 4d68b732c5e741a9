"""Public facts on municipalities: complete, plausible, and the same codes as the results."""

from __future__ import annotations

import pandas as pd
import pytest

from ballot_eval.mergers import load_mergers
from ballot_eval.municipalities import FIGURES, load_municipalities, neighbours_of
from ballot_eval.sources import read_raw

WADDEN_ISLANDS = ("0060", "0088", "0093", "0096", "0448")
MERGED_SINCE_2019 = ["1979", "1980", "1982", "1991", "1992"]


def code_of(name):
    table = load_municipalities()
    (code,) = table.index[table["municipality_name"] == name]
    return code


def names_around(name):
    return set(load_municipalities().loc[list(neighbours_of([code_of(name)])), "municipality_name"])


def test_342_municipalities_with_all_columns():
    table = load_municipalities()
    assert len(table) == 342
    assert table.index.is_unique
    assert table.index.is_monotonic_increasing
    assert table.index.str.fullmatch(r"\d{4}").all()
    assert list(table.columns) == ["municipality_name", "province", *FIGURES]
    assert table["municipality_name"].is_unique
    assert table["province"].nunique() == 12
    assert pd.api.types.is_integer_dtype(table["inhabitants_count"])


def test_figures_are_plausible():
    table = load_municipalities()
    shares = table.filter(like="_share")
    assert shares.shape[1] == 3
    assert ((shares > 0.05) & (shares < 0.75)).all(axis=None)
    inhabitants = table["inhabitants_count"]
    assert 17.9e6 < inhabitants.sum() < 18.3e6
    assert inhabitants.idxmax() == code_of("Amsterdam")
    assert inhabitants.idxmin() == code_of("Schiermonnikoog")
    weighted = table[["lowest_income_households_share", "highest_income_households_share"]]
    national = weighted.mul(inhabitants, axis=0).sum() / inhabitants.sum()
    # Households in the lowest 40 and highest 20 per cent; weights are inhabitants, so about.
    assert national.to_list() == pytest.approx([0.4, 0.2], abs=0.01)


def test_only_address_density_is_missing_and_only_for_new_municipalities():
    table = load_municipalities()
    assert table.index[table.isna().any(axis=1)].to_list() == MERGED_SINCE_2019
    assert table.drop(columns="address_density").notna().all(axis=None)


def test_known_values():
    borne = load_municipalities().loc["0147"]
    assert borne["municipality_name"] == "Borne"
    assert borne["province"] == "Overijssel"
    assert borne["inhabitants_count"] == 25_011
    assert borne["higher_education_share"] == pytest.approx(0.37)
    assert load_municipalities().loc["0820", "municipality_name"] == "Nuenen, Gerwen en Nederwetten"


def test_mergers_lead_to_municipalities_of_2025():
    codes = load_municipalities().index
    mergers = load_mergers()
    assert mergers["new_code"].isin(codes).all()
    assert not mergers["old_code"].isin(codes).any()


@pytest.mark.official
def test_codes_and_names_equal_those_of_tk2025(official):
    raw = read_raw(None, official / "TK2025/TK2025_CSV.zip")
    results = raw.tables["municipality_results"]
    names = results.drop_duplicates("municipality_code").set_index("municipality_code")
    expected = load_municipalities()["municipality_name"]
    assert set(names.index) == set(expected.index)
    assert names["municipality_name"].loc[expected.index].to_list() == expected.to_list()


def test_callers_cannot_change_the_table():
    table = load_municipalities()
    table.loc["0147", "inhabitants_count"] = 0
    assert load_municipalities().loc["0147", "inhabitants_count"] == 25_011


def test_only_islands_have_no_neighbours():
    alone = [code for code in load_municipalities().index if not neighbours_of([code])]
    assert sorted(alone) == sorted([*WADDEN_ISLANDS, code_of("Goeree-Overflakkee")])


def test_neighbours_are_symmetric():
    around = {code: neighbours_of([code]) for code in load_municipalities().index}
    for code, others in around.items():
        assert code not in others
        assert all(code in around[other] for other in others)
    # A planar map of n areas has at most 3n - 6 borders.
    assert sum(map(len, around.values())) == 2 * 851 <= 2 * (3 * 342 - 6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Borne", "Almelo|Dinkelland|Hengelo (O)|Hof van Twente|Tubbergen"),
        ("Urk", "Noordoostpolder"),
        ("Vaals", "Gulpen-Wittem"),
        ("Den Helder", "Hollands Kroon|Schagen"),
        ("Almere", "Gooise Meren|Lelystad|Zeewolde"),
        ("Terneuzen", "Hulst|Sluis"),
        ("Tynaarlo", "Aa en Hunze|Assen|Groningen|Midden-Groningen|Noordenveld"),
    ],
)
def test_neighbours_anyone_can_verify(name, expected):
    assert names_around(name) == set(expected.split("|"))


def test_zeelandic_flanders_is_reached_only_by_itself():
    assert neighbours_of([code_of(name) for name in ("Hulst", "Sluis", "Terneuzen")]) == ()


def test_neighbours_of_several_leave_out_the_several():
    pair = ["0147", code_of("Almelo")]
    together = set(neighbours_of(pair))
    apart = set(neighbours_of(pair[:1])) | set(neighbours_of(pair[1:]))
    assert together == apart - set(pair)
    assert neighbours_of([]) == ()
    assert neighbours_of(code for code in ["0184"]) == (code_of("Noordoostpolder"),)


def test_bad_codes_are_refused():
    with pytest.raises(ValueError, match="2025: 0457"):
        neighbours_of(["0147", "0457"])
    with pytest.raises(ValueError, match="one string"):
        neighbours_of("0147")
