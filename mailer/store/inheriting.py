"""Whose copies a reader holds who has had two subscriptions to one newsroom: those of either.

Where two become one (`store.moves`) the one that goes on inherits what was sent to the other, and all that
this one had inherited. Rows are only ever added, each with the number of the consent entry by which it went
on: so whoever asks about an audience that was frozen before is told what was so then. The other one's reader
may come back: what it is sent after it had ended is its own again, and nobody's inheritance until it ends so
once more. A copy belongs to the first heirs that there were after it was sent.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
)

from mailer.store.columns import insert_ignoring
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.mailings import MailingRow, last_consent
from mailer.store.tables import inherited, subscription


def inherit(connection: Connection, heir: int, over: int, *, here: bool) -> None:
    """Have a subscription stand for the copies of one that ended; after the entry that says it goes on.

    Args:
        here: those copies went to the mailbox that goes on.
    """
    mark = last_consent(connection)
    latest = inherited.alias()
    newest = select(func.max(latest.c.mark)).where(
        latest.c.subscription_id == over, latest.c.from_id == inherited.c.from_id
    )
    further = select(
        literal(heir),
        inherited.c.from_id,
        literal(mark),
        inherited.c.until,
        and_(inherited.c.here, literal(here)),
    ).where(
        inherited.c.subscription_id == over,
        inherited.c.from_id != heir,
        inherited.c.mark == newest.scalar_subquery(),
    )
    columns = ["subscription_id", "from_id", "mark", "until", "here"]
    adding = insert_ignoring(connection, inherited)
    connection.execute(adding, dict(zip(columns, (heir, over, mark, mark, here), strict=True)))
    connection.execute(insert_ignoring(connection, inherited).from_select(columns, further))


def anybody_has(connection: Connection, of: MailingRow) -> bool:
    """Whether any subscription to a mailing's newsroom had inherited something as its audience was frozen."""
    query = (
        select(inherited.c.from_id)
        .join(subscription, subscription.c.id == inherited.c.from_id)
        .where(subscription.c.newsroom == of.newsroom, inherited.c.mark <= of.consent_mark)
    )
    return bool(connection.scalar(select(exists(query))))


def of_delivery(of: MailingRow) -> tuple[ColumnElement[bool], ...]:
    """Of a row of `inherited`, as it stood when an audience was frozen: a delivery is part of it."""
    return _within(delivery.c.subscription_id, delivery.c.mailing_id, of)


def of_digest(of: MailingRow) -> tuple[ColumnElement[bool], ...]:
    """The same of a release in a digest; what waits for one is handed on instead."""
    lies_in = (
        select(delivery.c.mailing_id)
        .where(delivery.c.id == digest_due.c.delivery_id)
        .correlate(digest_due)
        .scalar_subquery()
    )
    return _within(digest_due.c.subscription_id, lies_in, of)


def by_reader(
    inheritance: tuple[ColumnElement[bool], ...],
) -> tuple[ColumnElement[bool], ...]:
    """Of a row of `subscription` besides: it is that reader's."""
    return (inherited.c.subscription_id == subscription.c.id, *inheritance)


def _within(
    owner: ColumnElement[Any], by: ColumnElement[Any], of: MailingRow
) -> tuple[ColumnElement[bool], ...]:
    frozen = _frozen(by)
    return (inherited.c.mark <= of.consent_mark, *_first_heir(inherited, owner, frozen))


def _first_heir(
    heir: FromClause, owner: ColumnElement[Any], frozen: ColumnElement[int]
) -> tuple[ColumnElement[bool], ...]:
    """Of a row of `inherited`: it is of the first heirs that there were after a mailing was frozen."""
    sooner = inherited.alias()
    earlier = exists().where(
        sooner.c.from_id == owner, sooner.c.until > frozen, sooner.c.until < heir.c.until
    )
    return heir.c.from_id == owner, heir.c.until > frozen, ~earlier.correlate_except(sooner)


def _frozen(by: ColumnElement[Any]) -> ColumnElement[int]:
    """The consent entry that a mailing was frozen at; its number is a column of the query around."""
    sent = mailing.alias()
    return (
        select(sent.c.consent_mark).where(sent.c.id == by).correlate_except(sent).scalar_subquery()
    )


def bears(reader: int, owner: ColumnElement[int], by: ColumnElement[Any]) -> ColumnElement[bool]:
    """Of a copy: it is a subscription's now, sent to it and not passed on, or its inheritance.

    Args:
        owner: the column of the subscription it was sent to.
        by: the column of the mailing that sent it.
    """
    frozen = _frozen(by)
    one, later = inherited.alias(), inherited.alias()
    passed_on = exists().where(one.c.from_id == owner, one.c.until > frozen).correlate_except(one)
    further_heir = exists().where(
        later.c.from_id == owner, later.c.until == one.c.until, later.c.mark > one.c.mark
    )
    inherits = (
        exists()
        .where(
            one.c.subscription_id == reader,
            *_first_heir(one, owner, frozen),
            ~further_heir.correlate_except(later),
        )
        .correlate_except(one)
    )
    return or_(and_(owner == reader, ~passed_on), inherits)


def has(of: MailingRow) -> ColumnElement[bool]:
    """Of a row of `subscription`: it had inherited something as a mailing's audience was frozen."""
    return exists().where(
        inherited.c.subscription_id == subscription.c.id, inherited.c.mark <= of.consent_mark
    )


def either(of: MailingRow) -> Select[Any]:
    """Of a row of `subscription`: it, and all it had inherited anything of as an audience was frozen.

    It may stand in a query within another one: no row of `subscription` but the outermost is meant.
    """
    theirs = inherited.alias()
    one = subscription.alias()
    mine, stands = theirs.c.subscription_id == subscription.c.id, theirs.c.mark <= of.consent_mark
    inheriting = select(theirs.c.from_id).where(mine, stands).correlate(subscription)
    itself = one.c.id == subscription.c.id
    return select(one.c.id).where(or_(itself, one.c.id.in_(inheriting))).correlate(subscription)
