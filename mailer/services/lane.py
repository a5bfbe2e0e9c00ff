"""One lane: lets one line take letters from the feed, and keeps it open while there is work.

A letter that was taken and not begun goes back to the feed; one that was begun has an outcome. There
is no third way out of this module.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Protocol

from mailer.core.delivery import Blame, Due, Outcome, Result
from mailer.core.errors import ServiceMissing
from mailer.mail.compose import Composer
from mailer.mail.message import Message
from mailer.mail.transport import Line, Parcel, Transport
from mailer.services.bookkeeper import Letter
from mailer.services.feed import Feed

log = logging.getLogger(__name__)

IDLE_SECONDS = 5.0
FAULTS_IN_A_ROW = 3
RECONNECT_SECONDS = (1.0, 5.0, 15.0, 60.0)


class Foreman(Protocol):
    """Whom a lane reports to."""

    @property
    def stopping(self) -> asyncio.Event:
        """Set when nothing more is to be begun."""

    def may_begin(self) -> bool:
        """Whether the letters in hand are still ours to send."""

    def done(self, due: Due, outcome: Outcome) -> None:
        """A letter has its outcome."""

    def missing(self, words: str) -> None:
        """A relay is not there; others may be."""

    def fault(self, words: str) -> None:
        """Something no retry will mend: the run is to stop."""


class Lane:
    """One lane of a dispatcher.

    Args:
        patient: wait and try anew when the relay is not there, instead of ending.
    """

    def __init__(
        self,
        transport: Transport,
        feed: Feed,
        composer: Composer,
        foreman: Foreman,
        *,
        patient: bool,
    ) -> None:
        self._transport = transport
        self._feed = feed
        self._composer = composer
        self._foreman = foreman
        self._patient = patient
        self._line: Line | None = None
        self._faults = 0
        self._tries = 0

    async def work(self) -> None:
        """Send letters until the feed is closed, or the relay is gone and we are not patient."""
        try:
            while await self._called() and self._foreman.may_begin():
                line = await self._connected()
                if line is not None:
                    await self._stream(line)
                elif not await self._may_retry():
                    return
        finally:
            await self._hang_up()

    async def _called(self) -> bool:
        """Wait for a letter, and not for ever with an open line; False when there will be none."""
        while True:
            try:
                return await self._feed.ready(IDLE_SECONDS if self._line else None)
            except TimeoutError:
                await self._hang_up()

    async def _connected(self) -> Line | None:
        """An open line; None where there is none, and another lane is called."""
        if self._line is not None and self._line.alive:
            return self._line
        await self._hang_up()
        try:
            self._line = await self._connect()
        except ServiceMissing as error:
            self._feed.pass_on()
            self._foreman.missing(str(error))
        except asyncio.CancelledError:
            self._feed.pass_on()
            raise
        return self._line

    async def _connect(self) -> Line:
        if self._faults >= FAULTS_IN_A_ROW:
            self._faults = 0
            raise ServiceMissing(
                f"Relay {self._transport.name} broke off {FAULTS_IN_A_ROW} conversations in a row",
                "look at the relay's own log",
            )
        return await self._transport.connect()

    async def _may_retry(self) -> bool:
        """Wait before the next try to connect; False where the lane ends instead."""
        if not self._patient:
            return False
        seconds = RECONNECT_SECONDS[min(self._tries, len(RECONNECT_SECONDS) - 1)]
        self._tries += 1
        try:
            async with asyncio.timeout(seconds):
                await self._foreman.stopping.wait()
        except TimeoutError:
            return True
        return False

    async def _stream(self, line: Line) -> None:
        try:
            await line.stream(self._pull)
        except Exception as error:
            # A surprise is a fault of ours: stop. The line has settled what was on its way.
            log.exception("surprise")
            self._foreman.fault(f"a line to relay {self._transport.name} broke off: {error!r}")

    def _pull(self) -> Parcel | None:
        """The next letter, made into a message, as long as it is ours to send."""
        letter = self._feed.take()
        if letter is None:
            return None
        if not self._foreman.may_begin():
            self._feed.put_back(letter)
            return None
        try:
            message = self._composer.compose(letter.prepared, letter.due)
        except Exception as error:
            # No retry mends it: stop, lose nobody, and say which letter it was.
            log.exception("surprise", extra={"delivery": letter.due.id})
            self._feed.put_back(letter)
            self._foreman.fault(f"delivery {letter.due.id} could not be made: {error!r}")
            return None
        return _Handed(self, letter, message)

    def may_leave(self) -> bool:
        """Whether a message that was begun is still ours to send."""
        return self._foreman.may_begin()

    def done(self, letter: Letter, outcome: Outcome) -> None:
        """A letter has its outcome."""
        self._foreman.done(letter.due, outcome)
        self._learn(outcome)

    def give_back(self, letter: Letter) -> None:
        """A letter was not begun."""
        self._feed.put_back(letter)

    def _learn(self, outcome: Outcome) -> None:
        """Draw conclusions about the relay, and about ourselves, from an outcome."""
        if outcome.blame is Blame.RELAY and outcome.result is not Result.ACCEPTED:
            self._faults += 1
            return
        self._faults = 0
        self._tries = 0
        if outcome.blame is Blame.SENDER and outcome.result is Result.REFUSED:
            said = f"{outcome.code} {outcome.text}".strip()
            self._foreman.fault(
                f"relay {outcome.relay} refuses what we send, at {outcome.phase.value}: {said}"
            )

    async def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            await line.close()


@dataclass(frozen=True, slots=True)
class _Handed:
    """A letter in the hands of a line."""

    lane: Lane
    letter: Letter
    message: Message

    def may_leave(self) -> bool:
        return self.lane.may_leave()

    def done(self, outcome: Outcome) -> None:
        self.lane.done(self.letter, outcome)

    def give_back(self) -> None:
        self.lane.give_back(self.letter)
