"""Changes of address: who asked to move where, and the subscriptions that go along.

A subscription moves by changing hands: its number, its history, what it is owed and its links to leave stay
what they are, and what is still to be sent goes to the new mailbox. Where the new mailbox has one to the
same newsroom already, one of the two goes on and the other ends; the ended one stays with the old mailbox
where it makes room.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from mailer.core.consent import RequestState
from mailer.core.delivery import DeliveryState, Purpose
from mailer.store.columns import among, insert_ignoring
from mailer.store.ledger_tables import delivery
from mailer.store.tables import merged, move, request, subscriber, subscription

KIND = "move"


@dataclass(frozen=True, slots=True)
class NewMove:
    """A change of address to keep.

    Attributes:
        subscriber_id: whose subscriptions are to move.
        subscription_id: one of the new mailbox, which the mail to it is owed to.
        wording: the hash of the wording that was shown.
        tend_at: when upkeep looks whether anything is to be let go of.
    """

    subscriber_id: int
    subscription_id: int
    state: RequestState
    language: str
    wording: str
    expires_at: datetime
    tend_at: datetime


@dataclass(frozen=True, slots=True)
class MoveRow:
    """A change of address as it stands: from one subscriber to another, both still known by mailbox."""

    request_id: int
    state: RequestState
    from_id: int
    from_mailbox: str
    to_id: int
    to_mailbox: str
    to_hash: str
    subscription_id: int
    newsroom: str
    language: str
    wording: str | None
    made_at: datetime
    expires_at: datetime


def add_move(connection: Connection, new: NewMove, now: datetime) -> int:
    """Keep what was asked, in place of what the same mailbox asked before; the request's number."""
    take_back(connection, new.subscriber_id, now)
    made = connection.execute(
        insert(request)
        .values(
            subscription_id=new.subscription_id,
            kind=KIND,
            state=new.state,
            language=new.language,
            asked={},
            wording=new.wording,
            made_at=now,
            expires_at=new.expires_at,
            tend_at=new.tend_at,
            settled_at=None if new.state is RequestState.OPEN else now,
        )
        .returning(request.c.id)
    )
    number = int(made.scalar_one())
    connection.execute(insert(move).values(request_id=number, subscriber_id=new.subscriber_id))
    return number


def take_back(connection: Connection, subscriber_id: int, now: datetime) -> bool:
    """Let a mailbox's change of address expire that nobody has confirmed; whether there was one."""
    done = connection.execute(
        update(request)
        .where(
            request.c.id.in_(
                select(move.c.request_id).where(move.c.subscriber_id == subscriber_id)
            ),
            request.c.state == RequestState.OPEN,
        )
        .values(state=RequestState.EXPIRED, settled_at=now)
    )
    return bool(done.rowcount)


def read_move(connection: Connection, request_id: int) -> MoveRow | None:
    """The change of address that a request asks for; None where it asks for something else."""
    return _one(connection, _moves().where(request.c.id == request_id))


def open_move(connection: Connection, subscriber_id: int, now: datetime) -> MoveRow | None:
    """The change of address of a mailbox that waits to be confirmed."""
    return _one(
        connection,
        _moves()
        .where(
            move.c.subscriber_id == subscriber_id,
            request.c.state == RequestState.OPEN,
            request.c.expires_at > now,
        )
        .order_by(request.c.id.desc())
        .limit(1),
    )


def asked_since(connection: Connection, subscriber_id: int, since: datetime) -> int:
    """How many changes of address a mailbox has asked for since then."""
    query = (
        select(func.count())
        .select_from(move)
        .join(request)
        .where(move.c.subscriber_id == subscriber_id, request.c.made_at >= since)
    )
    return int(connection.scalar(query) or 0)


def last_asked_of(connection: Connection, subscription_id: int) -> datetime | None:
    """When a move to the mailbox of that subscription was last asked for by mail."""
    theirs = subscription.alias()
    found: datetime | None = connection.scalar(
        select(func.max(request.c.made_at))
        .join_from(move, request)
        .where(
            request.c.subscription_id.in_(
                select(theirs.c.id).where(
                    theirs.c.subscriber_id
                    == select(subscription.c.subscriber_id)
                    .where(subscription.c.id == subscription_id)
                    .scalar_subquery()
                )
            ),
            request.c.state != RequestState.ANSWERED,
        )
    )
    return found


