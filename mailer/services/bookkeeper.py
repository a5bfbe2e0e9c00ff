"""Keeps a dispatcher's books: one thread, one transaction a turn, outcomes in and due deliveries out.

No transaction is open while a socket is waited for: a turn records what has come back, moves the
marks, takes what comes next, and commits.
"""

import logging
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from mailer.core.delivery import DeliveryState, Due, Outcome, Result, settle
from mailer.core.schedule import retry_at, step
from mailer.mail.prepare import Prepared
from mailer.services import publish, signup
from mailer.services.kept import as_prepared
from mailer.services.office import Office
from mailer.services.presence import Presence
from mailer.store import ledger, messages, outcomes, progress, takeover
from mailer.store.ledger import Lease
from mailer.store.outcomes import Recorded

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A delivery in hand, with the message it is made from."""

    due: Due
    prepared: Prepared


class Bookkeeper:
    """The ledger's side of one dispatcher. Every method runs in the same thread.

    Args:
        presence: the sign of life whose name the leases bear.
    """

    def __init__(self, office: Office, presence: Presence) -> None:
        self._office = office
        self._presence = presence
        self._prepared: dict[int, Prepared] = {}
        self.tally: Counter[str] = Counter()

    def take_over(self) -> None:
        """Take over what dispatchers held that died or let their leases end."""
        dead = self._presence.dead()
        lease = self._lease()
        with self._office.database.read() as connection:
            lost = takeover.anything_lost(connection, lease, dead)
        if lost:
            with self._office.database.write() as connection:
                doubtful = takeover.take_over(connection, lease, dead)
            log.warning("taken over", extra={"in_doubt": doubtful})
        self._presence.bury(dead)

    def chores(self, steps: Set[str]) -> list[str]:
        """Publish what is due and let old requests expire, as far as `steps` names them.

        Returns:
            What an operator must hear of.
        """
        done = publish.publish_due(self._office) if "publish" in steps else []
        if "upkeep" in steps:
            signup.expire_requests(self._office)
        self.tally["published"] += sum(isinstance(one, publish.Published) for one in done)
        return [
            f"release {one.release_id} is held: {one.reason}"
            for one in done
            if isinstance(one, publish.Held)
        ]

    def waiting(self) -> bool:
        """Whether anything is due, by a look that takes no lock."""
        with self._office.database.read() as connection:
            return progress.anything_due(connection, self._office.clock())

    def turn(self, tried: Sequence[tuple[Due, Outcome]], want: int) -> list[Letter]:
        """Record what was tried, take up to `want` deliveries, close what is finished."""
        lease = self._lease()
        recorded = [self._judged(due, outcome, lease.now) for due, outcome in tried]
        with self._office.database.write() as connection:
            outcomes.record(connection, lease, recorded)
            taken = ledger.take(connection, lease, want) if want > 0 else []
            progress.tidy(connection, lease.worker, lease.now)
            for prepared_id in {due.prepared_id for due in taken} - self._prepared.keys():
                self._prepared[prepared_id] = as_prepared(
                    messages.read_prepared(connection, prepared_id)
                )
        for one in recorded:
            self.tally[_counted_as(one)] += 1
        return [Letter(due, self._prepared[due.prepared_id]) for due in taken]

    def renew(self) -> None:
        """Say that this dispatcher lives."""
        with self._office.database.write() as connection:
            takeover.renew(connection, self._lease())

    def give_back(self) -> int:
        """Give back what was never begun, once every outcome is recorded.

        Returns:
            How many deliveries wait for a later run.
        """
        lease = self._lease()
        with self._office.database.write() as connection:
            takeover.give_back(connection, lease)
            progress.tidy(connection, lease.worker, lease.now)
            return progress.due_later(connection)

    def _lease(self) -> Lease:
        now = self._office.clock()
        return Lease(self._presence.worker, now, now + self._office.limits.lease)

    def _judged(self, due: Due, outcome: Outcome, now: datetime) -> Recorded:
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
    return one.outcome.result.value


def _log_outcome(due: Due, outcome: Outcome, state: DeliveryState) -> None:
    level = logging.DEBUG if outcome.result is Result.ACCEPTED else logging.WARNING
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
