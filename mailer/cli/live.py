"""Shows people how sending goes: one line on a terminal, or one log record a minute.

Everything comes from figures that the dispatcher has at hand, and from one cheap question to the
database every two seconds; what is shown never holds up what is sent.
"""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from os import environ
from typing import TYPE_CHECKING

from mailer.cli.show import lasting

if TYPE_CHECKING:
    from mailer.services.dispatch import Progress

log = logging.getLogger(__name__)

WINDOW_SECONDS = 10.0
"""A rate is that of so many seconds."""
_STALE_SECONDS = 30.0
_MORE = 1.1
"""What is left is known within a few letters only; when it grows beyond this, more has come in."""
_BAR = range(12, 31)


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of the sending at one moment.

    Attributes:
        accepted: of this run so far, like deferred, refused and unknown.
        in_hand: deliveries that a dispatcher holds.
        resting: names of relays that are left alone for a while.
        left: deliveries still to be settled, by whichever dispatcher; None where nobody knows yet.
    """

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    unknown: int = 0
    in_hand: int = 0
    resting: tuple[str, ...] = ()
    left: int | None = None


def seen(progress: "Progress", left: int | None) -> Sight:
    """A dispatcher's progress, with what is left for all of them."""
    return Sight(
        accepted=progress.accepted,
        deferred=progress.deferred,
        refused=progress.refused,
        unknown=progress.unknown,
        in_hand=progress.in_hand,
        resting=progress.resting,
        left=left,
    )


def together(sights: Iterable[Sight], left: int | None) -> Sight:
    """Several dispatchers as one."""
    each = list(sights)
    return Sight(
        accepted=sum(one.accepted for one in each),
        deferred=sum(one.deferred for one in each),
        refused=sum(one.refused for one in each),
        unknown=sum(one.unknown for one in each),
        in_hand=sum(one.in_hand for one in each),
        resting=tuple(sorted({name for one in each for name in one.resting})),
        left=left,
    )


@dataclass(frozen=True, slots=True)
class Going:
    """How sending goes.

    Attributes:
        sight: what was seen last.
        share: how much of the work at hand is done, 0 to 1; None where nobody knows.
        per_second: accepted a second over the last seconds; None where it is too early to say.
        to_go: until nothing is left, at the pace of all dispatchers together; None likewise.
    """

    sight: Sight
    share: float | None = None
    per_second: float | None = None
    to_go: timedelta | None = None


class Pace:
    """Makes rates of sights. It begins anew whenever nothing was left, or more came in."""

    def __init__(self) -> None:
        self._base = 0
        self._accepted: deque[tuple[float, int]] = deque()
        self._left: deque[tuple[float, int]] = deque()

    def going(self, at: float, sight: Sight) -> Going:
        """What a sight at the monotonic second `at` says, with those before it."""
        if sight.left == 0 and not sight.in_hand:
            self._base = sight.accepted
            self._accepted.clear()
            self._left.clear()
        _keep(self._accepted, at, sight.accepted)
        if sight.left is not None and (not self._left or self._left[-1][1] != sight.left):
            if self._left and self._left[-1][1] * _MORE < sight.left:
                self._left.clear()
            _keep(self._left, at, sight.left)
        return Going(sight, self._share(sight), _rate(self._accepted), self._to_go(at))

    def _share(self, sight: Sight) -> float | None:
        done = sight.accepted - self._base
        if sight.left is None or not done + sight.left:
            return None
        return done / (done + sight.left)

    def _to_go(self, at: float) -> timedelta | None:
        rate = _rate(self._left)
        if not rate or rate > 0 or at - self._left[-1][0] > _STALE_SECONDS:
            return None
        asked_at, left = self._left[-1]
        return timedelta(seconds=max(left / -rate - (at - asked_at), 0))


def _keep(samples: deque[tuple[float, int]], at: float, number: int) -> None:
    """Add a sample, and forget those before the window."""
    samples.append((at, number))
    while len(samples) > 2 and samples[1][0] <= at - WINDOW_SECONDS:
        samples.popleft()


