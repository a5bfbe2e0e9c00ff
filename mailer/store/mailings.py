"""Mailings as they are opened and listed; notices, which are owed one by one."""

from collections.abc import Collection
from dataclasses import dataclass
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
from mailer.core.newsroom import Newsroom
from mailer.store.columns import insert_ignoring
from mailer.store.ledger_tables import delivery, mailing
from mailer.store.tables import consent


@dataclass(frozen=True, slots=True)
class MailingRow:
    """A mailing as the ledger knows it.

    Attributes:
        fanned_to, unwritten: the last subscription that was looked at for the audience's rows, and how many
            have none yet; None and 0 once all are written (`store.portions`).
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
    audience: int
    settled: int
    fanned_to: int | None
    unwritten: int


def owe_notice(
    connection: Connection,
    *,
    purpose: Purpose,
    cause: str,
    subscription_id: int,
    prepared_id: int,
    now: datetime,
) -> None:
    """Owe one notice, due at once. The same purpose and cause is owed once, however often it is asked."""
    connection.execute(
        insert_ignoring(connection, delivery),
        {
            "purpose": purpose,
            "cause": cause,
            "subscription_id": subscription_id,
            "prepared_id": prepared_id,
            "state": "due",
            "attempts": 0,
            "made_at": now,
            "due_at": now,
        },
    )


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


def open_mailing(
    connection: Connection,
    *,
    newsroom: Newsroom,
    release_id: int,
    kind: str,
    urgent: bool,
    topics: Collection[str] = (),
    now: datetime,
) -> int | None:
    """Open a mailing with an empty audience; None if this release already has its first mailing.

    Args:
        topics: of the release, those that the newsroom offers its readers to choose among.
        urgent: its deliveries are handed out before those of other mailings.
    """
    taken = connection.scalar(
        select(mailing.c.id).where(mailing.c.release_id == release_id, mailing.c.kind == kind)
    )
    if taken is not None:
        return None
    made = connection.execute(
        insert(mailing)
        .values(
            newsroom=newsroom.key,
            release_id=release_id,
            kind=kind,
            state="open",
            unknown=newsroom.unknown,
            urgent=urgent,
            topics=list(topics) or None,
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


_MAILING = tuple(
    mailing.c[name]
    for name in (
        "id",
        "newsroom",
        "release_id",
        "kind",
        "state",
        "hold_reason",
        "urgent",
        "made_at",
        "begun_at",
        "finished_at",
        "consent_mark",
        "topics",
        "audience",
        "settled",
        "fanned_to",
        "unwritten",
    )
)


def _mailing(row: Row[*tuple[Any, ...]]) -> MailingRow:
    return MailingRow(**row._mapping)
