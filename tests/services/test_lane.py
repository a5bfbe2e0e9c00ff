"""A lane: a letter that was begun has an outcome, one that was not is back in the feed, and nothing third."""

import asyncio
import math
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailer.core.delivery import Blame, Due, Outcome, Phase, Purpose, Result
from mailer.core.errors import ServiceMissing
from mailer.core.token import Marks, Tokens
from mailer.mail.compose import Composer
from mailer.mail.prepare import Prepared
from mailer.mail.transport import Parcel, Pull, interrupted
from mailer.services.bookkeeper import Letter
from mailer.services.domains import Domains
from mailer.services.feed import Feed
from mailer.services.journal import Journal, read_journal
from mailer.services.lane import FAULTS_IN_A_ROW, Lane, Yard
from mailer.services.route import Route, Routes

AT = datetime(2026, 3, 2, tzinfo=UTC)
PREPARED = Prepared(Purpose.RELEASE, "da", "Nyt", "b@um.example", b"To:\0to\0\r\n\r\nHej\r\n")
COMPOSER = Composer(Tokens(["a key of the tests' own"]), Marks(["another of the tests' own"]))
ACCEPTED = Outcome(Result.ACCEPTED, Phase.CONTENT, 250)
CLOSED = Outcome(Result.DEFERRED, Phase.RCPT, 421, "4.3.2", "closing", Blame.RELAY)
THROTTLED = Outcome(Result.DEFERRED, Phase.RCPT, 450, "4.7.1", "slower", Blame.RELAY)
LOST = Outcome(Result.DEFERRED, Phase.DATA, text="link lost", blame=Blame.RELAY)
FULL = Outcome(Result.DEFERRED, Phase.RCPT, 450, text="full")
UNWELCOME = Outcome(
    Result.REFUSED, Phase.MAIL, 550, text="not welcome", blame=Blame.SENDER, relay="scripted"
)

Step = Outcome | Exception | asyncio.Event


def letter(number: int, mailbox: str) -> Letter:
    return Letter(Due(number, Purpose.RELEASE, 1, 1, mailbox.format(number), AT, 0, 1), PREPARED)


class ScriptedLine:
    """A line that plays outcomes; one after which a link is lost is dead. An event: waits for ever."""

    def __init__(self, steps: list[Step], sent: list[str], *, in_doubt: bool) -> None:
        self._steps = steps
        self._sent = sent
        self._in_doubt = in_doubt
        self.alive = True
        self.closed = False

    async def stream(self, pull: Pull) -> None:
        while self.alive and (parcel := pull()) is not None:
            try:
                await self._send(parcel)
            except BaseException:
                self.alive = False
                if self._in_doubt:
                    parcel.done(interrupted("scripted"))
                else:
                    parcel.give_back()
                raise

    async def _send(self, parcel: Parcel) -> None:
        step = self._steps.pop(0) if self._steps else ACCEPTED
        self._sent.append(parcel.message.recipient)
        if isinstance(step, asyncio.Event):
            step.set()
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, Outcome)
        if not parcel.may_leave():
            self.alive = False
            parcel.give_back()
            return
        self.alive = step not in (LOST, CLOSED)
        parcel.done(step)

    async def close(self) -> None:
        self.closed = True


class ScriptedTransport:
    """A transport that opens scripted lines."""

    name = "scripted"
    connections = 1
    order = 1
    weight = 1
    messages_per_second = 0.0

    def __init__(
        self,
        steps: Sequence[Step] = (),
        *,
        connects: Sequence[Exception | asyncio.Event | None] = (),
        in_doubt: bool = False,
    ) -> None:
        self.steps = list(steps)
        self.sent: list[str] = []
        self.lines: list[ScriptedLine] = []
        self._connects = list(connects)
        self._in_doubt = in_doubt

    async def connect(self) -> ScriptedLine:
        step = self._connects.pop(0) if self._connects else None
        if isinstance(step, asyncio.Event):
            step.set()
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        self.lines.append(ScriptedLine(self.steps, self.sent, in_doubt=self._in_doubt))
        return self.lines[-1]


