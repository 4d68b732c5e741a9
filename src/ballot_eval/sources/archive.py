"""The files of a raw folder, archives opened in memory and never unpacked to disk."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tarfile import TarInfo
from typing import BinaryIO

from ballot_eval.sources.tarballs import TooLargeError, Unpacked, members
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

#: Of these no more is unpacked than is asked for; of bzip2 and LZMA a header that lies about the
#: size lets a few kB fill the memory. The official archives use the second.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

TAR_ENDINGS = (".tar", ".tar.xz", ".txz")

_BOMB = "refused as a possible zip bomb, unpack it by hand"
_LEADS_OUT = "its name leads out of the archive; refused, pack the archive again without it"


@dataclass(frozen=True, slots=True)
class Blob:
    """One file or archive member: its path relative to the raw folder and its bytes or fault."""

    path: str
    content: bytes
    fault: str = ""


def blobs(folder: Path) -> Iterator[Blob]:
    """Yield every file below ``folder`` (or the one file it is), with the members of archives.

    Files and the members of zips are sorted; those of tars come as they stand. Hidden files and
    folders, and the ``__MACOSX`` folder that macOS adds, are passed over. What
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
        yield Blob(str(error.filename), b"", _unreadable(error))
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
    lower = name.lower()
    try:
        handle = path.open("rb")
    except OSError as error:
        yield Blob(name, b"", _unreadable(error))
        return
    with handle:
        if lower.endswith(".zip"):
            yield from _zip(handle, name)
        elif lower.endswith(TAR_ENDINGS):
            yield from _tar(handle, name, path.stat().st_size)
        elif lower.endswith(".xz"):
            yield _unpacked(handle, name, path.stat().st_size)
        else:
            try:
                content = handle.read()
            except OSError as error:
                yield Blob(name, b"", _unreadable(error))
            else:
                yield Blob(name, content)


def _zip(handle: BinaryIO, name: str) -> Iterator[Blob]:
    try:
        archive = zipfile.ZipFile(handle)
    except Exception as error:  # see _read_member
        yield Blob(name, b"", f"not a readable zip file ({_words(error)}); download it again")
    else:
        yield from _zip_members(archive, name)


def _most(packed: int) -> int:
    """Return how many bytes a file of ``packed`` bytes may hold."""
    return min(MAX_ARCHIVE_BYTES, max(MAX_RATIO_FROM_BYTES, MAX_RATIO * packed))


def _unpacked(handle: BinaryIO, name: str, packed: int) -> Blob:
    """Return the one file that an xz file holds, under the name of both."""
    inner = name.rsplit("/", 1)[-1].removesuffix(name[-len(".xz") :])
    path = f"{name}/{inner}"
    try:
        return Blob(path, Unpacked(handle, min(MAX_MEMBER_BYTES, _most(packed))).read())
    except Exception as error:  # see _read_member
        return Blob(path, b"", _damage(error))


def _tar(handle: BinaryIO, name: str, packed: int) -> Iterator[Blob]:
    """Yield the members in the order in which they stand; a fault of the whole ends it."""
    seen: set[str] = set()
    total = 0
    try:
        for member, stream in members(handle, xz=name.lower().endswith("xz"), most=_most(packed)):
            total += member.size
            if total > MAX_ARCHIVE_BYTES:
                yield Blob(name, b"", _too_large())
                return
            path = _member_path(name, member.name)
            if path is None:
                yield Blob(f"{name}/{member.name}", b"", _LEADS_OUT)
            elif not member.isdir() and not _hidden(path.split("/")):
                yield _tar_member(member, stream, path, again=path in seen)
                seen.add(path)
            if len(seen) > MAX_MEMBERS:
                yield Blob(name, b"", f"holds more than {MAX_MEMBERS} files; {_BOMB}")
                return
    except Exception as error:  # see _read_member
        yield Blob(name, b"", _damage(error))


def _tar_member(member: TarInfo, stream: BinaryIO, path: str, *, again: bool) -> Blob:
    fault = ""
    if again:
        fault = "stands more than once in the archive; unpack by hand the one that counts"
    elif not member.isreg():
        fault = "is a link or a device, not a file; unpack it by hand and put the file here"
    elif member.issparse():
        # Its holes take no place in the archive, so no size of the archive limits it.
        fault = "is a sparse file, stored without its holes; unpack it by hand and put it here"
    elif member.size > MAX_MEMBER_BYTES:
        fault = f"unpacks to {member.size // 1024**2} MB; {_BOMB}"
    return Blob(path, b"" if fault else stream.read(), fault)


def _too_large() -> str:
    return f"unpacks to more than {MAX_ARCHIVE_BYTES // 1024**2} MB in all; {_BOMB}"


def _damage(error: Exception) -> str:
    if isinstance(error, TooLargeError):
        return f"unpacks to far more than its size; {_BOMB}"
    return f"cannot be unpacked ({_words(error)}); download it again"


def _member_path(archive: str, member: str) -> str | None:
    """Return the path of a member below its archive, or None where it leads out of it."""
    # Some programs on Windows write backslashes, which are separators there.
    name = member.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in parts:
        return None
    return "/".join((archive, *parts))


def _zip_members(archive: zipfile.ZipFile, name: str) -> Iterator[Blob]:
    """Yield the members, each under the name of the archive; faults of the whole come alone."""
    infos = archive.infolist()
    fault = ""
    if len(infos) > MAX_MEMBERS:
        fault = f"holds {len(infos)} files, more than {MAX_MEMBERS}; {_BOMB}"
    # No more is unpacked of a member than its header says, so the headers can be trusted.
    if sum(member.file_size for member in infos) > MAX_ARCHIVE_BYTES:
        fault = _too_large()
    if fault:
        yield Blob(name, b"", fault)
        return
    by_path: dict[str, list[zipfile.ZipInfo]] = {}
    for member in infos:
        path = _member_path(name, member.filename)
        if path is None:
            yield Blob(f"{name}/{member.filename}", b"", _LEADS_OUT)
        elif not member.filename.endswith(("/", "\\")) and not _hidden(path.split("/")):
            by_path.setdefault(path, []).append(member)
    for path, same in sorted(by_path.items()):
        try:
            yield Blob(path, _read_member(archive, *same))
        except FileError as error:
            yield Blob(path, b"", str(error))


def _read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, *same_name: zipfile.ZipInfo
) -> bytes:
    if same_name:
        times = len(same_name) + 1
        msg = f"stands {times} times in the archive; unpack by hand the one that counts"
        raise FileError(msg)
    if member.flag_bits & 0x1:
        msg = "is encrypted; unpack it by hand and put the file in the folder"
        raise FileError(msg)
    if member.compress_type not in METHODS:
        msg = "is packed in another way than with deflate; unpack it by hand"
        raise FileError(msg)
    size, packed = member.file_size, member.compress_size
    if size > MAX_MEMBER_BYTES or size > max(MAX_RATIO_FROM_BYTES, MAX_RATIO * packed):
        sizes = f"{packed // 1024} kB to {size // 1024**2} MB"
        msg = f"unpacks from {sizes}; {_BOMB}"
        raise FileError(msg)
    try:
        with archive.open(member) as handle:
            return handle.read(size + 1)
    except Exception as error:
        # Damaged bytes come out of the standard library as BadZipFile, zlib.error, EOFError,
        # NotImplementedError, struct.error and more, depending on the Python version.
        msg = f"cannot be unpacked ({_words(error)}); download the archive again"
        raise FileError(msg) from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
