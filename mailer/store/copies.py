"""What one reader holds of a mailing or a release, or is owed of it, as conditions of a query.

*Held* is a copy that a relay accepted, or that may have left and is not tried again. It is held by the
subscription that it was sent to, or by the one that inherited it (`store.inheriting`).

They are about rows of `mailing`, `delivery` and `digest_due` of the query around them.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, FromClause, and_, exists, or_, select

from mailer.core.delivery import DeliveryState, Result
from mailer.store import inheriting
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import attempt, delivery, mailing, prepared

THE_RELEASE = ("first", "translation")
"""Kinds of mailings that a release itself comes by."""


def owed(reader: int, every_language: bool) -> ColumnElement[bool]:
    """Of a mailing: a reader is in it, or its release waits for their digest.

    With each language by itself it is asked of a delivery of that mailing.
    """
    own = delivery.alias()
    alike = [_language_of(own) == _language_of(delivery)] if every_language else []
    return or_(
        exists().where(own.c.mailing_id == mailing.c.id, own.c.subscription_id == reader, *alike),
        and_(
            mailing.c.kind.in_(THE_RELEASE),
            exists().where(
                digest_due.c.subscription_id == reader,
                digest_due.c.release_id == mailing.c.release_id,
                digest_due.c.state == "waiting",
            ),
        ),
    )


def same_copy(reader: int) -> ColumnElement[bool]:
    """Of a mailing: a reader holds what it sent them."""
    own = delivery.alias()
    return exists().where(own.c.mailing_id == mailing.c.id, held(reader, own))


def has(reader: int, every_language: bool) -> ColumnElement[bool]:
    """Of a mailing of a release: a reader holds the release, by itself or in a digest.

    With each language by itself it is asked of a delivery of that mailing.
    """
    alone = by_itself(reader, mailing.c.release_id, every_language=every_language)
    shown = in_digest(reader, mailing.c.release_id, every_language=every_language)
    return and_(mailing.c.kind.in_(THE_RELEASE), or_(alone, shown))


def by_itself(
    reader: int, release_id: ColumnElement[int], *, every_language: bool = False
) -> ColumnElement[bool]:
    """Of a release: a reader holds it, sent by itself."""
    own, by = delivery.alias(), mailing.alias()
    alike = [_language_of(own) == _language_of(delivery)] if every_language else []
    return exists(
        select(own.c.id)
        .join(by, by.c.id == own.c.mailing_id)
        .where(
            by.c.release_id == release_id,
            by.c.kind.in_(THE_RELEASE),
            held(reader, own),
            *alike,
        )
        .correlate(mailing, delivery, digest_due)
    )


def in_digest(
    reader: int, release_id: ColumnElement[int], *, every_language: bool = False
) -> ColumnElement[bool]:
    """Of a release: a reader holds it in a digest."""
    lies, digest = digest_due.alias(), delivery.alias()
    alike = [lies.c.language == _language_of(delivery)] if every_language else []
    return exists(
        select(lies.c.release_id)
        .join(digest, digest.c.id == lies.c.delivery_id)
        .where(
            lies.c.release_id == release_id,
            held(reader, digest, lies),
            *alike,
        )
        .correlate(mailing, delivery, digest_due)
    )


def held(reader: int, copy: FromClause, bearer: FromClause | None = None) -> ColumnElement[bool]:
    """Of a delivery: a reader holds it, accepted, or possibly left and not tried again.

    Args:
        bearer: what names whom it was for, if that is not the delivery.
    """
    owner = copy if bearer is None else bearer
    settled = copy.c.state.in_([DeliveryState.ACCEPTED, DeliveryState.UNKNOWN])
    over = or_(settled, and_(copy.c.state != DeliveryState.DUE, left(copy)))
    return and_(over, inheriting.bears(reader, owner.c.subscription_id, copy.c.mailing_id))


def may_be_held(copy: FromClause) -> ColumnElement[bool]:
    """Of a delivery: it was accepted, or may have left."""
    settled = copy.c.state.in_([DeliveryState.ACCEPTED, DeliveryState.UNKNOWN])
    return or_(settled, left(copy))


def not_failed_by(copy: FromClause, moment: datetime) -> ColumnElement[bool]:
    """Of a delivery: it had not certainly failed at a moment; the same whenever that is asked."""
    return or_(may_be_held(copy), copy.c.settled_at.is_(None), copy.c.settled_at > moment)


def left(copy: FromClause) -> ColumnElement[bool]:
    """Of a delivery: an attempt at it left, or may have."""
    return exists().where(
        attempt.c.delivery_id == copy.c.id, attempt.c.result.in_([Result.ACCEPTED, Result.UNKNOWN])
    )


def doubted(copy: FromClause) -> ColumnElement[bool]:
    """Of a delivery: of an attempt at it nobody knows whether it left."""
    return exists().where(attempt.c.delivery_id == copy.c.id, attempt.c.result == Result.UNKNOWN)


def _language_of(copy: FromClause) -> ColumnElement[str]:
    """The language that a delivery is in."""
    of = select(prepared.c.language).where(prepared.c.id == copy.c.prepared_id)
    return of.correlate(copy).scalar_subquery()
