"""The result files the Kiesraad publishes, from known addresses into a folder.

``data/result_files.csv`` holds the addresses and, where known, the sha256 that a file must have.
``data/SOURCES.md`` says where both come from.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import TypeAdapter

from ballot_eval.errors import DesignError, DownloadError
from ballot_eval.provenance import sha256_of
from ballot_eval.sources.text import FileError
from ballot_eval.sources.transfer import (
    Progress,
    ProgressFunction,
    TransferLimits,
    by_hand,
    fetch,
    part_of,
    remove_part,
)

__all__ = [
    "KINDS",
    "Downloaded",
    "Progress",
    "ResultFile",
    "TransferLimits",
    "download",
    "known_files",
]

#: Totals as tables, and counts per polling station in the Election Markup Language.
KINDS = ("csv", "eml")

#: What was downloaded into a folder: from where, when, how many bytes, with which sum.
RECORD = "downloads.json"


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One published file: its address, the name it gets, its sha256 (empty: not known)."""

    election_id: str
    kind: str
    file_name: str
    address: str
    sha256: str = ""

    def __post_init__(self) -> None:
        if urlsplit(self.address).scheme not in {"http", "https"}:
            msg = f"{self.address!r} is no web address"
            raise ValueError(msg)
        if not re.fullmatch(r"\w[\w. -]*", self.file_name):
            msg = f"{self.file_name!r} is no plain file name"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that is there: ``fresh`` if it came now; ``verified`` if its sum is the known one."""

    election_id: str
    path: Path
    address: str
    sha256: str
    size_bytes: int
    fresh: bool
    verified: bool


@dataclass(frozen=True, slots=True)
class RecordEntry:
    """What ``downloads.json`` holds of one file; the time is in UTC."""

    address: str
    downloaded_at: str
    size_bytes: int
    sha256: str


_RECORD = TypeAdapter(dict[str, RecordEntry])


@cache
def known_files() -> tuple[ResultFile, ...]:
    """Return the files whose address is known, by election."""
    path = files("ballot_eval") / "data" / "result_files.csv"
    with path.open(encoding="utf-8") as handle:
        return tuple(ResultFile(**row) for row in csv.DictReader(handle))


def download(
    elections: Sequence[str],
    to: Path,
    *,
    kinds: Sequence[str] = ("csv",),
    sources: Sequence[ResultFile] | None = None,
    limits: TransferLimits | None = None,
    progress: ProgressFunction | None = None,
) -> list[Downloaded]:
    """Download the files of ``elections`` (ids such as ``TK2025``) into the folder ``to``.

    A file that is there is checked and not downloaded again. A file gets its name when it is
    whole and right; until then it stands beside it as ``NAME.part``, which the next call goes on
    with. A file with another sum than the known one is kept as ``NAME.unexpected``. ``sources``
    are :func:`known_files` unless given.

    Raises DesignError for an election or kind without a known address and for a folder that cannot
    be made, and DownloadError when a file cannot be had, after the others were tried.
    """
    wanted = _wanted(elections, kinds, known_files() if sources is None else sources)
    record = _read_record(to)
    problems: list[str] = []
    done: list[Downloaded] = []
    for source in wanted:
        try:
            found = _obtain(source, to, record, limits or TransferLimits(), progress)
            if found.fresh:
                record[source.file_name] = _entry(found)
                _write_record(to, record)
        except FileError as error:
            problems += [f"{to / source.file_name}: {fault}" for fault in error.faults]
        except OSError as error:
            where = error.filename or to / source.file_name
            problems.append(
                f"{where}: cannot be written or read ({error.strerror or error}); make room or "
                "give another folder"
            )
        else:
            done.append(found)
    if problems:
        raise DownloadError(problems, done)
    return done


def _wanted(
    elections: Sequence[str], kinds: Sequence[str], sources: Sequence[ResultFile]
) -> list[ResultFile]:
    """Return the files asked for; raise DesignError where no address is known."""
    asked = list(dict.fromkeys(election.upper() for election in elections))
    problems = [
        f"no address is known of {election} as {kind}"
        for election in asked
        for kind in kinds
        if not any((s.election_id, s.kind) == (election, kind) for s in sources)
    ]
    if problems:
        known = dict.fromkeys(f"{s.election_id} ({s.kind})" for s in sources)
        problems.append(
            f"known: {', '.join(known)}; download other files by hand and put them in the folder"
        )
        raise DesignError("\n".join(problems))
    return [s for e in asked for s in sources if s.election_id == e and s.kind in kinds]


def _obtain(
    source: ResultFile,
    to: Path,
    record: dict[str, RecordEntry],
    limits: TransferLimits,
    progress: ProgressFunction | None,
) -> Downloaded:
    target = to / source.file_name
    if target.exists():
        return _already_there(source, target, record.get(source.file_name))
    fetch(source.address, target, limits=limits, progress=progress)
    part = part_of(target)
    if fault := _content_fault(part, source.file_name):
        remove_part(target)
        msg = f"{fault}; try again later, or {by_hand(source.address, target)}"
        raise FileError(msg)
    digest = sha256_of(part)
    if source.sha256 and digest != source.sha256:
        aside = target.with_name(f"{target.name}.unexpected")
        part.replace(aside)
        remove_part(target)
        msg = (
            f"has sha256 {digest} where {source.sha256} is known; the file on the server is "
            f"another one or was damaged on the way; kept as {aside}; try again, and if the sum "
            f"stays the same and you trust it, rename it to a name of your own ending in "
            f"{target.suffix}"
        )
        raise FileError(msg)
    part.replace(target)
    remove_part(target)
    return _downloaded(source, target, digest, fresh=True)


def _already_there(source: ResultFile, target: Path, entry: RecordEntry | None) -> Downloaded:
    """Return the file that is there; raise FileError where it is not the one that was meant."""
    if not target.is_file():
        msg = "is there and is no file; move it, or give another folder"
        raise FileError(msg)
    if fault := _content_fault(target, source.file_name):
        msg = f"is there, but {fault}; remove it and give the same command again"
        raise FileError(msg)
    digest = sha256_of(target)
    expected = source.sha256 or (entry.sha256 if entry else "")
    if expected and digest != expected:
        known = "is known" if source.sha256 else f"was downloaded ({RECORD})"
        msg = (
            f"is there with sha256 {digest} where {expected} {known}; not replaced; move it and "
            "give the same command again"
        )
        raise FileError(msg)
    return _downloaded(source, target, digest, fresh=False)


def _content_fault(path: Path, name: str) -> str:
    """Return why the content cannot be what the name says, or an empty text."""
    with path.open("rb") as handle:
        start = handle.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        return "is empty"
    if start.startswith(b"<"):
        return "is a web page, as servers send when they fail or refuse"
    if name.lower().endswith(".zip") and not zipfile.is_zipfile(path):
        return "is not a whole zip file"
    return ""


def _downloaded(source: ResultFile, path: Path, digest: str, *, fresh: bool) -> Downloaded:
    return Downloaded(
        election_id=source.election_id,
        path=path,
        address=source.address,
        sha256=digest,
        size_bytes=path.stat().st_size,
        fresh=fresh,
        verified=digest == source.sha256,
    )


def _entry(found: Downloaded) -> RecordEntry:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return RecordEntry(found.address, now, found.size_bytes, found.sha256)


def _read_record(to: Path) -> dict[str, RecordEntry]:
    """Return the record of the folder, which is made where it is not there."""
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{to}: cannot be a folder ({error.strerror or error}); give another place"
        raise DesignError(msg) from error
    path = to / RECORD
    try:
        return _RECORD.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        msg = f"{path}: is no record of downloads; move it, or give another folder"
        raise DesignError(msg) from error


def _write_record(to: Path, record: dict[str, RecordEntry]) -> None:
    """Replace the record as a whole, so that an interruption leaves the old one."""
    values = {name: asdict(entry) for name, entry in sorted(record.items())}
    fresh = to / f".{RECORD}"
    fresh.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    fresh.replace(to / RECORD)
