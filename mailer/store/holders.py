"""Whom a notice about a change is for: those who hold an edition that was changed, or may hold it.

A *copy* is a delivery of an earlier mailing of the release, or the digest that showed it, made from one of
the editions that the notice has a message about. It is held if a relay accepted it, and may be held if it
is unknown or ever was. What was due as the audience was frozen is no copy: by then nothing of the mailings
that were changed was in anybody's hand, and what had not left was cancelled or is owed in the new text
(`store.amendments`). So the answer is the same whenever it is asked.

A silent correction that came before everybody was told of an earlier one has a notice for those who were not.
Who holds a later edition than its messages are for, by that earlier notice too, is *spared*.

Each reader's notice is threaded to their latest copy, and made for the edition that this copy was of. Who
has had two subscriptions holds the copies of either (`store.inheriting`); of two of one mailing the one that
went to the mailbox that goes on counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union,
)

from mailer.store import copies, inheriting
from mailer.store.addressed import Audience
from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import delivery, mailing, prepared
from mailer.store.mailings import MailingRow
from mailer.store.tables import amendment, inherited, subscription
from mailer.store.wanting import consented

KINDS = ("correction", "withdrawal", "embargo")
"""Kinds of mailings that are about a copy their reader holds."""


@dataclass(frozen=True, slots=True)
class _Changed:
    """What a notice is about.

    Attributes:
        mailings: those before it.
        messages: of theirs, those made before the change from the editions that it has messages about.
    """

    release_id: int | None
    mailings: Sequence[int]
    messages: Sequence[int]
    editions: Sequence[int]


def audience(connection: Connection, of: MailingRow) -> Audience:
    """Whom a notice is for, by the copies that were sent and the consent history."""
    changed, spared = _changed(connection, of)
    heirs = inheriting.anybody_has(connection, of)
    copy, digest = _copy(changed, of, heirs=heirs), _digest(changed, of, heirs=heirs)
    conditions = [
        subscription.c.newsroom == of.newsroom,
        or_(copy.is_not(None), digest.is_not(None)),
        consented(subscription.c.id, of.consent_mark),
    ]
    if spared.editions:
        conditions += [found(spared, of, heirs=heirs).is_(None) for found in (_copy, _digest)]
    return Audience(
        conditions=tuple(conditions),
        prepared_id=func.coalesce(_notice(of, copy), _notice_of_digest(of, changed, digest)),
        answers=func.coalesce(copy, digest),
    )


def counted(connection: Connection, of: MailingRow) -> int:
    """How many a notice is for that is opened now: by its copies, far fewer steps than by its readers."""
    changed, spared = _changed(connection, of)
    holders = _all_holders(connection, of, changed).subquery()
    query = (
        select(func.count())
        .select_from(holders)
        .join(subscription, subscription.c.id == holders.c.subscription_id)
        .where(subscription.c.newsroom == of.newsroom, subscription.c.state == "active")
    )
    if spared.editions:
        query = query.where(subscription.c.id.not_in(_all_holders(connection, of, spared)))
    return int(connection.scalar(query) or 0)


def _all_holders(connection: Connection, of: MailingRow, changed: _Changed) -> CompoundSelect[Any]:
    """The numbers of all who hold a copy, or stand for who does."""
    copies = select(delivery.c.subscription_id).where(_is_copy(changed))
    lies_in = delivery.c.id == digest_due.c.delivery_id
    shown = _is_shown(changed, of)
    theirs = [copies, select(digest_due.c.subscription_id).join(delivery, lies_in).where(shown)]
    if inheriting.anybody_has(connection, of):
        heir = select(inherited.c.subscription_id)
        from_copies = and_(*inheriting.of_delivery(of))
        from_digests = and_(*inheriting.of_digest(of))
        theirs += [
            heir.select_from(inherited.join(delivery, from_copies)).where(_is_copy(changed)),
            heir.select_from(
                inherited.join(digest_due, from_digests).join(delivery, lies_in)
            ).where(shown),
        ]
    return union(*theirs)


def editions_held(connection: Connection, release_id: int, editions: Sequence[int]) -> list[int]:
    """Which of these editions anybody was sent, or may be: those that a notice has to be made for."""
    mailed = select(prepared.c.edition_id).where(
        prepared.c.edition_id.in_(editions), prepared.c.mailing_id.is_not(None)
    )
    shown = select(digest_due.c.edition_id).where(
        digest_due.c.release_id == release_id, digest_due.c.edition_id.in_(editions)
    )
    return sorted(connection.scalars(union(mailed, shown)))


def _changed(connection: Connection, of: MailingRow) -> tuple[_Changed, _Changed]:
    """What a notice is about, and what its readers are spared for, if they hold that.

    Nothing while its amendment is not settled, nor where another one overtook it.
    """
    query = select(amendment.c.message_mark, amendment.c.editions, amendment.c.silent)
    settled = (amendment.c.mailing_id == of.id, amendment.c.settled_at.is_not(None))
    found = connection.execute(query.where(*settled)).first()
    if found is None:
        nothing = _Changed(of.release_id, (), (), ())
        return nothing, nothing
    editions = connection.scalars(
        select(prepared.c.held_edition_id)
        .where(prepared.c.mailing_id == of.id, prepared.c.held_edition_id.is_not(None))
        .order_by(prepared.c.held_edition_id)
    ).all()
    later = [one for one in found.editions if one > max(editions)] if found.silent else []
    earlier = connection.scalars(
        select(mailing.c.id)
        .where(mailing.c.release_id == of.release_id, mailing.c.id < of.id)
        .order_by(mailing.c.id)
    ).all()
    return (
        _Changed(of.release_id, earlier, _messages(connection, earlier, editions, found), editions),
        _Changed(of.release_id, earlier, _messages(connection, earlier, later, found), later),
    )


def _messages(
    connection: Connection, mailings: Sequence[int], editions: Sequence[int], of: Any
) -> Sequence[int]:
    if not editions:
        return ()
    query = select(prepared.c.id).where(
        prepared.c.mailing_id.in_(mailings),
        prepared.c.edition_id.in_(editions),
        prepared.c.id <= of.message_mark,
    )
    return connection.scalars(query).all()


def _is_copy(changed: _Changed) -> ColumnElement[bool]:
    """Of a delivery: it is a copy that is held, or may be."""
    return and_(
        delivery.c.mailing_id.in_(changed.mailings),
        delivery.c.prepared_id.in_(changed.messages),
        copies.may_be_held(delivery),
    )


def _is_shown(changed: _Changed, of: MailingRow) -> ColumnElement[bool]:
    """Of a release in a digest: it was made before, and had not certainly failed by then."""
    return and_(
        digest_due.c.release_id == changed.release_id,
        digest_due.c.edition_id.in_(changed.editions),
        delivery.c.made_at <= of.made_at,
        copies.not_failed_by(delivery, of.made_at),
    )


def _copy(changed: _Changed, of: MailingRow, *, heirs: bool) -> ColumnElement[Any]:
    """The number of a reader's latest copy."""
    own = select(func.max(delivery.c.id)).where(
        _is_copy(changed), delivery.c.subscription_id == subscription.c.id
    )
    if not heirs:
        return _of_reader(own)
    # Few have inherited anything: all others are asked for their own alone.
    latest = (
        select(delivery.c.id)
        .select_from(
            delivery.outerjoin(inherited, and_(*inheriting.by_reader(inheriting.of_delivery(of))))
        )
        .where(
            _is_copy(changed),
            delivery.c.subscription_id.in_(inheriting.either(of)),
            or_(_is_inherited(), delivery.c.subscription_id == subscription.c.id),
        )
        .order_by(delivery.c.mailing_id.desc(), _in_mailbox())
        .limit(1)
    )
    return case((inheriting.has(of), _of_reader(latest)), else_=_of_reader(own))


