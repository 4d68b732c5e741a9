from __future__ import annotations

import pytest

from ballot_eval.sources import processes
from ballot_eval.sources.parsed import Parsed
from ballot_eval.sources.text import FileError


def read(path: str, content: bytes) -> Parsed | str:
    """Return as many lines as there are bytes; a reader that other processes can import."""
    if b"bad" in content:
        raise FileError("line 1: bad", "line 2: worse")
    return Parsed(path, lines=len(content)) if content else "empty"


FILES = [(f"{n}.xml", b"bad" if n == 5 else b"x" * (n % 4)) for n in range(23)]


def told(outcomes) -> list[object]:
    return [
        outcome.faults
        if isinstance(outcome, FileError)
        else outcome
        if isinstance(outcome, str)
        else (outcome.format, outcome.lines)
        for outcome in outcomes
    ]


@pytest.mark.parametrize("number", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_outcomes_are_those_of_each_file_in_their_order(number, monkeypatch):
    monkeypatch.setattr(processes, "CHUNK_BYTES", 5)
    found = told(processes.read_files(read, FILES, processes=number))
    assert found == [
        ("line 1: bad", "line 2: worse") if n == 5 else (f"{n}.xml", n % 4) if n % 4 else "empty"
        for n in range(23)
    ]


def test_chunks_hold_every_file_once_and_no_more_than_they_may(monkeypatch):
    monkeypatch.setattr(processes, "CHUNK_BYTES", 4)
    files = [("a", b"123"), ("b", b"1"), ("c", b"1"), ("d", b"123456"), ("e", b""), ("f", b"12")]
    assert [[name for name, _ in chunk] for chunk in processes.chunks(files)] == [
        ["a", "b"],
        ["c"],
        ["d"],
        ["e", "f"],
    ]
    assert list(processes.chunks([])) == []
