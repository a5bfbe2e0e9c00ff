"""The eve of a release: the transaction that publishes it is done but for its end, and waits for the moment.

Publishing takes some hundredths of a second, to a large audience seconds. So it begins so much earlier, and
takes the first letters in hand; the commit alone is left for the moment. Until then nobody sees any of it.

    killed meanwhile              nothing was done, as with every transaction
    calendar clock set forward    seen at the next look, a fiftieth of a second later
    set back, or standing still   undone, and the alarm is set anew
    embargo moved, taken back     obeyed, if that was done before we began; who comes later waits for our
                                  commit like every writer, and is told that the release is out
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer.core.delivery import Due
from mailer.services.office import Office
from mailer.store.database import Connection
from mailer.store.lease import shared_now

SKEW = timedelta(seconds=1)
"""Clocks that are kept differ by less: no transaction waits longer for another machine's."""
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Eve:
    """How a release is published at its moment.

    Attributes:
        lead: so long before it.
        take: takes the first letters, in the same transaction.
    """

    lead: timedelta
    take: Callable[[Connection], Sequence[Due]]


def lead_for(rehearsed: float) -> timedelta:
    """How long before the moment to begin what took so many seconds when it was rehearsed."""
    return timedelta(seconds=min(rehearsed * 2 + 0.05, 5.0))


def in_reach(office: Office, connection: Connection, moment: datetime, ahead: timedelta) -> bool:
    """Whether the clock that several machines share agrees that the moment is that near; it decides."""
    shared = shared_now(connection) if office.shared_clock else None
    return shared is None or shared + (ahead and ahead + SKEW) >= moment


def waited(office: Office, connection: Connection, moment: datetime, ahead: timedelta) -> bool:
    """Wait for the moment by every clock; False where it went away."""
    longest = ahead + SKEW
    patience_ends = time.monotonic() + longest.total_seconds()
    while (left := _left(office, connection, moment)) > timedelta(0):
        if left > longest or time.monotonic() > patience_ends:
            return False
        time.sleep(min(left.total_seconds(), LOOK_SECONDS))
    return True


def _left(office: Office, connection: Connection, moment: datetime) -> timedelta:
    shared = shared_now(connection) if office.shared_clock else None
    now = office.clock()
    return moment - min(now, shared or now)
