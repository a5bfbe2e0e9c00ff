"""Paused, resumed and cancelled while dispatchers run: what leaves, what does not, and that it adds up."""

import asyncio
import os
import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.desk import attempts, import_readers, lease, progress_of, publish_one, states
from support.dispatching import (
    dispatch,
    dispatcher,
    doubted,
    fates,
    one_pass,
    over,
    recipients,
    until,
)
from support.offices import Clock, make_office
from support.readers import sign_up
from support.scripted_server import Fault, Gate, Script, ScriptedServer, Step

from mailer.core.delivery import Outcome, Phase, Result
from mailer.services import control, proof
from mailer.services.dispatch import Dispatcher
from mailer.services.journal import Journal
from mailer.services.office import Office
from mailer.services.reached import Answer
from mailer.store import control as mailing_control
from mailer.store import hands, ledger
from mailer.store.database import Database
from mailer.store.ledger_tables import mailing


@pytest.fixture
def small(sqlite_database: Database, clock: Clock) -> Office:
    """An office for what no database can change."""
    return make_office(sqlite_database, clock)


@dataclass
class Stopped:
    """A pass that is held up amid a mailing by a final dot that gets no answer yet."""

    office: Office
    gate: Gate
    dispatcher: Dispatcher
    passing: "asyncio.Task[object]"

    async def let_go(self, rest: int) -> None:
        """Wait until the dispatcher has let go of all but `rest` letters."""
        await until(lambda: self.dispatcher.progress().in_hand <= rest)

    async def let_go_of(self, mailing_id: int) -> None:
        """Wait until it has let go of what it had not begun of one mailing."""

        def held() -> int:
            with self.office.database.read() as connection:
                return sum(one.letters for one in hands.in_hand(connection, mailing_id))

        await until(lambda: held() <= ON_THE_WIRE)

    async def finish(self) -> None:
        """Answer the dot, and let the pass come to its end."""
        self.gate.open()
        await self.passing


async def stopped_at(
    office: Office, folder: Path, server: ScriptedServer, gate: Gate, **orders: object
) -> Stopped:
    """Run until a final dot has come to the gate."""
    found = dispatcher(office, folder, over(server, connections=1), **orders)
    passing = asyncio.create_task(found.run())
    await gate.arrived()
    return Stopped(office, gate, found, passing)


def at_dot(number: int, gate: Gate) -> Script:
    """Hold the answer to one final dot back."""
    return {".": [*[None] * (number - 1), gate]}


def act(what: object, office: Office, release: int, **terms: object) -> "asyncio.Task[Answer]":
    """An operator's act in a thread of its own."""
    assert callable(what)
    return asyncio.create_task(asyncio.to_thread(what, office, release, who="kim", **terms))


ON_THE_WIRE = 2
"""Over one line: one behind its dot, the next behind its envelope."""


# Paused.


def test_nothing_more_is_begun_of_a_paused_mailing_and_the_other_goes_on(
    office: Office, tmp_path: Path
) -> None:
    names = import_readers(office, 80)
    paused, other = publish_one(office, title="Den ene"), publish_one(office, title="Den anden")
    gate = Gate()

    async def story(server: ScriptedServer) -> None:
        stopped = await stopped_at(office, tmp_path, server, gate)
        acting = act(control.pause, office, paused.release_id, reason="a wrong figure", patience=10)
        await stopped.let_go_of(1)
        sent = len(server.messages)
        await stopped.finish()
        answer = await acting
        assert answer.calm
        assert (answer.mailings[0].state, answer.mailings[0].in_hand) == ("held", ())
        kept = Counter(fates(office, 1).values())
        assert 0 < kept["accepted"] <= sent + ON_THE_WIRE
        assert answer.mailings[0].settled == kept["accepted"]
        assert kept == {"accepted": kept["accepted"], "due": 80 - kept["accepted"]}

    with ScriptedServer(at_dot(30, gate)).running() as server:
        asyncio.run(story(server))
        assert progress_of(office, 2) == ("finished", 80, 80)
        assert not dispatch(office, tmp_path, over(server)).worked, "it stays as it is"
        resumed = control.resume(office, paused.release_id, who="kim")
        assert resumed.mailings[0].state == "open"
        dispatch(office, tmp_path, over(server))
        assert recipients(server) == dict.fromkeys(names, 2)
        assert other.release_id != paused.release_id
    assert attempts(office) == [], "nothing was ever in doubt"
    assert progress_of(office, 1) == ("finished", 80, 80)
    assert proof.verify(office).ok


def test_a_mailing_paused_and_resumed_at_once_loses_nobody(small: Office, tmp_path: Path) -> None:
    """What was let go of meanwhile is due again, and the same pass goes on to the end."""
    names = import_readers(small, 60)
    release = publish_one(small).release_id
    gate = Gate()

    async def story(server: ScriptedServer) -> None:
        stopped = await stopped_at(small, tmp_path, server, gate)
        await act(control.pause, small, release, patience=0)
        await stopped.let_go(ON_THE_WIRE)
        await act(control.resume, small, release)
        await stopped.finish()

    with ScriptedServer(at_dot(20, gate)).running() as server:
        asyncio.run(story(server))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert progress_of(small, 1) == ("finished", 60, 60)


