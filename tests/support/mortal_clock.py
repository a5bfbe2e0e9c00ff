"""Deaths for tests: a clock that is handed in is asked so often, and then the process is gone."""

from dataclasses import dataclass
from datetime import datetime

from support.offices import Clock


class Killed(BaseException):
    """The process is gone."""


@dataclass
class MortalClock:
    """A clock that says the time so often, and then never again."""

    clock: Clock
    lives: int

    def __call__(self) -> datetime:
        if not self.lives:
            raise Killed
        self.lives -= 1
        return self.clock()
