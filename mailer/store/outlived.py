"""Corrections that name an embargo which is over: put off across its end, they are to leave without it.

Whoever holds an early copy is told what was corrected in it, whatever has become of the embargo; nobody else
may be told of the release by that. So such a notice is not ended, as an early copy is, but made anew: it is
stopped and its messages give way to others, and goes on once none of it is in anybody's hand.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, select, update

from mailer.store import amendments, control, hands, recasting
from mailer.store.control import CORRECTING
from mailer.store.ledger_tables import mailing, prepared
from mailer.store.tables import amendment


@dataclass(frozen=True, slots=True)
class Notice:
    """A message of such a correction.

    Attributes:
        edition, held: numbers of the corrected text, and of the one that its reader holds.
        note: the desk's own words.
    """

    prepared_id: int
    mailing_id: int
    release_id: int
    edition: int
    held: int
    note: str


def naming(connection: Connection, now: datetime, among: Collection[int]) -> frozenset[int]:
    """Those among these mailings that name an embargo that is over."""
    query = select(mailing.c.id).join(amendment, amendment.c.mailing_id == mailing.c.id)
    return frozenset(
        connection.scalars(query.where(mailing.c.id.in_(among), exists().where(*_names(now))))
    )


def notices(connection: Connection, now: datetime) -> list[Notice]:
    """The messages that are to be made anew, those of one mailing together."""
    rows = connection.execute(
        select(
            prepared.c.id,
            mailing.c.id,
            mailing.c.release_id,
            prepared.c.edition_id,
            prepared.c.held_edition_id,
            amendment.c.note,
        )
        .join(mailing, mailing.c.id == prepared.c.mailing_id)
        .join(amendment, amendment.c.mailing_id == mailing.c.id)
        .where(*_names(now), mailing.c.state.in_(["open", "held"]))
        .order_by(mailing.c.id, prepared.c.id)
    )
    return [Notice(*row) for row in rows]


def replace(connection: Connection, by: Sequence[tuple[Notice, int]]) -> None:
    """Stop the mailing of these messages, and name for each the one that takes its place."""
    amendments.stop(connection, {old.mailing_id for old, _ in by})
    for old, new in by:
        connection.execute(
            update(prepared).where(prepared.c.id == old.prepared_id).values(superseded_by=new)
        )


def stopped(connection: Connection) -> list[int]:
    """The mailings that wait until nothing of them is in hand."""
    query = (
        select(mailing.c.id)
        .join(amendment, amendment.c.mailing_id == mailing.c.id)
        .where(
            mailing.c.kind == "correction",
            mailing.c.state == "held",
            mailing.c.hold_reason == CORRECTING,
            amendment.c.settled_at.is_not(None),
        )
    )
    return list(connection.scalars(query.order_by(mailing.c.id)))


def go_on(connection: Connection, mailing_id: int, now: datetime) -> bool:
    """Owe what has not left in the new messages, and open the mailing; False while some is in hand."""
    held = select(mailing.c.id).where(
        mailing.c.id == mailing_id, mailing.c.hold_reason == CORRECTING
    )
    if connection.scalar(held.with_for_update(skip_locked=True)) is None:
        return False
    if hands.in_hand(connection, mailing_id) or not recasting.recast(connection, mailing_id, now):
        return False
    return control.resume(connection, mailing_id, now)


def _names(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Of a message, its mailing and what that is about."""
    return (
        prepared.c.mailing_id == mailing.c.id,
        prepared.c.superseded_by.is_(None),
        prepared.c.made_at < amendment.c.embargo_until,
        mailing.c.kind == "correction",
        amendment.c.settled_at.is_not(None),
        amendment.c.embargo_until <= now,
    )
