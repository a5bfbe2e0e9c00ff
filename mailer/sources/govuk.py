"""Reads a GOV.UK content item: one release in one language, with its changes, its state and its picture.

All languages of an item share its content_id, which is its identity. Several organisations without one that
publishes it make it joint: the same content_id stands at each of them.
"""

import re
from typing import Any

from mailer.core.errors import SourceFault
from mailer.core.release import File, Picture, Signal
from mailer.sources.entry import Entry
from mailer.sources.found import Found, ReadingTerms
from mailer.sources.gathering import gathered
from mailer.sources.html_body import read_html
from mailer.sources.json_values import Values, group, groups, many, names, number, said
from mailer.sources.mending import shown

SITE = "https://www.gov.uk"

_CORRECTED = re.compile(
    r"\b(?:correct(?:ed|ion|s|ing)?|amend(?:ed|ment|s|ing)?|error|mistake)\b", re.IGNORECASE
)
_SIZES = ("s960", "s712", "s630", "s465", "s300", "s216")


def is_govuk(value: Any) -> bool:
    """Whether a JSON value is a content item."""
    return isinstance(value, dict) and "content_id" in value and "base_path" in value


def read_govuk(value: Values, *, base: str, terms: ReadingTerms) -> Found:
    """Read a content item.

    Raises:
        SourceFault: it is another kind of page than news.
    """
    if said(value, "schema_name") not in {"news_article", ""} or not said(value, "document_type"):
        raise SourceFault(
            f"This content item is “{shown(said(value, 'schema_name', 'document_type'), 60)}”, not news",
            "give the address of a news article",
        )
    return gathered(
        "govuk", [value], _entries, base=base if base.startswith("http") else SITE, terms=terms
    )


def _entries(item: Values) -> list[Entry]:
    details, links = group(item, "details"), group(item, "links")
    content_id = said(item, "content_id")
    issuers = _issuers(links, details)
    signal, notes = _state(item, details)
    doubt = () if len(issuers) < 2 else ("several organisations publish it: " + ", ".join(issuers),)
    return [
        Entry(
            title=said(item, "title"),
            lead=said(item, "description"),
            body=said(details, "body"),
            language=said(item, "locale"),
            issuer=issuers[0] if issuers else "",
            kind=said(item, "document_type").replace("_", " "),
            topics=_titles(links, "taxons", "policy_areas", "topics", "topical_events"),
            places=_titles(links, "world_locations"),
            dated=said(details, "first_public_at")
            or said(item, "first_published_at", "public_updated_at"),
            identity=f"govuk:{content_id}",
            url=SITE + said(item, "base_path"),
            joint=f"govuk:{content_id}" if len(issuers) > 1 else "",
            signal=signal,
            files=tuple(_file(file) for file in groups(details, "attachments")),
            pictures=tuple(_pictures(details)),
            warnings=(*notes, *doubt),
        )
    ]


def _issuers(links: Values, details: Values) -> tuple[str, ...]:
    """Who publishes it: the one organisation that is said to, or else all, emphasised ones first."""
    primary = _titles(links, "primary_publishing_organisation")
    if primary:
        return primary[:1]
    first = many(details, "emphasised_organisations")
    there = [*groups(links, "organisations"), *groups(links, "worldwide_organisations")]
    there.sort(key=lambda each: said(each, "content_id") not in first)
    return tuple(dict.fromkeys(names(there, "title")))


def _titles(links: Values, *kinds: str) -> tuple[str, ...]:
    return tuple(name for kind in kinds for name in names(groups(links, kind), "title"))


def _state(item: Values, details: Values) -> tuple[Signal, tuple[str, ...]]:
    """What the item says of its state, and its words for it."""
    notice = group(item, "withdrawn_notice")
    if notice:
        why = read_html(said(notice, "explanation"), "").text
        return "withdrawn", (f"withdrawn {said(notice, 'withdrawn_at')}: {why}",)
    changes = sorted(
        groups(details, "change_history"), key=lambda each: said(each, "public_timestamp")
    )[1:]
    notes = tuple(
        f"changed {said(each, 'public_timestamp')}: {said(each, 'note')}" for each in changes
    )
    corrected = bool(changes) and bool(_CORRECTED.search(said(changes[-1], "note")))
    return ("correction" if corrected else ""), notes


def _pictures(details: Values) -> list[Picture]:
    images = [each for each in groups(details, "images") if said(each, "type") in {"lead", ""}]
    if not images and group(details, "image"):
        images = [group(details, "image")]
    found = []
    for image in images:
        url = said(group(image, "sources"), *_SIZES) or said(image, "high_resolution_url", "url")
        if (
            url and "/default_news_organisation_image" not in url
        ):  # an organisation's stand-in shows nothing
            alt = said(image, "alt_text")
            found.append(
                Picture(
                    url,
                    alt="" if alt == "placeholder" else alt,
                    caption=said(image, "caption"),
                    credit=said(image, "credit"),
                )
            )
    return found


def _file(file: Values) -> File:
    return File(
        url=said(file, "url"),
        name=said(file, "title", "filename"),
        media_type=said(file, "content_type"),
        size=number(file, "file_size"),
    )
