"""Passes a TCP connection on and holds every octet back for a while, each way: a long line in short.

    python bench/delay_proxy.py TARGET_PORT SECONDS

It listens on a free loopback port and says which on standard output.
"""

import asyncio
import sys
from collections import deque


class End(asyncio.Protocol):
    """One end of a line; what it hears leaves at the other end later.

    Args:
        target: the port to connect the other end to; None at that other end.
    """

    def __init__(self, seconds: float, target: int | None) -> None:
        self._seconds = seconds
        self._target = target
        self._transport: asyncio.Transport | None = None
        self._on_the_way: deque[bytes] = deque()
        self._arrived: list[bytes] = []
        self._connecting: asyncio.Task[None] | None = None
        self.other: End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect the other end, or let out what arrived before there was one."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._target is not None:
            self._connecting = asyncio.create_task(self._connect(self._target))
        for data in self._arrived:
            transport.write(data)

    async def _connect(self, target: int) -> None:
        self.other = End(self._seconds, None)
        self.other.other = self
        other = self.other
        try:
            await asyncio.get_running_loop().create_connection(lambda: other, "127.0.0.1", target)
        except OSError:
            if self._transport is not None:
                self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Put it on the way: one timer a piece, and pieces leave in the order they came."""
        self._on_the_way.append(data)
        asyncio.get_running_loop().call_later(self._seconds, self._let_out)

    def _let_out(self) -> None:
        data = self._on_the_way.popleft()
        if self.other is not None:
            self.other.put_out(data)

    def put_out(self, data: bytes) -> None:
        """Leave here."""
        if self._transport is None:
            self._arrived.append(data)
        else:
            self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end learns of it as late as of everything else."""
        asyncio.get_running_loop().call_later(self._seconds, self._hang_up)

    def _hang_up(self) -> None:
        if self.other is not None and self.other._transport is not None:
            self.other._transport.close()


async def serve(target: int, seconds: float) -> None:
    """Listen until killed, and say where."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: End(seconds, target), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
