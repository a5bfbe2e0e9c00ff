"""What an operator makes due again is due at once, counted back, and nothing else is touched."""

from datetime import timedelta

import pytest
from support.desk import (
    ACCEPTED,
    DEFERRED,
    REFUSED,
    UNKNOWN,
    came_of,
    import_readers,
    lease,
    progress_of,
    publish_one,
    row_of,
    states,
)
from support.offices import KEFM, Clock
from support.readers import sign_up
from support.workers import cut_finely, record, take

from mailer.core.delivery import Due
from mailer.services import proof
from mailer.services.office import Office
from mailer.store import control, doubts, outcomes, progress, retries


@pytest.fixture
def settled(office: Office) -> list[Due]:
    """Mailing 1 to nine readers: accepted, deferred, refused, expired and unknown, and one in hand."""
    import_readers(office, 9)
    publish_one(office)
    hold_unknowns(office)
    handed = take(office)
    record(office, handed[:1], ACCEPTED)
    record(office, handed[1:3], DEFERRED)
    record(office, handed[3:5], REFUSED)
    record(office, handed[6:8], UNKNOWN)
    with office.database.write() as connection:
        expired = [came_of(handed[5], DEFERRED, office, expired=True)]
        outcomes.record(connection, lease(office), expired)
    return handed


def hold_unknowns(office: Office) -> None:
    with office.database.write() as connection:
        connection.exec_driver_sql("UPDATE mailing SET unknown = 'hold'")


def reopen(office: Office, *kinds: str) -> dict[str, int]:
    """Reopen, after a count that must say the same."""
    with office.database.write() as connection:
        counted = retries.retriable(connection, 1, kinds, office.clock())
        done = retries.reopen(connection, 1, kinds, office.clock())
    assert done in ({}, counted)
    return done


def test_what_is_amiss_and_what_waits_is_counted(office: Office, settled: list[Due]) -> None:
    with office.database.read() as connection:
        assert retries.amiss(connection, 1) == {"refused": 2, "expired": 1, "unknown": 2}
        assert retries.deferred(connection, 1) == 2
        assert retries.amiss(connection, 99) == {}


def test_what_waits_is_due_now_and_its_attempts_are_kept(
    office: Office, settled: list[Due]
) -> None:
    assert progress_of(office, 1) == ("open", 6, 9)
    assert reopen(office, "deferred") == {"deferred": 2}
    assert progress_of(office, 1) == ("open", 6, 9)
    assert [(due.id, due.attempts) for due in take(office)] == [(2, 1), (3, 1)]
    assert reopen(office, "deferred") == {"deferred": 0}, "they are in hand now"


@pytest.mark.parametrize(("kind", "number"), [("refused", 2), ("expired", 1), ("unknown", 2)])
def test_what_was_given_up_is_reopened_when_it_is_named(
    office: Office, settled: list[Due], kind: str, number: int
) -> None:
    before = states(office)
    assert reopen(office, kind) == {kind: number}
    assert progress_of(office, 1) == ("open", 6 - number, 9)
    assert states(office)["due"] == before["due"] + number
    handed = take(office)
    assert len(handed) == number
    assert all(due.attempts == 1 and due.alone for due in handed)
    assert row_of(office, handed[0].id).settled_at is None
    record(office, handed)
    assert progress_of(office, 1) == ("open", 6, 9)
    assert proof.verify(office).ok


def test_a_finished_mailing_is_open_again_until_all_is_settled(
    office: Office, settled: list[Due], clock: Clock
) -> None:
    record(office, settled[8:])
    clock.move(minutes=10)
    record(office, take(office), REFUSED)
    assert progress_of(office, 1) == ("finished", 9, 9)
    assert reopen(office, "deferred", "expired") == {"deferred": 0, "expired": 1}
    assert progress_of(office, 1) == ("open", 8, 9)
    with office.database.read() as connection:
        assert progress.anything_due(connection, office.clock())
    record(office, take(office))
    assert progress_of(office, 1) == ("finished", 9, 9)
    assert proof.verify(office).ok


