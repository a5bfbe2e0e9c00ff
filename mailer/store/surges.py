"""Remembers that sign-ups explode, lane by lane, and until when at least."""

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from mailer.store.columns import insert_ignoring
from mailer.store.gate_tables import surge


def note(connection: Connection, lane: str, now: datetime, until: datetime) -> bool:
    """Remember that sign-ups of a lane explode, at least until then; whether that is news."""
    begins = insert_ignoring(connection, surge).values(lane=lane, since=now, until=until)
    if connection.scalar(begins.returning(surge.c.lane)) is not None:
        return True
    calm_again = surge.c.until <= now
    done = connection.execute(
        update(surge).where(surge.c.lane == lane, calm_again).values(since=now, until=until)
    )
    if done.rowcount == 1:
        return True
    # Written again only now and then: it is one row for everybody.
    slack = (until - now) / 10
    connection.execute(
        update(surge)
        .where(surge.c.lane == lane, surge.c.until <= until - slack)
        .values(until=until)
    )
    return False


def under_way(connection: Connection, now: datetime) -> dict[str, datetime]:
    """The lanes whose sign-ups explode, and since when."""
    rows = connection.execute(select(surge.c.lane, surge.c.since).where(surge.c.until > now))
    return {row.lane: row.since for row in rows}


def end(connection: Connection, *, until: datetime | None = None) -> list[str]:
    """Forget explosions; those alone that were over by `until`, where it is given. Their lanes."""
    query = delete(surge)
    if until is not None:
        query = query.where(surge.c.until <= until)
    return list(connection.scalars(query.returning(surge.c.lane)))
