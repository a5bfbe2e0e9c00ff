"""The questions a proof asks of the ledger, each answered from the rows themselves, not from counters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from mailer.store import audiences, copies
from mailer.store.ledger_tables import chunk, delivery, mailing, prepared
from mailer.store.mailings import MailingRow
from mailer.store.progress import awaits_first_try
from mailer.store.retries import tried
from mailer.store.tables import release, subscription


def states(connection: Connection, mailing_id: int) -> dict[str, int]:
    """How many deliveries of a mailing stand in each state."""
    rows = connection.execute(
        select(delivery.c.state, func.count())
        .where(delivery.c.mailing_id == mailing_id)
        .group_by(delivery.c.state)
    )
    return {row[0]: row[1] for row in rows}


def expected(connection: Connection, row: MailingRow) -> CTE:
    """The subscriptions that a mailing is for, and which message each is owed: `store.audiences` says it.

    Only what is frozen is asked, such as the consent history; never the present state of a subscription.
    """
    of = audiences.audience(connection, row)
    return (
        select(subscription.c.id.label("subscription_id"), of.prepared_id.label("prepared_id"))
        .where(*of.conditions)
        .cte("expected")
    )


@dataclass(frozen=True, slots=True)
class Audience:
    """The audience by the consent history, against the deliveries that were made.

    Attributes:
        missing: subscriptions that consented and are owed nothing (the first few).
        unasked: deliveries to subscriptions that had not consented (the first few).
        unwritten: subscriptions that consented and whose rows are still to be written.
        mistaken: deliveries of another message than their readers' choice asks for (the first few).
    """

    consented: int
    unwritten: int
    missing: Sequence[int]
    unasked: Sequence[int]
    mistaken: Sequence[int] = field(default_factory=list)


def audience(connection: Connection, row: MailingRow, *, few: int = 5) -> Audience:
    """Recompute a mailing's audience and compare it, reader by reader, with its deliveries.

    One statement counts; only where something is amiss others look for whom.
    """
    asked = expected(connection, row)
    owed = and_(
        delivery.c.mailing_id == row.id, delivery.c.subscription_id == asked.c.subscription_id
    )
    compared = asked.outerjoin(delivery, owed).outerjoin(
        prepared, prepared.c.id == delivery.c.prepared_id
    )
    found = _faults(asked, row)
    counts = (func.count(case((which, 1))).label(name) for name, which in found.items())
    total = connection.execute(
        select(
            func.count().label("readers"), func.count(delivery.c.id).label("owed"), *counts
        ).select_from(compared)
    ).one()
    rows = connection.scalar(select(func.count()).where(delivery.c.mailing_id == row.id))

    def some(column: ColumnElement[int], name: str) -> list[int]:
        if not total._mapping[name]:
            return []
        query = select(column).select_from(compared).where(found[name])
        return list(connection.scalars(query.order_by(column).limit(few)))

    return Audience(
        consented=total.readers,
        unwritten=total.unwritten,
        missing=some(asked.c.subscription_id, "missing"),
        unasked=_unasked(connection, row.id, asked, few) if rows != total.owed else [],
        mistaken=some(delivery.c.id, "mistaken"),
    )


def _faults(asked: CTE, row: MailingRow) -> dict[str, ColumnElement[bool]]:
    """What can be said of a reader who belongs to the audience, and of their delivery, if there is one."""
    written = asked.c.subscription_id <= row.fanned_to if row.fanned_to is not None else true()
    # Who was sent a text before it was corrected has the right one of its time.
    sent = func.coalesce(prepared.c.superseded_by, prepared.c.id)
    return {
        "unwritten": not_(written),
        "missing": and_(written, delivery.c.id.is_(None)),
        "mistaken": and_(delivery.c.id.is_not(None), sent.is_distinct_from(asked.c.prepared_id)),
    }


def _unasked(connection: Connection, mailing_id: int, asked: CTE, few: int) -> list[int]:
    query = (
        select(delivery.c.id)
        .where(
            delivery.c.mailing_id == mailing_id,
            delivery.c.subscription_id.not_in(select(asked.c.subscription_id)),
        )
        .order_by(delivery.c.id)
        .limit(few)
    )
    return list(connection.scalars(query))


def stranded(connection: Connection, mailing_id: int, *, few: int = 5) -> list[int]:
    """Due deliveries that nothing will hand out: below their chunk's mark, or in no chunk."""
    waiting = select(func.count()).where(delivery.c.mailing_id == mailing_id, awaits_first_try())
    within_reach = (
        select(func.count()).where(
            delivery.c.id.between(first, last),
            # The sum keeps SQLite from reading the whole mailing for each stretch.
            delivery.c.mailing_id + 0 == mailing_id,
            awaits_first_try(),
        )
        for first, last in _reachable(connection, mailing_id)
    )
    if connection.scalar(waiting) == sum(connection.scalar(each) or 0 for each in within_reach):
        return []
    return list(connection.scalars(_stranded(mailing_id).limit(few)))


