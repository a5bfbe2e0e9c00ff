"""Feeds for tests: items by hand, written as RSS, and the source that a test's server has them at."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import Any

from support.offices import START, UM
from support.web_source import WebSource, page

from mailer.core.source import SendTerms, Source

AUTO = SendTerms(approval="auto", issuers=(UM.name,))


@dataclass(frozen=True)
class Item:
    """One entry; whatever is empty is not written."""

    title: str
    body: str = ""
    guid: str = ""
    link: str = ""
    at: datetime | None = START
    dated_as: str = ""
    publisher: str = ""
    summary: str = ""

    def xml(self) -> str:
        """As RSS has it."""
        dated = self.dated_as or (format_datetime(self.at) if self.at else "")
        body = "".join(f"<p>{escape(part)}</p>" for part in self.body.split("\n") if part)
        fields = (
            ("title", self.title),
            ("link", self.link),
            ("guid", self.guid),
            ("pubDate", dated),
            ("dc:publisher", self.publisher),
            ("description", self.summary),
            ("content:encoded", body),
        )
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields if text)
        return f"<item>{inner}</item>"


def item(number: int, **changes: Any) -> Item:
    """One of many that are told apart: names, addresses and words of their own."""
    made = Item(
        title=f"Ministeren åbner kontor nummer {number}",
        body=(
            f"Kontor {number} åbner på mandag i {_TOWNS[number % len(_TOWNS)]} med {number + 3} ansatte.\n"
            f"Udenrigsministeren klipper snoren klokken {number % 12 + 8} foran sag {number * 7919}."
        ),
        guid=f"https://um.example/?p={number}",
        link=f"https://um.example/nyheder/{number}-kontor",
        at=START - timedelta(minutes=number),
    )
    return replace(made, **changes)


_TOWNS = ("Nairobi", "Hanoi", "Accra", "Lima", "Riga", "Oslo", "Kyiv", "Seoul", "Quito", "Dakar")


def rss(items: list[Item], *, head: str = "") -> bytes:
    """A feed of items, as they stand."""
    entries = "".join(one.xml() for one in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">'
        f"<channel><title>Nyheder</title><link>https://um.example/</link>"
        f"<description>Nyt</description>{head}{entries}</channel></rss>"
    ).encode()


def feed_page(items: list[Item], **headers: str) -> bytes:
    """The same as a server's answer."""
    return page(rss(items), status=200, content_type="application/rss+xml", **headers)


def source_at(server: WebSource, path: str = "/feed", **changes: Any) -> Source:
    """The source `feed` of newsroom `um`, which needs nobody's word."""
    made = Source(
        key="feed",
        newsroom="um",
        url=server.url(path),
        language="da",
        zone="Europe/Copenhagen",
        allow_private=True,
        terms=AUTO,
    )
    return replace(made, **changes)
