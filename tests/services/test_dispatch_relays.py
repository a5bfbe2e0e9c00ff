"""Several relays: whichever of them fails, and however, everybody gets their mail once from the others."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from support.desk import attempts, chunks, import_readers, publish_one, row_of, states
from support.dispatching import (
    dispatch,
    dispatcher,
    doubted,
    fates,
    hearing,
    one_pass,
    over,
    recipients,
    until,
)
from support.offices import Clock, make_office
from support.readers import sign_up
from support.scripted_server import Act, Fault, Gate, Script, ScriptedServer, Step

from mailer.core.pace import DomainLimit
from mailer.services import proof
from mailer.services.office import Office
from mailer.services.summary import Summary
from mailer.store import health
from mailer.store.database import Database
from mailer.store.health import RelayHealth


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """Which relay takes what is not the database's affair."""
    return make_office(sqlite_database, clock)


@pytest.fixture
def gone() -> int:
    """A port that nobody listens at."""
    with ScriptedServer().running() as server:
        return server.port


def found(office: Office) -> dict[str, RelayHealth]:
    """What is written of each relay."""
    with office.database.read() as connection:
        return {one.relay: one for one in health.relays(connection)}


def each_once_or_in_doubt(office: Office, names: list[str], *servers: ScriptedServer) -> None:
    """The promise, whoever has taken what: once, or known to be unknown, or still owed."""
    kept, states_of, in_doubt = recipients(*servers), fates(office), doubted(office)
    assert set(states_of) == set(names)
    for name in names:
        if name in in_doubt:
            assert kept[name] <= 1
        else:
            assert kept[name] == (states_of[name] == "accepted"), (name, states_of[name])


# One of two is away.


@pytest.mark.parametrize("order", [1, 2])
def test_a_relay_that_is_not_there_leaves_all_to_the_other(
    office: Office, tmp_path: Path, gone: int, order: int
) -> None:
    names = import_readers(office, 60)
    publish_one(office)
    with ScriptedServer().running() as server:
        summary = dispatch(
            office, tmp_path, over(gone, name="gone"), over(server, name="there", order=order)
        )
        assert recipients(server) == dict.fromkeys(names, 1)
    assert (summary.accepted, summary.due, summary.missing) == (60, 0, False)
    assert len(summary.faults) == 1
    assert "Relay gone" in summary.faults[0]
    assert attempts(office) == []
    assert proof.verify(office).ok


def test_the_second_is_left_alone_while_the_first_is_well(office: Office, tmp_path: Path) -> None:
    import_readers(office, 60)
    publish_one(office)
    with ScriptedServer().running() as first, ScriptedServer().running() as second:
        summary = dispatch(office, tmp_path, over(second, name="b", order=2), over(first, name="a"))
        assert (len(first.messages), second.connections) == (60, 0)
    assert (summary.accepted, summary.faults) == (60, ())


PHASES = ["MAIL", "RCPT", "DATA", "CONTENT", "."]


@pytest.mark.parametrize(
    ("phase", "fault"), [*[(phase, Fault.DROP) for phase in PHASES], (".", Fault.TAKE_AND_DROP)]
)
def test_a_relay_that_dies_midway_leaves_the_rest_to_the_other(
    office: Office, tmp_path: Path, clock: Clock, phase: str, fault: Fault
) -> None:
    """Its process is killed: every connection is cut, and nobody listens any more."""
    names = import_readers(office, 50)
    publish_one(office)
    with ExitStack() as both:
        dies: list[Step] = [*[None] * 14, Act(lambda: first.die(), fault)]  # noqa: PLW0108 - it is not there yet
        first = both.enter_context(ScriptedServer({phase: dies}).running())
        second = both.enter_context(ScriptedServer().running())
        relays = over(first, name="first"), over(second, name="second", order=2)
        summary = dispatch(office, tmp_path, *relays)
        assert 0 < len(first.messages) <= 15
        assert summary.accepted + summary.due == 50
        assert summary.deferred + summary.unknown == summary.due <= 4, "two lines, two on each"
        assert summary.unknown or phase != "."
        assert not summary.missing
        each_once_or_in_doubt(office, names, first, second)
        assert {row[2] for row in attempts(office)} <= {"deferred", "unknown"}
        in_doubt = doubted(office)
        clock.move(minutes=2)
        assert dispatch(office, tmp_path, *relays).due == 0
        sent = recipients(first, second)
        assert set(sent) == set(names)
        assert {name for name, times in sent.items() if times > 1} <= in_doubt
        assert set(sent.values()) <= {1, 2}
        contents = {(each.recipient, each.content) for each in [*first.messages, *second.messages]}
        assert len(contents) == len(names), "a copy is the same message, to the byte"
    assert states(office) == {"accepted": 50}
    assert proof.verify(office).ok


