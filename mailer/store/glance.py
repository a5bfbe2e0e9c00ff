"""One cheap look at the database: is anything due? Cron asks every minute, and mostly the answer is no.

It speaks through the bare driver, for importing SQLAlchemy alone costs more than the whole budget of
an idle tick (docs/adr/0004). The full path asks the same questions with the same words.
"""

import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

HEAD = "0016"
"""The schema revision this program works with; a test holds it against the migrations."""

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
    OR {chores}
"""
CHORES_DUE = """
       EXISTS (SELECT 1 FROM release
               WHERE state = 'approved' AND (publish_at IS NULL OR publish_at <= {now})
                     AND (embargo_until IS NULL OR embargo_until <= {now}))
    OR EXISTS (SELECT 1 FROM amendment WHERE settled_at IS NULL)
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
ANYTHING_DUE = _ANYTHING_DUE.replace("{chores}", CHORES_DUE.strip())


def idle(url: str, now: datetime, *, sources: Collection[str] = ()) -> bool:
    """Whether a dispatch pass would find nothing to do.

    A wrong schema or an unreadable database is not idle: the full path then says what is wrong.

    Args:
        url: the database's URL. Only SQLite files are looked at; anything else counts as not idle.
        now: aware.
        sources: keys of those that the settings have.
    """
    path = _sqlite_path(url)
    if path is None or not path.exists():
        return False
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
    except sqlite3.Error:
        return False
    try:
        return _nothing_due(connection, now) and _at_rest(connection, now, sources)
    except sqlite3.Error:
        return False
    finally:
        connection.close()


def _nothing_due(connection: sqlite3.Connection, now: datetime) -> bool:
    revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if revision is None or revision[0] != HEAD:
        return False
    found = connection.execute(ANYTHING_DUE.format(now="?1"), (_stamp(now),)).fetchone()
    return found is not None and not found[0]


def _at_rest(connection: sqlite3.Connection, now: datetime, sources: Collection[str]) -> bool:
    """Whether the sources of the settings are those that are polled, and none is due."""
    polled = connection.execute(
        "SELECT source, next_at <= ?1 FROM source_state WHERE next_at IS NOT NULL", (_stamp(now),)
    ).fetchall()
    return {key for key, _ in polled} == set(sources) and not any(due for _, due in polled)


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _sqlite_path(url: str) -> Path | None:
    head, separator, tail = url.partition(":///")
    if not separator or head.partition("+")[0] != "sqlite" or set("?%") & set(tail):
        return None
    return Path(tail)
