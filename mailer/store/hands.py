"""Who holds letters of a mailing, and whether anybody may still be handing some out."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from mailer.store.ledger_tables import chunk, delivery
from mailer.store.progress import awaits_first_try, in_chunk


@dataclass(frozen=True, slots=True)
class Hand:
    """A dispatcher that holds letters.

    Attributes:
        until: the end of its lease, if it does not renew it.
    """

    worker: str
    letters: int
    until: datetime | None


def in_hand(connection: Connection, mailing_id: int) -> list[Hand]:
    """Who holds letters of a mailing; the fewest rows are looked at."""
    first_tries = (
        select(chunk.c.worker, func.count(), func.min(chunk.c.lease_until))
        .join(delivery, in_chunk(mailing_id, chunk.c.lo, chunk.c.mark))
        .where(
            chunk.c.mailing_id == mailing_id,
            chunk.c.state == "leased",
            awaits_first_try(),
        )
        .group_by(chunk.c.worker)
    )
    retries = (
        select(delivery.c.worker, func.count(), func.min(delivery.c.lease_until))
        .where(
            delivery.c.mailing_id == mailing_id,
            delivery.c.state == "due",
            delivery.c.due_at.is_not(None),
            delivery.c.worker.is_not(None),
        )
        .group_by(delivery.c.worker)
    )
    found: dict[str, Hand] = {}
    for query in (first_tries, retries):
        for worker, letters, until in connection.execute(query):
            known = found.get(worker)
            found[worker] = Hand(worker, letters + (known.letters if known else 0), until)
    return sorted(found.values(), key=lambda hand: hand.worker)


def moment(connection: Connection) -> datetime | None:
    """The database's own present moment; None for SQLite, which has one writer at a time."""
    if connection.dialect.name == "sqlite":
        return None
    found: datetime | None = connection.scalar(text("SELECT clock_timestamp()"))
    return found


def older_writers(connection: Connection, since: datetime | None) -> bool:
    """Whether a transaction that began before `since` is still writing.

    On PostgreSQL one that read a mailing as open may hand out letters after somebody's hold of it was
    committed; once all older ones have ended, nobody will.
    """
    if since is None:
        return False
    asked = text(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL AND xact_start <= :since)"
    )
    return bool(connection.scalar(asked, {"since": since}))
