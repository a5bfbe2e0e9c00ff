"""A watch is woken, takes over from the dead, and stops without leaving anything in doubt."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.desk import approve, attempts, chunks, import_readers, lease, publish_one, states
from support.dispatching import dispatch, dispatcher, hearing, over, recipients
from support.offices import Clock
from support.readers import PAGE, leave_token, quiet, sign_up
from support.scripted_server import Gate, ScriptedServer

from mailer.services import leaving, proof
from mailer.services.office import Office
from mailer.store import ledger

HOUR = 3600.0  # a watch that polls so rarely is woken or not at all


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A polite server in a thread of its own."""
    with ScriptedServer().running() as server:
        yield server


def test_a_watch_sends_as_soon_as_it_is_woken(
    office: Office, tmp_path: Path, server: ScriptedServer
) -> None:
    async def story() -> None:
        watch = dispatcher(office, tmp_path, over(server), watch=True, poll_seconds=HOUR)
        running = asyncio.create_task(watch.run())
        for number in range(4):
            await asyncio.to_thread(sign_up, office, f"reader{number}@example.org")
            watch.wake()
            await asyncio.to_thread(server.wait_for, number + 1)
        approve(office)
        watch.stop()
        summary = await running
        assert summary.accepted == 4
        assert summary.faults == ()

    asyncio.run(story())
    assert states(office) == {"accepted": 4}


def test_a_watch_looks_by_itself_and_publishes_in_time(
    office: Office, tmp_path: Path, clock: Clock, server: ScriptedServer
) -> None:
    import_readers(office, 3)
    approve(office, publish_at=clock.moment + timedelta(hours=1))

    async def story() -> None:
        watch = dispatcher(office, tmp_path, over(server), watch=True, poll_seconds=0.02)
        running = asyncio.create_task(watch.run())
        sign_up(office, "anna@example.org")
        await asyncio.to_thread(server.wait_for, 1)
        clock.move(hours=1)
        await asyncio.to_thread(server.wait_for, 4)
        watch.stop()
        assert (await running).published == 1

    asyncio.run(story())
    assert server.messages[0].recipient == "anna@example.org"


def test_a_stop_finishes_what_is_on_the_wire_and_gives_back_the_rest(
    office: Office, tmp_path: Path
) -> None:
    names = import_readers(office, 40)
    publish_one(office)
    gate = Gate()

    async def story(server: ScriptedServer) -> None:
        stopped = dispatcher(office, tmp_path, over(server, connections=1))
        running = asyncio.create_task(stopped.run())
        await gate.arrived()
        stopped.stop()
        gate.open()
        summary = await running
        assert summary.accepted == len(server.messages) == 4, "one behind its dot, one pipelined"
        assert summary.due == 36

    with ScriptedServer({".": [None, None, gate]}).running() as server:
        asyncio.run(story(server))
        assert attempts(office) == [], "nothing is in doubt"
        assert states(office) == {"accepted": 4, "due": 36}
        assert [(chunk.state, chunk.mark) for chunk in chunks(office)] == [("open", 4)]
        assert dispatch(office, tmp_path, over(server)).accepted == 36
        assert recipients(server) == dict.fromkeys(names, 1)
    assert proof.verify(office).ok


def test_a_stop_before_anything_began(
    office: Office, tmp_path: Path, server: ScriptedServer
) -> None:
    import_readers(office, 3)
    publish_one(office)

    async def story() -> None:
        stopped = dispatcher(office, tmp_path, over(server))
        stopped.stop()
        assert (await stopped.run()).due == 3

    asyncio.run(story())
    assert server.messages == []


@pytest.mark.parametrize(("step", "in_doubt"), [(".", 1), ("DATA", 0), ("RCPT", 0), ("CONNECT", 0)])
def test_a_cancelled_run_doubts_only_what_may_have_left(
    office: Office, tmp_path: Path, step: str, in_doubt: int
) -> None:
    names = import_readers(office, 20)
    publish_one(office)
    before = 0 if step == "CONNECT" else 2
    gate = Gate()

    async def story(server: ScriptedServer) -> None:
        running = asyncio.create_task(
            dispatcher(office, tmp_path, over(server, connections=1)).run()
        )
        await gate.arrived()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    with ScriptedServer({step: [*[None] * before, gate]}).running() as server:
        asyncio.run(story(server))
        gate.open()
        assert attempts(office) == [(3, 1, "unknown")] * in_doubt
        assert states(office) == Counter({"accepted": before, "due": 20 - before})
        assert list((tmp_path / "state").iterdir()) == []
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server)).accepted == 20 - before - in_doubt
        missing = set(names) - set(recipients(server))
        assert len(missing) == before + in_doubt
    assert proof.verify(office).ok


