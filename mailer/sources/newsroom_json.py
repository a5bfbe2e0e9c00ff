"""Reads the JSON of the Nordic newsroom platform: lists and single releases, of its website and of its API.

    website     {"pressroom": {...}, "release_listing": {"releases": [...]}}, {"releases": [...], "paging": .}
                or {"release": {...}}; each release with `versions` by language, and one `date` for all
    API v2      {"releases": [...]} or one release; flat: `title`, `leadtext`, `body`, `published`, `language`

A list announces; each release's own page or JSON says the rest. A release's number is its identity in all
its languages. A `metadescription` of exactly 1,000 characters was cut off.
"""

import re
from typing import Any

from mailer.core.errors import SourceFault
from mailer.core.release import Contact, File, Picture, Signal
from mailer.sources import mending
from mailer.sources.contact_line import read_contact
from mailer.sources.entry import Entry
from mailer.sources.found import Found, ReadingTerms
from mailer.sources.gathering import gathered
from mailer.sources.json_values import Values, group, groups, many, names, number, said
from mailer.sources.mending import WordsRefused

_WRAPPINGS = ("release_listing", "pressroom", "releases", "release")
_TITLE = ("title", "headline")
_LEAD = ("leadtext", "leadText", "lead", "summary", "metadescription", "metaDescription")
_BODY = ("body", "bodyHtml", "content", "html")
_DATE = ("date", "published", "publishedAt", "publicationDate", "publishDate")


def is_newsroom_json(value: Any) -> bool:
    """Whether a JSON value is of the platform."""
    return _releases(value) is not None


def read_newsroom_json(value: Values, *, base: str, terms: ReadingTerms) -> Found:
    """Read a list of releases, or one."""
    room = group(value, "pressroom") or group(value, "release") or value
    publisher = group(room, "publisher") or group(value, "publisher")

    def entries(release: Any) -> list[Entry]:
        own = group(release, "publisher") or publisher
        return [
            _entry(release, version, language, own)
            for language, version in _versions(release).items()
        ]

    return gathered("newsroom_json", _releases(value) or [], entries, base=base, terms=terms)


def refuse_near_newsroom(value: Any) -> None:
    """Refuse what looks like the platform's and has its releases where we know of none.

    Raises:
        SourceFault: it does; says what was missing.
    """
    there = [key for key in _WRAPPINGS if isinstance(value, dict) and key in value]
    if not there:
        return
    held = value[there[0]]
    inside = ", ".join(list(held)[:6]) if isinstance(held, dict) else type(held).__name__
    missing = (
        "that release has no `id` with a `title` or `versions`"
        if there[0] == "release"
        else "no list `releases` in it or beside it"
    )
    raise SourceFault(
        f"This looks like a newsroom's JSON, but `{there[0]}` ({mending.shown(inside, 80)}): {missing}",
        "check the address; what is read is in docs/formats.md",
    )


def _versions(release: Any) -> dict[str, Values]:
    """A release's texts by language; a flat one is its own.

    Raises:
        WordsRefused: it has none where we know to look.
    """
    cure = "check the address; what is read is in docs/formats.md"
    if not isinstance(release, dict):
        raise WordsRefused(f"a release is an object, not {type(release).__name__}", cure)
    told = release.get("versions")
    if not told:
        if not said(release, *_TITLE):
            raise WordsRefused("it has neither `versions` by language nor a `title`", cure)
        return {said(release, "language", "lang"): release}
    if not isinstance(told, dict):
        kind = type(told).__name__
        raise WordsRefused(f"its `versions` are an object by language, not {kind}", cure)
    found = {language: each for language, each in told.items() if isinstance(each, dict) and each}
    wrong = [key for key, each in told.items() if each and not isinstance(each, dict)]
    if wrong or not found:
        raise WordsRefused(f"its version “{(wrong or list(told))[0][:20]}” is no object", cure)
    return found


def _releases(value: Any) -> list[Any] | None:
    """The releases in a value; None where it is not of the platform."""
    if isinstance(value, list):
        return value if value and all(_is_release(each) for each in value) else None
    if not isinstance(value, dict):
        return None
    for holder in (value, group(value, "release_listing"), group(value, "data")):
        found = holder.get("releases")
        if isinstance(found, list):
            return found
    one = group(value, "release") or value
    return [one] if _is_release(one) else None


