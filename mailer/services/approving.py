"""An operator's word about a release: it may go, or it waits. Two are needed where its source says so."""

from mailer.core.decision import Action, Decision, Reason
from mailer.core.errors import NotAllowed
from mailer.services.desk_record import named, noted
from mailer.services.office import Office
from mailer.store import approvals, editions, intake, releases, wakeup
from mailer.store.database import Connection
from mailer.store.releases import ReleaseRow

NEEDED = {"two": 2}
"""Of how many operators; of one elsewhere."""


def approve(office: Office, release_id: int, *, who: str) -> ReleaseRow:
    """Give an operator's word for a release as it now reads; with the last one needed it may go.

    It is then published when its moment comes, at once if that has passed. Whoever approves twice, or a
    text that was changed since, is one voice and none.

    Raises:
        NotFound: no such release.
        NotAllowed: it was withdrawn.
    """
    with office.database.write() as connection:
        row = give_word(office, connection, release_id, who=who)
        if row.state == "approved":
            wakeup.notify(connection)
    office.wake()
    return row


def give_word(office: Office, connection: Connection, release_id: int, *, who: str) -> ReleaseRow:
    """The same within a transaction of the caller's, who tells the dispatchers."""
    row = _locked(connection, release_id)
    if row.state == "withdrawn":
        raise NotAllowed(f"Release {release_id} was withdrawn", "add it anew if that was wrong")
    if row.state == "held":
        _count(office, connection, row, who)
    if editions.approve(connection, release_id):
        noted(office, connection, who, "translation approved", release_id)
    return named(connection, release_id)


def hold(office: Office, release_id: int, *, who: str, reason: str) -> ReleaseRow:
    """Hold a release that is not public yet: whatever was approved, it needs a word anew.

    Raises:
        NotFound: no such release.
        NotAllowed: it is public already.
    """
    with office.database.write() as connection:
        row = _locked(connection, release_id)
        if row.state in {"published", "withdrawn"}:
            raise NotAllowed(
                f"Release {release_id} is {row.state} already",
                "`mailer release pause` stops a mailing, `release correct` and `release withdraw` "
                "tell those who have it",
            )
        words = reason or f"held by {who}"
        releases.hold(connection, release_id, words)
        approvals.take_back(connection, release_id)
        decision = Decision(Action.HOLD, (Reason("approval", words, decided=True),))
        intake.note(connection, release_id, decision, by=who, now=office.clock())
        noted(office, connection, who, "release hold", release_id)
        return named(connection, release_id)


def _count(office: Office, connection: Connection, row: ReleaseRow, who: str) -> None:
    now = office.clock()
    have, need = approvals.give(connection, row.id, who=who, now=now), NEEDED.get(row.approval, 1)
    if have >= need:
        releases.approve(connection, row.id, now)
        words = f"approved by {', '.join(approvals.given(connection, row.id))}"
        decision = Decision(Action.SEND, (Reason("approval", words, decided=True),), row.publish_at)
        noted(office, connection, who, "release approved", row.id)
    else:
        words = f"approved by {who}; waits for the word of another operator"
        releases.hold(connection, row.id, words)
        decision = Decision(Action.HOLD, (Reason("approval", words, decided=True),))
        noted(office, connection, who, "release approval", row.id)
    intake.note(connection, row.id, decision, by=who, now=now)


def _locked(connection: Connection, release_id: int) -> ReleaseRow:
    editions.lock(connection, release_id)
    return named(connection, release_id)
