"""Keeps what was shown beside a form as evidence: the privacy notice, each version of it once."""

from datetime import datetime

from mailer.core.newsroom import Newsroom
from mailer.store import consents
from mailer.store.database import Connection


def keep_privacy(
    connection: Connection, newsroom: Newsroom, language: str, now: datetime
) -> str | None:
    """The hash of the privacy notice that a form in this language leads to; None where there is none.

    Where the newsroom has given no text of it, its address is kept: which notice was linked to can
    then still be told, though not what it said.
    """
    shown = newsroom.privacy(language) or newsroom.privacy_url
    return consents.keep_wording(connection, shown, now) if shown else None
