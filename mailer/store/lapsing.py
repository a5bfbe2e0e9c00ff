"""Deletes what was never confirmed, with all that refers to it; a keyed hash is all that stays.

Whoever forgets has taken his turn alone (`mailings.take_turn`): no sign-up or confirmation is under way,
and what is found here is how it stands. A mailing's deliveries are never touched: who was never active is
in no audience, so every proof adds up as before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Delete, delete, exists, or_, select, update

from mailer.core.consent import Act
from mailer.store.columns import insert_ignoring
from mailer.store.ledger_tables import attempt, delivery, returned
from mailer.store.tables import consent, lapsed, request, subscriber, subscription


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows were deleted."""

    subscribers: int = 0
    subscriptions: int = 0
    requests: int = 0
    consents: int = 0
    notices: int = 0


def forgettable(
    connection: Connection, subscriptions: Sequence[int], *, mailed_before: datetime
) -> list[int]:
    """Those of these subscriptions that nobody ever confirmed or ended, and that nothing waits for.

    Args:
        mailed_before: one that was mailed a link to confirm since then has its time still.
    """
    waits = exists().where(
        request.c.subscription_id == subscription.c.id,
        or_(
            request.c.state == "open",
            (request.c.state != "answered") & (request.c.made_at > mailed_before),
        ),
    )
    decided = exists().where(
        consent.c.subscription_id == subscription.c.id, consent.c.act != Act.ASKED
    )
    owed = exists().where(
        delivery.c.subscription_id == subscription.c.id,
        or_(delivery.c.state == "due", delivery.c.mailing_id.is_not(None)),
    )
    query = (
        select(subscription.c.id)
        .where(
            subscription.c.id.in_(subscriptions),
            subscription.c.state == "pending",
            ~waits,
            ~decided,
            ~owed,
        )
        .order_by(subscription.c.id)
        .with_for_update()
    )
    return list(connection.scalars(query))


def forget(connection: Connection, subscriptions: Sequence[int], *, until: datetime) -> Forgotten:
    """Delete subscriptions that `forgettable` named, and whoever has no other.

    Args:
        until: how long the keyed hashes of those that were mailed are kept.
    """
    _keep_hashes(connection, subscriptions, until)
    of_these = subscription.c.id.in_(subscriptions)
    people = list(connection.scalars(select(subscription.c.subscriber_id).where(of_these)))
    mail = select(delivery.c.id).where(delivery.c.subscription_id.in_(subscriptions))
    connection.execute(delete(attempt).where(attempt.c.delivery_id.in_(mail)))
    connection.execute(
        update(returned).where(returned.c.delivery_id.in_(mail)).values(delivery_id=None)
    )
    asked = consent.c.subscription_id.in_(subscriptions)
    wishes = request.c.subscription_id.in_(subscriptions)
    alone = ~exists().where(subscription.c.subscriber_id == subscriber.c.id)
    return Forgotten(
        notices=_gone(connection, delete(delivery).where(delivery.c.id.in_(mail))),
        consents=_gone(connection, delete(consent).where(asked)),
        requests=_gone(connection, delete(request).where(wishes)),
        subscriptions=_gone(connection, delete(subscription).where(of_these)),
        subscribers=_gone(connection, delete(subscriber).where(subscriber.c.id.in_(people), alone)),
    )


def forget_hashes(connection: Connection, now: datetime) -> int:
    """Delete the keyed hashes whose time is over; how many there were."""
    return _gone(connection, delete(lapsed).where(lapsed.c.until <= now))


def lift(connection: Connection, address_hash: str) -> None:
    """Delete the keyed hash of an address that has confirmed: it is one of those that answer."""
    connection.execute(delete(lapsed).where(lapsed.c.hash == address_hash))


def _keep_hashes(connection: Connection, subscriptions: Sequence[int], until: datetime) -> None:
    mailed = exists().where(
        request.c.subscription_id == subscription.c.id, request.c.state != "answered"
    )
    query = (
        select(subscriber.c.hash)
        .join_from(subscription, subscriber)
        .where(subscription.c.id.in_(subscriptions), mailed)
        .distinct()
    )
    hashes = list(connection.scalars(query))
    if hashes:
        rows = [{"hash": one, "until": until} for one in hashes]
        connection.execute(insert_ignoring(connection, lapsed), rows)
        connection.execute(update(lapsed).where(lapsed.c.hash.in_(hashes)).values(until=until))


def _gone(connection: Connection, statement: Delete) -> int:
    return connection.execute(statement).rowcount
