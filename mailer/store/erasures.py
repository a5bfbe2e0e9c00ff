"""What goes beyond forgetting when a reader asks to be erased, and the hash that is left of them.

The hash stops imports and nothing else: whoever confirms a fresh sign-up lifts it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from mailer.core.consent import RequestState
from mailer.core.delivery import DeliveryState
from mailer.store import claims
from mailer.store.ledger_tables import delivery
from mailer.store.tables import audit, consent, erased, merged, move, request, subscription


def erased_among(connection: Connection, hashes: Collection[str]) -> set[str]:
    """Those of these addresses whose readers asked to be forgotten."""
    return set(connection.scalars(select(erased.c.hash).where(erased.c.hash.in_(list(hashes)))))


def lift(connection: Connection, address_hash: str) -> None:
    """Forget that its reader had asked to be forgotten: they have just said yes anew."""
    connection.execute(delete(erased).where(erased.c.hash == address_hash))


def clear(connection: Connection, subscriber_id: int, now: datetime) -> None:
    """Let go of what a reader chose and asked, of what operators noted, and of notices still to be sent.

    Args:
        subscriber_id: who is forgotten in the same transaction (`forgetting.forget`).
    """
    numbers = list(
        connection.scalars(
            select(subscription.c.id).where(subscription.c.subscriber_id == subscriber_id)
        )
    )
    wishes = connection.scalars(
        select(move.c.request_id).where(move.c.subscriber_id == subscriber_id)
    ).all()
    theirs = request.c.subscription_id.in_(numbers) | request.c.id.in_(wishes)
    connection.execute(update(request).where(theirs).values(asked={}))
    connection.execute(
        update(request)
        .where(theirs, request.c.state == RequestState.OPEN)
        .values(state=RequestState.EXPIRED, settled_at=now)
    )
    # The new address that was typed and not confirmed lapses by itself; whence it was typed goes now.
    connection.execute(
        update(consent)
        .where(consent.c.request_id.in_(wishes))
        .values(address="", ip=None, user_agent=None)
    )
    connection.execute(delete(move).where(move.c.subscriber_id == subscriber_id))
    connection.execute(delete(merged).where(merged.c.subscription_id.in_(numbers)))
    connection.execute(
        update(subscription)
        .where(subscription.c.id.in_(numbers))
        .values(topics=None, paused_until=None)
    )
    subjects = [f"subscription:{number}" for number in numbers]
    connection.execute(update(audit).where(audit.c.subject.in_(subjects)).values(detail={}))
    _end_waiting(connection, numbers, now)


def _end_waiting(connection: Connection, numbers: Sequence[int], now: datetime) -> None:
    """Let go of notices that nobody is left to get."""
    waiting = connection.scalars(
        select(delivery.c.id).where(
            delivery.c.mailing_id.is_(None),
            delivery.c.subscription_id.in_(numbers),
            delivery.c.state == DeliveryState.DUE,
        )
    ).all()
    claims.end(connection, waiting, [None] * len(waiting), now)
