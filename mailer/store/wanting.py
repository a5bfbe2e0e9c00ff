"""Asks in SQL whom a mailing is for: who said yes, and whose choice wants it (`core.choice.wants`).

The history says it exactly, as of any consent entry: the last word and the last choice up to it. The
subscriptions say it as of now and cheaply, for nearly nobody is choosy: the few who are have an index.
"""

from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    cast,
    false,
    func,
    not_,
    or_,
    select,
    text,
    true,
)

from mailer.core.choice import AT_ONCE
from mailer.core.consent import ENDS, GRANTS
from mailer.store import joint
from mailer.store.addressed import Audience, only_message
from mailer.store.mailings import MailingRow
from mailer.store.spoken import message_for, messages_by_language, speaks_now
from mailer.store.tables import CHOOSY, consent, subscription

Way = Literal["at_once", "digest"]

_GROUPS = ("topics", "kinds", "places")  # so named in a choice, in its columns, and of a mailing


def audience(connection: Connection, of: MailingRow, *, way: Way = "at_once") -> Audience:
    """Whom a release is for, by the history up to the mailing's `consent_mark`.

    Args:
        way: "at_once" for who gets it by itself, "digest" for whose next digest it is kept for.
    """
    reader = subscription.c.id
    message, spoken_of = _message(connection, of)
    return Audience(
        conditions=(
            subscription.c.newsroom == of.newsroom,
            consented(reader, of.consent_mark),
            wanted(connection, reader, of, way=way),
            *(spoken_of if way == "at_once" else ()),
            *joint.not_elsewhere(connection, of),
        ),
        prepared_id=message,
    )


def _message(
    connection: Connection, of: MailingRow
) -> tuple[ColumnElement[Any], tuple[ColumnElement[bool], ...]]:
    """Which message a reader gets, and who gets one at all."""
    messages = messages_by_language(connection, of.id)
    if of.to_all and len(messages) < 2:
        return only_message(of.id), ()
    theirs = message_for(connection, subscription.c.id, of.consent_mark, messages)
    if not of.to_all:
        return theirs, (theirs.is_not(None),)
    return func.coalesce(theirs, messages[of.language or ""]), ()


def counted(connection: Connection, of: MailingRow) -> int:
    """How many a release is for at once that is published now, by the subscriptions as they are."""
    everybody = select(func.count()).select_from(subscription).where(active(of.newsroom))
    wants = wanted_now(of)
    if not of.to_all:
        spoken = speaks_now(connection, tuple(messages_by_language(connection, of.id)))
        return int(connection.scalar(everybody.where(wants, spoken)) or 0)
    unwilling = everybody.where(text(CHOOSY), ~wants)
    return int(connection.scalar(everybody) or 0) - int(connection.scalar(unwilling) or 0)


def active(newsroom: str) -> ColumnElement[bool]:
    """Whether a subscription is active there at present."""
    return and_(subscription.c.newsroom == newsroom, subscription.c.state == "active")


def wanted_now(of: MailingRow) -> ColumnElement[bool]:
    """Whether a subscription's present choice wants a mailing's release at once."""
    return _wants(
        _at_once(subscription.c.frequency, subscription.c.urgent_at_once, urgent=of.urgent_at_once),
        or_(subscription.c.paused_until.is_(None), subscription.c.paused_until <= of.made_at),
        {name: subscription.c[name] for name in _GROUPS},
        of,
    )


def consented(of: ColumnElement[int], mark: int) -> ColumnElement[bool]:
    """Whether a subscription's last word up to entry `mark` was yes; its present state is not asked."""
    return last_entry(of, mark, consent.c.act, consent.c.act.in_([*GRANTS, *ENDS])).in_(GRANTS)


def wanted(
    connection: Connection,
    of: ColumnElement[int],
    mailing: MailingRow,
    *,
    way: Way = "at_once",
) -> ColumnElement[bool]:
    """Whether a subscription's last choice up to the mailing's mark wants its release in this way."""
    until = consent.c.choice["paused_until"].as_string()
    if connection.dialect.name == "postgresql":
        until = until.collate("C")
    moment = mailing.made_at.astimezone(UTC).isoformat()  # as choices have it: it sorts by time
    at_once = _at_once(
        func.coalesce(consent.c.choice["frequency"].as_string(), AT_ONCE),
        func.coalesce(consent.c.choice["urgent_at_once"].as_boolean(), true()),
        urgent=mailing.urgent_at_once,
    )
    wants = _wants(
        at_once if way == "at_once" else not_(at_once),
        or_(until.is_(None), until <= moment),
        {name: consent.c.choice[name] for name in _GROUPS},
        mailing,
    )
    unsaid = true() if way == "at_once" else false()
    said = last_entry(of, mailing.consent_mark, wants, consent.c.choice.is_not(None))
    return func.coalesce(said, unsaid)


def _at_once(
    frequency: ColumnElement[Any], agreed: ColumnElement[Any], *, urgent: bool
) -> ColumnElement[bool]:
    return or_(frequency == AT_ONCE, agreed) if urgent else frequency == AT_ONCE


def _wants(
    this_way: ColumnElement[bool],
    not_paused: ColumnElement[bool],
    chosen: Mapping[str, ColumnElement[Any]],
    of: MailingRow,
) -> ColumnElement[bool]:
    about = ((chosen[name], getattr(of, name) or ()) for name in _GROUPS)
    return and_(this_way, not_paused, *(_meets(words, keys) for words, keys in about if keys))


def _meets(chosen: ColumnElement[Any], keys: Collection[str]) -> ColumnElement[bool]:
    """Whether one of these is chosen, or all are.

    A key is letters, digits and hyphens: in quotes it is found in the JSON as it stands.
    """
    words = cast(chosen, Text)
    among = (words.contains(f'"{key}"', autoescape=True) for key in keys)
    return or_(words.is_(None), words == "null", *among)


def last_entry(
    of: ColumnElement[int], mark: int, value: ColumnElement[Any], which: ColumnElement[bool]
) -> ColumnElement[Any]:
    """`value` of a subscription's last entry of that kind up to `mark`."""
    found: Select[Any] = (
        select(value)
        .where(consent.c.subscription_id == of, consent.c.id <= mark, which)
        .order_by(consent.c.id.desc())
        .limit(1)
    )
    return found.correlate_except(consent).scalar_subquery()
