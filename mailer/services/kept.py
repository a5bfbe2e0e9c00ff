"""Between a prepared message and the row it is kept in."""

import hashlib

from mailer.core.newsroom import Newsroom
from mailer.mail.prepare import Prepared
from mailer.store.messages import NewPrepared, PreparedRow


def to_keep(
    ready: Prepared,
    newsroom: Newsroom,
    *,
    mailing_id: int | None = None,
    edition_id: int | None = None,
) -> NewPrepared:
    """A prepared message as it is kept: a notice's by itself, a release's with its mailing."""
    return NewPrepared(
        newsroom=newsroom.key,
        purpose=ready.purpose,
        language=ready.language,
        subject=ready.subject,
        return_path=ready.return_path,
        content=ready.content,
        digest=ready.digest if mailing_id is None else _of_mailing(ready.digest, mailing_id),
        mailing_id=mailing_id,
        edition_id=edition_id,
    )


def as_prepared(row: PreparedRow) -> Prepared:
    """A kept message as the composer takes it."""
    return Prepared(
        purpose=row.purpose,
        language=row.language,
        subject=row.subject,
        return_path=row.return_path,
        content=row.content,
    )


def _of_mailing(digest: str, mailing_id: int) -> str:
    """A mailing has messages of its own, even where another says the same."""
    return hashlib.sha256(f"{mailing_id}:{digest}".encode()).hexdigest()
