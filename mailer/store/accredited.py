"""Accredited readers: who may read what is under embargo, on whose word, for which outlet, until when.

Nothing is taken out. Whom an early copy was for can be asked again at any time: whose accreditation stood
as its mailing was opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from mailer.store.addressed import Audience, only_message
from mailer.store.ledger_tables import chunk, delivery, mailing
from mailer.store.mailings import MailingRow
from mailer.store.progress import count_settled
from mailer.store.spoken import message_for, messages_by_language
from mailer.store.tables import accreditation, subscriber, subscription
from mailer.store.wanting import consented


@dataclass(frozen=True, slots=True)
class Accredited:
    """A reader who may have early copies.

    Attributes:
        active: the subscription is; otherwise nothing is sent.
        revoked_at: since when not any more.
    """

    id: int
    subscription: int
    address: str
    newsroom: str
    tier: str
    outlet: str
    approved_by: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    active: bool


def audience(connection: Connection, of: MailingRow) -> Audience:
    """Whom an early copy is for: accredited, unexpired and active, and no early copy of it before."""
    before = mailing.alias("before")
    earlier = exists().where(
        delivery.c.subscription_id == subscription.c.id,
        delivery.c.mailing_id == before.c.id,
        before.c.release_id == of.release_id,
        before.c.kind == "early",
        before.c.id < of.id,
    )
    stands = exists().where(accreditation.c.subscription_id == subscription.c.id, stood(of))
    return Audience(
        conditions=(
            subscription.c.newsroom == of.newsroom,
            stands,
            consented(subscription.c.id, of.consent_mark),
            ~earlier,
        ),
        prepared_id=_message(connection, of),
    )


def stood(of: MailingRow) -> ColumnElement[bool]:
    """Of an accreditation: it stood as a mailing was opened."""
    return and_(
        accreditation.c.made_after < of.id,
        accreditation.c.expires_at > of.made_at,
        or_(accreditation.c.revoked_after.is_(None), accreditation.c.revoked_after >= of.id),
    )


def accredit(
    connection: Connection,
    subscription_id: int,
    *,
    tier: str,
    outlet: str,
    approved_by: str,
    until: datetime,
    now: datetime,
) -> None:
    """Accredit a reader in place of whatever accreditation they had."""
    _take_back(connection, subscription_id, now)
    connection.execute(
        insert(accreditation).values(
            subscription_id=subscription_id,
            tier=tier[:32],
            outlet=outlet[:200],
            approved_by=approved_by[:100],
            made_at=now,
            expires_at=until,
            made_after=_last_mailing(connection),
        )
    )


def revoke(connection: Connection, subscription_id: int, now: datetime) -> bool:
    """Take an accreditation back; early copies that are still here are not sent. False if there is none."""
    if not _take_back(connection, subscription_id, now):
        return False
    early = select(mailing.c.id).where(mailing.c.kind == "early")
    handed_out = exists().where(
        chunk.c.mailing_id == delivery.c.mailing_id,
        delivery.c.id.between(chunk.c.lo, chunk.c.mark),
    )
    ended = connection.scalars(
        update(delivery)
        .where(
            delivery.c.subscription_id == subscription_id,
            delivery.c.mailing_id.in_(early),
            delivery.c.state == "due",
            delivery.c.worker.is_(None),
            or_(delivery.c.due_at.is_not(None), ~handed_out),
        )
        .values(state="ended", settled_at=now, due_at=None)
        .returning(delivery.c.mailing_id)
    ).all()
    count_settled(connection, ended)
    return True


def listed(
    connection: Connection, newsroom: str | None = None, *, over: bool = False
) -> list[Accredited]:
    """Accredited readers by newsroom and address; those whose accreditation was taken back only on demand."""
    query = _rows()
    if newsroom is not None:
        query = query.where(subscription.c.newsroom == newsroom)
    if not over:
        query = query.where(accreditation.c.revoked_at.is_(None))
    query = query.order_by(subscription.c.newsroom, subscriber.c.mailbox, accreditation.c.id)
    return [_accredited(row) for row in connection.execute(query)]


def of_subscription(connection: Connection, subscription_id: int) -> Accredited | None:
    """A reader's accreditation that was not taken back."""
    query = _rows().where(
        accreditation.c.subscription_id == subscription_id, accreditation.c.revoked_at.is_(None)
    )
    row = connection.execute(query).first()
    return None if row is None else _accredited(row)


def forget(connection: Connection, subscriptions: Sequence[int]) -> None:
    """Let go of what says of forgotten readers whom they work for; that they were accredited stays."""
    connection.execute(
        update(accreditation)
        .where(accreditation.c.subscription_id.in_(subscriptions))
        .values(outlet="")
    )


def _message(connection: Connection, of: MailingRow) -> ColumnElement[Any]:
    """In the first of a reader's languages that there is, else in the first of the release's."""
    messages = messages_by_language(connection, of.id)
    if len(messages) < 2:
        return only_message(of.id)
    theirs = message_for(connection, subscription.c.id, of.consent_mark, messages)
    return func.coalesce(theirs, next(iter(messages.values())))


def _take_back(connection: Connection, subscription_id: int, now: datetime) -> bool:
    done = connection.execute(
        update(accreditation)
        .where(
            accreditation.c.subscription_id == subscription_id,
            accreditation.c.revoked_at.is_(None),
        )
        .values(revoked_at=now, revoked_after=_last_mailing(connection))
    )
    return bool(done.rowcount)


def _last_mailing(connection: Connection) -> int:
    """Who accredits and who opens an early mailing take turns (`mailings.take_turn`)."""
    return int(connection.scalar(select(func.coalesce(func.max(mailing.c.id), 0))) or 0)


def _rows() -> Select[*tuple[Any, ...]]:
    return (
        select(
            accreditation.c.id,
            accreditation.c.subscription_id.label("subscription"),
            subscriber.c.mailbox.label("address"),
            subscription.c.newsroom,
            accreditation.c.tier,
            accreditation.c.outlet,
            accreditation.c.approved_by,
            accreditation.c.made_at,
            accreditation.c.expires_at,
            accreditation.c.revoked_at,
            (subscription.c.state == "active").label("active"),
        )
        .join(subscription, subscription.c.id == accreditation.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
    )


def _accredited(row: Any) -> Accredited:
    return Accredited(**{**row._mapping, "active": bool(row.active)})
