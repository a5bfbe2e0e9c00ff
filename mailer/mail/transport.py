"""The seam between dispatch and the world: a transport opens lines, a line takes messages.

Two things really exist behind it, a relay and a folder. Whoever feeds a line knows nothing of what is
behind it: how many messages are on their way at once is the line's business, so that a line may
take its messages ahead of time without a change here.
"""

import re
from typing import Protocol

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import ServiceMissing
from mailer.mail.message import Message

_PATH = re.compile(r"[!-;=?-~]{1,254}")  # RFC 5321 section 4.1.2, less quoted strings with blanks


class Line(Protocol):
    """One open way out. One task at a time speaks to it."""

    @property
    def alive(self) -> bool:
        """Whether it takes another message; if not, close it and connect anew."""

    @property
    def in_doubt(self) -> bool:
        """Whether a message whose `send` was cancelled may have been accepted: `unknown`, not due."""

    async def send(self, message: Message) -> Outcome:
        """Hand over one message; whatever happens to it is told by the outcome.

        Cancelling it ends the line at once; `in_doubt` then tells what to record.
        """

    async def close(self) -> None:
        """Take leave and close, whatever state the line is in; safe to call twice."""


class Transport(Protocol):
    """A place that takes our messages, over at most `connections` lines at once."""

    @property
    def name(self) -> str:
        """The name that outcomes carry in `relay`."""

    @property
    def connections(self) -> int:
        """How many lines to keep open at most."""

    async def connect(self) -> Line:
        """Open a line.

        Raises:
            ServiceMissing: nobody there, or not on the terms we insist on; says what to do.
        """


class RelayMissing(ServiceMissing):
    """A relay we could not open a line to.

    Args:
        what: one sentence naming the relay, the phase and the reply.
        cure: what the operator can do.
        outcome: the same as a value. `refused` stays until somebody changes the settings;
            `deferred` may be over at the next try.
    """

    def __init__(self, what: str, cure: str, *, outcome: Outcome) -> None:
        super().__init__(what, cure)
        self.outcome = outcome


def unfit(message: Message, *, relay: str = "") -> Outcome | None:
    """Why a message must not be written to any line, if so: nothing of it has left by then.

    A line break in an address injects commands; a bare CR or LF in the content can end it early
    for some servers and let a second message be smuggled in (RFC 5321 section 2.3.8); NUL marks a
    slot nobody filled; letters beyond ASCII need an extension we do not ask for (RFC 6152).
    """
    if message.sender and not _PATH.fullmatch(message.sender):
        return _unfit(Phase.MAIL, Blame.SENDER, "the envelope sender is not an address", relay)
    if not _PATH.fullmatch(message.recipient):
        return _unfit(Phase.RCPT, Blame.READER, "the envelope recipient is not an address", relay)
    fault = _fault_of(message.content)
    return _unfit(Phase.DATA, Blame.SENDER, fault, relay) if fault else None


def _unfit(phase: Phase, blame: Blame, fault: str, relay: str) -> Outcome:
    return Outcome(Result.REFUSED, phase, text=f"not sent: {fault}", blame=blame, relay=relay)


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
