"""Many files read side by side, in processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from ballot_eval.sources.parsed import Parsed
from ballot_eval.sources.text import FileError

#: Bytes of the files that a process gets at once; large enough that passing them costs little.
CHUNK_BYTES = 8 * 1024**2

Reader: TypeAlias = Callable[[str, bytes], Parsed | str]
Outcome: TypeAlias = Parsed | str | FileError


def read_files(
    read: Reader, files: Iterable[tuple[str, bytes]], *, processes: int
) -> Iterator[Outcome]:
    """Yield what ``read`` says of each (path, content), or its FileError, in the order of files.

    The outcome does not depend on the number of ``processes``; with one, all is read in this one.
    Only a few chunks of files are held at once. ``read`` has to be a function of a module.
    """
    if processes == 1:
        for path, content in files:
            yield _outcome(read, path, content)
        return
    pool = Parallel(n_jobs=processes, return_as="generator", batch_size=1, pre_dispatch="2*n_jobs")
    for outcomes in pool(delayed(_outcomes)(read, *_packed(chunk)) for chunk in chunks(files)):
        yield from outcomes


def chunks(files: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield the files in runs of ``CHUNK_BYTES``, or of one file that is larger."""
    chunk: list[tuple[str, bytes]] = []
    size = 0
    for path, content in files:
        if chunk and size + len(content) > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append((path, content))
        size += len(content)
    if chunk:
        yield chunk


def _packed(
    chunk: Sequence[tuple[str, bytes]],
) -> tuple[list[str], list[int], npt.NDArray[np.uint8]]:
    """Return the paths, where each file ends, and all bytes as one array.

    An array is passed to a process through memory that both see; bytes would go through a pipe.
    """
    paths, contents = zip(*chunk, strict=True)
    ends = np.cumsum([len(content) for content in contents]).tolist()
    return list(paths), ends, np.frombuffer(b"".join(contents), np.uint8)


def _outcomes(
    read: Reader, paths: Sequence[str], ends: Sequence[int], data: npt.NDArray[np.uint8]
) -> list[Outcome]:
    starts = [0, *ends[:-1]]
    return [
        _outcome(read, path, data[start:end].tobytes())
        for path, start, end in zip(paths, starts, ends, strict=True)
    ]


def _outcome(read: Reader, path: str, content: bytes) -> Outcome:
    try:
        return read(path, content)
    except FileError as error:
        return error
