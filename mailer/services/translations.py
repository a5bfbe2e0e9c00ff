"""Late translations: a language that comes after a release was published is mailed by itself, once.

A new language of a public release waits for the desk's word (`release send`). Where a reader wants every
language, those that a release already had as it was published go out after the first, without a word.
A mailing is opened for each that may go, once all that was mailed of the release before is written:
`store.translating` says whom it is for, and why not earlier.
"""

import logging
from dataclasses import dataclass

from mailer.core.errors import MailerError
from mailer.services import editions
from mailer.services.editions import Ready
from mailer.services.office import Office
from mailer.services.publish import Held, Published
from mailer.store import editions as languages
from mailer.store import mailings, portions, releases, wakeup
from mailer.store.database import Connection
from mailer.store.editions import Text, TranslationRow
from mailer.store.mailings import NewMailing
from mailer.store.releases import ReleaseRow

log = logging.getLogger(__name__)


def publish_due(office: Office) -> list[Published | Held]:
    """Open the mailing of every translation that may go."""
    with office.database.read() as connection:
        due = languages.due(connection)
    return [done for one in due if (done := _publish(office, one)) is not None]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A language of a release.

    Attributes:
        waits: where it is a translation that is still to be mailed: held or approved; and why it is held.
    """

    language: str
    version: int
    title: str
    waits: str = ""
    reason: str = ""


def spoken(office: Office, release_id: int) -> tuple[Spoken, ...]:
    """The languages of a release, the original first."""
    with office.database.read() as connection:
        texts = languages.texts(connection, release_id)
        waiting = {one.language: one for one in languages.expected(connection, release_id)}
    return tuple(
        Spoken(
            text.language,
            text.version,
            text.edition.title,
            waiting[text.language].state if text.language in waiting else "",
            (waiting[text.language].reason or "") if text.language in waiting else "",
        )
        for text in texts
    )


def _publish(office: Office, of: TranslationRow) -> Published | Held | None:
    while True:
        with office.database.read() as connection:
            row = releases.read(connection, of.release_id)
            texts = languages.texts(connection, of.release_id)
        text = next((one for one in texts if one.language == of.language), None)
        if row is None or text is None:
            return None
        try:
            ready = editions.prepare_all(office, row, [text])
        except MailerError as error:
            return _hold(office, of, error)
        with office.database.write() as connection:
            mailings.take_turn(connection, alone=True)
            if not _still_says(connection, row, text):
                continue
            return _open(office, connection, of, row, ready)


def _still_says(connection: Connection, row: ReleaseRow, text: Text) -> bool:
    languages.lock(connection, row.id)
    return text in languages.texts(connection, row.id)


def _open(
    office: Office,
    connection: Connection,
    of: TranslationRow,
    row: ReleaseRow,
    ready: tuple[Ready, ...],
) -> Published | None:
    now = office.clock()
    if of not in languages.due(connection) or not languages.take(connection, of):
        return None
    newsroom = office.newsroom(row.newsroom)
    new = NewMailing(
        newsroom,
        row.id,
        "translation",
        of.language,
        urgent=row.urgent,
        matter=editions.matter(newsroom, row),
    )
    mailing_id = mailings.open_mailing(connection, new, now)
    if mailing_id is None:
        return None
    editions.keep(connection, newsroom, mailing_id, ready, now)
    audience = portions.freeze_audience(
        connection, mailing_id, portion=office.limits.portion, now=now
    )
    wakeup.notify(connection)
    log.info(
        "translation published",
        extra={
            "release": row.id,
            "language": of.language,
            "mailing": mailing_id,
            "audience": audience,
        },
    )
    return Published(row.id, mailing_id, audience)


def _hold(office: Office, of: TranslationRow, error: MailerError) -> Held:
    reason = f"cannot be mailed in {of.language}: {error.what}"
    with office.database.write() as connection:
        languages.hold(connection, of, reason)
    log.error("translation held", extra={"release": of.release_id, "reason": reason})
    return Held(of.release_id, reason)
