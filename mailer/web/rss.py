"""A feed as RSS 2.0, with the whole text in `content:encoded` (RSS Advisory Board, RSS 2.0.11)."""

from datetime import UTC, datetime
from email.utils import format_datetime
from xml.etree.ElementTree import Element

from mailer.web.atom import moment
from mailer.web.markup import put, root, written
from mailer.web.syndication import GENERATOR, Entry, Feed

MEDIA_TYPE = "application/rss+xml"
_NAMES = {
    "version": "2.0",
    "xmlns:atom": "http://www.w3.org/2005/Atom",
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
    "xmlns:dcterms": "http://purl.org/dc/terms/",
}


def rss(feed: Feed) -> bytes:
    """The document in UTF-8."""
    top = root("rss", _NAMES)
    channel = put(top, "channel")
    put(channel, "title", feed.title)
    put(channel, "link", feed.home)
    put(channel, "description", feed.title)
    put(channel, "language", feed.language)
    own = {"rel": "self", "type": MEDIA_TYPE, "href": feed.own["rss"]}
    put(channel, "atom:link", attributes=own)
    if feed.updated:
        put(channel, "lastBuildDate", _moment(feed.updated))
    put(channel, "generator", GENERATOR)
    put(channel, "docs", "https://www.rssboard.org/rss-specification")
    for entry in feed.entries:
        _item(channel, feed, entry)
    return written(top)


def _item(channel: Element, feed: Feed, entry: Entry) -> None:
    item = put(channel, "item")
    put(item, "title", entry.title)
    put(item, "link", entry.address)
    put(item, "guid", entry.name, {"isPermaLink": "false"})
    put(item, "pubDate", _moment(entry.published))
    put(item, "dcterms:modified", moment(entry.updated))
    put(item, "dc:creator", feed.issuer)
    put(item, "dc:language", entry.language)
    put(item, "category", entry.kind)
    put(item, "description", entry.lead or entry.title)
    put(item, "content:encoded", entry.content)


def _moment(value: datetime) -> str:
    """A moment as mail headers have it (RFC 5322 section 3.3), always in UTC."""
    return format_datetime(value.astimezone(UTC), usegmt=True)