def hand_over(connection: Connection, subscription_id: int, subscriber_id: int) -> None:
    """Give a subscription to another mailbox, which has none to its newsroom; its older links die."""
    connection.execute(
        update(subscription)
        .where(subscription.c.id == subscription_id)
        .values(subscriber_id=subscriber_id, generation=subscription.c.generation + 1)
    )


def swap(connection: Connection, one: int, other: int) -> None:
    """Let two subscriptions to one newsroom change hands: each gets the other's mailbox."""
    rows = connection.execute(
        select(subscription.c.id, subscription.c.subscriber_id, subscription.c.newsroom).where(
            subscription.c.id.in_([one, other])
        )
    ).all()
    owner = {row.id: row.subscriber_id for row in rows}
    # One mailbox has one subscription to a newsroom, at every moment: so one steps aside meanwhile.
    aside = f"{rows[0].newsroom[:40]}/{one}"
    _put(connection, one, newsroom=aside)
    _put(connection, other, subscriber_id=owner[one])
    _put(connection, one, newsroom=rows[0].newsroom, subscriber_id=owner[other])


def name_bearer(connection: Connection, request_id: int, subscription_id: int) -> None:
    """Say which subscription of the new mailbox a confirmed request is about, after it changed hands."""
    connection.execute(
        update(request).where(request.c.id == request_id).values(subscription_id=subscription_id)
    )


def unsent(connection: Connection, purpose: Purpose, request_id: int) -> list[int]:
    """The notice of that purpose about a request, if it is due and nobody holds it."""
    return list(
        connection.scalars(
            select(delivery.c.id).where(
                delivery.c.mailing_id.is_(None),
                delivery.c.purpose == purpose,
                delivery.c.cause == f"request:{request_id}",
                delivery.c.state == DeliveryState.DUE,
                delivery.c.worker.is_(None),
            )
        )
    )


def merge(connection: Connection, over: int, into: int) -> None:
    """Remember that a subscription ended since another of the same reader goes on."""
    connection.execute(update(merged).where(merged.c.into_id == over).values(into_id=into))
    connection.execute(merged.delete().where(merged.c.subscription_id.in_([over, into])))
    connection.execute(
        insert_ignoring(connection, merged), {"subscription_id": over, "into_id": into}
    )


def successor(connection: Connection, subscription_id: int) -> int | None:
    """The subscription that goes on in place of an ended one."""
    return connection.scalar(
        select(merged.c.into_id).where(merged.c.subscription_id == subscription_id)
    )


def successors(connection: Connection, subscriptions: Collection[int]) -> dict[int, int]:
    """The subscriptions that go on in place of ended ones, where some do, by the ended ones' numbers."""
    if not subscriptions:
        return {}
    mine = among(merged.c.subscription_id, "of", connection.dialect.name)
    rows = connection.execute(
        select(merged.c.subscription_id, merged.c.into_id).where(mine),
        {"of": sorted(subscriptions)},
    )
    return {row.subscription_id: row.into_id for row in rows}


def _put(connection: Connection, subscription_id: int, **values: object) -> None:
    connection.execute(
        update(subscription)
        .where(subscription.c.id == subscription_id)
        .values(**values, generation=subscription.c.generation + 1)
    )


_from = subscriber.alias("mover")


def _moves() -> Select[*tuple[Any, ...]]:
    columns: Sequence[ColumnElement[Any]] = (
        request.c.id.label("request_id"),
        request.c.state,
        move.c.subscriber_id.label("from_id"),
        _from.c.mailbox.label("from_mailbox"),
        subscription.c.subscriber_id.label("to_id"),
        subscriber.c.mailbox.label("to_mailbox"),
        subscriber.c.hash.label("to_hash"),
        request.c.subscription_id,
        subscription.c.newsroom,
        request.c.language,
        request.c.wording,
        request.c.made_at,
        request.c.expires_at,
    )
    return (
        select(*columns)
        .join_from(move, request)
        .join(_from, _from.c.id == move.c.subscriber_id)
        .join(subscription, subscription.c.id == request.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
    )


def _one(connection: Connection, query: Select[*tuple[Any, ...]]) -> MoveRow | None:
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    return MoveRow(**{**found._mapping, "state": RequestState(found.state)})
