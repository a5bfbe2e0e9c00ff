"""An audience is written in portions, and is the same as if it had been written at once."""

from dataclasses import replace

import pytest
from sqlalchemy import select, text
from support.desk import (
    ACCEPTED,
    chunks,
    import_readers,
    progress_of,
    publish_one,
    race,
    states,
)
from support.offices import KEFM
from support.readers import PAGE, leave_token, make_active, sign_up
from support.workers import give_back, record, take

from mailer.core.address import parse_address
from mailer.services import leaving, people, proof, standing
from mailer.services.office import Limits, Office
from mailer.store import control, mailings, progress
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