class Listener:
    """A foreman that notes what it is told, and closes the feed once it has heard of `enough` letters.

    `leases` is how often it says that a letter is ours. Unless it is patient it closes the feed where a
    relay is missing.
    """

    def __init__(self, enough: float, leases: float, *, patient: bool) -> None:
        self.outcomes: list[tuple[int, Result]] = []
        self.said: list[str] = []
        self.leases = leases
        self.feed: Feed | None = None
        self._enough = enough
        self._patient = patient

    def may_begin(self) -> bool:
        self.leases -= 1
        if self.leases < 0:
            self.stop()
        return self.leases >= 0

    def done(self, letter: Letter, outcome: Outcome) -> None:
        self.outcomes.append((letter.due.id, outcome.result))
        if len(self.outcomes) >= self._enough:
            self.stop()

    def spoiled(self, letter: Letter, words: str) -> None:
        self.said.append(f"{letter.due.id}: {words}")
        self.stop()

    def missing(self, route: Route) -> None:
        self.said.append(route.fault)
        if not self._patient:
            self.stop()

    def refused(self, route: Route, words: str) -> None:
        route.refuse(words)
        self.missing(route)

    def fault(self, words: str) -> None:
        self.said.append(words)
        self.stop()

    def stop(self) -> None:
        assert self.feed is not None
        self.feed.close()


@dataclass
class Setting:
    """What a story about lanes is set in."""

    feed: Feed
    listener: Listener
    lanes: "list[asyncio.Task[None]]"


@contextmanager
def yard(listener: Listener, *transports: ScriptedTransport) -> Iterator[tuple[Yard, list[Route]]]:
    """A yard over transports, with a journal that is as it should be at the end."""
    with tempfile.TemporaryDirectory() as folder:
        loop = asyncio.get_running_loop()
        routes = [Route(each, loop.time, random.Random(1)) for each in transports]
        feed = listener.feed = Feed(Routes(routes), Domains({}), lambda: True, loop.time)
        journal = Journal(Path(folder) / "journal")
        yield Yard(feed, COMPOSER, journal, listener), routes
        journal.close()
        told = read_journal(Path(folder) / "journal")
        assert not told.begun, "each has ended or was taken back"
        assert {number: one.result for number, one in told.ended.items()} == dict(listener.outcomes)


def work(
    transport: ScriptedTransport,
    *,
    letters: int,
    enough: float | None = None,
    leases: float = math.inf,
    patient: bool = False,
    mailbox: str = "a{}@example.org",
    meanwhile: Callable[[Setting], object] | None = None,
    when: asyncio.Event | None = None,
) -> tuple[Listener, int]:
    """Let a lane work; what its foreman heard, and how many letters are left in the feed."""

    async def run() -> tuple[Listener, int]:
        listener = Listener(letters if enough is None else enough, leases, patient=patient)
        with yard(listener, transport) as (shared, (route,)):
            shared.feed.put([letter(number, mailbox) for number in range(letters)])
            task = asyncio.create_task(Lane(route, shared).work())
            if meanwhile is not None:
                assert when is not None
                await when.wait()
                meanwhile(Setting(shared.feed, listener, [task]))
            async with asyncio.timeout(10):
                await asyncio.wait([task])
            return listener, len(shared.feed)

    return asyncio.run(run())


def test_letters_go_over_one_line_which_is_closed_at_the_end() -> None:
    transport = ScriptedTransport()
    listener, left = work(transport, letters=3)
    assert listener.outcomes == [(number, Result.ACCEPTED) for number in range(3)]
    assert left == 0
    assert [line.closed for line in transport.lines] == [True]


def test_a_lost_line_is_replaced() -> None:
    transport = ScriptedTransport([ACCEPTED, LOST])
    listener, _ = work(transport, letters=3)
    assert [result for _, result in listener.outcomes] == ["accepted", "deferred", "accepted"]
    assert [line.closed for line in transport.lines] == [True, True]
    assert listener.said == []


