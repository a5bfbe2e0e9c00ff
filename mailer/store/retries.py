"""Makes deliveries due again at an operator's word.

What was reopened is due one by one, like any retry, and its mailing counts it as settled no longer; a
finished mailing is open again. Attempts are kept. Nothing here touches what was accepted, ended or
cancelled, nor anything of a cancelled mailing.

Of digests in which something was corrected or withdrawn since, what failed waits again instead, for digests
made anew (`store.remaking`).

Every delivery that was refused, expired or is unknown has an attempt on record, and a mailing's
deliveries lie between the ends of its chunks: so a handful is found among a million without an index
that every acceptance would have to keep.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, select, true, update

from mailer.store import copies, remaking
from mailer.store.ledger_tables import attempt, chunk, delivery, mailing, prepared
from mailer.store.recasting import message_now, stale

AMISS = ("refused", "expired", "unknown")
"""Settled states that an operator may reopen."""
FAILED = ("refused", "expired")
KINDS = ("deferred", *AMISS)

_WAITS = (delivery.c.state == "due", delivery.c.due_at.is_not(None))


def amiss(connection: Connection, mailing_id: int) -> dict[str, int]:
    """How many deliveries of a mailing were refused, expired or are unknown; those alone that occur."""
    rows = connection.execute(
        select(delivery.c.state, func.count())
        .where(tried(mailing_id), delivery.c.state.in_(AMISS))
        .group_by(delivery.c.state)
    )
    return {row[0]: row[1] for row in rows}


def deferred(connection: Connection, mailing_id: int) -> int:
    """How many deliveries of a mailing wait to be tried again, in a dispatcher's hand or not."""
    query = select(func.count()).where(delivery.c.mailing_id == mailing_id, *_WAITS)
    return int(connection.scalar(query) or 0)


def retriable(
    connection: Connection, mailing_id: int, kinds: Collection[str], now: datetime
) -> dict[str, int]:
    """How many deliveries of each kind `reopen` would make due now."""
    counts = {}
    for kind in _ordered(kinds):
        query = select(func.count()).select_from(delivery).where(_of_kind(mailing_id, kind, now))
        counts[kind] = int(connection.scalar(query) or 0)
    return counts


def reopen(
    connection: Connection, mailing_id: int, kinds: Collection[str], now: datetime
) -> dict[str, int]:
    """Make deliveries of these kinds due now; a row that somebody is writing to is left alone.

    Returns:
        How many of each kind; nothing at all of a cancelled mailing.
    """
    if not lock_living(connection, mailing_id):
        return {}
    due, anew = {}, {}
    for kind in _ordered(kinds):
        which = _of_kind(mailing_id, kind, now)
        anew[kind] = remaking.make_anew(connection, which) if kind in FAILED else 0
        due[kind] = _make_due(connection, and_(which, _as_it_is(kind)), now)
    count_reopened(connection, mailing_id, sum(due.get(kind, 0) for kind in AMISS))
    return {kind: due[kind] + anew[kind] for kind in due}


def waiting_notices(connection: Connection, newsroom: str | None, now: datetime) -> int:
    """How many notices wait to be tried again later, of all newsrooms or one."""
    query = select(func.count()).select_from(delivery).where(_notice(newsroom, now))
    return int(connection.scalar(query) or 0)


def hasten_notices(connection: Connection, newsroom: str | None, now: datetime) -> int:
    """Make those notices due now; how many there were."""
    return _make_due(connection, _notice(newsroom, now), now)


def tried(mailing_id: int) -> ColumnElement[bool]:
    """Deliveries of a mailing with an attempt on record."""
    of_mailing = chunk.c.mailing_id == mailing_id
    first = select(func.min(chunk.c.lo)).where(of_mailing).scalar_subquery()
    last = select(func.max(chunk.c.hi)).where(of_mailing).scalar_subquery()
    numbers = select(attempt.c.delivery_id).where(attempt.c.delivery_id.between(first, last))
    # The sum keeps SQLite from reading the whole mailing through its own index.
    return and_(delivery.c.mailing_id + 0 == mailing_id, delivery.c.id.in_(numbers))


def lock_living(connection: Connection, mailing_id: int) -> bool:
    """Lock a mailing, so that it is not cancelled meanwhile; False if it was."""
    state = connection.scalar(
        select(mailing.c.state).where(mailing.c.id == mailing_id).with_for_update()
    )
    return state != "cancelled"


def count_reopened(connection: Connection, mailing_id: int, number: int) -> None:
    """So many deliveries of a mailing are settled no longer."""
    if number:
        finished = mailing.c.state == "finished"
        connection.execute(
            update(mailing)
            .where(mailing.c.id == mailing_id)
            .values(
                settled_otherwise=mailing.c.settled_otherwise - number,
                state=case((finished, "open"), else_=mailing.c.state),
                finished_at=None,
            )
        )


def due_again(now: datetime) -> dict[str, Any]:
    """What a row says that is due now, whatever it said before."""
    return {"state": "due", "due_at": now, "settled_at": None}


def _make_due(connection: Connection, which: ColumnElement[bool], now: datetime) -> int:
    # A dispatcher that records an outcome holds rows and wants the mailing, we hold the mailing: so no
    # row is waited for.
    free = select(delivery.c.id).where(which).with_for_update(skip_locked=True)
    done = connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(free))
        .values(due_again(now) | {"prepared_id": message_now()})
    )
    return done.rowcount


def _of_kind(mailing_id: int, kind: str, now: datetime) -> ColumnElement[bool]:
    if kind == "deferred":
        return and_(delivery.c.mailing_id == mailing_id, *_later(now))
    of_kind = and_(tried(mailing_id), delivery.c.state == kind)
    # Who may hold a text that was corrected since got the correction.
    if kind == "unknown":
        return and_(of_kind, ~stale(mailing_id), remaking.once_more())
    told = and_(stale(mailing_id), copies.left(delivery))
    return and_(of_kind, ~told, remaking.holds_anything())


def _as_it_is(kind: str) -> ColumnElement[bool]:
    return remaking.as_it_is() if kind in FAILED else true()


def _later(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (*_WAITS, delivery.c.due_at > now, delivery.c.worker.is_(None))


def _notice(newsroom: str | None, now: datetime) -> ColumnElement[bool]:
    tried_once = exists().where(attempt.c.delivery_id == delivery.c.id)  # else it awaits its turn
    waits = and_(delivery.c.mailing_id.is_(None), tried_once, *_later(now))
    if newsroom is None:
        return waits
    of_room = select(prepared.c.id).where(
        prepared.c.newsroom == newsroom, prepared.c.mailing_id.is_(None)
    )
    return and_(waits, delivery.c.prepared_id.in_(of_room))


def _ordered(kinds: Collection[str]) -> list[str]:
    return [kind for kind in KINDS if kind in kinds]
