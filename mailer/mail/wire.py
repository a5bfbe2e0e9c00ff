"""What of a message travels: its envelope as commands, its content with the dots doubled, or not at all.

To look through a content costs more than to send it. Most of it is shared by all messages of a mailing, in
pieces that are the same objects; each of these is looked through once. Where the pieces do not
suffice to tell (a line break cut in two, a dot at a piece's start) the whole content is looked through.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.mail.message import Message

FINAL_DOT = b".\r\n"

_SHARED = range(1_000, 200_000)  # lengths worth remembering: not what is one reader's, nor a flood

_PATH = re.compile(r"[!-;=?-~]{1,254}")  # RFC 5321 section 4.1.2, less quoted strings with blanks


def envelope(message: Message, *, declare_size: bool) -> bytes:
    """MAIL, RCPT and DATA, in this order: as one group or line by line (RFC 2920 section 3.1).

    Args:
        declare_size: name the size in MAIL, where the relay offered SIZE (RFC 1870).
    """
    size = f" SIZE={message.size}" if declare_size else ""
    commands = f"MAIL FROM:<{message.sender}>{size}\r\nRCPT TO:<{message.recipient}>\r\nDATA\r\n"
    return commands.encode("ascii")


def stuffed(*pieces: bytes) -> bytes:
    """Content as it travels: dots doubled at line starts, and the final dot (RFC 5321 section 4.5.2).

    Args:
        pieces: together, lines that all end in CRLF.
    """
    traits = _traits(pieces)
    if traits.whole and not traits.dotted:
        return b"".join((*pieces, FINAL_DOT))
    content = b"".join(pieces)
    first = b"." if content.startswith(b".") else b""
    return first + content.replace(b"\r\n.", b"\r\n..") + FINAL_DOT


def unfit(message: Message, *, relay: str = "", size_limit: int | None = None) -> Outcome | None:
    """Why a message must not be written to any line, if so: nothing of it has left by then.

    A line break in an address injects commands; a bare CR or LF in the content can end it early
    for some servers and let a second message be smuggled in (RFC 5321 section 2.3.8); NUL marks a
    slot nobody filled; letters beyond ASCII need an extension we do not ask for (RFC 6152).

    Args:
        size_limit: the most bytes the relay takes; 0 or None where it names no limit.
    """
    if message.sender and not _PATH.fullmatch(message.sender):
        return _unfit(Phase.MAIL, Blame.SENDER, "the envelope sender is not an address", relay)
    if not _PATH.fullmatch(message.recipient):
        return _unfit(Phase.RCPT, Blame.READER, "the envelope recipient is not an address", relay)
    if fault := _fault_of(message.pieces):
        return _unfit(Phase.DATA, Blame.SENDER, fault, relay)
    if size_limit and (size := message.size) > size_limit:
        fault = f"{size} bytes are more than the {size_limit} that the relay takes"
        return _unfit(Phase.MAIL, Blame.SENDER, fault, relay, "5.3.4")
    return None


def _unfit(phase: Phase, blame: Blame, fault: str, relay: str, status: str = "") -> Outcome:
    return Outcome(
        Result.REFUSED,
        phase,
        enhanced=status,
        text=f"not sent: {fault}",
        blame=blame,
        relay=relay,
    )


class _Traits(NamedTuple):
    """What is true of a content, however its pieces are put together.

    Attributes:
        whole: 7-bit, no NUL, and no CR or LF that is not one of a pair.
        dotted: a dot may stand at the start of a line.
    """

    whole: bool
    dotted: bool


@lru_cache(maxsize=32)  # asked twice of each message
def _traits(pieces: tuple[bytes, ...]) -> _Traits:
    shared = [_remembered(piece) for piece in pieces if len(piece) in _SHARED]
    # With line breaks between the others a pair cut in two shows as bare, a dot in front as dotted.
    rest = _looked_through(b"\r\n".join([b"", *(p for p in pieces if len(p) not in _SHARED)]))
    return _Traits(
        rest.whole and all(each.whole for each in shared),
        rest.dotted or any(each.dotted for each in shared),
    )


def _looked_through(piece: bytes) -> _Traits:
    whole = piece.isascii() and b"\0" not in piece and not _has_bare_breaks(piece)
    return _Traits(whole, piece.startswith(b".") or b"\r\n." in piece)


_remembered = lru_cache(maxsize=64)(_looked_through)  # bytes remember their hash


def _fault_of(pieces: tuple[bytes, ...]) -> str:
    if pieces and pieces[-1].endswith(b"\r\n") and _traits(pieces).whole:
        return ""
    content = b"".join(pieces)
    if _has_bare_breaks(content):
        return "the content holds a bare CR or LF"
    if not content.endswith(b"\r\n"):
        return "the content does not end in CRLF"
    if b"\0" in content:
        return "the content holds a slot that was not filled"
    if not content.isascii():
        return "the content is not 7-bit"
    return ""


def _has_bare_breaks(content: bytes) -> bool:
    breaks = content.count(b"\r\n")
    return content.count(b"\r") != breaks or content.count(b"\n") != breaks
