"""The files of a raw folder, archives opened in memory and never unpacked to disk."""

from __future__ import annotations

import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ballot_eval.sources.text import FileError

#: Most that one member may hold when unpacked; the largest official one has 26 MB.
MAX_MEMBER_BYTES = 512 * 1024**2

#: Most that all members of one archive may hold together; the official ones have 30 MB.
MAX_ARCHIVE_BYTES = 2 * 1024**3

#: Most members of one archive; one file for each municipality and form makes a few thousand.
MAX_MEMBERS = 10_000

#: A member that is this many times its packed size, and large, is taken for a bomb.
MAX_RATIO = 200
MAX_RATIO_FROM_BYTES = 50 * 1024**2


@dataclass(frozen=True, slots=True)
class Blob:
    """One file or archive member: its path relative to the raw folder and its bytes or fault."""

    path: str
    content: bytes
    fault: str = ""


def blobs(folder: Path) -> Iterator[Blob]:
    """Yield every file below ``folder`` (or the one file it is), sorted, zip members included.

    Hidden files and folders, and the ``__MACOSX`` folder that macOS adds, are passed over. What
    cannot be read is yielded with a fault.
    """
    if folder.is_file():
        yield from _open(folder, folder.name)
        return
    unreadable: list[OSError] = []
    paths: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        links = [n for n in folders if (Path(parent) / n).is_symlink()]
        folders[:] = [n for n in folders if not _hidden([n])]
        paths += [Path(parent) / n for n in (*names, *links) if not _hidden([n])]
    for error in unreadable:
        yield Blob(Path(error.filename).relative_to(folder).as_posix(), b"", _unreadable(error))
    for path in sorted(paths):
        name = path.relative_to(folder).as_posix()
        if path.is_file():
            yield from _open(path, name)
        else:
            fault = "leads to no file (a broken link or a link to a folder); put the files here"
            yield Blob(name, b"", fault)


def _hidden(parts: list[str]) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _unreadable(error: OSError) -> str:
    return f"cannot be read ({error.strerror or error}); see to it that you may read it"


def _open(path: Path, name: str) -> Iterator[Blob]:
    if path.suffix.lower() != ".zip":
        try:
            content = path.read_bytes()
        except OSError as error:
            yield Blob(name, b"", _unreadable(error))
        else:
            yield Blob(name, content)
        return
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        yield Blob(name, b"", _unreadable(error))
    except Exception as error:  # see _read_member
        yield Blob(name, b"", f"not a readable zip file ({_words(error)}); download it again")
    else:
        with archive:
            yield from _members(archive, name)


def _members(archive: zipfile.ZipFile, name: str) -> Iterator[Blob]:
    """Yield the members, each under the name of the archive; faults of the whole come alone."""
    found: list[tuple[str, zipfile.ZipInfo]] = []
    for member in archive.infolist():
        # Some programs on Windows write backslashes, which are separators there.
        raw_name = member.filename.replace("\\", "/")
        parts = [part for part in raw_name.split("/") if part not in {"", "."}]
        inner = f"{name}/{'/'.join(parts)}"
        if raw_name.startswith("/") or re.match("[A-Za-z]:", raw_name) or ".." in parts:
            fault = "its name leads out of the archive; refused, pack the archive again without it"
            yield Blob(f"{name}/{member.filename}", b"", fault)
        elif not raw_name.endswith("/") and not _hidden(parts):
            found.append((inner, member))
    if len(found) > MAX_MEMBERS:
        fault = f"holds {len(found)} files, more than {MAX_MEMBERS}; refused, unpack it by hand"
        yield Blob(name, b"", fault)
        return
    # No more is ever unpacked of a member than its header says, so the headers can be trusted.
    if sum(member.file_size for _, member in found) > MAX_ARCHIVE_BYTES:
        limit = f"{MAX_ARCHIVE_BYTES // 1024**2} MB"
        fault = f"unpacks to more than {limit} in all; refused as a possible zip bomb"
        yield Blob(name, b"", fault)
        return
    times = Counter(inner for inner, _ in found)
    for inner, member in sorted(found, key=lambda pair: pair[0]):
        if times[inner] > 1:
            fault = (
                f"stands {times[inner]} times in the archive; unpack by hand the one that counts"
            )
            yield Blob(inner, b"", fault)
            times[inner] = 0
        elif times[inner]:
            try:
                blob = Blob(inner, _read_member(archive, member))
            except FileError as error:
                blob = Blob(inner, b"", str(error))
            yield blob


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & 0x1:
        msg = "is encrypted; unpack it by hand and put the file in the folder"
        raise FileError(msg)
    limit = MAX_MEMBER_BYTES
    if member.file_size > MAX_RATIO_FROM_BYTES:
        limit = min(limit, MAX_RATIO * max(member.compress_size, 1))
    if member.file_size > limit:
        size = f"{limit // 1024**2} MB"
        msg = f"unpacks to more than {size}; refused as a possible zip bomb, unpack it by hand"
        raise FileError(msg)
    try:
        return archive.read(member)
    except Exception as error:
        # Damaged bytes come out of the standard library as zlib.error, LZMAError, struct.error,
        # RuntimeError, ValueError and more, depending on compression and Python version.
        msg = f"cannot be unpacked ({_words(error)}); download the archive again"
        raise FileError(msg) from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
