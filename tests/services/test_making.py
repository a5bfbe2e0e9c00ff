"""Messages that take long to make are made in threads, ahead of their lines: all of them, or by the line."""

import asyncio
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from support.desk import approve, attempts, import_readers, progress_of, publish_one, states
from support.dispatching import (
    delivery_of,
    dispatch,
    dispatcher,
    fates,
    one_pass,
    over,
    recipients,
    until,
)
from support.offices import KEFM, Clock, make_office
from support.readers import sign_up
from support.routes import Still, route_to
from support.scripted_server import Gate, ScriptedServer
from support.signatures import signers, verdicts

from mailer.core.delivery import Due, Purpose
from mailer.core.token import Marks, Tokens
from mailer.mail.compose import Composer
from mailer.mail.message import Message
from mailer.mail.prepare import Prepared
from mailer.services import control, proof
from mailer.services.bookkeeper import Letter
from mailer.services.domains import Domains
from mailer.services.feed import Feed
from mailer.services.making import BATCH, Maker
from mailer.services.office import Office
from mailer.services.route import Routes
from mailer.store.database import Database
from mailer.store.ledger_tables import prepared as prepared_rows

AT = datetime(2026, 3, 2, tzinfo=UTC)
HEAD = b"From: Presse <presse@um.example>\r\nTo:\0to\0\r\nSubject: Nyt\r\n\r\nHej\r\n"
SIGNED = Prepared(Purpose.RELEASE, "da", "Nyt", "b@um.example", HEAD)
PLAIN = replace(SIGNED, content=HEAD.replace(b"um.example", b"kefm.example"))
UNFIT = replace(SIGNED, content=HEAD + b"\0no_such_slot\0\r\n")


def letters(first: int, count: int, prepared: Prepared = SIGNED) -> list[Letter]:
    return [
        Letter(Due(number, Purpose.RELEASE, 1, 1, f"a{number}@example.org", AT, 0, 1), prepared)
        for number in range(first, first + count)
    ]


class Watched(Composer):
    """A composer that notes its threads; those that sign stop as long as they are told to."""

    def __init__(self) -> None:
        super().__init__(Tokens(["a key"]), Marks(["another"]), signers=signers("rsa"))
        self.threads: set[str] = set()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.begun = threading.Event()

    def compose(self, prepared: Prepared, due: Due) -> Message:
        thread = threading.current_thread().name
        self.threads.add(thread)
        self.begun.set()
        assert not thread.startswith("signing") or self.may_go_on.wait(10)
        return super().compose(prepared, due)


class Desk:
    """A maker between nothing and a feed that one line takes from."""

    def __init__(self) -> None:
        self.composer = Watched()
        clock = Still()
        self.route = route_to("r", clock)
        self.feed = Feed(Routes([self.route]), Domains({}), lambda: True, clock)
        self.maker = Maker(self.composer, self.feed)

    async def taken(self, count: int) -> list[Letter]:
        """Wait for so many letters."""
        found: list[Letter] = []
        async with asyncio.timeout(10):
            while len(found) < count and await self.feed.ready(self.route):
                if (letter := self.feed.take(self.route)) is not None:
                    found.append(letter)
        return found


def test_what_is_made_in_no_time_is_made_in_the_loop_batch_by_batch() -> None:
    async def story() -> None:
        at = Desk()
        count = 2 * BATCH + 5
        at.maker.put(letters(1, count, PLAIN))
        assert at.maker.busy
        assert len(at.feed) == BATCH, "the lines have their turn first"
        found = await at.taken(count)
        assert [each._replace(message=None) for each in found] == letters(1, count, PLAIN)
        own = [each.message.recipient for each in found if each.message]
        assert own == [each.due.mailbox for each in found]
        assert at.composer.threads == {threading.current_thread().name}
        await at.maker.close()
        assert not at.maker.busy

    asyncio.run(story())


