"""Whom a late translation is for: who wanted that language and has nothing yet, or asked for every language.

What a reader has is a row of the ledger: of an earlier mailing of the release, in whatever state, for what
was owed once is never owed again; or a row that says that it waits for their digest, or lay in one. A
translation is opened only when all rows of the earlier mailings are written (`store.editions.due`). So the
answer is the same whenever it is asked.

Who has releases at once gets it by itself; who has digests has it wait for the next one
(`store.gathering`). What waits already is shown in the best language that its reader's digest finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, false, func, not_, or_, select

from mailer.store import copies, inheriting, joint, mailings, wanting
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
    """The mailings before a translation, and those of their messages that are in its language.

    Attributes:
        first: the mailing that the release was published with.
    """

    mailings: Sequence[int]
    messages: Sequence[int]
    first: MailingRow | None


def audience(connection: Connection, of: MailingRow) -> Audience:
    """Whom a translation is for, by the history up to its `consent_mark`."""
    reader, mark = subscription.c.id, of.consent_mark
    return Audience(
        conditions=(
            subscription.c.newsroom == of.newsroom,
            consented(reader, mark),
            wanted(connection, reader, of),
            speaks(connection, reader, mark, of.language or ""),
            _lacks(connection, of, _wanted_each(of)),
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
        _lacks(connection, of, _wanted_each(of)),
        *joint.not_elsewhere(connection, of),
    )


def has_nothing(connection: Connection, of: MailingRow) -> ColumnElement[bool]:
    """Of a reader whom a translation is for: it is the first that they are owed of the release."""
    return _lacks(connection, of, false())


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


def _wanted_each(of: MailingRow) -> ColumnElement[bool]:
    """Whether a reader wanted every language by the history up to the mailing's mark."""
    said = consent.c.choice["every_language"].as_boolean()
    last = last_entry(subscription.c.id, of.consent_mark, said, consent.c.choice.is_not(None))
    return func.coalesce(last, false())


def _lacks(
    connection: Connection, of: MailingRow, every: ColumnElement[Any]
) -> ColumnElement[bool]:
    """Whether a reader has nothing yet, or wants every language and has not this one."""
    earlier = _earlier(connection, of)
    owed = delivery.c.mailing_id.in_(earlier.mailings)
    own, own_row = (
        table.c.subscription_id == subscription.c.id for table in (delivery, digest_due)
    )
    by_itself = [exists().where(owed, own)]
    in_digests = [_by_digest(of, own_row)]
    shown = [_in_language(of, own_row), *_is_its_first(connection, of, earlier)]
    if inheriting.anybody_has(connection, of):
        of_copies, of_digests = inheriting.of_delivery(of), inheriting.of_digest(of)
        # What another one was owed and never got is nobody's inheritance.
        there = copies.not_failed_by(delivery, of.made_at)
        lies_in = delivery.c.id == digest_due.c.delivery_id
        theirs = (*inheriting.by_reader(of_copies), there)
        handed_on = (*inheriting.by_reader(of_digests), exists().where(lies_in, there))
        by_itself.append(exists().where(owed, *theirs))
        in_digests.append(_by_digest(of, *handed_on))
        shown.append(_in_language(of, *handed_on))
    this = delivery.c.prepared_id.in_(earlier.messages)
    has = or_(*by_itself, *in_digests)
    has_this = or_(*(each.where(this) for each in by_itself), *shown)
    return or_(not_(has), and_(every, not_(has_this)))


def _in_language(of: MailingRow, *whose: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a reader's digest showed this language before, or is to: a row that bears it stays."""
    return exists().where(
        *whose,
        digest_due.c.release_id == of.release_id,
        digest_due.c.language == of.language,
        _before(of),
    )


def _before(of: MailingRow) -> ColumnElement[bool]:
    """Whether a row was there as the translation was opened.

    What was put on record later, as two subscriptions became one (`store.merging`), was not.
    """
    noted_later = and_(
        digest_due.c.state == "ended",
        digest_due.c.since == digest_due.c.settled_at,
        digest_due.c.settled_at > of.made_at,
    )
    by_nobody = digest_due.c.mailing_id.is_(None)
    return or_(and_(by_nobody, ~noted_later), digest_due.c.mailing_id < of.id)


def _is_its_first(
    connection: Connection, of: MailingRow, earlier: "_Earlier"
) -> list[ColumnElement[bool]]:
    """Whether it is the language that a reader was to have first as the release was published.

    Then what waits for their digest since stands for this language; the others are owed beside it.
    """
    if not earlier.messages or earlier.first is None:
        return []
    noted = exists().where(
        digest_due.c.subscription_id == subscription.c.id,
        digest_due.c.release_id == of.release_id,
        digest_due.c.mailing_id == earlier.first.id,
    )
    message = wanting.audience(connection, earlier.first, way="digest").prepared_id
    return [and_(noted, func.coalesce(message.in_(earlier.messages), false()))]


def _by_digest(of: MailingRow, *whose: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether it waited for a reader's digest as the translation was opened, or had come in one."""
    return exists().where(
        *whose,
        digest_due.c.release_id == of.release_id,
        _before(of),
        or_(
            digest_due.c.state.in_(["waiting", "taken"]),
            and_(digest_due.c.settled_at.is_not(None), digest_due.c.settled_at > of.made_at),
        ),
    )


def _earlier(connection: Connection, of: MailingRow) -> _Earlier:
    kinds = connection.execute(
        select(mailing.c.id, mailing.c.kind).where(
            mailing.c.release_id == of.release_id,
            mailing.c.id < of.id,
            mailing.c.kind.in_(_OWED_BY),
        )
    ).all()
    numbers = [row.id for row in kinds]
    messages = connection.scalars(
        select(prepared.c.id).where(
            prepared.c.mailing_id.in_(numbers), prepared.c.language == of.language
        )
    ).all()
    first = next((row.id for row in kinds if row.kind == "first"), None)
    read = None if first is None else mailings.read(connection, first)
    return _Earlier(numbers, messages, read)
