"""Writes header fields: folded where they can be, pure ASCII, and nothing can be injected.

A field is a name and atoms; lines are folded between atoms only, so an address or a URI is never
cut (RFC 5322 section 2.2.3, RFC 2369 section 2). Words outside ASCII become encoded-words of at most
75 characters that each hold whole characters (RFC 2047 sections 2 and 5). What a reader sees is
checked first: control and direction characters are refused, since they inject fields or dress one
name as another.
"""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from mailer.core.address import has_hidden
from mailer.core.errors import MailerError
from mailer.mail.slots import CLOSE, HOLE, MARK, OPEN, hole

FOLD = 76  # what a line with an encoded-word may have (RFC 2047 section 2); others could have 78
LIMIT = 998

_ENVELOPE = len("=?utf-8?q?") + len("?=")
_LONGEST_WORD = 60  # longer plain words could not be folded beside a field's name
_JOINERS = str.maketrans("", "", "\u200c\u200d")  # shape Persian words and emoji, and hide nothing
_SLOT = re.compile(f"(?:^|(?<= )){OPEN}([a-z_]+){CLOSE}(?= |$)")
_PHRASE_WORDS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_URI = re.compile(r"https?://[!#-;=?-Z_a-z~\[\]]+|mailto:[!#-;=?-Z_a-z~]+")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_MAILBOX = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def field(name: str, *atoms: str | bytes) -> bytes:
    """A header field of atoms that are never cut, with one space or a fold between them.

    Args:
        atoms: printable ASCII; bytes may hold slots.

    Raises:
        MailerError: anything else is in them.
    """
    line = f"{name}:".encode()
    lines: list[bytes] = []
    for atom in atoms:
        piece = _checked(name, atom)
        if len(line) + 1 + len(piece) > FOLD > len(piece):
            lines.append(line)
            line = b""
        line += b" " + piece
    return b"\r\n".join([*lines, line]) + b"\r\n"


def unfolded(name: str, atom: str | bytes) -> bytes:
    """A field whose one atom stays on the line of its name, however long."""
    return b"%s: %s\r\n" % (name.encode(), _checked(name, atom))


def unstructured(name: str, text: str) -> bytes:
    """A field of free text, as Subject; `text` has been through `display`.

    A slot in it is a word by itself, since an encoded-word is never cut (RFC 2047 section 5(1)).

    Raises:
        MailerError: a slot touches the word beside it.
    """
    texts = _SLOT.split(text)  # text, slot, text, slot, ... text
    atoms: list[str | bytes] = []
    for place, piece in enumerate(texts):
        if place % 2:
            atoms.append(hole(piece))
        elif MARK.search(piece):
            raise MailerError(
                f"The header field {name} would join a slot to a word", "write blanks around it"
            )
        elif piece.strip(" "):
            atoms += _words(piece.strip(" "), 1 if atoms else len(name) + 2)
    return field(name, *atoms)


def _words(text: str, column: int) -> list[str]:
    words = text.split(" ")
    plain = text.isascii() and "=?" not in text and max(map(len, words)) <= _LONGEST_WORD
    return words if plain else encoded_words(text, column)


def mailbox(name: str, display_name: str, address: str) -> bytes:
    """A field of one mailbox with a display name, as From.

    Raises:
        MailerError: the address cannot stand in a header.
    """
    return field(name, *phrase(display_name, len(name) + 2), f"<{checked_mailbox(address)}>")


def phrase(text: str, column: int) -> Sequence[str]:
    """A display name as atoms: plain, quoted or encoded, as it needs (RFC 5322 section 3.2.5).

    Args:
        text: has been through `display`.
        column: how much of the first line is taken.
    """
    if not text.isascii() or "=?" in text or len(text) > _LONGEST_WORD:
        return encoded_words(text, column)
    if _PHRASE_WORDS.fullmatch(text):
        return text.split(" ")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"']


