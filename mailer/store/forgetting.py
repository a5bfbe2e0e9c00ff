"""Lets go of people: what is left can be counted and proven, and leads back to nobody.

Subscriptions, consent entries and deliveries stay, since the audience of a mailing is proven from them.
What names the reader goes: the mailbox in each of its forms, what was typed, where it came from, what
relays said. A keyed hash in `erased` is left, for imports to pass over.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from mailer.core.consent import SubscriptionState
from mailer.store import accredited, owed
from mailer.store.columns import insert_ignoring
from mailer.store.ledger_tables import delivery
from mailer.store.tables import consent, erased, manage_link, request, subscriber, subscription

GONE = "gone:"
"""How the mailbox of somebody begins who is forgotten: no address is written so."""


def long_ended(connection: Connection, until: datetime, limit: int) -> list[int]:
    """Subscribers whose every subscription ended up to `until`, and who asked for nothing since."""
    rows = connection.execute(
        select(subscription.c.subscriber_id)
        .join(subscriber)
        .where(*_long_ended(until))
        .group_by(subscription.c.subscriber_id)
        .order_by(func.max(subscription.c.ended_at).desc())
        .limit(limit)
    )
    return [row.subscriber_id for row in rows]


def count_long_ended(connection: Connection, until: datetime) -> int:
    """How many `long_ended` would find in all."""
    found = (
        select(func.count(subscription.c.subscriber_id.distinct()))
        .join(subscriber)
        .where(*_long_ended(until))
    )
    return int(connection.scalar(found) or 0)


def forget(connection: Connection, subscribers: Sequence[int], now: datetime) -> None:
    """Let go of these subscribers, within the caller's transaction, which has taken its turn."""
    hashes = connection.scalars(
        select(subscriber.c.hash)
        .where(subscriber.c.id.in_(subscribers), ~subscriber.c.hash.startswith(GONE))
        .order_by(subscriber.c.hash)
    ).all()
    if not hashes:
        return
    connection.execute(
        insert_ignoring(connection, erased), [{"hash": one, "made_at": now} for one in hashes]
    )
    nobody = literal(GONE) + cast(subscriber.c.id, String)
    connection.execute(
        update(subscriber)
        .where(subscriber.c.id.in_(subscribers))
        .values(typed=nobody, mailbox=nobody, lookup=nobody, hash=nobody)
    )
    connection.execute(delete(manage_link).where(manage_link.c.subscriber_id.in_(subscribers)))
    theirs = select(subscription.c.id).where(subscription.c.subscriber_id.in_(subscribers))
    connection.execute(
        update(consent)
        .where(consent.c.subscription_id.in_(theirs))
        .values(address="", ip=None, user_agent=None, evidence=None)
    )
    numbers = connection.scalars(theirs).all()
    owed.silence(connection, owed.deliveries_of(connection, numbers))
    accredited.forget(connection, numbers)


def any_since(connection: Connection, moment: datetime) -> bool:
    """Whether anybody was forgotten since then."""
    return connection.scalar(_SINCE, {"moment": moment}) is not None


_SINCE = select(erased.c.hash).where(erased.c.made_at >= bindparam("moment")).limit(1)


def hush(connection: Connection, deliveries: Sequence[int]) -> None:
    """Take the words of relays from those of these deliveries whose readers were forgotten meanwhile."""
    for some in owed.in_slices(deliveries):
        theirs = connection.scalars(
            select(delivery.c.id)
            .join(subscription, subscription.c.id == delivery.c.subscription_id)
            .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
            .where(delivery.c.id.in_(some), subscriber.c.lookup.startswith(GONE))
        ).all()
        if theirs:
            owed.silence(connection, theirs)


def _long_ended(until: datetime) -> tuple[ColumnElement[bool], ...]:
    other = subscription.alias()
    still_here = exists().where(
        other.c.subscriber_id == subscription.c.subscriber_id,
        or_(other.c.state != SubscriptionState.ENDED, other.c.ended_at > until),
    )
    asking = exists().where(
        request.c.subscription_id == subscription.c.id, request.c.made_at > until
    )
    expecting = exists().where(
        delivery.c.subscription_id == subscription.c.id,
        and_(delivery.c.state == "due", delivery.c.mailing_id.is_(None)),
    )
    return (
        subscription.c.state == SubscriptionState.ENDED,
        subscription.c.ended_at <= until,
        ~subscriber.c.lookup.startswith(GONE),
        ~still_here,
        ~asking,
        ~expecting,
    )
