"""Reads and settles first tries, a window at a time: the two statements that every release's mail passes.

A row costs microseconds here, so both go to the driver as they are, in the words of its database. What they
mean is what `ledger` and `outcomes` say of all deliveries; tests hold the two ways equal.

On SQLite each is one step for all rows, in and out as JSON. The driver lets go of the interpreter at every
step and then waits for it, up to five milliseconds while the loop is busy: row by row a turn took a third
of a second, of which a fiftieth was work.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from mailer.core.delivery import Due, Purpose
from mailer.core.newsroom import UnknownPolicy


@dataclass(frozen=True, slots=True)
class Window:
    """Deliveries of one mailing, from the first number to the last."""

    mailing_id: int
    first: int
    last: int
    unknown: UnknownPolicy


_READ = """
SELECT delivery.id AS number, delivery.prepared_id, delivery.subscription_id, subscriber.mailbox,
       delivery.made_at, delivery.answers,
       subscription.state = 'active' AND suppression.hash IS NULL AS consented
FROM delivery
JOIN subscription ON subscription.id = delivery.subscription_id
JOIN subscriber ON subscriber.id = subscription.subscriber_id
LEFT JOIN suppression ON suppression.hash = subscriber.hash
WHERE delivery.mailing_id + 0 = {place} AND delivery.id BETWEEN {place} AND {place}
      AND delivery.state = 'due' AND delivery.due_at IS NULL
ORDER BY delivery.id
"""
_READ_POSTGRESQL = _READ.format(place="%s")
_READ_SQLITE = """
SELECT json_group_array(
         json_array(number, prepared_id, subscription_id, mailbox, made_at, answers, consented))
FROM ({rows})
""".format(rows=_READ.format(place="?"))

_SETTLE = """
UPDATE delivery
SET state = 'accepted', attempts = 1, settled_at = {at}, code = {code}, reply = {reply}
FROM ({told}) AS told
WHERE delivery.id = {number} AND delivery.state = 'due' AND delivery.due_at IS NULL
      AND delivery.worker IS NULL AND delivery.attempts = 0
"""
_SETTLE_SQLITE = _SETTLE.format(
    at="?",
    code="told.code",
    reply="told.reply",
    number="told.id",
    told="SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS code,"
    " json_extract(value, '$[2]') AS reply FROM json_each(?)",
)
# No join: with the statistics of yesterday's table it would be a scan for every row.
_SETTLE_POSTGRESQL = _SETTLE.format(
    at="%s",
    code="told.codes[array_position(told.ids, delivery.id)]",
    reply="told.replies[array_position(told.ids, delivery.id)]",
    number="ANY (told.ids)",
    told="SELECT %s::bigint[] AS ids, %s::smallint[] AS codes, %s::text[] AS replies",
)


def read_window(connection: Connection, window: Window) -> tuple[list[Due], list[int]]:
    """The deliveries of a window that await their first try.

    Returns:
        Those that may be sent, and the numbers of those whose consent is gone.
    """
    mailable: list[Due] = []
    ended: list[int] = []
    for number, prepared_id, subscription_id, mailbox, made_at, answers, consented in _rows(
        connection, (window.mailing_id, window.first, window.last)
    ):
        if not consented:
            ended.append(number)
            continue
        mailable.append(
            Due(
                id=number,
                purpose=Purpose.RELEASE,
                prepared_id=prepared_id,
                subscription_id=subscription_id,
                mailbox=mailbox,
                made_at=_read_moment(made_at),
                attempts=0,
                mailing_id=window.mailing_id,
                unknown=window.unknown,
                answers=answers,
            )
        )
    return mailable, ended


def _rows(connection: Connection, wanted: tuple[int, int, int]) -> Iterable[Sequence[Any]]:
    if not _is_sqlite(connection):
        return connection.exec_driver_sql(_READ_POSTGRESQL, wanted).all()
    told = connection.exec_driver_sql(_READ_SQLITE, wanted).scalar_one()
    found: list[list[Any]] = json.loads(told)
    return found


def settle_accepted(
    connection: Connection, accepted: Sequence[tuple[int, int, str]], now: datetime
) -> bool:
    """Write the acceptance of first tries: number, code and reply of each.

    Returns:
        Whether all of them were still first tries without an outcome; if not, nothing was written.
    """
    unwritten = connection.begin_nested()
    if _is_sqlite(connection):
        told = (_written_moment(now), json.dumps(accepted))
        written = connection.exec_driver_sql(_SETTLE_SQLITE, told)
    else:
        numbers, codes, replies = (list(column) for column in zip(*accepted, strict=True))
        written = connection.exec_driver_sql(_SETTLE_POSTGRESQL, (now, numbers, codes, replies))
    if written.rowcount == len(accepted):
        unwritten.commit()
        return True
    unwritten.rollback()
    return False


def _is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _read_moment(value: str | datetime) -> datetime:
    return _moment(value) if isinstance(value, str) else value.astimezone(UTC)


@lru_cache(maxsize=64)  # a mailing's are all the same
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _written_moment(value: datetime) -> str:
    """As `columns.Moment` has them on SQLite."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
