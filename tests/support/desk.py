"""A press desk for tests: readers by the hundred, releases let go, and the ledger's rows as they stand."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Row, select
from support.offices import UM

from mailer.core.delivery import Blame, Due, Outcome, Phase, Result, settle
from mailer.core.newsroom import Newsroom
from mailer.core.release import Block, Edition, ReleaseDocument, Run
from mailer.services import imports, press, publish
from mailer.services.office import Office
from mailer.services.publish import Published
from mailer.sources.address_list import Listed
from mailer.store import mailings
from mailer.store.ledger import Lease
from mailer.store.ledger_tables import attempt, chunk, delivery
from mailer.store.outcomes import Recorded
from mailer.store.tables import subscriber, subscription

Returned = TypeVar("Returned")

ACCEPTED = Outcome(Result.ACCEPTED, Phase.CONTENT, 250, "2.0.0", "kept", relay="r")
DEFERRED = Outcome(Result.DEFERRED, Phase.RCPT, 450, "4.2.2", "mailbox full", relay="r")
REFUSED = Outcome(Result.REFUSED, Phase.RCPT, 550, "5.1.1", "no such user", relay="r")
UNKNOWN = Outcome(Result.UNKNOWN, Phase.CONTENT, text="no reply", blame=Blame.RELAY, relay="r")


def addresses(count: int, *, prefix: str = "reader") -> list[str]:
    """So many mailboxes."""
    return [f"{prefix}{number}@example.org" for number in range(count)]


def import_readers(
    office: Office, count: int, *, newsroom: Newsroom = UM, prefix: str = "reader"
) -> list[str]:
    """Make so many readers active, by evidence; their mailboxes."""
    names = addresses(count, prefix=prefix)
    people = [Listed(line, name) for line, name in enumerate(names, 1)]
    for batch in imports.import_people(
        office, newsroom=newsroom, people=people, evidence="sign-up sheets"
    ):
        assert not batch.refused
    return names


def text(title: str = "Møde i Nævnet", words: str = "Mødet er på mandag.") -> Edition:
    """An edition in Danish."""
    return Edition("da", title, "Det vigtigste først.", (Block("paragraph", (Run(words),)),))


def approve(
    office: Office,
    edition: Edition | None = None,
    *,
    newsroom: Newsroom = UM,
    publish_at: datetime | None = None,
) -> int:
    """Add a release and let it go when its moment comes; its number."""
    document = ReleaseDocument(edition or text(), publish_at=publish_at)
    added = press.add_document(office, document, newsroom=newsroom.key, who="desk")
    press.send(office, added.id, who="desk")
    return added.id


def publish_one(office: Office, *, newsroom: Newsroom = UM, title: str = "Nyt") -> Published:
    """Publish one release at once."""
    approve(office, text(title), newsroom=newsroom)
    (done,) = publish.publish_due(office)
    assert isinstance(done, Published)
    return done


def lease(office: Office, worker: str = "one", seconds: float = 60) -> Lease:
    """A lease as of the office's clock."""
    now = office.clock()
    return Lease(worker, now, now + timedelta(seconds=seconds))


def came_of(due: Due, outcome: Outcome, office: Office, *, expired: bool = False) -> Recorded:
    """An outcome and what it means: a retry in five minutes, or none."""
    now = office.clock()
    again = None if expired else now + timedelta(minutes=5)
    soon = now + timedelta(minutes=1)
    return Recorded(due, outcome, settle(due, outcome, retry_at=again, soon=soon))


def states(office: Office) -> dict[str, int]:
    """How many deliveries stand in each state."""
    with office.database.read() as connection:
        return Counter(connection.scalars(select(delivery.c.state)))


def row_of(office: Office, delivery_id: int) -> Row[*tuple[Any, ...]]:
    """One delivery."""
    with office.database.read() as connection:
        return connection.execute(select(delivery).where(delivery.c.id == delivery_id)).one()


def attempts(office: Office, delivery_id: int | None = None) -> list[tuple[int, int, str]]:
    """Delivery, number and result of attempts on record, of all deliveries or one."""
    query = select(attempt.c.delivery_id, attempt.c.number, attempt.c.result)
    if delivery_id is not None:
        query = query.where(attempt.c.delivery_id == delivery_id)
    with office.database.read() as connection:
        return [
            (row[0], row[1], row[2]) for row in connection.execute(query.order_by(attempt.c.id))
        ]


def chunks(office: Office) -> list[Row[*tuple[Any, ...]]]:
    """Every chunk, in order."""
    with office.database.read() as connection:
        return list(connection.execute(select(chunk).order_by(chunk.c.mailing_id, chunk.c.lo)))


def progress_of(office: Office, mailing_id: int) -> tuple[str, int, int]:
    """A mailing's state, and how many are settled of how many."""
    with office.database.read() as connection:
        row = mailings.read(connection, mailing_id)
    assert row is not None
    return row.state, row.settled, row.audience


def mailbox_of(office: Office, delivery_id: int) -> str:
    """Whom a delivery is owed to."""
    query = (
        select(subscriber.c.mailbox)
        .join_from(delivery, subscription)
        .join(subscriber)
        .where(delivery.c.id == delivery_id)
    )
    with office.database.read() as connection:
        return str(connection.execute(query).scalar_one())


def race(*runners: Callable[[], Returned]) -> list[Returned]:
    """Run them in threads that start at one moment; their results in order, or the first fault."""
    barrier = threading.Barrier(len(runners))

    def run(runner: Callable[[], Returned]) -> Returned:
        barrier.wait()
        return runner()

    with ThreadPoolExecutor(len(runners)) as pool:
        return list(pool.map(run, runners))
