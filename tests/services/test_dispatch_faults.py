"""What is wrong with one mailing stops that one; a database that is away, what no lease covers."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from support.desk import approve, attempts, import_readers, progress_of, publish_one, states
from support.desk import text as edition
from support.dispatching import (
    Troubled,
    dispatch,
    dispatcher,
    fates,
    hearing,
    import_all,
    over,
    recipients,
    until,
)
from support.offices import KEFM, UM, Clock, make_office
from support.readers import sign_up
from support.scripted_server import Gate, ScriptedServer, Step

from mailer.core.breaker import LIMIT
from mailer.core.release import Edition
from mailer.services import control, proof, publish
from mailer.services.office import Office
from mailer.services.presence import own_time
from mailer.services.retry import retry
from mailer.store.database import Database
from mailer.store.ledger_tables import mailing, prepared

SPAM = "554 5.7.1 message looks like spam"
BARE = "554 no"


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """An office; what a mailing may do to itself is no affair of the database."""
    return make_office(sqlite_database, clock)


def hold_reason(office: Office, mailing_id: int) -> str:
    """Why a mailing is held."""
    with office.database.read() as connection:
        chosen = select(mailing.c.hold_reason).where(mailing.c.id == mailing_id)
        return str(connection.scalar(chosen))


def two_mailings(office: Office, first: Edition | None = None) -> tuple[list[str], list[str]]:
    """A release of each of two newsrooms, and 40 readers of each: at one.example, at two.example."""
    names = {}
    for room, domain, told in ((UM, "one", first), (KEFM, "two", None)):
        names[domain] = [f"reader{number}@{domain}.example" for number in range(40)]
        import_all(office, names[domain], room)
        approve(office, told, newsroom=room)
    assert len(publish.publish_due(office)) == 2
    return names["one"], names["two"]


# Refused after the dot.


@pytest.mark.parametrize("reply", [SPAM, BARE, "552 5.2.3 too much"])
def test_ten_refusals_of_its_content_in_a_row_hold_a_mailing(
    office: Office, tmp_path: Path, reply: str
) -> None:
    names = import_readers(office, 40)
    publish_one(office)
    with ScriptedServer({".": reply}).running() as server:
        summary = dispatch(office, tmp_path, over(server, connections=1))
        contents = sum(one == "DATA" for one in server.commands)
    assert LIMIT <= contents <= LIMIT + 1
    assert progress_of(office, 1)[0] == "held"
    for words in (hold_reason(office, 1), *summary.faults):
        assert "again and again" in words
        assert reply.partition(" ")[0] in words
        assert reply.rpartition(".")[2].partition(" ")[2] in words
    assert (summary.accepted, len(summary.faults), summary.missing) == (0, 1, False)
    assert set(fates(office)) == set(names)


def test_the_other_mailing_is_sent_all_the_same(office: Office, tmp_path: Path) -> None:
    _, others = two_mailings(office)
    with ScriptedServer({". @one.example": SPAM}).running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert recipients(server) == dict.fromkeys(others, 1)
    assert (summary.accepted, len(summary.faults)) == (40, 1)
    assert progress_of(office, 1)[0] == "held"
    assert progress_of(office, 2) == ("finished", 40, 40)
    assert "message looks like spam" in hold_reason(office, 1)


def test_nine_and_an_acceptance_hold_nothing(office: Office, tmp_path: Path) -> None:
    import_readers(office, 40)
    publish_one(office)
    dots: list[Step] = [*[BARE] * (LIMIT - 1), None, *[BARE] * (LIMIT - 1)]
    with ScriptedServer({".": dots}).running() as server:
        summary = dispatch(office, tmp_path, over(server, connections=1))
    assert (summary.accepted, summary.refused, summary.faults) == (22, 18, ())
    assert progress_of(office, 1) == ("finished", 40, 40)


@pytest.mark.parametrize(
    "reply", ["550 5.1.1 no such user", "550 5.7.1 does not want it", "550 no"]
)
def test_refusals_of_readers_hold_nothing(office: Office, tmp_path: Path, reply: str) -> None:
    import_readers(office, 40)
    publish_one(office)
    with ScriptedServer({"RCPT": reply}).running() as server:
        summary = dispatch(office, tmp_path, over(server))
    assert (summary.refused, summary.due, summary.faults) == (40, 0, ())
    assert progress_of(office, 1) == ("finished", 40, 40)


def test_what_is_put_off_after_the_dot_holds_nothing(office: Office, tmp_path: Path) -> None:
    import_readers(office, 40)
    publish_one(office)
    with ScriptedServer({".": "451 4.2.0 greylisted"}).running() as server:
        summary = dispatch(office, tmp_path, over(server))
    assert (summary.deferred, summary.faults) == (40, ())
    assert progress_of(office, 1) == ("open", 0, 40)


def test_a_held_mailing_that_is_resumed_sends_the_rest_and_retry_the_refused(
    office: Office, tmp_path: Path, clock: Clock
) -> None:
    names = import_readers(office, 40)
    release = publish_one(office).release_id
    with ScriptedServer({".": BARE}).running() as server:
        dispatch(office, tmp_path, over(server, connections=1))
    refused = {name for name, state in fates(office).items() if state == "refused"}
    assert LIMIT <= len(refused) <= LIMIT + 1
    with ScriptedServer().running() as server:
        assert not dispatch(office, tmp_path, over(server)).worked, "held is held"
        control.resume(office, release, who="kim")
        assert dispatch(office, tmp_path, over(server)).accepted == 40 - len(refused)
        assert set(recipients(server)) == set(names) - refused
        assert progress_of(office, 1) == ("finished", 40, 40)
        assert retry(office, who="kim", release_id=release, kinds=["refused"]).total == len(refused)
        assert dispatch(office, tmp_path, over(server)).accepted == len(refused)
        assert recipients(server) == dict.fromkeys(names, 1)
    assert states(office) == {"accepted": 40}
    assert proof.verify(office).ok


def test_what_is_said_of_us_comes_back_by_itself(
    office: Office, tmp_path: Path, clock: Clock
) -> None:
    """A filter's verdict on content is ours to mend: no reader is given up for it."""
    names = import_readers(office, 40)
    release = publish_one(office).release_id
    with ScriptedServer({".": SPAM}).running() as server:
        summary = dispatch(office, tmp_path, over(server, connections=1))
    assert (summary.due, states(office)) == (40, {"due": 40})
    clock.move(minutes=1)
    control.resume(office, release, who="kim")
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server)).accepted == 40
        assert recipients(server) == dict.fromkeys(names, 1)


