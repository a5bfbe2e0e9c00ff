"""Wakes a dispatcher at the very moment of a release, with its lines open, and never before it.

    seen        the books say which release comes next, and have it ready ahead (`services.ahead`)
    5 s before  lines open; soon nothing else is taken in hand any more, lest the release wait behind it
    the lead    it rings so much earlier that all is done but for the commit (`services.eve`)
    the moment  by the calendar clock, for that is what people set their own by: committed, taken, sent

Between two looks we sleep by a clock that nobody sets, for one second at most while a moment lies ahead.
So a calendar clock that is set forward is noticed within that second, and one that is set back makes us
sleep again: waking up is never a reason to publish, only the moment is (`core.embargo.has_come`).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

OPEN_BEFORE = timedelta(seconds=5)
CLEAR_BEFORE = timedelta(seconds=1.5)
"""Before it rings: a little longer than what is in hand takes to leave."""
LOOK_SECONDS = 1.0


class Alarm:
    """Says when the next moment has come, and what to do before it.

    Args:
        clock: the calendar clock, aware.
        expect: told whether letters come any moment.
    """

    def __init__(self, clock: Callable[[], datetime], expect: Callable[[bool], None]) -> None:
        self._clock = clock
        self._expect = expect
        self._moment: datetime | None = None

    def set(self, moment: datetime | None, lead: timedelta = timedelta(0)) -> None:
        """Ring so long before that moment and not earlier; None for no moment."""
        self._moment = moment and moment - lead
        self._expect(self._within(OPEN_BEFORE))

    def rings(self) -> bool:
        """Whether it is time; it is said once."""
        if self._moment is None or self._clock() < self._moment:
            return False
        self._moment = None
        return True

    @property
    def clears(self) -> bool:
        """Whether nothing else is to be taken in hand any more."""
        return self._within(CLEAR_BEFORE)

    def rest(self, seconds: float) -> float:
        """How long to sleep, of so many seconds at most; 0 for not at all."""
        if self._moment is None:
            return seconds
        self._expect(self._within(OPEN_BEFORE))
        left = (self._moment - self._clock()).total_seconds()
        return max(min(seconds, left, LOOK_SECONDS), 0.0)

    def _within(self, span: timedelta) -> bool:
        return self._moment is not None and self._moment - self._clock() <= span
