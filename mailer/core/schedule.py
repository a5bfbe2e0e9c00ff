"""Says when a deferred delivery is tried again: a pure curve, and an end.

After the first failure 1 minute, then 5, 15 and 60 minutes, then every 2 hours; the last try falls on
the horizon itself, so that nothing is given up while there is time left. RFC 5321 section 4.5.4.1
advises half-hour steps and four to five days for servers that deliver to strangers; we hand
over to one relay that queues for days on its own, and a press release is news for one.
"""

from datetime import datetime, timedelta

HORIZON = timedelta(hours=24)
FIRST_STEPS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=60),
)
LATER_STEP = timedelta(hours=2)


def retry_at(
    attempts: int, *, now: datetime, first_at: datetime, horizon: timedelta = HORIZON
) -> datetime | None:
    """When to try again after `attempts` failures.

    Args:
        attempts: conversations that failed so far. 0 is a failure that said nothing about the
            reader (the relay's or our own), and waits as long as the first.
        now: the moment of the last failure, aware.
        first_at: when the delivery was first due, aware.
        horizon: how long after `first_at` it is still worth trying.

    Returns:
        An aware moment after `now` and not after the horizon; None where the horizon has been
        reached: the delivery has expired.

    Raises:
        ValueError: a negative number of attempts.
    """
    if attempts < 0:
        raise ValueError(f"{attempts} attempts: a count cannot be negative")
    end = first_at + horizon
    if now >= end:
        return None
    return min(now + step(attempts), end)


def step(attempts: int) -> timedelta:
    """How long to wait after `attempts` failures."""
    position = max(attempts, 1) - 1
    return FIRST_STEPS[position] if position < len(FIRST_STEPS) else LATER_STEP
