"""Reads and settles first tries, a window at a time: the two statements that every release's mail passes.

A row costs microseconds here, so both go to the driver as they are, in the words of its database. What they
mean is what `ledger` and `outcomes` say of all deliveries; tests hold the two ways equal.

On SQLite each is one step for all rows, in and out as JSON. The driver lets go of the interpreter at every
step and then waits for it, up to five milliseconds while the loop is busy: row by row a turn took a third
of a second, of which a fiftieth was work.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from mailer.core.delivery import Due, Purpose
from mailer.core.newsroom import UnknownPolicy
from mailer.store.rows import sqlite_moment


@dataclass(frozen=True, slots=True)
class Window:
    """Deliveries of one chunk, from the first number to the last.

    Attributes:
        made_at: of the mailing, and so of nearly all of them.
    """

    mailing_id: int
    made_at: datetime
    chunk: int
    first: int
    last: int
    unknown: UnknownPolicy


_READ = """
SELECT delivery.id AS number, delivery.prepared_id, delivery.subscription_id, subscriber.mailbox,
       nullif(delivery.made_at, {made_at}) AS made_at, delivery.answers,
       subscription.state = 'active' AND suppression.hash IS NULL AS consented
FROM delivery
JOIN subscription ON subscription.id = delivery.subscription_id
JOIN subscriber ON subscriber.id = subscription.subscriber_id
LEFT JOIN suppression ON suppression.hash = subscriber.hash
WHERE delivery.mailing_id + 0 = {place} AND delivery.id BETWEEN {place} AND {place}
      AND delivery.state = 'due' AND delivery.due_at IS NULL
ORDER BY delivery.id
"""
_READ_POSTGRESQL = _READ.format(place="%s", made_at="%s::timestamptz")
_READ_SQLITE = """
SELECT json_group_array(number), json_group_array(prepared_id), json_group_array(subscription_id),
       json_group_array(mailbox), json_group_array(made_at), json_group_array(answers),
       json_group_array(consented)
FROM ({rows})
""".format(rows=_READ.format(place="?", made_at="?"))

_SETTLE = """
UPDATE delivery
SET state = 'accepted', attempts = 1, settled_at = {place}, code = {place}, reply = {reply}
FROM ({told}) AS told
WHERE delivery.id = {number} AND delivery.state = 'due' AND delivery.due_at IS NULL
      AND delivery.worker IS NULL AND delivery.attempts = 0
"""
_SETTLE_SQLITE = _SETTLE.format(
    place="?",
    reply="told.value",
    number="told.number",
    told="SELECT CAST(key AS INTEGER) AS number, value FROM json_each(?)",
)
# No join: with the statistics of yesterday's table it would be a scan for every row. Nor arrays beside one
# another: a word's place in one is found by counting. Between two numbers, for PostgreSQL takes many single
# ones for a reason to look through the table.
_SETTLE_POSTGRESQL = _SETTLE.format(
    place="%s",
    reply="told.replies ->> delivery.id::text",
    number="ANY (told.ids) AND delivery.id BETWEEN %s AND %s",
    told="SELECT %s::jsonb AS replies, %s::bigint[] AS ids",
)


def read_window(connection: Connection, window: Window) -> tuple[list[Due], list[int]]:
    """The deliveries of a window that await their first try.

    Returns:
        Those that may be sent, and the numbers of those whose consent is gone.
    """
    of, usual, chunk, unknown = window.mailing_id, window.made_at, window.chunk, window.unknown
    rows = _rows(connection, window)
    release, make = Purpose.RELEASE, Due._make
    mailable = [
        make(
            (number, release, prepared_id, subscription_id, mailbox, _read_moment(made_at) or usual,
             0, of, "", unknown, False, answers, chunk)
        )
        for number, prepared_id, subscription_id, mailbox, made_at, answers, consented in rows
        if consented
    ]  # fmt: skip
    return mailable, [row[0] for row in rows if not row[6]]


def _rows(connection: Connection, window: Window) -> Sequence[Sequence[Any]]:
    of, made_at = (window.mailing_id, window.first, window.last), window.made_at
    if not _is_sqlite(connection):
        return connection.exec_driver_sql(_READ_POSTGRESQL, (made_at, *of)).all()
    columns = connection.exec_driver_sql(_READ_SQLITE, (sqlite_moment(made_at), *of)).one()
    return list(zip(*map(json.loads, columns), strict=True))


def settle_accepted(
    connection: Connection, accepted: Mapping[int, str], code: int, now: datetime
) -> int:
    """Write the acceptance of first tries: the reply to each, by number, and the code they share.

    Returns:
        How many of them were still first tries without an outcome; the others stay as they were.
    """
    replies = json.dumps(accepted)
    if _is_sqlite(connection):
        told: tuple[object, ...] = (sqlite_moment(now), code, replies)
        return connection.exec_driver_sql(_SETTLE_SQLITE, told).rowcount
    numbers = f"{{{','.join(map(str, accepted))}}}"
    told = (now, code, replies, numbers, min(accepted), max(accepted))
    return connection.exec_driver_sql(_SETTLE_POSTGRESQL, told).rowcount


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _read_moment(value: str | datetime | None) -> datetime | None:
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value and value.astimezone(UTC)
