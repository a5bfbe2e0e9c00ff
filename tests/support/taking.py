"""Intake for tests: an office with sources, polls by hand, and what came of them."""

import asyncio
from dataclasses import replace
from typing import Any

from support.feeds import feed_page, item, source_at
from support.web_source import WebSource

from mailer.core.source import Source
from mailer.services import intake, press, publish
from mailer.services.intake import Polled
from mailer.services.office import Office
from mailer.services.publish import Published
from mailer.store.releases import ReleaseRow


def having(office: Office, *given: Source) -> Office:
    """An office with these sources and no others."""
    return replace(office, sources={one.key: one for one in given})


def poll(office: Office, key: str = "feed") -> Polled:
    """Poll one source now."""
    return asyncio.run(intake.poll(office, key))


def due(office: Office) -> list[Polled]:
    """Poll those whose time has come."""
    return asyncio.run(intake.poll_due(office))


def rows(office: Office) -> list[ReleaseRow]:
    """Every release, oldest first."""
    return sorted(press.listed(office), key=lambda row: row.id)


def states(office: Office) -> dict[str, str]:
    """The state of each release, by its title."""
    return {row.edition.title: row.state for row in rows(office)}


def published(office: Office) -> list[int]:
    """Publish what is due; the numbers of the releases that went."""
    return [one.release_id for one in publish.publish_due(office) if isinstance(one, Published)]


def seeded(office: Office, server: WebSource, **changes: Any) -> Office:
    """An office whose source was looked at once, with one release in it."""
    server.pages["/feed"] = feed_page([item(1)])
    office = having(office, source_at(server, **changes))
    assert poll(office).counts == {"kept": 1}
    return office
