"""Owes a mailing to its frozen audience, a portion at a time: not a million rows before one is sent.

Who is in the audience, and what each is owed, `store.audiences` says from the history alone: the
same whenever a portion is written, whatever was asked, confirmed, chosen or left since.

1. Opening counts the subscriptions it is for and writes the first portion. `fanned_to` is the last
   subscription that was looked at, and empty once all were; `unwritten` is how many of the audience have
   no row yet. The common mailing is one portion.
2. Whoever finds after a turn that the chunks run out writes the next, with the mailing's row locked, while
   what it has in hand is sent; who finds it locked passes on, and looks again. A turn that finds no chunk
   at all writes the next itself.
3. Of a cancelled mailing the rest is written as cancelled, by the sweep: everybody is on record.
4. A mailing is over only after its last portion. Were the history ever to say another number than
   was counted, the rows have the last word, and the log and `mailer verify` say so.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    func,
    insert,
    literal,
    select,
    update,
)

from mailer.core.delivery import DeliveryState, Purpose
from mailer.store import audiences, gathering, mailings
from mailer.store.ledger_tables import chunk, delivery, mailing
from mailer.store.mailings import MailingRow
from mailer.store.tables import subscription

CHUNK = 500
"""Deliveries in a chunk: at this size a durable commit costs next to nothing a message."""
GATHERED = ("first", "translation")
"""Kinds of mailings that are kept for digests too."""
FIRST = 500
"""Subscriptions looked at as a mailing is opened: enough to begin with, and written in a few milliseconds."""
AHEAD = 4
"""A mailing has so many free chunks while rows of it are still to be written: enough for a few turns."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Portion:
    """Deliveries that were just written; between their numbers may lie a few of somebody else's."""

    size: int
    lowest: int
    highest: int


def freeze_audience(connection: Connection, mailing_id: int, *, portion: int, now: datetime) -> int:
    """Settle how many are owed a mailing that was just opened, and owe it to the first of them.

    Its message is kept before that. Suppressed addresses have no active subscription: suppressing
    ends them in the same transaction.

    Args:
        portion: so many subscriptions are looked at in one transaction.

    Returns:
        The size of the audience.
    """
    of = mailings.read(connection, mailing_id)
    assert of is not None
    size = audiences.counted(connection, of)
    few = min(portion, FIRST)
    opened = {"audience": size, "unwritten": size, "fanned_to": 0, "portion": few}
    empty = {"state": "finished", "finished_at": now}
    connection.execute(
        update(mailing).where(mailing.c.id == mailing_id).values(opened if size else empty)
    )
    if of.kind in GATHERED:
        gathering.begin(connection, mailing_id, of.newsroom)
    owe_more(connection, mailing_id)
    if few < portion:
        connection.execute(
            update(mailing).where(mailing.c.id == mailing_id).values(portion=portion)
        )
    return size


def owe_more(connection: Connection, mailing_id: int) -> bool:
    """Write the next rows of an open mailing and the chunks they lie in.

    Returns:
        False if there are none, or somebody else writes to this mailing just now.
    """
    portion = _next_portion(connection, mailing_id, DeliveryState.DUE, None)
    if portion is not None:
        cut_chunks(connection, mailing_id, portion)
    return portion is not None


def run_out(connection: Connection) -> Sequence[int]:
    """The open mailings with rows still to be written that have few free chunks left."""
    return connection.scalars(_RUN_OUT).all()


def owe_ahead(connection: Connection, *, wait: bool) -> bool:
    """Write the next rows of mailings whose chunks run out, before a turn has to.

    Args:
        wait: for who writes to them just now; else they are passed over.

    Returns:
        Whether any were written.
    """
    wrote = False
    for number in run_out(connection):
        if wait:
            mailings.locked_unwritten(connection, number, state="open", wait=True)
            if number not in run_out(connection):  # what we waited for was its next portion
                continue
        wrote = owe_more(connection, number) or wrote
    return wrote


