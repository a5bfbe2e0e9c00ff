"""What an operator sees and does of digests: what waits, what is under way; to stop it or end it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mailer.core.errors import NotAllowed, NotFound
from mailer.services import reached
from mailer.services.control import PATIENCE_SECONDS
from mailer.services.office import Office
from mailer.services.reached import Reached
from mailer.store import audit, control, digests, mailings, standing, wakeup
from mailer.store.database import Connection
from mailer.store.mailings import MailingRow, take_turn
from mailer.store.standing import Digests

KIND = "digest"


@dataclass(frozen=True, slots=True)
class Listed:
    """A mailing of digests: those that one look at the clock opened for a newsroom."""

    mailing: int
    newsroom: str
    state: str
    hold_reason: str | None
    made_at: datetime
    audience: int
    settled: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What waits for digests, and the newest that were opened."""

    waiting: Digests
    mailings: tuple[Listed, ...]


def overview(office: Office, *, limit: int = 50) -> Overview:
    """What waits, and the newest mailings of digests first."""
    with office.database.read() as connection:
        rows = mailings.of_kind(connection, KIND, limit=limit)
        waiting = standing.digests(connection)
    return Overview(waiting, tuple(_listed(row) for row in rows))


@dataclass(frozen=True, slots=True)
class Done:
    """What an act on a mailing of digests came to.

    Attributes:
        calm: no dispatcher holds letters of it any more.
    """

    reached: Reached
    calm: bool


def pause(
    office: Office,
    number: int,
    *,
    who: str,
    reason: str = "",
    patience: float = PATIENCE_SECONDS,
) -> Done:
    """Hold a mailing of digests: within a second nothing more of it leaves.

    Raises:
        NotFound: there is no such mailing.
        NotAllowed: it is over.
    """
    words = f"paused by {who}: {reason}" if reason else f"paused by {who}"
    act = _Act(office, number, who, "digest pause", ("open", "held"))
    return act.done(lambda connection: control.pause(connection, number, words), patience)


def resume(office: Office, number: int, *, who: str) -> Done:
    """Let a held mailing of digests go on, whoever or whatever held it.

    Raises:
        NotFound: there is no such mailing.
        NotAllowed: it is over.
    """
    now = office.clock()
    act = _Act(office, number, who, "digest resume", ("open", "held", "finished"))
    done = act.done(lambda connection: control.resume(connection, number, now), None)
    office.wake()
    return done


def cancel(
    office: Office,
    number: int,
    *,
    who: str,
    anew: bool = False,
    patience: float = PATIENCE_SECONDS,
) -> Done:
    """End a mailing of digests: what was not handed out never leaves.

    Args:
        anew: what was not sent waits again, and comes in the next digest as its texts are then; otherwise it
            comes no more.

    Raises:
        NotFound: there is no such mailing.
        NotAllowed: it is over.
    """
    now = office.clock()
    act = _Act(office, number, who, "digest cancel", ("open", "held", "cancelled"))
    done = act.done(lambda connection: control.cancel(connection, number, now), patience)
    if anew and done.calm:
        with office.database.write() as connection:
            take_turn(connection, alone=True)
            digests.wait_again(connection, number, now)
            wakeup.notify(connection)
        office.wake()
    return done


@dataclass(frozen=True, slots=True)
class _Act:
    """One operator's act on one mailing; `allowed` names the states that it can find it in."""

    office: Office
    number: int
    who: str
    name: str
    allowed: tuple[str, ...]

    def done(self, change: Callable[[Connection], bool], patience: float | None) -> Done:
        """Make the change with its audit entry, and wait for the dispatchers."""
        with self.office.database.write() as connection:
            row = mailings.read(connection, self.number)
            if row is None or row.kind != KIND:
                raise NotFound(
                    f"There is no mailing {self.number} of digests", "see `mailer digest list`"
                )
            if row.state not in self.allowed:
                raise NotAllowed(f"Mailing {self.number} is {row.state}", "nothing of it is left")
            changed = change(connection)
            if changed:
                self._note(connection)
                wakeup.notify(connection)
        return Done(*reached.of_one(self.office, row, changed=changed, patience=patience))

    def _note(self, connection: Connection) -> None:
        audit.note(
            connection,
            who=self.who,
            act=self.name,
            subject=f"mailing:{self.number}",
            detail={},
            now=self.office.clock(),
        )


def _listed(row: MailingRow) -> Listed:
    return Listed(
        mailing=row.id,
        newsroom=row.newsroom,
        state=row.state,
        hold_reason=row.hold_reason,
        made_at=row.made_at,
        audience=row.audience,
        settled=row.settled,
    )
