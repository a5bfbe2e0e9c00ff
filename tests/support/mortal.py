"""A database whose writers die: of a transaction that was not committed nothing is left."""

from collections.abc import Iterator
from contextlib import contextmanager

from mailer.store.database import Connection, Database


class Killed(Exception):
    """The process died before its transaction was committed."""


class Mortal(Database):
    """A database whose next writing transactions die before their commit.

    Attributes:
        spared: so many are committed before that.
        deaths: so many die.
    """

    spared = 0
    deaths = 0

    @contextmanager
    def write(self, **terms: bool) -> Iterator[Connection]:
        """As usual, or without the commit."""
        with super().write(**terms) as connection:
            yield connection
            if self.deaths and self.spared:
                self.spared -= 1
            elif self.deaths:
                self.deaths -= 1
                raise Killed
