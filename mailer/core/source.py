"""Where a newsroom's releases come from, and on which terms they go out: settled facts, handed around."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Literal

Approval = Literal["auto", "hold", "two"]

Format = Literal[
    "auto",
    "rss",
    "atom",
    "json_feed",
    "newsroom_json",
    "ninjs",
    "govuk",
    "presseportal",
    "webpage",
    "html",
    "markdown",
    "newsroom_page",
]
"""What a payload can be; `auto` tells it by the content."""

Text = Literal["auto", "feed", "page"]
"""Whether a feed carries whole texts or only announces pages that do; `auto` decides for each entry."""


@dataclass(frozen=True, slots=True)
class SendTerms:
    """What a release of a source must be before it is mailed.

    Attributes:
        approval: `auto` needs nobody's word, `hold` an operator's, `two` that of two different ones.
        hold_time: how long its text must stand unchanged.
        hold_at_most: how long changes can put it off, from when it was first seen.
        max_age: how old it may be when it is first seen.
        issuers: names under which its newsroom's releases may be signed.
        issuer_required: who signs it must be said in the release itself.
        kinds: kind words it may bear; empty allows every kind.
        arrival_dates: being put there is its date, where it has no other.
    """

    approval: Approval = "hold"
    hold_time: timedelta = timedelta(minutes=10)
    hold_at_most: timedelta = timedelta(minutes=60)
    max_age: timedelta = timedelta(hours=48)
    issuers: tuple[str, ...] = ()
    issuer_required: bool = False
    kinds: tuple[str, ...] = ()
    arrival_dates: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One source.

    Attributes:
        key: the word in commands, `[a-z][a-z0-9-]*`.
        newsroom: the key of the newsroom whose releases it has.
        url: where it is fetched; empty for a folder.
        folder: a folder of files; empty for a page of the net.
        format: what it holds, `auto` to tell it by the content.
        every: how often it is asked.
        language, zone: of texts and times that do not say theirs.
        allow_private: it may lie within the own net.
        websub: its hub is asked to tell us of news.
        authorization: gives the Authorization field as it is now; None for no such field.
        ca_file: authorities in place of the system's; empty for these.
    """

    key: str
    newsroom: str
    url: str = ""
    folder: str = ""
    format: Format = "auto"
    text: Text = "auto"
    every: timedelta = timedelta(minutes=10)
    language: str = "en"
    zone: str = "UTC"
    allow_private: bool = False
    websub: bool = False
    authorization: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    ca_file: str = ""
    terms: SendTerms = SendTerms()

    @property
    def place(self) -> str:
        """Where it lies, as people write it."""
        return self.url or self.folder

    @property
    def reading(self) -> str:
        """A digest of all that what is read depends on: another one, and everything is read anew."""
        said = (self.place, self.format, self.text, self.language, self.zone, repr(self.terms))
        return sha256("\0".join(said).encode()).hexdigest()