def test_a_watch_goes_on_with_a_mailing_that_was_resumed_and_holds_it_again(
    office: Office, tmp_path: Path
) -> None:
    names = import_readers(office, 60)
    release = publish_one(office).release_id

    async def story(server: ScriptedServer) -> None:
        watch = dispatcher(
            office, tmp_path, over(server, connections=1), watch=True, poll_seconds=0.02
        )
        running = asyncio.create_task(watch.run())
        for times in (1, 2):
            await until(lambda: progress_of(office, 1)[0] == "held")
            await until(lambda: not watch.progress().in_hand)
            assert times * LIMIT <= watch.progress().refused <= times * (LIMIT + 1)
            control.resume(office, release, who="kim")
            watch.wake()
        await until(lambda: progress_of(office, 1)[0] == "finished")
        watch.stop()
        summary = await running
        assert summary.accepted + summary.refused == len(names)

    dots: list[Step] = [*[BARE] * (LIMIT + 1), None, *[BARE] * (LIMIT + 1)]
    with ScriptedServer({".": dots}).running() as server:
        asyncio.run(story(server))


def test_a_notice_that_is_refused_again_and_again_stops_the_run(
    office: Office, tmp_path: Path
) -> None:
    """There is no mailing to hold: whoever signs up gets nothing, and the operator must hear of it."""
    for number in range(LIMIT + 4):
        sign_up(office, f"anna{number}@example.org")
    with ScriptedServer({".": BARE}).running() as server:
        summary = dispatch(office, tmp_path, over(server, connections=1))
    assert LIMIT <= summary.refused <= LIMIT + 1
    assert "again and again" in summary.faults[0]


# Not fit to be sent.


