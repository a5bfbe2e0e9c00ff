"""Hands messages to a relay over kept connections, and says truthfully what became of each.

`handshake` opens the connection on the relay's terms. Where the relay offers PIPELINING the line is a
`Pipeline`. Elsewhere each message goes

    MAIL -> RCPT -> DATA -> content and final dot -> reply

one reply awaited before the next command. A reply that ends it is judged by `core.reply`; a lost link
is deferred before the final dot and unknown after it. After a refused RCPT or DATA the transaction
is reset (RFC 5321 section 4.1.1.5), so that the next message starts afresh on the same line.
"""

import asyncio
import ssl
from collections.abc import Iterator

from mailer.core.delivery import Outcome, Phase, Result
from mailer.core.reply import judge, lost, proceeds
from mailer.mail.conversation import Conversation, LinkLost
from mailer.mail.handshake import Opened, open_connection, tls_context
from mailer.mail.hearing import CLOSING, Reply
from mailer.mail.pipeline import Pipeline
from mailer.mail.relay import Relay
from mailer.mail.share import Share
from mailer.mail.transport import Line, Parcel, Pull, interrupted
from mailer.mail.wire import FINAL_DOT, Ready, Terms, ready


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

    @property
    def order(self) -> int:
        """When it is its turn: lower is used first."""
        return self._relay.order

    @property
    def weight(self) -> int:
        """Its share among the relays of one order."""
        return self._relay.weight

    @property
    def messages_per_second(self) -> float:
        """How many messages to begin in a second at most; 0 for no limit."""
        return self._relay.messages_per_second

    async def connect(self) -> Line:
        """Open a line: connected, greeted, encrypted and logged in as the relay's description says.

        Raises:
            RelayMissing: with the phase that failed, the reply and the cure.
        """
        if self._relay.security != "none" and self._context is None:
            self._context = await asyncio.to_thread(tls_context, self._relay)
        opened = await open_connection(self._relay, self._context)
        if opened.pipelining:
            return Pipeline(
                self._relay, opened.transport, size_limit=opened.size_limit, utf8=opened.utf8
            )
        return SmtpLine(self._relay, opened)


class SmtpLine:
    """One kept connection to a relay that wants one command at a time."""

    def __init__(self, relay: Relay, opened: Opened) -> None:
        self._relay = relay
        self._conversation = Conversation(opened.transport)
        self._terms = Terms(relay.name, opened.size_limit, opened.utf8)
        self._share = Share(relay)
        self._in_doubt = False

    @property
    def alive(self) -> bool:
        """Whether it takes another message: the link stands and its share is not used up."""
        return self._share.is_left and self._conversation.alive

    async def stream(self, pull: Pull) -> None:
        """Send one message after the other; see the module's docstring."""
        while self.alive and (parcel := pull()) is not None:
            self._in_doubt = False
            try:
                outcome = await self._send(parcel)
            except BaseException:
                self._conversation.end("a message was broken off")
                if self._in_doubt:
                    parcel.done(interrupted(self._relay.name))
                else:
                    parcel.give_back()
                raise
            if outcome is None:
                parcel.give_back()
            else:
                parcel.done(outcome)

    async def close(self) -> None:
        """QUIT where the line still stands, and close."""
        await self._conversation.close(self._relay.timeouts.quit)

    async def _send(self, parcel: Parcel) -> Outcome | None:
        """What became of a message; None where it was not ours to send any more."""
        message = ready(parcel.message, self._terms)
        if not isinstance(message, Ready):
            return message
        self._share.take()
        phase = Phase.MAIL
        try:
            for phase, command, patience in self._envelope(message):
                reply = await self._conversation.ask(command, patience)
                if not proceeds(phase, reply.code):
                    return await self._stopped(phase, reply)
            if not parcel.may_leave():
                self._conversation.end("the message was not ours to send any more")
                return None
            early = await self._conversation.pour(
                message.content + FINAL_DOT, self._relay.timeouts.block
            )
            if early is not None:
                return await self._stopped(phase, early)
            phase, self._in_doubt = Phase.CONTENT, True
            reply = await self._conversation.answer(self._relay.timeouts.final)
        except LinkLost as loss:
            return lost(phase, loss.reason, relay=self._relay.name)
        return await self._stopped(phase, reply)

    def _envelope(self, message: Ready) -> Iterator[tuple[Phase, bytes, float]]:
        timeouts = self._relay.timeouts
        commands = message.envelope.splitlines()
        yield Phase.MAIL, commands[0], timeouts.mail
        yield Phase.RCPT, commands[1], timeouts.rcpt
        yield Phase.DATA, commands[2], timeouts.data

    async def _stopped(self, phase: Phase, reply: Reply) -> Outcome:
        """Judge the reply that ended a message, and leave the line fit for the next, or ended."""
        outcome = judge(phase, reply.code, reply.text, relay=self._relay.name)
        if reply.code == CLOSING:
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
