"""Official file formats to raw tables."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ballot_eval.design import StudyDesign
from ballot_eval.errors import ReadError
from ballot_eval.raw import SIMULATION_MARKS, RawData, SourceFile
from ballot_eval.schema import COUNTED_TABLES, TABLES
from ballot_eval.sources.archive import blobs
from ballot_eval.sources.formats import Parsed, parse
from ballot_eval.sources.frames import Block, joined, joined_lines
from ballot_eval.sources.text import FileError

__all__ = ["read_raw"]


def read_raw(study: StudyDesign | None, folder: str | Path) -> RawData:
    """Read every file of known format below ``folder`` (or the one file it is) as text.

    Surveys are read where the study has a questionnaire for them. Files of other kinds are listed
    with status ``not_read``. Raises ReadError with one line per
    fault (file, line, remedy) of all faulty files, and when nothing could be read at all.
    """
    root = Path(folder)
    if not root.exists():
        wanted = f" for study {study.id}" if study else ""
        raise ReadError([f"{root}: does not exist; give the folder with the raw files{wanted}"])
    problems: list[str] = []
    files: list[SourceFile] = []
    described = TABLES if study is None else study.tables()
    blocks: dict[str, list[tuple[str, Block]]] = {name: [] for name in described}
    for blob in blobs(root):
        digest = hashlib.sha256(blob.content).hexdigest()
        try:
            if blob.fault:
                raise FileError(blob.fault)
            parsed = parse(blob.path, blob.content, described)
        except FileError as error:
            problems += [_one_line(f"{blob.path}: {fault}") for fault in error.faults]
            continue
        if isinstance(parsed, str):
            files.append(SourceFile(blob.path, "", "not_read", digest, reason=parsed))
            continue
        files.append(_source_file(blob.path, digest, parsed))
        for part in parsed.blocks:
            blocks[part.table].append((blob.path, part))
    if not problems and not any(f.status == "read" for f in files):
        problems.append(f"{root}: holds no file of a known format; see ballot-eval template")
    if problems:
        raise ReadError(problems)
    tables = {name: joined(table, blocks[name]) for name, table in described.items()}
    lines = {name: joined_lines([part for _, part in blocks[name]]) for name in COUNTED_TABLES}
    return RawData(tables, lines, tuple(files), _is_simulated(root, files), described)


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
    )
