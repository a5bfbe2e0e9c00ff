"""The questions of an operator who asks how things stand, answered from counters and small indexes.

Nothing here counts the ledger: it is asked again and again while a million messages leave.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, or_, select

from mailer.store.digest_tables import digest_due
from mailer.store.ledger_tables import chunk, delivery, mailing
from mailer.store.progress import SETTLED
from mailer.store.tables import edition, release, subscription


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
    alone = connection.execute(
        select(
            _sum(delivery.c.mailing_id.is_(None)).label("notices"),
            _sum(delivery.c.attempts > 0).label("retries"),
            func.min(delivery.c.due_at).label("oldest"),
        ).where(delivery.c.state == "due", delivery.c.due_at.is_not(None))
    ).one()
    owed = connection.scalar(select(func.sum(mailing.c.audience - SETTLED)).where(_under_way()))
    untried = exists().where(chunk.c.mailing_id == mailing.c.id, chunk.c.state != "done")
    unwritten = mailing.c.fanned_to.is_not(None)
    first = connection.scalar(
        select(func.min(mailing.c.made_at)).where(_under_way(), or_(untried, unwritten))
    )
    since = [alone.oldest] if alone.oldest is not None and alone.oldest <= now else []
    since += [first] if first is not None else []
    return Waiting(alone.notices, int(owed or 0), alone.retries, min(since, default=None))


@dataclass(frozen=True, slots=True)
class Digests:
    """What waits for digests.

    Attributes:
        copies: releases that wait, counted for each reader.
        next_at: when the next of them is looked at; None where nothing waits.
    """

    copies: int
    next_at: datetime | None


def digests(connection: Connection) -> Digests:
    """What waits for digests: counted in an index that has nothing else."""
    row = connection.execute(
        select(func.count(), func.min(digest_due.c.due_at)).where(digest_due.c.state == "waiting")
    ).one()
    return Digests(*row)


@dataclass(frozen=True, slots=True)
class HeldRelease:
    """A release that waits for somebody."""

    release: int
    title: str
    reason: str | None


def held(connection: Connection) -> list[HeldRelease]:
    """Releases that wait for somebody, newest first."""
    rows = connection.execute(
        select(release.c.id, edition.c.title, release.c.hold_reason)
        .join(edition, edition.c.id == _newest_edition())
        .where(release.c.state == "held")
        .order_by(release.c.id.desc())
    )
    return [HeldRelease(*row) for row in rows]


def title(connection: Connection, release_id: int | None) -> str:
    """The title of a release's newest edition; empty where there is none."""
    if release_id is None:
        return ""
    found = connection.scalar(
        select(edition.c.title)
        .join(release, edition.c.id == _newest_edition())
        .where(release.c.id == release_id)
    )
    return found or ""


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


def _under_way() -> ColumnElement[bool]:
    ending = and_(mailing.c.state == "cancelled", mailing.c.finished_at.is_(None))
    return or_(mailing.c.state.in_(["open", "held"]), ending)


def _newest_edition() -> ColumnElement[int]:
    return (
        select(func.max(edition.c.id))
        .where(edition.c.release_id == release.c.id)
        .correlate(release)
        .scalar_subquery()
    )


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
