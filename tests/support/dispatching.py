"""Dispatchers for tests: real ones over scripted servers, and a database that fails when told to."""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from support.offices import UM
from support.scripted_server import ScriptedServer

from mailer.core.errors import ServiceMissing
from mailer.core.newsroom import Newsroom
from mailer.mail.relay import Relay
from mailer.mail.smtp import SmtpTransport
from mailer.mail.transport import Transport
from mailer.services import imports
from mailer.services.dispatch import Dispatcher, Orders, Summary
from mailer.services.office import Office
from mailer.services.presence import Presence
from mailer.sources.address_list import Listed
from mailer.store.database import Connection, Database
from mailer.store.ledger_tables import attempt, delivery
from mailer.store.tables import subscriber, subscription


def over(
    server: ScriptedServer | int, *, connections: int = 2, name: str = "r", **terms: Any
) -> SmtpTransport:
    """A transport to a scripted server, or to a port; `terms` are others of `Relay`."""
    port = server if isinstance(server, int) else server.port
    return SmtpTransport(
        Relay(
            name=name,
            host="127.0.0.1",
            port=port,
            security="none",
            connections=connections,
            **terms,
        )
    )


def dispatcher(office: Office, folder: Path, *transports: Transport, **orders: Any) -> Dispatcher:
    """A dispatcher; `orders` are those of `Orders`."""
    return Dispatcher(office, transports, Presence(folder / "state"), Orders(**orders))


async def one_pass(office: Office, folder: Path, *transports: Transport) -> Summary:
    """One pass over everything due."""
    return await dispatcher(office, folder, *transports).run()


def dispatch(office: Office, folder: Path, *transports: Transport) -> Summary:
    """One pass in a loop of its own, for tests that serve from a thread."""
    return asyncio.run(one_pass(office, folder, *transports))


def import_all(office: Office, mailboxes: Sequence[str], newsroom: Newsroom = UM) -> None:
    """Make these readers active, by evidence."""
    people = [Listed(line, mailbox) for line, mailbox in enumerate(mailboxes, 1)]
    for batch in imports.import_people(office, newsroom=newsroom, people=people, evidence="sheets"):
        assert not batch.refused


def recipients(*servers: ScriptedServer) -> Counter[str]:
    """How often each reader's mail was kept, by all of them together."""
    return Counter(message.recipient for server in servers for message in server.messages)


def fates(office: Office, mailing_id: int = 1) -> dict[str, str]:
    """What became of each reader of a mailing, by mailbox."""
    query = (
        select(subscriber.c.mailbox, delivery.c.state)
        .join_from(delivery, subscription)
        .join(subscriber)
        .where(delivery.c.mailing_id == mailing_id)
    )
    with office.database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def doubted(office: Office) -> set[str]:
    """The readers of whom it is on record that a copy may have left unseen."""
    query = (
        select(subscriber.c.mailbox)
        .join_from(attempt, delivery)
        .join(subscription)
        .join(subscriber)
        .where(attempt.c.result == "unknown")
    )
    with office.database.read() as connection:
        return set(connection.scalars(query))


async def until(so: Callable[[], object]) -> None:
    """Wait in a loop until it is so."""
    async with asyncio.timeout(10):
        while not so():  # noqa: ASYNC110 - of what others write to a database there is no event
            await asyncio.sleep(0.005)


def delivery_of(content: bytes) -> int:
    """The number in a message's Message-ID."""
    found = re.search(rb"^Message-ID:\s*<(\d+)\.", content, re.MULTILINE)
    assert found is not None
    return int(found[1])


class Heard(logging.Handler):
    """Waits in a loop for log lines of one event."""

    def __init__(self, event: str) -> None:
        super().__init__()
        self._event = event
        self._heard = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the logger."""
        if record.getMessage() == self._event:
            self._heard.set()

    async def wait(self) -> None:
        """Until the event was logged in this loop."""
        async with asyncio.timeout(10):
            await self._heard.wait()


@contextmanager
def hearing(event: str, logger: str = "mailer.services.dispatch") -> Iterator[Heard]:
    """Listen for a log event."""
    handler = Heard(event)
    logging.getLogger(logger).addHandler(handler)
    try:
        yield handler
    finally:
        logging.getLogger(logger).removeHandler(handler)


class Troubled(Database):
    """A database whose next writing transactions go as scripted, then well.

    "refused": it cannot be reached. "unseen": the transaction is committed and nobody hears of it.
    "well": as always.
    """

    def __init__(self, url: str, script: Sequence[str] = ()) -> None:
        super().__init__(url)
        self.script = list(script)

    @contextmanager
    def write(self, **terms: bool) -> Iterator[Connection]:
        """As scripted."""
        step = self.script.pop(0) if self.script else "well"
        if step == "refused":
            raise ServiceMissing("The database is away")
        with super().write(**terms) as connection:
            yield connection
        if step == "unseen":
            raise ServiceMissing("The database hung up")
