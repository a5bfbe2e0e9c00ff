"""One cheap look at the database: is anything due? Cron asks every minute, and mostly the answer is no.

It speaks through the bare drivers, for importing SQLAlchemy alone costs more than the whole budget of
an idle tick (docs/adr/0004). The full path asks the same questions with the same words.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HEAD = "0021"
"""The schema revision this program works with; a test holds it against the migrations."""

NOTHING_LEFT = """
       mailing.fanned_to IS NULL
   AND NOT EXISTS (SELECT 1 FROM chunk
                   WHERE chunk.mailing_id = mailing.id AND chunk.state <> 'done')
   AND NOT EXISTS (SELECT 1 FROM delivery
                   WHERE delivery.mailing_id = mailing.id AND delivery.state = 'due'
                         AND delivery.due_at IS NOT NULL)
"""
"""Of a mailing: every row is written, and has been handed out and settled."""
SETTLED = """
mailing.settled_otherwise
+ coalesce((SELECT sum(chunk.accepted) FROM chunk WHERE chunk.mailing_id = mailing.id), 0)
"""
"""How many deliveries of a mailing are settled, by the counters."""
COMPLETE = f"{NOTHING_LEFT.strip()} AND {SETTLED.strip()} >= mailing.audience"
"""Of a mailing: rows and counters say that it is over.

Rows alone would not do: PostgreSQL, having waited for somebody who made some of them due again, sees the
mailing itself anew, but its rows as they were.
"""
_ANYTHING_DUE = """
SELECT EXISTS (SELECT 1 FROM delivery
               WHERE mailing_id IS NULL AND state = 'due' AND due_at IS NOT NULL
                     AND due_at <= {now})
    OR EXISTS (SELECT 1 FROM mailing JOIN delivery ON delivery.mailing_id = mailing.id
               WHERE mailing.state = 'open' AND delivery.state = 'due'
                     AND delivery.due_at IS NOT NULL AND delivery.due_at <= {now})
    OR EXISTS (SELECT 1 FROM mailing JOIN chunk ON chunk.mailing_id = mailing.id
               WHERE mailing.state = 'open' AND chunk.state <> 'done')
    OR EXISTS (SELECT 1 FROM mailing WHERE state = 'open' AND fanned_to IS NOT NULL)
    OR EXISTS (SELECT 1 FROM mailing WHERE state = 'open' AND {complete})
    OR {chores}
"""
CHORES_DUE = """
       EXISTS (SELECT 1 FROM release
               WHERE state = 'approved' AND (publish_at IS NULL OR publish_at <= {now})
                     AND (embargo_until IS NULL OR embargo_until <= {now}))
    OR EXISTS (SELECT 1 FROM amendment WHERE settled_at IS NULL)
    OR EXISTS (SELECT 1 FROM amendment JOIN mailing ON mailing.id = amendment.mailing_id
               WHERE amendment.embargo_until <= {now} AND mailing.kind = 'correction'
                     AND mailing.state IN ('open', 'held')
                     AND (mailing.hold_reason = 'being corrected: goes on by itself'
                          OR EXISTS (SELECT 1 FROM prepared
                                     WHERE prepared.mailing_id = mailing.id AND prepared.superseded_by IS NULL
                                           AND prepared.made_at < amendment.embargo_until)))
    OR EXISTS (SELECT 1 FROM translation JOIN release ON release.id = translation.release_id
               WHERE translation.state = 'approved' AND release.state = 'published'
                     AND NOT EXISTS (SELECT 1 FROM mailing
                                     WHERE mailing.release_id = translation.release_id
                                           AND mailing.fanned_to IS NOT NULL))
    OR EXISTS (SELECT 1 FROM request WHERE state = 'open' AND expires_at <= {now})
    OR EXISTS (SELECT 1 FROM request WHERE tend_at IS NOT NULL AND tend_at <= {now})
    OR EXISTS (SELECT 1 FROM lapsed WHERE until <= {now})
    OR EXISTS (SELECT 1 FROM digest_due WHERE state = 'waiting' AND due_at <= {now})
    OR EXISTS (SELECT 1 FROM gathering)
    OR EXISTS (SELECT 1 FROM digest_due JOIN delivery ON delivery.id = digest_due.delivery_id
               WHERE digest_due.carrier_id IS NOT NULL AND delivery.state <> 'due')
    OR EXISTS (SELECT 1 FROM timer WHERE next_at <= {now})
