"""Whom a late translation is for: who wanted that language and has nothing yet, or asked for every language.

What a reader has is a row of the ledger: of an earlier mailing of the release, in whatever state, for what
was owed once is never owed again; or a row that says that it waits for their digest, or lay in one. A
translation is opened only when all rows of the earlier mailings are written (`store.editions.due`). So the
answer is the same whenever it is asked.

It goes to who has releases at once. Who has digests and nothing yet has it wait for the next one
(`store.gathering`); what waits already is shown in the best language that its reader's digest finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, not_, or_, select

from mailer.store import inheriting, joint
from mailer.store.addressed import Audience, only_message
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import delivery, mailing, prepared
from mailer.store.mailings import MailingRow
from mailer.store.spoken import speaks, speaks_now
from mailer.store.tables import consent, subscription
from mailer.store.wanting import active, consented, last_entry, wanted, wanted_now

_OWED_BY = ("first", "translation", "early")


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The mailings before a translation, and those of their messages that are in its language."""

    mailings: Sequence[int]
    messages: Sequence[int]


def audience(connection: Connection, of: MailingRow) -> Audience:
    """Whom a translation is for, by the history up to its `consent_mark`."""
    reader, mark = subscription.c.id, of.consent_mark
    said = consent.c.choice["every_language"].as_boolean()
    every = last_entry(reader, mark, said, consent.c.choice.is_not(None))
    return Audience(
        conditions=(
            subscription.c.newsroom == of.newsroom,
            consented(reader, mark),
            wanted(connection, reader, of),
            speaks(connection, reader, mark, of.language or ""),
            _lacks(connection, of, func.coalesce(every, false())),
            *joint.not_elsewhere(connection, of),
        ),
        prepared_id=only_message(of.id),
    )


def digest_readers(connection: Connection, of: MailingRow) -> tuple[ColumnElement[bool], ...]:
    """Whose next digest a translation is for, by the same history."""
    reader, mark = subscription.c.id, of.consent_mark
    return (
        subscription.c.newsroom == of.newsroom,
        consented(reader, mark),
        wanted(connection, reader, of, way="digest"),
        speaks(connection, reader, mark, of.language or ""),
        _lacks(connection, of, false()),
        *joint.not_elsewhere(connection, of),
    )


def waits_in_vain(connection: Connection, of: MailingRow) -> ColumnElement[bool] | None:
    """Of a reader for whose digest the release waits: it could not be shown before this translation.

    None where the newsroom lets nobody wait for a language.
    """
    rows = connection.execute(
        select(mailing.c.to_all, prepared.c.language)
        .join(prepared, prepared.c.mailing_id == mailing.c.id)
        .where(
            mailing.c.release_id == of.release_id,
            mailing.c.id < of.id,
            mailing.c.kind.in_(["first", "translation"]),
        )
    ).all()
    if all(row.to_all for row in rows):
        return None
    mark = of.consent_mark
    others = {row.language for row in rows if row.language != of.language}
    spoken = [speaks(connection, subscription.c.id, mark, other) for other in sorted(others)]
    this = speaks(connection, subscription.c.id, mark, of.language or "")
    return and_(this, not_(or_(false(), *spoken)))


def counted(connection: Connection, of: MailingRow) -> int:
    """How many a translation is for that is opened now, by the subscriptions as they are at present."""
    query = (
        select(func.count())
        .select_from(subscription)
        .where(
            active(of.newsroom),
            wanted_now(of),
            speaks_now(connection, [of.language or ""]),
            _lacks(connection, of, subscription.c.every_language),
        )
    )
    return int(connection.scalar(query) or 0)


def _lacks(
    connection: Connection, of: MailingRow, every: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a reader has nothing yet, or wants every language and has not this one."""
    earlier = _earlier(connection, of)
    copies = delivery.c.mailing_id.in_(earlier.mailings)
    its_own = delivery.c.subscription_id == subscription.c.id
    found = [exists().where(copies, its_own)]
    digests = [_by_digest(of, digest_due.c.subscription_id == subscription.c.id)]
    if inheriting.anybody_has(connection, of):
        theirs = inheriting.by_reader(inheriting.of_delivery(of))
        found.append(exists().where(copies, *theirs))
        digests.append(_by_digest(of, *inheriting.by_reader(inheriting.of_digest(of))))
    this = delivery.c.prepared_id.in_(earlier.messages)
    has, has_this = or_(*digests, *found), or_(*(each.where(this) for each in found))
    return or_(not_(has), and_(every, not_(has_this)))


def _by_digest(of: MailingRow, *whose: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether it waited for a reader's digest as the translation was opened, or had come in one."""
    return exists().where(
        *whose,
        digest_due.c.release_id == of.release_id,
        or_(digest_due.c.mailing_id.is_(None), digest_due.c.mailing_id < of.id),
        or_(
            digest_due.c.state.in_(["waiting", "taken"]),
            and_(digest_due.c.settled_at.is_not(None), digest_due.c.settled_at > of.made_at),
        ),
    )


def _earlier(connection: Connection, of: MailingRow) -> _Earlier:
    numbers = connection.scalars(
        select(mailing.c.id).where(
            mailing.c.release_id == of.release_id,
            mailing.c.id < of.id,
            mailing.c.kind.in_(_OWED_BY),
        )
    ).all()
    messages = connection.scalars(
        select(prepared.c.id).where(
            prepared.c.mailing_id.in_(numbers), prepared.c.language == of.language
        )
    ).all()
    return _Earlier(numbers, messages)
