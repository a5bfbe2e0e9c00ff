"""Whose word a release has: each operator's once, and for the text that they saw alone."""

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from mailer.store.release_tables import approval, edition


def give(connection: Connection, release_id: int, *, who: str, now: datetime) -> int:
    """Note an operator's word for the newest text of a release that is locked; how many have given theirs."""
    newest = connection.scalar(
        select(func.max(edition.c.id)).where(edition.c.release_id == release_id)
    )
    of = (approval.c.release_id == release_id) & (approval.c.who == who[:100])
    done = connection.execute(update(approval).where(of).values(edition_id=newest, at=now))
    if not done.rowcount:
        connection.execute(
            insert(approval).values(release_id=release_id, who=who[:100], edition_id=newest, at=now)
        )
    return len(given(connection, release_id))


def given(connection: Connection, release_id: int) -> list[str]:
    """Who gave their word for a release's newest text."""
    newest = select(func.max(edition.c.id)).where(edition.c.release_id == release_id)
    return list(
        connection.scalars(
            select(approval.c.who)
            .where(
                approval.c.release_id == release_id,
                approval.c.edition_id == newest.scalar_subquery(),
            )
            .order_by(approval.c.at, approval.c.who)
        )
    )


def take_back(connection: Connection, release_id: int) -> None:
    """Nobody's word for it counts any more."""
    connection.execute(delete(approval).where(approval.c.release_id == release_id))