def test_notices_are_no_matter_of_mailings(small: Office, tmp_path: Path) -> None:
    import_readers(small, 60)
    release = publish_one(small).release_id
    gate = Gate()

    async def story(server: ScriptedServer) -> None:
        stopped = await stopped_at(small, tmp_path, server, gate)
        await act(control.pause, small, release, patience=0)
        await stopped.let_go(ON_THE_WIRE)
        sign_up(small, "anna@example.org")
        await stopped.finish()
        assert recipients(server)["anna@example.org"] == 1

    with ScriptedServer(at_dot(10, gate)).running() as server:
        asyncio.run(story(server))
    assert progress_of(small, 1)[0] == "held"


# Cancelled.


def test_a_cancelled_mailing_adds_up_and_nobody_is_mailed_after_it(
    office: Office, tmp_path: Path, clock: Clock
) -> None:
    """Some were accepted by then, some refused, some put off, one may have left unseen."""
    names = import_readers(office, 80)
    release = publish_one(office).release_id
    gate = Gate()
    rcpt: list[Step] = [*["550 5.1.1 no such user"] * 3, *["450 4.2.2 mailbox full"] * 4]
    dots: list[Step] = [None, Fault.TAKE_AND_DROP, *[None] * 18, gate]

    async def story(server: ScriptedServer) -> None:
        stopped = await stopped_at(office, tmp_path, server, gate)
        acting = act(control.cancel, office, release, reason="it was wrong", patience=10)
        await stopped.let_go(ON_THE_WIRE)
        await stopped.finish()
        answer = await acting
        (reached,) = answer.mailings
        assert answer.calm
        assert reached.state == "cancelled"
        kept = Counter(fates(office).values())
        assert Counter(reached.states) == kept
        assert sum(kept.values()) == reached.audience == reached.settled == 80
        assert (kept["refused"], kept["unknown"], kept["due"]) == (3, 1, 0)
        assert kept["accepted"] == len(server.messages) - 1, "all but the one that is unknown"
        assert kept["cancelled"] == 80 - 3 - 1 - kept["accepted"]

    with ScriptedServer({"RCPT": rcpt, ".": dots}).running() as server:
        asyncio.run(story(server))
        clock.move(days=1)
        dispatch(office, tmp_path, over(server))
        sent = recipients(server)
        assert set(sent.values()) == {1}
        for name in names:
            if fates(office)[name] in {"cancelled", "refused"}:
                assert name not in sent
    assert progress_of(office, 1) == ("cancelled", 80, 80)
    assert finished_at(office, 1)
    assert proof.verify(office).ok


def finished_at(office: Office, mailing_id: int) -> object:
    with office.database.read() as connection:
        chosen = mailing.select().where(mailing.c.id == mailing_id)
        return connection.execute(chosen).one().finished_at


@pytest.mark.parametrize("last", ["250 2.0.0 kept", "450 4.2.0 not now", Fault.TAKE_AND_DROP])
def test_a_watch_ends_a_cancelled_mailing_by_itself(
    small: Office, tmp_path: Path, last: str | Fault
) -> None:
    """The operator did not wait, and the last letter's answer comes long after."""
    import_readers(small, 40)
    release = publish_one(small).release_id
    gate = Gate(last)

    async def story(server: ScriptedServer) -> None:
        stopped = await stopped_at(small, tmp_path, server, gate, watch=True, poll_seconds=0.02)
        await act(control.cancel, small, release, patience=0)
        await stopped.let_go(ON_THE_WIRE)
        gate.open()
        await until(lambda: finished_at(small, 1))
        assert progress_of(small, 1) == ("cancelled", 40, 40)
        found = Counter(fates(small).values())
        assert found["due"] == 0
        assert found["unknown"] == (last is Fault.TAKE_AND_DROP)
        stopped.dispatcher.stop()
        await stopped.passing

    with ScriptedServer(at_dot(10, gate)).running() as server:
        asyncio.run(story(server))
        assert len(server.messages) <= 10 + 1


