"""Has what of a digest has not left made anew, once something in it was corrected or withdrawn.

A digest never changes its text under its number. One that certainly never left is cancelled, and what lay
in it waits again, reckoned from the same moment as before: so it comes at once in another digest, in the
texts as they stand by then; where nothing is left of it, in none.

What may have left, for an attempt ended unknown, keeps its bytes and its Message-ID: where it is due again,
it is the same mail once more, and its reader holds a copy (`store.holders`). But nothing that shows a
withdrawn release leaves again, nor one that its reader holds by another subscription (`store.merging`): such
a digest is unknown for good, and what else lay in it waits again.

Every function takes an open writing connection of somebody who has the turn of those who freeze an audience.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    null,
    or_,
    select,
    update,
)

from mailer.core.delivery import Purpose
from mailer.store import copies
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import chunk, delivery, mailing
from mailer.store.owed import in_slices
from mailer.store.progress import awaits_first_try, count_settled, in_chunk
from mailer.store.tables import amendment, edition, release, subscription

CHUNKS_AT_ONCE = 40
"""Chunks of digests that one call takes back, 20,000 deliveries: others want to write too."""

_IS_DIGEST = delivery.c.purpose == Purpose.DIGEST.value


def showing(connection: Connection, release_id: int, editions: Collection[int]) -> list[int]:
    """The mailings of digests, not over, in which one of these editions of a release lies."""
    lies = exists(
        select(digest_due.c.release_id)
        .join(delivery, delivery.c.id == digest_due.c.delivery_id)
        .where(delivery.c.mailing_id == mailing.c.id, *_shows(release_id, editions))
        .correlate(mailing)
    )
    living = or_(
        mailing.c.state.in_(["open", "held"]),
        and_(mailing.c.state == "cancelled", mailing.c.finished_at.is_(None)),
    )
    query = select(mailing.c.id).where(mailing.c.kind == "digest", living, lies)
    return list(connection.scalars(query.order_by(mailing.c.id)))


def remake(
    connection: Connection,
    mailing_id: int,
    release_id: int,
    editions: Collection[int],
    now: datetime,
) -> bool:
    """Take back what of a mailing of digests has not left and shows one of these editions.

    Nothing of it is in anybody's hand.

    Returns:
        False if somebody is writing to some of it, or there is more: what was done is right, and more is
        to be done later.
    """
    shows = exists().where(digest_due.c.delivery_id == delivery.c.id, *_shows(release_id, editions))
    first_tries = _take_back_first_tries(connection, mailing_id, shows, now)
    return _take_back_waiting(connection, mailing_id, shows, now) and first_tries


def recall(connection: Connection, subscription_id: int, now: datetime) -> None:
    """Take back the digests of a subscription that have certainly not left and are in nobody's hand."""
    theirs = delivery.c.subscription_id == subscription_id
    opened = connection.scalars(
        select(delivery.c.mailing_id)
        .join(mailing, mailing.c.id == delivery.c.mailing_id)
        .where(theirs, _IS_DIGEST, delivery.c.state == "due", mailing.c.state != "cancelled")
        .order_by(delivery.c.mailing_id)
    )
    for number in opened.all():
        assert number is not None  # a digest is a mailing's
        _take_back_first_tries(connection, number, theirs, now)
        free = _locked(connection, and_(*_waits(number), theirs, delivery.c.worker.is_(None)))
        _take_back(
            connection, number, and_(delivery.c.id.in_(free), ~copies.doubted(delivery)), now
        )


def end_doubtful(connection: Connection, not_again: ColumnElement[bool], now: datetime) -> None:
    """Send no digest once more that may have left and in which such a release lies; the rest waits again.

    Args:
        not_again: about releases in digests.
    """
    due_again = and_(_IS_DIGEST, delivery.c.state == "due", delivery.c.due_at.is_not(None))
    free = _locked(connection, and_(due_again, copies.doubted(delivery), _any_lies(not_again)))
    for some in in_slices(free):
        _end_doubtful(connection, delivery.c.id.in_(some), not_again, now)


def make_anew(connection: Connection, which: ColumnElement[bool]) -> int:
    """Let what lies in digests that failed wait again, where something in them was changed since.

    Of those that may have left, what was changed does not: their readers were told of it.

    Args:
        which: about deliveries that are settled: refused, expired.

    Returns:
        How many digests.
    """
    numbers = _locked(connection, and_(which, _IS_DIGEST, _any_lies(_is_changed())))
    for some in in_slices(numbers):
        failed = delivery.c.id.in_(some)
        _wait_again(connection, and_(failed, ~copies.doubted(delivery)))
        _wait_again(connection, and_(failed, copies.doubted(delivery)), ~_is_changed())
    return len(numbers)


def holds_anything() -> ColumnElement[bool]:
    """Of a delivery: if it is a digest, something lies in it that its reader was not told otherwise."""
    return or_(~_IS_DIGEST, _any_lies(or_(~_is_changed(), ~copies.doubted(delivery))))


def as_it_is() -> ColumnElement[bool]:
    """Of a delivery: if it is a digest, what lies in it is still to be said as it says it."""
    return or_(~_IS_DIGEST, ~_any_lies(_is_changed()))


def once_more() -> ColumnElement[bool]:
    """Of a delivery that may have left: if it is a digest, nothing in it was withdrawn."""
    return or_(~_IS_DIGEST, and_(_any_lies(), ~_any_lies(_is_withdrawn())))


