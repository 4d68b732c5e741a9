"""One municipality in every format there is of it: they agree to the vote."""

from __future__ import annotations

import shutil

import pytest

from ballot_eval.schema import COUNT_FIELDS
from ballot_eval.sources import read_raw

CODE = "0668"
EML = "TK2025/Telling_TK2025_gemeente_West_Maas_en_Waal.eml.xml.xz"

pytestmark = pytest.mark.official


@pytest.fixture(scope="module")
def tables(official, tmp_path_factory):
    """Return the rows of the municipality at TK2025 by table and format."""
    folder = tmp_path_factory.mktemp("wmw")
    for name in (EML, "TK2025/TK2025_CSV.zip"):
        shutil.copy(official / name, folder)
    raw = read_raw(None, folder)
    formats = {file.path: file.format for file in raw.files}

    def rows(table, source):
        frame = raw.tables[table]
        here = frame["municipality_code"] == CODE
        return frame[here & (frame["source_file"].astype("str").map(formats) == source)]

    return rows


def test_eml_and_the_long_csv_give_the_same_counts(tables):
    (eml,) = tables("municipality_results", "eml_510b")[list(COUNT_FIELDS)].to_numpy().tolist()
    (long,) = (
        tables("municipality_results", "kiesraad_long")[list(COUNT_FIELDS)].to_numpy().tolist()
    )
    assert eml == long
    votes = [
        rows[rows["polling_station_id"] == ""]
        .astype("str")
        .astype({"list_number": "int64", "votes_count": "int64"})
        .set_index("list_number")["votes_count"]
        .to_dict()
        for rows in (tables("list_results", "eml_510b"), tables("list_results", "kiesraad_long"))
    ]
    assert votes[0] == votes[1]
    assert len(votes[0]) > 20


def test_stations_of_eml_and_of_the_bundle_are_the_same(tables):
    by_list = []
    for source in ("eml_510b", "kiesraad_bundle"):
        rows = tables("list_results", source)
        rows = rows[rows["polling_station_id"] != ""].astype("str")
        keys = [rows["polling_station_id"], rows["list_name"]]
        votes = rows["votes_count"].astype(int).groupby(keys).sum()
        # The bundle leaves lists without votes out.
        by_list.append(votes[votes > 0].to_dict())
    assert by_list[0] == by_list[1]


def test_stations_add_up_and_keep_more_and_fewer_apart(tables):
    (total,) = tables("municipality_results", "eml_510b").to_dict("records")
    stations = tables("station_results", "eml_510b")
    for field in (*COUNT_FIELDS[1:], "admitted_voters_count"):
        assert stations[field].astype(int).sum() == int(total[field])
    more, fewer = (stations[f"{name}_ballots_count"].astype(int) for name in ("more", "fewer"))
    assert (more.sum(), fewer.sum()) == (
        int(total["more_ballots_count"]),
        int(total["fewer_ballots_count"]),
    )
    assert not ((more > 0) & (fewer > 0)).any()


def test_more_and_fewer_of_2022_do_not_cancel(official):
    raw = read_raw(None, official / "GR2022/GR2022_osv4-3_330_gemeenten.tar.xz")
    stations = raw.tables["station_results"]
    here = stations[stations["municipality_code"] == CODE]
    counts = here[["more_ballots_count", "fewer_ballots_count"]].astype(int).sum()
    assert counts.tolist() == [1, 1]
    municipal = raw.tables["municipality_results"]
    total = municipal[municipal["municipality_code"] == CODE].iloc[0]
    # In the total alone, admitted voters and votes cast would seem to agree.
    assert total["votes_cast_count"] == total["admitted_voters_count"]
