"""One file over http, fetched whole: resumed where it was cut off, tried again where it pays.

While a file is under way, ``NAME.part`` beside it holds what has come in and ``NAME.part.json``
says what it is a part of. Both stay when a download is cut off or interrupted. What follows is
only added to a part when the server shows that the file is still the same one (RFC 9110, section
13.1.5 and 14).
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Never
from urllib.parse import urljoin, urlsplit

from ballot_eval.sources.text import FileError, shown

CHUNK_BYTES = 64 * 1024

#: data.overheid.nl refuses programs it does not know, so this one looks like a browser.
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 "
    f"ballot-eval/{version('ballot-eval')}"
)

#: Answers that may be another one a moment later: time-out, too many requests, server errors.
PASSING = frozenset({408, 429, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """How long to wait, how often to try, how much to take.

    ``timeout_seconds`` is the longest silence of the server. ``wait_seconds`` is the pause before
    the second of ``attempts``, doubled before each later one.
    """

    timeout_seconds: float = 30
    attempts: int = 5
    wait_seconds: float = 1
    max_bytes: int = 1024**3

    def __post_init__(self) -> None:
        if self.attempts < 1:
            msg = f"attempts is {self.attempts}; allowed: 1 or more"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is; ``total_bytes`` is None where the server does not say.

    ``note`` is empty, or says in words why the file is asked for again.
    """

    file_name: str
    bytes_count: int
    total_bytes: int | None
    note: str = ""


ProgressFunction = Callable[[Progress], None]


class CutOffError(Exception):
    """The file did not come whole; another attempt may bring the rest. Its text says why."""


class TooLargeError(FileError):
    """The file is larger than the limit."""


@dataclass(frozen=True, slots=True)
class _Version:
    """Which file a part belongs to: ``validator`` is a strong ETag or a date, or empty."""

    address: str
    validator: str
    total_bytes: int | None


def part_of(target: Path) -> Path:
    """Return where the file lies while it is not whole."""
    return target.with_name(f"{target.name}.part")


def remove_part(target: Path) -> None:
    """Remove what was fetched for ``target`` and the note of what it is a part of."""
    part_of(target).unlink(missing_ok=True)
    _version_file(target).unlink(missing_ok=True)


def by_hand(address: str, target: Path) -> str:
    """Return what a user can do when the program gets no further."""
    return f"open {address} in a browser and save the file as {target}"


def fetch(
    address: str,
    target: Path,
    *,
    limits: TransferLimits,
    progress: ProgressFunction | None = None,
) -> None:
    """Fetch ``address`` into :func:`part_of` ``target``, going on from what is there.

    Raises FileError in words for a user: refused, not found, out of reach, still cut off after the
    last attempt, larger than the limit. Raises OSError where the part cannot be written.
    """
    say = progress or (lambda _: None)
    for attempt in range(1, limits.attempts + 1):
        try:
            _attempt(address, target, limits, say)
        except TooLargeError:
            remove_part(target)
            raise
        except CutOffError as cut:
            if attempt == limits.attempts:
                msg = (
                    f"not whole after {attempt} attempts ({cut}); give the same command again "
                    f"later, or {by_hand(address, target)}"
                )
                raise FileError(msg) from cut
            seconds = limits.wait_seconds * 2 ** (attempt - 1)
            note = f"{cut}; once more in {seconds:g} s"
            say(Progress(target.name, _size(part_of(target)), None, note))
            time.sleep(seconds)
        else:
            return


def _attempt(address: str, target: Path, limits: TransferLimits, say: ProgressFunction) -> None:
    had = _size(part_of(target))
    begun = _read_version(target, address)
    if had and begun and had == begun.total_bytes:
        return  # stopped between the last byte and the new name
    resumed = begun if had and begun and begun.validator else None
    with _ask(address, target, had, resumed, limits.timeout_seconds) as response:
        start, found = _judge(response, address, target, had, resumed)
        total = found.total_bytes
        _refuse_size(total or 0, limits)
        if not start:
            # The note goes first: a part without its note is never added to.
            remove_part(target)
            note = json.dumps(asdict(found), indent=1)
            _version_file(target).write_text(note + "\n", encoding="utf-8")
        count = start
        with part_of(target).open("ab" if start else "wb") as part:
            for chunk in _chunks(response):
                count += len(chunk)
                _refuse_size(count, limits)
                part.write(chunk)
                say(Progress(target.name, count, total))
    if total is not None and count < total:
        msg = f"cut off after {count} of {total} bytes"
        raise CutOffError(msg)


def _refuse_size(bytes_count: int, limits: TransferLimits) -> None:
    if bytes_count > limits.max_bytes:
        msg = f"is larger than {limits.max_bytes} bytes, which no result file is; not kept"
        raise TooLargeError(msg)


