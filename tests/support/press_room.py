"""A press office for the machine over all of it: the real one, its clock, and its model."""

import itertools
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from support.all_rows import take_out
from support.dispatching_by_hand import ByHand
from support.feeds import Item, source_at
from support.mortal import Mortal
from support.offices import Clock, make_office
from support.press_acts import ROOMS
from support.press_facts import Bond, Release, Text
from support.press_model import PressModel
from support.web_source import WebSource

from mailer.core.release import Block, Edition, Run
from mailer.mail.compose import Composer
from mailer.services.bookkeeper import Letter
from mailer.services.office import Limits
from mailer.store.tables import subscriber, subscription

TITLE = "Ministeren taler i salen om {}"
BODY = "Talen om {} begynder på mandag i den store sal."


@dataclass
class Handed:
    """A letter as it was handed out.

    Attributes:
        of: whom it was for, by release.
    """

    kind: str
    tokens: set[str]
    of: dict[int, Bond] = field(default_factory=dict)


class PressRoom:
    """A desk with a source, mailboxes at two newsrooms, dispatchers and a relay."""

    database: Mortal
    server: WebSource

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        feed = source_at(self.server)
        self.database.deaths = 0
        take_out(self.database)
        self.office = make_office(
            self.database,
            self.clock,
            newsrooms=ROOMS,
            limits=Limits(portion=2),
            sources={feed.key: feed},
        )
        self.composer = Composer(self.office.keys.tokens, self.office.keys.marks)
        self.model = PressModel(
            {key: room.time_zone for key, room in ROOMS.items()},
            {key: room.catch_up for key, room in ROOMS.items()},
        )
        self.folder = tempfile.TemporaryDirectory()
        self.fresh = itertools.count(1)
        self.items: list[tuple[Item, int]] = []
        self.seeded = False
        self.taken = 0
        self.left: dict[Bond, datetime] = {}
        self.handed: dict[int, Handed] = {}
        self.unwritten: dict[ByHand, list[Letter]] = {}
        self.failing: set[int] = set()
        self.workers: list[ByHand] = []

    def one_of(self, pick: int, *states: str) -> Release:
        """Some release; of these states if there is one."""
        known = list(self.model.releases.values())
        found = [one for one in known if one.state in states] or known
        return found[-1 - pick % len(found)]

    def worker(self, pick: int) -> ByHand:
        return self.workers[pick % len(self.workers)]

    def fresh_text(self, language: str) -> Text:
        return Text(f"q{next(self.fresh)}q", language)

    def last(self, column: Any) -> int:
        with self.database.read() as connection:
            return connection.scalar(select(func.max(column))) or 0

    def number_of(self, bond: Bond) -> int:
        query = (
            select(subscription.c.id)
            .join(subscriber)
            .where(subscriber.c.lookup == bond.mailbox, subscription.c.newsroom == bond.room)
        )
        with self.database.read() as connection:
            return int(connection.execute(query).scalar_one())


def edition(text: Text) -> Edition:
    """A text by the desk."""
    words = Block("paragraph", (Run(BODY.format(text.token)),))
    return Edition(text.language, TITLE.format(text.token), "Det vigtigste.", (words,))
