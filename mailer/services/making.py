"""Makes messages ahead, in threads, where making one takes long.

So it does where RSA signs, which lets go of the interpreter. All others are made by the line that
sends them, at the moment it does.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mailer.mail.compose import Composer
from mailer.mail.prepare import Prepared
from mailer.services.bookkeeper import Letter
from mailer.services.feed import Feed

log = logging.getLogger(__name__)

BATCH = 32
"""Letters made in one go: enough to be worth a thread's turn, few enough to keep the lines fed."""


class Maker:
    """Stands between the bookkeeper and the feed."""

    def __init__(self, composer: Composer, feed: Feed) -> None:
        self._composer = composer
        self._feed = feed
        self._threads: ThreadPoolExecutor | None = None
        self._making: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether letters are on their way to the feed."""
        return bool(self._making)

    def put(self, letters: Sequence[Letter]) -> None:
        """Pass letters on to the feed, now or once their messages are made."""
        by_message: dict[Prepared, list[Letter]] = {}
        for letter in letters:
            by_message.setdefault(letter.prepared, []).append(letter)
        costly = [each for each in by_message if self._composer.costly(each)]
        self._feed.put(letter for letter in letters if letter.prepared not in costly)
        for prepared in costly:
            self._begin(by_message[prepared])

    def _begin(self, costly: Sequence[Letter]) -> None:
        for start in range(0, len(costly), BATCH):
            task = asyncio.create_task(self._make(costly[start : start + BATCH]))
            self._making.add(task)
            task.add_done_callback(self._making.discard)

    async def close(self) -> None:
        """Begin no more, and wait for the threads. What was not passed on is known to the ledger alone."""
        for task in self._making:
            task.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown)

    async def _make(self, letters: Sequence[Letter]) -> None:
        if self._threads is None:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
            self._threads = ThreadPoolExecutor(cores, thread_name_prefix="signing")
        loop = asyncio.get_running_loop()
        self._feed.put(await loop.run_in_executor(self._threads, self._made, letters))

    def _made(self, letters: Sequence[Letter]) -> list[Letter]:
        return [self._made_one(letter) for letter in letters]

    def _made_one(self, letter: Letter) -> Letter:
        try:
            return letter._replace(message=self._composer.compose(letter.prepared, letter.due))
        except Exception:  # noqa: BLE001 - the line that takes it tries again, and says what is wrong
            log.debug("could not be made ahead", extra={"delivery": letter.due.id})
            return letter
