"""What two subscriptions are owed, asked as they become one: each release reaches their reader once.

*Held* is a copy that a relay accepted, or that may have left and is not tried again. What one of the two
holds is not sent to the other any more. What may have left and is due again is owed: the one that ends cannot
try it again, and if both let go of it for the other's sake nobody would. What is in a dispatcher's hand is
neither held nor owed: who asks waits until that is known.

Every function takes an open writing connection that holds both subscriptions.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union,
    update,
)

from mailer.core.delivery import DeliveryState
from mailer.store import audiences, copies, holders, remaking
from mailer.store.columns import insert_ignoring
from mailer.store.digest_tables import digest_due, gathering
from mailer.store.ledger_tables import chunk, delivery, mailing, prepared
from mailer.store.progress import count_settled
from mailer.store.tables import subscription

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
    due = and_(delivery.c.state == DeliveryState.DUE, ~copies.has(other, every_language))
    unwritten = and_(mailing.c.fanned_to.is_not(None), mailing.c.fanned_to < other)
    written = _letters(one).where(
        ~copies.owed(other, every_language),
        or_(due, and_(unwritten, copies.held(one, delivery))),
    )
    kinds = (*copies.THE_RELEASE, *holders.KINDS)
    theirs, others = (_to_be_written(connection, each, kinds) for each in (one, other))
    neither = and_(~copies.owed(other, False), ~copies.has(other, False))
    alone = and_(mailing.c.id.in_(theirs.keys() - others.keys()), neither)
    if every_language:
        alone = or_(
            mailing.c.id.in_(theirs), and_(mailing.c.id.in_(others), copies.owed(one, False))
        )
    later = select(func.count(mailing.c.id)).where(
        or_(alone, and_(mailing.c.id.in_(others), copies.has(one, False)))
    )
    return int(connection.scalar(written) or 0) + int(connection.scalar(later) or 0)


def in_doubt(connection: Connection, one: int) -> int:
    """How many letters to a reader may have left and are due again."""
    query = _letters(one).where(delivery.c.state == DeliveryState.DUE, copies.left(delivery))
    return int(connection.scalar(query) or 0)


def _letters(one: int) -> Select[int]:
    """How many letters of mailings that go on a reader has."""
    letters = select(func.count()).select_from(mailing)
    of = delivery.c.mailing_id == mailing.c.id
    return letters.join(delivery, of).where(_LIVING, delivery.c.subscription_id == one)


def owed_later(connection: Connection, reader: int) -> frozenset[int]:
    """The releases that a reader is owed by a mailing that has not come to their row yet."""
    return frozenset(_to_be_written(connection, reader, copies.THE_RELEASE).values())


def _to_be_written(connection: Connection, reader: int, kinds: Sequence[str]) -> dict[int, int]:
    """Mailings of these kinds with a reader in the audience but no row of theirs yet; of which release."""
    theirs = select(subscription.c.newsroom).where(subscription.c.id == reader)
    in_room = mailing.c.newsroom == theirs.scalar_subquery()
    coming = audiences.to_be_written(connection, [reader], mailing.c.kind.in_(kinds), in_room)
    found = {}
    for _, of in coming:
        assert of.release_id is not None  # as mailings of these kinds have
        found[of.id] = of.release_id
    return found


def drop_held(
    connection: Connection, goes_on: int, over: int, now: datetime, *, every_language: bool
) -> None:
    """Let go of what is due to the one that goes on and that the other holds, at once or in a digest.

    Args:
        every_language: its reader wants each release in all languages: then only what is in the same one.
    """
    is_release = mailing.c.kind.in_(copies.THE_RELEASE)
    has = or_(and_(~is_release, copies.same_copy(over)), copies.has(over, every_language))
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
            state=case((copies.left(delivery), "unknown"), else_="ended"),
            settled_at=now,
            due_at=None,
        )
    )
    count_settled(connection, [row.mailing_id for row in rows])
    of = digest_due.c.release_id
    if every_language:
        has_it = _note_languages(connection, goes_on, over, now)
    else:
        has_it = or_(copies.by_itself(over, of), copies.in_digest(over, of))
    connection.execute(
        update(digest_due)
        .where(digest_due.c.subscription_id == goes_on, digest_due.c.state == "waiting", has_it)
        .values(state="ended", due_at=None, settled_at=now)
    )
    mine = digest_due.c.subscription_id == goes_on
    remaking.end_doubtful(connection, and_(mine, digest_due.c.state == "taken", has_it), now)


def _note_languages(
    connection: Connection, goes_on: int, over: int, now: datetime
) -> ColumnElement[bool]:
    """Have what waits be shown in no language that the other holds: each is put on record, as over.

    Returns:
        Of what waits in one language: the other holds it.
    """
    own, lies, digest = delivery.alias(), digest_due.alias(), delivery.alias()
    by_itself = (
        select(mailing.c.release_id, prepared.c.language)
        .join(own, own.c.mailing_id == mailing.c.id)
        .join(prepared, prepared.c.id == own.c.prepared_id)
        .where(mailing.c.kind.in_(copies.THE_RELEASE), copies.held(over, own))
    )
    in_digest = (
        select(lies.c.release_id, lies.c.language)
        .join(digest, digest.c.id == lies.c.delivery_id)
        .where(copies.held(over, digest, lies))
    )
    held = union(by_itself, in_digest).subquery()
    values: dict[str, ColumnElement[Any]] = {
        "subscription_id": digest_due.c.subscription_id,
        "release_id": digest_due.c.release_id,
        "language": held.c.language,
        "origin": literal("passed"),
        "state": literal("ended"),
        "since": literal(
            now, digest_due.c.since.type
        ),  # as it is settled: so it is known for a note
        "settled_at": literal(now, digest_due.c.settled_at.type),
    }
    noted = (
        select(*values.values())
        .join(held, held.c.release_id == digest_due.c.release_id)
        .where(
            digest_due.c.subscription_id == goes_on,
            digest_due.c.state == "waiting",
            digest_due.c.language == "",
        )
    )
    adding = insert_ignoring(connection, digest_due)
    connection.execute(adding.from_select(list(values), noted))
    this = (held.c.release_id == digest_due.c.release_id, held.c.language == digest_due.c.language)
    return exists(select(held.c.language).where(*this).correlate(digest_due))
