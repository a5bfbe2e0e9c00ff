"""What reading a payload comes to: documents, refusals, and the terms it is read under."""

from dataclasses import dataclass

from mailer.core.release import ReleaseDocument
from mailer.core.source import Format, Text


@dataclass(frozen=True, slots=True)
class ReadingTerms:
    """What the settings say of a source, which its payload may not say of itself.

    Attributes:
        language: BCP 47 tag of a text whose source does not name its language.
        zone: IANA name of the zone in which the source tells times that name no zone.
        format: what the payload is; `auto` tells it by the content, never by the media type.
        text: whether a feed carries whole texts (`feed`) or only announces pages that do (`page`);
            `auto` decides for each entry.
    """

    language: str = "en"
    zone: str = "UTC"
    format: Format = "auto"
    text: Text = "auto"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One entry that cannot become a release; the others of its payload are not touched by it.

    Attributes:
        place: which entry, as `item 3 (https://example.org/3)`.
        what: what is wrong with it, without a full stop at the end.
        cure: what somebody can do about it.
    """

    place: str
    what: str
    cure: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a payload holds.

    Attributes:
        format: what it was read as, one of `Format` but for `auto`.
        documents: in the order in which they stand there. One with a `detail_url` has no body yet:
            what stands at that address is read by itself, and its edition taken.
        refusals: the entries that cannot become releases, each with its reason.
        hub: where a WebSub hub takes subscriptions to it; None without one.
        self_url: the address under which the hub knows it (WebSub's topic); None where it says none.
    """

    format: str
    documents: tuple[ReleaseDocument, ...]
    refusals: tuple[Refusal, ...] = ()
    hub: str | None = None
    self_url: str | None = None
