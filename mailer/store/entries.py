"""Counts the codes that are typed on a page, and finds the request that a page and its code lead to.

Every wrong code takes the same statements, whatever stands behind the page: a request that waits, one that
was answered with nothing to confirm, or none at all.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, or_, select, update

from mailer.store.columns import dialect_insert
from mailer.store.tables import guess, request, subscription

NOBODY = 0
"""The number of no request."""

_KEPT = timedelta(hours=1)  # longer than any page takes codes


def entries(connection: Connection, attempt: int) -> int:
    """How many codes were typed on a page."""
    query = select(guess.c.entries).where(guess.c.attempt == attempt)
    return int(connection.scalar(query) or 0)


def count_entry(connection: Connection, attempt: int, *, most: int, now: datetime) -> int | None:
    """Count one more code on a page, unless it took `most`; how many there are then, or None.

    One statement decides, however many press at once.
    """
    connection.execute(delete(guess).where(guess.c.made_at < now - _KEPT))
    counted = (
        dialect_insert(connection.dialect.name)(guess)
        .values(attempt=attempt, entries=1, made_at=now)
        .on_conflict_do_update(
            index_elements=[guess.c.attempt],
            set_={"entries": guess.c.entries + 1},
            where=guess.c.entries < most,
        )
        .returning(guess.c.entries)
    )
    return connection.execute(counted).scalar_one_or_none()


def count_for(connection: Connection, request_id: int, *, most: int) -> bool:
    """Count one more code for a request, on whatever page; False if it has had `most`, or is nobody's."""
    done = connection.execute(
        update(request)
        .where(request.c.id == request_id, request.c.entries < most)
        .values(entries=request.c.entries + 1)
    )
    return done.rowcount == 1


def led_to(connection: Connection, attempt: int, *, newsroom: str, since: datetime) -> int:
    """The request whose code a page takes; `NOBODY` where there is none.

    It is the page's own. Where that was answered with silence, because a mail had just gone out, it is
    the one which that mail was for: who sends the form twice has one mail and the second page.

    Args:
        since: when the mailed request was made at the earliest.
    """
    own, mailed = request.alias("own"), request.alias("mailed")
    just_before = and_(own.c.state == "answered", mailed.c.id < own.c.id, mailed.c.made_at >= since)
    query = (
        select(mailed.c.id)
        .join_from(own, mailed, mailed.c.subscription_id == own.c.subscription_id)
        .join(subscription, subscription.c.id == own.c.subscription_id)
        .where(
            own.c.attempt == attempt,
            subscription.c.newsroom == newsroom,
            mailed.c.kind == "signup",
            mailed.c.state.in_(["open", "confirmed"]),
            or_(mailed.c.id == own.c.id, just_before),
        )
    )
    # The last of a few. Asked for that one alone, PostgreSQL may go through all requests from the end.
    return max(connection.scalars(query), default=NOBODY)
