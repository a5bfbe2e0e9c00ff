"""Mails for tests: a newsroom, editions made by hand, and wire bytes read with other people's parsers."""

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import BaseHeader
from email.message import EmailMessage
from functools import cache
from html.parser import HTMLParser
from typing import Any

import fast_mail_parser
from hypothesis import strategies as st

from mailer.core.delivery import MAILED, Due, Purpose
from mailer.core.newsroom import Newsroom, Site
from mailer.core.release import Block, Contact, Edition, Run
from mailer.core.token import Marks, Tokens
from mailer.mail.compose import Composer
from mailer.mail.facts import ReleaseFacts
from mailer.mail.message import Message
from mailer.mail.prepare import Prepared, prepare_notice, prepare_release
from mailer.texts.templates import Templates

SITE = Site("https://nyheder.example")
AT = datetime(2025, 11, 21, 12, 47, tzinfo=UTC)
TOKENS = Tokens(["a key of the tests' own"])
MARKS = Marks(["another key of the tests' own"])
FACTS = ReleaseFacts(17, "naeste-skridt", "Pressemeddelelse", None, AT)
NEWSROOM = Newsroom(
    key="um",
    name="Udenrigsministeriet",
    languages=("da", "en"),
    time_zone="Europe/Copenhagen",
    sender="presse@um.example",
    reply_to="pressevagten@um.example",
    return_path="retur@um.example",
    postal="Asiatisk Plads 2\n1448 København K",
    privacy_url="https://um.example/privatliv",
)
DANISH = Edition(
    "da",
    "Næste skridt i kampen mod ISIL bliver taget i København",
    "På mødet skal koalitionslandene drøfte den seneste udvikling på globalt plan.",
    (
        Block("paragraph", (Run("Mødet afholdes i Udenrigsministeriet. " * 4),)),
        Block("attribution", (Run("Udenrigsminister Jeppe Kofod udtaler:"),)),
        Block("quote", (Run("”Året begyndte på dramatisk vis med stor uro i Mellemøsten."),)),
        Block("quote", (Run("Derfor er tiden kommet til at sikre, at koalitionen kommer igen.”"),)),
        Block("paragraph", (Run("På mødet vil cirka 30 lande være repræsenteret."),)),
    ),
    (
        Contact("For yderligere presse:"),
        Contact("Presserådgiver Kristian Frey Jensen, tlf.: 41532639", phone="41532639"),
    ),
)

# What people write, and what breaks mails: dots, From, blanks, signs of encodings, other scripts.
AWKWARD = st.sampled_from(
    [".", "..", "From ", "From", ">From ", " ", "\t", "=", "=20", "=?utf-8?q?x?=", "--", "-- ", "ø",
     "København", "🇩🇰", "👩‍🚒", "مرحبا", "שלום", "日本語", "{{ title }}", "{% raw %}", "&amp;", "<b>",
     "%s", "%(address)s", "'", '"', "\\", "https://example.org/" + "a" * 120, "x" * 100, "\u00a0"]
)  # fmt: skip
LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Cn"])
LINES = st.lists(st.one_of(AWKWARD, st.text(LETTERS, max_size=12)), max_size=12).map("".join)


@cache
def templates() -> Templates:
    """The shipped templates."""
    return Templates()


def release(edition: Edition = DANISH, **changes: Any) -> Prepared:
    """The edition prepared, with what `prepare_release` is to be told differently."""
    named: dict[str, Any] = {
        "site": SITE,
        "newsroom": NEWSROOM,
        "edition": edition,
        "facts": FACTS,
        "made_at": AT,
    }
    return prepare_release(changes.pop("templates", templates()), **(named | changes))


def notice(purpose: Purpose, language: str = "da", **changes: Any) -> Prepared:
    """A notice prepared, with what `prepare_notice` is to be told differently."""
    named: dict[str, Any] = {
        "site": SITE,
        "newsroom": NEWSROOM,
        "purpose": purpose,
        "language": language,
    }
    return prepare_notice(changes.pop("templates", templates()), **(named | changes))


def due(purpose: Purpose = Purpose.RELEASE, **changes: Any) -> Due:
    """A delivery to Lise Jensen."""
    named: dict[str, Any] = {
        "id": 123456,
        "purpose": purpose,
        "prepared_id": 1,
        "subscription_id": 98765,
        "mailbox": "lise.jensen@avisen.example",
        "made_at": AT,
        "attempts": 0,
        "cause": "" if purpose in MAILED else "request:4711",
        "answers": 77 if purpose in MAILED else None,
    }
    return Due(**(named | changes))


def composed(prepared: Prepared, **changes: Any) -> Message:
    """The prepared message made one reader's."""
    return Composer(TOKENS, MARKS).compose(prepared, due(prepared.purpose, **changes))


@dataclass(frozen=True)
class Wire:
    """A message as two strict parsers read it, after the rules that hold for every byte of it."""

    raw: bytes
    headers: dict[str, str]
    text: str
    html: str

    @property
    def lines(self) -> list[bytes]:
        """The header's raw lines, unfolded."""
        head = self.raw.split(b"\r\n\r\n", 1)[0]
        return re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n")


def read(message: Message) -> Wire:
    """Read wire bytes; fails on anything a strict reader could frown upon."""
    raw = message.content
    check_bytes(raw)
    parsed = email.message_from_bytes(
        raw, policy=email.policy.SMTP.clone(raise_on_defect=True), _class=EmailMessage
    )
    for value in parsed.values():
        assert isinstance(value, BaseHeader)
        assert not value.defects, (value, value.defects)
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    text, html = (part.get_content().replace("\r\n", "\n") for part in parsed.iter_parts())
    other = fast_mail_parser.parse_email(raw, strict=True)
    assert [part.replace("\r\n", "\n") for part in other.text_plain] == [text]
    assert [part.replace("\r\n", "\n") for part in other.text_html] == [html]
    assert other.subject == parsed["Subject"]
    assert other.warnings == []
    return Wire(raw, {name: str(value) for name, value in parsed.items()}, text, html)


def check_bytes(raw: bytes) -> None:
    """What holds for every message: ASCII, CRLF only, no NUL, lines within their limits."""
    raw.decode("ascii")
    assert b"\0" not in raw
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    head, _, body = raw.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not any(line.startswith((b".", b"From ")) for line in lines)


def words(text: str) -> str:
    """`text` as its words, for comparing what was wrapped."""
    return " ".join(text.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = self._inside or tag == "body"
        if tag in {"p", "br", "h1", "h2", "h3", "h4", "li", "td", "div", "pre"}:
            self.seen.append(" ")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.seen.append(data)


def shown(html: str) -> str:
    """What a reader of the HTML reads."""
    return words("".join(_fed(html).seen))


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """The HTML's tags with their attributes, in order."""
    return _fed(html).tags


def _fed(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader
