"""How many letters a dispatcher keeps in hand: about two seconds' worth, whatever the relays' pace.

Too few, and a fast relay waits for the ledger; too many, and what is urgent waits behind them, consent
is old by the time they leave, and a pause has more to take back.
"""

import time
from collections.abc import Callable

SECONDS = 2.0
LEAST_PER_LINE = 4
MOST_PER_LINE = 256
"""A turn takes half of what is wanted: at this size its commit costs next to nothing a letter."""


class Stock:
    """The size of the stock, by what was worked off between turns.

    Args:
        lines: how many lines take letters from it.
        clock: monotonic seconds.

    Attributes:
        wanted: letters to have in hand at present.
        most: it is never more.
    """

    def __init__(self, lines: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._least = LEAST_PER_LINE * lines
        self.most = MOST_PER_LINE * lines
        self._clock = clock
        self._since = clock()
        self.wanted = self._least

    def worked_off(self, letters: int) -> None:
        """So many letters got their outcomes since this was last said."""
        now = self._clock()
        rate = letters / max(now - self._since, 1e-3)
        self._since = now
        # Down by half at most: one slow turn is no slow relay.
        wanted = max(int(rate * SECONDS), self.wanted // 2)
        self.wanted = min(max(wanted, self._least), self.most)