def test_a_message_that_cannot_be_made_holds_its_mailing_alone(
    office: Office, tmp_path: Path
) -> None:
    _, others = two_mailings(office)
    with office.database.write() as connection:
        ours = prepared.c.mailing_id == 1
        kept = connection.execute(select(prepared.c.content).where(ours)).scalar_one()
        odd = kept + b"\0no_such_slot\0\r\n"
        connection.execute(prepared.update().where(ours).values(content=odd))
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert recipients(server) == dict.fromkeys(others, 1)
    assert (summary.accepted, len(summary.faults)) == (40, 1)
    assert "cannot be made" in hold_reason(office, 1)
    assert "no_such_slot" in hold_reason(office, 1)
    assert progress_of(office, 1) == ("held", 0, 40)
    assert progress_of(office, 2) == ("finished", 40, 40)
    assert attempts(office) == [], "nothing was tried"


LONG = edition("Den lange", "Meget lang tale. " * 600)


def test_a_mailing_too_big_for_the_relay_is_held_at_once(office: Office, tmp_path: Path) -> None:
    _, others = two_mailings(office, LONG)
    with ScriptedServer(extensions=["PIPELINING", "SIZE 20000"]).running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert recipients(server) == dict.fromkeys(others, 1)
        assert sum(one.startswith("MAIL") for one in server.commands) == 40, "the long one: never"
    assert (summary.accepted, len(summary.faults)) == (40, 1)
    assert progress_of(office, 1) == ("held", 0, 40)
    assert "20000" in hold_reason(office, 1).replace(",", "")
    assert progress_of(office, 2) == ("finished", 40, 40)


@pytest.mark.parametrize("reply", ["552 5.3.4 too big", "552 message size exceeds the limit"])
def test_so_is_one_whose_size_it_refuses_when_told(
    office: Office, tmp_path: Path, reply: str
) -> None:
    """The limit may be a user's own, and known to the relay alone."""
    _, others = two_mailings(office, LONG)
    with ScriptedServer(
        {"MAIL @um.example": reply}, extensions=["PIPELINING", "SIZE"]
    ).running() as server:
        summary = dispatch(office, tmp_path, over(server, connections=1))
        assert recipients(server) == dict.fromkeys(others, 1)
    assert (summary.accepted, len(summary.faults)) == (40, 1)
    assert progress_of(office, 1) == ("held", 0, 40)
    assert reply.removeprefix("552 ").removeprefix("5.3.4 ") in hold_reason(office, 1)
    assert progress_of(office, 2) == ("finished", 40, 40)


# A database that is away.


@pytest.fixture
def troubled(office: Office) -> Iterator[Troubled]:
    """The office's database, by a door that can be made to stick."""
    database = Troubled(office.database.engine.url.render_as_string(hide_password=False))
    yield database
    database.close()


def test_nothing_is_begun_past_a_lease_while_the_database_is_away(
    office: Office, troubled: Troubled, tmp_path: Path
) -> None:
    """The relay answers long after the lease has ended; when the database is back the watch goes on."""
    names = import_readers(office, 60)
    publish_one(office)
    limits = replace(office.limits, lease=timedelta(seconds=0.6))
    short = replace(office, database=troubled, limits=limits)
    gate = Gate()

    async def story(server: ScriptedServer) -> None:
        watch = dispatcher(
            short, tmp_path, over(server, connections=1), watch=True, poll_seconds=0.02
        )
        with hearing("database away", "mailer.services.ledger_thread") as away:
            running = asyncio.create_task(watch.run())
            await gate.arrived()
            troubled.script = ["refused"] * 1000
            await away.wait()
        over_by = own_time() + limits.lease.total_seconds()
        await until(lambda: own_time() > over_by)
        gate.open()
        with hearing("database away", "mailer.services.ledger_thread") as still_away:
            await until(lambda: watch.progress().accepted == 10)
            await still_away.wait()
        begun = [one for one in server.commands if one.startswith("MAIL")]
        assert (len(server.messages), len(begun)) == (10, 11), "one that was asked for in time"
        troubled.script = []
        await asyncio.to_thread(server.wait_for, 60)
        watch.stop()
        summary = await running
        assert (summary.accepted, summary.due) == (60, 0)

    with ScriptedServer({".": [*[None] * 9, gate]}).running() as server:
        asyncio.run(story(server))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert attempts(office) == []
    assert states(office) == {"accepted": 60}
    assert proof.verify(office).ok