def test_nothing_of_a_cancelled_mailing_is_reopened(office: Office, settled: list[Due]) -> None:
    record(office, settled[8:])
    with office.database.write() as connection:
        control.cancel(connection, 1, office.clock())
    before = states(office)
    assert reopen(office, *retries.KINDS) == {}
    assert states(office) == before
    assert proof.verify(office).ok


def test_a_held_mailing_stays_held(office: Office, settled: list[Due]) -> None:
    with office.database.write() as connection:
        control.pause(connection, 1, "why not")
    assert reopen(office, "refused") == {"refused": 2}
    assert progress_of(office, 1) == ("held", 4, 9)
    assert take(office) == []


def test_notices_that_wait_are_hastened_by_newsroom(office: Office) -> None:
    sign_up(office, "anna@example.org")
    record(office, take(office), DEFERRED)

    def hasten(newsroom: str | None) -> int:
        with office.database.write() as connection:
            counted = retries.waiting_notices(connection, newsroom, office.clock())
            assert retries.hasten_notices(connection, newsroom, office.clock()) == counted
        return counted

    assert hasten("kefm") == 0
    assert take(office) == []
    assert hasten("um") == 1
    assert len(take(office)) == 1
    assert hasten(None) == 0


def test_a_notice_that_awaits_its_turn_is_not_hastened(office: Office) -> None:
    """Nothing went wrong with it: it waits so that nobody can fill a stranger's mailbox."""
    sign_up(office, "anna@example.org")
    sign_up(office, "anna@example.org", newsroom=KEFM)
    with office.database.read() as connection:
        assert retries.waiting_notices(connection, None, office.clock()) == 0


def test_a_doubt_tells_of_its_last_attempt(
    office: Office, settled: list[Due], clock: Clock
) -> None:
    with office.database.read() as connection:
        found = doubts.doubts(connection, 1)
    assert [one.due.id for one in found] == [7, 8]
    first = found[0]
    assert (first.at, first.relay, first.phase) == (office.clock(), "r", "content")
    assert (first.reply, first.due.mailbox) == ("no reply", "reader6@example.org")
    reopen(office, "unknown")
    clock.move(minutes=1)
    record(office, take(office, 1), UNKNOWN)
    with office.database.read() as connection:
        (again,) = doubts.doubts(connection, 1)
    assert (again.at, again.due.attempts) == (first.at + timedelta(minutes=1), 2)


@pytest.mark.parametrize("state", ["accepted", "refused", "due"])
def test_a_doubt_is_settled_once(office: Office, settled: list[Due], state: str) -> None:
    def settle(*numbers: int) -> list[int]:
        with office.database.write() as connection:
            return doubts.settle(connection, 1, numbers, state=state, now=office.clock())

    assert settle(8, 1, 99) == [8], "delivery 1 was accepted, and there is no 99"
    assert settle(8) == []
    row = row_of(office, 8)
    now = office.clock()
    assert row.state == state
    assert (row.settled_at, row.due_at) == ((None, now) if state == "due" else (now, None))
    assert progress_of(office, 1) == ("open", 5 if state == "due" else 6, 9)
    with office.database.read() as connection:
        assert doubts.states_of(connection, 1, [1, 8, 99]) == {1: "accepted", 8: state}
        assert doubts.states_of(connection, 2, [1]) == {}
    assert proof.verify(office).ok


def test_nothing_of_a_cancelled_mailing_is_sent_again(office: Office, settled: list[Due]) -> None:
    with office.database.write() as connection:
        control.cancel(connection, 1, office.clock())
        assert doubts.settle(connection, 1, [7, 8], state="due", now=office.clock()) == []
        assert doubts.settle(connection, 1, [7], state="accepted", now=office.clock()) == [7]


def test_more_deliveries_than_one_statement_can_name(office: Office) -> None:
    import_readers(office, 1100)
    publish_one(office)
    cut_finely(office, 1, size=1100)
    hold_unknowns(office)
    handed = take(office, 1100)
    record(office, handed, UNKNOWN)
    with office.database.write() as connection:
        done = doubts.settle(
            connection, 1, [due.id for due in handed], state="accepted", now=office.clock()
        )
    assert len(done) == 1100
    assert states(office) == {"accepted": 1100}
