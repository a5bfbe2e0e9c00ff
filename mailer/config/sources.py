"""`[[source]]`: where a newsroom's releases come from, and on which terms they go out."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from mailer.config.kinds import (
    AccessToken,
    Kind,
    Language,
    TimeZone,
    is_loopback,
    shown,
    topic_key_fault,
    web_link_fault,
)
from mailer.core.newsroom import Newsroom
from mailer.core.source import Approval, Format, SendTerms, Source, Text


def source_url_fault(text: str) -> str | None:
    """A page that we fetch; what only we may know stands elsewhere."""
    cure = "write it like https://www.example.org/press/feed.xml"
    if not text or web_link_fault(text) is not None:
        return f"{shown(text)} is not a web address; {cure}"
    parts = urlsplit(text)
    if "@" in parts.netloc:
        return "holds a user name or password; write them as authorization"
    return "has a fragment, which is never sent; leave it out" if parts.fragment else None


SourceKey = Annotated[str, Kind(topic_key_fault, '"press-feed"')]
SourceUrl = Annotated[str, Kind(source_url_fault, '"https://www.example.org/press/feed.xml"')]


class SourceSection(Struct, frozen=True, kw_only=True):
    """`[[source]]`: one feed, page or folder; never two (see `core.source.Source`)."""

    key: SourceKey
    newsroom: SourceKey
    url: SourceUrl | None = None
    folder: Path | None = None
    format: Format = "auto"
    text: Text = "auto"
    every_minutes: Annotated[float, Meta(ge=1, le=1440)] = 10
    language: Language | None = None
    zone: TimeZone | None = None
    approval: Approval = "hold"
    hold_minutes: Annotated[float, Meta(ge=0, le=1440)] = 10
    hold_at_most_minutes: Annotated[float, Meta(ge=0, le=10_080)] = 60
    max_age_hours: Annotated[float, Meta(ge=1, le=8760)] = 48
    issuer_required: bool = False
    allow_private: bool = False
    websub: bool = False
    authorization: AccessToken | None = None
    ca_file: Path | None = None

    def value(self, newsroom: Newsroom, authorization: Callable[[], str] | None) -> Source:
        """The source as the floors below know it.

        Args:
            newsroom: the one it is for; its language and zone are the source's where it names none.
            authorization: gives the Authorization field as it is now.
        """
        return Source(
            key=self.key,
            newsroom=newsroom.key,
            url=self.url or "",
            folder=str(self.folder or ""),
            format=self.format,
            text=self.text,
            every=timedelta(minutes=self.every_minutes),
            language=self.language or newsroom.language,
            zone=self.zone or newsroom.time_zone,
            allow_private=self.allow_private,
            websub=self.websub,
            authorization=authorization,
            ca_file=str(self.ca_file or ""),
            terms=self._terms(newsroom),
        )

    def _terms(self, newsroom: Newsroom) -> SendTerms:
        return SendTerms(
            approval=self.approval,
            hold_time=timedelta(minutes=self.hold_minutes),
            hold_at_most=timedelta(minutes=self.hold_at_most_minutes),
            max_age=timedelta(hours=self.max_age_hours),
            issuers=(newsroom.name, *newsroom.issuers),
            issuer_required=self.issuer_required,
            kinds=newsroom.kinds,
            arrival_dates=self.folder is not None,
        )


def source_agrees(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A source is an address or a folder, and what it is not has no settings."""
    url, folder = values.get("url"), values.get("folder")
    if {"url", "folder"} <= values.keys() and (url is None) == (folder is None):
        count = "neither" if url is None else "both"
        yield "", f"has {count} of url and folder; write exactly one of them"
    if folder is not None and url is None:
        for key in ("allow_private", "websub", "authorization", "ca_file"):
            if values.get(key):
                yield key, "has no meaning for a folder; leave it out"
        if not folder.is_dir():
            yield "folder", f"{folder} is not a folder; make it, or name another"
    if url is not None:
        yield from _fetched(urlsplit(url).scheme, urlsplit(url).hostname or "", values)
    longest, shortest = values.get("hold_at_most_minutes"), values.get("hold_minutes")
    if longest is not None and shortest is not None and longest < shortest:
        words = f"is less than hold_minutes, {shortest:g}"
        yield "hold_at_most_minutes", f"{words}; write that, or more"


def _fetched(scheme: str, host: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if scheme == "http" and values.get("authorization") is not None and not is_loopback(host):
        yield "authorization", "would travel unencrypted; write an https address, or leave it out"
    ca_file = values.get("ca_file")
    if ca_file is not None and not ca_file.is_file():
        yield "ca_file", f"{ca_file} is not a file; name a PEM file of authorities"


def sources_agree(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each source is a newsroom's that there is."""
    rooms = values.get("newsroom")
    for number, section in enumerate(values.get("source", ())):
        if rooms is not None and section.newsroom not in rooms:
            known = ", ".join(sorted(rooms))
            yield (
                f"source.{number}.newsroom",
                f"there is no such newsroom; the settings know {known}",
            )
