"""The alarm rings at the moment and never before it, whatever is done to the clock; lines are open then."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.desk import approve, import_readers, text
from support.dispatching import dispatcher, over
from support.offices import START, Clock, make_office
from support.scripted_server import ScriptedServer

from mailer.core.release import ReleaseDocument
from mailer.services import embargo, press, publish
from mailer.services.ahead import Ahead
from mailer.services.alarm import LOOK_SECONDS, Alarm
from mailer.store.database import Database
from mailer.store.ledger_tables import mailing

SECOND = timedelta(seconds=1)


def alarm(clock: Callable[[], datetime]) -> tuple[Alarm, list[bool]]:
    expected: list[bool] = []
    return Alarm(clock, expected.append), expected


@settings(max_examples=60)
@given(steps=st.lists(st.floats(-7200, 7200), max_size=30), after=st.floats(0, 3600))
def test_it_never_rings_before_its_moment(steps: list[float], after: float) -> None:
    """However the calendar clock is set while it waits, and it rings once."""
    clock = Clock()
    moment = START + timedelta(seconds=after)
    found, _ = alarm(clock)
    found.set(moment)
    rung = 0
    for step in steps:
        clock.move(seconds=step)
        rest = found.rest(60.0)
        assert 0 <= rest <= 60
        if rung == 0:
            assert rest <= max(min((moment - clock()).total_seconds(), LOOK_SECONDS), 0)
        if found.rings():
            rung += 1
            assert clock() >= moment
        elif rung == 0:
            assert clock() < moment
    assert rung <= 1


def test_before_the_moment_lines_open_and_nothing_else_is_taken() -> None:
    clock = Clock()
    found, expected = alarm(clock)
    found.set(clock() + 10 * SECOND)
    assert (expected.pop(), found.clears) == (False, False)
    clock.move(seconds=6)
    found.rest(60)
    assert (expected.pop(), found.clears) == (True, False)
    clock.move(seconds=3)
    assert found.clears
    clock.move(seconds=-3600)  # somebody sets the clock back
    found.rest(60)
    assert (expected.pop(), found.clears) == (False, False)
    found.set(None)
    assert (expected.pop(), found.rest(60), found.rings()) == (False, 60, False)


class Ticking(Clock):
    """A clock that goes on by itself, from where it is set."""

    def __init__(self) -> None:
        super().__init__()
        self._since = time.monotonic()

    def __call__(self) -> datetime:
        return self.moment + timedelta(seconds=time.monotonic() - self._since)


def test_the_first_message_leaves_at_the_moment(sqlite_database: Database, tmp_path: Path) -> None:
    """A watch that nobody wakes and that looks once an hour is there in time, and not before."""
    clock = Ticking()
    office = make_office(sqlite_database, clock)
    import_readers(office, 3)
    number = approve(office, text("Nyt"))
    until = clock() + timedelta(seconds=0.7)
    embargo.move(office, number, until, who="desk")

    async def story(server: ScriptedServer) -> None:
        watch = dispatcher(office, tmp_path, over(server), watch=True, poll_seconds=3600)
        running = asyncio.create_task(watch.run())
        await asyncio.to_thread(server.wait_for, 3)
        assert clock() >= until
        watch.stop()
        assert (await running).published == 1

    with ScriptedServer().running() as server:
        asyncio.run(story(server))
    with office.database.read() as connection:
        made = connection.scalar(mailing.select().with_only_columns(mailing.c.made_at))
    assert made is not None
    assert made >= until


def test_what_is_ready_is_used_only_if_the_release_still_says_it(
    sqlite_database: Database, clock: Clock
) -> None:
    office = make_office(sqlite_database, clock)
    number = approve(office, text("Nyt"), publish_at=clock() + 20 * SECOND)
    other = approve(office, text("Andet"), publish_at=clock() + 3600 * SECOND)
    ahead = Ahead(office)
    assert ahead.look() == clock() + 20 * SECOND
    (ready,) = ahead.fresh
    assert (ready.row.id, ready.moment) == (number, clock() + 20 * SECOND)
    assert b"Date: Mon, 02 Mar 2026 08:00:20 +0000" in ready.messages[0].prepared.content

    publish.rehearse(office, ready)
    assert press.shown(office, number).state == "approved", "undone"
    assert publish.publish_due(office, ahead) == []
    assert ahead.take(ready.row, ready.texts) == ready.messages
    assert ahead.take(ready.row, ready.texts) is None, "once"

    ahead.look()
    document = ReleaseDocument(
        text("Nyt", "Et andet ord."), identity=press.shown(office, number).identity
    )
    press.add_document(office, document, newsroom="um", who="desk")
    changed = press.shown(office, number)
    assert ahead.take(changed, ready.texts) is None
    clock.move(seconds=20)
    (done,) = publish.publish_due(office, ahead)
    assert isinstance(done, publish.Published)
    assert ahead.look() == press.shown(office, other).publish_at
