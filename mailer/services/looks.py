"""One look at a source, and the turn under which it is taken."""

from dataclasses import dataclass

from mailer.core.source import Source
from mailer.store import sources
from mailer.store.database import Connection


class TurnOver(Exception):
    """Another dispatcher took the source over: nothing more of this poll may be written."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a source.

    Attributes:
        turn: the claim under which it is polled; None to write nothing.
        seeded, moved: see `core.decision.Sighting`.
    """

    source: Source
    seeded: bool
    moved: bool
    turn: int | None = None

    def check(self, connection: Connection) -> None:
        """See that the source is still ours to look at, and stays so until the transaction ends.

        Raises:
            TurnOver: another dispatcher polls it by now.
        """
        if self.turn is not None and not sources.holds(connection, self.source.key, self.turn):
            raise TurnOver
