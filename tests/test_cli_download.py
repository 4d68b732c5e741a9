"""The command ``download``: exit codes and what it says."""

from __future__ import annotations

import hashlib
import io

import pytest
from rich.console import Console

from ballot_eval import cli
from ballot_eval.progress import download_progress
from ballot_eval.sources.download import Progress
from download_server import CONTENT, OTHER, TAG, bad_server, cut_off, rest, status, whole

NAME = "GR2026.csv"
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def known(monkeypatch):
    """Return a function that makes answers of a server the only known files."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr("ballot_eval.sources.transfer.time.sleep", lambda _: None)
    with bad_server() as server:

        def only(*answers, **options):
            source = server.file(*answers, **options)
            monkeypatch.setattr("ballot_eval.sources.download.known_files", lambda: (source,))
            return server

        yield only


def test_a_download_is_told_with_its_sum(tmp_path, call, known):
    server = known(whole(), sha256=SUM)
    arguments = ("download", "GR2026", "--to", tmp_path)
    code, said = call(*arguments)
    assert (code, (tmp_path / NAME).read_bytes()) == (0, CONTENT)
    told = f"{len(CONTENT)} bytes, sha256 {SUM}"
    assert f"{tmp_path / NAME}: downloaded, {told} (the known sum)" in said
    assert f"… {NAME} ({len(CONTENT)} bytes)" in said
    code, said = call(*arguments)
    assert code == 0
    assert f"{tmp_path / NAME}: was there already, {told} (the known sum)" in said
    assert len(server.requests) == 1


def test_a_sum_that_is_not_known_is_said_to_be_written_down(tmp_path, call, known):
    known(whole())
    code, said = call("download", "gr2026", "--to", tmp_path)
    assert code == 0
    assert f"sha256 {SUM} (no sum is known yet; write this one down)" in said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (status(403), "refuses this program (403); open http://127.0.0.1"),
        (status(404), "(404); look for it at https://data.overheid.nl"),
        (status(502), "not whole after 5 attempts (the server answers 502)"),
        (cut_off(100_000, ETag=TAG), "cut off after 100000 of"),
        (whole(OTHER), "where " + SUM + " is known"),
        (whole(b"<html>"), "is a web page"),
        (status(302, Location="file:///etc/passwd"), "is no web address; refused"),
    ],
)
def test_a_file_that_cannot_be_had_is_code_3(tmp_path, call, known, answer, said):
    known(answer, sha256=SUM)
    code, text = call("download", "GR2026", "--to", tmp_path)
    assert (code, f"error {tmp_path / NAME}: " in text) == (3, True), text
    assert said in text
    assert "Traceback" not in text
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("TK1918", "--to", "to"), "no address is known of TK1918 as csv\nknown: GR2026 (csv);"),
        (("GR2026", "--to", "to", "--kind", "eml"), "no address is known of GR2026 as eml"),
        (("GR2026", "--to", "file"), "file: cannot be a folder"),
        (("GR2026",), "--to"),
        (("--to", "to"), "ELECTION"),
    ],
)
def test_wrong_calls_are_code_2(tmp_path, monkeypatch, call, known, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x", encoding="utf-8")
    server = known(whole())
    code, text = call("download", *arguments)
    assert (code, said in text) == (2, True), text
    assert not server.requests
    assert not (tmp_path / "to").exists()


def test_an_interrupted_download_goes_on_with_the_same_command(tmp_path, call, known, monkeypatch):
    class Interrupting(Console):
        def print(self, *objects, **options):
            super().print(*objects, **options)
            if objects and str(objects[0]).startswith(f"… {NAME}"):
                raise KeyboardInterrupt

    server = known(rest())
    with monkeypatch.context() as patch:
        patch.setattr(cli, "err_console", Interrupting(stderr=True, soft_wrap=True))
        code, said = call("download", "GR2026", "--to", tmp_path)
    assert (code, "the same command goes on with it" in said) == (130, True)
    had = (tmp_path / f"{NAME}.part").stat().st_size
    assert call("download", "GR2026", "--to", tmp_path)[0] == 0
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert server.asked() == [None, f"bytes={had}-"]


def test_a_terminal_gets_a_bar_and_notes(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    out = io.StringIO()
    look = {"markup": False, "highlight": False, "width": 100}
    with download_progress(Console(file=out, force_terminal=True, **look)) as show:
        show(Progress("a[b].csv", 1_000_000, 2_000_000))
        show(Progress("a[b].csv", 1_500_000, 2_000_000))
        show(Progress("a[b].csv", 1_500_000, None, "the server answers 500; once more in 1 s"))
    assert "1.5/2.0 MB" in out.getvalue()
    assert "a[b].csv: the server answers 500; once more in 1 s" in out.getvalue()
