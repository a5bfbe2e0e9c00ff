"""The lanes of a dispatcher at work: begun together, and waited for until the last has ended."""

import asyncio
import logging
from collections.abc import Sequence

from mailer.services.lane import Lane
from mailer.services.reports import Reports

log = logging.getLogger(__name__)

BREAK_OFF_SECONDS = 0.2


class Lanes:
    """All lanes of one dispatcher; they end once its feed is closed."""

    def __init__(self, lanes: Sequence[Lane], reports: Reports) -> None:
        self._lanes = list(lanes)
        self._reports = reports
        self._tasks: list[asyncio.Task[None]] = []
        self._patience: float | None = None

    def begin(self) -> None:
        """Have them work."""
        self._tasks = [asyncio.create_task(self._tended(lane)) for lane in self._lanes]

    def break_off(self) -> None:
        """Cut what is on the wire; that is reported as unknown."""
        self._patience = BREAK_OFF_SECONDS
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait until the last has ended."""
        while working := [task for task in self._tasks if not task.done()]:
            if self._patience is not None:
                for task in working:  # again and again: before Python 3.12 wait_for may swallow it
                    task.cancel()
            await asyncio.wait(working, timeout=self._patience)

    async def _tended(self, lane: Lane) -> None:
        """A lane's work; when the last lane has ended nothing more can be done."""
        try:
            await lane.work()
        except Exception as error:
            log.exception("surprise")
            self._reports.fault(f"a line ended by surprise: {error!r}")
        finally:
            self._lanes.remove(lane)
            if not self._lanes:
                self._reports.stop()
