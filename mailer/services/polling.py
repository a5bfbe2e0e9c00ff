"""Polls sources beside a dispatcher, in a thread and a loop of its own: a slow server holds up no mail.

What reads feeds and pages is imported as the first source is due: an idle tick of cron has no use for it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from mailer.core.errors import MailerError
from mailer.services.office import Office
from mailer.store import sources

log = logging.getLogger(__name__)

REST_SECONDS = 60.0
"""After a round that could not be finished: the database is away, or a fault of ours."""


def due(office: Office) -> bool:
    """Whether any source's time has come, or the settings have others than are polled."""
    with office.database.read() as connection:
        if not sources.enrolled(connection, office.sources):
            return True
        keys = list(office.sources)
        return bool(keys and sources.due(connection, keys, office.clock()))


class Poller:
    """Polls what is due whenever it is told to look, one round at a time.

    Args:
        done: told, from the poller's thread, that a round has ended.
    """

    def __init__(self, office: Office, done: Callable[[], object]) -> None:
        self._office = office
        self._done = done
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sources")
        self._round: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._not_before = 0.0

    @property
    def busy(self) -> bool:
        """Whether a round is under way."""
        return self._round is not None and not self._round.done()

    def look(self) -> None:
        """Begin a round if anything is due and none is under way."""
        rests = self.busy or self._stopping or time.monotonic() < self._not_before
        if not rests and due(self._office):
            self._round = self._thread.submit(self._work)

    def stop(self) -> None:
        """Break off what is waited for; what is being written is finished."""
        self._stopping = True
        if self._loop is not None and self._task is not None:
            loop, task = self._loop, self._task
            try:
                loop.call_soon_threadsafe(task.cancel)
            except RuntimeError:
                return  # its loop has just ended by itself

    async def ended(self) -> None:
        """Until the last round has ended."""
        if self._round is not None:
            await asyncio.wait([asyncio.wrap_future(self._round)])
        self._thread.shutdown(wait=True)

    def _work(self) -> None:
        try:
            asyncio.run(self._poll())
        except MailerError as error:
            self._not_before = time.monotonic() + REST_SECONDS
            log.warning("sources put off", extra={"reason": error.what})
        except asyncio.CancelledError:
            return
        except Exception:
            self._not_before = time.monotonic() + REST_SECONDS
            log.exception("surprise")
        finally:
            self._task = self._loop = None
            self._done()

    async def _poll(self) -> None:
        from mailer.services import intake  # noqa: PLC0415 - feeds, pages and the net: 0.4 s

        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if not self._stopping:
            await intake.poll_due(self._office)
