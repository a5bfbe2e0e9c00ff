"""What a newsroom's feeds say, whatever form they take: the newest releases, whole, under lasting names.

An entry's name is a tag URI (RFC 4151): the sender's domain, the day it was published, newsroom and
number. Neither another title nor another address of the site changes it, so that a feed reader never
shows a release twice. A feed of one language names the language too, since its text is another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mailer import __version__
from mailer.core.newsroom import Newsroom
from mailer.services.public import PublicRelease, Withdrawn
from mailer.texts.catalogue import spoken, translations
from mailer.texts.wording import kind_label
from mailer.web.pages import Pages
from mailer.web.paths import contact_runs, release_path

GENERATOR = f"pressmailer {__version__}"
_SINCE = "2026-01-01"  # any day on which a sender held its domain serves to name its newsroom


@dataclass(frozen=True, slots=True)
class Entry:
    """One release in a feed.

    Attributes:
        name: a tag URI that never changes.
        address: of its page on this site.
        elsewhere: of its page at its source; empty for none.
        content: safe HTML with absolute links.
    """

    name: str
    address: str
    elsewhere: str
    language: str
    kind: str
    title: str
    lead: str
    content: str
    published: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Feed:
    """A newsroom's feed.

    Attributes:
        home: the newsroom's page.
        own: the feed's own address, by form ("atom", "rss", "json").
        icon: the address of the newsroom's logo; empty for none.
        updated: when the newest change was; None while there is nothing.
    """

    name: str
    title: str
    issuer: str
    language: str
    home: str
    own: dict[str, str]
    icon: str
    entries: tuple[Entry, ...]

    @property
    def updated(self) -> datetime | None:
        return max((entry.updated for entry in self.entries), default=None)


def feed_of(
    pages: Pages,
    newsroom: Newsroom,
    language: str | None,
    releases: Sequence[PublicRelease | Withdrawn],
) -> Feed:
    """The feed of a newsroom.

    Args:
        language: the one that its releases are in; None for the feed of all.
    """
    stated = language or newsroom.language
    query = f"?lang={language}" if language else ""
    own = {form: f"/{newsroom.key}/feed.{form}{query}" for form in ("atom", "rss", "json")}
    words = translations(spoken(stated, *newsroom.languages)).gettext(
        "Press releases from %(name)s"
    )
    name = f"tag:{newsroom.domain.lower()},{_SINCE}:{newsroom.key}"
    return Feed(
        name=f"{name}/{language}" if language else name,
        title=words % {"name": newsroom.name},
        issuer=newsroom.name,
        language=stated,
        home=pages.canonical(f"/{newsroom.key}{query}"),
        own={form: pages.canonical(path) for form, path in own.items()},
        icon=pages.logo_address(newsroom),
        entries=tuple(_entry(pages, newsroom, language, release) for release in releases),
    )


def _entry(
    pages: Pages, newsroom: Newsroom, language: str | None, release: PublicRelease | Withdrawn
) -> Entry:
    if isinstance(release, Withdrawn):
        return _gone(pages, newsroom, language, release)
    edition = release.edition
    query = f"?lang={edition.language}" if len(release.languages) > 1 else ""
    content = pages.office.templates.render(
        "web/_feed_entry.html",
        spoken(edition.language, *newsroom.languages),
        edition=edition,
        contacts=[contact_runs(contact) for contact in edition.contacts],
        corrections=release.corrections,
        time_zone=newsroom.time_zone,
    )
    return Entry(
        name=_name(newsroom, language, release),
        address=pages.canonical(release_path(release) + query),
        elsewhere=release.canonical_url or "",
        language=edition.language,
        kind=kind_label(release.kind, edition.language),
        title=edition.title,
        lead=edition.lead,
        content=content.strip(),
        published=release.published_at,
        updated=release.updated_at,
    )


def _gone(pages: Pages, newsroom: Newsroom, language: str | None, release: Withdrawn) -> Entry:
    """The same entry under the same name: it says that the release was withdrawn, and none of its words."""
    spoken_here = spoken(language or newsroom.language, *newsroom.languages)
    note = release.withdrawn
    content = pages.office.templates.render(
        "web/_feed_withdrawn.html",
        spoken_here,
        newsroom=newsroom,
        release=release,
        reason=note.words if note else "",
    )
    return Entry(
        name=_name(newsroom, language, release),
        address=pages.canonical(f"/{newsroom.key}/releases/{release.id}"),
        elsewhere="",
        language=spoken_here,
        kind=kind_label(release.kind, spoken_here),
        title=translations(spoken_here).gettext("This press release was withdrawn"),
        lead="",
        content=content.strip(),
        published=release.published_at,
        updated=note.at if note else release.published_at,
    )


def _name(newsroom: Newsroom, language: str | None, release: PublicRelease | Withdrawn) -> str:
    day = release.published_at.astimezone(UTC).date().isoformat()
    name = f"tag:{newsroom.domain.lower()},{day}:{newsroom.key}/releases/{release.id}"
    return f"{name}/{language}" if language else name
