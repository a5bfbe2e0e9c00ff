"""What anybody may read: released texts, the newest in each language, found in a few statements.

A page asks in two steps. The *facts* of the releases on it come with a heading for each language; the
text itself is fetched for the editions that the page chose, and for no other. What is not published
is never among them; a withdrawn release gives its facts alone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, or_, select

from mailer.core.language import primary
from mailer.core.release import Edition
from mailer.store.releases import edition_of
from mailer.store.tables import edition, release


@dataclass(frozen=True, slots=True)
class Heading:
    """The newest edition of a release in one language, but for its body.

    Attributes:
        version: 1 for the first text in this language.
        made_at: when it was stored.
    """

    edition_id: int
    language: str
    version: int
    title: str
    lead: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class PublicRow:
    """The facts of a release that is or was public.

    Attributes:
        headings: one for each language, that of its first edition first.
    """

    id: int
    newsroom: str
    slug: str
    kind: str
    canonical_url: str | None
    withdrawn: bool
    published_at: datetime
    headings: tuple[Heading, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """What a site map says of a release: when each of its languages last changed."""

    id: int
    newsroom: str
    slug: str
    changed: tuple[tuple[str, datetime], ...]


def counts(connection: Connection, newsroom: str) -> dict[str, int]:
    """How many releases of each kind a newsroom has published, by the source's own word."""
    rows = connection.execute(
        select(release.c.kind, func.count()).where(*_published(newsroom)).group_by(release.c.kind)
    )
    return {row[0]: row[1] for row in rows}


def newest(
    connection: Connection,
    newsroom: str,
    *,
    kinds: Collection[str] | None = None,
    language: str | None = None,
    but: int | None = None,
    limit: int,
    offset: int = 0,
) -> list[PublicRow]:
    """A newsroom's published releases, newest first.

    Args:
        kinds: only releases whose kind is one of these words; None for all.
        language: only those that have an edition in it, by its primary subtag; None for all.
        but: a release to leave out.
    """
    query = select(release).where(*_published(newsroom))
    if kinds is not None:
        query = query.where(release.c.kind.in_(kinds))
    if language is not None:
        query = query.where(release.c.id.in_(_spoken(primary(language))))
    if but is not None:
        query = query.where(release.c.id != but)
    query = query.order_by(release.c.published_at.desc(), release.c.id.desc())
    return _rows(connection, query.limit(limit).offset(offset))


def latest(
    connection: Connection, newsroom: str, *, language: str | None = None, limit: int
) -> list[PublicRow]:
    """What a newsroom has published last, newest first, and what of it was withdrawn since.

    Args:
        language: only those that have an edition in it, by its primary subtag; None for all.
    """
    query = select(release).where(*_was_public(newsroom))
    if language is not None:
        query = query.where(release.c.id.in_(_spoken(primary(language))))
    query = query.order_by(release.c.published_at.desc(), release.c.id.desc())
    return _rows(connection, query.limit(limit))


def read(connection: Connection, release_id: int) -> PublicRow | None:
    """A release that is public, or was until it was withdrawn; None for any other."""
    query = select(release).where(
        release.c.id == release_id,
        release.c.state.in_(["published", "withdrawn"]),
        release.c.published_at.is_not(None),
    )
    return next(iter(_rows(connection, query)), None)


def texts(connection: Connection, editions: Sequence[int]) -> dict[int, Edition]:
    """The editions of these numbers, whole."""
    rows = connection.execute(select(edition).where(edition.c.id.in_(editions)))
    return {row.id: edition_of(row._mapping) for row in rows}


def extent(connection: Connection, newsrooms: Collection[str]) -> int:
    """How many releases these newsrooms have published."""
    query = select(func.count()).select_from(release)
    return int(connection.scalar(query.where(*_of(newsrooms))) or 0)


def addresses(
    connection: Connection, newsrooms: Collection[str], *, limit: int, offset: int = 0
) -> list[Address]:
    """The published releases of these newsrooms in the order of their numbers."""
    chosen = (
        select(release.c.id)
        .where(*_of(newsrooms))
        .order_by(release.c.id)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    first = func.min(edition.c.id)
    rows = connection.execute(
        select(
            release.c.id,
            release.c.newsroom,
            release.c.slug,
            release.c.published_at,
            edition.c.language,
            func.max(edition.c.made_at).label("made_at"),
        )
        .join(chosen, chosen.c.id == release.c.id)
        .join(edition, edition.c.release_id == release.c.id)
        .group_by(
            release.c.id,
            release.c.newsroom,
            release.c.slug,
            release.c.published_at,
            edition.c.language,
        )
        .order_by(release.c.id, first)
    )
    found: dict[int, Address] = {}
    for row in rows:
        known = found.get(row.id)
        changed = (row.language, max(row.made_at, row.published_at))
        earlier = known.changed if known else ()
        found[row.id] = Address(row.id, row.newsroom, row.slug, (*earlier, changed))
    return list(found.values())


def _published(newsroom: str) -> tuple[ColumnElement[bool], ...]:
    return (release.c.newsroom == newsroom, release.c.state == "published")


def _was_public(newsroom: str) -> tuple[ColumnElement[bool], ...]:
    return (
        release.c.newsroom == newsroom,
        release.c.state.in_(["published", "withdrawn"]),
        release.c.published_at.is_not(None),
    )


def _of(newsrooms: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (release.c.newsroom.in_(newsrooms), release.c.state == "published")


def _spoken(subtag: str) -> Select[int]:
    """The releases with an edition in a language."""
    stored = func.lower(edition.c.language)
    return select(edition.c.release_id).where(
        or_(stored == subtag, stored.startswith(f"{subtag}-", autoescape=True))
    )


def _rows(connection: Connection, query: Select[Any]) -> list[PublicRow]:
    found = list(connection.execute(query))
    headings = _headings(connection, [row.id for row in found]) if found else {}
    return [_public(row, headings) for row in found]


def _headings(connection: Connection, releases: Sequence[int]) -> dict[int, list[Heading]]:
    """The newest edition in each language, a release's languages in the order they came."""
    last = (
        select(
            func.max(edition.c.id).label("id"),
            func.min(edition.c.id).label("first"),
        )
        .where(edition.c.release_id.in_(releases))
        .group_by(edition.c.release_id, edition.c.language)
        .subquery()
    )
    rows = connection.execute(
        select(
            edition.c.id,
            edition.c.release_id,
            edition.c.language,
            edition.c.version,
            edition.c.title,
            edition.c.lead,
            edition.c.made_at,
        )
        .join(last, last.c.id == edition.c.id)
        .order_by(last.c.first)
    )
    found: dict[int, list[Heading]] = {}
    for row in rows:
        found.setdefault(row.release_id, []).append(
            Heading(row.id, row.language, row.version, row.title, row.lead, row.made_at)
        )
    return found


def _public(row: Row[Any], headings: dict[int, list[Heading]]) -> PublicRow:
    return PublicRow(
        id=row.id,
        newsroom=row.newsroom,
        slug=row.slug,
        kind=row.kind,
        canonical_url=row.canonical_url,
        withdrawn=row.state == "withdrawn",
        published_at=row.published_at,
        headings=tuple(headings.get(row.id, ())),
    )
