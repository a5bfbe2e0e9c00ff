"""Says which relay takes the next message: by health, order and weight, and never faster than its rate.

    sound      nothing is wrong with it
    failing    it rests, longer each time; then it is on trial until something goes well: it may
               take messages but keeps none from others, so that a try that hangs delays nobody
    refused    it takes none in this run
    order      a route takes nothing while one of a lower order is sound
    weight     among sound routes of one order each counts what it took, divided by its weight
               (virtual time, as in weighted fair queueing); who is ahead yields to who is
               behind, has an idle line and is within its rate

Who was away or could not keep up has no debt to make up: a route that comes back starts at the present
virtual time, and none is ever more than `ARREARS` messages behind.
"""

import math
import random
import time
from collections.abc import Callable, Iterable, Sequence

from mailer.core.pace import Rate, seconds_until
from mailer.mail.transport import Transport

RESTS = (1.0, 5.0, 15.0, 60.0)
"""Seconds before a route that failed is tried again, the last as often as need be."""
JITTER = 0.2
"""Many dispatchers that lost one relay in one moment do not all come back in one moment."""
SLACK = 4
"""Messages that a route may be behind its share before others yield to it."""
ARREARS = 32


class Route:
    """One relay as dispatch sees it.

    Args:
        clock: monotonic seconds.
        dice: for the jitter of its rests.

    Attributes:
        paced: it has a rate.
        fault: what is wrong with it, in words; empty where nothing is.
        failing_since: the clock's moment of the first failure since it was last well; None: sound.
        refused: it is not used again in this run.
        virtual: what it took, divided by its weight; `Routes` moves it up where it fell behind.
        started: the same before its last message.
        back: it has just become sound again.
        open_lines: how many stand at present; `opening`: how many are being opened.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Callable[[], float] = time.monotonic,
        dice: random.Random | None = None,
    ) -> None:
        self.transport = transport
        self.order = transport.order
        self.weight = transport.weight
        self.lines = transport.connections
        self.paced = transport.messages_per_second > 0
        self.fault = ""
        self.failing_since: float | None = None
        self.refused = False
        self.virtual = self.started = 0.0
        self.back = False
        self.open_lines = self.opening = 0
        self._clock = clock
        self._dice = dice or random.Random()
        self._rate = Rate(transport.messages_per_second)
        self._failures = 0
        self._rests_until = -math.inf

    def failed(self, words: str) -> bool:
        """A line could not be opened, or conversations broke off: let it rest.

        Returns:
            Whether that is news. What fails while it rests was begun before, and makes the rest no longer.
        """
        if self.refused:
            return False
        now = self._clock()
        self.fault = words
        if self.failing_since is None:
            self.failing_since = now
        news = not self.resting(now)
        if news:
            rest = RESTS[min(self._failures, len(RESTS) - 1)]
            self._rests_until = now + rest * self._dice.uniform(1 - JITTER, 1 + JITTER)
            self._failures += 1
        return news

    def well(self) -> None:
        """It took a message, or spoke about a reader: whatever was wrong with it is over."""
        if self.failing_since is None or self.refused:
            return
        self.fault = ""
        self.failing_since = None
        self.back = True
        self._failures = 0
        self._rests_until = -math.inf

    def refuse(self, words: str) -> None:
        """It refuses us as a sender, or our login: no try of this run will change that."""
        self.fault = words
        self.refused = True
        if self.failing_since is None:
            self.failing_since = self._clock()

    def resting(self, now: float) -> float:
        """Seconds until it may be tried again; 0.0 is now, math.inf not in this run."""
        return math.inf if self.refused else seconds_until(self._rests_until, now)

    @property
    def usable(self) -> bool:
        """Whether it may be tried now."""
        return not self.resting(self._clock())

    def wait(self, now: float) -> float:
        """Seconds until its rate lets a message begin; 0.0 is now."""
        return self._rate.wait(now)

    def took(self, now: float) -> None:
        """It took a message."""
        if self.paced:
            self._rate.take(now)
        self.started = self.virtual
        self.virtual += 1 / self.weight


class Routes:
    """All routes of a dispatcher.

    Attributes:
        routes: as they were given.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)

    def may_pull(self, route: Route, now: float, idle: Callable[[Route], bool]) -> bool:
        """Whether `route` may take the next message, as far as health and the others are concerned.

        Its own rate is another matter (`Route.wait`). Of the sound routes of the lowest order that
        have an idle line and are within their rate, at least one always may.

        Args:
            idle: whether a route has a line that could take a message at once: one that is still
                being opened cannot.
        """
        if route.resting(now):
            return False
        if len(self.routes) == 1:
            return True
        uneven = False
        for each in self.routes:
            if each.failing_since is not None or each.order > route.order:
                continue
            if each.order < route.order:
                return False
            uneven = uneven or each.back or _behind(each, route) > SLACK
        if not uneven or route.failing_since is not None:
            return True
        peers = self._peers(route)
        _line_up(peers)
        return not any(
            _behind(each, route) > SLACK and not each.wait(now) and idle(each) for each in peers
        )

    @property
    def missing(self) -> bool:
        """Whether none is sound, and it is not that all refuse us."""
        sound = any(route.failing_since is None for route in self.routes)
        return not sound and not all(route.refused for route in self.routes)

    def usable_at(self, now: float) -> float | None:
        """The moment at which the first route may be tried again: `now` where one may be at once.

        Returns:
            None where all are refused.
        """
        rest = min((route.resting(now) for route in self.routes), default=math.inf)
        return None if math.isinf(rest) else now + rest

    def _peers(self, route: Route) -> list[Route]:
        """The sound routes of its order, itself among them."""
        return [
            each for each in self.routes if each.failing_since is None and each.order == route.order
        ]


def _line_up(peers: Sequence[Route]) -> None:
    """Move up who has just come back, and who fell too far behind.

    The present is the start of the latest message, not its end: to a route of a great weight one
    message of a small one looks like many.
    """
    front = max((route.started for route in peers if not route.back), default=None)
    for route in peers:
        if front is not None and route.back:
            route.virtual = front
        elif front is not None:
            route.virtual = max(route.virtual, front - ARREARS / route.weight)
        route.back = False


def _behind(one: Route, other: Route) -> float:
    """How many messages `one` is behind its share, measured by what `other` took."""
    return (other.virtual - one.virtual) * one.weight
