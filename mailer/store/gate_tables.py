"""The tables that bound sign-ups: how full each bucket is, whether sign-ups explode, and what is held.

No row names anybody: what a bucket counts is a keyed hash.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table

from mailer.store.columns import BigKey, metadata, moment

bucket = Table(
    "bucket",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    # Milliseconds since 1970, since both databases can add them up: when it will be empty, and how
    # long a full one takes to run empty.
    Column("empty_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("ix_bucket_empty_at", "empty_at"),
)

surge = Table(
    "surge",
    metadata,
    Column("lane", String(16), primary_key=True),
    moment("since"),
    moment("until"),
)

held_notice = Table(
    "held_notice",
    metadata,
    Column("delivery_id", BigKey, ForeignKey("delivery.id", ondelete="CASCADE"), primary_key=True),
    moment("held_at"),
)
