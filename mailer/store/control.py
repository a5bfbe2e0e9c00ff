"""Stops, resumes and cancels mailings so that what was reached can be said exactly.

A mailing is open, held, finished or cancelled; one UPDATE decides each change, so that of two operators one
makes it and both see it.

1. A dispatcher takes from open mailings alone. What it was handed before is *in hand*: first tries up
   to the mark of a leased chunk, and retries with a worker. It gives back what it had not begun and
   records what it had.
2. Cancelling settles what is due and in nobody's hand. Chunks are locked first, for whoever hands
   something out locks them too; open ones are closed, leased ones end at their mark from now on.
3. What comes back from a hand afterwards is settled by `sweep`, until nothing is due; then the
   mailing's end is noted.
   Those of the audience that have no row yet get one that says cancelled, a portion a sweep.
4. A delivery whose attempt once ended unknown may have left. It becomes `unknown`; `cancelled` is said
   of what certainly never left.
5. Beyond its own mailing's row a sweep waits for no lock: what somebody is writing to is left to the
   next one. So it can lock nobody out, whatever its caller holds.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    exists,
    or_,
    select,
    update,
)

from mailer.core.delivery import Result
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import attempt, chunk, delivery, mailing
from mailer.store.portions import cancel_more
from mailer.store.progress import COMPLETE, NOTHING_LEFT, awaits_first_try, count_settled
from mailer.store.tables import amendment, release

CORRECTING = "being corrected: goes on by itself"
"""Why a mailing is held until nothing of what is corrected is in hand; any other reason stays."""
CHUNKS_AT_ONCE = 40
"""Chunks that one sweep settles, 20,000 deliveries: others want to write too."""


def pause(connection: Connection, mailing_id: int, reason: str) -> bool:
    """Hold an open mailing; False if it is not open."""
    done = connection.execute(
        update(mailing)
        .where(
            mailing.c.id == mailing_id,
            or_(mailing.c.state == "open", mailing.c.hold_reason == CORRECTING),
        )
        .values(state="held", hold_reason=reason[:300])
    )
    return bool(done.rowcount)


def resume(connection: Connection, mailing_id: int, now: datetime) -> bool:
    """Open a held mailing, or finish it where nothing is left of it; False if it is not held.

    While what is corrected of its release, or of one in its digests, awaits what is on the wire, it goes on
    by itself as soon as that is settled.
    """
    awaits = exists().where(amendment.c.settled_at.is_(None), _concerns(amendment.c.release_id))
    done = connection.execute(
        update(mailing)
        .where(
            mailing.c.id == mailing_id,
            mailing.c.state == "held",
            or_(~awaits, mailing.c.hold_reason.is_distinct_from(CORRECTING)),
        )
        .values(
            state=case((awaits, "held"), else_="open"),
            hold_reason=case((awaits, CORRECTING), else_=None),
        )
    )
    # Nothing would wake a dispatcher that finds this out.
    connection.execute(
        update(mailing)
        .where(
            mailing.c.id == mailing_id,
            mailing.c.state == "open",
            COMPLETE,
        )
        .values(state="finished", finished_at=now)
    )
    return bool(done.rowcount)


def corrected(connection: Connection) -> list[int]:
    """The mailings that are held until corrections are settled, whichever those are.

    What was corrected may have been in a digest when that was stopped, and not be any more. Without the
    notices of corrections: those may wait for more (`store.outlived`).
    """
    awaits = (mailing.c.state == "held", mailing.c.hold_reason == CORRECTING)
    return list(
        connection.scalars(select(mailing.c.id).where(*awaits, mailing.c.kind != "correction"))
    )


def hasten(connection: Connection, mailing_id: int) -> None:
    """Have a mailing that is not over overtake others from now on."""
    connection.execute(
        update(mailing)
        .where(mailing.c.id == mailing_id, mailing.c.state.in_(["open", "held"]))
        .values(urgent=True)
    )


def cancel(connection: Connection, mailing_id: int, now: datetime) -> bool:
    """End an open or held mailing, and settle what is due of it as far as one sweep gets.

    Returns:
        False if it was over already; then nothing is done.
    """
    done = connection.execute(
        update(mailing)
        .where(mailing.c.id == mailing_id, mailing.c.state.in_(["open", "held"]))
        .values(state="cancelled", hold_reason=None)
    )
    if done.rowcount:
        _sweep_one(connection, mailing_id, now)
    return bool(done.rowcount)


def end_embargoed(
    connection: Connection, mailing_ids: Collection[int], now: datetime
) -> frozenset[int]:
    """Of early copies, and notices that an embargo was moved: end those that name a moment that has passed.

    Their readers get the release itself, which nothing but its publishing keeps from them any more.

    Returns:
        Those of these mailings; one that somebody is writing to is ended by the next who asks.
    """
    until = case(
        (mailing.c.kind == "early", release.c.embargo_until), else_=amendment.c.embargo_until
    )
    over = (
        select(mailing.c.id)
        .join(release, release.c.id == mailing.c.release_id)
        .outerjoin(amendment, amendment.c.mailing_id == mailing.c.id)
        .where(mailing.c.id.in_(mailing_ids), until <= now)
        .order_by(mailing.c.id)
    )
    for number in connection.scalars(over.with_for_update(of=mailing, skip_locked=True)).all():
        cancel(connection, number, now)
    return frozenset(connection.scalars(over))


def unswept(connection: Connection, mailing_id: int | None = None) -> bool:
    """Whether a cancelled mailing, or this one, awaits its end: then a sweep may find something to do."""
    return connection.scalar(_ending(mailing_id).limit(1)) is not None


def sweep(connection: Connection, now: datetime, mailing_id: int | None = None) -> int:
    """Settle what is due of cancelled mailings and in nobody's hand, and note the end of those that are over.

    To be called until it returns 0, and again when something was given back.

    Args:
        mailing_id: of this one alone.

    Returns:
        How many deliveries were settled.
    """
    query = _SWEPT if mailing_id is None else _ending(mailing_id).with_for_update(skip_locked=True)
    ending = list(connection.scalars(query))
    return sum(_sweep_one(connection, each, now) for each in ending)


def _ending(mailing_id: int | None) -> Select[int]:
    query = select(mailing.c.id).where(
        mailing.c.state == "cancelled", mailing.c.finished_at.is_(None)
    )
    if mailing_id is not None:
        query = query.where(mailing.c.id == mailing_id)
    return query.order_by(mailing.c.id)


_SWEPT = _ending(None).with_for_update(skip_locked=True)  # made once: every turn asks


def _sweep_one(connection: Connection, mailing_id: int, now: datetime) -> int:
    settled = 0
    for row in _unswept(connection, mailing_id):
        settled += _cancel_chunk(connection, mailing_id, row, now)
    settled += _cancel_waiting(connection, mailing_id, now)
    settled += cancel_more(connection, mailing_id, now)
    count_settled(connection, {mailing_id: settled})
    connection.execute(
        update(mailing).where(mailing.c.id == mailing_id, NOTHING_LEFT).values(finished_at=now)
    )
    return settled


def _unswept(connection: Connection, mailing_id: int) -> list[Row[*tuple[Any, ...]]]:
    """Chunks that are open, or leased with something beyond their mark; locked."""
    return list(
        connection.execute(
            select(chunk.c.lo, chunk.c.hi, chunk.c.mark, chunk.c.state)
            .where(
                chunk.c.mailing_id == mailing_id,
                chunk.c.state != "done",
                or_(chunk.c.state == "open", chunk.c.mark < chunk.c.hi),
            )
            .order_by(chunk.c.lo)
            .limit(CHUNKS_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
    )


def _cancel_chunk(
    connection: Connection, mailing_id: int, row: Row[*tuple[Any, ...]], now: datetime
) -> int:
    leased = row.state == "leased"
    cancelled = connection.execute(
        update(delivery)
        .where(
            delivery.c.id.between(row.mark + 1 if leased else row.lo, row.hi),
            _of(mailing_id),
            awaits_first_try(),
        )
        .values(state="cancelled", settled_at=now)
    )
    over = {"hi": chunk.c.mark} if leased else {"state": "done"}
    connection.execute(
        update(chunk).where(chunk.c.mailing_id == mailing_id, chunk.c.lo == row.lo).values(over)
    )
    return cancelled.rowcount


def _cancel_waiting(connection: Connection, mailing_id: int, now: datetime) -> int:
    """Retries that nobody holds; those that may have left once are unknown."""
    free = (
        select(delivery.c.id)
        .where(delivery.c.mailing_id == mailing_id, *_alone(), delivery.c.worker.is_(None))
        .with_for_update(skip_locked=True)
    )
    may_have_left = exists().where(
        attempt.c.delivery_id == delivery.c.id, attempt.c.result == Result.UNKNOWN
    )
    done = connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(free))
        .values(
            state=case((may_have_left, "unknown"), else_="cancelled"), settled_at=now, due_at=None
        )
    )
    return done.rowcount


def _of(mailing_id: int) -> ColumnElement[bool]:
    """Of this mailing, of rows that are found by their numbers.

    The sum keeps SQLite from finding them through the mailing's own index instead, one in a million.
    """
    return delivery.c.mailing_id + 0 == mailing_id


def _alone() -> tuple[ColumnElement[bool], ...]:
    """Retries: due one by one."""
    return (delivery.c.state == "due", delivery.c.due_at.is_not(None))


def _concerns(release_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Of a mailing: it is of that release, or of digests and it lies in one of them."""
    lies = (
        select(digest_due.c.release_id)
        .join(delivery, delivery.c.id == digest_due.c.delivery_id)
        .where(digest_due.c.release_id == release_id, delivery.c.mailing_id == mailing.c.id)
        .correlate(mailing, amendment)
    )
    return or_(mailing.c.release_id == release_id, and_(mailing.c.kind == "digest", exists(lies)))