def _reachable(connection: Connection, mailing_id: int) -> list[tuple[int, int]]:
    """The stretches of numbers that chunks will still hand out, or have in hand; neighbours joined."""
    rows = connection.execute(
        select(chunk.c.lo, chunk.c.hi, chunk.c.mark, chunk.c.state)
        .where(chunk.c.mailing_id == mailing_id, chunk.c.state != "done")
        .order_by(chunk.c.lo)
    )
    found: list[tuple[int, int]] = []
    for row in rows:
        first = row.lo if row.state == "leased" else row.mark + 1
        if found and found[-1][1] == first - 1:
            first, _ = found.pop()
        found.append((first, row.hi))
    return found


def _stranded(mailing_id: int) -> Select[int]:
    other = chunk.alias()
    nearest = (  # the one chunk that a delivery can lie in
        select(func.max(other.c.lo))
        .where(other.c.mailing_id == mailing_id, other.c.lo <= delivery.c.id)
        .correlate(delivery)
        .scalar_subquery()
    )
    reachable = exists().where(
        chunk.c.mailing_id == mailing_id,
        chunk.c.lo == nearest,
        delivery.c.id <= chunk.c.hi,
        or_(chunk.c.state == "leased", and_(chunk.c.state == "open", delivery.c.id > chunk.c.mark)),
    )
    return (
        select(delivery.c.id)
        .where(delivery.c.mailing_id == mailing_id, awaits_first_try(), ~reachable)
        .order_by(delivery.c.id)
    )


def unmailed(connection: Connection, release_id: int | None = None) -> list[int]:
    """Published releases without a mailing, but for what a source's first look kept for the pages alone."""
    query = select(release.c.id).where(
        release.c.state == "published",
        release.c.published_at.is_not(None),
        or_(release.c.source == "document", release.c.approved_at.is_not(None)),
        ~exists().where(mailing.c.release_id == release.c.id),
    )
    if release_id is not None:
        query = query.where(release.c.id == release_id)
    return list(connection.scalars(query.order_by(release.c.id)))


def early(connection: Connection, row: MailingRow) -> bool:
    """Whether a mailing to everybody was opened before its release might be published."""
    query = select(release.c.id).where(
        release.c.id == row.release_id,
        literal(row.kind).in_(["first", "translation"]),
        or_(release.c.publish_at > row.made_at, release.c.embargo_until > row.made_at),
    )
    return connection.scalar(query) is not None


def misnamed(connection: Connection, mailing_id: int, *, few: int = 5) -> list[int]:
    """Deliveries that are called cancelled, as if they had certainly never left, and may have."""
    query = (
        select(delivery.c.id)
        .where(tried(mailing_id), delivery.c.state == "cancelled", copies.left(delivery))
        .order_by(delivery.c.id)
        .limit(few)
    )
    return list(connection.scalars(query))
