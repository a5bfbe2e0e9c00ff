"""Lets go of what has been kept long enough, a bounded batch in each transaction.

Consent entries are only ever added to; this is the one place that takes anything from them again, and
it takes what says where an answer came from, never that it was given. The outcomes of deliveries
stay, since proofs are made of them; the relays' words about them go.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Subquery,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from mailer.store.columns import insert_ignoring
from mailer.store.ledger_tables import attempt, chunk, delivery, mailing
from mailer.store.progress import in_chunk
from mailer.store.retention_tables import tidied
from mailer.store.tables import audit, consent, request, subscription

Trace = Literal["ip", "user_agent"]


@dataclass(frozen=True, slots=True)
class Untidied:
    """A finished mailing whose relays' words are still kept.

    Attributes:
        first, last: numbers of its deliveries that are not looked through yet; a few among them may be
            another's.
    """

    mailing_id: int
    first: int
    last: int


def drop_traces(connection: Connection, trace: Trace, until: datetime, limit: int) -> int:
    """Take the client's address, or its browser, from entries of up to `until`; how many."""
    column = consent.c[trace]
    old = select(consent.c.id).where(*_traced(column, until)).order_by(consent.c.at).limit(limit)
    done = connection.execute(
        update(consent).where(consent.c.id.in_(old)).values({column.name: None})
    )
    return done.rowcount


def count_traces(connection: Connection, trace: Trace, until: datetime) -> int:
    """How many `drop_traces` would find in all."""
    found = select(func.count()).where(*_traced(consent.c[trace], until))
    return int(connection.scalar(found) or 0)


def count_pending(connection: Connection, until: datetime) -> int:
    """How many sign-ups up to `until` nobody has confirmed; `lapsing` deletes them."""
    since = exists().where(
        request.c.subscription_id == subscription.c.id, request.c.made_at > until
    )
    found = select(func.count()).where(
        subscription.c.state == "pending", subscription.c.made_at <= until, ~since
    )
    return int(connection.scalar(found) or 0)


def next_untidied(connection: Connection, until: datetime) -> Untidied | None:
    """The first mailing finished up to `until` whose relays' words are still kept."""
    mailings = _untidied(until)
    row = connection.execute(
        select(mailings.c.id, mailings.c.upto, func.min(chunk.c.lo), func.max(chunk.c.hi))
        .join_from(mailings, chunk, chunk.c.mailing_id == mailings.c.id, isouter=True)
        .group_by(mailings.c.id, mailings.c.upto)
        .order_by(mailings.c.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    number, upto, lowest, highest = row
    if lowest is None:  # nobody had asked for it
        return Untidied(number, 1, 0)
    return Untidied(number, max(lowest, (upto or 0) + 1), highest)


def tidy_replies(connection: Connection, found: Untidied, limit: int, now: datetime) -> int:
    """Take the relays' words from the next `limit` deliveries of a mailing; how many had some."""
    last = min(found.first + limit - 1, found.last)
    mine = in_chunk(found.mailing_id, found.first, last)
    tried = select(delivery.c.id).where(mine)
    connection.execute(
        update(attempt)
        .where(
            attempt.c.delivery_id.between(found.first, last),
            attempt.c.delivery_id.in_(tried),
            attempt.c.text != "",
        )
        .values(text="")
    )
    done = connection.execute(
        update(delivery).where(mine, delivery.c.reply.is_not(None)).values(reply=None)
    )
    over = now if last >= found.last else None
    connection.execute(
        insert_ignoring(connection, tidied), {"mailing_id": found.mailing_id, "upto": 0}
    )
    connection.execute(
        update(tidied).where(tidied.c.mailing_id == found.mailing_id).values(upto=last, at=over)
    )
    return done.rowcount


def count_replies(connection: Connection, until: datetime) -> int:
    """How many deliveries `tidy_replies` would find in all."""
    mailings = _untidied(until)
    found = (
        select(func.count())
        .select_from(delivery)
        .join(mailings, mailings.c.id == delivery.c.mailing_id)
        .where(delivery.c.reply.is_not(None))
    )
    return int(connection.scalar(found) or 0)


def drop_audit(connection: Connection, until: datetime, limit: int) -> int:
    """Delete what operators did up to `until`; how many acts."""
    old = select(audit.c.id).where(audit.c.at <= until).order_by(audit.c.id).limit(limit)
    return connection.execute(delete(audit).where(audit.c.id.in_(old))).rowcount


def count_audit(connection: Connection, until: datetime) -> int:
    """How many `drop_audit` would find in all."""
    return int(connection.scalar(select(func.count()).where(audit.c.at <= until)) or 0)


def _traced(column: ColumnElement[str | None], until: datetime) -> tuple[ColumnElement[bool], ...]:
    return column.is_not(None), consent.c.at <= until


def _untidied(until: datetime) -> Subquery:
    """Finished mailings, each with the number up to which it is done; one that went on is done anew."""
    over = and_(tidied.c.at.is_not(None), tidied.c.at < mailing.c.finished_at)
    return (
        select(mailing.c.id, case((over, None), else_=tidied.c.upto).label("upto"))
        .join_from(mailing, tidied, tidied.c.mailing_id == mailing.c.id, isouter=True)
        .where(
            mailing.c.state.in_(["finished", "cancelled"]),
            mailing.c.finished_at <= until,
            or_(tidied.c.at.is_(None), over),
        )
        .subquery("mailings")
    )
