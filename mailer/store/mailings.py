"""Mailings as they are opened and listed; notices, which are owed one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    func,
    insert,
    select,
    text,
)

from mailer.core.delivery import Purpose
from mailer.core.mapping import Matter
from mailer.core.newsroom import Newsroom
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.progress import SETTLED
from mailer.store.rows import add_all
from mailer.store.tables import consent


@dataclass(frozen=True, slots=True)
class MailingRow:
    """A mailing as the ledger knows it.

    Attributes:
        fanned_to, unwritten: the last subscription that was looked at for the audience's rows, and how many
            have none yet; None and 0 once all are written (`store.portions`).
        topics, kinds, places: of its release, those that readers could choose among.
        language: of a translation; else that of the message for who wants none of its languages.
        to_all: it is for those too; else they wait for a translation.
        portion: how many subscriptions are looked at in one go.
        urgent_at_once: its audience has those with digests too who want what is urgent at once.
    """

    id: int
    newsroom: str
    release_id: int | None
    kind: str
    state: str
    hold_reason: str | None
    urgent: bool
    made_at: datetime
    begun_at: datetime | None
    finished_at: datetime | None
    consent_mark: int
    topics: list[str] | None
    kinds: list[str] | None
    places: list[str] | None
    language: str | None
    to_all: bool
    audience: int
    settled: int
    fanned_to: int | None
    unwritten: int
    portion: int
    urgent_at_once: bool


@dataclass(frozen=True, slots=True)
class NewMailing:
    """A release's mailing to open.

    Attributes:
        urgent: its deliveries are handed out before those of other mailings.
        matter: what the release is about, of what the newsroom offers its readers to choose by.
        language, to_all: as of `MailingRow`.
    """

    newsroom: Newsroom
    release_id: int
    kind: str
    language: str
    urgent: bool = False
    matter: Matter = field(default_factory=Matter)
    to_all: bool = True


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice to owe.

    Attributes:
        cause: what made it, as `request:17`; the same purpose and cause is owed once.
        due_at: when it may leave; None where it waits for an operator's word (`held`).
    """

    purpose: Purpose
    cause: str
    subscription_id: int
    prepared_id: int
    due_at: datetime | None


def owe_notices(connection: Connection, notices: Sequence[NewNotice], now: datetime) -> None:
    """Owe notices, each once, however often it is asked."""
    owed = [
        {
            "purpose": one.purpose,
            "cause": one.cause,
            "subscription_id": one.subscription_id,
            "prepared_id": one.prepared_id,
            "state": "due",
            "attempts": 0,
            "made_at": now,
            "due_at": one.due_at,
        }
        for one in notices
    ]
    add_all(connection, delivery, owed, ignoring=True)


def last_consent(connection: Connection) -> int:
    """The number of the newest consent entry: the point in history at which an audience is frozen.

    Publishing and every consent entry take turns (`take_turn`), so no lower number appears later.
    """
    return int(connection.scalar(select(func.coalesce(func.max(consent.c.id), 0))) or 0)


def take_turn(connection: Connection, *, alone: bool) -> None:
    """Take turns between those who write consent (together) and those who freeze an audience (alone).

    SQLite has one writer anyway; on PostgreSQL a transaction-long advisory lock keeps the order of
    consent numbers the order in which they became visible.
    """
    if connection.dialect.name == "postgresql":
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        connection.execute(text(f"SELECT {lock}(7237001)"))


def open_mailing(connection: Connection, new: NewMailing, now: datetime) -> int | None:
    """Open a mailing with an empty audience; None if this release has it already.

    There is one first mailing, and one translation into each language.
    """
    same = [mailing.c.release_id == new.release_id, mailing.c.kind == new.kind]
    if new.kind == "translation":
        same.append(mailing.c.language == new.language)
    if connection.scalar(select(mailing.c.id).where(*same)) is not None:
        return None
    made = connection.execute(
        insert(mailing)
        .values(
            newsroom=new.newsroom.key,
            release_id=new.release_id,
            kind=new.kind,
            state="open",
            unknown=new.newsroom.unknown,
            urgent=new.urgent,
            urgent_at_once=new.urgent,
            topics=list(new.matter.topics) or None,
            kinds=list(new.matter.kinds) or None,
            places=list(new.matter.places) or None,
            language=new.language,
            to_all=new.to_all,
            made_at=now,
            consent_mark=last_consent(connection),
            audience=0,
        )
        .returning(mailing.c.id)
    )
    return int(made.scalar_one())


def mailings(connection: Connection, release_id: int | None = None) -> list[MailingRow]:
    """Every mailing, oldest first, or those of one release."""
    query = select(*_MAILING).order_by(mailing.c.id)
    if release_id is not None:
        query = query.where(mailing.c.release_id == release_id)
    return [_mailing(row) for row in connection.execute(query)]


def of_kind(connection: Connection, kind: str, *, limit: int) -> list[MailingRow]:
    """The newest mailings of a kind, newest first."""
    query = select(*_MAILING).where(mailing.c.kind == kind).order_by(mailing.c.id.desc())
    return [_mailing(row) for row in connection.execute(query.limit(limit))]


def read(connection: Connection, mailing_id: int) -> MailingRow | None:
    """The mailing of that number."""
    row = connection.execute(select(*_MAILING).where(mailing.c.id == mailing_id)).first()
    return None if row is None else _mailing(row)


def locked_unwritten(
    connection: Connection, mailing_id: int, *, state: str, wait: bool = False
) -> MailingRow | None:
    """The mailing, locked, if it is in that state and some of its rows are unwritten.

    Args:
        wait: for who is at it just now; else it counts as not there.
    """
    row = connection.execute(
        select(*_MAILING)
        .where(
            mailing.c.id == mailing_id,
            mailing.c.state == state,
            mailing.c.fanned_to.is_not(None),
        )
        .with_for_update(skip_locked=not wait)
    ).first()
    return None if row is None else _mailing(row)


_MAILING = tuple(
    SETTLED.label("settled") if one.name == "settled" else mailing.c[one.name]
    for one in fields(MailingRow)
)


def _mailing(row: Row[*tuple[Any, ...]]) -> MailingRow:
    return MailingRow(**row._mapping)