def test_another_process_pauses_and_cancels_while_a_watch_runs(
    small: Office, tmp_path: Path
) -> None:
    """Through the database alone, as `mailer release cancel` does beside `mailer run`."""
    import_readers(small, 60)
    release = publish_one(small).release_id
    gate = Gate()
    program = (
        "import sys; from support.offices import make_office;"
        "from mailer.services import control; from mailer.store.database import Database;"
        "office = make_office(Database(sys.argv[1]));"
        "paused = control.pause(office, int(sys.argv[2]), who='kim', patience=0);"
        "answer = control.cancel(office, int(sys.argv[2]), who='kim', patience=10);"
        "print(paused.mailings[0].state, answer.mailings[0].state, answer.calm)"
    )
    url = small.database.engine.url.render_as_string(hide_password=False)

    async def story(server: ScriptedServer) -> None:
        stopped = await stopped_at(small, tmp_path, server, gate, watch=True, poll_seconds=0.02)
        tests = Path(__file__).parent.parent
        other = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program, url, str(release)),
            env=os.environ | {"PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"},
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(20):
            await stopped.let_go(ON_THE_WIRE)
            gate.open()
            said, _ = await other.communicate()
        assert said.decode().split() == ["held", "cancelled", "True"]
        sent = len(server.messages)
        assert sent <= 10 + 1
        assert Counter(fates(small).values()) == {"accepted": sent, "cancelled": 60 - sent}
        publish_one(small, title="Den næste")
        stopped.dispatcher.wake()
        await until(lambda: len(server.messages) == sent + 60)
        stopped.dispatcher.stop()
        await stopped.passing

    with ScriptedServer(at_dot(10, gate)).running() as server:
        asyncio.run(story(server))


def test_two_dispatchers_let_go_of_a_cancelled_mailing(office: Office, tmp_path: Path) -> None:
    import_readers(office, 540)  # two chunks
    release = publish_one(office).release_id
    gates = Gate(), Gate()

    async def story(one: ScriptedServer, other: ScriptedServer) -> None:
        first = await stopped_at(office, tmp_path, one, gates[0])
        second = await stopped_at(office, tmp_path, other, gates[1])
        acting = act(control.cancel, office, release, patience=10)
        await first.let_go(ON_THE_WIRE)
        await second.let_go(ON_THE_WIRE)
        await first.finish()
        await second.finish()
        answer = await acting
        sent = recipients(one, other)
        assert answer.calm
        assert set(sent.values()) == {1}
        assert answer.mailings[0].states == {"accepted": len(sent), "cancelled": 540 - len(sent)}

    with (
        ScriptedServer(at_dot(10, gates[0])).running() as one,
        ScriptedServer(at_dot(15, gates[1])).running() as other,
    ):
        asyncio.run(story(one, other))
    assert attempts(office) == []
    assert proof.verify(office).ok


ACCEPTED = Outcome(Result.ACCEPTED, Phase.CONTENT, 250, "2.0.0", "kept", relay="r")


@pytest.mark.parametrize("journal", ["whole", "gone"])
def test_cancelled_while_its_dispatcher_dies(
    office: Office, tmp_path: Path, clock: Clock, journal: str
) -> None:
    """Ten were handed out: one was sent, of two nobody knows, seven were never begun."""
    import_readers(office, 30)
    publish_one(office)
    folder = tmp_path / "state"
    folder.mkdir()
    with office.database.write() as connection:
        handed = [due.id for due in ledger.take(connection, lease(office, "dead"), 10)]
    flight = Journal(folder / "dead.flight")
    for number in handed[:3]:
        flight.begin(number)
    flight.end(handed[0], ACCEPTED)
    flight.close()
    if journal == "gone":
        (folder / "dead.flight").unlink()
    with office.database.write() as connection:
        assert mailing_control.cancel(connection, 1, clock())
    assert states(office) == {"due": 10, "cancelled": 20}
    (folder / "dead.alive").touch()  # as a kill leaves it: a sign that nobody holds
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert (summary.due, server.messages) == (0, [])
    if journal == "whole":
        assert states(office) == {"accepted": 1, "unknown": 2, "cancelled": 27}
    else:
        assert states(office) == {"unknown": 10, "cancelled": 20}
    assert len(doubted(office)) == (2 if journal == "whole" else 10)
    assert progress_of(office, 1) == ("cancelled", 30, 30)
    assert finished_at(office, 1)
    assert proof.verify(office).ok


def test_cancelled_by_the_hand_that_pulls_the_plug(small: Office, tmp_path: Path) -> None:
    """A pass is broken off amid a mailing that was cancelled a moment before."""
    import_readers(small, 40)
    release = publish_one(small).release_id
    gate = Gate()

    async def story(server: ScriptedServer) -> None:
        stopped = await stopped_at(small, tmp_path, server, gate)
        await act(control.cancel, small, release, patience=0)
        stopped.passing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped.passing
        gate.open()

    with ScriptedServer(at_dot(10, gate)).running() as server:
        asyncio.run(story(server))
        found = Counter(fates(small).values())
        assert found == {"accepted": 9, "unknown": 1, "cancelled": 30}
        later = replace(small, limits=replace(small.limits, retry_horizon=timedelta(days=9)))
        assert not asyncio.run(one_pass(later, tmp_path, over(server))).worked
    assert progress_of(small, 1) == ("cancelled", 40, 40)
    assert proof.verify(small).ok
