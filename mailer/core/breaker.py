"""Trips when relays refuse one mailing's content again and again: then it is the mailing, not the readers.

A refusal after the reader was taken (DATA, and after the final dot) speaks about what we send, whatever
its words blame: a filter found a link, a size, a signature. Ten in a row without one acceptance
between, and going on would burn the sender's name with every reader left. Refusals of a
reader (RCPT) say nothing of the content, nor does what was merely put off.
"""

from collections import OrderedDict

from mailer.core.delivery import Blame, Outcome, Phase, Result

LIMIT = 10
KEYS = 1_000
"""Mailings that are remembered at once; the one that was not heard of for longest is forgotten."""

_OF_THE_CONTENT = frozenset({Phase.DATA, Phase.CONTENT})


class Breaker:
    """Counts refusals of the content in a row, each mailing for itself.

    Args:
        limit: it trips at this many; at least 1.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        if limit < 1:
            raise ValueError(f"a breaker of {limit} would trip at nothing")
        self._limit = limit
        self._rows: OrderedDict[int, int] = OrderedDict()

    @property
    def counts(self) -> bool:
        """Whether any row has begun: else an acceptance is no news to it."""
        return bool(self._rows)

    def heard(self, key: int, outcome: Outcome) -> bool:
        """Take note of an outcome of the mailing `key`.

        Returns:
            True where the breaker trips: once, until an acceptance or `forget` arms it again.
        """
        if outcome.result is Result.ACCEPTED:
            self._rows.pop(key, None)
            return False
        if not refuses_content(outcome):
            return False
        row = self._rows.pop(key, 0) + 1
        self._rows[key] = min(row, self._limit + 1)
        if len(self._rows) > KEYS:
            self._rows.popitem(last=False)
        return row == self._limit

    def forget(self, key: int) -> None:
        """Somebody decided that the mailing goes on: count anew."""
        self._rows.pop(key, None)


def refuses_content(outcome: Outcome) -> bool:
    """Whether an outcome speaks against what we send, and not against its reader."""
    if outcome.phase not in _OF_THE_CONTENT:
        return False
    return outcome.result is Result.REFUSED or (
        outcome.result is Result.DEFERRED and outcome.blame is Blame.SENDER
    )
