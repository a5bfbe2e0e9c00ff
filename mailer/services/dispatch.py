"""Works off what is due: the loop between the ledger and the relays.

    now and then: chores (take over from the dead, publish, expire)
    repeat: turn (record outcomes, take what is next) -> lines send -> outcomes come back
    one pass ends when nothing is due; a watch goes on, woken or by the clock
    stop: take no more, finish what is on the wire, record, give back the rest

What goes wrong, and what it costs:

    no line to a relay            nothing was tried; a pass ends (exit 69), a watch waits and tries anew,
                                  and what waits with it is given back, so that consent is asked again
    link lost before the dot      due again soon, not counted against the reader
    link lost after the dot       unknown: due again or held, as the newsroom wants
    4xx / 5xx about the reader    due again by the schedule / refused
    5xx about us (MAIL, size)     the run stops and says so; everything else stays due
    database busy or gone         outcomes are kept and written when it is back; past our lease
                                  nothing more is begun
    killed                        the next dispatcher takes over (see store.takeover)
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from mailer.core.delivery import Due, Outcome
from mailer.core.errors import ServiceMissing, TryLater
from mailer.mail.compose import Composer
from mailer.mail.transport import Transport
from mailer.services.bookkeeper import Bookkeeper, Letter
from mailer.services.feed import Feed
from mailer.services.lane import Lane
from mailer.services.office import Office
from mailer.services.presence import Presence

log = logging.getLogger(__name__)

Returned = TypeVar("Returned")

LETTERS_PER_LINE = 16
"""Letters in hand for each line: enough to keep it busy while a turn commits."""
TURN_SECONDS = 0.1
DATABASE_RETRY_SECONDS = 0.5
BREAK_OFF_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Summary:
    """What a dispatch came to.

    Attributes:
        due: deliveries that wait for a later run.
        faults: what the operator must hear of, in words.
        missing: a relay or the database was not there.
    """

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    unknown: int = 0
    expired: int = 0
    published: int = 0
    due: int = 0
    faults: tuple[str, ...] = ()
    missing: bool = False

    @property
    def worked(self) -> bool:
        """Whether anything was done at all."""
        return any(
            (self.accepted, self.deferred, self.refused, self.unknown, self.expired, self.published)
        )


@dataclass(frozen=True, slots=True)
class Orders:
    """How a dispatcher is to work.

    Attributes:
        watch: go on when idle, until told to stop.
        poll_seconds: how often a watch looks for what is due when nobody wakes it.
        steps: which of "publish", "send" and "upkeep" to do.
    """

    watch: bool = False
    poll_seconds: float = 1.0
    steps: frozenset[str] = frozenset({"publish", "send", "upkeep"})


class Dispatcher:
    """One dispatcher: make it in a running loop, `await run()`; from that loop `stop()` or `wake()`."""

    def __init__(
        self, office: Office, transports: Sequence[Transport], presence: Presence, orders: Orders
    ) -> None:
        self.stopping = asyncio.Event()
        self._orders = orders
        self._presence = presence
        self._books = Bookkeeper(office, presence)
        self._feed = Feed()
        self._outcomes: list[tuple[Due, Outcome]] = []
        self._in_hand = 0
        self._news = asyncio.Event()
        self._faults: dict[str, None] = {}
        self._missing = self._unsure = False
        self._patience: float | None = None
        self._window = LETTERS_PER_LINE * sum(each.connections for each in transports)
        self._lease_seconds = office.limits.lease.total_seconds()
        self._asked_at = self._lease_ends = 0.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        composer = Composer(office.keys.tokens, office.keys.marks, signers=office.keys.signers)
        self._lanes = [
            Lane(transport, self._feed, composer, self, patient=orders.watch)
            for transport in transports
            for _ in range(transport.connections)
        ]

    def stop(self) -> None:
        """Take no more, finish what is on the wire, record it, give back the rest."""
        self.stopping.set()
        self._feed.close()
        self._news.set()

    def wake(self) -> None:
        """Something became due."""
        self._news.set()

    async def run(self) -> Summary:
        """Work until nothing is due (a pass) or until stopped (a watch).

        Cancelling it breaks off what is on the wire; that is recorded as unknown.

        Raises:
            ServiceMissing, TryLater: the database was away for longer than a lease. What has no
                record then is in doubt, and the next dispatcher treats it so.
        """
        try:
            lanes = [asyncio.create_task(self._tended(lane)) for lane in self._lanes]
            try:
                await self._work()
            except asyncio.CancelledError:
                self._patience = BREAK_OFF_SECONDS
                raise
            finally:
                due = await asyncio.shield(self._finish(lanes))
            return self._summary(due)
        finally:
            self._presence.leave()
            self._thread.shutdown(wait=True)

    async def _work(self) -> None:
        chores_at = 0.0
        while not self.stopping.is_set():
            self._news.clear()
            if time.monotonic() >= chores_at:
                self._faults |= dict.fromkeys(await self._with_books(self._chores))
                chores_at = time.monotonic() + self._orders.poll_seconds
            moved = await self._turn()
            if not moved and not self._in_hand and not self._orders.watch:
                return
            if not moved or self._in_hand > self._window // 2:
                await self._rest()

    def _chores(self) -> list[str]:
        if "send" in self._orders.steps:
            self._books.take_over()
        return self._books.chores(self._orders.steps)

    async def _rest(self) -> None:
        """Wait for outcomes, a wake-up, or the clock."""
        seconds = TURN_SECONDS if self._in_hand else self._orders.poll_seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _turn(self) -> bool:
        """One turn of the books where there is anything to write or to take; whether it moved."""
        want = self._window - self._in_hand
        if want < self._window // 2 or "send" not in self._orders.steps:
            want = 0
        if not self._outcomes and not (want and await self._with_books(self._books.waiting)):
            return await self._keep_lease()
        wrote = bool(self._outcomes)
        letters = await self._written(want)
        self._feed.put(letters)
        await self._keep_lease()
        return wrote or bool(letters)

    async def _written(self, want: int) -> list[Letter]:
        """Write the outcomes that have come back, and take up to `want` letters."""
        outcomes = tuple(self._outcomes)
        letters = await self._with_books(lambda: self._books.turn(outcomes, want))
        del self._outcomes[: len(outcomes)]  # not before they are on record
        if not self._in_hand:
            self._lease_ends = self._asked_at + self._lease_seconds
        self._in_hand += len(letters)
        return letters

    async def _keep_lease(self) -> bool:
        """Renew our leases once a quarter of their time has gone; whether they were given back instead.

        Letters that only lie here, for want of a relay, are given back: taken again, they are asked
        again for consent. So is what a turn took whose commit was not seen.
        """
        aged = self._in_hand and self._lease_ends - time.monotonic() < self._lease_seconds * 0.75
        at_rest = len(self._feed) == self._in_hand and not self._outcomes
        if at_rest and (aged or self._unsure):
            self._feed.clear()
            self._in_hand = 0
            await self._with_books(self._books.give_back)
            self._unsure = False
            return True
        if aged and self.may_begin():  # a lease that has ended may be another's by now
            await self._with_books(self._books.renew)
            self._lease_ends = self._asked_at + self._lease_seconds
        return False

    async def _finish(self, lanes: Sequence[asyncio.Task[None]]) -> int:
        self.stop()
        while working := [lane for lane in lanes if not lane.done()]:
            if self._patience is not None:
                for lane in working:  # again and again: before Python 3.12 wait_for may swallow it
                    lane.cancel()
            await asyncio.wait(working, timeout=self._patience)
        await self._written(0)
        return await self._with_books(self._books.give_back)

    async def _with_books(self, work: Callable[[], Returned]) -> Returned:
        """Have the books do something; while the database is away try anew, as long as that can help."""
        while True:
            self._asked_at = time.monotonic()
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
            except (TryLater, ServiceMissing) as error:
                patient = self._orders.watch and not self.stopping.is_set()
                if time.monotonic() >= self._lease_ends and not patient:
                    raise
                self._unsure = True
                log.warning("database away", extra={"reason": error.what})
                await asyncio.sleep(DATABASE_RETRY_SECONDS)

    async def _tended(self, lane: Lane) -> None:
        """A lane's work; when the last lane has ended nothing more can be done."""
        try:
            await lane.work()
        except Exception as error:
            log.exception("surprise")
            self.fault(f"a line ended by surprise: {error!r}")
        finally:
            self._lanes.remove(lane)
            if not self._lanes:
                self.stop()

    def may_begin(self) -> bool:
        """Whether our leases still hold, by our own clock."""
        if time.monotonic() < self._lease_ends:
            return True
        self.fault("the leases ended before they could be renewed: nothing more was begun")
        return False

    def done(self, due: Due, outcome: Outcome) -> None:
        """A letter has its outcome; it is written with the next turn."""
        self._in_hand -= 1
        self._outcomes.append((due, outcome))
        if not self._in_hand or len(self._outcomes) >= self._window // 2:
            self._news.set()

    def missing(self, words: str) -> None:
        """A relay is not there."""
        self._missing = True
        self._tell(words)

    def fault(self, words: str) -> None:
        """Stop, and say why."""
        self._tell(words)
        self.stop()

    def _tell(self, words: str) -> None:
        if words not in self._faults:
            self._faults[words] = None
            log.error("fault", extra={"reason": " ".join(words.split())})

    def _summary(self, due: int) -> Summary:
        tally = self._books.tally
        return Summary(
            accepted=tally["accepted"],
            deferred=tally["deferred"],
            refused=tally["refused"],
            unknown=tally["unknown"],
            expired=tally["expired"],
            published=tally["published"],
            due=due,
            faults=tuple(self._faults),
            missing=self._missing,
        )
