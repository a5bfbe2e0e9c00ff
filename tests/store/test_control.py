"""A mailing stops where it was told to: what was handed out is accounted for, the rest never leaves."""

import threading
from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import text
from support.desk import (
    DEFERRED,
    REFUSED,
    UNKNOWN,
    chunks,
    import_readers,
    lease,
    progress_of,
    publish_one,
    row_of,
    states,
)
from support.offices import Clock, make_office
from support.workers import cut_finely, die, give_back, record, take

from mailer.services import proof
from mailer.services.office import Office
from mailer.store import control, ledger, mailings
from mailer.store.database import Database
from mailer.store.hands import Hand, in_hand, older_writers
from mailer.store.hands import moment as database_moment
from mailer.store.mailings import MailingRow


@pytest.fixture
def under_way(office: Office) -> Iterator[Office]:
    """An office with mailing 1 to nine readers; its account must add up at the end."""
    import_readers(office, 9)
    publish_one(office)
    yield office
    found = proof.verify(office)
    assert found.ok, found


def mailing_of(office: Office) -> MailingRow:
    with office.database.read() as connection:
        return mailings.mailings(connection)[0]


def pause(office: Office, reason: str = "why not") -> bool:
    with office.database.write() as connection:
        return control.pause(connection, 1, reason)


def resume(office: Office) -> bool:
    with office.database.write() as connection:
        return control.resume(connection, 1, office.clock())


def cancel(office: Office) -> bool:
    with office.database.write() as connection:
        return control.cancel(connection, 1, office.clock())


def sweep(office: Office) -> int:
    """Sweep once, if a look finds a mailing to sweep; the look must never miss one."""
    with office.database.write() as connection:
        ending = control.unswept(connection)
        settled = control.sweep(connection, office.clock())
    assert ending or not settled
    return settled


def hands(office: Office) -> list[Hand]:
    with office.database.read() as connection:
        return in_hand(connection, 1)


def test_nothing_more_is_handed_out_of_a_held_mailing(under_way: Office) -> None:
    handed = take(under_way, 2)
    assert pause(under_way, "x" * 400)
    assert mailing_of(under_way).hold_reason == "x" * 300
    assert take(under_way) == []
    record(under_way, handed)
    assert progress_of(under_way, 1) == ("held", 2, 9)
    assert not pause(under_way, "another reason")
    assert mailing_of(under_way).hold_reason == "x" * 300
    assert resume(under_way)
    assert not resume(under_way)
    assert mailing_of(under_way).hold_reason is None
    assert len(take(under_way)) == 7


def test_a_held_mailing_of_which_nothing_is_left_is_finished_when_resumed(
    under_way: Office,
) -> None:
    handed = take(under_way)
    pause(under_way)
    record(under_way, handed)
    assert progress_of(under_way, 1) == ("held", 9, 9)
    assert resume(under_way)
    assert progress_of(under_way, 1) == ("finished", 9, 9)
    assert mailing_of(under_way).finished_at == under_way.clock()


def test_what_was_never_handed_out_is_cancelled_at_once(under_way: Office) -> None:
    assert cancel(under_way)
    assert states(under_way) == {"cancelled": 9}
    assert progress_of(under_way, 1) == ("cancelled", 9, 9)
    assert mailing_of(under_way).finished_at == under_way.clock()
    assert {each.state for each in chunks(under_way)} == {"done"}
    row = row_of(under_way, 1)
    assert (row.settled_at, row.due_at, row.worker) == (under_way.clock(), None, None)
    assert not cancel(under_way)
    assert not pause(under_way)
    assert not resume(under_way)
    assert sweep(under_way) == 0


def test_a_held_mailing_can_be_cancelled(under_way: Office) -> None:
    pause(under_way)
    assert cancel(under_way)
    assert (mailing_of(under_way).state, mailing_of(under_way).hold_reason) == ("cancelled", None)
    assert take(under_way) == []


def test_a_finished_mailing_cannot_be_stopped(under_way: Office) -> None:
    record(under_way, take(under_way))
    assert [pause(under_way), cancel(under_way), resume(under_way)] == [False] * 3
    assert progress_of(under_way, 1) == ("finished", 9, 9)


def test_what_is_in_hand_when_it_is_cancelled_is_its_holders_to_tell(under_way: Office) -> None:
    handed = take(under_way, 4)
    assert hands(under_way) == [Hand("one", 4, lease(under_way).until)]
    cancel(under_way)
    assert states(under_way) == {"due": 4, "cancelled": 5}
    (leased,) = chunks(under_way)
    assert (leased.state, leased.mark, leased.hi) == ("leased", 4, 4), "its lease gives no more"
    assert mailing_of(under_way).finished_at is None
    assert take(under_way) == []
    record(under_way, handed[:1])
    record(under_way, handed[1:2], REFUSED)
    assert sweep(under_way) == 0
    give_back(under_way)
    assert hands(under_way) == []
    assert sweep(under_way) == 2
    assert states(under_way) == {"accepted": 1, "refused": 1, "cancelled": 7}
    assert progress_of(under_way, 1) == ("cancelled", 9, 9)
    assert mailing_of(under_way).finished_at == under_way.clock()


def test_a_mailing_whose_last_letter_comes_back_with_an_outcome_is_over(under_way: Office) -> None:
    handed = take(under_way, 4)
    cancel(under_way)
    record(under_way, handed[:3])
    record(under_way, handed[3:], DEFERRED)
    assert states(under_way) == {"accepted": 3, "due": 1, "cancelled": 5}
    assert sweep(under_way) == 1
    assert states(under_way) == {"accepted": 3, "cancelled": 6}
    assert mailing_of(under_way).finished_at is not None


