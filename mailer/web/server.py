"""Serves the site within the caller's event loop, beside a dispatcher, and stops when it is told to.

The caller keeps its signal handlers. Headers of proxies are not believed, and the server's own access
log is off: the site logs its requests itself, with tokens masked.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from mailer.core.errors import ServiceMissing

_GRACE_SECONDS = 10


async def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    stop: asyncio.Event | None = None,
    started: Callable[[int], None] = lambda _port: None,
    shared: bool = False,
) -> None:
    """Answer requests until `stop` is set; requests under way are then finished. Cancelling breaks them off.

    Args:
        host: name or address to listen on.
        port: 0 takes a free one.
        stop: ends the serving; None means that only cancelling does.
        started: told the port once connections are accepted.
        shared: other processes that `reserved` it listen there too.

    Raises:
        ServiceMissing: nobody can listen there.
    """
    listener = _listen(host, port, shared=shared)
    server = _Server(_settings(app), listener.getsockname()[1], started)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        server.force_exit = True
        raise
    finally:
        stopping.cancel()
        server.should_exit = True
        try:
            await asyncio.shield(serving)
        finally:
            listener.close()


class _Server(uvicorn.Server):
    """A server that leaves signals to the caller and says when it listens."""

    def __init__(self, settings: uvicorn.Config, port: int, started: Callable[[int], None]) -> None:
        super().__init__(settings)
        self._port = port
        self._tell = started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell(self._port)


def _settings(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_parser(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def _parser() -> "type[asyncio.Protocol] | Literal['h11']":
    """The fast parser, where it is installed."""
    try:
        from mailer.web.heads import BoundedHeads  # noqa: PLC0415 - which needs what may not be there
    except ModuleNotFoundError:
        return "h11"
    return BoundedHeads


@contextlib.contextmanager
def reserved(host: str, port: int) -> Iterator[int]:
    """A port that nobody else has, held for the processes that are to share it (SO_REUSEPORT).

    The kernel gives each of them its part of the newcomers. A socket of one that died goes with it, so that
    the others have them all.

    Raises:
        ServiceMissing: nobody can listen there.
    """
    with _listen(host, port) as alone:  # who shares a port with us already must not get a stranger
        family, address = alone.family, alone.getsockname()
    with socket.socket(family) as held:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            held.setsockopt(socket.SOL_SOCKET, option, 1)
        if family == socket.AF_INET6:
            held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        held.bind(address)
        yield address[1]


def _listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=512, reuse_port=shared)
    except OSError as error:
        raise ServiceMissing(
            f"The pages cannot be served on {host} port {port}: {error.strerror or error}",
            "choose another --host or --port, or stop what listens there",
        ) from error
    # What it accepts inherits this. Else the body of a page, written after its head, waits up to 40 ms
    # until its visitor's machine says that it has the head; asyncio sees to that of its own sockets alone.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener
