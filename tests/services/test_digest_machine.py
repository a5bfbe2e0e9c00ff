"""Whatever readers choose and whoever dies: each wanted release in exactly one mail, never an empty one."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from support.desk import import_readers
from support.digesting import ALL, choose, publish_now, told, with_digests
from support.mortal import Killed, Mortal
from support.offices import KEFM, UM, Clock, make_office
from support.workers import give_back, record, take

from mailer.core.address import parse_address
from mailer.core.choice import Choice, wants, wants_in_digest
from mailer.core.newsroom import Newsroom
from mailer.services import digest, people, proof
from mailer.services.office import Office

ROOMS = (UM, KEFM)
COUNT = 2
STORY = 20
"""Steps of one story."""

# MAILER_TEST_STEPS=10000 looks longer.
STEPS = int(os.environ.get("MAILER_TEST_STEPS", "0"))


@dataclass
class Reader:
    """What the model knows of a subscription."""

    mailbox: str
    newsroom: Newsroom
    choice: Choice = field(default_factory=lambda: Choice(("da",)))
    active: bool = True
    wanted: set[str] = field(default_factory=set)


class Digests(RuleBasedStateMachine):
    """Readers of two newsrooms under one clock."""

    fresh: Callable[[], str]
    """The URL of a database; the next story may have another one, or find what was left in this."""

    clock = Clock()
    stories = count()
    number = count()

    def __init__(self) -> None:
        super().__init__()
        self.database = Mortal(type(self).fresh())
        office = with_digests(make_office(self.database, self.clock))
        self.office: Office = replace(office, limits=replace(office.limits, portion=2))
        self.readers: list[Reader] = []
        self.had: Counter[tuple[str, str]] = Counter()

    @initialize()
    def people(self) -> None:
        """Some mailboxes, each at both newsrooms."""
        prefix = f"story{next(self.stories)}-"
        for room in ROOMS:
            names = import_readers(self.office, COUNT, newsroom=room, prefix=prefix)
            self.readers += [Reader(name, room) for name in names]

    @rule(
        who=st.integers(0, 2 * COUNT - 1),
        frequency=st.sampled_from(ALL),
        hour=st.sampled_from([0, 8, 9]),
        weekday=st.integers(0, 6),
        merged=st.booleans(),
        urgent=st.booleans(),
        pause=st.sampled_from([None, timedelta(hours=20), timedelta(days=-1)]),
    )
    def chooses(self, who: int, pause: timedelta | None, urgent: bool, **changes: Any) -> None:
        """A reader changes how and when."""
        reader = self.readers[who]
        if not reader.active:
            return
        until = None if pause is None else self.clock() + pause
        changes |= {"paused_until": until, "urgent_at_once": urgent}
        choose(self.office, reader.mailbox, newsroom=reader.newsroom, **changes)
        reader.choice = replace(reader.choice, **changes)

    @rule(who=st.integers(0, 2 * COUNT - 1))
    def leaves(self, who: int) -> None:
        """A reader leaves one newsroom."""
        reader = self.readers[who]
        if reader.active and sum(one.active for one in self.readers) > COUNT:
            self._end(reader)

    def _end(self, reader: Reader) -> None:
        people.end(
            self.office,
            address=parse_address(reader.mailbox),
            reason="asked us to",
            who="desk",
            newsroom_key=reader.newsroom.key,
        )
        reader.active = False

    @rule(room=st.sampled_from(ROOMS), urgent=st.booleans())
    def publishes(self, room: Newsroom, urgent: bool) -> None:
        """A release goes out: to whom, the model says by the definition."""
        title = f"Meddelelse {next(self.number)} fra {room.key}"
        publish_now(self.office, title, newsroom=room, urgent=urgent)
        for reader in self.readers:
            terms: dict[str, Any] = {"topics": (), "at": self.clock(), "urgent": urgent}
            if reader.active and reader.newsroom is room:
                ways = (wants(reader.choice, **terms), wants_in_digest(reader.choice, **terms))
                assert ways != (True, True)
                if any(ways):
                    reader.wanted.add(title)

    @rule(hours=st.sampled_from([1, 7, 24, 100]))
    def time_passes(self, hours: int) -> None:
        """Hours in which nobody worked."""
        self.clock.move(hours=hours)

    @rule(deaths=st.integers(0, 2))
    def works(self, deaths: int) -> None:
        """A dispatcher works, or dies at one of its transactions."""
        self.database.deaths = deaths
        for _ in range(deaths + 1):
            try:
                digest.send_due(self.office)
            except Killed:
                continue
        self.database.deaths = 0
        self._hand_out()

    def _hand_out(self) -> None:
        while handed := take(self.office):
            for due in handed:
                if due.mailing_id:
                    titles = told(self.office, due)
                    assert titles, "a mail without anything in it"
                    self.had.update((due.mailbox, title) for title in titles)
            record(self.office, handed)
        give_back(self.office)

    @invariant()
    def nobody_twice_and_nothing_unasked(self) -> None:
        """No mailbox has one release in two mails."""
        assert all(number == 1 for number in self.had.values())
        for mailbox, title in self.had:
            assert any(r.mailbox == mailbox and title in r.wanted for r in self.readers)

    def teardown(self) -> None:
        """In the end nobody who stayed was missed, and the proof adds up."""
        self.clock.move(days=40)
        for _ in range(3):
            self.works(0)
        for reader in self.readers:
            if reader.active:
                missed = {one for one in reader.wanted if not self.had[reader.mailbox, one]}
                assert not missed, (reader.mailbox, missed)
                self._end(reader)
        found = proof.verify(self.office)
        assert found.ok, [one.gaps for one in found.mailings if one.gaps]
        self.database.close()


def tell(fresh: Callable[[], str], examples: int) -> None:
    """Tell so many stories."""
    Digests.fresh = staticmethod(fresh)
    terms = settings(
        max_examples=examples,
        stateful_step_count=STORY,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Digests, settings=terms)


@pytest.mark.timeout(0 if STEPS else 120)
def test_each_in_exactly_one_mail_on_sqlite(migrated_sqlite: Path, tmp_path: Path) -> None:
    def copied() -> str:
        path = tmp_path / "mailer.sqlite"
        for old in tmp_path.glob("mailer.sqlite*"):
            old.unlink()
        shutil.copyfile(migrated_sqlite, path)
        return f"sqlite:///{path}"

    tell(copied, max(4, STEPS // STORY))


@pytest.mark.postgresql
@pytest.mark.timeout(0 if STEPS else 120)
def test_each_in_exactly_one_mail_on_postgresql(postgresql_url: str) -> None:
    tell(lambda: postgresql_url, max(2, STEPS // STORY))
