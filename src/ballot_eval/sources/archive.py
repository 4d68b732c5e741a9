"""The files of a raw folder, archives opened in memory and never unpacked to disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ballot_eval.sources.text import FileFault

#: Most that one member may hold when unpacked; the largest official one has 26 MB.
MAX_MEMBER_BYTES = 512 * 1024**2

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
    """Yield every file below ``folder`` (or the one file it is), sorted, zip members included."""
    if folder.is_file():
        yield from _open(folder, folder.name)
        return
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield from _open(path, relative.as_posix())


def _open(path: Path, name: str) -> Iterator[Blob]:
    if path.suffix.lower() != ".zip":
        yield Blob(name, path.read_bytes())
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.infolist(), key=lambda m: m.filename):
                if member.is_dir():
                    continue
                inner = f"{name}/{member.filename}"
                try:
                    yield Blob(inner, _read_member(archive, member))
                except FileFault as error:
                    yield Blob(inner, b"", str(error))
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        yield Blob(name, b"", f"not a readable zip file ({error}); download it again")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & 0x1:
        msg = "is encrypted; unpack it by hand and put the file in the folder"
        raise FileFault(msg)
    limit = MAX_MEMBER_BYTES
    if member.file_size > MAX_RATIO_FROM_BYTES:
        limit = min(limit, MAX_RATIO * max(member.compress_size, 1))
    msg = f"unpacks to more than {limit // 1024**2} MB; refused as a possible zip bomb"
    if member.file_size > limit:
        raise FileFault(msg)
    try:
        with archive.open(member) as handle:
            # The size in the header may lie, so the bytes themselves are bounded too.
            content = handle.read(limit + 1)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        broken = f"cannot be unpacked ({error}); download the archive again"
        raise FileFault(broken) from error
    if len(content) > limit:
        raise FileFault(msg)
    return content
