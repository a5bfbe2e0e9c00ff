"""Claims notices and retries one by one, and asks for consent anew as they are handed out."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    bindparam,
    func,
    select,
    update,
)

from mailer.core.delivery import NOTICES, Due, Purpose, may_receive
from mailer.store.lease import Lease
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.progress import count_settled
from mailer.store.tables import consent, request, subscriber, subscription, suppression


def claim(
    connection: Connection, lease: Lease, mailing_id: int | None, want: int
) -> list[Due] | None:
    """The next `want` retries of a mailing, or notices, that are due and free; None if there are none.

    Those whose consent is gone are ended on the way.
    """
    candidates = _NOTICES if mailing_id is None else _RETRIES
    wanted = {"now": lease.now, "want": want, "mailing": mailing_id}
    ids = list(connection.scalars(candidates, wanted))
    if not ids:
        return None
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids))
        .values(worker=lease.worker, lease_until=lease.until)
    )
    rows = connection.execute(_with_consent().where(delivery.c.id.in_(ids))).all()
    return _mailable(connection, rows, lease)


def _candidates(of: ColumnElement[bool]) -> Select[int]:
    return (
        select(delivery.c.id)
        .where(
            of,
            delivery.c.state == "due",
            delivery.c.due_at.is_not(None),
            delivery.c.due_at <= bindparam("now"),
            delivery.c.worker.is_(None),
        )
        .order_by(delivery.c.due_at)
        .limit(bindparam("want", type_=Integer))
        .with_for_update(skip_locked=True)
    )


_NOTICES = _candidates(delivery.c.mailing_id.is_(None))
_RETRIES = _candidates(delivery.c.mailing_id == bindparam("mailing"))


def owed(connection: Connection, deliveries: Sequence[int]) -> Iterator[Due]:
    """Deliveries as they were handed out, whatever has become of them; but for those known as accepted."""
    for start in range(0, len(deliveries), 500):
        some = delivery.c.id.in_(deliveries[start : start + 500])
        news = _with_consent().where(some, delivery.c.state != "accepted")
        for row in connection.execute(news):
            yield _due(row, alone=row.due_at is not None)


def owed_to(connection: Connection, release_id: int, subscription_id: int) -> Due | None:
    """What a subscription is or was owed of a release, as it is handed to the composer."""
    row = connection.execute(
        _with_consent()
        .where(mailing.c.release_id == release_id, delivery.c.subscription_id == subscription_id)
        .order_by(delivery.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else _due(row, alone=False)


def end(
    connection: Connection,
    deliveries: Sequence[int],
    mailings: Sequence[int | None],
    now: datetime,
) -> None:
    """Settle deliveries whose consent is gone; `mailings` names the mailing of each."""
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(deliveries))
        .values(state="ended", settled_at=now, due_at=None, worker=None, lease_until=None)
    )
    count_settled(connection, mailings)


def _mailable(
    connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]], lease: Lease
) -> list[Due]:
    asked = _open_requests(connection, rows, lease.now) | _standing_leavings(connection, rows)
    kept: list[Due] = []
    ended: list[Row[*tuple[Any, ...]]] = []
    for row in rows:
        allowed = may_receive(
            Purpose(row.purpose),
            subscribed=row.state == "active",
            suppressed=row.suppressed is not None,
            asked=row.cause in asked,
        )
        if allowed:
            kept.append(_due(row, alone=True))
        else:
            ended.append(row)
    if ended:
        end(connection, [row.id for row in ended], [row.mailing_id for row in ended], lease.now)
    return sorted(kept, key=lambda due: (due.purpose not in NOTICES, due.id))


def _with_consent() -> Select[*tuple[Any, ...]]:
    return (
        select(
            delivery.c.id,
            delivery.c.mailing_id,
            delivery.c.subscription_id,
            delivery.c.prepared_id,
            delivery.c.purpose,
            delivery.c.cause,
            delivery.c.made_at,
            delivery.c.attempts,
            delivery.c.due_at,
            delivery.c.answers,
            subscriber.c.mailbox,
            subscription.c.state,
            suppression.c.hash.label("suppressed"),
            mailing.c.unknown,
        )
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .outerjoin(suppression, suppression.c.hash == subscriber.c.hash)
        .outerjoin(mailing, mailing.c.id == delivery.c.mailing_id)
    )


def _open_requests(
    connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]], now: datetime
) -> frozenset[str]:
    causes = {
        int(row.cause.partition(":")[2]): row.cause
        for row in rows
        if row.purpose in {Purpose.CONFIRM, Purpose.REMINDER, Purpose.MOVE}
    }
    if not causes:
        return frozenset()
    found = connection.scalars(
        select(request.c.id).where(
            request.c.id.in_(list(causes)), request.c.state == "open", request.c.expires_at > now
        )
    )
    return frozenset(causes[number] for number in found)


def _standing_leavings(
    connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]
) -> frozenset[str]:
    """The causes of last mails whose subscription still is as it was left: nothing became of it since."""
    causes = {
        int(row.cause.partition(":")[2]): row.cause for row in rows if row.purpose == Purpose.LEFT
    }
    if not causes:
        return frozenset()
    unchanged = func.coalesce(consent.c.generation, subscription.c.generation)
    found = connection.scalars(
        select(consent.c.id)
        .join(subscription, subscription.c.id == consent.c.subscription_id)
        .where(consent.c.id.in_(list(causes)), subscription.c.generation == unchanged)
    )
    return frozenset(causes[number] for number in found)


def _due(row: Row[*tuple[Any, ...]], *, alone: bool) -> Due:
    return Due(
        id=row.id,
        purpose=Purpose(row.purpose),
        prepared_id=row.prepared_id,
        subscription_id=row.subscription_id,
        mailbox=row.mailbox,
        made_at=row.made_at,
        attempts=row.attempts,
        mailing_id=row.mailing_id,
        cause=row.cause or "",
        unknown=row.unknown or "resend",
        alone=alone,
        answers=row.answers,
    )