def test_without_a_relay_nothing_is_begun() -> None:
    transport = ScriptedTransport(connects=[ServiceMissing("The relay is gone", "start it")])
    listener, left = work(transport, letters=2)
    assert (listener.outcomes, left, transport.sent) == ([], 2, [])
    assert listener.said == ["The relay is gone\n  -> start it"]


@pytest.mark.parametrize("how", ["its relay is gone", "it is cut off"])
def test_a_letter_whose_lane_has_no_line_goes_to_another_lane(how: str) -> None:
    connecting = asyncio.Event()
    step = connecting if how == "it is cut off" else ServiceMissing("gone")

    async def run() -> tuple[list[str], list[str]]:
        listener = Listener(1, math.inf, patient=True)
        there, gone = ScriptedTransport(), ScriptedTransport(connects=[step])
        with yard(listener, there, gone) as (shared, routes):
            tasks = [asyncio.create_task(Lane(route, shared).work()) for route in routes]
            await asyncio.sleep(0)  # both wait; the last one is called first
            shared.feed.put([letter(0, "a{}@example.org")])
            if how == "it is cut off":
                await connecting.wait()
                tasks[1].cancel()
            async with asyncio.timeout(10):
                await asyncio.wait(tasks)
        return there.sent, gone.sent

    assert asyncio.run(run()) == (["a0@example.org"], [])


def test_a_relay_that_grants_fewer_lines_is_not_missing() -> None:
    """The line that stands does the work, and the lane without one ends with the feed."""

    async def run() -> tuple[Listener, int]:
        listener = Listener(6, math.inf, patient=False)
        transport = ScriptedTransport(
            connects=[None, *[ServiceMissing("421 too many connections")] * 9]
        )
        with yard(listener, transport) as (shared, (route,)):
            shared.feed.put([letter(number, "a{}@example.org") for number in range(6)])
            lanes = [Lane(route, shared) for _ in range(3)]
            tasks = [asyncio.create_task(lane.work()) for lane in lanes]
            async with asyncio.timeout(10):
                await asyncio.wait(tasks)
        return listener, len(transport.lines)

    listener, lines = asyncio.run(run())
    assert (len(listener.outcomes), listener.said, lines) == (6, [], 1)


def test_a_relay_that_breaks_off_again_and_again_is_not_there() -> None:
    transport = ScriptedTransport([LOST] * 9)
    listener, left = work(transport, letters=9)
    assert len(listener.outcomes) == FAULTS_IN_A_ROW
    assert left == 9 - FAULTS_IN_A_ROW
    assert "one conversation after the other" in listener.said[0]


def test_a_relay_that_closes_the_channel_is_left_alone_at_once() -> None:
    listener, left = work(ScriptedTransport([ACCEPTED, CLOSED]), letters=4)
    assert [result for _, result in listener.outcomes] == ["accepted", "deferred"]
    assert left == 2
    assert len(listener.said) == 1


def test_a_domain_that_throttles_us_is_no_fault_of_the_relay() -> None:
    listener, left = work(
        ScriptedTransport([THROTTLED] * 9), letters=9, mailbox="a@d{}.example.org"
    )
    assert (len(listener.outcomes), left, listener.said) == (9, 0, [])


def test_what_it_says_of_readers_is_no_fault_of_the_relay() -> None:
    transport = ScriptedTransport([FULL] * 9)
    listener, left = work(transport, letters=9)
    assert (len(listener.outcomes), left, listener.said) == (9, 0, [])


def test_a_patient_lane_waits_and_is_stopped_in_its_wait() -> None:
    heard = asyncio.Event()

    class Gone(ScriptedTransport):
        async def connect(self) -> ScriptedLine:
            heard.set()
            raise ServiceMissing("gone")

    listener, left = work(
        Gone(), letters=2, patient=True, when=heard, meanwhile=lambda told: told.listener.stop()
    )
    assert (listener.outcomes, left) == ([], 2)


