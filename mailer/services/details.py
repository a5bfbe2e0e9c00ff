"""Reads the pages that a list only announces: few in one poll, each with a deadline, none that is known.

What an announcement says counts (its date, its names, its kind); what it lacks, its page adds, and the text
is the page's. A page that cannot be read leaves the release for the next poll: never mailed as it is.
"""

import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from mailer.core.errors import SourceFault
from mailer.core.identity import unlike_titles
from mailer.core.release import Block, ReleaseDocument, Run
from mailer.core.source import Source
from mailer.sources.fetch import Bounds, Failed, Fetched, Wanted, fetch
from mailer.sources.reading import ReadingTerms, Refusal, read

PAGES_A_POLL = 20
SECONDS_A_POLL = 120.0
_PAGE = Bounds(seconds=10.0)


@dataclass
class Pages:
    """The pages of one poll: how many more may be read.

    Attributes:
        left: pages.
        refusals: those that came to nothing.
    """

    source: Source
    left: int = PAGES_A_POLL
    until: float = field(default_factory=lambda: time.monotonic() + SECONDS_A_POLL)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def exhausted(self) -> bool:
        """No more may be read in this poll."""
        return self.left <= 0 or time.monotonic() >= self.until

    async def whole(self, document: ReleaseDocument) -> ReleaseDocument | None:
        """The document with its page's text; None where the page could not be read."""
        assert document.detail_url is not None
        self.left -= 1
        found = await fetch(_wanted(self.source, document.detail_url), bounds=_PAGE)
        if isinstance(found, Failed):
            self._refuse(document, found.what, found.cure)
            return None
        assert isinstance(found, Fetched)  # nothing was asked conditionally
        terms = replace(reading_terms(self.source), format="auto", text="auto")
        try:
            page = read(found.payload, media_type=found.media_type, url=found.url, terms=terms)
        except SourceFault as error:
            self._refuse(document, error.what, error.cure)
            return None
        there = [one for one in page.documents if one.edition.body]
        if not there:
            first = page.refusals[0] if page.refusals else None
            what, cure = (first.what, first.cure) if first else ("it has no text", "look at it")
            self._refuse(document, what, cure)
            return None
        own = [one for one in there if one.edition.language == document.edition.language]
        return merged(document, (own or there)[0])

    def _refuse(self, document: ReleaseDocument, what: str, cure: str) -> None:
        place = f"“{document.edition.title[:80]}” ({document.detail_url})"
        self.refusals.append(Refusal(place, what, cure))


def merged(announced: ReleaseDocument, page: ReleaseDocument) -> ReleaseDocument:
    """An announcement and its page as one."""
    edition = page.edition
    if unlike_titles(announced.edition.title, edition.title):  # a site's name, or a slogan
        edition = replace(edition, title=announced.edition.title)
    if not edition.lead and announced.edition.lead and not _begins(page, announced.edition.lead):
        edition = replace(edition, lead=announced.edition.lead)
    if not edition.pictures:
        edition = replace(edition, pictures=announced.edition.pictures)
    if not edition.files:
        edition = replace(edition, files=announced.edition.files)
    names = (*announced.names, *(name for name in (page.identity, page.canonical_url) if name))
    known = announced.dated is not None
    return replace(
        announced,
        edition=edition,
        detail_url=None,
        issuer=announced.issuer or page.issuer,
        identity=announced.identity or page.identity,
        canonical_url=announced.canonical_url or page.canonical_url,
        names=tuple(dict.fromkeys((*names, *page.names))),
        kind=announced.kind or page.kind,
        topics=tuple(dict.fromkeys((*announced.topics, *page.topics))),
        places=tuple(dict.fromkeys((*announced.places, *page.places))),
        dated=announced.dated if known else page.dated,
        dated_as=announced.dated_as if known else page.dated_as or announced.dated_as,
        publish_at=_later(announced.publish_at, page.publish_at),
        embargo_until=_later(announced.embargo_until, page.embargo_until),
        joint=announced.joint or page.joint,
        signal=announced.signal or page.signal,
        urgent=announced.urgent or page.urgent,
        warnings=tuple(dict.fromkeys((*announced.warnings, *page.warnings))),
    )


def as_announced(document: ReleaseDocument) -> ReleaseDocument:
    """What is shown of a release that is never mailed: the announcement's own words."""
    edition = document.edition
    if not edition.body:
        link = document.canonical_url or document.detail_url
        run = Run(edition.lead) if edition.lead else Run(link or edition.title, href=link)
        edition = replace(edition, lead="", body=(Block("paragraph", (run,)),))
    return replace(document, edition=edition, detail_url=None)


def reading_terms(source: Source) -> ReadingTerms:
    """On which terms what a source has is read."""
    return ReadingTerms(
        language=source.language,
        zone=source.zone,
        format=source.format,
        text=source.text,
    )


def _wanted(source: Source, url: str) -> Wanted:
    """A page is not told the source's secret unless it is of the same server."""
    own = urlsplit(source.url)[:2] == urlsplit(url)[:2]
    secret = source.authorization() if own and source.authorization is not None else None
    return Wanted(
        url, authorization=secret, allow_private=source.allow_private, ca_file=source.ca_file
    )


def _begins(page: ReleaseDocument, lead: str) -> bool:
    first = page.edition.body[0].text if page.edition.body else ""
    return " ".join(first.split()).startswith(" ".join(lead.split())[:60])


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)
