"""Tries out a source: what is there, and what would become of each document and why; nothing is written."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mailer.core.decision import Action, Reason
from mailer.core.errors import MailerError, NotFound
from mailer.core.release import ReleaseDocument
from mailer.core.source import SendTerms, Source
from mailer.services import sighting
from mailer.services.details import Pages, as_announced, reading_terms
from mailer.services.folders import read_file
from mailer.services.looks import Look
from mailer.services.office import Office
from mailer.sources import watched
from mailer.sources.fetch import Failed, Fetched, Wanted, fetch
from mailer.sources.reading import Found, Refusal, read
from mailer.store import sources

PAGES = 5
"""Pages of announced releases that are read: a trial is no poll."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """One document, and what would become of it.

    Attributes:
        action: see `core.decision.Action`.
        release: the release it belongs to; None for a new one.
        names: all it would be known under.
        blocks: how many blocks its text has; 0 where its page was not read.
    """

    title: str
    language: str
    dated: datetime | None
    dated_as: str
    action: str
    why: str
    reasons: tuple[Reason, ...]
    release: int | None
    names: tuple[str, ...]
    blocks: int
    publish_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What is there.

    Attributes:
        place: an address, a file or a folder.
        first_look: a poll would mail nothing of it, since it would be the first.
        hub: who could tell us of news at once.
        fault, cure: why nothing can be made of it at all.
    """

    place: str
    format: str = ""
    first_look: bool = False
    documents: tuple[Prospect, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    hub: str | None = None
    fault: str | None = None
    cure: str | None = None


def of_place(office: Office, place: str, *, newsroom: str | None) -> Source:
    """A source that the settings do not have, on the terms of a newsroom: as if it were read all the time.

    Raises:
        NotFound: no such newsroom, or several to choose from.
    """
    if newsroom is None and len(office.newsrooms) > 1:
        known = ", ".join(sorted(office.newsrooms))
        raise NotFound("There are several newsrooms", f"name one with --newsroom: {known}")
    room = office.newsroom(newsroom or next(iter(office.newsrooms)))
    terms = SendTerms(approval="auto", issuers=(room.name, *room.issuers), kinds=room.kinds)
    web = place.startswith(("http://", "https://"))
    return Source(
        key="check",
        newsroom=room.key,
        url=place if web else "",
        folder="" if web else place,
        language=room.language,
        zone=room.time_zone,
        terms=replace(terms, arrival_dates=not web),
    )


def rehearse(office: Office, source: Source) -> Rehearsed:
    """Look at a source and say what would become of what is there."""
    return asyncio.run(_rehearse(office, source))


async def _rehearse(office: Office, source: Source) -> Rehearsed:
    look = _look(office, source)
    try:
        found = await _found(source)
    except MailerError as error:
        return Rehearsed(source.place, fault=error.what, cure=error.cure)
    if isinstance(found, Failed):
        return Rehearsed(source.place, fault=found.what, cure=found.cure)
    pages = Pages(source, left=PAGES)
    prospects = [await _prospect(office, look, one, pages) for one in found.documents]
    return Rehearsed(
        source.place,
        found.format,
        first_look=not look.seeded,
        documents=tuple(prospects),
        refusals=(*found.refusals, *pages.refusals),
        hub=found.hub,
    )


def _look(office: Office, source: Source) -> Look:
    if source.key not in office.sources:
        return Look(source, seeded=True, moved=False)
    with office.database.read() as connection:
        row = sources.read(connection, source.key)
    if row is None or not row.seeded:
        return Look(source, seeded=False, moved=False)
    return Look(source, seeded=True, moved=row.place != source.place)


async def _found(source: Source) -> Found | Failed:
    if source.folder:
        return _in_folder(source)
    secret = None if source.authorization is None else source.authorization()
    answer = await fetch(
        Wanted(
            source.url,
            authorization=secret,
            allow_private=source.allow_private,
            ca_file=source.ca_file,
        )
    )
    if isinstance(answer, Failed):
        return answer
    assert isinstance(answer, Fetched)  # nothing was asked conditionally
    found = read(
        answer.payload,
        media_type=answer.media_type,
        url=answer.url,
        terms=reading_terms(source),
    )
    return replace(found, hub=answer.links.get("hub") or found.hub)


def _in_folder(source: Source) -> Found:
    """All that lies in a folder, or the one file."""
    place = Path(source.folder)
    alone = place.is_file()
    folder = place.parent if alone else place
    files = [one for one in watched.look(folder) if not alone or one.path == place.name]
    documents: list[ReleaseDocument] = []
    refusals: list[Refusal] = []
    for one in files:
        there, faults = read_file(source, folder, one)
        documents.extend(there)
        refusals.extend(faults)
    if alone and not files:
        suffixes = ", ".join(sorted(watched.SUFFIXES))
        raise MailerError(
            f"{source.folder} is no file that is read", f"its name ends in {suffixes}"
        )
    return Found("file" if alone else "folder", tuple(documents), tuple(refusals))


async def _prospect(
    office: Office, look: Look, document: ReleaseDocument, pages: Pages
) -> Prospect:
    blocks = len(document.edition.body)
    shown = document
    if document.detail_url is not None:
        with office.database.read() as connection:
            known = sighting.announced(connection, look, document) is not None
        whole = None if known or pages.exhausted else await pages.whole(document)
        shown = whole or as_announced(document)
        blocks = len(whole.edition.body) if whole is not None else 0
    with office.database.read() as connection:
        judged = sighting.judge(office, connection, look, shown)
    return _told(judged, blocks)


def _told(judged: sighting.Judged, blocks: int) -> Prospect:
    document, decision = judged.document, judged.decision
    why, reasons = decision.why, decision.reasons
    if not blocks and decision.action in {Action.SEND, Action.HOLD}:
        why = f"{why}; its page is read first"
    return Prospect(
        title=document.edition.title,
        language=document.edition.language,
        dated=document.dated,
        dated_as=document.dated_as,
        action=decision.action.value,
        why=why,
        reasons=reasons,
        release=judged.release_id,
        names=judged.names,
        blocks=blocks,
        publish_at=decision.publish_at,
    )
