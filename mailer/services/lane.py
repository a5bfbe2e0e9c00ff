"""One lane: lets one line of a relay take letters from the feed, and keeps it open while there is work.

A letter that was taken and not begun goes back to the feed, as does one that a relay would not even hear
of while others may; one that was begun has an outcome. There is no third way out of this module.

    taken -> made into a message -> the line begins it -> journal -> lease asked -> content leaves -> outcome

The journal comes before the lease: a worker that was stopped between the two and wakes up too late has
said what it was about to do, and does not do it.
"""

import logging
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import MailerError, ServiceMissing
from mailer.core.pace import throttles
from mailer.core.reply import one_line
from mailer.mail.compose import Composer
from mailer.mail.headers import checked_mailbox
from mailer.mail.hearing import CLOSING
from mailer.mail.message import Message
from mailer.mail.transport import Line, Parcel
from mailer.services.bookkeeper import Letter
from mailer.services.feed import Feed
from mailer.services.journal import Journal
from mailer.services.route import RESTS, Route

log = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
FAULTS_IN_A_ROW = 3
_ACCEPTED = Result.ACCEPTED  # asked of every message
_OF_EVERY_MESSAGE = frozenset({Phase.AUTH, Phase.MAIL, Phase.RCPT})


class Foreman(Protocol):
    """Whom a lane reports to."""

    def may_begin(self) -> bool:
        """Whether the letters in hand are still ours to send."""

    def done(self, letter: Letter, outcome: Outcome) -> None:
        """A letter has its outcome."""

    def spoiled(self, letter: Letter, words: str) -> None:
        """A letter cannot be made, or no relay would take its size: its mailing is at fault."""

    def missing(self, route: Route) -> None:
        """A relay is not to be had; others may be."""

    def refused(self, route: Route, words: str) -> None:
        """A relay refuses us as a sender, whoever the reader is."""

    def fault(self, words: str) -> None:
        """Something no retry will mend: the run is to stop."""


@dataclass(frozen=True, slots=True)
class Yard:
    """What the lanes of a dispatcher share."""

    feed: Feed
    composer: Composer
    journal: Journal
    foreman: Foreman


