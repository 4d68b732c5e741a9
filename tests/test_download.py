"""Downloads against a server on this machine that behaves badly; none reaches the internet."""

from __future__ import annotations

import hashlib
import io
import json
import re
import socket
import zipfile

import pytest

import ballot_eval as be
from ballot_eval.sources.download import ResultFile, TransferLimits, known_files
from ballot_eval.sources.transfer import redirect_fault
from download_server import (
    CONTENT,
    OTHER,
    OTHER_TAG,
    QUICK,
    TAG,
    bad_server,
    browsers_only,
    cut_off,
    cut_off_chunk,
    hang_up,
    of_length,
    rest,
    rest_of_total,
    silent,
    silent_after,
    status,
    whole,
    without_length,
)

NAME = "GR2026.csv"
DATE = "Wed, 25 Mar 2026 12:00:00 GMT"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with bad_server() as running:
        yield running


def get(folder, *sources, limits=QUICK, progress=None):
    return be.download(["GR2026"], folder, sources=sources, limits=limits, progress=progress)


def refused(folder, *sources, limits=QUICK) -> str:
    """Return what is said of a file that cannot be had; it must not stand under its name."""
    with pytest.raises(be.DownloadError) as caught:
        get(folder, *sources, limits=limits)
    assert caught.value.exit_code == 3
    assert not (folder / NAME).exists()
    return str(caught.value)


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_whole_file_gets_its_name_and_a_line_in_the_record(server, tmp_path):
    folder = tmp_path / "new/folder"
    states = []
    source = server.file(whole(), sha256=sha256(CONTENT))
    (found,) = get(folder, source, progress=states.append)
    assert (found.path.read_bytes(), found.sha256) == (CONTENT, sha256(CONTENT))
    assert (found.fresh, found.verified, found.size_bytes) == (True, True, len(CONTENT))
    assert names(folder) == {NAME, "downloads.json"}
    entry = json.loads((folder / "downloads.json").read_text(encoding="utf-8"))[NAME]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", entry.pop("downloaded_at"))
    assert entry == {
        "address": source.address,
        "size_bytes": len(CONTENT),
        "sha256": sha256(CONTENT),
    }
    counts = [state.bytes_count for state in states]
    assert counts == sorted(counts)
    assert len(counts) > 1
    assert counts[-1] == states[-1].total_bytes == len(CONTENT)


def test_the_server_takes_the_program_for_a_browser(server, tmp_path):
    (found,) = get(tmp_path, server.file(browsers_only))
    assert (found.path.read_bytes(), found.verified) == (CONTENT, False)


@pytest.mark.parametrize(
    ("code", "said", "asked_count"),
    [
        (403, "refuses this program (403); open {address} in a browser and save the file as", 1),
        (404, "no longer at {address} (404); look for it", 1),
        (410, "no longer at {address} (410)", 1),
        (451, "the server answers 451; open {address}", 1),
        (429, "not whole after 3 attempts (the server answers 429)", 3),
        (500, "not whole after 3 attempts (the server answers 500)", 3),
        (503, "not whole after 3 attempts (the server answers 503)", 3),
    ],
)
def test_a_refusal_says_what_can_be_done(server, tmp_path, code, said, asked_count):
    source = server.file(status(code))
    text = refused(tmp_path, source)
    assert said.format(address=source.address) in text
    assert str(tmp_path / NAME) in text
    assert len(server.requests) == asked_count
    assert names(tmp_path) == set()


def test_what_passes_is_tried_again_and_told(server, tmp_path):
    states = []
    source = server.file(status(500), hang_up, whole())
    (found,) = get(tmp_path, source, progress=states.append)
    assert found.path.read_bytes() == CONTENT
    notes = [state.note for state in states if state.note]
    assert [note.split(":")[0] for note in notes] == [
        "the server answers 500; once more in 0 s",
        "the connection is cut off",
    ]


