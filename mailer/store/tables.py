"""The tables of people, releases and sources, with the facts that make each step of the house idempotent.

Times are aware UTC. States are words, so that an operator's own query reads like the log. The
ledger's tables are in `ledger_tables`; both share one `metadata`.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from mailer.store.columns import key, metadata, moment, one_of, partial_index, ref

__all__ = ["metadata"]

subscriber = Table(
    "subscriber",
    metadata,
    key(),
    Column("typed", String(254), nullable=False),
    Column("mailbox", String(254), nullable=False),
    Column("lookup", String(254), nullable=False),
    Column("hash", String(64), nullable=False),
    moment("made_at"),
    UniqueConstraint("lookup"),
    Index("ix_subscriber_hash", "hash"),
)

subscription = Table(
    "subscription",
    metadata,
    key(),
    ref("subscriber_id", "subscriber"),
    Column("newsroom", String(64), nullable=False),
    Column("state", String(16), nullable=False, server_default="pending"),
    Column("languages", JSON, nullable=False),
    Column("topics", JSON, nullable=True),
    Column("frequency", String(16), nullable=False, server_default="at_once"),
    Column("generation", Integer, nullable=False, server_default="0"),
    moment("made_at"),
    moment("active_since", nullable=True),
    moment("ended_at", nullable=True),
    Column("end_reason", String(32), nullable=True),
    UniqueConstraint("subscriber_id", "newsroom"),
    one_of("state", "pending", "active", "ended"),
    Index("ix_subscription_newsroom_state", "newsroom", "state"),
    Index("ix_subscription_newsroom_id", "newsroom", "id"),
)

request = Table(
    "request",
    metadata,
    key(),
    ref("subscription_id", "subscription"),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("language", String(35), nullable=False),
    Column("asked", JSON, nullable=False),
    Column("wording", String(64), ForeignKey("wording.hash"), nullable=True),
    moment("made_at"),
    moment("expires_at"),
    moment("settled_at", nullable=True),
    one_of("state", "open", "confirmed", "expired", "answered"),
    Index("ix_request_subscription_id_made_at", "subscription_id", "made_at"),
    partial_index("ix_request_open", "expires_at", where="state = 'open'"),
)

wording = Table(
    "wording",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("text", Text, nullable=False),
    moment("made_at"),
)

consent = Table(
    "consent",
    metadata,
    key(),
    ref("subscription_id", "subscription"),
    ref("request_id", "request", nullable=True),
    Column("act", String(16), nullable=False),
    moment("at"),
    Column("address", String(254), nullable=False),
    Column("form", String(64), nullable=False),
    Column("ip", String(45), nullable=True),
    Column("user_agent", String(500), nullable=True),
    Column("wording", String(64), ForeignKey("wording.hash"), nullable=True),
    Column("evidence", Text, nullable=True),
    one_of("act", "asked", "confirmed", "imported", "left", "ended", "suppressed"),
    Index("ix_consent_subscription_id_id", "subscription_id", "id"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("reason", String(32), nullable=False),
    moment("made_at"),
)

release = Table(
    "release",
    metadata,
    key(),
    Column("newsroom", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("identity", String(500), nullable=False),
    Column("slug", String(80), nullable=False),
    Column("kind", String(64), nullable=False, server_default=""),
    Column("topics", JSON, nullable=False),
    Column("issuer", String(300), nullable=True),
    Column("canonical_url", String(2000), nullable=True),
    Column("state", String(16), nullable=False),
    Column("hold_reason", String(300), nullable=True),
    moment("made_at"),
    moment("publish_at", nullable=True),
    moment("published_at", nullable=True),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("newsroom", "identity"),
    one_of("state", "held", "approved", "published", "withdrawn"),
    Index("ix_release_state_publish_at", "state", "publish_at"),
)

release_alias = Table(
    "release_alias",
    metadata,
    Column("newsroom", String(64), primary_key=True),
    Column("identity", String(500), primary_key=True),
    ref("release_id", "release"),
)

edition = Table(
    "edition",
    metadata,
    key(),
    ref("release_id", "release"),
    Column("language", String(35), nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("lead", Text, nullable=False),
    Column("body", JSON, nullable=False),
    Column("contacts", JSON, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    moment("made_at"),
    UniqueConstraint("release_id", "language", "version"),
)

source_state = Table(
    "source_state",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("etag", Text, nullable=True),
    Column("last_modified", Text, nullable=True),
    Column("seeded", Boolean, nullable=False),
    moment("polled_at", nullable=True),
    moment("next_at", nullable=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("fault", Text, nullable=True),
)

audit = Table(
    "audit",
    metadata,
    key(),
    moment("at"),
    Column("who", String(100), nullable=False),
    Column("act", String(40), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("detail", JSON, nullable=False),
)
