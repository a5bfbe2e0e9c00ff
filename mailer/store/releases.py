"""Releases and their editions: a permanent identity, and texts that never change once written."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    func,
    or_,
    select,
    update,
)

from mailer.core.release import Edition, ReleaseDocument, slug
from mailer.store.columns import insert_ignoring
from mailer.store.editions import add_edition, edition_of, lock
from mailer.store.tables import edition, release, release_alias

__all__ = [
    "ReleaseRow",
    "add",
    "add_alias",
    "add_edition",
    "approve",
    "due",
    "edition_of",
    "find",
    "hasten",
    "hold",
    "listed",
    "publish",
    "read",
    "take_back",
]


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release as it stands, with the newest edition in its first language.

    Attributes:
        state: held, approved, published or withdrawn.
        source: the key of the source it came from; `document` where somebody added it.
        approval: whose word it needs before it is mailed: auto, hold or two.
        joint: what it has in common with those of other newsrooms that are one and the same.
        became: the release whose correction or withdrawal it became; None for any that is one itself.
        dated, dated_as: when its source says it was published there, and in which words.
        newest: the number of the edition that came last, in whatever language.
    """

    id: int
    newsroom: str
    identity: str
    slug: str
    kind: str
    topics: tuple[str, ...]
    places: tuple[str, ...]
    issuer: str | None
    canonical_url: str | None
    state: str
    hold_reason: str | None
    made_at: datetime
    publish_at: datetime | None
    published_at: datetime | None
    embargo_until: datetime | None
    approved_at: datetime | None
    urgent: bool
    source: str
    approval: str
    joint: str | None
    became: int | None
    dated: datetime | None
    dated_as: str
    newest: int
    edition_id: int
    version: int
    edition: Edition


def find(connection: Connection, newsroom: str, identities: Sequence[str]) -> int | None:
    """The release known under any of these identities, or under one of its other names."""
    found = connection.scalar(
        select(release.c.id).where(
            release.c.newsroom == newsroom, release.c.identity.in_(identities)
        )
    )
    if found is None:
        found = connection.scalar(
            select(release_alias.c.release_id).where(
                release_alias.c.newsroom == newsroom, release_alias.c.identity.in_(identities)
            )
        )
    return None if found is None else int(found)


def add(
    connection: Connection,
    document: ReleaseDocument,
    *,
    newsroom: str,
    identity: str,
    hold_reason: str,
    now: datetime,
) -> int | None:
    """Store a new release, held, with its first edition; None if its identity is already taken."""
    made = connection.execute(
        insert_ignoring(connection, release).returning(release.c.id),
        {
            "newsroom": newsroom,
            "source": "document",
            "identity": identity,
            "slug": slug(document.edition.title),
            "kind": document.kind,
            "topics": list(document.topics),
            "places": list(document.places),
            "issuer": document.issuer,
            "canonical_url": document.canonical_url,
            "state": "held",
            "hold_reason": hold_reason,
            "made_at": now,
            "publish_at": document.publish_at,
            "embargo_until": document.embargo_until,
            "joint": document.joint,
            "dated": document.dated,
            "dated_as": document.dated_as[:100],
        },
    ).scalar()
    if made is None:
        return None
    add_edition(connection, int(made), document.edition, now)
    return int(made)


def add_alias(connection: Connection, newsroom: str, identity: str, release_id: int) -> None:
    """Know a release under one more name."""
    connection.execute(
        insert_ignoring(connection, release_alias),
        {"newsroom": newsroom, "identity": identity, "release_id": release_id},
    )


def read(connection: Connection, release_id: int) -> ReleaseRow | None:
    """The release of that number."""
    row = connection.execute(_rows().where(release.c.id == release_id)).first()
    return None if row is None else _release(row)


