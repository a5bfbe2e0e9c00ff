"""Releases and their editions: a permanent identity, and texts that never change once written."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, insert, or_, select, update

from mailer.core.release import (
    Contact,
    Edition,
    ReleaseDocument,
    body_from_plain,
    body_to_plain,
    fingerprint,
    slug,
)
from mailer.store.columns import insert_ignoring
from mailer.store.tables import edition, release, release_alias


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release as it stands, with the newest edition in its first language.

    Attributes:
        state: held, approved, published or withdrawn.
    """

    id: int
    newsroom: str
    identity: str
    slug: str
    kind: str
    topics: tuple[str, ...]
    issuer: str | None
    canonical_url: str | None
    state: str
    hold_reason: str | None
    made_at: datetime
    publish_at: datetime | None
    published_at: datetime | None
    urgent: bool
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
            "issuer": document.issuer,
            "canonical_url": document.canonical_url,
            "state": "held",
            "hold_reason": hold_reason,
            "made_at": now,
            "publish_at": document.publish_at,
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


def add_edition(connection: Connection, release_id: int, text: Edition, now: datetime) -> bool:
    """Store a text as the next version in its language; False if the newest is the same in all."""
    _lock(connection, release_id)
    newest = connection.execute(
        select(edition)
        .where(edition.c.release_id == release_id, edition.c.language == text.language)
        .order_by(edition.c.version.desc())
        .limit(1)
    ).first()
    if newest is not None and edition_of(newest._mapping) == text:
        return False
    connection.execute(
        insert(edition).values(
            release_id=release_id,
            language=text.language,
            version=1 if newest is None else newest.version + 1,
            title=text.title,
            lead=text.lead,
            body=body_to_plain(text.body),
            contacts=[asdict(contact) for contact in text.contacts],
            fingerprint=fingerprint(text),
            made_at=now,
        )
    )
    return True


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
                or_(release.c.publish_at.is_(None), release.c.publish_at <= now),
            )
            .order_by(release.c.id)
        )
    )


def approve(connection: Connection, release_id: int) -> bool:
    """Let a held release go when its moment comes; False if it was not held."""
    done = connection.execute(
        update(release)
        .where(release.c.id == release_id, release.c.state == "held")
        .values(state="approved", hold_reason=None)
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
    _lock(connection, row.id)
    newest = connection.scalar(_newest_edition().where(edition.c.release_id == row.id))
    if newest != row.edition_id:
        return False
    done = connection.execute(
        update(release)
        .where(
            release.c.id == row.id,
            release.c.state == "approved",
            release.c.urgent.is_(row.urgent),
            or_(release.c.publish_at.is_(None), release.c.publish_at <= now),
        )
        .values(state="published", published_at=now)
    )
    return bool(done.rowcount)


def edition_of(row: Mapping[Any, Any]) -> Edition:
    """The text that a row of the edition table holds, whatever else is in it."""
    return Edition(
        language=row["language"],
        title=row["title"],
        lead=row["lead"],
        body=body_from_plain(row["body"]),
        contacts=tuple(Contact(**contact) for contact in row["contacts"]),
    )


def _lock(connection: Connection, release_id: int) -> None:
    """Editions are added, and a release published, one at a time."""
    connection.execute(select(release.c.id).where(release.c.id == release_id).with_for_update())


def _newest_edition() -> Select[int]:
    return select(func.max(edition.c.id))


def _rows() -> Select[*tuple[Any, ...]]:
    newest = (
        _newest_edition().where(edition.c.release_id == release.c.id).correlate(release)
    ).scalar_subquery()
    return select(
        *(column for column in release.c if column.name != "source"),
        edition.c.id.label("edition_id"),
        edition.c.version,
        edition.c.language,
        edition.c.title,
        edition.c.lead,
        edition.c.body,
        edition.c.contacts,
    ).join(edition, and_(edition.c.release_id == release.c.id, edition.c.id == newest))


def _release(row: Row[*tuple[Any, ...]]) -> ReleaseRow:
    found = dict(row._mapping)
    text = edition_of(found)
    for name in ("language", "title", "lead", "body", "contacts"):
        del found[name]
    return ReleaseRow(**{**found, "topics": tuple(found["topics"])}, edition=text)
