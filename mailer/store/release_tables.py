"""The tables of releases: an identity under many names, texts that never change, what was decided."""

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

from mailer.store.columns import BigKey, PartialIndex, key, metadata, moment, one_of, ref

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
    Column("places", JSON, nullable=False, server_default="[]"),
    Column("issuer", String(300), nullable=True),
    Column("canonical_url", String(2000), nullable=True),
    Column("state", String(16), nullable=False),
    Column("hold_reason", String(300), nullable=True),
    moment("made_at"),
    moment("publish_at", nullable=True),
    moment("published_at", nullable=True),
    # Nobody may see it before, but for accredited readers.
    moment("embargo_until", nullable=True),
    moment("approved_at", nullable=True),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    # What releases of several newsrooms that are one and the same have in common.
    Column("joint", String(200), nullable=True),
    # When its source says it was published there, and in which words.
    moment("dated", nullable=True),
    Column("dated_as", String(100), nullable=False, server_default=""),
    # The release whose correction or withdrawal it became; it is no release any more.
    Column("became", BigKey, nullable=True),
    # What its source said last of an embargo; the desk may have said something else since.
    moment("embargo_said", nullable=True),
    # Whose word it needs before it is mailed: auto, hold, two.
    Column("approval", String(8), nullable=False, server_default="hold"),
    # What was decided about it and why, oldest first.
    Column("decisions", JSON(none_as_null=True), nullable=True),
    UniqueConstraint("newsroom", "identity"),
    one_of("state", "held", "approved", "published", "withdrawn"),
    Index("ix_release_state_publish_at", "state", "publish_at"),
    Index("ix_release_newsroom_state_published_at", "newsroom", "state", "published_at"),
    PartialIndex("ix_release_joint", "joint", where="joint IS NOT NULL"),
    PartialIndex("ix_release_became", "became", where="became IS NOT NULL"),
    PartialIndex("ix_release_embargo_said", "embargo_said", where="embargo_said IS NOT NULL"),
)

release_alias = Table(
    "release_alias",
    metadata,
    Column("newsroom", String(64), primary_key=True),
    Column("identity", String(500), primary_key=True),
    ref("release_id", "release"),
    Index("ix_release_alias_release_id", "release_id"),
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
    Column("files", JSON, nullable=False, server_default="[]"),
    Column("pictures", JSON, nullable=False, server_default="[]"),
    Column("fingerprint", String(64), nullable=False),
    moment("made_at"),
    UniqueConstraint("release_id", "language", "version"),
    Index("ix_edition_fingerprint", "fingerprint"),
)

# Whose word a release has, of those it needs: for the text they saw, and no later one.
approval = Table(
    "approval",
    metadata,
    Column("release_id", BigKey, ForeignKey("release.id"), primary_key=True, autoincrement=False),
    Column("who", String(100), primary_key=True),
    ref("edition_id", "edition"),
    moment("at"),
)
