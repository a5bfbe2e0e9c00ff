"""Says how fast we may go: a rate, a domain's limit, and how a domain that throttles us recovers.

Pure: every moment is handed in, in seconds of a monotonic clock. The curve of a domain:

    free -> a sign of throttling -> paused for 30 s -> one message at a time -> ... -> free
    each sign after a pause      the next pause is 1, 2, 5, 10, then always 15 minutes
    10 acceptances in a row      twice as many at a time, and the next pause one step shorter
    64 at a time                 free: nothing is remembered
    an hour without a sign       free too, for who hardly writes to it

Several messages are on their way when a domain loses its patience, and each brings the same sign: a
sign during a pause is no new one, nor does what is accepted then say anything of the time after it.
"""

from dataclasses import dataclass

from mailer.core.delivery import Outcome, Phase, Result

PAUSES = (30.0, 60.0, 120.0, 300.0, 600.0, 900.0)
ACCEPTANCES = 10
FREE_AT = 64
CALM_SECONDS = 3600.0

_GRAIN = 1e-6
"""Less than a microsecond is now: sums of seconds are not exact."""
_OF_A_READER = frozenset({Phase.RCPT, Phase.DATA, Phase.CONTENT})


def seconds_until(moment: float, now: float) -> float:
    """The seconds from `now` to `moment`; 0.0 where it has come."""
    left = moment - now
    return left if left > _GRAIN else 0.0


class Rate:
    """A token bucket: so many a second, and a second's worth at once after a rest.

    In any t seconds at most `per_second` x t + max(1, `per_second`) pass, if everybody waits.

    Args:
        per_second: may be a fraction; 0 or less is no limit.
    """

    __slots__ = ("_full_at", "_interval", "_reach")

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second if per_second > 0 else 0.0
        self._reach = max(0.0, 1.0 - self._interval)  # how far ahead of its time one may pass
        self._full_at = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until one may pass; 0.0 is now. Takes nothing."""
        return seconds_until(self._full_at - self._reach, now) if self._interval else 0.0

    def take(self, now: float) -> None:
        """One passes, whether it waited or not."""
        self._full_at = max(self._full_at, now) + self._interval

    def rested(self, now: float) -> bool:
        """Whether it is as if nothing had ever passed."""
        return self._full_at <= now


@dataclass(frozen=True, slots=True)
class DomainLimit:
    """What an operator allows to readers of one domain; 0 is no limit.

    Attributes:
        connections: messages to it that may be on their way at once, over all lines.
        messages_per_minute: with bursts of at most a second's worth, or of one message.
    """

    connections: int = 0
    messages_per_minute: float = 0


NO_LIMIT = DomainLimit()
EVERY_OTHER = "*"
"""Among limits by domain: the key of that for all domains which have none of their own."""


@dataclass(frozen=True, slots=True)
class Slowdown:
    """How far a domain that throttled us has recovered. A domain without one is free.

    Attributes:
        until: the moment its pause ends.
        signs: how many it gave that no acceptances have made up for: the next pause's step.
        at_once: messages to it that may be on their way at once after the pause.
        accepted: in a row, since `at_once` last changed.
    """

    until: float
    signs: int = 1
    at_once: int = 1
    accepted: int = 0

    def pause(self, now: float) -> float:
        """Seconds of its pause that are left; 0.0 where it is over."""
        return seconds_until(self.until, now)

    def calm(self, now: float) -> bool:
        """Whether it was so long ago that the domain is free."""
        return now >= self.until + CALM_SECONDS


def throttles(outcome: Outcome) -> bool:
    """Whether an outcome is a sign that a reader's domain wants less of our mail.

    That is 421, or a status of 4.7 (RFC 3463 section 3.8), said of a reader or a content; before
    that a relay speaks for itself.
    """
    return (
        outcome.result is Result.DEFERRED
        and outcome.phase in _OF_A_READER
        and (outcome.code == 421 or outcome.enhanced.startswith("4.7."))
    )


def slower(before: Slowdown | None, now: float) -> Slowdown:
    """A domain's state after a sign of throttling."""
    if before is None or before.calm(now):
        return Slowdown(now + PAUSES[0])
    if before.pause(now):
        return before
    last = len(PAUSES) - 1
    step = min(before.signs, last)
    return Slowdown(now + PAUSES[step], signs=min(step + 1, last))


def faster(before: Slowdown, now: float) -> Slowdown | None:
    """A domain's state after an acceptance; None where it is free again."""
    if before.pause(now):
        return before
    accepted = before.accepted + 1
    if accepted < ACCEPTANCES:
        return Slowdown(before.until, before.signs, before.at_once, accepted)
    at_once = before.at_once * 2
    if at_once >= FREE_AT:
        return None
    return Slowdown(before.until, max(before.signs - 1, 0), at_once)
