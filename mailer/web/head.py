"""What a page tells machines about itself: canonical address, languages, Open Graph and schema.org.

The JSON-LD is a data block, which browsers do not run and the content policy leaves alone. It is
written so that no text in it can end the element it stands in (HTML, section 4.12.1.3).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mailer.core.language import primary
from mailer.core.newsroom import Newsroom
from mailer.services.public import PublicRelease
from mailer.texts.wording import kind_label
from mailer.web.pages import Pages, Visit
from mailer.web.paths import release_path

# Where a language is at home when its tag names no land: Babel knows it of all but the world's English.
_HOMES = {"en": "en_GB"}
_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


@dataclass(frozen=True, slots=True)
class Head:
    """What stands in a page's head.

    Attributes:
        alternates: language and address of the same page in each of its languages; "x-default" is
            the address that lets the browser choose.
        graph: Open Graph properties, some of them several times.
        data: schema.org in JSON-LD, ready to stand in its element; empty for none.
    """

    canonical: str
    description: str
    alternates: tuple[tuple[str, str], ...]
    graph: tuple[tuple[str, str], ...]
    data: str = ""


def newsroom_head(pages: Pages, visit: Visit, newsroom: Newsroom, title: str) -> Head:
    """The head of a newsroom's list."""
    site = pages.canonical
    graph = {"og:type": "website", "og:title": title, "og:site_name": newsroom.name}
    spoken = newsroom.languages if len(newsroom.languages) > 1 else ()
    canonical = site(_in(visit.here, visit.language if visit.chosen and spoken else ""))
    return Head(
        canonical=canonical,
        description=title,
        alternates=_alternates(pages, visit.here, spoken),
        graph=(
            *graph.items(),
            ("og:url", canonical),
            *_locales(visit.language, newsroom.languages),
            *_picture(pages, newsroom),
        ),
    )


def release_head(pages: Pages, newsroom: Newsroom, release: PublicRelease) -> Head:
    """The head of a release's page: each language has an address of its own, if there are several."""
    path, edition = release_path(release), release.edition
    spoken = release.languages if len(release.languages) > 1 else ()
    own = pages.canonical(_in(path, edition.language if spoken else ""))
    about = edition.lead or next((block.text for block in edition.body if block.text), "")
    graph = {
        "og:type": "article",
        "og:title": edition.title,
        "og:description": about,
        "og:site_name": newsroom.name,
        "og:url": own,
        "article:published_time": _moment(release.published_at),
        "article:modified_time": _moment(release.updated_at),
        "article:section": kind_label(release.kind, edition.language),
    }
    return Head(
        canonical=release.canonical_url or own,
        description=about,
        alternates=_alternates(pages, path, spoken),
        graph=(
            *graph.items(),
            *_locales(edition.language, release.languages),
            *_picture(pages, newsroom),
        ),
        data=as_data(_article(pages, newsroom, release, own, about)),
    )


def _article(
    pages: Pages, newsroom: Newsroom, release: PublicRelease, own: str, about: str
) -> dict[str, Any]:
    """The release as schema.org's NewsArticle."""
    issuer: dict[str, Any] = {
        "@type": "Organization",
        "name": newsroom.name,
        "url": pages.canonical(f"/{newsroom.key}"),
    }
    logo = pages.logo_address(newsroom)
    if logo:
        issuer["logo"] = {"@type": "ImageObject", "url": logo}
    return {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "@id": own,
        "mainEntityOfPage": release.canonical_url or own,
        "url": own,
        "headline": release.edition.title,
        "description": about,
        "articleSection": kind_label(release.kind, release.edition.language),
        "articleBody": "\n\n".join(block.text for block in release.edition.body if block.text),
        "inLanguage": release.edition.language,
        "datePublished": _moment(release.published_at),
        "dateModified": _moment(release.updated_at),
        "isAccessibleForFree": True,
        "author": issuer,
        "publisher": issuer,
    }


def as_data(value: dict[str, Any]) -> str:
    """JSON without a character that HTML gives a meaning, so that it may stand in an element as it is."""
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)


def _alternates(pages: Pages, path: str, spoken: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found = [(tag, pages.canonical(_in(path, tag))) for tag in spoken]
    return (*found, ("x-default", pages.canonical(path))) if found else ()


def _in(path: str, language: str) -> str:
    if not language:
        return path
    return f"{path}{'&' if '?' in path else '?'}lang={language}"


def _locales(language: str, others: Sequence[str]) -> list[tuple[str, str]]:
    own = _locale(language)
    rest = dict.fromkeys(_locale(tag) for tag in others)
    return [
        ("og:locale", own),
        *(("og:locale:alternate", locale) for locale in rest if locale != own),
    ]


def _locale(tag: str) -> str:
    """language_LAND, as Open Graph wants it: of "da" and of "da-DK" alike "da_DK"."""
    from babel.core import get_global  # noqa: PLC0415 - 50 ms that few commands need

    parts = tag.replace("_", "-").split("-")
    land = next((part.upper() for part in parts[1:] if len(part) == 2), "")
    if land:
        return f"{primary(tag)}_{land}"
    likely = _HOMES.get(primary(tag)) or get_global("likely_subtags").get(primary(tag), "")
    land = likely.rpartition("_")[2]
    return f"{primary(tag)}_{land}" if len(land) == 2 else primary(tag)


def _picture(pages: Pages, newsroom: Newsroom) -> list[tuple[str, str]]:
    """Only a PNG: who shows these knows no SVG."""
    address = pages.logo_address(newsroom)
    return (
        [("og:image", address), ("og:image:alt", newsroom.name)] if address[-4:] == ".png" else []
    )


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
