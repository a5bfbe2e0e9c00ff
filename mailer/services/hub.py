"""WebSub as its subscriber: asks a feed's hub to tell us of news, and asks again in time.

    ask       the feed names its hub and itself; the request names our address for it and a secret
    verified  it asks whether that was us (`services.pushed`)
    renewed   by the poller, when half of the time has gone that it granted

Polling goes on as ever: a hub that is silent loses nothing.
"""

import logging
from collections.abc import Mapping

from mailer.core.source import Source
from mailer.core.websub import LEASE, asks_again
from mailer.services.office import Office
from mailer.services.pushed import callback, secrets
from mailer.sources.fetch import Failed, Wanted, fetch
from mailer.sources.reading import Found
from mailer.store import sources
from mailer.store.sources import SourceRow

log = logging.getLogger(__name__)


async def keep_asking(
    office: Office, source: Source, found: Found | None, links: Mapping[str, str]
) -> None:
    """Ask a source's hub, if it names one, where that is due.

    Args:
        found: what was read of the source just now; None where it had not changed.
        links: what its server said of it (RFC 8288).
    """
    if not source.websub or source.folder:
        return
    with office.database.read() as connection:
        row = sources.read(connection, source.key)
    if row is None:
        return
    hub, topic = _announced(source, row, found, links)
    if hub is None:
        return
    now = office.clock()
    same = (hub, topic) == (row.hub, row.topic)
    state = row.hub_state if same else ""
    if not asks_again(state, asked_at=row.hub_asked_at, until=row.hub_until, now=now):
        return
    # Written before it is asked: its question may come before its answer. What is active stays so.
    asked = {"hub": hub, "topic": topic, "hub_asked_at": now, "hub_fault": None}
    kept = "active" if state == "active" and row.hub_until and row.hub_until > now else "asked"
    with office.database.write() as connection:
        sources.note_hub(connection, source.key, {**asked, "hub_state": kept})
    outcome = await fetch(
        Wanted(
            hub,
            allow_private=source.allow_private,
            ca_file=source.ca_file,
            form={
                "hub.mode": "subscribe",
                "hub.topic": topic,
                "hub.callback": callback(office, source.key, topic),
                "hub.secret": secrets(office, source.key, topic)[0],
                "hub.lease_seconds": str(int(LEASE.total_seconds())),
            },
        )
    )
    if isinstance(outcome, Failed):
        with office.database.write() as connection:
            sources.note_hub(connection, source.key, {"hub_fault": outcome.what[:1000]})
        log.warning("hub refused", extra={"source": source.key, "reason": outcome.what})


def _announced(
    source: Source, row: SourceRow, found: Found | None, links: Mapping[str, str]
) -> tuple[str | None, str]:
    """The hub and the topic, by the server's word before the feed's (section 4), or as they were before."""
    hub = links.get("hub") or (found.hub if found is not None else None)
    if hub is None:
        return (row.hub, row.topic or source.url) if found is None else (None, "")
    topic = links.get("self") or (found.self_url if found is not None else None)
    return hub, topic or source.url
