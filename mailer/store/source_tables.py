"""The tables of intake: how each source stands, what was pushed to us, and the files of watched folders."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from mailer.store.columns import key, metadata, moment

source_state = Table(
    "source_state",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("etag", Text, nullable=True),
    Column("last_modified", Text, nullable=True),
    Column("seeded", Boolean, nullable=False),
    moment("polled_at", nullable=True),
    # When it is polled next; while it is being polled, when somebody else may take it to be dead.
    moment("next_at", nullable=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("fault", Text, nullable=True),
    Column("cure", Text, nullable=True),
    moment("failing_since", nullable=True),
    # Rises with each claim: who was taken over writes nothing.
    Column("turn", Integer, nullable=False, server_default="0"),
    # Where it was seeded; what lies at another place now may be known to us under another name.
    Column("place", Text, nullable=True),
    # Of the settings it was last read under, and of what was read: the same again holds nothing new.
    Column("terms", String(64), nullable=True),
    Column("digest", String(64), nullable=True),
    # What the last reading came to, for those who ask: numbers, and refusals in words.
    Column("last", JSON(none_as_null=True), nullable=True),
    moment("found_at", nullable=True),
    # WebSub: whom we asked to tell us of news, under which name, and until when that was promised.
    Column("hub", Text, nullable=True),
    Column("topic", Text, nullable=True),
    Column("hub_state", String(16), nullable=False, server_default=""),
    Column("hub_fault", Text, nullable=True),
    moment("hub_asked_at", nullable=True),
    moment("hub_until", nullable=True),
    moment("pushed_at", nullable=True),
)

# What hubs sent and nobody has read yet.
push = Table(
    "push",
    metadata,
    key(),
    Column("source", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("media_type", String(200), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    moment("at"),
    UniqueConstraint("source", "digest"),
)

# The files of watched folders: as they were when last looked at, since when, and what came of reading them.
folder_file = Table(
    "folder_file",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("path", String(500), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("stamp", BigInteger, nullable=False),
    moment("since"),
    Column("taken", Boolean, nullable=False),
    Column("fault", Text, nullable=True),
)
