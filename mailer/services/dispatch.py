"""Works off what is due: the loop between the ledger and the relays.

    now and then: chores (take over from the dead, publish, expire)
    repeat: turn (write outcomes, take what is next, let go of what was stopped) -> lines send
    one pass ends when nothing is due; a watch goes on, woken or by the clock
    stop: take no more, finish what is on the wire, record, give back the rest

What goes wrong, and what it costs:

    no line to a relay            nothing was tried; the next relay takes over; without one a pass ends
                                  (exit 69), a watch waits, and what waits with it is given back
    link lost before the dot      due again soon, not counted against the reader
    link lost after the dot       unknown: due again or held, as the newsroom wants
    4xx / 5xx about the reader    due again by the schedule / refused
    5xx about us (login, MAIL)    that relay is not used again in this run; with none left the run stops
    5xx about the content         ten in a row hold the mailing; all else goes on
    a message cannot be made      its mailing is held; all else goes on
    paused, cancelled             what was not begun is let go at the next look
    database busy or gone         outcomes are kept and written when it is back; past our lease
                                  nothing more is begun
    killed                        the next dispatcher takes over (see store.takeover)
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from mailer.mail.compose import Composer
from mailer.mail.transport import Transport
from mailer.services.alarm import Alarm
from mailer.services.bookkeeper import Bookkeeper
from mailer.services.domains import Domains
from mailer.services.feed import Feed
from mailer.services.hand import Hand
from mailer.services.health_notes import HealthNotes
from mailer.services.journal import Journal
from mailer.services.lane import Lane, Yard
from mailer.services.lanes import Lanes
from mailer.services.ledger_thread import LedgerThread
from mailer.services.making import Maker
from mailer.services.office import Office
from mailer.services.polling import Poller
from mailer.services.presence import Presence
from mailer.services.reports import Reports
from mailer.services.route import Route, Routes
from mailer.services.stock import Stock
from mailer.services.summary import Orders, Progress, Summary, summed_up
from mailer.services.tenure import Tenure
from mailer.services.turns import Turns

__all__ = ["Dispatcher", "Orders", "Progress", "Summary"]

log = logging.getLogger(__name__)

TURN_SECONDS = 0.2


class Dispatcher:
    """One dispatcher: make it in a running loop, `await run()`; from that loop `stop()` or `wake()`."""

    def __init__(
        self, office: Office, transports: Sequence[Transport], presence: Presence, orders: Orders
    ) -> None:
        self._orders = orders
        self._presence = presence
        self._books = Bookkeeper(office, presence)
        self._health = HealthNotes(office, presence.host)
        soon = asyncio.get_running_loop().call_soon_threadsafe
        self._poller = Poller(office, lambda: soon(self.wake))
        self._journal = Journal(presence.journal())
        self._tenure = Tenure(office.limits.lease.total_seconds(), presence)
        self._routes = Routes(Route(transport) for transport in transports)
        self._feed = Feed(self._routes, Domains(office.limits.domains), lambda: self._tenure.holds)
        self._alarm = Alarm(office.clock, self._feed.expect)
        self._hand = Hand()
        self._chores_at = 0.0
        self._stock = Stock(sum(each.connections for each in transports))
        self._reports = Reports(
            self._feed,
            self._hand,
            self._routes,
            tenure=self._tenure,
            patient=orders.watch,
            stock=self._stock,
        )
        self._ledger = LedgerThread(
            self._tenure, lambda: orders.watch and not self.stopping.is_set()
        )
        composer = Composer(office.keys.tokens, office.keys.marks, signers=office.keys.signers)
        self._maker = Maker(composer, self._feed)
        yard = Yard(self._feed, composer, self._journal, self._reports)
        self._turns = self._all_turns()
        self._lanes = Lanes(
            [Lane(route, yard) for route in self._routes.routes for _ in range(route.lines)],
            self._reports,
        )

    def _all_turns(self) -> Turns:
        return Turns(
            orders=self._orders,
            books=self._books,
            ledger=self._ledger,
            hand=self._hand,
            stock=self._stock,
            feed=self._feed,
            maker=self._maker,
            tenure=self._tenure,
            alarm=self._alarm,
            journal=self._journal,
            reports=self._reports,
        )

    @property
    def stopping(self) -> asyncio.Event:
        """Set when nothing more is to be begun."""
        return self._reports.stopping

    def stop(self) -> None:
        """Take no more, finish what is on the wire, record it, give back the rest."""
        self._poller.stop()
        self._reports.stop()

    def wake(self) -> None:
        """Something became due."""
        self._chores_at = 0.0
        self._reports.news.set()

    def progress(self) -> Progress:
        """How far it has come."""
        return self._hand.progress(
            [route.transport.name for route in self._routes.routes if not route.usable]
        )

    async def run(self) -> Summary:
        """Work until nothing is due (a pass) or until stopped (a watch).

        Cancelling it breaks off what is on the wire; that is recorded as unknown.

        Raises:
            ServiceMissing, TryLater: the database was away for longer than a lease. What has no
                record then is in doubt, and the next dispatcher treats it so.
        """
        try:
            self._lanes.begin()
            try:
                await self._work()
            except asyncio.CancelledError:
                self._lanes.break_off()
                raise
            finally:
                due = await self._finished()
            return summed_up(
                self._books.tally,
                due=due,
                faults=tuple(self._reports.faults),
                missing=due > 0 and self._routes.missing,
            )
        finally:
            self._poller.stop()
            await self._poller.ended()
            self._journal.close()
            if not self._turns.holding:  # else our leases are found by the name of who is dead
                self._presence.leave()
            self._presence.let_go()
            self._ledger.close()

    async def _work(self) -> None:
        chores = self._books.chores
        while not self.stopping.is_set():
            if self._alarm.rings():
                self._tell(await self._turns.publish_next())
                self._chores_at = 0.0
            elif time.monotonic() >= self._chores_at:
                self._chores_at = time.monotonic() + self._orders.poll_seconds
                self._tell(await self._ledger.do(self._chores))
                if chores.unfinished:
                    self._chores_at = 0.0
            if self._chores_at and not self.stopping.is_set():
                self._reports.news.clear()  # else nobody woke us: this turn writes what has come up
            moved = await self._turns.turn() or chores.unfinished
            if self._turns.unsettled:
                self._chores_at = 0.0
            if not (moved or self._hand.size or self._poller.busy or self._orders.watch):
                return
            if not moved or self._hand.size > self._stock.wanted // 2:
                await self._rest()

    def _chores(self) -> list[str]:
        if "send" in self._orders.steps:
            self._books.take_over()
        self._health.note(self._routes.routes)
        if "poll" in self._orders.steps:
            self._poller.look()
        return self._books.chores.do(self._orders.steps)

    def _tell(self, words: Sequence[str]) -> None:
        """Tell what an operator must hear of, and set the alarm for what comes next."""
        for each in words:
            self._reports.tell(each)
        self._alarm.set(self._books.chores.next_moment, self._books.chores.lead)

    async def _rest(self) -> None:
        """Wait for outcomes, a wake-up, or the clock."""
        seconds = TURN_SECONDS if self._hand.size else self._orders.poll_seconds
        seconds = self._alarm.rest(seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._reports.news.wait()

    async def _finished(self) -> int:
        """Finish, whatever comes; being cancelled meanwhile breaks off what is on the wire."""
        finishing = asyncio.create_task(self._finish())
        broken_off = False
        while not finishing.done():
            try:
                await asyncio.shield(finishing)
            except asyncio.CancelledError:
                broken_off = True
                self._lanes.break_off()
        if broken_off:
            finishing.exception()
            raise asyncio.CancelledError
        return finishing.result()

    async def _finish(self) -> int:
        self._reports.stop()
        await self._maker.close()
        await self._lanes.ended()
        await self._turns.write()
        await self._ledger.do(lambda: self._health.note(self._routes.routes))
        due = await self._turns.give_back()
        await self._poller.ended()
        return due
