"""The newsroom people subscribe to, and the site that serves it: settled facts, handed around."""

from dataclasses import dataclass
from typing import Literal

UnknownPolicy = Literal["resend", "hold"]


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
        accent: the one accent colour, `#rrggbb`.
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
    accent: str = "#0b4f8a"
    unknown: UnknownPolicy = "resend"

    @property
    def language(self) -> str:
        """The newsroom's own language."""
        return self.languages[0]

    @property
    def domain(self) -> str:
        """The domain of the sender, which Message-ID and List-Id carry too."""
        return self.sender.rpartition("@")[2]

    @property
    def envelope_base(self) -> str:
        """The address whose VERP forms are the envelope senders."""
        return self.return_path or self.sender


@dataclass(frozen=True, slots=True)
class Site:
    """Where the pages are: links are built from `base_url` (no trailing slash), never from Host."""

    base_url: str

    def url(self, path: str) -> str:
        """The absolute address of `path`, which starts with a slash."""
        return f"{self.base_url}{path}"
