"""Settles what the desk has changed, once nothing of the old text is in anybody's hand.

The command that made the change waits for it a moment; every dispatcher looks at its chores, and as soon as
it has let go of what was stopped; cron's glance sees what is unsettled. Killed at any point between,
nothing is lost: the old text stands still, and the next who looks settles it.
"""

import time
from dataclasses import dataclass

from mailer.services.office import Office
from mailer.store import amended, amendments, mailings, releases, wakeup
from mailer.store.amended import Amendment

PATIENCE_SECONDS = 2.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Amended:
    """What a change came to.

    Attributes:
        told: how many are told of it; None while that waits for what is on the wire, or nobody is told.
        settled: nothing of the old text is in anybody's hand any more.
        mailing: what tells them; None for none.
    """

    release: int
    title: str
    state: str
    kind: str
    told: int | None = None
    settled: bool = True
    mailing: int | None = None


def changes(office: Office, release_id: int) -> list[Amendment]:
    """What the desk has changed of a release since something of it left, oldest first."""
    with office.database.read() as connection:
        return amended.of_release(connection, release_id)


def settle_due(office: Office) -> bool:
    """Settle what was changed and waits, as far as hands are empty; whether all is settled."""
    with office.database.read() as connection:
        waiting = amendments.unsettled(connection)
    done = [_settle(office, number) for number in waiting]
    return all(done)


def settled(office: Office, number: int, patience: float) -> bool:
    """Settle an amendment, or wait until somebody has; False if patience ends first, in seconds."""
    ends = time.monotonic() + patience
    while not _settle(office, number):
        if time.monotonic() >= ends:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def outcome(office: Office, release_id: int, number: int, *, patience: float) -> Amended:
    """What an amendment came to, once it is settled or patience has ended."""
    calm = settled(office, number, patience)
    with office.database.read() as connection:
        (row,) = [one for one in amended.of_release(connection, release_id) if one.id == number]
        found = releases.read(connection, release_id)
        mailing = mailings.read(connection, row.mailing_id) if row.mailing_id else None
    assert found is not None
    told = mailing.audience if mailing is not None and calm else None
    return Amended(
        release_id, found.edition.title, found.state, row.kind, told, calm, row.mailing_id
    )


def _settle(office: Office, number: int) -> bool:
    with office.database.write() as connection:
        mailings.take_turn(connection, alone=True)
        done = amendments.settle(
            connection, number, portion=office.limits.portion, now=office.clock()
        )
        if done:
            wakeup.notify(connection)
    if done:
        office.wake()
    return done
