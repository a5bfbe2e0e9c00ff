"""Owes a notice: a message about a reader's own subscription, prepared once and due at once."""

from functools import lru_cache

from mailer.core.delivery import Purpose
from mailer.core.newsroom import Newsroom, Site
from mailer.mail.prepare import Prepared, prepare_notice
from mailer.services.kept import to_keep
from mailer.services.office import Office
from mailer.store import mailings, messages, wakeup
from mailer.store.database import Connection
from mailer.texts.templates import Templates


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
    """Owe one notice within the caller's transaction; owed once for its purpose and cause.

    Dispatchers elsewhere are woken when it commits; `office.wake` is for the one in this process.

    Args:
        cause: what made it, as `request:17`.
        language: one of the newsroom's languages.
    """
    now = office.clock()
    ready = _rendered(office.templates, office.site, newsroom, purpose, language)
    prepared_id = messages.keep_prepared(connection, to_keep(ready, newsroom), now)
    mailings.owe_notice(
        connection,
        purpose=purpose,
        cause=cause,
        subscription_id=subscription_id,
        prepared_id=prepared_id,
        now=now,
    )
    wakeup.notify(connection)


@lru_cache(maxsize=256)
def _rendered(
    templates: Templates, site: Site, newsroom: Newsroom, purpose: Purpose, language: str
) -> Prepared:
    """Templates, site and newsroom are settled for the life of a process, so one rendering serves all."""
    return prepare_notice(
        templates, site=site, newsroom=newsroom, purpose=purpose, language=language
    )
