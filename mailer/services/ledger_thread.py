"""The one thread in which a dispatcher's books are kept: in turn, and anew while the database is away."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mailer.core.errors import ServiceMissing, TryLater
from mailer.services.tenure import Tenure

log = logging.getLogger(__name__)

Returned = TypeVar("Returned")

DATABASE_RETRY_SECONDS = 0.5


class LedgerThread:
    """The thread.

    Args:
        tenure: while our leases hold it is tried anew, come what may.
        patient: whether it is, after that.

    Attributes:
        unsure: something may have been taken by a commit that was not seen: it is ours, and nobody knows.
    """

    def __init__(self, tenure: Tenure, patient: Callable[[], bool]) -> None:
        self._tenure = tenure
        self._patient = patient
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self.unsure = False

    async def do(self, work: Callable[[], Returned], *, takes: bool = False) -> Returned:
        """Have the books do something; while the database is away try anew, as long as that can help.

        Args:
            takes: it takes deliveries in hand.

        Raises:
            ServiceMissing, TryLater: the database was away for longer than that.
        """
        while True:
            self._tenure.asked()
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
            except (TryLater, ServiceMissing) as error:
                if not self._tenure.holds and not self._patient():
                    raise
                self.unsure = self.unsure or takes
                log.warning("database away", extra={"reason": error.what})
                await asyncio.sleep(DATABASE_RETRY_SECONDS)

    def close(self) -> None:
        """End it, once what it does is done."""
        self._thread.shutdown(wait=True)