@pytest.mark.parametrize("phase", ["MAIL", "DATA", "."])
def test_a_relay_that_breaks_off_at_one_place_again_and_again(
    office: Office, tmp_path: Path, phase: str
) -> None:
    """It lets us in every time, and never takes anything: the other goes on."""
    names = import_readers(office, 40)
    publish_one(office)
    with ScriptedServer({phase: Fault.DROP}).running() as bad, ScriptedServer().running() as good:
        summary = dispatch(
            office, tmp_path, over(bad, name="bad"), over(good, name="good", order=2)
        )
        each_once_or_in_doubt(office, names, bad, good)
    assert summary.accepted + summary.due == 40
    assert summary.accepted >= 25, "a few tries, no more"
    assert not summary.missing


# It will not have us.


@pytest.mark.parametrize(
    ("where", "reply"),
    [("MAIL", "550 5.7.1 we do not know you"), ("RCPT", "554 5.7.1 Relay access denied")],
)
def test_a_relay_that_refuses_us_is_told_of_and_the_other_takes_all(
    office: Office, tmp_path: Path, where: str, reply: str
) -> None:
    """The letters that heard it too: else the same few would hear it in every run."""
    names = import_readers(office, 60)
    publish_one(office)
    with ScriptedServer({where: reply}).running() as strict, ScriptedServer().running() as good:
        summary = dispatch(
            office, tmp_path, over(strict, name="strict"), over(good, name="good", order=2)
        )
        assert sum(each.startswith("MAIL") for each in strict.commands) <= 2
        assert recipients(good) == dict.fromkeys(names, 1)
    assert (summary.accepted, summary.due, summary.missing) == (60, 0, False)
    (said,) = summary.faults
    assert "strict refuses what we send" in said
    assert reply.partition(" 5.7.1 ")[2] in said
    assert attempts(office) == []


@pytest.mark.parametrize("reply", ["452 4.3.1 insufficient system storage", "421 4.3.2 closing"])
def test_a_relay_that_puts_us_off_is_passed_over(
    office: Office, tmp_path: Path, reply: str
) -> None:
    """A single confirmation must not wait for its first relay's disk, run after run."""
    sign_up(office, "anna@example.org")
    with ScriptedServer({"MAIL": reply}).running() as full, ScriptedServer().running() as good:
        summary = dispatch(
            office, tmp_path, over(full, name="full"), over(good, name="good", order=2)
        )
        assert recipients(good) == {"anna@example.org": 1}
        assert 1 <= sum(each.startswith("MAIL") for each in full.commands) <= 6
    assert (summary.accepted, summary.due) == (1, 0)
    assert attempts(office) == []


def test_a_relay_that_puts_us_off_is_not_asked_for_everybody(
    office: Office, tmp_path: Path
) -> None:
    import_readers(office, 100)
    publish_one(office)
    with ScriptedServer({"MAIL": "452 4.3.1 insufficient system storage"}).running() as full:
        summary = dispatch(office, tmp_path, over(full))
        assert sum(each.startswith("MAIL") for each in full.commands) <= 8
    assert summary.deferred <= 8
    assert (summary.due, summary.missing) == (100, True)
    assert "one conversation after the other" in summary.faults[0]


def test_a_single_relay_that_puts_us_off_has_it_on_record(office: Office, tmp_path: Path) -> None:
    sign_up(office, "anna@example.org")
    with ScriptedServer({"MAIL": "452 4.3.1 insufficient system storage"}).running() as full:
        summary = dispatch(office, tmp_path, over(full))
    assert (summary.deferred, summary.due) == (1, 1)
    assert attempts(office) == [(1, 1, "deferred")]
    assert row_of(office, 1).attempts == 0, "that says nothing about the reader"


