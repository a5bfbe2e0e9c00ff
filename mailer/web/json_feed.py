"""A feed as JSON Feed 1.1 (jsonfeed.org/version/1.1)."""

import json
from typing import Any

from mailer.web.atom import moment
from mailer.web.syndication import Entry, Feed

MEDIA_TYPE = "application/feed+json"


def json_feed(feed: Feed) -> bytes:
    """The document in UTF-8."""
    told: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.own["json"],
        "language": feed.language,
        "authors": [{"name": feed.issuer, "url": feed.home}],
    }
    if feed.icon:
        told["icon"] = feed.icon
    told["items"] = [_item(entry) for entry in feed.entries]
    return json.dumps(told, ensure_ascii=False, indent=1).encode()


def _item(entry: Entry) -> dict[str, Any]:
    told = {
        "id": entry.name,
        "url": entry.address,
        "external_url": entry.elsewhere,
        "title": entry.title,
        "summary": entry.lead,
        "content_html": entry.content,
        "date_published": moment(entry.published),
        "date_modified": moment(entry.updated),
        "language": entry.language,
        "tags": [entry.kind],
    }
    return {key: value for key, value in told.items() if value}
