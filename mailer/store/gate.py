"""Counts sign-ups in buckets that all processes share.

    pour    one upsert for all buckets of a sign-up, in one order so that nobody waits in a circle; it
            counts in all of them or in none, so that who is turned away uses up nobody else's share
    look    the same question without a lock and without an answer that binds: it turns a flood away
    sweep   an empty bucket says nothing, so its row goes

A bucket that is fuller than two of it could be was filled by a clock that has since been put right;
it counts as empty.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
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
)

from mailer.store.gate_tables import bucket, surge

_MILLISECOND = timedelta(milliseconds=1)
_SWEPT_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
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
    return look_all(connection, [drops], now)[0]


def look_all(
    connection: Connection, together: Sequence[Sequence[Drop]], now: datetime
) -> list[str | None]:
    """The same for each of several sign-ups, as if it came alone."""
    names = {(one.kind, one.name) for drops in together for one in drops}
    if not names:
        return [None] * len(together)
    query = _levels(connection.dialect.name)
    rows = connection.execute(query, {"names": json.dumps(sorted(names))}).all()
    levels = {(row.kind, row.name): row.empty_at for row in rows if row.empty_at is not None}
    return [_full(drops, levels, _milliseconds(now)) for drops in together]


def _full(drops: Sequence[Drop], levels: Mapping[tuple[str, str], int], moment: int) -> str | None:
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
    return pour_all(connection, [drops], now)[0]


def pour_all(
    connection: Connection, together: Sequence[Sequence[Drop]], now: datetime
) -> list[tuple[str | None, datetime]]:
    """The same for each of several sign-ups in turn.

    They are counted as one; where that is too much for a bucket, those that it is not too full for one by
    one.
    """
    if turns := pour_with_room(connection, together, now):
        return [(None, turn) for turn in turns]
    full = look_all(connection, together, now)
    rest = [drops for drops, kind in zip(together, full, strict=True) if kind is None]
    poured = pour_with_room(connection, rest, now)
    given = iter([(None, turn) for turn in poured] or _pour_in_turn(connection, rest, now))
    return [next(given) if kind is None else (kind, now) for kind in full]


def _pour_in_turn(
    connection: Connection, together: Sequence[Sequence[Drop]], now: datetime
) -> Iterator[tuple[str | None, datetime]]:
    for drops in together:
        kind = look(connection, drops, now)
        turns = [] if kind else pour_with_room(connection, [drops], now)
        # Nothing poured although there was room: another process was quicker.
        yield (None, turns[0]) if turns else (kind or drops[0].kind, now)


def pour_with_room(
    connection: Connection, together: Sequence[Sequence[Drop]], now: datetime
) -> list[datetime]:
    """Pour all of several sign-ups, or nothing where that is too much for a bucket.

    Returns:
        The turn of each (see `pour`), or nothing.
    """
    drops = _merged(together)
    levels = _poured(connection, drops, now)
    there = [one for one in drops if (one.kind, one.name) in levels]
    moment = _milliseconds(now)
    if there != drops or any(levels[one.kind, one.name] > moment + one.size for one in drops):
        _take_out(connection, there, now)
        return []
    reached = {(one.kind, one.name): levels[one.kind, one.name] - one.share for one in drops}
    return [max(now, _turn(some, reached)) for some in together]


def give_back(connection: Connection, together: Sequence[Sequence[Drop]], now: datetime) -> None:
    """Take out again what was poured for these sign-ups a moment ago."""
    _take_out(connection, _merged(together), now)


def _merged(together: Sequence[Sequence[Drop]]) -> list[Drop]:
    """What goes into each bucket, all together; in one order, for everybody."""
    merged: dict[tuple[str, str], Drop] = {}
    for one in chain.from_iterable(together):
        known = merged.get((one.kind, one.name))
        merged[one.kind, one.name] = replace(one, share=one.share + known.share) if known else one
    return [merged[key] for key in sorted(merged)]


def _take_out(connection: Connection, drops: Sequence[Drop], now: datetime) -> None:
    _poured(connection, [replace(one, share=-one.share) for one in drops], now)


def _poured(
    connection: Connection, drops: Sequence[Drop], now: datetime
) -> dict[tuple[str, str], int]:
    """Pour where there is room, each bucket once; the levels of those that took it."""
    if not drops:
        return {}
    rows = connection.execute(*_upsert(drops, now, connection.dialect.name)).all()
    return {(row.kind, row.name): row.empty_at for row in rows}


def _turn(drops: Sequence[Drop], reached: dict[tuple[str, str], int]) -> datetime:
    """When the last of these buckets is empty but for these drops, which then count as poured."""
    last = 0
    for one in drops:
        last = max(last, reached[one.kind, one.name])
        reached[one.kind, one.name] += one.share
    return datetime.fromtimestamp(last / 1000, UTC)


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


def _upsert(
    drops: Sequence[Drop], now: datetime, dialect: str
) -> tuple[TextClause, dict[str, Any]]:
    """Pours where there is room; gives back the rows it poured into."""
    moment = _milliseconds(now)
    rows = [(one.kind, one.name, moment + one.share, one.size) for one in drops]
    return _pour(dialect), {"present": moment, "drops": json.dumps(rows)}


@cache  # its own words: a list is one value, so that they are the same for every number of drops
def _pour(dialect: str) -> TextClause:
    kind, name, empty_at, size = (_part(at, dialect) for at in range(4))
    return text(f"""
        INSERT INTO bucket (kind, name, empty_at, size)
        SELECT {kind}, {name}, CAST({empty_at} AS BIGINT), CAST({size} AS BIGINT)
        FROM {_each("drops", dialect)} WHERE true
        ON CONFLICT (kind, name) DO UPDATE SET empty_at = {_AFTER}, size = excluded.size
        WHERE {_AFTER} <= CAST(:present AS BIGINT) + excluded.size
        RETURNING kind, name, empty_at
    """)  # noqa: S608 - names of its own values alone


_AFTER = """excluded.empty_at - CAST(:present AS BIGINT) + CASE
    WHEN bucket.empty_at <= :present OR bucket.empty_at > CAST(:present AS BIGINT) + 2 * excluded.size
    THEN CAST(:present AS BIGINT) ELSE bucket.empty_at END"""


def _start(empty_at: int, moment: int, size: int) -> int:
    return moment if empty_at <= moment or empty_at > moment + 2 * size else empty_at


def _each(bound: str, dialect: str) -> str:
    """The lists within the list that is bound to this name, in their order."""
    if dialect == "postgresql":
        return f"json_array_elements(CAST(:{bound} AS JSON)) AS one"
    return f"json_each(:{bound}) AS one"


def _part(at: int, dialect: str) -> str:
    """One value of such a list."""
    return f"(one ->> {at})" if dialect == "postgresql" else f"json_extract(one.value, '$[{at}]')"


@cache
def _levels(dialect: str) -> TextClause:
    kind, name = (_part(at, dialect) for at in range(2))
    # A look for each, which goes by the key whatever the database believes of the table's size.
    return text(f"""
        SELECT {kind} AS kind, {name} AS name,
          (SELECT empty_at FROM bucket WHERE kind = {kind} AND name = {name}) AS empty_at
        FROM {_each("names", dialect)}
    """)  # noqa: S608 - as above


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // _MILLISECOND
