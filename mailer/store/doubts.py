"""Deliveries whose outcome nobody knows: what is on record of them, and what an operator says of them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, update

from mailer.core.delivery import Due, Purpose
from mailer.store.ledger_tables import attempt, delivery
from mailer.store.recasting import stale
from mailer.store.remaking import once_more
from mailer.store.retries import count_reopened, due_again, lock_living, tried
from mailer.store.tables import subscriber, subscription


@dataclass(frozen=True, slots=True)
class Doubt:
    """A delivery whose outcome nobody knows, and the last attempt at it.

    Attributes:
        due: as it was handed out.
        reply: what was said of it, in words.
    """

    due: Due
    at: datetime
    relay: str
    phase: str
    reply: str


def doubts(connection: Connection, mailing_id: int) -> list[Doubt]:
    """What is unknown of a mailing, in the order of its deliveries."""
    last = (
        select(func.max(attempt.c.id))
        .where(attempt.c.delivery_id == delivery.c.id)
        .correlate(delivery)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            delivery.c.id,
            delivery.c.mailing_id,
            delivery.c.prepared_id,
            delivery.c.answers,
            delivery.c.subscription_id,
            delivery.c.made_at,
            delivery.c.attempts,
            subscriber.c.mailbox,
            attempt.c.at,
            attempt.c.relay,
            attempt.c.phase,
            attempt.c.text,
        )
        .join(attempt, attempt.c.id == last)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(tried(mailing_id), delivery.c.state == "unknown")
        .order_by(delivery.c.id)
    )
    return [_doubt(row) for row in rows]


def superseded(connection: Connection, mailing_id: int, deliveries: Collection[int]) -> list[int]:
    """Which of these deliveries are of a text that another took the place of since, or that was withdrawn."""
    return [
        number
        for some in _batches(deliveries)
        for number in connection.scalars(
            select(delivery.c.id).where(delivery.c.id.in_(some), ~_as_on_record(mailing_id))
        )
    ]


def states_of(
    connection: Connection, mailing_id: int, deliveries: Collection[int]
) -> dict[int, str]:
    """The state of each of these deliveries that belongs to the mailing."""
    found: dict[int, str] = {}
    for some in _batches(deliveries):
        rows = connection.execute(
            select(delivery.c.id, delivery.c.state).where(
                delivery.c.id.in_(some), delivery.c.mailing_id == mailing_id
            )
        )
        found |= {row.id: row.state for row in rows}
    return found


def settle(
    connection: Connection,
    mailing_id: int,
    deliveries: Collection[int],
    *,
    state: str,
    now: datetime,
) -> list[int]:
    """Say of unknown deliveries that they were accepted or refused, or make them due again.

    Args:
        state: "accepted", "refused" or "due"; a cancelled mailing has nothing due.

    Returns:
        Those that were unknown until now; a row that somebody is writing to is left alone.
    """
    reopening = state == "due"
    if reopening and not lock_living(connection, mailing_id):
        return []
    values = due_again(now) if reopening else {"state": state, "settled_at": now}
    settled: list[int] = []
    for some in _batches(deliveries):
        unknown = (
            select(delivery.c.id)
            .where(
                delivery.c.id.in_(some),
                delivery.c.mailing_id == mailing_id,
                delivery.c.state == "unknown",
                *((_as_on_record(mailing_id),) if reopening else ()),
            )
            .order_by(delivery.c.id)
            .with_for_update(skip_locked=True)
        )
        free = list(connection.scalars(unknown))
        connection.execute(update(delivery).where(delivery.c.id.in_(free)).values(values))
        settled += free
    if reopening:
        count_reopened(connection, mailing_id, len(settled))
    return settled


def _as_on_record(mailing_id: int) -> ColumnElement[bool]:
    """Whether it may be sent again, which is always the same message."""
    return and_(~stale(mailing_id), once_more())


def _doubt(row: Row[*tuple[Any, ...]]) -> Doubt:
    due = Due(
        id=row.id,
        purpose=Purpose.RELEASE,
        prepared_id=row.prepared_id,
        subscription_id=row.subscription_id,
        mailbox=row.mailbox,
        made_at=row.made_at,
        attempts=row.attempts,
        mailing_id=row.mailing_id,
        answers=row.answers,
    )
    return Doubt(due, row.at, row.relay, row.phase, row.text)


def _batches(deliveries: Collection[int], size: int = 500) -> Iterator[list[int]]:
    numbers = sorted(set(deliveries))
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]
