"""The tables of the press desk: what it changed once something had left, and who may read early."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, String, Table, Text, false

from mailer.store.columns import BigKey, PartialIndex, key, metadata, moment, one_of, ref

# What the desk changed of a release of which something has left, or is about to (`store.amendments`).
amendment = Table(
    "amendment",
    metadata,
    key(),
    ref("release_id", "release"),
    Column("kind", String(16), nullable=False),
    # The corrected text; none where the words stayed.
    ref("edition_id", "edition", nullable=True),
    # Tells those who hold what was changed; none where nobody is told.
    ref("mailing_id", "mailing", nullable=True),
    # The numbers of the editions that it changed or took back.
    Column("editions", JSON, nullable=False),
    # The last prepared message there was before: those after it say what is so since.
    Column("message_mark", BigKey, nullable=False),
    Column("note", Text, nullable=False),
    Column("silent", Boolean, nullable=False, server_default=false()),
    Column("who", String(100), nullable=False),
    moment("embargo_until", nullable=True),
    moment("made_at"),
    # When nothing of what it changed was in anybody's hand any more.
    moment("settled_at", nullable=True),
    one_of("kind", "correction", "withdrawal", "moved", "lifted", "killed"),
    PartialIndex("ix_amendment_unsettled", "release_id", where="settled_at IS NULL"),
    PartialIndex("ix_amendment_edition_id", "edition_id", where="edition_id IS NOT NULL"),
)

# Who may read what is under embargo. Nothing is taken out: a grant ends by its day, or is taken back.
accreditation = Table(
    "accreditation",
    metadata,
    key(),
    Column(
        "subscription_id",
        BigKey,
        ForeignKey("subscription.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("tier", String(32), nullable=False),
    Column("outlet", String(200), nullable=False),
    Column("approved_by", String(100), nullable=False),
    moment("made_at"),
    moment("expires_at"),
    moment("revoked_at", nullable=True),
    # The last mailing there was as it was granted, and as it was taken back: whom one is for is told by
    # its number, which no clock moves.
    Column("made_after", BigKey, nullable=False),
    Column("revoked_after", BigKey, nullable=True),
    PartialIndex(
        "uq_accreditation_subscription_id",
        "subscription_id",
        where="revoked_at IS NULL",
        unique=True,
    ),
)
