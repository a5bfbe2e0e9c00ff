"""`[newsroom.KEY]`: a press room as the settings have it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from mailer.config.kinds import (
    Colour,
    DkimPem,
    Domain,
    Language,
    Lines,
    MailAddress,
    OneLine,
    Selector,
    TimeZone,
    TopicKey,
    WebLink,
)
from mailer.core.newsroom import Fallback, Newsroom, Topic, UnknownPolicy

Frequency = Literal["at_once", "daily", "weekly"]
Offered = dict[TopicKey, dict[Language, OneLine]]
Words = dict[TopicKey, tuple[OneLine, ...]]


class DkimSection(Struct, frozen=True, kw_only=True):
    """`[[newsroom.KEY.dkim]]`: one signature in front of every mail."""

    selector: Selector
    key: DkimPem
    domain: Domain | None = None

    def domain_for(self, sender: str) -> str:
        """The domain that signs, in lower case: the given one, or that of the sender."""
        return (self.domain or sender.rpartition("@")[2]).lower()


class NewsroomSection(Struct, frozen=True, kw_only=True):
    """`[newsroom.KEY]`: one press room that people subscribe to (see `core.newsroom.Newsroom`)."""

    name: OneLine
    languages: tuple[Language, ...]
    time_zone: TimeZone
    sender: MailAddress
    reply_to: MailAddress | None = None
    return_path: MailAddress | None = None
    issuers: tuple[OneLine, ...] = ()
    kinds: tuple[OneLine, ...] = ()
    postal: Lines = ""
    privacy_url: WebLink = ""
    privacy_notice: dict[Language, Path] = {}
    farewell: bool = True
    accent: Colour = "#0b4f8a"
    accent_dark: Colour | None = None
    logo: Path | None = None
    logo_dark: Path | None = None
    boilerplate: dict[Language, Lines] = {}
    topics: Offered = {}
    topic_words: Words = {}
    kind_choices: Offered = {}
    kind_words: Words = {}
    places: Offered = {}
    place_words: Words = {}
    fallback: Fallback = "original"
    frequencies: tuple[Frequency, ...] = ("at_once",)
    catch_up: Annotated[int, Meta(ge=0, le=60)] = 0
    unknown: UnknownPolicy = "resend"
    dkim: tuple[DkimSection, ...] = ()

    def value(self, key: str) -> Newsroom:
        """The newsroom as the floors below know it."""
        return Newsroom(
            key=key,
            name=self.name,
            languages=self.languages,
            time_zone=self.time_zone,
            sender=self.sender,
            reply_to=self.reply_to,
            return_path=self.return_path or "",
            issuers=self.issuers,
            kinds=self.kinds,
            postal=self.postal,
            privacy_url=self.privacy_url,
            privacy_notice=tuple(
                (language, file.read_text("utf-8"))
                for language, file in self.privacy_notice.items()
            ),
            farewell=self.farewell,
            accent=self.accent,
            accent_dark=self.accent_dark or "",
            logo=str(self.logo or ""),
            logo_dark=str(self.logo_dark or ""),
            boilerplate=tuple(self.boilerplate.items()),
            topics=_offered(self.topics, self.topic_words),
            kind_choices=_offered(self.kind_choices, self.kind_words),
            places=_offered(self.places, self.place_words),
            fallback=self.fallback,
            frequencies=self.frequencies,
            catch_up=self.catch_up,
            unknown=self.unknown,
        )


def _offered(
    named: Mapping[str, Mapping[str, str]], words: Mapping[str, tuple[str, ...]]
) -> tuple[Topic, ...]:
    return tuple(
        Topic(key, tuple(labels.items()), tuple(words.get(key, ())))
        for key, labels in named.items()
    )
