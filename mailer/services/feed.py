"""Deliveries in hand, waiting for a line: in order, and the line that was free last gets the next one.

So a trickle of notices keeps using one open connection instead of opening eight.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from mailer.services.bookkeeper import Letter


class Feed:
    """A queue between the bookkeeper and the lines, in one event loop."""

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()
        self._takers: list[asyncio.Future[None]] = []
        self._closed = False

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letters: Iterable[Letter]) -> None:
        """Add to the end."""
        self._letters.extend(letters)
        self._call(len(self._letters))

    def put_back(self, letter: Letter) -> None:
        """Return one that was taken and not begun: it comes first again."""
        self._letters.appendleft(letter)
        self._call(1)

    async def ready(self, patience: float | None = None) -> bool:
        """Wait until a letter is at hand, for whoever takes it first.

        Args:
            patience: seconds to wait at most; None waits for ever.

        Returns:
            False when the feed was closed.

        Raises:
            TimeoutError: none came in time.
        """
        async with asyncio.timeout(patience):
            while not self._closed and not self._letters:
                await self._called()
        return not self._closed

    def take(self) -> Letter | None:
        """The next letter; None where none is at hand, or the feed was closed."""
        return self._letters.popleft() if self._letters and not self._closed else None

    def pass_on(self) -> None:
        """Call another in place of one that was called and takes nothing."""
        self._call(1 if self._letters else 0)

    def clear(self) -> None:
        """Forget what waits here."""
        self._letters.clear()

    def close(self) -> None:
        """Hand out nothing more. What is left was never begun."""
        self._closed = True
        self._call(len(self._takers))

    async def _called(self) -> None:
        taker = asyncio.get_running_loop().create_future()
        self._takers.append(taker)
        try:
            await taker
        except asyncio.CancelledError:
            if taker in self._takers:
                self._takers.remove(taker)
            else:
                self.pass_on()
            raise

    def _call(self, number: int) -> None:
        for _ in range(min(number, len(self._takers))):
            taker = self._takers.pop()
            if not taker.done():
                taker.set_result(None)
