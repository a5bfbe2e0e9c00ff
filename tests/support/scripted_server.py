"""An SMTP server for tests that is polite until told otherwise, on a real socket of its own.

    script = {
        "RCPT": [None, "550 5.1.1 no such user"],      # the second RCPT it ever hears; then polite
        "RCPT bob@example.org": "450 4.2.2 full",      # every RCPT for Bob
        ".": Fault.DROP,                               # never answers a final dot, hangs up
    }
    async with ScriptedServer(script) as server: ...            # in the running loop
    with ScriptedServer(script).running() as server: ...        # in a thread of its own
        server.port, server.messages, server.wait_for(3)

Keys are CONNECT (the greeting), EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, CONTENT (while the content
comes in), "." (the final dot), RSET, QUIT; MAIL, RCPT, DATA and "." may be followed by the address they
are about, or by @ and its domain; the narrower goes first. A list is played once, over all connections;
anything else every time.

    None        the polite answer
    str         this reply; 2xx and 3xx count as success, 421 hangs up after it
    bytes       these bytes and nothing more
    Fault.*     see there
    Gate        wait until the test opens it, then as the Gate says
    Act         do something in the server's loop (`server.die`), then as the Act says

It keeps order as RFC 5321 asks (503 for a MAIL inside a transaction or DATA without RCPT) and takes
the dots out, so that a client's mistakes show.
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Self

from support.smtp_script import PATIENCE, Act, Fault, Gate, Playbook, Received, Script, Step
from support.smtp_session import HangUp, Session, Terms

__all__ = ["PATIENCE", "Act", "Fault", "Gate", "Received", "Script", "ScriptedServer", "Step"]


class ScriptedServer:
    """One server.

    Args:
        script: how it misbehaves; none for a polite server.
        tls: TLS from the first byte.
        starttls: offer STARTTLS with this.
        users: passwords (or tokens) by name; AUTH is then offered (after TLS, if there is any) and
            required.
        mechanisms: what AUTH offers.
        extensions: further EHLO lines.
        socket_file: listen there instead of on 127.0.0.1.
        port: a free one that is known already; 0 for any.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        users: Mapping[str, str] | None = None,
        mechanisms: Sequence[str] = ("PLAIN", "LOGIN"),
        extensions: Sequence[str] = ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME"),
        socket_file: Path | None = None,
        port: int = 0,
    ) -> None:
        self.port = port
        self._tls = tls
        self._socket_file = socket_file
        self._playbook = Playbook(script or {})
        self._terms = Terms(starttls, dict(users or {}), tuple(extensions), tuple(mechanisms))
        self._sessions: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        if self._socket_file is not None:
            self._server = await asyncio.start_unix_server(self._serve, self._socket_file)
        else:
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, ssl=self._tls
            )
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.die()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        await self._server.wait_closed()

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Serve in a thread of its own until the block is left."""
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

        async def serve() -> None:
            stop = asyncio.Event()
            async with self:
                started.set_result((asyncio.get_running_loop(), stop))
                await stop.wait()

        thread = threading.Thread(target=asyncio.run, args=(serve(),), name="scripted server")
        thread.start()
        loop, stop = started.result(PATIENCE)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(PATIENCE)

    def die(self) -> None:
        """Be gone, as a killed server is; to be called in its own loop."""
        assert self._server is not None
        self._server.close()
        for session in self._sessions:
            session.cancel()

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._playbook.connections

    @property
    def messages(self) -> list[Received]:
        """The messages taken so far."""
        return self._playbook.messages

    @property
    def commands(self) -> list[str]:
        """Every command line heard so far."""
        return self._playbook.commands

    def wait_for(self, count: int, patience: float = PATIENCE) -> list[Received]:
        """Wait (in a thread, not in the server's loop) until `count` messages are in; return them."""
        return self._playbook.wait_for(count, patience)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        self._playbook.connections += 1
        session = Session(
            self._playbook, self._terms, reader, writer, encrypted=self._tls is not None
        )
        try:
            await session.run()
        except (HangUp, ConnectionError, ssl.SSLError):
            pass  # the conversation is over, one way or the other
        except asyncio.CancelledError:
            pass  # the server is being stopped
        finally:
            session.hang_up()
            self._sessions.discard(task)
