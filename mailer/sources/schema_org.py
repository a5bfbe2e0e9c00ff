"""Reads what a web page says of its article in schema.org's words (JSON-LD)."""

import json
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from mailer.core.errors import SourceFault
from mailer.core.release import File, Picture
from mailer.sources.entry import Entry
from mailer.sources.json_values import Values, group, groups, many, names, number, said

ARTICLES = frozenset((
    "newsarticle", "pressrelease", "article", "reportagenewsarticle", "analysisnewsarticle", "blogposting",
    "backgroundnewsarticle", "opinionnewsarticle", "reviewnewsarticle", "report", "specialannouncement",
))  # fmt: skip

_MOST_NODES = 2_000


def article_of(page: LexborHTMLParser, addresses: set[str]) -> Entry | None:
    """The article that a page says it shows; None where it says none.

    Args:
        addresses: the page's own, to tell its article from others that it lists.

    Raises:
        SourceFault: it names several, and none of them as its own.
    """
    found = [
        node for node in _nodes(page) if _types(node) & ARTICLES and said(node, "headline", "name")
    ]
    own = [node for node in found if addresses & set(_addresses(node))] or found
    if not own:
        return None
    if len({said(node, "headline", "name") for node in own}) > 1:
        raise SourceFault(
            f"The page shows {len(own)} articles, and does not say which of them is its own",
            "give the address of one release, or of a feed",
        )
    return _entry(own[0])


def _entry(node: Values) -> Entry:
    keywords = said(node, "keywords")
    return Entry(
        title=said(node, "headline", "name"),
        lead=said(node, "description", "abstract"),
        body=said(node, "articleBody", "text"),
        language=said(node, "inLanguage")
        or said(group(node, "inLanguage"), "alternateName", "name"),
        issuer=_named(node, "publisher") or _named(node, "sourceOrganization"),
        kind="press release" if "pressrelease" in _types(node) else "",
        topics=(
            *(name.strip() for name in keywords.split(",")),
            *names(many(node, "keywords"), "name"),
            *names([said(node, "articleSection"), *many(node, "articleSection")], "name"),
        ),
        places=names([group(node, "contentLocation"), *many(node, "contentLocation")], "name"),
        dated=said(node, "datePublished", "dateCreated"),
        identity=said(node, "identifier") or said(group(node, "identifier"), "value"),
        url=next(iter(_addresses(node)), ""),
        signal="correction" if node.get("correction") else "",
        files=tuple(_file(each) for each in _each(node, "associatedMedia", "encoding")),
        pictures=tuple(_pictures(node)),
    )


def _nodes(page: LexborHTMLParser) -> Iterator[Values]:
    """Every object of the page's JSON-LD; what cannot be read is passed over, as every reader of it does."""
    waiting: list[Any] = []
    for script in page.css('script[type="application/ld+json"]'):
        try:
            waiting.append(
                json.loads(script.text().strip().removeprefix("<!--").removesuffix("-->"))
            )
        except (ValueError, RecursionError):
            continue
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        value = waiting.pop(0)
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            yield value
            waiting.extend(
                value[key] for key in ("@graph", "mainEntity", "hasPart") if key in value
            )


def _types(node: Values) -> set[str]:
    stated = [said(node, "@type"), *names(many(node, "@type"))]
    return {name.rpartition("/")[2].lower() for name in stated if name}


def _addresses(node: Values) -> Iterator[str]:
    whole = group(node, "mainEntityOfPage")
    for url in (
        said(node, "url"),
        said(node, "mainEntityOfPage"),
        said(whole, "@id", "url"),
        said(node, "@id"),
    ):
        if url.startswith("http"):
            yield url.partition("#")[0]


def _named(node: Values, key: str) -> str:
    return said(group(node, key), "name") or next(
        iter(names(many(node, key), "name")), said(node, key)
    )


def _each(node: Values, *keys: str) -> list[Values]:
    return [each for key in keys for each in (*groups(node, key), group(node, key)) if each]


def _file(each: Values) -> File:
    return File(
        url=said(each, "contentUrl", "url"),
        name=said(each, "name", "caption"),
        media_type=said(each, "encodingFormat"),
        size=number(each, "contentSize"),
    )


def _pictures(node: Values) -> Iterator[Picture]:
    for each in _each(node, "image"):
        yield Picture(
            said(each, "contentUrl", "url", "@id"),
            alt=said(each, "description", "alternateName"),
            caption=said(each, "caption"),
            credit=said(each, "creditText") or _named(each, "creator"),
            width=number(each, "width"),
            height=number(each, "height"),
        )
    for url in names(
        [said(node, "image"), *(u for u in many(node, "image") if isinstance(u, str))]
    ):
        yield Picture(url)
