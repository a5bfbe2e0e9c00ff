"""The questions a proof asks of the ledger, each answered from the rows themselves, not from counters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    or_,
    select,
)

from mailer.core.consent import ENDS, GRANTS
from mailer.store.ledger_tables import chunk, delivery, mailing
from mailer.store.mailings import MailingRow
from mailer.store.progress import awaits_first_try, first_tries
from mailer.store.tables import consent, release, subscription


def states(connection: Connection, mailing_id: int) -> dict[str, int]:
    """How many deliveries of a mailing stand in each state."""
    rows = connection.execute(
        select(delivery.c.state, func.count())
        .where(delivery.c.mailing_id == mailing_id)
        .group_by(delivery.c.state)
    )
    return {row[0]: row[1] for row in rows}


def consented(row: MailingRow) -> CTE:
    """The subscriptions whose last word, up to the moment the audience was frozen, was yes.

    Only the consent history is asked, never the present state of a subscription.
    """
    last = (
        select(consent.c.subscription_id, func.max(consent.c.id).label("last"))
        .join(subscription, subscription.c.id == consent.c.subscription_id)
        .where(
            subscription.c.newsroom == row.newsroom,
            consent.c.id <= row.consent_mark,
            consent.c.act.in_([*GRANTS, *ENDS]),
        )
        .group_by(consent.c.subscription_id)
        .subquery()
    )
    return (
        select(last.c.subscription_id)
        .join(consent, consent.c.id == last.c.last)
        .where(consent.c.act.in_(GRANTS))
        .cte("consented")
    )


@dataclass(frozen=True, slots=True)
class Audience:
    """The audience by the consent history, against the deliveries that were made.

    Attributes:
        missing: subscriptions that consented and are owed nothing (the first few).
        unasked: deliveries to subscriptions that had not consented (the first few).
    """

    consented: int
    missing: Sequence[int]
    unasked: Sequence[int]


def audience(connection: Connection, row: MailingRow, *, few: int = 5) -> Audience:
    """Recompute a mailing's audience and compare it, reader by reader, with its deliveries."""
    asked = consented(row)
    owed = and_(
        delivery.c.mailing_id == row.id, delivery.c.subscription_id == asked.c.subscription_id
    )
    missing = (
        select(asked.c.subscription_id)
        .where(~exists().where(owed))
        .order_by(asked.c.subscription_id)
        .limit(few)
    )
    unasked = (
        select(delivery.c.id)
        .where(
            delivery.c.mailing_id == row.id,
            delivery.c.subscription_id.not_in(select(asked.c.subscription_id)),
        )
        .order_by(delivery.c.id)
        .limit(few)
    )
    return Audience(
        consented=int(connection.scalar(select(func.count()).select_from(asked)) or 0),
        missing=list(connection.scalars(missing)),
        unasked=list(connection.scalars(unasked)),
    )


def stranded(connection: Connection, mailing_id: int, *, few: int = 5) -> list[int]:
    """Due deliveries that nothing will hand out: below their chunk's mark, or in no chunk."""
    reachable = exists().where(
        chunk.c.mailing_id == delivery.c.mailing_id,
        delivery.c.id.between(chunk.c.lo, chunk.c.hi),
        or_(chunk.c.state == "leased", and_(chunk.c.state == "open", delivery.c.id > chunk.c.mark)),
    )
    query = (
        select(delivery.c.id)
        .where(delivery.c.mailing_id == mailing_id, awaits_first_try(), ~reachable)
        .order_by(delivery.c.id)
        .limit(few)
    )
    return list(connection.scalars(query))


def unmailed(connection: Connection, release_id: int | None = None) -> list[int]:
    """Published releases without a mailing."""
    query = select(release.c.id).where(
        release.c.state == "published",
        release.c.published_at.is_not(None),
        ~exists().where(mailing.c.release_id == release.c.id),
    )
    if release_id is not None:
        query = query.where(release.c.id == release_id)
    return list(connection.scalars(query.order_by(release.c.id)))


def early(connection: Connection, row: MailingRow) -> bool:
    """Whether a mailing was opened before its release might be published."""
    query = select(release.c.id).where(
        release.c.id == row.release_id, release.c.publish_at > row.made_at
    )
    return connection.scalar(query) is not None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the ledger waits for.

    Attributes:
        notices, releases: deliveries due by kind; `oldest` is since when the oldest has been due.
        retries: those of them that were tried before.
    """

    notices: int
    releases: int
    retries: int
    oldest: datetime | None


def waiting(connection: Connection, now: datetime) -> Waiting:
    """What is due, retries that wait for their time included."""
    row = connection.execute(
        select(
            _sum(delivery.c.mailing_id.is_(None)).label("notices"),
            _sum(delivery.c.mailing_id.is_not(None)).label("releases"),
            _sum(delivery.c.attempts > 0).label("retries"),
            func.min(delivery.c.due_at).label("oldest"),
        ).where(delivery.c.state == "due", delivery.c.due_at.is_not(None))
    ).one()
    first = connection.execute(first_tries().add_columns(func.min(delivery.c.made_at))).one()
    due_since = [row.oldest] if row.oldest is not None and row.oldest <= now else []
    oldest = min([*due_since, *([first[1]] if first[1] is not None else [])], default=None)
    return Waiting(row.notices, row.releases + first[0], row.retries, oldest)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def subscriptions(connection: Connection) -> dict[str, dict[str, int]]:
    """How many subscriptions stand in each state, by newsroom."""
    return _by_newsroom(
        connection,
        select(subscription.c.newsroom, subscription.c.state, func.count()).group_by(
            subscription.c.newsroom, subscription.c.state
        ),
    )


def release_states(connection: Connection) -> dict[str, dict[str, int]]:
    """How many releases stand in each state, by newsroom."""
    return _by_newsroom(
        connection,
        select(release.c.newsroom, release.c.state, func.count()).group_by(
            release.c.newsroom, release.c.state
        ),
    )


def _by_newsroom(connection: Connection, query: Select[str, str, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for newsroom, state, number in connection.execute(query):
        found.setdefault(newsroom, {})[state] = number
    return found
