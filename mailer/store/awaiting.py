"""What waits for one subscription's digest: when its reader changes their mind, leaves, comes, or moves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    bindparam,
    exists,
    func,
    literal,
    select,
    update,
)

from mailer.store.columns import among, insert_ignoring
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.tables import edition, release, subscription


@dataclass(frozen=True, slots=True)
class Awaited:
    """A release that waits for a subscription's digest."""

    subscription_id: int
    newsroom: str
    release_id: int
    title: str
    due_at: datetime


def reconsider(connection: Connection, subscription_id: int, now: datetime) -> None:
    """Reckon anew when what waits is due: its reader has changed how often they have mail."""
    connection.execute(
        update(digest_due).where(*_waiting(subscription_id)).values(since=now, due_at=now)
    )


def end(connection: Connection, subscriptions: Sequence[int], now: datetime) -> None:
    """Nothing waits any more for these subscriptions: they end."""
    connection.execute(_end(connection.dialect.name), {"of": list(subscriptions), "at": now})


@cache
def _end(dialect: str) -> Update:
    return (
        update(digest_due)
        .where(among(digest_due.c.subscription_id, "of", dialect), digest_due.c.state == "waiting")
        .values(state="ended", due_at=None, settled_at=bindparam("at"))
    )


def pass_on(
    connection: Connection, over: int, into: int, now: datetime, *, but: Collection[int] = ()
) -> None:
    """Have what waits for a subscription that ends wait for the one that goes on in its place.

    But for releases that this one is or was owed too.

    Args:
        but: those that it will be owed by a row that is still to be written.
    """
    theirs = select(digest_due.c.release_id).where(
        *_waiting(over), digest_due.c.release_id.not_in(but)
    )
    _add(connection, into, theirs, origin="passed", now=now)


def catch_up(
    connection: Connection, subscription_id: int, releases: Collection[int], now: datetime
) -> int:
    """Have these releases wait for a fresh subscriber, but for those they ever had; how many."""
    return _add(connection, subscription_id, releases, origin="catch_up", now=now)


def awaited(connection: Connection, subscriptions: Collection[int]) -> list[Awaited]:
    """What waits for these subscriptions, in the order in which it was published."""
    newest = (
        select(func.max(edition.c.id))
        .where(edition.c.release_id == digest_due.c.release_id)
        .correlate(digest_due)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            digest_due.c.subscription_id,
            subscription.c.newsroom,
            digest_due.c.release_id,
            edition.c.title,
            digest_due.c.due_at,
        )
        .join(subscription, subscription.c.id == digest_due.c.subscription_id)
        .join(edition, edition.c.id == newest)
        .where(digest_due.c.subscription_id.in_(subscriptions), digest_due.c.state == "waiting")
        .order_by(digest_due.c.subscription_id, digest_due.c.release_id)
    )
    return [Awaited(**row._mapping) for row in rows]


def _add(connection: Connection, reader: int, releases: Any, *, origin: str, now: datetime) -> int:
    """Rows for those of these releases that a subscription was never owed in any way; how many."""
    mailed = exists().where(
        delivery.c.subscription_id == reader,
        delivery.c.mailing_id == mailing.c.id,
        mailing.c.release_id == release.c.id,
    )
    moment = literal(now, digest_due.c.since.type)
    values: dict[str, ColumnElement[Any]] = {
        "subscription_id": literal(reader),
        "release_id": release.c.id,
        "origin": literal(origin),
        "state": literal("waiting"),
        "since": moment,
        "due_at": moment,
    }
    wanted = select(*values.values()).where(release.c.id.in_(releases), ~mailed)
    done = connection.execute(
        insert_ignoring(connection, digest_due).from_select(list(values), wanted)
    )
    return done.rowcount


def _waiting(subscription_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        digest_due.c.subscription_id == subscription_id,
        digest_due.c.state == "waiting",
    )
