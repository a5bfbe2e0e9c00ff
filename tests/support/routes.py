"""Routes to relays that nobody speaks to, and a clock that stands still."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from mailer.mail.transport import Line
from mailer.services.route import Route


class Still:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self._now = 1000.0

    def __call__(self) -> float:
        return self._now

    def move(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._now += seconds


@dataclass
class Nowhere:
    """A transport that leads nowhere."""

    name: str
    connections: int = 2
    order: int = 1
    weight: int = 1
    messages_per_second: float = 0

    async def connect(self) -> Line:
        """Never called."""
        raise NotImplementedError


def route_to(
    name: str,
    clock: Callable[[], float],
    *,
    order: int = 1,
    messages_per_second: float = 0,
    dice: random.Random | None = None,
) -> Route:
    """A route to nowhere."""
    place = Nowhere(name, order=order, messages_per_second=messages_per_second)
    return Route(place, clock, dice)
