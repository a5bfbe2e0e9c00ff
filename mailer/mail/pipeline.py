"""Sends messages over one connection, each envelope in the same write as the content before it (RFC 2920).

    at hand                          written, in one piece          and then
    the first message                MAIL RCPT DATA                 354 lets its content go
    354, and another message         content . MAIL RCPT DATA       the replies come in this order
    354, and no other                content .
    RCPT or DATA refused, no 354     RSET MAIL RCPT DATA            with the next message
    RCPT refused, and yet 354        .                              nobody gets it (section 3.1)

DATA ends every group, and nothing follows it before its reply. A message has its outcome as soon as
it is refused, or its final dot is answered. When the link ends, for whatever reason (lost, silent,
garbled, 421, out of step, words that answer nothing), what was on its way is

    content and dot have left, the dot is not answered       unknown
    the transport still holds the dot                        deferred, at DATA
    its MAIL, RCPT or DATA is the reply awaited              deferred, at that command
    a dot or RSET before its MAIL is not answered            given back: never begun

When we break off ourselves, all but the first are given back.
"""

import asyncio
from dataclasses import dataclass

from mailer.core.delivery import Phase, Result
from mailer.core.reply import judge, lost, proceeds
from mailer.mail.hearing import CLOSING, KEPT, Reply
from mailer.mail.link import Awaited, Link
from mailer.mail.relay import Relay
from mailer.mail.share import Share
from mailer.mail.transport import Parcel, Pull, interrupted
from mailer.mail.wire import FINAL_DOT, Ready, Terms, ready


@dataclass(slots=True, eq=False)
class _Flight:
    """A message on its way.

    Attributes:
        begun: everything written before its envelope has been answered.
        opened: MAIL was taken.
        addressed: RCPT was taken.
        refused: it has its outcome; what is still to be answered is of no account to it.
    """

    parcel: Parcel
    message: Ready
    begun: bool = False
    opened: bool = False
    addressed: bool = False
    refused: bool = False


