"""The two sources of the municipal elections of 2022: files of the night and later EML files."""

from __future__ import annotations

import re
import tarfile

import pandas as pd
import pytest

import ballot_eval as be
from ballot_eval.comparison import summary

EARLY = "GR2022/GR2022_osv4-3_330_gemeenten.tar.xz"
LATER = "GR2022/Telling_GR2022_eml_315of333_gemeenten.tar.xz"

#: Municipalities of which only one of the archives has a file.
ONLY_EARLY = {
    *("0014", "0034", "0153", "0200", "0228", "0268", "0307", "0344", "0363", "0392", "0394"),
    *("0518", "0758", "0772", "0796", "0855", "0935"),
}
ONLY_LATER = {"1904", "1950"}

TABLES = {
    "municipality_results": "totals",
    "station_results": "stations",
    "list_results": "lists",
    "candidate_results": "candidates",
}


@pytest.fixture(scope="module")
def known(root):
    """Return the municipalities whose counts differ, with the number of cells by table."""
    return pd.read_csv(
        root / "tests/reference/gr2022_two_sources.csv",
        dtype={"municipality_code": str},
        index_col="municipality_code",
    )


@pytest.fixture(scope="module")
def differences(official):
    return be.compare_sources(
        be.read_raw(None, official / EARLY), be.read_raw(None, official / LATER)
    )


@pytest.mark.official
def test_counts_differ_where_the_later_file_has_other_ones_and_nowhere_else(differences, known):
    counts = differences[differences["kind"] == "count"]
    found = summary(counts).set_index("unit_code")[list(TABLES)].rename(columns=TABLES)
    pd.testing.assert_frame_equal(found, known[list(TABLES.values())], check_names=False)
    # Valid votes of Zutphen in both files, and of one of its stations.
    zutphen = counts[(counts["unit_code"] == "0301") & (counts["field"] == "valid_votes_count")]
    whole, station = (
        zutphen[zutphen["polling_station_id"] == station].iloc[0] for station in ("", "2")
    )
    assert (whole["first"], whole["second"]) == ("21326", "21347")
    assert (station["first"], station["second"]) == ("1278", "1283")


@pytest.mark.official
def test_municipalities_of_one_source_are_told_once_for_each_table(differences):
    for kind, codes in (("only_first", ONLY_EARLY), ("only_second", ONLY_LATER)):
        lines = differences[differences["kind"] == kind]
        assert set(lines["level"]) == {"unit"}
        for table in TABLES:
            assert sorted(lines.loc[lines["table"] == table, "unit_code"]) == sorted(codes)
    assert not differences["kind"].isin(["twice_first", "twice_second"]).any()


@pytest.mark.official
def test_names_differ_only_where_eml_gives_a_list_none(differences):
    names = differences[differences["kind"] == "name"]
    assert set(names["field"]) == {"list_name"}
    assert names["first"].str.startswith("Blanco (").all()
    assert (names["second"] == "").all()


@pytest.mark.official
def test_a_file_written_in_the_night_itself_agrees(official, differences, known):
    written = {}
    with tarfile.open(official / LATER) as archive:
        for member in archive:
            file = archive.extractfile(member)
            head = file.read(4096).decode("utf-8") if file else ""
            code = re.search(r'<AuthorityIdentifier Id="(\d{4})"', head)
            date = re.search(r"CreationDateTime>(\d{4}-\d\d-\d\d)T", head)
            if code and date:
                written[code[1]] = date[1]
    assert {code: written[code] for code in known.index} == dict(known["later_file_written"])
    # Of Oegstgeest the later archive has a file of the night too.
    assert written["0579"] == "2022-03-17"
    assert not (differences["unit_code"] == "0579").any()
