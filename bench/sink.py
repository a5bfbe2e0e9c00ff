"""Starts a server that takes mail and throws it away: Postfix's smtp-sink, or a plain one of our own."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLACES = ("/usr/sbin", "/usr/bin", "/usr/local/sbin")


def tool(name: str) -> str | None:
    """Where a Postfix tool is, if it is installed."""
    return shutil.which(name, path=":".join(_PLACES))


@contextmanager
def running() -> Iterator[tuple[int, str]]:
    """A sink on a free loopback port: its port and its name."""
    port = _free_port()
    binary = tool("smtp-sink")
    if binary:
        command = [binary, "-u", "nobody", f"127.0.0.1:{port}", "1000"]
    else:
        command = [sys.executable, str(Path(__file__)), str(port)]
    server = subprocess.Popen(command)
    try:
        _await_greeting(port, server)
        yield port, "smtp-sink" if binary else "the built-in sink"
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _await_greeting(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        if server.poll() is not None:
            raise SystemExit("the sink did not start")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
                if line.recv(3) == b"220":
                    return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the sink does not answer")


class _Sink(asyncio.Protocol):
    """Speaks just enough SMTP to take everything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""
        self._content = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        answers = [answer for line in lines if (answer := self._answer(line))]
        self._transport.write(b"".join(answers))

    def _answer(self, line: bytes) -> bytes:
        if self._content:
            self._content = line != b"."
            return b"" if self._content else b"250 taken\r\n"
        verb = line[:4].upper()
        if verb == b"DATA":
            self._content = True
            return b"354 go on\r\n"
        if verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        if verb == b"QUIT":
            return b"221 bye\r\n"
        return b"250 ok\r\n"


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
