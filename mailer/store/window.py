"""Reads and settles first tries, a window at a time: the two statements that every release's mail passes.

A row costs microseconds here, so both go to the driver as they are, in the words of its database. What they
mean is what `ledger` and `outcomes` say of all deliveries; tests hold the two ways equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

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
SELECT delivery.id, delivery.prepared_id, delivery.subscription_id, subscriber.mailbox,
       delivery.made_at, subscription.state = 'active' AND suppression.hash IS NULL
FROM delivery
JOIN subscription ON subscription.id = delivery.subscription_id
JOIN subscriber ON subscriber.id = subscription.subscriber_id
LEFT JOIN suppression ON suppression.hash = subscriber.hash
WHERE delivery.mailing_id = ? AND delivery.id BETWEEN ? AND ?
      AND delivery.state = 'due' AND delivery.due_at IS NULL
ORDER BY delivery.id
"""

_SETTLED = """
UPDATE delivery
SET state = 'accepted', attempts = 1, settled_at = {at}, code = {code}, reply = {reply}
{source}
WHERE delivery.id = {id} AND delivery.state = 'due' AND delivery.due_at IS NULL
      AND delivery.worker IS NULL AND delivery.attempts = 0
"""
_SETTLE_ONE = _SETTLED.format(at="?", code="?", reply="?", id="?", source="")
_SETTLE_ALL = _SETTLED.format(
    at="%s",
    code="one.code",
    reply="one.reply",
    id="one.id",
    source="FROM unnest(%s::bigint[], %s::smallint[], %s::text[]) AS one (id, code, reply)",
)


def read_window(connection: Connection, window: Window) -> tuple[list[Due], list[int]]:
    """The deliveries of a window that await their first try.

    Returns:
        Those that may be sent, and the numbers of those whose consent is gone.
    """
    wanted = (window.mailing_id, window.first, window.last)
    statement = _READ if _is_sqlite(connection) else _READ.replace("?", "%s")
    mailable: list[Due] = []
    ended: list[int] = []
    for (
        number,
        prepared_id,
        subscription_id,
        mailbox,
        made_at,
        consented,
    ) in connection.exec_driver_sql(statement, wanted):
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
            )
        )
    return mailable, ended


def settle_accepted(
    connection: Connection, accepted: Sequence[tuple[int, int, str]], now: datetime
) -> bool:
    """Write the acceptance of first tries: number, code and reply of each.

    Returns:
        Whether all of them were still first tries without an outcome; if not, nothing was written.
    """
    unwritten = connection.begin_nested()
    if _is_sqlite(connection):
        at = _written_moment(now)
        written = connection.exec_driver_sql(
            _SETTLE_ONE, [(at, code, reply, number) for number, code, reply in accepted]
        )
    else:
        numbers, codes, replies = (list(column) for column in zip(*accepted, strict=True))
        written = connection.exec_driver_sql(_SETTLE_ALL, (now, numbers, codes, replies))
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