def test_what_rsa_signs_is_made_in_threads_and_none_is_missing() -> None:
    count = 3 * BATCH + 5

    async def story() -> None:
        at = Desk()
        at.maker.put(letters(1, count))
        assert at.maker.busy
        assert len(at.feed) == 0
        found = await at.taken(count)
        assert Counter(each.due.id for each in found) == Counter(range(1, count + 1))
        for each in found:
            assert each.message is not None
            assert each.message.recipient == each.due.mailbox
        for first in range(1, count + 1, BATCH):
            batch = range(first, first + BATCH)
            theirs = [each.due.id for each in found if each.due.id in batch]
            assert theirs == sorted(theirs), "in order but for what threads overtake"
        assert verdicts(found[0].message.content if found[0].message else b"") == [True]
        assert all(name.startswith("signing") for name in at.composer.threads)
        await at.maker.close()
        assert not at.maker.busy

    asyncio.run(story())


def test_letters_of_other_mailings_do_not_wait_for_those_that_are_made() -> None:
    async def story() -> None:
        at = Desk()
        at.composer.may_go_on.clear()
        at.maker.put([*letters(1, 5), *letters(6, 3, PLAIN), *letters(9, 2)])
        found = await at.taken(3)
        assert [each.due.id for each in found if each.message] == [6, 7, 8]
        at.composer.may_go_on.set()
        assert {each.due.id for each in await at.taken(7)} == {1, 2, 3, 4, 5, 9, 10}
        await at.maker.close()

    asyncio.run(story())


def test_what_cannot_be_made_ahead_is_passed_on_as_it_is() -> None:
    """The line that takes it finds out what is wrong, and tells."""

    async def story() -> None:
        at = Desk()
        at.maker.put([*letters(1, 2), *letters(3, 1, UNFIT), *letters(4, 1)])
        found = {each.due.id: each for each in await at.taken(4)}
        assert found[3] == letters(3, 1, UNFIT)[0]
        assert [number for number, each in found.items() if each.message is None] == [3]
        await at.maker.close()

    asyncio.run(story())


def test_closing_waits_for_the_threads_and_begins_no_more() -> None:
    async def story() -> None:
        at = Desk()
        at.composer.may_go_on.clear()
        at.maker.put(letters(1, 40 * BATCH))
        await asyncio.to_thread(at.composer.begun.wait, 10)
        asyncio.get_running_loop().call_later(0.01, at.composer.may_go_on.set)
        await at.maker.close()
        assert not at.maker.busy
        alive = [one.name for one in threading.enumerate() if one.name.startswith("signing")]
        assert alive == []
        assert len(at.feed) < 40 * BATCH

    asyncio.run(story())


def test_closing_what_never_made_anything() -> None:
    async def story() -> None:
        await Desk().maker.close()

    asyncio.run(story())


# In a dispatcher.


@pytest.fixture
def office(sqlite_database: Database, clock: Clock) -> Office:
    """An office whose first newsroom signs with RSA."""
    found = make_office(sqlite_database, clock)
    return replace(found, keys=replace(found.keys, signers=signers("rsa")))


def test_a_signed_mailing_is_sent_whole_and_in_order_enough(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 160)
    publish_one(office)
    sign_up(office, "anna@example.org")
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server)).accepted == 161
        assert recipients(server) == dict.fromkeys([*names, "anna@example.org"], 1)
        order = [
            delivery_of(each.content) for each in server.messages if "anna" not in each.recipient
        ]
        contents = [each.content for each in server.messages[::40]]
    assert all(abs(number - place) <= 4 * BATCH for place, number in enumerate(order))
    assert all(verdicts(content) == [True] for content in contents)
    assert attempts(office) == []
    assert proof.verify(office).ok


def test_a_stop_amid_making_loses_nobody(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 250)
    publish_one(office)
    first = Gate()

    async def story(server: ScriptedServer) -> int:
        stopped = dispatcher(office, tmp_path, over(server, connections=4))
        running = asyncio.create_task(stopped.run())
        await first.arrived()  # the first batch is made, many are not
        stopped.stop()
        first.open()
        summary = await running
        assert summary.accepted + summary.due == 250
        return summary.accepted

    with ScriptedServer({".": [first]}).running() as server:
        accepted = asyncio.run(story(server))
        assert states(office) == {"accepted": accepted, "due": 250 - accepted}
        assert attempts(office) == []
        assert list((tmp_path / "state").iterdir()) == []
        assert dispatch(office, tmp_path, over(server, connections=4)).accepted == 250 - accepted
        assert recipients(server) == dict.fromkeys(names, 1)


