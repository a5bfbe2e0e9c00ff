"""Takes the lanes' reports and draws the conclusions: what to write, what to hold, when to stop."""

import asyncio
import logging
from datetime import timedelta

from mailer.core.breaker import Breaker
from mailer.core.delivery import Blame, Outcome, Result
from mailer.services.bookkeeper import Letter
from mailer.services.feed import Feed
from mailer.services.hand import Hand
from mailer.services.route import Route, Routes
from mailer.services.stock import Stock
from mailer.services.tenure import Tenure

log = logging.getLogger(__name__)

_ACCEPTED = Result.ACCEPTED  # asked of every message


class Reports:
    """What the lanes of one dispatcher report (a `lane.Foreman`).

    Args:
        patient: without a relay wait for one, instead of stopping.
        stock: half of it is worth a turn of the books.

    Attributes:
        news: set when the dispatcher has something to do.
        stopping: set when nothing more is to be begun.
        faults: what the operator must hear of, in words, each once.
    """

    def __init__(
        self,
        feed: Feed,
        hand: Hand,
        routes: Routes,
        *,
        tenure: Tenure,
        patient: bool,
        stock: Stock,
    ) -> None:
        self.news = asyncio.Event()
        self.stopping = asyncio.Event()
        self.faults: dict[str, None] = {}
        self._feed = feed
        self._hand = hand
        self._routes = routes
        self._tenure = tenure
        self._patient = patient
        self._stock = stock
        self._breaker = Breaker()

    def stop(self) -> None:
        """Begin nothing more."""
        self.stopping.set()
        self._feed.close()
        self.news.set()

    def may_begin(self) -> bool:
        """Whether our leases still hold, by our own clock."""
        return self._tenure.holds

    def done(self, letter: Letter, outcome: Outcome) -> None:
        """A letter has its outcome; it is written with the next turn."""
        self._hand.done(letter, outcome)
        if self._hand.news >= self._stock.wanted // 2 or not self._hand.size:
            self.news.set()
        if outcome.result is _ACCEPTED:
            if self._breaker.counts:
                self._breaker.heard(_key(letter), outcome)
            return
        ours = outcome.result is Result.REFUSED and outcome.blame is Blame.SENDER
        if ours and not outcome.code:  # no relay said so: it was not even written
            self.spoiled(letter, f"what would be sent is not fit to be: {outcome.text}")
        elif self._breaker.heard(_key(letter), outcome):
            said = f"{outcome.code} {outcome.enhanced} {outcome.text}"
            self.spoiled(letter, f"relays refuse its content again and again: {said}")

    def spoiled(self, letter: Letter, words: str) -> None:
        """A mailing cannot go on: hold it, and let go of what is in hand of it."""
        mailing_id = letter.due.mailing_id
        if mailing_id is None:
            self.fault(words)
            return
        if self._hand.hold(mailing_id, words):
            self.tell(f"mailing {mailing_id} is held: {words}")
        self.withdraw(frozenset({mailing_id}))
        self._breaker.forget(mailing_id)
        self.news.set()

    def withdraw(self, mailings: frozenset[int]) -> None:
        """Let go of what was not begun of these mailings, and of those that are to be held.

        It is told after each turn of the books: letters that were handed out or made meanwhile go too.
        """
        for letter in self._feed.withdraw(mailings | self._hand.held):
            self._hand.let_go(letter, timedelta(0))

    def missing(self, route: Route) -> None:
        """A relay is not to be had. Without any left a pass ends."""
        self.tell(route.fault)
        if not self._patient and not any(each.usable for each in self._routes.routes):
            self.stop()

    def refused(self, route: Route, words: str) -> None:
        """A relay refuses us as a sender: a pass uses it no more, a watch comes back to it."""
        if self._patient:
            route.failed(words)
        else:
            route.refuse(words)
        self.missing(route)

    def fault(self, words: str) -> None:
        """Stop, and say why."""
        self.tell(words)
        self.stop()

    def tell(self, words: str) -> None:
        """Something the operator must hear of."""
        log.error("fault", extra={"reason": " ".join(words.split())})
        self.faults[words] = None


def _key(letter: Letter) -> int:
    """What a breaker counts by: a mailing, or all notices that are made from one message."""
    return letter.due.mailing_id or -letter.due.prepared_id