def encoded_words(text: str, column: int) -> list[str]:
    """`text` as encoded-words, none of which ends within a character.

    Args:
        column: how much of the first line is taken.
    """
    kind, size, write = min((_Q, _B), key=lambda way: way[1](text.encode()))
    words: list[str] = []
    current, room = b"", FOLD - column - _ENVELOPE
    for character in text:
        longer = current + character.encode()
        if size(longer) > room and current:
            words.append(f"=?utf-8?{kind}?{write(current)}?=")
            longer, room = character.encode(), FOLD - 1 - _ENVELOPE
        current = longer
    return [*words, f"=?utf-8?{kind}?{write(current)}?="]


def display(text: str, what: str) -> str:
    """`text` fit to be shown in a header: trimmed, runs of spaces made one.

    Args:
        what: what it is, for the error: "the release's title".

    Raises:
        MailerError: it is empty, or holds a control or direction character.
    """
    shown = re.sub(" +", " ", text.strip(" "))
    if not shown:
        raise MailerError(f"{what[:1].upper()}{what[1:]} is empty", "write one")
    if has_hidden(shown.translate(_JOINERS)):
        culprit = next(c for c in shown.translate(_JOINERS) if has_hidden(c))
        raise MailerError(
            f"{what[:1].upper()}{what[1:]} holds the hidden character U+{ord(culprit):04X}",
            "remove it: characters that control lines or direction are refused in what readers see",
        )
    return shown


def uri(address: str) -> str:
    """A web or mail address in angle brackets (RFC 2369 section 2).

    Raises:
        MailerError: it is not an absolute address in plain ASCII, or too long for a line.
    """
    if not _URI.fullmatch(address) or len(address) > LIMIT - 100:
        raise MailerError(
            f"“{address[:100]}” cannot stand in a mail's header",
            "write base_url and addresses as plain ASCII with https:// in front, without spaces",
        )
    return f"<{address}>"


def checked_mailbox(address: str) -> str:
    """`address`, if it can stand in a header as it is.

    Raises:
        MailerError: it cannot.
    """
    if not _MAILBOX.fullmatch(address) or len(address) > 254:
        raise MailerError(
            f"“{address[:100]}” cannot stand in a mail's header",
            "give a plain address: name@domain in ASCII, the domain in its xn-- form",
        )
    return address


@lru_cache(maxsize=16)  # the letters of a mailing share theirs; in UTC equal moments are the same
def _date(moment: datetime) -> bytes:
    return format_datetime(moment).encode()


def date(moment: datetime) -> bytes:
    """A Date (RFC 5322 section 3.3), in UTC."""
    return _date(moment if moment.tzinfo is UTC else moment.astimezone(UTC))


def _checked(name: str, atom: str | bytes) -> bytes:
    piece = atom.encode() if isinstance(atom, str) else atom
    if re.search(rb"[^ -~]", HOLE.sub(b"", piece)) or not piece:
        raise MailerError(
            f"The header field {name} would hold {piece[:60]!r}", "write it in plain ASCII"
        )
    return piece


def _q_size(octets: bytes) -> int:
    return sum(1 if octet in _Q_LITERAL or octet == 0x20 else 3 for octet in octets)


def _q_write(octets: bytes) -> str:
    return "".join(_q_octets(octets))


def _q_octets(octets: bytes) -> Iterator[str]:
    for octet in octets:
        if octet == 0x20:
            yield "_"
        else:
            yield chr(octet) if octet in _Q_LITERAL else f"={octet:02X}"


def _b_size(octets: bytes) -> int:
    return (len(octets) + 2) // 3 * 4


def _b_write(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


# What a phrase allows unencoded (RFC 2047 section 5(3)) is fit for every place.
_Q_LITERAL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Way = tuple[str, Callable[[bytes], int], Callable[[bytes], str]]
_Q: _Way = ("q", _q_size, _q_write)
_B: _Way = ("b", _b_size, _b_write)
