"""Reads RSS 0.9 to 2.0 and Atom: every entry by itself, dates as they stood, for our own layer to read.

body       content:encoded, Atom's content, or a description that is plainly a whole text; a shorter one only
           announces the page that the entry links to
date       pubDate, dc:date, Atom's published, else updated
identity   guid or id, else the link
issuer     dc:publisher, a wire's dc:contributor, or the <source> it was taken over from; never an author,
           who is a person as often as not, nor the feed's title
topics     categories, but for those of a stock exchange
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from xml.etree import ElementTree as ET

from mailer.core.errors import SourceFault
from mailer.core.release import File, Picture
from mailer.sources import addresses
from mailer.sources.entry import Entry
from mailer.sources.feed_xml import FeedXml, local, read_xml
from mailer.sources.found import Found, ReadingTerms, Refusal
from mailer.sources.gathering import gathered
from mailer.sources.html_body import as_html
from mailer.sources.mending import WordsRefused, is_excerpt, shown

ROOTS = {"rss": "rss", "RDF": "rss", "rdf:RDF": "rss", "feed": "atom", "atom:feed": "atom"}

_PARAGRAPHS = re.compile(r"(?:<|&lt;)/?(?:p|br|div|li|h[1-6]|blockquote)\b", re.IGNORECASE)
_STOCK = re.compile(r"stock|isin|ticker", re.IGNORECASE)


def read_feed(text: str, *, base: str, terms: ReadingTerms) -> Found:
    """Read a feed.

    Args:
        text: its XML; what its encoding says is over.
        base: its address; may be empty.

    Raises:
        SourceFault: no feed, one that breaks off before its first item, or one that declares entities.
    """
    xml = read_xml(text)
    kind = ROOTS.get(local(xml.root.tag))
    if kind is None:
        raise SourceFault(
            f"This XML is no feed: its outermost element is “{shown(local(xml.root.tag), 60)}”",
            "give the address of an RSS or Atom feed",
        )
    return _read(xml, kind, base, terms)


def _read(xml: FeedXml, kind: str, base: str, terms: ReadingTerms) -> Found:
    channel = next((each for each in xml.root if local(each.tag) == "channel"), xml.root)
    top = _Parts(
        each
        for each in (*channel, *xml.root)
        if local(each.tag) not in {"item", "entry", "channel"}
    )
    language = (
        top.text("language", "dc:language") or xml.root.get(_LANG, "") or channel.get(_LANG, "")
    )
    start = addresses.page(xml.root.get(_BASE), base) or base

    def entries(item: ET.Element) -> list[Entry]:
        return [entry_of(item, language)]

    found = gathered(
        kind,
        xml.items,
        entries,
        base=start or addresses.page(top.text("link"), "") or "",
        terms=terms,
    )
    broken = [
        Refusal(
            place, "it is not well-formed XML: its elements do not close in order", "have it mended"
        )
        for place in xml.broken
    ]
    if xml.cut:
        broken.append(
            Refusal(f"after item {len(xml.items)}", "the feed is cut off here", "fetch it again")
        )
    return replace(
        found,
        refusals=(*found.refusals, *broken),
        hub=addresses.page(top.linked("hub"), start),
        self_url=addresses.page(top.linked("self"), start),
    )


_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"


class _Parts:
    """The parts of a feed or an entry, by name."""

    def __init__(self, elements: Iterable[ET.Element]) -> None:
        self._by_name: dict[str, list[ET.Element]] = {}
        for element in elements:
            self._by_name.setdefault(local(element.tag), []).append(element)

    def all(self, *names: str) -> list[ET.Element]:
        return [element for name in names for element in self._by_name.get(name, ())]

    def text(self, *names: str) -> str:
        """The first that says anything: as HTML where it holds elements, else as text."""
        return next((text for each in self.all(*names) if (text := _inner(each).strip())), "")

    def linked(self, rel: str) -> str:
        """Where an Atom link of that relation leads."""
        return next(
            (
                each.get("href", "")
                for each in self.all("atom:link")
                if rel in each.get("rel", "alternate").lower().split()
            ),
            "",
        )


def entry_of(item: ET.Element, language: str) -> Entry:
    """What an item or entry says.

    Raises:
        WordsRefused: elements that lie in each other beyond reason.
    """
    parts = _Parts(item)
    description = parts.text("description", "atom:summary", "dc:description")
    body = as_html(parts.text("content:encoded", "atom:content", "content"))
    if not body and _is_whole(description):
        body, description = description, ""
    guid = next(iter(parts.all("guid")), None)
    identity = _inner(guid).strip() if guid is not None else parts.text("atom:id", "id")
    link = parts.text("link") or parts.linked("alternate") or item.get(_ABOUT, "")
    if not link and guid is not None and guid.get("isPermaLink", "true").strip().lower() != "false":
        link = identity
    files, pictures = _enclosed(parts)
    return Entry(
        title=parts.text("title", "atom:title", "dc:title"),
        lead=description,
        body=body,
        language=parts.text("dc:language", "language") or item.get(_LANG, "") or language,
        issuer=parts.text("dc:publisher", "dc:contributor", "source"),
        topics=tuple(_topics(parts)),
        dated=parts.text(
            "pubDate", "dc:date", "atom:published", "atom:issued", "atom:updated", "pubdate"
        ),
        identity=identity or item.get(_ABOUT, ""),
        names=tuple(f"dc:{name}" for name in [parts.text("dc:identifier")] if name),
        url=link,
        files=files,
        pictures=pictures,
    )


_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"


def _inner(element: ET.Element) -> str:
    if not len(element):
        return element.text or ""
    try:
        return (element.text or "") + "".join(_markup(child) for child in element)
    except RecursionError as error:
        raise WordsRefused(
            "its elements lie in each other beyond reason", "make it flatter"
        ) from error


def _markup(element: ET.Element) -> str:
    """An element of XHTML as HTML, without prefixes."""
    for each in element.iter():
        each.tag = local(each.tag).rpartition(":")[2] if isinstance(each.tag, str) else each.tag
    return ET.tostring(element, encoding="unicode", method="html")


def _is_whole(description: str) -> bool:
    """Whether a description is the text itself: two paragraphs at least, and no mark of a cut."""
    return len(_PARAGRAPHS.findall(description)) > 3 and not is_excerpt(description)


def _topics(parts: _Parts) -> Iterable[str]:
    for each in parts.all("category", "atom:category", "dc:subject"):
        name = each.get("label") or each.text or each.get("term") or ""
        if name.strip() and not _STOCK.search(each.get("domain", "")):
            yield name.strip()


def _enclosed(parts: _Parts) -> tuple[tuple[File, ...], tuple[Picture, ...]]:
    """What comes with an entry: enclosures (RSS), links to them (Atom) and media:content."""
    media = [
        each
        for holder in (*parts.all("media:group"), *parts.all("media:content", "media:thumbnail"))
        for each in (holder if local(holder.tag) == "media:group" else (holder,))
    ]
    links = [each for each in parts.all("atom:link") if each.get("rel", "") == "enclosure"]
    files, pictures = [], []
    for each in (*parts.all("enclosure"), *links, *media):
        url = each.get("url") or each.get("href") or ""
        kind = each.get("type", "").lower()
        if (
            kind.startswith("image/")
            or each.get("medium") == "image"
            or local(each.tag) == "media:thumbnail"
        ):
            pictures.append(_picture(each, url, parts))
        elif url:
            size = each.get("length") or each.get("fileSize") or ""
            files.append(
                File(
                    url,
                    each.get("title", ""),
                    kind,
                    int(size) if size.isdecimal() and int(size) else None,
                )
            )
    return tuple(files), tuple(pictures)


def _picture(element: ET.Element, url: str, parts: _Parts) -> Picture:
    own = _Parts(element)
    return Picture(
        url,
        alt=own.text("media:title") or parts.text("media:title"),
        caption=own.text("media:description") or parts.text("media:description"),
        credit=own.text("media:credit") or parts.text("media:credit"),
    )
