"""What the desk changes once something has left: the old text stops at once, and who holds it is told once.

    opened     in one transaction, with the release locked: the change itself (a new edition, another state,
               another embargo); the messages of the new text; every mailing that has the old one is stopped
    settled    once nothing of those mailings is in anybody's hand: what has not left is owed in the new
               text, the mailings go on, and the notice's audience is frozen

1. *Stopped* is held for a reason that nobody gave (`control.CORRECTING`): dispatchers take no more of it and
   let go of what they have not begun, within a look. Where the change takes the text back the mailing is
   cancelled instead. Notices about earlier changes of the same text are always cancelled: the new one
   speaks for them, and goes to everybody who holds any earlier text. A silent change tells only those
   whom such a notice had not reached, and leaves notices about the embargo alone.
2. Each message of the old text names the one that takes its place (`prepared.superseded_by`). Whatever
   makes a row due again looks there, so no old text is sent by a retry either.
   Digests in which the old text lies are stopped too; they are not corrected but made anew.
3. What is on the wire gets its outcome first: accepted, it is a copy that its reader must hear of. So the
   audience (`store.holders`) is asked only after every hand is empty. A row that once ended unknown
   may have left: it becomes `unknown`, and its reader gets the notice, which holds the whole new text.
   All others are due in the new text: they get the release itself, once, and no notice. What has not left
   of a digest waits again for another one (`store.remaking`).
4. Who settles holds the release, then the mailings, and waits for no other lock; what somebody is
   writing to means: not yet. Whoever looks next tries again (the command that changed it, every
   dispatcher, cron's glance).
5. Several changes may wait at once (two languages). Mailings go on when none is left.

Every function takes an open writing connection.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    exists,
    func,
    insert,
    select,
    update,
)

from mailer.store import control, hands, mailings, portions, recasting, remaking
from mailer.store.control import CORRECTING
from mailer.store.ledger_tables import mailing, prepared
from mailer.store.tables import amendment, edition, release

COPIES = ("first", "translation", "early")
"""Kinds of mailings that carry the release itself."""
NOTICES = {"correction": "correction", "withdrawal": "withdrawal"}
"""What the mailing about an amendment is called; `embargo` for all others."""


def lock(connection: Connection, release_id: int) -> None:
    """Changes of one release come one after the other."""
    connection.execute(select(release.c.id).where(release.c.id == release_id).with_for_update())


def message_mark(connection: Connection) -> int:
    """The number of the last prepared message there is."""
    return int(connection.scalar(select(func.coalesce(func.max(prepared.c.id), 0))) or 0)


def add(connection: Connection, **told: Any) -> int:
    """Note an amendment; its columns by name."""
    made = connection.execute(insert(amendment).values(**told).returning(amendment.c.id))
    return int(made.scalar_one())


def open_mailing(
    connection: Connection,
    *,
    newsroom: str,
    release_id: int,
    kind: str,
    unknown: str,
    waits: bool,
    now: datetime,
) -> int:
    """A mailing of the desk, without an audience yet.

    Args:
        waits: it is held until its amendment is settled.
    """
    made = connection.execute(
        insert(mailing)
        .values(
            newsroom=newsroom,
            release_id=release_id,
            kind=kind,
            state="held" if waits else "open",
            hold_reason=CORRECTING if waits else None,
            unknown=unknown,
            urgent=True,
            made_at=now,
            consent_mark=mailings.last_consent(connection),
            audience=0,
        )
        .returning(mailing.c.id)
    )
    return int(made.scalar_one())


@dataclass(frozen=True, slots=True)
class Carrying:
    """A mailing with a message of some editions."""

    id: int
    kind: str
    state: str


def carrying(connection: Connection, release_id: int, editions: Collection[int]) -> list[Carrying]:
    """The mailings of a release that have a message made from one of these editions."""
    query = (
        select(mailing.c.id, mailing.c.kind, mailing.c.state)
        .where(mailing.c.release_id == release_id, _carries(editions))
        .order_by(mailing.c.id)
    )
    return [Carrying(*row) for row in connection.execute(query)]


def editions_of(connection: Connection, release_id: int) -> dict[int, str]:
    """The language of every edition of a release, by its number, oldest first."""
    query = select(edition.c.id, edition.c.language).where(edition.c.release_id == release_id)
    return {row.id: row.language for row in connection.execute(query.order_by(edition.c.id))}


def carries(connection: Connection, mailing_id: int, editions: Collection[int]) -> bool:
    """Whether a mailing has a message made from one of these editions."""
    query = select(mailing.c.id).where(mailing.c.id == mailing_id, _carries(editions))
    return connection.scalar(query) is not None


def stop(connection: Connection, mailing_ids: Collection[int]) -> None:
    """Hold those of these mailings that are open, until their corrections are settled."""
    connection.execute(
        update(mailing)
        .where(mailing.c.id.in_(mailing_ids), mailing.c.state == "open")
        .values(state="held", hold_reason=CORRECTING)
    )


def take_back(connection: Connection, mailing_ids: Collection[int], now: datetime) -> None:
    """Cancel these mailings for good: who has not been sent them will not be, by no retry either."""
    for number in mailing_ids:
        control.cancel(connection, number, now)
    connection.execute(
        update(mailing)
        .where(mailing.c.id.in_(mailing_ids), mailing.c.state == "finished")
        .values(state="cancelled")
    )
    overtaken = amendment.c.mailing_id.in_(mailing_ids) & amendment.c.settled_at.is_(None)
    connection.execute(update(amendment).where(overtaken).values(settled_at=now, mailing_id=None))


def supersede(connection: Connection, mailing_id: int, editions: Collection[int], by: int) -> None:
    """Name the message that takes the place of a mailing's messages of these editions."""
    connection.execute(
        update(prepared)
        .where(
            prepared.c.mailing_id == mailing_id,
            prepared.c.edition_id.in_(editions),
            prepared.c.held_edition_id.is_(None),
            prepared.c.id != by,
        )
        .values(superseded_by=by)
    )