def test_the_pause_doubles(server, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr("ballot_eval.sources.transfer.time.sleep", pauses.append)
    limits = TransferLimits(attempts=4, wait_seconds=1.5)
    refused(tmp_path, server.file(status(503)), limits=limits)
    assert pauses == [1.5, 3, 6]


def test_no_network_is_told_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("ballot_eval.sources.transfer.time.sleep", pytest.fail)
    with socket.socket() as nobody:
        # Bound and not listening: nothing else gets the port, and nobody answers.
        nobody.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{nobody.getsockname()[1]}"
        address = f"http://{place}/{NAME}"
        text = refused(tmp_path, ResultFile("GR2026", "csv", NAME, address))
    assert f"{place} cannot be reached" in text
    assert f"open {address} in a browser" in text


@pytest.mark.parametrize("headers", [{"ETag": TAG}, {"ETag": TAG, "Last_Modified": DATE}])
def test_a_cut_off_file_is_gone_on_with_by_the_next_call(server, tmp_path, headers):
    source = server.file(cut_off(100_000, **headers), sha256=sha256(CONTENT))
    text = refused(tmp_path, source, limits=TransferLimits(attempts=1))
    assert f"cut off after 100000 of {len(CONTENT)} bytes" in text
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT[:100_000]
    server.answers[f"/{NAME}"] = [rest()]
    (found,) = get(tmp_path, source)
    assert found.path.read_bytes() == CONTENT
    assert server.requests[-1][1]["If-Range"] == TAG
    assert server.asked() == [None, "bytes=100000-"]
    assert names(tmp_path) == {NAME, "downloads.json"}


def test_a_cut_off_file_is_gone_on_with_within_a_call(server, tmp_path):
    (found,) = get(tmp_path, server.file(cut_off(100_000, ETag=TAG), status(503), rest()))
    assert found.path.read_bytes() == CONTENT
    assert server.asked() == [None, "bytes=100000-", "bytes=100000-"]


def test_the_date_serves_where_the_tag_is_weak(server, tmp_path):
    first = cut_off(100_000, ETag='W/"one"', Last_Modified=DATE)
    (found,) = get(tmp_path, server.file(first, rest(tag=DATE)))
    assert found.path.read_bytes() == CONTENT
    assert server.requests[-1][1]["If-Range"] == DATE
    assert server.asked() == [None, "bytes=100000-"]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"one"'}])
def test_nothing_is_added_where_the_server_does_not_tell_versions_apart(server, tmp_path, headers):
    (found,) = get(tmp_path, server.file(cut_off(100_000, **headers), whole()))
    assert found.path.read_bytes() == CONTENT
    assert server.asked() == [None, None]


def test_a_server_that_ignores_the_range_starts_again(server, tmp_path):
    (found,) = get(tmp_path, server.file(cut_off(100_000, ETag=TAG), whole(ETag=TAG)))
    assert found.path.read_bytes() == CONTENT
    assert server.asked() == [None, "bytes=100000-"]


def test_a_file_that_changed_in_between_starts_again(server, tmp_path):
    (found,) = get(tmp_path, server.file(cut_off(100_000, ETag=TAG), rest(OTHER, OTHER_TAG)))
    assert found.path.read_bytes() == OTHER


@pytest.mark.parametrize(
    "wrong",
    [
        rest(OTHER, OTHER_TAG, if_range=False),
        rest(CONTENT + b"more\n", TAG),
        status(206, Content_Range=f"bytes 0-9/{len(CONTENT)}", ETag=TAG),
        status(206, ETag=TAG),
        rest(CONTENT[:99_999]),
    ],
    ids=["other tag", "other length", "other place", "no place", "beyond the end (416)"],
)
def test_a_rest_that_does_not_fit_is_thrown_away_with_the_part(server, tmp_path, wrong):
    (found,) = get(tmp_path, server.file(cut_off(100_000, ETag=TAG), wrong, whole(OTHER)))
    assert found.path.read_bytes() == OTHER
    assert server.asked() == [None, "bytes=100000-", None]


@pytest.mark.parametrize("change", ["other address", "broken note", "no note"])
def test_a_part_of_unknown_origin_is_not_added_to(server, tmp_path, change):
    source = server.file(cut_off(100_000, ETag=TAG))
    refused(tmp_path, source)
    note = tmp_path / f"{NAME}.part.json"
    if change == "other address":
        note.write_text(note.read_text("utf-8").replace(NAME, "GR2022.csv"), encoding="utf-8")
    elif change == "broken note":
        note.write_text('{"address": "', encoding="utf-8")
    else:
        note.unlink()
    server.requests.clear()
    (found,) = get(tmp_path, server.file(rest()))
    assert (found.path.read_bytes(), server.asked()) == (CONTENT, [None])


def test_a_part_that_is_whole_only_gets_its_name(server, tmp_path):
    source = server.file(cut_off(100_000, ETag=TAG), sha256=sha256(CONTENT))
    refused(tmp_path, source)
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    server.requests.clear()
    (found,) = get(tmp_path, source)
    assert (found.path.read_bytes(), server.requests) == (CONTENT, [])


def test_an_interrupted_file_is_gone_on_with(server, tmp_path):
    def interrupt(state):
        if state.bytes_count >= 100_000:
            raise KeyboardInterrupt

    source = server.file(rest())
    with pytest.raises(KeyboardInterrupt):
        get(tmp_path, source, progress=interrupt)
    had = (tmp_path / f"{NAME}.part").stat().st_size
    assert 100_000 <= had < len(CONTENT)
    (found,) = get(tmp_path, source)
    assert (found.path.read_bytes(), server.asked()) == (CONTENT, [None, f"bytes={had}-"])


def test_a_server_that_falls_silent_is_asked_again(server, tmp_path):
    limits = TransferLimits(timeout_seconds=0.3, attempts=6, wait_seconds=0)
    source = server.file(silent_after(100_000, ETag=TAG), silent, rest())
    (found,) = get(tmp_path, source, limits=limits)
    assert found.path.read_bytes() == CONTENT
    assert len(server.requests) >= 3
    limits = TransferLimits(timeout_seconds=0.1, attempts=2, wait_seconds=0)
    assert "silent for too long" in refused(tmp_path / "2", server.file(silent), limits=limits)


def test_a_wrong_sum_is_told_and_the_file_kept_aside(server, tmp_path):
    source = server.file(whole(OTHER), sha256=sha256(CONTENT))
    text = refused(tmp_path, source)
    assert sha256(CONTENT) in text
    assert sha256(OTHER) in text
    assert names(tmp_path) == {f"{NAME}.unexpected"}
    assert (tmp_path / f"{NAME}.unexpected").read_bytes() == OTHER
    server.answers[f"/{NAME}"] = [whole()]
    assert get(tmp_path, source)[0].verified


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"\xef\xbb\xbf\n <!DOCTYPE html><title>Storing</title>", NAME, "is a web page"),
        (b"<HTML>403</HTML>", "TK2025_CSV.zip", "is a web page"),
        (b"Regio;RegioCode\n", "TK2025_CSV.zip", "is not a whole zip file"),
        (b"", NAME, "is empty"),
    ],
)
def test_an_answer_that_is_no_result_file_is_refused(server, tmp_path, content, name, said):
    text = refused(tmp_path, server.file(whole(content), name=name))
    assert said in text
    assert f"in a browser and save the file as {tmp_path / name}" in text
    assert names(tmp_path) == set()


