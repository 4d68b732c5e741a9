"""Readers: each format, each fault, and the official files."""

from __future__ import annotations

import zipfile

import pytest

from ballot_eval.errors import ReadError
from ballot_eval.raw import MUNICIPALITY_COLUMNS
from ballot_eval.sources import archive, read_raw

LONG_HEADER = "Regio;RegioCode;OuderRegioCode;LijstNaam;VeldType;Waarde"
LONG = "\n".join(
    [
        LONG_HEADER,
        "Boekel;G0755;K1;;Kiesgerechtigden;100",
        "Boekel;G0755;K1;;Opkomst;80",
        "Boekel;G0755;K1;VVD;LijstAantalStemmen;70",
        "Boekel;G0755;K1;;AantalGeldigeStemmen;77",
        "Boekel;G0755;K1;;AantalBlancoStemmen;2",
        "Boekel;G0755;K1;;AantalOngeldigeStemmen;1",
        "NBSB;G9010;K1;;Opkomst;5",
        "",
    ]
)
WIDE = (
    "RegioNaam;RegioCode;Kiesgerechtigden;Opkomst;OngeldigeStemmen;BlancoStemmen;GeldigeStemmen;X\n"
    "Súdwest-Fryslân;G1900;100;80;1;2;77;40\nSaba;O9003;10;8;0;0;8;4\n"
)
TIDY = ",".join(MUNICIPALITY_COLUMNS) + "\nGR2026,0755,Boekel,100,80,77,2,1\n"


def test_long_gives_one_row_per_region_and_the_line_of_every_cell(tmp_path):
    (tmp_path / "TK2025_uitslag.csv").write_text(LONG, encoding="utf-8")
    raw = read_raw(None, tmp_path)
    row = raw.tables["municipality_results"].iloc[0]
    assert (row["municipality_code"], row["invalid_votes_count"]) == ("0755", "1")
    assert row["source_line"] == 2
    assert raw.cell_lines["municipality_results"].loc[0, "invalid_votes_count"] == 7
    region = raw.tables["region_results"].iloc[0]
    assert (region["region_type"], region["invalid_votes_count"]) == ("postal", "")
    (file,) = raw.files
    assert (file.lines, file.lines_used, file.lines_out_of_scope) == (7, 6, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1"])
def test_wide_in_both_encodings(tmp_path, encoding):
    (tmp_path / "Uitslag_alle_gemeenten_TK20210317.csv").write_text(WIDE, encoding=encoding)
    raw = read_raw(None, tmp_path)
    row = raw.tables["municipality_results"].iloc[0]
    assert row["municipality_name"] == "Súdwest-Fryslân"
    assert row["election_id"] == "TK2021"
    assert list(raw.tables["region_results"]["region_type"]) == ["caribbean"]


def test_formats_mix_in_one_folder_and_in_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr("TK2025_uitslag.csv", LONG)
        bundle.writestr("LEESMIJ.txt", "iets anders")
    (tmp_path / "municipality_results.csv").write_text(TIDY, encoding="utf-8")
    raw = read_raw(None, tmp_path)
    assert list(raw.tables["municipality_results"]["source_file"]) == [
        "a.zip/TK2025_uitslag.csv",
        "municipality_results.csv",
    ]
    assert [f.path for f in raw.files if f.status == "not_read"] == ["a.zip/LEESMIJ.txt"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("TK2025.csv", b"", "is empty"),
        ("TK2025.csv", LONG.replace(";", ",").encode(), "separator is not ';'"),
        ("TK2025.csv", LONG.replace("VeldType", "Soort").encode(), "column VeldType is missing"),
        ("TK2025.csv", LONG.replace("Boekel", "Bo\xebkel").encode("iso-8859-1"), "line 2"),
        ("TK2025.csv", LONG.encode("utf-16"), "UTF-16"),
        ("TK2025.csv", LONG.replace(";77", "").encode(), "line 5: 5 cells"),
        ("TK2025.csv", LONG.replace("LijstAantalStemmen", "Wat").encode(), "line 4: VeldType"),
        ("uitslag.csv", LONG.encode(), "rename it"),
        ("x.csv", TIDY.replace("Boekel", '"Boekel').encode(), "broken quoting"),
        ("x.zip", b"PK not a zip", "not a readable zip"),
        ("x.xml", b"<a/>", "holds no file of a known format"),
    ],
)
def test_a_fault_names_file_line_and_remedy(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_raw(None, tmp_path)
    assert expected in str(caught.value)


def test_all_faulty_files_are_named_at_once(tmp_path):
    (tmp_path / "TK2025.csv").write_bytes(b"")
    (tmp_path / "TK2023.csv").write_bytes(b" ")
    with pytest.raises(ReadError) as caught:
        read_raw(None, tmp_path)
    assert len(caught.value.problems) == 2


def test_a_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_RATIO_FROM_BYTES", 1024 * 1024)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("TK2025_uitslag.csv", b"0" * 20 * 1024 * 1024)
    with pytest.raises(ReadError, match="zip bomb"):
        read_raw(None, tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        read_raw(None, tmp_path / "nowhere")


@pytest.mark.official
def test_official_files_as_they_are(official):
    raw = read_raw(None, official)
    rows = raw.tables["municipality_results"].groupby("election_id").size()
    assert rows[["TK2025", "TK2023", "TK2021"]].tolist() == [342, 342, 352]
    regions = raw.tables["region_results"].groupby(["election_id", "region_type"]).size()
    assert regions["TK2025"].to_dict() == {
        "caribbean": 3,
        "district": 20,
        "national": 1,
        "postal": 1,
        "province": 13,
    }
    assert all(f.lines == f.lines_used + f.lines_out_of_scope for f in raw.files)
