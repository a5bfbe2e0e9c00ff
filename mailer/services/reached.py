"""Says what an act on a release's mailings reached, once the dispatchers have let go of their letters."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from mailer.services import press
from mailer.services.office import Office
from mailer.store import control, hands, mailings, proofs
from mailer.store.database import Connection
from mailer.store.hands import Hand
from mailer.store.mailings import MailingRow
from mailer.store.releases import ReleaseRow

LOOK_SECONDS = 0.05
QUIET_LOOKS = 2
"""A look and its next must find nothing in hand: one may fall between another's read and its lock."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A mailing after an act.

    Attributes:
        changed: this act made the change; False if it was so already.
        states: deliveries by state; counted for a cancelled mailing alone.
        in_hand: dispatchers that still hold letters of it.
    """

    mailing: int
    state: str
    hold_reason: str | None
    changed: bool
    audience: int
    settled: int
    states: dict[str, int] = field(default_factory=dict)
    in_hand: tuple[Hand, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What an act came to.

    Attributes:
        state: of the release; where it is not "published" there is no mailing.
        changed: this act changed the release, or one of its mailings.
        calm: no dispatcher holds letters of it any more.
    """

    release: int
    title: str
    state: str
    hold_reason: str | None
    changed: bool
    mailings: tuple[Reached, ...] = ()
    calm: bool = True


def standing(office: Office, release_id: int) -> Answer:
    """How a release and its mailings stand, before anything is done.

    Raises:
        NotFound: no such release.
    """
    row = press.shown(office, release_id)
    with office.database.read() as connection:
        found = mailings.mailings(connection, release_id)
    return of_mailings(office, row, [one.id for one in found], changed=())


def of_release(row: ReleaseRow, *, changed: bool) -> Answer:
    """The answer about a release that has no mailing yet."""
    return Answer(row.id, row.edition.title, row.state, row.hold_reason, changed)


def of_mailings(
    office: Office,
    row: ReleaseRow,
    concerned: Sequence[int],
    *,
    changed: Collection[int],
    patience: float | None = None,
) -> Answer:
    """The answer about some mailings of a release, once the dispatchers have let go.

    Args:
        changed: the mailings that the act changed.
        patience: how long to wait for dispatchers, in seconds; None does not wait.
    """
    calm = patience is None or _calm(office, concerned, patience)
    with office.database.read() as connection:
        reached = tuple(
            _reached(connection, one, changed=one.id in changed)
            for one in mailings.mailings(connection, row.id)
            if one.id in concerned
        )
    return Answer(
        row.id, row.edition.title, row.state, row.hold_reason, bool(changed), reached, calm
    )


def of_one(
    office: Office, row: MailingRow, *, changed: bool, patience: float | None = None
) -> tuple[Reached, bool]:
    """A mailing of no release once the dispatchers have let go, and whether they have.

    Args:
        changed: the act changed it.
        patience: as of `of_mailings`.
    """
    calm = patience is None or _calm(office, [row.id], patience)
    with office.database.read() as connection:
        found = mailings.read(connection, row.id)
        return _reached(connection, found or row, changed=changed), calm


def _calm(office: Office, mailing_ids: Sequence[int], patience: float) -> bool:
    """Wait until nobody holds letters of these mailings; False if patience ends first."""
    with office.database.read() as connection:
        since = hands.moment(connection)
    ends = time.monotonic() + patience
    quiet = 0
    while True:
        for mailing_id in mailing_ids:
            _sweep(office, mailing_id)
        with office.database.read() as connection:
            busy = hands.older_writers(connection, since) or any(
                hands.in_hand(connection, mailing_id) for mailing_id in mailing_ids
            )
        quiet = 0 if busy else quiet + 1
        if quiet == QUIET_LOOKS or (busy and time.monotonic() >= ends):
            return not busy
        time.sleep(LOOK_SECONDS)


def _sweep(office: Office, mailing_id: int) -> None:
    """Settle what is left of a mailing if it was cancelled, others' writing between the parts."""
    with office.database.read() as connection:
        left = control.unswept(connection, mailing_id)
    while left:
        with office.database.write() as connection:
            left = control.sweep(connection, office.clock(), mailing_id) > 0


def _reached(connection: Connection, row: MailingRow, *, changed: bool) -> Reached:
    cancelled = row.state == "cancelled"
    return Reached(
        mailing=row.id,
        state=row.state,
        hold_reason=row.hold_reason,
        changed=changed,
        audience=row.audience,
        settled=row.settled,
        states=proofs.states(connection, row.id) if cancelled else {},
        in_hand=tuple(hands.in_hand(connection, row.id)),
    )
