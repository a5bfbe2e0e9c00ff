"""The tables of the ledger: mailings, what is owed to whom, what was tried, what came back.

One `delivery` row is one message owed: a mailing's (unique per mailing and subscription) or a notice
(unique per purpose and cause). Its number is in the Message-ID, the return path and the journal.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from mailer.store.columns import BigKey, PartialIndex, key, lasting, moment, one_of, ref
from mailer.store.digest_tables import digest_due, gathering
from mailer.store.tables import metadata

__all__ = ["digest_due", "gathering", "metadata"]

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
    Column("urgent", Boolean, nullable=False, server_default=false()),
    # Its audience has those with digests too who want what is urgent at once.
    Column("urgent_at_once", Boolean, nullable=False, server_default=false()),
    moment("made_at"),
    # When its first delivery was handed to a connection: what a rate is reckoned from.
    moment("begun_at", nullable=True),
    moment("finished_at", nullable=True),
    Column("consent_mark", BigKey, nullable=False),
    # Of its release, those that readers could choose among.
    Column("topics", JSON(none_as_null=True), nullable=True),
    Column("kinds", JSON(none_as_null=True), nullable=True),
    Column("places", JSON(none_as_null=True), nullable=True),
    # Of a translation; else that of the message for those who chose none of its languages, if it is to all.
    Column("language", String(35), nullable=True),
    Column("to_all", Boolean, nullable=False, server_default=true()),
    Column("audience", Integer, nullable=False),
    # Beside what was accepted at the first try, which the chunks count; to reopen one is to count it back.
    Column("settled_otherwise", Integer, nullable=False, server_default="0"),
    # How far the audience's rows are written: the last subscription looked at, how many have none yet, and
    # how many are looked at in one go.
    Column("fanned_to", BigKey, nullable=True),
    Column("unwritten", Integer, nullable=False, server_default="0"),
    Column("portion", Integer, nullable=False, server_default="0"),
    one_of("state", "open", "held", "finished", "cancelled"),
    one_of("unknown", "resend", "hold"),
    PartialIndex("uq_mailing_first", "release_id", where="kind = 'first'", unique=True),
    PartialIndex(
        "uq_mailing_translation",
        "release_id",
        "language",
        where="kind = 'translation'",
        unique=True,
    ),
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
    # The message that whoever of its readers was not sent this one gets in its place: of the corrected text.
    Column("superseded_by", BigKey, nullable=True),
    # Of a notice about a change: the edition whose holders it is for.
    Column("held_edition_id", BigKey, nullable=True),
    moment("made_at"),
    UniqueConstraint("digest"),
    Index("ix_prepared_mailing_id", "mailing_id"),
)


delivery = Table(
    "delivery",
    metadata,
    key(),
    Column("mailing_id", BigKey, nullable=True),
    ref("subscription_id", "subscription"),
    Column("prepared_id", BigKey, nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("cause", String(40), nullable=True),
    # The delivery of its reader's own copy that this one is about, and is threaded to.
    Column("answers", BigKey, nullable=True),
    Column("state", String(16), nullable=False, server_default="due"),
    moment("made_at"),
    # Set for what is claimed one by one, notices and retries, as long as it is due. A mailing's first
    # try goes by chunk: no index knows of it, so that PostgreSQL settles it in place.
    moment("due_at", nullable=True),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("worker", String(64), nullable=True),
    moment("lease_until", nullable=True),
    moment("settled_at", nullable=True),
    Column("code", SmallInteger, nullable=True),
    Column("reply", String(200), nullable=True),
    lasting("mailing_id", "mailing"),
    lasting("prepared_id", "prepared"),
    one_of("state", "due", "accepted", "refused", "unknown", "ended", "expired", "cancelled"),
    PartialIndex(
        "uq_delivery_mailing_id_subscription_id",
        "mailing_id",
        "subscription_id",
        where="mailing_id IS NOT NULL",
        unique=True,
    ),
    PartialIndex(
        "uq_delivery_purpose_cause", "purpose", "cause", where="mailing_id IS NULL", unique=True
    ),
    # Who is forgotten is looked for here, by us and by the database for every row that refers to another.
    Index("ix_delivery_subscription_id", "subscription_id"),
    PartialIndex(
        "ix_delivery_waiting",
        "mailing_id",
        "due_at",
        where="due_at IS NOT NULL",
    ),
    # On PostgreSQL its migration leaves room on a page for every row's second version, the one with the
    # outcome (fillfactor 40): then no index hears of it.
)

chunk = Table(
    "chunk",
    metadata,
    Column("mailing_id", BigKey, primary_key=True),
    # Deliveries lo..hi belong to the chunk; those up to mark were handed to a connection.
    Column("lo", BigKey, primary_key=True),
    Column("hi", BigKey, nullable=False),
    Column("mark", BigKey, nullable=False),
    # Of its deliveries, those that were accepted at their first try.
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("state", String(8), nullable=False, server_default="open"),
    Column("worker", String(64), nullable=True),
    moment("lease_until", nullable=True),
    lasting("mailing_id", "mailing"),
    one_of("state", "open", "leased", "done"),
    PartialIndex("ix_chunk_unfinished", "mailing_id", "lo", where="state <> 'done'"),
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
    Index("ix_returned_delivery_id", "delivery_id"),
)

relay_health = Table(
    "relay_health",
    metadata,
    Column("relay", String(100), primary_key=True),
    Column("host", String(64), primary_key=True),
    moment("failing_since", nullable=True),
    Column("fault", Text, nullable=True),
    moment("at"),
)
