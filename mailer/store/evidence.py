"""Reads what proves a mailbox's consent: its entries, the notices about them, and what relays answered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mailer.core.consent import Act
from mailer.store.ledger_tables import attempt, delivery, prepared
from mailer.store.tables import consent, subscription, wording

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One consent entry; wording and privacy are hashes of texts (`texts_of`)."""

    id: int
    newsroom: str
    act: Act
    at: datetime
    address: str
    form: str
    ip: str | None
    user_agent: str | None
    wording: str | None
    privacy: str | None
    evidence: str | None
    request_id: int | None


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One consent entry as the press office reads it, with the whole wording."""

    id: int
    newsroom: str
    act: Act
    at: datetime
    address: str
    form: str
    ip: str | None
    user_agent: str | None
    wording: str | None
    evidence: str | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice that was owed, as far as it came.

    Attributes:
        state: see `core.delivery.DeliveryState`.
        code, reply: what the relay answered last; None where nothing was sent.
    """

    id: int
    newsroom: str
    purpose: str
    cause: str | None
    prepared_id: int
    made_at: datetime
    state: str
    settled_at: datetime | None
    code: int | None
    reply: str | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One conversation with a relay that was not acceptance at the first try."""

    delivery_id: int
    number: int
    at: datetime
    relay: str
    phase: str
    result: str
    code: int
    enhanced: str
    text: str


def entries_of(connection: Connection, subscriber_id: int) -> list[EntryRow]:
    """Every consent entry about a mailbox, oldest first."""
    rows = connection.execute(
        select(
            consent.c.id,
            subscription.c.newsroom,
            consent.c.act,
            consent.c.at,
            consent.c.address,
            consent.c.form,
            consent.c.ip,
            consent.c.user_agent,
            consent.c.wording,
            consent.c.privacy,
            consent.c.evidence,
            consent.c.request_id,
        )
        .join_from(consent, subscription)
        .where(subscription.c.subscriber_id == subscriber_id)
        .order_by(consent.c.id)
    )
    return [EntryRow(**{**row._mapping, "act": Act(row.act)}) for row in rows]


def history(connection: Connection, subscriber_id: int) -> list[EvidenceRow]:
    """Every consent entry about a mailbox with the wording that was shown, oldest first."""
    entries = entries_of(connection, subscriber_id)
    texts = texts_of(connection, {entry.wording for entry in entries if entry.wording})
    return [
        EvidenceRow(
            **{name: getattr(entry, name) for name in EvidenceRow.__slots__ if name != "wording"},
            wording=texts[entry.wording] if entry.wording else None,
        )
        for entry in entries
    ]


def notices_of(connection: Connection, subscriber_id: int) -> list[NoticeRow]:
    """Every notice that was owed to a mailbox, oldest first."""
    mine = select(subscription.c.id).where(subscription.c.subscriber_id == subscriber_id)
    numbers = list(connection.scalars(mine))
    rows = connection.execute(
        select(
            delivery.c.id,
            subscription.c.newsroom,
            delivery.c.purpose,
            delivery.c.cause,
            delivery.c.prepared_id,
            delivery.c.made_at,
            delivery.c.state,
            delivery.c.settled_at,
            delivery.c.code,
            delivery.c.reply,
        )
        .join_from(delivery, subscription)
        .where(delivery.c.mailing_id.is_(None), delivery.c.subscription_id.in_(numbers))
        .order_by(delivery.c.id)
    )
    return [NoticeRow(**row._mapping) for row in rows]


def attempts_of(connection: Connection, deliveries: Sequence[int]) -> list[AttemptRow]:
    """Every conversation about these deliveries that is on record, oldest first."""
    found: list[AttemptRow] = []
    for start in range(0, len(deliveries), _AT_ONCE):
        rows = connection.execute(
            select(*(attempt.c[name] for name in AttemptRow.__slots__))
            .where(attempt.c.delivery_id.in_(deliveries[start : start + _AT_ONCE]))
            .order_by(attempt.c.id)
        )
        found += [AttemptRow(**row._mapping) for row in rows]
    return found


def contents_of(connection: Connection, prepared_ids: Collection[int]) -> dict[int, bytes]:
    """The messages that notices were made from, by number."""
    rows = connection.execute(
        select(prepared.c.id, prepared.c.content).where(prepared.c.id.in_(sorted(prepared_ids)))
    )
    return {row.id: bytes(row.content) for row in rows}


def texts_of(connection: Connection, hashes: Collection[str]) -> dict[str, str]:
    """What was shown, by hash."""
    rows = connection.execute(
        select(wording.c.hash, wording.c.text).where(wording.c.hash.in_(sorted(hashes)))
    )
    return {row.hash: row.text for row in rows}
