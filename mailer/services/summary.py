"""What a dispatcher is told, how far it has come, and what it came to: values."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Orders:
    """How a dispatcher is to work.

    Attributes:
        watch: go on when idle, until told to stop.
        poll_seconds: how often a watch looks for what is due when nobody wakes it.
        steps: which of "poll", "publish", "send" and "upkeep" to do.
    """

    watch: bool = False
    poll_seconds: float = 1.0
    steps: frozenset[str] = frozenset({"poll", "publish", "send", "upkeep"})


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a dispatcher has come.

    Attributes:
        accepted, deferred, refused, unknown: outcomes so far.
        in_hand: letters taken from the ledger without an outcome yet.
        resting: relays that take nothing at present, by name.
    """

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    unknown: int = 0
    in_hand: int = 0
    resting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What a dispatch came to.

    Attributes:
        due: deliveries that wait for a later run.
        faults: what the operator must hear of, in words.
        missing: deliveries wait for want of a relay.
    """

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    unknown: int = 0
    expired: int = 0
    published: int = 0
    due: int = 0
    faults: tuple[str, ...] = ()
    missing: bool = False

    @property
    def worked(self) -> bool:
        """Whether anything was done at all."""
        return any(
            (self.accepted, self.deferred, self.refused, self.unknown, self.expired, self.published)
        )


def summed_up(
    tally: Mapping[str, int], *, due: int, faults: tuple[str, ...], missing: bool
) -> Summary:
    """A summary of what the books counted."""
    counted = ("accepted", "deferred", "refused", "unknown", "expired", "published")
    return Summary(
        **{name: tally.get(name, 0) for name in counted}, due=due, faults=faults, missing=missing
    )