class Pipeline:
    """One kept connection to a relay that offers PIPELINING; takes over the open transport.

    Args:
        size_limit, utf8: as in `handshake.Opened`.
    """

    def __init__(
        self,
        relay: Relay,
        transport: asyncio.Transport,
        *,
        size_limit: int | None,
        utf8: bool = False,
    ) -> None:
        self._relay = relay
        self._terms = Terms(relay.name, size_limit, utf8)
        self._share = Share(relay)
        self._entering: _Flight | None = None  # its envelope is written, not all of it answered
        self._leaving: _Flight | None = None  # its content is written, the dot not answered
        self._unclean = False  # the relay holds an envelope that came to nothing
        self._pull: Pull = _dry
        self._resting = asyncio.get_running_loop().create_future()
        wait = relay.timeouts
        self._envelope = (
            Awaited(Phase.MAIL, wait.mail, self._mail_answered),
            Awaited(Phase.RCPT, wait.rcpt, self._rcpt_answered),
            Awaited(Phase.DATA, wait.data, self._data_answered),
        )
        self._content = Awaited(Phase.CONTENT, wait.final, self._content_answered)
        self._content_and_envelope = (self._content, *self._envelope)
        self._nothing = Awaited(Phase.CONTENT, wait.final, self._nothing_answered)
        self._reset = Awaited(Phase.MAIL, wait.mail, self._reset_answered)
        self._leave = Awaited(Phase.CONTENT, wait.quit, self._leave_answered)
        self._link = Link(self, transport, block=wait.block)

    @property
    def alive(self) -> bool:
        """Whether it takes another message: the link stands and its share is not used up."""
        return self._share.is_left and self._link.stands

    async def stream(self, pull: Pull) -> None:
        """Send what `pull` hands out, until nothing is at hand or the line takes no more."""
        if not self.alive:
            return
        self._pull = pull
        self._resting = asyncio.get_running_loop().create_future()
        try:
            self._begin()
            await self._resting
        except BaseException:
            self._break_off()
            raise
        finally:
            self._pull = _dry

    async def close(self) -> None:
        """QUIT where the line stands and nothing is on its way, and close."""
        try:
            if self._link.stands and self._link.quiet:
                self._link.write(b"QUIT\r\n", self._leave)
                await self._link.wait_closed()
        finally:
            self._link.end("the line was closed")
        await self._link.wait_closed()

    # What the replies lead to.

    def _mail_answered(self, reply: Reply) -> None:
        flight = self._entered
        flight.opened = proceeds(Phase.MAIL, reply.code)
        if not flight.opened:
            self._refuse(flight, Phase.MAIL, reply)

    def _rcpt_answered(self, reply: Reply) -> None:
        flight = self._entered
        flight.addressed = proceeds(Phase.RCPT, reply.code)
        if not flight.addressed:
            self._refuse(flight, Phase.RCPT, reply)

    def _data_answered(self, reply: Reply) -> None:
        flight = self._entered
        if not proceeds(Phase.DATA, reply.code):
            self._refuse(flight, Phase.DATA, reply)
            self._entering, self._unclean = None, flight.opened
            self._begin()
        elif not flight.refused:
            self._let_go(flight)
        elif flight.addressed:
            self._link.end("the relay is out of step: it takes a message whose MAIL it refused")
        else:
            self._link.write(FINAL_DOT, self._nothing)

    def _content_answered(self, reply: Reply) -> None:
        flight, self._leaving = self._leaving, None
        assert flight is not None
        early = self._link.held
        phase = Phase.DATA if early else Phase.CONTENT
        outcome = judge(phase, reply.code, reply.text, relay=self._relay.name)
        flight.parcel.done(outcome)
        if early:
            self._link.end("the relay replied before it had the whole content")
        elif outcome.result is not Result.ACCEPTED:
            self._heed(phase, reply)
        self._go_on()

    def kept_and_taken(self, words: str) -> None:
        """The usual turn in one go: the dot was answered well, and so were MAIL, RCPT and DATA behind it."""
        leaving, self._leaving = self._leaving, None
        assert leaving is not None
        leaving.parcel.done(judge(self._content.phase, KEPT, words, relay=self._relay.name))
        if (flight := self._entering) is not None:  # else that has ended the line
            flight.begun = flight.opened = flight.addressed = True
            self._let_go(flight)

    def _nothing_answered(self, reply: Reply) -> None:
        self._entering = None
        self._heed(Phase.CONTENT, reply)
        self._go_on()

    def _reset_answered(self, reply: Reply) -> None:
        if not proceeds(Phase.MAIL, reply.code):
            self._link.end(f"the relay did not reset: {reply.code} {reply.text}")
        self._go_on()

    def _leave_answered(self, _: Reply) -> None:
        self._link.end("the line was closed")

    def _refuse(self, flight: _Flight, phase: Phase, reply: Reply) -> None:
        """Give a message the outcome of the first refusal it meets; later ones follow from it."""
        if not flight.refused:
            flight.refused = True
            flight.parcel.done(judge(phase, reply.code, reply.text, relay=self._relay.name))
        self._heed(phase, reply)

    def _heed(self, phase: Phase, reply: Reply) -> None:
        """End the line where a reply says that it cannot go on."""
        if reply.code == CLOSING:
            self._link.end(f"the relay closes the channel: {reply.code} {reply.text}")
        elif reply.code < 400 and not proceeds(phase, reply.code):
            self._link.end(f"the relay is out of step: {reply.code} to {phase}")

    # What is written.

    def _go_on(self) -> None:
        """What came before has been answered: the next message is begun, or begins now."""
        if self._entering is None:
            self._begin()
        else:
            self._entering.begun = True

    def _begin(self) -> None:
        """Nothing is on its way: begin the next message, or rest."""
        flight = self._next() if self._link.stands else None
        if flight is None:
            self._rest()
            return
        self._entering = flight
        commands = flight.message.envelope
        if self._unclean:
            self._unclean = False
            self._link.write(b"RSET\r\n" + commands, self._reset, *self._envelope)
        else:
            flight.begun = True
            self._link.write(commands, *self._envelope)

    def _let_go(self, flight: _Flight) -> None:
        """Write a message's content, and the envelope of the next one behind it."""
        if not flight.parcel.may_leave():
            self._break_off()
            return
        following = self._next()
        self._leaving, self._entering = flight, following
        content = flight.message.content
        if following is None:
            self._link.write_content(content + FINAL_DOT, 0, self._content)
        else:
            commands = following.message.envelope
            words = b"".join((content, FINAL_DOT, commands))
            self._link.write_content(words, len(commands), *self._content_and_envelope)

    def _next(self) -> _Flight | None:
        """The next message that is fit to send, if the line may take one more."""
        while self._share.is_left and (parcel := self._pull()) is not None:
            message = ready(parcel.message, self._terms)
            if isinstance(message, Ready):
                self._share.take()
                return _Flight(parcel, message)
            parcel.done(message)
        return None

    @property
    def _entered(self) -> _Flight:
        assert self._entering is not None
        return self._entering

    # How it ends.

    def link_ended(self, awaited: Phase | None, reason: str) -> None:
        """Give what was on its way what it is due."""
        leaving, entering = self._land()
        try:
            if leaving is not None:
                phase = Phase.DATA if self._link.held else Phase.CONTENT
                leaving.parcel.done(lost(phase, reason, relay=self._relay.name))
            if entering is not None and entering.begun:
                phase = awaited or Phase.MAIL
                entering.parcel.done(lost(phase, reason, relay=self._relay.name))
            elif entering is not None:
                entering.parcel.give_back()
        finally:
            self._rest()

    def surprised(self, error: Exception) -> None:
        """Break off, and let `stream` raise what happened."""
        if not self._resting.done():
            self._resting.set_exception(error)
        self._break_off()

    def _break_off(self) -> None:
        """End the line by our own will."""
        leaving, entering = self._land()
        self._link.end("a message was broken off")
        if entering is not None:
            entering.parcel.give_back()
        if leaving is not None and self._link.held:
            leaving.parcel.give_back()
        elif leaving is not None:
            leaving.parcel.done(interrupted(self._relay.name))

    def _land(self) -> tuple[_Flight | None, _Flight | None]:
        """What is on its way and has no outcome yet, which from now on is no more."""
        leaving, self._leaving = self._leaving, None
        entering, self._entering = self._entering, None
        return leaving, None if entering is not None and entering.refused else entering

    def _rest(self) -> None:
        if not self._resting.done():
            self._resting.set_result(None)


def _dry() -> None:
    """A source that has nothing at hand."""
