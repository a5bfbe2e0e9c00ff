"""Pauses, resumes and cancels a release's mailing.

    pause     open -> held: nothing more is handed out; what is in hand is finished or given back
    resume    held -> open, whoever held it; finished where nothing was left
    cancel    open or held -> cancelled: what was not handed out is settled as `cancelled`, for good

An act is one transaction with its audit entry; to repeat it changes nothing. Then the dispatchers are
waited for, as long as patience lasts: they look at their mailings' states several times a second. A
release that is not public yet has no mailing; to pause or cancel it takes its approval back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailer.core.errors import MailerError, NotAllowed
from mailer.services import press, reached
from mailer.services.desk_record import named, noted
from mailer.services.office import Office
from mailer.services.reached import Answer
from mailer.store import control, mailings, releases, wakeup
from mailer.store.database import Connection
from mailer.store.mailings import MailingRow
from mailer.store.releases import ReleaseRow

PATIENCE_SECONDS = 2.0


def pause(
    office: Office,
    release_id: int,
    *,
    who: str,
    reason: str = "",
    patience: float = PATIENCE_SECONDS,
) -> Answer:
    """Hold a release's mailing, or the release if it is not public yet.

    Args:
        patience: how long to wait for dispatchers, in seconds.

    Raises:
        NotFound: no such release.
        NotAllowed: its mailing is over.
    """
    words = _words("paused", who, reason)
    act = _Act(office, release_id, who, "release pause", reason)
    row, taken_back = act.take_back(words)
    if row.state != "published":
        return _unpublished(row, taken_back)
    changed = act.on_mailings(lambda connection, each: control.pause(connection, each, words))
    return _answer(office, row, changed, states=("held", "open"), patience=patience)


def resume(office: Office, release_id: int, *, who: str) -> Answer:
    """Let a held mailing go on, whoever or whatever held it.

    Raises:
        NotFound: no such release.
        NotAllowed: it has not been published, or its mailing is over.
    """
    row = press.shown(office, release_id)
    if row.state != "published":
        raise NotAllowed(
            f"Release {release_id} is {row.state} and has no mailing yet",
            f"let it go with `mailer release send {release_id}`",
        )
    now = office.clock()
    changed = _Act(office, release_id, who, "release resume").on_mailings(
        lambda connection, each: control.resume(connection, each, now)
    )
    office.wake()
    return _answer(office, row, changed, states=("open", "held"))


def cancel(
    office: Office,
    release_id: int,
    *,
    who: str,
    reason: str = "",
    patience: float = PATIENCE_SECONDS,
) -> Answer:
    """End a release's mailing for good, or take back its approval if it is not public yet.

    Args:
        patience: how long to wait for dispatchers, in seconds.

    Raises:
        NotFound: no such release.
        NotAllowed: everybody it was for has been settled.
    """
    act = _Act(office, release_id, who, "release cancel", reason)
    row, taken_back = act.take_back(_words("cancelled", who, reason))
    if row.state != "published":
        return _unpublished(row, taken_back)
    now = office.clock()
    changed = act.on_mailings(lambda connection, each: control.cancel(connection, each, now))
    return _answer(office, row, changed, states=("cancelled",), patience=patience)


@dataclass(frozen=True, slots=True)
class _Act:
    """What one operator does to one release, for the audit."""

    office: Office
    release_id: int
    who: str
    name: str
    reason: str = ""

    def take_back(self, words: str) -> tuple[ReleaseRow, bool]:
        """Hold the release if it is approved; how it stands then, and whether this did it."""
        with self.office.database.write() as connection:
            taken_back = releases.take_back(connection, self.release_id, words)
            row = named(connection, self.release_id)
            if taken_back:
                self._note(connection, {})
        return row, taken_back

    def on_mailings(self, change: Callable[[Connection, int], bool]) -> set[int]:
        """Change every mailing of the release, each in a transaction; those that were changed."""
        with self.office.database.read() as connection:
            found = mailings.mailings(connection, self.release_id)
        changed = set()
        for row in found:
            with self.office.database.write() as connection:
                if change(connection, row.id):
                    changed.add(row.id)
                    self._note(connection, {"mailing": row.id})
                    wakeup.notify(connection)
        return changed

    def _note(self, connection: Connection, detail: dict[str, object]) -> None:
        told = detail | {"reason": self.reason}
        noted(self.office, connection, self.who, self.name, self.release_id, told)


def _answer(
    office: Office,
    row: ReleaseRow,
    changed: set[int],
    *,
    states: tuple[str, ...],
    patience: float | None = None,
) -> Answer:
    """What came of it for the mailings that were changed, or were so already."""
    with office.database.read() as connection:
        found = mailings.mailings(connection, row.id)
    concerned = [one.id for one in found if one.state in states or one.id in changed]
    if not concerned:
        raise _over(row.id, found)
    return reached.of_mailings(office, row, concerned, changed=changed, patience=patience)


def _unpublished(row: ReleaseRow, changed: bool) -> Answer:
    if row.state == "withdrawn":
        raise NotAllowed(f"Release {row.id} was withdrawn; nothing of it goes out")
    return reached.of_release(row, changed=changed)


def _over(release_id: int, found: Sequence[MailingRow]) -> MailerError:
    if not found:
        return NotAllowed(
            f"Release {release_id} is published and was never mailed",
            f"`mailer verify {release_id}` says more",
        )
    if any(row.state == "cancelled" for row in found):
        return NotAllowed(
            f"The mailing of release {release_id} was cancelled", "that cannot be undone"
        )
    return NotAllowed(
        f"The mailing of release {release_id} is finished:"
        f" all {sum(row.audience for row in found):,} are settled",
        f"`mailer verify {release_id}` gives the account",
    )


def _words(done: str, who: str, reason: str) -> str:
    return f"{done} by {who}: {reason}" if reason else f"{done} by {who}"
