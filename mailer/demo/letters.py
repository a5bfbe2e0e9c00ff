"""Reads what the post office keeps; a mail that breaks every rule still gives a letter to look at."""

from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.policy import default as modern
from pathlib import Path
from urllib.parse import unquote

_MISREAD = (MessageError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What Python's header parser is known to raise on headers that are wrong enough."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as a mail reader shows it.

    Attributes:
        mailbox: whose it is.
        number: its place in the mailbox, from 1.
        fields: name and decoded value of every header field, in order.
        text: the plain part; None without one.
        html: the HTML part; None without one.
        source: the whole, decoded as far as it is text.
    """

    mailbox: str
    number: int
    path: Path
    fields: tuple[tuple[str, str], ...]
    text: str | None
    html: str | None
    source: str

    def field(self, name: str) -> str:
        """The first field of that name; empty when there is none."""
        wanted = name.lower()
        return next((value for found, value in self.fields if found.lower() == wanted), "")

    @property
    def subject(self) -> str:
        """What it is about; never empty."""
        return self.field("Subject").strip() or "(no subject)"


def mailboxes(folder: Path) -> dict[str, list[Path]]:
    """The mailboxes of a post office in alphabetical order, each with its mails, oldest first.

    One whose first mail is just being written is none yet.
    """
    if not folder.is_dir():
        return {}
    found = {
        unquote(box.name): sorted(box.glob("*.eml"), key=_number)
        for box in sorted(folder.iterdir())
        if box.is_dir()
    }
    return {mailbox: paths for mailbox, paths in found.items() if paths}


def letters(folder: Path, mailbox: str) -> list[Letter]:
    """The mails of one mailbox, oldest first; none for a mailbox that got nothing."""
    return [read_letter(mailbox, path) for path in mailboxes(folder).get(mailbox, [])]


def read_letter(mailbox: str, path: Path) -> Letter:
    """The mail kept in the file `path`."""
    content = path.read_bytes()
    message = BytesParser(policy=compat32).parsebytes(content)
    return Letter(
        mailbox=mailbox,
        number=_number(path),
        path=path,
        fields=tuple((name, _value(name, str(raw))) for name, raw in message.raw_items()),
        text=_part(message, "text/plain"),
        html=_part(message, "text/html"),
        source=content.decode("utf-8", "replace").replace("\r\n", "\n"),
    )


def _number(path: Path) -> int:
    return int(path.stem) if path.stem.isdecimal() else 0


def _value(name: str, raw: str) -> str:
    """The decoded value; as it stands where nothing sensible can be read from it."""
    try:
        return str(modern.header_fetch_parse(name, raw))
    except _MISREAD:
        return " ".join(raw.split())


def _part(message: Message, kind: str) -> str | None:
    """The first part of that kind, as text."""
    for part in message.walk():
        if part.get_content_type() == kind and not part.is_multipart():
            octets = part.get_payload(decode=True)
            return _text(octets, part) if isinstance(octets, bytes) else None
    return None


def _text(octets: bytes, part: Message) -> str:
    try:
        text = octets.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # a character set nobody knows
        text = octets.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")
