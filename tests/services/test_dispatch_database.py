"""A database that is busy, away, or hangs up: outcomes are kept, and no copy is sent unknowingly."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.desk import attempts, import_readers, publish_one, states
from support.dispatching import (
    Troubled,
    dispatch,
    dispatcher,
    hearing,
    one_pass,
    over,
    recipients,
    until,
)
from support.offices import Clock, make_office
from support.readers import sign_up
from support.scripted_server import Gate, ScriptedServer

from mailer.core.errors import ServiceMissing, TryLater
from mailer.services import proof
from mailer.services.office import Office
from mailer.store.database import Database


@pytest.fixture
def troubled(office: Office) -> Iterator[Troubled]:
    """The office's database, by a door that can be made to stick."""
    database = Troubled(office.database.engine.url.render_as_string(hide_password=False))
    yield database
    database.close()


@pytest.fixture
def afflicted(office: Office, troubled: Troubled) -> Office:
    """The same office, behind that door."""
    return replace(office, database=troubled)


def test_a_database_that_is_busy_for_a_moment_costs_nothing(
    sqlite_url: str, clock: Clock, tmp_path: Path
) -> None:
    hasty, other = Database(sqlite_url, busy_seconds=0.05), Database(sqlite_url)
    office = make_office(hasty, clock)
    names = import_readers(office, 6)
    publish_one(office)
    gate = Gate()

    async def story(server: ScriptedServer) -> None:
        with hearing("database away", "mailer.services.ledger_thread") as away:
            running = asyncio.create_task(one_pass(office, tmp_path, over(server, connections=1)))
            await gate.arrived()
            with other.write():
                gate.open()
                await away.wait()
            assert (await running).accepted == 6

    with ScriptedServer({".": [None, None, gate]}).running() as server:
        asyncio.run(story(server))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert attempts(office) == []
    assert states(office) == {"accepted": 6}
    hasty.close()
    other.close()


# A pass writes: the turn that takes, the turn that records, and giving back.
@pytest.mark.parametrize("trouble", ["refused", "unseen"])
@pytest.mark.parametrize("place", [1, 2])
def test_a_write_that_goes_wrong_is_made_good(
    afflicted: Office, troubled: Troubled, tmp_path: Path, trouble: str, place: int
) -> None:
    names = import_readers(afflicted, 5)
    publish_one(afflicted)
    troubled.script = ["well"] * place + [trouble]
    with ScriptedServer().running() as server:
        summary = dispatch(afflicted, tmp_path, over(server))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert (summary.accepted, summary.due) == (5, 0)
    assert attempts(afflicted) == []
    assert states(afflicted) == {"accepted": 5}
    assert proof.verify(afflicted).ok


def test_what_a_lost_turn_took_is_sent_all_the_same(
    afflicted: Office, troubled: Troubled, tmp_path: Path
) -> None:
    """A watch takes letters by a commit whose answer never comes: they are given back and taken anew."""
    names = import_readers(afflicted, 3)
    publish_one(afflicted)

    async def story(server: ScriptedServer) -> None:
        watch = dispatcher(afflicted, tmp_path, over(server), watch=True, poll_seconds=0.02)
        troubled.script = ["unseen"]
        running = asyncio.create_task(watch.run())
        await asyncio.to_thread(server.wait_for, 3)
        watch.stop()
        assert (await running).accepted == 3

    with ScriptedServer().running() as server:
        asyncio.run(story(server))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert attempts(afflicted) == []


def test_outcomes_outlive_a_turn_that_fails_for_good(
    afflicted: Office, troubled: Troubled, tmp_path: Path
) -> None:
    """The lease is over before the database is back: what was sent is written on the way out."""
    names = import_readers(afflicted, 4)
    publish_one(afflicted)
    short = replace(afflicted, limits=replace(afflicted.limits, lease=timedelta(seconds=0.3)))
    troubled.script = ["well", "refused", "refused", "well", "well"]
    with ScriptedServer().running() as server:
        with pytest.raises(ServiceMissing):
            dispatch(short, tmp_path, over(server))
        sent = recipients(server)
        # On a busy machine so short a lease may end before the first letter: then nothing was sent.
        assert set(sent.values()) <= {1}
        assert states(afflicted).get("accepted", 0) == len(server.messages)
        dispatch(afflicted, tmp_path, over(server))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert attempts(afflicted) == []
    assert proof.verify(afflicted).ok


def test_what_could_never_be_written_is_read_from_the_journal_and_not_sent_again(
    afflicted: Office, troubled: Troubled, tmp_path: Path
) -> None:
    names = import_readers(afflicted, 4)
    publish_one(afflicted)
    short = replace(afflicted, limits=replace(afflicted.limits, lease=timedelta(seconds=1)))
    troubled.script = ["well", *["refused"] * 9]
    with ScriptedServer().running() as server:
        with pytest.raises((ServiceMissing, TryLater)):
            dispatch(short, tmp_path, over(server))
        assert recipients(server)
        assert states(afflicted) == {"due": 4}
        troubled.script = []
        assert dispatch(afflicted, tmp_path, over(server)).accepted == 4
        assert recipients(server) == Counter(names)
    assert states(afflicted) == {"accepted": 4}
    assert attempts(afflicted) == []
    assert proof.verify(afflicted).ok


def test_a_watch_outlives_a_database_that_is_away(
    afflicted: Office, troubled: Troubled, tmp_path: Path
) -> None:
    async def story(server: ScriptedServer) -> None:
        watch = dispatcher(afflicted, tmp_path, over(server), watch=True, poll_seconds=0.02)
        with hearing("database away", "mailer.services.ledger_thread") as away:
            running = asyncio.create_task(watch.run())
            sign_up(afflicted, "anna@example.org")
            await until(
                lambda: states(afflicted) == {"accepted": 1}
            )  # nothing of hers is left to write
            troubled.script = ["well", "well", "refused"]  # it is counted, and taken
            sign_up(afflicted, "bent@example.org")
            watch.wake()
            await away.wait()
        await asyncio.to_thread(server.wait_for, 2)
        watch.stop()
        assert (await running).accepted == 2

    with ScriptedServer().running() as server:
        asyncio.run(story(server))
