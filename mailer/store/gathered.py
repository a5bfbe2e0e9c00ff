"""Proves digests: who is to have a release in one by the history alone, and what has become of it since.

The same conditions note the readers (`store.gathering`), so that the two cannot disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from mailer.store import translating, wanting
from mailer.store.addressed import Audience
from mailer.store.digest_tables import digest_due, gathering
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.mailings import MailingRow
from mailer.store.tables import subscription

_ANEW = ("cancelled", "refused", "expired")
"""States of digests of which others may have been made."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A release's digest readers, recomputed.

    Attributes:
        states: readers by state: waiting, taken, ended, withdrawn.
        unnoted: readers who are still to be noted.
        missing: subscriptions that are to have it and for whom nothing is noted (the first few).
        unasked: subscriptions for whom it is noted and who are not to have it (the first few).
        adrift: subscriptions whose copy went out in no digest that there is (the first few).
    """

    states: Mapping[str, int] = field(default_factory=dict)
    unnoted: int = 0
    missing: Sequence[int] = ()
    unasked: Sequence[int] = ()
    adrift: Sequence[int] = ()


def audience(of: MailingRow) -> Audience:
    """Whose delivery a digest of a mailing is: something lies in it that waited for its reader.

    But for what was cancelled or has failed: that may lie in another by now.
    """
    its_own = and_(delivery.c.mailing_id == of.id, delivery.c.subscription_id == subscription.c.id)
    lies_in = exists().where(digest_due.c.delivery_id == delivery.c.id)
    filled = exists().where(its_own, or_(lies_in, delivery.c.state.in_(_ANEW)))
    prepared = select(delivery.c.prepared_id).where(its_own).correlate(subscription)
    return Audience((filled,), prepared.scalar_subquery())


def readers(connection: Connection, of: MailingRow) -> tuple[ColumnElement[bool], ...]:
    """Whose next digest a mailing's release is for, as conditions about a row of `subscription`."""
    if of.kind == "translation":
        return translating.digest_readers(connection, of)
    return wanting.audience(connection, of, way="digest").conditions


def kept(connection: Connection, of: MailingRow, *, few: int = 5) -> Kept:
    """Recompute a release's digest readers and compare them with what is noted."""
    noted = exists().where(
        digest_due.c.subscription_id == subscription.c.id,
        digest_due.c.release_id == of.release_id,
        *(_speaks_of(of) if of.kind == "translation" else ()),
    )
    wanted = readers(connection, of)
    to = connection.scalar(select(gathering.c.gathered_to).where(gathering.c.mailing_id == of.id))
    looked_at = () if to is None else (subscription.c.id <= to,)
    later = () if to is None else (subscription.c.id > to,)
    these = select(subscription.c.id).order_by(subscription.c.id).limit(few)
    ours = select(digest_due.c.subscription_id).where(digest_due.c.mailing_id == of.id)
    ours = ours.where(digest_due.c.release_id == of.release_id)  # of which there is an index
    everybody = select(subscription.c.id).where(*wanted)
    lies = exists().where(
        delivery.c.id == digest_due.c.delivery_id,
        mailing.c.id == delivery.c.mailing_id,
        mailing.c.kind == "digest",
    )
    astray = and_(digest_due.c.state == "taken", ~lies)
    rows = connection.execute(
        select(digest_due.c.state, func.count(digest_due.c.subscription_id.distinct()))
        .where(digest_due.c.release_id == of.release_id, digest_due.c.mailing_id == of.id)
        .group_by(digest_due.c.state)
    )
    return Kept(
        states={row[0]: row[1] for row in rows},
        unnoted=_count(connection, (*wanted, *later)) if later else 0,
        missing=list(connection.scalars(these.where(*wanted, *looked_at, ~noted))),
        unasked=list(
            connection.scalars(
                ours.where(digest_due.c.subscription_id.not_in(everybody)).limit(few)
            )
        ),
        adrift=list(connection.scalars(ours.where(astray).limit(few))),
    )


def _speaks_of(of: MailingRow) -> tuple[ColumnElement[bool], ...]:
    """Of a row for a reader of a translation: it was noted by it, or shows that language, or may."""
    language = digest_due.c.language
    return (or_(digest_due.c.mailing_id == of.id, language == of.language, language == ""),)


def _count(connection: Connection, wanted: Sequence[ColumnElement[bool]]) -> int:
    query = select(func.count()).select_from(subscription).where(*wanted)
    return int(connection.scalar(query) or 0)
