"""The ledger: hands out what is due, and asks for consent anew as it does.

How nobody is lost and nobody is mailed twice:

1. A mailing's deliveries lie in chunks. A worker leases a chunk and takes windows of it in order. When the
   chunks run out, more are written (`store.portions`).
2. Before a window is handed out the chunk's `mark` moves past it and the transaction commits. So a
   delivery up to the mark may have been sent; one beyond it has certainly not.
3. Notices and retries have a `due_at` and are claimed one by one, with the same meaning.
4. As a row is handed out its consent is asked again; who left meanwhile gets `ended`, not mail.
5. Outcomes are written in groups (`store.outcomes`). A chunk is done when its mark is at its end and
   nothing in it awaits an outcome.
6. A worker that dies leaves rows that were handed out and have no outcome. Whoever takes over
   (`store.takeover`) writes an `unknown` attempt for each that may have left, then holds them or makes
   them due again.
7. A late outcome of a worker that lost its lease counts only where it is news: "accepted" for a row
   that nobody holds.

In which order: notices; then urgent mailings; then all others. Those of one rank share a turn evenly,
and a quarter of a mailing's share at most goes to its retries while first tries wait.

Every function takes an open writing connection and returns values.
"""

from collections.abc import Callable, Sequence
from itertools import chain, groupby, zip_longest
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from mailer.core.delivery import Due
from mailer.store import control, outlived
from mailer.store.claims import claim, end
from mailer.store.lease import Lease
from mailer.store.ledger_tables import chunk, mailing
from mailer.store.portions import owe_more
from mailer.store.window import Window, read_window

__all__ = ["Lease", "take"]

RETRIES = 4
"""One of so many places in a mailing's share may go to a retry while first tries wait."""


def take(connection: Connection, lease: Lease, want: int, *, notices: int = 0) -> list[Due]:
    """Hand out up to `want` deliveries, and up to `notices` notices beyond that.

    Those whose consent is gone are ended on the way and do not count.
    """
    handed = _until(want + notices, lambda few: _take_notices(connection, lease, few))
    room = min(want, want + notices - len(handed))
    for _, rank in groupby(_open_mailings(connection, lease), key=lambda row: row.urgent):
        if room <= 0:
            break
        shared = _shared(connection, lease, list(rank), room)
        handed += shared
        room -= len(shared)
    return handed


def _shared(
    connection: Connection, lease: Lease, rank: Sequence[Row[*tuple[Any, ...]]], room: int
) -> list[Due]:
    """What mailings of one rank get of a turn: even shares, and whatever the others leave."""
    taken: dict[int, list[Due]] = {row.id: [] for row in rank}
    sources = list(rank)
    while sources and room > 0:
        share = -(-room // len(sources))
        for row in list(sources):
            few = _of_mailing(connection, lease, row, min(share, room))
            taken[row.id] += few
            room -= len(few)
            if len(few) < share:
                sources.remove(row)
    return [due for due in chain(*zip_longest(*taken.values())) if due is not None]


def _of_mailing(
    connection: Connection, lease: Lease, row: Row[*tuple[Any, ...]], want: int
) -> list[Due]:
    """The next of one mailing: a few retries, then windows, then retries again."""
    some = max(1, want // RETRIES)
    handed = _until(some, lambda few: _take_retries(connection, lease, row.id, few), once=True)
    handed += _until(want - len(handed), lambda few: _take_window(connection, lease, row, few))
    if len(handed) < want:
        again = want - len(handed)
        handed += _until(again, lambda few: _take_retries(connection, lease, row.id, few))
    return handed


def _until(
    want: int, next_few: Callable[[int], list[Due] | None], *, once: bool = False
) -> list[Due]:
    """Up to `want` from a source that says None when it has no more; some it had may be ended."""
    handed: list[Due] = []
    while len(handed) < want and (few := next_few(want - len(handed))) is not None:
        handed += few
        if once:
            break
    return handed


def _open_mailings(connection: Connection, lease: Lease) -> Sequence[Row[*tuple[Any, ...]]]:
    """Those that may be sent: urgent ones first. What names an embargo that is over ends, or is made anew."""
    rows = connection.execute(_OPEN_MAILINGS).all()
    embargoed = [row.id for row in rows if row.kind in {"early", "embargo"}]
    over = frozenset[int]()
    if embargoed:
        over = control.end_embargoed(connection, embargoed, lease.now)
    corrections = [row.id for row in rows if row.kind == "correction"]
    if corrections:
        over |= outlived.naming(connection, lease.now, corrections)
    return [row for row in rows if row.id not in over]


def _take_notices(connection: Connection, lease: Lease, want: int) -> list[Due] | None:
    return claim(connection, lease, None, want)


def _take_retries(
    connection: Connection, lease: Lease, mailing_id: int, want: int
) -> list[Due] | None:
    return claim(connection, lease, mailing_id, want)


def _take_window(
    connection: Connection, lease: Lease, of: Row[*tuple[Any, ...]], want: int
) -> list[Due] | None:
    """The next window of a chunk that is ours or free; None when none is left."""
    found = _free_chunk(connection, lease, of.id)
    if found is None and of.fanned_to is not None and owe_more(connection, of.id):
        found = _free_chunk(connection, lease, of.id)
    if found is None:
        return None
    mark = min(found.mark + want, found.hi)
    leased = {"of": of.id, "at": found.lo, "by": lease.worker, "until": lease.until, "to": mark}
    connection.execute(_LEASE_CHUNK, leased)
    if of.begun_at is None:
        connection.execute(
            update(mailing)
            .where(mailing.c.id == of.id, mailing.c.begun_at.is_(None))
            .values(begun_at=lease.now)
        )
    window = Window(of.id, of.made_at, found.lo, found.mark + 1, mark, of.unknown)
    handed, ended = read_window(connection, window)
    if ended:
        end(connection, ended, [of.id] * len(ended), lease.now)
    return handed


def _free_chunk(
    connection: Connection, lease: Lease, mailing_id: int
) -> Row[*tuple[Any, ...]] | None:
    return connection.execute(_FREE_CHUNK, {"of": mailing_id, "by": lease.worker}).first()


# Made once: to put a statement together takes longer than to execute it.
_FREE_CHUNK = (
    select(chunk.c.lo, chunk.c.hi, chunk.c.mark)
    .where(
        chunk.c.mailing_id == bindparam("of"),
        chunk.c.state != "done",
        chunk.c.mark < chunk.c.hi,
        (chunk.c.state == "open") | (chunk.c.worker == bindparam("by")),
    )
    .order_by(chunk.c.lo)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_LEASE_CHUNK = (
    update(chunk)
    .where(chunk.c.mailing_id == bindparam("of"), chunk.c.lo == bindparam("at"))
    .values(
        state="leased",
        worker=bindparam("by"),
        lease_until=bindparam("until"),
        mark=bindparam("to"),
    )
)
_OPEN_MAILINGS = (
    select(
        mailing.c.id,
        mailing.c.kind,
        mailing.c.urgent,
        mailing.c.unknown,
        mailing.c.made_at,
        mailing.c.begun_at,
        mailing.c.fanned_to,
    )
    .where(mailing.c.state == "open")
    .order_by(mailing.c.urgent.desc(), mailing.c.id)
)
