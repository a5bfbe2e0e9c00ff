"""Until when what we hold is ours to send, by this machine's own clock, which nobody sets."""

from collections.abc import Callable

from mailer.services.presence import Presence, own_time

AGED = 0.75
"""The share of a lease that may be left when it is time to renew it."""


class Tenure:
    """The worker's own view of its leases: never longer than what the ledger says.

    Args:
        seconds: how long a lease lasts.
        presence: where others of this machine can read it.
    """

    def __init__(
        self, seconds: float, presence: Presence, clock: Callable[[], float] = own_time
    ) -> None:
        self._seconds = seconds
        self._presence = presence
        self._clock = clock
        self._asked_at = self._ends = 0.0

    def asked(self) -> None:
        """The ledger is being asked: what it grants counts from now. Others are told before it can grant."""
        self._asked_at = self._clock()
        self._presence.pledge(self._asked_at + self._seconds)

    def granted(self) -> None:
        """The ledger has granted what it was asked last."""
        self._ends = self._asked_at + self._seconds

    @property
    def holds(self) -> bool:
        """Whether something may be begun."""
        return self._clock() < self._ends

    @property
    def aged(self) -> bool:
        """Whether it is time to renew."""
        return self._ends - self._clock() < self._seconds * AGED
