"""How each source stands: when it is polled next and by whom, what the last look came to, what its hub said.

A poll is claimed by one UPDATE, which moves `next_at` to the end of the claim and raises `turn`: of several
dispatchers one does it, and one that was taken to be dead finds that its turn has passed, and writes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update

from mailer.store.columns import insert_ignoring
from mailer.store.source_tables import folder_file, push, source_state

MAX_PUSHES = 50
"""Waiting of one source; a hub that sends more is no longer listened to until they are read."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as it stands; see the table for what each means."""

    source: str
    etag: str | None
    last_modified: str | None
    seeded: bool
    polled_at: datetime | None
    next_at: datetime | None
    failures: int
    fault: str | None
    cure: str | None
    failing_since: datetime | None
    turn: int
    place: str | None
    terms: str | None
    digest: str | None
    last: Mapping[str, Any] | None
    found_at: datetime | None
    hub: str | None
    topic: str | None
    hub_state: str
    hub_fault: str | None
    hub_asked_at: datetime | None
    hub_until: datetime | None
    pushed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Push:
    """What a hub sent."""

    id: int
    media_type: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a watched folder, as it was when it was last looked at.

    Attributes:
        since: when it was first seen as it is.
        taken: it was read, whatever came of it.
        fault: why nothing came of it.
    """

    path: str
    size: int
    stamp: int
    since: datetime
    taken: bool
    fault: str | None


def enrol(connection: Connection, keys: Collection[str], now: datetime) -> None:
    """Have those of the settings polled, and no other: what is new there is due at once."""
    rows = connection.execute(select(source_state.c.source, source_state.c.next_at))
    known = {row.source: row.next_at for row in rows}
    for key in keys:
        if key not in known:
            row = {"source": key, "seeded": False, "next_at": now}
            connection.execute(insert_ignoring(connection, source_state), row)
    back = [key for key in keys if key in known and known[key] is None]
    gone = [key for key, at in known.items() if key not in keys and at is not None]
    for which, at in ((back, now), (gone, None)):
        if which:
            connection.execute(
                update(source_state).where(source_state.c.source.in_(which)).values(next_at=at)
            )


def enrolled(connection: Connection, keys: Collection[str]) -> bool:
    """Whether those of the settings are polled, and no other."""
    polled = connection.scalars(
        select(source_state.c.source).where(source_state.c.next_at.is_not(None))
    )
    return set(polled) == set(keys)


def due(connection: Connection, keys: Collection[str], now: datetime) -> list[str]:
    """Those of these whose time has come, the longest overdue first."""
    return list(
        connection.scalars(
            select(source_state.c.source)
            .where(source_state.c.source.in_(keys), source_state.c.next_at <= now)
            .order_by(source_state.c.next_at, source_state.c.source)
        )
    )


def claim(
    connection: Connection, key: str, *, now: datetime, until: datetime, by_hand: bool = False
) -> SourceRow | None:
    """Take a source in hand until then, if it is due or somebody wants it now; None if it is not."""
    of = source_state.c.source == key
    connection.execute(select(source_state.c.turn).where(of).with_for_update())
    when = of if by_hand else (of & (source_state.c.next_at <= now))
    done = connection.execute(
        update(source_state).where(when).values(next_at=until, turn=source_state.c.turn + 1)
    )
    return read(connection, key) if done.rowcount else None


def holds(connection: Connection, key: str, turn: int) -> bool:
    """Whether a claim is still ours, and stays so until this transaction ends."""
    return connection.scalar(_TURN, {"key": key}) == turn


_TURN = (
    select(source_state.c.turn).where(source_state.c.source == bindparam("key")).with_for_update()
)


def finish(connection: Connection, key: str, turn: int, values: Mapping[str, Any]) -> bool:
    """Write what a poll came to; False if its turn has passed."""
    done = connection.execute(
        update(source_state)
        .where(source_state.c.source == key, source_state.c.turn == turn)
        .values(**values)
    )
    return bool(done.rowcount)


def read(connection: Connection, key: str) -> SourceRow | None:
    """How a source stands; None if it was never enrolled."""
    row = connection.execute(select(*_COLUMNS).where(source_state.c.source == key)).first()
    return None if row is None else SourceRow(**row._mapping)


def rows(connection: Connection) -> dict[str, SourceRow]:
    """Every source that was ever enrolled, by key."""
    return {row.source: SourceRow(**row._mapping) for row in connection.execute(select(*_COLUMNS))}


_COLUMNS = tuple(source_state.c[field.name] for field in fields(SourceRow))


def note_hub(
    connection: Connection, key: str, values: Mapping[str, Any], *, topic: str | None = None
) -> bool:
    """Write what became of a hub's promise; False if it is about another topic than ours."""
    change = update(source_state).where(source_state.c.source == key)
    if topic is not None:
        change = change.where(
            source_state.c.topic == topic, source_state.c.hub_state.in_(["asked", "active"])
        )
    return bool(connection.execute(change.values(**values)).rowcount)


def take_push(
    connection: Connection, key: str, *, digest: str, media_type: str, payload: bytes, now: datetime
) -> bool:
    """Keep what a hub sent until a poller reads it, which is due now; False if too much waits already."""
    waiting = select(func.count()).select_from(push).where(push.c.source == key)
    if int(connection.scalar(waiting) or 0) >= MAX_PUSHES:
        return False
    row = {"source": key, "digest": digest, "media_type": media_type[:200], "at": now}
    connection.execute(insert_ignoring(connection, push), {**row, "payload": payload})
    connection.execute(
        update(source_state)
        .where(
            source_state.c.source == key,
            or_(source_state.c.next_at.is_(None), source_state.c.next_at > now),
        )
        .values(next_at=now)
    )
    connection.execute(
        update(source_state).where(source_state.c.source == key).values(pushed_at=now)
    )
    return True


def pushes(connection: Connection, key: str) -> list[Push]:
    """What was pushed and not read yet, oldest first."""
    found = connection.execute(
        select(push.c.id, push.c.media_type, push.c.payload)
        .where(push.c.source == key)
        .order_by(push.c.id)
    )
    return [Push(row.id, row.media_type, row.payload) for row in found]


def forget_push(connection: Connection, number: int) -> None:
    """Let go of one that was read."""
    connection.execute(delete(push).where(push.c.id == number))


def files(connection: Connection, key: str) -> dict[str, FileRow]:
    """The files of a watched folder as they were when last looked at, by path."""
    columns = [folder_file.c[field.name] for field in fields(FileRow)]
    found = connection.execute(select(*columns).where(folder_file.c.source == key))
    return {row.path: FileRow(**row._mapping) for row in found}


def note_files(
    connection: Connection, key: str, seen: Collection[FileRow], gone: Collection[str]
) -> None:
    """Write how files are now, and forget those that are not there any more."""
    for paths in ([row.path for row in seen], list(gone)):
        for start in range(0, len(paths), 200):
            connection.execute(
                delete(folder_file).where(
                    folder_file.c.source == key,
                    folder_file.c.path.in_(paths[start : start + 200]),
                )
            )
    if seen:
        names = [field.name for field in fields(FileRow)]
        told = [{"source": key, **{name: getattr(row, name) for name in names}} for row in seen]
        connection.execute(insert(folder_file), told)
