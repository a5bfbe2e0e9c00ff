"""Keeps a dispatcher's books: one thread, one transaction a turn, outcomes in and due deliveries out.

No transaction is open while a socket is waited for: a turn records what has come back, moves the
marks, takes what comes next, and commits.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from mailer.core.delivery import DeliveryState, Due, Outcome, Result, accepted, settle
from mailer.core.schedule import retry_at, step
from mailer.mail.message import Message
from mailer.mail.prepare import Prepared
from mailer.services.chores import Chores
from mailer.services.journal import read_journal
from mailer.services.kept import as_prepared
from mailer.services.office import Office
from mailer.services.presence import Presence
from mailer.store import (
    claims,
    control,
    ledger,
    messages,
    outcomes,
    portions,
    progress,
    takeover,
)
from mailer.store.database import Connection
from mailer.store.lease import Lease, shared_now
from mailer.store.outcomes import Recorded

log = logging.getLogger(__name__)

FIRST = 64
"""Letters taken in hand as a release is published at its moment: a few for every line."""
_REMEMBERED = 64  # prepared messages kept at hand: those that are in work at one time


class Letter(NamedTuple):
    """A delivery in hand, with what its message is made from, and the message where it was made ahead."""

    due: Due
    prepared: Prepared
    message: Message | None = None

    @property
    def domain(self) -> str:
        """The domain of its reader's mailbox, in lower case."""
        return self.due.mailbox.rpartition("@")[2].lower()


@dataclass(frozen=True, slots=True)
class Entries:
    """What is to be written in a turn.

    Attributes:
        tried: outcomes.
        put_off: what was handed out and not begun, and for how long it is let go.
        holds: mailings to stop, and why.
    """

    tried: Sequence[tuple[Due, Outcome]] = ()
    put_off: Mapping[int, timedelta] = field(default_factory=dict)
    holds: Mapping[int, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tried or self.put_off or self.holds)


class Turn(NamedTuple):
    """What came of a turn.

    Attributes:
        letters: what was taken.
        stopped: mailings, of those in hand, that may not be sent any more.
        run_out: a mailing has hardly any rows left to hand out, and more are to be written.
    """

    letters: Sequence[Letter]
    stopped: frozenset[int]
    run_out: bool = False


