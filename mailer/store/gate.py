"""Counts sign-ups in buckets that all processes share, and remembers that they explode.

    pour    one upsert for all buckets of a sign-up, in one order so that nobody waits in a circle; it
            counts in all of them or in none, so that who is turned away uses up nobody else's share
    look    the same question without a lock and without an answer that binds: it turns a flood away
    sweep   an empty bucket says nothing, so its row goes

A bucket that is fuller than two of it could be was filled by a clock that has since been put right;
it counts as empty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    TextClause,
    delete,
    exists,
    or_,
    select,
    text,
    tuple_,
    update,
)

from mailer.store.columns import insert_ignoring
from mailer.store.gate_tables import bucket, surge

_MILLISECOND = timedelta(milliseconds=1)
_SWEPT_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, order=True)
class Drop:
    """What one sign-up pours into one bucket.

    Attributes:
        name: a keyed hash of whom it counts.
        share: how long this drop takes to run out, in milliseconds; `size` is the same of a full bucket.
    """

    kind: str
    name: str
    share: int
    size: int


def drop(kind: str, name: str, *, count: int, period: timedelta) -> Drop:
    """The drop of which `count` fill a bucket that runs empty within `period`."""
    size = period // _MILLISECOND
    return Drop(kind, name, size // count, size)


def look(connection: Connection, drops: Sequence[Drop], now: datetime) -> str | None:
    """The kind of a bucket that would overflow; None where all have room. Takes no lock."""
    if not drops:
        return None
    named = {f"k{at}": one.kind for at, one in enumerate(drops)}
    named |= {f"n{at}": one.name for at, one in enumerate(drops)}
    rows = connection.execute(_levels(len(drops)), named)
    levels = {(row.kind, row.name): row.empty_at for row in rows}
    moment = _milliseconds(now)
    for one in drops:
        start = _start(levels.get((one.kind, one.name), moment), moment, one.size)
        if start + one.share > moment + one.size:
            return one.kind
    return None


def pour(
    connection: Connection, drops: Sequence[Drop], now: datetime
) -> tuple[str | None, datetime]:
    """Count a sign-up in all these buckets, or in none where one of them would overflow.

    Returns:
        The kind of one that would, or None; and when the last bucket was or will be empty but for
        this drop: where drops are to leave one by one, the turn of this one.
    """
    if not drops:
        return None, now
    full = look(connection, drops, now)
    if full is not None:
        return full, now
    together = connection.begin_nested()
    taken = {row.kind: row for row in connection.execute(*_upsert(sorted(drops), now))}
    missing = next((one.kind for one in drops if one.kind not in taken), None)
    if missing is not None:  # another sign-up was quicker
        together.rollback()
        return missing, now
    together.commit()
    last = max(taken[one.kind].empty_at - one.share for one in drops)
    return None, max(now, datetime.fromtimestamp(last / 1000, UTC))


def empty(connection: Connection, kind: str, names: Sequence[str]) -> None:
    """Let these buckets start anew."""
    connection.execute(delete(bucket).where(bucket.c.kind == kind, bucket.c.name.in_(names)))


def empty_all(connection: Connection, kind: str) -> None:
    """Let every bucket of a kind start anew."""
    connection.execute(delete(bucket).where(bucket.c.kind == kind))


def sweep(connection: Connection, now: datetime) -> int:
    """Forget buckets that are empty; how many."""
    passed = (
        select(bucket.c.kind, bucket.c.name)
        .where(bucket.c.empty_at <= _milliseconds(now))
        .limit(10_000)
        .with_for_update(skip_locked=True)
    )
    done = connection.execute(
        delete(bucket).where(tuple_(bucket.c.kind, bucket.c.name).in_(passed))
    )
    return done.rowcount


def any_to_sweep(connection: Connection, now: datetime) -> bool:
    """Whether a bucket has been empty for a while, or an explosion is over, by a look without a lock."""
    long_empty = exists().where(bucket.c.empty_at <= _milliseconds(now - _SWEPT_AFTER))
    over = exists().where(surge.c.until <= now)
    return bool(connection.scalar(select(or_(long_empty, over))))


def note_surge(connection: Connection, lane: str, now: datetime, until: datetime) -> bool:
    """Remember that sign-ups of a lane explode, at least until then; whether that is news."""
    begins = insert_ignoring(connection, surge).values(lane=lane, since=now, until=until)
    if connection.scalar(begins.returning(surge.c.lane)) is not None:
        return True
    calm_again = surge.c.until <= now
    done = connection.execute(
        update(surge).where(surge.c.lane == lane, calm_again).values(since=now, until=until)
    )
    if done.rowcount == 1:
        return True
    # Written again only now and then: it is one row for everybody.
    slack = (until - now) / 10
    connection.execute(
        update(surge)
        .where(surge.c.lane == lane, surge.c.until <= until - slack)
        .values(until=until)
    )
    return False


def surges(connection: Connection, now: datetime) -> dict[str, datetime]:
    """The lanes whose sign-ups explode, and since when."""
    rows = connection.execute(select(surge.c.lane, surge.c.since).where(surge.c.until > now))
    return {row.lane: row.since for row in rows}


def end_surges(connection: Connection, *, until: datetime | None = None) -> list[str]:
    """Forget explosions; those alone that were over by `until`, where it is given. Their lanes."""
    query = delete(surge)
    if until is not None:
        query = query.where(surge.c.until <= until)
    return list(connection.scalars(query.returning(surge.c.lane)))


def _upsert(drops: Sequence[Drop], now: datetime) -> tuple[TextClause, dict[str, Any]]:
    """Pours where there is room; gives back the rows it poured into."""
    moment = _milliseconds(now)
    values: dict[str, Any] = {"present": moment}
    for at, one in enumerate(drops):
        after = moment + one.share
        values |= {f"k{at}": one.kind, f"n{at}": one.name, f"e{at}": after, f"s{at}": one.size}
    return _pour(len(drops)), values


@cache  # its own words, since one for many rows is otherwise made anew each time
def _pour(count: int) -> TextClause:
    rows = ", ".join(f"(:k{at}, :n{at}, :e{at}, :s{at})" for at in range(count))
    return text(f"""
        INSERT INTO bucket (kind, name, empty_at, size) VALUES {rows}
        ON CONFLICT (kind, name) DO UPDATE SET empty_at = {_AFTER}, size = excluded.size
        WHERE {_AFTER} <= CAST(:present AS BIGINT) + excluded.size
        RETURNING kind, empty_at
    """)  # noqa: S608 - names of its own values alone


_AFTER = """excluded.empty_at - CAST(:present AS BIGINT) + CASE
    WHEN bucket.empty_at <= :present OR bucket.empty_at > CAST(:present AS BIGINT) + 2 * excluded.size
    THEN CAST(:present AS BIGINT) ELSE bucket.empty_at END"""


def _start(empty_at: int, moment: int, size: int) -> int:
    return moment if empty_at <= moment or empty_at > moment + 2 * size else empty_at


@cache
def _levels(count: int) -> TextClause:
    either = " OR ".join(f"kind = :k{at} AND name = :n{at}" for at in range(count))
    return text(f"SELECT kind, name, empty_at FROM bucket WHERE {either}")  # noqa: S608 - as above


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // _MILLISECOND