def test_both_refuse_us_and_the_run_stops(office: Office, tmp_path: Path, clock: Clock) -> None:
    names = import_readers(office, 60)
    publish_one(office)
    with (
        ScriptedServer({"MAIL": "550 5.7.1 we do not know you"}).running() as one,
        ScriptedServer({"MAIL": "553 5.1.8 nor your domain"}).running() as other,
    ):
        summary = dispatch(office, tmp_path, over(one, name="one"), over(other, name="other"))
        assert len(one.commands) + len(other.commands) < 40
    assert (summary.accepted, summary.due, summary.missing) == (0, 60, False)
    said = "\n".join(summary.faults)
    assert "relay one refuses what we send" in said
    assert "relay other refuses what we send" in said
    assert states(office) == {"due": 60}
    clock.move(minutes=1)
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server)).accepted == 60
        assert recipients(server) == dict.fromkeys(names, 1)


def test_one_refuses_us_and_the_other_is_away(office: Office, tmp_path: Path, gone: int) -> None:
    import_readers(office, 10)
    publish_one(office)
    with ScriptedServer({"MAIL": "550 5.7.1 no"}).running() as strict:
        summary = dispatch(office, tmp_path, over(strict, name="strict"), over(gone, name="gone"))
    assert (summary.accepted, summary.due, summary.missing) == (0, 10, True)
    assert len(summary.faults) == 2


@pytest.mark.parametrize("orders", [(1, 1), (1, 2)])
def test_both_are_away_and_nothing_is_consumed(
    office: Office, tmp_path: Path, gone: int, orders: tuple[int, int]
) -> None:
    import_readers(office, 40)
    publish_one(office)
    with ScriptedServer({"CONNECT": "421 4.3.2 not now"}).running() as shut:
        summary = dispatch(
            office,
            tmp_path,
            over(gone, name="gone", order=orders[0]),
            over(shut, name="shut", order=orders[1]),
        )
    assert (summary.accepted, summary.due, summary.missing) == (0, 40, True)
    assert not summary.worked
    said = "\n".join(summary.faults)
    assert "Relay gone" in said
    assert "Relay shut" in said
    assert attempts(office) == []
    assert [(chunk.state, chunk.mark) for chunk in chunks(office)] == [("open", 0)]


# Their shares.


def test_weights_share_the_mail_among_relays_that_keep_up(office: Office, tmp_path: Path) -> None:
    """Readers' own domain takes two at a time: so there is always a line that is free.

    Whose lines stand first takes what there is until the other's do, and is not made to pay for all of
    it. So both greet together, and what counts is the mail after that.
    """
    names = import_readers(office, 400)
    publish_one(office)
    two_at_a_time = {"example.org": DomainLimit(connections=2)}
    gentle = replace(office, limits=replace(office.limits, domains=two_at_a_time))
    doors = Gate(), Gate()

    async def story(*servers: ScriptedServer) -> Summary:
        heavy, light = servers
        relays = (
            over(heavy, name="heavy", weight=3, connections=8),
            over(light, name="light", weight=1, connections=8),
        )
        running = asyncio.create_task(one_pass(gentle, tmp_path, *relays))
        for door in doors:
            await door.arrived()
        for door in doors:
            door.open()
        return await running

    with (
        ScriptedServer({"CONNECT": doors[0]}).running() as heavy,
        ScriptedServer({"CONNECT": doors[1]}).running() as light,
    ):
        assert asyncio.run(story(heavy, light)).accepted == 400
    assert recipients(heavy, light) == dict.fromkeys(names, 1)
    settled = sorted(message.at for server in (heavy, light) for message in server.messages)[100]
    shared = sum(message.at >= settled for message in heavy.messages)
    assert shared == pytest.approx(225, abs=15)


