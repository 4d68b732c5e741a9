"""Official file formats to raw tables."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ballot_eval.design import StudyDesign
from ballot_eval.errors import ReadError
from ballot_eval.raw import SIMULATION_MARKS, RawData, SourceFile
from ballot_eval.schema import COUNTED_TABLES, TABLES
from ballot_eval.sources.archive import blobs
from ballot_eval.sources.formats import Parsed, parse
from ballot_eval.sources.frames import Block, joined, joined_lines
from ballot_eval.sources.processes import Reader, read_files
from ballot_eval.sources.text import FileError

__all__ = ["read_raw"]


def read_raw(study: StudyDesign | None, folder: str | Path, *, processes: int = 1) -> RawData:
    """Read every file of known format below ``folder`` (or the one file it is) as text.

    Members of zip and tar archives are files too. With a study, official files of elections that
    it does not use are passed over, and surveys are read where it has a questionnaire for them.
    Files that are not read are listed, with the reason. ``processes`` read files side by side;
    what comes out is the same with any number.
    Raises ReadError with one line per fault (file, line, remedy) of all faulty files, and when
    nothing could be read at all; ValueError unless ``processes`` is 1 or more.
    """
    root = Path(folder)
    if not root.exists():
        wanted = f" for study {study.id}" if study else ""
        raise ReadError([f"{root}: does not exist; give the folder with the raw files{wanted}"])
    described = TABLES if study is None else study.tables()
    elections = None if study is None else study.all_elections()
    problems: list[str] = []
    files: list[SourceFile] = []
    blocks: dict[str, list[tuple[str, Block]]] = {name: [] for name in described}
    read = partial(parse, tables=described, elections=elections)
    for path, digest, parsed in _read_files(root, read, processes):
        if isinstance(parsed, FileError):
            problems += [_one_line(f"{path}: {fault}") for fault in parsed.faults]
        elif isinstance(parsed, str):
            files.append(SourceFile(path, "", "not_read", digest, reason=parsed))
        else:
            files.append(_source_file(path, digest, parsed))
            for part in parsed.blocks:
                blocks[part.table].append((path, part))
    if not problems and not any(f.status == "read" for f in files):
        problems.append(f"{root}: holds no file of a known format; see ballot-eval template")
    if problems:
        raise ReadError(problems)
    lines = {name: joined_lines([part for _, part in blocks[name]]) for name in COUNTED_TABLES}
    # The blocks of a table are let go when it is joined.
    tables = {name: joined(table, blocks.pop(name)) for name, table in described.items()}
    return RawData(tables, lines, tuple(files), _is_simulated(root, files), described)


def _read_files(
    root: Path, read: Reader, processes: int
) -> Iterator[tuple[str, str, Parsed | str | FileError]]:
    """Yield the path, the hash of the content and what was read of every file, in order."""
    if processes < 1:
        msg = f"processes must be 1 or more, found {processes}"
        raise ValueError(msg)
    found: deque[tuple[str, str, str]] = deque()

    def sound() -> Iterator[tuple[str, bytes]]:
        for blob in blobs(root):
            found.append((blob.path, hashlib.sha256(blob.content).hexdigest(), blob.fault))
            if not blob.fault:
                yield blob.path, blob.content

    def faulty() -> Iterator[tuple[str, str, FileError]]:
        while found and found[0][2]:
            path, digest, fault = found.popleft()
            yield path, digest, FileError(fault)

    for outcome in read_files(read, sound(), processes=processes):
        yield from faulty()
        path, digest, _ = found.popleft()
        yield path, digest, outcome
    yield from faulty()


def _is_simulated(root: Path, files: list[SourceFile]) -> bool:
    """Return whether a mark of simulation stands among the files, or beside a single file."""
    names = {f.path.rsplit("/", 1)[-1] for f in files}
    if root.is_file():
        names |= {mark for mark in SIMULATION_MARKS if (root.parent / mark).is_file()}
    return not names.isdisjoint(SIMULATION_MARKS)


def _one_line(problem: str) -> str:
    # Names of files and texts of errors may hold line breaks and codes for the terminal.
    return "".join(c if c.isprintable() else " " for c in problem)


def _source_file(path: str, digest: str, parsed: Parsed) -> SourceFile:
    return SourceFile(
        path,
        parsed.format,
        "read",
        digest,
        lines=parsed.lines,
        lines_used=parsed.lines_used,
        lines_out_of_scope=parsed.lines - parsed.lines_used,
        other_columns=parsed.other_columns,
        personal_columns=parsed.personal_columns,
        unknown_rows=parsed.unknown_rows,
        notes=parsed.notes,
        date=parsed.date,
    )