"""
"""What there is to do beside sending."""
ANYTHING_DUE = _ANYTHING_DUE.replace("{complete}", COMPLETE).replace("{chores}", CHORES_DUE.strip())
DUE_LATER = """
SELECT (SELECT count(*) FROM delivery WHERE state = 'due' AND due_at IS NOT NULL)
     + (SELECT count(*) FROM chunk JOIN delivery ON delivery.mailing_id + 0 = chunk.mailing_id
                                                AND delivery.id BETWEEN chunk.lo AND chunk.hi
        WHERE chunk.state <> 'done' AND delivery.state = 'due' AND delivery.due_at IS NULL)
     + (SELECT coalesce(sum(unwritten), 0) FROM mailing WHERE state IN ('open', 'held'))
"""
"""How many deliveries wait: retries and notices, first tries of chunks, and what has no row yet."""


def idle(url: str, now: datetime, *, sources: Collection[str] = ()) -> bool:
    """Whether a dispatch pass would find nothing to do.

    A wrong schema or an unreadable database is not idle: the full path then says what is wrong.

    Args:
        url: the database's URL; one that cannot be read here counts as not idle.
        now: aware.
        sources: keys of those that the settings have.
    """
    try:
        with _opened(url) as ask:
            return _nothing_due(ask, now) and _at_rest(ask, now, sources)
    except (sqlite3.Error, _NotSeen):
        return False


def due_later(url: str) -> int | None:
    """How many deliveries wait for a later run; None where that cannot be seen from here.

    Args:
        url: the database's URL.
    """
    try:
        with _opened(url) as ask:
            ((found,),) = ask(DUE_LATER, None)
            return int(found)
    except (sqlite3.Error, _NotSeen):
        return None


Ask = Callable[[str, datetime | None], Sequence[tuple[Any, ...]]]
"""Rows of a statement in which `{now}` stands for a moment."""


class _NotSeen(Exception):
    """The database cannot be looked at from here."""


@contextmanager
def _opened(url: str) -> Iterator[Ask]:
    head, separator, tail = url.partition("://")
    if separator and head.partition("+")[0] == "sqlite":
        yield from _sqlite(tail)
    elif separator and head.partition("+")[0] in {"postgresql", "postgres"}:
        yield from _postgresql(f"postgresql://{tail}")
    else:
        raise _NotSeen


def _sqlite(place: str) -> Iterator[Ask]:
    path = Path(place.removeprefix("/"))
    if not place.startswith("/") or set("?%") & set(place) or not path.is_file():
        raise _NotSeen
    opened = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    with closing(opened) as connection:
        yield lambda words, now: connection.execute(
            words.format(now="?1"), () if now is None else (_stamp(now),)
        ).fetchall()


def _postgresql(url: str) -> Iterator[Ask]:
    try:
        import psycopg  # noqa: PLC0415 - who has SQLite may not have it
    except ImportError as error:
        raise _NotSeen from error
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            yield lambda words, now: connection.execute(
                words.format(now="%(now)s").encode(), {"now": now}
            ).fetchall()
    except psycopg.Error as error:
        raise _NotSeen from error


def _nothing_due(ask: Ask, now: datetime) -> bool:
    if ask("SELECT version_num FROM alembic_version", None) != [(HEAD,)]:
        return False
    ((due,),) = ask(ANYTHING_DUE, now)
    return not due


def _at_rest(ask: Ask, now: datetime, sources: Collection[str]) -> bool:
    """Whether the sources of the settings are those that are polled, and none is due."""
    polled = ask("SELECT source, next_at <= {now} FROM source_state WHERE next_at IS NOT NULL", now)
    return {key for key, _ in polled} == set(sources) and not any(due for _, due in polled)


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
