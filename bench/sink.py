"""Starts a server that takes mail and throws it away, counts what it took, and stops if it dies.

Postfix's smtp-sink where it is installed and can do what is asked, else the built-in one. What a
client believes to have sent is nobody's measure: only what the sink took counts.
"""

import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).parent
_PLACES = ("/usr/sbin", "/usr/bin", "/usr/local/sbin")
_COUNTED = re.compile(rb"mesg=(\d+)")
SETTLE_SECONDS = 5.0

MISSING = (
    "{name} is not installed: on Debian and Ubuntu, apt-get install postfix brings it "
    "(choose “No configuration”; Postfix itself need not run)."
)


def tool(name: str) -> str | None:
    """Where a Postfix tool is, if it is installed."""
    return shutil.which(name, path=":".join(_PLACES))


@dataclass(frozen=True)
class Wish:
    """What a sink is to be.

    Attributes:
        record: a file that gets an `Arrival` for each message; built-in alone.
        tls: a second port that speaks TLS from the first octet; built-in alone.
        port: where to listen; 0 for any free port.
    """

    pipelining: bool = True
    tls: bool = False
    record: Path | None = None
    builtin: bool = False
    port: int = 0


class Sink(Protocol):
    """A running sink.

    Attributes:
        tls_port: where everything is TLS, under a certificate of `authority`.
    """

    name: str
    port: int
    tls_port: int | None
    authority: Path | None
    server: "subprocess.Popen[bytes]"

    def taken(self) -> int:
        """How many messages it has taken so far."""


@contextmanager
def running(wish: Wish = Wish()) -> Iterator[Sink]:
    """A sink on loopback.

    Raises:
        SystemExit: it does not start.
    """
    binary = None if wish.builtin or wish.tls or wish.record else tool("smtp-sink")
    with tempfile.TemporaryDirectory(prefix="sink") as folder:
        made: Sink = (
            _PostfixSink(binary, wish, Path(folder)) if binary else BuiltinSink(wish, Path(folder))
        )
        try:
            _await_greeting(made)
            yield made
        finally:
            made.server.kill()
            made.server.wait()
            if made.server.stdout is not None:
                made.server.stdout.close()


def settled(sink: Sink, want: int) -> int:
    """What a sink has taken, once that is `want` or stands still.

    Raises:
        SystemExit: the sink is dead.
    """
    until = time.monotonic() + SETTLE_SECONDS
    while (found := sink.taken()) < want and time.monotonic() < until:
        require_life(sink)
        time.sleep(0.01)
    return found


def require_life(sink: Sink) -> None:
    """Stop the benchmark where its sink is gone: there is nothing to measure then.

    Raises:
        SystemExit: the sink is dead.
    """
    if sink.server.poll() is not None:
        raise SystemExit(f"{sink.name} died with {sink.server.returncode}: nothing was measured")


class _PostfixSink:
    name: str = "smtp-sink"

    def __init__(self, binary: str, wish: Wish, folder: Path) -> None:
        self.tls_port: int | None = None
        self.authority: Path | None = None
        self.port = wish.port or _free_port()
        self._counts = folder / "counts"
        options = ["-c"]
        if not wish.pipelining:
            options.append("-p")
        if os.geteuid() == 0:
            options += ["-u", "nobody"]
        with self._counts.open("wb") as counts:
            self.server = subprocess.Popen(
                [binary, *options, f"127.0.0.1:{self.port}", "1000"], stdout=counts
            )

    def taken(self) -> int:
        """The last count it wrote; it writes one at every message."""
        with self._counts.open("rb") as counts:
            counts.seek(-min(400, self._counts.stat().st_size), os.SEEK_END)
            found = _COUNTED.findall(counts.read())
        return int(found[-1]) if found else 0


class BuiltinSink:
    """The one of this folder."""

    name: str = "the built-in sink"

    def __init__(self, wish: Wish, folder: Path) -> None:
        self.authority: Path | None = None
        command = [sys.executable, str(HERE / "fast_sink.py"), "--port", str(wish.port)]
        if not wish.pipelining:
            command.append("--no-pipelining")
        if wish.record:
            command += ["--record", str(wish.record)]
        if wish.tls:
            command += ["--certificate", str(self._certificate(folder))]
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.server.stdout is not None
        ports = [int(port) for port in self.server.stdout.readline().split()]
        if not ports:
            raise SystemExit(f"{self.name} did not start on port {wish.port}")
        self.port = ports[0]
        self.tls_port: int | None = ports[1] if wish.tls else None

    def _certificate(self, folder: Path) -> Path:
        import trustme  # noqa: PLC0415 - for TLS alone

        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            str(folder / "server.pem")
        )
        return folder / "server.pem"

    def taken(self) -> int:
        """What it answers when asked."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as line:
            talk = line.makefile("rwb")
            talk.readline()
            talk.write(b"XCOUNT\r\n")
            talk.flush()
            return int(talk.readline().split()[1])


def check_tls(sink: Sink) -> str:
    """Shake hands with a sink's TLS port; the cipher."""
    assert sink.tls_port is not None
    context = ssl.create_default_context(cafile=sink.authority)
    with (
        socket.create_connection(("127.0.0.1", sink.tls_port), timeout=10) as line,
        context.wrap_socket(line, server_hostname="127.0.0.1") as safe,
    ):
        cipher = safe.cipher()
    return cipher[0] if cipher else ""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _await_greeting(sink: Sink) -> None:
    for _ in range(200):
        require_life(sink)
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", sink.port), timeout=1) as line,
        ):
            if line.recv(3) == b"220":
                return
        time.sleep(0.02)
    raise SystemExit(f"{sink.name} does not answer")
