"""Tar archives and files packed with xz: read as they are, refused where they are hostile."""

from __future__ import annotations

import io
import lzma
import tarfile

import pytest

from ballot_eval.errors import ReadError
from ballot_eval.schema import TABLES
from ballot_eval.sources import archive, read_raw, tarballs

HEADER = ",".join(TABLES["municipality_results"].required)
TIDY = f"{HEADER}\nGR2026,0755,Boekel,100,80,77,2,1\n".encode()
OTHER = TIDY.replace(b"0755,Boekel", b"1842,Midden-Delfland")


def pack(path, *members, mode="w:xz"):
    """Write a tar of (name, content); content None makes a folder, a str a link."""
    with tarfile.open(path, mode) as bundle:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            bundle.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)


def problems_of(folder):
    with pytest.raises(ReadError) as caught:
        read_raw(None, folder)
    return caught.value.problems


@pytest.mark.parametrize(
    ("name", "mode"), [("x.tar.xz", "w:xz"), ("x.TXZ", "w:xz"), ("x.tar", "w")]
)
def test_members_of_a_tar_are_files(tmp_path, name, mode):
    pack(tmp_path / name, ("a", None), ("a/m.csv", TIDY), ("./n.csv", OTHER), mode=mode)
    raw = read_raw(None, tmp_path)
    assert [f.path for f in raw.files] == [f"{name}/a/m.csv", f"{name}/n.csv"]
    assert list(raw.tables["municipality_results"]["municipality_code"]) == ["0755", "1842"]


def test_a_file_packed_with_xz_has_the_name_without(tmp_path):
    (tmp_path / "m.csv.xz").write_bytes(lzma.compress(TIDY))
    (file,) = read_raw(None, tmp_path).files
    assert (file.path, file.status) == ("m.csv.xz/m.csv", "read")


def test_streams_of_xz_one_after_the_other_are_one_file(tmp_path):
    half = len(TIDY) // 2
    packed = lzma.compress(TIDY[:half]) + b"\0" * 8 + lzma.compress(TIDY[half:])
    (tmp_path / "m.csv.xz").write_bytes(packed)
    assert len(read_raw(None, tmp_path).tables["municipality_results"]) == 1


@pytest.mark.parametrize("name", ["../m.csv", "a/../../m.csv", "/m.csv", "C:/m.csv", "..\\m.csv"])
def test_a_member_that_leads_out_of_the_archive_is_refused(tmp_path, name):
    pack(tmp_path / "x.tar.xz", (name, TIDY), ("m.csv", TIDY))
    (problem,) = problems_of(tmp_path)
    assert "leads out of the archive" in problem


def test_a_link_in_an_archive_is_refused(tmp_path):
    pack(tmp_path / "x.tar.xz", ("m.csv", "/etc/passwd"))
    assert "is a link or a device" in problems_of(tmp_path)[0]


def test_a_sparse_member_is_refused_before_its_holes_are_made(tmp_path):
    size = 400 * 1024**2
    info = tarfile.TarInfo("m.csv")
    info.size = len(TIDY)
    info.pax_headers = {"GNU.sparse.map": f"0,{len(TIDY)}", "GNU.sparse.size": str(size)}
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as bundle:
        bundle.addfile(info, io.BytesIO(TIDY))
    with tarfile.open(tmp_path / "x.tar") as bundle:
        (member,) = bundle
    assert (member.issparse(), member.size) == (True, size)
    assert "x.tar/m.csv: is a sparse file" in problems_of(tmp_path)[0]


def test_the_members_of_a_tar_are_limited_together(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 2 * len(TIDY))
    pack(tmp_path / "x.tar", ("m.csv", TIDY), ("n.csv", OTHER), mode="w")
    assert "unpacks to more than" in problems_of(tmp_path)[0]


def test_a_member_given_twice_is_refused(tmp_path):
    pack(tmp_path / "x.tar", ("m.csv", TIDY), ("./m.csv", OTHER), mode="w")
    assert "stands more than once" in problems_of(tmp_path)[0]


def test_hidden_members_are_passed_over_and_nested_archives_listed(tmp_path):
    inner = lzma.compress(TIDY)
    pack(tmp_path / "x.tar.xz", ("._m.csv", TIDY), ("m.csv", TIDY), ("n.csv.xz", inner))
    files = {f.path: f.reason for f in read_raw(None, tmp_path).files}
    assert set(files) == {"x.tar.xz/m.csv", "x.tar.xz/n.csv.xz"}
    assert "an archive within an archive" in files["x.tar.xz/n.csv.xz"]


@pytest.mark.parametrize("name", ["x.tar.xz", "m.csv.xz"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_cut_off_archive_is_a_fault(tmp_path, name, share):
    path = tmp_path / name
    if name.startswith("x"):
        pack(path, ("m.csv", TIDY * 50))
    else:
        path.write_bytes(lzma.compress(TIDY))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert any(name in problem and "; " in problem for problem in problems_of(tmp_path))


def test_a_damaged_archive_is_a_fault_wherever_it_is_damaged(tmp_path):
    path = tmp_path / "x.tar.xz"
    pack(path, ("m.csv", TIDY))
    whole = path.read_bytes()
    told = 0
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 0xFF
        path.write_bytes(changed)
        try:
            raw = read_raw(None, tmp_path)
        except ReadError as error:
            told += all(p.startswith("x.tar.xz") for p in error.problems)
        else:
            assert len(raw.tables["municipality_results"]) == 1
    # Nearly every byte of xz is covered by a check.
    assert told > 0.9 * len(whole)


@pytest.mark.parametrize("name", ["x.tar.xz", "m.csv.xz"])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, name):
    monkeypatch.setattr(archive, "MAX_RATIO_FROM_BYTES", 100_000)
    bomb = TIDY + b"\n" * 5_000_000
    if name.startswith("x"):
        pack(tmp_path / name, ("m.csv", bomb))
    else:
        (tmp_path / name).write_bytes(lzma.compress(bomb))
    assert "possible zip bomb" in problems_of(tmp_path)[0]


def test_memory_that_a_header_asks_for_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(tarballs, "MEMORY_BYTES", 1024**2)
    (tmp_path / "m.csv.xz").write_bytes(lzma.compress(TIDY, preset=9))
    assert "cannot be unpacked" in problems_of(tmp_path)[0]


def test_the_number_of_members_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    pack(tmp_path / "x.tar", ("m.csv", TIDY), ("n.csv", OTHER), mode="w")
    assert "more than 1 files" in problems_of(tmp_path)[0]


def test_files_read_side_by_side_are_the_same(tmp_path):
    for number in range(1, 30):
        row = TIDY.replace(b"0755", f"{number:04}".encode())
        (tmp_path / f"m{number:02}.csv").write_bytes(row)
    one, two = (read_raw(None, tmp_path, processes=n) for n in (1, 2))
    assert one.files == two.files
    for name, frame in one.tables.items():
        assert frame.equals(two.tables[name])


def test_faults_found_side_by_side_are_told_one_by_one(tmp_path):
    (tmp_path / "m.csv").write_bytes(TIDY.replace(b",77", b"").replace(b"1\n", b"1\nx\n"))
    one = problems_of(tmp_path)
    with pytest.raises(ReadError) as caught:
        read_raw(None, tmp_path, processes=2)
    assert caught.value.problems == one
    assert len(one) == 2


def test_processes_are_one_or_more(tmp_path):
    (tmp_path / "m.csv").write_bytes(TIDY)
    with pytest.raises(ValueError, match="processes must be 1 or more"):
        read_raw(None, tmp_path, processes=0)