class Bookkeeper:
    """The ledger's side of one dispatcher. Every method runs in the same thread.

    Args:
        presence: the sign of life whose name the leases bear.

    Attributes:
        chores: what is to be done now and then beside.
    """

    def __init__(self, office: Office, presence: Presence) -> None:
        self._office = office
        self._presence = presence
        self._prepared: dict[int, Prepared] = {}
        self._verbose = log.isEnabledFor(logging.DEBUG)
        self.tally: Counter[str] = Counter()
        self.chores = Chores(office, self.tally, self._first)

    def take_over(self) -> None:
        """Take over what dispatchers held that died or let their leases end."""
        dead = self._presence.dead()
        holders = self._lost(dead)
        for worker in holders:
            if worker in dead or not self._presence.keeps_its_pledge(worker):
                self._take_over_from(worker, dead=worker in dead)
        if holders:  # where somebody else still writes, something was passed over
            holders = self._lost(dead)
        self._presence.bury([worker for worker in dead if worker not in holders])

    def _lost(self, dead: Sequence[str]) -> list[str]:
        with self._office.database.read() as connection:
            return takeover.lost(connection, self._lease(connection), dead)

    def _take_over_from(self, worker: str, *, dead: bool) -> None:
        flight = read_journal(self._presence.journal(worker))
        with self._office.database.write() as connection:
            lease = self._lease(connection)
            seen = [
                self._judged(due, flight.ended[due.id], lease.now)
                for due in claims.owed(connection, sorted(flight.ended))
            ]
            theirs = Lease(worker, lease.now, lease.until, lease.shared_now)
            outcomes.record(connection, theirs, seen)
            doubtful = takeover.take_over(
                connection, lease, worker, dead=dead, begun=flight.begun if flight.whole else None
            )
            control.sweep(connection, lease.now)
        self._count(seen)
        log.warning(
            "taken over", extra={"worker": worker, "in_doubt": doubtful, "journal": flight.whole}
        )

    def turn(self, entries: Entries, in_hand: Collection[int], *, want: int, notices: int) -> Turn:
        """Write what is to be written, take what comes next, close what is done.

        Where nothing is to be written a look, which takes no lock, says first whether anything is due.

        Args:
            in_hand: mailings whose letters are in hand.
            want: deliveries to take at most; and beyond that `notices` notices.
        """
        if not entries:
            with self._office.database.read() as connection:
                now = self._office.clock()
                if not progress.anything_due(connection, now):
                    want = notices = 0
                elif not progress.notices_due(connection, now):
                    notices = 0
                if not (want or notices):
                    return Turn((), progress.stopped(connection, in_hand))
        with self._office.database.write(growing=True) as connection:
            lease = self._lease(connection)
            recorded = self._write(connection, lease, entries)
            taken = ledger.take(connection, lease, want, notices=notices) if want or notices else []
            progress.tidy(connection, lease.worker, lease.now)
            if entries:  # the last outcome of a cancelled mailing is its end
                control.sweep(connection, lease.now)
            letters = self._letters(connection, taken)
            run_out = bool(want and portions.run_out(connection))
            turn = Turn(letters, progress.stopped(connection, in_hand), run_out)
        self._count(recorded)
        return turn

    def owe_ahead(self, *, wait: bool) -> None:
        """Write the next rows of mailings that run out of them; see `portions.owe_ahead`."""
        with self._office.database.write() as connection:
            portions.owe_ahead(connection, wait=wait)

    def publish_next(self, *, takes: bool) -> tuple[list[str], list[Letter]]:
        """Publish what comes next at its moment; what an operator must hear of, and the first letters."""
        words, taken = self.chores.publish_next(takes=takes)
        # Not in that transaction: were it undone, its numbers would be given to other messages.
        with self._office.database.read() as connection:
            return words, self._letters(connection, taken)

    def _first(self, connection: Connection) -> list[Due]:
        return ledger.take(connection, self._lease(connection), FIRST)

    def _letters(self, connection: Connection, taken: Sequence[Due]) -> list[Letter]:
        numbers = {due.prepared_id for due in taken}
        messages_of = {each: self._message(connection, each) for each in numbers}
        return [Letter(due, messages_of[due.prepared_id]) for due in taken]

    def _write(self, connection: Connection, lease: Lease, entries: Entries) -> list[Recorded]:
        recorded = [self._judged(due, outcome, lease.now) for due, outcome in entries.tried]
        outcomes.record(connection, lease, recorded)
        for mailing_id, reason in entries.holds.items():
            control.pause(connection, mailing_id, reason)
        by_wait: dict[timedelta, list[int]] = {}
        for number, wait in entries.put_off.items():
            by_wait.setdefault(wait, []).append(number)
        for wait, numbers in by_wait.items():
            takeover.put_off(connection, lease, numbers, lease.now + wait)
        return recorded

    def _count(self, recorded: Sequence[Recorded]) -> None:
        others = [one for one in recorded if one.outcome.result is not Result.ACCEPTED]
        self.tally[Result.ACCEPTED] += len(recorded) - len(others)
        self.tally.update(map(_counted_as, others))

    def _message(self, connection: Connection, prepared_id: int) -> Prepared:
        found = self._prepared.get(prepared_id)
        if found is None:
            if len(self._prepared) >= _REMEMBERED:
                self._prepared.clear()
            found = as_prepared(messages.read_prepared(connection, prepared_id))
            self._prepared[prepared_id] = found
        return found

    def renew(self) -> None:
        """Say that this dispatcher lives."""
        with self._office.database.write() as connection:
            takeover.renew(connection, self._lease(connection))

    def give_back(self) -> int:
        """Give back what was never begun, once every outcome is recorded.

        Returns:
            How many deliveries wait for a later run.
        """
        with self._office.database.write() as connection:
            lease = self._lease(connection)
            takeover.give_back(connection, lease)
            control.sweep(connection, lease.now)
            progress.tidy(connection, lease.worker, lease.now)
            return progress.due_later(connection)

    def _lease(self, connection: Connection) -> Lease:
        now = self._office.clock()
        shared = shared_now(connection) if self._office.shared_clock else None
        return Lease(
            self._presence.worker, now, (shared or now) + self._office.limits.lease, shared
        )

    def _judged(self, due: Due, outcome: Outcome, now: datetime) -> Recorded:
        if outcome.result is Result.ACCEPTED and not self._verbose:  # nearly all there is
            return Recorded(due, outcome, accepted(due))
        again = retry_at(
            due.attempts + 1,
            now=now,
            first_at=due.made_at,
            horizon=self._office.limits.retry_horizon,
        )
        settled = settle(due, outcome, retry_at=again, soon=now + step(0))
        _log_outcome(due, outcome, settled.state)
        return Recorded(due, outcome, settled)


def _counted_as(one: Recorded) -> str:
    if one.settled.state is DeliveryState.EXPIRED:
        return "expired"
    return one.outcome.result


def _log_outcome(due: Due, outcome: Outcome, state: DeliveryState) -> None:
    level = logging.DEBUG if outcome.result is Result.ACCEPTED else logging.WARNING
    if not log.isEnabledFor(level):
        return
    log.log(
        level,
        outcome.result.value,
        extra={
            "delivery": due.id,
            "state": state.value,
            "relay": outcome.relay,
            "phase": outcome.phase.value,
            "code": outcome.code,
            "reply": outcome.text,
        },
    )
