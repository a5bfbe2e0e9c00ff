"""Owes in the new text what of a mailing has not left, once nothing of it is in anybody's hand.

Few rows are written ahead of their time (`store.portions`), so there are few to change: those beyond the
marks of unfinished chunks, and those that wait for another try. Whatever has no row yet is written in
the new text by itself. No row is waited for: what somebody is writing to makes it too early.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, update

from mailer.store import copies
from mailer.store.ledger_tables import chunk, delivery, prepared
from mailer.store.progress import awaits_first_try, count_settled, in_chunk


def recast(connection: Connection, mailing_id: int, now: datetime) -> bool:
    """Owe what waits of a mailing in the text that took the place of its own.

    What ended unknown once may have left in the old text: it becomes `unknown` for good.

    Returns:
        False if somebody is writing to some of it: what was done is right, and more is to be done later.
    """
    chunks = _unfinished(connection, mailing_id)
    if chunks is None:
        return False
    for found in chunks:
        beyond = in_chunk(mailing_id, found.mark + 1, found.hi)
        _renew(connection, beyond & awaits_first_try())
    return _renew_waiting(connection, mailing_id, now)


def left(connection: Connection, mailing_id: int) -> bool:
    """Whether something of a cancelled mailing could still be handed out, by whoever began before that."""
    unswept = exists().where(
        chunk.c.mailing_id == mailing_id,
        chunk.c.state != "done",
        or_(chunk.c.state == "open", chunk.c.mark < chunk.c.hi),
    )
    return bool(connection.scalar(select(unswept | exists().where(*_waits(mailing_id)))))


def message_now() -> ColumnElement[Any]:
    """Of a delivery: the message it is to be sent in, its own or the one that took that one's place."""
    successor = (
        select(prepared.c.superseded_by)
        .where(prepared.c.id == delivery.c.prepared_id)
        .correlate(delivery)
        .scalar_subquery()
    )
    return func.coalesce(successor, delivery.c.prepared_id)


def stale(mailing_id: int) -> ColumnElement[bool]:
    """Of a mailing's deliveries: another message took the place of its own."""
    return delivery.c.prepared_id.in_(_stale(mailing_id))


def _unfinished(connection: Connection, mailing_id: int) -> list[Any] | None:
    """A mailing's chunks with something beyond their mark, locked; None if one is locked already."""
    which = (
        chunk.c.mailing_id == mailing_id,
        chunk.c.state != "done",
        chunk.c.mark < chunk.c.hi,
    )
    free = connection.execute(
        select(chunk.c.lo, chunk.c.hi, chunk.c.mark)
        .where(*which)
        .order_by(chunk.c.lo)
        .with_for_update(skip_locked=True)
    ).all()
    number = connection.scalar(select(func.count()).select_from(chunk).where(*which))
    return list(free) if len(free) == number else None


def _renew_waiting(connection: Connection, mailing_id: int, now: datetime) -> bool:
    """The same for what waits for another try."""
    which = (*_waits(mailing_id), stale(mailing_id))
    free = list(
        connection.scalars(select(delivery.c.id).where(*which).with_for_update(skip_locked=True))
    )
    number = connection.scalar(select(func.count()).select_from(delivery).where(*which))
    if number != len(free):
        return False
    for start in range(0, len(free), 500):
        some = delivery.c.id.in_(free[start : start + 500])
        unknown = connection.execute(
            update(delivery)
            .where(some, copies.doubted(delivery))
            .values(state="unknown", settled_at=now, due_at=None)
        ).rowcount
        count_settled(connection, [mailing_id] * unknown)
        _renew(connection, some & (delivery.c.state == "due"))
    return True


def _renew(connection: Connection, which: ColumnElement[bool]) -> None:
    connection.execute(update(delivery).where(which).values(prepared_id=message_now()))


def _stale(mailing_id: int) -> Any:
    return select(prepared.c.id).where(
        prepared.c.mailing_id == mailing_id, prepared.c.superseded_by.is_not(None)
    )


def _waits(mailing_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        delivery.c.mailing_id == mailing_id,
        delivery.c.state == "due",
        delivery.c.due_at.is_not(None),
    )