_free_chunks = (
    select(chunk.c.lo)
    .where(
        chunk.c.mailing_id == mailing.c.id,
        chunk.c.state == "open",
        chunk.c.state != "done",  # so SQLite knows the index of those that are not
    )
    .limit(AHEAD)
    .correlate(mailing)
    .subquery()
)
_RUN_OUT = (
    select(mailing.c.id)
    .where(
        mailing.c.state == "open",
        mailing.c.fanned_to.is_not(None),
        select(func.count()).select_from(_free_chunks).scalar_subquery() < AHEAD,
    )
    .order_by(mailing.c.id)
)


def cancel_more(connection: Connection, mailing_id: int, now: datetime) -> int:
    """Write the next rows of a cancelled mailing, as cancelled; how many."""
    portion = _next_portion(connection, mailing_id, DeliveryState.CANCELLED, now)
    return portion.size if portion is not None else 0


def _next_portion(
    connection: Connection, mailing_id: int, state: DeliveryState, settled_at: datetime | None
) -> Portion | None:
    """Write the next portion that holds anybody."""
    fitting = "cancelled" if state is DeliveryState.CANCELLED else "open"
    while (of := mailings.locked_unwritten(connection, mailing_id, state=fitting)) is not None:
        last, seen = connection.execute(_reach(of)).one()
        portion = _write(connection, of, last, state, settled_at) if seen else None
        size = portion.size if portion is not None else 0
        _move_on(connection, of, last if seen == of.portion else None, of.unwritten - size)
        if portion is not None:
            return portion
    return None


def _reach(of: MailingRow) -> Any:
    """Up to which subscription the next portion goes, and how many it looks at."""
    following = (
        select(subscription.c.id)
        .where(subscription.c.newsroom == of.newsroom, subscription.c.id > of.fanned_to)
        .order_by(subscription.c.id)
        .limit(of.portion)
        .subquery()
    )
    return select(func.max(following.c.id), func.count())


def _write(
    connection: Connection,
    of: MailingRow,
    last: int,
    state: DeliveryState,
    settled_at: datetime | None,
) -> Portion | None:
    between = (subscription.c.id > of.fanned_to, subscription.c.id <= last)
    readers = audiences.audience(connection, of)
    values: dict[str, ColumnElement[Any]] = {
        "mailing_id": literal(of.id),
        "subscription_id": subscription.c.id,
        "prepared_id": readers.prepared_id,
        "answers": readers.answers,
        "purpose": literal(Purpose.RELEASE.value),
        "state": literal(state.value),
        "attempts": literal(0),
        "made_at": bindparam("made_at", of.made_at, type_=delivery.c.made_at.type),
        "settled_at": bindparam("settled_at", settled_at, type_=delivery.c.settled_at.type),
    }
    owed = select(*values.values()).where(*readers.conditions, *between)
    owed = owed.order_by(subscription.c.id)
    connection.execute(insert(delivery).from_select(list(values), owed))
    lowest, highest, size = connection.execute(
        select(func.min(delivery.c.id), func.max(delivery.c.id), func.count()).where(
            delivery.c.mailing_id == of.id,
            delivery.c.subscription_id > of.fanned_to,
            delivery.c.subscription_id <= last,
        )
    ).one()
    return Portion(size, lowest, highest) if size else None


def _move_on(connection: Connection, of: MailingRow, last: int | None, unwritten: int) -> None:
    """Note how far the rows are written; after the last portion their number is the audience."""
    values: dict[str, Any] = {"fanned_to": last, "unwritten": unwritten}
    if last is None and unwritten:
        log.error(
            "the consent history and the subscriptions disagree",
            extra={"mailing": of.id, "counted_and_not_found": unwritten},
        )
        values |= {"unwritten": 0, "audience": mailing.c.audience - unwritten}
    connection.execute(update(mailing).where(mailing.c.id == of.id).values(values))


def cut_chunks(connection: Connection, mailing_id: int, portion: Portion) -> None:
    """Cut the numbers of a mailing's deliveries that were just written into chunks."""
    chunks = [
        {
            "mailing_id": mailing_id,
            "lo": lo,
            "hi": min(lo + CHUNK - 1, portion.highest),
            "mark": lo - 1,
            "state": "open",
        }
        for lo in range(portion.lowest, portion.highest + 1, CHUNK)
    ]
    connection.execute(insert(chunk), chunks)
