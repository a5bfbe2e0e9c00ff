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
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)

from mailer.store.columns import among, insert_ignoring
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import delivery, mailing, prepared
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
    connection: Connection,
    over: int,
    into: int,
    now: datetime,
    *,
    but: Collection[int] = (),
    every_language: bool = False,
) -> None:
    """Have what waits for a subscription that ends wait for the one that goes on in its place.

    But for releases that this one is or was owed too.

    Args:
        but: those that it will be owed by a row that is still to be written.
        every_language: its reader wants each: then but for those that it is or was owed in that language.
    """
    theirs = digest_due.alias("theirs")
    lacks = ~or_(*_ever_owed(into, theirs.c.release_id))
    if every_language:
        further = and_(
            theirs.c.language != "",
            ~or_(*_ever_owed(into, theirs.c.release_id, theirs.c.language)),
        )
        lacks = or_(lacks, further)
    waiting = (theirs.c.subscription_id == over, theirs.c.state == "waiting")
    values = _values(into, theirs.c.release_id, "passed", now) | {"language": theirs.c.language}
    passed = select(*values.values()).where(*waiting, theirs.c.release_id.not_in(but), lacks)
    connection.execute(insert_ignoring(connection, digest_due).from_select(list(values), passed))


def catch_up(
    connection: Connection, subscription_id: int, releases: Collection[int], now: datetime
) -> int:
    """Have these releases wait for a fresh subscriber, but for those they ever had; how many."""
    values = _values(subscription_id, release.c.id, "catch_up", now)
    lacked = ~or_(*_ever_owed(subscription_id, release.c.id))
    wanted = select(*values.values()).where(release.c.id.in_(releases), lacked)
    adding = insert_ignoring(connection, digest_due).from_select(list(values), wanted)
    return connection.execute(adding).rowcount


def awaited(connection: Connection, subscriptions: Collection[int]) -> list[Awaited]:
    """What waits for these subscriptions, in the order in which it was published."""
    newest = (
        select(func.max(edition.c.id))
        .where(
            edition.c.release_id == digest_due.c.release_id,
            digest_due.c.language.in_(["", edition.c.language]),
        )
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
        .order_by(digest_due.c.subscription_id, digest_due.c.release_id, digest_due.c.language)
    )
    return [Awaited(**row._mapping) for row in rows]


def _values(
    reader: int, release_id: ColumnElement[int], origin: str, now: datetime
) -> dict[str, ColumnElement[Any]]:
    """A row that waits from now on, by its columns."""
    moment = literal(now, digest_due.c.since.type)
    return {
        "subscription_id": literal(reader),
        "release_id": release_id,
        "origin": literal(origin),
        "state": literal("waiting"),
        "since": moment,
        "due_at": moment,
    }


def _ever_owed(
    reader: int, release_id: ColumnElement[int], language: ColumnElement[str] | None = None
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether a subscription was ever owed a release by itself, or in a digest; in a language, or in any."""
    kept = digest_due.alias("kept")
    mailed = (
        select(delivery.c.id)
        .join(mailing, mailing.c.id == delivery.c.mailing_id)
        .where(delivery.c.subscription_id == reader, mailing.c.release_id == release_id)
    )
    noted = select(kept.c.release_id).where(
        kept.c.subscription_id == reader, kept.c.release_id == release_id
    )
    if language is not None:
        said = prepared.c.id == delivery.c.prepared_id
        mailed = mailed.join(prepared, said).where(prepared.c.language == language)
        noted = noted.where(kept.c.language == language)
    outer = release_id.table
    return mailed.correlate(outer).exists(), noted.correlate(outer).exists()


def _waiting(subscription_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        digest_due.c.subscription_id == subscription_id,
        digest_due.c.state == "waiting",
    )
