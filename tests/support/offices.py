"""An office for tests: real services over a real database, with a clock that the test moves."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from mailer.core.newsroom import Newsroom, Site
from mailer.core.token import Marks, Tokens
from mailer.services.office import Keys, Limits, Office
from mailer.store.database import Database
from mailer.texts.templates import Templates

UM = Newsroom(
    key="um",
    name="Udenrigsministeriet",
    languages=("da", "en"),
    time_zone="Europe/Copenhagen",
    sender="presse@um.example",
    reply_to="pressevagten@um.example",
    return_path="bounce@um.example",
)
KEFM = Newsroom(
    key="kefm",
    name="Climate Ministry",
    languages=("en",),
    time_zone="Europe/Copenhagen",
    sender="press@kefm.example",
)
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    moment: datetime = START
    woken: int = field(default=0)

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **step: float) -> None:
        """Move on by `timedelta(**step)`."""
        self.moment += timedelta(**step)

    def wake(self) -> None:
        """Count how often a dispatcher would have been woken."""
        self.woken += 1


_TEMPLATES = Templates()


def make_office(database: Database, clock: Clock | None = None, **changes: Any) -> Office:
    """An office with two newsrooms; `changes` replace its fields."""
    clock = clock or Clock()
    office = Office(
        database=database,
        site=Site("https://news.example"),
        newsrooms={UM.key: UM, KEFM.key: KEFM},
        keys=Keys(
            tokens=Tokens(["token-key-for-tests-0001"]),
            marks=Marks(["marks-key-for-tests-0001"]),
            suppression="suppression-key-for-tests",
        ),
        templates=_TEMPLATES,
        limits=Limits(),
        clock=clock,
        wake=clock.wake,
    )
    return replace(office, **changes)
