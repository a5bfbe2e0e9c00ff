"""A pass over everything due: everybody gets their mail once, and what went wrong costs what it must."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select, text
from support.desk import (
    approve,
    attempts,
    chunks,
    import_readers,
    progress_of,
    publish_one,
    row_of,
    states,
)
from support.desk import text as edition
from support.dispatching import delivery_of, dispatch, dispatcher, one_pass, over, recipients
from support.offices import START, Clock, make_office
from support.readers import PAGE, leave_token, quiet, sign_up
from support.scripted_server import Fault, Script, ScriptedServer

from mailer.core.address import parse_address
from mailer.core.errors import ServiceMissing
from mailer.mail.folder import FolderTransport
from mailer.mail.transport import Line
from mailer.services import leaving, proof
from mailer.services.office import Office
from mailer.services.preview import preview
from mailer.store import control
from mailer.store.database import Database
from mailer.store.ledger_tables import prepared


def test_nothing_due_is_nothing_done(office: Office, tmp_path: Path) -> None:
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(server))
    assert not summary.worked
    assert (summary.due, summary.faults, summary.missing) == (0, (), False)
    assert server.connections == 0
    assert list((tmp_path / "state").iterdir()) == [], "its sign of life is gone"


def test_a_pass_publishes_sends_to_all_and_ends(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 70)
    release_id = approve(office)
    sign_up(office, "anna@example.org")
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert recipients(server) == dict.fromkeys([*names, "anna@example.org"], 1)
    assert (summary.accepted, summary.published, summary.due) == (71, 1, 0)
    assert summary.worked
    assert progress_of(office, 1) == ("finished", 70, 70)
    assert proof.verify(office, release_id).ok
    assert attempts(office) == []


def test_what_is_sent_is_what_the_preview_shows(office: Office, tmp_path: Path) -> None:
    import_readers(office, 3)
    release_id = approve(office)
    with ScriptedServer().running() as server:
        dispatch(office, tmp_path, over(server))
        for message in server.messages:
            shown = preview(office, release_id, parse_address(message.recipient))
            assert shown.content == message.content
            assert shown.sender == message.sender


def test_lines_are_kept_and_shared(office: Office, tmp_path: Path) -> None:
    import_readers(office, 40)
    publish_one(office)
    with ScriptedServer().running() as server:
        dispatch(office, tmp_path, over(server, connections=4))
        assert 1 <= server.connections <= 4
        assert server.commands.count("QUIT") == server.connections


def test_a_folder_takes_mail_too(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 20)
    publish_one(office)
    outbox = tmp_path / "outbox"
    assert dispatch(office, tmp_path, FolderTransport(outbox)).accepted == 20
    letters = sorted(outbox.glob("*.eml"))
    assert len(letters) == len(names)
    assert {delivery_of(letter.read_bytes()) for letter in letters} == set(range(1, 21))


def test_only_the_steps_that_are_asked_for(office: Office, tmp_path: Path, clock: Clock) -> None:
    sign_up(office, "anna@example.org")
    import_readers(office, 1)
    approve(office)

    def only(step: str) -> tuple[int, int]:
        async def run() -> tuple[int, int]:
            with ScriptedServer().running() as server:
                orders = dispatcher(office, tmp_path, over(server), steps=frozenset({step}))
                summary = await orders.run()
            return summary.published, summary.accepted

        return asyncio.run(run())

    assert only("upkeep") == (0, 0)
    assert only("publish") == (1, 0)
    assert only("send") == (0, 2)


def test_a_relay_that_is_not_there_costs_nothing(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 5)
    publish_one(office)
    with ScriptedServer().running() as server:
        port = server.port
    summary = dispatch(office, tmp_path, over(port))
    assert summary.missing
    assert (summary.accepted, summary.due) == (0, 5)
    assert "is not there" in summary.faults[0]
    assert attempts(office) == []
    assert {row_of(office, number).attempts for number in range(1, 6)} == {0}
    assert [(chunk.state, chunk.mark) for chunk in chunks(office)] == [("open", 0)]
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server)).accepted == 5
        assert recipients(server) == dict.fromkeys(names, 1)


def test_one_relay_of_two_is_enough(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 20)
    publish_one(office)
    with ScriptedServer().running() as gone:
        port = gone.port
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(port, name="gone"), over(server))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert (summary.accepted, summary.due) == (20, 0)


def test_no_relay_at_all_ends_too(office: Office, tmp_path: Path) -> None:
    import_readers(office, 1)
    publish_one(office)
    assert dispatch(office, tmp_path).due == 1


@pytest.mark.parametrize("last", [Fault.DROP, Fault.TAKE_AND_DROP])
def test_a_relay_that_dies_midway(
    office: Office, tmp_path: Path, clock: Clock, last: Fault
) -> None:
    """The third final dot gets no answer, and nobody listens after that."""
    names = import_readers(office, 6)
    publish_one(office)
    script: Script = {".": [None, None, last], "CONNECT": [None, Fault.DROP]}
    with ScriptedServer(script).running() as server:
        first = dispatch(office, tmp_path, over(server, connections=1))
        assert (first.accepted, first.unknown, first.due) == (2, 1, 4)
        assert first.missing
        assert attempts(office) == [(3, 1, "unknown")]
        second = dispatch(office, tmp_path, over(server, connections=1))
        assert (second.accepted, second.due) == (3, 1), "the doubtful one waits for its time"
        clock.move(minutes=5)
        assert dispatch(office, tmp_path, over(server, connections=1)).accepted == 1
        twice = [names[2]] if last is Fault.TAKE_AND_DROP else []
        assert recipients(server) == dict.fromkeys(names, 1) | dict.fromkeys(twice, 2)
        copies = [each.content for each in server.messages if each.recipient == names[2]]
        assert len(set(copies)) == 1, "a copy is the same message, to the byte"
    assert proof.verify(office).ok


def test_a_link_lost_before_the_dot_is_in_no_doubt(office: Office, tmp_path: Path) -> None:
    import_readers(office, 3)
    publish_one(office)
    with ScriptedServer({"DATA": [None, Fault.DROP]}).running() as server:
        summary = dispatch(office, tmp_path, over(server, connections=1))
    assert (summary.accepted, summary.deferred, summary.unknown) == (2, 1, 0)
    assert row_of(office, 2).attempts == 0, "that says nothing about the reader"


def test_the_policy_to_hold_sends_no_second_copy(
    office: Office, tmp_path: Path, clock: Clock
) -> None:
    import_readers(office, 3)
    publish_one(office)
    with office.database.write() as connection:
        connection.execute(text("UPDATE mailing SET unknown = 'hold'"))
    with ScriptedServer({".": [None, Fault.TAKE_AND_DROP]}).running() as server:
        assert dispatch(office, tmp_path, over(server, connections=1)).unknown == 1
        clock.move(days=2)
        dispatch(office, tmp_path, over(server))
        assert set(recipients(server).values()) == {1}
    assert states(office) == {"accepted": 2, "unknown": 1}
    assert proof.verify(office).ok


def test_put_off_by_the_reader_and_tried_again_in_time(
    office: Office, tmp_path: Path, clock: Clock
) -> None:
    import_readers(office, 3)
    publish_one(office)
    script: Script = {"RCPT reader1@example.org": ["450 4.2.2 full", "450 4.2.2 full"]}
    with ScriptedServer(script).running() as server:
        first = dispatch(office, tmp_path, over(server))
        assert (first.accepted, first.deferred, first.due) == (2, 1, 1)
        assert not dispatch(office, tmp_path, over(server)).worked, "its time has not come"
        clock.move(minutes=1)
        assert dispatch(office, tmp_path, over(server)).deferred == 1
        clock.move(minutes=5)
        assert dispatch(office, tmp_path, over(server)).accepted == 1
        assert len(server.messages) == 3
    assert attempts(office) == [(2, 1, "deferred"), (2, 2, "deferred"), (2, 3, "accepted")]
    assert progress_of(office, 1) == ("finished", 3, 3)


def test_old_news_is_no_news(office: Office, tmp_path: Path, clock: Clock) -> None:
    import_readers(office, 1)
    publish_one(office)
    with ScriptedServer({"RCPT": "450 4.2.2 full"}).running() as server:
        assert dispatch(office, tmp_path, over(server)).deferred == 1
        clock.move(hours=25)
        assert dispatch(office, tmp_path, over(server)).expired == 1
    assert states(office) == {"expired": 1}
    assert progress_of(office, 1) == ("finished", 1, 1)
    assert proof.verify(office).ok


def test_refused_for_the_reader_is_final_and_stops_nobody(office: Office, tmp_path: Path) -> None:
    import_readers(office, 5)
    publish_one(office)
    script = {"RCPT reader2@example.org": "550 5.1.1 no such user"}
    with ScriptedServer(script).running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert (summary.accepted, summary.refused, summary.due) == (4, 1, 0)
    assert summary.faults == ()
    assert row_of(office, 3).reply == "no such user"
    assert progress_of(office, 1) == ("finished", 5, 5)


def test_refused_for_us_stops_the_run_and_costs_nobody(
    office: Office, tmp_path: Path, clock: Clock
) -> None:
    names = import_readers(office, 40)
    publish_one(office)
    with ScriptedServer({"MAIL": "550 5.7.1 your network is not welcome"}).running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert (summary.accepted, summary.due) == (0, 40)
        assert "your network is not welcome" in summary.faults[0]
        assert 1 <= len([one for one in server.commands if one.startswith("MAIL")]) <= 2
    assert states(office) == {"due": 40}
    assert {row_of(office, number).attempts for number in range(1, 41)} == {0}
    clock.move(minutes=1)
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server)).accepted == 40
        assert recipients(server) == dict.fromkeys(names, 1)


def test_a_release_that_cannot_be_prepared_is_told_of_and_the_rest_goes_on(
    office: Office, tmp_path: Path
) -> None:
    import_readers(office, 1)
    held = approve(office, edition("For lang", "Meget lang. " * 20_000))
    approve(office, edition("Kort"))
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(server))
    assert (summary.accepted, summary.published) == (1, 1)
    assert f"release {held} is held" in summary.faults[0]
    assert "too long" in summary.faults[0]


def test_who_left_after_publishing_gets_nothing(office: Office, tmp_path: Path) -> None:
    import_readers(office, 3)
    publish_one(office)
    leaving.leave(quiet(office), token=leave_token(office, 2), origin=PAGE)
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server)).accepted == 2
        assert "reader1@example.org" not in recipients(server)
    assert states(office) == {"accepted": 2, "ended": 1}
    assert proof.verify(office).ok


def test_a_message_that_cannot_be_made_holds_its_mailing_and_loses_nobody(
    office: Office, tmp_path: Path
) -> None:
    names = import_readers(office, 40)
    publish_one(office)
    with office.database.write() as connection:
        kept = connection.execute(select(prepared.c.content)).scalar_one()
        connection.execute(prepared.update().values(content=kept + b"\0no_such_slot\0\r\n"))
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert "no_such_slot" in summary.faults[0]
        assert (summary.accepted, summary.due) == (0, 40)
        assert server.messages == []
        assert attempts(office) == []
        assert progress_of(office, 1) == ("held", 0, 40)
        with office.database.write() as connection:
            connection.execute(prepared.update().values(content=kept))
            assert control.resume(connection, 1, office.clock())
        assert dispatch(office, tmp_path, over(server)).accepted == 40
        assert recipients(server) == dict.fromkeys(names, 1)


class Broken:
    """A transport with a fault of our own in it."""

    name = "broken"
    connections = 2
    order = 1
    weight = 1
    messages_per_second = 0.0

    async def connect(self) -> Line:
        raise ZeroDivisionError


def test_a_transport_that_breaks_by_surprise_stops_the_run_and_loses_nobody(
    office: Office, tmp_path: Path
) -> None:
    import_readers(office, 4)
    publish_one(office)
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, Broken(), over(server))
        assert "ZeroDivisionError" in summary.faults[0]
        assert summary.accepted + summary.due == 4
        dispatch(office, tmp_path, over(server))
        assert set(recipients(server).values()) == {1}
        assert len(server.messages) == 4
    assert attempts(office) == []


def test_two_dispatchers_at_once_send_each_mail_once(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 120)
    publish_one(office, title="Den ene")
    publish_one(office, title="Den anden")

    async def both(server: ScriptedServer) -> list[int]:
        passes = [one_pass(office, tmp_path, over(server)) for _ in range(2)]
        return [summary.accepted for summary in await asyncio.gather(*passes)]

    with ScriptedServer().running() as server:
        accepted = asyncio.run(both(server))
        rest = dispatch(office, tmp_path, over(server)).accepted
        assert sum(accepted) + rest == 240
        assert recipients(server) == dict.fromkeys(names, 2)
        numbers = [delivery_of(each.content) for each in server.messages]
        assert len(set(numbers)) == len(numbers)
    assert attempts(office) == []
    assert proof.verify(office).ok


def test_a_database_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    office = make_office(Database("postgresql://nobody@127.0.0.1:1/none"))
    with ScriptedServer().running() as server, pytest.raises(ServiceMissing):
        dispatch(office, tmp_path, over(server))
    assert list((tmp_path / "state").iterdir()) == []


def test_every_copy_bears_the_date_the_delivery_was_made(
    office: Office, tmp_path: Path, clock: Clock
) -> None:
    import_readers(office, 1)
    publish_one(office)
    clock.move(hours=3)
    with ScriptedServer().running() as server:
        dispatch(office, tmp_path, over(server))
        assert START.strftime("Date: %a, %d %b %Y %H:%M:%S").encode() in server.messages[0].content
