"""Makes messages ahead of the lines that send them, many in one go.

Where making one takes long, threads do it: so it is where RSA signs, which lets go of the interpreter. All
others are made in the loop, a batch at a time, and the lines have their turn between two batches: made
one by one between two replies they take half as long again.
"""

import asyncio
import logging
import os
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from mailer.mail.compose import Composer
from mailer.services.bookkeeper import Letter
from mailer.services.feed import Feed

log = logging.getLogger(__name__)

BATCH = 32
"""Letters made in one go: enough to be worth a turn, few enough to keep the lines fed."""


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
        """Pass letters on to the feed once their messages are made, the first of them now."""
        costly = [
            each
            for each in dict.fromkeys(letter.prepared for letter in letters)
            if self._composer.costly(each)
        ]
        quick = [letter for letter in letters if letter.prepared not in costly]
        self._feed.put(self._made(quick[:BATCH]))
        if len(quick) > BATCH:
            self._begin(self._make_here(quick[BATCH:]))
        for prepared in costly:
            for batch in _batches([letter for letter in letters if letter.prepared == prepared]):
                self._begin(self._make(batch))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._making.add(task)
        task.add_done_callback(self._making.discard)

    async def close(self) -> None:
        """Begin no more, and wait for the threads. What was not passed on is known to the ledger alone."""
        for task in self._making:
            task.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)
        if self._threads is not None:
            await asyncio.to_thread(self._threads.shutdown)

    async def _make_here(self, letters: Sequence[Letter]) -> None:
        for batch in _batches(letters):
            await asyncio.sleep(0)
            self._feed.put(self._made(batch))

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
            return Letter(
                letter.due, letter.prepared, self._composer.compose(letter.prepared, letter.due)
            )
        except Exception:  # noqa: BLE001 - the line that takes it tries again, and says what is wrong
            log.debug("could not be made ahead", extra={"delivery": letter.due.id})
            return letter


def _batches(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    for start in range(0, len(letters), BATCH):
        yield letters[start : start + BATCH]
