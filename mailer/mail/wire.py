"""What of a message travels: its envelope as commands, its content with the dots doubled, or not at all.

To look through a content costs more than to send it. Most of it is shared by all messages of a mailing, in
pieces that are the same objects; these are looked through once, and a reader's own each time. Where that
does not suffice to tell (a line break cut in two, a dot at a piece's start) the whole is looked through.
"""

import re
from functools import lru_cache

from mailer.core.address import MAX_LENGTH, has_hidden
from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.mail.message import Message

FINAL_DOT = b".\r\n"

_HARMLESS = bytes(set(range(1, 128)) - set(b"\r\n"))
_PATH = re.compile(r"[!-;=?-~]{1,254}")  # RFC 5321 section 4.1.2, less quoted strings with blanks
_WIDE_PATH = re.compile(r"[^\s<>]+@[!-;=?-~]+")  # RFC 6531 section 3.3, the domain as A-labels


def envelope(message: Message, *, declare_size: bool) -> bytes:
    """MAIL, RCPT and DATA, in this order: as one group or line by line (RFC 2920 section 3.1).

    A reader's mailbox with letters beyond ASCII asks for SMTPUTF8. No BODY is named: the text is 7-bit
    whatever the header is (RFC 6531 section 3.6).

    Args:
        declare_size: name the size in MAIL, where the relay offered SIZE (RFC 1870).
    """
    size = f" SIZE={message.size}" if declare_size else ""
    utf8 = "" if message.recipient.isascii() else " SMTPUTF8"
    commands = (
        f"MAIL FROM:<{message.sender}>{size}{utf8}\r\nRCPT TO:<{message.recipient}>\r\nDATA\r\n"
    )
    return commands.encode()


def stuffed(*pieces: bytes, behind: bytes = b"") -> bytes:
    """Content as it travels: dots doubled at line starts, and the final dot (RFC 5321 section 4.5.2).

    Args:
        pieces: as in `Message`; together, lines that all end in CRLF.
        behind: commands that follow in the same write.
    """
    if _plain(pieces):
        return b"".join((*pieces, FINAL_DOT, behind))
    content = b"".join(pieces)
    first = b"." if content.startswith(b".") else b""
    return first + content.replace(b"\r\n.", b"\r\n..") + FINAL_DOT + behind


def unfit(
    message: Message, *, relay: str = "", size_limit: int | None = None, utf8: bool = False
) -> Outcome | None:
    """Why a message must not be written to any line, if so: nothing of it has left by then.

    A line break in an address injects commands; a bare CR or LF in the content can end it early
    for some servers and let a second message be smuggled in (RFC 5321 section 2.3.8); NUL marks a
    slot nobody filled; 8-bit text needs an extension we do not ask for (RFC 6152). A header may be
    UTF-8 where the mailbox that it names is (RFC 6532), and nowhere else.

    Args:
        size_limit: the most bytes the relay takes; 0 or None where it names no limit.
        utf8: the relay takes mailboxes with letters beyond ASCII before the @ (RFC 6531).
    """
    if message.sender and not _PATH.fullmatch(message.sender):
        return _unfit(Phase.MAIL, Blame.SENDER, "the envelope sender is not an address", relay)
    wide = not message.recipient.isascii()
    if not (_is_wide_path if wide else _PATH.fullmatch)(message.recipient):
        return _unfit(Phase.RCPT, Blame.READER, "the envelope recipient is not an address", relay)
    if wide and not utf8:
        return _unfit(Phase.RCPT, Blame.READER, _TOO_WIDE, relay, "5.6.7")
    if fault := _fault_of(message.pieces, wide=wide):
        return _unfit(Phase.DATA, Blame.SENDER, fault, relay)
    if size_limit and (size := message.size) > size_limit:
        fault = f"{size} bytes are more than the {size_limit} that the relay takes"
        return _unfit(Phase.MAIL, Blame.SENDER, fault, relay, "5.3.4")
    return None


_TOO_WIDE = (
    "the mailbox has letters beyond ASCII before the @, and this relay does not take them (SMTPUTF8); "
    "ask the reader for a plain address, or send through a relay that offers it"
)


def _is_wide_path(path: str) -> bool:
    """Whether a mailbox with letters beyond ASCII can stand in an envelope: A-labels after the @."""
    if not _WIDE_PATH.fullmatch(path) or has_hidden(path):
        return False
    return len(path.encode()) <= MAX_LENGTH


def _unfit(phase: Phase, blame: Blame, fault: str, relay: str, status: str = "") -> Outcome:
    return Outcome(
        Result.REFUSED,
        phase,
        enhanced=status,
        text=f"not sent: {fault}",
        blame=blame,
        relay=relay,
    )


@lru_cache(maxsize=128)  # asked twice of each message
def _plain(pieces: tuple[bytes, ...]) -> bool:
    """Whether a content is whole lines of 7 bits without NUL, none of which begins with a dot.

    False where the pieces by themselves do not suffice to tell.
    """
    return _remembered(pieces[::2]) and _looked_through(pieces[1::2])


def _looked_through(pieces: tuple[bytes, ...]) -> bool:
    # With line breaks between them a pair cut in two shows as bare, a dot in front as a line's first.
    lines = b"\r\n".join((b"", *pieces))
    if b"\r\n." in lines:
        return False
    return len(lines.translate(None, _HARMLESS)) == 2 * lines.count(b"\r\n")


_remembered = lru_cache(maxsize=64)(_looked_through)  # bytes remember their hash


def _fault_of(pieces: tuple[bytes, ...], *, wide: bool) -> str:
    if pieces and pieces[-1].endswith(b"\r\n") and _plain(pieces):
        return ""
    content = b"".join(pieces)
    if _has_bare_breaks(content):
        return "the content holds a bare CR or LF"
    if not content.endswith(b"\r\n"):
        return "the content does not end in CRLF"
    if b"\0" in content:
        return "the content holds a slot that was not filled"
    if content.isascii() or (wide and _is_wide(content)):
        return ""
    return "the content is not 7-bit"


def _is_wide(content: bytes) -> bool:
    """Whether a content is 7-bit but for a header in UTF-8."""
    header, _, text = content.partition(b"\r\n\r\n")
    try:
        header.decode()
    except UnicodeDecodeError:
        return False
    return text.isascii()


def _has_bare_breaks(content: bytes) -> bool:
    breaks = content.count(b"\r\n")
    return content.count(b"\r") != breaks or content.count(b"\n") != breaks
