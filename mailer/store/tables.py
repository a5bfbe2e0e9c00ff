"""Every table, with the facts (unique keys, checks) that make each step of the house idempotent.

Times are aware UTC. States are words, so that an operator's own query reads like the log. One
`delivery` row is one message owed: a mailing's (unique per mailing and subscription) or a notice
(unique per purpose and cause). Its number is in the Message-ID, the return path and the journal.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mailer.store.columns import BigKey, key, metadata, moment, one_of, partial_index, ref

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

mailing = Table(
    "mailing",
    metadata,
    key(),
    Column("newsroom", String(64), nullable=False),
    ref("release_id", "release", nullable=True),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("hold_reason", String(300), nullable=True),
    Column("unknown", String(8), nullable=False),
    moment("made_at"),
    moment("finished_at", nullable=True),
    Column("consent_mark", BigKey, nullable=False),
    Column("audience", Integer, nullable=False),
    Column("settled", Integer, nullable=False, server_default="0"),
    one_of("state", "open", "held", "finished", "cancelled"),
    one_of("unknown", "resend", "hold"),
    partial_index("uq_mailing_first", "release_id", where="kind = 'first'", unique=True),
)

prepared = Table(
    "prepared",
    metadata,
    key(),
    ref("mailing_id", "mailing", nullable=True),
    ref("edition_id", "edition", nullable=True),
    Column("newsroom", String(64), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("language", String(35), nullable=False),
    Column("subject", Text, nullable=False),
    Column("return_path", String(254), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
    moment("made_at"),
    UniqueConstraint("digest"),
    Index("ix_prepared_mailing_id", "mailing_id"),
)


delivery = Table(
    "delivery",
    metadata,
    key(),
    ref("mailing_id", "mailing", nullable=True),
    ref("subscription_id", "subscription"),
    ref("prepared_id", "prepared"),
    Column("purpose", String(16), nullable=False),
    Column("cause", String(40), nullable=True),
    Column("state", String(16), nullable=False, server_default="due"),
    moment("made_at"),
    # Set for what is claimed one by one: notices and retries. A mailing's first try goes by chunk.
    moment("due_at", nullable=True),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("worker", String(64), nullable=True),
    moment("lease_until", nullable=True),
    moment("settled_at", nullable=True),
    Column("code", SmallInteger, nullable=True),
    Column("reply", String(200), nullable=True),
    one_of("state", "due", "accepted", "refused", "unknown", "ended", "expired", "cancelled"),
    partial_index(
        "uq_delivery_mailing_id_subscription_id",
        "mailing_id",
        "subscription_id",
        where="mailing_id IS NOT NULL",
        unique=True,
    ),
    partial_index(
        "uq_delivery_purpose_cause", "purpose", "cause", where="mailing_id IS NULL", unique=True
    ),
    partial_index("ix_delivery_due_at", "due_at", where="state = 'due' AND due_at IS NOT NULL"),
)

chunk = Table(
    "chunk",
    metadata,
    Column("mailing_id", BigKey, ForeignKey("mailing.id"), primary_key=True),
    # Deliveries lo..hi belong to the chunk; those up to mark were handed to a connection.
    Column("lo", BigKey, primary_key=True),
    Column("hi", BigKey, nullable=False),
    Column("mark", BigKey, nullable=False),
    Column("state", String(8), nullable=False, server_default="open"),
    Column("worker", String(64), nullable=True),
    moment("lease_until", nullable=True),
    one_of("state", "open", "leased", "done"),
    partial_index("ix_chunk_unfinished", "mailing_id", "lo", where="state <> 'done'"),
)

attempt = Table(
    "attempt",
    metadata,
    key(),
    ref("delivery_id", "delivery"),
    Column("number", SmallInteger, nullable=False),
    moment("at"),
    Column("relay", String(100), nullable=False),
    Column("phase", String(10), nullable=False),
    Column("result", String(10), nullable=False),
    Column("code", SmallInteger, nullable=False),
    Column("enhanced", String(12), nullable=False),
    Column("text", String(500), nullable=False),
    Column("blame", String(10), nullable=False),
    one_of("result", "accepted", "deferred", "refused", "unknown"),
    Index("ix_attempt_delivery_id", "delivery_id"),
)

returned = Table(
    "returned",
    metadata,
    key(),
    ref("delivery_id", "delivery", nullable=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("status", String(12), nullable=True),
    Column("reply", Text, nullable=True),
    moment("at"),
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
