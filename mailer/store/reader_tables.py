"""The tables of what readers get beside the first text: late translations, and files that we keep."""

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table

from mailer.store.columns import BigKey, PartialIndex, metadata, moment, one_of

# Languages of a published release that are still to be mailed: gone once a mailing is opened for one.
translation = Table(
    "translation",
    metadata,
    Column("release_id", BigKey, ForeignKey("release.id"), primary_key=True, autoincrement=False),
    Column("language", String(35), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("reason", String(300), nullable=True),
    moment("made_at"),
    one_of("state", "held", "approved"),
    PartialIndex("ix_translation_approved", "release_id", where="state = 'approved'"),
)

# Files of a release that lie with us: those that were added from a disk, and those that a mail carries.
kept_file = Table(
    "kept_file",
    metadata,
    Column("release_id", BigKey, ForeignKey("release.id"), primary_key=True, autoincrement=False),
    Column("place", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("content", LargeBinary, nullable=False),
    moment("made_at"),
)
