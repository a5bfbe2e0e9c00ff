"""Makes deliveries due now at an operator's word: what was deferred, or also what had been given up.

A delivery keeps its attempts. One that had expired is tried once more: it expires anew only after
that, for the schedule counts from when the delivery was made.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mailer.core.errors import NotAllowed
from mailer.services import press
from mailer.services.office import Office
from mailer.store import audit, mailings, releases, retries, wakeup
from mailer.store.database import Connection
from mailer.store.mailings import MailingRow

DEFERRED = "deferred"


@dataclass(frozen=True, slots=True)
class Retried:
    """What became due of one mailing.

    Attributes:
        state: of the mailing; nothing of a held one leaves before it is resumed.
        counts: deliveries by what they were before.
    """

    mailing: int
    release: int | None
    title: str
    newsroom: str
    state: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class Retrial:
    """What became due, or would.

    Attributes:
        mailings: those alone of which anything did.
        notices: deferred ones.
        dry_run: nothing was changed.
    """

    mailings: tuple[Retried, ...]
    notices: int
    dry_run: bool

    @property
    def total(self) -> int:
        """How many deliveries."""
        return self.notices + sum(sum(one.counts.values()) for one in self.mailings)


def retry(
    office: Office,
    *,
    who: str,
    release_id: int | None = None,
    kinds: Collection[str] = (DEFERRED,),
    newsroom: str | None = None,
    dry_run: bool = False,
) -> Retrial:
    """Make deliveries due now, each mailing's in a transaction with its audit entry.

    Args:
        release_id: of this release alone; otherwise of every mailing that was not cancelled, and of
            notices those that were deferred.
        kinds: "deferred", "refused", "expired", "unknown".
        newsroom: of this newsroom alone.
        dry_run: count, and change nothing.

    Raises:
        NotFound: no such release or newsroom.
        NotAllowed: the release has no mailing, or it was cancelled.
    """
    if newsroom is not None:
        office.newsroom(newsroom)
    retried = []
    for row in _concerned(office, release_id, newsroom):
        counts = _one_mailing(office, row, kinds, who=who, dry_run=dry_run)
        if any(counts.values()):
            retried.append(_retried(office, row, counts))
    notices = 0
    if release_id is None and DEFERRED in kinds:
        notices = _notices(office, newsroom, who=who, dry_run=dry_run)
    if not dry_run:
        office.wake()
    return Retrial(tuple(retried), notices, dry_run)


def _concerned(
    office: Office, release_id: int | None, newsroom: str | None
) -> Sequence[MailingRow]:
    if release_id is not None:
        room = press.shown(office, release_id).newsroom
        if newsroom not in {None, room}:
            raise NotAllowed(
                f"Release {release_id} is {room}'s", f"leave out --newsroom {newsroom}"
            )
    with office.database.read() as connection:
        found = mailings.mailings(connection, release_id)
    living = [row for row in found if row.state != "cancelled" and newsroom in {None, row.newsroom}]
    if release_id is None or living:
        return living
    if found:
        raise NotAllowed(
            f"The mailing of release {release_id} was cancelled: nothing of it is sent any more",
            f"`mailer verify {release_id}` gives its account",
        )
    raise NotAllowed(
        f"Release {release_id} has not been mailed yet",
        f"let it go with `mailer release send {release_id}`",
    )


def _one_mailing(
    office: Office, row: MailingRow, kinds: Collection[str], *, who: str, dry_run: bool
) -> dict[str, int]:
    now = office.clock()
    with office.database.read() as connection:
        counts = retries.retriable(connection, row.id, kinds, now)
    if dry_run or not any(counts.values()):
        return counts
    with office.database.write() as connection:
        counts = retries.reopen(connection, row.id, kinds, now)
        if any(counts.values()):
            subject = f"release:{row.release_id}"
            _note(office, connection, who, subject, {"mailing": row.id, **counts})
    return counts


def _notices(office: Office, newsroom: str | None, *, who: str, dry_run: bool) -> int:
    now = office.clock()
    with office.database.read() as connection:
        number = retries.waiting_notices(connection, newsroom, now)
    if dry_run or not number:
        return number
    with office.database.write() as connection:
        number = retries.hasten_notices(connection, newsroom, now)
        _note(office, connection, who, "notices", {DEFERRED: number, "newsroom": newsroom})
    return number


def _note(
    office: Office, connection: Connection, who: str, subject: str, detail: dict[str, object]
) -> None:
    audit.note(connection, who=who, act="retry", subject=subject, detail=detail, now=office.clock())
    wakeup.notify(connection)


def _retried(office: Office, before: MailingRow, counts: dict[str, int]) -> Retried:
    with office.database.read() as connection:
        of_release = mailings.mailings(connection, before.release_id)
        (row,) = [one for one in of_release if one.id == before.id]
        found = releases.read(connection, row.release_id) if row.release_id else None
    title = found.edition.title if found else ""
    return Retried(row.id, row.release_id, title, row.newsroom, row.state, counts)