def test_a_zip_file_that_was_cut_off_unseen_is_refused(server, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("GR2026_uitslag.csv", CONTENT)
    source = server.file(without_length(packed.getvalue()[:-30]), name="GR2026.zip")
    assert "is not a whole zip file" in refused(tmp_path, source)
    server.answers["/GR2026.zip"] = [without_length(packed.getvalue())]
    assert get(tmp_path, source)[0].path.read_bytes() == packed.getvalue()


def test_a_cut_off_chunk_is_no_end_of_file(server, tmp_path):
    assert "the connection is cut off" in refused(tmp_path, server.file(cut_off_chunk))


def test_a_packed_answer_is_refused(server, tmp_path):
    assert "packed (gzip)" in refused(tmp_path, server.file(whole(Content_Encoding="gzip")))


def test_a_redirect_is_followed_with_the_range(server, tmp_path):
    source = server.file(status(302, Location="/moved.csv"))
    server.file(cut_off(100_000, ETag=TAG), rest(), name="moved.csv")
    (found,) = get(tmp_path, source)
    assert found.path.read_bytes() == CONTENT
    assert server.asked() == [None, None, "bytes=100000-", "bytes=100000-"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_file_of_this_machine_is_refused(server, tmp_path, code):
    secret = tmp_path / "secret.csv"
    secret.write_bytes(CONTENT)
    source = server.file(status(code, Location=secret.as_uri()))
    assert "is no web address; refused" in refused(tmp_path / "to", source)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location", ["http://[bad", "http://a.nl:bad/", "http://a.nl:99999/", f"http://{'a' * 64}.nl/"]
)
def test_a_redirect_to_no_address_is_refused(server, tmp_path, location):
    source = server.file(status(302, Location=location))
    text = refused(tmp_path, source)
    assert "the server sends on to 'http://" in text
    assert "which is no web address; refused" in text
    assert len(server.requests) == 1


@pytest.mark.parametrize("digits", [16, 5000])
def test_a_length_of_many_digits_is_too_large(server, tmp_path, digits):
    source = server.file(of_length("9" * digits))
    assert "which no result file is" in refused(tmp_path, source)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("total", ["9" * 16, "9" * 5000])
def test_a_rest_of_a_file_of_many_digits_is_none_of_the_one_begun(server, tmp_path, total):
    source = server.file(cut_off(100_000, ETag=TAG), rest_of_total(total), whole(ETag=TAG))
    (found,) = get(tmp_path, source)
    assert found.path.read_bytes() == CONTENT


@pytest.mark.parametrize("headers", [{"Location": f"/{NAME}"}, {}])
def test_redirects_without_end_are_told(server, tmp_path, headers):
    source = server.file(status(302, **headers))
    assert "sends from one address to the next (302)" in refused(tmp_path, source)


@pytest.mark.parametrize(
    ("address", "target", "said"),
    [
        ("https://a.nl/x", "https://b.nl/x", ""),
        ("http://a.nl/x", "http://b.nl/x", ""),
        ("http://a.nl/x", "https://b.nl/x", ""),
        ("https://a.nl/x", "http://a.nl/x", "not encrypted"),
        ("https://a.nl/x", "ftp://a.nl/x", "no web address"),
        ("https://a.nl/x", "FILE:///etc/passwd", "no web address"),
        ("https://a.nl/x", "data:,x", "no web address"),
    ],
)
def test_only_web_addresses_are_followed_and_none_less_safe(address, target, said):
    fault = redirect_fault(address, target)
    assert said in fault
    assert bool(said) == bool(fault)


@pytest.mark.parametrize("answer", [whole, without_length])
def test_the_limit_on_size_is_a_limit(server, tmp_path, answer):
    limit = TransferLimits(attempts=1, max_bytes=len(CONTENT))
    states = []
    with pytest.raises(be.DownloadError, match=f"is larger than {len(CONTENT)} bytes"):
        get(tmp_path, server.file(answer(CONTENT + b"x")), limits=limit, progress=states.append)
    # What the server announces as too large is not begun.
    assert (states == []) == (answer is whole)
    assert names(tmp_path) == set()
    (found,) = get(tmp_path, server.file(answer(CONTENT)), limits=limit)
    assert found.path.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_is_a_wrong_call(server, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for place in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(be.DesignError, match="give another place"):
            get(place, server.file(whole()))
    assert not server.requests


def test_a_part_that_cannot_be_written_is_told(server, tmp_path):
    (tmp_path / f"{NAME}.part").mkdir()
    text = refused(tmp_path, server.file(whole()))
    assert f"{NAME}.part: cannot be written" in text


def test_a_full_disk_is_told_and_the_part_gone_on_with(server, tmp_path):
    resource = pytest.importorskip("resource", reason="sizes of files are not limited here")
    source = server.file(rest())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        text = refused(tmp_path, source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "make room or give another folder" in text
    assert len(server.requests) == 1
    (found,) = get(tmp_path, source)
    assert found.path.read_bytes() == CONTENT
    assert server.asked() == [None, "bytes=100000-"]


def test_a_file_that_is_there_is_not_downloaded_again(server, tmp_path):
    source = server.file(whole(), sha256=sha256(CONTENT))
    (tmp_path / NAME).write_bytes(CONTENT)
    (found,) = get(tmp_path, source)
    assert (found.fresh, found.verified) == (False, True)
    (found,) = get(tmp_path, server.file(whole()))
    assert (found.fresh, found.verified, found.sha256) == (False, False, sha256(CONTENT))
    # Nothing was downloaded, so nothing is on record.
    assert names(tmp_path) == {NAME}
    assert not server.requests


@pytest.mark.parametrize("by", ["the known sum", "the record", "its content"])
def test_a_file_that_is_there_and_wrong_is_left_and_told(server, tmp_path, by):
    source = server.file(whole(), sha256=sha256(CONTENT) if by == "the known sum" else "")
    if by == "the record":
        get(tmp_path, source)
    wrong = b"<html>" if by == "its content" else OTHER
    (tmp_path / NAME).write_bytes(wrong)
    server.requests.clear()
    with pytest.raises(be.DownloadError) as caught:
        get(tmp_path, source)
    said = str(caught.value)
    assert "give the same command again" in said
    assert (sha256(CONTENT) in said) == (sha256(OTHER) in said) == (by != "its content")
    assert (tmp_path / NAME).read_bytes() == wrong
    assert not server.requests


def test_a_folder_with_the_name_of_the_file_is_told(server, tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(be.DownloadError, match="is there and is no file"):
        get(tmp_path, server.file(whole()))


def test_one_file_that_fails_does_not_stop_the_others(server, tmp_path):
    sources = [
        server.file(status(404), name="first.csv"),
        server.file(whole()),
        server.file(status(403), name="last.csv"),
    ]
    with pytest.raises(be.DownloadError) as caught:
        get(tmp_path, *sources)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        str(tmp_path / "first.csv"),
        str(tmp_path / "last.csv"),
    ]
    assert [found.path for found in caught.value.done] == [tmp_path / NAME]
    assert names(tmp_path) == {NAME, "downloads.json"}


def test_the_record_keeps_what_it_held(server, tmp_path):
    get(tmp_path, server.file(whole(), name="first.csv"))
    get(tmp_path, server.file(whole(OTHER)))
    record = json.loads((tmp_path / "downloads.json").read_text(encoding="utf-8"))
    assert {name: entry["sha256"] for name, entry in record.items()} == {
        NAME: sha256(OTHER),
        "first.csv": sha256(CONTENT),
    }
    (tmp_path / "downloads.json").write_text("{", encoding="utf-8")
    with pytest.raises(be.DesignError, match="is no record of downloads"):
        get(tmp_path, server.file(whole()))


@pytest.mark.parametrize(
    ("elections", "kinds", "said"),
    [
        (["EP2024"], ["csv"], "no address is known of EP2024 as csv"),
        (["TK2025", "GR2022"], ["csv"], "no address is known of GR2022 as csv"),
        (["TK2017"], ["csv", "eml"], "no address is known of TK2017 as eml"),
        (["TK2025"], ["pdf"], "no address is known of TK2025 as pdf"),
    ],
)
def test_an_unknown_election_is_told_with_the_known_ones(tmp_path, elections, kinds, said):
    with pytest.raises(be.DesignError) as caught:
        be.download(elections, tmp_path / "to", kinds=kinds)
    assert said in str(caught.value)
    for election in ("GR2026", "TK2017", "TK2021", "TK2023", "TK2025"):
        assert f"{election} (csv)" in str(caught.value)
    assert not (tmp_path / "to").exists()


def test_elections_in_small_letters_and_given_twice_are_one(server, tmp_path):
    source = server.file(whole())
    assert len(be.download(["gr2026", "GR2026"], tmp_path, sources=[source], limits=QUICK)) == 1


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("x.csv", "file:///etc/passwd"),
        ("../x.csv", "https://a.nl/x"),
        ("..", "https://a.nl/x"),
        ("", "https://a.nl/x"),
    ],
)
def test_a_source_is_a_web_address_and_a_plain_name(name, address):
    with pytest.raises(ValueError, match="is no"):
        ResultFile("GR2026", "csv", name, address)


def test_the_table_of_addresses_is_whole():
    known = known_files()
    assert len({file.file_name for file in known}) == len({file.address for file in known})
    assert len({file.file_name for file in known}) == len(known)
    for file in known:
        assert file.address.startswith("https://data.overheid.nl/sites/default/files/dataset/")
        assert re.fullmatch(r"[0-9a-f]{64}|", file.sha256)
        assert file.file_name.startswith(file.election_id)
        assert file.address.lower().endswith(file.file_name[-4:])
        assert file.election_id[2:] in file.address
        assert ("csv" in file.address.lower()) == (file.kind == "csv")


@pytest.mark.official
def test_the_known_sums_are_those_of_the_official_files(official):
    sums = {file.file_name: file.sha256 for file in known_files() if file.sha256}
    assert sums == {
        name: sha256((official / name[:6] / name).read_bytes())
        for name in ("TK2023_CSV.zip", "TK2025_CSV.zip")
    }


@pytest.mark.official
def test_a_downloaded_official_file_is_read_from_its_folder(server, tmp_path, official):
    (known,) = (file for file in known_files() if file.file_name == "TK2025_CSV.zip")
    content = (official / "TK2025/TK2025_CSV.zip").read_bytes()
    source = server.file(
        cut_off(1_000_000, content, ETag=TAG),
        rest(content),
        name=known.file_name,
        sha256=known.sha256,
    )
    get(tmp_path, source)
    refused(tmp_path, server.file(cut_off(100, ETag=TAG), name="TK2021_CSV.zip"))
    raw = be.read_raw(None, tmp_path)
    assert len(raw.tables["municipality_results"]) == 342
    unread = {file.path: file.reason for file in raw.files if file.status != "read"}
    for name in ("downloads.json", "TK2021_CSV.zip.part", "TK2021_CSV.zip.part.json"):
        assert unread[name] == "not a CSV or XML file of a known format"