def test_retries_are_cancelled_but_what_may_have_left_is_unknown(
    under_way: Office, clock: Clock
) -> None:
    handed = take(under_way, 5)
    record(under_way, handed[:2], DEFERRED)
    record(under_way, handed[2:4], UNKNOWN)
    clock.move(minutes=10)
    (held,) = take(under_way, 1, "two")
    assert {hand.worker: hand.letters for hand in hands(under_way)} == {"one": 1, "two": 1}
    cancel(under_way)
    assert row_of(under_way, held.id).state == "due"
    record(under_way, [held], DEFERRED, worker="two")
    record(under_way, handed[4:], UNKNOWN)
    sweep(under_way)
    assert states(under_way) == {"cancelled": 6, "unknown": 3}
    assert progress_of(under_way, 1) == ("cancelled", 9, 9)
    assert row_of(under_way, handed[2].id).due_at is None


def test_what_a_dead_dispatcher_held_is_unknown_and_not_sent_again(under_way: Office) -> None:
    take(under_way, 4)
    cancel(under_way)
    assert die(under_way) == 4
    sweep(under_way)
    assert states(under_way) == {"unknown": 4, "cancelled": 5}
    assert progress_of(under_way, 1) == ("cancelled", 9, 9)
    assert mailing_of(under_way).finished_at is not None


def test_a_large_mailing_is_settled_part_by_part(office: Office) -> None:
    import_readers(office, 100)
    publish_one(office)
    cut_finely(office, 1, size=1)
    handed = take(office, 2)
    assert cancel(office)
    assert states(office) == {"due": 60, "cancelled": 40}, "forty chunks at once"
    assert [sweep(office), sweep(office), sweep(office)] == [40, 18, 0]
    assert states(office) == {"due": 2, "cancelled": 98}
    record(office, handed)
    assert sweep(office) == 0
    assert progress_of(office, 1) == ("cancelled", 100, 100)
    assert mailing_of(office).finished_at is not None
    assert proof.verify(office).ok


def test_other_mailings_and_notices_go_on(under_way: Office) -> None:
    publish_one(under_way, title="Det andet")
    pause(under_way)
    assert {due.mailing_id for due in take(under_way)} == {2}
    give_back(under_way)
    cancel(under_way)
    assert {due.mailing_id for due in take(under_way)} == {2}
    assert progress_of(under_way, 2) == ("open", 0, 9)


def test_an_urgent_mailing_is_urgent_from_now_on(under_way: Office) -> None:
    with under_way.database.write() as connection:
        control.hasten(connection, 1)
    assert mailing_of(under_way).urgent


@pytest.mark.postgresql
def test_a_sweep_waits_for_no_lock_and_leaves_what_another_is_taking(
    postgresql_database: Database,
) -> None:
    """A dispatcher read the mailing as open, and takes before it can know better."""
    office = make_office(postgresql_database)
    import_readers(office, 9)
    publish_one(office)
    cut_finely(office, 1, size=3)
    with postgresql_database.write() as dispatcher:
        dispatcher.execute(text("SET LOCAL lock_timeout = '5s'"))
        handed = ledger.take(dispatcher, lease(office), 2)
        with postgresql_database.write() as operator:
            operator.execute(text("SET LOCAL lock_timeout = '1s'"))
            assert control.sweep(operator, office.clock()) == 0
        # The dispatcher has moved the mailing's own row; somebody who waits for it deadlocks nobody.
        canceller = threading.Thread(target=cancel, args=(office,))
        canceller.start()
    canceller.join()
    while sweep(office):
        pass
    assert states(office) == {"due": 2, "cancelled": 7}
    record(office, handed)
    sweep(office)
    assert states(office) == {"accepted": 2, "cancelled": 7}
    assert mailing_of(office).finished_at is not None


@pytest.mark.postgresql
def test_what_a_taker_holds_locked_is_passed_over(postgresql_database: Database) -> None:
    office = make_office(postgresql_database)
    import_readers(office, 9)
    publish_one(office)
    cut_finely(office, 1, size=3)
    with postgresql_database.write() as dispatcher:
        dispatcher.execute(text("SELECT * FROM chunk WHERE lo = 1 FOR UPDATE"))
        assert cancel(office)
        assert states(office) == {"due": 3, "cancelled": 6}
        assert take(office, worker="two") == []
    assert sweep(office) == 3
    assert states(office) == {"cancelled": 9}


@pytest.mark.postgresql
def test_older_writers_are_seen_and_younger_ones_are_not(postgresql_database: Database) -> None:
    def look(since: datetime | None) -> bool:
        with postgresql_database.read() as connection:
            return older_writers(connection, since)

    def moment() -> datetime | None:
        with postgresql_database.read() as connection:
            return database_moment(connection)

    before = moment()
    with postgresql_database.write() as writer:
        writer.execute(text("CREATE TABLE scratch (one integer)"))
        after = moment()
        assert before is not None
        assert after is not None
        assert (look(before), look(after)) == (False, True)
    assert not look(after)


def test_sqlite_has_one_writer_and_needs_no_such_look(sqlite_database: Database) -> None:
    with sqlite_database.read() as connection:
        assert database_moment(connection) is None
        assert not older_writers(connection, None)


def test_rows_that_lie_between_and_are_not_the_mailings_are_left_alone(office: Office) -> None:
    """Deliveries are found by their numbers; another's may lie among them."""
    import_readers(office, 9)
    publish_one(office)
    with office.database.write() as connection:
        connection.execute(text("UPDATE delivery SET mailing_id = NULL, cause = 'c' WHERE id = 5"))
    take(office, 7)
    assert [hand.letters for hand in hands(office)] == [7]
    give_back(office)
    cancel(office)
    assert row_of(office, 5).state == "due"
    assert states(office) == {"due": 1, "cancelled": 8}