def test_a_patient_lane_tries_again() -> None:
    transport = ScriptedTransport(connects=[ServiceMissing("gone")])
    listener, left = work(transport, letters=2, patient=True)
    assert (len(listener.outcomes), left) == (2, 0)


def test_a_refusal_of_us_is_a_fault_and_has_its_outcome() -> None:
    transport = ScriptedTransport([ACCEPTED, UNWELCOME])
    listener, left = work(transport, letters=4)
    assert listener.outcomes == [(0, Result.ACCEPTED), (1, Result.REFUSED)]
    assert left == 2
    assert listener.said == ["relay scripted refuses what we send, at mail: 550 not welcome"]


@pytest.mark.parametrize("in_doubt", [False, True])
def test_a_surprise_in_the_middle_is_a_fault_that_loses_no_letter(in_doubt: bool) -> None:
    transport = ScriptedTransport([ZeroDivisionError()], in_doubt=in_doubt)
    listener, left = work(transport, letters=2)
    assert listener.outcomes == ([(0, Result.UNKNOWN)] if in_doubt else [])
    assert left == (1 if in_doubt else 2)
    assert "ZeroDivisionError" in listener.said[0]


@pytest.mark.parametrize("in_doubt", [False, True])
def test_a_letter_that_is_cut_off_is_unknown_or_back_in_the_feed(in_doubt: bool) -> None:
    on_the_wire = asyncio.Event()
    transport = ScriptedTransport([on_the_wire], in_doubt=in_doubt)
    listener, left = work(
        transport, letters=2, when=on_the_wire, meanwhile=lambda told: told.lanes[0].cancel()
    )
    assert listener.outcomes == ([(0, Result.UNKNOWN)] if in_doubt else [])
    assert left == (1 if in_doubt else 2)
    assert transport.lines[0].closed


def test_a_lane_cut_off_while_it_connects_puts_its_letter_back() -> None:
    connecting = asyncio.Event()
    transport = ScriptedTransport(connects=[connecting])
    listener, left = work(
        transport, letters=2, when=connecting, meanwhile=lambda told: told.lanes[0].cancel()
    )
    assert (listener.outcomes, left) == ([], 2)


def test_a_lease_that_ends_while_a_relay_ponders_keeps_the_content_back() -> None:
    """The relay may take minutes to say 354, and the letter be another's by then."""
    transport = ScriptedTransport()
    listener, left = work(transport, letters=2, leases=0)
    assert (listener.outcomes, left) == ([], 2)
    assert transport.sent == ["a0@example.org"]


def test_an_address_that_cannot_stand_in_a_mail_is_its_readers_alone() -> None:
    transport = ScriptedTransport()
    listener, left = work(transport, letters=3, mailbox="a{}@example.org\r\nBcc: b@example.org")
    assert [result for _, result in listener.outcomes] == ["refused"] * 3
    assert (left, transport.sent, listener.said) == (0, [], [])


def test_a_letter_that_cannot_be_made_spoils_its_mailing_and_is_not_lost() -> None:
    transport = ScriptedTransport()

    async def run() -> tuple[Listener, int]:
        listener = Listener(9, math.inf, patient=False)
        with yard(listener, transport) as (shared, (route,)):
            odd = replace(PREPARED, content=b"To:\0to\0\r\n\r\n\0no_such_slot\0\r\n")
            shared.feed.put([letter(7, "a@example.org")._replace(prepared=odd)])
            async with asyncio.timeout(10):
                await Lane(route, shared).work()
            return listener, len(shared.feed)

    listener, left = asyncio.run(run())
    assert (listener.outcomes, left, transport.sent) == ([], 1, [])
    assert listener.said[0].startswith("7: delivery 7 cannot be made: ")


def test_a_stop_lets_the_letter_on_the_wire_finish() -> None:
    listener, left = work(ScriptedTransport(), letters=5, enough=1)
    assert (len(listener.outcomes), left) == (1, 4)
