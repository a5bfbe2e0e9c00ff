"""Letters in hand, waiting for a line: which of them is next, and which line takes it.

Notices come first, whatever waits. A letter whose domain may not have it yet is laid aside, and what
stands behind it goes on. Which relay may take the next one `route.Routes` says; among its lines it is the
one that was free last, so that a trickle keeps using one open connection instead of opening eight.

Whoever may take nothing at present waits in `ready`, and is called when that changes: by a letter, an
outcome, or the clock.
"""

import asyncio
import contextlib
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta

from mailer.core.delivery import Outcome
from mailer.services.aside import Aside
from mailer.services.bookkeeper import Letter
from mailer.services.domains import Domains
from mailer.services.route import Route, Routes

Taker = tuple[Route, "asyncio.Future[None]"]  # a line of a relay that waits, and for what


class Feed:
    """A queue between the bookkeeper and the lines, in one event loop.

    Args:
        ours: whether what is in hand is still ours to send.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        routes: Routes,
        domains: Domains,
        ours: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._routes = routes
        self._domains = domains
        self._ours = ours
        self._clock = clock
        self._notices: deque[Letter] = deque()
        self._letters: deque[Letter] = deque()
        self._aside = Aside(domains, self._call_back)
        self._withdrawn: Collection[int] = frozenset()
        self._late: deque[Letter] = deque()  # came after their mailing was withdrawn
        self._takers: list[Taker] = []
        self._idle: Counter[Route] = Counter()
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = self._expecting = False
        self._closing = asyncio.Event()
        # The common office has one relay, and it is in no hurry: then there is little to ask.
        self._unbound = [each.paced for each in routes.routes] == [False]

    def __len__(self) -> int:
        return len(self._notices) + len(self._letters) + len(self._late) + self.laid_aside

    @property
    def laid_aside(self) -> int:
        """How many wait for their domain's sake: nobody else waits behind them."""
        return len(self._aside)

    def put(self, letters: Iterable[Letter]) -> None:
        """Add to the end; notices overtake the rest."""
        for letter in letters:
            self._queue_of(letter).append(letter)
        self.reconsider()

    def put_back(self, letter: Letter) -> None:
        """Return one that was taken and not begun: it comes first again."""
        if self._domains.ended(letter.due.mailbox, None):
            self._call_back(letter.domain)
        self._queue_of(letter).appendleft(letter)
        self.reconsider()

    def ended(self, letter: Letter, outcome: Outcome) -> None:
        """One that was taken has its outcome."""
        if self._domains.ended(letter.due.mailbox, outcome) and self._aside:
            self._call_back(letter.domain)

    def expect(self, expecting: bool) -> None:
        """Letters come any moment, or not any more: until then lines that are not open may open."""
        begins, self._expecting = expecting and not self._expecting, expecting
        for taker in [*self._takers] if begins else ():
            self._call(taker)

    async def ready(self, route: Route, patience: float | None = None, cold: bool = False) -> bool:
        """Wait until a line of `route` may take a letter, whoever does; False once the feed is closed.

        Args:
            patience: seconds to wait at most; None waits for ever.
            cold: it is not open, and may be opened for letters that are expected.

        Raises:
            TimeoutError: it may not in time.
        """
        async with asyncio.timeout(patience):
            while not (self._closed or self._may_take(route)):
                if cold and self._expecting and route.usable:
                    break
                await self._called(route)
        return not self._closed

    def take(self, route: Route) -> Letter | None:
        """The next letter for a line of `route`; None where it may take none at present."""
        if self._closed or not self._may_take(route):
            if self._takers and not self._closed:
                self.reconsider()  # it may be another's turn
            return None
        letter = self._next()
        if letter is not None:
            route.took(0.0 if self._unbound else self._clock())
            self._domains.begun(letter.due.mailbox)
        if self._takers:
            self.reconsider()
        return letter

    def reconsider(self) -> None:
        """Call as many lines as there are letters they may take; the clock calls again where it matters."""
        waiting = len(self._notices) + len(self._letters)
        if waiting and not self._closed and len(self._routes.routes) > 1:
            self._send_scouts()
        while (waiting > 0 or self._closed) and (taker := self._whose_turn()) is not None:
            self._call(taker)
            waiting -= 1
        if waiting > 0 and self._takers:
            self._set_alarm()

    def _whose_turn(self) -> Taker | None:
        """The line that was free last of those that may take a letter; any where the feed is closed."""
        for taker in reversed(self._takers):
            if self._closed or self._may_take(taker[0]):
                return taker
        return None

    def _send_scouts(self) -> None:
        """Call a line of each relay that is on trial, beside those who are called to take a letter.

        Else nobody would ever find out that it is back: the line that was free last takes what comes singly.
        """
        for route in self._routes.routes:
            unused = route.failing_since is not None and self._idle[route] == route.lines
            if unused and self._may_take(route):
                self._call(next(taker for taker in reversed(self._takers) if taker[0] is route))

    def _call(self, taker: Taker) -> None:
        self._takers.remove(taker)
        self._idle[taker[0]] -= 1
        if not taker[1].done():
            taker[1].set_result(None)

    def leads_past(self, route: Route) -> bool:
        """Whether another relay may be tried now."""
        return any(each is not route and each.usable for each in self._routes.routes)

    def withdraw(self, mailings: Collection[int]) -> list[Letter]:
        """Take out the letters of these mailings, none of which was begun.

        Those that come of them from now on no line takes: they wait for the next call, which says anew whose.
        """
        late, self._late, self._withdrawn = self._late, deque(), mailings
        self.put(late)
        if not mailings:
            return []
        return self._sorted_out(lambda letter: letter.due.mailing_id in mailings)

    def clear(self) -> list[Letter]:
        """Take out everything, none of which was begun."""
        return self._sorted_out(lambda _letter: True)

    def excess(self, room: int, patience: float = math.inf) -> list[tuple[Letter, timedelta]]:
        """Take out of what is laid aside what is too much, and say how long to let each go.

        Args:
            room: for so many at most.
            patience: seconds after which a domain must be ready again for its letters to stay.
        """
        return self._aside.excess(room, patience)

    async def closing(self, patience: float) -> None:
        """Wait until the feed is closed, or for so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._closing.wait()

    def close(self) -> None:
        """Hand out nothing more. What is left was never begun."""
        self._closed = True
        self._closing.set()
        self._aside.close()
        if self._alarm is not None:
            self._alarm.cancel()
        self.reconsider()

    def _may_take(self, route: Route) -> bool:
        if not (self._notices or self._letters) or not self._ours():
            return False
        if self._unbound and route.failing_since is None:
            return True
        now = self._clock()
        return self._routes.may_pull(
            route, now, lambda each: self._idle[each] > 0
        ) and not route.wait(now)

    def _next(self) -> Letter | None:
        for queue in (self._notices, self._letters):
            while queue:
                letter = queue.popleft()
                wait = self._domains.wait(letter.due.mailbox)
                if not wait:
                    return letter
                self._aside.lay(letter, wait)
        return None

    def _call_back(self, domain: str) -> None:
        """Let some letters of a domain come first again."""
        letters = [] if self._closed else self._aside.called_back(domain)
        for letter in reversed(letters):
            self._queue_of(letter).appendleft(letter)
        if letters:
            self.reconsider()

    def _queue_of(self, letter: Letter) -> deque[Letter]:
        if letter.due.mailing_id is None:
            return self._notices
        return self._late if letter.due.mailing_id in self._withdrawn else self._letters

    def _sorted_out(self, out: Callable[[Letter], bool]) -> list[Letter]:
        taken: list[Letter] = []
        for queue in (self._notices, self._letters, self._late):
            taken += filter(out, queue)
            kept = [letter for letter in queue if not out(letter)]
            queue.clear()
            queue.extend(kept)
        return taken + self._aside.sorted_out(out)

    async def _called(self, route: Route) -> None:
        call = asyncio.get_running_loop().create_future()
        taker = (route, call)
        self._takers.append(taker)
        self._idle[route] += 1
        self.reconsider()
        try:
            await call
        except asyncio.CancelledError:
            if taker in self._takers:
                self._takers.remove(taker)
                self._idle[route] -= 1
            else:
                self.reconsider()
            raise

    def _set_alarm(self) -> None:
        """Look again when the first relay that holds somebody back may take a message."""
        now = self._clock()
        held_back = {route for route, _ in self._takers}
        waits = [route.resting(now) or route.wait(now) for route in held_back]
        waits = [wait for wait in waits if wait and math.isfinite(wait)]
        if not waits:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + min(waits)
        if self._alarm is not None:
            if loop.time() < self._alarm.when() <= at and not self._alarm.cancelled():
                return
            self._alarm.cancel()
        self._alarm = loop.call_at(at, self.reconsider)
