"""The texts of a release, the newest in each language; and late languages, which are mailed by themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, or_, select, update
from sqlalchemy import text as sql

from mailer.core.release import (
    Contact,
    Edition,
    File,
    Picture,
    body_from_plain,
    body_to_plain,
    fingerprint,
)
from mailer.store.columns import insert_ignoring
from mailer.store.digest_tables import gathering
from mailer.store.ledger_tables import mailing
from mailer.store.spoken import position_now, speaks_now
from mailer.store.tables import edition, release, subscription, translation


@dataclass(frozen=True, slots=True)
class Text:
    """The newest edition of a release in one language."""

    edition_id: int
    version: int
    edition: Edition

    @property
    def language(self) -> str:
        """The language it is in."""
        return self.edition.language


@dataclass(frozen=True, slots=True)
class TranslationRow:
    """A language of a published release that is still to be mailed: `held` or `approved`."""

    release_id: int
    language: str
    state: str
    reason: str | None
    made_at: datetime


def add_edition(connection: Connection, release_id: int, text: Edition, now: datetime) -> bool:
    """Store a text as the next version in its language; False if the newest is the same in all.

    The first in a new language of a release that is public waits for a word, and is mailed by itself then.
    """
    lock(connection, release_id)
    newest = connection.execute(
        select(edition)
        .where(edition.c.release_id == release_id, edition.c.language == text.language)
        .order_by(edition.c.version.desc())
        .limit(1)
    ).first()
    if newest is not None and edition_of(newest._mapping) == text:
        return False
    connection.execute(
        insert(edition).values(
            release_id=release_id,
            language=text.language,
            version=1 if newest is None else newest.version + 1,
            title=text.title,
            lead=text.lead,
            body=body_to_plain(text.body),
            contacts=[asdict(contact) for contact in text.contacts],
            files=[asdict(file) for file in text.files],
            pictures=[asdict(picture) for picture in text.pictures],
            fingerprint=fingerprint(text),
            made_at=now,
        )
    )
    if newest is None:
        _expect_translation(connection, release_id, text.language, now)
    return True


def texts(connection: Connection, release_id: int) -> tuple[Text, ...]:
    """The newest text in each language, in the order in which the languages came."""
    last = (
        select(func.max(edition.c.id).label("id"), func.min(edition.c.id).label("first"))
        .where(edition.c.release_id == release_id)
        .group_by(edition.c.language)
        .subquery()
    )
    rows = connection.execute(
        select(edition).join(last, last.c.id == edition.c.id).order_by(last.c.first)
    )
    return tuple(Text(row.id, row.version, edition_of(row._mapping)) for row in rows)


def edition_of(row: Mapping[Any, Any]) -> Edition:
    """The text that a row of the edition table holds, whatever else is in it."""
    return Edition(
        language=row["language"],
        title=row["title"],
        lead=row["lead"],
        body=body_from_plain(row["body"]),
        contacts=tuple(Contact(**contact) for contact in row["contacts"]),
        files=tuple(File(**file) for file in row["files"]),
        pictures=tuple(Picture(**picture) for picture in row["pictures"]),
    )


def languages(connection: Connection, release_id: int) -> frozenset[str]:
    """The languages that a release has a text in."""
    rows = connection.scalars(
        select(edition.c.language).where(edition.c.release_id == release_id).distinct()
    )
    return frozenset(rows)


def expect(
    connection: Connection, release_id: int, language: str, *, state: str, now: datetime
) -> None:
    """Note that a language of a published release is to be mailed by itself; noted once."""
    connection.execute(
        insert_ignoring(connection, translation),
        {"release_id": release_id, "language": language, "state": state, "made_at": now},
    )


def expect_others(
    connection: Connection, release_id: int, of: Sequence[Text], now: datetime
) -> None:
    """As a release of several languages is published: mail it in those that somebody wants beside another.

    Who wants every language gets the best of theirs with all others, and then the rest
    (`store.translating`).
    """
    offered = [one.language for one in of]
    newsroom = select(release.c.newsroom).where(release.c.id == release_id).scalar_subquery()
    first = position_now(connection, offered)
    for place, language in enumerate(offered) if len(offered) > 1 else ():
        anybody = exists().where(
            sql("every_language"),
            subscription.c.newsroom == newsroom,
            subscription.c.state == "active",
            first != place,
            speaks_now(connection, [language]),
        )
        if connection.scalar(select(anybody)):
            expect(connection, release_id, language, state="approved", now=now)


def approve(connection: Connection, release_id: int) -> int:
    """Let every held translation of a release go; how many."""
    done = connection.execute(
        update(translation)
        .where(translation.c.release_id == release_id, translation.c.state == "held")
        .values(state="approved", reason=None)
    )
    return done.rowcount


def hold(connection: Connection, of: TranslationRow, reason: str) -> None:
    """Stop a translation, with a reason that somebody must answer."""
    connection.execute(
        update(translation)
        .where(translation.c.release_id == of.release_id, translation.c.language == of.language)
        .values(state="held", reason=reason[:300])
    )


def take(connection: Connection, of: TranslationRow) -> bool:
    """Take an approved translation in hand, to open its mailing; of several who try, one is told yes."""
    done = connection.execute(
        delete(translation).where(
            translation.c.release_id == of.release_id,
            translation.c.language == of.language,
            translation.c.state == "approved",
        )
    )
    return done.rowcount == 1


def expected(connection: Connection, release_id: int) -> list[TranslationRow]:
    """The languages of a release that are still to be mailed."""
    rows = connection.execute(
        select(translation)
        .where(translation.c.release_id == release_id)
        .order_by(translation.c.made_at, translation.c.language)
    )
    return [TranslationRow(*row) for row in rows]


def due(connection: Connection) -> list[TranslationRow]:
    """Translations that may be mailed: approved, their release public, what went before all written.

    Written, and noted for whose digest it was.
    """
    unnoted = mailing.c.id.in_(select(gathering.c.mailing_id))
    unwritten = exists().where(
        mailing.c.release_id == translation.c.release_id,
        or_(mailing.c.fanned_to.is_not(None), unnoted),
    )
    rows = connection.execute(
        select(translation)
        .join(release, release.c.id == translation.c.release_id)
        .where(translation.c.state == "approved", release.c.state == "published", ~unwritten)
        .order_by(translation.c.made_at, translation.c.release_id, translation.c.language)
    )
    return [TranslationRow(*row) for row in rows]


def lock(connection: Connection, release_id: int) -> None:
    """Editions are added, and a release published, one at a time."""
    connection.execute(select(release.c.id).where(release.c.id == release_id).with_for_update())


def _expect_translation(
    connection: Connection, release_id: int, language: str, now: datetime
) -> None:
    public = exists().where(release.c.id == release_id, release.c.state == "published")
    if connection.scalar(select(public)):
        expect(connection, release_id, language, state="held", now=now)