def _take_back_first_tries(
    connection: Connection, mailing_id: int, of: ColumnElement[bool], now: datetime
) -> bool:
    """Those beyond the marks of chunks; False if some are left."""
    beyond = in_chunk(chunk.c.mailing_id, chunk.c.mark + 1, chunk.c.hi)
    which = (
        chunk.c.mailing_id == mailing_id,
        chunk.c.state != "done",
        chunk.c.mark < chunk.c.hi,
        exists().where(beyond, awaits_first_try(), of),
    )
    free = connection.execute(
        select(chunk.c.hi, chunk.c.mark)
        .where(*which)
        .order_by(chunk.c.lo)
        .limit(CHUNKS_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for found in free:
        among = in_chunk(mailing_id, found.mark + 1, found.hi)
        _take_back(connection, mailing_id, and_(among, awaits_first_try(), of), now)
    return not connection.scalar(select(exists(select(chunk.c.lo).where(*which))))


def _take_back_waiting(
    connection: Connection, mailing_id: int, of: ColumnElement[bool], now: datetime
) -> bool:
    """Those that wait for another try; False if somebody is writing to some."""
    which = and_(*_waits(mailing_id), of)
    free = _locked(connection, which)
    number = connection.scalar(select(func.count()).select_from(delivery).where(which))
    for some in in_slices(free):
        these = delivery.c.id.in_(some)
        _take_back(connection, mailing_id, and_(these, ~copies.doubted(delivery)), now)
        _end_doubtful(connection, and_(these, delivery.c.state == "due"), _is_withdrawn(), now)
    return number == len(free)


def _take_back(
    connection: Connection, mailing_id: int, which: ColumnElement[bool], now: datetime
) -> None:
    numbers = list(connection.scalars(select(delivery.c.id).where(which)))
    for some in in_slices(numbers):
        these = delivery.c.id.in_(some)
        connection.execute(
            update(delivery)
            .where(these)
            .values(state="cancelled", settled_at=now, due_at=None, worker=None, lease_until=None)
        )
        _wait_again(connection, these)
    count_settled(connection, [mailing_id] * len(numbers))


def _end_doubtful(
    connection: Connection,
    doubtful: ColumnElement[bool],
    not_again: ColumnElement[bool],
    now: datetime,
) -> None:
    """What may have left with something in it that is not to leave again is not sent once more."""
    query = select(delivery.c.id, delivery.c.mailing_id).where(doubtful, _any_lies(not_again))
    rows = connection.execute(query).all()
    these = delivery.c.id.in_([row.id for row in rows])
    connection.execute(
        update(delivery).where(these).values(state="unknown", settled_at=now, due_at=None)
    )
    _wait_again(connection, these, ~_is_changed(), ~not_again)
    count_settled(connection, [row.mailing_id for row in rows])


def _wait_again(
    connection: Connection, of: ColumnElement[bool], *which: ColumnElement[bool]
) -> None:
    """Let what lies in some deliveries wait for others; whose subscription has ended waits for nothing."""
    active = digest_due.c.subscription_id.in_(
        select(subscription.c.id).where(subscription.c.state == "active")
    )
    connection.execute(
        update(digest_due)
        .where(digest_due.c.delivery_id.in_(select(delivery.c.id).where(of)), *which)
        .values(
            state=case((active, "waiting"), else_="ended"),
            due_at=case((active, digest_due.c.since)),
            settled_at=case((active, null()), else_=digest_due.c.settled_at),
            carrier_id=None,
            delivery_id=None,
            edition_id=None,
        )
    )


def _any_lies(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of a delivery: something lies in it of which this can be said."""
    return exists(
        select(digest_due.c.release_id)
        .where(digest_due.c.delivery_id == delivery.c.id, *which)
        .correlate(delivery)
    )


def _is_changed() -> ColumnElement[bool]:
    """Of a release in a digest: what is shown of it was corrected since, or it was withdrawn."""
    shown, corrected = edition.alias("shown"), edition.alias("corrected")
    since = exists(
        select(amendment.c.id)
        .join(corrected, corrected.c.id == amendment.c.edition_id)
        .join(shown, shown.c.id == digest_due.c.edition_id)
        .where(
            amendment.c.release_id == digest_due.c.release_id,
            corrected.c.language == shown.c.language,
            corrected.c.id > shown.c.id,
        )
        .correlate(digest_due)
    )
    return or_(since, _is_withdrawn())


def _is_withdrawn() -> ColumnElement[bool]:
    return exists(
        select(release.c.id)
        .where(release.c.id == digest_due.c.release_id, release.c.state == "withdrawn")
        .correlate(digest_due)
    )


def _shows(release_id: int, editions: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    return (digest_due.c.release_id == release_id, digest_due.c.edition_id.in_(editions))


def _waits(mailing_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        delivery.c.mailing_id == mailing_id,
        delivery.c.state == "due",
        delivery.c.due_at.is_not(None),
    )


def _locked(connection: Connection, which: ColumnElement[bool]) -> list[int]:
    """Deliveries that nobody is writing to, locked."""
    query = select(delivery.c.id).where(which).order_by(delivery.c.id)
    return list(connection.scalars(query.with_for_update(skip_locked=True)))
