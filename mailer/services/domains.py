"""Says when the next message to a reader's domain may begin, so that no domain delays another.

A letter that may not begin is laid aside, and whatever stands behind it goes on. Three things hold a
domain back: the operator's limits, a pause after it throttled us, and what it may have on its way at
once while it recovers (`core.pace` has the curve). Where none does, a message costs a microsecond.

Lives in one event loop. What it remembers is bounded: domains with a message on its way, those whose
rate is not rested yet, and at most `SLOWED` that throttled us, which ends by itself.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from mailer.core.delivery import Outcome, Result
from mailer.core.pace import (
    EVERY_OTHER,
    NO_LIMIT,
    DomainLimit,
    Rate,
    Slowdown,
    faster,
    slower,
    throttles,
)

SLOWED = 10_000
_ACCEPTED = Result.ACCEPTED  # asked of every message


class Domains:
    """The pace of every domain we write to.

    Args:
        limits: by domain, that of `EVERY_OTHER` for all that are not named.
        clock: monotonic seconds.
    """

    def __init__(
        self, limits: Mapping[str, DomainLimit], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = {domain.lower(): limit for domain, limit in limits.items()}
        self._common_limit = self._limits.pop(EVERY_OTHER, NO_LIMIT)
        self._clock = clock
        self._under_way: dict[str, int] = {}
        self._slow: OrderedDict[str, Slowdown] = OrderedDict()  # the last sign longest ago first
        self._own_rates = {
            domain: _rate(limit)
            for domain, limit in self._limits.items()
            if limit.messages_per_minute
        }
        self._common_rates: OrderedDict[str, Rate] = OrderedDict()  # used longest ago first
        self._free = self._common_limit == NO_LIMIT and not self._limits

    def wait(self, mailbox: str) -> float:
        """Seconds until a message to `mailbox` may begin.

        Returns:
            0.0: now. math.inf: as soon as one of its domain's messages on their way has ended.
        """
        if self._free and not self._slow:
            return 0.0
        domain = mailbox.rpartition("@")[2].lower()
        limit = self._limits.get(domain, self._common_limit)
        slow = self._slow.get(domain)
        if slow is None and limit is NO_LIMIT:
            return 0.0
        now = self._clock()
        under_way = self._under_way.get(domain, 0)
        if slow is not None:
            if pause := slow.pause(now):
                return pause
            if not under_way and slow.calm(now):
                slow = None
                del self._slow[domain]
        if under_way >= _at_once(limit, slow):
            return math.inf
        rate = self._rate_of(domain)
        return rate.wait(now) if rate is not None else 0.0

    def begun(self, mailbox: str) -> None:
        """A message to `mailbox` is on its way."""
        domain = mailbox.rpartition("@")[2].lower()
        self._under_way[domain] = self._under_way.get(domain, 0) + 1
        if not self._free:
            self._take(domain)

    def ended(self, mailbox: str, outcome: Outcome | None) -> bool:
        """A message that was begun has come to its end.

        Args:
            outcome: None where it was given back and never sent. Its part of the rate is gone.

        Returns:
            True where its domain may have more on its way than it now has: whoever was told to
            wait for this (math.inf) may ask anew, one letter after the other until one has to wait.
        """
        domain = mailbox.rpartition("@")[2].lower()
        left = self._under_way[domain] - 1
        if left:
            self._under_way[domain] = left
        else:
            del self._under_way[domain]
        if outcome is not None and (self._slow or outcome.result is not _ACCEPTED):
            self._learn(domain, outcome)
        if self._free and not self._slow:
            return True
        limit = self._limits.get(domain, self._common_limit)
        return left < _at_once(limit, self._slow.get(domain))

    def slowed(self) -> dict[str, float]:
        """The domains that are paused, with the seconds that are left."""
        now = self._clock()
        pauses = ((domain, slow.pause(now)) for domain, slow in self._slow.items())
        return {domain: pause for domain, pause in pauses if pause}

    def _take(self, domain: str) -> None:
        rate = self._rate_of(domain)
        if rate is None and domain not in self._limits and self._common_limit.messages_per_minute:
            rate = self._common_rates[domain] = _rate(self._common_limit)
        if rate is None:
            return
        now = self._clock()
        rate.take(now)
        if domain in self._common_rates:
            self._common_rates.move_to_end(domain)
            self._forget_rested(now)

    def _forget_rested(self, now: float) -> None:
        """A rate that has rested is as good as a new one."""
        while self._common_rates:
            oldest = next(iter(self._common_rates))
            if not self._common_rates[oldest].rested(now):
                return
            del self._common_rates[oldest]

    def _learn(self, domain: str, outcome: Outcome) -> None:
        before = self._slow.get(domain)
        if throttles(outcome):
            now = self._clock()
            self._slow[domain] = slower(before, now)
            self._slow.move_to_end(domain)
            self._forget_calm(now)
        elif before is not None and outcome.result is Result.ACCEPTED:
            after = faster(before, self._clock())
            if after is None:
                del self._slow[domain]
            else:
                self._slow[domain] = after

    def _forget_calm(self, now: float) -> None:
        """Forget who is free by now, and beyond `SLOWED` who gave a sign longest ago.

        Not while a message of theirs is on its way: somebody may have been told to wait for its end.
        """
        for _ in range(len(self._slow)):
            oldest = next(iter(self._slow))
            if not self._slow[oldest].calm(now) and len(self._slow) <= SLOWED:
                return
            if oldest in self._under_way:
                self._slow.move_to_end(oldest)
            else:
                del self._slow[oldest]

    def _rate_of(self, domain: str) -> Rate | None:
        return self._own_rates.get(domain) or self._common_rates.get(domain)


def _rate(limit: DomainLimit) -> Rate:
    return Rate(limit.messages_per_minute / 60)


def _at_once(limit: DomainLimit, slow: Slowdown | None) -> float:
    """How many messages may be on their way at once."""
    allowed = limit.connections or math.inf
    return allowed if slow is None else min(allowed, slow.at_once)
