"""Ends leases well: given back by the living, taken over from the dead, and nothing sent twice unknowingly.

A lease alone is never permission to send again. What a dead worker was handed and did not settle may
have left: each such delivery first goes on record as `unknown`, and only then, where the newsroom's
policy is to resend, is it due again, with the same Message-ID and Date.
"""

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from mailer.core.delivery import Phase, Result
from mailer.store.ledger import Lease
from mailer.store.ledger_tables import attempt, chunk, delivery, mailing
from mailer.store.progress import awaits_first_try, count_settled


def give_back(connection: Connection, lease: Lease) -> None:
    """Free everything this worker holds.

    It has recorded an outcome for all it began, so what still waits below a mark was never begun:
    the mark moves back to before it.
    """
    unbegun = (
        select(func.min(delivery.c.id) - 1)
        .where(
            delivery.c.mailing_id == chunk.c.mailing_id,
            delivery.c.id.between(chunk.c.lo, chunk.c.mark),
            awaits_first_try(),
        )
        .correlate(chunk)
        .scalar_subquery()
    )
    connection.execute(
        update(chunk)
        .where(chunk.c.worker == lease.worker, chunk.c.state == "leased")
        .values(
            mark=func.coalesce(unbegun, chunk.c.mark), state="open", worker=None, lease_until=None
        )
    )
    connection.execute(
        update(delivery).where(*_claimed(lease)).values(worker=None, lease_until=None)
    )


def renew(connection: Connection, lease: Lease) -> None:
    """Say that the worker lives: move the end of all its leases."""
    connection.execute(
        update(chunk)
        .where(chunk.c.state == "leased", chunk.c.worker == lease.worker)
        .values(lease_until=lease.until)
    )
    connection.execute(update(delivery).where(*_claimed(lease)).values(lease_until=lease.until))


def _claimed(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    """What this worker claimed one by one; the index over what is due alone finds it."""
    return (
        delivery.c.state == "due",
        delivery.c.due_at.is_not(None),
        delivery.c.worker == lease.worker,
    )


def anything_lost(connection: Connection, lease: Lease, dead: Sequence[str]) -> bool:
    """Whether `take_over` would find something, by a look that takes no lock."""
    chunks = exists().where(*_lost_chunks(lease, dead))
    return bool(connection.scalar(select(or_(chunks, exists().where(*_lost_rows(lease, dead))))))


def take_over(connection: Connection, lease: Lease, dead: Sequence[str]) -> int:
    """Free what dead workers held, and put every delivery they may have sent on record as unknown.

    Args:
        dead: workers known to be gone. Leases whose end has passed are taken over from anybody.

    Returns:
        How many deliveries were in doubt.
    """
    chunks = connection.execute(
        select(chunk.c.mailing_id, chunk.c.lo, chunk.c.mark)
        .where(*_lost_chunks(lease, dead))
        .with_for_update(skip_locked=True)
    ).all()
    doubtful = 0
    for found in chunks:
        handed = and_(
            delivery.c.mailing_id == found.mailing_id,
            delivery.c.id.between(found.lo, found.mark),
            awaits_first_try(),
        )
        doubtful += _doubt(connection, lease, handed)
        # A row that somebody is writing to was passed over: its chunk stays lost until that is over.
        connection.execute(
            update(chunk)
            .where(
                chunk.c.mailing_id == found.mailing_id,
                chunk.c.lo == found.lo,
                ~exists().where(handed),
            )
            .values(state="open", worker=None, lease_until=None)
        )
    return doubtful + _doubt(connection, lease, and_(*_lost_rows(lease, dead)))


def _lost_chunks(lease: Lease, dead: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        chunk.c.state == "leased",
        chunk.c.worker != lease.worker,
        or_(chunk.c.lease_until < lease.now, chunk.c.worker.in_(dead)),
    )


def _lost_rows(lease: Lease, dead: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return (
        delivery.c.state == "due",
        delivery.c.due_at <= lease.now,
        delivery.c.worker != lease.worker,
        or_(delivery.c.lease_until < lease.now, delivery.c.worker.in_(dead)),
    )


def _doubt(connection: Connection, lease: Lease, which: ColumnElement[bool]) -> int:
    ids = list(
        connection.scalars(select(delivery.c.id).where(which).with_for_update(skip_locked=True))
    )
    if not ids:
        return 0
    chosen = delivery.c.id.in_(ids)
    columns = ["delivery_id", "number", "at", "relay", "phase", "result", "code", "enhanced"]
    connection.execute(
        insert(attempt).from_select(
            [*columns, "text", "blame"],
            select(
                delivery.c.id,
                delivery.c.attempts + 1,
                bindparam("now", lease.now, type_=attempt.c.at.type),
                literal(""),
                literal(Phase.CONTENT.value),
                literal(Result.UNKNOWN.value),
                literal(0),
                literal(""),
                literal("the dispatcher died before it recorded an outcome"),
                literal("relay"),
            ).where(chosen),
        )
    )
    held = select(mailing.c.id).where(mailing.c.unknown == "hold")
    on_hold = and_(chosen, delivery.c.mailing_id.in_(held))
    counted = {"attempts": delivery.c.attempts + 1, "worker": None, "lease_until": None}
    holding = list(connection.scalars(select(delivery.c.mailing_id).where(on_hold)))
    connection.execute(
        update(delivery).where(on_hold).values(state="unknown", settled_at=lease.now, **counted)
    )
    connection.execute(
        update(delivery)
        .where(chosen, delivery.c.state == "due")
        .values(due_at=lease.now, **counted)
    )
    count_settled(connection, holding)
    return len(ids)
