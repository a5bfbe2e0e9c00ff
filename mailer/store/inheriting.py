"""Whose copies a reader holds who has had two subscriptions to one newsroom: those of either.

Where two become one (`store.moves`) the one that goes on inherits what was sent to the other, and all that
this one had inherited. Rows are only ever added, each with the number of the consent entry by which it went
on: so whoever asks about an audience that was frozen before is told what was so then.
"""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, literal, or_, select

from mailer.store.columns import insert_ignoring
from mailer.store.mailings import MailingRow, last_consent
from mailer.store.tables import inherited, subscription


def inherit(connection: Connection, heir: int, over: int, *, here: bool) -> None:
    """Have a subscription stand for the copies of one that ended; after the entry that says it goes on.

    Args:
        here: those copies went to the mailbox that goes on.
    """
    mark = last_consent(connection)
    further = select(
        literal(heir), inherited.c.from_id, literal(mark), and_(inherited.c.here, literal(here))
    ).where(inherited.c.subscription_id == over, inherited.c.from_id != heir)
    columns = ["subscription_id", "from_id", "mark", "here"]
    adding = insert_ignoring(connection, inherited)
    connection.execute(adding, dict(zip(columns, (heir, over, mark, here), strict=True)))
    connection.execute(insert_ignoring(connection, inherited).from_select(columns, further))


def anybody_has(connection: Connection, of: MailingRow) -> bool:
    """Whether any subscription to a mailing's newsroom had inherited something as its audience was frozen."""
    query = (
        select(inherited.c.from_id)
        .join(subscription, subscription.c.id == inherited.c.from_id)
        .where(subscription.c.newsroom == of.newsroom, inherited.c.mark <= of.consent_mark)
    )
    return bool(connection.scalar(select(exists(query))))


def by_reader(owner: ColumnElement[int], of: MailingRow) -> tuple[ColumnElement[bool], ...]:
    """Of a row of `subscription` and one of `inherited`: what is `owner`'s is inherited by that reader."""
    return (
        inherited.c.subscription_id == subscription.c.id,
        inherited.c.from_id == owner,
        inherited.c.mark <= of.consent_mark,
    )


def has(of: MailingRow) -> ColumnElement[bool]:
    """Of a row of `subscription`: it had inherited something as a mailing's audience was frozen."""
    return exists().where(
        inherited.c.subscription_id == subscription.c.id, inherited.c.mark <= of.consent_mark
    )


def either(of: MailingRow) -> Select[Any]:
    """Of a row of `subscription`: it, and those whose copies it stood for as a mailing's audience was frozen.

    It may stand in a query within another one: no row of `subscription` but the outermost is meant.
    """
    theirs = inherited.alias()
    one = subscription.alias()
    mine, stands = theirs.c.subscription_id == subscription.c.id, theirs.c.mark <= of.consent_mark
    inheriting = select(theirs.c.from_id).where(mine, stands).correlate(subscription)
    itself = one.c.id == subscription.c.id
    return select(one.c.id).where(or_(itself, one.c.id.in_(inheriting))).correlate(subscription)