def test_a_run_cut_off_amid_making_loses_nobody(office: Office, tmp_path: Path) -> None:
    names = import_readers(office, 150)
    publish_one(office)
    first = Gate()

    async def story(server: ScriptedServer) -> None:
        running = asyncio.create_task(one_pass(office, tmp_path, over(server, connections=1)))
        await first.arrived()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        first.open()

    with ScriptedServer({"DATA": [first]}).running() as server:
        asyncio.run(story(server))
        assert states(office) == {"due": 150}
        assert attempts(office) == []
        assert dispatch(office, tmp_path, over(server)).accepted == 150
        assert recipients(server) == dict.fromkeys(names, 1)


def test_a_signed_letter_that_cannot_be_made_holds_its_mailing_alone(
    office: Office, tmp_path: Path
) -> None:
    names = import_readers(office, 60)
    publish_one(office, title="Den ene")
    publish_one(office, title="Den anden")
    with office.database.write() as connection:
        ours = prepared_rows.c.mailing_id == 1
        kept = connection.execute(select(prepared_rows.c.content).where(ours)).scalar_one()
        odd = kept + b"\0no_such_slot\0\r\n"
        connection.execute(prepared_rows.update().where(ours).values(content=odd))
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(server))
        assert recipients(server) == dict.fromkeys(names, 1)
    assert (summary.accepted, len(summary.faults)) == (60, 1)
    assert "no_such_slot" in summary.faults[0]
    assert progress_of(office, 1) == ("held", 0, 60)
    assert progress_of(office, 2) == ("finished", 60, 60)
    assert attempts(office) == []


def test_an_address_that_cannot_stand_in_a_mail_is_its_readers_alone(
    office: Office, tmp_path: Path
) -> None:
    import_readers(office, 30)
    publish_one(office)
    with office.database.write() as connection:
        connection.exec_driver_sql(
            "UPDATE subscriber SET mailbox = 'a b' || char(13) || '@example.org' WHERE id = 7"
        )
    with ScriptedServer().running() as server:
        summary = dispatch(office, tmp_path, over(server))
    assert (summary.accepted, summary.refused, summary.faults) == (29, 1, ())
    assert progress_of(office, 1) == ("finished", 30, 30)


def test_what_is_being_made_of_a_cancelled_mailing_is_not_sent(
    office: Office, tmp_path: Path
) -> None:
    import_readers(office, 250)
    release = publish_one(office).release_id
    first = Gate()

    async def story(server: ScriptedServer) -> None:
        running = dispatcher(office, tmp_path, over(server, connections=4))
        passing = asyncio.create_task(running.run())
        await first.arrived()
        cancelling = asyncio.create_task(
            asyncio.to_thread(control.cancel, office, release, who="kim", patience=10)
        )
        await until(lambda: running.progress().in_hand <= 2)
        first.open()
        answer = await cancelling
        await passing
        found = Counter(fates(office).values())
        assert answer.calm
        assert found == {"accepted": len(server.messages), "cancelled": 250 - len(server.messages)}
        assert set(recipients(server).values()) == {1}

    with ScriptedServer({".": [first]}).running() as server:
        asyncio.run(story(server))


def test_a_newsroom_without_a_key_does_not_wait_for_one_with(
    office: Office, tmp_path: Path
) -> None:
    import_readers(office, 100)
    import_readers(office, 20, newsroom=KEFM, prefix="kefm")
    publish_one(office)
    approve(office, newsroom=KEFM)
    with ScriptedServer().running() as server:
        assert dispatch(office, tmp_path, over(server, connections=1)).accepted == 120
        kinds = ["kefm" in each.recipient for each in server.messages]
    assert sum(kinds) == 20
    assert sum(kinds[:40]) >= 18, "theirs left while the others were being signed"