def _judge(
    response: HTTPResponse, address: str, target: Path, had: int, resumed: _Version | None
) -> tuple[int, _Version]:
    """Return at which byte the answer starts, and of which file it is."""
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        msg = f"the server sends it packed ({encoding}); {by_hand(address, target)}"
        raise FileError(msg)
    length = _number(response.headers.get("Content-Length"))
    if response.status != 206:
        return 0, _Version(address, _validator(response.headers), length)
    # Some servers send the rest of a file that has become another one.
    same = resumed and _validator(response.headers) in {"", resumed.validator}
    wanted = re.fullmatch(rf"bytes {had}-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    total = _number(wanted[1]) if wanted else None
    if resumed is None or not same or not wanted or total != (resumed.total_bytes or total):
        remove_part(target)
        msg = "the file on the server is not the one that was begun; it starts again"
        raise CutOffError(msg)
    return had, _Version(address, resumed.validator, total)


def _validator(headers: HTTPMessage) -> str:
    """Return what tells whether a file is still the same: a strong ETag, else the date."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified", "")


def _number(text: str | None) -> int | None:
    # Python refuses to read thousands of digits; cut off at 15, a number is too large all the same.
    return int(text[:15]) if text is not None and re.fullmatch("[0-9]+", text) else None


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _version_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.part.json")


def _read_version(target: Path, address: str) -> _Version | None:
    """Return what the part is a part of; None where that is not known, or is something else."""
    try:
        found = _Version(**json.loads(_version_file(target).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if found.address == address else None


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    """Yield what comes in, as it comes in."""
    while True:
        try:
            chunk = response.read1(CHUNK_BYTES)
        except (HTTPException, OSError) as error:
            raise CutOffError(_words(error)) from error
        if not chunk:
            return
        yield chunk


def _ask(
    address: str, target: Path, had: int, resumed: _Version | None, timeout_seconds: float
) -> HTTPResponse:
    """Return the answer of the server, from byte ``had`` on if the file is still ``resumed``."""
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
    if resumed:
        headers |= {"Range": f"bytes={had}-", "If-Range": resumed.validator}
    request = urllib.request.Request(address, headers=headers)
    try:
        response: HTTPResponse = _opener().open(request, timeout=timeout_seconds)
    except urllib.error.HTTPError as error:
        with error:
            _refused(error.code, address, target)
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError | ConnectionResetError):
            raise CutOffError(_words(error.reason)) from error
        msg = (
            f"{urlsplit(address).netloc} cannot be reached ({error.reason}); see to the "
            f"connection, or {by_hand(address, target)}"
        )
        raise FileError(msg) from error
    except (HTTPException, OSError) as error:
        raise CutOffError(_words(error)) from error
    return response


def _refused(code: int, address: str, target: Path) -> Never:
    """Say what an answer means that brings no file."""
    if code == 416:
        # What is there is no beginning of the file on the server.
        remove_part(target)
        msg = "the server has no such part of the file (416); it starts again"
        raise CutOffError(msg)
    if code in PASSING:
        msg = f"the server answers {code}"
        raise CutOffError(msg)
    if code == 403:
        msg = f"the server refuses this program (403); {by_hand(address, target)}"
    elif code in {404, 410}:
        msg = (
            f"no longer at {address} ({code}); look for it at https://data.overheid.nl and save "
            f"it as {target}"
        )
    elif 300 <= code < 400:
        msg = f"the server sends from one address to the next ({code}); {by_hand(address, target)}"
    else:
        msg = f"the server answers {code}; {by_hand(address, target)}"
    raise FileError(msg)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the server is silent for too long"
    return f"the connection is cut off: {error or type(error).__name__}"


def redirect_fault(address: str, location: str) -> str:
    """Return why a redirect from ``address`` to ``location`` is not followed, or an empty text.

    ``location`` may be relative to ``address``.
    """
    try:
        target = urljoin(address, location)
        parts = urlsplit(target)
        # A port that is none and a name that no host can have would only come out on connecting.
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError:
        return f"the server sends on to {shown(location)}, which is no web address; refused"
    scheme = parts.scheme
    if scheme not in {"http", "https"}:
        return f"the server sends on to {target!r}, which is no web address; refused"
    if scheme == "http" and urlsplit(address).scheme == "https":
        return f"the server sends on to {target!r}, which is not encrypted; refused"
    return ""


class _Redirects(urllib.request.HTTPRedirectHandler):
    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        if fault := redirect_fault(req.full_url, headers.get("Location", "")):
            fp.close()
            raise FileError(fault)
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener for http and https alone: the usual one opens files and ftp too."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener
