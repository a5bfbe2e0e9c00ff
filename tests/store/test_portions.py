"""An audience is written in portions, and is the same as if it had been written at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text
from support.desk import (
    ACCEPTED,
    chunks,
    import_readers,
    progress_of,
    publish_one,
    race,
    states,
)
from support.dispatching import dispatch, over, recipients
from support.offices import KEFM, Clock, make_office
from support.postgres import until_waited_for
from support.readers import PAGE, leave_token, make_active, sign_up
from support.scripted_server import ScriptedServer
from support.workers import give_back, record, take

from mailer.core.address import parse_address
from mailer.services import leaving, people, proof, standing
from mailer.services.office import Limits, Office
from mailer.store import control, mailings, portions, progress
from mailer.store.database import Database
from mailer.store.ledger_tables import delivery
from mailer.store.mailings import MailingRow

PORTION = 4


@pytest.fixture
def office(office: Office) -> Office:
    return replace(office, limits=Limits(portion=PORTION))


def the_mailing(office: Office) -> MailingRow:
    with office.database.read() as connection:
        (row,) = mailings.mailings(connection)
    return row


def owed(office: Office) -> list[int]:
    query = select(delivery.c.subscription_id).where(delivery.c.mailing_id == 1)
    with office.database.read() as connection:
        return sorted(connection.scalars(query))


def change(office: Office, statement: str) -> None:
    with office.database.write() as connection:
        connection.execute(text(statement))


def send_all(office: Office, worker: str = "one") -> list[int]:
    """Send whatever is due, notices too; which subscriptions the mailing reached, in order."""
    sent: list[int] = []
    while handed := take(office, 3, worker):
        record(office, handed, ACCEPTED, worker=worker)
        sent += [due.subscription_id for due in handed if due.mailing_id]
    give_back(office, worker)
    return sent


@pytest.fixture
def postgresql(postgresql_database: Database, clock: Clock) -> Office:
    return replace(make_office(postgresql_database, clock), limits=Limits(portion=PORTION))


@contextmanager
def writing(office: Office) -> Iterator[Connection]:
    """The transaction of a dispatcher that writes rows of mailing 1."""
    with office.database.write() as connection:
        assert mailings.locked_unwritten(connection, 1, state="open") is not None
        yield connection


def sweep(office: Office) -> int:
    with office.database.write() as connection:
        return control.sweep(connection, office.clock())


@pytest.mark.parametrize("count", [PORTION - 1, PORTION, PORTION + 1, 3 * PORTION])
def test_everybody_is_owed_once_and_the_end_is_found(office: Office, count: int) -> None:
    import_readers(office, count)
    done = publish_one(office)
    assert done.audience == count
    assert len(owed(office)) == min(count, PORTION)
    assert sorted(send_all(office)) == owed(office) == list(range(1, count + 1))
    assert progress_of(office, 1) == ("finished", count, count)
    row = the_mailing(office)
    assert (row.fanned_to, row.unwritten) == (None, 0)
    assert proof.verify(office).ok


def test_what_is_unwritten_is_still_due(office: Office) -> None:
    import_readers(office, 10)
    publish_one(office)
    (account,) = proof.verify(office).mailings
    assert (account.states, account.gaps) == ({"due": 10}, ())
    with office.database.read() as connection:
        assert progress.due_later(connection) == progress.outstanding(connection) == 10
    assert standing.status(office).waiting["releases"] == 10


def test_who_leaves_before_the_row_is_written_is_on_record_and_not_mailed(office: Office) -> None:
    for number in range(1, 8):
        make_active(office, f"reader{number}@example.org")
    publish_one(office)
    leaving.leave(office, token=leave_token(office, 6), origin=PAGE)
    people.suppress(office, address=parse_address("reader7@example.org"), reason="complaint")
    assert send_all(office) == [1, 2, 3, 4, 5]
    assert progress_of(office, 1) == ("finished", 7, 7)
    (account,) = proof.verify(office).mailings
    assert (account.states, account.gaps) == ({"accepted": 5, "ended": 2}, ())


def test_who_confirms_after_publishing_waits_for_the_next_release(office: Office) -> None:
    import_readers(office, 6)
    sign_up(office, "pending@example.org")
    make_active(office, "elsewhere@example.org", newsroom=KEFM)
    publish_one(office)
    make_active(office, "pending@example.org")
    make_active(office, "new@example.org")
    leaving.leave(office, token=leave_token(office, 6), origin=PAGE)
    make_active(office, "reader5@example.org")  # and comes back: it was owed this one all the time
    assert send_all(office) == [1, 2, 3, 4, 5, 6]
    assert proof.verify(office).ok


def test_a_stretch_of_subscriptions_without_readers_is_passed_over(office: Office) -> None:
    import_readers(office, 4)
    for number in range(3 * PORTION):
        sign_up(office, f"pending{number}@example.org")
    import_readers(office, 2, prefix="late")
    publish_one(office)
    assert len(send_all(office)) == 6
    assert progress_of(office, 1) == ("finished", 6, 6)


def test_cancelling_puts_everybody_on_record(office: Office) -> None:
    import_readers(office, 11)
    publish_one(office)
    handed = take(office, 2)
    with office.database.write() as connection:
        assert control.cancel(connection, 1, office.clock())
    while sweep(office):
        pass
    assert the_mailing(office).finished_at is None, "two are in hand"
    record(office, handed)
    give_back(office)
    sweep(office)
    assert states(office) == {"accepted": 2, "cancelled": 9}
    assert progress_of(office, 1) == ("cancelled", 11, 11)
    assert the_mailing(office).finished_at is not None
    assert proof.verify(office).ok


def test_a_held_mailing_writes_nothing_and_goes_on_where_it_was(office: Office) -> None:
    import_readers(office, 9)
    publish_one(office)
    first = take(office, 4)
    record(office, first)
    with office.database.write() as connection:
        assert control.pause(connection, 1, "a second thought")
    assert take(office, 4) == []
    assert len(owed(office)) == PORTION
    with office.database.write() as connection:
        assert control.resume(connection, 1, office.clock())
    assert progress_of(office, 1)[0] == "open", "all that is written is settled, and five are not"
    assert len(send_all(office)) == 5
    assert proof.verify(office).ok


def test_dispatchers_at_once_write_each_portion_once(office: Office) -> None:
    import_readers(office, 60)
    publish_one(office)

    def dispatch(worker: str) -> list[int]:
        sent = send_all(office, worker)
        while the_mailing(office).state != "finished":
            sent += send_all(office, worker)
        return sent

    sent = race(*[lambda name=name: dispatch(name) for name in ("one", "two", "three")])
    assert sorted(number for some in sent for number in some) == owed(office) == [*range(1, 61)]
    assert proof.verify(office).ok
    assert [(row.mark, row.state) for row in chunks(office)] == [
        (row.hi, "done") for row in chunks(office)
    ]


def test_what_subscriptions_say_and_the_history_does_not_is_told(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    import_readers(office, 6)
    sign_up(office, "never@example.org")
    change(office, "UPDATE subscription SET state = 'active' WHERE id = 7")
    done = publish_one(office)
    assert done.audience == 7
    assert send_all(office) == [1, 2, 3, 4, 5, 6]
    assert progress_of(office, 1) == ("finished", 6, 6)
    (told,) = [one for one in caplog.records if "disagree" in one.message]
    assert told.__dict__["counted_and_not_found"] == 1


# Ahead of need.


def owe_ahead(office: Office, *, wait: bool = False) -> bool:
    with office.database.write() as connection:
        return portions.owe_ahead(connection, wait=wait)


def test_rows_are_written_ahead_until_enough_chunks_are_free(office: Office) -> None:
    import_readers(office, 10 * PORTION)
    publish_one(office)
    wrote = [owe_ahead(office) for _ in range(portions.AHEAD)]
    assert wrote == [True] * (portions.AHEAD - 1) + [False]
    assert [row.state for row in chunks(office)] == ["open"] * portions.AHEAD
    assert len(take(office, 2 * PORTION)) == 2 * PORTION
    assert [owe_ahead(office) for _ in range(3)] == [True, True, False], "as many as were taken"
    assert owed(office) == list(range(1, 6 * PORTION + 1))
    assert proof.verify(office).ok


def test_nothing_is_written_ahead_of_what_is_not_sent(office: Office) -> None:
    """Of a mailing that is held or over; and when there is nothing more to write."""
    import_readers(office, 3 * PORTION)
    publish_one(office)
    with office.database.write() as connection:
        assert control.pause(connection, 1, "by the desk")
    assert not owe_ahead(office)
    with office.database.write() as connection:
        assert control.resume(connection, 1, office.clock())
    assert [owe_ahead(office) for _ in range(3)] == [True, True, False]
    assert the_mailing(office).unwritten == 0
    assert sorted(send_all(office)) == list(range(1, 3 * PORTION + 1))
    assert not owe_ahead(office)


def test_a_mailing_that_somebody_writes_to_is_passed_over_or_waited_for(
    postgresql: Office,
) -> None:
    import_readers(postgresql, 10 * PORTION)
    publish_one(postgresql)
    with ThreadPoolExecutor(1) as pool:
        with writing(postgresql) as connection:
            assert not owe_ahead(postgresql)
            waiting = pool.submit(owe_ahead, postgresql, wait=True)
            until_waited_for(connection)
            portions.owe_more(connection, 1)
        assert waiting.result(10), "one chunk more was not enough"
        assert len(chunks(postgresql)) == 3
        with writing(postgresql) as connection:
            waiting = pool.submit(owe_ahead, postgresql, wait=True)
            until_waited_for(connection)
            portions.owe_more(connection, 1)
        assert not waiting.result(10), "the portion that was waited for was enough"
    assert len(chunks(postgresql)) == portions.AHEAD


def test_a_pass_does_not_end_while_another_writes_the_next_rows(
    postgresql: Office, tmp_path: Path
) -> None:
    """Several workers of one pass begin at once: who finds nothing yet has not come for nothing."""
    names = import_readers(postgresql, 3 * PORTION)
    publish_one(postgresql)
    first = take(postgresql, PORTION)
    record(postgresql, first, ACCEPTED)
    give_back(postgresql)
    with ScriptedServer().running() as server, ThreadPoolExecutor(1) as pool:
        with writing(postgresql) as connection:
            run = pool.submit(dispatch, postgresql, tmp_path, over(server))
            until_waited_for(connection)
        assert run.result(30).accepted == 2 * PORTION
        assert recipients(server) == dict.fromkeys(set(names) - {due.mailbox for due in first}, 1)
    assert progress_of(postgresql, 1) == ("finished", 3 * PORTION, 3 * PORTION)
