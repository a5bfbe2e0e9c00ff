"""A lease: who holds deliveries, and until when."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select, text

from mailer.store.ledger_tables import chunk


@dataclass(frozen=True, slots=True)
class Lease:
    """Who takes, when, and until when it is theirs.

    Attributes:
        now: by the worker's own clock.
        until: by the clock that all workers of this database share.
        shared_now: the present moment by that clock; None where it is the worker's own.
    """

    worker: str
    now: datetime
    until: datetime
    shared_now: datetime | None = None

    @property
    def clock(self) -> datetime:
        """What the ends of leases are compared with."""
        return self.shared_now or self.now


def shared_now(connection: Connection) -> datetime | None:
    """The present moment by the clock that all workers of this database share; None where that is their own.

    A SQLite file has one machine. PostgreSQL's server tells the time to all its clients: a machine whose
    clock is wrong, or jumps, ends nobody's lease.
    """
    if connection.dialect.name == "sqlite":
        return None
    found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found.astimezone(UTC)


def own_windows(connection: Connection, lease: Lease) -> list[range]:
    """The numbers of the first tries that are this worker's, which nobody takes over meanwhile.

    What it was handed once and somebody has taken over is not among them.
    """
    rows = connection.execute(
        select(chunk.c.lo, chunk.c.mark)
        .where(chunk.c.state != "done", chunk.c.worker == lease.worker)
        .order_by(chunk.c.mailing_id, chunk.c.lo)
        .with_for_update(read=True)
    )
    return [range(row.lo, row.mark + 1) for row in rows]
