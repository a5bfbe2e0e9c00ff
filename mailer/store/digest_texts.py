"""Reads what digests show of releases: the newest text in each language that was let go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, select

from mailer.store.tables import edition, release, translation


@dataclass(frozen=True, slots=True)
class EditionRow:
    """The newest text of a release in one language, as far as a digest shows it."""

    id: int
    language: str
    title: str
    lead: str


@dataclass(frozen=True, slots=True)
class ReleaseTexts:
    """A release as digests show it.

    Attributes:
        original: the language that it was first written in.
        editions: the newest of each language, by language; none in one that is still to be mailed.
    """

    id: int
    newsroom: str
    state: str
    slug: str
    kind: str
    canonical_url: str | None
    published_at: datetime | None
    original: str
    editions: Mapping[str, EditionRow]


def texts_of(connection: Connection, releases: Iterable[int]) -> dict[int, ReleaseTexts]:
    """What digests show of these releases, by number."""
    wanted = sorted(set(releases))
    newest = (
        select(edition.c.release_id, edition.c.language, func.max(edition.c.id).label("id"))
        .where(edition.c.release_id.in_(wanted), ~_is_expected())
        .group_by(edition.c.release_id, edition.c.language)
        .subquery()
    )
    rows = connection.execute(
        select(
            edition.c.id, edition.c.release_id, edition.c.language, edition.c.title, edition.c.lead
        )
        .join(newest, newest.c.id == edition.c.id)
        .order_by(edition.c.id)
    )
    editions: dict[int, dict[str, EditionRow]] = {}
    for row in rows:
        of_release = editions.setdefault(row.release_id, {})
        of_release[row.language] = EditionRow(row.id, row.language, row.title, row.lead)
    first = _first_languages(connection, wanted)
    return {
        row.id: ReleaseTexts(**row._mapping, original=first[row.id], editions=editions[row.id])
        for row in connection.execute(
            select(
                release.c.id,
                release.c.newsroom,
                release.c.state,
                release.c.slug,
                release.c.kind,
                release.c.canonical_url,
                release.c.published_at,
            ).where(release.c.id.in_(wanted))
        )
    }


def _is_expected() -> ColumnElement[bool]:
    """Whether an edition is a late translation that nobody has let go yet."""
    return exists().where(
        translation.c.release_id == edition.c.release_id,
        translation.c.language == edition.c.language,
        translation.c.state == "held",
    )


def _first_languages(connection: Connection, releases: Sequence[int]) -> dict[int, str]:
    first = select(func.min(edition.c.id)).where(edition.c.release_id.in_(releases))
    rows = connection.execute(
        select(edition.c.release_id, edition.c.language).where(
            edition.c.id.in_(first.group_by(edition.c.release_id))
        )
    )
    return {row.release_id: row.language for row in rows}
