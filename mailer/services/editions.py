"""Prepares a release in all its languages: one message each, kept with the mailing that sends them.

Readers get the first of their languages that there is a message in. Who wants none of them gets the message
of the newsroom's `fallback`: the original, the first of the newsroom's languages, or none until one of
theirs is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailer.core.language import choose
from mailer.core.mapping import Matter, labels_of, matter_of
from mailer.core.newsroom import Newsroom
from mailer.core.release import Edition
from mailer.mail.facts import ReleaseFacts
from mailer.mail.prepare import Prepared, prepare_release
from mailer.services import attachments
from mailer.services.kept import to_keep
from mailer.services.office import Office
from mailer.store import messages
from mailer.store.database import Connection
from mailer.store.editions import Text
from mailer.store.releases import ReleaseRow


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that is prepared, and the number of the edition it is made of."""

    edition_id: int
    prepared: Prepared


def prepare(office: Office, row: ReleaseRow, text: Text, *, at: datetime | None = None) -> Prepared:
    """The message of a release in one language.

    Args:
        at: the Date of every copy, and the moment of publishing where it is not public yet; None: now.

    Raises:
        MailerError: it cannot be rendered, or is too large.
    """
    at = at or office.clock()
    return prepare_release(
        office.templates,
        site=office.site,
        newsroom=office.newsroom(row.newsroom),
        edition=text.edition,
        facts=facts(office, row, text.edition, at=at),
        made_at=at,
    )


def facts(office: Office, row: ReleaseRow, edition: Edition, *, at: datetime) -> ReleaseFacts:
    """What a mail says of a release beside a text of it, the files that travel with that text included."""
    newsroom = office.newsroom(row.newsroom)
    return ReleaseFacts(
        id=row.id,
        slug=row.slug,
        kind=row.kind,
        canonical_url=row.canonical_url,
        published_at=row.published_at or at,
        attachments=attachments.of(office, row.id, edition),
        subjects=labels_of(newsroom, matter(newsroom, row), edition.language),
    )


def prepare_all(
    office: Office, row: ReleaseRow, texts: Sequence[Text], *, at: datetime | None = None
) -> tuple[Ready, ...]:
    """The messages of a release in these languages, in their order; otherwise as `prepare`."""
    return tuple(Ready(text.edition_id, prepare(office, row, text, at=at)) for text in texts)


def keep(
    connection: Connection,
    newsroom: Newsroom,
    mailing_id: int,
    ready: Sequence[Ready],
    now: datetime,
) -> None:
    """Keep the messages of a mailing that was just opened."""
    for one in ready:
        kept = to_keep(one.prepared, newsroom, mailing_id=mailing_id, edition_id=one.edition_id)
        messages.keep_prepared(connection, kept, now)


def fallback(newsroom: Newsroom, texts: Sequence[Text]) -> str:
    """The language for who wants none of those there are.

    Args:
        texts: one for each language, the original first.
    """
    there = [text.language for text in texts]
    return choose(newsroom.languages, there) if newsroom.fallback == "first" else there[0]


def text_for(newsroom: Newsroom, texts: Sequence[Text], wanted: Sequence[str]) -> Text:
    """The text that a reader of these languages gets of a release that is published now.

    Who would wait for a translation is shown the original.
    """
    order = sorted(texts, key=lambda text: text.language != fallback(newsroom, texts))
    by_language = {text.language: text for text in order}
    return by_language[choose(wanted, tuple(by_language))]


def matter(newsroom: Newsroom, row: ReleaseRow) -> Matter:
    """What a release is about, of what its newsroom offers its readers to choose by."""
    return matter_of(newsroom, topics=row.topics, kind=row.kind, places=row.places)
