"""Works off what is due: the loop between the ledger and the relays.

    now and then: chores (take over from the dead, publish, expire)
    repeat: look (stopped mailings, notices) -> turn (write outcomes, take what is next) -> lines send
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
import math
import time
from collections.abc import Sequence
from functools import partial

from mailer.mail.compose import Composer
from mailer.mail.transport import Transport
from mailer.services.alarm import Alarm
from mailer.services.bookkeeper import Bookkeeper, Letter
from mailer.services.domains import Domains
from mailer.services.feed import Feed
from mailer.services.hand import Hand
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

__all__ = ["Dispatcher", "Orders", "Progress", "Summary"]

log = logging.getLogger(__name__)

NOTICES = 64
"""Notices that may be in hand beyond that."""
TURN_SECONDS = 0.2
PASS_PATIENCE_SECONDS = 10.0
"""A pass does not wait longer than this for a reader's domain; the next one may."""


class Dispatcher:
    """One dispatcher: make it in a running loop, `await run()`; from that loop `stop()` or `wake()`."""

    def __init__(
        self, office: Office, transports: Sequence[Transport], presence: Presence, orders: Orders
    ) -> None:
        self._orders = orders
        self._presence = presence
        self._books = Bookkeeper(office, presence)
        soon = asyncio.get_running_loop().call_soon_threadsafe
        self._poller = Poller(office, lambda: soon(self.wake))
        self._journal = Journal(presence.journal())
        self._tenure = Tenure(office.limits.lease.total_seconds(), presence)
        self._routes = Routes(Route(transport) for transport in transports)
        self._feed = Feed(self._routes, Domains(office.limits.domains), lambda: self._tenure.holds)
        self._alarm = Alarm(office.clock, self._feed.expect)
        self._hand = Hand()
        self._holding = False
        self._stopped: frozenset[int] = frozenset()
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
        self._lanes = Lanes(
            [Lane(route, yard) for route in self._routes.routes for _ in range(route.lines)],
            self._reports,
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
            if not self._holding:  # else our leases are found by the name of who is dead
                self._presence.leave()
            self._presence.let_go()
            self._ledger.close()

    async def _work(self) -> None:
        chores = self._books.chores
        while not self.stopping.is_set():
            self._reports.news.clear()
            if self._alarm.rings():
                await self._publish_next()
                self._chores_at = 0.0
            elif time.monotonic() >= self._chores_at:
                self._chores_at = time.monotonic() + self._orders.poll_seconds
                self._tell(await self._ledger.do(self._chores))
                if chores.unfinished:
                    self._chores_at = 0.0
            moved = await self._turn() or chores.unfinished
            if not (moved or self._hand.size or self._poller.busy or self._orders.watch):
                return
            if not moved or self._hand.size > self._stock.wanted // 2:
                await self._rest()

    def _chores(self) -> list[str]:
        if "send" in self._orders.steps:
            self._books.take_over()
        self._books.note_health(self._routes.routes)
        if "poll" in self._orders.steps:
            self._poller.look()
        return self._books.chores.do(self._orders.steps)

    async def _publish_next(self) -> None:
        """Publish at its very moment what comes next, and send its first letters."""
        takes = self._may_take
        self._holding = self._holding or takes
        publish_next = partial(self._books.publish_next, takes=takes)
        words, letters = await self._ledger.do(publish_next, takes=takes)
        self._take(letters)
        self._tell(words)

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

    @property
    def _may_take(self) -> bool:
        return "send" in self._orders.steps and (self._tenure.holds or not self._hand.size)

    async def _turn(self) -> bool:
        """One turn of the books where there is anything to write or to take; whether it moved."""
        room = self._stock.wanted - (self._hand.size - self._feed.laid_aside)
        sends = self._may_take
        want = room if sends and room >= self._stock.wanted // 2 and not self._alarm.clears else 0
        look = await self._ledger.do(lambda: self._books.look(self._hand.mailings))
        self._reports.withdraw(look.stopped)
        if look.stopped or self._stopped:  # what was corrected is settled once it is let go
            self._chores_at = 0.0
        self._stopped = look.stopped
        patience = math.inf if self._orders.watch else PASS_PATIENCE_SECONDS
        self._hand.let_go_all(self._feed.excess(self._stock.most // 4, patience))
        if not look.waiting:
            want = 0
        notices = NOTICES if sends and look.notices else 0
        if not (want or notices or self._hand.entries):
            return await self._keep_lease()
        wrote = bool(self._hand.entries)
        took = await self._written(want, notices)
        return await self._keep_lease() or wrote or took

    async def _written(self, want: int, notices: int) -> bool:
        """Write what has come up, and take up to `want` letters and `notices` notices; whether it took."""
        entries = self._hand.entries
        self._holding = self._holding or bool(want + notices)
        letters = await self._ledger.do(
            lambda: self._books.turn(entries, want=want, notices=notices),
            takes=bool(want + notices),
        )
        self._hand.written(entries)  # not before they are on record
        self._stock.worked_off(len(entries.tried))
        self._journal.forget(due.id for due, _ in entries.tried)
        self._take(letters)
        return bool(letters)

    def _take(self, letters: Sequence[Letter]) -> None:
        """These were handed out by what the ledger was asked last."""
        if not self._hand.size:
            self._tenure.granted()
            self._feed.reconsider()
        self._hand.take(letters)
        self._maker.put(letters)

    async def _keep_lease(self) -> bool:
        """Renew our leases once a quarter of their time has gone; whether they were given back instead.

        Letters that only lie here, for want of a relay, are given back: taken again, they are asked
        again for consent. So is what a turn took whose commit was not seen, and what a lease has
        ended over, once nothing is on the wire any more.
        """
        aged = self._hand.size and self._tenure.aged
        at_rest = len(self._feed) == self._hand.size and not self._hand.entries
        if at_rest and (aged or self._ledger.unsure):
            self._hand.lay_down(self._feed.clear())
            await self._ledger.do(self._books.give_back)
            self._ledger.unsure = self._holding = False
            return True
        if aged and self._tenure.holds:  # a lease that has ended may be another's by now
            await self._ledger.do(self._books.renew)
            if self._tenure.holds:  # or what we asked came too late, and all may be taken over
                self._tenure.granted()
                self._feed.reconsider()
        return False

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
        await self._written(0, 0)
        await self._ledger.do(lambda: self._books.note_health(self._routes.routes))
        due = await self._ledger.do(self._books.give_back)
        self._holding = False
        await self._poller.ended()
        return due
