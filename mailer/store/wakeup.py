"""Tells every dispatcher on a PostgreSQL database, in the moment of the commit, that something became due.

    notify       a NOTIFY inside the transaction that makes something due: PostgreSQL hands it out when
                 that transaction commits, once however often it was said, and never if it is undone
    Listener     a connection and a thread of its own: LISTEN, then sleep in the kernel until something
                 comes; a lost connection is made anew, and followed by one wake-up, for what was
                 said meanwhile was said to nobody

A wake-up is a hint: who missed one finds the same work at its next look. On SQLite both do nothing.
LISTEN belongs to a session, so a pooler that shares sessions out by the transaction (PgBouncer's
transaction mode) loses every wake-up without a word; docs/operators.md says so.
"""

import logging
import os
import random
import select
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from mailer.store.database import Connection, Database

if TYPE_CHECKING:
    import psycopg

log = logging.getLogger(__name__)

CHANNEL = "mailer_due"
RECONNECT_SECONDS = (1.0, 5.0, 15.0, 60.0)
# A host that answers nothing may hold up the end of a process for so long, unless database.url says else.
CONNECT = {
    "connect_timeout": 5,
    # A connection that died without a word (a firewall that forgot it) is found out within two minutes.
    "keepalives_idle": 60,
    "keepalives_interval": 20,
    "keepalives_count": 3,
    "application_name": "mailer wake-ups",
}


def notify(connection: Connection) -> None:
    """Wake the dispatchers when the caller's transaction commits.

    Commits that notify queue up behind each other in the whole server, so this is for what people
    do (a sign-up, a release let go), not for every turn of a dispatcher.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"NOTIFY {CHANNEL}")


class Listener:
    """Calls `wake` whenever something became due; a context manager, at work until it is left.

    Args:
        database: where to listen; with SQLite nothing happens.
        wake: called in the listener's own thread, and also after a connection was made anew; it must
            return at once and raise nothing.
        pauses: seconds before the first, second, ... try to connect after a failure; the last one repeats.
    """

    def __init__(
        self,
        database: Database,
        wake: Callable[[], object],
        *,
        pauses: Sequence[float] = RECONNECT_SECONDS,
    ) -> None:
        self._database = database
        self._wake = wake
        self._pauses = pauses
        self._tries = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._stopped = self._stop = -1

    def __enter__(self) -> Self:
        if not self._database.is_sqlite:
            self._closed, self._tries = False, 0
            self._stopped, self._stop = os.pipe()
            self._thread = threading.Thread(target=self._work, name="wake-ups")
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._closed = True
        os.write(self._stop, b".")
        thread.join()
        os.close(self._stop)
        os.close(self._stopped)

    def _work(self) -> None:
        dialect = self._database.engine.dialect
        arguments, options = dialect.create_connect_args(self._database.engine.url)
        lost: Any = dialect.loaded_dbapi.Error  # the driver is loaded only where it is used
        while not self._closed:
            try:
                opened: Any = dialect.connect(*arguments, **{**CONNECT, **options})
                with opened:
                    self._listen(opened)
            except lost as error:
                reason = str(error).strip().partition("\n")[0]
                log.warning("wake-ups away", extra={"reason": reason})
                self._pause()

    def _listen(self, connection: "psycopg.Connection[Any]") -> None:
        """Pass on what comes, until told to stop or the connection is lost."""
        connection.autocommit = True
        connection.execute(f"LISTEN {CHANNEL}".encode())
        self._tries = 0
        self._wake()
        while not self._waited(None, connection.fileno()):
            connection.pgconn.consume_input()
            heard = False
            while connection.pgconn.notifies():
                heard = True
            if heard:
                self._wake()

    def _pause(self) -> None:
        seconds = self._pauses[min(self._tries, len(self._pauses) - 1)]
        self._tries += 1
        self._waited(seconds * random.uniform(0.5, 1))  # not all of them at one moment

    def _waited(self, seconds: float | None, *others: int) -> bool:
        """Sleep until told to stop, `others` have something to read, or time is up; whether to stop."""
        poll = select.poll()
        for descriptor in (self._stopped, *others):
            poll.register(descriptor, select.POLLIN)
        poll.poll(None if seconds is None else seconds * 1000)
        return self._closed
