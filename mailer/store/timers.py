"""Keeps when something must be done again, so that of all processes one does it."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from mailer.store.retention_tables import timer


def due_at(connection: Connection, name: str) -> datetime:
    """When the timer is due; it has been set ever since the tables were made."""
    found = connection.execute(select(timer.c.next_at).where(timer.c.name == name))
    moment: datetime = found.scalar_one()
    return moment


def claim(connection: Connection, name: str, now: datetime, until: datetime) -> bool:
    """Take what is due in hand until that moment; whether this very call did it.

    Who dies meanwhile is followed by another then.
    """
    done = connection.execute(
        update(timer).where(timer.c.name == name, timer.c.next_at <= now).values(next_at=until)
    )
    return done.rowcount == 1


def put_off(connection: Connection, name: str, at: datetime) -> None:
    """Set when the timer is due again."""
    connection.execute(update(timer).where(timer.c.name == name).values(next_at=at))
