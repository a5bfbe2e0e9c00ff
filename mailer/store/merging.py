"""What two subscriptions are owed, asked as they become one: each release reaches their reader once.

*Held* is a copy that a relay accepted, or that may have left and is not tried again. What one of the two
holds is not sent to the other any more. What may have left and is due again is owed: the one that ends cannot
try it again, and if both let go of it for the other's sake nobody would. What is in a dispatcher's hand is
neither held nor owed: who asks waits until that is known.

Every function takes an open writing connection that holds both subscriptions.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from mailer.core.delivery import DeliveryState, Result
from mailer.store import audiences, inheriting, mailings
from mailer.store.digest_tables import digest_due, gathering
from mailer.store.ledger_tables import attempt, chunk, delivery, mailing, prepared
from mailer.store.progress import count_settled
from mailer.store.tables import subscription

_THE_RELEASE = ("first", "translation")
"""Kinds of mailings that a release itself comes by."""
_LIVING = mailing.c.state.in_(["open", "held"])


def in_hand(connection: Connection, subscriptions: Sequence[int]) -> bool:
    """Whether a dispatcher holds a letter to one of these, or readers of digests are still to be noted."""
    begun = exists().where(
        chunk.c.mailing_id == delivery.c.mailing_id,
        chunk.c.state == "leased",
        delivery.c.id.between(chunk.c.lo, chunk.c.mark),
    )
    held = exists().where(
        delivery.c.subscription_id.in_(subscriptions),
        delivery.c.mailing_id.is_not(None),
        delivery.c.state == DeliveryState.DUE,
        or_(delivery.c.worker.is_not(None), and_(delivery.c.due_at.is_(None), begun)),
    )
    rooms = select(subscription.c.newsroom).where(
        subscription.c.id.in_(subscriptions), subscription.c.frequency != "at_once"
    )
    noting = exists(
        select(gathering.c.mailing_id)
        .join(mailing, mailing.c.id == gathering.c.mailing_id)
        .where(mailing.c.newsroom.in_(rooms))
    )
    return bool(connection.scalar(select(or_(held, noting))))


def owed_alone(connection: Connection, one: int, other: int, *, every_language: bool) -> int:
    """How many mailings owe `one`, or have brought it, what `other` is not owed and has not had.

    What was brought counts only where the other's row is still to be written: it would bring it again.

    Args:
        every_language: their reader wants each release in all languages: then each counts by itself; and of
            a row still to be written nobody knows its language, so that neither may end before it is there.
    """
    due = and_(delivery.c.state == DeliveryState.DUE, ~_has(other, every_language))
    unwritten = and_(mailing.c.fanned_to.is_not(None), mailing.c.fanned_to < other)
    written = (
        select(func.count())
        .select_from(mailing)
        .join(delivery, delivery.c.mailing_id == mailing.c.id)
        .where(
            _LIVING,
            delivery.c.subscription_id == one,
            ~_owed(other, every_language),
            or_(due, and_(unwritten, _held(delivery))),
        )
    )
    theirs, others = (_to_be_written(connection, each) for each in (one, other))
    neither = and_(~_owed(other, False), ~_has(other, False))
    alone = and_(mailing.c.id.in_(theirs.keys() - others.keys()), neither)
    if every_language:
        alone = or_(mailing.c.id.in_(theirs), and_(mailing.c.id.in_(others), _owed(one, False)))
    later = select(func.count(mailing.c.id)).where(
        or_(alone, and_(mailing.c.id.in_(others), _has(one, False)))
    )
    return int(connection.scalar(written) or 0) + int(connection.scalar(later) or 0)


def in_doubt(connection: Connection, one: int) -> int:
    """How many letters to a reader may have left and are due again."""
    query = (
        select(func.count())
        .select_from(mailing)
        .join(delivery, delivery.c.mailing_id == mailing.c.id)
        .where(
            _LIVING,
            delivery.c.subscription_id == one,
            delivery.c.state == DeliveryState.DUE,
            _left(delivery),
        )
    )
    return int(connection.scalar(query) or 0)


def owed_later(connection: Connection, reader: int) -> frozenset[int]:
    """The releases that a reader is owed by a mailing that has not come to their row yet."""
    return frozenset(_to_be_written(connection, reader).values())


def _to_be_written(connection: Connection, reader: int) -> dict[int, int]:
    """Mailings of a release with this reader in the audience but no row of theirs yet; of which release."""
    theirs = select(subscription.c.newsroom).where(subscription.c.id == reader)
    numbers = connection.scalars(
        select(mailing.c.id).where(
            _LIVING,
            mailing.c.kind.in_(_THE_RELEASE),
            mailing.c.newsroom == theirs.scalar_subquery(),
            mailing.c.fanned_to < reader,
        )
    ).all()
    found = {}
    for number in numbers:
        of = mailings.read(connection, number)
        assert of is not None
        assert of.release_id is not None  # as mailings of these kinds have
        conditions = audiences.audience(connection, of).conditions
        belongs = select(subscription.c.id).where(subscription.c.id == reader, *conditions)
        if connection.scalar(belongs) is not None:
            found[number] = of.release_id
    return found


def drop_held(
    connection: Connection, goes_on: int, over: int, now: datetime, *, every_language: bool
) -> None:
    """Let go of what is due to the one that goes on and that the other holds, at once or in a digest.

    Args:
        every_language: its reader wants each release in all languages: then only what is in the same one.
    """
    is_release = mailing.c.kind.in_(_THE_RELEASE)
    has = or_(and_(~is_release, _same_copy(over)), _has(over, every_language))
    rows = connection.execute(
        select(delivery.c.id, delivery.c.mailing_id)
        .join(mailing, mailing.c.id == delivery.c.mailing_id)
        .where(
            delivery.c.subscription_id == goes_on,
            delivery.c.state == DeliveryState.DUE,
            _LIVING,
            has,
        )
        .with_for_update(of=delivery, skip_locked=True)
    ).all()
    connection.execute(
        update(delivery)
        .where(delivery.c.id.in_([row.id for row in rows]))
        .values(
            state=case((_left(delivery), "unknown"), else_="ended"), settled_at=now, due_at=None
        )
    )
    count_settled(connection, [row.mailing_id for row in rows])
    connection.execute(
        update(digest_due)
        .where(
            digest_due.c.subscription_id == goes_on,
            digest_due.c.state == "waiting",
            or_(
                _by_itself(over, digest_due.c.release_id), _in_digest(over, digest_due.c.release_id)
            ),
        )
        .values(state="ended", due_at=None, settled_at=now)
    )


def _owed(reader: int, every_language: bool) -> ColumnElement[bool]:
    """Of a mailing: a reader is in it, or its release waits for their digest.

    With each language by itself it is asked of a delivery of that mailing.
    """
    own = delivery.alias()
    alike = [_in_its_language(own)] if every_language else []
    return or_(
        exists().where(own.c.mailing_id == mailing.c.id, own.c.subscription_id == reader, *alike),
        and_(
            mailing.c.kind.in_(_THE_RELEASE),
            exists().where(
                digest_due.c.subscription_id == reader,
                digest_due.c.release_id == mailing.c.release_id,
                digest_due.c.state == "waiting",
            ),
        ),
    )


def _same_copy(reader: int) -> ColumnElement[bool]:
    """Of a mailing: a reader holds what it sent them."""
    own = delivery.alias()
    return exists().where(
        own.c.mailing_id == mailing.c.id, own.c.subscription_id == reader, _held(own)
    )


def _has(reader: int, every_language: bool) -> ColumnElement[bool]:
    """Of a mailing of a release: a reader holds the release, by itself or in a digest.

    With each language by itself it is asked of a delivery of that mailing.
    """
    by_itself = _by_itself(reader, mailing.c.release_id, every_language=every_language)
    in_digest = _in_digest(reader, mailing.c.release_id)
    return and_(mailing.c.kind.in_(_THE_RELEASE), or_(by_itself, in_digest))


def _by_itself(
    reader: int, release_id: ColumnElement[int], *, every_language: bool = False
) -> ColumnElement[bool]:
    own, by = delivery.alias(), mailing.alias()
    alike = [_in_its_language(own)] if every_language else []
    return exists(
        select(own.c.id)
        .join(by, by.c.id == own.c.mailing_id)
        .where(
            by.c.release_id == release_id,
            by.c.kind.in_(_THE_RELEASE),
            own.c.subscription_id == reader,
            _held(own),
            *alike,
        )
        .correlate(mailing, delivery, digest_due)
    )


def _in_its_language(own: FromClause) -> ColumnElement[bool]:
    """Of two deliveries: they are in one language."""
    spoken = [
        select(prepared.c.language)
        .where(prepared.c.id == each.c.prepared_id)
        .correlate(each)
        .scalar_subquery()
        for each in (own, delivery)
    ]
    return spoken[0] == spoken[1]


def _in_digest(reader: int, release_id: ColumnElement[int]) -> ColumnElement[bool]:
    lies, digest = digest_due.alias(), delivery.alias()
    return exists(
        select(lies.c.release_id)
        .join(digest, digest.c.id == lies.c.delivery_id)
        .where(
            lies.c.subscription_id == reader, lies.c.release_id == release_id, _held(digest, lies)
        )
        .correlate(mailing, digest_due)
    )


def _held(copy: FromClause, bearer: FromClause | None = None) -> ColumnElement[bool]:
    """Of a delivery: a relay accepted it, or it may have left and is not tried again.

    And it is its reader's still, not the inheritance of another one.

    Args:
        bearer: what names its reader, if that is not the delivery.
    """
    owner = copy if bearer is None else bearer
    settled = copy.c.state.in_([DeliveryState.ACCEPTED, DeliveryState.UNKNOWN])
    over = or_(settled, and_(copy.c.state != DeliveryState.DUE, _left(copy)))
    return and_(over, ~inheriting.passed_on(owner.c.subscription_id, copy.c.mailing_id))


def _left(copy: FromClause) -> ColumnElement[bool]:
    """Of a delivery: an attempt at it left, or may have."""
    return exists().where(
        attempt.c.delivery_id == copy.c.id, attempt.c.result.in_([Result.ACCEPTED, Result.UNKNOWN])
    )
