"""What the desk has changed, as pages and records tell it."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from mailer.store.ledger_tables import mailing
from mailer.store.tables import amendment, edition, release


@dataclass(frozen=True, slots=True)
class Amendment:
    """Something that the desk changed.

    Attributes:
        editions: those that it changed or took back.
        mailing_id: what tells their holders; None where nobody is told.
        settled_at: since when nothing of them is in anybody's hand.
    """

    id: int
    release_id: int
    kind: str
    edition_id: int | None
    mailing_id: int | None
    editions: tuple[int, ...]
    note: str
    silent: bool
    who: str
    embargo_until: datetime | None
    made_at: datetime
    settled_at: datetime | None


def of_release(connection: Connection, release_id: int) -> list[Amendment]:
    """Everything that was changed of a release, oldest first."""
    return _read(connection, amendment.c.release_id == release_id)


@dataclass(frozen=True, slots=True)
class Note:
    """What anybody may read of a change: when it was made, and the desk's words.

    Attributes:
        language: of the text that was corrected; empty where a release was withdrawn.
    """

    release_id: int
    at: datetime
    words: str
    language: str = ""


def corrections(connection: Connection, releases: Collection[int]) -> list[Note]:
    """What these releases were corrected in since they were public, oldest first; no silent ones."""
    rows = connection.execute(
        select(amendment.c.release_id, amendment.c.made_at, amendment.c.note, edition.c.language)
        .join(edition, edition.c.id == amendment.c.edition_id)
        .join(release, release.c.id == amendment.c.release_id)
        .where(
            amendment.c.release_id.in_(releases),
            amendment.c.silent.is_(False),
            amendment.c.made_at >= release.c.published_at,
        )
        .order_by(amendment.c.id)
    )
    return [Note(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Telling:
    """A correction of which not everybody has been told yet.

    Attributes:
        edition: the corrected one.
        note: what was wrong, for readers.
    """

    edition: int
    note: str


def telling(connection: Connection, release_id: int) -> dict[str, Telling]:
    """By language, the last correction that was to be told, where its notice is not over.

    A silent one may have taken over what was left of that notice.
    """
    rows = connection.execute(
        select(
            edition.c.language, edition.c.id, amendment.c.note, amendment.c.silent, mailing.c.state
        )
        .select_from(amendment)
        .join(edition, edition.c.id == amendment.c.edition_id)
        .outerjoin(mailing, mailing.c.id == amendment.c.mailing_id)
        .where(amendment.c.release_id == release_id)
        .order_by(amendment.c.id)
    ).all()
    last = {row.language: Telling(row.id, row.note) for row in rows if not row.silent}
    pending = {row.language for row in rows if row.state in {"open", "held"}}
    return {spoken: one for spoken, one in last.items() if spoken in pending}


def withdrawals(connection: Connection, releases: Collection[int]) -> dict[int, Note]:
    """When and why these releases were withdrawn, as far as they were."""
    rows = connection.execute(
        select(amendment.c.release_id, amendment.c.made_at, amendment.c.note)
        .where(amendment.c.release_id.in_(releases), amendment.c.kind.in_(["withdrawal", "killed"]))
        .order_by(amendment.c.id.desc())
    )
    return {row.release_id: Note(*row) for row in rows}


_TOLD = tuple(field.name for field in fields(Amendment))


def _read(connection: Connection, which: ColumnElement[bool]) -> list[Amendment]:
    query: Select[Any] = select(amendment).where(which).order_by(amendment.c.id)
    return [
        Amendment(
            **{name: row._mapping[name] for name in _TOLD} | {"editions": tuple(row.editions)}
        )
        for row in connection.execute(query)
    ]
