"""Under which names and words releases are known: whose a document is, and which names it brings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select, union, update

from mailer.core.release import Contact, Edition, fingerprint
from mailer.store.columns import insert_ignoring
from mailer.store.release_tables import edition, release, release_alias
from mailer.store.releases import edition_of

_AT_ONCE = 400  # parameters of one statement; SQLite takes some thousands


@dataclass(frozen=True, slots=True)
class Version:
    """A release's newest text in one language."""

    release_id: int
    text: Edition
    fingerprint: str


def named(connection: Connection, newsroom: str, names: Collection[str]) -> list[int]:
    """The releases that are known under any of these names, oldest first."""
    found = by_name(connection, newsroom, names).values()
    return sorted(set().union(*found)) if found else []


def by_name(
    connection: Connection, newsroom: str, names: Collection[str]
) -> dict[str, frozenset[int]]:
    """The releases that are known under each of these names; many names at once."""
    found: dict[str, set[int]] = {}
    asked = sorted(set(names))
    for start in range(0, len(asked), _AT_ONCE):
        some = {"room": newsroom, "names": asked[start : start + _AT_ONCE]}
        for name, number in connection.execute(_BY_NAME, some):
            found.setdefault(name, set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


# Made once: every document of every poll asks, and to put them together takes longer than to execute them.
_BY_NAME = union(
    select(release.c.identity, release.c.id).where(
        release.c.newsroom == bindparam("room"),
        release.c.identity.in_(bindparam("names", expanding=True)),
    ),
    select(release_alias.c.identity, release_alias.c.release_id).where(
        release_alias.c.newsroom == bindparam("room"),
        release_alias.c.identity.in_(bindparam("names", expanding=True)),
    ),
)


def newest(
    connection: Connection, releases: Collection[int]
) -> set[tuple[int, str, tuple[Contact, ...]]]:
    """Of the newest texts of these releases: whose, the fingerprint (it knows the language), contacts."""
    found = set()
    asked = sorted(set(releases))
    for start in range(0, len(asked), _AT_ONCE):
        for row in connection.execute(_NEWEST, {"these": asked[start : start + _AT_ONCE]}):
            contacts = tuple(Contact(**contact) for contact in row.contacts)
            found.add((row.release_id, row.fingerprint, contacts))
    return found


_LAST = (
    select(func.max(edition.c.id).label("id"))
    .where(edition.c.release_id.in_(bindparam("these", expanding=True)))
    .group_by(edition.c.release_id, edition.c.language)
    .subquery()
)
_NEWEST = select(edition.c.release_id, edition.c.fingerprint, edition.c.contacts).join(
    _LAST, _LAST.c.id == edition.c.id
)


def worded(connection: Connection, newsroom: str, text: Edition) -> int | None:
    """The release that ever had these very words, the newest if several had."""
    told = {"words": fingerprint(text), "room": newsroom}
    found = connection.scalar(_WORDED, told)
    return None if found is None else int(found)


_WORDED = (
    select(release.c.id)
    .join(edition, edition.c.release_id == release.c.id)
    .where(edition.c.fingerprint == bindparam("words"), release.c.newsroom == bindparam("room"))
    .order_by(edition.c.id.desc())
    .limit(1)
)


def versions(connection: Connection, releases: Collection[int]) -> list[Version]:
    """The newest text of each of these releases in each of its languages."""
    rows = connection.execute(_VERSIONS, {"these": sorted(set(releases))})
    return [Version(row.release_id, edition_of(row._mapping), row.fingerprint) for row in rows]


_VERSIONS = select(edition).join(_LAST, _LAST.c.id == edition.c.id).order_by(edition.c.id)


def names(connection: Connection, release_id: int) -> list[str]:
    """Every name a release is known under, its identity first."""
    identity = connection.scalar(select(release.c.identity).where(release.c.id == release_id))
    others = connection.scalars(
        select(release_alias.c.identity)
        .where(release_alias.c.release_id == release_id)
        .order_by(release_alias.c.identity)
    )
    return list(dict.fromkeys([*([identity] if identity else []), *others]))


@dataclass(frozen=True, slots=True)
class Recent:
    """A release of late, by its newest title, under all its names."""

    id: int
    title: str
    language: str
    at: datetime
    names: tuple[str, ...]


def recent(
    connection: Connection, newsroom: str, *, since: datetime, most: int = 200
) -> list[Recent]:
    """The releases of a newsroom that are public or were made since then, newest first."""
    at = func.coalesce(release.c.published_at, release.c.made_at)
    rows = connection.execute(
        select(release.c.id, release.c.canonical_url, at.label("at"))
        .where(release.c.newsroom == newsroom, at >= since)
        .order_by(at.desc(), release.c.id.desc())
        .limit(most)
    ).all()
    titles = {one.release_id: one.text for one in versions(connection, [row.id for row in rows])}
    return [
        Recent(
            row.id,
            titles[row.id].title,
            titles[row.id].language,
            row.at,
            (*names(connection, row.id), *([row.canonical_url] if row.canonical_url else [])),
        )
        for row in rows
        if row.id in titles
    ]


def unknown_names(connection: Connection, newsroom: str, asked: Sequence[str]) -> list[str]:
    """Those of these names under which no release is known."""
    known = by_name(connection, newsroom, asked)
    return [name for name in asked if name not in known]


def give_names(
    connection: Connection, newsroom: str, given: Sequence[str], release_id: int, *, take: bool
) -> None:
    """Know a release under these names too.

    Args:
        take: take them from whom they were given to before; else a name stays who has it.
    """
    free = unknown_names(connection, newsroom, given)
    for name in given if take else free:
        row = {"newsroom": newsroom, "identity": name, "release_id": release_id}
        if not take:
            connection.execute(insert_ignoring(connection, release_alias), row)
            continue
        of = (release_alias.c.newsroom == newsroom) & (release_alias.c.identity == name)
        done = connection.execute(update(release_alias).where(of).values(release_id=release_id))
        if not done.rowcount:
            connection.execute(insert(release_alias), row)