def test_a_watch_takes_over_from_a_dispatcher_that_died_beside_it(
    office: Office, tmp_path: Path, server: ScriptedServer
) -> None:
    names = import_readers(office, 4)
    publish_one(office)
    sign_up(office, "anna@example.org")
    with office.database.write() as connection:
        assert len(ledger.take(connection, lease(office, "dead"), 5)) == 5

    async def story() -> None:
        watch = dispatcher(office, tmp_path, over(server), watch=True, poll_seconds=0.02)
        running = asyncio.create_task(watch.run())
        sign_up(office, "bent@example.org")
        watch.wake()
        await asyncio.to_thread(server.wait_for, 1)
        assert attempts(office) == [], "its lease still runs"
        (tmp_path / "state" / "dead.alive").touch()  # as a kill leaves it: a sign that nobody holds
        await asyncio.to_thread(server.wait_for, 6)
        watch.stop()
        await running

    asyncio.run(story())
    assert recipients(server) == dict.fromkeys([*names, "anna@example.org", "bent@example.org"], 1)
    assert [result for _, _, result in attempts(office)] == ["unknown"] * 5 + ["accepted"] * 5
    assert list((tmp_path / "state").iterdir()) == []


def test_a_watch_takes_over_from_another_machine_when_its_lease_has_ended(
    office: Office, tmp_path: Path, clock: Clock, server: ScriptedServer
) -> None:
    import_readers(office, 2)
    publish_one(office)
    with office.database.write() as connection:
        assert len(ledger.take(connection, lease(office, "far-away"), 2)) == 2

    async def story() -> None:
        watch = dispatcher(office, tmp_path, over(server), watch=True, poll_seconds=0.02)
        running = asyncio.create_task(watch.run())
        clock.move(seconds=61)
        await asyncio.to_thread(server.wait_for, 2)
        watch.stop()
        await running

    asyncio.run(story())
    assert set(recipients(server).values()) == {1}


def test_who_leaves_while_the_relay_is_away_gets_nothing_when_it_is_back(
    office: Office, tmp_path: Path
) -> None:
    """What waits for a relay is given back now and then, so that consent is asked anew."""
    import_readers(office, 3)
    publish_one(office)
    impatient = replace(office, limits=replace(office.limits, lease=timedelta(seconds=0.4)))
    away = Gate("421 4.3.2 not now")

    async def story(server: ScriptedServer) -> None:
        watch = dispatcher(
            impatient, tmp_path, over(server, connections=1), watch=True, poll_seconds=0.02
        )
        running = asyncio.create_task(watch.run())
        await away.arrived()
        leaving.leave(quiet(office), token=leave_token(office, 2), origin=PAGE)
        away.open()
        await asyncio.to_thread(server.wait_for, 2)
        watch.stop()
        summary = await running
        assert (summary.accepted, summary.due, summary.missing) == (2, 0, False)

    with ScriptedServer({"CONNECT": [away]}).running() as server:
        asyncio.run(story(server))
        assert "reader1@example.org" not in recipients(server)
    assert states(office) == {"accepted": 2, "ended": 1}
    assert attempts(office) == []


def test_a_stop_ends_the_wait_for_a_relay(office: Office, tmp_path: Path) -> None:
    import_readers(office, 3)
    publish_one(office)

    async def story(server: ScriptedServer) -> None:
        watch = dispatcher(office, tmp_path, over(server), watch=True, poll_seconds=HOUR)
        with hearing("fault", "mailer.services.reports") as refused:
            running = asyncio.create_task(watch.run())
            await refused.wait()
        watch.stop()
        summary = await running
        assert (summary.due, summary.missing) == (3, True)

    with ScriptedServer({"CONNECT": "421 4.3.2 not now"}).running() as server:
        asyncio.run(story(server))
    assert attempts(office) == []
