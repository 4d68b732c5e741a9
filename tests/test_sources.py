"""Readers: each format, each fault, and the official files."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from ballot_eval.errors import ReadError
from ballot_eval.schema import TABLES
from ballot_eval.sources import archive, read_raw

MUNICIPALITY_COLUMNS = TABLES["municipality_results"].required
REGION_COLUMNS = TABLES["region_results"].required
LONG_HEADER = "Regio;RegioCode;OuderRegioCode;LijstNaam;VeldType;Waarde"
LONG = f"""{LONG_HEADER}
Boekel;G0755;K1;;Kiesgerechtigden;100
Boekel;G0755;K1;;Opkomst;80
Boekel;G0755;K1;VVD;LijstAantalStemmen;70
Boekel;G0755;K1;;AantalGeldigeStemmen;77
Boekel;G0755;K1;;AantalBlancoStemmen;2
Boekel;G0755;K1;;AantalOngeldigeStemmen;1
NBSB;G9010;K1;;Opkomst;5
"""
WIDE = (
    "RegioNaam;RegioCode;Kiesgerechtigden;Opkomst;OngeldigeStemmen;BlancoStemmen;GeldigeStemmen;X\n"
    "Súdwest-Fryslân;G1900;100;80;1;2;77;40\nSaba;O9003;10;8;0;0;8;4\n"
)
TIDY = ",".join(MUNICIPALITY_COLUMNS) + "\nGR2026,0755,Boekel,100,80,77,2,1\n"


def problems_of(folder):
    """Return the lines of the ReadError, each of which must be one line."""
    with pytest.raises(ReadError) as caught:
        read_raw(None, folder)
    assert all(len(problem.splitlines()) == 1 for problem in caught.value.problems)
    return caught.value.problems


def reasons_of(folder):
    return {f.path: f.reason for f in read_raw(None, folder).files if f.status == "not_read"}


def pack(path, *members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as bundle:
        for name, content in members:
            bundle.writestr(name, content)


def test_long_gives_one_row_per_region_and_the_line_of_every_cell(tmp_path):
    (tmp_path / "TK2025_uitslag.csv").write_text(LONG, encoding="utf-8")
    raw = read_raw(None, tmp_path)
    row = raw.tables["municipality_results"].iloc[0]
    assert (row["municipality_code"], row["invalid_votes_count"]) == ("0755", "1")
    assert row["source_line"] == 2
    assert raw.cell_lines["municipality_results"].loc[0, "invalid_votes_count"] == 7
    region = raw.tables["region_results"].iloc[0]
    assert (region["region_type"], region["invalid_votes_count"]) == ("postal", "")
    # The cell of a count that is not given has the region's first line.
    assert raw.cell_lines["region_results"].loc[0, "invalid_votes_count"] == 8
    assert raw.cell_lines["region_results"].dtypes.eq("int64").all()
    (file,) = raw.files
    assert (file.lines, file.lines_used, file.lines_out_of_scope) == (7, 7, 0)


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
        ("TK2025.csv", b"\xef\xbb\xbf\r\n;;\r\n", "is empty"),
        ("TK2025.csv", LONG_HEADER.encode(), "holds no rows below its header"),
        ("TK2021.csv", WIDE.splitlines()[0].encode(), "holds no rows below its header"),
        ("TK2025.csv", LONG.encode("utf-16-le"), "line 1: the file is UTF-16"),
        ("TK2021.csv", WIDE.encode("utf-16-be"), "line 1: the file is UTF-16"),
        ("TK2021.csv", WIDE.replace("Saba", "Sa\0ba").encode(), "line 3: holds a NUL byte"),
        ("m.csv", b"\xef\xbb\xbf" + TIDY.encode() + b"\xff", "line 3: not valid UTF-8 (byte 0xff)"),
        ("m.csv", TIDY.replace("Boekel", "B" * 200_000).encode(), "line 2: a cell holds more than"),
        ("TK2023_TK2025.csv", LONG.encode(), "the file name holds TK2023 and TK2025"),
    ],
)
def test_a_fault_names_file_line_and_remedy(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_raw(None, tmp_path)
    assert expected in str(caught.value)


def test_a_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_RATIO_FROM_BYTES", 1024 * 1024)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("TK2025_uitslag.csv", b"0" * 20 * 1024 * 1024)
    with pytest.raises(ReadError, match="zip bomb"):
        read_raw(None, tmp_path)


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\x0b", "\x0c", "\x1c"])
def test_only_cr_and_lf_end_a_line(tmp_path, mark):
    text = LONG.replace("Boekel", f"Boe{mark}kel")
    (tmp_path / "TK2025.csv").write_text(text, encoding="utf-8", newline="")
    table = read_raw(None, tmp_path).tables["municipality_results"]
    assert table["municipality_name"].tolist() == [f"Boe{mark}kel"]
    assert table["source_line"].tolist() == [2]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("blank", [0, 2])
def test_line_ends_and_leading_blank_lines(tmp_path, end, blank):
    text = ("\n" * blank + LONG + "\nUrk;G0184;K1;;Opkomst;7\n").replace("\n", end)
    (tmp_path / "TK2025.csv").write_bytes(text.encode("utf-8-sig"))
    raw = read_raw(None, tmp_path)
    assert raw.tables["municipality_results"]["source_line"].tolist() == [2 + blank, 10 + blank]
    assert raw.cell_lines["municipality_results"].loc[0, "invalid_votes_count"] == 7 + blank


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_row_has_the_line_on_which_it_starts(tmp_path, end):
    text = TIDY.replace("Boekel", '"Boe\n\nkel"') + TIDY.splitlines()[1].replace("0755", "0184")
    (tmp_path / "m.csv").write_bytes(text.replace("\n", end).encode())
    assert read_raw(None, tmp_path).tables["municipality_results"]["source_line"].tolist() == [2, 5]
    (tmp_path / "m.csv").write_bytes((text + ",1\n").replace("\n", end).encode())
    assert problems_of(tmp_path) == ("m.csv: line 5: 9 cells where the header has 8; mend it",)
    (tmp_path / "m.csv").write_bytes((text + '\n"a\nb\n').replace("\n", end).encode())
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("m.csv: line 6: broken quoting")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            TIDY.replace("valid_votes_count", "valid_votes", 1).replace("\n", ",\n", 1),
            [
                "column valid_votes_count is missing; rename 'valid_votes', which is probably it",
                "column 9 has no name; remove it",
            ],
        ),
        (
            TIDY.replace("_count\n", "_count,remark,election_id\n"),
            [
                "column 'election_id' stands there 2 times; keep one",
                "column 'remark' is unknown; remove it",
            ],
        ),
        (
            LONG.replace(";RegioCode", ";Regiocode").replace(
                "VeldType;Waarde", "Soort;Waarde;Regio"
            ),
            [
                "column 'Regio' stands there 2 times; keep one",
                "column RegioCode is missing; rename 'Regiocode', which is probably it",
                "column VeldType is missing; found instead: 'Soort'; give it its name again",
            ],
        ),
        (
            WIDE.replace("BlancoStemmen", "Blanco stemmen").replace(";X", ";VVD;VVD"),
            [
                "column 'VVD' stands there 2 times; keep one",
                "column BlancoStemmen is missing; rename 'Blanco stemmen', which is probably it",
            ],
        ),
    ],
)
def test_every_faulty_column_is_named(tmp_path, content, expected):
    (tmp_path / "TK2021.csv").write_text("\n" + content, encoding="utf-8")
    assert list(problems_of(tmp_path)) == [f"TK2021.csv: line 2: {fault}" for fault in expected]


def test_columns_the_long_and_wide_formats_have_besides_are_no_fault(tmp_path):
    (tmp_path / "TK2025.csv").write_text(
        LONG_HEADER.replace(";Veld", ";KandidaatNummer;Veld") + ";\nBoekel;G0755;K1;;;Opkomst;80;\n"
    )
    (tmp_path / "TK2021.csv").write_text(WIDE, encoding="utf-8")
    assert len(read_raw(None, tmp_path).tables["municipality_results"]) == 2


def test_all_faults_of_a_file_are_named_at_once(tmp_path):
    lines = LONG.splitlines()
    lines[2] += ";1"
    lines[3] = lines[3].replace("LijstAantalStemmen", "Wat\u2028?" + "x" * 1000)
    lines[5] = "Boekel"
    (tmp_path / "uitslag.csv").write_text("\n".join(lines), encoding="utf-8")
    (problem,) = problems_of(tmp_path)
    assert "rename it" in problem
    (tmp_path / "uitslag.csv").rename(tmp_path / "TK2025.csv")
    first, second, third = problems_of(tmp_path)
    assert first == "TK2025.csv: line 3: 7 cells where the header has 6; mend it"
    assert "line 4: VeldType 'Wat" in second
    assert len(second) < 350
    assert "line 6: 1 cells" in third


def test_all_faulty_files_are_named_and_very_many_faults_counted(tmp_path):
    (tmp_path / "TK2025.csv").write_text(LONG_HEADER + "\n" + "Urk;G0184\n" * 100)
    (tmp_path / "m.csv").write_text(TIDY + "x\n")
    problems = problems_of(tmp_path)  # of every faulty file
    assert len(problems) == 22
    assert problems[19].startswith("TK2025.csv: line 21:")
    assert problems[20] == "TK2025.csv: and 80 more"
    assert problems[21].startswith("m.csv: line 3:")


@pytest.mark.parametrize(
    "name", ["tk2025_uitslag.csv", "Uitslag_Tk20251029.CSV", "TK2025_TK2025.csv"]
)
def test_the_election_of_a_file_name_in_any_case(tmp_path, name):
    (tmp_path / name).write_text(LONG)
    assert set(read_raw(None, tmp_path).tables["municipality_results"]["election_id"]) == {"TK2025"}


def test_a_header_alone_is_a_canonical_table_without_rows(tmp_path):
    (tmp_path / "municipality_results.csv").write_text(",".join(MUNICIPALITY_COLUMNS) + "\n")
    (tmp_path / "region_results.csv").write_text(",".join(REGION_COLUMNS))
    raw = read_raw(None, tmp_path)
    assert [(f.status, f.lines) for f in raw.files] == [("read", 0), ("read", 0)]
    assert not any(map(len, raw.tables.values()))
    assert raw.tables["region_results"]["source_line"].dtype == "int64"
    assert raw.cell_lines["region_results"].dtypes.eq("int64").all()


def test_what_is_not_read_is_listed_with_its_reason(tmp_path):
    (tmp_path / "m.csv").write_text(TIDY)
    (tmp_path / "truth.json").write_text("{}")
    (tmp_path / "SIMULATED.txt").write_text("x")
    (tmp_path / "book.csv").write_bytes(b"PK\x03\x04\x14\0\x06\0\n\xff\xfe")
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "notes.txt").write_bytes("Bericht; geen uitslag\n".encode("utf-16"))
    (tmp_path / ".hidden.csv").write_bytes(b"")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "m.csv").write_bytes(b"")
    reasons = reasons_of(tmp_path)
    assert set(reasons) == {"truth.json", "SIMULATED.txt", "book.csv", "noise.csv", "notes.txt"}
    assert all("simulated data" in reasons[name] for name in ("truth.json", "SIMULATED.txt"))
    assert all("binary" in reasons[name] for name in ("book.csv", "noise.csv"))
    assert "header" in reasons["notes.txt"]


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "m.csv").write_text(TIDY)
    pack(tmp_path / "x.zip", ("m.csv", TIDY))
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere.csv")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    link, plain, bundle = problems_of(tmp_path)
    assert "leads to no file" in link
    assert plain.startswith("m.csv: cannot be read (Permission denied)")
    assert bundle.startswith("x.zip: cannot be read (Permission denied)")


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "m.csv").write_text(TIDY)
    (tmp_path / "map").mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("map"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (problem,) = problems_of(tmp_path)
    assert problem.startswith(f"{tmp_path / 'map'}: cannot be read (Permission denied)")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_zip_is_a_fault_wherever_it_is_damaged(tmp_path, method):
    path = tmp_path / "x.zip"
    pack(path, ("TK2025.csv", LONG), compression=method)
    whole = path.read_bytes()
    assert len(read_raw(None, tmp_path).tables["municipality_results"]) == 1
    told = []
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read_raw(None, tmp_path)  # some bytes, such as dates, do not matter
        except ReadError as error:
            told += [p.startswith("x.zip") and "; " in p for p in error.problems]
    assert len(told) > 50
    assert all(told)
    for length in range(1, len(whole), 7):
        path.write_bytes(whole[:length])
        assert len(problems_of(tmp_path)) == 1


@pytest.mark.parametrize(
    ("offset", "value", "expected"),
    [(8, 1, "is encrypted"), (10, 12, "unpack it by hand"), (10, 14, "unpack it by hand")],
)
def test_an_encrypted_or_strangely_packed_member_is_named(tmp_path, offset, value, expected):
    pack(tmp_path / "x.zip", ("TK2025.csv", LONG))
    changed = bytearray((tmp_path / "x.zip").read_bytes())
    changed[changed.index(b"PK\x01\x02") + offset] = value
    (tmp_path / "x.zip").write_bytes(changed)
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("x.zip/TK2025.csv: ")
    assert expected in problem


@pytest.mark.parametrize("name", ["../m.csv", "a/../../m.csv", "/m.csv", "C:/m.csv", "..\\m.csv"])
def test_a_member_that_leads_out_of_its_archive_is_refused(tmp_path, name):
    pack(tmp_path / "x.zip", (name, TIDY), ("m.csv", TIDY))
    (problem,) = problems_of(tmp_path)
    assert "leads out of the archive" in problem


def test_hidden_members_are_passed_over_and_nested_archives_listed(tmp_path):
    pack(tmp_path / "inner.bin", ("m.csv", TIDY))
    pack(
        tmp_path / "x.zip",
        ("map/m..csv", TIDY),
        ("map/", ""),
        (".git/m.csv", ""),
        ("map/._m.csv", ""),
        ("__MACOSX/map/m.csv", ""),
        ("./SIMULATED.txt", "x"),
        ("map\\inner.ZIP", (tmp_path / "inner.bin").read_bytes()),
    )
    reasons = reasons_of(tmp_path)
    assert set(reasons) == {"inner.bin", "x.zip/SIMULATED.txt", "x.zip/map/inner.ZIP"}
    assert "unpack it" in reasons["x.zip/map/inner.ZIP"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_given_twice_is_a_fault(tmp_path):
    pack(tmp_path / "x.zip", ("m.csv", TIDY), ("./m.csv", TIDY), ("m.csv", TIDY), ("b.csv", TIDY))
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("x.zip/m.csv: stands 3 times in the archive")


@pytest.mark.parametrize(
    ("constant", "value", "expected"),
    [
        ("MAX_MEMBERS", 2, "x.zip: holds 3 files, more than 2"),
        ("MAX_ARCHIVE_BYTES", 3 * len(TIDY) - 1, "x.zip: unpacks to more than 0 MB in all"),
        ("MAX_MEMBER_BYTES", len(TIDY) - 1, "x.zip/a.csv: unpacks from"),
    ],
)
def test_the_limits_of_an_archive(tmp_path, monkeypatch, constant, value, expected):
    pack(tmp_path / "x.zip", *((name, TIDY) for name in ("a.csv", "b.csv", "c.csv")))
    monkeypatch.setattr(archive, constant, value + 1)
    assert len(read_raw(None, tmp_path).tables["municipality_results"]) == 3
    monkeypatch.setattr(archive, constant, value)
    assert problems_of(tmp_path)[0].startswith(expected)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ReadError, match="does not exist"):
        read_raw(None, tmp_path / "nowhere")


@pytest.mark.official
def test_official_files_as_they_are(official):
    raw = read_raw(None, official)
    formats = {f.path: f.format for f in raw.files}
    read = Counter(f.format for f in raw.files if f.status == "read")
    expected = {"kiesraad_long": 2, "kiesraad_wide": 3, "kiesraad_bundle": 2, "osv4-3": 350}
    assert {name: read[name] for name in expected} == expected
    rows = raw.tables["municipality_results"]
    rows = rows.groupby([rows["source_file"].map(formats), "election_id"]).size()
    assert rows["kiesraad_long"].to_dict() == {"TK2023": 342, "TK2025": 342}
    assert rows["kiesraad_wide"]["TK2021"] == 352
    assert rows["osv4-3"].to_dict() == {"GR2022": 330, "GR2026": 1, "TK2023": 342}
    regions = raw.tables["region_results"].groupby(["election_id", "region_type"]).size()
    expected = {"caribbean": 3, "district": 20, "national": 1, "postal": 1, "province": 13}
    assert regions["TK2025"].to_dict() == expected
    assert all(f.lines == f.lines_used + f.lines_out_of_scope for f in raw.files)
