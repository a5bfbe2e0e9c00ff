"""Mails of sign-ups that wait: for their turn, or for an operator's word.

A notice that is held is due at no moment, so that no dispatcher sees it; `held_notice` says which
ones are. Whatever settles it otherwise (its reader left, its time passed) takes it out of the count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from mailer.core.consent import RequestState
from mailer.core.delivery import Purpose
from mailer.store.columns import among
from mailer.store.gate_tables import held_notice
from mailer.store.ledger_tables import delivery
from mailer.store.tables import request, subscriber, subscription

_SOME = 500
_NOTICE = (delivery.c.mailing_id.is_(None), delivery.c.state == "due")
_HELD = (*_NOTICE, delivery.c.due_at.is_(None), delivery.c.worker.is_(None))


@dataclass(frozen=True, slots=True)
class HeldNotice:
    """A mail that waits for an operator's word."""

    delivery_id: int
    newsroom: str
    lookup: str
    held_at: datetime


def put_off(connection: Connection, purpose: Purpose, cause: str, due_at: datetime) -> None:
    """Let a notice leave no sooner than `due_at`; within the transaction that owed it."""
    mine = _the_notice(purpose, cause)
    connection.execute(update(delivery).where(*mine).values(due_at=due_at))


def hold(connection: Connection, purpose: Purpose, cause: str, now: datetime) -> None:
    """Hold a notice until somebody decides; within the transaction that owed it."""
    mine = _the_notice(purpose, cause)
    for number in connection.scalars(select(delivery.c.id).where(*mine)).all():
        connection.execute(insert(held_notice).values(delivery_id=number, held_at=now))
    connection.execute(update(delivery).where(*mine).values(due_at=None))


def hold_all(connection: Connection, causes: Sequence[str], now: datetime) -> None:
    """Note that the answers to these sign-ups wait: they were owed in this transaction, due at no moment."""
    answers = (delivery.c.purpose == Purpose.CONFIRM) | (delivery.c.purpose == Purpose.ALREADY)
    mine = among(delivery.c.cause, "causes", connection.dialect.name)
    rows = select(delivery.c.id, literal(now, held_notice.c.held_at.type)).where(
        *_HELD, answers, mine
    )
    query = insert(held_notice).from_select(["delivery_id", "held_at"], rows)
    connection.execute(query, {"causes": list(causes)})


def held(connection: Connection, *, lock: bool = False) -> list[HeldNotice]:
    """What is held, the newest first; mails that lost their reader meanwhile are not among it.

    Args:
        lock: keep others from deciding about it until this transaction ends.
    """
    query = (
        select(delivery.c.id, subscription.c.newsroom, subscriber.c.lookup, held_notice.c.held_at)
        .join_from(held_notice, delivery)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(*_HELD)
        .order_by(held_notice.c.delivery_id.desc())
    )
    rows = connection.execute(query.with_for_update(of=held_notice) if lock else query)
    return [HeldNotice(*row) for row in rows]


def count(connection: Connection) -> tuple[int, datetime | None]:
    """How many are held, and since when the first of them."""
    row = connection.execute(
        select(func.count(), func.min(held_notice.c.held_at))
        .select_from(held_notice)
        .join(delivery, delivery.c.id == held_notice.c.delivery_id)
        .where(*_HELD)
    ).one()
    return row[0], row[1]


def let_go(connection: Connection, deliveries: Sequence[int], due_at: datetime) -> int:
    """Make held mails due; how many still were held."""
    return len(_settle(connection, deliveries, {"due_at": due_at}))


def throw_away(connection: Connection, deliveries: Sequence[int], now: datetime) -> int:
    """Cancel held mails and take back the requests they were to confirm; how many still were held."""
    causes = _settle(connection, deliveries, {"state": "cancelled", "settled_at": now})
    parts = [cause.partition(":") for cause in causes]
    numbers = [int(number) for of, _, number in parts if of == "request" and number.isdecimal()]
    for few in _few(numbers):
        connection.execute(
            update(request)
            .where(request.c.id.in_(few), request.c.state == RequestState.OPEN)
            .values(state=RequestState.EXPIRED, settled_at=now)
        )
    return len(causes)


def _settle(
    connection: Connection, deliveries: Sequence[int], values: dict[str, object]
) -> list[str]:
    """Decide about those that still are held; their causes."""
    causes: list[str] = []
    for few in _few(deliveries):
        done = update(delivery).where(delivery.c.id.in_(few), *_HELD).values(**values)
        causes += [str(cause) for cause in connection.scalars(done.returning(delivery.c.cause))]
        connection.execute(delete(held_notice).where(held_notice.c.delivery_id.in_(few)))
    return causes


def _few(deliveries: Sequence[int]) -> list[Sequence[int]]:
    return [deliveries[start : start + _SOME] for start in range(0, len(deliveries), _SOME)]


def _the_notice(purpose: Purpose, cause: str) -> tuple[ColumnElement[bool], ...]:
    return (*_NOTICE, delivery.c.purpose == purpose, delivery.c.cause == cause)
