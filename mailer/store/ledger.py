"""The ledger: hands out what is due, and asks for consent anew as it does.

How nobody is lost and nobody is mailed twice:

1. A mailing's deliveries lie in chunks. A worker leases a chunk and takes windows of it in order.
2. Before a window is handed out the chunk's `mark` moves past it and the transaction commits. So a
   delivery up to the mark may have been sent; one beyond it has certainly not.
3. Notices and retries have a `due_at` and are claimed one by one, with the same meaning.
4. As a row is handed out its consent is asked again; who left meanwhile gets `ended`, not mail.
5. Outcomes are written in groups (`store.outcomes`). A chunk is done when its mark is at its end and
   nothing in it awaits an outcome.
6. A worker that dies leaves rows that were handed out and have no outcome. Whoever takes over
   (`store.takeover`) writes an `unknown` attempt for each, then holds them or makes them due again.
7. A late outcome of a worker that lost its lease counts only where it is news: "accepted" for a row
   that nobody holds.

Every function takes an open writing connection and returns values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    or_,
    select,
    update,
)

from mailer.core.delivery import NOTICES, Due, Purpose, may_receive
from mailer.store.ledger_tables import chunk, delivery, mailing
from mailer.store.progress import awaits_first_try, count_settled
from mailer.store.tables import request, subscriber, subscription, suppression


@dataclass(frozen=True, slots=True)
class Lease:
    """Who takes, when, and until when it is theirs."""

    worker: str
    now: datetime
    until: datetime


def take(connection: Connection, lease: Lease, want: int) -> list[Due]:
    """Hand out up to `want` deliveries: notices, then retries, then the next windows of mailings.

    Those whose consent is gone are ended on the way and do not count.
    """
    handed: list[Due] = []
    for next_few in (_take_alone, _take_window):
        while (few := next_few(connection, lease, want - len(handed))) is not None:
            handed += few
    return handed


def _take_alone(connection: Connection, lease: Lease, want: int) -> list[Due] | None:
    """The next notices and retries; None when none is wanted or left."""
    candidates = (
        select(delivery.c.id)
        .outerjoin(mailing, mailing.c.id == delivery.c.mailing_id)
        .where(
            delivery.c.state == "due",
            delivery.c.due_at <= lease.now,
            delivery.c.worker.is_(None),
            or_(delivery.c.mailing_id.is_(None), mailing.c.state == "open"),
        )
        .order_by(case((delivery.c.mailing_id.is_(None), 0), else_=1), delivery.c.due_at)
        .limit(want)
        .with_for_update(of=delivery, skip_locked=True)
    )
    ids = list(connection.scalars(candidates)) if want else []
    if not ids:
        return None
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_(ids))
        .values(worker=lease.worker, lease_until=lease.until)
    )
    return _mailable(connection, delivery.c.id.in_(ids), lease, alone=True)


def _take_window(connection: Connection, lease: Lease, want: int) -> list[Due] | None:
    """The next window of a chunk that is ours or free; None when none is wanted or left."""
    if not want:
        return None
    found = connection.execute(
        select(chunk.c.mailing_id, chunk.c.lo, chunk.c.hi, chunk.c.mark)
        .join(mailing, mailing.c.id == chunk.c.mailing_id)
        .where(
            mailing.c.state == "open",
            chunk.c.state != "done",
            chunk.c.mark < chunk.c.hi,
            or_(chunk.c.state == "open", chunk.c.worker == lease.worker),
        )
        .order_by(chunk.c.mailing_id, chunk.c.lo)
        .limit(1)
        .with_for_update(of=chunk, skip_locked=True)
    ).first()
    if found is None:
        return None
    mark = min(found.mark + want, found.hi)
    connection.execute(
        update(chunk)
        .where(chunk.c.mailing_id == found.mailing_id, chunk.c.lo == found.lo)
        .values(state="leased", worker=lease.worker, lease_until=lease.until, mark=mark)
    )
    window = and_(
        delivery.c.mailing_id == found.mailing_id,
        delivery.c.id.between(found.mark + 1, mark),
        awaits_first_try(),
    )
    return _mailable(connection, window, lease, alone=False)


def _mailable(
    connection: Connection, which: ColumnElement[bool], lease: Lease, *, alone: bool
) -> list[Due]:
    rows = connection.execute(_with_consent().where(which).order_by(delivery.c.id)).all()
    asked = _open_requests(connection, rows, lease.now)
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
            kept.append(_due(row, alone=alone))
        else:
            ended.append(row)
    if ended:
        _end(connection, ended, lease.now)
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
        int(row.cause.partition(":")[2]): row.cause for row in rows if row.purpose == "confirm"
    }
    if not causes:
        return frozenset()
    found = connection.scalars(
        select(request.c.id).where(
            request.c.id.in_(list(causes)), request.c.state == "open", request.c.expires_at > now
        )
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
    )


def _end(connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]], now: datetime) -> None:
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_([row.id for row in rows]))
        .values(state="ended", settled_at=now, due_at=None, worker=None, lease_until=None)
    )
    count_settled(connection, [row.mailing_id for row in rows])


def owed_to(connection: Connection, release_id: int, subscription_id: int) -> Due | None:
    """What a subscription is or was owed of a release, as it is handed to the composer."""
    row = connection.execute(
        _with_consent()
        .where(mailing.c.release_id == release_id, delivery.c.subscription_id == subscription_id)
        .order_by(delivery.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else _due(row, alone=False)
