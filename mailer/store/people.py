"""Subscribers, their subscriptions, and the addresses that must not be mailed.

Rows are locked in one order (subscriber, subscription, request), and every writer of consent takes its
turn first (`mailings.take_turn`), so that two sign-ups, or a sign-up and a suppression, cannot pass
each other or lock each other out.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from mailer.core.choice import Choice
from mailer.core.consent import SubscriptionState
from mailer.store import awaiting
from mailer.store.chosen import COLUMNS, choice_of, values_of
from mailer.store.columns import among
from mailer.store.tables import subscriber, subscription, suppression


@dataclass(frozen=True, slots=True)
class SubscriberRow:
    """A mailbox we know."""

    id: int
    typed: str
    mailbox: str
    hash: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A subscription with the mailbox it belongs to."""

    id: int
    subscriber_id: int
    newsroom: str
    mailbox: str
    hash: str
    state: SubscriptionState
    choice: Choice
    revision: int
    generation: int
    made_at: datetime
    active_since: datetime | None
    ended_at: datetime | None
    end_reason: str | None

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that its reader chose, in order of preference."""
        return self.choice.languages


def read_subscription(
    connection: Connection, subscription_id: int, *, lock: bool = False
) -> SubscriptionRow | None:
    """The subscription of that number, if there is one.

    Args:
        lock: keep others from changing it until this transaction ends.
    """
    query = _BY_NUMBER_LOCKED if lock else _BY_NUMBER
    found = connection.execute(query, {"of": subscription_id}).first()
    return as_row(found) if found else None


def lock_subscriptions(
    connection: Connection, numbers: Collection[int]
) -> dict[int, SubscriptionRow]:
    """The subscriptions of these numbers that there are, locked in the order of their numbers."""
    if not numbers:
        return {}
    rows = connection.execute(_by_numbers(connection.dialect.name), {"of": sorted(numbers)})
    return {row.id: row for row in map(as_row, rows)}


def read_subscriber(connection: Connection, lookup: str) -> SubscriberRow | None:
    """The mailbox with that lookup form, if we know it."""
    found = connection.execute(
        select(*(subscriber.c[name] for name in SubscriberRow.__slots__)).where(
            subscriber.c.lookup == lookup
        )
    ).one_or_none()
    return None if found is None else SubscriberRow(**found._mapping)


def subscriptions_of(
    connection: Connection, address_hash: str, *, lock: bool = False
) -> list[SubscriptionRow]:
    """Every subscription of the mailbox with that hash, oldest first."""
    return subscriptions(connection, subscriber.c.hash == address_hash, lock=lock)


def subscriptions(
    connection: Connection, of: ColumnElement[bool], *, lock: bool = False
) -> list[SubscriptionRow]:
    """The subscriptions among `of`, oldest first."""
    query = every_subscription().where(of).order_by(subscription.c.id)
    return [as_row(row) for row in connection.execute(locked(query) if lock else query)]


def list_subscriptions(
    connection: Connection,
    *,
    newsroom: str | None = None,
    state: SubscriptionState | None = None,
    after: int = 0,
    limit: int | None = None,
) -> Iterator[SubscriptionRow]:
    """Subscriptions in the order they were made, read as they are asked for, never all at once.

    Args:
        after: leave out numbers up to this one: where an earlier list ended.
    """
    query = every_subscription().where(subscription.c.id > after).order_by(subscription.c.id)
    if newsroom is not None:
        query = query.where(subscription.c.newsroom == newsroom)
    if state is not None:
        query = query.where(subscription.c.state == state)
    rows = connection.execute(query.limit(limit), execution_options={"yield_per": 1000})
    return (as_row(row) for row in rows)


def activate(
    connection: Connection,
    subscription_id: int,
    *,
    choice: Choice,
    now: datetime,
) -> None:
    """Make a subscription active, with this choice; links of its earlier life die."""
    connection.execute(
        update(subscription)
        .where(subscription.c.id == subscription_id)
        .values(
            **values_of(choice),
            state=SubscriptionState.ACTIVE,
            active_since=now,
            ended_at=None,
            end_reason=None,
            generation=subscription.c.generation + 1,
        )
    )


def set_languages(connection: Connection, subscription_id: int, languages: Sequence[str]) -> None:
    """Change the languages of a subscription and nothing else."""
    connection.execute(
        update(subscription)
        .where(subscription.c.id == subscription_id)
        .values(languages=list(languages), revision=subscription.c.revision + 1)
    )


def end(connection: Connection, subscription_id: int, *, reason: str, now: datetime) -> None:
    """End a subscription, and what waits for its digest.

    Args:
        reason: one word: `left`, `ended` (by an operator) or `suppressed`.
    """
    end_all(connection, [subscription_id], reason=reason, now=now)


def end_all(
    connection: Connection, subscriptions: Sequence[int], *, reason: str, now: datetime
) -> dict[int, int]:
    """The same for several; the generation of each from then on, by its number."""
    wanted = {"of": list(subscriptions), "at": now, "why": reason}
    rows = connection.execute(_end(connection.dialect.name), wanted).all()
    awaiting.end(connection, subscriptions, now)
    return {row.id: row.generation for row in rows}


def is_suppressed(connection: Connection, address_hash: str) -> bool:
    """Whether the address with that hash must not be mailed."""
    return suppressed_reason(connection, address_hash) is not None


def suppressed_reason(connection: Connection, address_hash: str) -> str | None:
    """Why the address with that hash must not be mailed; None if it may be."""
    return connection.scalar(_SUPPRESSED, {"of": address_hash})


_SUPPRESSED = select(suppression.c.reason).where(suppression.c.hash == bindparam("of"))


def keep_suppression(
    connection: Connection, address_hash: str, *, reason: str, now: datetime
) -> bool:
    """Remember that the address with that hash must not be mailed; False if that was known."""
    if is_suppressed(connection, address_hash):
        return False
    connection.execute(insert(suppression).values(hash=address_hash, reason=reason, made_at=now))
    return True


def lift_suppression(connection: Connection, address_hash: str, *, reason: str) -> bool:
    """Let an address be mailed again that was suppressed for this reason; whether it was."""
    of = (suppression.c.hash == address_hash, suppression.c.reason == reason)
    return connection.execute(delete(suppression).where(*of)).rowcount == 1


def every_subscription() -> Select[tuple[object, ...]]:
    """What a `SubscriptionRow` is read by."""
    return select(
        subscription.c.id,
        subscription.c.subscriber_id,
        subscription.c.newsroom,
        subscriber.c.mailbox,
        subscriber.c.hash,
        subscription.c.state,
        *COLUMNS,
        subscription.c.revision,
        subscription.c.generation,
        subscription.c.made_at,
        subscription.c.active_since,
        subscription.c.ended_at,
        subscription.c.end_reason,
    ).join_from(subscription, subscriber)


def locked(query: Select[tuple[object, ...]]) -> Select[tuple[object, ...]]:
    """The same, keeping others from changing what it finds until the transaction ends."""
    # NO KEY UPDATE leaves room for whoever only refers to the row: a delivery being owed to it.
    return query.with_for_update(of=subscription, key_share=True)


# Made once, since visitors wait for them: to make a statement takes longer than to run it.
@cache
def _end(dialect: str) -> ReturningUpdate[tuple[int, int]]:
    return (
        update(subscription)
        .where(among(subscription.c.id, "of", dialect))
        .values(
            state=SubscriptionState.ENDED,
            ended_at=bindparam("at"),
            end_reason=bindparam("why"),
            generation=subscription.c.generation + 1,
        )
        .returning(subscription.c.id, subscription.c.generation)
    )


@cache
def _by_numbers(dialect: str) -> Select[tuple[object, ...]]:
    mine = among(subscription.c.id, "of", dialect)
    return locked(every_subscription().where(mine).order_by(subscription.c.id))


_BY_NUMBER = every_subscription().where(subscription.c.id == bindparam("of"))
_BY_NUMBER_LOCKED = locked(_BY_NUMBER)


def as_row(row: Row[tuple[object, ...]]) -> SubscriptionRow:
    """A row that `every_subscription` found."""
    found: tuple[Any, ...] = tuple(row)
    choice = choice_of(found[6 : 6 + len(COLUMNS)])
    values: tuple[Any, ...] = (
        *found[:5],
        SubscriptionState(found[5]),
        choice,
        *found[6 + len(COLUMNS) :],
    )
    return SubscriptionRow(*values)
