"""A dispatcher's turns of the books: outcomes in, letters out, leases kept."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from mailer.services.alarm import Alarm
from mailer.services.bookkeeper import Bookkeeper, Letter
from mailer.services.feed import Feed
from mailer.services.hand import Hand
from mailer.services.journal import Journal
from mailer.services.ledger_thread import LedgerThread
from mailer.services.making import Maker
from mailer.services.reports import Reports
from mailer.services.stock import Stock
from mailer.services.summary import Orders
from mailer.services.tenure import Tenure

NOTICES = 64
"""Notices that may be in hand beyond the stock."""
PASS_PATIENCE_SECONDS = 10.0
"""A pass does not wait longer than this for a reader's domain; the next one may."""


@dataclass(slots=True, eq=False, kw_only=True)
class Turns:
    """The turns of one dispatcher: what lies between its books and its lanes.

    Attributes:
        holding: something in the ledger may bear our name.
        unsettled: a mailing in hand was stopped: what was corrected is settled once it is let go.
        stopped: the mailings in hand that the last turn found stopped.
    """

    orders: Orders
    books: Bookkeeper
    ledger: LedgerThread
    hand: Hand
    stock: Stock
    feed: Feed
    maker: Maker
    tenure: Tenure
    alarm: Alarm
    journal: Journal
    reports: Reports
    holding: bool = field(default=False, init=False)
    unsettled: bool = field(default=False, init=False)
    stopped: frozenset[int] = field(default=frozenset(), init=False)

    async def turn(self) -> bool:
        """One turn of the books; whether there is reason for another at once."""
        room = self.stock.wanted - (self.hand.size - self.feed.laid_aside)
        sends = self._may_take
        want = room if sends and room >= self.stock.wanted // 2 and not self.alarm.clears else 0
        patience = math.inf if self.orders.watch else PASS_PATIENCE_SECONDS
        self.hand.let_go_all(self.feed.excess(self.stock.most // 4, patience))
        wrote, took = await self._written(want, NOTICES if sends else 0)
        return await self._keep_lease() or took or (wrote and not self.hand.size)

    async def publish_next(self) -> Sequence[str]:
        """Publish at its very moment what comes next, and send its first letters; what is to be told."""
        takes = self._may_take
        self.holding = self.holding or takes
        publish_next = partial(self.books.publish_next, takes=takes)
        words, letters = await self.ledger.do(publish_next, takes=takes)
        self._take(letters)
        return words

    async def write(self) -> None:
        """A turn that takes nothing."""
        await self._written(0, 0)

    async def give_back(self) -> int:
        """Give back what was not begun; how many deliveries wait for a later run."""
        due = await self.ledger.do(self.books.give_back)
        self.holding = False
        return due

    async def _written(self, want: int, notices: int) -> tuple[bool, bool]:
        """Write what has come up, take up to `want` letters and `notices` notices; whether it did either.

        Where rows run out more are written while what was taken is sent, or, with nothing to send, as soon as
        nobody else does: then there is more to take.
        """
        entries, in_hand = self.hand.writing(), self.hand.mailings
        self.holding = self.holding or bool(want + notices)
        letters, stopped, run_out = await self.ledger.do(
            lambda: self.books.turn(entries, in_hand, want=want, notices=notices),
            takes=bool(want + notices),
        )
        self.hand.written(entries)  # not before they are on record
        if entries or letters:
            self.stock.worked_off(len(entries.tried))
            self.journal.forget(due.id for due, _ in entries.tried)
            self._take(letters)
        self._let_go_of(stopped)
        if run_out:
            owe_ahead = partial(self.books.owe_ahead, wait=not self.hand.size)
            await self.ledger.do(owe_ahead)
        return bool(entries), bool(letters) or run_out

    def _let_go_of(self, stopped: frozenset[int]) -> None:
        """Let go of what was not begun of mailings that may not be sent any more; it is written at once."""
        self.reports.withdraw(stopped)
        self.unsettled = bool(stopped or self.stopped)
        if stopped and self.hand.news:
            self.reports.news.set()
        self.stopped = stopped

    def _take(self, letters: Sequence[Letter]) -> None:
        """These were handed out by what the ledger was asked last."""
        if not self.hand.size:
            self.tenure.granted()
            self.feed.reconsider()
        self.hand.take(letters)
        self.maker.put(letters)

    async def _keep_lease(self) -> bool:
        """Renew our leases once a quarter of their time has gone; whether they were given back instead.

        Letters that only lie here, for want of a relay, are given back: taken again, they are asked
        again for consent. So is what a turn took whose commit was not seen, and what a lease has
        ended over, once nothing is on the wire any more.
        """
        aged = self.hand.size and self.tenure.aged
        at_rest = len(self.feed) == self.hand.size and not self.hand.entries
        if at_rest and (aged or self.ledger.unsure):
            self.hand.lay_down(self.feed.clear())
            await self.give_back()
            self.ledger.unsure = False
            return True
        if aged and self.tenure.holds:  # a lease that has ended may be another's by now
            await self.ledger.do(self.books.renew)
            if self.tenure.holds:  # or what we asked came too late, and all may be taken over
                self.tenure.granted()
                self.feed.reconsider()
        return False

    @property
    def _may_take(self) -> bool:
        return "send" in self.orders.steps and (self.tenure.holds or not self.hand.size)
