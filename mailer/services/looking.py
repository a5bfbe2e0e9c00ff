"""Looks at one source that was claimed: fetches or leafs through it, reads what is there, takes it in."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from mailer.core.errors import SourceFault
from mailer.core.source import Source
from mailer.services import folders
from mailer.services.details import Pages, reading_terms
from mailer.services.looks import Look, TurnOver
from mailer.services.office import Office
from mailer.services.taking import Tally, take_in
from mailer.sources.fetch import Failed, Fetched, NotModified, Wanted, fetch
from mailer.sources.reading import Found, read
from mailer.store import intake, sources
from mailer.store.sources import SourceRow

log = logging.getLogger(__name__)


@dataclass
class Poll:
    """One poll under way.

    Attributes:
        row: how the source stood when it was claimed.
        values: what is to be kept of the source for the next look.
        soon: it is to be looked at again after so long.
        found, links: what was read, and the addresses that its server named; for `services.hub`.
        outcome: read or unchanged.
    """

    office: Office
    source: Source
    row: SourceRow
    tally: Tally = field(default_factory=Tally)
    values: dict[str, Any] = field(default_factory=dict)
    soon: timedelta | None = None
    found: Found | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    outcome: str = "read"

    @property
    def look(self) -> Look:
        """What a document is judged by beside itself."""
        moved = self.row.seeded and self.row.place != self.source.place
        return Look(self.source, self.row.seeded, moved, self.row.turn)


async def look_at(of: Poll) -> Failed | None:
    """Look at a source and take in what is there; what failed is a value.

    Raises:
        MailerError: nothing can be made of what is there.
        TurnOver: another dispatcher took the source over.
        ServiceMissing, TryLater: the database is away.
    """
    if of.source.folder:
        await _leaf_through(of)
        return None
    fault = await _fetch(of)
    if fault is None or of.row.seeded:
        await _take_pushed(of)
    return fault


async def _fetch(of: Poll) -> Failed | None:
    source, row = of.source, of.row
    with of.office.database.read() as connection:
        watched = intake.next_due(connection, source.key) is not None
    anew = watched or row.terms != source.reading
    found = await fetch(
        Wanted(
            source.url,
            etag=None if anew else row.etag,
            last_modified=None if anew else row.last_modified,
            authorization=None if source.authorization is None else source.authorization(),
            allow_private=source.allow_private,
            ca_file=source.ca_file,
        )
    )
    if isinstance(found, Failed):
        return found
    if isinstance(found, NotModified):
        of.outcome = "unchanged"
        return None
    digest = sha256(found.payload).hexdigest()
    validators = {"etag": found.etag, "last_modified": found.last_modified, "digest": digest}
    of.links = found.links
    if digest == row.digest and not anew:
        of.outcome = "unchanged"
        of.values |= validators
        return None
    await _take_payload(of, found)
    if of.tally.left:  # the same again has still something for us
        validators = dict.fromkeys(validators)
    of.values |= validators
    return None


async def _take_payload(of: Poll, found: Fetched) -> None:
    """Read a payload and take in what it holds.

    Raises:
        SourceFault: nothing can be made of it.
    """
    of.found = read(
        found.payload,
        media_type=found.media_type,
        url=found.url,
        terms=reading_terms(of.source),
    )
    of.tally.refusals.extend(of.found.refusals)
    pages = Pages(of.source)
    await take_in(of.office, of.look, of.found.documents, pages, of.tally)


async def _take_pushed(of: Poll) -> None:
    """Take in what the hub sent; what cannot be read is let go of, for the source itself was asked too."""
    with of.office.database.read() as connection:
        waiting = sources.pushes(connection, of.source.key)
    if waiting and not of.row.seeded:
        of.row = _seeded(of.row)
    for one in waiting:
        found = of.found
        try:
            await _take_payload(of, Fetched(one.payload, one.media_type, of.source.url))
        except SourceFault as error:
            log.warning("push refused", extra={"source": of.source.key, "reason": error.what})
        of.found = found or of.found
        with of.office.database.write() as connection:
            sources.forget_push(connection, one.id)


async def _leaf_through(of: Poll) -> None:
    key = of.source.key
    with of.office.database.read() as connection:
        before = sources.files(connection, key)
    leafed = folders.leaf_through(of.source, before, of.office.clock())
    of.tally.refusals.extend(leafed.refusals)
    await take_in(of.office, of.look, leafed.documents, Pages(of.source), of.tally)
    with of.office.database.write() as connection:
        if not sources.holds(connection, key, of.row.turn):
            raise TurnOver
        sources.note_files(connection, key, folders.changed(leafed, before), leafed.gone)
    if leafed.unsettled:
        of.soon = folders.QUIET


def _seeded(row: SourceRow) -> SourceRow:
    """After its first look a source is known."""
    return replace(row, seeded=True)
