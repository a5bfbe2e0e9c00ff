"""Mailed links to a mailbox's choices: made, read, and bound to the generations they were made with.

A link names a subscriber and how often each of its subscriptions had been confirmed, moved or ended when it
was made. What strangers ask for raises none of these, so that nobody can make another's link void.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from mailer.core.consent import GRANTS
from mailer.store.people import SubscriptionRow
from mailer.store.tables import consent, manage_link, subscriber

Generations = Mapping[str, int]
"""Generations by the subscription's number, as JSON keeps them."""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """A link as it is kept."""

    id: int
    subscriber_id: int
    mailbox: str
    newsroom: str
    language: str
    generations: Generations
    expires_at: datetime


def add_link(
    connection: Connection,
    subscriber_id: int,
    *,
    newsroom: str,
    language: str,
    generations: Generations,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Keep a link; its number."""
    made = connection.execute(
        insert(manage_link)
        .values(
            subscriber_id=subscriber_id,
            newsroom=newsroom,
            language=language,
            generations=dict(generations),
            made_at=now,
            expires_at=expires_at,
        )
        .returning(manage_link.c.id)
    )
    return int(made.scalar_one())


def read_link(connection: Connection, link_id: int, *, lock: bool = False) -> LinkRow | None:
    """The link of that number, if it is still kept.

    Args:
        lock: let presses through the same link wait for each other.
    """
    query = (
        select(
            manage_link.c.id,
            manage_link.c.subscriber_id,
            subscriber.c.mailbox,
            manage_link.c.newsroom,
            manage_link.c.language,
            manage_link.c.generations,
            manage_link.c.expires_at,
        )
        .join_from(manage_link, subscriber)
        .where(manage_link.c.id == link_id)
    )
    locked = query.with_for_update(of=manage_link) if lock else query
    found = connection.execute(locked).one_or_none()
    return None if found is None else LinkRow(**found._mapping)


def bind_link(connection: Connection, link_id: int, generations: Generations) -> None:
    """Let a link go on after what was done through it; all others of the mailbox die of it."""
    connection.execute(
        update(manage_link).where(manage_link.c.id == link_id).values(generations=dict(generations))
    )


def last_link(connection: Connection, subscriber_id: int) -> datetime | None:
    """When a link was last made for a mailbox, as far as it is still kept."""
    found: datetime | None = connection.scalar(
        select(func.max(manage_link.c.made_at)).where(manage_link.c.subscriber_id == subscriber_id)
    )
    return found


def drop_links(connection: Connection, before: datetime) -> None:
    """Forget links that were over at `before`."""
    connection.execute(delete(manage_link).where(manage_link.c.expires_at <= before))


def was_granted(connection: Connection, subscription_id: int) -> bool:
    """Whether its reader ever said yes, or an import did with evidence."""
    query = select(
        exists().where(consent.c.subscription_id == subscription_id, consent.c.act.in_(GRANTS))
    )
    return bool(connection.scalar(query))


def generations_of(rows: list[SubscriptionRow]) -> dict[str, int]:
    """The generations that a link to these subscriptions of one mailbox is bound to."""
    return {str(row.id): row.generation for row in rows if row.generation}
