"""A web server for tests that answers as it is told, byte by byte, on a real socket in threads of its own.

with WebSource() as server:
    server.pages["/feed"] = page(b"<rss/>", etag='"1"')      # always the same
    server.pages["/slow"] = drip(b"x", every=0.05)           # until its reader goes
    server.pages["/own"] = lambda request: page(...)         # by what was asked
    server.url("/feed"), server.requests
"""

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

PATIENCE = 10.0


@dataclass(frozen=True)
class Asked:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


Pieces = Iterator[bytes]
Answer = bytes | Callable[[Asked], "bytes | Pieces"]


def page(body: bytes = b"", *, status: int = 200, **headers: str) -> bytes:
    """A whole answer; `content_type` is Content-Type."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lengths = (
        {}
        if any(name.lower() == "content-length" for name in named)
        else {"Content-Length": len(body)}
    )
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [
        f"{name}: {value}" for name, value in {**named, **lengths, "Connection": "close"}.items()
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def endless(head: bytes, piece: bytes) -> Answer:
    """An answer that goes on until its reader hangs up."""

    def pieces(_asked: Asked) -> Pieces:
        yield head
        while True:
            yield piece

    return pieces


def silent(gate: threading.Event) -> Answer:
    """An answer that begins when the gate opens."""

    def pieces(_asked: Asked) -> Pieces:
        gate.wait(PATIENCE)
        yield page(b"late")

    return pieces


@dataclass
class WebSource:
    """One server.

    Attributes:
        pages: answers by path.
        requests: all that were asked, in order.
    """

    tls: ssl.SSLContext | None = None
    pages: dict[str, Answer] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)

    def __enter__(self) -> Self:
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    outer._serve(self.request)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    def url(self, path: str = "/feed", host: str = "127.0.0.1") -> str:
        """The address of a page here."""
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def asked(self, path: str) -> list[Asked]:
        """What was asked of one page."""
        return [one for one in self.requests if urlsplit(one.path).path == path]

    def _serve(self, connection: Any) -> None:
        connection.settimeout(PATIENCE)
        if self.tls is None:
            self._converse(connection)
        else:
            with self.tls.wrap_socket(connection, server_side=True) as safe:
                self._converse(safe)

    def _converse(self, connection: Any) -> None:
        asked = _read(connection)
        if asked is None:
            return
        self.requests.append(asked)
        answer = self.pages.get(urlsplit(asked.path).path, page(b"not here", status=404))
        found = answer(asked) if callable(answer) else answer
        for piece in (found,) if isinstance(found, bytes) else found:
            connection.sendall(piece)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


def _read(connection: Any) -> Asked | None:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return None
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines)
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Asked(method, path, headers, body)
