"""Owes notices: messages about a reader's own subscription, prepared once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from mailer.core.delivery import Purpose
from mailer.core.newsroom import Newsroom, Site
from mailer.mail.prepare import Prepared, prepare_notice
from mailer.services.kept import to_keep
from mailer.services.office import Office
from mailer.store import mailings, messages, wakeup
from mailer.store.database import Connection
from mailer.store.mailings import NewNotice
from mailer.texts.templates import Templates


@dataclass(frozen=True, slots=True)
class Owed:
    """A notice to owe.

    Attributes:
        cause: what made it, as `request:17`.
        language: one of the newsroom's languages.
        due_at: when it may leave; None where it waits for an operator's word.
    """

    purpose: Purpose
    newsroom: Newsroom
    language: str
    subscription_id: int
    cause: str
    due_at: datetime | None


def owe(
    office: Office,
    connection: Connection,
    *,
    purpose: Purpose,
    newsroom: Newsroom,
    language: str,
    subscription_id: int,
    cause: str,
) -> None:
    """Owe one notice, due at once, within the caller's transaction; owed once for its purpose and cause.

    Dispatchers elsewhere are woken when it commits; `office.wake` is for the one in this process.

    Args:
        cause: what made it, as `request:17`.
        language: one of the newsroom's languages.
    """
    now = office.clock()
    owe_all(
        office,
        connection,
        [Owed(purpose, newsroom, language, subscription_id, cause, now)],
        now,
    )


def owe_all(office: Office, connection: Connection, owed: Sequence[Owed], now: datetime) -> None:
    """Owe some notices within the caller's transaction; as `owe`."""
    if not owed:
        return
    kept: dict[tuple[Purpose, str, str], int] = {}
    for one in owed:
        key = (one.purpose, one.newsroom.key, one.language)
        if key not in kept:
            ready = _rendered(
                office.templates, office.site, one.newsroom, one.purpose, one.language
            )
            kept[key] = messages.keep_prepared(connection, to_keep(ready, one.newsroom), now)
    news = [
        NewNotice(
            one.purpose,
            one.cause,
            one.subscription_id,
            kept[one.purpose, one.newsroom.key, one.language],
            one.due_at,
        )
        for one in owed
    ]
    mailings.owe_notices(connection, news, now)
    wakeup.notify(connection)


@lru_cache(maxsize=256)
def _rendered(
    templates: Templates, site: Site, newsroom: Newsroom, purpose: Purpose, language: str
) -> Prepared:
    """Templates, site and newsroom are settled for the life of a process, so one rendering serves all."""
    return prepare_notice(
        templates, site=site, newsroom=newsroom, purpose=purpose, language=language
    )
