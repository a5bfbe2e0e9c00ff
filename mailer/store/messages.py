"""Prepared messages as they are kept: what a delivery's bytes are made from, whatever was edited since."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from mailer.core.delivery import Purpose
from mailer.store.columns import insert_ignoring
from mailer.store.ledger_tables import prepared


@dataclass(frozen=True, slots=True)
class PreparedRow:
    """A prepared message as it is kept."""

    id: int
    purpose: Purpose
    language: str
    subject: str
    return_path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class NewPrepared:
    """A prepared message to keep; `digest` makes keeping it twice one."""

    newsroom: str
    purpose: Purpose
    language: str
    subject: str
    return_path: str
    content: bytes
    digest: str
    mailing_id: int | None = None
    edition_id: int | None = None
    held_edition_id: int | None = None


def keep_prepared(connection: Connection, new: NewPrepared, now: datetime) -> int:
    """Keep a prepared message once; its number, whether it is new or was there."""
    found = connection.scalar(_BY_DIGEST, {"of": new.digest})
    if found is not None:
        return int(found)
    connection.execute(
        insert_ignoring(connection, prepared),
        {
            "mailing_id": new.mailing_id,
            "edition_id": new.edition_id,
            "held_edition_id": new.held_edition_id,
            "newsroom": new.newsroom,
            "purpose": new.purpose,
            "language": new.language,
            "subject": new.subject,
            "return_path": new.return_path,
            "content": new.content,
            "digest": new.digest,
            "made_at": now,
        },
    )
    return int(connection.execute(_BY_DIGEST, {"of": new.digest}).scalar_one())


_BY_DIGEST = select(prepared.c.id).where(prepared.c.digest == bindparam("of"))


def read_prepared(connection: Connection, prepared_id: int) -> PreparedRow:
    """The prepared message of that number."""
    row = connection.execute(
        select(
            prepared.c.id,
            prepared.c.purpose,
            prepared.c.language,
            prepared.c.subject,
            prepared.c.return_path,
            prepared.c.content,
        ).where(prepared.c.id == prepared_id)
    ).one()
    return PreparedRow(row.id, Purpose(row.purpose), *row[2:])