def test_a_relay_that_dawdles_keeps_nothing_from_the_other(office: Office, tmp_path: Path) -> None:
    """Shares are no reason to wait: what its lines cannot take now, the other does."""
    import_readers(office, 80)
    publish_one(office)
    slow, shut = Gate(), Gate()

    async def story(heavy: ScriptedServer, light: ScriptedServer) -> None:
        relays = over(heavy, name="heavy", weight=9, connections=1), over(light, name="light")
        running = asyncio.create_task(one_pass(office, tmp_path, *relays))
        await slow.arrived()
        shut.open()
        await asyncio.to_thread(light.wait_for, 75)
        slow.open()
        assert (await running).accepted == 80

    with (
        ScriptedServer({".": [None, slow]}).running() as heavy,
        ScriptedServer({"CONNECT": shut}).running() as light,
    ):
        asyncio.run(story(heavy, light))
        assert 1 <= len(heavy.messages) <= 5


def test_a_relay_is_not_sent_more_a_second_than_it_is_allowed(
    office: Office, tmp_path: Path
) -> None:
    """A second's worth at once, and the rest no faster than that: the thirty over it take that long."""
    names = import_readers(office, 130)
    publish_one(office)
    with ScriptedServer().running() as server:
        began = time.monotonic()
        dispatch(office, tmp_path, over(server, messages_per_second=100))
        assert time.monotonic() - began >= 30 / 100
        assert recipients(server) == dict.fromkeys(names, 1)


def test_a_pass_outlasts_its_leases_where_its_relay_is_slow(office: Office, tmp_path: Path) -> None:
    """What only lies here is given back and taken anew; the pass goes on to the end."""
    names = import_readers(office, 30)
    publish_one(office)
    limits = replace(office.limits, lease=timedelta(seconds=1))
    with ScriptedServer().running() as server:
        relay = over(server, messages_per_second=20)
        summary = dispatch(replace(office, limits=limits), tmp_path, relay)
        assert recipients(server) == dict.fromkeys(names, 1)
    assert (summary.accepted, summary.due) == (30, 0)


def test_what_one_relay_may_not_take_yet_the_other_takes(office: Office, tmp_path: Path) -> None:
    import_readers(office, 40)
    publish_one(office)
    with ScriptedServer().running() as slow, ScriptedServer().running() as fast:
        dispatch(
            office,
            tmp_path,
            over(slow, name="slow", messages_per_second=0.1),
            over(fast, name="fast"),
        )
        assert (len(slow.messages), len(fast.messages)) == (1, 39)


# Fewer lines than we would like.


def test_a_relay_that_grants_fewer_lines_does_all_the_work(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 60)
    publish_one(office)
    script: Script = {"CONNECT": [None, None, *["421 4.7.0 too many connections"] * 50]}
    with ScriptedServer(script).running() as server:
        summary = dispatch(office, tmp_path, over(server, connections=3))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert (summary.accepted, summary.due, summary.faults) == (60, 0, ())
    assert attempts(office) == []


def test_it_may_say_so_before_the_granted_lines_stand(office: Office, tmp_path: Path) -> None:
    """The others are still being greeted: that there is no third one is no reason to give up."""
    names = import_readers(office, 40)
    publish_one(office)
    greeted = Gate()

    async def story() -> None:
        refused: list[Step] = [Act(greeted.open, "421 4.7.0 too many connections")]
        script: Script = {
            "CONNECT": [None, None, *refused, *["421 4.7.0 too many connections"] * 50],
            "EHLO": [greeted, greeted],
        }
        async with ScriptedServer(script) as server:
            summary = await one_pass(office, tmp_path, over(server, connections=3))
            assert recipients(server) == dict.fromkeys(names, 1)
            assert (summary.accepted, summary.due, summary.faults) == (40, 0, ())

    asyncio.run(story())


# A watch, and what is written down of them.


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    """To start servers in threads of their own amid a story; they end with the test."""
    with ExitStack() as stack:
        yield stack


