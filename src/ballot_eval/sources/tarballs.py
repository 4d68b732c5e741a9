"""Tar archives and single files packed with xz, read as a stream and never unpacked to disk."""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

#: Memory that unpacking may take; what xz makes at its highest setting needs 65 MB.
MEMORY_BYTES = 256 * 1024**2

CHUNK_BYTES = 1024**2


class TooLargeError(Exception):
    """More was unpacked than allowed."""


class Unpacked(io.RawIOBase):
    """The unpacked bytes of an xz file, of which no more is made than is asked for.

    ``lzma.LZMAFile`` has no limit of memory, which the header of a file sets. Raises TooLargeError
    after ``most`` bytes and lzma.LZMAError or EOFError for damaged files.
    """

    def __init__(self, packed: BinaryIO, most: int) -> None:
        super().__init__()
        self._packed = packed
        self._most = most
        self._made = 0
        self._decompressor = self._new()

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_BYTES)

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return ``size`` bytes, or fewer at the end of the file; all when it is negative."""
        parts: list[bytes] = []
        left = self._most + 1 if size < 0 else size
        while left > 0 and (part := self._some(left)):
            parts.append(part)
            left -= len(part)
            self._made += len(part)
            if self._made > self._most:
                raise TooLargeError
        return b"".join(parts)

    def _some(self, size: int) -> bytes:
        """Return between 1 and ``size`` bytes; none at the end of the file."""
        while True:
            given = b""
            if self._decompressor.eof:
                # Another stream may follow; multiples of four zero bytes may stand between.
                given = (self._decompressor.unused_data or self._packed.read(CHUNK_BYTES)).lstrip(
                    b"\0"
                )
                if not given:
                    return b""
                self._decompressor = self._new()
            elif self._decompressor.needs_input:
                given = self._packed.read(CHUNK_BYTES)
                if not given:
                    msg = "the file ends too early"
                    raise EOFError(msg)
            if part := self._decompressor.decompress(given, size):
                return part


def members(handle: BinaryIO, *, xz: bool, most: int) -> Iterator[tuple[tarfile.TarInfo, BinaryIO]]:
    """Yield each member of a tar archive with a stream of its bytes (empty where it has none).

    The stream must be read before the next member is asked for. ``most`` bytes are unpacked.
    """
    stream = Unpacked(handle, most) if xz else handle
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            yield member, content or io.BytesIO()  # type: ignore[misc]
    # The end of the file is checked too: it may be cut off behind the last member.
    while stream.read(CHUNK_BYTES):
        pass
