"""A feed as Atom (RFC 4287)."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from mailer.web.markup import put, root, written
from mailer.web.syndication import GENERATOR, Entry, Feed

MEDIA_TYPE = "application/atom+xml"
_NEVER = datetime.fromtimestamp(0, UTC)  # section 4.1.1 wants a date of an empty feed too


def atom(feed: Feed) -> bytes:
    """The document in UTF-8."""
    top = root("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": feed.language})
    put(top, "id", feed.name)
    put(top, "title", feed.title)
    put(top, "updated", moment(feed.updated or _NEVER))
    put(top, "link", attributes={"rel": "self", "type": MEDIA_TYPE, "href": feed.own["atom"]})
    put(top, "link", attributes={"rel": "alternate", "type": "text/html", "href": feed.home})
    put(put(top, "author"), "name", feed.issuer)
    put(top, "generator", GENERATOR)
    if feed.icon:
        put(top, "logo", feed.icon)
    for entry in feed.entries:
        _entry(top, entry)
    return written(top)


def moment(value: datetime) -> str:
    """A moment in UTC (RFC 3339)."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _entry(top: Element, entry: Entry) -> None:
    part = put(top, "entry", attributes={"xml:lang": entry.language})
    put(part, "id", entry.name)
    put(part, "title", entry.title)
    put(part, "published", moment(entry.published))
    put(part, "updated", moment(entry.updated))
    page = {"rel": "alternate", "type": "text/html", "hreflang": entry.language}
    put(part, "link", attributes={**page, "href": entry.address})
    if entry.elsewhere:
        put(part, "link", attributes={"rel": "via", "href": entry.elsewhere})
    put(part, "category", attributes={"term": entry.kind})
    if entry.lead:
        put(part, "summary", entry.lead)
    put(part, "content", entry.content, {"type": "html"})