def _digest(changed: _Changed, of: MailingRow, *, heirs: bool) -> ColumnElement[Any]:
    """The number of the last digest that showed it to a reader."""
    lies_in = digest_due.join(delivery, delivery.c.id == digest_due.c.delivery_id)
    shown = select(digest_due.c.delivery_id).where(_is_shown(changed, of))
    own = (
        shown.select_from(lies_in)
        .where(digest_due.c.subscription_id == subscription.c.id)
        .order_by(digest_due.c.delivery_id.desc())
        .limit(1)  # each of several languages may have come in one
    )
    if not heirs:
        return _of_reader(own)
    latest = (
        shown.select_from(
            lies_in.outerjoin(inherited, and_(*inheriting.by_reader(inheriting.of_digest(of))))
        )
        .where(
            digest_due.c.subscription_id.in_(inheriting.either(of)),
            or_(_is_inherited(), digest_due.c.subscription_id == subscription.c.id),
        )
        .order_by(_in_mailbox(), digest_due.c.delivery_id.desc())
        .limit(1)
    )
    return case((inheriting.has(of), _of_reader(latest)), else_=_of_reader(own))


def _in_mailbox() -> ColumnElement[Any]:
    """Of a reader's own copy or one inherited: those that went to the mailbox that goes on come first."""
    return case((~_is_inherited(), 1), (inherited.c.here, 0), else_=2)


def _is_inherited() -> ColumnElement[bool]:
    return inherited.c.from_id.is_not(None)


def _notice(of: MailingRow, copy: ColumnElement[Any]) -> ColumnElement[Any]:
    """The message made for the edition that a copy is of."""
    held, own = prepared.alias("held"), delivery.alias("own")
    return _of_reader(
        select(prepared.c.id)
        .join(held, held.c.edition_id == prepared.c.held_edition_id)
        .join(own, own.c.prepared_id == held.c.id)
        .where(prepared.c.mailing_id == of.id, prepared.c.superseded_by.is_(None), own.c.id == copy)
    )


def _notice_of_digest(
    of: MailingRow, changed: _Changed, digest: ColumnElement[Any]
) -> ColumnElement[Any]:
    """The message made for the edition that a digest showed."""
    if changed.release_id is None:
        return literal(None)
    return _of_reader(
        select(prepared.c.id)
        .join(digest_due, digest_due.c.edition_id == prepared.c.held_edition_id)
        .where(
            prepared.c.mailing_id == of.id,
            prepared.c.superseded_by.is_(None),
            digest_due.c.release_id == changed.release_id,
            digest_due.c.delivery_id == digest,
        )
        .order_by(prepared.c.id)
        .limit(1)
    )


def _of_reader(query: Select[Any]) -> ColumnElement[Any]:
    return query.correlate(subscription).scalar_subquery()
