"""Letters laid aside until their domain may have them; nobody else waits behind them."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from mailer.services.bookkeeper import Letter
from mailer.services.domains import Domains

AT_ONCE = 2
"""Letters called back for each one of their domain that has ended, so that its flow can widen."""
PATIENCE = timedelta(seconds=30)
"""How long a letter is let go for its domain's sake, at least."""
SPREAD = 100
"""Letters of one domain that are let go until the same moment."""


class Aside:
    """A queue for each domain that has to wait, in one event loop.

    Args:
        over: told a domain whose pause is over.
    """

    def __init__(self, domains: Domains, over: Callable[[str], None]) -> None:
        self._domains = domains
        self._over = over
        self._letters: dict[str, deque[Letter]] = {}
        self._clocks: dict[str, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return sum(map(len, self._letters.values()))

    def lay(self, letter: Letter, wait: float) -> None:
        """Lay a letter aside, for so many seconds, or until one of its domain has ended."""
        domain = letter.domain
        others = self._letters.setdefault(domain, deque())
        if math.isfinite(wait) and domain not in self._clocks:
            loop = asyncio.get_running_loop()
            self._clocks[domain] = loop.call_later(wait, self._pause_over, domain)
        if others and letter.due.id < others[0].due.id:
            others.appendleft(letter)  # it was called back, and is laid aside again
        else:
            others.append(letter)

    def called_back(self, domain: str) -> list[Letter]:
        """Take the first few of a domain; those that still have to wait are laid aside anew."""
        letters = self._letters.get(domain)
        if letters is None:
            return []
        some = [letters.popleft() for _ in range(min(AT_ONCE, len(letters)))]
        if not letters:
            del self._letters[domain]
        return some

    def excess(self, room: int, patience: float) -> list[tuple[Letter, timedelta]]:
        """Take out what is too much, and say how long to let each go; see `Feed.excess`."""
        let_go: list[tuple[Letter, timedelta]] = []
        over = len(self) - room
        for domain, letters in sorted(self._letters.items(), key=lambda one: -len(one[1])):
            wait = self._domains.wait(letters[0].due.mailbox)
            pause = timedelta(seconds=wait) if math.isfinite(wait) else PATIENCE
            too_long = math.isfinite(wait) and wait > patience
            while letters and (over > 0 or too_long):
                spread = len(let_go) // SPREAD * PATIENCE
                let_go.append((letters.pop(), max(pause, PATIENCE) + spread))
                over -= 1
            if not letters:
                del self._letters[domain]
        return let_go

    def sorted_out(self, out: Callable[[Letter], bool]) -> list[Letter]:
        """Take out those of which `out` says so."""
        taken = [letter for queue in self._letters.values() for letter in queue if out(letter)]
        left = {
            domain: deque(letter for letter in queue if not out(letter))
            for domain, queue in self._letters.items()
        }
        self._letters = {domain: queue for domain, queue in left.items() if queue}
        return taken

    def close(self) -> None:
        """Tell of no pause any more."""
        for clock in self._clocks.values():
            clock.cancel()
        self._clocks.clear()

    def _pause_over(self, domain: str) -> None:
        del self._clocks[domain]
        self._over(domain)
