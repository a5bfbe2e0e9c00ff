"""Takes what waits for digests: each release once for each reader, in the transaction that makes the digest.

A row of `digest_due` waits until `due_at`, which says when to look: whether the digest has come the reader's
choice decides then (`core.digest`). What is taken names the delivery it lies in. A digest is a
mailing of kind `digest` with a message for each combination of newsrooms, language and releases; its rows
are all written as it is opened.

A digest of several newsrooms is the delivery of one subscription, and carries what waited for others of the
same mailbox. Should it end before it left, as its reader left that newsroom, the others' releases wait again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update

from mailer.core.delivery import DeliveryState, Purpose, Result
from mailer.core.digest import Owed
from mailer.core.newsroom import Newsroom
from mailer.store import digest_contents, gathering
from mailer.store.chosen import COLUMNS, choice_in
from mailer.store.digest_contents import Taken
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import attempt, delivery, mailing
from mailer.store.mailings import last_consent
from mailer.store.portions import Portion, cut_chunks
from mailer.store.tables import subscription


def anything_to_do(connection: Connection, now: datetime) -> bool:
    """Whether readers are to be noted, or something is to be looked at, by a look that takes no lock."""
    return (
        gathering.unfinished(connection)
        or bool(connection.scalar(select(exists().where(*_to_look_at(now)))))
        or any_carried_settled(connection)
    )


def owed(connection: Connection, now: datetime, *, limit: int) -> list[Owed]:
    """What waits and is to be looked at, for some mailboxes: all of theirs, those due longest first.

    Args:
        limit: so many rows are looked at to find the mailboxes.
    """
    some = (
        select(digest_due.c.subscription_id)
        .where(*_to_look_at(now))
        .order_by(digest_due.c.due_at, digest_due.c.subscription_id)
        .limit(limit)
        .subquery()
    )
    numbers = connection.scalars(select(some.c.subscription_id).distinct()).all()
    if not numbers:
        return []
    theirs = select(subscription.c.subscriber_id).where(subscription.c.id.in_(numbers))
    rows = connection.execute(
        select(
            digest_due.c.subscription_id,
            subscription.c.subscriber_id,
            subscription.c.newsroom,
            digest_due.c.release_id,
            digest_due.c.since,
            digest_due.c.language,
            (digest_due.c.origin == "catch_up").label("catch_up"),
            *COLUMNS,
        )
        .join(subscription, subscription.c.id == digest_due.c.subscription_id)
        .where(subscription.c.subscriber_id.in_(theirs), *_to_look_at(now))
        .order_by(digest_due.c.subscription_id, digest_due.c.release_id, digest_due.c.language)
    )
    found = [row._asdict() for row in rows]
    unsaid = [one for one in found if not one["language"]]
    readers = {one["subscription_id"] for one in unsaid}
    besides = digest_contents.besides(connection, readers, {one["release_id"] for one in unsaid})
    nothing: frozenset[str] = frozenset()
    for one in found:
        one["besides"] = besides.get((one["subscription_id"], one["release_id"]), nothing)
    return [Owed(choice=choice_in(one), **one) for one in found]


def put_off(connection: Connection, moments: Mapping[int, datetime], *, now: datetime) -> None:
    """Look again at what waits for these subscriptions at these moments."""
    for number, moment in moments.items():
        connection.execute(
            update(digest_due)
            .where(digest_due.c.subscription_id == number, *_to_look_at(now))
            .values(due_at=moment)
        )


def withdraw(connection: Connection, release_id: int, now: datetime) -> None:
    """Nobody gets a release any more in a digest that is still to come: it was withdrawn."""
    connection.execute(
        update(digest_due)
        .where(digest_due.c.release_id == release_id, digest_due.c.state == "waiting")
        .values(state="withdrawn", due_at=None, settled_at=now)
    )


def give_up(connection: Connection, which: Iterable[tuple[int, int, str]], now: datetime) -> None:
    """Let go of what waits in vain, each told by its subscription, release and language."""
    for subscription_id, release_id, language in which:
        connection.execute(
            update(digest_due)
            .where(
                digest_due.c.subscription_id == subscription_id,
                digest_due.c.release_id == release_id,
                digest_due.c.language == language,
                digest_due.c.state == "waiting",
            )
            .values(state="ended", due_at=None, settled_at=now)
        )


def open_digest(connection: Connection, newsroom: Newsroom, *, now: datetime) -> int:
    """Open a mailing for digests that come from a newsroom; its number."""
    made = connection.execute(
        insert(mailing)
        .values(
            newsroom=newsroom.key,
            kind="digest",
            state="open",
            unknown=newsroom.unknown,
            made_at=now,
            consent_mark=last_consent(connection),
            audience=0,
        )
        .returning(mailing.c.id)
    )
    return int(made.scalar_one())


def owe(connection: Connection, mailing_id: int, taken: Sequence[Taken], *, now: datetime) -> None:
    """Owe these digests, and take what lies in them; the caller has seen that it waits, alone."""
    connection.execute(
        insert(delivery),
        [
            {
                "mailing_id": mailing_id,
                "subscription_id": one.carrier,
                "prepared_id": one.prepared_id,
                "purpose": Purpose.DIGEST.value,
                "state": DeliveryState.DUE.value,
                "attempts": 0,
                "made_at": now,
            }
            for one in taken
        ],
    )
    lowest, highest, size = connection.execute(
        select(func.min(delivery.c.id), func.max(delivery.c.id), func.count()).where(
            delivery.c.mailing_id == mailing_id
        )
    ).one()
    cut_chunks(connection, mailing_id, Portion(size, lowest, highest))
    connection.execute(update(mailing).where(mailing.c.id == mailing_id).values(audience=size))
    digest_contents.take(connection, mailing_id, taken, now)


def settle_carried(connection: Connection) -> int:
    """Let what was carried by another's digest that ended unsent wait again; how many releases.

    Of one that may have left nothing is sent again.
    """
    settled = connection.execute(
        select(delivery.c.id, delivery.c.state).where(*_carried()).distinct()
    ).all()
    ended = [row.id for row in settled if row.state == DeliveryState.ENDED]
    may_have_left = exists().where(
        attempt.c.delivery_id == digest_due.c.delivery_id, attempt.c.result == Result.UNKNOWN
    )
    again = connection.execute(
        update(digest_due)
        .where(
            digest_due.c.delivery_id.in_(ended),
            digest_due.c.carrier_id.is_not(None),
            ~may_have_left,
            digest_due.c.subscription_id.in_(
                select(subscription.c.id).where(subscription.c.state == "active")
            ),
        )
        .values(
            state="waiting",
            carrier_id=None,
            delivery_id=None,
            edition_id=None,
            due_at=digest_due.c.since,
            settled_at=None,
        )
    ).rowcount
    connection.execute(
        update(digest_due)
        .where(
            digest_due.c.delivery_id.in_([row.id for row in settled]),
            digest_due.c.carrier_id.is_not(None),
        )
        .values(carrier_id=None)
    )
    return again


def wait_again(connection: Connection, mailing_id: int, now: datetime) -> int:
    """Let what lies in cancelled digests of a mailing wait again, for others made anew; how many releases."""
    cancelled = select(delivery.c.id).where(
        delivery.c.mailing_id == mailing_id, delivery.c.state == DeliveryState.CANCELLED
    )
    active = select(subscription.c.id).where(subscription.c.state == "active")
    done = connection.execute(
        update(digest_due)
        .where(digest_due.c.delivery_id.in_(cancelled), digest_due.c.subscription_id.in_(active))
        .values(
            state="waiting",
            since=now,
            due_at=now,
            settled_at=None,
            carrier_id=None,
            delivery_id=None,
            edition_id=None,
        )
    )
    return done.rowcount


def any_carried_settled(connection: Connection) -> bool:
    """Whether `settle_carried` would find something."""
    return bool(connection.scalar(select(exists().where(*_carried()))))


def _carried() -> tuple[ColumnElement[bool], ...]:
    return (
        digest_due.c.carrier_id.is_not(None),
        delivery.c.id == digest_due.c.delivery_id,
        delivery.c.state != DeliveryState.DUE,
    )


def _to_look_at(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        digest_due.c.state == "waiting",
        digest_due.c.due_at <= now,
    )