def _is_release(value: Any) -> bool:
    if not isinstance(value, dict) or "id" not in value:
        return False
    return bool(group(value, "versions")) or (
        bool(said(value, *_TITLE)) and bool(said(value, "leadtext", "body", "metadescription"))
    )


def _entry(release: Values, version: Values, language: str, publisher: Values) -> Entry:
    identity = said(release, "id")
    body = said(version, *_BODY) or said(release, *_BODY)
    path = said(version, "url") or said(release, "url")
    return Entry(
        title=said(version, *_TITLE),
        lead=said(version, *_LEAD),
        body=body,
        language=language,
        issuer=said(publisher, "name"),
        kind=said(version, "type") or said(release, "type"),
        topics=_topics(release, version),
        dated=said(release, *_DATE) or said(version, *_DATE),
        identity=f"newsroom:{identity}" if identity else "",
        names=_names(path),
        url=path,
        joint=_joint(release),
        signal=_signal(release, version),
        announced=True,
        contacts=tuple(_contacts(version) or _contacts(release)),
        files=tuple(_files(version) or _files(release)),
        pictures=tuple(_pictures(version) or _pictures(release)),
    )


def _names(path: str) -> tuple[str, ...]:
    """A release's page stands at /release/... and, in the page's language, at /pressemeddelelse/... too."""
    found = re.search(
        r"/(?:release|pressemeddelelse|pressmeddelande|pressemelding|tiedote)/(\d+)/", path
    )
    return (f"newsroom:{found[1]}",) if found else ()


def _joint(release: Values) -> str:
    """A release that several publishers sign has one number at each of them."""
    together = groups(release, "publishers", "jointPublishers")
    return f"newsroom:{said(release, 'id')}" if len(together) > 1 else ""


def _signal(release: Values, version: Values) -> Signal:
    for said_of in (version, release):
        state = said(said_of, "status", "state").lower()
        if said_of.get("retracted") is True or state in {
            "retracted",
            "withdrawn",
            "deleted",
            "canceled",
        }:
            return "withdrawn"
        if said_of.get("correction") is True or said(said_of, "correctionOf", "correctedRelease"):
            return "correction"
    return ""


def _topics(release: Values, version: Values) -> tuple[str, ...]:
    return tuple(
        name
        for holder in (version, release)
        for key in ("keywords", "tags", "categories", "channels")
        for name in names(many(holder, key), "name", "title", "label")
    )


def _contacts(holder: Values) -> list[Contact]:
    found = []
    for each in groups(holder, "contacts", "pressContacts"):
        name = _line(each, "name", "fullName") or " ".join(
            part for part in (_line(each, "firstName"), _line(each, "lastName")) if part
        )
        role, email = _line(each, "title", "role", "jobTitle"), _line(each, "email")
        phone = _line(each, "phone", "mobile", "telephone")
        text = ", ".join(part for part in (name, role, phone, email) if part)
        if text:
            found.append(Contact(text=text, name=name, role=role, phone=phone, email=email))
    return found or [
        read_contact(line) for line in names(many(holder, "contacts")) if len(line) <= 300
    ]


def _line(values: Values, *keys: str) -> str:
    return mending.label(said(values, *keys), "a press contact")


def _files(holder: Values) -> list[File]:
    return [
        File(
            url=said(each, "url", "path", "href"),
            name=said(each, "title", "name", "caption", "filename"),
            media_type=said(each, "mimeType", "contentType", "mime"),
            size=number(each, "size", "fileSize"),
        )
        for each in groups(holder, "documents", "attachments", "files")
    ]


def _pictures(holder: Values) -> list[Picture]:
    lead = group(holder, "image", "mainImage")
    return [
        Picture(
            url=said(each, "url", "path", "href"),
            alt=said(each, "alt", "altText"),
            caption=said(each, "caption", "description"),
            credit=said(each, "credit", "photographer", "byline"),
            width=number(each, "width"),
            height=number(each, "height"),
        )
        for each in ([lead] if lead else groups(holder, "images"))
    ]
