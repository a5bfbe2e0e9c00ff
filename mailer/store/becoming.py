"""Held releases that became the correction or withdrawal of another; and texts that a correction took away.

Such a one is closed: it stays on record with its words and its decisions, and what it was known under names
the other one. So its source may show it as long as it likes.
"""

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from mailer.core.release import Edition, fingerprint
from mailer.store import identities
from mailer.store.tables import amendment, edition, release, release_alias


def joined(connection: Connection, releases: Collection[int]) -> list[int]:
    """Those that became a correction or withdrawal of these releases, oldest first."""
    query = select(release.c.id).where(release.c.became.in_(releases)).order_by(release.c.id)
    return list(connection.scalars(query))


def close(connection: Connection, release_id: int, *, of: int, reason: str) -> None:
    """Close a held release that is locked, and give all its names to another one."""
    row = connection.execute(
        select(release.c.newsroom, release.c.identity).where(release.c.id == release_id)
    ).one()
    connection.execute(
        update(release)
        .where(release.c.id == release_id)
        # No source can give that name: one without a scheme has its source's key in front.
        .values(
            state="withdrawn",
            hold_reason=reason[:300],
            became=of,
            identity=f"release {release_id}",
        )
    )
    connection.execute(
        update(release_alias).where(release_alias.c.release_id == release_id).values(release_id=of)
    )
    connection.execute(update(release).where(release.c.became == release_id).values(became=of))
    identities.give_names(connection, row.newsroom, [row.identity], of, take=True)


def taken_away(connection: Connection, release_id: int, text: Edition) -> bool:
    """Whether these are words of a release that the desk has corrected since."""
    had = connection.scalars(
        select(edition.c.id).where(
            edition.c.release_id == release_id, edition.c.fingerprint == fingerprint(text)
        )
    )
    corrected = connection.scalars(
        select(amendment.c.editions).where(
            amendment.c.release_id == release_id, amendment.c.kind == "correction"
        )
    )
    return bool(set(had) & {number for numbers in corrected for number in numbers})
