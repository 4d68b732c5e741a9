"""A server on this machine that behaves badly in the ways that real ones do."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ballot_eval.sources.download import ResultFile, TransferLimits

#: Long enough to come in several chunks.
CONTENT = b"Regio;RegioCode;OuderRegioCode\n" + b"Boekel;G0755;K18\n" * 20_000
OTHER = CONTENT.replace(b"Boekel", b"Leiden")
TAG, OTHER_TAG = '"one"', '"two"'

#: No waiting between attempts.
QUICK = TransferLimits(timeout_seconds=5, attempts=3, wait_seconds=0)

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    server: BadServer

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        answers = self.server.answers[self.path]
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def start(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class BadServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.closing = threading.Event()

    def file(self, *answers: Answer, name: str = "GR2026.csv", sha256: str = "") -> ResultFile:
        """Return a file of this server; the last answer is given for ever."""
        self.answers[f"/{name}"] = list(answers)
        return ResultFile("GR2026", "csv", name, self.address(name), sha256)

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def asked(self) -> list[str | None]:
        """Return the Range of each request."""
        return [headers.get("Range") for _, headers in self.requests]


@contextlib.contextmanager
def bad_server() -> Iterator[BadServer]:
    server = BadServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def whole(content: bytes = CONTENT, **headers: object) -> Answer:
    def answer(handler: Handler) -> None:
        handler.start(200, Content_Length=len(content), **headers)
        # A client that refuses the size hangs up at once.
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(content)

    return answer


def without_length(content: bytes = CONTENT) -> Answer:
    def answer(handler: Handler) -> None:
        handler.start(200)
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(content)

    return answer


def cut_off(at: int, content: bytes = CONTENT, **headers: object) -> Answer:
    def answer(handler: Handler) -> None:
        handler.start(200, Content_Length=len(content), **headers)
        handler.wfile.write(content[:at])

    return answer


def cut_off_chunk(handler: Handler) -> None:
    handler.start(200, Transfer_Encoding="chunked")
    handler.wfile.write(b"ff\r\nhalf a chunk")


def silent_after(at: int, content: bytes = CONTENT, **headers: object) -> Answer:
    def answer(handler: Handler) -> None:
        handler.start(200, Content_Length=len(content), **headers)
        handler.wfile.write(content[:at])
        handler.server.closing.wait()

    return answer


def silent(handler: Handler) -> None:
    handler.server.closing.wait()


def hang_up(handler: Handler) -> None:
    handler.close_connection = True


def rest(content: bytes = CONTENT, tag: str = TAG, *, if_range: bool = True) -> Answer:
    """Answer as the standard asks for; without ``if_range`` send any rest that is asked for."""

    def answer(handler: Handler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if not asked or (if_range and handler.headers.get("If-Range") != tag):
            handler.start(200, Content_Length=len(content), ETag=tag)
            handler.wfile.write(content)
            return
        start = int(asked[1])
        if start >= len(content):
            handler.start(416, Content_Range=f"bytes */{len(content)}")
            return
        place = f"bytes {start}-{len(content) - 1}/{len(content)}"
        length = len(content) - start
        handler.start(206, Content_Length=length, Content_Range=place, ETag=tag)
        handler.wfile.write(content[start:])

    return answer


def of_length(length: str) -> Answer:
    return lambda handler: handler.start(200, Content_Length=length)


def rest_of_total(total: str, content: bytes = CONTENT, tag: str = TAG) -> Answer:
    """Send the rest that is asked for, as if it were of a file of ``total`` bytes."""

    def answer(handler: Handler) -> None:
        start = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        place = f"bytes {start}-{len(content) - 1}/{total}"
        handler.start(206, Content_Length=len(content) - start, Content_Range=place, ETag=tag)
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(content[start:])

    return answer


def status(code: int, **headers: object) -> Answer:
    return lambda handler: handler.start(code, Content_Length=0, **headers)


def browsers_only(handler: Handler) -> None:
    known = handler.headers.get("User-Agent", "").startswith("Mozilla/5.0 (")
    (whole() if known else status(403))(handler)
