"""Sends accredited readers a copy of a release before its embargo ends."""

from dataclasses import dataclass
from datetime import datetime

from mailer.core.errors import NotAllowed
from mailer.services.amending import Standing, release_itself, standing
from mailer.services.desk_record import noted
from mailer.services.kept import to_keep
from mailer.services.office import Office
from mailer.store import amendments, mailings, messages, portions, wakeup
from mailer.store.database import Connection


@dataclass(frozen=True, slots=True)
class Early:
    """An early copy that is on its way.

    Attributes:
        audience: accredited readers who had none of it yet.
    """

    release: int
    title: str
    embargo_until: datetime
    mailing: int
    audience: int


def send_early(office: Office, release_id: int, *, who: str) -> Early:
    """Mail a release under embargo to accredited, unexpired, active readers who have no early copy yet.

    Raises:
        NotFound: no such release.
        NotAllowed: it is not approved, or not under embargo, or early copies are just being written.
        MailerError: it cannot be mailed.
    """
    while True:
        of = standing(office, release_id)
        until = _embargo(office, of)
        drafts = [(text.edition_id, release_itself(office, of, "early", text)) for text in of.texts]
        newsroom = office.newsroom(of.row.newsroom)
        with office.database.write() as connection:
            mailings.take_turn(connection, alone=True)
            amendments.lock(connection, release_id)
            if not of.stands(connection):
                continue
            _check_written(connection, release_id)
            now = office.clock()
            number = amendments.open_mailing(
                connection,
                newsroom=newsroom.key,
                release_id=release_id,
                kind="early",
                unknown=newsroom.unknown,
                waits=False,
                now=now,
            )
            for edition_id, prepared in drafts:
                kept = to_keep(prepared, newsroom, mailing_id=number, edition_id=edition_id)
                messages.keep_prepared(connection, kept, now)
            size = portions.freeze_audience(
                connection, number, portion=office.limits.portion, now=now
            )
            noted(
                office,
                connection,
                who,
                "release early",
                release_id,
                {"mailing": number, "audience": size},
            )
            wakeup.notify(connection)
        office.wake()
        return Early(release_id, of.row.edition.title, until, number, size)


def _embargo(office: Office, of: Standing) -> datetime:
    """Until when it is under embargo, if an early copy of it may leave."""
    row = of.row
    if row.state != "approved":
        raise NotAllowed(
            f"Release {row.id} is {row.state}: early copies are of releases that may go out",
            f"let it go first, after its embargo: mailer release send {row.id}"
            if row.state == "held"
            else "",
        )
    if row.embargo_until is None or row.embargo_until <= office.clock():
        raise NotAllowed(
            f"Release {row.id} is under no embargo: there is nothing to be early for",
            f'mailer release embargo {row.id} --until "2026-12-01 10:00"',
        )
    return row.embargo_until


def _check_written(connection: Connection, release_id: int) -> None:
    for row in mailings.mailings(connection, release_id):
        if row.kind == "early" and row.fanned_to is not None:
            raise NotAllowed(
                f"The last early copies of release {release_id} are still being written",
                "try again in a moment",
            )
