"""Reads a JSON Feed (versions 1 and 1.1, jsonfeed.org): its items, and the hub that pushes it."""

from dataclasses import replace
from typing import Any

from mailer.core.release import File, Picture
from mailer.sources.addresses import page
from mailer.sources.entry import Entry
from mailer.sources.found import Found, ReadingTerms
from mailer.sources.gathering import gathered
from mailer.sources.html_body import as_html
from mailer.sources.json_values import Values, groups, many, names, number, said


def is_json_feed(value: Any) -> bool:
    """Whether a JSON value is a JSON Feed."""
    return isinstance(value, dict) and said(value, "version").startswith(
        "https://jsonfeed.org/version/"
    )


def read_json_feed(value: Values, *, base: str, terms: ReadingTerms) -> Found:
    """Read a feed; `base` is its own address."""
    language = said(value, "language")

    def entries(item: Any) -> list[Entry]:
        return [_entry(item, language)]

    found = gathered("json_feed", many(value, "items"), entries, base=base, terms=terms)
    hub = next(
        (
            said(each, "url")
            for each in groups(value, "hubs")
            if said(each, "type").lower() == "websub"
        ),
        "",
    )
    return replace(found, hub=page(hub, base), self_url=page(said(value, "feed_url"), base))


def _entry(item: Any, language: str) -> Entry:
    html = as_html(said(item, "content_html"))
    files = [file for file in groups(item, "attachments") if not _is_picture(file)]
    return Entry(
        title=said(item, "title"),
        lead=said(item, "summary"),
        body=html or said(item, "content_text"),
        language=said(item, "language") or language,
        topics=names(many(item, "tags")),
        dated=said(item, "date_published"),
        identity=said(item, "id"),
        url=said(item, "url", "external_url"),
        files=tuple(_file(file) for file in files),
        pictures=tuple(_pictures(item)),
    )


def _pictures(item: Any) -> list[Picture]:
    lead = [said(item, "image", "banner_image")]
    attached = [said(file, "url") for file in groups(item, "attachments") if _is_picture(file)]
    return [Picture(url) for url in (*lead, *attached) if url]


def _is_picture(file: Values) -> bool:
    return said(file, "mime_type").startswith("image/")


def _file(file: Values) -> File:
    return File(
        url=said(file, "url"),
        name=said(file, "title"),
        media_type=said(file, "mime_type"),
        size=number(file, "size_in_bytes"),
    )
