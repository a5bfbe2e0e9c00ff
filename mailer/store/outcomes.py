"""Writes what came of attempts, once each, and believes a worker that lost its lease only good news.

An outcome counts where its row is still its worker's. Where another has taken over, the row is due
again or settled, and the first worker's answer comes too late; only "accepted" is still believed, as
long as nobody holds the row: the reader has the mail.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from mailer.core.delivery import DeliveryState, Due, Outcome, Result, Settled
from mailer.store import forgetting
from mailer.store.lease import Lease, own_windows
from mailer.store.ledger_tables import attempt, delivery
from mailer.store.progress import count_accepted, count_settled
from mailer.store.window import settle_accepted

_LONGEST_IN_HAND = timedelta(days=7)
"""What a relay said of a message becomes known so late at most, by the journal of a machine that was away."""


class Recorded(NamedTuple):
    """One outcome and what it means for its delivery."""

    due: Due
    outcome: Outcome
    settled: Settled


def record(connection: Connection, lease: Lease, outcomes: Sequence[Recorded]) -> None:
    """Write outcomes, an attempt for each that was not acceptance at the first try, and progress.

    To write the same outcome again changes nothing: its row is settled, or no longer ours.
    """
    others = _record_acceptances(connection, lease, outcomes)
    for start in range(0, len(others), 500):
        _record_any(connection, lease, others[start : start + 500])
    if outcomes and forgetting.any_since(connection, lease.now - _LONGEST_IN_HAND):
        forgetting.hush(connection, [one.due.id for one in outcomes])


def _record_acceptances(
    connection: Connection, lease: Lease, outcomes: Sequence[Recorded]
) -> list[Recorded]:
    """Write what was accepted at the first try, nearly all there is; what is left to write is returned."""
    others: list[Recorded] = []
    plain: defaultdict[tuple[int, int], list[Recorded]] = defaultdict(list)
    for one in outcomes:
        due, outcome, _ = one
        first_try = not (due.alone or due.attempts) and outcome.result is Result.ACCEPTED
        if first_try and due.mailing_id is not None:
            plain[due.mailing_id, outcome.code].append(one)
        else:
            others.append(one)
    settled: Counter[int | None] = Counter()
    for (mailing_id, code), alike in plain.items():
        replies = {one.due.id: one.outcome.text[:200] for one in alike}
        written = settle_accepted(connection, replies, code, lease.now)
        if written < len(replies):  # those that were written are known as accepted: no news
            others += alike
        else:
            written -= _count_by_chunk(connection, lease.worker, mailing_id, alike)
        settled[mailing_id] += written
    count_settled(connection, settled)
    return others


def _count_by_chunk(
    connection: Connection, worker: str, mailing_id: int, accepted: Sequence[Recorded]
) -> int:
    """Move the counters of the chunks of first tries that were accepted; how many were counted."""
    by_chunk = Counter(one.due.chunk for one in accepted if one.due.chunk is not None)
    return count_accepted(connection, worker, mailing_id, by_chunk)


def _record_any(connection: Connection, lease: Lease, outcomes: Sequence[Recorded]) -> None:
    ours = own_windows(connection, lease)
    rows = _rows_of(connection, outcomes)
    believed = [one for one in outcomes if _is_believed(rows[one.due.id], one, lease, ours)]
    if not believed:
        return
    connection.execute(_RECORD, [_record_values(one, lease) for one in believed])
    tried = [
        _attempt_values(one, rows[one.due.id].attempts + 1, lease.now)
        for one in believed
        if one.outcome.result is not Result.ACCEPTED or rows[one.due.id].attempts
    ]
    if tried:
        connection.execute(insert(attempt), tried)
    finals = [
        one.due.mailing_id
        for one in believed
        if rows[one.due.id].state == "due" and one.settled.state is not DeliveryState.DUE
    ]
    count_settled(connection, finals)


def _rows_of(
    connection: Connection, outcomes: Sequence[Recorded]
) -> dict[int, Row[*tuple[Any, ...]]]:
    """The rows that outcomes speak of, as they stand, locked in order."""
    rows = connection.execute(
        select(
            delivery.c.id,
            delivery.c.state,
            delivery.c.worker,
            delivery.c.due_at,
            delivery.c.attempts,
        )
        .where(delivery.c.id.in_([one.due.id for one in outcomes]))
        .order_by(delivery.c.id)
        .with_for_update()
    )
    return {row.id: row for row in rows}


def _is_believed(
    row: Row[*tuple[Any, ...]], one: Recorded, lease: Lease, ours: Sequence[range]
) -> bool:
    """Whether an outcome counts: its row is still ours, or it is news of a row that nobody holds."""
    first_try = row.due_at is None and any(row.id in window for window in ours)
    if row.state == "due" and (row.worker == lease.worker or first_try):
        return True
    news = one.outcome.result is Result.ACCEPTED and row.state != "accepted"
    return news and row.worker is None


_RECORD = (
    update(delivery)
    .where(delivery.c.id == bindparam("of"))
    .values(
        state=bindparam("to"),
        attempts=bindparam("count"),
        due_at=bindparam("again"),
        settled_at=bindparam("at"),
        code=bindparam("said"),
        reply=bindparam("words"),
        worker=None,
        lease_until=None,
    )
)


def _record_values(one: Recorded, lease: Lease) -> dict[str, object]:
    final = one.settled.state is not DeliveryState.DUE
    return {
        "of": one.due.id,
        "to": one.settled.state.value,
        "count": one.settled.attempts,
        "again": one.settled.due_at,
        "at": lease.now if final else None,
        "said": one.outcome.code,
        "words": one.outcome.text[:200],
    }


def _attempt_values(one: Recorded, number: int, now: datetime) -> dict[str, object]:
    outcome = one.outcome
    return {
        "delivery_id": one.due.id,
        "number": number,
        "at": now,
        "relay": outcome.relay,
        "phase": outcome.phase.value,
        "result": outcome.result.value,
        "code": outcome.code,
        "enhanced": outcome.enhanced,
        "text": outcome.text,
        "blame": outcome.blame.value,
    }
