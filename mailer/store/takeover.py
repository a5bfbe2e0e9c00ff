"""Ends leases well: given back by the living, taken over from the dead, and nothing sent twice unknowingly.

A lease alone is never permission to send again. What a dead worker began and did not settle may have
left: each such delivery first goes on record as `unknown`, and only then, where the newsroom's policy
is to resend, is it due again, with the same Message-ID and Date. What it began its flight journal
tells; where that is not at hand (another machine's, or this one went down) it is all it was handed.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
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

from mailer.core.delivery import Blame, Phase, Result
from mailer.store.lease import Lease, own_windows
from mailer.store.ledger_tables import attempt, chunk, delivery, mailing
from mailer.store.progress import awaits_first_try, count_settled, in_chunk


def give_back(connection: Connection, lease: Lease) -> None:
    """Free everything this worker holds.

    It has recorded an outcome for all it began, so what still waits below a mark was never begun:
    the mark moves back to before it.
    """
    connection.execute(
        update(chunk)
        .where(chunk.c.worker == lease.worker, chunk.c.state == "leased")
        .values(_freed())
    )
    connection.execute(
        update(delivery).where(*_claimed(lease)).values(worker=None, lease_until=None)
    )


def put_off(
    connection: Connection, lease: Lease, deliveries: Collection[int], until: datetime
) -> None:
    """Let go of some deliveries that this worker was handed and did not begin; each is due again then."""
    if not deliveries:
        return
    ours = own_windows(connection, lease)
    first_tries = [number for number in deliveries if any(number in window for window in ours)]
    connection.execute(
        update(delivery)
        .where(
            delivery.c.state == "due",
            or_(
                and_(delivery.c.id.in_(deliveries), delivery.c.worker == lease.worker),
                and_(delivery.c.id.in_(first_tries), delivery.c.due_at.is_(None)),
            ),
        )
        .values(due_at=until, worker=None, lease_until=None)
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


def lost(connection: Connection, lease: Lease, dead: Collection[str]) -> list[str]:
    """Who holds what has to be taken over: the dead, and those whose leases have ended. Takes no lock."""
    held_chunk, held_row = _lost_chunk(lease, dead), _lost_row(lease, dead)
    rows = connection.scalars(
        select(chunk.c.worker).where(held_chunk).union(select(delivery.c.worker).where(held_row))
    )
    return sorted(rows)


def take_over(
    connection: Connection,
    lease: Lease,
    worker: str,
    *,
    dead: bool,
    begun: Collection[int] | None,
) -> int:
    """Free what a worker held, and put every delivery it may have sent on record as unknown.

    Args:
        dead: it is known to be gone; otherwise only what it leased until now or earlier is taken.
        begun: nothing else can have left; None where nobody knows: then all it was handed may have.

    Returns:
        How many deliveries were in doubt.
    """
    gone = (worker,) if dead else ()
    chunks = connection.execute(
        select(chunk.c.mailing_id, chunk.c.lo, chunk.c.mark)
        .where(chunk.c.worker == worker, _lost_chunk(lease, gone))
        .with_for_update(skip_locked=True)
    ).all()
    doubtful = 0
    for found in chunks:
        handed = and_(in_chunk(found.mailing_id, found.lo, found.mark), awaits_first_try())
        in_doubt = _among(handed, begun)
        doubtful += _doubt(connection, lease, in_doubt)
        # A row that somebody is writing to was passed over: its chunk stays lost until that is over.
        connection.execute(
            update(chunk)
            .where(
                chunk.c.mailing_id == found.mailing_id,
                chunk.c.lo == found.lo,
                ~exists().where(in_doubt),
            )
            .values(_freed())
        )
    alone = and_(delivery.c.worker == worker, _lost_row(lease, gone))
    doubtful += _doubt(connection, lease, _among(alone, begun))
    if begun is not None:
        never_begun = and_(alone, delivery.c.id.not_in(begun))
        connection.execute(
            update(delivery).where(never_begun).values(worker=None, lease_until=None)
        )
    return doubtful


def _among(which: ColumnElement[bool], begun: Collection[int] | None) -> ColumnElement[bool]:
    return which if begun is None else and_(which, delivery.c.id.in_(begun))


def _freed() -> dict[str, Any]:
    """A chunk without a worker; its mark moves back to before what was never begun."""
    unbegun = (
        select(func.min(delivery.c.id) - 1)
        .where(in_chunk(chunk.c.mailing_id, chunk.c.lo, chunk.c.mark), awaits_first_try())
        .correlate(chunk)
        .scalar_subquery()
    )
    mark = func.coalesce(unbegun, chunk.c.mark)
    return {"mark": mark, "state": "open", "worker": None, "lease_until": None}


def _lost_chunk(lease: Lease, dead: Collection[str]) -> ColumnElement[bool]:
    return and_(
        chunk.c.state == "leased",
        chunk.c.worker != lease.worker,
        or_(chunk.c.lease_until < lease.clock, chunk.c.worker.in_(dead)),
    )


def _lost_row(lease: Lease, dead: Collection[str]) -> ColumnElement[bool]:
    return and_(
        delivery.c.state == "due",
        delivery.c.due_at.is_not(None),
        delivery.c.worker != lease.worker,
        or_(delivery.c.lease_until < lease.clock, delivery.c.worker.in_(dead)),
    )


def _doubt(connection: Connection, lease: Lease, which: ColumnElement[bool]) -> int:
    """Put deliveries on record as unknown; then they are held, or due again. How many there were."""
    ids = list(
        connection.scalars(select(delivery.c.id).where(which).with_for_update(skip_locked=True))
    )
    if not ids:
        return 0
    chosen = delivery.c.id.in_(ids)
    connection.execute(insert(attempt).from_select(*_unknown_attempts(chosen, lease)))
    held = select(mailing.c.id).where(
        or_(mailing.c.unknown == "hold", mailing.c.state == "cancelled")
    )
    on_hold = and_(chosen, delivery.c.mailing_id.in_(held))
    counted = {"attempts": delivery.c.attempts + 1, "worker": None, "lease_until": None}
    holding = list(connection.scalars(select(delivery.c.mailing_id).where(on_hold)))
    connection.execute(
        update(delivery)
        .where(on_hold)
        .values(state="unknown", settled_at=lease.now, due_at=None, **counted)
    )
    connection.execute(
        update(delivery)
        .where(chosen, delivery.c.state == "due")
        .values(due_at=lease.now, **counted)
    )
    count_settled(connection, holding)
    return len(ids)


def _unknown_attempts(
    chosen: ColumnElement[bool], lease: Lease
) -> tuple[list[str], Select[*tuple[Any, ...]]]:
    """An attempt for each of the chosen deliveries: the columns, and what to put into them."""
    told: dict[str, ColumnElement[Any]] = {
        "delivery_id": delivery.c.id,
        "number": delivery.c.attempts + 1,
        "at": bindparam("now", lease.now, type_=attempt.c.at.type),
        "relay": literal(""),
        "phase": literal(Phase.CONTENT.value),
        "result": literal(Result.UNKNOWN.value),
        "code": literal(0),
        "enhanced": literal(""),
        "text": literal("the dispatcher died before it recorded an outcome"),
        "blame": literal(Blame.RELAY.value),
    }
    return list(told), select(*told.values()).where(chosen)
