"""What a press release says: blocks of runs, independent of any mark-up it came in or goes out as.

Text, HTML and pages are all made from these values, so that nothing unsafe can pass by construction:
a run holds plain text and at most a checked link.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

BlockKind = Literal[
    "paragraph", "heading", "attribution", "quote", "bullet", "number", "preformatted", "rule"
]

Signal = Literal["", "correction", "withdrawn"]
"""What a source says of a release beside its text: it corrects an earlier one, or was taken back."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one style. `href` is an absolute http, https, mailto or tel address."""

    text: str
    bold: bool = False
    italic: bool = False
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a body.

    Attributes:
        kind: `attribution` is the line that names the speaker of the `quote` blocks after it;
            one quote over several paragraphs is several `quote` blocks in a row.
        runs: its text.
        level: heading depth (2-4) or list depth (0...).
        ordinal: the number of a `number` block; 0 elsewhere.
    """

    kind: BlockKind
    runs: tuple[Run, ...] = ()
    level: int = 0
    ordinal: int = 0

    @property
    def text(self) -> str:
        """The block's words without style."""
        if len(self.runs) == 1:  # most have no style inside
            return self.runs[0].text
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True, slots=True)
class Contact:
    """A press contact: the line as it stood, and what could be read from it."""

    text: str
    name: str = ""
    role: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """Something that comes with a release: linked with its name, type and size.

    Attributes:
        media_type: as `application/pdf`; empty where nobody said.
        size: octets; None where nobody said.
        attach: the desk wants it in the mail itself.
    """

    url: str
    name: str
    media_type: str = ""
    size: int | None = None
    attach: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that comes with a release: linked, never loaded by a mail.

    Attributes:
        alt: what it shows, in words, for those who do not see it.
        credit: who made it.
    """

    url: str
    alt: str = ""
    caption: str = ""
    credit: str = ""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """One immutable text of a release in one language. `lead` may be empty; `title` and `body` never are.

    Attributes:
        pictures: the lead picture first.
    """

    language: str
    title: str
    lead: str
    body: tuple[Block, ...]
    contacts: tuple[Contact, ...] = ()
    files: tuple[File, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Related:
    """A line of a page's "more releases" list: read to be kept out of the mail, never mailed or stored.

    `stamp` is the timestamp as it stood ("12.9.2025 20:49:28 CEST").
    """

    title: str
    stamp: str
    kind: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseDocument:
    """What a source found: an edition, and what it says about the release.

    Attributes:
        issuer: who signs it, as written; None where the document does not say.
        identity: the source's own name for the release (front matter `id`, canonical URL, guid);
            None means the fingerprint of its first edition is its identity.
        names: further names of the release: its other addresses, a platform's number (`um:2012662`).
        joint: what releases of several newsrooms that are one and the same have in common.
        publish_at: aware UTC; not before this moment. Never taken from the text or a list of others.
        embargo_until: aware UTC; nobody may read it before, but for accredited readers.
        dated: the source's own date of it, aware UTC: when it was published there; None without one to trust.
        dated_as: that date as it stood.
        signal: what the source says of its state.
        places: what it is about or where, as the source has it.
        detail_url: where the whole stands, of which this is only the announcement: the edition has no
            body then, its lead is the announcement's, and it is never mailed as it is.
        warnings: what the operator should look at, in words.
    """

    edition: Edition
    issuer: str | None = None
    identity: str | None = None
    newsroom: str | None = None
    kind: str = ""
    topics: tuple[str, ...] = ()
    publish_at: datetime | None = None
    canonical_url: str | None = None
    related: tuple[Related, ...] = ()
    warnings: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    joint: str | None = None
    embargo_until: datetime | None = None
    dated: datetime | None = None
    dated_as: str = ""
    signal: Signal = ""
    places: tuple[str, ...] = ()
    urgent: bool = False
    detail_url: str | None = None


def fingerprint(edition: Edition) -> str:
    """A digest of what a reader would read: equal for equal words, whatever their spacing or Unicode form.

    Returns:
        64 hexadecimal digits. Contacts, related lists, addresses and counters do not enter.
    """
    digest = hashlib.sha256()
    for part in _words_of(edition):
        digest.update(_canonical(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _words_of(edition: Edition) -> Iterable[str]:
    yield edition.language
    yield edition.title
    yield edition.lead
    for block in edition.body:
        yield block.text


def _canonical(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


# Letters that Unicode does not take apart, and those whose readers write two letters for them.
_LETTERS = str.maketrans(
    {
        "æ": "ae", "ø": "oe", "å": "aa", "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "œ": "oe",
        "þ": "th", "ð": "d", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "ŋ": "n",
    }
)  # fmt: skip


def slug(title: str) -> str:
    """The readable tail of an address: ASCII words, 60 characters at most, "release" if none is left."""
    composed = unicodedata.normalize("NFC", title).lower()
    apart = unicodedata.normalize("NFKD", composed.translate(_LETTERS))
    # Accents and apostrophes vanish inside a word; any other sign, a dash too, parts words.
    plain = "".join(c for c in apart if not unicodedata.combining(c) and c not in "'’")
    words = re.findall(r"[a-z0-9]+", plain)
    kept = ""
    for word in words:
        longer = f"{kept}-{word}" if kept else word[:60]
        if len(longer) > 60:
            break
        kept = longer
    return kept or "release"


def body_to_plain(body: tuple[Block, ...]) -> list[dict[str, Any]]:
    """The body as JSON-ready values, for storing."""
    return [asdict(block) for block in body]


def body_from_plain(plain: list[dict[str, Any]]) -> tuple[Block, ...]:
    """The inverse of `body_to_plain`."""
    return tuple(
        Block(
            kind=block["kind"],
            runs=tuple(Run(**run) for run in block["runs"]),
            level=block["level"],
            ordinal=block["ordinal"],
        )
        for block in plain
    )
