"""Upkeep of sign-ups that wait for their readers: their links expire, they are reminded of once, forgotten.

tend    what a dispatcher's upkeep does: nothing where nothing is due, by one look that takes no lock;
        else bounded batches, each in a transaction of its own. The rest waits for the next pass.

What is due stands in the rows (`request.tend_at`), and what was done too: a reminder is a notice like any
other, owed once for its request however many dispatchers look at the same time. Forgetting takes its
turn alone, so that no confirmation is under way, and looks anew at what it is about to delete. `core.waiting`
has the rules.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from mailer.core.consent import SubscriptionState
from mailer.core.delivery import Purpose
from mailer.core.language import choose
from mailer.core.waiting import Reminding, Step, Terms, remind, step
from mailer.services import notices
from mailer.services.office import Office
from mailer.store import consents, lapsing, people, waiting
from mailer.store.database import Connection
from mailer.store.lapsing import Forgotten
from mailer.store.mailings import take_turn
from mailer.store.waiting import WaitingRow

log = logging.getLogger(__name__)

BATCH = 100
BATCHES_AT_ONCE = 5
_SOON = timedelta(hours=1)
_LATER = timedelta(days=1)


def terms(office: Office) -> Terms:
    """How long upkeep waits, as the settings say."""
    limits = office.limits
    return Terms(limits.reminder_after, office.retention.pending, limits.lapsed_kept)


def tend(office: Office, *, batch: int = BATCH, batches: int = BATCHES_AT_ONCE) -> None:
    """Do what is due for all that waits, a few batches at a time."""
    expire_requests(office)
    now = office.clock()
    for _ in range(batches):
        with office.database.read() as connection:
            if not waiting.any_to_tend(connection, now):
                return
            rows = waiting.to_tend(connection, now, limit=batch)
        _work_off(office, rows, now)


def expire_requests(office: Office) -> int:
    """Let open requests expire whose time has passed; how many there were."""
    now = office.clock()
    with office.database.read() as connection:
        if not consents.any_expired(connection, now):
            return 0
    with office.database.write() as connection:
        return consents.expire_requests(connection, now)


def _work_off(office: Office, rows: Sequence[WaitingRow], now: datetime) -> None:
    steps = {
        row.id: step(
            request=row.state,
            subscription=row.standing,
            made_at=row.made_at,
            terms=terms(office),
            now=now,
        )
        for row in rows
    }
    reminded = 0
    with office.database.write() as connection:
        for row in rows:
            if steps[row.id] is Step.REMIND:
                reminded += _remind(office, connection, row)
            elif steps[row.id] is Step.NOTHING:
                waiting.look_again(connection, [row.id], _end(office, row, now))
    if reminded:
        log.info("reminded", extra={"count": reminded})
        office.wake()
    _forget(office, [row for row in rows if steps[row.id] is Step.FORGET], now)


def _remind(office: Office, connection: Connection, row: WaitingRow) -> bool:
    """Owe the one reminder, if it is to be; whether it was."""
    now = office.clock()
    standing = people.read_subscription(connection, row.subscription_id, lock=True)
    is_open = waiting.is_open(connection, row.id, now)
    if standing is None or not is_open or standing.state is SubscriptionState.ACTIVE:
        waiting.look_again(connection, [row.id], _end(office, row, now))
        return False
    newsroom = office.newsrooms.get(row.newsroom)
    decided = remind(
        first=waiting.first_mail(connection, row.id),
        mails=waiting.mails(connection, row.subscription_id),
        suppressed=newsroom is None or people.is_suppressed(connection, row.hash),
        lapsed=waiting.has_lapsed(connection, row.hash, now),
        renewed=row.renewed,
    )
    later = now + _SOON if decided is Reminding.NOT_YET else _end(office, row, now)
    waiting.look_again(connection, [row.id], later)
    if newsroom is None or decided is not Reminding.YES:
        return False
    notices.owe(
        office,
        connection,
        purpose=Purpose.REMINDER,
        newsroom=newsroom,
        language=choose([row.language], newsroom.languages),
        subscription_id=row.subscription_id,
        cause=f"request:{row.id}",
    )
    return True


def _end(office: Office, row: WaitingRow, now: datetime) -> datetime | None:
    """When a request is looked at for the last time; None where that was now."""
    end = row.made_at + terms(office).keep
    return end if end > now else None


def _forget(office: Office, rows: Sequence[WaitingRow], now: datetime) -> None:
    """Delete what was never confirmed; what something still waits for is looked at again in a day."""
    gone = Forgotten()
    with office.database.write() as connection:
        if rows:
            take_turn(connection, alone=True)
            kept = terms(office)
            wanted = sorted({row.subscription_id for row in rows})
            found = lapsing.forgettable(connection, wanted, mailed_before=now - kept.keep)
            waiting.look_again(
                connection,
                [row.id for row in rows if row.subscription_id not in found],
                now + _LATER,
            )
            if found:
                gone = lapsing.forget(connection, found, until=now + kept.lapsed_keep)
        hashes = lapsing.forget_hashes(connection, now)
    if gone.subscriptions or hashes:
        log.info("forgotten", extra={**asdict(gone), "hashes": hashes})
