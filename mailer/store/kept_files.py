"""Files of releases that lie with us: added from a disk, or fetched so that a mail can carry them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from mailer.core.files import place_of
from mailer.store.columns import insert_ignoring
from mailer.store.tables import kept_file, release


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file as it lies with us.

    Attributes:
        url: where it was fetched; `core.files.KEPT` and its digest where it came from a disk.
    """

    url: str
    name: str
    media_type: str
    content: bytes


def keep(connection: Connection, release_id: int, file: KeptFile, now: datetime) -> None:
    """Keep a file of a release, once."""
    connection.execute(
        insert_ignoring(connection, kept_file),
        {
            "release_id": release_id,
            "place": place_of(file.url),
            "name": file.name,
            "media_type": file.media_type,
            "content": file.content,
            "made_at": now,
        },
    )


def share(connection: Connection, release_id: int, other: int, now: datetime) -> None:
    """Keep a release's files with another one too, once."""
    rows = connection.execute(select(kept_file).where(kept_file.c.release_id == release_id))
    for row in rows.mappings().all():
        shared = {**row, "release_id": other, "made_at": now}
        connection.execute(insert_ignoring(connection, kept_file), shared)


def sizes(connection: Connection, release_id: int) -> dict[str, int]:
    """How large each kept file of a release is, by `core.files.place_of` its address."""
    rows = connection.execute(
        select(kept_file.c.place, func.length(kept_file.c.content)).where(
            kept_file.c.release_id == release_id
        )
    )
    return {row[0]: row[1] for row in rows}


def content(connection: Connection, release_id: int, url: str) -> bytes | None:
    """What we have of a file."""
    found = connection.scalar(
        select(kept_file.c.content).where(
            kept_file.c.release_id == release_id, kept_file.c.place == place_of(url)
        )
    )
    return None if found is None else bytes(found)


def public(
    connection: Connection, newsroom: str, release_id: int, place: str
) -> tuple[str, str, bytes] | None:
    """Name, type and content of a file that anybody may have: its release is published."""
    row = connection.execute(
        select(kept_file.c.name, kept_file.c.media_type, kept_file.c.content)
        .join(release, release.c.id == kept_file.c.release_id)
        .where(
            release.c.newsroom == newsroom,
            release.c.state == "published",
            kept_file.c.release_id == release_id,
            kept_file.c.place == place,
        )
    ).first()
    return None if row is None else (row.name, row.media_type, bytes(row.content))
