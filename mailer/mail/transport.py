"""The seam between dispatch and the world: a transport opens lines, a line takes parcels.

Two things really exist behind it, a relay and a folder. Whoever feeds a line knows nothing of what is
behind it: a line pulls the next message when it could begin it, and how many are on their way at
once is its own business. A parcel that was pulled gets exactly one outcome, or is given back.
"""

from collections.abc import Callable
from typing import Protocol

from mailer.core.delivery import Blame, Outcome, Phase, Result
from mailer.core.errors import ServiceMissing
from mailer.mail.message import Message


class Parcel(Protocol):
    """One message in the hands of a line, which says one of two things of it, once."""

    @property
    def message(self) -> Message:
        """What to send."""

    def may_leave(self) -> bool:
        """Whether it is still ours to send: asked just before its content is written, and never again.

        Where it is not, the line gives it back and ends, for there is no other way out of DATA.
        """

    def done(self, outcome: Outcome) -> None:
        """It was begun, and this became of it."""

    def give_back(self) -> None:
        """It was not begun, or broken off before its final dot could leave: it is as it was."""


Pull = Callable[[], Parcel | None]
"""Hands out the next parcel; None where there is none at hand. Never waits."""


class Line(Protocol):
    """One open way out. One task at a time speaks to it."""

    @property
    def alive(self) -> bool:
        """Whether it takes another message; if not, close it and connect anew."""

    async def stream(self, pull: Pull) -> None:
        """Send what `pull` hands out, in order, until nothing is at hand or the line takes no more.

        Every parcel has its outcome, or was given back, when this returns or raises. Cancelling it
        ends the line at once: a message whose final dot may have left is unknown then.
        """

    async def close(self) -> None:
        """Take leave and close, whatever state the line is in; safe to call twice."""


class Transport(Protocol):
    """A place that takes our messages, over at most `connections` lines at once."""

    @property
    def name(self) -> str:
        """The name that outcomes carry in `relay`."""

    @property
    def connections(self) -> int:
        """How many lines to keep open at most."""

    @property
    def order(self) -> int:
        """Lower is used first; a higher one only while none of the lower is usable."""

    @property
    def weight(self) -> int:
        """Its share among the transports of one order."""

    @property
    def messages_per_second(self) -> float:
        """How many messages to begin in a second at most, over all its lines; 0 for no limit."""

    async def connect(self) -> Line:
        """Open a line.

        Raises:
            ServiceMissing: nobody there, or not on the terms we insist on; says what to do.
        """


class RelayMissing(ServiceMissing):
    """A relay we could not open a line to.

    Args:
        what: one sentence naming the relay, the phase and the reply.
        cure: what the operator can do.
        outcome: the same as a value. `refused` stays until somebody changes the settings;
            `deferred` may be over at the next try.
    """

    def __init__(self, what: str, cure: str, *, outcome: Outcome) -> None:
        super().__init__(what, cure)
        self.outcome = outcome


def interrupted(relay: str) -> Outcome:
    """What became of a message that was broken off after its final dot may have left."""
    return Outcome(
        Result.UNKNOWN,
        Phase.CONTENT,
        text="interrupted before the reply was seen",
        blame=Blame.RELAY,
        relay=relay,
    )
