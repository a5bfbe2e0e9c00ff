"""What of a message travels: its envelope as commands, its content with the dots doubled, or not at all.

`ready` is the one way there: what it gives has been looked through. The shared text of a mailing was when
it was cut (`segments`), so that a message costs a look at its envelope and at its reader's own values.
"""

import re
from typing import NamedTuple

from mailer.core.address import MAX_LENGTH, has_hidden
from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.mail.message import Message
from mailer.mail.segments import is_plain

FINAL_DOT = b".\r\n"

_PATH = re.compile(r"[!-;=?-~]{1,254}")  # RFC 5321 section 4.1.2, less quoted strings with blanks
_WIDE_PATH = re.compile(r"[^\s<>]+@[!-;=?-~]+")  # RFC 6531 section 3.3, the domain as A-labels


class Terms(NamedTuple):
    """On what terms a line takes messages.

    Attributes:
        relay: the name of the relay, for outcomes.
        size_limit: the most bytes it takes; 0 where it names no limit, None where it takes no size in
            MAIL either (RFC 1870).
        utf8: it takes mailboxes with letters beyond ASCII before the @ (RFC 6531).
    """

    relay: str = ""
    size_limit: int | None = None
    utf8: bool = False


_ANY_LINE = Terms()


class Ready(NamedTuple):
    """A message as it travels; made by `ready` alone.

    Attributes:
        envelope: MAIL, RCPT and DATA, in this order: as one group or line by line (RFC 2920 section 3.1).
        content: whole lines with the dots doubled at their starts (RFC 5321 section 4.5.2), without the
            final dot.
    """

    envelope: bytes
    content: bytes


def ready(message: Message, terms: Terms = _ANY_LINE) -> Ready | Outcome:
    """A message as it travels, or why it must not be written to any line: nothing has left by then.

    A line break in an address injects commands; a bare CR or LF in the content can end it early
    for some servers and let a second message be smuggled in (RFC 5321 section 2.3.8); NUL marks a
    slot nobody filled; 8-bit text needs an extension we do not ask for (RFC 6152). A header may be
    UTF-8 where the mailbox that it names is (RFC 6532), and nowhere else.
    """
    sender, recipient, shared, values = message
    if sender and not _PATH.fullmatch(sender):
        return _unfit(Phase.MAIL, Blame.SENDER, "the envelope sender is not an address", terms)
    if not _PATH.fullmatch(recipient) and (unfit := _unfit_recipient(recipient, terms)):
        return unfit
    content = shared.filled(values)
    size = len(content)
    if not (shared.plain and is_plain(values)):
        if fault := _fault_of(content, wide=not recipient.isascii()):
            return _unfit(Phase.DATA, Blame.SENDER, fault, terms)
        content = _stuffed(content)
    if terms.size_limit and size > terms.size_limit:
        fault = f"{size} bytes are more than the {terms.size_limit} that the relay takes"
        return _unfit(Phase.MAIL, Blame.SENDER, fault, terms, "5.3.4")
    return Ready(_envelope(sender, recipient, None if terms.size_limit is None else size), content)


def _envelope(sender: str, recipient: str, size: int | None) -> bytes:
    """MAIL, RCPT and DATA.

    A reader's mailbox with letters beyond ASCII asks for SMTPUTF8. No BODY is named: the text is 7-bit
    whatever the header is (RFC 6531 section 3.6).
    """
    told = "" if size is None else f" SIZE={size}"
    utf8 = "" if recipient.isascii() else " SMTPUTF8"
    commands = f"MAIL FROM:<{sender}>{told}{utf8}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n"
    return commands.encode()


def _stuffed(content: bytes) -> bytes:
    """Content with its dots doubled at line starts."""
    first = b"." if content.startswith(b".") else b""
    return first + content.replace(b"\r\n.", b"\r\n..")


def _unfit_recipient(recipient: str, terms: Terms) -> Outcome | None:
    """Why a mailbox that is no plain path cannot be written to, if so."""
    if recipient.isascii() or not _is_wide_path(recipient):
        return _unfit(Phase.RCPT, Blame.READER, "the envelope recipient is not an address", terms)
    if not terms.utf8:
        return _unfit(Phase.RCPT, Blame.READER, _TOO_WIDE, terms, "5.6.7")
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


def _unfit(phase: Phase, blame: Blame, fault: str, terms: Terms, status: str = "") -> Outcome:
    return Outcome(
        Result.REFUSED,
        phase,
        enhanced=status,
        text=f"not sent: {fault}",
        blame=blame,
        relay=terms.relay,
    )


def _fault_of(content: bytes, *, wide: bool) -> str:
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
