"""Hands messages to a relay over kept connections, and says truthfully what became of each.

`handshake` opens the connection on the relay's terms; then each message goes

    MAIL -> RCPT -> DATA -> content and final dot -> reply

one reply awaited before the next command. A reply that ends it is judged by `core.reply`; a lost link
is deferred before the final dot and unknown after it. After a refused RCPT or DATA the transaction
is reset (RFC 5321 section 4.1.1.5), so that the next message starts afresh on the same line.
"""

import asyncio
import ssl
from collections.abc import Iterator

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.reply import judge, lost, proceeds
from mailer.mail.conversation import LinkLost, Reply
from mailer.mail.handshake import Opened, open_connection, tls_context
from mailer.mail.message import Message
from mailer.mail.relay import Relay
from mailer.mail.transport import unfit

_CLOSING = 421


class SmtpTransport:
    """Opens lines to one relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._context: ssl.SSLContext | None = None

    @property
    def name(self) -> str:
        """The relay's name."""
        return self._relay.name

    @property
    def connections(self) -> int:
        """How many lines to keep open at most."""
        return self._relay.connections

    async def connect(self) -> "SmtpLine":
        """Open a line: connected, greeted, encrypted and logged in as the relay's description says.

        Raises:
            RelayMissing: with the phase that failed, the reply and the cure.
        """
        if self._relay.security != "none" and self._context is None:
            self._context = await asyncio.to_thread(tls_context, self._relay)
        opened = await open_connection(self._relay, self._context)
        return SmtpLine(self._relay, opened)


class SmtpLine:
    """One kept connection to a relay."""

    def __init__(self, relay: Relay, opened: Opened) -> None:
        self._relay = relay
        self._conversation = opened.conversation
        self._size_limit = opened.size_limit
        self._left = relay.messages_per_connection
        self._in_doubt = False

    @property
    def alive(self) -> bool:
        """Whether it takes another message: the link stands and its share is not used up."""
        return self._left > 0 and self._conversation.alive

    @property
    def in_doubt(self) -> bool:
        """Whether a message whose `send` was cancelled may have been accepted."""
        return self._in_doubt

    async def send(self, message: Message) -> Outcome:
        """Hand one message to the relay; see the module's docstring.

        Returns:
            What became of it. Whether the line still stands is a matter of its own: ask `alive`.
        """
        self._in_doubt = False
        unsent = unfit(message, relay=self._relay.name) or self._too_big(message)
        if unsent is not None:
            return unsent
        self._left -= 1
        phase = Phase.MAIL
        try:
            for phase, command, patience in self._envelope(message):
                reply = await self._conversation.ask(command, patience)
                if not proceeds(phase, reply.code):
                    return await self._stopped(phase, reply)
            early = await self._conversation.pour(
                stuffed(message.content), self._relay.timeouts.block
            )
            if early is not None:
                return await self._stopped(phase, early)
            phase, self._in_doubt = Phase.CONTENT, True
            reply = await self._conversation.answer(self._relay.timeouts.final)
        except LinkLost as loss:
            self._in_doubt = False
            return lost(phase, loss.reason, relay=self._relay.name)
        self._in_doubt = False
        return await self._stopped(phase, reply)

    async def close(self) -> None:
        """QUIT where the line still stands, and close."""
        await self._conversation.close(self._relay.timeouts.quit)

    def _envelope(self, message: Message) -> Iterator[tuple[Phase, bytes, float]]:
        timeouts = self._relay.timeouts
        size = f" SIZE={len(message.content)}" if self._size_limit is not None else ""
        yield Phase.MAIL, f"MAIL FROM:<{message.sender}>{size}".encode("ascii"), timeouts.mail
        yield Phase.RCPT, f"RCPT TO:<{message.recipient}>".encode("ascii"), timeouts.rcpt
        yield Phase.DATA, b"DATA", timeouts.data

    def _too_big(self, message: Message) -> Outcome | None:
        size, limit = len(message.content), self._size_limit
        if not limit or size <= limit:
            return None
        return Outcome(
            Result.REFUSED,
            Phase.MAIL,
            enhanced="5.3.4",
            text=f"not sent: {size} bytes are more than the {limit} that the relay takes",
            blame=Blame.SENDER,
            relay=self._relay.name,
        )

    async def _stopped(self, phase: Phase, reply: Reply) -> Outcome:
        """Judge the reply that ended a message, and leave the line fit for the next, or ended."""
        outcome = judge(phase, reply.code, reply.text, relay=self._relay.name)
        if reply.code == _CLOSING:
            self._conversation.end(f"the relay closes the channel: {reply.code} {reply.text}")
        elif reply.code < 400 and outcome.result is not Result.ACCEPTED:
            self._conversation.end(f"the relay is out of step: {reply.code} to {phase}")
        elif phase in {Phase.RCPT, Phase.DATA}:
            await self._reset()
        return outcome

    async def _reset(self) -> None:
        """Abandon the open transaction; a line that will not is ended, the outcome stands."""
        try:
            reply = await self._conversation.ask(b"RSET", self._relay.timeouts.mail)
        except LinkLost:
            return
        if not proceeds(Phase.MAIL, reply.code):
            self._conversation.end(f"the relay did not reset: {reply.code} {reply.text}")


def stuffed(content: bytes) -> bytes:
    """Content as it travels: dots doubled at line starts, and the final dot (RFC 5321 section 4.5.2).

    Args:
        content: lines that all end in CRLF.
    """
    first = b"." if content.startswith(b".") else b""
    return first + content.replace(b"\r\n.", b"\r\n..") + b".\r\n"
