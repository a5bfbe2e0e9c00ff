"""The newsroom people subscribe to, and the site that serves it: settled facts, handed around."""

from dataclasses import dataclass
from typing import Literal

from mailer.core.choice import AT_ONCE, Interests
from mailer.core.forwarded import ProxyHeader
from mailer.core.language import choose

UnknownPolicy = Literal["resend", "hold"]
Fallback = Literal["original", "first", "wait"]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, a kind of release or a place that readers can choose.

    Attributes:
        labels: what it is called, by language.
        words: in which sources speak of it beside these.
    """

    key: str
    labels: tuple[tuple[str, str], ...]
    words: tuple[str, ...] = ()

    def label(self, language: str) -> str:
        """What it is called in a language, or else in the first there is."""
        names = dict(self.labels)
        return names[choose([language], tuple(names))]


@dataclass(frozen=True, slots=True)
class Newsroom:
    """An issuer's press room.

    Attributes:
        key: the word in addresses and commands, `[a-z][a-z0-9-]*`.
        name: the issuer's name as readers know it; the From name of every mail.
        languages: BCP 47 tags, the newsroom's own language first.
        time_zone: IANA name; dates shown to readers are in it.
        sender: the address in From.
        reply_to: where answers go: the press desk; None means the sender.
        return_path: address that bounces go to; each message's own form is
            `local+<delivery>-<mac>@domain` (VERP).
        issuers: names under which this newsroom's releases may be signed; `name` always counts.
        kinds: kind words a release of this newsroom may bear; empty allows every kind.
        postal: the sender's postal address for the foot of a mail; may be empty.
        privacy_url: the privacy notice that the form links to; may be empty.
        privacy_notice: its text by language, kept with each consent; may be empty.
        farewell: who leaves gets one last mail, with a way back.
        accent: the one accent colour, `#rrggbb`.
        accent_dark: the same for dark pages; empty for `accent`.
        logo, logo_dark: the files of the pages' logo, the second for dark pages; empty for none.
        boilerplate: what is told about the issuer below each release on its page, by language.
        topics: what readers can choose among; empty offers no choice.
        kind_choices, places: the same, for kinds of release and for what places it is about.
        fallback: what who wants none of a release's languages gets: it in the language that it was first
            written in, in the first of the newsroom's that it is in, or nothing until it is translated.
        frequencies: how often they can have mail, as `core.choice.FREQUENCIES` names it; who does not say has
            the first.
        catch_up: so many of the last releases a fresh subscriber gets as one digest.
        unknown: what to do with a message whose reply was never seen.
    """

    key: str
    name: str
    languages: tuple[str, ...]
    time_zone: str
    sender: str
    reply_to: str | None = None
    return_path: str = ""
    issuers: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    postal: str = ""
    privacy_url: str = ""
    privacy_notice: tuple[tuple[str, str], ...] = ()
    farewell: bool = True
    accent: str = "#0b4f8a"
    accent_dark: str = ""
    logo: str = ""
    logo_dark: str = ""
    boilerplate: tuple[tuple[str, str], ...] = ()
    topics: tuple[Topic, ...] = ()
    kind_choices: tuple[Topic, ...] = ()
    places: tuple[Topic, ...] = ()
    fallback: Fallback = "original"
    frequencies: tuple[str, ...] = (AT_ONCE,)
    catch_up: int = 0
    unknown: UnknownPolicy = "resend"

    def offered(self, interests: Interests) -> Interests:
        """What of it can be chosen here; where nothing of it can any more, everything."""
        return Interests(
            topics=_among(self.topics, interests.topics),
            kinds=_among(self.kind_choices, interests.kinds),
            places=_among(self.places, interests.places),
            frequency=interests.frequency if interests.frequency in self.frequencies else None,
        )

    @property
    def language(self) -> str:
        """The newsroom's own language."""
        return self.languages[0]

    @property
    def domain(self) -> str:
        """The domain of the sender, which Message-ID and List-Id carry too."""
        return self.sender.rpartition("@")[2]

    def about(self, language: str) -> str:
        """The boilerplate in a language, by its exact tag or else its primary one; empty for none."""
        texts = dict(self.boilerplate)
        return texts.get(choose([language], ("", *texts)), "")

    def privacy(self, language: str) -> str:
        """The privacy notice in a language, or else in the first there is; empty for none."""
        texts = dict(self.privacy_notice)
        return texts[choose([language], tuple(texts))] if texts else ""

    @property
    def envelope_base(self) -> str:
        """The address whose VERP forms are the envelope senders."""
        return self.return_path or self.sender


@dataclass(frozen=True, slots=True)
class Site:
    """Where the pages are: links are built from `base_url` (no trailing slash), never from Host.

    Attributes:
        trusted_proxies: networks whose word about their clients is believed.
        proxy_header: the one that they write.
        allowed_origins: other sites whose scripts may sign up their visitors.
    """

    base_url: str
    trusted_proxies: tuple[str, ...] = ()
    proxy_header: ProxyHeader = "x-forwarded-for"
    allowed_origins: tuple[str, ...] = ()

    def url(self, path: str) -> str:
        """The absolute address of `path`, which starts with a slash."""
        return f"{self.base_url}{path}"


def _among(offered: tuple[Topic, ...], words: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return tuple(one.key for one in offered if one.key in (words or ())) or None
