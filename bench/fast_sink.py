"""Takes mail as fast as Python can and throws it away; counts it, and keeps a record of it where asked to.

    python bench/fast_sink.py [--port P] [--record FILE] [--no-pipelining] [--certificate PEM]

It says its port on standard output, and a second one where everything is TLS if it has a certificate
(with its key in the same file). XCOUNT, a command of its own, is answered with how many messages it
took. The record has an `Arrival` for each message, on file before its sender hears 250: a sink that is
killed never took more than its record says.
"""

import argparse
import asyncio
import os
import re
import ssl
import struct
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_ARRIVAL = struct.Struct("<ddQII")
_NUMBER = re.compile(rb"^Message-ID:\s*<(\d+)\.", re.MULTILINE | re.IGNORECASE)
_END = b"\r\n.\r\n"


class Arrival(NamedTuple):
    """One message that was taken.

    Attributes:
        begun, taken: when its DATA came and when its final dot did, in seconds since 1970.
        delivery: the number its Message-ID begins with; 0 if that has none.
        checksum: of the whole content: copies of one message have the same.
        octets: of the content.
    """

    begun: float
    taken: float
    delivery: int
    checksum: int
    octets: int


ARRIVAL_OCTETS = _ARRIVAL.size


def arrivals(record: Path) -> Iterator[Arrival]:
    """What a sink's record holds, in the order it came."""
    content = record.read_bytes()
    whole = len(content) - len(content) % ARRIVAL_OCTETS
    return map(Arrival._make, _ARRIVAL.iter_unpack(content[:whole]))


@dataclass
class Till:
    """What all sessions of a sink share."""

    greeting: bytes
    record: int | None
    taken: int = 0
    waiting: list[bytes] = field(default_factory=list)

    def take(self, content: bytes, begun: float) -> None:
        """Count a message, and note it for the record."""
        self.taken += 1
        if self.record is not None:
            found = _NUMBER.search(content)
            number = int(found[1]) if found else 0
            checksum = zlib.crc32(content)
            self.waiting.append(_ARRIVAL.pack(begun, time.time(), number, checksum, len(content)))

    def keep(self) -> None:
        """Put what was noted on file; must come before the answers are sent."""
        if self.waiting and self.record is not None:
            os.write(self.record, b"".join(self.waiting))
            self.waiting.clear()


class Session(asyncio.Protocol):
    """Speaks just enough SMTP to take everything."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._held = b""
        self._begun: float | None = None
        self._searched = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer whatever is complete by now, in one write."""
        self._held = self._held + data if self._held else data
        answers = list(self._answers())
        self._till.keep()
        if answers:
            self._transport.write(b"".join(answers))
            if answers[-1].startswith(b"221"):
                self._transport.close()

    def _answers(self) -> Iterator[bytes]:
        held, at = self._held, 0
        while True:
            if self._begun is not None:
                # `at` is at the end of the DATA line: an empty content is a dot alone.
                end = held.find(_END, max(at, self._searched))
                if end < 0:
                    self._searched = max(len(held) - at - len(_END) + 1, 0)
                    break
                self._till.take(held[at + 2 : end + 2], self._begun)
                self._begun, self._searched, at = None, 0, end + len(_END)
                yield b"250 2.0.0 taken\r\n"
                continue
            end = held.find(b"\r\n", at)
            if end < 0:
                break
            yield self._answer(held[at : at + 4].upper())
            at = end if self._begun is not None else end + 2
        self._held = held[at:]

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"DATA":
            self._begun = time.time()
            return b"354 go on\r\n"
        if verb == b"EHLO":
            return self._till.greeting
        if verb == b"QUIT":
            return b"221 bye\r\n"
        if verb == b"XCOU":
            return b"250 %d\r\n" % self._till.taken
        return b"250 2.1.0 ok\r\n"


async def serve(till: Till, port: int, certificate: str | None) -> None:
    """Listen until killed, and say where."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: Session(till), "127.0.0.1", port)]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        servers.append(await loop.create_server(lambda: Session(till), "127.0.0.1", 0, ssl=context))
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--certificate")
    wanted = parser.parse_args()
    offers = [b"sink", *([] if wanted.no_pipelining else [b"PIPELINING"]), b"8BITMIME", b"SMTPUTF8"]
    greeting = b"".join(b"250-%s\r\n" % offer for offer in offers[:-1]) + b"250 " + offers[-1]
    record = None
    if wanted.record:
        record = os.open(wanted.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    till = Till(greeting + b"\r\n", record)
    try:
        asyncio.run(serve(till, wanted.port, wanted.certificate))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
