"""Asks in SQL whom a mailing is for: who said yes, and whose choice wants it (`core.choice.wants`).

The history says it exactly, as of any consent entry: the last word and the last choice up to it. The
subscriptions say it as of now and cheaply, for nearly nobody is choosy: the few who are have an index.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    cast,
    func,
    or_,
    select,
    text,
    true,
)

from mailer.core.choice import AT_ONCE
from mailer.core.consent import ENDS, GRANTS
from mailer.store.tables import CHOOSY, consent, subscription


def counted(connection: Connection, newsroom: str, *, topics: Collection[str], at: datetime) -> int:
    """How many a release of these topics is for at present, by the subscriptions themselves."""
    active = and_(subscription.c.newsroom == newsroom, subscription.c.state == "active")
    wants = _wants(
        subscription.c.frequency,
        or_(subscription.c.paused_until.is_(None), subscription.c.paused_until <= at),
        subscription.c.topics,
        topics,
    )
    everybody = select(func.count()).select_from(subscription).where(active)
    unwilling = everybody.where(text(CHOOSY), ~wants)
    return int(connection.scalar(everybody) or 0) - int(connection.scalar(unwilling) or 0)


def consented(of: ColumnElement[int], mark: int) -> ColumnElement[bool]:
    """Whether a subscription's last word up to entry `mark` was yes; its present state is not asked."""
    return _last(of, mark, consent.c.act, consent.c.act.in_([*GRANTS, *ENDS])).in_(GRANTS)


def wanted(
    connection: Connection,
    of: ColumnElement[int],
    mark: int,
    *,
    topics: Collection[str],
    at: datetime,
) -> ColumnElement[bool]:
    """Whether a subscription's last choice up to entry `mark` wants a release of these topics.

    Args:
        topics: those that its newsroom offers its readers; none: it is for everybody.
        at: the moment at which its audience was frozen, aware.
    """
    until = consent.c.choice["paused_until"].as_string()
    if connection.dialect.name == "postgresql":
        until = until.collate("C")
    moment = at.astimezone(UTC).isoformat()  # as choices have it: text that sorts by time
    wants = _wants(
        consent.c.choice["frequency"].as_string(),
        or_(until.is_(None), until <= moment),
        consent.c.choice["topics"],
        topics,
    )
    return func.coalesce(_last(of, mark, wants, consent.c.choice.is_not(None)), true())


def _wants(
    frequency: ColumnElement[Any],
    not_paused: ColumnElement[bool],
    chosen: ColumnElement[Any],
    topics: Collection[str],
) -> ColumnElement[bool]:
    words = cast(
        chosen, Text
    )  # a key is letters, digits and hyphens: in quotes it is found as it stands
    among = [words.contains(f'"{topic}"', autoescape=True) for topic in topics]
    of_interest = or_(words.is_(None), words == "null", *among) if among else true()
    return and_(frequency == AT_ONCE, not_paused, of_interest)


def _last(
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