def listed(
    connection: Connection,
    newsroom: str | None = None,
    *,
    published: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> list[ReleaseRow]:
    """Releases, newest first; of one newsroom, or only those that are public."""
    query = _rows().order_by(
        func.coalesce(release.c.published_at, release.c.made_at).desc(), release.c.id.desc()
    )
    if newsroom is not None:
        query = query.where(release.c.newsroom == newsroom)
    if published:
        query = query.where(release.c.state == "published")
    return [_release(row) for row in connection.execute(query.limit(limit).offset(offset))]


def due(connection: Connection, now: datetime) -> list[int]:
    """Approved releases whose moment has come, oldest first."""
    return list(
        connection.scalars(
            select(release.c.id)
            .where(
                release.c.state == "approved",
                *_moment_has_come(now),
            )
            .order_by(release.c.id)
        )
    )


def approve(connection: Connection, release_id: int, now: datetime | None = None) -> bool:
    """Let a held release go when its moment comes; False if it was not held.

    Args:
        now: from then on it is late where nobody publishes it.
    """
    done = connection.execute(
        update(release)
        .where(release.c.id == release_id, release.c.state == "held")
        .values(state="approved", hold_reason=None, approved_at=now)
    )
    return bool(done.rowcount)


def hasten(connection: Connection, release_id: int) -> bool:
    """Have a release's mailing overtake others; False if it does already."""
    done = connection.execute(
        update(release)
        .where(release.c.id == release_id, release.c.urgent.is_(False))
        .values(urgent=True)
    )
    return bool(done.rowcount)


def take_back(connection: Connection, release_id: int, reason: str) -> bool:
    """Hold a release that was approved and is not public yet; False if it is not so."""
    done = connection.execute(
        update(release)
        .where(release.c.id == release_id, release.c.state == "approved")
        .values(state="held", hold_reason=reason[:300])
    )
    return bool(done.rowcount)


def hold(connection: Connection, release_id: int, reason: str) -> None:
    """Stop a release that has not been published, with a reason that somebody must answer."""
    connection.execute(
        update(release)
        .where(release.c.id == release_id, release.c.state.in_(["approved", "held"]))
        .values(state="held", hold_reason=reason[:300])
    )


def publish(connection: Connection, row: ReleaseRow, now: datetime) -> bool:
    """Make an approved release public, if it still says what `row` says; False if anything moved."""
    lock(connection, row.id)
    newest = select(func.max(edition.c.id)).where(edition.c.release_id == row.id)
    if connection.scalar(newest) != row.newest:
        return False
    done = connection.execute(
        update(release)
        .where(
            release.c.id == row.id,
            release.c.state == "approved",
            release.c.urgent.is_(row.urgent),
            *_moment_has_come(now),
        )
        .values(state="published", published_at=now)
    )
    return bool(done.rowcount)


def _moment_has_come(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Neither its publish time nor the end of its embargo lies ahead."""
    return tuple(
        or_(moment.is_(None), moment <= now)
        for moment in (release.c.publish_at, release.c.embargo_until)
    )


_TOLD = {field.name for field in fields(ReleaseRow)}


def _rows() -> Select[*tuple[Any, ...]]:
    other, first = edition.alias(), edition.alias()
    every = select(func.max(other.c.id)).where(other.c.release_id == release.c.id)
    original = (
        select(first.c.language)
        .where(first.c.release_id == release.c.id)
        .order_by(first.c.id)
        .limit(1)
        .correlate(release)
    )
    own = every.where(other.c.language == original.scalar_subquery())
    shown = own.correlate(release).scalar_subquery()
    return select(
        *(column for column in release.c if column.name in _TOLD),
        every.correlate(release).scalar_subquery().label("newest"),
        edition.c.id.label("edition_id"),
        edition.c.version,
        edition.c.language,
        edition.c.title,
        edition.c.lead,
        edition.c.body,
        edition.c.contacts,
        edition.c.files,
        edition.c.pictures,
    ).join_from(release, edition, and_(edition.c.release_id == release.c.id, edition.c.id == shown))


def _release(row: Row[*tuple[Any, ...]]) -> ReleaseRow:
    found = dict(row._mapping)
    text = edition_of(found)
    for name in ("language", "title", "lead", "body", "contacts", "files", "pictures"):
        del found[name]
    for name in ("topics", "places"):
        found[name] = tuple(found[name])
    return ReleaseRow(**found, edition=text)
