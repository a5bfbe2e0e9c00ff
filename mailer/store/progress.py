"""How far mailings have come: progress, endings, and whether anything waits.

Progress is counted where it is written: a chunk counts what was accepted at the first try, nearly all
there is, and is its worker's alone, so that no dispatcher waits for another; the mailing counts what was
settled otherwise.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)

from mailer.store import glance
from mailer.store.columns import Moment
from mailer.store.ledger_tables import chunk, delivery, mailing


def in_chunk(
    mailing_id: ColumnElement[int] | int,
    first: ColumnElement[int] | int,
    last: ColumnElement[int] | int,
) -> ColumnElement[bool]:
    """Deliveries of a mailing among these numbers.

    The sum keeps SQLite from looking the mailing up in its unique index, where it would read all of it to
    find a few hundred numbers that lie side by side.
    """
    return and_(delivery.c.mailing_id + 0 == mailing_id, delivery.c.id.between(first, last))


def awaits_first_try() -> ColumnElement[bool]:
    """A row whose first try goes by its chunk, and which has no outcome yet."""
    return and_(delivery.c.state == "due", delivery.c.due_at.is_(None))


# As a glance says it.
SETTLED = literal_column(f"({glance.SETTLED})", Integer)
NOTHING_LEFT = text(glance.NOTHING_LEFT)
COMPLETE = text(glance.COMPLETE)

_COUNT = (
    update(mailing)
    .where(mailing.c.id == bindparam("of"))
    .values(settled_otherwise=mailing.c.settled_otherwise + bindparam("more"))
)


def count_settled(
    connection: Connection, mailings: Iterable[int | None] | Mapping[int | None, int]
) -> None:
    """Move the counters of mailings by how often each is named, or by what is said of each."""
    totals = {number: more for number, more in Counter(mailings).items() if number and more}
    if totals:  # in order, lest two writers wait for one another
        told = [{"of": mailing_id, "more": totals[mailing_id]} for mailing_id in sorted(totals)]
        connection.execute(_COUNT, told)


_COUNT_ACCEPTED = (
    update(chunk)
    .where(
        chunk.c.mailing_id == bindparam("of"),
        chunk.c.lo == bindparam("first"),
        chunk.c.worker == bindparam("by"),
    )
    .values(accepted=chunk.c.accepted + bindparam("more"))
)


def count_accepted(
    connection: Connection, worker: str, mailing_id: int, accepted: Mapping[int, int]
) -> int:
    """Move the counters of a worker's chunks: by how much each, by its first number.

    A chunk that is the worker's no more, and so may be locked by whoever has it, is left alone.

    Returns:
        How many acceptances were counted.
    """
    counted = 0
    for first, more in sorted(accepted.items()):
        told = {"of": mailing_id, "first": first, "by": worker, "more": more}
        counted += more * connection.execute(_COUNT_ACCEPTED, told).rowcount
    return counted


def tidy(connection: Connection, worker: str, now: datetime) -> int:
    """Close chunks whose every row has its outcome or its retry, and mailings with nothing left.

    Returns:
        How many mailings were finished.
    """
    connection.execute(_CLOSE_CHUNKS, {"by": worker})
    return connection.execute(_FINISH, {"now": now}).rowcount


# By number and one by one: as a join it is, to PostgreSQL with the statistics of an emptier table, a look
# through all there is.
_first_awaiting = (
    select(delivery.c.id)
    .where(in_chunk(chunk.c.mailing_id, chunk.c.lo, chunk.c.hi), awaits_first_try())
    .order_by(delivery.c.id)
    .limit(1)
    .correlate(chunk)
    .scalar_subquery()
)
# Made once, since every turn needs them: to put them together takes longer than to execute them.
_CLOSE_CHUNKS = (
    update(chunk)
    .where(
        chunk.c.mark == chunk.c.hi,
        or_(chunk.c.state == "open", chunk.c.worker == bindparam("by")),
        chunk.c.state != "done",
        _first_awaiting.is_(None),
    )
    .values(state="done", worker=None, lease_until=None)
)
_FINISH = (
    update(mailing)
    .where(mailing.c.state == "open", COMPLETE)
    .values(state="finished", finished_at=bindparam("now"))
)


def notices_due(connection: Connection, now: datetime) -> bool:
    """Whether a notice waits that nobody holds."""
    return bool(connection.scalar(_NOTICES_DUE, {"now": now}))


_NOTICES_DUE = select(
    exists().where(
        delivery.c.mailing_id.is_(None),
        delivery.c.state == "due",
        delivery.c.due_at.is_not(None),
        delivery.c.due_at <= bindparam("now"),
        delivery.c.worker.is_(None),
    )
)


def stopped(connection: Connection, mailings: Collection[int]) -> frozenset[int]:
    """Which of these mailings may not be sent at present: held, cancelled."""
    if not mailings:
        return frozenset()
    return frozenset(connection.scalars(_STOPPED, {"these": list(mailings)}))


_STOPPED = select(mailing.c.id).where(
    mailing.c.id.in_(bindparam("these", expanding=True)), mailing.c.state != "open"
)


def outstanding(connection: Connection) -> int:
    """How many deliveries are still to be settled: of open mailings by their counters, and notices."""
    unsettled = select(func.sum(mailing.c.audience - SETTLED)).where(mailing.c.state == "open")
    notices = select(func.count()).where(
        delivery.c.mailing_id.is_(None), delivery.c.state == "due", delivery.c.due_at.is_not(None)
    )
    return int(connection.scalar(unsettled) or 0) + int(connection.scalar(notices) or 0)


def anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a turn would find work: the same question a glance asks."""
    return bool(connection.scalar(_ANYTHING_DUE, {"now": now}))


_ANYTHING_DUE = text(glance.ANYTHING_DUE.format(now=":now")).bindparams(
    bindparam("now", type_=Moment())
)


def chores_due(connection: Connection, now: datetime) -> bool:
    """Whether there is anything to do beside sending: the part of that question that is about chores."""
    return bool(connection.scalar(_CHORES_DUE, {"now": now}))


_CHORES_DUE = text(f"SELECT {glance.CHORES_DUE.format(now=':now')}").bindparams(
    bindparam("now", type_=Moment())
)


def due_later(connection: Connection) -> int:
    """How many deliveries wait for a later run: retries, and what open mailings have not yet tried."""
    return int(connection.scalar(_DUE_LATER) or 0)


_DUE_LATER = text(glance.DUE_LATER)