class Lane:
    """One lane of a dispatcher."""

    def __init__(self, route: Route, yard: Yard) -> None:
        self._route = route
        self._yard = yard
        self._feed = yard.feed
        self._journal = yard.journal
        self._foreman = yard.foreman
        self._line: Line | None = None
        self._faults = 0
        self._tries = 0

    async def work(self) -> None:
        """Send letters until the feed is closed."""
        try:
            while await self._called():
                line = await self._connected()
                if line is not None:
                    await self._stream(line)
                elif self._has_others:
                    await self._pause()
        finally:
            await self._hang_up()

    async def _called(self) -> bool:
        """Wait for a letter, and not for ever with an open line; False when there will be none."""
        while True:
            try:
                cold = self._line is None
                patience = None if cold else IDLE_SECONDS
                return await self._feed.ready(self._route, patience, cold=cold)
            except TimeoutError:
                await self._hang_up()

    async def _connected(self) -> Line | None:
        """An open line; None where there is none to be had."""
        if self._line is not None and self._line.alive and not self._is_at_fault:
            return self._line
        await self._hang_up()
        try:
            self._line = await self._connect()
        except ServiceMissing as error:
            self._missed(str(error))
        else:
            self._route.open_lines += 1
        finally:
            self._feed.reconsider()  # another may take what we were called for
        return self._line

    async def _connect(self) -> Line:
        if self._is_at_fault:
            self._faults = 0
            raise ServiceMissing(
                f"Relay {self._route.transport.name} breaks off or puts off one conversation after the other",
                "look at the relay's own log",
            )
        self._route.opening += 1
        try:
            return await self._route.transport.connect()
        finally:
            self._route.opening -= 1

    @property
    def _is_at_fault(self) -> bool:
        """Whether the relay has broken off or put off one conversation after the other."""
        return self._faults >= FAULTS_IN_A_ROW

    @property
    def _has_others(self) -> bool:
        """Whether other lines of the relay stand, or may soon."""
        return self._route.open_lines + self._route.opening > 0

    def _missed(self, words: str) -> None:
        """No line was to be had. Where the relay has others, it grants us fewer, and that is all."""
        if self._has_others:
            log.info("a line less", extra={"relay": self._route.transport.name, "reason": words})
            return
        if self._route.failed(words):
            self._foreman.missing(self._route)

    async def _pause(self) -> None:
        """Leave the relay alone for a while; its other lines go on."""
        seconds = RESTS[min(self._tries, len(RESTS) - 1)]
        self._tries += 1
        await self._feed.closing(seconds)

    async def _stream(self, line: Line) -> None:
        try:
            await line.stream(self._pull)
        except Exception as error:
            # A surprise is a fault of ours: stop. The line has settled what was on its way.
            log.exception("surprise")
            name = self._route.transport.name
            self._foreman.fault(f"a line to relay {name} broke off: {error!r}")

    def _pull(self) -> Parcel | None:
        """The next letter, made into a message."""
        while (
            self._faults < FAULTS_IN_A_ROW and (letter := self._feed.take(self._route)) is not None
        ):
            message = letter.message or self._made(letter)
            if message is not None:
                return _Handed(self, letter, message)
        return None

    def _made(self, letter: Letter) -> Message | None:
        """The message of a letter; where it cannot be made, its reader or its mailing is at fault."""
        try:
            return self._yard.composer.compose(letter.prepared, letter.due)
        except Exception as error:
            fault = _fault_of_address(letter)
            if fault:
                self.done(
                    letter, Outcome(Result.REFUSED, Phase.RCPT, text=one_line(f"not sent: {fault}"))
                )
                return None
            log.exception("surprise", extra={"delivery": letter.due.id})
            self._feed.put_back(letter)
            self._foreman.spoiled(letter, f"delivery {letter.due.id} cannot be made: {error}")
            return None

    def may_leave(self, letter: Letter) -> bool:
        """Write the journal's line, then ask whether the letter is still ours: in this order."""
        try:
            self._journal.begin(letter.due.id)
        except MailerError as error:
            self._foreman.fault(str(error))
            return False
        return self._foreman.may_begin()

    def done(self, letter: Letter, outcome: Outcome) -> None:
        """A letter has its outcome, unless another relay can take what this one would not."""
        if outcome.result is _ACCEPTED:
            self._faults = self._tries = 0
            if self._route.failing_since is not None:
                self._is_back()
            self._ended(letter, outcome)
            return
        self._learn(outcome)
        if _speaks_of_no_message(outcome) and self._feed.leads_past(self._route):
            self.give_back(letter)
            return
        self._ended(letter, outcome)
        if _is_too_big(outcome):
            self._foreman.spoiled(letter, f"{outcome.relay} says: {outcome.code} {outcome.text}")

    def _ended(self, letter: Letter, outcome: Outcome) -> None:
        self._journal.end(letter.due.id, outcome)
        self._feed.ended(letter, outcome)
        self._foreman.done(letter, outcome)

    def give_back(self, letter: Letter) -> None:
        """A letter was not begun, or taken back before it could leave."""
        self._journal.take_back(letter.due.id)
        self._feed.put_back(letter)

    def _learn(self, outcome: Outcome) -> None:
        """Draw conclusions about the relay, and about ourselves, from what was not accepted."""
        if outcome.blame is Blame.RELAY:
            if outcome.code == CLOSING and not outcome.enhanced.startswith("4.7."):
                self._faults = FAULTS_IN_A_ROW  # it wants less of us: no new line at once
            elif outcome.code == CLOSING or not throttles(outcome):
                self._faults += 1
            return
        self._faults = self._tries = 0
        if _refuses_us(outcome):
            said = f"{outcome.code} {outcome.text}".strip()
            self._foreman.refused(
                self._route,
                f"relay {outcome.relay} refuses what we send, at {outcome.phase.value}: {said}",
            )

    def _is_back(self) -> None:
        """The relay took a message, after what went wrong."""
        log.info("relay is back", extra={"relay": self._route.transport.name})
        self._route.well()

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._route.open_lines -= 1
            await line.close()


class _Handed(NamedTuple):
    """A letter in the hands of a line."""

    lane: Lane
    letter: Letter
    message: Message

    def may_leave(self) -> bool:
        return self.lane.may_leave(self.letter)

    def done(self, outcome: Outcome) -> None:
        self.lane.done(self.letter, outcome)

    def give_back(self) -> None:
        self.lane.give_back(self.letter)


def _refuses_us(outcome: Outcome) -> bool:
    """Whether a relay would say the same to every message."""
    at_fault = outcome.result is Result.REFUSED and outcome.blame is Blame.SENDER
    of_us = bool(outcome.code) and outcome.phase in _OF_EVERY_MESSAGE
    return at_fault and of_us and not _is_too_big(outcome)


def _is_too_big(outcome: Outcome) -> bool:
    """Whether a relay refuses the size that it was told in MAIL (RFC 1870 section 6.1)."""
    too_big = outcome.enhanced == "5.3.4" or outcome.code == 552
    return too_big and outcome.phase is Phase.MAIL


def _speaks_of_no_message(outcome: Outcome) -> bool:
    """Whether a relay would not even hear of the reader: then nothing of the letter is used up."""
    put_off = outcome.phase is Phase.MAIL and outcome.blame is Blame.RELAY
    return put_off or _refuses_us(outcome)


def _fault_of_address(letter: Letter) -> str:
    """What is wrong with the reader's address, if that is why there is no message."""
    try:
        checked_mailbox(letter.due.mailbox)
    except MailerError as error:
        return error.what
    return ""