def test_a_first_relay_that_comes_back_is_used_again(
    office: Office, tmp_path: Path, gone: int, servers: ExitStack
) -> None:
    """Even where there is only a letter now and then, which the second relay's open line could take."""
    second = servers.enter_context(ScriptedServer().running())

    async def story() -> None:
        watch = dispatcher(
            office,
            tmp_path,
            over(gone, name="first"),
            over(second, name="second", order=2),
            watch=True,
            poll_seconds=0.02,
        )
        running = asyncio.create_task(watch.run())
        sign_up(office, "reader0@example.org")
        await asyncio.to_thread(second.wait_for, 1)
        first = servers.enter_context(ScriptedServer(port=gone).running())

        def enough(number: int) -> bool:
            return len(first.messages) + len(second.messages) >= number

        for number in itertools.count(1):
            sign_up(office, f"reader{number}@example.org")
            watch.wake()
            await until(partial(enough, number + 1))
            if first.messages:
                break
        before = len(second.messages)
        await until(lambda: not watch.progress().resting)
        for number in range(20):
            sign_up(office, f"later{number}@example.org")
        watch.wake()
        await asyncio.to_thread(first.wait_for, 21)
        assert len(second.messages) == before, "the first is well again: it takes all"
        await until(lambda: found(office)["first"].fault is None)
        watch.stop()
        assert (await running).due == 0

    asyncio.run(story())


def test_a_watch_without_any_relay_goes_on_when_one_is_back(
    office: Office, tmp_path: Path, gone: int, servers: ExitStack
) -> None:
    names = import_readers(office, 20)
    publish_one(office)

    async def story() -> ScriptedServer:
        watch = dispatcher(office, tmp_path, over(gone), watch=True, poll_seconds=0.02)
        with hearing("fault", "mailer.services") as refused:
            running = asyncio.create_task(watch.run())
            await refused.wait()
        assert watch.progress().resting == ("r",)
        server = servers.enter_context(ScriptedServer(port=gone).running())
        await asyncio.to_thread(server.wait_for, 20)
        watch.stop()
        summary = await running
        assert (summary.accepted, summary.missing) == (20, False)
        return server

    server = asyncio.run(story())
    assert recipients(server) == dict.fromkeys(names, 1)
    assert attempts(office) == []


def test_what_is_wrong_with_a_relay_is_written_down_and_since_when(
    office: Office, tmp_path: Path, clock: Clock, gone: int, servers: ExitStack
) -> None:
    """By single passes, as cron makes them."""
    since = clock()
    relay = over(gone, name="first")
    import_readers(office, 2)
    publish_one(office)
    assert found(office) == {}
    assert dispatch(office, tmp_path, relay).missing
    failing = found(office)["first"]
    assert failing.failing_since == failing.at == since
    assert "Relay first" in (failing.fault or "")
    clock.move(minutes=5)
    other = servers.enter_context(ScriptedServer({"CONNECT": "554 5.7.1 go away"}).running())
    assert dispatch(office, tmp_path, over(other, name="first")).missing
    failing = found(office)["first"]
    assert "go away" in (failing.fault or ""), "the newest word"
    assert failing.failing_since == since, "and still the same trouble"
    assert failing.at == clock()
    server = servers.enter_context(ScriptedServer().running())
    assert dispatch(office, tmp_path, over(server, name="first")).accepted == 2
    well = found(office)["first"]
    assert (well.failing_since, well.fault) == (None, None)
    publish_one(office, title="Nok en")
    clock.move(minutes=5)
    assert dispatch(office, tmp_path, over(server, name="first")).accepted == 2
    assert found(office)["first"] == well, "no news is not written"


def test_a_relay_that_nobody_asked_keeps_what_was_said_of_it(
    office: Office, tmp_path: Path, gone: int, servers: ExitStack
) -> None:
    import_readers(office, 2)
    publish_one(office)
    dispatch(office, tmp_path, over(gone, name="spare"))
    before = found(office)["spare"]
    server = servers.enter_context(ScriptedServer().running())
    relays = over(server, name="first"), over(gone, name="spare", order=2)
    assert dispatch(office, tmp_path, *relays).accepted == 2
    assert found(office)["spare"] == before


def test_a_pass_with_nothing_to_do_writes_nothing_of_relays(
    office: Office, tmp_path: Path, gone: int
) -> None:
    dispatch(office, tmp_path, over(gone))
    assert found(office) == {}


def test_a_relay_that_refuses_us_is_on_record_too(office: Office, tmp_path: Path) -> None:
    import_readers(office, 3)
    publish_one(office)
    with ScriptedServer({"MAIL": "550 5.7.1 we do not know you"}).running() as server:
        dispatch(office, tmp_path, over(server, name="strict"))
    assert "we do not know you" in (found(office)["strict"].fault or "")
