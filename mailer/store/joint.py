"""Keeps releases of several newsrooms that are one and the same from reaching one reader twice.

Who subscribes to both newsrooms is in the audience of whichever mailing is opened first: the condition below
is about the rows that owe it to them, by itself or in a digest, which stay. So portions and proofs find the
same whenever they ask, as long as all rows of the earlier mailing are written before a later one is opened
(`unwritten`). Whose copy of the earlier one was cancelled, or ended as they left, before that gets the later.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select, union

from mailer.store.digest_tables import digest_due, gathering
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.mailings import MailingRow
from mailer.store.tables import release, subscription

KINDS = ("first", "translation")


def not_elsewhere(connection: Connection, of: MailingRow) -> tuple[ColumnElement[bool], ...]:
    """What must hold of a row of `subscription`: its reader is not owed this release by another newsroom.

    Returns:
        Nothing where the release is nobody else's.
    """
    siblings = _siblings(connection, of.release_id)
    if not siblings:
        return ()
    return (~_owed(of, siblings), ~_kept(of, siblings))


def unwritten(connection: Connection, release_id: int) -> list[int]:
    """Mailings of the same release elsewhere, of whose audiences some have no row yet."""
    siblings = _siblings(connection, release_id)
    if not siblings:
        return []
    waiting = select(mailing.c.id).where(
        mailing.c.release_id.in_(siblings),
        mailing.c.state.in_(["open", "held"]),
        mailing.c.fanned_to.is_not(None),
    )
    gathered = (
        select(mailing.c.id)
        .join(gathering, gathering.c.mailing_id == mailing.c.id)
        .where(mailing.c.release_id.in_(siblings))
    )
    return sorted(connection.scalars(union(waiting, gathered)))


def _owed(of: MailingRow, siblings: Sequence[int]) -> ColumnElement[bool]:
    """By a mailing of its own."""
    same = subscription.alias()
    return exists(
        select(delivery.c.id)
        .join(same, same.c.id == delivery.c.subscription_id)
        .join(mailing, mailing.c.id == delivery.c.mailing_id)
        .where(
            same.c.subscriber_id == subscription.c.subscriber_id,
            same.c.id != subscription.c.id,
            mailing.c.release_id.in_(siblings),
            mailing.c.kind.in_(KINDS),
            mailing.c.id < of.id,
            or_(
                delivery.c.state.not_in(["cancelled", "ended"]),
                delivery.c.settled_at > of.made_at,
            ),
        )
        .correlate(subscription)
    )


def _kept(of: MailingRow, siblings: Sequence[int]) -> ColumnElement[bool]:
    """By a digest, in which it went out or will."""
    same = subscription.alias()
    return exists(
        select(digest_due.c.release_id)
        .join(same, same.c.id == digest_due.c.subscription_id)
        .where(
            same.c.subscriber_id == subscription.c.subscriber_id,
            same.c.id != subscription.c.id,
            digest_due.c.release_id.in_(siblings),
            digest_due.c.mailing_id < of.id,
            or_(
                digest_due.c.state.in_(["waiting", "taken"]),
                and_(digest_due.c.settled_at.is_not(None), digest_due.c.settled_at > of.made_at),
            ),
        )
        .correlate(subscription)
    )


def _siblings(connection: Connection, release_id: int | None) -> list[int]:
    """The other newsrooms' releases that are this very one."""
    if release_id is None:
        return []
    this = connection.execute(
        select(release.c.joint, release.c.newsroom).where(release.c.id == release_id)
    ).first()
    if this is None or this.joint is None:
        return []
    return list(
        connection.scalars(
            select(release.c.id)
            .where(release.c.joint == this.joint, release.c.newsroom != this.newsroom)
            .order_by(release.c.id)
        )
    )