def unsettled(connection: Connection, release_id: int | None = None) -> list[int]:
    """Amendments that wait for what is on the wire, oldest first."""
    query = select(amendment.c.id).where(amendment.c.settled_at.is_(None))
    if release_id is not None:
        query = query.where(amendment.c.release_id == release_id)
    return list(connection.scalars(query.order_by(amendment.c.id)))


def settle(connection: Connection, number: int, *, portion: int, now: datetime) -> bool:
    """Settle an amendment if nothing of what it changed is in anybody's hand, and nobody writes to it.

    Its caller has taken the turn of those who freeze an audience.

    Returns:
        Whether it is settled now, or was.
    """
    found = _waiting(connection, number)
    if found is None:
        return True
    carried = carrying(connection, found.release_id, found.editions)
    numbers = {row.id for row in carried if not (found.silent and row.kind == "embargo")}
    digests = remaking.showing(connection, found.release_id, found.editions)
    of = (numbers | {*digests}) - {found.mailing_id}
    rows = _locked(connection, of)
    if len(rows) < len(of) or not _at_rest(connection, rows, found, now):
        return False
    connection.execute(update(amendment).where(amendment.c.id == number).values(settled_at=now))
    stopped = {row.id for row in rows if row.hold_reason == CORRECTING}
    for each in sorted(stopped.union(control.corrected(connection)) - {found.mailing_id}):
        control.resume(connection, each, now)  # but what another correction stops
    if found.mailing_id is not None:
        _tell(connection, found.mailing_id, portion, now)
    return True


def _at_rest(connection: Connection, rows: Sequence[Any], of: Any, now: datetime) -> bool:
    """Whether nothing of these mailings is in hand; what is not is owed in the new text, or waits again."""
    if any(hands.in_hand(connection, row.id) for row in rows):
        return False
    for row in rows:
        if row.state == "cancelled":
            control.sweep(connection, now, row.id)
            if recasting.left(connection, row.id):
                return False
        elif row.kind == "digest":
            if not remaking.remake(connection, row.id, of.release_id, of.editions, now):
                return False
        elif not recasting.recast(connection, row.id, now):
            return False
    return True


def _tell(connection: Connection, mailing_id: int, portion: int, now: datetime) -> None:
    """Freeze a notice's audience; it goes on by itself unless somebody holds or has cancelled it."""
    held = mailing.c.hold_reason
    connection.execute(
        update(mailing)
        .where(mailing.c.id == mailing_id)
        .values(made_at=now, consent_mark=mailings.last_consent(connection))
    )
    connection.execute(
        update(mailing)
        .where(mailing.c.id == mailing_id, mailing.c.state == "held", held == CORRECTING)
        .values(state="open", hold_reason=None)
    )
    row = mailings.read(connection, mailing_id)
    if row is not None and row.state in {"open", "held"}:
        portions.freeze_audience(connection, mailing_id, portion=portion, now=now)
        return
    cancelled = update(amendment).where(amendment.c.mailing_id == mailing_id)
    connection.execute(cancelled.values(mailing_id=None))  # it tells nobody


def _waiting(connection: Connection, number: int) -> Any:
    """The amendment if it is not settled, with its release locked: changes and settling take turns."""
    of = select(amendment.c.release_id).where(amendment.c.id == number).scalar_subquery()
    connection.execute(select(release.c.id).where(release.c.id == of).with_for_update())
    return connection.execute(
        select(
            amendment.c.id,
            amendment.c.release_id,
            amendment.c.mailing_id,
            amendment.c.editions,
            amendment.c.silent,
        ).where(amendment.c.id == number, amendment.c.settled_at.is_(None))
    ).first()


def _locked(connection: Connection, mailing_ids: Collection[int]) -> Sequence[Any]:
    return connection.execute(
        select(mailing.c.id, mailing.c.kind, mailing.c.state, mailing.c.hold_reason)
        .where(mailing.c.id.in_(mailing_ids))
        .order_by(mailing.c.id)
        .with_for_update(skip_locked=True)
    ).all()


def _carries(editions: Collection[int]) -> ColumnElement[bool]:
    return exists().where(
        prepared.c.mailing_id == mailing.c.id, prepared.c.edition_id.in_(editions)
    )
