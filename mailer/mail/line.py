"""Sends messages over one connection, and says truthfully what became of each.

Where the relay offers PIPELINING, each envelope goes in the same write as the content before it (RFC 2920).

    at hand                          written, in one piece          and then
    the first message                MAIL RCPT DATA                 354 lets its content go
    354, and another message         content . MAIL RCPT DATA       the replies come in this order
    354, and no other                content .
    RCPT or DATA refused, no 354     RSET MAIL RCPT DATA            with the next message
    RCPT refused, and yet 354        .                              nobody gets it (section 3.1)

DATA ends every group, and nothing follows it before its reply. Elsewhere each command waits for the reply
to the one before, and the next message for the end of this one: the same in groups of one. There what
follows a refused command is not said at all.

A message has its outcome as soon as it is refused, or its final dot is answered; what it is due when the link
ends before that, `underway` says.
"""

import asyncio
from collections import deque

from mailer.core.delivery import Phase, Result
from mailer.core.reply import judge, lost, proceeds
from mailer.mail.hearing import CLOSING, KEPT, Reply
from mailer.mail.link import Awaited, Link
from mailer.mail.relay import Relay
from mailer.mail.share import Share
from mailer.mail.transport import Pull, interrupted
from mailer.mail.underway import UnderWay
from mailer.mail.wire import FINAL_DOT, Ready, Terms, ready

_CLOSED = "the line was closed"


class SmtpLine:
    """One kept connection to a relay; takes over the open transport.

    Args:
        size_limit, utf8: as in `handshake.Opened`.

    Attributes:
        pipelining: the relay takes groups of commands, and a content in one with the next envelope.
    """

    def __init__(
        self,
        relay: Relay,
        transport: asyncio.Transport,
        *,
        pipelining: bool,
        size_limit: int | None,
        utf8: bool = False,
    ) -> None:
        self._relay = relay
        self.pipelining = pipelining
        self._terms = Terms(relay.name, size_limit, utf8)
        self._share = Share(relay)
        self._entering: UnderWay | None = None  # its envelope is written, not all of it answered
        self._leaving: UnderWay | None = None  # its content is written, the dot not answered
        self._unsaid: deque[tuple[bytes, Awaited]] = deque()  # of its envelope, without PIPELINING
        self._unclean = False  # the relay holds an envelope that came to nothing
        self._pull: Pull = _dry
        self._resting = asyncio.get_running_loop().create_future()
        wait = relay.timeouts
        self._envelope: tuple[Awaited, ...] = (
            Awaited(Phase.MAIL, wait.mail, self._mail_answered),
            Awaited(Phase.RCPT, wait.rcpt, self._rcpt_answered),
            Awaited(Phase.DATA, wait.data, self._data_answered),
        )
        self._content = Awaited(Phase.CONTENT, wait.final, self._content_answered)
        self._nothing = Awaited(Phase.CONTENT, wait.final, self._nothing_answered)
        self._reset = Awaited(Phase.MAIL, wait.mail, self._reset_answered)
        self._leave = Awaited(Phase.CONTENT, wait.quit, lambda _: self._link.end(_CLOSED))
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
            self._link.end(_CLOSED)
        await self._link.wait_closed()

    # What the replies lead to.

    def _mail_answered(self, reply: Reply) -> None:
        flight = self._entered
        flight.opened = proceeds(Phase.MAIL, reply.code)
        if not flight.opened:
            self._refuse(flight, Phase.MAIL, reply)
        self._say_more()

    def _rcpt_answered(self, reply: Reply) -> None:
        flight = self._entered
        flight.addressed = proceeds(Phase.RCPT, reply.code)
        if not flight.addressed:
            self._refuse(flight, Phase.RCPT, reply)
        self._say_more()

    def _data_answered(self, reply: Reply) -> None:
        flight = self._entered
        if not proceeds(Phase.DATA, reply.code):
            self._refuse(flight, Phase.DATA, reply)
            self._abandon(flight)
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
        self._say_more()

    def _refuse(self, flight: UnderWay, phase: Phase, reply: Reply) -> None:
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
        flight.begun = not self._unclean
        commands, answers = flight.message.envelope, self._envelope
        if self._unclean:
            commands, answers = b"RSET\r\n" + commands, (self._reset, *answers)
        self._unclean = False
        if self.pipelining:
            self._link.write(commands, *answers)
        else:
            self._unsaid.extend(zip(commands.splitlines(keepends=True), answers, strict=True))
            self._say_more()

    def _say_more(self) -> None:
        """Without PIPELINING: the next command, as long as the ones before it were taken."""
        flight = self._entering
        if self._unsaid and flight is not None:
            if not flight.refused:
                self._link.write(*self._unsaid.popleft())
            else:
                self._unsaid.clear()
                self._abandon(flight)

    def _abandon(self, flight: UnderWay) -> None:
        """Go on to the next message, clearing away what the relay has of this one."""
        self._entering, self._unclean = None, flight.opened
        self._begin()

    def _let_go(self, flight: UnderWay) -> None:
        """Write a message's content, and the envelope of the next one behind it."""
        if not flight.parcel.may_leave():
            self._break_off()
            return
        following = self._next() if self.pipelining else None
        self._leaving, self._entering = flight, following
        content = flight.message.content
        if following is None:
            self._link.write_content(content + FINAL_DOT, 0, self._content)
        else:
            commands = following.message.envelope
            words = b"".join((content, FINAL_DOT, commands))
            self._link.write_content(words, len(commands), self._content, *self._envelope)

    def _next(self) -> UnderWay | None:
        """The next message that is fit to send, if the line may take one more."""
        while self._share.is_left and (parcel := self._pull()) is not None:
            message = ready(parcel.message, self._terms)
            if isinstance(message, Ready):
                self._share.take()
                return UnderWay(parcel, message)
            parcel.done(message)
        return None

    @property
    def _entered(self) -> UnderWay:
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

    def _land(self) -> tuple[UnderWay | None, UnderWay | None]:
        """What is on its way and has no outcome yet, which from now on is no more."""
        leaving, self._leaving = self._leaving, None
        entering, self._entering = self._entering, None
        return leaving, None if entering is not None and entering.refused else entering

    def _rest(self) -> None:
        if not self._resting.done():
            self._resting.set_result(None)


def _dry() -> None:
    """A source that has nothing at hand."""
