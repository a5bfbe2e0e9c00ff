"""What of a message travels: its envelope as commands, its content with the dots doubled, or not at all."""

import re

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.mail.message import Message

FINAL_DOT = b".\r\n"

_PATH = re.compile(r"[!-;=?-~]{1,254}")  # RFC 5321 section 4.1.2, less quoted strings with blanks


def envelope(message: Message, *, declare_size: bool) -> bytes:
    """MAIL, RCPT and DATA, in this order: as one group or line by line (RFC 2920 section 3.1).

    Args:
        declare_size: name the size in MAIL, where the relay offered SIZE (RFC 1870).
    """
    size = f" SIZE={len(message.content)}" if declare_size else ""
    commands = f"MAIL FROM:<{message.sender}>{size}\r\nRCPT TO:<{message.recipient}>\r\nDATA\r\n"
    return commands.encode("ascii")


def stuffed(content: bytes) -> bytes:
    """Content as it travels: dots doubled at line starts, and the final dot (RFC 5321 section 4.5.2).

    Args:
        content: lines that all end in CRLF.
    """
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
    if fault := _fault_of(message.content):
        return _unfit(Phase.DATA, Blame.SENDER, fault, relay)
    if size_limit and (size := len(message.content)) > size_limit:
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


def _fault_of(content: bytes) -> str:
    breaks = content.count(b"\r\n")
    if content.count(b"\r") != breaks or content.count(b"\n") != breaks:
        return "the content holds a bare CR or LF"
    if not content.endswith(b"\r\n"):
        return "the content does not end in CRLF"
    if b"\0" in content:
        return "the content holds a slot that was not filled"
    if not content.isascii():
        return "the content is not 7-bit"
    return ""
