"""Prepares a digest once for all readers of the same newsrooms, language and releases.

It is made as every message is (`mailer.mail.prepare`): rendered, inlined, encoded, each reader's own values
left open. Of a release it has the kind, the date, the title, the lead and a link. Where many leads would
make it too long for a mail they are shortened, all alike, and the link leads to the whole.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from mailer.core.delivery import Purpose
from mailer.core.digest import Occasion
from mailer.core.errors import MailerError
from mailer.core.language import primary
from mailer.core.newsroom import Newsroom, Site
from mailer.mail import letterhead
from mailer.mail.clean import cleaned, safe_link
from mailer.mail.prepare import HTML_LIMIT, Parts, Prepared, assembled, rendered
from mailer.texts.catalogue import spoken
from mailer.texts.dates import listed
from mailer.texts.kinds import Label, label_of
from mailer.texts.names import own_name

if TYPE_CHECKING:  # Jinja takes 150 ms that a dispatcher with nothing to prepare need not pay
    from mailer.texts.templates import Templates

MOST_TEXTS = 60
"""More do not go into one digest: with shortened leads so many fit, and the rest makes another."""

_LEADS = (1000, 300, 140, 0)


@dataclass(frozen=True, slots=True)
class Told:
    """A release as a digest tells of it.

    Attributes:
        language: of its title and lead.
        page: the path of its page with us.
        canonical_url: where the issuer has it; None where it is on our page alone.
        further: the same release in other languages of its reader, who wants each.
    """

    title: str
    lead: str
    language: str
    kind: str
    page: str
    canonical_url: str | None
    published_at: datetime | None
    further: "tuple[Told, ...]" = ()


@dataclass(frozen=True, slots=True)
class Section:
    """What a digest has of one newsroom, in the order in which it is told."""

    newsroom: Newsroom
    releases: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a digest is about.

    Attributes:
        newsroom: that the mail comes from.
        language: the reader's; without a catalogue for it the newsroom's own is used.
        merged: its reader has what several newsrooms send as one mail, whichever have something to tell.
    """

    newsroom: Newsroom
    sections: tuple[Section, ...]
    occasion: Occasion
    language: str
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A release as the templates see it.

    Attributes:
        spoken: what its language calls itself, where it is not the mail's or there are several; else empty.
        further: the same in other languages.
    """

    title: str
    lead: str
    language: str
    spoken: str
    kind: Label
    url: str
    published_at: datetime | None
    further: "tuple[Entry, ...]" = ()


@dataclass(frozen=True, slots=True)
class Room:
    """A section as the templates see it."""

    name: str
    url: str
    time_zone: str
    entries: tuple[Entry, ...]


def prepare_digest(
    templates: "Templates", contents: Contents, *, site: Site, made_at: datetime
) -> Prepared:
    """The message that tells all readers of a language of these releases.

    Args:
        made_at: the Date of every copy, aware.

    Raises:
        MailerError: a setting cannot stand in a header, a template is broken, or there is no way to make it
            short enough.
    """
    newsroom = contents.newsroom
    chrome = spoken(contents.language, *newsroom.languages)
    parts = _short_enough(templates, contents, chrome, site, made_at)
    fields = letterhead.digest_fields(
        site=site,
        newsroom=newsroom,
        language=chrome,
        subject=parts.subject,
        merged=contents.merged,
        made_at=made_at,
    )
    return assembled(Purpose.DIGEST, contents.language, newsroom, parts, fields)


def _short_enough(
    templates: "Templates", contents: Contents, chrome: str, site: Site, made_at: datetime
) -> Parts:
    names = [section.newsroom.name for section in contents.sections]
    named = replace(contents.newsroom, name=listed(names, chrome))
    needs = "leave_all_token" if contents.merged else None
    for longest in _LEADS:
        rooms = [_room(site, section, chrome, longest) for section in contents.sections]
        values: dict[str, object] = {
            "rooms": rooms,
            "first": rooms[0].entries[0],
            "count": sum(len(room.entries) for room in rooms),
            "occasion": str(contents.occasion),
            "merged": contents.merged,
            "made_at": made_at,
        }
        parts = rendered(templates, Purpose.DIGEST, chrome, site, named, values, needs=needs)
        if len(parts.html.encode()) <= HTML_LIMIT:
            return parts
    raise MailerError(
        f"The digest of {contents.newsroom.key} is too long for a mail even without its leads",
        "shorten the titles, or the templates in templates/mail/digest",
    )


def _room(site: Site, section: Section, chrome: str, longest: int) -> Room:
    newsroom = section.newsroom
    return Room(
        name=cleaned(newsroom.name),
        url=site.url(f"/{newsroom.key}"),
        time_zone=newsroom.time_zone,
        entries=tuple(_entry(site, told, chrome, longest) for told in section.releases),
    )


def _entry(site: Site, told: Told, chrome: str, longest: int) -> Entry:
    further = tuple(_entry(site, other, chrome, longest) for other in told.further)
    foreign = primary(told.language) != primary(chrome)
    return Entry(
        title=_one_line(told.title),
        lead=shortened(_one_line(told.lead), longest),
        language=told.language,
        spoken=own_name(told.language) if foreign or further else "",
        kind=label_of(cleaned(told.kind), told.language, chrome),
        url=safe_link(told.canonical_url) or site.url(told.page),
        published_at=told.published_at,
        further=tuple(replace(other, spoken=own_name(other.language)) for other in further),
    )


def shortened(text: str, longest: int) -> str:
    """`text` if it is no longer than that, else its first whole words with an ellipsis; empty for 0."""
    if len(text) <= longest:
        return text
    if not longest:
        return ""
    cut = text[: longest - 1]
    words, _, _ = cut.rpartition(" ")
    return f"{(words or cut).rstrip(' ,;:.–-')} …"


def _one_line(text: str) -> str:
    return " ".join(cleaned(text).split())
