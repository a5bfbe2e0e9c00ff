"""The tables of digests: which releases wait for which reader, and which readers are still to be noted.

One row of `digest_due` is one release for one subscription, for ever: however often its reader changes how
often they have mail, it goes out in one digest. Who wants every language has one for each: what comes in a
digest beside the first text, and each language that comes later.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    String,
    Table,
)

from mailer.store.columns import BigKey, PartialIndex, metadata, moment, one_of, ref

digest_due = Table(
    "digest_due",
    metadata,
    Column(
        "subscription_id",
        BigKey,
        ForeignKey("subscription.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("release_id", BigKey, ForeignKey("release.id"), primary_key=True),
    # Empty until a digest has shown it, unless it is one language that is owed by itself.
    Column("language", String(35), primary_key=True, server_default=""),
    # The mailing whose frozen audience says so; none for what catches up, or came with another's address.
    ref("mailing_id", "mailing", nullable=True),
    Column("origin", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    # From when the next digest is reckoned, and when to look whether it has come.
    moment("since"),
    moment("due_at", nullable=True),
    moment("settled_at", nullable=True),
    # The digest that it went out in, and the text it was shown by.
    Column("delivery_id", BigKey, ForeignKey("delivery.id", ondelete="SET NULL"), nullable=True),
    ref("edition_id", "edition", nullable=True),
    # The subscription whose delivery it lies in, where that is another one and is not settled yet.
    Column("carrier_id", BigKey, ForeignKey("subscription.id", ondelete="SET NULL"), nullable=True),
    one_of("origin", "release", "catch_up", "passed"),
    one_of("state", "waiting", "taken", "ended", "withdrawn"),
    Index("ix_digest_due_release_id", "release_id"),
    PartialIndex("ix_digest_due_waiting", "due_at", "subscription_id", where="state = 'waiting'"),
    PartialIndex("ix_digest_due_delivery_id", "delivery_id", where="delivery_id IS NOT NULL"),
    PartialIndex("ix_digest_due_carrier_id", "carrier_id", where="carrier_id IS NOT NULL"),
)

# Releases whose readers with digests are still to be noted, and the last subscription that was looked at.
gathering = Table(
    "gathering",
    metadata,
    Column("mailing_id", BigKey, ForeignKey("mailing.id"), primary_key=True, autoincrement=False),
    Column("gathered_to", BigKey, nullable=False),
)