def _rate(samples: deque[tuple[float, int]]) -> float | None:
    if not samples or samples[-1][0] - samples[0][0] < 1:
        return None
    return (samples[-1][1] - samples[0][1]) / (samples[-1][0] - samples[0][0])


def line(going: Going, width: int) -> str:
    """How sending goes, in one line of at most `width` columns; what matters least is left out first."""
    room = width
    kept: dict[int, str] = {}
    for place, words in sorted(_parts(going), key=lambda part: _WEIGHT[part[0]]):
        if len(words) + 2 * bool(kept) <= room:
            room -= len(words) + 2 * bool(kept)
            kept[place] = words
    said = ", ".join(kept[place] for place in sorted(kept))
    bar = "" if going.share is None else _bar(going.share, room - 1)
    return f"{bar} {said}" if bar and said else said


# The places of the parts in the line, and in which order they get their room.
_ACCEPTED, _LEFT, _RATE, _TO_GO, _UNKNOWN, _REFUSED, _DEFERRED, _RESTING = range(8)
_WEIGHT = {
    place: weight
    for weight, place in enumerate(
        (_ACCEPTED, _LEFT, _RESTING, _TO_GO, _UNKNOWN, _REFUSED, _RATE, _DEFERRED)
    )
}


def _parts(going: Going) -> Iterator[tuple[int, str]]:
    sight = going.sight
    yield _ACCEPTED, f"{sight.accepted:,} accepted"
    if sight.left == 0 and not sight.in_hand:
        yield _LEFT, "nothing left"
    elif sight.left is not None:
        yield _LEFT, f"{sight.left:,} left"
    if going.per_second:
        yield _RATE, f"{going.per_second:,.{0 if going.per_second >= 10 else 1}f} a second"
    if going.to_go is not None:
        yield _TO_GO, f"{lasting(going.to_go)} to go"
    for place, number, word in (
        (_UNKNOWN, sight.unknown, "unknown"),
        (_REFUSED, sight.refused, "refused"),
        (_DEFERRED, sight.deferred, "deferred"),
    ):
        if number:
            yield place, f"{number:,} {word}"
    if sight.resting:
        yield _RESTING, f"resting: {' '.join(sight.resting)}"


def _bar(share: float, room: int) -> str:
    """A bar of the columns there are; none where it would be too short to read."""
    columns = min(room, _BAR[-1])
    if columns not in _BAR:
        return ""
    full = int(share * (columns - 2))
    return f"[{'#' * full}{'.' * (columns - 2 - full)}]"


def on_terminal() -> bool:
    """Whether somebody looks at standard error, on a terminal that can draw a line anew."""
    return sys.stderr.isatty() and environ.get("TERM", "dumb") != "dumb"


@contextmanager
def terminal() -> Iterator[Callable[[Sight], None]]:
    """Lend a line at the bottom of the terminal; log lines scroll above it, and it goes in the end."""
    from rich.console import Console  # noqa: PLC0415 - only where somebody looks
    from rich.live import Live  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    pace = Pace()
    with Live(
        console=console, auto_refresh=False, transient=True, redirect_stdout=False
    ) as display:

        def tell(sight: Sight) -> None:
            said = line(pace.going(time.monotonic(), sight), console.width - 1)
            display.update(Text(said, no_wrap=True), refresh=True)

        yield tell


class MinuteLog:
    """Logs how sending goes, as often as it is told of something new."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._before = Sight()

    def __call__(self, sight: Sight) -> None:
        """Log one record, unless nothing came of anything since the last."""
        figures = (sight.accepted, sight.deferred, sight.refused, sight.unknown)
        before = self._before
        self._before = sight
        if figures == (before.accepted, before.deferred, before.refused, before.unknown):
            return
        rate = self._pace.going(time.monotonic(), sight).per_second
        log.info(
            "progress",
            extra={
                "accepted": sight.accepted,
                "deferred": sight.deferred,
                "refused": sight.refused,
                "unknown": sight.unknown,
                "left": sight.left,
                "per_second": None if rate is None else round(rate, 1),
                "resting": " ".join(sight.resting) or None,
            },
        )
