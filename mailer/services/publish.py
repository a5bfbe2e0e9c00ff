"""Publishes what is due: one transaction makes a release public and freezes its audience.

The message is prepared before that transaction, so that no lock is held while templates render; the
transaction then checks that the release still says what was prepared, and starts over if not. A
release whose message cannot be prepared is held with the reason: a fault of ours is never a mailing
that looks finished.
"""

import logging
from dataclasses import dataclass

from mailer.core.errors import MailerError
from mailer.core.newsroom import Newsroom
from mailer.mail.prepare import Prepared, ReleaseFacts, prepare_release
from mailer.services.kept import to_keep
from mailer.services.office import Office
from mailer.store import mailings, messages, portions, releases, wakeup
from mailer.store.database import Connection
from mailer.store.releases import ReleaseRow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """A release that went public just now, and how many readers are owed it."""

    release_id: int
    mailing_id: int
    audience: int


@dataclass(frozen=True, slots=True)
class Held:
    """A release that was due and could not go."""

    release_id: int
    reason: str


def publish_due(office: Office) -> list[Published | Held]:
    """Publish every approved release whose moment has come."""
    with office.database.read() as connection:
        due = releases.due(connection, office.clock())
    return [done for release_id in due if (done := _publish(office, release_id)) is not None]


def prepare(office: Office, row: ReleaseRow) -> Prepared:
    """The message of a release as it would be prepared now.

    Raises:
        MailerError: it cannot be rendered, or is too large.
    """
    now = office.clock()
    facts = ReleaseFacts(
        id=row.id,
        slug=row.slug,
        kind=row.kind,
        canonical_url=row.canonical_url,
        published_at=row.published_at or now,
    )
    return prepare_release(
        office.templates,
        site=office.site,
        newsroom=office.newsroom(row.newsroom),
        edition=row.edition,
        facts=facts,
        made_at=now,
    )


def _publish(office: Office, release_id: int) -> Published | Held | None:
    while True:
        with office.database.read() as connection:
            row = releases.read(connection, release_id)
        if row is None or not _is_due(office, row):
            return None
        try:
            ready = prepare(office, row)
        except MailerError as error:
            return _hold(office, row, error)
        with office.database.write() as connection:
            mailings.take_turn(connection, alone=True)
            if releases.publish(connection, row, office.clock()):
                return _open(office, connection, row, ready)


def _is_due(office: Office, row: ReleaseRow) -> bool:
    return row.state == "approved" and (row.publish_at is None or row.publish_at <= office.clock())


def _hold(office: Office, row: ReleaseRow, error: MailerError) -> Held:
    reason = f"cannot be mailed: {error.what}"
    with office.database.write() as connection:
        releases.hold(connection, row.id, reason)
    log.error("release held", extra={"release": row.id, "reason": reason})
    return Held(row.id, reason)


def _open(
    office: Office, connection: Connection, row: ReleaseRow, ready: Prepared
) -> Published | None:
    now = office.clock()
    newsroom: Newsroom = office.newsroom(row.newsroom)
    mailing_id = mailings.open_mailing(
        connection,
        newsroom=newsroom,
        release_id=row.id,
        kind="first",
        urgent=row.urgent,
        topics=[topic.key for topic in newsroom.topics if topic.key in row.topics],
        now=now,
    )
    if mailing_id is None:
        return None
    kept = to_keep(ready, newsroom, mailing_id=mailing_id, edition_id=row.edition_id)
    messages.keep_prepared(connection, kept, now)
    audience = portions.freeze_audience(
        connection, mailing_id, portion=office.limits.portion, now=now
    )
    wakeup.notify(connection)
    log.info("published", extra={"release": row.id, "mailing": mailing_id, "audience": audience})
    return Published(row.id, mailing_id, audience)
