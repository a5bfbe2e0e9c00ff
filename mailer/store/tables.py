"""The tables of people and of what operators did, with the facts that make each step of the house idempotent.

Times are aware UTC. States are words, so that an operator's own query reads like the log. Those
of the ledger, of releases and of sources are in modules of their own; all share one `metadata`.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from mailer.store.columns import BigKey, PartialIndex, key, metadata, moment, one_of, ref
from mailer.store.desk_tables import accreditation, amendment
from mailer.store.gate_tables import bucket, held_notice, surge
from mailer.store.reader_tables import kept_file, translation
from mailer.store.release_tables import approval, edition, release, release_alias
from mailer.store.retention_tables import tidied, timer
from mailer.store.source_tables import folder_file, push, source_state

__all__ = [
    "accreditation",
    "amendment",
    "approval",
    "bucket",
    "edition",
    "folder_file",
    "held_notice",
    "kept_file",
    "metadata",
    "push",
    "release",
    "release_alias",
    "source_state",
    "surge",
    "tidied",
    "timer",
    "translation",
]

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

CHOOSY = (
    "(topics IS NOT NULL OR kinds IS NOT NULL OR places IS NOT NULL"
    " OR paused_until IS NOT NULL OR frequency <> 'at_once')"
)
"""Who does not want everything at once: few, and asked for as releases are mailed."""

subscription = Table(
    "subscription",
    metadata,
    key(),
    ref("subscriber_id", "subscriber"),
    Column("newsroom", String(64), nullable=False),
    Column("state", String(16), nullable=False, server_default="pending"),
    Column("languages", JSON, nullable=False),
    Column("topics", JSON(none_as_null=True), nullable=True),
    Column("kinds", JSON(none_as_null=True), nullable=True),
    Column("places", JSON(none_as_null=True), nullable=True),
    Column("every_language", Boolean, nullable=False, server_default=false()),
    Column("frequency", String(16), nullable=False, server_default="at_once"),
    moment("paused_until", nullable=True),
    Column("hour", SmallInteger, nullable=False, server_default="8"),
    Column("weekday", SmallInteger, nullable=False, server_default="0"),
    Column("urgent_at_once", Boolean, nullable=False, server_default=true()),
    Column("merged", Boolean, nullable=False, server_default=false()),
    # Rises with each change of choice: a page that was opened before it changes nothing.
    Column("revision", Integer, nullable=False, server_default="0"),
    Column("generation", Integer, nullable=False, server_default="0"),
    moment("made_at"),
    moment("active_since", nullable=True),
    moment("ended_at", nullable=True),
    Column("end_reason", String(32), nullable=True),
    UniqueConstraint("subscriber_id", "newsroom"),
    one_of("state", "pending", "active", "ended"),
    Index("ix_subscription_newsroom_state", "newsroom", "state"),
    Index("ix_subscription_newsroom_id", "newsroom", "id"),
    PartialIndex("ix_subscription_every_language", "newsroom", where="every_language"),
    PartialIndex("ix_subscription_choosy", "newsroom", "state", where=CHOOSY),
    PartialIndex("ix_subscription_ended_at", "ended_at", where="state = 'ended'"),
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
    # The page that answered the sign-up and takes its code; how many codes were typed, on any page.
    Column("attempt", BigKey, nullable=True),
    Column("entries", SmallInteger, nullable=False, server_default="0"),
    # The expired request whose page asked for this one: a fresh mail, once for each.
    Column("renews", BigKey, nullable=True),
    # When upkeep looks at it next: to remind of it, or to forget it.
    moment("tend_at", nullable=True),
    one_of("state", "open", "confirmed", "expired", "answered"),
    Index("ix_request_subscription_id_made_at", "subscription_id", "made_at"),
    Index("uq_request_attempt", "attempt", unique=True),
    Index("uq_request_renews", "renews", unique=True),
    PartialIndex("ix_request_open", "expires_at", where="state = 'open'"),
    PartialIndex("ix_request_tend_at", "tend_at", where="tend_at IS NOT NULL"),
)

# How many codes were typed on a page, whether or not a request is behind it.
guess = Table(
    "guess",
    metadata,
    Column("attempt", BigKey, primary_key=True, autoincrement=False),
    Column("entries", SmallInteger, nullable=False),
    moment("made_at"),
    Index("ix_guess_made_at", "made_at"),
)

# Who let a sign-up lapse: all that is left of them, so that they are not reminded again.
lapsed = Table(
    "lapsed",
    metadata,
    Column("hash", String(64), primary_key=True),
    moment("until"),
    Index("ix_lapsed_until", "until"),
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
    Column("privacy", String(64), ForeignKey("wording.hash"), nullable=True),
    Column("evidence", Text, nullable=True),
    # Of the subscription when it was left: the way back is open as long as it is the same.
    Column("generation", Integer, nullable=True),
    # The whole choice as it stands after this entry. Of an imported list the languages alone: the rest of it
    # is everything, as nobody chose otherwise.
    Column("choice", JSON(none_as_null=True), nullable=True),
    one_of("act", "asked", "confirmed", "imported", "chosen", "left", "ended", "suppressed"),
    Index("ix_consent_subscription_id_id", "subscription_id", "id"),
    Index("ix_consent_request_id", "request_id"),
    PartialIndex("ix_consent_ip", "at", where="ip IS NOT NULL"),
    PartialIndex("ix_consent_user_agent", "at", where="user_agent IS NOT NULL"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("reason", String(32), nullable=False),
    moment("made_at"),
)

# Whom imports pass over until they sign up anew: all that is left of who asked to be forgotten.
erased = Table(
    "erased",
    metadata,
    Column("hash", String(64), primary_key=True),
    moment("made_at"),
    Index("ix_erased_made_at", "made_at"),
)

# What goes with the people it is about when retention lets go of them.
_gone = "CASCADE"

# A mailed link to a mailbox's choices. It dies when the generations it was made with are others.
manage_link = Table(
    "manage_link",
    metadata,
    key(),
    Column("subscriber_id", BigKey, ForeignKey("subscriber.id", ondelete=_gone), nullable=False),
    Column("newsroom", String(64), nullable=False),
    Column("language", String(35), nullable=False),
    Column("generations", JSON, nullable=False),
    moment("made_at"),
    moment("expires_at"),
    Index("ix_manage_link_subscriber_id_made_at", "subscriber_id", "made_at"),
    Index("ix_manage_link_expires_at", "expires_at"),
    sqlite_autoincrement=True,  # a number that was ever mailed never names another's link
)

# Whose subscriptions a request of kind "move" takes to its own mailbox.
move = Table(
    "move",
    metadata,
    Column(
        "request_id",
        BigKey,
        ForeignKey("request.id", ondelete=_gone),
        primary_key=True,
        autoincrement=False,
    ),
    Column("subscriber_id", BigKey, ForeignKey("subscriber.id", ondelete=_gone), nullable=False),
    Index("ix_move_subscriber_id", "subscriber_id"),
)

# A subscription that ended since another one of the same reader goes on; old links to leave follow.
merged = Table(
    "merged",
    metadata,
    Column(
        "subscription_id",
        BigKey,
        ForeignKey("subscription.id", ondelete=_gone),
        primary_key=True,
        autoincrement=False,
    ),
    Column("into_id", BigKey, ForeignKey("subscription.id", ondelete=_gone), nullable=False),
    Index("ix_merged_into_id", "into_id"),
)

# Whose copies a subscription stands for beside its own: of those that ended since it goes on in their place.
inherited = Table(
    "inherited",
    metadata,
    Column(
        "subscription_id",
        BigKey,
        ForeignKey("subscription.id", ondelete=_gone),
        primary_key=True,
        autoincrement=False,
    ),
    Column(
        "from_id",
        BigKey,
        ForeignKey("subscription.id", ondelete=_gone),
        primary_key=True,
        autoincrement=False,
    ),
    # The consent entry by which it went on: audiences frozen before know nothing of it.
    Column("mark", BigKey, primary_key=True, autoincrement=False),
    # The entry by which the other one had ended: what it is sent later, its reader being back, is its own.
    Column("until", BigKey, nullable=False),
    # Those copies went to the mailbox that goes on.
    Column("here", Boolean, nullable=False),
    Index("ix_inherited_from_id", "from_id"),
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
