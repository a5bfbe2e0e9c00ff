"""Reads everything that is kept about one mailbox, table by table, as plain values."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select

from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import attempt, delivery, prepared, returned
from mailer.store.owed import deliveries_of, in_slices
from mailer.store.tables import (
    consent,
    manage_link,
    move,
    request,
    subscriber,
    subscription,
    suppression,
    wording,
)

Rows = list[dict[str, Any]]


def person(connection: Connection, subscriber_id: int) -> dict[str, Any]:
    """The mailbox itself, and whether it may be mailed."""
    columns = (*_named(subscriber.c, "id", "typed", "mailbox", "lookup", "hash", "made_at"),)
    row = connection.execute(select(*columns).where(subscriber.c.id == subscriber_id)).one()
    found = dict(row._mapping)
    stopped = connection.execute(
        select(suppression.c.reason, suppression.c.made_at).where(
            suppression.c.hash == found["hash"]
        )
    ).one_or_none()
    return {**found, "suppressed": None if stopped is None else dict(stopped._mapping)}


def subscriptions(connection: Connection, subscriber_id: int) -> Rows:
    """Every subscription, whole."""
    query = select(subscription).where(subscription.c.subscriber_id == subscriber_id)
    return _plain(connection.execute(query.order_by(subscription.c.id)))


def requests(connection: Connection, subscriber_id: int) -> Rows:
    """What was asked for the mailbox, and what it asked to have moved."""
    columns = (
        *_named(request.c, "id", "kind", "state", "language"),
        subscription.c.newsroom,
        *_named(request.c, "asked", "made_at", "expires_at", "settled_at"),
    )
    wishes = select(move.c.request_id).where(move.c.subscriber_id == subscriber_id)
    query = (
        select(*columns)
        .join_from(request, subscription)
        .where((subscription.c.subscriber_id == subscriber_id) | request.c.id.in_(wishes))
    )
    return _plain(connection.execute(query.order_by(request.c.id)))


def entries(connection: Connection, subscriber_id: int) -> Rows:
    """Every consent entry, with the words that were shown."""
    notice = wording.alias()
    columns = (
        *_named(consent.c, "id", "at"),
        subscription.c.newsroom,
        *_named(consent.c, "act", "address", "form", "ip", "user_agent", "evidence", "choice"),
        *_named(consent.c, "request_id"),
        wording.c.text.label("wording"),
        notice.c.text.label("privacy"),
    )
    query = (
        select(*columns)
        .join_from(consent, subscription)
        .join(wording, wording.c.hash == consent.c.wording, isouter=True)
        .join(notice, notice.c.hash == consent.c.privacy, isouter=True)
        .where(subscription.c.subscriber_id == subscriber_id)
    )
    return _plain(connection.execute(query.order_by(consent.c.id)))


def links(connection: Connection, subscriber_id: int) -> Rows:
    """The links to choices that were mailed."""
    columns = _named(manage_link.c, "id", "newsroom", "language", "made_at", "expires_at")
    query = select(*columns).where(manage_link.c.subscriber_id == subscriber_id)
    return _plain(connection.execute(query.order_by(manage_link.c.id)))


def digests(connection: Connection, subscriber_id: int) -> Rows:
    """The releases that were kept for a digest, and in which mail each went out."""
    columns = (
        subscription.c.newsroom,
        *_named(digest_due.c, "release_id", "language", "state", "due_at", "settled_at"),
        digest_due.c.delivery_id.label("mail"),
    )
    query = (
        select(*columns)
        .join_from(digest_due, subscription, subscription.c.id == digest_due.c.subscription_id)
        .where(subscription.c.subscriber_id == subscriber_id)
    )
    return _plain(
        connection.execute(query.order_by(digest_due.c.release_id, digest_due.c.language))
    )


def mails(connection: Connection, subscriber_id: int) -> Rows:
    """Everything that was owed, with what came of it, each attempt and what came back."""
    numbers = connection.scalars(
        select(subscription.c.id).where(subscription.c.subscriber_id == subscriber_id)
    ).all()
    owed = deliveries_of(connection, numbers)
    return [row for some in in_slices(owed) for row in _mails(connection, some)]


def _mails(connection: Connection, some: Sequence[int]) -> Rows:
    columns = (
        *_named(delivery.c, "id", "purpose"),
        prepared.c.newsroom,
        prepared.c.subject.label("title"),
        prepared.c.language,
        *_named(delivery.c, "made_at", "state", "settled_at", "attempts", "code", "reply"),
    )
    query = select(*columns).join_from(delivery, prepared).where(delivery.c.id.in_(some))
    rows = _plain(connection.execute(query.order_by(delivery.c.id)))
    tried = _by_delivery(
        connection, attempt.c, ("at", "relay", "phase", "result", "code", "enhanced", "text"), some
    )
    came_back = _by_delivery(
        connection, returned.c, ("at", "kind", "verdict", "status", "reply"), some
    )
    for row in rows:
        row["tries"], row["returned"] = tried.get(row["id"], []), came_back.get(row["id"], [])
    return rows


def _by_delivery(
    connection: Connection, columns: Any, names: Iterable[str], some: Sequence[int]
) -> dict[int, Rows]:
    query = (
        select(columns.delivery_id, *_named(columns, *names))
        .where(columns.delivery_id.in_(some))
        .order_by(columns.id)
    )
    found: dict[int, Rows] = {}
    for row in connection.execute(query):
        told = dict(row._mapping)
        found.setdefault(told.pop("delivery_id"), []).append(told)
    return found


def _named(columns: Any, *names: str) -> list[ColumnElement[Any]]:
    return [columns[name] for name in names]


def _plain(rows: Iterable[Row[Any]]) -> Rows:
    return [dict(row._mapping) for row in rows]
